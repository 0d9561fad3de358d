/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots of made-up trees: ordinary, hostile, and eaten at by chance. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../lib/fake_host.h"
#include "../lib/proc_rig.h"
#include "syscall/syscall.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[64];

static int setup(void **state)
{
    (void)state;
    proc_rig_root(root);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    proc_rig_remove(root);
    return 0;
}

static void add_texts(void)
{
    proc_rig_file(root, "proc/100/environ", "HOME=/root\0A=b c", 17);
    proc_rig_text(root, "proc/100/cgroup",
                  "5:cpu,cpuacct:/docker/abc\n3:name=systemd:/sys:tem\n0::/user.slice\n");
    proc_rig_text(root, "sys/fs/cgroup/cgroup.controllers", "io memory\n");
    proc_rig_text(
        root, "proc/100/limits",
        "Limit                     Soft Limit           Hard Limit           Units     \n"
        "Max processes             unlimited            unlimited            processes \n"
        "Max open files            1024                 524288               files     \n");
    proc_rig_text(root, "proc/100/loginuid", "1000");
    proc_rig_link(root, "proc/100/exe", "/usr/bin/nothing (deleted)");
    proc_rig_link(root, "proc/100/cwd", "/srv/data");
    proc_rig_link(root, "proc/100/root", "/");
}

static void a_process_is_told_as_a_capture_tells_it(void **state)
{
    const struct proc_conf conf = {.host_root = root, .boot_ns = UINT64_C(1700000000000000000)};
    const struct gyr_event *ev;
    struct proc_snapshot *s;
    struct scap_events e;
    struct gyr_error err;

    (void)state;
    proc_rig_add(root, 1, 0, "init");
    proc_rig_add(root, 100, 1, "prog");
    add_texts();
    assert_int_equal(proc_snapshot_new(&conf, &s, &err), 0);
    proc_rig_run(s, &e);
    proc_snapshot_free(s);
    ev = proc_rig_process(&e, 100);
    assert_int_equal(proc_rig_num(ev, P_SNAP_PROCESS__tid), 100);
    assert_int_equal(proc_rig_num(ev, P_SNAP_PROCESS__pid), 100);
    assert_int_equal(proc_rig_num(ev, P_SNAP_PROCESS__ptid), 1);
    assert_int_equal(proc_rig_num(ev, P_SNAP_PROCESS__sid), 7);
    assert_int_equal(proc_rig_num(ev, P_SNAP_PROCESS__pgid), 100);
    assert_int_equal(proc_rig_num(ev, P_SNAP_PROCESS__tty), 34816);
    assert_int_equal(proc_rig_num(ev, P_SNAP_PROCESS__uid), 1000);
    assert_int_equal(proc_rig_num(ev, P_SNAP_PROCESS__gid), 1001);
    assert_int_equal(proc_rig_num(ev, P_SNAP_PROCESS__loginuid), 1000);
    assert_int_equal(proc_rig_num(ev, P_SNAP_PROCESS__vmsize_kb), 2500);
    assert_int_equal(proc_rig_num(ev, P_SNAP_PROCESS__vmrss_kb), 1404);
    assert_int_equal(proc_rig_num(ev, P_SNAP_PROCESS__vmswap_kb), 9);
    assert_int_equal(proc_rig_num(ev, P_SNAP_PROCESS__pfminor), 11);
    assert_int_equal(proc_rig_num(ev, P_SNAP_PROCESS__pfmajor), 13);
    assert_int_equal(proc_rig_num(ev, P_SNAP_PROCESS__flags), 0);
    assert_int_equal(proc_rig_num(ev, P_SNAP_PROCESS__fdlimit), 1024);
    assert_int_equal(proc_rig_num(ev, P_SNAP_PROCESS__cap_inheritable), 1);
    assert_int_equal(proc_rig_num(ev, P_SNAP_PROCESS__cap_permitted), 0x1ffffffffff);
    assert_int_equal(proc_rig_num(ev, P_SNAP_PROCESS__cap_effective), 0xa80425fb);
    assert_int_equal(proc_rig_num(ev, P_SNAP_PROCESS__clone_ts), 1700000005000000000);
    assert_int_equal(proc_rig_num(ev, P_SNAP_PROCESS__pidns_init_start_ts), 1700000005000000000);
    proc_rig_assert_text(ev, P_SNAP_PROCESS__comm, "prog");
    proc_rig_assert_text(ev, P_SNAP_PROCESS__exe, "prog");
    proc_rig_assert_text(ev, P_SNAP_PROCESS__exepath, "/usr/bin/nothing (deleted)");
    proc_rig_assert_text(ev, P_SNAP_PROCESS__cwd, "/srv/data/");
    proc_rig_assert_text(ev, P_SNAP_PROCESS__root, "/");
    proc_rig_assert_bytes(ev, P_SNAP_PROCESS__args, "-a\0b c", 7);
    proc_rig_assert_bytes(ev, P_SNAP_PROCESS__env, "HOME=/root\0A=b c", 17);
    proc_rig_assert_bytes(ev, P_SNAP_PROCESS__cgroups,
                          "cpu=/docker/abc\0cpuacct=/docker/abc\0name=systemd=/sys:tem\0"
                          "io=/user.slice\0memory=/user.slice",
                          16 + 20 + 22 + 15 + 19);
    scap_events_free(&e);
}

