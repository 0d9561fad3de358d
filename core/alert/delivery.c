/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/delivery_priv.h"
#include "base/crash.h"
#include "base/log.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { NS_MS = 1000000 };
static const uint64_t JOIN_GRACE_NS = 2000000000, SUPPRESSED_EVERY_NS = 60000000000,
                      DROPPED_EVERY_NS = 10000000000;

uint64_t clock_ns(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void set_retries(struct delivery *d, const struct delivery_conf *conf)
{
    struct delivery_conf *c = &d->conf;

    c->backoff_min_ns = conf->backoff_min_ns ? conf->backoff_min_ns : 250ull * NS_MS;
    c->backoff_max_ns = conf->backoff_max_ns ? conf->backoff_max_ns : 30000ull * NS_MS;
    if (c->backoff_max_ns < c->backoff_min_ns)
        c->backoff_max_ns = c->backoff_min_ns;
    c->give_up_ns = conf->give_up_ns;
}

int delivery_new(const struct delivery_conf *conf, struct delivery **ret)
{
    struct delivery *d = calloc(1, sizeof(*d));
    pthread_condattr_t attr;

    if (!d)
        return -ENOMEM;
    d->conf = *conf;
    if (d->conf.capacity == 0)
        d->conf.capacity = 1;
    set_retries(d, conf);
    d->slots = calloc(d->conf.capacity, sizeof(*d->slots));
    if (!d->slots) {
        free(d);
        return -ENOMEM;
    }
    d->noise = noise_is_wanted(&conf->noise) ? noise_new(&conf->noise) : NULL;
    if (noise_is_wanted(&conf->noise) && !d->noise) {
        free(d->slots);
        free(d);
        return -ENOMEM;
    }
    TAILQ_INIT(&d->free);
    TAILQ_INIT(&d->ready);
    TAILQ_INIT(&d->delayed);
    TAILQ_INIT(&d->later);
    TAILQ_INIT(&d->dead);
    dead_letters_init(&d->letters, conf->dead_letters, conf->name);
    d->deadline_ns = UINT64_MAX;
    d->idle_ns = UINT64_MAX;
    d->random = hash_bytes(&d, sizeof(d)) | 1;
    (void)pthread_mutex_init(&d->lock, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&d->work, &attr);
    (void)pthread_cond_init(&d->space, &attr);
    (void)pthread_cond_init(&d->ended, &attr);
    (void)pthread_cond_init(&d->chores, &attr);
    (void)pthread_cond_init(&d->made, &attr);
    (void)pthread_condattr_destroy(&attr);
    *ret = d;
    return 0;
}

void delivery_free(struct delivery *d)
{
    if (!d)
        return;
    for (uint32_t i = 0; i < d->n_fresh; i++)
        alert_unref(d->slots[i].alert);
    dead_letters_close(&d->letters);
    spool_close(d->spool);
    (void)pthread_cond_destroy(&d->made);
    (void)pthread_cond_destroy(&d->chores);
    (void)pthread_cond_destroy(&d->ended);
    (void)pthread_cond_destroy(&d->space);
    (void)pthread_cond_destroy(&d->work);
    (void)pthread_mutex_destroy(&d->lock);
    noise_free(d->noise);
    free(d->slots);
    free(d);
}

static void start_spool(struct delivery *d)
{
    struct gyr_error err = {0};
    struct spool *s = spooling_open(d, &err);

    (void)pthread_mutex_lock(&d->lock); /* offers may come already */
    if (s)
        spooling_take(d, s);
    else
        spooling_tell_broken(d, err.msg);
    (void)pthread_mutex_unlock(&d->lock);
}

static int start_threads(struct delivery *d)
{
    int r = d->conf.spool.dir ? keeper_start(d) : 0;

    if (r < 0)
        return r;
    r = pthread_create(&d->thread, NULL, delivery_main, d);
    if (r) {
        (void)pthread_mutex_lock(&d->lock);
        keeper_stop(d);
        (void)pthread_mutex_unlock(&d->lock);
    }
    return -r;
}

int delivery_start(struct delivery *d, void *self)
{
    sigset_t all, old;
    char name[16];
    int r;

    d->self = self;
    if (d->conf.spool.dir)
        start_spool(d);
    (void)pthread_mutex_lock(&d->lock);
    d->progress_ns = clock_ns();
    (void)pthread_mutex_unlock(&d->lock);
    crash_block_others(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &old);
    r = start_threads(d);
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (r < 0)
        return r;
    d->started = true; /* the main thread's */
    (void)snprintf(name, sizeof(name), "o/%.13s", d->conf.name);
    (void)pthread_setname_np(d->thread, name);
    return 0;
}

void delivery_wait(struct delivery *d, pthread_cond_t *c, uint64_t until_ns)
{
    struct timespec ts = {.tv_sec = (time_t)(until_ns / 1000000000),
                          .tv_nsec = (long)(until_ns % 1000000000)};

    if (until_ns == UINT64_MAX)
        (void)pthread_cond_wait(c, &d->lock);
    else
        (void)pthread_cond_timedwait(c, &d->lock, &ts);
}

struct slot *delivery_take_slot(struct delivery *d)
{
    struct slot *s = TAILQ_FIRST(&d->free);

    if (s)
        TAILQ_REMOVE(&d->free, s, link);
    else if (d->n_fresh < d->conf.capacity)
        s = &d->slots[d->n_fresh++];
    return s;
}

bool delivery_past_waiting(struct delivery *d)
{
    return d->closed || clock_ns() >= d->deadline_ns;
}

void delivery_wake_thread(struct delivery *d)
{
    if (!d->asleep)
        return;
    d->asleep = false;
    (void)pthread_cond_signal(&d->work);
}

void delivery_enqueue(struct delivery *d, struct slot *s, struct alert *a, uint64_t since_ns)
{
    s->alert = a;
    s->view = a->a;
    s->view.token = (uint64_t)++s->round << 32 | (uint64_t)(s - d->slots);
    s->state = SLOT_READY;
    s->acked = s->spooled = false;
    s->order = ++d->n_orders;
    s->since_ns = since_ns;
    TAILQ_INSERT_TAIL(&d->ready, s, link);
    d->n_used++;
}

void delivery_await_space(struct delivery *d, bool *told)
{
    delivery_wake_thread(d);
    if (*told || !d->conf.on_wait) {
        delivery_wait(d, &d->space, d->deadline_ns);
        return;
    }
    /* Other outputs have alerts that nobody has told them of yet. */
    *told = true;
    (void)pthread_mutex_unlock(&d->lock);
    d->conf.on_wait(d->conf.wait_ctx);
    (void)pthread_mutex_lock(&d->lock);
}

void delivery_count_dropped(struct delivery *d, uint64_t n)
{
    uint64_t now = clock_ns();

    d->stats.dropped += n;
    if (!n || (d->dropped_told_ns && now - d->dropped_told_ns < DROPPED_EVERY_NS))
        return;
    d->dropped_told_ns = now;
    log_error(NULL, "output '%s' has no room for more alerts: %llu dropped so far", d->conf.name,
              (unsigned long long)d->stats.dropped);
}

/* @pre locked. @param own of the delivery, for which nobody waits. */
static int offer_memory(struct delivery *d, struct alert *a, bool own)
{
    bool told = false;
    struct slot *s;

    while (!(s = delivery_take_slot(d)) && !own && d->conf.wait && !delivery_past_waiting(d))
        delivery_await_space(d, &told);
    if (!s || d->has_ended || (d->closed && !own)) {
        if (s)
            TAILQ_INSERT_TAIL(&d->free, s, link);
        delivery_count_dropped(d, 1);
        return -ENOSPC;
    }
    delivery_enqueue(d, s, alert_ref(a), clock_ns());
    d->stats.accepted++;
    return 0;
}

/* @pre locked */
static int offer(struct delivery *d, struct alert *a, uint32_t crc, bool own)
{
    int r = d->conf.spool.dir ? spooling_offer(d, a, crc, !own) : 1;

    return r > 0 ? offer_memory(d, a, own) : r;
}

void delivery_close_windows(struct delivery *d, uint64_t ts_ns)
{
    struct alert *a;

    while (d->noise && d->n_used < d->conf.capacity && (a = noise_close(d->noise, ts_ns))) {
        (void)offer(d, a, d->conf.spool.dir ? spool_crc(a) : 0, true);
        alert_unref(a);
    }
}

static void count_suppressed(struct delivery *d)
{
    uint64_t now = clock_ns();

    d->stats.suppressed++;
    if (now - d->suppressed_told_ns < SUPPRESSED_EVERY_NS && d->suppressed_told_ns)
        return;
    if (d->suppressed_told_ns)
        log_notice(NULL, "output '%s': %llu alerts suppressed (%llu in all)", d->conf.name,
                   (unsigned long long)(d->stats.suppressed - d->suppressed_told),
                   (unsigned long long)d->stats.suppressed);
    d->suppressed_told = d->suppressed_told_ns ? d->stats.suppressed : 0;
    d->suppressed_told_ns = now;
}

int delivery_offer(struct delivery *d, struct alert *a)
{
    uint32_t crc = d->conf.spool.dir ? spool_crc(a) : 0;
    int r = 0;

    (void)pthread_mutex_lock(&d->lock);
    delivery_close_windows(d, a->a.ts_ns);
    if (!d->noise || noise_passes(d->noise, a))
        r = offer(d, a, crc, false);
    else
        count_suppressed(d);
    (void)pthread_mutex_unlock(&d->lock);
    return r;
}

void delivery_wake(struct delivery *d)
{
    (void)pthread_mutex_lock(&d->lock);
    delivery_wake_thread(d);
    (void)pthread_mutex_unlock(&d->lock);
}

void delivery_ack(struct delivery *d, uint64_t token, uint32_t verdict, uint64_t retry_after_ns)
{
    struct gyr_verdict v = {.verdict = verdict, .retry_after_ns = retry_after_ns};
    uint32_t i = (uint32_t)token;
    struct slot *s;

    if (verdict > GYR_V_FAILED)
        return;
    (void)pthread_mutex_lock(&d->lock);
    s = i < d->n_fresh ? &d->slots[i] : NULL;
    if (s && s->view.token == token && s->state == SLOT_LATER) {
        TAILQ_REMOVE(&d->later, s, link);
        delivery_settle_ack(d, s, &v);
        (void)pthread_cond_signal(&d->work);
    } else if (s && s->view.token == token && s->state == SLOT_OFFERED) {
        s->acked = true;
        s->ack = v;
    }
    (void)pthread_mutex_unlock(&d->lock);
}

/* @pre locked */
static int change_noise(struct delivery *d, const struct noise_conf *conf)
{
    if (d->noise && !noise_keeps_windows(d->noise, conf))
        delivery_close_windows(d, UINT64_MAX);
    d->conf.noise = *conf;
    if (d->noise && !noise_is_wanted(conf) && !noise_is_open(d->noise)) {
        noise_free(d->noise);
        d->noise = NULL;
    } else if (d->noise) { /* windows that found no room in the queue close in their time */
        noise_change(d->noise, conf);
    } else if (noise_is_wanted(conf)) {
        d->noise = noise_new(conf);
        return d->noise ? 0 : -ENOMEM;
    }
    return 0;
}

int delivery_change(struct delivery *d, const struct delivery_conf *conf)
{
    int r;

    (void)pthread_mutex_lock(&d->lock);
    r = change_noise(d, &conf->noise);
    set_retries(d, conf);
    d->conf.digest = conf->digest;
    d->conf.wait = conf->wait;
    (void)pthread_cond_signal(&d->work);
    (void)pthread_cond_broadcast(&d->space);
    (void)pthread_mutex_unlock(&d->lock);
    return r;
}

void delivery_reopen(struct delivery *d)
{
    (void)pthread_mutex_lock(&d->lock);
    d->reopen = true;
    (void)pthread_cond_signal(&d->work);
    (void)pthread_mutex_unlock(&d->lock);
}

void delivery_end_by(struct delivery *d, uint64_t deadline_ns)
{
    (void)pthread_mutex_lock(&d->lock);
    d->deadline_ns = deadline_ns;
    (void)pthread_cond_signal(&d->work);
    (void)pthread_cond_broadcast(&d->space);
    (void)pthread_mutex_unlock(&d->lock);
}

void delivery_finish(struct delivery *d, uint64_t idle_ns)
{
    (void)pthread_mutex_lock(&d->lock);
    d->finishing = true;
    d->idle_ns = idle_ns;
    d->progress_ns = clock_ns();
    (void)pthread_cond_signal(&d->work);
    (void)pthread_mutex_unlock(&d->lock);
}

uint64_t delivery_limit(const struct delivery *d)
{
    uint64_t idle = d->finishing && d->idle_ns < UINT64_MAX - d->progress_ns
                        ? d->progress_ns + d->idle_ns
                        : UINT64_MAX;

    return idle < d->deadline_ns ? idle : d->deadline_ns;
}

uint64_t delivery_left(struct delivery *d)
{
    uint64_t limit, now = clock_ns();
    bool ended;

    (void)pthread_mutex_lock(&d->lock);
    limit = delivery_limit(d);
    ended = d->has_ended || !d->started;
    (void)pthread_mutex_unlock(&d->lock);
    return ended || limit <= now ? 0 : limit - now;
}

int delivery_join(struct delivery *d)
{
    uint64_t limit, grace = UINT64_MAX;
    bool ended;

    if (!d->started)
        return 0;
    (void)pthread_mutex_lock(&d->lock);
    while (!d->has_ended && clock_ns() < grace) {
        limit = delivery_limit(d);
        if (grace == UINT64_MAX && clock_ns() >= limit) {
            /* Its time is up and it sits in a call of the plugin. */
            (void)pthread_mutex_unlock(&d->lock);
            if (d->conf.ops->wake)
                d->conf.ops->wake(d->self);
            (void)pthread_mutex_lock(&d->lock);
            grace = clock_ns() + JOIN_GRACE_NS;
        }
        if (!d->has_ended)
            delivery_wait(d, &d->ended, grace < UINT64_MAX ? grace : limit);
    }
    ended = d->has_ended;
    (void)pthread_mutex_unlock(&d->lock);
    d->started = false;
    if (!ended) {
        log_error(NULL, "output '%s' hangs and is left behind", d->conf.name);
        (void)pthread_detach(d->thread);
        return -ETIMEDOUT;
    }
    (void)pthread_join(d->thread, NULL);
    return 0;
}

void delivery_stats(struct delivery *d, struct delivery_stats *ret)
{
    uint64_t oldest = UINT64_MAX, now = clock_ns();

    (void)pthread_mutex_lock(&d->lock);
    *ret = d->stats;
    ret->queued = d->n_used - d->n_spooled + (d->spool ? spool_left(d->spool) : 0);
    for (uint32_t i = 0; d->n_used && i < d->n_fresh; i++)
        if (d->slots[i].alert && d->slots[i].since_ns < oldest)
            oldest = d->slots[i].since_ns;
    ret->oldest_ns = oldest < now ? now - oldest : 0;
    (void)pthread_mutex_unlock(&d->lock);
}
