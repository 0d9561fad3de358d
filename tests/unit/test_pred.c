/* SPDX-License-Identifier: Apache-2.0 */
/* What each comparison of one value means, case by case. */
#include "../lib/pred_rows.h"
#include "base/cleanup.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void numbers(void **state)
{
    static const struct row t[] = {
        {U, "5", OP_EQ, NO, "5", 1},
        {U, "5", OP_EQ, NO, "6", 0},
        {U, "5", OP_NE, NO, "5", 0},
        {U, "5", OP_NE, NO, "6", 1},
        {U, "5", OP_LT, NO, "6", 1},
        {U, "5", OP_LT, NO, "5", 0},
        {U, "5", OP_LE, NO, "5", 1},
        {U, "5", OP_LE, NO, "4", 0},
        {U, "5", OP_GT, NO, "4", 1},
        {U, "5", OP_GT, NO, "5", 0},
        {U, "5", OP_GE, NO, "5", 1},
        {U, "5", OP_GE, NO, "6", 0},
        {U, "18446744073709551615", OP_GT, NO, "1", 1},
        {U, "18446744073709551615", OP_EQ, NO, "0xffffffffffffffff", 1},
        {I, "-1", OP_EQ, NO, "-1", 1},
        {I, "-1", OP_LT, NO, "0", 1},
        {I, "-1", OP_GT, NO, "0", 0},
        {I, "-1", OP_GE, NO, "-1", 1},
        {I, "-9223372036854775808", OP_LT, NO, "9223372036854775807", 1},
        {I, "-1", OP_NE, NO, "1", 1},
        {I, "-3", OP_LE, NO, "-4", 0},
        {D, "1.5", OP_EQ, NO, "1.5", 1},
        {D, "1.5", OP_LT, NO, "2", 1},
        {D, "1.5", OP_GE, NO, "2", 0},
        {D, "1.5", OP_NE, NO, "1.5", 0},
        {D, "1.5", OP_GT, NO, "-1", 1},
        {D, "1.5", OP_LE, NO, "1.5", 1},
        {TIME, "1700000000000000000", OP_GT, NO, "1600000000000000000", 1},
        {TIME, "17", OP_EQ, NO, "17", 1},
        {TIME, "17", OP_IN, NO, "(1|17)", 1},
        {DUR, "5000000000", OP_GE, NO, "5s", 1},
        {DUR, "5", OP_LT, NO, "1us", 1},
        {DUR, "5", OP_NE, NO, "5", 0},
        {U, "5", OP_IN, NO, "(5)", 1},
        {U, "5", OP_IN, NO, "(4|5|6)", 1},
        {U, "7", OP_IN, NO, "(4|5|6)", 0},
        {U, "7", OP_IN, NO, "()", 0},
        {U, "0", OP_IN, NO, "(1|2|3|4|5|6|7|8|9|10)", 0},
        {U, "10", OP_IN, NO, "(1|2|3|4|5|6|7|8|9|10)", 1},
        {U, "11", OP_IN, NO, "(1|2|3|4|5|6|7|8|9|10)", 0},
        {U, "100000", OP_IN, NO, "(1|2|3|4|5|6|7|8|9|100000)", 1},
        {U, "10", OP_IN, NO, "(1|2|3|4|5|6|7|8|9|100000)", 0},
        {I, "-5", OP_IN, NO, "(-9|-8|-7|-6|-5|1|2|3|4|5)", 1},
        {I, "0", OP_IN, NO, "(-9|-8|-7|-6|-5|1|2|3|4|5)", 0},
        {I, "-5", OP_IN, NO, "(-5|5)", 1},
        {U, "5", OP_INTERSECTS, NO, "(4|5)", 1},
        {U, "5", OP_INTERSECTS, NO, "(4|6)", 0},
        {D, "1.5", OP_IN, NO, "(1|1.5)", 1},
        {D, "1.5", OP_IN, NO, "(1|2)", 0},
        {BOOL, "true", OP_EQ, NO, "true", 1},
        {BOOL, "true", OP_EQ, NO, "false", 0},
        {BOOL, "false", OP_NE, NO, "true", 1},
        {BOOL, "false", OP_EQ, NO, "false", 1},
        {BOOL, "true", OP_IN, NO, "(false|true)", 1},
        {BOOL, "true", OP_IN, NO, "(false)", 0},
        {BOOL, "true", OP_LT, NO, "true", -1},
        {U, "5", OP_CONTAINS, NO, "5", -1},
        {U, "5", OP_GLOB, NO, "5", -1},
        {U, "5", OP_PMATCH, NO, "(5)", -1},
        {I, "5", OP_REGEX, NO, "5", -1},
        {D, "5", OP_STARTSWITH, NO, "5", -1},
        {U, "5", OP_EQ, NO, "(4|5)", -1},
        {U, "5", OP_EXISTS, NO, NULL, 1},
        {BOOL, "false", OP_EXISTS, NO, NULL, 1},
    };

    (void)state;
    check_rows(t, ARRAY_LEN(t), false);
}

