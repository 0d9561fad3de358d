/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * arch_kernel.h - registers of system calls, for a kernel module: what
 * probe/arch.h asks of a driver
 *
 * The kernel's own functions take @regs for writable, and write nothing.
 */
#ifndef GYR_ARCH_KERNEL_H
#define GYR_ARCH_KERNEL_H

#include <linux/compat.h>
#include <linux/ptrace.h>
#include <asm/syscall.h>

#include "prim_kernel.h"
#include "probe/arch.h"

static inline u64 arch_nr(const struct pt_regs *regs)
{
	return (u32)syscall_get_nr(current, (struct pt_regs *)regs);
}

static inline bool arch_is_compat(const struct task_struct *task)
{
#ifdef CONFIG_X86_64
	return in_ia32_syscall(); /* in_compat_syscall() has x32 too */
#else
	return in_compat_syscall();
#endif
}

#ifdef CONFIG_X86_64
/* syscall_get_arguments() finds out first which table the call is of. */
static inline void arch_args(const struct pt_regs *regs, struct call *c)
{
	c->arg[0] = regs->di;
	c->arg[1] = regs->si;
	c->arg[2] = regs->dx;
	c->arg[3] = regs->r10;
	c->arg[4] = regs->r8;
	c->arg[5] = regs->r9;
}

static inline void arch_args32(const struct pt_regs *regs, struct call *c)
{
	c->arg[0] = (u32)regs->bx;
	c->arg[1] = (u32)regs->cx;
	c->arg[2] = (u32)regs->dx;
	c->arg[3] = (u32)regs->si;
	c->arg[4] = (u32)regs->di;
	c->arg[5] = (u32)regs->bp;
}

static inline u32 arch_arg32(const struct pt_regs *regs)
{
	return regs->bx;
}
#else
static inline void arch_args(const struct pt_regs *regs, struct call *c)
{
	unsigned long args[6];
	u32 i;

	syscall_get_arguments(current, (struct pt_regs *)regs, args);
	for (i = 0; i < ARRAY_SIZE(args); i++)
		c->arg[i] = args[i];
}

static inline void arch_args32(const struct pt_regs *regs, struct call *c)
{
	u32 i;

	arch_args(regs, c);
	for (i = 0; i < ARRAY_SIZE(c->arg); i++)
		c->arg[i] = (u32)c->arg[i];
}

static inline u32 arch_arg32(const struct pt_regs *regs)
{
	unsigned long args[6];

	syscall_get_arguments(current, (struct pt_regs *)regs, args);
	return args[0];
}
#endif

static inline void arch_current_call(struct call *c)
{
	const struct pt_regs *regs = task_pt_regs(current);

	memset(c, 0, sizeof(*c));
	c->nr = ~0u;
	if (current->flags & PF_KTHREAD)
		return;
	c->task = current;
	c->table32 = c->compat = arch_is_compat(current);
	c->nr = arch_nr(regs) & ~ARCH_X32;
	if (c->table32)
		arch_args32(regs, c);
	else
		arch_args(regs, c);
}

#endif /* GYR_ARCH_KERNEL_H */
