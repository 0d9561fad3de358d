/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/check.h"

#include "base/suggest.h"
#include "engine/pred.h"
#include "engine/value.h"
#include "rules/services.h"

#include <errno.h>
#include <string.h>

#define BIT(op) (1u << (op))
enum {
    OPS_EQUAL = BIT(OP_EXISTS) | BIT(OP_EQ) | BIT(OP_NE) | BIT(OP_IN) | BIT(OP_INTERSECTS),
    OPS_NUMBER = OPS_EQUAL | BIT(OP_LT) | BIT(OP_LE) | BIT(OP_GT) | BIT(OP_GE),
    OPS_STR = OPS_NUMBER | BIT(OP_CONTAINS) | BIT(OP_ICONTAINS) | BIT(OP_STARTSWITH) |
              BIT(OP_ENDSWITH) | BIT(OP_GLOB) | BIT(OP_IGLOB) | BIT(OP_REGEX) | BIT(OP_PMATCH),
    OPS_BYTES = OPS_EQUAL | BIT(OP_CONTAINS) | BIT(OP_STARTSWITH) | BIT(OP_ENDSWITH) |
                BIT(OP_BCONTAINS) | BIT(OP_BSTARTSWITH),
    OPS_LIST = BIT(OP_EXISTS) | BIT(OP_IN) | BIT(OP_INTERSECTS)
};

/* What each type takes, as in Falco, and how messages name it. */
static const struct {
    const char *name;
    uint32_t ops;
} types[] = {
    [GYR_T_NONE] = {"nothing", 0},
    [GYR_T_BOOL] = {"true or false", OPS_EQUAL},
    [GYR_T_I64] = {"a number", OPS_NUMBER},
    [GYR_T_U64] = {"a number that is never negative", OPS_NUMBER},
    [GYR_T_DOUBLE] = {"a number with a fraction", OPS_NUMBER},
    [GYR_T_STR] = {"text", OPS_STR},
    [GYR_T_BYTES] = {"bytes", OPS_BYTES},
    [GYR_T_TIME] = {"a time", OPS_NUMBER},
    [GYR_T_DURATION] = {"a duration", OPS_NUMBER},
    [GYR_T_IP] = {"an address", OPS_EQUAL},
    [GYR_T_NET] = {"a network", OPS_EQUAL},
    [GYR_T_LIST] = {"a list", 0},
};

static const char *type_name(const struct expr *e)
{
    return e->is_list ? "a list" : e->type <= GYR_T_LIST ? types[e->type].name : "unknown";
}

/* How the operand stands in the text, for messages. */
#define AS_WRITTEN(e) (int)((e)->len > 60 ? 60 : (e)->len), (e)->text->p + (e)->off

#define PROBLEM(r, u, e, ...) problem_add((r), (u), PROBLEM_ERROR, (e)->text, (e)->off, __VA_ARGS__)

static bool no_memory(struct resolver *r, struct unit *u, const struct expr *e)
{
    PROBLEM(r, u, e, "out of memory");
    return false;
}

/* ---- operands ---- */

static bool check_field(struct resolver *r, struct unit *u, struct expr *e)
{
    const struct field_def *f;
    struct gyr_error err;
    const char *arg;
    size_t arg_len, len = strlen(e->field.name);
    int k;

    if (len > FIELD_LEN_MAX) {
        problem_add(r, u, PROBLEM_UNKNOWN, e->text, e->off, "unknown field '%.40s…'",
                    e->field.name);
        return false;
    }
    k = schema_resolve_field(r->schema, e->field.name, len, &f, &arg, &arg_len, &err);
    if (k < 0) {
        problem_add(r, u, k == -ENOENT ? PROBLEM_UNKNOWN : PROBLEM_ERROR, e->text, e->off, "%s",
                    err.msg);
        return false;
    }
    e->field.def = f;
    e->type = schema_field_type(r->schema, f, arg, arg_len);
    e->is_list = f->f.flags & GYR_FF_LIST;
    if (arg) {
        e->field.arg = arena_strndup(r->defs->arena, arg, arg_len);
        if (!e->field.arg)
            return no_memory(r, u, e);
    }
    return true;
}

