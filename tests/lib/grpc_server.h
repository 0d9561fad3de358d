/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file grpc_server.h
 * @brief A server of gRPC on a unix socket, in a thread of its own, with faults on demand.
 *
 * The handler is called on that thread, under the server's lock, when a request has come whole.
 */
#ifndef TESTS_GRPC_SERVER_H
#define TESTS_GRPC_SERVER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct grpc_server;
struct gs_call; /* one request that is being answered */

/** What goes wrong, of the calls whose method holds a text. */
enum gs_fault {
    GS_NONE,
    GS_SILENT,     /* no answer, ever */
    GS_SLOW,       /* the answer comes after 300 ms */
    GS_DROP,       /* the connection is closed */
    GS_RST,        /* the stream is reset */
    GS_HUGE,       /* a message of 2 GiB is announced, and 8 MiB of it sent */
    GS_MALFORMED,  /* the message is no protobuf */
    GS_STATUS,     /* status 13 */
    GS_DENIED,     /* status 7 */
    GS_OLD,        /* status 12: no such method */
    GS_NO_STATUS,  /* the stream ends without trailers */
    GS_COMPRESSED, /* a message in a form that was not agreed upon */
    GS_HTTP,       /* a web page, status 502 */
    GS_GOAWAY,     /* answered, and then no more calls on this connection */
    GS_TWICE       /* the message comes twice */
};

/** @return 0, or the status of gRPC; then what was sent counts nothing. */
typedef int gs_handler(void *arg, struct gs_call *call);

/** Aborts when it cannot. @param path of the socket, removed before. */
struct grpc_server *grpc_server_new(const char *path, gs_handler *handler, void *arg);
/** NULL is fine. The socket is removed. */
void grpc_server_free(struct grpc_server *s);

void grpc_server_fault(struct grpc_server *s, const char *method, enum gs_fault fault);
/** Close all connections. */
void grpc_server_cut(struct grpc_server *s);
/** How often a method that holds the text was called. */
unsigned grpc_server_calls(struct grpc_server *s, const char *method);
/** Send a message to every open stream of a method. @return how many those were. */
unsigned grpc_server_push(struct grpc_server *s, const char *method, const void *p, size_t len);

/* ---- for the handler ---- */

const char *gs_method(const struct gs_call *c);
const char *gs_namespace(const struct gs_call *c); /* of containerd; "" */
const uint8_t *gs_request(const struct gs_call *c, size_t *ret_len);
/** Put a message into the answer. */
void gs_send(struct gs_call *c, const void *p, size_t len);
/** The answer goes on: the stream stays open. */
void gs_keep_open(struct gs_call *c);

#endif /* TESTS_GRPC_SERVER_H */
