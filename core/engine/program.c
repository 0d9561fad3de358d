/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/program_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One rule's condition and outputs into the graph. */
static int add_rule(struct graph *g, const struct rule *rule, struct route_rule *ret)
{
    int r;

    ret->rule = rule;
    ret->outs = arena_array(g->temp, rule->n_outputs + 1u, sizeof(*ret->outs));
    if (!ret->outs)
        return -ENOMEM;
    g->says_never = false;
    r = graph_condition(g, rule->condition, &ret->root);
    ret->says_never = g->says_never;
    for (uint32_t i = 0; i < rule->n_outputs && r == 0; i++)
        r = graph_output(g, rule->outputs[i].expr, &ret->outs[i]);
    return r;
}

static int add_rules(struct graph *g, const struct ruleset *rs, struct diags *d,
                     struct route_rule *rules, uint32_t *ret_n)
{
    uint32_t n = 0;
    int failed = 0;

    for (uint32_t i = 0; i < rs->n_rules; i++) {
        const struct rule *rule = rs->rules[i];
        int r;

        if (!rule->enabled || rule->schema != g->schema)
            continue;
        g->err.msg[0] = '\0';
        r = add_rule(g, rule, &rules[n]);
        if (r == -ENOMEM)
            return r;
        if (r < 0) {
            failed = r;
            diag_error(d, rule->loc, "rule '%s' cannot be compiled: %s", rule->name, g->err.msg);
            continue;
        }
        n++;
    }
    *ret_n = n;
    return failed;
}

static void warn_unmatched(const struct route_rule *rules, uint32_t n, const struct route *r,
                           struct diags *d, uint8_t *can_match)
{
    for (uint32_t i = 0; i < r->n_entries; i++)
        can_match[r->entries[i].rule] = 1;
    for (uint32_t i = 0; i < n; i++) {
        if (can_match[i] || rules[i].says_never)
            continue;
        diag_warning(d, DIAG_NEVER_MATCHES, rules[i].rule->loc, "rule '%s' can never match: %s", rules[i].rule->name,
                     rules[i].root == REF_FALSE
                         ? "its condition is always false"
                         : "no event type is what its condition asks of evt.type");
    }
}

/* Predicates may hold what the arena cannot: they are freed with the program. */
static int own_preds(struct program *p, const struct graph *g)
{
    p->owned = calloc(g->n_preds + 1, sizeof(struct pred *));
    if (!p->owned) {
        for (uint32_t i = 0; i < g->n_preds; i++)
            pred_free(g->preds[i].pred);
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < g->n_preds; i++)
        p->owned[i] = g->preds[i].pred;
    p->n_owned = g->n_preds;
    return 0;
}

static int compile(struct program *p, struct graph *g, const struct ruleset *rs, struct diags *d)
{
    struct route_rule *rules = arena_array(g->temp, rs->n_rules + 1u, sizeof(*rules));
    uint8_t *can_match = arena_alloc(g->temp, rs->n_rules + 1u);
    struct route route = {0};
    uint32_t n = 0;
    int r = rules && can_match ? add_rules(g, rs, d, rules, &n) : -ENOMEM;

    if (r == 0)
        r = route_build(g, rules, n, p, &route);
    if (r == 0) {
        warn_unmatched(rules, n, &route, d, can_match);
        r = optimise(g, rules, n, &route, p);
    } else if (r == -EINVAL && d->n_errors == 0) {
        diag_error(d, (struct loc){0}, "the rules of source '%s' cannot be compiled: %s",
                   p->schema->name, g->err.msg);
    }
    if (r == 0)
        r = route_index(p);
    route_free(&route);
    return r;
}

int program_new(const struct ruleset *rs, const struct schema *schema, struct diags *d,
                struct program **ret)
{
    struct program *p = calloc(1, sizeof(*p));
    struct graph g = {0};
    int r, owned;

    if (!p)
        return -ENOMEM;
    p->schema = schema;
    p->arena = arena_new(PROGRAM_MEM_MAX);
    r = p->arena ? graph_init(&g, p->arena, schema) : -ENOMEM;
    if (r == 0)
        r = compile(p, &g, rs, d);
    owned = own_preds(p, &g);
    graph_free(&g);
    r = r < 0 ? r : owned;
    if (r < 0) {
        program_free(p);
        return r;
    }
    *ret = p;
    return 0;
}

void program_free(struct program *p)
{
    if (!p)
        return;
    for (uint32_t i = 0; i < p->n_owned; i++)
        pred_free(p->owned[i]);
    free(p->owned);
    arena_free(p->arena);
    free(p);
}

static void set_bit(uint64_t *bits, uint32_t i)
{
    bits[i / 64] |= (uint64_t)1 << i % 64;
}

void program_want(const struct program *p, uint64_t *types, uint64_t *subtypes)
{
    const struct schema *s = p->schema;

    for (uint32_t i = 0; i < s->n_types; i++) {
        const struct gyr_event_type *t = &s->types[i];
        bool generic = (t->flags & (GYR_ETF_GENERIC | GYR_ETF_SNAPSHOT)) == GYR_ETF_GENERIC;

        if (p->lists[p->type_list[i]].n)
            set_bit(types, t->id);
        for (uint32_t k = 0; generic && k < s->n_subtype_ids; k++) {
            if (program_route(p, t->id, k)->n == 0)
                continue;
            set_bit(types, t->id);
            set_bit(subtypes, k);
        }
    }
}

void program_stats(const struct program *p, struct program_stats *ret)
{
    *ret = (struct program_stats){.rules = p->n_rules,
                                  .values = p->n_values,
                                  .preds = p->n_preds,
                                  .nodes = p->n_nodes - 1 - p->n_preds};
}
