/* SPDX-License-Identifier: Apache-2.0 */
#include "functions.h"

#include <bpf/btf.h>
#include <errno.h>
#include <gyr/util.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a call without arguments is made of; the names of each way are aliases of it, which types
 * do not tell of. The first serves every way. */
static const char body[] = "__do_sys_", compat_body[] = "__do_compat_sys_";

#if defined(__x86_64__)
static const char *const prefixes[] = {
    [WAY_NATIVE] = "__x64_sys_", [WAY_COMPAT] = "__ia32_", [WAY_X32] = "__x64_compat_sys_"};
static const char *const compat_ways[] = {"__ia32_compat_sys_", "__ia32_sys_"};
#else
static const char *const prefixes[] = {
    [WAY_NATIVE] = "__arm64_sys_", [WAY_COMPAT] = "__arm64_", [WAY_X32] = "__arm64_x32_"};
static const char *const compat_ways[] = {"__arm64_compat_sys_", "__arm64_sys_"};
#endif

/* Where the function's name is not the call's, nor that in one of the shapes below. */
static const struct {
    const char *call, *function;
} others[] = {
    {"umount2", "umount"},       {"mmap2", "mmap_pgoff"},  {"pread64", "pread"},
    {"pwrite64", "pwrite"},      {"_llseek", "llseek"},    {"_newselect", "select"},
    {"_sysctl", "sysctl"},       {"fstatat64", "fstatat"}, {"olduname", "uname"},
    {"oldolduname", "olduname"}, {"oldstat", "stat"},      {"oldlstat", "lstat"},
    {"ugetrlimit", "getrlimit"}, {"oldfstat", "fstat"},    {"prlimit", "prlimit64"},
    {"oldumount", "umount"},
};

/* How names differ from the calls'. A 64-bit call is its function or the new or wide one; in 32
 * bits one call stands for all its kin, and has functions of the architecture's own. */
static const char *const before[] = {"", "new", "old", "old_", "ia32_", "x86_", "x32_"};
static const char *const after[] = {"", "64", "16", "32", "_time32", "_time64", "64v2"};
enum { BEFORE_NATIVE = 2, AFTER_NATIVE = 2 };

/* What a call's name may have at its end and no function's. */
static const char *const endings[] = {"32", "64", "_time64"};

/* What never returns has no exit: the kernel refuses to be asked for it. */
static const char *const endless[] = {"exit", "exit_group"};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { SYMBOLS_MAX = 8192 };

struct functions {
    struct kernel_function *described;
    char **symbols;
    uint32_t n, n_symbols;
};

static bool is_of_call(const char *name)
{
    if (strncmp(name, body, strlen(body)) == 0 ||
        strncmp(name, compat_body, strlen(compat_body)) == 0)
        return true;
    for (size_t i = 0; i < COUNT(prefixes); i++)
        if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    return false;
}

/* Does it take one argument, the registers? */
static bool takes_registers(const struct btf *btf, uint32_t proto)
{
    const struct btf_type *t = btf__type_by_id(btf, proto);

    if (!t || !btf_is_func_proto(t) || btf_vlen(t) != 1)
        return false;
    t = btf__type_by_id(btf, btf_params(t)[0].type);
    if (!t || !btf_is_ptr(t))
        return false;
    t = btf__type_by_id(btf, t->type);
    while (t && btf_is_mod(t))
        t = btf__type_by_id(btf, t->type);
    return t && btf_is_struct(t) && strcmp(btf__name_by_offset(btf, t->name_off), "pt_regs") == 0;
}

