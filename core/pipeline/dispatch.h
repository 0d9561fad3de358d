/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file dispatch.h
 * @brief Which enrichers hear of which event types: names turned into a table, once.
 *
 * Made on the main thread, used on the source's. A look-up and a loop per event; no allocation.
 */
#ifndef PIPELINE_DISPATCH_H
#define PIPELINE_DISPATCH_H

#include "engine/provider.h"

enum { DISPATCH_MAX = 64 }; /**< enrichers of one source */

struct dispatch_entry {
    uint32_t provider, which;
};

struct dispatch {
    const struct schema *schema;
    const struct provider *providers; /**< borrowed */
    uint32_t n_providers;
    uint32_t *first; /* [n_types + 1]: where a dense type's entries begin */
    struct dispatch_entry *entries;
    uint64_t *errors; /* [n_providers] */
    uint64_t told_ns;
};

/** @param providers without the core. @param only bit i: provider i is told; the others are only
 *  checked. @return 0; -EINVAL for an event type the schema does not have, with the nearest name;
 *  -E2BIG; -ENOMEM. */
int dispatch_init(struct dispatch *d, const struct schema *schema, const struct provider *providers,
                  uint32_t n, uint64_t only, struct gyr_error *err);
void dispatch_free(struct dispatch *d);
/** Tell one of them of an event. @return its bit, if it asked for dispatch_after(). */
uint64_t dispatch_tell(struct dispatch *d, const struct dispatch_entry *e,
                       const struct gyr_event *ev);
/** Tell the enrichers of an event. @return which of them asked for dispatch_after(). */
uint64_t dispatch_event(struct dispatch *d, const struct gyr_event *ev);
void dispatch_after(struct dispatch *d, uint64_t who, const struct gyr_event *ev);
/** Set the bits of the types somebody hears of. @return true: a generic one is among them. */
bool dispatch_want(const struct dispatch *d, uint64_t *types);
uint64_t dispatch_errors(const struct dispatch *d);

#endif /* PIPELINE_DISPATCH_H */
