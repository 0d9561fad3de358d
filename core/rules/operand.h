/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file operand.h
 * @brief The parser's state and its lower half: fields, transformers, values, lists.
 *
 * For parse.c. Each operand_*() returns NULL after operand_fail(): the first failure stays.
 */
#ifndef RULES_OPERAND_H
#define RULES_OPERAND_H

#include "rules/ast.h"
#include "rules/lex.h"

enum { PARSE_DEPTH_MAX = 100 };

struct parser {
    struct lexer lex;
    const struct text *text;
    struct arena *arena;
    uint32_t depth; /**< of parentheses and transformers */
    struct gyr_error err;
    uint32_t err_at; /**< where in the text */
    /* conditions only: see recover.h */
    struct diags *d;
    uint32_t n_told, told_at; /**< told_at: where the last was */
    bool is_cut;              /**< the text ends with what could not be read */
    bool is_hopeless;         /**< what comes behind the error cannot be told from a comment */
};

/** A list that grows in the arena. */
struct vec {
    void **p;
    uint32_t n, cap;
};
bool vec_push(struct arena *a, struct vec *v, void *item);

/** Note the failure, with its place. @return NULL, so that a failure is one statement. */
__attribute__((format(printf, 3, 4))) void *operand_fail(struct parser *p, uint32_t at,
                                                         const char *fmt, ...);
/** "expected WHAT, not 'x'" (or "…, but the text ends here"), at the cursor. */
void *operand_expected(struct parser *p, const char *what);
void *operand_no_memory(struct parser *p);
bool operand_enter(struct parser *p, uint32_t at); /**< one level deeper; false: too deep */

/** A field with its argument: proc.aname[2]. @pre @p name was just taken. */
struct expr *operand_field(struct parser *p, const struct token *name);
/** A transformer. @pre its name was just taken and '(' is next. */
struct expr *operand_call(struct parser *p, const struct token *name);
/** What a comparison may have on its left. */
struct expr *operand_left(struct parser *p);
/** What may stand on the right of that comparator. */
struct expr *operand_right(struct parser *p, enum cmp_op op, enum cmp_mod mod);
/** "; did you mean 'x'?" for a wrong word among those @p name gives for 0, 1, … until NULL. */
const char *operand_hint(struct parser *p, const struct token *word, const char *(*name)(int i));

#endif /* RULES_OPERAND_H */