static int by_name(const void *a, const void *b)
{
    const struct kernel_function *x = a, *y = b;
    int r = strcmp(x->name, y->name);

    return r ? r : x->id < y->id ? -1 : x->id > y->id;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The kernel attaches by name: of several descriptions under one name the first is as good as any.
 */
static int read_types(struct functions *f, const struct btf *btf)
{
    uint32_t types = btf__type_cnt(btf), kept = 0;

    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t id = 1; id < types; id++) {
            const struct btf_type *t = btf__type_by_id(btf, id);
            const char *name;

            if (!t || !btf_is_func(t))
                continue;
            name = btf__name_by_offset(btf, t->name_off);
            if (!name || !is_of_call(name) || !takes_registers(btf, t->type))
                continue;
            if (pass)
                f->described[f->n++] = (struct kernel_function){name, id, t->type, 0};
            else
                kept++;
        }
        if (!pass) {
            f->described = calloc((size_t)kept + 1, sizeof(*f->described));
            if (!f->described)
                return -ENOMEM;
        }
    }
    qsort(f->described, f->n, sizeof(*f->described), by_name);
    kept = 0;
    for (uint32_t i = 0; i < f->n; i++)
        if (!kept || strcmp(f->described[kept - 1].name, f->described[i].name) != 0)
            f->described[kept++] = f->described[i];
    f->n = kept;
    return 0;
}

static struct kernel_function *look_up(const struct functions *f, const char *name)
{
    const struct kernel_function key = {.name = name};
    size_t from = 0, to = f->n;

    while (from < to) {
        size_t mid = from + (to - from) / 2;
        int r = strcmp(f->described[mid].name, key.name);

        if (r == 0)
            return &f->described[mid];
        if (r < 0)
            from = mid + 1;
        else
            to = mid;
    }
    return NULL;
}

/* "ffffffff81000000 t name": a function. @return its name, cut off where it ends; or NULL. */
static char *symbol(char *line, uint64_t *ret_address)
{
    static const char digits[] = "0123456789abcdef";
    const char *digit;
    char *p = line;

    *ret_address = 0;
    for (; *p && (digit = strchr(digits, *p)); p++)
        *ret_address = *ret_address << 4 | (uint64_t)(digit - digits);
    if (p == line || p[0] != ' ' || !p[1] || !strchr("tTwW", p[1]) || p[2] != ' ')
        return NULL;
    p += 3;
    p[strcspn(p, " \t\n")] = '\0';
    return strlen(p) < FUNCTION_NAME_MAX ? p : NULL;
}

static int read_symbols(struct functions *f, const char *path)
{
    FILE *in = fopen(path, "re");
    char line[512], *name;
    struct kernel_function *k;
    uint64_t address;
    int r = 0;

    if (!in)
        return 0;
    f->symbols = calloc(SYMBOLS_MAX, sizeof(*f->symbols));
    if (!f->symbols)
        r = -ENOMEM;
    while (r == 0 && f->n_symbols < SYMBOLS_MAX && fgets(line, sizeof(line), in)) {
        name = symbol(line, &address);
        if (!name || !is_of_call(name) || strpbrk(name, ".["))
            continue;
        k = look_up(f, name);
        if (k)
            k->address = address;
        f->symbols[f->n_symbols] = strdup(name);
        if (!f->symbols[f->n_symbols++])
            r = -ENOMEM;
    }
    (void)fclose(in);
    if (r == 0)
        qsort(f->symbols, f->n_symbols, sizeof(*f->symbols), by_text);
    return r;
}

int functions_new(const struct btf *btf, const char *symbols, struct functions **ret,
                  struct gyr_error *err)
{
    struct functions *f = calloc(1, sizeof(*f));
    int r = f ? read_types(f, btf) : -ENOMEM;

    if (r == 0)
        r = read_symbols(f, symbols);
    if (r < 0) {
        functions_free(f);
        return gyr_fail(err, r, "no memory");
    }
    *ret = f;
    return 0;
}

void functions_free(struct functions *f)
{
    if (!f)
        return;
    for (uint32_t i = 0; i < f->n_symbols; i++)
        free(f->symbols[i]);
    free(f->symbols);
    free(f->described);
    free(f);
}

const struct kernel_function *functions_find(const struct functions *f, const char *name)
{
    return look_up(f, name);
}

/* ---- a call's ---- */

struct search {
    const struct functions *f;
    enum way way;
    const struct kernel_function **ret;
    uint32_t n;
    char *hidden;
};

