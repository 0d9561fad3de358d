/* SPDX-License-Identifier: Apache-2.0 */
/* The event at hand: whose it is, which descriptor it is about, how it ended. */
#include "paths.h"
#include "state.h"

#include <string.h>

#define ASK_AGAIN_NS UINT64_C(1000000000)

/* How a thread is found for an event. */
enum { LOOK_MAKE, LOOK_FIND, LOOK_NOT };

static int look_of(const struct gyr_event_type *t)
{
    switch (t->id) {
    case EV_SYSCALL_CLONE_20_X:
    case EV_SYSCALL_FORK_20_X:
    case EV_SYSCALL_VFORK_20_X:
    case EV_SYSCALL_CLONE3_X:
    case EV_SCHEDSWITCH_6_E:
    case EV_PROCEXIT_1_E:
    case EV_PROCINFO_E:
        return LOOK_FIND;
    case EV_DROP_E:
    case EV_DROP_X:
    case EV_SCAPEVENT_E:
    case EV_CPU_HOTPLUG_E:
    case EV_NOTIFICATION_E:
    case EV_INFRASTRUCTURE_EVENT_E:
    case EV_PAGE_FAULT_E:
    case EV_CONTAINER_JSON_2_E:
    case EV_USER_ADDED_E:
    case EV_USER_DELETED_E:
    case EV_GROUP_ADDED_E:
    case EV_GROUP_DELETED_E:
    case EV_PLUGINEVENT_E:
    case EV_ASYNCEVENT_E:
        return LOOK_NOT;
    default:
        return t->flags & GYR_ETF_SNAPSHOT ? LOOK_NOT : LOOK_MAKE;
    }
}

/* The first descriptor among the parameters. An exit event's first parameter is its result. */
static int8_t place_of_fd(const struct gyr_event_type *t)
{
    if (!(t->traits & T_USES_FD))
        return -1;
    if (t->id == EV_SYSCALL_SPLICE_X)
        return P_SYSCALL_SPLICE_X__fd_out;
    for (uint16_t i = t->traits & T_EXIT ? 1 : 0; i < t->n_params; i++)
        if (t->params[i].kind == K_FD)
            return (int8_t)i;
    return -1;
}

static int8_t place_of_data(const struct gyr_event_type *t)
{
    for (uint16_t i = 0; i < t->n_params; i++)
        if (t->params[i].type == GYR_P_BYTES && strcmp(t->params[i].name, "data") == 0)
            return (int8_t)i;
    return -1;
}

void pr_places_init(struct pr_state *s)
{
    for (uint32_t i = 0; i < PR_TYPES; i++) {
        const struct gyr_event_type *t = syscall_event_type((uint16_t)i);

        s->places[i] = (struct pr_places){place_of_fd(t), place_of_data(t)};
    }
}

/* What made it was lost: the source may know, for what it does next. While events only build
 * state, the snapshot is about to tell. */
static void ask(struct pr_state *s, struct pr_thread *th)
{
    const struct gyr_event *ev = s->now.ev;

    if (!s->host->is_live || !ev || ev->flags & GYR_EVF_SNAPSHOT || s->in_snapshot ||
        s->threads.snapshot == 0 || (th->asked && ev->ts_ns - th->asked < ASK_AGAIN_NS))
        return;
    if (s->host->snapshot_thread(s->host->ctx, th->tid) == 0)
        th->asked = ev->ts_ns;
}

struct pr_thread *pr_thread_unknown(struct pr_state *s, int64_t tid)
{
    struct pr_thread *th = pr_thread_add(&s->threads, tid, s->now.thread);

    if (!th)
        return NULL;
    pr_str_set(&s->store, &th->comm, "<NA>", 4);
    pr_str_set(&s->store, &th->exe, "<NA>", 4);
    ask(s, th);
    return th;
}

