/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/source.h"

#include "base/crash.h"
#include "base/log.h"
#include "base/sentence.h"
#include "event/event.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    BATCH = 512,
    WAIT_MAX_MS = 1000,
    BAD_IN_ROW_MAX = 1000, /* so many malformed records in a row are no accident */
    DRAIN_ROUNDS = 16      /* emitted events may make enrichers emit more */
};
static const uint64_t NS_S = 1000000000, NAP_NS = 2000000, DRAIN_NS = 2000000000;

/* ---- one event ---- */

static bool is_counted(const struct source *s, const struct gyr_event *ev)
{
    return !(ev->flags & (GYR_EVF_SNAPSHOT | GYR_EVF_INTERNAL)) && ev->type < GYR_EV_CORE_MIN &&
           !(schema_type(s->schema, ev->type)->flags & GYR_ETF_SNAPSHOT);
}

/* The time of a recording is the recording's; of the machine, the clock's. */
uint64_t source_now(const struct source *s)
{
    struct timespec ts;

    if (!s->is_live && s->pos.ts_ns)
        return s->pos.ts_ns;
    (void)clock_gettime(CLOCK_REALTIME, &ts);
    return (uint64_t)ts.tv_sec * NS_S + (uint64_t)ts.tv_nsec;
}

static const struct gyr_event *stamp(struct source *s, const struct gyr_event *ev)
{
    if (ev->len > s->stamped_cap) {
        struct gyr_event *p = realloc(s->stamped, ev->len);

        if (!p)
            return NULL;
        s->stamped = p;
        s->stamped_cap = ev->len;
    }
    memcpy(s->stamped, ev, ev->len);
    s->stamped->ts_ns = source_now(s);
    return s->stamped;
}

static void move_pos(struct source *s, const struct gyr_event *ev)
{
    struct stream_pos *pos = &s->pos;

    pos->prev_ns = pos->ts_ns ? pos->ts_ns : ev->ts_ns;
    pos->ts_ns = ev->ts_ns;
    if (!pos->first_ns)
        pos->first_ns = ev->ts_ns;
    pos->num = ev->num ? ev->num : pos->num + 1;
}

static void handle(struct source *s, const struct gyr_event *ev)
{
    bool counted = is_counted(s, ev);
    uint64_t after;

    if (ev->ts_ns == 0)
        ev = stamp(s, ev);
    if (!ev) {
        s->now.malformed++;
        return;
    }
    if (ev->type == GYR_EV_LOSS)
        source_count_loss(s, ev);
    if (s->losses.due_ns)
        source_tell_losses(s, ev->ts_ns);
    if (counted) {
        move_pos(s, ev);
        s->now.events++;
    } else {
        s->now.snapshots++;
        if (ev->type == GYR_EV_SNAPSHOT_BEGIN || ev->type == GYR_EV_SNAPSHOT_END)
            s->in_snapshot = ev->type == GYR_EV_SNAPSHOT_BEGIN;
    }
    after = dispatch_event(&s->dispatch, ev);
    if (counted)
        evaluator_event(s->eval, ev);
    if (s->watch && counted && s->watch->event)
        s->watch->event(s->watch->ctx, ev);
    if (s->filters)
        after |= filters_event(s->filters, ev, !counted);
    if (after)
        dispatch_after(&s->dispatch, after, ev);
    scratch_reset(&s->scratch);
}

/* @return 0; -EBADMSG when the stream makes no sense any more. */
static int handle_checked(struct source *s, const struct gyr_event *ev, struct gyr_error *err)
{
    struct gyr_error why;
    uint64_t now;

    if (event_check(ev, UINT32_MAX, s->schema, &why) == 0) {
        s->bad_in_row = 0;
        handle(s, ev);
        return 0;
    }
    s->now.malformed++;
    if (++s->bad_in_row >= BAD_IN_ROW_MAX)
        return gyr_fail(err, -EBADMSG, "%d malformed records in a row, the last: %s",
                        BAD_IN_ROW_MAX, why.msg);
    now = clock_ns();
    if (!s->bad_told_ns || now - s->bad_told_ns > 10 * NS_S) {
        s->bad_told_ns = now;
        log_warning(NULL, "source '%s': a malformed record is left out: %s (%llu so far)", s->name,
                    why.msg, (unsigned long long)s->now.malformed);
    }
    return 0;
}

/* ---- between two batches ---- */

static bool deliver_emitted(struct source *s)
{
    struct emitted *e = emitq_take(&s->emitq), *next;
    bool any = e;

    for (; e; e = next) {
        next = e->next;
        s->now.emitted++;
        handle(s, e->ev);
        free(e);
    }
    return any;
}

/* @return now. Told to whoever looks whether the thread gets on. */
static uint64_t beat(struct source *s)
{
    uint64_t now = clock_ns();

    atomic_store_explicit(&s->beat_ns, now, memory_order_relaxed);
    return now;
}

/* The stream is over, but answers may still come: each parked event has its time, unless we were
 * told to stop. */