static void strings(void **state)
{
    static const struct row t[] = {
        {S, "bash", OP_EQ, NO, "bash", 1},
        {S, "bash", OP_EQ, NO, "bas", 0},
        {S, "bash", OP_EQ, NO, "Bash", 0},
        {S, "", OP_EQ, NO, "", 1},
        {S, "", OP_EQ, NO, "a", 0},
        {S, "a", OP_NE, NO, "", 1},
        {S, "a", OP_NE, NO, "a", 0},
        {S, "abc", OP_LT, NO, "abd", 1},
        {S, "abc", OP_LT, NO, "abc", 0},
        {S, "ab", OP_LT, NO, "abc", 1},
        {S, "abc", OP_LE, NO, "abc", 1},
        {S, "b", OP_GT, NO, "abc", 1},
        {S, "\xff", OP_GT, NO, "a", 1},
        {S, "abc", OP_GE, NO, "abd", 0},
        {S, "", OP_LT, NO, "a", 1},
        {S, "10", OP_LT, NO, "9", 1}, /* text, not numbers */
        {S, "/etc/passwd", OP_CONTAINS, NO, "tc/p", 1},
        {S, "/etc/passwd", OP_CONTAINS, NO, "TC", 0},
        {S, "/etc", OP_CONTAINS, NO, "/etc/passwd", 0},
        {S, "/etc", OP_CONTAINS, NO, "", 1},
        {S, "", OP_CONTAINS, NO, "", 1},
        {S, "", OP_CONTAINS, NO, "a", 0},
        {S, "/ETC/Passwd", OP_ICONTAINS, NO, "etc/pASS", 1},
        {S, "aaab", OP_ICONTAINS, NO, "AAB", 1},
        {S, "abc", OP_ICONTAINS, NO, "abcd", 0},
        {S, "abc", OP_ICONTAINS, NO, "", 1},
        {S, "abc", OP_ICONTAINS, NO, "d", 0},
        {S, "\xc3\x84", OP_ICONTAINS, NO, "\xc3\xa4", 0}, /* ASCII letters only */
        {S, "/etc/passwd", OP_STARTSWITH, NO, "/etc", 1},
        {S, "/etc/passwd", OP_STARTSWITH, NO, "etc", 0},
        {S, "/etc", OP_STARTSWITH, NO, "/etc/", 0},
        {S, "/etc", OP_STARTSWITH, NO, "", 1},
        {S, "libc.so", OP_ENDSWITH, NO, ".so", 1},
        {S, "libc.so", OP_ENDSWITH, NO, ".s", 0},
        {S, "so", OP_ENDSWITH, NO, ".so", 0},
        {S, "so", OP_ENDSWITH, NO, "", 1},
        {S, "a", OP_IN, NO, "(a)", 1},
        {S, "a", OP_IN, NO, "(b|a|c)", 1},
        {S, "d", OP_IN, NO, "(b|a|c)", 0},
        {S, "A", OP_IN, NO, "(b|a|c)", 0},
        {S, "", OP_IN, NO, "(b|a)", 0},
        {S, "ab", OP_IN, NO, "(a|abc)", 0},
        {S, "a", OP_IN, NO, "()", 0},
        {S, "a", OP_IN, NO, "(a|a|a)", 1},
        {S, "a", OP_INTERSECTS, NO, "(b|a)", 1},
        {S, "c", OP_INTERSECTS, NO, "(b|a)", 0},
        {S, "a", OP_EXISTS, NO, NULL, 1},
        {S, "", OP_EXISTS, NO, NULL, 1},
        {S, "abc", OP_CONTAINS, NO, "(a|b)", -1},
        {S, "AB", OP_BCONTAINS, NO, "4142", 1},
    };

    (void)state;
    check_rows(t, ARRAY_LEN(t), false);
}

