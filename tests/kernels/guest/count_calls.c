// SPDX-License-Identifier: Apache-2.0
/* Instructions that system calls take, user side and kernel together: run where the time stamp
 * counter counts instructions, which is a guest under `qemu -icount shift=0` (boot.sh -c). Each
 * figure is the least and the median of many short runs; the least is the call undisturbed by
 * timer ticks and other processes, the median has its share of them.
 *     count_calls [LABEL [empty]]
 * With "empty" a program that does nothing is attached to the exit of every call meanwhile.
 * Exit status 77 when the counter does not count instructions here. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { RUNS = 301, CALLS = 64 };

static uint64_t now(void)
{
    return __builtin_ia32_rdtsc();
}

static void nothing(void)
{
    for (int i = 0; i < CALLS; i++)
        __asm__ volatile("" ::: "memory");
}

static void getppid_raw(void)
{
    for (int i = 0; i < CALLS; i++)
        (void)syscall(SYS_getppid);
}

static void open_close(void)
{
    for (int i = 0; i < CALLS; i++) {
        int fd = (int)syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY);
        (void)syscall(SYS_close, fd);
    }
}

static int ends[2];

static void pipe_write_read(void)
{
    char c = 'x';
    for (int i = 0; i < CALLS; i++) {
        if (write(ends[1], &c, 1) != 1 || read(ends[0], &c, 1) != 1)
            exit(1);
    }
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* A loop of two instructions a round takes as much as it should, or the counter counts time. */
static int counts_instructions(void)
{
    uint64_t best = UINT64_MAX;
    for (int run = 0; run < 20; run++) {
        uint64_t rounds = 100000, begin = now();
        __asm__ volatile("1: dec %0\n jnz 1b" : "+r"(rounds) : : "cc");
        uint64_t took = now() - begin;
        best = took < best ? took : best;
    }
    return best >= 200000 && best < 200200;
}

static void measure(const char *label, const char *what, void (*work)(void))
{
    static uint64_t took[RUNS];
    for (int run = 0; run < RUNS; run++) {
        uint64_t begin = now();
        work();
        took[run] = now() - begin;
    }
    qsort(took, RUNS, sizeof(took[0]), by_value);
    printf("count: %s %s least=%.1f median=%.1f\n", label, what, (double)took[0] / CALLS,
           (double)took[RUNS / 2] / CALLS);
}

/* The least that any program at the exit of every call costs. It stays as long as this process. */
static int attach_empty(void)
{
    static const struct bpf_insn empty[] = {
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0},
        {.code = BPF_JMP | BPF_EXIT},
    };
    int id = libbpf_find_vmlinux_btf_id("sys_exit", BPF_TRACE_RAW_TP);
    LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_TRACE_RAW_TP,
                .attach_btf_id = id > 0 ? (unsigned)id : 0);
    int prog = bpf_prog_load(BPF_PROG_TYPE_TRACING, "empty", "GPL", empty, 2, &opts);

    return prog < 0 ? -1 : bpf_raw_tracepoint_open(NULL, prog);
}

int main(int argc, char **argv)
{
    const char *label = argc > 1 ? argv[1] : "plain";
    if (!counts_instructions()) {
        printf("count: the time stamp counter does not count instructions here\n");
        return 77;
    }
    if (pipe(ends) != 0)
        return 1;
    if (argc > 2 && strcmp(argv[2], "empty") == 0 && attach_empty() < 0) {
        printf("count: no program can be attached to the exit of calls\n");
        return 1;
    }
    measure(label, "empty", nothing);
    measure(label, "getppid", getppid_raw);
    measure(label, "open+close", open_close);
    measure(label, "write+read", pipe_write_read);
    return 0;
}