static bool wrong_argument(struct resolver *r, struct unit *u, const struct expr *call,
                           const struct expr *arg, const char *wants)
{
    PROBLEM(r, u, arg, "%s() takes %s, and '%.*s' is %s", transform_name(call->call.fn), wants,
            AS_WRITTEN(arg), type_name(arg));
    return false;
}

/* The transformers over one operand; over a list all but len() work on each element. */
static bool check_unary(struct resolver *r, struct unit *u, struct expr *e)
{
    const struct expr *a = e->call.args[0];
    bool is_text = a->type == GYR_T_STR, is_bytes = a->type == GYR_T_BYTES;

    if (e->call.n != 1) {
        PROBLEM(r, u, e, "%s() takes one argument, not %u", transform_name(e->call.fn), e->call.n);
        return false;
    }
    e->type = a->type;
    e->is_list = a->is_list;
    switch (e->call.fn) {
    case TF_LEN:
        e->type = GYR_T_U64;
        e->is_list = false;
        return a->is_list || is_text || is_bytes ||
               wrong_argument(r, u, e, a, "text, bytes or a list");
    case TF_B64:
        return is_text || is_bytes || wrong_argument(r, u, e, a, "text or bytes");
    default:
        return is_text || wrong_argument(r, u, e, a, "text");
    }
}

static bool is_one_text(const struct expr *e)
{
    return e->type == GYR_T_STR && !e->is_list;
}

static bool is_texts(const struct expr *e)
{
    return e->type == GYR_T_STR && e->is_list;
}

static bool check_several(struct resolver *r, struct unit *u, struct expr *e)
{
    struct expr **a = e->call.args;
    uint32_t n = e->call.n;

    e->type = GYR_T_STR;
    switch (e->call.fn) {
    case TF_CONCAT:
        if (n < 2) {
            PROBLEM(r, u, e, "concat() takes two arguments or more");
            return false;
        }
        for (uint32_t i = 0; i < n; i++)
            if (!is_one_text(a[i]))
                return wrong_argument(r, u, e, a[i], "texts");
        return true;
    case TF_JOIN:
        if (n != 2) {
            PROBLEM(r, u, e, "join() takes two arguments, a separator and a list, not %u", n);
            return false;
        }
        if (!is_one_text(a[0]))
            return wrong_argument(r, u, e, a[0], "a text as separator");
        return is_texts(a[1]) || wrong_argument(r, u, e, a[1], "a list of texts to join");
    default:
        if (n < 2 || (n > 2 && (a[2]->kind != X_CONST || a[2]->off < a[1]->off)) || n > 3) {
            PROBLEM(r, u, e, "getopt() takes two arguments, a list and the options' letters");
            return false;
        }
        if (!is_texts(a[0]))
            return wrong_argument(r, u, e, a[0], "a list of texts");
        if (!is_one_text(a[1]))
            return wrong_argument(r, u, e, a[1], "a text with the options' letters");
        e->is_list = n == 2;
        if (n == 3 && a[2]->value.len != 1) {
            PROBLEM(r, u, e, "the brackets of getopt() hold one letter");
            return false;
        }
        return true;
    }
}

static bool check_call(struct resolver *r, struct unit *u, struct expr *e)
{
    bool ok = true;

    for (uint32_t i = 0; i < e->call.n; i++)
        ok &= check_operand(r, u, e->call.args[i]);
    if (!ok)
        return false;
    switch (e->call.fn) {
    case TF_VAL:
        PROBLEM(r, u, e, "val() stands on the right of a comparison only, around a field");
        return false;
    case TF_JOIN:
    case TF_CONCAT:
    case TF_GETOPT:
        return check_several(r, u, e);
    default:
        return check_unary(r, u, e);
    }
}

bool check_operand(struct resolver *r, struct unit *u, struct expr *e)
{
    bool ok = true;

    switch (e->kind) {
    case X_FIELD:
        return check_field(r, u, e);
    case X_CALL:
        return check_call(r, u, e);
    case X_LIST:
        e->type = GYR_T_STR;
        for (uint32_t i = 0; i < e->list.n && ok; i++) {
            struct expr *item = e->list.items[i];

            ok = check_operand(r, u, item);
            if (ok && !is_one_text(item)) {
                PROBLEM(r, u, item, "a list of texts is wanted, and '%.*s' is %s", AS_WRITTEN(item),
                        type_name(item));
                ok = false;
            }
        }
        return ok;
    default:
        return true;
    }
}

