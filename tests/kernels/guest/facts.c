// SPDX-License-Identifier: Apache-2.0
/* What this kernel lets root do with BPF, in one line. "yes" means that it was done and ran, not
 * that a configuration promises it; otherwise the step that failed and its error stand there. */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

static void tell(const char *fact, const char *step, int err)
{
    if (err)
        printf(" %s=no(%s: %s)", fact, step, strerror(err));
    else
        printf(" %s=yes", fact);
}

static bool has_run(int prog)
{
    struct bpf_prog_info info = {0};
    unsigned len = sizeof(info);
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (fd >= 0)
        (void)close(fd);
    return bpf_obj_get_info_by_fd(prog, &info, &len) == 0 && info.run_cnt > 0;
}

/* Load an empty program for a target that BTF knows by name, attach it, have it run. */
static void try_tracing(const char *fact, enum bpf_prog_type type, enum bpf_attach_type attach,
                        const char *target)
{
    static const struct bpf_insn empty[] = {
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0},
        {.code = BPF_JMP | BPF_EXIT},
    };
    int id = libbpf_find_vmlinux_btf_id(target, attach);
    if (id < 0) {
        tell(fact, target, -id);
        return;
    }
    LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = attach,
                .attach_btf_id = (unsigned)id);
    int prog = bpf_prog_load(type, "fact", "GPL", empty, sizeof(empty) / sizeof(empty[0]), &opts);
    if (prog < 0) {
        tell(fact, "load", errno);
        return;
    }
    int link = bpf_raw_tracepoint_open(NULL, prog);
    if (link < 0)
        tell(fact, "attach", errno);
    else if (!has_run(prog))
        printf(" %s=no(attached; did not run)", fact);
    else
        tell(fact, NULL, 0);
    if (link >= 0)
        (void)close(link);
    (void)close(prog);
}

static void first_line(const char *fact, const char *path)
{
    char text[256] = "?";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    if (n >= 0)
        text[n] = 0;
    if (fd >= 0)
        (void)close(fd);
    text[strcspn(text, "\n")] = 0;
    printf(" %s=%s", fact, text);
}

int main(void)
{
    struct utsname u;
    libbpf_set_print(NULL);
    printf("facts: release=%s", uname(&u) == 0 ? u.release : "?");
    tell("btf", "/sys/kernel/btf/vmlinux",
         access("/sys/kernel/btf/vmlinux", R_OK) == 0 ? 0 : errno);
    int stats = bpf_enable_stats(BPF_STATS_RUN_TIME);
    tell("stats", "enable", stats < 0 ? errno : 0);
    int ring = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "fact", 0, 0, 4096, NULL);
    tell("ringbuf", "create", ring < 0 ? errno : 0);
    try_tracing("tp_btf", BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP, "sys_exit");
    try_tracing("fentry", BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY, "__x64_sys_openat");
    try_tracing("fexit", BPF_PROG_TYPE_TRACING, BPF_TRACE_FEXIT, "__x64_sys_openat");
    try_tracing("lsm", BPF_PROG_TYPE_LSM, BPF_LSM_MAC, "file_open");
    first_line("lsms", "/sys/kernel/security/lsm");
    first_line("lockdown", "/sys/kernel/security/lockdown");
    first_line("jit", "/proc/sys/net/core/bpf_jit_enable");
    printf("\n");
    if (ring >= 0)
        (void)close(ring);
    if (stats >= 0)
        (void)close(stats);
    return 0;
}
