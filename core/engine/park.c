/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/evaluator_priv.h"
#include "engine/value.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

/* Answers come in from any thread through a bounded queue that only park_run() empties, on the
 * source's thread: so an answer that is faster than the parking of its event is still there when
 * the event is. */

enum { QUEUE_MAX = 4096, BUCKETS = 8192, ARENA_STEP = 16 };

struct answer {
    uint64_t ticket;
    uint32_t provider;
};

struct answers {
    struct answer list[QUEUE_MAX];
    uint32_t n;
    bool overflow; /* some were not kept */
};

struct parked;

/** A ticket of a parked event. */
struct wait {
    struct wait *next; /* in its bucket */
    struct parked *owner;
    uint64_t ticket;
    uint32_t binding; /* in the evaluator */
    bool open;        /* not released yet: in a bucket */
    bool answered;    /* to be redeemed */
};

struct frozen {
    struct gyr_value v;
    struct arena *own; /* of a value that came later */
    uint32_t field, state;
    uint32_t first_wait, n_waits;
};

struct parked {
    TAILQ_ENTRY(parked) link;
    struct parked *next_ready;
    struct evaluator *eval;
    struct arena *arena; /* of all this */
    struct origin origin;
    uint64_t deadline_ns;
    size_t bytes;
    struct frozen *fields;
    struct wait *waits;
    uint32_t *entries;
    uint32_t n_fields, n_waits, n_entries;
    bool ready; /* on the list of those with an answer */
};

TAILQ_HEAD(parked_list, parked);

struct park {
    struct park_conf conf;
    void (*wake)(void *ctx);
    void *ctx;

    struct parked_list list; /* deadlines ascend */
    struct wait *buckets[BUCKETS];
    struct park_stats stats;
    struct answers *mine; /* being worked on */

    atomic_bool any;
    pthread_mutex_t lock; /* of incoming */
    struct answers *incoming;
};

int park_new(const struct park_conf *conf, void (*wake)(void *ctx), void *ctx, struct park **ret)
{
    struct park *p = calloc(1, sizeof(*p));

    if (!p)
        return -ENOMEM;
    p->conf = *conf;
    p->wake = wake;
    p->ctx = ctx;
    TAILQ_INIT(&p->list);
    atomic_init(&p->any, false);
    (void)pthread_mutex_init(&p->lock, NULL);
    p->mine = calloc(1, sizeof(*p->mine));
    p->incoming = calloc(1, sizeof(*p->incoming));
    if (!p->mine || !p->incoming) {
        park_free(p);
        return -ENOMEM;
    }
    *ret = p;
    return 0;
}

void park_free(struct park *p)
{
    if (!p)
        return;
    (void)pthread_mutex_destroy(&p->lock);
    free(p->mine);
    free(p->incoming);
    free(p);
}

void park_resolved(struct park *p, uint32_t provider, uint64_t ticket)
{
    struct answers *a;
    bool first;

    (void)pthread_mutex_lock(&p->lock);
    a = p->incoming;
    first = a->n == 0 && !a->overflow;
    if (a->n < QUEUE_MAX)
        a->list[a->n++] = (struct answer){ticket, provider};
    else
        a->overflow = true;
    atomic_store_explicit(&p->any, true, memory_order_relaxed);
    (void)pthread_mutex_unlock(&p->lock);
    if (first && p->wake)
        p->wake(p->ctx);
}

void park_stats(const struct park *p, struct park_stats *ret)
{
    *ret = p->stats;
}

/* ---- tickets ---- */

static struct wait **bucket(struct park *p, uint32_t provider, uint64_t ticket)
{
    uint64_t h = (ticket + provider * 0x632be59bd9b4e019u) * 0x9e3779b97f4a7c15u;

    return &p->buckets[h >> 51];
}

static uint32_t wait_provider(const struct wait *w)
{
    return w->owner->eval->bindings[w->binding].provider;
}

static void wait_open(struct park *p, struct wait *w)
{
    struct wait **b = bucket(p, wait_provider(w), w->ticket);

    w->open = true;
    w->next = *b;
    *b = w;
}

/* Release the ticket, once. */
static void wait_close(struct park *p, struct wait *w)
{
    const struct binding *b = &w->owner->eval->bindings[w->binding];
    struct wait **at = bucket(p, b->provider, w->ticket);

    if (!w->open)
        return;
    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
    w->open = false;
    w->owner->eval->conf.providers[b->provider].ops->release(b->self, b->handle, w->ticket);
}

static void field_close(struct park *p, struct parked *e, const struct frozen *f)
{
    for (uint32_t i = 0; i < f->n_waits; i++)
        wait_close(p, &e->waits[f->first_wait + i]);
}

/* ---- coming in ---- */

/* Bytes an arena needs for a deep copy. */
static size_t value_size(const struct gyr_value *v)
{
    const struct gyr_value *items = v->u.ptr;
    size_t n = 0;

    switch (v->type) {
    case GYR_T_STR:
    case GYR_T_BYTES:
    case GYR_T_IP:
    case GYR_T_NET:
        return (size_t)v->len + 1 + ARENA_STEP;
    case GYR_T_LIST:
        n = (size_t)(v->len + 1) * sizeof(*v) + ARENA_STEP;
        for (uint32_t i = 0; i < v->len; i++)
            n += value_size(&items[i]);
        return n;
    default:
        return 0;
    }
}

