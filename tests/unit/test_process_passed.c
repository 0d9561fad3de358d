/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors that come with a message: from made-up control messages, and from a made-up /proc. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../lib/derived.h"

#include "syscall/syscall.h"

#include <sys/stat.h>
#include <unistd.h>

enum { SOCKET_LEVEL = 1, RIGHTS = 1, CREDENTIALS = 2, PIDFD = 4 };

static struct derived d;
static char root[64];

/* Control messages as a 64-bit kernel writes them. */
static struct control {
    uint8_t bytes[8192];
    uint32_t len;
} msg;

#define shows(field, want) assert_string_equal(derived_get(&d, (field), NULL), (want))

static int setup(void **state)
{
    (void)state;
    msg.len = 0;
    derived_init(&d);
    derived_event(&d, GYR_EV_SNAPSHOT_BEGIN, -1, NULL, 0);
    derived_process(&d, 1, 1, "init");
    derived_process(&d, 100, 100, "nginx");
    derived_process(&d, 200, 200, "systemd");
    derived_fd(&d, 100, 3, FD_UNIX, "/run/pass.sock");
    derived_fd(&d, 100, 9, FD_FILE_V2, "/etc/shadow");
    derived_fd(&d, 100, 10, FD_FILE_V2, "/var/log/x");
    derived_event(&d, GYR_EV_SNAPSHOT_END, -1, NULL, 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    derived_free(&d);
    return 0;
}

/* One more message in the buffer. @p told: the length it claims; 0: the right one. */
static void add(int32_t level, int32_t type, const int32_t *fds, uint32_t n, uint64_t told)
{
    uint8_t *p = msg.bytes + msg.len;
    uint32_t size = 16 + n * 4;

    assert_true(msg.len + size + 8 <= sizeof(msg.bytes));
    memset(p, 0, size + 8);
    told = told ? told : size;
    memcpy(p, &told, 8);
    memcpy(p + 8, &level, 4);
    memcpy(p + 12, &type, 4);
    memcpy(p + 16, fds, n * 4);
    msg.len += (size + 7) & ~7u;
}

#define ADD(level, type, told, ...)                                                                \
    add((level), (type), (const int32_t[]){__VA_ARGS__},                                           \
        sizeof((const int32_t[]){__VA_ARGS__}) / sizeof(int32_t), (told))

static void receives(int64_t res)
{
    DERIVED(&d, EV_SOCKET_RECVMSG_X, 100, D_NUM(P_SOCKET_RECVMSG_X__res, res),
            D_NUM(P_SOCKET_RECVMSG_X__fd, 3),
            D_BYTES(P_SOCKET_RECVMSG_X__msgcontrol, (const char *)msg.bytes, msg.len));
}

/* The event at hand is about that descriptor then. */
static void stats(int64_t fd)
{
    DERIVED(&d, EV_SYSCALL_FSTAT_X, 100, D_NUM(P_SYSCALL_FSTAT_X__res, 0),
            D_NUM(P_SYSCALL_FSTAT_X__fd, fd));
}

static void is_forgotten(int64_t fd)
{
    stats(fd);
    shows("fd.type", "(absent)");
}

static void is(int64_t fd, const char *type, const char *name)
{
    stats(fd);
    shows("fd.type", type);
    shows("fd.name", name);
}

/* ---- recordings ---- */

static void an_old_entry_goes(void **state)
{
    (void)state;
    ADD(SOCKET_LEVEL, CREDENTIALS, 0, 200, 0, 0);
    ADD(SOCKET_LEVEL, RIGHTS, 0, 9, 77);
    receives(5);
    shows("fd.name", "/run/pass.sock"); /* the event is about the socket still */
    shows("fd.num", "3");
    is_forgotten(9);
    is_forgotten(77);
    is(10, "file", "/var/log/x");
}

static void of_several_messages_too(void **state)
{
    (void)state;
    ADD(SOCKET_LEVEL, RIGHTS, 0, 9);
    DERIVED(&d, EV_SOCKET_RECVMMSG_X, 100, D_NUM(P_SOCKET_RECVMMSG_X__res, 1),
            D_NUM(P_SOCKET_RECVMMSG_X__fd, 3),
            D_BYTES(P_SOCKET_RECVMMSG_X__msgcontrol, (const char *)msg.bytes, msg.len));
    is_forgotten(9);
}

static void a_pidfd_is_one(void **state)
{
    (void)state;
    ADD(SOCKET_LEVEL, PIDFD, 0, 9);
    receives(5);
    is(9, "pidfd", "");
}

static void what_passes_nothing_changes_nothing(void **state)
{
    (void)state;
    ADD(SOCKET_LEVEL, CREDENTIALS, 0, 9, 10, 9);
    ADD(2, RIGHTS, 0, 9, 10);
    ADD(SOCKET_LEVEL, RIGHTS, 0, -1, -9);
    receives(5);
    is(9, "file", "/etc/shadow");
    msg.len = 0;
    ADD(SOCKET_LEVEL, RIGHTS, 0, 9);
    receives(-11);
    is(9, "file", "/etc/shadow");
}

/* Of a message that is cut, or lies about its length, what is whole counts. */
static void cut_messages(void **state)
{
    static const uint64_t lies[] = {1, 15, 16, 17, 4096, UINT32_MAX, UINT64_MAX - 6, UINT64_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        msg.len = 0;
        ADD(SOCKET_LEVEL, RIGHTS, lies[i], 77);
        ADD(SOCKET_LEVEL, RIGHTS, lies[i], 78);
        for (uint32_t whole = msg.len; msg.len; msg.len = msg.len == whole ? 40 : msg.len - 1)
            receives(5);
    }
    is(9, "file", "/etc/shadow");
    ADD(SOCKET_LEVEL, RIGHTS, 4096, 9, 10);
    msg.len = 16 + 4 + 3;
    receives(5);
    is_forgotten(9);
    is(10, "file", "/var/log/x");
    is(3, "unix", "/run/pass.sock"); /* its number is what stands behind, in the event */
}

/* More than a kernel passes is made up. */
static void as_many_as_a_kernel_passes(void **state)
{
    int32_t fds[254];

    (void)state;
    for (int32_t i = 0; i < 254; i++)
        fds[i] = 1000 + i;
    fds[252] = 9;
    fds[253] = 10;
    add(SOCKET_LEVEL, RIGHTS, fds, 254, 0);
    receives(5);
    is_forgotten(9);
    is(10, "file", "/var/log/x");
}

static void from_a_socket_that_is_passed_itself(void **state)
{
    (void)state;
    ADD(SOCKET_LEVEL, RIGHTS, 0, 3);
    receives(5);
    shows("fd.type", "(absent)");
    is_forgotten(3);
}

/* ---- live ---- */

static void write_file(const char *name, const char *text)
{
    char path[256];
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/%s", root, name);
    f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void make_dir(const char *name)
{
    char path[256];

    (void)snprintf(path, sizeof(path), "%s/%s", root, name);
    assert_int_equal(mkdir(path, 0700), 0);
}

/* Descriptor @p fd of process 100, as /proc shows it. */
static void proc_has(int fd, const char *link, const char *flags)
{
    char path[256];

    (void)snprintf(path, sizeof(path), "%s/proc/100/fd/%d", root, fd);
    assert_int_equal(symlink(link, path), 0);
    (void)snprintf(path, sizeof(path), "proc/100/fdinfo/%d", fd);
    write_file(path, flags);
}

static int setup_live(void **state)
{
    int r = setup(state);

    (void)snprintf(root, sizeof(root), "/tmp/gyr-passed-XXXXXX");
    if (r || !mkdtemp(root))
        return -1;
    make_dir("proc");
    make_dir("proc/100");
    make_dir("proc/100/fd");
    make_dir("proc/100/fdinfo");
    d.host.host.is_live = 1;
    d.host.host.host_root = root;
    return 0;
}

static int teardown_live(void **state)
{
    char command[128];

    (void)snprintf(command, sizeof(command), "rm -rf %s", root);
    return teardown(state) || system(command);
}

static void proc_tells_what_they_are(void **state)
{
    char folder[128], file[128];

    (void)state;
    (void)snprintf(folder, sizeof(folder), "%s/proc", root);
    (void)snprintf(file, sizeof(file), "%s/proc/passwd", root);
    write_file("proc/passwd", "x");
    proc_has(9, file, "pos:\t0\nflags:\t02100002\nmnt_id:\t25\n");
    proc_has(20, folder, "pos:\t0\nflags:\t0200000\n");
    proc_has(21, "/gone (deleted)", "flags:\t0100000\n");
    proc_has(22, "pipe:[4711]", "flags:\t00\n");
    proc_has(23, "anon_inode:[eventfd]", "flags:\t02\n");
    proc_has(24, "/memfd:x (deleted)", "flags:\t0100002\n");
    proc_has(25, "socket:[815]", "flags:\t02\n");
    proc_has(26, "anon_inode:[new]", "flags:\t02\n");
    ADD(SOCKET_LEVEL, RIGHTS, 0, 9, 10, 20, 21, 22, 23, 24, 25, 26);
    receives(5);
    shows("fd.name", "/run/pass.sock");
    is(9, "file", file);
    is_forgotten(10); /* /proc does not have it: closed by now */
    is(20, "directory", folder);
    is(21, "file", "/gone (deleted)");
    is(22, "pipe", "pipe:[4711]");
    shows("fd.ino", "4711");
    is(23, "event", "anon_inode:[eventfd]");
    is(24, "memfd", "/memfd:x (deleted)");
    is(25, "<NA>", "socket:[815]");
    is(26, "<NA>", "anon_inode:[new]");
    DERIVED(&d, EV_SYSCALL_EXECVE_19_X, 100, D_NUM(P_SYSCALL_EXECVE_19_X__res, 0),
            D_STR(P_SYSCALL_EXECVE_19_X__exe, "sh"), D_NUM(P_SYSCALL_EXECVE_19_X__pid, 100));
    is_forgotten(9); /* it was to be closed on exec */
    is(24, "memfd", "/memfd:x (deleted)");
}

/* What another process is known to have under that inode. */
static void sockets_are_their_senders(void **state)
{
    static const char tuple[] = {2, 10, 0, 0, 1, 1, 0, 10, 0, 0, 2, 80, 0};

    (void)state;
    DERIVED(&d, EV_SNAP_FD, 200, D_NUM(P_SNAP_FD__tid, 200), D_NUM(P_SNAP_FD__fd, 5),
            D_NUM(P_SNAP_FD__ino, 815), D_NUM(P_SNAP_FD__type, FD_IPV4),
            D_NUM(P_SNAP_FD__l4proto, 2), D_BYTES(P_SNAP_FD__tuple, tuple, sizeof(tuple)));
    proc_has(9, "socket:[815]", "flags:\t02\n");
    proc_has(10, "socket:[816]", "flags:\t02\n");
    ADD(SOCKET_LEVEL, RIGHTS, 0, 9, 10);
    receives(5);
    is(9, "ipv4", "10.0.0.1:1->10.0.0.2:80");
    shows("fd.num", "9");
    is(10, "<NA>", "socket:[816]");
}

/* Who passes descriptors without end does not keep us at it. */
static void questions_are_counted(void **state)
{
    (void)state;
    proc_has(9, "pipe:[1]", "flags:\t00\n");
    ADD(SOCKET_LEVEL, RIGHTS, 0, 9);
    for (int i = 0; i < 1024; i++)
        receives(5);
    is(9, "pipe", "pipe:[1]");
    receives(5);
    is_forgotten(9);
    d.pos.ts_ns += UINT64_C(1000000000);
    receives(5);
    is(9, "pipe", "pipe:[1]");
    d.plugin->stop(d.self);
    assert_int_equal(fake_host_metric(&d.host, "passed_fds_unknown"), 1);
}

/* A recording says nothing of this machine. */
static void recordings_do_not_ask(void **state)
{
    (void)state;
    d.host.host.is_live = 0;
    proc_has(9, "pipe:[1]", "flags:\t00\n");
    ADD(SOCKET_LEVEL, RIGHTS, 0, 9);
    receives(5);
    is_forgotten(9);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define LIVE(f) cmocka_unit_test_setup_teardown(f, setup_live, teardown_live)
    const struct CMUnitTest tests[] = {
        TEST(an_old_entry_goes),
        TEST(of_several_messages_too),
        TEST(a_pidfd_is_one),
        TEST(what_passes_nothing_changes_nothing),
        TEST(cut_messages),
        TEST(as_many_as_a_kernel_passes),
        TEST(from_a_socket_that_is_passed_itself),
        LIVE(proc_tells_what_they_are),
        LIVE(sockets_are_their_senders),
        LIVE(questions_are_counted),
        LIVE(recordings_do_not_ask),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
