/* SPDX-License-Identifier: Apache-2.0 */
#include "service/figures.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/fs.h"
#include "base/num.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define SOURCE_COUNTER(member, metric, help)                                                       \
    {                                                                                              \
#member, metric, help, "counter", offsetof(struct source_stats, member)                    \
    }
#define OUTPUT_COUNTER(member, metric, help)                                                       \
    {                                                                                              \
#member, metric, help, "counter", offsetof(struct delivery_stats, member)                  \
    }

const struct counter source_counters[] = {
    SOURCE_COUNTER(events, "gyr_events_total", "Events that rules saw."),
    SOURCE_COUNTER(snapshots, "gyr_snapshot_events_total", "Snapshot and internal events."),
    SOURCE_COUNTER(alerts, "gyr_source_alerts_total", "Matches of rules."),
    SOURCE_COUNTER(lost, "gyr_source_lost_events_total", "Events lost before they reached Gyr."),
    SOURCE_COUNTER(malformed, "gyr_malformed_events_total", "Malformed records left out."),
    SOURCE_COUNTER(emitted, "gyr_emitted_events_total", "Events put in by enrichers."),
    SOURCE_COUNTER(emit_refused, "gyr_emit_refused_total",
                   "Events of enrichers refused, the queue being full."),
    SOURCE_COUNTER(enricher_errors, "gyr_enricher_errors_total",
                   "Events that an enricher did not understand."),
    SOURCE_COUNTER(alerts_lost, "gyr_alerts_lost_total", "Alerts lost for want of memory."),
    SOURCE_COUNTER(scratch_full, "gyr_scratch_full_total",
                   "Values too large for the scratch memory."),
    {"parked", "gyr_parked_events_total", "Events parked until a value was known.", "counter",
     offsetof(struct source_stats, park.parked)},
    {"park_resolved", "gyr_parked_resolved_total", "Parked events decided because answers came.",
     "counter", offsetof(struct source_stats, park.resolved)},
    {"park_expired", "gyr_parked_expired_total", "Parked events decided by the deadline.",
     "counter", offsetof(struct source_stats, park.expired)},
    {"park_full", "gyr_parked_refused_total", "Events not parked, the lot being full.", "counter",
     offsetof(struct source_stats, park.full)},
};
const size_t n_source_counters = ARRAY_LEN(source_counters);

const struct counter output_counters[] = {
    OUTPUT_COUNTER(accepted, "gyr_output_accepted_total", "Alerts taken into the queue."),
    OUTPUT_COUNTER(resumed, "gyr_output_resumed_total",
                   "Alerts taken from the spool that earlier runs left there."),
    OUTPUT_COUNTER(delivered, "gyr_output_delivered_total", "Alerts that the output has."),
    OUTPUT_COUNTER(retried, "gyr_output_retried_total", "Offers that had to be repeated."),
    OUTPUT_COUNTER(failed, "gyr_output_dead_total",
                   "Alerts dead: refused for good, or put off for too long."),
    OUTPUT_COUNTER(dropped, "gyr_output_dropped_total",
                   "Alerts dropped: the queue was full, or they were given up at the end."),
    OUTPUT_COUNTER(kept, "gyr_output_dead_letters_total",
                   "Dead and dropped alerts kept as dead letters."),
    OUTPUT_COUNTER(suppressed, "gyr_output_suppressed_total",
                   "Alerts suppressed: muted, repeated or too many."),
    {"queued", "gyr_output_queue_alerts", "Alerts waiting, those in the spool included.", "gauge",
     offsetof(struct delivery_stats, queued)},
};
const size_t n_output_counters = ARRAY_LEN(output_counters);

uint64_t counter_value(const struct counter *c, const void *stats)
{
    uint64_t u;

    memcpy(&u, (const char *)stats + c->offset, sizeof(u));
    return u;
}

/* ---- health ---- */

