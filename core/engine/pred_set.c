/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"
#include "engine/pred_impl.h"

#include <stdlib.h>

enum { BITMAP_SPAN = 8192, LINEAR_MAX = 8 };

/* ---- strings ---- */

/* Put a string in, once. There always is a free slot. */
static void insert(struct str_set *s, const char *p, uint32_t len)
{
    uint32_t hash = (uint32_t)hash_bytes(p, len), i = hash & s->mask;

    for (; s->slots[i].p; i = (i + 1) & s->mask)
        if (s->slots[i].hash == hash && s->slots[i].len == len &&
            memcmp(s->slots[i].p, p, len) == 0)
            return;
    s->slots[i] = (struct str_slot){p, len, hash};
}

struct str_set *str_set_new(struct arena *a, const struct gyr_value *v, uint32_t n)
{
    struct str_set *s = arena_alloc(a, sizeof(*s));
    uint32_t cap = 4;

    while (cap < (uint64_t)n * 2 && cap < 1u << 30)
        cap *= 2;
    if (!s || n > 1u << 29 || !(s->slots = arena_array(a, cap, sizeof(*s->slots))))
        return NULL;
    s->mask = cap - 1;
    for (uint32_t i = 0; i < n; i++) {
        const char *p = v[i].u.ptr;

        s->lens |= 1ull << (v[i].len & 63);
        if (!v[i].len) {
            s->has_empty = true;
            continue;
        }
        s->first[(unsigned char)*p >> 6] |= 1ull << (*p & 63);
        insert(s, p, v[i].len);
    }
    return s;
}

bool str_set_has(const struct str_set *s, const char *p, uint32_t len)
{
    uint32_t hash, i;

    if (!(s->lens >> (len & 63) & 1))
        return false;
    if (!len)
        return s->has_empty;
    if (!(s->first[(unsigned char)*p >> 6] >> (*p & 63) & 1))
        return false;
    hash = (uint32_t)hash_bytes(p, len);
    for (i = hash & s->mask; s->slots[i].p; i = (i + 1) & s->mask)
        if (s->slots[i].hash == hash && s->slots[i].len == len &&
            memcmp(s->slots[i].p, p, len) == 0)
            return true;
    return false;
}

/* ---- integers ---- */

static int order(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

struct num_set *num_set_new(struct arena *a, const struct gyr_value *v, uint32_t n)
{
    struct num_set *s = arena_alloc(a, sizeof(*s));

    if (!s || n == 0 || !(s->sorted = arena_array(a, n, sizeof(*s->sorted))))
        return NULL;
    for (uint32_t i = 0; i < n; i++)
        s->sorted[i] = v[i].u.u64;
    qsort(s->sorted, n, sizeof(*s->sorted), order);
    s->n = n;
    s->min = s->sorted[0];
    s->max = s->sorted[n - 1];
    if (n > LINEAR_MAX && s->max - s->min < BITMAP_SPAN) {
        s->bits = arena_array(a, BITMAP_SPAN / 64, sizeof(*s->bits));
        if (!s->bits)
            return NULL;
        for (uint32_t i = 0; i < n; i++)
            s->bits[(s->sorted[i] - s->min) / 64] |= 1ull << ((s->sorted[i] - s->min) % 64);
    }
    return s;
}

bool num_set_has(const struct num_set *s, uint64_t x)
{
    uint32_t lo = 0, hi = s->n;

    if (x < s->min || x > s->max)
        return false;
    if (s->bits)
        return s->bits[(x - s->min) / 64] >> ((x - s->min) % 64) & 1;
    if (s->n <= LINEAR_MAX) {
        for (uint32_t i = 0; i < s->n; i++)
            if (s->sorted[i] == x)
                return true;
        return false;
    }
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;

        if (s->sorted[mid] < x)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < s->n && s->sorted[lo] == x;
}
