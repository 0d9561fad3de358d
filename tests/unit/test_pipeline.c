/* SPDX-License-Identifier: Apache-2.0 */
/* Sources, enrichers, rules and outputs together: order, numbers, losses, failures, restarts,
 * emitted and parked events, reload, the end. */
#include "../lib/pipe_rig.h"

#include "base/log.h"

#include <errno.h>
#include <gyr/build.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct source_stats stats_of(struct pipe_rig *r)
{
    struct source_info info;

    pipeline_source(r->p, 0, &info);
    return info.stats;
}

static bool wanted(const struct pipe_rig *r, uint16_t type)
{
    return r->want[type / 64] >> type % 64 & 1;
}

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

static void test_flow(void **state)
{
    (void)state;
    (void)pipe_event(&r, GYR_EV_SNAPSHOT_BEGIN, 0);
    (void)pipe_event(&r, PT_THING, 1);
    pipe_event(&r, PT_TICK, 2)->flags = GYR_EVF_SNAPSHOT;
    (void)pipe_event(&r, GYR_EV_SNAPSHOT_END, 0);
    (void)pipe_event(&r, PT_NOTE, 3);
    (void)pipe_event(&r, PT_TICK, 4);
    (void)pipe_event(&r, PT_TICK, 5);
    pipe_start(&r);
    assert_int_equal(pipe_end(&r), 0);
    assert_int_equal(r.n_seen, 2);
    assert_string_equal(r.seen[0].text, "n=4");
    assert_int_equal(r.seen[0].num, 2); /* snapshots have no number */
    assert_int_equal(r.seen[0].ts_ns, 1004);
    assert_int_equal(r.seen[1].num, 3);
    assert_non_null(strstr(r.seen[1].json, "\"hostname\":\"box\""));
    assert_string_equal(r.order, "ootaoo"
                                 "tata");
    assert_int_equal(stats_of(&r).events, 3);
    assert_int_equal(stats_of(&r).snapshots, 4);
    assert_int_equal(stats_of(&r).alerts, 2);
    assert_int_equal(r.starts, 1);
    assert_int_equal(r.stops, 1);
}

static void test_want(void **state)
{
    (void)state;
    pipe_start(&r);
    assert_int_equal(pipe_end(&r), 0);
    assert_true(r.wants >= 1);
    assert_true(wanted(&r, PT_TICK));
    assert_true(wanted(&r, PT_THING));
    assert_true(wanted(&r, PT_CALL)); /* the enricher hears of everything */
    assert_true(wanted(&r, GYR_EV_LOSS));
    assert_int_equal(r.want_sub & 6, 6);
    assert_false(wanted(&r, 77));
}

/* Without the enricher, only what rules and state need. */
static void test_want_rules(void **state)
{
    (void)state;
    r.config.n_enrichers = 0;
    pipe_rules(&r, PIPE_RULE("ping", "evt.type = ping", "x"));
    pipe_start(&r);
    assert_int_equal(pipe_end(&r), 0);
    assert_true(wanted(&r, PT_CALL));
    assert_true(wanted(&r, PT_THING));
    assert_false(wanted(&r, PT_TICK));
    assert_false(wanted(&r, PT_NOTE));
    assert_int_equal(r.want_sub & 6, 2);
}

static void test_numbers_and_times(void **state)
{
    (void)state;
    pipe_event(&r, PT_TICK, 1)->num = 100;
    (void)pipe_event(&r, PT_TICK, 2);
    pipe_event(&r, PT_TICK, 3)->ts_ns = 0;
    pipe_start(&r);
    assert_int_equal(pipe_end(&r), 0);
    assert_int_equal(r.seen[0].num, 100); /* the source's own number stands */
    assert_int_equal(r.seen[1].num, 101);
    assert_int_equal(r.seen[2].ts_ns, 1002); /* a recording's time is the recording's */
}

static void test_malformed(void **state)
{
    (void)state;
    (void)pipe_event(&r, PT_TICK, 1);
    pipe_event(&r, PT_TICK, 2)->len = 24;
    pipe_event(&r, PT_TICK, 3)->type = 999;
    (void)pipe_event(&r, PT_TICK, 4);
    pipe_start(&r);
    assert_int_equal(pipe_end(&r), 0);
    assert_int_equal(r.n_seen, 2);
    assert_string_equal(r.seen[1].text, "n=4");
    assert_int_equal(stats_of(&r).malformed, 2);
}

