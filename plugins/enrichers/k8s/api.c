/* SPDX-License-Identifier: Apache-2.0 */
#include "api.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t LOOK_AFTER_NS = 100000000, LOOK_EVERY_NS = 1000000000;
static const uint64_t LOOK_ALL_EVERY_NS = 10000000000, SOON_NS = 5000000, TELL_NS = 4000000,
                      TELL_LIST_NS = 200000000;
static const uint64_t LONG_NS = 60000000000;

uint64_t api_now(const struct api *a)
{
    return a->host->now_ns(a->host->ctx);
}

void api_wake(void *api)
{
    struct api *a = api;

    http_wake(a->http);
}

/* ---- what watches tell ---- */

static bool was_buried(const struct api *a, uint64_t uid_hash)
{
    for (uint32_t i = 0; i < TOMBS; i++)
        if (a->tombs[i] == uid_hash)
            return true;
    return false;
}

void api_put(struct watch *w, const struct obj_read *r)
{
    struct api *a = w->api;
    struct obj *o;
    int ret;

    /* A look is for what no watch has told yet. What a watch buried while the look was under way
     * does not rise from it. */
    if (w->is_look && (store_by_uid(&a->store, r->uid.p, r->uid.n) ||
                       was_buried(a, table_hash(r->uid.p, r->uid.n))))
        return;
    ret = store_put(&a->store, r, &o);
    if (ret < 0)
        return;
    o->mark = a->watches[w->kind].mark;
    if (ret == 0)
        return;
    if (o->kind != KIND_POD) {
        a->others_changed = true;
        return;
    }
    if (tell_is_wanted(a, o))
        o->flags |= OBJ_WANTED;
    if (o->flags & OBJ_WANTED) {
        o->flags |= OBJ_DIRTY;
        a->any_dirty = true;
    }
}

static void bury(void *arg, struct obj *o)
{
    struct api *a = arg;

    if (o->kind != KIND_POD) {
        a->others_changed = true;
        return;
    }
    tell_gone(a, o);
    a->tombs[a->tomb++ % TOMBS] = o->uid->hash;
}

void api_deleted(struct watch *w, const struct obj_read *r)
{
    struct obj *o = store_by_uid(&w->api->store, r->uid.p, r->uid.n);

    if (!o || o->kind != w->kind)
        return;
    bury(w->api, o);
    store_del(&w->api->store, o);
}

void api_listed(struct watch *w)
{
    struct api *a = w->api;

    if (w->is_look) {
        w->state = WATCH_OFF;
        a->look_began_ns = a->look_from_ns;
        a->look_ended_ns = api_now(a);
        return;
    }
    store_sweep(&a->store, w->kind, w->mark, bury, a);
    if (w->kind != KIND_POD)
        a->others_changed = true;
    else
        gyr_logf(a->host, GYR_LOG_INFO, "%u pods listed", a->store.n_of[KIND_POD]);
}

/* ---- who asks ---- */

static bool pods_settled(const struct api *a)
{
    return a->watches[KIND_POD].settled;
}

/* Whether nobody will tell of it any more. A container outside of pods' control groups is most
 * likely none of a pod: nobody waits for a server that is not there because of it. */
static bool is_hopeless(const struct api *a, const struct ask *k)
{
    const struct watch *pods = &a->watches[KIND_POD];

    if (pods->refused || (!k->q.pod.len && pods->failing))
        return true;
    return pods_settled(a) && a->look_ended_ns && a->look_began_ns >= k->since_ns;
}

static void begin_look(struct api *a, uint64_t now)
{
    uint64_t every = a->node ? LOOK_EVERY_NS : LOOK_ALL_EVERY_NS;

    if (a->look.state != WATCH_OFF || !pods_settled(a) ||
        (a->look_ended_ns && now - a->look_ended_ns < every))
        return;
    watch_free(&a->look);
    watch_init(&a->look, a, KIND_POD, true);
    a->look.is_look = true;
    a->look.due_ns = now;
    a->look_from_ns = now;
}

/* @return whether the question is answered. */
static bool answer(struct api *a, struct ask *k, uint64_t now)
{
    struct obj *pod = tell_pod_of(a, &k->q);
    struct letter l = {.ticket = k->q.ticket};

    if (pod && !k->forced) {
        k->forced = true;
        pod->sent = 0; /* the source's thread may have forgotten it */
        pod->flags |= OBJ_WANTED | OBJ_DIRTY;
        a->any_dirty = true;
        return false;
    }
    if (pod && pod->sent)
        return true;
    if (!pod && is_hopeless(a, k))
        return seen_post(a->seen, &l) == 0;
    if (!pod && now - k->since_ns >= LOOK_AFTER_NS)
        begin_look(a, now);
    return false;
}

