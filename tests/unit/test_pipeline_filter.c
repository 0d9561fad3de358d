/* SPDX-License-Identifier: Apache-2.0 */
/* Enrichers that see part of the stream, and snapshots that enrichers ask for. */
#include "../lib/pipe_rig.h"

#include "base/log.h"
#include "pipeline/filter.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct pipe_rig r; /* too large for a stack */

static int setup(void **state)
{
    (void)state;
    pipe_init(&r);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    pipe_free(&r);
    return 0;
}

static bool wanted(uint16_t type)
{
    return r.want[type / 64] >> type % 64 & 1;
}

static void assert_told(uint32_t i, uint16_t type, uint32_t flags)
{
    assert_true(i < r.n_told);
    assert_int_equal(r.told[i].type, type);
    assert_int_equal(r.told[i].flags, flags);
}

static void some_events(void)
{
    (void)pipe_event(&r, GYR_EV_SNAPSHOT_BEGIN, 0);
    pipe_event(&r, PT_THING, 1)->flags = GYR_EVF_SNAPSHOT;
    (void)pipe_event(&r, GYR_EV_SNAPSHOT_END, 0);
    (void)pipe_event(&r, PT_TICK, 2);
    (void)pipe_event(&r, PT_NOTE, 3);
    (void)pipe_event(&r, PT_TICK, 4);
    (void)pipe_event(&r, PT_KEEP, 4);
    (void)pipe_event(&r, PT_KEEP, 5);
    pipe_event(&r, GYR_EV_LOSS, 6)->flags = GYR_EVF_INTERNAL;
}

static void test_what_passes(void **state)
{
    (void)state;
    r.filter = "evt.arg.n = 4";
    some_events();
    pipe_start(&r);
    assert_int_equal(pipe_end(&r), 0);
    assert_int_equal(r.n_told, 7);
    assert_told(0, GYR_EV_SNAPSHOT_BEGIN, 0);
    assert_told(1, PT_THING, GYR_EVF_SNAPSHOT);
    assert_told(2, GYR_EV_SNAPSHOT_END, 0);
    assert_told(3, PT_TICK, 0); /* neither the tick nor the note before it */
    assert_told(4, PT_KEEP, 0);
    assert_told(5, PT_KEEP, GYR_EVF_SNAPSHOT); /* for its state only */
    assert_told(6, GYR_EV_LOSS, GYR_EVF_INTERNAL);
    assert_int_equal(r.n_seen, 3); /* rules see it all, and the loss is told */
}

static void test_nothing_passes(void **state)
{
    (void)state;
    r.filter = "evt.type = tick and evt.type = note";
    some_events();
    pipe_start(&r);
    assert_int_equal(pipe_end(&r), 0);
    assert_int_equal(r.n_told, 6);
    assert_told(3, PT_KEEP, GYR_EVF_SNAPSHOT);
    assert_told(4, PT_KEEP, GYR_EVF_SNAPSHOT);
    assert_false(wanted(PT_NOTE));
    assert_false(wanted(PT_CALL));
    assert_true(wanted(PT_KEEP));
}

static void test_after_the_rules(void **state)
{
    (void)state;
    r.filter = "evt.type = tick";
    (void)pipe_event(&r, PT_TICK, 1);
    pipe_start(&r);
    assert_int_equal(pipe_end(&r), 0);
    assert_int_equal(r.n_told, 1);
    assert_string_equal(r.order, "ta"); /* and after_event() is called */
}

static void test_wants(void **state)
{
    (void)state;
    r.filter = "evt.type in (note, ping)";
    pipe_start(&r);
    assert_int_equal(pipe_end(&r), 0);
    assert_true(wanted(PT_NOTE));
    assert_true(wanted(PT_KEEP));
    assert_true(wanted(PT_TICK)); /* by the rule */
    assert_true(wanted(PT_CALL));
    assert_int_equal(r.want_sub & 6, 2);
}

/* What may still turn out to be true passes, and nobody waits for it. */
static void test_undecided_passes(void **state)
{
    (void)state;
    r.filter = "fake.v = v";
    r.pending = true;
    (void)pipe_event(&r, PT_NOTE, 1);
    (void)pipe_event(&r, PT_NOTE, 2);
    pipe_start(&r);
    assert_int_equal(pipe_end(&r), 0);
    assert_int_equal(r.n_told, 2);
    assert_told(0, PT_NOTE, 0);
    assert_int_equal(r.open, 0); /* tickets are given back */
}

