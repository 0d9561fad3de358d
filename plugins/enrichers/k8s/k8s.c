/* SPDX-License-Identifier: Apache-2.0 */
/* The enricher "k8s": pods and what stands above them, from the Kubernetes API. */
#include "api.h"
#include "fields.h"
#include "pod_uid.h"

#include <ctype.h>
#include <errno.h>
#include <gyr/plugin.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WAITING_MAX = 1024 };
static const uint64_t REPLAY_WAIT_NS = 1000000000;

static const struct gyr_option options[] = {
    {GYR_OPT(struct k8s_config, kubeconfig, GYR_O_STR, "kubeconfig", NULL,
             "File that says where the API is; without it, the service account of our pod.")},
    {GYR_OPT(struct k8s_config, context, GYR_O_STR, "context", NULL,
             "Context of the kubeconfig; without it, its current one.")},
    {GYR_OPT(struct k8s_config, node, GYR_O_STR, "node", NULL,
             "Node whose pods are listed, or 'all'; without it, what GYR_K8S_NODE_NAME or "
             "NODE_NAME in the environment says, or the host's name.")},
    {GYR_OPT(struct k8s_config, service_account, GYR_O_STR, "service_account", SERVICE_ACCOUNT,
             "Folder of the service account.")},
    {GYR_OPT(struct k8s_config, resources, GYR_O_STRLIST, "resources", NULL,
             "What is listed besides pods, as the API calls it: namespaces, services, replicasets, "
             "…; without it, all that is of use.")},
    {GYR_OPT(struct k8s_config, watch_timeout, GYR_O_DURATION, "watch_timeout", "5m",
             "How long one watch lasts at most."),
     .min = 1000000000, .max = INT64_C(3600000000000)},
    {GYR_OPT(struct k8s_config, request_timeout, GYR_O_DURATION, "request_timeout", "30s",
             "Longest silence of the API while it lists, or is connected to."),
     .min = 100000000, .max = INT64_C(600000000000)},
    {GYR_OPT(struct k8s_config, page, GYR_O_INT, "page", "500", "Objects in one page of a list."),
     .min = 1, .max = 10000},
    {GYR_OPT(struct k8s_config, max_objects, GYR_O_INT, "max_objects", "262144",
             "Most objects that are remembered."),
     .min = 16, .max = 4194304},
    {GYR_OPT(struct k8s_config, insecure, GYR_O_BOOL, "insecure", "false",
             "Obey 'insecure-skip-tls-verify' of a kubeconfig.")},
};

/** A container that a replay waits to be told of. */
struct waiting {
    uint64_t ticket, until_ns;
};

struct k8s {
    const struct gyr_host *host;
    const struct k8s_config *cfg;
    struct bindings bindings;
    struct seen seen;
    struct api api;
    bool is_bound; /* fields of others can be read */
    uint32_t id, cgroups;
    bool has_cgroups;
    struct waiting waiting[WAITING_MAX]; /* of a replay, deadlines ascend */
    uint32_t n_waiting;
    const struct gyr_event *now; /* whose values are being asked for, and what tells it */
    uint64_t now_ts, now_num;
};

/* ---- the event's container ---- */

static void wait_for_it(struct k8s *k, struct seen_entry *e, uint64_t ts_ns)
{
    if (k->n_waiting < WAITING_MAX) {
        k->waiting[k->n_waiting++] =
            (struct waiting){seen_ticket(&k->seen, e), ts_ns + REPLAY_WAIT_NS};
        return;
    }
    e->state = SEEN_ABSENT;
}

static struct seen_entry *entry_of(struct k8s *k, const struct gyr_event *ev)
{
    const struct gyr_host *h = k->host;
    struct key pod = {0};
    struct seen_entry *e;
    struct gyr_value v, c;

    if (!k->is_bound || h->field(h->ctx, ev, k->id, &v) != GYR_PRESENT || v.type != GYR_T_STR ||
        v.len > KEY_MAX)
        return NULL;
    e = seen_find(&k->seen, v.u.ptr, v.len);
    if (e)
        return e;
    if (k->has_cgroups && h->field(h->ctx, ev, k->cgroups, &c) == GYR_PRESENT &&
        c.type == GYR_T_STR)
        pod.len = pod_uid_of(c.u.ptr, c.len, pod.s);
    e = seen_add(&k->seen, v.u.ptr, v.len, &pod);
    if (e && !h->is_live && seen_facts(&k->seen, e, &(struct facts *){NULL}) == GYR_PENDING)
        wait_for_it(k, e, ev->ts_ns);
    return e;
}

/* A replay: who has been told, and who is waited for no longer. */
static void end_waits(struct k8s *k, uint64_t ts_ns)
{
    struct facts *f;
    uint32_t n = 0;

    for (uint32_t i = 0; i < k->n_waiting; i++) {
        struct waiting *w = &k->waiting[i];
        struct seen_entry *e = seen_by_ticket(&k->seen, w->ticket);

        if (e && seen_facts(&k->seen, e, &f) == GYR_PENDING && w->until_ns > ts_ns) {
            k->waiting[n++] = *w;
            continue;
        }
        if (e && e->state == SEEN_ASKED)
            e->state = SEEN_ABSENT;
        seen_release(&k->seen, w->ticket);
        k->host->resolved(k->host->ctx, w->ticket);
    }
    k->n_waiting = n;
}

