/* SPDX-License-Identifier: Apache-2.0 */
/* Ids that somebody waits for. Each is asked of every runtime; one that is not reached just now may
 * have it, so the id stays until that one has answered too. */
#include "containerd.h"

#include <stdio.h>
#include <string.h>

/* Longer than an alert waits. */
static const uint64_t HOLD_NS = 1500000000;

static void want_of(struct runtime *rt, const struct ask *a)
{
    struct want w = {.rt = rt, .ns = -1, .why = CT_ASKED};

    (void)snprintf(w.id, sizeof(w.id), "%s", a->id);
    want_add(rt->p, &rt->p->urgent, &w);
}

static struct ask *find(struct plugin *p, const char *id)
{
    for (uint32_t i = 0; i < p->n_asks; i++)
        if (strcmp(p->asks[i].id, id) == 0)
            return &p->asks[i];
    return NULL;
}

static void drop(struct plugin *p, struct ask *a)
{
    *a = p->asks[--p->n_asks];
}

/* @return whether nobody is left who may have it. */
static bool is_denied(const struct plugin *p, const struct ask *a)
{
    for (uint32_t i = 0; i < p->n_runtimes; i++)
        if (!(a->answered & 1u << i) && runtime_counts(&p->runtimes[i]))
            return false;
    return true;
}

/* A runtime that comes back does not have what ended meanwhile. That is no answer: who waits is
 * told by the deadline that it is missing. */
static void settle(struct plugin *p, struct ask *a)
{
    char id[CT_ID_MAX + 1];

    if (!is_denied(p, a) || (a->late && p->host->now_ns(p->host->ctx) < a->asked_ns + HOLD_NS))
        return;
    memcpy(id, a->id, sizeof(id));
    drop(p, a);
    containers_unknown(p->containers, id);
}

void ask_answered(struct plugin *p, const char *id)
{
    struct ask *a = find(p, id);

    if (a)
        drop(p, a);
}

void ask_denied(struct runtime *rt, const char *id)
{
    struct ask *a = find(rt->p, id);

    if (!a)
        return;
    a->answered |= 1u << rt->index;
    settle(rt->p, a);
}

void asks_again(struct runtime *rt)
{
    for (uint32_t i = 0; i < rt->p->n_asks; i++) {
        if (rt->p->asks[i].answered & 1u << rt->index)
            continue;
        rt->p->asks[i].late = true;
        want_of(rt, &rt->p->asks[i]);
    }
}

void asks_take(struct plugin *p)
{
    char id[CT_ID_MAX + 1];

    for (uint32_t i = p->n_asks; i-- > 0;)
        if (p->asks[i].late)
            settle(p, &p->asks[i]);
    while (containers_next_ask(p->containers, id)) {
        struct ask *a = find(p, id);

        if (a)
            continue;
        if (p->n_asks == ASKS_MAX) { /* nobody waits as long as it took to get here */
            char oldest[CT_ID_MAX + 1];

            memcpy(oldest, p->asks[0].id, sizeof(oldest));
            drop(p, &p->asks[0]);
            containers_unknown(p->containers, oldest);
        }
        a = &p->asks[p->n_asks++];
        memcpy(a->id, id, sizeof(a->id));
        a->answered = 0;
        a->late = false;
        a->asked_ns = p->host->now_ns(p->host->ctx);
        for (uint32_t i = 0; i < p->n_runtimes; i++)
            if (p->runtimes[i].state == RT_UP)
                want_of(&p->runtimes[i], a);
        settle(p, a);
    }
}
