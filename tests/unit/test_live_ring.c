/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the above first */
#include "live/ring.h"

#include <gyr/event.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { RINGS_MAX = 64, SIZE = 4096, SLOT_MIN = 64, BUSY = 1, DISCARDED = 2 };

/* A ring as the kernel makes it, in a file. Its data is there twice in the file too, not twice in
 * memory: whoever writes writes to both. What nothing was written to is 0xee. */
struct fake {
    int fd;
    uint8_t *map;
    size_t page;
    uint64_t made;
};

static struct fake fakes[RINGS_MAX];
static struct rings rings;
static uint32_t n_fakes;
static const struct gyr_event *got[4096];

static void fake_make(struct fake *f)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = 2 * page + 2 * (size_t)SIZE;

    *f = (struct fake){.fd = memfd_create("ring", MFD_CLOEXEC), .page = page};
    assert_true(f->fd >= 0);
    assert_int_equal(ftruncate(f->fd, (off_t)bytes), 0);
    f->map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, 0);
    assert_ptr_not_equal(f->map, MAP_FAILED);
    memset(f->map + 2 * page, 0xee, 2 * (size_t)SIZE);
}

static uint64_t taken(const struct fake *f)
{
    uint64_t v;

    memcpy(&v, f->map, sizeof(v));
    return v;
}

static void write_at(const struct fake *f, uint64_t pos, const void *p, size_t n)
{
    uint8_t *data = f->map + 2 * f->page;

    for (size_t i = 0; i < n; i++) {
        size_t at = (pos + i) % SIZE;

        data[at] = data[at + SIZE] = ((const uint8_t *)p)[i];
    }
}

static void set_head(const struct fake *f, uint64_t pos, uint32_t len, int how)
{
    const uint32_t head[2] = {len | (how & BUSY ? BPF_RINGBUF_BUSY_BIT : 0) |
                                  (how & DISCARDED ? BPF_RINGBUF_DISCARD_BIT : 0),
                              0};

    write_at(f, pos, head, sizeof(head));
}

/* @return where its head is. */
static uint64_t put(struct fake *f, uint64_t ts, uint32_t len, int how)
{
    struct gyr_event ev = {.len = len, .hdr_len = sizeof(ev), .ts_ns = ts, .num = f->made};
    uint64_t at = f->made;

    assert_true(len % 8 == 0 && len >= sizeof(ev));
    assert_true(at + len + 8 - taken(f) <= SIZE); /* the kernel would have lost it */
    set_head(f, at, len, how);
    write_at(f, at + 8, &ev, sizeof(ev));
    for (uint32_t i = sizeof(ev); i < len; i++) {
        uint8_t b = (uint8_t)(ts + i);

        write_at(f, at + 8 + i, &b, 1);
    }
    f->made += 8 + len;
    memcpy(f->map + f->page, &f->made, sizeof(f->made));
    return at;
}

static void is_whole(const struct gyr_event *ev)
{
    for (uint32_t i = sizeof(*ev); i < ev->len; i++)
        assert_int_equal(((const uint8_t *)ev)[i], (uint8_t)(ev->ts_ns + i));
}

static void open_rings(uint32_t n)
{
    struct ring_place places[RINGS_MAX];
    struct gyr_error err = {0};

    for (uint32_t i = 0; i < n; i++)
        places[i] = (struct ring_place){.fd = fakes[i].fd, .size = SIZE};
    assert_int_equal(rings_init(&rings, places, n, &err), 0);
}

static void make_rings(uint32_t n)
{
    for (n_fakes = 0; n_fakes < n; n_fakes++)
        fake_make(&fakes[n_fakes]);
    open_rings(n);
}

static void free_rings(void)
{
    rings_free(&rings);
    for (uint32_t i = 0; i < n_fakes; i++) {
        (void)munmap(fakes[i].map, 2 * fakes[i].page + 2 * (size_t)SIZE);
        (void)close(fakes[i].fd);
    }
    n_fakes = 0;
}

static int teardown(void **state)
{
    (void)state;
    free_rings();
    return 0;
}

static uint32_t take_until(uint64_t horizon)
{
    return rings_take(&rings, horizon, got, sizeof(got) / sizeof(got[0]));
}

static uint32_t take(void)
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
    assert_int_equal(taken(&fakes[0]), 0);
}

static void lent_until_released(void **state)
{
    (void)state;
    make_rings(1);
    (void)put(&fakes[0], 5, 64, 0);
    (void)put(&fakes[0], 6, 48, 0);
    assert_true(rings_any(&rings));
    assert_int_equal(take(), 2);
    assert_int_equal(got[0]->ts_ns, 5);
    assert_int_equal(got[1]->ts_ns, 6);
    is_whole(got[0]);
    assert_int_equal(taken(&fakes[0]), 0); /* the writers must not have the room yet */
    assert_false(rings_any(&rings));
    rings_release(&rings);
    assert_int_equal(taken(&fakes[0]), fakes[0].made);
    assert_int_equal(take(), 0);
}

