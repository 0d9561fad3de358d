/* SPDX-License-Identifier: Apache-2.0 */
/* Words about sockets. What a program must have done before, and nobody told, is told too: the
 * socket before the connection, the address before listening. */
#include "call.h"

#include <errno.h>
#include <string.h>

enum { STREAM = 1, DGRAM = 2, RAW = 3, TCP = 6, UDP = 17, ICMP = 1, L4_TCP = 1, L4_UDP = 2 };
enum { L4_ICMP = 3, L4_RAW = 4, SERVER_PORT = 8080, IN_PROGRESS = -115 };

struct named {
    const char *name;
    uint32_t value;
};

static int number_of(struct sc_call *c, const json_t *n, const struct named *all, uint32_t *ret)
{
    const char *s = sc_text(n);
    struct sc_near near = {.word = s ? s : ""};
    char hint[160];

    for (; all->name; all++) {
        if (s && strcmp(s, all->name) == 0) {
            *ret = all->value;
            return 0;
        }
        sc_near_offer(&near, all->name);
    }
    return sc_wrong(c->w->err, n, "'%.60s' is not known here%s", near.word,
                    sc_near_hint(&near, hint));
}

static const struct named socket_types[] = {{"SOCK_STREAM", STREAM},
                                            {"SOCK_DGRAM", DGRAM},
                                            {"SOCK_RAW", RAW},
                                            {"1", STREAM},
                                            {"2", DGRAM},
                                            {"3", RAW},
                                            {NULL, 0}};
static const struct named protocols[] = {{"tcp", TCP}, {"udp", UDP}, {"icmp", ICMP},
                                         {"6", TCP},   {"17", UDP},  {"1", ICMP},
                                         {"0", 0},     {"raw", 255}, {NULL, 0}};

static uint8_t type_of_fd(uint32_t domain)
{
    return domain == SC_UNIX    ? FD_UNIX
           : domain == SC_INET  ? FD_IPV4
           : domain == SC_INET6 ? FD_IPV6
           : domain == 16       ? FD_NETLINK
                                : FD_UNKNOWN;
}

static uint8_t l4_of(uint32_t type, uint32_t proto)
{
    if (type == RAW)
        return L4_RAW;
    if (proto == ICMP)
        return L4_ICMP;
    return type == DGRAM || proto == UDP ? L4_UDP : L4_TCP;
}

/* ---- socket ---- */

static int prepare_socket(struct sc_call *c)
{
    const json_t *type = c->main ? NULL : sc_arg(c, "type"),
                 *proto = c->main ? NULL : sc_arg(c, "proto"),
                 *domain = c->main ? NULL : sc_arg(c, "domain");
    uint32_t t = STREAM, p = 0;
    int r = 0;

    if (!domain)
        sc_set_num(c, P_SOCKET_SOCKET_X__domain, SC_INET);
    if (proto)
        r = number_of(c, proto, protocols, &p);
    if (r == 0 && type)
        r = number_of(c, type, socket_types, &t);
    else if (p == UDP)
        t = DGRAM;
    if (r == 0 && domain) {
        struct sc_bytes b;

        r = sc_value(c, P_SOCKET_SOCKET_X__domain, domain, &b);
        if (r == 0)
            sc_set_bytes(c, P_SOCKET_SOCKET_X__domain, b);
    }
    sc_set_num(c, P_SOCKET_SOCKET_X__type, t);
    sc_set_num(c, P_SOCKET_SOCKET_X__proto, p);
    return r;
}

static int after_socket(struct sc_call *c)
{
    struct sc_fd *fd = sc_fd_add(c->w, c->actor, c->res);

    if (!fd)
        return -ENOMEM;
    fd->type = type_of_fd((uint32_t)sc_num(c, P_SOCKET_SOCKET_X__domain));
    fd->l4 = l4_of((uint32_t)sc_num(c, P_SOCKET_SOCKET_X__type),
                   (uint32_t)sc_num(c, P_SOCKET_SOCKET_X__proto));
    return 0;
}

static bool is_socket(const struct sc_fd *fd)
{
    return fd && ((fd->type >= FD_IPV4 && fd->type <= FD_IPV6_SERVER) || fd->type == FD_UNIX ||
                  fd->type == FD_NETLINK);
}

