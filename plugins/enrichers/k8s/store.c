/* SPDX-License-Identifier: Apache-2.0 */
#include "store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const struct kind_def kind_defs[N_KINDS] = {
    [KIND_POD] = {"Pod", "pods", "/api/v1", false, false},
    [KIND_NAMESPACE] = {"Namespace", "namespaces", "/api/v1", true, true},
    [KIND_SERVICE] = {"Service", "services", "/api/v1", false, false},
    [KIND_REPLICASET] = {"ReplicaSet", "replicasets", "/apis/apps/v1", false, true},
    [KIND_DEPLOYMENT] = {"Deployment", "deployments", "/apis/apps/v1", false, true},
    [KIND_RC] = {"ReplicationController", "replicationcontrollers", "/api/v1", false, true},
    [KIND_STATEFULSET] = {"StatefulSet", "statefulsets", "/apis/apps/v1", false, true},
    [KIND_DAEMONSET] = {"DaemonSet", "daemonsets", "/apis/apps/v1", false, true},
    [KIND_JOB] = {"Job", "jobs", "/apis/batch/v1", false, true},
    [KIND_CRONJOB] = {"CronJob", "cronjobs", "/apis/batch/v1", false, true},
};

enum k8s_kind kind_of(const char *kind)
{
    for (uint32_t i = 0; i < N_KINDS; i++)
        if (strcmp(kind_defs[i].kind, kind) == 0)
            return (enum k8s_kind)i;
    return KIND_NONE;
}

void store_init(struct store *s, uint32_t max)
{
    *s = (struct store){.max = max};
}

static uint64_t container_hash(const uint8_t id[32])
{
    return table_hash(id, 32);
}

static uint64_t name_hash(enum k8s_kind kind, const struct istr *ns, const struct istr *name)
{
    return name->hash ^ (ns ? ns->hash * 31 : 0) ^ (uint64_t)kind * 0x9e3779b97f4a7c15u;
}

static void unindex(struct store *s, struct obj *o)
{
    for (uint32_t i = 0; i < o->n_containers; i++)
        table_del(&s->by_container, container_hash(o->containers[i]), o);
    if (o->alias)
        table_del(&s->by_alias, o->alias->hash, o);
    if (o->name)
        table_del(&s->by_name, name_hash(o->kind, o->ns, o->name), o);
    if (o->kind == KIND_SERVICE && o->ns)
        table_del(&s->services, o->ns->hash, o);
}

static int reindex(struct store *s, struct obj *o)
{
    int r = 0;

    for (uint32_t i = 0; i < o->n_containers && r == 0; i++)
        r = table_add(&s->by_container, container_hash(o->containers[i]), o);
    if (r == 0 && o->alias)
        r = table_add(&s->by_alias, o->alias->hash, o);
    if (r == 0 && o->name)
        r = table_add(&s->by_name, name_hash(o->kind, o->ns, o->name), o);
    if (r == 0 && o->kind == KIND_SERVICE && o->ns)
        r = table_add(&s->services, o->ns->hash, o);
    return r;
}

static void obj_free(struct store *s, struct obj *o)
{
    istr_put(&s->strings, o->uid);
    istr_put(&s->strings, o->name);
    istr_put(&s->strings, o->ns);
    istr_put(&s->strings, o->labels);
    istr_put(&s->strings, o->owner_uid);
    istr_put(&s->strings, o->owner_name);
    istr_put(&s->strings, o->ip);
    istr_put(&s->strings, o->node);
    istr_put(&s->strings, o->alias);
    istr_put(&s->strings, o->selector);
    free(o->containers);
    free(o);
}

void store_free(struct store *s)
{
    uint32_t at = 0;
    struct obj *o;

    while ((o = store_next(s, &at)))
        obj_free(s, o);
    table_free(&s->by_uid);
    table_free(&s->by_alias);
    table_free(&s->by_container);
    table_free(&s->by_name);
    table_free(&s->services);
    strings_free(&s->strings);
}

/* Whether a string is another one than read. */
static bool differs(const struct istr *i, struct obj_text t)
{
    if (!i || !t.p)
        return i || t.p;
    return i->len != t.n || memcmp(i->s, t.p, t.n) != 0;
}

static bool is_same(const struct obj *o, const struct obj_read *r)
{
    return !differs(o->name, r->name) && !differs(o->ns, r->ns) && !differs(o->labels, r->labels) &&
           !differs(o->owner_uid, r->owner_uid) && !differs(o->owner_name, r->owner_name) &&
           o->owner_kind == r->owner_kind && !differs(o->ip, r->ip) && !differs(o->node, r->node) &&
           !differs(o->alias, r->alias) && !differs(o->selector, r->selector) &&
           o->n_containers == r->n_containers &&
           (!o->n_containers ||
            memcmp(o->containers, r->containers, o->n_containers * sizeof(*o->containers)) == 0);
}

static int set(struct store *s, struct istr **at, struct obj_text t)
{
    struct istr *new = t.p ? istr_get(&s->strings, t.p, t.n) : NULL;

    istr_put(&s->strings, *at);
    *at = new;
    return t.p && !new ? -ENOMEM : 0;
}

static int set_containers(struct obj *o, const struct obj_read *r)
{
    free(o->containers);
    o->containers = NULL;
    o->n_containers = 0;
    if (!r->n_containers)
        return 0;
    o->containers = malloc(r->n_containers * sizeof(*o->containers));
    if (!o->containers)
        return -ENOMEM;
    memcpy(o->containers, r->containers, r->n_containers * sizeof(*o->containers));
    o->n_containers = (uint16_t)r->n_containers;
    return 0;
}

