/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/delivery_priv.h"
#include "base/log.h"
#include "base/sentence.h"

#include <time.h>
#include <unistd.h>

enum { OFFER_MAX = 64, TELL_EVERY_S = 10, FLUSH_MS = 1000 };
static const uint64_t RETRY_AFTER_MAX_NS = 3600ull * 1000000000; /* a far side may ask for more */

/* Windows of a live source end by the clock when no alert comes: then, and looked at so often. */
static const uint64_t LATE_NS = 2000000000, CLOSE_EVERY_NS = 1000000000;

static uint64_t realtime_ns(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_REALTIME, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static uint64_t next_random(struct delivery *d)
{
    d->random ^= d->random << 13;
    d->random ^= d->random >> 7;
    d->random ^= d->random << 17;
    return d->random;
}

/* How long to wait before attempt number n + 1: doubling, spread over half of it, so that many
 * senders do not come back at the same moment. */
static uint64_t backoff(struct delivery *d, uint32_t n, uint64_t retry_after_ns)
{
    uint64_t b = d->conf.backoff_min_ns, max = d->conf.backoff_max_ns;

    if (retry_after_ns)
        return retry_after_ns < RETRY_AFTER_MAX_NS ? retry_after_ns : RETRY_AFTER_MAX_NS;
    while (n-- > 1 && b < max)
        b *= 2;
    if (b > max)
        b = max;
    return b / 2 + next_random(d) % (b / 2 + 1);
}

static void free_slot(struct delivery *d, struct slot *s)
{
    alert_unref(s->alert);
    s->alert = NULL;
    if (s->spooled) {
        d->n_spooled--;
        spool_ack(d->spool, s->ticket);
        keeper_wake(d);
    }
    s->spooled = false;
    s->state = SLOT_FREE;
    TAILQ_INSERT_HEAD(&d->free, s, link);
    d->n_used--;
    (void)pthread_cond_signal(&d->space);
}

/* One line now and then, not one for each alert. */
static bool may_tell(struct delivery *d)
{
    uint64_t now = clock_ns();

    if (d->told_ns && now - d->told_ns < TELL_EVERY_S * 1000000000ull)
        return false;
    d->told_ns = now;
    return true;
}

/* The file is written by the thread, without the lock. */
static void to_dead(struct delivery *d, struct slot *s, enum dead_why why)
{
    s->state = SLOT_DEAD;
    s->why = why;
    TAILQ_INSERT_TAIL(&d->dead, s, link);
}

static bool is_overdue(const struct delivery *d, const struct slot *s, uint64_t now)
{
    return d->conf.give_up_ns && now - s->since_ns >= d->conf.give_up_ns;
}

static void bury_overdue(struct delivery *d, struct slot *s)
{
    d->stats.failed++;
    if (may_tell(d))
        log_error(NULL, "output '%s' put off an alert of rule '%s' for too long (%llu given up)",
                  d->conf.name, s->view.rule, (unsigned long long)d->stats.failed);
    to_dead(d, s, DEAD_PUT_OFF);
}

static void settle(struct delivery *d, struct slot *s, const struct gyr_verdict *v)
{
    uint64_t now = clock_ns();

    if (v->verdict != GYR_V_RETRY && s->order > d->taken)
        d->taken = s->order;
    switch (v->verdict) {
    case GYR_V_ACCEPTED:
        d->stats.delivered++;
        latency_add(&d->stats.latency, now - s->since_ns);
        d->progress_ns = now;
        free_slot(d, s);
        break;
    case GYR_V_FAILED:
        d->stats.failed++;
        d->progress_ns = now;
        if (may_tell(d))
            log_error(NULL, "output '%s' refused an alert of rule '%s' for good (%llu so far)",
                      d->conf.name, s->view.rule, (unsigned long long)d->stats.failed);
        to_dead(d, s, DEAD_REFUSED);
        break;
    default:
        d->stats.retried++;
        if (is_overdue(d, s, now)) {
            bury_overdue(d, s);
            break;
        }
        s->state = SLOT_DELAYED;
        s->due_ns = now + backoff(d, s->view.attempt, v->retry_after_ns);
        TAILQ_INSERT_TAIL(&d->delayed, s, link);
    }
}

/* The output as a whole takes nothing before. */
static void rest(struct delivery *d, uint64_t until_ns)
{
    if (until_ns > d->pause_until_ns)
        d->pause_until_ns = until_ns;
}

void delivery_settle_ack(struct delivery *d, struct slot *s, const struct gyr_verdict *v)
{
    settle(d, s, v);
    if (s->state != SLOT_DELAYED || s->order < d->taken)
        return;
    /* Nothing behind it was taken: nothing shall pass it. Of several that come back together the
     * first says when. */
    if (v->retry_after_ns == 0 && d->pause_until_ns > clock_ns())
        s->due_ns = d->pause_until_ns;
    rest(d, s->due_ns);
}

/* In front of what came later. */
static void make_ready(struct delivery *d, struct slot *s)
{
    struct slot *at = TAILQ_FIRST(&d->ready);

    while (at && at->order < s->order)
        at = TAILQ_NEXT(at, link);
    s->state = SLOT_READY;
    if (at)
        TAILQ_INSERT_BEFORE(at, s, link);
    else
        TAILQ_INSERT_TAIL(&d->ready, s, link);
}

/* @return when the next is due again. */
static uint64_t promote(struct delivery *d, uint64_t now)
{
    struct slot *s, *prev;
    uint64_t next = UINT64_MAX;

    for (s = TAILQ_LAST(&d->delayed, slot_list); s; s = prev) {
        prev = TAILQ_PREV(s, slot_list, link);
        if (s->due_ns <= now) {
            TAILQ_REMOVE(&d->delayed, s, link);
            make_ready(d, s);
        } else if (s->due_ns < next) {
            next = s->due_ns;
        }
    }
    return next;
}

static void tell_outage(struct delivery *d, const char *why)
{
    if (!d->outage_since_ns)
        d->outage_since_ns = clock_ns();
    if (may_tell(d))
        log_warning(NULL, "output '%s' takes no alerts%s%s; %u wait", d->conf.name,
                    *why ? ": " : "", why, d->n_used);
}

static void tell_recovery(struct delivery *d)
{
    if (d->outage_since_ns && d->told_ns >= d->outage_since_ns)
        log_notice(NULL, "output '%s' takes alerts again after %.1f s", d->conf.name,
                   (double)(clock_ns() - d->outage_since_ns) / 1e9);
    d->outage_since_ns = 0;
}

/* @pre locked: the answers to one offer. */
static void apply(struct delivery *d, struct slot **offer, const struct gyr_verdict *v, uint32_t n,
                  const char *why)
{
    uint32_t taken = 0, cut = 0; /* from cut on all were put off: they go again, in order */
    uint64_t after = 0, now = clock_ns();

    for (uint32_t i = 0; i < n; i++) {
        taken += v[i].verdict != GYR_V_RETRY;
        cut = v[i].verdict != GYR_V_RETRY ? i + 1 : cut;
        if (v[i].verdict == GYR_V_RETRY && v[i].retry_after_ns > after)
            after = v[i].retry_after_ns;
    }
    (void)snprintf(d->reason, sizeof(d->reason), "%.255s", why);
    if (cut < n)
        rest(d, now + backoff(d, taken ? 1 : d->streak + 1, after));
    if (taken) {
        d->streak = 0;
        tell_recovery(d);
        if (*why && may_tell(d))
            log_error(NULL, "output '%s': %s", d->conf.name, why);
    } else {
        /* Nothing got through: the far side is down or full, and rests as a whole. */
        d->streak++;
        tell_outage(d, why);
    }
    for (uint32_t i = n; i-- > 0;) {
        struct slot *s = offer[i];

        if (v[i].verdict == GYR_V_LATER && !s->acked) {
            s->state = SLOT_LATER;
            TAILQ_INSERT_HEAD(&d->later, s, link);
        } else if (v[i].verdict == GYR_V_LATER) {
            delivery_settle_ack(d, s, &s->ack);
        } else if (i >= cut && !is_overdue(d, s, now)) {
            d->stats.retried++;
            s->state = SLOT_READY;
            TAILQ_INSERT_HEAD(&d->ready, s, link);
        } else {
            settle(d, s, &v[i]);
        }
    }
}

/* @pre locked, ready is not empty. @return when the next offer may be made. */
static uint64_t offer_due(const struct delivery *d)
{
    const struct slot *first = TAILQ_FIRST(&d->ready), *s = first;
    uint64_t due = 0;
    uint32_t n = 0;

    if (d->conf.digest.wait_ns && !d->finishing && d->deadline_ns == UINT64_MAX) {
        for (; s && n < d->conf.digest.alerts; s = TAILQ_NEXT(s, link))
            n++;
        if (n < d->conf.digest.alerts && d->n_used < d->conf.capacity)
            due = first->since_ns + d->conf.digest.wait_ns;
    }
    return due > d->pause_until_ns ? due : d->pause_until_ns;
}

/* @pre locked, ready is not empty. The lock is open while the output works. */
static void offer_batch(struct delivery *d)
{
    uint32_t n = 0, most = d->conf.digest.wait_ns ? d->conf.digest.alerts : OFFER_MAX;
    const struct gyr_alert *alerts[DIGEST_MAX];
    struct slot *offer[DIGEST_MAX], *s;
    struct gyr_verdict v[DIGEST_MAX];
    struct gyr_error err = {0};
    int r;

    while (n < most && (s = TAILQ_FIRST(&d->ready))) {
        TAILQ_REMOVE(&d->ready, s, link);
        s->state = SLOT_OFFERED;
        s->acked = false;
        s->view.attempt++;
        alerts[n] = &s->view;
        v[n] = (struct gyr_verdict){.verdict = GYR_V_RETRY};
        offer[n++] = s;
    }
    (void)pthread_mutex_unlock(&d->lock);
    r = d->conf.ops->write(d->self, alerts, n, v, &err);
    (void)pthread_mutex_lock(&d->lock);
    sentence_end(&err);
    for (uint32_t i = 0; i < n; i++)
        if (v[i].verdict > GYR_V_LATER ||
            (r < 0 && v[i].verdict != GYR_V_ACCEPTED && v[i].verdict != GYR_V_FAILED))
            v[i].verdict = GYR_V_RETRY;
    apply(d, offer, v, n, err.msg);
}

/* @pre locked; open while the file is written. */
static void bury(struct delivery *d)
{
    static const char *const words[] = {[DEAD_REFUSED] = "refused for good",
                                        [DEAD_PUT_OFF] = "put off for too long",
                                        [DEAD_AT_END] = "not delivered before the end"};
    struct gyr_error err = {0};
    char reason[320];
    struct slot *s;
    int r = 0;

    while ((s = TAILQ_FIRST(&d->dead))) {
        TAILQ_REMOVE(&d->dead, s, link);
        if (d->conf.dead_letters) {
            (void)snprintf(reason, sizeof(reason), "%s%s%s", words[s->why], *d->reason ? ": " : "",
                           d->reason);
            (void)pthread_mutex_unlock(&d->lock);
            r = dead_letters_add(&d->letters, &s->view, reason, &err);
            (void)pthread_mutex_lock(&d->lock);
            d->stats.kept += r == 0;
            if (r < 0 && may_tell(d))
                log_error(NULL, "output '%s' cannot keep its dead letters: %s", d->conf.name,
                          err.msg);
        }
        free_slot(d, s);
    }
}

static void reopen(struct delivery *d)
{
    struct gyr_error err = {0};
    int r = 0;

    d->reopen = false;
    (void)pthread_mutex_unlock(&d->lock);
    if (d->conf.ops->reopen)
        r = d->conf.ops->reopen(d->self, &err);
    if (r < 0)
        log_error(NULL, "output '%s' could not open its file anew: %s", d->conf.name,
                  sentence_of(&err, "reopen()"));
    (void)pthread_mutex_lock(&d->lock);
}

/* It is not acknowledged, and the next run sends it. */
static bool leave_spooled(struct delivery *d, struct slot *s)
{
    if (!s->spooled)
        return false;
    s->spooled = false;
    d->n_spooled--;
    return true;
}

static bool windows_open(const struct delivery *d)
{
    return d->noise && noise_is_open(d->noise);
}

/* @pre locked: what is left when the time is up. An alert that was answered with "later" keeps its
 * memory until delivery_free(), when the output is gone. */
static uint64_t give_up_slots(struct delivery *d)
{
    struct slot_list *lists[] = {&d->ready, &d->delayed};
    struct slot *s;
    uint64_t n = 0;

    for (unsigned i = 0; i < 2; i++)
        while ((s = TAILQ_FIRST(lists[i]))) {
            TAILQ_REMOVE(lists[i], s, link);
            if (leave_spooled(d, s))
                free_slot(d, s);
            else
                to_dead(d, s, DEAD_AT_END);
            n += s->state == SLOT_DEAD;
        }
    while ((s = TAILQ_FIRST(&d->later))) {
        TAILQ_REMOVE(&d->later, s, link);
        s->state = SLOT_FREE;
        d->n_used--;
        n += !leave_spooled(d, s);
    }
    return n;
}

static void give_up(struct delivery *d)
{
    uint64_t n = 0, left;

    d->closed = true;
    do {
        delivery_close_windows(d, UINT64_MAX);
        n += give_up_slots(d);
        bury(d);
    } while (windows_open(d) || !TAILQ_EMPTY(&d->ready));
    d->stats.dropped += n;
    if (n)
        log_error(NULL, "output '%s': %llu alerts could not be delivered before the end",
                  d->conf.name, (unsigned long long)n);
    left = d->spool ? spool_left(d->spool) : 0;
    if (left)
        log_warning(NULL, "output '%s': %llu alerts stay in the spool for the next run",
                    d->conf.name, (unsigned long long)left);
}

static bool must_end(const struct delivery *d, uint64_t now)
{
    return (d->finishing && d->n_used == 0 && !windows_open(d) &&
            !(d->spool && spool_is_unread(d->spool))) ||
           now >= delivery_limit(d);
}

void *delivery_main(void *arg)
{
    struct delivery *d = arg;
    struct gyr_error err = {0};
    uint64_t one = 1;

    (void)pthread_mutex_lock(&d->lock);
    for (;;) {
        uint64_t now = clock_ns(), next = promote(d, now), due = UINT64_MAX, limit;

        if (d->finishing) {
            delivery_close_windows(d, UINT64_MAX);
        } else if (d->conf.live && windows_open(d)) {
            delivery_close_windows(d, realtime_ns() - LATE_NS);
            next = now + CLOSE_EVERY_NS < next ? now + CLOSE_EVERY_NS : next;
        }
        if (must_end(d, now))
            break;
        if (TAILQ_EMPTY(&d->ready) || d->conf.digest.wait_ns)
            spooling_fetch(d);
        if (d->conf.spool.fsync == SPOOL_FSYNC_ALWAYS)
            spooling_sync(d);
        if (d->spool)
            spool_note_acks(d->spool);
        if (!TAILQ_EMPTY(&d->ready))
            due = offer_due(d);
        if (!TAILQ_EMPTY(&d->dead)) {
            bury(d);
        } else if (d->reopen) {
            reopen(d);
        } else if (now >= due) {
            offer_batch(d);
        } else {
            next = due < next ? due : next;
            limit = delivery_limit(d);
            /* more of what must rest is no news */
            d->asleep = TAILQ_EMPTY(&d->ready) || now >= d->pause_until_ns;
            delivery_wait(d, &d->work, next < limit ? next : limit);
            d->asleep = false;
        }
    }
    (void)pthread_mutex_unlock(&d->lock);
    if (d->conf.ops->flush && d->conf.ops->flush(d->self, FLUSH_MS, &err) < 0)
        log_error(NULL, "output '%s' could not flush: %s", d->conf.name,
                  sentence_of(&err, "flush()"));
    (void)pthread_mutex_lock(&d->lock);
    give_up(d);
    keeper_stop(d);
    spooling_sync(d);
    d->has_ended = true;
    (void)pthread_cond_broadcast(&d->space);
    (void)pthread_cond_broadcast(&d->ended);
    if (d->conf.notify_fd >= 0)
        (void)!write(d->conf.notify_fd, &one, sizeof(one));
    (void)pthread_mutex_unlock(&d->lock);
    return NULL;
}
