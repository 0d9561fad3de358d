/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/**
 * @file encode_sockets.h
 * @brief Encoders of what makes, names, connects and adjusts sockets.
 */
#ifndef PROBE_ENCODE_SOCKETS_H
#define PROBE_ENCODE_SOCKETS_H

#include "encode_files.h"
#include "socket.h"

static PRIM_INLINE bool encode_socket(struct enc *e, const struct call *c)
{
    enc_s64(e, c->ret);
    enc_u32(e, (u32)c->arg[0]);
    enc_u32(e, (u32)c->arg[1]);
    enc_u32(e, (u32)c->arg[2]);
    enc_u32(e, flags_fd(c->arg[1]));
    return true;
}

static PRIM_INLINE bool encode_socketpair(struct enc *e, const struct call *c)
{
    const struct sock *sk = NULL, *peer = NULL;
    s32 fd[2] = {-1, -1};

    if (c->ret == 0 && prim_user_read(fd, sizeof(fd), c->arg[3]) == 0) {
        sk = sock_of_fd(fd[0]);
        if (sock_family(sk) == FAMILY_UNIX)
            peer = sock_unix_peer(sk);
    }
    enc_s64(e, c->ret);
    enc_s64(e, fd[0]);
    enc_s64(e, fd[1]);
    enc_u64(e, (u64)sk);
    enc_u64(e, (u64)peer);
    enc_u32(e, (u32)c->arg[0]);
    enc_u32(e, (u32)c->arg[1]);
    enc_u32(e, (u32)c->arg[2]);
    return true;
}

/* What the socket is bound to now; a port that the kernel chose is 0, as it was asked for. */
static PRIM_INLINE void bind_address(struct enc *e, const struct call *c)
{
    enum { PORT_ASKED = 8 };
    const struct sock *sk = c->ret == 0 ? sock_of_fd(as_fd(c->arg[0])) : NULL;
    struct ends s = {0};

    sock_ends(sk, &s);
    if (s.family == FAMILY_UNIX) {
        sockaddr_unix(e, sk);
        enc_path_address(e);
    } else if (s.family == FAMILY_INET || s.family == FAMILY_INET6) {
        if (!(KREAD_BIT(sk, sk_userlocks) & PORT_ASKED))
            s.local.port = 0;
        enc_end(e, s.family, &s.local);
    } else {
        enc_user_address(e, c->arg[1], c->arg[2]);
    }
}

static PRIM_INLINE bool encode_bind(struct enc *e, const struct call *c)
{
    enc_s64(e, c->ret);
    bind_address(e, c);
    enc_s64(e, as_fd(c->arg[0]));
    return true;
}

static PRIM_INLINE bool encode_connect(struct enc *e, const struct call *c)
{
    enum { UNDER_WAY = -115 };
    const struct sock *sk = NULL;
    struct ends s = {0};

    if (c->ret == 0 || c->ret == UNDER_WAY)
        sk = sock_of_fd(as_fd(c->arg[0]));
    sock_ends(sk, &s);
    enc_s64(e, c->ret);
    enc_tuple_of(e, sk, &s, true, 0, 0);
    enc_s64(e, as_fd(c->arg[0]));
    if ((s.family == FAMILY_INET || s.family == FAMILY_INET6) && s.remote.port)
        enc_end(e, s.family, &s.remote);
    else
        enc_user_address(e, c->arg[1], c->arg[2]);
    return true;
}

static PRIM_INLINE bool encode_listen(struct enc *e, const struct call *c)
{
    enc_s64(e, c->ret);
    enc_s64(e, as_fd(c->arg[0]));
    enc_s32(e, (s32)c->arg[1]);
    return true;
}

/* fd to queuemax: those of accept() and accept4(). */
static PRIM_INLINE bool encode_accept(struct enc *e, const struct call *c)
{
    u32 len = 0, max = 0;

    enc_s64(e, c->ret);
    if (c->ret >= 0) {
        const struct sock *listener = sock_of_fd(as_fd(c->arg[0]));

        len = KREAD(listener, sk_ack_backlog);
        max = KREAD(listener, sk_max_ack_backlog);
        enc_tuple(e, c->ret, false, 0, 0);
    } else {
        enc_none(e);
    }
    enc_u8(e, max ? (u8)((u64)len * 100 / max) : 0);
    enc_u32(e, len);
    enc_u32(e, max);
    return true;
}

static PRIM_INLINE bool encode_accept4(struct enc *e, const struct call *c)
{
    (void)encode_accept(e, c);
    enc_u32(e, flags_fd(c->arg[3]));
    return true;
}

static PRIM_INLINE bool encode_shutdown(struct enc *e, const struct call *c)
{
    enc_s64(e, c->ret);
    enc_s64(e, as_fd(c->arg[0]));
    enc_u8(e, (u8)c->arg[1]);
    return true;
}

/* The addresses they answer are no parameters. */
static PRIM_INLINE bool encode_getsockname(struct enc *e, const struct call *c)
{
    (void)e;
    (void)c;
    return true;
}

#define encode_getpeername encode_getsockname

/* ---- options ---- */

