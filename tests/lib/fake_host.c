/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_host.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static struct fake_host *host_of(void *ctx)
{
    return ctx;
}

static void fake_log(void *ctx, int32_t level, const char *msg, size_t len)
{
    struct fake_host *h = host_of(ctx);
    int n;

    pthread_mutex_lock(&h->lock);
    n = snprintf(h->log + h->log_len, sizeof(h->log) - h->log_len, "%d %.*s\n", (int)level,
                 (int)len, msg);
    if (n > 0 && (size_t)n < sizeof(h->log) - h->log_len)
        h->log_len += (size_t)n;
    h->log[h->log_len] = 0;
    pthread_mutex_unlock(&h->lock);
}

static uint64_t fake_now_ns(void *ctx)
{
    struct timespec ts;

    (void)ctx;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * UINT64_C(1000000000) + (uint64_t)ts.tv_nsec;
}

static struct fake_metric *metric_find(struct fake_host *h, const char *name)
{
    for (uint32_t i = 0; i < h->n_metrics; i++)
        if (strcmp(h->metrics[i].name, name) == 0)
            return &h->metrics[i];
    return NULL;
}

static int fake_metric_add(void *ctx, const char *name, uint64_t delta)
{
    struct fake_host *h = host_of(ctx);
    struct fake_metric *m;
    int r = 0;

    pthread_mutex_lock(&h->lock);
    m = metric_find(h, name);
    if (!m && h->n_metrics < FAKE_METRICS_MAX) {
        m = &h->metrics[h->n_metrics++];
        m->value = 0;
        (void)snprintf(m->name, sizeof(m->name), "%s", name);
    }
    if (m)
        m->value += delta;
    else
        r = -ENOSPC;
    pthread_mutex_unlock(&h->lock);
    return r;
}

static void *thread_main(void *arg)
{
    struct fake_thread *t = arg;

    t->fn(t->arg);
    return NULL;
}

static int fake_thread_start(void *ctx, const char *name, void (*fn)(void *), void *arg,
                             uint64_t *ret_id)
{
    struct fake_host *h = host_of(ctx);
    int r = -EAGAIN;

    (void)name;
    pthread_mutex_lock(&h->lock);
    for (uint32_t i = 0; i < FAKE_THREADS_MAX; i++) {
        struct fake_thread *t = &h->threads[i];

        if (t->used)
            continue;
        t->fn = fn;
        t->arg = arg;
        if (pthread_create(&t->thread, NULL, thread_main, t) == 0) {
            t->used = true;
            *ret_id = i + 1;
            r = 0;
        }
        break;
    }
    pthread_mutex_unlock(&h->lock);
    return r;
}

static int fake_thread_join(void *ctx, uint64_t id)
{
    struct fake_host *h = host_of(ctx);
    pthread_t thread;
    bool used = false;

    if (id == 0 || id > FAKE_THREADS_MAX)
        return -ESRCH;
    pthread_mutex_lock(&h->lock);
    used = h->threads[id - 1].used;
    thread = h->threads[id - 1].thread;
    h->threads[id - 1].used = false;
    pthread_mutex_unlock(&h->lock);
    if (!used)
        return -ESRCH;
    pthread_join(thread, NULL);
    return 0;
}

static const struct gyr_schema *fake_schema(void *ctx, const char *name)
{
    const struct gyr_schema *const *s = host_of(ctx)->schemas;

    for (; s && *s; s++)
        if (strcmp((*s)->name, name) == 0)
            return *s;
    return NULL;
}

static void *fake_event_alloc(void *ctx, size_t size)
{
    struct fake_host *h = host_of(ctx);
    void *p;

    if (size > FAKE_SCRATCH_SIZE)
        return NULL;
    size = (size + 7) & ~(size_t)7;
    if (size > FAKE_SCRATCH_SIZE - h->scratch_used)
        return NULL;
    p = h->scratch + h->scratch_used;
    h->scratch_used += size;
    return p;
}

static int fake_emit(void *ctx, const struct gyr_event *ev)
{
    struct fake_host *h = host_of(ctx);
    int r = -EAGAIN;

    if (ev->len % 8 || ev->len < sizeof(*ev))
        return -EINVAL;
    pthread_mutex_lock(&h->lock);
    if (ev->len <= sizeof(h->emitted) - h->emitted_len) {
        memcpy(h->emitted + h->emitted_len, ev, ev->len);
        h->emitted_len += ev->len;
        h->n_emitted++;
        r = 0;
    }
    pthread_mutex_unlock(&h->lock);
    return r;
}

