/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * compat.h - what differs between the kernels that the module is for, but for
 * what encoders read, which stands in prim_kernel.h and walk_kernel.h
 */
#ifndef GYR_COMPAT_H
#define GYR_COMPAT_H

#include <linux/bpf.h>
#include <linux/mm.h>
#include <linux/version.h>

/* 5.8 has them, with the rings that ours are laid out as */
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 8, 0)
enum { BPF_RINGBUF_BUSY_BIT = 1U << 31, BPF_RINGBUF_HDR_SZ = 8 };
#endif

/* 6.3: flags of a mapping are no longer set by hand */
static inline void compat_vma_flags(struct vm_area_struct *vma, unsigned long set,
				    unsigned long clear)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
	vm_flags_mod(vma, set, clear);
#else
	vma->vm_flags = (vma->vm_flags | set) & ~clear;
#endif
}

/* 6.16: sched_process_exit tells whether it is the last of its group */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 16, 0)
#define COMPAT_EXIT_PROTO	void *data, struct task_struct *task, bool group_dead
#else
#define COMPAT_EXIT_PROTO	void *data, struct task_struct *task
#endif

#endif /* GYR_COMPAT_H */
