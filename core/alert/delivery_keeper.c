/* SPDX-License-Identifier: Apache-2.0 */
/* The keeper of a delivery's spool: a thread for what takes long there, so that neither whoever
 * raises alerts waits for it, nor it for an output that hangs. */
#include "alert/delivery_priv.h"

#include <stdio.h>

static const uint64_t SYNC_NS = 1000000000, OPEN_AGAIN_NS = 5000000000;

static bool syncs(const struct delivery *d)
{
    return d->conf.spool.fsync != SPOOL_FSYNC_NEVER;
}

/* One that could not be opened at the start. */
static void open_again(struct delivery *d)
{
    struct gyr_error ignored = {0}; /* it was told */
    struct spool *s;

    (void)pthread_mutex_unlock(&d->lock);
    s = spooling_open(d, &ignored);
    (void)pthread_mutex_lock(&d->lock);
    if (!s)
        return;
    spooling_take(d, s);
    d->spool_again_ns = 0;
    delivery_wake_thread(d);
}

static void do_chore(struct delivery *d, struct spool_chore *c)
{
    (void)pthread_mutex_unlock(&d->lock);
    spool_do_chore(c);
    (void)pthread_mutex_lock(&d->lock);
    spool_end_chore(d->spool, c);
    (void)pthread_cond_broadcast(&d->made);
    (void)pthread_cond_broadcast(&d->space);
}

static void *keeper_main(void *arg)
{
    struct delivery *d = arg;
    uint64_t open_ns = clock_ns() + OPEN_AGAIN_NS, sync_ns = 0, next;
    struct spool_chore c;

    (void)pthread_mutex_lock(&d->lock);
    while (!d->keeper_ends) {
        uint64_t now = clock_ns();

        next = UINT64_MAX;
        if (!d->spool) {
            next = open_ns;
            if (now >= open_ns) {
                open_again(d);
                open_ns = now + OPEN_AGAIN_NS;
                continue;
            }
        } else if (spool_take_chore(d->spool, now, &c)) {
            do_chore(d, &c);
            continue;
        } else if (syncs(d) && spool_is_unsynced(d->spool)) {
            next = sync_ns + SYNC_NS;
            if (now >= next) {
                sync_ns = now;
                spooling_sync(d);
                continue;
            }
        }
        d->keeper_asleep = true;
        d->keeper_timed = next != UINT64_MAX;
        delivery_wait(d, &d->chores, next);
        d->keeper_asleep = false;
    }
    (void)pthread_mutex_unlock(&d->lock);
    return NULL;
}

int keeper_start(struct delivery *d)
{
    char name[16];
    int r = pthread_create(&d->keeper, NULL, keeper_main, d);

    if (r)
        return -r;
    d->keeping = true;
    (void)snprintf(name, sizeof(name), "k/%.13s", d->conf.name);
    (void)pthread_setname_np(d->keeper, name);
    return 0;
}

void keeper_stop(struct delivery *d)
{
    if (!d->keeping)
        return;
    d->keeper_ends = true;
    (void)pthread_cond_signal(&d->chores);
    (void)pthread_mutex_unlock(&d->lock);
    (void)pthread_join(d->keeper, NULL);
    (void)pthread_mutex_lock(&d->lock);
    d->keeping = false;
}

void keeper_wake(struct delivery *d)
{
    if (!d->keeper_asleep || !d->spool)
        return;
    if (!spool_has_chore(d->spool, clock_ns()) &&
        (d->keeper_timed || !syncs(d) || !spool_is_unsynced(d->spool)))
        return;
    d->keeper_asleep = false;
    (void)pthread_cond_signal(&d->chores);
}
