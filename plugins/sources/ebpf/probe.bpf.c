/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * The eBPF programs. One at the exit of every system call looks its number up and hands over to
 * the program that encodes it; the same programs can be attached to single calls with fexit, whose
 * arguments are the same two. Process events have hooks of their own.
 */
#include "prim_bpf.h"

#include "probe/abi.h"
#include "syscall/ids.h"

#include "probe/enc.h"

struct probe_conf conf;
struct probe_count counts[PROBE_CPUS];

struct scratch {
    u8 bytes[ENC_ROOM + ENC_SLACK];
};

/* Two for each CPU: hooks run inside system calls. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 2);
    __type(key, u32);
    __type(value, struct scratch);
} scratch SEC(".maps");

struct ring {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 4096);
};

struct rings {
    __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
    __uint(max_entries, 1);
    __type(key, u32);
    __array(values, struct ring);
};

struct rings rings_other SEC(".maps"), rings_state SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, 256);
    __type(key, u32);
    __type(value, u32);
} encoders SEC(".maps");

enum { SLOT_CALL = 0, SLOT_HOOK = 1 };

static PRIM_INLINE u8 *scratch_of(u32 slot, u32 cpu)
{
    u32 key = cpu * 2 + slot;

    return bpf_map_lookup_elem(&scratch, &key);
}

static PRIM_INLINE void send(struct enc *e, u32 class, u64 ts, s64 tid, u32 cpu)
{
    struct probe_event *ev = (struct probe_event *)e->buf;
    u64 flags = BPF_RB_NO_WAKEUP, len = (e->pos + 7) & ~7ull;
    u32 key;
    void *ring;

    cpu &= PROBE_CPUS - 1;
    key = conf.ring[cpu];
    ring = class == PROBE_STATE ? bpf_map_lookup_elem(&rings_state, &key)
                                : bpf_map_lookup_elem(&rings_other, &key);
    if (!ring)
        return;
    ev->len = (u32)len;
    ev->ts_ns = ts + conf.epoch_ns;
    ev->tid = tid;
    ev->flags = e->flags | conf.event_flags;
    ev->cpu = (u16)cpu;
    if (conf.waiting) {
        conf.waiting = 0;
        flags = BPF_RB_FORCE_WAKEUP;
    }
    PRIM_BOUND(len, ENC_ROOM + ENC_SLACK - 1);
    if (bpf_ringbuf_output(ring, ev, len, flags) == 0)
        counts[cpu].sent++;
    else
        counts[cpu].lost[class]++;
}

static PRIM_INLINE void prim_send(struct enc *e, u32 class)
{
    send(e, class, prim_now(), TASK_GET(prim_task(), pid), bpf_get_smp_processor_id());
}

static PRIM_INLINE u8 *prim_scratch(void)
{
    return scratch_of(SLOT_CALL, bpf_get_smp_processor_id());
}

static PRIM_INLINE u64 prim_snaplen(void)
{
    return conf.snaplen;
}

static PRIM_INLINE const struct probe_conf *prim_conf(void)
{
    return &conf;
}

#include "arch_bpf.h"
#include "walk_bpf.h"

#include "probe/encode_creds.h"
#include "probe/encode_fds.h"
#include "probe/encode_files.h"
#include "probe/encode_io.h"
#include "probe/encode_memory.h"
#include "probe/encode_messages.h"
#include "probe/encode_paths.h"
#include "probe/encode_process.h"
#include "probe/encode_sockets.h"
#include "probe/hooks.h"

/* ---- system calls ---- */

/* Numbers of encoders: ENC_openat. */
enum {
    ENC_NOBODY,
#define ENCODER(fn, type, class) ENC_##fn,
#include "probe/encoders.def"
#undef ENCODER
};

