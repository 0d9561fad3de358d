/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static uint64_t seed;
static pthread_once_t seed_once = PTHREAD_ONCE_INIT;

static void make_seed(void)
{
    if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != (ssize_t)sizeof(seed))
        seed = 0x9e3779b97f4a7c15u ^ (uint64_t)(uintptr_t)&seed;
    seed |= 1;
}

static uint64_t mix(uint64_t a, uint64_t b)
{
    __uint128_t p = (__uint128_t)a * b;

    return (uint64_t)p ^ (uint64_t)(p >> 64);
}

uint64_t hash_bytes(const void *data, size_t n)
{
    const unsigned char *p = data;
    uint64_t h, w;

    (void)pthread_once(&seed_once, make_seed);
    h = seed ^ n;
    for (; n >= 8; n -= 8, p += 8) {
        memcpy(&w, p, 8);
        h = mix(h ^ w, 0xd6e8feb86659fd93u);
    }
    w = 0;
    if (n)
        memcpy(&w, p, n);
    return mix(h ^ w, seed ^ 0xa0761d6478bd642fu);
}

void map_free(struct map *m)
{
    free(m->slots);
    free(m->index);
    *m = (struct map){0};
}

/* The place in index[] where the key is, or would go. */
static uint32_t probe(const struct map *m, const char *key, size_t len, uint64_t h)
{
    uint32_t mask = m->cap * 2 - 1, i = (uint32_t)h & mask;

    for (; m->index[i]; i = (i + 1) & mask) {
        const struct map_entry *e = &m->slots[m->index[i] - 1];

        if (e->hash == h && e->len == len && memcmp(e->key, key, len) == 0)
            break;
    }
    return i;
}

void *map_get(const struct map *m, const char *key, size_t len)
{
    uint32_t i;

    if (!m->n)
        return NULL;
    i = probe(m, key, len, hash_bytes(key, len));
    return m->index[i] ? m->slots[m->index[i] - 1].value : NULL;
}

void *map_gets(const struct map *m, const char *key)
{
    return map_get(m, key, strlen(key));
}

static int grow(struct map *m)
{
    uint32_t cap = m->cap ? m->cap * 2 : 16;
    struct map_entry *slots = realloc(m->slots, cap * sizeof(*slots));
    uint32_t *index;

    if (!slots)
        return -ENOMEM;
    m->slots = slots;
    index = calloc(cap * 2, sizeof(*index));
    if (!index)
        return -ENOMEM;
    free(m->index);
    m->index = index;
    m->cap = cap;
    for (uint32_t i = 0; i < m->n; i++)
        m->index[probe(m, slots[i].key, slots[i].len, slots[i].hash)] = i + 1;
    return 0;
}

int map_put(struct map *m, const char *key, size_t len, void *value)
{
    uint64_t h = hash_bytes(key, len);
    uint32_t i;

    if (m->n == m->cap) {
        int r = grow(m);

        if (r < 0)
            return r;
    }
    i = probe(m, key, len, h);
    if (m->index[i]) {
        m->slots[m->index[i] - 1].value = value;
        return 0;
    }
    m->slots[m->n] = (struct map_entry){key, len, h, value};
    m->index[i] = ++m->n;
    return 0;
}
