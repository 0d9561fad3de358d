/* SPDX-License-Identifier: Apache-2.0 */
/* Files of rule tests: what is read of them, and what is said of mistakes. */
#include "test/compare.h"

#include "base/cleanup.h"

#include <gyr/output.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct read {
    struct arena *arena;
    struct diags d;
    struct testfile f;
};

static int read_text(struct read *r, const char *text)
{
    r->arena = arena_new(16 << 20);
    assert_non_null(r->arena);
    diags_init(&r->d, r->arena);
    return testfile_parse("dir/t.yaml", text, strlen(text), r->arena, &r->d, &r->f);
}

static void done(struct read *r)
{
    testfile_release(&r->f);
    arena_free(r->arena);
}

static void defaults_are_added_to(void **state)
{
    struct read r;
    const struct test *t;

    (void)state;
    assert_int_equal(read_text(&r, "- defaults:\n"
                                   "    rules: [a, /b]\n"
                                   "    given: {users: {}}\n"
                                   "    lists: {l: [1, 'x y']}\n"
                                   "- test: one\n  when: [close]\n  expect: R\n"
                                   "- test: two\n  rules: c\n  given: {processes: []}\n"
                                   "  lists: {m: []}\n  macros: {k: 'a = \"b\"'}\n"
                                   "  capture: x.scap\n  expect_none: true\n"
                                   "- defaults: {}\n"
                                   "- test: three\n  when: [close]\n  expect_none: [R, S]\n"),
                     0);
    assert_int_equal(r.f.n, 3);
    t = &r.f.tests[0];
    assert_int_equal(t->rules.n_paths, 2);
    assert_string_equal(t->rules.paths[0], "dir/a");
    assert_string_equal(t->rules.paths[1], "/b");
    assert_int_equal(t->n_given, 1);
    assert_string_equal(t->rules.more, "- list: \"l\"\n  items: [\"1\", \"x y\"]\n");
    assert_string_equal(t->expect[0].rule, "R");
    t = &r.f.tests[1];
    assert_int_equal(t->rules.n_paths, 1);
    assert_string_equal(t->rules.paths[0], "dir/c");
    assert_int_equal(t->n_given, 2);
    assert_string_equal(t->capture, "dir/x.scap");
    assert_true(t->none.all);
    assert_non_null(strstr(t->rules.more, "- macro: \"k\"\n  condition: \"a = \\\"b\\\"\"\n"));
    t = &r.f.tests[2];
    assert_null(t->rules.paths);
    assert_null(t->rules.more);
    assert_int_equal(t->n_given, 0);
    assert_int_equal(t->none.n, 2);
    done(&r);
}

static void expectations(void **state)
{
    struct read r;
    const struct test_expect *e;

    (void)state;
    assert_int_equal(read_text(&r, "- test: x\n  when: [exit]\n  order: given\n  expect:\n"
                                   "    - {rule: R, count: 3+, priority: info, output: o,\n"
                                   "       fields: {a: 1, b: ~}}\n"
                                   "    - {rule: S, count: 2, output_regex: 'a.*'}\n"),
                     0);
    assert_true(r.f.tests[0].in_order);
    e = r.f.tests[0].expect;
    assert_int_equal(e[0].min, 3);
    assert_int_equal(e[0].max, UINT32_MAX);
    assert_int_equal(e[0].priority, GYR_PRIO_INFORMATIONAL);
    assert_string_equal(e[0].output.text, "o");
    assert_null(e[0].output.regex);
    assert_int_equal(e[0].n_fields, 2);
    assert_string_equal(e[0].fields[0].value, "1");
    assert_null(e[0].fields[1].value);
    assert_int_equal(e[1].min, 2);
    assert_int_equal(e[1].max, 2);
    assert_non_null(e[1].output.regex);
    done(&r);
}

#define HEAD "- test: x\n  when: [exit]\n"

static void mistakes(void **state)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"", "a test file must be a list of tests"},
        {"a: b\n", "a test file must be a list of tests"},
        {"- x\n", "expected a test: a mapping with 'test', its name"},
        {"- test: [a]\n  when: [exit]\n  expect: R\n", "the name of a test must be a text"},
        {"- test: x\n  expect: R\n", "nothing happens in this test"},
        {HEAD, "this test expects nothing"},
        {HEAD "  capture: c\n  expect: R\n", "a test has 'when' or 'capture', not both"},
        {HEAD "  expcet: R\n", "a test has no 'expcet'; did you mean 'expect'?"},
        {HEAD "  expect: {count: 1}\n", "an expected alert needs its 'rule'"},
        {HEAD "  expect: {rule: R, feilds: {}}\n", "did you mean 'fields'?"},
        {HEAD "  expect: {rule: R, count: 0}\n", "count is a number from 1, or 2+"},
        {HEAD "  expect: {rule: R, count: x}\n", "count is a number from 1, or 2+"},
        {HEAD "  expect: {rule: R, priority: high}\n", "'high' is no priority"},
        {HEAD "  expect: {rule: R, fields: x}\n", "fields are a mapping of names to values"},
        {HEAD "  expect: {rule: R, output_regex: '('}\n", "this is no regular expression"},
        {HEAD "  expect: {rule: R, output: a, output_regex: b}\n", "exclude each other"},
        {HEAD "  expect: R\n  order: first\n", "order is 'any' or 'given'"},
        {HEAD "  expect: R\n  given: []\n", "'given' is a mapping"},
        {HEAD "  expect: R\n  lists: {a: b}\n", "the items of list 'a' must be a list"},
        {HEAD "  expect: R\n  macros: {a: []}\n", "the condition of macro 'a' must be a text"},
        {HEAD "  expect: R\n  lists: [a]\n", "lists are a mapping of names"},
        {"- defaults: {when: []}\n", "'defaults' has no 'when'"},
        {"- defaults: x\n", "'defaults' is a mapping"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct read r;

        assert_true(read_text(&r, rows[i].text) < 0);
        assert_non_null(r.d.first);
        if (!strstr(r.d.first->text, rows[i].says))
            fail_msg("%s: it says: %s", rows[i].text, r.d.first->text);
        assert_true(r.d.first->loc.line > 0 || !*rows[i].text);
        done(&r);
    }
}

