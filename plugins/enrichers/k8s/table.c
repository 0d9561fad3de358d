/* SPDX-License-Identifier: Apache-2.0 */
#include "table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { TABLE_MIN = 64, TABLE_MAX = 1 << 26 };

uint64_t table_hash(const void *p, size_t n)
{
    const uint8_t *b = p;
    uint64_t h = 0xcbf29ce484222325u ^ n;

    for (; n >= 8; n -= 8, b += 8) {
        uint64_t w;

        memcpy(&w, b, sizeof(w));
        h = (h ^ w) * 0x9e3779b97f4a7c15u;
        h ^= h >> 29;
    }
    for (; n; n--, b++)
        h = (h ^ *b) * 0x100000001b3u;
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93u;
    return h ^ h >> 32;
}

static void put(struct table *t, uint64_t hash, void *p)
{
    uint32_t i = (uint32_t)hash & (t->cap - 1);

    while (t->slots[i].p)
        i = (i + 1) & (t->cap - 1);
    t->slots[i] = (struct table_slot){hash, p};
}

static int grow(struct table *t)
{
    struct table old = *t;

    if (old.cap >= TABLE_MAX)
        return -ENOMEM;
    t->cap = old.cap ? old.cap * 2 : TABLE_MIN;
    t->slots = calloc(t->cap, sizeof(*t->slots));
    if (!t->slots) {
        *t = old;
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < old.cap; i++)
        if (old.slots[i].p)
            put(t, old.slots[i].hash, old.slots[i].p);
    free(old.slots);
    return 0;
}

int table_add(struct table *t, uint64_t hash, void *p)
{
    if (t->n + 1 > t->cap - t->cap / 4 && grow(t) < 0)
        return -ENOMEM;
    put(t, hash, p);
    t->n++;
    return 0;
}

void *table_next(const struct table *t, uint64_t hash, uint32_t *at)
{
    /* *at counts the steps done from the first place */
    for (uint32_t mask = t->cap - 1; t->cap;) {
        const struct table_slot *s = &t->slots[((uint32_t)hash + *at) & mask];

        if (!s->p || *at > mask)
            return NULL;
        ++*at;
        if (s->hash == hash)
            return s->p;
    }
    return NULL;
}

/* Close the gap at i: move up what could not be where it wanted. */
static void close_gap(struct table *t, uint32_t i)
{
    uint32_t mask = t->cap - 1;

    for (uint32_t k = (i + 1) & mask; t->slots[k].p; k = (k + 1) & mask) {
        uint32_t home = (uint32_t)t->slots[k].hash & mask;

        if (((k - home) & mask) >= ((k - i) & mask)) {
            t->slots[i] = t->slots[k];
            i = k;
        }
    }
    t->slots[i].p = NULL;
}

void table_del(struct table *t, uint64_t hash, const void *p)
{
    uint32_t mask = t->cap - 1, i = (uint32_t)hash & mask;

    if (!t->cap)
        return;
    while (t->slots[i].p && t->slots[i].p != p)
        i = (i + 1) & mask;
    if (!t->slots[i].p)
        return;
    close_gap(t, i);
    t->n--;
}

void table_free(struct table *t)
{
    free(t->slots);
    *t = (struct table){0};
}

/* ---- strings kept once ---- */

struct istr *istr_get(struct strings *s, const char *p, size_t n)
{
    uint64_t hash = table_hash(p, n);
    struct istr *i;
    uint32_t at = 0;

    while ((i = table_next(&s->table, hash, &at)))
        if (i->len == n && memcmp(i->s, p, n) == 0) {
            i->refs++;
            return i;
        }
    i = n < UINT32_MAX ? malloc(sizeof(*i) + n + 1) : NULL;
    if (!i)
        return NULL;
    i->hash = hash;
    i->refs = 1;
    i->len = (uint32_t)n;
    memcpy(i->s, p, n);
    i->s[n] = '\0';
    if (table_add(&s->table, hash, i) < 0) {
        free(i);
        return NULL;
    }
    s->bytes += sizeof(*i) + n + 1;
    return i;
}

void istr_put(struct strings *s, struct istr *i)
{
    if (!i || --i->refs)
        return;
    table_del(&s->table, i->hash, i);
    s->bytes -= sizeof(*i) + i->len + 1;
    free(i);
}

void strings_free(struct strings *s)
{
    for (uint32_t i = 0; i < s->table.cap; i++)
        free(s->table.slots[i].p);
    table_free(&s->table);
    s->bytes = 0;
}
