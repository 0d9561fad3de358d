/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets: what the tables below /proc/PID/net say of them, read once for each network
 * namespace, and only when one of its processes has a socket. */
#include "proc_priv.h"

#include "syscall/syscall.h"

#include <sys/xattr.h>

enum { L4_NONE = 0, L4_TCP = 2, L4_UDP = 3, L4_ICMP = 4, L4_RAW = 5, UNIX_PATH_MAX_LEN = 255 };

static struct proc_socket *add(struct proc_snapshot *s, uint64_t ino, uint8_t type)
{
    struct proc_socket *sock;

    if (ino == 0) /* nobody's any more */
        return NULL;
    sock = proc_map_add(&s->sockets, sizeof(*sock), ino, s->max_sockets);
    if (!sock)
        s->stats.cut++;
    if (!sock || sock->type != FD_UNKNOWN)
        return NULL;
    sock->type = type;
    return sock;
}

/* "0100007F:1F90": words of the address as the machine has them, and the port. */
static bool take_end(struct proc_text *t, size_t words, uint8_t *ret_addr, uint16_t *ret_port)
{
    struct proc_text end;

    if (!proc_word(t, &end) || proc_left(&end) < words * 8 + 2 || end.p[words * 8] != ':')
        return false;
    for (size_t i = 0; i < words; i++) {
        struct proc_text word = proc_text(end.p + i * 8, 8);
        uint32_t w = (uint32_t)proc_num(&word, 16);

        memcpy(ret_addr + i * 4, &w, 4);
    }
    end.p += words * 8 + 1;
    *ret_port = (uint16_t)proc_num(&end, 16);
    return true;
}

static bool is_zero(const uint8_t *p, size_t n)
{
    while (n && *p == 0) {
        p++;
        n--;
    }
    return n == 0;
}

/* "0: 0100007F:1F90 00000000:0000 0A tx:rx timer retransmits uid timeout inode …" */
static void take_inet(struct proc_snapshot *s, struct proc_text t, size_t words, uint8_t l4)
{
    struct proc_socket is = {0}, *sock;
    struct proc_text w;
    bool is6 = words == 4, server;

    if (!proc_word(&t, &w) || !take_end(&t, words, is.sip, &is.sport) ||
        !take_end(&t, words, is.dip, &is.dport))
        return;
    for (int i = 0; i < 6; i++)
        if (!proc_word(&t, &w))
            return;
    is.ino = proc_word_num(&t, 10);
    server = is_zero(is.dip, words * 4);
    is.type = is6 ? (server ? FD_IPV6_SERVER : FD_IPV6) : (server ? FD_IPV4_SERVER : FD_IPV4);
    is.l4 = l4;
    sock = add(s, is.ino, is.type);
    if (sock)
        *sock = is;
}

/* "0000000000000000: 00000002 00000000 00010000 0001 01 20345 /run/x": a path holds anything, even
 * a newline and what looks like another socket's line. A socket that is told of twice has none. */
static void take_unix(struct proc_snapshot *s, struct proc_text t)
{
    struct proc_text w;
    uint64_t ptr = proc_num(&t, 16), ino;
    struct proc_socket *sock;

    for (int i = 0; i < 6; i++)
        if (!proc_word(&t, &w))
            return;
    ino = proc_word_num(&t, 10);
    t.p += t.p < t.end;
    sock = proc_map_find(&s->sockets, sizeof(*sock), ino);
    if (sock && sock->type == FD_UNIX)
        sock->path = sock->path_len = 0;
    sock = add(s, ino, FD_UNIX);
    if (!sock)
        return;
    sock->kernel_ptr = ptr;
    if (t.p < t.end && proc_left(&t) <= UNIX_PATH_MAX_LEN) {
        sock->path = proc_map_keep(&s->sockets, t.p, proc_left(&t));
        sock->path_len = sock->path ? (uint32_t)proc_left(&t) : 0;
    }
}

/* "pointer protocol pid groups rmem wmem dump locks drops inode" */
static void take_netlink(struct proc_snapshot *s, struct proc_text t)
{
    struct proc_text w;

    for (int i = 0; i < 9; i++)
        if (!proc_word(&t, &w))
            return;
    (void)add(s, proc_word_num(&t, 10), FD_NETLINK);
}

/* Addresses before paths: what a path makes up is of no use to it there. */
static void read_tables(struct proc_snapshot *s)
{
    static const struct {
        const char *name;
        uint8_t words, l4;
    } tables[] = {{"net/tcp", 1, L4_TCP},   {"net/tcp6", 4, L4_TCP},   {"net/udp", 1, L4_UDP},
                  {"net/udp6", 4, L4_UDP},  {"net/raw", 1, L4_RAW},    {"net/raw6", 4, L4_RAW},
                  {"net/icmp", 1, L4_ICMP}, {"net/icmp6", 4, L4_ICMP}, {"net/netlink", 0, L4_NONE},
                  {"net/unix", 0, L4_NONE}};
    const size_t n = sizeof(tables) / sizeof(tables[0]);
    const char *p;
    size_t len;

    for (size_t i = 0; i < n; i++) {
        /* the head of the table says nothing */
        if (proc_lines_open(&s->lines, s->live, tables[i].name) < 0 ||
            !proc_lines_next(&s->lines, &p, &len))
            continue;
        while (proc_lines_next(&s->lines, &p, &len)) {
            if (tables[i].words)
                take_inet(s, proc_text(p, len), tables[i].words, tables[i].l4);
            else if (i == n - 1)
                take_unix(s, proc_text(p, len));
            else
                take_netlink(s, proc_text(p, len));
        }
    }
}

const struct proc_socket *proc_socket_find(struct proc_snapshot *s, uint64_t ino)
{
    const struct proc_socket *sock = proc_map_find(&s->sockets, sizeof(*sock), ino);

    if (sock || s->has_net)
        return sock;
    s->has_net = true;
    if (proc_map_visit(&s->sockets, proc_ns(s, s->live, "ns/net", "net:[")))
        read_tables(s);
    return proc_map_find(&s->sockets, sizeof(*sock), ino);
}

void proc_socket_ask(struct proc_snapshot *s, const char *name, struct proc_socket *ret)
{
    static const struct {
        const char *name;
        uint8_t type, l4;
    } kinds[] = {{"TCP", FD_IPV4, L4_TCP},        {"MPTCP", FD_IPV4, L4_TCP},
                 {"UDP", FD_IPV4, L4_UDP},        {"RAW", FD_IPV4, L4_RAW},
                 {"PING", FD_IPV4, L4_ICMP},      {"UNIX", FD_UNIX, L4_NONE},
                 {"NETLINK", FD_NETLINK, L4_NONE}};
    char path[64], kind[32];
    struct proc_text t;
    ssize_t n;

    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", s->fds_dir.fd, name);
    n = getxattr(path, "system.sockprotoname", kind, sizeof(kind));
    t = proc_text(kind, n > 0 ? strnlen(kind, (size_t)n) : 0);
    ret->type = FD_UNSUPPORTED;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (!proc_begins(&t, kinds[i].name))
            continue;
        ret->type = kinds[i].type;
        ret->l4 = kinds[i].l4;
    }
    if (ret->type == FD_IPV4 && proc_ends(&t, "v6"))
        ret->type = FD_IPV6;
}