static void records_come_in_order(void **state)
{
    static const uint16_t want[] = {
        GYR_EV_SNAPSHOT_BEGIN, EV_SNAP_MACHINE, EV_SNAP_INTERFACE, EV_SNAP_USER,
        EV_SNAP_GROUP,         EV_SNAP_PROCESS, EV_SNAP_FD,        GYR_EV_SNAPSHOT_END};
    struct scap_events e;
    size_t at = 0;

    (void)state;
    proc_rig_add(root, 5, 0, "one");
    proc_rig_link(root, "proc/5/fd/0", "/dev/null");
    proc_rig_take(root, -1, &e);
    for (size_t i = 0; i < e.n; i++) {
        if (e.ev[i]->type != want[at])
            at++;
        assert_true(at < sizeof(want) / sizeof(want[0]));
        if (e.ev[i]->type == want[at])
            continue;
        assert_int_equal(want[at], EV_SNAP_INTERFACE); /* there may be none */
        at++;
        assert_int_equal(e.ev[i]->type, want[at]);
    }
    assert_int_equal(want[at], GYR_EV_SNAPSHOT_END);
    scap_events_free(&e);
}

static void names_hold_anything(void **state)
{
    struct scap_events e;

    (void)state;
    proc_rig_add(root, 100, 1, "a) S 1 (\nTgid:\t1\n)");
    proc_rig_text(root, "proc/100/status", "Name:\ta\\n)\nTgid:\t100\n");
    proc_rig_take(root, -1, &e);
    proc_rig_assert_text(proc_rig_process(&e, 100), P_SNAP_PROCESS__comm, "a) S 1 (\nTgid:\t1\n)");
    assert_int_equal(proc_rig_num(proc_rig_process(&e, 100), P_SNAP_PROCESS__ptid), 1);
    assert_int_equal(proc_rig_num(proc_rig_process(&e, 100), P_SNAP_PROCESS__vtid), 100);
    scap_events_free(&e);
}

static void texts_are_cut_as_in_captures(void **state)
{
    static char big[100000];
    const struct gyr_event *ev;
    struct scap_events e;
    uint32_t len;

    (void)state;
    memset(big, 'x', sizeof(big));
    big[5] = 0;
    proc_rig_add(root, 100, 1, "big");
    proc_rig_file(root, "proc/100/cmdline", big, sizeof(big));
    proc_rig_file(root, "proc/100/environ", big, sizeof(big));
    proc_rig_file(root, "proc/100/cgroup", big, sizeof(big));
    proc_rig_file(root, "etc/passwd", big, sizeof(big));
    proc_rig_take(root, -1, &e);
    ev = proc_rig_process(&e, 100);
    proc_rig_assert_text(ev, P_SNAP_PROCESS__exe, "xxxxx");
    (void)gyr_param(ev, P_SNAP_PROCESS__args, &len);
    assert_int_equal(len, 4096 - 6 + 1);
    (void)gyr_param(ev, P_SNAP_PROCESS__env, &len);
    assert_int_equal(len, 4096 + 1);
    scap_events_free(&e);
}

