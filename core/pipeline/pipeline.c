/* SPDX-License-Identifier: Apache-2.0 */
/* A pipeline's life after its start: restarts, end. */
#include "pipeline/pipeline_priv.h"

#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const uint64_t RESTART_MIN_NS = 250000000, RESTART_MAX_NS = 30000000000,
                      SOURCE_PATIENCE_NS = 8000000000, LOOK_NS = 10000000000;

/* ---- end of parts ---- */

static void stop_enrichers(struct source *s)
{
    for (uint32_t i = s->n_enrichers; i-- > 0;)
        instance_stop(s->enrichers[i].inst);
}

uint64_t pipeline_flush(struct pipeline *p)
{
    uint64_t wait = 0, left_behind, n;

    (void)!read(p->notify_fd, &n, sizeof(n));
    if (!p->flushing)
        change_conclude(p); /* no source runs any more */
    for (uint32_t i = 0; i < p->n_sinks; i++) {
        uint64_t left;

        if (!p->flushing)
            delivery_finish(p->sinks[i].delivery, OUTPUT_PATIENCE_NS);
        left = delivery_left(p->sinks[i].delivery);
        wait = left > wait ? left : wait;
    }
    p->flushing = true;
    left_behind = retired_left(p);
    return left_behind > wait ? left_behind : wait;
}

int pipeline_fd(const struct pipeline *p)
{
    return p->notify_fd;
}

/* ---- sources that end ---- */

static enum source_state state_of(struct source *s)
{
    enum source_state st;

    (void)pthread_mutex_lock(&s->lock);
    st = s->state;
    (void)pthread_mutex_unlock(&s->lock);
    return st;
}

static uint64_t restart_wait(uint32_t failures)
{
    uint64_t w = RESTART_MIN_NS;

    while (failures-- > 1 && w < RESTART_MAX_NS)
        w *= 2;
    return w < RESTART_MAX_NS ? w : RESTART_MAX_NS;
}

static void rest(struct source *s, uint64_t now)
{
    s->restart_ns = now + restart_wait(s->failures);
    s->state = SOURCE_RESTING;
    log_notice(NULL, "source '%s' is started again in %.2f s", s->name,
               (double)(s->restart_ns - now) / 1e9);
}

static void reap(struct source *s, uint64_t now)
{
    (void)pthread_join(s->thread, NULL);
    source_close(s);
    if (s->final)
        s->state = SOURCE_DONE;
    else
        rest(s, now);
}

static void restart(struct source *s, uint64_t now)
{
    struct gyr_error err = {0};
    int r = source_open(s, &err);

    s->restarts++;
    if (r == 0)
        r = source_run(s, &err);
    if (r == 0)
        return;
    source_close(s);
    s->failed = ++s->failures >= SOURCE_FAILURES_MAX;
    source_failed(s, err.msg);
    if (!s->failed) {
        rest(s, now);
        return;
    }
    s->state = SOURCE_DONE;
    source_drain(s);
}

/* @return nanoseconds until it is to be started; UINT64_MAX: it rests no more. */
static uint64_t see_to_resting(struct pipeline *p, struct source *s, uint64_t now)
{
    if (p->stopping) {
        source_drain(s);
        s->state = SOURCE_DONE;
        return UINT64_MAX;
    }
    if (now >= s->restart_ns)
        restart(s, now);
    if (state_of(s) != SOURCE_RESTING)
        return UINT64_MAX;
    return s->restart_ns > now ? s->restart_ns - now : 0;
}

static void tell_late(struct source *s, uint64_t busy, bool asked)
{
    if (asked)
        log_error(NULL,
                  "source '%s': the plugin '%s' hangs in next_batch(): it has not come back for "
                  "%.0f s, and was to wait 1 s at most",
                  s->name, s->plugin->desc.name, (double)busy / 1e9);
    else
        log_error(NULL, "source '%s' hangs in a call for an event: it has not come back for %.0f s",
                  s->name, (double)busy / 1e9);
}

/* A plugin that does not come back: told while it runs, left behind when all shall end. Who waits
 * for an output does not hang.
 * @return nanoseconds until it is to be looked at again. */
static uint64_t see_to_late(const struct pipeline *p, struct source *s, uint64_t now)
{
    uint64_t asked = atomic_load_explicit(&s->asked_ns, memory_order_relaxed);
    uint64_t beat = atomic_load_explicit(&s->beat_ns, memory_order_relaxed);
    uint64_t patience = p->first->stuck_after_ns, busy = now > beat ? now - beat : 0;
    uint64_t stopping = p->stopping && now > p->stop_ns ? now - p->stop_ns : 0;
    bool late =
        patience && busy >= patience && !atomic_load_explicit(&s->offers, memory_order_relaxed);

    if (stopping >= SOURCE_PATIENCE_NS) {
        log_error(NULL,
                  "source '%s': the plugin '%s' hangs in %s: it has not come back for %.0f s, and "
                  "is left behind",
                  s->name, s->plugin->desc.name, asked ? "next_batch()" : "a call for an event",
                  (double)stopping / 1e9);
        s->hangs = s->failed = true;
        return UINT64_MAX;
    }
    if (late && !s->told_late)
        tell_late(s, busy, asked);
    else if (!late && s->told_late)
        log_notice(NULL, "source '%s' gets on again", s->name);
    s->told_late = late;
    if (p->stopping)
        return SOURCE_PATIENCE_NS - stopping;
    return patience && patience < 2 * LOOK_NS ? patience / 2 : LOOK_NS;
}

