/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of the API: lists, watches, refusals. */
#include "k8s_server_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void status(struct k8s_conn *c, int code, const char *why)
{
    char body[512];
    int n = snprintf(body, sizeof(body),
                     "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":"
                     "\"Failure\",\"message\":\"%s\",\"code\":%d}",
                     why, code);

    (void)k8s_conn_sendf(c,
                         "HTTP/1.1 %d No\r\nContent-Type: application/json\r\n%s"
                         "Content-Length: %d\r\n\r\n%s",
                         code, code == 429 || code == 503 ? "Retry-After: 1\r\n" : "", n, body);
}

static bool chunk(struct k8s_conn *c, const char *p, size_t n)
{
    return k8s_conn_sendf(c, "%zx\r\n", n) && k8s_conn_send(c, p, n) && k8s_conn_send(c, "\r\n", 2);
}

static bool chunk_text(struct k8s_conn *c, const char *s)
{
    return chunk(c, s, strlen(s));
}

static bool begin_chunks(struct k8s_conn *c)
{
    return k8s_conn_sendf(c, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                             "Transfer-Encoding: chunked\r\n\r\n");
}

static bool fits(const struct k8s_state *o, const struct k8s_request *r)
{
    return strcmp(o->resource, r->resource) == 0 && (!r->node[0] || !strcmp(r->node, o->node));
}

/* ---- lists ---- */

struct page {
    char *text;
    size_t len, cap;
};

static void add(struct page *p, const char *s)
{
    size_t n = strlen(s);

    if (p->len + n + 1 > p->cap) {
        p->cap = (p->len + n + 1) * 2;
        p->text = realloc(p->text, p->cap);
        if (!p->text)
            abort();
    }
    memcpy(p->text + p->len, s, n + 1);
    p->len += n;
}

/* A page of what there is, from the place on that the token of the page before names. */
static struct page make_page(struct k8s_server *s, const struct k8s_request *r, bool *ret_gone)
{
    struct page p = {0};
    unsigned long long version = s->version;
    uint32_t at = 0, n = 0;
    char tail[256], *end;

    add(&p, "{\"kind\":\"List\",\"apiVersion\":\"v1\",\"items\":[");
    if (r->cont[0]) {
        version = strtoull(r->cont, &end, 10);
        *ret_gone = *end != '-';
        at = *end ? (uint32_t)strtoul(end + 1, NULL, 10) : 0;
    }
    *ret_gone = *ret_gone || version < s->compacted;
    for (; at < s->n; at++) {
        const struct k8s_state *o = &s->states[at];

        if (o->deleted || o->replaced || !fits(o, r))
            continue;
        if (r->limit && n == r->limit)
            break;
        add(&p, n++ ? "," : "");
        add(&p, r->metadata ? o->metadata : o->json);
    }
    if (at < s->n)
        (void)snprintf(tail, sizeof(tail),
                       "],\"metadata\":{\"resourceVersion\":\"%llu\",\"continue\":\"%llu-%u\"}}\n",
                       version, version, at);
    else
        (void)snprintf(tail, sizeof(tail), "],\"metadata\":{\"resourceVersion\":\"%llu\"}}\n",
                       version);
    add(&p, tail);
    return p;
}

static void list(struct k8s_conn *c, const struct k8s_request *r, bool cut)
{
    struct k8s_server *s = c->server;
    bool gone = false;
    struct page p;

    (void)pthread_mutex_lock(&s->lock);
    s->counts.lists++;
    p = make_page(s, r, &gone);
    s->counts.gone += gone;
    (void)pthread_mutex_unlock(&s->lock);
    if (gone) {
        status(c, 410, "The provided continue parameter is too old");
    } else if (begin_chunks(c)) {
        /* in pieces that end anywhere */
        for (size_t at = 0; at < p.len && !c->failed; at += 16001) {
            if (cut && at + 16001 >= p.len) {
                (void)k8s_conn_sendf(c, "%zx\r\n{", p.len);
                c->failed = true;
                break;
            }
            (void)chunk(c, p.text + at, p.len - at < 16001 ? p.len - at : 16001);
        }
        (void)k8s_conn_send(c, "0\r\n\r\n", 5);
    }
    free(p.text);
}

/* ---- watches ---- */

/* The next state behind @p version, copied. Called with the lock. */
static char *next_event(struct k8s_server *s, const struct k8s_request *r, uint64_t *version)
{
    char *text = NULL;

    for (uint32_t i = 0; i < s->n; i++) {
        const struct k8s_state *o = &s->states[i];

        if (o->version <= *version || !fits(o, r))
            continue;
        if (asprintf(&text, "{\"type\":\"%s\",\"object\":%s}\n",
                     o->deleted  ? "DELETED"
                     : o->is_new ? "ADDED"
                                 : "MODIFIED",
                     r->metadata ? o->metadata : o->json) < 0)
            abort();
        *version = o->version;
        return text;
    }
    return NULL;
}

