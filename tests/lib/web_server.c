/* SPDX-License-Identifier: Apache-2.0 */
#include "web_server.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNS_MAX = 256, STEP_MS = 20 };

struct conn {
    struct web_server *s;
    pthread_t thread;
    int fd;
    SSL *ssl;
};

struct web_server {
    int fd;
    unsigned port;
    SSL_CTX *tls;
    pthread_t thread;
    atomic_bool stop;
    pthread_mutex_t lock; /* of all below */
    struct web_reply replies[WEB_REQUESTS_MAX];
    uint32_t n_replies, next_reply;
    struct web_request requests[WEB_REQUESTS_MAX];
    uint32_t n_requests;
    struct conn conns[CONNS_MAX];
    uint32_t n_conns;
};

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    perror(what);
    abort();
}

/* @return bytes; 0 at the end, on an error, and when the server is stopped. */
static size_t get(struct conn *c, char *p, size_t n)
{
    struct pollfd fd = {.fd = c->fd, .events = POLLIN};
    ssize_t r;

    while (!(c->ssl && SSL_pending(c->ssl)) && poll(&fd, 1, STEP_MS) == 0)
        if (atomic_load(&c->s->stop))
            return 0;
    r = c->ssl ? SSL_read(c->ssl, p, (int)n) : recv(c->fd, p, n, 0);
    return r > 0 ? (size_t)r : 0;
}

static bool put(struct conn *c, const char *p, size_t n)
{
    while (n) {
        ssize_t r = c->ssl ? SSL_write(c->ssl, p, (int)n) : send(c->fd, p, n, MSG_NOSIGNAL);

        if (r <= 0)
            return false;
        p += r;
        n -= (size_t)r;
    }
    return true;
}

/* A byte at a time until the empty line: slow, and never too much. */
static bool get_head(struct conn *c, struct web_request *r)
{
    size_t n = 0;

    while (n < sizeof(r->head) - 1) {
        if (get(c, r->head + n, 1) == 0)
            return false;
        r->head[++n] = '\0';
        if (n >= 4 && memcmp(r->head + n - 4, "\r\n\r\n", 4) == 0)
            return true;
    }
    return false;
}

static bool get_body(struct conn *c, struct web_request *r)
{
    const char *length = web_header(r, "Content-Length");
    size_t want = length ? strtoul(length, NULL, 10) : 0, n;

    if (want > WEB_BODY_MAX)
        return false;
    r->body = calloc(1, want + 1);
    must(r->body != NULL, "calloc");
    for (r->body_len = 0; r->body_len < want; r->body_len += n) {
        n = get(c, r->body + r->body_len, want - r->body_len);
        if (n == 0)
            return false;
    }
    return true;
}

static struct web_reply keep(struct web_server *s, const struct web_request *r)
{
    struct web_reply reply = {0};

    (void)pthread_mutex_lock(&s->lock);
    must(s->n_requests < WEB_REQUESTS_MAX, "too many requests");
    s->requests[s->n_requests++] = *r;
    if (s->next_reply < s->n_replies)
        reply = s->replies[s->next_reply++];
    (void)pthread_mutex_unlock(&s->lock);
    return reply;
}

