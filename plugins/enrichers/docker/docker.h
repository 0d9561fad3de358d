/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file docker/docker.h
 * @brief What the files of the plugin share: sockets, look-ups, the thread. All but the atomics and
 * the configuration belongs to the plugin's thread.
 */
#ifndef DOCKER_DOCKER_H
#define DOCKER_DOCKER_H

#include "inspect.h"
#include "request.h"

#include "containers/containers.h"

#include <gyr/util.h>
#include <stdatomic.h>
#include <sys/queue.h>

enum {
    DK_SOCKETS_MAX = 16,
    DK_JOBS_MAX = 16384,
    DK_AT_ONCE = 8, /* look-ups under way */
    DK_IMAGES_MAX = 256
};

struct dk_config {
    const char *const *sockets;
    uint64_t timeout;
};

/* One runtime. */
struct dk_socket {
    struct docker *d;
    char path[108]; /* with host_root: what sun_path holds */
    const char *type;
    bool up;      /* it answers */
    bool trying;  /* asked, and not heard of yet */
    bool present; /* the socket is there, or was a minute ago */
    bool was_up, told_down, told_absent;
    bool wanted; /* the configuration names it */
    uint64_t seen_ns, tried_ns, retry_ns, backoff_ns;
    uint64_t since_ns; /* of the last event heard: what to go on from */
};

/* A container to be looked up. */
struct dk_job {
    TAILQ_ENTRY(dk_job) link;
    struct docker *d;
    enum ct_why why;
    uint32_t at; /* the socket that is asked */
    uint32_t tries;
    bool only_here;     /* its socket told of it: others are not asked */
    bool died, skipped; /* skipped: a socket that cannot be asked now */
    uint64_t not_before_ns;
    json_t *attributes; /* of the event that told of it, or NULL */
    json_t *container;  /* while its image is asked for */
    char id[CT_ID_MAX + 1];
};
TAILQ_HEAD(dk_jobs, dk_job);

struct dk_image {
    char id[128];
    json_t *json; /* NULL: there is none */
    uint64_t used;
};

struct docker {
    const struct gyr_host *host;
    const struct dk_config *cfg;
    struct containers *containers;
    uint64_t thread;
    bool running;
    atomic_bool stopping, asked; /* asked: since the thread last looked */

    struct dk_http http;
    struct dk_socket sockets[DK_SOCKETS_MAX];
    uint32_t n_sockets;
    uint64_t look_ns; /* when to look for sockets again */
    struct dk_jobs jobs, under_way;
    uint32_t n_jobs, n_under_way;
    struct dk_image images[DK_IMAGES_MAX];
    uint32_t n_images;
    uint64_t image_clock;
    struct dk_facts facts; /* room to work in */
};

uint64_t dk_now(const struct docker *d);

/* ---- sockets.c ---- */

/** Look for sockets, connect what is due. @return nanoseconds until it wants to be called again. */
uint64_t dk_sockets_tick(struct docker *d);
/** Somebody waits: what is down is tried again now, unless it was a moment ago. */
void dk_sockets_hurry(struct docker *d);
/** It did not answer as a runtime does: give it up for now. */
void dk_socket_failed(struct dk_socket *s, const char *why);

/* ---- jobs.c ---- */

/** Look a container up. @param from that told of it; NULL: all are asked in turn. @param attributes
 *  borrowed, may be NULL. */
void dk_job_add(struct docker *d, const char *id, enum ct_why why, struct dk_socket *from,
                const json_t *attributes);
/** It ended, told by a runtime. */
void dk_job_died(struct docker *d, const char *id);
/** Take what is asked for, begin what can begin. @return nanoseconds until the next is due. */
uint64_t dk_jobs_tick(struct docker *d);
void dk_jobs_free(struct docker *d);

#endif /* DOCKER_DOCKER_H */
