/* SPDX-License-Identifier: Apache-2.0 */
/* Comparisons with lists on either side, with values on the right, and of unexpected types. */
#include "../lib/pred_rows.h"
#include "base/cleanup.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void modifiers(void **state)
{
    static const struct row t[] = {
        {S, "a", OP_EQ, MOD_ANYOF, "(a|b)", 1},
        {S, "c", OP_EQ, MOD_ANYOF, "(a|b)", 0},
        {S, "c", OP_EQ, MOD_ANYOF, "(c)", 1},
        {S, "a", OP_EQ, MOD_ONEOF, "(a|b)", 1},
        {S, "a", OP_EQ, MOD_ONEOF, "(a|a)", 0},
        {S, "c", OP_EQ, MOD_ONEOF, "(a|b)", 0},
        {S, "a", OP_EQ, MOD_ALLOF, "(a|b)", 0},
        {S, "a", OP_EQ, MOD_ALLOF, "(a|a)", 1},
        {S, "a", OP_EQ, MOD_ALLOF, "()", 0},
        {S, "c", OP_NE, MOD_ALLOF, "(a|b)", 1},
        {S, "a", OP_NE, MOD_ALLOF, "(a|b)", 0},
        {S, "a", OP_NE, MOD_ALLOF, "(a)", 0},
        {S, "a", OP_NE, MOD_ALLOF, "()", 0},
        {S, "a", OP_NE, MOD_ANYOF, "(a|b)", 1},
        {S, "a", OP_NE, MOD_ANYOF, "(a|a)", 0},
        {S, "a", OP_NE, MOD_ONEOF, "(a|b)", 1},
        {S, "a", OP_NE, MOD_ONEOF, "(c|b)", 0},
        {S, "abc", OP_CONTAINS, MOD_ANYOF, "(x|b)", 1},
        {S, "abc", OP_CONTAINS, MOD_ANYOF, "(x|y)", 0},
        {S, "abc", OP_CONTAINS, MOD_ALLOF, "(a|c)", 1},
        {S, "abc", OP_CONTAINS, MOD_ALLOF, "(a|x)", 0},
        {S, "abc", OP_CONTAINS, MOD_ONEOF, "(a|x)", 1},
        {S, "abc", OP_CONTAINS, MOD_ONEOF, "(a|b)", 0},
        {S, "abc", OP_CONTAINS, MOD_ANYOF, "()", 0},
        {S, "ABC", OP_ICONTAINS, MOD_ANYOF, "(x|bc)", 1},
        {S, "/usr/bin/x", OP_STARTSWITH, MOD_ANYOF, "(/bin/|/usr/bin/)", 1},
        {S, "/usr/bin/x", OP_STARTSWITH, MOD_ALLOF, "(/usr|/usr/bin)", 1},
        {S, "x.so", OP_ENDSWITH, MOD_ANYOF, "(.a|.so)", 1},
        {S, "x.so", OP_ENDSWITH, MOD_ONEOF, "(o|.so)", 0},
        {S, "a", OP_IN, MOD_ANYOF, "(a|b)", 1},
        {S, "a", OP_IN, MOD_ALLOF, "(a|b)", 0},
        {S, "a", OP_IN, MOD_ONEOF, "(a|b)", 1},
        {S, "m", OP_GT, MOD_ALLOF, "(a|b)", 1},
        {S, "m", OP_GT, MOD_ANYOF, "(z|b)", 1},
        {U, "5", OP_EQ, MOD_ANYOF, "(4|5)", 1},
        {U, "6", OP_EQ, MOD_ANYOF, "(4|5)", 0},
        {U, "6", OP_NE, MOD_ALLOF, "(4|5)", 1},
        {U, "5", OP_NE, MOD_ALLOF, "(4|5)", 0},
        {U, "6", OP_GT, MOD_ALLOF, "(4|5)", 1},
        {U, "5", OP_GT, MOD_ALLOF, "(4|5)", 0},
        {U, "5", OP_GT, MOD_ONEOF, "(4|5)", 1},
        {U, "5", OP_LE, MOD_ANYOF, "(1|2)", 0},
        {I, "-5", OP_LT, MOD_ALLOF, "(-1|0)", 1},
        {D, "1.5", OP_NE, MOD_ALLOF, "(1|2)", 1},
        {BOOL, "true", OP_NE, MOD_ALLOF, "(true|false)", 0},
        {B, "GET", OP_BCONTAINS, MOD_ANYOF, "(ff|45)", 1},
        {B, "GET", OP_BSTARTSWITH, MOD_ANYOF, "(ff|45)", 0},
        {S, "Bash", OP_IGLOB, MOD_ANYOF, "(z*|b*)", 1},
    };

    (void)state;
    check_rows(t, ARRAY_LEN(t), false);
}

