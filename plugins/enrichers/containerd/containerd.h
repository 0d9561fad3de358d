/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file containerd.h
 * @brief The enricher's parts and what they share. All of it belongs to the thread that talks to
 * the runtimes, but for what containerd.c says.
 *
 * A runtime is a socket behind which containerd's own API is spoken, or CRI, or both. When it is
 * reached its events are subscribed to, then its containers listed. What is to be learnt is a want:
 * a container that somebody asks for, that an event or the list names. A want becomes an inquiry:
 * some calls to one runtime, and facts in the end.
 */
#ifndef CONTAINERD_H
#define CONTAINERD_H

#include "containers/containers.h"
#include "cri.pb-c.h"
#include "ctd.pb-c.h"
#include "grpc/grpc.h"
#include "grpc/pb.h"

#include <stdatomic.h>
#include <stdbool.h>

enum {
    RUNTIMES_MAX = 8,
    NAMESPACES_MAX = 32,
    NAMESPACE_LEN = 80,
    SOCKET_LEN = 108,   /* of a struct sockaddr_un */
    INQUIRIES_MAX = 32, /* under way at a time */
    WANTS_MAX = 8192,   /* containers that wait to be inquired after */
    ASKS_MAX = 1024,    /* ids that somebody waits for */
    CALL_MS = 2000,     /* deadline of a question */
    LIST_MS = 20000     /* of a list */
};

struct conf {
    const char *const *sockets;
    const char *const *namespaces;
};

struct plugin;
struct inquiry;

/** One call to a runtime. */
struct op {
    struct op *next, **prev;
    struct runtime *rt;
    struct inquiry *inquiry; /* NULL: the runtime's own */
    struct grpc_call *call;
    int (*message)(struct op *op, const uint8_t *p, size_t len);
    void (*end)(struct op *op, int status, const char *text); /* the op is gone after it */
    uint32_t ns;                                              /* index of its namespace */
};

enum rt_state { RT_DOWN, RT_PROBING, RT_UP };

struct runtime {
    struct plugin *p;
    uint32_t index;
    char socket[SOCKET_LEN];
    enum rt_state state;
    bool has_ctd, has_cri;
    bool events;       /* a stream of events is open */
    bool seen;         /* was reached at least once: what it does not answer is waited for */
    bool told;         /* that it cannot be reached */
    bool cri_refused;  /* no CRI here, or one too old */
    uint32_t failures; /* in a row */
    uint32_t probes;   /* under way */
    uint64_t next_ns;  /* of the next attempt, or the next look whether it is alive */
    char type[16];     /* container.type of CRI's containers */
    char why[GRPC_TEXT_MAX];
    char ns[NAMESPACES_MAX][NAMESPACE_LEN];
    uint32_t n_ns;
    uint32_t lists;              /* calls for a list under way */
    uint32_t n_listed, to_learn; /* containers in them; of these, not learnt yet */
    bool list_told;
    struct op *ops;
    struct inquiry *inquiries;
};

/** A container that is to be learnt. */
struct want {
    struct want *next;
    struct runtime *rt;
    int32_t ns; /* -1: not known which */
    enum ct_why why;
    uint8_t state; /* enum ct_state, as the event or the list says */
    bool gone;     /* it has ended meanwhile: told when it is learnt */
    uint64_t started_ns;
    int64_t pid;
    char id[CT_ID_MAX + 1];
};

struct wants {
    struct want *first, **last;
};

struct ask {
    char id[CT_ID_MAX + 1];
    uint32_t answered; /* a bit for each runtime that does not have it */
    bool late;         /* it was asked for while a runtime was not reached */
    uint64_t asked_ns;
};

/** The instance: runtime of a struct containers. */
struct plugin {
    const struct gyr_host *host;
    const struct conf *conf;
    struct containers *containers;
    struct grpc *grpc;
    uint64_t thread;
    atomic_bool stopping;
    bool leave_moby; /* Docker is there: its containers are the docker enricher's */
    uint64_t seed;   /* of the jitter */

    struct runtime runtimes[RUNTIMES_MAX];
    uint32_t n_runtimes;
    struct wants urgent, listed;
    uint32_t n_wants, n_inquiries, n_asks;
    struct ask asks[ASKS_MAX];
    struct made *made; /* room to put facts together in */
};

/* ---- runtime.c ---- */

/** Begin what is due. @return when something is due again, nanoseconds of host->now_ns(). */
uint64_t runtime_tick(struct runtime *rt, uint64_t now);
/** It cannot be reached any more: drop its calls and inquiries, try again later. */
void runtime_down(struct runtime *rt, const char *why);
void runtime_stop(struct runtime *rt);
/** Whether a container that we do not know may be its. */
bool runtime_counts(const struct runtime *rt);
/** Begin a call. @param ns index of the namespace it is about; -1: none.
 *  @return 0; -ENOMEM, -EINVAL: told and counted. */
int runtime_call(struct runtime *rt, struct op op, const char *method, int32_t ns,
                 const ProtobufCMessage *message, uint32_t timeout_ms, bool streams);

/* ---- streams.c: what a runtime tells by itself ---- */

void streams_open(struct runtime *rt);
/** @return index; -1: not one of those that are looked at. */
int32_t namespace_of(struct runtime *rt, const char *name);
/** A container of the list was inquired after. */
void listed_one(struct runtime *rt);

/* ---- inquiry.c ---- */

/** @param w id, runtime, and how it was heard of; copied. @return false: no room, counted. */
bool want_add(struct plugin *p, struct wants *list, const struct want *w);
/** A container has ended: told now, or when what is wanted of it is learnt. */
void want_gone(struct runtime *rt, const char *id);
/** Begin inquiries, up to INQUIRIES_MAX. */
void inquiries_begin(struct plugin *p);
/** Drop what is wanted of a runtime; its calls have been dropped already. */
void inquiries_drop(struct runtime *rt);

/* ---- asks.c: ids that somebody waits for ---- */

void asks_take(struct plugin *p);
/** A runtime was reached: what is open is asked of it. */
void asks_again(struct runtime *rt);
void ask_answered(struct plugin *p, const char *id);
/** @p rt does not have it. */
void ask_denied(struct runtime *rt, const char *id);

/* ---- learn.c ---- */

/** What an inquiry brought together. Members may be NULL. */
struct findings {
    const struct want *want;
    const char *ns;                             /* containerd's namespace; NULL: CRI only */
    const Ctd__Container *container;            /* containerd's record */
    const Cri__ContainerStatusResponse *status; /* CRI's */
    const Cri__PodSandboxStatusResponse *pod;
    const char *digest; /* of the image */
};

struct made *made_new(void);
void made_free(struct made *m);
/** Put facts together and hand them to the table. */
void learn(struct plugin *p, const struct findings *f);
/** The sandbox that CRI's verbose answer names. @param ret CT_ID_MAX + 1 bytes; "" for none. */
void learn_sandbox_id(const Cri__ContainerStatusResponse *status, char *ret);
/** The same of containerd's record, which a sandbox has itself too. */
void learn_record_sandbox_id(const Ctd__Container *c, char *ret);
/** A label of containerd's record; NULL: none. */
const char *ctd_label(const Ctd__Container *c, const char *key);

#endif /* CONTAINERD_H */
