/* SPDX-License-Identifier: Apache-2.0 */
/* List and watch: a list, page by page, tells what there is and of which version it is; a watch
 * from that version on tells changes. A watch that breaks goes on from the last version heard of; a
 * version that the server no longer has (410) begins with a list again. What is known stays known
 * meanwhile. */
#include "api.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t NS_S = 1000000000, NS_MS = 1000000;
static const uint64_t BACKOFF_NS = 500000000, BACKOFF_MAX_NS = 30000000000;
static const uint64_t REFUSED_NS = 300000000000, TOKEN_NS = 60000000000;

void watch_init(struct watch *w, struct api *a, enum k8s_kind kind, bool on)
{
    *w = (struct watch){.api = a, .kind = kind, .state = on ? WATCH_WAITS : WATCH_OFF};
    w->settled = w->refused = !on;
    w->relist = true;
}

void watch_free(struct watch *w)
{
    http_cancel(w->call);
    w->call = NULL;
    split_free(&w->split);
}

static uint64_t jitter(const struct api *a, uint64_t ns)
{
    uint64_t x = api_now(a) * 0x9e3779b97f4a7c15u;

    return ns / 2 + (x >> 20) % (ns / 2 + 1);
}

static void wait_for(struct watch *w, uint64_t ns)
{
    w->state = WATCH_WAITS;
    w->due_ns = api_now(w->api) + ns;
}

static void works_again(struct watch *w)
{
    w->failures = 0;
    if (!w->failing)
        return;
    w->failing = false;
    if (--w->api->n_failing == 0)
        gyr_logf(w->api->host, GYR_LOG_NOTICE, "the Kubernetes API at %s answers again",
                 w->api->cluster.url);
}

/* Once for all kinds; the first failure may be a server that is restarted. */
static void tell_failure(struct watch *w, const char *why)
{
    struct api *a = w->api;

    if (++w->failures < 2 || w->failing)
        return;
    w->failing = true;
    if (a->n_failing++ == 0)
        gyr_logf(a->host, GYR_LOG_WARNING,
                 "the Kubernetes API at %s does not give %s: %s; it is asked again until it does, "
                 "and what it has told so far stands",
                 a->cluster.url, kind_defs[w->kind].resource, why);
}

static void fail(struct watch *w, const char *why, uint32_t retry_after)
{
    uint64_t ns = BACKOFF_NS << (w->failures < 6 ? w->failures : 6);

    tell_failure(w, why);
    ns = jitter(w->api, ns < BACKOFF_MAX_NS ? ns : BACKOFF_MAX_NS);
    if (retry_after * NS_S > ns)
        ns = retry_after * NS_S;
    wait_for(w, ns);
}

static void refuse(struct watch *w, long status)
{
    if (!w->refused && !w->is_look)
        gyr_logf(w->api->host, GYR_LOG_WARNING,
                 "the Kubernetes API at %s refuses to list %s (%ld): fields that need them are "
                 "absent",
                 w->api->cluster.url, kind_defs[w->kind].resource, status);
    w->refused = w->settled = w->relist = true;
    w->failures = 0;
    wait_for(w, jitter(w->api, REFUSED_NS));
}

/* What a status of an error says, in its own words. */
static void status_text(const struct http_answer *h, char *ret, size_t size)
{
    json_t *o = json_loadb(h->body, h->body_len, 0, NULL);
    const char *msg = json_text(o, "message");

    (void)snprintf(ret, size, "status %ld%s%.200s", h->status, msg ? ": " : "", msg ? msg : "");
    json_decref(o);
}

static void failed(struct watch *w, const struct http_answer *h)
{
    struct api *a = w->api;
    char why[256];

    if (h->status == 410) {
        a->n.relists++;
        w->relist = true;
        w->next[0] = '\0';
        wait_for(w, w->failures++ ? jitter(a, BACKOFF_NS) : 0);
        return;
    }
    w->next[0] = '\0';
    if (h->status == 401 && cluster_read_token(&a->cluster) == 1 && w->failures == 0) {
        w->failures++;
        wait_for(w, 0);
        return;
    }
    if (h->status == 403 || h->status == 404) {
        refuse(w, h->status);
        return;
    }
    if (h->status >= 400)
        status_text(h, why, sizeof(why));
    else
        (void)snprintf(why, sizeof(why), "%s", h->why ? h->why : "the answer makes no sense");
    fail(w, why, h->retry_after);
}

