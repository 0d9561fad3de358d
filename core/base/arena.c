/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 64 * 1024, ALIGN = 16 };

struct block {
    struct block *next;
    size_t cap, used;
    _Alignas(ALIGN) unsigned char data[];
};

struct arena {
    struct block *head, *first; /* head: where we allocate; first: kept by a reset */
    size_t used, max;
};

/* An arena with a low ceiling takes no more than that. */
static struct block *block_new(size_t n, size_t max)
{
    size_t usual = max < BLOCK ? max : BLOCK, cap = n > usual ? n : usual;
    struct block *b = malloc(sizeof(*b) + cap);

    if (b)
        *b = (struct block){.cap = cap};
    return b;
}

struct arena *arena_new(size_t max)
{
    struct arena *a = calloc(1, sizeof(*a));

    if (a)
        a->max = max;
    return a;
}

void arena_reset(struct arena *a)
{
    while (a->head && a->head != a->first) {
        struct block *next = a->head->next;

        free(a->head);
        a->head = next;
    }
    if (a->first)
        a->first->used = 0;
    a->used = 0;
}

void arena_free(struct arena *a)
{
    if (!a)
        return;
    arena_reset(a);
    free(a->first);
    free(a);
}

void *arena_alloc(struct arena *a, size_t n)
{
    struct block *b = a->head;
    void *p;

    if (n > a->max || a->used > a->max - n || n > SIZE_MAX - ALIGN)
        return NULL;
    n = (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    if (!b || b->cap - b->used < n) {
        b = block_new(n, a->max);
        if (!b)
            return NULL;
        b->next = a->head;
        a->head = b;
        if (!a->first)
            a->first = b;
    }
    p = b->data + b->used;
    b->used += n;
    a->used += n;
    return memset(p, 0, n);
}

void *arena_array(struct arena *a, size_t n, size_t size)
{
    size_t total;

    return __builtin_mul_overflow(n, size, &total) ? NULL : arena_alloc(a, total);
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
    char *p = n < SIZE_MAX ? arena_alloc(a, n + 1) : NULL;

    if (p && n)
        memcpy(p, s, n);
    return p;
}

char *arena_strdup(struct arena *a, const char *s)
{
    return arena_strndup(a, s, strlen(s));
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list ap;
    char *p = NULL;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n >= 0)
        p = arena_alloc(a, (size_t)n + 1);
    if (p) {
        va_start(ap, fmt);
        (void)vsnprintf(p, (size_t)n + 1, fmt, ap);
        va_end(ap);
    }
    return p;
}

size_t arena_used(const struct arena *a)
{
    return a->used;
}
