/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors that come with a message. It tells their numbers, not what they are. Live, /proc
 * knows; on a recording all that is sure is that an older entry of such a number is wrong. */
#include "paths.h"
#include "state.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A control message of 64-bit Linux: u64 length with this header, i32 level, i32 type, data; the
 * next one at a multiple of 8. */
enum { HEADER = 16, LEVEL_SOCKET = 1, RIGHTS = 1, PIDFD = 4 };

enum {
    PASSED_MAX = 253,        /* of one call: as many as the kernel passes in a message */
    LOOKS_PER_SECOND = 1024, /* who passes descriptors all day must not cost us the day */
    LOOKS_OF_SEARCH = 16,    /* what a search is counted as */
    SEARCH_MAX = 16384,
    PROC_PATH = 4096
};

static bool may_look(struct pr_state *s, uint32_t looks)
{
    uint64_t second = s->now.ts / UINT64_C(1000000000);

    if (second != s->look_second) {
        s->look_second = second;
        s->looks = 0;
    }
    if (looks > LOOKS_PER_SECOND - s->looks) {
        s->looks_refused++;
        return false;
    }
    s->looks += looks;
    return true;
}

/* ---- what /proc tells ---- */

static const struct {
    const char *begin;
    uint8_t type;
} kinds[] = {
    {"/memfd:", FD_MEMFD},
    {"/", FD_FILE_V2},
    {"pipe:[", FD_PIPE},
    {"anon_inode:[eventfd]", FD_EVENT},
    {"anon_inode:[signalfd]", FD_SIGNAL},
    {"anon_inode:[eventpoll]", FD_EVENTPOLL},
    {"anon_inode:inotify", FD_INOTIFY},
    {"anon_inode:[timerfd]", FD_TIMER},
    {"anon_inode:bpf", FD_BPF},
    {"anon_inode:[userfaultfd]", FD_USERFAULT},
    {"anon_inode:[io_uring]", FD_IO_URING},
    {"anon_inode:[pidfd]", FD_PIDFD},
    {"pidfd:[", FD_PIDFD},
};

static uint8_t kind_of(const char *link)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strncmp(link, kinds[i].begin, strlen(kinds[i].begin)) == 0)
            return kinds[i].type;
    return FD_UNKNOWN;
}

static uint64_t digits(const char *p, unsigned base)
{
    uint64_t v = 0;

    while (*p == ' ' || *p == '\t')
        p++;
    for (; *p >= '0' && *p < (char)('0' + base); p++)
        v = v * base + (uint64_t)(*p - '0');
    return v;
}

/* The number of "socket:[4711]", of a pipe or a pidfd; 0: none. */
static uint64_t number_in(const char *link)
{
    const char *at = strstr(link, ":[");

    return *link != '/' && at ? digits(at + 2, 10) : 0;
}

/* The same socket in another process's hands: the sender's, most likely. */
static const struct pr_fd *find_socket(struct pr_state *s, uint64_t ino)
{
    uint32_t left = SEARCH_MAX;

    if (!ino || !may_look(s, LOOKS_OF_SEARCH))
        return NULL;
    for (uint32_t i = 0; left && i < pr_threads_places(&s->threads); i++, left--) {
        const struct pr_thread *th = pr_threads_at(&s->threads, i);

        for (uint32_t k = 0; th && th->fds && k < th->fds->cap && left; k++, left--) {
            const struct pr_fd *fd = &th->fds->slots[k];

            if (fd->num != -1 && fd->ino == ino && pr_fd_is_socket(fd))
                return fd;
        }
    }
    return NULL;
}

static bool proc_path(const struct pr_state *s, char out[PROC_PATH], const char *in, int64_t num)
{
    const char *root = s->host->host_root ? s->host->host_root : "";
    int n = snprintf(out, PROC_PATH, "%s/proc/%lld/%s/%lld", root, (long long)s->now.thread->tid,
                     in, (long long)num);

    return n > 0 && n < PROC_PATH;
}

/* How it was opened, and whether exec closes it. */
static uint32_t openflags_of(const struct pr_state *s, int64_t num)
{
    char path[PROC_PATH], text[256], *at;
    uint64_t flags;
    ssize_t n;
    int fd = -1;

    if (proc_path(s, path, "fdinfo", num))
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return 0;
    n = read(fd, text, sizeof(text) - 1);
    (void)close(fd);
    text[n > 0 ? n : 0] = 0;
    at = strstr(text, "flags:");
    if (!at)
        return 0;
    flags = digits(at + sizeof("flags:") - 1, 8);
    return (uint32_t)((flags & O_ACCMODE) + 1) | (flags & O_CLOEXEC ? PR_O_CLOEXEC : 0);
}

