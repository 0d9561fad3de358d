/* SPDX-License-Identifier: Apache-2.0 */
#include "request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_ = 1 << 20, LINE_STEP = 4096 };
static const uint64_t CONNECT_NS = 2000000000;

int dk_http_init(struct dk_http *h)
{
    TAILQ_INIT(&h->active);
    return http_new(&h->http);
}

static void request_free(struct dk_request *r)
{
    TAILQ_REMOVE(&r->http->active, r, link);
    free(r->rest);
    free(r);
}

void dk_http_free(struct dk_http *h)
{
    struct dk_request *r;

    http_free(h->http);
    h->http = NULL;
    while ((r = TAILQ_FIRST(&h->active)))
        request_free(r);
}

static bool make_room(struct dk_request *r, size_t n)
{
    size_t cap = r->cap ? r->cap : LINE_STEP;
    char *p;

    if (n > LINE_MAX_ - r->len)
        return false;
    while (cap - r->len < n)
        cap *= 2;
    p = cap == r->cap ? r->rest : realloc(r->rest, cap);
    if (!p)
        return false;
    r->rest = p;
    r->cap = cap;
    return true;
}

static int on_data(void *arg, const void *p, size_t n)
{
    struct dk_request *r = arg;
    size_t at = 0;
    const char *nl;

    if (!make_room(r, n))
        return -EMSGSIZE;
    memcpy(r->rest + r->len, p, n);
    r->len += n;
    while ((nl = memchr(r->rest + at, '\n', r->len - at))) {
        size_t len = (size_t)(nl - (r->rest + at));

        if (len)
            r->line(r, r->rest + at, len);
        at += len + 1;
    }
    memmove(r->rest, r->rest + at, r->len - at);
    r->len -= at;
    return 0;
}

static void on_done(void *arg, const struct http_answer *a)
{
    struct dk_request *r = arg;
    struct http_answer whole = *a;

    if (a->why)
        whole.status = 0;
    r->call = NULL;
    r->done(r, &whole);
    request_free(r);
}

struct dk_request *dk_http_get(struct dk_http *h, const struct dk_get *g)
{
    struct dk_request *r = calloc(1, sizeof(*r));
    char url[1024];
    struct http_request q = {.url = url,
                             .unix_socket = g->socket,
                             .connect_ns = CONNECT_NS,
                             .idle_ns = UINT64_MAX,
                             .total_ns = g->timeout_ns,
                             .on_data = g->line ? on_data : NULL,
                             .on_done = on_done,
                             .arg = r};

    if (!r)
        return NULL;
    r->http = h;
    r->done = g->done;
    r->line = g->line;
    r->ctx = g->ctx;
    r->owner = g->owner;
    TAILQ_INSERT_TAIL(&h->active, r, link);
    (void)snprintf(url, sizeof(url), "http://runtime%s", g->path);
    if (http_send(h->http, &q, &r->call, NULL) < 0) {
        request_free(r);
        return NULL;
    }
    return r;
}

void dk_http_cancel(struct dk_http *h, const void *owner)
{
    static const struct http_answer given_up = {.why = "it was given up", .body = ""};
    struct dk_request *r = TAILQ_FIRST(&h->active);

    while (r) {
        if (r->owner != owner || !r->call) {
            r = TAILQ_NEXT(r, link);
            continue;
        }
        http_cancel(r->call);
        on_done(r, &given_up);
        r = TAILQ_FIRST(&h->active); /* done() may have begun or given up others */
    }
}
