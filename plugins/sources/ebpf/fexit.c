/* SPDX-License-Identifier: Apache-2.0 */
#include "fexit.h"

#include "probe.h"

#include "ebpf/probe.skel.h"
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <gyr/util.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NAME_ROOM = 96, HOOKS_MAX = 4096, FUNCTIONS_MAX = 4096 };

/* A function of the kernel that may be a system call's. */
struct function {
    const char *name; /* the BTF's */
    int id;
};

/* One encoder on one function. */
struct hook {
    int link, function; /* link: negative when there can be none */
    uint8_t encoder;
    bool keep;
};

struct fexit {
    struct probe *probe;
    struct btf *btf;
    struct function *functions; /* by name */
    uint32_t n_functions;
    struct hook *hooks;
    uint32_t n;
};

/* How functions of system calls begin: those of 64-bit calls, of 32-bit ones, and, where calls
 * without arguments have one function for both, that. */
#if defined(__x86_64__)
static const char *const ways[2][5] = {
    {"__x64_sys_", "__x64_compat_sys_", "__x32_compat_sys_", "__do_sys_"},
    {"__ia32_compat_sys_", "__ia32_sys_", "__do_sys_"}};
static const char any_call[] = "__x64_sys_getpgid";
#else
static const char *const ways[2][5] = {{"__arm64_sys_"}, {"__arm64_compat_sys_", "__arm64_sys_"}};
static const char any_call[] = "__arm64_sys_getpgid";
#endif

/* How the kernel calls the function of a call: as the call, or in one of these ways. More may exist
 * than the call's own (the 16-bit ids of old, times of 32 bits): the programs go by the number. */
static const struct {
    const char *before, *after;
} shapes[] = {{"", ""},    {"new", ""},  {"", "64"},      {"", "32"},   {"", "16"},
              {"old", ""}, {"old_", ""}, {"", "_time32"}, {"ia32_", ""}};
enum { N_SHAPES = sizeof(shapes) / sizeof(shapes[0]) };

/* Endings of calls whose function has none. */
static const char *const endings[] = {"", "32", "64", "_time64"};
enum { N_ENDINGS = sizeof(endings) / sizeof(endings[0]) };

/* Calls whose function has quite another name. */
static const struct {
    const char *call, *function;
} renamed[] = {
    {"umount2", "umount"},       {"_llseek", "llseek"},   {"_newselect", "select"},
    {"ugetrlimit", "getrlimit"}, {"mmap2", "mmap_pgoff"}, {"oldstat", "stat"},
    {"oldlstat", "lstat"},       {"oldfstat", "fstat"},   {"oldolduname", "olduname"},
};

/* What never returns has no exit, and the kernel may refuse to be asked for it. */
static const char *const endless[] = {"exit", "exit_group"};

/* ---- the kernel's functions ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct function *)a)->name, ((const struct function *)b)->name);
}

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* Is this a function as the programs need it: of one argument, the registers? */
static bool takes_registers(const struct btf *btf, const struct btf_type *function)
{
    const struct btf_type *t = btf__type_by_id(btf, function->type);

    if (btf_vlen(t) != 1)
        return false;
    t = btf__type_by_id(btf, btf_params(t)->type);
    for (int depth = 0; depth < 3 && t && (btf_is_ptr(t) || btf_is_mod(t)); depth++)
        t = btf__type_by_id(btf, t->type);
    return t && btf_is_struct(t) && strcmp(btf__name_by_offset(btf, t->name_off), "pt_regs") == 0;
}

static bool is_call(const struct btf *btf, const struct btf_type *t, const char *name)
{
    bool any = false;

    for (uint32_t i = 0; i < 2; i++)
        for (uint32_t k = 0; ways[i][k]; k++)
            any |= begins(name, ways[i][k]);
    return any && takes_registers(btf, t);
}

