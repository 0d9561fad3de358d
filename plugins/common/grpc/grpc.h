/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file grpc.h
 * @brief Calls of gRPC over unix sockets: one question, and one answer or a stream of them.
 *
 * HTTP/2 is nghttp2's, with prior knowledge (libcurl 7.88 breaks the second call that shares a
 * connection over a unix socket); calls to one socket share a connection. All of it
 * belongs to one thread, but for grpc_wake(). Whatever the far side sends is bounded: messages by
 * GRPC_MESSAGE_MAX, calls without end by their deadline.
 */
#ifndef GRPC_H
#define GRPC_H

#include <gyr/types.h>

struct grpc;      /**< the calls of one thread, and their connections */
struct grpc_call; /**< one that is under way; gone when done() is called, or cancelled */

enum {
    GRPC_MESSAGE_MAX = 4 << 20, /**< longest message that is taken, bytes */
    GRPC_TEXT_MAX = 256         /**< what is kept of the far side's words */
};

/** How a call ended: the codes of gRPC, as far as they matter here. */
enum {
    GRPC_OK = 0,
    GRPC_UNKNOWN = 2,
    GRPC_INVALID = 3,
    GRPC_DEADLINE = 4,
    GRPC_NOT_FOUND = 5,
    GRPC_EXHAUSTED = 8, /**< a message was too long */
    GRPC_UNIMPLEMENTED = 12,
    GRPC_INTERNAL = 13, /**< the answer was no gRPC, or one that could not be read */
    GRPC_UNAVAILABLE = 14
};

struct grpc_request {
    const char *socket;      /**< path */
    const char *method;      /**< "/package.Service/Method" */
    const char *key, *value; /**< one header more, its name in lower case; NULL: none */
    const void *message;     /**< copied; len 0 is an empty message */
    size_t len;
    uint32_t timeout_ms; /**< deadline of the whole call; 0: none, for a stream that goes on */
    uint32_t streams;    /**< nonzero: any number of answers, else one */
    /** One answer, borrowed. Below 0 ends the call as GRPC_INTERNAL. It is called from the midst
     *  of nghttp2: no call may be started or cancelled from it. */
    int (*message_fn)(void *arg, const uint8_t *p, size_t len);
    /** The end, always once, never from within grpc_start(). @p text may be empty. Calls may be
     *  started and cancelled from it. */
    void (*done)(void *arg, int status, const char *text);
    void *arg;
};

/** @return 0; -ENOMEM, -EMFILE. */
int grpc_new(struct grpc **ret, struct gyr_error *err);
/** Calls under way end without done(). */
void grpc_free(struct grpc *g);

/** Begin a call; what the request points to need not outlive this, but for arg.
 *  @return 0, also when the socket is not reached: done() tells; -ENOMEM; -EINVAL for a name of a
 *  socket too long. */
int grpc_start(struct grpc *g, const struct grpc_request *r, struct grpc_call **ret,
               struct gyr_error *err);
/** Drop a call: neither message_fn() nor done() follows. */
void grpc_cancel(struct grpc *g, struct grpc_call *c);

/** Wait, at most @p timeout_ms, and work: callbacks are called from here. Returns early after
 *  grpc_wake(). */
void grpc_run(struct grpc *g, uint32_t timeout_ms);
/** Any thread. */
void grpc_wake(struct grpc *g);

#endif /* GRPC_H */
