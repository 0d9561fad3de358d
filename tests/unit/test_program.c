/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/program.h"

#include "../lib/engine_rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int setup(void **state)
{
    struct rig *r = malloc(sizeof(*r));

    rig_init(r, 1);
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    rig_free(*state);
    free(*state);
    return 0;
}

static struct program *program(struct rig *r)
{
    return r->gen->programs[0];
}

static void assert_dump(struct rig *r, const char *want)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);

    assert_non_null(f);
    program_dump(program(r), f);
    (void)fclose(f);
    assert_string_equal(text, want);
    free(text);
}

/* What is equal is there once; negation costs nothing; both forms of De Morgan are one node. */
static void equal_parts_are_shared(void **state)
{
    struct rig *r = *state;
    struct program_stats s;

    rig_rules(r, RIG_RULE("one", "s.a = x and (s.b = y or n.a > 3)", "o")
                     RIG_RULE("two", "s.a in (x) and not (not s.b = y and not n.a > 3)", "o")
                         RIG_RULE("three", "not s.a = x or (s.b != y and n.a > 3)", "o")
                             RIG_RULE("four", "s.c in (p, q, r) or s.c in (r, q, p, q)", "%s.c"));
    program_stats(program(r), &s);
    assert_int_equal(s.rules, 4);
    assert_int_equal(s.values, 4);
    assert_int_equal(s.preds, 5); /* s.b != y is not the negation of s.b = y */
    assert_int_equal(s.nodes, 4);
    assert_dump(r, "values\n"
                   "  v0 s.a\n"
                   "  v1 s.b\n"
                   "  v2 n.a\n"
                   "  v3 s.c\n"
                   "predicates\n"
                   "  p0 v0 = \"x\"\n"
                   "  p1 v1 = \"y\"\n"
                   "  p2 v2 > 3\n"
                   "  p3 v1 != \"y\"\n"
                   "  p4 v3 in (\"p\", \"q\", \"r\")\n"
                   "conjunctions\n"
                   "  n0 !p2 !p1\n"
                   "  n1 p0 !n0\n"
                   "  n2 p2 p3\n"
                   "  n3 p0 !n2\n"
                   "open exec close call gyr.loss mkdir rmdir openat:\n"
                   "  one: n1\n"
                   "  two: n1\n"
                   "  three: !n3\n"
                   "  four: p4\n");
}

static void event_types_are_known(void **state)
{
    struct rig *r = *state;

    rig_rules(
        r, RIG_RULE("opens", "evt.type = open and s.a = x", "o")
               RIG_RULE("execs", "evt.type in (exec, mkdir) and (s.a = x or evt.type = mkdir)", "o")
                   RIG_RULE("most",
                            "not evt.type startswith open and evt.type != close and s.b = y", "o"));
    assert_dump(r, "values\n"
                   "  v0 s.a\n"
                   "  v1 s.b\n"
                   "predicates\n"
                   "  p0 v0 = \"x\"\n"
                   "  p1 v1 = \"y\"\n"
                   "conjunctions\n"
                   "open:\n"
                   "  opens: p0\n"
                   "exec:\n"
                   "  execs: p0\n"
                   "  most: p1\n"
                   "call gyr.loss rmdir:\n"
                   "  most: p1\n"
                   "mkdir:\n"
                   "  execs: true\n"
                   "  most: p1\n");
}

static bool bit(const uint64_t *w, uint32_t i)
{
    return w[i / 64] >> i % 64 & 1;
}

static void wants_are_what_rules_can_match(void **state)
{
    struct rig *r = *state;
    uint64_t types[1024] = {0}, subtypes[1] = {0};

    rig_rules(r, RIG_RULE("a", "evt.type in (exec, mkdir) and s.a exists", "o"));
    program_want(program(r), types, subtypes);
    assert_true(bit(types, T_EXEC) && bit(types, T_EXEC2) && bit(types, T_CALL));
    assert_false(bit(types, T_OPEN) || bit(types, T_CLOSE) || bit(types, T_SNAP));
    assert_int_equal(subtypes[0], 1u << SUB_MKDIR);

    /* No word about types: all of them, subtypes without a name too, but no snapshots. */
    memset(types, 0, sizeof(types));
    subtypes[0] = 0;
    rig_rules(r, RIG_RULE("a", "s.a exists", "o"));
    program_want(program(r), types, subtypes);
    assert_true(bit(types, T_OPEN) && bit(types, T_CALL));
    assert_false(bit(types, T_SNAP));
    assert_int_equal(subtypes[0], (1u << (r->schemas.list[0]->n_subtype_ids)) - 1);
}

static bool told(struct rig *r, const char *part)
{
    for (const struct diag *d = r->d.first; d; d = d->next)
        if (strstr(d->text, part))
            return true;
    return false;
}

static void rules_that_cannot_match_are_told(void **state)
{
    struct rig *r = *state;
    struct program_stats s;

    rig_rules(r, RIG_RULE("fine", "evt.type = open", "o")
                     RIG_RULE("both", "evt.type = open and evt.type = close", "%s.h")
                         RIG_RULE("snap", "evt.type = snap", "o"));
    assert_true(told(r, "rule 'both' can never match: no event type"));
    assert_true(told(r, "rule 'snap' can never match"));
    assert_false(told(r, "rule 'fine' can never"));
    program_stats(program(r), &s);
    assert_int_equal(s.rules, 3);
    assert_int_equal(s.values, 0); /* s.h is never read */
}

