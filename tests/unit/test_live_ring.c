/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the above first */
#include "../lib/fake_ring.h"

#include <gyr/event.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    RINGS_MAX = 64,
    SLOT_MIN = 64,
    SIZE = FAKE_SIZE,
    BUSY = FAKE_BUSY,
    DISCARDED = FAKE_DISCARDED
};

static struct fake_ring fakes[RINGS_MAX];
static struct rings rings;
static uint32_t n_fakes;
static const struct gyr_event *got[4096];

static void open_rings(uint32_t n)
{
    struct ring_place places[RINGS_MAX];
    struct gyr_error err = {0};

    for (uint32_t i = 0; i < n; i++)
        places[i] = fake_ring_place(&fakes[i]);
    assert_int_equal(rings_init(&rings, places, n, &err), 0);
}

static void make_rings(uint32_t n)
{
    for (n_fakes = 0; n_fakes < n; n_fakes++)
        fake_ring_make(&fakes[n_fakes]);
    open_rings(n);
}

static void free_rings(void)
{
    rings_free(&rings);
    for (uint32_t i = 0; i < n_fakes; i++)
        fake_ring_free(&fakes[i]);
    n_fakes = 0;
}

static int teardown(void **state)
{
    (void)state;
    free_rings();
    return 0;
}

static int take_until(uint64_t horizon)
{
    return rings_take(&rings, horizon, got, sizeof(got) / sizeof(got[0]));
}

static int take(void)
{
    return take_until(UINT64_MAX);
}

static void nothing_there(void **state)
{
    (void)state;
    make_rings(3);
    assert_false(rings_any(&rings));
    assert_int_equal(take(), 0);
    rings_release(&rings);
    assert_int_equal(fake_ring_taken(&fakes[0]), 0);
}

static void lent_until_released(void **state)
{
    (void)state;
    make_rings(1);
    (void)fake_ring_put(&fakes[0], 5, 64, 0);
    (void)fake_ring_put(&fakes[0], 6, 48, 0);
    assert_true(rings_any(&rings));
    assert_int_equal(take(), 2);
    assert_int_equal(got[0]->ts_ns, 5);
    assert_int_equal(got[1]->ts_ns, 6);
    fake_ring_is_whole(got[0]);
    assert_int_equal(fake_ring_taken(&fakes[0]), 0); /* the writers must not have the room yet */
    assert_false(rings_any(&rings));
    rings_release(&rings);
    assert_int_equal(fake_ring_taken(&fakes[0]), fakes[0].made);
    assert_int_equal(take(), 0);
}

/* As many as are asked for; the rest stays. */
static void a_few_at_a_time(void **state)
{
    (void)state;
    make_rings(2);
    for (uint64_t i = 0; i < 10; i++)
        (void)fake_ring_put(&fakes[i % 2], i, 56, 0);
    assert_int_equal(rings_take(&rings, UINT64_MAX, got, 0), 0);
    for (uint64_t i = 0; i < 9; i += 3) {
        assert_int_equal(rings_take(&rings, UINT64_MAX, got, 3), 3);
        for (uint64_t k = 0; k < 3; k++)
            assert_int_equal(got[k]->ts_ns, i + k);
        rings_release(&rings);
        assert_int_equal(fake_ring_taken(&fakes[0]) + fake_ring_taken(&fakes[1]), (i + 3) * 64);
    }
    assert_int_equal(take(), 1);
    assert_int_equal(got[0]->ts_ns, 9);
}

/* A record that is being written holds back its own ring, and no other. */
static void busy(void **state)
{
    uint64_t at;

    (void)state;
    make_rings(2);
    (void)fake_ring_put(&fakes[0], 1, 48, 0);
    at = fake_ring_put(&fakes[0], 2, 48, BUSY);
    (void)fake_ring_put(&fakes[0], 4, 48, 0);
    (void)fake_ring_put(&fakes[1], 3, 48, 0);
    assert_int_equal(take(), 2);
    assert_int_equal(got[0]->ts_ns, 1);
    assert_int_equal(got[1]->ts_ns, 3);
    rings_release(&rings);
    assert_int_equal(fake_ring_taken(&fakes[0]), at);
    assert_int_equal(take(), 0);
    assert_false(rings_any(&rings));
    fake_ring_head(&fakes[0], at, 48, 0);
    assert_true(rings_any(&rings));
    assert_int_equal(take(), 2);
    assert_int_equal(got[0]->ts_ns, 2);
    assert_int_equal(got[1]->ts_ns, 4);
}

