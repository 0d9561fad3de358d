/* SPDX-License-Identifier: Apache-2.0 */
/* The source "ebpf": the running machine, by eBPF programs in its kernel. */
#include "loss.h"
#include "probe.h"
#include "state.h"
#include "syscall/syscall.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define NSEC_PER_SEC UINT64_C(1000000000)

enum {
    SLACK_NS = 1000000, /* longest time from an event's clock to the end of its writing, in the
                           order of which we believe */
    NAP_MS = 5,         /* between two looks at rings that are in use */
    NAPS_MAX = 20,      /* so many without an event: sleep until woken */
    SLEEP_MAX_MS = 250, /* a wake-up may be missed */
    LOSS_EVERY_NS = 200000000,
    HEAL_STATE_NS = 2000000000, /* between two snapshots after losses */
    ASKED_MAX = 64,             /* threads that wait to be told of */
    ASKED_EVERY_NS = 10000000,  /* at most a hundred in a second */
};
static const uint64_t HEAL_OTHER_NS = 30 * NSEC_PER_SEC;

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
    {GYR_OPT(struct config, ring_size, GYR_O_SIZE, "ring_size", "8M",
             "Bytes of each ring for events of files and the network."),
     .min = 64 << 10, .max = 1 << 30},
    {GYR_OPT(struct config, state_ring_size, GYR_O_SIZE, "state_ring_size", "4M",
             "Bytes of each ring for what processes do: exec, clone, exit, changes of user."),
     .min = 64 << 10, .max = 1 << 30},
    {GYR_OPT(struct config, cpus_per_ring, GYR_O_INT, "cpus_per_ring", "0",
             "CPUs that share a pair of rings; 0: as many as make at most 16 pairs."),
     .max = PROBE_CPUS},
    {GYR_OPT(struct config, snaplen, GYR_O_SIZE, "snaplen", "80",
             "Bytes of read, written, sent and received data that events show."),
     .max = PROBE_DATA_MAX},
    {GYR_OPT(struct config, snapshot, GYR_O_ENUM, "snapshot", "auto",
             "Where the state of processes is read, at the start and after losses. proc: /proc; "
             "kernel: by eBPF programs (5.10 and newer); auto: /proc if it shows the machine."),
     .choices = snapshot_modes},
};

struct ebpf {
    const struct gyr_host *host;
    const struct config *cfg;
    struct probe probe;
    struct rings rings;
    struct proc_snapshot *proc;
    struct snap *snap;       /* NULL: /proc tells of processes */
    struct scap_batch batch; /* of snapshot records */
    bool in_snapshot, begun;
    int64_t asked[ASKED_MAX]; /* threads to be told of */
    uint32_t n_asked;
    uint64_t told_ns; /* when one was last told of */
    int wake_fd, epoll_fd;
    uint32_t naps;
    uint64_t loss_ns, healed_ns; /* when losses were last looked at, state last healed */
    bool heal_state, heal_other; /* what was lost since */
    struct losses losses;
};

static uint64_t boot_ns(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_BOOTTIME, &ts);
    return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

/* ---- life ---- */

static void ebpf_stop(void *self)
{
    struct ebpf *s = self;

    rings_free(&s->rings);
    probe_unload(&s->probe);
    proc_snapshot_free(s->proc);
    s->proc = NULL;
    snap_free(s->snap);
    s->snap = NULL;
    losses_free(&s->losses);
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
    scap_batch_free(&s->batch);
    if (s->wake_fd >= 0)
        (void)close(s->wake_fd);
    free(s);
}

static int ebpf_create(const struct gyr_host *host, const void *cfg, void **ret_self,
                       struct gyr_error *err)
{
    struct ebpf *s = calloc(1, sizeof(*s));

