/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/glob.h"
#include "engine/pred_impl.h"
#include "engine/re2_shim.h"
#include "engine/value.h"

#include <errno.h>

/* ---- numbers ---- */

#define NUMERIC(kind, member)                                                                      \
    static bool kind##_eq(const struct gyr_value *a, const struct gyr_value *b)                    \
    {                                                                                              \
        return a->u.member == b->u.member;                                                         \
    }                                                                                              \
    static bool kind##_ne(const struct gyr_value *a, const struct gyr_value *b)                    \
    {                                                                                              \
        return a->u.member != b->u.member;                                                         \
    }                                                                                              \
    static bool kind##_lt(const struct gyr_value *a, const struct gyr_value *b)                    \
    {                                                                                              \
        return a->u.member < b->u.member;                                                          \
    }                                                                                              \
    static bool kind##_le(const struct gyr_value *a, const struct gyr_value *b)                    \
    {                                                                                              \
        return a->u.member <= b->u.member;                                                         \
    }                                                                                              \
    static bool kind##_gt(const struct gyr_value *a, const struct gyr_value *b)                    \
    {                                                                                              \
        return a->u.member > b->u.member;                                                          \
    }                                                                                              \
    static bool kind##_ge(const struct gyr_value *a, const struct gyr_value *b)                    \
    {                                                                                              \
        return a->u.member >= b->u.member;                                                         \
    }

NUMERIC(u64, u64)
NUMERIC(i64, i64)
NUMERIC(f64, f64)

static bool bool_eq(const struct gyr_value *a, const struct gyr_value *b)
{
    return !a->u.u64 == !b->u.u64;
}

static bool bool_ne(const struct gyr_value *a, const struct gyr_value *b)
{
    return !a->u.u64 != !b->u.u64;
}

/* ---- text ---- */

static bool str_eq(const struct gyr_value *a, const struct gyr_value *b)
{
    return a->len == b->len && (!a->len || memcmp(a->u.ptr, b->u.ptr, a->len) == 0);
}

static bool str_ne(const struct gyr_value *a, const struct gyr_value *b)
{
    return !str_eq(a, b);
}

static int str_order(const struct gyr_value *a, const struct gyr_value *b)
{
    uint32_t n = a->len < b->len ? a->len : b->len;
    int r = n ? memcmp(a->u.ptr, b->u.ptr, n) : 0;

    return r ? r : (a->len > b->len) - (a->len < b->len);
}

static bool str_lt(const struct gyr_value *a, const struct gyr_value *b)
{
    return str_order(a, b) < 0;
}

static bool str_le(const struct gyr_value *a, const struct gyr_value *b)
{
    return str_order(a, b) <= 0;
}

static bool str_gt(const struct gyr_value *a, const struct gyr_value *b)
{
    return str_order(a, b) > 0;
}

static bool str_ge(const struct gyr_value *a, const struct gyr_value *b)
{
    return str_order(a, b) >= 0;
}

static bool contains(const struct gyr_value *a, const struct gyr_value *b)
{
    return !b->len || (a->len >= b->len && memmem(a->u.ptr, a->len, b->u.ptr, b->len));
}

struct needle {
    const char *p;
    uint32_t len, rare; /* where in it the byte stands that is looked for */
};

int needle_new(struct arena *a, struct gyr_value *v)
{
    static const char common[] = "/eatosinrlcdupmbh-.vgfyk01_";
    struct needle *n = arena_alloc(a, sizeof(*n));
    size_t best = 0;

    if (!n)
        return -ENOMEM;
    *n = (struct needle){.p = v->u.ptr, .len = v->len};
    for (uint32_t i = 0; i < v->len; i++) {
        const char *at = n->p[i] ? strchr(common, n->p[i]) : common;
        size_t rank = at ? (size_t)(at - common) : sizeof(common);

        if (rank >= best) {
            best = rank;
            n->rare = i;
        }
    }
    *v = (struct gyr_value){.type = GYR_T_BYTES, .len = v->len, .u.ptr = n};
    return 0;
}

bool cmp_needle(const struct gyr_value *a, const struct gyr_value *b)
{
    const struct needle *n = b->u.ptr;
    const char *s, *end;

    if (!n->len)
        return true;
    if (a->len < n->len)
        return false;
    s = (const char *)a->u.ptr + n->rare;
    end = s + (a->len - n->len) + 1;
    while ((s = memchr(s, n->p[n->rare], (size_t)(end - s)))) {
        if (memcmp(s - n->rare, n->p, n->len) == 0)
            return true;
        if (++s == end)
            break;
    }
    return false;
}

