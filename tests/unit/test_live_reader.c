/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the above first */
#include "../lib/fake_host.h"
#include "../lib/fake_ring.h"
#include "../lib/proc_rig.h"
#include "live/live.h"

#include <cmocka.h>
#include <errno.h>
#include <gyr/util.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum { N_RINGS = 2, N_CPUS = 2, CAP = 64, BOOT_NS = 1000000000 };

/* A driver whose kernel is this test. */
static struct {
    struct fake_ring rings[N_RINGS];
    struct probe_count real[N_CPUS], counts[N_CPUS];
    uint32_t flags, n_flags, n_waits;
    int fd, refuses;
    bool waits;
} drv;

static struct fake_host host;
static struct live live;
static char root[64];
static const struct gyr_event *slots[CAP];
static struct gyr_batch batch;
static struct gyr_error err;

static uint64_t now_ns(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_BOOTTIME, &ts);
    return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static int set_event_flags(void *self, uint32_t flags, struct gyr_error *e)
{
    assert_ptr_equal(self, &drv);
    if (drv.refuses)
        return gyr_fail(e, drv.refuses, "it does not take flags");
    drv.flags = flags;
    drv.n_flags++;
    return 0;
}

static void set_waiting(void *self, bool waits)
{
    assert_ptr_equal(self, &drv);
    assert_true(waits != drv.waits);
    drv.n_waits += waits;
    drv.waits = waits;
}

static void count(void *self)
{
    (void)self;
    memcpy(drv.counts, drv.real, sizeof(drv.counts));
}

static int start(void)
{
    const struct live_driver d = {.self = &drv,
                                  .counts = drv.counts,
                                  .n_cpus = N_CPUS,
                                  .boot_ns = BOOT_NS,
                                  .fd = drv.fd,
                                  .waiting = set_waiting,
                                  .set_event_flags = set_event_flags,
                                  .count = count};
    const struct proc_conf pc = {.host_root = root, .boot_ns = BOOT_NS};
    struct ring_place places[N_RINGS];
    struct proc_snapshot *proc;

    for (uint32_t i = 0; i < N_RINGS; i++)
        places[i] = fake_ring_place(&drv.rings[i]);
    assert_int_equal(proc_snapshot_new(&pc, &proc, &err), 0);
    return live_start(&live, &d, places, N_RINGS, proc, &err);
}

static int setup(void **state)
{
    (void)state;
    memset(&drv, 0, sizeof(drv));
    for (uint32_t i = 0; i < N_RINGS; i++)
        fake_ring_make(&drv.rings[i]);
    drv.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    drv.flags = 0xdead;
    proc_rig_root(root);
    proc_rig_add(root, 1, 0, "init");
    proc_rig_add(root, 77, 1, "shell");
    fake_host_init(&host);
    assert_int_equal(live_init(&live, &host.host, &err), 0);
    fake_ring_put(&drv.rings[0], 1, 48, 0); /* of a reader before us */
    return start();
}

static int teardown(void **state)
{
    (void)state;
    live_stop(&live);
    live_stop(&live);
    live_free(&live);
    for (uint32_t i = 0; i < N_RINGS; i++)
        fake_ring_free(&drv.rings[i]);
    (void)close(drv.fd);
    proc_rig_remove(root);
    (void)fake_host_free(&host);
    return 0;
}

static int next(uint32_t timeout_ms)
{
    batch = (struct gyr_batch){
        .size = sizeof(batch), .cap = CAP, .timeout_ms = timeout_ms, .ev = slots};
    return live_next_batch(&live, &batch, &err);
}

/* A record of now, made so long ago that it can be handed on. */
static void put(uint32_t ring, uint64_t seq)
{
    (void)fake_ring_put(&drv.rings[ring], now_ns() - 100000000 + seq + BOOT_NS, 48, 0);
}

