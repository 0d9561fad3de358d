/* SPDX-License-Identifier: Apache-2.0 */
#include "http.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>

enum { BODY_MAX = 4 << 20, ERROR_BODY_MAX = 64 << 10, BODY_STEP = 4096 };
static const uint64_t NS_S = 1000000000, NS_MS = 1000000;
static const uint64_t CONNECT_NS = 10 * NS_S, IDLE_NS = 30 * NS_S;

struct http_call {
    TAILQ_ENTRY(http_call) link;
    struct http *http;
    CURL *easy;
    struct curl_slist *headers, *connect_to;
    int (*on_data)(void *arg, const void *p, size_t n);
    void (*on_done)(void *arg, const struct http_answer *a);
    void *arg;
    char *request_body;
    char *body;
    size_t body_len, body_cap, body_max;
    uint64_t idle_ns, last_ns;
    bool no_sense; /* on_data() said so */
    bool too_long;
    bool cancelled; /* by a callback, while curl works on it: freed behind that */
    bool ended;     /* on_done() is being called */
    char why[CURL_ERROR_SIZE];
};

TAILQ_HEAD(calls, http_call);

struct http {
    CURLM *multi;
    struct calls calls;
    bool running; /* in a callback of curl's */
};

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void init_once(void)
{
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

static uint64_t now_ns(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * NS_S + (uint64_t)ts.tv_nsec;
}

int http_new(struct http **ret)
{
    struct http *h = calloc(1, sizeof(*h));

    (void)pthread_once(&once, init_once);
    if (!h)
        return -ENOMEM;
    TAILQ_INIT(&h->calls);
    h->multi = curl_multi_init();
    if (!h->multi) {
        free(h);
        return -ENOMEM;
    }
    *ret = h;
    return 0;
}

static void call_free(struct http_call *c)
{
    struct http *h = c->http;

    TAILQ_REMOVE(&h->calls, c, link);
    if (c->easy) {
        (void)curl_multi_remove_handle(h->multi, c->easy);
        curl_easy_cleanup(c->easy);
    }
    curl_slist_free_all(c->headers);
    curl_slist_free_all(c->connect_to);
    free(c->request_body);
    free(c->body);
    free(c);
}

void http_free(struct http *h)
{
    struct http_call *c, *next;

    if (!h)
        return;
    for (c = TAILQ_FIRST(&h->calls); c; c = next) {
        next = TAILQ_NEXT(c, link);
        call_free(c);
    }
    (void)curl_multi_cleanup(h->multi);
    free(h);
}

void http_cancel(struct http_call *c)
{
    if (!c || c->ended)
        return;
    if (c->http->running)
        c->cancelled = true;
    else
        call_free(c);
}

/* ---- what comes in ---- */

static int keep(struct http_call *c, const char *p, size_t n)
{
    size_t cap;
    char *q;

    if (n > c->body_max - c->body_len)
        return -EMSGSIZE;
    if (n > c->body_cap - c->body_len) {
        cap = c->body_cap ? c->body_cap : BODY_STEP;
        while (cap < c->body_len + n)
            cap *= 2;
        q = realloc(c->body, cap);
        if (!q)
            return -ENOMEM;
        c->body = q;
        c->body_cap = cap;
    }
    memcpy(c->body + c->body_len, p, n);
    c->body_len += n;
    return 0;
}

static size_t on_bytes(char *p, size_t size, size_t n, void *arg)
{
    struct http_call *c = arg;
    size_t len = size * n;
    long status = 0;

    c->last_ns = now_ns();
    if (c->cancelled)
        return CURL_WRITEFUNC_ERROR;
    (void)curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status >= 200 && status < 300) {
        if (c->on_data) {
            c->no_sense = c->on_data(c->arg, p, len) != 0;
            return c->no_sense || c->cancelled ? CURL_WRITEFUNC_ERROR : len;
        }
        c->too_long = keep(c, p, len) < 0;
        return c->too_long ? CURL_WRITEFUNC_ERROR : len;
    }
    /* what an error says is good for a message only */
    if (len > ERROR_BODY_MAX - c->body_len)
        (void)keep(c, p, ERROR_BODY_MAX - c->body_len);
    else
        (void)keep(c, p, len);
    return len;
}

static size_t on_header(char *p, size_t size, size_t n, void *arg)
{
    struct http_call *c = arg;

    (void)p;
    c->last_ns = now_ns();
    return size * n;
}

