/* SPDX-License-Identifier: Apache-2.0 */
#include "probe.h"

#include "encoders.h"
#include "fexit.h"
#include "proc/proc.h"

#include "ebpf/probe.skel.h"
#include <bpf/bpf.h>
#include <errno.h>
#include <gyr/util.h>
#include <stdlib.h>
#include <unistd.h>

_Static_assert(sizeof(struct probe_event) == sizeof(struct gyr_event), "one layout of records");
_Static_assert(offsetof(struct probe_event, tid) == offsetof(struct gyr_event, tid) &&
                   offsetof(struct probe_event, subtype) == offsetof(struct gyr_event, subtype) &&
                   offsetof(struct probe_event, cpu) == offsetof(struct gyr_event, cpu),
               "one layout of records");
_Static_assert((int)PROBE_EVF_CUT == (int)GYR_EVF_CUT, "one set of flags");

#define SMALLER "'ring_size' and 'cpus_per_ring' make them smaller and fewer"

/* libbpf tells everything to one function of the process; plugins are started one at a time. */
static const struct gyr_host *told_to;

/* Of many lines, a verifier's say, the last ones have the reason. */
static int tell(enum libbpf_print_level level, const char *fmt, va_list ap)
{
    enum { LINES_MAX = 12 }; /* the host takes a burst of 20 */
    char *text = NULL, *line, *rest;
    int lines = 0;

    if (!told_to || level == LIBBPF_DEBUG || vasprintf(&text, fmt, ap) < 0)
        return 0;
    for (rest = text; *rest; rest++)
        lines += *rest == '\n';
    for (rest = text; (line = strsep(&rest, "\n"));)
        if (lines-- <= LINES_MAX && *line)
            gyr_logf(told_to, GYR_LOG_DEBUG, "%s", line);
    free(text);
    return 0;
}

void probe_tell_to(const struct gyr_host *host)
{
    told_to = host;
    (void)libbpf_set_print(tell);
}

/* Rings stand in arrays whose pattern is a ring too; before 5.10 of the same size. It is of use
 * until the array is made, and the caller's to close. @return its descriptor. */
static int set_pattern(struct bpf_map *outer, size_t size, uint32_t pairs)
{
    int fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "gyr_pattern", 0, 0, (uint32_t)size, NULL);
    int r = fd;

    if (fd >= 0)
        r = bpf_map__set_inner_map_fd(outer, fd);
    if (r >= 0)
        r = bpf_map__set_max_entries(outer, pairs);
    if (r >= 0)
        return fd;
    if (fd >= 0)
        (void)close(fd);
    return r;
}

/* The look-up and the hooks of processes are loaded first; encoders when it is known for what. */
static int leave_encoders(struct probe *p)
{
    int r = 0;

    for (uint32_t i = 1; r == 0 && i <= calls_encoders(); i++) {
        struct bpf_program *prog = bpf_object__find_program_by_name(p->skel->obj, calls_program(i));

        r = prog ? bpf_program__set_autoload(prog, false) : -ENOENT;
    }
    return r;
}

static int load_programs(struct probe *p, struct gyr_error *err)
{
    int r = leave_encoders(p);

    if (r == 0)
        r = probe_bpf__load(p->skel);
    if (r == 0)
        return 0;
    return gyr_fail(err, r, "the kernel refuses the programs: %s%s", strerror(-r),
                    r == -EPERM ? " (a capability, or before 5.11 the limit of locked memory)"
                                : "; log_level: debug has its reasons");
}

static int size_and_load(struct probe *p, const struct probe_options *o, uint32_t pairs,
                         struct gyr_error *err)
{
    int other = set_pattern(p->skel->maps.rings_other, rings_bytes(o->ring_bytes), pairs);
    int state = set_pattern(p->skel->maps.rings_state, rings_bytes(o->state_ring_bytes), pairs);
    int r = other < 0 ? other : state < 0 ? state : 0;

    if (r == 0)
        r = bpf_map__set_max_entries(p->skel->maps.scratch, 2 * p->n_cpus);
    r = r < 0 ? gyr_fail(err, r, "the rings cannot be made: %s; " SMALLER, strerror(-r))
              : load_programs(p, err);
    if (other >= 0)
        (void)close(other);
    if (state >= 0)
        (void)close(state);
    return r;
}

