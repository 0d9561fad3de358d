/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file pipeline.h
 * @brief A configuration at work: sources, their enrichers and rules, outputs.
 *
 * Everything here is called on the main thread. Each source has a thread that also enriches and
 * evaluates, each output one that delivers. The main thread polls pipeline_fd(), calls
 * pipeline_tick() when it fires or its time has come, until pipeline_is_done(); then
 * pipeline_finish().
 */
#ifndef PIPELINE_PIPELINE_H
#define PIPELINE_PIPELINE_H

#include "alert/delivery.h"
#include "config/config.h"
#include "engine/generation.h"
#include "plugin/plugin.h"

struct pipeline;

/** Somebody who looks on: `gyr test`. On the source's thread, but for begin() (main). Members but
 *  ctx may be NULL. */
struct pipeline_watch {
    void *ctx;
    /** A source has been made. @param like whose fields a trace may be made with. */
    int (*begin)(void *ctx, const struct evaluator_conf *like, struct gyr_error *err);
    /** The rules have seen the event; what it ends is still there. */
    void (*event)(void *ctx, const struct gyr_event *ev);
    void (*alert)(void *ctx, const struct gyr_alert *a); /**< also of alerts no output wants */
};

struct pipeline_conf {
    struct config *config; /**< outlives the pipeline, as does all it names */
    struct plugins *plugins;
    bool drop_privileges; /**< at the start */
    /** How a plugin is found by name or path; NULL: plugins_load() (tests give their own). */
    int (*load)(struct plugins *ps, const char *name, struct plugin **ret, struct gyr_error *err);
    /** Schemas and rules of another pipeline, which outlives this one and was made with the same
     *  plugins: nothing is loaded anew. NULL: none. */
    const struct pipeline *like;
    const char *more_rules, *more_name; /**< see struct ruleset_conf; borrowed */
    const struct pipeline_watch *watch; /**< outlives the pipeline; NULL: nobody */
};

/** Load plugins, schemas, fields and rules, make all instances; nothing runs yet.
 *  @return 0; -EINVAL after telling @p d everything that is wrong; -ENOMEM. */
int pipeline_new(const struct pipeline_conf *conf, struct diags *d, struct pipeline **ret);
/** Outputs are opened first, then enrichers and sources; then privileges are dropped, if that was
 *  asked for: all capabilities but those that the plugins in use name, for good; then the threads
 *  run.
 *  @return 0; a negative errno with a sentence, and what was started is stopped. */
int pipeline_start(struct pipeline *p, struct gyr_error *err);
/** After pipeline_start() failed: was it because a source lacks a capability or did not start?
 *  Then nothing has been dropped, and another source may be tried. */
bool pipeline_source_refused(const struct pipeline *p);
/** Becomes readable when pipeline_tick() has something to do. */
int pipeline_fd(const struct pipeline *p);
/** See to sources that have ended: start live ones again after a back-off.
 *  @return nanoseconds until it wants to be called again; UINT64_MAX: when the fd says so. */
uint64_t pipeline_tick(struct pipeline *p);
/** Have all sources ended for good? */
bool pipeline_is_done(const struct pipeline *p);
/** Is there a source whose thread did not end when it was asked to? It has been told and left
 *  behind; the process can only end, and nothing may be freed. */
bool pipeline_hangs(const struct pipeline *p);
/** Ask the sources to end, and let nobody wait longer than 5 s for an output. */
void pipeline_stop(struct pipeline *p);
/** After pipeline_is_done(): have what is queued delivered.
 *  @return nanoseconds until it should be called again, unless the fd fires before; 0: all is
 *  delivered or given up. */
uint64_t pipeline_flush(struct pipeline *p);
/** The same, waiting; then stop all instances.
 *  @return 0; -EIO when a source failed (it has been told). */
int pipeline_finish(struct pipeline *p);
void pipeline_free(struct pipeline *p); /**< finished, or never started. NULL is fine */