/* ---- sending ---- */

/* Options that could not be set are counted in `bad`. */
static void set_blob(struct http_call *c, CURLoption o, struct http_blob from, int *bad)
{
    struct curl_blob b = {.data = (void *)(uintptr_t)from.p, .len = from.len};

    b.flags = CURL_BLOB_COPY;
    *bad += curl_easy_setopt(c->easy, o, &b) != CURLE_OK;
}

static void set_tls(struct http_call *c, const struct http_tls *t, int *bad)
{
    if (t->insecure) {
        *bad += curl_easy_setopt(c->easy, CURLOPT_SSL_VERIFYPEER, 0L) != CURLE_OK;
        *bad += curl_easy_setopt(c->easy, CURLOPT_SSL_VERIFYHOST, 0L) != CURLE_OK;
    } else if (t->ca.p) {
        set_blob(c, CURLOPT_CAINFO_BLOB, t->ca, bad);
        /* or the system's authorities would count as well */
        *bad += curl_easy_setopt(c->easy, CURLOPT_CAPATH, NULL) != CURLE_OK;
    }
    if (t->cert.p) {
        set_blob(c, CURLOPT_SSLCERT_BLOB, t->cert, bad);
        set_blob(c, CURLOPT_SSLKEY_BLOB, t->key, bad);
    }
    if (t->connect_to) {
        c->connect_to = curl_slist_append(NULL, t->connect_to);
        *bad += !c->connect_to ||
                curl_easy_setopt(c->easy, CURLOPT_CONNECT_TO, c->connect_to) != CURLE_OK;
    }
}

static void set_body(struct http_call *c, const struct http_request *r, int *bad)
{
    if (r->body) {
        c->request_body = malloc(r->body_len ? r->body_len : 1);
        if (!c->request_body) {
            ++*bad;
            return;
        }
        memcpy(c->request_body, r->body, r->body_len);
        *bad += curl_easy_setopt(c->easy, CURLOPT_POST, 1L) != CURLE_OK;
        *bad += curl_easy_setopt(c->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_len) !=
                CURLE_OK;
        *bad += curl_easy_setopt(c->easy, CURLOPT_POSTFIELDS, c->request_body) != CURLE_OK;
    }
    if (r->method)
        *bad += curl_easy_setopt(c->easy, CURLOPT_CUSTOMREQUEST, r->method) != CURLE_OK;
}

static void set_headers(struct http_call *c, const struct http_request *r, int *bad)
{
    for (const char *const *at = r->headers; at && *at; at++) {
        struct curl_slist *more = curl_slist_append(c->headers, *at);

        if (!more) {
            ++*bad;
            return;
        }
        c->headers = more;
    }
    if (c->headers)
        *bad += curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, c->headers) != CURLE_OK;
}

static void set_all(struct http_call *c, const struct http_request *r, int *bad)
{
    CURL *e = c->easy;
    uint64_t connect_ns = r->connect_ns ? r->connect_ns : CONNECT_NS;

    *bad += curl_easy_setopt(e, CURLOPT_URL, r->url) != CURLE_OK;
    *bad += curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https") != CURLE_OK;
    *bad += curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L) != CURLE_OK;
    *bad += curl_easy_setopt(e, CURLOPT_NOPROXY, "*") != CURLE_OK;
    *bad += curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L) != CURLE_OK;
    *bad += curl_easy_setopt(e, CURLOPT_TCP_KEEPIDLE, 30L) != CURLE_OK;
    *bad += curl_easy_setopt(e, CURLOPT_TCP_KEEPINTVL, 10L) != CURLE_OK;
    *bad += curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)(connect_ns / NS_MS)) != CURLE_OK;
    if (r->total_ns)
        *bad += curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)(r->total_ns / NS_MS)) != CURLE_OK;
    if (r->unix_socket)
        *bad += curl_easy_setopt(e, CURLOPT_UNIX_SOCKET_PATH, r->unix_socket) != CURLE_OK;
    *bad += curl_easy_setopt(e, CURLOPT_ERRORBUFFER, c->why) != CURLE_OK;
    *bad += curl_easy_setopt(e, CURLOPT_PRIVATE, c) != CURLE_OK;
    *bad += curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_bytes) != CURLE_OK;
    *bad += curl_easy_setopt(e, CURLOPT_WRITEDATA, c) != CURLE_OK;
    *bad += curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header) != CURLE_OK;
    *bad += curl_easy_setopt(e, CURLOPT_HEADERDATA, c) != CURLE_OK;
    set_headers(c, r, bad);
    set_body(c, r, bad);
    if (r->tls)
        set_tls(c, r->tls, bad);
}

