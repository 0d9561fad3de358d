/* SPDX-License-Identifier: Apache-2.0 */
/* What calls on sockets do to descriptors. */
#include "state.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

enum { PROTO_ICMP = 1, PROTO_TCP = 6, PROTO_UDP = 17, PROTO_RAW = 255 };

static const uint8_t *bytes(const struct gyr_event *ev, uint32_t i, uint32_t *ret_len)
{
    *ret_len = 0;
    return i < ev->nparams ? gyr_param(ev, i, ret_len) : NULL;
}

static void name_from_addrs(struct pr_state *s, struct pr_fd *fd)
{
    char out[PR_TUPLE_TEXT];

    pr_str_set(&s->store, &fd->name, out, pr_fd_addr_text(out, fd));
}

static void name_from_tuple(struct pr_state *s, struct pr_fd *fd, const uint8_t *p, uint32_t len)
{
    char out[PR_TUPLE_TEXT];

    pr_str_set(&s->store, &fd->name, out, pr_tuple_text(out, p, len));
}

static uint8_t l4_of(uint64_t type, uint64_t protocol)
{
    uint8_t raw = type == SOCK_RAW ? PR_L4_RAW : PR_L4_UNKNOWN;

    switch (protocol) {
    case PROTO_TCP:
        return raw ? raw : PR_L4_TCP;
    case PROTO_UDP:
        return raw ? raw : PR_L4_UDP;
    case PROTO_ICMP:
        return raw ? raw : PR_L4_ICMP;
    case PROTO_RAW:
        return PR_L4_RAW;
    case 0:
        if ((type & 0xff) == SOCK_STREAM)
            return PR_L4_TCP;
        return (type & 0xff) == SOCK_DGRAM ? PR_L4_UDP : PR_L4_UNKNOWN;
    default:
        return PR_L4_UNKNOWN;
    }
}

static void add_socket(struct pr_state *s, int64_t num, uint64_t domain, uint64_t type,
                       uint64_t protocol, uint32_t flags)
{
    struct pr_fd *fd = pr_now_add(s, num);

    if (!fd)
        return;
    fd->openflags = flags;
    switch (domain) {
    case PR_FAMILY_UNIX:
        fd->type = FD_UNIX;
        break;
    case PR_FAMILY_INET:
    case PR_FAMILY_INET6:
        fd->type = domain == PR_FAMILY_INET ? FD_IPV4 : FD_IPV6;
        fd->l4 = l4_of(type, protocol);
        break;
    case PR_FAMILY_NETLINK:
        fd->type = FD_NETLINK;
        break;
    default:
        fd->type = FD_UNKNOWN;
    }
}

void pr_on_socket(struct pr_state *s, const struct gyr_event *ev)
{
    if (s->now.res < 0)
        return;
    add_socket(s, s->now.res, pr_param_num(ev, P_SOCKET_SOCKET_X__domain, 0),
               pr_param_num(ev, P_SOCKET_SOCKET_X__type, 0),
               pr_param_num(ev, P_SOCKET_SOCKET_X__proto, 0),
               (uint32_t)pr_param_num(ev, P_SOCKET_SOCKET_X__flags, 0));
}

void pr_on_socketpair(struct pr_state *s, const struct gyr_event *ev)
{
    uint64_t ends[2] = {pr_param_num(ev, P_SOCKET_SOCKETPAIR_X__source, 0),
                        pr_param_num(ev, P_SOCKET_SOCKETPAIR_X__peer, 0)};
    int64_t num[2] = {pr_param_int(ev, P_SOCKET_SOCKETPAIR_X__fd1, -1),
                      pr_param_int(ev, P_SOCKET_SOCKETPAIR_X__fd2, -1)};

    if (s->now.res < 0 || num[0] == num[1])
        return;
    for (int i = 0; i < 2; i++) {
        struct pr_fd *fd = pr_now_add(s, num[i]);

        if (!fd)
            return;
        fd->type = FD_UNIX;
        if (pr_param_num(ev, P_SOCKET_SOCKETPAIR_X__type, 0) & SOCK_CLOEXEC)
            fd->openflags = PR_O_CLOEXEC;
        memcpy(fd->sip, &ends[0], 8);
        memcpy(fd->dip, &ends[1], 8);
    }
}

