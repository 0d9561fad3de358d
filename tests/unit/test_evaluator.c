/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/evaluator.h"

#include "../lib/engine_rig.h"
#include "base/cleanup.h"

#include <errno.h>
#include <gyr/output.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int setup(void **state)
{
    struct rig *r = malloc(sizeof(*r));

    rig_init(r, 2);
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    rig_free(*state);
    free(*state);
    return 0;
}

static const char *open_event(struct rig *r)
{
    rig_event(r, T_OPEN, 0);
    return rig_matched(r);
}

static void absent_operands_make_comparisons_false(void **state)
{
    struct rig *r = *state;

    rig_rules(r, RIG_RULE("eq", "s.a = x", "o") RIG_RULE("ne", "s.a != x", "o")
                     RIG_RULE("not", "not s.a = x", "o") RIG_RULE("has", "s.a exists", "o")
                         RIG_RULE("hasnt", "not s.a exists", "o")
                             RIG_RULE("pair", "s.a = val(s.b)", "o")
                                 RIG_RULE("call", "tolower(s.a) = x", "o"));
    assert_string_equal(open_event(r), "not hasnt");
    fake_str(&r->fakes[0], F_SA, "X");
    assert_string_equal(open_event(r), "ne not has call");
    fake_str(&r->fakes[0], F_SA, "x");
    fake_str(&r->fakes[0], F_SB, "x");
    assert_string_equal(open_event(r), "eq has pair call");
}

/* Pending fields are left in the lot; what Kleene's tables decide is reported at once. */
static void kleene(void **state)
{
    static const struct {
        const char *cond;
        const char *want; /* by state of s.a (false, pending, true), then of s.b likewise */
    } cases[] = {
        {"s.a = x and s.b = x", "FFF FPP FPT"},
        {"s.a = x or s.b = x", "FPT PPT TTT"},
        {"not s.a = x and not s.b = x", "TPF PPF FFF"},
        {"not (s.a = x and s.b = x)", "TTT TPP TPF"},
        {"not s.a = x", "TTT PPP FFF"},
        {"s.a = x and not s.b exists", "FFF PPF TPF"},
        {"s.a = val(s.b)", "TPF PPP FPT"},
    };
    struct rig *r = *state;

    for (size_t c = 0; c < ARRAY_LEN(cases); c++) {
        char text[512], got[16] = "";
        int n = 0;

        (void)snprintf(text, sizeof(text), RIG_RULE("r", "%s", "o"), cases[c].cond);
        rig_rules(r, text);
        for (int i = 0; i < 9; i++) {
            struct park_stats before, after;
            int st[2] = {i / 3, i % 3};

            for (uint32_t k = 0; k < 2; k++) {
                if (st[k] == 1)
                    fake_answer(&r->fakes[0], F_SA + k, GYR_PENDING);
                else if (c == 5 && k == 1 && st[k] == 0)
                    fake_answer(&r->fakes[0], F_SA + k, GYR_ABSENT);
                else
                    fake_str(&r->fakes[0], F_SA + k, st[k] ? "x" : "y");
            }
            park_stats(r->park, &before);
            rig_event(r, T_OPEN, 0);
            park_stats(r->park, &after);
            if (i % 3 == 0 && i)
                got[n++] = ' ';
            got[n++] = after.parked > before.parked ? 'P' : r->n_seen ? 'T' : 'F';
            r->n_seen = 0;
            fake_answer(&r->fakes[0], F_SA, GYR_ABSENT);
            fake_answer(&r->fakes[0], F_SB, GYR_ABSENT);
            park_flush(r->park);
            r->n_seen = 0;
        }
        got[n] = '\0';
        assert_string_equal(got, cases[c].want);
    }
}

static void each_field_is_asked_for_once(void **state)
{
    struct rig *r = *state;

    rig_rules(r, RIG_RULE("a", "s.a in (x, y) and s.b = q", "%s.a %s.b %s.c")
                     RIG_RULE("b", "s.a in (y, x) and s.a startswith x", "%s.a %s.c")
                         RIG_RULE("c", "tolower(s.a) = x and tolower(s.a) != y", "%s.d"));
    fake_str(&r->fakes[0], F_SA, "x");
    fake_str(&r->fakes[0], F_SB, "z");
    assert_string_equal(open_event(r), "b c");
    assert_int_equal(r->fakes[0].f[F_SA].gets, 1);
    assert_int_equal(r->fakes[0].f[F_SC].gets, 1);
    assert_int_equal(r->fakes[0].f[F_SD].gets, 1);
    rig_event(r, T_SNAP, 0);
    assert_int_equal(r->fakes[0].f[F_SA].gets, 1);
}

static void what_is_not_needed_is_not_asked_for(void **state)
{
    struct rig *r = *state;

    rig_rules(r, RIG_RULE("a", "evt.type = exec and s.a = x", "%s.c")
                     RIG_RULE("b", "evt.type = open and s.b = x and s.c regex a.b", "%s.d"));
    assert_string_equal(open_event(r), "");
    assert_int_equal(r->fakes[0].f[F_SA].gets, 0);
    assert_int_equal(r->fakes[0].f[F_SB].gets, 1);
    assert_int_equal(r->fakes[0].f[F_SC].gets, 0);
    assert_int_equal(r->fakes[0].f[F_SD].gets, 0);
}

