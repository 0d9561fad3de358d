/* SPDX-License-Identifier: Apache-2.0 */
/* The source "scenario": words of a test become the records a live source would have made. */
#include "../lib/scenario_rig.h"

#include "syscall/syscall.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEST(given, when) "- test: t\n  given: {" given "}\n  when: [" when "]\n  expect: r\n"

#define PROCS "processes: [{name: bash, exe: /usr/bin/bash, user: user, fds: {9: /etc/hosts}}]"
static void make(struct scenario_rig *r, const char *text)
{
    assert_true(scenario_read(r, text, strlen(text)));
    assert_int_equal(scenario_make(r, 0), 0);
}

/* Names of what happens, joined by blanks. */
static const char *happens(struct scenario_rig *r)
{
    static char out[1024];
    const struct gyr_event *ev;

    out[0] = '\0';
    while ((ev = scenario_next(r))) {
        if (ev->flags & GYR_EVF_SNAPSHOT)
            continue;
        if (*out)
            strncat(out, " ", sizeof(out) - strlen(out) - 1);
        strncat(out, schema_event_name(r->schemas.list[0], ev->type, ev->subtype),
                sizeof(out) - strlen(out) - 1);
    }
    return out;
}

/* The next that happens. */
static const struct gyr_event *next(struct scenario_rig *r)
{
    const struct gyr_event *ev;

    do
        ev = scenario_next(r);
    while (ev && ev->flags & GYR_EVF_SNAPSHOT);
    assert_non_null(ev);
    return ev;
}

static int64_t num(const struct gyr_event *ev, uint32_t i)
{
    int64_t v = INT64_MIN;

    assert_int_equal(gyr_param_i64(ev, i, &v), 1);
    return v;
}

static void text_is(const struct gyr_event *ev, uint32_t i, const char *want)
{
    const char *p = "";
    uint32_t len;

    assert_int_equal(gyr_param_str(ev, i, &p, &len), 1);
    assert_int_equal(len, strlen(want));
    assert_memory_equal(p, want, len);
}

