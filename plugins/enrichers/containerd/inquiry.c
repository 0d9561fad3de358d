/* SPDX-License-Identifier: Apache-2.0 */
/* Inquiring after one container. First who it is: containerd's record, in each namespace at once
 * where it is not known which; of a runtime that speaks CRI only, a container's status and a pod's.
 * Then what that leads to: the image's digest, the pod. */
#include "containerd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct inquiry {
    struct inquiry *next, **prev; /* of its runtime */
    struct want want;
    int32_t ns; /* where the record was found */
    uint32_t open;
    bool second; /* the second half is under way */
    bool failed; /* an answer is missing: nothing is known, not even that it is not there */
    struct pb_memory mem;
    Ctd__ContainerMessage *record;
    Ctd__GetImageResponse *image;
    Cri__ContainerStatusResponse *status;
    Cri__PodSandboxStatusResponse *pod;
};

/* ---- wants ---- */

bool want_add(struct plugin *p, struct wants *list, const struct want *w)
{
    struct want *to;

    if (p->n_wants == WANTS_MAX || !(to = malloc(sizeof(*to)))) {
        (void)p->host->metric_add(p->host->ctx, "containers_not_inquired", 1);
        return false;
    }
    *to = *w;
    to->next = NULL;
    if (!list->last)
        list->last = &list->first;
    *list->last = to;
    list->last = &to->next;
    p->n_wants++;
    return true;
}

static struct want *want_next(struct plugin *p)
{
    struct wants *list = p->urgent.first ? &p->urgent : &p->listed;
    struct want *w = list->first;

    if (!w)
        return NULL;
    list->first = w->next;
    if (!list->first)
        list->last = &list->first;
    p->n_wants--;
    return w;
}

static void drop_wants(struct plugin *p, struct wants *list, const struct runtime *rt)
{
    struct want **at = &list->first;

    while (*at) {
        struct want *w = *at;

        if (w->rt == rt) {
            *at = w->next;
            if (w->gone)
                containers_gone(p->containers, w->id);
            free(w);
            p->n_wants--;
        } else {
            at = &w->next;
        }
    }
    list->last = at;
}

static bool mark_gone(struct want *w, const struct runtime *rt, const char *id)
{
    if (w->rt != rt || strcmp(w->id, id) != 0)
        return false;
    w->gone = true;
    return true;
}

void want_gone(struct runtime *rt, const char *id)
{
    bool later = false;

    for (struct want *w = rt->p->urgent.first; w; w = w->next)
        later |= mark_gone(w, rt, id);
    for (struct want *w = rt->p->listed.first; w && !later; w = w->next)
        later = mark_gone(w, rt, id);
    for (struct inquiry *q = rt->inquiries; q && !later; q = q->next)
        later = mark_gone(&q->want, rt, id);
    if (!later)
        containers_gone(rt->p->containers, id);
}

/* ---- the end ---- */

static void inquiry_free(struct inquiry *q)
{
    q->want.rt->p->n_inquiries--;
    if (q->record)
        ctd__container_message__free_unpacked(q->record, &q->mem.allocator);
    if (q->image)
        ctd__get_image_response__free_unpacked(q->image, &q->mem.allocator);
    if (q->status)
        cri__container_status_response__free_unpacked(q->status, &q->mem.allocator);
    if (q->pod)
        cri__pod_sandbox_status_response__free_unpacked(q->pod, &q->mem.allocator);
    free(q);
}

static bool is_found(const struct inquiry *q)
{
    return q->record || q->status || q->pod;
}

static void conclude(struct inquiry *q)
{
    struct runtime *rt = q->want.rt;
    struct findings f = {
        .want = &q->want,
        .ns = q->record ? rt->ns[q->ns] : NULL,
        .container = q->record ? q->record->container : NULL,
        .status = q->status,
        .pod = q->pod,
        .digest = q->image && q->image->image && q->image->image->target
                      ? q->image->image->target->digest
                      : NULL,
    };

    if (is_found(q)) {
        learn(rt->p, &f);
        ask_answered(rt->p, q->want.id);
    } else {
        if (q->failed)
            (void)rt->p->host->metric_add(rt->p->host->ctx, "inquiries_failed", 1);
        ask_denied(rt, q->want.id);
    }
    if (q->want.gone)
        containers_gone(rt->p->containers, q->want.id);
    if (q->want.why == CT_LISTED)
        listed_one(rt);
    *q->prev = q->next;
    if (q->next)
        q->next->prev = q->prev;
    inquiry_free(q);
}

/* ---- the calls ---- */

static void first_done(struct inquiry *q);

static void end_call(struct op *op, int status, const char *text)
{
    struct inquiry *q = op->inquiry;

    q->open--;
    if (status == GRPC_UNAVAILABLE) { /* with it go all inquiries, this one too */
        runtime_down(op->rt, text);
        return;
    }
    if (status != GRPC_OK && status != GRPC_NOT_FOUND)
        q->failed = true;
    if (q->open)
        return;
    if (q->second || !is_found(q))
        conclude(q);
    else
        first_done(q);
}

static int on_record(struct op *op, const uint8_t *p, size_t len)
{
    struct inquiry *q = op->inquiry;
    Ctd__ContainerMessage *m = ctd__container_message__unpack(&q->mem.allocator, len, p);

    if (!m)
        return -EINVAL;
    if (q->record || !m->container || strcmp(m->container->id, q->want.id) != 0) {
        ctd__container_message__free_unpacked(m, &q->mem.allocator);
        return q->record ? 0 : -EINVAL;
    }
    q->record = m;
    q->ns = (int32_t)op->ns;
    return 0;
}

