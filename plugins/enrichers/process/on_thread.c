/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that change something of the thread that makes them. */
#include "paths.h"
#include "state.h"

enum { NOFILE = 7, SET_SUBREAPER = 36, GET_SUBREAPER = 37 };

void pr_on_chdir(struct pr_state *s, const struct gyr_event *ev)
{
    if (s->now.res >= 0 && s->now.thread)
        pr_set_cwd(s, s->now.thread, pr_param_text_of(ev, P_SYSCALL_CHDIR_X__path));
}

void pr_on_fchdir(struct pr_state *s, const struct gyr_event *ev)
{
    (void)ev;
    if (s->now.res >= 0 && s->now.fd)
        pr_set_cwd(s, s->now.thread, pr_text_of(s->now.fd->name));
}

void pr_on_getcwd(struct pr_state *s, const struct gyr_event *ev)
{
    if (s->now.res >= 0 && s->now.thread)
        pr_set_cwd(s, s->now.thread, pr_param_text_of(ev, P_SYSCALL_GETCWD_X__path));
}

void pr_on_chroot(struct pr_state *s, const struct gyr_event *ev)
{
    struct pr_text path = pr_param_text_of(ev, P_SYSCALL_CHROOT_X__path);
    char out[PR_PATH_MAX];

    if (s->now.res != 0 || !s->now.thread || !path.len)
        return;
    pr_str_set(&s->store, &s->now.thread->root, out,
               pr_path_join(out, pr_cwd_of(s->now.thread), path));
}

/* All bits set in a number mean: leave it. */
static void set_id(uint32_t *at, const struct gyr_event *ev, uint32_t i)
{
    uint32_t id = (uint32_t)pr_param_num(ev, i, UINT32_MAX);

    if (id != UINT32_MAX)
        *at = id;
}

/* The effective user is the one that counts. */
void pr_on_setuid(struct pr_state *s, const struct gyr_event *ev)
{
    uint32_t i =
        ev->type == EV_SYSCALL_SETUID_X ? P_SYSCALL_SETUID_X__uid : P_SYSCALL_SETRESUID_X__euid;

    if (s->now.res == 0 && s->now.thread)
        set_id(&s->now.thread->uid, ev, i);
}

void pr_on_setgid(struct pr_state *s, const struct gyr_event *ev)
{
    uint32_t i =
        ev->type == EV_SYSCALL_SETGID_X ? P_SYSCALL_SETGID_X__gid : P_SYSCALL_SETRESGID_X__egid;

    if (s->now.res == 0 && s->now.thread)
        set_id(&s->now.thread->gid, ev, i);
}

/* It also begins a process group, which fields tell after the next exec: so they do in Falco. */
void pr_on_setsid(struct pr_state *s, const struct gyr_event *ev)
{
    (void)ev;
    if (s->now.res >= 0 && s->now.thread)
        s->now.thread->sid = s->now.res;
}

void pr_on_capset(struct pr_state *s, const struct gyr_event *ev)
{
    struct pr_thread *th = s->now.thread;

    if (s->now.res < 0 || !th)
        return;
    th->cap_inheritable = pr_param_num(ev, P_SYSCALL_CAPSET_X__cap_inheritable, 0);
    th->cap_permitted = pr_param_num(ev, P_SYSCALL_CAPSET_X__cap_permitted, 0);
    th->cap_effective = pr_param_num(ev, P_SYSCALL_CAPSET_X__cap_effective, 0);
}

void pr_on_prctl(struct pr_state *s, const struct gyr_event *ev)
{
    uint64_t option = pr_param_num(ev, P_SYSCALL_PRCTL_X__option, 0);
    struct pr_thread *th = s->now.thread;

    if (s->now.res < 0 || !th || !th->group)
        return;
    if (option == SET_SUBREAPER || option == GET_SUBREAPER)
        th->group->reaper = pr_param_int(ev, P_SYSCALL_PRCTL_X__arg2_int, 0) != 0;
}

static void set_fdlimit(struct pr_thread *th, int64_t limit)
{
    struct pr_thread *main = th && !pr_thread_is_invalid(th) ? pr_thread_main(th) : NULL;

    if (main && limit != -1)
        main->fdlimit = limit;
}

void pr_on_rlimit(struct pr_state *s, const struct gyr_event *ev)
{
    if (s->now.res >= 0 && s->now.thread &&
        pr_param_num(ev, P_SYSCALL_GETRLIMIT_X__resource, 0) == NOFILE)
        set_fdlimit(s->now.thread, pr_param_int(ev, P_SYSCALL_GETRLIMIT_X__cur, -1));
}

void pr_on_prlimit(struct pr_state *s, const struct gyr_event *ev)
{
    int64_t tid = pr_param_int(ev, P_SYSCALL_PRLIMIT_X__pid, -1);

    if (s->now.res != 0 || pr_param_num(ev, P_SYSCALL_PRLIMIT_X__resource, 0) != NOFILE)
        return;
    set_fdlimit(pr_thread_find(&s->threads, tid ? tid : ev->tid),
                pr_param_int(ev, P_SYSCALL_PRLIMIT_X__newcur, -1));
}

/* Processor time since the last switch on the same processor. */
static void count_time(struct pr_state *s, const struct gyr_event *ev)
{
    uint64_t *last = ev->cpu < PR_CPUS_MAX ? &s->last_switch[ev->cpu] : NULL;

    if (last && *last && *last < ev->ts_ns)
        s->now.exec_ns = ev->ts_ns - *last;
    if (last)
        *last = ev->ts_ns;
    if (s->now.thread)
        s->now.thread->exectime += s->now.exec_ns;
}

void pr_on_switch(struct pr_state *s, const struct gyr_event *ev)
{
    struct pr_thread *th = s->now.thread, *main = th ? pr_thread_main(th) : NULL;

    count_time(s, ev);
    if (!th || !pr_param_is(ev, P_SCHEDSWITCH_6_E__vm_swap))
        return;
    th->pfmajor = pr_param_num(ev, P_SCHEDSWITCH_6_E__pgft_maj, 0);
    th->pfminor = pr_param_num(ev, P_SCHEDSWITCH_6_E__pgft_min, 0);
    if (!main)
        return;
    main->vmsize = (uint32_t)pr_param_num(ev, P_SCHEDSWITCH_6_E__vm_size, 0);
    main->vmrss = (uint32_t)pr_param_num(ev, P_SCHEDSWITCH_6_E__vm_rss, 0);
    main->vmswap = (uint32_t)pr_param_num(ev, P_SCHEDSWITCH_6_E__vm_swap, 0);
}

void pr_on_memory(struct pr_state *s, const struct gyr_event *ev)
{
    struct pr_thread *th = s->now.thread;

    if (!th)
        return;
    th->vmsize = (uint32_t)pr_param_num(ev, P_SYSCALL_BRK_4_X__vm_size, th->vmsize);
    th->vmrss = (uint32_t)pr_param_num(ev, P_SYSCALL_BRK_4_X__vm_rss, th->vmrss);
    th->vmswap = (uint32_t)pr_param_num(ev, P_SYSCALL_BRK_4_X__vm_swap, th->vmswap);
}