/* The socket of that kind that nobody made: a socket() of its own. */
static struct sc_fd *make_socket(struct sc_call *c, uint8_t family, bool udp)
{
    struct sc_call s;
    int64_t num = 3;

    while (sc_fd_find(c->actor, num))
        num++;
    sc_call_begin(&s, c->w, EV_SOCKET_SOCKET_X, c->actor);
    s.res = num;
    sc_set_num(&s, P_SOCKET_SOCKET_X__fd, (uint64_t)num);
    sc_set_num(&s, P_SOCKET_SOCKET_X__domain, family);
    sc_set_num(&s, P_SOCKET_SOCKET_X__type, udp ? DGRAM : STREAM);
    sc_set_num(&s, P_SOCKET_SOCKET_X__proto, 0);
    sc_set_num(&s, P_SOCKET_SOCKET_X__flags, 0);
    if (sc_call_put(&s) < 0 || after_socket(&s) < 0)
        return NULL;
    return sc_fd_find(c->actor, num);
}

/* Which socket the word is about: the one it names, the last one if it is unused, a new one.
 * @param ret_fd stays valid until a descriptor is added or removed. */
static int find_socket(struct sc_call *c, uint8_t family, bool fresh, struct sc_fd **ret_fd)
{
    const json_t *given = c->main ? NULL : sc_arg(c, "fd"),
                 *proto = c->main ? NULL : sc_arg(c, "proto");
    int at = sc_param(c->type, "fd");
    struct sc_fd *fd = sc_fd_find(c->actor, c->actor->last_fd);
    struct sc_bytes b;
    uint32_t p = TCP;
    int r = proto ? number_of(c, proto, protocols, &p) : 0;

    if (r == 0 && given && at > 0) {
        r = sc_value(c, (uint32_t)at, given, &b);
        if (r == 0) {
            sc_set_bytes(c, (uint32_t)at, b);
            fd = sc_fd_find(c->actor, sc_num(c, (uint32_t)at));
            if (!fd)
                return sc_wrong(c->w->err, given, "'%s' has no descriptor %lld", c->actor->name,
                                (long long)sc_num(c, (uint32_t)at));
        }
    } else if (r == 0 && (!is_socket(fd) || (family && fd->type != type_of_fd(family)) ||
                          (fresh && (fd->remote.family || fd->listens)))) {
        fd = make_socket(c, family ? family : SC_INET, p == UDP);
        if (!fd)
            return -ENOMEM;
    }
    if (r < 0)
        return r;
    *ret_fd = fd;
    c->actor->last_fd = fd->num;
    if (at > 0)
        sc_set_num(c, (uint32_t)at, (uint64_t)fd->num);
    return 0;
}

static int read_addr(struct sc_call *c, const char *key, struct sc_addr *ret)
{
    const json_t *v = sc_arg(c, key);

    return v ? sc_addr_of(c->w, v, ret) : 0;
}

/* ---- connect ---- */

static int prepare_connect(struct sc_call *c)
{
    struct sc_addr to = {0}, from = {0};
    struct sc_fd *fd;
    int r = read_addr(c, "to", &to);

    if (r == 0 && !to.family && !c->main)
        r = read_addr(c, "addr", &to);
    if (r == 0 && !c->main)
        r = read_addr(c, "from", &from);
    if (r < 0)
        return r;
    if (!to.family)
        return sc_wrong(c->w->err, c->word, "connect to where? 'to' tells");
    r = find_socket(c, to.family, true, &fd);
    if (r < 0)
        return r;
    if (!from.family)
        from = fd->local.family ? fd->local : sc_local_for(c->w, &to);
    sc_set_bytes(c, P_SOCKET_CONNECT_X__addr, sc_sockaddr(c->w, &to));
    if (c->res == 0 || c->res == IN_PROGRESS) {
        sc_set_bytes(c, P_SOCKET_CONNECT_X__tuple, sc_tuple(c->w, &from, &to));
        fd->local = from;
        fd->remote = to;
        fd->client = true;
    }
    return 0;
}

/* ---- servers ---- */

