/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file gyr/enricher.h
 * @brief The enricher capability: keeps state from events and computes fields.
 *
 * There is one instance per source whose schema it serves. Every call but start(), stop(),
 * create() and destroy() is made on that source's thread, in the order of the stream, and must
 * not block: slow look-ups go to a thread of the plugin and a cache.
 *
 * For each event the core calls on_event() (if the type was asked for), then get() for the
 * fields that the rules really read, each handle at most once, then after_event() if on_event()
 * asked for it. Bytes that a value points to live until the event is done: the plugin's own, or
 * from host->event_alloc().
 *
 * An enricher whose entry in the configuration has a filter hears of an event after its rules have
 * run: of snapshot and internal events always; of others when the filter's condition holds or
 * cannot be decided yet. An event of a type that changes state, for which it does not hold, comes
 * with GYR_EVF_SNAPSHOT set.
 *
 * A field may have several providers. They are asked in the order of the configuration: the
 * first present value wins, else it is pending if any is, else absent.
 */
#ifndef GYR_ENRICHER_H
#define GYR_ENRICHER_H

#include <gyr/event.h>
#include <gyr/schema.h>

enum {
    GYR_AFTER = 1 /**< on_event(): call after_event() when the event's rules have run */
};

/** [grows] */
struct gyr_enricher_ops {
    uint32_t size, flags;
    const char *schema; /**< the schema it serves; NULL: every one */

    /** Names of the event types on_event() is for, ended by NULL; "*" is all. Event types of
     *  the core are named "gyr.snapshot_begin", "gyr.snapshot_end" and "gyr.loss". NULL: none. A
     *  name the schema does not have is refused at load. */
    const char *const *events;

    /** The fields it provides, by name; those the schema's catalogue lacks are added to it.
     *  A declaration whose type differs from the catalogue's is refused. */
    const struct gyr_field *fields;
    uint32_t n_fields, field_stride;

    /** @param which index into events[] of the name that matched (with "*": its index).
     *  @return 0, GYR_AFTER, or a negative errno (counted, logged at a limited rate). */
    int (*on_event)(void *self, uint32_t which, const struct gyr_event *ev);
    void (*after_event)(void *self, const struct gyr_event *ev);

    /** Turn a field and its argument into a handle. Once per generation of rules, possibly before
     *  start() (`gyr check` never starts).
     *  @param field index into fields[]. @param arg the text between the brackets; NULL: none.
     *  @param ret_type GYR_T_* of what get() will yield; preset from the declaration, or, where a
     *  comparison reads a field of GYR_FF_MANY without argument, GYR_T_LIST; where an output
     *  shows a field declared GYR_T_NONE, GYR_T_STR: what is no decimal number may be a text then.
     *  @return 0; -EINVAL with a sentence for an argument that makes no sense. */
    int (*bind)(void *self, uint32_t field, const char *arg, uint32_t *ret_handle,
                uint32_t *ret_type, struct gyr_error *err);
    void (*unbind)(void *self, uint32_t handle);

    /** The value of a bound field for an event.
     *  @return GYR_PRESENT and *ret; GYR_ABSENT; GYR_PENDING with a ticket in ret->u.u64, for
     *  which exactly one release() will follow; or a negative errno. */
    int (*get)(void *self, const struct gyr_event *ev, uint32_t handle, struct gyr_value *ret);

    /** Ask again, by ticket: the event is gone. Same answers as get(); GYR_PENDING keeps the same
     *  ticket and wants no further release(). Optional for who never answers GYR_PENDING. */
    int (*redeem)(void *self, uint32_t handle, uint64_t ticket, struct gyr_value *ret);
    void (*release)(void *self, uint32_t handle, uint64_t ticket);

    /** Optional: the text of a parameter whose schema gives it a `kind`, for evt.arg.*, evt.args.
     *  evt.args shows the recorded number before such a text: "fd=3(<f>/etc/passwd)". Where the
     *  core's form of it is not the right one, put another and a zero byte before the text; with
     *  nothing behind the zero byte, that form stands alone.
     *  @return GYR_PRESENT and a GYR_T_STR; GYR_ABSENT: the core writes it as it can. */
    int (*param_text)(void *self, const struct gyr_event *ev, uint32_t param,
                      struct gyr_value *ret);
};

#endif /* GYR_ENRICHER_H */
