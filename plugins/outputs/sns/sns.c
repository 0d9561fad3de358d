/* SPDX-License-Identifier: Apache-2.0 */
/* Alerts published to a topic of Amazon's Simple Notification Service, or what speaks like it. */
#include "credentials.h"
#include "encode/encode.h"
#include "http/http.h"
#include "message.h"
#include "role.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { AT_ONCE_MAX = 16, ANSWER_MAX = 64 << 10 };
/* Seconds: before the end of a key the next is fetched; after a failure again. */
enum { EARLY = 300, RENEW_AGAIN = 30 };
static const uint64_t S = 1000000000;

struct config {
    const char *topic_arn, *region, *endpoint, *access_key, *secret_key, *session_token;
    const char *credentials_file, *profile, *subject, *group_id;
    int64_t format;
    uint64_t timeout;
};

/* A Publish request under way. */
struct publish {
    struct sns *sns;
    struct http_call *call;
    uint32_t verdict;
    uint64_t after_ns;
    int renew;
    char why[400];
};

struct sns {
    const struct gyr_host *host;
    const struct config *cfg;
    struct http *http;
    struct credentials key;
    int64_t renew_at; /* when a temporary key is fetched anew; 0: it lasts */
    struct message_conf message;
    bool is_china;
    char region[64], endpoint[256], service[96];
    struct gyr_lines form, scratch;
    struct publish *publishes; /* [AT_ONCE_MAX] */
    uint32_t under_way;
    atomic_bool woken;
};

static const struct gyr_option options[] = {
    {GYR_OPT(struct config, topic_arn, GYR_O_STR, "topic_arn", NULL,
             "The topic: arn:aws:sns:REGION:ACCOUNT:NAME; one that ends in .fifo keeps the order."),
     .flags = GYR_OF_REQUIRED},
    {GYR_OPT(struct config, region, GYR_O_STR, "region", NULL, "Region; else the topic's.")},
    {GYR_OPT(struct config, endpoint, GYR_O_STR, "endpoint", NULL,
             "URL of the service, of a VPC endpoint for instance; else the region's public one.")},
    {GYR_OPT(struct config, access_key, GYR_O_STR, "access_key", NULL,
             "Access key; else from the environment, a role or the shared credentials file."),
     .flags = GYR_OF_SECRET},
    {GYR_OPT(struct config, secret_key, GYR_O_STR, "secret_key", NULL, "Secret of the access key."),
     .flags = GYR_OF_SECRET},
    {GYR_OPT(struct config, session_token, GYR_O_STR, "session_token", NULL,
             "Token of a temporary access key."),
     .flags = GYR_OF_SECRET},
    {GYR_OPT(struct config, credentials_file, GYR_O_STR, "credentials_file", NULL,
             "Shared credentials file; else AWS_SHARED_CREDENTIALS_FILE or ~/.aws/credentials.")},
    {GYR_OPT(struct config, profile, GYR_O_STR, "profile", NULL,
             "Profile in that file; else AWS_PROFILE or default.")},
    {GYR_OPT(struct config, format, GYR_O_ENUM, "format", "json",
             "The message: a line of text, or of JSON."),
     .choices = gyr_encode_formats},
    {GYR_OPT(struct config, subject, GYR_O_STR, "subject", "{priority}: {rule}",
             "Subject of e-mails; {priority}, {rule} and {host} are filled in.")},
    {GYR_OPT(struct config, group_id, GYR_O_STR, "group_id", "gyr",
             "Message group of a FIFO topic.")},
    {GYR_OPT(struct config, timeout, GYR_O_DURATION, "timeout", "10s",
             "How long a request may take."),
     .min = 1000000, .max = INT64_C(600000000000)},
};

/* arn:PARTITION:sns:REGION:ACCOUNT:NAME. */
static int parse_arn(struct sns *s, struct gyr_error *err)
{
    const char *parts[6] = {s->cfg->topic_arn}, *region;
    size_t n;
    int i = 1;

    for (const char *p = s->cfg->topic_arn; i < 6 && (p = strchr(p, ':')); i++)
        parts[i] = ++p;
    if (i < 6 || strncmp(parts[0], "arn:", 4) != 0 || strncmp(parts[2], "sns:", 4) != 0 ||
        !*parts[5])
        return gyr_fail(err, GYR_E_CONF,
                        "topic_arn '%.200s' is not arn:aws:sns:REGION:ACCOUNT:NAME",
                        s->cfg->topic_arn);
    region = s->cfg->region ? s->cfg->region : parts[3];
    n = strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-");
    if (n == 0 || n >= sizeof(s->region) || region[n] != (s->cfg->region ? '\0' : ':'))
        return gyr_fail(err, GYR_E_CONF, "'%.100s' is not a region", region);
    memcpy(s->region, region, n);
    s->is_china = strncmp(parts[1], "aws-cn:", 7) == 0;
    (void)snprintf(s->service, sizeof(s->service), "aws:amz:%s:sns", s->region);
    (void)snprintf(s->endpoint, sizeof(s->endpoint), "https://sns.%s.amazonaws.com%s/", s->region,
                   s->is_china ? ".cn" : "");
    n = strlen(s->cfg->topic_arn);
    if (n > 5 && strcmp(s->cfg->topic_arn + n - 5, ".fifo") == 0)
        s->message.group = s->cfg->group_id;
    return 0;
}

