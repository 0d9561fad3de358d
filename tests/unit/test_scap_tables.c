/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of a capture, every version, as snapshot events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../lib/scap_build.h"
#include "syscall/syscall.h"

static const struct gyr_event *only_event(struct scap_events *e, struct scap_build *b,
                                          uint16_t type)
{
    const struct gyr_event *ev;

    scap_events_read(e, b->p, b->len);
    sb_free(b);
    if (e->end != GYR_E_EOF)
        fail_msg("%s", e->err.msg);
    assert_int_equal(e->ev[0]->type, GYR_EV_SNAPSHOT_BEGIN);
    assert_int_equal(e->ev[e->n - 1]->type, GYR_EV_SNAPSHOT_END);
    ev = scap_events_at(e, 0);
    assert_non_null(ev);
    assert_int_equal(ev->type, type);
    assert_int_equal(ev->flags, GYR_EVF_SNAPSHOT);
    assert_int_equal(ev->num, 0);
    assert_true(ev->ts_ns > 0);
    return ev;
}

static void assert_num(const struct gyr_event *ev, uint32_t param, int64_t want)
{
    int64_t got = 0;

    if (!gyr_param_i64(ev, param, &got))
        fail_msg("parameter %u is absent", param);
    assert_int_equal(got, want);
}

static void assert_text(const struct gyr_event *ev, uint32_t param, const char *want)
{
    const char *s;
    uint32_t n;

    if (!gyr_param_str(ev, param, &s, &n))
        fail_msg("parameter %u is absent", param);
    assert_int_equal(n, strlen(want));
    assert_memory_equal(s, want, n);
}

static void assert_absent(const struct gyr_event *ev, uint32_t param)
{
    uint32_t len;

    (void)gyr_param(ev, param, &len);
    assert_int_equal(len, 0);
}

static void assert_bytes(const struct gyr_event *ev, uint32_t param, const void *want, size_t n)
{
    uint32_t len;
    const uint8_t *p = gyr_param(ev, param, &len);

    assert_int_equal(len, n);
    assert_memory_equal(p, want, n);
}

static void machine(void **state)
{
    static const uint32_t types[] = {0x201, 0x8002ABCD};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct scap_build b = {0};
        struct scap_events e;
        const struct gyr_event *ev;
        char host[128] = "web-7";

        sb_section(&b);
        sb_block(&b, types[i]);
        sb_num(&b, 8, 4);
        sb_num(&b, 1 << 30, 8);
        sb_num(&b, 32768, 8);
        sb_bytes(&b, host, sizeof(host));
        sb_num(&b, 1500000000000000000, 8);
        sb_num(&b, 5, 8);
        sb_num(&b, 0, 8);
        sb_num(&b, 0, 8);
        sb_block_end(&b);
        ev = only_event(&e, &b, EV_SNAP_MACHINE);
        assert_num(ev, P_SNAP_MACHINE__num_cpus, 8);
        assert_num(ev, P_SNAP_MACHINE__memory, 1 << 30);
        assert_num(ev, P_SNAP_MACHINE__max_pid, 32768);
        assert_text(ev, P_SNAP_MACHINE__hostname, "web-7");
        assert_num(ev, P_SNAP_MACHINE__boot_ts, 1500000000000000000);
        assert_num(ev, P_SNAP_MACHINE__flags, 5);
        scap_events_free(&e);
    }
}

static void put_texts(struct scap_build *b, const char *p, size_t n)
{
    sb_num(b, n, 2);
    sb_bytes(b, p, n);
}

/* A process as version @p v has it. @param tail what version 9 appends: 0 nothing, 1 what came
 * before 0.10, 2 all. */
