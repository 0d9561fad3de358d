/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/program_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* From the graph, which holds everything ever built, to the program: what lists can reach,
 * numbered without gaps (old numbers ascend from parts to wholes, and so do the new ones). */

struct estimate {
    double cost, odds; /* of a test; of it being true */
};

struct opt {
    const struct graph *g;
    const struct route_rule *rules;
    const struct route *r;
    struct program *p;
    uint32_t *value_at, *node_at; /* new numbers; 0: not reached yet, else number + 1 */
    uint32_t *uses;               /* by graph value: predicates that read it */
    struct estimate *est;         /* by new node */
    uint32_t *seen_node, *seen_value;
    uint32_t round; /* what is marked with it was seen */
    uint32_t *reads, n_reads, cap_reads;
};

/* ---- what is reached ---- */

static void reach_value(struct opt *o, uint32_t v)
{
    const struct graph_value *gv = &o->g->values[v];

    if (o->seen_value[v] == o->round)
        return;
    o->seen_value[v] = o->round;
    for (uint32_t i = 0; i < gv->n; i++)
        reach_value(o, gv->args[i]);
}

static void reach(struct opt *o, uint32_t ref)
{
    const struct graph_node *n = &o->g->nodes[ref_id(ref)];

    if (o->seen_node[ref_id(ref)] == o->round)
        return;
    o->seen_node[ref_id(ref)] = o->round;
    for (uint32_t i = 0; i < n->n; i++)
        reach(o, n->kids[i]);
    if (n->pred != ID_NONE) {
        reach_value(o, o->g->preds[n->pred].lhs);
        if (o->g->preds[n->pred].rhs != ID_NONE)
            reach_value(o, o->g->preds[n->pred].rhs);
    }
}

static void reach_entry(struct opt *o, const struct route_entry *e)
{
    reach(o, e->root);
    for (uint32_t i = 0; i < o->rules[e->rule].rule->n_outputs; i++)
        reach_value(o, o->rules[e->rule].outs[i]);
}

/* ---- numbers ---- */

static int number_values(struct opt *o)
{
    struct program *p = o->p;
    const struct graph *g = o->g;
    uint32_t n = 0, n_args = 0;

    for (uint32_t pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < g->n_values; i++) {
            if (o->seen_value[i] == o->round && (g->values[i].kind != V_FIELD) == pass) {
                o->value_at[i] = ++n;
                n_args += g->values[i].n;
            }
        }
        if (pass == 0)
            p->n_fields = n;
    }
    p->n_values = n;
    p->values = arena_array(p->arena, n + 1, sizeof(*p->values));
    p->args = arena_array(p->arena, n_args + 1, sizeof(*p->args));
    if (!p->values || !p->args)
        return -ENOMEM;
    n_args = 0;
    for (uint32_t i = 0; i < g->n_values; i++) {
        const struct graph_value *v = &g->values[i];

        if (!o->value_at[i])
            continue;
        p->values[o->value_at[i] - 1] = (struct prog_value){v->kind, v->fn, n_args, v->n, v->x};
        for (uint32_t k = 0; k < v->n; k++)
            p->args[n_args++] = o->value_at[v->args[k]] - 1;
    }
    return 0;
}

static int number_nodes(struct opt *o)
{
    struct program *p = o->p;
    const struct graph *g = o->g;
    uint32_t n_kids = 0, n = 0;

    for (uint32_t i = 1; i < g->n_nodes; i++) {
        if (o->seen_node[i] != o->round)
            continue;
        if (g->nodes[i].pred != ID_NONE)
            o->node_at[i] = ++n + 1;
        n_kids += g->nodes[i].n;
    }
    p->n_preds = n;
    for (uint32_t i = 1; i < g->n_nodes; i++)
        if (o->seen_node[i] == o->round && g->nodes[i].pred == ID_NONE)
            o->node_at[i] = ++n + 1;
    o->node_at[0] = 1;
    p->n_nodes = n + 1;
    p->preds = arena_array(p->arena, p->n_preds + 1, sizeof(*p->preds));
    p->pred_src = arena_array(p->arena, p->n_preds + 1, sizeof(*p->pred_src));
    p->nodes = arena_array(p->arena, p->n_nodes, sizeof(*p->nodes));
    p->kids = arena_array(p->arena, n_kids + 1, sizeof(*p->kids));
    o->est = arena_array(g->temp, p->n_nodes, sizeof(*o->est));
    return p->preds && p->pred_src && p->nodes && p->kids && o->est ? 0 : -ENOMEM;
}

static uint32_t new_ref(const struct opt *o, uint32_t ref)
{
    return (o->node_at[ref_id(ref)] - 1) << 1 | (ref & 1u);
}

