/* SPDX-License-Identifier: Apache-2.0 */
#include "fexit.h"

#include "detach.h"
#include "encoders.h"
#include "functions.h"

#include "ebpf/probe.skel.h"
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <gyr/util.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { HOOKS_MAX = 2048, TABLES_MAX = 8, X32_FIRST = 512 };

/* The programs for functions of one prototype. */
struct table {
    const struct kernel_function *sample;
    struct bpf_insn *jump; /* the program that is attached */
    size_t n_jump;
    int array;
    struct encoder_set loaded, wanted;
};

struct hook {
    const struct kernel_function *function;
    int link; /* < 0: not attached yet */
    bool keep;
};

struct fexit {
    const struct probe *probe;
    struct btf *btf;
    struct functions *functions;
    struct detacher *detacher;
    struct hook *hooks;
    uint32_t n, n_tables;
    struct table tables[TABLES_MAX];
};

/* ---- programs ---- */

/* The probe's own jump, with the table of this prototype in the place of its own. */
static int copy_jump(const struct probe *p, struct table *t)
{
    const struct bpf_program *prog = p->skel->progs.jump;

    t->n_jump = bpf_program__insn_cnt(prog);
    t->jump = calloc(t->n_jump, sizeof(*t->jump));
    if (!t->jump)
        return -ENOMEM;
    memcpy(t->jump, bpf_program__insns(prog), t->n_jump * sizeof(*t->jump));
    for (size_t i = 0; i < t->n_jump; i++) {
        struct bpf_insn *in = &t->jump[i];

        if (in->code == (BPF_LD | BPF_IMM | BPF_DW) && in->src_reg == BPF_PSEUDO_MAP_FD &&
            in->imm == bpf_map__fd(p->skel->maps.encoders))
            in->imm = t->array;
    }
    return 0;
}

static int table_of(struct fexit *f, const struct kernel_function *k, struct table **ret,
                    struct gyr_error *err)
{
    struct table *t = f->tables;
    int r;

    while (t < f->tables + f->n_tables && t->sample->proto != k->proto)
        t++;
    *ret = t;
    if (t < f->tables + f->n_tables)
        return 0;
    if (f->n_tables == TABLES_MAX)
        return gyr_fail(err, -E2BIG, "functions of calls have more than %d prototypes", TABLES_MAX);
    *t = (struct table){.sample = k};
    t->array = bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, "gyr_fexit", sizeof(uint32_t),
                              sizeof(uint32_t), ENCODERS_MAX, NULL);
    if (t->array < 0)
        return gyr_fail(err, t->array, "no table of programs can be made: %s", strerror(-t->array));
    r = copy_jump(f->probe, t);
    if (r < 0) {
        (void)close(t->array);
        return gyr_fail(err, r, "no memory");
    }
    f->n_tables++;
    return 0;
}

/* @return a link; a negative errno. */
static int attach(const struct table *t, const struct kernel_function *k, struct gyr_error *err)
{
    LIBBPF_OPTS(bpf_prog_load_opts, o, .expected_attach_type = BPF_TRACE_FEXIT,
                .attach_btf_id = k->id);
    int link, prog = bpf_prog_load(BPF_PROG_TYPE_TRACING, "gyr_fexit", "Dual BSD/GPL", t->jump,
                                   t->n_jump, &o);

    if (prog < 0)
        return gyr_fail(err, -errno, "the kernel refuses a program as fexit of %s: %s", k->name,
                        strerror(errno));
    link = bpf_raw_tracepoint_open(NULL, prog);
    if (link < 0)
        link = gyr_fail(err, -errno, "no trampoline can be attached to %s: %s", k->name,
                        strerror(errno));
    (void)close(prog);
    return link;
}

/* ---- life ---- */

