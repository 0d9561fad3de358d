/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file containers.h
 * @brief An enricher that names containers: everything but how a runtime is asked.
 *
 * Built into each plugin of a runtime (`common.NAME := containers syscall` in its libs.mk). The
 * plugin's `self` is a struct containers; its gyr_enricher_ops point at the calls below; what it
 * writes itself is a thread that talks to the runtime.
 *
 *      source's thread                         runtime's thread (the plugin's)
 *      get(): not known ── ask, waiter ──────► containers_next_ask()
 *             ◄──────────────── news ───────── containers_learnt(), _unknown(), _gone()
 *
 * Between them stands a mailbox with a lock that nobody holds while working; the source's thread
 * reads one atomic per event. A container is asked for when a process of it is first seen
 * (clone, fork, exec) or when a rule first reads a field of it, whichever is earlier; until the
 * answer, fields are pending.
 *
 * In a replay (host->is_live == 0) the same object learns from the stream's `container` events
 * only, and the runtime must not be started. Where the recorder told of containers at all, one that
 * was not told yet stays pending for a second of the stream's time: live, its event came about so
 * late.
 */
#ifndef CONTAINERS_CONTAINERS_H
#define CONTAINERS_CONTAINERS_H

#include "containers/facts.h"

#include <gyr/enricher.h>
#include <gyr/host.h>

struct containers;

enum {
    CT_TABLE_MAX = 8192, /**< containers known at a time; exited ones go first, then those
                              learnt first (metric containers_evicted) */
    CT_GONE_MAX = 1024   /**< of these, exited ones: the one that exited first goes */
};

/** What a runtime plugin gives. */
struct ct_runtime_ops {
    /** There is something in containers_next_ask(). On the source's thread: must not block, may
     *  take no lock for long; writing to an eventfd is right. */
    void (*wake)(void *runtime);
};

/* ---- life: from the plugin's create(), start(), destroy(), on the main thread ---- */

/** @param runtime the plugin's own, given to ops; not freed.
 *  @return 0; -ENOMEM with a sentence. */
int containers_new(const struct gyr_host *host, const struct ct_runtime_ops *ops, void *runtime,
                   struct containers **ret, struct gyr_error *err);
/** To be called in start(), before the runtime's thread is made: binds the fields of others. Where
 *  nobody provides container.full_id (`gyr record` needs no processes), only `container` events
 *  have names. */
void containers_start(struct containers *c);
/** To be called in stop() when the runtime's thread has been told to end, and before it is joined:
 *  calls of it that wait return. Adds up the counters. */
void containers_stop(struct containers *c);
void containers_free(struct containers *c); /**< NULL is fine; the runtime's thread has ended */
void *containers_runtime(const struct containers *c);

/* ---- for gyr_enricher_ops: `self` is the struct containers ---- */

extern const char *const containers_events[];
enum { CT_N_FIELDS = 43 };
extern const struct gyr_field containers_fields[CT_N_FIELDS];
int containers_on_event(void *self, uint32_t which, const struct gyr_event *ev);
int containers_bind(void *self, uint32_t field, const char *arg, uint32_t *ret_handle,
                    uint32_t *ret_type, struct gyr_error *err);
void containers_unbind(void *self, uint32_t handle);
int containers_get(void *self, const struct gyr_event *ev, uint32_t handle, struct gyr_value *ret);
int containers_redeem(void *self, uint32_t handle, uint64_t ticket, struct gyr_value *ret);
void containers_release(void *self, uint32_t handle, uint64_t ticket);

#define CONTAINERS_ENRICHER_OPS                                                                    \
    .size = sizeof(struct gyr_enricher_ops), .schema = "syscall", .events = containers_events,     \
    .fields = containers_fields, .n_fields = CT_N_FIELDS,                                          \
    .field_stride = sizeof(struct gyr_field), .on_event = containers_on_event,                     \
    .bind = containers_bind, .unbind = containers_unbind, .get = containers_get,                   \
    .redeem = containers_redeem, .release = containers_release

/* ---- for the runtime's thread (one thread per struct containers) ---- */

/** How it was learnt. */
enum ct_why {
    CT_LISTED,  /**< in the list of what there is: a `container` event if it runs */
    CT_STARTED, /**< the runtime says that it starts: a `container` event */
    CT_ASKED    /**< an answer, or news of one known before: an event if it runs and had none */
};

/** The next id that somebody asks for. Each is given once, and again after containers_down().
 *  @param ret_id CT_ID_MAX + 1 bytes. @return false: there is none. */
bool containers_next_ask(struct containers *c, char *ret_id);
/** What is not told as a `container` event goes into the stream as "container_known", so that a
 *  recording knows as much, and as early.
 *  @param f copied into the table (ct_facts_new()); what was known before is replaced. Waits, up
 *  to some seconds, while the queue of emitted events is full. */
void containers_learnt(struct containers *c, const struct ct_facts *f, enum ct_why why);
/** The list of what there is has been asked for and told: says in the stream, for replays, that
 *  whoever recorded it knew containers. Once for each connection. */
void containers_listed(struct containers *c, uint32_t n);
/** No runtime that we ask has it: its fields are absent, and asked for again after ten seconds at
 *  the earliest. */
void containers_unknown(struct containers *c, const char *id);
/** It has ended: "container_removed" for the rules. What is known of it stays for what comes late.
 */
void containers_gone(struct containers *c, const char *id);
/** The runtime cannot be reached: what is asked for stays pending until the core's deadline, and
 *  is given by containers_next_ask() again. */
void containers_down(struct containers *c);

#endif /* CONTAINERS_CONTAINERS_H */
