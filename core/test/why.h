/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file why.h
 * @brief Why a rule did not fire: of all events it was looked at for, the one that came nearest,
 * and the comparisons in whose way it stood. On the source's thread.
 */
#ifndef TEST_WHY_H
#define TEST_WHY_H

#include "base/buf.h"
#include "engine/trace.h"

/** All zero: nothing has come yet. */
struct why {
    const struct rule *rule;
    uint32_t blockers;  /**< of the nearest event */
    uint32_t concerned; /**< events it was looked at for */
    struct buf text;    /**< about the nearest event */
};

void why_init(struct why *w, const struct rule *rule);
void why_free(struct why *w);
/** @param t at the event. */
void why_event(struct why *w, struct trace *t, const struct gyr_event *ev);
/** Lines for a user. */
void why_tell(const struct why *w, struct buf *out);

/** How many comparisons stand in the way of a condition; 0: it is true. */
uint32_t why_blockers(struct trace *t, const struct node *condition);
/** ": it is 'x'", of the left side of a comparison; nothing when it has no value. */
void why_add_value(struct buf *b, struct trace *t, const struct node *n);

#endif /* TEST_WHY_H */