/* ---- order ---- */

static double value_cost(const struct opt *o, uint32_t v)
{
    const struct graph_value *gv = &o->g->values[v];
    double c = gv->kind == V_CONST ? 0 : 10;

    if (gv->kind == V_FIELD) /* one get() serves all who read it */
        return (gv->x->field.def->origin == FIELD_CORE ? 5.0 : 40.0) / (o->uses[v] + 1) + 1;
    for (uint32_t i = 0; i < gv->n; i++)
        c += value_cost(o, gv->args[i]);
    return c;
}

/* How often such a test holds, roughly: what names one of many seldom does. */
static double odds(const struct node *c)
{
    switch (c->cmp.op) {
    case OP_NE:
        return 0.9;
    case OP_EXISTS:
        return 0.7;
    case OP_LT:
    case OP_LE:
    case OP_GT:
    case OP_GE:
        return 0.5;
    case OP_EQ:
        return c->cmp.lhs->type == GYR_T_BOOL ? 0.5 : 0.05;
    default:
        return 0.1;
    }
}

static void count_uses(struct opt *o, uint32_t v)
{
    const struct graph_value *gv = &o->g->values[v];

    o->uses[v]++;
    for (uint32_t i = 0; i < gv->n; i++)
        count_uses(o, gv->args[i]);
}

static void make_preds(struct opt *o)
{
    const struct graph *g = o->g;
    struct program *p = o->p;

    for (uint32_t pass = 0; pass < 2; pass++) {
        for (uint32_t i = 1; i < g->n_nodes; i++) {
            uint32_t at = o->node_at[i] - 1;
            const struct graph_pred *q;

            if (!o->node_at[i] || g->nodes[i].pred == ID_NONE)
                continue;
            q = &g->preds[g->nodes[i].pred];
            if (pass == 0) {
                count_uses(o, q->lhs);
                if (q->rhs != ID_NONE)
                    count_uses(o, q->rhs);
                continue;
            }
            p->preds[at - 1] =
                (struct prog_pred){q->pred, o->value_at[q->lhs] - 1,
                                   q->rhs == ID_NONE ? ID_NONE : o->value_at[q->rhs] - 1};
            p->pred_src[at - 1] = q->src;
            o->est[at].odds = odds(q->src);
            o->est[at].cost = pred_cost(q->pred) + value_cost(o, q->lhs) +
                              (q->rhs == ID_NONE ? 0 : value_cost(o, q->rhs));
        }
    }
}

static double odds_of(const struct opt *o, uint32_t ref)
{
    double p = o->est[ref_id(ref)].odds;

    return ref & 1u ? 1 - p : p;
}

/* Cost for each chance that the conjunction ends here. */
static double rank(const struct opt *o, uint32_t ref)
{
    return o->est[ref_id(ref)].cost / (1.0001 - odds_of(o, ref));
}

static int by_rank(const void *a, const void *b, void *ctx)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    double rx = rank(ctx, x), ry = rank(ctx, y);

    if (rx < ry || rx > ry)
        return rx < ry ? -1 : 1;
    return x < y ? -1 : x > y;
}

static void make_conjunctions(struct opt *o)
{
    const struct graph *g = o->g;
    struct program *p = o->p;
    uint32_t n_kids = 0;

    for (uint32_t i = 1; i < g->n_nodes; i++) {
        const struct graph_node *n = &g->nodes[i];
        uint32_t at = o->node_at[i] - 1, *kids = p->kids + n_kids;
        struct estimate e = {1, 1};

        if (!o->node_at[i] || n->pred != ID_NONE)
            continue;
        p->nodes[at] = (struct prog_node){n_kids, n->n};
        n_kids += n->n;
        for (uint32_t k = 0; k < n->n; k++)
            kids[k] = new_ref(o, n->kids[k]);
        qsort_r(kids, n->n, sizeof(*kids), by_rank, o);
        for (uint32_t k = 0; k < n->n; k++) {
            e.cost += e.odds * o->est[ref_id(kids[k])].cost;
            e.odds *= odds_of(o, kids[k]);
        }
        o->est[at] = e;
    }
}

/* ---- entries, rules, lists ---- */

static int read_fields(struct opt *o, struct prog_entry *e)
{
    e->first_field = o->n_reads;
    for (uint32_t i = 0; i < o->g->n_values; i++) {
        if (o->seen_value[i] != o->round || o->g->values[i].kind != V_FIELD)
            continue;
        if (graph_grow(&o->reads, o->n_reads, &o->cap_reads, sizeof(*o->reads)) < 0)
            return -ENOMEM;
        o->reads[o->n_reads++] = o->value_at[i] - 1;
    }
    e->n_fields = o->n_reads - e->first_field;
    return 0;
}

