/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/resolve.h"

#include "base/buf.h"
#include "base/suggest.h"
#include "rules/check.h"

#include <errno.h>
#include <string.h>

static struct node *resolve_node(struct resolver *r, struct unit *u, const struct node *ast,
                                 uint32_t depth);

/* ---- problems ---- */

void problem_add(struct resolver *r, struct unit *u, uint32_t kind, const struct text *text,
                 uint32_t off, const char *fmt, ...)
{
    struct problem *p;
    struct buf b;
    va_list ap;

    if (kind < PROBLEM_WARNING)
        u->has_error = true;
    if (kind == PROBLEM_ERROR)
        u->has_hard_error = true;
    if (kind < PROBLEM_WARNING && u->what)
        r->n_errors++;
    /* Each place costs a walk over its scalar. */
    if (u->n_problems++ >= PROBLEMS_MAX)
        return;
    p = arena_alloc(r->defs->arena, sizeof(*p));
    if (!p)
        return;
    buf_init(&b, 2048);
    va_start(ap, fmt);
    buf_vaddf(&b, fmt, ap);
    va_end(ap);
    p->text = arena_printf(r->defs->arena, "%s: %s", text->what, b.p);
    buf_free(&b);
    if (!p->text)
        p->text = "out of memory";
    p->loc = text_loc(text, off);
    p->warning = kind < PROBLEM_WARNING ? DIAG_NONE : (enum diag_code)(kind - PROBLEM_WARNING);
    p->is_unknown = kind == PROBLEM_UNKNOWN;
    *(u->last ? u->last : &u->first) = p;
    u->last = &p->next;
}

void resolve_tell(struct resolver *r, struct unit *u)
{
    if (u->told)
        return;
    u->told = true;
    for (uint32_t i = 0; i < u->uses.n; i++)
        resolve_tell(r, u->uses.p[i]);
    for (const struct problem *p = u->first; p; p = p->next)
        diag_add(r->defs->d, p->warning ? SEV_WARNING : SEV_ERROR, p->warning, p->loc, "%s",
                 p->text);
    if (u->n_problems > PROBLEMS_MAX)
        diag_warning(r->defs->d, DIAG_MORE_PROBLEMS, u->first->loc, "%s: %u problems more", u->what,
                     u->n_problems - PROBLEMS_MAX);
}

const struct problem *resolve_first_error(const struct unit *u)
{
    const struct problem *found = NULL;

    for (const struct problem *p = u->first; p; p = p->next)
        if (!p->warning)
            return p;
    for (uint32_t i = 0; i < u->uses.n && !found; i++) {
        const struct unit *used = u->uses.p[i];

        if (used->has_error)
            found = resolve_first_error(used);
    }
    return found;
}

const char *resolve_macro_hint(struct defs *defs, const char *word)
{
    struct suggest s;

    if (map_gets(&defs->list_by_name, word))
        return ", but there is a list of that name: 'proc.name in (…)' takes one";
    suggest_init(&s, word, strlen(word));
    if (defs_may_guess(defs, defs->macro_by_name.n))
        for (uint32_t i = 0; i < defs->macro_by_name.n; i++)
            suggest_offer(&s, defs->macro_by_name.slots[i].key);
    return diag_hint(defs->d, suggest_best(&s));
}

/* ---- copies ---- */

/* Room for what is made, and an end to what grows without one. */
static bool count(struct resolver *r, struct unit *u, uint64_t n)
{
    u->size += n;
    r->n_nodes += n;
    return r->n_nodes <= NODES_TOTAL_MAX;
}

static int too_large(struct resolver *r, const struct text *text, uint32_t off)
{
    diag_error(r->defs->d, text_loc(text, off),
               "%s: macros and lists open to more than %d conditions and values", text->what,
               NODES_TOTAL_MAX);
    return -ENOMEM;
}

static struct expr **copy_all(struct resolver *r, struct expr *const *items, uint32_t n)
{
    struct expr **all = arena_array(r->defs->arena, n + 1, sizeof(struct expr *));

    for (uint32_t i = 0; all && i < n; i++) {
        all[i] = resolve_copy(r, items[i]);
        if (!all[i])
            return NULL;
    }
    return all;
}

struct expr *resolve_copy(struct resolver *r, const struct expr *e)
{
    struct expr *c = arena_alloc(r->defs->arena, sizeof(*c));

    if (!c)
        return NULL;
    *c = *e;
    if (e->kind == X_CALL)
        c->call.args = copy_all(r, e->call.args, e->call.n);
    if (e->kind == X_LIST)
        c->list.items = copy_all(r, e->list.items, e->list.n);
    if ((e->kind == X_CALL && !c->call.args) || (e->kind == X_LIST && !c->list.items))
        return NULL;
    return c;
}

