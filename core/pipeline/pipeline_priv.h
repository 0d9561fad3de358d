/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file pipeline_priv.h
 * @brief What setup.c (making) and pipeline.c (running) share.
 */
#ifndef PIPELINE_PIPELINE_PRIV_H
#define PIPELINE_PIPELINE_PRIV_H

#include "pipeline/source.h"

struct pipeline {
    const struct config *config;
    struct plugins *plugins;
    int (*load)(struct plugins *ps, const char *name, struct plugin **ret, struct gyr_error *err);
    struct schemas schemas;
    struct generation *gen;
    struct plugin **source_plugins, **enricher_plugins; /* as in the configuration */
    struct sink *sinks;                                 /* [config->n_outputs] */
    struct source *sources;                             /* [config->n_sources] */
    uint32_t n_sinks, n_sources;                        /* made, be it in part */
    char *hostname;
    const char *host_root; /* the configuration's, or what was found */
    int notify_fd;
    bool any_live, stopping, flushing;
    uint64_t stop_ns; /* when it was asked to */
    bool drop_privileges, source_refused;
};

/** Stops what runs, frees what was made. */
void source_free(struct source *s);
void sink_free(struct sink *s);

#endif /* PIPELINE_PIPELINE_PRIV_H */