/* A bound socket with a port is a server's, until it connects. */
void pr_on_bind(struct pr_state *s, const struct gyr_event *ev)
{
    char out[PR_TUPLE_TEXT];
    uint32_t len;
    const uint8_t *p = bytes(ev, P_SOCKET_BIND_X__addr, &len);
    struct pr_fd *fd;
    uint16_t port;

    if (s->now.res < 0 || !pr_sockaddr_is_whole(p, len))
        return;
    fd = pr_now_edit(s);
    if (!fd)
        return;
    if (p[0] == PR_FAMILY_INET || p[0] == PR_FAMILY_INET6) {
        bool is6 = p[0] == PR_FAMILY_INET6, mapped = is6 && pr_ip6_is_mapped(p + 1);

        memcpy(&port, p + (is6 ? 17 : 5), 2);
        if (port) {
            fd->type = is6 && !mapped ? FD_IPV6_SERVER : FD_IPV4_SERVER;
            memset(fd->dip, 0, sizeof(fd->dip));
            memcpy(fd->dip, p + (mapped ? 13 : 1), is6 && !mapped ? 16 : 4);
            fd->dport = port;
            fd->flags |= PR_FD_SERVER;
        }
    }
    pr_str_set(&s->store, &fd->name, out, pr_sockaddr_text(out, p, len));
}

/* ---- tuples ---- */

struct ends {
    const uint8_t *sip, *dip;
    uint16_t sport, dport;
    uint32_t n; /* bytes of an address */
    uint8_t type;
};

/* @return false for a tuple that is not of internet addresses. */
static bool ends_of(const uint8_t *p, struct ends *ret)
{
    bool is6 = p[0] == PR_FAMILY_INET6;
    uint32_t n = is6 ? 16 : 4;

    if (p[0] != PR_FAMILY_INET && !is6)
        return false;
    *ret = (struct ends){.sip = p + 1, .dip = p + 3 + n, .n = n};
    memcpy(&ret->sport, p + 1 + n, 2);
    memcpy(&ret->dport, p + 3 + 2 * n, 2);
    if (is6 && pr_ip6_is_mapped(ret->sip) && pr_ip6_is_mapped(ret->dip)) {
        ret->sip += 12;
        ret->dip += 12;
        ret->n = 4;
    }
    ret->type = ret->n == 16 ? FD_IPV6 : FD_IPV4;
    return true;
}

static bool is_end(const uint8_t *ip, uint16_t port, const uint8_t *want, uint16_t want_port,
                   uint32_t n)
{
    return port == want_port && memcmp(ip, want, n) == 0;
}

/* Take over both ends. A destination that is known stays, but for @p overwrite.
 * @return whether anything changed; the same connection seen from its other side is no change. */
static bool take_ends(struct pr_fd *fd, const struct ends *e, bool overwrite)
{
    static const uint8_t zero[16];
    bool changed = false;

    if (fd->type == e->type && ((is_end(fd->sip, fd->sport, e->sip, e->sport, e->n) &&
                                 is_end(fd->dip, fd->dport, e->dip, e->dport, e->n)) ||
                                (is_end(fd->sip, fd->sport, e->dip, e->dport, e->n) &&
                                 is_end(fd->dip, fd->dport, e->sip, e->sport, e->n))))
        return false;
    if (memcmp(fd->sip, e->sip, e->n) != 0 || fd->sport != e->sport)
        changed = true;
    memcpy(fd->sip, e->sip, e->n);
    fd->sport = e->sport;
    if (overwrite || memcmp(fd->dip, zero, e->n) == 0) {
        changed = changed || memcmp(fd->dip, e->dip, e->n) != 0;
        memcpy(fd->dip, e->dip, e->n);
    }
    if (overwrite || fd->dport == 0) {
        changed = changed || fd->dport != e->dport;
        fd->dport = e->dport;
    }
    return changed;
}

