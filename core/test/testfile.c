/* SPDX-License-Identifier: Apache-2.0 */
#include "test/testfile.h"

#include "base/cleanup.h"
#include "base/num.h"
#include "base/suggest.h"
#include "engine/re2_shim.h"
#include "rules/ruleset.h"
#include "test/override.h"

#include <errno.h>
#include <gyr/output.h>
#include <string.h>

static const char *const test_keys[] = {"test",  "desc",    "rules",       "given",
                                        "when",  "capture", "expect",      "order",
                                        "lists", "macros",  "expect_none", NULL};
static const char *const default_keys[] = {"defaults", NULL};
static const char *const default_parts[] = {"rules", "given", "lists", "macros", NULL};
static const char *const expect_keys[] = {"rule",     "count",  "output", "output_regex",
                                          "priority", "fields", NULL};

struct reader {
    struct arena *arena;
    struct diags *d;
    const char *dir; /* of the file, with its slash */
    struct test defaults;
    const struct ynode *lists, *macros; /* of the defaults */
    struct test *tests;
    uint32_t n, cap;
    bool no_memory;
};

/* ---- small things ---- */

static void *alloc(struct reader *r, size_t n, size_t size)
{
    void *p = arena_array(r->arena, n + 1, size);

    r->no_memory |= !p;
    return p;
}

static bool is_among(const char *word, const char *const *words)
{
    while (*words && strcmp(*words, word) != 0)
        words++;
    return *words;
}

static void check_keys(struct reader *r, const struct ynode *map, const char *const *keys,
                       const char *what)
{
    for (uint32_t i = 0; i < map->n; i++) {
        const struct ynode *k = map->items[2 * i];
        struct suggest s;

        if (is_among(k->str, keys))
            continue;
        suggest_init(&s, k->str, k->len);
        for (uint32_t j = 0; keys[j]; j++)
            suggest_offer(&s, keys[j]);
        diag_error(r->d, k->loc, "%s has no '%.60s'%s", what, k->str,
                   diag_hint(r->d, suggest_best(&s)));
    }
}

/* The value of a key, if it is there and says something. */
static const struct ynode *get(const struct ynode *map, const char *key)
{
    const struct ynode *n = ymap_get(map, key);

    return n && !ynode_is_null(n) ? n : NULL;
}

static const char *text(struct reader *r, const struct ynode *n, const char *what)
{
    if (n->kind == Y_SCALAR)
        return n->str;
    diag_error(r->d, n->loc, "%s must be a text, not %s", what, ynode_kind_name(n));
    return NULL;
}

/* One text, or a list of them. */
static uint32_t texts(struct reader *r, const struct ynode *n, const char *what, const char ***ret,
                      struct loc **ret_locs)
{
    uint32_t many = n->kind == Y_SEQ ? n->n : 1, k = 0;

    *ret = alloc(r, many, sizeof(**ret));
    if (ret_locs)
        *ret_locs = alloc(r, many, sizeof(**ret_locs));
    for (uint32_t i = 0; i < many && !r->no_memory; i++) {
        const struct ynode *item = n->kind == Y_SEQ ? n->items[i] : n;

        (*ret)[k] = text(r, item, what);
        if (ret_locs)
            (*ret_locs)[k] = item->loc;
        k += (*ret)[k] != NULL;
    }
    return k;
}

/* Paths count from the test file's folder. */
static const char *path_of(struct reader *r, const char *s)
{
    const char *p = *s == '/' ? s : arena_printf(r->arena, "%s%s", r->dir, s);

    r->no_memory |= !p;
    return p;
}

/* ---- what an alert must be ---- */

static void read_count(struct reader *r, const struct ynode *n, struct test_expect *e)
{
    size_t len = n->kind == Y_SCALAR ? n->len : 0;
    bool more = len > 1 && n->str[len - 1] == '+';
    uint64_t v;

    if (len == 0 || parse_u64(n->str, len - more, &v) < 0 || v > 1000000 || (v == 0 && !more)) {
        diag_error(r->d, n->loc, "count is a number from 1, or 2+ for that and more");
        return;
    }
    e->min = (uint32_t)v;
    e->max = more ? UINT32_MAX : (uint32_t)v;
}

