/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file pipeline_priv.h
 * @brief What setup.c (making), start.c, pipeline.c (running), output.c (outputs) and reload.c
 * share.
 */
#ifndef PIPELINE_PIPELINE_PRIV_H
#define PIPELINE_PIPELINE_PRIV_H

#include "pipeline/source.h"

/* An output at work. Copied from one generation to the next as long as it stays the same. */
struct sink {
    const struct plugin_conf *conf;  /* what it was made of */
    struct config *made_of, *set_by; /* where that stands; where what can change stands. Counted */
    uint64_t secrets;                /* secrets_stamp() of its options */
    struct plugin *plugin;
    struct instance *inst;
    struct delivery *delivery;
    bool hangs; /* left behind: must not be freed */
};

enum {
    RETIRED_MAX = 64 /* outputs that are done with but for what is queued; then the oldest goes */
};

struct change;

struct pipeline {
    struct config *config;      /* of the generation in force; counted */
    const struct config *first; /* of the start: sources and enrichers are made of it */
    struct plugins *plugins;
    int (*load)(struct plugins *ps, const char *name, struct plugin **ret, struct gyr_error *err);
    struct schemas schemas;
    bool borrows_schemas; /* of the pipeline that this one is like */
    const struct pipeline_watch *watch;
    const char *more_rules, *more_name; /* as in the conf */
    struct generation *gen;
    struct plugin **source_plugins, **enricher_plugins; /* as in the first configuration */
    struct sink *sinks;                                 /* as in the one in force */
    struct routes *routes;                              /* to them */
    pthread_mutex_t routes_lock;                        /* of who reads them without being asked */
    struct source *sources;
    uint32_t n_sinks, n_sources; /* made, be it in part */
    struct change *change;       /* a reload that some source has still to take; NULL: none */
    struct sink retired[RETIRED_MAX];
    uint32_t n_retired;
    bool any_hangs; /* of those that were retired */
    struct reload_stats reloads;
    char *hostname;
    const char *host_root; /* the configuration's, or what was found */
    int notify_fd;
    bool any_live, stopping, flushing;
    uint64_t stop_ns; /* when it was asked to */
    bool drop_privileges, source_refused;
};

static const uint64_t OUTPUT_PATIENCE_NS = 5000000000;

/** Stops what runs, frees what was made. */
void source_free(struct source *s);

/* ---- making (setup.c) ---- */

/** @param cap GYR_CAP_*. @return 0; -EINVAL after telling @p d. */
int pipeline_load_plugin(struct pipeline *p, const struct plugin_conf *c, uint32_t cap,
                         struct diags *d, struct plugin **ret);
int pipeline_load_rules(const struct pipeline *p, const struct config *c, uint32_t number,
                        struct diags *d, struct generation **ret);
struct instance_conf instance_conf_of(const struct pipeline *p, const struct plugin_conf *c,
                                      struct plugin *pl, uint32_t cap, bool is_live);
/** What a plugin needs and this process does not have. @param keep what it wants is added; may be
 *  NULL (start.c). */
uint64_t privileges_missing(const struct plugin *pl, uint64_t *keep);

/* ---- outputs (output.c) ---- */

/** Make its queue and its instance; nothing runs. @pre conf and plugin are set, conf stands in
 *  @p c. @return 0; -EINVAL after telling @p d; -ENOMEM. */
int sink_make(struct pipeline *p, struct config *c, struct sink *s, struct diags *d);
/** It stays, with what its entry in @p c has otherwise. */
void sink_change(struct pipeline *p, struct config *c, const struct plugin_conf *conf,
                 struct sink *s);
/** Join its thread, which should have ended, and stop the instance. */
void sink_stop(struct sink *s);
void sink_free(struct sink *s); /**< stopped, or never started */
/** To the outputs of @p c. @return to be freed; NULL without memory. */
struct routes *routes_new(const struct sink *sinks, uint32_t n, const struct config *c);

/** It gets no more alerts: it delivers what it has, then goes. */
void sink_retire(struct pipeline *p, const struct sink *s);
/** Now: what it cannot deliver within a moment stays in its spool, or is dead. */
void sink_close(struct pipeline *p, struct sink *s);
/** Free those that are done. @return nanoseconds until it should be called again. */
uint64_t retired_tick(struct pipeline *p);
/** @return nanoseconds until the last gives up; 0: none is left. */
uint64_t retired_left(struct pipeline *p);
void retired_stop(struct pipeline *p);

/* ---- a reload that is not through (reload.c) ---- */

/** When all sources have answered: their part is done, so is ours. */
void change_tick(struct pipeline *p);
/** At the end, when no source runs. */
void change_conclude(struct pipeline *p);
/** Outputs that are not in force yet, and those that are not any more, get no longer. */
void change_end_by(struct pipeline *p, uint64_t deadline_ns);

#endif /* PIPELINE_PIPELINE_PRIV_H */
