/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file docker/request.h
 * @brief GETs to a runtime's unix socket: one answer, or a stream of lines. The plugin's thread
 * only.
 */
#ifndef DOCKER_REQUEST_H
#define DOCKER_REQUEST_H

#include "http/http.h"

#include <sys/queue.h>

struct dk_request;

/** @param a status 0: no whole answer came, and a->why says what went wrong. The request is freed
 *  after it. */
typedef void dk_done(struct dk_request *r, const struct http_answer *a);
/** One line of a stream. */
typedef void dk_line(struct dk_request *r, const char *line, size_t len);

struct dk_request {
    TAILQ_ENTRY(dk_request) link;
    struct dk_http *http;
    struct http_call *call;
    dk_done *done;
    dk_line *line; /* of a stream; else NULL */
    void *ctx;
    void *owner; /* the endpoint */
    char *rest;  /* of a stream: a line that has not ended */
    size_t len, cap;
};

struct dk_http {
    struct http *http;
    TAILQ_HEAD(dk_requests, dk_request) active;
};

int dk_http_init(struct dk_http *h);  /**< 0; -ENOMEM */
void dk_http_free(struct dk_http *h); /**< gives up what is under way, without calling anybody */

struct dk_get {
    const char *socket, *path;
    uint64_t timeout_ns; /**< of all of it; 0: as long as it lasts */
    dk_done *done;
    dk_line *line;
    void *ctx, *owner;
};
/** Begin. @return NULL: no memory; nobody is called then. */
struct dk_request *dk_http_get(struct dk_http *h, const struct dk_get *g);
/** Give up all requests of an owner: their done() is called with status 0. */
void dk_http_cancel(struct dk_http *h, const void *owner);

#endif /* DOCKER_REQUEST_H */