static void read_fields(struct reader *r, const struct ynode *n, struct test_expect *e)
{
    if (n->kind != Y_MAP) {
        diag_error(r->d, n->loc, "fields are a mapping of names to values, not %s",
                   ynode_kind_name(n));
        return;
    }
    e->fields = alloc(r, n->n, sizeof(*e->fields));
    for (uint32_t i = 0; i < n->n && !r->no_memory; i++) {
        const struct ynode *v = n->items[2 * i + 1];
        const char *s = ynode_is_null(v) ? NULL : text(r, v, "the value of a field");

        e->fields[e->n_fields++] =
            (struct test_field){n->items[2 * i]->str, s, n->items[2 * i], v->loc};
    }
}

static void read_output(struct reader *r, const struct ynode *map, struct test_expect *e)
{
    const struct ynode *plain = get(map, "output"), *pattern = get(map, "output_regex");
    char msg[256];

    if (plain)
        e->output = (struct test_text){text(r, plain, "output"), NULL, plain->loc};
    if (!pattern || !text(r, pattern, "output_regex"))
        return;
    if (plain)
        diag_error(r->d, pattern->loc, "output and output_regex exclude each other");
    e->output = (struct test_text){pattern->str, NULL, pattern->loc};
    e->output.regex = regex_new(pattern->str, pattern->len, msg, sizeof(msg));
    if (!e->output.regex)
        diag_error(r->d, pattern->loc, "this is no regular expression: %s", msg);
}

static void no_priority(struct reader *r, const struct ynode *n)
{
    struct suggest s;

    suggest_init(&s, n->str, n->len);
    for (uint32_t p = GYR_PRIO_EMERGENCY; p <= GYR_PRIO_DEBUG; p++)
        suggest_offer(&s, priority_name(p));
    diag_error(r->d, n->loc, "'%.60s' is no priority%s", n->str, diag_hint(r->d, suggest_best(&s)));
}

static void read_expect_map(struct reader *r, const struct ynode *n, struct test_expect *e)
{
    const struct ynode *rule = get(n, "rule"), *count = get(n, "count"), *fields = get(n, "fields"),
                       *prio = get(n, "priority");
    int p;

    check_keys(r, n, expect_keys, "an expected alert");
    if (rule)
        e->rule = text(r, e->rule_node = rule, "rule");
    else
        diag_error(r->d, n->loc, "an expected alert needs its 'rule'");
    if (rule)
        e->loc = rule->loc;
    if (count)
        read_count(r, count, e);
    if (fields)
        read_fields(r, fields, e);
    read_output(r, n, e);
    if (prio && text(r, prio, "priority")) {
        p = priority_parse(prio->str);
        if (p < 0)
            no_priority(r, prio);
        e->priority = (uint32_t)p;
    }
}

static void read_expects(struct reader *r, const struct ynode *n, struct test *t)
{
    uint32_t many = n->kind == Y_SEQ ? n->n : 1;

    t->expect = alloc(r, many, sizeof(*t->expect));
    for (uint32_t i = 0; i < many && !r->no_memory; i++) {
        const struct ynode *item = n->kind == Y_SEQ ? n->items[i] : n;
        struct test_expect *e = &t->expect[t->n_expect++];

        *e = (struct test_expect){.loc = item->loc, .min = 1, .max = 1, .priority = UINT32_MAX};
        if (item->kind == Y_MAP)
            read_expect_map(r, item, e);
        else
            e->rule = text(r, e->rule_node = item, "an expected alert");
        if (!e->rule)
            e->rule = "";
    }
}

