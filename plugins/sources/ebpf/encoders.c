/* SPDX-License-Identifier: Apache-2.0 */
#include "encoders.h"

#include "ebpf/probe.skel.h"
#include <bpf/bpf.h>
#include <errno.h>
#include <gyr/util.h>

static int share_maps(const struct probe *p, struct probe_bpf *more, int array)
{
    struct bpf_map *map;
    int r = 0;

    bpf_object__for_each_map(map, more->obj)
    {
        const struct bpf_map *ours = bpf_object__find_map_by_name(p->skel->obj, bpf_map__name(map));

        if (map == more->maps.encoders)
            r = bpf_map__reuse_fd(map, array);
        else
            r = ours ? bpf_map__reuse_fd(map, bpf_map__fd(ours)) : -ENOENT;
        if (r < 0)
            return r;
    }
    return 0;
}

static int choose(struct probe_bpf *more, const struct encoder_set *set, const char *function)
{
    struct bpf_program *prog;
    int r = 0;

    bpf_object__for_each_program(prog, more->obj) r = r ?: bpf_program__set_autoload(prog, false);
    for (uint32_t i = 1; r == 0 && i <= calls_encoders(); i++) {
        if (!set->has[i])
            continue;
        prog = bpf_object__find_program_by_name(more->obj, calls_program(i));
        r = prog ? bpf_program__set_autoload(prog, true) : -ENOENT;
        if (r == 0 && function)
            r = bpf_program__set_expected_attach_type(prog, BPF_TRACE_FEXIT);
        if (r == 0 && function)
            r = bpf_program__set_attach_target(prog, 0, function);
    }
    return r;
}

/* What the kernel lacks libbpf looks for in its modules, and fails where the list of them is for
 * the mightiest. It does so once for each object: let it be now, where that does no harm. */
static void look_at_no_modules(struct probe_bpf *more)
{
    uint32_t id;

    if (bpf_btf_get_next_id(0, &id) < 0 && errno == EPERM)
        (void)bpf_program__set_attach_target(more->progs.on_exit, 0, "no function of the kernel's");
}

static int put(struct probe_bpf *more, const struct encoder_set *set, int array)
{
    for (uint32_t i = 1; i <= calls_encoders(); i++) {
        int fd =
            set->has[i]
                ? bpf_program__fd(bpf_object__find_program_by_name(more->obj, calls_program(i)))
                : 0;

        if (set->has[i] && (fd < 0 || bpf_map_update_elem(array, &i, &fd, BPF_ANY) < 0))
            return fd < 0 ? fd : -errno;
    }
    return 0;
}

int encoders_load(const struct probe *p, const struct encoder_set *set, const char *function,
                  int array, struct gyr_error *err)
{
    struct probe_bpf *more = probe_bpf__open();
    int r;

    if (!more)
        return gyr_fail(err, -errno, "the programs cannot be read: %s", strerror(errno));
    look_at_no_modules(more);
    r = share_maps(p, more, array);
    if (r == 0)
        r = choose(more, set, function);
    if (r == 0)
        r = bpf_object__load(more->obj);
    if (r == 0)
        r = put(more, set, array);
    probe_bpf__destroy(more);
    return r < 0 ? gyr_fail(err, r, "the kernel refuses the programs%s%s: %s",
                            function ? " as fexit of " : "", function ? function : "", strerror(-r))
                 : 0;
}