static void test_all_malformed(void **state)
{
    (void)state;
    for (int i = 0; i < 2000; i++)
        pipe_event(&r, PT_TICK, 1)->type = 999;
    (void)pipe_event(&r, PT_TICK, 4);
    pipe_start(&r);
    assert_int_equal(pipe_end(&r), -EIO);
    assert_int_equal(r.n_seen, 0);
    assert_int_equal(stats_of(&r).malformed, 1000);
}

static void test_loss(void **state)
{
    (void)state;
    (void)pipe_event(&r, GYR_EV_LOSS, 7);
    (void)pipe_event(&r, GYR_EV_LOSS, 5);
    pipe_start(&r);
    assert_int_equal(pipe_end(&r), 0);
    assert_int_equal(stats_of(&r).lost, 12);
    assert_int_equal(pipeline_lost(r.p, 0, 1, 3), 12);
    assert_int_equal(pipeline_lost(r.p, 0, 0, 0), 0);
}

static struct gyr_event *lose(uint32_t cls, uint64_t n, uint64_t ts_ns)
{
    struct gyr_event *ev = pipe_event(&r, GYR_EV_LOSS, n);
    uint32_t off;

    memcpy(&off, (uint8_t *)ev + ev->hdr_len, sizeof(off));
    memcpy((uint8_t *)ev + off, &cls, sizeof(cls));
    ev->ts_ns = ts_ns;
    ev->flags = GYR_EVF_INTERNAL;
    return ev;
}

#define S UINT64_C(1000000000)

/* In sums, a second after the first at the earliest, ten after the last alert; by the events' time,
 * so that a replay tells the same. */
static void test_loss_alerts(void **state)
{
    (void)state;
    pipe_rules(&r, PIPE_RULE("note", "evt.type = note", "x"));
    (void)lose(GYR_LOSS_OTHER, 3, 1000 * S);
    (void)lose(7, 4, 1000 * S + 1);
    pipe_event(&r, PT_TICK, 1)->ts_ns = 1000 * S + S / 2;
    pipe_event(&r, PT_TICK, 1)->ts_ns = 1001 * S;
    (void)lose(GYR_LOSS_STATE, 5, 1002 * S);
    (void)lose(GYR_LOSS_OTHER, 1, 1008 * S);
    pipe_event(&r, PT_TICK, 1)->ts_ns = 1010 * S;
    pipe_event(&r, PT_TICK, 1)->ts_ns = 1010 * S + 1;
    (void)lose(GYR_LOSS_OTHER, 0, 1030 * S); /* nothing */
    (void)lose(GYR_LOSS_OTHER, 9, 1031 * S); /* told at the end */
    pipe_start(&r);
    assert_int_equal(pipe_end(&r), 0);
    assert_int_equal(r.n_seen, 3);
    for (uint32_t i = 0; i < 3; i++)
        assert_string_equal(r.seen[i].rule, "Gyr: events lost");
    assert_string_equal(r.seen[0].text,
                        "Events were lost before rules saw them | source=src state=0 other=7");
    assert_int_equal(r.seen[0].priority, GYR_PRIO_WARNING);
    assert_int_equal(r.seen[0].ts_ns, 1000 * S + 1);
    assert_int_equal(r.seen[0].num, 1);
    assert_non_null(strstr(r.seen[1].text, "state=5 other=1"));
    assert_int_equal(r.seen[1].priority, GYR_PRIO_ERROR);
    assert_int_equal(r.seen[1].num, 3);
    assert_non_null(strstr(r.seen[2].text, "state=0 other=9"));
    assert_string_not_equal(r.seen[0].uuid, r.seen[1].uuid);
    assert_int_equal(stats_of(&r).lost, 22);
    assert_int_equal(stats_of(&r).alerts, 3);
}