static void put_process(struct scap_build *b, uint32_t block, int v, int tail)
{
    sb_section(b);
    sb_block(b, block);
    if (v >= 9)
        sb_entry(b);
    sb_num(b, 101, 8);
    sb_num(b, 100, 8);
    sb_num(b, 99, 8);
    if (v >= 6)
        sb_num(b, 98, 8);
    if (v >= 8)
        sb_num(b, 97, 8);
    sb_text(b, "sh");
    sb_text(b, "/bin/sh");
    if (v >= 7)
        sb_text(b, "/usr/bin/dash");
    put_texts(b, "-c\0ls\0", 6);
    sb_text(b, "/tmp");
    sb_num(b, 1024, 8);
    sb_num(b, 0x40, 4);
    sb_num(b, 1000, 4);
    sb_num(b, 1001, 4);
    if (v >= 2) {
        sb_num(b, 10, 4);
        sb_num(b, 11, 4);
        sb_num(b, 12, 4);
        sb_num(b, 13, 8);
        sb_num(b, 14, 8);
    }
    if (v >= 3)
        put_texts(b, "A=1\0B=2", 7);
    if (v >= 4) {
        sb_num(b, 1, 8);
        sb_num(b, 2, 8);
        put_texts(b, "cpu=/\0", 6);
    }
    if (v >= 5)
        sb_text(b, "/root");
    if (tail >= 2) {
        sb_num(b, 77, 8);
        sb_num(b, 34816, 4);
    }
    if (tail >= 1) {
        sb_num(b, 0xffffffff, 4);
        sb_num(b, 1, 1);
        for (int i = 1; i <= 3; i++)
            sb_num(b, (uint64_t)i, 8);
    }
    if (tail >= 2) {
        sb_num(b, 1, 1);
        for (int i = 4; i <= 6; i++)
            sb_num(b, (uint64_t)i, 8);
        sb_num(b, 0, 1);
        sb_num(b, 1, 1);
        sb_num(b, 96, 8);
        sb_num(b, 0xdead, 3); /* members of a later version */
    }
    if (v >= 9)
        sb_entry_end(b, 1);
    sb_block_end(b);
}

static void check_process(const struct gyr_event *ev, int v, int tail)
{
    assert_int_equal(ev->tid, 101);
    assert_num(ev, P_SNAP_PROCESS__tid, 101);
    assert_num(ev, P_SNAP_PROCESS__pid, 100);
    assert_num(ev, P_SNAP_PROCESS__ptid, 99);
    assert_text(ev, P_SNAP_PROCESS__comm, "sh");
    assert_text(ev, P_SNAP_PROCESS__exe, "/bin/sh");
    assert_bytes(ev, P_SNAP_PROCESS__args, "-c\0ls\0", 6);
    assert_text(ev, P_SNAP_PROCESS__cwd, "/tmp");
    assert_num(ev, P_SNAP_PROCESS__fdlimit, 1024);
    assert_num(ev, P_SNAP_PROCESS__flags, 0x40);
    assert_num(ev, P_SNAP_PROCESS__uid, 1000);
    assert_num(ev, P_SNAP_PROCESS__gid, 1001);
    if (v >= 2)
        assert_num(ev, P_SNAP_PROCESS__pfminor, 14);
    else
        assert_absent(ev, P_SNAP_PROCESS__pfminor);
    if (v >= 3) /* the NUL that was missing is there */
        assert_bytes(ev, P_SNAP_PROCESS__env, "A=1\0B=2\0", 8);
    else
        assert_absent(ev, P_SNAP_PROCESS__env);
    if (v >= 4)
        assert_num(ev, P_SNAP_PROCESS__vpid, 2);
    else
        assert_absent(ev, P_SNAP_PROCESS__vpid);
    if (v >= 5)
        assert_text(ev, P_SNAP_PROCESS__root, "/root");
    if (v >= 6)
        assert_num(ev, P_SNAP_PROCESS__sid, 98);
    if (v >= 7)
        assert_text(ev, P_SNAP_PROCESS__exepath, "/usr/bin/dash");
    else
        assert_absent(ev, P_SNAP_PROCESS__exepath);
    if (v >= 8)
        assert_num(ev, P_SNAP_PROCESS__vpgid, 97);
    if (tail >= 1) {
        assert_num(ev, P_SNAP_PROCESS__loginuid, -1);
        assert_num(ev, P_SNAP_PROCESS__cap_effective, 3);
    } else {
        assert_absent(ev, P_SNAP_PROCESS__loginuid);
    }
    if (tail >= 2) {
        assert_num(ev, P_SNAP_PROCESS__pidns_init_start_ts, 77);
        assert_num(ev, P_SNAP_PROCESS__tty, 34816);
        assert_num(ev, P_SNAP_PROCESS__exe_ino_mtime, 6);
        assert_num(ev, P_SNAP_PROCESS__exe_flags, 1 | 2 | 8);
        assert_num(ev, P_SNAP_PROCESS__pgid, 96);
    } else {
        assert_absent(ev, P_SNAP_PROCESS__tty);
        assert_absent(ev, P_SNAP_PROCESS__pgid);
    }
}