/* ---- the right side ---- */

static void check_event_name(struct resolver *r, struct unit *u, const struct expr *e)
{
    const char *name = e->value.u.ptr;
    struct suggest s;

    if (map_get(&r->event_names, name, e->value.len))
        return;
    suggest_init(&s, name, e->value.len);
    if (defs_may_guess(r->defs, r->event_names.n))
        for (uint32_t i = 0; i < r->event_names.n; i++)
            suggest_offer(&s, r->event_names.slots[i].key);
    problem_add(r, u, PROBLEM_WARNING + DIAG_UNKNOWN_EVENT, e->text, e->off,
                "no event of source '%s' is named '%.*s'%s", r->schema->name,
                (int)(e->value.len > 60 ? 60 : e->value.len), name,
                diag_hint(r->defs->d, suggest_best(&s)));
}

/* "proc.name = proc.pname" compares with the words "proc.pname". */
static void check_field_name(struct resolver *r, struct unit *u, const struct expr *e)
{
    if (!e->quoted && schema_field(r->schema, e->value.u.ptr, e->value.len))
        problem_add(r, u, PROBLEM_WARNING + DIAG_FIELD_AS_TEXT, e->text, e->off,
                    "'%.*s' is plain text here; val(%.*s) is the field of that name",
                    (int)e->value.len, (const char *)e->value.u.ptr, (int)e->value.len,
                    (const char *)e->value.u.ptr);
}

/* Rules of Falco's first years ask for the entry of a call. */
static void check_direction(struct resolver *r, struct unit *u, const struct expr *e)
{
    if (r->defs->d->lint && e->value.len == 1 && *(const char *)e->value.u.ptr == '>')
        problem_add(r, u, PROBLEM_WARNING + DIAG_DEPRECATED, e->text, e->off,
                    "'evt.dir = >' holds for nearly no event: a call is one event, at its end; "
                    "leave it out");
}

/* "fd.sport = ssh" */
static int parse_service(struct resolver *r, const struct expr *lhs, struct expr *e,
                         struct gyr_error *err)
{
    const char *name = e->value.u.ptr;
    size_t n = e->value.len;
    struct suggest s;
    int port;

    if (lhs->kind != X_FIELD || !(lhs->field.def->f.flags & GYR_FF_PORT) || n == 0 ||
        strchr("-0123456789", name[0]))
        return -EINVAL;
    port = service_port(name, n);
    if (port >= 0) {
        e->value = gyr_num(GYR_T_U64, (uint64_t)port);
        return 0;
    }
    suggest_init(&s, name, n);
    service_suggest(&s);
    return gyr_fail(err, -EINVAL, "'%.*s' is neither a port nor a service that is known%s",
                    (int)(n > 60 ? 60 : n), name, diag_hint(r->defs->d, suggest_best(&s)));
}

static bool check_constant(struct resolver *r, struct unit *u, const struct node *cmp,
                           struct expr *e)
{
    const struct expr *lhs = cmp->cmp.lhs;
    enum cmp_op op = cmp->cmp.op;
    struct gyr_error err;
    int k;

    check_field_name(r, u, e);
    k = value_parse(e->value.u.ptr, e->value.len, lhs->type, r->defs->arena, &e->value, &err);
    if (k == -EINVAL)
        k = parse_service(r, lhs, e, &err);
    if (k == 0 && op == OP_REGEX)
        k = regex_check(e->value.u.ptr, e->value.len, &err);
    if (k == 0 && (op == OP_BCONTAINS || op == OP_BSTARTSWITH))
        k = hex_check(e->value.u.ptr, e->value.len, &err);
    if (k < 0) {
        PROBLEM(r, u, e, "%s", err.msg);
        return false;
    }
    e->type = e->value.type;
    if (lhs->kind == X_FIELD && strcmp(lhs->field.def->f.name, "evt.type") == 0 &&
        (op == OP_EQ || op == OP_NE || op == OP_IN))
        check_event_name(r, u, e);
    if (lhs->kind == X_FIELD && strcmp(lhs->field.def->f.name, "evt.dir") == 0 && op == OP_EQ)
        check_direction(r, u, e);
    return true;
}

