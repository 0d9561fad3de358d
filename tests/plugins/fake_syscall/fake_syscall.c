/* SPDX-License-Identifier: Apache-2.0 */
/* A live source of system calls that never happened: each opens a file of its own number. Tells its
 * state at the start and when asked, while the stream goes on. */
#include "syscall/syscall.h"

#include <errno.h>
#include <gyr/plugin.h>
#include <gyr/util.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { BATCH = 64, RECORD_MAX = 768, TID = 42 };

struct config {
    int64_t count, rate, fds;
    uint8_t snapshots;
    const char *cgroup;
};

struct fake {
    const struct config *cfg;
    int64_t next; /* number of the next file */
    int64_t step; /* of a snapshot: 0 begin, 1 machine, 2 process, 3 … descriptors, end; -1: none */
    uint64_t began_ns;
    int woken;
    pthread_mutex_t lock;
    pthread_cond_t cond;
    uint64_t room[BATCH][RECORD_MAX / 8];
};

struct record {
    struct gyr_event *ev;
    uint32_t off[GYR_PARAMS_MAX + 1], n;
};

static void begin(struct record *r, uint64_t *room, uint16_t type, uint16_t nparams)
{
    memset(room, 0, RECORD_MAX);
    r->ev = (struct gyr_event *)(void *)room;
    r->ev->hdr_len = (uint16_t)sizeof(struct gyr_event);
    r->ev->type = type;
    r->ev->tid = TID;
    r->ev->nparams = nparams;
    r->ev->flags = type >= EV_SNAP_MACHINE ? GYR_EVF_SNAPSHOT : 0;
    r->off[0] = (uint32_t)(sizeof(struct gyr_event) + (nparams + 1u) * sizeof(uint32_t));
    r->n = 0;
}

static void add(struct record *r, const void *p, size_t len)
{
    memcpy((uint8_t *)r->ev + r->off[r->n], p, len);
    r->off[r->n + 1] = r->off[r->n] + (uint32_t)len;
    r->n++;
}

static void add_num(struct record *r, uint64_t v, size_t width)
{
    add(r, &v, width);
}

static void add_str(struct record *r, const char *s)
{
    add(r, s, strlen(s) + 1);
}

static const struct gyr_event *finish(struct record *r)
{
    memcpy((uint8_t *)r->ev + r->ev->hdr_len, r->off, (r->n + 1) * sizeof(uint32_t));
    r->ev->len = (r->off[r->n] + 7) & ~7u;
    return r->ev;
}

static const struct gyr_event *make_open(struct fake *f, uint64_t *room)
{
    struct record r;
    char name[64];

    (void)snprintf(name, sizeof(name), "/file/%lld", (long long)f->next++);
    begin(&r, room, EV_SYSCALL_OPENAT_2_X, 7);
    add_num(&r, 3, 8);
    add_num(&r, (uint64_t)-100, 8);
    add_str(&r, name);
    add_num(&r, 1, 4);
    add_num(&r, 0, 4);
    add_num(&r, 8, 4);
    add_num(&r, 99, 8);
    return finish(&r);
}

static const struct gyr_event *make_process(const struct fake *f, uint64_t *room)
{
    struct record r;

    begin(&r, room, EV_SNAP_PROCESS, P_SNAP_PROCESS__gid + 1);
    for (int i = 0; i < 8; i++)
        add_num(&r, TID, 8);
    add_str(&r, "opener");
    add_str(&r, "opener");
    add_str(&r, "/bin/opener");
    add(&r, "-v\0/file", 9);
    add(&r, "PATH=/bin", 10);
    if (f->cfg->cgroup)
        add_str(&r, f->cfg->cgroup);
    else
        add(&r, "", 0);
    add_str(&r, "/");
    add_str(&r, "/");
    add_num(&r, 1024, 8);
    for (int i = 0; i < 3; i++)
        add_num(&r, 0, 4);
    return finish(&r);
}

static const struct gyr_event *make_snapshot(struct fake *f, uint64_t *room)
{
    int64_t step = f->step++, fds = f->cfg->fds;
    struct record r;

    if (step == 2)
        return make_process(f, room);
    if (step == 0 || step == 3 + fds) {
        f->step = step ? -1 : 1;
        begin(&r, room, (uint16_t)(step ? GYR_EV_SNAPSHOT_END : GYR_EV_SNAPSHOT_BEGIN), 0);
    } else if (step == 1) {
        begin(&r, room, EV_SNAP_MACHINE, 4);
        add_num(&r, 2, 4);
        add_num(&r, 1 << 30, 8);
        add_num(&r, 4194304, 8);
        add_str(&r, "fake");
    } else {
        begin(&r, room, EV_SNAP_FD, 6);
        add_num(&r, TID, 8);
        add_num(&r, (uint64_t)(10 + step), 8);
        add_num(&r, FD_FILE_V2, 1);
        add_num(&r, 5, 8);
        add_str(&r, "/held");
        add_num(&r, 1, 4);
    }
    return finish(&r);
}

