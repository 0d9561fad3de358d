/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/trace.h"

#include "base/map.h"
#include "engine/evaluator_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Each comparison is compiled as if it were a rule's whole condition. Then it can be asked about
 * whatever event, and a test of evt.type is known from the list of the type, as it is for rules. */

enum { CLAUSES_MEM_MAX = 256 << 20 };

struct clauses {
    struct generation *of; /* whose nodes they are */
    uint32_t program;      /* of it */
    struct generation *g;  /* the made-up rules */
    struct map by_node;    /* address of a node to its number + 1 */
    const struct node **nodes;
    uint32_t n, cap;
};

struct trace {
    struct clauses *c;
    struct evaluator *e;
    const struct prog_list *concerned; /* rules of the event's type */
    uint32_t *roots;                   /* by clause, of the event's type; REF_FALSE: cannot hold */
    bool open;
};

const char *trace_state_name(enum trace_state s)
{
    static const char *const names[] = {[TRACE_FALSE] = "false",
                                        [TRACE_ABSENT] = "absent",
                                        [TRACE_PENDING] = "pending",
                                        [TRACE_TRUE] = "true"};

    return names[s];
}

void node_each_clause(const struct node *n, void (*f)(void *ctx, const struct node *clause),
                      void *ctx)
{
    if (n->kind == N_CMP)
        f(ctx, n);
    if (n->kind != N_AND && n->kind != N_OR && n->kind != N_NOT)
        return;
    for (uint32_t i = 0; i < n->logic.n; i++)
        node_each_clause(n->logic.kids[i], f, ctx);
}

/* ---- collecting ---- */

static uint32_t number_of(const struct clauses *c, const struct node *n)
{
    return (uint32_t)(uintptr_t)map_get(&c->by_node, (const char *)&n, sizeof(n));
}

/* Keys of the map are the array's elements: it must not move once it has been filled. */
static void count_clause(void *ctx, const struct node *n)
{
    (void)n;
    ((struct clauses *)ctx)->cap++;
}

static void add_clause(void *ctx, const struct node *n)
{
    struct clauses *c = ctx;

    if (number_of(c, n))
        return;
    c->nodes[c->n] = n;
    if (map_put(&c->by_node, (const char *)&c->nodes[c->n], sizeof(n),
                (void *)(uintptr_t)(c->n + 1)) == 0)
        c->n++;
}

static int collect(struct clauses *c, const struct schema *schema)
{
    const struct ruleset *rs = c->of->rules;

    for (uint32_t i = 0; i < rs->n_rules; i++)
        if (rs->rules[i]->enabled && rs->rules[i]->schema == schema)
            node_each_clause(rs->rules[i]->condition, count_clause, c);
    c->nodes = calloc(c->cap + 1u, sizeof(*c->nodes));
    if (!c->nodes)
        return -ENOMEM;
    for (uint32_t i = 0; i < rs->n_rules; i++)
        if (rs->rules[i]->enabled && rs->rules[i]->schema == schema)
            node_each_clause(rs->rules[i]->condition, add_clause, c);
    return 0;
}

static int make_rules(struct clauses *c, const struct schema *schema)
{
    struct ruleset *rs = calloc(1, sizeof(*rs));

    c->g = calloc(1, sizeof(*c->g));
    if (!rs || !c->g) {
        free(rs);
        return -ENOMEM;
    }
    atomic_init(&c->g->refs, 1);
    c->g->rules = rs;
    rs->arena = arena_new(CLAUSES_MEM_MAX);
    if (!rs->arena)
        return -ENOMEM;
    rs->rules = arena_array(rs->arena, c->n + 1u, sizeof(struct rule *));
    for (uint32_t i = 0; rs->rules && i < c->n; i++) {
        struct rule *r = arena_alloc(rs->arena, sizeof(*r));

        if (!r)
            return -ENOMEM;
        *r = (struct rule){.id = i,
                           .name = "a clause",
                           .enabled = true,
                           .schema = schema,
                           .condition = (struct node *)c->nodes[i]};
        rs->rules[i] = r;
        rs->n_rules++;
    }
    return rs->rules ? 0 : -ENOMEM;
}

static int compile(struct clauses *c, const struct schema *schema, struct gyr_error *err)
{
    struct diags d; /* that some of them can never hold is no news */
    struct arena *a = arena_new(CLAUSES_MEM_MAX);
    int r;

    c->g->programs = calloc(1, sizeof(struct program *));
    if (!a || !c->g->programs) {
        arena_free(a);
        return -ENOMEM;
    }
    diags_init(&d, a);
    r = program_new(c->g->rules, schema, &d, &c->g->programs[0]);
    c->g->n_programs = r == 0;
    if (r < 0 && d.first)
        (void)gyr_fail(err, r, "%s", d.first->text);
    arena_free(a);
    return r;
}

int clauses_new(struct generation *g, uint32_t program, struct clauses **ret, struct gyr_error *err)
{
    struct clauses *c = calloc(1, sizeof(*c));
    const struct schema *schema = g->programs[program]->schema;
    int r;

    (void)gyr_fail(err, -ENOMEM, "out of memory");
    if (!c)
        return -ENOMEM;
    c->of = generation_ref(g);
    c->program = program;
    r = collect(c, schema);
    if (r == 0)
        r = make_rules(c, schema);
    if (r == 0)
        r = compile(c, schema, err);
    if (r < 0) {
        clauses_free(c);
        return r;
    }
    *ret = c;
    return 0;
}