void pr_on_connect(struct pr_state *s, const struct gyr_event *ev)
{
    uint32_t len;
    const uint8_t *p = bytes(ev, P_SOCKET_CONNECT_X__tuple, &len);
    struct pr_fd *fd;
    struct ends e;
    bool changed;

    if (!s->now.fd || (s->now.res < 0 && s->now.res != -EINPROGRESS))
        return;
    fd = pr_now_edit(s);
    if (!fd)
        return;
    fd->flags |= PR_FD_CONNECTED;
    if (!pr_tuple_is_whole(p, len))
        return;
    if (ends_of(p, &e)) {
        changed = take_ends(fd, &e, true);
        fd->type = e.type;
        if (changed && fd->flags & PR_FD_SERVER && fd->type == FD_IPV4 && fd->l4 == PR_L4_UDP)
            pr_fd_swap(fd);
        name_from_addrs(s, fd);
    } else if (fd->type == FD_UNIX && p[0] == PR_FAMILY_UNIX) {
        memcpy(fd->sip, p + 1, 8);
        memcpy(fd->dip, p + 9, 8);
        name_from_tuple(s, fd, p, len);
    } else {
        return;
    }
    if (!(fd->flags & (PR_FD_CLIENT | PR_FD_SERVER)))
        fd->flags |= PR_FD_CLIENT;
}

void pr_on_accept(struct pr_state *s, const struct gyr_event *ev)
{
    uint32_t len, cloexec = 0;
    const uint8_t *p = bytes(ev, P_SOCKET_ACCEPT_5_X__tuple, &len);
    struct pr_fd *fd;
    struct ends e;

    if (s->now.res < 0)
        return;
    s->now.fd_num = s->now.res;
    pr_fd_forget(s, s->now.res);
    if (!pr_tuple_is_whole(p, len))
        return;
    if (p[0] != PR_FAMILY_INET && p[0] != PR_FAMILY_INET6 && p[0] != PR_FAMILY_UNIX)
        return;
    fd = pr_now_add(s, s->now.res);
    if (!fd)
        return;
    if (ends_of(p, &e)) {
        (void)take_ends(fd, &e, true);
        fd->type = e.type;
        fd->l4 = PR_L4_TCP;
    } else {
        fd->type = FD_UNIX;
        memcpy(fd->sip, p + 1, 8);
        memcpy(fd->dip, p + 9, 8);
    }
    name_from_tuple(s, fd, p, len);
    if (ev->type == EV_SOCKET_ACCEPT4_6_X)
        cloexec = (uint32_t)pr_param_num(ev, P_SOCKET_ACCEPT4_6_X__flags, 0) & PR_O_CLOEXEC;
    fd->openflags = cloexec;
    fd->flags = PR_FD_SERVER | PR_FD_CONNECTED;
}

/* ---- data ---- */

/* Who has the port bound serves. */
static void guess_role(struct pr_state *s, struct pr_fd *fd, bool incoming)
{
    struct pr_fds **t = pr_thread_fds(s->now.thread);
    bool bound = false, client = false;

    for (uint32_t i = 0; i < (*t)->cap; i++) {
        const struct pr_fd *other = &(*t)->slots[i];

        if (other->num == -1)
            continue;
        if (other->type == FD_IPV4 || other->type == FD_IPV4_SERVER)
            bound = bound || other->dport == fd->dport;
        if (other->type == FD_IPV4)
            client = client || other->sport == fd->sport;
    }
    if (!bound)
        fd->flags |= PR_FD_CLIENT;
    else if (!client || incoming)
        fd->flags |= PR_FD_SERVER;
    else
        fd->flags |= PR_FD_CLIENT;
}

