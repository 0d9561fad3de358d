/* SPDX-License-Identifier: Apache-2.0 */
#include "containers/mailbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void ct_mailbox_init(struct ct_mailbox *m)
{
    (void)pthread_mutex_init(&m->lock, NULL);
    STAILQ_INIT(&m->news);
    TAILQ_INIT(&m->asks);
    m->n_news = m->n_asks = 0;
    atomic_init(&m->any_news, false);
}

void ct_news_free(struct ct_news *n)
{
    ct_facts_unref(n->facts);
    free(n);
}

void ct_ask_free(struct ct_ask *a)
{
    if (a)
        free(a->tickets);
    free(a);
}

void ct_mailbox_free(struct ct_mailbox *m)
{
    struct ct_news *n;
    struct ct_ask *a;

    while ((n = STAILQ_FIRST(&m->news))) {
        STAILQ_REMOVE_HEAD(&m->news, link);
        ct_news_free(n);
    }
    while ((a = TAILQ_FIRST(&m->asks))) {
        TAILQ_REMOVE(&m->asks, a, link);
        ct_ask_free(a);
    }
    (void)pthread_mutex_destroy(&m->lock);
}

bool ct_same_id(const char *a, const char *b)
{
    size_t la = strlen(a), lb = strlen(b), n = la < lb ? la : lb;

    return (la == lb || n >= CT_ID_SHORT) && memcmp(a, b, n) == 0;
}

/* Under the lock, as the next three. */
static struct ct_ask *find(struct ct_mailbox *m, const char *id)
{
    struct ct_ask *a = TAILQ_FIRST(&m->asks);

    while (a && !ct_same_id(a->id, id))
        a = TAILQ_NEXT(a, link);
    return a;
}

static int add_ticket(struct ct_ask *a, uint64_t ticket)
{
    uint32_t cap = a->cap ? a->cap * 2 : 2;

    if (a->n_tickets == CT_WAITERS_MAX)
        return -ENOSPC;
    if (a->n_tickets == a->cap) {
        uint64_t *p = reallocarray(a->tickets, cap, sizeof(*p));

        if (!p)
            return -ENOMEM;
        a->tickets = p;
        a->cap = cap;
    }
    a->tickets[a->n_tickets++] = ticket;
    return 0;
}

static int ask_new(struct ct_mailbox *m, const char *id, uint64_t ticket)
{
    struct ct_ask *a;

    if (m->n_asks == CT_ASKS_MAX)
        return -ENOSPC;
    a = calloc(1, sizeof(*a) + strlen(id) + 1);
    if (!a || add_ticket(a, ticket) < 0) {
        ct_ask_free(a);
        return -ENOMEM;
    }
    memcpy(a->id, id, strlen(id) + 1);
    TAILQ_INSERT_TAIL(&m->asks, a, link);
    m->n_asks++;
    return 0;
}

static struct ct_ask *detach(struct ct_mailbox *m, const char *id)
{
    struct ct_ask *a = find(m, id);

    if (a) {
        TAILQ_REMOVE(&m->asks, a, link);
        m->n_asks--;
    }
    return a;
}

int ct_mailbox_ask(struct ct_mailbox *m, const char *id, uint64_t ticket)
{
    int r;

    (void)pthread_mutex_lock(&m->lock);
    r = ask_new(m, id, ticket);
    (void)pthread_mutex_unlock(&m->lock);
    return r;
}

int ct_mailbox_wait(struct ct_mailbox *m, const char *id, uint64_t ticket)
{
    struct ct_ask *a;
    int r = 1;

    (void)pthread_mutex_lock(&m->lock);
    a = find(m, id);
    if (a)
        r = add_ticket(a, ticket);
    (void)pthread_mutex_unlock(&m->lock);
    return r;
}

void ct_mailbox_take_news(struct ct_mailbox *m, struct ct_news_list *ret)
{
    STAILQ_INIT(ret);
    (void)pthread_mutex_lock(&m->lock);
    STAILQ_CONCAT(ret, &m->news);
    m->n_news = 0;
    atomic_store_explicit(&m->any_news, false, memory_order_relaxed);
    (void)pthread_mutex_unlock(&m->lock);
}

bool ct_mailbox_next_ask(struct ct_mailbox *m, char *ret_id)
{
    struct ct_ask *a;

    (void)pthread_mutex_lock(&m->lock);
    a = TAILQ_FIRST(&m->asks);
    while (a && a->taken)
        a = TAILQ_NEXT(a, link);
    if (a) {
        a->taken = true;
        memcpy(ret_id, a->id, strlen(a->id) + 1);
        TAILQ_REMOVE(&m->asks, a, link); /* those that are not taken stay in front */
        TAILQ_INSERT_TAIL(&m->asks, a, link);
    }
    (void)pthread_mutex_unlock(&m->lock);
    return a != NULL;
}

void ct_mailbox_forget_taken(struct ct_mailbox *m)
{
    struct ct_ask *a;

    (void)pthread_mutex_lock(&m->lock);
    for (a = TAILQ_FIRST(&m->asks); a; a = TAILQ_NEXT(a, link))
        a->taken = false;
    (void)pthread_mutex_unlock(&m->lock);
}

int ct_mailbox_put(struct ct_mailbox *m, struct ct_news *n, struct ct_ask **ret)
{
    int r = 0;

    *ret = NULL;
    (void)pthread_mutex_lock(&m->lock);
    if (m->n_news == CT_NEWS_MAX) {
        r = -ENOSPC;
    } else {
        STAILQ_INSERT_TAIL(&m->news, n, link);
        m->n_news++;
        if (n->kind != CT_NEWS_GONE)
            *ret = detach(m, n->id);
        atomic_store_explicit(&m->any_news, true, memory_order_relaxed);
    }
    (void)pthread_mutex_unlock(&m->lock);
    return r;
}

struct ct_ask *ct_mailbox_answer(struct ct_mailbox *m, const char *id)
{
    struct ct_ask *a;

    (void)pthread_mutex_lock(&m->lock);
    a = detach(m, id);
    (void)pthread_mutex_unlock(&m->lock);
    return a;
}
