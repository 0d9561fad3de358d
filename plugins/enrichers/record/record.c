/* SPDX-License-Identifier: Apache-2.0 */
/* The enricher "record": writes the events that it sees into captures. */
#include "recorder.h"

#include "syscall/syscall.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { BUFFER_MIN = 256 << 10 };
static const uint64_t TELL_NS = 10000000000;

static const struct gyr_option options[] = {
    {GYR_OPT(struct config, path, GYR_O_STR, "path", NULL,
             "File to write; %-conversions of strftime(3) and {n}, its number, are filled in."),
     .flags = GYR_OF_REQUIRED},
    {GYR_OPT(struct config, packing, GYR_O_ENUM, "compression", "auto",
             "How the file is packed; auto: as the end of its name says, .gz or .zst."),
     .choices = scap_packing_names},
    {GYR_OPT(struct config, rotate_size, GYR_O_SIZE, "rotate_size", "0",
             "Begin another file when one is as large; 0: never.")},
    {GYR_OPT(struct config, rotate_interval, GYR_O_DURATION, "rotate_interval", "0s",
             "Begin another file when one is as old; 0s: never.")},
    {GYR_OPT(struct config, keep, GYR_O_INT, "keep", "0",
             "Files of this run that are kept, the oldest being removed; 0: all."),
     .min = 0, .max = FILES_KEEP_MAX},
    {GYR_OPT(struct config, buffer, GYR_O_SIZE, "buffer", "8M",
             "Memory for events that wait to be written."),
     .min = BUFFER_MIN, .max = INT64_C(1) << 32},
    {GYR_OPT(struct config, flush, GYR_O_DURATION, "flush", "1s",
             "How much of the recording a crash may cost."),
     .min = 10000000, .max = INT64_C(60000000000)},
};

static int create(const struct gyr_host *host, const void *cfg, void **ret_self,
                  struct gyr_error *err)
{
    const struct config *c = cfg;
    struct recorder *r;

    if (!*c->path)
        return gyr_fail(err, GYR_E_CONF, "'path' is empty");
    if (c->keep && !c->rotate_size && !c->rotate_interval)
        return gyr_fail(err, GYR_E_CONF, "'keep' needs 'rotate_size' or 'rotate_interval'");
    r = calloc(1, sizeof(*r));
    if (!r)
        return gyr_fail(err, -ENOMEM, "no memory");
    r->host = host;
    r->cfg = c;
    r->fd = -1;
    *ret_self = r;
    return 0;
}

static int prepare(struct recorder *r, struct gyr_error *err)
{
    const struct config *c = r->cfg;

    r->rotates = c->rotate_size || c->rotate_interval;
    if (r->rotates && !r->host->is_live)
        return gyr_fail(err, GYR_E_CONF,
                        "'rotate_size' and 'rotate_interval' are for live sources: a file opens "
                        "with the state of the machine, which a recording tells only once");
    atomic_store(&r->stopping, false);
    if (files_init(&r->files, c->path, r->rotates, (uint32_t)c->keep) < 0 ||
        queue_init(&r->queue, c->buffer) < 0)
        return gyr_fail(err, -ENOMEM, "no memory for a buffer of %llu bytes",
                        (unsigned long long)c->buffer);
    return recorder_open(r, err);
}

static void release(struct recorder *r)
{
    struct gyr_error ignored;

    if (r->fd >= 0) {
        (void)scap_output_close(&r->output, &ignored);
        (void)close(r->fd);
        r->fd = -1;
    }
    queue_free(&r->queue);
    files_free(&r->files);
    scap_writer_free(&r->writer);
    memset(&r->writer, 0, sizeof(r->writer));
}

static int start(void *self, struct gyr_error *err)
{
    struct recorder *r = self;
    int ret = prepare(r, err);

    if (ret == 0) {
        ret = r->host->thread_start(r->host->ctx, "record", recorder_run, r, &r->thread);
        if (ret < 0)
            (void)gyr_fail(err, ret, "cannot start a thread");
    }
    if (ret < 0)
        release(r);
    return ret;
}

static void stop(void *self)
{
    struct recorder *r = self;

    atomic_store(&r->stopping, true);
    queue_wake(&r->queue);
    (void)r->host->thread_join(r->host->ctx, r->thread);
    release(r);
}

static void destroy(void *self)
{
    free(self);
}

static bool matters(const struct gyr_event *ev)
{
    const struct gyr_event_type *t;

    if (ev->flags & (GYR_EVF_SNAPSHOT | GYR_EVF_INTERNAL) || ev->type >= GYR_EV_CORE_MIN)
        return true;
    t = syscall_event_type(ev->type);
    return !t || t->flags & GYR_ETF_STATE;
}

static void dropped(struct recorder *r)
{
    uint64_t n = atomic_fetch_add_explicit(&r->dropped, 1, memory_order_relaxed) + 1, now;

    if ((n & (n - 1)) && n % 4096)
        return; /* not even the clock is asked for each */
    now = r->host->now_ns(r->host->ctx);
    if (r->told_ns && now - r->told_ns < TELL_NS)
        return;
    r->told_ns = now;
    gyr_logf(r->host, GYR_LOG_WARNING,
             "events come faster than they can be written: %llu are not in the recording",
             (unsigned long long)n);
}

static int on_event(void *self, uint32_t which, const struct gyr_event *ev)
{
    struct recorder *r = self;
    bool live = r->host->is_live;
    int ret;

    (void)which;
    /* The last quarter is for what later events stand on. */
    ret = queue_put(&r->queue, ev, !live || matters(ev) ? 0 : r->queue.cap / 4, !live);
    if (ret == -EPIPE)
        (void)atomic_fetch_add_explicit(&r->unrecorded, 1, memory_order_relaxed);
    else if (ret < 0)
        dropped(r);
    return 0;
}

static const char *const events[] = {"*", NULL};
static const struct gyr_enricher_ops enricher = {
    .size = sizeof(enricher),
    .schema = "syscall",
    .events = events,
    .on_event = on_event,
};

static const struct gyr_plugin plugin = {
    GYR_PLUGIN_HEAD,
    .name = "record",
    .version = "0.1.0",
    .license = "Apache-2.0",
    .summary = "writes events into captures (.scap)",
    .enricher = &enricher,
    .options = options,
    .n_options = sizeof(options) / sizeof(options[0]),
    .config_size = sizeof(struct config),
    .create = create,
    .start = start,
    .stop = stop,
    .destroy = destroy,
};

GYR_EXPORT_PLUGIN(plugin)
