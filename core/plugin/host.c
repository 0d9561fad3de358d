/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crash.h"
#include "base/log.h"
#include "base/privilege.h"
#include "plugin/instance_priv.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static uint64_t monotonic_ns(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * UINT64_C(1000000000) + (uint64_t)ts.tv_nsec;
}

static uint64_t host_now_ns(void *ctx)
{
    (void)ctx;
    return monotonic_ns();
}

/* ---- log ---- */

/* A token bucket. @return false: not now; else how many lines were left out before this one. */
static bool log_allowed(struct instance_private *p, uint64_t *ret_dropped)
{
    const uint64_t per_line = 1000, full = LOG_BURST * per_line;
    uint64_t now = monotonic_ns(), gained = (now - p->log_refill_ns) / 1000000 * LOG_PER_S;
    bool yes;

    if (gained) {
        p->log_tokens = p->log_tokens + gained < full ? p->log_tokens + gained : full;
        p->log_refill_ns = now;
    }
    yes = p->log_tokens >= per_line;
    if (yes) {
        p->log_tokens -= per_line;
        *ret_dropped = p->log_dropped;
        p->log_dropped = 0;
    } else {
        p->log_dropped++;
    }
    return yes;
}

static void host_log(void *ctx, int32_t level, const char *msg, size_t len)
{
    struct instance_private *p = ((struct instance *)ctx)->priv;
    uint64_t dropped = 0;
    bool yes;

    if (level < GYR_LOG_ERROR)
        level = GYR_LOG_ERROR;
    if (level > log_level())
        return;
    (void)pthread_mutex_lock(&p->lock);
    yes = log_allowed(p, &dropped);
    (void)pthread_mutex_unlock(&p->lock);
    if (!yes)
        return;
    if (dropped)
        log_msg(LOG_L_WARNING, p->area, "%" PRIu64 " messages were left out", dropped);
    log_msg(level, p->area, "%.*s", (int)(len < 1200 ? len : 1200), msg);
}

/* ---- metrics ---- */

static int host_metric_add(void *ctx, const char *name, uint64_t delta)
{
    struct instance_private *p = ((struct instance *)ctx)->priv;
    size_t len = name ? strnlen(name, METRIC_NAME_MAX) : 0;
    uint32_t i;
    int r = 0;

    if (len == 0 || len == METRIC_NAME_MAX)
        return -EINVAL;
    (void)pthread_mutex_lock(&p->lock);
    for (i = 0; i < p->n_metrics; i++)
        if (strcmp(p->metric_names[i], name) == 0)
            break;
    if (i == METRICS_MAX) {
        r = -ENOSPC;
    } else {
        if (i == p->n_metrics) {
            memcpy(p->metric_names[i], name, len + 1);
            p->metric_ptrs[i] = p->metric_names[i];
            p->n_metrics++;
        }
        p->metrics[i] += delta;
    }
    (void)pthread_mutex_unlock(&p->lock);
    return r;
}

uint32_t instance_metrics(struct instance *i, const char *const **names, const uint64_t **values)
{
    struct instance_private *p = i->priv;
    uint32_t n;

    (void)pthread_mutex_lock(&p->lock);
    n = p->n_metrics;
    memcpy(p->metrics_shown, p->metrics, n * sizeof(p->metrics[0]));
    (void)pthread_mutex_unlock(&p->lock);
    *names = p->metric_ptrs;
    *values = p->metrics_shown;
    return n;
}

/* ---- threads ---- */

/* Threads of all instances, while they run: who starts one by itself is told from them. */
enum { TIDS_MAX = 1024 };
static pthread_mutex_t tids_lock = PTHREAD_MUTEX_INITIALIZER;
static pid_t tids[TIDS_MAX];
static uint32_t n_tids;

static void note_tid(pid_t tid, bool runs)
{
    (void)pthread_mutex_lock(&tids_lock);
    if (runs && n_tids < TIDS_MAX)
        tids[n_tids++] = tid;
    for (uint32_t i = 0; !runs && i < n_tids; i++)
        if (tids[i] == tid) {
            tids[i] = tids[--n_tids];
            break;
        }
    (void)pthread_mutex_unlock(&tids_lock);
}

static void *thread_main(void *arg)
{
    struct host_thread *t = arg;
    pid_t tid = gettid();

    note_tid(tid, true);
    (void)pthread_setname_np(pthread_self(), t->name);
    (void)privilege_enter_thread(); /* what fails there fails for the main thread too */
    (void)sem_post(&t->entered);
    t->fn(t->arg);
    note_tid(tid, false);
    atomic_store(&t->done, true);
    return NULL;
}

/* Signals are the main thread's: one that lands elsewhere would kill the shutdown. */
static int start_masked(struct host_thread *t)
{
    sigset_t all, old;
    int r;

    (void)sem_init(&t->entered, 0, 0);
    crash_block_others(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &old);
    r = pthread_create(&t->thread, NULL, thread_main, t);
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    while (r == 0 && sem_wait(&t->entered) < 0)
        ; /* a signal */
    (void)sem_destroy(&t->entered);
    return r ? -EAGAIN : 0;
}

static int host_thread_start(void *ctx, const char *name, void (*fn)(void *), void *arg,
                             uint64_t *ret_id)
{
    struct instance_private *p = ((struct instance *)ctx)->priv;
    size_t len = name ? strnlen(name, THREAD_NAME_MAX) : 0;
    struct host_thread *t = NULL;
    int r = -EAGAIN;

    if (len == 0 || len == THREAD_NAME_MAX || !fn || !ret_id)
        return -EINVAL;
    (void)pthread_mutex_lock(&p->lock);
    for (uint32_t i = 0; i < THREADS_MAX && !t; i++)
        if (!p->threads[i].used)
            t = &p->threads[i];
    if (t) {
        t->fn = fn;
        t->arg = arg;
        t->joining = false;
        atomic_store(&t->done, false);
        memcpy(t->name, name, len + 1);
        r = start_masked(t);
        if (r == 0) {
            t->used = true;
            t->id = *ret_id = ++p->next_thread;
        }
    }
    (void)pthread_mutex_unlock(&p->lock);
    return r;
}

