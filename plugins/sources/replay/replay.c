/* SPDX-License-Identifier: Apache-2.0 */
/* The source "replay": events of .scap captures, as fast as they are wanted or as they happened. */
#include "scap/scap_reader.h"
#include "syscall/syscall.h"

#include <errno.h>
#include <gyr/plugin.h>
#include <inttypes.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum speed { SPEED_REAL, SPEED_MAX };

static const char *const speeds[] = {"real", "max", NULL};

struct config {
    const char *const *path;
    int64_t speed;
};

static const struct gyr_option options[] = {
    {GYR_OPT(struct config, path, GYR_O_STRLIST, "path", NULL,
             "Captures to read, one after the other; \"-\" is standard input."),
     .flags = GYR_OF_REQUIRED},
    {GYR_OPT(struct config, speed, GYR_O_ENUM, "speed", "max",
             "max: as fast as possible; real: as it was recorded."),
     .choices = speeds},
};

#define NSEC_PER_SEC UINT64_C(1000000000)

struct replay {
    const struct gyr_host *host;
    const struct config *cfg;
    struct scap_reader reader;
    struct scap_input in; /* of files[file], if open */
    struct scap_batch batch;
    int *files; /* descriptors, opened at start while that is allowed */
    uint32_t n_files, file;
    bool open;
    int wake_fd;
    int ended; /* what the next call returns, when this one still had events */
    struct gyr_error why;
    /* real speed: the event that is not due yet, and what its time is measured against */
    const struct gyr_event *held;
    uint64_t base_ts, base_mono;
    uint32_t base_section;
    uint64_t done_before;         /* bytes of the files already read */
    _Atomic uint64_t done, total; /* for progress(), from any thread */
};

static bool is_stdin(const struct replay *s, uint32_t i)
{
    return strcmp(s->cfg->path[i], "-") == 0;
}

static void close_input(struct replay *s)
{
    if (!s->open)
        return;
    s->done_before += s->in.consumed;
    scap_input_close(&s->in);
    s->open = false;
}

static void close_files(struct replay *s)
{
    for (uint32_t i = 0; i < s->n_files; i++)
        if (!is_stdin(s, i))
            (void)close(s->files[i]);
    free(s->files);
    s->files = NULL;
    s->n_files = 0;
}

static void replay_stop(void *self)
{
    struct replay *s = self;

    close_input(s);
    close_files(s);
}

static void replay_destroy(void *self)
{
    struct replay *s = self;

    if (!s)
        return;
    replay_stop(s);
    scap_reader_free(&s->reader);
    scap_batch_free(&s->batch);
    if (s->wake_fd >= 0)
        (void)close(s->wake_fd);
    free(s);
}

static int replay_create(const struct gyr_host *host, const void *cfg, void **ret_self,
                         struct gyr_error *err)
{
    const struct config *c = cfg;
    struct replay *s;

    if (!c->path || !c->path[0])
        return gyr_fail(err, GYR_E_CONF, "'path' names no capture");
    s = calloc(1, sizeof(*s));
    if (!s)
        return gyr_fail(err, -ENOMEM, "no memory");
    s->host = host;
    s->cfg = c;
    scap_reader_init(&s->reader);
    s->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (s->wake_fd < 0) {
        int r = gyr_fail(err, -errno, "cannot make an eventfd: %s", strerror(errno));

        replay_destroy(s);
        return r;
    }
    *ret_self = s;
    return 0;
}

/* Bytes of all the files together; 0 when one has no length. */
static uint64_t total_size(const struct replay *s)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < s->n_files; i++) {
        struct stat st;

        if (fstat(s->files[i], &st) < 0 || !S_ISREG(st.st_mode))
            return 0;
        sum += (uint64_t)st.st_size;
    }
    return sum;
}

static int replay_start(void *self, struct gyr_error *err)
{
    struct replay *s = self;
    uint32_t n = 0;

    while (s->cfg->path[n])
        n++;
    s->files = calloc(n, sizeof(*s->files));
    if (!s->files)
        return gyr_fail(err, -ENOMEM, "no memory");
    for (uint32_t i = 0; i < n; i++) {
        int fd = scap_open(s->cfg->path[i], err);

        if (fd < 0) {
            close_files(s);
            return fd;
        }
        s->files[s->n_files++] = fd;
    }
    s->file = 0;
    s->ended = 0;
    s->held = NULL;
    s->base_section = 0;
    s->done_before = 0;
    scap_reader_restart(&s->reader);
    atomic_store_explicit(&s->done, 0, memory_order_relaxed);
    atomic_store_explicit(&s->total, total_size(s), memory_order_relaxed);
    return 0;
}

static void replay_wake(void *self)
{
    struct replay *s = self;
    uint64_t one = 1;
    ssize_t n = write(s->wake_fd, &one, sizeof(one));

    (void)n; /* a full counter is awake enough */
}

static int replay_want(void *self, const struct gyr_want *w, struct gyr_error *err)
{
    struct replay *s = self;

    (void)err;
    scap_reader_want(&s->reader, w);
    return 0;
}

static void replay_progress(void *self, struct gyr_progress *ret)
{
    struct replay *s = self;

    ret->done = atomic_load_explicit(&s->done, memory_order_relaxed);
    ret->total = atomic_load_explicit(&s->total, memory_order_relaxed);
}