/* The first event about pods: there will be more. What came before was not waited for. */
static void begin_waits(struct k8s *k, uint64_t ts_ns)
{
    k->seen.waits = true;
    for (uint32_t i = 0; i < k->seen.n; i++) {
        struct seen_entry *e = &k->seen.list[i];

        if (!e->used || !e->parent || e->state != SEEN_ABSENT)
            continue;
        e->state = SEEN_ASKED;
        wait_for_it(k, e, ts_ns);
    }
}

static void on_facts(struct k8s *k, const struct gyr_event *ev)
{
    const char *name;
    const uint8_t *json;
    uint32_t len;
    struct facts *f;

    if (ev->nparams < 3 || !gyr_param_str(ev, 1, &name, &len) || len != 7 ||
        memcmp(name, "k8smeta", 7) != 0)
        return;
    if (!k->seen.waits)
        begin_waits(k, ev->ts_ns);
    json = gyr_param(ev, 2, &len);
    f = facts_parse((const char *)json, len);
    if (!f)
        return;
    seen_learn(&k->seen, f, false);
    end_waits(k, ev->ts_ns);
}

/* News is read before the first value of an event and not between two of them: what the first
 * points to stays until the event is done. */
static void look_for_news(struct k8s *k, const struct gyr_event *ev)
{
    if (ev == k->now && ev->ts_ns == k->now_ts && ev->num == k->now_num)
        return;
    k->now = ev;
    k->now_ts = ev->ts_ns;
    k->now_num = ev->num;
    if (k->host->is_live)
        seen_read_mail(&k->seen);
    else if (k->n_waiting && ev->ts_ns >= k->waiting[0].until_ns)
        end_waits(k, ev->ts_ns);
}

enum { HEARD_FACTS = 0, HEARD_SNAPSHOT_END = 1 };
static const char *const heard[] = {
    "asyncevent", "gyr.snapshot_end", "snapshot.process", "clone",    "fork",
    "vfork",      "clone3",           "execve",           "execveat", NULL};

static int on_event(void *self, uint32_t which, const struct gyr_event *ev)
{
    struct k8s *k = self;

    look_for_news(k, ev);
    if (which == HEARD_FACTS) {
        if (!k->host->is_live)
            on_facts(k, ev);
    } else if (which == HEARD_SNAPSHOT_END) {
        /* what is recorded from here on may be a file of its own */
        if (k->api.thread) {
            atomic_store(&k->api.retell, true);
            api_wake(&k->api);
        }
    } else {
        (void)entry_of(k, ev);
    }
    return 0;
}

/* ---- fields ---- */

static int bind(void *self, uint32_t field, const char *arg, uint32_t *ret_handle,
                uint32_t *ret_type, struct gyr_error *err)
{
    struct k8s *k = self;

    (void)ret_type;
    return bindings_add(&k->bindings, field, arg, ret_handle, err);
}

static void unbind(void *self, uint32_t handle)
{
    struct k8s *k = self;

    bindings_del(&k->bindings, handle);
}

static int value_of(struct k8s *k, const struct seen_entry *e, uint32_t handle,
                    struct gyr_value *ret)
{
    struct facts *f;
    int r = seen_facts(&k->seen, e, &f);

    return r == GYR_PRESENT ? field_value(k->host, &k->bindings.list[handle], f, ret) : r;
}

static int get(void *self, const struct gyr_event *ev, uint32_t handle, struct gyr_value *ret)
{
    struct k8s *k = self;
    struct seen_entry *e;
    int r;

    look_for_news(k, ev);
    e = entry_of(k, ev);
    if (!e)
        return GYR_ABSENT;
    r = value_of(k, e, handle, ret);
    if (r == GYR_PENDING)
        ret->u.u64 = seen_ticket(&k->seen, e);
    return r;
}

static int redeem(void *self, uint32_t handle, uint64_t ticket, struct gyr_value *ret)
{
    struct k8s *k = self;
    struct seen_entry *e;
    int r;

    seen_read_mail(&k->seen);
    e = seen_by_ticket(&k->seen, ticket);
    if (!e)
        return GYR_ABSENT;
    r = value_of(k, e, handle, ret);
    if (r == GYR_PENDING)
        ret->u.u64 = ticket;
    return r;
}

static void release(void *self, uint32_t handle, uint64_t ticket)
{
    struct k8s *k = self;

    (void)handle;
    seen_release(&k->seen, ticket);
}

/* ---- life ---- */

static int create(const struct gyr_host *host, const void *cfg, void **ret_self,
                  struct gyr_error *err)
{
    const struct k8s_config *c = cfg;
    struct k8s *k = calloc(1, sizeof(*k));