static int make_entries(struct opt *o)
{
    struct program *p = o->p;
    int r = 0;

    p->n_entries = o->r->n_entries;
    p->entries = arena_array(p->arena, p->n_entries + 1, sizeof(*p->entries));
    if (!p->entries)
        return -ENOMEM;
    for (uint32_t i = 0; i < p->n_entries && r == 0; i++) {
        const struct route_entry *e = &o->r->entries[i];

        p->entries[i].rule = e->rule;
        p->entries[i].root = new_ref(o, e->root);
        o->round++;
        reach_entry(o, e);
        r = read_fields(o, &p->entries[i]);
    }
    if (r == 0)
        p->reads = arena_array(p->arena, o->n_reads + 1, sizeof(*p->reads));
    if (p->reads && o->n_reads)
        memcpy(p->reads, o->reads, o->n_reads * sizeof(*p->reads));
    return p->reads ? 0 : -ENOMEM;
}

static int make_rules(struct opt *o, uint32_t n_rules)
{
    struct program *p = o->p;
    uint32_t n_outs = 0;

    p->n_rules = n_rules;
    p->rules = arena_array(p->arena, n_rules + 1, sizeof(*p->rules));
    for (uint32_t i = 0; i < n_rules; i++)
        n_outs += o->rules[i].rule->n_outputs;
    p->outs = arena_array(p->arena, n_outs + 1, sizeof(*p->outs));
    if (!p->rules || !p->outs)
        return -ENOMEM;
    n_outs = 0;
    for (uint32_t i = 0; i < n_rules; i++) {
        const struct rule *rule = o->rules[i].rule;

        p->rules[i] = (struct prog_rule){rule, n_outs};
        if (rule->n_outputs > p->max_outs)
            p->max_outs = rule->n_outputs;
        /* Of a rule that can never match nothing was numbered, and nothing is read. */
        for (uint32_t k = 0; k < rule->n_outputs; k++)
            p->outs[n_outs++] = o->value_at[o->rules[i].outs[k]] - 1;
    }
    return 0;
}

static int make_lists(struct opt *o)
{
    struct program *p = o->p;

    p->n_lists = o->r->n_lists;
    p->lists = arena_array(p->arena, p->n_lists, sizeof(*p->lists));
    if (!p->lists)
        return -ENOMEM;
    for (uint32_t i = 0; i < p->n_lists; i++) {
        const struct route_list *from = &o->r->lists[i];
        struct prog_list *l = &p->lists[i];

        l->n = from->n;
        l->n_names = from->n_names;
        l->words = (from->n + 63) / 64;
        l->entries = arena_array(p->arena, from->n + 1, sizeof(*l->entries));
        l->names = arena_array(p->arena, from->n_names + 1, sizeof(*l->names));
        if (!l->entries || !l->names)
            return -ENOMEM;
        if (from->n)
            memcpy(l->entries, from->entries, from->n * sizeof(*l->entries));
        if (from->n_names)
            memcpy(l->names, from->names, from->n_names * sizeof(*l->names));
        if (l->n > p->max_entries)
            p->max_entries = l->n;
        if (l->words > p->max_words)
            p->max_words = l->words;
    }
    return 0;
}

int optimise(const struct graph *g, const struct route_rule *rules, uint32_t n_rules,
             const struct route *r, struct program *p)
{
    struct opt o = {.g = g, .rules = rules, .r = r, .p = p, .round = 1};
    int e = -ENOMEM;

    o.value_at = arena_array(g->temp, g->n_values + 1, sizeof(*o.value_at));
    o.node_at = arena_array(g->temp, g->n_nodes, sizeof(*o.node_at));
    o.uses = arena_array(g->temp, g->n_values + 1, sizeof(*o.uses));
    o.seen_node = arena_array(g->temp, g->n_nodes, sizeof(*o.seen_node));
    o.seen_value = arena_array(g->temp, g->n_values + 1, sizeof(*o.seen_value));
    if (!o.value_at || !o.node_at || !o.uses || !o.seen_node || !o.seen_value)
        return -ENOMEM;
    for (uint32_t i = 0; i < r->n_entries; i++)
        reach_entry(&o, &r->entries[i]);
    if (number_values(&o) < 0 || number_nodes(&o) < 0)
        return -ENOMEM;
    make_preds(&o);
    make_conjunctions(&o);
    e = make_entries(&o);
    if (e == 0)
        e = make_rules(&o, n_rules);
    if (e == 0)
        e = make_lists(&o);
    free(o.reads);
    return e;
}
