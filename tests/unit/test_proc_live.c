/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots of this machine: children hold what is known; by /proc and by the eBPF programs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../plugins/sources/ebpf/snap.h"
#include "../lib/fake_host.h"
#include "../lib/proc_rig.h"
#include "syscall/syscall.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char dir[64];
static bool has_texts = true; /* the teller knows arguments and environments */

/* ---- a child ---- */

struct child {
    pid_t pid;
    int ready; /* a byte comes when it has done what it was to do */
};

/* It does @p work, tells the result, and waits to be killed. */
static struct child start(int (*work)(void))
{
    int fds[2];
    struct child c;

    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    c.pid = fork();
    assert_true(c.pid >= 0);
    if (c.pid == 0) {
        char r;

        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        r = (char)work();
        (void)!write(fds[1], &r, 1);
        for (;;)
            (void)pause();
    }
    (void)close(fds[1]);
    c.ready = fds[0];
    return c;
}

/* @return what its work returned. */
static int wait_ready(const struct child *c)
{
    char r = -1;

    assert_int_equal(read(c->ready, &r, 1), 1);
    return r;
}

static void end(const struct child *c)
{
    (void)kill(c->pid, SIGKILL);
    (void)waitpid(c->pid, NULL, 0);
    (void)close(c->ready);
}

static int setup(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof(dir), "/tmp/gyr-live-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    proc_rig_remove(dir);
    return 0;
}

/* ---- descriptors ---- */

enum {
    AT_FILE = 100,
    AT_APPEND,
    AT_FOLDER,
    AT_NULL,
    AT_PIPE,
    AT_FIFO,
    AT_PAIR,
    AT_LISTEN_UNIX,
    AT_LISTEN,
    AT_CONNECTED,
    AT_ACCEPTED,
    AT_LISTEN6,
    AT_UDP,
    AT_UNBOUND,
    AT_NETLINK,
    AT_EVENT,
    AT_TIMER,
    AT_SIGNAL,
    AT_EPOLL,
    AT_INOTIFY,
    AT_MEMFD,
    AT_PIDFD,
    AT_NAMESPACE,
    AT_GONE
};

static char file_path[96], fifo_path[96], socket_path[96], gone_path[96];
static uint16_t *shared_ports; /* of AT_LISTEN, AT_CONNECTED, AT_UDP, AT_LISTEN6 */

static int place(int fd, int at, int cloexec)
{
    if (fd < 0 || dup3(fd, at, cloexec) != at)
        return -1;
    return close(fd);
}

static uint16_t port_of(int fd)
{
    struct sockaddr_in6 sa = {0};
    socklen_t len = sizeof(sa);

    (void)getsockname(fd, (struct sockaddr *)&sa, &len);
    return ntohs(sa.sin6_port); /* where IPv4 has it, too */
}

static int make_files(void)
{
    int fds[2], r = 0;

    r |= place(open(file_path, O_RDWR | O_CREAT, 0600), AT_FILE, 0);
    r |= place(open(file_path, O_WRONLY | O_APPEND | O_NONBLOCK), AT_APPEND, O_CLOEXEC);
    r |= place(open(dir, O_RDONLY | O_DIRECTORY), AT_FOLDER, 0);
    r |= place(open("/dev/null", O_RDONLY), AT_NULL, 0);
    r |= pipe(fds);
    r |= place(fds[0], AT_PIPE, 0);
    r |= mkfifo(fifo_path, 0600);
    r |= place(open(fifo_path, O_RDWR), AT_FIFO, 0);
    r |= place(open(gone_path, O_RDONLY | O_CREAT, 0600), AT_GONE, 0);
    r |= unlink(gone_path);
    r |= place(open("/proc/self/ns/net", O_RDONLY), AT_NAMESPACE, 0);
    return r;
}

