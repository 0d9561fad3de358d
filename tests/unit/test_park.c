/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/evaluator.h"

#include "../lib/engine_rig.h"

#include <gyr/output.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MS = 1000000 };

static int setup(void **state)
{
    struct rig *r = malloc(sizeof(*r));

    rig_now_ns = 0;
    rig_init(r, 2);
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    rig_free(*state); /* aborts unless every ticket was given back exactly once */
    free(*state);
    return 0;
}

static struct park_stats stats(const struct rig *r)
{
    struct park_stats s;

    park_stats(r->park, &s);
    return s;
}

static void park_one(struct rig *r, const char *rules, uint32_t field)
{
    rig_rules(r, rules);
    fake_answer(&r->fakes[0], field, GYR_PENDING);
    rig_event(r, T_OPEN, 0);
    assert_int_equal(stats(r).now, 1);
    assert_int_equal(r->n_seen, 0);
}

/* The last ticket of provider 0 has its answer. */
static void resolve(struct rig *r)
{
    park_resolved(r->park, 0, r->fakes[0].next_ticket);
    (void)park_run(r->park, rig_now_ns);
}

#define COND RIG_RULE("a", "s.a = x and s.b = y", "%s.a %s.b %s.c %evt.num")

static void pending_then_present(void **state)
{
    struct rig *r = *state;
    char frozen[] = "y";

    fake_str(&r->fakes[0], F_SB, frozen);
    fake_str(&r->fakes[0], F_SC, "c");
    park_one(r, COND, F_SA);
    for (int i = 0; i < 5; i++)
        rig_event(r, T_SNAP, 0); /* the stream goes on */
    frozen[0] = '#';             /* and what the values pointed to with it */
    assert_int_equal(park_run(r->park, 100 * MS), 900 * MS);
    fake_str(&r->fakes[0], F_SA, "x");
    resolve(r);
    assert_int_equal(r->n_seen, 1);
    assert_string_equal(r->seen[0].values, "x|y|c|1");
    assert_int_equal(r->seen[0].num, 1);
    assert_int_equal(r->seen[0].ts_ns, 1000);
    assert_int_equal(r->seen[0].tid, 101);
    assert_int_equal(r->seen[0].metadata, GYR_MD_FINAL);
    assert_true(r->seen[0].was_parked);
    assert_int_equal(stats(r).resolved, 1);
    assert_int_equal(stats(r).now, 0);
    assert_int_equal(stats(r).bytes, 0);
    assert_int_equal(r->fakes[0].releases, 1);
    assert_int_equal(r->fakes[0].f[F_SA].redeems, 1);
    assert_int_equal(r->wakes, 1);
    assert_int_equal(park_run(r->park, 0), UINT64_MAX);
}

static void pending_then_something_else(void **state)
{
    struct rig *r = *state;

    fake_str(&r->fakes[0], F_SB, "y");
    park_one(r, COND, F_SA);
    fake_str(&r->fakes[0], F_SA, "not x");
    resolve(r);
    assert_int_equal(r->n_seen, 0);
    assert_int_equal(stats(r).resolved, 1);
}

static void pending_then_absent(void **state)
{
    struct rig *r = *state;

    park_one(r, RIG_RULE("is", "s.a exists", "o") RIG_RULE("isnt", "not s.a exists", "%s.a"), F_SA);
    fake_answer(&r->fakes[0], F_SA, GYR_ABSENT);
    resolve(r);
    assert_string_equal(r->seen[0].values, "<NA>");
    assert_int_equal(r->seen[0].metadata, GYR_MD_FINAL);
    assert_string_equal(rig_matched(r), "isnt");
}

static void failure_to_redeem_is_absent(void **state)
{
    struct rig *r = *state;

    park_one(r, RIG_RULE("isnt", "not s.a exists", "o"), F_SA);
    fake_answer(&r->fakes[0], F_SA, -5);
    resolve(r);
    assert_string_equal(rig_matched(r), "isnt");
    assert_int_equal(evaluator_errors(r->e), 1);
}