static void what_is_no_process_is_left_out(void **state)
{
    struct scap_events e;

    (void)state;
    proc_rig_add(root, 100, 1, "ordinary");
    proc_rig_add(root, 101, 1, "ended");
    proc_rig_text(root, "proc/101/stat", "101 (x) Z 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 500 1\n");
    proc_rig_text(root, "proc/102/stat", "102 (cut");
    proc_rig_text(root, "proc/103/status", "Tgid:\t103\n");
    proc_rig_text(root, "proc/0104/stat", "");
    proc_rig_text(root, "proc/99999999999/stat", "");
    assert_int_equal(mkfifo("/tmp/gyr-fifo", 0600) < 0 && errno != EEXIST, 0);
    proc_rig_link(root, "proc/105/stat", "/tmp/gyr-fifo");
    proc_rig_take(root, -1, &e);
    (void)unlink("/tmp/gyr-fifo");
    assert_int_equal(proc_rig_count(&e, EV_SNAP_PROCESS), 1);
    assert_non_null(proc_rig_process(&e, 100));
    scap_events_free(&e);
}

static void add_thread(unsigned pid, unsigned tid, const char *name)
{
    char path[64], text[256];

    (void)snprintf(path, sizeof(path), "proc/%u/task/%u/stat", pid, tid);
    (void)snprintf(text, sizeof(text), "%u (%s) S 1 9 9 0 -1 0 0 0 0 0 0 0 0 0 20 0 3 0 600 1\n",
                   tid, name);
    proc_rig_text(root, path, text);
    (void)snprintf(path, sizeof(path), "proc/%u/task/%u/status", pid, tid);
    (void)snprintf(text, sizeof(text), "Name:\t%s\nTgid:\t%u\nNStgid:\t%u 2\nNSpid:\t%u 3\n", name,
                   pid, pid, tid);
    proc_rig_text(root, path, text);
}

static void add_threaded(void)
{
    proc_rig_add(root, 100, 1, "main");
    proc_rig_text(root, "proc/100/stat",
                  "100 (main) S 1 9 9 0 -1 0 0 0 0 0 0 0 0 0 20 0 3 0 500 1\n");
    add_texts();
    add_thread(100, 100, "main");
    add_thread(100, 101, "one");
    add_thread(100, 102, "two");
    proc_rig_link(root, "proc/100/fd/7", "/dev/null");
    /* a thread is found by its number too */
    proc_rig_link(root, "proc/101", "100/task/101");
}

static void threads_follow_their_process(void **state)
{
    const struct gyr_event *ev;
    struct scap_events e;

    (void)state;
    add_threaded();
    proc_rig_take(root, 100, &e);
    assert_int_equal(e.n, 2);
    scap_events_free(&e);
    proc_rig_take(root, 101, &e);
    assert_int_equal(e.n, 3);
    assert_int_equal(e.ev[0]->tid, 100);
    assert_int_equal(e.ev[1]->tid, 101);
    assert_int_equal(e.ev[2]->type, EV_SNAP_FD);
    assert_int_equal(e.ev[2]->tid, 100);
    ev = e.ev[1];
    assert_int_equal(proc_rig_num(ev, P_SNAP_PROCESS__pid), 100);
    assert_int_equal(proc_rig_num(ev, P_SNAP_PROCESS__vtid), 3);
    assert_int_equal(proc_rig_num(ev, P_SNAP_PROCESS__vpid), 2);
    assert_int_equal(proc_rig_num(ev, P_SNAP_PROCESS__flags), 0x2001);
    proc_rig_assert_text(ev, P_SNAP_PROCESS__comm, "one");
    proc_rig_assert_text(ev, P_SNAP_PROCESS__exe, "prog");
    proc_rig_assert_text(ev, P_SNAP_PROCESS__cwd, "/srv/data/");
    proc_rig_assert_bytes(ev, P_SNAP_PROCESS__env, "", 0);
    scap_events_free(&e);
    proc_rig_take(root, 4711, &e);
    assert_int_equal(e.n, 0);
}

static void add_socket(unsigned fd, unsigned ino)
{
    char path[64], to[32];

    (void)snprintf(path, sizeof(path), "proc/100/fd/%u", fd);
    (void)snprintf(to, sizeof(to), "socket:[%u]", ino);
    proc_rig_link(root, path, to);
}

