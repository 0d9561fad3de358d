/* SPDX-License-Identifier: Apache-2.0 */
/* Lists opened and macros parsed, once for all schemas; whoever is missing or in a cycle is told.
 */
#include "base/buf.h"
#include "rules/parse.h"
#include "rules/resolve.h"

#include <errno.h>
#include <string.h>

/* Deep enough for anybody, and a bound for the stack. */
enum { NESTED_MAX = 60 };

/* The way down to where the search is: for cycles. */
struct trail {
    const struct trail *up;
    const char *name;
};

/* "a → b", from @p first down to where the search is. */
static void add_chain(struct buf *b, const struct trail *t, const char *first)
{
    if (strcmp(t->name, first) != 0) {
        add_chain(b, t->up, first);
        buf_adds(b, " \xe2\x86\x92 ");
    }
    buf_adds(b, t->name);
}

static void tell_cycle(struct defs *defs, struct loc loc, const char *kind, const struct trail *t,
                       const char *name)
{
    struct buf b;

    buf_init(&b, 4096);
    add_chain(&b, t, name);
    diag_error(defs->d, loc, "%s '%.100s' contains itself: %s \xe2\x86\x92 %s", kind, name, b.p,
               name);
    buf_free(&b);
}

/* ---- lists ---- */

static int open_list(struct resolver *r, struct list_def *l, const struct trail *up,
                     uint32_t depth);

/* The items of one list inside another. @return 0; -EINVAL after telling; -ENOMEM. */
static int open_inner(struct resolver *r, struct list_def *l, struct list_def *inner,
                      struct loc loc, const struct trail *trail, uint32_t depth, struct vec *open)
{
    int k;

    inner->used = true;
    if (inner->link == LINK_OPEN) {
        tell_cycle(r->defs, loc, "list", trail, inner->name);
        return -EINVAL;
    }
    if (depth == NESTED_MAX) {
        diag_error(r->defs->d, loc, "list '%.100s': lists nested more than %d deep", l->name,
                   NESTED_MAX);
        return -EINVAL;
    }
    k = open_list(r, inner, trail, depth + 1);
    if (k < 0)
        return k;
    if (inner->broken)
        return -EINVAL;
    r->n_nodes += inner->n_open;
    if (r->n_nodes > NODES_TOTAL_MAX) {
        diag_error(r->defs->d, loc, "list '%.100s': the lists open to more than %d values", l->name,
                   NODES_TOTAL_MAX);
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < inner->n_open; i++)
        if (!vec_push(r->defs->arena, open, inner->open[i]))
            return defs_no_memory(r->defs);
    return 0;
}

static int open_list(struct resolver *r, struct list_def *l, const struct trail *up, uint32_t depth)
{
    struct trail trail = {up, l->name};
    struct vec open = {0};
    const char *what;
    struct list_def *inner;
    struct expr *e;
    int k;

    if (l->link == LINK_DONE)
        return 0;
    what = arena_printf(r->defs->arena, "list '%.200s'", l->name);
    l->link = LINK_OPEN;
    for (uint32_t i = 0; i < l->items.n; i++) {
        const struct ynode *n = l->items.p[i];

        e = what ? item_value(r->defs, n, what) : NULL;
        if (!e)
            return defs_no_memory(r->defs);
        inner = e->quoted ? NULL : map_get(&r->defs->list_by_name, e->value.u.ptr, e->value.len);
        /* A list may hold its own name as a value: "docker" in the list docker. */
        if (inner && inner != l) {
            k = open_inner(r, l, inner, n->loc, &trail, depth, &open);
            if (k == -ENOMEM)
                return k;
            l->broken |= k < 0;
        } else if (!vec_push(r->defs->arena, &open, e)) {
            return defs_no_memory(r->defs);
        }
    }
    l->link = LINK_DONE;
    l->open = (struct expr **)open.p;
    l->n_open = open.n;
    return 0;
}

