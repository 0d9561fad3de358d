/* SPDX-License-Identifier: Apache-2.0 */
#include "pred_rows.h"

#include "engine/value.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { ITEMS_MAX = 32 };

static struct gyr_value parse(struct arena *a, uint32_t type, const char *s, size_t n)
{
    struct gyr_error err;
    struct gyr_value v;

    /* Addresses are the values of network fields. */
    if (type == NET && !memchr(s, '/', n))
        type = IP;
    if (value_parse(s, n, type, a, &v, &err) < 0)
        fail_msg("%s", err.msg);
    return v;
}

/* "x" or "(x|y)" as a value. */
struct gyr_value make_value(struct arena *a, uint32_t type, const char *s)
{
    struct gyr_value *items, list = {.type = GYR_T_LIST};

    if (*s != '(')
        return parse(a, type, s, strlen(s));
    items = arena_array(a, ITEMS_MAX, sizeof(*items));
    assert_non_null(items);
    for (s++; *s != ')';) {
        size_t n = strcspn(s, "|)");

        items[list.len++] = parse(a, type, s, n);
        s += n + (s[n] == '|');
    }
    list.u.ptr = items;
    return list;
}

/* Bytes of bcontains, and patterns, are constants of the type that the checker gives them. */
static struct expr *make_const(struct arena *a, uint32_t type, const char *s, size_t n)
{
    struct expr *e = arena_alloc(a, sizeof(*e));

    assert_non_null(e);
    e->kind = X_CONST;
    e->type = type;
    e->value = parse(a, type, s, n);
    return e;
}

struct expr *make_rhs(struct arena *a, uint32_t type, const char *s)
{
    struct expr *e = arena_alloc(a, sizeof(*e));

    if (*s != '(')
        return make_const(a, type, s, strlen(s));
    assert_non_null(e);
    e->kind = X_LIST;
    e->is_list = true;
    e->type = type;
    e->list.items = arena_array(a, ITEMS_MAX, sizeof(*e->list.items));
    for (s++; *s != ')';) {
        size_t n = strcspn(s, "|)");

        e->list.items[e->list.n++] = make_const(a, type, s, n);
        s += n + (s[n] == '|');
    }
    return e;
}

static void check_row(const struct row *t, bool lhs_is_list)
{
    struct arena *a = arena_new(64 << 20);
    struct gyr_error err = {0};
    struct expr lhs = {.kind = X_FIELD, .type = t->type, .is_list = lhs_is_list};
    struct node n = {.kind = N_CMP};
    struct pred *p = NULL;
    struct gyr_value v;
    int r;

    assert_non_null(a);
    v = make_value(a, t->type, t->lhs);
    n.cmp.lhs = &lhs;
    n.cmp.op = t->op;
    n.cmp.mod = t->mod;
    n.cmp.rhs = t->rhs ? make_rhs(a, t->type, t->rhs) : NULL;
    r = pred_new(&n, a, &p, &err);
    if (t->want < 0) {
        if (r != -EINVAL || strlen(err.msg) < 10)
            fail_msg("'%s' op %d mod %d '%s' was taken", t->lhs, t->op, t->mod, t->rhs);
        arena_free(a);
        return;
    }
    if (r < 0)
        fail_msg("'%s' op %d '%s': %s", t->lhs, t->op, t->rhs, err.msg);
    assert_true(pred_cost(p) >= 1);
    if (pred_test(p, &v, NULL) != (t->want == 1))
        fail_msg("'%s' op %d mod %d '%s' should be %d", t->lhs, t->op, t->mod, t->rhs ? t->rhs : "",
                 t->want);
    pred_free(p);
    arena_free(a);
}

void check_rows(const struct row *t, size_t n, bool lhs_is_list)
{
    for (size_t i = 0; i < n; i++)
        check_row(&t[i], lhs_is_list);
}