enum { OPT_RAW = 0, OPT_ERROR = 1, OPT_NUMBER = 2, OPT_LONG = 3, OPT_TIME = 4 };
enum {
    SOL_OF_SOCKETS = 1,
    SOL_OF_TCP = 6,
    OPT_SO_ERROR = 4,
    OPT_SO_RCVTIMEO = 20,
    OPT_SO_SNDTIMEO = 21,
    OPT_SO_TIMESTAMP = 29,
    OPT_SO_TIMESTAMPNS = 35,
    OPT_SO_TIMESTAMPING = 37,
    OPT_SO_ATTACH_BPF = 50,
    OPT_SO_MEMINFO = 55,
    OPT_SO_COOKIE = 57,
    OPT_SO_PEERGROUPS = 59,
    OPT_SO_TIMESTAMP_NEW = 63, /* 64 bits on 32-bit machines too */
    OPT_SO_TIMESTAMPNS_NEW = 64,
    OPT_SO_TIMESTAMPING_NEW = 65,
    OPT_SO_RCVTIMEO_NEW = 66,
    OPT_SO_SNDTIMEO_NEW = 67
};

/* Those below 50 that are an int: all but 4, the times, LINGER (13), PEERCRED (17), BINDTODEVICE
 * (25), ATTACH_FILTER and DETACH_FILTER (26, 27), PEERNAME (28), PEERSEC (31), and 22 to 24,
 * which are not in use. */
#define OPT_NUMBERS                                                                                \
    (((1ull << 50) - 2) &                                                                          \
     ~(1ull << 4 | 1ull << 13 | 1ull << 17 | 0xffull << 20 | 1ull << 28 | 1ull << 31))

/* 0: the option is of another level. */
static PRIM_INLINE u32 opt_name(const struct call *c)
{
    return (u32)c->arg[1] == SOL_OF_SOCKETS ? (u32)c->arg[2] : 0;
}

/* The schema's number of an option: the kernel's, but for those that came late. */
static PRIM_INLINE u8 opt_number(u32 name)
{
    enum { SCHEMA_PEERGROUPS = 0x33, SCHEMA_MEMINFO = 0x34, SCHEMA_COOKIE = 0x35 };

    switch (name) {
    case OPT_SO_PEERGROUPS:
        return SCHEMA_PEERGROUPS;
    case OPT_SO_MEMINFO:
        return SCHEMA_MEMINFO;
    case OPT_SO_COOKIE:
        return SCHEMA_COOKIE;
    case OPT_SO_TIMESTAMP_NEW:
        return OPT_SO_TIMESTAMP;
    case OPT_SO_TIMESTAMPNS_NEW:
        return OPT_SO_TIMESTAMPNS;
    case OPT_SO_TIMESTAMPING_NEW:
        return OPT_SO_TIMESTAMPING;
    case OPT_SO_RCVTIMEO_NEW:
        return OPT_SO_RCVTIMEO;
    case OPT_SO_SNDTIMEO_NEW:
        return OPT_SO_SNDTIMEO;
    default:
        return name <= OPT_SO_ATTACH_BPF ? (u8)name : 0;
    }
}

static PRIM_INLINE u64 opt_time(u64 user, bool narrow)
{
    enum { NS_PER_US = 1000 };
    s64 t[2] = {0};
    s32 t32[2] = {0};

    if (narrow) {
        (void)prim_user_read(t32, sizeof(t32), user);
        t[0] = t32[0];
        t[1] = t32[1];
    } else {
        (void)prim_user_read(t, sizeof(t), user);
    }
    return (u64)t[0] * 1000000000ull + (u64)t[1] * NS_PER_US;
}

static PRIM_INLINE void opt_value(struct enc *e, const struct call *c, u64 len)
{
    u32 name = opt_name(c), v = 0;
    u64 wide = 0;

    if (name == OPT_SO_ERROR) {
        (void)prim_user_read(&v, sizeof(v), c->arg[3]);
        enc_form_u64(e, OPT_ERROR, (u64) - (s64)(s32)v);
    } else if (name < 50 && OPT_NUMBERS >> name & 1) {
        (void)prim_user_read(&v, sizeof(v), c->arg[3]);
        enc_more_u8(e, OPT_NUMBER);
        enc_more_u32(e, v);
        enc_close(e);
    } else if (name == OPT_SO_RCVTIMEO || name == OPT_SO_SNDTIMEO || name == OPT_SO_RCVTIMEO_NEW ||
               name == OPT_SO_SNDTIMEO_NEW) {
        enc_form_u64(e, OPT_TIME, opt_time(c->arg[3], c->compat && name < OPT_SO_RCVTIMEO_NEW));
    } else if (name == OPT_SO_COOKIE) {
        (void)prim_user_read(&wide, sizeof(wide), c->arg[3]);
        enc_form_u64(e, OPT_LONG, wide);
    } else {
        enc_more_u8(e, OPT_RAW);
        enc_user_bytes(e, c->arg[3], len, PROBE_DATA_MAX);
    }
}

static PRIM_INLINE void opt_put(struct enc *e, const struct call *c, u32 len, bool known)
{
    u32 level = (u32)c->arg[1];

    enc_s64(e, c->ret);
    enc_s64(e, as_fd(c->arg[0]));
    enc_u8(e, level == SOL_OF_SOCKETS ? 1 : level == SOL_OF_TCP ? 2 : 0);
    enc_u8(e, opt_number(opt_name(c)));
    if (known)
        opt_value(e, c, (s32)len > 0 ? len : 0);
    else
        enc_none(e);
    enc_u32(e, len);
}

static PRIM_INLINE bool encode_setsockopt(struct enc *e, const struct call *c)
{
    opt_put(e, c, (u32)c->arg[4], true);
    return true;
}

static PRIM_INLINE bool encode_getsockopt(struct enc *e, const struct call *c)
{
    u32 len = 0;

    (void)prim_user_read(&len, sizeof(len), c->arg[4]);
    opt_put(e, c, len, c->ret == 0);
    return true;
}

#endif /* PROBE_ENCODE_SOCKETS_H */
