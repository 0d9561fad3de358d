/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/**
 * @file encode_io.h
 * @brief Encoders of reading and writing, and what calls with vectors of buffers have in common.
 */
#ifndef PROBE_ENCODE_IO_H
#define PROBE_ENCODE_IO_H

#include "encode_files.h"
#include "socket.h"

/** How much of a call's data there is to show: what was moved, else what was tried. */
static PRIM_INLINE u64 io_length(const struct call *c, u64 size)
{
    return c->ret > 0 ? (u64)c->ret : size;
}

/** Data of @p len bytes, as much of it as is wanted. */
static PRIM_INLINE void enc_data(struct enc *e, u64 user, u64 len)
{
    enc_user_bytes(e, user, len, prim_snaplen());
}

/* What a call read into one buffer; a datagram that is cut counts whole. */
static PRIM_INLINE void enc_received(struct enc *e, const struct call *c)
{
    u64 n = c->ret > 0 ? (u64)c->ret : 0;

    enc_data(e, c->arg[1], n < c->arg[2] ? n : c->arg[2]);
}

/* ---- vectors ---- */

/* Those of a vector that are looked at, and their places in the scratch memory behind what
 * socket.h lays out there. How many there are stands there too: a number in a register the
 * verifier would follow through every loop, one way for each that it can be. VECTOR_LEFT is where
 * others are settled. */
enum {
    VECTOR_MAX = 32,
    VECTOR_STEP = 16, /* base and length, 64 bits each */
    VECTOR_STEP32 = 8,
    VECTOR_AT = ENC_ROOM + SOCKADDR_ROOM,
    VECTOR_AT32 = VECTOR_AT + VECTOR_MAX * VECTOR_STEP, /* before they are widened */
    VECTOR_COUNT = VECTOR_AT32 + VECTOR_MAX * VECTOR_STEP32,
    VECTOR_LEFT = VECTOR_COUNT + 8,
    VECTOR_BOUND = 0x3ff, /* of its bytes */
    DATA_BOUND = 0xfff    /* PROBE_DATA_MAX is below */
};

static PRIM_INLINE u64 vector_count(const struct enc *e)
{
    return *(volatile u64 *)(e->buf + VECTOR_COUNT);
}

static PRIM_INLINE u64 vector_base(const struct enc *e, u32 i)
{
    return *(u64 *)(e->buf + VECTOR_AT + i * VECTOR_STEP);
}

static PRIM_INLINE u64 vector_len(const struct enc *e, u32 i)
{
    return *(u64 *)(e->buf + VECTOR_AT + i * VECTOR_STEP + 8);
}

/** Get the vector of @p n buffers at @p user, of which one is kept at a time. */
static PRIM_INLINE void vector_load(struct enc *e, u64 user, u64 n, bool compat)
{
    u64 bytes;

    if (n > VECTOR_MAX)
        n = VECTOR_MAX;
    bytes = n * (compat ? VECTOR_STEP32 : VECTOR_STEP);
    PRIM_BOUND(bytes, VECTOR_BOUND);
    if (prim_user_read(e->buf + (compat ? VECTOR_AT32 : VECTOR_AT), bytes, user) != 0)
        n = 0;
    *(volatile u64 *)(e->buf + VECTOR_COUNT) = n;
    for (u32 i = 0; compat && i < VECTOR_MAX && i < vector_count(e); i++) {
        const u32 *narrow = (const u32 *)(e->buf + VECTOR_AT32 + i * VECTOR_STEP32);

        *(u64 *)(e->buf + VECTOR_AT + i * VECTOR_STEP) = narrow[0];
        *(u64 *)(e->buf + VECTOR_AT + i * VECTOR_STEP + 8) = narrow[1];
    }
}

/** Bytes of all its buffers. */
static PRIM_INLINE u64 vector_size(const struct enc *e)
{
    u64 sum = 0;

    for (u32 i = 0; i < VECTOR_MAX && i < vector_count(e); i++)
        sum += vector_len(e, i);
    return sum;
}

