/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/lint.h"

#include "base/suggest.h"
#include "rules/print.h"

#include <string.h>

enum { ROWS_MAX = 256, PRINT_MAX = 1 << 16, TYPES_MANY = 16 };

/* ---- event types ---- */

/* Does the condition, when true (or when @p want is false: when false), say of which type the event
 * is? */
static bool names_types(const struct node *n, bool want)
{
    const char *field;
    bool all;

    switch (n->kind) {
    case N_NOT:
        return names_types(n->logic.kids[0], !want);
    case N_CONST:
        return n->constant != want; /* never so */
    case N_CMP:
        field = n->cmp.lhs->kind == X_FIELD ? n->cmp.lhs->field.def->f.name : "";
        return want && (n->cmp.op == OP_EQ || n->cmp.op == OP_IN) &&
               (strcmp(field, "evt.type") == 0 || strcmp(field, "syscall.type") == 0);
    default:
        break;
    }
    all = n->kind == (want ? N_OR : N_AND);
    for (uint32_t i = 0; i < n->logic.n; i++)
        if (names_types(n->logic.kids[i], want) != all)
            return !all;
    return all;
}

/* ---- exceptions ---- */

struct row {
    const struct node *n;
    const char *what;
};

static uint32_t add_rows(const struct node *n, struct row *rows, uint32_t k)
{
    if (n->kind == N_OR) {
        for (uint32_t i = 0; i < n->logic.n; i++)
            k = add_rows(n->logic.kids[i], rows, k);
        return k;
    }
    if (k < ROWS_MAX)
        rows[k++] = (struct row){n, n->text->what};
    return k;
}

static const struct node *const *tests_of(const struct node *const *row, uint32_t *n)
{
    *n = (*row)->kind == N_AND ? (*row)->logic.n : 1;
    return (*row)->kind == N_AND ? (const struct node *const *)(*row)->logic.kids : row;
}

static bool same(const struct node *a, const struct node *b)
{
    struct buf x, y;
    bool r;

    buf_init(&x, PRINT_MAX);
    buf_init(&y, PRINT_MAX);
    node_print(&x, a);
    node_print(&y, b);
    r = !x.failed && !y.failed && strcmp(x.p, y.p) == 0;
    buf_free(&x);
    buf_free(&y);
    return r;
}

/* Is whatever fits @p b excepted by @p a already: is each test of a one of b's? */
static bool covers(const struct node *a, const struct node *b)
{
    uint32_t n_a, n_b;
    const struct node *const *x = tests_of(&a, &n_a), *const *y = tests_of(&b, &n_b);

    for (uint32_t i = 0; i < n_a; i++) {
        bool found = false;

        for (uint32_t k = 0; k < n_b && !found; k++)
            found = same(x[i], y[k]);
        if (!found)
            return false;
    }
    return true;
}

/* What the rule asks that the row's tests cannot have; NULL: nothing. */
static const struct node *hinders(const struct node *cond, const struct node *row)
{
    uint32_t n;
    const struct node *const *tests = tests_of(&row, &n), *found;

    if (cond->kind == N_AND) {
        for (uint32_t i = 0; i < cond->logic.n; i++)
            if ((found = hinders(cond->logic.kids[i], row)) != NULL)
                return found;
        return NULL;
    }
    for (uint32_t i = 0; i < n && cond->kind == N_CMP; i++)
        if (lint_excludes(cond, tests[i], false))
            return cond;
    return NULL;
}

static void tell_hindered(struct defs *defs, const struct row *r, const struct node *by)
{
    struct buf b;

    buf_init(&b, PRINT_MAX);
    node_print(&b, by);
    diag_warning(defs->d, DIAG_SHADOWED_EXCEPTION, text_loc(r->n->text, 0),
                 "%s: this can never apply: the rule asks for '%.80s%s'", r->what, b.p,
                 b.len > 80 ? "…" : "");
    buf_free(&b);
}

/* A row's place is that of its first value: its tests stand where the fields do. */
static struct loc place_of(const struct row *r)
{
    uint32_t n;
    const struct node *const *tests = tests_of(&r->n, &n);
    const struct expr *rhs = tests[0]->kind == N_CMP ? tests[0]->cmp.rhs : NULL;

    return rhs && rhs->text ? text_loc(rhs->text, rhs->off) : text_loc(r->n->text, r->n->off);
}