static void wait_for_answers(struct source *s)
{
    while (!atomic_load_explicit(&s->stop, memory_order_relaxed)) {
        uint64_t next = park_run(s->park, beat(s));
        struct timespec nap = {.tv_nsec = (long)(next < NAP_NS ? next : NAP_NS)};

        scratch_reset(&s->scratch);
        source_wake_sinks(s);
        if (next == UINT64_MAX)
            return;
        (void)nanosleep(&nap, NULL);
        (void)deliver_emitted(s);
    }
}

void source_drain(struct source *s)
{
    uint64_t until = clock_ns() + DRAIN_NS;

    for (int i = 0; i < DRAIN_ROUNDS && deliver_emitted(s); i++)
        if (atomic_load_explicit(&s->stop, memory_order_relaxed) && clock_ns() >= until)
            break; /* whoever stops us does not wait for ever */
    wait_for_answers(s);
    source_tell_losses(s, UINT64_MAX);
    park_flush(s->park);
    scratch_reset(&s->scratch);
    source_wake_sinks(s);
}

static void publish(struct source *s)
{
    s->now.enricher_errors = dispatch_errors(&s->dispatch);
    if (s->filters)
        s->now.enricher_errors += dispatch_errors(&s->filters->dispatch);
    s->now.emit_refused = emitq_refused(&s->emitq);
    s->now.scratch_full = s->scratch.failed;
    park_stats(s->park, &s->now.park);
    (void)pthread_mutex_lock(&s->lock);
    s->published = s->now;
    (void)pthread_mutex_unlock(&s->lock);
}

int source_make_evaluator(struct source *s, struct generation *g, bool first_match_only,
                          struct diags *d, struct evaluator **ret, struct gyr_error *err)
{
    struct evaluator_conf conf = {.generation = g,
                                  .program = s->program,
                                  .providers = s->providers,
                                  .n_providers = s->n_enrichers + 1,
                                  .pos = &s->pos,
                                  .scratch = &s->scratch,
                                  .park = s->park,
                                  .sink = {.ctx = s, .match = source_match},
                                  .first_match_only = first_match_only,
                                  .now_ns = clock_ns,
                                  .diags = d};

    return evaluator_new(&conf, ret, err);
}

int source_answer(struct source *s, enum source_ask ask, bool running, struct gyr_error *err)
{
    int r = 0;

    switch (ask) {
    case ASK_PREPARE:
        r = source_make_evaluator(s, s->next->gen, s->next->config->first_match_only,
                                  s->next->diags, &s->next_eval, err);
        if (r == 0 && running)
            r = source_want(s, s->next->gen, err);
        break;
    case ASK_COMMIT:
        source_wake_sinks(s);
        evaluator_unref(s->eval);
        s->eval = s->next_eval;
        s->next_eval = NULL;
        generation_unref(s->gen);
        s->gen = generation_ref(s->next->gen);
        s->routes = s->next->routes;
        redactor_change(&s->maker.redactor, s->next->config->redact, s->next->config->n_redact);
        break;
    case ASK_ABANDON:
        evaluator_unref(s->next_eval);
        s->next_eval = NULL;
        break;
    default:
        break;
    }
    if (ask != ASK_PREPARE && running)
        r = source_want(s, NULL, err);
    return r;
}

static void see_to_asks(struct source *s)
{
    int ask = atomic_load_explicit(&s->ask, memory_order_acquire);
    struct gyr_error err = {0};
    uint64_t one = 1;
    int r;

    /* It may have been withdrawn meanwhile. */
    if (ask == ASK_NOTHING || !atomic_compare_exchange_strong(&s->ask, &ask, ASK_TAKEN))
        return;
    r = source_answer(s, (enum source_ask)ask, true, &err);
    (void)pthread_mutex_lock(&s->lock);
    s->answer = r;
    s->answer_err = err;
    atomic_store_explicit(&s->ask, ASK_NOTHING, memory_order_release);
    (void)pthread_cond_signal(&s->answered);
    (void)pthread_mutex_unlock(&s->lock);
    (void)!write(s->notify_fd, &one, sizeof(one));
}

/* An enricher wants the state told anew. */
static void see_to_snapshot(struct source *s)
{
    int r;

    if (!atomic_load_explicit(&s->want_snapshot, memory_order_relaxed))
        return;
    atomic_store(&s->want_snapshot, false);
    r = s->ops->snapshot(s->inst->self);
    if (r < 0)
        log_warning(NULL, "source '%s' cannot make a snapshot now: %s", s->name, strerror(-r));
}

/* Nobody looks at the log of a detector that runs; who gets its alerts shall know that its rules
 * are not those that stand there. */
static void see_to_failed_reload(struct source *s)
{
    char why[sizeof(s->reload_error)];

    if (!atomic_load_explicit(&s->reload_failed, memory_order_relaxed))
        return;
    atomic_store(&s->reload_failed, false);
    (void)pthread_mutex_lock(&s->lock);
    memcpy(why, s->reload_error, sizeof(why));
    (void)pthread_mutex_unlock(&s->lock);
    source_tell_reload(s, why);
}

