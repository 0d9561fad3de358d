/* SPDX-License-Identifier: Apache-2.0 */
/* Prometheus' text format: families one after the other, each with HELP and TYPE. */
#include "service/figures.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "base/version.h"

#include <gyr/plugin.h>
#include <string.h>

/* Edges of the histogram of latencies: powers of two, where the buckets that are kept end, too. */
enum { LATENCY_LOG_MIN = 16, LATENCY_LOG_MAX = 36, LATENCY_LOG_STEP = 2 };

static void family(struct buf *b, const char *name, const char *type, const char *help)
{
    buf_addf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* In quotes; what is no UTF-8 becomes U+FFFD. */
static void add_label_value(struct buf *b, const char *s)
{
    buf_addc(b, '"');
    while (*s) {
        size_t n = utf8_len(s, strlen(s));

        if (*s == '\\' || *s == '"') {
            buf_addc(b, '\\');
            buf_addc(b, *s);
        } else if (*s == '\n') {
            buf_adds(b, "\\n");
        } else if (n) {
            buf_add(b, s, n);
        } else {
            buf_adds(b, "\xef\xbf\xbd");
        }
        s += n ? n : 1;
    }
    buf_addc(b, '"');
}

/* Pairs of a label and its value. */
#define LABELS(...)                                                                                \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }

/* name{label="value",...}, and a blank; the number follows. */
static void sample(struct buf *b, const char *name, const char *const *labels)
{
    char before = '{';

    buf_adds(b, name);
    for (; labels[0]; labels += 2) {
        buf_addc(b, before);
        buf_adds(b, labels[0]);
        buf_addc(b, '=');
        add_label_value(b, labels[1]);
        before = ',';
    }
    buf_adds(b, "} ");
}

static void add_u64(struct buf *b, uint64_t n)
{
    buf_addf(b, "%llu\n", (unsigned long long)n);
}

static void add_seconds(struct buf *b, uint64_t ns)
{
    buf_addf(b, "%.9f\n", (double)ns / 1e9);
}

/* ---- sources ---- */

static const char *loss_class(uint32_t cls)
{
    return cls == GYR_LOSS_STATE ? "state" : "other";
}

static void add_loss(struct buf *b, const struct figures *r, uint32_t i, uint32_t cls, uint32_t cpu)
{
    uint64_t n = pipeline_lost(r->pipeline, i, cls, cpu);
    char name[16] = "other";

    if (cls > GYR_LOSS_STATE) /* a class that nobody has: once, with those of "other" */
        return;
    for (uint32_t c = LOSS_CLASSES - 1; cls == GYR_LOSS_OTHER && c > GYR_LOSS_STATE; c--)
        n += pipeline_lost(r->pipeline, i, c, cpu);
    if (!n)
        return;
    if (cpu != LOSS_CPUS - 1)
        (void)snprintf(name, sizeof(name), "%u", cpu);
    sample(b, "gyr_lost_events_total",
           LABELS("source", r->sources[i].name, "class", loss_class(cls), "cpu", name));
    add_u64(b, n);
}

static void add_losses(struct buf *b, const struct figures *r)
{
    family(b, "gyr_lost_events_total", "counter",
           "Events lost before they reached Gyr: of class state (they build what is known of "
           "processes and files) or other, by CPU.");
    for (uint32_t i = 0; i < r->n_sources; i++)
        for (uint32_t cls = 0; cls < LOSS_CLASSES; cls++)
            for (uint32_t cpu = 0; cpu < LOSS_CPUS; cpu++)
                add_loss(b, r, i, cls, cpu);
}

static void add_of_source(struct buf *b, const char *metric, const struct source_info *s,
                          uint64_t value)
{
    sample(b, metric, LABELS("source", s->name));
    add_u64(b, value);
}

static void add_states(struct buf *b, const struct figures *r)
{
    family(b, "gyr_parked_events", "gauge", "Events that wait for a value now.");
    for (uint32_t i = 0; i < r->n_sources; i++)
        add_of_source(b, "gyr_parked_events", &r->sources[i], r->sources[i].stats.park.now);
    family(b, "gyr_parked_bytes", "gauge", "Memory that they take.");
    for (uint32_t i = 0; i < r->n_sources; i++)
        add_of_source(b, "gyr_parked_bytes", &r->sources[i], r->sources[i].stats.park.bytes);
    family(b, "gyr_source_up", "gauge", "Whether the source's thread runs.");
    for (uint32_t i = 0; i < r->n_sources; i++)
        add_of_source(b, "gyr_source_up", &r->sources[i], r->sources[i].runs);
    family(b, "gyr_source_restarts_total", "counter", "Starts after a failure.");
    for (uint32_t i = 0; i < r->n_sources; i++)
        add_of_source(b, "gyr_source_restarts_total", &r->sources[i], r->sources[i].restarts);
    family(b, "gyr_source_batch_age_seconds", "gauge",
           "For how long the source's thread has been in one batch.");
    for (uint32_t i = 0; i < r->n_sources; i++) {
        sample(b, "gyr_source_batch_age_seconds", LABELS("source", r->sources[i].name));
        add_seconds(b, r->sources[i].busy_ns);
    }
}

static void add_sources(struct buf *b, const struct figures *r)
{
    for (size_t k = 0; k < n_source_counters; k++) {
        const struct counter *c = &source_counters[k];

        family(b, c->metric, c->type, c->help);
        for (uint32_t i = 0; i < r->n_sources; i++)
            add_of_source(b, c->metric, &r->sources[i], counter_value(c, &r->sources[i].stats));
    }
    add_losses(b, r);
    add_states(b, r);
}

/* ---- outputs ---- */

static void add_histogram(struct buf *b, const struct output_info *o)
{
    const struct latency *l = &o->stats.latency;
    char edge[32];

    for (uint32_t log = LATENCY_LOG_MIN; log <= LATENCY_LOG_MAX; log += LATENCY_LOG_STEP) {
        (void)snprintf(edge, sizeof(edge), "%.9g", (double)(UINT64_C(1) << log) / 1e9);
        sample(b, "gyr_output_delivery_seconds_bucket", LABELS("output", o->name, "le", edge));
        add_u64(b, latency_below(l, log));
    }
    sample(b, "gyr_output_delivery_seconds_bucket", LABELS("output", o->name, "le", "+Inf"));
    add_u64(b, l->n);
    sample(b, "gyr_output_delivery_seconds_sum", LABELS("output", o->name));
    add_seconds(b, l->sum_ns);
    sample(b, "gyr_output_delivery_seconds_count", LABELS("output", o->name));
    add_u64(b, l->n);
}

static void add_outputs(struct buf *b, const struct figures *r)
{
    for (size_t k = 0; k < n_output_counters; k++) {
        const struct counter *c = &output_counters[k];

        family(b, c->metric, c->type, c->help);
        for (uint32_t i = 0; i < r->n_outputs; i++) {
            sample(b, c->metric, LABELS("output", r->outputs[i].name));
            add_u64(b, counter_value(c, &r->outputs[i].stats));
        }
    }
    family(b, "gyr_output_oldest_seconds", "gauge", "For how long the oldest alert has waited.");
    for (uint32_t i = 0; i < r->n_outputs; i++) {
        sample(b, "gyr_output_oldest_seconds", LABELS("output", r->outputs[i].name));
        add_seconds(b, r->outputs[i].stats.queued ? r->outputs[i].stats.oldest_ns : 0);
    }
    family(b, "gyr_output_delivery_seconds", "histogram",
           "From the queue to the output's \"I have it\".");
    for (uint32_t i = 0; i < r->n_outputs; i++)
        add_histogram(b, &r->outputs[i]);
}

/* ---- rules, plugins, the program ---- */

static void add_rules(struct buf *b, const struct figures *r)
{
    family(b, "gyr_alerts_total", "counter", "Matches of rules, since the start.");
    for (uint32_t i = 0; i < r->n_rules; i++) {
        sample(b, "gyr_alerts_total",
               LABELS("rule", r->rules[i].name, "priority", priority_name(r->rules[i].priority)));
        add_u64(b, r->rules[i].n);
    }
}

static void add_instance(struct buf *b, const char *kind, const char *source, struct instance *inst)
{
    const char *const *names = NULL;
    const uint64_t *values = NULL;
    uint32_t n = instance_metrics(inst, &names, &values);

    for (uint32_t i = 0; i < n; i++) {
        sample(b, "gyr_plugin_total",
               LABELS("kind", kind, "instance", inst->name, "plugin", inst->plugin->desc.name,
                      "source", source, "name", names[i]));
        add_u64(b, values[i]);
    }
}

static void add_plugins(struct buf *b, const struct figures *r)
{
    family(b, "gyr_plugin_total", "counter", "What plugins count themselves.");
    for (uint32_t i = 0; i < r->n_sources; i++) {
        add_instance(b, "source", r->sources[i].name, r->sources[i].instance);
        for (uint32_t k = 0; k < pipeline_n_enrichers(r->pipeline, i); k++) {
            struct enricher_info e;

            pipeline_enricher(r->pipeline, i, k, &e);
            add_instance(b, "enricher", r->sources[i].name, e.instance);
        }
    }
    for (uint32_t i = 0; i < r->n_outputs; i++)
        add_instance(b, "output", "", r->outputs[i].instance);
}

static void add_gauge(struct buf *b, const char *name, const char *help, double value)
{
    family(b, name, "gauge", help);
    buf_addf(b, "%s %.17g\n", name, value);
}

static void add_generation(struct buf *b, const struct figures *r)
{
    const struct ruleset *rules = pipeline_generation(r->pipeline)->rules;

    add_gauge(b, "gyr_generation", "Number of the generation in force; 1: the start's.",
              r->reloads.generation);
    add_gauge(b, "gyr_rules", "Rules loaded.", rules->n_rules);
    add_gauge(b, "gyr_rules_enabled", "Of these, rules enabled.", ruleset_n_enabled(rules));
    family(b, "gyr_reloads_total", "counter", "Configurations loaded anew, by what became of it.");
    sample(b, "gyr_reloads_total", LABELS("result", "succeeded"));
    add_u64(b, r->reloads.succeeded);
    sample(b, "gyr_reloads_total", LABELS("result", "failed"));
    add_u64(b, r->reloads.failed);
    add_gauge(b, "gyr_last_reload_timestamp_seconds", "When the last was; 0: there was none.",
              (double)r->reloads.last_ns / 1e9);
    add_gauge(b, "gyr_last_reload_failed", "Whether the last failed.", r->reloads.last_failed);
}

static void add_process(struct buf *b, const struct figures *r)
{
    family(b, "gyr_build_info", "gauge", "Version, as labels.");
    buf_addf(b, "gyr_build_info{version=\"%s\",abi=\"%u.%u\"} 1\n", GYR_VERSION, GYR_ABI_MAJOR,
             GYR_ABI_MINOR);
    add_gauge(b, "gyr_ready", "As /readyz says.", r->health.ready);
    add_gauge(b, "gyr_healthy", "As /healthz says.", r->health.alive);
    family(b, "process_cpu_seconds_total", "counter", "CPU time of this process.");
    buf_addf(b, "process_cpu_seconds_total %.6f\n", r->use.cpu_seconds);
    add_gauge(b, "process_resident_memory_bytes", "Memory of this process.",
              (double)r->use.resident);
    add_gauge(b, "process_virtual_memory_bytes", "Addresses of this process.",
              (double)r->use.virtual_size);
    add_gauge(b, "process_open_fds", "Descriptors that are open.", (double)r->use.open_fds);
    add_gauge(b, "process_max_fds", "Descriptors that may be open.", (double)r->use.max_fds);
    add_gauge(b, "process_start_time_seconds", "When this process began.",
              (double)r->started_ns / 1e9);
}

void metrics_write(struct buf *b, const struct figures *r)
{
    add_sources(b, r);
    add_rules(b, r);
    add_outputs(b, r);
    add_plugins(b, r);
    add_generation(b, r);
    add_process(b, r);
}
