/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers of processes and threads: who they are, since when, what they use. */
#include "fields.h"

enum { ANCESTORS_MAX = 256 };

static struct pr_thread *parent(const struct pr_ask *a)
{
    return pr_thread_ancestor(&a->s->threads, a->now->thread, 1);
}

/* A number that is not known is -1 and told as that; anything below is none. */
static int pid(const struct pr_ask *a, const struct pr_thread *th, struct gyr_value *ret)
{
    return th && th->pid >= -1 && th->pid <= (int64_t)UINT32_MAX ? pr_num(a, (uint64_t)th->pid, ret)
                                                                 : GYR_ABSENT;
}

static int all_pids(const struct pr_ask *a, struct gyr_value *ret)
{
    struct pr_thread *up, *main = pr_thread_main(a->now->thread);
    struct gyr_value *list;
    struct pr_walk w;
    uint32_t n = 0;

    list = main ? (void *)pr_alloc(a->s, ANCESTORS_MAX * sizeof(*list)) : NULL;
    if (!list)
        return GYR_ABSENT;
    pr_walk_begin(&w, &a->s->threads, main);
    while (n < ANCESTORS_MAX && (up = pr_walk_next(&w)))
        if (pid(a, up, &list[n]) == GYR_PRESENT)
            n++;
    if (n == 0)
        return GYR_ABSENT;
    *ret = (struct gyr_value){.type = GYR_T_LIST, .len = n, .u.ptr = list};
    return GYR_PRESENT;
}

/* Compared with all ancestors, shown as the process itself: as Falco has it. */
static int own_pid_or_all(const struct pr_ask *a, const struct pr_thread *th, struct gyr_value *ret)
{
    if (a->b->is_list)
        return all_pids(a, ret);
    return th->pid >= 0 ? pid(a, th, ret) : GYR_ABSENT;
}

static bool is_shell(const struct pr_thread *th)
{
    struct pr_text t = pr_text_of(th->comm);

    return t.len >= 2 && memcmp(t.p + t.len - 2, "sh", 2) == 0;
}

static int login_shell(const struct pr_ask *a, struct gyr_value *ret)
{
    struct pr_thread *main = pr_thread_main(a->now->thread), *up, *found = NULL;
    struct pr_walk w;

    if (!main)
        return GYR_ABSENT;
    if (is_shell(main))
        found = main;
    pr_walk_begin(&w, &a->s->threads, main);
    while ((up = pr_walk_next(&w)))
        if (is_shell(up))
            found = up;
    return found ? pr_num(a, (uint64_t)found->pid, ret) : GYR_ABSENT;
}

/* ---- leaders of sessions and groups ---- */

static int64_t member(const struct pr_thread *th, uint32_t id)
{
    return id <= TH_SID_EXEPATH ? th->sid : id <= TH_VPGID_EXEPATH ? th->vpgid : th->pgid;
}

/* The thread of that number, or the oldest ancestor that has the same one. Numbers of a PID
 * namespace say nothing outside of it. */
static const struct pr_thread *leader(const struct pr_ask *a, uint32_t id)
{
    struct pr_thread *th = a->now->thread, *up, *found = NULL;
    int64_t number = member(th, id);
    bool is_virtual = id < TH_PGID;
    struct pr_walk w;

    if (number == -1)
        return NULL;
    if (!is_virtual || !pr_thread_in_pidns(th))
        found = pr_thread_find(&a->s->threads, number);
    if (found)
        return found;
    pr_walk_begin(&w, &a->s->threads, th);
    while ((up = pr_walk_next(&w)) && member(up, id) == number)
        found = up;
    return found;
}

static int leader_text(const struct pr_ask *a, uint32_t id, struct gyr_value *ret)
{
    const struct pr_thread *th = leader(a, id);

    if (!th)
        return pr_literal("", ret);
    switch (id) {
    case TH_SNAME:
    case TH_VPGID_NAME:
    case TH_PGID_NAME:
        return pr_string(th->comm, ret);
    case TH_SID_EXE:
    case TH_VPGID_EXE:
    case TH_PGID_EXE:
        return pr_string(th->exe, ret);
    default:
        return pr_string(th->exepath, ret);
    }
}

/* ---- times ---- */

static int since(const struct pr_ask *a, const struct pr_thread *th, struct gyr_value *ret)
{
    if (!th || !th->clone_ts || a->ev->ts_ns < th->clone_ts)
        return GYR_ABSENT;
    return pr_num(a, a->ev->ts_ns - th->clone_ts, ret);
}

static int known(const struct pr_ask *a, uint64_t v, struct gyr_value *ret)
{
    return v ? pr_num(a, v, ret) : GYR_ABSENT;
}