static int start(struct fexit *f, struct gyr_error *err)
{
    const struct kernel_function *any;
    struct table *t;
    int r;

    f->hooks = calloc(HOOKS_MAX, sizeof(*f->hooks));
    f->btf = btf__load_vmlinux_btf();
    if (!f->hooks || !f->btf)
        return gyr_fail(err, -ENOMEM, "the kernel's types cannot be read");
    r = functions_new(f->btf, "/proc/kallsyms", &f->functions, err);
    if (r == 0)
        r = detacher_new(&f->detacher, err);
    if (r < 0)
        return r;
    any = functions_any(f->functions);
    if (!any)
        return gyr_fail(err, -ENOENT, "the kernel has no functions of system calls by name");
    r = table_of(f, any, &t, err);
    if (r == 0)
        r = attach(t, any, err);
    if (r < 0)
        return r;
    detacher_add(f->detacher, any, r);
    return 0;
}

int fexit_new(const struct probe *p, struct fexit **ret, struct gyr_error *err)
{
    struct fexit *f = calloc(1, sizeof(*f));
    int r;

    if (!f)
        return gyr_fail(err, -ENOMEM, "no memory");
    f->probe = p;
    r = start(f, err);
    if (r < 0) {
        fexit_free(f);
        return r;
    }
    *ret = f;
    return 0;
}

static void drop_hooks(struct fexit *f, bool all)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < f->n; i++) {
        if (!all && f->hooks[i].keep)
            f->hooks[n++] = f->hooks[i];
        else if (f->hooks[i].link >= 0)
            detacher_add(f->detacher, f->hooks[i].function, f->hooks[i].link);
    }
    f->n = n;
}

void fexit_free(struct fexit *f)
{
    if (!f)
        return;
    for (uint32_t i = 0; i < f->n_tables; i++) {
        (void)close(f->tables[i].array); /* empties it: no hook does anything any more */
        free(f->tables[i].jump);
    }
    drop_hooks(f, true);
    detacher_free(f->detacher);
    functions_free(f->functions);
    free(f->hooks);
    btf__free(f->btf);
    free(f);
}

/* ---- what is wanted ---- */

static int want_function(struct fexit *f, const struct kernel_function *k,
                         const struct encoder_set *encoders, struct gyr_error *err)
{
    struct table *t;
    int r = table_of(f, k, &t, err);

    if (r < 0)
        return r;
    for (uint32_t e = 1; e < ENCODERS_MAX; e++)
        t->wanted.has[e] |= encoders->has[e];
    for (uint32_t i = 0; i < f->n; i++) {
        if (f->hooks[i].function == k) {
            f->hooks[i].keep = true;
            return 0;
        }
    }
    if (f->n == HOOKS_MAX)
        return gyr_fail(err, -E2BIG, "more than %d functions to attach to", HOOKS_MAX);
    f->hooks[f->n++] =
        (struct hook){.function = k, .link = detacher_take_back(f->detacher, k), .keep = true};
    return 0;
}

static int want_call(struct fexit *f, const char *call, enum way way,
                     const struct encoder_set *encoders, bool all, struct gyr_error *err)
{
    const struct kernel_function *k[FUNCTIONS_PER_CALL];
    char hidden[FUNCTION_NAME_MAX];
    uint32_t n = functions_of_call(f->functions, call, way, k, hidden);
    int r = 0;

    if (hidden[0] && all)
        return gyr_fail(err, -ENOENT,
                        "the kernel's types lack %s, a function of the system call '%s'", hidden,
                        call);
    if (hidden[0])
        gyr_logf(f->probe->host, GYR_LOG_WARNING,
                 "the kernel's types lack %s: calls of '%s' that go through it are not seen; "
                 "'attach: sys_exit' sees them",
                 hidden, call);
    for (uint32_t i = 0; r == 0 && i < n; i++)
        r = want_function(f, k[i], encoders, err);
    return r;
}

static int want_number(struct fexit *f, const struct call_number *c, bool compat, uint8_t encoder,
                       bool all, struct gyr_error *err)
{
    struct encoder_set one = {0};
    bool x32 = !compat && c->nr >= X32_FIRST;
    int r;

    one.has[encoder] = true;
    r = want_call(f, calls_name(c->code), compat ? WAY_COMPAT : WAY_NATIVE, &one, all, err);
    if (r == 0 && x32)
        r = want_call(f, calls_name(c->code), WAY_X32, &one, all, err);
    return r;
}

