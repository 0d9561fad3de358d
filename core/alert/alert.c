/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/alert.h"

#include "alert/json.h"
#include "alert/uuid.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "engine/render.h"
#include "engine/value.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void alert_maker_init(struct alert_maker *m, const char *hostname)
{
    *m = (struct alert_maker){.hostname = hostname};
    buf_init(&m->text, ALERT_TEXT_MAX);
    buf_init(&m->json, ALERT_JSON_MAX);
    buf_init(&m->names, ALERT_JSON_MAX);
    buf_init(&m->extra, ALERT_TEXT_MAX);
}

void alert_maker_free(struct alert_maker *m)
{
    if (!m->hostname)
        return;
    buf_free(&m->text);
    buf_free(&m->json);
    buf_free(&m->names);
    buf_free(&m->extra);
    redactor_free(&m->redactor);
    free(m->fields);
    free(m->fmts);
    free(m->order);
    *m = (struct alert_maker){0};
}

static int maker_reserve(struct alert_maker *m, uint32_t n)
{
    void *f, *p, *o;

    if (n <= m->cap)
        return 0;
    f = reallocarray(m->fields, n, sizeof(*m->fields));
    m->fields = f ? f : m->fields;
    p = reallocarray(m->fmts, n, sizeof(*m->fmts));
    m->fmts = p ? p : m->fmts;
    o = reallocarray(m->order, n, sizeof(*m->order));
    m->order = o ? o : m->order;
    if (!f || !p || !o)
        return -ENOMEM;
    m->cap = n;
    return 0;
}

static bool has_bytes(const struct gyr_value *v)
{
    return v->type == GYR_T_STR || v->type == GYR_T_BYTES || v->type == GYR_T_IP ||
           v->type == GYR_T_NET;
}

static struct gyr_value cut(struct gyr_value v, uint32_t max)
{
    if (has_bytes(&v) && v.len > max)
        v.len = max;
    else if (v.type == GYR_T_LIST && (v.len > ALERT_LIST_MAX || !max))
        v.len = max ? ALERT_LIST_MAX : 0;
    return v;
}

/* The fields that are texts; they stand in m->extra, one behind the other. @return how many fields
 * there are now. */
static uint32_t add_texts(struct alert_maker *m, const struct match *match, uint32_t max,
                          uint32_t n)
{
    const struct rule *r = match->rule;
    struct buf one;
    const char *at;

    buf_init(&one, ALERT_TEXT_MAX);
    buf_reset(&m->extra);
    for (uint32_t i = 0; i < r->n_texts; i++) {
        size_t from = m->extra.len;

        buf_reset(&one);
        render_template(&one, r, &r->texts[i].text, match->values);
        redact_text(&m->redactor, &one);
        buf_add(&m->extra, one.p, one.len);
        m->fields[n + i] =
            (struct gyr_alert_field){r->texts[i].name, gyr_str(NULL, m->extra.len - from), NULL};
        m->fmts[n + i] = GYR_F_DEC;
    }
    buf_free(&one);
    at = m->extra.p; /* it stays where it is from now on */
    for (uint32_t i = 0; i < r->n_texts; i++) {
        struct gyr_value *v = &m->fields[n + i].value;

        v->u.ptr = at;
        at += v->len;
        *v = cut(*v, max);
    }
    return n + r->n_texts;
}

/* The values of the match, and evt.time; borrowed still. Of a transformer the fields inside stand
 * for it, as in Falco. @return how many. */
static uint32_t collect(struct alert_maker *m, const struct match *match, uint32_t max)
{
    const struct rule *r = match->rule;
    uint32_t n = 0;
    bool time = false;

    for (uint32_t i = 0; i < r->n_outputs; i++) {
        if (r->outputs[i].hidden || (r->outputs[i].expr && r->outputs[i].expr->kind == X_CALL))
            continue;
        m->fields[n] =
            (struct gyr_alert_field){r->outputs[i].name, cut(match->values[i], max), NULL};
        m->fmts[n++] = r->outputs[i].fmt;
        time = time || strcmp(r->outputs[i].name, "evt.time") == 0;
    }
    for (uint32_t i = 0; i < r->n_texts; i++)
        time = time || strcmp(r->texts[i].name, "evt.time") == 0;
    n = add_texts(m, match, max, n);
    if (!time) {
        m->fields[n] =
            (struct gyr_alert_field){"evt.time", gyr_num(GYR_T_TIME, match->ts_ns), NULL};
        m->fmts[n++] = GYR_F_HMS;
    }
    return n;
}

static int by_name(const void *a, const void *b, void *ctx)
{
    const struct gyr_alert_field *f = ctx;

    return strcmp(f[*(const uint32_t *)a].name, f[*(const uint32_t *)b].name);
}

