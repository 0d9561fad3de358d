/* SPDX-License-Identifier: Apache-2.0 */
#include "store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    CHUNK = 64 << 10,
    CLASS_MIN = 32,
    CLASS_MAX = CLASS_MIN << (PR_CLASSES / 2 - 1), /* 8 KiB; what is larger goes to malloc() */
    STR_MAX = 1 << 20
};

/* Under the address sanitizer every block is malloc()'s own, so that it sees misuse. */
#if defined(__SANITIZE_ADDRESS__)
#define SLAB_MAX 0u
#else
#define SLAB_MAX ((size_t)CLASS_MAX)
#endif

struct pr_slab_free {
    struct pr_slab_free *next;
};

/* Blocks of one class. It stands at a multiple of CHUNK, so that each of them leads to it. */
struct pr_chunk {
    struct pr_link link; /* of the class's chunks with room, or of the full ones */
    struct pr_slab_free *free;
    uint32_t n_used, fresh; /* blocks handed out; where those begin that never were */
};

enum { CHUNK_HEAD = (sizeof(struct pr_chunk) + 15) / 16 * 16 };

/* ---- lists ---- */

void pr_link_init(struct pr_link *l)
{
    l->prev = l->next = l;
}

void pr_link_remove(struct pr_link *l)
{
    l->prev->next = l->next;
    l->next->prev = l->prev;
    pr_link_init(l);
}

void pr_link_after(struct pr_link *at, struct pr_link *l)
{
    l->prev = at;
    l->next = at->next;
    at->next->prev = l;
    at->next = l;
}

/* ---- blocks ---- */

/* Two classes to each power of two: 32, 48, 64, 96, 128, … */
static uint32_t class_of(size_t size, size_t *ret_size)
{
    size_t c = CLASS_MIN;
    uint32_t i = 0;

    for (; size > c; i += 2, c *= 2)
        if (size <= c + c / 2) {
            *ret_size = c + c / 2;
            return i + 1;
        }
    *ret_size = c;
    return i;
}

void pr_store_init(struct pr_store *s, size_t max)
{
    memset(s, 0, sizeof(*s));
    s->max = max;
    for (uint32_t i = 0; i < PR_CLASSES; i++)
        pr_link_init(&s->room[i]);
    pr_link_init(&s->full);
}

static void free_list(struct pr_link *list)
{
    while (list->next != list) {
        struct pr_link *l = list->next;

        pr_link_remove(l);
        free(l);
    }
}

void pr_store_free_all(struct pr_store *s)
{
    for (uint32_t i = 0; i < PR_CLASSES; i++)
        free_list(&s->room[i]);
    free_list(&s->full);
    pr_store_init(s, s->max);
}

static bool may_take(struct pr_store *s, size_t size)
{
    if (size <= s->max - s->used)
        return true;
    s->failures++;
    return false;
}

static void *take_system(struct pr_store *s, size_t size)
{
    void *p = may_take(s, size) ? malloc(size) : NULL;

    if (p)
        s->used += size;
    return p;
}

static struct pr_chunk *take_chunk(struct pr_store *s, uint32_t class)
{
    struct pr_chunk *c = may_take(s, CHUNK) ? aligned_alloc(CHUNK, CHUNK) : NULL;

    if (!c)
        return NULL;
    s->used += CHUNK;
    *c = (struct pr_chunk){.fresh = CHUNK_HEAD};
    pr_link_after(&s->room[class], &c->link);
    return c;
}

void *pr_store_alloc(struct pr_store *s, size_t size)
{
    struct pr_chunk *c;
    uint32_t class;
    size_t real;
    void *p;

    if (size > SLAB_MAX)
        return take_system(s, size);
    class = class_of(size, &real);
    c = (struct pr_chunk *)(void *)s->room[class].next;
    if (&c->link == &s->room[class])
        c = take_chunk(s, class);
    if (!c)
        return NULL;
    if (c->free) {
        p = c->free;
        c->free = c->free->next;
    } else {
        p = (uint8_t *)c + c->fresh;
        c->fresh += (uint32_t)real;
    }
    c->n_used++;
    if (!c->free && CHUNK - c->fresh < real) {
        pr_link_remove(&c->link);
        pr_link_after(&s->full, &c->link);
    }
    return p;
}

