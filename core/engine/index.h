/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file index.h
 * @brief One value against the constants of many rules at once: which rules can it not rule out?
 *
 * Built with a program in its arena and only read afterwards: any thread, no allocation. A lookup
 * costs a hash for "=", one for each length of the prefixes and suffixes, one for each folder of a
 * path, and about a nanosecond a byte for "contains", however many rules there are. It may name a
 * rule too many, never one too few.
 */
#ifndef ENGINE_INDEX_H
#define ENGINE_INDEX_H

#include "base/arena.h"

#include <gyr/types.h>
#include <stdbool.h>

enum {
    INDEX_LENGTHS_MAX = 16, /* prefixes of more lengths are found by the first bytes of theirs */
    INDEX_GRAM_MAX = 4
};

enum index_form {
    FORM_EQUAL,
    FORM_PREFIX,
    FORM_SUFFIX,
    FORM_PATH, /* the value is the key, or something below it; neither begins with a slash */
    FORM_PART,
    FORM_MAX_
};

/** A constant that a group asks for. */
struct index_key {
    const char *key; /* of text; borrowed */
    uint64_t num;    /* of numbers; else set by index_make() */
    uint32_t len;    /* text; > 0 for FORM_PATH and FORM_PART */
    uint32_t group;
    uint32_t form; /* enum index_form; of numbers FORM_EQUAL */
    uint32_t gram; /* FORM_PART: where in it the bytes stand that are looked for */
};

/** The rules that have a test in common: one test may have many constants, and many rules. */
struct index_groups {
    uint32_t n, *first; /* n + 1: where in pos[] each begins */
    uint32_t *pos;      /* of rules: which bits to set */
};

struct index_slot {
    const char *key;
    uint64_t num;
    uint32_t len, form, gram;
    uint32_t first, n; /* groups, in index.hits; n = 0: free */
};

struct index_lengths {
    uint32_t n, of[INDEX_LENGTHS_MAX]; /* ascending */
};

struct prog_index {
    uint32_t value; /* the caller's */
    bool numbers;   /* else text */
    bool equal;     /* has keys of FORM_EQUAL */
    uint32_t words; /* of bits */
    uint32_t mask;
    struct index_slot *slots;
    uint32_t *hits; /* groups */
    struct index_groups groups;
    uint64_t *all; /* bits of every rule this index decides about */
    struct index_lengths prefixes, suffixes;
    uint32_t path_max;  /* longest key of FORM_PATH */
    uint64_t path_lens; /* their lengths, modulo 64 */
    uint32_t grams;     /* bit n: some are of n bytes */
    uint32_t gram_shift;
    uint64_t *gram_bits; /* which a text may hold, by hash */
};

/** Ascending by form and key; equal keys by group. */
int index_key_order(const void *a, const void *b);
/** @param k sorted, nothing twice; changed.
 *  @param g in the same arena. @return 0, -ENOMEM. */
int index_make(struct arena *a, struct index_key *k, uint32_t n, const struct index_groups *g,
               uint32_t words, struct prog_index *ret);
/** Set the bits of the rules whose test of a present value can hold. */
void index_lookup(const struct prog_index *x, const struct gyr_value *v, uint64_t *bits);
void index_all(const struct prog_index *x, uint64_t *bits);

#endif /* ENGINE_INDEX_H */
