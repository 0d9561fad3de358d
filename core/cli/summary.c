/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/summary.h"

#include "base/num.h"
#include "cli/progress.h"
#include "cli/record.h"

#include <stdlib.h>
#include <sys/resource.h>

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static void add_speed(struct buf *b, uint64_t events, const struct summary_conf *conf)
{
    struct rusage ru = {0};
    double s = (double)conf->elapsed_ns / 1e9;

    (void)getrusage(RUSAGE_SELF, &ru);
    buf_add_grouped(b, events);
    buf_addf(b, " events in %.2f s (", s);
    buf_add_grouped(b, s > 0 ? (uint64_t)((double)events / s) : 0);
    buf_addf(b, " events/s), %.2f s of CPU time, %ld MB of memory\n",
             seconds(ru.ru_utime) + seconds(ru.ru_stime), ru.ru_maxrss / 1024);
}

static void add_rules(struct buf *b, const struct pipeline *p)
{
    struct rule_count *rules = NULL;
    int n = pipeline_rule_counts(p, &rules);
    uint64_t sum = 0;

    for (int i = 0; i < n; i++)
        sum += rules[i].n;
    buf_add_grouped(b, sum);
    buf_addf(b, " alert%s%s\n", sum == 1 ? "" : "s", sum ? ":" : "");
    for (int i = 0; i < n; i++)
        buf_addf(b, "  %8llu  %-13s %s\n", (unsigned long long)rules[i].n,
                 priority_name(rules[i].priority), rules[i].name);
    free(rules);
}

/* A counter that is zero is of interest only to who asked for all. */
static void add_count(struct buf *b, const char *who, uint64_t n, const char *what, bool all)
{
    if (!n && !all)
        return;
    buf_addf(b, "%s: ", who);
    buf_add_grouped(b, n);
    buf_addf(b, " %s\n", what);
}

static void add_reloads(struct buf *b, const struct pipeline *p, bool all)
{
    struct reload_stats s;

    pipeline_reloads(p, &s);
    if (!all && !s.failed)
        return;
    buf_addf(b, "generation %u at the end; %llu loaded anew, %llu could not be\n", s.generation,
             (unsigned long long)s.succeeded, (unsigned long long)s.failed);
}

static void add_losses(struct buf *b, const struct pipeline *p, uint32_t i, const char *name)
{
    for (uint32_t cls = 0; cls < LOSS_CLASSES; cls++)
        for (uint32_t cpu = 0; cpu < LOSS_CPUS; cpu++) {
            uint64_t n = pipeline_lost(p, i, cls, cpu);

            if (n && cpu == LOSS_CPUS - 1)
                buf_addf(b, "%s:   %llu of class %u\n", name, (unsigned long long)n, cls);
            else if (n)
                buf_addf(b, "%s:   %llu of class %u on CPU %u\n", name, (unsigned long long)n, cls,
                         cpu);
        }
}

static void add_metrics(struct buf *b, const char *who, struct instance *inst)
{
    const char *const *names = NULL;
    const uint64_t *values = NULL;
    uint32_t n = instance_metrics(inst, &names, &values);

    for (uint32_t i = 0; i < n; i++)
        buf_addf(b, "%s: %s %llu\n", who, names[i], (unsigned long long)values[i]);
}