static void free_block(struct pr_store *s, void *p, size_t size)
{
    struct pr_chunk *c = (struct pr_chunk *)(void *)((uintptr_t)p & ~((uintptr_t)CHUNK - 1));
    struct pr_slab_free *f = p;
    size_t real;
    uint32_t class = class_of(size, &real);
    bool was_full = !c->free && CHUNK - c->fresh < real;

    f->next = c->free;
    c->free = f;
    if (was_full) {
        pr_link_remove(&c->link);
        pr_link_after(&s->room[class], &c->link);
    }
    /* the last one with room stays: the next block is taken from it */
    if (--c->n_used || (s->room[class].next == &c->link && s->room[class].prev == &c->link))
        return;
    pr_link_remove(&c->link);
    s->used -= CHUNK;
    free(c);
}

void pr_store_free(struct pr_store *s, void *p, size_t size)
{
    if (!p)
        return;
    if (size <= SLAB_MAX) {
        free_block(s, p, size);
        return;
    }
    s->used -= size;
    free(p);
}

static size_t str_size(uint32_t len)
{
    return sizeof(struct pr_str) + len + 1;
}

struct pr_str *pr_str_new(struct pr_store *s, const char *p, size_t len)
{
    struct pr_str *str;

    if (len == 0 || len > STR_MAX)
        return NULL;
    str = pr_store_alloc(s, str_size((uint32_t)len));
    if (!str)
        return NULL;
    str->refs = 1;
    str->len = (uint32_t)len;
    memcpy(str->s, p, len);
    str->s[len] = 0;
    return str;
}

void pr_str_free(struct pr_store *s, struct pr_str *str)
{
    if (str && --str->refs == 0)
        pr_store_free(s, str, str_size(str->len));
}

void pr_str_set(struct pr_store *s, struct pr_str **at, const char *p, size_t len)
{
    struct pr_str *old = *at;

    if (old && old->len == len && memcmp(old->s, p, len) == 0)
        return;
    *at = pr_str_new(s, p, len);
    pr_str_free(s, old);
}

void pr_str_share(struct pr_store *s, struct pr_str **at, struct pr_str *str)
{
    struct pr_str *old = *at;

    if (str)
        str->refs++;
    *at = str;
    pr_str_free(s, old);
}

bool pr_text_is(struct pr_text t, const char *s)
{
    return strlen(s) == t.len && memcmp(t.p, s, t.len) == 0;
}

/* ---- numbers to pointers ---- */

static uint32_t home(const struct pr_index *m, int64_t key)
{
    return (uint32_t)(((uint64_t)key * 0x9e3779b97f4a7c15u) >> 32) & (m->cap - 1);
}

static struct pr_index_slot *slot_of(const struct pr_index *m, int64_t key)
{
    uint32_t i = home(m, key);

    while (m->slots[i].value && m->slots[i].key != key)
        i = (i + 1) & (m->cap - 1);
    return &m->slots[i];
}

void *pr_index_get(const struct pr_index *m, int64_t key)
{
    return m->cap ? slot_of(m, key)->value : NULL;
}

static int grow(struct pr_index *m)
{
    struct pr_index bigger = {.cap = m->cap ? m->cap * 2 : 64, .n = m->n};

    if (bigger.cap < m->cap)
        return -ENOMEM;
    bigger.slots = calloc(bigger.cap, sizeof(*bigger.slots));
    if (!bigger.slots)
        return -ENOMEM;
    for (uint32_t i = 0; i < m->cap; i++)
        if (m->slots[i].value)
            *slot_of(&bigger, m->slots[i].key) = m->slots[i];
    free(m->slots);
    *m = bigger;
    return 0;
}

int pr_index_put(struct pr_index *m, int64_t key, void *value)
{
    struct pr_index_slot *slot;

    if (m->n >= m->cap / 4 * 3 && grow(m) < 0)
        return -ENOMEM;
    slot = slot_of(m, key);
    if (!slot->value)
        m->n++;
    *slot = (struct pr_index_slot){key, value};
    return 0;
}

void pr_index_del(struct pr_index *m, int64_t key)
{
    uint32_t hole, i, mask = m->cap - 1;

    if (!m->cap || !slot_of(m, key)->value)
        return;
    hole = (uint32_t)(slot_of(m, key) - m->slots);
    m->n--;
    for (i = (hole + 1) & mask; m->slots[i].value; i = (i + 1) & mask) {
        /* move back what may stand in the hole: its home is not between hole and place */
        if (((i - home(m, m->slots[i].key)) & mask) >= ((i - hole) & mask)) {
            m->slots[hole] = m->slots[i];
            hole = i;
        }
    }
    m->slots[hole].value = NULL;
}

void pr_index_free(struct pr_index *m)
{
    free(m->slots);
    *m = (struct pr_index){0};
}