static void add_sockets(void)
{
    static const char tcp[] = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when "
                              "retrnsmt   uid  timeout inode\n"
                              "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 "
                              "00000000     0        0 1001 1 0 100 0 0 10 0\n"
                              "   1: 0100007F:1F90 0200007F:C350 01 00000000:00000000 00:00000000 "
                              "00000000     0        0 1002 1 0 20 4 30 10 -1\n"
                              "   2: 0100007F:1F91 0200007F:C350 06 00000000:00000000 00:00000000 "
                              "00000000     0        0 0 1 0 20 4 30 10 -1\n";
    static const char udp6[] = "  sl  head\n  9: 0000000000000000FFFF00000100007F:0035 "
                               "000080FE000000000000000001000000:0036 07 00000000:00000000 "
                               "00:00000000 00000000     0        0 1003 2 0 0\n";
    static const char local[] =
        "Num       RefCount Protocol Flags    Type St Inode Path\n"
        "ffff888100000010: 00000002 00000000 00010000 0001 01 1004 /run/a b\n"
        "0000000000000000: 00000003 00000000 00000000 0001 03 1005\n"
        /* a path with a newline tells of others' sockets */
        "0000000000000000: 00000003 00000000 00000000 0001 03 1006 /tmp/x\n"
        "0000000000000000: 00000003 00000000 00000000 0001 03 1004 /fake\n"
        "0000000000000000: 00000003 00000000 00000000 0001 03 1002 /fake\n";

    proc_rig_text(root, "proc/100/net/tcp", tcp);
    proc_rig_text(root, "proc/100/net/udp6", udp6);
    proc_rig_text(root, "proc/100/net/unix", local);
    proc_rig_text(root, "proc/100/net/netlink",
                  "sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode\n"
                  "0000000000000000 0   1 00000550 0 0 0 2 0 1007\n");
    for (unsigned i = 1; i <= 8; i++)
        add_socket(i, 1000 + i);
}

static void sockets_are_found_in_their_tables(void **state)
{
    static const uint8_t listening[] = {2, 127, 0, 0, 1, 0x90, 0x1f, 0, 0, 0, 0, 0, 0};
    static const uint8_t connected[] = {2, 127, 0, 0, 1, 0x90, 0x1f, 127, 0, 0, 2, 0x50, 0xc3};
    uint8_t six[1 + 2 * (16 + 2)] = {10};
    struct scap_events e;

    (void)state;
    memcpy(six + 11, "\xff\xff\x7f\0\0\1\x35", 7); /* ::ffff:127.0.0.1, 53 */
    memcpy(six + 19, "\xfe\x80", 2);               /* fe80::1, 54 */
    memcpy(six + 34, "\1\x36", 2);
    proc_rig_add(root, 100, 1, "net");
    add_sockets();
    proc_rig_take(root, -1, &e);
    assert_int_equal(proc_rig_num(proc_rig_fd(&e, 100, 1), P_SNAP_FD__type), FD_IPV4_SERVER);
    assert_int_equal(proc_rig_num(proc_rig_fd(&e, 100, 1), P_SNAP_FD__l4proto), 2);
    assert_int_equal(proc_rig_num(proc_rig_fd(&e, 100, 1), P_SNAP_FD__ino), 1001);
    proc_rig_assert_bytes(proc_rig_fd(&e, 100, 1), P_SNAP_FD__tuple, listening, sizeof(listening));
    assert_int_equal(proc_rig_num(proc_rig_fd(&e, 100, 2), P_SNAP_FD__type), FD_IPV4);
    proc_rig_assert_bytes(proc_rig_fd(&e, 100, 2), P_SNAP_FD__tuple, connected, sizeof(connected));
    assert_int_equal(proc_rig_num(proc_rig_fd(&e, 100, 3), P_SNAP_FD__type), FD_IPV6);
    assert_int_equal(proc_rig_num(proc_rig_fd(&e, 100, 3), P_SNAP_FD__l4proto), 3);
    proc_rig_assert_bytes(proc_rig_fd(&e, 100, 3), P_SNAP_FD__tuple, six, sizeof(six));
    /* nobody knows any more which of two paths is the socket's own */
    assert_int_equal(proc_rig_num(proc_rig_fd(&e, 100, 4), P_SNAP_FD__type), FD_UNIX);
    proc_rig_assert_text(proc_rig_fd(&e, 100, 4), P_SNAP_FD__name, "");
    proc_rig_assert_text(proc_rig_fd(&e, 100, 5), P_SNAP_FD__name, "");
    proc_rig_assert_text(proc_rig_fd(&e, 100, 6), P_SNAP_FD__name, "/tmp/x");
    assert_int_equal(proc_rig_num(proc_rig_fd(&e, 100, 7), P_SNAP_FD__type), FD_NETLINK);
    assert_int_equal(proc_rig_num(proc_rig_fd(&e, 100, 8), P_SNAP_FD__type), FD_UNSUPPORTED);
    scap_events_free(&e);
}