/* A live source that falls silent after a loss: the clock tells. */
static void test_loss_alert_live(void **state)
{
    (void)state;
    r.live = true;
    (void)lose(GYR_LOSS_STATE, 2, 5 * S);
    (void)pipe_event(&r, PT_TICK, 1);
    r.hold_at = 1;
    pipe_start(&r);
    assert_true(pipe_wait_seen(&r, 1));
    assert_string_equal(r.seen[0].rule, "Gyr: events lost");
    pipe_release(&r, UINT32_MAX);
    assert_int_equal(pipe_end(&r), 0);
}

/* Outputs filter Gyr's own alerts like any other. */
static void test_loss_alert_filtered(void **state)
{
    static const char *const tags[] = {"gyr", NULL};

    (void)state;
    (void)lose(GYR_LOSS_OTHER, 2, 5 * S);
    (void)pipe_event(&r, PT_TICK, 1);
    r.outputs[0].min_priority = GYR_PRIO_ERROR;
    r.outputs[1] = r.outputs[0];
    r.outputs[1].name = "two";
    r.outputs[1].min_priority = GYR_PRIO_DEBUG;
    r.outputs[1].tags = tags;
    r.config.n_outputs = 2;
    pipe_start(&r);
    assert_int_equal(pipe_end(&r), 0);
    assert_int_equal(r.n_seen, 1);
    assert_string_equal(r.seen[0].output, "two");
    assert_string_equal(r.seen[0].rule, "Gyr: events lost");
}

static void test_failure(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 100; i++)
        (void)pipe_event(&r, PT_TICK, i);
    r.end = -EBADMSG;
    pipe_start(&r);
    assert_int_equal(pipe_end(&r), -EIO);
    assert_int_equal(r.n_seen, 100);
    assert_int_equal(r.starts, 1); /* a recording is not started again */
}

static void test_restart(void **state)
{
    struct source_info info;

    (void)state;
    for (uint64_t i = 0; i < 10; i++)
        (void)pipe_event(&r, PT_TICK, i);
    r.live = true;
    r.fail_at = 5;
    r.fails_left = 2;
    pipe_start(&r);
    assert_int_equal(pipe_end(&r), 0);
    assert_int_equal(r.n_seen, 12); /* two tell of the failures */
    assert_string_equal(r.seen[5].rule, "Gyr: source failed");
    assert_int_equal(r.seen[5].priority, GYR_PRIO_ERROR);
    assert_non_null(strstr(r.seen[6].text, "started again"));
    assert_non_null(strstr(r.seen[6].text, "source=src failures=2 reason=told to fail"));
    assert_int_equal(r.seen[11].num, 10);
    pipeline_source(r.p, 0, &info);
    assert_int_equal(info.restarts, 2);
    assert_int_equal(r.starts, 3);
    assert_int_equal(r.stops, 3);
}

/* Threads of enrichers go on while the source rests, and when it has ended. */
static void test_idle_is_not_woken(void **state)
{
    uint64_t room[16];
    struct gyr_builder b;
    const struct gyr_event *note;

    (void)state;
    for (uint64_t i = 0; i < 10; i++)
        (void)pipe_event(&r, PT_TICK, i);
    (void)gyr_build_begin(&b, room, sizeof(room), PT_NOTE, 1);
    gyr_build_u64(&b, 7);
    note = gyr_build_end(&b);
    r.live = true;
    r.fail_at = 5;
    r.fails_left = 1;
    pipe_start(&r);
    while (r.stops == 0)
        (void)pipeline_tick(r.p);
    assert_int_equal(r.host->emit(r.host->ctx, note), 0);
    assert_int_equal(r.host->snapshot(r.host->ctx), r.snapshots ? 0 : -ENOTSUP);
    assert_int_equal(pipe_end(&r), 0);
    assert_int_equal(r.stops, 2);
    assert_int_equal(r.host->emit(r.host->ctx, note), 0);
    assert_int_equal(r.woken_idle, 0);
    assert_int_equal(r.n_told, 11); /* the first note came all the same */
}

static void test_given_up(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 10; i++)
        (void)pipe_event(&r, PT_TICK, i);
    r.live = true;
    r.fail_at = 5;
    r.fails_left = UINT32_MAX;
    pipe_start(&r);
    assert_int_equal(pipe_end(&r), -EIO);
    assert_int_equal(r.n_seen, 10);
    assert_int_equal(r.starts, 5);
    assert_string_equal(r.seen[9].rule, "Gyr: source failed");
    assert_int_equal(r.seen[9].priority, GYR_PRIO_CRITICAL);
    assert_string_equal(r.seen[9].text, "A source failed and is given up; nothing is seen any more "
                                        "| source=src failures=5 reason=told to fail");
    assert_non_null(strstr(r.seen[9].json, "\"gyr.failures\":5"));
    assert_non_null(strstr(r.seen[9].json, "\"source\":\"pipe\""));
    assert_non_null(strstr(r.seen[9].json, "\"tags\":[\"gyr\"]"));
}

