/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/generation.h"

#include <errno.h>
#include <stdlib.h>

static void generation_free(struct generation *g)
{
    for (uint32_t i = 0; i < g->n_programs; i++)
        program_free(g->programs[i]);
    free(g->programs);
    ruleset_free(g->rules);
    free(g);
}

/* Every schema is tried, so that one load tells all that is wrong. */
static int compile(struct generation *g, const struct schemas *schemas, struct diags *d)
{
    int failed = 0;

    g->programs = calloc(schemas->n ? schemas->n : 1, sizeof(struct program *));
    if (!g->programs)
        return -ENOMEM;
    g->n_programs = schemas->n;
    for (uint32_t i = 0; i < schemas->n; i++) {
        int r = program_new(g->rules, schemas->list[i], d, &g->programs[i]);

        if (r < 0)
            failed = r;
    }
    return failed;
}

static struct generation *generation_alloc(uint32_t number)
{
    struct generation *g = calloc(1, sizeof(*g));

    if (g) {
        atomic_init(&g->refs, 1);
        g->number = number;
    }
    return g;
}

/* @param r whether the rules could be loaded. */
static int finish(struct generation *g, int r, const struct schemas *schemas, struct diags *d,
                  struct generation **ret)
{
    if (r == 0)
        r = compile(g, schemas, d);
    if (r < 0) {
        generation_free(g);
        return r;
    }
    *ret = g;
    return 0;
}

int generation_new(const struct ruleset_conf *conf, uint32_t number, struct diags *d,
                   struct generation **ret)
{
    struct generation *g = generation_alloc(number);

    return g ? finish(g, ruleset_load(conf, d, &g->rules), conf->schemas, d, ret) : -ENOMEM;
}

int generation_new_text(const struct ruleset_conf *conf, const char *path, const char *text,
                        size_t len, struct diags *d, struct generation **ret)
{
    struct generation *g = generation_alloc(0);

    return g ? finish(g, ruleset_load_text(conf, path, text, len, d, &g->rules), conf->schemas, d,
                      ret)
             : -ENOMEM;
}

struct generation *generation_ref(struct generation *g)
{
    atomic_fetch_add_explicit(&g->refs, 1, memory_order_relaxed);
    return g;
}

void generation_unref(struct generation *g)
{
    if (g && atomic_fetch_sub_explicit(&g->refs, 1, memory_order_acq_rel) == 1)
        generation_free(g);
}
