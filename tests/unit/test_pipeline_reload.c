/* SPDX-License-Identifier: Apache-2.0 */
/* A configuration taken over while it runs: which outputs go on, come and go, what they keep, what
 * fails whole, and sources that are held up. */
#include "../lib/pipe_rig.h"

#include "base/log.h"
#include "base/privilege.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define TICK PIPE_RULE("tick", "evt.type = tick", "n=%evt.arg.n")

static struct pipe_rig r;
static struct plugin_conf outputs[3];
static struct config next;

/* A configuration with two outputs, "one" as it runs, and "two"; which are to be changed. */
static int setup(void **state)
{
    (void)state;
    pipe_init(&r);
    for (uint32_t i = 0; i < 3; i++)
        outputs[i] = r.outputs[0];
    outputs[1].name = "two";
    outputs[2].name = "three";
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    pipe_free(&r);
    return 0;
}

static void ticks(uint64_t from, uint64_t to)
{
    while (from <= to)
        (void)pipe_event(&r, PT_TICK, from++);
}

static int reload(struct plugin_conf *list, uint32_t n)
{
    next = r.config;
    next.outputs = list;
    next.n_outputs = n;
    return pipe_reload(&r, &next, TICK);
}

static uint32_t seen_by(const char *output, uint64_t from, uint64_t to)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < r.n_seen; i++)
        n += strcmp(r.seen[i].output, output) == 0 && r.seen[i].num >= from && r.seen[i].num <= to;
    return n;
}

static struct output_info info_of(uint32_t i)
{
    struct output_info info;

    pipeline_output(r.p, i, &info);
    return info;
}

static void test_comes_and_goes(void **state)
{
    struct instance *one;

    (void)state;
    ticks(1, 30);
    r.hold_at = 10;
    pipe_start(&r);
    assert_true(pipe_wait_seen(&r, 10));
    one = info_of(0).instance;
    assert_int_equal(reload(outputs, 2), 0);
    assert_ptr_equal(info_of(0).instance, one); /* as it is, with its counters */
    assert_int_equal(info_of(0).stats.delivered, 10);
    assert_int_equal(pipeline_n_outputs(r.p), 2);
    pipe_release(&r, 20);
    assert_true(pipe_wait_seen(&r, 30));
    assert_int_equal(reload(outputs + 1, 1), 0);
    assert_int_equal(pipeline_n_outputs(r.p), 1);
    pipe_release(&r, UINT32_MAX);
    assert_int_equal(pipe_end(&r), 0);
    assert_int_equal(seen_by("one", 1, 20), 20);
    assert_int_equal(seen_by("one", 21, 30), 0);
    assert_int_equal(seen_by("two", 1, 10), 0);
    assert_int_equal(seen_by("two", 11, 30), 20);
}

/* Who has to go delivers what waits. */
static void test_goes_with_alerts(void **state)
{
    (void)state;
    ticks(1, 30);
    r.hold_at = 20;
    pipe_start(&r);
    assert_true(pipe_wait_seen(&r, 20));
    pipe_stick(&r);
    pipe_release(&r, 25);
    while (info_of(0).stats.accepted < 25)
        (void)usleep(1000);
    assert_int_equal(reload(outputs + 1, 1), 0);
    pipe_release(&r, UINT32_MAX);
    pipe_unstick(&r);
    assert_int_equal(pipe_end(&r), 0);
    assert_int_equal(seen_by("one", 1, 25), 25);
    assert_int_equal(seen_by("two", 26, 30), 5);
    assert_int_equal(r.n_seen, 30);
}

static void test_filter_and_options(void **state)
{
    static const char *const none[] = {"nothing", NULL};
    struct instance *one;

    (void)state;
    ticks(1, 30);
    r.hold_at = 10;
    pipe_start(&r);
    one = info_of(0).instance;
    outputs[0].rules = none;
    assert_int_equal(reload(outputs, 1), 0);
    assert_ptr_equal(info_of(0).instance, one);
    pipe_release(&r, 20);
    pipe_wait_at(&r, 20);
    outputs[0].rules = NULL;
    outputs[0].queue = 99; /* this takes another instance */
    assert_int_equal(reload(outputs, 1), 0);
    assert_ptr_not_equal(info_of(0).instance, one);
    pipe_release(&r, UINT32_MAX);
    assert_int_equal(pipe_end(&r), 0);
    assert_int_equal(seen_by("one", 1, 10), 10);
    assert_int_equal(seen_by("one", 11, 20), 0);
    assert_int_equal(seen_by("one", 21, 30), 10);
}

