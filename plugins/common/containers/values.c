/* SPDX-License-Identifier: Apache-2.0 */
/* The fields, and their values of a container. */
#include "containers/state.h"

#include <fnmatch.h>
#include <gyr/util.h>
#include <stdio.h>
#include <string.h>

#define FIELD(at, n, ty, fl)                                                                       \
    [at] = {.name = (n), .type = GYR_T_##ty, .flags = (fl), .fmt = GYR_F_DEC}
#define RAW(at, n, ty) [at] = {.name = (n), .type = GYR_T_##ty, .fmt = GYR_F_RAW}
#define BY_MOUNT       (GYR_FF_INDEX | GYR_FF_KEY | GYR_FF_ARG_REQ)
#define BY_KEY         (GYR_FF_KEY | GYR_FF_ARG_REQ)

/* What they are for stands in the catalogue of the schema. */
const struct gyr_field containers_fields[CT_N_FIELDS] = {
    FIELD(CT_F_ID, "container.id", STR, 0),
    FIELD(CT_F_FULL_ID, "container.full_id", STR, 0),
    FIELD(CT_F_EVENT, "container.event", STR, 0),
    FIELD(CT_F_NAME, "container.name", STR, 0),
    FIELD(CT_F_IMAGE, "container.image", STR, 0),
    FIELD(CT_F_IMAGE_ID, "container.image.id", STR, 0),
    FIELD(CT_F_IMAGE_REPO, "container.image.repository", STR, 0),
    FIELD(CT_F_IMAGE_TAG, "container.image.tag", STR, 0),
    FIELD(CT_F_IMAGE_DIGEST, "container.image.digest", STR, 0),
    FIELD(CT_F_TYPE, "container.type", STR, 0),
    FIELD(CT_F_PRIVILEGED, "container.privileged", BOOL, 0),
    FIELD(CT_F_MOUNTS, "container.mounts", STR, 0),
    FIELD(CT_F_MOUNT, "container.mount", STR, BY_MOUNT),
    FIELD(CT_F_MOUNT_SOURCE, "container.mount.source", STR, BY_MOUNT),
    FIELD(CT_F_MOUNT_DEST, "container.mount.dest", STR, BY_MOUNT),
    FIELD(CT_F_MOUNT_MODE, "container.mount.mode", STR, BY_MOUNT),
    FIELD(CT_F_MOUNT_RDWR, "container.mount.rdwr", STR, BY_MOUNT),
    FIELD(CT_F_MOUNT_PROPAGATION, "container.mount.propagation", STR, BY_MOUNT),
    FIELD(CT_F_HEALTHCHECK, "container.healthcheck", STR, 0),
    FIELD(CT_F_LIVENESS, "container.liveness_probe", STR, 0),
    FIELD(CT_F_READINESS, "container.readiness_probe", STR, 0),
    RAW(CT_F_START_TS, "container.start_ts", TIME),
    RAW(CT_F_DURATION, "container.duration", DURATION),
    FIELD(CT_F_IP, "container.ip", STR, 0),
    FIELD(CT_F_CNI_JSON, "container.cni.json", STR, 0),
    FIELD(CT_F_HOST_PID, "container.host_pid", BOOL, 0),
    FIELD(CT_F_HOST_NETWORK, "container.host_network", BOOL, 0),
    FIELD(CT_F_HOST_IPC, "container.host_ipc", BOOL, 0),
    FIELD(CT_F_LABEL, "container.label", STR, BY_KEY),
    FIELD(CT_F_LABELS, "container.labels", STR, 0),
    FIELD(CT_F_IS_HEALTHCHECK, "proc.is_container_healthcheck", BOOL, 0),
    FIELD(CT_F_IS_LIVENESS, "proc.is_container_liveness_probe", BOOL, 0),
    FIELD(CT_F_IS_READINESS, "proc.is_container_readiness_probe", BOOL, 0),
    FIELD(CT_F_POD_NAME, "k8s.pod.name", STR, 0),
    FIELD(CT_F_NS_NAME, "k8s.ns.name", STR, 0),
    FIELD(CT_F_POD_ID, "k8s.pod.id", STR, 0),
    FIELD(CT_F_POD_UID, "k8s.pod.uid", STR, 0),
    FIELD(CT_F_SANDBOX_ID, "k8s.pod.sandbox_id", STR, 0),
    FIELD(CT_F_FULL_SANDBOX_ID, "k8s.pod.full_sandbox_id", STR, 0),
    FIELD(CT_F_POD_LABEL, "k8s.pod.label", STR, BY_KEY),
    FIELD(CT_F_POD_LABELS, "k8s.pod.labels", STR, 0),
    FIELD(CT_F_POD_IP, "k8s.pod.ip", STR, 0),
    FIELD(CT_F_POD_CNI_JSON, "k8s.pod.cni.json", STR, 0),
};

/* ---- plain values ---- */

static int str(const char *s, struct gyr_value *ret)
{
    if (!s)
        return GYR_ABSENT;
    *ret = gyr_str(s, strlen(s));
    return GYR_PRESENT;
}

/* An id as people read it: without the name of its hash, twelve digits. */
static int short_id(const char *s, struct gyr_value *ret)
{
    if (!s)
        return GYR_ABSENT;
    if (strncmp(s, "sha256:", 7) == 0)
        s += 7;
    *ret = gyr_str(s, strnlen(s, CT_ID_SHORT));
    return GYR_PRESENT;
}

static int tri(uint8_t v, struct gyr_value *ret)
{
    if (v == CT_UNKNOWN)
        return GYR_ABSENT;
    *ret = gyr_num(GYR_T_BOOL, v == CT_YES);
    return GYR_PRESENT;
}

/* ---- texts that are put together, in memory of the event ---- */

struct text {
    char *p; /* NULL: adds up only */
    size_t n;
};

static void add(struct text *t, const char *s)
{
    size_t n = strlen(s);

    if (t->p)
        memcpy(t->p + t->n, s, n);
    t->n += n;
}

static void add_mount(struct text *t, const struct ct_mount *m)
{
    add(t, m->source);
    add(t, ":");
    add(t, m->dest);
    add(t, ":");
    add(t, m->mode);
    add(t, m->rdwr ? ":true:" : ":false:");
    add(t, m->propagation);
}

static void add_mounts(struct text *t, const struct ct_facts *f, const struct ct_mount *only)
{
    for (uint32_t i = 0; i < f->n_mounts; i++) {
        if (only && only != &f->mounts[i])
            continue;
        if (t->n)
            add(t, " ");
        add_mount(t, &f->mounts[i]);
    }
}

static int mounts_text(struct containers *c, const struct ct_facts *f, const struct ct_mount *only,
                       struct gyr_value *ret)
{
    struct text t = {0};

    add_mounts(&t, f, only);
    t.p = c->host->event_alloc(c->host->ctx, t.n + 1);
    if (!t.p)
        return GYR_ABSENT;
    t.n = 0;
    add_mounts(&t, f, only);
    *ret = gyr_str(t.p, t.n);
    return GYR_PRESENT;
}

static void add_labels(struct text *t, const struct ct_pair *list, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (i)
            add(t, ",");
        add(t, list[i].key);
        add(t, ":");
        add(t, list[i].value);
    }
}

