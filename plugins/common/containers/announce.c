/* SPDX-License-Identifier: Apache-2.0 */
/* The runtime's thread: what it learns goes into the mailbox, and into the stream as events. */
#include "containers/state.h"

#include "syscall/ids.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { NAP_MS = 5, NAPS_MAX = 600 };

static void count_loss(struct containers *c)
{
    (void)c->host->metric_add(c->host->ctx, "container_news_lost", 1);
}

/* @return false: it is time to end, or nobody takes it. */
static bool nap(struct containers *c, uint32_t *naps)
{
    struct timespec t = {.tv_nsec = NAP_MS * 1000000L};

    if (atomic_load(&c->stopping) || ++*naps > NAPS_MAX)
        return false;
    (void)nanosleep(&t, NULL);
    return true;
}

static void put(struct containers *c, struct ct_news *n)
{
    struct ct_ask *a = NULL;
    uint32_t naps = 0;

    while (ct_mailbox_put(&c->box, n, &a) == -ENOSPC) {
        if (!nap(c, &naps)) {
            count_loss(c);
            ct_news_free(n);
            return;
        }
    }
    for (uint32_t i = 0; a && i < a->n_tickets; i++)
        c->host->resolved(c->host->ctx, a->tickets[i]);
    ct_ask_free(a);
}

static struct ct_news *news_new(enum ct_news_kind kind, const char *id,
                                const struct ct_facts *facts)
{
    struct ct_news *n = calloc(1, sizeof(*n) + strlen(id) + 1);

    if (!n)
        return NULL;
    n->kind = kind;
    n->facts = ct_facts_ref(facts);
    memcpy(n->id, id, strlen(id) + 1);
    return n;
}

/* ---- events ---- */

static void emit(struct containers *c, const struct scap_view *v)
{
    const struct gyr_event *ev;
    uint32_t naps = 0;

    c->batch.used = 0;
    if (scap_batch_put(&c->batch, v, &ev) < 0) {
        count_loss(c);
        return;
    }
    while (c->host->emit(c->host->ctx, ev) == -EAGAIN)
        if (!nap(c, &naps)) {
            count_loss(c);
            return;
        }
}

static void emit_async(struct containers *c, const char *name, const char *json)
{
    struct scap_view v;

    scap_view_start(&v, EV_ASYNCEVENT_E, N_ASYNCEVENT_E, 0);
    scap_view_uint(&v, P_ASYNCEVENT_E__plugin_id, 0, 4);
    scap_view_text(&v, P_ASYNCEVENT_E__name, (const uint8_t *)name, strlen(name));
    scap_view_bytes(&v, P_ASYNCEVENT_E__data, (const uint8_t *)json, strlen(json));
    emit(c, &v);
}

/* @param name of an event that rules which look for containers that start must not take for one;
 * NULL: a `container` event. */
static void emit_facts(struct containers *c, const struct ct_facts *f, const char *event,
                       const char *name)
{
    char *json = ct_json_write(f, event);
    struct scap_view v;

    if (!json)
        return;
    if (name) {
        emit_async(c, name, json);
    } else {
        scap_view_start(&v, EV_CONTAINER_JSON_2_E, N_CONTAINER_JSON_2_E, 0);
        scap_view_text(&v, 0, (const uint8_t *)json, strlen(json));
        v.tid = f->pid > 0 ? f->pid : -1;
        emit(c, &v);
    }
    free(json);
}

/* ---- who was announced ---- */

static struct ct_announced **place(struct containers *c, const char *id)
{
    struct ct_announced **at = &c->announced[ct_hash_id(id) % CT_ANNOUNCED_BUCKETS];

    while (*at && !ct_same_id((*at)->facts->id, id))
        at = &(*at)->next;
    return at;
}

/* @return whether it is new. */
static bool keep_announced(struct containers *c, const struct ct_facts *f)
{
    struct ct_announced **at = place(c, f->id), *a = *at;
    bool is_new = !a;

    if (is_new)
        a = calloc(1, sizeof(*a));
    if (!a)
        return false;
    ct_facts_unref(a->facts);
    a->facts = ct_facts_ref(f);
    *at = a;
    return is_new;
}

/* ---- what a runtime says ---- */

bool containers_next_ask(struct containers *c, char *ret_id)
{
    return ct_mailbox_next_ask(&c->box, ret_id);
}

void containers_down(struct containers *c)
{
    ct_mailbox_forget_taken(&c->box);
}

void containers_learnt(struct containers *c, const struct ct_facts *from, enum ct_why why)
{
    const struct ct_facts *f = ct_facts_new(from);
    struct ct_news *n = f ? news_new(CT_NEWS_FACTS, f->id, f) : NULL;
    bool known = f && *place(c, f->id);
    const char *event = why == CT_LISTED ? "running" : "start";

    if (!n) {
        ct_facts_unref(f);
        return;
    }
    put(c, n);
    if ((known || why == CT_STARTED || f->state == CT_STATE_RUNNING) && keep_announced(c, f))
        emit_facts(c, f, event, NULL);
    else /* for recordings: it is known from here on */
        emit_facts(c, f, NULL, "container_known");
    ct_facts_unref(f);
}

void containers_listed(struct containers *c, uint32_t n)
{
    char json[64];

    (void)snprintf(json, sizeof(json), "{\"containers\":%u}", n);
    emit_async(c, "containers_listed", json);
}

void containers_unknown(struct containers *c, const char *id)
{
    struct ct_news *n = news_new(CT_NEWS_UNKNOWN, id, NULL);

    if (n)
        put(c, n);
}

void containers_gone(struct containers *c, const char *id)
{
    struct ct_news *n = news_new(CT_NEWS_GONE, id, NULL);
    struct ct_announced **at = place(c, id), *a = *at;

    if (n)
        put(c, n);
    if (!a)
        return;
    *at = a->next;
    emit_facts(c, a->facts, "stop", "container_removed");
    ct_facts_unref(a->facts);
    free(a);
}