static void bytes(void **state)
{
    static const struct row t[] = {
        {B, "GET / HTTP", OP_CONTAINS, NO, "HTTP", 1},
        {B, "GET / HTTP", OP_CONTAINS, NO, "http", 0},
        {B, "GET", OP_STARTSWITH, NO, "GE", 1},
        {B, "GET", OP_ENDSWITH, NO, "ET", 1},
        {B, "GET", OP_EQ, NO, "GET", 1},
        {B, "GET", OP_NE, NO, "GET", 0},
        {B, "GET", OP_IN, NO, "(PUT|GET)", 1},
        {B, "GET / HTTP", OP_BCONTAINS, NO, "202f20", 1},
        {B, "GET / HTTP", OP_BCONTAINS, NO, "202F20", 1},
        {B, "GET / HTTP", OP_BCONTAINS, NO, "202f21", 0},
        {B, "GET", OP_BSTARTSWITH, NO, "4745", 1},
        {B, "GET", OP_BSTARTSWITH, NO, "4554", 0},
        {B, "GET", OP_BSTARTSWITH, NO, "47455447", 0},
        {B, "GET", OP_BCONTAINS, NO, "474", -1},
        {B, "GET", OP_BCONTAINS, NO, "4x", -1},
        {B, "GET", OP_BCONTAINS, NO, "", -1},
        {B, "GET", OP_BCONTAINS, NO, "0x47", -1},
        {B, "GET", OP_EXISTS, NO, NULL, 1},
    };

    (void)state;
    check_rows(t, ARRAY_LEN(t), false);
}

