/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file map.h
 * @brief A hash table from bytes to a pointer: names to rules, fields, options.
 *
 * For set-up and look-up by name, not for per-event state. Keys are borrowed and must outlive
 * the map. The hash is seeded at random, so that input cannot choose collisions. Not shared
 * between threads while it changes; reading is safe from any number of threads.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stddef.h>
#include <stdint.h>

struct map_entry {
    const char *key;
    size_t len;
    uint64_t hash;
    void *value;
};

struct map {
    struct map_entry *slots; /**< in the order of insertion: slots[0 .. n) */
    uint32_t *index;
    uint32_t n, cap;
};

/** A map that is all zero is empty and ready. */
void map_free(struct map *m);
/** @return the value, or NULL. */
void *map_get(const struct map *m, const char *key, size_t len);
void *map_gets(const struct map *m, const char *key);
/** Add or replace. @return 0, -ENOMEM. */
int map_put(struct map *m, const char *key, size_t len, void *value);
/** A seeded hash of bytes, the same within one run of the process. */
uint64_t hash_bytes(const void *p, size_t n);

#endif /* BASE_MAP_H */
