/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/program_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Trees to a graph in which everything is there once: each value, predicate and conjunction has
 * a text (the key) that tells it from all others, and equal texts give the same number. */

enum { KEY_MAX = 64 << 20, TEMP_MAX = 512 << 20 };

static int no_memory(struct graph *g)
{
    return gyr_fail(&g->err, -ENOMEM, "out of memory while compiling rules");
}

int graph_grow(void *array_of, uint32_t n, uint32_t *cap, size_t size)
{
    uint32_t want = *cap ? *cap * 2 : 64;
    void *old, *p;

    if (n < *cap)
        return 0;
    memcpy(&old, array_of, sizeof(old));
    p = want > *cap ? reallocarray(old, want, size) : NULL;
    if (!p)
        return -ENOMEM;
    memcpy(array_of, &p, sizeof(p));
    *cap = want;
    return 0;
}

int graph_init(struct graph *g, struct arena *arena, const struct schema *schema)
{
    *g = (struct graph){.arena = arena, .schema = schema};
    buf_init(&g->key, KEY_MAX);
    g->temp = arena_new(TEMP_MAX);
    if (!g->temp || graph_grow(&g->nodes, 0, &g->cap_nodes, sizeof(*g->nodes)) < 0)
        return -ENOMEM;
    g->nodes[0] = (struct graph_node){.pred = ID_NONE};
    g->n_nodes = 1;
    return 0;
}

void graph_free(struct graph *g)
{
    map_free(&g->by_key);
    buf_free(&g->key);
    free(g->values);
    free(g->preds);
    free(g->nodes);
    arena_free(g->temp);
}

int graph_intern(struct graph *g, uint32_t next, uint32_t *ret)
{
    void *known = map_get(&g->by_key, g->key.p, g->key.len);
    char *key;

    if (known) {
        *ret = (uint32_t)((uintptr_t)known - 1);
        return 0;
    }
    key = g->key.failed ? NULL : arena_strndup(g->temp, g->key.p, g->key.len);
    if (!key || map_put(&g->by_key, key, g->key.len, (void *)((uintptr_t)next + 1)) < 0)
        return no_memory(g);
    *ret = next;
    return 0;
}

static void key_begin(struct graph *g, char kind)
{
    buf_reset(&g->key);
    buf_addc(&g->key, kind);
}

static void key_add(struct graph *g, const void *p, uint32_t n)
{
    buf_add(&g->key, &n, sizeof(n));
    buf_add(&g->key, p, n);
}

static void add_constant(struct buf *b, const struct gyr_value *v)
{
    buf_add(b, &v->type, sizeof(v->type));
    switch (v->type) {
    case GYR_T_STR:
    case GYR_T_BYTES:
    case GYR_T_IP:
    case GYR_T_NET:
        buf_add(b, &v->len, sizeof(v->len));
        if (v->len)
            buf_add(b, v->u.ptr, v->len);
        break;
    default:
        buf_add(b, &v->u, sizeof(v->u));
        break;
    }
}

/* ---- values ---- */

static int add_value(struct graph *g, const struct graph_value *v, uint32_t *ret)
{
    int r = graph_intern(g, g->n_values, ret);

    if (r < 0 || *ret < g->n_values)
        return r;
    if (graph_grow(&g->values, g->n_values, &g->cap_values, sizeof(*g->values)) < 0)
        return no_memory(g);
    g->values[g->n_values++] = *v;
    return 0;
}

static int build_value(struct graph *g, const struct expr *x, uint32_t depth, uint32_t *ret);

static int build_args(struct graph *g, struct expr **args, struct graph_value *v, uint32_t depth)
{
    v->args = arena_array(g->temp, v->n, sizeof(*v->args));
    if (!v->args)
        return no_memory(g);
    for (uint32_t i = 0; i < v->n; i++) {
        int r = build_value(g, args[i], depth + 1, &v->args[i]);

        if (r < 0)
            return r;
    }
    return 0;
}

