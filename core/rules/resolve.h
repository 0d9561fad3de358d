/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file resolve.h
 * @brief Names to what they stand for: macros and lists opened, fields found, all of it typed.
 *
 * Internal to core/rules. A macro is resolved once per schema and shared by the rules that use it;
 * the trees that the parser made are not changed. What is wrong is gathered per macro and rule and
 * told once.
 */
#ifndef RULES_RESOLVE_H
#define RULES_RESOLVE_H

#include "rules/defs.h"

enum { EXPANDED_DEPTH_MAX = 1000, PROBLEMS_MAX = 20 };

/** Something wrong in a condition or an output. */
struct problem {
    struct problem *next;
    struct loc loc;
    const char *text;
    enum diag_code warning; /**< DIAG_NONE: an error */
    bool is_unknown;        /**< a name nobody knows: `skip-if-unknown-filter` forgives it */
};

/** A macro or a rule, resolved for one schema. */
struct unit {
    struct unit *next; /**< of the same macro, for another schema */
    const struct schema *schema;
    const char *what; /**< "rule 'X'"; NULL: a trial, whose problems count for nothing */
    struct node *node;
    struct problem *first, **last;
    uint32_t n_problems;
    struct vec uses;                /**< struct unit: the macros in it */
    uint64_t size;                  /**< nodes and list items with its macros opened */
    uint32_t base, depth;           /**< where its resolving began, and its height from there */
    bool has_error, has_hard_error; /**< its own or its macros'; hard: not only unknown names */
    bool told;
};

struct resolver {
    struct defs *defs;
    const struct schema *schema; /**< the one at work */
    struct map event_names;      /**< of it: any value but NULL */
    uint64_t n_nodes, n_expanded;
    uint32_t n_errors; /**< in all conditions and outputs */
};

/** Check that lists and macros are there and in no cycle; parse the macros. Tells every error.
 *  @return 0; -ENOMEM. */
int resolve_link(struct resolver *r);
/** Work for another schema. @return 0; -ENOMEM. */
int resolve_set_schema(struct resolver *r, const struct schema *schema);
/** Resolve a condition. @param u `what` and `schema` set. @return 0, u->node and what is wrong in
 *  u; -ENOMEM after telling. */
int resolve_condition(struct resolver *r, struct unit *u, const struct node *ast);
/** Tell what is wrong in a unit and its macros, if it was not told yet. */
void resolve_tell(struct resolver *r, struct unit *u);
/** The first that makes the unit unusable, its macros' too; NULL: none. */
const struct problem *resolve_first_error(const struct unit *u);
void resolve_free(struct resolver *r);

/** "; did you mean the macro 'x'?" for a name that is no macro. */
const char *resolve_macro_hint(struct defs *defs, const char *word);
/** A copy of an operand as the parser made it. @return NULL without memory. */
struct expr *resolve_copy(struct resolver *r, const struct expr *e);

/** Or, for warnings, PROBLEM_WARNING + enum diag_code. */
enum problem_kind { PROBLEM_ERROR, PROBLEM_UNKNOWN, PROBLEM_WARNING };
__attribute__((format(printf, 6, 7))) void problem_add(struct resolver *r, struct unit *u,
                                                       uint32_t kind, const struct text *text,
                                                       uint32_t off, const char *fmt, ...);

#endif /* RULES_RESOLVE_H */
