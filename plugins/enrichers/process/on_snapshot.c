/* SPDX-License-Identifier: Apache-2.0 */
/* State as it was: what the events of a snapshot tell. */
#include "state.h"

#include <string.h>

enum { SERVER_PORTS = 256 };

/* The start of a thread as its clone told it and as a snapshot does: /proc counts by 10 ms. */
#define SAME_START_NS UINT64_C(100000000)

void pr_on_snapshot_begin(struct pr_state *s)
{
    if (s->sweep_ts)
        pr_snapshot_sweep(s);
    s->threads.snapshot++;
    s->in_snapshot = true;
    s->n_server_ports = 0;
    s->addrs.n = 0;
}

void pr_on_machine(struct pr_state *s, const struct gyr_event *ev)
{
    s->boot_ts = pr_param_num(ev, P_SNAP_MACHINE__boot_ts, 0);
}

static void take_numbers(struct pr_thread *th, const struct gyr_event *ev)
{
    th->sid = pr_param_int(ev, P_SNAP_PROCESS__sid, -1);
    th->vpgid = pr_param_int(ev, P_SNAP_PROCESS__vpgid, -1);
    th->pgid = pr_param_int(ev, P_SNAP_PROCESS__pgid, -1);
    th->vtid = pr_param_int(ev, P_SNAP_PROCESS__vtid, -1);
    th->vpid = pr_param_int(ev, P_SNAP_PROCESS__vpid, -1);
    th->fdlimit = pr_param_int(ev, P_SNAP_PROCESS__fdlimit, -1);
    th->flags = (uint32_t)pr_param_num(ev, P_SNAP_PROCESS__flags, 0);
    th->uid = (uint32_t)pr_param_num(ev, P_SNAP_PROCESS__uid, UINT32_MAX);
    th->gid = (uint32_t)pr_param_num(ev, P_SNAP_PROCESS__gid, UINT32_MAX);
    th->loginuid = (uint32_t)pr_param_num(ev, P_SNAP_PROCESS__loginuid, UINT32_MAX);
    th->tty = (uint32_t)pr_param_num(ev, P_SNAP_PROCESS__tty, 0);
    th->vmsize = (uint32_t)pr_param_num(ev, P_SNAP_PROCESS__vmsize_kb, 0);
    th->vmrss = (uint32_t)pr_param_num(ev, P_SNAP_PROCESS__vmrss_kb, 0);
    th->vmswap = (uint32_t)pr_param_num(ev, P_SNAP_PROCESS__vmswap_kb, 0);
    th->pfmajor = pr_param_num(ev, P_SNAP_PROCESS__pfmajor, 0);
    th->pfminor = pr_param_num(ev, P_SNAP_PROCESS__pfminor, 0);
    th->clone_ts = pr_param_num(ev, P_SNAP_PROCESS__clone_ts, 0);
    th->pidns_start = pr_param_num(ev, P_SNAP_PROCESS__pidns_init_start_ts, 0);
    th->cap_inheritable = pr_param_num(ev, P_SNAP_PROCESS__cap_inheritable, 0);
    th->cap_permitted = pr_param_num(ev, P_SNAP_PROCESS__cap_permitted, 0);
    th->cap_effective = pr_param_num(ev, P_SNAP_PROCESS__cap_effective, 0);
    th->exe_ino = pr_param_num(ev, P_SNAP_PROCESS__exe_ino, 0);
    th->exe_ctime = pr_param_num(ev, P_SNAP_PROCESS__exe_ino_ctime, 0);
    th->exe_mtime = pr_param_num(ev, P_SNAP_PROCESS__exe_ino_mtime, 0);
}

