/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file filter.h
 * @brief Enrichers that see part of the stream: `filter: CONDITION` of their entry.
 *
 * A filter is a rule by itself, compiled apart from the rules that make alerts: reloads, priorities
 * and `rule_matching` do not touch it, and a stream without filters pays nothing. Made on the main
 * thread, used on the source's.
 */
#ifndef PIPELINE_FILTER_H
#define PIPELINE_FILTER_H

#include "pipeline/dispatch.h"

#include "config/config.h"
#include "engine/evaluator.h"

struct filter {
    struct generation *gen;
    struct evaluator *eval; /* NULL: this enricher has no filter */
};

struct filters {
    struct dispatch dispatch; /* of the enrichers that have one */
    struct filter *list;      /* [n], by provider */
    uint32_t n, program;
    struct gyr_event *copy; /* of an event that is told for its state only */
    size_t copy_cap;
};

/** What a filter needs to be compiled and asked. */
struct filter_conf {
    const struct schemas *schemas;
    struct evaluator_conf eval; /**< providers, pos, scratch, program: the source's */
};

/** Compile one. @return 0; -EINVAL after telling @p d; -ENOMEM. */
int filter_new(const struct filter_conf *conf, const struct plugin_conf *entry, struct diags *d,
               struct filter *ret);
void filter_free(struct filter *f);

/** @param entries the configuration's, by provider. The same answers, and those of dispatch_init().
 */
int filters_new(const struct filter_conf *conf, const struct plugin_conf *const *entries,
                uint32_t n, uint64_t filtered, struct diags *d, struct filters **ret,
                struct gyr_error *err);
void filters_free(struct filters *f); /**< NULL is fine */

/** Tell those enrichers of an event, after its rules. @param told_all it is a snapshot or internal
 *  event. @return as dispatch_event(). */
uint64_t filters_event(struct filters *f, const struct gyr_event *ev, bool told_all);
/** Set the bits of the types and subtypes that can pass. */
void filters_want(const struct filters *f, uint64_t *types, uint64_t *subtypes);

#endif /* PIPELINE_FILTER_H */
