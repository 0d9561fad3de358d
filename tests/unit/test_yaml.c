/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the above first */
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/yaml.h"

#include <cmocka.h>
#include <errno.h>
#include <string.h>

struct fixture {
    struct arena *arena;
    struct diags d;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    if (!f)
        return -1;
    f->arena = arena_new(64 << 20);
    diags_init(&f->d, f->arena);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    arena_free(f->arena);
    free(f);
    return 0;
}

static struct ynode *parse(struct fixture *f, const char *text)
{
    struct ynode *root = NULL;

    diags_init(&f->d, f->arena);
    if (yaml_parse("t.yaml", text, strlen(text), f->arena, &f->d, &root) < 0)
        return NULL;
    return root;
}

static void dump(struct buf *b, const struct ynode *n)
{
    if (n->kind == Y_SCALAR) {
        buf_adds(b, n->plain ? "" : "\"");
        buf_add(b, n->str, n->len);
        buf_adds(b, n->plain ? "" : "\"");
        return;
    }
    buf_addc(b, n->kind == Y_SEQ ? '[' : '{');
    for (uint32_t i = 0; i < n->n; i++) {
        buf_adds(b, i ? "," : "");
        if (n->kind == Y_MAP) {
            dump(b, n->items[2 * i]);
            buf_addc(b, ':');
            dump(b, n->items[2 * i + 1]);
        } else {
            dump(b, n->items[i]);
        }
    }
    buf_addc(b, n->kind == Y_SEQ ? ']' : '}');
}

static void trees(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"a: 1\nb: [x, 'y', \"z\"]\n", "{a:1,b:[x,\"y\",\"z\"]}"},
        {"- a\n- b: c\n  d:\n    - e\n", "[a,{b:c,d:[e]}]"},
        {"t: |\n  one\n  two\n", "{t:\"one\ntwo\n\"}"},
        {"t: >\n  one\n  two\n\n  three\n", "{t:\"one two\nthree\n\"}"},
        {"a: &x [1, 2]\nb: *x\nc: *x\n", "{a:[1,2],b:[1,2],c:[1,2]}"},
        {"a:\nb: ~\n", "{a:,b:~}"},
        {"--- # only\n- x\n...\n", "[x]"},
        {"- x\n---\n", "[x]"},
        {"\xef\xbb\xbf- x\n", "[x]"},
        {"\xef\xbb\xbf- a: x\n  b: y\n- z\n", "[{a:x,b:y},z]"},
        {"{}", "{}"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ynode *n = parse(*state, cases[i].text);
        struct buf b;

        assert_non_null(n);
        buf_init(&b, 4096);
        dump(&b, n);
        assert_string_equal(b.p, cases[i].want);
        buf_free(&b);
    }
    assert_null(parse(*state, ""));
    assert_null(parse(*state, "# nothing\n"));
    assert_int_equal(((struct fixture *)*state)->d.n_errors, 0);
}

static void errors(void **state)
{
    static const struct {
        const char *text;
        uint32_t line, col;
        const char *want;
    } cases[] = {
        {"a: 1\nb: 2\na: 3\n", 3, 1, "key 'a' is there twice, first in line 1"},
        {"[a, b", 2, 1,
         "YAML: expected ',' or ']': a bracket is not closed; see line 1, where it begins"},
        {"a: b\n  c: d\n", 2, 4,
         "YAML: a ':' cannot stand here: a value that holds ': ' needs quotes, or the indentation "
         "is wrong"},
        {"a: *x\n", 1, 4, "alias '*x' names no anchor before it"},
        {"a: &x [*x]\n", 1, 8, "alias '*x' stands for something that holds an alias itself"},
        {"a: &x [1]\nb: &y [*x]\nc: *y\n", 3, 4,
         "alias '*y' stands for something that holds an alias itself"},
        {"[a, b]: c\n", 1, 1, "a key must be text, not a list"},
        {"- a\n---\n- b\n", 3, 1, "a second document in one file"},
        {"ok: 1\nbad: \x01\n", 2, 6, "YAML: a control character (0x01) stands here"},
        {"ok: 1\nbad: \xff\n", 2, 6, "YAML: this is not UTF-8; save the file as UTF-8"},
        {"a:\n\t- b\n", 2, 1, "YAML: a tab cannot indent; use blanks"},
        {"\xff\xfe- \x61", 1, 1, "YAML: the file is UTF-16; save it as UTF-8"},
        {"a: \"x\n", 2, 1, "YAML: a quote is not closed; see line 1, where it begins"},
        {"x: [1,\ny: ]\nz: }", 3, 4, NULL},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_null(parse(f, cases[i].text));
        assert_int_equal(f->d.n_errors, 1);
        if (!cases[i].want)
            continue;
        assert_string_equal(f->d.first->text, cases[i].want);
        assert_int_equal(f->d.first->loc.line, cases[i].line);
        assert_int_equal(f->d.first->loc.col, cases[i].col);
    }
}