static int on_image(struct op *op, const uint8_t *p, size_t len)
{
    struct inquiry *q = op->inquiry;

    q->image = ctd__get_image_response__unpack(&q->mem.allocator, len, p);
    return q->image ? 0 : -EINVAL;
}

static int on_status(struct op *op, const uint8_t *p, size_t len)
{
    struct inquiry *q = op->inquiry;
    Cri__ContainerStatusResponse *m =
        cri__container_status_response__unpack(&q->mem.allocator, len, p);

    if (!m)
        return -EINVAL;
    if (!m->status || strcmp(m->status->id, q->want.id) != 0) {
        cri__container_status_response__free_unpacked(m, &q->mem.allocator);
        return -EINVAL;
    }
    q->status = m;
    return 0;
}

static int on_pod(struct op *op, const uint8_t *p, size_t len)
{
    struct inquiry *q = op->inquiry;
    Cri__PodSandboxStatusResponse *m =
        cri__pod_sandbox_status_response__unpack(&q->mem.allocator, len, p);

    if (!m)
        return -EINVAL;
    if (!m->status) {
        cri__pod_sandbox_status_response__free_unpacked(m, &q->mem.allocator);
        return -EINVAL;
    }
    q->pod = m;
    return 0;
}

static void begin(struct inquiry *q, int (*message)(struct op *, const uint8_t *, size_t),
                  const char *method, int32_t ns, const ProtobufCMessage *m)
{
    struct op op = {.inquiry = q, .message = message, .end = end_call};

    if (runtime_call(q->want.rt, op, method, ns, m, CALL_MS, false) == 0)
        q->open++;
    else
        q->failed = true;
}

static void ask_record(struct inquiry *q, int32_t ns)
{
    Ctd__GetContainerRequest m = CTD__GET_CONTAINER_REQUEST__INIT;

    m.id = q->want.id;
    begin(q, on_record, "/containerd.services.containers.v1.Containers/Get", ns, &m.base);
}

/* CRI-O says in the verbose answer only what is in the specification. */
static void ask_status(struct inquiry *q, bool verbose)
{
    Cri__ContainerStatusRequest m = CRI__CONTAINER_STATUS_REQUEST__INIT;

    m.container_id = q->want.id;
    m.verbose = verbose;
    begin(q, on_status, "/runtime.v1.RuntimeService/ContainerStatus", -1, &m.base);
}

static void ask_pod(struct inquiry *q, char *id)
{
    Cri__PodSandboxStatusRequest m = CRI__POD_SANDBOX_STATUS_REQUEST__INIT;

    m.pod_sandbox_id = id;
    m.verbose = true;
    begin(q, on_pod, "/runtime.v1.RuntimeService/PodSandboxStatus", -1, &m.base);
}

static void ask_image(struct inquiry *q)
{
    Ctd__GetImageRequest m = CTD__GET_IMAGE_REQUEST__INIT;

    m.name = q->record->container->image;
    if (*m.name)
        begin(q, on_image, "/containerd.services.images.v1.Images/Get", q->ns, &m.base);
}

/* ---- the two halves ---- */

static void first_half(struct inquiry *q)
{
    struct runtime *rt = q->want.rt;

    if (!rt->has_ctd) {
        ask_status(q, true);
        ask_pod(q, q->want.id);
    } else if (q->want.ns >= 0) {
        ask_record(q, q->want.ns);
    } else {
        for (uint32_t i = 0; i < rt->n_ns; i++)
            ask_record(q, (int32_t)i);
    }
}

static void second_half(struct inquiry *q)
{
    struct runtime *rt = q->want.rt;
    char sandbox[CT_ID_MAX + 1] = "";
    const char *kind;

    if (!q->record) {
        if (q->status && !q->pod)
            learn_sandbox_id(q->status, sandbox);
        if (sandbox[0])
            ask_pod(q, sandbox);
        return;
    }
    ask_image(q);
    kind = ctd_label(q->record->container, "io.cri-containerd.kind");
    if (!rt->has_cri || !kind)
        return;
    if (strcmp(kind, "container") == 0)
        ask_status(q, false);
    learn_record_sandbox_id(q->record->container, sandbox);
    if (sandbox[0])
        ask_pod(q, sandbox);
}

static void first_done(struct inquiry *q)
{
    q->second = true;
    q->failed = false;
    second_half(q);
    if (!q->open)
        conclude(q);
}

static void inquire(const struct want *w)
{
    struct inquiry *q = calloc(1, sizeof(*q));

    if (!q) {
        ask_denied(w->rt, w->id);
        return;
    }
    w->rt->p->n_inquiries++;
    q->want = *w;
    q->next = w->rt->inquiries;
    q->prev = &w->rt->inquiries;
    if (q->next)
        q->next->prev = &q->next;
    w->rt->inquiries = q;
    pb_memory_init(&q->mem);
    first_half(q);
    if (!q->open)
        conclude(q);
}

void inquiries_begin(struct plugin *p)
{
    while (p->n_inquiries < INQUIRIES_MAX) {
        struct want *w = want_next(p);

        if (!w)
            return;
        inquire(w);
        free(w);
    }
}

void inquiries_drop(struct runtime *rt)
{
    drop_wants(rt->p, &rt->p->urgent, rt);
    drop_wants(rt->p, &rt->p->listed, rt);
    while (rt->inquiries) {
        struct inquiry *q = rt->inquiries;

        rt->inquiries = q->next;
        if (q->want.gone)
            containers_gone(rt->p->containers, q->want.id);
        inquiry_free(q);
    }
}
