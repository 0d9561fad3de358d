/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file rules_load.h
 * @brief Rule texts loaded for tests, against the "syscall" schema and a small one, "cloud"; what
 * came of it as text to compare.
 */
#ifndef TESTS_RULES_LOAD_H
#define TESTS_RULES_LOAD_H

#include "base/buf.h"
#include "base/cleanup.h"
#include "rules/ruleset.h"

#include <errno.h>
#include <string.h>

struct loaded {
    struct schemas schemas;
    struct arena *arena; /**< of the messages */
    struct diags d;
    struct ruleset *rs; /**< NULL when it did not load */
    int r;
    struct buf told; /**< "line:col: error: text\n" for each message */
};

/** A rule in YAML, four lines. */
#define RULE(name, cond)                                                                           \
    "- rule: " name "\n  desc: d\n  condition: " cond "\n  output: x\n  priority: info\n"

void load_text(struct loaded *l, const char *text);
/** The same under a configuration, also a text, that must be right. */
void load_under(struct loaded *l, const char *config, const char *text);
/** The same for files and folders. */
void load_paths(struct loaded *l, const char *const *paths, uint32_t n, uint32_t max_priority);
/** @p before, then a rule 'T' with that condition and output. */
void load_rule(struct loaded *l, const char *before, const char *cond, const char *output);
/** Replace @p b by the condition of rule @p i. */
void loaded_condition(const struct loaded *l, uint32_t i, struct buf *b);
/** Replace @p b by the output of rule @p i: parts joined by '|', then the outputs' names. */
void loaded_output(const struct loaded *l, uint32_t i, struct buf *b);
const struct rule *loaded_rule(const struct loaded *l, const char *name);
void loaded_free(struct loaded *l);

#endif /* TESTS_RULES_LOAD_H */