static int labels_text(struct containers *c, const struct ct_pair *list, uint32_t n,
                       struct gyr_value *ret)
{
    struct text t = {0};

    if (!n)
        return GYR_ABSENT;
    add_labels(&t, list, n);
    t.p = c->host->event_alloc(c->host->ctx, t.n + 1);
    if (!t.p)
        return GYR_ABSENT;
    t.n = 0;
    add_labels(&t, list, n);
    *ret = gyr_str(t.p, t.n);
    return GYR_PRESENT;
}

/* By number, or by a pattern of what it is looked up by: the source by its destination, all else by
 * the source. */
static const struct ct_mount *mount_of(const struct ct_facts *f, const struct ct_binding *b)
{
    if (b->index >= 0)
        return (uint32_t)b->index < f->n_mounts ? &f->mounts[b->index] : NULL;
    for (uint32_t i = 0; i < f->n_mounts; i++) {
        const struct ct_mount *m = &f->mounts[i];

        if (fnmatch(b->key, b->field == CT_F_MOUNT_SOURCE ? m->dest : m->source, 0) == 0)
            return m;
    }
    return NULL;
}

static int mount_value(struct containers *c, const struct ct_facts *f, const struct ct_binding *b,
                       struct gyr_value *ret)
{
    const struct ct_mount *m = mount_of(f, b);