/* ---- objects ---- */

static void take_version(struct watch *w, struct obj_text t)
{
    if (t.p && t.n < sizeof(w->version))
        memcpy(w->version, t.p, t.n + 1);
}

static int on_listed(void *arg, const char *p, size_t n)
{
    struct watch *w = arg;
    json_t *o = json_loadb(p, n, 0, NULL);
    struct obj_read r;
    int ret = o ? read_object(&w->api->reader, o, w->kind, &r) : -EBADMSG;

    if (ret == 0)
        api_put(w, &r);
    json_decref(o);
    return ret;
}

static int on_error(struct watch *w, const json_t *status)
{
    json_int_t code = json_integer_value(json_object_get(status, "code"));

    if (code != 410)
        return -EIO;
    w->api->n.relists++;
    w->relist = true;
    return 0;
}

static int on_change(struct watch *w, const json_t *o)
{
    const char *type = json_text(o, "type");
    const json_t *object = json_object_get(o, "object");
    struct obj_read r;

    if (!type || !json_is_object(object))
        return -EBADMSG;
    if (!w->n_events++)
        works_again(w);
    if (strcmp(type, "ERROR") == 0)
        return on_error(w, object);
    if (strcmp(type, "BOOKMARK") == 0) {
        const json_t *v = json_object_get(json_object_get(object, "metadata"), "resourceVersion");

        take_version(w, (struct obj_text){json_string_value(v), json_string_length(v)});
        return 0;
    }
    if (read_object(&w->api->reader, object, w->kind, &r) < 0)
        return -EBADMSG;
    if (strcmp(type, "DELETED") == 0)
        api_deleted(w, &r);
    else
        api_put(w, &r);
    take_version(w, r.version);
    return 0;
}

static int on_watched(void *arg, const char *p, size_t n)
{
    struct watch *w = arg;
    json_t *o = json_loadb(p, n, 0, NULL);
    int r = o ? on_change(w, o) : -EBADMSG;

    json_decref(o);
    return r;
}

/* ---- answers ---- */

static int on_data(void *arg, const void *p, size_t n)
{
    struct watch *w = arg;
    int r = split_feed(&w->split, p, n);

    if (w->split.too_long) {
        w->api->n.too_long += w->split.too_long;
        w->split.too_long = 0;
    }
    if (r < 0)
        w->api->n.malformed++;
    return r;
}

static void start_list(struct watch *w);

static void list_done(void *arg, const struct http_answer *h)
{
    struct watch *w = arg;
    const json_t *meta;
    const char *version, *next;
    json_t *o = NULL;

    w->call = NULL;
    if (!h->why && h->status == 200 && split_is_whole(&w->split))
        o = json_loads(split_head(&w->split), 0, NULL);
    meta = json_object_get(o, "metadata");
    version = json_text(meta, "resourceVersion");
    next = json_text(meta, "continue");
    if (!version || (next && strlen(next) >= sizeof(w->next))) {
        json_decref(o);
        failed(w, h);
        return;
    }
    take_version(w, (struct obj_text){version, strlen(version)});
    if (next && *next)
        memcpy(w->next, next, strlen(next) + 1);
    else
        w->next[0] = '\0';
    json_decref(o);
    if (w->next[0]) {
        start_list(w);
        return;
    }
    w->relist = w->refused = false;
    works_again(w);
    w->settled = true;
    wait_for(w, 0);
    api_listed(w);
}

static void watch_done(void *arg, const struct http_answer *h)
{
    struct watch *w = arg;
    uint64_t lasted = api_now(w->api) - w->began_ns;

    w->call = NULL;
    if (w->relist) { /* 410 within the stream */
        wait_for(w, 0);
    } else if (!h->why && h->status == 200 && split_is_whole(&w->split)) {
        works_again(w);
        wait_for(w, w->n_events || lasted > NS_S ? 0 : jitter(w->api, 2 * NS_S));
    } else if (h->status == 200) {
        /* broken off, or nonsense: it goes on behind what was understood, unless that fails too */
        w->api->n.drops++;
        w->relist = w->failures > 2;
        fail(w, h->why ? h->why : "the answer makes no sense", 0);
    } else {
        failed(w, h);
    }
}

