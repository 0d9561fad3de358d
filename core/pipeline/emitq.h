/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file emitq.h
 * @brief Events that enrichers put into a stream, kept until the next gap between two batches.
 *
 * Bounded: 1,024 events, 16 MiB. emitq_put() from any thread, the rest on the source's.
 */
#ifndef PIPELINE_EMITQ_H
#define PIPELINE_EMITQ_H

#include <gyr/event.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

enum { EMITQ_EVENTS = 1024, EMITQ_BYTES = 16 << 20 };

struct emitted {
    struct emitted *next;
    struct gyr_event ev[]; /* the whole record */
};

struct emitq {
    pthread_mutex_t lock;
    struct emitted *first, **last;
    uint32_t n;
    size_t bytes;
    uint64_t refused;
    atomic_bool any; /* so that looking costs nothing */
};

void emitq_init(struct emitq *q);
void emitq_free(struct emitq *q);
/** Copy a checked event. @return 0; -EAGAIN when full (counted); -ENOMEM. */
int emitq_put(struct emitq *q, const struct gyr_event *ev);
/** Take all there is, in order; each to be freed. NULL: none. */
struct emitted *emitq_take(struct emitq *q);
uint64_t emitq_refused(struct emitq *q);

#endif /* PIPELINE_EMITQ_H */