static bool is_yes(const struct ynode *n)
{
    bool yes = false;

    return n->kind == Y_SCALAR && n->plain && parse_bool(n->str, n->len, &yes) == 0 && yes;
}

static void read_none(struct reader *r, const struct ynode *n, struct test *t)
{
    if (is_yes(n))
        t->none.all = true;
    else
        t->none.n = texts(r, n, "a rule", &t->none.rules, &t->none.locs);
}

static void read_order(struct reader *r, const struct ynode *n, struct test *t)
{
    if (n->kind == Y_SCALAR && strcmp(n->str, "given") == 0)
        t->in_order = true;
    else if (n->kind != Y_SCALAR || strcmp(n->str, "any") != 0)
        diag_error(r->d, n->loc, "order is 'any' or 'given'");
}

/* ---- tests ---- */

static void read_rules(struct reader *r, const struct ynode *n, struct test *t)
{
    t->rules.n_paths = texts(r, n, "a rule file", &t->rules.paths, NULL);
    for (uint32_t i = 0; i < t->rules.n_paths && !r->no_memory; i++)
        t->rules.paths[i] = path_of(r, t->rules.paths[i]);
}

/* What a source is told of is text. */
static void check_zero(struct reader *r, const struct ynode *n)
{
    uint32_t items = !n || n->kind == Y_SCALAR ? 0 : n->kind == Y_MAP ? 2 * n->n : n->n;

    if (n && n->kind == Y_SCALAR && memchr(n->str, '\0', n->len))
        diag_error(r->d, n->loc, "this text holds a zero byte");
    for (uint32_t i = 0; i < items; i++)
        check_zero(r, n->items[i]);
}

static void read_given(struct reader *r, const struct ynode *n, struct test *t)
{
    if (t->n_given == TEST_GIVENS_MAX)
        diag_error(r->d, n->loc, "more than %d times 'given'", TEST_GIVENS_MAX);
    else if (n->kind != Y_MAP)
        diag_error(r->d, n->loc, "'given' is a mapping: users, containers, processes");
    else
        t->given[t->n_given++] = n;
}

static void read_overrides(struct reader *r, const struct ynode *map, struct test *t)
{
    t->lists[0] = r->lists;
    t->lists[1] = get(map, "lists");
    t->macros[0] = r->macros;
    t->macros[1] = get(map, "macros");
    if (override_text(t->lists, t->macros, 2, r->arena, r->d, &t->rules.more) == -ENOMEM)
        r->no_memory = true;
}

static void read_test(struct reader *r, const struct ynode *map, struct test *t)
{
    const struct ynode *n;

    check_keys(r, map, test_keys, "a test");
    *t = r->defaults;
    n = ymap_get(map, "test");
    t->name = text(r, n, "the name of a test");
    t->loc = n->loc;
    if (!t->name)
        t->name = "";
    if ((n = get(map, "rules")))
        read_rules(r, n, t);
    if ((n = get(map, "given")))
        read_given(r, n, t);
    if ((n = get(map, "expect")))
        read_expects(r, n, t);
    if ((n = get(map, "expect_none")))
        read_none(r, n, t);
    if ((n = get(map, "order")))
        read_order(r, n, t);
    if ((n = get(map, "capture")) && text(r, n, "capture"))
        t->capture = path_of(r, n->str);
    t->when = get(map, "when");
    if (t->when && t->when->kind == Y_SEQ && !t->when->n)
        t->when = NULL;
    check_zero(r, get(map, "given"));
    check_zero(r, t->when);
    read_overrides(r, map, t);
    if (t->when && t->capture)
        diag_error(r->d, n->loc, "a test has 'when' or 'capture', not both");
    else if (!t->when && !t->capture)
        diag_error(r->d, t->loc, "nothing happens in this test: it needs 'when' or 'capture'");
    if (!t->n_expect && !t->none.all && !t->none.n)
        diag_error(r->d, t->loc, "this test expects nothing: it needs 'expect' or 'expect_none'");
}

