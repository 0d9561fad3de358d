/* SPDX-License-Identifier: Apache-2.0 */
/* A runtime comes and goes: reaching it, finding out what it speaks, noticing that it is gone. */
#include "containerd.h"

#include <errno.h>
#include <gyr/util.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const uint64_t MS = 1000000, ABSENT_NS = 1000000000, ALIVE_NS = 10000000000;
enum { BACKOFF_MS = 100, BACKOFF_MAX_MS = 30000, PACKED_MAX = 1024 };

/* ---- calls ---- */

static int on_message(void *arg, const uint8_t *p, size_t len)
{
    struct op *op = arg;

    return op->message(op, p, len);
}

static void op_unlink(struct op *op)
{
    *op->prev = op->next;
    if (op->next)
        op->next->prev = op->prev;
}

static void on_done(void *arg, int status, const char *text)
{
    struct op *op = arg;

    op_unlink(op);
    op->end(op, status, text);
    free(op);
}

static int failed(struct runtime *rt, const char *method, int ret)
{
    gyr_logf(rt->p->host, GYR_LOG_WARNING, "%s: cannot call %s: %s", rt->socket, method,
             strerror(-ret));
    return ret;
}

int runtime_call(struct runtime *rt, struct op from, const char *method, int32_t ns,
                 const ProtobufCMessage *message, uint32_t timeout_ms, bool streams)
{
    uint8_t packed[PACKED_MAX];
    size_t len = message ? protobuf_c_message_get_packed_size(message) : 0;
    struct grpc_request r = {.socket = rt->socket,
                             .method = method,
                             .message = packed,
                             .len = len,
                             .timeout_ms = timeout_ms,
                             .streams = streams,
                             .message_fn = on_message,
                             .done = on_done};
    struct op *op = malloc(sizeof(*op));
    int ret;

    if (!op || len > sizeof(packed)) {
        free(op);
        return failed(rt, method, op ? -EMSGSIZE : -ENOMEM);
    }
    if (len)
        (void)protobuf_c_message_pack(message, packed);
    if (ns >= 0) {
        r.key = "containerd-namespace";
        r.value = rt->ns[ns];
    }
    *op = from;
    op->rt = rt;
    op->ns = ns >= 0 ? (uint32_t)ns : 0;
    r.arg = op;
    ret = grpc_start(rt->p->grpc, &r, &op->call, NULL);
    if (ret < 0) {
        free(op);
        return failed(rt, method, ret);
    }
    op->next = rt->ops;
    op->prev = &rt->ops;
    if (op->next)
        op->next->prev = &op->next;
    rt->ops = op;
    return 0;
}

static void drop_calls(struct runtime *rt)
{
    while (rt->ops) {
        struct op *op = rt->ops;

        rt->ops = op->next;
        grpc_cancel(rt->p->grpc, op->call);
        free(op);
    }
    inquiries_drop(rt);
}

/* ---- down ---- */

static uint64_t jitter(struct plugin *p, uint64_t of)
{
    p->seed = p->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return of ? (p->seed >> 33) % of : 0;
}

static void try_later(struct runtime *rt)
{
    uint64_t ms = BACKOFF_MAX_MS;

    if (rt->failures < 8)
        ms = (uint64_t)BACKOFF_MS << rt->failures;
    rt->failures++;
    rt->next_ns = rt->p->host->now_ns(rt->p->host->ctx) + (ms / 2 + jitter(rt->p, ms / 2)) * MS;
}

void runtime_down(struct runtime *rt, const char *why)
{
    if (rt->state == RT_DOWN)
        return;
    drop_calls(rt);
    if (!rt->told)
        gyr_logf(rt->p->host, GYR_LOG_WARNING,
                 "%s: not reached (%s); its containers are not named until it is", rt->socket,
                 *why ? why : "it does not say why");
    rt->told = true;
    rt->state = RT_DOWN;
    rt->events = false;
    (void)rt->p->host->metric_add(rt->p->host->ctx, "runtime_down", 1);
    try_later(rt);
}

void runtime_stop(struct runtime *rt)
{
    drop_calls(rt);
    rt->state = RT_DOWN;
}

bool runtime_counts(const struct runtime *rt)
{
    return rt->seen || rt->state != RT_DOWN || access(rt->socket, F_OK) == 0;
}

/* ---- up ---- */

static void up(struct runtime *rt)
{
    gyr_logf(rt->p->host, rt->told ? GYR_LOG_NOTICE : GYR_LOG_INFO, "%s: reached%s", rt->socket,
             rt->told ? " again" : "");
    rt->told = false;
    rt->seen = true;
    rt->failures = 0;
    rt->state = RT_UP;
    rt->next_ns = rt->p->host->now_ns(rt->p->host->ctx) + ALIVE_NS;
    streams_open(rt);
    asks_again(rt);
}

