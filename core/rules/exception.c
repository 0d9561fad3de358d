/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/defs.h"
#include "rules/parse.h"

#include <errno.h>
#include <string.h>

/* ---- reading ---- */

static struct exception_def *exception_find(const struct rule_def *r, const char *name)
{
    for (uint32_t i = 0; i < r->exceptions.n; i++) {
        struct exception_def *e = r->exceptions.p[i];

        if (strcmp(e->name, name) == 0)
            return e;
    }
    return NULL;
}

static int add_values(struct defs *defs, struct exception_def *e, const struct ynode *values,
                      const char *what)
{
    if (!values)
        return 0;
    if (values->kind != Y_SEQ) {
        diag_error(defs->d, values->loc, "%s: 'values' must be a list, not %s", what,
                   ynode_kind_name(values));
        return -EINVAL;
    }
    for (uint32_t i = 0; i < values->n; i++)
        if (!vec_push(defs->arena, &e->values, values->items[i]))
            return defs_no_memory(defs);
    return 0;
}

static int add_exception(struct defs *defs, struct rule_def *r, const struct ynode *item,
                         bool append, const char *what)
{
    static const char *const keys[] = {"name", "fields", "comps", "values", NULL};
    const struct ynode *name, *fields = ymap_get(item, "fields"), *comps = ymap_get(item, "comps"),
                              *values = ymap_get(item, "values");
    struct exception_def *e;
    const char *nameless;

    if (item->kind != Y_MAP) {
        diag_error(defs->d, item->loc, "%s: an exception must be a mapping, not %s", what,
                   ynode_kind_name(item));
        return -EINVAL;
    }
    nameless = arena_printf(defs->arena, "%s: an exception", what);
    if (!nameless)
        return defs_no_memory(defs);
    if (item_text(defs, item, "name", nameless, true, &name) < 0)
        return -EINVAL;
    what = arena_printf(defs->arena, "%s: exception '%.100s'", what, name->str);
    if (!what)
        return defs_no_memory(defs);
    item_check_keys(defs, item, keys, what);
    e = exception_find(r, name->str);
    if (e && !append)
        diag_warning(defs->d, DIAG_EXCEPTION, name->loc, "%s is defined twice", what);
    if (e && append && (fields || comps)) {
        diag_error(defs->d, fields ? fields->loc : comps->loc,
                   "%s: values can be appended, fields and comps cannot", what);
        return -EINVAL;
    }
    if (append && !values)
        diag_warning(defs->d, DIAG_EXCEPTION, item->loc, "%s: there are no values to append", what);
    if (!e || !append) {
        if (!fields)
            return item_missing(defs, item, "fields", what);
        if (r->exceptions.n == EXCEPTIONS_MAX) {
            diag_error(defs->d, item->loc, "%s: more than %d exceptions", what, EXCEPTIONS_MAX);
            return defs_no_memory(defs);
        }
        e = arena_alloc(defs->arena, sizeof(*e));
        if (!e || !vec_push(defs->arena, &r->exceptions, e))
            return defs_no_memory(defs);
        *e = (struct exception_def){name->str, item->loc, fields, comps, {0}};
    }
    return add_values(defs, e, values, what);
}

int item_exceptions(struct defs *defs, struct rule_def *rule, const struct ynode *list, bool append,
                    const char *what)
{
    int worst = 0, k;

    if (!append)
        rule->exceptions = (struct vec){0};
    if (list->kind == Y_SCALAR && list->plain && list->len == 0)
        return 0;
    if (list->kind != Y_SEQ) {
        diag_error(defs->d, list->loc, "%s: 'exceptions' must be a list, not %s", what,
                   ynode_kind_name(list));
        return -EINVAL;
    }
    for (uint32_t i = 0; i < list->n; i++) {
        k = add_exception(defs, rule, list->items[i], append, what);
        worst = k < 0 && worst != -ENOMEM ? k : worst;
    }
    return worst;
}

/* ---- building ---- */

/* What all the pieces of one exception share while it is built. */
struct builder {
    struct defs *defs;
    const struct exception_def *e;
    const char *what;
    struct vec *loose; /* see exceptions_apply() */
};

static struct text *text_of(struct builder *b, const struct ynode *n)
{
    struct vec one = {(void *[]){(void *)n}, 1, 1};

    return text_join(b->defs->arena, &one, b->what);
}

