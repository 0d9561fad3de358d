/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file arena.h
 * @brief A bump allocator: many small allocations, freed together.
 *
 * One owner at a time. Memory is zeroed and 16-byte aligned. Every allocation may fail (ceiling
 * or no memory) and then gives NULL.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

struct arena;

/** @param max ceiling of all allocations together, bytes. @return NULL without memory. */
struct arena *arena_new(size_t max);
void arena_free(struct arena *a); /**< NULL is fine */
/** Free all allocations, keep the first block for the next round. */
void arena_reset(struct arena *a);
void *arena_alloc(struct arena *a, size_t n);
/** n × size, checked. */
void *arena_array(struct arena *a, size_t n, size_t size);
char *arena_strndup(struct arena *a, const char *s, size_t n);
char *arena_strdup(struct arena *a, const char *s);
__attribute__((format(printf, 2, 3))) char *arena_printf(struct arena *a, const char *fmt, ...);
/** Bytes handed out since arena_new() or arena_reset(). */
size_t arena_used(const struct arena *a);

#endif /* BASE_ARENA_H */
