/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/**
 * @file encode_messages.h
 * @brief Encoders of what sends and receives by sockets.
 */
#ifndef PROBE_ENCODE_MESSAGES_H
#define PROBE_ENCODE_MESSAGES_H

#include "encode_io.h"
#include "socket.h"

/* Of one sendmmsg() or recvmmsg(), each an event of its own: the kernel takes no more. Whoever
 * sends to many must not hide one behind the others. */
enum { MESSAGES_MAX = 1024 };

/** struct msghdr, whose vector is loaded, and what struct mmsghdr adds. */
struct message {
    u64 name, control, control_len;
    u32 name_len, len;
};

enum { MSGHDR_BYTES = 56, MSGHDR_BYTES32 = 28, MMSGHDR_BYTES = 64, MMSGHDR_BYTES32 = 32 };

/* @p many it is a struct mmsghdr. */
static PRIM_INLINE void message_load(struct enc *e, struct message *m, u64 user, bool compat,
                                     bool many)
{
    u64 iov, n;

    if (compat) {
        u32 w[8] = {0};

        (void)prim_user_read(w, many ? MMSGHDR_BYTES32 : MSGHDR_BYTES32, user);
        m->name = w[0];
        m->name_len = w[1];
        iov = w[2];
        n = w[3];
        m->control = w[4];
        m->control_len = w[5];
        m->len = w[7];
    } else {
        u64 w[8] = {0};

        (void)prim_user_read(w, many ? MMSGHDR_BYTES : MSGHDR_BYTES, user);
        m->name = w[0];
        m->name_len = (u32)w[1];
        iov = w[2];
        n = w[3];
        m->control = w[4];
        m->control_len = w[5];
        m->len = (u32)w[7];
    }
    vector_load(e, iov, n, compat);
}

static PRIM_INLINE void enc_sent_tuple(struct enc *e, const struct call *c, u64 name, u64 len)
{
    if (c->ret >= 0)
        enc_tuple(e, as_fd(c->arg[0]), true, name, len);
    else
        enc_none(e);
}

static PRIM_INLINE void enc_received_tuple(struct enc *e, const struct call *c, u64 name, u64 len)
{
    if (c->ret >= 0)
        enc_tuple(e, as_fd(c->arg[0]), false, name, len);
    else
        enc_none(e);
}

/* ---- one buffer ---- */

static PRIM_INLINE bool encode_sendto(struct enc *e, const struct call *c)
{
    (void)encode_write(e, c);
    enc_sent_tuple(e, c, c->arg[4], c->arg[5]);
    return true;
}

static PRIM_INLINE bool encode_send(struct enc *e, const struct call *c)
{
    (void)encode_write(e, c);
    enc_sent_tuple(e, c, 0, 0);
    return true;
}

static PRIM_INLINE bool encode_recvfrom(struct enc *e, const struct call *c)
{
    u32 len = 0;

    if (c->ret >= 0 && c->arg[4])
        (void)prim_user_read(&len, sizeof(len), c->arg[5]);
    enc_s64(e, c->ret);
    enc_received(e, c);
    enc_received_tuple(e, c, c->arg[4], len);
    enc_s64(e, as_fd(c->arg[0]));
    enc_u32(e, (u32)c->arg[2]);
    return true;
}

static PRIM_INLINE bool encode_recv(struct enc *e, const struct call *c)
{
    (void)encode_read(e, c);
    enc_received_tuple(e, c, 0, 0);
    return true;
}

/* ---- one message ---- */

static PRIM_INLINE bool encode_sendmsg(struct enc *e, const struct call *c)
{
    struct message m;
    u64 size;

    message_load(e, &m, c->arg[1], c->compat, false);
    size = vector_asked(e, c->ret);
    enc_s64(e, c->ret);
    enc_vector(e, io_length(c, size));
    enc_s64(e, as_fd(c->arg[0]));
    enc_u32(e, (u32)size);
    enc_sent_tuple(e, c, m.name, m.name_len);
    return true;
}

