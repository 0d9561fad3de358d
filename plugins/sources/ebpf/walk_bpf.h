/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/**
 * @file walk_bpf.h
 * @brief The larger primitives, for eBPF: what the kernel has functions for that no program may
 * call, so that names are collected by walking up to the root.
 *
 *   prim_path(e, file)      add the path of an open file as d_path() gives it, with its NUL;
 *                           nothing when it is too long or too deep to be told whole
 *   prim_path_from(e, path, task)  the same of any path, as seen from the root of that thread
 *   prim_exe_path(e, file)  as prim_path() of a program: no mark when it is deleted, no slash
 *                           before the name of what is in no folder ("memfd:name")
 *   prim_mount_id(vfsmount) its number, as user space sees it
 *   prim_cgroups(e, task)   add "cpuset=/…\0cpu=/…\0…"; nothing when one of the paths is too long
 *                           or too deep: half of it would tell another container
 *   prim_ctime, prim_mtime  of an inode, ns
 *   prim_rss(mm, i)         pages of kind i
 *   prim_start_time(task)   ns since boot, sleep included
 *   prim_loginuid(task)
 *   prim_sock_type(sk)      SOCK_*
 *
 * Text is built backwards in the upper half of the scratch memory, then moved into place.
 */
#ifndef EBPF_WALK_BPF_H
#define EBPF_WALK_BPF_H

#include "probe/enc.h"

enum { WALK_ROOM = 4096, WALK_NAME_MAX = 255, WALK_PATH_PARTS = 48, WALK_CGROUP_PARTS = 16 };
/* Five paths of cgroups fit beside the five long strings that exec has. */
enum { WALK_CGROUP_MAX = 2048, WALK_CGROUP_LAST = WALK_ROOM - WALK_CGROUP_MAX + WALK_NAME_MAX + 1 };

struct walk {
    u8 *buf;
    u64 off; /* where the text begins; it ends at WALK_ROOM - 1 with a NUL */
};

static PRIM_INLINE void walk_begin(struct walk *w, const struct enc *e)
{
    w->buf = e->buf + ENC_ROOM;
    w->off = WALK_ROOM - 1;
    w->buf[WALK_ROOM - 1] = 0;
}

/* Put "/name" before what is there. @return false when there is no room. */
static PRIM_INLINE bool walk_prepend(struct walk *w, const void *name, u64 len)
{
    PRIM_BOUND(len, WALK_NAME_MAX);
    if (len + 1 > w->off)
        return false;
    w->off -= len + 1;
    PRIM_BOUND(w->off, WALK_ROOM - 1);
    w->buf[w->off] = '/';
    PRIM_BOUND(len, WALK_NAME_MAX); /* 6.12 forgets it when len + 1 is compared */
    (void)prim_kernel_read(w->buf + w->off + 1, len, name);
    return true;
}

/* Move the text to the end of the parameter that is being put, with its NUL. */
static PRIM_INLINE void walk_put(const struct walk *w, struct enc *e)
{
    u64 off = w->off, len = WALK_ROOM - off;

    PRIM_BOUND(off, WALK_ROOM - 1);
    PRIM_BOUND(len, 2 * WALK_ROOM - 1);
    PRIM_BOUND(e->pos, ENC_ROOM - 1);
    if (len > 0 && len <= WALK_ROOM && prim_kernel_read(e->buf + e->pos, len, w->buf + off) == 0)
        e->pos += len;
    PRIM_SETTLE(e->pos, e->buf + ENC_ROOM + ENC_SLACK - 8, ENC_ROOM - 1);
}

static PRIM_INLINE struct mount *walk_mount(struct vfsmount *mnt)
{
    return (struct mount *)((u8 *)mnt - bpf_core_field_offset(struct mount, mnt));
}

static PRIM_INLINE int prim_mount_id(struct vfsmount *mnt)
{
    return KREAD(walk_mount(mnt), mnt_id);
}

static PRIM_INLINE void walk_deleted(struct walk *w)
{
    static const char text[10] = " (deleted)";

    w->off -= sizeof(text);
    for (u32 i = 0; i < sizeof(text); i++)
        w->buf[WALK_ROOM - 1 - sizeof(text) + i] = (u8)text[i];
}

