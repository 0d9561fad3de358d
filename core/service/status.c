/* SPDX-License-Identifier: Apache-2.0 */
/* What `gyr status` prints, as JSON. */
#include "service/figures.h"

#include "alert/json.h"
#include "base/version.h"

#include <gyr/plugin.h>
#include <string.h>
#include <unistd.h>

enum { RULES_TOLD = 100 };

static void key(struct buf *b, const char *name)
{
    char before = b->len ? b->p[b->len - 1] : '{';

    if (before != '{' && before != '[')
        buf_addc(b, ',');
    buf_addf(b, "\"%s\":", name);
}

static void text(struct buf *b, const char *name, const char *s)
{
    key(b, name);
    if (s)
        json_add_str(b, s, strlen(s));
    else
        buf_adds(b, "null");
}

static void number(struct buf *b, const char *name, uint64_t n)
{
    key(b, name);
    buf_addf(b, "%llu", (unsigned long long)n);
}

static void seconds(struct buf *b, const char *name, double s)
{
    key(b, name);
    buf_addf(b, "%.6f", s);
}

static void truth(struct buf *b, const char *name, bool v)
{
    key(b, name);
    buf_adds(b, v ? "true" : "false");
}

/* In a list, the next one. */
static void next(struct buf *b)
{
    if (b->p[b->len - 1] != '[')
        buf_addc(b, ',');
    buf_addc(b, '{');
}

static void add_instance(struct buf *b, struct instance *inst)
{
    const char *const *names = NULL;
    const uint64_t *values = NULL;
    uint32_t n = instance_metrics(inst, &names, &values);
    const struct plugin *pl = inst->plugin;

    text(b, "name", inst->name);
    text(b, "plugin", pl->desc.name);
    text(b, "version", pl->desc.version);
    text(b, "path", pl->path);
    key(b, "counters");
    buf_addc(b, '{');
    for (uint32_t i = 0; i < n; i++) {
        if (i)
            buf_addc(b, ',');
        json_add_str(b, names[i], strlen(names[i]));
        buf_addf(b, ":%llu", (unsigned long long)values[i]);
    }
    buf_addc(b, '}');
}

static void add_lost(struct buf *b, const struct figures *r, uint32_t i)
{
    uint64_t by_class[2] = {0};

    for (uint32_t cls = 0; cls < LOSS_CLASSES; cls++)
        for (uint32_t cpu = 0; cpu < LOSS_CPUS; cpu++)
            by_class[cls == GYR_LOSS_STATE] += pipeline_lost(r->pipeline, i, cls, cpu);
    number(b, "lost_state", by_class[1]);
    number(b, "lost_other", by_class[0]);
}

static const char *state_of(const struct source_info *s)
{
    if (s->runs)
        return s->ready ? "running" : "starting";
    return s->failed ? "failed" : "stopped";
}

static void add_enrichers(struct buf *b, const struct figures *r, uint32_t i)
{
    key(b, "enrichers");
    buf_addc(b, '[');
    for (uint32_t k = 0; k < pipeline_n_enrichers(r->pipeline, i); k++) {
        struct enricher_info e;

        pipeline_enricher(r->pipeline, i, k, &e);
        next(b);
        add_instance(b, e.instance);
        buf_addc(b, '}');
    }
    buf_addc(b, ']');
}

static void add_sources(struct buf *b, const struct figures *r)
{
    key(b, "sources");
    buf_addc(b, '[');
    for (uint32_t i = 0; i < r->n_sources; i++) {
        const struct source_info *s = &r->sources[i];

        next(b);
        add_instance(b, s->instance);
        text(b, "state", state_of(s));
        truth(b, "live", s->is_live);
        number(b, "restarts", s->restarts);
        seconds(b, "in_batch_for", (double)s->busy_ns / 1e9);
        for (size_t k = 0; k < n_source_counters; k++)
            number(b, source_counters[k].name, counter_value(&source_counters[k], &s->stats));
        number(b, "parked_now", s->stats.park.now);
        add_lost(b, r, i);
        add_enrichers(b, r, i);
        buf_addc(b, '}');
    }
    buf_addc(b, ']');
}

static void add_outputs(struct buf *b, const struct figures *r)
{
    key(b, "outputs");
    buf_addc(b, '[');
    for (uint32_t i = 0; i < r->n_outputs; i++) {
        const struct output_info *o = &r->outputs[i];
        const struct latency *l = &o->stats.latency;

        next(b);
        add_instance(b, o->instance);
        for (size_t k = 0; k < n_output_counters; k++)
            number(b, output_counters[k].name, counter_value(&output_counters[k], &o->stats));
        seconds(b, "oldest", o->stats.queued ? (double)o->stats.oldest_ns / 1e9 : 0);
        key(b, "delivery");
        buf_addc(b, '{');
        seconds(b, "mean", l->n ? (double)l->sum_ns / (double)l->n / 1e9 : 0);
        seconds(b, "p50", (double)latency_permille(l, 500) / 1e9);
        seconds(b, "p99", (double)latency_permille(l, 990) / 1e9);
        seconds(b, "p999", (double)latency_permille(l, 999) / 1e9);
        seconds(b, "max", (double)l->max_ns / 1e9);
        buf_adds(b, "}}");
    }
    buf_addc(b, ']');
}

static void add_rules(struct buf *b, const struct figures *r)
{
    key(b, "top_rules");
    buf_addc(b, '[');
    for (uint32_t i = 0; i < r->n_rules && i < RULES_TOLD; i++) {
        next(b);
        text(b, "rule", r->rules[i].name);
        text(b, "priority", priority_name(r->rules[i].priority));
        number(b, "alerts", r->rules[i].n);
        buf_addc(b, '}');
    }
    buf_addc(b, ']');
}

static void add_generation(struct buf *b, const struct figures *r)
{
    const struct ruleset *rules = pipeline_generation(r->pipeline)->rules;

    number(b, "generation", r->reloads.generation);
    number(b, "rules", rules->n_rules);
    number(b, "rules_enabled", ruleset_n_enabled(rules));
    key(b, "reloads");
    buf_addc(b, '{');
    number(b, "succeeded", r->reloads.succeeded);
    number(b, "failed", r->reloads.failed);
    seconds(b, "last", (double)r->reloads.last_ns / 1e9);
    truth(b, "last_failed", r->reloads.last_failed);
    text(b, "error", r->reloads.error);
    buf_addc(b, '}');
}

void status_write(struct buf *b, const struct figures *r)
{
    const char *state = r->stopping ? "ending" : r->health.ready ? "ready" : "starting";

    buf_addc(b, '{');
    text(b, "version", GYR_VERSION);
    number(b, "pid", (uint64_t)getpid());
    text(b, "state", r->health.alive ? state : "stuck");
    text(b, "reason", r->health.why);
    truth(b, "healthy", r->health.alive);
    truth(b, "ready", r->health.ready);
    seconds(b, "uptime", (double)r->uptime_ns / 1e9);
    text(b, "config", r->config_path);
    add_generation(b, r);
    number(b, "events", r->events);
    number(b, "alerts", r->alerts);
    number(b, "lost", r->lost);
    add_sources(b, r);
    add_outputs(b, r);
    add_rules(b, r);
    key(b, "process");
    buf_addc(b, '{');
    seconds(b, "cpu_seconds", r->use.cpu_seconds);
    number(b, "resident_bytes", r->use.resident);
    number(b, "open_fds", r->use.open_fds);
    buf_adds(b, "}}\n");
}
