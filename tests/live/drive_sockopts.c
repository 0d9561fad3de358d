/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of several parts, and socket options. */
#include "live.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>

enum { BAD_FD = -9, GONE_FD = 999 };

/* A tuple of two loopback addresses. */
static void tuple(uint8_t out[13], const struct sockaddr_in *from, const struct sockaddr_in *to)
{
    uint16_t port = ntohs(from->sin_port);

    out[0] = AF_INET;
    memcpy(out + 1, &from->sin_addr, 4);
    memcpy(out + 5, &port, 2);
    port = ntohs(to->sin_port);
    memcpy(out + 7, &to->sin_addr, 4);
    memcpy(out + 11, &port, 2);
}

static long datagram_socket(struct sockaddr_in *ret_at)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001)};
    uint32_t len = sizeof(any);
    long s = SETUP(__NR_socket, AF_INET, SOCK_DGRAM, 0);

    SETUP(__NR_bind, s, &any, sizeof(any));
    SETUP(__NR_getsockname, s, ret_at, &len);
    return s;
}

static void messages(void)
{
    struct sockaddr_in from, to, seen;
    char in[100], part[4] = "two.";
    struct iovec out_parts[2] = {{(char *)"one, ", 5}, {part, 4}}, in_part = {in, sizeof(in)};
    struct msghdr m = {
        .msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = out_parts, .msg_iovlen = 2};
    struct mmsghdr mm[3];
    uint8_t t[13];
    long a = datagram_socket(&from), b = datagram_socket(&to), n;

    tuple(t, &from, &to);
    (void)CALL(__NR_sendmsg, a, &m, 0);
    EXPECT(EV_SOCKET_SENDMSG_X, N(9), B("one, two.", 9), N(a), N(9), B(t, 13));
    (void)CALL(__NR_sendmsg, GONE_FD, &m, 0);
    EXPECT(EV_SOCKET_SENDMSG_X, N(BAD_FD), B("one, two.", 9), N(GONE_FD), N(9), NONE);
    (void)CALL(__NR_sendmsg, a, NULL, 0);
    EXPECT(EV_SOCKET_SENDMSG_X, N(-14), NONE, N(a), ANY, NONE);
    m.msg_name = &seen;
    m.msg_iov = &in_part;
    m.msg_iovlen = 1;
    (void)CALL(__NR_recvmsg, b, &m, 0);
    EXPECT(EV_SOCKET_RECVMSG_X, N(9), N(9), B("one, two.", 9), B(t, 13), NONE, N(b));
    (void)CALL(__NR_recvmsg, b, &m, MSG_DONTWAIT);
    EXPECT(EV_SOCKET_RECVMSG_X, N(-11), N(0), NONE, NONE, NONE, N(b));

    for (int i = 0; i < 3; i++)
        mm[i] = (struct mmsghdr){.msg_hdr = {.msg_name = &to,
                                             .msg_namelen = sizeof(to),
                                             .msg_iov = &out_parts[i % 2],
                                             .msg_iovlen = 1}};
    n = CALL(__NR_sendmmsg, a, mm, 3, 0);
    /* an event for each */
    MARK(sent);
    if (n != 3)
        die(__FILE__, __LINE__, "sendmmsg", n);
    sent.result = 5;
    EXPECT_AT(sent, self_tid, EV_SOCKET_SENDMMSG_X, N(5), N(a), N(5), B("one, ", 5), B(t, 13));
    sent.result = 4;
    EXPECT_AT(sent, self_tid, EV_SOCKET_SENDMMSG_X, N(4), N(a), N(4), B("two.", 4), B(t, 13));
    sent.result = 5;
    EXPECT_AT(sent, self_tid, EV_SOCKET_SENDMMSG_X, N(5), N(a), N(5), B("one, ", 5), B(t, 13));
    (void)CALL(__NR_sendmmsg, GONE_FD, mm, 3, 0);
    EXPECT(EV_SOCKET_SENDMMSG_X, N(BAD_FD), N(GONE_FD), N(0), NONE, NONE);
    mm[0].msg_hdr = (struct msghdr){
        .msg_name = &seen, .msg_namelen = sizeof(seen), .msg_iov = &in_part, .msg_iovlen = 1};
    (void)CALL(__NR_recvmmsg, b, mm, 1, 0, NULL);
    MARK(got);
    got.result = 5;
    EXPECT_AT(got, self_tid, EV_SOCKET_RECVMMSG_X, N(5), N(b), N(5), B("one, ", 5), B(t, 13), NONE);
    (void)CALL(__NR_recvmmsg, GONE_FD, mm, 1, 0, NULL);
    EXPECT(EV_SOCKET_RECVMMSG_X, N(BAD_FD), N(GONE_FD), N(0), NONE, NONE, NONE);
    SETUP(__NR_close, a);
    SETUP(__NR_close, b);
}

