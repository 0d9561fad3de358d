/* SPDX-License-Identifier: Apache-2.0 */
/* The enricher "docker": names of containers from the Engine API, of Docker and of Podman. */
#include "docker.h"

#include <errno.h>
#include <gyr/plugin.h>
#include <stdlib.h>

static const uint64_t NS_S = 1000000000;

static const struct gyr_option options[] = {
    {GYR_OPT(struct dk_config, sockets, GYR_O_STRLIST, "sockets", NULL,
             "Unix sockets of Engine APIs, below host_root; may hold * and ?. Without it those of "
             "Docker and Podman at their usual places, rootless ones too.")},
    {GYR_OPT(struct dk_config, timeout, GYR_O_DURATION, "timeout", "5s",
             "How long one answer may take."),
     .min = 10 * 1000000, .max = INT64_C(300) * 1000000000},
};

uint64_t dk_now(const struct docker *d)
{
    return d->host->now_ns(d->host->ctx);
}

static void wake(void *runtime)
{
    struct docker *d = runtime;

    atomic_store(&d->asked, true);
    if (d->running)
        http_wake(d->http.http);
}

static void thread_main(void *arg)
{
    struct docker *d = arg;

    while (!atomic_load(&d->stopping)) {
        uint64_t a = dk_sockets_tick(d), b = dk_jobs_tick(d), wait = a < b ? a : b;

        http_run(d->http.http, wait < NS_S ? wait : NS_S);
    }
}

/* ---- life ---- */

static const struct ct_runtime_ops runtime_ops = {.wake = wake};

static int docker_create(const struct gyr_host *host, const void *cfg, void **ret_self,
                         struct gyr_error *err)
{
    struct docker *d = calloc(1, sizeof(*d));
    int r;

    if (!d)
        return gyr_fail(err, -ENOMEM, "no memory");
    d->host = host;
    d->cfg = cfg;
    TAILQ_INIT(&d->jobs);
    TAILQ_INIT(&d->under_way);
    atomic_init(&d->stopping, false);
    atomic_init(&d->asked, false);
    r = containers_new(host, &runtime_ops, d, &d->containers, err);
    if (r < 0) {
        free(d);
        return r;
    }
    *ret_self = d->containers;
    return 0;
}

/* A recording tells by itself: nobody is asked. */
static int docker_start(void *self, struct gyr_error *err)
{
    struct docker *d = containers_runtime(self);
    int r;

    containers_start(self);
    if (!d->host->is_live)
        return 0;
    if (dk_http_init(&d->http) < 0)
        return gyr_fail(err, -ENOMEM, "no memory for HTTP");
    d->running = true;
    r = d->host->thread_start(d->host->ctx, "docker", thread_main, d, &d->thread);
    if (r < 0) {
        d->running = false;
        dk_http_free(&d->http);
        return gyr_fail(err, r, "cannot start a thread");
    }
    return 0;
}

static void docker_stop(void *self)
{
    struct docker *d = containers_runtime(self);

    atomic_store(&d->stopping, true);
    containers_stop(self);
    if (!d->running)
        return;
    http_wake(d->http.http);
    (void)d->host->thread_join(d->host->ctx, d->thread);
    d->running = false;
    dk_http_free(&d->http);
}

static void docker_destroy(void *self)
{
    struct docker *d = self ? containers_runtime(self) : NULL;

    if (!d)
        return;
    dk_jobs_free(d);
    containers_free(d->containers);
    free(d);
}

static const struct gyr_enricher_ops enricher = {CONTAINERS_ENRICHER_OPS};

static const struct gyr_plugin plugin = {
    GYR_PLUGIN_HEAD,
    .name = "docker",
    .version = "0.1.0",
    .license = "Apache-2.0",
    .summary = "names, images, mounts and labels of containers, from Docker and Podman",
    .enricher = &enricher,
    .options = options,
    .n_options = sizeof(options) / sizeof(options[0]),
    .config_size = sizeof(struct dk_config),
    .create = docker_create,
    .start = docker_start,
    .stop = docker_stop,
    .destroy = docker_destroy,
};

GYR_EXPORT_PLUGIN(plugin)
