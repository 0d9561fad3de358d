/* SPDX-License-Identifier: Apache-2.0 */
/* Alerts sent to an HTTP server, in a body of the user's or a preset's making. */
#include "hook_answer.h"
#include "hook_request.h"
#include "hook_setup.h"

#include <errno.h>
#include <stdlib.h>

struct webhook {
    const struct gyr_host *host;
    const struct hook_config *cfg;
    struct hook_setup setup;
    struct hook_sender sender;
    struct gyr_lines body;
    uint64_t next_ns; /* no request before */
};

#define OPT(member, type, name, def, help)                                                         \
    GYR_OPT(struct hook_config, member, type, name, def, help)

static const struct gyr_option options[] = {
    {OPT(url, GYR_O_STR, "url", NULL, "Where to send; the preset may know it."),
     .flags = GYR_OF_SECRET},
    {OPT(
        preset, GYR_O_STR, "preset", NULL,
        "What a service expects: alertmanager, discord, elasticsearch, loki, opensearch, opsgenie, "
        "otlp, pagerduty, slack, splunk or teams; other options win over it.")},
    {OPT(key, GYR_O_STR, "key", NULL, "What {key} stands for: the service's key or token."),
     .flags = GYR_OF_SECRET},
    {OPT(method, GYR_O_STR, "method", NULL,
         "Method of the requests; POST if no preset says else.")},
    {OPT(headers, GYR_O_STRMAP, "headers", NULL, "More headers; {key} is filled in."),
     .flags = GYR_OF_SECRET},
    {OPT(content_type, GYR_O_STR, "content_type", NULL,
         "Type of the body; with 'json' in it, places are filled as JSON.")},
    {OPT(body, GYR_O_STR, "body", NULL,
         "Template of one alert; {json}, the alert as JSON, if no preset says else.")},
    {OPT(body_begin, GYR_O_STR, "body_begin", NULL, "Text before the alerts of a request.")},
    {OPT(body_end, GYR_O_STR, "body_end", NULL, "Text behind them.")},
    {OPT(batch, GYR_O_ENUM, "batch", "default",
         "Several alerts in a request: none, a JSON array, or lines; default: the preset's, or "
         "none."),
     .choices = hook_batches},
    {OPT(max_batch, GYR_O_INT, "max_batch", NULL,
         "Alerts in a request at most; 0: the preset's, or 64."),
     .min = 0, .max = 10000},
    {OPT(max_body, GYR_O_SIZE, "max_body", "1M",
         "Bytes of a body at most, before compression; one alert is sent whatever its size."),
     .min = 1024, .max = 32 << 20},
    {OPT(interval, GYR_O_DURATION, "interval", "0s",
         "Shortest time from request to request; alerts gather meanwhile."),
     .min = 0, .max = 600ll * 1000000000},
    {OPT(answer, GYR_O_ENUM, "answer", "default",
         "What tells of success: the status, a bulk answer with an item for each alert, or a "
         "partial success of OTLP."),
     .choices = hook_answers},
    {OPT(gzip, GYR_O_BOOL, "gzip", "no", "Compress bodies.")},
    {OPT(timeout, GYR_O_DURATION, "timeout", "10s", "Longest time of a request."), .min = 1000000,
     .max = 600ll * 1000000000},
    {OPT(bearer, GYR_O_STR, "bearer", NULL, "Token for 'Authorization: Bearer'."),
     .flags = GYR_OF_SECRET},
    {OPT(user, GYR_O_STR, "user", NULL, "Name for basic authentication.")},
    {OPT(password, GYR_O_STR, "password", NULL, "Password of the user."), .flags = GYR_OF_SECRET},
    {OPT(sign_key, GYR_O_STR, "sign_key", NULL,
         "Key of a signature (HMAC-SHA256) of the body as it is sent."),
     .flags = GYR_OF_SECRET},
    {OPT(sign_header, GYR_O_STR, "sign_header", "X-Gyr-Signature-256",
         "Header of the signature: sha256=HEX.")},
    {OPT(tls_ca, GYR_O_STR, "tls_ca", NULL,
         "File with the authorities to trust (PEM), and no others; else those of the system.")},
    {OPT(tls_cert, GYR_O_STR, "tls_cert", NULL, "File with our certificate (PEM).")},
    {OPT(tls_key, GYR_O_STR, "tls_key", NULL, "File with its key (PEM, not encrypted).")},
    {OPT(tls_verify, GYR_O_BOOL, "tls_verify", "yes",
         "Believe only a server that proves its name.")},
};

