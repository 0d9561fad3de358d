/* SPDX-License-Identifier: Apache-2.0 */
/* Fields of processes and descriptors that our captures do not show: three cases each, worked out
 * by hand from what Falco's documentation says the field is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../lib/derived.h"

#include "syscall/syscall.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct derived d;

#define shows(field, want)         assert_string_equal(derived_get(&d, (field), NULL), (want))
#define shows_of(field, arg, want) assert_string_equal(derived_get(&d, (field), (arg)), (want))
#define reads(field, want)         assert_string_equal(derived_many(&d, (field)), (want))

static int setup(void **state)
{
    (void)state;
    derived_init(&d);
    derived_event(&d, GYR_EV_SNAPSHOT_BEGIN, -1, NULL, 0);
    derived_address(&d, "10.0.0.5", "255.255.255.0");
    derived_process(&d, 1, 1, "init");
    derived_process(&d, 100, 100, "curl");
    derived_fd(&d, 100, 3, FD_FILE_V2, "/etc/passwd");
    derived_event(&d, GYR_EV_SNAPSHOT_END, -1, NULL, 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    derived_free(&d);
    return 0;
}

/* ---- ends of connections ---- */

/* Each of the four sides, of a connection made from here, of one taken here, of a listening
 * socket: the address and port that stand there. "" is absent. */
static const struct side {
    const char *net, *proto, *ip_name;
    const char *made[2], *taken[2], *listening[2]; /* address, port */
} sides[] = {
    {"fd.cnet",
     "fd.cproto",
     "fd.cip.name",
     {"10.0.0.5/32", "40000"},
     {"9.9.9.9/32", "50000"},
     {"", ""}},
    {"fd.snet",
     "fd.sproto",
     "fd.sip.name",
     {"8.8.8.8/32", "443"},
     {"10.0.0.5/32", "22"},
     {"10.0.0.5/32", "22"}},
    {"fd.lnet",
     "fd.lproto",
     "fd.lip.name",
     {"10.0.0.5/32", "40000"},
     {"10.0.0.5/32", "22"},
     {"", ""}},
    {"fd.rnet",
     "fd.rproto",
     "fd.rip.name",
     {"8.8.8.8/32", "443"},
     {"9.9.9.9/32", "50000"},
     {"", ""}},
};

static void side_is(const struct side *s, const char *const *want)
{
    shows(s->net, *want[0] ? want[0] : "(absent)");
    shows(s->proto, *want[1] ? want[1] : "(absent)");
    shows(s->ip_name, "(absent)"); /* events carry no names of addresses */
}

static void four_sides(void **state)
{
    (void)state;
    derived_connect(&d, 100, 5, "10.0.0.5", 40000, "8.8.8.8", 443);
    for (size_t i = 0; i < 4; i++)
        side_is(&sides[i], sides[i].made);
    derived_accept(&d, 100, 6, "9.9.9.9", 50000, "10.0.0.5", 22);
    for (size_t i = 0; i < 4; i++)
        side_is(&sides[i], sides[i].taken);
    derived_listen(&d, 100, 7, "10.0.0.5", 22);
    for (size_t i = 0; i < 4; i++)
        side_is(&sides[i], sides[i].listening);
}

static void sides_of_version_6(void **state)
{
    (void)state;
    derived_connect(&d, 100, 5, "2001:db8::5", 40000, "2001:db8::1", 53);
    shows("fd.cnet", "2001:db8::5/128");
    shows("fd.snet", "2001:db8::1/128");
    shows("fd.cproto", "40000");
    shows("fd.sproto", "53");
    shows("fd.sip.name", "(absent)");
}

