/* SPDX-License-Identifier: Apache-2.0 */
#include "containers/facts.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct block {
    atomic_uint refs;
    struct ct_facts facts; /* what it points to stands behind */
};

/* Goes over everything twice: first to add up sizes, then to copy. */
struct packer {
    unsigned char *at; /* NULL: adds up only */
    size_t used;
};

static void *pack_room(struct packer *p, size_t n)
{
    void *room = p->at ? p->at + p->used : NULL;

    p->used += (n + 7) & ~(size_t)7;
    return room;
}

static const char *pack_bytes(struct packer *p, const char *s, size_t len)
{
    char *to;

    if (len > CT_STRING_MAX)
        len = CT_STRING_MAX;
    to = pack_room(p, len + 1);
    if (to) {
        memcpy(to, s, len);
        to[len] = '\0';
    }
    return to;
}

static const char *pack(struct packer *p, const char *s)
{
    return s ? pack_bytes(p, s, strnlen(s, CT_STRING_MAX)) : NULL;
}

static const struct ct_pair *pack_pairs(struct packer *p, const struct ct_pair *from, uint32_t *n)
{
    struct ct_pair *to;

    *n = *n < CT_LIST_MAX ? *n : CT_LIST_MAX;
    to = pack_room(p, *n * sizeof(*to));
    for (uint32_t i = 0; i < *n; i++) {
        struct ct_pair one = {pack(p, from[i].key), pack(p, from[i].value ? from[i].value : "")};

        if (to)
            to[i] = one;
    }
    return to;
}

static const struct ct_mount *pack_mounts(struct packer *p, const struct ct_mount *from,
                                          uint32_t *n)
{
    struct ct_mount *to;

    *n = *n < CT_LIST_MAX ? *n : CT_LIST_MAX;
    to = pack_room(p, *n * sizeof(*to));
    for (uint32_t i = 0; i < *n; i++) {
        const struct ct_mount *m = &from[i];
        struct ct_mount one = {pack(p, m->source ? m->source : ""), pack(p, m->dest ? m->dest : ""),
                               pack(p, m->mode ? m->mode : ""),
                               pack(p, m->propagation ? m->propagation : ""), m->rdwr};

        if (to)
            to[i] = one;
    }
    return to;
}

static const char *const *pack_env(struct packer *p, const char *const *from, uint32_t *n)
{
    const char **to;

    *n = *n < CT_LIST_MAX ? *n : CT_LIST_MAX;
    to = pack_room(p, *n * sizeof(*to));
    for (uint32_t i = 0; i < *n; i++) {
        const char *one = pack(p, from[i]);

        if (to)
            to[i] = one;
    }
    return to;
}

static const struct ct_port *pack_ports(struct packer *p, const struct ct_port *from, uint32_t *n)
{
    struct ct_port *to;

    *n = *n < CT_LIST_MAX ? *n : CT_LIST_MAX;
    to = pack_room(p, *n * sizeof(*to));
    for (uint32_t i = 0; i < *n; i++) {
        struct ct_port one = from[i];

        one.host_ip = pack(p, one.host_ip ? one.host_ip : "");
        if (to)
            to[i] = one;
    }
    return to;
}

static void pack_image(struct packer *p, struct ct_facts *f, const struct ct_facts *from)
{
    struct ct_image i = {0};

    if (from->image && !from->image_repo && !from->image_tag && !from->image_digest) {
        i = ct_image_of(from->image);
        f->image_repo = i.repo_len ? pack_bytes(p, i.repo, i.repo_len) : NULL;
        f->image_tag = i.tag_len ? pack_bytes(p, i.tag, i.tag_len) : NULL;
        f->image_digest = i.digest_len ? pack_bytes(p, i.digest, i.digest_len) : NULL;
        return;
    }
    f->image_repo = pack(p, from->image_repo);
    f->image_tag = pack(p, from->image_tag);
    f->image_digest = pack(p, from->image_digest);
}

/* What Kubernetes' runtimes tell of the pod stands in the container's labels. */
static void pack_pod(struct packer *p, struct ct_facts *f, const struct ct_facts *from)
{
    static const struct {
        const char *label;
        size_t at;
    } of[] = {{"io.kubernetes.pod.name", offsetof(struct ct_facts, pod_name)},
              {"io.kubernetes.pod.namespace", offsetof(struct ct_facts, pod_ns)},
              {"io.kubernetes.pod.uid", offsetof(struct ct_facts, pod_uid)},
              {"io.kubernetes.sandbox.id", offsetof(struct ct_facts, sandbox_id)}};

    for (size_t i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
        const char *s;

        memcpy(&s, (const char *)from + of[i].at, sizeof(s));
        if (!s)
            s = ct_label(from->labels, from->n_labels, of[i].label);
        s = pack(p, s);
        memcpy((char *)f + of[i].at, &s, sizeof(s));
    }
    f->pod_ip = pack(p, from->pod_ip);
    f->pod_cni_json = pack(p, from->pod_cni_json);
}

