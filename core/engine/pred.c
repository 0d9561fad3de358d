/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/pred.h"

#include "engine/pred_impl.h"
#include "engine/re2_shim.h"

#include <ctype.h>
#include <errno.h>

enum { TYPE_NEVER = 0xffff, RHS_MAX = 1 << 20 };

struct pred {
    /* What a test of one value needs first. */
    bool (*test)(const struct pred *p, const struct gyr_value *v);
    uint32_t type; /* of values that test() takes as they are; others go through odd() */
    uint32_t n;    /* constants in rhs[] */
    const struct gyr_value *rhs;
    cmp_fn cmp;
    bool negate;
    union {
        struct str_set *strs;
        struct num_set *nums;
        struct path_trie *paths;
    };
    /* For lists, conversions and right sides that are values. */
    bool (*one)(const struct pred *p, const struct gyr_value *v); /* test of a single element */
    uint32_t one_type;
    uint32_t cost;
    enum cmp_op op;
    enum cmp_mod mod;
    bool is_list, rhs_is_value;
    struct gyr_value *regexes; /* rhs, when they are to be freed */
};

/* ---- tests of one value against constants ---- */

static bool test_single(const struct pred *p, const struct gyr_value *v)
{
    return p->cmp(v, p->rhs);
}

static bool test_any(const struct pred *p, const struct gyr_value *v)
{
    for (uint32_t i = 0; i < p->n; i++)
        if (p->cmp(v, &p->rhs[i]))
            return true;
    return false;
}

static bool test_all(const struct pred *p, const struct gyr_value *v)
{
    for (uint32_t i = 0; i < p->n; i++)
        if (!p->cmp(v, &p->rhs[i]))
            return false;
    return p->n != 0;
}

static bool test_exactly_one(const struct pred *p, const struct gyr_value *v)
{
    uint32_t hits = 0;

    for (uint32_t i = 0; i < p->n && hits < 2; i++)
        hits += p->cmp(v, &p->rhs[i]);
    return hits == 1;
}

static bool test_strs(const struct pred *p, const struct gyr_value *v)
{
    return str_set_has(p->strs, v->u.ptr, v->len) != p->negate;
}

static bool test_nums(const struct pred *p, const struct gyr_value *v)
{
    return num_set_has(p->nums, v->u.u64) != p->negate;
}

static bool test_paths(const struct pred *p, const struct gyr_value *v)
{
    return path_trie_match(p->paths, v->u.ptr, v->len);
}

static bool test_exists(const struct pred *p, const struct gyr_value *v)
{
    (void)p;
    return v->type != GYR_T_NONE;
}

/* ---- values of another type than was promised ---- */

static bool is_number(uint32_t type)
{
    return type == GYR_T_BOOL || type == GYR_T_I64 || type == GYR_T_U64 || type == GYR_T_DOUBLE ||
           type == GYR_T_TIME || type == GYR_T_DURATION;
}

static bool is_text(uint32_t type)
{
    return type == GYR_T_STR || type == GYR_T_BYTES;
}

static bool is_addr(uint32_t type)
{
    return type == GYR_T_IP || type == GYR_T_NET;
}

/* As the type that the comparison was made for. @return false: there is no way. */
static bool convert(const struct gyr_value *v, uint32_t type, struct gyr_value *ret)
{
    *ret = *v;
    ret->type = type;
    if (v->type == type)
        return true;
    if (is_text(type))
        return is_text(v->type);
    if (is_addr(type))
        return is_addr(v->type);
    if (!is_number(type) || !is_number(v->type))
        return false;
    if (type == GYR_T_DOUBLE)
        ret->u.f64 = v->type == GYR_T_I64 ? (double)v->u.i64 : (double)v->u.u64;
    else if (v->type == GYR_T_DOUBLE && !(v->u.f64 > -9e18 && v->u.f64 < 9e18))
        return false;
    else if (v->type == GYR_T_DOUBLE)
        ret->u.i64 = (int64_t)v->u.f64;
    return true;
}

static bool test_one(const struct pred *p, const struct gyr_value *v)
{
    struct gyr_value as;

    if (v->type == p->one_type)
        return p->one(p, v);
    return convert(v, p->one_type, &as) && p->one(p, &as);
}

static bool list_any(const struct pred *p, const struct gyr_value *v)
{
    const struct gyr_value *e = v->u.ptr;

    for (uint32_t i = 0; i < v->len; i++)
        if (test_one(p, &e[i]))
            return true;
    return false;
}