/* As many as are asked for; the rest stays. */
static void a_few_at_a_time(void **state)
{
    (void)state;
    make_rings(2);
    for (uint64_t i = 0; i < 10; i++)
        (void)put(&fakes[i % 2], i, 56, 0);
    assert_int_equal(rings_take(&rings, UINT64_MAX, got, 0), 0);
    for (uint64_t i = 0; i < 9; i += 3) {
        assert_int_equal(rings_take(&rings, UINT64_MAX, got, 3), 3);
        for (uint64_t k = 0; k < 3; k++)
            assert_int_equal(got[k]->ts_ns, i + k);
        rings_release(&rings);
        assert_int_equal(taken(&fakes[0]) + taken(&fakes[1]), (i + 3) * 64);
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
    (void)put(&fakes[0], 1, 48, 0);
    at = put(&fakes[0], 2, 48, BUSY);
    (void)put(&fakes[0], 4, 48, 0);
    (void)put(&fakes[1], 3, 48, 0);
    assert_int_equal(take(), 2);
    assert_int_equal(got[0]->ts_ns, 1);
    assert_int_equal(got[1]->ts_ns, 3);
    rings_release(&rings);
    assert_int_equal(taken(&fakes[0]), at);
    assert_int_equal(take(), 0);
    assert_false(rings_any(&rings));
    set_head(&fakes[0], at, 48, 0);
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
    (void)put(&fakes[0], 1, 48, DISCARDED);
    (void)put(&fakes[0], 2, 104, DISCARDED);
    (void)put(&fakes[0], 3, 48, 0);
    at = put(&fakes[0], 4, 80, BUSY);
    (void)put(&fakes[0], 5, 48, DISCARDED);
    assert_int_equal(take(), 1);
    assert_int_equal(got[0]->ts_ns, 3);
    set_head(&fakes[0], at, 80, DISCARDED);
    assert_false(rings_any(&rings));
    rings_release(&rings);
    assert_int_equal(taken(&fakes[0]), fakes[0].made);
}

/* Around the end of the ring many times, in records of every size, each in one piece. */
static void wrapped(void **state)
{
    uint32_t over_the_end = 0;

    (void)state;
    make_rings(1);
    for (uint64_t i = 0; i < 2000; i++) {
        uint32_t len = 48 + (uint32_t)(i * 8 % 1000);
        uint64_t at = put(&fakes[0], i, len, 0);

        over_the_end += at % SIZE + 8 + len > SIZE;
        assert_int_equal(take(), 1);
        assert_int_equal(got[0]->ts_ns, i);
        assert_int_equal(got[0]->len, len);
        is_whole(got[0]);
        rings_release(&rings);
        assert_int_equal(taken(&fakes[0]), fakes[0].made);
    }
    assert_true(over_the_end > 100);
}

/* Full to the last byte, and nothing behind what was made is believed. */
static void full(void **state)
{
    (void)state;
    make_rings(1);
    for (uint64_t i = 0; i < SIZE / SLOT_MIN; i++)
        (void)put(&fakes[0], i, SLOT_MIN - 8, 0);
    assert_int_equal(take(), SIZE / SLOT_MIN);
    rings_release(&rings);
    /* heads of the round before stand there, as good as new */
    assert_int_equal(take(), 0);
    assert_false(rings_any(&rings));
    (void)put(&fakes[0], 7, SLOT_MIN - 8, 0);
    assert_int_equal(take(), 1);
    assert_int_equal(got[0]->ts_ns, 7);
}

/* What is younger than the horizon waits, in whichever ring; what is as old does not. */
static void horizon(void **state)
{
    (void)state;
    make_rings(2);
    (void)put(&fakes[0], 10, 48, 0);
    (void)put(&fakes[0], 20, 48, 0);
    (void)put(&fakes[1], 15, 48, 0);
    (void)put(&fakes[1], 21, 48, 0);
    assert_int_equal(take_until(9), 0);
    assert_true(rings_any(&rings));
    assert_int_equal(take_until(20), 3);
    assert_int_equal(got[1]->ts_ns, 15);
    assert_int_equal(got[2]->ts_ns, 20);
    (void)put(&fakes[0], 20, 48, 0); /* late, and old enough */
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
                    (void)put(&fakes[i], ts[i] += (uint64_t)(rand() % 50), 48, 0);
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
    (void)put(&fakes[0], 1, 48, 0);
    (void)put(&fakes[0], 2, 48, 0);
    assert_int_equal(rings_take(&rings, UINT64_MAX, got, 1), 1);
    rings_release(&rings);
    rings_free(&rings);
    open_rings(1);
    assert_int_equal(take(), 1);
    assert_int_equal(got[0]->ts_ns, 2);
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
        cmocka_unit_test_teardown(not_a_ring, teardown),
    };

    return cmocka_run_group_tests_name("live_ring", tests, NULL, NULL);
}