static void globs(void **state)
{
    static const struct row t[] = {
        {S, "/etc/passwd", OP_GLOB, NO, "/etc/*", 1},
        {S, "/etc/a/b", OP_GLOB, NO, "/etc/*", 1}, /* a slash is a character */
        {S, "/etc", OP_GLOB, NO, "/etc/*", 0},
        {S, ".hidden", OP_GLOB, NO, "*", 1}, /* so is a leading dot */
        {S, "", OP_GLOB, NO, "*", 1},
        {S, "", OP_GLOB, NO, "", 1},
        {S, "a", OP_GLOB, NO, "", 0},
        {S, "", OP_GLOB, NO, "?", 0},
        {S, "libc.so.6", OP_GLOB, NO, "*.so*", 1},
        {S, "libc.so.6", OP_GLOB, NO, "*.so", 0},
        {S, "libc.so", OP_GLOB, NO, "*.so", 1},
        {S, "libc.so", OP_GLOB, NO, "lib?.so", 1},
        {S, "libcc.so", OP_GLOB, NO, "lib?.so", 0},
        {S, "a*b", OP_GLOB, NO, "a\\*b", 1},
        {S, "axb", OP_GLOB, NO, "a\\*b", 0},
        {S, "b", OP_GLOB, NO, "[a-c]", 1},
        {S, "d", OP_GLOB, NO, "[a-c]", 0},
        {S, "d", OP_GLOB, NO, "[!a-c]", 1},
        {S, "d", OP_GLOB, NO, "[^a-c]", 1},
        {S, "]", OP_GLOB, NO, "[]a]", 1},
        {S, "-", OP_GLOB, NO, "[a-]", 1},
        {S, "7", OP_GLOB, NO, "[[:digit:]]", 1},
        {S, "x", OP_GLOB, NO, "[[:digit:]x]", 1},
        {S, "y", OP_GLOB, NO, "[[:digit:]x]", 0},
        {S, "[a", OP_GLOB, NO, "[a", 1},
        {S, "B", OP_GLOB, NO, "b", 0},
        {S, "B", OP_IGLOB, NO, "b", 1},
        {S, "/ETC/Passwd", OP_IGLOB, NO, "/etc/P*", 1},
        {S, "X", OP_IGLOB, NO, "[a-z]", 1},
        {S, "x", OP_IGLOB, NO, "[A-Z]", 1},
        {S, "x", OP_IGLOB, NO, "[!X]", 0},
        {S, "abc", OP_GLOB, NO, "abc", 1},
        {S, "abcd", OP_GLOB, NO, "abc", 0},
        {S, "abab", OP_GLOB, NO, "*ab", 1},
        {S, "abxab", OP_GLOB, NO, "ab*ab", 1},
        {S, "ab", OP_GLOB, NO, "ab*ab", 0},
        {S, "abc", OP_GLOB, NO, "**", 1},
        {S, "abc", OP_GLOB, NO, "*b*", 1},
        {S, "x", OP_GLOB, MOD_ANYOF, "(a*|x*)", 1},
        {S, "y", OP_GLOB, MOD_ANYOF, "(a*|x*)", 0},
    };

    (void)state;
    check_rows(t, ARRAY_LEN(t), false);
}

static void regexes(void **state)
{
    static const struct row t[] = {
        {S, "abc", OP_REGEX, NO, "abc", 1},
        {S, "xabc", OP_REGEX, NO, "abc", 0}, /* the whole value */
        {S, "abcx", OP_REGEX, NO, "abc", 0},
        {S, "xabcx", OP_REGEX, NO, ".*abc.*", 1},
        {S, "/proc/12/environ", OP_REGEX, NO, "/proc/[0-9]+/environ", 1},
        {S, "/proc/x/environ", OP_REGEX, NO, "/proc/[0-9]+/environ", 0},
        {S, "", OP_REGEX, NO, "", 1},
        {S, "", OP_REGEX, NO, "a*", 1},
        {S, "ab", OP_REGEX, NO, "a|ab", 1},
        {S, "a\xff", OP_REGEX, NO, "a.", 1}, /* counts as one U+FFFD */
        {S, "a\xe2\x82z", OP_REGEX, NO, "a.z", 1},
        {S, "\xc3\xa4", OP_REGEX, NO, ".", 1},
        {S, "7", OP_REGEX, NO, "[[:digit:]]", 1},
        {S, "a", OP_REGEX, MOD_ANYOF, "(b+|a+)", 1},
        {S, "ab", OP_REGEX, MOD_ALLOF, "(.*a.*|.*b.*)", 1},
        {S, "a", OP_REGEX, MOD_ALLOF, "(.*a.*|.*b.*)", 0},
        {S, "a", OP_REGEX, MOD_ONEOF, "(a|.)", 0},
        {S, "c", OP_REGEX, MOD_ONEOF, "(a|.)", 1},
        {S, "a", OP_REGEX, NO, "a{2,1}", -1},
        {S, "a", OP_REGEX, NO, "\\d", -1}, /* Perl's classes are not POSIX */
        {S, "a", OP_REGEX, MOD_ANYOF, "(b|[)", -1},
    };

    (void)state;
    check_rows(t, ARRAY_LEN(t), false);
}

