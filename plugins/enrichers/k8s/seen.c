/* SPDX-License-Identifier: Apache-2.0 */
#include "seen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int seen_init(struct seen *s, uint32_t cap)
{
    *s = (struct seen){.cap = cap};
    (void)pthread_mutex_init(&s->lock, NULL);
    s->letters = calloc(LETTERS_MAX, sizeof(*s->letters));
    s->reading = calloc(LETTERS_MAX, sizeof(*s->reading));
    s->questions = calloc(LETTERS_MAX, sizeof(*s->questions));
    s->list = calloc(cap, sizeof(*s->list));
    return s->letters && s->reading && s->questions && s->list ? 0 : -ENOMEM;
}

void seen_free(struct seen *s)
{
    for (uint32_t i = 0; s->list && i < s->n; i++)
        facts_unref(s->list[i].facts);
    for (uint32_t i = 0; i < s->n_letters; i++)
        facts_unref(s->letters[i].facts);
    free(s->list);
    free(s->letters);
    free(s->reading);
    free(s->questions);
    table_free(&s->table);
    (void)pthread_mutex_destroy(&s->lock);
}

/* ---- entries ---- */

struct seen_entry *seen_find(struct seen *s, const char *id, uint32_t len)
{
    struct seen_entry *e = s->last;
    uint32_t at = 0;
    uint64_t hash;

    if (e && e->used && e->key.len == len && memcmp(e->key.s, id, len) == 0)
        return e;
    hash = table_hash(id, len);
    while ((e = table_next(&s->table, hash, &at)))
        if (e->key.len == len && memcmp(e->key.s, id, len) == 0) {
            s->last = e;
            return e;
        }
    return NULL;
}

/* Room for one more: the next that nobody waits for goes, of the first few rather one whose pod is
 * gone. */
static struct seen_entry *make_room(struct seen *s)
{
    struct seen_entry *pick = NULL;

    if (s->n < s->cap)
        return &s->list[s->n++];
    for (uint32_t i = 0; i < s->cap && !(pick && (pick->gone || i > 64)); i++) {
        struct seen_entry *e = &s->list[(s->hand + i) % s->cap];

        if (!e->refs && (!pick || e->gone))
            pick = e;
    }
    if (!pick) {
        s->refused++;
        return NULL;
    }
    s->hand = (uint32_t)(pick - s->list + 1) % s->cap;
    if (pick->used) {
        table_del(&s->table, pick->hash, pick);
        s->evicted++;
    }
    facts_unref(pick->facts);
    return pick;
}

static struct seen_entry *new_entry(struct seen *s, const char *id, uint32_t len)
{
    struct seen_entry *e = len && len <= KEY_MAX ? make_room(s) : NULL;
    uint32_t serial;

    if (!e)
        return NULL;
    serial = e->serial + 1;
    *e = (struct seen_entry){.serial = serial ? serial : 1, .state = SEEN_ASKED};
    e->key.len = len;
    memcpy(e->key.s, id, len);
    e->hash = table_hash(id, len);
    e->used = table_add(&s->table, e->hash, e) == 0;
    return e->used ? e : NULL;
}

static uint64_t ticket_of(const struct seen *s, const struct seen_entry *e)
{
    return (uint64_t)e->serial << 32 | (uint64_t)(e - s->list + 1);
}

static void ask(struct seen *s, struct seen_entry *e, const struct key *pod)
{
    struct question q = {.container = e->key, .pod = *pod, .ticket = ticket_of(s, e)};
    bool kept;

    (void)pthread_mutex_lock(&s->lock);
    kept = s->n_questions < LETTERS_MAX;
    if (kept)
        s->questions[s->n_questions++] = q;
    (void)pthread_mutex_unlock(&s->lock);
    if (kept) {
        s->wake(s->arg);
    } else {
        e->state = SEEN_ABSENT;
        s->refused++;
    }
}

struct seen_entry *seen_add(struct seen *s, const char *id, uint32_t len, const struct key *pod)
{
    struct seen_entry *e = new_entry(s, id, len), *p;

