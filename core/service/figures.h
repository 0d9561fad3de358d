/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file figures.h
 * @brief What a running detector can tell of itself, gathered at one moment. Main thread.
 *
 * Counters are read from what the pipeline's threads publish; none of them is held up.
 */
#ifndef SERVICE_FIGURES_H
#define SERVICE_FIGURES_H

#include "base/buf.h"
#include "pipeline/pipeline.h"

#include <stddef.h>

struct health {
    bool alive;    /**< no source hangs in a batch */
    bool ready;    /**< outputs have started, each source has given its first snapshot */
    char why[256]; /**< one sentence: what is not so, or is worth to be known */
};

/** @param stuck_ns a source that is in one batch for so long hangs. */
void health_look(struct pipeline *p, uint64_t stuck_ns, bool stopping, struct health *ret);

struct process_use {
    double cpu_seconds;
    uint64_t resident, virtual_size, open_fds, max_fds; /**< bytes; 0: not known */
};

struct figures {
    struct pipeline *pipeline;
    const char *config_path; /**< NULL: none */
    struct health health;
    bool stopping;
    uint64_t started_ns, uptime_ns; /**< since the epoch */
    uint64_t events, alerts, lost;  /**< of all sources */
    struct source_info *sources;
    struct output_info *outputs;
    struct rule_count *rules; /**< most first */
    uint32_t n_sources, n_outputs, n_rules;
    struct reload_stats reloads;
    struct process_use use;
};

/** @p r: pipeline, config_path, health, stopping, started_ns are set. @return 0, -ENOMEM. */
int figures_gather(struct figures *r);
void figures_free(struct figures *r);

/** A counter of a source or an output, where it is in source_stats or delivery_stats. */
struct counter {
    const char *name;   /**< in the JSON of `gyr status` */
    const char *metric; /**< of Prometheus */
    const char *help;
    const char *type; /**< "counter", "gauge" */
    size_t offset;    /**< of a uint64_t */
};
extern const struct counter source_counters[], output_counters[];
extern const size_t n_source_counters, n_output_counters;
uint64_t counter_value(const struct counter *c, const void *stats);

/** As Prometheus reads it (text format 0.0.4). */
void metrics_write(struct buf *b, const struct figures *r);
/** As `gyr status --json` prints it: one object, one line. */
void status_write(struct buf *b, const struct figures *r);

enum { FIGURES_MAX = 32 << 20 /* bytes of either; what is longer is not told */ };

#endif /* SERVICE_FIGURES_H */
