/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file gyr/source.h
 * @brief The source capability: where events come from.
 */
#ifndef GYR_SOURCE_H
#define GYR_SOURCE_H

#include <gyr/event.h>
#include <gyr/schema.h>

/** What next_batch() fills in. [grows] */
struct gyr_batch {
    uint32_t size;
    uint32_t cap;        /**< in: slots in ev[] */
    uint32_t timeout_ms; /**< in: longest wait for the first event */
    uint32_t n;          /**< out: slots used */
    /** out: the events, in the order of the stream, borrowed until the next next_batch() or
     *  stop(). Each is 8-byte aligned. */
    const struct gyr_event **ev;
};

/** What rules and enrichers can use. Whatever is not wanted need not be delivered; what is
 *  delivered all the same is harmless. [grows] */
struct gyr_want {
    uint32_t size;
    uint32_t n_type_words, n_subtype_words;
    uint32_t reserved;
    const uint64_t *types;    /**< bit t: event type t */
    const uint64_t *subtypes; /**< bit s: subtype s of generic types */
};

/** How far a source of known length has come. [grows] */
struct gyr_progress {
    uint32_t size, reserved;
    uint64_t done, total; /**< in any one unit, such as bytes of the file; total 0: not known */
};

enum {
    GYR_SRC_LIVE = 1 /**< the machine as it is now. Without it the stream is a recording: the core
                          waits for slow outputs rather than drop, and nobody asks the machine */
};

/** All calls are made on the instance's own thread of the core, but for start() and stop() of the
 *  plugin (main thread) and wake() (any). [grows] */
struct gyr_source_ops {
    uint32_t size;
    uint32_t flags; /**< GYR_SRC_* */
    const struct gyr_schema *schema;

    /** Lend the next events.
     *  @return 0 (b->n may be 0 after the timeout or wake()); GYR_E_EOF at the end of the stream;
     *  another negative number for a failure. Events read before a failure are handed over
     *  first, and the failure told by the next call. After a failure or the end only stop()
     *  follows. Losses are GYR_EV_LOSS events. */
    int (*next_batch)(void *self, struct gyr_batch *b, struct gyr_error *err);

    /** Make a waiting next_batch() return soon. Any thread, after start() and before stop(); never
     *  blocks; may come early or late. */
    void (*wake)(void *self);

    /** Optional. Called before the first batch and between batches. @p w is borrowed. */
    int (*want)(void *self, const struct gyr_want *w, struct gyr_error *err);

    /** Optional. Any thread. */
    void (*progress)(void *self, struct gyr_progress *ret);

    /** Optional. Called between batches: put a snapshot of the state as it is, from begin to end,
     *  into the stream soon; other events may come in between. While one is under way, another
     *  request may be left to it.
     *  @return 0; a negative errno: not now. */
    int (*snapshot)(void *self);

    /** Optional. Called between batches and while the events of one are handled, which stay lent:
     *  take a note, and tell soon of that thread, its process and its descriptors, without begin
     *  and end. The source bounds how often it does.
     *  @return 0; -EAGAIN: not now. */
    int (*snapshot_thread)(void *self, int64_t tid);
};

#endif /* GYR_SOURCE_H */
