/* SPDX-License-Identifier: Apache-2.0 */
/* What a runtime tells by itself: the list of what there is, and events of what comes and goes. */
#include "containerd.h"

#include <errno.h>
#include <gyr/util.h>
#include <stdio.h>
#include <string.h>

enum {
    TASK_CREATED = 1,
    TASK_STOPPED = 3,
    CRI_RUNNING = 1,
    CRI_READY = 0,
    CRI_CREATED_EVENT = 0,
    CRI_STARTED_EVENT,
    CRI_STOPPED
};

/* ---- namespaces ---- */

/* A name goes into a header: only what containerd itself allows. */
static bool is_name(const char *s)
{
    size_t n = strlen(s);

    if (n == 0 || n >= NAMESPACE_LEN)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.", s[i]))
            return false;
    return true;
}

static bool is_wanted(const struct plugin *p, const char *name)
{
    const char *const *list = p->conf->namespaces;

    if (!list || !list[0])
        return !p->leave_moby || strcmp(name, "moby") != 0;
    for (; *list; list++)
        if (strcmp(*list, name) == 0)
            return true;
    return false;
}

int32_t namespace_of(struct runtime *rt, const char *name)
{
    for (uint32_t i = 0; i < rt->n_ns; i++)
        if (strcmp(rt->ns[i], name) == 0)
            return (int32_t)i;
    if (rt->n_ns == NAMESPACES_MAX || !is_name(name) || !is_wanted(rt->p, name))
        return -1;
    (void)snprintf(rt->ns[rt->n_ns], NAMESPACE_LEN, "%s", name);
    return (int32_t)rt->n_ns++;
}

/* ---- the list ---- */

static void listed(struct runtime *rt, int32_t ns, const char *id, uint8_t state, int64_t pid)
{
    struct want w = {.rt = rt, .ns = ns, .why = CT_LISTED, .state = state, .pid = pid};

    if (strlen(id) > CT_ID_MAX)
        return;
    (void)snprintf(w.id, sizeof(w.id), "%s", id);
    rt->n_listed++;
    rt->to_learn += want_add(rt->p, &rt->p->listed, &w);
}

/* When all is told that was there, the stream hears that it is. */
static void check_list(struct runtime *rt)
{
    if (rt->lists || rt->to_learn || rt->list_told)
        return;
    rt->list_told = true;
    containers_listed(rt->p->containers, rt->n_listed);
}

void listed_one(struct runtime *rt)
{
    rt->to_learn--;
    check_list(rt);
}

static void list(struct runtime *rt, struct op op, const char *method, int32_t ns, bool streams)
{
    rt->lists += runtime_call(rt, op, method, ns, NULL, LIST_MS, streams) == 0;
}

static void list_ended(struct op *op, int status, const char *text)
{
    op->rt->lists--;
    if (status == GRPC_UNAVAILABLE) {
        runtime_down(op->rt, text);
        return;
    }
    if (status != GRPC_OK)
        gyr_logf(op->rt->p->host, GYR_LOG_WARNING,
                 "%s: not all containers are listed (%s); the rest is asked for when it is seen",
                 op->rt->socket, text);
    check_list(op->rt);
}

static int on_container(struct op *op, const uint8_t *p, size_t len)
{
    struct pb_memory mem;
    Ctd__ContainerMessage *m;

    pb_memory_init(&mem);
    m = ctd__container_message__unpack(&mem.allocator, len, p);
    if (!m)
        return -EINVAL;
    if (m->container)
        listed(op->rt, (int32_t)op->ns, m->container->id, CT_STATE_UNKNOWN, 0);
    ctd__container_message__free_unpacked(m, &mem.allocator);
    return 0;
}

/* What has no task does not run, and is asked about when it starts. */
static void end_tasks(struct op *op, int status, const char *text)
{
    if (status == GRPC_OK || status == GRPC_UNAVAILABLE) {
        list_ended(op, status, text);
        return;
    }
    list(op->rt, (struct op){.message = on_container, .end = list_ended},
         "/containerd.services.containers.v1.Containers/ListStream", (int32_t)op->ns, true);
    op->rt->lists--;
    check_list(op->rt);
}

static int on_tasks(struct op *op, const uint8_t *p, size_t len)
{
    struct pb_memory mem;
    Ctd__ListTasksResponse *m;

    pb_memory_init(&mem);
    m = ctd__list_tasks_response__unpack(&mem.allocator, len, p);
    if (!m)
        return -EINVAL;
    for (size_t i = 0; i < m->n_tasks; i++)
        if (m->tasks[i]->status != TASK_STOPPED)
            listed(op->rt, (int32_t)op->ns, m->tasks[i]->id,
                   m->tasks[i]->status == TASK_CREATED ? CT_STATE_CREATED : CT_STATE_RUNNING,
                   m->tasks[i]->pid);
    ctd__list_tasks_response__free_unpacked(m, &mem.allocator);
    return 0;
}