static int add_ring(struct probe *p, struct bpf_map *outer, uint32_t place, size_t size,
                    struct gyr_error *err)
{
    int fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "gyr_ring", 0, 0, (uint32_t)size, NULL);

    if (fd < 0)
        return gyr_fail(err, fd, "cannot make a ring of %zu bytes: %s; " SMALLER, size,
                        strerror(-fd));
    p->rings[p->n_rings++] = (struct ring_place){.fd = fd, .size = size};
    if (bpf_map_update_elem(bpf_map__fd(outer), &place, &fd, BPF_ANY) < 0)
        return gyr_fail(err, -errno, "cannot put a ring in its place: %s", strerror(errno));
    return 0;
}

static int make_rings(struct probe *p, const struct probe_options *o, uint32_t pairs,
                      uint32_t cpus_per_ring, struct gyr_error *err)
{
    p->rings = calloc(2 * (size_t)pairs, sizeof(*p->rings));
    if (!p->rings)
        return gyr_fail(err, -ENOMEM, "no memory");
    for (uint32_t i = 0; i < pairs; i++) {
        int r = add_ring(p, p->skel->maps.rings_state, i, rings_bytes(o->state_ring_bytes), err);

        if (r == 0)
            r = add_ring(p, p->skel->maps.rings_other, i, rings_bytes(o->ring_bytes), err);
        if (r < 0)
            return r;
    }
    rings_assign(pairs, cpus_per_ring, p->conf->ring);
    return 0;
}

/* All encoders, for the exit of every call. */
static int load_encoders(const struct probe *p, struct gyr_error *err)
{
    struct encoder_set all = {0};

    for (uint32_t i = 1; i <= calls_encoders(); i++)
        all.has[i] = true;
    return encoders_load(p, &all, NULL, bpf_map__fd(p->skel->maps.encoders), err);
}

static int attach(struct probe *p, uint32_t i, struct bpf_program *prog, struct gyr_error *err)
{
    p->links[i] = bpf_program__attach_trace(prog);
    if (!p->links[i])
        return gyr_fail(err, -errno, "cannot attach the program '%s': %s", bpf_program__name(prog),
                        strerror(errno));
    return 0;
}

static int attach_every_exit(struct probe *p, struct gyr_error *err)
{
    int r = load_encoders(p, err);

    return r < 0 ? r : attach(p, 0, p->skel->progs.sys_exit, err);
}

static int attach_all(struct probe *p, const struct probe_options *o, struct gyr_error *err)
{
    struct gyr_error why = {0};
    int r = 0;

    if (o->attach != ATTACH_SYS_EXIT) {
        r = probe_check_preemption(&why);
        if (r == -ENODATA && o->attach == ATTACH_FEXIT) {
            gyr_logf(p->host, GYR_LOG_WARNING, "%s: events might be lost", why.msg);
            r = 0;
        }
        if (r == 0)
            r = fexit_new(p, &p->fexit, &why);
        if (r < 0 && o->attach == ATTACH_FEXIT)
            return gyr_fail(err, r, "'attach' is fexit, but %.400s", why.msg);
    }
    if (p->fexit)
        gyr_logf(p->host, GYR_LOG_INFO,
                 "attached by fexit to the wanted system calls alone: the others cost nothing");
    else
        gyr_logf(p->host, GYR_LOG_INFO, "attached to the exit of every system call%s%s",
                 why.msg[0] ? ", because " : ", as configured", why.msg);
    r = p->fexit ? 0 : attach_every_exit(p, err);
    if (r == 0)
        r = attach(p, 1, p->skel->progs.on_exec, err);
    if (r == 0)
        r = attach(p, 2, p->skel->progs.on_fork, err);
    if (r == 0)
        r = attach(p, 3, p->skel->progs.on_exit, err);
    return r;
}

/* Whose calls are not told. Before 5.10 no program can be run to find out. */
static void find_self(struct probe *p)
{
    LIBBPF_OPTS(bpf_test_run_opts, opts);

    if (bpf_prog_test_run_opts(bpf_program__fd(p->skel->progs.who), &opts) < 0)
        p->conf->self_tgid = (uint32_t)getpid();
}