static int build_value(struct graph *g, const struct expr *x, uint32_t depth, uint32_t *ret)
{
    struct graph_value v = {.x = x};
    int r;

    if (++g->work > PROGRAM_WORK_MAX || depth > PROGRAM_DEPTH_MAX)
        return gyr_fail(&g->err, -EINVAL, "its values are nested too deeply");
    switch (x->kind) {
    case X_FIELD:
        v.kind = V_FIELD;
        if (!g->for_output && !x->field.arg && (x->field.def->f.flags & GYR_FF_MANY))
            v.fn = READ_ALL;
        else if (g->for_output && depth == 0 && x->field.def->f.type == GYR_T_NONE)
            v.fn = READ_SHOWN;
        key_begin(g, "FMS"[v.fn]);
        buf_add(&g->key, &x->field.def->id, sizeof(x->field.def->id));
        if (x->field.arg)
            key_add(g, x->field.arg, (uint32_t)strlen(x->field.arg));
        return add_value(g, &v, ret);
    case X_CONST:
        v.kind = V_CONST;
        key_begin(g, 'C');
        add_constant(&g->key, &x->value);
        return add_value(g, &v, ret);
    case X_CALL:
        v.kind = V_CALL;
        v.fn = x->call.fn;
        v.n = x->call.n;
        r = build_args(g, x->call.args, &v, depth);
        break;
    default:
        v.kind = V_LIST;
        v.n = x->list.n;
        r = build_args(g, x->list.items, &v, depth);
        break;
    }
    if (r < 0)
        return r;
    key_begin(g, v.kind == V_CALL ? 'T' : 'L');
    buf_add(&g->key, &v.fn, sizeof(v.fn));
    key_add(g, v.args, v.n * (uint32_t)sizeof(*v.args));
    return add_value(g, &v, ret);
}

int graph_output(struct graph *g, const struct expr *x, uint32_t *ret_value)
{
    int r;

    g->for_output = true;
    r = build_value(g, x, 0, ret_value);
    g->for_output = false;
    return r;
}

/* ---- predicates ---- */

struct item {
    const char *p;
    uint32_t len;
};

static int by_bytes(const void *a, const void *b)
{
    const struct item *x = a, *y = b;

    if (x->len != y->len)
        return x->len < y->len ? -1 : 1;
    return memcmp(x->p, y->p, x->len);
}

/* Constants in an order of their own: "in (a, b)" is "in (b, a, a)". */
static int key_constants(struct graph *g, const struct node *c)
{
    const struct expr *rhs = c->cmp.rhs;
    uint32_t n = rhs->kind == X_LIST ? rhs->list.n : 1;
    struct item *items = calloc(n ? n : 1, sizeof(*items));
    struct buf b;

    if (!items)
        return no_memory(g);
    buf_init(&b, KEY_MAX);
    for (uint32_t i = 0; i < n; i++) {
        const struct expr *x = rhs->kind == X_LIST ? rhs->list.items[i] : rhs;

        items[i].len = (uint32_t)b.len;
        add_constant(&b, &x->value);
    }
    for (uint32_t i = 0; i < n; i++) {
        items[i].p = b.p + items[i].len;
        items[i].len = (i + 1 < n ? items[i + 1].len : (uint32_t)b.len) - items[i].len;
    }
    qsort(items, n, sizeof(*items), by_bytes);
    for (uint32_t i = 0; i < n; i++)
        if (i == 0 || c->cmp.mod == MOD_ONEOF || by_bytes(&items[i - 1], &items[i]) != 0)
            key_add(g, items[i].p, items[i].len);
    g->key.failed |= b.failed;
    buf_free(&b);
    free(items);
    return 0;
}

/* "x in (a)" is "x = a" where x is one value. */
static bool is_equality(const struct node *c)
{
    const struct expr *rhs = c->cmp.rhs;

    if (c->cmp.lhs->is_list || !rhs || (rhs->kind != X_CONST && rhs->kind != X_LIST))
        return false;
    if (rhs->kind == X_LIST && rhs->list.n != 1)
        return false;
    return (c->cmp.op == OP_IN || c->cmp.op == OP_EQ) &&
           (c->cmp.mod == MOD_NONE || c->cmp.mod == MOD_ANYOF);
}