static void generic_events_are_known_by_subtype(void **state)
{
    struct rig *r = *state;

    rig_rules(r, RIG_RULE("mk", "evt.type = mkdir", "o") RIG_RULE("call", "evt.type = call", "o")
                     RIG_RULE("any", "not evt.type = open", "o"));
    rig_event(r, T_CALL, SUB_MKDIR);
    assert_string_equal(rig_matched(r), "mk any");
    rig_event(r, T_CALL, SUB_UNNAMED);
    assert_string_equal(rig_matched(r), "call any");
    rig_event(r, T_CALL, 4000000);
    assert_string_equal(rig_matched(r), "call any");
    rig_event(r, 999, 0); /* not of the schema */
    rig_event(r, T_SNAP, 0);
    assert_string_equal(rig_matched(r), "");
}

static void first_present_provider_wins(void **state)
{
    struct rig *r = *state;

    rig_rules(r, RIG_RULE("a", "s.a exists", "%s.a"));
    fake_str(&r->fakes[1], F_SA, "second");
    rig_event(r, T_OPEN, 0);
    assert_string_equal(r->seen[0].values, "second");
    fake_str(&r->fakes[0], F_SA, "first");
    rig_event(r, T_OPEN, 0);
    assert_string_equal(r->seen[1].values, "first");
    assert_int_equal(r->fakes[1].f[F_SA].gets, 1);

    /* The ticket of one that is slower than the next is given back at once. */
    fake_answer(&r->fakes[0], F_SA, GYR_PENDING);
    rig_event(r, T_OPEN, 0);
    assert_string_equal(r->seen[2].values, "second");
    assert_false(r->seen[2].was_parked);
    assert_int_equal(r->fakes[0].pendings, 1);
    assert_int_equal(r->fakes[0].releases, 1);
}

static void failures_count_as_absent(void **state)
{
    struct rig *r = *state;

    rig_rules(r, RIG_RULE("a", "s.a exists", "%s.a") RIG_RULE("b", "not s.a exists", "%s.a"));
    fake_answer(&r->fakes[0], F_SA, -EIO);
    rig_event(r, T_OPEN, 0);
    assert_string_equal(r->seen[0].values, "<NA>");
    assert_string_equal(rig_matched(r), "b");
    assert_int_equal(evaluator_errors(r->e), 1);
}

static void first_match_ends_the_event(void **state)
{
    struct rig *r = *state;
    uint32_t n;

    r->first_match_only = true;
    rig_rules(r, RIG_RULE("a", "s.a = x", "o") RIG_RULE("b", "s.b = x", "o")
                     RIG_RULE("c", "s.c = x", "o"));
    fake_str(&r->fakes[0], F_SB, "x");
    fake_str(&r->fakes[0], F_SC, "x");
    assert_string_equal(open_event(r), "b");
    assert_int_equal(r->fakes[0].f[F_SC].gets, 0);
    fake_str(&r->fakes[0], F_SA, "x");
    assert_string_equal(open_event(r), "a");
    assert_int_equal(evaluator_matches(r->e, &n)[1], 1);
    assert_int_equal(n, 3);
}

/* While an earlier rule is undecided, no later one is reported. */
static void first_match_keeps_turns(void **state)
{
    struct rig *r = *state;
    struct fake *f = &r->fakes[0];

    r->first_match_only = true;
    rig_rules(r, RIG_RULE("a", "s.a = x", "o") RIG_RULE("b", "s.b = x", "%s.b")
                     RIG_RULE("c", "s.c = x", "o"));
    fake_answer(f, F_SA, GYR_PENDING);
    fake_str(f, F_SB, "x");
    fake_str(f, F_SC, "x");
    assert_string_equal(open_event(r), "");
    assert_int_equal(f->f[F_SC].gets, 0);
    fake_str(f, F_SA, "no");
    park_resolved(r->park, 0, f->next_ticket);
    (void)park_run(r->park, 0);
    assert_string_equal(rig_matched(r), "b");

    fake_answer(f, F_SA, GYR_PENDING);
    assert_string_equal(open_event(r), "");
    fake_str(f, F_SA, "x");
    park_resolved(r->park, 0, f->next_ticket);
    (void)park_run(r->park, 0);
    assert_string_equal(rig_matched(r), "a");
}

static void matches_carry_values(void **state)
{
    struct rig *r = *state;

    rig_rules(r, RIG_RULE("a", "s.a = x", "%s.a %n.a %evt.num %evt.type %toupper(s.a) %k.v[one]"));
    fake_str(&r->fakes[0], F_SA, "x");
    fake_num(&r->fakes[0], F_NA, 17);
    fake_str(&r->fakes[0], F_KV, "kv");
    rig_event(r, T_OPEN, 0);
    rig_event(r, T_CALL, SUB_RMDIR);
    assert_string_equal(r->seen[0].values, "x|17|1|open|X|kv");
    assert_string_equal(r->seen[1].values, "x|17|2|rmdir|X|kv");
    assert_int_equal(r->seen[1].num, 2);
    assert_int_equal(r->seen[1].ts_ns, 2000);
    assert_int_equal(r->seen[1].tid, 102);
    assert_int_equal(r->seen[1].metadata, GYR_MD_FINAL);
    assert_false(r->seen[1].was_parked);
}