    if (!m)
        return GYR_ABSENT;
    switch (b->field) {
    case CT_F_MOUNT:
        return mounts_text(c, f, m, ret);
    case CT_F_MOUNT_SOURCE:
        return str(m->source, ret);
    case CT_F_MOUNT_DEST:
        return str(m->dest, ret);
    case CT_F_MOUNT_MODE:
        return str(m->mode, ret);
    case CT_F_MOUNT_RDWR:
        return str(m->rdwr ? "true" : "false", ret);
    default:
        return str(m->propagation, ret);
    }
}

/* ---- probes ---- */

/* A command line begins with the name the kernel keeps: no folder, at most 15 bytes. */
enum { COMM_MAX = 15 };

static bool runs(const char *command, const struct gyr_value *line)
{
    const char *blank = strchrnul(command, ' '), *name = command, *l = line->u.ptr, *rest;
    size_t n;

    for (const char *p = command; p < blank; p++)
        if (*p == '/')
            name = p + 1;
    n = (size_t)(blank - name);
    rest = memchr(l, ' ', line->len);
    if (!rest)
        rest = l + line->len;
    if (n > COMM_MAX && rest - l == COMM_MAX)
        n = COMM_MAX;
    return (size_t)(rest - l) == n && memcmp(name, l, n) == 0 &&
           line->len - (size_t)(rest - l) == strlen(blank) &&
           memcmp(rest, blank, strlen(blank)) == 0;
}

/* Whether the process, or one above it, is the probe; absent where there is none, as in Falco. */
static int is_probe(const char *command, const struct ct_about *a, struct gyr_value *ret)
{
    bool yes = false;

    if (!command)
        return GYR_ABSENT;
    for (uint32_t i = 0; i < a->n_lines && !yes; i++)
        yes = runs(command, &a->lines[i]);
    *ret = gyr_num(GYR_T_BOOL, yes);
    return GYR_PRESENT;
}

bool ct_needs_about(uint32_t field)
{
    return field == CT_F_DURATION || (field >= CT_F_IS_HEALTHCHECK && field <= CT_F_IS_READINESS);
}

static int duration(const struct ct_facts *f, const struct ct_about *a, struct gyr_value *ret)
{
    uint64_t start = a->start_ns ? a->start_ns : f->started_ns;

    if (!start || a->ts_ns < start)
        return GYR_ABSENT;
    *ret = gyr_num(GYR_T_DURATION, a->ts_ns - start);
    return GYR_PRESENT;
}

/* ---- all of them ---- */

int ct_value_on_host(const struct ct_binding *b, struct gyr_value *ret)
{
    if (b->field != CT_F_NAME && b->field != CT_F_TYPE)
        return GYR_ABSENT;
    return str("host", ret);
}