/* How rule files say "never" and "always". */
static void events_are_counted_from_one(void **state)
{
    struct rig *r = *state;

    rig_rules(r, RIG_RULE("never", "s.a = x and evt.num = 0", "o")
                     RIG_RULE("exempt", "evt.type = open and not (s.a = x and evt.num = 0)", "o")
                         RIG_RULE("always", "evt.type = open and evt.num >= 0 and s.b = x", "o"));
    assert_false(told(r, "can never match"));
    assert_dump(r, "values\n"
                   "  v0 s.b\n"
                   "predicates\n"
                   "  p0 v0 = \"x\"\n"
                   "conjunctions\n"
                   "open:\n"
                   "  exempt: true\n"
                   "  always: p0\n");
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
}

static void generations_are_counted(void **state)
{
    struct rig *r = *state;
    char path[] = "/tmp/gyr-test-XXXXXX";
    const char *const paths[] = {path};
    struct ruleset_conf conf = {
        .paths = paths, .n_paths = 1, .schemas = &r->schemas, .max_priority = 7};
    struct generation *g = NULL;
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    (void)close(fd);
    write_file(path, RIG_RULE("a", "s.a = x", "o"));
    assert_int_equal(generation_new(&conf, 7, &r->d, &g), 0);
    assert_int_equal(g->number, 7);
    assert_int_equal(g->n_programs, 1);
    assert_ptr_equal(generation_ref(g), g);
    generation_unref(g);
    generation_unref(g);
    generation_unref(NULL);

    g = NULL;
    write_file(path, RIG_RULE("a", "s.nosuch = x", "o"));
    assert_int_equal(generation_new(&conf, 8, &r->d, &g), -EINVAL);
    assert_null(g);
    assert_true(r->d.n_errors > 0);
    assert_int_equal(unlink(path), 0);
}

/* Cheap and selective first; what no rule can read is not bound. */
static void order_is_by_cost(void **state)
{
    struct rig *r = *state;

    rig_rules(
        r, RIG_RULE("a", "s.a regex '.*x.*y' and s.b != q and s.c contains z and s.d = v", "%s.e"));
    assert_dump(r, "values\n"
                   "  v0 s.a\n"
                   "  v1 s.b\n"
                   "  v2 s.c\n"
                   "  v3 s.d\n"
                   "  v4 s.e\n"
                   "predicates\n"
                   "  p0 v0 regex \".*x.*y\"\n"
                   "  p1 v1 != \"q\"\n"
                   "  p2 v2 contains \"z\"\n"
                   "  p3 v3 = \"v\"\n"
                   "conjunctions\n"
                   "  n0 p3 p2 p0 p1\n"
                   "open exec close call gyr.loss mkdir rmdir openat:\n"
                   "  a: n0\n");
    assert_int_equal(r->fakes[0].bound, 5);
}

static void constants_are_indexed(void **state)
{
    struct rig *r = *state;
    char text[8192] = "", want[64];
    size_t n = 0;

    for (int i = 0; i < 20; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n,
                              RIG_RULE("r%d", "s.a = w%d and n.a = 1 and s.b exists", "o"), i, i);
    n += (size_t)snprintf(text + n, sizeof(text) - n, RIG_RULE("other", "s.c contains z", "o"));
    rig_rules(r, text);
    {
        char *dump = NULL;
        size_t len = 0;
        FILE *f = open_memstream(&dump, &len);

        program_dump(program(r), f);
        (void)fclose(f);
        (void)snprintf(want, sizeof(want), "  index v0: 20 rules by 20 constants\n");
        assert_non_null(strstr(dump, want));
        assert_null(strstr(dump, "by 1 constants"));
        free(dump);
    }
    fake_str(&r->fakes[0], F_SA, "w7");
    fake_str(&r->fakes[0], F_SB, "b");
    fake_str(&r->fakes[0], F_SC, "zz");
    fake_num(&r->fakes[0], F_NA, 1);
    rig_event(r, T_OPEN, 0);
    assert_string_equal(rig_matched(r), "r7 other");
    fake_str(&r->fakes[0], F_SA, "nobody asked");
    rig_event(r, T_OPEN, 0);
    assert_string_equal(rig_matched(r), "other");
    assert_int_equal(r->fakes[0].f[F_NA].gets, 1); /* no rule was looked at */
}

static void disabled_rules_are_left_out(void **state)
{
    struct rig *r = *state;
    struct program_stats s;

    rig_rules(r, "- rule: off\n  desc: d\n  condition: s.a = x\n  output: o\n  priority: info\n"
                 "  enabled: false\n" RIG_RULE("on", "s.b = x", "o"));
    program_stats(program(r), &s);
    assert_int_equal(s.rules, 1);
    assert_int_equal(s.values, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(equal_parts_are_shared, setup, teardown),
        cmocka_unit_test_setup_teardown(event_types_are_known, setup, teardown),
        cmocka_unit_test_setup_teardown(wants_are_what_rules_can_match, setup, teardown),
        cmocka_unit_test_setup_teardown(rules_that_cannot_match_are_told, setup, teardown),
        cmocka_unit_test_setup_teardown(events_are_counted_from_one, setup, teardown),
        cmocka_unit_test_setup_teardown(generations_are_counted, setup, teardown),
        cmocka_unit_test_setup_teardown(order_is_by_cost, setup, teardown),
        cmocka_unit_test_setup_teardown(constants_are_indexed, setup, teardown),
        cmocka_unit_test_setup_teardown(disabled_rules_are_left_out, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
