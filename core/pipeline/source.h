/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file source.h
 * @brief One source at work: its thread, its enrichers, its rules.
 *
 * The thread owns everything but what stands under "shared". Between two runs of the thread
 * (start, restart, end) the main thread does.
 */
#ifndef PIPELINE_SOURCE_H
#define PIPELINE_SOURCE_H

#include "alert/filter.h"
#include "pipeline/dispatch.h"
#include "pipeline/emitq.h"
#include "pipeline/filter.h"
#include "pipeline/peers.h"
#include "pipeline/pipeline.h"

enum source_state {
    SOURCE_IDLE,    /* not started */
    SOURCE_RUNNING, /* the thread runs */
    SOURCE_ENDED,   /* the thread is about to return, or waits to be joined */
    SOURCE_RESTING, /* failed, to be started again at restart_ns */
    SOURCE_DONE
};

/* What another thread asks of the source's thread, between two batches. */
enum source_ask {
    ASK_NOTHING,
    ASK_PREPARE,
    ASK_COMMIT,
    ASK_ABANDON,
    ASK_TAKEN /* the thread is about it */
};

/* Where alerts go while a generation is in force, and which. Constant. */
struct route {
    struct delivery *delivery;
    struct alert_filter filter;
};

struct routes {
    uint32_t n;
    struct route list[];
};

/* What a source takes over in a reload. Constant; lives until all sources have answered. */
struct successor {
    struct generation *gen;
    const struct routes *routes;
    const struct config *config;
    struct diags *diags; /* of who waits for the answer */
};

struct source;

/* What the host calls of an enricher instance need to know. */
struct enricher {
    struct source *source;
    uint32_t provider;
    struct instance *inst;
    bool started;
};

/* How often a rule matched. Its owner alone counts, anybody may look. */
struct rule_tally {
    _Atomic uint64_t n;
    _Atomic uint32_t priority;
    char name[];
};

/* Lost events that no alert has told of yet. */
struct losses {
    uint64_t state, other;
    uint64_t last_ns; /* of the events' time */
    uint64_t due_ns;  /* when to tell; 0: there is nothing */
    uint64_t not_before_ns;
};

struct source {
    const char *name;
    struct plugin *plugin;
    struct instance *inst;
    const struct gyr_source_ops *ops;
    const struct schema *schema;
    uint32_t program; /* index in the generation: that of the schema */
    bool is_live;

    const struct routes *routes; /* of the pipeline */
    bool alerted;                /* since the outputs were woken */
    int notify_fd;

    struct enricher *enrichers;
    uint32_t n_enrichers;
    struct provider *providers; /* the enrichers, then the core */
    void *core;
    struct peers peers; /* what enrichers read of each other */
    struct dispatch dispatch;
    struct filters *filters; /* NULL: no enricher has one */
    struct emitq emitq;
    struct scratch scratch;
    struct stream_pos pos;
    struct park *park;
    struct evaluator *eval, *next_eval;
    struct generation *gen;
    const struct successor *next; /* while a reload goes on */
    struct alert_maker maker;
    const struct pipeline_watch *watch; /* NULL: nobody looks on */
    struct map rules; /* name to struct rule_tally; grows under the lock, where others look */
    struct source_stats now;
    _Atomic uint64_t lost[LOSS_CLASSES][LOSS_CPUS]; /* anybody may look */
    struct losses losses;
    struct gyr_event *stamped; /* copy of an event that came without a time */
    size_t stamped_cap;
    uint32_t bad_in_row;
    uint64_t bad_told_ns;

    pthread_t thread;
    uint32_t failures, restarts; /* in a row; all */
    uint64_t started_ns, restart_ns;
    bool failed, final, in_snapshot;
    bool hangs; /* does not come back: left behind. Main thread */
    bool told_late;

    /* shared */
    atomic_bool stop, want_snapshot, reload_failed; /* the last: there is reload_error to tell */
    atomic_bool ready;         /* its first batch and first snapshot are over */
    atomic_bool offers;        /* it is about to give an alert to an output */
    _Atomic uint64_t beat_ns;  /* when its thread last was between two batches */
    _Atomic uint64_t asked_ns; /* in next_batch() since; 0: not */
    atomic_int ask;
    pthread_mutex_t wake_lock; /* of the next */
    bool wakes;                /* its plugin is started: what wake() needs is there */
    pthread_mutex_t lock;      /* of what follows */
    pthread_cond_t answered;
    enum source_state state;
    int answer;
    struct gyr_error answer_err;
    struct source_stats published;
    char reload_error[512];
};

enum { SOURCE_FAILURES_MAX = 5 };

/* A counter that one thread writes and any may read: no locked instruction. */
static inline void count_up(_Atomic uint64_t *c, uint64_t n)
{
    atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

/** Start the instance. Main thread, as its counterpart. */
int source_open(struct source *s, struct gyr_error *err);
/** Stop it, when it is started. */
void source_close(struct source *s);
/** Start the thread. @pre the instance is started. */
int source_run(struct source *s, struct gyr_error *err);
/** Tell the source which events rules and enrichers can use: those of the generation it has, and
 *  of @p also (may be NULL). */
int source_want(struct source *s, const struct generation *also, struct gyr_error *err);
/** Answer a request of a reload. On the source's thread; or on the main thread when that one does
 *  not @p running (wishes are then told when it starts). */
int source_answer(struct source *s, enum source_ask ask, bool running, struct gyr_error *err);
/** Have the source asked; it is woken. Main thread, as the next two. @pre it is asked nothing. */
void source_post(struct source *s, enum source_ask what);
/** Have it alert of a reload that failed. Main thread. */
void source_post_failed_reload(struct source *s, const char *why);
/** Wait for its answer, until @p until_ns (CLOCK_MONOTONIC). @return whether it has answered: on
 * its thread, or here when that one does not run; then @p ret is what, and @p err its sentence. */
bool source_await(struct source *s, uint64_t until_ns, int *ret, struct gyr_error *err);
/** @return whether it had not begun with it: then it will not. */
bool source_withdraw(struct source *s, enum source_ask what);
/** What is still parked or emitted is decided now. As source_answer(). */
void source_drain(struct source *s);
/** Sink of the evaluator: a match becomes an alert on its way. @p ctx the source. */
void source_match(void *ctx, const struct match *m);
/** The outputs hear of the alerts of a batch together. The source's thread. */
void source_wake_sinks(struct source *s);
/** Now, in the time of its events: of a recording, that of the last; of the machine, the clock's.
 */
uint64_t source_now(const struct source *s);
/** Tell that it failed: a message, and of a live one an alert. @pre s->failures and s->failed are
 *  as they are from now on. On the source's thread, or the main one when that does not run; so are
 *  the next four. */
void source_failed(struct source *s, const char *why);
void source_tell_failure(struct source *s, const char *why);
void source_tell_reload(struct source *s, const char *why);
void source_count_loss(struct source *s, const struct gyr_event *ev);
/** Alert of losses that are due to be told at @p now_ns of the events' time. */
void source_tell_losses(struct source *s, uint64_t now_ns);
/** @param first_match_only the configuration's. @param d NULL, or where refused arguments are
 *  told; see evaluator_new(). */
int source_make_evaluator(struct source *s, struct generation *g, bool first_match_only,
                          struct diags *d, struct evaluator **ret, struct gyr_error *err);
/** Make a waiting next_batch() return; of one that is not started, nothing: threads of enrichers
 * run before its start and after its stop. Any thread. */
void source_wake(void *source);

#endif /* PIPELINE_SOURCE_H */
