/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors of every kind: made, copied, waited for, closed. */
#include "live.h"

#include <linux/close_range.h>
#include <linux/memfd.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>

enum { BAD_FD = -9, INVALID = -22, GONE_FD = 999, NONBLOCK = 0x40, CLOEXEC = 0x1000 };

static void copies(long fd)
{
    long to = CALL(__NR_dup, fd);

    EXPECT(EV_SYSCALL_DUP_1_X, N(to), N(fd));
    SETUP(__NR_close, to);
    (void)CALL(__NR_dup, GONE_FD);
    EXPECT(EV_SYSCALL_DUP_1_X, N(BAD_FD), N(GONE_FD));
    (void)CALL(__NR_dup2, fd, 900);
    EXPECT(EV_SYSCALL_DUP2_X, N(900), N(fd), N(900));
    (void)CALL(__NR_dup2, -1, 901);
    EXPECT(EV_SYSCALL_DUP2_X, N(BAD_FD), N(-1), N(901));
    (void)CALL(__NR_dup3, fd, 901, O_CLOEXEC);
    EXPECT(EV_SYSCALL_DUP3_X, N(901), N(fd), N(901), N(CLOEXEC));
    (void)CALL(__NR_dup3, fd, fd, 0);
    EXPECT(EV_SYSCALL_DUP3_X, N(INVALID), N(fd), N(fd), N(0));
    (void)CALL(__NR_fcntl, fd, F_DUPFD_CLOEXEC, 902);
    EXPECT(EV_SYSCALL_FCNTL_X, N(902), N(fd), N(0x1a), N(902));
    (void)CALL(__NR_fcntl, fd, F_DUPFD, 903);
    EXPECT(EV_SYSCALL_FCNTL_X, N(903), N(fd), N(1), N(903));
    (void)CALL(__NR_fcntl, fd, F_SETFL, O_NONBLOCK | O_APPEND);
    EXPECT(EV_SYSCALL_FCNTL_X, N(0), N(fd), N(5), N(O_NONBLOCK | O_APPEND));
    (void)CALL(__NR_fcntl, fd, F_SETFD, FD_CLOEXEC);
    EXPECT(EV_SYSCALL_FCNTL_X, N(0), N(fd), N(3), N(1));
    (void)CALL(__NR_fcntl, fd, 1099, 0); /* a command the schema has no name for */
    EXPECT(EV_SYSCALL_FCNTL_X, N(INVALID), N(fd), N(0), N(0));
    (void)CALL(__NR_fcntl, GONE_FD, F_GETFD, 0x1234567890);
    EXPECT(EV_SYSCALL_FCNTL_X, N(BAD_FD), N(GONE_FD), N(2), N(0x1234567890));
    (void)CALL(__NR_close_range, 900, 902, 0);
    EXPECT(EV_SYSCALL_CLOSE_RANGE_X, N(0), N(900), N(902), N(0));
    (void)CALL(__NR_close_range, 903, UINT32_MAX, CLOSE_RANGE_UNSHARE);
    EXPECT(EV_SYSCALL_CLOSE_RANGE_X, N(0), N(903), N(UINT32_MAX), N(2));
    (void)CALL(__NR_close_range, 5, 4, CLOSE_RANGE_CLOEXEC);
    EXPECT(EV_SYSCALL_CLOSE_RANGE_X, N(INVALID), N(5), N(4), N(4));
}

static void pipes(void)
{
    int ends[2] = {-5, -6};
    (void)CALL(__NR_pipe, ends);

    EXPECT(EV_SYSCALL_PIPE_X, N(0), N(ends[0]), N(ends[1]), N(ino_of(ends[0])));
    SETUP(__NR_close, ends[0]);
    SETUP(__NR_close, ends[1]);
    (void)CALL(__NR_pipe, NULL);
    EXPECT(EV_SYSCALL_PIPE_X, N(-14), N(-1), N(-1), N(0));
    (void)CALL(__NR_pipe2, ends, O_CLOEXEC | O_NONBLOCK | O_DIRECT);
    EXPECT(EV_SYSCALL_PIPE2_X, N(0), N(ends[0]), N(ends[1]), N(ino_of(ends[0])),
           N(CLOEXEC | NONBLOCK | 0x200));
    SETUP(__NR_close, ends[0]);
    SETUP(__NR_close, ends[1]);
    ends[0] = -5;
    ends[1] = -6;
    (void)CALL(__NR_pipe2, ends, O_APPEND);
    EXPECT(EV_SYSCALL_PIPE2_X, N(INVALID), ANY, ANY, N(0), ANY); /* nothing was made */
}

