/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets of every family, with addresses and tuples. */
#include "live.h"

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

enum {
    BAD_FD = -9,
    INVALID = -22,
    REFUSED = -111,
    IN_PROGRESS = -115,
    GONE_FD = 999,
    NONBLOCK = 0x40,
    CLOEXEC = 0x1000
};

/* The recorded forms: family, addresses in network order, ports in the host's. */
struct form {
    uint8_t p[160];
    size_t len;
};
#define F(f) form_val((struct form[]){f})
static struct val form_val(const struct form *f)
{
    return B(f->p, f->len);
}

static void form_add(struct form *f, const void *p, size_t n)
{
    memcpy(f->p + f->len, p, n);
    f->len += n;
}

static void form_in(struct form *f, const struct sockaddr_in *a)
{
    uint16_t port = ntohs(a->sin_port);

    form_add(f, &a->sin_addr, 4);
    form_add(f, &port, 2);
}

static void form_in6(struct form *f, const struct sockaddr_in6 *a)
{
    uint16_t port = ntohs(a->sin6_port);

    form_add(f, &a->sin6_addr, 16);
    form_add(f, &port, 2);
}

static struct form addr_in(const struct sockaddr_in *a)
{
    struct form f = {{AF_INET}, 1};

    form_in(&f, a);
    return f;
}

static struct form addr_in6(const struct sockaddr_in6 *a)
{
    struct form f = {{AF_INET6}, 1};

    form_in6(&f, a);
    return f;
}

static struct form tuple_in(const struct sockaddr_in *from, const struct sockaddr_in *to)
{
    struct form f = {{AF_INET}, 1};

    form_in(&f, from);
    form_in(&f, to);
    return f;
}

static struct form tuple_in6(const struct sockaddr_in6 *from, const struct sockaddr_in6 *to)
{
    struct form f = {{AF_INET6}, 1};

    form_in6(&f, from);
    form_in6(&f, to);
    return f;
}

/* The address a socket was given. */
static void own(long fd, void *a, uint32_t len)
{
    SETUP(__NR_getsockname, fd, a, &len);
}

static void made(void)
{
    int fds[2] = {0, 0};
    long fd = CALL(__NR_socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 17);

    EXPECT(EV_SOCKET_SOCKET_X, N(fd), N(2), N(SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK), N(17),
           N(CLOEXEC | NONBLOCK));
    SETUP(__NR_close, fd);
    fd = CALL(__NR_socket, AF_PACKET, SOCK_RAW, 0);
    EXPECT(EV_SOCKET_SOCKET_X, N(fd), N(17), N(SOCK_RAW), N(0), N(0));
    if (fd >= 0)
        SETUP(__NR_close, fd);
    fd = CALL(__NR_socket, AF_UNIX, 77, 0);
    EXPECT(EV_SOCKET_SOCKET_X, N(fd), N(1), N(77), N(0), ANY);
    (void)CALL(__NR_socketpair, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds);
    EXPECT(EV_SOCKET_SOCKETPAIR_X, N(0), N(fds[0]), N(fds[1]), SOME, SOME, N(1),
           N(SOCK_STREAM | SOCK_CLOEXEC), N(0));
    SETUP(__NR_close, fds[0]);
    SETUP(__NR_close, fds[1]);
    fd = CALL(__NR_socketpair, AF_INET, SOCK_STREAM, 0, fds);
    EXPECT(EV_SOCKET_SOCKETPAIR_X, N(fd), N(-1), N(-1), N(0), N(0), N(2), N(SOCK_STREAM), N(0));
}