/* Batches until the snapshot is over. @return how many processes it told of. */
static uint32_t read_snapshot(bool brackets)
{
    uint32_t n = 0, begins = 0, ends = 0;

    for (int i = 0; i < 100 && live.in_snapshot; i++) {
        assert_int_equal(next(1), 0);
        for (uint32_t k = 0; k < batch.n; k++) {
            begins += batch.ev[k]->type == GYR_EV_SNAPSHOT_BEGIN;
            ends += batch.ev[k]->type == GYR_EV_SNAPSHOT_END;
            n += batch.ev[k]->nparams > 10 && batch.ev[k]->flags & GYR_EVF_SNAPSHOT;
        }
    }
    assert_false(live.in_snapshot);
    assert_int_equal(begins, brackets);
    assert_int_equal(ends, brackets);
    return n;
}

static void begin(void)
{
    assert_int_equal(live_before_want(&live, &err), 0);
    live_after_want(&live);
    (void)read_snapshot(true);
}

/* What is traced while the snapshot is read only builds state, and comes behind it. */
static void snapshot_first(void **state)
{
    (void)state;
    assert_int_equal(next(1), 0);
    assert_int_equal(batch.n, 0); /* what an earlier reader left is not ours */
    assert_int_equal(live_before_want(&live, &err), 0);
    assert_int_equal(drv.flags, GYR_EVF_SNAPSHOT);
    put(0, 1);
    live_after_want(&live);
    assert_int_equal(read_snapshot(true), 2);
    assert_int_equal(drv.flags, 0);
    assert_int_equal(fake_ring_taken(&drv.rings[0]), 56); /* nothing of it was taken meanwhile */
    assert_int_equal(next(1), 0);
    assert_int_equal(batch.n, 1);
    /* what a reload wants changes neither */
    assert_int_equal(live_before_want(&live, &err), 0);
    live_after_want(&live);
    assert_int_equal(drv.n_flags, 2);
    assert_false(live.in_snapshot);
}

static void in_order(void **state)
{
    (void)state;
    begin();
    put(1, 30);
    put(0, 10);
    put(0, 20);
    assert_int_equal(next(1), 0);
    assert_int_equal(batch.n, 3);
    for (uint32_t i = 1; i < 3; i++)
        assert_true(batch.ev[i - 1]->ts_ns <= batch.ev[i]->ts_ns);
    (void)fake_ring_put(&drv.rings[0], now_ns() + 5000000000 + BOOT_NS, 48, 0);
    assert_int_equal(next(1), 0);
    assert_int_equal(batch.n, 0); /* of later than now: others may be still being written */
}

/* Told by class and CPU, and the state is read anew: once, at once after the first. */
static void losses_heal(void **state)
{
    uint64_t v;

    (void)state;
    drv.real[1].lost[PROBE_STATE] = 3;
    begin();
    assert_int_equal(next(1), 0); /* the losses come with the first look */
    assert_true(batch.n >= 1 && batch.ev[0]->type == GYR_EV_LOSS);
    assert_int_equal(batch.ev[0]->cpu, 1);
    assert_int_equal(gyr_param_u64(batch.ev[0], 2, &v), 1);
    assert_int_equal(v, 3);
    assert_int_equal(fake_host_metric(&host, "snapshots_after_loss"), 1);
    put(0, 1);
    (void)read_snapshot(batch.ev[1]->type != GYR_EV_SNAPSHOT_BEGIN);
    drv.real[1].lost[PROBE_STATE] = 4;
    live.loss_ns = 0;
    assert_int_equal(next(1), 0);
    assert_int_equal(batch.ev[0]->type, GYR_EV_LOSS);
    assert_int_equal(fake_host_metric(&host, "snapshots_after_loss"), 1); /* not so soon */
    live.healed_ns = 0;
    assert_int_equal(next(1), 0);
    assert_int_equal(fake_host_metric(&host, "snapshots_after_loss"), 2);
}

