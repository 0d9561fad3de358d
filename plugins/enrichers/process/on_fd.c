/* SPDX-License-Identifier: Apache-2.0 */
/* What calls do to descriptors and paths, sockets apart. */
#include "paths.h"
#include "state.h"

#include <stdio.h>
#include <string.h>

enum { O_DIR = 1 << 10, O_UPPER = 1 << 15, O_LOWER = 1 << 16, CREAT_UPPER = 1, CREAT_LOWER = 2 };
enum { DUPFD = 1, SETFD = 3, DUPFD_CLOEXEC = 26, RANGE_UNSHARE = 2, RANGE_CLOEXEC = 4 };

/* The parameters of the open calls, which are in different places. */
struct opened {
    struct pr_text name;
    int64_t dirfd;
    uint32_t flags, dev;
    uint64_t ino;
};

static struct opened opened_by(const struct gyr_event *ev)
{
    struct opened o = {.dirfd = PR_AT_FDCWD};
    uint32_t name = P_SYSCALL_OPEN_X__name, flags = P_SYSCALL_OPEN_X__flags;
    uint32_t dev = P_SYSCALL_OPEN_X__dev;

    if (ev->type == EV_SYSCALL_CREAT_X) {
        dev = P_SYSCALL_CREAT_X__dev;
        flags = UINT32_MAX;
    } else if (ev->type == EV_SYSCALL_OPEN_BY_HANDLE_AT_X) {
        name = P_SYSCALL_OPEN_BY_HANDLE_AT_X__path;
        dev = P_SYSCALL_OPEN_BY_HANDLE_AT_X__dev;
    } else if (ev->type != EV_SYSCALL_OPEN_X) {
        name = P_SYSCALL_OPENAT_2_X__name;
        flags = P_SYSCALL_OPENAT_2_X__flags;
        dev = ev->type == EV_SYSCALL_OPENAT_2_X ? P_SYSCALL_OPENAT_2_X__dev
                                                : P_SYSCALL_OPENAT2_X__dev;
        o.dirfd = pr_param_int(ev, P_SYSCALL_OPENAT_2_X__dirfd, -1);
    }
    o.name = pr_param_is(ev, name) ? pr_param_text_of(ev, name) : (struct pr_text){"<NA>", 4};
    o.flags = (uint32_t)pr_param_num(ev, flags, 0);
    o.dev = (uint32_t)pr_param_num(ev, dev, 0);
    o.ino = pr_param_num(ev, dev + 1, 0);
    if (ev->type == EV_SYSCALL_CREAT_X) {
        uint64_t f = pr_param_num(ev, P_SYSCALL_CREAT_X__creat_flags, 0);

        o.flags |= f & CREAT_UPPER ? O_UPPER : f & CREAT_LOWER ? O_LOWER : 0;
    }
    return o;
}

void pr_on_open(struct pr_state *s, const struct gyr_event *ev)
{
    char tmp[PR_PATH_MAX + 1], out[PR_PATH_MAX];
    struct pr_text dir = {"", 0};
    struct opened o;
    struct pr_fd *fd;
    uint32_t n;

    if (!s->now.thread || s->now.res < 0)
        return;
    o = opened_by(ev);
    if (ev->type != EV_SYSCALL_OPEN_BY_HANDLE_AT_X)
        dir = pr_dir_of(s, o.name, o.dirfd, tmp);
    n = pr_path_join(out, dir, o.name);
    fd = pr_now_add(s, s->now.res);
    if (!fd)
        return;
    fd->type = o.flags & O_DIR ? FD_DIRECTORY : FD_FILE_V2;
    fd->openflags = o.flags;
    fd->dev = o.dev;
    fd->ino = o.ino;
    if (o.flags & O_UPPER)
        fd->flags |= PR_FD_UPPER;
    if (o.flags & O_LOWER)
        fd->flags |= PR_FD_LOWER;
    pr_set(s, &fd->raw, o.name);
    pr_str_set(&s->store, &fd->name, out, n);
}

void pr_on_close(struct pr_state *s, const struct gyr_event *ev)
{
    (void)ev;
    s->now.drop_fd = s->now.res >= 0 && s->now.fd;
}

struct range {
    uint64_t first, last;
};

static bool in_range(struct pr_fd *fd, const void *arg)
{
    const struct range *r = arg;

    return (uint64_t)fd->num >= r->first && (uint64_t)fd->num <= r->last;
}

