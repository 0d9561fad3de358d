/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/ast.h"

#include "base/cleanup.h"

#include <string.h>

static const char *const op_names[OP_MAX_] = {
    [OP_EXISTS] = "exists",
    [OP_EQ] = "=",
    [OP_NE] = "!=",
    [OP_LT] = "<",
    [OP_LE] = "<=",
    [OP_GT] = ">",
    [OP_GE] = ">=",
    [OP_CONTAINS] = "contains",
    [OP_ICONTAINS] = "icontains",
    [OP_BCONTAINS] = "bcontains",
    [OP_STARTSWITH] = "startswith",
    [OP_BSTARTSWITH] = "bstartswith",
    [OP_ENDSWITH] = "endswith",
    [OP_GLOB] = "glob",
    [OP_IGLOB] = "iglob",
    [OP_REGEX] = "regex",
    [OP_IN] = "in",
    [OP_INTERSECTS] = "intersects",
    [OP_PMATCH] = "pmatch",
};

static const char *const mod_names[] = {"", "oneof", "anyof", "allof"};

static const char *const transform_names[TF_MAX_] = {
    [TF_TOLOWER] = "tolower",   [TF_TOUPPER] = "toupper", [TF_B64] = "b64",
    [TF_BASENAME] = "basename", [TF_LEN] = "len",         [TF_JOIN] = "join",
    [TF_CONCAT] = "concat",     [TF_GETOPT] = "getopt",   [TF_VAL] = "val",
};

static int find(const char *const *names, size_t count, const char *s, size_t n)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(names[i]) == n && memcmp(names[i], s, n) == 0)
            return (int)i;
    return -1;
}

const char *cmp_op_name(enum cmp_op op)
{
    return op_names[op];
}

const char *cmp_mod_name(enum cmp_mod mod)
{
    return mod_names[mod];
}

const char *transform_name(enum transform fn)
{
    return transform_names[fn];
}

int cmp_op_find(const char *s, size_t n)
{
    return n == 2 && memcmp(s, "==", 2) == 0 ? OP_EQ : find(op_names, OP_MAX_, s, n);
}

int cmp_mod_find(const char *s, size_t n)
{
    return n ? find(mod_names, ARRAY_LEN(mod_names), s, n) : -1;
}

int transform_find(const char *s, size_t n)
{
    return find(transform_names, TF_MAX_, s, n);
}

bool cmp_op_takes_list(enum cmp_op op)
{
    return op == OP_IN || op == OP_INTERSECTS || op == OP_PMATCH;
}

struct loc text_loc(const struct text *t, uint32_t off)
{
    uint32_t i = 0;

    if (!t->parts)
        return yaml_loc_at(t->node, off);
    while (i + 1 < t->n_parts && t->parts[i + 1].off <= off)
        i++;
    return yaml_loc_at(t->parts[i].node, off - t->parts[i].off);
}
