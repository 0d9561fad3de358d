/* SPDX-License-Identifier: Apache-2.0 */
#include "grpc.h"

#include "grpc_frames.h"

#include <curl/curl.h>
#include <errno.h>
#include <gyr/util.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { URL_MAX = 256, HEADER_MAX = 256, NO_STATUS = -1 };

struct grpc {
    CURLM *multi;
    struct grpc_call *calls;
};

struct grpc_call {
    struct grpc_call *next, **prev;
    CURL *easy;
    struct curl_slist *headers;
    uint8_t *body;
    struct grpc_frames frames;
    uint32_t n_messages;
    bool streams, is_grpc;
    int http_status, status; /* as told by the far side */
    int failed;              /* 0, or why we end the call: a negative errno */
    int (*message_fn)(void *arg, const uint8_t *p, size_t len);
    void (*done)(void *arg, int status, const char *text);
    void *arg;
    char text[GRPC_TEXT_MAX];
    char curl_text[CURL_ERROR_SIZE];
};

/* ---- what comes back ---- */

static int on_message(void *arg, const uint8_t *p, size_t len)
{
    struct grpc_call *c = arg;

    if (c->n_messages++ && !c->streams)
        return -EPROTO;
    return c->message_fn(c->arg, p, len) < 0 ? -EBADMSG : 0;
}

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
    struct grpc_call *c = arg;

    (void)size; /* 1, as libcurl promises */
    if (!c->is_grpc)
        c->failed = -EPROTO;
    else
        c->failed = grpc_frames_feed(&c->frames, (const uint8_t *)p, n, on_message, c);
    return c->failed ? 0 : n;
}

/* @return the value of the header @p name, less the blanks around it; NULL: another header. */
static const char *value_of(const char *line, size_t len, const char *name, size_t *ret_len)
{
    size_t n = strlen(name);

    if (len <= n || strncasecmp(line, name, n) != 0 || line[n] != ':')
        return NULL;
    for (n++; n < len && line[n] == ' ';)
        n++;
    while (len > n && (line[len - 1] == '\r' || line[len - 1] == '\n' || line[len - 1] == ' '))
        len--;
    *ret_len = len - n;
    return line + n;
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

static size_t on_header(char *line, size_t size, size_t n, void *arg)
{
    struct grpc_call *c = arg;
    static const char http[] = "HTTP/2 ", type[] = "application/grpc";
    const char *v;
    size_t len;

    (void)size;
    if (n > sizeof(http) + 2 && strncmp(line, http, sizeof(http) - 1) == 0)
        c->http_status = small_number(line + sizeof(http) - 1, 3);
    else if ((v = value_of(line, n, "content-type", &len)))
        c->is_grpc = len >= sizeof(type) - 1 && memcmp(v, type, sizeof(type) - 1) == 0;
    else if ((v = value_of(line, n, "grpc-status", &len)))
        c->status = small_number(v, len);
    else if ((v = value_of(line, n, "grpc-message", &len)))
        keep_text(c->text, sizeof(c->text), v, len);
    return n;
}

/* ---- a call ---- */

static void release(struct grpc *g, struct grpc_call *c)
{
    if (c->prev) {
        *c->prev = c->next;
        if (c->next)
            c->next->prev = c->prev;
        (void)curl_multi_remove_handle(g->multi, c->easy);
    }
    curl_easy_cleanup(c->easy);
    curl_slist_free_all(c->headers);
    grpc_frames_free(&c->frames);
    free(c->body);
    free(c);
}

static int add_header(struct grpc_call *c, const char *line)
{
    struct curl_slist *list = curl_slist_append(c->headers, line);

    if (!list)
        return -ENOMEM;
    c->headers = list;
    return 0;
}

static int set_headers(struct grpc_call *c, const struct grpc_request *r)
{
    static const char *const fixed[] = {"Content-Type: application/grpc", "TE: trailers",
                                        "User-Agent: gyr", "Accept:", "Expect:"};
    char timeout[HEADER_MAX];
    int ret = 0;

    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]) && ret == 0; i++)
        ret = add_header(c, fixed[i]);
    if (ret == 0 && r->metadata)
        ret = add_header(c, r->metadata);
    if (ret == 0 && r->timeout_ms) {
        (void)snprintf(timeout, sizeof(timeout), "grpc-timeout: %um", r->timeout_ms);
        ret = add_header(c, timeout);
    }
    return ret;
}

static int set_body(struct grpc_call *c, const struct grpc_request *r)
{
    c->body = malloc(GRPC_FRAME_HEAD + r->len);
    if (!c->body)
        return -ENOMEM;
    grpc_frame_head(c->body, (uint32_t)r->len);
    if (r->len)
        memcpy(c->body + GRPC_FRAME_HEAD, r->message, r->len);
    return 0;
}