static void list_namespace(struct runtime *rt, int32_t ns)
{
    list(rt, (struct op){.message = on_tasks, .end = end_tasks},
         "/containerd.services.tasks.v1.Tasks/List", ns, false);
}

static int on_namespaces(struct op *op, const uint8_t *p, size_t len)
{
    struct pb_memory mem;
    Ctd__ListNamespacesResponse *m;

    pb_memory_init(&mem);
    m = ctd__list_namespaces_response__unpack(&mem.allocator, len, p);
    if (!m)
        return -EINVAL;
    for (size_t i = 0; i < m->n_namespaces; i++)
        (void)namespace_of(op->rt, m->namespaces[i]->name);
    ctd__list_namespaces_response__free_unpacked(m, &mem.allocator);
    return 0;
}

static void end_namespaces(struct op *op, int status, const char *text)
{
    if (status == GRPC_UNAVAILABLE) {
        runtime_down(op->rt, text);
        return;
    }
    for (uint32_t i = 0; i < op->rt->n_ns; i++)
        list_namespace(op->rt, (int32_t)i);
    list_ended(op, status, text);
}

static int on_cri_containers(struct op *op, const uint8_t *p, size_t len)
{
    struct pb_memory mem;
    Cri__ListContainersResponse *m;

    pb_memory_init(&mem);
    m = cri__list_containers_response__unpack(&mem.allocator, len, p);
    if (!m)
        return -EINVAL;
    for (size_t i = 0; i < m->n_containers; i++)
        if (m->containers[i]->state == CRI_RUNNING)
            listed(op->rt, -1, m->containers[i]->id, CT_STATE_RUNNING, 0);
    cri__list_containers_response__free_unpacked(m, &mem.allocator);
    return 0;
}

static int on_cri_pods(struct op *op, const uint8_t *p, size_t len)
{
    struct pb_memory mem;
    Cri__ListPodSandboxResponse *m;

    pb_memory_init(&mem);
    m = cri__list_pod_sandbox_response__unpack(&mem.allocator, len, p);
    if (!m)
        return -EINVAL;
    for (size_t i = 0; i < m->n_items; i++)
        if (m->items[i]->state == CRI_READY)
            listed(op->rt, -1, m->items[i]->id, CT_STATE_RUNNING, 0);
    cri__list_pod_sandbox_response__free_unpacked(m, &mem.allocator);
    return 0;
}

/* ---- events ---- */

static bool is_topic(const Ctd__Envelope *e, const char *topic)
{
    return strcmp(e->topic, topic) == 0;
}

static uint64_t time_of(const Ctd__Time *t)
{
    if (!t || t->seconds <= 0 || t->seconds > INT64_MAX / 1000000000 - 1)
        return 0;
    return (uint64_t)t->seconds * 1000000000u + (uint32_t)t->nanos % 1000000000u;
}

static void heard(struct runtime *rt, const struct want *from, const char *id)
{
    struct want w = *from;

    if (!*id || strlen(id) > CT_ID_MAX)
        return;
    w.rt = rt;
    (void)snprintf(w.id, sizeof(w.id), "%s", id);
    want_add(rt->p, &rt->p->urgent, &w);
}

static int task_started(struct runtime *rt, int32_t ns, const Ctd__Envelope *e)
{
    struct pb_memory mem;
    Ctd__TaskEvent *m;

    pb_memory_init(&mem);
    m = ctd__task_event__unpack(&mem.allocator, e->event->value.len, e->event->value.data);
    if (!m)
        return -EINVAL;
    heard(rt,
          &(struct want){.ns = ns,
                         .why = CT_STARTED,
                         .state = CT_STATE_RUNNING,
                         .pid = m->pid,
                         .started_ns = time_of(e->timestamp)},
          m->container_id);
    ctd__task_event__free_unpacked(m, &mem.allocator);
    return 0;
}

static int task_exited(struct runtime *rt, const Ctd__Envelope *e)
{
    struct pb_memory mem;
    Ctd__TaskExit *m;

    pb_memory_init(&mem);
    m = ctd__task_exit__unpack(&mem.allocator, e->event->value.len, e->event->value.data);
    if (!m)
        return -EINVAL;
    if (strcmp(m->id, m->container_id) == 0) /* else of a process that was put in later */
        want_gone(rt, m->container_id);
    ctd__task_exit__free_unpacked(m, &mem.allocator);
    return 0;
}

