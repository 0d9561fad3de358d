/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file ruleset.h
 * @brief Rules as loaded: files read, macros and lists resolved, everything typed and checked.
 *
 * Built on the main thread; constant afterwards, read by any thread.
 */
#ifndef RULES_RULESET_H
#define RULES_RULESET_H

#include "base/arena.h"
#include "base/diag.h"
#include "rules/adjust.h"
#include "rules/ast.h"

/** A piece of an output text. */
struct template_part {
    const char *lit; /**< literal text; NULL: a field */
    uint32_t len;
    uint32_t field; /**< index into rule.outputs */
    uint32_t width; /**< "%20fd.name": cut or filled with blanks to so many bytes; 0: as it is */
};

struct template
{
    struct template_part *parts;
    uint32_t n;
};

/** A field, or a transformer over fields, that a rule's output names. The fields inside a
 * transformer stand before it as outputs of their own: Falco's `output_fields` holds those, not the
 *  transformer (expr->kind tells). */
struct rule_output {
    const char *name; /**< as written after '%': "proc.aname[2]", "tolower(proc.name)" */
    struct expr *expr;
    uint32_t fmt;   /**< GYR_F_* of its text */
    uint32_t index; /**< in rule.outputs */
    bool hidden;    /**< for the text of a rule_text only: not a field of the alert */
};

/** A field of the alert whose value is a text. */
struct rule_text {
    const char *name;
    struct template text; /**< its fields are rule.outputs too */
};

struct rule {
    uint32_t id; /**< index in ruleset.rules */
    const char *name, *desc;
    const char *source; /**< name of its schema */
    uint32_t priority;  /**< GYR_PRIO_* */
    const char **tags;
    uint32_t n_tags;
    bool enabled;
    bool capture;                 /**< Falco's `capture`, kept for recorders */
    uint64_t capture_duration_ns; /**< 0: not given */
    struct loc loc;
    const struct schema *schema;
    struct node *condition; /**< exceptions are part of it */
    struct text *condition_text;
    struct template output;
    struct rule_output *outputs; /**< distinct, in order of first appearance */
    uint32_t n_outputs;
    struct rule_text *texts;
    uint32_t n_texts;
};

/** A list or macro of ruleset_conf.more that nothing names. */
struct ruleset_idle {
    const char *name, *hint; /**< hint: "; did you mean 'x'?", or "" */
    bool is_list;
};

struct ruleset {
    struct arena *arena;
    struct rule **rules; /**< enabled and disabled, in order of definition */
    uint32_t n_rules;
    const char **files; /**< what was read, in order */
    uint32_t n_files;
    uint32_t n_macros, n_lists;
    struct ruleset_idle *idle;
    uint32_t n_idle;
};

/** What to load and against what. */
struct ruleset_conf {
    const char *const *paths; /**< files, and folders whose *.yaml and *.yml are read in order */
    uint32_t n_paths;
    const struct schemas *schemas; /**< loaded; rules of a source nobody provides are left out with
                                        a warning */
    uint32_t max_priority;         /**< rules less urgent are left out; GYR_PRIO_DEBUG: none */
    const struct rule_adjust *adjust; /**< NULL: nothing */
    const char *more;                 /**< a text of rules read behind the files; NULL: none */
    const char *more_name;            /**< what messages call it */
};

/** Read, resolve and check. Tells @p d every error and warning it finds, not only the first.
 *  @return 0 and a ruleset to ruleset_free(); -EINVAL when d->n_errors; -ENOMEM. */
int ruleset_load(const struct ruleset_conf *conf, struct diags *d, struct ruleset **ret);
/** The same from a text in memory (tests, fuzzers). */
int ruleset_load_text(const struct ruleset_conf *conf, const char *path, const char *text,
                      size_t len, struct diags *d, struct ruleset **ret);
void ruleset_free(struct ruleset *rs); /**< NULL is fine */
uint32_t ruleset_n_enabled(const struct ruleset *rs);

/** "Warning": as Falco writes it. */
const char *priority_name(uint32_t priority);
/** @return GYR_PRIO_*, or -EINVAL; any case, "info" too. */
int priority_parse(const char *s);

#endif /* RULES_RULESET_H */
