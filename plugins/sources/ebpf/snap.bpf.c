/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * The machine's state without /proc: who there is, and what each has open. Never attached, but run
 * on demand (BPF_PROG_TEST_RUN of raw tracepoints: 5.10), one question for each run.
 *
 * The kernel's own iterators over tasks show the PID namespace of who reads them, which is of no
 * use where this is for; so the lists are walked from the first process of all. Runs are read-side
 * critical sections of RCU: what is on a list stays in memory. Between two runs a thread may go;
 * it is told of only if what lies in its place still has its number and time of start.
 */
#include "prim_bpf.h"

#include "snap_abi.h"

#include "probe/abi.h"
#include "syscall/ids.h"

#include "probe/enc.h"
#include "texts_abi.h"

struct snap_run run;
struct snap_task list[SNAP_LIST];
__u8 record[SNAP_RECORD_MAX];
__u8 args[TEXTS_MAX + 8], env[TEXTS_MAX + 8];

_Static_assert((int)SNAP_RECORD_MAX == (int)ENC_ROOM + (int)ENC_SLACK, "one record");

#include "walk_bpf.h"

#include "probe/encode_state.h"

enum { FD_WORDS = 64, WORD_BITS = 64 };

/* The first process of the machine. Its parent is the kernel's own idle thread, where the list of
 * processes begins and ends. */
static PRIM_INLINE struct task_struct *first_process(void)
{
    const struct pid *pid = KREAD(prim_task(), thread_pid);
    const struct pid_namespace *ns = process_pidns(pid, 0);

    return KREAD(ns, child_reaper);
}

static PRIM_INLINE struct task_struct *next_process(const struct task_struct *leader)
{
    return (struct task_struct *)((u8 *)KREAD(leader, tasks.next) -
                                  PRIM_OFFSETOF(struct task_struct, tasks));
}

static PRIM_INLINE struct task_struct *next_thread(struct task_struct *t)
{
    struct task_struct *leader = KREAD(t, group_leader);
    struct list_head *node = KREAD(t, thread_node.next);
    struct signal_struct *sig = KREAD(t, signal);

    if (!node || node == &sig->thread_head)
        return next_process(leader);
    return (struct task_struct *)((u8 *)node - PRIM_OFFSETOF(struct task_struct, thread_node));
}

SEC("raw_tp")
int snap_list(void *ctx)
{
    struct task_struct *end = KREAD(first_process(), real_parent), *t;
    u32 n = 0;

    (void)ctx;
    run.lost = run.n = 0;
    if (!end)
        return 0;
    t = run.cursor ? (struct task_struct *)run.cursor : next_process(end);
    if (run.cursor && KREAD(t, thread_node.prev, next) != &t->thread_node) {
        run.lost = 1;
        return 0;
    }
    for (u32 i = 0; i < SNAP_LIST && t && t != end; i++) {
        list[i].task = (u64)t;
        list[i].start_ns = prim_start_time(t);
        list[i].tid = KREAD(t, pid);
        list[i].pid = KREAD(t, tgid);
        list[i].exiting = KREAD(t, flags) & TASK_EXITING;
        list[i].live = KREAD(t, signal, live.counter);
        n = i + 1;
        t = next_thread(t);
    }
    run.n = n;
    run.cursor = t == end ? 0 : (u64)t;
    return 0;
}

static PRIM_INLINE struct task_struct *asked(void)
{
    struct task_struct *t = (struct task_struct *)run.is.task;

    if ((u32)KREAD(t, pid) != run.is.tid || (u32)KREAD(t, tgid) != run.is.pid ||
        prim_start_time(t) != run.is.start_ns)
        return NULL;
    return t;
}

static PRIM_INLINE void begin(struct enc *e, struct state_from *from, u16 type, u16 n, u16 first)
{
    enc_begin(e, record, type, n, first);
    from->root = first_process();
    from->epoch_ns = run.epoch_ns;
    from->args = args;
    from->env = env;
    from->args_len = run.args_len;
    from->env_len = run.env_len;
    from->max = TEXTS_MAX;
}

SEC("raw_tp")
int snap_thread(void *ctx)
{
    struct task_struct *t = asked();
    struct state_from from;
    struct enc e;

    (void)ctx;
    run.len = 0;
    if (!t)
        return 0;
    begin(&e, &from, EV_SNAP_PROCESS, N_SNAP_PROCESS, FLAT_SNAP_PROCESS);
    encode_thread(&e, t, &from);
    enc_check_number(&e, N_SNAP_PROCESS);
    run.len = (u32)e.pos;
    return 0;
}

/* The lowest open descriptor from @p fd on, within some words of bits. @return -1: none there. */
static PRIM_INLINE s64 next_open(const struct fdtable *fdt, u32 fd, u32 max)
{
    const unsigned long *words = KREAD(fdt, open_fds);
    u64 skip = ~0ull << (fd % WORD_BITS), bits = 0;
    u32 w = fd / WORD_BITS;

    for (u32 i = 0; i < FD_WORDS && !bits && w * WORD_BITS < max; i++) {
        (void)prim_kernel_read(&bits, sizeof(bits), words + w);
        bits &= skip;
        skip = ~0ull;
        if (!bits)
            w++;
    }
    run.fd = w * WORD_BITS; /* where the look ended */
    if (!bits)
        return -1;
    for (u32 step = WORD_BITS / 2; step; step /= 2) {
        if (!(bits & ((1ull << step) - 1))) {
            bits >>= step;
            run.fd += step;
        }
    }
    return run.fd;
}

SEC("raw_tp")
int snap_fd(void *ctx)
{
    struct task_struct *t = asked();
    struct state_from from;
    struct file *file = NULL;
    struct fdtable *fdt;
    u64 word = 0;
    struct enc e;
    u32 max;
    s64 fd;

    (void)ctx;
    run.len = run.more = 0;
    fdt = t ? KREAD(state_live(t), files, fdt) : NULL;
    max = KREAD(fdt, max_fds);
    if (!fdt || run.fd >= max)
        return 0;
    fd = next_open(fdt, run.fd, max);
    if (fd >= 0) {
        (void)prim_kernel_read(&file, sizeof(file), KREAD(fdt, fd) + fd);
        (void)prim_kernel_read(&word, sizeof(word), KREAD(fdt, close_on_exec) + fd / WORD_BITS);
    }
    if (file) { /* else its number is taken, and it is about to be opened */
        begin(&e, &from, EV_SNAP_FD, N_SNAP_FD, FLAT_SNAP_FD);
        encode_fd(&e, run.is.pid, fd, file, word >> (fd % WORD_BITS) & 1, &from);
        run.len = (u32)e.pos;
    }
    if (fd >= 0)
        run.fd = (u32)fd + 1;
    run.more = run.fd < max;
    return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