static void add_many_sockets(unsigned n)
{
    char *text = malloc((size_t)n * 128 + 128);
    size_t len = 0;

    assert_non_null(text);
    len += (size_t)snprintf(text, 128, "head\n");
    for (unsigned i = 0; i < n; i++)
        len += (size_t)snprintf(text + len, 128,
                                "%u: 0100007F:%04X 0200007F:0001 01 0:0 0:0 0 0 0 %u 1\n", i,
                                i & 0xffff, 100000 + i);
    proc_rig_file(root, "proc/100/net/tcp", text, len);
    free(text);
}

static void large_tables_are_bounded(void **state)
{
    struct proc_conf conf = {.host_root = root, .max_sockets = 1000};
    struct proc_snapshot *s;
    struct proc_stats stats;
    struct scap_events e;
    struct gyr_error err;

    (void)state;
    proc_rig_add(root, 100, 1, "net");
    add_many_sockets(100000);
    add_socket(3, 100000 + 99999);
    proc_rig_take(root, -1, &e);
    assert_int_equal(proc_rig_num(proc_rig_fd(&e, 100, 3), P_SNAP_FD__type), FD_IPV4);
    scap_events_free(&e);
    add_socket(4, 100000 + 7);
    assert_int_equal(proc_snapshot_new(&conf, &s, &err), 0);
    proc_rig_run(s, &e);
    proc_snapshot_stats(s, &stats);
    proc_snapshot_free(s);
    assert_int_equal(stats.cut, 99000);
    assert_int_equal(proc_rig_num(proc_rig_fd(&e, 100, 3), P_SNAP_FD__type), FD_UNSUPPORTED);
    assert_int_equal(proc_rig_num(proc_rig_fd(&e, 100, 4), P_SNAP_FD__type), FD_IPV4);
    scap_events_free(&e);
}

static void counts_are_bounded(void **state)
{
    struct proc_conf conf = {.host_root = root, .max_threads = 3, .max_fds = 2};
    struct proc_snapshot *s;
    struct proc_stats stats;
    struct scap_events e;
    struct gyr_error err;

    (void)state;
    proc_rig_add(root, 100, 1, "many");
    for (unsigned i = 1; i < 6; i++)
        add_socket(i, i);
    assert_int_equal(proc_snapshot_new(&conf, &s, &err), 0);
    proc_rig_run(s, &e);
    proc_snapshot_stats(s, &stats);
    assert_int_equal(proc_rig_count(&e, EV_SNAP_FD), 2);
    assert_int_equal(stats.fds, 2);
    assert_int_equal(stats.cut, 3);
    scap_events_free(&e);
    for (unsigned i = 101; i < 110; i++)
        proc_rig_add(root, i, 1, "many");
    proc_snapshot_begin(s);
    proc_rig_run(s, &e);
    assert_int_equal(proc_rig_count(&e, EV_SNAP_PROCESS), 3);
    scap_events_free(&e);
    proc_snapshot_stats(s, &stats);
    proc_snapshot_free(s);
    assert_int_equal(stats.processes, 1 + 3);
    assert_in_range(stats.cut, 3 + 7, 3 + 7 + 3);
}

static void what_is_missing_is_told_once(void **state)
{
    struct proc_conf conf = {.host_root = root, .max_fds = 2};
    struct proc_snapshot *s;
    struct fake_host host;
    struct scap_events e;
    struct gyr_error err;
    const char *told;

    (void)state;
    fake_host_init(&host);
    proc_rig_add(root, 100, 1, "many");
    assert_int_equal(proc_snapshot_new(&conf, &s, &err), 0);
    proc_rig_run(s, &e);
    scap_events_free(&e);
    proc_snapshot_tell(s, &host.host);
    assert_string_equal(host.log, "");
    for (unsigned i = 1; i < 6; i++)
        add_socket(i, i);
    for (int i = 0; i < 2; i++) {
        proc_snapshot_begin(s);
        proc_rig_run(s, &e);
        scap_events_free(&e);
        proc_snapshot_tell(s, &host.host);
    }
    told = strstr(host.log, "the snapshot is not whole: 3 processes, descriptors, ");
    assert_non_null(told);
    assert_null(strstr(told + 1, "the snapshot"));
    proc_snapshot_free(s);
    assert_int_equal(fake_host_free(&host), 0);
}