static bool list_all(const struct pred *p, const struct gyr_value *v)
{
    const struct gyr_value *e = v->u.ptr;

    for (uint32_t i = 0; i < v->len; i++)
        if (!test_one(p, &e[i]))
            return false;
    return true;
}

/* A field of one value that yields several holds if one of them does. But "not this address" and
 * "not this port" are meant of both ends of a connection, and "not this name" of any ancestor. */
static bool is_for_all(const struct pred *p)
{
    return p->op == OP_NE && (is_addr(p->one_type) || p->one_type == GYR_T_U64);
}

static bool odd(const struct pred *p, const struct gyr_value *v)
{
    if (p->op == OP_EXISTS)
        return v->type != GYR_T_NONE;
    if (v->type != GYR_T_LIST)
        return test_one(p, v);
    return is_for_all(p) ? v->len && list_all(p, v) : list_any(p, v);
}

/* ---- two values ---- */

static bool cmp_pair(const struct pred *p, const struct gyr_value *a, const struct gyr_value *b)
{
    struct gyr_value x, y;

    return convert(a, p->one_type, &x) && convert(b, p->one_type, &y) && p->cmp(&x, &y);
}

/* One value against one value or the elements of a list. */
static bool pair_rhs(const struct pred *p, const struct gyr_value *a, const struct gyr_value *b)
{
    const struct gyr_value *e = b->u.ptr;
    bool all = p->mod == MOD_ALLOF || (p->mod == MOD_NONE && p->op == OP_NE);
    uint32_t hits = 0;

    if (b->type != GYR_T_LIST)
        return cmp_pair(p, a, b);
    for (uint32_t i = 0; i < b->len; i++) {
        bool hit = cmp_pair(p, a, &e[i]);

        if (p->mod == MOD_ONEOF) {
            hits += hit;
            if (hits > 1)
                return false;
        } else if (hit != all) {
            return hit;
        }
    }
    return p->mod == MOD_ONEOF ? hits == 1 : all && b->len;
}

static bool test_pair(const struct pred *p, const struct gyr_value *a, const struct gyr_value *b)
{
    const struct gyr_value *e = a->u.ptr;
    bool all = is_for_all(p) || (p->op == OP_IN && p->is_list);

    if (a->type != GYR_T_LIST)
        return pair_rhs(p, a, b);
    for (uint32_t i = 0; i < a->len; i++)
        if (pair_rhs(p, &e[i], b) != all)
            return !all;
    return all && (a->len || p->is_list);
}

bool pred_test(const struct pred *p, const struct gyr_value *lhs, const struct gyr_value *rhs)
{
    if (__builtin_expect(rhs != NULL, 0))
        return test_pair(p, lhs, rhs);
    if (__builtin_expect(lhs->type == p->type, 1))
        return p->test(p, lhs);
    return odd(p, lhs);
}

uint32_t pred_cost(const struct pred *p)
{
    return p->cost;
}

/* ---- compiling ---- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int hex_check(const char *s, size_t n, struct gyr_error *err)
{
    size_t i = 0;

    while (i < n && hex_digit(s[i]) >= 0)
        i++;
    if (i == n && n && n % 2 == 0)
        return 0;
    return gyr_fail(err, -EINVAL, "'%.*s' is not bytes in hexadecimal, two digits for each",
                    (int)(n < 100 ? n : 100), s);
}

static int hex_decode(struct gyr_value *v, struct arena *arena, struct gyr_error *err)
{
    const char *s = v->u.ptr;
    unsigned char *out = arena_alloc(arena, v->len / 2 + 1u);
    int r = hex_check(s, v->len, err);

    if (r < 0)
        return r;
    if (!out)
        return gyr_fail(err, -ENOMEM, "out of memory");
    for (uint32_t i = 0; i < v->len / 2; i++)
        out[i] = (unsigned char)(hex_digit(s[2 * i]) << 4 | hex_digit(s[2 * i + 1]));
    v->u.ptr = out;
    v->len /= 2;
    return 0;
}

/* A constant of the right side, fit for p->cmp. */
static int take_constant(struct pred *p, const struct expr *e, struct arena *arena,
                         struct gyr_value *v, struct gyr_error *err)
{
    char why[256];

