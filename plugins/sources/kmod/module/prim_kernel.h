/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * prim_kernel.h - the primitives of the encoders (plugins/common/probe), for a
 * kernel module; plugins/sources/ebpf/prim_bpf.h lists them with their meaning
 *
 * What holds wherever they are used (encoders.c sees to it):
 *  - the context is that of the thread told of, in no interrupt; it holds no
 *    lock, but for siglock where a signal is told, which only reads by KREAD();
 *  - preemption is disabled and an RCU read section open, so that a task, file,
 *    descriptor table or cgroup whose pointer was read here is still memory of
 *    its kind, though it may be on its way out.
 *
 * Members are read fault-safe all the same (KREAD): another thread may close
 * the descriptor meanwhile, sockets are not freed by RCU, and what stands
 * behind private_data is a socket only after a look. What such a race yields is
 * wrong numbers in one record, never a fault.
 */
#ifndef GYR_PRIM_KERNEL_H
#define GYR_PRIM_KERNEL_H

#include <linux/version.h>
#include <linux/types.h>
#include <linux/kernel.h>
#include <linux/binfmts.h>
#include <linux/cgroup.h>
#include <linux/compiler.h>
#include <linux/cred.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mount.h>
#include <linux/net.h>
#include <linux/nospec.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/timekeeping.h>
#include <linux/tty.h>
#include <linux/tty_driver.h>
#include <linux/uaccess.h>
#include <net/af_unix.h>
#include <net/sock.h>
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
#include <linux/unaligned.h>
#else
#include <asm/unaligned.h>
#endif

#include "encoders.h"

#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 4, 0)
#error "Linux 5.4 or newer, please"
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 8, 0)
#define copy_from_kernel_nofault	probe_kernel_read

/* There was none before 5.5, then one by another name. */
static inline long copy_from_user_nofault(void *dst, const void __user *src, size_t n)
{
	mm_segment_t fs = get_fs();
	long left = n;

	set_fs(USER_DS);
	pagefault_disable();
	if (access_ok(src, n))
		left = __copy_from_user_inatomic(dst, src, n);
	pagefault_enable();
	set_fs(fs);
	return left ? -EFAULT : 0;
}
#endif

/* The compiler knows best which of them to inline here. */
#define PRIM_INLINE	inline
#define PRIM_FUNCTION	static noinline
#define PRIM_TABLE	static const

/*
 * No verifier asks for it here. It keeps what a mispredicted branch may reach
 * within bounds, as array_index_nospec() does.
 */
#define PRIM_BOUND(v, mask)			\
	do {					\
		OPTIMIZER_HIDE_VAR(v);		\
		(v) &= (mask);			\
	} while (0)
#define PRIM_SETTLE(v, mem, mask)	PRIM_BOUND(v, mask)
#define PRIM_STORE(type, p, v)		put_unaligned((type)(v), (type *)(p))

#define PRIM_SIZEOF(type)		sizeof(type)
#define PRIM_OFFSETOF(type, member)	offsetof(type, member)

/* Members that are there by configuration alone, each by its name. */
#define PRIM_HAS(type, member)		PRIM_HAS_##member
#define PRIM_HAS_skc_v6_daddr		IS_ENABLED(CONFIG_IPV6)

/* What cannot be read reads as zeros, as eBPF's helpers have it. */
static inline long prim_kernel_read(void *dst, u64 n, const void *p)
{
	if (likely(!copy_from_kernel_nofault(dst, p, n)))
		return 0;
	memset(dst, 0, n);
	return -EFAULT;
}

static inline long prim_user_read(void *dst, u64 n, u64 user)
{
	if (likely(!copy_from_user_nofault(dst, (const void __user *)user, n)))
		return 0;
	memset(dst, 0, n);
	return -EFAULT;
}

/*
 * strncpy_from_user_nofault() is not exported, what it does is: with page
 * faults disabled nothing of it sleeps. A kernel thread has no user memory.
 */