static int make_sockets(void)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fds[2], r = 0;

    r |= socketpair(AF_UNIX, SOCK_STREAM, 0, fds);
    r |= place(fds[0], AT_PAIR, 0);
    (void)snprintf(un.sun_path, sizeof(un.sun_path), "%s", socket_path);
    r |= place(socket(AF_UNIX, SOCK_STREAM, 0), AT_LISTEN_UNIX, 0);
    r |= bind(AT_LISTEN_UNIX, (struct sockaddr *)&un, sizeof(un));
    r |= listen(AT_LISTEN_UNIX, 1);
    r |= place(socket(AF_INET, SOCK_STREAM, 0), AT_LISTEN, 0);
    r |= bind(AT_LISTEN, (struct sockaddr *)&in, sizeof(in));
    r |= listen(AT_LISTEN, 1);
    shared_ports[0] = port_of(AT_LISTEN);
    in.sin_port = htons(shared_ports[0]);
    r |= place(socket(AF_INET, SOCK_STREAM, 0), AT_CONNECTED, 0);
    r |= connect(AT_CONNECTED, (struct sockaddr *)&in, sizeof(in));
    shared_ports[1] = port_of(AT_CONNECTED);
    r |= place(accept(AT_LISTEN, NULL, NULL), AT_ACCEPTED, 0);
    r |= place(socket(AF_INET, SOCK_DGRAM, 0), AT_UDP, 0);
    in.sin_port = htons(9);
    r |= connect(AT_UDP, (struct sockaddr *)&in, sizeof(in));
    shared_ports[2] = port_of(AT_UDP);
    r |= place(socket(AF_INET, SOCK_STREAM, 0), AT_UNBOUND, 0);
    r |= place(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), AT_NETLINK, 0);
    if (place(socket(AF_INET6, SOCK_STREAM, 0), AT_LISTEN6, 0) == 0 &&
        bind(AT_LISTEN6, (struct sockaddr *)&in6, sizeof(in6)) == 0 && listen(AT_LISTEN6, 1) == 0)
        shared_ports[3] = port_of(AT_LISTEN6);
    return r;
}

static int make_descriptors(void)
{
    struct itimerspec when = {.it_value.tv_sec = 1000};
    sigset_t none;
    int r = 0;

    for (int fd = 3; fd < 64; fd++)
        if (fcntl(fd, F_GETFD) >= 0 && !(fcntl(fd, F_GETFD) & FD_CLOEXEC))
            (void)close(fd);
    (void)sigemptyset(&none);
    r |= make_files() | make_sockets();
    r |= place(eventfd(0, 0), AT_EVENT, 0);
    r |= place(timerfd_create(CLOCK_MONOTONIC, 0), AT_TIMER, 0);
    r |= timerfd_settime(AT_TIMER, 0, &when, NULL);
    r |= place(signalfd(-1, &none, 0), AT_SIGNAL, 0);
    r |= place(epoll_create1(0), AT_EPOLL, 0);
    r |= place(inotify_init(), AT_INOTIFY, 0);
    r |= place(memfd_create("a memory", 0), AT_MEMFD, 0);
    (void)place((int)syscall(SYS_pidfd_open, getppid(), 0), AT_PIDFD, 0);
    return r;
}

static void check_type(const struct scap_events *e, pid_t pid, int fd, int type, const char *name)
{
    const struct gyr_event *ev = proc_rig_fd(e, pid, fd);

    if (!ev)
        fail_msg("descriptor %d is not told", fd);
    if (proc_rig_num(ev, P_SNAP_FD__type) != type)
        fail_msg("descriptor %d is of type %d", fd, (int)proc_rig_num(ev, P_SNAP_FD__type));
    if (name)
        proc_rig_assert_text(ev, P_SNAP_FD__name, name);
}

static void check_file(const struct scap_events *e, pid_t pid, int fd, const char *path,
                       int64_t flags)
{
    const struct gyr_event *ev = proc_rig_fd(e, pid, fd);
    struct stat st;

    assert_int_equal(proc_rig_num(ev, P_SNAP_FD__flags), flags);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(proc_rig_num(ev, P_SNAP_FD__ino), st.st_ino);
    /* not everywhere is the device of a file that of its file system */
    if (strcmp(path, "/dev/null") == 0)
        assert_int_equal(proc_rig_num(ev, P_SNAP_FD__dev),
                         (minor(st.st_dev) & 0xff) | major(st.st_dev) << 8);
    assert_true(proc_rig_num(ev, P_SNAP_FD__mount_id) > 0);
}

