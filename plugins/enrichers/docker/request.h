/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file docker/request.h
 * @brief HTTP over a runtime's unix socket: one GET, its answer bounded. The plugin's thread only.
 */
#ifndef DOCKER_REQUEST_H
#define DOCKER_REQUEST_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DK_ANSWER_MAX = 4 << 20, DK_LINE_MAX = 1 << 20, DK_REQUESTS_MAX = 64 };

struct dk_request;

/** @param status of HTTP; 0: no whole answer came, and @p why says what went wrong. The request is
 *  freed after it. */
typedef void dk_done(struct dk_request *r, long status, const char *why);
/** One line of a stream. */
typedef void dk_line(struct dk_request *r, const char *line, size_t len);

struct dk_request {
    uint32_t place; /* in dk_http.active */
    CURL *easy;
    char *body;
    size_t len, cap, max;
    dk_done *done;
    dk_line *line; /* of a stream; else NULL */
    void *ctx;
    void *owner; /* the endpoint */
    bool too_large;
};

struct dk_http {
    CURLM *multi;
    struct dk_request *active[DK_REQUESTS_MAX];
};

int dk_http_init(struct dk_http *h);  /**< 0; -ENOMEM */
void dk_http_free(struct dk_http *h); /**< gives up what is under way, without calling anybody */

struct dk_get {
    const char *socket, *path;
    long timeout_ms; /**< of all of it; 0: as long as it lasts */
    dk_done *done;
    dk_line *line;
    void *ctx, *owner;
};
/** Begin. @return NULL: no memory, or too many at a time; nobody is called then. */
struct dk_request *dk_http_get(struct dk_http *h, const struct dk_get *g);
/** Let it work until something happens, at most @p wait_ms; calls done() and line(). */
void dk_http_run(struct dk_http *h, int wait_ms);
/** Give up all requests of an owner: their done() is called with status 0. */
void dk_http_cancel(struct dk_http *h, const void *owner);

#endif /* DOCKER_REQUEST_H */