static void what_is_no_connection_has_no_sides(void **state)
{
    static const char *const fields[] = {
        "fd.proto",    "fd.cproto",   "fd.sproto",   "fd.lproto",  "fd.rproto", "fd.net",
        "fd.cnet",     "fd.snet",     "fd.lnet",     "fd.rnet",    "fd.ip",     "fd.port",
        "fd.cip.name", "fd.sip.name", "fd.lip.name", "fd.rip.name"};

    (void)state;
    for (int step = 0; step < 2; step++) {
        if (step == 0) /* a file */
            DERIVED(&d, EV_SYSCALL_READ_X, 100, D_NUM(P_SYSCALL_READ_X__res, 0),
                    D_NUM(P_SYSCALL_READ_X__fd, 3));
        else /* not about a descriptor at all */
            DERIVED(&d, EV_SYSCALL_FUTEX_X, 100, D_NUM(P_SYSCALL_FUTEX_X__res, 0));
        for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
            shows(fields[i], "(absent)");
            reads(fields[i], "(absent)");
        }
    }
}

/* Conditions compare with both ends; an output has one value only and shows none. */
static void either_side(void **state)
{
    (void)state;
    derived_connect(&d, 100, 5, "10.0.0.5", 40000, "8.8.8.8", 443);
    reads("fd.ip", "(10.0.0.5,8.8.8.8)");
    reads("fd.port", "(40000,443)");
    reads("fd.proto", "(40000,443)");
    reads("fd.net", "(10.0.0.5/32,8.8.8.8/32)");
    shows("fd.ip", "(absent)");
    shows("fd.port", "(absent)");
    shows("fd.proto", "(absent)");
    shows("fd.net", "(absent)");
    derived_accept(&d, 100, 6, "9.9.9.9", 50000, "10.0.0.5", 22);
    reads("fd.ip", "(9.9.9.9,10.0.0.5)");
    reads("fd.port", "(50000,22)");
    reads("fd.proto", "(50000,22)");
    reads("fd.net", "(9.9.9.9/32,10.0.0.5/32)");
    derived_listen(&d, 100, 7, "10.0.0.5", 22);
    reads("fd.ip", "10.0.0.5");
    reads("fd.port", "22");
    reads("fd.proto", "22");
    reads("fd.net", "10.0.0.5/32");
}

/* ---- ancestors' arguments ---- */

static void child(int64_t tid, int64_t ptid, const char *comm, const char *args, size_t len)
{
    DERIVED(&d, EV_SNAP_PROCESS, tid, D_NUM(P_SNAP_PROCESS__tid, tid),
            D_NUM(P_SNAP_PROCESS__pid, tid), D_NUM(P_SNAP_PROCESS__ptid, ptid),
            D_NUM(P_SNAP_PROCESS__vtid, tid), D_NUM(P_SNAP_PROCESS__vpid, tid),
            D_STR(P_SNAP_PROCESS__comm, comm), D_STR(P_SNAP_PROCESS__exe, comm),
            D_BYTES(P_SNAP_PROCESS__args, args, len));
}

static void arguments_of_ancestors(void **state)
{
    static const char one[] = "-c\0make all", none[] = "",
                      many[] = "--port\0"
                               "22\0-D";

    (void)state;
    child(200, 1, "sshd", many, sizeof(many));
    child(201, 200, "bash", one, sizeof(one));
    child(202, 201, "cat", none, 0);
    DERIVED(&d, EV_SYSCALL_FUTEX_X, 202, D_NUM(P_SYSCALL_FUTEX_X__res, 0));
    shows_of("proc.aargs", "0", "");
    shows_of("proc.aargs", "1", "-c make all");
    shows_of("proc.aargs", "2", "--port 22 -D");
    shows_of("proc.aargs", "4", "(absent)");
    reads("proc.aargs", "(-c make all,--port 22 -D,)");
}

/* ---- control groups ---- */

static void in_groups(int64_t tid, const char *groups, size_t len)
{
    DERIVED(&d, EV_SNAP_PROCESS, tid, D_NUM(P_SNAP_PROCESS__tid, tid),
            D_NUM(P_SNAP_PROCESS__pid, tid), D_NUM(P_SNAP_PROCESS__ptid, 1),
            D_STR(P_SNAP_PROCESS__comm, "x"), D_BYTES(P_SNAP_PROCESS__cgroups, groups, len));
    DERIVED(&d, EV_SYSCALL_FUTEX_X, tid, D_NUM(P_SYSCALL_FUTEX_X__res, 0));
}

