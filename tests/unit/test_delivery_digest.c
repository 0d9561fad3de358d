/* SPDX-License-Identifier: Apache-2.0 */
/* Digests: alerts that gather in the queue, and go together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../lib/delivery_rig.h"

/* Full before its time: at once; what is left of it at the end: at once, too. */
static void test_digest_by_number(void **state)
{
    struct delivery *d;
    struct fake f;

    (void)state;
    fake_init(&f);
    d = start_digest(&f, 64, true, (struct digest_conf){3600000ull * MS, 4});
    offer_all(d, 3);
    (void)usleep(50000);
    assert_int_equal(stats(d).delivered, 0);
    for (uint64_t i = 4; i <= 9; i++)
        assert_int_equal(offer(d, i), 0);
    wait_until(&f.n, &f, 8);
    assert_int_equal(f.offers, 2);
    (void)usleep(50000);
    assert_int_equal(f.n, 8);
    assert_int_equal(end(d, 1000).delivered, 9);
    assert_int_equal(f.offers, 3);
    for (uint64_t i = 0; i < 9; i++)
        assert_int_equal(f.got[i], i + 1);
    delivery_free(d);
}

/* When the first alert has waited for so long, all that came since go together; also when they must
 * go again. */
static void test_digest_by_time(void **state)
{
    struct delivery *d;
    uint64_t began;
    struct fake f;

    (void)state;
    fake_init(&f);
    f.retry_first = 2;
    d = start_digest(&f, 200, true, (struct digest_conf){500ull * MS, 100});
    began = clock_ns();
    offer_all(d, 70);
    wait_until(&f.n, &f, 70);
    assert_true(f.times[0] - began >= 500ull * MS);
    assert_int_equal(f.offers, 3);
    assert_int_equal(f.attempt_max, 3);
    /* the next begins anew */
    began = clock_ns();
    assert_int_equal(offer(d, 71), 0);
    wait_until(&f.n, &f, 71);
    assert_true(f.times[70] - began >= 500ull * MS);
    (void)end(d, 100);
    delivery_free(d);
}

/* A queue that is full waits for nothing. */
static void test_digest_in_a_full_queue(void **state)
{
    struct delivery *d;
    struct fake f;

    (void)state;
    fake_init(&f);
    f.poison = 1; /* keeps its place */
    d = start_digest(&f, 8, true, (struct digest_conf){3600000ull * MS, 8});
    offer_all(d, 30);
    wait_until(&f.n, &f, 20);
    (void)end(d, 500);
    assert_int_equal(f.n, 29);
    delivery_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_digest_by_number),
        cmocka_unit_test(test_digest_by_time),
        cmocka_unit_test(test_digest_in_a_full_queue),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
