/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors of the process at hand. */
#include "proc_priv.h"

#include "probe/flags_open.h"
#include "syscall/syscall.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

enum { FD_PARAMS = 10, INFO_MAX = 512 };
/* What is read of an entry of fdinfo. */
struct info {
    uint64_t flags, mount, pid;
};

static bool read_info(struct proc_snapshot *s, const char *name, struct info *ret)
{
    int n = s->fdinfo < 0 ? -ENOENT : proc_read_once(s->fdinfo, name, s->buf, INFO_MAX);
    struct proc_text t = proc_text(s->buf, n > 0 ? (size_t)n : 0), line;

    *ret = (struct info){0};
    while (proc_upto(&t, '\n', &line)) {
        struct proc_text key;

        if (!proc_upto(&line, ':', &key))
            continue;
        if (proc_begins(&key, "flags"))
            ret->flags = proc_word_num(&line, 8);
        else if (proc_begins(&key, "mnt_id"))
            ret->mount = proc_word_num(&line, 10);
        else if (proc_begins(&key, "Pid"))
            ret->pid = proc_word_num(&line, 10);
    }
    return n > 0;
}

static void put_name(struct scap_view *v, const char *p, size_t len)
{
    scap_view_text(v, P_SNAP_FD__name, (const uint8_t *)p, len);
}

static void put_type(struct scap_view *v, uint8_t type, uint64_t ino)
{
    scap_view_uint(v, P_SNAP_FD__type, type, 1);
    scap_view_uint(v, P_SNAP_FD__ino, ino, 8);
}

/* ---- sockets ---- */

/* Family, then source address and port, destination address and port; of a socket that listens
 * the destination is zero. */
static void put_inet(struct proc_snapshot *s, const struct proc_socket *sock)
{
    bool is6 = sock->type == FD_IPV6 || sock->type == FD_IPV6_SERVER;
    size_t n = is6 ? 16 : 4, dst = 1 + n + 2;

    s->tuple[0] = is6 ? AF_INET6 : AF_INET;
    memcpy(s->tuple + 1, sock->sip, n);
    memcpy(s->tuple + 1 + n, &sock->sport, 2);
    memcpy(s->tuple + dst, sock->dip, n);
    memcpy(s->tuple + dst + n, &sock->dport, 2);
    scap_view_bytes(&s->view, P_SNAP_FD__tuple, s->tuple, dst + n + 2);
}

/* Family, the kernel's pointers to both ends (the other one's is not told), and the path. */
static void put_unix(struct proc_snapshot *s, const struct proc_socket *sock)
{
    const char *path = sock->path ? s->sockets.text + sock->path : "";

    s->tuple[0] = AF_UNIX;
    memcpy(s->tuple + 1, &sock->kernel_ptr, 8);
    memset(s->tuple + 9, 0, 8);
    memcpy(s->tuple + 17, path, sock->path_len);
    put_name(&s->view, path, sock->path_len);
    scap_view_text(&s->view, P_SNAP_FD__tuple, s->tuple, 17 + sock->path_len);
}

static void put_socket(struct proc_snapshot *s, const char *name, uint64_t ino)
{
    const struct proc_socket *sock = proc_socket_find(s, ino);
    struct proc_socket asked = {0};
    struct scap_view *v = &s->view;

    if (!sock)
        proc_socket_ask(s, name, &asked);
    put_type(v, sock ? sock->type : asked.type, ino);
    if (!sock && asked.l4)
        scap_view_uint(v, P_SNAP_FD__l4proto, asked.l4, 1);
    if (!sock || sock->type == FD_NETLINK) {
        put_name(v, "", 0);
    } else if (sock->type == FD_UNIX) {
        put_unix(s, sock);
    } else {
        put_inet(s, sock);
        scap_view_uint(v, P_SNAP_FD__l4proto, sock->l4, 1);
    }
}

/* ---- the others ---- */