static void check_tuple(const struct scap_events *e, pid_t pid, int fd, uint16_t sport,
                        uint16_t dport, uint8_t last)
{
    uint8_t want[13] = {AF_INET, 127, 0, 0, 1, 0, 0, 127, 0, 0, 1};

    memcpy(want + 5, &sport, 2);
    memcpy(want + 11, &dport, 2);
    if (!last)
        memset(want + 7, 0, 6);
    proc_rig_assert_bytes(proc_rig_fd(e, pid, fd), P_SNAP_FD__tuple, want, sizeof(want));
}

static void check_sockets(const struct scap_events *e, pid_t pid)
{
    const uint16_t *p = shared_ports;
    uint8_t six[37] = {AF_INET6, [16] = 1};

    check_type(e, pid, AT_PAIR, FD_UNIX, "");
    check_type(e, pid, AT_LISTEN_UNIX, FD_UNIX, socket_path);
    check_type(e, pid, AT_LISTEN, FD_IPV4_SERVER, NULL);
    check_type(e, pid, AT_CONNECTED, FD_IPV4, NULL);
    check_type(e, pid, AT_ACCEPTED, FD_IPV4, NULL);
    check_type(e, pid, AT_UDP, FD_IPV4, NULL);
    check_type(e, pid, AT_UNBOUND, FD_IPV4, "");
    check_type(e, pid, AT_NETLINK, FD_NETLINK, "");
    check_tuple(e, pid, AT_LISTEN, p[0], 0, 0);
    check_tuple(e, pid, AT_CONNECTED, p[1], p[0], 1);
    check_tuple(e, pid, AT_ACCEPTED, p[0], p[1], 1);
    check_tuple(e, pid, AT_UDP, p[2], 9, 1);
    assert_int_equal(proc_rig_num(proc_rig_fd(e, pid, AT_LISTEN), P_SNAP_FD__l4proto), 2);
    assert_int_equal(proc_rig_num(proc_rig_fd(e, pid, AT_UDP), P_SNAP_FD__l4proto), 3);
    assert_int_equal(proc_rig_num(proc_rig_fd(e, pid, AT_UNBOUND), P_SNAP_FD__l4proto), 2);
    if (p[3] == 0) {
        print_message("no IPv6 here: its sockets are not looked at\n");
        return;
    }
    check_type(e, pid, AT_LISTEN6, FD_IPV6_SERVER, NULL);
    memcpy(six + 17, &p[3], 2);
    proc_rig_assert_bytes(proc_rig_fd(e, pid, AT_LISTEN6), P_SNAP_FD__tuple, six, sizeof(six));
}