static void take_texts(struct pr_state *s, struct pr_thread *th, const struct gyr_event *ev)
{
    pr_set(s, &th->comm, pr_param_text_of(ev, P_SNAP_PROCESS__comm));
    pr_set(s, &th->exe, pr_param_text_of(ev, P_SNAP_PROCESS__exe));
    pr_set_exepath(s, th, pr_param_text_of(ev, P_SNAP_PROCESS__exepath));
    pr_set(s, &th->root, pr_param_text_of(ev, P_SNAP_PROCESS__root));
    pr_set(s, &th->args, pr_param_strs(ev, P_SNAP_PROCESS__args));
    if (pr_param_is(ev, P_SNAP_PROCESS__cgroups)) /* else they cannot be told whole */
        pr_set_cgroups(s, th, pr_param_strs(ev, P_SNAP_PROCESS__cgroups));
    if (!pr_thread_is_main(th))
        return;
    pr_set(s, &th->env, pr_param_strs(ev, P_SNAP_PROCESS__env));
    pr_set_cwd(s, th, pr_param_text_of(ev, P_SNAP_PROCESS__cwd));
}

static bool is_known(const struct pr_thread *th, int64_t pid, uint64_t clone_ts)
{
    if (!th || th->marks & PR_DEAD)
        return false;
    if (pr_thread_is_invalid(th)) /* nothing but its number, until now */
        return true;
    return th->pid == pid && (th->clone_ts > clone_ts ? th->clone_ts - clone_ts
                                                      : clone_ts - th->clone_ts) < SAME_START_NS;
}

/* It is told without its parent, which may be as unknown as it was. */
static void relate_alone(struct pr_state *s, struct pr_thread *th)
{
    int64_t ptid = th->ptid;

    if (s->host->is_live && ptid > 0 && !pr_thread_find(&s->threads, ptid))
        (void)s->host->snapshot_thread(s->host->ctx, ptid);
    pr_thread_relate(&s->threads, th);
    if (th->ptid == 0)
        th->ptid = ptid;
}

/* Told again of a thread we know, its descriptors are told anew after it. */
void pr_on_process(struct pr_state *s, const struct gyr_event *ev)
{
    int64_t tid = pr_param_int(ev, P_SNAP_PROCESS__tid, -1);
    int64_t pid = pr_param_int(ev, P_SNAP_PROCESS__pid, -1);
    struct pr_thread *th = pr_thread_find(&s->threads, tid);

    if (tid < 0 || pid < 0)
        return;
    if (!is_known(th, pid, pr_param_num(ev, P_SNAP_PROCESS__clone_ts, 0)))
        th = pr_thread_add(&s->threads, tid, NULL);
    if (!th)
        return;
    if (pr_thread_is_invalid(th)) {
        th->pid = pid;
        th->ptid = pr_param_int(ev, P_SNAP_PROCESS__ptid, -1);
    }
    pr_fds_free(&s->store, &th->fds);
    th->seen = s->threads.snapshot;
    th->told = ev->ts_ns;
    take_numbers(th, ev);
    th->marks &= ~(uint32_t)(PR_EXE_WRITABLE | PR_EXE_UPPER | PR_EXE_LOWER | PR_EXE_MEMFD);
    th->marks |= pr_exe_marks((uint32_t)pr_param_num(ev, P_SNAP_PROCESS__exe_flags, 0));
    take_texts(s, th, ev);
    if (!s->in_snapshot)
        relate_alone(s, th);
}

/* ---- descriptors ---- */

static void note_server_port(struct pr_state *s, uint16_t port)
{
    for (uint32_t i = 0; i < s->n_server_ports; i++)
        if (s->server_ports[i] == port)
            return;
    if (s->n_server_ports < SERVER_PORTS)
        s->server_ports[s->n_server_ports++] = port;
}