static void declared_lists(void **state)
{
    static const struct row t[] = {
        {S, "(a|b)", OP_IN, NO, "(a|b|c)", 1},
        {S, "(a|d)", OP_IN, NO, "(a|b|c)", 0},
        {S, "()", OP_IN, NO, "(a|b|c)", 1},
        {S, "(a|d)", OP_INTERSECTS, NO, "(a|b|c)", 1},
        {S, "(d|e)", OP_INTERSECTS, NO, "(a|b|c)", 0},
        {S, "()", OP_INTERSECTS, NO, "(a|b|c)", 0},
        {S, "(a)", OP_IN, NO, "(a)", 1},
        {S, "(a|b)", OP_EXISTS, NO, NULL, 1},
        {U, "(1|2)", OP_IN, NO, "(1|2|3)", 1},
        {U, "(1|9)", OP_IN, NO, "(1|2|3)", 0},
        {U, "(1|9)", OP_INTERSECTS, NO, "(1|2|3)", 1},
        {IP, "(10.0.0.1|10.0.0.2)", OP_IN, NO, "(10.0.0.0/8)", 1},
        {IP, "(10.0.0.1|11.0.0.2)", OP_IN, NO, "(10.0.0.0/8)", 0},
        {IP, "(10.0.0.1|11.0.0.2)", OP_INTERSECTS, NO, "(10.0.0.0/8)", 1},
        {NET, "(10.0.0.1|11.0.0.2)", OP_INTERSECTS, NO, "(11.0.0.0/8|12.0.0.0/8)", 1},
        {TIME, "(1|2)", OP_IN, NO, "(1|2)", 1},
        {BOOL, "(true|false)", OP_IN, NO, "(true)", 0},
        {S, "a", OP_IN, NO, "(a|b)", 1}, /* a provider that gave one value only */
    };

    (void)state;
    check_rows(t, ARRAY_LEN(t), true);
}

/* fd.ip and its like: declared as one value, either of several. */
static void lists_for_one(void **state)
{
    static const struct row t[] = {
        {IP, "(10.0.0.1|10.0.0.2)", OP_EQ, NO, "10.0.0.2", 1},
        {IP, "(10.0.0.1|10.0.0.2)", OP_EQ, NO, "10.0.0.3", 0},
        {IP, "(10.0.0.1|10.0.0.2)", OP_NE, NO, "10.0.0.3", 1},
        {IP, "(10.0.0.1|10.0.0.2)", OP_NE, NO, "10.0.0.2", 0},
        {IP, "(10.0.0.1|10.0.0.2)", OP_IN, NO, "(10.0.0.2|1.1.1.1)", 1},
        {IP, "()", OP_EQ, NO, "10.0.0.2", 0},
        {IP, "()", OP_NE, NO, "10.0.0.2", 0},
        {NET, "(10.0.0.1|192.168.0.1)", OP_EQ, NO, "192.168.0.0/16", 1},
        {NET, "(10.0.0.1|192.168.0.1)", OP_NE, NO, "192.168.0.0/16", 0},
        {U, "(80|45000)", OP_EQ, NO, "80", 1},
        {U, "(80|45000)", OP_LT, NO, "1024", 1},
        {U, "(80|45000)", OP_GT, NO, "50000", 0},
        {U, "(80|45000)", OP_NE, NO, "80", 0},
        {U, "(80|45000)", OP_NE, NO, "81", 1},
        {U, "(80|45000)", OP_IN, NO, "(443|80)", 1},
        {S, "(bash|sshd)", OP_STARTSWITH, NO, "ssh", 1},
        {S, "(bash|sshd)", OP_PMATCH, NO, "(sshd|x)", 1},
        {S, "(bash|sshd)", OP_EXISTS, NO, NULL, 1},
        {S, "(bash|sshd)", OP_NE, NO, "sshd", 1}, /* of ancestors, one that differs is enough */
        {S, "(sshd|sshd)", OP_NE, NO, "sshd", 0},
        {S, "(bash|sshd)", OP_NE, MOD_ALLOF, "(zsh|sshd)", 1},
        {S, "(zsh|sshd)", OP_NE, MOD_ALLOF, "(zsh|sshd)", 0},
        {S, "(bash|sshd)", OP_NE, MOD_ALLOF, "(zsh|dash)", 1},
    };

    (void)state;
    check_rows(t, ARRAY_LEN(t), false);
}

/* The right side is a field: val(…). */
static bool pair(uint32_t type, const char *lhs, enum cmp_op op, enum cmp_mod mod, const char *rhs,
                 bool is_list)
{
    struct arena *a = arena_new(1 << 20);
    struct expr l = {.kind = X_FIELD, .type = type, .is_list = is_list}, r = l;
    struct node n = {.kind = N_CMP, .cmp = {&l, op, mod, &r}};
    struct gyr_error err;
    struct gyr_value x, y;
    struct pred *p;
    bool hit;

    assert_non_null(a);
    assert_int_equal(pred_new(&n, a, &p, &err), 0);
    x = make_value(a, type, lhs);
    y = make_value(a, type, rhs);
    hit = pred_test(p, &x, &y);
    pred_free(p);
    arena_free(a);
    return hit;
}

