/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file pred_impl.h
 * @brief What the parts of a predicate share. Only pred*.c include this.
 *
 * Sets and tries are built once in the generation's arena and only read afterwards.
 */
#ifndef ENGINE_PRED_IMPL_H
#define ENGINE_PRED_IMPL_H

#include "engine/pred.h"

#include <string.h>

/** Compare two values whose types fit (text with text, number with number). */
typedef bool (*cmp_fn)(const struct gyr_value *a, const struct gyr_value *b);

/** The comparison for an operator over a type; "in" and "intersects" give equality.
 *  @return NULL when the operator means nothing for it. */
cmp_fn cmp_find(enum cmp_op op, uint32_t type);
/** b->u.ptr is a struct regex. */
bool cmp_regex(const struct gyr_value *a, const struct gyr_value *b);
bool cmp_pmatch(const struct gyr_value *a, const struct gyr_value *b);

/** Prepare a constant for cmp_needle(), which does what "contains" does, faster: it looks for the
 *  byte of the constant that texts have least. @return 0, -ENOMEM. */
int needle_new(struct arena *a, struct gyr_value *v);
bool cmp_needle(const struct gyr_value *a, const struct gyr_value *b);

/* ---- sets ---- */

struct str_slot {
    const char *p;
    uint32_t len, hash;
};

/** Strings (or bytes), open addressing under a seeded hash; most misses end before hashing. */
struct str_set {
    uint64_t lens;     /**< bit (length mod 64) */
    uint64_t first[4]; /**< bit of the first byte */
    uint32_t mask;
    bool has_empty;
    struct str_slot *slots; /**< p NULL: free */
};

struct str_set *str_set_new(struct arena *a, const struct gyr_value *v, uint32_t n);
bool str_set_has(const struct str_set *s, const char *p, uint32_t len);

/** Integers: a bitmap when they lie close together, else a sorted array. */
struct num_set {
    uint64_t min, max;
    uint64_t *bits; /**< NULL: use sorted */
    uint64_t *sorted;
    uint32_t n;
};

struct num_set *num_set_new(struct arena *a, const struct gyr_value *v, uint32_t n);
bool num_set_has(const struct num_set *s, uint64_t x);

/* ---- path prefixes ---- */

struct path_trie;

/** Patterns are paths whose folders may hold * ? [].
 *  @return 0; -EINVAL for one that is too deep; -ENOMEM. */
int path_trie_new(struct arena *a, const struct gyr_value *v, uint32_t n, struct path_trie **ret,
                  struct gyr_error *err);
bool path_trie_match(const struct path_trie *t, const char *p, uint32_t len);
/** The next component from *@p off, which moves behind it; false at the end of the path. */
bool path_next(const char *p, uint32_t len, uint32_t *off, const char **ret, uint32_t *ret_len);
bool path_has_glob(const char *p, uint32_t len);

#endif /* ENGINE_PRED_IMPL_H */