static void every_kind_of_descriptor_is_told(void **state)
{
    char gone[128], self[32];
    struct scap_events e;
    struct child c;
    size_t n = 0;

    (void)state;
    (void)snprintf(file_path, sizeof(file_path), "%s/a file", dir);
    (void)snprintf(fifo_path, sizeof(fifo_path), "%s/fifo", dir);
    (void)snprintf(socket_path, sizeof(socket_path), "%s/so ck", dir);
    (void)snprintf(gone_path, sizeof(gone_path), "%s/gone", dir);
    (void)snprintf(gone, sizeof(gone), "%s (deleted)", gone_path);
    (void)snprintf(self, sizeof(self), "/proc/%d", (int)getpid());
    shared_ports = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(shared_ports, MAP_FAILED);
    c = start(make_descriptors);
    assert_int_equal(wait_ready(&c), 0);
    proc_rig_take("", c.pid, &e);
    check_type(&e, c.pid, AT_FILE, FD_FILE_V2, file_path);
    check_type(&e, c.pid, AT_APPEND, FD_FILE_V2, file_path);
    check_type(&e, c.pid, AT_FOLDER, FD_DIRECTORY, dir);
    check_type(&e, c.pid, AT_NULL, FD_FILE_V2, "/dev/null");
    check_type(&e, c.pid, AT_GONE, FD_FILE_V2, gone);
    check_type(&e, c.pid, AT_PIPE, FD_PIPE, "");
    check_type(&e, c.pid, AT_FIFO, FD_PIPE, fifo_path);
    check_type(&e, c.pid, AT_EVENT, FD_EVENT, "");
    check_type(&e, c.pid, AT_TIMER, FD_TIMER, "");
    check_type(&e, c.pid, AT_SIGNAL, FD_SIGNAL, "");
    check_type(&e, c.pid, AT_EPOLL, FD_EVENTPOLL, "");
    check_type(&e, c.pid, AT_INOTIFY, FD_INOTIFY, "");
    check_type(&e, c.pid, AT_MEMFD, FD_MEMFD, "a memory");
    check_type(&e, c.pid, AT_NAMESPACE, FD_FILE_V2, NULL);
    if (proc_rig_fd(&e, c.pid, AT_PIDFD))
        check_type(&e, c.pid, AT_PIDFD, FD_PIDFD, self);
    else
        print_message("no pidfd here (before Linux 5.3): not looked at\n");
    check_file(&e, c.pid, AT_FILE, file_path, 0x800 | 3);
    check_file(&e, c.pid, AT_APPEND, file_path, 0x1000 | 0x800 | 0x40 | 8 | 2);
    check_file(&e, c.pid, AT_FOLDER, dir, 0x800 | 0x400 | 1);
    check_file(&e, c.pid, AT_NULL, "/dev/null", 0x800 | 1);
    check_sockets(&e, c.pid);
    for (int fd = 0; fd < 4096; fd++)
        n += proc_rig_fd(&e, c.pid, fd) != NULL;
    assert_int_equal(proc_rig_count(&e, EV_SNAP_FD), n);
    scap_events_free(&e);
    end(&c);
    (void)munmap(shared_ports, 4096);
}

/* ---- a program ---- */

static int run_sleep(void)
{
    struct rlimit lim = {77, 88};
    char name[] = "my sleep", time[] = "1000", a[] = "A=1", b[] = "B=two words";
    char *argv[] = {name, time, NULL}, *env[] = {a, b, NULL};

    if (chdir("/usr") < 0)
        return -1;
    (void)setrlimit(RLIMIT_NOFILE, &lim);
    (void)setpgid(0, 0);
    return execve("/bin/sleep", argv, env);
}

