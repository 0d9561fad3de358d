/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file gyr/testing.h
 * @brief A host for unit tests of one plugin: does what the core does, and keeps what the plugin
 * said and did. Not part of the binary contract; header-only.
 *
 * Include it before any other header (it wants POSIX), link with -lpthread. A test includes the
 * plugin's source, fills its configuration struct by hand, and calls it as the core would:
 *
 *     #include <gyr/testing.h>
 *     #include "hello.c"
 *
 *     gyr_fake_host_init(&h, GYR_CAP_OUTPUT);
 *     GYR_CHECK(create(&h.host, &cfg, &self, &err) == 0);
 *     …
 *     return gyr_test_done();
 *
 * The host's calls may come from any thread, as of the real one; the test reads the records when
 * the plugin's threads are quiet. What the test itself does wrong aborts.
 */
#ifndef GYR_TESTING_H
#define GYR_TESTING_H

#if !defined(_GNU_SOURCE) && !defined(_POSIX_C_SOURCE)
#define _POSIX_C_SOURCE 200809L
#endif

#include <gyr/plugin.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    GYR_FAKE_LOG_SIZE = 16384,
    GYR_FAKE_SCRATCH_SIZE = 1 << 20, /**< the core's limit for one event */
    GYR_FAKE_EVENTS_SIZE = 65536,
    GYR_FAKE_ACKS_MAX = 256,
    GYR_FAKE_THREADS_MAX = 16,
    GYR_FAKE_METRICS_MAX = 64,
    GYR_FAKE_PEERS_MAX = 8
};

/** What a plugin told by host->ack(). */
struct gyr_fake_ack {
    uint64_t token, retry_after_ns;
    uint32_t verdict;
};

/** A counter of host->metric_add(). */
struct gyr_fake_metric {
    char name[64];
    uint64_t value;
};

/** A thread of host->thread_start(). */
struct gyr_fake_thread {
    pthread_t thread;
    void (*fn)(void *);
    void *arg;
    int used;
};

/** A field of others, as host->field() answers. */
struct gyr_fake_peer {
    const char *name; /**< set before start(); handles are places in the table */
    int answer;       /**< GYR_* */
    struct gyr_value v;
};

/** The host. */
struct gyr_fake_host {
    struct gyr_host host; /**< what create() gets; members may be changed before */
    const struct gyr_schema *const *schemas; /**< ended by NULL; may be NULL */

    pthread_mutex_t lock;
    char log[GYR_FAKE_LOG_SIZE]; /**< lines "LEVEL text\n", NUL-terminated; what no longer fits is
                                    lost */
    size_t log_len;
    uint32_t n_emitted;
    size_t emitted_len;
    uint64_t resolved[GYR_FAKE_ACKS_MAX];  /**< tickets */
    uint8_t emitted[GYR_FAKE_EVENTS_SIZE]; /**< records one after the other; aligned, because of
                                              what stands before it */
    uint32_t n_resolved;
    int64_t asked[GYR_FAKE_ACKS_MAX]; /**< threads that a snapshot was asked of */
    uint32_t n_asked;
    struct gyr_fake_ack acks[GYR_FAKE_ACKS_MAX];
    uint32_t n_acks;
    struct gyr_fake_metric metrics[GYR_FAKE_METRICS_MAX];
    uint32_t n_metrics;
    struct gyr_fake_thread threads[GYR_FAKE_THREADS_MAX];

    uint8_t *scratch;
    size_t scratch_used;

    struct gyr_fake_peer peers[GYR_FAKE_PEERS_MAX]; /**< absent unless set */
};

/* ---- checks ---- */

/** How many GYR_CHECK() there were, and how many did not hold: of the whole test program. */
static int gyr_test_checks, gyr_test_failures;

static inline void gyr_test_check(int holds, const char *what, const char *file, int line)
{
    gyr_test_checks++;
    if (holds)
        return;
    gyr_test_failures++;
    (void)fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
}

