/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/program_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Most rules ask for some value to be one of a few constants ("proc.name in (…)", "fd.name
 * startswith /etc"), and most events have none of them. An index looks the value up once and
 * names the rules that are left, however many there are. For each rule we choose a *cover*: tests
 * of which one must hold for the rule to match. A comparison covers itself; of "a and b" either
 * side's cover will do; "a or b" needs both. A rule without a cover is tried on every event. */

enum { COST_NONE = UINT32_MAX, COST_MAX = 1 << 24, COST_UNIT = 4096, COVER_MAX = 1024 };

/* What an index is made for: a value, and whether it is looked through for parts. */
struct unit {
    uint32_t rules, keys; /* which could use it; their constants */
    uint32_t used, last;  /* by how many covers; the last of them, + 1 */
    bool closed;          /* does not pay */
};

/* A cover's test. */
struct choice {
    uint32_t unit, pred, pos;
};

struct builder {
    struct program *p;
    struct prog_list *l;
    uint32_t n_units, round;
    struct unit *units;
    uint32_t *pred_unit;   /* by predicate; ID_NONE: no index can stand for it */
    uint32_t *cost, *size; /* by reference: of its best cover, and how many tests that has */
    uint32_t *known;       /* by reference: the round that is from */
    struct choice *choices;
    uint32_t n_choices, cap_choices;
    struct index_key *keys;
    uint32_t n_keys, cap_keys;
};

/* ---- tests that an index can stand for ---- */

static uint32_t n_constants(const struct node *c)
{
    return c->cmp.rhs->kind == X_LIST ? c->cmp.rhs->list.n : 1;
}

static const struct gyr_value *constant(const struct node *c, uint32_t i)
{
    const struct expr *rhs = c->cmp.rhs;

    return rhs->kind == X_LIST ? &rhs->list.items[i]->value : &rhs->value;
}

/* The folders of a path pattern that are certain. What follows is left to the rule. */
static void certain_path(struct index_key *k)
{
    uint32_t end = 0, at = 0;

    while (k->len && *k->key == '/') {
        k->key++;
        k->len--;
    }
    for (at = 0; at < k->len && !strchr("*?[\\", k->key[at]); at++) {
        if (k->key[at] != '/')
            continue;
        end = at;
        if (at + 1 < k->len && k->key[at + 1] == '/')
            break;
    }
    if (at < k->len)
        k->len = end;
    else if (k->len && k->key[k->len - 1] == '/')
        k->len--;
}

static void certain_prefix(struct index_key *k)
{
    uint32_t n = 0;

    while (n < k->len && !strchr("*?[\\", k->key[n]))
        n++;
    k->len = n;
}

/* @return false: no index finds this one. */
static bool key_of(const struct node *c, const struct gyr_value *v, struct index_key *ret)
{
    *ret = (struct index_key){.form = FORM_EQUAL};
    if (c->cmp.lhs->type != GYR_T_STR) {
        ret->num = v->u.u64;
        return true;
    }
    ret->key = v->len ? v->u.ptr : "";
    ret->len = v->len;
    switch (c->cmp.op) {
    case OP_STARTSWITH:
        ret->form = FORM_PREFIX;
        return true;
    case OP_GLOB:
        ret->form = FORM_PREFIX;
        certain_prefix(ret);
        return ret->len > 0;
    case OP_ENDSWITH:
        ret->form = FORM_SUFFIX;
        return true;
    case OP_PMATCH:
        ret->form = FORM_PATH;
        certain_path(ret);
        return ret->len > 0;
    case OP_CONTAINS:
        ret->form = FORM_PART;
        return ret->len > 0;
    default:
        return true;
    }
}

static bool op_fits(enum cmp_op op, uint32_t type)
{
    switch (op) {
    case OP_EQ:
    case OP_IN:
        return type == GYR_T_STR || type == GYR_T_I64 || type == GYR_T_U64;
    case OP_STARTSWITH:
    case OP_ENDSWITH:
    case OP_CONTAINS:
    case OP_PMATCH:
    case OP_GLOB:
        return type == GYR_T_STR;
    default:
        return false;
    }
}

static uint32_t unit_of(const struct program *p, uint32_t pred)
{
    const struct node *c = p->pred_src[pred];
    const struct expr *lhs = c->cmp.lhs, *rhs = c->cmp.rhs;
    struct index_key k;

    if (!rhs || (rhs->kind != X_LIST && rhs->kind != X_CONST) || lhs->is_list)
        return ID_NONE;
    if ((c->cmp.mod != MOD_NONE && c->cmp.mod != MOD_ANYOF) || !op_fits(c->cmp.op, lhs->type))
        return ID_NONE;
    for (uint32_t i = 0; i < n_constants(c); i++)
        if (constant(c, i)->type != lhs->type || !key_of(c, constant(c, i), &k))
            return ID_NONE;
    return n_constants(c) ? p->preds[pred].lhs * 2 + (c->cmp.op == OP_CONTAINS) : ID_NONE;
}

/* ---- covers ---- */

/* What a rule could use, each once: the first step, before anything is chosen. */
static void survey(struct builder *b, uint32_t ref, uint32_t pos)
{
    const struct program *p = b->p;
    uint32_t id = ref_id(ref), u;

    if (id == 0 || b->known[ref] == b->round + pos)
        return;
    if (id > p->n_preds) {
        b->known[ref] = b->round + pos;
        for (uint32_t i = 0; i < p->nodes[id].n; i++)
            survey(b, p->kids[p->nodes[id].first + i] ^ (ref & 1u), pos);
        return;
    }
    u = ref & 1u ? ID_NONE : b->pred_unit[id - 1];
    if (u == ID_NONE)
        return;
    if (b->known[ref] < b->round) /* new in this list */
        b->units[u].keys += n_constants(p->pred_src[id - 1]);
    b->known[ref] = b->round + pos;
    if (b->units[u].last != pos + 1)
        b->units[u].rules++;
    b->units[u].last = pos + 1;
}

static uint32_t cost(struct builder *b, uint32_t ref);

static void cost_of_pred(struct builder *b, uint32_t ref)
{
    uint32_t u = ref & 1u ? ID_NONE : b->pred_unit[ref_id(ref) - 1];
    const struct unit *unit = &b->units[u == ID_NONE ? 0 : u];
    uint64_t c;

    if (u == ID_NONE || unit->closed)
        return;
    /* Reading the value is shared by who uses it. A constant among few is likely to be met. */
    c = COST_UNIT / (unit->rules + 1) +
        (uint64_t)n_constants(b->p->pred_src[ref_id(ref) - 1]) * COST_UNIT / (unit->keys + 1);
    b->cost[ref] = c < COST_MAX ? (uint32_t)c : COST_MAX;
    b->size[ref] = 1;
}

static void cost_of_kids(struct builder *b, uint32_t ref)
{
    const struct prog_node *n = &b->p->nodes[ref_id(ref)];
    uint64_t sum = 0, size = 0;
    bool all = n->n != 0;

    for (uint32_t i = 0; i < n->n; i++) {
        uint32_t kid = b->p->kids[n->first + i] ^ (ref & 1u), c = cost(b, kid);

        if (!(ref & 1u) && c < b->cost[ref]) {
            b->cost[ref] = c;
            b->size[ref] = b->size[kid];
        }
        all &= c != COST_NONE;
        sum += c;
        size += b->size[kid];
    }
    if (!(ref & 1u) || !all || size > COVER_MAX)
        return;
    b->cost[ref] = sum < COST_MAX ? (uint32_t)sum : COST_MAX;
    b->size[ref] = (uint32_t)size;
}

/* Recursion is as deep as a condition, which PROGRAM_DEPTH_MAX bounds. */
static uint32_t cost(struct builder *b, uint32_t ref)
{
    if (b->known[ref] == b->round)
        return b->cost[ref];
    b->known[ref] = b->round;
    b->cost[ref] = COST_NONE;
    b->size[ref] = 0;
    if (ref_id(ref) > b->p->n_preds)
        cost_of_kids(b, ref);
    else if (ref_id(ref))
        cost_of_pred(b, ref);
    return b->cost[ref];
}

static int take(struct builder *b, uint32_t ref, uint32_t pos)
{
    const struct program *p = b->p;
    uint32_t id = ref_id(ref), best = ID_NONE, u;
    const struct prog_node *n = &p->nodes[id];
    int r = 0;

    if (id <= p->n_preds) {
        if (graph_grow(&b->choices, b->n_choices, &b->cap_choices, sizeof(*b->choices)) < 0)
            return -ENOMEM;
        u = b->pred_unit[id - 1];
        b->choices[b->n_choices++] = (struct choice){u, id - 1, pos};
        b->units[u].used += b->units[u].last != pos + 1;
        b->units[u].last = pos + 1;
        return 0;
    }
    for (uint32_t i = 0; i < n->n && r == 0; i++) {
        uint32_t kid = p->kids[n->first + i] ^ (ref & 1u);

        if (ref & 1u)
            r = take(b, kid, pos);
        else if (best == ID_NONE || cost(b, kid) < cost(b, best))
            best = kid;
    }
    return best == ID_NONE ? r : take(b, best, pos);
}

static int choose_covers(struct builder *b)
{
    int r = 0;

    b->round++;
    b->n_choices = 0;
    for (uint32_t u = 0; u < b->n_units; u++)
        b->units[u].used = b->units[u].last = 0;
    for (uint32_t pos = 0; pos < b->l->n && r == 0; pos++) {
        uint32_t root = b->p->entries[b->l->entries[pos]].root;

        if (cost(b, root) != COST_NONE)
            r = take(b, root, pos);
    }
    return r;
}

/* ---- which indexes pay ---- */

/* Few constants leave many rules, however many they are of. */
static uint32_t worth(const struct unit *u)
{
    return u->keys < u->used / 4 ? 4 * u->keys : u->used;
}

static uint32_t worth_min(uint32_t unit)
{
    return unit & 1u ? INDEX_PARTS_MIN : INDEX_RULES_MIN;
}

/* Close some of those that pay least. @return false: all that is left pays. */
static bool close_some(struct builder *b)
{
    uint32_t poor = 0, used = 0, close;

    for (uint32_t u = 0; u < b->n_units; u++) {
        used += b->units[u].used != 0;
        poor += b->units[u].used && worth(&b->units[u]) < worth_min(u);
    }
    if (!poor && used <= INDEX_PER_LIST)
        return false;
    close = poor ? (poor + 1) / 2 : (used - INDEX_PER_LIST + 1) / 2;
    for (; close; close--) {
        struct unit *least = NULL;

        for (uint32_t u = 0; u < b->n_units; u++)
            if (b->units[u].used && !b->units[u].closed &&
                (!least || worth(&b->units[u]) < worth(least)) &&
                (!poor || worth(&b->units[u]) < worth_min(u)))
                least = &b->units[u];
        if (least)
            least->closed = true;
    }
    return true;
}

/* ---- making them ---- */

static int choice_order(const void *a, const void *b)
{
    const struct choice *x = a, *y = b;

    if (x->unit != y->unit)
        return x->unit < y->unit ? -1 : 1;
    if (x->pred != y->pred)
        return x->pred < y->pred ? -1 : 1;
    return (x->pos > y->pos) - (x->pos < y->pos);
}

static int add_keys(struct builder *b, uint32_t pred, uint32_t group)
{
    const struct node *c = b->p->pred_src[pred];

    for (uint32_t i = 0; i < n_constants(c); i++) {
        struct index_key *k;

        if (graph_grow(&b->keys, b->n_keys, &b->cap_keys, sizeof(*b->keys)) < 0)
            return -ENOMEM;
        k = &b->keys[b->n_keys++];
        (void)key_of(c, constant(c, i), k);
        k->group = group;
    }
    return 0;
}

/* Of one unit. A predicate's rules are a group. */
static int make(struct builder *b, const struct choice *c, uint32_t n, struct prog_index *ret)
{
    struct index_groups g = {.first = arena_array(b->p->arena, n + 1u, sizeof(*g.first)),
                             .pos = arena_array(b->p->arena, n, sizeof(*g.pos))};
    uint32_t at = 0, kept = 0;
    int r = g.first && g.pos ? 0 : -ENOMEM;

    b->n_keys = 0;
    for (uint32_t i = 0; i < n && r == 0; i++) {
        if (i && choice_order(&c[i - 1], &c[i]) == 0)
            continue;
        if (i == 0 || c[i].pred != c[i - 1].pred) {
            g.first[g.n] = at;
            r = add_keys(b, c[i].pred, g.n++);
        }
        g.pos[at++] = c[i].pos;
    }
    if (r < 0)
        return r;
    g.first[g.n] = at;
    qsort(b->keys, b->n_keys, sizeof(*b->keys), index_key_order);
    for (uint32_t i = 0; i < b->n_keys; i++)
        if (i == 0 || index_key_order(&b->keys[kept - 1], &b->keys[i]) != 0)
            b->keys[kept++] = b->keys[i];
    r = index_make(b->p->arena, b->keys, kept, &g, b->l->words, ret);
    ret->value = c->unit / 2;
    return r;
}

static int make_all(struct builder *b)
{
    struct prog_list *l = b->l;
    int r = 0;

    if (b->n_choices)
        qsort(b->choices, b->n_choices, sizeof(*b->choices), choice_order);
    for (uint32_t i = 0, n; i < b->n_choices && r == 0; i += n) {
        for (n = 1; i + n < b->n_choices && b->choices[i + n].unit == b->choices[i].unit;)
            n++;
        r = make(b, b->choices + i, n, &l->indexes[l->n_indexes]);
        if (r == 0)
            l->n_indexes++;
    }
    for (uint32_t i = 0; i < b->n_choices; i++)
        l->always[b->choices[i].pos / 64] &= ~((uint64_t)1 << b->choices[i].pos % 64);
    return r;
}

static int index_list(struct builder *b)
{
    struct prog_list *l = b->l;
    int r;

    l->indexes = arena_array(b->p->arena, INDEX_PER_LIST, sizeof(*l->indexes));
    l->always = arena_array(b->p->arena, l->words, sizeof(*l->always));
    if (!l->indexes || !l->always)
        return -ENOMEM;
    memset(b->units, 0, b->n_units * sizeof(*b->units));
    if (b->round > UINT32_MAX / 2) { /* what is old must not look new */
        memset(b->known, 0, 2 * (size_t)b->p->n_nodes * sizeof(*b->known));
        b->round = 0;
    }
    b->round++;
    for (uint32_t i = 0; i < l->n; i++) {
        l->always[i / 64] |= (uint64_t)1 << i % 64;
        survey(b, b->p->entries[l->entries[i]].root, i);
    }
    b->round += l->n;
    do
        r = choose_covers(b);
    while (r == 0 && close_some(b));
    return r < 0 ? r : make_all(b);
}

int route_index(struct program *p)
{
    struct builder b = {.p = p, .n_units = 2 * p->n_values};
    size_t refs = 2 * (size_t)p->n_nodes;
    int r = 0;

    b.units = calloc(b.n_units + 1u, sizeof(*b.units));
    b.pred_unit = calloc(p->n_preds + 1u, sizeof(*b.pred_unit));
    b.cost = calloc(refs, sizeof(*b.cost));
    b.size = calloc(refs, sizeof(*b.size));
    b.known = calloc(refs, sizeof(*b.known));
    if (!b.units || !b.pred_unit || !b.cost || !b.size || !b.known)
        r = -ENOMEM;
    for (uint32_t i = 0; i < p->n_preds && r == 0; i++)
        b.pred_unit[i] = unit_of(p, i);
    for (uint32_t i = 0; i < p->n_lists && r == 0; i++) {
        b.l = &p->lists[i];
        if (b.l->n >= INDEX_RULES_MIN)
            r = index_list(&b);
    }
    free(b.units);
    free(b.pred_unit);
    free(b.cost);
    free(b.size);
    free(b.known);
    free(b.choices);
    free(b.keys);
    return r;
}
