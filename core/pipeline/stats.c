/* SPDX-License-Identifier: Apache-2.0 */
/* What a pipeline tells of itself. */
#include "pipeline/pipeline_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const struct schemas *pipeline_schemas(const struct pipeline *p)
{
    return &p->schemas;
}

const struct generation *pipeline_generation(const struct pipeline *p)
{
    return p->gen;
}

const struct plugin *pipeline_enricher_plugin(const struct pipeline *p, uint32_t i)
{
    return p->enricher_plugins[i];
}

uint32_t pipeline_n_sources(const struct pipeline *p)
{
    return p->n_sources;
}

void pipeline_source(struct pipeline *p, uint32_t i, struct source_info *ret)
{
    struct source *s = &p->sources[i];

    *ret = (struct source_info){.name = s->name,
                                .plugin = s->plugin,
                                .is_live = s->is_live,
                                .restarts = s->restarts,
                                .instance = s->inst};
    (void)pthread_mutex_lock(&s->lock);
    ret->stats = s->published;
    ret->failed = s->state == SOURCE_DONE && s->failed;
    ret->runs = s->state == SOURCE_RUNNING;
    (void)pthread_mutex_unlock(&s->lock);
    ret->ready = ret->runs && atomic_load_explicit(&s->ready, memory_order_relaxed);
    ret->waits = ret->runs && atomic_load_explicit(&s->offers, memory_order_relaxed);
    if (ret->runs) {
        uint64_t beat = atomic_load_explicit(&s->beat_ns, memory_order_relaxed);
        uint64_t now = clock_ns();

        ret->busy_ns = now > beat ? now - beat : 0;
    }
    ret->progress.size = sizeof(ret->progress);
    if (s->ops->progress)
        s->ops->progress(s->inst->self, &ret->progress);
}

uint32_t pipeline_n_enrichers(const struct pipeline *p, uint32_t i)
{
    return p->sources[i].n_enrichers;
}

void pipeline_enricher(const struct pipeline *p, uint32_t i, uint32_t k, struct enricher_info *ret)
{
    const struct enricher *e = &p->sources[i].enrichers[k];

    *ret = (struct enricher_info){
        .name = e->inst->name, .plugin = e->inst->plugin, .instance = e->inst};
}

uint64_t pipeline_lost(const struct pipeline *p, uint32_t source, uint32_t cls, uint32_t cpu)
{
    return atomic_load_explicit(&p->sources[source].lost[cls][cpu], memory_order_relaxed);
}

uint32_t pipeline_n_outputs(const struct pipeline *p)
{
    return p->n_sinks;
}

void pipeline_output(struct pipeline *p, uint32_t i, struct output_info *ret)
{
    struct sink *k = &p->sinks[i];

    *ret = (struct output_info){.name = k->conf->name, .plugin = k->plugin, .instance = k->inst};
    delivery_stats(k->delivery, &ret->stats);
}

static int by_count(const void *a, const void *b)
{
    const struct rule_count *x = a, *y = b;

    if (x->n != y->n)
        return x->n < y->n ? 1 : -1;
    return strcmp(x->name, y->name);
}

static int by_name(const void *a, const void *b)
{
    const struct rule_count *x = a, *y = b;

    return strcmp(x->name, y->name);
}

static uint32_t copy_tallies(struct source *s, struct rule_count *list, uint32_t cap)
{
    uint32_t n = 0;

    (void)pthread_mutex_lock(&s->lock);
    for (; n < s->rules.n && n < cap; n++) {
        const struct rule_tally *t = s->rules.slots[n].value;

        list[n] = (struct rule_count){.name = t->name,
                                      .n = atomic_load_explicit(&t->n, memory_order_relaxed),
                                      .priority =
                                          atomic_load_explicit(&t->priority, memory_order_relaxed)};
    }
    (void)pthread_mutex_unlock(&s->lock);
    return n;
}

static uint32_t n_tallies(struct source *s)
{
    uint32_t n;

    (void)pthread_mutex_lock(&s->lock);
    n = s->rules.n;
    (void)pthread_mutex_unlock(&s->lock);
    return n;
}

int pipeline_rule_counts(const struct pipeline *p, struct rule_count **ret)
{
    uint32_t n = 0, max = 0, last = 0;
    struct rule_count *list;

    for (uint32_t i = 0; i < p->n_sources; i++)
        max += n_tallies(&p->sources[i]);
    list = calloc(max + 1, sizeof(*list));
    if (!list)
        return -ENOMEM;
    for (uint32_t i = 0; i < p->n_sources; i++)
        n += copy_tallies(&p->sources[i], list + n, max - n);
    qsort(list, n, sizeof(*list), by_name); /* several sources may have the rule */
    for (uint32_t i = 1; i < n; i++) {
        if (strcmp(list[i].name, list[last].name) == 0)
            list[last].n += list[i].n;
        else
            list[++last] = list[i];
    }
    n = n ? last + 1 : 0;
    qsort(list, n, sizeof(*list), by_count);
    *ret = list;
    return (int)n;
}
