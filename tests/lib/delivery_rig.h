/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file delivery_rig.h
 * @brief An output that does whatever a test wants, and a delivery to it. Included behind cmocka.h.
 */
#ifndef TESTS_DELIVERY_RIG_H
#define TESTS_DELIVERY_RIG_H

#include "alert/delivery.h"

#include <errno.h>
#include <gyr/util.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

enum { MS = 1000000, LOG_MAX = 4096 };

/* ---- the output ---- */

struct fake {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    uint64_t got[LOG_MAX]; /* numbers of the alerts accepted, in order */
    uint64_t times[LOG_MAX];
    uint64_t tokens[LOG_MAX]; /* of those answered with "later" */
    uint32_t n, n_tokens, offers, flushed, reopened;
    uint32_t attempt_max;
    bool closed; /* write() waits until it is opened */
    bool deaf;   /* and wake() does not help */
    /* what to answer */
    uint32_t verdict, retry_first; /* so many offers are answered with retry first */
    uint64_t retry_after, poison;  /* this alert is always to be retried */
    uint32_t at_most;              /* 0: of an offer, take so many and put the others off */
    bool fail;                     /* answer negative */
    struct delivery *ack_in_flush; /* whose alerts are acknowledged only then */
};

static inline void fake_init(struct fake *f)
{
    *f = (struct fake){0};
    (void)pthread_mutex_init(&f->lock, NULL);
    (void)pthread_cond_init(&f->cond, NULL);
}

static inline void accept_alert(struct fake *f, const struct gyr_alert *a)
{
    f->times[f->n] = clock_ns();
    f->got[f->n++] = a->num;
    if (a->attempt > f->attempt_max)
        f->attempt_max = a->attempt;
}

static inline int fake_write(void *self, const struct gyr_alert *const *alerts, uint32_t n,
                             struct gyr_verdict *v, struct gyr_error *err)
{
    struct fake *f = self;
    int r = 0;

    (void)pthread_mutex_lock(&f->lock);
    f->offers++;
    while (f->closed)
        (void)pthread_cond_wait(&f->cond, &f->lock);
    if (f->fail)
        r = gyr_fail(err, -ECONNREFUSED, "nobody there");
    for (uint32_t i = 0; i < n && !f->fail; i++) {
        v[i].verdict =
            f->retry_first || alerts[i]->num == f->poison || (f->at_most && i >= f->at_most)
                ? GYR_V_RETRY
                : f->verdict;
        v[i].retry_after_ns = f->retry_after;
        if (v[i].verdict == GYR_V_ACCEPTED)
            accept_alert(f, alerts[i]);
        else if (v[i].verdict == GYR_V_LATER)
            f->tokens[f->n_tokens++] = alerts[i]->token;
    }
    if (f->retry_first)
        f->retry_first--;
    (void)pthread_mutex_unlock(&f->lock);
    return r;
}

static inline void fake_open(struct fake *f)
{
    (void)pthread_mutex_lock(&f->lock);
    f->closed = false;
    (void)pthread_cond_broadcast(&f->cond);
    (void)pthread_mutex_unlock(&f->lock);
}

static inline void fake_wake(void *self)
{
    struct fake *f = self;

    if (!f->deaf)
        fake_open(f);
}

static inline int fake_flush(void *self, uint32_t timeout_ms, struct gyr_error *err)
{
    struct fake *f = self;

    (void)timeout_ms;
    (void)err;
    f->flushed++;
    for (uint32_t i = 0; f->ack_in_flush && i < f->n_tokens; i++)
        delivery_ack(f->ack_in_flush, f->tokens[i], GYR_V_ACCEPTED, 0);
    return 0;
}

static inline int fake_reopen(void *self, struct gyr_error *err)
{
    struct fake *f = self;

    (void)err;
    (void)pthread_mutex_lock(&f->lock);
    f->reopened++;
    (void)pthread_mutex_unlock(&f->lock);
    return 0;
}

static const struct gyr_output_ops ops = {.size = sizeof(ops),
                                          .write = fake_write,
                                          .flush = fake_flush,
                                          .reopen = fake_reopen,
                                          .wake = fake_wake};

/* ---- the other side ---- */

static inline struct alert *an_alert(uint64_t num)
{
    struct alert *a = calloc(1, sizeof(*a));

    assert_non_null(a);
    a->a = (struct gyr_alert){.size = sizeof(a->a), .num = num, .rule = "rule"};
    atomic_init(&a->refs, 1);
    return a;
}

static inline struct delivery *start_digest(struct fake *f, uint32_t capacity, bool wait,
                                            struct digest_conf digest)
{
    struct delivery_conf conf = {.name = "fake",
                                 .ops = &ops,
                                 .capacity = capacity,
                                 .wait = wait,
                                 .notify_fd = -1,
                                 .backoff_min_ns = 2 * MS,
                                 .backoff_max_ns = 16 * MS,
                                 .digest = digest};
    struct delivery *d;

    assert_int_equal(delivery_new(&conf, &d), 0);
    assert_int_equal(delivery_start(d, f), 0);
    return d;
}

static inline struct delivery *start(struct fake *f, uint32_t capacity, bool wait)
{
    return start_digest(f, capacity, wait, (struct digest_conf){0});
}

static inline int offer(struct delivery *d, uint64_t num)
{
    struct alert *a = an_alert(num);
    int r = delivery_offer(d, a);

    delivery_wake(d);
    alert_unref(a);
    return r;
}

static inline void offer_all(struct delivery *d, uint64_t n)
{
    for (uint64_t i = 1; i <= n; i++)
        assert_int_equal(offer(d, i), 0);
}

static inline struct delivery_stats stats(struct delivery *d)
{
    struct delivery_stats s;

    delivery_stats(d, &s);
    return s;
}

static inline struct delivery_stats end(struct delivery *d, uint64_t idle_ms)
{
    struct delivery_stats s;

    delivery_finish(d, idle_ms * MS);
    assert_int_equal(delivery_join(d), 0);
    s = stats(d);
    assert_int_equal(s.queued, 0);
    return s;
}

/* Bounded: a test that waits for what never comes fails. */
static inline void wait_until(const uint32_t *what, struct fake *f, uint32_t n)
{
    for (int i = 0; i < 5000; i++) {
        uint32_t v;

        (void)pthread_mutex_lock(&f->lock);
        v = *what;
        (void)pthread_mutex_unlock(&f->lock);
        if (v >= n)
            return;
        (void)usleep(1000);
    }
    fail_msg("waited in vain for %u", n);
}

#endif /* TESTS_DELIVERY_RIG_H */
