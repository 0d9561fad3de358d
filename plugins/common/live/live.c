/* SPDX-License-Identifier: Apache-2.0 */
#include "live.h"

#include "syscall/syscall.h"

#include <errno.h>
#include <gyr/util.h>
#include <poll.h>
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
    PORTION = 48,               /* records of a later snapshot between two looks at the rings */
    HEAL_STATE_NS = 2000000000, /* between two snapshots after losses */
    ASKED_EVERY_NS = 10000000,  /* at most a hundred in a second */
};
static const uint64_t HEAL_OTHER_NS = 30 * NSEC_PER_SEC;

static uint64_t boot_ns(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_BOOTTIME, &ts);
    return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

/* ---- life ---- */

int live_init(struct live *l, const struct gyr_host *host, struct gyr_error *err)
{
    *l = (struct live){.host = host, .wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    if (l->wake_fd < 0)
        return gyr_fail(err, -errno, "cannot make an eventfd: %s", strerror(errno));
    return 0;
}

void live_free(struct live *l)
{
    scap_batch_free(&l->batch);
    if (l->wake_fd >= 0)
        (void)close(l->wake_fd);
    l->wake_fd = -1;
}

int live_start(struct live *l, const struct live_driver *driver, const struct ring_place *places,
               uint32_t n, struct proc_snapshot *proc, struct gyr_error *err)
{
    int r;

    l->driver = *driver;
    l->proc = proc;
    l->begun = l->ready = l->in_snapshot = l->heal_state = l->heal_other = false;
    l->naps = l->n_asked = 0;
    l->loss_ns = l->healed_ns = 0;
    r = rings_init(&l->rings, places, n, err);
    if (r < 0)
        return r;
    rings_skip(&l->rings);
    return losses_init(&l->losses, driver->counts, driver->n_cpus, err);
}

void live_stop(struct live *l)
{
    rings_free(&l->rings);
    proc_snapshot_free(l->proc);
    l->proc = NULL;
    losses_free(&l->losses);
}

void live_wake(void *self)
{
    struct live *l = self;
    uint64_t one = 1;
    ssize_t n = write(l->wake_fd, &one, sizeof(one));

    (void)n; /* a full counter is awake enough */
}

int live_before_want(struct live *l, struct gyr_error *err)
{
    return l->begun ? 0 : l->driver.set_event_flags(l->driver.self, GYR_EVF_SNAPSHOT, err);
}

void live_after_want(struct live *l)
{
    if (!l->begun)
        l->begun = l->in_snapshot = true;
}

int live_snapshot(void *self)
{
    struct live *l = self;

    proc_snapshot_begin(l->proc);
    l->in_snapshot = true;
    return 0;
}

/* A thread that nobody knows: what made it was lost. */
int live_snapshot_thread(void *self, int64_t tid)
{
    struct live *l = self;

    for (uint32_t i = 0; i < l->n_asked; i++)
        if (l->asked[i] == tid)
            return 0;
    if (l->n_asked == LIVE_ASKED_MAX)
        return -EAGAIN;
    l->asked[l->n_asked++] = tid;
    return 0;
}

/* One of them at a time. */
static void tell_asked(struct live *l, uint64_t now)
{
    if (!l->n_asked || l->in_snapshot || now - l->told_ns < ASKED_EVERY_NS)
        return;
    l->told_ns = now;
    proc_snapshot_thread(l->proc, l->asked[--l->n_asked]);
    l->in_snapshot = true;
    (void)l->host->metric_add(l->host->ctx, "threads_asked_for", 1);
}

/* ---- losses ---- */

static void take_losses(struct live *l, struct gyr_batch *b, uint64_t now)
{
    uint32_t classes;

    if (now - l->loss_ns < LOSS_EVERY_NS)
        return;
    l->loss_ns = now;
    if (l->driver.count)
        l->driver.count(l->driver.self);
    classes = losses_take(&l->losses, b, now + l->driver.boot_ns);
    l->heal_state |= classes >> PROBE_STATE & 1;
    l->heal_other |= classes >> PROBE_OTHER & 1;
}

/* State that events were lost for is read anew. */
static void heal(struct live *l, uint64_t now)
{
    uint64_t since = now - l->healed_ns;

    if (!(l->heal_state && since > HEAL_STATE_NS) && !(l->heal_other && since > HEAL_OTHER_NS))
        return;
    l->heal_state = l->heal_other = false;
    l->n_asked = 0;
    l->healed_ns = now;
    (void)live_snapshot(l);
    (void)l->host->metric_add(l->host->ctx, "snapshots_after_loss", 1);
}

/* ---- events ---- */

static int end_snapshot(struct live *l, struct gyr_error *err)
{
    int r = l->ready ? 0 : l->driver.set_event_flags(l->driver.self, 0, err);

    l->in_snapshot = false;
    l->ready = true;
    proc_snapshot_tell(l->proc, l->host);
    return r;
}

/* The first one comes before everything else, whole. Later ones pause between two processes, so
 * that rings are emptied meanwhile. */
static int take_snapshot(struct live *l, struct gyr_batch *b, struct gyr_error *err)
{
    uint32_t enough = l->ready ? b->n + PORTION : b->cap;

    l->batch.used = 0;
    while (b->n < b->cap && (b->n < enough || !proc_snapshot_between(l->proc))) {
        const struct gyr_event *ev;
        int r = proc_snapshot_next(l->proc, &l->batch, &ev, err);

        if (r == -ENOBUFS)
            return 0;
        if (r < 0)
            return r;
        if (r == 0)
            return end_snapshot(l, err);
        b->ev[b->n++] = ev;
    }
    return 0;
}

static int take_events(struct live *l, struct gyr_batch *b, struct gyr_error *err)
{
    uint64_t now = boot_ns();
    int n;

    take_losses(l, b, now);
    heal(l, now);
    tell_asked(l, now);
    n = rings_take(&l->rings, now - SLACK_NS + l->driver.boot_ns, b->ev + b->n, b->cap - b->n);
    if (n < 0)
        return gyr_fail(err, n, "a ring holds what the driver cannot have written");
    b->n += (uint32_t)n;
    return 0;
}

static void drain_wake(const struct live *l)
{
    uint64_t count;
    ssize_t n = read(l->wake_fd, &count, sizeof(count));

    (void)n; /* nothing to drain is fine */
}

static int at_most(uint32_t timeout_ms, uint32_t max)
{
    return (int)(timeout_ms < max ? timeout_ms : max);
}

/* A short nap while events come; none for a while: until one does. */
static void rest(struct live *l, uint32_t timeout_ms)
{
    struct pollfd p[] = {{.fd = l->wake_fd, .events = POLLIN},
                         {.fd = l->driver.fd, .events = POLLIN}};

    if (l->naps < NAPS_MAX) {
        l->naps++;
        (void)poll(p, 1, at_most(timeout_ms, NAP_MS));
    } else {
        if (l->driver.waiting)
            l->driver.waiting(l->driver.self, true);
        if (!rings_any(&l->rings))
            (void)poll(p, 2, at_most(timeout_ms, SLEEP_MAX_MS));
        if (l->driver.waiting)
            l->driver.waiting(l->driver.self, false);
        if (rings_any(&l->rings))
            (void)poll(p, 1, 2); /* until it is old enough to be in order */
    }
    drain_wake(l);
}

int live_next_batch(void *self, struct gyr_batch *b, struct gyr_error *err)
{
    struct live *l = self;
    int r = 0;

    b->n = 0;
    rings_release(&l->rings);
    if (l->ready || !l->in_snapshot)
        r = take_events(l, b, err);
    if (r == 0 && l->in_snapshot)
        return take_snapshot(l, b, err);
    if (r == 0 && b->n == 0) {
        rest(l, b->timeout_ms);
        r = take_events(l, b, err);
    }
    if (b->n)
        l->naps = 0;
    return r;
}