void clauses_free(struct clauses *c)
{
    if (!c)
        return;
    generation_unref(c->g);
    generation_unref(c->of);
    map_free(&c->by_node);
    free(c->nodes);
    free(c);
}

/* ---- a trace ---- */

static void ignore_match(void *ctx, const struct match *m)
{
    (void)ctx;
    (void)m;
}

int trace_new(struct clauses *c, const struct evaluator_conf *like, struct trace **ret,
              struct gyr_error *err)
{
    struct evaluator_conf conf = {.generation = c->g,
                                  .providers = like->providers,
                                  .n_providers = like->n_providers,
                                  .pos = like->pos,
                                  .scratch = like->scratch,
                                  .sink = {.match = ignore_match},
                                  .now_ns = like->now_ns};
    struct trace *t = calloc(1, sizeof(*t));
    int r;

    if (t)
        t->roots = calloc(c->n + 1u, sizeof(*t->roots));
    r = t && t->roots ? evaluator_new(&conf, &t->e, err) : gyr_fail(err, -ENOMEM, "out of memory");
    if (r < 0) {
        trace_free(t);
        return r;
    }
    t->c = c;
    *ret = t;
    return 0;
}

void trace_free(struct trace *t)
{
    if (!t)
        return;
    evaluator_unref(t->e);
    free(t->roots);
    free(t);
}

void trace_begin(struct trace *t, const struct gyr_event *ev)
{
    const struct program *p = t->e->p;
    const struct prog_list *l = program_route(p, ev->type, ev->subtype);
    const struct stream_pos *pos = t->e->conf.pos;
    const struct origin origin = {pos->ts_ns, pos->num, ev->tid, false};

    for (uint32_t i = 0; i < t->c->n; i++)
        t->roots[i] = REF_FALSE;
    for (uint32_t i = 0; i < l->n; i++) {
        const struct prog_entry *en = &p->entries[l->entries[i]];

        t->roots[p->rules[en->rule].rule->id] = en->root;
    }
    t->concerned = program_route(t->c->of->programs[t->c->program], ev->type, ev->subtype);
    evaluator_begin(t->e, ev, &origin);
    t->open = true;
}

void trace_end(struct trace *t)
{
    if (t->open)
        evaluator_end(t->e);
    t->open = false;
}

static bool list_has(const struct program *p, const struct prog_list *l, const struct rule *rule)
{
    for (uint32_t i = 0; i < l->n; i++)
        if (p->rules[p->entries[l->entries[i]].rule].rule == rule)
            return true;
    return false;
}

bool program_concerns(const struct program *p, const struct rule *rule, uint16_t type,
                      uint32_t subtype)
{
    return list_has(p, program_route(p, type, subtype), rule);
}

bool trace_concerns(const struct trace *t, const struct rule *rule)
{
    return list_has(t->c->of->programs[t->c->program], t->concerned, rule);
}

/* The predicate behind a clause; NULL: it is known from the event's type. */
static const struct prog_pred *pred_of(const struct trace *t, uint32_t root)
{
    uint32_t id = ref_id(root);

    return id - 1 < t->e->p->n_preds ? &t->e->p->preds[id - 1] : NULL;
}

static bool is_absent(struct trace *t, uint32_t value)
{
    uint32_t state;

    if (value == ID_NONE)
        return false;
    state = evaluator_value(t->e, value)->state;
    return state == VS_ABSENT || state == VS_MISSING;
}

static enum trace_state clause_state(struct trace *t, const struct node *n)
{
    uint32_t i = number_of(t->c, n), root = i ? t->roots[i - 1] : REF_FALSE;
    const struct prog_pred *q = pred_of(t, root);

    if (q && (is_absent(t, q->lhs) || is_absent(t, q->rhs)))
        return TRACE_ABSENT;
    switch (evaluator_test(t->e, root)) {
    case K_TRUE:
        return TRACE_TRUE;
    case K_PENDING:
        return TRACE_PENDING;
    default:
        return TRACE_FALSE;
    }
}

/* Absent counts as false, and is only told of a clause. */
static enum trace_state plain(enum trace_state s)
{
    return s == TRACE_ABSENT ? TRACE_FALSE : s;
}

enum trace_state trace_node(struct trace *t, const struct node *n)
{
    enum trace_state r = n->kind == N_OR ? TRACE_FALSE : TRACE_TRUE, s;

    switch (n->kind) {
    case N_CMP:
        return clause_state(t, n);
    case N_CONST:
        return n->constant ? TRACE_TRUE : TRACE_FALSE;
    case N_NOT:
        s = plain(trace_node(t, n->logic.kids[0]));
        return s == TRACE_PENDING ? s : s == TRACE_TRUE ? TRACE_FALSE : TRACE_TRUE;
    default:
        break;
    }
    for (uint32_t i = 0; i < n->logic.n; i++) {
        s = plain(trace_node(t, n->logic.kids[i]));
        if (n->kind == N_OR ? s > r : s < r)
            r = s;
    }
    return r;
}

bool trace_value(struct trace *t, const struct node *n, struct gyr_value *ret)
{
    uint32_t i = n->kind == N_CMP ? number_of(t->c, n) : 0;
    const struct prog_pred *q = i ? pred_of(t, t->roots[i - 1]) : NULL;
    const struct value_slot *s = q ? evaluator_value(t->e, q->lhs) : NULL;

    if (!s || s->state != VS_PRESENT)
        return false;
    *ret = s->v;
    return true;
}
