/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/**
 * @file socket.h
 * @brief What encoders ask of sockets: the one behind a descriptor, its ends, addresses.
 *
 * The ends are those that the kernel keeps. What a call names in user memory, where another thread
 * may change it meanwhile, serves only where the kernel has no copy. Such an address is first laid
 * out, as in struct sockaddr_*, in the scratch memory behind the record: one at a time.
 */
#ifndef PROBE_SOCKET_H
#define PROBE_SOCKET_H

#include "file.h"

enum { FAMILY_UNIX = 1, FAMILY_INET = 2, FAMILY_INET6 = 10, TYPE_STREAM = 1 };
enum {
    SOCKADDR_MAX = 128,
    SOCKADDR_ROOM = 256, /* of the scratch memory */
    SOCKADDR_BOUND = 0xff,
    SUN_PATH_MAX = 109, /* with a NUL */
    SOCK_HEAD = 32      /* bytes of struct sock_common that have IPv4's ends and the family */
};

/** One end of an inet socket. */
struct end {
    union {
        u64 v6[2];
        u32 v4; /**< network order */
    };
    u16 port; /**< host order */
};

struct ends {
    u32 family; /**< FAMILY_*, or what else it is; local and remote are those of inet sockets */
    struct end local, remote;
};

/** The socket behind a descriptor of the thread that runs, or NULL. */
static PRIM_INLINE struct sock *sock_of_fd(s64 fd)
{
    struct file *file = prim_file(prim_task(), fd);
    struct socket *socket = KREAD(file, private_data);

    /* only what is a socket knows its file */
    if (!file || KREAD(socket, file) != file)
        return NULL;
    return KREAD(socket, sk);
}

static PRIM_INLINE u32 sock_family(const struct sock *sk)
{
    return KREAD(sk, __sk_common.skc_family);
}

static PRIM_INLINE struct sock *sock_unix_peer(const struct sock *sk)
{
    return KREAD((const struct unix_sock *)sk, peer);
}

static PRIM_INLINE u16 port_of(const u8 *p)
{
    return (u16)(p[0] << 8 | p[1]);
}

#define HEAD(member) (head + PRIM_OFFSETOF(struct sock_common, member))

/** @p sk may be NULL: family 0. */
static PRIM_INLINE void sock_ends(const struct sock *sk, struct ends *s)
{
    u8 head[SOCK_HEAD] __attribute__((aligned(8))) = {0};

    s->family = 0;
    if (!sk || prim_kernel_read(head, sizeof(head), sk) != 0)
        return;
    s->family = *(u16 *)HEAD(skc_family);
    s->local.port = *(u16 *)HEAD(skc_num);
    s->remote.port = port_of(HEAD(skc_dport));
    if (s->family == FAMILY_INET) {
        s->local.v4 = *(u32 *)HEAD(skc_rcv_saddr);
        s->remote.v4 = *(u32 *)HEAD(skc_daddr);
    } else if (s->family == FAMILY_INET6 && PRIM_HAS(struct sock_common, skc_v6_daddr)) {
        KREAD_INTO(&s->local.v6, sk, __sk_common.skc_v6_rcv_saddr);
        KREAD_INTO(&s->remote.v6, sk, __sk_common.skc_v6_daddr);
    }
}

#undef HEAD

/* ---- addresses, laid out ---- */

static PRIM_INLINE u8 *sockaddr_at(const struct enc *e)
{
    return e->buf + ENC_ROOM;
}

/** Lay out an address of user memory. @return its family, 0 when there is none. */
static PRIM_INLINE u32 sockaddr_user(struct enc *e, u64 user, u64 len)
{
    u8 *at = sockaddr_at(e);
    u64 n = (u32)len;
    u32 family;

    if (n > SOCKADDR_MAX)
        n = SOCKADDR_MAX;
    PRIM_BOUND(n, SOCKADDR_BOUND);
    if (!user || n < sizeof(u16) || prim_user_read(at, n, user) != 0)
        return 0;
    at[n] = 0;
    at[n + 1] = 0;
    family = *(u16 *)at;
    if ((family == FAMILY_INET && n < 8) || (family == FAMILY_INET6 && n < 24))
        return 0;
    return family;
}

/** Lay out the address that a Unix socket is bound to; an empty path without one. */
static PRIM_INLINE void sockaddr_unix(struct enc *e, const struct sock *sk)
{
    struct unix_address *addr = KREAD((const struct unix_sock *)sk, addr);
    u64 n = addr ? (u32)KREAD(addr, len) : 0;
    u8 *at = sockaddr_at(e);

    if (n > SOCKADDR_MAX)
        n = SOCKADDR_MAX;
    PRIM_BOUND(n, SOCKADDR_BOUND);
    if (n < sizeof(u16) || prim_kernel_read(at, n, &addr->name) != 0)
        n = sizeof(u16);
    at[n] = 0;
    at[n + 1] = 0;
}

