/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/noise.h"

#include "alert/block.h"
#include "alert/uuid.h"
#include "base/map.h"
#include "base/num.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

enum { BUCKETS = 1024 };
static const uint64_t NS_S = 1000000000;
/* Sources are a little out of step; a clock that goes back further was set. */
static const uint64_t SET_BACK_NS = 60000000000;

/* An alert that passed, while its repeats are counted. */
struct window {
    TAILQ_ENTRY(window) link; /* in order of their ends */
    LIST_ENTRY(window) chain;
    uint64_t key, end_ns;
    uint64_t repeats;
    struct alert *first;
};

LIST_HEAD(bucket, window);
TAILQ_HEAD(windows, window);

struct noise {
    struct noise_conf conf;
    struct bucket buckets[BUCKETS];
    struct windows open;
    uint32_t n_open;
    struct map rates; /* rule → *uint64_t */
    uint64_t total_tat_ns;
    uint64_t now_ns; /* of the events */
};

bool noise_is_wanted(const struct noise_conf *c)
{
    return c->n_mutes || c->dedup || c->per_rule.every_ns || c->total.every_ns;
}

struct noise *noise_new(const struct noise_conf *conf)
{
    struct noise *n = calloc(1, sizeof(*n));

    if (!n)
        return NULL;
    n->conf = *conf;
    TAILQ_INIT(&n->open);
    return n;
}

bool noise_keeps_windows(const struct noise *n, const struct noise_conf *conf)
{
    const char *const *a = n->conf.dedup, *const *b = conf->dedup;

    if (!a || !b || n->conf.window_ns != conf->window_ns)
        return !a && !b;
    while (*a && *b && strcmp(*a, *b) == 0) {
        a++;
        b++;
    }
    return !*a && !*b;
}

void noise_change(struct noise *n, const struct noise_conf *conf)
{
    n->conf = *conf;
}

/* @return its first alert, whose reference is handed on. */
static struct alert *end_window(struct noise *n, struct window *w)
{
    struct alert *a = w->first;

    TAILQ_REMOVE(&n->open, w, link);
    LIST_REMOVE(w, chain);
    n->n_open--;
    free(w);
    return a;
}

void noise_free(struct noise *n)
{
    struct window *w, *next;

    if (!n)
        return;
    for (w = TAILQ_FIRST(&n->open); w; w = next) {
        next = TAILQ_NEXT(w, link);
        alert_unref(end_window(n, w));
    }
    for (uint32_t i = 0; i < n->rates.n; i++) {
        free((void *)(uintptr_t)n->rates.slots[i].key);
        free(n->rates.slots[i].value);
    }
    map_free(&n->rates);
    free(n);
}

/* ---- mutes ---- */

static bool is_muted(const struct noise *n, const struct gyr_alert *a)
{
    uint32_t s = (uint32_t)(a->ts_ns / NS_S % 86400);

    for (uint32_t i = 0; i < n->conf.n_mutes; i++) {
        const struct mute *m = &n->conf.mutes[i];
        bool hours = m->from_s == m->to_s  ? true
                     : m->from_s < m->to_s ? s >= m->from_s && s < m->to_s
                                           : s >= m->from_s || s < m->to_s;

        if (hours && (!m->until_ns || a->ts_ns < m->until_ns) && fnmatch(m->rule, a->rule, 0) == 0)
            return true;
    }
    return false;
}

/* ---- repeats ---- */

static uint64_t key_of(const struct noise *n, const struct gyr_alert *a)
{
    uint64_t h[NOISE_FIELDS_MAX + 1];
    uint32_t k = 0;

    h[k++] = hash_bytes(a->rule, strlen(a->rule));
    for (const char *const *f = n->conf.dedup; *f && k <= NOISE_FIELDS_MAX; f++) {
        const char *text = "";

        for (uint32_t i = 0; i < a->n_fields; i++)
            if (strcmp(a->fields[i].name, *f) == 0)
                text = a->fields[i].text;
        h[k++] = hash_bytes(text, strlen(text));
    }
    return hash_bytes(h, k * sizeof(*h));
}

/* Between two threads' alerts the order is not strict: windows stand in that of their ends. */
static void insert_by_end(struct noise *n, struct window *w)
{
    struct window *at = TAILQ_LAST(&n->open, windows);

    while (at && at->end_ns > w->end_ns)
        at = TAILQ_PREV(at, windows, link);
    if (at)
        TAILQ_INSERT_AFTER(&n->open, at, w, link);
    else
        TAILQ_INSERT_HEAD(&n->open, w, link);
    n->n_open++;
}

static bool is_repeat(struct noise *n, struct alert *a)
{
    uint64_t key = key_of(n, &a->a);
    struct bucket *b = &n->buckets[key % BUCKETS];
    struct window *w;

    LIST_FOREACH(w, b, chain)
    if (w->key == key && a->a.ts_ns < w->end_ns &&
        w->first->a.ts_ns < a->a.ts_ns + n->conf.window_ns) { /* or the clock was set back */
        w->repeats++;
        return true;
    }
    w = n->n_open < NOISE_ENTRIES_MAX ? calloc(1, sizeof(*w)) : NULL;
    if (!w) /* no room: it passes, and so will its repeats */
        return false;
    w->key = key;
    w->end_ns = a->a.ts_ns + n->conf.window_ns;
    w->first = alert_ref(a);
    LIST_INSERT_HEAD(b, w, chain);
    insert_by_end(n, w);
    return false;
}