/* ---- alerts against expectations ---- */

struct came {
    const char *rule, *field; /* value of the field "f"; NULL: absent */
};

static uint32_t compare(const char *expect, const struct came *came, uint32_t n, char *ret,
                        size_t cap)
{
    struct read r;
    struct test_result res = {0};
    struct buf out;
    char text[512];
    uint32_t bad;

    (void)snprintf(text, sizeof(text), HEAD "%s", expect);
    assert_int_equal(read_text(&r, text), 0);
    res.arena = r.arena;
    res.n_alerts = n;
    res.alerts = arena_array(r.arena, n + 1u, sizeof(*res.alerts));
    for (uint32_t i = 0; i < n; i++) {
        struct test_alert *a = &res.alerts[i];

        *a = (struct test_alert){.rule = came[i].rule, .text = "text", .num = i + 1, .n_fields = 1};
        a->fields = arena_alloc(r.arena, sizeof(*a->fields));
        a->fields[0].name = "f";
        a->fields[0].value = came[i].field;
    }
    buf_init(&out, 1 << 16);
    bad = compare_test(&r.f.tests[0], &res, &out);
    (void)snprintf(ret, cap, "%s", out.p);
    assert_int_equal(bad == 0, out.len == 0);
    buf_free(&out);
    done(&r);
    return bad;
}

static void comparing(void **state)
{
    static const struct {
        const char *expect;
        struct came came[3];
        uint32_t n, bad;
        const char *says;
    } rows[] = {
        {"  expect: R\n", {{"R", "1"}}, 1, 0, ""},
        {"  expect: R\n", {{"R", "1"}, {"S", "1"}}, 2, 0, ""},
        {"  expect: R\n  expect_none: true\n", {{"R", "1"}, {"S", "1"}}, 2, 1, "not expected: 'S'"},
        {"  expect: R\n  expect_none: [T]\n", {{"R", "1"}, {"S", "1"}}, 2, 0, ""},
        {"  expect: R\n", {{"R", "1"}, {"R", "2"}}, 2, 1, "not expected: 'R' at event 2"},
        {"  expect: R\n", {{"S", "1"}}, 1, 1, "expected an alert of 'R', which did not fire"},
        {"  expect: {rule: R, count: 2}\n",
         {{"R", "1"}},
         1,
         1,
         "expected 2 alerts of 'R', and got 1"},
        {"  expect: {rule: R, count: 1+}\n", {{"R", "1"}, {"R", "2"}}, 2, 0, ""},
        {"  expect: {rule: R, count: 1+, fields: {f: 1}}\n", {{"R", "1"}, {"R", "2"}}, 2, 0, ""},
        {"  expect: {rule: R, count: 1+, fields: {f: 1}}\n  expect_none: true\n",
         {{"R", "1"}, {"R", "2"}},
         2,
         1,
         "not expected: 'R' at event 2"},
        /* who asks for more chooses first */
        {"  expect: [R, {rule: R, fields: {f: 1}}]\n", {{"R", "1"}, {"R", "2"}}, 2, 0, ""},
        {"  expect: {rule: R, fields: {f: 1}}\n", {{"R", "2"}}, 1, 1, "got       2"},
        {"  expect: {rule: R, fields: {f: ~}}\n", {{"R", NULL}}, 1, 0, ""},
        {"  expect: {rule: R, fields: {f: ~}}\n", {{"R", "2"}}, 1, 1, "expected  (absent)"},
        {"  expect: {rule: R, fields: {g: 1}}\n", {{"R", "2"}}, 1, 1, "does not name this field"},
        {"  expect: {rule: R, output: text}\n", {{"R", "2"}}, 1, 0, ""},
        {"  expect: {rule: R, output: tex}\n", {{"R", "2"}}, 1, 1, "got       text"},
        {"  expect: {rule: R, output_regex: 't.*t'}\n", {{"R", "2"}}, 1, 0, ""},
        {"  expect: {rule: R, output_regex: 'ex'}\n", {{"R", "2"}}, 1, 1, "by regular expression"},
        {"  expect: {rule: R, priority: Error}\n", {{"R", "2"}}, 1, 1, "got       Emergency"},
        {"  expect: [R, S]\n  order: given\n", {{"R", "1"}, {"T", "1"}, {"S", "1"}}, 3, 0, ""},
        {"  expect: [S, R]\n  order: given\n", {{"R", "1"}, {"S", "1"}}, 2, 1, "'S' here, got 'R'"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char out[2048];
        uint32_t bad = compare(rows[i].expect, rows[i].came, rows[i].n, out, sizeof(out));

        if (bad != rows[i].bad || !strstr(out, rows[i].says))
            fail_msg("%s: %u differences: %s", rows[i].expect, bad, out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_added_to),
        cmocka_unit_test(expectations),
        cmocka_unit_test(mistakes),
        cmocka_unit_test(comparing),
    };

    return cmocka_run_group_tests_name("testfile", tests, NULL, NULL);
}
