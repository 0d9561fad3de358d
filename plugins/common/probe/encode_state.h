/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/**
 * @file encode_state.h
 * @brief Encoders of what is there already: a thread, and an open descriptor of any process. They
 * tell what plugins/common/proc reads of the same in /proc.
 */
#ifndef PROBE_ENCODE_STATE_H
#define PROBE_ENCODE_STATE_H

#include "process.h"
#include "socket.h"

enum { PIDS_SID = 3, STATE_THREADS_MAX = 24, TASK_EXITING = 4, CLONE_OF_SNAPSHOT = 0x2001 };

/** What does not come from the thread itself. */
struct state_from {
    struct task_struct *root; /**< paths are told from its root */
    u64 epoch_ns;
    const u8 *args, *env; /**< of the process, with a NUL at the end */
    u32 args_len, env_len;
    u32 max; /**< bytes of each at most: a power of two, and one more may be read */
};

/** A thread of the process that has not ended: its main thread, if that has not. */
static PRIM_INLINE struct task_struct *state_live(struct task_struct *task)
{
    struct signal_struct *sig = KREAD(task, signal);
    struct list_head *head = &sig->thread_head, *at;
    struct task_struct *t;

    if (!(KREAD(task, flags) & TASK_EXITING))
        return task;
    at = KREAD(head, next);
    for (u32 i = 0; i < STATE_THREADS_MAX && at && at != head; i++, at = KREAD(at, next)) {
        t = (struct task_struct *)((u8 *)at - PRIM_OFFSETOF(struct task_struct, thread_node));
        if (!(KREAD(t, flags) & TASK_EXITING))
            return t;
    }
    return task;
}

static PRIM_INLINE void state_copy(struct enc *e, const u8 *text, u64 from, u64 len, u32 max)
{
    PRIM_BOUND(from, 2 * max - 1);
    PRIM_BOUND(len, 2 * max - 1);
    PRIM_BOUND(e->pos, ENC_ROOM - 1);
    if (from <= max && len && len <= max &&
        prim_kernel_read(e->buf + e->pos, len, text + from) == 0)
        e->pos += len;
    PRIM_SETTLE(e->pos, e->buf + ENC_ROOM + ENC_SLACK - 8, ENC_ROOM - 1);
}

static PRIM_INLINE void state_path(struct enc *e, const struct path *path,
                                   const struct state_from *from)
{
    enc_check_width(e, 0);
    if (KREAD(path, dentry))
        prim_path_from(e, path, from->root);
    else
        enc_more_u8(e, 0);
    enc_close(e);
}

/* A folder, with a slash behind it. */
static PRIM_INLINE void state_folder(struct enc *e, const struct path *path,
                                     const struct state_from *from)
{
    u64 begin = e->pos;

    prim_path_from(e, path, from->root);
    if (e->pos > begin + 2) { /* over the NUL */
        u64 at = e->pos - 1;

        PRIM_BOUND(at, ENC_ROOM - 1);
        e->buf[at] = '/';
        enc_more_u8(e, 0);
    }
    enc_close(e);
}

static PRIM_INLINE void state_texts(struct enc *e, const struct state_from *from)
{
    u64 begin = e->pos;

    PRIM_BOUND(begin, ENC_ROOM - 1);
    enc_check_width(e, 0);
    if (from->args_len)
        enc_take(e, prim_kernel_str(e->buf + begin, PROBE_STR_MAX, from->args), PROBE_STR_MAX);
    else
        enc_more_u8(e, 0);
    enc_close(e);
}

/* The number that a pid has in its own namespace, and its place there. */
static PRIM_INLINE void state_ids(struct enc *e, struct task_struct *task)
{
    struct signal_struct *sig = KREAD(task, signal);
    struct pid *pid = KREAD(task, thread_pid);
    u32 level = KREAD(pid, level);

    enc_s64(e, KREAD(task, pid));
    enc_s64(e, KREAD(task, tgid));
    enc_s64(e, KREAD(task, real_parent, tgid));
    enc_s64(e, process_nr(KREAD(sig, pids[PIDS_SID]), 0));
    enc_s64(e, process_nr(KREAD(sig, pids[PIDS_PGID]), level));
    enc_s64(e, process_nr(KREAD(sig, pids[PIDS_PGID]), 0));
    enc_s64(e, process_nr(pid, level));
    enc_s64(e, process_nr(KREAD(task, group_leader, thread_pid), level));
}

