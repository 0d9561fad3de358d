/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/emitq.h"

#include <errno.h>
#include <stdlib.h>

void emitq_init(struct emitq *q)
{
    *q = (struct emitq){.last = &q->first};
    (void)pthread_mutex_init(&q->lock, NULL);
}

void emitq_free(struct emitq *q)
{
    struct emitted *e = q->first, *next;

    if (!q->last)
        return;
    for (; e; e = next) {
        next = e->next;
        free(e);
    }
    (void)pthread_mutex_destroy(&q->lock);
    q->last = NULL;
}

int emitq_put(struct emitq *q, const struct gyr_event *ev)
{
    struct emitted *e = malloc(sizeof(*e) + ev->len);
    bool full;

    if (!e)
        return -ENOMEM;
    e->next = NULL;
    memcpy(e->ev, ev, ev->len);
    (void)pthread_mutex_lock(&q->lock);
    full = q->n >= EMITQ_EVENTS || ev->len > EMITQ_BYTES - q->bytes;
    if (full) {
        q->refused++;
    } else {
        *q->last = e;
        q->last = &e->next;
        q->n++;
        q->bytes += ev->len;
        atomic_store_explicit(&q->any, true, memory_order_release);
    }
    (void)pthread_mutex_unlock(&q->lock);
    if (full)
        free(e);
    return full ? -EAGAIN : 0;
}

struct emitted *emitq_take(struct emitq *q)
{
    struct emitted *e;

    if (!atomic_load_explicit(&q->any, memory_order_acquire))
        return NULL;
    (void)pthread_mutex_lock(&q->lock);
    e = q->first;
    q->first = NULL;
    q->last = &q->first;
    q->n = 0;
    q->bytes = 0;
    atomic_store_explicit(&q->any, false, memory_order_relaxed);
    (void)pthread_mutex_unlock(&q->lock);
    return e;
}

uint64_t emitq_refused(struct emitq *q)
{
    uint64_t n;

    (void)pthread_mutex_lock(&q->lock);
    n = q->refused;
    (void)pthread_mutex_unlock(&q->lock);
    return n;
}
