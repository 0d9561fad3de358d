/* SPDX-License-Identifier: Apache-2.0 */
/* What the main thread asks of a source, between two batches: the main thread's side. */
#include "pipeline/source.h"

#include <stdio.h>
#include <time.h>

void source_post(struct source *s, enum source_ask what)
{
    (void)pthread_mutex_lock(&s->lock);
    atomic_store_explicit(&s->ask, what, memory_order_release);
    (void)pthread_mutex_unlock(&s->lock);
    source_wake(s);
}

void source_post_failed_reload(struct source *s, const char *why)
{
    (void)pthread_mutex_lock(&s->lock);
    (void)snprintf(s->reload_error, sizeof(s->reload_error), "%s", why);
    (void)pthread_mutex_unlock(&s->lock);
    atomic_store(&s->reload_failed, true);
    source_wake(s);
}

/* @return whether it has answered: on its thread, or here when that one does not run. */
static bool settle(struct source *s, int *ret, struct gyr_error *err)
{
    int ask;

    (void)pthread_mutex_lock(&s->lock);
    ask = atomic_load(&s->ask);
    if (ask == ASK_NOTHING) {
        *ret = s->answer;
        *err = s->answer_err;
        s->answer = 0; /* told once */
    }
    if (ask == ASK_NOTHING || s->state == SOURCE_RUNNING) {
        (void)pthread_mutex_unlock(&s->lock);
        return ask == ASK_NOTHING;
    }
    atomic_store(&s->ask, ASK_NOTHING);
    (void)pthread_mutex_unlock(&s->lock);
    *ret = source_answer(s, (enum source_ask)ask, false, err);
    return true;
}

bool source_await(struct source *s, uint64_t until_ns, int *ret, struct gyr_error *err)
{
    struct timespec ts = {.tv_sec = (time_t)(until_ns / 1000000000),
                          .tv_nsec = (long)(until_ns % 1000000000)};
    int r = 0;

    (void)pthread_mutex_lock(&s->lock);
    while (r == 0 && s->state == SOURCE_RUNNING && atomic_load(&s->ask) != ASK_NOTHING)
        r = pthread_cond_timedwait(&s->answered, &s->lock, &ts);
    (void)pthread_mutex_unlock(&s->lock);
    return settle(s, ret, err);
}

bool source_withdraw(struct source *s, enum source_ask what)
{
    int ask = (int)what;

    return atomic_compare_exchange_strong(&s->ask, &ask, ASK_NOTHING);
}
