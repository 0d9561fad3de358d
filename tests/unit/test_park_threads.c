/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/evaluator.h"

#include "../lib/engine_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Answers from other threads, at any moment: none may be lost, none may come twice. */

enum { EVENTS = 20000 };

struct worker {
    struct fake *fake;
    struct park *park;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t more;
    uint64_t queue[RIG_TICKETS];
    uint32_t head, tail;
    bool end;
};

static void *work(void *arg)
{
    struct worker *w = arg;
    uint64_t ticket;

    for (;;) {
        (void)pthread_mutex_lock(&w->lock);
        while (w->head == w->tail && !w->end)
            (void)pthread_cond_wait(&w->more, &w->lock);
        if (w->head == w->tail) {
            (void)pthread_mutex_unlock(&w->lock);
            return NULL;
        }
        ticket = w->queue[w->head++ % RIG_TICKETS];
        (void)pthread_mutex_unlock(&w->lock);

        (void)pthread_mutex_lock(&w->fake->lock);
        w->fake->ready[ticket % RIG_TICKETS] = 1;
        (void)pthread_mutex_unlock(&w->fake->lock);
        park_resolved(w->park, w->fake->index, ticket);
    }
}

/* The look-up begins inside get(): its end may come before get() returns. */
static void start_lookup(struct fake *f, uint64_t ticket)
{
    struct worker *w = f->ctx;

    (void)pthread_mutex_lock(&w->lock);
    w->queue[w->tail++ % RIG_TICKETS] = ticket;
    (void)pthread_cond_signal(&w->more);
    (void)pthread_mutex_unlock(&w->lock);
}

static void worker_start(struct worker *w, struct rig *r, uint32_t provider)
{
    w->fake = &r->fakes[provider];
    w->park = r->park;
    w->fake->ctx = w;
    w->fake->on_pending = start_lookup;
    w->fake->by_ticket = true;
    (void)pthread_mutex_init(&w->lock, NULL);
    (void)pthread_cond_init(&w->more, NULL);
    assert_int_equal(pthread_create(&w->thread, NULL, work, w), 0);
}

static void worker_end(struct worker *w)
{
    (void)pthread_mutex_lock(&w->lock);
    w->end = true;
    (void)pthread_cond_signal(&w->more);
    (void)pthread_mutex_unlock(&w->lock);
    (void)pthread_join(w->thread, NULL);
}

static void run(struct rig *r, uint32_t events, uint32_t batch)
{
    struct park_stats s;

    for (uint32_t i = 0; i < events; i++) {
        rig_event(r, (uint16_t)(T_OPEN + i % 3), 0);
        if (i % batch == 0)
            (void)park_run(r->park, 0);
    }
    do {
        (void)park_run(r->park, 0);
        park_stats(r->park, &s);
    } while (s.now);
}

static void answers_from_threads(void **state)
{
    static const struct park_conf conf = {1000000000, 512, 16 << 20};
    struct worker *w = calloc(2, sizeof(*w));
    struct rig *r = malloc(sizeof(*r));
    struct park_stats s;
    uint32_t missing = 0, n;

    (void)state;
    rig_init(r, 2);
    rig_park(r, &conf);
    rig_rules(r, RIG_RULE("a", "s.a exists and s.b = y", "%s.a %s.c")
                     RIG_RULE("b", "not s.b = y", "%s.b"));
    for (uint32_t i = 0; i < 2; i++) {
        fake_str(&r->fakes[i], F_SA, "x");
        fake_str(&r->fakes[i], F_SB, "y");
        fake_str(&r->fakes[i], F_SC, "z");
        worker_start(&w[i], r, i);
    }
    run(r, EVENTS, 16);
    for (uint32_t i = 0; i < 2; i++)
        worker_end(&w[i]);
    (void)park_run(r->park, 0); /* what was answered for nobody */

    park_stats(r->park, &s);
    assert_int_equal(s.parked + s.full, EVENTS);
    assert_int_equal(s.resolved, s.parked);
    assert_true(s.resolved > 0);
    /* With its values an event matches rule a, without them rule b. */
    assert_int_equal(evaluator_matches(r->e, &n)[0], s.parked);
    assert_int_equal(evaluator_matches(r->e, &n)[1], s.full);
    for (uint32_t i = 0; i < r->n_seen; i++)
        missing += r->seen[i].metadata != 0;
    assert_true(missing <= s.full);
    rig_free(r);
    free(r);
    free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(answers_from_threads)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
