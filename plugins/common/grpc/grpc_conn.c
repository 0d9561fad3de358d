/* SPDX-License-Identifier: Apache-2.0 */
/* One connection: a unix socket, and nghttp2 on it. */
#include "grpc_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WINDOW = 1 << 20, READ_MAX = 64 << 10, ROUNDS_MAX = 64 };

/* ---- what nghttp2 tells ---- */

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t len, uint8_t flags, void *arg)
{
    struct grpc_call *call = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);

    (void)flags;
    (void)arg;
    if (call)
        grpc_call_header(call, (const char *)name, name_len, (const char *)value, len);
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *p,
                   size_t len, void *arg)
{
    struct grpc_call *call = nghttp2_session_get_stream_user_data(session, stream);

    (void)flags;
    (void)arg;
    if (call && !call->failed && grpc_call_body(call, p, len) < 0)
        (void)nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, stream, NGHTTP2_CANCEL);
    return 0;
}

static int on_close(nghttp2_session *session, int32_t stream, uint32_t error, void *arg)
{
    struct grpc_call *call = nghttp2_session_get_stream_user_data(session, stream);

    (void)arg;
    if (call)
        grpc_call_closed(call, error);
    return 0;
}

static ssize_t read_body(nghttp2_session *session, int32_t stream, uint8_t *to, size_t room,
                         uint32_t *flags, nghttp2_data_source *source, void *arg)
{
    struct grpc_call *call = nghttp2_session_get_stream_user_data(session, stream);
    size_t n;

    (void)source;
    (void)arg;
    if (!call)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    n = call->body_len - call->body_sent;
    n = n < room ? n : room;
    memcpy(to, call->body + call->body_sent, n);
    call->body_sent += n;
    if (call->body_sent == call->body_len)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)n;
}

static int make_session(struct grpc_conn *c)
{
    static const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, WINDOW},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, 16 << 10},
    };
    nghttp2_session_callbacks *callbacks;
    int bad;

    if (nghttp2_session_callbacks_new(&callbacks) != 0)
        return -ENOMEM;
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    bad = nghttp2_session_client_new(&c->session, callbacks, c);
    nghttp2_session_callbacks_del(callbacks);
    if (bad)
        return -ENOMEM;
    bad |= nghttp2_submit_settings(c->session, NGHTTP2_FLAG_NONE, settings,
                                   sizeof(settings) / sizeof(settings[0]));
    bad |= nghttp2_session_set_local_window_size(c->session, NGHTTP2_FLAG_NONE, 0, 4 * WINDOW);
    return bad ? -ENOMEM : 0;
}

/* ---- life ---- */

static void conn_free(struct grpc_conn *c)
{
    nghttp2_session_del(c->session);
    if (c->fd >= 0)
        (void)close(c->fd);
    free(c);
}

static int conn_open(struct grpc_conn *c)
{
    c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (c->fd < 0)
        return -errno;
    /* Of a unix socket this is decided at once; EAGAIN: too many wait already. */
    if (connect(c->fd, (const struct sockaddr *)&c->addr, sizeof(c->addr)) < 0)
        return -errno;
    return make_session(c);
}

int grpc_conn_get(struct grpc *g, const struct sockaddr_un *addr, struct grpc_conn **ret)
{
    struct grpc_conn *c;
    int r;

    for (c = LIST_FIRST(&g->conns); c; c = LIST_NEXT(c, link)) {
        if (strcmp(c->addr.sun_path, addr->sun_path) != 0 || c->leaving)
            continue;
        if (nghttp2_session_check_request_allowed(c->session)) {
            *ret = c;
            return 0;
        }
        c->leaving = true; /* the far side said so */
    }
    c = calloc(1, sizeof(*c));
    if (!c)
        return -ENOMEM;
    c->g = g;
    c->addr = *addr;
    TAILQ_INIT(&c->calls);
    r = conn_open(c);
    if (r < 0) {
        conn_free(c);
        return r;
    }
    LIST_INSERT_HEAD(&g->conns, c, link);
    *ret = c;
    return 0;
}

