/* SPDX-License-Identifier: Apache-2.0 */
#include "fexit.h"

#include "probe.h"

#include "ebpf/probe.skel.h"
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <gyr/util.h>
#include <stdlib.h>
#include <unistd.h>

enum { FUNCTION_MAX = 96, HOOKS_MAX = 2048 };

/* One encoder on one function. */
struct hook {
    int link;
    uint8_t encoder;
    uint8_t compat;
    uint16_t nr;
    bool keep;
};

struct fexit {
    struct probe *probe;
    struct btf *btf;
    struct hook *hooks;
    uint32_t n;
};

#if defined(__x86_64__)
static const char *const native_ways[] = {"__x64_sys_", "__x64_compat_sys_", NULL};
static const char *const compat_ways[] = {"__ia32_compat_sys_", "__ia32_sys_", NULL};
static const char probed[] = "__x64_sys_getpid", any_call[] = "__x64_sys_getpgid";
#else
static const char *const native_ways[] = {"__arm64_sys_", NULL};
static const char *const compat_ways[] = {"__arm64_compat_sys_", NULL};
static const char probed[] = "__arm64_sys_getpid", any_call[] = "__arm64_sys_getpgid";
#endif

/* How the kernel calls the function of a call: as the call, or in one of these ways. Where several
 * exist (the 16-bit ids of old, times of 32 bits), all are ways into the same call. */
static const struct {
    const char *before, *after;
} shapes[] = {{"", ""},   {"new", ""}, {"", "64"},   {"", "32"},
              {"", "16"}, {"old", ""}, {"old_", ""}, {"", "_time32"}};
enum { N_SHAPES = sizeof(shapes) / sizeof(shapes[0]) };

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
                   : gyr_fail(err, -errno, "the kernel refuses '%s' as fexit: %s",
                              calls_program(encoder), strerror(errno));
}

/* @return a link; a negative errno. */
static int hook_function(const struct fexit *f, uint8_t encoder, int btf_id, struct gyr_error *err)
{
    int prog = load(f, encoder, btf_id, err), link;

    if (prog < 0)
        return prog;
    link = bpf_raw_tracepoint_open(NULL, prog);
    if (link < 0)
        link = gyr_fail(err, -errno, "no trampoline can be attached: %s", strerror(errno));
    (void)close(prog);
    return link;
}

int fexit_new(struct probe *p, struct fexit **ret, struct gyr_error *err)
{
    struct fexit *f = calloc(1, sizeof(*f));
    int id, link;

    if (!f)
        return gyr_fail(err, -ENOMEM, "no memory");
    f->probe = p;
    f->hooks = calloc(HOOKS_MAX, sizeof(*f->hooks));
    f->btf = btf__load_vmlinux_btf();
    if (!f->hooks || !f->btf) {
        fexit_free(f);
        return gyr_fail(err, -ENOMEM, "the kernel's types cannot be read");
    }
    id = btf__find_by_name_kind(f->btf, any_call, BTF_KIND_FUNC);
    if (id < 0)
        id = btf__find_by_name_kind(f->btf, probed, BTF_KIND_FUNC);
    link = id < 0 ? gyr_fail(err, -ENOENT, "the kernel has no functions of system calls by name")
                  : hook_function(f, 1, id, err);
    if (link < 0) {
        fexit_free(f);
        return link;
    }
    (void)close(link);
    *ret = f;
    return 0;
}

void fexit_free(struct fexit *f)
{
    if (!f)
        return;
    for (uint32_t i = 0; i < f->n; i++)
        (void)close(f->hooks[i].link);
    free(f->hooks);
    btf__free(f->btf);
    free(f);
}

/* A new hook on every function of the call that the kernel has. */
static int hook_call(struct fexit *f, const struct call_number *c, bool compat, uint8_t encoder,
                     struct gyr_error *err)
{
    const char *const *ways = compat ? compat_ways : native_ways;
    char name[FUNCTION_MAX];

    for (; *ways; ways++) {
        for (uint32_t i = 0; i < N_SHAPES; i++) {
            int id, link;

            (void)snprintf(name, sizeof(name), "%s%s%s%s", *ways, shapes[i].before,
                           calls_name(c->code), shapes[i].after);
            id = btf__find_by_name_kind(f->btf, name, BTF_KIND_FUNC);
            if (id < 0)
                continue;
            if (f->n == HOOKS_MAX)
                return gyr_fail(err, -E2BIG, "more than %d functions to attach to", HOOKS_MAX);
            link = hook_function(f, encoder, id, err);
            if (link < 0)
                return link;
            f->hooks[f->n++] =
                (struct hook){.link = link, .encoder = encoder, .compat = compat, .nr = c->nr};
        }
    }
    return 0;
}

static bool keep_hooks(struct fexit *f, uint16_t nr, bool compat, uint8_t encoder)
{
    bool any = false;

    for (uint32_t i = 0; i < f->n; i++) {
        struct hook *h = &f->hooks[i];

        if (h->nr == nr && h->compat == compat && h->encoder == encoder)
            any = h->keep = true;
    }
    return any;
}

static void drop_hooks(struct fexit *f, uint32_t from, bool all)
{
    uint32_t n = from;

    for (uint32_t i = from; i < f->n; i++) {
        if (!all && f->hooks[i].keep)
            f->hooks[n++] = f->hooks[i];
        else
            (void)close(f->hooks[i].link);
    }
    f->n = n;
}

int fexit_want(struct fexit *f, const struct probe_conf *conf, struct gyr_error *err)
{
    uint32_t before = f->n;

    for (uint32_t i = 0; i < f->n; i++)
        f->hooks[i].keep = false;
    for (int compat = 0; compat < 2; compat++) {
        uint32_t n;
        const struct call_number *c = calls_native(compat, &n);

        for (uint32_t i = 0; i < n; i++) {
            uint8_t e =
                compat ? conf->calls32[c[i].nr % PROBE_NRS32] : conf->calls[c[i].nr % PROBE_NRS];
            int r;

            if (!e || keep_hooks(f, c[i].nr, compat, e))
                continue;
            r = hook_call(f, &c[i], compat, e, err);
            if (r < 0) {
                drop_hooks(f, before, true);
                return r;
            }
        }
    }
    for (uint32_t i = before; i < f->n; i++)
        f->hooks[i].keep = true;
    drop_hooks(f, 0, false);
    return 0;
}
