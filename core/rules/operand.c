/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/operand.h"

#include "base/suggest.h"

#include <errno.h>
#include <string.h>

bool vec_push(struct arena *a, struct vec *v, void *item)
{
    uint32_t cap;
    void **p;

    if (v->n == v->cap) {
        cap = v->cap ? v->cap * 2 : 4;
        p = arena_array(a, cap, sizeof(*p));
        if (!p)
            return false;
        if (v->n)
            memcpy(p, v->p, v->n * sizeof(*p));
        v->p = p;
        v->cap = cap;
    }
    v->p[v->n++] = item;
    return true;
}

void *operand_fail(struct parser *p, uint32_t at, const char *fmt, ...)
{
    va_list ap;

    if (p->err.code)
        return NULL;
    p->err.code = -EINVAL;
    p->err_at = at;
    va_start(ap, fmt);
    (void)vsnprintf(p->err.msg, sizeof(p->err.msg), fmt, ap);
    va_end(ap);
    return NULL;
}

void *operand_no_memory(struct parser *p)
{
    (void)operand_fail(p, p->lex.at, "too large: no memory left for it");
    p->err.code = -ENOMEM;
    return NULL;
}

void *operand_expected(struct parser *p, const char *what)
{
    struct token t = lex_what(&p->lex);

    if (t.len == 0)
        return operand_fail(p, t.off, "expected %s, but the text ends here", what);
    return operand_fail(p, t.off, "expected %s, not '%.*s'", what, (int)t.len, p->lex.p + t.off);
}

bool operand_enter(struct parser *p, uint32_t at)
{
    if (p->depth == PARSE_DEPTH_MAX) {
        (void)operand_fail(p, at, "nested more than %d deep", PARSE_DEPTH_MAX);
        return false;
    }
    p->depth++;
    return true;
}

const char *operand_hint(struct parser *p, const struct token *word, const char *(*name)(int i))
{
    struct suggest s;
    const char *hint = NULL;

    suggest_init(&s, p->lex.p + word->off, word->len);
    for (int i = 0; name(i); i++)
        suggest_offer(&s, name(i));
    if (suggest_best(&s))
        hint = arena_printf(p->arena, "; did you mean '%s'?", suggest_best(&s));
    return hint ? hint : "";
}

static const char *transform_at(int i)
{
    return i < TF_MAX_ ? transform_name((enum transform)i) : NULL;
}

static struct expr *expr_new(struct parser *p, enum expr_kind kind, uint32_t off)
{
    struct expr *e = arena_alloc(p->arena, sizeof(*e));

    if (!e)
        return operand_no_memory(p);
    e->kind = kind;
    e->text = p->text;
    e->off = off;
    e->len = p->lex.at - off;
    return e;
}

static struct expr *const_new(struct parser *p, uint32_t off, const char *s, uint32_t n,
                              bool quoted)
{
    struct expr *e = expr_new(p, X_CONST, off);

    if (!e)
        return NULL;
    e->type = GYR_T_STR;
    e->quoted = quoted;
    e->value = gyr_str(s, n);
    return e;
}

/* @return NULL also when there is no quote here: see p->err. */
static struct expr *quoted(struct parser *p)
{
    uint32_t off = p->lex.at, n;
    struct gyr_error err;
    const char *s;
    int r = lex_quoted(&p->lex, p->arena, &s, &n, &err);

    if (r == -ENOMEM)
        return operand_no_memory(p);
    if (r < 0)
        return operand_fail(p, p->lex.at, "%s", err.msg);
    return r ? const_new(p, off, s, n, true) : NULL;
}

static struct expr *number(struct parser *p)
{
    struct token t;

    if (!lex_number(&p->lex, &t))
        return NULL;
    return const_new(p, t.off, p->lex.p + t.off, t.len, false);
}

static struct expr *quoted_or_bare(struct parser *p, const char *what)
{
    struct expr *e = quoted(p);
    struct token t;

    if (e || p->err.code)
        return e;
    if (!lex_bare(&p->lex, &t))
        return operand_expected(p, what);
    return const_new(p, t.off, p->lex.p + t.off, t.len, false);
}

