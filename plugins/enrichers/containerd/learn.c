/* SPDX-License-Identifier: Apache-2.0 */
/* Facts of what the runtimes answered. */
#include "containerd.h"
#include "spec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PROBE_MAX = 1024, HOST = 2 /* a mode of CRI's namespaces */ };

/* Room to put facts together in: one at a time. */
struct made {
    struct spec spec;
    struct ct_pair labels[CT_LIST_MAX], pod_labels[CT_LIST_MAX];
    struct ct_mount mounts[CT_LIST_MAX];
    json_t *info, *pod_info, *applied, *extension;
    char *cni;
    char liveness[PROBE_MAX], readiness[PROBE_MAX];
    char repo[CT_STRING_MAX + 1], tag[CT_STRING_MAX + 1], digest[CT_STRING_MAX + 1];
    char sandbox_id[CT_ID_MAX + 1];
};

struct made *made_new(void)
{
    return calloc(1, sizeof(struct made));
}

void made_free(struct made *m)
{
    free(m);
}

static void clear(struct made *m)
{
    spec_free(&m->spec);
    json_decref(m->info);
    json_decref(m->pod_info);
    json_decref(m->applied);
    json_decref(m->extension);
    free(m->cni);
    m->info = m->pod_info = m->applied = m->extension = NULL;
    m->cni = NULL;
    m->liveness[0] = m->readiness[0] = m->sandbox_id[0] = '\0';
}

static const char *given(const char *s)
{
    return s && *s ? s : NULL;
}

/* ---- labels ---- */

const char *ctd_label(const Ctd__Container *c, const char *key)
{
    for (size_t i = 0; i < c->n_labels; i++)
        if (strcmp(c->labels[i]->key, key) == 0)
            return c->labels[i]->value;
    return NULL;
}

static const char *entry(Cri__Entry *const *list, size_t n, const char *key)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i]->key, key) == 0)
            return list[i]->value;
    return NULL;
}

static uint32_t pairs_of(struct ct_pair *to, Cri__Entry *const *list, size_t n)
{
    uint32_t k = 0;

    for (size_t i = 0; i < n && k < CT_LIST_MAX; i++)
        to[k++] = (struct ct_pair){list[i]->key, list[i]->value};
    return k;
}

/* ---- a verbose answer of CRI: a document under the key "info" ---- */

static json_t *info_of(Cri__Entry *const *list, size_t n)
{
    const char *text = entry(list, n, "info");

    return text ? json_loads(text, 0, NULL) : NULL;
}

static void keep_id(char *to, const char *id)
{
    to[0] = '\0';
    if (id && strlen(id) <= CT_ID_MAX)
        memcpy(to, id, strlen(id) + 1);
}

void learn_sandbox_id(const Cri__ContainerStatusResponse *status, char *ret)
{
    static const char *const keys[] = {"sandboxID", NULL};
    static const char *const crio[] = {"runtimeSpec", "annotations",
                                       "io.kubernetes.cri-o.SandboxID", NULL};
    json_t *info = info_of(status->info, status->n_info);
    const char *id = spec_text(info, keys);

    keep_id(ret, id ? id : spec_text(info, crio));
    json_decref(info);
}

void learn_record_sandbox_id(const Ctd__Container *c, char *ret)
{
    static const char *const keys[] = {"annotations", "io.kubernetes.cri.sandbox-id", NULL};
    json_t *doc =
        c->spec ? json_loadb((const char *)c->spec->value.data, c->spec->value.len, 0, NULL) : NULL;

    keep_id(ret, spec_text(doc, keys));
    json_decref(doc);
}

/* ---- probes: Kubernetes tells a runtime nothing of them; a pod that was made with kubectl carries
 * its own description in an annotation ---- */

static void join(char *to, const json_t *words)
{
    size_t i, n = 0;
    const json_t *v;

    json_array_foreach(words, i, v)
    {
        const char *s = json_string_value(v);
        int k = snprintf(to + n, PROBE_MAX - n, "%s%s", n ? " " : "", s ? s : "");

        if (k < 0 || (n += (size_t)k) >= PROBE_MAX)
            return;
    }
}

static const json_t *command_of(const json_t *container, const char *probe)
{
    const json_t *exec = json_object_get(json_object_get(container, probe), "exec");

    return json_object_get(exec, "command");
}

static void read_probes(struct made *m, const Cri__PodSandboxStatus *pod, const char *name)
{
    const char *text = entry(pod->annotations, pod->n_annotations,
                             "kubectl.kubernetes.io/last-applied-configuration");
    const json_t *containers, *c;
    size_t i;

    if (!text || !name)
        return;
    m->applied = json_loads(text, 0, NULL);
    containers = json_object_get(json_object_get(m->applied, "spec"), "containers");
    json_array_foreach(containers, i, c)
    {
        const char *its = json_string_value(json_object_get(c, "name"));

        if (its && strcmp(its, name) == 0) {
            join(m->liveness, command_of(c, "livenessProbe"));
            join(m->readiness, command_of(c, "readinessProbe"));
        }
    }
}

/* ---- containerd's record ---- */

