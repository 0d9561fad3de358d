/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the above first */
#include "base/addr.h"
#include "base/cleanup.h"

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

static void addresses(void **state)
{
    static const struct {
        const char *text, *host;
        int family;
        uint16_t port;
        bool loopback;
    } rows[] = {
        {"127.0.0.1:8765", "127.0.0.1", AF_INET, 8765, true},
        {"127.9.9.9:1", "127.9.9.9", AF_INET, 1, true},
        {"8765", "127.0.0.1", AF_INET, 8765, true},
        {"localhost:80", "127.0.0.1", AF_INET, 80, true},
        {"0.0.0.0:65535", "0.0.0.0", AF_INET, 65535, false},
        {"[::1]:8765", "::1", AF_INET6, 8765, true},
        {"[::]:8765", "::", AF_INET6, 8765, false},
        {"[fe80::1]:9", "fe80::1", AF_INET6, 9, false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct sockaddr_storage a;
        const struct sockaddr_in *in = (const struct sockaddr_in *)&a;
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&a;
        struct gyr_error err = {0};
        char host[64];
        socklen_t len;

        if (parse_listen(rows[i].text, &a, &len, &err) < 0)
            fail_msg("%s: %s", rows[i].text, err.msg);
        assert_int_equal(a.ss_family, rows[i].family);
        assert_non_null(inet_ntop(a.ss_family,
                                  a.ss_family == AF_INET ? (const void *)&in->sin_addr
                                                         : (const void *)&in6->sin6_addr,
                                  host, sizeof(host)));
        assert_string_equal(host, rows[i].host);
        assert_int_equal(ntohs(a.ss_family == AF_INET ? in->sin_port : in6->sin6_port),
                         rows[i].port);
        assert_int_equal(len, a.ss_family == AF_INET ? sizeof(*in) : sizeof(*in6));
        assert_int_equal(addr_is_loopback(&a), rows[i].loopback);
    }
}

static void no_addresses(void **state)
{
    static const char *const rows[] = {"",
                                       ":",
                                       ":80",
                                       "127.0.0.1",
                                       "127.0.0.1:",
                                       "127.0.0.1:0",
                                       "x:80",
                                       "[::1]",
                                       "[::1:80",
                                       "::1:80",
                                       "[]:80",
                                       "127.0.0.1:65536",
                                       "[1.2.3.4]:80",
                                       "1.2.3:80",
                                       "127.0.0.1:8x",
                                       "[aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]:80"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct sockaddr_storage a;
        struct gyr_error err = {0};
        socklen_t len;

        if (parse_listen(rows[i], &a, &len, &err) == 0)
            fail_msg("'%s' was taken", rows[i]);
        assert_int_equal(err.code, -EINVAL);
        assert_non_null(strstr(err.msg, "is no address to listen at"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(addresses), cmocka_unit_test(no_addresses)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
