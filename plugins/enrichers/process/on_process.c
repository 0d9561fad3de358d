/* SPDX-License-Identifier: Apache-2.0 */
/* Threads come, become another program, and end. */
#include "paths.h"
#include "state.h"

#include <string.h>

/* A thread made longer ago than this is not the one whose clone is told now. */
#define CLONE_STALE_NS UINT64_C(2000000000)

enum { EXECVEAT_EMPTY_PATH = 1 };

/* The parameters of clone and fork have the same places in all four events. */
#define P(name) P_SYSCALL_CLONE_20_X__##name

uint32_t pr_exe_marks(uint32_t flags)
{
    static const uint32_t bits[][2] = {
        {1, PR_EXE_WRITABLE}, {2, PR_EXE_UPPER}, {4, PR_EXE_MEMFD}, {8, PR_EXE_LOWER}};
    uint32_t marks = 0;

    for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
        if (flags & bits[i][0])
            marks |= bits[i][1];
    return marks;
}

static void set_comm(struct pr_state *s, struct pr_thread *th, const struct gyr_event *ev,
                     uint32_t comm)
{
    if (pr_param_is(ev, comm))
        pr_set(s, &th->comm, pr_param_text_of(ev, comm));
    else
        pr_str_share(&s->store, &th->comm, th->exe);
}

/* What both exec and clone tell, at places of their own. */
static void set_memory(struct pr_thread *th, const struct gyr_event *ev, uint32_t first)
{
    if (!pr_param_is(ev, first + 4))
        return;
    th->pfmajor = pr_param_num(ev, first, 0);
    th->pfminor = pr_param_num(ev, first + 1, 0);
    th->vmsize = (uint32_t)pr_param_num(ev, first + 2, 0);
    th->vmrss = (uint32_t)pr_param_num(ev, first + 3, 0);
    th->vmswap = (uint32_t)pr_param_num(ev, first + 4, 0);
}

/* What the event tells of a child, whoever returns from the call. Most of it is the same as the
 * parent's, and shared with it. */
static void set_told(struct pr_state *s, struct pr_thread *th, const struct gyr_event *ev,
                     const struct pr_thread *like)
{
    if (like) {
        pr_str_share(&s->store, &th->exe, like->exe);
        pr_str_share(&s->store, &th->args, like->args);
        pr_str_share(&s->store, &th->comm, like->comm);
    }
    pr_set(s, &th->exe, pr_param_text_of(ev, P(exe)));
    pr_set(s, &th->args, pr_param_strs(ev, P(args)));
    set_comm(s, th, ev, P(comm));
    th->fdlimit = pr_param_int(ev, P(fdlimit), -1);
    set_memory(th, ev, P(pgft_maj));
    th->uid = (uint32_t)pr_param_num(ev, P(uid), UINT32_MAX);
    th->gid = (uint32_t)pr_param_num(ev, P(gid), UINT32_MAX);
    if (pr_param_is(ev, P(cgroups))) {
        pr_set_cgroups(s, th, pr_param_strs(ev, P(cgroups)));
    } else if (like) {
        pr_str_share(&s->store, &th->cgroups, like->cgroups);
        pr_str_share(&s->store, &th->container, like->container);
    }
    if (like && th->cgroups && like->cgroups && th->cgroups->len == like->cgroups->len &&
        memcmp(th->cgroups->s, like->cgroups->s, th->cgroups->len) == 0)
        pr_str_share(&s->store, &th->cgroups, like->cgroups);
    th->clone_ts = ev->ts_ns;
}

/* What a child inherits without being told. */
static void inherit(struct pr_state *s, struct pr_thread *th, struct pr_thread *from)
{
    const uint32_t exe = PR_EXE_WRITABLE | PR_EXE_UPPER | PR_EXE_LOWER | PR_EXE_MEMFD;

    pr_str_share(&s->store, &th->exepath, from->exepath);
    pr_str_share(&s->store, &th->root, from->root);
    th->marks = (th->marks & ~exe) | (from->marks & exe);
    th->sid = from->sid;
    th->vpgid = from->vpgid;
    th->pgid = from->pgid;
    th->tty = from->tty;
    th->loginuid = from->loginuid;
    th->cap_inheritable = from->cap_inheritable;
    th->cap_permitted = from->cap_permitted;
    th->cap_effective = from->cap_effective;
    th->exe_ino = from->exe_ino;
    th->exe_ctime = from->exe_ctime;
    th->exe_mtime = from->exe_mtime;
    th->exe_ctime_before_clone = from->exe_ctime_before_clone;
    pr_shared_by_clone(s, th, from);
    if (!(th->flags & PR_CLONE_THREAD) && pr_thread_main(from))
        pr_str_share(&s->store, &th->env, from->env); /* of a thread: not known until exec */
}