/* ---- lists where they are used ---- */

static const struct list_def *list_named(const struct resolver *r, const struct expr *e)
{
    struct list_def *l;

    if (e->kind != X_CONST || e->quoted)
        return NULL;
    l = map_get(&r->defs->list_by_name, e->value.u.ptr, e->value.len);
    if (l)
        l->used = true;
    return l;
}

/* A word that looks like the name of a list and nearly is one: it would match as plain text. */
static void warn_near_list(struct resolver *r, struct unit *u, const struct expr *e)
{
    struct suggest s;

    if (e->quoted || !memchr(e->value.u.ptr, '_', e->value.len) ||
        !defs_may_guess(r->defs, r->defs->list_by_name.n))
        return;
    suggest_init(&s, e->value.u.ptr, e->value.len);
    for (uint32_t i = 0; i < r->defs->list_by_name.n; i++)
        suggest_offer(&s, r->defs->list_by_name.slots[i].key);
    if (suggest_best(&s) && s.distance <= 2)
        problem_add(r, u, PROBLEM_WARNING + DIAG_NEAR_LIST, e->text, e->off,
                    "'%.*s' is a plain value here; did you mean the list '%s'?", (int)s.len, s.word,
                    suggest_best(&s));
}

/* @return 0; -EINVAL for a list that is broken (told already); -ENOMEM. */
static int open_list(struct resolver *r, struct unit *u, struct expr *list)
{
    struct vec open = {0};
    const struct list_def *l;

    if (!list->list.n)
        problem_add(r, u, PROBLEM_WARNING + DIAG_NEVER_MATCHES, list->text, list->off,
                    "the list is empty: this is never true");
    for (uint32_t i = 0; i < list->list.n; i++) {
        struct expr *e = list->list.items[i];

        l = list_named(r, e);
        if (!l) {
            warn_near_list(r, u, e);
            if (!count(r, u, 1))
                return too_large(r, list->text, list->off);
            if (!vec_push(r->defs->arena, &open, e))
                return defs_no_memory(r->defs);
            continue;
        }
        if (l->broken)
            return -EINVAL;
        if (!count(r, u, l->n_open))
            return too_large(r, list->text, list->off);
        for (uint32_t k = 0; k < l->n_open; k++) {
            e = resolve_copy(r, l->open[k]);
            if (!e || !vec_push(r->defs->arena, &open, e))
                return defs_no_memory(r->defs);
        }
    }
    list->list.items = (struct expr **)open.p;
    list->list.n = open.n;
    return 0;
}

/* "proc.name = shells": Falco puts the list's text there, which is right for one value only. */
static int open_single(struct resolver *r, struct unit *u, struct node *cmp,
                       const struct list_def *l)
{
    const struct expr *e = cmp->cmp.rhs;

    if (l->broken)
        return -EINVAL;
    if (l->n_open != 1) {
        problem_add(r, u, PROBLEM_ERROR, e->text, e->off,
                    "list '%s' has %u values; '%s' takes one: use 'in (%s)'", l->name, l->n_open,
                    cmp_op_name(cmp->cmp.op), l->name);
        return 0;
    }
    cmp->cmp.rhs = resolve_copy(r, l->open[0]);
    return cmp->cmp.rhs ? 0 : defs_no_memory(r->defs);
}

/* ---- conditions ---- */

static struct node *broken(struct unit *u, struct node *n)
{
    u->has_error = u->has_hard_error = true;
    n->kind = N_CONST;
    n->constant = false;
    return n;
}

static struct node *resolve_comparison(struct resolver *r, struct unit *u, const struct node *ast,
                                       struct node *n)
{
    const struct list_def *l;
    int k = 0;

    n->cmp.lhs = resolve_copy(r, ast->cmp.lhs);
    n->cmp.rhs = ast->cmp.rhs ? resolve_copy(r, ast->cmp.rhs) : NULL;
    if (!n->cmp.lhs || (ast->cmp.rhs && !n->cmp.rhs)) {
        (void)defs_no_memory(r->defs);
        return NULL;
    }
    if (n->cmp.rhs && n->cmp.rhs->kind == X_LIST)
        k = open_list(r, u, n->cmp.rhs);
    else if (n->cmp.rhs && (l = list_named(r, n->cmp.rhs)) != NULL)
        k = open_single(r, u, n, l);
    if (k == -ENOMEM)
        return NULL;
    if (k < 0)
        return broken(u, n);
    (void)check_comparison(r, u, n);
    return n;
}