static int times(const struct pr_ask *a, uint32_t id, struct gyr_value *ret)
{
    const struct pr_thread *th = a->now->thread, *up;

    switch (id) {
    case TH_DURATION:
        return since(a, th, ret);
    case TH_PPID_DURATION:
        return since(a, parent(a), ret);
    case TH_PID_TS:
        return known(a, th->clone_ts, ret);
    case TH_PPID_TS:
        up = pr_thread_find(&a->s->threads, th->ptid);
        return up ? pr_num(a, up->clone_ts, ret) : GYR_ABSENT;
    case TH_EXE_INO:
        return known(a, th->exe_ino, ret);
    case TH_EXE_INO_CTIME:
        return known(a, th->exe_ctime, ret);
    case TH_EXE_INO_MTIME:
        return known(a, th->exe_mtime, ret);
    case TH_EXE_INO_CTIME_DURATION_PROC_START:
        return known(a, th->exe_ctime_before_clone, ret);
    case TH_EXE_INO_CTIME_DURATION_PIDNS_START:
        return known(a, th->exe_ctime_after_pidns, ret);
    default:
        return known(a, th->pidns_start, ret);
    }
}

/* ---- what a process uses ---- */

static uint32_t open_count(struct pr_thread *main)
{
    struct pr_fds **t = main ? pr_thread_fds(main) : NULL;

    return t && *t ? (*t)->n : 0;
}

static int fd_usage(const struct pr_ask *a, struct pr_thread *main, struct gyr_value *ret)
{
    double n = open_count(main), max = main ? (double)main->fdlimit : 0;

    *ret = gyr_num(a->b->field->field.type, 0);
    if (max > 0)
        ret->u.f64 = n <= max ? n * 100 / max : 100;
    return GYR_PRESENT;
}

static int threads(const struct pr_ask *a, bool all, struct gyr_value *ret)
{
    struct pr_thread *main = pr_thread_main(a->now->thread);
    const struct pr_group *g = a->now->thread->group;

    if (!g)
        return pr_num(a, 0, ret);
    if (all || !main || main->marks & PR_DEAD)
        return pr_num(a, g->alive, ret);
    return pr_num(a, g->alive ? g->alive - 1 : 0, ret);
}

static int standard_fd(const struct pr_ask *a, int64_t num, bool type, struct gyr_value *ret)
{
    struct pr_fds **t = pr_thread_fds(a->now->thread);
    struct pr_fd *fd = t ? pr_fds_find(*t, num) : NULL;

    if (!fd)
        return GYR_ABSENT;
    return type ? pr_literal(pr_fd_type_name(fd->type), ret) : pr_string(fd->name, ret);
}

static int caps(const struct pr_ask *a, uint64_t set, struct gyr_value *ret)
{
    char out[NAMES_CAPS_TEXT];
    uint32_t n = names_caps_text(out, set);

    return pr_copy(a, out, n, ret);
}

/* The group of one subsystem. */
static int cgroup(const struct pr_ask *a, struct gyr_value *ret)
{
    struct pr_text t = pr_text_of(a->now->thread->cgroups);

    for (uint32_t at = 0; at < t.len;) {
        const char *p = t.p + at;
        uint32_t len = (uint32_t)strnlen(p, t.len - at), skip = a->b->key_len + 1;

        at += len + 1;
        if (len >= skip && p[a->b->key_len] == '=' && memcmp(p, a->b->key, skip - 1) == 0)
            return pr_text((struct pr_text){p + skip, len - skip}, ret);
    }
    return GYR_ABSENT;
}

/* ---- processor time ---- */

static int cpu_share(const struct pr_ask *a, uint32_t id, struct gyr_value *ret)
{
    uint64_t *last = &a->now->thread->cpu_ticks[id - TH_THREAD_CPU], ticks = 0, before = *last;

    if (a->ev->type != EV_PROCINFO_E)
        return GYR_ABSENT;
    if (id != TH_THREAD_CPU_SYSTEM)
        ticks += pr_param_num(a->ev, P_PROCINFO_E__cpu_usr, 0);
    if (id != TH_THREAD_CPU_USER)
        ticks += pr_param_num(a->ev, P_PROCINFO_E__cpu_sys, 0);
    *last = ticks;
    *ret = gyr_num(a->b->field->field.type, 0);
    if (before && ticks > before)
        ret->u.f64 = ticks - before < 100 ? (double)(ticks - before) : 100;
    return GYR_PRESENT;
}

/* ---- all together ---- */

