/* SPDX-License-Identifier: Apache-2.0 */
#include "grpc_server.h"

#include <errno.h>
#include <fcntl.h>
#include <nghttp2/nghttp2.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { CONNS = 16, REQUEST_MAX = 65536, METHODS = 64, NAME = 128, HUGE_SENT = 8 << 20, HEAD = 5 };

struct gs_call {
    struct gs_call *next;
    struct conn *conn;
    int32_t stream;
    char method[NAME], ns[NAME];
    uint8_t request[REQUEST_MAX];
    size_t request_len;
    uint8_t *out;
    size_t out_len, out_sent, out_cap;
    int status, http_status;
    enum gs_fault fault;
    bool open, answered, no_trailers, waits;
};

struct conn {
    int fd;
    nghttp2_session *session;
    struct gs_call *calls;
    struct grpc_server *s;
    const uint8_t *out; /* of the session, not sent yet */
    size_t out_len;
    bool drop;
};

struct grpc_server {
    char path[108];
    gs_handler *handler;
    void *arg;
    pthread_t thread;
    pthread_mutex_t lock;
    int fd, wake;
    bool stop, cut;
    struct conn conns[CONNS];
    struct {
        char method[NAME];
        unsigned n;
    } counts[METHODS];
    char fault_method[NAME];
    enum gs_fault fault;
};

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    perror(what);
    abort();
}

const char *gs_method(const struct gs_call *c)
{
    return c->method;
}

const char *gs_namespace(const struct gs_call *c)
{
    return c->ns;
}

const uint8_t *gs_request(const struct gs_call *c, size_t *ret_len)
{
    *ret_len = c->request_len > HEAD ? c->request_len - HEAD : 0;
    return c->request + HEAD;
}

static void put(struct gs_call *c, const void *p, size_t len)
{
    if (c->out_len + len > c->out_cap) {
        c->out_cap = (c->out_len + len) * 2;
        c->out = realloc(c->out, c->out_cap);
        must(c->out != NULL, "realloc");
    }
    if (len)
        memcpy(c->out + c->out_len, p, len);
    c->out_len += len;
}

void gs_send(struct gs_call *c, const void *p, size_t len)
{
    uint8_t head[HEAD] = {0, (uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8),
                          (uint8_t)len};

    put(c, head, sizeof(head));
    put(c, p, len);
}

void gs_keep_open(struct gs_call *c)
{
    c->open = true;
}

/* ---- the answer ---- */

static nghttp2_nv pair(const char *name, const char *value)
{
    return (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name),
                        strlen(value), NGHTTP2_NV_FLAG_NONE};
}

static ssize_t read_answer(nghttp2_session *session, int32_t stream, uint8_t *to, size_t room,
                           uint32_t *flags, nghttp2_data_source *source, void *arg)
{
    struct gs_call *c = source->ptr;
    size_t n = c->out_len - c->out_sent;
    char status[16];
    nghttp2_nv trailers[2];

    (void)arg;
    n = n < room ? n : room;
    if (n)
        memcpy(to, c->out + c->out_sent, n);
    c->out_sent += n;
    if (c->out_sent < c->out_len)
        return (ssize_t)n;
    if (c->open)
        return n ? (ssize_t)n : NGHTTP2_ERR_DEFERRED;
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (c->no_trailers)
        return (ssize_t)n;
    (void)snprintf(status, sizeof(status), "%d", c->status);
    trailers[0] = pair("grpc-status", status);
    trailers[1] = pair("grpc-message", c->status ? "it is so%20wanted%0A" : "");
    *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    (void)nghttp2_submit_trailer(session, stream, trailers, 2);
    return (ssize_t)n;
}

static void respond(struct gs_call *c)
{
    nghttp2_data_provider body = {.source.ptr = c, .read_callback = read_answer};
    char status[16];
    nghttp2_nv nv[2];

    (void)snprintf(status, sizeof(status), "%d", c->http_status);
    nv[0] = pair(":status", status);
    nv[1] = pair("content-type", c->http_status == 200 ? "application/grpc+proto" : "text/html");
    (void)nghttp2_submit_response(c->conn->session, c->stream, nv, 2, &body);
    c->answered = true;
}

