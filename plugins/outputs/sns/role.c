/* SPDX-License-Identifier: Apache-2.0 */
#include "role.h"

#include "query.h"

#include <curl/curl.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { ANSWER_MAX = 64 << 10, TOKEN_MAX = 64 << 10, LINE_MAX_ = 8192, TRIES = 2 };
static const uint64_t S = 1000000000;

static const char *env(const char *name)
{
    const char *s = getenv(name);

    return s && *s ? s : NULL;
}

/* ---- asking ---- */

struct answer {
    struct gyr_lines body; /* ended by NUL */
    long status;
    bool is_done;
    char why[256];
};

static void answer_free(struct answer *a)
{
    if (a->body.p)
        explicit_bzero(a->body.p, a->body.len);
    free(a->body.p);
    *a = (struct answer){0};
}

static void on_done(void *arg, const struct http_answer *a)
{
    struct answer *to = arg;

    to->is_done = true;
    to->status = a->status;
    if (a->why)
        (void)snprintf(to->why, sizeof(to->why), "%s", a->why);
    else if (gyr_lines_add(&to->body, a->body, a->body_len) < 0 ||
             gyr_lines_add(&to->body, "", 1) < 0)
        (void)snprintf(to->why, sizeof(to->why), "no memory");
}

/* @param r what to ask for, and how long. @return 0: *ret has the answer, whatever its status, and
 * is to be freed. */
static int ask(const struct role_asker *a, struct http_request r, struct answer *ret,
               struct gyr_error *err)
{
    struct http_call *call = NULL;
    struct answer got = {0};

    r.max_body = ANSWER_MAX;
    r.on_done = on_done;
    r.arg = &got;
    if (http_send(a->http, &r, &call, err) < 0)
        return -EIO;
    while (!got.is_done && !atomic_load(a->woken))
        http_run(a->http, S);
    if (!got.is_done) {
        http_cancel(call);
        return gyr_fail(err, -EINTR, "interrupted");
    }
    if (got.why[0]) {
        (void)gyr_fail(err, -EIO, "%s", got.why);
        answer_free(&got);
        return -EIO;
    }
    *ret = got;
    return 0;
}

/* The same, and only 2xx will do. */
static int ask_well(const struct role_asker *a, const struct http_request *r, struct answer *ret,
                    struct gyr_error *err)
{
    int e = ask(a, *r, ret, err);

    if (e == 0 && (ret->status < 200 || ret->status >= 300)) {
        e = gyr_fail(err, -EIO, "it answered %ld", ret->status);
        answer_free(ret);
    }
    return e;
}

/* "2026-11-26T06:00:00Z", or with parts of a second. 0: it is none. */
static int64_t when(const char *s)
{
    struct tm tm = {0};

    return s && strptime(s, "%Y-%m-%dT%H:%M:%S", &tm) ? (int64_t)timegm(&tm) : 0;
}

/* The object that container and machine answer with. */
static int take_object(const struct answer *a, struct credentials *ret, struct gyr_error *err)
{
    json_t *o = json_loads(a->body.p, 0, NULL);
    const char *key = json_string_value(json_object_get(o, "AccessKeyId"));
    const char *secret = json_string_value(json_object_get(o, "SecretAccessKey"));
    int r;

    if (!key || !secret) {
        json_decref(o);
        return gyr_fail(err, -EBADMSG, "its answer has no key");
    }
    r = credentials_set(ret, key, secret, json_string_value(json_object_get(o, "Token")), err);
    ret->expires = when(json_string_value(json_object_get(o, "Expiration")));
    json_decref(o);
    return r;
}

static int fail_of(const char *whom, int r, const struct gyr_error *why, struct gyr_error *err)
{
    return gyr_fail(err, r, "no access key of %s: %.300s", whom, why->msg);
}

/* ---- the workload ---- */

static int add(struct gyr_lines *form, const char *name, const char *value)
{
    return query_add(form, name, value, strlen(value));
}

static int take_xml(const struct answer *a, struct credentials *ret, struct gyr_error *err)
{
    struct credentials c = {0};
    char when_text[64], code[64], text[200];
    const char *p = a->body.p;
    size_t n = strlen(p);
    int r;

    if (a->status < 200 || a->status >= 300) {
        query_between(p, n, "Code", code, sizeof(code));
        query_between(p, n, "Message", text, sizeof(text));
        return gyr_fail(err, -EIO, "it answered %ld %s: %s", a->status, code, text);
    }
    query_between(p, n, "AccessKeyId", c.key, sizeof(c.key));
    query_between(p, n, "SecretAccessKey", c.secret, sizeof(c.secret));
    query_between(p, n, "SessionToken", c.token, sizeof(c.token));
    query_between(p, n, "Expiration", when_text, sizeof(when_text));
    r = c.key[0] && c.secret[0] ? credentials_set(ret, c.key, c.secret, c.token, err)
                                : gyr_fail(err, -EBADMSG, "its answer has no key");
    ret->expires = when(when_text);
    credentials_clear(&c);
    return r;
}