    if (!s)
        return gyr_fail(err, -ENOMEM, "no memory");
    s->host = host;
    s->cfg = cfg;
    s->epoll_fd = -1;
    s->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (s->wake_fd < 0) {
        int r = gyr_fail(err, -errno, "cannot make an eventfd: %s", strerror(errno));

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
    if (s->epoll_fd < 0 || epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, s->wake_fd, &e) < 0)
        return gyr_fail(err, -errno, "cannot wait for events: %s", strerror(errno));
    for (uint32_t i = 0; i < s->probe.n_rings; i++)
        if (epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, s->probe.ring_fds[i], &e) < 0)
            return gyr_fail(err, -errno, "cannot wait for a ring: %s", strerror(errno));
    return 0;
}

static int start_parts(struct ebpf *s, struct gyr_error *err)
{
    const struct config *c = s->cfg;
    const struct probe_options o = {.ring_bytes = c->ring_size,
                                    .state_ring_bytes = c->state_ring_size,
                                    .cpus_per_ring = (uint32_t)c->cpus_per_ring,
                                    .snaplen = (uint32_t)c->snaplen,
                                    .attach = (enum attach_mode)c->attach};
    int r = probe_load(&s->probe, s->host, &o, err);

    if (r == 0)
        r = rings_init(&s->rings, s->probe.ring_fds, s->probe.ring_sizes, s->probe.n_rings, err);
    if (r == 0)
        r = watch(s, err);
    if (r < 0)
        return r;
    r = losses_init(&s->losses, s->probe.counts, s->probe.n_cpus, err);
    if (r == 0)
        r = state_new(s->host, (enum snapshot_mode)c->snapshot, s->probe.boot_ns, &s->snap,
                      &s->proc, err);
    return r;
}

static int ebpf_start(void *self, struct gyr_error *err)
{
    struct ebpf *s = self;
    int r = start_parts(s, err);

    if (r < 0) {
        ebpf_stop(s);
        return r;
    }
    s->begun = s->in_snapshot = s->heal_state = s->heal_other = false;
    s->naps = s->n_asked = 0;
    s->loss_ns = s->healed_ns = 0;
    return 0;
}

static void ebpf_wake(void *self)
{
    struct ebpf *s = self;
    uint64_t one = 1;
    ssize_t n = write(s->wake_fd, &one, sizeof(one));

    (void)n; /* a full counter is awake enough */
}

/* Tracing begins before the snapshot does. What happens meanwhile waits in the rings, and only
 * builds state: the first event that rules see comes when all of it is known. */
static int ebpf_want(void *self, const struct gyr_want *w, struct gyr_error *err)
{
    struct ebpf *s = self;
    int r;

    if (!s->begun)
        s->probe.conf->event_flags = GYR_EVF_SNAPSHOT;
    r = probe_want(&s->probe, w, err);
    if (r == 0 && !s->begun)
        s->begun = s->in_snapshot = true;
    return r;
}

static int ebpf_snapshot(void *self)
{
    struct ebpf *s = self;

    proc_snapshot_begin(s->proc);
    s->in_snapshot = true;
    return 0;
}

/* A thread that nobody knows: what made it was lost. */
static int ebpf_snapshot_thread(void *self, int64_t tid)
{
    struct ebpf *s = self;

    for (uint32_t i = 0; i < s->n_asked; i++)
        if (s->asked[i] == tid)
            return 0;
    if (s->n_asked == ASKED_MAX)
        return -EAGAIN;
    s->asked[s->n_asked++] = tid;
    return 0;
}

/* One of them at a time. */
static void tell_asked(struct ebpf *s, uint64_t now)
{
    if (!s->n_asked || s->in_snapshot || now - s->told_ns < ASKED_EVERY_NS)
        return;
    s->told_ns = now;
    proc_snapshot_thread(s->proc, s->asked[--s->n_asked]);
    s->in_snapshot = true;
    (void)s->host->metric_add(s->host->ctx, "threads_asked_for", 1);
}

/* ---- losses ---- */

