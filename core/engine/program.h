/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file program.h
 * @brief The rules of one schema compiled into one shared graph, with a list per event type.
 *
 * Distinct operands (fields, transformers over them) become values, distinct comparisons become
 * predicates, distinct and/or/not become nodes; each is evaluated at most once per event. For
 * every event type (and subtype of generic types) the graph is simplified with evt.type known, so
 * that only rules that can still match are looked at. Constant once compiled.
 */
#ifndef ENGINE_PROGRAM_H
#define ENGINE_PROGRAM_H

#include "rules/ruleset.h"

struct program;

/** @param rs must outlive the program. Disabled rules are left out.
 *  @return 0; -EINVAL after telling @p d; -ENOMEM. */
int program_new(const struct ruleset *rs, const struct schema *schema, struct diags *d,
                struct program **ret);
void program_free(struct program *p); /**< NULL is fine */

/** Set the bits of the event types and subtypes some rule can match.
 *  @param types [1024] words (65,536 bits). @param subtypes [schema->n_subtype_ids bits]. */
void program_want(const struct program *p, uint64_t *types, uint64_t *subtypes);

struct program_stats {
    uint32_t rules, values, preds, nodes;
};
void program_stats(const struct program *p, struct program_stats *ret);

/** Print the graph and per-type lists, for debugging and golden tests. */
void program_dump(const struct program *p, FILE *f);

#endif /* ENGINE_PROGRAM_H */