static void programs_that_may_be_written_are_told(void **state)
{
    struct scap_events e;
    struct statx st;
    char exe[128], mounts[256];

    (void)state;
    proc_rig_add(root, 100, 1, "own"); /* with CAP_DAC_OVERRIDE and CAP_FOWNER */
    proc_rig_text(root, "bin/tool", "#!");
    (void)snprintf(exe, sizeof(exe), "%s/bin/tool", root);
    proc_rig_link(root, "proc/100/exe", exe);
    proc_rig_take(root, -1, &e);
    assert_int_equal(proc_rig_num(proc_rig_process(&e, 100), P_SNAP_PROCESS__exe_flags), 1);
    scap_events_free(&e);
    assert_int_equal(statx(AT_FDCWD, exe, 0, STATX_MNT_ID, &st), 0);
    (void)snprintf(mounts, sizeof(mounts), "%llu 1 8:1 / / ro,relatime shared:1 - ext4 /dev/x rw\n",
                   (unsigned long long)st.stx_mnt_id);
    proc_rig_text(root, "proc/100/mountinfo", mounts);
    proc_rig_take(root, -1, &e);
    assert_int_equal(proc_rig_num(proc_rig_process(&e, 100), P_SNAP_PROCESS__exe_flags), 0);
    scap_events_free(&e);
    /* a stranger's, without capabilities */
    proc_rig_text(root, "proc/100/mountinfo", "");
    proc_rig_text(root, "proc/100/status", "Tgid:\t100\nUid:\t9\t9\t9\t9\nGid:\t9\t9\t9\t9\n");
    proc_rig_take(root, -1, &e);
    assert_int_equal(proc_rig_num(proc_rig_process(&e, 100), P_SNAP_PROCESS__exe_flags), 0);
    scap_events_free(&e);
}

static void a_snapshot_is_spread_over_batches(void **state)
{
    struct proc_conf conf = {.host_root = root};
    static char text[4096];
    struct proc_snapshot *s;
    struct scap_events e;
    struct gyr_error err;
    char path[64];

    (void)state;
    memset(text, 'y', sizeof(text));
    for (unsigned i = 1; i <= 400; i++) {
        proc_rig_add(root, i, 0, "wide");
        (void)snprintf(path, sizeof(path), "proc/%u/environ", i);
        proc_rig_file(root, path, text, sizeof(text));
    }
    assert_int_equal(proc_snapshot_new(&conf, &s, &err), 0);
    assert_int_equal(proc_rig_run(s, &e), 2);
    assert_int_equal(proc_rig_count(&e, EV_SNAP_PROCESS), 400);
    for (int64_t i = 1; i <= 400; i++) {
        const struct gyr_event *ev = proc_rig_process(&e, i);
        uint32_t len;

        assert_non_null(ev);
        assert_memory_equal(gyr_param(ev, P_SNAP_PROCESS__env, &len), text, sizeof(text));
    }
    scap_events_free(&e);
    /* given up half-way, and begun anew */
    proc_snapshot_begin(s);
    assert_int_equal(proc_rig_run(s, &e), 2);
    scap_events_free(&e);
    proc_snapshot_free(s);
}