static PRIM_INLINE void state_program(struct enc *e, const struct cred *cred, struct file *exe)
{
    struct inode *inode = KREAD(exe, f_inode);

    enc_u32(e, exe ? process_exe_flags(cred, exe) : 0);
    enc_u64(e, process_cap(&cred->cap_inheritable));
    enc_u64(e, process_cap(&cred->cap_permitted));
    enc_u64(e, process_cap(&cred->cap_effective));
    enc_u64(e, KREAD(inode, i_ino));
    enc_u64(e, exe ? prim_ctime(inode) : 0);
    enc_u64(e, exe ? prim_mtime(inode) : 0);
    if (exe) {
        enc_u32(e, file_dev(KREAD(inode, i_sb, s_dev)));
        enc_u64(e, (u64)prim_mount_id(KREAD(exe, f_path.mnt)));
    } else {
        enc_none(e);
        enc_none(e);
    }
}

static PRIM_INLINE void encode_thread(struct enc *e, struct task_struct *task,
                                      const struct state_from *from)
{
    struct task_struct *live = state_live(task);
    struct mm_struct *mm = KREAD(live, mm);
    struct fs_struct *fs = KREAD(live, fs);
    struct file *exe = KREAD(mm, exe_file);
    const struct cred *cred = KREAD(task, real_cred);
    bool main = KREAD(task, pid) == KREAD(task, tgid);
    u64 begin;
    u32 login;

    state_ids(e, task);
    enc_kernel_str(e, &task->comm);
    begin = e->pos;
    state_texts(e, from);
    begin = e->pos - begin;
    state_path(e, &exe->f_path, from);
    state_copy(e, from->args, begin, from->args_len - begin, from->max);
    enc_close(e);
    if (main)
        state_copy(e, from->env, 0, from->env_len, from->max);
    enc_close(e);
    prim_cgroups(e, task);
    enc_close(e);
    state_folder(e, &fs->pwd, from);
    state_path(e, &fs->root, from);
    enc_s64(e, (s64)KREAD(task, signal, rlim[LIMIT_NOFILE].rlim_cur));
    enc_u32(e, main ? 0 : CLONE_OF_SNAPSHOT);
    enc_u32(e, KREAD(cred, euid.val));
    enc_u32(e, KREAD(cred, egid.val));
    login = KREAD(task, loginuid.val);
    enc_s64(e, (s32)login);
    enc_u32(e, process_tty(task));
    process_memory(e, mm);
    enc_u64(e, KREAD(task, maj_flt));
    enc_u64(e, KREAD(task, min_flt));
    enc_u64(e, from->epoch_ns + prim_start_time(task));
    enc_u64(e, from->epoch_ns + process_pidns_start(task, process_level(task)));
    state_program(e, cred, exe);
}

/* ---- descriptors ---- */

enum {
    MAGIC_ANON = 0x09041934,
    MAGIC_PIPES = 0x50495045,
    MAGIC_SOCKETS = 0x534f434b,
    MAGIC_PIDFDS = 0x50494446, /* 6.9 */
    MAGIC_NAMESPACES = 0x6e736673,
    MODE_KIND = 0170000,
    MODE_FIFO = 0010000,
    MODE_DIR = 0040000,
    NAME_MAX_KIND = 16,
    PREFIX_MEMFD = 6, /* "memfd:" */
    SOCK_CLOSED = 7,
    KIND_STREAM = 1,
    KIND_RAW = 3
};

static PRIM_INLINE u32 state_flags(const struct file *file, bool cloexec)
{
    u64 v = KREAD(file, f_flags) & ~(u64)NAT_O_CLOEXEC;

    return flags_open_file(v | (cloexec ? NAT_O_CLOEXEC : 0));
}

static PRIM_INLINE void state_number(struct enc *e, u32 v)
{
    u32 div = 1000000000;
    bool on = false;

    for (u32 i = 0; i < 10; i++, div /= 10) {
        u32 digit = v / div % 10;

        on = on || digit || div == 1;
        if (on)
            enc_more_u8(e, (u8)('0' + digit));
    }
    PRIM_SETTLE(e->pos, e->buf + ENC_ROOM + ENC_SLACK - 8, ENC_ROOM - 1);
}

/* The first bytes of a name as a number: compared so, and not in a loop. */
#define STATE_WORD(a, b, c, d)                                                                     \
    ((u32)(u8)(a) | (u32)(u8)(b) << 8 | (u32)(u8)(c) << 16 | (u32)(u8)(d) << 24)

