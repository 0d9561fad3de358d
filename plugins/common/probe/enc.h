/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/**
 * @file enc.h
 * @brief Writing a record: parameters are put one after the other into scratch memory.
 *
 * Written against the primitives that each driver defines first (prim_bpf.h has the list with
 * their meaning). The scratch memory has ENC_ROOM + ENC_SLACK bytes; an encoder's parameters
 * together stay below ENC_ROOM by construction: at most seven strings of PROBE_STR_MAX.
 * Bounding a position by ENC_ROOM tells the verifier so; it never changes one.
 *
 * An encoder puts exactly the parameters that its event type has, in their order; enc_none() for
 * one that cannot be known.
 */
#ifndef PROBE_ENC_H
#define PROBE_ENC_H

#include "abi.h"
#include "syscall/ids.h"

enum { ENC_ROOM = 0x8000, ENC_SLACK = 0x8000 };

struct enc {
    u8 *buf;
    u64 pos;   /**< end of what is put, from the start of the record */
    u32 n;     /**< parameters put so far */
    u32 first; /**< FLAT_* of the type, or ENC_ANY */
    u32 flags; /**< PROBE_EVF_* */
};

/** One system call on its way out. */
struct call {
    struct task_struct *task; /**< prim_task() */
    u64 arg[6];
    s64 ret;
    u32 nr;       /**< native number, without the bit of x32 */
    bool compat;  /**< pointers and longs in user memory are 4 bytes wide */
    bool table32; /**< 32-bit entry: nr is of the table of 32-bit calls */
};

enum { ENC_ANY = 0xffff }; /* one of several types that begin alike */

#ifdef PRIM_CHECKS
/* What encoders put is checked against the schema while compiling: there are no such functions, and
 * a call that the compiler cannot prove away stops the build. */
void enc_wrong_number(void)
    __attribute__((error("an encoder puts another number of parameters than its event type has")));
void enc_wrong_width(void)
    __attribute__((error("an encoder puts a parameter in another width than the schema has")));

enum enc_width {
    ENC_W_BOOL = 1,
    ENC_W_I8 = 1,
    ENC_W_U8 = 1,
    ENC_W_I16 = 2,
    ENC_W_U16 = 2,
    ENC_W_I32 = 4,
    ENC_W_U32 = 4,
    ENC_W_I64 = 8,
    ENC_W_U64 = 8,
    ENC_W_TIME = 8,
    ENC_W_DURATION = 8,
    ENC_W_IP = 0,
    ENC_W_STR = 0,
    ENC_W_STRS = 0,
    ENC_W_BYTES = 0,
    ENC_W_OPAQUE = 0
};

static const u8 enc_widths[] = {
#define EVENT(id, code, name, category, n, flags, traits)
#define PARAM(code, name, type, fmt, kind, flags, names) ENC_W_##type,
#include "syscall/events.def"
#undef EVENT
#undef PARAM
};

/** @p width 0: as long as it happens to be. */
static PRIM_INLINE void enc_check_width(const struct enc *e, u32 width)
{
    if (e->first != ENC_ANY && enc_widths[e->first + e->n] != width)
        enc_wrong_width();
}

/** Behind an encoder. @p want parameters of the type. */
static PRIM_INLINE void enc_check_number(const struct enc *e, u32 want)
{
    if (e->n != want)
        enc_wrong_number();
}
#else
#define enc_check_width(e, width) ((void)0)
#define enc_check_number(e, want) ((void)0)
#endif

static PRIM_INLINE void enc_close(struct enc *e)
{
    e->n++;
    *(u32 *)(e->buf + sizeof(struct probe_event) + 4 * e->n) = (u32)e->pos;
}

/** @p n the parameters of the type. @p first FLAT_* of it, or ENC_ANY. */
static PRIM_INLINE void enc_begin(struct enc *e, u8 *buf, u16 type, u16 n, u16 first)
{
    struct probe_event *ev = (struct probe_event *)buf;

    e->buf = buf;
    e->pos = sizeof(*ev) + 4 * ((u64)n + 1);
    e->n = 0;
    e->first = first;
    e->flags = 0;
    ev->hdr_len = sizeof(*ev);
    ev->type = type;
    ev->num = 0;
    ev->subtype = 0;
    ev->nparams = n;
    ev->reserved = 0;
    *(u32 *)(buf + sizeof(*ev)) = (u32)e->pos;
}