static void a_program_is_told(void **state)
{
    const struct gyr_event *ev;
    struct scap_events e, again;
    char path[64], real[4096], exe[4096];
    struct child c;
    struct stat st;
    uint64_t now;
    struct timespec ts;

    (void)state;
    c = start(run_sleep);
    /* the pipe is closed by exec */
    assert_int_equal(read(c.ready, path, 1), 0);
    proc_rig_take("", c.pid, &e);
    ev = proc_rig_process(&e, c.pid);
    assert_non_null(realpath("/bin/sleep", real));
    (void)snprintf(path, sizeof(path), "/proc/%d/exe", (int)c.pid);
    assert_true(readlink(path, exe, sizeof(exe)) > 0);
    proc_rig_assert_text(ev, P_SNAP_PROCESS__comm, "sleep");
    proc_rig_assert_text(ev, P_SNAP_PROCESS__exepath, real);
    if (has_texts) {
        proc_rig_assert_text(ev, P_SNAP_PROCESS__exe, "my sleep");
        proc_rig_assert_bytes(ev, P_SNAP_PROCESS__args, "1000", 5);
        proc_rig_assert_bytes(ev, P_SNAP_PROCESS__env, "A=1\0B=two words", 16);
    } else {
        print_message("no arguments and environment here (before Linux 6.2): not looked at\n");
    }
    proc_rig_assert_text(ev, P_SNAP_PROCESS__cwd, "/usr/");
    assert_int_equal(proc_rig_num(ev, P_SNAP_PROCESS__fdlimit), 77);
    assert_int_equal(proc_rig_num(ev, P_SNAP_PROCESS__ptid), getpid());
    assert_int_equal(proc_rig_num(ev, P_SNAP_PROCESS__pgid), c.pid);
    assert_int_equal(proc_rig_num(ev, P_SNAP_PROCESS__sid), getsid(0));
    assert_int_equal(proc_rig_num(ev, P_SNAP_PROCESS__uid), geteuid());
    assert_int_equal(proc_rig_num(ev, P_SNAP_PROCESS__gid), getegid());
    assert_int_equal(stat(real, &st), 0);
    assert_int_equal(proc_rig_num(ev, P_SNAP_PROCESS__exe_ino), st.st_ino);
    assert_int_equal(proc_rig_num(ev, P_SNAP_PROCESS__exe_ino_ctime),
                     st.st_ctim.tv_sec * INT64_C(1000000000) + st.st_ctim.tv_nsec);
    assert_int_equal(proc_rig_num(ev, P_SNAP_PROCESS__exe_ino_mtime),
                     st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec);
    (void)clock_gettime(CLOCK_REALTIME, &ts);
    now = (uint64_t)ts.tv_sec * 1000000000u;
    assert_in_range(proc_rig_num(ev, P_SNAP_PROCESS__clone_ts), now - UINT64_C(60000000000),
                    now + UINT64_C(2000000000));
    scap_events_free(&e);
    /* two looks at one start are the same time, whenever they are taken */
    {
        struct proc_conf conf = {.boot_ns = UINT64_C(1000000000000), .teller = proc_rig_teller};
        struct proc_snapshot *s[2];
        struct gyr_error err;

        for (int i = 0; i < 2; i++) {
            assert_int_equal(proc_snapshot_new(&conf, &s[i], &err), 0);
            (void)usleep(20000);
            proc_snapshot_thread(s[i], c.pid);
            (void)proc_rig_run(s[i], i ? &again : &e);
            proc_snapshot_free(s[i]);
        }
        assert_int_equal(proc_rig_num(proc_rig_process(&e, c.pid), P_SNAP_PROCESS__clone_ts),
                         proc_rig_num(proc_rig_process(&again, c.pid), P_SNAP_PROCESS__clone_ts));
    }
    scap_events_free(&e);
    scap_events_free(&again);
    end(&c);
}

/* ---- threads ---- */

static pid_t *shared_tids;

static void *worker(void *arg)
{
    (void)arg;
    (void)prctl(PR_SET_NAME, "x) R 1 (\n)");
    __atomic_store_n(&shared_tids[0], (pid_t)syscall(SYS_gettid), __ATOMIC_SEQ_CST);
    for (;;)
        (void)pause();
    return NULL;
}

static int start_thread(void)
{
    pthread_t t;
    int r = pthread_create(&t, NULL, worker, NULL);

    while (r == 0 && __atomic_load_n(&shared_tids[0], __ATOMIC_SEQ_CST) == 0)
        (void)sched_yield();
    return r;
}

/* The main thread ends, the other one goes on. */
static int end_main_thread(void)
{
    (void)start_thread();
    (void)open("/dev/null", O_RDONLY);
    (void)syscall(SYS_exit, 0);
    return -1;
}

static void threads_are_told_after_their_process(void **state)
{
    const struct gyr_event *ev;
    struct scap_events e;
    struct child c;
    pid_t tid;

    (void)state;
    shared_tids = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(shared_tids, MAP_FAILED);
    c = start(start_thread);
    assert_int_equal(wait_ready(&c), 0);
    tid = shared_tids[0];
    proc_rig_take("", tid, &e);
    assert_int_equal(e.ev[0]->tid, c.pid);
    assert_int_equal(e.ev[1]->tid, tid);
    ev = e.ev[1];
    assert_int_equal(proc_rig_num(ev, P_SNAP_PROCESS__pid), c.pid);
    assert_int_equal(proc_rig_num(ev, P_SNAP_PROCESS__flags), 0x2001);
    proc_rig_assert_text(ev, P_SNAP_PROCESS__comm, "x) R 1 (\n)");
    scap_events_free(&e);
    end(&c);

    shared_tids[0] = 0;
    c = start(end_main_thread);
    do
        proc_rig_take("", c.pid, &e);
    while (shared_tids[0] == 0 && (scap_events_free(&e), true));
    (void)usleep(50000); /* for the main thread to end */
    scap_events_free(&e);
    proc_rig_take("", shared_tids[0], &e);
    ev = proc_rig_process(&e, c.pid);
    proc_rig_assert_text(ev, P_SNAP_PROCESS__root, "/"); /* which the ended one no longer has */
    assert_non_null(proc_rig_process(&e, shared_tids[0]));
    assert_true(proc_rig_count(&e, EV_SNAP_FD) > 0);
    scap_events_free(&e);
    end(&c);
    (void)munmap(shared_tids, 4096);
}

