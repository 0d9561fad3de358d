/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the above first */
#include "base/cleanup.h"
#include "rules/lex.h"

#include <cmocka.h>
#include <errno.h>
#include <string.h>

struct token_case {
    bool (*lex)(struct lexer *l, struct token *ret);
    const char *text;
    const char *want; /* NULL: not taken */
};

static const struct token_case token_cases[] = {
    {lex_identifier, "spawned_process and", "spawned_process"},
    {lex_identifier, "a1_b", "a1_b"},
    {lex_identifier, "a-b", "a"},
    {lex_identifier, "_a", NULL},
    {lex_identifier, "1a", NULL},
    {lex_identifier, "", NULL},
    {lex_field, "proc.name=x", "proc.name"},
    {lex_field, "evt.arg.flags", "evt.arg.flags"},
    {lex_field, "proc.aname[2]", "proc.aname"},
    {lex_field, "proc.name. ", "proc.name"},
    {lex_field, "proc", NULL},
    {lex_field, "proc.", NULL},
    {lex_field, "proc.1", NULL},
    {lex_field, ".proc", NULL},
    {lex_field, "evt.arg.0", "evt.arg"},
    {lex_field, "ka.req.pod_x.y1", "ka.req.pod_x.y1"},
    {lex_bare, "/etc/passwd and", "/etc/passwd"},
    {lex_bare, "a-b_c.d:e@f;g|h*?!<>[]{}%&+~^`$#\\", "a-b_c.d:e@f;g|h*?!<>[]{}%&+~^`$#\\"},
    {lex_bare, "a=b", "a"},
    {lex_bare, "a,b", "a"},
    {lex_bare, "a)b", "a"},
    {lex_bare, "a(b", "a"},
    {lex_bare, "a'b", "a"},
    {lex_bare, "a\"b", "a"},
    {lex_bare, "a\tb", "a"},
    {lex_bare, "\xc3\xa9t\xc3\xa9 x", "\xc3\xa9t\xc3\xa9"},
    {lex_bare, "<NA>", "<NA>"},
    {lex_bare, "=a", NULL},
    {lex_bare, " a", NULL},
    {lex_arg, "PATH]", "PATH"},
    {lex_arg, "a.b(c)=d]", "a.b(c)=d"},
    {lex_arg, "a b]", "a"},
    {lex_arg, "]", NULL},
    {lex_number, "12)", "12"},
    {lex_number, "-3", "-3"},
    {lex_number, "+3", "+3"},
    {lex_number, "1.5e+3x", "1.5e+3"},
    {lex_number, "1.", "1."},
    {lex_number, "1e3", "1"},
    {lex_number, "0x1fG", "0x1f"},
    {lex_number, "0xg", "0"},
    {lex_number, "-", NULL},
    {lex_number, ".5", NULL},
    {lex_comparator, "=bash", "="},
    {lex_comparator, "==bash", "=="},
    {lex_comparator, "!=x", "!="},
    {lex_comparator, "<=5", "<="},
    {lex_comparator, ">5", ">"},
    {lex_comparator, "!x", "!"},
    {lex_comparator, "in(a)", "in"},
    {lex_comparator, "startswith x", "startswith"},
    {lex_comparator, "(x)", NULL},
    {lex_comparator, "", NULL},
};

static void tokens(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(token_cases); i++) {
        const struct token_case *c = &token_cases[i];
        struct lexer l = {c->text, (uint32_t)strlen(c->text), 0};
        struct token t = {0, 0};
        bool taken = c->lex(&l, &t);

        if (taken != (c->want != NULL))
            fail_msg("case %zu, '%s': %s", i, c->text, taken ? "taken" : "not taken");
        assert_int_equal(l.at, t.len);
        if (c->want && (t.len != strlen(c->want) || memcmp(c->text, c->want, t.len) != 0))
            fail_msg("case %zu, '%s': took '%.*s'", i, c->text, (int)t.len, c->text);
    }
}