/* An output that goes on knows what it has told of, and how often. */
static void test_windows_stay(void **state)
{
    static const char *const fields[] = {NULL}, *const other[] = {"evt.num", NULL};
    const struct noise_conf dedup = {.dedup = fields, .window_ns = 60000000000};

    (void)state;
    ticks(1, 40);
    r.hold_at = 10;
    r.outputs[0].noise = outputs[0].noise = dedup;
    pipe_start(&r);
    while (info_of(0).stats.suppressed < 9)
        (void)usleep(1000);
    assert_int_equal(reload(outputs, 1), 0);
    pipe_release(&r, 20);
    while (info_of(0).stats.suppressed < 19)
        (void)usleep(1000);
    assert_true(pipe_wait_seen(&r, 1));
    assert_int_equal(r.n_seen, 1);
    outputs[1] = outputs[0];
    outputs[1].noise.dedup = other; /* other windows: those that are open close */
    assert_int_equal(reload(outputs + 1, 1), 0);
    assert_true(pipe_wait_seen(&r, 2));
    assert_non_null(strstr(r.seen[1].text, "(repeated 19 times within 1m"));
    pipe_release(&r, 30);
    while (info_of(0).stats.suppressed < 28)
        (void)usleep(1000);
    assert_true(pipe_wait_seen(&r, 3));
    assert_int_equal(r.n_seen, 3);
    outputs[2] = outputs[1];
    outputs[2].noise = (struct noise_conf){0};
    assert_int_equal(reload(outputs + 2, 1), 0);
    pipe_release(&r, UINT32_MAX);
    assert_int_equal(pipe_end(&r), 0);
    assert_int_equal(r.n_seen, 4 + 10);
}

static void test_mutes_and_matching(void **state)
{
    struct mute mute = {.rule = "tick"};

    (void)state;
    ticks(1, 30);
    r.hold_at = 10;
    pipe_start(&r);
    assert_true(pipe_wait_seen(&r, 10));
    next = r.config;
    next.mutes = &mute;
    next.n_mutes = 1;
    next.first_match_only = true;
    assert_int_equal(pipe_reload(&r, &next, TICK PIPE_RULE("second", "evt.type = tick", "x")), 0);
    pipe_release(&r, 20);
    while (info_of(0).stats.suppressed < 10)
        (void)usleep(1000);
    assert_int_equal(pipe_reload(&r, &r.config, TICK PIPE_RULE("second", "evt.type = tick", "x")),
                     0);
    pipe_release(&r, UINT32_MAX);
    assert_int_equal(pipe_end(&r), 0);
    assert_int_equal(r.n_seen, 10 + 20); /* none, then two for each */
}

static void test_all_or_nothing(void **state)
{
    static const char broken[] = "- rule: tick\n  desc: d\n  source: pipe\n"
                                 "  condition: evt.tipe = tick\n  output: x\n  priority: debug\n";
    struct reload_stats stats;

    (void)state;
    ticks(1, 30);
    r.hold_at = 10;
    pipe_start(&r);
    outputs[1].plugin = "nowhere";
    next = r.config;
    next.outputs = outputs;
    next.n_outputs = 3; /* the third would do */
    assert_true(pipe_reload(&r, &next, broken) < 0);
    assert_true(pipe_told(&r, "output 'nowhere': no plugin 'nowhere'"));
    assert_true(pipe_told(&r, "unknown field 'evt.tipe'; did you mean")); /* and that */
    pipeline_reloads(r.p, &stats);
    assert_int_equal(stats.failed, 1);
    assert_int_equal(stats.generation, 1);
    assert_int_equal(pipeline_n_outputs(r.p), 1);
    pipe_release(&r, UINT32_MAX);
    assert_int_equal(pipe_end(&r), 0);
    assert_int_equal(r.n_seen, 30);
    assert_int_equal(seen_by("one", 1, 30), 30);
}