static bool startswith(const struct gyr_value *a, const struct gyr_value *b)
{
    return !b->len || (a->len >= b->len && memcmp(a->u.ptr, b->u.ptr, b->len) == 0);
}

static bool endswith(const struct gyr_value *a, const struct gyr_value *b)
{
    return !b->len || (a->len >= b->len &&
                       memcmp((const char *)a->u.ptr + (a->len - b->len), b->u.ptr, b->len) == 0);
}

static char lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

static bool icontains(const struct gyr_value *a, const struct gyr_value *b)
{
    const char *s = a->u.ptr, *needle = b->u.ptr;
    uint32_t last, k;
    char first;

    if (!b->len)
        return true;
    if (a->len < b->len)
        return false;
    last = a->len - b->len;
    first = lower(needle[0]);
    for (uint32_t i = 0; i <= last; i++) {
        if (lower(s[i]) != first)
            continue;
        for (k = 1; k < b->len && lower(s[i + k]) == lower(needle[k]); k++)
            ;
        if (k == b->len)
            return true;
    }
    return false;
}

static bool glob(const struct gyr_value *a, const struct gyr_value *b)
{
    return glob_match(b->u.ptr, b->len, a->u.ptr, a->len, false);
}

static bool iglob(const struct gyr_value *a, const struct gyr_value *b)
{
    return glob_match(b->u.ptr, b->len, a->u.ptr, a->len, true);
}

bool cmp_regex(const struct gyr_value *a, const struct gyr_value *b)
{
    return regex_match(b->u.ptr, a->len ? a->u.ptr : "", a->len);
}

bool cmp_pmatch(const struct gyr_value *a, const struct gyr_value *b)
{
    uint32_t i = 0, k = 0, len, want_len;
    const char *part, *want;

    while (path_next(b->u.ptr, b->len, &k, &want, &want_len)) {
        if (!path_next(a->u.ptr, a->len, &i, &part, &len))
            return false;
        if (path_has_glob(want, want_len) ? !glob_match(want, want_len, part, len, false)
                                          : len != want_len || memcmp(part, want, len) != 0)
            return false;
    }
    return true;
}

/* ---- addresses ---- */

static bool addr_ne(const struct gyr_value *a, const struct gyr_value *b)
{
    return !value_addr_in(a, b);
}

/* ---- which for what ---- */

#define ORDERED(kind)                                                                              \
    [OP_EQ] = kind##_eq, [OP_NE] = kind##_ne, [OP_LT] = kind##_lt, [OP_LE] = kind##_le,            \
    [OP_GT] = kind##_gt, [OP_GE] = kind##_ge, [OP_IN] = kind##_eq, [OP_INTERSECTS] = kind##_eq

static const cmp_fn of_u64[OP_MAX_] = {ORDERED(u64)};
static const cmp_fn of_i64[OP_MAX_] = {ORDERED(i64)};
static const cmp_fn of_f64[OP_MAX_] = {ORDERED(f64)};
static const cmp_fn of_bool[OP_MAX_] = {
    [OP_EQ] = bool_eq, [OP_NE] = bool_ne, [OP_IN] = bool_eq, [OP_INTERSECTS] = bool_eq};
static const cmp_fn of_addr[OP_MAX_] = {[OP_EQ] = value_addr_in,
                                        [OP_NE] = addr_ne,
                                        [OP_IN] = value_addr_in,
                                        [OP_INTERSECTS] = value_addr_in};
static const cmp_fn of_text[OP_MAX_] = {
    ORDERED(str),
    [OP_CONTAINS] = contains,
    [OP_ICONTAINS] = icontains,
    [OP_BCONTAINS] = contains,
    [OP_STARTSWITH] = startswith,
    [OP_BSTARTSWITH] = startswith,
    [OP_ENDSWITH] = endswith,
    [OP_GLOB] = glob,
    [OP_IGLOB] = iglob,
    [OP_REGEX] = cmp_regex,
    [OP_PMATCH] = cmp_pmatch,
};

cmp_fn cmp_find(enum cmp_op op, uint32_t type)
{
    static const cmp_fn *const tables[] = {
        [GYR_T_BOOL] = of_bool,  [GYR_T_I64] = of_i64,      [GYR_T_U64] = of_u64,
        [GYR_T_DOUBLE] = of_f64, [GYR_T_STR] = of_text,     [GYR_T_BYTES] = of_text,
        [GYR_T_TIME] = of_u64,   [GYR_T_DURATION] = of_u64, [GYR_T_IP] = of_addr,
        [GYR_T_NET] = of_addr,   [GYR_T_LIST] = NULL,
    };

    if (op < 0 || op >= OP_MAX_ || type > GYR_T_LIST || !tables[type])
        return NULL;
    return tables[type][op];
}