/* As a thread sees it whose root is that of @p from. */
static PRIM_INLINE void walk_path(struct enc *e, const struct path *path, bool exe,
                                  struct task_struct *from)
{
    struct vfsmount *vfs = KREAD(path, mnt), *root_vfs = KREAD(from, fs, root.mnt);
    struct dentry *d = KREAD(path, dentry), *root = KREAD(from, fs, root.dentry);
    struct mount *mnt = walk_mount(vfs);
    bool whole = false;
    struct walk w;

    if (!d)
        return;
    walk_begin(&w, e);
    if (!exe && KREAD(d, d_inode, i_nlink) == 0)
        walk_deleted(&w);
    for (u32 i = 0; i < WALK_PATH_PARTS; i++) {
        struct dentry *parent = KREAD(d, d_parent);
        bool mounted = d == KREAD(vfs, mnt_root);

        whole = d == root && vfs == root_vfs;
        if (whole)
            break;
        if (mounted) { /* the root of a mount: on to where it is mounted */
            struct mount *up = KREAD(mnt, mnt_parent);

            parent = KREAD(mnt, mnt_mountpoint);
            whole = mnt == up;
            if (whole)
                break;
            mnt = up;
            vfs = (struct vfsmount *)((u8 *)up + bpf_core_field_offset(struct mount, mnt));
        } else {
            if (!walk_prepend(&w, KREAD(d, d_name.name), KREAD(d, d_name.len)))
                break;
            whole = d == parent;
            if (whole) {
                w.off += exe;
                break;
            }
        }
        d = parent;
        PRIM_SETTLE(w.off, w.buf + WALK_ROOM, WALK_ROOM - 1);
    }
    if (!whole) { /* the end of a path is another one, of whoever's choice */
        e->flags |= PROBE_EVF_CUT;
        return;
    }
    if (w.off >= WALK_ROOM - 1)
        (void)walk_prepend(&w, NULL, 0);
    walk_put(&w, e);
}

static PRIM_INLINE void prim_path(struct enc *e, const struct file *file)
{
    walk_path(e, &file->f_path, false, prim_task());
}

static PRIM_INLINE void prim_path_from(struct enc *e, const struct path *path,
                                       struct task_struct *from)
{
    walk_path(e, path, false, from);
}

static PRIM_INLINE void prim_exe_path(struct enc *e, const struct file *file)
{
    walk_path(e, &file->f_path, true, prim_task());
}

static PRIM_INLINE struct kernfs_node *walk_kernfs_parent(struct kernfs_node *kn)
{
    struct kernfs_node___v6_15 *now = (void *)kn;

    if (bpf_core_field_exists(now->__parent))
        return KREAD(now, __parent);
    return KREAD(kn, parent);
}

/* "name=" and the path of one hierarchy; the text of the one before serves where it is the same. */
static PRIM_INLINE void walk_cgroup(struct enc *e, struct walk *w, struct kernfs_node **last,
                                    struct task_struct *task, u32 id, const char *name, u32 len,
                                    bool *cut)
{
    struct kernfs_node *kn, *up;
    bool whole = false;

    kn = KREAD(task, cgroups, subsys[id], cgroup, kn);
    PRIM_BOUND(e->pos, ENC_ROOM - 1);
    for (u32 i = 0; i < len; i++)
        e->buf[e->pos + i] = (u8)name[i];
    e->pos += len;
    if (kn != *last) {
        *last = kn;
        walk_begin(w, e);
        for (u32 i = 0; i < WALK_CGROUP_PARTS && kn; i++, kn = up) {
            u64 n;

            up = walk_kernfs_parent(kn);
            if (!up) { /* the root has no name */
                whole = true;
                break;
            }
            if (w->off < WALK_CGROUP_LAST)
                break;
            /* its length is not kept: read it where there is room, then where it belongs */
            n = (u64)prim_kernel_str(w->buf + WALK_ROOM, WALK_NAME_MAX + 1, KREAD(kn, name));
            if ((s64)n <= 0 || !walk_prepend(w, w->buf + WALK_ROOM, n - 1))
                break;
            PRIM_SETTLE(w->off, w->buf + WALK_ROOM, WALK_ROOM - 1);
        }
        if (kn && !whole)
            *cut = true;
        if (w->off >= WALK_ROOM - 1)
            (void)walk_prepend(w, NULL, 0);
    }
    walk_put(w, e);
}