static bool x32_works(void)
{
#if defined(__x86_64__)
    return syscall(__X32_SYSCALL_BIT | SYS_getpid) > 0;
#else
    return false;
#endif
}

static int want_numbers(struct fexit *f, const struct probe_conf *conf, bool compat, bool all,
                        struct gyr_error *err)
{
    bool x32 = x32_works();
    uint32_t n;
    const struct call_number *c = calls_native(compat, &n);
    int r = 0;

    for (uint32_t i = 0; r == 0 && i < n; i++) {
        uint8_t e =
            compat ? conf->calls32[c[i].nr % PROBE_NRS32] : conf->calls[c[i].nr % PROBE_NRS];

        if (e && (compat || x32 || c[i].nr < X32_FIRST))
            r = want_number(f, &c[i], compat, e, all, err);
    }
    return r;
}

/* The one call of 32-bit x86 that stands for all of the socket's. */
static int want_socketcall(struct fexit *f, const struct probe_conf *conf, bool all,
                           struct gyr_error *err)
{
    struct encoder_set set = {0};
    bool any = false;

    for (uint32_t i = 0; i < PROBE_SOCKETCALLS; i++) {
        set.has[conf->socketcalls[i]] = true;
        any |= conf->socketcalls[i] != 0;
    }
    return any ? want_call(f, "socketcall", WAY_COMPAT, &set, all, err) : 0;
}

static int load_wanted(struct fexit *f, struct gyr_error *err)
{
    for (uint32_t i = 0; i < f->n_tables; i++) {
        struct table *t = &f->tables[i];
        struct encoder_set missing = {0};
        bool any = false;
        int r;

        for (uint32_t e = 1; e < ENCODERS_MAX; e++)
            any |= missing.has[e] = t->wanted.has[e] && !t->loaded.has[e];
        if (!any)
            continue;
        r = encoders_load(f->probe, &missing, t->sample->name, t->array, err);
        if (r < 0)
            return r;
        for (uint32_t e = 1; e < ENCODERS_MAX; e++)
            t->loaded.has[e] |= missing.has[e];
    }
    return 0;
}

static int attach_new(struct fexit *f, uint32_t from, bool all, struct gyr_error *err)
{
    for (uint32_t i = from; i < f->n; i++) {
        struct table *t;
        int r;

        if (f->hooks[i].link >= 0)
            continue;
        r = table_of(f, f->hooks[i].function, &t, err);
        if (r == 0)
            f->hooks[i].link = r = attach(t, f->hooks[i].function, err);
        if (r >= 0)
            continue;
        if (all)
            return r;
        gyr_logf(f->probe->host, GYR_LOG_WARNING, "%s: calls through it are not seen", err->msg);
        f->hooks[i].keep = false;
    }
    return 0;
}

static uint64_t now_ms(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

int fexit_want(struct fexit *f, const struct probe_conf *conf, bool all, struct gyr_error *err)
{
    uint64_t begin = now_ms(), loaded;
    uint32_t before = f->n;
    int r;

    for (uint32_t i = 0; i < f->n; i++)
        f->hooks[i].keep = false;
    for (uint32_t i = 0; i < f->n_tables; i++)
        f->tables[i].wanted = (struct encoder_set){0};
    r = want_numbers(f, conf, false, all, err);
    if (r == 0)
        r = want_numbers(f, conf, true, all, err);
    if (r == 0)
        r = want_socketcall(f, conf, all, err);
    if (r == 0)
        r = load_wanted(f, err);
    loaded = now_ms();
    if (r == 0)
        r = attach_new(f, before, all, err);
    if (r < 0) {
        for (uint32_t i = 0; i < f->n; i++)
            f->hooks[i].keep = i < before;
        drop_hooks(f, false);
        return r;
    }
    gyr_logf(f->probe->host, GYR_LOG_DEBUG,
             "programs loaded in %u ms, attached to %u more functions in %u ms",
             (unsigned)(loaded - begin), f->n - before, (unsigned)(now_ms() - loaded));
    drop_hooks(f, false);
    detacher_start(f->detacher);
    return 0;
}