static int open_and_load(struct probe *p, const struct probe_options *o, struct gyr_error *err)
{
    uint32_t per = o->cpus_per_ring, pairs = rings_pairs(p->n_cpus, &per);
    /* named, so that what is not there is not looked for in modules, which wants CAP_SYS_ADMIN */
    LIBBPF_OPTS(bpf_object_open_opts, opts, .btf_custom_path = "/sys/kernel/btf/vmlinux");
    int r;

    p->skel = probe_bpf__open_opts(&opts);
    if (!p->skel)
        return gyr_fail(err, -errno, "the programs cannot be read: %s", strerror(errno));
    r = size_and_load(p, o, pairs, err);
    if (r < 0)
        return r;
    p->conf = &p->skel->bss->conf;
    p->counts = calloc(p->n_cpus, sizeof(*p->counts));
    if (!p->counts)
        return gyr_fail(err, -ENOMEM, "no memory");
    p->boot_ns = proc_boot_ns();
    p->conf->epoch_ns = p->boot_ns;
    find_self(p);
    p->conf->snaplen = o->snaplen;
    r = make_rings(p, o, pairs, per, err);
    if (r == 0)
        r = attach_all(p, o, err);
    return r;
}

int probe_load(struct probe *p, const struct gyr_host *host, const struct probe_options *o,
               struct gyr_error *err)
{
    int n = libbpf_num_possible_cpus();
    int r = probe_check(err);

    *p = (struct probe){.host = host, .attach = o->attach};
    if (r < 0)
        return r;
    p->n_cpus = n < 1 ? 1 : n > PROBE_CPUS ? PROBE_CPUS : (uint32_t)n;
    probe_tell_to(host);
    r = open_and_load(p, o, err);
    probe_tell_to(NULL);
    if (r < 0)
        probe_unload(p);
    return r;
}

void probe_unload(struct probe *p)
{
    fexit_free(p->fexit);
    for (size_t i = 0; i < sizeof(p->links) / sizeof(p->links[0]); i++)
        (void)bpf_link__destroy(p->links[i]);
    for (uint32_t i = 0; i < p->n_rings; i++)
        (void)close(p->rings[i].fd);
    free(p->rings);
    free(p->counts);
    probe_bpf__destroy(p->skel);
    *p = (struct probe){0};
}

/* What a program was not run for, because on that CPU it ran for another thread, which was
 * interrupted. */
static uint64_t missed(const struct bpf_program *prog)
{
    struct bpf_prog_info info = {0};
    __u32 len = sizeof(info);

    return bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &len) < 0 ? 0
                                                                          : info.recursion_misses;
}

void probe_count(struct probe *p)
{
    const struct probe_count *from = p->skel->bss->counts;

    for (uint32_t cpu = 0; cpu < p->n_cpus; cpu++)
        for (uint32_t class = 0; class < PROBE_CLASSES; class ++)
            p->counts[cpu].lost[class] = __atomic_load_n(&from[cpu].lost[class], __ATOMIC_RELAXED);
    /* of whichever call, on whichever CPU: state is read anew, to be sure */
    p->counts[0].lost[PROBE_STATE] += missed(p->skel->progs.sys_exit);
}

/* Attached to the exit of every call instead: what fexit had on stays until that is done. */
static int leave_fexit(struct probe *p, const struct gyr_error *why, struct gyr_error *err)
{
    int r;

    gyr_logf(p->host, GYR_LOG_WARNING, "attached to the exit of every system call, because %s",
             why->msg);
    r = attach_every_exit(p, err);
    if (r < 0)
        return r;
    fexit_free(p->fexit);
    p->fexit = NULL;
    return 0;
}

enum { LINK_SIGNAL = 4 };

static int want_signals(struct probe *p, bool wanted, struct gyr_error *err)
{
    if (wanted)
        return p->links[LINK_SIGNAL] ? 0 : attach(p, LINK_SIGNAL, p->skel->progs.on_signal, err);
    (void)bpf_link__destroy(p->links[LINK_SIGNAL]);
    p->links[LINK_SIGNAL] = NULL;
    return 0;
}

int probe_want(struct probe *p, const struct gyr_want *w, struct gyr_error *err)
{
    struct probe_conf *next = calloc(1, sizeof(*next));
    struct gyr_error why;
    uint32_t n;
    int r = 0;

    if (!next)
        return gyr_fail(err, -ENOMEM, "no memory");
    n = calls_want(next, w);
    r = want_signals(p, next->hooks & PROBE_HOOK_SIGNAL, err);
    if (r == 0 && p->fexit && p->attach == ATTACH_FEXIT)
        r = fexit_want(p->fexit, next, false, err);
    else if (r == 0 && p->fexit && fexit_want(p->fexit, next, true, &why) < 0)
        r = leave_fexit(p, &why, err);
    if (r == 0) {
        (void)calls_want(p->conf, w);
        gyr_logf(p->host, GYR_LOG_INFO, "%u system calls are traced", n);
    }
    free(next);
    return r;
}
