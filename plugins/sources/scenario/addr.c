/* SPDX-License-Identifier: Apache-2.0 */
#include "addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 300, UNIX_MAX = 108 };

static bool read_port(const char *s, uint16_t *ret)
{
    uint64_t v;

    if (!sc_uint(s, UINT16_MAX, &v))
        return false;
    *ret = (uint16_t)v;
    return true;
}

/* @param s changed. */
static bool read_addr(struct sc_world *w, char *s, struct sc_addr *a)
{
    char *colon = strrchr(s, ':'), *bracket;

    *a = (struct sc_addr){0};
    if (*s == '/' || *s == '@' || *s == '.') {
        a->family = SC_UNIX;
        a->path = sc_copy(w, s, strnlen(s, UNIX_MAX));
        return a->path;
    }
    a->family = strchr(s, ':') == colon ? SC_INET : SC_INET6;
    if (*s == '[') {
        a->family = SC_INET6;
        bracket = strchr(s, ']');
        if (!bracket)
            return false;
        *bracket = '\0';
        if (bracket[1] == ':' && !read_port(bracket + 2, &a->port))
            return false;
        s++;
    } else if (a->family == SC_INET && colon) {
        *colon = '\0';
        if (!read_port(colon + 1, &a->port))
            return false;
    }
    return inet_pton(a->family == SC_INET ? AF_INET : AF_INET6, s, a->ip) == 1;
}

static int fail(struct sc_world *w, const json_t *n)
{
    return sc_wrong(w->err, n,
                    "this is no address: 10.0.0.1:443, [2001:db8::1]:443 and "
                    "/run/x.sock are");
}

int sc_addr_of(struct sc_world *w, const json_t *n, struct sc_addr *ret)
{
    char text[TEXT_MAX];
    const char *s = sc_text(n);
    size_t len = s ? strlen(s) : sizeof(text);

    if (len >= sizeof(text))
        return fail(w, n);
    memcpy(text, s, len + 1);
    return read_addr(w, text, ret) ? 0 : fail(w, n);
}

int sc_pair_of(struct sc_world *w, const json_t *n, struct sc_addr *ret_from,
               struct sc_addr *ret_to)
{
    char text[TEXT_MAX];
    const char *s = sc_text(n);
    size_t len = s ? strlen(s) : sizeof(text);
    char *arrow;

    if (len >= sizeof(text))
        return fail(w, n);
    memcpy(text, s, len + 1);
    arrow = strstr(text, "->");
    if (!arrow)
        return sc_wrong(w->err, n, "two ends are written 10.0.0.1:40000->10.0.0.2:443");
    *arrow = '\0';
    if (!read_addr(w, text, ret_from) || !read_addr(w, arrow + 2, ret_to))
        return fail(w, n);
    if (ret_from->family != ret_to->family)
        return sc_wrong(w->err, n, "both ends must be of one family");
    return 0;
}

static size_t ip_len(const struct sc_addr *a)
{
    return a->family == SC_INET ? 4 : 16;
}

static uint8_t *put_end(uint8_t *p, const struct sc_addr *a)
{
    size_t n = ip_len(a);

    memcpy(p, a->ip, n);
    memcpy(p + n, &a->port, sizeof(a->port));
    return p + n + sizeof(a->port);
}

struct sc_bytes sc_sockaddr(struct sc_world *w, const struct sc_addr *a)
{
    size_t path = a->path ? strlen(a->path) + 1 : 0;
    uint8_t *p = a->family == SC_NONE ? NULL : sc_alloc(w, 1 + 16 + 2 + path), *end;

    if (!p)
        return (struct sc_bytes){0};
    p[0] = a->family;
    end = p + 1;
    if (a->family == SC_UNIX) {
        memcpy(end, a->path, path);
        end += path;
    } else {
        end = put_end(end, a);
    }
    return (struct sc_bytes){p, (uint32_t)(end - p)};
}

struct sc_bytes sc_tuple(struct sc_world *w, const struct sc_addr *from, const struct sc_addr *to)
{
    const char *path = to->path ? to->path : from->path ? from->path : "";
    uint8_t family = to->family ? to->family : from->family;
    uint8_t *p = family == SC_NONE ? NULL : sc_alloc(w, 64 + strlen(path)), *end;
    uint64_t ends[2];
    struct sc_addr a = *from, b = *to;

    if (!p)
        return (struct sc_bytes){0};
    a.family = b.family = family;
    p[0] = family;
    end = p + 1;
    if (family == SC_UNIX) {
        ends[0] = 0xffff888000000000u | (sc_hash(path) & 0xffffff) << 6;
        ends[1] = ends[0] + 64;
        memcpy(end, ends, sizeof(ends));
        end += sizeof(ends);
        memcpy(end, path, strlen(path) + 1);
        end += strlen(path) + 1;
    } else {
        end = put_end(put_end(end, &a), &b);
    }
    return (struct sc_bytes){p, (uint32_t)(end - p)};
}

struct sc_addr sc_local_for(struct sc_world *w, const struct sc_addr *remote)
{
    static const uint8_t here4[4] = {10, 0, 0, 10}, loop4 = 127,
                         here6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 0x10}, loop6[16] = {[15] = 1};
    struct sc_addr a = {.family = remote->family};

    if (a.family == SC_INET)
        memcpy(a.ip, remote->ip[0] == loop4 ? remote->ip : here4, 4);
    else if (a.family == SC_INET6)
        memcpy(a.ip, memcmp(remote->ip, loop6, 16) == 0 ? loop6 : here6, 16);
    if (a.family == SC_INET || a.family == SC_INET6)
        a.port = w->next_port++;
    return a;
}
