/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file latency.h
 * @brief How long things took: mean, maximum, percentiles, in a fixed 2 KiB.
 *
 * Buckets are a quarter of a power of two wide, so a percentile is exact to 25 %. No locks.
 */
#ifndef ALERT_LATENCY_H
#define ALERT_LATENCY_H

#include <stdint.h>

enum { LATENCY_BUCKETS = 256 };

struct latency {
    uint64_t n, sum_ns, max_ns;
    uint64_t bucket[LATENCY_BUCKETS];
};

void latency_add(struct latency *l, uint64_t ns);
/** @param permille 990: p99. @return upper edge of the bucket it lies in, at most max_ns; 0 when
 *  nothing was added. */
uint64_t latency_permille(const struct latency *l, uint32_t permille);

/** How many took less than 2^@p log nanoseconds: exact. */
uint64_t latency_below(const struct latency *l, uint32_t log);

#endif /* ALERT_LATENCY_H */
