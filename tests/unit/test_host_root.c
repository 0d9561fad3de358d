/* SPDX-License-Identifier: Apache-2.0 */
/* Where the host's files are, from made-up trees of what a container may see. */
#include "base/host_root.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define FIRST "pid:[4026531836]"
#define OTHER "pid:[4026532201]"

static char tree[64];

static int setup(void **state)
{
    (void)state;
    (void)snprintf(tree, sizeof(tree), "/tmp/gyr-root-XXXXXX");
    return mkdtemp(tree) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static int teardown(void **state)
{
    (void)state;
    return nftw(tree, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* A link with the folders above it; without @p to, a folder. */
static void put(const char *path, const char *to)
{
    char full[256];

    (void)snprintf(full, sizeof(full), "%s%s", tree, path);
    for (char *p = full + strlen(tree) + 1; (p = strchr(p, '/')); *p++ = '/') {
        *p = '\0';
        (void)mkdir(full, 0755);
    }
    assert_int_equal(to ? symlink(to, full) : mkdir(full, 0755), 0);
}

/* Our own /proc: process 7 of the namespace. */
static void put_own(const char *pid_ns, const char *mnt_ns)
{
    put("/proc/self", "7");
    put("/proc/7/ns/pid", pid_ns);
    put("/proc/7/ns/mnt", mnt_ns);
}

static void expect(const char *path, bool is_blind, const char *why)
{
    struct host_root r;

    host_root_find(tree, &r);
    assert_string_equal(r.path, path);
    assert_int_equal(r.is_blind, is_blind);
    assert_non_null(strstr(r.why, why));
}

static void test_host(void **state)
{
    (void)state;
    put_own(FIRST, "mnt:[1]");
    expect("", false, "not in a container");
    put("/host/etc", NULL); /* somebody's folder of that name */
    expect("", false, "not in a container");
    put("/host/proc/1/ns/pid", FIRST); /* another of the host's own trees */
    put("/host/proc/1/ns/mnt", "mnt:[1]");
    expect("", false, "not in a container");
}

static void test_container(void **state)
{
    (void)state;
    put_own(OTHER, "mnt:[2]");
    put("/host/proc/1/ns/pid", FIRST);
    expect("/host", false, "in a container");
}

/* hostPID: the host's processes, the image's files. */
static void test_shared_pids(void **state)
{
    (void)state;
    put_own(FIRST, "mnt:[2]");
    expect("", false, "not in a container");
    put("/host/proc/1/ns/pid", FIRST);
    put("/host/proc/1/ns/mnt", "mnt:[1]");
    expect("/host", false, "files of its own");
}

/* Process 1's namespaces may be forbidden to look at: then our own number there tells. */
static void test_not_readable(void **state)
{
    (void)state;
    put_own(OTHER, "mnt:[2]");
    put("/host/proc/1", NULL);
    put("/host/proc/self", "31415");
    expect("/host", false, "in a container");
}

static void test_own_proc_there(void **state)
{
    (void)state;
    put_own(OTHER, "mnt:[2]");
    put("/host/proc/1", NULL);
    put("/host/proc/self", "7");
    expect("", true, "not the host's");
}

/* Of a namespace that we are not part of: /proc/self leads nowhere there. */
static void test_stranger_there(void **state)
{
    (void)state;
    put_own(OTHER, "mnt:[2]");
    put("/host/proc/1", NULL);
    expect("", true, "not the host's");
}

static void test_nested(void **state)
{
    (void)state;
    put_own(OTHER, "mnt:[2]");
    put("/host/proc/1/ns/pid", "pid:[4026532999]");
    put("/host/proc/self", "31415");
    expect("", true, "not the host's");
}

static void test_nothing_mounted(void **state)
{
    (void)state;
    put_own(OTHER, "mnt:[2]");
    expect("", true, "not mounted at /host");
}

static void test_no_proc(void **state)
{
    (void)state;
    expect("", true, "not mounted at /host");
}

static void test_has_proc(void **state)
{
    (void)state;
    assert_false(host_root_has_proc(tree));
    put("/proc/1", NULL);
    assert_true(host_root_has_proc(tree));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_host),         TEST(test_container),       TEST(test_shared_pids),
        TEST(test_not_readable), TEST(test_own_proc_there),  TEST(test_stranger_there),
        TEST(test_nested),       TEST(test_nothing_mounted), TEST(test_no_proc),
        TEST(test_has_proc),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