static bool has_blank(const char *s)
{
    return s[strcspn(s, " \t\r\n")] != '\0';
}

struct expr *item_value(struct defs *defs, const struct ynode *n, const char *what)
{
    struct vec one = {(void *[]){(void *)n}, 1, 1};
    struct lexer l = {n->str, (uint32_t)n->len, 0};
    struct text *t = text_join(defs->arena, &one, what);
    struct expr *e = arena_alloc(defs->arena, sizeof(*e));
    const char *s;
    uint32_t len;

    if (!t || !e)
        return NULL;
    *e = (struct expr){.kind = X_CONST, .type = GYR_T_STR, .text = t, .len = t->len};
    e->value = gyr_str(n->str, n->len);
    e->quoted = has_blank(n->str);
    if (lex_quoted(&l, defs->arena, &s, &len, NULL) == 1 && lex_at_end(&l)) {
        e->value = gyr_str(s, len);
        e->quoted = true;
    }
    return e;
}

static int list_of(struct builder *b, const struct ynode *const *values, uint32_t n,
                   struct expr **ret)
{
    struct expr *e = arena_alloc(b->defs->arena, sizeof(*e));

    if (!e)
        return defs_no_memory(b->defs);
    e->kind = X_LIST;
    e->is_list = true;
    e->list.items = arena_array(b->defs->arena, n + 1, sizeof(struct expr *));
    if (!e->list.items)
        return defs_no_memory(b->defs);
    for (uint32_t i = 0; i < n; i++) {
        if (values[i]->kind != Y_SCALAR) {
            diag_error(b->defs->d, values[i]->loc, "%s: a value must be text, not %s", b->what,
                       ynode_kind_name(values[i]));
            return -EINVAL;
        }
        e->list.items[i] = item_value(b->defs, values[i], b->what);
        if (!e->list.items[i])
            return defs_no_memory(b->defs);
    }
    e->list.n = n;
    if (n)
        e->text = e->list.items[0]->text;
    *ret = e;
    return 0;
}

/* A scalar where a list is wanted: "(a, b)", or what could stand between the parentheses. */
static int list_in_text(struct builder *b, enum cmp_op op, enum cmp_mod mod, const struct ynode *n,
                        struct expr **ret)
{
    struct text *t = text_of(b, n);
    struct text_part *parts;

    if (!t)
        return defs_no_memory(b->defs);
    if (n->str[0] == '(')
        return parse_right(t, op, mod, b->defs->arena, b->defs->d, ret);
    if (!has_blank(n->str) && !strpbrk(n->str, ",'\"("))
        return list_of(b, &n, 1, ret);
    parts = arena_array(b->defs->arena, 2, sizeof(*parts));
    t->p = arena_printf(b->defs->arena, "(%s)", n->str);
    if (!parts || !t->p)
        return defs_no_memory(b->defs);
    parts[0] = (struct text_part){0, n};
    parts[1] = (struct text_part){1, n};
    t->len = (uint32_t)n->len + 2;
    t->parts = parts;
    t->n_parts = 2;
    return parse_right(t, op, mod, b->defs->arena, b->defs->d, ret);
}

static int right_of(struct builder *b, enum cmp_op op, enum cmp_mod mod, const struct ynode *n,
                    struct expr **ret)
{
    bool wants_list = cmp_op_takes_list(op) || mod != MOD_NONE;
    struct text *t;

    if (n->kind == Y_MAP || (n->kind == Y_SEQ && !wants_list)) {
        diag_error(b->defs->d, n->loc, "%s: '%s' takes one value, not %s", b->what, cmp_op_name(op),
                   ynode_kind_name(n));
        return -EINVAL;
    }
    if (n->kind == Y_SEQ)
        return list_of(b, (const struct ynode *const *)n->items, n->n, ret);
    if (n->len == 0 || memchr(n->str, '\0', n->len)) {
        diag_error(b->defs->d, n->loc, "%s: a value %s", b->what,
                   n->len ? "holds a zero byte" : "is empty");
        return -EINVAL;
    }
    if (wants_list)
        return list_in_text(b, op, mod, n, ret);
    if (has_blank(n->str) && n->str[0] != '"' && n->str[0] != '\'') {
        *ret = item_value(b->defs, n, b->what);
        return *ret ? 0 : defs_no_memory(b->defs);
    }
    t = text_of(b, n);
    return t ? parse_right(t, op, mod, b->defs->arena, b->defs->d, ret) : defs_no_memory(b->defs);
}