/* By the name of what has no file system of its own; some stand in brackets. */
static PRIM_INLINE u8 state_anon(const struct dentry *d)
{
    u64 name[2] = {0, 0};
    u32 first, sixth;

    if (prim_kernel_str(name, sizeof(name), KREAD(d, d_name.name)) <= 0)
        return FD_UNSUPPORTED;
    if ((u8)name[0] == '[')
        name[0] >>= 8;
    first = (u32)name[0];
    sixth = (u8)(name[0] >> 40); /* eventfd, eventpoll */
    switch (first) {
    case STATE_WORD('e', 'v', 'e', 'n'):
        return sixth == 'f' ? FD_EVENT : sixth == 'p' ? FD_EVENTPOLL : FD_UNSUPPORTED;
    case STATE_WORD('s', 'i', 'g', 'n'):
        return FD_SIGNAL;
    case STATE_WORD('t', 'i', 'm', 'e'):
        return FD_TIMER;
    case STATE_WORD('i', 'n', 'o', 't'):
        return FD_INOTIFY;
    case STATE_WORD('u', 's', 'e', 'r'):
        return FD_USERFAULT;
    case STATE_WORD('i', 'o', '_', 'u'):
        return FD_IO_URING;
    case STATE_WORD('p', 'i', 'd', 'f'):
        return FD_PIDFD;
    default:
        return (first & 0xffffff) == STATE_WORD('b', 'p', 'f', 0) ? FD_BPF : FD_UNSUPPORTED;
    }
}

static PRIM_INLINE bool state_is_memfd(const struct dentry *d)
{
    u32 word = 0;

    if (d != KREAD(d, d_parent))
        return false;
    (void)prim_kernel_read(&word, sizeof(word), KREAD(d, d_name.name));
    return word == STATE_WORD('m', 'e', 'm', 'f');
}

/* Protocols as captures number them. */
static PRIM_INLINE u8 state_l4(u32 type, u32 protocol)
{
    enum { ICMP = 1, TCP = 6, UDP = 17, ICMP6 = 58, MPTCP = 262 };
    enum { L4_NONE = 0, L4_TCP = 2, L4_UDP = 3, L4_ICMP = 4, L4_RAW = 5 };

    return type == KIND_RAW                        ? L4_RAW
           : protocol == TCP || protocol == MPTCP  ? L4_TCP
           : protocol == UDP                       ? L4_UDP
           : protocol == ICMP || protocol == ICMP6 ? L4_ICMP
                                                   : L4_NONE;
}

/* type to l4proto, of a socket. */
static PRIM_INLINE void state_socket(struct enc *e, const struct sock *sk, u64 ino)
{
    u32 type = KREAD(sk, sk_type), family = sock_family(sk);
    u8 l4 = state_l4(type, KREAD(sk, sk_protocol)), kind = FD_UNSUPPORTED;
    bool is6 = family == FAMILY_INET6, unix = family == FAMILY_UNIX, inet, bound, other;
    struct ends s = {0};
    enum { FAMILY_NETLINK = 16 };

    sock_ends(sk, &s);
    inet = (family == FAMILY_INET || is6) && l4;
    /* one that neither listens nor is connected has no ends, whatever it is bound to */
    bound = inet && (type == KIND_STREAM ? KREAD(sk, __sk_common.skc_state) != SOCK_CLOSED
                                         : s.local.port || s.remote.port);
    other = is6 ? s.remote.v6[0] || s.remote.v6[1] : s.remote.v4 != 0;
    if (inet)
        kind = bound && !other ? (is6 ? FD_IPV6_SERVER : FD_IPV4_SERVER) : is6 ? FD_IPV6 : FD_IPV4;
    else if (unix)
        kind = FD_UNIX;
    else if (family == FAMILY_NETLINK)
        kind = FD_NETLINK;
    enc_u8(e, kind);
    enc_u64(e, ino);
    enc_check_width(e, 0);
    if (unix) {
        sockaddr_unix(e, sk);
        put_path(e);
    } else {
        enc_more_u8(e, 0);
    }
    enc_close(e);
    enc_none(e);
    enc_none(e);
    enc_none(e);
    enc_check_width(e, 0);
    if (bound) {
        enc_more_u8(e, (u8)family);
        put_end(e, family, &s.local);
        put_end(e, family, &s.remote);
    } else if (unix) {
        enc_more_u8(e, FAMILY_UNIX);
        enc_more_u64(e, (u64)sk);
        enc_more_u64(e, (u64)sock_unix_peer(sk));
        put_path(e);
    }
    enc_close(e);
    if (inet)
        enc_u8(e, l4);
    else
        enc_none(e);
}

