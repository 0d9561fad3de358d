/* SPDX-License-Identifier: Apache-2.0 */
/* The source "ebpf": the running machine, by eBPF programs in its kernel. */
#include "live/live.h"
#include "probe.h"
#include "state.h"
#include "syscall/syscall.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

static const char *const attach_modes[] = {"auto", "fexit", "sys_exit", NULL};
static const char *const snapshot_modes[] = {"auto", "proc", "kernel", NULL};

struct config {
    uint64_t ring_size, state_ring_size, snaplen;
    int64_t attach, cpus_per_ring, snapshot;
};

static const struct gyr_option options[] = {
    {GYR_OPT(struct config, attach, GYR_O_ENUM, "attach", "auto",
             "fexit: to the wanted system calls alone, so that others cost nothing (kernels with "
             "trampolines); sys_exit: to the exit of every call; auto: fexit where it works."),
     .choices = attach_modes},
    LIVE_OPTIONS(struct config),
    {GYR_OPT(struct config, snapshot, GYR_O_ENUM, "snapshot", "auto",
             "Where the state of processes is read, at the start and after losses. proc: /proc; "
             "kernel: by eBPF programs (5.10 and newer); auto: /proc if it shows the machine."),
     .choices = snapshot_modes},
};

struct ebpf {
    struct live live; /* first: see live.h */
    const struct gyr_host *host;
    const struct config *cfg;
    struct probe probe;
    struct snap *snap; /* NULL: /proc tells of processes */
    int epoll_fd;      /* of the rings */
};

/* ---- life ---- */

static void ebpf_stop(void *self)
{
    struct ebpf *s = self;

    live_stop(&s->live);
    probe_unload(&s->probe);
    snap_free(s->snap);
    s->snap = NULL;
    if (s->epoll_fd >= 0)
        (void)close(s->epoll_fd);
    s->epoll_fd = -1;
}

static void ebpf_destroy(void *self)
{
    struct ebpf *s = self;

    if (!s)
        return;
    ebpf_stop(s);
    live_free(&s->live);
    free(s);
}

static int ebpf_create(const struct gyr_host *host, const void *cfg, void **ret_self,
                       struct gyr_error *err)
{
    struct ebpf *s = calloc(1, sizeof(*s));
    int r;

    if (!s)
        return gyr_fail(err, -ENOMEM, "no memory");
    s->host = host;
    s->cfg = cfg;
    s->epoll_fd = -1;
    r = live_init(&s->live, host, err);
    if (r < 0) {
        ebpf_destroy(s);
        return r;
    }
    *ret_self = s;
    return 0;
}

static int watch(struct ebpf *s, struct gyr_error *err)
{
    struct epoll_event e = {.events = EPOLLIN};

    s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (s->epoll_fd < 0)
        return gyr_fail(err, -errno, "cannot wait for events: %s", strerror(errno));
    for (uint32_t i = 0; i < s->probe.n_rings; i++)
        if (epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, s->probe.rings[i].fd, &e) < 0)
            return gyr_fail(err, -errno, "cannot wait for a ring: %s", strerror(errno));
    return 0;
}

static void set_waiting(void *self, bool waits)
{
    struct ebpf *s = self;

    __atomic_store_n(&s->probe.conf->waiting, waits, __ATOMIC_SEQ_CST);
}

static int set_event_flags(void *self, uint32_t flags, struct gyr_error *err)
{
    struct ebpf *s = self;

    (void)err;
    __atomic_store_n(&s->probe.conf->event_flags, flags, __ATOMIC_RELEASE);
    return 0;
}

static void count(void *self)
{
    struct ebpf *s = self;

    probe_count(&s->probe);
}

static int start_parts(struct ebpf *s, struct gyr_error *err)
{
    const struct config *c = s->cfg;
    const struct probe_options o = {.ring_bytes = c->ring_size,
                                    .state_ring_bytes = c->state_ring_size,
                                    .cpus_per_ring = (uint32_t)c->cpus_per_ring,
                                    .snaplen = (uint32_t)c->snaplen,
                                    .attach = (enum attach_mode)c->attach};
    struct live_driver d = {
        .self = s, .waiting = set_waiting, .set_event_flags = set_event_flags, .count = count};
    struct proc_snapshot *proc;
    int r = probe_load(&s->probe, s->host, &o, err);

    if (r == 0)
        r = watch(s, err);
    if (r == 0)
        r = state_new(s->host, (enum snapshot_mode)c->snapshot, s->probe.boot_ns, &s->snap, &proc,
                      err);
    if (r < 0)
        return r;
    probe_count(&s->probe);
    d.counts = s->probe.counts;
    d.n_cpus = s->probe.n_cpus;
    d.boot_ns = s->probe.boot_ns;
    d.fd = s->epoll_fd;
    return live_start(&s->live, &d, s->probe.rings, s->probe.n_rings, proc, err);
}

static int ebpf_start(void *self, struct gyr_error *err)
{
    struct ebpf *s = self;
    int r = start_parts(s, err);

    if (r < 0)
        ebpf_stop(s);
    return r;
}

/* ---- events ---- */

static int ebpf_want(void *self, const struct gyr_want *w, struct gyr_error *err)
{
    struct ebpf *s = self;
    int r = live_before_want(&s->live, err);

    if (r == 0)
        r = probe_want(&s->probe, w, err);
    if (r == 0)
        live_after_want(&s->live);
    return r;
}

_Static_assert(offsetof(struct ebpf, live) == 0, "its operations are live's");
static const struct gyr_source_ops source = {
    .size = sizeof(struct gyr_source_ops),
    .flags = GYR_SRC_LIVE,
    .schema = &syscall_schema,
    .next_batch = live_next_batch,
    .wake = live_wake,
    .want = ebpf_want,
    .snapshot = live_snapshot,
    .snapshot_thread = live_snapshot_thread,
};

static const struct gyr_plugin plugin = {
    GYR_PLUGIN_HEAD,
    .name = "ebpf",
    .version = "0.1.0",
    .license = "Apache-2.0",
    .summary = "what happens on this machine, by eBPF programs in its kernel (5.8 and newer)",
    .source = &source,
    .options = options,
    .n_options = sizeof(options) / sizeof(options[0]),
    .config_size = sizeof(struct config),
    .capabilities = "CAP_BPF CAP_PERFMON CAP_SYS_PTRACE? CAP_DAC_READ_SEARCH?",
    .create = ebpf_create,
    .start = ebpf_start,
    .stop = ebpf_stop,
    .destroy = ebpf_destroy,
};

GYR_EXPORT_PLUGIN(plugin)
