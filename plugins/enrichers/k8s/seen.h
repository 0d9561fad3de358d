/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file seen.h
 * @brief What the source's thread knows: facts of pods by the ids of their containers and by their
 * uids; who is being asked for; and the letters between it and the thread that asks the API.
 *
 * A letter is handed over under a lock that is held for the copy of a few words. The source's
 * thread looks for letters with one atomic load.
 */
#ifndef K8S_SEEN_H
#define K8S_SEEN_H

#include "facts.h"
#include "table.h"

#include <pthread.h>

enum { KEY_MAX = 64, SEEN_MAX = 16384, LETTERS_MAX = 4096 };

/** A container's whole id, or a pod's uid. */
struct key {
    uint32_t len;
    char s[KEY_MAX];
};

/** Somebody wants to know. */
struct question {
    struct key container, pod; /**< pod len 0: its control group does not tell */
    uint64_t ticket;
};

/** Facts to be known from now on (of a pod that is gone, the last ones), or, with none, the answer
 *  to a ticket: there is no such pod. */
struct letter {
    struct facts *facts;
    uint64_t ticket;
    bool gone;
};

enum { SEEN_ASKED, SEEN_KNOWN, SEEN_ABSENT };

struct seen_entry {
    struct key key;
    uint64_t hash;
    struct facts *facts;
    uint32_t serial; /* so that a ticket or parent of an old one is not taken for this */
    uint32_t parent; /* of a container: its pod's place + 1; 0: none */
    uint32_t parent_serial;
    uint32_t refs; /* tickets that are out */
    uint8_t state;
    bool used, gone;
};

struct seen {
    /* of the source's thread */
    struct seen_entry *list;
    uint32_t n, cap, hand; /* hand: where the next to be forgotten is looked for */
    struct table table;
    struct seen_entry *last; /* looked up */
    uint64_t evicted, refused;
    bool is_open; /* there is somebody to ask */
    bool waits;   /* a replay: events tell of pods */

    /* between the threads */
    pthread_mutex_t lock;
    atomic_bool mail;
    struct letter *letters; /* [LETTERS_MAX], to the source's thread */
    uint32_t n_letters;
    struct letter *reading;     /* of the source's thread: swapped with letters */
    struct question *questions; /* [LETTERS_MAX], from it */
    uint32_t n_questions;
    void (*wake)(void *arg); /* there is a question */
    void *arg;
};

int seen_init(struct seen *s, uint32_t cap);
void seen_free(struct seen *s);

/* ---- the source's thread ---- */

/** Take what has come. */
void seen_read_mail(struct seen *s);
/** The container's entry, asked for at its first sight.
 *  @param cgroup_pod its pod's uid, len 0: not told. @return NULL: no room. */
struct seen_entry *seen_find(struct seen *s, const char *id, uint32_t len);
struct seen_entry *seen_add(struct seen *s, const char *id, uint32_t len, const struct key *pod);
/** GYR_PRESENT and the facts, borrowed until mail is read; GYR_PENDING; GYR_ABSENT. */
int seen_facts(const struct seen *s, const struct seen_entry *e, struct facts **ret);
/** A ticket, which stands until seen_release(). */
uint64_t seen_ticket(struct seen *s, struct seen_entry *e);
struct seen_entry *seen_by_ticket(const struct seen *s, uint64_t ticket);
void seen_release(struct seen *s, uint64_t ticket);
/** Know these facts: of an event. The reference is taken over. */
void seen_learn(struct seen *s, struct facts *f, bool gone);

/* ---- the other thread ---- */

/** Hand over a letter with its reference. @return 0; -EAGAIN: the box is full. */
int seen_post(struct seen *s, const struct letter *l);
/** @return how many were taken, at most @p max. */
uint32_t seen_questions(struct seen *s, struct question *ret, uint32_t max);

#endif /* K8S_SEEN_H */