static void words_and_blanks(void **state)
{
    static const char text[] = " \t\n and(android or";
    struct lexer l = {text, sizeof(text) - 1, 0};

    (void)state;
    assert_false(lex_word(&l, "and"));
    assert_true(lex_blank(&l));
    assert_false(lex_blank(&l));
    assert_false(lex_word(&l, "an"));
    assert_true(lex_word(&l, "and"));
    assert_false(lex_char(&l, ')'));
    assert_true(lex_char(&l, '('));
    assert_false(lex_word(&l, "and"));
    assert_true(lex_word(&l, "android"));
    assert_true(lex_blank(&l));
    assert_true(lex_word(&l, "or"));
    assert_true(lex_at_end(&l));
    assert_int_equal(lex_peek(&l), '\0');
    assert_false(lex_char(&l, '\0'));
}

static void quotes(void **state)
{
    static const struct {
        const char *text, *want; /* NULL: an error */
        uint32_t at;             /* the cursor afterwards */
        const char *err;
    } cases[] = {
        {"'a b' x", "a b", 5, NULL},
        {"\"a 'b' c\"", "a 'b' c", 9, NULL},
        {"''", "", 2, NULL},
        {"'it\\'s'", "it's", 7, NULL},
        {"\"say \\\"x\\\"\"", "say \"x\"", 11, NULL},
        {"\"a\\n\\t\\r\\b\\f\\/\\\\\"", "a\n\t\r\b\f/\\", 17, NULL},
        {"\"\\x41\\x7a\"", "Az", 10, NULL},
        {"\"C:\\ dir\"", "C:\\dir", 9, NULL},
        {"\"ends with \\\\\"", "ends with \\", 14, NULL},
        {"\"a", NULL, 0, "this \" quote is not closed"},
        {"'a\\'", NULL, 0, "this ' quote is not closed"},
        {"\"a\\qb\"", NULL, 2, "unknown escape '\\q'; a backslash itself is '\\\\'"},
        {"\"a\\'b\"", NULL, 2, "\\' is no escape between \" quotes"},
        {"'a\\\"b'", NULL, 2, "\\\" is no escape between ' quotes"},
        {"\"\\x4\"", NULL, 1, "\\x needs two hexadecimal digits"},
        {"\"\\xzz\"", NULL, 1, "\\x needs two hexadecimal digits"},
    };
    struct arena *a = arena_new(1 << 20);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct lexer l = {cases[i].text, (uint32_t)strlen(cases[i].text), 0};
        struct gyr_error err;
        const char *s = NULL;
        uint32_t n = 0;
        int r = lex_quoted(&l, a, &s, &n, &err);

        assert_int_equal(r, cases[i].want ? 1 : -EINVAL);
        assert_int_equal(l.at, cases[i].at);
        if (cases[i].want) {
            assert_int_equal(n, strlen(cases[i].want));
            assert_memory_equal(s, cases[i].want, n);
        } else {
            assert_string_equal(err.msg, cases[i].err);
        }
    }
    arena_free(a);
}

static void no_quote(void **state)
{
    struct lexer l = {"abc", 3, 0};
    const char *s;
    uint32_t n;

    (void)state;
    assert_int_equal(lex_quoted(&l, NULL, &s, &n, NULL), 0);
    assert_int_equal(l.at, 0);
}

static void what_stands_there(void **state)
{
    static const struct {
        const char *text;
        uint32_t want;
    } cases[] = {
        {"abc def", 3},
        {"(x", 1},
        {"", 0},
        {"\xc3\xa9", 2},
        {"\"x\"", 3},
        {"\"x", 1},
        {"0123456789012345678901234567890123456789012345", 40},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct lexer l = {cases[i].text, (uint32_t)strlen(cases[i].text), 0};

        assert_int_equal(lex_what(&l).len, cases[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens),   cmocka_unit_test(words_and_blanks),  cmocka_unit_test(quotes),
        cmocka_unit_test(no_quote), cmocka_unit_test(what_stands_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
