/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file gyr/host.h
 * @brief What the core does for a plugin instance.
 *
 * A plugin links against no symbol of the core; each instance gets one `struct gyr_host` in
 * create(), valid until destroy() returns. Every call may be made from any thread unless its
 * comment says otherwise, and every first argument is `host->ctx`.
 */
#ifndef GYR_HOST_H
#define GYR_HOST_H

#include <gyr/event.h>
#include <gyr/schema.h>

/** Levels of log(), as in syslog(3). */
enum {
    GYR_LOG_ERROR = 3,
    GYR_LOG_WARNING = 4,
    GYR_LOG_NOTICE = 5,
    GYR_LOG_INFO = 6,
    GYR_LOG_DEBUG = 7
};

/** Which capability of its plugin an instance serves. */
enum { GYR_CAP_SOURCE = 1, GYR_CAP_ENRICHER = 2, GYR_CAP_OUTPUT = 3 };

/** Services of the core. [grows] */
struct gyr_host {
    uint32_t size;
    uint16_t abi_major, abi_minor; /**< what the core speaks */
    void *ctx;
    const char *instance;  /**< the instance's name in the configuration */
    const char *host_root; /**< prefix of the watched host's file tree, without a slash at the
                                end; "" for our own */
    uint32_t capability;   /**< GYR_CAP_* */
    uint32_t is_live;      /**< 0: the stream is a recording; values come from it or are absent,
                                and nobody asks the machine */

    /** Log one line. @p msg: @p len bytes, no newline; the core limits the rate. */
    void (*log)(void *ctx, int32_t level, const char *msg, size_t len);

    /** CLOCK_MONOTONIC in nanoseconds. */
    uint64_t (*now_ns)(void *ctx);

    /** Add to a counter of this instance, made at its first use.
     *  @return 0; -ENOSPC past 64 counters. Not for every event: keep your own and add at times. */
    int (*metric_add)(void *ctx, const char *name, uint64_t delta);

    /** Start a thread with every signal blocked but those of a crash, and from its first
     *  instruction without the capabilities that no plugin in use needs: one that a plugin makes by
     *  itself in start() keeps them. It must be joined before destroy() returns.
     *  @param name at most 15 bytes. @return 0 and an id; -EAGAIN. */
    int (*thread_start)(void *ctx, const char *name, void (*fn)(void *), void *arg,
                        uint64_t *ret_id);
    /** @return 0; -ESRCH for an id that is not a running thread of this instance. */
    int (*thread_join)(void *ctx, uint64_t id);

    /** The loaded schema of that name, or NULL. Lives as long as the host. */
    const struct gyr_schema *(*schema)(void *ctx, const char *name);

    /** Enrichers, inside on_event(), get(), redeem() or param_text() only: memory for bytes a
     *  value points to, 8-byte aligned, until the event is done.
     *  @return NULL past 1 MiB for one event. */
    void *(*event_alloc)(void *ctx, size_t size);

    /** Enrichers: put an event into the stream of the source that this instance serves. It is
     *  copied, checked, and delivered between two batches.
     *  @return 0; -EINVAL for a record that is not well-formed; -EAGAIN when the queue (1,024
     *  events, 16 MiB) is full: counted, and to be offered again. */
    int (*emit)(void *ctx, const struct gyr_event *ev);

    /** Enrichers: the answer to @p ticket is there. The source's thread then calls redeem().
     *  A ticket nobody waits for any more is ignored. */
    void (*resolved)(void *ctx, uint64_t ticket);

    /** Outputs: the verdict on an alert that write() answered with GYR_V_LATER.
     *  @param retry_after_ns with GYR_V_RETRY: shortest wait; 0: the core's back-off. */
    void (*ack)(void *ctx, uint64_t token, uint32_t verdict, uint64_t retry_after_ns);

    /** Enrichers: have the source put a snapshot, from begin to end, into the stream soon. Several
     *  requests may be answered by one.
     *  @return 0; -ENOTSUP: this source only has what its stream opens with. */
    int (*snapshot)(void *ctx);

    /** Enrichers, inside on_event(), get() or redeem() only: have the source tell soon of one
     *  thread that is not known, with its process and its descriptors, as a snapshot does but
     *  without begin and end. Of one that is not there any more nothing is told.
     *  @return 0; -EAGAIN: too many are asked for now, ask again when it is next seen; -ENOTSUP. */
    int (*snapshot_thread)(void *ctx, int64_t tid);

    /** Enrichers, in start() only: prepare to read a field that others provide for this source, by
     *  its name and without an argument; one of GYR_FF_MANY comes as a list.
     *  @return 0 and a handle, good until destroy(); -ENOENT: no other enabled provider has it;
     *  -EINVAL: none takes it without an argument; -ENOSPC past 64 of a source. */
    int (*field_bind)(void *ctx, const char *name, uint32_t *ret_handle);

    /** Enrichers, inside on_event() and get() only, with the event that was handed in: the value of
     *  a field of field_bind(). Its providers are asked in their order, the asking instance never;
     *  this costs what their get() costs. In on_event() a provider that stands later in the
     *  configuration has not seen the event yet. Bytes live until the event is done.
     *  @return as get(); GYR_PENDING comes without a ticket: it can only be asked for again with
     *  another event. GYR_ABSENT too where providers ask each other in a circle. */
    int (*field)(void *ctx, const struct gyr_event *ev, uint32_t handle, struct gyr_value *ret);
};

#endif /* GYR_HOST_H */