static int fill(struct store *s, struct obj *o, const struct obj_read *r)
{
    int bad = 0;

    bad |= set(s, &o->name, r->name);
    bad |= set(s, &o->ns, r->ns);
    bad |= set(s, &o->labels, r->labels);
    bad |= set(s, &o->owner_uid, r->owner_uid);
    bad |= set(s, &o->owner_name, r->owner_name);
    bad |= set(s, &o->ip, r->ip);
    bad |= set(s, &o->node, r->node);
    bad |= set(s, &o->alias, r->alias);
    bad |= set(s, &o->selector, r->selector);
    bad |= set_containers(o, r);
    o->owner_kind = (uint8_t)r->owner_kind;
    return bad ? -ENOMEM : 0;
}

static struct obj *add(struct store *s, const struct obj_read *r)
{
    struct obj *o = calloc(1, sizeof(*o));

    if (!o)
        return NULL;
    o->kind = (uint8_t)r->kind;
    o->uid = istr_get(&s->strings, r->uid.p, r->uid.n);
    if (!o->uid || table_add(&s->by_uid, o->uid->hash, o) < 0) {
        obj_free(s, o);
        return NULL;
    }
    s->n++;
    s->n_of[o->kind]++;
    return o;
}

int store_put(struct store *s, const struct obj_read *r, struct obj **ret)
{
    struct obj *o = store_by_uid(s, r->uid.p, r->uid.n);
    bool is_new = !o;

    if (o && o->kind != r->kind)
        return -EINVAL;
    if (o && is_same(o, r)) {
        *ret = o;
        return 0;
    }
    if (is_new && s->n >= s->max) {
        s->refused++;
        return -ENOSPC;
    }
    if (is_new)
        o = add(s, r);
    else
        unindex(s, o);
    if (!o)
        return -ENOMEM;
    if (fill(s, o, r) < 0 || reindex(s, o) < 0) {
        store_del(s, o);
        return -ENOMEM;
    }
    *ret = o;
    return 1;
}

void store_del(struct store *s, struct obj *o)
{
    unindex(s, o);
    table_del(&s->by_uid, o->uid->hash, o);
    s->n--;
    s->n_of[o->kind]--;
    obj_free(s, o);
}

void store_sweep(struct store *s, enum k8s_kind kind, uint32_t mark,
                 void (*on_del)(void *arg, struct obj *o), void *arg)
{
    uint32_t at = 0;
    struct obj *o;

    while ((o = store_next(s, &at))) {
        if (o->kind != kind || o->mark == mark)
            continue;
        on_del(arg, o);
        store_del(s, o);
        at--; /* another may have moved up into its place; one that wrapped is met again */
    }
}

/* ---- looking ---- */

struct obj *store_by_uid(const struct store *s, const char *uid, size_t n)
{
    uint64_t hash = table_hash(uid, n);
    uint32_t at = 0;
    struct obj *o;

    while ((o = table_next(&s->by_uid, hash, &at)))
        if (o->uid->len == n && memcmp(o->uid->s, uid, n) == 0)
            return o;
    return NULL;
}

struct obj *store_by_alias(const struct store *s, const char *uid, size_t n)
{
    uint64_t hash = table_hash(uid, n);
    uint32_t at = 0;
    struct obj *o;

    while ((o = table_next(&s->by_alias, hash, &at)))
        if (o->alias->len == n && memcmp(o->alias->s, uid, n) == 0)
            return o;
    return NULL;
}

struct obj *store_by_container(const struct store *s, const uint8_t id[32])
{
    uint32_t at = 0;
    struct obj *o;

    while ((o = table_next(&s->by_container, container_hash(id), &at)))
        for (uint32_t i = 0; i < o->n_containers; i++)
            if (memcmp(o->containers[i], id, 32) == 0)
                return o;
    return NULL;
}

struct obj *store_by_name(const struct store *s, enum k8s_kind kind, const struct istr *ns,
                          const struct istr *name)
{
    uint64_t hash = name_hash(kind, ns, name);
    uint32_t at = 0;
    struct obj *o;

    while ((o = table_next(&s->by_name, hash, &at)))
        if (o->kind == kind && o->ns == ns && o->name == name)
            return o;
    return NULL;
}

struct obj *store_next_service(const struct store *s, const struct istr *ns, uint32_t *at)
{
    struct obj *o;

    while ((o = table_next(&s->services, ns->hash, at)))
        if (o->ns == ns)
            return o;
    return NULL;
}

struct obj *store_next(const struct store *s, uint32_t *at)
{
    while (*at < s->by_uid.cap) {
        struct obj *o = s->by_uid.slots[(*at)++].p;

        if (o)
            return o;
    }
    return NULL;
}

/* ---- labels ---- */

bool labels_match(const struct istr *selector, const struct istr *labels)
{
    const char *p = selector->s, *end = p + selector->len;

    if (!labels)
        return false;
    while (p < end) {
        size_t n = strlen(p) + 1, k = 0;

        n += strlen(p + n) + 1;
        while (k < labels->len) {
            size_t m = strlen(labels->s + k) + 1;

            m += strlen(labels->s + k + m) + 1;
            if (m == n && memcmp(labels->s + k, p, n) == 0)
                break;
            k += m;
        }
        if (k >= labels->len)
            return false;
        p += n;
    }
    return true;
}

static int nibble(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool container_id_read(const char *hex, size_t n, uint8_t ret[32])
{
    if (n != 64)
        return false;
    for (uint32_t i = 0; i < 32; i++) {
        int hi = nibble(hex[2 * i]), lo = nibble(hex[2 * i + 1]);

        if (hi < 0 || lo < 0)
            return false;
        ret[i] = (uint8_t)(hi << 4 | lo);
    }
    return true;
}