static struct node *compare(struct builder *b, struct expr *lhs, enum cmp_op op, enum cmp_mod mod,
                            struct expr *rhs)
{
    struct node *n = arena_alloc(b->defs->arena, sizeof(*n));

    if (!n)
        return NULL;
    if (!rhs->text) /* an empty list */
        rhs->text = lhs->text;
    *n = (struct node){.kind = N_CMP, .text = lhs->text, .off = lhs->off, .len = lhs->len};
    n->cmp.lhs = lhs;
    n->cmp.op = op;
    n->cmp.mod = mod;
    n->cmp.rhs = rhs;
    return n;
}

/* A node over what was gathered, or the only one of them. */
static struct node *join(struct defs *defs, enum node_kind kind, const struct vec *kids)
{
    struct node *first = kids->p[0], *n;

    if (kids->n == 1 && kind != N_NOT)
        return first;
    n = arena_alloc(defs->arena, sizeof(*n));
    if (!n)
        return NULL;
    *n = (struct node){.kind = kind, .text = first->text, .off = first->off, .len = first->len};
    n->logic.kids = (struct node **)kids->p;
    n->logic.n = kids->n;
    return n;
}

static const char *comparator_hint(struct defs *defs, const char *word)
{
    const char *names[OP_MAX_] = {NULL};
    int n = 0;

    for (int op = OP_EXISTS + 1; op < OP_MAX_; op++)
        names[n++] = cmp_op_name((enum cmp_op)op);
    return item_hint(defs, word, names);
}

/* One of `fields`, and its comparator. @p comp NULL: @p dflt. */
static int field_of(struct builder *b, const struct ynode *field, const struct ynode *comp,
                    enum cmp_op dflt, struct expr **ret, enum cmp_op *op, enum cmp_mod *mod)
{
    struct text *t;

    *op = dflt;
    *mod = MOD_NONE;
    if (field->kind != Y_SCALAR || field->len == 0 || (comp && comp->kind != Y_SCALAR)) {
        const struct ynode *bad = field->kind != Y_SCALAR || field->len == 0 ? field : comp;

        diag_error(b->defs->d, bad->loc, "%s: a %s must be text, not %s", b->what,
                   bad == field ? "field" : "comparator",
                   bad->kind == Y_SCALAR ? "nothing" : ynode_kind_name(bad));
        return -EINVAL;
    }
    if (comp && (parse_comparator(comp->str, comp->len, op, mod) < 0 || *op == OP_EXISTS)) {
        diag_error(b->defs->d, comp->loc, "%s: '%.60s' is no comparator with a value%s", b->what,
                   comp->str, comparator_hint(b->defs, comp->str));
        return -EINVAL;
    }
    t = text_of(b, field);
    return t ? parse_left(t, b->defs->arena, b->defs->d, ret) : defs_no_memory(b->defs);
}

/* fields: proc.name, comps: in, values: [a, b]: one comparison with all of them. */
static int build_single(struct builder *b, struct node **ret)
{
    const struct exception_def *e = b->e;
    struct expr *lhs, *rhs;
    enum cmp_op op;
    enum cmp_mod mod;
    int r;

    r = field_of(b, e->fields, e->comps, OP_IN, &lhs, &op, &mod);
    if (r < 0)
        return r;
    if (!vec_push(b->defs->arena, b->loose, lhs))
        return defs_no_memory(b->defs);
    if (!cmp_op_takes_list(op) && mod == MOD_NONE) {
        diag_error(b->defs->d, e->comps->loc,
                   "%s: a single field takes in, intersects, pmatch or a comparator with oneof, "
                   "anyof or allof, not '%s'",
                   b->what, cmp_op_name(op));
        return -EINVAL;
    }
    if (!e->values.n)
        return 0;
    r = list_of(b, (const struct ynode *const *)e->values.p, e->values.n, &rhs);
    if (r < 0)
        return r;
    b->loose->n--;
    *ret = compare(b, lhs, op, mod, rhs);
    return *ret ? 0 : defs_no_memory(b->defs);
}

struct column {
    struct expr *lhs;
    enum cmp_op op;
    enum cmp_mod mod;
};

