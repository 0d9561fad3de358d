/* SPDX-License-Identifier: Apache-2.0 */
/* What the source's thread is told: facts put together of a pod, its namespace, owners and services
 * whenever one of them changed; and the same as events of the stream, for captures. */
#include "api.h"
#include "syscall/ids.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { WANTED_CAP = 1 << 17, ASYNC_PARAMS = 3 };
/* Watches of different kinds do not run side by side: how long a pod waits for its owner. */
static const uint64_t OWNER_NS = 400000000, OTHERS_NS = 200000000;

/* ---- whose facts are wanted ---- */

static bool is_in_wanted(const struct api *a, uint64_t h)
{
    if (!a->wanted)
        return false;
    for (uint32_t i = (uint32_t)h;; i++) {
        uint64_t at = a->wanted[i & (WANTED_CAP - 1)];

        if (!at || at == h)
            return at == h;
    }
}

static void add_wanted(struct api *a, const struct key *k)
{
    uint64_t h = table_hash(k->s, k->len);
    uint32_t i = (uint32_t)h;

    if (!k->len || is_in_wanted(a, h))
        return;
    if (!a->wanted)
        a->wanted = calloc(WANTED_CAP, sizeof(*a->wanted));
    if (!a->wanted)
        return;
    if (a->n_wanted > WANTED_CAP / 2) { /* who was asked for long ago is asked for anew */
        memset(a->wanted, 0, WANTED_CAP * sizeof(*a->wanted));
        a->n_wanted = 0;
    }
    while (a->wanted[i & (WANTED_CAP - 1)])
        i++;
    a->wanted[i & (WANTED_CAP - 1)] = h;
    a->n_wanted++;
}

static void hex_of(const uint8_t id[32], char ret[65])
{
    static const char digits[] = "0123456789abcdef";

    for (uint32_t i = 0; i < 32; i++) {
        ret[2 * i] = digits[id[i] >> 4];
        ret[2 * i + 1] = digits[id[i] & 15];
    }
    ret[64] = '\0';
}

bool tell_is_wanted(const struct api *a, const struct obj *pod)
{
    char hex[65];

    if (a->node || is_in_wanted(a, pod->uid->hash) ||
        (pod->alias && is_in_wanted(a, pod->alias->hash)))
        return true;
    for (uint32_t i = 0; a->n_wanted && i < pod->n_containers; i++) {
        hex_of(pod->containers[i], hex);
        if (is_in_wanted(a, table_hash(hex, 64)))
            return true;
    }
    return false;
}

void tell_want(struct api *a, const struct question *q)
{
    if (a->node)
        return; /* all pods are told */
    add_wanted(a, &q->container);
    add_wanted(a, &q->pod);
}

struct obj *tell_pod_of(const struct api *a, const struct question *q)
{
    uint8_t id[32];
    struct obj *o = q->pod.len ? store_by_uid(&a->store, q->pod.s, q->pod.len) : NULL;

    if (!o && q->pod.len)
        o = store_by_alias(&a->store, q->pod.s, q->pod.len);
    if (!o && container_id_read(q->container.s, q->container.len, id))
        o = store_by_container(&a->store, id);
    return o && o->kind == KIND_POD ? o : NULL;
}

/* ---- facts put together ---- */

static struct fact_text text(const struct istr *i)
{
    return i ? (struct fact_text){i->s, i->len} : (struct fact_text){NULL, 0};
}

/* An owner: by what refers to it, and by what is known of it. @return it, if known. */
static struct obj *owner_of(const struct api *a, const struct obj *o, bool *missing)
{
    struct obj *up =
        o->owner_uid ? store_by_uid(&a->store, o->owner_uid->s, o->owner_uid->len) : NULL;

    if (up && up->kind != o->owner_kind)
        up = NULL;
    if (!up && o->owner_uid && o->owner_kind < N_KINDS && !a->watches[o->owner_kind].refused)
        *missing = true;
    return up;
}

static void put_owner(struct facts_from *f, enum fact first, const struct obj *of,
                      const struct obj *up)
{
    f->text[first] = text(of->owner_name);
    f->text[first + 1] = text(of->owner_uid);
    f->text[first + 2] = text(up ? up->labels : NULL);
}

