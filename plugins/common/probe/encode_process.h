/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/**
 * @file encode_process.h
 * @brief Encoders of what makes, changes and ends processes: exec, clone and its kin, exit.
 */
#ifndef PROBE_ENCODE_PROCESS_H
#define PROBE_ENCODE_PROCESS_H

#include "process.h"

enum { ARGV_MAX = 24, REAPER_STEPS = 24, EXITING = 4 };

/* ---- exec ---- */

/* cwd, which nobody fills, to the end: the same for an image that runs and one that failed. */
static PRIM_INLINE void exec_tail(struct enc *e, struct task_struct *task)
{
    struct mm_struct *mm = KREAD(task, mm);
    const struct cred *cred = KREAD(task, cred);
    struct file *exe = KREAD(mm, exe_file);
    struct inode *inode = KREAD(exe, f_inode);

    enc_u32(e, process_tty(task));
    enc_s64(e, process_nr(KREAD(task, signal, pids[PIDS_PGID]), process_level(task)));
    enc_u32(e, prim_loginuid(task));
    enc_u32(e, process_exe_flags(cred, exe));
    enc_u64(e, process_cap(&cred->cap_inheritable));
    enc_u64(e, process_cap(&cred->cap_permitted));
    enc_u64(e, process_cap(&cred->cap_effective));
    enc_u64(e, KREAD(inode, i_ino));
    enc_u64(e, prim_ctime(inode));
    enc_u64(e, prim_mtime(inode));
    enc_u32(e, KREAD(cred, euid.val));
    prim_exe_path(e, exe);
    enc_close(e);
    enc_s64(e, process_nr(KREAD(task, signal, pids[PIDS_PGID]), 0));
    enc_u32(e, KREAD(cred, egid.val));
}

/* tid to cgroups; cwd is known from what the process did before. */
static PRIM_INLINE void exec_middle(struct enc *e, struct task_struct *task)
{
    enc_s64(e, KREAD(task, pid));
    enc_s64(e, KREAD(task, tgid));
    enc_s64(e, KREAD(task, real_parent, tgid));
    enc_none(e);
    enc_u64(e, KREAD(task, signal, rlim[LIMIT_NOFILE].rlim_cur));
    enc_u64(e, KREAD(task, maj_flt));
    enc_u64(e, KREAD(task, min_flt));
    process_memory(e, KREAD(task, mm));
    enc_kernel_str(e, &task->comm);
    prim_cgroups(e, task);
    enc_close(e);
}

/** A new image runs. @p at execveat, whose event has no file name. */
static PRIM_INLINE void encode_exec(struct enc *e, struct task_struct *task,
                                    struct linux_binprm *bprm, bool at)
{
    struct mm_struct *mm = KREAD(task, mm);

    enc_s64(e, 0);
    process_args(e, mm);
    exec_middle(e, task);
    process_env(e, mm);
    exec_tail(e, task);
    if (!at)
        enc_kernel_str(e, KREAD(bprm, filename));
}

/* The strings of an argument vector, one after the other. */
static PRIM_INLINE void exec_vector(struct enc *e, u64 vec, u32 from, bool compat)
{
    u64 end = e->pos + PROBE_STR_MAX;

    for (u32 i = from; vec && i < ARGV_MAX; i++) {
        u64 p = 0;
        long n;

        if (prim_user_read(&p, compat ? 4 : 8, vec + (compat ? 4 : 8) * i) != 0 || !p)
            return;
        PRIM_BOUND(e->pos, ENC_ROOM - 1);
        n = prim_user_str(e->buf + e->pos, PROBE_STR_MAX, p);
        if (n <= 0 || n > PROBE_STR_MAX || e->pos + (u64)n > end) {
            e->flags |= PROBE_EVF_CUT;
            return;
        }
        e->pos += (u64)n;
    }
    if (vec)
        e->flags |= PROBE_EVF_CUT;
}

/* What was asked for and refused; one that succeeds is told by the hook. */
static PRIM_INLINE void exec_failed(struct enc *e, const struct call *c, u64 argv, u64 envp)
{
    u64 first = 0;

    enc_s64(e, c->ret);
    if (argv)
        (void)prim_user_read(&first, c->compat ? 4 : 8, argv);
    if (first)
        enc_user_str(e, first);
    else
        enc_none(e);
    exec_vector(e, first ? argv : 0, 1, c->compat);
    enc_close(e);
    exec_middle(e, prim_task());
    exec_vector(e, envp, 0, c->compat);
    enc_close(e);
    exec_tail(e, prim_task());
}

static PRIM_INLINE bool encode_execve(struct enc *e, const struct call *c)
{
    if (c->ret >= 0)
        return false;
    exec_failed(e, c, c->arg[1], c->arg[2]);
    enc_user_str(e, c->arg[0]);
    return true;
}

static PRIM_INLINE bool encode_execveat(struct enc *e, const struct call *c)
{
    if (c->ret >= 0)
        return false;
    exec_failed(e, c, c->arg[2], c->arg[3]);
    return true;
}

/* ---- clone ---- */