static void put_anon(struct proc_snapshot *s, const char *name, const struct proc_text *link,
                     uint64_t ino)
{
    static const struct {
        const char *name;
        uint8_t type;
    } kinds[] = {{"[eventfd", FD_EVENT},
                 {"[eventpoll", FD_EVENTPOLL},
                 {"[signalfd", FD_SIGNAL},
                 {"[timerfd", FD_TIMER},
                 {"inotify", FD_INOTIFY},
                 {"[inotify", FD_INOTIFY},
                 {"bpf", FD_BPF},
                 {"[bpf", FD_BPF},
                 {"[userfaultfd", FD_USERFAULT},
                 {"[io_uring", FD_IO_URING},
                 {"[pidfd", FD_PIDFD}};
    struct proc_text kind = {link->p + strlen("anon_inode:"), link->end};
    uint8_t type = FD_UNSUPPORTED;
    struct info info;
    size_t len = 0;

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && type == FD_UNSUPPORTED; i++)
        if (proc_begins(&kind, kinds[i].name))
            type = kinds[i].type;
    put_type(&s->view, type, ino);
    /* its events call it by the folder of the process */
    if (type == FD_PIDFD && read_info(s, name, &info) && info.pid > 0 && info.pid <= INT32_MAX) {
        struct proc_name pid = proc_name_of(info.pid);

        len = (size_t)snprintf(s->link, sizeof(s->link), "/proc/%s", pid.s);
    }
    put_name(&s->view, s->link, len);
}

static void put_file(struct proc_snapshot *s, const char *name, const struct proc_text *link,
                     const struct statx *st)
{
    static const char memfd[] = "/memfd:", gone[] = " (deleted)";
    struct scap_view *v = &s->view;
    struct proc_text shown = *link;
    uint8_t type = FD_FILE_V2;
    struct info info;

    if (S_ISFIFO(st->stx_mode)) {
        put_type(v, FD_PIPE, st->stx_ino);
        put_name(v, link->p, proc_left(link));
        return;
    }
    if (S_ISDIR(st->stx_mode)) {
        type = FD_DIRECTORY;
    } else if (proc_begins(link, memfd) && proc_ends(link, gone)) {
        type = FD_MEMFD;
        shown.p += sizeof(memfd) - 1;
        shown.end -= sizeof(gone) - 1;
    }
    put_type(v, type, st->stx_ino);
    put_name(v, shown.p, proc_left(&shown));
    if (!read_info(s, name, &info))
        return;
    scap_view_uint(v, P_SNAP_FD__flags, flags_open_file(info.flags), 4);
    scap_view_uint(v, P_SNAP_FD__dev, proc_dev_of(s, info.mount, st), 4);
    scap_view_uint(v, P_SNAP_FD__mount_id, info.mount, 4);
}

/* @return 0; a negative number: it has been closed. */
static int fill(struct proc_snapshot *s, const char *name)
{
    int n = proc_read_link(s->fds_dir.fd, name, s->link, sizeof(s->link));
    struct proc_text link = proc_text(s->link, n > 0 ? (size_t)n : 0);
    struct statx st = {0};
    uint64_t ino;

    if (n < 0 && n != -ENAMETOOLONG)
        return n;
    if (proc_bracketed(&link, "socket:[", &ino)) {
        put_socket(s, name, ino);
        return 0;
    }
    if (proc_bracketed(&link, "pipe:[", &ino)) {
        put_type(&s->view, FD_PIPE, ino);
        put_name(&s->view, "", 0);
        return 0;
    }
    /* what a file system cannot say of a file it has lost is not waited for */
    if (statx(s->fds_dir.fd, name, AT_STATX_DONT_SYNC, STATX_TYPE | STATX_INO, &st) < 0 &&
        errno == ENOENT)
        return -ENOENT;
    if (proc_begins(&link, "anon_inode:"))
        put_anon(s, name, &link, st.stx_ino);
    else
        put_file(s, name, &link, &st);
    return 0;
}

int proc_fd_next(struct proc_snapshot *s)
{
    struct scap_view *v = &s->view;
    uint32_t fd;

    while (proc_dir_next(&s->fds_dir, &fd) > 0) {
        struct proc_name name = proc_name_of(fd);
        int r;

        if (s->n_fds >= s->max_fds) {
            s->stats.cut++;
            continue;
        }
        scap_view_start(v, EV_SNAP_FD, FD_PARAMS, GYR_EVF_SNAPSHOT);
        r = proc_note(s, fill(s, name.s));
        if (r < 0) {
            s->stats.vanished += r == -ENOENT;
            continue;
        }
        v->tid = s->main.tid;
        scap_view_uint(v, P_SNAP_FD__tid, (uint64_t)s->main.tid, 8);
        scap_view_uint(v, P_SNAP_FD__fd, fd, 8);
        s->n_fds++;
        s->stats.fds++;
        return 1;
    }
    return 0;
}