static bool is_core_field(const struct expr *x, const char *name)
{
    return x->kind == X_FIELD && !x->field.arg && x->field.def->origin == FIELD_CORE &&
           strcmp(x->field.def->f.name, name) == 0;
}

/* Events are counted from 1, so what rules write for "never" (evt.num = 0) and "always"
 * (evt.num >= 0) is known. */
static bool is_known(const struct node *c, uint32_t *ret_ref)
{
    const struct expr *rhs = c->cmp.rhs;

    if (!is_core_field(c->cmp.lhs, "evt.num") || !rhs || rhs->kind != X_CONST ||
        rhs->value.type != GYR_T_U64 || rhs->value.u.u64 != 0)
        return false;
    switch (c->cmp.op) {
    case OP_EQ:
    case OP_LT:
    case OP_LE:
        *ret_ref = REF_FALSE;
        return true;
    case OP_NE:
    case OP_GT:
    case OP_GE:
        *ret_ref = REF_TRUE;
        return true;
    default:
        return false;
    }
}

static int add_pred(struct graph *g, const struct graph_pred *q, uint32_t *ret_node)
{
    struct graph_pred p = *q;
    int r = graph_intern(g, g->n_nodes, ret_node);

    if (r < 0 || *ret_node < g->n_nodes)
        return r;
    if (graph_grow(&g->preds, g->n_preds, &g->cap_preds, sizeof(*g->preds)) < 0 ||
        graph_grow(&g->nodes, g->n_nodes, &g->cap_nodes, sizeof(*g->nodes)) < 0)
        return no_memory(g);
    r = pred_new(p.src, g->arena, &p.pred, &g->err);
    if (r < 0)
        return r;
    g->nodes[g->n_nodes++] = (struct graph_node){.pred = g->n_preds, .on_type = p.on_type};
    g->preds[g->n_preds++] = p;
    return 0;
}

static int build_pred(struct graph *g, const struct node *c, uint32_t *ret_ref)
{
    struct graph_pred p = {.src = c, .rhs = ID_NONE};
    const struct expr *rhs = c->cmp.rhs;
    uint32_t head[2] = {c->cmp.op, c->cmp.mod}, node;
    bool rhs_is_value = rhs && rhs->kind != X_CONST && rhs->kind != X_LIST;
    int r;

    if (is_known(c, ret_ref)) {
        g->says_never = g->says_never || *ret_ref == REF_FALSE;
        return 0;
    }
    r = build_value(g, c->cmp.lhs, 0, &p.lhs);
    if (r == 0 && rhs_is_value)
        r = build_value(g, rhs, 0, &p.rhs);
    if (r < 0)
        return r;
    p.on_type = is_core_field(c->cmp.lhs, "evt.type") && !rhs_is_value;
    if (is_equality(c)) {
        head[0] = OP_EQ;
        head[1] = MOD_NONE;
    }
    key_begin(g, 'P');
    buf_add(&g->key, head, sizeof(head));
    buf_add(&g->key, &p.lhs, sizeof(p.lhs));
    buf_add(&g->key, &p.rhs, sizeof(p.rhs));
    if (rhs && !rhs_is_value)
        r = key_constants(g, c);
    if (r == 0)
        r = add_pred(g, &p, &node);
    if (r == 0)
        *ret_ref = node << 1;
    return r;
}

/* ---- conjunctions ---- */

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

static bool is_conjunction(const struct graph *g, uint32_t ref)
{
    return !(ref & 1u) && ref != REF_TRUE && g->nodes[ref_id(ref)].pred == ID_NONE;
}

