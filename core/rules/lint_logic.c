/* SPDX-License-Identifier: Apache-2.0 */
/* Comparisons of one operand that no value can satisfy together. What is not understood here is
 * held to be possible. */
#include "engine/value.h"
#include "rules/lint.h"
#include "rules/print.h"

#include <string.h>

enum { CONJUNCTS_MAX = 64, PRINT_MAX = 1 << 16, SHOWN = 60 };

/* ---- values ---- */

static bool is_number(uint32_t type)
{
    return type == GYR_T_I64 || type == GYR_T_U64 || type == GYR_T_TIME || type == GYR_T_DURATION ||
           type == GYR_T_DOUBLE;
}

static int order(const struct gyr_value *a, const struct gyr_value *b)
{
    if (a->type == GYR_T_I64)
        return (a->u.i64 > b->u.i64) - (a->u.i64 < b->u.i64);
    if (a->type == GYR_T_DOUBLE)
        return (a->u.f64 > b->u.f64) - (a->u.f64 < b->u.f64);
    return (a->u.u64 > b->u.u64) - (a->u.u64 < b->u.u64);
}

static bool begins(const struct gyr_value *v, const struct gyr_value *with)
{
    return v->len >= with->len && memcmp(v->u.ptr, with->u.ptr, with->len) == 0;
}

static bool ends(const struct gyr_value *v, const struct gyr_value *with)
{
    return v->len >= with->len &&
           memcmp((const char *)v->u.ptr + v->len - with->len, with->u.ptr, with->len) == 0;
}

/* Does "= w" hold for what has the value v? A network is any of its addresses.
 * @return 1, 0, or -1: it depends. */
static int fits(const struct gyr_value *v, const struct gyr_value *w)
{
    if (v->type != GYR_T_IP && v->type != GYR_T_NET)
        return value_equal(v, w);
    return value_addr_in(v, w) ? 1 : value_addr_in(w, v) ? -1 : 0;
}

static int fits_any(const struct gyr_value *v, const struct expr *e)
{
    int worst = 0, k;

    if (e->kind == X_CONST)
        return fits(v, &e->value);
    for (uint32_t i = 0; i < e->list.n; i++) {
        k = fits(v, &e->list.items[i]->value);
        if (k > 0)
            return k;
        worst = k < 0 ? k : worst;
    }
    return worst;
}

/* Does the comparison hold for the value? @return 1, 0, or -1: that is not known here. */
static int holds(const struct node *c, const struct gyr_value *v)
{
    const struct expr *rhs = c->cmp.rhs;
    const struct gyr_value *w = &rhs->value;
    bool text = v->type == GYR_T_STR;
    int k;

    switch (c->cmp.op) {
    case OP_EQ:
    case OP_IN:
        return fits_any(v, rhs);
    case OP_NE:
        k = fits_any(v, rhs);
        return k < 0 ? k : !k;
    case OP_LT:
        return is_number(v->type) ? order(v, w) < 0 : -1;
    case OP_LE:
        return is_number(v->type) ? order(v, w) <= 0 : -1;
    case OP_GT:
        return is_number(v->type) ? order(v, w) > 0 : -1;
    case OP_GE:
        return is_number(v->type) ? order(v, w) >= 0 : -1;
    case OP_STARTSWITH:
        return text ? begins(v, w) : -1;
    case OP_ENDSWITH:
        return text ? ends(v, w) : -1;
    case OP_CONTAINS:
        return text ? memmem(v->u.ptr, v->len, w->u.ptr, w->len) != NULL : -1;
    default:
        return -1;
    }
}

/* ---- pairs ---- */

/* "proc.aname" without a number is every ancestor, and "fd.ip" both ends: two values may be met. */
static bool has_one_value(const struct expr *e)
{
    if (e->kind == X_FIELD)
        return !(e->field.def->f.flags & GYR_FF_MANY) || e->field.arg;
    for (uint32_t i = 0; e->kind == X_CALL && i < e->call.n; i++)
        if (!has_one_value(e->call.args[i]))
            return false;
    return true;
}

/* One value on the left, known values of one type on the right. */
static bool is_plain(const struct node *n)
{
    const struct expr *lhs = n->cmp.lhs, *rhs = n->cmp.rhs;

    return n->kind == N_CMP && n->cmp.mod == MOD_NONE && rhs && !lhs->is_list &&
           has_one_value(lhs) && (rhs->kind == X_CONST || rhs->kind == X_LIST);
}

static bool same_operand(const struct expr *a, const struct expr *b)
{
    struct buf x, y;
    bool same;

    if (a->kind == X_FIELD && b->kind == X_FIELD)
        return strcmp(a->field.name, b->field.name) == 0;
    buf_init(&x, PRINT_MAX);
    buf_init(&y, PRINT_MAX);
    expr_print(&x, a);
    expr_print(&y, b);
    same = !x.failed && !y.failed && strcmp(x.p, y.p) == 0;
    buf_free(&x);
    buf_free(&y);
    return same;
}