static void paths(void **state)
{
    static const struct row t[] = {
        {S, "/etc/passwd", OP_PMATCH, NO, "(/etc)", 1},
        {S, "/etc", OP_PMATCH, NO, "(/etc)", 1},
        {S, "/etcetera", OP_PMATCH, NO, "(/etc)", 0},
        {S, "/", OP_PMATCH, NO, "(/etc)", 0},
        {S, "", OP_PMATCH, NO, "(/etc)", 0},
        {S, "/var", OP_PMATCH, NO, "(/var/run)", 0},
        {S, "/var/lib/x", OP_PMATCH, NO, "(/var/run|/etc|/lib|/usr/lib)", 0},
        {S, "/var/run/docker", OP_PMATCH, NO, "(/var/run|/etc|/lib|/usr/lib)", 1},
        {S, "/usr/lib", OP_PMATCH, NO, "(/usr/lib|/usr)", 1},
        {S, "/usr/bin", OP_PMATCH, NO, "(/usr/lib|/usr)", 1},
        {S, "/usr/bin", OP_PMATCH, NO, "(/usr|/usr/lib)", 1},
        {S, "//etc///passwd", OP_PMATCH, NO, "(/etc/passwd)", 1},
        {S, "etc/passwd", OP_PMATCH, NO, "(/etc)", 1},
        {S, "/anything", OP_PMATCH, NO, "(/)", 1},
        {S, "", OP_PMATCH, NO, "(/)", 1},
        {S, "/home/ann/.ssh/id", OP_PMATCH, NO, "(/home/*/.ssh)", 1},
        {S, "/home/ann/x/.ssh/id", OP_PMATCH, NO, "(/home/*/.ssh)", 0},
        {S, "/home/ann/.ssh", OP_PMATCH, NO, "(/home/?nn/.ssh)", 1},
        {S, "/home/bob/.ssh", OP_PMATCH, NO, "(/home/[ab]ob)", 1},
        {S, "/home/cob/.ssh", OP_PMATCH, NO, "(/home/[ab]ob)", 0},
        {S, "/a/b/c", OP_PMATCH, NO, "(/a/b/d|/a/*/c)", 1},
        {S, "/a/b/c", OP_PMATCH, NO, "(/a/*/d|/*/b/c)", 1},
        {S, "/a/b", OP_PMATCH, NO, "(/a/*/d|/*/b/c)", 0},
        {S, "/a", OP_PMATCH, NO, "/a", 1},
        {S, "/a", OP_PMATCH, NO, "()", 0},
        {S, "/a/b", OP_PMATCH, MOD_ANYOF, "(/c|/a)", 1},
        {S, "/a/b", OP_PMATCH, MOD_ALLOF, "(/a|/a/b)", 1},
        {S, "/a/c", OP_PMATCH, MOD_ALLOF, "(/a|/a/b)", 0},
        {S, "/a/c", OP_PMATCH, MOD_ONEOF, "(/a|/a/b)", 1},
        {S, "/a/../etc", OP_PMATCH, NO, "(/etc)", 0}, /* names, not the file system */
    };

    (void)state;
    check_rows(t, ARRAY_LEN(t), false);
}