static void add_source(struct buf *b, struct pipeline *p, uint32_t i, bool all)
{
    struct source_info s;
    char who[96];

    pipeline_source(p, i, &s);
    (void)snprintf(who, sizeof(who), "source %.80s", s.name);
    add_count(b, who, s.stats.lost, "events lost before they reached us", all);
    add_losses(b, p, i, who);
    add_count(b, who, s.stats.malformed, "malformed records left out", all);
    if (all)
        add_count(b, who, s.stats.snapshots, "snapshot and internal events", all);
    add_count(b, who, s.stats.emitted, "events put in by enrichers", all);
    add_count(b, who, s.stats.emit_refused, "of them refused, the queue being full", all);
    add_count(b, who, s.stats.enricher_errors, "events an enricher did not understand", all);
    add_count(b, who, s.stats.alerts_lost, "alerts lost for want of memory", all);
    add_count(b, who, s.stats.scratch_full, "values too large for the scratch memory", all);
    add_count(b, who, s.stats.park.parked, "events parked until a value was known", all);
    add_count(b, who, s.stats.park.expired, "of them decided by the deadline", all);
    add_count(b, who, s.stats.park.full, "events not parked, the lot being full", all);
    add_count(b, who, s.restarts, "restarts", all);
    if (all)
        add_metrics(b, who, s.instance);
    for (uint32_t k = 0; all && k < pipeline_n_enrichers(p, i); k++) {
        struct enricher_info e;

        pipeline_enricher(p, i, k, &e);
        (void)snprintf(who, sizeof(who), "enricher %.80s", e.name);
        add_metrics(b, who, e.instance);
    }
}

static void add_latency(struct buf *b, const char *who, const struct latency *l)
{
    if (!l->n)
        return;
    buf_addf(b, "%s: delivered within ", who);
    buf_add_duration(b, l->sum_ns / l->n / 1000 * 1000);
    buf_adds(b, " (mean), ");
    buf_add_duration(b, latency_permille(l, 990) / 1000 * 1000);
    buf_adds(b, " (p99), ");
    buf_add_duration(b, latency_permille(l, 999) / 1000 * 1000);
    buf_adds(b, " (p99.9), ");
    buf_add_duration(b, l->max_ns / 1000 * 1000);
    buf_adds(b, " (longest)\n");
}

static void add_output(struct buf *b, struct pipeline *p, uint32_t i, bool all)
{
    struct output_info o;
    char who[96];

    pipeline_output(p, i, &o);
    (void)snprintf(who, sizeof(who), "output %.80s", o.name);
    if (all) {
        add_count(b, who, o.stats.accepted, "alerts taken", all);
        add_count(b, who, o.stats.resumed, "of them from the spool, by earlier runs", all);
        add_count(b, who, o.stats.delivered, "alerts delivered", all);
    }
    add_count(b, who, o.stats.retried, "offers repeated", all);
    add_count(b, who, o.stats.failed, "alerts dead: refused for good, or put off for too long",
              all);
    add_count(b, who, o.stats.dropped, "alerts dropped", all);
    add_count(b, who, o.stats.suppressed, "alerts suppressed: muted, repeated or too many", all);
    add_count(b, who, o.stats.kept, "of the dead and dropped kept as dead letters", all);
    add_count(b, who, o.stats.queued, "alerts waiting", all);
    if (o.stats.queued) {
        buf_addf(b, "%s: the oldest waits for ", who);
        buf_add_duration(b, o.stats.oldest_ns / 1000000 * 1000000);
        buf_addc(b, '\n');
    }
    if (!all)
        return;
    add_latency(b, who, &o.stats.latency);
    add_metrics(b, who, o.instance);
}

void summary_print(FILE *f, struct pipeline *p, const struct summary_conf *conf)
{
    uint64_t events = 0;
    struct buf b;

    buf_init(&b, 1 << 20);
    for (uint32_t i = 0; i < pipeline_n_sources(p); i++) {
        struct source_info s;

        pipeline_source(p, i, &s);
        events += s.stats.events;
    }
    if (conf->interrupted)
        buf_adds(&b, "interrupted\n");
    add_speed(&b, events, conf);
    if (!conf->no_rules)
        add_rules(&b, p);
    add_reloads(&b, p, conf->all);
    for (uint32_t i = 0; i < pipeline_n_sources(p); i++)
        add_source(&b, p, i, conf->all);
    for (uint32_t i = 0; i < pipeline_n_outputs(p); i++)
        add_output(&b, p, i, conf->all);
    (void)fwrite(b.p, 1, b.len, f);
    buf_free(&b);
    record_print(f, p);
}

uint64_t summary_undelivered(struct pipeline *p)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i < pipeline_n_outputs(p); i++) {
        struct output_info o;

        pipeline_output(p, i, &o);
        n += o.stats.failed + o.stats.dropped;
    }
    return n;
}