void grpc_conn_lost(struct grpc_conn *c, const char *why)
{
    struct grpc_call *call;

    while ((call = TAILQ_FIRST(&c->calls)))
        grpc_call_end(call, GRPC_UNAVAILABLE, why);
    LIST_REMOVE(c, link);
    conn_free(c);
}

/* ---- calls ---- */

static nghttp2_nv pair(const char *name, const char *value)
{
    return (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name),
                        strlen(value), NGHTTP2_NV_FLAG_NONE};
}

int grpc_conn_submit(struct grpc_conn *c, struct grpc_call *call, const struct grpc_request *r)
{
    nghttp2_data_provider body = {.read_callback = read_body};
    nghttp2_nv nv[9];
    char timeout[16];
    size_t n = 0;
    int32_t id;

    nv[n++] = pair(":method", "POST");
    nv[n++] = pair(":scheme", "http");
    nv[n++] = pair(":path", r->method);
    nv[n++] = pair(":authority", "localhost");
    nv[n++] = pair("content-type", "application/grpc");
    nv[n++] = pair("te", "trailers");
    nv[n++] = pair("user-agent", "gyr");
    if (r->timeout_ms) {
        (void)snprintf(timeout, sizeof(timeout), "%um", r->timeout_ms);
        nv[n++] = pair("grpc-timeout", timeout);
    }
    if (r->key)
        nv[n++] = pair(r->key, r->value);
    id = nghttp2_submit_request(c->session, NULL, nv, n, &body, call);
    if (id < 0)
        return id == NGHTTP2_ERR_NOMEM ? -ENOMEM : -EPIPE;
    call->stream = id;
    call->conn = c;
    TAILQ_INSERT_TAIL(&c->calls, call, link);
    return 0;
}

void grpc_conn_forget(struct grpc_call *call)
{
    struct grpc_conn *c = call->conn;

    (void)nghttp2_session_set_stream_user_data(c->session, call->stream, NULL);
    (void)nghttp2_submit_rst_stream(c->session, NGHTTP2_FLAG_NONE, call->stream, NGHTTP2_CANCEL);
}

/* ---- bytes ---- */

static int put_out(struct grpc_conn *c)
{
    for (;;) {
        ssize_t n;

        if (c->out_len == 0) {
            n = nghttp2_session_mem_send(c->session, &c->out);
            if (n < 0)
                return -EPROTO;
            if (n == 0)
                return 0;
            c->out_len = (size_t)n;
        }
        n = send(c->fd, c->out, c->out_len, MSG_NOSIGNAL);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        c->out += n;
        c->out_len -= (size_t)n;
    }
}

/* One that sends without end does not keep the others waiting. */
static int take_in(struct grpc_conn *c)
{
    uint8_t buf[READ_MAX];

    for (int round = 0; round < ROUNDS_MAX; round++) {
        ssize_t n = recv(c->fd, buf, sizeof(buf), 0);

        if (n < 0)
            return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        if (n == 0)
            return -ECONNRESET;
        if (nghttp2_session_mem_recv(c->session, buf, (size_t)n) < 0)
            return -EPROTO;
        if ((size_t)n < sizeof(buf))
            return 0;
    }
    return 0;
}

static const char *reason(int r)
{
    switch (r) {
    case -EPROTO:
        return "no HTTP/2 is spoken";
    case -ECONNRESET:
    case -EPIPE:
        return "the connection was closed";
    default:
        return strerror(-r);
    }
}

int grpc_conn_work(struct grpc_conn *c, bool readable, char why[GRPC_TEXT_MAX])
{
    int r = readable ? take_in(c) : 0, w = put_out(c);

    r = r < 0 ? r : w;
    if (r == 0 && !nghttp2_session_want_read(c->session) &&
        !nghttp2_session_want_write(c->session) && c->out_len == 0)
        r = -ECONNRESET;
    if (r < 0)
        (void)snprintf(why, GRPC_TEXT_MAX, "%s", reason(r));
    return r;
}

bool grpc_conn_wants_write(const struct grpc_conn *c)
{
    return c->out_len || nghttp2_session_want_write(c->session);
}