    if (e->kind != X_CONST)
        return gyr_fail(err, -EINVAL, "a list holds something that is not a constant");
    *v = e->value;
    if (p->op == OP_BCONTAINS || p->op == OP_BSTARTSWITH)
        return hex_decode(v, arena, err);
    if (p->op == OP_REGEX) {
        struct regex *re = regex_new(v->u.ptr, v->len, why, sizeof(why));

        if (!re)
            return gyr_fail(err, -EINVAL, "'%.*s' is not a regular expression: %s",
                            (int)(v->len < 200 ? v->len : 200), (const char *)v->u.ptr, why);
        *v = (struct gyr_value){.type = GYR_T_BYTES, .u.ptr = re};
        return 0;
    }
    if (!is_addr(p->one_type) && v->type != p->one_type && !convert(v, p->one_type, v))
        return gyr_fail(err, -EINVAL, "a constant is of another type than the left side");
    if (is_addr(p->one_type) && !is_addr(v->type))
        return gyr_fail(err, -EINVAL, "a constant is not an address or network");
    return 0;
}

static int take_constants(struct pred *p, const struct expr *rhs, struct arena *arena,
                          struct gyr_error *err)
{
    bool is_list = rhs->kind == X_LIST;
    uint32_t n = is_list ? rhs->list.n : 1;
    struct gyr_value *v;

    if (n > RHS_MAX)
        return gyr_fail(err, -EINVAL, "a list of %u values is longer than %d", n, RHS_MAX);
    v = arena_array(arena, n ? n : 1, sizeof(*v));
    if (!v)
        return gyr_fail(err, -ENOMEM, "out of memory");
    p->rhs = v;
    if (p->op == OP_REGEX)
        p->regexes = v;
    for (uint32_t i = 0; i < n; i++) {
        int r = take_constant(p, is_list ? rhs->list.items[i] : rhs, arena, &v[i], err);

        if (r < 0)
            return r;
        p->n = i + 1;
    }
    return 0;
}

static int use_needles(struct pred *p, struct arena *arena, struct gyr_error *err)
{
    struct gyr_value *v = (struct gyr_value *)p->rhs;

    for (uint32_t i = 0; i < p->n; i++)
        if (needle_new(arena, &v[i]) < 0)
            return gyr_fail(err, -ENOMEM, "out of memory");
    p->cmp = cmp_needle;
    return 0;
}

/* A pattern whose only wild cards are stars at its ends is one of the cheaper operators. */
static void simplify_glob(struct pred *p)
{
    struct gyr_value *v = (struct gyr_value *)p->rhs;
    const char *s = v->u.ptr;
    uint32_t n = v->len, head = n && s[0] == '*', tail = n > head && s[n - 1] == '*';

    for (uint32_t i = head; i < n - tail; i++)
        if (strchr("*?[\\", s[i]))
            return;
    v->u.ptr = s + head;
    v->len = n - head - tail;
    p->op = head ? tail ? OP_CONTAINS : OP_ENDSWITH : tail ? OP_STARTSWITH : OP_EQ;
    if (n == 1 && head)
        p->op = OP_CONTAINS;
    p->cmp = cmp_find(p->op, GYR_T_STR);
}

static uint32_t op_cost(const struct pred *p)
{
    switch (p->op) {
    case OP_CONTAINS:
    case OP_BCONTAINS:
        return 6;
    case OP_ICONTAINS:
        return 30;
    case OP_GLOB:
    case OP_IGLOB:
        return 25;
    case OP_PMATCH:
        return 15;
    case OP_REGEX:
        return 100;
    default:
        return is_text(p->one_type) || is_addr(p->one_type) ? 3 : 1;
    }
}

/* Membership in a set: "in" and its kin, "= anyof", and negated "!= allof". */
static int compile_set(struct pred *p, struct arena *arena, struct gyr_error *err)
{
    p->negate = p->op == OP_NE;
    p->cmp = cmp_find(OP_EQ, p->one_type);
    if (is_addr(p->one_type) || p->one_type == GYR_T_DOUBLE || p->one_type == GYR_T_BOOL) {
        /* Few, and a network is no matter of equality. */
        p->cmp = cmp_find(p->negate ? OP_NE : OP_EQ, p->one_type);
        p->one = p->negate ? test_all : test_any;
        p->cost = 3 + p->n;
        return 0;
    }
    if (is_text(p->one_type)) {
        p->strs = str_set_new(arena, p->rhs, p->n);
        p->one = test_strs;
        p->cost = 5;
    } else {
        p->nums = num_set_new(arena, p->rhs, p->n);
        p->one = test_nums;
        p->cost = 2;
    }
    return p->strs ? 0 : gyr_fail(err, -ENOMEM, "out of memory");
}