int http_send(struct http *h, const struct http_request *r, struct http_call **ret,
              struct gyr_error *err)
{
    struct http_call *c = calloc(1, sizeof(*c));
    int bad = 0;

    if (!c)
        return gyr_fail(err, -ENOMEM, "no memory");
    c->http = h;
    c->on_data = r->on_data;
    c->on_done = r->on_done;
    c->arg = r->arg;
    c->body_max = r->max_body ? r->max_body : BODY_MAX;
    c->idle_ns = r->idle_ns ? r->idle_ns : IDLE_NS;
    c->last_ns = now_ns();
    c->easy = curl_easy_init();
    TAILQ_INSERT_TAIL(&h->calls, c, link);
    if (!c->easy) {
        call_free(c);
        return gyr_fail(err, -ENOMEM, "no memory");
    }
    set_all(c, r, &bad);
    if (bad || curl_multi_add_handle(h->multi, c->easy) != CURLM_OK) {
        call_free(c);
        return gyr_fail(err, -EINVAL, "'%s' cannot be asked", r->url);
    }
    *ret = c;
    return 0;
}

/* ---- driving ---- */

static void done(struct http_call *c, const char *why)
{
    struct http_answer a = {.why = why, .body = c->body ? c->body : "", .body_len = c->body_len};
    curl_off_t wait = 0;

    (void)curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &a.status);
    if (curl_easy_getinfo(c->easy, CURLINFO_RETRY_AFTER, &wait) == CURLE_OK && wait > 0)
        a.retry_after = wait > 3600 ? 3600 : (uint32_t)wait;
    c->ended = true;
    if (!c->cancelled)
        c->on_done(c->arg, &a);
    call_free(c);
}

static const char *reason(const struct http_call *c, CURLcode code)
{
    if (code == CURLE_OK)
        return NULL;
    if (c->no_sense)
        return "the answer makes no sense";
    if (c->too_long)
        return "the answer is too long";
    return c->why[0] ? c->why : curl_easy_strerror(code);
}

static void collect(struct http *h)
{
    CURLMsg *m;
    int left;

    while ((m = curl_multi_info_read(h->multi, &left))) {
        char *p = NULL;

        if (m->msg != CURLMSG_DONE)
            continue;
        (void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &p);
        done((struct http_call *)(void *)p, reason((struct http_call *)(void *)p, m->data.result));
    }
}

/* @return when the next of them has been silent for too long; UINT64_MAX: none. */
static uint64_t end_silent(struct http *h)
{
    uint64_t now = now_ns(), next = UINT64_MAX;
    struct http_call *c, *after;

    for (c = TAILQ_FIRST(&h->calls); c; c = after) {
        after = TAILQ_NEXT(c, link);
        if (c->cancelled) {
            call_free(c);
        } else if (c->idle_ns == UINT64_MAX) {
            continue;
        } else if (now - c->last_ns >= c->idle_ns) {
            /* from its callback others may be cancelled, the one behind it too: begin again */
            done(c, "it has been silent for too long");
            after = TAILQ_FIRST(&h->calls);
        } else if (c->last_ns + c->idle_ns < next) {
            next = c->last_ns + c->idle_ns;
        }
    }
    return next == UINT64_MAX ? next : next - now;
}

void http_run(struct http *h, uint64_t timeout_ns)
{
    uint64_t silent = end_silent(h);
    int running;

    if (silent < timeout_ns)
        timeout_ns = silent;
    if (timeout_ns > 3600 * NS_S)
        timeout_ns = 3600 * NS_S;
    (void)curl_multi_poll(h->multi, NULL, 0, (int)((timeout_ns + NS_MS - 1) / NS_MS), NULL);
    h->running = true; /* what callbacks cancel is marked, and freed by end_silent() */
    (void)curl_multi_perform(h->multi, &running);
    h->running = false;
    collect(h);
    (void)end_silent(h);
}

void http_wake(struct http *h)
{
    (void)curl_multi_wakeup(h->multi);
}