static void tcp4(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001)}, from, to;
    struct form to_form;
    char in[128];
    uint32_t len = sizeof(at);
    long s = SETUP(__NR_socket, AF_INET, SOCK_STREAM, 0), c, a;

    (void)CALL(__NR_bind, s, &at, sizeof(at));
    EXPECT(EV_SOCKET_BIND_X, N(0), F(addr_in(&at)), N(s));
    (void)CALL(__NR_bind, GONE_FD, &at, sizeof(at));
    EXPECT(EV_SOCKET_BIND_X, N(BAD_FD), F(addr_in(&at)), N(GONE_FD));
    (void)CALL(__NR_bind, s, NULL, 16);
    EXPECT(EV_SOCKET_BIND_X, N(-14), NONE, N(s));
    (void)CALL(__NR_listen, s, 7);
    EXPECT(EV_SOCKET_LISTEN_X, N(0), N(s), N(7));
    (void)CALL(__NR_listen, GONE_FD, -1);
    EXPECT(EV_SOCKET_LISTEN_X, N(BAD_FD), N(GONE_FD), N(-1));
    own(s, &to, sizeof(to));
    to_form = addr_in(&to);

    c = SETUP(__NR_socket, AF_INET, SOCK_STREAM, 0);
    CALL(__NR_connect, c, &to, sizeof(to));
    MARK(connected);
    own(c, &from, sizeof(from));
    EXPECT_AT(connected, self_tid, EV_SOCKET_CONNECT_X, N(0), F(tuple_in(&from, &to)), N(c),
              F(to_form));
    a = CALL(__NR_accept, s, NULL, NULL);
    EXPECT(EV_SOCKET_ACCEPT_5_X, N(a), F(tuple_in(&from, &to)), N(0), N(0), N(7));
    (void)CALL(__NR_accept, GONE_FD, NULL, NULL);
    EXPECT(EV_SOCKET_ACCEPT_5_X, N(BAD_FD), NONE, N(0), N(0), N(0));
    (void)CALL(__NR_getpeername, c, &at, &len);
    EXPECT(EV_SOCKET_GETPEERNAME_X);
    (void)CALL(__NR_getsockname, GONE_FD, &at, &len);
    EXPECT(EV_SOCKET_GETSOCKNAME_X);
    (void)CALL(__NR_sendto, c, "to the server", 13, 0, NULL, 0);
    EXPECT(EV_SOCKET_SENDTO_X, N(13), B("to the server", 13), N(c), N(13), F(tuple_in(&from, &to)));
    (void)CALL(__NR_recvfrom, a, in, sizeof(in), 0, NULL, NULL);
    EXPECT(EV_SOCKET_RECVFROM_X, N(13), B("to the server", 13), F(tuple_in(&from, &to)), N(a),
           N(sizeof(in)));
    (void)CALL(__NR_write, a, "reply", 5);
    EXPECT(EV_SYSCALL_WRITE_X, N(5), B("reply", 5), N(a), N(5));
    (void)CALL(__NR_read, c, in, 3);
    EXPECT(EV_SYSCALL_READ_X, N(3), B("rep", 3), N(c), N(3));
    (void)CALL(__NR_shutdown, c, SHUT_WR);
    EXPECT(EV_SOCKET_SHUTDOWN_X, N(0), N(c), N(1));
    (void)CALL(__NR_recvfrom, a, in, 9, 0, NULL, NULL);
    EXPECT(EV_SOCKET_RECVFROM_X, N(0), NONE, F(tuple_in(&from, &to)), N(a), N(9));
    (void)CALL(__NR_shutdown, GONE_FD, SHUT_RDWR);
    EXPECT(EV_SOCKET_SHUTDOWN_X, N(BAD_FD), N(GONE_FD), N(2));
    SETUP(__NR_close, a);
    SETUP(__NR_close, c);

    c = SETUP(__NR_socket, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    (void)CALL(__NR_connect, c, &to, sizeof(to));
    MARK(started);
    own(c, &from, sizeof(from));
    EXPECT_AT(started, self_tid, EV_SOCKET_CONNECT_X, N(IN_PROGRESS), F(tuple_in(&from, &to)), N(c),
              F(to_form));
    a = CALL(__NR_accept4, s, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    EXPECT(EV_SOCKET_ACCEPT4_6_X, N(a), F(tuple_in(&from, &to)), N(0), N(0), N(7),
           N(CLOEXEC | NONBLOCK));
    SETUP(__NR_close, a);
    SETUP(__NR_fcntl, s, F_SETFL, O_NONBLOCK);
    (void)CALL(__NR_accept4, s, NULL, NULL, 0);
    EXPECT(EV_SOCKET_ACCEPT4_6_X, N(-11), NONE, N(0), N(0), N(0), N(0));
    SETUP(__NR_close, c);
    SETUP(__NR_close, s);
    c = SETUP(__NR_socket, AF_INET, SOCK_STREAM, 0);
    (void)CALL(__NR_connect, c, &to, sizeof(to));
    EXPECT(EV_SOCKET_CONNECT_X, N(REFUSED), NONE, N(c), F(to_form));
    SETUP(__NR_close, c);
    (void)CALL(__NR_connect, GONE_FD, &to, sizeof(to));
    EXPECT(EV_SOCKET_CONNECT_X, N(BAD_FD), NONE, N(GONE_FD), F(to_form));
}

static void tcp6(void)
{
    struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT}, from,
                        to;
    long s = TRY(__NR_socket, AF_INET6, SOCK_STREAM, 0), c, a, n;

    n = s < 0 ? s : CALL(__NR_bind, s, &at, sizeof(at));
    if (s >= 0)
        EXPECT(EV_SOCKET_BIND_X, N(n), F(addr_in6(&at)), N(s));
    if (n < 0) {
        left_out("TCP over IPv6", "no address ::1 here");
        return;
    }
    SETUP(__NR_listen, s, 3);
    own(s, &to, sizeof(to));
    c = SETUP(__NR_socket, AF_INET6, SOCK_STREAM, 0);
    (void)CALL(__NR_connect, c, &to, sizeof(to));
    MARK(connected);
    own(c, &from, sizeof(from));
    EXPECT_AT(connected, self_tid, EV_SOCKET_CONNECT_X, N(0), F(tuple_in6(&from, &to)), N(c),
              F(addr_in6(&to)));
    a = CALL(__NR_accept, s, NULL, NULL);
    EXPECT(EV_SOCKET_ACCEPT_5_X, N(a), F(tuple_in6(&from, &to)), N(0), N(0), N(3));
    (void)CALL(__NR_sendto, c, "six", 3, 0, NULL, 0);
    EXPECT(EV_SOCKET_SENDTO_X, N(3), B("six", 3), N(c), N(3), F(tuple_in6(&from, &to)));
    SETUP(__NR_close, a);
    SETUP(__NR_close, c);
    SETUP(__NR_close, s);
}

