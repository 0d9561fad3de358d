/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file defs.h
 * @brief Lists, macros and rules as the files define them, before anything is resolved.
 *
 * Internal to core/rules: filled file by file (items.c, rule_item.c), in order, later definitions
 * replacing earlier ones in their place; then read by the resolver. All of it lives in one arena.
 */
#ifndef RULES_DEFS_H
#define RULES_DEFS_H

#include "base/diag.h"
#include "base/map.h"
#include "rules/operand.h"
#include "rules/ruleset.h"

enum {
    GUESSES_MAX = 2000000,
    EXCEPTIONS_MAX = 1000,
    RULES_MAX = 100000,
    RULESET_BYTES_MAX = 256 << 20,
    NODES_TOTAL_MAX = 1000000
};

/** How far the search for cycles has come. */
enum link_state { LINK_NEW, LINK_OPEN, LINK_DONE };

struct list_def {
    const char *name;
    struct loc loc;
    struct vec items; /**< struct ynode: scalars */
    bool broken;      /**< an error was told: whoever uses it stays silent */
    bool used;        /**< by a rule that was resolved, or another list */
    enum link_state link;
    struct expr **open; /**< X_CONST as written, lists in it opened */
    uint32_t n_open;
};

struct macro_def {
    const char *name;
    struct loc loc;
    struct vec condition; /**< struct ynode: one, and what was appended */
    bool broken, used;
    enum link_state link;
    uint32_t height; /**< of macros in macros */
    uint32_t n_told; /**< errors about the names in it */
    struct node *ast;
    struct unit *units; /**< resolved, one for each schema */
};

struct exception_def {
    const char *name;
    struct loc loc;
    const struct ynode *fields, *comps; /**< NULL: not given */
    struct vec values;                  /**< struct ynode */
};

struct rule_def {
    const char *name;
    struct loc loc;
    const char *source;
    struct vec condition, output, desc; /**< struct ynode */
    struct vec tags;                    /**< char */
    struct vec exceptions;              /**< struct exception_def */
    uint32_t priority;
    bool enabled, capture, skip_unknown, broken;
    bool any_type; /**< `warn_evttypes: false` */
    uint64_t capture_duration_ns;
};

struct defs {
    struct arena *arena;
    struct diags *d;
    struct vec lists, macros, rules; /**< in order of first definition */
    struct map list_by_name, macro_by_name, rule_by_name;
    bool incomplete;    /**< a file could not be read: who misses a name may not be to blame */
    bool unparsed;      /**< a condition has errors: what nobody uses may stand in there */
    struct vec files;   /**< char: what was read */
    uint32_t n_guesses; /**< words compared in search of the nearest: they cost, and are bounded */
};

/** Read the items of a file's documents. Errors are told to defs->d and do not stop it.
 *  @return 0, -ENOMEM. */
int defs_read(struct defs *defs, const struct ydocs *docs);
void defs_free(struct defs *defs); /**< what is not in the arena */
/** May a wrong word be compared with so many right ones? */
bool defs_may_guess(struct defs *defs, uint32_t n_words);
/** Tell that the ceiling is reached. @return -ENOMEM. */
int defs_no_memory(struct defs *defs);

/* ---- one item each; @return 0, also after telling what is wrong; -ENOMEM ---- */
int item_list(struct defs *defs, const struct ynode *item);
int item_macro(struct defs *defs, const struct ynode *item);
int item_rule(struct defs *defs, const struct ynode *item);
/** The `exceptions` of a rule. @param append values for those it has, else new ones.
 *  @return as above; -EINVAL after telling an error. */
int item_exceptions(struct defs *defs, struct rule_def *rule, const struct ynode *list, bool append,
                    const char *what);

/** The rule's condition with its exceptions: cond and not (…) and not (…).
 *  @param loose struct expr: the fields of those that have no values, or wrong ones, are added.
 *  @return 0; -EINVAL after telling, and *ret has what is right of them; -ENOMEM. */
int exceptions_apply(struct defs *defs, const struct rule_def *rule, const char *what,
                     struct node *cond, struct node **ret, struct vec *loose);
/** A scalar of a list or an exception as a constant: quotes inside the scalar are undone, and keep
 *  it from being taken for a list's name, as blanks do. @return NULL without memory. */
struct expr *item_value(struct defs *defs, const struct ynode *n, const char *what);

/* ---- what the items share ---- */

/** The text of a key. @param required tell when it is missing.
 *  @return 1; 0 when it is not there; -EINVAL after telling. */
int item_text(struct defs *defs, const struct ynode *item, const char *key, const char *what,
              bool required, const struct ynode **ret);
int item_bool(struct defs *defs, const struct ynode *item, const char *key, const char *what,
              bool *ret);
/** Warn about keys that are not among @p keys (ended by NULL). */
void item_check_keys(struct defs *defs, const struct ynode *item, const char *const *keys,
                     const char *what);
/** "; did you mean 'x'?" among @p words (ended by NULL). */
const char *item_hint(struct defs *defs, const char *word, const char *const *words);
/** Tell that a key is not there, or under which wrong name it is. @return -EINVAL. */
int item_missing(struct defs *defs, const struct ynode *item, const char *key, const char *what);
/** "; did you mean 'x'?" among the names of what is defined. */
const char *item_name_hint(struct defs *defs, const struct map *names, const char *name);
/** Tell that an item of that name is there already. */
void item_tell_again(struct defs *defs, struct loc first, struct loc again, const char *what);
/** `append: true` or an `override` of lists and macros. @param key what may be overridden.
 *  @return 1: append; 0: replace; -EINVAL after telling. */
int item_append(struct defs *defs, const struct ynode *item, const char *key, const char *what);

/** Put scalars together, a blank between them, as one text. @return NULL without memory. */
struct text *text_join(struct arena *a, const struct vec *nodes, const char *what);

#endif /* RULES_DEFS_H */
