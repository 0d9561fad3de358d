/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file scratch.h
 * @brief Memory for one event: a fixed block, used from the front, empty again at the next event.
 *
 * One per source thread. No allocation after scratch_init().
 */
#ifndef ENGINE_SCRATCH_H
#define ENGINE_SCRATCH_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

enum { SCRATCH_SIZE = 1 << 20 };

struct scratch {
    unsigned char *p;
    size_t used, cap;
    uint64_t failed; /**< how often the block was too small */
};

static inline int scratch_init(struct scratch *s)
{
    *s = (struct scratch){.p = malloc(SCRATCH_SIZE), .cap = SCRATCH_SIZE};
    return s->p ? 0 : -1;
}

static inline void scratch_free(struct scratch *s)
{
    free(s->p);
    *s = (struct scratch){0};
}

/** 8-byte aligned, not zeroed; NULL when the block is used up (counted). */
static inline void *scratch_alloc(struct scratch *s, size_t n)
{
    void *p = s->p + s->used;

    if (n > s->cap - s->used) {
        s->failed++;
        return NULL;
    }
    s->used += (n + 7) & ~(size_t)7;
    if (s->used > s->cap)
        s->used = s->cap;
    return p;
}

static inline void scratch_reset(struct scratch *s)
{
    s->used = 0;
}

#endif /* ENGINE_SCRATCH_H */