/* The file is read each time: tokens are exchanged before they run out. */
static int make_form(const char *arn, const char *path, struct gyr_lines *form,
                     struct gyr_error *err)
{
    const char *session = env("AWS_ROLE_SESSION_NAME");
    char *token = NULL;
    int r = credentials_read_line(path, TOKEN_MAX, &token, err);

    if (r == 0)
        r = query_begin(form, "AssumeRoleWithWebIdentity", "2011-06-15");
    if (r == 0)
        r = add(form, "RoleArn", arn);
    if (r == 0)
        r = add(form, "RoleSessionName", session ? session : "gyr");
    if (r == 0)
        r = add(form, "WebIdentityToken", token);
    if (r == -ENOMEM)
        (void)gyr_fail(err, r, "no memory");
    credentials_free_line(token);
    return r;
}

int role_of_workload(const struct role_asker *a, struct credentials *ret, struct gyr_error *err)
{
    const char *path = env("AWS_WEB_IDENTITY_TOKEN_FILE"), *arn = env("AWS_ROLE_ARN");
    const char *endpoint = env("AWS_ENDPOINT_URL_STS");
    static const char *const headers[] = {
        "Content-Type: application/x-www-form-urlencoded; charset=utf-8", NULL};
    struct http_request r = {.headers = headers, .connect_ns = 5 * S, .total_ns = 10 * S};
    struct gyr_error why = {0};
    struct gyr_lines form = {0};
    struct answer answer = {0};
    char url[200];
    int e;

    if (!path || !arn)
        return 1;
    (void)snprintf(url, sizeof(url), "https://sts.%s.amazonaws.com%s/", a->region,
                   a->is_china ? ".cn" : "");
    e = make_form(arn, path, &form, &why);
    r.url = endpoint ? endpoint : url;
    r.body = form.p;
    r.body_len = form.len;
    if (e == 0)
        e = ask(a, r, &answer, &why);
    if (e == 0)
        e = take_xml(&answer, ret, &why);
    if (form.p)
        explicit_bzero(form.p, form.len);
    free(form.p);
    answer_free(&answer);
    return e < 0 ? fail_of("the role of AWS_ROLE_ARN", e, &why, err) : 0;
}

/* ---- the container ---- */

/* A key goes over the network in the clear only where that ends on this machine. */
static bool is_near(const char *host)
{
    static const char *const near[] = {"localhost", "[::1]", "169.254.170.2", "169.254.170.23",
                                       "[fd00:ec2::23]"};

    for (size_t i = 0; i < sizeof(near) / sizeof(near[0]); i++)
        if (strcasecmp(host, near[i]) == 0)
            return true;
    return strncmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") == strlen(host);
}

static int check_url(const char *url, struct gyr_error *err)
{
    char *scheme = NULL, *host = NULL;
    CURLU *u = curl_url();
    bool ok = u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
              curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
              curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
              (strcmp(scheme, "https") == 0 || (strcmp(scheme, "http") == 0 && is_near(host)));

    curl_free(scheme);
    curl_free(host);
    curl_url_cleanup(u);
    return ok ? 0
              : gyr_fail(err, GYR_E_CONF,
                         "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor on this machine");
}

/* "Authorization: TOKEN" in a buffer of LINE_MAX_; "": none is needed. */
static int authorization(char *ret, struct gyr_error *err)
{
    const char *path = env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    const char *token = env("AWS_CONTAINER_AUTHORIZATION_TOKEN");
    char *line = NULL;
    int r = path ? credentials_read_line(path, LINE_MAX_ - 32, &line, err) : 0;

    token = path ? line : token;
    ret[0] = '\0';
    if (r == 0 && token && token[strcspn(token, "\r\n")])
        r = gyr_fail(err, GYR_E_CONF, "AWS_CONTAINER_AUTHORIZATION_TOKEN has a line break in it");
    if (r == 0 && token && snprintf(ret, LINE_MAX_, "Authorization: %s", token) >= LINE_MAX_)
        r = gyr_fail(err, GYR_E_CONF, "AWS_CONTAINER_AUTHORIZATION_TOKEN is too long");
    credentials_free_line(line);
    return r;
}

