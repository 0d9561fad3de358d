/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/**
 * @file arch_bpf.h
 * @brief Registers of system calls, by architecture, for eBPF: what probe/arch.h asks of a driver.
 *
 * @p regs as the hooks hand them over are typed pointers: their members are read without a helper.
 */
#ifndef EBPF_ARCH_BPF_H
#define EBPF_ARCH_BPF_H

#include "kernel.h"
#include "probe/arch.h"

#if defined(__TARGET_ARCH_x86)

enum { TS_COMPAT_BIT = 2 };

static PRIM_INLINE u64 arch_nr(const struct pt_regs *regs)
{
    return (u32)regs->orig_ax;
}

static PRIM_INLINE bool arch_is_compat(const struct task_struct *task)
{
    return TASK_GET(task, thread_info.status) & TS_COMPAT_BIT;
}

/* The first argument of a 32-bit call. */
static PRIM_INLINE u32 arch_arg32(const struct pt_regs *regs)
{
    return (u32)regs->bx;
}

static PRIM_INLINE void arch_args(const struct pt_regs *regs, struct call *c)
{
    c->arg[0] = regs->di;
    c->arg[1] = regs->si;
    c->arg[2] = regs->dx;
    c->arg[3] = regs->r10;
    c->arg[4] = regs->r8;
    c->arg[5] = regs->r9;
}

static PRIM_INLINE void arch_args32(const struct pt_regs *regs, struct call *c)
{
    c->arg[0] = (u32)regs->bx;
    c->arg[1] = (u32)regs->cx;
    c->arg[2] = (u32)regs->dx;
    c->arg[3] = (u32)regs->si;
    c->arg[4] = (u32)regs->di;
    c->arg[5] = (u32)regs->bp;
}

static PRIM_INLINE void arch_first_arg(struct call *c, const struct pt_regs *regs)
{
    c->nr = (u32)KREAD(regs, orig_ax) & ~ARCH_X32;
    c->arg[0] = c->table32 ? (u32)KREAD(regs, bx) : KREAD(regs, di);
}

#elif defined(__TARGET_ARCH_arm64)

enum { TIF_32BIT = 22 };

static PRIM_INLINE u64 arch_nr(const struct pt_regs *regs)
{
    return (u32)regs->syscallno;
}

static PRIM_INLINE bool arch_is_compat(const struct task_struct *task)
{
    return TASK_GET(task, thread_info.flags) >> TIF_32BIT & 1;
}

static PRIM_INLINE u32 arch_arg32(const struct pt_regs *regs)
{
    return (u32)regs->orig_x0;
}

static PRIM_INLINE void arch_args(const struct pt_regs *regs, struct call *c)
{
    c->arg[0] = regs->orig_x0;
    c->arg[1] = regs->regs[1];
    c->arg[2] = regs->regs[2];
    c->arg[3] = regs->regs[3];
    c->arg[4] = regs->regs[4];
    c->arg[5] = regs->regs[5];
}

static PRIM_INLINE void arch_args32(const struct pt_regs *regs, struct call *c)
{
    arch_args(regs, c);
    for (int i = 0; i < 6; i++)
        c->arg[i] = (u32)c->arg[i];
}

static PRIM_INLINE void arch_first_arg(struct call *c, const struct pt_regs *regs)
{
    c->nr = (u32)KREAD(regs, syscallno);
    c->arg[0] = KREAD(regs, orig_x0);
}

#endif

/* The registers a system call came in with, of the thread that runs. */
static PRIM_INLINE struct pt_regs *arch_regs(void)
{
    enum { THREAD_BYTES = 16384 };

    if (bpf_core_enum_value_exists(enum bpf_func_id___here, BPF_FUNC_task_pt_regs___here))
        return (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
    return (struct pt_regs *)((u8 *)KREAD(prim_task(), stack) + THREAD_BYTES -
                              bpf_core_type_size(struct pt_regs));
}

/* The call a hook was met in, with its first argument; nr is ~0 for a kernel thread. */
static PRIM_INLINE void arch_current_call(struct call *c)
{
    enum { PF_KTHREAD_BIT = 0x200000 };
    struct task_struct *task = prim_task();

    c->task = task;
    c->nr = ~0u;
    c->table32 = c->compat = false;
    c->arg[0] = 0;
    if (KREAD(task, flags) & PF_KTHREAD_BIT)
        return;
    c->table32 = c->compat = arch_is_compat(task);
    arch_first_arg(c, arch_regs());
}

#endif /* EBPF_ARCH_BPF_H */