static PRIM_INLINE void clone_event(struct enc *e, struct task_struct *task, s64 res, u32 flags,
                                    u64 pidns_start)
{
    struct mm_struct *mm = KREAD(task, mm);
    struct pid *pid = KREAD(task, thread_pid);
    u32 level = KREAD(pid, level);
    const struct cred *cred = KREAD(task, cred);

    enc_s64(e, res);
    if (res >= 0 && mm) {
        process_args(e, mm);
    } else {
        enc_none(e);
        enc_none(e);
    }
    enc_s64(e, KREAD(task, pid));
    enc_s64(e, KREAD(task, tgid));
    enc_s64(e, KREAD(task, real_parent, tgid));
    enc_none(e);
    enc_s64(e, (s64)KREAD(task, signal, rlim[LIMIT_NOFILE].rlim_cur));
    enc_u64(e, KREAD(task, maj_flt));
    enc_u64(e, KREAD(task, min_flt));
    process_memory(e, mm);
    enc_kernel_str(e, &task->comm);
    prim_cgroups(e, task);
    enc_close(e);
    enc_u32(e, flags);
    enc_u32(e, KREAD(cred, euid.val));
    enc_u32(e, KREAD(cred, egid.val));
    enc_s64(e, process_nr(pid, level));
    enc_s64(e, process_nr(KREAD(task, group_leader, thread_pid), level));
    enc_u64(e, pidns_start);
}

enum { CLONE_IN_PIDNS = 0x20000000, CLONE_NEWPID_BIT = 0x40, CLONE_OF_THREAD = 0xa803 };

static PRIM_INLINE u32 clone_flags(const struct call *c)
{
    u16 type = arch_fork_type(c);
    u64 v = 0;

    if (type == EV_SYSCALL_CLONE_20_X)
        v = c->arg[0];
    else if (type == EV_SYSCALL_CLONE3_X)
        (void)prim_user_read(&v, sizeof(v), c->arg[0]);
    return flags_clone(v);
}

static PRIM_INLINE u16 fork_type(const struct call *c)
{
    u16 type = arch_fork_type(c);

    return type ? type : EV_SYSCALL_CLONE_20_X;
}

/** The child's side. It has not run yet: what it is like shows in its own numbers. */
static PRIM_INLINE bool encode_child(struct enc *e, struct task_struct *child, const struct call *c)
{
    u32 level = process_level(child), flags = clone_flags(c);

    /* threads that the kernel makes for a process, as io_uring does, come by no call of their own
     */
    if (!arch_fork_type(c) && KREAD(child, pid) != KREAD(child, tgid))
        flags |= CLONE_OF_THREAD;
    if (level > 0)
        flags |= CLONE_IN_PIDNS;
    clone_event(e, child, 0, flags, process_pidns_start(child, level));
    return true;
}

static PRIM_INLINE bool encode_clone(struct enc *e, const struct call *c)
{
    u32 flags = clone_flags(c);

    if (c->ret == 0)
        return false; /* the child's side: told by the hook */
    if (process_level(prim_task()) > 0 || flags & CLONE_NEWPID_BIT)
        flags |= CLONE_IN_PIDNS;
    clone_event(e, prim_task(), c->ret, flags, 0);
    return true;
}

#define encode_fork   encode_clone
#define encode_vfork  encode_clone
#define encode_clone3 encode_clone

/* ---- exit ---- */

/* Who gets the children of a process that ends: one of its threads, else the nearest ancestor that
 * asked for it, else the init of its namespace. 0 when it leaves none. */
static PRIM_INLINE s64 exit_reaper(struct task_struct *task)
{
    struct signal_struct *sig = KREAD(task, signal);
    struct list_head *head = &task->children, *at, *threads = &sig->thread_head;
    u32 level = process_level(task);
    struct pid_namespace *ns;
    struct task_struct *t;

    if (KREAD(head, next) == head)
        return 0;
    at = KREAD(threads, next);
    for (u32 i = 0; i < REAPER_STEPS && at && at != threads; i++, at = KREAD(at, next)) {
        t = (struct task_struct *)((u8 *)at - PRIM_OFFSETOF(struct task_struct, thread_node));
        if (t != task && !(KREAD(t, flags) & EXITING))
            return KREAD(t, pid);
    }
    if (KREAD_BIT(sig, has_child_subreaper)) {
        t = KREAD(task, real_parent);
        for (u32 i = 0; i < REAPER_STEPS && t && process_level(t) == level; i++) {
            if (KREAD(t, pid) <= 1)
                break;
            sig = KREAD(t, signal);
            if (KREAD_BIT(sig, is_child_subreaper))
                return KREAD(t, pid);
            t = KREAD(t, real_parent);
        }
    }
    ns = process_pidns(KREAD(task, thread_pid), level);
    return KREAD(ns, child_reaper, pid);
}

static PRIM_INLINE void encode_exit(struct enc *e, struct task_struct *task)
{
    s32 code = KREAD(task, exit_code);

    enc_s64(e, code);
    enc_s64(e, code >> 8 & 0xff);
    enc_u8(e, code & 0x7f);
    enc_u8(e, code >> 7 & 1);
    enc_s64(e, exit_reaper(task));
}

/* ---- signals ---- */

/** A signal reaches the thread that runs. Who sent it is known of what a process sent, and of
 *  children that changed. */
static PRIM_INLINE void encode_signal(struct enc *e, s32 sig, const struct kernel_siginfo *info)
{
    enum { SENT_BY_KERNEL = 1, OF_TIMER = -2, OF_FILE = -5, CHILD = 17 };
    s64 from = 0;

    if ((u64)info > SENT_BY_KERNEL) { /* small: constants that stand for the kernel */
        s32 code = KREAD(info, si_code);

        if ((code <= 0 && code != OF_TIMER && code != OF_FILE) || sig == CHILD)
            from = KREAD(info, _sifields._kill._pid);
    }
    enc_s64(e, from);
    enc_s64(e, KREAD(prim_task(), pid));
    enc_u8(e, (u8)sig);
}

#endif /* PROBE_ENCODE_PROCESS_H */