static int prepare_bind(struct sc_call *c)
{
    struct sc_addr to = {0};
    struct sc_fd *fd;
    int r = read_addr(c, "to", &to);

    if (r == 0 && !to.family && !c->main)
        r = read_addr(c, "addr", &to);
    if (r == 0 && !to.family)
        return sc_wrong(c->w->err, c->word, "bind to which address? 'to' tells");
    if (r == 0)
        r = find_socket(c, to.family, true, &fd);
    if (r < 0)
        return r;
    sc_set_bytes(c, P_SOCKET_BIND_X__addr, sc_sockaddr(c->w, &to));
    if (c->res == 0)
        fd->local = to;
    return 0;
}

static int bind_now(struct sc_call *c, struct sc_fd *fd, const struct sc_addr *to)
{
    struct sc_call b;

    fd->local = *to;
    sc_call_begin(&b, c->w, EV_SOCKET_BIND_X, c->actor);
    sc_set_num(&b, P_SOCKET_BIND_X__fd, (uint64_t)fd->num);
    sc_set_bytes(&b, P_SOCKET_BIND_X__addr, sc_sockaddr(c->w, to));
    return sc_call_put(&b);
}

static struct sc_addr any_address(void)
{
    return (struct sc_addr){.family = SC_INET, .port = SERVER_PORT};
}

static int prepare_listen(struct sc_call *c)
{
    struct sc_addr to = {0};
    struct sc_fd *fd;
    int r = read_addr(c, "to", &to);

    if (r == 0)
        r = find_socket(c, to.family, true, &fd);
    if (r == 0 && !fd->local.family) {
        if (!to.family)
            to = any_address();
        r = bind_now(c, fd, &to);
    }
    if (r == 0)
        fd->listens = c->res == 0;
    return r;
}

/* The listening socket is the last that listens; where none does, one is made. */
static int find_listener(struct sc_call *c, const struct sc_addr *to, struct sc_addr *ret)
{
    struct sc_fd *fd = NULL;
    struct sc_call l;
    int r;

    for (uint32_t i = 0; i < c->actor->n_fds; i++)
        if (c->actor->fds[i].listens)
            fd = &c->actor->fds[i];
    if (fd) {
        *ret = to->family ? *to : fd->local;
        return 0;
    }
    *ret = to->family ? *to : any_address();
    fd = make_socket(c, ret->family, false);
    if (!fd)
        return -ENOMEM;
    r = bind_now(c, fd, ret);
    if (r < 0)
        return r;
    sc_call_begin(&l, c->w, EV_SOCKET_LISTEN_X, c->actor);
    sc_set_num(&l, P_SOCKET_LISTEN_X__fd, (uint64_t)fd->num);
    fd->listens = true;
    return sc_call_put(&l);
}

static int prepare_accept(struct sc_call *c)
{
    struct sc_addr from = {0}, to = {0}, local;
    int r = read_addr(c, "from", &from);

    if (r == 0 && !c->main)
        r = read_addr(c, "to", &to);
    if (r == 0)
        r = find_listener(c, &to, &local);
    if (r < 0)
        return r;
    if (!from.family) {
        from.family = local.family;
        from.ip[0] = from.family == SC_INET ? 203 : 0x20; /* 203.0.113.9, 2001:db8::9 */
        memcpy(from.ip + 1, from.family == SC_INET ? "\0\x71\x09" : "\x01\x0d\xb8", 3);
        from.ip[15] = from.family == SC_INET ? 0 : 9;
        from.port = c->w->next_port++;
    }
    if (c->res < 0)
        return 0;
    if (!c->is_res_given) {
        c->res = 0;
        while (sc_fd_find(c->actor, c->res))
            c->res++;
        sc_set_num(c, 0, (uint64_t)c->res);
    }
    if (memcmp(local.ip, (uint8_t[16]){0}, 16) == 0 && local.family == from.family)
        memcpy(local.ip, sc_local_for(c->w, &from).ip, 16);
    sc_set_bytes(c, P_SOCKET_ACCEPT_5_X__tuple, sc_tuple(c->w, &from, &local));
    return 0;
}

static int after_accept(struct sc_call *c)
{
    struct sc_fd *fd = sc_fd_add(c->w, c->actor, c->res);
    const struct sc_bytes *t = &c->par[P_SOCKET_ACCEPT_5_X__tuple].b;
    uint32_t n;

    if (!fd)
        return -ENOMEM;
    if (!t->len)
        return 0;
    fd->type = type_of_fd(t->p[0]);
    fd->l4 = fd->type == FD_UNIX ? 0 : L4_TCP;
    fd->local.family = fd->remote.family = t->p[0];
    if (fd->type == FD_UNIX)
        return 0;
    n = fd->type == FD_IPV4 ? 4 : 16;
    memcpy(fd->remote.ip, t->p + 1, n);
    memcpy(&fd->remote.port, t->p + 1 + n, 2);
    memcpy(fd->local.ip, t->p + 3 + n, n);
    memcpy(&fd->local.port, t->p + 3 + 2 * n, 2);
    return 0;
}

