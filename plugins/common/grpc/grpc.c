/* SPDX-License-Identifier: Apache-2.0 */
#include "grpc_priv.h"

#include <errno.h>
#include <gyr/util.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { POLLED_MAX = 32 };
static const uint64_t NS_S = 1000000000, NS_MS = 1000000;

static uint64_t now_ns(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * NS_S + (uint64_t)ts.tv_nsec;
}

/* ---- the end of a call ---- */

static void release(struct grpc_call *c)
{
    grpc_frames_free(&c->frames);
    free(c->body);
    free(c);
}

void grpc_call_end(struct grpc_call *c, int status, const char *text)
{
    struct grpc_conn *conn = c->conn;

    if (text != c->text)
        (void)snprintf(c->text, sizeof(c->text), "%s", text);
    c->verdict = status;
    c->conn = NULL;
    TAILQ_REMOVE(&conn->calls, c, link);
    TAILQ_INSERT_TAIL(&conn->g->ended, c, link);
}

/* Why a call ended that we ended. */
static void end_refused(struct grpc_call *c)
{
    switch (c->failed) {
    case -EMSGSIZE:
        grpc_call_end(c, GRPC_EXHAUSTED, "the answer is too long");
        break;
    case -ENOMEM:
        grpc_call_end(c, GRPC_EXHAUSTED, "no memory for the answer");
        break;
    case -EBADMSG:
        grpc_call_end(c, GRPC_INTERNAL, "the answer cannot be read");
        break;
    default:
        grpc_call_end(c, GRPC_INTERNAL, "the answer is no gRPC as agreed upon");
        break;
    }
}

void grpc_call_closed(struct grpc_call *c, uint32_t http2_error)
{
    if (c->failed)
        end_refused(c);
    else if (c->status != NO_STATUS && c->status != GRPC_OK)
        grpc_call_end(c, c->status, c->text);
    else if (http2_error != NGHTTP2_NO_ERROR)
        grpc_call_end(c, GRPC_UNAVAILABLE, nghttp2_http2_strerror(http2_error));
    else if (c->http_status != 200 || !c->is_grpc)
        grpc_call_end(c, GRPC_INTERNAL, "no gRPC is spoken");
    else if (c->status == NO_STATUS || grpc_frames_partial(&c->frames))
        grpc_call_end(c, GRPC_UNAVAILABLE, "the answer ends early");
    else if (!c->streams && c->n_messages != 1)
        grpc_call_end(c, GRPC_INTERNAL, "there is no answer");
    else
        grpc_call_end(c, GRPC_OK, "");
}

/* ---- what comes back ---- */

static int on_message(void *arg, const uint8_t *p, size_t len)
{
    struct grpc_call *c = arg;

    if (c->n_messages++ && !c->streams)
        return -EPROTO;
    return c->message_fn(c->arg, p, len) < 0 ? -EBADMSG : 0;
}

int grpc_call_body(struct grpc_call *c, const uint8_t *p, size_t len)
{
    c->failed = c->is_grpc ? grpc_frames_feed(&c->frames, p, len, on_message, c) : -EPROTO;
    return c->failed;
}