static void asked_for_one(void **state)
{
    (void)state;
    begin();
    for (int64_t tid = 100; tid < 100 + LIVE_ASKED_MAX - 1; tid++)
        assert_int_equal(live_snapshot_thread(&live, tid), 0);
    assert_int_equal(live_snapshot_thread(&live, 77), 0);
    assert_int_equal(live_snapshot_thread(&live, 77), 0); /* known */
    assert_int_equal(live_snapshot_thread(&live, 78), -EAGAIN);
    assert_int_equal(next(1), 0);
    assert_int_equal(fake_host_metric(&host, "threads_asked_for"), 1);
    assert_true(batch.n >= 1);
    assert_int_equal(batch.ev[0]->tid, 77);
    (void)live_snapshot(&live); /* the whole, when an enricher asks */
    (void)read_snapshot(true);
}

/* It rests when nothing comes, and what comes, or wake(), ends that. */
static void rests(void **state)
{
    uint64_t since, one = 1;
    int tries = 0;

    (void)state;
    begin();
    live.naps = 1000;
    since = now_ns();
    assert_int_equal(next(60), 0);
    assert_true(now_ns() - since >= 50000000);
    assert_int_equal(drv.n_waits, 1);
    assert_false(drv.waits);
    do { /* without it the quarter of a second would be slept through; it is but one try's */
        live_wake(&live);
        since = now_ns();
        assert_int_equal(next(100000), 0);
    } while (now_ns() - since >= 200000000 && ++tries < 20);
    assert_true(tries < 20);
    assert_int_equal(write(drv.fd, &one, sizeof(one)), sizeof(one));
    put(0, 1);
    assert_int_equal(next(100000), 0);
    assert_int_equal(batch.n, 1);
    assert_int_equal(live.naps, 0);
    since = now_ns();
    assert_int_equal(next(100000), 0); /* a nap, though the driver's fd is readable */
    assert_true(now_ns() - since >= 4000000);
}

static void damaged(void **state)
{
    uint64_t at;

    (void)state;
    begin();
    put(0, 1);
    at = fake_ring_put(&drv.rings[0], now_ns(), 48, 0);
    fake_ring_head(&drv.rings[0], at, 4096, 0);
    put(1, 2);
    assert_int_equal(next(1), 0);
    assert_int_equal(batch.n, 2); /* first what was whole */
    assert_int_equal(next(1), -EBADMSG);
    assert_non_null(strstr(err.msg, "a ring holds what the driver cannot have written"));
}

static void driver_refuses(void **state)
{
    (void)state;
    drv.refuses = -EIO;
    assert_int_equal(live_before_want(&live, &err), -EIO);
    drv.refuses = 0;
    assert_int_equal(live_before_want(&live, &err), 0);
    live_after_want(&live);
    drv.refuses = -EIO;
    for (int i = 0, r = 0; r == 0; i++) {
        r = next(1);
        assert_true(r == 0 || r == -EIO);
        assert_true(i < 100);
    }
    assert_string_equal(err.msg, "it does not take flags");
}

/* Stopped and started again it begins with a snapshot again. */
static void again(void **state)
{
    (void)state;
    begin();
    put(0, 1);
    live_stop(&live);
    assert_int_equal(start(), 0);
    begin();
    assert_int_equal(next(1), 0);
    assert_int_equal(batch.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(snapshot_first, setup, teardown),
        cmocka_unit_test_setup_teardown(in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(losses_heal, setup, teardown),
        cmocka_unit_test_setup_teardown(asked_for_one, setup, teardown),
        cmocka_unit_test_setup_teardown(rests, setup, teardown),
        cmocka_unit_test_setup_teardown(damaged, setup, teardown),
        cmocka_unit_test_setup_teardown(driver_refuses, setup, teardown),
        cmocka_unit_test_setup_teardown(again, setup, teardown),
    };

    return cmocka_run_group_tests_name("live_reader", tests, NULL, NULL);
}