/* ---- clone ---- */

/* A thread of whom nothing was known gets what the event tells of its kind. */
static void learn(struct pr_state *s, struct pr_thread *th, const struct gyr_event *ev)
{
    pr_set(s, &th->exe, pr_param_text_of(ev, P(exe)));
    set_comm(s, th, ev, P(comm));
    pr_set(s, &th->args, pr_param_strs(ev, P(args)));
}

static void learn_caller(struct pr_state *s, struct pr_thread *caller, const struct gyr_event *ev)
{
    caller->pid = pr_param_int(ev, P(pid), -1);
    caller->ptid = pr_param_int(ev, P(ptid), -1);
    caller->vtid = caller->tid;
    caller->vpid = -1;
    if (pr_param_is(ev, P(vpid))) {
        caller->vtid = pr_param_int(ev, P(vtid), -1);
        caller->vpid = pr_param_int(ev, P(vpid), -1);
    }
    pr_thread_relate(&s->threads, caller);
}

/* In a container the parent does not know the child's number as the host has it. The child of a
 * vfork may have come and gone before the parent returns. */
static bool child_tells_itself(const struct pr_state *s, const struct pr_thread *caller,
                               const struct gyr_event *ev, uint32_t flags, int64_t tid)
{
    if (flags & (PR_CHILD_IN_PIDNS | PR_CLONE_NEWPID | PR_CLONE_PARENT | PR_CLONE_VFORK))
        return true;
    if (caller->tid != caller->vtid || ev->type == EV_SYSCALL_VFORK_20_X)
        return true;
    return pr_threads_is_gone(&s->threads, tid, caller->tid, ev->ts_ns);
}

static void clone_in_parent(struct pr_state *s, const struct gyr_event *ev, int64_t tid)
{
    uint32_t flags = (uint32_t)pr_param_num(ev, P(flags), 0);
    struct pr_thread *caller = s->now.thread, *th;
    bool known;

    if (!caller)
        caller = pr_thread_unknown(s, ev->tid);
    s->now.thread = caller;
    if (!caller)
        return;
    known = !pr_thread_is_invalid(caller);
    if (!known)
        learn_caller(s, caller, ev);
    if (tid == caller->tid || child_tells_itself(s, caller, ev, flags, tid))
        return;
    th = pr_thread_find(&s->threads, tid);
    /* one of the caller's own process must not go: the caller might with it */
    if (th && (th->marks & PR_CHILD_FIRST || th->pid == caller->pid || th->told > ev->ts_ns))
        return;
    if (th)
        pr_thread_remove(&s->threads, tid);
    th = pr_thread_add(&s->threads, tid, caller);
    if (!th)
        return;
    th->flags = flags;
    if (flags & PR_CLONE_THREAD) {
        th->flags |= PR_CLONE_FILES;
        th->pid = caller->pid;
        th->ptid = caller->ptid;
    } else {
        th->pid = tid;
        th->ptid = caller->tid;
    }
    th->vtid = tid;
    th->vpid = th->pid;
    set_told(s, th, ev, known ? caller : NULL);
    th->pidns_start = s->boot_ts;
    if (known)
        inherit(s, th, caller);
    if (!known)
        learn(s, caller, ev);
    pr_thread_relate(&s->threads, th);
}

/* Of which thread the child is a copy: of its process's main thread, or its parent. */
static struct pr_thread *model_of(struct pr_state *s, struct pr_thread *th,
                                  const struct gyr_event *ev, bool is_thread, bool *ret_known)
{
    int64_t tid = is_thread ? th->pid : th->ptid;
    struct pr_thread *from;

    *ret_known = false;
    if (tid == th->tid || tid < 0)
        return NULL;
    from = pr_thread_find(&s->threads, tid);
    if (!from) {
        s->now.thread = th;
        from = pr_thread_unknown(s, tid);
    }
    *ret_known = from && !pr_thread_is_invalid(from);
    if (from && !*ret_known && is_thread) {
        from->pid = th->pid;
        from->ptid = th->ptid;
        from->vpid = from->vtid = th->vpid;
        pr_thread_relate(&s->threads, from);
        learn(s, from, ev);
    }
    return from;
}