static int small_number(const char *p, size_t len)
{
    int v = 0;

    if (len == 0 || len > 4)
        return GRPC_UNKNOWN;
    for (size_t i = 0; i < len; i++) {
        if (p[i] < '0' || p[i] > '9')
            return GRPC_UNKNOWN;
        v = v * 10 + (p[i] - '0');
    }
    return v;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent-encoded; what is no printable text becomes a question mark. */
static void keep_text(char *to, size_t room, const char *p, size_t len)
{
    size_t n = 0;

    for (size_t i = 0; i < len && n + 1 < room; i++) {
        char ch = p[i];

        if (ch == '%' && i + 2 < len && hex_digit(p[i + 1]) >= 0 && hex_digit(p[i + 2]) >= 0) {
            ch = (char)(hex_digit(p[i + 1]) << 4 | hex_digit(p[i + 2]));
            i += 2;
        }
        to[n++] = (unsigned char)ch < 0x20 || ch == 0x7f ? '?' : ch;
    }
    to[n] = '\0';
}

static bool is(const char *name, size_t len, const char *what)
{
    return len == strlen(what) && memcmp(name, what, len) == 0;
}

void grpc_call_header(struct grpc_call *c, const char *name, size_t name_len, const char *value,
                      size_t len)
{
    static const char type[] = "application/grpc";

    if (is(name, name_len, ":status"))
        c->http_status = small_number(value, len);
    else if (is(name, name_len, "content-type"))
        c->is_grpc = len >= sizeof(type) - 1 && memcmp(value, type, sizeof(type) - 1) == 0;
    else if (is(name, name_len, "grpc-status"))
        c->status = small_number(value, len);
    else if (is(name, name_len, "grpc-message"))
        keep_text(c->text, sizeof(c->text), value, len);
}

/* ---- calls ---- */

static int set_body(struct grpc_call *c, const struct grpc_request *r)
{
    c->body_len = GRPC_FRAME_HEAD + r->len;
    c->body = malloc(c->body_len);
    if (!c->body)
        return -ENOMEM;
    grpc_frame_head(c->body, (uint32_t)r->len);
    if (r->len)
        memcpy(c->body + GRPC_FRAME_HEAD, r->message, r->len);
    return 0;
}

/* A socket that is not reached is told like any other end: by done(). */
static int submit(struct grpc *g, struct grpc_call *c, const struct grpc_request *r)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    struct grpc_conn *conn;
    int ret;

    memcpy(addr.sun_path, r->socket, strlen(r->socket) + 1);
    ret = grpc_conn_get(g, &addr, &conn);
    if (ret == 0)
        ret = grpc_conn_submit(conn, c, r);
    if (ret == 0 || ret == -ENOMEM)
        return ret;
    (void)snprintf(c->text, sizeof(c->text), "%s", strerror(-ret));
    c->verdict = GRPC_UNAVAILABLE;
    TAILQ_INSERT_TAIL(&g->ended, c, link);
    return 0;
}

int grpc_start(struct grpc *g, const struct grpc_request *r, struct grpc_call **ret,
               struct gyr_error *err)
{
    struct sockaddr_un addr;
    struct grpc_call *c;
    int rc;

    if (strlen(r->socket) >= sizeof(addr.sun_path))
        return gyr_fail(err, -EINVAL, "'%s' is too long for the name of a socket", r->socket);
    c = calloc(1, sizeof(*c));
    if (!c)
        return gyr_fail(err, -ENOMEM, "no memory");
    c->message_fn = r->message_fn;
    c->done = r->done;
    c->arg = r->arg;
    c->streams = r->streams != 0;
    c->status = NO_STATUS;
    c->frames.max = GRPC_MESSAGE_MAX;
    c->deadline_ns = r->timeout_ms ? now_ns() + r->timeout_ms * NS_MS : 0;
    rc = set_body(c, r);
    if (rc == 0)
        rc = submit(g, c, r);
    if (rc < 0) {
        release(c);
        return gyr_fail(err, rc, "no memory");
    }
    *ret = c;
    return 0;
}

void grpc_cancel(struct grpc *g, struct grpc_call *c)
{
    if (c->conn) {
        grpc_conn_forget(c);
        TAILQ_REMOVE(&c->conn->calls, c, link);
    } else {
        TAILQ_REMOVE(&g->ended, c, link);
    }
    release(c);
}

/* ---- work ---- */

static void tell_ended(struct grpc *g)
{
    struct grpc_call *c;

    while ((c = TAILQ_FIRST(&g->ended))) {
        TAILQ_REMOVE(&g->ended, c, link);
        c->done(c->arg, c->verdict, c->text);
        release(c);
    }
}

