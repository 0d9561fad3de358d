/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of a condition, called true, false, absent or pending. */
#include "engine/trace.h"

#include "../lib/engine_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct traced {
    struct rig rig;
    struct clauses *clauses;
    struct trace *trace;
};

static uint64_t no_time(void)
{
    return 0;
}

static void begin(struct traced *t, const char *rules)
{
    struct gyr_error err;
    struct evaluator_conf like;

    rig_rules(&t->rig, rules);
    like = (struct evaluator_conf){.generation = t->rig.gen,
                                   .providers = t->rig.providers,
                                   .n_providers = t->rig.n_providers,
                                   .pos = &t->rig.pos,
                                   .scratch = &t->rig.scratch,
                                   .now_ns = no_time};
    assert_int_equal(clauses_new(t->rig.gen, 0, &t->clauses, &err), 0);
    assert_int_equal(trace_new(t->clauses, &like, &t->trace, &err), 0);
}

static void at(struct traced *t, uint16_t type, uint32_t subtype)
{
    static const uint32_t off = sizeof(struct gyr_event) + sizeof(uint32_t);

    t->rig.record.ev = (struct gyr_event){.len = sizeof(t->rig.record),
                                          .hdr_len = sizeof(struct gyr_event),
                                          .type = type,
                                          .subtype = subtype,
                                          .ts_ns = 1,
                                          .num = 1};
    t->rig.record.off[0] = off;
    trace_begin(t->trace, &t->rig.record.ev);
}

static const struct node *condition(const struct traced *t, uint32_t rule)
{
    return t->rig.gen->rules->rules[rule]->condition;
}

/* The states of all clauses of a rule, one letter each, then that of the whole. */
static const char *states(struct traced *t, uint32_t rule);

struct letters {
    struct traced *t;
    char s[32];
    uint32_t n;
};

static char letter(enum trace_state s)
{
    return trace_state_name(s)[0];
}

static void add_letter(void *ctx, const struct node *n)
{
    struct letters *l = ctx;

    l->s[l->n++] = letter(trace_node(l->t->trace, n));
}

static const char *states(struct traced *t, uint32_t rule)
{
    static struct letters l;

    l = (struct letters){.t = t};
    node_each_clause(condition(t, rule), add_letter, &l);
    l.s[l.n++] = '=';
    l.s[l.n++] = letter(trace_node(t->trace, condition(t, rule)));
    return l.s;
}

static int setup(void **state)
{
    struct traced *t = calloc(1, sizeof(*t));

    rig_init(&t->rig, 2);
    *state = t;
    return 0;
}

static int teardown(void **state)
{
    struct traced *t = *state;

    trace_free(t->trace);
    clauses_free(t->clauses);
    rig_free(&t->rig); /* no ticket may be out */
    free(t);
    return 0;
}

static void each_part_has_its_state(void **state)
{
    struct traced *t = *state;

    begin(t, RIG_RULE("r", "evt.type = open and s.a = x and (s.b = y or not s.c = z)", "o"));
    at(t, T_OPEN, 0);
    assert_string_equal(states(t, 0), "taaa=f"); /* nothing is there: "not absent" holds */
    trace_end(t->trace);
    fake_str(&t->rig.fakes[0], F_SA, "x");
    fake_str(&t->rig.fakes[0], F_SC, "z");
    at(t, T_OPEN, 0);
    assert_string_equal(states(t, 0), "ttat=f");
    trace_end(t->trace);
    fake_str(&t->rig.fakes[0], F_SB, "y");
    at(t, T_OPEN, 0);
    assert_string_equal(states(t, 0), "tttt=t");
    trace_end(t->trace);
}

static void pending_is_told_and_given_back(void **state)
{
    struct traced *t = *state;

    begin(t, RIG_RULE("r", "s.a = x and s.b = y", "o"));
    fake_answer(&t->rig.fakes[0], F_SA, GYR_PENDING);
    fake_str(&t->rig.fakes[0], F_SB, "y");
    at(t, T_OPEN, 0);
    assert_string_equal(states(t, 0), "pt=p");
    assert_int_equal(fake_out(&t->rig.fakes[0]), 1);
    trace_end(t->trace);
    assert_int_equal(fake_out(&t->rig.fakes[0]), 0);
    fake_str(&t->rig.fakes[0], F_SB, "n");
    at(t, T_OPEN, 0);
    assert_string_equal(states(t, 0), "pf=f");
    trace_end(t->trace);
    assert_int_equal(fake_out(&t->rig.fakes[0]), 0);
}

static void types_and_subtypes(void **state)
{
    struct traced *t = *state;
    const struct rule *const *rules;

    begin(t,
          RIG_RULE("o", "evt.type in (open, close)", "o") RIG_RULE("m", "evt.type = mkdir", "o"));
    rules = (const struct rule *const *)t->rig.gen->rules->rules;
    at(t, T_OPEN, 0);
    assert_true(trace_concerns(t->trace, rules[0]));
    assert_false(trace_concerns(t->trace, rules[1]));
    assert_string_equal(states(t, 0), "t=t");
    assert_string_equal(states(t, 1), "f=f");
    trace_end(t->trace);
    at(t, T_CALL, SUB_MKDIR);
    assert_false(trace_concerns(t->trace, rules[0]));
    assert_true(trace_concerns(t->trace, rules[1]));
    assert_string_equal(states(t, 1), "t=t");
    trace_end(t->trace);
}

static void values_of_the_left_side(void **state)
{
    struct traced *t = *state;
    const struct node *n;
    struct gyr_value v;

    begin(t, RIG_RULE("r", "tolower(s.a) = x and s.b = y", "o"));
    fake_str(&t->rig.fakes[0], F_SA, "ABC");
    at(t, T_OPEN, 0);
    n = condition(t, 0);
    assert_true(trace_value(t->trace, n->logic.kids[0], &v));
    assert_int_equal(v.len, 3);
    assert_memory_equal(v.u.ptr, "abc", 3);
    assert_false(trace_value(t->trace, n->logic.kids[1], &v));
    assert_false(trace_value(t->trace, n, &v));
    trace_end(t->trace);
}

static void a_macro_is_the_same_node_everywhere(void **state)
{
    struct traced *t = *state;
    const struct node *a, *b;

    begin(t, "- macro: m\n  condition: s.a = x\n" RIG_RULE("1", "m and s.b = y", "o")
                 RIG_RULE("2", "not m", "o"));
    fake_str(&t->rig.fakes[0], F_SA, "x");
    at(t, T_OPEN, 0);
    assert_string_equal(states(t, 0), "ta=f");
    assert_string_equal(states(t, 1), "t=f");
    a = condition(t, 0)->logic.kids[0];
    b = condition(t, 1)->logic.kids[0];
    assert_ptr_equal(a, b);
    assert_non_null(strstr(a->text->what, "macro"));
    trace_end(t->trace);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(each_part_has_its_state), T(pending_is_told_and_given_back), T(types_and_subtypes),
        T(values_of_the_left_side), T(a_macro_is_the_same_node_everywhere)};

    return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}