    if (!k)
        return gyr_fail(err, -ENOMEM, "no memory");
    for (const char *const *r = c->resources; r && *r; r++) {
        uint32_t i = 0;

        while (i < N_KINDS && strcmp(kind_defs[i].resource, *r) != 0)
            i++;
        if (i == N_KINDS) {
            free(k);
            return gyr_fail(err, GYR_E_CONF, "'resources': '%s' is of no use here", *r);
        }
    }
    k->host = host;
    k->cfg = c;
    *ret_self = k;
    return 0;
}

/* The node's name as part of a URL. */
static int set_node(struct k8s *k, struct gyr_error *err)
{
    static const char *const env[] = {"GYR_K8S_NODE_NAME", "FALCO_K8S_NODE_NAME", "NODE_NAME"};
    const char *node = k->cfg->node;
    char name[256] = "";

    for (uint32_t i = 0; !node && i < sizeof(env) / sizeof(env[0]); i++)
        node = getenv(env[i]);
    if (node && strcmp(node, "all") == 0)
        return 0;
    if (!node || !*node) {
        (void)gethostname(name, sizeof(name) - 1);
        for (char *p = name; *p; p++)
            *p = (char)tolower((unsigned char)*p);
        node = name;
    }
    for (const char *p = node; *p; p++)
        if (!isalnum((unsigned char)*p) && *p != '-' && *p != '.')
            return gyr_fail(err, GYR_E_CONF, "'%s' is no name of a node", node);
    k->api.node = strdup(node);
    return k->api.node ? 0 : gyr_fail(err, -ENOMEM, "no memory");
}

/* @return 1: there is an API; 0: there is none. */
static int find_cluster(struct k8s *k, struct gyr_error *err)
{
    const struct k8s_config *c = k->cfg;
    int r;

    if (c->kubeconfig) {
        r = cluster_kubeconfig(&k->api.cluster, c->kubeconfig, c->context, c->insecure, err);
        return r < 0 ? r : 1;
    }
    r = cluster_in_pod(&k->api.cluster, c->service_account, err);
    if (r == 0)
        gyr_logf(k->host, GYR_LOG_INFO,
                 "this is no pod with a service account, and no 'kubeconfig' is given: nobody is "
                 "asked about Kubernetes");
    return r;
}

static int begin(struct k8s *k, struct gyr_error *err)
{
    const struct gyr_host *h = k->host;
    int r = seen_init(&k->seen, SEEN_MAX);

    if (r < 0)
        return gyr_fail(err, r, "no memory");
    k->seen.wake = api_wake;
    k->seen.arg = &k->api;
    k->is_bound = h->field_bind(h->ctx, "container.full_id", &k->id) == 0;
    k->has_cgroups = h->field_bind(h->ctx, "thread.cgroups", &k->cgroups) == 0;
    if (!k->is_bound)
        return gyr_fail(err, GYR_E_CONF,
                        "no enricher before this one tells containers apart: 'process' does");
    if (!h->is_live)
        return 0;
    r = find_cluster(k, err);
    if (r <= 0)
        return r;
    k->api.host = h;
    k->api.cfg = k->cfg;
    k->api.seen = &k->seen;
    r = set_node(k, err);
    if (r == 0)
        r = api_start(&k->api, err);
    k->seen.is_open = r == 0;
    return r;
}

static void end(struct k8s *k)
{
    const struct gyr_host *h = k->host;

    api_stop(&k->api);
    api_free(&k->api);
    memset(&k->api, 0, sizeof(k->api));
    (void)h->metric_add(h->ctx, "containers_evicted", k->seen.evicted);
    (void)h->metric_add(h->ctx, "containers_refused", k->seen.refused);
    seen_free(&k->seen);
    memset(&k->seen, 0, sizeof(k->seen));
    k->n_waiting = 0;
}

static int start(void *self, struct gyr_error *err)
{
    struct k8s *k = self;
    int r = begin(k, err);

    if (r < 0)
        end(k);
    return r;
}

static void stop(void *self)
{
    end(self);
}

static void destroy(void *self)
{
    struct k8s *k = self;

    if (!k)
        return;
    bindings_free(&k->bindings);
    free(k);
}

static const struct gyr_enricher_ops enricher = {
    .size = sizeof(enricher),
    .schema = "syscall",
    .events = heard,
    .fields = &k8s_fields[0].field,
    .n_fields = K8S_N_FIELDS,
    .field_stride = sizeof(struct k8s_field),
    .on_event = on_event,
    .bind = bind,
    .unbind = unbind,
    .get = get,
    .redeem = redeem,
    .release = release,
};

static const struct gyr_plugin plugin = {
    GYR_PLUGIN_HEAD,
    .name = "k8s",
    .version = "0.1.0",
    .license = "Apache-2.0",
    .summary = "pods, their owners, namespaces and services, from the Kubernetes API",
    .enricher = &enricher,
    .options = options,
    .n_options = sizeof(options) / sizeof(options[0]),
    .config_size = sizeof(struct k8s_config),
    .create = create,
    .start = start,
    .stop = stop,
    .destroy = destroy,
};

GYR_EXPORT_PLUGIN(plugin)