/* The first alert again, with the count in its text and its JSON, and a uuid of its own. */
static struct alert *make_closing(const struct alert *first, uint64_t repeats, uint64_t window_ns)
{
    const struct gyr_alert *f = &first->a;
    struct uuid_parts parts = {
        .host = f->hostname, .source = f->source, .ts_ns = f->ts_ns, .num = f->num, .tid = f->tid};
    struct block_change c = {0};
    struct alert *a = NULL;
    char uuid[UUID_TEXT];
    const char *at = NULL;
    struct buf name, text, json;

    buf_init(&name, 65536);
    buf_init(&text, ALERT_TEXT_MAX + 256);
    buf_init(&json, ALERT_JSON_MAX + 256);
    buf_addf(&name, "%s (repeats)", f->rule);
    parts.rule = name.p;
    uuid_make(&parts, uuid);
    buf_addf(&text, "%s (repeated %" PRIu64 " times within ", f->text, repeats);
    buf_add_duration(&text, window_ns);
    buf_addc(&text, ')');
    /* Behind the fields there are only texts, in which a quote is escaped. */
    for (const char *p = f->json; (p = strstr(p, ",\"rule\":\"")); p++)
        at = p;
    if (at && f->json_len > 40) {
        buf_add(&json, f->json, (size_t)(at - f->json));
        buf_addf(&json, ",\"repeats\":%" PRIu64, repeats);
        buf_adds(&json, at);
        memcpy(json.p + json.len - 2 - (UUID_TEXT - 1), uuid, UUID_TEXT - 1); /* …"} */
    }
    c.uuid = uuid;
    c.text = text.p;
    c.json = json.p;
    if (!name.failed && !text.failed && !json.failed)
        (void)block_copy(first, &c, &a);
    buf_free(&name);
    buf_free(&text);
    buf_free(&json);
    return a;
}

struct alert *noise_close(struct noise *n, uint64_t ts_ns)
{
    struct window *w, *next;

    for (w = TAILQ_FIRST(&n->open); w && w->end_ns <= ts_ns; w = next) {
        uint64_t repeats = w->repeats;
        struct alert *first, *a = NULL;

        next = TAILQ_NEXT(w, link);
        first = end_window(n, w);
        if (repeats)
            a = make_closing(first, repeats, n->conf.window_ns);
        alert_unref(first);
        if (a)
            return a;
    }
    return NULL;
}

bool noise_is_open(const struct noise *n)
{
    return n->n_open;
}

/* ---- rates ---- */

static uint64_t event_time(struct noise *n, uint64_t ts_ns)
{
    if (ts_ns > n->now_ns || n->now_ns - ts_ns > SET_BACK_NS)
        n->now_ns = ts_ns;
    return n->now_ns;
}

static uint64_t times(const struct rate *r, uint32_t n)
{
    uint64_t ns;

    return __builtin_mul_overflow(r->every_ns, n, &ns) || ns > INT64_MAX ? INT64_MAX : ns;
}

/* @p tat: when the next is due if all had come evenly. No more than a burst can be owed: what is
 * further away comes from before the clock was set back, or the rate was changed. */
static bool is_too_many(const struct rate *r, uint64_t *tat, uint64_t ts_ns)
{
    uint64_t due = *tat > ts_ns ? *tat : ts_ns, owed = times(r, r->burst);

    if (due - ts_ns > owed)
        *tat = due = ts_ns + owed;
    if (due - ts_ns > times(r, r->burst - 1))
        return true;
    *tat = due + r->every_ns;
    return false;
}

static uint64_t *tat_of(struct noise *n, const char *rule)
{
    uint64_t *tat = map_gets(&n->rates, rule);
    char *name;

    if (tat || n->rates.n >= NOISE_ENTRIES_MAX)
        return tat;
    tat = calloc(1, sizeof(*tat));
    name = strdup(rule);
    if (tat && name && map_put(&n->rates, name, strlen(name), tat) == 0)
        return tat;
    free(tat);
    free(name);
    return NULL;
}

static bool exceeds_rate(struct noise *n, const struct gyr_alert *a)
{
    uint64_t *tat = n->conf.per_rule.every_ns ? tat_of(n, a->rule) : NULL;
    uint64_t now = event_time(n, a->ts_ns);

    if (tat && is_too_many(&n->conf.per_rule, tat, now))
        return true;
    return n->conf.total.every_ns && is_too_many(&n->conf.total, &n->total_tat_ns, now);
}

bool noise_passes(struct noise *n, struct alert *a)
{
    if (is_muted(n, &a->a))
        return false;
    if (n->conf.dedup && is_repeat(n, a))
        return false;
    return !exceeds_rate(n, &a->a);
}
