/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cleanup.h"
#include "engine/render.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <gyr/util.h>

/* "a %0 b" with @p v as the field. */
static void check(const char *before, struct gyr_value v, uint32_t fmt, const char *after,
                  const char *want)
{
    struct template_part parts[] = {
        {.lit = before, .len = (uint32_t)strlen(before)},
        {.field = 0},
        {.lit = after, .len = (uint32_t)strlen(after)},
    };
    struct rule_output out = {.name = "x", .fmt = fmt};
    struct rule rule = {.output = {.parts = parts, .n = 3}, .outputs = &out, .n_outputs = 1};
    struct buf b;

    buf_init(&b, 1 << 20);
    render_output(&b, &rule, &v);
    assert_false(b.failed);
    assert_string_equal(b.p, want);
    buf_free(&b);
}

static struct gyr_value str(const char *s)
{
    return gyr_str(s, strlen(s));
}

static void values_in_their_places(void **state)
{
    struct gyr_value none = {0};

    (void)state;
    check("user=", str("root"), 0, " read", "user=root read");
    check("", str(""), 0, "", "");
    check("user=", none, 0, ".", "user=<NA>.");
    check("mode=", gyr_num(GYR_T_U64, 0644), GYR_F_OCT, "", "mode=0644");
    check("pid=", (struct gyr_value){.type = GYR_T_I64, .u.i64 = -1}, 0, "", "pid=-1");
    check("", gyr_num(GYR_T_BOOL, 1), 0, "!", "true!");
    check("", (struct gyr_value){.type = GYR_T_IP, .len = 4, .u.ptr = "\1\2\3\4"}, 0, "",
          "1.2.3.4");
}

/* Whoever names a file must not drive the terminal, nor break JSON or a log line. */
static void hostile_values_are_made_safe(void **state)
{
    struct gyr_value items[2], list = {.type = GYR_T_LIST, .len = 2, .u.ptr = items};

    (void)state;
    check("f=", str("a\nb\x1b[31mc"), 0, "", "f=a\\x0ab\\x1b[31mc");
    check("f=", str("\xff"), 0, "", "f=\xef\xbf\xbd");
    check("f=", str("\xc2\x9b"), 0, "", "f=\\x9b");
    check("f=", str("\xc3\xa4\xe2\x82\xac"), 0, "", "f=\xc3\xa4\xe2\x82\xac");
    check("f=", gyr_str("a\0b", 3), 0, "", "f=a\\x00b");
    check("f=", (struct gyr_value){.type = GYR_T_BYTES, .len = 3, .u.ptr = "\x1b\xff~"}, 0, "",
          "f=..~");
    items[0] = str("a\x07");
    items[1] = str("\xfe");
    check("f=", list, 0, "", "f=(a\\x07,\xef\xbf\xbd)");
}

static void widths_cut_or_fill(void **state)
{
    struct template_part parts[] = {{.field = 0, .width = 5}, {.lit = "|", .len = 1}};
    struct rule_output out = {.name = "x"};
    struct rule rule = {.output = {.parts = parts, .n = 2}, .outputs = &out, .n_outputs = 1};
    static const char *const cases[][2] = {
        {"abcdefg", "abcde|"}, {"abcde", "abcde|"},        {"ab", "ab   |"},
        {"", "     |"},        {"abcd\xc3\xa4", "abcd |"}, {"abc\xc3\xa4", "abc\xc3\xa4|"},
    };

    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        struct gyr_value v = str(cases[i][0]);
        struct buf b;

        buf_init(&b, 1 << 20);
        render_output(&b, &rule, &v);
        assert_string_equal(b.p, cases[i][1]);
        buf_free(&b);
    }
}

static void fields_used_again(void **state)
{
    struct template_part parts[] = {{.field = 1}, {.field = 0}, {.field = 1}};
    struct rule_output outs[2] = {{.name = "a"}, {.name = "b", .fmt = GYR_F_HEX}};
    struct rule rule = {.output = {.parts = parts, .n = 3}, .outputs = outs, .n_outputs = 2};
    struct gyr_value v[2] = {str("-"), gyr_num(GYR_T_U64, 255)};
    struct buf b;

    (void)state;
    buf_init(&b, 1 << 20);
    render_output(&b, &rule, v);
    assert_string_equal(b.p, "FF-FF");
    buf_reset(&b);
    rule.output.n = 0;
    render_output(&b, &rule, v);
    assert_string_equal(b.p, "");
    buf_free(&b);
}

static void a_full_buffer_is_told(void **state)
{
    static char big[5000];
    struct template_part part = {.field = 0};
    struct rule_output out = {.name = "a"};
    struct rule rule = {.output = {.parts = &part, .n = 1}, .outputs = &out, .n_outputs = 1};
    struct gyr_value v;
    struct buf b;

    (void)state;
    memset(big, 'x', sizeof(big));
    v = gyr_str(big, sizeof(big));
    buf_init(&b, 1000);
    render_output(&b, &rule, &v);
    assert_true(b.failed);
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_in_their_places), cmocka_unit_test(hostile_values_are_made_safe),
        cmocka_unit_test(widths_cut_or_fill),     cmocka_unit_test(fields_used_again),
        cmocka_unit_test(a_full_buffer_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