int role_of_container(const struct role_asker *a, struct credentials *ret, struct gyr_error *err)
{
    const char *path = env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const char *full = env("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    char url[1024], line[LINE_MAX_];
    const char *headers[] = {line, NULL};
    struct http_request r = {.url = path ? url : full, .connect_ns = 2 * S, .total_ns = 5 * S};
    struct gyr_error why = {0};
    struct answer answer = {0};
    int e;

    if (!path && !full)
        return 1;
    (void)snprintf(url, sizeof(url), "http://169.254.170.2%s", path ? path : "");
    e = path ? 0 : check_url(full, &why);
    if (e == 0)
        e = authorization(line, &why);
    r.headers = line[0] ? headers : NULL;
    if (e == 0)
        e = ask_well(a, &r, &answer, &why);
    if (e == 0)
        e = take_object(&answer, ret, &why);
    explicit_bzero(line, sizeof(line));
    answer_free(&answer);
    return e < 0 ? fail_of("the container's role", e, &why, err) : 0;
}

/* ---- the machine ---- */

struct metadata {
    const struct role_asker *asker;
    char base[256];
    char token[1024]; /* the header that proves that it was asked from here */
};

static int meta_ask(const struct metadata *m, const char *path, struct answer *ret,
                    struct gyr_error *err)
{
    static const char *const lifetime[] = {"X-aws-ec2-metadata-token-ttl-seconds: 21600",
                                           "Content-Type:", NULL};
    const char *const token[] = {m->token, NULL};
    bool is_first = !m->token[0];
    char url[512];
    struct http_request r = {.url = url,
                             .method = is_first ? "PUT" : NULL,
                             .body = is_first ? "" : NULL,
                             .headers = is_first ? lifetime : token,
                             .connect_ns = S,
                             .total_ns = 2 * S};
    int e = -EIO;

    (void)snprintf(url, sizeof(url), "%s/latest/%s", m->base, path);
    for (int i = 0; e < 0 && e != -EINTR && i < TRIES; i++)
        e = ask_well(m->asker, &r, ret, err);
    return e;
}

/* @return 0 with the first line of the answer. */
static int meta_line(const struct metadata *m, const char *path, char *ret, size_t size,
                     struct gyr_error *err)
{
    struct answer a = {0};
    int r = meta_ask(m, path, &a, err);
    size_t n;

    if (r < 0)
        return r;
    n = strcspn(a.body.p, "\r\n");
    if (n == 0 || n >= size)
        r = gyr_fail(err, -EBADMSG, "its answer makes no sense");
    else
        (void)snprintf(ret, size, "%.*s", (int)n, a.body.p);
    answer_free(&a);
    return r;
}

static int meta_fetch(struct metadata *m, struct credentials *ret, struct gyr_error *err)
{
    static const char list[] = "meta-data/iam/security-credentials/";
    char token[900], role[200], path[256];
    struct answer a = {0};
    int r = meta_line(m, "api/token", token, sizeof(token), err);

    if (r < 0)
        return r;
    (void)snprintf(m->token, sizeof(m->token), "X-aws-ec2-metadata-token: %s", token);
    if (meta_line(m, list, role, sizeof(role), err) < 0)
        return gyr_fail(err, -EIO, "this machine has no role");
    (void)snprintf(path, sizeof(path), "%s%s", list, role);
    r = meta_ask(m, path, &a, err);
    if (r == 0)
        r = take_object(&a, ret, err);
    answer_free(&a);
    return r;
}

int role_of_machine(const struct role_asker *a, struct credentials *ret, struct gyr_error *err)
{
    const char *off = env("AWS_EC2_METADATA_DISABLED");
    const char *base = env("AWS_EC2_METADATA_SERVICE_ENDPOINT");
    const char *mode = env("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
    struct metadata m = {.asker = a};
    struct gyr_error why = {0};
    size_t n;
    int r;

    if (off && strcasecmp(off, "true") == 0)
        return 1;
    if (!base)
        base = mode && strcasecmp(mode, "IPv6") == 0 ? "http://[fd00:ec2::254]"
                                                     : "http://169.254.169.254";
    n = strlen(base);
    (void)snprintf(m.base, sizeof(m.base), "%.*s", (int)(n && base[n - 1] == '/' ? n - 1 : n),
                   base);
    r = meta_fetch(&m, ret, &why);
    explicit_bzero(m.token, sizeof(m.token));
    return r < 0 ? fail_of("the machine's role", r, &why, err) : 0;
}