void pr_on_close_range(struct pr_state *s, const struct gyr_event *ev)
{
    uint64_t flags = pr_param_num(ev, P_SYSCALL_CLOSE_RANGE_X__flags, 0);
    struct pr_fds **t;
    struct range r = {pr_param_num(ev, P_SYSCALL_CLOSE_RANGE_X__first, 1),
                      pr_param_num(ev, P_SYSCALL_CLOSE_RANGE_X__last, 0)};

    if (!s->now.thread || s->now.res < 0)
        return;
    if (flags & RANGE_UNSHARE)
        pr_files_unshare(s, s->now.thread);
    t = pr_thread_fds(s->now.thread);
    if (!t || !*t)
        return;
    if (!(flags & RANGE_CLOEXEC)) {
        pr_fds_drop(&s->store, t, in_range, &r);
        return;
    }
    for (uint32_t i = 0; i < (*t)->cap; i++) {
        struct pr_fd *fd = &(*t)->slots[i];

        if (fd->num == -1 || !in_range(fd, &r) || fd->openflags & PR_O_CLOEXEC)
            continue;
        if ((*t)->refs > 1) { /* a copy has the same places, or the slots are gone through again */
            if (!pr_fds_edit(&s->store, t, fd->num))
                return;
            i = UINT32_MAX;
            continue;
        }
        fd->openflags |= PR_O_CLOEXEC;
    }
}

/* A second descriptor of the same thing as @p of. */
static struct pr_fd *copy_to(struct pr_state *s, const struct pr_fd *of, int64_t num)
{
    struct pr_fd from, *fd;

    /* adding may move the table: keep what the copy needs */
    from = *of;
    if (from.name)
        from.name->refs++;
    if (from.raw)
        from.raw->refs++;
    fd = pr_now_add(s, num);
    if (fd)
        pr_fd_copy(&s->store, fd, &from);
    pr_str_free(&s->store, from.name);
    pr_str_free(&s->store, from.raw);
    return fd;
}

/* The flag to close on exec is each one's own. */
static void set_cloexec(struct pr_fd *fd, bool cloexec)
{
    if (!fd)
        return;
    fd->openflags &= ~PR_O_CLOEXEC;
    if (fd->type == FD_EVENTPOLL || fd->type == FD_MEMFD)
        fd->openflags &= ~1u;
    if (cloexec)
        fd->openflags |= PR_O_CLOEXEC;
}

/* What is copied onto a number may be unknown, as the terminal is that ioctl() opens for script(1):
 * the number's old entry stays then, as in Falco. */
static void add_copy(struct pr_state *s, int64_t num, bool cloexec)
{
    if (s->now.fd && s->now.fd_num != num) /* dup2() to itself does nothing */
        set_cloexec(copy_to(s, s->now.fd, num), cloexec);
}

void pr_on_dup(struct pr_state *s, const struct gyr_event *ev)
{
    bool cloexec = ev->type == EV_SYSCALL_DUP3_X &&
                   pr_param_num(ev, P_SYSCALL_DUP3_X__flags, 0) & PR_O_CLOEXEC;

    if (s->now.res >= 0)
        add_copy(s, s->now.res, cloexec);
}

void pr_on_fcntl(struct pr_state *s, const struct gyr_event *ev)
{
    uint64_t cmd = pr_param_num(ev, P_SYSCALL_FCNTL_X__cmd, 0);

    if (s->now.res < 0)
        return;
    if (cmd == DUPFD || cmd == DUPFD_CLOEXEC)
        add_copy(s, s->now.res, cmd == DUPFD_CLOEXEC);
    else if (cmd == SETFD)
        set_cloexec(pr_now_edit(s), pr_param_num(ev, P_SYSCALL_FCNTL_X__arg, 0) & 1);
}

void pr_on_pipe(struct pr_state *s, const struct gyr_event *ev)
{
    if (s->now.res < 0)
        return;
    for (uint32_t i = P_SYSCALL_PIPE_X__fd1; i <= P_SYSCALL_PIPE_X__fd2; i++) {
        struct pr_fd *fd = pr_now_add(s, pr_param_int(ev, i, -1));

        if (!fd)
            continue;
        fd->type = FD_PIPE;
        fd->ino = pr_param_num(ev, P_SYSCALL_PIPE_X__ino, 0);
        if (ev->type == EV_SYSCALL_PIPE2_X)
            fd->openflags = (uint32_t)pr_param_num(ev, P_SYSCALL_PIPE2_X__flags, 0);
    }
}