static void accounts_are_read_from_their_files(void **state)
{
    const struct gyr_event *ev = NULL;
    struct scap_events e;

    (void)state;
    proc_rig_text(root, "etc/passwd",
                  "# a remark\n+::::::\nbad\nworse:x:abc:1::/:\nroot:x:0:0:root:/root:/bin/bash\n"
                  "short:x:7\nlast:x:8:9:A, B:/home/last:/bin/sh");
    proc_rig_text(root, "etc/group", "root:x:0:\nstaff:x:50:a,b\n");
    proc_rig_take(root, -1, &e);
    assert_int_equal(proc_rig_count(&e, EV_SNAP_USER), 3);
    assert_int_equal(proc_rig_count(&e, EV_SNAP_GROUP), 2);
    for (size_t i = 0; i < e.n; i++)
        if (e.ev[i]->type == EV_SNAP_USER)
            ev = e.ev[i];
    assert_int_equal(proc_rig_num(ev, P_SNAP_USER__uid), 8);
    assert_int_equal(proc_rig_num(ev, P_SNAP_USER__gid), 9);
    proc_rig_assert_text(ev, P_SNAP_USER__name, "last");
    proc_rig_assert_text(ev, P_SNAP_USER__home, "/home/last");
    proc_rig_assert_text(ev, P_SNAP_USER__shell, "/bin/sh");
    scap_events_free(&e);
}

static void overlays_show_their_layers(void **state)
{
    struct scap_events e;
    struct statx st;
    char mounts[512], exe[128], path[128];
    int64_t flags;

    (void)state;
    proc_rig_add(root, 100, 1, "dropped");
    proc_rig_text(root, "merged/bin/tool", "#!");
    (void)snprintf(exe, sizeof(exe), "%s/merged/bin/tool", root);
    proc_rig_link(root, "proc/100/exe", exe);
    assert_int_equal(statx(AT_FDCWD, exe, 0, STATX_MNT_ID, &st), 0);
    if (!(st.stx_mask & STATX_MNT_ID)) {
        print_message("the kernel tells no mount of a file (before 5.8)\n");
        skip();
    }
    (void)snprintf(
        mounts, sizeof(mounts),
        "%llu 1 0:300 / %s/merged rw - overlay overlay rw,lowerdir=/l,upperdir=/up\\040per,"
        "workdir=/w\n",
        (unsigned long long)st.stx_mnt_id, root);
    proc_rig_text(root, "proc/100/mountinfo", mounts);
    /* in a namespace of its own, whose mounts are not believed */
    proc_rig_link(root, "proc/100/ns/user", "user:[1]");
    proc_rig_take(root, -1, &e);
    flags = proc_rig_num(proc_rig_process(&e, 100), P_SNAP_PROCESS__exe_flags);
    assert_int_equal(flags & (2 | 8), 0);
    scap_events_free(&e);
    assert_true(readlink("/proc/self/ns/user", path, sizeof(path)) > 0);
    path[strcspn(path, "]") + 1] = 0;
    proc_rig_link(root, "proc/100/ns/user", path);
    proc_rig_take(root, -1, &e);
    flags = proc_rig_num(proc_rig_process(&e, 100), P_SNAP_PROCESS__exe_flags);
    assert_int_equal(flags & (2 | 8), 8);
    /* 0:300 as the kernel writes it */
    assert_int_equal(proc_rig_num(proc_rig_process(&e, 100), P_SNAP_PROCESS__exe_dev), 0x10002c);
    scap_events_free(&e);
    (void)snprintf(path, sizeof(path), "up per/bin/tool");
    proc_rig_text(root, path, "#!");
    proc_rig_take(root, -1, &e);
    flags = proc_rig_num(proc_rig_process(&e, 100), P_SNAP_PROCESS__exe_flags);
    assert_int_equal(flags & (2 | 8), 2);
    scap_events_free(&e);
}

/* ---- by chance ---- */

static uint64_t seed = 88172645463325252u;

static uint32_t chance(uint32_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 32) % below;
}

static void mutate(const char *name)
{
    static const char tokens[][24] = {
        "\n", ":",  " ", "(", ")",     "-1", "18446744073709551616", "0::/", "socket:[",
        "]",  "\t", ",", "=", "\\040", "0A"};
    static char buf[1 << 14];
    char path[128];
    size_t n, at;
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/%s", root, name);
    f = fopen(path, "rb");
    assert_non_null(f);
    n = fread(buf, 1, sizeof(buf) / 2, f);
    (void)fclose(f);
    for (uint32_t k = chance(6); k > 0 && n > 0; k--) {
        const char *token = tokens[chance(sizeof(tokens) / sizeof(tokens[0]))];

        at = chance((uint32_t)n);
        if (chance(3) == 0) {
            buf[at] = (char)chance(256);
        } else if (chance(3) == 0) {
            n = at;
        } else if (n + 32 < sizeof(buf)) {
            memmove(buf + at + strlen(token), buf + at, n - at);
            memcpy(buf + at, token, strlen(token));
            n += strlen(token);
        }
    }
    proc_rig_file(root, name, buf, n);
}

