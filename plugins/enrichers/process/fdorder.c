/* SPDX-License-Identifier: Apache-2.0 */
#include "fdorder.h"

/* How many buckets a table of Falco's gets: the first is enough for 13 descriptors, and so on. */
static const uint32_t sizes[] = {13,   29,   59,    127,   257,   541,  1109,
                                 2357, 5087, 10273, 20753, 42043, 85229};

enum { N_SIZES = sizeof(sizes) / sizeof(sizes[0]) };

static uint32_t buckets_for(uint32_t n)
{
    uint32_t i = 0;

    while (i < N_SIZES - 1 && sizes[i] < n)
        i++;
    return sizes[i];
}

size_t pr_order_size(uint32_t cap)
{
    return sizeof(uint32_t) * (2 * (size_t)cap + buckets_for(cap / 4 * 3));
}

/* Behind the slots: next and previous slot of each, then the foremost slot of each bucket. */
static uint32_t *nexts(const struct pr_fds *t)
{
    return (uint32_t *)(void *)(t->slots + t->cap);
}

static uint32_t *prevs(const struct pr_fds *t)
{
    return nexts(t) + t->cap;
}

static uint32_t *bucket_of(const struct pr_fds *t, uint32_t i)
{
    return prevs(t) + t->cap + (uint64_t)t->slots[i].num % t->n_buckets;
}

uint32_t pr_order_next(const struct pr_fds *t, uint32_t i)
{
    return nexts(t)[i];
}

static void clear(struct pr_fds *t, uint32_t n_buckets)
{
    uint32_t *buckets = prevs(t) + t->cap;

    t->n = 0;
    t->n_buckets = n_buckets;
    t->first = t->last = PR_FDS_END;
    for (uint32_t i = 0; i < n_buckets; i++)
        buckets[i] = PR_FDS_END;
}

void pr_order_init(struct pr_fds *t, uint32_t n_buckets)
{
    clear(t, n_buckets ? n_buckets : sizes[0]);
}

/* Before slot @p at; PR_FDS_END: behind all. */
static void insert(struct pr_fds *t, uint32_t i, uint32_t at)
{
    uint32_t *next = nexts(t), *prev = prevs(t);
    uint32_t before = at == PR_FDS_END ? t->last : prev[at];

    next[i] = at;
    prev[i] = before;
    *(before == PR_FDS_END ? &t->first : &next[before]) = i;
    *(at == PR_FDS_END ? &t->last : &prev[at]) = i;
    t->n++;
}

/* Before the others of its bucket, or before all. */
static void put(struct pr_fds *t, uint32_t i)
{
    uint32_t *bucket = bucket_of(t, i);

    insert(t, i, *bucket == PR_FDS_END ? t->first : *bucket);
    *bucket = i;
}

/* Put all in again by @p add, in their order, into @p n_buckets. */
static void put_again(struct pr_fds *t, uint32_t n_buckets,
                      void (*add)(struct pr_fds *t, uint32_t i))
{
    uint32_t i = t->first, next;

    for (clear(t, n_buckets); i != PR_FDS_END; i = next) {
        next = nexts(t)[i];
        add(t, i);
    }
}

void pr_order_add(struct pr_fds *t, uint32_t i)
{
    if (t->n == t->n_buckets)
        put_again(t, buckets_for(t->n + 1), put);
    put(t, i);
}

void pr_order_again(struct pr_fds *t)
{
    put_again(t, sizes[0], pr_order_add);
}

void pr_order_append(struct pr_fds *t, uint32_t i)
{
    uint32_t *bucket = bucket_of(t, i);

    insert(t, i, PR_FDS_END);
    if (*bucket == PR_FDS_END)
        *bucket = i;
}

void pr_order_del(struct pr_fds *t, uint32_t i)
{
    uint32_t *next = nexts(t), *prev = prevs(t), *bucket = bucket_of(t, i);

    if (*bucket == i)
        *bucket = next[i] != PR_FDS_END && bucket_of(t, next[i]) == bucket ? next[i] : PR_FDS_END;
    *(prev[i] == PR_FDS_END ? &t->first : &next[prev[i]]) = next[i];
    *(next[i] == PR_FDS_END ? &t->last : &prev[next[i]]) = prev[i];
    t->n--;
}

void pr_order_move(struct pr_fds *t, uint32_t from, uint32_t to)
{
    uint32_t *next = nexts(t), *prev = prevs(t), *bucket = bucket_of(t, to);

    next[to] = next[from];
    prev[to] = prev[from];
    *(prev[to] == PR_FDS_END ? &t->first : &next[prev[to]]) = to;
    *(next[to] == PR_FDS_END ? &t->last : &prev[next[to]]) = to;
    if (*bucket == from)
        *bucket = to;
}
