/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file print.h
 * @brief Conditions written back as text, in one canonical form.
 *
 * Parsing that text again gives the same condition. Any thread.
 */
#ifndef RULES_PRINT_H
#define RULES_PRINT_H

#include "base/buf.h"
#include "rules/ast.h"

/** "tolower(proc.name)", "(a,\"b c\")". */
void expr_print(struct buf *b, const struct expr *e);
/** "proc.name = bash and not (a or b)". */
void node_print(struct buf *b, const struct node *n);

#endif /* RULES_PRINT_H */