/* Discarded ones are passed over, and their room is given back. */
static void discarded(void **state)
{
    uint64_t at;

    (void)state;
    make_rings(1);
    (void)fake_ring_put(&fakes[0], 1, 48, DISCARDED);
    (void)fake_ring_put(&fakes[0], 2, 104, DISCARDED);
    (void)fake_ring_put(&fakes[0], 3, 48, 0);
    at = fake_ring_put(&fakes[0], 4, 80, BUSY);
    (void)fake_ring_put(&fakes[0], 5, 48, DISCARDED);
    assert_int_equal(take(), 1);
    assert_int_equal(got[0]->ts_ns, 3);
    fake_ring_head(&fakes[0], at, 80, DISCARDED);
    assert_false(rings_any(&rings));
    rings_release(&rings);
    assert_int_equal(fake_ring_taken(&fakes[0]), fakes[0].made);
}

/* Around the end of the ring many times, in records of every size, each in one piece. */
static void wrapped(void **state)
{
    uint32_t over_the_end = 0;

    (void)state;
    make_rings(1);
    for (uint64_t i = 0; i < 2000; i++) {
        uint32_t len = 48 + (uint32_t)(i * 8 % 1000);
        uint64_t at = fake_ring_put(&fakes[0], i, len, 0);

        over_the_end += at % SIZE + 8 + len > SIZE;
        assert_int_equal(take(), 1);
        assert_int_equal(got[0]->ts_ns, i);
        assert_int_equal(got[0]->len, len);
        fake_ring_is_whole(got[0]);
        rings_release(&rings);
        assert_int_equal(fake_ring_taken(&fakes[0]), fakes[0].made);
    }
    assert_true(over_the_end > 100);
}

/* Full to the last byte, and nothing behind what was made is believed. */
static void full(void **state)
{
    (void)state;
    make_rings(1);
    for (uint64_t i = 0; i < SIZE / SLOT_MIN; i++)
        (void)fake_ring_put(&fakes[0], i, SLOT_MIN - 8, 0);
    assert_int_equal(take(), SIZE / SLOT_MIN);
    rings_release(&rings);
    /* heads of the round before stand there, as good as new */
    assert_int_equal(take(), 0);
    assert_false(rings_any(&rings));
    (void)fake_ring_put(&fakes[0], 7, SLOT_MIN - 8, 0);
    assert_int_equal(take(), 1);
    assert_int_equal(got[0]->ts_ns, 7);
}

/* What is younger than the horizon waits, in whichever ring; what is as old does not. */
static void horizon(void **state)
{
    (void)state;
    make_rings(2);
    (void)fake_ring_put(&fakes[0], 10, 48, 0);
    (void)fake_ring_put(&fakes[0], 20, 48, 0);
    (void)fake_ring_put(&fakes[1], 15, 48, 0);
    (void)fake_ring_put(&fakes[1], 21, 48, 0);
    assert_int_equal(take_until(9), 0);
    assert_true(rings_any(&rings));
    assert_int_equal(take_until(20), 3);
    assert_int_equal(got[1]->ts_ns, 15);
    assert_int_equal(got[2]->ts_ns, 20);
    (void)fake_ring_put(&fakes[0], 20, 48, 0); /* late, and old enough */
    assert_int_equal(take_until(20), 1);
    assert_int_equal(take(), 1);
    assert_int_equal(got[0]->ts_ns, 21);
}

