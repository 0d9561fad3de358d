/* SPDX-License-Identifier: Apache-2.0 */
#include "scap_writer.h"

#include "scap_encode.h"
#include "syscall/syscall.h"

static const size_t HELD_MAX = (size_t)64 << 20;

void scap_writer_free(struct scap_writer *w)
{
    scap_bytes_free(&w->out);
    scap_bytes_free(&w->held);
    scap_snapshot_free(&w->tables);
}

static bool is_proper(const struct gyr_event *ev)
{
    const struct gyr_event_type *t = syscall_event_type(ev->type);

    return ev->type < SCAP_OWN_MIN && !(ev->flags & (GYR_EVF_SNAPSHOT | GYR_EVF_INTERNAL)) &&
           !(t && (t->flags & GYR_ETF_SNAPSHOT));
}

static void put_event(struct scap_writer *w, const struct gyr_event *ev)
{
    if (scap_encode_event(&w->out, ev, false) < 0) {
        w->out.failed = false;
        w->lost++;
    } else {
        w->events += is_proper(ev);
    }
}

/* Section, tables, and what happened while they were gathered. */
static void put_head(struct scap_writer *w)
{
    if (scap_encode_section(&w->out) < 0 || scap_snapshot_put(&w->tables, &w->out) < 0) {
        w->out.failed = false;
        w->lost++;
    }
    scap_put(&w->out, w->held.p, w->held.len);
    scap_bytes_reset(&w->held);
    scap_snapshot_reset(&w->tables);
    w->gathering = false;
    w->begun = true;
}

/* The file is not begun: it must open with tables that are still being gathered. */
static void hold(struct scap_writer *w, const struct gyr_event *ev)
{
    w->held.max = HELD_MAX;
    if (scap_encode_event(&w->held, ev, false) == 0) {
        w->events += is_proper(ev);
        return;
    }
    /* A snapshot that takes so long: its rest follows in the stream. */
    put_head(w);
    put_event(w, ev);
}

/* It goes into the old file; the new one has to know of it, for its tables may be older. */
static void hold_state(struct scap_writer *w, const struct gyr_event *ev)
{
    const struct gyr_event_type *t = syscall_event_type(ev->type);

    w->held.max = HELD_MAX;
    if (t && (t->flags & GYR_ETF_STATE))
        (void)scap_encode_event(&w->held, ev, true);
}

static int begin_snapshot(struct scap_writer *w, const struct gyr_event *ev)
{
    if (w->begun && !w->head_wanted) {
        put_event(w, ev);
        return 0;
    }
    /* A source that was started again begins anew: what was held stays. */
    scap_snapshot_reset(&w->tables);
    w->gathering = true;
    return 0;
}

static int end_snapshot(struct scap_writer *w, const struct gyr_event *ev)
{
    if (!w->gathering) {
        put_event(w, ev);
        return 0;
    }
    if (!w->begun) {
        put_head(w);
        return 0;
    }
    w->gathering = w->head_wanted = false;
    return 1;
}

int scap_writer_event(struct scap_writer *w, const struct gyr_event *ev)
{
    if (ev->type == GYR_EV_SNAPSHOT_BEGIN)
        return begin_snapshot(w, ev);
    if (ev->type == GYR_EV_SNAPSHOT_END && (w->begun || w->gathering))
        return end_snapshot(w, ev);
    if (w->gathering && ev->type >= SCAP_OWN_MIN && ev->type < GYR_EV_CORE_MIN) {
        scap_snapshot_add(&w->tables, ev);
        return 0;
    }
    if (w->gathering && !w->begun) {
        hold(w, ev);
        return 0;
    }
    if (!w->begun)
        put_head(w);
    put_event(w, ev);
    if (w->gathering)
        hold_state(w, ev);
    return 0;
}

void scap_writer_want_head(struct scap_writer *w)
{
    w->head_wanted = true;
}

void scap_writer_next_file(struct scap_writer *w)
{
    put_head(w);
}

void scap_writer_end(struct scap_writer *w)
{
    if (!w->begun)
        put_head(w);
}