static int pod_value(struct containers *c, const struct ct_facts *f, const struct ct_binding *b,
                     struct gyr_value *ret)
{
    switch (b->field) {
    case CT_F_POD_NAME:
        return str(f->pod_name, ret);
    case CT_F_NS_NAME:
        return str(f->pod_ns, ret);
    case CT_F_POD_ID:
    case CT_F_POD_UID:
        return str(f->pod_uid, ret);
    case CT_F_SANDBOX_ID:
        return short_id(f->sandbox_id, ret);
    case CT_F_FULL_SANDBOX_ID:
        return str(f->sandbox_id, ret);
    case CT_F_POD_LABEL:
        return str(ct_label(f->pod_labels, f->n_pod_labels, b->key), ret);
    case CT_F_POD_LABELS:
        return labels_text(c, f->pod_labels, f->n_pod_labels, ret);
    case CT_F_POD_IP:
        return str(f->pod_ip, ret);
    default:
        return str(f->pod_cni_json, ret);
    }
}

static int more_value(struct containers *c, const struct ct_facts *f, const struct ct_binding *b,
                      const struct ct_about *about, struct gyr_value *ret)
{
    switch (b->field) {
    case CT_F_HEALTHCHECK:
        return str(f->healthcheck, ret);
    case CT_F_LIVENESS:
        return str(f->liveness_probe, ret);
    case CT_F_READINESS:
        return str(f->readiness_probe, ret);
    case CT_F_IS_HEALTHCHECK:
        return is_probe(f->healthcheck, about, ret);
    case CT_F_IS_LIVENESS:
        return is_probe(f->liveness_probe, about, ret);
    case CT_F_IS_READINESS:
        return is_probe(f->readiness_probe, about, ret);
    case CT_F_START_TS:
        if (!f->started_ns)
            return GYR_ABSENT;
        *ret = gyr_num(GYR_T_TIME, f->started_ns);
        return GYR_PRESENT;
    case CT_F_DURATION:
        return duration(f, about, ret);
    case CT_F_IP:
        return str(f->ip ? f->ip : f->pod_ip, ret);
    case CT_F_CNI_JSON:
        return str(f->cni_json ? f->cni_json : f->pod_cni_json, ret);
    case CT_F_LABEL:
        return str(ct_label(f->labels, f->n_labels, b->key), ret);
    case CT_F_LABELS:
        return labels_text(c, f->labels, f->n_labels, ret);
    default:
        return pod_value(c, f, b, ret);
    }
}

int ct_value(struct containers *c, const struct ct_facts *f, const struct ct_binding *b,
             const struct ct_about *about, const char *event, struct gyr_value *ret)
{
    switch (b->field) {
    case CT_F_ID:
        return short_id(f->id, ret);
    case CT_F_FULL_ID:
        return str(f->id, ret);
    case CT_F_EVENT:
        return str(event && *event ? event : NULL, ret);
    case CT_F_NAME:
        return str(f->name, ret);
    case CT_F_IMAGE:
        return str(f->image, ret);
    case CT_F_IMAGE_ID:
        return short_id(f->image_id, ret);
    case CT_F_IMAGE_REPO:
        return str(f->image_repo, ret);
    case CT_F_IMAGE_TAG:
        return str(f->image_tag, ret);
    case CT_F_IMAGE_DIGEST:
        return str(f->image_digest, ret);
    case CT_F_TYPE:
        return str(f->type, ret);
    case CT_F_PRIVILEGED:
        return tri(f->privileged, ret);
    case CT_F_HOST_PID:
        return tri(f->host_pid, ret);
    case CT_F_HOST_NETWORK:
        return tri(f->host_network, ret);
    case CT_F_HOST_IPC:
        return tri(f->host_ipc, ret);
    case CT_F_MOUNTS:
        return f->n_mounts ? mounts_text(c, f, NULL, ret) : GYR_ABSENT;
    case CT_F_MOUNT:
    case CT_F_MOUNT_SOURCE:
    case CT_F_MOUNT_DEST:
    case CT_F_MOUNT_MODE:
    case CT_F_MOUNT_RDWR:
    case CT_F_MOUNT_PROPAGATION:
        return mount_value(c, f, b, ret);
    default:
        return more_value(c, f, b, about, ret);
    }
}
