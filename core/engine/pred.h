/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file pred.h
 * @brief One comparison, compiled: sets for lists, tries for path prefixes, automata for patterns.
 *
 * Compiled once per generation; pred_test() allocates nothing, takes no lock, and may run on
 * several threads at once on the same predicate. (Within a regular expression, libre2 builds its
 * automaton as it goes: under its own ceiling and lock.)
 */
#ifndef ENGINE_PRED_H
#define ENGINE_PRED_H

#include "base/arena.h"
#include "rules/ast.h"

#include <gyr/util.h>

struct pred;

/** Compile an N_CMP whose operands are typed. Constants of bcontains and bstartswith are the
 *  hexadecimal digits as the rule wrote them. Memory that the arena cannot hold (regular
 *  expressions) is freed by pred_free().
 *  @return 0; -EINVAL with a sentence; -ENOMEM. */
int pred_new(const struct node *cmp, struct arena *arena, struct pred **ret, struct gyr_error *err);
void pred_free(struct pred *p);

/** Test. Absent operands are the caller's business (false); both values are present.
 *
 *  A list where the declaration promised one value (fd.ip is either end) matches when one of its
 *  elements does; with != when all do. A declared list is `in` another when all its elements are,
 *  and `intersects` it when one is.
 *  @param rhs the right side's value when it is a field or a call; else NULL. */
bool pred_test(const struct pred *p, const struct gyr_value *lhs, const struct gyr_value *rhs);

/** Rough cost of a test, for ordering: 1 an integer, 100 a regular expression. */
uint32_t pred_cost(const struct pred *p);

/** Is it a regular expression re2 takes? For the checker. @return 0; -EINVAL with its reason. */
int regex_check(const char *s, size_t n, struct gyr_error *err);

/** Are they hexadecimal digits, two for each byte, as bcontains and bstartswith take them? For
 *  the checker. @return 0; -EINVAL with a sentence. */
int hex_check(const char *s, size_t n, struct gyr_error *err);

#endif /* ENGINE_PRED_H */