static void depth_and_bombs(void **state)
{
    struct fixture *f = *state;
    struct buf b;

    buf_init(&b, 1 << 20);
    for (int i = 0; i < 64; i++)
        buf_addc(&b, '[');
    for (int i = 0; i < 64; i++)
        buf_addc(&b, ']');
    assert_non_null(parse(f, b.p));
    buf_reset(&b);
    for (int i = 0; i < 65; i++)
        buf_addc(&b, '[');
    assert_null(parse(f, b.p));
    assert_string_equal(f->d.first->text, "nested more than 64 deep");
    /* An alias is small, what it stands for is not: 1,001 x 1,000. */
    buf_reset(&b);
    buf_adds(&b, "- &a [");
    for (int i = 0; i < 999; i++)
        buf_adds(&b, "x,");
    buf_adds(&b, "]\n");
    for (int i = 0; i < 1000; i++)
        buf_adds(&b, "- *a\n");
    assert_null(parse(f, b.p));
    assert_string_equal(f->d.first->text, "more than 1000000 values in one file");
    buf_free(&b);
}

/* Every letter 'X' of the value must be found where an 'X' stands in the file. */
static void places(void **state)
{
    static const struct {
        const char *text;
        uint32_t line, col;
    } cases[] = {
        {"c: abc X\n", 1, 8},
        {"c: 'it''s X'\n", 1, 11},
        {"c: \"a\\tb \\u00e9\\x41 \\\\ X\"\n", 1, 24},
        {"c: \"a\n  b\n\n  X\"\n", 4, 3},
        {"c: \"a \\\n   X\"\n", 2, 4},
        {"c: one\n  two  \n   X\n", 3, 4},
        {"c: |\n  one\n   two\n  \xc3\xa9X\n", 4, 4},
        {"c: |\n\n\n    one X\n", 4, 9},
        {"c: >\n  one\n  two\n  X\n", 4, 3},
        {"c: >\n  one\n\n\n  two X\n", 5, 7},
        {"c: >\n  one\n    more\n     X\n  two\n", 4, 6},
        {"c: >-\n  one\n    more\n  two X\n", 4, 7},
        {"c: >\n\n  one X\n", 3, 7},
        {"c: |\r\n  one\r\n  two X\r\n", 3, 7},
        {"c: !t  &a\n  X\n", 2, 3},
        {"c: X\n", 1, 4},
        {"c: 'a\n\n  X'\n", 3, 3},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct ynode *n = ymap_get(parse(*state, cases[i].text), "c");
        const char *x;
        struct loc loc;

        assert_non_null(n);
        x = memchr(n->str, 'X', n->len);
        assert_non_null(x);
        loc = yaml_loc_at(n, (size_t)(x - n->str));
        if (loc.line != cases[i].line || loc.col != cases[i].col)
            fail_msg("case %zu: %u:%u, not %u:%u", i, loc.line, loc.col, cases[i].line,
                     cases[i].col);
    }
}

static void documents(void **state)
{
    static const char text[] = "- a\n---\n---\n- b\n";
    struct fixture *f = *state;
    struct ydocs docs;

    assert_int_equal(yaml_parse_docs("t", text, strlen(text), f->arena, &f->d, &docs), 0);
    assert_int_equal(docs.n, 2);
    assert_string_equal(docs.roots[1]->items[0]->str, "b");
    assert_int_equal(docs.roots[1]->loc.line, 4);
}

static void missing_file(void **state)
{
    struct fixture *f = *state;
    struct ynode *root;

    assert_int_equal(yaml_load("/nonexistent/x.yaml", f->arena, &f->d, &root), -EINVAL);
    assert_string_equal(f->d.first->text, "/nonexistent/x.yaml: No such file or directory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(trees, setup, teardown),
        cmocka_unit_test_setup_teardown(errors, setup, teardown),
        cmocka_unit_test_setup_teardown(depth_and_bombs, setup, teardown),
        cmocka_unit_test_setup_teardown(places, setup, teardown),
        cmocka_unit_test_setup_teardown(documents, setup, teardown),
        cmocka_unit_test_setup_teardown(missing_file, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
