/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file pipe_rig.h
 * @brief A pipeline of plugins that live in the test: a source that gives what the test says, an
 * enricher, an output that remembers. One rig at a time; what fails to set up aborts.
 */
#ifndef TESTS_PIPE_RIG_H
#define TESTS_PIPE_RIG_H

#include "pipeline/pipeline.h"

#include <pthread.h>

enum { PT_TICK = 1, PT_THING = 2, PT_CALL = 3, PT_NOTE = 4, PT_KEEP = 5 };
enum { PIPE_EVENTS = 4096, PIPE_SEEN = 4096 };

/** What an output got. */
struct pipe_seen {
    char rule[64], text[192], output[32], json[1024], uuid[40];
    uint32_t priority;
    uint64_t num, ts_ns;
    uint32_t metadata;
};

/** What an enricher was told of. */
struct pipe_told {
    uint16_t type;
    uint32_t flags, n_seen; /**< n_seen: alerts that had been seen by then */
};

struct pipe_rig {
    pthread_mutex_t lock; /* of all but the set-up */
    pthread_cond_t cond;

    /* the source */
    const struct gyr_event *events[PIPE_EVENTS];
    uint32_t n_events, at, per_batch;
    uint32_t hold_at; /**< gives no event from this one on until it is raised */
    int end;          /**< GYR_E_EOF, or a failure */
    uint32_t fail_at; /**< fails before this event, fails_left times, and goes on after a restart */
    uint32_t fails_left;
    bool live, woken;
    uint32_t starts, stops;
    uint32_t woken_idle; /**< times it was woken while it was not started */
    bool snapshots;      /**< the source can make them */
    uint32_t snapshots_made;
    int64_t thread_asked; /**< the last that the source was to tell of */
    uint64_t want[1024], want_sub;
    uint32_t wants;

    /* the enricher: on_event() of every type; fields fake.v (pending when told so), fake.arg[x] */
    char order[256]; /**< "t" on_event of a tick, "a" after it, "o" any other; capped */
    bool pending;
    uint64_t ready;      /**< tickets up to this one are answered */
    uint32_t open;       /**< tickets that are out */
    bool emits;          /**< for each tick, a note is put into the stream */
    uint32_t emit_flood; /**< so many at the first tick */
    uint32_t emit_refused;
    bool refuse_arg; /**< bind() refuses fake.arg[bad] */
    int on_event_answer;
    bool asks_snapshot;  /**< for each tick */
    int64_t asks_thread; /**< likewise, this thread; 0: none */
    uint32_t nap_us;     /**< it takes so long for each tick */
    int snapshot_answer;
    struct pipe_told told[PIPE_EVENTS]; /**< what on_event() was called with */
    uint32_t n_told;
    const char *filter;          /**< of its entry */
    const struct gyr_host *host; /**< the enricher's */

    /* the output */
    bool stuck;         /**< it takes nothing and does not come back */
    bool stick_at_want; /**< from the next want() on, and the source goes on to its end */
    const char *down;   /**< an output that takes nothing; NULL: all do */
    struct pipe_seen seen[PIPE_SEEN];
    uint32_t n_seen;

    /* the pipeline */
    struct arena *arena;
    struct diags diags;
    struct config config;
    struct plugin_conf outputs[2];
    struct plugin source_plugin, enricher_plugin, output_plugin;
    struct plugins plugins;
    struct pipeline *p;
    char dir[64], rules[96];
};

/** Everything quiet: no events, ends well. */
void pipe_init(struct pipe_rig *r);
/** The rules it will load. */
void pipe_rules(struct pipe_rig *r, const char *text);
/** Add an event: a copy is kept. @return it, to be changed before the start. */
struct gyr_event *pipe_event(struct pipe_rig *r, uint16_t type, uint64_t n);
/** Make and start. */
void pipe_start(struct pipe_rig *r);
/** Let the source go on up to event @p at (UINT32_MAX: to the end). */
void pipe_release(struct pipe_rig *r, uint32_t at);
/** Wait until that many alerts came, at most 5 s. @return whether they did. */
bool pipe_wait_seen(struct pipe_rig *r, uint32_t n);
/** The output does not come back; it does. */
void pipe_stick(struct pipe_rig *r);
void pipe_unstick(struct pipe_rig *r);
/** So does it from the next want() on. */
void pipe_stick_at_want(struct pipe_rig *r);
/** Wait until the source has given so many events. */
void pipe_wait_at(struct pipe_rig *r, uint32_t at);
/** Answer tickets up to @p ticket. */
void pipe_answer(struct pipe_rig *r, uint64_t ticket);
/** Run until the sources have ended, then finish. @return pipeline_finish(). */
int pipe_end(struct pipe_rig *r);
void pipe_free(struct pipe_rig *r);
/** Load it anew, with other rules. @param config NULL: the rig's as it is now.
 *  @return pipeline_reload(); what that told is in r->diags. */
int pipe_reload(struct pipe_rig *r, struct config *config, const char *rules);
/** @return whether a message in r->diags holds @p text. */
bool pipe_told(const struct pipe_rig *r, const char *text);

#define PIPE_RULE(name, cond, out)                                                                 \
    "- rule: " name "\n  desc: d\n  source: pipe\n  condition: " cond "\n  output: '" out          \
    "'\n  priority: warning\n  tags: [t]\n"

#endif /* TESTS_PIPE_RIG_H */
