/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/parse.h"

#include "rules/operand.h"
#include "rules/recover.h"

#include <errno.h>
#include <string.h>

static struct node *parse_or(struct parser *p);

static const char *op_at(int i)
{
    return i < OP_MAX_ ? cmp_op_name((enum cmp_op)i) : NULL;
}

static struct node *node_new(struct parser *p, enum node_kind kind, uint32_t off)
{
    struct node *n = arena_alloc(p->arena, sizeof(*n));

    if (!n)
        return operand_no_memory(p);
    n->kind = kind;
    n->text = p->text;
    n->off = off;
    n->len = p->lex.at - off;
    return n;
}

static bool at_word(const struct parser *p, const char *word)
{
    struct lexer copy = p->lex;

    return lex_word(&copy, word);
}

/* oneof, anyof, allof count as such only when a list follows: "contains oneof" alone compares
 * with the word. */
static enum cmp_mod modifier(struct parser *p)
{
    uint32_t from = p->lex.at;
    struct lexer copy;
    struct token t;
    int mod;

    (void)lex_blank(&p->lex);
    if (lex_identifier(&p->lex, &t)) {
        mod = cmp_mod_find(p->lex.p + t.off, t.len);
        if (mod > 0) {
            (void)lex_blank(&p->lex);
            copy = p->lex;
            if (lex_peek(&p->lex) == '(')
                return (enum cmp_mod)mod;
            if (lex_identifier(&copy, &t) && !at_word(p, "and") && !at_word(p, "or") &&
                !at_word(p, "not"))
                return (enum cmp_mod)mod;
        }
    }
    p->lex.at = from;
    return MOD_NONE;
}

static void *no_comparator(struct parser *p, const struct token *t)
{
    const char *hint = t->len > 1 ? operand_hint(p, t, op_at) : "";

    return operand_fail(
        p, t->off, "'%.*s' is no comparator%s", (int)(t->len > 60 ? 60 : t->len), p->lex.p + t->off,
        hint[0] || t->len == 1 ? hint
                               : "; there are = != < <= > >= in intersects pmatch contains "
                                 "icontains startswith endswith glob iglob regex exists");
}

static struct node *comparison(struct parser *p, uint32_t off, struct expr *lhs)
{
    enum cmp_mod mod = MOD_NONE;
    struct expr *rhs = NULL;
    const char *left = p->lex.p + off;
    int left_len = lhs->len > 60 ? 60 : (int)lhs->len, op;
    struct node *n;
    struct token t;

    (void)lex_blank(&p->lex);
    if (lex_at_end(&p->lex) || lex_peek(&p->lex) == ')' || at_word(p, "and") || at_word(p, "or"))
        return operand_fail(p, off,
                            "'%.*s' needs a comparator after it, such as '=', 'in' or 'exists'",
                            left_len, left);
    if (!lex_comparator(&p->lex, &t))
        return operand_expected(p, "a comparator such as '=', 'in' or 'exists'");
    op = cmp_op_find(p->lex.p + t.off, t.len);
    if (op < 0)
        return no_comparator(p, &t);
    if (op != OP_EXISTS) {
        if (!cmp_op_takes_list((enum cmp_op)op) && !(op >= OP_LT && op <= OP_GE))
            mod = modifier(p);
        rhs = operand_right(p, (enum cmp_op)op, mod);
        if (!rhs)
            return NULL;
    }
    n = node_new(p, N_CMP, off);
    if (!n)
        return NULL;
    n->cmp.lhs = lhs;
    n->cmp.op = (enum cmp_op)op;
    n->cmp.mod = mod;
    n->cmp.rhs = rhs;
    return n;
}

static struct node *group(struct parser *p, uint32_t off)
{
    struct node *n;
    struct loc loc;

    if (!operand_enter(p, off))
        return NULL;
    n = parse_or(p);
    if (p->err.code)
        return NULL;
    if (!lex_char(&p->lex, ')') && !p->is_cut) {
        loc = text_loc(p->text, off);
        return operand_fail(p, p->lex.len, "expected ')' for the '(' in line %u, column %u",
                            loc.line, loc.col);
    }
    p->depth--;
    return n;
}

static struct node *macro(struct parser *p, const struct token *name)
{
    struct lexer next = p->lex;
    struct node *n;
    struct token t;

    (void)lex_blank(&next);
    if (lex_comparator(&next, &t) && cmp_op_find(next.p + t.off, t.len) >= 0)
        return operand_fail(p, name->off,
                            "'%.*s' is no field: a field has a dot, as 'proc.name' has",
                            (int)name->len, p->lex.p + name->off);
    n = node_new(p, N_MACRO, name->off);
    if (!n)
        return NULL;
    n->macro = arena_strndup(p->arena, p->lex.p + name->off, name->len);
    return n->macro ? n : operand_no_memory(p);
}

static struct node *check(struct parser *p)
{
    uint32_t off = p->lex.at;
    struct expr *lhs;
    struct token t;

    if (lex_char(&p->lex, '('))
        return group(p, off);
    if (lex_field(&p->lex, &t)) {
        lhs = operand_field(p, &t);
        return lhs ? comparison(p, off, lhs) : NULL;
    }
    if (at_word(p, "and") || at_word(p, "or") || !lex_identifier(&p->lex, &t)) {
        if (lex_peek(&p->lex) == '!')
            return operand_fail(p, off, "expected a condition, not '!'; did you mean 'not'?");
        if (lex_peek(&p->lex) == '#')
            return recover_comment(p);
        return operand_expected(p, "a field, a macro, 'not' or '('");
    }
    if (lex_peek(&p->lex) == '(') {
        p->lex.at = off;
        lhs = operand_left(p);
        return lhs ? comparison(p, off, lhs) : NULL;
    }
    return macro(p, &t);
}

