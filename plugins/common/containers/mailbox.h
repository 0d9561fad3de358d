/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file containers/mailbox.h
 * @brief What the source's thread and the runtime's thread tell each other.
 *
 * One lock, held for list work only. Everything is bounded: open asks by CT_ASKS_MAX, news by
 * CT_NEWS_MAX.
 */
#ifndef CONTAINERS_MAILBOX_H
#define CONTAINERS_MAILBOX_H

#include "containers/facts.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

enum { CT_ASKS_MAX = 2048, CT_NEWS_MAX = 16384, CT_WAITERS_MAX = 1024 };

enum ct_news_kind { CT_NEWS_FACTS, CT_NEWS_UNKNOWN, CT_NEWS_GONE };

struct ct_news {
    STAILQ_ENTRY(ct_news) link;
    enum ct_news_kind kind;
    const struct ct_facts *facts; /* CT_NEWS_FACTS: a reference */
    char id[];
};
STAILQ_HEAD(ct_news_list, ct_news);

/* Somebody waits to hear of a container. */
struct ct_ask {
    TAILQ_ENTRY(ct_ask) link;
    bool taken; /* by the runtime's thread */
    uint32_t n_tickets, cap;
    uint64_t *tickets;
    char id[];
};
TAILQ_HEAD(ct_ask_list, ct_ask);

struct ct_mailbox {
    pthread_mutex_t lock;
    struct ct_news_list news;
    uint32_t n_news;
    struct ct_ask_list asks;
    uint32_t n_asks;
    atomic_bool any_news; /* the one thing that is read for each event */
};

void ct_mailbox_init(struct ct_mailbox *m);
void ct_mailbox_free(struct ct_mailbox *m);

/* ---- the source's thread ---- */

/** Ask for @p id, for @p ticket to be told of. @return 0; -ENOSPC, -ENOMEM. */
int ct_mailbox_ask(struct ct_mailbox *m, const char *id, uint64_t ticket);
/** One more ticket for what is asked for. @return 1: the answer is on its way, or there already:
 *  nobody will tell; 0; -ENOSPC, -ENOMEM. */
int ct_mailbox_wait(struct ct_mailbox *m, const char *id, uint64_t ticket);
/** All news, the oldest first; the caller's. */
void ct_mailbox_take_news(struct ct_mailbox *m, struct ct_news_list *ret);
void ct_news_free(struct ct_news *n); /**< and its reference */

/* ---- the runtime's thread ---- */

bool ct_mailbox_next_ask(struct ct_mailbox *m, char *ret_id);
void ct_mailbox_forget_taken(struct ct_mailbox *m);
/** Put news. @return 0 and, for facts and unknown, the ask that they answer (NULL: none), to be
 *  freed with ct_ask_free(); -ENOSPC, -ENOMEM: not put, @p n still is the caller's. */
int ct_mailbox_put(struct ct_mailbox *m, struct ct_news *n, struct ct_ask **ret);
/** The ask for an id is answered by other means (a replay's stream). NULL: there is none. */
struct ct_ask *ct_mailbox_answer(struct ct_mailbox *m, const char *id);
void ct_ask_free(struct ct_ask *a);

/** Whether two ids mean one container: a runtime may know it by more digits than a capture. */
bool ct_same_id(const char *a, const char *b);

#endif /* CONTAINERS_MAILBOX_H */
