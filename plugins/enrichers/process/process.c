/* SPDX-License-Identifier: Apache-2.0 */
/* The enricher "process": threads, processes, descriptors, users, paths and containers of Linux,
 * kept from the events of the "syscall" schema. */
#include "fields.h"
#include "state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { STORE_MIN = 16 << 20 };

static const struct gyr_option options[] = {
    {GYR_OPT(struct pr_config, max_threads, GYR_O_INT, "max_threads", "262144",
             "Most threads known at a time; past it the one least heard of is forgotten."),
     .min = 16, .max = 4194304},
    {GYR_OPT(struct pr_config, max_memory, GYR_O_SIZE, "max_memory", "512M",
             "Most memory for names, arguments and descriptors; when it is nearly full, those who "
             "hold most of it are forgotten."),
     .min = STORE_MIN, .max = INT64_C(1) << 40},
};

/* What is called for an event: at once, or, for calls that only bring numbers up to date and come
 * by the million, when a field of the event is asked for. */
enum { AT_ONCE = 0, LAZY = 1 };

static const struct {
    pr_handler *handler;
    uint8_t lazy;
} handlers[PR_TYPES] = {
    [EV_SYSCALL_CLONE_20_X] = {pr_on_clone, AT_ONCE},
    [EV_SYSCALL_FORK_20_X] = {pr_on_clone, AT_ONCE},
    [EV_SYSCALL_VFORK_20_X] = {pr_on_clone, AT_ONCE},
    [EV_SYSCALL_CLONE3_X] = {pr_on_clone, AT_ONCE},
    [EV_SYSCALL_EXECVE_19_E] = {pr_on_execve_enter, AT_ONCE},
    [EV_SYSCALL_EXECVE_19_X] = {pr_on_exec, AT_ONCE},
    [EV_SYSCALL_EXECVEAT_E] = {pr_on_execveat_enter, AT_ONCE},
    [EV_SYSCALL_EXECVEAT_X] = {pr_on_exec, AT_ONCE},
    [EV_PROCEXIT_1_E] = {pr_on_exit, AT_ONCE},
    [EV_SYSCALL_CHDIR_X] = {pr_on_chdir, AT_ONCE},
    [EV_SYSCALL_FCHDIR_X] = {pr_on_fchdir, AT_ONCE},
    [EV_SYSCALL_GETCWD_X] = {pr_on_getcwd, AT_ONCE},
    [EV_SYSCALL_CHROOT_X] = {pr_on_chroot, AT_ONCE},
    [EV_SYSCALL_SETUID_X] = {pr_on_setuid, AT_ONCE},
    [EV_SYSCALL_SETRESUID_X] = {pr_on_setuid, AT_ONCE},
    [EV_SYSCALL_SETREUID_X] = {pr_on_setuid, AT_ONCE},
    [EV_SYSCALL_SETGID_X] = {pr_on_setgid, AT_ONCE},
    [EV_SYSCALL_SETRESGID_X] = {pr_on_setgid, AT_ONCE},
    [EV_SYSCALL_SETREGID_X] = {pr_on_setgid, AT_ONCE},
    [EV_SYSCALL_SETSID_X] = {pr_on_setsid, AT_ONCE},
    [EV_SYSCALL_CAPSET_X] = {pr_on_capset, AT_ONCE},
    [EV_SYSCALL_UNSHARE_X] = {pr_on_namespace, AT_ONCE},
    [EV_SYSCALL_SETNS_X] = {pr_on_namespace, AT_ONCE},
    [EV_SYSCALL_PRCTL_X] = {pr_on_prctl, AT_ONCE},
    [EV_SYSCALL_GETRLIMIT_X] = {pr_on_rlimit, LAZY},
    [EV_SYSCALL_SETRLIMIT_X] = {pr_on_rlimit, AT_ONCE},
    [EV_SYSCALL_PRLIMIT_X] = {pr_on_prlimit, AT_ONCE},
    [EV_SCHEDSWITCH_6_E] = {pr_on_switch, LAZY},
    [EV_SYSCALL_BRK_4_X] = {pr_on_memory, LAZY},
    [EV_SYSCALL_MMAP_X] = {pr_on_memory, LAZY},
    [EV_SYSCALL_MMAP2_X] = {pr_on_memory, LAZY},
    [EV_SYSCALL_MUNMAP_X] = {pr_on_memory, LAZY},
    [EV_USER_ADDED_E] = {pr_on_account_note, AT_ONCE},
    [EV_USER_DELETED_E] = {pr_on_account_note, AT_ONCE},
    [EV_GROUP_ADDED_E] = {pr_on_account_note, AT_ONCE},
    [EV_GROUP_DELETED_E] = {pr_on_account_note, AT_ONCE},
    [EV_SYSCALL_OPEN_X] = {pr_on_open, AT_ONCE},
    [EV_SYSCALL_OPENAT_2_X] = {pr_on_open, AT_ONCE},
    [EV_SYSCALL_OPENAT2_X] = {pr_on_open, AT_ONCE},
    [EV_SYSCALL_CREAT_X] = {pr_on_open, AT_ONCE},
    [EV_SYSCALL_OPEN_BY_HANDLE_AT_X] = {pr_on_open, AT_ONCE},
    [EV_SYSCALL_CLOSE_X] = {pr_on_close, AT_ONCE},
    [EV_SYSCALL_CLOSE_RANGE_X] = {pr_on_close_range, AT_ONCE},
    [EV_SYSCALL_DUP_1_X] = {pr_on_dup, AT_ONCE},
    [EV_SYSCALL_DUP2_X] = {pr_on_dup, AT_ONCE},
    [EV_SYSCALL_DUP3_X] = {pr_on_dup, AT_ONCE},
    [EV_SYSCALL_FCNTL_X] = {pr_on_fcntl, AT_ONCE},
    [EV_SYSCALL_PIPE_X] = {pr_on_pipe, AT_ONCE},
    [EV_SYSCALL_PIPE2_X] = {pr_on_pipe, AT_ONCE},
    [EV_SYSCALL_EVENTFD_X] = {pr_on_new_fd, AT_ONCE},
    [EV_SYSCALL_EVENTFD2_X] = {pr_on_new_fd, AT_ONCE},
    [EV_SYSCALL_SIGNALFD_X] = {pr_on_new_fd, AT_ONCE},
    [EV_SYSCALL_SIGNALFD4_X] = {pr_on_new_fd, AT_ONCE},
    [EV_SYSCALL_TIMERFD_CREATE_X] = {pr_on_new_fd, AT_ONCE},
    [EV_SYSCALL_INOTIFY_INIT_X] = {pr_on_new_fd, AT_ONCE},
    [EV_SYSCALL_INOTIFY_INIT1_X] = {pr_on_new_fd, AT_ONCE},
    [EV_SYSCALL_BPF_2_X] = {pr_on_new_fd, AT_ONCE},
    [EV_SYSCALL_USERFAULTFD_X] = {pr_on_new_fd, AT_ONCE},
    [EV_SYSCALL_IO_URING_SETUP_X] = {pr_on_new_fd, AT_ONCE},
    [EV_SYSCALL_EPOLL_CREATE_X] = {pr_on_new_fd, AT_ONCE},
    [EV_SYSCALL_EPOLL_CREATE1_X] = {pr_on_new_fd, AT_ONCE},
    [EV_SYSCALL_MEMFD_CREATE_X] = {pr_on_memfd, AT_ONCE},
    [EV_SYSCALL_PIDFD_OPEN_X] = {pr_on_pidfd_open, AT_ONCE},
    [EV_SYSCALL_PIDFD_GETFD_X] = {pr_on_pidfd_getfd, AT_ONCE},
    [EV_SOCKET_SOCKET_X] = {pr_on_socket, AT_ONCE},
    [EV_SOCKET_SOCKETPAIR_X] = {pr_on_socketpair, AT_ONCE},
    [EV_SOCKET_BIND_X] = {pr_on_bind, AT_ONCE},
    [EV_SOCKET_CONNECT_X] = {pr_on_connect, AT_ONCE},
    [EV_SOCKET_ACCEPT_5_X] = {pr_on_accept, AT_ONCE},
    [EV_SOCKET_ACCEPT4_6_X] = {pr_on_accept, AT_ONCE},
    [EV_SYSCALL_READ_X] = {pr_on_read, LAZY},
    [EV_SYSCALL_READV_X] = {pr_on_read, LAZY},
    [EV_SYSCALL_PREAD_X] = {pr_on_read, LAZY},
    [EV_SYSCALL_PREADV_X] = {pr_on_read, LAZY},
    [EV_SOCKET_RECV_X] = {pr_on_read, AT_ONCE},
    [EV_SOCKET_RECVFROM_X] = {pr_on_read, AT_ONCE},
    [EV_SOCKET_RECVMSG_X] = {pr_on_read, AT_ONCE},
    [EV_SOCKET_RECVMMSG_X] = {pr_on_read, AT_ONCE},
    [EV_SYSCALL_WRITE_X] = {pr_on_write, LAZY},
    [EV_SYSCALL_WRITEV_X] = {pr_on_write, LAZY},
    [EV_SYSCALL_PWRITE_X] = {pr_on_write, LAZY},
    [EV_SYSCALL_PWRITEV_X] = {pr_on_write, LAZY},
    [EV_SOCKET_SEND_X] = {pr_on_write, AT_ONCE},
    [EV_SOCKET_SENDTO_X] = {pr_on_write, AT_ONCE},
    [EV_SOCKET_SENDMSG_X] = {pr_on_write, AT_ONCE},
    [EV_SOCKET_SENDMMSG_X] = {pr_on_write, AT_ONCE},
};