/* Who gets the alerts of the machine hears of it, with the place; of a recording's, it does not. */
static void test_failure_is_alerted(void **state)
{
    const struct pipe_seen *a = &r.seen[10];

    (void)state;
    ticks(1, 20);
    r.hold_at = 10;
    r.live = true;
    pipe_start(&r);
    assert_true(pipe_wait_seen(&r, 10));
    assert_true(pipe_reload(&r, &r.config, "- rule: x\n") < 0);
    assert_true(pipe_wait_seen(&r, 11));
    assert_string_equal(a->rule, "Gyr: reload failed");
    assert_int_equal(a->priority, GYR_PRIO_WARNING);
    assert_non_null(strstr(a->text, "could not be loaded anew"));
    assert_non_null(strstr(a->text, ":1:3: rule 'x' has no"));
    pipe_release(&r, UINT32_MAX);
    assert_int_equal(pipe_end(&r), 0);
    assert_int_equal(r.n_seen, 21);
}

/* An output that cannot be made has a queue and no instance; its neighbours have both. */
static void test_wrong_options(void **state)
{
    struct ynode key = {.kind = Y_SCALAR, .str = "speed", .len = 5},
                 value = {.kind = Y_SCALAR, .str = "high", .len = 4};
    struct ynode *items[] = {&key, &value};
    struct ynode map = {.kind = Y_MAP, .items = items, .n = 1};

    (void)state;
    ticks(1, 30);
    r.hold_at = 10;
    pipe_start(&r);
    outputs[1].options = &map;
    assert_true(reload(outputs, 3) < 0);
    assert_true(pipe_told(&r, "takes no options, and so not 'speed'"));
    assert_int_equal(r.diags.n_errors, 1);
    assert_int_equal(pipeline_n_outputs(r.p), 1);
    outputs[1].options = NULL;
    assert_int_equal(reload(outputs, 3), 0);
    pipe_release(&r, UINT32_MAX);
    assert_int_equal(pipe_end(&r), 0);
    assert_int_equal(seen_by("one", 1, 30), 30);
}

/* A source waits for an output that takes nothing: it cannot be asked, and nothing changes. */
static void test_held_up(void **state)
{
    struct reload_stats stats;

    (void)state;
    ticks(1, 100);
    r.outputs[0].queue = outputs[0].queue = 1;
    r.stuck = true;
    pipe_start(&r);
    while (info_of(0).stats.accepted < 1)
        (void)usleep(1000);
    (void)usleep(20000);
    assert_int_equal(reload(outputs, 2), -EBUSY);
    assert_true(pipe_told(&r, "source 'src': an output that takes no more alerts holds it up"));
    pipe_unstick(&r);
    assert_int_equal(reload(outputs, 1), 0);
    pipeline_reloads(r.p, &stats);
    assert_int_equal(stats.generation, 2);
    assert_int_equal(pipe_end(&r), 0);
    assert_int_equal(r.n_seen, 100);
}

/* It was ready, and is held up then: the new generation is in force as soon as it goes on. */
static void test_held_up_late(void **state)
{
    (void)state;
    ticks(1, 100);
    r.outputs[0].queue = outputs[0].queue = 1;
    r.per_batch = 50;
    r.hold_at = 1;
    pipe_start(&r);
    assert_true(pipe_wait_seen(&r, 1));
    pipe_stick_at_want(&r);
    assert_int_equal(reload(outputs, 2), 0);
    assert_int_equal(pipeline_generation(r.p)->number, 2);
    assert_int_equal(pipeline_n_outputs(r.p), 1);
    assert_int_equal(pipe_reload(&r, &next, TICK), -EBUSY);
    assert_true(pipe_told(&r, "is not in force everywhere yet"));
    pipe_unstick(&r);
    assert_int_equal(pipe_end(&r), 0);
    assert_int_equal(pipeline_n_outputs(r.p), 2);
    assert_int_equal(seen_by("one", 1, 100), 100);
    assert_int_equal(seen_by("two", 1, 51), 0); /* of the batch in which it was held up */
    assert_int_equal(seen_by("two", 52, 100), 49);
}

/* Not even then does it hinder the end. */
static void test_end_while_held_up(void **state)
{
    (void)state;
    ticks(1, 100);
    r.outputs[0].queue = outputs[0].queue = 1;
    r.hold_at = 1;
    pipe_start(&r);
    assert_true(pipe_wait_seen(&r, 1));
    pipe_stick_at_want(&r);
    assert_int_equal(reload(outputs, 2), 0);
    pipeline_stop(r.p);
    pipe_unstick(&r);
    assert_int_equal(pipe_end(&r), 0);
    assert_int_equal(pipeline_n_outputs(r.p), 2);
}