/* @return whether the connection goes on. */
static bool answer(struct conn *c, const struct web_reply *r)
{
    const char *body = r->body ? r->body : "";
    struct linger now = {.l_onoff = 1};
    char text[16384], byte;
    int n;

    switch (r->act) {
    case WEB_RESET:
        (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
        return false;
    case WEB_CUT:
        (void)put(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", 44);
        return false;
    case WEB_HANG:
        while (get(c, &byte, 1)) {
        }
        return false;
    default:
        break;
    }
    n = snprintf(text, sizeof(text), "HTTP/1.1 %d X\r\nContent-Length: %zu\r\n%s\r\n%s",
                 r->status ? r->status : 200, strlen(body), r->headers ? r->headers : "",
                 strlen(body) < sizeof(text) / 2 ? body : "");
    must(n > 0 && (size_t)n < sizeof(text), "answer");
    if (r->act == WEB_ANSWER)
        return put(c, text, (size_t)n) &&
               (strlen(body) < sizeof(text) / 2 || put(c, body, strlen(body)));
    for (int i = 0; i < n; i++) {
        (void)poll(NULL, 0, 1);
        if (!put(c, text + i, 1))
            return false;
    }
    return true;
}

static void *conn_main(void *arg)
{
    struct conn *c = arg;
    bool ok = true;

    if (c->s->tls) {
        c->ssl = SSL_new(c->s->tls);
        must(c->ssl && SSL_set_fd(c->ssl, c->fd), "SSL_new");
        ok = SSL_accept(c->ssl) == 1;
    }
    while (ok) {
        struct web_request r = {0};
        struct web_reply reply;

        if (!get_head(c, &r) || !get_body(c, &r)) {
            free(r.body);
            break;
        }
        reply = keep(c->s, &r);
        ok = answer(c, &reply);
    }
    SSL_free(c->ssl);
    (void)close(c->fd);
    return NULL;
}

static void *server_main(void *arg)
{
    struct web_server *s = arg;
    struct pollfd fd = {.fd = s->fd, .events = POLLIN};

    while (!atomic_load(&s->stop)) {
        struct conn *c;

        if (poll(&fd, 1, STEP_MS) <= 0)
            continue;
        (void)pthread_mutex_lock(&s->lock);
        must(s->n_conns < CONNS_MAX, "too many connections");
        c = &s->conns[s->n_conns];
        *c = (struct conn){.s = s, .fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC)};
        must(c->fd >= 0 && pthread_create(&c->thread, NULL, conn_main, c) == 0, "accept");
        s->n_conns++;
        (void)pthread_mutex_unlock(&s->lock);
    }
    return NULL;
}

struct web_server *web_server_start(SSL_CTX *tls)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct web_server *s = calloc(1, sizeof(*s));
    socklen_t len = sizeof(at);

    must(s != NULL, "calloc");
    s->tls = tls;
    (void)pthread_mutex_init(&s->lock, NULL);
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(s->fd >= 0 && bind(s->fd, (struct sockaddr *)&at, sizeof(at)) == 0 &&
             listen(s->fd, 16) == 0 && getsockname(s->fd, (struct sockaddr *)&at, &len) == 0,
         "listen");
    s->port = ntohs(at.sin_port);
    must(pthread_create(&s->thread, NULL, server_main, s) == 0, "thread");
    return s;
}

void web_server_stop(struct web_server *s)
{
    atomic_store(&s->stop, true);
    (void)pthread_join(s->thread, NULL);
    for (uint32_t i = 0; i < s->n_conns; i++)
        (void)pthread_join(s->conns[i].thread, NULL);
    for (uint32_t i = 0; i < s->n_requests; i++)
        free(s->requests[i].body);
    (void)close(s->fd);
    (void)pthread_mutex_destroy(&s->lock);
    free(s);
}

unsigned web_server_port(const struct web_server *s)
{
    return s->port;
}

void web_server_tell(struct web_server *s, struct web_reply r)
{
    (void)pthread_mutex_lock(&s->lock);
    must(s->n_replies < WEB_REQUESTS_MAX, "too many replies");
    s->replies[s->n_replies++] = r;
    (void)pthread_mutex_unlock(&s->lock);
}

uint32_t web_server_count(struct web_server *s)
{
    uint32_t n;

    (void)pthread_mutex_lock(&s->lock);
    n = s->n_requests;
    (void)pthread_mutex_unlock(&s->lock);
    return n;
}

uint32_t web_server_connections(struct web_server *s)
{
    uint32_t n;

    (void)pthread_mutex_lock(&s->lock);
    n = s->n_conns;
    (void)pthread_mutex_unlock(&s->lock);
    return n;
}

const struct web_request *web_server_request(struct web_server *s, uint32_t i)
{
    must(i < web_server_count(s), "no such request");
    return &s->requests[i];
}

const char *web_header(const struct web_request *r, const char *name)
{
    static _Thread_local char values[4][WEB_HEAD_MAX];
    static _Thread_local unsigned turn;
    size_t len = strlen(name);
    const char *at = r->head;

    while ((at = strstr(at, "\r\n"))) {
        at += 2;
        if (strncasecmp(at, name, len) == 0 && at[len] == ':') {
            char *value = values[turn++ % 4];

            at += len + 1;
            at += strspn(at, " ");
            (void)snprintf(value, WEB_HEAD_MAX, "%.*s", (int)strcspn(at, "\r"), at);
            return value;
        }
    }
    return NULL;
}