static void count(struct grpc_server *s, const char *method)
{
    for (int i = 0; i < METHODS; i++) {
        if (!s->counts[i].n)
            (void)snprintf(s->counts[i].method, NAME, "%s", method);
        if (strcmp(s->counts[i].method, method) == 0) {
            s->counts[i].n++;
            return;
        }
    }
}

static void spoil(struct gs_call *c)
{
    static const uint8_t garbage[] = {0xff, 0xff, 0xff, 0xff, 0x0f, 0x07},
                         huge[HEAD] = {0, 0x7f, 0xff, 0xff, 0xff};
    uint8_t *zeros;

    switch (c->fault) {
    case GS_SILENT:
        c->waits = true;
        break;
    case GS_DROP:
        c->conn->drop = true;
        break;
    case GS_RST:
        (void)nghttp2_submit_rst_stream(c->conn->session, NGHTTP2_FLAG_NONE, c->stream,
                                        NGHTTP2_INTERNAL_ERROR);
        c->waits = true;
        break;
    case GS_HUGE:
        c->out_len = 0;
        put(c, huge, sizeof(huge));
        zeros = calloc(1, HUGE_SENT);
        must(zeros != NULL, "calloc");
        put(c, zeros, HUGE_SENT);
        free(zeros);
        break;
    case GS_MALFORMED:
        c->out_len = 0;
        gs_send(c, garbage, sizeof(garbage));
        break;
    case GS_STATUS:
    case GS_DENIED:
    case GS_OLD:
        c->out_len = 0;
        c->open = false;
        c->status = c->fault == GS_STATUS ? 13 : c->fault == GS_DENIED ? 7 : 12;
        break;
    case GS_NO_STATUS:
        c->no_trailers = true;
        c->open = false;
        break;
    case GS_COMPRESSED:
        if (c->out_len)
            c->out[0] = 1;
        break;
    case GS_HTTP:
        c->out_len = 0;
        put(c, "<html>bad gateway</html>", 24);
        c->http_status = 502;
        c->no_trailers = true;
        break;
    case GS_TWICE:
        put(c, NULL, 0);
        if (c->out_len) {
            size_t n = c->out_len;
            uint8_t *copy = malloc(n);

            must(copy != NULL, "malloc");
            memcpy(copy, c->out, n);
            put(c, copy, n);
            free(copy);
        }
        break;
    default:
        break;
    }
}

static void on_request(struct gs_call *c)
{
    struct grpc_server *s = c->conn->s;

    count(s, c->method);
    c->http_status = 200;
    if (s->fault != GS_NONE && strstr(c->method, s->fault_method))
        c->fault = s->fault;
    c->status = s->handler(s->arg, c);
    if (c->status) {
        c->out_len = 0;
        c->open = false;
    }
    if (c->fault == GS_SLOW) {
        struct timespec ts = {.tv_nsec = 300000000};

        (void)nanosleep(&ts, NULL);
    }
    spoil(c);
    if (!c->waits && !c->conn->drop)
        respond(c);
    if (c->fault == GS_GOAWAY)
        (void)nghttp2_submit_goaway(c->conn->session, NGHTTP2_FLAG_NONE, c->stream,
                                    NGHTTP2_NO_ERROR, NULL, 0);
}

/* ---- nghttp2 ---- */

