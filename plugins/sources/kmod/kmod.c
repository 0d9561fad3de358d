/* SPDX-License-Identifier: Apache-2.0 */
/* The source "kmod": the running machine, by a module in its kernel. */
#include "kmod_device.h"
#include "live/live.h"
#include "live/machine.h"
#include "syscall/syscall.h"

#include <errno.h>
#include <gyr/util.h>
#include <stddef.h>
#include <stdlib.h>

struct config {
    const char *device;
    uint64_t ring_size, state_ring_size, snaplen;
    int64_t cpus_per_ring;
};

static const struct gyr_option options[] = {
    {GYR_OPT(struct config, device, GYR_O_STR, "device", "/dev/gyr", "The module's device.")},
    LIVE_OPTIONS(struct config),
};

struct kmod {
    struct live live; /* first: see live.h */
    const struct gyr_host *host;
    const struct config *cfg;
    struct device device;
};

/* ---- life ---- */

/* The device stays open: to open it takes a capability that is dropped after the start. */
static void kmod_stop(void *self)
{
    struct kmod *s = self;
    struct gyr_error err;

    if (s->device.fd >= 0 && device_want(&s->device, NULL, &err) < 0)
        gyr_logf(s->host, GYR_LOG_WARNING, "%s", err.msg);
    live_stop(&s->live);
}

static void kmod_destroy(void *self)
{
    struct kmod *s = self;

    if (!s)
        return;
    live_stop(&s->live);
    live_free(&s->live);
    device_close(&s->device);
    free(s);
}

static int kmod_create(const struct gyr_host *host, const void *cfg, void **ret_self,
                       struct gyr_error *err)
{
    struct kmod *s = calloc(1, sizeof(*s));
    int r;

    if (!s)
        return gyr_fail(err, -ENOMEM, "no memory");
    s->host = host;
    s->cfg = cfg;
    s->device.fd = -1;
    r = live_init(&s->live, host, err);
    if (r < 0) {
        kmod_destroy(s);
        return r;
    }
    *ret_self = s;
    return 0;
}

static int set_event_flags(void *self, uint32_t flags, struct gyr_error *err)
{
    struct kmod *s = self;

    return device_flags(&s->device, flags, err);
}

static void count(void *self)
{
    struct kmod *s = self;

    device_count(&s->device);
}

static int start_parts(struct kmod *s, struct gyr_error *err)
{
    const struct config *c = s->cfg;
    const struct device_options o = {.ring_bytes = c->ring_size,
                                     .state_ring_bytes = c->state_ring_size,
                                     .cpus_per_ring = (uint32_t)c->cpus_per_ring,
                                     .snaplen = (uint32_t)c->snaplen,
                                     .boot_ns = proc_boot_ns()};
    struct proc_conf pc = {.host_root = s->host->host_root, .boot_ns = o.boot_ns};
    struct live_driver d = {.self = s, .set_event_flags = set_event_flags, .count = count};
    struct proc_snapshot *proc;
    int r = device_open(&s->device, c->device, &o, err);

    if (r < 0)
        return r;
    gyr_logf(s->host, GYR_LOG_INFO,
             "attached to the exit of every system call, by the kernel module %s",
             s->device.version);
    if (live_proc_is_foreign(s->host)) {
        gyr_logf(s->host, GYR_LOG_WARNING,
                 "/proc is not the machine's: of what ran before now nothing is known until it "
                 "starts another program (the source ebpf asks the kernel)");
        pc.teller = &live_nobody;
    }
    r = proc_snapshot_new(&pc, &proc, err);
    if (r < 0)
        return r;
    device_count(&s->device);
    d.counts = s->device.counts;
    d.n_cpus = s->device.n_cpus;
    d.boot_ns = o.boot_ns;
    d.fd = s->device.fd;
    return live_start(&s->live, &d, s->device.rings, s->device.n_rings, proc, err);
}

static int kmod_start(void *self, struct gyr_error *err)
{
    struct kmod *s = self;
    int r = start_parts(s, err);

    if (r < 0)
        kmod_stop(s);
    return r;
}

/* ---- events ---- */

static int kmod_want(void *self, const struct gyr_want *w, struct gyr_error *err)
{
    struct kmod *s = self;
    int r = live_before_want(&s->live, err);

    if (r == 0)
        r = device_want(&s->device, w, err);
    if (r < 0)
        return r;
    gyr_logf(s->host, GYR_LOG_INFO, "%d system calls are traced", r);
    live_after_want(&s->live);
    return 0;
}

_Static_assert(offsetof(struct kmod, live) == 0, "its operations are live's");
static const struct gyr_source_ops source = {
    .size = sizeof(struct gyr_source_ops),
    .flags = GYR_SRC_LIVE,
    .schema = &syscall_schema,
    .next_batch = live_next_batch,
    .wake = live_wake,
    .want = kmod_want,
    .snapshot = live_snapshot,
    .snapshot_thread = live_snapshot_thread,
};

static const struct gyr_plugin plugin = {
    GYR_PLUGIN_HEAD,
    .name = "kmod",
    .version = "0.1.0",
    .license = "Apache-2.0",
    .summary = "what happens on this machine, by a module in its kernel (5.4 and newer)",
    .source = &source,
    .options = options,
    .n_options = sizeof(options) / sizeof(options[0]),
    .config_size = sizeof(struct config),
    .capabilities = "CAP_SYS_PTRACE? CAP_DAC_READ_SEARCH?",
    .create = kmod_create,
    .start = kmod_start,
    .stop = kmod_stop,
    .destroy = kmod_destroy,
};

GYR_EXPORT_PLUGIN(plugin)