static uint32_t wait_ms(uint64_t next_ns)
{
    uint64_t ms = next_ns / 1000000 + 1;

    return next_ns == UINT64_MAX || ms > WAIT_MAX_MS ? WAIT_MAX_MS : (uint32_t)ms;
}

static void tell_ready(struct source *s)
{
    uint64_t one = 1;

    atomic_store_explicit(&s->ready, true, memory_order_relaxed);
    (void)!write(s->notify_fd, &one, sizeof(one));
}

/* Until the stream ends. @return why: GYR_E_EOF, 0 when asked to stop, or a failure. */
static int loop(struct source *s, struct gyr_error *err)
{
    const struct gyr_event *ev[BATCH];

    while (!atomic_load_explicit(&s->stop, memory_order_relaxed)) {
        struct gyr_batch b = {.size = sizeof(b), .cap = BATCH, .ev = ev};
        int r;

        see_to_asks(s);
        see_to_snapshot(s);
        see_to_failed_reload(s);
        (void)deliver_emitted(s);
        b.timeout_ms = wait_ms(park_run(s->park, beat(s)));
        scratch_reset(&s->scratch); /* what redeem() lent */
        source_wake_sinks(s);
        atomic_store_explicit(&s->asked_ns, clock_ns(), memory_order_relaxed);
        r = s->ops->next_batch(s->inst->self, &b, err);
        atomic_store_explicit(&s->asked_ns, 0, memory_order_relaxed);
        if (r < 0 && r != GYR_E_EOF)
            (void)sentence_of(err, "next_batch()");
        if (r < 0)
            return r;
        if (b.n > BATCH)
            return gyr_fail(err, -EBADMSG, "gave %u events where %d had room", b.n, BATCH);
        for (uint32_t i = 0; i < b.n; i++) {
            r = handle_checked(s, ev[i], err);
            if (r < 0)
                return r;
        }
        if (s->is_live && s->losses.due_ns) /* though no event may come any more */
            source_tell_losses(s, source_now(s));
        publish(s);
        if (!s->in_snapshot && !atomic_load_explicit(&s->ready, memory_order_relaxed))
            tell_ready(s);
    }
    return 0;
}

void source_failed(struct source *s, const char *why)
{
    log_error(NULL, "source '%s': %s", s->name, why);
    if (!s->is_live || atomic_load(&s->stop))
        return;
    if (s->failed)
        log_error(NULL, "source '%s' failed %u times in a row and is given up", s->name,
                  s->failures);
    source_tell_failure(s, why);
    source_wake_sinks(s);
}

static void *thread_main(void *arg)
{
    struct source *s = arg;
    struct gyr_error err = {0};
    uint64_t one = 1;
    int r = source_want(s, NULL, &err);

    if (r == 0)
        r = loop(s, &err);
    s->final = true;
    if (r < 0 && r != GYR_E_EOF) {
        /* One that ran well for a minute begins anew. */
        s->failures = clock_ns() - s->started_ns > 60 * NS_S ? 1 : s->failures + 1;
        s->final = !s->is_live || atomic_load(&s->stop) || s->failures >= SOURCE_FAILURES_MAX;
        s->failed = s->final;
        source_failed(s, err.msg);
    }
    if (s->final)
        source_drain(s);
    publish(s);
    (void)pthread_mutex_lock(&s->lock);
    s->state = SOURCE_ENDED;
    (void)pthread_cond_signal(&s->answered);
    (void)pthread_mutex_unlock(&s->lock);
    (void)!write(s->notify_fd, &one, sizeof(one));
    return NULL;
}

int source_run(struct source *s, struct gyr_error *err)
{
    sigset_t all, old;
    char name[16];
    int r;

    s->started_ns = beat(s);
    s->in_snapshot = false;
    atomic_store_explicit(&s->ready, false, memory_order_relaxed);
    s->state = SOURCE_RUNNING;
    crash_block_others(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &old);
    r = pthread_create(&s->thread, NULL, thread_main, s);
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (r) {
        s->state = SOURCE_DONE;
        return gyr_fail(err, -r, "cannot start a thread: %s", strerror(r));
    }
    (void)snprintf(name, sizeof(name), "s/%.13s", s->name);
    (void)pthread_setname_np(s->thread, name);
    return 0;
}

void source_wake(void *source)
{
    struct source *s = source;

    (void)pthread_mutex_lock(&s->wake_lock);
    if (s->wakes)
        s->ops->wake(s->inst->self);
    (void)pthread_mutex_unlock(&s->wake_lock);
}

static void set_wakes(struct source *s, bool wakes)
{
    (void)pthread_mutex_lock(&s->wake_lock);
    s->wakes = wakes;
    (void)pthread_mutex_unlock(&s->wake_lock);
}

int source_open(struct source *s, struct gyr_error *err)
{
    int r = instance_start(s->inst, err);

    if (r == 0)
        set_wakes(s, true);
    return r;
}

void source_close(struct source *s)
{
    set_wakes(s, false);
    instance_stop(s->inst);
}
