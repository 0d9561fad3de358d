/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/latency.h"

/* Four buckets for each power of two. */
static uint32_t bucket_of(uint64_t ns)
{
    uint32_t log = 63u - (uint32_t)__builtin_clzll(ns | 4);

    return 4 * log + (uint32_t)(ns >> (log - 2) & 3);
}

static uint64_t upper_edge(uint32_t bucket)
{
    uint32_t log = bucket / 4;

    return ((UINT64_C(5) + bucket % 4) << (log - 2)) - 1;
}

void latency_add(struct latency *l, uint64_t ns)
{
    l->n++;
    l->sum_ns += ns;
    if (ns > l->max_ns)
        l->max_ns = ns;
    l->bucket[bucket_of(ns)]++;
}

uint64_t latency_below(const struct latency *l, uint32_t log)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i < LATENCY_BUCKETS && i < 4 * log; i++)
        n += l->bucket[i];
    return n;
}

uint64_t latency_permille(const struct latency *l, uint32_t permille)
{
    uint64_t want = l->n - l->n * (1000 - permille) / 1000, seen = 0, edge;

    for (uint32_t i = 0; l->n && i < LATENCY_BUCKETS; i++) {
        seen += l->bucket[i];
        if (seen < want)
            continue;
        edge = upper_edge(i);
        return edge < l->max_ns ? edge : l->max_ns;
    }
    return 0;
}