static void values_against_values(void **state)
{
    (void)state;
    assert_true(pair(S, "a", OP_EQ, NO, "a", false));
    assert_false(pair(S, "a", OP_EQ, NO, "b", false));
    assert_true(pair(S, "abc", OP_CONTAINS, NO, "b", false));
    assert_true(pair(S, "abc", OP_STARTSWITH, NO, "ab", false));
    assert_true(pair(S, "abc", OP_GLOB, NO, "a*", false));
    assert_true(pair(S, "abc", OP_IN, NO, "abc", false));
    assert_false(pair(S, "abc", OP_NE, NO, "abc", false));
    assert_true(pair(U, "5", OP_LT, NO, "6", false));
    assert_false(pair(I, "-1", OP_GT, NO, "1", false));
    assert_true(pair(IP, "10.0.0.1", OP_EQ, NO, "10.0.0.1", false));
    assert_true(pair(S, "(a|b)", OP_IN, NO, "(b|c|a)", true));
    assert_false(pair(S, "(a|d)", OP_IN, NO, "(b|c|a)", true));
    assert_true(pair(S, "()", OP_IN, NO, "(b)", true));
    assert_true(pair(S, "(a|d)", OP_INTERSECTS, NO, "(b|c|a)", true));
    assert_false(pair(S, "(a|d)", OP_INTERSECTS, NO, "(b|c)", true));
    assert_true(pair(U, "(1|2)", OP_INTERSECTS, NO, "(2)", true));
    /* lists for one value: either end */
    assert_true(pair(U, "(80|443)", OP_EQ, NO, "443", false));
    assert_true(pair(U, "443", OP_EQ, NO, "(80|443)", false));
    assert_false(pair(U, "443", OP_NE, NO, "(80|443)", false));
    assert_true(pair(U, "5", OP_NE, NO, "(80|443)", false));
    assert_true(pair(S, "a", OP_EQ, MOD_ANYOF, "(b|a)", false));
    assert_false(pair(S, "a", OP_EQ, MOD_ALLOF, "(b|a)", false));
    assert_true(pair(S, "a", OP_EQ, MOD_ONEOF, "(b|a)", false));
    assert_false(pair(S, "a", OP_EQ, MOD_ONEOF, "(a|a)", false));
}

/* A provider may give another type than its declaration said. */
static void types_that_differ(void **state)
{
    static const struct {
        uint32_t type; /* of the comparison */
        const char *rhs;
        struct gyr_value lhs;
        bool want;
    } t[] = {
        {U, "5", {I, 0, {.i64 = 5}}, true},
        {I, "-1", {U, 0, {.u64 = UINT64_MAX}}, true},
        {U, "1", {BOOL, 0, {.u64 = 1}}, true},
        {DUR, "7", {U, 0, {.u64 = 7}}, true},
        {D, "7", {U, 0, {.u64 = 7}}, true},
        {D, "-7", {I, 0, {.i64 = -7}}, true},
        {I, "7", {D, 0, {.f64 = 7.0}}, true},
        {I, "7", {D, 0, {.f64 = 1e300}}, false},
        {U, "5", {S, 1, {.ptr = "5"}}, false},
        {S, "5", {U, 0, {.u64 = 5}}, false},
        {S, "ab", {B, 2, {.ptr = "ab"}}, true},
        {B, "ab", {S, 2, {.ptr = "ab"}}, true},
        {IP, "1.2.3.4", {NET, 5, {.ptr = "\1\2\3\4\x20"}}, true},
        {IP, "1.2.3.4", {S, 7, {.ptr = "1.2.3.4"}}, false},
        {S, "x", {GYR_T_NONE, 0, {0}}, false},
        {U, "0", {GYR_T_NONE, 0, {0}}, false},
        {IP, "1.2.3.4", {IP, 2, {.ptr = "\1\2"}}, false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        struct arena *a = arena_new(1 << 20);
        struct expr l = {.kind = X_FIELD, .type = t[i].type};
        struct node n = {.kind = N_CMP, .cmp = {.lhs = &l, .op = OP_EQ}};
        struct gyr_error err;
        struct pred *p;

        assert_non_null(a);
        n.cmp.rhs = make_rhs(a, t[i].type, t[i].rhs);
        assert_int_equal(pred_new(&n, a, &p, &err), 0);
        if (pred_test(p, &t[i].lhs, NULL) != t[i].want)
            fail_msg("row %zu", i);
        pred_free(p);
        arena_free(a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(modifiers),         cmocka_unit_test(declared_lists),
        cmocka_unit_test(lists_for_one),     cmocka_unit_test(values_against_values),
        cmocka_unit_test(types_that_differ),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