/* The start of a PID namespace is told from boot. */
static void set_pidns(struct pr_state *s, struct pr_thread *th, const struct gyr_event *ev)
{
    if (!(th->flags & (PR_CHILD_IN_PIDNS | PR_CLONE_NEWPID)) && th->tid == th->vtid)
        th->pidns_start = s->boot_ts;
    else if (pr_param_is(ev, P(pidns_init_start_ts)))
        th->pidns_start = pr_param_num(ev, P(pidns_init_start_ts), 0) + s->boot_ts;
}

static void clone_in_child(struct pr_state *s, const struct gyr_event *ev)
{
    struct pr_thread *th = s->now.thread, *from;
    bool is_thread, known;

    if (th && (th->told > ev->ts_ns || (th->clone_ts && ev->ts_ns - th->clone_ts < CLONE_STALE_NS)))
        return; /* a snapshot or the parent told of it already */
    if (th)
        pr_thread_remove(&s->threads, ev->tid);
    s->now.thread = th = pr_thread_add(&s->threads, ev->tid, NULL);
    if (!th)
        return;
    th->pid = pr_param_int(ev, P(pid), -1);
    th->ptid = pr_param_int(ev, P(ptid), -1);
    th->vtid = th->tid;
    if (pr_param_is(ev, P(vpid))) {
        th->vtid = pr_param_int(ev, P(vtid), -1);
        th->vpid = pr_param_int(ev, P(vpid), -1);
    }
    th->flags = (uint32_t)pr_param_num(ev, P(flags), 0);
    th->marks |= PR_CHILD_FIRST;
    is_thread = th->flags & PR_CLONE_THREAD;
    if (is_thread)
        th->flags |= PR_CLONE_FILES;
    from = model_of(s, th, ev, is_thread, &known);
    set_told(s, th, ev, known ? from : NULL);
    set_pidns(s, th, ev);
    if (known)
        inherit(s, th, from);
    pr_thread_relate(&s->threads, th);
}

void pr_on_clone(struct pr_state *s, const struct gyr_event *ev)
{
    if (s->now.res < 0)
        return;
    if (s->now.res == 0)
        clone_in_child(s, ev);
    else
        clone_in_parent(s, ev, s->now.res);
}

/* ---- exec ---- */

#undef P
#define P(name) P_SYSCALL_EXECVE_19_X__##name

static void set_executable(struct pr_thread *th, const struct gyr_event *ev)
{
    if (pr_param_is(ev, P(flags))) {
        th->marks &= ~(uint32_t)(PR_EXE_WRITABLE | PR_EXE_UPPER | PR_EXE_LOWER | PR_EXE_MEMFD);
        th->marks |= pr_exe_marks((uint32_t)pr_param_num(ev, P(flags), 0));
    }
    if (!pr_param_is(ev, P(exe_ino_mtime)))
        return;
    th->exe_ino = pr_param_num(ev, P(exe_ino), 0);
    th->exe_ctime = pr_param_num(ev, P(exe_ino_ctime), 0);
    th->exe_mtime = pr_param_num(ev, P(exe_ino_mtime), 0);
    if (th->clone_ts)
        th->exe_ctime_before_clone = th->clone_ts - th->exe_ctime;
    if (th->pidns_start && th->exe_ctime > th->pidns_start)
        th->exe_ctime_after_pidns = th->exe_ctime - th->pidns_start;
}

static void set_identity(struct pr_thread *th, const struct gyr_event *ev)
{
    th->fdlimit = pr_param_int(ev, P(fdlimit), -1);
    set_memory(th, ev, P(pgft_maj));
    th->tty = (uint32_t)pr_param_num(ev, P(tty), th->tty);
    th->vpgid = pr_param_int(ev, P(vpgid), th->vpgid);
    th->pgid = pr_param_int(ev, P(pgid), -1);
    th->loginuid = (uint32_t)pr_param_num(ev, P(loginuid), th->loginuid);
    th->uid = (uint32_t)pr_param_num(ev, P(uid), th->uid);
    th->gid = (uint32_t)pr_param_num(ev, P(gid), th->gid);
    if (!pr_param_is(ev, P(cap_effective)))
        return;
    th->cap_inheritable = pr_param_num(ev, P(cap_inheritable), 0);
    th->cap_permitted = pr_param_num(ev, P(cap_permitted), 0);
    th->cap_effective = pr_param_num(ev, P(cap_effective), 0);
}