static void test_first_match_only(void **state)
{
    (void)state;
    r.config.first_match_only = true;
    r.config.min_priority = GYR_PRIO_EMERGENCY; /* no rule is loaded */
    r.filter = "evt.type = note";
    some_events();
    pipe_start(&r);
    assert_int_equal(pipe_end(&r), 0);
    assert_int_equal(r.n_seen, 1); /* the loss */
    assert_told(3, PT_NOTE, 0);
}

static void test_survives_a_reload(void **state)
{
    (void)state;
    r.filter = "evt.type = note";
    r.hold_at = 1;
    (void)pipe_event(&r, PT_NOTE, 1);
    (void)pipe_event(&r, PT_TICK, 2);
    (void)pipe_event(&r, PT_NOTE, 3);
    pipe_start(&r);
    assert_int_equal(pipe_reload(&r, NULL, PIPE_RULE("other", "evt.type = keep", "x")), 0);
    assert_true(wanted(PT_NOTE));
    assert_false(wanted(PT_TICK));
    pipe_release(&r, UINT32_MAX);
    assert_int_equal(pipe_end(&r), 0);
    assert_int_equal(r.n_told, 2);
}

static void test_wrong_filter(void **state)
{
    static const char *const wrong[] = {"evt.type = ", "nonsense", "evt.tipe = tick", ""};

    (void)state;
    r.filter = "evt.type = tick";
    pipe_start(&r); /* for its schema */
    assert_int_equal(pipe_end(&r), 0);
    for (size_t i = 0; i < 4; i++) {
        struct plugin_conf entry = {.name = "enr", .filter = wrong[i]};
        struct filter_conf conf = {.schemas = pipeline_schemas(r.p)};
        uint32_t before = r.diags.n_errors;
        struct filter f;

        assert_true(filter_new(&conf, &entry, &r.diags, &f) < 0);
        assert_true(r.diags.n_errors > before);
    }
}

static void test_snapshot_on_request(void **state)
{
    (void)state;
    r.snapshots = r.asks_snapshot = true;
    r.hold_at = 1;
    (void)pipe_event(&r, PT_TICK, 1);
    (void)pipe_event(&r, PT_NOTE, 2);
    pipe_start(&r);
    assert_true(pipe_wait_seen(&r, 1));
    for (int i = 0; i < 500; i++) {
        struct timespec ms = {.tv_nsec = 10000000};
        bool made;

        (void)pthread_mutex_lock(&r.lock);
        made = r.snapshots_made > 0;
        (void)pthread_mutex_unlock(&r.lock);
        if (made)
            break;
        (void)nanosleep(&ms, NULL);
    }
    pipe_release(&r, UINT32_MAX);
    assert_int_equal(pipe_end(&r), 0);
    assert_int_equal(r.snapshot_answer, 0);
    assert_int_equal(r.snapshots_made, 1);
}

static void test_no_snapshots(void **state)
{
    (void)state;
    r.asks_snapshot = true;
    (void)pipe_event(&r, PT_TICK, 1);
    pipe_start(&r);
    assert_int_equal(pipe_end(&r), 0);
    assert_int_equal(r.snapshot_answer, -ENOTSUP);
    assert_int_equal(r.snapshots_made, 0);
}

static void test_a_thread_on_request(void **state)
{
    (void)state;
    r.snapshots = true;
    r.asks_thread = 4711;
    (void)pipe_event(&r, PT_TICK, 1);
    pipe_start(&r);
    assert_int_equal(pipe_end(&r), 0);
    assert_int_equal(r.snapshot_answer, 0);
    assert_int_equal(r.thread_asked, 4711);
}

static void test_no_threads(void **state)
{
    (void)state;
    r.asks_thread = 4711;
    (void)pipe_event(&r, PT_TICK, 1);
    pipe_start(&r);
    assert_int_equal(pipe_end(&r), 0);
    assert_int_equal(r.snapshot_answer, -ENOTSUP);
    assert_int_equal(r.thread_asked, 0);
}

static int quiet(void **state)
{
    (void)state;
    log_set_level(LOG_L_ERROR - 1);
    return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_passes),         TEST(test_nothing_passes),
        TEST(test_after_the_rules),     TEST(test_wants),
        TEST(test_undecided_passes),    TEST(test_first_match_only),
        TEST(test_survives_a_reload),   TEST(test_wrong_filter),
        TEST(test_snapshot_on_request), TEST(test_no_snapshots),
        TEST(test_a_thread_on_request), TEST(test_no_threads),
    };

    return cmocka_run_group_tests(tests, quiet, NULL);
}