/* Two datagram sockets on the loopback: @p to is the second's address. */
static void udp(void)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001)}, from,
                       to, seen;
    long a = SETUP(__NR_socket, AF_INET, SOCK_DGRAM, 0), b;
    char in[100];
    uint32_t len = sizeof(seen);

    b = SETUP(__NR_socket, AF_INET, SOCK_DGRAM, 0);
    SETUP(__NR_bind, a, &any, sizeof(any));
    SETUP(__NR_bind, b, &any, sizeof(any));
    own(a, &from, sizeof(from));
    own(b, &to, sizeof(to));
    (void)CALL(__NR_sendto, a, "datagram", 8, 0, &to, sizeof(to));
    EXPECT(EV_SOCKET_SENDTO_X, N(8), B("datagram", 8), N(a), N(8), F(tuple_in(&from, &to)));
    (void)CALL(__NR_recvfrom, b, in, sizeof(in), 0, &seen, &len);
    EXPECT(EV_SOCKET_RECVFROM_X, N(8), B("datagram", 8), F(tuple_in(&from, &to)), N(b),
           N(sizeof(in)));
    (void)CALL(__NR_recvfrom, b, in, sizeof(in), MSG_DONTWAIT, &seen, &len);
    EXPECT(EV_SOCKET_RECVFROM_X, N(-11), NONE, NONE, N(b), N(sizeof(in)));
    (void)CALL(__NR_sendto, GONE_FD, "tried", 5, 0, &to, sizeof(to));
    EXPECT(EV_SOCKET_SENDTO_X, N(BAD_FD), B("tried", 5), N(GONE_FD), N(5), NONE);
    (void)CALL(__NR_connect, a, &to, sizeof(to));
    EXPECT(EV_SOCKET_CONNECT_X, N(0), F(tuple_in(&from, &to)), N(a), F(addr_in(&to)));
    SETUP(__NR_close, a);
    SETUP(__NR_close, b);
}