/* ---- namespaces ---- */

static int make_namespaces(void)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(4321)};
    pid_t pid;

    if (unshare(CLONE_NEWPID | CLONE_NEWNET) < 0)
        return 1;
    if (place(socket(AF_INET, SOCK_STREAM, 0), AT_LISTEN, 0) ||
        bind(AT_LISTEN, (struct sockaddr *)&in, sizeof(in)) || listen(AT_LISTEN, 1))
        return 2;
    pid = fork();
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (fork() == 0 && setpgid(0, 0) == 0)
            shared_tids[1] = getpid(); /* 2, but for the thread of a sanitizer */
        for (;;)
            (void)pause();
    }
    shared_tids[0] = pid;
    return pid < 0 ? 3 : 0;
}

static void namespaces_are_told(void **state)
{
    static const uint8_t want[13] = {AF_INET, 0, 0, 0, 0, 4321 & 0xff, 4321 >> 8};
    const struct gyr_event *first, *second = NULL;
    struct scap_events e;
    struct child c;
    int r;

    (void)state;
    shared_tids = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(shared_tids, MAP_FAILED);
    c = start(make_namespaces);
    r = wait_ready(&c);
    if (r == 1) {
        print_message("SKIPPED: making namespaces needs root\n");
        end(&c);
        skip();
    }
    assert_int_equal(r, 0);
    (void)usleep(50000);
    proc_rig_take("", -1, &e);
    proc_rig_assert_bytes(proc_rig_fd(&e, c.pid, AT_LISTEN), P_SNAP_FD__tuple, want, sizeof(want));
    first = proc_rig_process(&e, shared_tids[0]);
    assert_int_equal(proc_rig_num(first, P_SNAP_PROCESS__vtid), 1);
    assert_int_equal(proc_rig_num(first, P_SNAP_PROCESS__vpid), 1);
    for (size_t i = 0; i < e.n; i++)
        if (e.ev[i]->type == EV_SNAP_PROCESS &&
            proc_rig_num(e.ev[i], P_SNAP_PROCESS__ptid) == shared_tids[0])
            second = e.ev[i];
    assert_int_equal(proc_rig_num(second, P_SNAP_PROCESS__vpid), shared_tids[1]);
    assert_int_equal(proc_rig_num(second, P_SNAP_PROCESS__vpgid), shared_tids[1]);
    assert_int_equal(proc_rig_num(second, P_SNAP_PROCESS__pidns_init_start_ts),
                     proc_rig_num(first, P_SNAP_PROCESS__clone_ts));
    /* the first process of it is looked for when only the second is told */
    r = (int)second->tid;
    {
        int64_t start_ts = proc_rig_num(second, P_SNAP_PROCESS__pidns_init_start_ts) / 10000000;
        struct scap_events one;

        proc_rig_take("", r, &one);
        assert_in_range(
            proc_rig_num(proc_rig_process(&one, r), P_SNAP_PROCESS__pidns_init_start_ts) / 10000000,
            start_ts - 1, start_ts + 1);
        scap_events_free(&one);
    }
    scap_events_free(&e);
    (void)kill(shared_tids[0], SIGKILL);
    end(&c);
    (void)munmap(shared_tids, 4096);
}