/* ---- macros ---- */

static int link_macro(struct resolver *r, struct macro_def *m, const struct trail *up);

static int link_reference(struct resolver *r, struct macro_def *m, const struct node *n,
                          const struct trail *trail)
{
    struct macro_def *inner = map_gets(&r->defs->macro_by_name, n->macro);
    int k;

    if (m->n_told >= PROBLEMS_MAX)
        return 0; /* each place costs a walk over the text */
    if (!inner) {
        m->broken = true;
        m->n_told++;
        if (r->defs->incomplete)
            return 0;
        diag_error(r->defs->d, text_loc(n->text, n->off),
                   "macro '%.100s': unknown macro '%.100s'%s", m->name, n->macro,
                   resolve_macro_hint(r->defs, n->macro));
        return 0;
    }
    inner->used = true;
    if (inner->link == LINK_OPEN) {
        m->broken = true;
        m->n_told++;
        tell_cycle(r->defs, text_loc(n->text, n->off), "macro", trail, inner->name);
        return 0;
    }
    k = link_macro(r, inner, trail);
    m->broken |= inner->broken;
    if (inner->height + 1 > m->height)
        m->height = inner->height + 1;
    if (k == 0 && m->height > NESTED_MAX && !m->broken) {
        m->broken = true;
        diag_error(r->defs->d, text_loc(n->text, n->off),
                   "macro '%.100s': macros nested more than %d deep", m->name, NESTED_MAX);
    }
    return k;
}

static int link_node(struct resolver *r, struct macro_def *m, const struct node *n,
                     const struct trail *trail)
{
    int k = 0;

    if (n->kind == N_MACRO)
        return link_reference(r, m, n, trail);
    if (n->kind == N_AND || n->kind == N_OR || n->kind == N_NOT)
        for (uint32_t i = 0; i < n->logic.n && k == 0; i++)
            k = link_node(r, m, n->logic.kids[i], trail);
    return k;
}

static uint32_t trail_length(const struct trail *t)
{
    uint32_t n = 0;

    for (; t; t = t->up)
        n++;
    return n;
}

static int link_macro(struct resolver *r, struct macro_def *m, const struct trail *up)
{
    struct trail trail = {up, m->name};
    int k;

    if (m->link == LINK_DONE)
        return 0;
    if (m->broken || !m->ast) {
        m->broken = true;
        m->link = LINK_DONE;
        return 0;
    }
    if (trail_length(up) > NESTED_MAX) {
        m->broken = true;
        m->link = LINK_DONE;
        diag_error(r->defs->d, m->loc, "macro '%.100s': macros nested more than %d deep", m->name,
                   NESTED_MAX);
        return 0;
    }
    m->link = LINK_OPEN;
    k = link_node(r, m, m->ast, &trail);
    m->link = LINK_DONE;
    return k;
}

static int parse_macro(struct resolver *r, struct macro_def *m)
{
    const char *what = arena_printf(r->defs->arena, "macro '%.200s'", m->name);
    struct text *t;
    int k;

    if (m->broken)
        return 0;
    t = what ? text_join(r->defs->arena, &m->condition, what) : NULL;
    if (!t)
        return defs_no_memory(r->defs);
    k = parse_condition(t, r->defs->arena, r->defs->d, &m->ast);
    m->broken = k < 0;
    r->defs->unparsed |= k < 0;
    return k == -ENOMEM ? k : 0;
}

int resolve_link(struct resolver *r)
{
    struct defs *d = r->defs;
    int k = 0;

    for (uint32_t i = 0; i < d->lists.n && k == 0; i++)
        k = open_list(r, d->lists.p[i], NULL, 0);
    for (uint32_t i = 0; i < d->macros.n && k == 0; i++)
        k = parse_macro(r, d->macros.p[i]);
    for (uint32_t i = 0; i < d->macros.n && k == 0; i++)
        k = link_macro(r, d->macros.p[i], NULL);
    return k;
}