static void take_losses(struct ebpf *s, struct gyr_batch *b, uint64_t now)
{
    uint32_t classes;

    if (now - s->loss_ns < LOSS_EVERY_NS)
        return;
    s->loss_ns = now;
    classes = losses_take(&s->losses, b, now + s->probe.boot_ns);
    s->heal_state |= classes >> PROBE_STATE & 1;
    s->heal_other |= classes >> PROBE_OTHER & 1;
}

/* State that events were lost for is read anew. */
static void heal(struct ebpf *s, uint64_t now)
{
    uint64_t since = now - s->healed_ns;

    if (!(s->heal_state && since > HEAL_STATE_NS) && !(s->heal_other && since > HEAL_OTHER_NS))
        return;
    s->heal_state = s->heal_other = false;
    s->n_asked = 0;
    s->healed_ns = now;
    (void)ebpf_snapshot(s);
    (void)s->host->metric_add(s->host->ctx, "snapshots_after_loss", 1);
}

/* ---- events ---- */

static int take_snapshot(struct ebpf *s, struct gyr_batch *b, struct gyr_error *err)
{
    s->batch.used = 0;
    while (b->n < b->cap) {
        const struct gyr_event *ev;
        int r = proc_snapshot_next(s->proc, &s->batch, &ev, err);

        if (r == -ENOBUFS)
            return 0;
        if (r < 0)
            return r;
        if (r == 0) {
            s->in_snapshot = false;
            __atomic_store_n(&s->probe.conf->event_flags, 0, __ATOMIC_RELEASE);
            proc_snapshot_tell(s->proc, s->host);
            return 0;
        }
        b->ev[b->n++] = ev;
    }
    return 0;
}

static void take_events(struct ebpf *s, struct gyr_batch *b)
{
    uint64_t now = boot_ns();

    take_losses(s, b, now);
    heal(s, now);
    tell_asked(s, now);
    b->n += rings_take(&s->rings, now - SLACK_NS + s->probe.boot_ns, b->ev + b->n, b->cap - b->n);
}

static void drain_wake(const struct ebpf *s)
{
    uint64_t count;
    ssize_t n = read(s->wake_fd, &count, sizeof(count));

    (void)n; /* nothing to drain is fine */
}

/* A short nap while events come; none for a while: until one does. */
static void rest(struct ebpf *s, uint32_t timeout_ms)
{
    struct pollfd p = {.fd = s->wake_fd, .events = POLLIN};
    struct epoll_event e;

    if (s->naps < NAPS_MAX) {
        s->naps++;
        (void)poll(&p, 1, (int)(timeout_ms < NAP_MS ? timeout_ms : NAP_MS));
    } else {
        __atomic_store_n(&s->probe.conf->waiting, 1, __ATOMIC_SEQ_CST);
        if (!rings_any(&s->rings))
            (void)epoll_wait(s->epoll_fd, &e, 1,
                             (int)(timeout_ms < SLEEP_MAX_MS ? timeout_ms : SLEEP_MAX_MS));
        __atomic_store_n(&s->probe.conf->waiting, 0, __ATOMIC_RELAXED);
        if (rings_any(&s->rings))
            (void)poll(&p, 1, 2); /* until it is old enough to be in order */
    }
    drain_wake(s);
}

static int ebpf_next_batch(void *self, struct gyr_batch *b, struct gyr_error *err)
{
    struct ebpf *s = self;

    b->n = 0;
    rings_release(&s->rings);
    if (s->in_snapshot)
        return take_snapshot(s, b, err);
    take_events(s, b);
    if (b->n == 0) {
        rest(s, b->timeout_ms);
        take_events(s, b);
    }
    if (b->n)
        s->naps = 0;
    return 0;
}

static const struct gyr_source_ops source = {
    .size = sizeof(struct gyr_source_ops),
    .flags = GYR_SRC_LIVE,
    .schema = &syscall_schema,
    .next_batch = ebpf_next_batch,
    .wake = ebpf_wake,
    .want = ebpf_want,
    .snapshot = ebpf_snapshot,
    .snapshot_thread = ebpf_snapshot_thread,
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
