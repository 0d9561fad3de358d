/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file redact.h
 * @brief What must not leave: values of fields, and what matches a pattern, anywhere in an alert.
 *
 * Applied to the values of a match before its text, fields and JSON are made of them, and to the
 * text once more (a pattern may span values). What cannot be looked at, because it is too long,
 * becomes REDACTED: nothing leaves, and no alert is lost. One per source; its thread.
 */
#ifndef ALERT_REDACT_H
#define ALERT_REDACT_H

#include "base/buf.h"
#include "engine/evaluator.h"

struct regex;

/** One of the two. Constant; shared by all sources. */
struct redact_rule {
    const char *field; /**< its value becomes REDACTED; of transformers of it, too */
    struct regex *pattern;
    const char *replace; /**< RE2's: \1 is what the first group matched */
};

#define REDACTED "[redacted]"

struct redactor {
    const struct redact_rule *rules; /**< borrowed */
    uint32_t n_rules;
    struct gyr_value *values; /* of the match at hand */
    uint32_t cap;
    struct buf bytes;
};

void redactor_init(struct redactor *r, const struct redact_rule *rules, uint32_t n);
/** From now on by other rules. */
void redactor_change(struct redactor *r, const struct redact_rule *rules, uint32_t n);
void redactor_free(struct redactor *r);
/** @return values for m->rule->outputs, m's own when nothing is to be done; lent until the next
 *  call. NULL: without memory. */
const struct gyr_value *redact_values(struct redactor *r, const struct match *m);
/** @p text may have failed at its ceiling: it is what fitted. */
void redact_text(const struct redactor *r, struct buf *text);

#endif /* ALERT_REDACT_H */