static void put_top(struct facts_from *f, const struct obj *of, const struct obj *up)
{
    if (of->owner_kind >= N_KINDS || !of->owner_uid)
        return;
    f->text[FACT_OWNER_KIND] = (struct fact_text){kind_defs[of->owner_kind].kind,
                                                  (uint32_t)strlen(kind_defs[of->owner_kind].kind)};
    put_owner(f, FACT_OWNER_NAME, of, up);
}

static void put_owners(struct api *a, const struct obj *pod, bool *missing)
{
    struct facts_from *f = &a->from;
    const struct obj *up = owner_of(a, pod, missing), *top;

    if (pod->owner_kind == KIND_REPLICASET)
        put_owner(f, FACT_RS_NAME, pod, up);
    if (pod->owner_kind == KIND_RC)
        put_owner(f, FACT_RC_NAME, pod, up);
    put_top(f, pod, up);
    if (!up || !up->owner_uid)
        return;
    top = owner_of(a, up, missing);
    if (up->owner_kind == KIND_DEPLOYMENT)
        put_owner(f, FACT_DEPLOYMENT_NAME, up, top);
    put_top(f, up, top);
}

static void put_services(struct api *a, const struct obj *pod)
{
    struct facts_from *f = &a->from;
    const struct obj *s;
    uint32_t at = 0;

    while (pod->ns && (s = store_next_service(&a->store, pod->ns, &at))) {
        if (!s->selector || f->n_services == FACTS_SERVICES_MAX ||
            !labels_match(s->selector, pod->labels))
            continue;
        f->services[f->n_services][SVC_NAME] = text(s->name);
        f->services[f->n_services][SVC_UID] = text(s->uid);
        f->services[f->n_services][SVC_LABELS] = text(s->labels);
        f->n_services++;
    }
}

/* By name, so that the order in which they became known is of no matter. */
static int service_order(const void *x, const void *y)
{
    const struct fact_text *a = x, *b = y;

    return strcmp(a[SVC_NAME].p, b[SVC_NAME].p);
}

/* Gather in a->from. @return false: something that it names is not known yet. */
static bool gather(struct api *a, const struct obj *pod)
{
    struct facts_from *f = &a->from;
    const struct obj *ns = NULL;
    bool missing = false;

    for (uint32_t i = 0; i < N_KINDS; i++)
        missing = missing || (i != KIND_POD && !a->watches[i].settled);
    memset(f, 0, sizeof(*f));
    f->text[FACT_POD_NAME] = text(pod->name);
    f->text[FACT_POD_UID] = text(pod->uid);
    f->text[FACT_POD_ALIAS] = text(pod->alias);
    f->text[FACT_POD_IP] = text(pod->ip);
    f->text[FACT_POD_NODE] = text(pod->node);
    f->text[FACT_POD_LABELS] = text(pod->labels);
    f->text[FACT_NS_NAME] = text(pod->ns);
    if (pod->ns)
        ns = store_by_name(&a->store, KIND_NAMESPACE, NULL, pod->ns);
    if (ns) {
        f->text[FACT_NS_UID] = text(ns->uid);
        f->text[FACT_NS_LABELS] = text(ns->labels);
    } else if (pod->ns && !a->watches[KIND_NAMESPACE].refused) {
        missing = true;
    }
    put_owners(a, pod, &missing);
    put_services(a, pod);
    qsort(f->services, f->n_services, sizeof(f->services[0]), service_order);
    for (uint32_t i = 0; i < pod->n_containers; i++) {
        hex_of(pod->containers[i], a->hex[i]);
        f->containers[i] = (struct fact_text){a->hex[i], 64};
    }
    f->n_containers = pod->n_containers;
    return !missing;
}

/* ---- told ---- */

/* An event that builds state: recorded, seen by no rule.
 * @return 0; -EAGAIN: later; else it cannot be. */