/* Read all fields that the undecided rules can read. */
static size_t freeze(struct evaluator *e, uint32_t *ret_waits)
{
    const struct program *p = e->p;
    size_t bytes = 0;

    e->n_frozen = 0;
    *ret_waits = 0;
    for (uint32_t i = 0; i < e->n_undecided; i++) {
        const struct prog_entry *en = &p->entries[e->undecided[i]];

        for (uint32_t k = 0; k < en->n_fields; k++) {
            uint32_t f = p->reads[en->first_field + k];
            const struct value_slot *s;

            if (e->seen[f] == e->field_epoch)
                continue;
            e->seen[f] = e->field_epoch;
            e->frozen[e->n_frozen++] = f;
            s = evaluator_value(e, f);
            if (s->state == VS_PRESENT)
                bytes += value_size(&s->v);
            else if (s->state == VS_PENDING)
                *ret_waits += e->first_binding[f + 1] - e->first_binding[f];
        }
    }
    return bytes;
}

static struct parked *parked_new(const struct evaluator *e, size_t bytes, uint32_t n_waits)
{
    struct parked *k;
    struct arena *a;

    bytes += sizeof(*k) + e->n_frozen * sizeof(struct frozen) + n_waits * sizeof(struct wait) +
             e->n_undecided * sizeof(uint32_t) + 8 * ARENA_STEP;
    a = arena_new(bytes);
    k = a ? arena_alloc(a, sizeof(*k)) : NULL;
    if (!k) {
        arena_free(a);
        return NULL;
    }
    k->arena = a;
    k->bytes = bytes;
    k->fields = arena_array(a, e->n_frozen, sizeof(*k->fields));
    k->waits = arena_array(a, n_waits, sizeof(*k->waits));
    k->entries = arena_array(a, e->n_undecided, sizeof(*k->entries));
    if (!k->fields || !k->waits || !k->entries) {
        arena_free(a);
        return NULL;
    }
    return k;
}

static int copy_values(const struct evaluator *e, struct parked *k)
{
    for (uint32_t i = 0; i < e->n_frozen; i++) {
        const struct value_slot *s = &e->slots[e->frozen[i]];
        struct frozen *f = &k->fields[k->n_fields++];

        f->field = e->frozen[i];
        f->state = s->state;
        if (s->state == VS_PRESENT && value_copy(k->arena, &s->v, &f->v) < 0)
            return -ENOMEM;
    }
    return 0;
}

/* From here on the tickets are ours. */
static void take_tickets(struct park *p, struct evaluator *e, struct parked *k)
{
    for (uint32_t i = 0; i < k->n_fields; i++) {
        struct frozen *f = &k->fields[i];

        f->first_wait = k->n_waits;
        for (uint32_t b = e->first_binding[f->field]; b < e->first_binding[f->field + 1]; b++) {
            struct wait *w = &k->waits[k->n_waits];

            if (!e->bindings[b].waiting)
                continue;
            e->bindings[b].waiting = false;
            *w = (struct wait){.owner = k, .ticket = e->bindings[b].ticket, .binding = b};
            wait_open(p, w);
            k->n_waits++;
        }
        f->n_waits = k->n_waits - f->first_wait;
    }
}

int park_event(struct park *p, struct evaluator *e)
{
    struct parked *k;
    uint32_t n_waits;
    size_t bytes;

    if (p->stats.now >= p->conf.max_events) {
        p->stats.full++;
        return -ENOSPC;
    }
    bytes = freeze(e, &n_waits);
    k = bytes <= p->conf.max_bytes ? parked_new(e, bytes, n_waits) : NULL;
    if (!k || p->stats.bytes + k->bytes > p->conf.max_bytes || copy_values(e, k) < 0) {
        p->stats.full++;
        arena_free(k ? k->arena : NULL);
        return -ENOSPC;
    }
    k->eval = e;
    e->refs++;
    k->origin = e->origin;
    k->origin.was_parked = true;
    k->deadline_ns = e->conf.now_ns() + p->conf.deadline_ns;
    memcpy(k->entries, e->undecided, e->n_undecided * sizeof(*k->entries));
    k->n_entries = e->n_undecided;
    take_tickets(p, e, k);
    TAILQ_INSERT_TAIL(&p->list, k, link);
    p->stats.parked++;
    p->stats.now++;
    p->stats.bytes += k->bytes;
    return 0;
}

/* ---- going out ---- */

static void parked_free(struct park *p, struct parked *k)
{
    struct evaluator *e = k->eval;

    TAILQ_REMOVE(&p->list, k, link);
    p->stats.now--;
    p->stats.bytes -= k->bytes;
    for (uint32_t i = 0; i < k->n_waits; i++)
        wait_close(p, &k->waits[i]);
    for (uint32_t i = 0; i < k->n_fields; i++)
        arena_free(k->fields[i].own);
    arena_free(k->arena);
    evaluator_unref(e);
}

