/* SPDX-License-Identifier: Apache-2.0 */
#include "queue.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

static const uint64_t NS_S = 1000000000, LOOK_NS = 100000000;

int queue_init(struct queue *q, size_t cap)
{
    pthread_condattr_t attr;

    memset(q, 0, sizeof(*q));
    q->cap = cap & ~(size_t)7;
    q->p = malloc(q->cap);
    if (!q->p)
        return -ENOMEM;
    (void)pthread_mutex_init(&q->lock, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&q->wake, &attr);
    (void)pthread_cond_init(&q->room, &attr);
    (void)pthread_condattr_destroy(&attr);
    return 0;
}

void queue_free(struct queue *q)
{
    if (!q->p)
        return;
    (void)pthread_cond_destroy(&q->room);
    (void)pthread_cond_destroy(&q->wake);
    (void)pthread_mutex_destroy(&q->lock);
    free(q->p);
    q->p = NULL;
}

static struct timespec in_ns(uint64_t ns)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    ns += (uint64_t)ts.tv_nsec;
    ts.tv_sec += (time_t)(ns / NS_S);
    ts.tv_nsec = (long)(ns % NS_S);
    return ts;
}

/* @return whether @p need bytes are free. */
static bool has_room(struct queue *q, size_t head, size_t need)
{
    if (q->cap - (head - q->tail_known) >= need)
        return true;
    q->tail_known = atomic_load_explicit(&q->tail, memory_order_acquire);
    return q->cap - (head - q->tail_known) >= need;
}

static void wait_for_room(struct queue *q, size_t head, size_t need)
{
    (void)pthread_mutex_lock(&q->lock);
    atomic_store(&q->waiting, true);
    while (!has_room(q, head, need) && !atomic_load(&q->closed)) {
        struct timespec ts = in_ns(LOOK_NS);

        (void)pthread_cond_signal(&q->wake);
        (void)pthread_cond_timedwait(&q->room, &q->lock, &ts);
    }
    atomic_store(&q->waiting, false);
    (void)pthread_mutex_unlock(&q->lock);
}

void queue_wake(struct queue *q)
{
    (void)pthread_mutex_lock(&q->lock);
    atomic_store(&q->sleeping, false);
    q->woken = true;
    (void)pthread_cond_signal(&q->wake);
    (void)pthread_mutex_unlock(&q->lock);
}

int queue_put(struct queue *q, const struct gyr_event *ev, size_t spare, bool wait)
{
    size_t head = atomic_load_explicit(&q->head, memory_order_relaxed);
    size_t at = head % q->cap, end = q->cap - at, pad = end < ev->len ? end : 0;
    size_t need = pad + ev->len + spare;

    if (ev->len > q->cap / 2)
        return -EMSGSIZE;
    if (atomic_load_explicit(&q->closed, memory_order_relaxed))
        return -EPIPE;
    if (!has_room(q, head, need)) {
        if (!wait)
            return -EAGAIN;
        wait_for_room(q, head, need);
        if (!has_room(q, head, need))
            return -EPIPE;
    }
    if (pad) { /* a record lies in one piece: the rest of the ring is left out */
        memset(q->p + at, 0, sizeof(uint32_t));
        at = 0;
    }
    memcpy(q->p + at, ev, ev->len);
    atomic_store_explicit(&q->head, head + pad + ev->len, memory_order_release);
    if (head - q->tail_known > q->cap / 4 &&
        atomic_load_explicit(&q->sleeping, memory_order_relaxed))
        queue_wake(q);
    return 0;
}

static void give_back(struct queue *q, size_t tail)
{
    atomic_store_explicit(&q->tail, tail, memory_order_release);
    if (atomic_load_explicit(&q->waiting, memory_order_relaxed) &&
        atomic_load_explicit(&q->head, memory_order_relaxed) - tail < q->cap / 2) {
        (void)pthread_mutex_lock(&q->lock);
        (void)pthread_cond_signal(&q->room);
        (void)pthread_mutex_unlock(&q->lock);
    }
}

const struct gyr_event *queue_front(struct queue *q)
{
    size_t tail = atomic_load_explicit(&q->tail, memory_order_relaxed), at = tail % q->cap;
    uint32_t len;

    if (atomic_load_explicit(&q->head, memory_order_acquire) == tail)
        return NULL;
    memcpy(&len, q->p + at, sizeof(len));
    if (len == 0) {
        give_back(q, tail + q->cap - at);
        at = 0;
    }
    return (const struct gyr_event *)(const void *)(q->p + at);
}

void queue_pop(struct queue *q)
{
    size_t tail = atomic_load_explicit(&q->tail, memory_order_relaxed);
    uint32_t len;

    memcpy(&len, q->p + tail % q->cap, sizeof(len));
    give_back(q, tail + len);
}

void queue_sleep(struct queue *q, uint64_t ns)
{
    struct timespec ts = in_ns(ns);

    (void)pthread_mutex_lock(&q->lock);
    atomic_store(&q->sleeping, true);
    if (!q->woken && !atomic_load(&q->waiting))
        (void)pthread_cond_timedwait(&q->wake, &q->lock, &ts);
    q->woken = false;
    atomic_store(&q->sleeping, false);
    (void)pthread_mutex_unlock(&q->lock);
}

void queue_close(struct queue *q)
{
    (void)pthread_mutex_lock(&q->lock);
    atomic_store(&q->closed, true);
    (void)pthread_cond_signal(&q->room);
    (void)pthread_mutex_unlock(&q->lock);
}