static void fake_resolved(void *ctx, uint64_t ticket)
{
    struct fake_host *h = host_of(ctx);

    pthread_mutex_lock(&h->lock);
    if (h->n_resolved < FAKE_ACKS_MAX)
        h->resolved[h->n_resolved++] = ticket;
    pthread_mutex_unlock(&h->lock);
}

static void fake_ack(void *ctx, uint64_t token, uint32_t verdict, uint64_t retry_after_ns)
{
    struct fake_host *h = host_of(ctx);

    pthread_mutex_lock(&h->lock);
    if (h->n_acks < FAKE_ACKS_MAX)
        h->acks[h->n_acks++] = (struct fake_ack){token, retry_after_ns, verdict};
    pthread_mutex_unlock(&h->lock);
}

static int fake_snapshot_thread(void *ctx, int64_t tid)
{
    struct fake_host *h = host_of(ctx);

    if (h->n_asked < FAKE_ACKS_MAX)
        h->asked[h->n_asked++] = tid;
    return 0;
}

static int fake_field_bind(void *ctx, const char *name, uint32_t *ret_handle)
{
    struct fake_host *h = host_of(ctx);

    for (uint32_t i = 0; i < FAKE_PEERS_MAX; i++) {
        if (!h->peers[i].name || strcmp(h->peers[i].name, name) != 0)
            continue;
        *ret_handle = i;
        return 0;
    }
    return -ENOENT;
}

static int fake_field(void *ctx, const struct gyr_event *ev, uint32_t handle, struct gyr_value *ret)
{
    struct fake_host *h = host_of(ctx);

    (void)ev;
    if (handle >= FAKE_PEERS_MAX)
        abort();
    *ret = h->peers[handle].v;
    return h->peers[handle].answer;
}

void fake_host_says(struct fake_host *h, const char *name, const char *text)
{
    for (uint32_t i = 0; i < FAKE_PEERS_MAX; i++) {
        struct fake_peer *p = &h->peers[i];

        if (p->name && strcmp(p->name, name) != 0)
            continue;
        p->name = name;
        p->answer = text ? GYR_PRESENT : GYR_ABSENT;
        p->v = text ? (struct gyr_value){.type = GYR_T_STR, .len = (uint32_t)strlen(text)}
                    : (struct gyr_value){0};
        p->v.u.ptr = text;
        return;
    }
    abort();
}

void fake_host_init(struct fake_host *h)
{
    memset(h, 0, sizeof(*h));
    h->host = (struct gyr_host){
        .size = sizeof(struct gyr_host),
        .abi_major = 0,
        .abi_minor = 1,
        .ctx = h,
        .instance = "test",
        .host_root = "",
        .capability = GYR_CAP_ENRICHER,
        .log = fake_log,
        .now_ns = fake_now_ns,
        .metric_add = fake_metric_add,
        .thread_start = fake_thread_start,
        .thread_join = fake_thread_join,
        .schema = fake_schema,
        .event_alloc = fake_event_alloc,
        .emit = fake_emit,
        .resolved = fake_resolved,
        .ack = fake_ack,
        .snapshot_thread = fake_snapshot_thread,
        .field_bind = fake_field_bind,
        .field = fake_field,
    };
    pthread_mutex_init(&h->lock, NULL);
    h->scratch = malloc(FAKE_SCRATCH_SIZE);
    if (!h->scratch)
        abort();
}

uint32_t fake_host_free(struct fake_host *h)
{
    uint32_t forgotten = 0;

    for (uint32_t i = 0; i < FAKE_THREADS_MAX; i++)
        if (fake_thread_join(h, i + 1) == 0)
            forgotten++;
    pthread_mutex_destroy(&h->lock);
    free(h->scratch);
    return forgotten;
}

void fake_host_event_done(struct fake_host *h)
{
    h->scratch_used = 0;
}

uint64_t fake_host_metric(struct fake_host *h, const char *name)
{
    struct fake_metric *m;
    uint64_t v;

    pthread_mutex_lock(&h->lock);
    m = metric_find(h, name);
    v = m ? m->value : 0;
    pthread_mutex_unlock(&h->lock);
    return v;
}