static void words_become_events(void **state)
{
    static const struct {
        const char *when, *events;
    } rows[] = {
        {"{run: cat x}", "clone clone execve"},
        {"{fork: kid}, {exec: /bin/x}, exit", "fork fork execve procexit"},
        {"{openat: x}, {read: data}, close", "openat read close"},
        {"{connect: '1.2.3.4:5'}", "socket connect"},
        {"{connect: /run/x.sock}, {connect: '[::1]:80'}", "socket connect socket connect"},
        {"accept", "socket bind listen accept"},
        {"{socket: {domain: AF_INET}}, {bind: '0.0.0.0:80'}, listen, accept",
         "socket bind listen accept"},
        {"{sendto: {to: '1.2.3.4:53', proto: udp, data: x}}", "socket sendto"},
        {"reboot", "reboot"},
        {"{kill: {pid: bash, sig: SIGKILL}}, {kill: {pid: bash, sig: TERM}}", "kill kill"},
        {"{chmod: {path: x, mode: 4755}}, {fchmodat: {path: x, mode: S_ISUID|S_IRUSR}}",
         "chmod fchmodat"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct scenario_rig r;
        char text[1024];

        (void)snprintf(text, sizeof(text), TEST(PROCS, "%s"), rows[i].when);
        make(&r, text);
        assert_string_equal(happens(&r), rows[i].events);
        scenario_free(&r);
    }
}

/* An event type that the schema has is a word; what it cannot do without, it asks for. */
static void every_event_type_is_a_word(void **state)
{
    uint32_t made = 0;

    (void)state;
    for (uint32_t i = 0; i < syscall_schema.n_types; i++) {
        const struct gyr_event_type *t = &syscall_schema.types[i];
        struct scenario_rig r;
        char text[1024];
        int k;

        if (t->flags & (GYR_ETF_OLD | GYR_ETF_SNAPSHOT | GYR_ETF_GENERIC) ||
            t->traits & (T_UNUSED | T_ITER))
            continue;
        (void)snprintf(text, sizeof(text), TEST(PROCS, "{openat: y}, {%s: {}}"), t->name);
        assert_true(scenario_read(&r, text, strlen(text)));
        k = scenario_make(&r, 0);
        if (k == 0)
            while (scenario_next(&r))
                made++;
        else if (!strstr(r.err.msg, "tells") && !strstr(r.err.msg, "is named"))
            fail_msg("%s: %s", t->name, r.err.msg);
        scenario_free(&r);
    }
    assert_true(made > 1000);
}

static void parameters(void **state)
{
    struct scenario_rig r;
    const struct gyr_event *ev;

    (void)state;
    make(&r, TEST(PROCS, "{openat: {path: ../x, flags: O_WRONLY|O_CREAT, mode: 600, dirfd: 9}}, "
                         "{openat: {path: /y, fails: EACCES}}, {openat: {path: /z, fd: 7}}, "
                         "{openat: {path: /z, write: true}}"));
    ev = next(&r);
    assert_int_equal(num(ev, P_SYSCALL_OPENAT_2_X__fd), 3);
    assert_int_equal(num(ev, P_SYSCALL_OPENAT_2_X__dirfd), 9);
    assert_int_equal(num(ev, P_SYSCALL_OPENAT_2_X__flags), 6);
    assert_int_equal(num(ev, P_SYSCALL_OPENAT_2_X__mode), 0600);
    text_is(ev, P_SYSCALL_OPENAT_2_X__name, "../x");
    ev = next(&r);
    assert_int_equal(num(ev, P_SYSCALL_OPENAT_2_X__fd), -13);
    assert_int_equal(num(ev, P_SYSCALL_OPENAT_2_X__dirfd), -100);
    assert_int_equal(num(ev, P_SYSCALL_OPENAT_2_X__flags), 1);
    assert_int_equal(num(next(&r), P_SYSCALL_OPENAT_2_X__fd), 7);
    ev = next(&r);
    assert_int_equal(num(ev, P_SYSCALL_OPENAT_2_X__fd), 4);
    assert_int_equal(num(ev, P_SYSCALL_OPENAT_2_X__flags), 2);
    scenario_free(&r);
}

static void programs(void **state)
{
    struct scenario_rig r;
    const struct gyr_event *ev;
    uint32_t len;

    (void)state;
    make(&r, TEST(PROCS, "{exec: {path: /tmp/x.sh, interpreter: /bin/dash, args: a}}, "
                         "{exec: {path: nothing, fails: ENOENT}}, {setuid: root}, "
                         "{exec: {path: /tmp/y, memfd: true}}"));
    ev = next(&r);
    text_is(ev, P_SYSCALL_EXECVE_19_X__exe, "/bin/dash");
    text_is(ev, P_SYSCALL_EXECVE_19_X__comm, "x.sh");
    text_is(ev, P_SYSCALL_EXECVE_19_X__trusted_exepath, "/bin/dash");
    text_is(ev, P_SYSCALL_EXECVE_19_X__filename, "/tmp/x.sh");
    assert_memory_equal(gyr_param(ev, P_SYSCALL_EXECVE_19_X__args, &len), "/tmp/x.sh\0a\0", 12);
    assert_int_equal(num(ev, P_SYSCALL_EXECVE_19_X__uid), 1000);
    assert_int_equal(num(ev, P_SYSCALL_EXECVE_19_X__cap_effective), 0);
    ev = next(&r);
    assert_int_equal(num(ev, P_SYSCALL_EXECVE_19_X__res), -2);
    text_is(ev, P_SYSCALL_EXECVE_19_X__comm, "x.sh");
    text_is(ev, P_SYSCALL_EXECVE_19_X__filename, "/usr/bin/nothing");
    (void)next(&r);
    ev = next(&r);
    text_is(ev, P_SYSCALL_EXECVE_19_X__trusted_exepath, "memfd:y");
    assert_int_equal(num(ev, P_SYSCALL_EXECVE_19_X__flags), 1 | 4); /* root may write it */
    assert_int_equal(num(ev, P_SYSCALL_EXECVE_19_X__uid), 0);
    scenario_free(&r);
}

static void containers(void **state)
{
    struct scenario_rig r;
    const struct gyr_event *ev;
    const char *p = "";
    uint32_t len, told = 0;

    (void)state;
    make(&r, TEST("containers: {web: {image: 'a/b:1', privileged: true}}, "
                  "processes: [{name: sh, in: web}]",
                  "{run: id}, {container: web}"));
    while ((ev = scenario_next(&r)) && ev->flags & GYR_EVF_SNAPSHOT)
        told += ev->type == EV_CONTAINER_JSON_2_E;
    assert_int_equal(told, 1);
    assert_non_null(ev);
    assert_int_equal(num(ev, P_SYSCALL_CLONE_20_X__vpid), 2); /* the child, second in there */
    assert_int_equal(num(ev, P_SYSCALL_CLONE_20_X__flags), 0x20000000);
    assert_int_equal(num(next(&r), P_SYSCALL_CLONE_20_X__res), 2);
    assert_int_equal(num(next(&r), P_SYSCALL_EXECVE_19_X__flags), 1 | 8); /* of the image */
    ev = next(&r);
    assert_int_equal(gyr_param_str(ev, 0, &p, &len), 1);
    assert_non_null(strstr(p, "\"privileged\":true"));
    assert_non_null(strstr(p, "\"event\":\"start\""));
    scenario_free(&r);
}

static void mistakes(void **state)
{
    static const struct {
        const char *given, *when, *says;
    } rows[] = {
        {PROCS, "{opn: x}", "line 3, column 11: there is no event 'opn'; did you mean 'open'?"},
        {PROCS, "{openat: x, close: 3}", "one event too many: 'openat' stands here already"},
        {PROCS, "{openat: x, by: nobody}", "there is no process 'nobody'"},
        {PROCS, "exit, close", "'bash' has ended"},
        {PROCS, "{openat: {}}", "openat of what? 'path' tells"},
        {PROCS, "{openat: {path: x, mod: 1}}", "openat has no 'mod'; did you mean 'mode'?"},
        {PROCS, "{kill: {sig: SIGKIL}}", "no signal 'SIGKIL'; did you mean 'SIGKILL'?"},
        {PROCS, "{setuid: rot}", "no user 'rot'; did you mean 'root'?"},
        {PROCS, "{capset: {cap_effective: [CAP_SYS_ADMN]}}", "did you mean 'CAP_SYS_ADMIN'?"},
        {PROCS, "{connect: nowhere}", "this is no address"},
        {PROCS, "{connect: {to: '1.2.3.4:5', fd: 77}}", "'bash' has no descriptor 77"},
        {PROCS, "{reboot: now}", "of the call 'reboot' nothing but its name is in an event"},
        {PROCS, "{openat: x, at: soon}", "a time is written like 250ms"},
        {PROCS, "close", "close of which descriptor? 'fd' tells"},
        {PROCS, "{run: 'sh -c \"x'}", "a quote is not closed"},
        {"", "close", "nobody is there who could do this"},
        {"processes: [{nam: x}]", "close", "'nam' is not known; did you mean 'name'?"},
        {"processes: [{name: x, in: web}]", "close", "there is no container 'web'"},
        {"processes: [{name: x, user: bob}]", "close", "there is no user 'bob'"},
        {"processes: [{name: x, pid: -1}]", "close", "'pid' is a number above 0"},
        {"containers: {w: {mounts: [x]}}", "close", "a mount is written source:dest"},
        {"containers: {w: {imag: x}}", "close", "'imag' is not known; did you mean 'image'?"},
        {"users: {bob: x}", "close", "a user is a number, or a mapping"},
        {"proceses: []", "close", "'proceses' is not known; did you mean 'processes'?"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct scenario_rig r;
        char text[1024];

        (void)snprintf(text, sizeof(text), TEST("%s", "%s"), rows[i].given, rows[i].when);
        assert_true(scenario_read(&r, text, strlen(text)));
        assert_true(scenario_make(&r, 0) < 0);
        if (!strstr(r.err.msg, rows[i].says))
            fail_msg("%s: it says: %s", rows[i].when, r.err.msg);
        assert_int_equal(strncmp(r.err.msg, "line ", 5), 0);
        scenario_free(&r);
    }
}

static void the_same_twice(void **state)
{
    struct scenario_rig r;
    struct gyr_error err;
    uint32_t n[2] = {0, 0};

    (void)state;
    make(&r, TEST(PROCS, "{run: id}"));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(r.plugin->start(r.self, &err), 0);
        while (scenario_next(&r))
            n[i]++;
    }
    assert_true(n[0] > 10);
    assert_int_equal(n[0], n[1]);
    scenario_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_become_events), cmocka_unit_test(every_event_type_is_a_word),
        cmocka_unit_test(parameters),          cmocka_unit_test(programs),
        cmocka_unit_test(containers),          cmocka_unit_test(mistakes),
        cmocka_unit_test(the_same_twice),
    };

    return cmocka_run_group_tests_name("scenario", tests, NULL, NULL);
}
