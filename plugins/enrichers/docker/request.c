/* SPDX-License-Identifier: Apache-2.0 */
#include "request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CONNECT_MS = 2000 };

int dk_http_init(struct dk_http *h)
{
    h->multi = curl_multi_init();
    return h->multi ? 0 : -ENOMEM;
}

static void unlink_request(struct dk_http *h, struct dk_request *r)
{
    h->active[r->place] = NULL;
    (void)curl_multi_remove_handle(h->multi, r->easy);
}

static void request_free(struct dk_request *r)
{
    curl_easy_cleanup(r->easy);
    free(r->body);
    free(r);
}

void dk_http_free(struct dk_http *h)
{
    if (!h->multi)
        return;
    for (uint32_t i = 0; i < DK_REQUESTS_MAX; i++) {
        struct dk_request *r = h->active[i];

        if (!r)
            continue;
        unlink_request(h, r);
        request_free(r);
    }
    (void)curl_multi_cleanup(h->multi);
    h->multi = NULL;
}

static bool make_room(struct dk_request *r, size_t n)
{
    size_t cap = r->cap ? r->cap : 4096;
    char *p;

    if (n > r->max - r->len) {
        r->too_large = true;
        return false;
    }
    while (cap - r->len < n + 1)
        cap *= 2;
    if (cap == r->cap)
        return true;
    p = realloc(r->body, cap);
    if (!p)
        return false;
    r->body = p;
    r->cap = cap;
    return true;
}

static void hand_out_lines(struct dk_request *r)
{
    size_t at = 0;
    const char *nl;

    while ((nl = memchr(r->body + at, '\n', r->len - at))) {
        size_t n = (size_t)(nl - (r->body + at));

        if (n)
            r->line(r, r->body + at, n);
        at += n + 1;
    }
    memmove(r->body, r->body + at, r->len - at);
    r->len -= at;
}

static size_t on_data(char *p, size_t size, size_t n, void *ctx)
{
    struct dk_request *r = ctx;
    long status = 0;

    n *= size;
    if (!make_room(r, n))
        return 0;
    memcpy(r->body + r->len, p, n);
    r->len += n;
    r->body[r->len] = '\0';
    (void)curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
    if (r->line && status == 200)
        hand_out_lines(r);
    return n;
}

struct dk_request *dk_http_get(struct dk_http *h, const struct dk_get *g)
{
    struct dk_request *r;
    uint32_t place = 0;
    char url[1024];
    CURL *e;

    while (place < DK_REQUESTS_MAX && h->active[place])
        place++;
    r = place < DK_REQUESTS_MAX ? calloc(1, sizeof(*r)) : NULL;
    if (!r)
        return NULL;
    r->place = place;
    r->easy = e = curl_easy_init();
    if (!e) {
        free(r);
        return NULL;
    }
    r->max = g->line ? DK_LINE_MAX : DK_ANSWER_MAX;
    r->done = g->done;
    r->line = g->line;
    r->ctx = g->ctx;
    r->owner = g->owner;
    (void)snprintf(url, sizeof(url), "http://runtime%s", g->path);
    (void)curl_easy_setopt(e, CURLOPT_URL, url);
    (void)curl_easy_setopt(e, CURLOPT_UNIX_SOCKET_PATH, g->socket);
    (void)curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(e, CURLOPT_NOPROXY, "*");
    (void)curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http");
    (void)curl_easy_setopt(e, CURLOPT_USERAGENT, "gyr");
    (void)curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    (void)curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, g->timeout_ms);
    (void)curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_data);
    (void)curl_easy_setopt(e, CURLOPT_WRITEDATA, (void *)r);
    (void)curl_easy_setopt(e, CURLOPT_PRIVATE, (void *)r);
    h->active[r->place] = r;
    if (curl_multi_add_handle(h->multi, e) != CURLM_OK) {
        unlink_request(h, r);
        request_free(r);
        return NULL;
    }
    return r;
}

static void finish(struct dk_http *h, struct dk_request *r, CURLcode result)
{
    long status = 0;
    const char *why =
        r->too_large ? "its answer is larger than Gyr takes" : curl_easy_strerror(result);

    (void)curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
    if (result != CURLE_OK)
        status = 0;
    unlink_request(h, r); /* done() may give up its neighbours */
    r->done(r, status, why);
    request_free(r);
}

void dk_http_run(struct dk_http *h, int wait_ms)
{
    const CURLMsg *m;
    int running, left;

    (void)curl_multi_perform(h->multi, &running);
    while ((m = curl_multi_info_read(h->multi, &left))) {
        struct dk_request *r = NULL;

        if (m->msg != CURLMSG_DONE)
            continue;
        (void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&r);
        finish(h, r, m->data.result);
        wait_ms = 0; /* there may be more to begin */
    }
    if (wait_ms)
        (void)curl_multi_poll(h->multi, NULL, 0, wait_ms, NULL);
}

void dk_http_cancel(struct dk_http *h, const void *owner)
{
    for (uint32_t i = 0; i < DK_REQUESTS_MAX; i++)
        if (h->active[i] && h->active[i]->owner == owner)
            finish(h, h->active[i], CURLE_ABORTED_BY_CALLBACK);
}