/* The macro for this schema, resolved when it is first used. */
static int macro_unit(struct resolver *r, struct macro_def *m, uint32_t depth, struct unit **ret)
{
    struct unit *u;

    for (u = m->units; u; u = u->next)
        if (u->schema == r->schema)
            break;
    if (!u) {
        u = arena_alloc(r->defs->arena, sizeof(*u));
        if (!u)
            return defs_no_memory(r->defs);
        u->schema = r->schema;
        u->what = m->ast->text->what;
        u->base = depth;
        u->node = resolve_node(r, u, m->ast, depth);
        if (!u->node)
            return -ENOMEM;
        u->next = m->units;
        m->units = u;
    }
    *ret = u;
    return 0;
}

static struct node *resolve_macro(struct resolver *r, struct unit *u, const struct node *ast,
                                  struct node *n, uint32_t depth)
{
    struct macro_def *m = map_gets(&r->defs->macro_by_name, ast->macro);
    struct unit *inner = NULL;

    if (!m && r->defs->incomplete)
        return broken(u, n);
    if (!m) {
        problem_add(r, u, PROBLEM_ERROR, ast->text, ast->off, "unknown macro '%.100s'%s",
                    ast->macro, resolve_macro_hint(r->defs, ast->macro));
        return broken(u, n);
    }
    m->used = true;
    if (m->broken)
        return broken(u, n);
    if (macro_unit(r, m, depth, &inner) < 0)
        return NULL;
    if (!vec_push(r->defs->arena, &u->uses, inner)) {
        (void)defs_no_memory(r->defs);
        return NULL;
    }
    u->has_error |= inner->has_error;
    u->has_hard_error |= inner->has_hard_error;
    if (__builtin_add_overflow(u->size, inner->size, &u->size))
        u->size = UINT64_MAX;
    if (depth + inner->depth > EXPANDED_DEPTH_MAX) {
        problem_add(r, u, PROBLEM_ERROR, ast->text, ast->off,
                    "nested more than %d deep with its macros", EXPANDED_DEPTH_MAX);
        return broken(u, n);
    }
    if (depth - u->base + inner->depth > u->depth)
        u->depth = depth - u->base + inner->depth;
    return inner->node;
}

static struct node *resolve_node(struct resolver *r, struct unit *u, const struct node *ast,
                                 uint32_t depth)
{
    struct node *n = arena_alloc(r->defs->arena, sizeof(*n));

    if (!n) {
        (void)defs_no_memory(r->defs);
        return NULL;
    }
    if (!count(r, u, 1)) {
        (void)too_large(r, ast->text, ast->off);
        return NULL;
    }
    *n = *ast;
    if (depth - u->base + 1 > u->depth)
        u->depth = depth - u->base + 1;
    if (depth >= EXPANDED_DEPTH_MAX) {
        problem_add(r, u, PROBLEM_ERROR, ast->text, ast->off,
                    "nested more than %d deep with its macros", EXPANDED_DEPTH_MAX);
        return broken(u, n);
    }
    /* Who has told so much need not look further. */
    if (r->n_errors > DIAGS_MAX)
        return broken(u, n);
    if (ast->kind == N_MACRO)
        return resolve_macro(r, u, ast, n, depth);
    if (ast->kind == N_CMP)
        return resolve_comparison(r, u, ast, n);
    n->logic.kids = arena_array(r->defs->arena, ast->logic.n, sizeof(struct node *));
    if (!n->logic.kids) {
        (void)defs_no_memory(r->defs);
        return NULL;
    }
    for (uint32_t i = 0; i < ast->logic.n; i++) {
        n->logic.kids[i] = resolve_node(r, u, ast->logic.kids[i], depth + 1);
        if (!n->logic.kids[i])
            return NULL;
    }
    return n;
}

int resolve_condition(struct resolver *r, struct unit *u, const struct node *ast)
{
    u->node = resolve_node(r, u, ast, 0);
    if (!u->node)
        return -ENOMEM;
    if (__builtin_add_overflow(r->n_expanded, u->size, &r->n_expanded) ||
        r->n_expanded > NODES_TOTAL_MAX)
        return too_large(r, ast->text, ast->off);
    return 0;
}

/* ---- schemas ---- */

int resolve_set_schema(struct resolver *r, const struct schema *schema)
{
    const char *name;

    if (r->schema == schema)
        return 0;
    map_free(&r->event_names);
    r->event_names = (struct map){0};
    r->schema = schema;
    for (uint32_t i = 0; i < schema->n_types + schema->n_subtype_ids; i++) {
        name = i < schema->n_types ? schema->types[i].name
                                   : schema->subtype_names[i - schema->n_types];
        if (name && map_put(&r->event_names, name, strlen(name), (void *)name) < 0)
            return defs_no_memory(r->defs);
    }
    return 0;
}

void resolve_free(struct resolver *r)
{
    map_free(&r->event_names);
}
