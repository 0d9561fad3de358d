/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file check.h
 * @brief Types: which comparator and which transformer takes what, and constants as values.
 *
 * Internal to core/rules. Changes the expressions given, which the resolver has copied.
 */
#ifndef RULES_CHECK_H
#define RULES_CHECK_H

#include "rules/resolve.h"

enum { FIELD_LEN_MAX = 1024 }; /**< a field's name and argument */

/** Find the field, type the transformer. Wrong: a problem of @p u. @return whether it is right. */
bool check_operand(struct resolver *r, struct unit *u, struct expr *e);
/** A comparison whose operands are copies and whose lists are opened. */
bool check_comparison(struct resolver *r, struct unit *u, struct node *cmp);

#endif /* RULES_CHECK_H */
