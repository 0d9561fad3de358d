/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * walk_kernel.h - the larger primitives, for a kernel module;
 * plugins/sources/ebpf/walk_bpf.h lists them with their meaning
 *
 * What eBPF walks by hand, the kernel has functions for that are exported and
 * do not sleep. (cgroup_path_ns(), get_mm_exe_file() and the like either do or
 * are not.) As nothing else here they take locks, those of renames, which no
 * caller of our tracepoints holds; records of signals have none of it.
 */
#ifndef GYR_WALK_KERNEL_H
#define GYR_WALK_KERNEL_H

#include <linux/audit.h>
#include <linux/dcache.h>
#include <linux/kernfs.h>

#include "prim_kernel.h"
#include "probe/enc.h"

#ifdef CONFIG_PREEMPT_RT
#error "not for PREEMPT_RT, where the locks of renames sleep"
#endif

/* Five paths of cgroups fit beside the five long strings that exec has. */
enum { WALK_ROOM = 4096, WALK_CGROUP_MAX = 2048 };

/*
 * A file that was found under RCU may be on its way out, and its path with it:
 * only who gets a reference may follow the path.
 */
static inline bool walk_hold(struct file *file)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
	return get_file_active(&file);
#else
	return get_file_rcu(file);
#endif
}

/*
 * Built in the upper half of the scratch memory, at whose end d_path() puts it.
 * @exe: without the mark that d_path() gives what was deleted and what is in no
 * folder (of memfd_create()), and the latter without the slash.
 */
static inline void walk_path(struct enc *e, struct file *file, bool exe)
{
	static const char mark[] = " (deleted)";
	const size_t n = sizeof(mark) - 1;
	bool alone, marked;
	char *path;
	size_t len;

	if (!file || !walk_hold(file))
		return;
	alone = IS_ROOT(file->f_path.dentry) &&
		file->f_path.dentry != file->f_path.mnt->mnt_root;
	marked = alone || d_unlinked(file->f_path.dentry);
	path = d_path(&file->f_path, e->buf + ENC_ROOM, WALK_ROOM);
	fput(file); /* the last one, if it is ours, is put off until we are out of here */
	if (IS_ERR(path)) {
		e->flags |= PROBE_EVF_CUT;
		return;
	}
	len = strlen(path);
	if (exe && marked && len > n && !memcmp(path + len - n, mark, n)) {
		len -= n;
		path[len] = 0;
	}
	if (exe && alone && *path == '/') {
		path++;
		len--;
	}
	PRIM_BOUND(e->pos, ENC_ROOM - 1);
	memcpy(e->buf + e->pos, path, len + 1);
	e->pos += len + 1;
}

static inline void prim_path(struct enc *e, struct file *file)
{
	walk_path(e, file, false);
}

static inline void prim_exe_path(struct enc *e, struct file *file)
{
	walk_path(e, file, true);
}

/* "name=" and the path of one hierarchy. */
static inline bool walk_cgroup(struct enc *e, struct task_struct *task, int id,
			       const char *name, size_t len)
{
	char *to;
	int n;

	PRIM_BOUND(e->pos, ENC_ROOM - 1);
	to = e->buf + e->pos;
	memcpy(to, name, len);
	n = cgroup_path(task_cgroup(task, id), to + len, WALK_CGROUP_MAX);
	if (n < 0 || n >= WALK_CGROUP_MAX)
		return false;
	to[len + n] = 0;
	e->pos += len + n + 1;
	return true;
}

#define WALK_CGROUP(id, name) \
	whole = whole && walk_cgroup(e, task, id##_cgrp_id, name "=", sizeof(name "=") - 1)

static inline void prim_cgroups(struct enc *e, struct task_struct *task)
{
	u64 begin = e->pos;
	bool whole = true;

#if IS_ENABLED(CONFIG_CPUSETS)
	WALK_CGROUP(cpuset, "cpuset");
#endif
#if IS_ENABLED(CONFIG_CGROUP_SCHED)
	WALK_CGROUP(cpu, "cpu");
#endif
#if IS_ENABLED(CONFIG_CGROUP_CPUACCT)
	WALK_CGROUP(cpuacct, "cpuacct");
#endif
#if IS_ENABLED(CONFIG_BLK_CGROUP)
	WALK_CGROUP(io, "io");
#endif
#if IS_ENABLED(CONFIG_MEMCG)
	WALK_CGROUP(memory, "memory");
#endif
	if (whole)
		return;
	e->flags |= PROBE_EVF_CUT;
	e->pos = begin;
}

#define WALK_NS(sec, nsec)	((u64)(sec) * NSEC_PER_SEC + (u64)(nsec))

static inline u64 prim_ctime(const struct inode *inode)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 11, 0)
	/* 6.13: a mark in the nanoseconds that somebody has asked */
	return WALK_NS(KREAD(inode, i_ctime_sec),
		       KREAD(inode, i_ctime_nsec) & ~(1u << 31));
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
	return WALK_NS(KREAD(inode, __i_ctime.tv_sec), KREAD(inode, __i_ctime.tv_nsec));
#else
	return WALK_NS(KREAD(inode, i_ctime.tv_sec), KREAD(inode, i_ctime.tv_nsec));
#endif
}

static inline u64 prim_mtime(const struct inode *inode)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 11, 0)
	return WALK_NS(KREAD(inode, i_mtime_sec), KREAD(inode, i_mtime_nsec));
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
	return WALK_NS(KREAD(inode, __i_mtime.tv_sec), KREAD(inode, __i_mtime.tv_nsec));
#else
	return WALK_NS(KREAD(inode, i_mtime.tv_sec), KREAD(inode, i_mtime.tv_nsec));
#endif
}

/* Of the thread's own memory or of a child's that has not run: both stay. */
static inline u64 prim_rss(struct mm_struct *mm, u32 kind)
{
	return get_mm_counter(mm, kind);
}

static inline u64 prim_start_time(struct task_struct *task)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 5, 0)
	return KREAD(task, start_boottime);
#else
	return KREAD(task, real_start_time);
#endif
}

static inline u32 prim_loginuid(struct task_struct *task)
{
	return __kuid_val(audit_get_loginuid(task));
}

static inline u32 prim_sock_type(const struct sock *sk)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 6, 0)
	return KREAD(sk, sk_type);
#else
	return KREAD_BIT(sk, sk_type);
#endif
}

#endif /* GYR_WALK_KERNEL_H */
