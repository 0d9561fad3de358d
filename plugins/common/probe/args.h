/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/**
 * @file args.h
 * @brief What nearly every encoder puts: the answer, arguments as they are,
 * words of user memory.
 */
#ifndef PROBE_ARGS_H
#define PROBE_ARGS_H

#include "enc.h"

/* Numbers of 32-bit calls whose memory differs from that of their kin; arm has
 * the same. */
enum {
    NR32_OLD_MMAP = 90, /* x86 only */
    NR32_SENDFILE = 187,
    NR32_LCHOWN32 = 198, /* the first call with 32-bit ids: all those before have 16 */
    NR32_PPOLL_TIME64 = 414
};

static PRIM_INLINE void put_ret(struct enc *e, const struct call *c)
{
    enc_s64(e, c->ret);
}

/** A descriptor, a pid or another int. */
static PRIM_INLINE void put_int(struct enc *e, const struct call *c, u32 i)
{
    enc_s64(e, (s32)c->arg[i]);
}

static PRIM_INLINE void put_arg_u32(struct enc *e, const struct call *c, u32 i)
{
    enc_u32(e, (u32)c->arg[i]);
}

static PRIM_INLINE void put_arg_u64(struct enc *e, const struct call *c, u32 i)
{
    enc_u64(e, c->arg[i]);
}

static PRIM_INLINE void put_str(struct enc *e, const struct call *c, u32 i)
{
    enc_user_str(e, c->arg[i]);
}

/** An answer that is an address: not a number below zero in the upper half of
 * 32 bits. */
static PRIM_INLINE s64 ret_address(const struct call *c)
{
    enum { ERRNO_MAX = 4095 };

    return c->compat && (u64)c->ret < (u64)-ERRNO_MAX ? (s64)(u32)c->ret : c->ret;
}

/** An argument that is a length or position of the file. */
static PRIM_INLINE u64 arg_offset(const struct call *c, u32 i)
{
    return c->compat ? (u64)(s32)c->arg[i] : c->arg[i];
}

/** A long of user memory; 0 when it cannot be read. */
static PRIM_INLINE u64 user_long(const struct call *c, u64 user)
{
    u64 v = 0;

    if (user)
        (void)prim_user_read(&v, c->compat ? 4 : 8, user);
    return v;
}

/** An int of user memory; @p otherwise when it cannot be read. */
static PRIM_INLINE s32 user_int(u64 user, s32 otherwise)
{
    s32 v = 0;

    return user && prim_user_read(&v, sizeof(v), user) == 0 ? v : otherwise;
}

/** A struct timespec of user memory, ns; @p narrow: of two ints. 0 when it
 * cannot be read. */
static PRIM_INLINE u64 user_timespec(u64 user, bool narrow)
{
    s64 wide[2] = {0, 0};
    s32 old[2] = {0, 0};

    if (!user)
        return 0;
    if (narrow) {
        (void)prim_user_read(old, sizeof(old), user);
        return (u64)((s64)old[0] * 1000000000 + old[1]);
    }
    (void)prim_user_read(wide, sizeof(wide), user);
    return (u64)(wide[0] * 1000000000 + wide[1]);
}

/* Are the ids of users and groups of this call 16 bits wide? */
static PRIM_INLINE bool ids_short(const struct call *c)
{
    return c->table32 && c->nr < NR32_LCHOWN32;
}

/** An argument that is the id of a user or group. */
static PRIM_INLINE void put_id(struct enc *e, const struct call *c, u32 i)
{
    u32 v = (u32)c->arg[i];

    if (ids_short(c))
        v = (v & 0xffff) == 0xffff ? ~0u : v & 0xffff;
    enc_u32(e, v);
}

#endif /* PROBE_ARGS_H */
