/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file coverage.h
 * @brief Which comparisons of which rules some test made true, macros opened.
 *
 * A clause counts when it was true for an event whose type its rule is looked at for. Main thread,
 * but for coverage_event() (the source's thread, while main waits).
 */
#ifndef TEST_COVERAGE_H
#define TEST_COVERAGE_H

#include "base/buf.h"
#include "engine/trace.h"

struct coverage;

/** @return NULL without memory. */
struct coverage *coverage_new(void);
void coverage_free(struct coverage *c); /**< NULL is fine */
/** Count the clauses of a set of rules in; those of rules that are known are the same.
 *  @return 0; -ENOMEM. */
int coverage_add(struct coverage *c, const struct ruleset *rs);
/** Note what is true for the event that @p t is at. */
void coverage_event(struct coverage *c, struct trace *t, const struct ruleset *rs);

struct coverage_count {
    uint32_t clauses, covered;
};
/** Append what is missing, rule by rule, and the sums. @return of all rules. */
struct coverage_count coverage_report(const struct coverage *c, struct buf *out);
/** Per cent; 100 of nothing. */
double coverage_percent(struct coverage_count n);

#endif /* TEST_COVERAGE_H */
