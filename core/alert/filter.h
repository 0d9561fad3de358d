/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file filter.h
 * @brief Which alerts an output wants. Constant; any thread; no allocation.
 */
#ifndef ALERT_FILTER_H
#define ALERT_FILTER_H

#include "rules/ruleset.h"

/** All conditions must hold. The lists are borrowed and end with NULL; NULL: no condition. */
struct alert_filter {
    uint32_t min_priority;    /**< GYR_PRIO_*: this urgent or more */
    const char *const *rules; /**< globs, as fnmatch(3) reads them; one must match */
    const char *const *tags;  /**< the rule must have one of them */
};

bool alert_filter_takes(const struct alert_filter *f, const struct rule *rule);

#endif /* ALERT_FILTER_H */