/* The tuple of a datagram tells the ends of its socket. */
static void take_tuple(struct pr_state *s, struct pr_fd *fd, const uint8_t *p, uint32_t len,
                       bool incoming)
{
    struct ends e;

    if (!pr_tuple_is_whole(p, len))
        return;
    if (p[0] == PR_FAMILY_UNIX) {
        fd->type = FD_UNIX;
        memcpy(fd->sip, p + 1, 8);
        memcpy(fd->dip, p + 9, 8);
        name_from_tuple(s, fd, p, len);
        return;
    }
    if (!ends_of(p, &e))
        return;
    if (fd->type == FD_IPV4_SERVER || fd->type == FD_IPV6_SERVER) {
        memset(fd->dip, 0, sizeof(fd->dip)); /* the far side was not known */
        fd->dport = 0;
    }
    if (!take_ends(fd, &e, false) && fd->type == e.type)
        return;
    fd->type = e.type;
    if (fd->l4 == PR_L4_UNKNOWN)
        fd->l4 = PR_L4_UDP;
    pr_addrs_complete(&s->addrs, fd);
    if (!(fd->flags & (PR_FD_CLIENT | PR_FD_SERVER)))
        guess_role(s, fd, incoming);
    if (fd->flags & (incoming ? PR_FD_CLIENT : PR_FD_SERVER))
        pr_fd_swap(fd);
    name_from_addrs(s, fd);
}

static void moved_data(struct pr_state *s, const struct gyr_event *ev, int tuple, bool incoming)
{
    uint32_t len = 0;
    const uint8_t *p = tuple >= 0 ? bytes(ev, (uint32_t)tuple, &len) : NULL;
    struct pr_fd *fd = s->now.fd;
    bool connects, tells;

    if (!fd || s->now.res < 0)
        return;
    connects = pr_fd_is_inet(fd) && !(fd->flags & PR_FD_CONNECTED);
    tells = len && (!fd->name || !(fd->type == FD_IPV4 && fd->l4 == PR_L4_TCP));
    if (!connects && !tells)
        return;
    fd = pr_now_edit(s);
    if (!fd)
        return;
    if (connects)
        fd->flags |= PR_FD_CONNECTED;
    if (tells)
        take_tuple(s, fd, p, len, incoming);
}

void pr_on_read(struct pr_state *s, const struct gyr_event *ev)
{
    const uint8_t *p = NULL;
    uint32_t len = 0;
    int tuple = -1;

    if (ev->type == EV_SOCKET_RECVFROM_X)
        tuple = P_SOCKET_RECVFROM_X__tuple;
    else if (ev->type == EV_SOCKET_RECVMSG_X)
        tuple = P_SOCKET_RECVMSG_X__tuple;
    else if (ev->type == EV_SOCKET_RECV_X || ev->type == EV_SOCKET_RECVMMSG_X)
        tuple = P_SOCKET_RECV_X__tuple;
    moved_data(s, ev, tuple, true);
    if (s->now.res < 0)
        return;
    if (ev->type == EV_SOCKET_RECVMSG_X)
        p = bytes(ev, P_SOCKET_RECVMSG_X__msgcontrol, &len);
    else if (ev->type == EV_SOCKET_RECVMMSG_X)
        p = bytes(ev, P_SOCKET_RECVMMSG_X__msgcontrol, &len);
    if (len)
        pr_take_passed(s, p, len);
}

/* A datagram on a socket whose making we did not see tells that there is one. */
static void infer_socket(struct pr_state *s, const struct gyr_event *ev)
{
    uint32_t len;
    const uint8_t *p = bytes(ev, P_SOCKET_SENDTO_X__tuple, &len);

    if (!s->now.thread || s->now.res < 0 || !len || s->now.fd_num < 0)
        return;
    if (p[0] == PR_FAMILY_INET || p[0] == PR_FAMILY_INET6)
        add_socket(s, s->now.fd_num, p[0], SOCK_DGRAM, PROTO_UDP, 0);
}

void pr_on_write(struct pr_state *s, const struct gyr_event *ev)
{
    bool sends = ev->type == EV_SOCKET_SEND_X || ev->type == EV_SOCKET_SENDTO_X ||
                 ev->type == EV_SOCKET_SENDMSG_X;

    if (sends && !s->now.fd)
        infer_socket(s, ev);
    if (ev->type == EV_SOCKET_SENDMMSG_X)
        sends = true;
    moved_data(s, ev, sends ? P_SOCKET_SENDTO_X__tuple : -1, false);
}
