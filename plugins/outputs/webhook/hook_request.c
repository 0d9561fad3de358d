/* SPDX-License-Identifier: Apache-2.0 */
#include "hook_request.h"

#include "http/http_file.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <zlib.h>

enum { PEM_MAX = 1 << 20, HEADERS_MAX = 64, SHOWN_MAX = 160, ANSWER_MAX = 8 << 20 };
static const uint64_t NS_S = 1000000000;

/* ---- files ---- */

static int read_pem(const char *path, char **ret, size_t *ret_len, struct gyr_error *err)
{
    char *p = NULL;
    size_t len = 0;
    int r = http_file(path, PEM_MAX, &p, &len);

    if (r < 0)
        return gyr_fail(err, r, "%s: %s", path, strerror(-r));
    if (!memmem(p, len, "-----BEGIN ", 11)) {
        free(p);
        return gyr_fail(err, -EINVAL, "%s holds nothing in PEM", path);
    }
    *ret = p;
    *ret_len = len;
    return 0;
}

static void free_pems(char **pem)
{
    for (unsigned i = 0; i < 3; i++) {
        free(pem[i]);
        pem[i] = NULL;
    }
}

int hook_sender_init(struct hook_sender *s, const struct hook_sender_conf *conf)
{
    *s = (struct hook_sender){.conf = *conf};
    return http_new(&s->http);
}

int hook_sender_open(struct hook_sender *s, struct gyr_error *err)
{
    const char *const paths[3] = {s->conf.ca, s->conf.cert, s->conf.key};
    struct http_tls tls = {.insecure = s->conf.insecure};
    struct http_blob *const blobs[3] = {&tls.ca, &tls.cert, &tls.key};
    char *pem[3] = {0};
    int r = 0;

    for (unsigned i = 0; i < 3 && r == 0; i++) {
        if (!paths[i])
            continue;
        r = read_pem(paths[i], &pem[i], &blobs[i]->len, err);
        blobs[i]->p = pem[i];
    }
    if (r < 0) {
        free_pems(pem);
        return r;
    }
    free_pems(s->pem);
    memcpy(s->pem, pem, sizeof(pem));
    s->tls = tls;
    return 0;
}

void hook_sender_free(struct hook_sender *s)
{
    http_free(s->http);
    free_pems(s->pem);
    *s = (struct hook_sender){0};
}

/* ---- what an answer means ---- */

/* The first line of what the far side says, fit for a message. */
static void say_body(struct hook_reply *r, const char *p, size_t n)
{
    size_t at = strlen(r->why), max = at + SHOWN_MAX;
    size_t from = 0;

    while (from < n && (unsigned char)p[from] <= ' ')
        from++;
    if (from == n)
        return;
    (void)snprintf(r->why + at, sizeof(r->why) - at, ": ");
    at += 2;
    for (; from < n && at < max && p[from] != '\n' && p[from] != '\r'; from++) {
        unsigned char c = (unsigned char)p[from];

        r->why[at++] = c < ' ' || c > '~' ? '?' : (char)c;
    }
    r->why[at] = '\0';
}

static void judge(struct hook_reply *r, const struct http_answer *a)
{
    long s = a->status;

    r->retry_after_ns = 0;
    if (a->why) {
        r->verdict = GYR_V_RETRY;
        (void)snprintf(r->why, sizeof(r->why), "%s", a->why);
        return;
    }
    if (s >= 200 && s < 300) {
        r->verdict = GYR_V_ACCEPTED;
        return;
    }
    if (s >= 300 && s < 400) {
        r->verdict = GYR_V_FAILED;
        (void)snprintf(r->why, sizeof(r->why),
                       "it answered %ld, which sends elsewhere, and that is not followed", s);
        return;
    }
    (void)snprintf(r->why, sizeof(r->why), "it answered %ld", s);
    say_body(r, a->body, a->body_len);
    r->verdict = GYR_V_FAILED;
    r->whole_only = s == 400 || s == 413 || s == 422;
    if (s == 408 || s == 425 || s == 429 || s < 400 || s >= 500) {
        r->verdict = GYR_V_RETRY;
        r->retry_after_ns = a->retry_after * NS_S;
    }
}

static void on_done(void *arg, const struct http_answer *a)
{
    struct hook_sender *s = arg;
    struct hook_reply *r = s->reply;

    judge(r, a);
    r->is_done = true;
    if (r->verdict == GYR_V_ACCEPTED && gyr_lines_add(&r->body, a->body, a->body_len) < 0) {
        r->verdict = GYR_V_RETRY;
        (void)snprintf(r->why, sizeof(r->why), "no memory");
    }
}