static int set_up(struct grpc_call *c, const struct grpc_request *r)
{
    char url[URL_MAX];
    CURL *e = c->easy = curl_easy_init();
    int n = snprintf(url, sizeof(url), "http://localhost%s", r->method), bad = 0;

    if (!e || set_headers(c, r) < 0 || set_body(c, r) < 0)
        return -ENOMEM;
    if (n < 0 || (size_t)n >= sizeof(url))
        return -EINVAL;
    bad |= curl_easy_setopt(e, CURLOPT_URL, url);
    bad |= curl_easy_setopt(e, CURLOPT_UNIX_SOCKET_PATH, r->socket);
    bad |= curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http");
    bad |= curl_easy_setopt(e, CURLOPT_PROXY, ""); /* whatever the environment says */
    bad |= curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE);
    bad |= curl_easy_setopt(e, CURLOPT_PIPEWAIT, 1L);
    bad |= curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    bad |= curl_easy_setopt(e, CURLOPT_HTTPHEADER, c->headers);
    bad |= curl_easy_setopt(e, CURLOPT_POSTFIELDS, c->body);
    bad |= curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE, (long)(GRPC_FRAME_HEAD + r->len));
    bad |= curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)r->timeout_ms);
    bad |= curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)r->connect_ms);
    bad |= curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
    bad |= curl_easy_setopt(e, CURLOPT_WRITEDATA, c);
    bad |= curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
    bad |= curl_easy_setopt(e, CURLOPT_HEADERDATA, c);
    bad |= curl_easy_setopt(e, CURLOPT_ERRORBUFFER, c->curl_text);
    bad |= curl_easy_setopt(e, CURLOPT_PRIVATE, c);
    return bad ? -EINVAL : 0;
}

int grpc_start(struct grpc *g, const struct grpc_request *r, struct grpc_call **ret,
               struct gyr_error *err)
{
    struct grpc_call *c = calloc(1, sizeof(*c));
    int rc;

    if (!c)
        return gyr_fail(err, -ENOMEM, "no memory");
    c->message_fn = r->message_fn;
    c->done = r->done;
    c->arg = r->arg;
    c->streams = r->streams != 0;
    c->status = NO_STATUS;
    c->frames.max = GRPC_MESSAGE_MAX;
    rc = set_up(c, r);
    if (rc == 0 && curl_multi_add_handle(g->multi, c->easy) != CURLM_OK)
        rc = -ENOMEM;
    if (rc < 0) {
        release(g, c);
        return gyr_fail(err, rc, rc == -ENOMEM ? "no memory" : "'%s' cannot be called by %s",
                        r->method, r->socket);
    }
    c->next = g->calls;
    c->prev = &g->calls;
    if (c->next)
        c->next->prev = &c->next;
    g->calls = c;
    *ret = c;
    return 0;
}

void grpc_cancel(struct grpc *g, struct grpc_call *c)
{
    release(g, c);
}

/* ---- the end of a call ---- */

static int broken(struct grpc_call *c, const char *text, int status)
{
    (void)snprintf(c->text, sizeof(c->text), "%s", text);
    return status;
}

/* Why a call ended that we ended. */
static int refused(struct grpc_call *c)
{
    switch (c->failed) {
    case -EMSGSIZE:
        return broken(c, "the answer is too long", GRPC_EXHAUSTED);
    case -ENOMEM:
        return broken(c, "no memory for the answer", GRPC_EXHAUSTED);
    case -EBADMSG:
        return broken(c, "the answer cannot be read", GRPC_INTERNAL);
    default:
        return broken(c, c->is_grpc ? "the answer is no gRPC as agreed upon" : "no gRPC is spoken",
                      GRPC_INTERNAL);
    }
}

static int outcome(struct grpc_call *c, CURLcode rc)
{
    if (c->failed)
        return refused(c);
    if (rc == CURLE_OPERATION_TIMEDOUT)
        return broken(c, "no answer in time", GRPC_DEADLINE);
    if (rc != CURLE_OK && c->status <= GRPC_OK)
        return broken(c, c->curl_text[0] ? c->curl_text : curl_easy_strerror(rc), GRPC_UNAVAILABLE);
    if (c->status != NO_STATUS && c->status != GRPC_OK)
        return c->status;
    if (c->http_status != 200 || !c->is_grpc)
        return broken(c, "no gRPC is spoken", GRPC_INTERNAL);
    if (c->status == NO_STATUS || grpc_frames_partial(&c->frames))
        return broken(c, "the answer ends early", GRPC_UNAVAILABLE);
    if (!c->streams && c->n_messages != 1)
        return broken(c, "there is no answer", GRPC_INTERNAL);
    return GRPC_OK;
}

static void finish(struct grpc *g, CURLMsg *m)
{
    struct grpc_call *c = NULL;
    char text[GRPC_TEXT_MAX];
    void (*done)(void *arg, int status, const char *text);
    void *arg;
    int status;

    (void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &c);
    status = outcome(c, m->data.result);
    (void)snprintf(text, sizeof(text), "%s", c->text);
    done = c->done;
    arg = c->arg;
    release(g, c);
    done(arg, status, text);
}

static void work(struct grpc *g)
{
    int running, left;
    CURLMsg *m;

    (void)curl_multi_perform(g->multi, &running);
    while ((m = curl_multi_info_read(g->multi, &left)))
        if (m->msg == CURLMSG_DONE)
            finish(g, m);
}

void grpc_run(struct grpc *g, uint32_t timeout_ms)
{
    work(g);
    (void)curl_multi_poll(g->multi, NULL, 0, (int)timeout_ms, NULL);
    work(g);
}

void grpc_wake(struct grpc *g)
{
    (void)curl_multi_wakeup(g->multi);
}

int grpc_new(struct grpc **ret, struct gyr_error *err)
{
    struct grpc *g = calloc(1, sizeof(*g));

    if (!g || curl_global_init(CURL_GLOBAL_ALL) != 0) {
        free(g);
        return gyr_fail(err, -ENOMEM, "no memory");
    }
    g->multi = curl_multi_init();
    if (!g->multi) {
        free(g);
        curl_global_cleanup();
        return gyr_fail(err, -ENOMEM, "no memory");
    }
    *ret = g;
    return 0;
}

void grpc_free(struct grpc *g)
{
    if (!g)
        return;
    while (g->calls)
        release(g, g->calls);
    (void)curl_multi_cleanup(g->multi);
    curl_global_cleanup();
    free(g);
}