/* ---- life ---- */

static void hook_destroy(void *self)
{
    struct webhook *h = self;

    if (!h)
        return;
    hook_sender_free(&h->sender);
    hook_setup_free(&h->setup);
    free(h->body.p);
    free(h);
}

static int hook_create(const struct gyr_host *host, const void *cfg, void **ret_self,
                       struct gyr_error *err)
{
    const struct hook_config *c = cfg;
    struct hook_sender_conf conf = {.sign_key = c->sign_key,
                                    .sign_header = c->sign_header,
                                    .ca = c->tls_ca,
                                    .cert = c->tls_cert,
                                    .key = c->tls_key,
                                    .insecure = !c->tls_verify,
                                    .gzip = c->gzip,
                                    .timeout_ns = c->timeout};
    struct webhook *h = calloc(1, sizeof(*h));
    int r = h ? hook_setup_init(c, &h->setup, err) : gyr_fail(err, -ENOMEM, "no memory");

    if (r == 0) {
        h->host = host;
        h->cfg = c;
        conf.url = h->setup.url;
        conf.method = h->setup.method;
        conf.wants_body =
            h->setup.answer == HOOK_ANSWER_BULK || h->setup.answer == HOOK_ANSWER_PARTIAL;
        conf.headers = (const char *const *)h->setup.headers;
        if (hook_sender_init(&h->sender, &conf) < 0)
            r = gyr_fail(err, -ENOMEM, "no memory");
    }
    if (r < 0) {
        hook_destroy(h);
        return r;
    }
    *ret_self = h;
    return 0;
}

/* Certificates are read here, and again when logs are rotated: that is how a new one gets in. */
static int hook_open(void *self, struct gyr_error *err)
{
    struct webhook *h = self;

    return hook_sender_open(&h->sender, err);
}

/* ---- alerts ---- */

/* The body of as many of the alerts as go into a request. @return how many; -ENOMEM. */
static int build(struct webhook *h, const struct gyr_alert *const *alerts, uint32_t n)
{
    const struct hook_setup *s = &h->setup;
    uint32_t done = 0;
    int r;

    h->body.len = 0;
    r = template_expand(s->begin, NULL, &h->body);
    for (; r == 0 && done < n && done < s->max_batch; done++) {
        size_t before = h->body.len;

        if (done)
            r = gyr_lines_add(&h->body, s->between, strlen(s->between));
        if (r == 0)
            r = template_expand(s->body, alerts[done], &h->body);
        if (done && (r < 0 || h->body.len > h->cfg->max_body)) { /* for the next request */
            h->body.len = before;
            r = 0;
            break;
        }
    }
    if (r == 0)
        r = template_expand(s->end, NULL, &h->body);
    return r ? r : (int)done;
}

static void settle(struct gyr_verdict *v, uint32_t n, const struct hook_reply *reply)
{
    for (uint32_t i = 0; i < n; i++)
        v[i] = (struct gyr_verdict){.verdict = reply->verdict,
                                    .retry_after_ns = reply->retry_after_ns};
}

/* @return 0; -EBADMSG: all were refused; -E2BIG: some, and nobody knows which. */
static int conclude_partial(const struct webhook *h, const struct hook_reply *reply,
                            struct gyr_verdict *v, uint32_t n, struct gyr_error *err)
{
    struct gyr_error why = {0};
    uint32_t refused =
        hook_answer_partial(reply->body.p ? reply->body.p : "", reply->body.len, n, &why);

    if (why.msg[0])
        (void)gyr_fail(err, -EBADMSG, "%s: %.350s", h->setup.shown, why.msg);
    if (refused)
        settle(v, n, &(struct hook_reply){.verdict = refused == n ? GYR_V_FAILED : GYR_V_RETRY});
    return refused == 0 ? 0 : refused == n ? -EBADMSG : -E2BIG;
}

