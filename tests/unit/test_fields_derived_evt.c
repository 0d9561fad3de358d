/* SPDX-License-Identifier: Apache-2.0 */
/* Fields of events that our captures do not show, three cases each, worked out by hand; and that
 * every field of the catalogue has who computes it. See test_fields_derived.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../lib/derived.h"
#include "../lib/rules_load.h"

#include "syscall/syscall.h"

static struct derived d;

#define shows(field, want)         assert_string_equal(derived_get(&d, (field), NULL), (want))
#define shows_of(field, arg, want) assert_string_equal(derived_get(&d, (field), (arg)), (want))

static int setup(void **state)
{
    (void)state;
    derived_init(&d);
    derived_event(&d, GYR_EV_SNAPSHOT_BEGIN, -1, NULL, 0);
    derived_process(&d, 1, 1, "init");
    derived_process(&d, 100, 100, "cat");
    derived_fd(&d, 100, 3, FD_FILE_V2, "/etc/passwd");
    derived_fd(&d, 100, 4, FD_UNIX, "/run/x.sock");
    derived_fd(&d, 100, 5, FD_PIPE, "");
    derived_event(&d, GYR_EV_SNAPSHOT_END, -1, NULL, 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    derived_free(&d);
    return 0;
}

static void futex(void)
{
    DERIVED(&d, EV_SYSCALL_FUTEX_X, 100, D_NUM(P_SYSCALL_FUTEX_X__res, 0));
}

/* ---- place in the stream ---- */

static void numbers_and_times(void **state)
{
    (void)state;
    futex();
    shows("evt.num", "1");
    shows("evt.reltime", "000000000");
    shows("evt.reltime.s", "0");
    shows("evt.reltime.ns", "000000000");
    shows("evt.deltatime", "000000000");
    shows("evt.deltatime.s", "0");
    shows("evt.deltatime.ns", "000000000");
    d.step_ns = 2000000005;
    futex();
    shows("evt.num", "2");
    shows("evt.reltime", "2000000005");
    shows("evt.reltime.s", "2");
    shows("evt.reltime.ns", "000000005");
    shows("evt.deltatime", "2000000005");
    shows("evt.deltatime.s", "2");
    shows("evt.deltatime.ns", "000000005");
    d.step_ns = 999999999;
    futex();
    shows("evt.num", "3");
    shows("evt.reltime", "3000000004");
    shows("evt.reltime.s", "3");
    shows("evt.reltime.ns", "000000004");
    shows("evt.deltatime", "999999999");
    shows("evt.deltatime.s", "0");
    shows("evt.deltatime.ns", "999999999");
}

/* Milliseconds from the given time, either way, rounded up. */
static void around(void **state)
{
    (void)state;
    d.step_ns = 1404996934793590564 - d.pos.ts_ns;
    futex();
    shows_of("evt.around", "1404996934793590564", "0");
    shows_of("evt.around", "1404996935793590564", "1000");
    shows_of("evt.around", "1404996933793590564", "1000");
    shows_of("evt.around", "1404996934793590565", "1");
    shows_of("evt.around", "1404996934794590565", "2");
    shows_of("evt.around", "0", "1404996934794");
}

static void what_kind_of_event(void **state)
{
    char id[16];

    (void)state;
    futex();
    (void)snprintf(id, sizeof(id), "%u", (unsigned)EV_SYSCALL_FUTEX_X);
    shows_of("evt.type.is", id, "1");
    shows_of("evt.type.is", "1", "0");
    shows_of("evt.type.is", "65535", "0");
    DERIVED(&d, EV_SYSCALL_CLOSE_X, 100, D_NUM(P_SYSCALL_CLOSE_X__res, 0));
    shows_of("evt.type.is", id, "0");
}

/* ---- where it comes from ---- */

static void sources(void **state)
{
    void *of_plugin;
    struct corefields_conf conf = d.core;

    (void)state;
    futex();
    shows("evt.hostname", "(absent)");
    shows("evt.pluginname", "(absent)");
    shows("evt.plugininfo", "(absent)");
    /* the same event as a plugin's on a host with a name */
    conf.hostname = "node-7";
    conf.source_plugin = "cloudtrail";
    of_plugin = d.providers[0].self;
    assert_int_equal(corefields_new(&conf, &d.providers[0].self), 0);
    shows("evt.hostname", "node-7");
    shows("evt.pluginname", "cloudtrail");
    shows("evt.plugininfo", derived_get(&d, "evt.args", NULL));
    DERIVED(&d, EV_SYSCALL_CLOSE_X, 100, D_NUM(P_SYSCALL_CLOSE_X__res, 0),
            D_NUM(P_SYSCALL_CLOSE_X__fd, 3));
    shows("evt.hostname", "node-7");
    shows("evt.pluginname", "cloudtrail");
    shows("evt.plugininfo", "res=0 fd=3(<f>/etc/passwd)");
    corefields_free(d.providers[0].self);
    d.providers[0].self = of_plugin;
}