/* Compilers make one code of functions that do the same, and it takes one trampoline. */
static const struct kernel_function *first_of_code(const struct functions *f,
                                                   const struct kernel_function *k)
{
    for (uint32_t i = 0; k->address && i < f->n; i++)
        if (f->described[i].address == k->address)
            return &f->described[i];
    return k;
}

static void found(struct search *s, const struct kernel_function *k)
{
    k = first_of_code(s->f, k);
    for (uint32_t i = 0; i < s->n; i++)
        if (s->ret[i] == k)
            return;
    if (s->n < FUNCTIONS_PER_CALL)
        s->ret[s->n++] = k;
}

static void search_way(struct search *s, const char *way, const char *name)
{
    char full[FUNCTION_NAME_MAX], *key = full;
    const struct kernel_function *k;

    if (snprintf(full, sizeof(full), "%s%s", way, name) >= (int)sizeof(full))
        return;
    k = functions_find(s->f, full);
    if (k)
        found(s, k);
    else if (!s->hidden[0] &&
             bsearch(&key, s->f->symbols, s->f->n_symbols, sizeof(*s->f->symbols), by_text))
        memcpy(s->hidden, full, sizeof(full));
}

static void search_name(struct search *s, const char *name)
{
    char full[FUNCTION_NAME_MAX];
    const struct kernel_function *k;

    if (snprintf(full, sizeof(full), "%s%s", body, name) >= (int)sizeof(full))
        return;
    k = functions_find(s->f, full);
    if (k && s->way != WAY_X32) { /* the other names, described or not, are this function's */
        found(s, k);
        return;
    }
    if (s->way == WAY_NATIVE) {
        search_way(s, prefixes[s->way], name);
        return;
    }
    if (snprintf(full, sizeof(full), "%s%s", compat_body, name) >= (int)sizeof(full))
        return;
    k = functions_find(s->f, full);
    if (k) {
        found(s, k);
        return;
    }
    if (s->way == WAY_X32) {
        search_way(s, prefixes[s->way], name);
        return;
    }
    for (size_t i = 0; i < COUNT(compat_ways); i++)
        search_way(s, compat_ways[i], name);
}

static void search_shapes(struct search *s, const char *base)
{
    size_t n_before = s->way == WAY_NATIVE ? BEFORE_NATIVE : COUNT(before);
    size_t n_after = s->way == WAY_NATIVE ? AFTER_NATIVE : COUNT(after);
    char name[FUNCTION_NAME_MAX];

    for (size_t i = 0; i < n_before; i++) {
        for (size_t k = 0; k < n_after; k++) {
            (void)snprintf(name, sizeof(name), "%s%s%s", before[i], base, after[k]);
            search_name(s, name);
        }
    }
}

static void search_without(struct search *s, const char *call, const char *ending)
{
    size_t len = strlen(call), cut = strlen(ending);
    char base[FUNCTION_NAME_MAX];

    if (len <= cut || strcmp(call + len - cut, ending) != 0)
        return;
    (void)snprintf(base, sizeof(base), "%.*s", (int)(len - cut), call);
    search_shapes(s, base);
}

uint32_t functions_of_call(const struct functions *f, const char *call, enum way way,
                           const struct kernel_function *ret[FUNCTIONS_PER_CALL],
                           char hidden[FUNCTION_NAME_MAX])
{
    struct search s = {.f = f, .way = way, .ret = ret, .hidden = hidden};

    memset(hidden, 0, FUNCTION_NAME_MAX);
    for (size_t i = 0; i < COUNT(endless); i++)
        if (strcmp(endless[i], call) == 0)
            return 0;
    search_shapes(&s, call);
    for (size_t i = 0; way != WAY_NATIVE && i < COUNT(endings); i++)
        search_without(&s, call, endings[i]);
    for (size_t i = 0; i < COUNT(others); i++)
        if (strcmp(others[i].call, call) == 0)
            search_shapes(&s, others[i].function);
    return s.n;
}

const struct kernel_function *functions_any(const struct functions *f)
{
    char name[FUNCTION_NAME_MAX];

    (void)snprintf(name, sizeof(name), "%sgetpgid", prefixes[WAY_NATIVE]);
    return functions_find(f, name);
}
