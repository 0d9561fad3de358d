/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cleanup.h"
#include "engine/value.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <gyr/util.h>

static struct arena *arena;

static int setup(void **state)
{
    (void)state;
    (void)setenv("TZ", "UTC-2", 1); /* two hours east */
    tzset();
    arena = arena_new(16 << 20);
    return arena ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static void check_text(const struct gyr_value *v, uint32_t fmt, const char *want)
{
    struct buf b;

    buf_init(&b, 1 << 20);
    value_add_text(&b, v, fmt);
    assert_string_equal(b.p, want);
    buf_free(&b);
}

static void numbers_as_text(void **state)
{
    static const struct {
        uint32_t type, fmt;
        uint64_t u64;
        const char *want;
    } t[] = {
        {GYR_T_NONE, GYR_F_DEC, 0, "<NA>"},
        {GYR_T_BOOL, GYR_F_DEC, 0, "false"},
        {GYR_T_BOOL, GYR_F_DEC, 7, "true"},
        {GYR_T_U64, GYR_F_DEC, 0, "0"},
        {GYR_T_U64, GYR_F_DEC, UINT64_MAX, "18446744073709551615"},
        {GYR_T_U64, GYR_F_HEX, 0x1fe00, "1FE00"},
        {GYR_T_U64, GYR_F_HEX, 0, "0"},
        {GYR_T_U64, GYR_F_OCT, 0755, "0755"},
        {GYR_T_U64, GYR_F_OCT, 0, "0"},
        {GYR_T_U64, VALUE_F_OCT_BARE, 0755, "755"},
        {GYR_T_U64, VALUE_F_OCT_BARE, 0, "0"},
        {GYR_T_I64, GYR_F_DEC, (uint64_t)-1, "-1"},
        {GYR_T_I64, GYR_F_DEC, (uint64_t)INT64_MIN, "-9223372036854775808"},
        {GYR_T_I64, GYR_F_HEX, (uint64_t)-1, "FFFFFFFFFFFFFFFF"},
        {GYR_T_DURATION, GYR_F_DEC, 1500, "1500"},
        {GYR_T_DURATION, GYR_F_RAW, 1500, "1500"},
        {GYR_T_DURATION, GYR_F_RAW9, 1500, "000001500"},
        {GYR_T_TIME, GYR_F_RAW, 1700000000123456789, "1700000000123456789"},
        {GYR_T_TIME, GYR_F_DEC, 1700000000123456789, "1700000000123456789"},
        {GYR_T_TIME, GYR_F_RAW9, 42, "000000042"},
        {GYR_T_TIME, GYR_F_HMS, 1700000000123456789, "00:13:20.123456789"},
        {GYR_T_TIME, GYR_F_HMS_S, 1700000000123456789, "00:13:20"},
        {GYR_T_TIME, GYR_F_DATETIME, 1700000000000000007, "2023-11-15 00:13:20.000000007"},
        {GYR_T_TIME, GYR_F_DATETIME_S, 1700000000123456789, "2023-11-15 00:13:20"},
        {GYR_T_TIME, GYR_F_ISO8601, 1700000000123456789, "2023-11-14T22:13:20.123456789+0000"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        struct gyr_value v = gyr_num(t[i].type, t[i].u64);

        check_text(&v, t[i].fmt, t[i].want);
    }
}

static void others_as_text(void **state)
{
    struct gyr_value d = {.type = GYR_T_DOUBLE, .u.f64 = 2.25}, v[3], list;
    struct gyr_value bytes = {.type = GYR_T_BYTES, .len = 5, .u.ptr = "a\0\n\xff~"};
    struct gyr_value ip4 = {.type = GYR_T_IP, .len = 4, .u.ptr = "\x0a\x00\x00\x01"};
    struct gyr_value ip6 = {.type = GYR_T_IP, .len = 16};
    struct gyr_value net = {.type = GYR_T_NET, .len = 5, .u.ptr = "\xc0\xa8\0\0\x10"};
    static const unsigned char loopback[16] = {[15] = 1};
    struct gyr_value s = gyr_str("x\ty", 3), huge = {.type = GYR_T_DOUBLE, .u.f64 = -1.7e308};
    struct buf b;

    (void)state;
    ip6.u.ptr = loopback;
    check_text(&d, 0, "2.2");
    check_text(&bytes, 0, "a...~");
    check_text(&ip4, 0, "10.0.0.1");
    check_text(&ip6, 0, "::1");
    check_text(&net, 0, "192.168.0.0/16");
    check_text(&s, 0, "x\ty");
    v[0] = gyr_num(GYR_T_U64, 1);
    v[1] = gyr_num(GYR_T_U64, 0x1f);
    v[2] = gyr_num(GYR_T_U64, 3);
    list = (struct gyr_value){.type = GYR_T_LIST, .len = 3, .u.ptr = v};
    check_text(&list, GYR_F_HEX, "(1,1F,3)");
    list.len = 0;
    check_text(&list, 0, "()");
    /* the longest number fits */
    buf_init(&b, 4096);
    value_add_text(&b, &huge, 0);
    assert_int_equal(b.len, 1 + 309 + 2);
    buf_free(&b);
}

/* A list within a list within … : bounded. */
static void deep_lists_end(void **state)
{
    struct gyr_value v[100], copied;
    struct buf b;

    (void)state;
    v[0] = gyr_num(GYR_T_U64, 1);
    for (int i = 1; i < 100; i++)
        v[i] = (struct gyr_value){.type = GYR_T_LIST, .len = 1, .u.ptr = &v[i - 1]};
    buf_init(&b, 4096);
    value_add_text(&b, &v[99], 0);
    assert_true(b.len < 20);
    buf_free(&b);
    assert_int_equal(value_copy(arena, &v[99], &copied), -ENOMEM);
    assert_false(value_equal(&v[99], &v[99]));
}

static void parses(void **state)
{
    static const struct {
        const char *s;
        uint32_t type, want_type, fmt;
        const char *want; /* NULL: refused */
    } t[] = {
        {"true", GYR_T_BOOL, GYR_T_BOOL, 0, "true"},
        {"false", GYR_T_BOOL, GYR_T_BOOL, 0, "false"},
        {"True", GYR_T_BOOL, 0, 0, NULL},
        {"1", GYR_T_BOOL, 0, 0, NULL},
        {"", GYR_T_BOOL, 0, 0, NULL},
        {"0", GYR_T_U64, GYR_T_U64, 0, "0"},
        {"18446744073709551615", GYR_T_U64, GYR_T_U64, 0, "18446744073709551615"},
        {"18446744073709551616", GYR_T_U64, 0, 0, NULL},
        {"0x1F", GYR_T_U64, GYR_T_U64, 0, "31"},
        {"-1", GYR_T_U64, 0, 0, NULL},
        {"12a", GYR_T_U64, 0, 0, NULL},
        {"", GYR_T_U64, 0, 0, NULL},
        {"-1", GYR_T_I64, GYR_T_I64, 0, "-1"},
        {"9223372036854775808", GYR_T_I64, 0, 0, NULL},
        {"1.5", GYR_T_I64, 0, 0, NULL},
        {"1.5", GYR_T_DOUBLE, GYR_T_DOUBLE, 0, "1.5"},
        {"x", GYR_T_DOUBLE, 0, 0, NULL},
        {"1500", GYR_T_DURATION, GYR_T_DURATION, 0, "1500"},
        {"2us", GYR_T_DURATION, GYR_T_DURATION, 0, "2000"},
        {"2 parsecs", GYR_T_DURATION, 0, 0, NULL},
        {"17", GYR_T_TIME, GYR_T_TIME, GYR_F_RAW, "17"},
        {"abc", GYR_T_STR, GYR_T_STR, 0, "abc"},
        {"", GYR_T_STR, GYR_T_STR, 0, ""},
        {"4142", GYR_T_BYTES, GYR_T_BYTES, 0, "4142"},
        {"10.0.0.1", GYR_T_IP, GYR_T_IP, 0, "10.0.0.1"},
        {"10.0.0.0/8", GYR_T_IP, GYR_T_NET, 0, "10.0.0.0/8"},
        {"fe80::1", GYR_T_IP, GYR_T_IP, 0, "fe80::1"},
        {"fe80::/10", GYR_T_NET, GYR_T_NET, 0, "fe80::/10"},
        {"::/0", GYR_T_NET, GYR_T_NET, 0, "::/0"},
        {"10.0.0.1", GYR_T_NET, 0, 0, NULL},
        {"10.0.0.0/33", GYR_T_NET, 0, 0, NULL},
        {"10.0.0.0/", GYR_T_NET, 0, 0, NULL},
        {"fe80::/129", GYR_T_NET, 0, 0, NULL},
        {"10.0.0", GYR_T_IP, 0, 0, NULL},
        {"10.0.0.256", GYR_T_IP, 0, 0, NULL},
        {"example.org", GYR_T_IP, 0, 0, NULL},
        {"1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111", GYR_T_IP, 0, 0, NULL},
        {"x", GYR_T_LIST, 0, 0, NULL},
        {"x", GYR_T_NONE, 0, 0, NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        struct gyr_error err = {0};
        struct gyr_value v = {0};
        int r = value_parse(t[i].s, strlen(t[i].s), t[i].type, arena, &v, &err);

        if (!t[i].want) {
            assert_int_equal(r, -EINVAL);
            assert_true(strlen(err.msg) > 10);
            continue;
        }
        assert_int_equal(r, 0);
        assert_int_equal(v.type, t[i].want_type);
        check_text(&v, t[i].fmt, t[i].want);
    }
}

static void parse_says_what_is_wrong(void **state)
{
    struct gyr_error err;
    struct gyr_value v;

    (void)state;
    assert_int_equal(value_parse("abc", 3, GYR_T_U64, arena, &v, &err), -EINVAL);
    assert_string_equal(err.msg, "'abc' is not a number");
    assert_int_equal(value_parse("a\0b", 3, GYR_T_STR, arena, &v, &err), -EINVAL);
    assert_int_equal(value_parse("a\0b", 3, GYR_T_BYTES, arena, &v, &err), 0);
    assert_int_equal(v.len, 3);
}

static void copies_are_equal_and_apart(void **state)
{
    char text[] = "hello", addr[] = {1, 2, 3, 4};
    struct gyr_value v[3], list, copied, other;

    (void)state;
    v[0] = gyr_str(text, 5);
    v[1] = (struct gyr_value){.type = GYR_T_IP, .len = 4, .u.ptr = addr};
    v[2] = gyr_str(NULL, 0);
    list = (struct gyr_value){.type = GYR_T_LIST, .len = 3, .u.ptr = v};
    assert_int_equal(value_copy(arena, &list, &copied), 0);
    assert_true(value_equal(&list, &copied));
    text[0] = 'j';
    assert_false(value_equal(&list, &copied));
    check_text(&copied, 0, "(hello,1.2.3.4,)");
    other = gyr_num(GYR_T_U64, 1);
    copied = gyr_num(GYR_T_I64, 1);
    assert_false(value_equal(&other, &copied));
    assert_true(value_equal(&other, &other));
    other = gyr_num(GYR_T_BOOL, 1);
    copied = gyr_num(GYR_T_BOOL, 2);
    assert_true(value_equal(&other, &copied));
}

static void copy_without_memory(void **state)
{
    struct arena *small = arena_new(64);
    struct gyr_value v = gyr_str("0123456789", 10), c;
    int r = 0;

    (void)state;
    assert_non_null(small);
    for (int i = 0; i < 100 && r == 0; i++)
        r = value_copy(small, &v, &c);
    assert_int_equal(r, -ENOMEM);
    arena_free(small);
}

/* What a plugin gives is read as declared only when it is that. */
static void only_what_fits(void **state)
{
    static const uint8_t addr[16];
    const struct gyr_value str = gyr_str("x", 1), num = gyr_num(GYR_T_U64, 7),
                           none = gyr_num(GYR_T_NONE, 0), strange = gyr_num(77, 0),
                           nowhere = {.type = GYR_T_STR, .len = 3},
                           endless = {.type = GYR_T_STR, .len = UINT32_MAX, .u.ptr = "x"},
                           empty = {.type = GYR_T_STR},
                           ip = {.type = GYR_T_IP, .len = 16, .u.ptr = addr},
                           odd = {.type = GYR_T_IP, .len = 5, .u.ptr = addr};
    const struct gyr_value same[] = {str, empty}, mixed[] = {str, num};
    const struct gyr_value list = {.type = GYR_T_LIST, .len = 2, .u.ptr = same},
                           mixture = {.type = GYR_T_LIST, .len = 2, .u.ptr = mixed},
                           hollow = {.type = GYR_T_LIST, .len = 2};

    (void)state;
    assert_true(value_fits(&str, GYR_T_STR, false) && value_fits(&empty, GYR_T_STR, false));
    assert_true(value_fits(&str, GYR_T_NONE, false) && value_fits(&num, GYR_T_NONE, false));
    assert_false(value_fits(&num, GYR_T_STR, false) || value_fits(&str, GYR_T_U64, false));
    assert_false(value_fits(&num, GYR_T_I64, false) || value_fits(&none, GYR_T_NONE, false));
    assert_false(value_fits(&strange, GYR_T_NONE, false) || value_fits(&list, GYR_T_STR, false));
    assert_false(value_fits(&nowhere, GYR_T_STR, false) || value_fits(&endless, GYR_T_STR, false));
    assert_true(value_fits(&ip, GYR_T_IP, false) && value_fits(&ip, GYR_T_NET, false));
    assert_false(value_fits(&odd, GYR_T_IP, false));
    assert_true(value_fits(&list, GYR_T_STR, true) && value_fits(&mixture, GYR_T_NONE, true));
    assert_false(value_fits(&mixture, GYR_T_STR, true) || value_fits(&hollow, GYR_T_STR, true));
    assert_false(value_fits(&str, GYR_T_STR, true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_as_text),          cmocka_unit_test(others_as_text),
        cmocka_unit_test(deep_lists_end),           cmocka_unit_test(parses),
        cmocka_unit_test(parse_says_what_is_wrong), cmocka_unit_test(copies_are_equal_and_apart),
        cmocka_unit_test(copy_without_memory),      cmocka_unit_test(only_what_fits),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