/* @return the nearest deadline; those that are over are ended. */
static uint64_t check_deadlines(struct grpc *g, uint64_t now)
{
    uint64_t next = UINT64_MAX;
    struct grpc_conn *conn;
    struct grpc_call *c, *after;

    for (conn = LIST_FIRST(&g->conns); conn; conn = LIST_NEXT(conn, link)) {
        for (c = TAILQ_FIRST(&conn->calls); c; c = after) {
            after = TAILQ_NEXT(c, link);
            if (!c->deadline_ns)
                continue;
            if (c->deadline_ns <= now) {
                grpc_conn_forget(c);
                grpc_call_end(c, GRPC_DEADLINE, "no answer in time");
            } else if (c->deadline_ns < next) {
                next = c->deadline_ns;
            }
        }
    }
    return next;
}

static uint32_t gather(struct grpc *g, struct pollfd *fds, struct grpc_conn **conns)
{
    struct grpc_conn *c;
    uint32_t n = 0;

    fds[n++] = (struct pollfd){.fd = g->wake_fd, .events = POLLIN};
    for (c = LIST_FIRST(&g->conns); c; c = LIST_NEXT(c, link)) {
        if (n == POLLED_MAX)
            break;
        conns[n] = c;
        fds[n++] = (struct pollfd){
            .fd = c->fd, .events = (short)(POLLIN | (grpc_conn_wants_write(c) ? POLLOUT : 0))};
    }
    return n;
}

static int wait_ms(uint64_t now, uint64_t deadline, uint32_t timeout_ms)
{
    uint64_t ms = deadline == UINT64_MAX ? timeout_ms : (deadline - now) / NS_MS + 1;

    return (int)(ms < timeout_ms ? ms : timeout_ms);
}

static void work(struct grpc_conn *c, bool readable)
{
    char why[GRPC_TEXT_MAX];

    if (grpc_conn_work(c, readable, why) < 0)
        grpc_conn_lost(c, why);
    else if (c->leaving && TAILQ_EMPTY(&c->calls))
        grpc_conn_lost(c, "");
}

void grpc_run(struct grpc *g, uint32_t timeout_ms)
{
    struct pollfd fds[POLLED_MAX];
    struct grpc_conn *conns[POLLED_MAX];
    uint64_t now = now_ns(), deadline = check_deadlines(g, now), drained;
    uint32_t n = gather(g, fds, conns);

    if (!TAILQ_EMPTY(&g->ended))
        timeout_ms = 0;
    (void)poll(fds, n, wait_ms(now, deadline, timeout_ms));
    if (fds[0].revents)
        (void)!read(g->wake_fd, &drained, sizeof(drained));
    for (uint32_t i = 1; i < n; i++)
        if (fds[i].revents)
            work(conns[i], (fds[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0);
    tell_ended(g);
}

void grpc_wake(struct grpc *g)
{
    static const uint64_t one = 1;

    (void)!write(g->wake_fd, &one, sizeof(one));
}

int grpc_new(struct grpc **ret, struct gyr_error *err)
{
    struct grpc *g = calloc(1, sizeof(*g));

    if (!g)
        return gyr_fail(err, -ENOMEM, "no memory");
    LIST_INIT(&g->conns);
    TAILQ_INIT(&g->ended);
    g->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (g->wake_fd < 0) {
        int ret_code = -errno;

        free(g);
        return gyr_fail(err, ret_code, "cannot make an eventfd: %s", strerror(-ret_code));
    }
    *ret = g;
    return 0;
}

void grpc_free(struct grpc *g)
{
    struct grpc_conn *c;
    struct grpc_call *call;

    if (!g)
        return;
    while ((c = LIST_FIRST(&g->conns)))
        grpc_conn_lost(c, "");
    while ((call = TAILQ_FIRST(&g->ended))) {
        TAILQ_REMOVE(&g->ended, call, link);
        release(call);
    }
    (void)close(g->wake_fd);
    free(g);
}