static void bookmark(struct k8s_conn *c, uint64_t version)
{
    char text[256];

    (void)snprintf(text, sizeof(text),
                   "{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"Pod\",\"apiVersion\":\"v1\","
                   "\"metadata\":{\"resourceVersion\":\"%llu\",\"creationTimestamp\":null}}}\n",
                   (unsigned long long)version);
    (void)chunk_text(c, text);
}

static const char gone_event[] =
    "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},"
    "\"status\":\"Failure\",\"message\":\"too old resource version\",\"reason\":\"Expired\","
    "\"code\":410}}\n";

/* What there is to send, or a wait. Called with the lock, which is left meanwhile.
 *  @return false: it is over. */
static bool watch_step(struct k8s_conn *c, const struct k8s_request *r, uint64_t *version,
                       uint32_t *injections)
{
    struct k8s_server *s = c->server;
    char *text = next_event(s, r, version);
    struct timespec until = k8s_in_ms(s->conf.bookmark_ms);
    uint64_t now = s->version;

    if (!text && *injections != s->injections) {
        *injections = s->injections;
        text = strdup(s->injected);
    }
    if (text) {
        (void)pthread_mutex_unlock(&s->lock);
        (void)chunk_text(c, text);
        free(text);
        (void)pthread_mutex_lock(&s->lock);
        return !c->failed;
    }
    if (pthread_cond_timedwait(&s->changed, &s->lock, &until) != 0 && r->bookmarks &&
        now == s->version) {
        s->counts.bookmarks++;
        *version = now > *version ? now : *version;
        (void)pthread_mutex_unlock(&s->lock);
        bookmark(c, *version);
        (void)pthread_mutex_lock(&s->lock);
    }
    return !c->failed;
}

static void watch(struct k8s_conn *c, const struct k8s_request *r)
{
    struct k8s_server *s = c->server;
    uint64_t version = r->version;
    time_t end = time(NULL) + (time_t)(r->timeout_s ? r->timeout_s : 1800);
    uint32_t epoch, injections;
    bool gone;

    (void)pthread_mutex_lock(&s->lock);
    s->counts.watches++;
    epoch = s->epoch;
    injections = s->injections;
    gone = version < s->compacted;
    s->counts.gone += gone;
    (void)pthread_mutex_unlock(&s->lock);
    if (gone) {
        status(c, 410, "too old resource version");
        return;
    }
    if (!begin_chunks(c))
        return;
    (void)pthread_mutex_lock(&s->lock);
    while (!s->stopping && epoch == s->epoch && time(NULL) < end &&
           watch_step(c, r, &version, &injections))
        ;
    gone = epoch != s->epoch;
    s->counts.gone += gone;
    (void)pthread_mutex_unlock(&s->lock);
    if (gone)
        (void)chunk_text(c, gone_event);
    (void)k8s_conn_send(c, "0\r\n\r\n", 5);
}

/* ---- which ---- */

/* A fault for this request, if one is due. @return -1: none. */
static int take_fault(struct k8s_server *s, const struct k8s_request *r)
{
    int fault = -1;

    (void)pthread_mutex_lock(&s->lock);
    if (s->fault_left && (!s->fault_resource[0] || !strcmp(s->fault_resource, r->resource))) {
        s->fault_left--;
        fault = s->fault_status;
    }
    (void)pthread_mutex_unlock(&s->lock);
    return fault;
}

static bool may(struct k8s_server *s, const struct k8s_request *r)
{
    bool ok;

    (void)pthread_mutex_lock(&s->lock);
    ok = !s->token[0] || strcmp(s->token, r->authorization) == 0;
    s->counts.unauthorized += !ok;
    (void)pthread_mutex_unlock(&s->lock);
    return ok;
}

void k8s_answer(struct k8s_conn *c, const struct k8s_request *r)
{
    struct k8s_server *s = c->server;
    int fault = take_fault(s, r);

    if (s->slow_ms)
        (void)usleep(s->slow_ms * 1000);
    if (fault > 1) {
        status(c, fault, "made up");
    } else if (fault == 0) {
        (void)begin_chunks(c);
        (void)chunk_text(c, "{\"items\":[[}]]nonsense\xff");
        (void)k8s_conn_send(c, "0\r\n\r\n", 5);
    } else if (!may(s, r)) {
        status(c, 401, "Unauthorized");
    } else if (r->watch) {
        watch(c, r);
    } else {
        list(c, r, fault == 1);
    }
}
