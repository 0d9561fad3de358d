/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/**
 * @file hooks.h
 * @brief What every driver does at its hooks: the encoder of a call, and the records of processes.
 */
#ifndef PROBE_HOOKS_H
#define PROBE_HOOKS_H

#include "arch.h"
#include "encode_process.h"

/* ---- system calls ---- */

/* What has no event type of its own: its portable and its native number. */
static PRIM_INLINE bool encode_generic(struct enc *e, const struct call *c)
{
    const struct probe_conf *conf = prim_conf();
    u16 code = c->table32 ? conf->codes32[c->nr & (PROBE_NRS32 - 1)]
                          : conf->codes[c->nr & (PROBE_NRS - 1)];

    ((struct probe_event *)e->buf)->subtype = code;
    enc_u16(e, code);
    enc_u16(e, (u16)c->nr);
    return true;
}

/** May a call of this number be traced? A look that is cheaper than which table it is of. */
static PRIM_INLINE bool hook_any(const struct pt_regs *regs)
{
    u64 nr = arch_nr(regs);
    const struct probe_conf *conf = prim_conf();

    return nr == (u32)NR32_SOCKETCALL || conf->calls[nr & (PROBE_NRS - 1)] ||
           conf->calls32[nr & (PROBE_NRS32 - 1)];
}

/** The encoder of a 32-bit call, or of a 64-bit one, that ends: its place in encoders.def, from 1;
 *  0: not traced. */
static PRIM_INLINE u32 hook_encoder32(const struct pt_regs *regs)
{
    u64 nr = arch_nr(regs);
    const struct probe_conf *conf = prim_conf();
    u32 call;

    if (nr == (u32)NR32_SOCKETCALL) {
        call = arch_arg32(regs);
        return call < PROBE_SOCKETCALLS ? conf->socketcalls[call] : 0;
    }
    return nr < PROBE_NRS32 ? conf->calls32[nr] : 0;
}

static PRIM_INLINE u32 hook_encoder64(const struct pt_regs *regs)
{
    u64 nr = arch_nr(regs);

    return (nr & ~ARCH_X32) < PROBE_NRS ? prim_conf()->calls[nr & (PROBE_NRS - 1)] : 0;
}

static PRIM_INLINE u32 hook_encoder(const struct pt_regs *regs)
{
    return arch_is_compat(prim_task()) ? hook_encoder32(regs) : hook_encoder64(regs);
}

/* ---- processes: each puts a record into @p buf, which the driver sends ---- */

/** @p at arch_is_execveat(), asked early: the verifier then follows one way from here, not two. */
static PRIM_INLINE void hook_exec(struct enc *e, u8 *buf, struct linux_binprm *bprm, bool at)
{
    if (at)
        enc_begin(e, buf, EV_SYSCALL_EXECVEAT_X, N_SYSCALL_EXECVEAT_X, ENC_ANY);
    else
        enc_begin(e, buf, EV_SYSCALL_EXECVE_19_X, N_SYSCALL_EXECVE_19_X, ENC_ANY);
    encode_exec(e, prim_task(), bprm, at);
}

/** @return whether there is something to send, as the child's. */
static PRIM_INLINE bool hook_fork(struct enc *e, u8 *buf, struct task_struct *child)
{
    struct call c;

    arch_current_call(&c);
    enc_begin(e, buf, fork_type(&c), N_SYSCALL_CLONE_20_X, ENC_ANY);
    return encode_child(e, child, &c);
}

static PRIM_INLINE void hook_exit(struct enc *e, u8 *buf, struct task_struct *task)
{
    enc_begin(e, buf, EV_PROCEXIT_1_E, N_PROCEXIT_1_E, FLAT_PROCEXIT_1_E);
    encode_exit(e, task);
}

static PRIM_INLINE void hook_signal(struct enc *e, u8 *buf, s32 sig,
                                    const struct kernel_siginfo *info)
{
    enc_begin(e, buf, EV_SIGNALDELIVER_E, N_SIGNALDELIVER_E, FLAT_SIGNALDELIVER_E);
    encode_signal(e, sig, info);
    enc_check_number(e, N_SIGNALDELIVER_E);
}

#endif /* PROBE_HOOKS_H */