static void add_key(struct buf *b, const char *key)
{
    if (b->len && b->p[b->len - 1] != '{')
        buf_addc(b, ',');
    json_add_str(b, key, strlen(key));
    buf_addc(b, ':');
}

static void add_key_str(struct buf *b, const char *key, const char *s)
{
    add_key(b, key);
    json_add_str(b, s, strlen(s));
}

/* Falco's "output" begins with time of day and priority, as its text line does. */
static void add_output(struct alert_maker *m, const struct match *match)
{
    struct gyr_value ts = gyr_num(GYR_T_TIME, match->ts_ns);
    struct buf b;

    buf_init(&b, ALERT_TEXT_MAX + 128);
    value_add_text(&b, &ts, GYR_F_HMS);
    buf_addf(&b, ": %s ", priority_name(match->rule->priority));
    buf_add(&b, m->text.p, m->text.len);
    add_key_str(&m->json, "output", b.p);
    buf_free(&b);
}

static void add_time(struct buf *b, uint64_t ts_ns)
{
    time_t s = (time_t)(ts_ns / 1000000000);
    struct tm tm = {0};
    char date[64];

    (void)gmtime_r(&s, &tm);
    if (strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm) == 0)
        date[0] = '\0';
    add_key(b, "time");
    buf_addf(b, "\"%s.%09" PRIu64 "Z\"", date, ts_ns % 1000000000);
}

static void add_fields(struct alert_maker *m, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        m->order[i] = i;
    qsort_r(m->order, n, sizeof(*m->order), by_name, m->fields);
    add_key(&m->json, "output_fields");
    buf_addc(&m->json, '{');
    for (uint32_t i = 0; i < n; i++) {
        add_key(&m->json, m->fields[m->order[i]].name);
        json_add_value(&m->json, &m->fields[m->order[i]].value, m->fmts[m->order[i]]);
    }
    buf_addc(&m->json, '}');
}

/* One line, keys in order of the alphabet. */
static void add_json(struct alert_maker *m, const struct match *match, const char *uuid, uint32_t n)
{
    const struct rule *r = match->rule;
    struct buf *b = &m->json;

    buf_addc(b, '{');
    add_key_str(b, "hostname", m->hostname);
    if (match->was_parked)
        add_key_str(b, "metadata", match->metadata == GYR_MD_MISSING ? "missing" : "final");
    add_output(m, match);
    add_fields(m, n);
    add_key_str(b, "priority", priority_name(r->priority));
    add_key_str(b, "rule", r->name);
    add_key_str(b, "source", r->source);
    add_key(b, "tags");
    buf_addc(b, '[');
    for (uint32_t i = 0; i < r->n_tags; i++) {
        if (i)
            buf_addc(b, ',');
        json_add_str(b, r->tags[i], strlen(r->tags[i]));
    }
    buf_addc(b, ']');
    add_time(b, match->ts_ns);
    add_key_str(b, "uuid", uuid);
    buf_addc(b, '}');
}

/* Names and texts of the fields, each with its NUL, in the order of the fields. */
static void add_names(struct alert_maker *m, uint32_t n)
{
    struct buf t;

    buf_init(&t, ALERT_JSON_MAX);
    for (uint32_t i = 0; i < n; i++) {
        buf_add(&m->names, m->fields[i].name, strlen(m->fields[i].name) + 1);
        buf_reset(&t);
        value_add_text(&t, &m->fields[i].value, m->fmts[i]);
        text_add_safe(&m->names, t.p, t.len);
        buf_add(&m->names, "", 1);
    }
    buf_free(&t);
}

/* ---- packing: everything into one block ---- */

struct pack {
    char *p; /* NULL while sizes are added up */
    size_t need;
};

static void *pack_room(struct pack *k, size_t n, size_t align)
{
    char *at;

    k->need = (k->need + align - 1) & ~(align - 1);
    at = k->p ? k->p + k->need : NULL;
    k->need += n;
    return at;
}

static const char *pack_text(struct pack *k, const char *s, size_t n)
{
    char *at = pack_room(k, n + 1, 1);

    if (at) {
        memcpy(at, s, n);
        at[n] = '\0';
    }
    return at;
}

static const char *pack_str(struct pack *k, const char *s)
{
    return pack_text(k, s, strlen(s));
}

static struct gyr_value pack_value(struct pack *k, const struct gyr_value *v)
{
    struct gyr_value r = *v, *items;

    if (has_bytes(v)) {
        r.u.ptr = pack_text(k, v->len ? v->u.ptr : "", v->len);
    } else if (v->type == GYR_T_LIST) {
        const struct gyr_value *from = v->u.ptr;

        items = pack_room(k, (size_t)v->len * sizeof(*items), 8);
        for (uint32_t i = 0; i < v->len; i++) {
            struct gyr_value e = cut(from[i], ALERT_VALUE_MAX);

            if (e.type == GYR_T_LIST) /* lists hold scalars */
                e = (struct gyr_value){.type = GYR_T_NONE};
            e = pack_value(k, &e);
            if (items)
                items[i] = e;
        }
        r.u.ptr = items;
    }
    return r;
}