static int of_thread(const struct pr_ask *a, uint32_t id, struct gyr_value *ret)
{
    struct pr_thread *th = a->now->thread;
    bool main = pr_thread_is_main(th);

    switch (id) {
    case TH_THREAD_CAP_PERMITTED:
        return caps(a, th->cap_permitted, ret);
    case TH_THREAD_CAP_INHERITABLE:
        return caps(a, th->cap_inheritable, ret);
    case TH_THREAD_CAP_EFFECTIVE:
        return caps(a, th->cap_effective, ret);
    case TH_THREAD_PFMAJOR:
        return pr_num(a, th->pfmajor, ret);
    case TH_THREAD_PFMINOR:
        return pr_num(a, th->pfminor, ret);
    case TH_THREAD_ISMAIN:
        return pr_num(a, main, ret);
    case TH_THREAD_VTID:
        return th->vtid == -1 ? GYR_ABSENT : pr_num(a, (uint64_t)th->vtid, ret);
    case TH_THREAD_TOTEXECTIME:
        return pr_num(a, th->exectime, ret);
    case TH_THREAD_CGROUPS:
        return th->cgroups ? pr_joined(a, pr_text_of(th->cgroups), ret) : GYR_ABSENT;
    case TH_THREAD_CGROUP:
        return cgroup(a, ret);
    case TH_THREAD_CPU:
    case TH_THREAD_CPU_USER:
    case TH_THREAD_CPU_SYSTEM:
        return cpu_share(a, id, ret);
    case TH_THREAD_VMSIZE:
        return pr_num(a, main ? th->vmsize : 0, ret);
    case TH_THREAD_VMRSS:
        return pr_num(a, main ? th->vmrss : 0, ret);
    default:
        return GYR_ABSENT;
    }
}

static int of_process(const struct pr_ask *a, uint32_t id, struct gyr_value *ret)
{
    struct pr_thread *th = a->now->thread, *main = pr_thread_main(th), *up;

    switch (id) {
    case TH_TTY:
        return pr_num(a, th->tty, ret);
    case TH_PID:
        return pid(a, th, ret);
    case TH_PPID:
        return pid(a, parent(a), ret);
    case TH_APID:
        if (a->b->index < 0)
            return own_pid_or_all(a, th, ret);
        return pid(a, pr_thread_ancestor(&a->s->threads, th, (uint32_t)a->b->index), ret);
    case TH_VPID:
        return th->vpid == -1 ? GYR_ABSENT : pr_num(a, (uint64_t)th->vpid, ret);
    case TH_PVPID:
        up = pr_thread_find(&a->s->threads, th->ptid);
        return up ? pr_num(a, (uint64_t)up->vpid, ret) : GYR_ABSENT;
    case TH_IS_EXE_WRITABLE:
        return pr_num(a, !!(th->marks & PR_EXE_WRITABLE), ret);
    case TH_IS_EXE_UPPER_LAYER:
        return pr_num(a, !!(th->marks & PR_EXE_UPPER), ret);
    case TH_IS_EXE_LOWER_LAYER:
        return pr_num(a, !!(th->marks & PR_EXE_LOWER), ret);
    case TH_IS_EXE_FROM_MEMFD:
        return pr_num(a, !!(th->marks & PR_EXE_MEMFD), ret);
    case TH_IS_SID_LEADER:
        return pr_num(a, th->sid == th->vpid, ret);
    case TH_IS_VPGID_LEADER:
        return pr_num(a, th->vpgid == th->vpid, ret);
    case TH_IS_PGID_LEADER:
        return pr_num(a, th->pgid == th->pid, ret);
    case TH_FDOPENCOUNT:
        return pr_num(a, open_count(main), ret);
    case TH_FDLIMIT:
        return pr_num(a, main ? (uint64_t)main->fdlimit : 0, ret);
    case TH_FDUSAGE:
        return fd_usage(a, main, ret);
    case TH_VMSIZE:
        return pr_num(a, th->vmsize, ret);
    case TH_VMRSS:
        return pr_num(a, th->vmrss, ret);
    case TH_VMSWAP:
        return pr_num(a, th->vmswap, ret);
    case TH_NTHREADS:
    case TH_NCHILDS:
        return threads(a, id == TH_NTHREADS, ret);
    default:
        return of_thread(a, id, ret);
    }
}

int pr_get_proc(const struct pr_ask *a, struct gyr_value *ret)
{
    uint32_t id = a->b->field->id;

    if (id == TH_TID)
        return a->ev->tid >= -1 && a->ev->tid <= (int64_t)UINT32_MAX
                   ? pr_num(a, (uint64_t)a->ev->tid, ret)
                   : GYR_ABSENT;
    if (id == TH_THREAD_EXECTIME)
        return pr_num(a, a->now->exec_ns, ret);
    if (!a->now->thread)
        return GYR_ABSENT;
    if (id == TH_LOGINSHELLID)
        return login_shell(a, ret);
    if (id == TH_SID || id == TH_VPGID || id == TH_PGID)
        return pr_num(a, (uint64_t)member(a->now->thread, id), ret);
    if (id >= TH_SID && id <= TH_PGID_EXEPATH)
        return leader_text(a, id, ret);
    if ((id >= TH_DURATION && id <= TH_PPID_TS) ||
        (id >= TH_EXE_INO && id <= TH_PIDNS_INIT_START_TS))
        return times(a, id, ret);
    if (id >= TH_STDIN_TYPE && id <= TH_STDERR_TYPE)
        return standard_fd(a, id - TH_STDIN_TYPE, true, ret);
    if (id >= TH_STDIN_NAME && id <= TH_STDERR_NAME)
        return standard_fd(a, id - TH_STDIN_NAME, false, ret);
    return of_process(a, id, ret);
}