#define ENCODER(fn, type, class)                                                                   \
    static PRIM_INLINE int run_##fn(u64 *ctx, struct task_struct *task, bool table32)              \
    {                                                                                              \
        u64 ts = prim_now();                                                                       \
        u32 cpu = bpf_get_smp_processor_id();                                                      \
        u8 *buf = scratch_of(SLOT_CALL, cpu);                                                      \
        struct call c;                                                                             \
        struct enc e;                                                                              \
                                                                                                   \
        if (!buf || (u32)TASK_GET(task, tgid) == conf.self_tgid)                                   \
            return 0;                                                                              \
        arch_call(task, (const struct pt_regs *)ctx[0], (s64)ctx[1], table32, &c);                 \
        enc_begin(&e, buf, EV_##type, N_##type, FLAT_##type);                                      \
        if (encode_##fn(&e, &c)) {                                                                 \
            enc_check_number(&e, N_##type);                                                        \
            send(&e, class, ts, TASK_GET(task, pid), cpu);                                         \
        }                                                                                          \
        return 0;                                                                                  \
    }                                                                                              \
                                                                                                   \
    SEC("tp_btf/sys_exit")                                                                         \
    int call_##fn(u64 *ctx)                                                                        \
    {                                                                                              \
        struct task_struct *task = prim_task();                                                    \
                                                                                                   \
        return run_##fn(ctx, task, arch_is_compat(task));                                          \
    }
#include "probe/encoders.def"
#undef ENCODER

/* What fexit attaches to a function, to each a copy: so it is small. */
SEC("tp_btf/sys_exit")
int jump(u64 *ctx)
{
    u32 encoder = hook_encoder((const struct pt_regs *)ctx[0]);

    if (encoder != ENC_NOBODY)
        bpf_tail_call(ctx, &encoders, encoder);
    return 0;
}

/* The calls that come most often are spared the jump to a program of their own. */
SEC("tp_btf/sys_exit")
int sys_exit(u64 *ctx)
{
    struct pt_regs *regs = (struct pt_regs *)ctx[0];
    struct task_struct *task;
    u32 encoder;

    if (!hook_any(regs))
        return 0;
    task = prim_task();
    if (arch_is_compat(task)) {
        encoder = hook_encoder32(regs);
    } else {
        encoder = hook_encoder64(regs);
        if (encoder == ENC_openat)
            return run_openat(ctx, task, false);
        if (encoder == ENC_close)
            return run_close(ctx, task, false);
    }
    if (encoder == ENC_NOBODY)
        return 0;
    bpf_tail_call(ctx, &encoders, encoder);
    return 0;
}

/* Run once, by whoever loads us: what it calls itself may be its number in a container. */
SEC("raw_tp")
int who(void *ctx)
{
    (void)ctx;
    conf.self_tgid = bpf_get_current_pid_tgid() >> 32;
    return 0;
}

/* ---- processes ---- */

SEC("tp_btf/sched_process_exec")
int on_exec(u64 *ctx)
{
    u64 ts = prim_now();
    struct linux_binprm *bprm = (struct linux_binprm *)ctx[2];
    u8 *buf = scratch_of(SLOT_HOOK, bpf_get_smp_processor_id());
    bool at = arch_is_execveat();
    struct enc e;

    if (!buf || !(conf.hooks & PROBE_HOOK_EXEC))
        return 0;
    hook_exec(&e, buf, bprm, at);
    send(&e, PROBE_STATE, ts, TASK_GET(prim_task(), pid), bpf_get_smp_processor_id());
    return 0;
}

SEC("tp_btf/sched_process_fork")
int on_fork(u64 *ctx)
{
    u64 ts = prim_now();
    struct task_struct *child = (struct task_struct *)ctx[1];
    u8 *buf = scratch_of(SLOT_HOOK, bpf_get_smp_processor_id());
    struct enc e;

    if (!buf || !(conf.hooks & PROBE_HOOK_FORK))
        return 0;
    if (hook_fork(&e, buf, child))
        send(&e, PROBE_STATE, ts, KREAD(child, pid), bpf_get_smp_processor_id());
    return 0;
}

SEC("tp_btf/sched_process_exit")
int on_exit(u64 *ctx)
{
    u64 ts = prim_now();
    struct task_struct *task = (struct task_struct *)ctx[0];
    u8 *buf = scratch_of(SLOT_HOOK, bpf_get_smp_processor_id());
    struct enc e;

    if (!buf || !(conf.hooks & PROBE_HOOK_EXIT))
        return 0;
    hook_exit(&e, buf, task);
    send(&e, PROBE_STATE, ts, KREAD(task, pid), bpf_get_smp_processor_id());
    return 0;
}

/* Attached only while wanted: signals are many. */
SEC("tp_btf/signal_deliver")
int on_signal(u64 *ctx)
{
    u64 ts = prim_now();
    struct task_struct *task = prim_task();
    u32 cpu = bpf_get_smp_processor_id();
    u8 *buf = scratch_of(SLOT_HOOK, cpu);
    struct enc e;

    if (!buf || (u32)TASK_GET(task, tgid) == conf.self_tgid)
        return 0;
    hook_signal(&e, buf, (s32)ctx[0], (const struct kernel_siginfo *)ctx[1]);
    send(&e, PROBE_OTHER, ts, TASK_GET(task, pid), cpu);
    return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
