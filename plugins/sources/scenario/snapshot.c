/* SPDX-License-Identifier: Apache-2.0 */
/* The world as the records of a snapshot: what a live source tells of /proc when it starts. */
#include "addr.h"
#include "given.h"

#include <string.h>

enum { FDLIMIT = 1024, NO_LOGIN = -1, CHILD_IN_PIDNS = 0x20000000 };

static void start(struct sc_world *w, uint16_t type, uint32_t n)
{
    scap_view_start(&w->view, type, n, GYR_EVF_SNAPSHOT);
}

static void text(struct sc_world *w, uint32_t i, const char *s)
{
    scap_view_text(&w->view, i, (const uint8_t *)s, strlen(s));
}

static void num(struct sc_world *w, uint32_t i, uint64_t v, uint32_t width)
{
    scap_view_uint(&w->view, i, v, width);
}

static void bytes(struct sc_world *w, uint32_t i, struct sc_bytes b)
{
    if (b.len)
        scap_view_bytes(&w->view, i, b.p, b.len);
}

static int put_machine(struct sc_world *w)
{
    start(w, EV_SNAP_MACHINE, N_SNAP_MACHINE);
    num(w, P_SNAP_MACHINE__num_cpus, 2, 4);
    num(w, P_SNAP_MACHINE__memory, UINT64_C(4) << 30, 8);
    num(w, P_SNAP_MACHINE__max_pid, 4194304, 8);
    text(w, P_SNAP_MACHINE__hostname, "test");
    num(w, P_SNAP_MACHINE__boot_ts, SC_BOOT_NS, 8);
    num(w, P_SNAP_MACHINE__flags, 0, 8);
    return sc_put(w);
}

static int put_interface(struct sc_world *w, const char *name, const uint8_t ip[4],
                         const uint8_t mask[4])
{
    start(w, EV_SNAP_INTERFACE, N_SNAP_INTERFACE);
    text(w, P_SNAP_INTERFACE__name, name);
    scap_view_bytes(&w->view, P_SNAP_INTERFACE__addr, ip, 4);
    scap_view_bytes(&w->view, P_SNAP_INTERFACE__netmask, mask, 4);
    scap_view_bytes(&w->view, P_SNAP_INTERFACE__broadcast, ip, 4);
    num(w, P_SNAP_INTERFACE__speed, 0, 8);
    return sc_put(w);
}

/* The interfaces that sc_local_for() gives addresses of. */
static int put_interfaces(struct sc_world *w)
{
    static const uint8_t lo[4] = {127, 0, 0, 1}, lo_mask[4] = {255}, eth[4] = {10, 0, 0, 10},
                         eth_mask[4] = {255, 255, 255};
    int r = put_interface(w, "lo", lo, lo_mask);

    return r == 0 ? put_interface(w, "eth0", eth, eth_mask) : r;
}

static int put_users(struct sc_world *w)
{
    int r = 0;

    for (uint32_t i = 0; i < w->n_users && r == 0; i++) {
        const struct sc_user *u = &w->users[i];

        start(w, EV_SNAP_USER, N_SNAP_USER);
        num(w, P_SNAP_USER__uid, u->uid, 4);
        num(w, P_SNAP_USER__gid, u->gid, 4);
        text(w, P_SNAP_USER__name, u->name);
        text(w, P_SNAP_USER__home, u->home);
        text(w, P_SNAP_USER__shell, u->shell);
        r = sc_put(w);
        if (r < 0)
            break;
        start(w, EV_SNAP_GROUP, N_SNAP_GROUP);
        num(w, P_SNAP_GROUP__gid, u->gid, 4);
        text(w, P_SNAP_GROUP__name, u->name);
        r = sc_put(w);
    }
    return r;
}

