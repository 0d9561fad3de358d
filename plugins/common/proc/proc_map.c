/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets and mounts by their numbers. */
#include "proc_priv.h"

#include <stdlib.h>

enum { MAP_MIN = 256 };
static const size_t TEXT_MAX = 16u << 20;

void proc_map_free(struct proc_map *m)
{
    free(m->slots);
    free(m->text);
    memset(m, 0, sizeof(*m));
}

void proc_map_clear(struct proc_map *m)
{
    m->n = m->n_read = 0;
    m->text_len = 0;
    free(m->slots);
    m->slots = NULL;
    m->cap = 0;
}

static uint64_t key_at(const struct proc_map *m, size_t size, uint32_t i)
{
    uint64_t key;

    memcpy(&key, m->slots + i * size, sizeof(key));
    return key;
}

/* Its slot, or the free one where it would go. */
static uint32_t slot_of(const struct proc_map *m, size_t size, uint64_t key)
{
    uint32_t i = (uint32_t)((key * 0x9e3779b97f4a7c15u) >> 32) & (m->cap - 1);

    for (uint64_t k; (k = key_at(m, size, i)) != 0 && k != key;)
        i = (i + 1) & (m->cap - 1);
    return i;
}

void *proc_map_find(const struct proc_map *m, size_t size, uint64_t key)
{
    uint32_t i;

    if (!m->cap || key == 0)
        return NULL;
    i = slot_of(m, size, key);
    return key_at(m, size, i) ? m->slots + i * size : NULL;
}

static bool grow(struct proc_map *m, size_t size)
{
    struct proc_map to = {.cap = m->cap ? m->cap * 2 : MAP_MIN};

    to.slots = calloc(to.cap, size);
    if (!to.slots)
        return false;
    for (uint32_t i = 0; i < m->cap; i++)
        if (key_at(m, size, i))
            memcpy(to.slots + slot_of(&to, size, key_at(m, size, i)) * size, m->slots + i * size,
                   size);
    free(m->slots);
    m->slots = to.slots;
    m->cap = to.cap;
    return true;
}

void *proc_map_add(struct proc_map *m, size_t size, uint64_t key, uint32_t max)
{
    void *at = proc_map_find(m, size, key);

    if (at || key == 0)
        return at;
    if (m->n >= max || (m->n * 2 >= m->cap && !grow(m, size)))
        return NULL;
    at = m->slots + slot_of(m, size, key) * size;
    memcpy(at, &key, sizeof(key));
    m->n++;
    return at;
}

uint32_t proc_map_keep(struct proc_map *m, const char *p, size_t len)
{
    size_t need = (m->text_len ? m->text_len : 1) + len + 1;
    uint32_t at;

    if (need > TEXT_MAX)
        return 0;
    if (need > m->text_cap) {
        size_t cap = need * 2;
        char *text = realloc(m->text, cap);

        if (!text)
            return 0;
        m->text = text;
        m->text_cap = cap;
    }
    at = (uint32_t)(need - len - 1);
    memcpy(m->text + at, p, len);
    m->text[at + len] = 0;
    m->text_len = need;
    return at;
}

bool proc_map_visit(struct proc_map *m, uint64_t ns)
{
    for (uint32_t i = 0; i < m->n_read; i++)
        if (m->read[i] == ns)
            return false;
    if (m->n_read == PROC_NS_MAX)
        return false;
    m->read[m->n_read++] = ns;
    return true;
}