/* What was not handed on is told once, at the end. */
static void tell_stats(struct replay *s)
{
    const struct gyr_host *h = s->host;
    struct scap_stats st;

    scap_reader_stats(&s->reader, &st);
    (void)h->metric_add(h->ctx, "events_read", st.events);
    (void)h->metric_add(h->ctx, "events_unknown", st.unknown_events);
    (void)h->metric_add(h->ctx, "blocks_unknown", st.unknown_blocks);
    (void)h->metric_add(h->ctx, "enter_events_lost", st.lost_enters);
    if (st.unknown_events)
        gyr_logf(h, GYR_LOG_WARNING,
                 "%" PRIu64 " of %" PRIu64 " events were of types that are not known, and skipped",
                 st.unknown_events, st.events);
}

/* The next event into the batch, from whatever file is next. Answers as scap_reader_next(). */
static int read_event(struct replay *s, uint32_t timeout_ms, const struct gyr_event **ret,
                      struct gyr_error *err)
{
    for (;;) {
        int r;

        if (!s->open) {
            const char *path = s->cfg->path[s->file];

            r = scap_input_open(&s->in, s->files[s->file],
                                is_stdin(s, s->file) ? "standard input" : path, s->wake_fd, err);
            if (r < 0)
                return r;
            s->open = true;
            scap_reader_input(&s->reader, &s->in);
        }
        r = scap_reader_next(&s->reader, &s->batch, timeout_ms, ret, err);
        if (r != GYR_E_EOF || s->file + 1 == s->n_files)
            return r;
        close_input(s);
        s->file++;
    }
}

static uint64_t mono_ns(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

/* Nanoseconds until the event is due at the speed it was recorded. Each capture has its own
 * beginning: the time between two of them is nobody's. */
static uint64_t time_left(struct replay *s, const struct gyr_event *ev)
{
    uint64_t now, gap;

    if (ev->flags & GYR_EVF_SNAPSHOT)
        return 0;
    now = mono_ns();
    if (s->base_section != s->reader.section) {
        s->base_section = s->reader.section;
        s->base_ts = ev->ts_ns;
        s->base_mono = now;
    }
    gap = ev->ts_ns > s->base_ts ? ev->ts_ns - s->base_ts : 0;
    return gap > now - s->base_mono ? gap - (now - s->base_mono) : 0;
}

/* Wait for the event to be due. @return whether it is. */
static bool wait_due(struct replay *s, const struct gyr_event *ev, uint32_t timeout_ms)
{
    struct pollfd p = {.fd = s->wake_fd, .events = POLLIN};
    uint64_t left = time_left(s, ev), most = (uint64_t)timeout_ms * 1000000;
    struct timespec ts;

    if (left == 0)
        return true;
    if (timeout_ms == 0)
        return false;
    if (left < most)
        most = left;
    ts.tv_sec = (time_t)(most / NSEC_PER_SEC);
    ts.tv_nsec = (long)(most % NSEC_PER_SEC);
    (void)ppoll(&p, 1, &ts, NULL);
    return time_left(s, ev) == 0;
}

/* The batch is begun anew, with the event that was held back, if any. */
static void reset_batch(struct replay *s)
{
    if (s->held) {
        uint32_t len = s->held->len;

        memmove(s->batch.base, s->held, len);
        s->held = (const struct gyr_event *)(const void *)s->batch.base;
        s->batch.used = len;
    } else {
        s->batch.used = 0;
    }
}

static void drain_wake(const struct replay *s)
{
    uint64_t count;
    ssize_t n = read(s->wake_fd, &count, sizeof(count));

    (void)n; /* nothing to drain is fine */
}

static void fill_batch(struct replay *s, struct gyr_batch *b)
{
    reset_batch(s);
    while (b->n < b->cap) {
        uint32_t timeout_ms = b->n ? 0 : b->timeout_ms;
        const struct gyr_event *ev = s->held;
        int r = ev ? 1 : read_event(s, timeout_ms, &ev, &s->why);

        if (r < 0 && r != -ENOBUFS) {
            s->ended = r;
            tell_stats(s);
        }
        if (r != 1)
            return;
        if (s->cfg->speed == SPEED_REAL && !wait_due(s, ev, timeout_ms)) {
            s->held = ev;
            return;
        }
        s->held = NULL;
        b->ev[b->n++] = ev;
    }
}

static int replay_next_batch(void *self, struct gyr_batch *b, struct gyr_error *err)
{
    struct replay *s = self;

    b->n = 0;
    if (!s->ended) {
        fill_batch(s, b);
        atomic_store_explicit(&s->done, s->done_before + (s->open ? s->in.consumed : 0),
                              memory_order_relaxed);
    }
    if (b->n > 0)
        return 0;
    if (s->ended) {
        if (err && s->ended != GYR_E_EOF)
            *err = s->why;
        return s->ended;
    }
    drain_wake(s);
    return 0;
}

static const struct gyr_source_ops source = {
    .size = sizeof(struct gyr_source_ops),
    .schema = &syscall_schema,
    .next_batch = replay_next_batch,
    .wake = replay_wake,
    .want = replay_want,
    .progress = replay_progress,
};

static const struct gyr_plugin plugin = {
    GYR_PLUGIN_HEAD,
    .name = "replay",
    .version = "0.1.0",
    .license = "Apache-2.0",
    .summary = "events of .scap captures: plain, gzip, zstd; files or standard input",
    .source = &source,
    .options = options,
    .n_options = sizeof(options) / sizeof(options[0]),
    .config_size = sizeof(struct config),
    .create = replay_create,
    .start = replay_start,
    .stop = replay_stop,
    .destroy = replay_destroy,
};

GYR_EXPORT_PLUGIN(plugin)