static PRIM_INLINE void enc_none(struct enc *e)
{
    enc_close(e);
}

/* enc_more_u8()…: add a number to the parameter that is being put. enc_u8()…: one of a number. */
#define ENC_NUMBER(type)                                                                           \
    static PRIM_INLINE void enc_more_##type(struct enc *e, type v)                                 \
    {                                                                                              \
        PRIM_BOUND(e->pos, ENC_ROOM - 1);                                                          \
        PRIM_STORE(type, e->buf + e->pos, v);                                                      \
        e->pos += sizeof(type);                                                                    \
    }                                                                                              \
                                                                                                   \
    static PRIM_INLINE void enc_##type(struct enc *e, type v)                                      \
    {                                                                                              \
        enc_check_width(e, sizeof(type));                                                          \
        enc_more_##type(e, v);                                                                     \
        enc_close(e);                                                                              \
    }
ENC_NUMBER(u8)
ENC_NUMBER(u16)
ENC_NUMBER(u32)
ENC_NUMBER(u64)
#undef ENC_NUMBER

static PRIM_INLINE void enc_s32(struct enc *e, s32 v)
{
    enc_u32(e, (u32)v);
}

static PRIM_INLINE void enc_s64(struct enc *e, s64 v)
{
    enc_u64(e, (u64)v);
}

/** A parameter of several forms that is a number, @p form. */
static PRIM_INLINE void enc_form_u64(struct enc *e, u8 form, u64 v)
{
    enc_check_width(e, 0);
    enc_more_u8(e, form);
    enc_more_u64(e, v);
    enc_close(e);
}

/** @p len what a primitive answered: bytes, or negative. */
static PRIM_INLINE void enc_take(struct enc *e, long len, long max)
{
    if (len > 0 && len <= max) {
        e->pos += (u64)len;
        if (len == max)
            e->flags |= PROBE_EVF_CUT;
    }
}

/** A string of user memory, with its NUL; nothing when it cannot be read. */
static PRIM_INLINE void enc_user_str(struct enc *e, u64 user)
{
    enc_check_width(e, 0);
    PRIM_BOUND(e->pos, ENC_ROOM - 1);
    enc_take(e, prim_user_str(e->buf + e->pos, PROBE_STR_MAX, user), PROBE_STR_MAX);
    enc_close(e);
}

/** A string of the kernel. */
static PRIM_INLINE void enc_kernel_str(struct enc *e, const void *str)
{
    enc_check_width(e, 0);
    PRIM_BOUND(e->pos, ENC_ROOM - 1);
    enc_take(e, prim_kernel_str(e->buf + e->pos, PROBE_STR_MAX, str), PROBE_STR_MAX);
    enc_close(e);
}

/** Add up to @p max bytes of user memory to the parameter that is being put.
 *  @param max a constant below ENC_SLACK. @return how many. */
static PRIM_INLINE u64 enc_user_more(struct enc *e, u64 user, u64 len, u64 max)
{
    u64 n = len;

    if (n > max)
        n = max;
    PRIM_BOUND(n, 0x1fff);
    PRIM_BOUND(e->pos, ENC_ROOM - 1);
    if (n == 0 || prim_user_read(e->buf + e->pos, n, user) != 0)
        return 0;
    e->pos += n;
    return n;
}

/** @p len bytes of user memory, at most @p max (then marked as cut). */
static PRIM_INLINE void enc_user_bytes(struct enc *e, u64 user, u64 len, u64 max)
{
    enc_check_width(e, 0);
    (void)enc_user_more(e, user, len, max);
    if (len > max)
        e->flags |= PROBE_EVF_CUT;
    enc_close(e);
}

#endif /* PROBE_ENC_H */
