/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/print.h"

#include "engine/value.h"

#include <string.h>

static bool is_plain(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)s[i] <= ' ' || strchr("()\"'=,\\", s[i]))
            return false;
    return n > 0;
}

static void print_text(struct buf *b, const char *s, size_t n)
{
    if (is_plain(s, n)) {
        buf_add(b, s, n);
        return;
    }
    buf_addc(b, '"');
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];

        if (c == '"' || c == '\\')
            buf_addf(b, "\\%c", c);
        else if (c < ' ')
            buf_addf(b, "\\x%02x", c);
        else
            buf_addc(b, (char)c);
    }
    buf_addc(b, '"');
}

static void print_const(struct buf *b, const struct gyr_value *v)
{
    if (v->type == GYR_T_STR || v->type == GYR_T_BYTES)
        print_text(b, v->u.ptr, v->len);
    else if (v->type == GYR_T_DOUBLE) /* as an output shows it, 2.25 would be 2.2 */
        buf_addf(b, "%.15g", v->u.f64);
    else
        value_add_text(b, v,
                       v->type == GYR_T_TIME || v->type == GYR_T_DURATION ? GYR_F_RAW : GYR_F_DEC);
}

static void print_all(struct buf *b, struct expr *const *items, uint32_t n)
{
    buf_addc(b, '(');
    for (uint32_t i = 0; i < n; i++) {
        buf_adds(b, i ? "," : "");
        expr_print(b, items[i]);
    }
    buf_addc(b, ')');
}

void expr_print(struct buf *b, const struct expr *e)
{
    bool has_letter;

    switch (e->kind) {
    case X_FIELD:
        buf_adds(b, e->field.name);
        break;
    case X_CALL:
        has_letter = e->call.fn == TF_GETOPT && e->call.n == 3;
        buf_adds(b, transform_name(e->call.fn));
        print_all(b, e->call.args, e->call.n - has_letter);
        if (has_letter) {
            buf_addc(b, '[');
            print_const(b, &e->call.args[2]->value);
            buf_addc(b, ']');
        }
        break;
    case X_CONST:
        print_const(b, &e->value);
        break;
    case X_LIST:
        print_all(b, e->list.items, e->list.n);
        break;
    }
}

static void print_right(struct buf *b, const struct expr *e)
{
    if (e->kind == X_FIELD) {
        buf_addf(b, "val(%s)", e->field.name);
        return;
    }
    expr_print(b, e);
}

static void print_kid(struct buf *b, const struct node *n)
{
    bool group = n->kind == N_AND || n->kind == N_OR;

    buf_adds(b, group ? "(" : "");
    node_print(b, n);
    buf_adds(b, group ? ")" : "");
}

void node_print(struct buf *b, const struct node *n)
{
    switch (n->kind) {
    case N_AND:
    case N_OR:
        for (uint32_t i = 0; i < n->logic.n; i++) {
            buf_adds(b, !i ? "" : n->kind == N_AND ? " and " : " or ");
            print_kid(b, n->logic.kids[i]);
        }
        break;
    case N_NOT:
        buf_adds(b, "not ");
        print_kid(b, n->logic.kids[0]);
        break;
    case N_CMP:
        expr_print(b, n->cmp.lhs);
        buf_addf(b, " %s", cmp_op_name(n->cmp.op));
        if (n->cmp.mod != MOD_NONE)
            buf_addf(b, " %s", cmp_mod_name(n->cmp.mod));
        if (n->cmp.rhs) {
            buf_addc(b, ' ');
            print_right(b, n->cmp.rhs);
        }
        break;
    case N_MACRO:
        buf_adds(b, n->macro);
        break;
    case N_CONST:
        buf_adds(b, n->constant ? "true" : "false");
        break;
    }
}