static int find_functions(struct fexit *f, struct gyr_error *err)
{
    uint32_t n = btf__type_cnt(f->btf);

    for (uint32_t id = 1; id < n && f->n_functions < FUNCTIONS_MAX; id++) {
        const struct btf_type *t = btf__type_by_id(f->btf, id);
        const char *name = btf_is_func(t) ? btf__name_by_offset(f->btf, t->name_off) : NULL;

        if (name && is_call(f->btf, t, name))
            f->functions[f->n_functions++] = (struct function){name, (int)id};
    }
    qsort(f->functions, f->n_functions, sizeof(*f->functions), by_name);
    if (f->n_functions == 0)
        return gyr_fail(err, -ENOENT, "the kernel has no functions of system calls by name");
    return 0;
}

/* @return its number in the BTF; 0: there is none. */
static int function_of(const struct fexit *f, const char *name)
{
    const struct function key = {.name = name};
    const struct function *found =
        bsearch(&key, f->functions, f->n_functions, sizeof(key), by_name);

    return found ? found->id : 0;
}

/* ---- hooks ---- */

static const char *name_of(const struct fexit *f, int function)
{
    return btf__name_by_offset(f->btf, btf__type_by_id(f->btf, (uint32_t)function)->name_off);
}

static int load(const struct fexit *f, uint8_t encoder, int btf_id, struct gyr_error *err)
{
    struct bpf_program *prog =
        bpf_object__find_program_by_name(f->probe->skel->obj, calls_program(encoder));
    LIBBPF_OPTS(bpf_prog_load_opts, o, .expected_attach_type = BPF_TRACE_FEXIT,
                .attach_btf_id = (uint32_t)btf_id);
    int fd;

    if (!prog)
        return gyr_fail(err, -ENOENT, "there is no program '%s'", calls_program(encoder));
    fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, bpf_program__name(prog), "Dual BSD/GPL",
                       bpf_program__insns(prog), bpf_program__insn_cnt(prog), &o);
    return fd >= 0 ? fd
                   : gyr_fail(err, -errno, "the kernel refuses '%s' for %s(): %s",
                              calls_program(encoder), name_of(f, btf_id), strerror(errno));
}

/* @return a link; a negative errno. */
static int hook_function(const struct fexit *f, uint8_t encoder, int btf_id, struct gyr_error *err)
{
    int prog = load(f, encoder, btf_id, err), link;

    if (prog < 0)
        return prog;
    link = bpf_raw_tracepoint_open(NULL, prog);
    if (link < 0)
        link = gyr_fail(err, -errno, "no trampoline can be attached to %s(): %s",
                        name_of(f, btf_id), strerror(errno));
    (void)close(prog);
    return link;
}

static void unhook(const struct hook *h)
{
    if (h->link >= 0)
        (void)close(h->link);
}

/* One hook made and taken away again: does this kernel allow it at all? */
static int try_one(const struct fexit *f, struct gyr_error *err)
{
    int id = function_of(f, any_call), link;

    link = hook_function(f, 1, id ? id : f->functions[0].id, err);
    if (link < 0)
        return link;
    (void)close(link);
    return 0;
}

int fexit_new(struct probe *p, struct fexit **ret, struct gyr_error *err)
{
    struct fexit *f = calloc(1, sizeof(*f));
    int r;

    if (!f)
        return gyr_fail(err, -ENOMEM, "no memory");
    f->probe = p;
    f->hooks = calloc(HOOKS_MAX, sizeof(*f->hooks));
    f->functions = calloc(FUNCTIONS_MAX, sizeof(*f->functions));
    f->btf = btf__load_vmlinux_btf();
    if (!f->hooks || !f->functions || !f->btf)
        r = gyr_fail(err, -ENOMEM, "the kernel's types cannot be read");
    else
        r = find_functions(f, err);
    if (r == 0)
        r = try_one(f, err);
    if (r < 0)
        fexit_free(f);
    else
        *ret = f;
    return r;
}

void fexit_free(struct fexit *f)
{
    if (!f)
        return;
    for (uint32_t i = 0; i < f->n; i++)
        unhook(&f->hooks[i]);
    free(f->hooks);
    free(f->functions);
    btf__free(f->btf);
    free(f);
}

