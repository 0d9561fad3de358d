/* SPDX-License-Identifier: Apache-2.0 */
#include "hook_setup.h"

#include <curl/curl.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <strings.h>

enum { BATCH_DEFAULT = 64, BATCH_MAX = 10000, CREDENTIALS_MAX = 4096 };

const char *const hook_batches[] = {"default", "none", "array", "lines", NULL};
const char *const hook_answers[] = {"default", "status", "bulk", "partial", NULL};

static const char *either(const char *a, const char *b)
{
    return a ? a : b;
}

/* @return the place of @p name among @p choices; 0. */
static int64_t choice(const char *name, const char *const *choices)
{
    for (int64_t i = 0; name && choices[i]; i++)
        if (strcmp(choices[i], name) == 0)
            return i;
    return 0;
}

/* ---- the URL ---- */

static int take_url(struct hook_setup *s, CURLU *u, const char *url, struct gyr_error *err)
{
    char *scheme = NULL, *host = NULL, *path = NULL, *whole = NULL;
    bool ok = u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
              curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
              curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
              curl_url_get(u, CURLUPART_PATH, &path, 0) == CURLUE_OK &&
              (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);

    if (ok && s->preset.path && strcmp(path, "/") == 0)
        ok = curl_url_set(u, CURLUPART_PATH, s->preset.path, 0) == CURLUE_OK;
    ok = ok && curl_url_get(u, CURLUPART_URL, &whole, 0) == CURLUE_OK;
    if (ok) {
        s->url = strdup(whole);
        (void)snprintf(s->shown, sizeof(s->shown), "%s://%s", scheme, host);
    }
    curl_free(scheme);
    curl_free(host);
    curl_free(path);
    curl_free(whole);
    if (!ok)
        return gyr_fail(err, GYR_E_CONF, "url is not http://HOST… or https://HOST…");
    return s->url ? 0 : gyr_fail(err, -ENOMEM, "no memory");
}

static int set_url(struct hook_setup *s, const char *url, struct gyr_error *err)
{
    CURLU *u;
    int r;

    if (!url)
        return gyr_fail(err, GYR_E_CONF, "url is not given");
    u = curl_url();
    r = take_url(s, u, url, err);
    curl_url_cleanup(u);
    return r;
}

/* ---- headers ---- */

static bool is_header_name(const char *s)
{
    return *s && strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                           "!#$%&'*+-.^_`|~") == strlen(s);
}

/* Of one name the first that is added counts. @param value: empty: no such header is sent. */
static int add_header(struct hook_setup *s, const char *name, const char *value,
                      struct gyr_error *err)
{
    size_t len = strlen(name), room = len + strlen(value) + 3;
    unsigned n = 0;
    char *line;

    if (!is_header_name(name))
        return gyr_fail(err, GYR_E_CONF, "'%s' is not the name of a header", name);
    for (const char *c = value; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            return gyr_fail(err, GYR_E_CONF, "the header %s has a control character", name);
    for (; s->headers[n]; n++)
        if (strncasecmp(s->headers[n], name, len) == 0 && s->headers[n][len] == ':')
            return 0;
    if (n == HOOK_LINES_MAX)
        return gyr_fail(err, GYR_E_CONF, "more than %d headers", HOOK_LINES_MAX);
    line = malloc(room);
    if (!line)
        return gyr_fail(err, -ENOMEM, "no memory");
    (void)snprintf(line, room, *value ? "%s: %s" : "%s:", name, value);
    s->headers[n] = line;
    return 0;
}

/* Headers with "{key}" filled in. */
static int add_headers(struct hook_setup *s, const char *const *pairs, const char *key,
                       struct gyr_error *err)
{
    int r = 0;

    for (; r == 0 && pairs && pairs[0]; pairs += 2) {
        struct gyr_lines value = {0};
        struct template *t = NULL;

        r = template_compile(pairs[1], TEMPLATE_TEXT, key, &t, NULL);
        if (r < 0) /* the template's own words would show a part of what may be a secret */
            r = gyr_fail(err, r, "the header %.100s: %s", pairs[0],
                         !key && strstr(pairs[1], "{key}")
                             ? "the place {key} needs the option 'key'"
                             : "it is no template; a brace that opens no place is written {{");
        if (r == 0 && (template_expand(t, NULL, &value) < 0 || gyr_lines_add(&value, "", 1) < 0))
            r = gyr_fail(err, -ENOMEM, "no memory");
        if (r == 0)
            r = add_header(s, pairs[0], value.p, err);
        template_free(t);
        free(value.p);
    }
    return r;
}

static int add_basic(struct hook_setup *s, const char *user, const char *password,
                     struct gyr_error *err)
{
    unsigned char plain[CREDENTIALS_MAX], coded[8 + CREDENTIALS_MAX / 3 * 4 + 8] = "Basic ";
    int n = snprintf((char *)plain, sizeof(plain), "%s:%s", user, password ? password : "");