static void unix_sockets(void)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX, .sun_path = "sock"},
                       none = {.sun_family = AF_UNIX, .sun_path = "no-sock"},
                       hidden = {.sun_family = AF_UNIX, .sun_path = "\0gyr-live"};
    long s = SETUP(__NR_socket, AF_UNIX, SOCK_STREAM, 0), c, a;
    char in[16];

    (void)CALL(__NR_bind, s, &at, sizeof(at));
    EXPECT(EV_SOCKET_BIND_X, N(0), B("\1sock", 6), N(s));
    SETUP(__NR_listen, s, 2);
    c = SETUP(__NR_socket, AF_UNIX, SOCK_STREAM, 0);
    (void)CALL(__NR_connect, c, &none, sizeof(none));
    EXPECT(EV_SOCKET_CONNECT_X, N(-2), NONE, N(c), B("\1no-sock", 9));
    /* u8 family, two pointers of the kernel's, the path */
    (void)CALL(__NR_connect, c, &at, sizeof(at));
    EXPECT(EV_SOCKET_CONNECT_X, N(0), PRE("\1"), N(c), B("\1sock", 6));
    a = CALL(__NR_accept, s, NULL, NULL);
    EXPECT(EV_SOCKET_ACCEPT_5_X, N(a), PRE("\1"), N(0), N(0), N(2));
    (void)CALL(__NR_sendto, c, "local", 5, 0, NULL, 0);
    EXPECT(EV_SOCKET_SENDTO_X, N(5), B("local", 5), N(c), N(5), PRE("\1"));
    (void)CALL(__NR_recvfrom, a, in, sizeof(in), 0, NULL, NULL);
    EXPECT(EV_SOCKET_RECVFROM_X, N(5), B("local", 5), PRE("\1"), N(a), N(sizeof(in)));
    SETUP(__NR_close, a);
    SETUP(__NR_close, c);
    SETUP(__NR_close, s);
    SETUP(__NR_unlink, "sock");
    s = SETUP(__NR_socket, AF_UNIX, SOCK_DGRAM, 0);
    (void)CALL(__NR_bind, s, &hidden, 2 + 9);
    EXPECT(EV_SOCKET_BIND_X, N(0), B("\1gyr-live", 10), N(s));
    SETUP(__NR_close, s);
}

static void netlink(void)
{
    struct sockaddr_nl at = {.nl_family = AF_NETLINK};
    long s = TRY(__NR_socket, AF_NETLINK, SOCK_RAW, 0);

    if (s < 0)
        return;
    (void)CALL(__NR_bind, s, &at, sizeof(at));
    EXPECT(EV_SOCKET_BIND_X, N(0), NONE, N(s));
    (void)CALL(__NR_sendto, s, "\x10\0\0\0\3\0\0\0\0\0\0\0\0\0\0\0", 16, 0, NULL, 0);
    EXPECT(EV_SOCKET_SENDTO_X, N(16), SOME, N(s), N(16), NONE);
    SETUP(__NR_close, s);
}

void drive_net(void)
{
    made();
    tcp4();
    tcp6();
    udp();
    unix_sockets();
    netlink();
}