static void control_groups(void **state)
{
    static const char v1[] = "cpuset=/\0cpu=/user.slice\0memory=/docker/" ID;
    static const char v2[] = "=/system.slice/docker-" ID ".scope";
    static const char host[] = "cpu=/user.slice/user-0.slice";

    (void)state;
    in_groups(300, v1, sizeof(v1));
    shows_of("thread.cgroup", "cpu", "/user.slice");
    shows_of("thread.cgroup", "memory", "/docker/" ID);
    shows_of("thread.cgroup", "cpuset", "/");
    shows_of("thread.cgroup", "pids", "(absent)");
    shows_of("thread.cgroup", "cp", "(absent)");
    shows("container.full_id", ID);
    in_groups(301, v2, sizeof(v2));
    shows("container.full_id", ID);
    in_groups(302, host, sizeof(host));
    shows("container.full_id", "(absent)");
}

/* ---- processor time ---- */

static void ticks(int64_t usr, int64_t sys)
{
    DERIVED(&d, EV_PROCINFO_E, 100, D_NUM(P_PROCINFO_E__cpu_usr, usr),
            D_NUM(P_PROCINFO_E__cpu_sys, sys));
}

static void shares_are(const char *all, const char *usr, const char *sys)
{
    shows("thread.cpu", all);
    shows("thread.cpu.user", usr);
    shows("thread.cpu.system", sys);
}

/* Ticks since the one before, a hundred of which are a whole processor. */
static void shares_of_a_processor(void **state)
{
    (void)state;
    ticks(1000, 500); /* the first has nothing to compare with */
    shares_are("0.0", "0.0", "0.0");
    ticks(1030, 510);
    shares_are("40.0", "30.0", "10.0");
    ticks(1300, 600); /* 270 and 90: a thread has one processor at most */
    shares_are("100.0", "100.0", "90.0");
    ticks(1300, 600);
    shares_are("0.0", "0.0", "0.0");
    DERIVED(&d, EV_SYSCALL_FUTEX_X, 100, D_NUM(P_SYSCALL_FUTEX_X__res, 0));
    shares_are("(absent)", "(absent)", "(absent)");
}

static void switches(uint64_t at, uint16_t cpu, int64_t tid)
{
    d.cpu = cpu;
    d.step_ns = at - d.pos.ts_ns;
    DERIVED(&d, EV_SCHEDSWITCH_6_E, tid, D_NUM(P_SCHEDSWITCH_6_E__next, 1));
}

/* The time until a thread is switched away from, since the switch before on its processor. */
static void time_on_a_processor(void **state)
{
    (void)state;
    switches(1000000, 0, 1);
    shows("thread.exectime", "0");
    switches(1500000, 0, 100);
    shows("thread.exectime", "500000");
    shows("thread.totexectime", "500000");
    switches(1600000, 1, 1); /* another processor: its first */
    switches(1800000, 0, 1);
    switches(1850000, 0, 100);
    shows("thread.exectime", "50000");
    shows("thread.totexectime", "550000");
    switches(1860000, 1, 100);
    shows("thread.exectime", "260000");
    shows("thread.totexectime", "810000");
    d.step_ns = 1000;
    DERIVED(&d, EV_SYSCALL_FUTEX_X, 100, D_NUM(P_SYSCALL_FUTEX_X__res, 0));
    shows("thread.exectime", "0");
    shows("thread.totexectime", "810000");
    DERIVED(&d, EV_SYSCALL_FUTEX_X, 1, D_NUM(P_SYSCALL_FUTEX_X__res, 0));
    shows("thread.totexectime", "300000");
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(four_sides),
        CASE(sides_of_version_6),
        CASE(what_is_no_connection_has_no_sides),
        CASE(either_side),
        CASE(arguments_of_ancestors),
        CASE(control_groups),
        CASE(shares_of_a_processor),
        CASE(time_on_a_processor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
