/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

static const uint64_t NS_S = 1000000000, EVERY_NS = 250000000;

void buf_add_grouped(struct buf *b, uint64_t n)
{
    if (n >= 1000) {
        buf_add_grouped(b, n / 1000);
        buf_addf(b, ",%03" PRIu64, n % 1000);
    } else {
        buf_addf(b, "%" PRIu64, n);
    }
}

void progress_begin(struct progress *g, bool on)
{
    *g = (struct progress){.on = on && isatty(STDERR_FILENO), .began_ns = clock_ns()};
    g->last_ns = g->began_ns;
}

static void add_time_left(struct buf *b, uint64_t seconds)
{
    if (seconds >= 3600)
        buf_addf(b, "  %" PRIu64 ":%02" PRIu64 ":%02" PRIu64 " left", seconds / 3600,
                 seconds / 60 % 60, seconds % 60);
    else
        buf_addf(b, "  %" PRIu64 ":%02" PRIu64 " left", seconds / 60, seconds % 60);
}

void progress_line(struct buf *b, uint64_t done, uint64_t total, uint64_t events, uint64_t rate,
                   uint64_t elapsed_ns)
{
    double share = total && done < total ? (double)done / (double)total : 1.0;

    if (total)
        buf_addf(b, "%d%%  ", (int)(share * 100));
    buf_add_grouped(b, events);
    buf_adds(b, " events  ");
    buf_add_grouped(b, rate);
    buf_adds(b, "/s");
    if (total && done)
        add_time_left(b, (uint64_t)((double)elapsed_ns * (1.0 - share) / share / 1e9));
}

static void draw(struct progress *g, struct pipeline *p, uint64_t now)
{
    uint64_t done = 0, total = 0, events = 0;
    bool known = true;
    struct buf b;

    for (uint32_t i = 0; i < pipeline_n_sources(p); i++) {
        struct source_info info;

        pipeline_source(p, i, &info);
        done += info.progress.done;
        total += info.progress.total;
        known = known && info.progress.total;
        events += info.stats.events;
    }
    buf_init(&b, 256);
    buf_adds(&b, "\r");
    progress_line(&b, done, known ? total : 0, events,
                  (uint64_t)((double)(events - g->last_events) * 1e9 / (double)(now - g->last_ns)),
                  now - g->began_ns);
    buf_adds(&b, "\033[K\r");
    (void)!write(STDERR_FILENO, b.p, b.len);
    buf_free(&b);
    g->drawn = true;
    g->last_events = events;
}

uint64_t progress_tick(struct progress *g, struct pipeline *p)
{
    uint64_t now = clock_ns(), due = g->last_ns + EVERY_NS;

    if (!g->on)
        return UINT64_MAX;
    if (due < g->began_ns + NS_S)
        due = g->began_ns + NS_S;
    if (now < due)
        return due - now;
    draw(g, p, now);
    g->last_ns = now;
    return EVERY_NS;
}

void progress_end(struct progress *g)
{
    if (g->drawn)
        (void)!write(STDERR_FILENO, "\r\033[K", 4);
    g->drawn = false;
}