static void read_defaults(struct reader *r, const struct ynode *item)
{
    const struct ynode *map = ymap_get(item, "defaults"), *n;

    check_keys(r, item, default_keys, "an item with 'defaults'");
    r->defaults = (struct test){0};
    r->lists = r->macros = NULL;
    if (map->kind != Y_MAP) {
        diag_error(r->d, map->loc, "'defaults' is a mapping: rules, given, lists, macros");
        return;
    }
    check_keys(r, map, default_parts, "'defaults'");
    if ((n = get(map, "rules")))
        read_rules(r, n, &r->defaults);
    if ((n = get(map, "given")))
        read_given(r, n, &r->defaults);
    check_zero(r, get(map, "given"));
    r->lists = get(map, "lists");
    r->macros = get(map, "macros");
}

static void read_item(struct reader *r, const struct ynode *item)
{
    if (item->kind == Y_MAP && ymap_get(item, "defaults"))
        read_defaults(r, item);
    else if (item->kind == Y_MAP && ymap_get(item, "test"))
        read_test(r, item, &r->tests[r->n++]);
    else
        diag_error(r->d, item->loc, "expected a test: a mapping with 'test', its name");
}

/* Rules are named by -r, or by `rules`, and not as a file of tests. */
static bool has_rules(const struct ynode *root)
{
    const struct ynode *first = root->n ? root->items[0] : NULL;

    return ymap_get(first, "rule") || ymap_get(first, "macro") || ymap_get(first, "list");
}

static int read_root(struct reader *r, const struct ynode *root)
{
    struct loc none = {0};

    if (!root || root->kind != Y_SEQ) {
        diag_error(r->d, root ? root->loc : none, "a test file must be a list of tests");
        return -EINVAL;
    }
    if (has_rules(root)) {
        diag_error(r->d, root->items[0]->loc,
                   "this is a file of rules, not of tests: name it under 'rules' of a test, or by "
                   "--rules");
        return -EINVAL;
    }
    if (root->n > TESTS_MAX) {
        diag_error(r->d, root->loc, "more than %d tests", TESTS_MAX);
        return -EINVAL;
    }
    r->tests = alloc(r, root->n, sizeof(*r->tests));
    for (uint32_t i = 0; i < root->n && !r->no_memory; i++)
        read_item(r, root->items[i]);
    return r->no_memory ? -ENOMEM : 0;
}

static int finish(const char *path, struct arena *arena, struct diags *d, const struct ynode *root,
                  struct testfile *ret)
{
    const char *slash = strrchr(path, '/');
    struct reader r = {.arena = arena, .d = d};
    uint32_t errors = d->n_errors;
    int k = 0;

    r.dir = slash ? arena_strndup(arena, path, (size_t)(slash - path) + 1) : "";
    if (r.dir)
        k = read_root(&r, root);
    *ret = (struct testfile){path, r.tests, r.n};
    if (!r.dir)
        return -ENOMEM;
    return k == 0 && d->n_errors > errors ? -EINVAL : k;
}

int testfile_load(const char *path, struct arena *arena, struct diags *d, struct testfile *ret)
{
    struct ynode *root;
    int r = yaml_load(path, arena, d, &root);

    *ret = (struct testfile){.path = path};
    return r < 0 ? r : finish(path, arena, d, root, ret);
}

int testfile_parse(const char *path, const char *text_, size_t len, struct arena *arena,
                   struct diags *d, struct testfile *ret)
{
    struct ynode *root;
    int r = yaml_parse(path, text_, len, arena, d, &root);

    *ret = (struct testfile){.path = path};
    return r < 0 ? r : finish(path, arena, d, root, ret);
}

void testfile_release(struct testfile *f)
{
    for (uint32_t i = 0; i < f->n; i++)
        for (uint32_t k = 0; k < f->tests[i].n_expect; k++) {
            regex_free(f->tests[i].expect[k].output.regex);
            f->tests[i].expect[k].output.regex = NULL;
        }
}