/* ---- the machine ---- */

static uint64_t now_us(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* As many as the limits allow, up to 5,000. */
static int open_many(void)
{
    struct rlimit lim;

    (void)getrlimit(RLIMIT_NOFILE, &lim);
    lim.rlim_cur = lim.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &lim);
    for (int fd = 200; fd < 5200 && dup2(0, fd) == fd; fd++)
        shared_tids[0] = fd - 199;
    return 0;
}

static void the_whole_machine_is_told(void **state)
{
    struct proc_conf conf = {.host_root = "", .teller = proc_rig_teller};
    struct proc_snapshot *s;
    struct proc_stats stats;
    struct scap_events e;
    struct gyr_error err;
    struct child c;
    uint64_t before;

    (void)state;
    shared_tids = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(shared_tids, MAP_FAILED);
    c = start(open_many);
    assert_int_equal(wait_ready(&c), 0);
    assert_int_equal(proc_snapshot_new(&conf, &s, &err), 0);
    before = now_us();
    (void)proc_rig_run(s, &e);
    proc_snapshot_stats(s, &stats);
    print_message("%llu processes, %llu threads, %llu descriptors: %llu us\n",
                  (unsigned long long)stats.processes, (unsigned long long)stats.threads,
                  (unsigned long long)stats.fds, (unsigned long long)(now_us() - before));
    proc_snapshot_free(s);
    assert_int_equal(e.ev[0]->type, GYR_EV_SNAPSHOT_BEGIN);
    assert_int_equal(e.ev[e.n - 1]->type, GYR_EV_SNAPSHOT_END);
    assert_non_null(proc_rig_process(&e, 1));
    assert_non_null(proc_rig_process(&e, getpid()));
    assert_true(shared_tids[0] > 0);
    assert_true(stats.fds >= (uint64_t)shared_tids[0]);
    for (int fd = 200; fd < 200 + shared_tids[0]; fd += 100)
        assert_non_null(proc_rig_fd(&e, c.pid, fd));
    assert_int_equal(stats.cut, 0);
    assert_int_equal(proc_rig_count(&e, EV_SNAP_PROCESS), stats.processes + stats.threads);
    assert_int_equal(proc_rig_count(&e, EV_SNAP_FD), stats.fds);
    scap_events_free(&e);
    end(&c);
    (void)munmap(shared_tids, 4096);
}

/* Processes come and go while they are read. */
static int churn(void)
{
    for (int i = 0; i < 4; i++)
        if (fork() == 0) {
            (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
            for (;;) {
                pid_t pid = fork();

                if (pid == 0)
                    _exit(0);
                (void)waitpid(pid, NULL, 0);
            }
        }
    return 0;
}

static void what_vanishes_is_no_error(void **state)
{
    struct child c = start(churn);
    struct scap_events e;

    (void)state;
    assert_int_equal(wait_ready(&c), 0);
    for (int i = 0; i < 20; i++) {
        proc_rig_take("", -1, &e);
        assert_int_equal(e.ev[e.n - 1]->type, GYR_EV_SNAPSHOT_END);
        scap_events_free(&e);
    }
    end(&c);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(every_kind_of_descriptor_is_told),
        T(a_program_is_told),
        T(threads_are_told_after_their_process),
        T(namespaces_are_told),
        T(the_whole_machine_is_told),
        T(what_vanishes_is_no_error),
    };

    int failed = cmocka_run_group_tests_name("by /proc", tests, NULL, NULL);
    struct fake_host host;
    struct gyr_error err;
    struct snap *snap;

    fake_host_init(&host);
    if (snap_new(&host.host, proc_boot_ns(), &snap, &err) < 0) {
        print_message("SKIPPED: state told by the kernel: %s\n", err.msg);
        (void)fake_host_free(&host);
        return failed;
    }
    has_texts = snap_has_texts(snap);
    proc_rig_teller = snap_teller(snap);
    failed += cmocka_run_group_tests_name("by the kernel", tests, NULL, NULL);
    snap_free(snap);
    (void)fake_host_free(&host);
    return failed;
}