static int take_endpoint(struct sns *s, struct gyr_error *err)
{
    const char *e = s->cfg->endpoint, *host;

    if (!e)
        return 0;
    host = strncmp(e, "https://", 8) == 0 ? e + 8 : strncmp(e, "http://", 7) == 0 ? e + 7 : NULL;
    if (!host || !*host || strpbrk(host, "?#@ ") || strlen(e) >= sizeof(s->endpoint) - 1)
        return gyr_fail(err, GYR_E_CONF, "endpoint '%.100s' is not http[s]://HOST[:PORT][/PATH]",
                        e);
    (void)snprintf(s->endpoint, sizeof(s->endpoint), "%s%s", e, strchr(host, '/') ? "" : "/");
    return 0;
}

static void sns_destroy(void *self)
{
    struct sns *s = self;

    if (!s)
        return;
    http_free(s->http);
    credentials_clear(&s->key);
    free(s->form.p);
    free(s->scratch.p);
    free(s->publishes);
    free(s);
}

static int sns_create(const struct gyr_host *host, const void *cfg, void **ret_self,
                      struct gyr_error *err)
{
    struct sns *s = calloc(1, sizeof(*s));
    int r;

    if (!s)
        return gyr_fail(err, -ENOMEM, "no memory");
    s->host = host;
    s->cfg = cfg;
    s->message = (struct message_conf){.topic = s->cfg->topic_arn,
                                       .subject = s->cfg->subject ? s->cfg->subject : "",
                                       .format = (int)s->cfg->format};
    s->publishes = calloc(AT_ONCE_MAX, sizeof(*s->publishes));
    r = s->publishes ? parse_arn(s, err) : gyr_fail(err, -ENOMEM, "no memory");
    if (r == 0)
        r = take_endpoint(s, err);
    if (r == 0 && http_new(&s->http) < 0)
        r = gyr_fail(err, -ENOMEM, "no memory");
    if (r < 0) {
        sns_destroy(s);
        return r;
    }
    *ret_self = s;
    return 0;
}

/* Also when logs are rotated, and when the service says that the key has run out. */
static int sns_open(void *self, struct gyr_error *err)
{
    struct sns *s = self;
    const struct credentials_conf conf = {.key = s->cfg->access_key,
                                          .secret = s->cfg->secret_key,
                                          .token = s->cfg->session_token,
                                          .file = s->cfg->credentials_file,
                                          .profile = s->cfg->profile};
    const struct role_asker asker = {s->http, &s->woken, s->region, s->is_china};
    int64_t now = (int64_t)time(NULL), left;
    struct credentials key;
    int r = credentials_load(&conf, &asker, &key, err);

    if (r == 0) {
        s->key = key;
        /* a key that has run out already may be all that there is for now: used, and asked again */
        left = key.expires > now ? key.expires - now : 0;
        s->renew_at = !key.expires       ? 0
                      : left > 2 * EARLY ? key.expires - EARLY
                                         : now + (left > 2 ? left / 2 : RENEW_AGAIN);
    }
    credentials_clear(&key);
    return r;
}

/* Temporary keys are fetched anew before they run out; while that fails, the old one is good until
 * then. @return 0; -EAGAIN. */
static int renew_in_time(struct sns *s, struct gyr_error *err)
{
    int64_t now = (int64_t)time(NULL);
    struct gyr_error why = {0};

    if (!s->renew_at || now < s->renew_at || sns_open(s, &why) == 0)
        return 0;
    if (now >= s->key.expires)
        return gyr_fail(err, -EAGAIN, "%.400s", why.msg);
    gyr_logf(s->host, GYR_LOG_WARNING, "%.400s; the one that is there is good for %lld s more",
             why.msg, (long long)(s->key.expires - now));
    s->renew_at = now + RENEW_AGAIN;
    return 0;
}