static void look_at_source(const struct source_info *s, uint64_t stuck_ns, struct health *h)
{
    bool told = h->why[0];

    if (s->runs && s->busy_ns >= stuck_ns && !s->waits) {
        h->alive = false;
        (void)snprintf(h->why, sizeof(h->why), "source '%.80s' has been in one batch for %llu s",
                       s->name, (unsigned long long)(s->busy_ns / 1000000000));
    } else if (!s->runs) {
        h->ready = false;
        if (!told)
            (void)snprintf(h->why, sizeof(h->why), "source '%.80s' %s", s->name,
                           s->failed ? "has failed" : "does not run");
    } else if (!s->ready) {
        h->ready = false;
        if (!told)
            (void)snprintf(h->why, sizeof(h->why), "source '%.80s' still tells its first snapshot",
                           s->name);
    } else if (s->waits && s->busy_ns >= stuck_ns && !told) {
        (void)snprintf(h->why, sizeof(h->why),
                       "source '%.80s' has been waiting for an output for %llu s", s->name,
                       (unsigned long long)(s->busy_ns / 1000000000));
    }
}

void health_look(struct pipeline *p, uint64_t stuck_ns, bool stopping, struct health *ret)
{
    *ret = (struct health){.alive = true, .ready = !stopping};
    if (stopping)
        (void)snprintf(ret->why, sizeof(ret->why), "the detector is ending");
    for (uint32_t i = 0; i < pipeline_n_sources(p) && !stopping; i++) {
        struct source_info s;

        pipeline_source(p, i, &s);
        look_at_source(&s, stuck_ns, ret);
    }
    ret->ready = ret->ready && ret->alive;
}

/* ---- this process ---- */

static uint64_t count_fds(void)
{
    DIR *d = opendir("/proc/self/fd");
    uint64_t n = 0;

    if (!d)
        return 0;
    for (const struct dirent *e; (e = readdir(d));)
        n += e->d_name[0] != '.';
    (void)closedir(d);
    return n ? n - 1 : 0; /* without this folder's */
}

static void look_at_process(struct process_use *u)
{
    const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    struct rusage ru = {0};
    struct rlimit limit;
    struct gyr_error err;
    char *text = NULL;
    size_t len;

    (void)getrusage(RUSAGE_SELF, &ru);
    *u = (struct process_use){.cpu_seconds =
                                  (double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) +
                                  (double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e6,
                              .open_fds = count_fds()};
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        u->max_fds = limit.rlim_cur;
    if (read_file("/proc/self/statm", 4096, &text, &len, &err) == 0) {
        size_t first = strcspn(text, " "), second;

        second = text[first] ? strcspn(text + first + 1, " ") : 0;
        if (parse_u64(text, first, &u->virtual_size) == 0)
            u->virtual_size *= page;
        if (second && parse_u64(text + first + 1, second, &u->resident) == 0)
            u->resident *= page;
    }
    free(text);
}

/* ---- all of it ---- */

int figures_gather(struct figures *r)
{
    struct timespec now;
    int n;

    r->n_sources = pipeline_n_sources(r->pipeline);
    r->n_outputs = pipeline_n_outputs(r->pipeline);
    r->sources = calloc(r->n_sources + 1, sizeof(*r->sources));
    r->outputs = calloc(r->n_outputs + 1, sizeof(*r->outputs));
    n = r->sources && r->outputs ? pipeline_rule_counts(r->pipeline, &r->rules) : -ENOMEM;
    if (n < 0) {
        figures_free(r);
        return n;
    }
    r->n_rules = (uint32_t)n;
    for (uint32_t i = 0; i < r->n_sources; i++) {
        pipeline_source(r->pipeline, i, &r->sources[i]);
        r->events += r->sources[i].stats.events;
        r->alerts += r->sources[i].stats.alerts;
        r->lost += r->sources[i].stats.lost;
    }
    for (uint32_t i = 0; i < r->n_outputs; i++)
        pipeline_output(r->pipeline, i, &r->outputs[i]);
    pipeline_reloads(r->pipeline, &r->reloads);
    look_at_process(&r->use);
    (void)clock_gettime(CLOCK_REALTIME, &now);
    r->uptime_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
    r->uptime_ns = r->uptime_ns > r->started_ns ? r->uptime_ns - r->started_ns : 0;
    return 0;
}

void figures_free(struct figures *r)
{
    free(r->sources);
    free(r->outputs);
    free(r->rules);
    r->sources = NULL;
    r->outputs = NULL;
    r->rules = NULL;
}
