/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file grpc_priv.h
 * @brief Shared by the files of the client: calls here, the connection under them there.
 */
#ifndef GRPC_PRIV_H
#define GRPC_PRIV_H

#include "grpc.h"
#include "grpc_frames.h"

#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <sys/queue.h>
#include <sys/un.h>

enum { NO_STATUS = -1 };

TAILQ_HEAD(grpc_calls, grpc_call);
LIST_HEAD(grpc_conns, grpc_conn);

/** A connection: one for each socket, and those that end. */
struct grpc_conn {
    LIST_ENTRY(grpc_conn) link;
    struct sockaddr_un addr;
    int fd;
    bool leaving; /* takes no more calls */
    nghttp2_session *session;
    const uint8_t *out; /* of the session, not written yet */
    size_t out_len;
    struct grpc_calls calls;
    struct grpc *g;
};

struct grpc_call {
    TAILQ_ENTRY(grpc_call) link; /* of its connection, or of those that have ended */
    struct grpc_conn *conn;      /* NULL: ended */
    int32_t stream;
    uint8_t *body;
    size_t body_len, body_sent;
    struct grpc_frames frames;
    uint32_t n_messages;
    bool streams, is_grpc;
    int http_status, status; /* as told by the far side */
    int failed;              /* 0, or why we end the call: a negative errno */
    int verdict;             /* when it has ended */
    uint64_t deadline_ns;    /* 0: none */
    int (*message_fn)(void *arg, const uint8_t *p, size_t len);
    void (*done)(void *arg, int status, const char *text);
    void *arg;
    char text[GRPC_TEXT_MAX];
};

struct grpc {
    struct grpc_conns conns;
    struct grpc_calls ended; /* done() is still to be called */
    int wake_fd;
};

/* ---- grpc_conn.c ---- */

/** The connection to a socket, made if there is none. @return 0; a negative errno. */
int grpc_conn_get(struct grpc *g, const struct sockaddr_un *addr, struct grpc_conn **ret);
/** Begin a call on it. @return 0; -ENOMEM, -EPIPE. */
int grpc_conn_submit(struct grpc_conn *c, struct grpc_call *call, const struct grpc_request *r);
/** No more of a call's stream. */
void grpc_conn_forget(struct grpc_call *call);
/** Read and write what can be. @return 0; negative: it is broken, see grpc_conn_lost(). */
int grpc_conn_work(struct grpc_conn *c, bool readable, char why[GRPC_TEXT_MAX]);
bool grpc_conn_wants_write(const struct grpc_conn *c);
/** End it and its calls. */
void grpc_conn_lost(struct grpc_conn *c, const char *why);

/* ---- grpc.c ---- */

/** A header or trailer. */
void grpc_call_header(struct grpc_call *call, const char *name, size_t name_len, const char *value,
                      size_t len);
/** A piece of the body. @return 0; negative: to be ended, call->failed says why. */
int grpc_call_body(struct grpc_call *call, const uint8_t *p, size_t len);
/** Its stream has ended: judge, and put it among those that have ended. */
void grpc_call_closed(struct grpc_call *call, uint32_t http2_error);
/** End it thus. */
void grpc_call_end(struct grpc_call *call, int status, const char *text);

#endif /* GRPC_PRIV_H */