static uint64_t nanoseconds(const Ctd__Time *t)
{
    if (!t || t->seconds <= 0 || t->seconds > INT64_MAX / 1000000000 - 1)
        return 0;
    return (uint64_t)t->seconds * 1000000000u + (uint32_t)t->nanos % 1000000000u;
}

/* containerd knows ids only. A name is what a client put into a label; else the id, which with ctr
 * is the name its user gave. */
static const char *name_of(const Ctd__Container *c)
{
    static const char *const labels[] = {"io.kubernetes.container.name", "nerdctl/name"};
    const char *kind = ctd_label(c, "io.cri-containerd.kind");

    if (kind && strcmp(kind, "sandbox") == 0 && ctd_label(c, "io.kubernetes.pod.name"))
        return ctd_label(c, "io.kubernetes.pod.name");
    for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
        const char *s = given(ctd_label(c, labels[i]));

        if (s)
            return s;
    }
    return c->id;
}

static void of_spec(struct made *m, struct ct_facts *to)
{
    const struct spec *s = &m->spec;

    if (!s->doc)
        return;
    to->mounts = s->mounts;
    to->n_mounts = s->n_mounts;
    to->env = s->env;
    to->n_env = s->n_env;
    to->privileged = s->privileged;
    to->host_pid = s->host_pid;
    to->host_network = s->host_network;
    to->host_ipc = s->host_ipc;
    to->sandbox_id = s->sandbox_id;
}

/* containerd's CRI keeps with a container which image it was made of. */
static void of_extension(struct made *m, const Ctd__Container *c, struct ct_facts *to)
{
    static const char *const keys[] = {"Metadata", "ImageRef", NULL};

    for (size_t i = 0; i < c->n_extensions && !m->extension; i++) {
        const Ctd__Extension *e = c->extensions[i];

        if (e->value && strcmp(e->key, "io.cri-containerd.container.metadata") == 0)
            m->extension =
                json_loadb((const char *)e->value->value.data, e->value->value.len, 0, NULL);
    }
    to->image_id = spec_text(m->extension, keys);
}

static void of_record(struct made *m, const struct findings *f, struct ct_facts *to)
{
    const Ctd__Container *c = f->container;
    const char *kind = ctd_label(c, "io.cri-containerd.kind");

    to->type = strcmp(f->ns, "moby") == 0 ? "docker" : "containerd";
    to->name = name_of(c);
    to->image = given(c->image);
    to->image_digest = given(f->digest);
    to->created_ns = nanoseconds(c->created_at);
    for (size_t i = 0; i < c->n_labels && to->n_labels < CT_LIST_MAX; i++)
        m->labels[to->n_labels++] = (struct ct_pair){c->labels[i]->key, c->labels[i]->value};
    to->labels = m->labels;
    to->is_sandbox = ct_tri(kind && strcmp(kind, "sandbox") == 0);
    of_extension(m, c, to);
    if (c->spec)
        (void)spec_read(&m->spec, (const char *)c->spec->value.data, c->spec->value.len);
    of_spec(m, to);
}

/* ---- CRI ---- */

static const char *propagation(int32_t mode)
{
    static const char *const names[] = {"private", "rslave", "rshared"};

    return mode >= 0 && mode < 3 ? names[mode] : NULL;
}

static void of_mounts(struct made *m, const Cri__ContainerStatus *s, struct ct_facts *to)
{
    for (size_t i = 0; i < s->n_mounts && to->n_mounts < CT_LIST_MAX; i++) {
        const Cri__Mount *v = s->mounts[i];

        m->mounts[to->n_mounts++] = (struct ct_mount){
            .source = v->host_path,
            .dest = v->container_path,
            .propagation = propagation(v->propagation),
            .rdwr = !v->readonly,
        };
    }
    to->mounts = m->mounts;
}

/* A reference is a repository's digest, or the id of an image that has none. */
static void of_image(const Cri__ContainerStatus *s, struct ct_facts *to)
{
    const char *image = s->image ? given(s->image->user_specified_image) : NULL, *at;

    if (!image && s->image)
        image = given(s->image->image);
    if (image && strncmp(image, "sha256:", 7) != 0)
        to->image = image;
    else if (!to->image)
        to->image = image;
    at = strstr(s->image_ref, "@sha256:");
    if (at)
        to->image_digest = at + 1;
    if (*s->image_id)
        to->image_id = s->image_id;
    else if (!at)
        to->image_id = given(s->image_ref);
    else if (!to->image_id && s->image && strncmp(s->image->image, "sha256:", 7) == 0)
        to->image_id = s->image->image;
}

static uint8_t state_of(int32_t cri)
{
    static const uint8_t states[] = {CT_STATE_CREATED, CT_STATE_RUNNING, CT_STATE_EXITED};

    return cri >= 0 && cri < 3 ? states[cri] : CT_STATE_UNKNOWN;
}

