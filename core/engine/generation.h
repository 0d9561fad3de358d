/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file generation.h
 * @brief One loaded set of rules, compiled for every schema: made whole, swapped whole, counted.
 */
#ifndef ENGINE_GENERATION_H
#define ENGINE_GENERATION_H

#include "engine/program.h"

#include <stdatomic.h>

struct generation {
    atomic_uint refs;
    uint32_t number; /**< 1, 2, … */
    struct ruleset *rules;
    struct program **programs; /**< one for each loaded schema, in the order of struct schemas */
    uint32_t n_programs;
};

/** Load and compile; one reference is the caller's. @return 0; -EINVAL after telling @p d. */
int generation_new(const struct ruleset_conf *conf, uint32_t number, struct diags *d,
                   struct generation **ret);
/** The same from a text in memory. */
int generation_new_text(const struct ruleset_conf *conf, const char *path, const char *text,
                        size_t len, struct diags *d, struct generation **ret);
struct generation *generation_ref(struct generation *g);
/** Any thread; the last one frees. NULL is fine. */
void generation_unref(struct generation *g);

#endif /* ENGINE_GENERATION_H */
