/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file delivery.h
 * @brief Brings alerts to one output: a bounded queue, a thread, retries, counts.
 *
 * One for each output instance, so a slow or dead one delays no other. Everything an alert can
 * meet is counted: accepted = delivered + failed + dropped + what is still queued; what the full
 * queue refused is in dropped too.
 *
 * Order is kept: what is offered again goes first, and the output rests as a whole. Only an alert
 * that was put off alone, while later ones were taken, comes after those.
 *
 * With a spool an alert is taken when it is written there, and all are read from there; what is not
 * delivered at the end stays. When no more can be written, alerts queue in memory, where they pass
 * those on disk, and it is told. A second thread then makes and removes the files.
 *
 * delivery_offer() may be called from any number of source threads, delivery_ack() from any
 * thread, the rest from the main thread.
 */
#ifndef ALERT_DELIVERY_H
#define ALERT_DELIVERY_H

#include "alert/alert.h"
#include "alert/latency.h"
#include "alert/noise.h"
#include "alert/spool.h"

#include <gyr/output.h>

enum { DIGEST_MAX = 1000 };

/** Alerts gather until there are so many, or the first has waited for so long, or no more come. */
struct digest_conf {
    uint64_t wait_ns; /**< 0: they do not gather */
    uint32_t alerts;  /**< 1 to DIGEST_MAX, and offered at once */
};

struct delivery_conf {
    const char *name;                 /**< of the instance; borrowed */
    const struct gyr_output_ops *ops; /**< widened; borrowed */
    uint32_t capacity; /**< alerts in the queue, those waiting for a retry or an ack included */
    bool wait;         /**< full: the source waits; else the alert is dropped and counted */
    void (*on_wait)(void *ctx); /**< before an offer waits for room, without locks; may be NULL */
    void *wait_ctx;
    int notify_fd; /**< an eventfd told when the thread has ended; -1: none */
    uint64_t backoff_min_ns, backoff_max_ns; /**< 0: 250 ms and 30 s */
    uint64_t give_up_ns;      /**< an alert that was put off for so long is dead; 0: never */
    struct noise_conf noise;  /**< what it need not hear of */
    bool live;                /**< windows end by the clock, too, when no alert comes */
    struct spool_conf spool;  /**< dir NULL: none; on_full SPOOL_FULL_DEFAULT: as `wait` says */
    const char *dead_letters; /**< file that dead alerts are kept in; borrowed; NULL: none */
    struct digest_conf digest;
};

struct delivery_stats {
    uint64_t accepted;      /**< taken into the queue */
    uint64_t delivered;     /**< the output has it */
    uint64_t retried;       /**< offers that were answered with "not now" */
    uint64_t failed;        /**< dead: the output refused it for good, or put it off for too long */
    uint64_t dropped;       /**< queue full, or given up at the end */
    uint64_t kept;          /**< of those failed or given up: kept as dead letters */
    uint64_t suppressed;    /**< muted, repeats, past a rate: never in the queue */
    uint64_t resumed;       /**< of those accepted: from the spool, by earlier runs */
    uint64_t oldest_ns;     /**< age of the oldest in the queue */
    uint64_t queued;        /**< those in the spool included */
    struct latency latency; /**< from the queue to the output's "I have it" */
};

struct delivery;

int delivery_new(const struct delivery_conf *conf, struct delivery **ret);
/** Stopped, or never started. NULL is fine. */
void delivery_free(struct delivery *d);
/** What was offered before waits in memory. @param self the output's instance, started.
 *  @return 0; -EAGAIN. */
int delivery_start(struct delivery *d, void *self);

/** Queue a reference of its own; delivery_wake() then tells the thread. @return 0; -ENOSPC when it
 *  was dropped. */
int delivery_offer(struct delivery *d, struct alert *a);
/** After one or more offers: one wake-up for all of them, and none when the thread is at work. */
void delivery_wake(struct delivery *d);
/** The verdict that GYR_V_LATER promised. Any thread; unknown tokens are ignored. */
void delivery_ack(struct delivery *d, uint64_t token, uint32_t verdict, uint64_t retry_after_ns);

/** Take what may change while it runs from @p conf: noise, retries, digests, waiting. The rest must
 * be the same. Windows go on where they mean the same, else they are closed.
 *  @return 0; -ENOMEM: nothing is suppressed any more. */
int delivery_change(struct delivery *d, const struct delivery_conf *conf);
/** Have the output open its files anew, on its own thread. */
void delivery_reopen(struct delivery *d);
/** From @p deadline_ns (CLOCK_MONOTONIC) on nobody waits for this output any more: offers to a
 *  full queue are dropped, and so is what is left in it. */
void delivery_end_by(struct delivery *d, uint64_t deadline_ns);
/** No more offers will come: deliver what is queued, but give up when nothing was delivered for
 *  @p idle_ns. Returns at once. */
void delivery_finish(struct delivery *d, uint64_t idle_ns);
/** @return nanoseconds until it gives up unless something is delivered; 0: it has ended, or should
 *  have. */
uint64_t delivery_left(struct delivery *d);
/** Wait until the thread has ended. @return 0; -ETIMEDOUT: the output hangs in a call; it was left
 *  behind, and neither it nor @p d may be freed. */
int delivery_join(struct delivery *d);

void delivery_stats(struct delivery *d, struct delivery_stats *ret);

/** CLOCK_MONOTONIC in nanoseconds. */
uint64_t clock_ns(void);

#endif /* ALERT_DELIVERY_H */