/* The names of all that is heard at once. */
static const char *const heard[] = {"gyr.snapshot_begin",
                                    "gyr.snapshot_end",
                                    "snapshot.machine",
                                    "snapshot.process",
                                    "snapshot.fd",
                                    "snapshot.user",
                                    "snapshot.group",
                                    "snapshot.interface",
                                    "clone",
                                    "fork",
                                    "vfork",
                                    "clone3",
                                    "execve",
                                    "execveat",
                                    "procexit",
                                    "chdir",
                                    "fchdir",
                                    "getcwd",
                                    "chroot",
                                    "setuid",
                                    "setresuid",
                                    "setreuid",
                                    "setgid",
                                    "setresgid",
                                    "setregid",
                                    "setsid",
                                    "capset",
                                    "unshare",
                                    "setns",
                                    "prctl",
                                    "setrlimit",
                                    "prlimit",
                                    "useradded",
                                    "userdeleted",
                                    "groupadded",
                                    "groupdeleted",
                                    "open",
                                    "openat",
                                    "openat2",
                                    "creat",
                                    "open_by_handle_at",
                                    "close",
                                    "close_range",
                                    "dup",
                                    "dup2",
                                    "dup3",
                                    "fcntl",
                                    "pipe",
                                    "pipe2",
                                    "eventfd",
                                    "eventfd2",
                                    "signalfd",
                                    "signalfd4",
                                    "timerfd_create",
                                    "inotify_init",
                                    "inotify_init1",
                                    "bpf",
                                    "userfaultfd",
                                    "io_uring_setup",
                                    "epoll_create",
                                    "epoll_create1",
                                    "memfd_create",
                                    "pidfd_open",
                                    "pidfd_getfd",
                                    "socket",
                                    "socketpair",
                                    "bind",
                                    "connect",
                                    "accept",
                                    "accept4",
                                    "recv",
                                    "recvfrom",
                                    "recvmsg",
                                    "recvmmsg",
                                    "send",
                                    "sendto",
                                    "sendmsg",
                                    "sendmmsg",
                                    NULL};

