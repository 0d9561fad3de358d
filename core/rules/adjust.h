/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file adjust.h
 * @brief What a configuration changes in the rules it loads: which are enabled, and what is shown
 * with their alerts besides what they say themselves.
 *
 * Filled by who reads the configuration, in its arena; borrowed while rules are loaded.
 */
#ifndef RULES_ADJUST_H
#define RULES_ADJUST_H

#include "base/yaml.h"

/** Rules enabled or disabled once all files are read, whatever these say; later steps win. */
struct rule_step {
    bool enable;
    const struct ynode *rule; /**< pattern for the name; NULL: none. With a tag too: either */
    const struct ynode *tag;
};

/** A value for the fields of an alert. */
struct extra_field {
    const char *name;         /**< NULL: `text` is the name of a field, whose value is taken */
    const struct ynode *text; /**< else an output text */
};

/** Something to show with the alerts of the rules that meet everything asked for. */
struct rule_extra {
    struct loc loc;
    const struct ynode *rule;   /**< pattern for the name; NULL: any */
    const char *source;         /**< NULL: any */
    const char *const *tags;    /**< NULL-terminated, the rule has all of them; NULL: any */
    const struct ynode *output; /**< goes behind the rule's own; NULL: nothing does */
    const struct extra_field *fields;
    uint32_t n_fields;
    const char *what; /**< for messages; NULL: append_output */
};

enum { RULE_STEPS_MAX = 1000, RULE_EXTRAS_MAX = 100, EXTRA_FIELDS_MAX = 100 };

struct rule_adjust {
    const struct rule_step *steps;
    const struct rule_extra *extras;
    uint32_t n_steps, n_extras;
};

#endif /* RULES_ADJUST_H */
