/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file queue.h
 * @brief Events on their way from the source's thread to the one that writes: a ring of bytes.
 *
 * One thread puts, one takes. Putting is a copy and two atomics; a system call is made when the
 * other sleeps and a quarter is full, and a lock is taken only then or to wait for room.
 */
#ifndef RECORD_QUEUE_H
#define RECORD_QUEUE_H

#include <gyr/event.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct queue {
    uint8_t *p;
    size_t cap;        /* a multiple of 8 */
    size_t tail_known; /* of the one who puts: tail as it was when last looked at */
    atomic_size_t head, tail;
    atomic_bool sleeping, waiting, closed;
    bool woken; /* of the lock */
    pthread_mutex_t lock;
    pthread_cond_t wake, room;
};

/** @return 0; -ENOMEM. */
int queue_init(struct queue *q, size_t cap);
void queue_free(struct queue *q);

/** Copy an event in. @param spare bytes that must stay free: room for more important ones.
 *  @param wait until there is room, or the queue is closed.
 *  @return 0; -EAGAIN: no room; -EMSGSIZE: larger than half of the queue; -EPIPE: closed. */
int queue_put(struct queue *q, const struct gyr_event *ev, size_t spare, bool wait);

/** The oldest event, until queue_pop(); NULL: none. */
const struct gyr_event *queue_front(struct queue *q);
void queue_pop(struct queue *q);
/** Sleep until there is much to do, queue_wake(), or @p ns are over. */
void queue_sleep(struct queue *q, uint64_t ns);
void queue_wake(struct queue *q);
/** Nothing is taken any more: who waits is let go. */
void queue_close(struct queue *q);

#endif /* RECORD_QUEUE_H */