bool pipeline_hangs(const struct pipeline *p)
{
    for (uint32_t i = 0; i < p->n_sources; i++)
        if (p->sources[i].hangs)
            return true;
    return false;
}

uint64_t pipeline_tick(struct pipeline *p)
{
    uint64_t now = clock_ns(), next = UINT64_MAX, left, n;

    (void)!read(p->notify_fd, &n, sizeof(n));
    for (uint32_t i = 0; i < p->n_sources; i++) {
        struct source *s = &p->sources[i];

        if (state_of(s) == SOURCE_ENDED)
            reap(s, now);
        if (state_of(s) == SOURCE_RESTING) {
            left = see_to_resting(p, s, now);
            next = left < next ? left : next;
        }
        if (state_of(s) == SOURCE_RUNNING && !s->hangs) {
            left = see_to_late(p, s, now);
            next = left < next ? left : next;
        }
        /* Half blind is not watching: whoever started us shall see that, and do so again. */
        if (s->is_live && !p->stopping && state_of(s) == SOURCE_DONE && s->failed)
            pipeline_stop(p);
    }
    change_tick(p);
    left = retired_tick(p);
    return left < next ? left : next;
}

bool pipeline_is_done(const struct pipeline *p)
{
    for (uint32_t i = 0; i < p->n_sources; i++) {
        enum source_state st = state_of(&p->sources[i]);

        if (st != SOURCE_DONE && st != SOURCE_IDLE && !p->sources[i].hangs)
            return false;
    }
    return true;
}

void pipeline_stop(struct pipeline *p)
{
    uint64_t one = 1;

    if (!p->stopping)
        p->stop_ns = clock_ns();
    p->stopping = true;
    for (uint32_t i = 0; i < p->n_sources; i++) {
        atomic_store(&p->sources[i].stop, true);
        source_wake(&p->sources[i]);
    }
    for (uint32_t i = 0; i < p->n_sinks; i++)
        delivery_end_by(p->sinks[i].delivery, clock_ns() + OUTPUT_PATIENCE_NS);
    change_end_by(p, clock_ns() + OUTPUT_PATIENCE_NS);
    (void)!write(p->notify_fd, &one, sizeof(one));
}

int pipeline_finish(struct pipeline *p)
{
    int r = 0;

    for (uint32_t i = 0; i < p->n_sources; i++) {
        struct source *s = &p->sources[i];

        if (s->failed)
            r = -EIO;
        if (s->hangs)
            continue;
        source_close(s);
        stop_enrichers(s);
    }
    (void)pipeline_flush(p);
    for (uint32_t i = 0; i < p->n_sinks; i++)
        sink_stop(&p->sinks[i]);
    retired_stop(p);
    return r;
}

void pipeline_reopen(struct pipeline *p)
{
    for (uint32_t i = 0; i < p->n_sinks; i++)
        delivery_reopen(p->sinks[i].delivery);
}

/* ---- the end ---- */

static void free_rules(struct source *s)
{
    for (uint32_t i = 0; i < s->rules.n; i++)
        free(s->rules.slots[i].value);
    map_free(&s->rules);
}

void source_free(struct source *s)
{
    if (!s->gen)
        return;
    if (s->park)
        park_flush(s->park);
    evaluator_unref(s->eval);
    evaluator_unref(s->next_eval);
    filters_free(s->filters);
    park_free(s->park);
    peers_free(&s->peers);
    corefields_free(s->core);
    for (uint32_t i = 0; i < s->n_enrichers; i++)
        instance_free(s->enrichers[i].inst);
    instance_free(s->inst);
    dispatch_free(&s->dispatch);
    emitq_free(&s->emitq);
    scratch_free(&s->scratch);
    alert_maker_free(&s->maker);
    free_rules(s);
    free(s->stamped);
    free(s->enrichers);
    free(s->providers);
    generation_unref(s->gen);
    (void)pthread_cond_destroy(&s->answered);
    (void)pthread_mutex_destroy(&s->lock);
    (void)pthread_mutex_destroy(&s->wake_lock);
}

int pipeline_run(struct pipeline *p, struct gyr_error *err)
{
    struct pollfd fd = {.fd = pipeline_fd(p), .events = POLLIN};
    int r = pipeline_start(p, err);

    if (r < 0)
        return r;
    while (!pipeline_is_done(p)) {
        (void)poll(&fd, 1, -1);
        (void)pipeline_tick(p);
    }
    r = pipeline_finish(p);
    return r < 0 ? gyr_fail(err, r, "its events could not be read to their end") : 0;
}

void pipeline_free(struct pipeline *p)
{
    bool hangs;

    if (!p || pipeline_hangs(p))
        return;
    retired_stop(p);
    hangs = p->any_hangs;
    for (uint32_t i = 0; i < p->n_sources; i++)
        source_free(&p->sources[i]);
    for (uint32_t i = 0; i < p->n_sinks; i++) {
        hangs = hangs || p->sinks[i].hangs;
        sink_free(&p->sinks[i]);
    }
    config_unref(p->config);
    free(p->routes);
    if (!hangs)
        (void)pthread_mutex_destroy(&p->routes_lock);
    free(p->source_plugins);
    free(p->enricher_plugins);
    free(p->sinks);
    free(p->sources);
    generation_unref(p->gen);
    if (!hangs && !p->borrows_schemas) /* what was left behind may still ask for them */
        schemas_free(&p->schemas);
    free(p->hostname);
    if (p->notify_fd >= 0)
        (void)close(p->notify_fd);
    free(p);
}