static PRIM_INLINE bool encode_recvmsg(struct enc *e, const struct call *c)
{
    struct message m;

    enc_s64(e, c->ret);
    if (c->ret < 0) {
        enc_u32(e, 0);
        enc_none(e);
        enc_none(e);
        enc_none(e);
    } else {
        message_load(e, &m, c->arg[1], c->compat, false);
        enc_u32(e, (u32)c->ret);
        enc_vector(e, (u64)c->ret);
        enc_tuple(e, as_fd(c->arg[0]), false, m.name, m.name_len);
        enc_user_bytes(e, m.control, m.control_len, PROBE_DATA_MAX);
    }
    enc_s64(e, as_fd(c->arg[0]));
    return true;
}

/* ---- several messages: each an event ---- */

/* None of them went: one event says so. */
static PRIM_INLINE bool messages_none(struct enc *e, const struct call *c, bool received)
{
    enc_s64(e, c->ret);
    enc_s64(e, as_fd(c->arg[0]));
    enc_u32(e, 0);
    enc_none(e);
    enc_none(e);
    if (received)
        enc_none(e);
    return true;
}

/* One of several: its event has its own length as the answer. */
PRIM_FUNCTION int message_sent(u64 fd, u64 user, u64 compat)
{
    u8 *buf = prim_scratch();
    struct message m;
    struct enc e;

    if (!buf)
        return 0;
    enc_begin(&e, buf, EV_SOCKET_SENDMMSG_X, N_SOCKET_SENDMMSG_X, FLAT_SOCKET_SENDMMSG_X);
    message_load(&e, &m, user, compat, true);
    enc_s64(&e, m.len);
    enc_s64(&e, as_fd(fd));
    enc_u32(&e, (u32)vector_asked(&e, m.len));
    enc_vector(&e, m.len);
    enc_tuple(&e, as_fd(fd), true, m.name, m.name_len);
    prim_send(&e, PROBE_OTHER);
    return 0;
}

PRIM_FUNCTION int message_received(u64 fd, u64 user, u64 compat)
{
    u8 *buf = prim_scratch();
    struct message m;
    struct enc e;

    if (!buf)
        return 0;
    enc_begin(&e, buf, EV_SOCKET_RECVMMSG_X, N_SOCKET_RECVMMSG_X, FLAT_SOCKET_RECVMMSG_X);
    message_load(&e, &m, user, compat, true);
    enc_s64(&e, m.len);
    enc_s64(&e, as_fd(fd));
    enc_u32(&e, m.len);
    enc_vector(&e, m.len);
    enc_tuple(&e, as_fd(fd), false, m.name, m.name_len);
    enc_user_bytes(&e, m.control, m.control_len, PROBE_DATA_MAX);
    prim_send(&e, PROBE_OTHER);
    return 0;
}

static PRIM_INLINE bool encode_sendmmsg(struct enc *e, const struct call *c)
{
    u64 step = c->compat ? MMSGHDR_BYTES32 : MMSGHDR_BYTES;

    if (c->ret <= 0)
        return messages_none(e, c, false);
    for (u32 i = 0; i < MESSAGES_MAX && i < c->ret; i++)
        (void)message_sent(c->arg[0], c->arg[1] + i * step, c->compat);
    return false;
}

static PRIM_INLINE bool encode_recvmmsg(struct enc *e, const struct call *c)
{
    u64 step = c->compat ? MMSGHDR_BYTES32 : MMSGHDR_BYTES;

    if (c->ret <= 0)
        return messages_none(e, c, true);
    for (u32 i = 0; i < MESSAGES_MAX && i < c->ret; i++)
        (void)message_received(c->arg[0], c->arg[1] + i * step, c->compat);
    return false;
}

#endif /* PROBE_ENCODE_MESSAGES_H */