static void test_stop_while_resting(void **state)
{
    (void)state;
    (void)pipe_event(&r, PT_TICK, 1);
    r.live = true;
    r.fails_left = UINT32_MAX;
    pipe_start(&r);
    while (r.stops == 0) {
        (void)pipeline_tick(r.p);
        (void)usleep(1000);
    }
    pipeline_stop(r.p);
    assert_int_equal(pipe_end(&r), 0);
}

static void test_stop(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 10; i++)
        (void)pipe_event(&r, PT_TICK, i);
    r.hold_at = 5;
    pipe_start(&r);
    assert_true(pipe_wait_seen(&r, 5));
    pipeline_stop(r.p);
    assert_int_equal(pipe_end(&r), 0);
    assert_int_equal(r.n_seen, 5);
}

static void test_emit(void **state)
{
    (void)state;
    pipe_rules(&r,
               PIPE_RULE("tick", "evt.type = tick", "x") PIPE_RULE("note", "evt.type = note", "y"));
    (void)pipe_event(&r, PT_TICK, 1);
    (void)pipe_event(&r, PT_TICK, 2);
    r.per_batch = 2;
    r.emits = true;
    pipe_start(&r);
    assert_int_equal(pipe_end(&r), 0);
    assert_int_equal(r.n_seen, 4);
    /* between two batches, not within */
    assert_string_equal(r.seen[1].rule, "tick");
    assert_string_equal(r.seen[2].rule, "note");
    assert_string_equal(r.seen[3].rule, "note");
    assert_int_equal(r.seen[3].num, 4);
    assert_int_equal(r.seen[3].ts_ns, 1002);
    assert_int_equal(stats_of(&r).emitted, 2);
}

static void test_emit_full(void **state)
{
    (void)state;
    (void)pipe_event(&r, PT_TICK, 1);
    r.emit_flood = 1100;
    pipe_start(&r);
    assert_int_equal(pipe_end(&r), 0);
    assert_int_equal(r.emit_refused, 1100 - 1024);
    assert_int_equal(stats_of(&r).emitted, 1024);
    assert_int_equal(stats_of(&r).emit_refused, 1100 - 1024);
}

static void test_enricher_errors(void **state)
{
    (void)state;
    (void)pipe_event(&r, PT_TICK, 1);
    r.on_event_answer = -EINVAL;
    pipe_start(&r);
    assert_int_equal(pipe_end(&r), 0);
    assert_int_equal(r.n_seen, 1); /* the rules see it all the same */
    assert_int_equal(stats_of(&r).enricher_errors, 1);
}

#define LATE PIPE_RULE("late", "evt.type = tick and fake.v = v", "n=%evt.arg.n")

static void test_parked(void **state)
{
    (void)state;
    pipe_rules(&r, LATE);
    for (uint64_t i = 1; i <= 3; i++)
        (void)pipe_event(&r, PT_TICK, i);
    r.pending = true;
    r.hold_at = 2;
    pipe_start(&r);
    while (stats_of(&r).park.parked < 2)
        (void)usleep(1000);
    assert_int_equal(r.n_seen, 0);
    pipe_answer(&r, 1);
    assert_true(pipe_wait_seen(&r, 1));
    assert_string_equal(r.seen[0].text, "n=1");
    assert_non_null(strstr(r.seen[0].json, "\"metadata\":\"final\""));
    pipe_release(&r, UINT32_MAX); /* the end: the others are decided without it */
    assert_int_equal(pipe_end(&r), 0);
    assert_int_equal(r.n_seen, 1);
    assert_int_equal(stats_of(&r).park.now, 0);
    assert_int_equal(r.open, 0);
}