/* An encoder on a function: the one that is there, or a new one. */
static int want_hook(struct fexit *f, int function, uint8_t encoder, struct gyr_error *err)
{
    int link;

    for (uint32_t i = 0; i < f->n; i++) {
        struct hook *h = &f->hooks[i];

        if (h->function == function && h->encoder == encoder) {
            h->keep = true;
            return 0;
        }
    }
    if (f->n == HOOKS_MAX)
        return gyr_fail(err, -E2BIG, "more than %d functions to attach to", HOOKS_MAX);
    link = hook_function(f, encoder, function, err);
    if (link == -EBUSY) /* compilers make one code of functions that do the same */
        gyr_logf(f->probe->host, GYR_LOG_WARNING,
                 "%s() is not watched: its code is another function's", name_of(f, function));
    else if (link < 0)
        return link;
    f->hooks[f->n++] = (struct hook){link, function, encoder, true};
    return 0;
}

/* Hooks on the functions that a name leads to in one table of calls. */
static int want_name(struct fexit *f, const char *call, int len, bool compat, uint8_t encoder,
                     struct gyr_error *err)
{
    char name[NAME_ROOM];

    for (uint32_t way = 0; ways[compat][way]; way++) {
        for (uint32_t i = 0; i < N_SHAPES; i++) {
            int id, r;

            (void)snprintf(name, sizeof(name), "%s%s%.*s%s", ways[compat][way], shapes[i].before,
                           len, call, shapes[i].after);
            id = function_of(f, name);
            r = id ? want_hook(f, id, encoder, err) : 0;
            if (r < 0)
                return r;
        }
    }
    return 0;
}

static int want_call(struct fexit *f, const char *call, bool compat, uint8_t encoder,
                     struct gyr_error *err)
{
    size_t len, ending;
    int r = 0;

    for (size_t i = 0; i < sizeof(endless) / sizeof(endless[0]); i++)
        if (strcmp(call, endless[i]) == 0)
            return 0;
    for (size_t i = 0; i < sizeof(renamed) / sizeof(renamed[0]); i++)
        if (strcmp(call, renamed[i].call) == 0)
            call = renamed[i].function;
    len = strlen(call);
    for (size_t i = 0; r == 0 && i < N_ENDINGS; i++) {
        ending = strlen(endings[i]);
        if (len > ending && strcmp(call + len - ending, endings[i]) == 0)
            r = want_name(f, call, (int)(len - ending), compat, encoder, err);
    }
    return r;
}

/* All calls of one table that @p conf traces. */
static int want_table(struct fexit *f, const struct probe_conf *conf, bool compat,
                      struct gyr_error *err)
{
    uint32_t n;
    const struct call_number *c = calls_native(compat, &n);
    int r = 0;

    for (uint32_t i = 0; r == 0 && i < n; i++) {
        uint8_t e =
            compat ? conf->calls32[c[i].nr % PROBE_NRS32] : conf->calls[c[i].nr % PROBE_NRS];

        if (e)
            r = want_call(f, calls_name(c[i].code), compat, e, err);
    }
    for (uint32_t i = 0; compat && r == 0 && i < PROBE_SOCKETCALLS; i++)
        if (conf->socketcalls[i])
            r = want_call(f, "socketcall", true, conf->socketcalls[i], err);
    return r;
}

static void drop_hooks(struct fexit *f, uint32_t from, bool all)
{
    uint32_t n = from;

    for (uint32_t i = from; i < f->n; i++) {
        if (!all && f->hooks[i].keep)
            f->hooks[n++] = f->hooks[i];
        else
            unhook(&f->hooks[i]);
    }
    f->n = n;
}

int fexit_want(struct fexit *f, const struct probe_conf *conf, struct gyr_error *err)
{
    uint32_t before = f->n;
    int r;

    for (uint32_t i = 0; i < f->n; i++)
        f->hooks[i].keep = false;
    r = want_table(f, conf, false, err);
    if (r == 0)
        r = want_table(f, conf, true, err);
    if (r < 0)
        drop_hooks(f, before, true);
    else
        drop_hooks(f, 0, false);
    return r;
}