static void pack_all(struct packer *p, struct ct_facts *f, const struct ct_facts *from)
{
    struct ct_facts to = *from;

    to.id = pack(p, from->id);
    to.type = pack(p, from->type);
    to.name = pack(p, from->name);
    to.image = pack(p, from->image);
    to.image_id = pack(p, from->image_id);
    pack_image(p, &to, from);
    to.ip = pack(p, from->ip);
    to.cni_json = pack(p, from->cni_json);
    to.healthcheck = pack(p, from->healthcheck);
    to.liveness_probe = pack(p, from->liveness_probe);
    to.readiness_probe = pack(p, from->readiness_probe);
    pack_pod(p, &to, from);
    to.mounts = pack_mounts(p, from->mounts, &to.n_mounts);
    to.labels = pack_pairs(p, from->labels, &to.n_labels);
    to.pod_labels = pack_pairs(p, from->pod_labels, &to.n_pod_labels);
    to.env = pack_env(p, from->env, &to.n_env);
    to.ports = pack_ports(p, from->ports, &to.n_ports);
    *f = to;
}

static size_t size_of(const struct ct_facts *from)
{
    struct packer p = {0};
    struct ct_facts f;

    pack_all(&p, &f, from);
    return p.used;
}

const struct ct_facts *ct_facts_new(const struct ct_facts *from)
{
    struct ct_facts some = *from;
    struct packer p = {0};
    struct block *b;
    size_t n;

    if (!from->id || !*from->id || strlen(from->id) > CT_ID_MAX || !from->type)
        return NULL;
    n = size_of(&some);
    if (n > CT_BLOCK_MAX) {
        some.n_env = 0;
        n = size_of(&some);
    }
    if (n > CT_BLOCK_MAX) {
        some.n_labels = some.n_pod_labels = 0;
        n = size_of(&some);
    }
    if (n > CT_BLOCK_MAX) {
        some.n_mounts = some.n_ports = 0;
        n = size_of(&some);
    }
    b = malloc(sizeof(*b) + n);
    if (!b)
        return NULL;
    atomic_init(&b->refs, 1);
    p.at = (unsigned char *)(b + 1);
    pack_all(&p, &b->facts, &some);
    b->facts.block = b;
    return &b->facts;
}

static struct block *block_of(const struct ct_facts *f)
{
    struct block *b;

    memcpy(&b, &f->block, sizeof(b));
    return b;
}

const struct ct_facts *ct_facts_ref(const struct ct_facts *f)
{
    if (f)
        atomic_fetch_add_explicit(&block_of(f)->refs, 1, memory_order_relaxed);
    return f;
}

void ct_facts_unref(const struct ct_facts *f)
{
    if (f && atomic_fetch_sub_explicit(&block_of(f)->refs, 1, memory_order_acq_rel) == 1)
        free(block_of(f));
}

const char *ct_label(const struct ct_pair *labels, uint32_t n, const char *key)
{
    for (uint32_t i = 0; i < n; i++)
        if (strcmp(labels[i].key, key) == 0)
            return labels[i].value;
    return NULL;
}

struct ct_image ct_image_of(const char *image)
{
    struct ct_image r = {.repo = image};
    const char *end = strchr(image, '@'), *slash, *colon;

    if (end) {
        r.digest = end + 1;
        r.digest_len = (uint32_t)strlen(r.digest);
    } else {
        end = image + strlen(image);
    }
    if (strncmp(image, "sha256:", 7) == 0) { /* an id where a name should be */
        r.digest = image;
        r.digest_len = (uint32_t)(end - image);
        return r;
    }
    slash = memrchr(image, '/', (size_t)(end - image));
    colon = memrchr(image, ':', (size_t)(end - image));
    if (colon && (!slash || colon > slash)) { /* else it is the registry's port */
        r.tag = colon + 1;
        r.tag_len = (uint32_t)(end - r.tag);
        end = colon;
    }
    r.repo_len = (uint32_t)(end - image);
    return r;
}
