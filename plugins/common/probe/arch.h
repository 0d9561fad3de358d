/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/**
 * @file arch.h
 * @brief Numbers and arguments of system calls, by architecture.
 *
 * A driver defines, on top of its primitives:
 *   arch_nr(regs)           the number as it is in the registers, 32 bits
 *   arch_is_compat(task)    is the thread in a call of the 32-bit table?
 *   arch_args(regs, c)      the arguments
 *   arch_args32(regs, c)    those of a 32-bit call
 *   arch_arg32(regs)        the first of them
 *   arch_current_call(c)    the call a hook was met in: nr, table32, compat and its first argument;
 *                           nr is ~0 for a kernel thread
 * @p regs are those the call came in with.
 */
#ifndef PROBE_ARCH_H
#define PROBE_ARCH_H

#include "enc.h"

/* ARCH_PAIRS_ALIGNED: 32-bit programs give 64 bits in an even pair of registers. */
#if defined(__TARGET_ARCH_x86) || defined(__x86_64__)
enum { ARCH_X32 = 0x40000000, ARCH_X32_OWN = 512, ARCH_PAIRS_ALIGNED = 0 };
enum { NR_EXECVEAT = 322, NR32_EXECVEAT = 358, NR32_SOCKETCALL = 102 };
enum { NR_CLONE = 56, NR_FORK = 57, NR_VFORK = 58, NR_CLONE3 = 435 };
enum { NR32_CLONE = 120, NR32_FORK = 2, NR32_VFORK = 190 };
#elif defined(__TARGET_ARCH_arm64) || defined(__aarch64__)
enum { ARCH_X32 = 0, ARCH_X32_OWN = 512, ARCH_PAIRS_ALIGNED = 1 };
enum { NR_EXECVEAT = 281, NR32_EXECVEAT = 387, NR32_SOCKETCALL = -1 };
enum { NR_CLONE = 220, NR_FORK = -1, NR_VFORK = -1, NR_CLONE3 = 435 };
enum { NR32_CLONE = 120, NR32_FORK = 2, NR32_VFORK = 190 };
#else
#error "no such architecture here yet"
#endif

static PRIM_INLINE u64 arch_nr(const struct pt_regs *regs);
static PRIM_INLINE bool arch_is_compat(const struct task_struct *task);
static PRIM_INLINE void arch_args(const struct pt_regs *regs, struct call *c);
static PRIM_INLINE void arch_args32(const struct pt_regs *regs, struct call *c);
static PRIM_INLINE u32 arch_arg32(const struct pt_regs *regs);
static PRIM_INLINE void arch_current_call(struct call *c);

/* The one call of 32-bit x86 that stands for all of the socket's: its arguments are in memory, two
 * to six of them, behind which the memory may end. */
static PRIM_INLINE void arch_socketcall(struct call *c)
{
    u32 arg[6] = {0};

    for (u64 n = sizeof(arg); n >= 2 * sizeof(u32); n -= sizeof(u32))
        if (prim_user_read(arg, n, c->arg[1]) == 0)
            break;
    for (int i = 0; i < 6; i++)
        c->arg[i] = arg[i];
}

/** The call of @p task that ends, with @p ret as its answer; @p table32 arch_is_compat(). */
static PRIM_INLINE void arch_call(struct task_struct *task, const struct pt_regs *regs, s64 ret,
                                  bool table32, struct call *c)
{
    c->task = task;
    c->ret = ret;
    c->nr = arch_nr(regs) & ~ARCH_X32;
    c->table32 = table32;
    c->compat = c->table32 || (arch_nr(regs) & ARCH_X32 && c->nr >= ARCH_X32_OWN);
    if (!c->table32) {
        arch_args(regs, c);
        return;
    }
    c->ret = (s32)c->ret;
    arch_args32(regs, c);
    if (c->nr == (u32)NR32_SOCKETCALL)
        arch_socketcall(c);
}

static PRIM_INLINE bool arch_is_execveat(void)
{
    struct call c;

    arch_current_call(&c);
    return c.nr == (c.table32 ? NR32_EXECVEAT : NR_EXECVEAT);
}

/** Event type of what is made by fork, vfork, clone or clone3; 0: by something else. */
static PRIM_INLINE u16 arch_fork_type(const struct call *c)
{
    if (c->nr == NR_CLONE3)
        return EV_SYSCALL_CLONE3_X;
    if (c->nr == (c->table32 ? (u32)NR32_CLONE : (u32)NR_CLONE))
        return EV_SYSCALL_CLONE_20_X;
    if (c->nr == (c->table32 ? (u32)NR32_FORK : (u32)NR_FORK))
        return EV_SYSCALL_FORK_20_X;
    if (c->nr == (c->table32 ? (u32)NR32_VFORK : (u32)NR_VFORK))
        return EV_SYSCALL_VFORK_20_X;
    return 0;
}

#endif /* PROBE_ARCH_H */