static bool check_value_right(struct resolver *r, struct unit *u, struct node *cmp)
{
    const struct expr *lhs = cmp->cmp.lhs;
    enum cmp_op op = cmp->cmp.op;
    struct expr *rhs = cmp->cmp.rhs;

    if (rhs->kind == X_CALL && rhs->call.fn == TF_VAL) {
        if (rhs->call.n != 1 || rhs->call.args[0]->kind != X_FIELD) {
            PROBLEM(r, u, rhs, "val() takes one field");
            return false;
        }
        rhs = cmp->cmp.rhs = rhs->call.args[0];
    }
    if (!check_operand(r, u, rhs))
        return false;
    if (op == OP_REGEX || op == OP_PMATCH || op == OP_BCONTAINS || op == OP_BSTARTSWITH ||
        lhs->type == GYR_T_NET) {
        PROBLEM(r, u, rhs, "'%s' on '%.*s' takes no field on its right", cmp_op_name(op),
                AS_WRITTEN(lhs));
        return false;
    }
    if (lhs->type != rhs->type || (rhs->is_list && op != OP_IN && op != OP_INTERSECTS)) {
        PROBLEM(r, u, rhs, "'%.*s' is %s, and '%.*s' is %s", AS_WRITTEN(lhs), type_name(lhs),
                AS_WRITTEN(rhs), type_name(rhs));
        return false;
    }
    return true;
}

/* The comparator stands behind the left side, unless it came from an exception's `comps`. */
static uint32_t op_place(const struct node *cmp)
{
    const struct expr *lhs = cmp->cmp.lhs;
    uint32_t at = lhs->off + lhs->len;

    if (cmp->len <= lhs->len)
        return lhs->off;
    while (at < lhs->text->len && strchr(" \t\r\n", lhs->text->p[at]))
        at++;
    return at;
}

static bool check_op(struct resolver *r, struct unit *u, const struct node *cmp)
{
    const struct expr *lhs = cmp->cmp.lhs;
    uint32_t ops = lhs->is_list ? OPS_LIST : lhs->type <= GYR_T_LIST ? types[lhs->type].ops : 0;
    enum cmp_op op = cmp->cmp.op;

    if (op != OP_EXISTS && !(ops & BIT(op))) {
        problem_add(r, u, PROBLEM_ERROR, lhs->text, op_place(cmp),
                    "'%s' does not fit '%.*s', which is %s", cmp_op_name(op), AS_WRITTEN(lhs),
                    type_name(lhs));
        return false;
    }
    return true;
}

/* "evt.around[T] = D" asks for events within D of T; the field is how far they are from it. */
static bool check_around(struct resolver *r, struct unit *u, struct node *cmp)
{
    const struct expr *lhs = cmp->cmp.lhs;

    if (lhs->kind != X_FIELD || strcmp(lhs->field.def->f.name, "evt.around") != 0 ||
        cmp->cmp.op == OP_EXISTS)
        return true;
    if ((cmp->cmp.op != OP_EQ && cmp->cmp.op != OP_LE) || cmp->cmp.mod != MOD_NONE) {
        problem_add(r, u, PROBLEM_ERROR, lhs->text, op_place(cmp), "evt.around takes '=' only");
        return false;
    }
    cmp->cmp.op = OP_LE;
    return true;
}

bool check_comparison(struct resolver *r, struct unit *u, struct node *cmp)
{
    struct expr *rhs = cmp->cmp.rhs;
    bool ok = true;

    if (!check_operand(r, u, cmp->cmp.lhs) || !check_op(r, u, cmp) || !check_around(r, u, cmp))
        return false;
    if (!rhs)
        return true;
    if (rhs->kind == X_FIELD || rhs->kind == X_CALL)
        return check_value_right(r, u, cmp);
    if (rhs->kind == X_CONST)
        return check_constant(r, u, cmp, rhs);
    rhs->type = cmp->cmp.lhs->type;
    for (uint32_t i = 0; i < rhs->list.n; i++)
        ok &= check_constant(r, u, cmp, rhs->list.items[i]);
    return ok;
}