/* ---- sending ---- */

static int compress_body(const char *body, size_t len, char **ret, size_t *ret_len)
{
    z_stream z = {0};
    size_t room;
    char *p;
    int r;

    if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return -ENOMEM;
    room = deflateBound(&z, len);
    p = malloc(room);
    z.next_in = (Bytef *)(uintptr_t)body;
    z.avail_in = (uInt)len;
    z.next_out = (Bytef *)p;
    z.avail_out = (uInt)room;
    r = p ? deflate(&z, Z_FINISH) : Z_MEM_ERROR;
    *ret_len = z.total_out;
    (void)deflateEnd(&z);
    if (r != Z_STREAM_END) {
        free(p);
        return -ENOMEM;
    }
    *ret = p;
    return 0;
}

/* "X-Signature: sha256=0123…", of the bytes as they are sent. */
static int sign(const struct hook_sender_conf *c, const char *body, size_t len, char *ret,
                size_t size)
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned int n = 0;
    int at;

    if (!HMAC(EVP_sha256(), c->sign_key, (int)strlen(c->sign_key), (const unsigned char *)body, len,
              mac, &n))
        return -ENOMEM;
    at = snprintf(ret, size, "%s: sha256=", c->sign_header);
    if (at < 0 || (size_t)at + 2 * (size_t)n >= size)
        return -EINVAL;
    for (unsigned i = 0; i < n; i++)
        (void)snprintf(ret + at + 2 * i, 3, "%02x", mac[i]);
    return 0;
}

static int ignore(void *arg, const void *p, size_t n)
{
    (void)arg;
    (void)p;
    (void)n;
    return 0;
}

/* Wait for what is under way. */
static void await(struct hook_sender *s, struct http_call *call)
{
    while (!s->reply->is_done) {
        if (atomic_exchange(&s->woken, false)) {
            http_cancel(call);
            (void)snprintf(s->reply->why, sizeof(s->reply->why), "interrupted");
            return;
        }
        http_run(s->http, NS_S);
    }
}

void hook_send(struct hook_sender *s, const char *body, size_t len, struct hook_reply *ret)
{
    const char *headers[HEADERS_MAX + 3];
    struct http_call *call;
    struct http_request r = {.method = s->conf.method,
                             .url = s->conf.url,
                             .tls = &s->tls,
                             .headers = headers,
                             .max_body = ANSWER_MAX,
                             .connect_ns = s->conf.timeout_ns,
                             .idle_ns = UINT64_MAX,
                             .total_ns = s->conf.timeout_ns,
                             .on_data = s->conf.wants_body ? NULL : ignore,
                             .on_done = on_done,
                             .arg = s};
    char signature[256], *packed = NULL;
    unsigned n = 0;
    int bad = 0;

    *ret = (struct hook_reply){.verdict = GYR_V_RETRY};
    for (; n < HEADERS_MAX && s->conf.headers[n]; n++)
        headers[n] = s->conf.headers[n];
    if (s->conf.gzip) {
        bad |= compress_body(body, len, &packed, &len);
        headers[n++] = "Content-Encoding: gzip";
    }
    r.body = packed ? packed : body;
    r.body_len = len;
    if (s->conf.sign_key && bad == 0) {
        bad |= sign(&s->conf, r.body, len, signature, sizeof(signature));
        headers[n++] = signature;
    }
    headers[n] = NULL;
    s->reply = ret;
    /* its own sentence would show the URL, which may be a secret */
    if (bad || http_send(s->http, &r, &call, NULL) < 0)
        (void)snprintf(ret->why, sizeof(ret->why), "the request could not be made");
    else
        await(s, call);
    s->reply = NULL;
    free(packed);
}

void hook_sender_wake(struct hook_sender *s)
{
    atomic_store(&s->woken, true);
    http_wake(s->http);
}

int hook_sender_sleep(struct hook_sender *s, const struct gyr_host *host, uint64_t until_ns)
{
    for (uint64_t at = host->now_ns(host->ctx); at < until_ns; at = host->now_ns(host->ctx)) {
        if (atomic_exchange(&s->woken, false))
            return -EINTR;
        http_run(s->http, until_ns - at);
    }
    return 0;
}