static void processes(void **state)
{
    static const struct {
        uint32_t block;
        int v, tail;
    } cases[] = {
        {0x202, 1, 0},      {0x8000ABCD, 1, 0}, {0x207, 2, 0}, {0x8013ABCD, 2, 0}, {0x209, 3, 0},
        {0x8014ABCD, 3, 0}, {0x210, 4, 0},      {0x211, 5, 0}, {0x212, 6, 0},      {0x213, 7, 0},
        {0x214, 8, 0},      {0x215, 9, 0},      {0x215, 9, 1}, {0x215, 9, 2},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct scap_build b = {0};
        struct scap_events e;

        put_process(&b, cases[i].block, cases[i].v, cases[i].tail);
        check_process(only_event(&e, &b, EV_SNAP_PROCESS), cases[i].v, cases[i].tail);
        assert_int_equal(e.n, 3);
        scap_events_free(&e);
    }
}

/* A descriptor list of one thread with one entry. */
static void put_fd(struct scap_build *b, int v, unsigned type, const void *body, size_t n)
{
    sb_section(b);
    sb_block(b, v == 2 ? 0x218 : 0x203);
    sb_num(b, 4711, 8);
    if (v == 2)
        sb_entry(b);
    sb_num(b, 3, 8);
    sb_num(b, 99, 8);
    sb_num(b, type, 1);
    sb_bytes(b, body, n);
    if (v == 2)
        sb_entry_end(b, 1);
    sb_block_end(b);
}

static const struct gyr_event *fd_event(struct scap_events *e, int v, unsigned type,
                                        const void *body, size_t n)
{
    struct scap_build b = {0};
    const struct gyr_event *ev;

    put_fd(&b, v, type, body, n);
    ev = only_event(e, &b, EV_SNAP_FD);
    assert_int_equal(ev->tid, 4711);
    assert_num(ev, P_SNAP_FD__tid, 4711);
    assert_num(ev, P_SNAP_FD__fd, 3);
    assert_num(ev, P_SNAP_FD__ino, 99);
    assert_num(ev, P_SNAP_FD__type, type);
    return ev;
}

static void descriptors(void **state)
{
    static const unsigned named[] = {FD_FILE,   FD_DIRECTORY, FD_PIPE,     FD_EVENT, FD_UNSUPPORTED,
                                     FD_SIGNAL, FD_EVENTPOLL, FD_INOTIFY,  FD_TIMER, FD_NETLINK,
                                     FD_BPF,    FD_USERFAULT, FD_IO_URING, FD_MEMFD, FD_PIDFD};
    struct scap_events e;
    const struct gyr_event *ev;

    (void)state;
    for (int v = 1; v <= 2; v++) {
        for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
            ev = fd_event(&e, v, named[i], "\4\0/a/b", 6);
            assert_text(ev, P_SNAP_FD__name, "/a/b");
            scap_events_free(&e);
        }
        ev = fd_event(&e, v, FD_FILE_V2, "\1\0\0\0\4\0/etc\7\0\0\0", v == 2 ? 14 : 10);
        assert_text(ev, P_SNAP_FD__name, "/etc");
        assert_num(ev, P_SNAP_FD__flags, 1);
        if (v == 2)
            assert_num(ev, P_SNAP_FD__dev, 7);
        scap_events_free(&e);
    }
    fd_event(&e, 1, FD_UNKNOWN, "", 0);
    scap_events_free(&e);
    fd_event(&e, 2, 100, "what is this", 12); /* of a newer recorder */
    scap_events_free(&e);
}

static void sockets(void **state)
{
    struct scap_events e;
    const struct gyr_event *ev;
    char six[16 + 16 + 2 + 2 + 1], want[64];

    (void)state;
    ev = fd_event(&e, 2, FD_IPV4, "\12\0\0\1\12\0\0\2\1\2\3\4\6", 13);
    assert_bytes(ev, P_SNAP_FD__tuple, "\2\12\0\0\1\1\2\12\0\0\2\3\4", 13);
    assert_num(ev, P_SNAP_FD__l4proto, 6);
    scap_events_free(&e);
    ev = fd_event(&e, 1, FD_IPV4_SERVER, "\12\0\0\1\1\2\6", 7);
    assert_bytes(ev, P_SNAP_FD__tuple, "\2\12\0\0\1\1\2\0\0\0\0\0\0", 13);
    scap_events_free(&e);
    memset(six, 0xaa, 16);
    memset(six + 16, 0xbb, 16);
    memcpy(six + 32, "\1\2\3\4\21", 5);
    memset(want, 10, 1);
    memset(want + 1, 0xaa, 16);
    memcpy(want + 17, "\1\2", 2);
    memset(want + 19, 0xbb, 16);
    memcpy(want + 35, "\3\4", 2);
    ev = fd_event(&e, 2, FD_IPV6, six, sizeof(six));
    assert_bytes(ev, P_SNAP_FD__tuple, want, 37);
    assert_num(ev, P_SNAP_FD__l4proto, 17);
    scap_events_free(&e);
    memcpy(six + 16, "\1\2\21", 3);
    memset(want + 19, 0, 18);
    ev = fd_event(&e, 2, FD_IPV6_SERVER, six, 19);
    assert_bytes(ev, P_SNAP_FD__tuple, want, 37);
    scap_events_free(&e);
    ev = fd_event(&e, 2, FD_UNIX, "12345678abcdefgh\6\0/run/x", 24);
    assert_bytes(ev, P_SNAP_FD__tuple, "\00112345678abcdefgh/run/x", 24);
    assert_text(ev, P_SNAP_FD__name, "/run/x");
    scap_events_free(&e);
}