static void addresses(void **state)
{
    static const struct row t[] = {
        {IP, "10.0.0.1", OP_EQ, NO, "10.0.0.1", 1},
        {IP, "10.0.0.1", OP_EQ, NO, "10.0.0.2", 0},
        {IP, "10.0.0.1", OP_NE, NO, "10.0.0.2", 1},
        {IP, "10.0.0.1", OP_NE, NO, "10.0.0.1", 0},
        {IP, "10.0.0.1", OP_NE, NO, "::1", 1},
        {IP, "10.0.0.1", OP_EQ, NO, "::1", 0},
        {IP, "::1", OP_EQ, NO, "::1", 1},
        {IP, "::1", OP_EQ, NO, "0:0:0:0:0:0:0:1", 1},
        {IP, "10.1.2.3", OP_EQ, NO, "10.0.0.0/8", 1},
        {IP, "11.1.2.3", OP_EQ, NO, "10.0.0.0/8", 0},
        {IP, "11.1.2.3", OP_NE, NO, "10.0.0.0/8", 1},
        {IP, "10.1.2.3", OP_IN, NO, "(10.1.2.3|10.1.2.4)", 1},
        {IP, "10.1.2.5", OP_IN, NO, "(10.1.2.3|10.1.2.4)", 0},
        {IP, "10.1.2.5", OP_IN, NO, "(1.1.1.1|10.1.0.0/16)", 1},
        {IP, "10.2.2.5", OP_IN, NO, "(1.1.1.1|10.1.0.0/16)", 0},
        {IP, "fe80::1", OP_IN, NO, "(10.0.0.0/8|fe80::/10)", 1},
        {IP, "ff80::1", OP_IN, NO, "(10.0.0.0/8|fe80::/10)", 0},
        {IP, "10.1.2.3", OP_INTERSECTS, NO, "(10.1.2.3|::1)", 1},
        {IP, "10.1.2.3", OP_LT, NO, "10.1.2.4", -1},
        {IP, "10.1.2.3", OP_CONTAINS, NO, "10.1.2.4", -1},
        {IP, "10.1.2.3", OP_EXISTS, NO, NULL, 1},
        {NET, "10.1.2.3", OP_EQ, NO, "10.0.0.0/8", 1},
        {NET, "10.1.2.3", OP_EQ, NO, "10.9.9.9/8", 1}, /* bits past the prefix do not count */
        {NET, "10.1.2.3", OP_EQ, NO, "0.0.0.0/0", 1},
        {NET, "10.1.2.3", OP_EQ, NO, "10.1.2.3/32", 1},
        {NET, "10.1.2.2", OP_EQ, NO, "10.1.2.3/32", 0},
        {NET, "10.1.2.2", OP_EQ, NO, "10.1.2.3/31", 1},
        {NET, "10.1.2.3", OP_NE, NO, "10.0.0.0/8", 0},
        {NET, "10.1.2.3", OP_NE, NO, "::/0", 1},
        {NET, "192.168.7.9", OP_IN, NO, "(10.0.0.0/8|192.168.0.0/16)", 1},
        {NET, "172.16.0.1", OP_IN, NO, "(10.0.0.0/8|192.168.0.0/16)", 0},
        {NET, "172.16.0.1", OP_IN, NO, "(172.16.0.0/12)", 1},
        {NET, "172.32.0.1", OP_IN, NO, "(172.16.0.0/12)", 0},
        {NET, "10.1.0.0/16", OP_EQ, NO, "10.0.0.0/8", 1},
        {NET, "10.0.0.0/8", OP_EQ, NO, "10.1.0.0/16", 0},
        {NET, "10.0.0.0/8", OP_EQ, NO, "10.0.0.0/16", 0},
        {NET, "fe80::5", OP_IN, NO, "(fe80::/64)", 1},
        {NET, "10.1.2.3", OP_NE, MOD_ALLOF, "(11.0.0.0/8|12.0.0.0/8)", 1},
        {NET, "10.1.2.3", OP_NE, MOD_ALLOF, "(11.0.0.0/8|10.0.0.0/8)", 0},
        {IP, "10.1.2.3", OP_EQ, MOD_ANYOF, "(1.1.1.1|10.1.2.3)", 1},
        {IP, "10.1.2.3", OP_EQ, MOD_ONEOF, "(10.1.2.3|10.0.0.0/8)", 0},
    };

    (void)state;
    check_rows(t, ARRAY_LEN(t), false);
}

static void patterns_take_constants_only(void **state)
{
    static const enum cmp_op ops[] = {OP_REGEX, OP_PMATCH};
    struct arena *a = arena_new(1 << 20);
    struct expr l = {.kind = X_FIELD, .type = S}, r = l;
    struct gyr_error err;
    struct pred *p;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
        struct node n = {.kind = N_CMP, .cmp = {&l, ops[i], NO, &r}};

        assert_int_equal(pred_new(&n, a, &p, &err), -EINVAL);
    }
    arena_free(a);
}

