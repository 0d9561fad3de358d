/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file provider.h
 * @brief Who can compute fields for the events of one source: the core and enricher instances.
 */
#ifndef ENGINE_PROVIDER_H
#define ENGINE_PROVIDER_H

#include "engine/scratch.h"
#include "event/schema.h"

#include <gyr/enricher.h>

/** One provider. The core's own is the last of the list. */
struct provider {
    const char *name;                   /**< instance name, or "core" */
    const struct gyr_enricher_ops *ops; /**< widened; calls that are missing are NULL */
    void *self;
};

/** Index of a field in ops->fields by name, or -1. */
int provider_field(const struct provider *p, const char *name);

/** Where in its stream the event stands; set by the source thread before each event. */
struct stream_pos {
    uint64_t num;     /**< ordinal, from 1 */
    uint64_t ts_ns;   /**< of the event (never 0) */
    uint64_t prev_ns; /**< of the event before it; = ts_ns for the first */
    uint64_t first_ns;
};

/** The core as a provider: evt.num, evt.time*, evt.datetime*, evt.rawtime*, evt.reltime*,
 *  evt.deltatime*, evt.type, evt.category, evt.cpu, evt.source, evt.hostname, evt.arg.*,
 * evt.rawarg.*, evt.args, evt.info, evt.pluginname, evt.plugininfo, evt.is_async, evt.asynctype.
 * One instance per source. */
struct corefields_conf {
    const struct schema *schema;
    const struct stream_pos *pos; /**< read at each get() */
    struct scratch *scratch;
    const struct provider *others; /**< asked for param_text(), in order */
    uint32_t n_others;
    const char *source_plugin, *hostname;
};
extern const struct gyr_enricher_ops corefields_ops;
int corefields_new(const struct corefields_conf *conf, void **ret_self);
void corefields_free(void *self);

#endif /* ENGINE_PROVIDER_H */
