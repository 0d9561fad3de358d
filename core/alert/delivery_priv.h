/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file delivery_priv.h
 * @brief What delivery.c (queue), delivery_thread.c (offers and verdicts), delivery_spool.c (alerts
 * by way of the disk) and delivery_keeper.c (what takes long there) share.
 */
#ifndef ALERT_DELIVERY_PRIV_H
#define ALERT_DELIVERY_PRIV_H

#include "alert/deadletter.h"
#include "alert/delivery.h"

#include <pthread.h>
#include <sys/queue.h>

enum slot_state {
    SLOT_FREE,
    SLOT_READY,   /* to be offered */
    SLOT_OFFERED, /* in write() */
    SLOT_DELAYED, /* to be offered again at due_ns */
    SLOT_LATER,   /* waits for its ack */
    SLOT_DEAD     /* to be buried by the thread */
};

/* Why an alert is dead. */
enum dead_why { DEAD_REFUSED, DEAD_PUT_OFF, DEAD_AT_END };

/** An alert on its way to this output. */
struct slot {
    TAILQ_ENTRY(slot) link;
    struct alert *alert;
    struct gyr_alert view; /* the shared alert with this output's token and attempt */
    enum slot_state state;
    uint32_t round;    /* of the slot's use; half of the token, so that a late ack finds nothing */
    uint64_t order;    /* of its kind: they rise */
    uint64_t since_ns; /* when it was queued */
    uint64_t due_ns;
    enum dead_why why;
    bool spooled;
    uint64_t ticket; /* of the spool */
    bool acked;      /* while offered: the ack was faster than write() returned */
    struct gyr_verdict ack;
};

TAILQ_HEAD(slot_list, slot);

struct delivery {
    struct delivery_conf conf;
    void *self;
    pthread_t thread;
    bool started;

    pthread_mutex_t lock; /* all below */
    pthread_cond_t work;  /* for the thread: something to do */
    pthread_cond_t space; /* for offers: a slot is free */
    pthread_cond_t ended; /* for delivery_join() */
    struct slot *slots;   /* [capacity], touched as needed */
    uint32_t n_fresh, n_used;
    struct noise *noise; /* NULL: nothing is suppressed */
    uint64_t suppressed_told, suppressed_told_ns;
    uint64_t dropped_told_ns;
    struct spool *spool; /* NULL: none, or it could not be opened */
    bool spool_broken;
    bool sync_failed;
    uint64_t spool_again_ns;
    uint32_t n_spooled;    /* slots of the spool's alerts */
    pthread_t keeper;      /* of the spool */
    bool keeping;          /* it runs */
    bool keeper_ends;      /* as it is told to */
    bool keeper_asleep;    /* until it is told of work */
    bool keeper_timed;     /* or it is time */
    pthread_cond_t chores; /* for the keeper: something to do */
    pthread_cond_t made;   /* for offers: the file is there, or cannot be made */
    struct slot_list free, ready, delayed, later, dead;
    struct delivery_stats stats;
    bool asleep; /* the thread waits, and nobody has told it of more yet */

    uint64_t n_orders, taken; /* orders given; the last of those that are done with */
    uint32_t streak;          /* offers in a row of which nothing was taken */
    uint64_t pause_until_ns;  /* the output as a whole rests */
    uint64_t outage_since_ns, told_ns;
    uint64_t random;
    char reason[256]; /* the output's last */

    struct dead_letters letters; /* the thread's */

    bool reopen, finishing, has_ended;
    bool closed; /* what is left is given up: the queue takes no more from others */
    uint64_t deadline_ns, idle_ns, progress_ns;
};

/** @pre locked. NULL: none is free. */
struct slot *delivery_take_slot(struct delivery *d);
/** @pre locked. Fill a free slot, last in line. */
void delivery_enqueue(struct delivery *d, struct slot *s, struct alert *a, uint64_t since_ns);
/* The spool's part (delivery_spool.c). */
/** Without the lock. @return NULL: told in @p err. */
struct spool *spooling_open(const struct delivery *d, struct gyr_error *err);
/** @pre locked. Write it down. @param may_wait for room, which the output's own thread must not.
 *  @return 0; -ENOSPC: dropped and counted; 1: there is no spool to write to now. */
int spooling_offer(struct delivery *d, const struct alert *a, uint32_t crc, bool may_wait);
/** @pre locked, no alert is ready: fetch the next. The lock is open at times. */
void spooling_fetch(struct delivery *d);
/** @pre locked, which is open meanwhile: all that was written is on disk. */
void spooling_sync(struct delivery *d);
/** @pre locked. The spool that is there now. */
void spooling_take(struct delivery *d, struct spool *s);
void spooling_tell_broken(struct delivery *d, const char *why);
/* The keeper (delivery_keeper.c). */
int keeper_start(struct delivery *d);
/** @pre locked, which is open meanwhile. */
void keeper_stop(struct delivery *d);
/** @pre locked. If there is something to do. */
void keeper_wake(struct delivery *d);
/** @pre locked, which is open meanwhile. Wait for room. @param told in one offer, false at first.
 */
void delivery_await_space(struct delivery *d, bool *told);
/** @pre locked. There was no room for so many, which is told now and then. */
void delivery_count_dropped(struct delivery *d, uint64_t n);
/** @pre locked. Is there no point in waiting for room any more? */
bool delivery_past_waiting(struct delivery *d);
/** @pre locked. */
void delivery_wake_thread(struct delivery *d);
/** @pre locked. Offer what closes windows, as far as there is room; without waiting. */
void delivery_close_windows(struct delivery *d, uint64_t ts_ns);
/** The output's thread. */
void *delivery_main(void *d);
/** @pre locked. Apply the verdict that GYR_V_LATER promised to a slot that is on no list. */
void delivery_settle_ack(struct delivery *d, struct slot *s, const struct gyr_verdict *v);
/** @pre locked. When the thread must give up at the latest. */
uint64_t delivery_limit(const struct delivery *d);
/** @pre locked. Wait for @p c until @p until_ns; UINT64_MAX: for ever. */
void delivery_wait(struct delivery *d, pthread_cond_t *c, uint64_t until_ns);

#endif /* ALERT_DELIVERY_PRIV_H */