/* What came of the request with the first @p n alerts. @return 0; -EBADMSG when some or all were
 * refused for good; -EAGAIN when they are to be sent again; -E2BIG: in parts. */
static int conclude(struct webhook *h, struct hook_reply *reply, struct gyr_verdict *v, uint32_t n,
                    struct gyr_error *err)
{
    struct gyr_error why = {0};

    settle(v, n, reply);
    if (reply->verdict == GYR_V_ACCEPTED && h->setup.answer == HOOK_ANSWER_BULK) {
        settle(v, n, &(struct hook_reply){.verdict = GYR_V_RETRY});
        if (hook_answer_bulk(reply->body.p ? reply->body.p : "", reply->body.len, v, n, &why) < 0) {
            (void)gyr_fail(err, -EBADMSG, "%s: %.350s", h->setup.shown, why.msg);
            for (uint32_t i = 0; i < n; i++)
                if (v[i].verdict == GYR_V_RETRY)
                    return -EAGAIN;
            return -EBADMSG;
        }
    }
    if (reply->verdict == GYR_V_ACCEPTED && h->setup.answer == HOOK_ANSWER_PARTIAL)
        return conclude_partial(h, reply, v, n, err);
    if (reply->verdict == GYR_V_ACCEPTED)
        return 0;
    return gyr_fail(err, reply->verdict == GYR_V_RETRY ? -EAGAIN : -EBADMSG, "%s: %s",
                    h->setup.shown, reply->why);
}

/* One request. @return as conclude(), and @p ret_n: for how many. */
static int send_some(struct webhook *h, const struct gyr_alert *const *alerts, uint32_t n,
                     struct gyr_verdict *v, uint32_t *ret_n, struct gyr_error *err)
{
    struct hook_reply reply;
    int r;

    if (hook_sender_sleep(&h->sender, h->host, h->next_ns) < 0)
        return gyr_fail(err, -EAGAIN, "%s: interrupted", h->setup.shown);
    r = build(h, alerts, n);
    if (r < 0)
        return gyr_fail(err, -EAGAIN, "no memory for an alert");
    *ret_n = (uint32_t)r;
    hook_send(&h->sender, h->body.p ? h->body.p : "", h->body.len, &reply);
    h->next_ns = h->host->now_ns(h->host->ctx) + h->cfg->interval;
    if (reply.verdict == GYR_V_FAILED && reply.whole_only && *ret_n > 1)
        r = -E2BIG;
    else
        r = conclude(h, &reply, v, *ret_n, err);
    free(reply.body.p);
    return r;
}

static int hook_write(void *self, const struct gyr_alert *const *alerts, uint32_t n,
                      struct gyr_verdict *v, struct gyr_error *err)
{
    struct webhook *h = self;
    uint32_t at = 0, most = n, sent = 0;
    int r, failed = 0;

    while (at < n) {
        r = send_some(h, alerts + at, n - at < most ? n - at : most, v + at, &sent, err);
        if (r == -EAGAIN) {
            /* what the far side asks for is asked of the rest too, which stays behind */
            for (uint32_t i = at + 1; i < n; i++)
                v[i].retry_after_ns = v[at].retry_after_ns;
            return r;
        }
        if (r == -E2BIG) { /* find the alert that the far side does not like */
            most = sent / 2;
            continue;
        }
        if (r < 0)
            failed = r;
        at += sent;
    }
    return failed;
}

static void hook_wake(void *self)
{
    struct webhook *h = self;

    hook_sender_wake(&h->sender);
}

static const struct gyr_output_ops output = {
    .size = sizeof(output),
    .write = hook_write,
    .reopen = hook_open,
    .wake = hook_wake,
};

static const struct gyr_plugin plugin = {
    GYR_PLUGIN_HEAD,
    .name = "webhook",
    .version = "0.1.0",
    .license = "Apache-2.0",
    .summary = "sends alerts to an HTTP server: Slack, PagerDuty, Elasticsearch, Loki, your own, …",
    .output = &output,
    .options = options,
    .n_options = sizeof(options) / sizeof(options[0]),
    .config_size = sizeof(struct hook_config),
    .create = hook_create,
    .start = hook_open,
    .destroy = hook_destroy,
};

GYR_EXPORT_PLUGIN(plugin)
