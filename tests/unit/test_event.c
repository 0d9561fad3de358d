/* SPDX-License-Identifier: Apache-2.0 */
#include "../lib/event_build.h"
#include "base/cleanup.h"
#include "event/event.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct gyr_param_def params[] = {
    {.name = "u8", .type = GYR_P_U8},         {.name = "u16", .type = GYR_P_U16},
    {.name = "u32", .type = GYR_P_U32},       {.name = "u64", .type = GYR_P_U64},
    {.name = "i8", .type = GYR_P_I8},         {.name = "i16", .type = GYR_P_I16},
    {.name = "i32", .type = GYR_P_I32},       {.name = "i64", .type = GYR_P_I64},
    {.name = "bool", .type = GYR_P_BOOL},     {.name = "dbl", .type = GYR_P_DOUBLE},
    {.name = "str", .type = GYR_P_STR},       {.name = "bytes", .type = GYR_P_BYTES},
    {.name = "time", .type = GYR_P_TIME},     {.name = "dur", .type = GYR_P_DURATION},
    {.name = "ip", .type = GYR_P_IP},         {.name = "strs", .type = GYR_P_STRS},
    {.name = "opaque", .type = GYR_P_OPAQUE}, {.name = "odd", .type = 99},
};
static const struct gyr_event_type types[] = {
    {.id = 3, .n_params = ARRAY_LEN(params), .name = "all", .category = "x", .params = params},
    {.id = 4, .n_params = 0, .name = "none", .category = "x"},
};
static const struct gyr_schema def = {
    .size = sizeof(def),
    .version = 1,
    .name = "test",
    .types = types,
    .n_types = ARRAY_LEN(types),
    .type_stride = sizeof(types[0]),
    .field_stride = sizeof(struct gyr_field),
};
/* Made by hand: the loader, which would refuse type 99, is not what is tested here. */
static uint16_t dense[65536];
static struct gyr_event_type widened[ARRAY_LEN(types)];
static struct schema schema = {.name = "test", .types = widened, .n_types = 2, .dense = dense};

static int setup(void **state)
{
    (void)state;
    memcpy(widened, def.types, sizeof(widened));
    dense[3] = 1;
    dense[4] = 2;
    return 0;
}

static struct gyr_event *some_event(struct event_build *b)
{
    event_build_begin(b, 3);
    event_build_int(b, 0xff, 1);
    event_build_int(b, 0xffff, 2);
    return event_build_end(b);
}

static int check(const struct gyr_event *ev, uint32_t avail)
{
    struct gyr_error err = {0};
    int r = event_check(ev, avail, &schema, &err);

    if (r < 0)
        assert_true(strlen(err.msg) > 10);
    return r;
}

static void sound_records_pass(void **state)
{
    struct event_build b;
    struct gyr_event *ev = some_event(&b);

    (void)state;
    assert_int_equal(check(ev, UINT32_MAX), 0);
    assert_int_equal(check(ev, ev->len), 0);
    event_build_begin(&b, 4);
    assert_int_equal(check(event_build_end(&b), UINT32_MAX), 0);
    event_build_begin(&b, 3);
    b.ev.hdr_len += 8; /* a newer, longer header */
    event_build_str(&b, "x");
    assert_int_equal(check(event_build_end(&b), UINT32_MAX), 0);
}

static void bent_records_are_refused(void **state)
{
    struct event_build b;
    struct gyr_event *ev;
    uint32_t off;

    (void)state;
    ev = some_event(&b);
    assert_int_equal(check(NULL, 100), -EINVAL);
    assert_int_equal(check(ev, 10), -EINVAL);
    assert_int_equal(check(ev, ev->len - 1), -EINVAL);
    assert_int_equal(check((const struct gyr_event *)(const void *)(b.bytes + 4), 100), -EINVAL);
#define BENT(change)                                                                               \
    ev = some_event(&b);                                                                           \
    change;                                                                                        \
    assert_int_equal(check(ev, EVENT_BUILD_SIZE), -EINVAL)
    BENT(ev->len = 0);
    BENT(ev->len -= 1);
    BENT(ev->len = 40);
    BENT(ev->len = EVENT_BUILD_SIZE + 8);
    BENT(ev->len = GYR_EVENT_MAX + 8);
    BENT(ev->hdr_len = 0);
    BENT(ev->hdr_len = 4);
    BENT(ev->hdr_len = sizeof(*ev) + 4);
    BENT(ev->hdr_len = 0xfff8);
    BENT(ev->type = 5);
    BENT(ev->type = 4); /* which has no parameters */
    BENT(ev->nparams = 19);
    BENT(ev->nparams = GYR_PARAMS_MAX + 1);
    BENT(ev->nparams = 0xffff);
    BENT(off = 0; memcpy(b.bytes + ev->hdr_len, &off, 4));
    BENT(off = 0xffffffff; memcpy(b.bytes + ev->hdr_len + 4, &off, 4));
    BENT(off = ev->len + 1; memcpy(b.bytes + ev->hdr_len + 8, &off, 4));
    BENT(off = ev->hdr_len + 12; memcpy(b.bytes + ev->hdr_len + 8, &off, 4)); /* goes back */
}

static void random_records_do_no_harm(void **state)
{
    struct event_build b;
    uint32_t taken = 0;

    (void)state;
    srandom(7);
    for (int i = 0; i < 200000; i++) {
        struct gyr_event *ev = some_event(&b);
        uint32_t len = ev->len;
        struct gyr_value v;

        for (int k = 0; k < 2; k++)
            b.bytes[(size_t)random() % len] = (uint8_t)random();
        if (check(ev, sizeof(b.bytes)) < 0)
            continue;
        taken++;
        for (uint32_t p = 0; p < 40; p++)
            if (event_param(ev, schema_type(&schema, ev->type), p, &v) == GYR_PRESENT &&
                (v.type == GYR_T_BYTES || v.type == GYR_T_STR))
                assert_true((const uint8_t *)v.u.ptr + v.len <= b.bytes + ev->len);
    }
    assert_true(taken > 1000);
}

