/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the above first */
#include "event/event.h"
#include "live/loss.h"
#include "syscall/syscall.h"

#include <cmocka.h>
#include <string.h>

enum { CPUS = 100, CAP = 128, TS = 12345 };

static struct probe_count counts[CPUS];
static struct losses losses;
static struct schemas schemas;
static const struct schema *schema;
static const struct gyr_event *slots[CAP];

static int setup(void **state)
{
    struct gyr_error err;

    (void)state;
    memset(counts, 0, sizeof(counts));
    if (schemas_add(&schemas, &syscall_schema, "ebpf", &err) < 0)
        return -1;
    schema = schemas_find(&schemas, "syscall");
    return losses_init(&losses, counts, CPUS, &err);
}

static int teardown(void **state)
{
    (void)state;
    losses_free(&losses);
    schemas_free(&schemas);
    return 0;
}

/* Take at most @p cap, and check each as the core does. @return how many. */
static uint32_t take(uint32_t cap, uint32_t *ret_classes)
{
    struct gyr_batch b = {.size = sizeof(b), .cap = cap, .ev = slots};
    struct gyr_error err = {0};

    *ret_classes = losses_take(&losses, &b, TS);
    for (uint32_t i = 0; i < b.n; i++) {
        if (event_check(b.ev[i], sizeof(struct loss), schema, &err) < 0)
            fail_msg("%s", err.msg);
        assert_int_equal(b.ev[i]->type, GYR_EV_LOSS);
        assert_int_equal(b.ev[i]->ts_ns, TS);
        assert_true(b.ev[i]->flags & GYR_EVF_INTERNAL);
    }
    return b.n;
}

static void is(uint32_t i, uint64_t class, uint64_t cpu, uint64_t count)
{
    static const uint32_t widths[] = {4, 2, 8};
    const uint64_t want[] = {class, cpu, count};

    assert_int_equal(slots[i]->cpu, cpu);
    assert_int_equal(slots[i]->nparams, 3);
    for (uint32_t k = 0; k < 3; k++) {
        uint32_t len;
        uint64_t got;

        (void)gyr_param(slots[i], k, &len);
        assert_int_equal(len, widths[k]);
        assert_int_equal(gyr_param_u64(slots[i], k, &got), 1);
        assert_int_equal(got, want[k]);
    }
}

static void nothing_lost(void **state)
{
    uint32_t classes;

    (void)state;
    assert_int_equal(take(CAP, &classes), 0);
    assert_int_equal(classes, 0);
}

static void only_what_is_new(void **state)
{
    uint32_t classes;

    (void)state;
    counts[3].lost[PROBE_OTHER] = 70000;
    assert_int_equal(take(CAP, &classes), 1);
    assert_int_equal(classes, 1 << PROBE_OTHER);
    is(0, GYR_LOSS_OTHER, 3, 70000);
    assert_int_equal(take(CAP, &classes), 0);
    counts[3].lost[PROBE_OTHER] += 5;
    counts[99].lost[PROBE_STATE] = UINT64_C(1) << 40;
    assert_int_equal(take(CAP, &classes), 2);
    assert_int_equal(classes, 1 << PROBE_OTHER | 1 << PROBE_STATE);
    is(0, GYR_LOSS_OTHER, 3, 5);
    is(1, GYR_LOSS_STATE, 99, UINT64_C(1) << 40);
}

/* Another reader has told of what was lost before. */
static void lost_before(void **state)
{
    struct gyr_error err;
    uint32_t classes;

    (void)state;
    losses_free(&losses);
    counts[7].lost[PROBE_STATE] = 1000;
    assert_int_equal(losses_init(&losses, counts, CPUS, &err), 0);
    assert_int_equal(take(CAP, &classes), 0);
    counts[7].lost[PROBE_STATE]++;
    assert_int_equal(take(CAP, &classes), 1);
    is(0, GYR_LOSS_STATE, 7, 1);
}

/* What there is no room for is told the next time, none of it twice. */
static void little_room(void **state)
{
    uint64_t sum = 0, v = 0;
    uint32_t classes, n, turns = 0;

    (void)state;
    for (uint32_t i = 0; i < CPUS; i++)
        counts[i].lost[PROBE_STATE] = i + 1;
    assert_int_equal(take(0, &classes), 0);
    assert_int_equal(classes, 0);
    assert_int_equal(take(1, &classes), 1);
    is(0, GYR_LOSS_STATE, 0, 1);
    for (sum = 1; (n = take(CAP, &classes)) > 0; turns++)
        for (uint32_t i = 0; i < n; i++) {
            assert_int_equal(gyr_param_u64(slots[i], 2, &v), 1);
            sum += v;
        }
    assert_int_equal(turns, 2); /* 64 at a time */
    assert_int_equal(sum, CPUS * (CPUS + 1) / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_lost, setup, teardown),
        cmocka_unit_test_setup_teardown(only_what_is_new, setup, teardown),
        cmocka_unit_test_setup_teardown(lost_before, setup, teardown),
        cmocka_unit_test_setup_teardown(little_room, setup, teardown),
    };

    return cmocka_run_group_tests_name("live_loss", tests, NULL, NULL);
}