static int build_row(struct builder *b, const struct column *columns, const struct ynode *row,
                     struct vec *rows)
{
    uint32_t n = row->n, fields = b->e->fields->n;
    struct vec tests = {0};
    struct expr *rhs;
    struct node *test;
    int r;

    if (row->kind != Y_SEQ) {
        diag_error(b->defs->d, row->loc,
                   "%s: 'fields' is a list, so each of 'values' must be a list of as many, not %s",
                   b->what, ynode_kind_name(row));
        return -EINVAL;
    }
    if (n != fields) {
        diag_error(b->defs->d, row->loc, "%s: it has %u field%s, but here %u value%s", b->what,
                   fields, fields == 1 ? "" : "s", n, n == 1 ? "" : "s");
        return -EINVAL;
    }
    for (uint32_t i = 0; i < n; i++) {
        r = right_of(b, columns[i].op, columns[i].mod, row->items[i], &rhs);
        if (r < 0)
            return r;
        test = compare(b, columns[i].lhs, columns[i].op, columns[i].mod, rhs);
        if (!test || !vec_push(b->defs->arena, &tests, test))
            return defs_no_memory(b->defs);
    }
    test = join(b->defs, N_AND, &tests);
    return test && vec_push(b->defs->arena, rows, test) ? 0 : defs_no_memory(b->defs);
}

/* fields: [a, b], comps: [=, in], values: rows of as many: any row, all of its tests. */
static int build_rows(struct builder *b, struct node **ret)
{
    const struct exception_def *e = b->e;
    struct column *columns = arena_array(b->defs->arena, e->fields->n + 1, sizeof(*columns));
    struct vec rows = {0};
    int worst = 0, r;

    if (!columns)
        return defs_no_memory(b->defs);
    if (e->comps && (e->comps->kind != Y_SEQ || e->comps->n != e->fields->n)) {
        diag_error(b->defs->d, e->comps->loc, "%s: 'comps' must be a list as long as 'fields'",
                   b->what);
        return -EINVAL;
    }
    for (uint32_t i = 0; i < e->fields->n; i++) {
        r = field_of(b, e->fields->items[i], e->comps ? e->comps->items[i] : NULL, OP_EQ,
                     &columns[i].lhs, &columns[i].op, &columns[i].mod);
        if (r == 0 && !vec_push(b->defs->arena, b->loose, columns[i].lhs))
            r = defs_no_memory(b->defs);
        if (r == -ENOMEM)
            return r;
        worst = r < 0 ? r : worst;
    }
    if (worst < 0)
        return worst;
    for (uint32_t i = 0; i < e->values.n && e->fields->n; i++) {
        r = build_row(b, columns, e->values.p[i], &rows);
        if (r == -ENOMEM)
            return r;
        worst = r < 0 ? r : worst;
        if (r < 0 && ((const struct ynode *)e->values.p[i])->kind != Y_SEQ)
            break; /* the others will be so too */
    }
    if (rows.n == 0)
        return worst;
    b->loose->n -= e->fields->n;
    *ret = join(b->defs, N_OR, &rows);
    return *ret ? worst : defs_no_memory(b->defs);
}

int exceptions_apply(struct defs *defs, const struct rule_def *rule, const char *what,
                     struct node *cond, struct node **ret, struct vec *loose)
{
    struct vec all = {0}, one;
    struct builder b;
    struct node *n;
    int worst = 0, r;

    if (!vec_push(defs->arena, &all, cond))
        return defs_no_memory(defs);
    for (uint32_t i = 0; i < rule->exceptions.n; i++) {
        b = (struct builder){defs, rule->exceptions.p[i], NULL, loose};
        b.what = arena_printf(defs->arena, "%s: exception '%.100s'", what, b.e->name);
        if (!b.what)
            return defs_no_memory(defs);
        n = NULL;
        r = b.e->fields->kind == Y_SEQ ? build_rows(&b, &n) : build_single(&b, &n);
        if (r == -ENOMEM)
            return r;
        worst = r < 0 ? r : worst;
        if (!n)
            continue;
        one = (struct vec){0};
        if (!vec_push(defs->arena, &one, n))
            return defs_no_memory(defs);
        n = join(defs, N_NOT, &one);
        if (!n || !vec_push(defs->arena, &all, n))
            return defs_no_memory(defs);
    }
    *ret = join(defs, N_AND, &all);
    return *ret ? worst : defs_no_memory(defs);
}