/* ---- messages ---- */

static bool sends(const struct sc_call *c)
{
    return c->type->traits & T_WRITES_FD;
}

static int message_data(struct sc_call *c)
{
    int data = sc_param(c->type, "data"), size = sc_param(c->type, "size");
    const json_t *v = sc_arg(c, "data");
    struct sc_bytes b = {0};
    int r = v ? sc_value(c, (uint32_t)data, v, &b) : 0;

    if (r < 0)
        return r;
    sc_set_bytes(c, (uint32_t)data, b);
    if (!c->is_res_given) {
        c->res = b.len;
        sc_set_num(c, 0, (uint64_t)c->res);
    }
    sc_set_num(c, (uint32_t)size, c->res > 0 ? (uint64_t)c->res : b.len);
    return 0;
}

/* Both ends, from the sender to the receiver. */
static int prepare_message(struct sc_call *c)
{
    struct sc_addr other = {0}, local;
    struct sc_fd *fd;
    int at = sc_param(c->type, "tuple"), r = 0;

    if (!c->main)
        r = read_addr(c, sends(c) ? "to" : "from", &other);
    if (r == 0)
        r = find_socket(c, other.family, false, &fd);
    if (r == 0)
        r = message_data(c);
    if (r < 0)
        return r;
    if (!other.family)
        other = fd->remote;
    local = fd->local;
    if (!local.family && other.family)
        local = fd->local = sc_local_for(c->w, &other);
    if (c->res >= 0 && other.family)
        sc_set_bytes(c, (uint32_t)at,
                     sends(c) ? sc_tuple(c->w, &local, &other) : sc_tuple(c->w, &other, &local));
    return 0;
}

static int nothing(struct sc_call *c)
{
    (void)c;
    return 0;
}

static const char *const connect_keys[] = {"to", "from", "proto", NULL};
static const char *const bind_keys[] = {"to", "proto", NULL};
static const char *const accept_keys[] = {"from", "to", NULL};
static const char *const send_keys[] = {"to", "proto", NULL};
static const char *const receive_keys[] = {"from", "proto", NULL};

const struct sc_word sc_words_net[] = {
    {"socket", EV_SOCKET_SOCKET_X, NULL, NULL, prepare_socket, after_socket, NULL},
    {"connect", EV_SOCKET_CONNECT_X, "to", connect_keys, prepare_connect, nothing, NULL},
    {"bind", EV_SOCKET_BIND_X, "to", bind_keys, prepare_bind, nothing, NULL},
    {"listen", EV_SOCKET_LISTEN_X, "to", bind_keys, prepare_listen, nothing, NULL},
    {"accept", EV_SOCKET_ACCEPT_5_X, "from", accept_keys, prepare_accept, after_accept, NULL},
    {"accept4", EV_SOCKET_ACCEPT4_6_X, "from", accept_keys, prepare_accept, after_accept, NULL},
    {"send", EV_SOCKET_SEND_X, "data", send_keys, prepare_message, nothing, NULL},
    {"sendto", EV_SOCKET_SENDTO_X, "data", send_keys, prepare_message, nothing, NULL},
    {"sendmsg", EV_SOCKET_SENDMSG_X, "data", send_keys, prepare_message, nothing, NULL},
    {"sendmmsg", EV_SOCKET_SENDMMSG_X, "data", send_keys, prepare_message, nothing, NULL},
    {"recv", EV_SOCKET_RECV_X, "data", receive_keys, prepare_message, nothing, NULL},
    {"recvfrom", EV_SOCKET_RECVFROM_X, "data", receive_keys, prepare_message, nothing, NULL},
    {"recvmsg", EV_SOCKET_RECVMSG_X, "data", receive_keys, prepare_message, nothing, NULL},
    {"recvmmsg", EV_SOCKET_RECVMMSG_X, "data", receive_keys, prepare_message, nothing, NULL},
    {0},
};