static void test_fixed_is_told(void **state)
{
    struct plugin_conf source, enrichers[2];
    struct ynode options = {.kind = Y_SCALAR, .str = "x", .len = 1};

    (void)state;
    ticks(1, 2);
    r.hold_at = 1;
    pipe_start(&r);
    source = r.config.sources[0];
    source.options = &options;
    enrichers[0] = r.config.enrichers[0];
    enrichers[0].name = "another";
    next = r.config;
    next.sources = &source;
    next.enrichers = enrichers;
    next.n_enrichers = 1;
    next.hostname = "elsewhere";
    assert_int_equal(pipe_reload(&r, &next, TICK), 0);
    assert_true(pipe_told(&r, "source 'src' has changed: it goes on as it was"));
    assert_true(pipe_told(&r, "enricher 'another' is new"));
    assert_true(pipe_told(&r, "enricher 'enr' is gone"));
    assert_true(pipe_told(&r, "'hostname' has changed"));
    assert_int_equal(r.diags.n_warnings, 4);
    enrichers[1] = enrichers[0];
    enrichers[0] = r.config.enrichers[0];
    next.n_enrichers = 2; /* told of as long as it is so; the order of what is there is the same */
    assert_int_equal(pipe_reload(&r, &next, TICK), 0);
    assert_int_equal(r.diags.n_warnings, 3);
    pipe_release(&r, UINT32_MAX);
    assert_int_equal(pipe_end(&r), 0);
}

/* Each with memory of its own, as `gyr run` does; what one made of another's is kept alive. */
static void test_many(void **state)
{
    (void)state;
    ticks(1, 1500); /* both outputs together stay below PIPE_SEEN */
    r.per_batch = 1;
    pipe_start(&r);
    for (uint32_t k = 0; k < 200; k++) {
        struct arena *a = arena_new(1 << 20);
        struct config *c = arena_alloc(a, sizeof(*c));

        *c = r.config;
        config_own(c, a);
        c->outputs = arena_array(a, 2, sizeof(outputs[0]));
        c->outputs[0] = outputs[0];
        c->outputs[0].name = arena_strdup(a, "one");
        c->outputs[0].rules = arena_array(a, 2, sizeof(char *));
        ((const char **)(uintptr_t)c->outputs[0].rules)[0] = arena_strdup(a, "t*");
        c->outputs[1] = outputs[1];
        c->outputs[1].name = arena_strdup(a, k % 3 ? "two" : "three");
        c->n_outputs = 2;
        assert_int_equal(pipe_reload(&r, c, TICK), 0);
        config_unref(c);
        (void)pipeline_tick(r.p);
        if (k == 100)
            assert_true(pipe_wait_seen(&r, 100));
    }
    assert_int_equal(pipeline_generation(r.p)->number, 201);
    assert_int_equal(pipe_end(&r), 0);
    assert_int_equal(seen_by("one", 1, 1500), 1500);
}

/* The last one: what is given up does not come back. */
static void test_privileges_are_gone(void **state)
{
    const uint64_t sys_time = UINT64_C(1) << 25;
    struct gyr_error err = {0};

    (void)state;
    ticks(1, 2);
    r.hold_at = 1;
    pipe_start(&r);
    r.output_plugin.desc.capabilities = "CAP_SYS_TIME";
    assert_int_equal(privilege_drop(privilege_effective() & ~sys_time, &err), 0);
    assert_true(reload(outputs, 2) < 0);
    assert_true(pipe_told(&r, "output 'two' needs CAP_SYS_TIME, which this process does not have"));
    assert_int_equal(r.diags.n_errors, 1); /* the other has what it needs */
    pipe_release(&r, UINT32_MAX);
    assert_int_equal(pipe_end(&r), 0);
    assert_int_equal(r.n_seen, 2);
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
        TEST(test_comes_and_goes),
        TEST(test_goes_with_alerts),
        TEST(test_filter_and_options),
        TEST(test_windows_stay),
        TEST(test_mutes_and_matching),
        TEST(test_all_or_nothing),
        TEST(test_failure_is_alerted),
        TEST(test_wrong_options),
        TEST(test_held_up),
        TEST(test_held_up_late),
        TEST(test_end_while_held_up),
        TEST(test_fixed_is_told),
        TEST(test_many),
        TEST(test_privileges_are_gone),
    };

    return cmocka_run_group_tests(tests, quiet, NULL);
}