static void checks_for_the_checker(void **state)
{
    struct gyr_error err;

    (void)state;
    assert_int_equal(regex_check("a.*", 3, &err), 0);
    assert_int_equal(regex_check("a(", 2, &err), -EINVAL);
    assert_non_null(strstr(err.msg, "'a('"));
    assert_int_equal(regex_check("(((((x{1000}){1000}){1000})))", 29, &err), -EINVAL);
    assert_int_equal(hex_check("00ffAb", 6, &err), 0);
    assert_int_equal(hex_check("00ffA", 5, &err), -EINVAL);
    assert_int_equal(hex_check("zz", 2, &err), -EINVAL);
    assert_int_equal(hex_check("", 0, &err), -EINVAL);
}

static void costs_are_ordered(void **state)
{
    static const struct row t[] = {
        {U, "", OP_EQ, NO, "1", 0},
        {S, "", OP_EQ, NO, "a", 0},
        {S, "", OP_IN, NO, "(a|b|c)", 0},
        {S, "", OP_CONTAINS, NO, "a", 0},
        {S, "", OP_GLOB, NO, "a?", 0},
        {S, "", OP_REGEX, NO, "a", 0},
        {S, "", OP_REGEX, MOD_ANYOF, "(a|b)", 0},
    };
    uint32_t last = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        struct arena *a = arena_new(1 << 20);
        struct expr l = {.kind = X_FIELD, .type = t[i].type};
        struct node n = {.kind = N_CMP, .cmp = {.lhs = &l, .op = t[i].op, .mod = t[i].mod}};
        struct gyr_error err;
        struct pred *p;

        assert_non_null(a);
        n.cmp.rhs = make_rhs(a, t[i].type, t[i].rhs);
        assert_int_equal(pred_new(&n, a, &p, &err), 0);
        assert_true(pred_cost(p) > last);
        last = pred_cost(p);
        pred_free(p);
        arena_free(a);
    }
}

static void without_memory(void **state)
{
    static const struct row t[] = {
        {S, "", OP_IN, NO, "(a|b|c)", 0},     {U, "", OP_IN, NO, "(1|2|3|4|5|6|7|8|9|10)", 0},
        {S, "", OP_PMATCH, NO, "(/a|/b)", 0}, {S, "", OP_REGEX, MOD_ANYOF, "(a|b)", 0},
        {B, "", OP_BCONTAINS, NO, "4142", 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        struct arena *big = arena_new(1 << 20);
        struct expr l = {.kind = X_FIELD, .type = t[i].type};
        struct node n = {.kind = N_CMP, .cmp = {.lhs = &l, .op = t[i].op, .mod = t[i].mod}};
        int r = -ENOMEM;

        assert_non_null(big);
        n.cmp.rhs = make_rhs(big, t[i].type, t[i].rhs);
        for (size_t max = 16; r == -ENOMEM && max < 1 << 16; max += 16) {
            struct arena *a = arena_new(max);
            struct gyr_error err = {0};
            struct pred *p = NULL;

            assert_non_null(a);
            r = pred_new(&n, a, &p, &err);
            if (r == 0)
                pred_free(p);
            else
                assert_int_equal(r, -ENOMEM);
            arena_free(a);
        }
        assert_int_equal(r, 0);
        arena_free(big);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),
        cmocka_unit_test(strings),
        cmocka_unit_test(bytes),
        cmocka_unit_test(globs),
        cmocka_unit_test(regexes),
        cmocka_unit_test(paths),
        cmocka_unit_test(addresses),
        cmocka_unit_test(patterns_take_constants_only),
        cmocka_unit_test(checks_for_the_checker),
        cmocka_unit_test(costs_are_ordered),
        cmocka_unit_test(without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