/* A listening socket has only one side, which is the server's. */
static void take_inet(struct pr_state *s, struct pr_fd *fd, const uint8_t *p, uint32_t len)
{
    bool is6 = len && p[0] == PR_FAMILY_INET6;
    uint32_t n = is6 ? 16 : 4;

    if (len < 1 + 2 * (n + 2) || (p[0] != PR_FAMILY_INET && !is6))
        return;
    if (fd->type == FD_IPV4_SERVER || fd->type == FD_IPV6_SERVER) {
        memcpy(fd->dip, p + 1, n);
        memcpy(&fd->dport, p + 1 + n, 2);
        note_server_port(s, fd->dport);
        return;
    }
    if (is6 && pr_ip6_is_mapped(p + 1) && pr_ip6_is_mapped(p + 19)) {
        fd->type = FD_IPV4;
        memcpy(fd->sip, p + 13, 4);
        memcpy(fd->dip, p + 31, 4);
    } else {
        memcpy(fd->sip, p + 1, n);
        memcpy(fd->dip, p + 3 + n, n);
    }
    memcpy(&fd->sport, p + 1 + n, 2);
    memcpy(&fd->dport, p + 3 + 2 * n, 2);
    if (fd->l4 == PR_L4_TCP)
        fd->flags |= PR_FD_CONNECTED;
    if (fd->type == FD_IPV4)
        pr_addrs_complete(&s->addrs, fd);
}

static void take_tuple(struct pr_state *s, struct pr_fd *fd, const struct gyr_event *ev)
{
    char out[PR_TUPLE_TEXT];
    uint32_t len = 0;
    const uint8_t *p = NULL;

    fd->l4 = (uint8_t)pr_param_num(ev, P_SNAP_FD__l4proto, 0);
    if (P_SNAP_FD__tuple < ev->nparams)
        p = gyr_param(ev, P_SNAP_FD__tuple, &len);
    if (fd->type == FD_UNIX) {
        if (len >= 17) {
            memcpy(fd->sip, p + 1, 8);
            memcpy(fd->dip, p + 9, 8);
        }
        fd->flags |= fd->name ? PR_FD_SERVER : PR_FD_CLIENT;
        return;
    }
    if (len == 0) /* neither bound nor connected */
        return;
    take_inet(s, fd, p, len);
    pr_str_set(&s->store, &fd->name, out, pr_fd_addr_text(out, fd));
}

/* Which side of a connection is the server's shows in the listening ports. A socket that is not
 * connected yet has no side. */
static void set_role(struct pr_state *s, struct pr_fd *fd)
{
    char out[PR_TUPLE_TEXT];
    bool server = false;

    if (fd->type != FD_IPV4 || !fd->name || fd->flags & (PR_FD_CLIENT | PR_FD_SERVER))
        return;
    for (uint32_t k = 0; k < s->n_server_ports && !server; k++)
        server = s->server_ports[k] == fd->sport;
    fd->flags |= server ? PR_FD_SERVER : PR_FD_CLIENT;
    if (!server)
        return;
    pr_fd_swap(fd);
    pr_str_set(&s->store, &fd->name, out, pr_fd_addr_text(out, fd));
}

void pr_on_fd(struct pr_state *s, const struct gyr_event *ev)
{
    int64_t num = pr_param_int(ev, P_SNAP_FD__fd, -1);
    struct pr_thread *th = pr_thread_find(&s->threads, pr_param_int(ev, P_SNAP_FD__tid, -1));
    struct pr_fds **t = th ? pr_thread_fds(th) : NULL;
    struct pr_fd *fd = t ? pr_fds_add(&s->store, t, num) : NULL;

    if (!fd)
        return;
    fd->type = (uint8_t)pr_param_num(ev, P_SNAP_FD__type, FD_UNKNOWN);
    fd->ino = pr_param_num(ev, P_SNAP_FD__ino, 0);
    pr_set(s, &fd->name, pr_param_text_of(ev, P_SNAP_FD__name));
    fd->openflags = (uint32_t)pr_param_num(ev, P_SNAP_FD__flags, 0);
    fd->dev = (uint32_t)pr_param_num(ev, P_SNAP_FD__dev, 0);
    if (fd->type >= FD_IPV4 && fd->type <= FD_IPV6_SERVER)
        take_tuple(s, fd, ev);
    else if (fd->type == FD_UNIX)
        take_tuple(s, fd, ev);
    if (!s->in_snapshot) /* else all ports are known only at its end */
        set_role(s, fd);
}

