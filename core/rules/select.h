/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file select.h
 * @brief A configuration's say in the rules: adjust.h applied.
 *
 * Internal to core/rules.
 */
#ifndef RULES_SELECT_H
#define RULES_SELECT_H

#include "rules/resolve.h"

enum extra_validity { EXTRA_UNTRIED, EXTRA_GOOD, EXTRA_BAD };

/** An entry of `append_output` with its texts. */
struct extra {
    const struct rule_extra *conf;
    struct text *output;           /**< NULL: none */
    struct text **fields;          /**< one for each of conf->fields */
    const char **names;            /**< likewise */
    enum extra_validity *validity; /**< for each schema */
    bool used;
};

/** Enable and disable, when all files are read. Warns of names and tags that fit nothing. */
void defs_select(struct defs *defs, const struct rule_adjust *a);

/** @param a NULL: no entries. @param ret struct extra. @return 0; -ENOMEM. */
int extras_begin(struct defs *defs, const struct rule_adjust *a, uint32_t n_schemas,
                 struct vec *ret);
/** Those that apply to a rule and are right for its schema; what is wrong is told.
 *  @param schema number of r->schema. @return 0; -ENOMEM. */
int extras_for(struct resolver *r, const struct vec *all, const struct rule_def *def,
               uint32_t schema, struct vec *ret);
/** Warn of those that fitted no rule. */
void extras_end(struct defs *defs, const struct vec *all);

#endif /* RULES_SELECT_H */