/* Report what can be. @return whether all of it is decided. */
static bool decide(struct parked *k)
{
    struct evaluator *e = k->eval;
    size_t mark = e->conf.scratch->used;

    evaluator_begin(e, NULL, &k->origin);
    for (uint32_t i = 0; i < k->n_fields; i++) {
        const struct frozen *f = &k->fields[i];

        e->slots[f->field] = (struct value_slot){f->v, e->field_epoch, f->state};
        e->any_missing = e->any_missing || f->state == VS_MISSING;
    }
    k->n_entries = evaluator_decide(e, k->entries, k->n_entries);
    e->conf.scratch->used = mark;
    return k->n_entries == 0;
}

static void expire(struct park *p, struct parked *k)
{
    for (uint32_t i = 0; i < k->n_fields; i++) {
        if (k->fields[i].state == VS_PENDING) {
            field_close(p, k, &k->fields[i]);
            k->fields[i].state = VS_MISSING;
        }
    }
    (void)decide(k);
    p->stats.expired++;
    parked_free(p, k);
}

static bool keep_value(struct park *p, struct parked *k, struct frozen *f,
                       const struct gyr_value *v)
{
    size_t n = value_size(v);

    f->own = arena_new(n);
    if (!f->own || value_copy(f->own, v, &f->v) < 0)
        return false;
    k->bytes += n;
    p->stats.bytes += n;
    return true;
}

/* Ask again for what was answered. @return whether the field is pending no more. */
static bool redeem(struct park *p, struct parked *k, struct frozen *f)
{
    bool waits = false;

    for (uint32_t i = 0; i < f->n_waits; i++) {
        struct wait *w = &k->waits[f->first_wait + i];
        struct binding *b = &k->eval->bindings[w->binding];
        struct gyr_value v = {0};
        int r;

        if (!w->open)
            continue;
        if (!w->answered) {
            waits = true;
            continue;
        }
        w->answered = false;
        r = k->eval->conf.providers[b->provider].ops->redeem(b->self, b->handle, w->ticket, &v);
        if (r == GYR_PENDING) {
            waits = true;
            continue;
        }
        if (r == GYR_PRESENT && evaluator_fits(k->eval, f->field, b, &v) &&
            keep_value(p, k, f, &v)) {
            f->state = VS_PRESENT;
            field_close(p, k, f);
            return true;
        }
        if (r < 0)
            k->eval->errors++;
        wait_close(p, w);
    }
    if (!waits)
        f->state = VS_ABSENT;
    return !waits;
}

static void redeem_event(struct park *p, struct parked *k)
{
    size_t mark = k->eval->conf.scratch->used;
    bool news = false;

    for (uint32_t i = 0; i < k->n_fields; i++)
        if (k->fields[i].state == VS_PENDING && redeem(p, k, &k->fields[i]))
            news = true;
    k->eval->conf.scratch->used = mark;
    if (!news || !decide(k))
        return;
    p->stats.resolved++;
    parked_free(p, k);
}

static void add_ready(struct parked **ready, struct parked *k)
{
    if (k->ready)
        return;
    k->ready = true;
    k->next_ready = *ready;
    *ready = k;
}

static void match_answers(struct park *p, const struct answers *a, struct parked **ready)
{
    struct parked *k;

    for (uint32_t i = 0; i < a->n; i++) {
        const struct answer *an = &a->list[i];

        for (struct wait *w = *bucket(p, an->provider, an->ticket); w; w = w->next) {
            if (w->ticket != an->ticket || wait_provider(w) != an->provider)
                continue;
            w->answered = true;
            add_ready(ready, w->owner);
        }
    }
    if (!a->overflow)
        return;
    TAILQ_FOREACH(k, &p->list, link)
    {
        for (uint32_t i = 0; i < k->n_waits; i++)
            k->waits[i].answered = true;
        add_ready(ready, k);
    }
}

static void take_answers(struct park *p)
{
    struct parked *ready = NULL, *next;
    struct answers *a;

    (void)pthread_mutex_lock(&p->lock);
    a = p->incoming;
    p->incoming = p->mine;
    p->mine = a;
    atomic_store_explicit(&p->any, false, memory_order_relaxed);
    (void)pthread_mutex_unlock(&p->lock);
    match_answers(p, a, &ready);
    a->n = 0;
    a->overflow = false;
    for (; ready; ready = next) {
        next = ready->next_ready;
        ready->ready = false;
        redeem_event(p, ready);
    }
}

uint64_t park_run(struct park *p, uint64_t now_ns)
{
    struct parked *k;

    if (atomic_load_explicit(&p->any, memory_order_relaxed))
        take_answers(p);
    while ((k = TAILQ_FIRST(&p->list))) {
        if (k->deadline_ns > now_ns)
            return k->deadline_ns - now_ns;
        expire(p, k);
    }
    return UINT64_MAX;
}

void park_flush(struct park *p)
{
    struct parked *k;

    take_answers(p);
    while ((k = TAILQ_FIRST(&p->list)))
        expire(p, k);
}
