/* SPDX-License-Identifier: Apache-2.0 */
/* A delivery's spool: alerts in from the sources' threads, out on the output's. */
#include "alert/delivery_priv.h"
#include "base/log.h"

#include <errno.h>
#include <string.h>

enum { FETCH_MAX = 64, FETCH_AT_ONCE = 8, WINDOW_FACTOR = 4 };
static const uint64_t AGAIN_NS = 5000000000;

void spooling_tell_broken(struct delivery *d, const char *why)
{
    if (!d->spool_broken)
        log_error(NULL, "output '%s' cannot use its spool: %s; alerts queue in memory until it can",
                  d->conf.name, why);
    d->spool_broken = true;
    d->spool_again_ns = clock_ns() + AGAIN_NS;
}

static void tell_mended(struct delivery *d)
{
    if (d->spool_broken)
        log_notice(NULL, "output '%s' uses its spool again", d->conf.name);
    d->spool_broken = false;
}

void spooling_take(struct delivery *d, struct spool *s)
{
    d->spool = s;
    d->stats.resumed = spool_left(s);
    d->stats.accepted += d->stats.resumed;
}

struct spool *spooling_open(const struct delivery *d, struct gyr_error *err)
{
    struct spool *s = NULL;

    (void)spool_open(&d->conf.spool, d->conf.name, WINDOW_FACTOR * d->conf.capacity, &s, err);
    return s;
}

static enum spool_full on_full(const struct delivery *d)
{
    if (d->conf.spool.on_full != SPOOL_FULL_DEFAULT)
        return d->conf.spool.on_full;
    return d->conf.wait ? SPOOL_FULL_WAIT : SPOOL_FULL_DROP_NEW;
}

/* @return whether to try again. */
static bool make_room(struct delivery *d, bool may_wait, bool *told)
{
    switch (on_full(d)) {
    case SPOOL_FULL_DROP_OLD:
        delivery_count_dropped(d, spool_drop_oldest(d->spool));
        return true;
    case SPOOL_FULL_WAIT:
        if (!may_wait || delivery_past_waiting(d))
            return false;
        delivery_await_space(d, told);
        return true;
    default:
        return false;
    }
}

/* The next file is being made, which takes a moment: to make another would take as long. */
static bool await_made(struct delivery *d)
{
    if (clock_ns() >= d->deadline_ns)
        return false;
    delivery_wait(d, &d->made, d->deadline_ns);
    return true;
}

int spooling_offer(struct delivery *d, const struct alert *a, uint32_t crc, bool may_wait)
{
    struct gyr_error err = {0};
    bool told = false;
    int r;

    if (!d->spool || (d->spool_broken && clock_ns() < d->spool_again_ns))
        return 1;
    do
        r = spool_append(d->spool, a, crc, &err);
    while ((r == -ENOBUFS && make_room(d, may_wait, &told)) || (r == -EAGAIN && await_made(d)));
    keeper_wake(d);
    if (r == 0) {
        tell_mended(d);
        d->stats.accepted++;
        return 0;
    }
    if (r == -ENOBUFS || r == -EAGAIN) {
        delivery_count_dropped(d, 1);
        return -ENOSPC;
    }
    if (r != -EMSGSIZE) /* one that is too large says nothing of the others */
        spooling_tell_broken(d, err.msg);
    return 1;
}

/* @return whether there was one. */
static bool fetch_one(struct delivery *d)
{
    struct slot *s = delivery_take_slot(d);
    uint64_t unreadable = 0, now = clock_ns();
    struct spooled got = {0};
    int r;

    if (!s)
        return false;
    r = spool_read(d->spool, &got, &unreadable);
    d->stats.dropped += unreadable;
    if (r == 0) {
        TAILQ_INSERT_TAIL(&d->free, s, link);
        return false;
    }
    delivery_enqueue(d, s, got.alert, got.age_ns < now ? now - got.age_ns : 0);
    s->spooled = true;
    s->ticket = got.ticket;
    d->n_spooled++;
    return true;
}

void spooling_fetch(struct delivery *d)
{
    for (int i = 0; d->spool && i < FETCH_MAX && fetch_one(d); i++)
        if (i % FETCH_AT_ONCE == FETCH_AT_ONCE - 1) { /* who offers must not wait for all */
            (void)pthread_mutex_unlock(&d->lock);
            (void)pthread_mutex_lock(&d->lock);
        }
}

void spooling_sync(struct delivery *d)
{
    struct spool_sync sync;
    int r = 0;

    if (!d->spool || d->conf.spool.fsync == SPOOL_FSYNC_NEVER)
        return;
    while (r == 0 && spool_take_unsynced(d->spool, &sync)) {
        (void)pthread_mutex_unlock(&d->lock);
        r = spool_sync(&sync);
        (void)pthread_mutex_lock(&d->lock);
    }
    /* It is no worse a place for that: what is written survives us, if not the machine. */
    if (r < 0 && !d->sync_failed)
        log_error(NULL, "output '%s': its spool cannot be synchronised with the disk: %s",
                  d->conf.name, strerror(-r));
    d->sync_failed = r < 0;
}