/* "[2]", "[PATH]", "['a b']": @return 1 and the argument, 0 when there is none, or -1. */
static int brackets(struct parser *p, const char **ret, uint32_t *ret_len)
{
    struct gyr_error err;
    struct token t;
    int r;

    if (!lex_char(&p->lex, '['))
        return 0;
    r = lex_quoted(&p->lex, p->arena, ret, ret_len, &err);
    if (r < 0) {
        (void)operand_fail(p, p->lex.at, "%s", err.msg);
        return -1;
    }
    if (r == 0) {
        if (!lex_arg(&p->lex, &t)) {
            (void)operand_expected(p, "an argument after '['");
            return -1;
        }
        *ret = p->lex.p + t.off;
        *ret_len = t.len;
    }
    if (!lex_char(&p->lex, ']')) {
        (void)operand_expected(p, "']' after the argument");
        return -1;
    }
    return 1;
}

struct expr *operand_field(struct parser *p, const struct token *name)
{
    const char *arg = NULL;
    uint32_t arg_len = 0;
    struct expr *e;
    int r = brackets(p, &arg, &arg_len);

    if (r < 0)
        return NULL;
    e = expr_new(p, X_FIELD, name->off);
    if (!e)
        return NULL;
    if (r)
        e->field.name = arena_printf(p->arena, "%.*s[%.*s]", (int)name->len, p->lex.p + name->off,
                                     (int)arg_len, arg);
    else
        e->field.name = arena_strndup(p->arena, p->lex.p + name->off, name->len);
    return e->field.name ? e : operand_no_memory(p);
}

static struct expr *argument(struct parser *p, bool in_list);

/* A list as an argument of join() or getopt(): its items may be fields. */
static struct expr *argument_list(struct parser *p, uint32_t off)
{
    struct vec items = {0};
    struct expr *e;

    if (!operand_enter(p, off))
        return NULL;
    (void)lex_blank(&p->lex);
    while (items.n || lex_peek(&p->lex) != ')') {
        e = argument(p, true);
        if (!e)
            return NULL;
        if (!vec_push(p->arena, &items, e))
            return operand_no_memory(p);
        (void)lex_blank(&p->lex);
        if (!lex_char(&p->lex, ','))
            break;
    }
    if (!lex_char(&p->lex, ')'))
        return operand_expected(p, "',' or ')' in the list");
    p->depth--;
    e = expr_new(p, X_LIST, off);
    if (!e)
        return NULL;
    e->is_list = true;
    e->list.items = (struct expr **)items.p;
    e->list.n = items.n;
    return e;
}

static struct expr *argument(struct parser *p, bool in_list)
{
    uint32_t off;
    struct expr *e;
    struct token t;

    (void)lex_blank(&p->lex);
    off = p->lex.at;
    if (!in_list && lex_char(&p->lex, '('))
        return argument_list(p, off);
    if (lex_field(&p->lex, &t))
        return operand_field(p, &t);
    if (lex_identifier(&p->lex, &t)) {
        if (lex_peek(&p->lex) == '(')
            return operand_call(p, &t);
        p->lex.at = off;
    }
    e = quoted(p);
    if (!e && !p->err.code)
        e = number(p);
    if (!e)
        return operand_expected(p, "a field, a transformer, a quoted text or a number");
    return e;
}

struct expr *operand_call(struct parser *p, const struct token *name)
{
    const char *word = p->lex.p + name->off, *arg = NULL;
    int fn = transform_find(word, name->len), r;
    uint32_t arg_len = 0;
    struct vec args = {0};
    struct expr *e;

