/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/latency.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_latency(void **state)
{
    struct latency l = {0};

    (void)state;
    assert_int_equal(latency_permille(&l, 990), 0);
    for (uint64_t i = 1; i <= 1000; i++)
        latency_add(&l, i * 1000);
    assert_int_equal(l.max_ns, 1000000);
    assert_int_equal(l.sum_ns / l.n, 500500);
    assert_in_range(latency_permille(&l, 500), 500000, 625000);
    assert_in_range(latency_permille(&l, 990), 990000, 1000000);
    assert_int_equal(latency_permille(&l, 1000), 1000000);
    assert_int_equal(latency_below(&l, 16), 65); /* 65 us < 2^16 ns */
    assert_int_equal(latency_below(&l, 20), 1000);
    latency_add(&l, 0);
    latency_add(&l, UINT64_MAX);
    assert_true(latency_permille(&l, 1000) == UINT64_MAX || latency_permille(&l, 1000) >= 1u << 31);
    assert_int_equal(latency_below(&l, 2), 0);
    assert_int_equal(latency_below(&l, 3), 1); /* that of 0: what is below 4 has one bucket */
    assert_int_equal(latency_below(&l, 64), 1002);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_latency)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
