/* SPDX-License-Identifier: Apache-2.0 */
#include "containers/table.h"

#include "containers/containers.h"
#include "containers/mailbox.h"

#include <stdlib.h>
#include <string.h>

static uint32_t hash_id(const char *id)
{
    return ct_hash_id(id) % CT_BUCKETS;
}

void ct_table_init(struct ct_table *t, uint32_t max)
{
    memset(t, 0, sizeof(*t));
    TAILQ_INIT(&t->asked);
    TAILQ_INIT(&t->known);
    TAILQ_INIT(&t->gone);
    TAILQ_INIT(&t->nobodys);
    t->max = max;
}

static struct ct_entries *list_of(struct ct_table *t, const struct ct_entry *e)
{
    if (e->gone)
        return &t->gone;
    return e->state == CT_E_ASKED ? &t->asked : e->state == CT_E_KNOWN ? &t->known : &t->nobodys;
}

static void unlink_ticket(struct ct_table *t, const struct ct_entry *e)
{
    struct ct_entry **at = &t->by_ticket[e->ticket % CT_BUCKETS];

    while (*at != e)
        at = &(*at)->next_ticket;
    *at = e->next_ticket;
}

static void remove_entry(struct ct_table *t, struct ct_entry *e)
{
    struct ct_entry **at = &t->by_id[hash_id(e->id)];

    while (*at != e)
        at = &(*at)->next_id;
    *at = e->next_id;
    unlink_ticket(t, e);
    TAILQ_REMOVE(list_of(t, e), e, by_time);
    t->n--;
    t->n_gone -= e->gone;
    ct_facts_unref(e->facts);
    free(e);
}

static void free_list(struct ct_entries *l)
{
    struct ct_entry *e;

    while ((e = TAILQ_FIRST(l))) {
        TAILQ_REMOVE(l, e, by_time);
        ct_facts_unref(e->facts);
        free(e);
    }
}

void ct_table_free(struct ct_table *t)
{
    free_list(&t->asked);
    free_list(&t->known);
    free_list(&t->gone);
    free_list(&t->nobodys);
}

struct ct_entry *ct_table_find(const struct ct_table *t, const char *id)
{
    struct ct_entry *e = t->by_id[hash_id(id)];

    while (e && !ct_same_id(e->id, id))
        e = e->next_id;
    return e;
}

struct ct_entry *ct_table_find_ticket(const struct ct_table *t, uint64_t ticket)
{
    struct ct_entry *e = t->by_ticket[ticket % CT_BUCKETS];

    while (e && e->ticket != ticket)
        e = e->next_ticket;
    return e;
}

/* @return whether one of the list could go: the oldest that nobody holds. */
static bool evict_of(struct ct_table *t, struct ct_entries *l)
{
    struct ct_entry *e = TAILQ_FIRST(l);

    while (e && e->refs)
        e = TAILQ_NEXT(e, by_time);
    if (!e)
        return false;
    remove_entry(t, e);
    t->evicted++;
    return true;
}

struct ct_entry *ct_table_add(struct ct_table *t, const char *id, uint64_t now_ns)
{
    size_t len = strnlen(id, CT_ID_MAX + 1);
    struct ct_entry *e;
    uint32_t h;

    if (len == 0 || len > CT_ID_MAX)
        return NULL;
    if (t->n == t->max && !evict_of(t, &t->gone) && !evict_of(t, &t->nobodys) &&
        !evict_of(t, &t->known) && !evict_of(t, &t->asked))
        return NULL;
    e = calloc(1, sizeof(*e) + len + 1);
    if (!e)
        return NULL;
    memcpy(e->id, id, len + 1);
    e->ticket = ++t->last_ticket;
    e->at_ns = now_ns;
    h = hash_id(id);
    e->next_id = t->by_id[h];
    t->by_id[h] = e;
    e->next_ticket = t->by_ticket[e->ticket % CT_BUCKETS];
    t->by_ticket[e->ticket % CT_BUCKETS] = e;
    TAILQ_INSERT_TAIL(&t->asked, e, by_time);
    t->n++;
    return e;
}

void ct_table_set(struct ct_table *t, struct ct_entry *e, enum ct_entry_state state, bool gone,
                  const struct ct_facts *facts, uint64_t now_ns)
{
    TAILQ_REMOVE(list_of(t, e), e, by_time);
    t->n_gone -= e->gone;
    if (e->facts != facts)
        ct_facts_unref(e->facts);
    e->facts = facts;
    e->state = state;
    e->gone = gone;
    e->at_ns = now_ns;
    t->n_gone += gone;
    TAILQ_INSERT_TAIL(list_of(t, e), e, by_time);
    if (t->n_gone > CT_GONE_MAX && e != TAILQ_FIRST(&t->gone))
        (void)evict_of(t, &t->gone);
}
