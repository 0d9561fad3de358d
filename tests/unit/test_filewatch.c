/* SPDX-License-Identifier: Apache-2.0 */
/* Files watched: which changes count, when they have settled, and what is done beside them. */
#include "base/filewatch.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static char top[64];
static struct filewatch *w;
static const char *paths[3];

static const char *at(const char *name)
{
    static char path[4][160];
    static int i;

    i = (i + 1) % 4;
    (void)snprintf(path[i], sizeof(path[i]), "%s/%s", top, name);
    return path[i];
}

static void put(const char *name, const char *text)
{
    FILE *f = fopen(at(name), "w");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static uint64_t now(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* A file, a folder with a file, and a folder that is not there. */
static int setup(void **state)
{
    static char copies[3][160];
    struct gyr_error err;

    (void)state;
    (void)snprintf(top, sizeof(top), "/tmp/gyr-watch-XXXXXX");
    if (!mkdtemp(top))
        return -1;
    (void)mkdir(at("rules"), 0755);
    (void)mkdir(at("other"), 0755);
    put("gyr.yaml", "a");
    put("rules/one.yaml", "b");
    for (int i = 0; i < 3; i++) {
        (void)snprintf(copies[i], sizeof(copies[i]), "%s",
                       at(i == 0   ? "gyr.yaml"
                          : i == 1 ? "rules"
                                   : "gyr.d"));
        paths[i] = copies[i];
    }
    if (filewatch_new(&w, &err) < 0)
        return -1;
    filewatch_begin(w);
    return filewatch_set(w, paths, 3, &err);
}

static int teardown(void **state)
{
    char command[128];

    (void)state;
    filewatch_free(w);
    (void)snprintf(command, sizeof(command), "rm -rf %s", top);
    return system(command);
}

/* As a main loop does it. @return whether a change was told within the time. */
static bool changes(int ms)
{
    uint64_t end = now() + (uint64_t)ms * 1000000;
    bool changed = false;

    while (!changed && now() < end) {
        uint64_t next = filewatch_look(w, now(), &changed), left = end - now();
        struct pollfd fd = {.fd = filewatch_fd(w), .events = POLLIN};

        if (changed)
            break;
        next = next < left ? next : left;
        (void)poll(&fd, 1, (int)(next / 1000000) + 1);
    }
    if (changed)
        filewatch_begin(w); /* it is read again */
    return changed;
}

static void test_quiet(void **state)
{
    (void)state;
    assert_false(changes(100));
    assert_int_equal(filewatch_look(NULL, 1, &(bool){false}), UINT64_MAX);
    assert_int_equal(filewatch_fd(NULL), -1);
}

static void test_written(void **state)
{
    (void)state;
    put("gyr.yaml", "c"); /* of the same size */
    assert_true(changes(5000));
    assert_false(changes(600));
    put("rules/one.yaml", "longer");
    assert_true(changes(5000));
}

static void test_renamed(void **state)
{
    (void)state;
    put("gyr.yaml~", "c");
    assert_false(changes(600));
    assert_int_equal(rename(at("gyr.yaml~"), at("gyr.yaml")), 0);
    assert_true(changes(5000));
    assert_int_equal(unlink(at("gyr.yaml")), 0);
    assert_true(changes(5000));
    put("gyr.yaml", "c");
    assert_true(changes(5000));
}

static void test_folder(void **state)
{
    (void)state;
    put("rules/two.yml", "b");
    assert_true(changes(5000));
    assert_int_equal(unlink(at("rules/two.yml")), 0);
    assert_true(changes(5000));
    put("rules/README", "no rule");
    put("rules/.hidden.yaml", "nor this");
    put("beside", "nor this");
    assert_false(changes(600));
}

static void test_folder_that_comes(void **state)
{
    (void)state;
    assert_int_equal(mkdir(at("gyr.d"), 0755), 0);
    put("gyr.d/a.yaml", "x");
    assert_true(changes(5000));
    put("gyr.d/b.yaml", "x");
    assert_true(changes(5000));
}

/* What a link names changes elsewhere, or it names something else (ConfigMaps). */
static void test_links(void **state)
{
    (void)state;
    put("other/x.yaml", "x");
    assert_int_equal(mkdir(at("next"), 0755), 0);
    put("next/x.yaml", "y");
    assert_int_equal(symlink("../other", at("rules/..data")), 0);
    assert_int_equal(symlink("..data/x.yaml", at("rules/x.yaml")), 0);
    assert_true(changes(5000));
    put("other/x.yaml", "longer");
    assert_true(changes(5000));
    assert_int_equal(symlink("../next", at("rules/..new")), 0);
    assert_int_equal(rename(at("rules/..new"), at("rules/..data")), 0);
    assert_true(changes(5000));
}

/* While somebody writes it is not told, but not for ever. */
static void test_settles(void **state)
{
    uint64_t t = 1000000000000, began = t;
    bool changed = false;
    char text[16];

    (void)state;
    for (int i = 0; !changed && i < 100; i++) {
        (void)snprintf(text, sizeof(text), "%d", 100 + i);
        put("gyr.yaml", text);
        t += filewatch_look(w, t, &changed) == UINT64_MAX && !changed ? 0 : 250000000;
        (void)usleep(10000); /* the clock of files goes in steps */
    }
    assert_true(changed);
    assert_in_range(t - began, 1500000000, 3500000000);
}

/* Changed between the reading of two files of the same load: it is read once more. */
static void test_while_read(void **state)
{
    static const char *fewer[1];
    struct gyr_error err;

    (void)state;
    filewatch_begin(w);
    (void)usleep(10000);
    put("rules/one.yaml", "meanwhile");
    fewer[0] = paths[0];
    assert_int_equal(filewatch_set(w, fewer, 1, &err), 0);
    assert_true(changes(5000));
    assert_false(changes(600));
    put("rules/one.yaml", "not watched any more");
    assert_false(changes(600));
    assert_int_equal(filewatch_set(w, NULL, 0, &err), 0);
    put("gyr.yaml", "nothing is");
    assert_false(changes(600));
    assert_int_equal(filewatch_fd(w), -1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_quiet),   TEST(test_written),           TEST(test_renamed),
        TEST(test_folder),  TEST(test_folder_that_comes), TEST(test_links),
        TEST(test_settles), TEST(test_while_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