/** Tell what does not hold, and go on. */
#define GYR_CHECK(holds) gyr_test_check(!!(holds), #holds, __FILE__, __LINE__)

/** Sum up. @return the exit status of the test program. */
static inline int gyr_test_done(void)
{
    printf("%d checks, %d failed\n", gyr_test_checks, gyr_test_failures);
    return gyr_test_failures != 0;
}

/* ---- what the host does ---- */

static inline void gyr_fake_log(void *ctx, int32_t level, const char *msg, size_t len)
{
    struct gyr_fake_host *h = (struct gyr_fake_host *)ctx;
    int n;

    pthread_mutex_lock(&h->lock);
    n = snprintf(h->log + h->log_len, sizeof(h->log) - h->log_len, "%d %.*s\n", (int)level,
                 (int)len, msg);
    if (n > 0 && (size_t)n < sizeof(h->log) - h->log_len)
        h->log_len += (size_t)n;
    h->log[h->log_len] = 0;
    pthread_mutex_unlock(&h->lock);
}

static inline uint64_t gyr_fake_now_ns(void *ctx)
{
    struct timespec ts;

    (void)ctx;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static inline struct gyr_fake_metric *gyr_fake_metric_find(struct gyr_fake_host *h,
                                                           const char *name)
{
    uint32_t i;

    for (i = 0; i < h->n_metrics; i++)
        if (strcmp(h->metrics[i].name, name) == 0)
            return &h->metrics[i];
    return NULL;
}

static inline int gyr_fake_metric_add(void *ctx, const char *name, uint64_t delta)
{
    struct gyr_fake_host *h = (struct gyr_fake_host *)ctx;
    struct gyr_fake_metric *m;
    int r = 0;

    pthread_mutex_lock(&h->lock);
    m = gyr_fake_metric_find(h, name);
    if (!m && h->n_metrics < GYR_FAKE_METRICS_MAX) {
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

static inline void *gyr_fake_thread_main(void *arg)
{
    struct gyr_fake_thread *t = (struct gyr_fake_thread *)arg;

    t->fn(t->arg);
    return NULL;
}

static inline int gyr_fake_thread_start(void *ctx, const char *name, void (*fn)(void *), void *arg,
                                        uint64_t *ret_id)
{
    struct gyr_fake_host *h = (struct gyr_fake_host *)ctx;
    int r = -EAGAIN;
    uint32_t i;

    (void)name;
    pthread_mutex_lock(&h->lock);
    for (i = 0; i < GYR_FAKE_THREADS_MAX && h->threads[i].used; i++)
        ;
    if (i < GYR_FAKE_THREADS_MAX) {
        h->threads[i].fn = fn;
        h->threads[i].arg = arg;
        if (pthread_create(&h->threads[i].thread, NULL, gyr_fake_thread_main, &h->threads[i]) ==
            0) {
            h->threads[i].used = 1;
            *ret_id = i + 1;
            r = 0;
        }
    }
    pthread_mutex_unlock(&h->lock);
    return r;
}

static inline int gyr_fake_thread_join(void *ctx, uint64_t id)
{
    struct gyr_fake_host *h = (struct gyr_fake_host *)ctx;
    pthread_t thread;
    int used;

    if (id == 0 || id > GYR_FAKE_THREADS_MAX)
        return -ESRCH;
    pthread_mutex_lock(&h->lock);
    used = h->threads[id - 1].used;
    thread = h->threads[id - 1].thread;
    h->threads[id - 1].used = 0;
    pthread_mutex_unlock(&h->lock);
    if (!used)
        return -ESRCH;
    pthread_join(thread, NULL);
    return 0;
}

static inline const struct gyr_schema *gyr_fake_schema(void *ctx, const char *name)
{
    const struct gyr_schema *const *s = ((struct gyr_fake_host *)ctx)->schemas;

    for (; s && *s; s++)
        if (strcmp((*s)->name, name) == 0)
            return *s;
    return NULL;
}

static inline void *gyr_fake_event_alloc(void *ctx, size_t size)
{
    struct gyr_fake_host *h = (struct gyr_fake_host *)ctx;
    void *p;

    if (size > GYR_FAKE_SCRATCH_SIZE)
        return NULL;
    size = (size + 7) & ~(size_t)7;
    if (size > GYR_FAKE_SCRATCH_SIZE - h->scratch_used)
        return NULL;
    p = h->scratch + h->scratch_used;
    h->scratch_used += size;
    return p;
}

static inline int gyr_fake_emit(void *ctx, const struct gyr_event *ev)
{
    struct gyr_fake_host *h = (struct gyr_fake_host *)ctx;
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

static inline void gyr_fake_resolved(void *ctx, uint64_t ticket)
{
    struct gyr_fake_host *h = (struct gyr_fake_host *)ctx;

    pthread_mutex_lock(&h->lock);
    if (h->n_resolved < GYR_FAKE_ACKS_MAX)
        h->resolved[h->n_resolved++] = ticket;
    pthread_mutex_unlock(&h->lock);
}

static inline void gyr_fake_ack(void *ctx, uint64_t token, uint32_t verdict,
                                uint64_t retry_after_ns)
{
    struct gyr_fake_host *h = (struct gyr_fake_host *)ctx;

    pthread_mutex_lock(&h->lock);
    if (h->n_acks < GYR_FAKE_ACKS_MAX) {
        struct gyr_fake_ack *a = &h->acks[h->n_acks++];

        a->token = token;
        a->verdict = verdict;
        a->retry_after_ns = retry_after_ns;
    }
    pthread_mutex_unlock(&h->lock);
}

static inline int gyr_fake_snapshot(void *ctx)
{
    (void)ctx;
    return -ENOTSUP;
}

static inline int gyr_fake_snapshot_thread(void *ctx, int64_t tid)
{
    struct gyr_fake_host *h = (struct gyr_fake_host *)ctx;

    if (h->n_asked < GYR_FAKE_ACKS_MAX)
        h->asked[h->n_asked++] = tid;
    return 0;
}

static inline int gyr_fake_field_bind(void *ctx, const char *name, uint32_t *ret_handle)
{
    struct gyr_fake_host *h = (struct gyr_fake_host *)ctx;
    uint32_t i;

    for (i = 0; i < GYR_FAKE_PEERS_MAX; i++) {
        if (!h->peers[i].name || strcmp(h->peers[i].name, name) != 0)
            continue;
        *ret_handle = i;
        return 0;
    }
    return -ENOENT;
}

static inline int gyr_fake_field(void *ctx, const struct gyr_event *ev, uint32_t handle,
                                 struct gyr_value *ret)
{
    struct gyr_fake_host *h = (struct gyr_fake_host *)ctx;

    (void)ev;
    if (handle >= GYR_FAKE_PEERS_MAX)
        abort();
    *ret = h->peers[handle].v;
    return h->peers[handle].answer;
}

/* ---- what a test does ---- */

/** A host for an instance of that capability (GYR_CAP_*), of a recording (set h->host.is_live for
 *  the machine as it is). Aborts without memory. */
static inline void gyr_fake_host_init(struct gyr_fake_host *h, uint32_t capability)
{
    memset(h, 0, sizeof(*h));
    h->host.size = (uint32_t)sizeof(struct gyr_host);
    h->host.abi_major = GYR_ABI_MAJOR;
    h->host.abi_minor = GYR_ABI_MINOR;
    h->host.ctx = h;
    h->host.instance = "test";
    h->host.host_root = "";
    h->host.capability = capability;
    h->host.log = gyr_fake_log;
    h->host.now_ns = gyr_fake_now_ns;
    h->host.metric_add = gyr_fake_metric_add;
    h->host.thread_start = gyr_fake_thread_start;
    h->host.thread_join = gyr_fake_thread_join;
    h->host.schema = gyr_fake_schema;
    h->host.event_alloc = gyr_fake_event_alloc;
    h->host.emit = gyr_fake_emit;
    h->host.resolved = gyr_fake_resolved;
    h->host.ack = gyr_fake_ack;
    h->host.snapshot = gyr_fake_snapshot;
    h->host.snapshot_thread = gyr_fake_snapshot_thread;
    h->host.field_bind = gyr_fake_field_bind;
    h->host.field = gyr_fake_field;
    pthread_mutex_init(&h->lock, NULL);
    h->scratch = (uint8_t *)malloc(GYR_FAKE_SCRATCH_SIZE);
    if (!h->scratch)
        abort();
}

/** Joins the threads the plugin forgot. @return how many those were: 0 is right. */
static inline uint32_t gyr_fake_host_free(struct gyr_fake_host *h)
{
    uint32_t forgotten = 0, i;

    for (i = 0; i < GYR_FAKE_THREADS_MAX; i++)
        if (gyr_fake_thread_join(h, i + 1) == 0)
            forgotten++;
    pthread_mutex_destroy(&h->lock);
    free(h->scratch);
    return forgotten;
}

/** The event is done: what event_alloc() gave is gone. */
static inline void gyr_fake_host_event_done(struct gyr_fake_host *h)
{
    h->scratch_used = 0;
}

/** What field() says from now on of a field of others. @param text NULL: absent. */
static inline void gyr_fake_host_says(struct gyr_fake_host *h, const char *name, const char *text)
{
    uint32_t i;

    for (i = 0; i < GYR_FAKE_PEERS_MAX; i++) {
        struct gyr_fake_peer *p = &h->peers[i];

        if (p->name && strcmp(p->name, name) != 0)
            continue;
        memset(p, 0, sizeof(*p));
        p->name = name;
        p->answer = text ? GYR_PRESENT : GYR_ABSENT;
        if (text) {
            p->v.type = GYR_T_STR;
            p->v.len = (uint32_t)strlen(text);
            p->v.u.ptr = text;
        }
        return;
    }
    abort();
}

/** A metric's value; 0 when it was never added to. */
static inline uint64_t gyr_fake_host_metric(struct gyr_fake_host *h, const char *name)
{
    struct gyr_fake_metric *m;
    uint64_t v;

    pthread_mutex_lock(&h->lock);
    m = gyr_fake_metric_find(h, name);
    v = m ? m->value : 0;
    pthread_mutex_unlock(&h->lock);
    return v;
}

/** An alert as the core would offer it; its strings are the caller's, uuid and json are made of
 *  @p rule (which therefore needs no quoting), and so small that they live in static memory until
 *  the next call. More members may be set afterwards. */
static inline struct gyr_alert gyr_fake_alert(const char *rule, const char *text)
{
    static char json[1024], uuid[64];
    static uint64_t token;
    struct gyr_alert a;
    int n;

    memset(&a, 0, sizeof(a));
    token++;
    (void)snprintf(uuid, sizeof(uuid), "00000000-0000-4000-8000-%012llx",
                   (unsigned long long)token);
    n = snprintf(json, sizeof(json), "{\"uuid\":\"%s\",\"rule\":\"%.900s\"}", uuid, rule);
    a.size = (uint32_t)sizeof(a);
    a.priority = GYR_PRIO_WARNING;
    a.token = token;
    a.ts_ns = 1700000000000000000u;
    a.num = token;
    a.tid = 1;
    a.uuid = uuid;
    a.rule = rule;
    a.source = "test";
    a.hostname = "host";
    a.text = text;
    a.text_len = (uint32_t)strlen(text);
    a.json = json;
    a.json_len = n > 0 ? (uint32_t)n : 0;
    a.attempt = 1;
    return a;
}

#endif /* GYR_TESTING_H */