/* Whether the event gave a descriptor its name, or another one. A copy's name is not new. */
static bool is_renamed(const struct pr_now *n, pr_handler *by, const struct pr_str *old)
{
    struct pr_text now, was = pr_text_of(old);

    if (!n->fd || by == pr_on_dup || by == pr_on_fcntl || by == pr_on_pidfd_getfd)
        return false;
    now = pr_text_of(n->fd->name);
    if (n->type->traits & T_CREATES_FD)
        return now.len != 0;
    return now.len != was.len || memcmp(now.p, was.p, now.len) != 0;
}

/* It is in what a snapshot told later already, and is not to happen to that once more: all of it
 * when only state is built; else what builds on what was before. */
static bool is_past(const struct pr_now *n, const struct gyr_event *ev)
{
    pr_handler *handler = handlers[ev->type].handler;

    if (!n->thread || ev->ts_ns >= n->thread->told || handler == pr_on_clone)
        return false;
    return ev->flags & GYR_EVF_SNAPSHOT || handler == pr_on_chdir || handler == pr_on_fchdir ||
           handler == pr_on_chroot || handler == pr_on_exec || handler == pr_on_exit;
}

static void handle(struct pr_state *s, const struct gyr_event *ev)
{
    pr_handler *handler = handlers[ev->type].handler;
    struct pr_str *old = s->now.fd ? s->now.fd->name : NULL;

    if (old)
        old->refs++;
    handler(s, ev);
    s->now.name_changed = is_renamed(&s->now, handler, old);
    pr_str_free(&s->store, old);
}

/* ---- the calls of the core ---- */

void pr_look_at(struct pr_state *s, const struct gyr_event *ev)
{
    if (!pr_now_set(s, ev))
        return;
    if (ev->type < PR_TYPES && handlers[ev->type].handler && handlers[ev->type].lazy)
        handle(s, ev);
}

