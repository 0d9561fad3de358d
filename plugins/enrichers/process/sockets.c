/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of sockets: checked, and written. */
#include "state.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

bool pr_sockaddr_is_whole(const uint8_t *p, uint32_t len)
{
    if (!p || len == 0)
        return false;
    switch (p[0]) {
    case PR_FAMILY_INET:
        return len >= 7;
    case PR_FAMILY_INET6:
        return len >= 19;
    case PR_FAMILY_UNIX:
        return len >= 2 && p[len - 1] == 0;
    default:
        return true;
    }
}

bool pr_tuple_is_whole(const uint8_t *p, uint32_t len)
{
    if (!p || len == 0)
        return false;
    switch (p[0]) {
    case PR_FAMILY_INET:
        return len >= 13;
    case PR_FAMILY_INET6:
        return len >= 37;
    case PR_FAMILY_UNIX:
        return len >= 18 && p[len - 1] == 0;
    default:
        return true;
    }
}

bool pr_ip6_is_mapped(const uint8_t *ip)
{
    static const uint8_t zero[16];

    if (memcmp(ip, zero, 10) != 0)
        return false;
    return (ip[10] == 0xff && ip[11] == 0xff) || memcmp(ip, zero, 16) == 0;
}

void pr_fd_swap(struct pr_fd *fd)
{
    uint8_t ip[16];
    uint16_t port = fd->sport;

    memcpy(ip, fd->sip, 16);
    memcpy(fd->sip, fd->dip, 16);
    memcpy(fd->dip, ip, 16);
    fd->sport = fd->dport;
    fd->dport = port;
}

/* ---- texts ---- */

static uint32_t cut(int n)
{
    if (n < 0)
        return 0;
    return n < PR_TUPLE_TEXT ? (uint32_t)n : PR_TUPLE_TEXT - 1;
}

static uint16_t port_at(const uint8_t *p)
{
    uint16_t v;

    memcpy(&v, p, sizeof(v));
    return v;
}

static const char *ip_text(char out[INET6_ADDRSTRLEN], const uint8_t *ip, bool is6)
{
    return inet_ntop(is6 ? AF_INET6 : AF_INET, ip, out, INET6_ADDRSTRLEN) ? out : "";
}

static uint32_t ends_text(char out[PR_TUPLE_TEXT], const uint8_t *sip, uint16_t sport,
                          const uint8_t *dip, uint16_t dport, bool is6)
{
    char a[INET6_ADDRSTRLEN], b[INET6_ADDRSTRLEN];

    return cut(snprintf(out, PR_TUPLE_TEXT, "%s:%u->%s:%u", ip_text(a, sip, is6), sport,
                        ip_text(b, dip, is6), dport));
}

static uint32_t one_text(char out[PR_TUPLE_TEXT], const uint8_t *ip, uint16_t port, bool is6)
{
    char a[INET6_ADDRSTRLEN];

    return cut(snprintf(out, PR_TUPLE_TEXT, "%s:%u", ip_text(a, ip, is6), port));
}

static uint32_t unix_text(char out[PR_TUPLE_TEXT], const uint8_t *p, const uint8_t *path,
                          uint32_t len)
{
    uint64_t ends[2];

    memcpy(ends, p, sizeof(ends));
    return cut(snprintf(out, PR_TUPLE_TEXT, "%llx->%llx %.*s", (unsigned long long)ends[0],
                        (unsigned long long)ends[1], (int)strnlen((const char *)path, len),
                        (const char *)path));
}

uint32_t pr_tuple_text(char out[PR_TUPLE_TEXT], const uint8_t *p, uint32_t len)
{
    if (!pr_tuple_is_whole(p, len))
        return cut(snprintf(out, PR_TUPLE_TEXT, len ? "INVALID SOCKTUPLE" : "NULL"));
    switch (p[0]) {
    case PR_FAMILY_UNIX:
        return unix_text(out, p + 1, p + 17, len - 17);
    case PR_FAMILY_INET:
        return ends_text(out, p + 1, port_at(p + 5), p + 7, port_at(p + 11), false);
    case PR_FAMILY_INET6:
        if (pr_ip6_is_mapped(p + 1) && pr_ip6_is_mapped(p + 19))
            return ends_text(out, p + 13, port_at(p + 17), p + 31, port_at(p + 35), false);
        return ends_text(out, p + 1, port_at(p + 17), p + 19, port_at(p + 35), true);
    default:
        return cut(snprintf(out, PR_TUPLE_TEXT, "family %u", p[0]));
    }
}

uint32_t pr_sockaddr_text(char out[PR_TUPLE_TEXT], const uint8_t *p, uint32_t len)
{
    if (!pr_sockaddr_is_whole(p, len))
        return cut(snprintf(out, PR_TUPLE_TEXT, len ? "INVALID SOCKADDR" : "<NA>"));
    switch (p[0]) {
    case PR_FAMILY_UNIX:
        return cut(snprintf(out, PR_TUPLE_TEXT, "%s", (const char *)p + 1));
    case PR_FAMILY_INET:
        return one_text(out, p + 1, port_at(p + 5), false);
    case PR_FAMILY_INET6:
        return one_text(out, p + 1, port_at(p + 17), true);
    default:
        return cut(snprintf(out, PR_TUPLE_TEXT, "family %u", p[0]));
    }
}

/* Without ports where the protocol has none, or is not known. */
static uint32_t pair_text(char out[PR_TUPLE_TEXT], const struct pr_fd *fd, bool is6)
{
    char a[INET6_ADDRSTRLEN], b[INET6_ADDRSTRLEN];

    return cut(
        snprintf(out, PR_TUPLE_TEXT, "%s->%s", ip_text(a, fd->sip, is6), ip_text(b, fd->dip, is6)));
}

uint32_t pr_fd_addr_text(char out[PR_TUPLE_TEXT], const struct pr_fd *fd)
{
    bool is6 = fd->type == FD_IPV6 || fd->type == FD_IPV6_SERVER;

    if (fd->type == FD_IPV4_SERVER || fd->type == FD_IPV6_SERVER)
        return one_text(out, fd->dip, fd->dport, is6);
    switch (fd->l4) {
    case PR_L4_TCP:
    case PR_L4_UDP:
        return ends_text(out, fd->sip, fd->sport, fd->dip, fd->dport, is6);
    case PR_L4_ICMP:
        return pair_text(out, fd, is6);
    case PR_L4_RAW:
        if (!is6)
            return pair_text(out, fd, is6);
        /* fall through */
    default:
        return cut(snprintf(out, PR_TUPLE_TEXT, "<unknown>"));
    }
}
