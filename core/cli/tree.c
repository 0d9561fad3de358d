/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/tree.h"

#include "base/text.h"
#include "rules/print.h"
#include "test/why.h"

enum { CLAUSE_MAX = 1 << 16, SHOWN = 160 };

static const char *group_name(enum node_kind kind)
{
    return kind == N_AND ? "all of" : kind == N_OR ? "any of" : "not";
}

static void add_clause(struct buf *b, const struct node *n)
{
    struct buf text;

    buf_init(&text, CLAUSE_MAX);
    node_print(&text, n);
    text_add_safe(b, text.p, text.len < SHOWN ? text.len : SHOWN);
    buf_adds(b, text.len > SHOWN ? "…" : "");
    buf_free(&text);
}

/* Where it comes from, where that is not what is around it: a macro, an exception. */
static void add_origin(struct buf *b, const struct node *n, const char *around)
{
    struct loc l = n->text ? text_loc(n->text, n->off) : (struct loc){0};

    if (n->text && n->text->what != around && l.file)
        buf_addf(b, "   # %s, %s:%u", n->text->what, l.file->path, l.line);
}

static void print(struct buf *b, const struct node *n, struct trace *t, const char *around,
                  int depth)
{
    bool group = n->kind == N_AND || n->kind == N_OR || n->kind == N_NOT;

    if (t)
        buf_addf(b, "  %-8s", trace_state_name(trace_node(t, n)));
    buf_addf(b, "%*s", 2 + 2 * depth, "");
    if (group)
        buf_adds(b, group_name(n->kind));
    else
        add_clause(b, n);
    if (t && n->kind == N_CMP)
        why_add_value(b, t, n);
    add_origin(b, n, around);
    buf_addc(b, '\n');
    for (uint32_t i = 0; group && i < n->logic.n; i++)
        print(b, n->logic.kids[i], t, n->text ? n->text->what : around, depth + 1);
}

void tree_print(struct buf *b, const struct node *condition, struct trace *t)
{
    print(b, condition, t, condition->text ? condition->text->what : NULL, 0);
}