static bool closes_on_exec(struct pr_fd *fd, const void *arg)
{
    (void)arg;
    if (fd->openflags & PR_O_CLOEXEC)
        return true;
    /* these two have a bit of their own */
    return (fd->type == FD_EVENTPOLL || fd->type == FD_MEMFD) && fd->openflags & 1;
}

/* The thread is another program from here on. */
static void becomes(struct pr_state *s, struct pr_thread *th, const struct gyr_event *ev)
{
    struct pr_fds **t;

    pr_thread_revive(th);
    pr_set(s, &th->exe, pr_param_text_of(ev, P(exe)));
    set_comm(s, th, ev, P(comm));
    pr_set(s, &th->args, pr_param_strs(ev, P(args)));
    if (!th->group && pr_thread_is_invalid(th)) {
        th->pid = pr_param_int(ev, P(pid), -1);
        th->ptid = pr_param_int(ev, P(ptid), -1);
        if (!(th->flags & PR_CHILD_IN_PIDNS)) {
            th->vtid = th->tid;
            th->vpid = th->pid;
        }
        pr_thread_relate(&s->threads, th);
    }
    set_identity(th, ev);
    if (pr_param_is(ev, P(env)))
        pr_set(s, &th->env, pr_param_strs(ev, P(env)));
    if (pr_param_is(ev, P(cgroups)))
        pr_set_cgroups(s, th, pr_param_strs(ev, P(cgroups)));
    if (pr_param_is(ev, P(trusted_exepath)))
        pr_set_exepath(s, th, pr_param_text_of(ev, P(trusted_exepath)));
    else
        pr_set_exepath_told(s, th, ev);
    set_executable(th, ev);
    pr_files_leave(s, th);
    t = pr_thread_fds(th);
    if (t)
        pr_fds_drop(&s->store, t, closes_on_exec, NULL);
    th->flags = 0;
    pr_thread_drop_siblings(&s->threads, th);
}

/* The program by a descriptor: of a folder, for a relative path; of the file itself, for none. */
void pr_on_execveat_enter(struct pr_state *s, const struct gyr_event *ev)
{
    struct pr_text name = pr_param_text_of(ev, P_SYSCALL_EXECVEAT_E__pathname), dir;
    char tmp[PR_PATH_MAX + 1], out[PR_PATH_MAX];
    struct pr_thread *th = s->now.thread;
    bool itself = pr_param_num(ev, P_SYSCALL_EXECVEAT_E__flags, 0) & EXECVEAT_EMPTY_PATH;

    if (!th)
        return;
    if (pr_text_is(name, "<NA>"))
        name.len = 0;
    dir = pr_dir_of(s, name, pr_param_int(ev, P_SYSCALL_EXECVEAT_E__dirfd, -1), tmp);
    if (pr_text_is(dir, "<UNKNOWN>") || (!name.len && (!itself || !dir.len)))
        pr_str_set(&s->store, &th->exec_at, "<NA>", 4);
    else if (name.len)
        pr_str_set(&s->store, &th->exec_at, out, pr_path_join(out, dir, name));
    else
        pr_str_set(&s->store, &th->exec_at, out, pr_path_join(out, (struct pr_text){"", 0}, dir));
}

/* An exec begins whose path is told at its end; what an execveat() left behind is over. */
void pr_on_execve_enter(struct pr_state *s, const struct gyr_event *ev)
{
    (void)ev;
    if (s->now.thread)
        pr_str_set(&s->store, &s->now.thread->exec_at, "", 0);
}

void pr_on_exec(struct pr_state *s, const struct gyr_event *ev)
{
    struct pr_thread *th = s->now.thread;

    if (!th)
        return;
    if (s->now.res >= 0)
        becomes(s, th, ev);
    pr_str_set(&s->store, &th->exec_at, "", 0);
}

/* ---- exit ---- */

void pr_on_exit(struct pr_state *s, const struct gyr_event *ev)
{
    struct pr_thread *th = s->now.thread;

    if (!th)
        return;
    pr_thread_die(th);
    th->reaper_tid = pr_param_int(ev, P_PROCEXIT_1_E__reaper_tid, -1);
    s->now.drop_thread = true;
}