static int emit_json(const struct api *a, const char *json, size_t n)
{
    static const char name[] = "k8smeta";
    uint32_t off[ASYNC_PARAMS + 1], plugin_id = 0;
    struct gyr_event *ev;
    uint8_t *p;
    size_t len;
    int r;

    off[0] = (uint32_t)(sizeof(*ev) + sizeof(off));
    off[1] = off[0] + (uint32_t)sizeof(plugin_id);
    off[2] = off[1] + (uint32_t)sizeof(name);
    off[3] = off[2] + (uint32_t)n;
    len = (off[3] + 7u) & ~(size_t)7;
    ev = calloc(1, len);
    if (!ev)
        return -ENOMEM;
    *ev = (struct gyr_event){.len = (uint32_t)len,
                             .hdr_len = sizeof(*ev),
                             .type = EV_ASYNCEVENT_E,
                             .tid = -1,
                             .flags = GYR_EVF_SNAPSHOT,
                             .cpu = GYR_CPU_NONE,
                             .nparams = ASYNC_PARAMS};
    p = (uint8_t *)ev;
    memcpy(p + sizeof(*ev), off, sizeof(off));
    memcpy(p + off[0], &plugin_id, sizeof(plugin_id));
    memcpy(p + off[1], name, sizeof(name));
    memcpy(p + off[2], json, n);
    r = a->host->emit(a->host->ctx, ev);
    free(ev);
    return r;
}

static int emit(const struct api *a, const struct facts *f)
{
    size_t n = 0;
    char *json = facts_json(f, &n);
    int r = json ? emit_json(a, json, n) : -ENOMEM;

    free(json);
    return r;
}

void tell_begin(const struct api *a)
{
    static const char json[] = "{\"version\":1}";

    (void)emit_json(a, json, sizeof(json) - 1);
}

/* @return false: the box is full. */
static bool post(struct api *a, struct obj *pod, bool gone)
{
    struct letter l = {.facts = facts_new(&a->from), .gone = gone};
    uint64_t hash;

    if (!l.facts)
        return true;
    hash = l.facts->hash;
    if (!gone && emit(a, l.facts) == -EAGAIN) {
        pod->flags |= OBJ_UNTOLD;
        a->any_untold = true;
    }
    if (seen_post(a->seen, &l) < 0) {
        facts_unref(l.facts);
        return false;
    }
    pod->sent = hash;
    a->n.letters++;
    return true;
}

void tell_gone(struct api *a, struct obj *pod)
{
    if (!pod->sent)
        return;
    (void)gather(a, pod);
    (void)post(a, pod, true);
}

/* @return whether the pod is done with. */
static bool tell(struct api *a, struct obj *pod, uint64_t now)
{
    bool listed = true;

    if (!gather(a, pod)) {
        for (uint32_t i = 0; i < N_KINDS; i++)
            listed = listed && (i == KIND_POD || a->watches[i].settled);
        if (!pod->since_ns)
            pod->since_ns = now;
        if (!listed || now - pod->since_ns < OWNER_NS)
            return false;
    }
    if (pod->sent != facts_hash(&a->from) && !post(a, pod, false))
        return false;
    pod->since_ns = 0;
    return true;
}

static void tell_again(struct api *a, struct obj *pod)
{
    struct facts *f;

    (void)gather(a, pod);
    f = facts_new(&a->from);
    if (!f || emit(a, f) != -EAGAIN)
        pod->flags &= (uint8_t)~OBJ_UNTOLD;
    else
        a->any_untold = true;
    facts_unref(f);
}

static void mark(struct api *a, uint8_t flag)
{
    struct obj *o;

    for (uint32_t at = 0; (o = store_next(&a->store, &at));)
        if (o->flags & OBJ_WANTED && (flag == OBJ_DIRTY || o->sent))
            o->flags |= flag;
}

bool tell_run(struct api *a, uint64_t now)
{
    struct obj *o;

    if (a->others_changed && now - a->others_ns >= OTHERS_NS) {
        a->others_changed = false;
        a->others_ns = now;
        a->any_dirty = true;
        mark(a, OBJ_DIRTY);
    }
    if (atomic_exchange(&a->retell, false)) {
        a->any_untold = true;
        tell_begin(a);
        mark(a, OBJ_UNTOLD);
    }
    if (a->any_dirty || a->any_untold) {
        a->any_dirty = a->any_untold = false;
        for (uint32_t at = 0; (o = store_next(&a->store, &at));) {
            if (o->flags & OBJ_DIRTY && tell(a, o, now))
                o->flags &= (uint8_t)~OBJ_DIRTY;
            if (o->flags & OBJ_UNTOLD)
                tell_again(a, o);
            a->any_dirty = a->any_dirty || o->flags & OBJ_DIRTY;
        }
    }
    return a->any_dirty || a->any_untold || a->others_changed;
}
