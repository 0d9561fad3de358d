/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include "engine/program_priv.h"
#include "engine/value.h"

enum { DUMP_MAX = 16 << 20, DUMP_ITEMS = 8 };

static void add_constant(struct buf *b, const struct gyr_value *v)
{
    struct buf t;

    buf_init(&t, DUMP_MAX);
    value_add_text(&t, v, GYR_F_DEC);
    if (v->type == GYR_T_STR)
        buf_addc(b, '"');
    text_add_safe(b, t.p, t.len);
    if (v->type == GYR_T_STR)
        buf_addc(b, '"');
    buf_free(&t);
}

static void add_args(struct buf *b, const struct program *p, const struct prog_value *v)
{
    buf_addc(b, '(');
    for (uint32_t i = 0; i < v->n; i++)
        buf_addf(b, "%sv%u", i ? ", " : "", p->args[v->first + i]);
    buf_addc(b, ')');
}

static void add_value(struct buf *b, const struct program *p, const struct prog_value *v)
{
    switch (v->kind) {
    case V_FIELD:
        buf_adds(b, v->x->field.def->f.name);
        if (v->x->field.arg)
            buf_addf(b, "[%s]", v->x->field.arg);
        break;
    case V_CONST:
        add_constant(b, &v->x->value);
        break;
    case V_CALL:
        buf_adds(b, transform_name((enum transform)v->fn));
        add_args(b, p, v);
        break;
    default:
        add_args(b, p, v);
        break;
    }
}

static void add_pred(struct buf *b, const struct program *p, uint32_t i)
{
    const struct node *c = p->pred_src[i];
    const struct expr *rhs = c->cmp.rhs;

    buf_addf(b, "v%u %s", p->preds[i].lhs, cmp_op_name(c->cmp.op));
    if (c->cmp.mod != MOD_NONE)
        buf_addf(b, " %s", cmp_mod_name(c->cmp.mod));
    if (p->preds[i].rhs != ID_NONE) {
        buf_addf(b, " v%u", p->preds[i].rhs);
    } else if (rhs && rhs->kind == X_LIST) {
        buf_adds(b, " (");
        for (uint32_t k = 0; k < rhs->list.n && k < DUMP_ITEMS; k++) {
            buf_adds(b, k ? ", " : "");
            add_constant(b, &rhs->list.items[k]->value);
        }
        if (rhs->list.n > DUMP_ITEMS)
            buf_addf(b, ", … %u in all", rhs->list.n);
        buf_addc(b, ')');
    } else if (rhs) {
        buf_addc(b, ' ');
        add_constant(b, &rhs->value);
    }
}

static void add_ref(struct buf *b, const struct program *p, uint32_t ref)
{
    uint32_t id = ref_id(ref);

    if (id == 0)
        buf_adds(b, ref & 1u ? "false" : "true");
    else if (id <= p->n_preds)
        buf_addf(b, "%sp%u", ref & 1u ? "!" : "", id - 1);
    else
        buf_addf(b, "%sn%u", ref & 1u ? "!" : "", id - 1 - p->n_preds);
}

static void add_list(struct buf *b, const struct program *p, const struct prog_list *l)
{
    for (uint32_t i = 0; i < l->n_names; i++)
        buf_addf(b, "%s%s", i ? " " : "", l->names[i]);
    buf_adds(b, ":\n");
    for (uint32_t i = 0; i < l->n; i++) {
        const struct prog_entry *e = &p->entries[l->entries[i]];

        buf_addf(b, "  %s: ", p->rules[e->rule].rule->name);
        add_ref(b, p, e->root);
        buf_addc(b, '\n');
    }
    for (uint32_t i = 0; i < l->n_indexes; i++) {
        const struct prog_index *x = &l->indexes[i];
        uint32_t keys = 0, rules = 0;

        for (uint32_t k = 0; k <= x->mask; k++)
            keys += x->slots[k].n != 0;
        for (uint32_t w = 0; w < l->words; w++)
            rules += (uint32_t)__builtin_popcountll(x->all[w]);
        buf_addf(b, "  index v%u: %u rules by %u constants\n", x->value, rules, keys);
    }
}

void program_dump(const struct program *p, FILE *f)
{
    struct buf b;

    buf_init(&b, DUMP_MAX);
    buf_adds(&b, "values\n");
    for (uint32_t i = 0; i < p->n_values; i++) {
        buf_addf(&b, "  v%u ", i);
        add_value(&b, p, &p->values[i]);
        buf_addc(&b, '\n');
    }
    buf_adds(&b, "predicates\n");
    for (uint32_t i = 0; i < p->n_preds; i++) {
        buf_addf(&b, "  p%u ", i);
        add_pred(&b, p, i);
        buf_addc(&b, '\n');
    }
    buf_adds(&b, "conjunctions\n");
    for (uint32_t i = p->n_preds + 1; i < p->n_nodes; i++) {
        buf_addf(&b, "  n%u", i - 1 - p->n_preds);
        for (uint32_t k = 0; k < p->nodes[i].n; k++) {
            buf_addc(&b, ' ');
            add_ref(&b, p, p->kids[p->nodes[i].first + k]);
        }
        buf_addc(&b, '\n');
    }
    for (uint32_t i = 1; i < p->n_lists; i++)
        add_list(&b, p, &p->lists[i]);
    (void)fwrite(b.p, 1, b.len, f);
    buf_free(&b);
}