static void test_park_deadline(void **state)
{
    (void)state;
    pipe_rules(&r, PIPE_RULE("out", "evt.type = tick", "v=%fake.v"));
    (void)pipe_event(&r, PT_TICK, 1);
    (void)pipe_event(&r, PT_TICK, 2);
    r.pending = true;
    r.hold_at = 1;
    r.config.park_deadline_ns = 30000000;
    pipe_start(&r);
    assert_true(pipe_wait_seen(&r, 1)); /* though no event comes */
    assert_string_equal(r.seen[0].text, "v=<NA>");
    assert_int_equal(r.seen[0].metadata, GYR_MD_MISSING);
    assert_non_null(strstr(r.seen[0].json, "\"metadata\":\"missing\""));
    pipe_release(&r, UINT32_MAX);
    assert_int_equal(pipe_end(&r), 0);
    assert_int_equal(r.n_seen, 2); /* the last one at the end */
}

/* A recording ends long before a runtime answers. */
static void test_answer_after_the_end(void **state)
{
    (void)state;
    pipe_rules(&r, PIPE_RULE("out", "evt.type = tick", "v=%fake.v"));
    (void)pipe_event(&r, PT_TICK, 1);
    r.pending = true;
    r.config.park_deadline_ns = 20000000000;
    pipe_start(&r);
    while (stats_of(&r).park.parked < 1)
        (void)usleep(1000);
    pipe_answer(&r, 1);
    assert_true(pipe_wait_seen(&r, 1));
    assert_int_equal(r.seen[0].metadata, GYR_MD_FINAL);
    assert_int_equal(pipe_end(&r), 0);
    assert_int_equal(r.n_seen, 1);
    assert_int_equal(r.open, 0);
}

static void test_reload(void **state)
{
    struct reload_stats stats;

    (void)state;
    pipe_rules(&r, LATE);
    for (uint64_t i = 1; i <= 2; i++)
        (void)pipe_event(&r, PT_TICK, i);
    (void)pipe_event(&r, PT_NOTE, 3);
    r.pending = true;
    r.hold_at = 1;
    pipe_start(&r);
    while (stats_of(&r).park.parked < 1)
        (void)usleep(1000);
    assert_int_equal(pipe_reload(&r, NULL,
                                 PIPE_RULE("late", "evt.type = tick", "new n=%evt.arg.n")
                                     PIPE_RULE("note", "evt.type = note", "new")),
                     0);
    assert_int_equal(pipeline_generation(r.p)->number, 2);
    pipeline_reloads(r.p, &stats);
    assert_int_equal(stats.generation, 2);
    assert_int_equal(stats.succeeded, 1);
    assert_int_equal(stats.failed, 0);
    assert_true(stats.last_ns > 0 && !stats.last_failed);
    pipe_release(&r, 2);
    assert_true(pipe_wait_seen(&r, 1));
    assert_string_equal(r.seen[0].text, "new n=2");
    pipe_answer(&r, 1); /* what was parked is decided by the rules it was parked under */
    assert_true(pipe_wait_seen(&r, 2));
    assert_string_equal(r.seen[1].text, "n=1");
    assert_int_equal(r.seen[1].num, 1);
    assert_int_equal(r.seen[1].ts_ns, 1001);
    pipe_release(&r, UINT32_MAX);
    assert_int_equal(pipe_end(&r), 0);
    assert_int_equal(r.n_seen, 3);
    assert_string_equal(r.seen[2].rule, "note");
}

static void test_reload_refused(void **state)
{
    struct reload_stats stats;

    (void)state;
    (void)pipe_event(&r, PT_TICK, 1);
    (void)pipe_event(&r, PT_TICK, 2);
    r.hold_at = 1;
    r.refuse_arg = true;
    pipe_start(&r);
    assert_true(pipe_wait_seen(&r, 1));
    assert_true(pipe_reload(&r, NULL,
                            PIPE_RULE("new", "evt.type = tick and fake.arg[bad] = v", "new")) < 0);
    assert_true(pipe_told(&r, "'bad' is no good"));
    assert_int_equal(r.diags.first->loc.line, 4);
    pipeline_reloads(r.p, &stats);
    assert_int_equal(stats.generation, 1);
    assert_int_equal(stats.failed, 1);
    assert_true(stats.last_failed);
    assert_non_null(strstr(stats.error, "rules.yaml:4:"));
    assert_non_null(strstr(stats.error, "'bad' is no good"));
    pipe_release(&r, UINT32_MAX);
    assert_int_equal(pipe_end(&r), 0);
    assert_int_equal(r.n_seen, 2);
    assert_string_equal(r.seen[1].rule, "tick");
}