static void still_pending_stays(void **state)
{
    struct rig *r = *state;

    park_one(r, RIG_RULE("is", "s.a exists", "o"), F_SA);
    resolve(r);
    assert_int_equal(stats(r).now, 1);
    assert_int_equal(r->fakes[0].releases, 0);
    fake_str(&r->fakes[0], F_SA, "x");
    resolve(r);
    assert_string_equal(rig_matched(r), "is");
    assert_int_equal(r->fakes[0].releases, 1);
}

static void deadline_makes_pending_absent(void **state)
{
    struct rig *r = *state;

    park_one(r, RIG_RULE("isnt", "not s.a = x", "%s.a %s.b"), F_SA);
    assert_int_equal(park_run(r->park, 999 * MS), 1 * MS);
    assert_int_equal(r->n_seen, 0);
    assert_int_equal(park_run(r->park, 1000 * MS), UINT64_MAX);
    assert_int_equal(r->n_seen, 1);
    assert_string_equal(r->seen[0].values, "<NA>|<NA>");
    assert_int_equal(r->seen[0].metadata, GYR_MD_MISSING);
    assert_int_equal(stats(r).expired, 1);
    assert_int_equal(r->fakes[0].releases, 1);
    resolve(r); /* too late: nobody waits */
    assert_int_equal(r->n_seen, 1);
}

/* The condition holds; only its text has to wait. */
static void outputs_are_waited_for(void **state)
{
    struct rig *r = *state;

    fake_str(&r->fakes[0], F_SB, "y");
    park_one(r, RIG_RULE("a", "s.b = y", "%tolower(s.a)") RIG_RULE("no", "s.b = z", "%s.a"), F_SA);
    fake_str(&r->fakes[0], F_SA, "LATE");
    resolve(r);
    assert_int_equal(r->n_seen, 1);
    assert_string_equal(r->seen[0].values, "LATE|late"); /* the argument is a field of its own */
}

/* Each rule is reported as soon as its own values are there. */
static void rules_of_one_event_wait_apart(void **state)
{
    struct rig *r = *state;
    struct fake *f = &r->fakes[0];

    f->f[F_SA].ticket = 70;
    f->f[F_SB].ticket = 71;
    fake_answer(f, F_SB, GYR_PENDING);
    fake_str(f, F_SC, "x");
    rig_rules(r, RIG_RULE("a", "s.a = x", "o") RIG_RULE("b", "s.b = x", "o")
                     RIG_RULE("c", "s.c = x", "o") RIG_RULE("ab", "s.a = x and s.b = x", "o"));
    fake_answer(f, F_SA, GYR_PENDING);
    rig_event(r, T_OPEN, 0);
    assert_string_equal(rig_matched(r), "c");
    fake_str(f, F_SB, "x");
    park_resolved(r->park, 0, 71);
    (void)park_run(r->park, 0);
    assert_string_equal(rig_matched(r), "b");
    assert_int_equal(stats(r).now, 1);
    fake_str(f, F_SA, "x");
    park_resolved(r->park, 0, 70);
    (void)park_run(r->park, 0);
    assert_string_equal(rig_matched(r), "a ab");
    assert_int_equal(stats(r).resolved, 1);
}

static void false_needs_no_waiting(void **state)
{
    struct rig *r = *state;

    rig_rules(r, COND);
    fake_str(&r->fakes[0], F_SB, "no");
    fake_answer(&r->fakes[0], F_SA, GYR_PENDING);
    rig_event(r, T_OPEN, 0);
    assert_int_equal(stats(r).parked, 0);
    assert_int_equal(r->fakes[0].releases, r->fakes[0].pendings);
}