/* @return NULL also for what is wrong and was told: then p->err is empty. */
static struct node *parse_not(struct parser *p)
{
    struct node *n, *kid, **kids;
    uint32_t off, from, depth = p->depth;
    bool is_not = false;

    (void)lex_blank(&p->lex);
    off = p->lex.at;
    while (lex_word(&p->lex, "not")) {
        is_not = !is_not;
        (void)lex_blank(&p->lex);
    }
    from = p->lex.at;
    kid = check(p);
    if (p->err.code && !recover(p, from, depth))
        return NULL;
    if (!recover_joint(p))
        kid = NULL; /* what is wrong with it follows from what was told */
    if (!kid || !is_not)
        return kid;
    n = node_new(p, N_NOT, off);
    kids = arena_array(p->arena, 1, sizeof(struct node *));
    if (!n || !kids)
        return operand_no_memory(p);
    kids[0] = kid;
    n->logic.kids = kids;
    n->logic.n = 1;
    return n;
}

/* One or more of what @p kid takes, with @p word between them. */
static struct node *chain(struct parser *p, enum node_kind kind, const char *word,
                          struct node *(*kid)(struct parser *p))
{
    struct vec kids = {0};
    struct node *n;
    uint32_t off;

    (void)lex_blank(&p->lex);
    off = p->lex.at;
    do {
        n = kid(p);
        if (p->err.code)
            return NULL;
        if (n && !vec_push(p->arena, &kids, n))
            return operand_no_memory(p);
    } while (recover_word(p, word));
    if (kids.n < 2)
        return kids.n ? kids.p[0] : NULL;
    n = node_new(p, kind, off);
    if (!n)
        return NULL;
    n->logic.kids = (struct node **)kids.p;
    n->logic.n = kids.n;
    return n;
}

static struct node *parse_and(struct parser *p)
{
    return chain(p, N_AND, "and", parse_not);
}

static struct node *parse_or(struct parser *p)
{
    return chain(p, N_OR, "or", parse_and);
}

static void begin(struct parser *p, const struct text *t, struct arena *a)
{
    *p = (struct parser){.text = t, .arena = a};
    p->lex = lex_begin(t->p, t->len);
}

static int end(struct parser *p, struct diags *d)
{
    (void)lex_blank(&p->lex);
    if (!p->err.code && !lex_at_end(&p->lex))
        (void)operand_expected(p, "the end");
    if (!p->err.code)
        return p->n_told ? -EINVAL : 0;
    diag_error(d, text_loc(p->text, p->err_at), "%s: %s", p->text->what, p->err.msg);
    return p->err.code;
}

int parse_condition(const struct text *t, struct arena *a, struct diags *d, struct node **ret)
{
    struct parser p;

    begin(&p, t, a);
    p.d = d;
    *ret = lex_at_end(&p.lex) ? operand_fail(&p, 0, "the condition is empty") : parse_or(&p);
    return end(&p, d);
}

int parse_left(const struct text *t, struct arena *a, struct diags *d, struct expr **ret)
{
    struct parser p;
    struct expr *e;
    int r;

    begin(&p, t, a);
    e = operand_left(&p);
    r = end(&p, d);
    if (r == 0)
        *ret = e;
    return r;
}

int parse_right(const struct text *t, enum cmp_op op, enum cmp_mod mod, struct arena *a,
                struct diags *d, struct expr **ret)
{
    struct parser p;
    struct expr *e;
    int r;

    begin(&p, t, a);
    e = operand_right(&p, op, mod);
    r = end(&p, d);
    if (r == 0)
        *ret = e;
    return r;
}

int parse_comparator(const char *s, size_t n, enum cmp_op *ret_op, enum cmp_mod *ret_mod)
{
    struct lexer l = {s, (uint32_t)n, 0};
    struct token t;
    int op, mod = MOD_NONE;

    (void)lex_blank(&l);
    if (!lex_comparator(&l, &t))
        return -EINVAL;
    op = cmp_op_find(s + t.off, t.len);
    (void)lex_blank(&l);
    if (lex_identifier(&l, &t)) {
        mod = cmp_mod_find(s + t.off, t.len);
        if (op == OP_EXISTS || (op >= OP_LT && op <= OP_GE) ||
            (op >= 0 && cmp_op_takes_list((enum cmp_op)op)))
            return -EINVAL;
        (void)lex_blank(&l);
    }
    if (op < 0 || mod < 0 || !lex_at_end(&l))
        return -EINVAL;
    *ret_op = (enum cmp_op)op;
    *ret_mod = (enum cmp_mod)mod;
    return 0;
}

int parse_output_operand(const struct text *t, uint32_t off, struct arena *a, struct expr **ret,
                         uint32_t *ret_end, struct gyr_error *err)
{
    struct parser p;
    struct expr *e;

    begin(&p, t, a);
    p.lex.at = off;
    e = operand_left(&p);
    *ret_end = e ? p.lex.at : p.err_at;
    if (!e)
        return gyr_fail(err, p.err.code, "%s", p.err.msg);
    *ret = e;
    return 0;
}