/* Sources that have ended, or were never started, take a new generation too. */
static void test_reload_ended(void **state)
{
    (void)state;
    pipe_start(&r);
    while (!pipeline_is_done(r.p)) {
        (void)pipeline_tick(r.p);
        (void)usleep(1000);
    }
    assert_int_equal(pipe_reload(&r, NULL, LATE), 0);
    assert_int_equal(pipe_end(&r), 0);
}

/* While events flow, rules are swapped many times; each event is decided by one of them. */
static void test_reload_under_load(void **state)
{
    (void)state;
    for (uint64_t i = 1; i <= 4000; i++)
        (void)pipe_event(&r, PT_TICK, i);
    r.per_batch = 1;
    pipe_start(&r);
    for (uint32_t k = 2; k < 12; k++)
        assert_int_equal(
            pipe_reload(&r, NULL, PIPE_RULE("tick", "evt.type = tick", "n=%evt.arg.n")), 0);
    assert_int_equal(pipe_end(&r), 0);
    assert_int_equal(r.n_seen, 4000);
    for (uint32_t i = 0; i < 4000; i++)
        assert_int_equal(r.seen[i].num, i + 1);
}

static void test_filters(void **state)
{
    static const char *const globs[] = {"no*", NULL};
    uint32_t one = 0, two = 0;

    (void)state;
    pipe_rules(&r,
               PIPE_RULE("tick", "evt.type = tick", "x") PIPE_RULE("note", "evt.type = note", "y"));
    (void)pipe_event(&r, PT_TICK, 1);
    (void)pipe_event(&r, PT_NOTE, 2);
    r.outputs[1] = r.outputs[0];
    r.outputs[1].name = "two";
    r.outputs[1].rules = globs;
    r.config.n_outputs = 2;
    pipe_start(&r);
    assert_int_equal(pipe_end(&r), 0);
    for (uint32_t i = 0; i < r.n_seen; i++) {
        one += strcmp(r.seen[i].output, "one") == 0;
        two += strcmp(r.seen[i].output, "two") == 0;
    }
    assert_int_equal(one, 2);
    assert_int_equal(two, 1);
}

static void test_counts(void **state)
{
    struct rule_count *list;

    (void)state;
    pipe_rules(&r,
               PIPE_RULE("tick", "evt.type = tick", "x") PIPE_RULE("note", "evt.type = note", "y"));
    for (uint64_t i = 0; i < 5; i++)
        (void)pipe_event(&r, i < 2 ? PT_TICK : PT_NOTE, i);
    pipe_start(&r);
    assert_int_equal(pipe_end(&r), 0);
    assert_int_equal(pipeline_rule_counts(r.p, &list), 2);
    assert_string_equal(list[0].name, "note");
    assert_int_equal(list[0].n, 3);
    assert_int_equal(list[1].n, 2);
    assert_int_equal(list[1].priority, GYR_PRIO_WARNING);
    free(list);
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
        TEST(test_flow),
        TEST(test_want),
        TEST(test_want_rules),
        TEST(test_numbers_and_times),
        TEST(test_malformed),
        TEST(test_all_malformed),
        TEST(test_loss),
        TEST(test_loss_alerts),
        TEST(test_loss_alert_live),
        TEST(test_loss_alert_filtered),
        TEST(test_failure),
        TEST(test_restart),
        TEST(test_idle_is_not_woken),
        TEST(test_given_up),
        TEST(test_stop_while_resting),
        TEST(test_stop),
        TEST(test_emit),
        TEST(test_emit_full),
        TEST(test_enricher_errors),
        TEST(test_parked),
        TEST(test_park_deadline),
        TEST(test_answer_after_the_end),
        TEST(test_reload),
        TEST(test_reload_refused),
        TEST(test_reload_ended),
        TEST(test_reload_under_load),
        TEST(test_filters),
        TEST(test_counts),
    };

    return cmocka_run_group_tests(tests, quiet, NULL);
}
