/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file http.h
 * @brief /metrics, /healthz, /readyz and /version over HTTP. Main thread; nothing here waits.
 */
#ifndef SERVICE_HTTP_H
#define SERVICE_HTTP_H

#include "base/buf.h"

#include <gyr/util.h>
#include <stdint.h>

/** Who answers. Each fills an empty buffer. */
struct http_conf {
    const char *listen; /**< see parse_listen() */
    void *ctx;
    void (*metrics)(void *ctx, struct buf *b);
    /** @return whether it is so. @p b gets a line that says what is not. */
    bool (*healthy)(void *ctx, struct buf *b);
    bool (*ready)(void *ctx, struct buf *b);
};

struct http;

/** @return 0; a negative errno with a sentence: the address is taken, or not ours. */
int http_open(const struct http_conf *conf, struct http **ret, struct gyr_error *err);
/** Becomes readable when http_tick() has something to do. */
int http_fd(const struct http *h);
/** @return nanoseconds until it wants to be called again; UINT64_MAX: when the fd says so. */
uint64_t http_tick(struct http *h);
void http_close(struct http *h); /**< NULL is fine */

#endif /* SERVICE_HTTP_H */
