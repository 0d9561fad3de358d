/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file evaluator.h
 * @brief Runs a program over the events of one source, and parks what cannot be decided yet.
 *
 * Everything here is called on the source's thread, but for park_resolved() (any). The steady
 * state allocates nothing, takes no lock and makes no system call per event; parking copies, and so
 * allocates.
 */
#ifndef ENGINE_EVALUATOR_H
#define ENGINE_EVALUATOR_H

#include "engine/generation.h"
#include "engine/provider.h"

/** A rule that matched. Borrowed for the call. */
struct match {
    const struct rule *rule;
    struct generation *generation;
    const struct gyr_value *values; /**< one for each rule->outputs; GYR_T_NONE: absent */
    uint64_t ts_ns, num;
    int64_t tid;
    uint32_t metadata; /**< GYR_MD_*; missing: a field that the rule can read stayed pending */
    bool was_parked;   /**< it had to wait for a value, or would have, had there been room */
};

struct match_sink {
    void *ctx;
    void (*match)(void *ctx, const struct match *m);
};

/* ---- the parking lot: one per source, outlives generations ----
 *
 * A parked event is the values of all fields that its undecided rules can read, not its record:
 * no provider is asked about an event that is gone. An answer may be told before its event is
 * parked, or to a lot that is not asked for a while: it is kept until the next park_run(), and if
 * more come than are kept, every waiting ticket is asked about again. */

struct park_conf {
    uint64_t deadline_ns; /**< after which pending becomes absent; 1 s */
    uint32_t max_events;  /**< 4,096 */
    size_t max_bytes;     /**< 16 MiB */
};

struct park_stats {
    uint64_t parked;   /**< events ever parked */
    uint64_t resolved; /**< decided because answers came */
    uint64_t expired;  /**< decided by the deadline, or by park_flush() */
    uint64_t full;     /**< not parked but decided at once, because the lot was full */
    uint32_t now;      /**< in the lot */
    size_t bytes;
};

struct park;

/** @param wake called (any thread) when park_resolved() has left something to do; may be NULL. */
int park_new(const struct park_conf *conf, void (*wake)(void *ctx), void *ctx, struct park **ret);
/** @pre empty: park_flush() first. */
void park_free(struct park *p);
/** Any thread: provider @p provider (index in the evaluator's list) has an answer. */
void park_resolved(struct park *p, uint32_t provider, uint64_t ticket);
/** Decide what can be decided: resolved tickets, deadlines passed at @p now_ns (CLOCK_MONOTONIC).
 *  @return nanoseconds until the next deadline; UINT64_MAX: none. Cheap when there is nothing. */
uint64_t park_run(struct park *p, uint64_t now_ns);
/** Decide everything now, pending as absent (shutdown). */
void park_flush(struct park *p);
void park_stats(const struct park *p, struct park_stats *ret);

/* ---- an evaluator: one per source and generation ---- */

struct evaluator;

struct evaluator_conf {
    struct generation *generation;    /**< a reference is taken */
    uint32_t program;                 /**< index into its programs */
    const struct provider *providers; /**< in order of precedence, the core last; outlives us */
    uint32_t n_providers;
    const struct stream_pos *pos;
    struct scratch *scratch;
    struct park *park;
    struct match_sink sink;
    bool first_match_only;    /**< rule_matching: first */
    uint64_t (*now_ns)(void); /**< CLOCK_MONOTONIC; asked only when parking */
    struct diags *diags;      /**< for evaluator_new() alone */
};

/** Binds every field with its providers. Arguments that these refuse are told to conf->diags, all
 *  of them and with their places in the rules, and err->msg is left empty; without diags, err has
 *  the first. @return 0; -EINVAL, an argument was refused; -ENOMEM with a sentence. */
int evaluator_new(const struct evaluator_conf *conf, struct evaluator **ret, struct gyr_error *err);
/** Give up the caller's reference. Parked events keep the evaluator, its bindings and its
 *  generation until they are decided. NULL is fine. */
void evaluator_unref(struct evaluator *e);
/** Evaluate one event, calling the sink for each match before it returns (or later, for what
 *  was parked). Of one event's rules those that are decided are reported in the order of the
 *  ruleset; a parked rule is reported when its own values are there. With first_match_only the
 *  rules keep their turns: while one is undecided, none behind it is reported, and the first that
 *  turns out to match is the only one. */
void evaluator_event(struct evaluator *e, const struct gyr_event *ev);
/** Does the condition of any rule hold for the event, or may it yet? Nothing is reported, parked or
 *  counted, and outputs are not read. */
bool evaluator_may_hold(struct evaluator *e, const struct gyr_event *ev);
/** Per rule id: how often it matched. Borrowed; n = rules of the ruleset. */
const uint64_t *evaluator_matches(const struct evaluator *e, uint32_t *ret_n);
/** How often a provider failed to answer for a field (which counts as absent). */
uint64_t evaluator_errors(const struct evaluator *e);

#endif /* ENGINE_EVALUATOR_H */
