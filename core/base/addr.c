/* SPDX-License-Identifier: Apache-2.0 */
#include "base/addr.h"

#include "base/num.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

static int refuse(const char *s, struct gyr_error *err)
{
    return gyr_fail(err, -EINVAL,
                    "'%.200s' is no address to listen at; write it like 127.0.0.1:8765, "
                    "[::1]:8765, or the port alone",
                    s);
}

/* @param host without brackets. */
static int fill(const char *host, bool v6, uint16_t port, struct sockaddr_storage *ret,
                socklen_t *ret_len)
{
    struct sockaddr_in *in = (struct sockaddr_in *)ret;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;

    memset(ret, 0, sizeof(*ret));
    if (v6) {
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(port);
        *ret_len = sizeof(*in6);
        return inet_pton(AF_INET6, host, &in6->sin6_addr) == 1 ? 0 : -EINVAL;
    }
    in->sin_family = AF_INET;
    in->sin_port = htons(port);
    *ret_len = sizeof(*in);
    if (strcmp(host, "localhost") == 0)
        host = "127.0.0.1";
    return inet_pton(AF_INET, host, &in->sin_addr) == 1 ? 0 : -EINVAL;
}

int parse_listen(const char *s, struct sockaddr_storage *ret, socklen_t *ret_len,
                 struct gyr_error *err)
{
    const char *colon = strrchr(s, ':'), *port = colon ? colon + 1 : s;
    size_t n = colon ? (size_t)(colon - s) : 0;
    bool v6 = n >= 2 && s[0] == '[' && s[n - 1] == ']';
    char host[INET6_ADDRSTRLEN] = "127.0.0.1";
    uint64_t number;

    if (parse_u64(port, strlen(port), &number) < 0 || number == 0 || number > UINT16_MAX)
        return refuse(s, err);
    if (colon) {
        if (n == 0 || n - 2 * (size_t)v6 >= sizeof(host))
            return refuse(s, err);
        n -= 2 * (size_t)v6;
        memcpy(host, s + v6, n);
        host[n] = '\0';
    }
    return fill(host, v6, (uint16_t)number, ret, ret_len) < 0 ? refuse(s, err) : 0;
}

bool addr_is_loopback(const struct sockaddr_storage *a)
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)a;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)a;

    if (a->ss_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
    return a->ss_family == AF_INET && ntohl(in->sin_addr.s_addr) >> 24 == 127;
}
