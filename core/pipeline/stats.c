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
    (void)pthread_mutex_unlock(&s->lock);
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
    return p->sources[source].lost[cls][cpu];
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

static void add_count(struct rule_count *list, uint32_t *n, const struct rule_count *c)
{
    for (uint32_t i = 0; i < *n; i++)
        if (strcmp(list[i].name, c->name) == 0) {
            list[i].n += c->n;
            return;
        }
    list[(*n)++] = *c;
}

int pipeline_rule_counts(const struct pipeline *p, struct rule_count **ret)
{
    uint32_t n = 0, max = 0;
    struct rule_count *list;

    for (uint32_t i = 0; i < p->n_sources; i++)
        max += p->sources[i].rules.n;
    list = calloc(max + 1, sizeof(*list));
    if (!list)
        return -ENOMEM;
    for (uint32_t i = 0; i < p->n_sources; i++)
        for (uint32_t k = 0; k < p->sources[i].rules.n; k++)
            add_count(list, &n, p->sources[i].rules.slots[k].value);
    qsort(list, n, sizeof(*list), by_count);
    *ret = list;
    return (int)n;
}