static inline long prim_user_str(void *dst, u32 n, u64 user)
{
	long len;
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 10, 0)
	mm_segment_t fs = get_fs();
#endif

	if (!current->mm)
		return -EFAULT;
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 10, 0)
	set_fs(USER_DS);
#endif
	pagefault_disable();
	len = strncpy_from_user(dst, (const char __user *)user, n);
	pagefault_enable();
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 10, 0)
	set_fs(fs);
#endif
	if (len < 0)
		return len;
	if (len >= n) {
		((char *)dst)[n - 1] = 0;
		return n;
	}
	return len + 1;
}

/*
 * Nothing that reads strings of the kernel's is exported. Steps end where
 * PRIM_STR_STEP divides the address, so that none goes on to a page that the
 * string has not reached.
 */
#define PRIM_STR_STEP	32

static inline long prim_kernel_str(void *dst, u32 n, const void *p)
{
	const char *from = p;
	char *to = dst, *end;
	u32 at, step;

	for (at = 0; at < n; at += step) {
		step = PRIM_STR_STEP - (unsigned long)(from + at) % PRIM_STR_STEP;
		step = min(step, n - at);
		if (prim_kernel_read(to + at, step, from + at))
			return -EFAULT;
		end = memchr(to + at, 0, step);
		if (end)
			return end - to + 1;
	}
	to[n - 1] = 0;
	return n;
}

/* The union takes a const away that the member has, or what it stands in. */
#define KREAD_1(p, m)							\
({									\
	__auto_type p_ = (p);						\
	union {								\
		typeof(p_->m) val;					\
		u8 raw[sizeof(p_->m)];					\
	} u_;								\
									\
	(void)prim_kernel_read(u_.raw, sizeof(u_.raw), &p_->m);		\
	u_.val;								\
})
#define KREAD_2(p, m, n)	KREAD_1(KREAD_1(p, m), n)
#define KREAD_3(p, m, n, o)	KREAD_1(KREAD_2(p, m, n), o)

#define KREAD(p, ...)	CONCATENATE(KREAD_, COUNT_ARGS(__VA_ARGS__))(p, __VA_ARGS__)

/* Nothing is quicker here that is as safe. */
#define KGET(p, m)	KREAD_1(p, m)

#define KREAD_INTO(dst, p, m)						\
	((void)prim_kernel_read((dst), sizeof(*(dst)), &(p)->m))

/* A bit-field has no address: it comes with all that it stands in. */
#define KREAD_BIT(p, m)							\
({									\
	union {								\
		typeof(*(p)) val;					\
		u8 raw[sizeof(*(p))];					\
	} u_;								\
									\
	(void)prim_kernel_read(u_.raw, sizeof(u_.raw), (p));		\
	u_.val.m;							\
})

static inline struct task_struct *prim_task(void)
{
	return current;
}

/* The clock that eBPF has: records of both drivers compare. */
static inline u64 prim_now(void)
{
	return ktime_get_boot_fast_ns();
}

/* As files_lookup_fd_raw() does, which has had four names since 5.4. */
static inline struct file *prim_file(struct task_struct *task, s64 fd)
{
	struct files_struct *files = task->files;
	struct fdtable *fdt;

	if (!files || fd < 0)
		return NULL;
	fdt = rcu_dereference_raw(files->fdt);
	if (fd >= fdt->max_fds)
		return NULL;
	return rcu_dereference_raw(fdt->fd[array_index_nospec(fd, fdt->max_fds)]);
}

static inline const struct probe_conf *prim_conf(void)
{
	return &gyr_conf;
}

static inline u64 prim_snaplen(void)
{
	return READ_ONCE(gyr_conf.snaplen);
}

static inline u8 *prim_scratch(void)
{
	return gyr_scratch();
}

#endif /* GYR_PRIM_KERNEL_H */