/* ---- requests ---- */

/* Percent-encode; what does not fit is cut, which a server will refuse. */
static void encode(const char *s, char *ret, size_t size)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~";
    size_t n = 0;

    for (; *s && n + 4 < size; s++) {
        if (strchr(plain, *s))
            ret[n++] = *s;
        else
            n += (size_t)snprintf(ret + n, size - n, "%%%02X", (unsigned char)*s);
    }
    ret[n] = '\0';
}

static void send(struct watch *w, const char *query, bool is_list)
{
    struct api *a = w->api;
    const struct kind_def *k = &kind_defs[w->kind];
    const char *headers[4] = {
        k->metadata_only
            ? is_list ? "Accept: application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
                      : "Accept: application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
            : "Accept: application/json"};
    struct http_request r = {.headers = headers, .on_data = on_data, .arg = w};
    struct gyr_error err;
    uint32_t n = 1;
    char *url = NULL;

    if (a->cluster.token_file && api_now(a) - a->cluster.auth_ns > TOKEN_NS)
        (void)cluster_read_token(&a->cluster);
    if (a->cluster.auth)
        headers[n++] = a->cluster.auth;
    if (a->cluster.host_header)
        headers[n++] = a->cluster.host_header;
    if (asprintf(&url, "%s%s/%s?%s%s%s", a->cluster.url, k->api, k->resource, query,
                 w->kind == KIND_POD && a->node ? "&fieldSelector=spec.nodeName%3D" : "",
                 w->kind == KIND_POD && a->node ? a->node : "") < 0) {
        fail(w, "no memory", 0);
        return;
    }
    r.url = url;
    r.tls = &a->cluster.tls;
    r.connect_ns = r.idle_ns = a->cfg->request_timeout;
    r.on_done = is_list ? list_done : watch_done;
    if (!is_list) /* the server ends it in time; if not, nobody is there */
        r.idle_ns = a->cfg->watch_timeout + a->cfg->watch_timeout / 4 + NS_S;
    split_reset(&w->split);
    w->split.is_list = is_list;
    w->split.on_item = is_list ? on_listed : on_watched;
    w->split.arg = w;
    w->began_ns = api_now(a);
    w->n_events = 0;
    if (http_send(a->http, &r, &w->call, &err) < 0)
        fail(w, err.msg, 0);
    else
        w->state = is_list ? WATCH_LISTS : WATCH_WATCHES;
    free(url);
}

static void start_list(struct watch *w)
{
    char next[3 * sizeof(w->next)], query[sizeof(next) + 64];

    if (!w->next[0] && !w->is_look)
        w->mark++;
    encode(w->next, next, sizeof(next));
    (void)snprintf(query, sizeof(query), "limit=%lld%s%s", (long long)w->api->cfg->page,
                   *next ? "&continue=" : "", next);
    send(w, query, true);
}

static void start_watch(struct watch *w)
{
    uint64_t most = w->api->cfg->watch_timeout / NS_S;
    char query[512], version[3 * sizeof(w->version)];

    encode(w->version, version, sizeof(version));
    /* not all at the same time */
    most = most > 4 ? most - api_now(w->api) / NS_MS % (most / 4) : most;
    (void)snprintf(query, sizeof(query),
                   "watch=true&allowWatchBookmarks=true&timeoutSeconds=%llu&resourceVersion=%s",
                   (unsigned long long)(most ? most : 1), version);
    send(w, query, false);
}

uint64_t watch_run(struct watch *w, uint64_t now)
{
    if (w->state != WATCH_WAITS)
        return UINT64_MAX;
    if (now < w->due_ns)
        return w->due_ns;
    if (w->relist)
        start_list(w);
    else
        start_watch(w);
    return w->state == WATCH_WAITS ? w->due_ns : UINT64_MAX;
}
