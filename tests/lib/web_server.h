/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file web_server.h
 * @brief An HTTP/1.1 server for tests, on a port of 127.0.0.1: keeps what it was sent, and answers,
 * or fails to, as it is told. A thread for each connection.
 *
 * All calls but start and stop may come from any thread. What fails to set up aborts.
 */
#ifndef TESTS_WEB_SERVER_H
#define TESTS_WEB_SERVER_H

#include <openssl/ssl.h>
#include <stdint.h>

enum { WEB_REQUESTS_MAX = 256, WEB_HEAD_MAX = 8192, WEB_BODY_MAX = 1 << 20 };

enum web_act {
    WEB_ANSWER, /**< status, headers, body */
    WEB_DRIP,   /**< the same, a byte at a time */
    WEB_RESET,  /**< the connection is reset when the request is there */
    WEB_CUT,    /**< closed in the middle of an answer of 200 */
    WEB_HANG    /**< no answer, until the server is stopped or the client goes */
};

struct web_reply {
    enum web_act act;
    int status;          /**< 0: 200 */
    const char *headers; /**< "Retry-After: 3\r\n"; may be NULL. Borrowed, like body */
    const char *body;
};

struct web_request {
    char head[WEB_HEAD_MAX]; /**< request line and headers */
    char *body;              /**< NUL-terminated */
    size_t body_len;
};

struct web_server;

/** @param tls NULL: in the clear. Borrowed. */
struct web_server *web_server_start(SSL_CTX *tls);
void web_server_stop(struct web_server *s);
unsigned web_server_port(const struct web_server *s);

/** The next answer that is not yet told; behind the last, answers are an empty 200. */
void web_server_tell(struct web_server *s, struct web_reply r);

/** How many requests came, and the @p i th of them, good until stop. */
uint32_t web_server_count(struct web_server *s);
const struct web_request *web_server_request(struct web_server *s, uint32_t i);
/** How many connections were made. */
uint32_t web_server_connections(struct web_server *s);
/** The value of a header of @p r, in one of four buffers that take turns; NULL: it has none. */
const char *web_header(const struct web_request *r, const char *name);

#endif /* TESTS_WEB_SERVER_H */