/* ---- users and addresses ---- */

void pr_on_account(struct pr_state *s, const struct gyr_event *ev)
{
    struct pr_text none = {"", 0}, info[3] = {none, none, none};
    bool user = ev->type == EV_SNAP_USER;

    if (user) {
        for (uint32_t i = 0; i < 3; i++)
            info[i] = pr_param_text_of(ev, P_SNAP_USER__name + i);
        pr_account_put(&s->accounts, true, none,
                       (uint32_t)pr_param_num(ev, P_SNAP_USER__uid, UINT32_MAX), info);
    } else {
        info[0] = pr_param_text_of(ev, P_SNAP_GROUP__name);
        pr_account_put(&s->accounts, false, none,
                       (uint32_t)pr_param_num(ev, P_SNAP_GROUP__gid, UINT32_MAX), info);
    }
}

/* The same told by a recorder in the stream, and of containers too. */
void pr_on_account_note(struct pr_state *s, const struct gyr_event *ev)
{
    struct pr_text none = {"", 0}, info[3] = {none, none, none}, in;
    bool user = ev->type == EV_USER_ADDED_E || ev->type == EV_USER_DELETED_E;
    uint32_t id = (uint32_t)pr_param_num(ev, P_USER_ADDED_E__uid, UINT32_MAX);

    in = pr_param_text_of(ev, user ? P_USER_ADDED_E__container_id : P_GROUP_ADDED_E__container_id);
    if (ev->type == EV_USER_DELETED_E || ev->type == EV_GROUP_DELETED_E) {
        pr_account_del(&s->accounts, user, in, id);
        return;
    }
    for (uint32_t i = 0; user && i < 3; i++)
        info[i] = pr_param_text_of(ev, P_USER_ADDED_E__name + i);
    if (!user)
        info[0] = pr_param_text_of(ev, P_GROUP_ADDED_E__name);
    pr_account_put(&s->accounts, user, in, id, info);
}

void pr_on_interface(struct pr_state *s, const struct gyr_event *ev)
{
    uint32_t ip_len = 0, mask_len = 0;
    const uint8_t *ip, *mask = NULL;

    if (ev->nparams <= P_SNAP_INTERFACE__netmask)
        return;
    ip = gyr_param(ev, P_SNAP_INTERFACE__addr, &ip_len);
    mask = gyr_param(ev, P_SNAP_INTERFACE__netmask, &mask_len);
    if (ip_len == 4 || ip_len == 16)
        pr_addrs_add(&s->addrs, ip, mask_len == ip_len ? mask : NULL, ip_len == 16);
}

/* ---- the end of a snapshot ---- */

static void sweep(struct pr_threads *t, struct pr_thread *th, void *arg)
{
    (void)arg;
    if (th->seen != t->snapshot)
        pr_thread_remove(t, th->tid);
}

static void relate(struct pr_threads *t, struct pr_thread *th, void *arg)
{
    (void)arg;
    pr_thread_relate(t, th);
}

static void set_roles(struct pr_threads *t, struct pr_thread *th, void *arg)
{
    (void)t;
    for (uint32_t i = 0; th->fds && i < th->fds->cap; i++)
        if (th->fds->slots[i].num != -1)
            set_role(arg, &th->fds->slots[i]);
}

void pr_snapshot_sweep(struct pr_state *s)
{
    s->sweep_ts = 0;
    pr_threads_each(&s->threads, sweep, s);
}

/* Of the machine, events from before its end are still to come, and among them the ends of those
 * that it did not tell of. */
void pr_on_snapshot_end(struct pr_state *s, const struct gyr_event *ev)
{
    if (!s->in_snapshot)
        return;
    s->in_snapshot = false;
    s->sweep_ts = ev->ts_ns;
    if (!s->host->is_live)
        pr_snapshot_sweep(s);
    pr_threads_each(&s->threads, relate, NULL);
    pr_threads_each(&s->threads, set_roles, s);
}