static int create(const struct gyr_host *host, const void *cfg, void **ret_self,
                  struct gyr_error *err)
{
    struct fake *f = calloc(1, sizeof(*f));
    pthread_condattr_t attr;

    (void)host;
    if (!f)
        return gyr_fail(err, -ENOMEM, "out of memory");
    f->cfg = cfg;
    pthread_mutex_init(&f->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&f->cond, &attr);
    pthread_condattr_destroy(&attr);
    *ret_self = f;
    return 0;
}

static uint64_t now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static int start(void *self, struct gyr_error *err)
{
    struct fake *f = self;

    (void)err;
    f->step = 0;
    f->began_ns = now_ns();
    return 0;
}

static void destroy(void *self)
{
    struct fake *f = self;

    pthread_cond_destroy(&f->cond);
    pthread_mutex_destroy(&f->lock);
    free(f);
}

static void wake(void *self)
{
    struct fake *f = self;

    pthread_mutex_lock(&f->lock);
    f->woken = 1;
    pthread_cond_signal(&f->cond);
    pthread_mutex_unlock(&f->lock);
}

static void nap(struct fake *f, uint64_t ns)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    ns += (uint64_t)ts.tv_nsec;
    ts.tv_sec += (time_t)(ns / 1000000000);
    ts.tv_nsec = (long)(ns % 1000000000);
    pthread_mutex_lock(&f->lock);
    while (!f->woken && pthread_cond_timedwait(&f->cond, &f->lock, &ts) == 0)
        ;
    f->woken = 0;
    pthread_mutex_unlock(&f->lock);
}

/* How many files have been opened by now. */
static int64_t due(const struct fake *f)
{
    int64_t n = f->cfg->count;

    if (f->cfg->rate) {
        int64_t by_now = (int64_t)((now_ns() - f->began_ns) / 1000000) * f->cfg->rate / 1000;

        n = by_now < n ? by_now : n;
    }
    return n;
}

static int next_batch(void *self, struct gyr_batch *b, struct gyr_error *err)
{
    struct fake *f = self;
    int64_t n = due(f);

    (void)err;
    b->n = 0;
    if (f->step < 0 && f->next >= n)
        nap(f, f->next >= f->cfg->count ? (uint64_t)b->timeout_ms * 1000000 : 2000000);
    /* State first, and later by turns with the stream. */
    while (b->n < BATCH && b->n < b->cap && (f->step >= 0 || f->next < n)) {
        uint64_t *room = f->room[b->n];

        if (f->step >= 0 && (b->n % 2 == 0 || f->next >= n || f->next == 0))
            b->ev[b->n] = make_snapshot(f, room);
        else
            b->ev[b->n] = make_open(f, room);
        b->n++;
    }
    return 0;
}

static int snapshot(void *self)
{
    struct fake *f = self;

    if (!f->cfg->snapshots)
        return -EBUSY;
    if (f->step < 0)
        f->step = 0;
    return 0;
}

static const struct gyr_option options[] = {
    {GYR_OPT(struct config, count, GYR_O_INT, "count", "1000000000", "Files to open."), .min = 0,
     .max = 1000000000},
    {GYR_OPT(struct config, rate, GYR_O_INT, "rate", "0", "Files in a second; 0: no limit."),
     .min = 0, .max = 1000000},
    {GYR_OPT(struct config, fds, GYR_O_INT, "fds", "100", "Descriptors of a snapshot."), .min = 0,
     .max = 100000},
    {GYR_OPT(struct config, snapshots, GYR_O_BOOL, "snapshots", "yes", "Make them when asked.")},
    {GYR_OPT(struct config, cgroup, GYR_O_STR, "cgroup", NULL,
             "Control group of the process: memory=/path; at most 256 bytes.")},
};

static const struct gyr_source_ops source = {
    .size = sizeof(source),
    .flags = GYR_SRC_LIVE,
    .schema = &syscall_schema,
    .next_batch = next_batch,
    .wake = wake,
    .snapshot = snapshot,
};

static const struct gyr_plugin plugin = {
    GYR_PLUGIN_HEAD,
    .name = "fake_syscall",
    .version = "1.0",
    .license = "Apache-2.0",
    .summary = "makes up system calls",
    .source = &source,
    .options = options,
    .n_options = sizeof(options) / sizeof(options[0]),
    .config_size = sizeof(struct config),
    .create = create,
    .start = start,
    .destroy = destroy,
};

GYR_EXPORT_PLUGIN(plugin)