    if (n < 0 || (size_t)n >= sizeof(plain))
        return gyr_fail(err, GYR_E_CONF, "user and password are too long");
    (void)EVP_EncodeBlock(coded + strlen("Basic "), plain, n);
    return add_header(s, "Authorization", (const char *)coded, err);
}

static int add_bearer(struct hook_setup *s, const char *token, struct gyr_error *err)
{
    char value[CREDENTIALS_MAX + 8];
    int n = snprintf(value, sizeof(value), "Bearer %s", token);

    if (n < 0 || (size_t)n >= sizeof(value))
        return gyr_fail(err, GYR_E_CONF, "bearer is too long");
    return add_header(s, "Authorization", value, err);
}

static int set_headers(struct hook_setup *s, const struct hook_config *c, struct gyr_error *err)
{
    int r = add_headers(s, c->headers, c->key, err);

    if (r == 0 && c->bearer)
        r = add_bearer(s, c->bearer, err);
    if (r == 0 && c->user)
        r = add_basic(s, c->user, c->password, err);
    if (r == 0)
        r = add_header(s, "Content-Type", s->content_type, err);
    if (r == 0)
        r = add_headers(s, s->preset.headers, c->key, err);
    if (r == 0)
        r = add_header(s, "User-Agent", "gyr", err);
    return r ? r : add_header(s, "Expect", "", err);
}

/* ---- bodies ---- */

static int set_text(const char *what, const char *text, const struct hook_setup *s, const char *key,
                    struct template **ret, struct gyr_error *err)
{
    struct gyr_error why = {0};
    int r = template_compile(text, strstr(s->content_type, "json") != NULL, key, ret, &why);

    return r ? gyr_fail(err, r, "%s: %.400s", what, why.msg) : 0;
}

static int set_bodies(struct hook_setup *s, const struct hook_config *c, struct gyr_error *err)
{
    bool array = s->batch == HOOK_BATCH_ARRAY, lines = s->batch == HOOK_BATCH_LINES;
    const char *begin = either(c->body_begin, s->preset.body_begin);
    const char *end = either(c->body_end, s->preset.body_end);
    int r;

    s->between = array ? "," : lines ? "\n" : "";
    r = set_text("body", either(either(c->body, s->preset.body), "{json}"), s, c->key, &s->body,
                 err);
    if (r == 0)
        r = set_text("body_begin", either(begin, array ? "[" : ""), s, c->key, &s->begin, err);
    if (r == 0)
        r = set_text("body_end",
                     either(end, array   ? "]"
                                 : lines ? "\n"
                                         : ""),
                     s, c->key, &s->end, err);
    return r;
}

/* ---- the whole ---- */

static int check(const struct hook_config *c, struct gyr_error *err)
{
    if (c->bearer && c->user)
        return gyr_fail(err, GYR_E_CONF, "give either bearer or user and password");
    if (c->password && !c->user)
        return gyr_fail(err, GYR_E_CONF, "password is given without user");
    if (!c->tls_cert != !c->tls_key)
        return gyr_fail(err, GYR_E_CONF, "tls_cert and tls_key go together");
    if (c->sign_key && (strlen(c->sign_header) > 100 || !is_header_name(c->sign_header)))
        return gyr_fail(err, GYR_E_CONF, "sign_header '%.100s' is not the name of a header",
                        c->sign_header);
    return 0;
}

static int set_up(struct hook_setup *s, const struct hook_config *c, struct gyr_error *err)
{
    int r = c->preset ? hook_preset_load(c->preset, &s->preset, err) : 0;
    uint32_t max = 0;

    if (r < 0)
        return r;
    s->batch = c->batch ? c->batch : choice(s->preset.batch, hook_batches);
    if (!s->batch)
        s->batch = HOOK_BATCH_NONE;
    s->answer = c->answer ? c->answer : choice(s->preset.answer, hook_answers);
    for (const char *d = s->preset.max_batch; d && *d >= '0' && *d <= '9' && max < BATCH_MAX; d++)
        max = max * 10 + (uint32_t)(*d - '0');
    s->max_batch = c->max_batch ? (uint32_t)c->max_batch : max ? max : BATCH_DEFAULT;
    if (s->batch == HOOK_BATCH_NONE)
        s->max_batch = 1;
    s->method = either(either(c->method, s->preset.method), "POST");
    if (!is_header_name(s->method))
        return gyr_fail(err, GYR_E_CONF, "method '%.50s' is none", s->method);
    s->content_type =
        either(either(c->content_type, s->preset.content_type),
               s->batch == HOOK_BATCH_LINES ? "application/x-ndjson" : "application/json");
    r = set_url(s, either(c->url, s->preset.url), err);
    if (r == 0)
        r = set_bodies(s, c, err);
    return r ? r : set_headers(s, c, err);
}

int hook_setup_init(const struct hook_config *c, struct hook_setup *ret, struct gyr_error *err)
{
    struct hook_setup s = {0};
    int r = check(c, err);

    if (r == 0)
        r = set_up(&s, c, err);
    if (r < 0) {
        hook_setup_free(&s);
        return r;
    }
    *ret = s;
    return 0;
}

void hook_setup_free(struct hook_setup *s)
{
    for (unsigned i = 0; s->headers[i]; i++)
        free(s->headers[i]);
    template_free(s->body);
    template_free(s->begin);
    template_free(s->end);
    hook_preset_free(&s->preset);
    free(s->url);
    *s = (struct hook_setup){0};
}
