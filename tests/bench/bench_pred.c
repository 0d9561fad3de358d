/* SPDX-License-Identifier: Apache-2.0 */
/* What typical comparisons cost: nanoseconds for each test, over paths and names as events have
 * them. Linked like a test; prints a table. */
#include "base/cleanup.h"
#include "engine/pred.h"
#include "engine/value.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUNDS = 400000, ITEMS_MAX = 64 };

static const char *const paths[] = {
    "/usr/lib/x86_64-linux-gnu/libc.so.6",
    "/etc/passwd",
    "/proc/1234/status",
    "/var/lib/docker/overlay2/04acc7a785e0f77e5fa44adbfda196a5/merged/.dockerenv",
    "/home/ann/.ssh/id_ed25519",
    "/tmp/x",
    "/usr/bin/python3.11",
    "/dev/null",
};

static struct expr *constant(struct arena *a, uint32_t type, const char *s, size_t n)
{
    struct expr *e = arena_alloc(a, sizeof(*e));
    struct gyr_error err;

    if (!e || value_parse(s, n, type, a, &e->value, &err) < 0)
        abort();
    e->kind = X_CONST;
    e->type = type;
    return e;
}

/* "x|y|z" is a list. */
static struct expr *right_side(struct arena *a, uint32_t type, const char *s)
{
    struct expr *e;

    if (!strchr(s, '|'))
        return constant(a, type, s, strlen(s));
    e = arena_alloc(a, sizeof(*e));
    if (!e || !(e->list.items = arena_array(a, ITEMS_MAX, sizeof(*e->list.items))))
        abort();
    e->kind = X_LIST;
    e->is_list = true;
    while (*s) {
        size_t n = strcspn(s, "|");

        e->list.items[e->list.n++] = constant(a, type, s, n);
        s += n + (s[n] == '|');
    }
    return e;
}

static double now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void run(const char *what, uint32_t type, enum cmp_op op, enum cmp_mod mod, const char *rhs)
{
    struct arena *a = arena_new(64 << 20);
    struct expr lhs = {.kind = X_FIELD, .type = type};
    struct node n = {.kind = N_CMP, .cmp = {.lhs = &lhs, .op = op, .mod = mod}};
    struct gyr_value v[ARRAY_LEN(paths)];
    struct gyr_error err;
    struct pred *p;
    uint64_t hits = 0;
    double begin;

    if (!a)
        abort();
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        v[i] = type == GYR_T_STR ? gyr_str(paths[i], strlen(paths[i])) : gyr_num(type, i * 37);
    n.cmp.rhs = right_side(a, type, rhs);
    if (pred_new(&n, a, &p, &err) < 0) {
        (void)fprintf(stderr, "%s: %s\n", what, err.msg);
        exit(1);
    }
    begin = now();
    for (int r = 0; r < ROUNDS; r++)
        for (size_t i = 0; i < ARRAY_LEN(paths); i++)
            hits += pred_test(p, &v[i], NULL);
    printf("%-44s %7.1f ns   (cost %" PRIu32 ", %4.1f%% hits)\n", what,
           (now() - begin) / ROUNDS / (double)ARRAY_LEN(paths), pred_cost(p),
           100.0 * (double)hits / ROUNDS / (double)ARRAY_LEN(paths));
    pred_free(p);
    arena_free(a);
}

int main(void)
{
    run("number =", GYR_T_U64, OP_EQ, MOD_NONE, "37");
    run("number in (12 values)", GYR_T_U64, OP_IN, MOD_NONE, "1|2|3|4|37|60|70|80|90|100|111|200");
    run("string =", GYR_T_STR, OP_EQ, MOD_NONE, "/etc/passwd");
    run("string in (12 names)", GYR_T_STR, OP_IN, MOD_NONE,
        "sh|bash|dash|zsh|ksh|csh|tcsh|ash|fish|/etc/passwd|/bin/sh|/bin/bash");
    run("startswith", GYR_T_STR, OP_STARTSWITH, MOD_NONE, "/etc/");
    run("endswith", GYR_T_STR, OP_ENDSWITH, MOD_NONE, "/passwd");
    run("contains", GYR_T_STR, OP_CONTAINS, MOD_NONE, ".ssh/");
    run("contains anyof (4)", GYR_T_STR, OP_CONTAINS, MOD_ANYOF, ".ssh|.aws|.kube|.docker");
    run("icontains", GYR_T_STR, OP_ICONTAINS, MOD_NONE, "DOCKERENV");
    run("pmatch (8 folders)", GYR_T_STR, OP_PMATCH, MOD_NONE,
        "/bin|/sbin|/usr/bin|/usr/sbin|/etc|/boot|/lib|/var/spool");
    run("pmatch with patterns", GYR_T_STR, OP_PMATCH, MOD_NONE, "/home/*/.ssh|/root/.ssh");
    run("glob /etc/*", GYR_T_STR, OP_GLOB, MOD_NONE, "/etc/*");
    run("glob *lib*.so.?", GYR_T_STR, OP_GLOB, MOD_NONE, "*lib*.so.?");
    run("regex", GYR_T_STR, OP_REGEX, MOD_NONE, "/proc/[0-9]+/.*");
    return 0;
}