static void several_providers(void **state)
{
    struct rig *r = *state;

    r->fakes[0].f[F_SA].ticket = r->fakes[1].f[F_SA].ticket = 5; /* the same number, two tickets */
    fake_answer(&r->fakes[1], F_SA, GYR_PENDING);
    park_one(r, RIG_RULE("a", "s.a exists", "%s.a"), F_SA);
    fake_answer(&r->fakes[0], F_SA, GYR_ABSENT);
    park_resolved(r->park, 0, 5);
    (void)park_run(r->park, 0);
    assert_int_equal(stats(r).now, 1); /* the other may still have it */
    assert_int_equal(r->fakes[0].releases, 1);
    assert_int_equal(r->fakes[1].releases, 0);
    fake_str(&r->fakes[1], F_SA, "second");
    park_resolved(r->park, 1, 5);
    (void)park_run(r->park, 0);
    assert_string_equal(r->seen[0].values, "second");

    /* One of two is enough; both tickets go back. */
    fake_answer(&r->fakes[0], F_SA, GYR_PENDING);
    fake_answer(&r->fakes[1], F_SA, GYR_PENDING);
    rig_event(r, T_OPEN, 0);
    fake_str(&r->fakes[1], F_SA, "again");
    park_resolved(r->park, 1, 5);
    (void)park_run(r->park, 0);
    assert_string_equal(r->seen[1].values, "again");
    assert_int_equal(r->fakes[0].releases, 2);
    assert_int_equal(r->fakes[1].releases, 2);
}

/* One look-up may be what many events wait for. */
static void one_ticket_for_many_events(void **state)
{
    struct rig *r = *state;

    r->fakes[0].f[F_SA].ticket = 9;
    park_one(r, RIG_RULE("a", "s.a = x", "%evt.num"), F_SA);
    for (int i = 0; i < 99; i++)
        rig_event(r, T_EXEC, 0);
    assert_int_equal(stats(r).now, 100);
    fake_str(&r->fakes[0], F_SA, "x");
    park_resolved(r->park, 0, 9);
    (void)park_run(r->park, 0);
    assert_int_equal(r->n_seen, 100);
    assert_int_equal(r->fakes[0].releases, 100);
}

static void full_lot_decides_at_once(void **state)
{
    static const struct park_conf small = {1000 * (uint64_t)MS, 2, 1 << 20};
    struct rig *r = *state;

    rig_park(r, &small);
    rig_rules(r, RIG_RULE("isnt", "not s.a = x and s.b = y", "%s.a %s.b %s.c"));
    fake_answer(&r->fakes[0], F_SA, GYR_PENDING);
    fake_answer(&r->fakes[0], F_SC, GYR_PENDING);
    fake_str(&r->fakes[0], F_SB, "y");
    for (int i = 0; i < 5; i++)
        rig_event(r, T_OPEN, 0);
    assert_int_equal(stats(r).now, 2);
    assert_int_equal(stats(r).full, 3);
    assert_int_equal(r->n_seen, 3);
    assert_int_equal(r->seen[0].num, 3);
    assert_string_equal(r->seen[0].values, "<NA>|y|<NA>");
    assert_int_equal(r->seen[0].metadata, GYR_MD_MISSING);
    assert_true(r->seen[0].was_parked);
    assert_int_equal(r->fakes[0].f[F_SB].gets, 5); /* once for each event all the same */
    assert_int_equal(r->fakes[0].f[F_SC].gets, 5);
    assert_int_equal(fake_out(&r->fakes[0]), 4);
}

static void bytes_are_bounded(void **state)
{
    static const struct park_conf small = {1000 * (uint64_t)MS, 100, 20000};
    static char big[8000];
    struct rig *r = *state;

    memset(big, 'b', sizeof(big) - 1);
    rig_park(r, &small);
    rig_rules(r, RIG_RULE("a", "s.a = x", "%s.b"));
    fake_str(&r->fakes[0], F_SB, big);
    fake_answer(&r->fakes[0], F_SA, GYR_PENDING);
    for (int i = 0; i < 5; i++)
        rig_event(r, T_OPEN, 0);
    assert_int_equal(stats(r).now, 2);
    assert_int_equal(stats(r).full, 3);
    assert_true(stats(r).bytes > 16000 && stats(r).bytes <= 20000);
}

static void old_generation_decides(void **state)
{
    struct rig *r = *state;

    park_one(r, RIG_RULE("old", "s.a = x", "%s.a %s.b"), F_SA);
    rig_rules(r, RIG_RULE("new", "s.c exists and s.a = x", "o"));
    assert_int_equal(r->fakes[0].unbound, 0); /* the parked event still needs them */
    fake_str(&r->fakes[0], F_SA, "x");
    rig_event(r, T_OPEN, 0);
    resolve(r);
    assert_int_equal(r->n_seen, 1);
    assert_int_equal(r->seen[0].generation, 1);
    assert_string_equal(rig_matched(r), "old");
    assert_int_equal(r->fakes[0].unbound, 2);
    fake_str(&r->fakes[0], F_SC, "c");
    rig_event(r, T_OPEN, 0);
    assert_int_equal(r->seen[0].generation, 2);
}

