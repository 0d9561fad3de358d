/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file api.h
 * @brief The thread that asks the Kubernetes API: lists and watches, what they told, and what of it
 * the source's thread is told.
 */
#ifndef K8S_API_H
#define K8S_API_H

#include "cluster.h"
#include "read.h"
#include "seen.h"
#include "split.h"

struct k8s_config {
    const char *kubeconfig, *context, *node, *service_account;
    const char *const *resources;
    uint64_t watch_timeout, request_timeout;
    int64_t page, max_objects;
    uint8_t insecure;
};

struct api;

/** One kind of object, listed and watched; or a look at the pods as they are now. */
struct watch {
    struct api *api;
    enum k8s_kind kind;
    enum { WATCH_OFF, WATCH_WAITS, WATCH_LISTS, WATCH_WATCHES } state;
    bool is_look;
    bool settled; /* listed once, or refused: nothing more is to be waited for */
    bool refused; /* by 403, 404 or the configuration */
    bool failing; /* told */
    bool relist;  /* what is known is too old to be watched from */
    struct http_call *call;
    struct split split;
    uint32_t mark;                 /* of the list */
    char version[128], next[2048]; /* resourceVersion; continue */
    uint64_t due_ns, began_ns;
    uint32_t failures;
    uint64_t n_events; /* of this watch */
};

enum { TOMBS = 256 };

/** Somebody of the source's thread waits. */
struct ask {
    struct question q;
    uint64_t since_ns;
    bool forced; /* its pod was found, and is told anew */
};

struct api {
    const struct gyr_host *host;
    const struct k8s_config *cfg;
    struct cluster cluster;
    char *node; /* percent-encoded; NULL: all of them */
    struct seen *seen;
    uint64_t thread;
    atomic_bool stopping, retell;

    /* of the thread */
    struct http *http;
    struct store store;
    struct reader reader;
    struct facts_from from;
    char hex[FACTS_CONTAINERS_MAX][65];
    struct watch watches[N_KINDS], look;
    uint64_t look_ended_ns, look_began_ns; /* of the last look that came to its end */
    uint64_t look_from_ns;                 /* of the one under way */
    uint32_t n_failing;
    struct ask *asks; /* [LETTERS_MAX] */
    uint32_t n_asks;
    uint64_t *wanted; /* hashes of keys that were asked for: a set */
    uint32_t n_wanted;
    uint64_t tombs[TOMBS]; /* uids of pods that went last */
    uint32_t tomb;
    bool any_dirty, any_untold, others_changed;
    uint64_t told_ns;   /* when who asks was answered last */
    uint64_t others_ns; /* when all were looked at last */
    struct {
        uint64_t relists, drops, malformed, letters, refused, too_long;
    } n, counted;
};

/** Begin: the cluster is known. @return 0; -ENOMEM, -EAGAIN. */
int api_start(struct api *a, struct gyr_error *err);
void api_stop(struct api *a);
/** Frees what stop() left. */
void api_free(struct api *a);
/** Any thread. */
void api_wake(void *api);

uint64_t api_now(const struct api *a);

/* ---- watch.c: on the api's thread ---- */

void watch_init(struct watch *w, struct api *a, enum k8s_kind kind, bool on);
void watch_free(struct watch *w);
/** Begin or go on with what is due. @return when to be called again, CLOCK_MONOTONIC. */
uint64_t watch_run(struct watch *w, uint64_t now);

/* ---- api.c: what watches tell ---- */

void api_put(struct watch *w, const struct obj_read *r);
void api_deleted(struct watch *w, const struct obj_read *r);
void api_listed(struct watch *w);

/* ---- tell.c: what the source's thread is told ---- */

struct obj *tell_pod_of(const struct api *a, const struct question *q);
/** Whether a pod is one whose facts are told. */
bool tell_is_wanted(const struct api *a, const struct obj *pod);
void tell_want(struct api *a, const struct question *q);
/** Tell what has changed, answer who waits, put facts into the stream.
 *  @return whether something is left to be done soon. */
bool tell_run(struct api *a, uint64_t now);
/** Put into the stream that pods will be told: a replay waits for them then. */
void tell_begin(const struct api *a);
/** A pod goes: its last facts. */
void tell_gone(struct api *a, struct obj *pod);

#endif /* K8S_API_H */