static int host_thread_join(void *ctx, uint64_t id)
{
    struct instance_private *p = ((struct instance *)ctx)->priv;
    struct host_thread *t = NULL;

    (void)pthread_mutex_lock(&p->lock);
    for (uint32_t i = 0; i < THREADS_MAX && !t; i++)
        if (p->threads[i].used && !p->threads[i].joining && p->threads[i].id == id)
            t = &p->threads[i];
    if (t && !pthread_equal(t->thread, pthread_self()))
        t->joining = true;
    else
        t = NULL;
    (void)pthread_mutex_unlock(&p->lock);
    if (!t)
        return -ESRCH;
    (void)pthread_join(t->thread, NULL);
    (void)pthread_mutex_lock(&p->lock);
    t->used = false;
    (void)pthread_mutex_unlock(&p->lock);
    return 0;
}

uint32_t host_threads(pid_t *list, uint32_t max)
{
    uint32_t n;

    (void)pthread_mutex_lock(&tids_lock);
    n = n_tids < max ? n_tids : max;
    memcpy(list, tids, n * sizeof(*list));
    (void)pthread_mutex_unlock(&tids_lock);
    return n;
}

bool host_threads_gone(struct instance *i)
{
    struct instance_private *p = i->priv;
    bool gone = true;

    for (uint32_t k = 0; k < THREADS_MAX; k++) {
        struct host_thread *t = &p->threads[k];
        bool done;

        (void)pthread_mutex_lock(&p->lock);
        done = !t->used;
        (void)pthread_mutex_unlock(&p->lock);
        if (done)
            continue;
        done = atomic_load(&t->done);
        log_error(p->area, "destroy() has not joined its thread '%s'%s", t->name,
                  done ? "" : ", which still runs");
        if (done)
            (void)host_thread_join(i, t->id);
        gone = gone && done;
    }
    return gone;
}

/* ---- the stream ---- */

static const struct gyr_schema *host_schema(void *ctx, const char *name)
{
    const struct instance_private *p = ((struct instance *)ctx)->priv;
    const struct schema *s = p->schemas && name ? schemas_find(p->schemas, name) : NULL;

    return s ? &s->def : NULL;
}

static void *host_event_alloc(void *ctx, size_t size)
{
    const struct host_hooks *h = &((struct instance *)ctx)->priv->hooks;

    return h->event_alloc ? h->event_alloc(h->ctx, size) : NULL;
}

static int host_emit(void *ctx, const struct gyr_event *ev)
{
    const struct host_hooks *h = &((struct instance *)ctx)->priv->hooks;

    return h->emit ? h->emit(h->ctx, ev) : -ENOTSUP;
}

static void host_resolved(void *ctx, uint64_t ticket)
{
    const struct host_hooks *h = &((struct instance *)ctx)->priv->hooks;

    if (h->resolved)
        h->resolved(h->ctx, ticket);
}

static void host_ack(void *ctx, uint64_t token, uint32_t verdict, uint64_t retry_after_ns)
{
    const struct host_hooks *h = &((struct instance *)ctx)->priv->hooks;

    if (h->ack)
        h->ack(h->ctx, token, verdict, retry_after_ns);
}

static int host_snapshot(void *ctx)
{
    const struct host_hooks *h = &((struct instance *)ctx)->priv->hooks;

    return h->snapshot ? h->snapshot(h->ctx) : -ENOTSUP;
}

static int host_snapshot_thread(void *ctx, int64_t tid)
{
    const struct host_hooks *h = &((struct instance *)ctx)->priv->hooks;

    return h->snapshot_thread ? h->snapshot_thread(h->ctx, tid) : -ENOTSUP;
}

static int host_field_bind(void *ctx, const char *name, uint32_t *ret_handle)
{
    const struct host_hooks *h = &((struct instance *)ctx)->priv->hooks;

    if (!name || !ret_handle)
        return -EINVAL;
    return h->field_bind ? h->field_bind(h->ctx, name, ret_handle) : -ENOTSUP;
}

static int host_field(void *ctx, const struct gyr_event *ev, uint32_t handle, struct gyr_value *ret)
{
    const struct host_hooks *h = &((struct instance *)ctx)->priv->hooks;

    return h->field ? h->field(h->ctx, ev, handle, ret) : GYR_ABSENT;
}

void host_init(struct instance *i, const struct instance_conf *conf)
{
    i->priv->log_tokens = LOG_BURST * UINT64_C(1000);
    i->priv->log_refill_ns = monotonic_ns();
    i->host = (struct gyr_host){
        .size = sizeof(i->host),
        .abi_major = GYR_ABI_MAJOR,
        .abi_minor = GYR_ABI_MINOR,
        .ctx = i,
        .instance = i->name,
        .host_root = conf->host_root ? conf->host_root : "",
        .capability = conf->capability,
        .is_live = conf->is_live,
        .log = host_log,
        .now_ns = host_now_ns,
        .metric_add = host_metric_add,
        .thread_start = host_thread_start,
        .thread_join = host_thread_join,
        .schema = host_schema,
        .event_alloc = host_event_alloc,
        .emit = host_emit,
        .resolved = host_resolved,
        .ack = host_ack,
        .snapshot = host_snapshot,
        .snapshot_thread = host_snapshot_thread,
        .field_bind = host_field_bind,
        .field = host_field,
    };
}