static void anonymous(void)
{
    uint64_t mask = 1u << 9;
    long fd = CALL(__NR_eventfd, 7);

    EXPECT(EV_SYSCALL_EVENTFD_X, N(fd), N(7), N(0));
    SETUP(__NR_close, fd);
    fd = CALL(__NR_eventfd2, 8, EFD_CLOEXEC | EFD_NONBLOCK);
    EXPECT(EV_SYSCALL_EVENTFD2_X, N(fd), N(CLOEXEC | NONBLOCK), N(8));
    SETUP(__NR_close, fd);
    (void)CALL(__NR_eventfd2, 8, 0x4000000);
    EXPECT(EV_SYSCALL_EVENTFD2_X, N(INVALID), N(0), N(8));
    fd = CALL(__NR_signalfd, -1, &mask, 8);
    EXPECT(EV_SYSCALL_SIGNALFD_X, N(fd), N(-1), N(0), N(0));
    SETUP(__NR_close, fd);
    fd = CALL(__NR_signalfd4, -1, &mask, 8, SFD_CLOEXEC);
    EXPECT(EV_SYSCALL_SIGNALFD4_X, N(fd), N(CLOEXEC), N(-1), N(0));
    SETUP(__NR_close, fd);
    (void)CALL(__NR_signalfd4, GONE_FD, &mask, 8, SFD_NONBLOCK);
    EXPECT(EV_SYSCALL_SIGNALFD4_X, N(BAD_FD), N(NONBLOCK), N(GONE_FD), N(0));
    fd = CALL(__NR_timerfd_create, CLOCK_MONOTONIC, TFD_NONBLOCK);
    EXPECT(EV_SYSCALL_TIMERFD_CREATE_X, N(fd), N(1), N(NONBLOCK));
    SETUP(__NR_close, fd);
    (void)CALL(__NR_timerfd_create, 77, 0);
    EXPECT(EV_SYSCALL_TIMERFD_CREATE_X, N(INVALID), N(77), N(0));
    fd = CALL(__NR_inotify_init);
    EXPECT(EV_SYSCALL_INOTIFY_INIT_X, N(fd), N(0));
    (void)TRY(__NR_inotify_add_watch, fd, ".", IN_OPEN);
    SETUP(__NR_close, fd);
    fd = CALL(__NR_inotify_init1, IN_CLOEXEC | IN_NONBLOCK);
    EXPECT(EV_SYSCALL_INOTIFY_INIT1_X, N(fd), N(CLOEXEC | NONBLOCK));
    SETUP(__NR_close, fd);
    (void)CALL(__NR_inotify_init1, 0x40000);
    EXPECT(EV_SYSCALL_INOTIFY_INIT1_X, N(INVALID), N(0));
    fd = CALL(__NR_memfd_create, "a memfd", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    EXPECT(EV_SYSCALL_MEMFD_CREATE_X, N(fd), S("a memfd"), N(3));
    SETUP(__NR_close, fd);
    (void)CALL(__NR_memfd_create, NULL, 0);
    EXPECT(EV_SYSCALL_MEMFD_CREATE_X, N(-14), NONE, N(0));
    fd = CALL(__NR_userfaultfd, O_CLOEXEC | O_NONBLOCK);
    EXPECT(EV_SYSCALL_USERFAULTFD_X, N(fd), N(O_CLOEXEC | O_NONBLOCK));
    if (fd >= 0)
        SETUP(__NR_close, fd);
}

static void pidfds(void)
{
    long pid = SETUP(__NR_getpid), fd, copy;

    fd = CALL(__NR_pidfd_open, pid, 0);
    EXPECT(EV_SYSCALL_PIDFD_OPEN_X, N(fd), N(pid), N(0));
    copy = CALL(__NR_pidfd_getfd, fd, 1, 0);
    EXPECT(EV_SYSCALL_PIDFD_GETFD_X, N(copy), N(fd), N(1), N(0));
    if (copy >= 0)
        SETUP(__NR_close, copy);
    copy = CALL(__NR_pidfd_getfd, fd, GONE_FD, 0);
    EXPECT(EV_SYSCALL_PIDFD_GETFD_X, N(copy), N(fd), N(GONE_FD), N(0));
    SETUP(__NR_close, fd);
    (void)CALL(__NR_pidfd_open, -1, O_NONBLOCK);
    EXPECT(EV_SYSCALL_PIDFD_OPEN_X, N(INVALID), N(-1), N(1));
}

/* What poll() records: u16 n, then i64 fd, i16 of what happened, n times. */
static size_t fd_list(uint8_t *out, const struct pollfd *fds, uint16_t n)
{
    size_t at = 2;

    memcpy(out, &n, 2);
    for (uint16_t i = 0; i < n; i++) {
        int64_t fd = fds[i].fd;
        int16_t happened =
            (int16_t)((fds[i].revents & POLLIN ? 1 : 0) | (fds[i].revents & POLLOUT ? 4 : 0) |
                      (fds[i].revents & POLLNVAL ? 0x40 : 0));

        memcpy(out + at, &fd, 8);
        memcpy(out + at + 8, &happened, 2);
        at += 10;
    }
    return at;
}

static void waits(void)
{
    struct timespec none = {0, 1000}, tenth = {0, 20};
    struct epoll_event ev[3] = {{.events = EPOLLIN}};
    struct pollfd fds[3];
    uint64_t mask = 0x80000201;
    uint8_t list[64];
    int ends[2];
    long n, fd;

    SETUP(__NR_pipe, ends);
    SETUP(__NR_write, ends[1], "x", 1);
    fds[0] = (struct pollfd){ends[0], POLLIN, 0};
    fds[1] = (struct pollfd){ends[1], POLLOUT, 0};
    fds[2] = (struct pollfd){GONE_FD, POLLIN, 0};
    (void)CALL(__NR_poll, fds, 3, 100);
    EXPECT(EV_SYSCALL_POLL_X, N(3), B(list, fd_list(list, fds, 3)), N(100));
    (void)CALL(__NR_poll, NULL, 0, 0);
    EXPECT(EV_SYSCALL_POLL_X, N(0), B("\0", 2), N(0));
    (void)CALL(__NR_poll, NULL, 2, -1);
    EXPECT(EV_SYSCALL_POLL_X, N(-14), B("\0", 2), N(-1));
    (void)CALL(__NR_ppoll, fds, 1, &none, &mask, 8);
    EXPECT(EV_SYSCALL_PPOLL_X, N(1), B(list, fd_list(list, fds, 1)), ANY, N(mask & UINT32_MAX));
    (void)CALL(__NR_ppoll, fds, 1, NULL, NULL, 8);
    EXPECT(EV_SYSCALL_PPOLL_X, N(1), B(list, fd_list(list, fds, 1)), N(0), N(0));
    n = CALL(__NR_select, 0, NULL, NULL, NULL, &none);
    EXPECT(EV_SYSCALL_SELECT_X, N(n));
    (void)CALL(__NR_select, -1, NULL, NULL, NULL, NULL);
    EXPECT(EV_SYSCALL_SELECT_X, N(INVALID));
    fd = CALL(__NR_epoll_create, 5);
    EXPECT(EV_SYSCALL_EPOLL_CREATE_X, N(fd), N(5));
    SETUP(__NR_close, fd);
    (void)CALL(__NR_epoll_create, -5);
    EXPECT(EV_SYSCALL_EPOLL_CREATE_X, N(INVALID), N(-5));
    (void)CALL(__NR_epoll_create1, 3);
    EXPECT(EV_SYSCALL_EPOLL_CREATE1_X, N(INVALID), ANY);
    fd = CALL(__NR_epoll_create1, EPOLL_CLOEXEC);
    EXPECT(EV_SYSCALL_EPOLL_CREATE1_X, N(fd), N(1));
    SETUP(__NR_epoll_ctl, fd, EPOLL_CTL_ADD, ends[0], ev);
    (void)CALL(__NR_epoll_wait, fd, ev, 3, 0);
    EXPECT(EV_SYSCALL_EPOLLWAIT_X, N(1), N(3));
    (void)CALL(__NR_epoll_wait, GONE_FD, ev, 2, 0);
    EXPECT(EV_SYSCALL_EPOLLWAIT_X, N(BAD_FD), N(2));
    (void)CALL(__NR_epoll_pwait, fd, ev, 3, 0, NULL, 8);
    EXPECT_GENERIC(__NR_epoll_pwait);
    (void)CALL(__NR_nanosleep, &tenth, NULL);
    EXPECT(EV_SYSCALL_NANOSLEEP_X, N(0), N(20));
    tenth.tv_nsec = -1;
    tenth.tv_sec = 3;
    (void)CALL(__NR_nanosleep, &tenth, NULL);
    EXPECT(EV_SYSCALL_NANOSLEEP_X, N(INVALID), ANY);
    SETUP(__NR_close, fd);
    SETUP(__NR_close, ends[0]);
    SETUP(__NR_close, ends[1]);
}

static void others(long fd)
{
    long ret = CALL(__NR_flock, fd, 2 | 4);

    EXPECT(EV_SYSCALL_FLOCK_X, N(0), N(fd), N(6));
    (void)CALL(__NR_flock, fd, 8);
    EXPECT(EV_SYSCALL_FLOCK_X, N(0), N(fd), N(8));
    (void)CALL(__NR_flock, GONE_FD, 1);
    EXPECT(EV_SYSCALL_FLOCK_X, N(BAD_FD), N(GONE_FD), N(1));
    ret = CALL(__NR_ioctl, fd, 0x541bu, &ret);
    EXPECT(EV_SYSCALL_IOCTL_3_X, N(0), N(fd), N(0x541b), N((uintptr_t)&ret));
    (void)CALL(__NR_ioctl, GONE_FD, 0x80045430u, 0xdeadbeefcafe);
    EXPECT(EV_SYSCALL_IOCTL_3_X, N(BAD_FD), N(GONE_FD), N(0x80045430u), N(0xdeadbeefcafe));
}

void drive_fds(void)
{
    long fd = SETUP(__NR_open, "fds", O_RDWR | O_CREAT, 0600);

    copies(fd);
    pipes();
    anonymous();
    pidfds();
    waits();
    others(fd);
    SETUP(__NR_close, fd);
    SETUP(__NR_unlink, "fds");
}