/* True for what a plugin added of its own accord, and for what tells of the stream itself. */
static void events_of_nobodys_call(void **state)
{
    (void)state;
    futex();
    shows("evt.is_async", "(absent)");
    shows("evt.asynctype", "(absent)");
    d.flags = GYR_EVF_INTERNAL;
    DERIVED(&d, EV_SYSCALL_CLOSE_X, 100, D_NUM(P_SYSCALL_CLOSE_X__res, 0));
    shows("evt.is_async", "true");
    shows("evt.asynctype", "close");
    d.flags = 0;
    derived_event(&d, GYR_EV_LOSS, -1, NULL, 0);
    shows("evt.is_async", "true");
    shows("evt.asynctype", "gyr.loss");
}

/* ---- what was read and written ---- */

static void buffers(void **state)
{
    (void)state;
    DERIVED(&d, EV_SYSCALL_READ_X, 100, D_NUM(P_SYSCALL_READ_X__res, 4),
            D_BYTES(P_SYSCALL_READ_X__data, "ab\n\0", 4), D_NUM(P_SYSCALL_READ_X__fd, 3));
    shows("evt.buffer", "ab..");
    DERIVED(&d, EV_SYSCALL_WRITE_X, 100, D_NUM(P_SYSCALL_WRITE_X__res, 2),
            D_BYTES(P_SYSCALL_WRITE_X__data, "hi", 2), D_NUM(P_SYSCALL_WRITE_X__fd, 3));
    shows("evt.buffer", "hi");
    DERIVED(&d, EV_SYSCALL_READ_X, 100, D_NUM(P_SYSCALL_READ_X__res, 0),
            D_NUM(P_SYSCALL_READ_X__fd, 3));
    shows("evt.buffer", "");
    futex();
    shows("evt.buffer", "(absent)");
}

/* ---- counters ---- */

enum { ENOENT_ = -2, ENOMEM_ = -12, ECONNREFUSED_ = -111 };

/* Each counts one where it applies: all, failed, failed about files, the network, memory, else. */
static void counts_are(const char *error, const char *file, const char *net, const char *memory,
                       const char *other)
{
    shows("evt.count", "1");
    shows("evt.count.error", error);
    shows("evt.count.error.file", file);
    shows("evt.count.error.net", net);
    shows("evt.count.error.memory", memory);
    shows("evt.count.error.other", other);
}

#define NONE "(absent)"

static void counters(void **state)
{
    (void)state;
    DERIVED(&d, EV_SYSCALL_OPENAT_2_X, 100, D_NUM(P_SYSCALL_OPENAT_2_X__fd, ENOENT_),
            D_NUM(P_SYSCALL_OPENAT_2_X__dirfd, -100), D_STR(P_SYSCALL_OPENAT_2_X__name, "/x"));
    counts_are("1", "1", NONE, NONE, NONE);
    shows("evt.count.exit", "1");
    DERIVED(&d, EV_SYSCALL_OPENAT_2_X, 100, D_NUM(P_SYSCALL_OPENAT_2_X__fd, 9),
            D_NUM(P_SYSCALL_OPENAT_2_X__dirfd, -100), D_STR(P_SYSCALL_OPENAT_2_X__name, "/x"));
    counts_are("0", "0", NONE, NONE, NONE);
    DERIVED(&d, EV_SYSCALL_READ_X, 100, D_NUM(P_SYSCALL_READ_X__res, -5),
            D_NUM(P_SYSCALL_READ_X__fd, 3));
    counts_are("1", "1", NONE, NONE, NONE);
    DERIVED(&d, EV_SYSCALL_WRITE_X, 100, D_NUM(P_SYSCALL_WRITE_X__res, -32),
            D_NUM(P_SYSCALL_WRITE_X__fd, 4));
    counts_are("1", NONE, "1", NONE, NONE);
    DERIVED(&d, EV_SYSCALL_READ_X, 100, D_NUM(P_SYSCALL_READ_X__res, 7),
            D_NUM(P_SYSCALL_READ_X__fd, 4));
    counts_are("0", NONE, "0", NONE, NONE);
    DERIVED(&d, EV_SOCKET_CONNECT_X, 100, D_NUM(P_SOCKET_CONNECT_X__res, ECONNREFUSED_));
    counts_are("1", NONE, "1", NONE, NONE);
    DERIVED(&d, EV_SYSCALL_MMAP_X, 100, D_NUM(P_SYSCALL_MMAP_X__res, ENOMEM_),
            D_NUM(P_SYSCALL_MMAP_X__fd, -1));
    counts_are("1", NONE, NONE, "1", NONE);
    DERIVED(&d, EV_SYSCALL_MMAP_X, 100, D_NUM(P_SYSCALL_MMAP_X__res, 4096),
            D_NUM(P_SYSCALL_MMAP_X__fd, -1));
    counts_are("0", NONE, NONE, "0", NONE);
    DERIVED(&d, EV_SYSCALL_MUNMAP_X, 100, D_NUM(P_SYSCALL_MUNMAP_X__res, ENOMEM_));
    counts_are("1", NONE, NONE, "1", NONE);
    DERIVED(&d, EV_SYSCALL_FUTEX_X, 100, D_NUM(P_SYSCALL_FUTEX_X__res, -110));
    counts_are("1", NONE, NONE, NONE, "1");
    DERIVED(&d, EV_SYSCALL_READ_X, 100, D_NUM(P_SYSCALL_READ_X__res, -11),
            D_NUM(P_SYSCALL_READ_X__fd, 5));
    counts_are("1", NONE, NONE, NONE, "1");
    futex();
    counts_are("0", NONE, NONE, NONE, "0");
    shows("evt.count.exit", "1");
    DERIVED(&d, EV_SCHEDSWITCH_6_E, 100, D_NUM(P_SCHEDSWITCH_6_E__next, 1));
    counts_are(NONE, NONE, NONE, NONE, NONE);
    shows("evt.count.exit", NONE);
}

