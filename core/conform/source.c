/* SPDX-License-Identifier: Apache-2.0 */
/* A source at work: its batches, and whether it wakes. */
#include "conform/conform_priv.h"

#include "event/event.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    BATCH = 512,
    WAIT_MS = 4000,  /* how long next_batch() may wait */
    WATCH_MS = 5000, /* how long it is watched */
    RESTS_MS = 150,  /* a call that takes so long waits */
    WAKES_MAX = 3,
    PROMPT_MS = 100,
    BUSY_MS = 1000,  /* the same where more wants to run than there are CPUs */
    FIRST_MS = 2500, /* how long a first event is waited for */
    SLOW_MS = 1500   /* on a busy machine; past it, nobody can call it prompt */
};

/* What the source's thread does, and the main thread looks at. */
struct stream {
    struct instance *inst;
    const struct gyr_source_ops *ops;
    const struct schema *schema;
    uint32_t n_types;          /* of the core's schema, for want() */
    _Atomic uint64_t since_ms; /* in next_batch() since; 0: not */
    atomic_bool end, over;
    _Atomic uint64_t events;
    uint64_t batches;
    int result;
    struct gyr_error err;
    char flaw[CONFORM_TEXT_MAX];
};

static uint64_t now_ms(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void nap(void)
{
    const struct timespec ts = {.tv_nsec = 2000000};

    (void)nanosleep(&ts, NULL);
}

static bool look_at(struct stream *s, const struct gyr_event *ev)
{
    struct gyr_error why = {0};
    char text[256];
    const char *flaw;

    if (event_check(ev, UINT32_MAX, s->schema, &why) < 0) {
        (void)snprintf(s->flaw, sizeof(s->flaw), "event %" PRIu64 ": %.400s", s->events + 1,
                       why.msg);
        return false;
    }
    flaw = event_flaw(ev, s->schema, text, sizeof(text));
    if (flaw)
        (void)snprintf(s->flaw, sizeof(s->flaw), "event %" PRIu64 ": %.400s", s->events + 1, flaw);
    s->events++;
    return !flaw;
}

/* @return whether the stream goes on. */
static bool take_batch(struct stream *s)
{
    const struct gyr_event *ev[BATCH + 1];
    struct gyr_batch b = {.size = sizeof(b), .cap = BATCH, .timeout_ms = WAIT_MS, .ev = ev};

    memset(ev, 0, sizeof(ev));
    atomic_store(&s->since_ms, now_ms());
    s->result = s->ops->next_batch(s->inst->self, &b, &s->err);
    atomic_store(&s->since_ms, 0);
    s->batches++;
    if (s->result < 0)
        return false;
    if (b.n > BATCH || ev[BATCH]) {
        (void)snprintf(s->flaw, sizeof(s->flaw), "gives %u events where %d have room", b.n, BATCH);
        return false;
    }
    for (uint32_t i = 0; i < b.n; i++)
        if (!look_at(s, ev[i]))
            return false;
    return true;
}

static uint64_t prompt_ms(void)
{
    double load = 0;

    return getloadavg(&load, 1) == 1 && load > (double)sysconf(_SC_NPROCESSORS_ONLN) ? BUSY_MS
                                                                                     : PROMPT_MS;
}

/* Everything is wanted. */
static int want_all(const struct stream *s, struct gyr_error *err)
{
    static uint64_t all[1024];
    struct gyr_want w = {.size = sizeof(w),
                         .n_type_words = 1024,
                         .n_subtype_words = 1024,
                         .types = all,
                         .subtypes = all};

    memset(all, 0xff, sizeof(all));
    return s->ops->want ? s->ops->want(s->inst->self, &w, err) : 0;
}

static void *thread_main(void *arg)
{
    struct stream *s = arg;

    s->result = want_all(s, &s->err);
    while (s->result >= 0 && !atomic_load(&s->end) && take_batch(s))
        ;
    atomic_store(&s->over, true);
    return NULL;
}

/* @return ms until next_batch() came back; UINT64_MAX: it did not. */
static uint64_t wake_once(struct stream *s, uint64_t since)
{
    uint64_t began = now_ms();

    (void)trial_calls("wake()");
    s->ops->wake(s->inst->self);
    (void)trial_calls("next_batch()");
    while (atomic_load(&s->since_ms) == since && !atomic_load(&s->over)) {
        if (now_ms() - began > SLOW_MS)
            return UINT64_MAX;
        nap();
    }
    return now_ms() - began;
}

/* Wake it whenever it waits. @return how often it did; the best time. */
static uint32_t watch(struct stream *s, uint64_t *ret_ms)
{
    uint64_t end = now_ms() + WATCH_MS;
    uint32_t n = 0;

    *ret_ms = UINT64_MAX;
    while (now_ms() < end && n < WAKES_MAX && !atomic_load(&s->over)) {
        uint64_t since = atomic_load(&s->since_ms), ms;

        if (!since || now_ms() - since < RESTS_MS) {
            nap();
            continue;
        }
        n++;
        ms = wake_once(s, since);
        if (ms == UINT64_MAX)
            return n;
        if (ms < *ret_ms)
            *ret_ms = ms;
        if (ms <= prompt_ms())
            return n;
    }
    return n;
}

static void tell_wake(const struct stream *s, uint32_t n, uint64_t ms)
{
    trial_begin("wake");
    if (n == 0)
        trial_tell(CONFORM_SKIP, "next_batch() was never seen waiting%s",
                   s->result == GYR_E_EOF ? ": the stream ended" : "");
    else if (ms == UINT64_MAX)
        trial_tell(CONFORM_FAIL,
                   "next_batch() hangs: it was still waiting %d ms after wake(), until its timeout "
                   "or for ever",
                   SLOW_MS);
    else if (ms > prompt_ms())
        trial_tell(CONFORM_FAIL,
                   "next_batch() came back %" PRIu64 " ms after wake(), at best; %" PRIu64 " "
                   "are allowed",
                   ms, prompt_ms());
    else
        trial_tell(CONFORM_OK, "next_batch() came back %" PRIu64 " ms after wake()", ms);
}

static void tell_batches(const struct stream *s)
{
    const char *flaw =
        s->result < 0 && s->result != GYR_E_EOF ? trial_error_flaw(s->result, &s->err) : NULL;

    trial_begin("batches");
    if (*s->flaw)
        trial_tell(CONFORM_FAIL, "%s", s->flaw);
    else if (flaw)
        trial_tell(CONFORM_FAIL, "next_batch() failed after %" PRIu64 " events, and %s", s->events,
                   flaw);
    else if (s->result < 0 && s->result != GYR_E_EOF)
        trial_tell(CONFORM_OK, "%" PRIu64 " events, then it failed and said why: %.300s", s->events,
                   s->err.msg);
    else
        trial_tell(CONFORM_OK, "%" PRIu64 " events in %" PRIu64 " batches, all well-formed%s",
                   s->events, s->batches, s->events ? "" : "; feed it, to have more checked");
}

static void run_stream(struct stream *s)
{
    pthread_t thread;
    uint64_t ms, began;
    uint32_t n;

    (void)trial_calls("next_batch()");
    if (pthread_create(&thread, NULL, thread_main, s) != 0) {
        trial_row("batches", CONFORM_SKIP, "no thread could be made");
        return;
    }
    n = watch(s, &ms);
    began = now_ms();
    while (!atomic_load(&s->over) && atomic_load(&s->events) == 0 && now_ms() - began < FIRST_MS)
        nap();
    atomic_store(&s->end, true);
    began = now_ms();
    s->ops->wake(s->inst->self);
    while (!atomic_load(&s->over) && now_ms() - began < WAIT_MS + SLOW_MS)
        nap();
    tell_wake(s, n, ms);
    if (!atomic_load(&s->over)) {
        trial_row("batches", CONFORM_FAIL,
                  "next_batch() hangs: it does not come back, neither after its timeout nor woken");
        return; /* the child's end is the thread's too */
    }
    (void)pthread_join(thread, NULL);
    tell_batches(s);
    trial_begin("stop source");
    (void)trial_calls("stop()");
    instance_free(s->inst);
    trial_tell(CONFORM_OK, "came back");
}

void group_source(struct trial *t)
{
    struct stream s = {.ops = &t->plugin->source};
    struct gyr_error err = {0};
    int r;

    if (!trial_has(t, GYR_CAP_SOURCE))
        return;
    trial_begin("schema");
    if (schemas_add(&t->schemas, s.ops->schema, t->plugin->desc.name, &err) < 0) {
        trial_tell(CONFORM_FAIL, "%s", err.msg);
        return;
    }
    s.schema = t->schemas.list[0];
    trial_tell(CONFORM_OK, "'%s' of version %u: %u event types, %u fields", s.schema->name,
               s.schema->version, s.ops->schema->n_types, s.ops->schema->n_fields);
    trial_begin("batches");
    r = trial_start(t, GYR_CAP_SOURCE, NULL, &s.inst, &err);
    if (r < 0)
        trial_tell_refused(r, &err);
    else
        run_stream(&s);
}