/* One parameter of place @p i, the ones before it absent. */
static int read_param(uint32_t i, const void *p, size_t n, struct gyr_value *ret)
{
    static struct event_build b;
    struct gyr_event *ev;

    event_build_begin(&b, 3);
    for (uint32_t k = 0; k < i; k++)
        event_build_add(&b, NULL, 0);
    event_build_add(&b, p, n);
    ev = event_build_end(&b);
    assert_int_equal(check(ev, UINT32_MAX), 0);
    return event_param(ev, schema_type(&schema, 3), i, ret);
}

static void parameters_by_type(void **state)
{
    static const struct {
        uint32_t i;
        const char *p;
        size_t n;
        int want;
        uint32_t type;
        uint64_t u64; /* or the length */
    } t[] = {
        {0, "\xff", 1, GYR_PRESENT, GYR_T_U64, 255},
        {1, "\xff\xff", 2, GYR_PRESENT, GYR_T_U64, 65535},
        {2, "\xff\xff\xff\xff", 4, GYR_PRESENT, GYR_T_U64, 0xffffffff},
        {3, "\1\0\0\0\0\0\0\x80", 8, GYR_PRESENT, GYR_T_U64, 0x8000000000000001},
        {4, "\xff", 1, GYR_PRESENT, GYR_T_I64, (uint64_t)-1},
        {5, "\xfe\xff", 2, GYR_PRESENT, GYR_T_I64, (uint64_t)-2},
        {6, "\xfd\xff\xff\xff", 4, GYR_PRESENT, GYR_T_I64, (uint64_t)-3},
        {7, "\xfc\xff\xff\xff\xff\xff\xff\xff", 8, GYR_PRESENT, GYR_T_I64, (uint64_t)-4},
        {7, "\xff\xff\xff\xff", 4, GYR_PRESENT, GYR_T_I64, (uint64_t)-1}, /* narrower */
        {2, "abc", 3, GYR_ABSENT, 0, 0},
        {2, "", 0, GYR_ABSENT, 0, 0},
        {8, "\2", 1, GYR_PRESENT, GYR_T_BOOL, 1},
        {8, "\0\0\0\0", 4, GYR_PRESENT, GYR_T_BOOL, 0},
        {9, "abcd", 4, GYR_ABSENT, 0, 0},
        {10, "hello", 6, GYR_PRESENT, GYR_T_STR, 5},
        {10, "hello", 5, GYR_PRESENT, GYR_T_STR, 5}, /* its NUL is missing */
        {10, "a\0b", 4, GYR_PRESENT, GYR_T_STR, 1},
        {10, "", 1, GYR_PRESENT, GYR_T_STR, 0}, /* empty is not absent */
        {10, "", 0, GYR_ABSENT, 0, 0},
        {11, "a\0b", 3, GYR_PRESENT, GYR_T_BYTES, 3},
        {11, "", 0, GYR_ABSENT, 0, 0},
        {12, "\1\0\0\0\0\0\0\0", 8, GYR_PRESENT, GYR_T_TIME, 1},
        {13, "\1\0\0\0\0\0\0\0", 8, GYR_PRESENT, GYR_T_DURATION, 1},
        {14, "\1\2\3\4", 4, GYR_PRESENT, GYR_T_IP, 4},
        {14, "0123456789abcdef", 16, GYR_PRESENT, GYR_T_IP, 16},
        {14, "12345", 5, GYR_ABSENT, 0, 0},
        {15, "a\0b\0", 4, GYR_PRESENT, GYR_T_BYTES, 4},
        {16, "xy", 2, GYR_PRESENT, GYR_T_BYTES, 2},
        {17, "xy", 2, GYR_ABSENT, 0, 0},
    };
    double d = 1.5;
    struct gyr_value v;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        assert_int_equal(read_param(t[i].i, t[i].p, t[i].n, &v), t[i].want);
        if (t[i].want != GYR_PRESENT)
            continue;
        assert_int_equal(v.type, t[i].type);
        if (v.type == GYR_T_STR || v.type == GYR_T_BYTES || v.type == GYR_T_IP) {
            assert_int_equal(v.len, t[i].u64);
            assert_memory_equal(v.u.ptr, t[i].p, v.len);
        } else {
            assert_true(v.u.u64 == t[i].u64);
        }
    }
    assert_int_equal(read_param(9, &d, sizeof(d), &v), GYR_PRESENT);
    assert_true(v.u.f64 == 1.5);
}

/* An older recorder gave fewer; nobody may ask for more than the schema has. */
static void parameters_that_are_not_there(void **state)
{
    struct event_build b;
    struct gyr_event *ev = some_event(&b);
    struct gyr_value v;

    (void)state;
    assert_int_equal(event_param(ev, &types[0], 1, &v), GYR_PRESENT);
    assert_int_equal(event_param(ev, &types[0], 2, &v), GYR_ABSENT);
    assert_int_equal(event_param(ev, &types[0], 1000, &v), GYR_ABSENT);
    assert_int_equal(event_param(ev, &types[1], 0, &v), GYR_ABSENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound_records_pass),
        cmocka_unit_test(bent_records_are_refused),
        cmocka_unit_test(random_records_do_no_harm),
        cmocka_unit_test(parameters_by_type),
        cmocka_unit_test(parameters_that_are_not_there),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
