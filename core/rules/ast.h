/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file ast.h
 * @brief Conditions as trees: what the parser makes, the resolver completes and the engine
 * compiles.
 *
 * Everything lives in the ruleset's arena and does not change after the load.
 */
#ifndef RULES_AST_H
#define RULES_AST_H

#include "base/yaml.h"
#include "event/schema.h"

#include <gyr/types.h>

/** A stretch of a text that was put together from several scalars (`append`). */
struct text_part {
    uint32_t off; /**< where it begins in text.p */
    const struct ynode *node;
};

/** The text something was parsed from, and where that stands in a file. */
struct text {
    const char *p;
    uint32_t len;
    const struct ynode *node;      /**< the YAML scalar (the first of several), for yaml_loc_at() */
    const char *what;              /**< "rule 'X'", "macro 'y'": for messages */
    const struct text_part *parts; /**< NULL: all of it came from `node` */
    uint32_t n_parts;
};

/** The place in the file of byte @p off of a text. */
struct loc text_loc(const struct text *t, uint32_t off);

enum expr_kind { X_FIELD, X_CALL, X_CONST, X_LIST };

enum transform {
    TF_TOLOWER,
    TF_TOUPPER,
    TF_B64,
    TF_BASENAME,
    TF_LEN,
    TF_JOIN,
    TF_CONCAT,
    TF_GETOPT, /**< getopt(args, "ab:")[b]: the letter in brackets is a third argument */
    TF_VAL,    /**< val(x): x as the right side of a comparison; resolved away */
    TF_MAX_
};

/** An operand. */
struct expr {
    enum expr_kind kind;
    uint32_t type;     /**< GYR_T_*, set by the type check; of the elements when is_list */
    bool is_list;      /**< yields a list (also every X_LIST) */
    bool quoted;       /**< X_CONST: stood in quotes */
    uint32_t off, len; /**< its place in *text */
    const struct text *text;
    union {
        struct {
            const struct field_def *def;
            const char *arg;  /**< NULL: none */
            const char *name; /**< as written: "proc.aname[2]" */
        } field;
        struct {
            enum transform fn;
            struct expr **args;
            uint32_t n;
        } call;
        /** Before the type check a GYR_T_STR of what was written (escapes undone), after it of the
         *  type that the other side asks for. */
        struct gyr_value value;
        struct {
            struct expr **items; /**< after resolving, as the right side of a comparison: X_CONST
                                      only, lists opened, in order; as an argument of join() or
                                      getopt() also fields and calls */
            uint32_t n;
        } list;
    };
};

enum cmp_op {
    OP_EXISTS,
    OP_EQ,
    OP_NE,
    OP_LT,
    OP_LE,
    OP_GT,
    OP_GE,
    OP_CONTAINS,
    OP_ICONTAINS,
    OP_BCONTAINS,
    OP_STARTSWITH,
    OP_BSTARTSWITH,
    OP_ENDSWITH,
    OP_GLOB,
    OP_IGLOB,
    OP_REGEX,
    OP_IN,
    OP_INTERSECTS,
    OP_PMATCH,
    OP_MAX_
};

/** How a comparison with a list on its right is meant. */
enum cmp_mod { MOD_NONE, MOD_ONEOF, MOD_ANYOF, MOD_ALLOF };

enum node_kind {
    N_AND,
    N_OR,
    N_NOT,
    N_CMP,
    N_MACRO, /**< a name; gone after resolving */
    N_CONST  /**< always true or false (an empty condition part after resolving) */
};

/** A condition. */
struct node {
    enum node_kind kind;
    uint32_t off, len;
    const struct text *text;
    union {
        struct {
            struct node **kids; /**< N_AND, N_OR: two or more; N_NOT: one */
            uint32_t n;
        } logic;
        struct {
            struct expr *lhs;
            enum cmp_op op;
            enum cmp_mod mod;
            struct expr *rhs; /**< NULL for exists; X_CONST, X_LIST, X_FIELD or X_CALL */
        } cmp;
        const char *macro;
        bool constant;
    };
};

const char *cmp_op_name(enum cmp_op op);
const char *cmp_mod_name(enum cmp_mod mod); /**< "" for MOD_NONE */
const char *transform_name(enum transform fn);
/** The comparator of that name ("==" is OP_EQ), or -1. */
int cmp_op_find(const char *s, size_t n);
int cmp_mod_find(const char *s, size_t n);   /**< never MOD_NONE; -1 */
int transform_find(const char *s, size_t n); /**< or -1 */
/** Does it take a list on its right: in, intersects, pmatch? */
bool cmp_op_takes_list(enum cmp_op op);

#endif /* RULES_AST_H */