    if (!e)
        return NULL;
    p = pod->len ? seen_find(s, pod->s, pod->len) : NULL;
    if (!p && pod->len)
        p = new_entry(s, pod->s, pod->len);
    if (p && e->used && p != e) {
        e->parent = (uint32_t)(p - s->list + 1);
        e->parent_serial = p->serial;
    }
    s->last = e;
    if (s->is_open && !(p && p->state == SEEN_KNOWN))
        ask(s, e, pod);
    else if (!s->is_open && !(s->waits && pod->len))
        e->state = SEEN_ABSENT;
    return e;
}

int seen_facts(const struct seen *s, const struct seen_entry *e, struct facts **ret)
{
    const struct seen_entry *p = e->parent ? &s->list[e->parent - 1] : NULL;

    if (p && p->used && p->serial == e->parent_serial && p->facts) {
        *ret = p->facts;
        return GYR_PRESENT;
    }
    if (e->facts) {
        *ret = e->facts;
        return GYR_PRESENT;
    }
    return e->state == SEEN_ASKED ? GYR_PENDING : GYR_ABSENT;
}

uint64_t seen_ticket(struct seen *s, struct seen_entry *e)
{
    e->refs++;
    return ticket_of(s, e);
}

struct seen_entry *seen_by_ticket(const struct seen *s, uint64_t ticket)
{
    uint32_t place = (uint32_t)ticket;
    struct seen_entry *e = place && place <= s->n ? &s->list[place - 1] : NULL;

    return e && e->used && e->serial == ticket >> 32 ? e : NULL;
}

void seen_release(struct seen *s, uint64_t ticket)
{
    struct seen_entry *e = seen_by_ticket(s, ticket);

    if (e && e->refs)
        e->refs--;
}

/* ---- letters ---- */

static void know(struct seen *s, struct fact_text key, struct facts *f, bool gone)
{
    struct seen_entry *e;

    if (!key.p || !key.len || key.len > KEY_MAX)
        return;
    e = seen_find(s, key.p, key.len);
    if (!e && !gone)
        e = new_entry(s, key.p, key.len);
    if (!e)
        return;
    facts_unref(e->facts);
    e->facts = facts_ref(f);
    e->state = SEEN_KNOWN;
    e->gone = gone;
}

void seen_learn(struct seen *s, struct facts *f, bool gone)
{
    know(s, f->text[FACT_POD_UID], f, gone);
    know(s, f->text[FACT_POD_ALIAS], f, gone);
    for (uint32_t i = 0; i < f->n_containers; i++)
        know(s, f->containers[i], f, gone);
    facts_unref(f);
}

void seen_read_mail(struct seen *s)
{
    struct letter *l;
    uint32_t n;

    if (!atomic_load_explicit(&s->mail, memory_order_acquire))
        return;
    (void)pthread_mutex_lock(&s->lock);
    l = s->letters;
    n = s->n_letters;
    s->letters = s->reading;
    s->reading = l;
    s->n_letters = 0;
    atomic_store_explicit(&s->mail, false, memory_order_relaxed);
    (void)pthread_mutex_unlock(&s->lock);
    for (uint32_t i = 0; i < n; i++) {
        struct seen_entry *e = l[i].ticket ? seen_by_ticket(s, l[i].ticket) : NULL;

        if (l[i].facts)
            seen_learn(s, l[i].facts, l[i].gone);
        else if (e && e->state == SEEN_ASKED)
            e->state = SEEN_ABSENT;
        l[i] = (struct letter){0};
    }
}

int seen_post(struct seen *s, const struct letter *l)
{
    int r = -EAGAIN;

    (void)pthread_mutex_lock(&s->lock);
    if (s->n_letters < LETTERS_MAX) {
        s->letters[s->n_letters++] = *l;
        atomic_store_explicit(&s->mail, true, memory_order_release);
        r = 0;
    }
    (void)pthread_mutex_unlock(&s->lock);
    return r;
}

uint32_t seen_questions(struct seen *s, struct question *ret, uint32_t max)
{
    uint32_t n;

    (void)pthread_mutex_lock(&s->lock);
    n = s->n_questions < max ? s->n_questions : max;
    memcpy(ret, s->questions, n * sizeof(*ret));
    s->n_questions -= n;
    memmove(s->questions, s->questions + n, s->n_questions * sizeof(*ret));
    (void)pthread_mutex_unlock(&s->lock);
    return n;
}