static void lint_exceptions(struct defs *defs, const struct rule *r)
{
    const struct node *c = r->condition;
    struct row rows[ROWS_MAX];
    uint32_t n = 0;

    for (uint32_t i = 1; c->kind == N_AND && i < c->logic.n; i++) {
        const struct node *kid = c->logic.kids[i];

        if (kid->kind == N_NOT && kid->text->what != r->condition_text->what)
            n = add_rows(kid->logic.kids[0], rows, n);
    }
    for (uint32_t i = 0; i < n; i++) {
        const struct node *by = hinders(c->logic.kids[0], rows[i].n);

        if (by)
            tell_hindered(defs, &rows[i], by);
        for (uint32_t k = 0; k < i; k++)
            if (covers(rows[k].n, rows[i].n)) {
                diag_warning(defs->d, DIAG_SHADOWED_EXCEPTION, place_of(&rows[i]),
                             "%s: whatever these values except, those in line %u do already",
                             rows[i].what, place_of(&rows[k]).line);
                break;
            }
    }
}

void lint_rule(struct defs *defs, const struct rule_def *def, const struct rule *r)
{
    if (!defs->d->lint || !r->enabled)
        return;
    if (!def->any_type && r->schema->n_types > TYPES_MANY && !names_types(r->condition, true))
        diag_warning(defs->d, DIAG_NO_EVENT_TYPE, text_loc(r->condition_text, 0),
                     "%s names no event type, so it is looked at for each event: add "
                     "'evt.type in (…)', or 'warn_evttypes: false' when that is meant",
                     r->condition_text->what);
    lint_contradictions(defs, r->condition, r->condition_text->what);
    if (def->exceptions.n)
        lint_exceptions(defs, r);
}

/* ---- lists and macros ---- */

static void use_list(struct defs *defs, const struct expr *e)
{
    struct list_def *l;

    if (e->kind == X_LIST)
        for (uint32_t i = 0; i < e->list.n; i++)
            use_list(defs, e->list.items[i]);
    if (e->kind != X_CONST || e->quoted)
        return;
    l = map_get(&defs->list_by_name, e->value.u.ptr, e->value.len);
    if (l)
        l->used = true;
}

/* Macros that no rule uses are never resolved, and their lists are used all the same. */
static void use_lists(struct defs *defs, const struct node *n)
{
    if (n->kind == N_CMP && n->cmp.rhs)
        use_list(defs, n->cmp.rhs);
    if (n->kind == N_AND || n->kind == N_OR || n->kind == N_NOT)
        for (uint32_t i = 0; i < n->logic.n; i++)
            use_lists(defs, n->logic.kids[i]);
}

void lint_defs(struct defs *defs)
{
    if (!defs->d->lint || defs->incomplete || defs->unparsed)
        return;
    for (uint32_t i = 0; i < defs->macros.n; i++) {
        const struct macro_def *m = defs->macros.p[i];

        if (m->ast)
            use_lists(defs, m->ast);
        if (!m->used && !m->broken)
            diag_warning(defs->d, DIAG_UNUSED_MACRO, m->loc,
                         "macro '%.200s' is used by no rule and no other macro", m->name);
    }
    for (uint32_t i = 0; i < defs->lists.n; i++) {
        const struct list_def *l = defs->lists.p[i];

        if (!l->used && !l->broken)
            diag_warning(defs->d, DIAG_UNUSED_LIST, l->loc,
                         "list '%.200s' is used by no rule, macro or other list", l->name);
        else if (!l->n_open && !l->broken)
            diag_info(defs->d, DIAG_EMPTY_LIST, l->loc,
                      "list '%.200s' is empty: 'in (%.200s)' is never true", l->name, l->name);
    }
}

/* The nearest of the others. */
static const char *hint_beside(struct defs *defs, const struct map *names, const char *name)
{
    struct suggest s;

    suggest_init(&s, name, strlen(name));
    for (uint32_t i = 0; i < names->n; i++)
        if (strcmp(names->slots[i].key, name) != 0)
            suggest_offer(&s, names->slots[i].key);
    return diag_hint(defs->d, suggest_best(&s));
}

int lint_more(struct defs *defs, const char *name, struct ruleset *rs)
{
    uint32_t n = defs->lists.n + defs->macros.n;

    rs->idle = arena_array(defs->arena, n + 1, sizeof(*rs->idle));
    if (!rs->idle)
        return defs_no_memory(defs);
    for (uint32_t i = 0; i < n; i++) {
        bool is_list = i < defs->lists.n;
        const struct list_def *l = is_list ? defs->lists.p[i] : NULL;
        const struct macro_def *m = is_list ? NULL : defs->macros.p[i - defs->lists.n];
        const char *what = is_list ? l->name : m->name;

        if ((is_list ? l->used : m->used) ||
            strcmp((is_list ? l->loc : m->loc).file->path, name) != 0)
            continue;
        rs->idle[rs->n_idle++] = (struct ruleset_idle){
            what, hint_beside(defs, is_list ? &defs->list_by_name : &defs->macro_by_name, what),
            is_list};
    }
    return 0;
}