/* ---- the catalogue ---- */

/* An argument that suits the field; "" for none. */
static const char *argument(const struct gyr_field *f)
{
    if (strncmp(f->name, "evt.arg", 7) == 0 || strcmp(f->name, "evt.rawarg") == 0)
        return f->flags & GYR_FF_ARG_REQ ? "[res]" : "";
    if (!(f->flags & GYR_FF_ARG_REQ))
        return "";
    return f->flags & GYR_FF_KEY ? "[word]" : "[1]";
}

static void every_field_is_accepted(void **state)
{
    struct loaded l;
    uint32_t n = 0;

    (void)state;
    for (uint32_t i = 0; i < syscall_schema.n_fields; i++) {
        const struct gyr_field *f = &syscall_schema.fields[i];
        char cond[256], output[256];

        (void)snprintf(cond, sizeof(cond), "%s%s exists", f->name, argument(f));
        (void)snprintf(output, sizeof(output), "%%%s%s", f->name, argument(f));
        load_rule(&l, "", cond, output);
        if (l.r < 0)
            fail_msg("%s: %s", cond, l.told.p);
        loaded_free(&l);
        if (f->flags & GYR_FF_ARG_REQ) { /* nothing without it */
            load_rule(&l, "", f->name, "x");
            assert_true(l.r < 0);
            loaded_free(&l);
        }
        n += !(f->flags & GYR_FF_HIDDEN);
    }
    print_message("%u fields are known\n", n);
    /* Falco's 268 and its k8smeta.*; container.event and k8s.owner.* are ours. */
    assert_int_equal(n, 299);
}

/* Containers and Kubernetes are for enrichers of their own. */
static bool is_of_runtimes(const struct gyr_field *f)
{
    return strcmp(f->provider, "docker") == 0 || strcmp(f->provider, "k8s") == 0;
}

static void every_field_has_its_provider(void **state)
{
    uint32_t runtimes = 0, added = 0;

    (void)state;
    for (uint32_t i = 0; i < syscall_schema.n_fields; i++) {
        const struct gyr_field *f = &syscall_schema.fields[i];
        int core = provider_field(&d.providers[0], f->name);
        int process = provider_field(&d.providers[1], f->name);

        if (is_of_runtimes(f)) {
            assert_true(core < 0 && process < 0);
            if (strncmp(f->name, "k8smeta.", 8) == 0 || strncmp(f->name, "k8s.owner.", 10) == 0)
                added++;
            else
                runtimes++;
        } else if (strcmp(f->provider, "core") == 0 ? core < 0 : process < 0) {
            fail_msg("nobody provides %s", f->name);
        }
    }
    print_message("%u fields are left to runtimes\n", runtimes);
    assert_true(runtimes <= 61);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(numbers_and_times),
        CASE(around),
        CASE(what_kind_of_event),
        CASE(sources),
        CASE(events_of_nobodys_call),
        CASE(buffers),
        CASE(counters),
        CASE(every_field_is_accepted),
        CASE(every_field_has_its_provider),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