static void of_status(struct made *m, const struct findings *f, struct ct_facts *to)
{
    const Cri__ContainerStatus *s = f->status->status;
    json_t *privileged;

    to->type = f->want->rt->type;
    to->is_sandbox = CT_NO;
    if (s->metadata)
        to->name = given(s->metadata->name);
    of_image(s, to);
    if (s->created_at > 0)
        to->created_ns = (uint64_t)s->created_at;
    if (s->started_at > 0)
        to->started_ns = (uint64_t)s->started_at;
    if (f->container)
        return; /* the rest is in its record */
    to->n_labels = pairs_of(m->labels, s->labels, s->n_labels);
    to->labels = m->labels;
    m->info = info_of(f->status->info, f->status->n_info);
    if (spec_take(&m->spec, json_object_get(m->info, "runtimeSpec")) == 0)
        of_spec(m, to);
    privileged = json_object_get(m->info, "privileged");
    if (json_is_boolean(privileged))
        to->privileged = ct_tri(json_is_true(privileged));
    learn_sandbox_id(f->status, m->sandbox_id);
    if (!to->sandbox_id)
        to->sandbox_id = given(m->sandbox_id);
    if (s->n_mounts) {
        to->n_mounts = 0;
        of_mounts(m, s, to);
    }
    to->pid = json_integer_value(json_object_get(m->info, "pid"));
    if (!f->want->rt->events) /* else an event says that it runs, and when */
        to->state = state_of(s->state);
}

static void of_pod(struct made *m, const struct findings *f, struct ct_facts *to)
{
    const Cri__PodSandboxStatus *s = f->pod->status;
    const json_t *cni;

    if (s->metadata) {
        to->pod_name = given(s->metadata->name);
        to->pod_ns = given(s->metadata->namespace_);
        to->pod_uid = given(s->metadata->uid);
    }
    to->sandbox_id = given(s->id);
    to->n_pod_labels = pairs_of(m->pod_labels, s->labels, s->n_labels);
    to->pod_labels = m->pod_labels;
    if (s->network)
        to->pod_ip = to->ip = given(s->network->ip);
    if (s->on_linux && s->on_linux->namespaces && s->on_linux->namespaces->options) {
        const Cri__NamespaceOption *o = s->on_linux->namespaces->options;

        if (o->network == HOST)
            to->host_network = CT_YES;
        if (o->ipc == HOST)
            to->host_ipc = CT_YES;
    }
    m->pod_info = info_of(f->pod->info, f->pod->n_info);
    cni = json_object_get(json_object_get(m->pod_info, "cniResult"), "Interfaces");
    if (cni)
        m->cni = json_dumps(cni, JSON_COMPACT);
    to->pod_cni_json = to->cni_json = m->cni;
    read_probes(m, s, to->name);
    to->liveness_probe = given(m->liveness);
    to->readiness_probe = given(m->readiness);
}

/* A sandbox that only CRI tells of. */
static void of_sandbox(struct made *m, const struct findings *f, struct ct_facts *to)
{
    const Cri__PodSandboxStatus *s = f->pod->status;

    to->type = f->want->rt->type;
    to->is_sandbox = CT_YES;
    if (s->metadata)
        to->name = given(s->metadata->name);
    to->n_labels = pairs_of(m->labels, s->labels, s->n_labels);
    to->labels = m->labels;
    if (s->created_at > 0)
        to->created_ns = (uint64_t)s->created_at;
    if (!f->want->rt->events)
        to->state = s->state == 0 ? CT_STATE_RUNNING : CT_STATE_EXITED;
    m->info = info_of(f->pod->info, f->pod->n_info);
    if (spec_take(&m->spec, json_object_get(m->info, "runtimeSpec")) == 0)
        of_spec(m, to);
}

static const char *keep(char *to, const char *p, uint32_t len)
{
    if (len == 0 || len > CT_STRING_MAX)
        return NULL;
    memcpy(to, p, len);
    to[len] = '\0';
    return to;
}

static void of_image_name(struct made *m, struct ct_facts *to)
{
    struct ct_image i;

    if (!to->image || strncmp(to->image, "sha256:", 7) == 0)
        return; /* an id is no name */
    i = ct_image_of(to->image);
    to->image_repo = keep(m->repo, i.repo, i.repo_len);
    to->image_tag = keep(m->tag, i.tag, i.tag_len);
    if (!to->image_digest)
        to->image_digest = keep(m->digest, i.digest, i.digest_len);
}

void learn(struct plugin *p, const struct findings *f)
{
    const struct want *w = f->want;
    struct made *m = p->made;
    struct ct_facts to = {.id = w->id, .type = "cri", .pid = w->pid, .started_ns = w->started_ns};

    if (f->container)
        of_record(m, f, &to);
    if (f->status)
        of_status(m, f, &to);
    if (!f->container && !f->status)
        of_sandbox(m, f, &to);
    if (f->pod)
        of_pod(m, f, &to);
    of_image_name(m, &to);
    if (to.image_id && strncmp(to.image_id, "sha256:", 7) == 0)
        to.image_id += 7;
    if (w->state != CT_STATE_UNKNOWN)
        to.state = w->state;
    if (w->pid)
        to.pid = w->pid;
    containers_learnt(p->containers, &to, w->why);
    clear(m);
}
