/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/**
 * @file encode_memory.h
 * @brief Encoders of calls on memory, and of those that wait and queue:
 * futexes, semaphores, io_uring.
 */
#ifndef PROBE_ENCODE_MEMORY_H
#define PROBE_ENCODE_MEMORY_H

#include "args.h"
#include "flags.h"
#include "process.h"

/* ---- mappings ---- */

static PRIM_INLINE void put_memory(struct enc *e)
{
    process_memory(e, KREAD(prim_task(), mm));
}

static PRIM_INLINE bool encode_brk(struct enc *e, const struct call *c)
{
    enc_u64(e, (u64)ret_address(c));
    put_memory(e);
    put_arg_u64(e, c, 0);
    return true;
}

static PRIM_INLINE void put_map(struct enc *e, const struct call *c, const u64 *arg)
{
    enc_s64(e, ret_address(c));
    put_memory(e);
    enc_u64(e, arg[0]);
    enc_u64(e, arg[1]);
    enc_u32(e, flags_prot(arg[2]));
    enc_u32(e, flags_map(arg[3]));
    enc_s64(e, (s32)arg[4]);
    enc_u64(e, arg[5]);
}

static PRIM_INLINE bool encode_mmap(struct enc *e, const struct call *c)
{
    u32 in[6] = {0};
    u64 arg[6];

    if (c->compat && c->nr == NR32_OLD_MMAP) { /* its arguments are in memory */
        (void)prim_user_read(in, sizeof(in), c->arg[0]);
        for (u32 i = 0; i < 6; i++)
            arg[i] = in[i];
        put_map(e, c, arg);
        return true;
    }
    put_map(e, c, c->arg);
    return true;
}

/* The last parameter is in pages here, as the argument is. */
static PRIM_INLINE bool encode_mmap2(struct enc *e, const struct call *c)
{
    put_map(e, c, c->arg);
    return true;
}

static PRIM_INLINE bool encode_munmap(struct enc *e, const struct call *c)
{
    put_ret(e, c);
    put_memory(e);
    put_arg_u64(e, c, 0);
    put_arg_u64(e, c, 1);
    return true;
}

static PRIM_INLINE bool encode_mlock(struct enc *e, const struct call *c)
{
    put_ret(e, c);
    put_arg_u64(e, c, 0);
    put_arg_u64(e, c, 1);
    return true;
}

#define encode_munlock encode_mlock

static PRIM_INLINE bool encode_mprotect(struct enc *e, const struct call *c)
{
    (void)encode_mlock(e, c);
    enc_u32(e, flags_prot(c->arg[2]));
    return true;
}

static PRIM_INLINE bool encode_mlock2(struct enc *e, const struct call *c)
{
    (void)encode_mlock(e, c);
    enc_u32(e, (u32)c->arg[2] & 1);
    return true;
}

static PRIM_INLINE bool encode_mlockall(struct enc *e, const struct call *c)
{
    enum { FLAG_BITS = 7 };

    put_ret(e, c);
    enc_u32(e, (u32)c->arg[0] & FLAG_BITS);
    return true;
}

static PRIM_INLINE bool encode_munlockall(struct enc *e, const struct call *c)
{
    put_ret(e, c);
    return true;
}

/* ---- waiting ---- */

static PRIM_INLINE bool encode_futex(struct enc *e, const struct call *c)
{
    enum { OP_BITS = 0x1ff };

    put_ret(e, c);
    put_arg_u64(e, c, 0);
    enc_u16(e, (u16)c->arg[1] & OP_BITS);
    enc_u64(e, (u32)c->arg[2]);
    return true;
}

static PRIM_INLINE bool encode_nanosleep(struct enc *e, const struct call *c)
{
    put_ret(e, c);
    enc_u64(e, user_timespec(c->arg[0], c->compat));
    return true;
}

/* ---- semaphores ---- */

static PRIM_INLINE bool encode_semget(struct enc *e, const struct call *c)
{
    u64 v = c->arg[2];

    put_ret(e, c);
    put_arg_u32(e, c, 0);
    put_arg_u32(e, c, 1);
    enc_u32(e, FLAG(01000, 0x2000) /* CREAT */ | FLAG(02000, 0x4000) /* EXCL */);
    return true;
}

static PRIM_INLINE bool encode_semctl(struct enc *e, const struct call *c)
{
    enum { CMD_SETVAL = 0x1000 };
    u16 cmd = flags_semctl((u32)c->arg[2]);

    put_ret(e, c);
    put_arg_u32(e, c, 0);
    put_arg_u32(e, c, 1);
    enc_u16(e, cmd);
    enc_u32(e, cmd == CMD_SETVAL ? (u32)c->arg[3] : 0);
    return true;
}

/* The first two operations. */
static PRIM_INLINE bool encode_semop(struct enc *e, const struct call *c)
{
    struct {
        u16 num, op, flags;
    } ops[2] = {{0, 0, 0}, {0, 0, 0}};
    u32 n = (u32)c->arg[2];

    if (c->ret >= 0 && n > 0)
        (void)prim_user_read(ops, n > 1 ? sizeof(ops) : sizeof(ops[0]), c->arg[1]);
    put_ret(e, c);
    enc_u32(e, n);
    for (u32 i = 0; i < 2; i++) {
        u64 v = ops[i].flags;

        enc_u16(e, ops[i].num);
        enc_u16(e, ops[i].op);
        enc_u16(e, (u16)(FLAG(04000, 0x1) /* NOWAIT */ | FLAG(010000, 0x2) /* UNDO */));
    }
    put_arg_u32(e, c, 0);
    return true;
}

/* ---- io_uring ---- */

static PRIM_INLINE bool encode_io_uring_setup(struct enc *e, const struct call *c)
{
    enum { FEATURE_BITS = 0x7ff };
    struct {
        u32 sq_entries, cq_entries, flags, sq_thread_cpu, sq_thread_idle, features;
    } p = {0};

    (void)prim_user_read(&p, sizeof(p), c->arg[1]);
    put_ret(e, c);
    put_arg_u32(e, c, 0);
    enc_u32(e, p.sq_entries);
    enc_u32(e, p.cq_entries);
    /* the schema has a flag in between that is none of this call's: those above
     * move up */
    enc_u32(e, (p.flags & 3) | (p.flags & 0x7c) << 1);
    enc_u32(e, p.sq_thread_cpu);
    enc_u32(e, p.sq_thread_idle);
    enc_u32(e, p.features & FEATURE_BITS);
    return true;
}

static PRIM_INLINE bool encode_io_uring_enter(struct enc *e, const struct call *c)
{
    enum { FLAG_BITS = 0xf };

    put_ret(e, c);
    put_int(e, c, 0);
    put_arg_u32(e, c, 1);
    put_arg_u32(e, c, 2);
    enc_u32(e, (u32)c->arg[3] & FLAG_BITS);
    put_arg_u32(e, c, 4);
    return true;
}

static PRIM_INLINE bool encode_io_uring_register(struct enc *e, const struct call *c)
{
    put_ret(e, c);
    put_int(e, c, 0);
    enc_u16(e, (u16)c->arg[1]);
    put_arg_u64(e, c, 2);
    put_arg_u32(e, c, 3);
    return true;
}

#endif /* PROBE_ENCODE_MEMORY_H */