/* Any number of rings, each in order, become one stream in order that has all. */
static void merged(void **state)
{
    static const uint32_t counts[] = {1, 2, 3, 7, 16, 63, 64};

    (void)state;
    srand(7);
    for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
        uint64_t ts[RINGS_MAX] = {0}, last = 0, newest = 0, put_in = 0, came = 0;

        make_rings(counts[c]);
        for (uint32_t round = 0; round < 20; round++) {
            uint64_t horizon_ns = UINT64_MAX;
            uint32_t n;

            for (uint32_t i = 0; i < counts[c]; i++) {
                for (int k = rand() % 20; k > 0; k--, put_in++)
                    (void)fake_ring_put(&fakes[i], ts[i] += (uint64_t)(rand() % 50), 48, 0);
                horizon_ns = ts[i] < horizon_ns ? ts[i] : horizon_ns;
                newest = ts[i] > newest ? ts[i] : newest;
            }
            if (round == 19)
                horizon_ns = UINT64_MAX;
            while ((n = rings_take(&rings, horizon_ns, got, 1 + (uint32_t)(rand() % 40))) > 0) {
                for (uint32_t i = 0; i < n; i++) {
                    assert_true(got[i]->ts_ns >= last && got[i]->ts_ns <= horizon_ns);
                    last = got[i]->ts_ns;
                }
                came += n;
                rings_release(&rings);
            }
            for (uint32_t i = 0; i < counts[c]; i++) /* none so far behind that others fill up */
                ts[i] = ts[i] + 300 < newest ? newest - 300 : ts[i];
        }
        assert_int_equal(came, put_in);
        free_rings();
    }
}

/* A reader goes on where one before it stopped. */
static void taken_over(void **state)
{
    (void)state;
    make_rings(1);
    (void)fake_ring_put(&fakes[0], 1, 48, 0);
    (void)fake_ring_put(&fakes[0], 2, 48, 0);
    assert_int_equal(rings_take(&rings, UINT64_MAX, got, 1), 1);
    rings_release(&rings);
    rings_free(&rings);
    open_rings(1);
    assert_int_equal(take(), 1);
    assert_int_equal(got[0]->ts_ns, 2);
}

/* What a driver cannot have written ends in an error, and nothing of it is followed. What came
 * before it is handed over. */
static void damaged(void **state)
{
    static const struct {
        uint32_t head, len; /* of the second record: in its head, in itself; 0: as it should be */
        int how;
        uint64_t made; /* by so much more than was written */
    } wrong[] = {
        {.head = 8},                              /* no record is so short */
        {.len = 40, .head = 40},                  /* nor so */
        {.head = 72},                             /* two lengths */
        {.head = 0},                              /* as if never written */
        {.len = 2048, .head = 2048},              /* longer than what was made */
        {.len = 0x3ffffff8, .head = 0x3ffffff8},  /* than the ring */
        {.head = 0x3ffffff8, .how = BUSY},        /* before it is whole, too */
        {.head = 2048, .how = DISCARDED},         /* and when it is to be passed over */
        {.head = 64, .made = FAKE_SIZE},          /* more than fits was made */
        {.head = 64, .made = UINT64_MAX - 100},   /* the writers are behind us */
        {.head = 64, .how = DISCARDED, .made = 4} /* half a head is left */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        uint64_t at;

        make_rings(2);
        (void)fake_ring_put(&fakes[1], 1, 48, 0);
        if (!wrong[i].made || wrong[i].how == DISCARDED)
            (void)fake_ring_put(&fakes[0], 2, 48, 0);
        at = fake_ring_put(&fakes[0], 3, 64, 0);
        if (wrong[i].len)
            fake_ring_write(&fakes[0], at + 8, &wrong[i].len, sizeof(wrong[i].len));
        fake_ring_head(&fakes[0], at, wrong[i].head, wrong[i].how);
        fake_ring_set_made(&fakes[0], fakes[0].made + wrong[i].made);
        if (at)
            assert_int_equal(take(), 2);
        assert_true(rings_any(&rings));
        assert_int_equal(take(), -EBADMSG);
        rings_release(&rings);
        assert_int_equal(take(), -EBADMSG);
        rings_skip(&rings); /* what is behind it can be believed again */
        fake_ring_set_made(&fakes[0], fake_ring_taken(&fakes[0]) & ~UINT64_C(7));
        free_rings();
    }
}

/* Any bytes at all: an error or records, and never beyond the ring, which ends at a page that is
 * not there. */