/** The first @p len bytes of the buffers, as many of them as are wanted. */
static PRIM_INLINE void enc_vector(struct enc *e, u64 len)
{
    u64 left = prim_snaplen();

    if (len > left)
        e->flags |= PROBE_EVF_CUT;
    else
        left = len;
    PRIM_SETTLE(left, e->buf + VECTOR_LEFT, DATA_BOUND);
    for (u32 i = 0; i < VECTOR_MAX && i < vector_count(e) && left > 0; i++) {
        u64 n = vector_len(e, i);

        if (n > left)
            n = left;
        PRIM_BOUND(n, DATA_BOUND);
        PRIM_BOUND(e->pos, ENC_ROOM - 1);
        if (prim_user_read(e->buf + e->pos, n, vector_base(e, i)) != 0)
            break;
        e->pos += n;
        left -= n;
        PRIM_SETTLE(left, e->buf + VECTOR_LEFT, DATA_BOUND);
    }
    PRIM_SETTLE(e->pos, e->buf + VECTOR_LEFT, ENC_ROOM - 1);
    enc_close(e);
}

/** What a call asked to write: a vector longer than is looked at has at least what was written. */
static PRIM_INLINE u64 vector_asked(const struct enc *e, s64 ret)
{
    u64 sum = vector_size(e);

    return ret > 0 && (u64)ret > sum ? (u64)ret : sum;
}

/* ---- one buffer ---- */

static PRIM_INLINE bool encode_read(struct enc *e, const struct call *c)
{
    enc_s64(e, c->ret);
    enc_received(e, c);
    enc_s64(e, as_fd(c->arg[0]));
    enc_u32(e, (u32)c->arg[2]);
    return true;
}

static PRIM_INLINE bool encode_write(struct enc *e, const struct call *c)
{
    enc_s64(e, c->ret);
    enc_data(e, c->arg[1], io_length(c, c->arg[2]));
    enc_s64(e, as_fd(c->arg[0]));
    enc_u32(e, (u32)c->arg[2]);
    return true;
}

/* A position in the file, which 32-bit programs give in two halves from argument @p i on. */
static PRIM_INLINE u64 io_position(const struct call *c, u32 i)
{
    return c->compat ? c->arg[i] | c->arg[i + 1] << 32 : c->arg[3];
}

static PRIM_INLINE bool encode_pread64(struct enc *e, const struct call *c)
{
    (void)encode_read(e, c);
    enc_u64(e, io_position(c, 3 + ARCH_PAIRS_ALIGNED));
    return true;
}

static PRIM_INLINE bool encode_pwrite64(struct enc *e, const struct call *c)
{
    (void)encode_write(e, c);
    enc_u64(e, io_position(c, 3 + ARCH_PAIRS_ALIGNED));
    return true;
}

/* ---- vectors of buffers ---- */

static PRIM_INLINE bool encode_readv(struct enc *e, const struct call *c)
{
    u64 n = c->ret > 0 ? (u64)c->ret : 0;

    vector_load(e, c->arg[1], n ? c->arg[2] : 0, c->compat);
    enc_s64(e, c->ret);
    enc_u32(e, (u32)n);
    enc_vector(e, n);
    enc_s64(e, as_fd(c->arg[0]));
    return true;
}

static PRIM_INLINE bool encode_writev(struct enc *e, const struct call *c)
{
    u64 size;

    vector_load(e, c->arg[1], c->arg[2], c->compat);
    size = vector_asked(e, c->ret);
    enc_s64(e, c->ret);
    enc_vector(e, io_length(c, size));
    enc_s64(e, as_fd(c->arg[0]));
    enc_u32(e, (u32)size);
    return true;
}

static PRIM_INLINE bool encode_preadv(struct enc *e, const struct call *c)
{
    (void)encode_readv(e, c);
    enc_u64(e, io_position(c, 3));
    return true;
}

static PRIM_INLINE bool encode_pwritev(struct enc *e, const struct call *c)
{
    (void)encode_writev(e, c);
    enc_u64(e, io_position(c, 3));
    return true;
}

/* The data is in our own memory, whichever way it went. */
static PRIM_INLINE bool encode_process_vm_readv(struct enc *e, const struct call *c)
{
    u64 n = c->ret > 0 ? (u64)c->ret : 0;

    vector_load(e, c->arg[1], n ? c->arg[2] : 0, c->compat);
    enc_s64(e, c->ret);
    enc_s64(e, (s32)c->arg[0]);
    enc_vector(e, n);
    return true;
}

#define encode_process_vm_writev encode_process_vm_readv

#endif /* PROBE_ENCODE_IO_H */