static void set_file(struct pr_fd *fd, const char *path)
{
    struct statx st;

    /* a file system that does not answer must not hold us up */
    if (statx(AT_FDCWD, path, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_TYPE | STATX_INO, &st) !=
        0)
        return;
    fd->ino = st.stx_ino;
    fd->dev = st.stx_dev_major << 20 | st.stx_dev_minor;
    if (S_ISDIR(st.stx_mode))
        fd->type = FD_DIRECTORY;
    else if (S_ISFIFO(st.stx_mode))
        fd->type = FD_PIPE;
}

static void set_told_by_link(struct pr_state *s, struct pr_fd *fd, const char *link, size_t len)
{
    fd->type = kind_of(link);
    fd->ino = number_in(link);
    pr_str_set(&s->store, &fd->name, link, len);
    if (fd->type == FD_PIDFD)
        memset(fd->sip, 0xff, sizeof(fd->sip)); /* whose is not known */
}

static void ask_proc(struct pr_state *s, int64_t num)
{
    char path[PROC_PATH], link[PR_PATH_MAX + 1];
    const struct pr_fd *same = NULL;
    struct pr_fd *fd;
    ssize_t n;

    if (!may_look(s, 1) || !proc_path(s, path, "fd", num))
        return;
    n = readlink(path, link, sizeof(link) - 1);
    if (n <= 0 || (size_t)n == sizeof(link) - 1) /* closed by now, or a name cut short */
        return;
    link[n] = 0;
    fd = pr_now_add(s, num);
    if (!fd)
        return;
    if (strncmp(link, "socket:[", 8) == 0)
        same = find_socket(s, number_in(link));
    if (same)
        pr_fd_copy(&s->store, fd, same);
    else
        set_told_by_link(s, fd, link, (size_t)n);
    fd->openflags = openflags_of(s, num);
    if (fd->type == FD_FILE_V2)
        set_file(fd, path);
    else if (fd->type == FD_MEMFD || fd->type == FD_EVENTPOLL)
        fd->openflags &= PR_O_CLOEXEC; /* the lowest bit means something else there */
}

/* ---- the message ---- */

static void take(struct pr_state *s, int64_t num, int32_t type)
{
    struct pr_fd *fd;

    if (num < 0)
        return;
    pr_fd_forget(s, num);
    if (s->host->is_live) {
        ask_proc(s, num);
    } else if (type == PIDFD) {
        fd = pr_now_add(s, num);
        if (fd) {
            fd->type = FD_PIDFD;
            memset(fd->sip, 0xff, sizeof(fd->sip));
        }
    }
}

/* The descriptors of one control message. */
static void take_all(struct pr_state *s, const uint8_t *p, uint32_t len, int32_t type,
                     uint32_t *left)
{
    int32_t num;

    for (uint32_t i = 0; len - i >= sizeof(num) && *left; i += sizeof(num), (*left)--) {
        memcpy(&num, p + i, sizeof(num));
        take(s, num, type);
    }
}

/* The bytes come from a program, and may be cut: what is whole counts. */
void pr_take_passed(struct pr_state *s, const uint8_t *p, uint32_t len)
{
    int64_t at_hand = s->now.fd_num;
    uint32_t left = PASSED_MAX;

    if (!s->now.thread || !pr_thread_fds(s->now.thread))
        return;
    while (len >= HEADER && left) {
        int32_t level, type;
        uint64_t told;
        uint32_t size;

        memcpy(&told, p, sizeof(told));
        memcpy(&level, p + 8, sizeof(level));
        memcpy(&type, p + 12, sizeof(type));
        if (told < HEADER)
            break;
        size = told < len ? (uint32_t)told : len;
        if (level == LEVEL_SOCKET && (type == RIGHTS || type == PIDFD))
            take_all(s, p + HEADER, size - HEADER, type, &left);
        size = (size + 7) & ~7u;
        if (size >= len)
            break;
        p += size;
        len -= size;
    }
    pr_now_fd(s, at_hand); /* the table has changed */
}