static void noise(void **state)
{
    (void)state;
    srand(11);
    for (uint32_t round = 0; round < 2000; round++) {
        uint64_t made = (uint64_t)(rand() % (2 * SIZE));
        int n;

        make_rings(1);
        for (uint64_t i = 0; i < SIZE / 4; i++) {
            uint32_t v = (uint32_t)(rand() % 5 ? rand() % 200 : rand()) * 2;

            fake_ring_write(&fakes[0], i * 4, &v, sizeof(v));
        }
        fake_ring_set_made(&fakes[0], made);
        while ((n = rings_take(&rings, UINT64_MAX, got, 64)) > 0)
            for (int i = 0; i < n; i++)
                assert_true(got[i]->len >= sizeof(struct gyr_event) && got[i]->len <= SIZE);
        assert_true(n == 0 || n == -EBADMSG);
        free_rings();
    }
}

static void skipped(void **state)
{
    (void)state;
    make_rings(2);
    (void)fake_ring_put(&fakes[0], 1, 48, 0);
    (void)fake_ring_put(&fakes[0], 2, 48, BUSY);
    (void)fake_ring_put(&fakes[1], 3, 48, 0);
    rings_skip(&rings);
    assert_int_equal(fake_ring_taken(&fakes[0]), fakes[0].made);
    assert_int_equal(take(), 0);
    (void)fake_ring_put(&fakes[1], 4, 48, 0);
    assert_int_equal(take(), 1);
    assert_int_equal(got[0]->ts_ns, 4);
}

/* Every CPU has a pair, at most sixteen are made unless more are asked for, and sizes are powers of
 * two. */
static void shared_out(void **state)
{
    static const struct {
        uint32_t cpus, per, pairs, became;
    } plans[] = {{1, 0, 1, 1},   {16, 0, 16, 1},  {17, 0, 9, 2},      {1024, 0, 16, 64},
                 {24, 1, 24, 1}, {24, 24, 1, 24}, {4, 1024, 1, 1024}, {5, 2, 3, 2}};

    (void)state;
    for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++) {
        uint32_t per = plans[i].per, pairs = rings_pairs(plans[i].cpus, &per), last = 0;
        uint16_t ring[PROBE_CPUS];

        assert_int_equal(pairs, plans[i].pairs);
        assert_int_equal(per, plans[i].became);
        rings_assign(pairs, per, ring);
        for (uint32_t cpu = 0; cpu < plans[i].cpus; cpu++) {
            assert_true(ring[cpu] == last || ring[cpu] == last + 1);
            last = ring[cpu];
        }
        assert_int_equal(last, pairs - 1);
        for (uint32_t cpu = 0; cpu < PROBE_CPUS; cpu++)
            assert_true(ring[cpu] < pairs);
    }
    assert_int_equal(rings_bytes(1), sysconf(_SC_PAGESIZE));
    assert_int_equal(rings_bytes(100000), 131072);
    assert_int_equal(rings_bytes(131072), 131072);
}

static void not_a_ring(void **state)
{
    struct ring_place place = {.fd = -1, .size = SIZE};
    struct gyr_error err = {0};

    (void)state;
    assert_int_equal(rings_init(&rings, &place, 1, &err), -EBADF);
    assert_non_null(strstr(err.msg, "cannot map a ring"));
    place.fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_true(place.fd >= 0);
    assert_true(rings_init(&rings, &place, 1, &err) < 0);
    (void)close(place.fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(nothing_there, teardown),
        cmocka_unit_test_teardown(lent_until_released, teardown),
        cmocka_unit_test_teardown(a_few_at_a_time, teardown),
        cmocka_unit_test_teardown(busy, teardown),
        cmocka_unit_test_teardown(discarded, teardown),
        cmocka_unit_test_teardown(wrapped, teardown),
        cmocka_unit_test_teardown(full, teardown),
        cmocka_unit_test_teardown(horizon, teardown),
        cmocka_unit_test_teardown(merged, teardown),
        cmocka_unit_test_teardown(taken_over, teardown),
        cmocka_unit_test_teardown(damaged, teardown),
        cmocka_unit_test_teardown(noise, teardown),
        cmocka_unit_test_teardown(skipped, teardown),
        cmocka_unit_test(shared_out),
        cmocka_unit_test_teardown(not_a_ring, teardown),
    };

    return cmocka_run_group_tests_name("live_ring", tests, NULL, NULL);
}