static void flush_decides_everything(void **state)
{
    struct rig *r = *state;
    struct fake *f = &r->fakes[0];

    park_one(r, RIG_RULE("isnt", "not s.a = x", "%s.a"), F_SA);
    rig_event(r, T_OPEN, 0);
    fake_str(f, F_SA, "y"); /* the answer to the second came in, and nobody looked yet */
    park_resolved(r->park, 0, f->next_ticket);
    park_flush(r->park);
    assert_int_equal(r->n_seen, 2);
    assert_string_equal(r->seen[0].values, "y");
    assert_int_equal(r->seen[0].metadata, GYR_MD_FINAL);
    assert_string_equal(r->seen[1].values, "<NA>");
    assert_int_equal(r->seen[1].metadata, GYR_MD_MISSING);
    assert_int_equal(stats(r).now, 0);
    assert_int_equal(stats(r).bytes, 0);
}

static void resolve_now(struct fake *f, uint64_t ticket)
{
    struct rig *r = f->ctx;

    park_resolved(r->park, f->index, ticket);
}

/* The answer is told before get() has returned, let alone the event been parked. */
static void answer_before_parking_is_kept(void **state)
{
    struct rig *r = *state;

    r->fakes[0].ctx = r;
    r->fakes[0].on_pending = resolve_now;
    park_one(r, RIG_RULE("a", "s.a = x", "o"), F_SA);
    fake_str(&r->fakes[0], F_SA, "x");
    (void)park_run(r->park, 0);
    assert_string_equal(rig_matched(r), "a");
}

/* Too many answers to keep: everybody who waits is asked about. */
static void flood_of_answers_loses_none(void **state)
{
    struct rig *r = *state;
    struct fake *f = &r->fakes[0];

    park_one(r, RIG_RULE("a", "s.a = x", "o"), F_SA);
    fake_str(f, F_SA, "x");
    for (uint64_t i = 0; i < 10000; i++)
        park_resolved(r->park, 1, 1000000 + i);
    park_resolved(r->park, 0, f->next_ticket);
    (void)park_run(r->park, 0);
    assert_string_equal(rig_matched(r), "a");
    assert_int_equal(r->wakes, 1);
}

static void lists_are_copied_whole(void **state)
{
    struct rig *r = *state;
    char one[] = "one", two[] = "two";
    struct gyr_value items[2] = {gyr_str(one, 3), gyr_str(two, 3)};

    r->fakes[0].f[F_LA].answer = GYR_PRESENT;
    r->fakes[0].f[F_LA].v = (struct gyr_value){.type = GYR_T_LIST, .len = 2, .u.ptr = items};
    park_one(r, RIG_RULE("a", "s.a = x and l.a intersects (two)", "%l.a"), F_SA);
    memset(one, '#', 3);
    memset(two, '#', 3);
    memset(items, 0, sizeof(items));
    fake_str(&r->fakes[0], F_SA, "x");
    resolve(r);
    assert_string_equal(r->seen[0].values, "(one,two)");
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(pending_then_present),        TEST(pending_then_something_else),
        TEST(pending_then_absent),         TEST(failure_to_redeem_is_absent),
        TEST(still_pending_stays),         TEST(deadline_makes_pending_absent),
        TEST(outputs_are_waited_for),      TEST(rules_of_one_event_wait_apart),
        TEST(false_needs_no_waiting),      TEST(several_providers),
        TEST(one_ticket_for_many_events),  TEST(full_lot_decides_at_once),
        TEST(bytes_are_bounded),           TEST(old_generation_decides),
        TEST(flush_decides_everything),    TEST(answer_before_parking_is_kept),
        TEST(flood_of_answers_loses_none), TEST(lists_are_copied_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