/* A descriptor sent along: what recvmsg() records of the control data. */
static void control(void)
{
    union {
        struct cmsghdr h;
        char room[CMSG_SPACE(sizeof(int))];
    } c = {.h = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
    char byte = 'c';
    struct iovec part = {&byte, 1};
    struct msghdr m = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof(c)};
    int fds[2], out = 2, got;

    SETUP(__NR_socketpair, AF_UNIX, SOCK_STREAM, 0, fds);
    memcpy(CMSG_DATA(&c.h), &out, sizeof(out));
    (void)CALL(__NR_sendmsg, fds[0], &m, 0);
    EXPECT(EV_SOCKET_SENDMSG_X, N(1), B("c", 1), N(fds[0]), N(1), PRE("\1"));
    memset(&c, 0, sizeof(c));
    (void)CALL(__NR_recvmsg, fds[1], &m, 0);
    EXPECT(EV_SOCKET_RECVMSG_X, N(1), N(1), B("c", 1), PRE("\1"), B(&c, m.msg_controllen),
           N(fds[1]));
    memcpy(&got, CMSG_DATA(&c.h), sizeof(got));
    SETUP(__NR_close, got);
    SETUP(__NR_close, fds[0]);
    SETUP(__NR_close, fds[1]);
}

/* The recorded form of an option: a byte that tells the kind, and the value. */
struct option {
    uint8_t p[64];
    size_t len;
};

static struct val option(struct option *o, uint8_t kind, const void *p, size_t n)
{
    o->p[0] = kind;
    memcpy(o->p + 1, p, n);
    o->len = n + 1;
    return B(o->p, o->len);
}

static void options(void)
{
    enum { BYTES, ERRNO, U32, U64, TIME };
    struct timeval tv = {2, 500000};
    struct linger linger = {1, 7};
    struct option o;
    uint64_t ns = 2500000000, cookie = 0;
    int64_t error = 0;
    int one = 1, type = 0, err = 77;
    uint32_t len = 4;
    long s = SETUP(__NR_socket, AF_INET, SOCK_STREAM, 0);

    (void)CALL(__NR_setsockopt, s, SOL_SOCKET, SO_REUSEADDR, &one, 4);
    EXPECT(EV_SOCKET_SETSOCKOPT_X, N(0), N(s), N(1), N(2), option(&o, U32, &one, 4), N(4));
    (void)CALL(__NR_setsockopt, s, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
    EXPECT(EV_SOCKET_SETSOCKOPT_X, N(0), N(s), N(1), N(20), option(&o, TIME, &ns, 8), N(16));
    (void)CALL(__NR_setsockopt, s, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    EXPECT(EV_SOCKET_SETSOCKOPT_X, N(0), N(s), N(1), N(13), option(&o, BYTES, &linger, 8), N(8));
    (void)CALL(__NR_setsockopt, s, IPPROTO_TCP, TCP_NODELAY, &one, 4);
    EXPECT(EV_SOCKET_SETSOCKOPT_X, N(0), N(s), N(2), N(0), option(&o, BYTES, &one, 4), N(4));
    (void)CALL(__NR_setsockopt, GONE_FD, SOL_SOCKET, SO_KEEPALIVE, &one, 4);
    EXPECT(EV_SOCKET_SETSOCKOPT_X, N(BAD_FD), N(GONE_FD), N(1), N(9), option(&o, U32, &one, 4),
           N(4));
    (void)CALL(__NR_getsockopt, s, SOL_SOCKET, SO_TYPE, &type, &len);
    EXPECT(EV_SOCKET_GETSOCKOPT_X, N(0), N(s), N(1), N(3), option(&o, U32, &type, 4), N(4));
    (void)CALL(__NR_getsockopt, s, SOL_SOCKET, SO_ERROR, &err, &len);
    EXPECT(EV_SOCKET_GETSOCKOPT_X, N(0), N(s), N(1), N(4), option(&o, ERRNO, &error, 8), N(4));
    len = 8;
    (void)CALL(__NR_getsockopt, s, SOL_SOCKET, SO_COOKIE, &cookie, &len);
    EXPECT(EV_SOCKET_GETSOCKOPT_X, N(0), N(s), N(1), N(0x35), option(&o, U64, &cookie, 8), N(8));
    len = 4;
    (void)CALL(__NR_getsockopt, GONE_FD, SOL_SOCKET, SO_TYPE, &type, &len);
    EXPECT(EV_SOCKET_GETSOCKOPT_X, N(BAD_FD), N(GONE_FD), N(1), N(3), ANY, N(4));
    SETUP(__NR_close, s);
}

void drive_sockopts(void)
{
    messages();
    control();
    options();
}