static void on_snapshot_event(struct pr_state *s, const struct gyr_event *ev)
{
    switch (ev->type) {
    case EV_SNAP_MACHINE:
        pr_on_machine(s, ev);
        break;
    case EV_SNAP_PROCESS:
        pr_on_process(s, ev);
        break;
    case EV_SNAP_FD:
        pr_on_fd(s, ev);
        break;
    case EV_SNAP_USER:
    case EV_SNAP_GROUP:
        pr_on_account(s, ev);
        break;
    case EV_SNAP_INTERFACE:
        pr_on_interface(s, ev);
        break;
    case GYR_EV_SNAPSHOT_BEGIN:
        pr_on_snapshot_begin(s);
        break;
    case GYR_EV_SNAPSHOT_END:
        pr_on_snapshot_end(s, ev);
        break;
    default:
        break;
    }
}

static int process_on_event(void *self, uint32_t which, const struct gyr_event *ev)
{
    struct pr_state *s = self;

    (void)which;
    s->now.ev = NULL; /* the last one's thread may go now */
    pr_room_make(s);
    if (ev->type >= PR_TYPES) {
        on_snapshot_event(s, ev);
        return 0;
    }
    if (s->sweep_ts && ev->ts_ns > s->sweep_ts)
        pr_snapshot_sweep(s);
    (void)pr_now_set(s, ev);
    if (handlers[ev->type].handler && !is_past(&s->now, ev))
        handle(s, ev);
    return s->now.drop_fd || s->now.drop_thread ? GYR_AFTER : 0;
}

static void process_after_event(void *self, const struct gyr_event *ev)
{
    struct pr_state *s = self;
    struct pr_now *n = &s->now;
    struct pr_fds **t;

    if (n->ev != ev || !n->thread)
        return;
    t = pr_thread_fds(n->thread);
    if (n->drop_fd && t)
        pr_fds_del(&s->store, t, n->fd_num);
    if (n->drop_thread) {
        pr_threads_note_gone(&s->threads, n->thread, ev->ts_ns);
        pr_thread_remove(&s->threads, n->thread->tid);
    }
    n->ev = NULL;
}

static void process_destroy(void *self)
{
    struct pr_state *s = self;

    if (!s)
        return;
    pr_bindings_free(s);
    pr_threads_free(&s->threads);
    pr_accounts_free(&s->accounts);
    pr_store_free_all(&s->store);
    free(s);
}

static int process_create(const struct gyr_host *host, const void *cfg, void **ret_self,
                          struct gyr_error *err)
{
    struct pr_state *s = calloc(1, sizeof(*s));

    if (!s)
        return gyr_fail(err, -ENOMEM, "no memory");
    s->host = host;
    s->cfg = cfg;
    pr_store_init(&s->store, s->cfg->max_memory);
    pr_threads_init(&s->threads, &s->store, (uint32_t)s->cfg->max_threads);
    pr_accounts_init(&s->accounts, &s->store);
    pr_places_init(s);
    *ret_self = s;
    return 0;
}

/* What was lost to ceilings is told once, at the end. */
static void process_stop(void *self)
{
    struct pr_state *s = self;
    const struct gyr_host *h = s->host;

    (void)h->metric_add(h->ctx, "threads_evicted", s->threads.evicted);
    (void)h->metric_add(h->ctx, "memory_refused", s->store.failures);
    (void)h->metric_add(h->ctx, "accounts_refused", s->accounts.refused);
    (void)h->metric_add(h->ctx, "passed_fds_unknown", s->looks_refused);
    (void)h->metric_add(h->ctx, "descriptors_forgotten", s->forgotten);
    s->forgotten = 0;
    s->threads.evicted = s->store.failures = s->accounts.refused = s->looks_refused = 0;
}

static int process_start(void *self, struct gyr_error *err)
{
    (void)self;
    (void)err;
    return 0;
}

static const struct gyr_enricher_ops enricher = {
    .size = sizeof(struct gyr_enricher_ops),
    .schema = "syscall",
    .events = heard,
    .fields = &pr_fields[0].field,
    .n_fields = PR_N_FIELDS,
    .field_stride = sizeof(struct pr_field),
    .on_event = process_on_event,
    .after_event = process_after_event,
    .bind = pr_bind,
    .unbind = pr_unbind,
    .get = pr_get,
    .param_text = pr_param_text,
};

static const struct gyr_plugin plugin = {
    GYR_PLUGIN_HEAD,
    .name = "process",
    .version = "0.1.0",
    .license = "Apache-2.0",
    .summary = "threads, processes, descriptors, users, paths and container ids of Linux",
    .enricher = &enricher,
    .options = options,
    .n_options = sizeof(options) / sizeof(options[0]),
    .config_size = sizeof(struct pr_config),
    .create = process_create,
    .start = process_start,
    .stop = process_stop,
    .destroy = process_destroy,
};

GYR_EXPORT_PLUGIN(plugin)