/* Both answers are there: what does it speak? */
static void probed(struct runtime *rt, int status, const char *text)
{
    if (status != GRPC_OK && status != GRPC_UNIMPLEMENTED)
        (void)snprintf(rt->why, sizeof(rt->why), "%s", text);
    if (--rt->probes)
        return;
    if (rt->has_ctd || rt->has_cri)
        up(rt);
    else
        runtime_down(rt, rt->why[0] ? rt->why
                                    : "it speaks neither containerd's API nor CRI's version v1");
}

static int on_ctd_version(struct op *op, const uint8_t *p, size_t len)
{
    struct pb_memory mem;
    Ctd__VersionResponse *m;

    pb_memory_init(&mem);
    m = ctd__version_response__unpack(&mem.allocator, len, p);
    if (!m)
        return -EINVAL;
    gyr_logf(op->rt->p->host, GYR_LOG_INFO, "%s: containerd %.40s", op->rt->socket, m->version);
    ctd__version_response__free_unpacked(m, &mem.allocator);
    return 0;
}

static void end_ctd_version(struct op *op, int status, const char *text)
{
    op->rt->has_ctd = status == GRPC_OK;
    probed(op->rt, status, text);
}

static int on_cri_version(struct op *op, const uint8_t *p, size_t len)
{
    struct runtime *rt = op->rt;
    struct pb_memory mem;
    Cri__VersionResponse *m;

    pb_memory_init(&mem);
    m = cri__version_response__unpack(&mem.allocator, len, p);
    if (!m)
        return -EINVAL;
    gyr_logf(rt->p->host, GYR_LOG_INFO, "%s: CRI of %.40s %.40s", rt->socket, m->runtime_name,
             m->runtime_version);
    (void)snprintf(rt->type, sizeof(rt->type), "%s", *m->runtime_name ? m->runtime_name : "cri");
    cri__version_response__free_unpacked(m, &mem.allocator);
    return 0;
}

static void cri_answered(struct runtime *rt, int status)
{
    rt->has_cri = status == GRPC_OK;
    rt->cri_refused = status == GRPC_UNIMPLEMENTED;
}

static void end_cri_version(struct op *op, int status, const char *text)
{
    cri_answered(op->rt, status);
    probed(op->rt, status, text);
}

static int ask_cri_version(struct runtime *rt, void (*end)(struct op *op, int, const char *))
{
    static char version[] = "v1";
    Cri__VersionRequest m = CRI__VERSION_REQUEST__INIT;

    m.version = version;
    return runtime_call(rt, (struct op){.message = on_cri_version, .end = end},
                        "/runtime.v1.RuntimeService/Version", -1, &m.base, CALL_MS, false);
}

static int ask_ctd_version(struct runtime *rt, void (*end)(struct op *op, int, const char *))
{
    return runtime_call(rt, (struct op){.message = on_ctd_version, .end = end},
                        "/containerd.services.version.v1.Version/Version", -1, NULL, CALL_MS,
                        false);
}

static void probe(struct runtime *rt)
{
    rt->state = RT_PROBING;
    rt->has_ctd = rt->has_cri = rt->cri_refused = false;
    rt->why[0] = '\0';
    rt->probes = 0;
    rt->probes += ask_ctd_version(rt, end_ctd_version) == 0;
    rt->probes += ask_cri_version(rt, end_cri_version) == 0;
    if (!rt->probes)
        runtime_down(rt, "no call can be made");
}

/* ---- is it alive? ---- */

static void end_alive(struct op *op, int status, const char *text)
{
    if (status != GRPC_OK)
        runtime_down(op->rt, text);
}

/* containerd's CRI may come later than containerd: it is a part of it that starts by itself. */
static void end_late_cri(struct op *op, int status, const char *text)
{
    (void)text;
    cri_answered(op->rt, status);
}

static void look(struct runtime *rt, uint64_t now)
{
    rt->next_ns = now + ALIVE_NS;
    if (rt->has_ctd)
        (void)ask_ctd_version(rt, end_alive);
    if (!rt->has_ctd)
        (void)ask_cri_version(rt, end_alive);
    else if (!rt->has_cri && !rt->cri_refused)
        (void)ask_cri_version(rt, end_late_cri);
}

uint64_t runtime_tick(struct runtime *rt, uint64_t now)
{
    if (rt->state == RT_PROBING) /* its calls have deadlines */
        return UINT64_MAX;
    if (now < rt->next_ns)
        return rt->next_ns;
    if (rt->state == RT_UP)
        look(rt, now);
    else if (access(rt->socket, F_OK) == 0)
        probe(rt);
    else
        rt->next_ns = now + ABSENT_NS;
    return rt->state == RT_PROBING ? UINT64_MAX : rt->next_ns;
}