/* Calls whose descriptor has a kind and no name. */
static const struct {
    uint16_t event;
    uint8_t type;
    int8_t flags; /* its place; -1: none */
} makers[] = {
    {EV_SYSCALL_EVENTFD_X, FD_EVENT, -1},
    {EV_SYSCALL_EVENTFD2_X, FD_EVENT, P_SYSCALL_EVENTFD2_X__flags},
    {EV_SYSCALL_SIGNALFD_X, FD_SIGNAL, -1},
    {EV_SYSCALL_SIGNALFD4_X, FD_SIGNAL, P_SYSCALL_SIGNALFD4_X__flags},
    {EV_SYSCALL_TIMERFD_CREATE_X, FD_TIMER, P_SYSCALL_TIMERFD_CREATE_X__flags},
    {EV_SYSCALL_INOTIFY_INIT_X, FD_INOTIFY, -1},
    {EV_SYSCALL_INOTIFY_INIT1_X, FD_INOTIFY, P_SYSCALL_INOTIFY_INIT1_X__flags},
    {EV_SYSCALL_BPF_2_X, FD_BPF, -1},
    {EV_SYSCALL_USERFAULTFD_X, FD_USERFAULT, -1},
    {EV_SYSCALL_IO_URING_SETUP_X, FD_IO_URING, -1},
    {EV_SYSCALL_EPOLL_CREATE_X, FD_EVENTPOLL, -1},
    {EV_SYSCALL_EPOLL_CREATE1_X, FD_EVENTPOLL, P_SYSCALL_EPOLL_CREATE1_X__flags},
};

void pr_on_new_fd(struct pr_state *s, const struct gyr_event *ev)
{
    for (size_t i = 0; i < sizeof(makers) / sizeof(makers[0]) && s->now.res >= 0; i++) {
        struct pr_fd *fd;

        if (makers[i].event != ev->type)
            continue;
        fd = pr_now_add(s, s->now.res);
        if (!fd)
            return;
        fd->type = makers[i].type;
        if (makers[i].flags >= 0)
            fd->openflags = (uint32_t)pr_param_num(ev, (uint32_t)makers[i].flags, 0);
    }
}

void pr_on_memfd(struct pr_state *s, const struct gyr_event *ev)
{
    struct pr_fd *fd = s->now.res >= 0 ? pr_now_add(s, s->now.res) : NULL;

    if (!fd)
        return;
    fd->type = FD_MEMFD;
    fd->openflags = (uint32_t)pr_param_num(ev, P_SYSCALL_MEMFD_CREATE_X__flags, 0);
    pr_set(s, &fd->name, pr_param_text_of(ev, P_SYSCALL_MEMFD_CREATE_X__name));
}

void pr_on_pidfd_open(struct pr_state *s, const struct gyr_event *ev)
{
    struct pr_fd *fd = s->now.res >= 0 ? pr_now_add(s, s->now.res) : NULL;
    int64_t pid = pr_param_int(ev, P_SYSCALL_PIDFD_OPEN_X__pid, -1);
    char name[40];
    int n;

    if (!fd)
        return;
    fd->type = FD_PIDFD;
    fd->openflags = (uint32_t)pr_param_num(ev, P_SYSCALL_PIDFD_OPEN_X__flags, 0);
    memcpy(fd->sip, &pid, sizeof(pid));
    n = snprintf(name, sizeof(name), "/proc/%lld", (long long)pid);
    pr_str_set(&s->store, &fd->name, name, (size_t)n);
}

/* A descriptor of another process; NULL when it is not known. */
static const struct pr_fd *fd_of_pidfd(struct pr_state *s, int64_t pidfd, int64_t num)
{
    struct pr_fds **t = pr_thread_fds(s->now.thread);
    const struct pr_fd *of = t ? pr_fds_find(*t, pidfd) : NULL;
    struct pr_thread *owner;
    int64_t pid;

    if (!of || of->type != FD_PIDFD)
        return NULL;
    memcpy(&pid, of->sip, sizeof(pid));
    owner = pr_thread_find(&s->threads, pid);
    t = owner ? pr_thread_fds(owner) : NULL;
    return t ? pr_fds_find(*t, num) : NULL;
}

/* A descriptor taken from another process. */
void pr_on_pidfd_getfd(struct pr_state *s, const struct gyr_event *ev)
{
    const struct pr_fd *of;

    if (s->now.res < 0 || !s->now.thread)
        return;
    of = fd_of_pidfd(s, pr_param_int(ev, P_SYSCALL_PIDFD_GETFD_X__pid_fd, -1),
                     pr_param_int(ev, P_SYSCALL_PIDFD_GETFD_X__target_fd, -1));
    if (of)
        set_cloexec(copy_to(s, of, s->now.res), true);
    else
        pr_fd_forget(s, s->now.res);
}