static int container_made(struct runtime *rt, int32_t ns, const Ctd__Envelope *e)
{
    struct pb_memory mem;
    Ctd__ContainerEvent *m;

    pb_memory_init(&mem);
    m = ctd__container_event__unpack(&mem.allocator, e->event->value.len, e->event->value.data);
    if (!m)
        return -EINVAL;
    heard(rt, &(struct want){.ns = ns, .why = CT_ASKED, .state = CT_STATE_CREATED}, m->id);
    ctd__container_event__free_unpacked(m, &mem.allocator);
    return 0;
}

static int on_envelope(struct runtime *rt, const Ctd__Envelope *e)
{
    int32_t ns = namespace_of(rt, e->namespace_);

    if (ns < 0 || !e->event)
        return 0;
    if (is_topic(e, "/containers/create"))
        return container_made(rt, ns, e);
    if (is_topic(e, "/tasks/start"))
        return task_started(rt, ns, e);
    if (is_topic(e, "/tasks/exit"))
        return task_exited(rt, e);
    return 0;
}

static int on_ctd_event(struct op *op, const uint8_t *p, size_t len)
{
    struct pb_memory mem;
    Ctd__Envelope *e;
    int ret;

    pb_memory_init(&mem);
    e = ctd__envelope__unpack(&mem.allocator, len, p);
    if (!e)
        return -EINVAL;
    ret = on_envelope(op->rt, e);
    ctd__envelope__free_unpacked(e, &mem.allocator);
    return ret;
}

static void end_events(struct op *op, int status, const char *text)
{
    op->rt->events = false;
    if (op->rt->has_ctd || status != GRPC_UNIMPLEMENTED) {
        runtime_down(op->rt, *text ? text : "its events have ended");
        return;
    }
    gyr_logf(op->rt->p->host, GYR_LOG_INFO,
             "%s: it tells no events; containers are asked for when they are seen", op->rt->socket);
}

static int on_cri_event(struct op *op, const uint8_t *p, size_t len)
{
    struct pb_memory mem;
    Cri__ContainerEventResponse *m;
    struct want w = {.ns = -1, .why = CT_ASKED, .state = CT_STATE_CREATED};

    pb_memory_init(&mem);
    m = cri__container_event_response__unpack(&mem.allocator, len, p);
    if (!m)
        return -EINVAL;
    if (m->container_event_type == CRI_STARTED_EVENT) {
        w.why = CT_STARTED;
        w.state = CT_STATE_RUNNING;
    }
    if (m->container_event_type == CRI_STARTED_EVENT ||
        m->container_event_type == CRI_CREATED_EVENT)
        heard(op->rt, &w, m->container_id);
    else if (m->container_event_type == CRI_STOPPED)
        want_gone(op->rt, m->container_id);
    cri__container_event_response__free_unpacked(m, &mem.allocator);
    return 0;
}

/* ---- both ---- */

static void open_ctd(struct runtime *rt)
{
    static char create[] = "topic==\"/containers/create\"", start[] = "topic==\"/tasks/start\"",
                ended[] = "topic==\"/tasks/exit\"";
    char *filters[] = {create, start, ended};
    Ctd__SubscribeRequest m = CTD__SUBSCRIBE_REQUEST__INIT;

    for (const char *const *n = rt->p->conf->namespaces; n && *n; n++)
        (void)namespace_of(rt, *n);
    m.filters = filters;
    m.n_filters = sizeof(filters) / sizeof(filters[0]);
    rt->events =
        runtime_call(rt, (struct op){.message = on_ctd_event, .end = end_events},
                     "/containerd.services.events.v1.Events/Subscribe", -1, &m.base, 0, true) == 0;
    list(rt, (struct op){.message = on_namespaces, .end = end_namespaces},
         "/containerd.services.namespaces.v1.Namespaces/List", -1, false);
}

static void open_cri(struct runtime *rt)
{
    rt->events =
        runtime_call(rt, (struct op){.message = on_cri_event, .end = end_events},
                     "/runtime.v1.RuntimeService/GetContainerEvents", -1, NULL, 0, true) == 0;
    list(rt, (struct op){.message = on_cri_pods, .end = list_ended},
         "/runtime.v1.RuntimeService/ListPodSandbox", -1, false);
    list(rt, (struct op){.message = on_cri_containers, .end = list_ended},
         "/runtime.v1.RuntimeService/ListContainers", -1, false);
}

void streams_open(struct runtime *rt)
{
    rt->lists = rt->n_listed = rt->to_learn = 0;
    rt->list_told = false;
    if (rt->has_ctd)
        open_ctd(rt);
    else
        open_cri(rt);
}
