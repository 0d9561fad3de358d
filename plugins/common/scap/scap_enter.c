/* SPDX-License-Identifier: Apache-2.0 */
#include "scap_enter.h"

#include <errno.h>
#include <stdlib.h>

enum {
    WAYS = 4,
    SETS = 1024,
    INLINE = 160,
    EVENT_MAX = 16 * 1024,
    BIG_MAX = 4 << 20,
};

struct scap_enter {
    int64_t tid;
    uint64_t used; /* 0: free */
    uint8_t *big;
    uint32_t big_cap;
    uint16_t type, n;
    uint16_t len[SCAP_ENTER_PARAMS];
    uint8_t data[INLINE];
};

static struct scap_enter *set_of(const struct scap_enters *e, int64_t tid)
{
    uint64_t h = (uint64_t)tid * 0x9e3779b97f4a7c15u;

    return &e->slots[(h >> 32) % SETS * WAYS];
}

static struct scap_enter *find(const struct scap_enters *e, int64_t tid)
{
    struct scap_enter *set;

    if (!e->slots)
        return NULL;
    set = set_of(e, tid);
    for (unsigned i = 0; i < WAYS; i++)
        if (set[i].used && set[i].tid == tid)
            return &set[i];
    return NULL;
}

static struct scap_enter *slot_for(struct scap_enters *e, int64_t tid)
{
    struct scap_enter *set = set_of(e, tid), *best = find(e, tid);

    if (best)
        return best;
    best = set;
    for (unsigned i = 1; i < WAYS; i++)
        if (set[i].used < best->used)
            best = &set[i];
    if (best->used)
        e->lost++;
    return best;
}

/* Where the bytes of an event go; NULL: nowhere, it is not kept. */
static uint8_t *room(struct scap_enters *e, struct scap_enter *s, size_t size)
{
    uint8_t *p;

    if (size <= INLINE)
        return s->data;
    if (size <= s->big_cap)
        return s->big;
    if (size > EVENT_MAX || e->big_bytes - s->big_cap + size > BIG_MAX)
        return NULL;
    p = realloc(s->big, size);
    if (!p)
        return NULL;
    e->big_bytes += size - s->big_cap;
    s->big = p;
    s->big_cap = (uint32_t)size;
    return p;
}

int scap_enters_put(struct scap_enters *e, const struct scap_view *v)
{
    struct scap_enter *s;
    size_t size = 0;
    uint8_t *p;

    if (!e->slots) {
        e->slots = calloc((size_t)SETS * WAYS, sizeof(*e->slots));
        if (!e->slots)
            return -ENOMEM;
    }
    s = slot_for(e, v->tid);
    s->used = 0;
    for (uint32_t i = 0; i < v->n; i++)
        size += v->par[i].len;
    p = v->n <= SCAP_ENTER_PARAMS ? room(e, s, size) : NULL;
    if (!p) {
        e->lost++;
        return 0;
    }
    s->tid = v->tid;
    s->type = v->type;
    s->n = (uint16_t)v->n;
    s->used = ++e->clock;
    for (uint32_t i = 0; i < v->n; i++) {
        s->len[i] = (uint16_t)v->par[i].len;
        if (s->len[i])
            memcpy(p, v->par[i].p, s->len[i]);
        p += s->len[i];
    }
    return 0;
}

int scap_enters_get(const struct scap_enters *e, int64_t tid, uint16_t type,
                    struct scap_slice ret[SCAP_ENTER_PARAMS])
{
    const struct scap_enter *s = find(e, tid);
    const uint8_t *p;
    size_t size = 0;

    if (!s || s->type != type)
        return -1;
    for (unsigned i = 0; i < s->n; i++)
        size += s->len[i];
    p = size <= INLINE ? s->data : s->big;
    for (unsigned i = 0; i < s->n; i++) {
        ret[i] = (struct scap_slice){p, s->len[i], 0};
        p += s->len[i];
    }
    return s->n;
}

void scap_enters_drop(struct scap_enters *e, int64_t tid)
{
    struct scap_enter *s = find(e, tid);

    if (s)
        s->used = 0;
}

void scap_enters_clear(struct scap_enters *e)
{
    for (size_t i = 0; e->slots && i < (size_t)SETS * WAYS; i++)
        e->slots[i].used = 0;
}

void scap_enters_free(struct scap_enters *e)
{
    for (size_t i = 0; e->slots && i < (size_t)SETS * WAYS; i++)
        free(e->slots[i].big);
    free(e->slots);
    memset(e, 0, sizeof(*e));
}