static bool is_set(const struct node *n)
{
    return n->cmp.op == OP_EQ || n->cmp.op == OP_IN;
}

/* Does no value of the set satisfy the other? Of an empty set that is told elsewhere. */
static bool none_fits(const struct node *set, const struct node *other, bool negated)
{
    const struct expr *e = set->cmp.rhs;
    uint32_t n = e->kind == X_LIST ? e->list.n : 1;

    for (uint32_t i = 0; i < n; i++) {
        int k = holds(other, e->kind == X_LIST ? &e->list.items[i]->value : &e->value);

        if (k < 0 || (k != 0) != negated)
            return false;
    }
    return n > 0;
}

/* x > 5 and x < 3 */
static bool ranges_part(const struct node *low, const struct node *high)
{
    int k;

    if ((low->cmp.op != OP_GT && low->cmp.op != OP_GE) ||
        (high->cmp.op != OP_LT && high->cmp.op != OP_LE) || !is_number(low->cmp.lhs->type))
        return false;
    k = order(&low->cmp.rhs->value, &high->cmp.rhs->value);
    return k > 0 || (k == 0 && (low->cmp.op == OP_GT || high->cmp.op == OP_LT));
}

static bool prefixes_part(const struct node *a, const struct node *b)
{
    const struct gyr_value *v = &a->cmp.rhs->value, *w = &b->cmp.rhs->value;

    if (a->cmp.op != OP_STARTSWITH || b->cmp.op != OP_STARTSWITH || v->type != GYR_T_STR)
        return false;
    return !begins(v, w) && !begins(w, v);
}

bool lint_excludes(const struct node *a, const struct node *b, bool not_b)
{
    if (!is_plain(a) || !is_plain(b) || !same_operand(a->cmp.lhs, b->cmp.lhs))
        return false;
    if (is_set(a) && none_fits(a, b, not_b))
        return true;
    if (not_b)
        return false;
    return (is_set(b) && none_fits(b, a, false)) || ranges_part(a, b) || ranges_part(b, a) ||
           prefixes_part(a, b);
}

/* ---- conditions ---- */

struct conjunct {
    const struct node *cmp;
    bool negated;
};

static uint32_t gather(const struct node *n, struct conjunct *all, uint32_t k)
{
    if (n->kind == N_AND)
        for (uint32_t i = 0; i < n->logic.n; i++)
            k = gather(n->logic.kids[i], all, k);
    if (k == CONJUNCTS_MAX)
        return k;
    if (n->kind == N_CMP)
        all[k++] = (struct conjunct){n, false};
    else if (n->kind == N_NOT && n->logic.kids[0]->kind == N_CMP)
        all[k++] = (struct conjunct){n->logic.kids[0], true};
    return k;
}

/* Event types are looked at by who compiles the rule, more thoroughly. */
static bool is_type_test(const struct node *n)
{
    return n->cmp.lhs->kind == X_FIELD && strcmp(n->cmp.lhs->field.def->f.name, "evt.type") == 0;
}

static void tell(struct defs *defs, const struct conjunct *a, const struct conjunct *b,
                 const char *what)
{
    struct loc l = text_loc(a->cmp->text, a->cmp->off);
    struct buf x, y;

    buf_init(&x, PRINT_MAX);
    buf_init(&y, PRINT_MAX);
    node_print(&x, a->cmp);
    node_print(&y, b->cmp);
    diag_warning(defs->d, DIAG_CONTRADICTION, text_loc(b->cmp->text, b->cmp->off),
                 "%s: '%s%.*s%s' can never hold together with '%s%.*s%s' in line %u", what,
                 b->negated ? "not " : "", SHOWN, y.p, y.len > SHOWN ? "…" : "",
                 a->negated ? "not " : "", SHOWN, x.p, x.len > SHOWN ? "…" : "", l.line);
    buf_free(&x);
    buf_free(&y);
}

static void look_at(struct defs *defs, const struct node *n, const char *what)
{
    struct conjunct all[CONJUNCTS_MAX];
    uint32_t k = gather(n, all, 0);

    for (uint32_t i = 0; i < k; i++)
        for (uint32_t j = i + 1; j < k; j++) {
            const struct conjunct *a = &all[i], *b = &all[j];

            if (is_type_test(a->cmp) || (a->negated && b->negated))
                continue;
            if (a->negated ? lint_excludes(b->cmp, a->cmp, true)
                           : lint_excludes(a->cmp, b->cmp, b->negated)) {
                tell(defs, a, b, what);
                return;
            }
        }
}

/* @param inside an `and`: it has been looked at as a whole. */
static void walk(struct defs *defs, const struct node *n, const char *what, bool inside)
{
    if (n->kind != N_AND && n->kind != N_OR && n->kind != N_NOT)
        return;
    if (n->kind == N_AND && !inside)
        look_at(defs, n, what);
    for (uint32_t i = 0; i < n->logic.n; i++)
        walk(defs, n->logic.kids[i], what, n->kind == N_AND);
}

void lint_contradictions(struct defs *defs, const struct node *n, const char *what)
{
    walk(defs, n, what, false);
}
