/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cleanup.h"
#include "engine/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <gyr/util.h>

static struct scratch scratch;

static int setup(void **state)
{
    (void)state;
    return scratch_init(&scratch);
}

static int teardown(void **state)
{
    (void)state;
    scratch_free(&scratch);
    return 0;
}

static struct gyr_value str(const char *s)
{
    return gyr_str(s, strlen(s));
}

/* "a b c": a list of words; "" is the empty list. */
static struct gyr_value words(const char *s, struct gyr_value *room)
{
    struct gyr_value list = {.type = GYR_T_LIST, .u.ptr = room};

    while (*s) {
        size_t n = strcspn(s, " ");

        room[list.len++] = gyr_str(s, n);
        s += n + (s[n] == ' ');
    }
    return list;
}

static void check(int r, const struct gyr_value *v, const char *want)
{
    struct buf b;

    if (!want) {
        assert_int_equal(r, GYR_ABSENT);
        return;
    }
    assert_int_equal(r, GYR_PRESENT);
    buf_init(&b, 1 << 20);
    value_add_text(&b, v, 0);
    assert_string_equal(b.p, want);
    buf_free(&b);
    scratch_reset(&scratch);
}

static void one_argument(void **state)
{
    static const struct {
        enum transform fn;
        const char *in, *want;
    } t[] = {
        {TF_TOLOWER, "AbC-\xc3\x84Z9", "abc-\xc3\x84z9"},
        {TF_TOLOWER, "", ""},
        {TF_TOUPPER, "aBc{z", "ABC{Z"},
        {TF_TOUPPER, "", ""},
        {TF_BASENAME, "/usr/bin/cat", "cat"},
        {TF_BASENAME, "cat", "cat"},
        {TF_BASENAME, "/usr/bin/", ""},
        {TF_BASENAME, "/", ""},
        {TF_BASENAME, "", ""},
        {TF_BASENAME, "a/b c", "b c"},
        {TF_B64, "aGVsbG8=", "hello"},
        {TF_B64, "aGVsbG8", "hello"},
        {TF_B64, "aGVsbA==", "hell"},
        {TF_B64, "aGVsbA", "hell"},
        {TF_B64, "aGVs", "hel"},
        {TF_B64, "+/+/", "\xfb\xff\xbf"},
        {TF_B64, "", ""},
        {TF_B64, "=", ""},
        {TF_B64, "a", NULL},
        {TF_B64, "aGVsb", NULL},
        {TF_B64, "aGV sbG8=", NULL},
        {TF_B64, "aGVsbG9=", NULL}, /* bits left over */
        {TF_B64, "====", NULL},
        {TF_B64, "aGVs====", NULL},
        {TF_B64, "-_-_", NULL},
        {TF_B64, "YQBi", "a"}, /* a string ends at its zero byte */
        {TF_LEN, "", "0"},
        {TF_LEN, "abc", "3"},
        {TF_VAL, "x", "x"},
        {TF_CONCAT, "x", "x"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        struct gyr_value in = str(t[i].in), out;
        int r = transform_apply(t[i].fn, &in, 1, &scratch, &out);

        check(r, &out, t[i].want);
    }
}

static void wrong_types_are_absent(void **state)
{
    static const enum transform all[] = {TF_TOLOWER, TF_TOUPPER, TF_B64,    TF_BASENAME,
                                         TF_LEN,     TF_JOIN,    TF_CONCAT, TF_GETOPT};
    struct gyr_value in[3] = {gyr_num(GYR_T_U64, 1), gyr_num(GYR_T_U64, 2), gyr_num(GYR_T_U64, 3)};
    struct gyr_value none = {0}, out;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        for (uint32_t n = 0; n <= 3; n++)
            assert_int_equal(transform_apply(all[i], in, n, &scratch, &out), GYR_ABSENT);
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        assert_int_equal(transform_apply(all[i], &none, 1, &scratch, &out), GYR_ABSENT);
    assert_int_equal(transform_apply(TF_VAL, &none, 1, &scratch, &out), GYR_ABSENT);
    assert_int_equal(transform_apply(TF_MAX_, in, 1, &scratch, &out), GYR_ABSENT);
}

static void bytes(void **state)
{
    struct gyr_value in = {.type = GYR_T_BYTES, .len = 4, .u.ptr = "YQBi"}, out;

    (void)state;
    assert_int_equal(transform_apply(TF_B64, &in, 1, &scratch, &out), GYR_PRESENT);
    assert_int_equal(out.type, GYR_T_BYTES);
    assert_int_equal(out.len, 3);
    assert_memory_equal(out.u.ptr, "a\0b", 3);
    in = (struct gyr_value){.type = GYR_T_BYTES, .len = 3, .u.ptr = "a\0\0"};
    assert_int_equal(transform_apply(TF_LEN, &in, 1, &scratch, &out), GYR_PRESENT);
    assert_int_equal(out.u.u64, 3);
    in.type = GYR_T_STR;
    assert_int_equal(transform_apply(TF_LEN, &in, 1, &scratch, &out), GYR_PRESENT);
    assert_int_equal(out.u.u64, 1);
}

static void lists(void **state)
{
    struct gyr_value room[8], out, arg = words("/A/b C /D/", room);

    (void)state;
    check(transform_apply(TF_TOLOWER, &arg, 1, &scratch, &out), &out, "(/a/b,c,/d/)");
    check(transform_apply(TF_BASENAME, &arg, 1, &scratch, &out), &out, "(b,C,)");
    check(transform_apply(TF_LEN, &arg, 1, &scratch, &out), &out, "3");
    check(transform_apply(TF_B64, &arg, 1, &scratch, &out), &out, NULL);
    arg = words("", room);
    check(transform_apply(TF_TOUPPER, &arg, 1, &scratch, &out), &out, "()");
    check(transform_apply(TF_LEN, &arg, 1, &scratch, &out), &out, "0");
    room[0] = gyr_num(GYR_T_U64, 1);
    arg.len = 1;
    check(transform_apply(TF_TOUPPER, &arg, 1, &scratch, &out), &out, NULL);
    check(transform_apply(TF_LEN, &arg, 1, &scratch, &out), &out, "1");
}

static void join_and_concat(void **state)
{
    struct gyr_value room[8], out, args[3];

    (void)state;
    args[0] = str(", ");
    args[1] = words("a bb c", room);
    check(transform_apply(TF_JOIN, args, 2, &scratch, &out), &out, "a, bb, c");
    args[0] = str("");
    check(transform_apply(TF_JOIN, args, 2, &scratch, &out), &out, "abbc");
    args[1] = words("", room);
    check(transform_apply(TF_JOIN, args, 2, &scratch, &out), &out, "");
    args[0] = str("-");
    args[1] = words("one", room);
    check(transform_apply(TF_JOIN, args, 2, &scratch, &out), &out, "one");
    check(transform_apply(TF_JOIN, args, 1, &scratch, &out), &out, NULL);
    args[1] = str("no list");
    check(transform_apply(TF_JOIN, args, 2, &scratch, &out), &out, NULL);
    args[2] = str("!");
    check(transform_apply(TF_CONCAT, args, 3, &scratch, &out), &out, "-no list!");
    args[2] = gyr_num(GYR_T_U64, 1);
    check(transform_apply(TF_CONCAT, args, 3, &scratch, &out), &out, NULL);
}

static void options(void **state)
{
    static const struct {
        const char *args, *opts, *letter, *want;
    } t[] = {
        {"-a -b", "ab", NULL, "(a,b)"},
        {"-ab", "ab", NULL, "(a,b)"},
        {"-t5", "t:", NULL, "(t,5)"},
        {"-t 5", "t:", NULL, "(t,5)"},
        {"-nt 5 -n", "nt:", NULL, "(n,t,5,n)"},
        {"-x", "ab", NULL, "(?)"},
        {"-t", "t:", NULL, "()"},
        {"file -a", "a", NULL, "()"},
        {"-a file -b", "ab", NULL, "(a)"},
        {"-a -- -b", "ab", NULL, "(a)"},
        {"--long -a", "a", NULL, "(a)"},
        {"- -a", "a", NULL, "()"},
        {"-t -- -a", "at:", NULL, "(t,--,a)"},
        {"-:", ":a", NULL, "(?)"},
        {"", "a", NULL, "()"},
        {"-t 5 -t 6", "t:", "t", "6"},
        {"-a", "at:", "a", "a"},
        {"-a", "at:", "t", NULL},
        {"-t", "at:", "t", ""},
        {"-x -a", "a", "a", "a"},
        {"-a", "a", "ab", NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        struct gyr_value room[16], args[3], out;

        args[0] = words(t[i].args, room);
        args[1] = str(t[i].opts);
        if (t[i].letter)
            args[2] = str(t[i].letter);
        if (strcmp(t[i].args, "-t") == 0 && !t[i].letter) {
            /* a letter without its argument is an empty word */
            assert_int_equal(transform_apply(TF_GETOPT, args, 2, &scratch, &out), GYR_PRESENT);
            assert_int_equal(out.len, 1);
            assert_int_equal(((const struct gyr_value *)out.u.ptr)->len, 0);
            continue;
        }
        check(transform_apply(TF_GETOPT, args, t[i].letter ? 3 : 2, &scratch, &out), &out,
              t[i].want);
    }
}

/* The block is fixed: what does not fit is absent, counted, and nothing is overwritten. */
static void scratch_used_up(void **state)
{
    static char big[SCRATCH_SIZE / 2 + 100];
    struct gyr_value args[2], out;
    uint64_t failed = scratch.failed;

    (void)state;
    memset(big, 'a', sizeof(big));
    args[0] = args[1] = gyr_str(big, sizeof(big));
    scratch_reset(&scratch);
    assert_int_equal(transform_apply(TF_CONCAT, args, 2, &scratch, &out), GYR_ABSENT);
    assert_int_equal(transform_apply(TF_TOUPPER, args, 1, &scratch, &out), GYR_PRESENT);
    assert_int_equal(transform_apply(TF_TOUPPER, args, 1, &scratch, &out), GYR_ABSENT);
    assert_int_equal(scratch.failed, failed + 2);
    scratch_reset(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_argument),    cmocka_unit_test(wrong_types_are_absent),
        cmocka_unit_test(bytes),           cmocka_unit_test(lists),
        cmocka_unit_test(options),         cmocka_unit_test(join_and_concat),
        cmocka_unit_test(scratch_used_up),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