static int on_begin(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    struct conn *conn = arg;
    struct gs_call *c;

    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    c = calloc(1, sizeof(*c));
    must(c != NULL, "calloc");
    c->conn = conn;
    c->stream = frame->hd.stream_id;
    c->next = conn->calls;
    conn->calls = c;
    (void)nghttp2_session_set_stream_user_data(session, c->stream, c);
    return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t len, uint8_t flags, void *arg)
{
    struct gs_call *c = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);

    (void)flags;
    (void)arg;
    if (!c || len >= NAME)
        return 0;
    if (name_len == 5 && memcmp(name, ":path", 5) == 0)
        (void)snprintf(c->method, NAME, "%.*s", (int)len, (const char *)value);
    if (name_len == 20 && memcmp(name, "containerd-namespace", 20) == 0)
        (void)snprintf(c->ns, NAME, "%.*s", (int)len, (const char *)value);
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *p,
                   size_t len, void *arg)
{
    struct gs_call *c = nghttp2_session_get_stream_user_data(session, stream);

    (void)flags;
    (void)arg;
    if (c && c->request_len + len <= REQUEST_MAX) {
        memcpy(c->request + c->request_len, p, len);
        c->request_len += len;
    }
    return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    struct gs_call *c;

    (void)arg;
    if (frame->hd.type != NGHTTP2_DATA && frame->hd.type != NGHTTP2_HEADERS)
        return 0;
    if (!(frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
        return 0;
    c = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (c)
        on_request(c);
    return 0;
}

static void free_call(struct gs_call *c)
{
    free(c->out);
    free(c);
}

static int on_close(nghttp2_session *session, int32_t stream, uint32_t error, void *arg)
{
    struct conn *conn = arg;

    (void)session;
    (void)error;
    for (struct gs_call **at = &conn->calls; *at; at = &(*at)->next) {
        struct gs_call *c = *at;

        if (c->stream == stream) {
            *at = c->next;
            free_call(c);
            break;
        }
    }
    return 0;
}

/* ---- connections ---- */

static void drop(struct conn *c)
{
    nghttp2_session_del(c->session);
    c->session = NULL;
    while (c->calls) {
        struct gs_call *call = c->calls;

        c->calls = call->next;
        free_call(call);
    }
    (void)close(c->fd);
    c->fd = -1;
    c->drop = false;
}

static void take(struct grpc_server *s)
{
    nghttp2_session_callbacks *cb;
    int fd = accept4(s->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), i = 0;

    if (fd < 0)
        return;
    while (i < CONNS && s->conns[i].fd >= 0)
        i++;
    must(i < CONNS, "too many connections");
    s->conns[i] = (struct conn){.fd = fd, .s = s};
    must(nghttp2_session_callbacks_new(&cb) == 0, "nghttp2");
    nghttp2_session_callbacks_set_on_begin_headers_callback(cb, on_begin);
    nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_close);
    must(nghttp2_session_server_new(&s->conns[i].session, cb, &s->conns[i]) == 0, "nghttp2");
    nghttp2_session_callbacks_del(cb);
    (void)nghttp2_submit_settings(s->conns[i].session, NGHTTP2_FLAG_NONE, NULL, 0);
}

static void flush(struct conn *c)
{
    while (!c->drop) {
        ssize_t n;

        if (!c->out_len) {
            n = nghttp2_session_mem_send(c->session, &c->out);
            if (n <= 0)
                return;
            c->out_len = (size_t)n;
        }
        n = send(c->fd, c->out, c->out_len, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0) {
            c->drop = true;
            return;
        }
        c->out += n;
        c->out_len -= (size_t)n;
    }
}

static void serve(struct conn *c, short revents)
{
    uint8_t buf[65536];
    ssize_t n;

    if (revents & (POLLIN | POLLHUP)) {
        n = recv(c->fd, buf, sizeof(buf), 0);
        if (n == 0 || (n < 0 && errno != EAGAIN) ||
            (n > 0 && nghttp2_session_mem_recv(c->session, buf, (size_t)n) < 0))
            c->drop = true;
    }
    flush(c);
    if (c->drop)
        drop(c);
}

static void *run(void *arg)
{
    struct grpc_server *s = arg;
    struct pollfd p[2 + CONNS];
    uint64_t woken;

    pthread_mutex_lock(&s->lock);
    while (!s->stop) {
        p[0] = (struct pollfd){.fd = s->fd, .events = POLLIN};
        p[1] = (struct pollfd){.fd = s->wake, .events = POLLIN};
        for (int i = 0; i < CONNS; i++)
            p[2 + i] =
                (struct pollfd){.fd = s->conns[i].fd,
                                .events = (short)(POLLIN | (s->conns[i].out_len ? POLLOUT : 0))};
        pthread_mutex_unlock(&s->lock);
        (void)poll(p, 2 + CONNS, 1000);
        pthread_mutex_lock(&s->lock);
        if (p[1].revents)
            (void)!read(s->wake, &woken, sizeof(woken));
        for (int i = 0; i < CONNS; i++) {
            if (s->conns[i].fd >= 0 && s->cut)
                drop(&s->conns[i]);
            if (s->conns[i].fd >= 0)
                serve(&s->conns[i], s->conns[i].fd == p[2 + i].fd ? p[2 + i].revents : 0);
        }
        s->cut = false;
        if (p[0].revents)
            take(s);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

/* ---- for the test ---- */

struct grpc_server *grpc_server_new(const char *path, gs_handler *handler, void *arg)
{
    struct grpc_server *s = calloc(1, sizeof(*s));
    struct sockaddr_un sa = {.sun_family = AF_UNIX};

    must(s && strlen(path) < sizeof(sa.sun_path), "grpc_server");
    memcpy(s->path, path, strlen(path) + 1);
    memcpy(sa.sun_path, path, strlen(path) + 1);
    s->handler = handler;
    s->arg = arg;
    for (int i = 0; i < CONNS; i++)
        s->conns[i].fd = -1;
    s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    s->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    (void)unlink(path);
    must(s->fd >= 0 && s->wake >= 0, "socket");
    must(bind(s->fd, (struct sockaddr *)&sa, sizeof(sa)) == 0 && listen(s->fd, 16) == 0, path);
    pthread_mutex_init(&s->lock, NULL);
    must(pthread_create(&s->thread, NULL, run, s) == 0, "pthread_create");
    return s;
}

static void wake(struct grpc_server *s)
{
    static const uint64_t one = 1;

    (void)!write(s->wake, &one, sizeof(one));
}

void grpc_server_free(struct grpc_server *s)
{
    if (!s)
        return;
    pthread_mutex_lock(&s->lock);
    s->stop = true;
    pthread_mutex_unlock(&s->lock);
    wake(s);
    pthread_join(s->thread, NULL);
    for (int i = 0; i < CONNS; i++)
        if (s->conns[i].fd >= 0)
            drop(&s->conns[i]);
    (void)close(s->fd);
    (void)close(s->wake);
    (void)unlink(s->path);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

void grpc_server_fault(struct grpc_server *s, const char *method, enum gs_fault fault)
{
    pthread_mutex_lock(&s->lock);
    (void)snprintf(s->fault_method, NAME, "%s", method);
    s->fault = fault;
    pthread_mutex_unlock(&s->lock);
}

void grpc_server_cut(struct grpc_server *s)
{
    pthread_mutex_lock(&s->lock);
    s->cut = true;
    pthread_mutex_unlock(&s->lock);
    wake(s);
}

unsigned grpc_server_calls(struct grpc_server *s, const char *method)
{
    unsigned n = 0;

    pthread_mutex_lock(&s->lock);
    for (int i = 0; i < METHODS; i++)
        if (s->counts[i].n && strstr(s->counts[i].method, method))
            n += s->counts[i].n;
    pthread_mutex_unlock(&s->lock);
    return n;
}

unsigned grpc_server_push(struct grpc_server *s, const char *method, const void *p, size_t len)
{
    unsigned n = 0;

    pthread_mutex_lock(&s->lock);
    for (int i = 0; i < CONNS; i++)
        for (struct gs_call *c = s->conns[i].fd >= 0 ? s->conns[i].calls : NULL; c; c = c->next)
            if (c->open && c->answered && strstr(c->method, method)) {
                gs_send(c, p, len);
                (void)nghttp2_session_resume_data(s->conns[i].session, c->stream);
                n++;
            }
    pthread_mutex_unlock(&s->lock);
    wake(s);
    return n;
}