/** Put another configuration in force, all of it but what only a restart can change (of which
 *  @p d is warned): rules are loaded and swapped between two batches of each source, parked events
 *  keep theirs. Outputs that are the same go on, with what may change while they run; others are
 *  closed once they have delivered, new ones are made and started. All or nothing. Returns within
 *  seconds; what a source has still to take over then, it will.
 *  @param config a reference is taken; when it does not own its arena, it outlives the pipeline.
 *  @return 0; negative after telling @p d what is wrong: then nothing has changed. */
int pipeline_reload(struct pipeline *p, struct config *config, struct diags *d);
/** Count a reload that did not come as far, the configuration being wrong itself. */
void pipeline_reload_failed(struct pipeline *p, const struct diags *d);
/** Have the outputs open their files anew. */
void pipeline_reopen(struct pipeline *p);

/* ---- what there is and what it has done ---- */

const struct schemas *pipeline_schemas(const struct pipeline *p);
const struct generation *pipeline_generation(const struct pipeline *p);

/** Which generation is in force, and what became of reloads. */
struct reload_stats {
    uint32_t generation; /**< number of that in force; 1: the start's */
    uint64_t succeeded, failed;
    uint64_t last_ns; /**< of the last reload, since the epoch; 0: there was none */
    bool last_failed;
    char error[512]; /**< why: "/etc/gyr/local.yaml:3:14: unknown field …"; empty when it did not */
};
void pipeline_reloads(const struct pipeline *p, struct reload_stats *ret);

/** The plugin of the configuration's enricher @p i. */
const struct plugin *pipeline_enricher_plugin(const struct pipeline *p, uint32_t i);

enum { LOSS_CLASSES = 8, LOSS_CPUS = 256 };

struct source_stats {
    uint64_t events;    /**< numbered: what rules saw */
    uint64_t snapshots; /**< state and internal events */
    uint64_t malformed, emitted, alerts;
    uint64_t enricher_errors; /**< on_event() that failed */
    uint64_t emit_refused;
    uint64_t alerts_lost; /**< matches that could not become an alert (no memory) */
    uint64_t scratch_full;
    uint64_t lost; /**< as the source told, all classes and CPUs */
    struct park_stats park;
};

struct source_info {
    const char *name;
    const struct plugin *plugin;
    bool is_live, failed;
    bool runs;        /**< its thread does: it has not ended, and does not rest after a failure */
    bool ready;       /**< it runs, and has been through its first batch and first snapshot */
    bool waits;       /**< for an output with `on_full: wait` */
    uint64_t busy_ns; /**< since its thread was between two batches; at most 1 s if all is well */
    uint32_t restarts;
    struct source_stats stats;
    struct gyr_progress progress;
    struct instance *instance;
};
uint32_t pipeline_n_sources(const struct pipeline *p);
void pipeline_source(struct pipeline *p, uint32_t i, struct source_info *ret);
/** Lost events of a source by class and CPU (index 0 to LOSS_CPUS - 1; the last: any other). */
uint64_t pipeline_lost(const struct pipeline *p, uint32_t source, uint32_t cls, uint32_t cpu);

struct enricher_info {
    const char *name;
    const struct plugin *plugin;
    struct instance *instance;
};
/** The enrichers of source @p i. */
uint32_t pipeline_n_enrichers(const struct pipeline *p, uint32_t i);
void pipeline_enricher(const struct pipeline *p, uint32_t i, uint32_t k, struct enricher_info *ret);

struct output_info {
    const char *name;
    const struct plugin *plugin;
    struct delivery_stats stats;
    struct instance *instance;
};
uint32_t pipeline_n_outputs(const struct pipeline *p);
void pipeline_output(struct pipeline *p, uint32_t i, struct output_info *ret);

/** How often a rule made an alert; most first. To be freed, its names are the pipeline's. @return
 * how many; -ENOMEM. */
struct rule_count {
    const char *name;
    uint64_t n;
    uint32_t priority;
};
int pipeline_rule_counts(const struct pipeline *p, struct rule_count **ret);

/** Start, wait for the end of its sources, finish: for what reads no live events and nobody stops.
 *  @return 0; negative with a sentence. */
int pipeline_run(struct pipeline *p, struct gyr_error *err);

#endif /* PIPELINE_PIPELINE_H */