static void on_done(void *arg, const struct http_answer *a)
{
    struct publish *p = arg;

    p->call = NULL;
    p->sns->under_way--;
    if (a->why) { /* nobody knows whether it arrived */
        p->verdict = GYR_V_RETRY;
        (void)snprintf(p->why, sizeof(p->why), "%s", a->why);
        return;
    }
    p->verdict =
        message_verdict(a->status, a->body, a->body_len, p->why, sizeof(p->why), &p->renew);
    p->after_ns = a->retry_after * S;
}

static int send_one(struct sns *s, struct publish *p, const struct gyr_alert *a,
                    struct gyr_error *err)
{
    char token[sizeof(s->key.token) + 32];
    /* No others: libcurl signs every header of ours, and "Expect:" too, which it then leaves out.
     */
    const char *headers[3] = {"Content-Type: application/x-www-form-urlencoded; charset=utf-8"};
    const struct http_sign sign = {s->service, s->key.key, s->key.secret};
    struct http_request r = {.url = s->endpoint,
                             .sign = &sign,
                             .headers = headers,
                             .max_body = ANSWER_MAX,
                             .connect_ns = s->cfg->timeout,
                             .total_ns = s->cfg->timeout,
                             .on_done = on_done,
                             .arg = p};
    int e;

    *p = (struct publish){.sns = s, .verdict = GYR_V_RETRY};
    if (s->key.token[0]) {
        (void)snprintf(token, sizeof(token), "X-Amz-Security-Token: %s", s->key.token);
        headers[1] = token;
    }
    s->form.len = 0;
    e = message_form(&s->message, a, &s->scratch, &s->form);
    if (e < 0)
        return gyr_fail(err, e, "no memory for the message");
    r.body = s->form.p;
    r.body_len = s->form.len;
    e = http_send(s->http, &r, &p->call, err);
    s->under_way += e == 0;
    return e;
}

/* Several at once, but to a topic that keeps the order one after the other. @return 0; why not all
 * were accepted. */
static int publish_some(struct sns *s, const struct gyr_alert *const *alerts, uint32_t n,
                        struct gyr_verdict *v, struct gyr_error *err)
{
    struct gyr_error ignored;
    uint32_t sent = 0;
    bool renew = false;
    int r = 0;

    for (; sent < n && r == 0; sent++)
        r = send_one(s, &s->publishes[sent], alerts[sent], err);
    while (s->under_way && !atomic_exchange(&s->woken, false))
        http_run(s->http, S);
    for (uint32_t i = 0; i < sent; i++) {
        struct publish *p = &s->publishes[i];

        if (p->call) { /* woken: the end is near */
            http_cancel(p->call);
            (void)snprintf(p->why, sizeof(p->why), "interrupted");
            s->under_way--;
            p->call = NULL;
        }
        v[i].verdict = p->verdict;
        v[i].retry_after_ns = p->after_ns;
        renew = renew || p->renew;
        if (p->verdict != GYR_V_ACCEPTED && r == 0)
            r = gyr_fail(err, p->verdict == GYR_V_FAILED ? -EPERM : -EAGAIN, "%s", p->why);
    }
    if (renew)
        (void)sns_open(s, &ignored);
    return r;
}

static int sns_write(void *self, const struct gyr_alert *const *alerts, uint32_t n,
                     struct gyr_verdict *v, struct gyr_error *err)
{
    struct sns *s = self;
    uint32_t most = s->message.group ? 1 : AT_ONCE_MAX;
    struct gyr_error one = {0};
    int r = renew_in_time(s, err);

    if (r < 0)
        return r;
    for (uint32_t i = 0; i < n; i += most) {
        uint32_t k = n - i < most ? n - i : most;
        int e = publish_some(s, alerts + i, k, v + i, &one);

        if (e < 0 && r == 0) {
            r = e;
            *err = one;
        }
        if (e == -EAGAIN || e == -ENOMEM) { /* the rest would meet the same */
            for (uint32_t j = i + k; j < n; j++)
                v[j].retry_after_ns = v[i + k - 1].retry_after_ns;
            break;
        }
    }
    return r;
}

static void sns_wake(void *self)
{
    struct sns *s = self;

    atomic_store(&s->woken, true);
    http_wake(s->http);
}

static const struct gyr_output_ops output = {
    .size = sizeof(output),
    .write = sns_write,
    .reopen = sns_open,
    .wake = sns_wake,
};

static const struct gyr_plugin plugin = {
    GYR_PLUGIN_HEAD,
    .name = "sns",
    .version = "0.1.0",
    .license = "Apache-2.0",
    .summary = "publishes alerts to a topic of Amazon SNS",
    .output = &output,
    .options = options,
    .n_options = sizeof(options) / sizeof(options[0]),
    .config_size = sizeof(struct config),
    .create = sns_create,
    .start = sns_open,
    .destroy = sns_destroy,
};

GYR_EXPORT_PLUGIN(plugin)