    if (fn < 0)
        return operand_fail(p, name->off, "unknown transformer '%.*s'%s", (int)name->len, word,
                            operand_hint(p, name, transform_at));
    if (!operand_enter(p, name->off))
        return NULL;
    (void)lex_char(&p->lex, '(');
    do {
        e = argument(p, false);
        if (!e)
            return NULL;
        if (!vec_push(p->arena, &args, e))
            return operand_no_memory(p);
        (void)lex_blank(&p->lex);
    } while (lex_char(&p->lex, ','));
    if (!lex_char(&p->lex, ')'))
        return operand_expected(p, "',' or ')' in the transformer");
    p->depth--;
    r = brackets(p, &arg, &arg_len);
    if (r < 0)
        return NULL;
    if (r > 0 && fn != TF_GETOPT)
        return operand_fail(p, name->off, "'%s' takes nothing in brackets",
                            transform_name((enum transform)fn));
    if (r > 0) {
        e = const_new(p, p->lex.at - 1, arg, arg_len, true);
        if (!e || !vec_push(p->arena, &args, e))
            return operand_no_memory(p);
    }
    e = expr_new(p, X_CALL, name->off);
    if (!e)
        return NULL;
    e->call.fn = (enum transform)fn;
    e->call.args = (struct expr **)args.p;
    e->call.n = args.n;
    return e;
}

struct expr *operand_left(struct parser *p)
{
    struct token t;

    if (lex_field(&p->lex, &t))
        return operand_field(p, &t);
    if (!lex_identifier(&p->lex, &t))
        return operand_expected(p, "a field or a transformer");
    if (lex_peek(&p->lex) != '(')
        return operand_fail(p, t.off, "'%.*s' is no field: a field has a dot, as 'proc.name' has",
                            (int)t.len, p->lex.p + t.off);
    if (transform_find(p->lex.p + t.off, t.len) == TF_VAL)
        return operand_fail(p, t.off, "val() stands on the right of a comparison only");
    return operand_call(p, &t);
}

/* The list after in, intersects, pmatch and the modifiers. */
static struct expr *list(struct parser *p, const char *after)
{
    uint32_t off = p->lex.at;
    struct vec items = {0};
    struct token t;
    struct expr *e;

    if (lex_char(&p->lex, '(')) {
        (void)lex_blank(&p->lex);
        while (items.n || lex_peek(&p->lex) != ')') {
            (void)lex_blank(&p->lex);
            e = quoted_or_bare(p, items.n ? "a value after ','" : "a value or ')'");
            if (!e)
                return NULL;
            if (!vec_push(p->arena, &items, e))
                return operand_no_memory(p);
            (void)lex_blank(&p->lex);
            if (!lex_char(&p->lex, ','))
                break;
        }
        if (!lex_char(&p->lex, ')'))
            return operand_expected(p, "',' or ')' in the list");
    } else if (lex_identifier(&p->lex, &t)) {
        e = const_new(p, t.off, p->lex.p + t.off, t.len, false);
        if (!e || !vec_push(p->arena, &items, e))
            return operand_no_memory(p);
    } else {
        char what[64];

        (void)snprintf(what, sizeof(what), "a list in parentheses after '%s'", after);
        return operand_expected(p, what);
    }
    e = expr_new(p, X_LIST, off);
    if (!e)
        return NULL;
    e->is_list = true;
    e->list.items = (struct expr **)items.p;
    e->list.n = items.n;
    return e;
}

struct expr *operand_right(struct parser *p, enum cmp_op op, enum cmp_mod mod)
{
    bool is_number = op == OP_LT || op == OP_LE || op == OP_GT || op == OP_GE;
    uint32_t off;
    struct token t;
    struct expr *e;
    char what[64];

    (void)lex_blank(&p->lex);
    off = p->lex.at;
    if (mod == MOD_NONE && lex_identifier(&p->lex, &t)) {
        if (lex_peek(&p->lex) == '(')
            return operand_call(p, &t);
        p->lex.at = off;
    }
    if (mod != MOD_NONE || cmp_op_takes_list(op))
        return list(p, mod ? cmp_mod_name(mod) : cmp_op_name(op));
    if (is_number) {
        e = number(p);
        (void)snprintf(what, sizeof(what), "a number after '%s'", cmp_op_name(op));
        return e || p->err.code ? e : operand_expected(p, what);
    }
    if (lex_peek(&p->lex) == '(')
        return operand_fail(p, off, "'%s' takes one value, not a list: write '%s%s (…)'",
                            cmp_op_name(op), op == OP_EQ ? "in" : cmp_op_name(op),
                            op == OP_EQ ? "" : " oneof");
    (void)snprintf(what, sizeof(what), "a value after '%s'", cmp_op_name(op));
    return quoted_or_bare(p, what);
}