static void whatever_stands_there_is_survived(void **state)
{
    static const char *const files[] = {"proc/100/stat",
                                        "proc/100/status",
                                        "proc/100/cmdline",
                                        "proc/100/cgroup",
                                        "proc/100/limits",
                                        "proc/100/environ",
                                        "proc/100/loginuid",
                                        "proc/100/mountinfo",
                                        "proc/100/net/tcp",
                                        "proc/100/net/udp6",
                                        "proc/100/net/unix",
                                        "proc/100/net/netlink",
                                        "proc/100/task/101/stat",
                                        "proc/100/task/101/status",
                                        "proc/100/fdinfo/20",
                                        "etc/passwd",
                                        "etc/group",
                                        "etc/hostname",
                                        "sys/fs/cgroup/cgroup.controllers"};
    const uint32_t n = sizeof(files) / sizeof(files[0]);
    unsigned told = 0;

    (void)state;
    for (unsigned round = 0; round < 400; round++) {
        struct scap_events e;

        if (round % 8 == 0) {
            add_threaded();
            add_sockets();
            proc_rig_link(root, "proc/100/fd/20", "/dev/null");
            proc_rig_text(root, "proc/100/fdinfo/20", "pos:\t0\nflags:\t0100002\nmnt_id:\t24\n");
            proc_rig_text(root, "proc/100/mountinfo",
                          "24 1 8:1 / / rw - ext4 /dev/sda1 rw\n25 24 0:30 / /m rw shared:1 - "
                          "overlay overlay rw,lowerdir=/l,upperdir=/u,workdir=/w\n");
            proc_rig_text(root, "etc/hostname", "host\n");
            proc_rig_text(root, "etc/passwd", "a:x:1:2:c:/h:/s\n");
            proc_rig_text(root, "etc/group", "a:x:1:b\n");
        }
        for (int k = 0; k < 4; k++)
            mutate(files[chance(n)]);
        proc_rig_take(root, -1, &e);
        assert_int_equal(e.ev[0]->type, GYR_EV_SNAPSHOT_BEGIN);
        assert_int_equal(e.ev[e.n - 1]->type, GYR_EV_SNAPSHOT_END);
        told += proc_rig_count(&e, EV_SNAP_PROCESS) > 0;
        scap_events_free(&e);
    }
    assert_true(told > 100); /* else nothing was read but the first numbers */
}

static void where_there_is_no_proc_it_says_so(void **state)
{
    const struct proc_conf conf = {.host_root = "/nowhere"};
    struct proc_snapshot *s;
    struct gyr_error err;

    (void)state;
    assert_int_equal(proc_snapshot_new(&conf, &s, &err), -ENOENT);
    assert_string_equal(err.msg, "cannot read /nowhere/proc: No such file or directory");
    assert_int_equal(proc_check("/nowhere", &err), -ENOENT);
    /* a folder with a version and without process 1 hides it */
    assert_int_equal(proc_check(root, &err), -EACCES);
    assert_non_null(strstr(err.msg, "hidepid"));
    proc_rig_add(root, 1, 0, "init");
    proc_rig_link(root, "proc/1/ns/pid", "pid:[4026532000]");
    assert_int_equal(proc_check(root, &err), -EXDEV);
    assert_non_null(strstr(err.msg, "PID namespace 4026532000"));
    proc_rig_link(root, "proc/1/ns/pid", "pid:[4026531836]");
    if (geteuid() == 0)
        assert_int_equal(proc_check(root, &err), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_process_is_told_as_a_capture_tells_it),
        T(records_come_in_order),
        T(names_hold_anything),
        T(texts_are_cut_as_in_captures),
        T(what_is_no_process_is_left_out),
        T(threads_follow_their_process),
        T(sockets_are_found_in_their_tables),
        T(large_tables_are_bounded),
        T(counts_are_bounded),
        T(what_is_missing_is_told_once),
        T(programs_that_may_be_written_are_told),
        T(a_snapshot_is_spread_over_batches),
        T(accounts_are_read_from_their_files),
        T(overlays_show_their_layers),
        T(whatever_stands_there_is_survived),
        T(where_there_is_no_proc_it_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
