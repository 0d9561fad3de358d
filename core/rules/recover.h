/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file recover.h
 * @brief A condition goes on behind what is wrong in it, so that all of it is told at once.
 *
 * For parse.c. What was told is counted in p->n_told; p->err holds a failure that has not been told
 * yet, and nothing is parsed while it does.
 */
#ifndef RULES_RECOVER_H
#define RULES_RECOVER_H

#include "rules/operand.h"

enum { SYNTAX_ERRORS_MAX = 20 };

/** Tell p->err, and put the cursor where a comparison may end: at the next 'and', 'or', closing
 *  parenthesis or the end of the text.
 *  @param from where the comparison began. @param depth of parentheses there.
 *  @return whether p->err is empty now; else the rest makes no sense. */
bool recover(struct parser *p, uint32_t from, uint32_t depth);
/** An operand has ended: what follows must join it to another, or end the condition or the group.
 *  Tells what does not, and goes on behind it.
 *  @return false: the operand was hardly meant as it was read ("10.0" of "10.0.0.1"). */
bool recover_joint(struct parser *p);
/** What somebody meant as a comment: where it ends, and whether, nobody can tell. @return NULL. */
void *recover_comment(struct parser *p);
/** Take the word "and" or "or"; once told, also what was written in its place. */
bool recover_word(struct parser *p, const char *word);

#endif /* RULES_RECOVER_H */