static void answer_all(struct api *a, uint64_t now)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < a->n_asks; i++) {
        if (answer(a, &a->asks[i], now))
            a->host->resolved(a->host->ctx, a->asks[i].q.ticket);
        else
            a->asks[n++] = a->asks[i];
    }
    a->n_asks = n;
}

static void take_questions(struct api *a, uint64_t now)
{
    struct question q[64];
    uint32_t n, max;

    do {
        max = LETTERS_MAX - a->n_asks < 64 ? LETTERS_MAX - a->n_asks : 64;
        n = seen_questions(a->seen, q, max);
        for (uint32_t i = 0; i < n; i++) {
            tell_want(a, &q[i]);
            a->asks[a->n_asks++] = (struct ask){.q = q[i], .since_ns = now};
        }
    } while (n == 64);
}

/* ---- the thread ---- */

static void count(struct api *a, const char *name, uint64_t now, uint64_t *before)
{
    if (now != *before)
        (void)a->host->metric_add(a->host->ctx, name, now - *before);
    *before = now;
}

static void count_all(struct api *a)
{
    a->n.refused = a->store.refused;
    count(a, "relists", a->n.relists, &a->counted.relists);
    count(a, "watches_broken", a->n.drops, &a->counted.drops);
    count(a, "answers_malformed", a->n.malformed, &a->counted.malformed);
    count(a, "objects_refused", a->n.refused, &a->counted.refused);
    count(a, "objects_too_long", a->n.too_long, &a->counted.too_long);
    count(a, "facts_told", a->n.letters, &a->counted.letters);
}

static uint64_t turn(struct api *a)
{
    uint64_t now = api_now(a), next = now + LONG_NS, due;
    bool soon = true;

    take_questions(a, now);
    /* not for each packet of a long list */
    if (now - a->told_ns >= (pods_settled(a) ? TELL_NS : TELL_LIST_NS)) {
        a->told_ns = now;
        answer_all(a, now);
        soon = tell_run(a, now);
        answer_all(a, now);
    }
    for (uint32_t i = 0; i < N_KINDS; i++) {
        due = watch_run(&a->watches[i], now);
        next = due < next ? due : next;
    }
    due = watch_run(&a->look, now);
    next = due < next ? due : next;
    count_all(a);
    if ((soon || a->n_asks) && now + SOON_NS < next)
        next = now + SOON_NS;
    now = api_now(a);
    return next > now ? next - now : 0;
}

static void run(void *arg)
{
    struct api *a = arg;

    tell_begin(a);
    while (!atomic_load(&a->stopping))
        http_run(a->http, turn(a));
}

static bool is_on(const struct k8s_config *cfg, enum k8s_kind kind)
{
    if (kind == KIND_POD || !cfg->resources)
        return true;
    for (const char *const *r = cfg->resources; *r; r++)
        if (strcmp(*r, kind_defs[kind].resource) == 0)
            return true;
    return false;
}

int api_start(struct api *a, struct gyr_error *err)
{
    int r = http_new(&a->http);

    store_init(&a->store, (uint32_t)a->cfg->max_objects);
    for (uint32_t i = 0; i < N_KINDS; i++)
        watch_init(&a->watches[i], a, (enum k8s_kind)i, is_on(a->cfg, (enum k8s_kind)i));
    watch_init(&a->look, a, KIND_POD, false);
    a->asks = calloc(LETTERS_MAX, sizeof(*a->asks));
    if (r < 0 || !a->asks)
        return gyr_fail(err, -ENOMEM, "no memory");
    atomic_store(&a->stopping, false);
    r = a->host->thread_start(a->host->ctx, "k8s", run, a, &a->thread);
    return r < 0 ? gyr_fail(err, r, "cannot start a thread") : 0;
}

void api_stop(struct api *a)
{
    if (!a->thread)
        return;
    atomic_store(&a->stopping, true);
    http_wake(a->http);
    (void)a->host->thread_join(a->host->ctx, a->thread);
    a->thread = 0;
}

void api_free(struct api *a)
{
    for (uint32_t i = 0; i < N_KINDS; i++)
        watch_free(&a->watches[i]);
    watch_free(&a->look);
    http_free(a->http);
    a->http = NULL;
    store_free(&a->store);
    free(a->asks);
    free(a->wanted);
    free(a->node);
    a->asks = NULL;
    a->wanted = NULL;
    a->node = NULL;
    cluster_free(&a->cluster);
}