/* name to l4proto, of what is neither a socket nor a file. */
static PRIM_INLINE void state_none(struct enc *e)
{
    enc_none(e);
    enc_none(e);
    enc_none(e);
    enc_none(e);
    enc_none(e);
}

/* Its events call it by the folder of the process. */
static PRIM_INLINE void state_pidfd(struct enc *e, const struct file *file, u32 magic)
{
    const struct pid *pid =
        magic == MAGIC_PIDFDS ? KREAD(file, f_inode, i_private) : KREAD(file, private_data);
    s64 nr = process_nr(pid, 0);

    if (nr > 0) {
        enc_more_u32(e, STATE_WORD('/', 'p', 'r', 'o'));
        enc_more_u16(e, (u16)STATE_WORD('c', '/', 0, 0));
        state_number(e, (u32)nr);
    }
    enc_more_u8(e, 0);
}

static PRIM_INLINE void state_name(struct enc *e, const struct file *file, u32 magic, u8 kind,
                                   const struct state_from *from)
{
    const struct ns_common *ns = KREAD(file, f_inode, i_private);
    const struct dentry *d = KREAD(file, f_path.dentry);
    long n;

    PRIM_BOUND(e->pos, ENC_ROOM - 1);
    if (magic == MAGIC_NAMESPACES) {
        n = prim_kernel_str(e->buf + e->pos, NAME_MAX_KIND, KREAD(ns, ops, name));
        if (n > 0 && n <= NAME_MAX_KIND)
            e->pos += (u64)n - 1;
        enc_more_u8(e, ':');
        enc_more_u8(e, '[');
        state_number(e, KREAD(ns, inum));
        enc_more_u8(e, ']');
        enc_more_u8(e, 0);
    } else if (kind == FD_MEMFD) {
        n = prim_kernel_str(e->buf + e->pos, PROBE_STR_MAX, KREAD(d, d_name.name) + PREFIX_MEMFD);
        if (n > 0 && n <= PROBE_STR_MAX)
            e->pos += (u64)n;
    } else {
        prim_path_from(e, &file->f_path, from->root);
    }
}

static PRIM_INLINE void encode_fd(struct enc *e, s64 pid, s64 fd, struct file *file, bool cloexec,
                                  const struct state_from *from)
{
    struct inode *inode = KREAD(file, f_inode);
    struct dentry *d = KREAD(file, f_path.dentry);
    struct socket *socket = KREAD(file, private_data);
    u32 magic = (u32)KREAD(inode, i_sb, s_magic), mode = KREAD(inode, i_mode) & MODE_KIND;
    u64 ino = KREAD(inode, i_ino);
    u8 kind = FD_FILE_V2;

    enc_s64(e, pid);
    enc_s64(e, fd);
    if (magic == MAGIC_SOCKETS) {
        state_socket(e, KREAD(socket, sk), ino);
        return;
    }
    if (magic == MAGIC_ANON)
        kind = state_anon(d);
    else if (magic == MAGIC_PIDFDS)
        kind = FD_PIDFD;
    else if (mode == MODE_FIFO)
        kind = FD_PIPE;
    else if (mode == MODE_DIR)
        kind = FD_DIRECTORY;
    else if (state_is_memfd(d))
        kind = FD_MEMFD;
    enc_u8(e, kind);
    enc_u64(e, ino);
    enc_check_width(e, 0);
    if (kind == FD_PIDFD)
        state_pidfd(e, file, magic);
    else if (magic == MAGIC_ANON || magic == MAGIC_PIPES)
        enc_more_u8(e, 0);
    else
        state_name(e, file, magic, kind, from);
    enc_close(e);
    if (magic == MAGIC_ANON || kind == FD_PIDFD || kind == FD_PIPE) {
        state_none(e);
        return;
    }
    enc_u32(e, state_flags(file, cloexec));
    enc_u32(e, file_dev(KREAD(inode, i_sb, s_dev)));
    enc_u32(e, (u32)prim_mount_id(KREAD(file, f_path.mnt)));
    enc_none(e);
    enc_none(e);
}

#endif /* PROBE_ENCODE_STATE_H */