static void pack_alert(struct pack *k, const struct alert_maker *m, const struct match *match,
                       const char *uuid, uint32_t n)
{
    const struct rule *r = match->rule;
    struct alert *al = pack_room(k, sizeof(*al), 8);
    struct gyr_alert_field *fields = pack_room(k, n * sizeof(*fields), 8);
    const char **tags = pack_room(k, r->n_tags * sizeof(*tags), 8);
    const char *names = pack_text(k, m->names.p, m->names.len);
    struct gyr_alert a = {.size = sizeof(a),
                          .priority = r->priority,
                          .ts_ns = match->ts_ns,
                          .num = match->num,
                          .tid = match->tid,
                          .text_len = (uint32_t)m->text.len,
                          .json_len = (uint32_t)m->json.len,
                          .n_tags = r->n_tags,
                          .n_fields = n,
                          .tags = tags,
                          .fields = fields,
                          .metadata = match->metadata};

    for (uint32_t i = 0; i < n; i++) {
        struct gyr_value v = pack_value(k, &m->fields[i].value);

        if (!fields)
            continue;
        fields[i].value = v;
        fields[i].name = names;
        names += strlen(names) + 1;
        fields[i].text = names;
        names += strlen(names) + 1;
    }
    for (uint32_t i = 0; i < r->n_tags; i++) {
        const char *t = pack_str(k, r->tags[i]);

        if (tags)
            tags[i] = t;
    }
    a.uuid = pack_str(k, uuid);
    a.rule = pack_str(k, r->name);
    a.source = pack_str(k, r->source);
    a.hostname = pack_str(k, m->hostname);
    a.text = pack_text(k, m->text.p, m->text.len);
    a.json = pack_text(k, m->json.p, m->json.len);
    if (al) {
        al->a = a;
        atomic_init(&al->refs, 1);
    }
}

/* With each value cut at max bytes. */
static int make(struct alert_maker *m, const struct match *match, const char *uuid, uint32_t max,
                uint32_t *ret_n)
{
    uint32_t n = collect(m, match, max);

    buf_reset(&m->json);
    buf_reset(&m->names);
    add_json(m, match, uuid, n);
    add_names(m, n);
    *ret_n = n;
    return m->json.failed || m->names.failed ? -EMSGSIZE : 0;
}

int alert_make(struct alert_maker *m, const struct match *original, struct alert **ret)
{
    struct match redacted = *original;
    const struct match *match = &redacted;
    const struct rule *r = match->rule;
    struct uuid_parts parts = {.host = m->hostname,
                               .source = r->source,
                               .rule = r->name,
                               .ts_ns = match->ts_ns,
                               .num = match->num,
                               .tid = match->tid};
    /* The last leaves no bytes at all: a bare alert is better than none. */
    static const uint32_t cuts[] = {ALERT_VALUE_MAX, ALERT_VALUE_SMALL, 0};
    struct pack k = {0};
    char uuid[UUID_TEXT];
    uint32_t n = 0;
    int e;

    e = maker_reserve(m, r->n_outputs + r->n_texts + 1);
    if (e < 0)
        return e;
    redacted.values = redact_values(&m->redactor, original);
    if (!redacted.values && r->n_outputs)
        return -ENOMEM;
    uuid_make(&parts, uuid);
    buf_reset(&m->text);
    /* Past its ceiling the buffer keeps what fitted: a cut text is better than no alert. */
    render_output(&m->text, r, match->values);
    redact_text(&m->redactor, &m->text);
    e = -EMSGSIZE;
    for (unsigned i = 0; e < 0 && i < ARRAY_LEN(cuts); i++)
        e = make(m, match, uuid, cuts[i], &n);
    if (e < 0)
        return e;
    pack_alert(&k, m, match, uuid, n);
    k.p = malloc(k.need);
    if (!k.p)
        return -ENOMEM;
    *ret = (struct alert *)(void *)k.p;
    k.need = 0;
    pack_alert(&k, m, match, uuid, n);
    (*ret)->len = (uint32_t)(k.need - offsetof(struct alert, a));
    return 0;
}

struct alert *alert_ref(struct alert *a)
{
    atomic_fetch_add_explicit(&a->refs, 1, memory_order_relaxed);
    return a;
}

void alert_unref(struct alert *a)
{
    if (a && atomic_fetch_sub_explicit(&a->refs, 1, memory_order_acq_rel) == 1)
        free(a);
}
