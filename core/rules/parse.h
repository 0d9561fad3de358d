/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file parse.h
 * @brief Text to syntax tree: conditions, and the pieces of them that exceptions and output texts
 * hold.
 *
 * Names are taken as they come: whether a field, macro or list exists is for the resolver. Trees
 * live in the arena given. Recursion ends at PARSE_DEPTH_MAX parentheses. Not shared between
 * threads.
 */
#ifndef RULES_PARSE_H
#define RULES_PARSE_H

#include "base/diag.h"
#include "rules/ast.h"

#include <gyr/util.h>

/** A whole condition. Goes on behind what is wrong, and tells all of it.
 *  @param ret also after -EINVAL: what is right of it; NULL: nothing.
 *  @return 0; -EINVAL, -ENOMEM after telling @p d. */
int parse_condition(const struct text *t, struct arena *a, struct diags *d, struct node **ret);
/** The whole text as the left side of a comparison (an exception's field). */
int parse_left(const struct text *t, struct arena *a, struct diags *d, struct expr **ret);
/** The whole text as the right side of one (an exception's value). */
int parse_right(const struct text *t, enum cmp_op op, enum cmp_mod mod, struct arena *a,
                struct diags *d, struct expr **ret);
/** "in", "startswith oneof": a comparator as exceptions write it. @return 0, -EINVAL. */
int parse_comparator(const char *s, size_t n, enum cmp_op *ret_op, enum cmp_mod *ret_mod);
/** A field or transformer at @p off of an output text, as long as one goes.
 *  @return 0 and where it ends; -EINVAL with a sentence and its place in @p ret_end. */
int parse_output_operand(const struct text *t, uint32_t off, struct arena *a, struct expr **ret,
                         uint32_t *ret_end, struct gyr_error *err);

#endif /* RULES_PARSE_H */
