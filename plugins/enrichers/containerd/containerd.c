/* SPDX-License-Identifier: Apache-2.0 */
/* The enricher "containerd": names the containers of containerd and of what speaks CRI. */
#include "containerd.h"

#include <errno.h>
#include <gyr/plugin.h>
#include <gyr/util.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const uint64_t MS = 1000000;
enum { WAIT_MAX_MS = 1000 };

static const char *const default_sockets[] = {"/run/containerd/containerd.sock",
                                              "/run/k3s/containerd/containerd.sock",
                                              "/run/crio/crio.sock", NULL};

static const struct gyr_option options[] = {
    {GYR_OPT(
        struct conf, sockets, GYR_O_STRLIST, "sockets", NULL,
        "Unix sockets of containerd, or of a runtime that speaks CRI, below host_root; without "
        "it those of containerd, k3s and CRI-O at their usual places.")},
    {GYR_OPT(struct conf, namespaces, GYR_O_STRLIST, "namespaces", NULL,
             "containerd's namespaces that are looked at; default: all, but for Docker's (moby) "
             "where Docker's socket is.")},
};

/* On the source's thread. */
static void wake(void *runtime)
{
    struct plugin *p = runtime;

    grpc_wake(p->grpc);
}

static const struct ct_runtime_ops runtime_ops = {.wake = wake};

static bool has_docker(const struct gyr_host *host)
{
    static const char *const paths[] = {"/run/docker.sock", "/var/run/docker.sock"};
    char path[4096];

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s%s", host->host_root, paths[i]);
        if (access(path, F_OK) == 0)
            return true;
    }
    return false;
}

static int add_runtimes(struct plugin *p, struct gyr_error *err)
{
    const char *const *list = p->conf->sockets;

    if (!list || !list[0])
        list = default_sockets;

    for (; *list; list++) {
        struct runtime *rt = &p->runtimes[p->n_runtimes];
        int n;

        if (p->n_runtimes == RUNTIMES_MAX)
            return gyr_fail(err, GYR_E_CONF, "'sockets' has more than %d entries", RUNTIMES_MAX);
        n = snprintf(rt->socket, sizeof(rt->socket), "%s%s", p->host->host_root, *list);
        if (n < 0 || (size_t)n >= sizeof(rt->socket))
            return gyr_fail(err, GYR_E_CONF, "'%s' is too long for the name of a socket", *list);
        rt->p = p;
        rt->index = p->n_runtimes++;
    }
    return 0;
}

static void destroy(void *self)
{
    struct plugin *p = containers_runtime(self);

    containers_free(self);
    grpc_free(p->grpc);
    made_free(p->made);
    free(p);
}

static int create(const struct gyr_host *host, const void *cfg, void **ret_self,
                  struct gyr_error *err)
{
    struct plugin *p = calloc(1, sizeof(*p));
    int ret;

    if (!p)
        return gyr_fail(err, -ENOMEM, "no memory");
    p->host = host;
    p->conf = cfg;
    p->made = made_new();
    ret = add_runtimes(p, err);
    if (ret == 0 && !p->made)
        ret = gyr_fail(err, -ENOMEM, "no memory");
    if (ret == 0)
        ret = grpc_new(&p->grpc, err);
    if (ret == 0)
        ret = containers_new(host, &runtime_ops, p, &p->containers, err);
    if (ret < 0) {
        grpc_free(p->grpc);
        made_free(p->made);
        free(p);
        return ret;
    }
    *ret_self = p->containers;
    return 0;
}

static void run(void *arg)
{
    struct plugin *p = arg;

    while (!atomic_load(&p->stopping)) {
        uint64_t now = p->host->now_ns(p->host->ctx), due = now + WAIT_MAX_MS * MS;

        for (uint32_t i = 0; i < p->n_runtimes; i++) {
            uint64_t at = runtime_tick(&p->runtimes[i], now);

            due = at < due ? at : due;
        }
        asks_take(p);
        inquiries_begin(p);
        grpc_run(p->grpc, due > now ? (uint32_t)((due - now) / MS) + 1 : 0);
    }
    for (uint32_t i = 0; i < p->n_runtimes; i++)
        runtime_stop(&p->runtimes[i]);
}

static int start(void *self, struct gyr_error *err)
{
    struct plugin *p = containers_runtime(self);
    int ret;

    containers_start(self);
    if (!p->host->is_live)
        return 0;
    p->leave_moby = has_docker(p->host);
    p->seed = p->host->now_ns(p->host->ctx) | 1;
    atomic_store(&p->stopping, false);
    ret = p->host->thread_start(p->host->ctx, "containerd", run, p, &p->thread);
    return ret < 0 ? gyr_fail(err, ret, "cannot start a thread") : 0;
}

static void stop(void *self)
{
    struct plugin *p = containers_runtime(self);

    atomic_store(&p->stopping, true);
    grpc_wake(p->grpc);
    containers_stop(self);
    if (p->host->is_live)
        (void)p->host->thread_join(p->host->ctx, p->thread);
    p->n_asks = 0;
}

static struct gyr_enricher_ops enricher = {CONTAINERS_ENRICHER_OPS};

static const struct gyr_plugin plugin = {
    GYR_PLUGIN_HEAD,
    .name = "containerd",
    .version = "0.1.0",
    .license = "Apache-2.0",
    .summary = "names the containers of containerd and of runtimes that speak CRI",
    .enricher = &enricher,
    .options = options,
    .n_options = sizeof(options) / sizeof(options[0]),
    .config_size = sizeof(struct conf),
    .create = create,
    .start = start,
    .stop = stop,
    .destroy = destroy,
};

GYR_EXPORT_PLUGIN(plugin)