static void interfaces(void **state)
{
    (void)state;
    for (int v = 1; v <= 2; v++) {
        for (unsigned type = 1; type <= 4; type++) {
            size_t addr = type % 2 ? 4 : 16;
            struct scap_build b = {0};
            struct scap_events e;
            const struct gyr_event *ev;

            sb_section(&b);
            sb_block(&b, v == 2 ? 0x219 : type == 1 ? 0x8011ABCD : 0x205);
            if (v == 2)
                sb_entry(&b);
            sb_num(&b, type, 2);
            sb_num(&b, 4, 2);
            for (int i = 0; i < 3; i++)
                sb_bytes(&b, &"0123456789abcdefgh"[i], addr);
            if (type <= 2)
                sb_num(&b, 1000, 8);
            sb_bytes(&b, "eth0", 4);
            if (v == 2)
                sb_entry_end(&b, 0);
            sb_block_end(&b);
            ev = only_event(&e, &b, EV_SNAP_INTERFACE);
            assert_text(ev, P_SNAP_INTERFACE__name, "eth0");
            assert_bytes(ev, P_SNAP_INTERFACE__addr, "0123456789abcdef", addr);
            assert_bytes(ev, P_SNAP_INTERFACE__broadcast, "23456789abcdefgh", addr);
            scap_events_free(&e);
        }
    }
}

static void users(void **state)
{
    static const uint32_t blocks[] = {0x206, 0x8012ABCD, 0x220};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct scap_build b = {0};
        struct scap_events e;
        const struct gyr_event *ev;

        sb_section(&b);
        sb_block(&b, blocks[i]);
        for (int group = 0; group < 2; group++) {
            if (blocks[i] == 0x220)
                sb_entry(&b);
            sb_num(&b, (uint64_t)group, 1);
            if (!group)
                sb_num(&b, 1000, 4);
            sb_num(&b, 1001, 4);
            sb_text(&b, group ? "wheel" : "joe");
            if (!group) {
                sb_text(&b, "/home/joe");
                sb_text(&b, "/bin/sh");
            }
            if (blocks[i] == 0x220)
                sb_entry_end(&b, 1);
        }
        sb_block_end(&b);
        ev = only_event(&e, &b, EV_SNAP_USER);
        assert_num(ev, P_SNAP_USER__uid, 1000);
        assert_text(ev, P_SNAP_USER__name, "joe");
        assert_text(ev, P_SNAP_USER__home, "/home/joe");
        assert_text(ev, P_SNAP_USER__shell, "/bin/sh");
        ev = scap_events_at(&e, 1);
        assert_int_equal(ev->type, EV_SNAP_GROUP);
        assert_num(ev, P_SNAP_GROUP__gid, 1001);
        assert_text(ev, P_SNAP_GROUP__name, "wheel");
        scap_events_free(&e);
    }
}

/* A table of more than one batch comes whole. */
static void large_table(void **state)
{
    struct scap_build b = {0};
    struct scap_events e;
    char name[4000];

    (void)state;
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = 0;
    sb_section(&b);
    sb_block(&b, 0x218);
    sb_num(&b, 1, 8);
    for (uint64_t i = 0; i < 1000; i++) {
        sb_entry(&b);
        sb_num(&b, i, 8);
        sb_num(&b, 0, 8);
        sb_num(&b, FD_FILE, 1);
        sb_text(&b, name);
        sb_entry_end(&b, 1);
    }
    sb_block_end(&b);
    only_event(&e, &b, EV_SNAP_FD);
    assert_int_equal(e.n, 1002);
    for (uint32_t i = 0; i < 1000; i++) {
        assert_num(e.ev[i + 1], P_SNAP_FD__fd, i);
        assert_text(e.ev[i + 1], P_SNAP_FD__name, name);
    }
    scap_events_free(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(machine),     cmocka_unit_test(processes),  cmocka_unit_test(descriptors),
        cmocka_unit_test(sockets),     cmocka_unit_test(interfaces), cmocka_unit_test(users),
        cmocka_unit_test(large_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