#define WALK_CGROUP(id, name)                                                                      \
    if (bpf_core_enum_value_exists(enum cgroup_subsys_id, id##_cgrp_id))                           \
    walk_cgroup(e, &w, &last, task, bpf_core_enum_value(enum cgroup_subsys_id, id##_cgrp_id),      \
                name "=", sizeof(name), &cut)

static PRIM_INLINE void prim_cgroups(struct enc *e, struct task_struct *task)
{
    struct kernfs_node *last = NULL;
    u64 begin = e->pos;
    bool cut = false;
    struct walk w;

    walk_begin(&w, e);
    WALK_CGROUP(cpuset, "cpuset");
    WALK_CGROUP(cpu, "cpu");
    WALK_CGROUP(cpuacct, "cpuacct");
    WALK_CGROUP(io, "io");
    WALK_CGROUP(memory, "memory");
    if (!cut)
        return;
    e->flags |= PROBE_EVF_CUT;
    e->pos = begin;
    PRIM_SETTLE(e->pos, e->buf + ENC_ROOM + ENC_SLACK - 8, ENC_ROOM - 1);
}

#define NS_PER_S 1000000000ull

enum { CTIME_QUERIED = 1 << 31 }; /* 6.13: a mark in the nanoseconds that somebody has asked */

static PRIM_INLINE u64 prim_ctime(const struct inode *inode)
{
    const struct inode___v6_11 *v11 = (const void *)inode;
    const struct inode___v6_6 *v6 = (const void *)inode;

    if (bpf_core_field_exists(v11->i_ctime_sec))
        return (u64)KREAD(v11, i_ctime_sec) * NS_PER_S +
               (KREAD(v11, i_ctime_nsec) & ~CTIME_QUERIED);
    if (bpf_core_field_exists(v6->__i_ctime))
        return (u64)KREAD(v6, __i_ctime.tv_sec) * NS_PER_S + (u64)KREAD(v6, __i_ctime.tv_nsec);
    return (u64)KREAD(inode, i_ctime.tv_sec) * NS_PER_S + (u64)KREAD(inode, i_ctime.tv_nsec);
}

static PRIM_INLINE u64 prim_mtime(const struct inode *inode)
{
    const struct inode___v6_11 *v11 = (const void *)inode;
    const struct inode___v6_7 *v7 = (const void *)inode;

    if (bpf_core_field_exists(v11->i_mtime_sec))
        return (u64)KREAD(v11, i_mtime_sec) * NS_PER_S + KREAD(v11, i_mtime_nsec);
    if (bpf_core_field_exists(v7->__i_mtime))
        return (u64)KREAD(v7, __i_mtime.tv_sec) * NS_PER_S + (u64)KREAD(v7, __i_mtime.tv_nsec);
    return (u64)KREAD(inode, i_mtime.tv_sec) * NS_PER_S + (u64)KREAD(inode, i_mtime.tv_nsec);
}

static PRIM_INLINE u64 prim_rss(struct mm_struct *mm, u32 kind)
{
    s64 n = 0;

    if (bpf_core_type_exists(struct mm_rss_stat))
        n = KREAD(mm, rss_stat.count[kind].counter);
    else /* an index that is no constant is not relocated: the counters are larger than here */
        (void)prim_kernel_read(&n, sizeof(n),
                               (u8 *)mm + PRIM_OFFSETOF(struct mm_struct___v6_2, rss_stat) +
                                   (u64)kind * PRIM_SIZEOF(struct percpu_counter) +
                                   PRIM_OFFSETOF(struct percpu_counter, count));
    return n > 0 ? (u64)n : 0;
}

static PRIM_INLINE u64 prim_start_time(struct task_struct *task)
{
    struct task_struct___v5_16 *old = (void *)task;

    if (bpf_core_field_exists(task->start_boottime))
        return KREAD(task, start_boottime);
    return KREAD(old, real_start_time);
}

static PRIM_INLINE u32 prim_loginuid(struct task_struct *task)
{
    return KREAD(task, loginuid.val);
}

static PRIM_INLINE u32 prim_sock_type(const struct sock *sk)
{
    return KREAD(sk, sk_type);
}

#endif /* EBPF_WALK_BPF_H */
