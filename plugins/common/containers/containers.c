/* SPDX-License-Identifier: Apache-2.0 */
/* The source's thread: containers looked up, asked for, learnt. */
#include "containers/state.h"

#include "syscall/ids.h"

#include <errno.h>
#include <gyr/util.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t NS_S = 1000000000;
enum { REPLAY_WAIT_S = 1, NOBODYS_S = 10 };

const char *const containers_events[] = {"clone",    "fork",      "vfork",      "clone3", "execve",
                                         "execveat", "container", "asyncevent", NULL};

/* ---- life ---- */

int containers_new(const struct gyr_host *host, const struct ct_runtime_ops *ops, void *runtime,
                   struct containers **ret, struct gyr_error *err)
{
    struct containers *c = calloc(1, sizeof(*c));

    if (!c)
        return gyr_fail(err, -ENOMEM, "no memory");
    c->host = host;
    c->ops = ops;
    c->runtime = runtime;
    c->h_full_id = c->h_id = c->h_start = c->h_line = c->h_lines = UINT32_MAX;
    atomic_init(&c->stopping, false);
    ct_table_init(&c->table, CT_TABLE_MAX);
    ct_mailbox_init(&c->box);
    *ret = c;
    return 0;
}

void *containers_runtime(const struct containers *c)
{
    return c->runtime;
}

void containers_start(struct containers *c)
{
    const struct gyr_host *h = c->host;

    if (h->field_bind(h->ctx, "container.full_id", &c->h_full_id) < 0)
        gyr_logf(
            h, GYR_LOG_INFO,
            "no enricher before this one tells which container a process is in (process does): "
            "only the runtime's own events have names");
    (void)h->field_bind(h->ctx, "container.id", &c->h_id);
    (void)h->field_bind(h->ctx, "container.start_ts", &c->h_start);
    (void)h->field_bind(h->ctx, "proc.cmdline", &c->h_line);
    (void)h->field_bind(h->ctx, "proc.acmdline", &c->h_lines);
}

void containers_stop(struct containers *c)
{
    const struct gyr_host *h = c->host;

    atomic_store(&c->stopping, true);
    (void)h->metric_add(h->ctx, "containers_evicted", c->table.evicted);
    (void)h->metric_add(h->ctx, "asks_refused", c->refused);
    c->table.evicted = c->refused = 0;
}

void containers_free(struct containers *c)
{
    if (!c)
        return;
    for (uint32_t i = 0; c->held && i < CT_HELD_MAX; i++)
        free(c->held[i].bytes);
    for (uint32_t i = 0; i < CT_ANNOUNCED_BUCKETS; i++) {
        struct ct_announced *a;

        while ((a = c->announced[i])) {
            c->announced[i] = a->next;
            ct_facts_unref(a->facts);
            free(a);
        }
    }
    ct_facts_unref(c->told);
    ct_mailbox_free(&c->box);
    ct_table_free(&c->table);
    scap_batch_free(&c->batch);
    free(c->bindings);
    free(c->held);
    free(c);
}

/* ---- news ---- */

static void resolve(struct containers *c, struct ct_ask *a)
{
    for (uint32_t i = 0; a && i < a->n_tickets; i++)
        c->host->resolved(c->host->ctx, a->tickets[i]);
    ct_ask_free(a);
}

/* @param facts a reference, taken over. */
static void learn(struct containers *c, const struct ct_facts *facts, uint64_t now_ns)
{
    struct ct_entry *e = ct_table_find(&c->table, facts->id);

    if (!e)
        e = ct_table_add(&c->table, facts->id, now_ns);
    if (e)
        ct_table_set(&c->table, e, CT_E_KNOWN, facts->state == CT_STATE_EXITED, facts, now_ns);
    else
        ct_facts_unref(facts);
}

