/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/**
 * @file process.h
 * @brief What encoders ask of threads and processes.
 */
#ifndef PROBE_PROCESS_H
#define PROBE_PROCESS_H

#include "file.h"
#include "flags.h"

enum {
    PIDS_PGID = 2,
    LIMIT_NOFILE = 7,
    PAGE_KIB = 4,
    RSS_SWAP = 2,
    RSS_SHMEM = 3,
    PIDNS_DEPTH = 32
};
enum { EXE_WRITABLE = 1, EXE_UPPER = 2, EXE_MEMFD = 4, EXE_LOWER = 8, CAP_OVERRIDE = 1 };

/* What a pid is called @p level namespaces deep, and in which. */
static PRIM_INLINE struct upid *process_upid(const struct pid *pid, u32 level)
{
    if (!pid || level > PIDNS_DEPTH)
        return NULL;
    return (struct upid *)((u8 *)pid + PRIM_OFFSETOF(struct pid, numbers) +
                           (u64)level * PRIM_SIZEOF(struct upid));
}

static PRIM_INLINE s64 process_nr(const struct pid *pid, u32 level)
{
    return KREAD(process_upid(pid, level), nr);
}

static PRIM_INLINE struct pid_namespace *process_pidns(const struct pid *pid, u32 level)
{
    return KREAD(process_upid(pid, level), ns);
}

static PRIM_INLINE u32 process_level(struct task_struct *task)
{
    return KREAD(task, thread_pid, level);
}

/** exe and args: what the new image was given, from its own memory. */
static PRIM_INLINE void process_args(struct enc *e, struct mm_struct *mm)
{
    u64 at = KREAD(mm, arg_start), end = KREAD(mm, arg_end), from;

    from = e->pos;
    if (at)
        enc_user_str(e, at);
    else
        enc_none(e);
    at += e->pos - from;
    enc_user_bytes(e, at, at && end > at ? end - at : 0, PROBE_STR_MAX);
}

static PRIM_INLINE void process_env(struct enc *e, struct mm_struct *mm)
{
    u64 at = KREAD(mm, env_start), end = KREAD(mm, env_end);

    enc_user_bytes(e, at, at && end > at ? end - at : 0, PROBE_STR_MAX);
}

/** Three parameters: memory in KiB. */
static PRIM_INLINE void process_memory(struct enc *e, struct mm_struct *mm)
{
    u64 rss = 0, swap = 0, size = 0;

    if (mm) {
        size = KREAD(mm, total_vm);
        rss = prim_rss(mm, 0) + prim_rss(mm, 1) + prim_rss(mm, RSS_SHMEM);
        swap = prim_rss(mm, RSS_SWAP);
    }
    enc_u32(e, (u32)(size * PAGE_KIB));
    enc_u32(e, (u32)(rss * PAGE_KIB));
    enc_u32(e, (u32)(swap * PAGE_KIB));
}

static PRIM_INLINE u32 process_tty(struct task_struct *task)
{
    struct tty_struct *tty = KREAD(task, signal, tty);
    u32 major, minor;

    if (!tty)
        return 0;
    major = (u32)KREAD(tty, driver, major);
    minor = (u32)(KREAD(tty, driver, minor_start) + KREAD(tty, index));
    return (minor & 0xff) | major << 8 | (minor & ~0xffu) << 12;
}

static PRIM_INLINE u64 process_cap(const kernel_cap_t *cap)
{
    u64 v = 0;

    (void)prim_kernel_read(&v, sizeof(v), cap);
    return v;
}

/** EXE_* of the file a process runs. */
static PRIM_INLINE u32 process_exe_flags(const struct cred *cred, const struct file *exe)
{
    struct inode *inode = KREAD(exe, f_inode);
    u32 mode = KREAD(inode, i_mode), r = 0, layer, word = 0;
    bool writable;

    if (process_cap(&cred->cap_effective) >> CAP_OVERRIDE & 1)
        writable = true;
    else if (KREAD(inode, i_uid.val) == KREAD(cred, fsuid.val))
        writable = mode & 0200;
    else if (KREAD(inode, i_gid.val) == KREAD(cred, fsgid.val))
        writable = mode & 0020;
    else
        writable = mode & 0002;
    if (writable)
        r |= EXE_WRITABLE;
    layer = file_layer(inode, KREAD(inode, i_sb, s_magic));
    r |= layer == LAYER_UPPER ? EXE_UPPER : layer == LAYER_LOWER ? EXE_LOWER : 0;
    /* what memfd_create() makes is called "memfd:…" and hangs below nothing */
    if (KREAD(exe, f_path.dentry) == KREAD(exe, f_path.dentry, d_parent)) {
        (void)prim_kernel_read(&word, sizeof(word), KREAD(exe, f_path.dentry, d_name.name));
        if (word == ('m' | 'e' << 8 | 'm' << 16 | 'f' << 24))
            r |= EXE_MEMFD;
    }
    return r;
}

/** When the init of the thread's namespace started, ns since boot. */
static PRIM_INLINE u64 process_pidns_start(struct task_struct *task, u32 level)
{
    struct pid_namespace *ns = process_pidns(KREAD(task, thread_pid), level);
    struct task_struct *init = KREAD(ns, child_reaper);

    return init ? prim_start_time(init) : 0;
}

#endif /* PROBE_PROCESS_H */