static void set_result(struct pr_now *n)
{
    const uint64_t call_exit = T_CALL | T_EXIT;
    uint32_t len;

    if ((n->type->traits & call_exit) != call_exit || n->type->flags & GYR_ETF_GENERIC ||
        n->ev->nparams == 0)
        return;
    n->has_res = true;
    (void)gyr_param(n->ev, 0, &len);
    if (len == 4 || len == 8)
        (void)gyr_param_i64(n->ev, 0, &n->res);
}

bool pr_now_set(struct pr_state *s, const struct gyr_event *ev)
{
    struct pr_now *n = &s->now;
    int8_t place;

    if (n->ev == ev && n->num == ev->num && n->ts == ev->ts_ns)
        return false;
    memset(n, 0, sizeof(*n));
    n->ev = ev;
    n->num = ev->num;
    n->ts = ev->ts_ns;
    n->fd_num = -1;
    n->type = syscall_event_type(ev->type);
    if (!n->type)
        return true;
    set_result(n);
    if (look_of(n->type) == LOOK_NOT)
        return true;
    n->thread = pr_thread_find(&s->threads, ev->tid);
    if (!n->thread && look_of(n->type) == LOOK_MAKE)
        n->thread = pr_thread_unknown(s, ev->tid);
    if (!n->thread)
        return true;
    n->thread->heard = ev->ts_ns;
    if (pr_thread_is_invalid(n->thread))
        ask(s, n->thread);
    place = ev->type < PR_TYPES ? s->places[ev->type].fd : -1;
    if (place >= 0)
        pr_now_fd(s, pr_param_int(ev, (uint32_t)place, -1));
    return true;
}

void pr_now_fd(struct pr_state *s, int64_t num)
{
    struct pr_fds **t = s->now.thread ? pr_thread_fds(s->now.thread) : NULL;

    s->now.fd_num = num;
    s->now.fd = t ? pr_fds_find(*t, num) : NULL;
}

struct pr_fd *pr_now_edit(struct pr_state *s)
{
    struct pr_fds **t = s->now.fd ? pr_thread_fds(s->now.thread) : NULL;
    struct pr_fd *fd = t ? pr_fds_edit(&s->store, t, s->now.fd->num) : NULL;

    if (fd)
        s->now.fd = fd;
    return fd;
}

struct pr_fd *pr_now_add(struct pr_state *s, int64_t num)
{
    struct pr_fds **t = s->now.thread ? pr_thread_fds(s->now.thread) : NULL;

    s->now.fd_num = num;
    s->now.fd = t ? pr_fds_add(&s->store, t, num) : NULL;
    return s->now.fd;
}

void pr_fd_forget(struct pr_state *s, int64_t num)
{
    struct pr_fds **t = s->now.thread ? pr_thread_fds(s->now.thread) : NULL;

    if (!t || !pr_fds_find(*t, num))
        return;
    pr_fds_del(&s->store, t, num);
    pr_now_fd(s, s->now.fd_num); /* a deletion moves others */
}

struct pr_text pr_dir_of(struct pr_state *s, struct pr_text path, int64_t dirfd,
                         char tmp[PR_PATH_MAX + 1])
{
    struct pr_fds **t;
    struct pr_fd *fd;
    struct pr_text name;

    if (pr_path_is_absolute(path))
        return (struct pr_text){".", 1};
    if (s->now.thread && dirfd == PR_AT_FDCWD)
        return pr_cwd_of(s->now.thread);
    t = s->now.thread ? pr_thread_fds(s->now.thread) : NULL;
    fd = t ? pr_fds_find(*t, dirfd) : NULL;
    if (!fd)
        return (struct pr_text){"<UNKNOWN>", 9};
    name = pr_text_of(fd->name);
    if (!name.len || name.p[name.len - 1] == '/' || name.len >= PR_PATH_MAX)
        return name;
    memcpy(tmp, name.p, name.len);
    tmp[name.len] = '/';
    return (struct pr_text){tmp, name.len + 1};
}