static void forget(struct containers *c, const char *id, enum ct_news_kind kind, uint64_t now_ns)
{
    struct ct_entry *e = ct_table_find(&c->table, id);

    if (!e)
        return;
    if (kind == CT_NEWS_GONE && e->state == CT_E_KNOWN)
        ct_table_set(&c->table, e, CT_E_KNOWN, true, e->facts, now_ns);
    else if (kind == CT_NEWS_UNKNOWN && e->state == CT_E_ASKED)
        ct_table_set(&c->table, e, CT_E_NOBODYS, false, NULL, now_ns);
}

static void take_news(struct containers *c, uint64_t now_ns)
{
    struct ct_news_list list;
    struct ct_news *n;

    ct_mailbox_take_news(&c->box, &list);
    while ((n = STAILQ_FIRST(&list))) {
        STAILQ_REMOVE_HEAD(&list, link);
        if (n->kind == CT_NEWS_FACTS)
            learn(c, ct_facts_ref(n->facts), now_ns);
        else
            forget(c, n->id, n->kind, now_ns);
        ct_news_free(n);
    }
}

void ct_take_news(struct containers *c)
{
    if (!atomic_load_explicit(&c->box.any_news, memory_order_relaxed))
        return;
    take_news(c, c->now.ts_ns);
    c->now.ev = NULL; /* what it found may have gone */
}

/* In a replay nobody answers but the stream: what it did not tell in time, it does not know. */
static void give_up_waiting(struct containers *c, uint64_t now_ns)
{
    struct ct_entry *e;

    while ((e = TAILQ_FIRST(&c->table.asked)) && now_ns > e->at_ns + REPLAY_WAIT_S * NS_S) {
        struct ct_ask *a = ct_mailbox_answer(&c->box, e->id);

        ct_table_set(&c->table, e, CT_E_NOBODYS, false, NULL, now_ns);
        resolve(c, a);
    }
}

/* ---- an event ---- */

/* Once for each event, so that what its values point to stays. */
static void begin(struct containers *c, const struct gyr_event *ev)
{
    if (c->now.ev == ev && c->now.num == ev->num && c->now.ts_ns == ev->ts_ns)
        return;
    memset(&c->now, 0, sizeof(c->now));
    c->now.ev = ev;
    c->now.num = ev->num;
    c->now.ts_ns = ev->ts_ns;
    if (atomic_load_explicit(&c->box.any_news, memory_order_relaxed))
        take_news(c, ev->ts_ns);
    if (!c->host->is_live && TAILQ_FIRST(&c->table.asked))
        give_up_waiting(c, ev->ts_ns);
}

static struct ct_entry *ask(struct containers *c, struct ct_entry *e, const char *id,
                            uint64_t now_ns)
{
    if (!e)
        e = ct_table_add(&c->table, id, now_ns);
    else
        ct_table_set(&c->table, e, CT_E_ASKED, false, NULL, now_ns);
    if (!e || ct_mailbox_ask(&c->box, e->id, e->ticket) < 0) {
        c->refused++;
        if (e) /* or nobody would ever ask again */
            ct_table_set(&c->table, e, CT_E_NOBODYS, false, NULL, now_ns);
        return e;
    }
    if (c->host->is_live && c->ops)
        c->ops->wake(c->runtime);
    return e;
}

struct ct_entry *ct_look(struct containers *c, const struct gyr_event *ev)
{
    const struct gyr_host *h = c->host;
    struct gyr_value v = {0};
    char id[CT_ID_MAX + 1];
    struct ct_entry *e;

    begin(c, ev);
    if (c->now.looked)
        return c->now.entry;
    c->now.looked = true;
    if (c->h_full_id == UINT32_MAX)
        return NULL;
    if (h->field(h->ctx, ev, c->h_full_id, &v) != GYR_PRESENT || v.len == 0 || v.len > CT_ID_MAX)
        return NULL;
    c->now.in_container = true;
    memcpy(id, v.u.ptr, v.len);
    id[v.len] = '\0';
    e = ct_table_find(&c->table, id);
    if (!e && !h->is_live && !c->tells)
        return NULL;
    if (!e || (e->state == CT_E_NOBODYS && h->is_live && ev->ts_ns > e->at_ns + NOBODYS_S * NS_S))
        e = ask(c, e, id, ev->ts_ns);
    c->now.entry = e;
    return e;
}

