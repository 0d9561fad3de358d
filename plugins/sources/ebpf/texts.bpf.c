/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * Arguments and environment of any process: user memory of others, which only a program that may
 * sleep can read (6.2). It is an iterator over one thread, our own, for iterators can be run at
 * will; the process it reads is asked for by its number in the first PID namespace.
 */
#include "prim_bpf.h"

#include "texts_abi.h"

struct texts_run run;
__u8 args[TEXTS_MAX], env[TEXTS_MAX];

extern struct task_struct *bpf_task_from_pid(s32 pid) __ksym;
extern void bpf_task_release(struct task_struct *task) __ksym;

static PRIM_INLINE u32 copy(u8 *to, u64 at, u64 end, struct task_struct *task)
{
    u64 len = end - at;

    if (!at || at >= end)
        return 0;
    if (len > TEXTS_MAX)
        len = TEXTS_MAX;
    PRIM_BOUND(len, 2 * TEXTS_MAX - 1);
    if (len > TEXTS_MAX || bpf_copy_from_user_task(to, (u32)len, (void *)at, task, 0) != 0)
        return 0;
    return (u32)len;
}

SEC("iter.s/task")
int texts(u64 *ctx)
{
    struct task_struct *task;
    struct mm_struct *mm;

    if (!ctx[1]) /* behind the last */
        return 0;
    run.args_len = run.env_len = 0;
    task = bpf_task_from_pid(run.pid);
    if (!task)
        return 0;
    mm = KREAD(task, mm);
    if (mm) {
        run.args_len = copy(args, KREAD(mm, arg_start), KREAD(mm, arg_end), task);
        run.env_len = copy(env, KREAD(mm, env_start), KREAD(mm, env_end), task);
    }
    bpf_task_release(task);
    return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