static void put_numbers(struct sc_world *w, const struct sc_proc *p)
{
    num(w, P_SNAP_PROCESS__tid, (uint64_t)p->tid, 8);
    num(w, P_SNAP_PROCESS__pid, (uint64_t)p->pid, 8);
    num(w, P_SNAP_PROCESS__ptid, (uint64_t)p->ptid, 8);
    num(w, P_SNAP_PROCESS__sid, (uint64_t)p->sid, 8);
    num(w, P_SNAP_PROCESS__vpgid, (uint64_t)p->vpgid, 8);
    num(w, P_SNAP_PROCESS__pgid, (uint64_t)p->pgid, 8);
    num(w, P_SNAP_PROCESS__vtid, (uint64_t)p->vtid, 8);
    num(w, P_SNAP_PROCESS__vpid, (uint64_t)p->vpid, 8);
    num(w, P_SNAP_PROCESS__fdlimit, FDLIMIT, 8);
    num(w, P_SNAP_PROCESS__flags, p->vpid != p->pid ? CHILD_IN_PIDNS : 0, 4);
    num(w, P_SNAP_PROCESS__uid, p->uid, 4);
    num(w, P_SNAP_PROCESS__gid, p->gid, 4);
    num(w, P_SNAP_PROCESS__loginuid, p->loginuid == UINT32_MAX ? (uint64_t)NO_LOGIN : p->loginuid,
        8);
    num(w, P_SNAP_PROCESS__tty, p->tty, 4);
    num(w, P_SNAP_PROCESS__vmsize_kb, 8192, 4);
    num(w, P_SNAP_PROCESS__vmrss_kb, 4096, 4);
    num(w, P_SNAP_PROCESS__vmswap_kb, 0, 4);
    num(w, P_SNAP_PROCESS__pfmajor, 0, 8);
    num(w, P_SNAP_PROCESS__pfminor, 100, 8);
    num(w, P_SNAP_PROCESS__clone_ts, p->start_ns, 8);
    num(w, P_SNAP_PROCESS__pidns_init_start_ts, p->container ? p->container->start_ns : 0, 8);
    num(w, P_SNAP_PROCESS__exe_flags, p->exe_flags, 4);
    num(w, P_SNAP_PROCESS__cap_inheritable, p->cap_inheritable, 8);
    num(w, P_SNAP_PROCESS__cap_permitted, p->cap_permitted, 8);
    num(w, P_SNAP_PROCESS__cap_effective, p->cap_effective, 8);
    num(w, P_SNAP_PROCESS__exe_ino, p->exe_ino, 8);
    num(w, P_SNAP_PROCESS__exe_ino_ctime, p->exe_ctime, 8);
    num(w, P_SNAP_PROCESS__exe_ino_mtime, p->exe_ctime, 8);
}

static int put_process(struct sc_world *w, const struct sc_proc *p)
{
    const char *slash = p->cwd[0] && p->cwd[strlen(p->cwd) - 1] == '/' ? "" : "/";
    const char *cwd = sc_printf(w, "%s%s", p->cwd, slash);

    if (!cwd)
        return -1;
    start(w, EV_SNAP_PROCESS, N_SNAP_PROCESS);
    w->view.tid = p->tid;
    put_numbers(w, p);
    text(w, P_SNAP_PROCESS__comm, p->comm);
    text(w, P_SNAP_PROCESS__exe, p->exe);
    text(w, P_SNAP_PROCESS__exepath, p->exepath);
    bytes(w, P_SNAP_PROCESS__args, p->args);
    bytes(w, P_SNAP_PROCESS__env, p->env);
    bytes(w, P_SNAP_PROCESS__cgroups, p->cgroups);
    text(w, P_SNAP_PROCESS__cwd, cwd);
    text(w, P_SNAP_PROCESS__root, p->root);
    return sc_put(w);
}

static int put_fd(struct sc_world *w, const struct sc_proc *p, const struct sc_fd *fd)
{
    start(w, EV_SNAP_FD, N_SNAP_FD);
    w->view.tid = p->tid;
    num(w, P_SNAP_FD__tid, (uint64_t)p->tid, 8);
    num(w, P_SNAP_FD__fd, (uint64_t)fd->num, 8);
    num(w, P_SNAP_FD__type, fd->type, 1);
    num(w, P_SNAP_FD__ino, sc_hash(fd->name ? fd->name : "socket") & 0xffffff, 8);
    if (fd->name)
        text(w, P_SNAP_FD__name, fd->name);
    num(w, P_SNAP_FD__flags, fd->flags, 4);
    num(w, P_SNAP_FD__dev, 0, 4);
    num(w, P_SNAP_FD__mount_id, 0, 4);
    if (fd->local.family)
        bytes(w, P_SNAP_FD__tuple, sc_tuple(w, &fd->local, &fd->remote));
    num(w, P_SNAP_FD__l4proto, fd->l4, 1);
    return sc_put(w);
}

static int put_processes(struct sc_world *w)
{
    int r = 0;

    for (uint32_t i = 0; i < w->n_procs && r == 0; i++) {
        const struct sc_proc *p = w->procs[i];

        if (p->ended)
            continue;
        r = put_process(w, p);
        for (uint32_t k = 0; k < p->n_fds && r == 0; k++)
            r = put_fd(w, p, &p->fds[k]);
    }
    return r;
}

int sc_snapshot(struct sc_world *w)
{
    int r;

    start(w, GYR_EV_SNAPSHOT_BEGIN, 0);
    r = sc_put(w);
    if (r == 0)
        r = put_machine(w);
    if (r == 0)
        r = put_interfaces(w);
    if (r == 0)
        r = put_users(w);
    for (uint32_t i = 0; i < w->n_containers && r == 0; i++)
        r = sc_container_put(w, w->containers[i], NULL, GYR_EVF_SNAPSHOT);
    if (r == 0)
        r = put_processes(w);
    if (r < 0)
        return r;
    start(w, GYR_EV_SNAPSHOT_END, 0);
    return sc_put(w);
}