const struct ct_facts *ct_told_by(const struct containers *c, const struct gyr_event *ev)
{
    return c->told_ev == ev && c->told_num == ev->num && c->told_ts == ev->ts_ns ? c->told : NULL;
}

/* ---- `container` events ---- */

static bool is_removal(const struct gyr_event *ev)
{
    const char *name;
    uint32_t len;

    return ev->type == EV_ASYNCEVENT_E && gyr_param_str(ev, P_ASYNCEVENT_E__name, &name, &len) &&
           len == 17 && memcmp(name, "container_removed", len) == 0;
}

/* CONTAINER_E of the oldest recorders: four parameters, no JSON. */
static const struct ct_facts *read_old(const struct gyr_event *ev)
{
    static const uint32_t places[] = {P_CONTAINER_E__id, P_CONTAINER_E__name, P_CONTAINER_E__image};
    char text[3][CT_STRING_MAX + 1] = {{0}};
    struct ct_facts f = {0};
    uint64_t type = 0;

    for (uint32_t i = 0; i < 3; i++) {
        const char *s;
        uint32_t len;

        if (gyr_param_str(ev, places[i], &s, &len))
            memcpy(text[i], s, len < CT_STRING_MAX ? len : CT_STRING_MAX);
    }
    (void)gyr_param_u64(ev, P_CONTAINER_E__type, &type);
    f.id = text[0];
    f.type = ct_type_name(type < UINT32_MAX ? (uint32_t)type : UINT32_MAX);
    f.name = *text[1] ? text[1] : NULL;
    f.image = *text[2] ? text[2] : NULL;
    return f.type ? ct_facts_new(&f) : NULL;
}

static const struct ct_facts *read_event(struct containers *c, const struct gyr_event *ev)
{
    const char *s;
    uint32_t len;

    c->told_event[0] = '\0';
    switch (ev->type) {
    case EV_CONTAINER_E:
        return read_old(ev);
    case EV_CONTAINER_JSON_E:
    case EV_CONTAINER_JSON_2_E:
        return gyr_param_str(ev, 0, &s, &len) ? ct_json_read(s, len, c->told_event) : NULL;
    case EV_ASYNCEVENT_E:
        return gyr_param_str(ev, P_ASYNCEVENT_E__data, &s, &len)
                   ? ct_json_read(s, len, c->told_event)
                   : NULL;
    default:
        return NULL;
    }
}

static bool is_about_containers(const struct gyr_event *ev)
{
    const char *name;
    uint32_t len;

    return ev->type != EV_ASYNCEVENT_E || (gyr_param_str(ev, P_ASYNCEVENT_E__name, &name, &len) &&
                                           len >= 9 && memcmp(name, "container", 9) == 0);
}

static void on_container(struct containers *c, const struct gyr_event *ev)
{
    const struct ct_facts *f = read_event(c, ev);

    c->tells = true;
    ct_facts_unref(c->told);
    c->told = f;
    c->told_ev = ev;
    c->told_num = ev->num;
    c->told_ts = ev->ts_ns;
    if (!f || c->host->is_live || f->incomplete)
        return;
    if (is_removal(ev)) {
        forget(c, f->id, CT_NEWS_GONE, ev->ts_ns);
        return;
    }
    learn(c, ct_facts_ref(f), ev->ts_ns);
    resolve(c, ct_mailbox_answer(&c->box, f->id));
}

int containers_on_event(void *self, uint32_t which, const struct gyr_event *ev)
{
    struct containers *c = self;

    (void)which;
    switch (ev->type) {
    case EV_CONTAINER_E:
    case EV_CONTAINER_JSON_E:
    case EV_CONTAINER_JSON_2_E:
    case EV_ASYNCEVENT_E:
        begin(c, ev);
        if (is_about_containers(ev))
            on_container(c, ev);
        break;
    default:
        (void)ct_look(c, ev);
        break;
    }
    return 0;
}
