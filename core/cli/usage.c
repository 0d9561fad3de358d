/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/usage.h"

#include <stdlib.h>

/* The rule a field was last counted for, so that each counts once. */
struct counter {
    uint32_t *counts, *last;
    uint32_t rule; /* id + 1 */
};

static void count_expr(struct counter *c, const struct expr *e)
{
    if (!e)
        return;
    if (e->kind == X_FIELD && e->field.def && c->last[e->field.def->id] != c->rule) {
        c->last[e->field.def->id] = c->rule;
        c->counts[e->field.def->id]++;
    }
    if (e->kind == X_CALL)
        for (uint32_t i = 0; i < e->call.n; i++)
            count_expr(c, e->call.args[i]);
}

static void count_node(struct counter *c, const struct node *n)
{
    switch (n->kind) {
    case N_AND:
    case N_OR:
    case N_NOT:
        for (uint32_t i = 0; i < n->logic.n; i++)
            count_node(c, n->logic.kids[i]);
        break;
    case N_CMP:
        count_expr(c, n->cmp.lhs);
        count_expr(c, n->cmp.rhs);
        break;
    default:
        break;
    }
}

void usage_count(const struct ruleset *rs, const struct schema *schema, uint32_t *counts)
{
    struct counter c = {.counts = counts, .last = calloc(schema->n_fields + 1, sizeof(*c.last))};

    for (uint32_t i = 0; c.last && i < rs->n_rules; i++) {
        const struct rule *r = rs->rules[i];

        if (!r->enabled || r->schema != schema)
            continue;
        c.rule = i + 1;
        count_node(&c, r->condition);
        for (uint32_t k = 0; k < r->n_outputs; k++)
            count_expr(&c, r->outputs[k].expr);
    }
    free(c.last);
}
