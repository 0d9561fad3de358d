/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that writes. */
#include "recorder.h"

#include <errno.h>
#include <unistd.h>

enum { CHUNK = 128 << 10 };
static const uint64_t ASK_AGAIN_NS = 30000000000, PATIENCE_NS = 5000000000;

/* ---- files ---- */

/* Who reads what we write has had its time, once we were told to end. */
static bool has_waited(void *ctx)
{
    struct recorder *r = ctx;
    uint64_t now = r->host->now_ns(r->host->ctx);

    if (!atomic_load(&r->stopping))
        return false;
    if (!r->ended_ns)
        r->ended_ns = now;
    return now - r->ended_ns >= PATIENCE_NS;
}

static int open_next(struct recorder *r, struct gyr_error *err)
{
    enum scap_packing packing = (enum scap_packing)r->cfg->packing;
    int ret;

    r->fd = files_next(&r->files, err);
    if (r->fd < 0)
        return r->fd;
    ret =
        scap_output_open(&r->output, r->fd, r->files.path,
                         packing == SCAP_PACK_AUTO ? scap_packing_of(r->files.path) : packing, err);
    if (ret < 0) {
        (void)close(r->fd);
        r->fd = -1;
        return ret;
    }
    r->output.give_up = has_waited;
    r->output.ctx = r;
    r->n_files++;
    r->opened_ns = r->flushed_ns = r->host->now_ns(r->host->ctx);
    return 0;
}

static int close_file(struct recorder *r, struct gyr_error *err)
{
    int ret, fd = r->fd;

    if (fd < 0)
        return 0;
    ret = scap_output_close(&r->output, err);
    r->closed_bytes += r->output.written;
    (void)close(fd);
    r->fd = -1;
    return ret;
}

int recorder_open(struct recorder *r, struct gyr_error *err)
{
    r->fd = -1;
    r->failed = r->rotation_due = false;
    return open_next(r, err);
}

/* ---- the end of it, before its time ---- */

static void fail(struct recorder *r, const struct gyr_error *err)
{
    struct gyr_error ignored;

    if (r->failed)
        return;
    r->failed = true;
    gyr_logf(r->host, GYR_LOG_ERROR, "the recording ends here: %.400s", err->msg);
    (void)r->host->metric_add(r->host->ctx, "write_errors", 1);
    queue_close(&r->queue);
    (void)close_file(r, &ignored);
}

/* ---- what was written, for the metrics ---- */

static void count(struct recorder *r)
{
    static const char *const names[] = {
        "events_recorded", "bytes_written",        "files",
        "events_dropped",  "events_after_failure", "events_not_encoded"};
    const uint64_t now[] = {r->writer.events,
                            r->closed_bytes + (r->fd >= 0 ? r->output.written : 0),
                            r->n_files,
                            atomic_load(&r->dropped),
                            atomic_load(&r->unrecorded),
                            r->writer.lost};

    for (size_t i = 0; i < sizeof(now) / sizeof(now[0]); i++) {
        if (now[i] > r->counted[i])
            (void)r->host->metric_add(r->host->ctx, names[i], now[i] - r->counted[i]);
        r->counted[i] = now[i];
    }
}

/* ---- writing ---- */

static void put_out(struct recorder *r)
{
    struct gyr_error err = {0};

    if (!r->failed && scap_output_put(&r->output, r->writer.out.p, r->writer.out.len, &err) < 0)
        fail(r, &err);
    scap_bytes_reset(&r->writer.out);
}

static void rotate(struct recorder *r)
{
    struct gyr_error err = {0};

    put_out(r);
    r->rotation_due = false;
    if (r->failed)
        return;
    if (close_file(r, &err) < 0 || open_next(r, &err) < 0)
        fail(r, &err);
    scap_writer_next_file(&r->writer);
}

/* What could not be recorded is told where it is missing. */
static void put_loss(struct recorder *r)
{
    struct {
        struct gyr_event ev;
        uint32_t off[4];
        uint8_t params[14 + 2];
    } rec = {0};
    uint64_t now = atomic_load(&r->dropped), n = now - r->loss_told;
    uint32_t class = LOSS_CLASS_RECORDER, at = offsetof(__typeof__(rec), params);
    uint16_t cpu = GYR_CPU_NONE;

    if (!n)
        return;
    r->loss_told = now;
    rec.ev = (struct gyr_event){.len = sizeof(rec),
                                .hdr_len = sizeof(rec.ev),
                                .type = GYR_EV_LOSS,
                                .ts_ns = r->last_ts,
                                .tid = -1,
                                .flags = GYR_EVF_INTERNAL,
                                .cpu = GYR_CPU_NONE,
                                .nparams = 3};
    rec.off[0] = at;
    rec.off[1] = at + 4;
    rec.off[2] = at + 6;
    rec.off[3] = at + 14;
    memcpy(rec.params, &class, 4);
    memcpy(rec.params + 4, &cpu, 2);
    memcpy(rec.params + 6, &n, 8);
    (void)scap_writer_event(&r->writer, &rec.ev);
}

/* Take what is there. @return whether there was anything. */
static bool drain(struct recorder *r)
{
    const struct gyr_event *ev;
    bool any = false;

    for (; (ev = queue_front(&r->queue)); queue_pop(&r->queue)) {
        any = true;
        if (r->failed)
            continue;
        put_loss(r);
        if (ev->ts_ns)
            r->last_ts = ev->ts_ns;
        if (scap_writer_event(&r->writer, ev))
            rotate(r);
        if (r->writer.out.len > CHUNK)
            put_out(r);
    }
    put_out(r);
    return any;
}

/* ---- time ---- */

static bool wants_rotation(const struct recorder *r, uint64_t now)
{
    return (r->cfg->rotate_size && r->output.written >= r->cfg->rotate_size) ||
           (r->cfg->rotate_interval && now - r->opened_ns >= r->cfg->rotate_interval);
}

/* The file that follows opens with the state as it is then: ask for it. */
static void see_to_rotation(struct recorder *r, uint64_t now)
{
    int ret;

    if (!r->rotates || r->failed || (r->rotation_due && now - r->asked_ns < ASK_AGAIN_NS))
        return;
    if (!r->rotation_due && !wants_rotation(r, now))
        return;
    ret = r->host->snapshot(r->host->ctx);
    if (ret < 0) {
        gyr_logf(r->host, GYR_LOG_ERROR,
                 "the capture is not rotated any more: this source cannot tell its state anew");
        r->rotates = false;
        return;
    }
    r->rotation_due = true;
    r->asked_ns = now;
    scap_writer_want_head(&r->writer);
}

static void see_to_flush(struct recorder *r, uint64_t now)
{
    struct gyr_error err = {0};

    if (now - r->flushed_ns < r->cfg->flush)
        return;
    r->flushed_ns = now;
    if (!r->failed && scap_output_flush(&r->output, &err) < 0)
        fail(r, &err);
    count(r);
}

void recorder_run(void *arg)
{
    struct recorder *r = arg;
    struct gyr_error err = {0};

    for (;;) {
        bool last = atomic_load(&r->stopping), any = drain(r);
        uint64_t now = r->host->now_ns(r->host->ctx);

        if (last)
            break;
        see_to_flush(r, now);
        see_to_rotation(r, now);
        if (!any)
            queue_sleep(&r->queue, r->cfg->flush);
    }
    put_loss(r);
    scap_writer_end(&r->writer);
    put_out(r);
    if (!r->failed && close_file(r, &err) < 0)
        fail(r, &err);
    count(r);
}
