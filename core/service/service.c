/* SPDX-License-Identifier: Apache-2.0 */
#include "service/service.h"

#include "base/log.h"
#include "service/figures.h"
#include "service/http.h"
#include "service/local.h"
#include "service/notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

static const uint64_t STATUS_EVERY_NS = 10000000000;

struct service {
    const struct config *config;
    struct pipeline *pipeline; /* valid within a tick */
    struct http *http;         /* NULL: none */
    struct local *local;       /* NULL: none */
    struct notify notify;
    int epoll_fd; /* of both */
    uint64_t started_ns, pet_ns, status_ns;
    bool stopping, told_ready, told_stopping;
};

static uint64_t now_epoch_ns(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_REALTIME, &ts);
    return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* ---- what others ask ---- */

static void look(const struct service *s, struct health *h)
{
    health_look(s->pipeline, s->config->stuck_after_ns, s->stopping, h);
}

static void tell(const struct service *s, struct buf *b,
                 void (*write)(struct buf *b, const struct figures *r))
{
    struct figures r = {.pipeline = s->pipeline,
                        .config_path = s->config->path,
                        .stopping = s->stopping,
                        .started_ns = s->started_ns};

    look(s, &r.health);
    if (figures_gather(&r) < 0) {
        b->failed = true;
        return;
    }
    write(b, &r);
    figures_free(&r);
}

static void tell_metrics(void *ctx, struct buf *b)
{
    tell(ctx, b, metrics_write);
}

static void tell_status(void *ctx, struct buf *b)
{
    tell(ctx, b, status_write);
}

static void add_why(struct buf *b, const struct health *h)
{
    buf_addf(b, "%s\n", h->why[0] ? h->why : "ok");
}

static bool is_healthy(void *ctx, struct buf *b)
{
    struct health h;

    look(ctx, &h);
    add_why(b, &h);
    return h.alive;
}

static bool is_ready(void *ctx, struct buf *b)
{
    struct health h;

    look(ctx, &h);
    add_why(b, &h);
    return h.ready;
}

/* ---- what the service manager hears ---- */

static void tell_in_words(const struct service *s, const struct health *h, const char *before)
{
    uint64_t events = 0, alerts = 0, lost = 0;
    struct reload_stats reloads;

    if (s->notify.fd < 0)
        return;
    for (uint32_t i = 0; i < pipeline_n_sources(s->pipeline); i++) {
        struct source_info info;

        pipeline_source(s->pipeline, i, &info);
        events += info.stats.events;
        alerts += info.stats.alerts;
        lost += info.stats.lost;
    }
    pipeline_reloads(s->pipeline, &reloads);
    notify_send(&s->notify,
                "%sSTATUS=%s%sgeneration %u, %" PRIu64 " events, %" PRIu64 " alert%s, %" PRIu64
                " events lost",
                before, h->why, h->why[0] ? "; " : "", reloads.generation, events, alerts,
                alerts == 1 ? "" : "s", lost);
}

/* @return nanoseconds until it is due again. */
static uint64_t is_due(uint64_t now, uint64_t every, uint64_t *last, bool *ret)
{
    *ret = now - *last >= every;
    if (*ret)
        *last = now;
    return every - (now - *last);
}

static uint64_t tell_manager(struct service *s)
{
    uint64_t now = clock_ns(), next = UINT64_MAX, left, every = s->notify.watchdog_ns / 4;
    struct health h;
    bool due;

    if (s->notify.fd < 0)
        return UINT64_MAX;
    look(s, &h);
    if (s->stopping && !s->told_stopping) {
        s->told_stopping = true;
        notify_send(&s->notify, "STOPPING=1\nSTATUS=delivering what is queued");
    } else if (h.ready && !s->told_ready) {
        s->told_ready = true;
        s->status_ns = now;
        tell_in_words(s, &h, "READY=1\n");
    }
    if (s->notify.watchdog_ns) {
        next = is_due(now, every, &s->pet_ns, &due);
        if (due && h.alive)
            notify_send(&s->notify, "WATCHDOG=1");
    }
    left = is_due(now, STATUS_EVERY_NS, &s->status_ns, &due);
    if (due && !s->stopping)
        tell_in_words(s, &h, "");
    return left < next ? left : next;
}

void service_reloading(struct service *s)
{
    struct timespec ts;

    if (!s || !s->told_ready)
        return;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    notify_send(&s->notify, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\nSTATUS=loading anew",
                (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000);
    s->told_ready = false;
}

/* ---- life ---- */

uint64_t service_tick(struct service *s, struct pipeline *p, bool stopping)
{
    uint64_t next, t;

    if (!s)
        return UINT64_MAX;
    s->pipeline = p;
    s->stopping = stopping;
    next = tell_manager(s);
    t = s->http ? http_tick(s->http) : UINT64_MAX;
    next = t < next ? t : next;
    t = s->local ? local_tick(s->local) : UINT64_MAX;
    return t < next ? t : next;
}

int service_fd(const struct service *s)
{
    return s ? s->epoll_fd : -1;
}

static int watch(struct service *s, int fd, struct gyr_error *err)
{
    struct epoll_event want = {.events = EPOLLIN};

    if (epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &want) < 0)
        return gyr_fail(err, -errno, "epoll: %s", strerror(errno));
    return 0;
}

/* One that the configuration does not name is a convenience: without it we run, too. */
static int open_local(struct service *s, struct gyr_error *err)
{
    int r;

    if (!s->config->status_socket)
        return 0;
    r = local_open(s->config->status_socket, tell_status, s, &s->local, err);
    if (r < 0 && !s->config->status_socket_named) {
        log_info(NULL, "no status socket: %s", err->msg);
        return 0;
    }
    return r < 0 ? r : watch(s, local_fd(s->local), err);
}

static int open_http(struct service *s, struct gyr_error *err)
{
    struct http_conf conf = {.listen = s->config->http_listen,
                             .ctx = s,
                             .metrics = tell_metrics,
                             .healthy = is_healthy,
                             .ready = is_ready};
    int r;

    if (!s->config->http_listen)
        return 0;
    r = http_open(&conf, &s->http, err);
    return r < 0 ? r : watch(s, http_fd(s->http), err);
}

int service_open(const struct config *c, struct service **ret, struct gyr_error *err)
{
    struct service *s = calloc(1, sizeof(*s));
    int r;

    if (!s)
        return gyr_fail(err, -ENOMEM, "no memory");
    s->config = c;
    s->started_ns = now_epoch_ns();
    notify_open(&s->notify);
    s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    r = s->epoll_fd < 0 ? gyr_fail(err, -errno, "epoll: %s", strerror(errno)) : 0;
    if (r == 0)
        r = open_http(s, err);
    if (r == 0)
        r = open_local(s, err);
    if (r < 0)
        service_close(s);
    else
        *ret = s;
    return r;
}

void service_close(struct service *s)
{
    if (!s)
        return;
    http_close(s->http);
    local_close(s->local);
    notify_close(&s->notify);
    if (s->epoll_fd >= 0)
        (void)close(s->epoll_fd);
    free(s);
}
