/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file lint.h
 * @brief What is right by the language and yet hardly meant: told as warnings where defs->d->lint.
 *
 * Internal to core/rules.
 */
#ifndef RULES_LINT_H
#define RULES_LINT_H

#include "rules/defs.h"

/** A rule that was loaded: its event types, its comparisons, its exceptions. */
void lint_rule(struct defs *defs, const struct rule_def *def, const struct rule *r);
/** Lists and macros, when all rules have been built. */
void lint_defs(struct defs *defs);
/** Comparisons that exclude each other, in a condition and its parts.
 *  @param what "rule 'X'". */
void lint_contradictions(struct defs *defs, const struct node *n, const char *what);
/** Can no event make both true? @p not_b: the second is negated. */
bool lint_excludes(const struct node *a, const struct node *b, bool not_b);

/** Put the lists and macros of the text @p name that nothing names into @p rs. @return 0; -ENOMEM.
 */
int lint_more(struct defs *defs, const char *name, struct ruleset *rs);

#endif /* RULES_LINT_H */