static void lists_of_values_are_gathered(void **state)
{
    struct rig *r = *state;

    rig_rules(r, RIG_RULE("a", "join(\"-\", (s.a, s.b)) = x-y", "o"));
    fake_str(&r->fakes[0], F_SA, "x");
    assert_string_equal(open_event(r), "");
    fake_str(&r->fakes[0], F_SB, "y");
    assert_string_equal(open_event(r), "a");
}

static void refused_arguments_are_told(void **state)
{
    static const char text[] = RIG_RULE("a", "k.v[refused] = x and s.a = y", "%k.v[refused_too]");
    struct rig *r = *state;
    struct ruleset_conf rc = {.schemas = &r->schemas, .max_priority = 7};
    struct generation *g = calloc(1, sizeof(*g));
    struct evaluator_conf conf = {.generation = g, .providers = r->providers, .n_providers = 3};
    struct evaluator *e = NULL;
    struct gyr_error err = {0};

    atomic_init(&g->refs, 1);
    g->programs = calloc(1, sizeof(struct program *));
    g->n_programs = 1;
    assert_int_equal(ruleset_load_text(&rc, "t", text, strlen(text), &r->d, &g->rules), 0);
    assert_int_equal(program_new(g->rules, r->schemas.list[0], &r->d, &g->programs[0]), 0);
    assert_int_equal(evaluator_new(&conf, &e, &err), -EINVAL);
    assert_string_equal(err.msg, "field 'k.v[refused]': fake refuses it: there is no such key");
    assert_null(e);
    conf.diags = &r->d;
    assert_int_equal(evaluator_new(&conf, &e, &err), -EINVAL);
    assert_string_equal(err.msg, "");
    assert_int_equal(r->d.n_errors, 2);
    assert_string_equal(r->d.first->text,
                        "rule 'a': field 'k.v[refused]': fake refuses it: there is "
                        "no such key");
    assert_int_equal(r->d.first->loc.line, 3);
    generation_unref(g);
}

/* ---- no allocation in the steady state ---- */

extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);
static bool counting;
static uint32_t allocations;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CAN_COUNT 0 /* the sanitizer has malloc() */
#else
#define CAN_COUNT 1
void *malloc(size_t n)
{
    allocations += counting;
    return __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
    allocations += counting;
    return __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
    allocations += counting;
    return __libc_realloc(p, n);
}
#endif

static void nothing_is_allocated_per_event(void **state)
{
    struct rig *r = *state;
    char text[32768] = "";
    size_t n = 0;

    if (!CAN_COUNT) {
        print_message("skipped: the sanitizer counts allocations itself\n");
        skip();
    }
    for (int i = 0; i < 50; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n,
                              RIG_RULE("r%d",
                                       "s.a = w%d and tolower(s.b) in (x, y%d) or s.c glob "
                                       "'a*b%d' or s.d regex '.*q%d.*r'",
                                       "o"),
                              i, i, i, i, i);
    rig_rules(r, text);
    fake_str(&r->fakes[0], F_SA, "w9");
    fake_str(&r->fakes[0], F_SB, "Nothing");
    fake_str(&r->fakes[0], F_SC, "abc");
    fake_str(&r->fakes[0], F_SD, "some text of a command line");
    fake_answer(&r->fakes[1], F_SE, GYR_PENDING);
    for (int i = 0; i < 100; i++) /* regular expressions build their automata as they go */
        rig_event(r, T_OPEN, 0);
    counting = true;
    for (int i = 0; i < 1000; i++)
        rig_event(r, (uint16_t)(T_OPEN + i % 3), 0);
    counting = false;
    assert_int_equal(allocations, 0);
    assert_int_equal(r->n_seen, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(absent_operands_make_comparisons_false, setup, teardown),
        cmocka_unit_test_setup_teardown(kleene, setup, teardown),
        cmocka_unit_test_setup_teardown(each_field_is_asked_for_once, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_not_needed_is_not_asked_for, setup, teardown),
        cmocka_unit_test_setup_teardown(generic_events_are_known_by_subtype, setup, teardown),
        cmocka_unit_test_setup_teardown(first_present_provider_wins, setup, teardown),
        cmocka_unit_test_setup_teardown(failures_count_as_absent, setup, teardown),
        cmocka_unit_test_setup_teardown(first_match_ends_the_event, setup, teardown),
        cmocka_unit_test_setup_teardown(first_match_keeps_turns, setup, teardown),
        cmocka_unit_test_setup_teardown(matches_carry_values, setup, teardown),
        cmocka_unit_test_setup_teardown(lists_of_values_are_gathered, setup, teardown),
        cmocka_unit_test_setup_teardown(refused_arguments_are_told, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_is_allocated_per_event, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