static bool is_membership(const struct pred *p)
{
    switch (p->op) {
    case OP_IN:
    case OP_INTERSECTS:
        return p->mod == MOD_NONE || p->mod == MOD_ANYOF;
    case OP_EQ:
        return p->mod == MOD_ANYOF;
    case OP_NE:
        return p->mod == MOD_ALLOF;
    default:
        return false;
    }
}

/* Choose how one value is tested against the constants. */
static int compile_one(struct pred *p, bool rhs_is_list, struct arena *arena, struct gyr_error *err)
{
    uint32_t cost;
    int r;

    if (p->op == OP_GLOB && p->n == 1)
        simplify_glob(p);
    if (p->op == OP_CONTAINS || p->op == OP_BCONTAINS) {
        r = use_needles(p, arena, err);
        if (r < 0)
            return r;
    }
    if (p->op == OP_PMATCH && (p->mod == MOD_NONE || p->mod == MOD_ANYOF)) {
        p->one = test_paths;
        p->cost = op_cost(p) + 5;
        return path_trie_new(arena, p->rhs, p->n, &p->paths, err);
    }
    if (p->n > 1 && is_membership(p))
        return compile_set(p, arena, err);
    if (p->n != 1) {
        if (rhs_is_list && p->n && p->mod == MOD_NONE)
            return gyr_fail(err, -EINVAL, "a list on the right needs 'anyof', 'allof' or 'oneof'");
        p->one = p->mod == MOD_ALLOF ? test_all : p->mod == MOD_ONEOF ? test_exactly_one : test_any;
        cost = op_cost(p);
        p->cost = p->n && cost < 10000 / p->n ? cost * p->n : 10000;
        return 0;
    }
    p->one = test_single;
    p->cost = op_cost(p);
    return 0;
}

static int compile(struct pred *p, const struct node *cmp, struct arena *arena,
                   struct gyr_error *err)
{
    const struct expr *lhs = cmp->cmp.lhs, *rhs = cmp->cmp.rhs;
    int r;

    p->one_type = lhs->type;
    p->is_list = lhs->is_list;
    if (p->op == OP_EXISTS) {
        p->type = lhs->is_list ? GYR_T_LIST : lhs->type;
        p->test = p->one = test_exists;
        p->cost = 1;
        return 0;
    }
    p->cmp = cmp_find(p->op, p->one_type);
    if (!p->cmp || !rhs)
        return gyr_fail(err, -EINVAL, "the operator does not fit values of this type");
    if (rhs->kind == X_FIELD || rhs->kind == X_CALL) {
        if (p->op == OP_REGEX || p->op == OP_PMATCH)
            return gyr_fail(err, -EINVAL, "the operator takes constants only");
        p->rhs_is_value = true;
        p->type = TYPE_NEVER;
        p->one = test_any; /* never without a right value; then false */
        p->cost = op_cost(p) + 2;
        return 0;
    }
    r = take_constants(p, rhs, arena, err);
    if (r < 0)
        return r;
    r = compile_one(p, rhs->kind == X_LIST, arena, err);
    if (r < 0)
        return r;
    p->type = p->is_list ? GYR_T_LIST : p->one_type;
    p->test = !p->is_list ? p->one : p->op == OP_IN ? list_all : p->op == OP_NE ? odd : list_any;
    return 0;
}

int pred_new(const struct node *cmp, struct arena *arena, struct pred **ret, struct gyr_error *err)
{
    struct pred *p = arena_alloc(arena, sizeof(*p));
    int r;

    if (!p)
        return gyr_fail(err, -ENOMEM, "out of memory");
    if (cmp->kind != N_CMP)
        return gyr_fail(err, -EINVAL, "not a comparison");
    p->op = cmp->cmp.op;
    p->mod = cmp->cmp.mod;
    r = compile(p, cmp, arena, err);
    if (r < 0) {
        pred_free(p);
        return r;
    }
    *ret = p;
    return 0;
}

void pred_free(struct pred *p)
{
    if (!p || !p->regexes)
        return;
    for (uint32_t i = 0; i < p->n; i++)
        regex_free((struct regex *)p->regexes[i].u.ptr);
    p->regexes = NULL;
    p->n = 0;
}