/* Kids of kids that are conjunctions themselves, without "true", each once. */
static int flatten(struct graph *g, const uint32_t *refs, uint32_t n, uint32_t **ret,
                   uint32_t *ret_n)
{
    uint32_t total = 0, m = 0, *all;

    for (uint32_t i = 0; i < n; i++)
        total += is_conjunction(g, refs[i]) ? g->nodes[ref_id(refs[i])].n : 1;
    g->work += total;
    if (g->work > PROGRAM_WORK_MAX)
        return gyr_fail(&g->err, -EINVAL, "the conditions are too large together");
    all = arena_array(g->temp, total ? total : 1, sizeof(*all));
    if (!all)
        return no_memory(g);
    for (uint32_t i = 0; i < n; i++) {
        const struct graph_node *k = &g->nodes[ref_id(refs[i])];

        if (is_conjunction(g, refs[i])) {
            memcpy(all + m, k->kids, k->n * sizeof(*all));
            m += k->n;
        } else if (refs[i] != REF_TRUE) {
            all[m++] = refs[i];
        }
    }
    qsort(all, m, sizeof(*all), by_number);
    total = 0;
    for (uint32_t i = 0; i < m; i++)
        if (i == 0 || all[i] != all[i - 1])
            all[total++] = all[i];
    *ret = all;
    *ret_n = total;
    return 0;
}

int graph_and(struct graph *g, uint32_t *refs, uint32_t n, uint32_t *ret_ref)
{
    struct graph_node node = {.pred = ID_NONE};
    uint32_t id;
    int r;

    for (uint32_t i = 0; i < n; i++) {
        if (refs[i] == REF_FALSE) {
            *ret_ref = REF_FALSE;
            return 0;
        }
    }
    r = flatten(g, refs, n, &node.kids, &node.n);
    if (r < 0)
        return r;
    if (node.n < 2) {
        *ret_ref = node.n ? node.kids[0] : REF_TRUE;
        return 0;
    }
    for (uint32_t i = 0; i < node.n; i++) {
        const struct graph_node *k = &g->nodes[ref_id(node.kids[i])];

        if (k->depth >= node.depth)
            node.depth = k->depth + 1;
        node.on_type = node.on_type || k->on_type;
    }
    if (node.depth > PROGRAM_DEPTH_MAX)
        return gyr_fail(&g->err, -EINVAL, "it is nested more than %d deep", PROGRAM_DEPTH_MAX);
    key_begin(g, 'A');
    key_add(g, node.kids, node.n * (uint32_t)sizeof(*node.kids));
    r = graph_intern(g, g->n_nodes, &id);
    if (r == 0 && id == g->n_nodes) {
        if (graph_grow(&g->nodes, g->n_nodes, &g->cap_nodes, sizeof(*g->nodes)) < 0)
            return no_memory(g);
        g->nodes[g->n_nodes++] = node;
    }
    if (r == 0)
        *ret_ref = id << 1;
    return r;
}

static int build(struct graph *g, const struct node *n, uint32_t depth, uint32_t *ret_ref)
{
    uint32_t flip = n->kind == N_OR, *refs;
    int r;

    if (++g->work > PROGRAM_WORK_MAX)
        return gyr_fail(&g->err, -EINVAL, "the conditions are too large together");
    if (depth > PROGRAM_DEPTH_MAX)
        return gyr_fail(&g->err, -EINVAL, "it is nested more than %d deep", PROGRAM_DEPTH_MAX);
    switch (n->kind) {
    case N_CONST:
        *ret_ref = n->constant ? REF_TRUE : REF_FALSE;
        return 0;
    case N_CMP:
        return build_pred(g, n, ret_ref);
    case N_NOT:
        r = build(g, n->logic.kids[0], depth + 1, ret_ref);
        *ret_ref = r == 0 ? ref_not(*ret_ref) : REF_FALSE;
        return r;
    case N_AND:
    case N_OR:
        break;
    default:
        return gyr_fail(&g->err, -EINVAL, "it names a macro that was not resolved");
    }
    refs = arena_array(g->temp, n->logic.n ? n->logic.n : 1, sizeof(*refs));
    if (!refs)
        return no_memory(g);
    for (uint32_t i = 0; i < n->logic.n; i++) {
        r = build(g, n->logic.kids[i], depth + 1, &refs[i]);
        if (r < 0)
            return r;
        refs[i] ^= flip;
    }
    r = graph_and(g, refs, n->logic.n, ret_ref);
    if (r == 0)
        *ret_ref ^= flip;
    return r;
}

int graph_condition(struct graph *g, const struct node *n, uint32_t *ret_ref)
{
    return build(g, n, 0, ret_ref);
}