/** The end that the address laid out names, of a socket of @p family. */
static PRIM_INLINE void sockaddr_end(const struct enc *e, u32 named, u32 family, struct end *end)
{
    const u8 *at = sockaddr_at(e);

    if (named == FAMILY_INET && family == FAMILY_INET6) { /* ::ffff:a.b.c.d */
        end->v6[0] = 0;
        end->v6[1] = 0xffff0000 | (u64) * (u32 *)(at + 4) << 32;
    } else if (named == FAMILY_INET && family == FAMILY_INET) {
        end->v4 = *(u32 *)(at + 4);
    } else if (named == FAMILY_INET6 && family == FAMILY_INET6) {
        end->v6[0] = *(u64 *)(at + 8);
        end->v6[1] = *(u64 *)(at + 16);
    } else {
        return;
    }
    end->port = port_of(at + 2);
}

/* ---- putting ---- */

static PRIM_INLINE void put_end(struct enc *e, u32 family, const struct end *end)
{
    u8 *p;

    PRIM_BOUND(e->pos, ENC_ROOM - 1);
    p = e->buf + e->pos;
    if (family == FAMILY_INET) {
        PRIM_STORE(u32, p, end->v4);
        PRIM_STORE(u16, p + 4, end->port);
        e->pos += 6;
    } else {
        PRIM_STORE(u64, p, end->v6[0]);
        PRIM_STORE(u64, p + 8, end->v6[1]);
        PRIM_STORE(u16, p + 16, end->port);
        e->pos += 18;
    }
}

/* The path laid out; one in the abstract namespace begins with a NUL, which is not shown. */
static PRIM_INLINE void put_path(struct enc *e)
{
    const u8 *path = sockaddr_at(e) + 2;
    long n;

    if (!*path)
        path++;
    PRIM_BOUND(e->pos, ENC_ROOM - 1);
    n = prim_kernel_str(e->buf + e->pos, SUN_PATH_MAX, path);
    if (n > 0 && n <= SUN_PATH_MAX)
        e->pos += (u64)n;
}

/** An address of an inet socket. */
static PRIM_INLINE void enc_end(struct enc *e, u32 family, const struct end *end)
{
    enc_more_u8(e, (u8)family);
    put_end(e, family, end);
    enc_close(e);
}

/** The address laid out is of the Unix family. */
static PRIM_INLINE void enc_path_address(struct enc *e)
{
    enc_more_u8(e, FAMILY_UNIX);
    put_path(e);
    enc_close(e);
}

/** An address of user memory; nothing when it is of another family. */
static PRIM_INLINE void enc_user_address(struct enc *e, u64 user, u64 len)
{
    u32 family = sockaddr_user(e, user, len);
    struct end end = {0};

    if (family == FAMILY_UNIX) {
        enc_path_address(e);
    } else if (family == FAMILY_INET || family == FAMILY_INET6) {
        sockaddr_end(e, family, family, &end);
        enc_end(e, family, &end);
    } else {
        enc_none(e);
    }
}

static PRIM_INLINE void tuple_unix(struct enc *e, const struct sock *sk, bool out, u64 name,
                                   u64 len)
{
    struct sock *peer = sock_unix_peer(sk);

    enc_more_u8(e, FAMILY_UNIX);
    enc_more_u64(e, (u64)(out ? peer : sk));
    enc_more_u64(e, (u64)(out ? sk : peer));
    if (!out || peer || sockaddr_user(e, name, len) != FAMILY_UNIX)
        sockaddr_unix(e, out ? peer : sk);
    put_path(e);
}

/**
 * Both ends of a socket, from the sender to the receiver; nothing for other families.
 * @param out  we send, or connect
 * @param name the address that the call names, @p len bytes; 0: none. It is the other end of a
 *             socket that is not connected, and of one message of a datagram socket that is;
 *             @p s has it then.
 */
static PRIM_INLINE void enc_tuple_of(struct enc *e, const struct sock *sk, struct ends *s, bool out,
                                     u64 name, u64 len)
{
    if (s->family == FAMILY_UNIX) {
        tuple_unix(e, sk, out, name, len);
    } else if (s->family == FAMILY_INET || s->family == FAMILY_INET6) {
        if (name && (!s->remote.port || (out && prim_sock_type(sk) != TYPE_STREAM)))
            sockaddr_end(e, sockaddr_user(e, name, len), s->family, &s->remote);
        enc_more_u8(e, (u8)s->family);
        put_end(e, s->family, out ? &s->local : &s->remote);
        put_end(e, s->family, out ? &s->remote : &s->local);
    }
    enc_close(e);
}

/** The tuple of a descriptor. */
static PRIM_INLINE void enc_tuple(struct enc *e, s64 fd, bool out, u64 name, u64 len)
{
    const struct sock *sk = sock_of_fd(fd);
    struct ends s = {0};

    sock_ends(sk, &s);
    enc_tuple_of(e, sk, &s, out, name, len);
}

#endif /* PROBE_SOCKET_H */
