/* SPDX-License-Identifier: Apache-2.0 */
/* Files that others replace while they are opened. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the above first */
#include "base/fs.h"

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OPENS = 3000 };

static char dir[PATH_MAX]; /* beside this program: /tmp is everybody's */
static atomic_bool over;

static void path_of(char *ret, const char *name)
{
    assert_true(snprintf(ret, PATH_MAX, "%.4000s/%s", dir, name) < PATH_MAX);
}

static int setup(void **state)
{
    char exe[PATH_MAX] = "";
    char *slash;

    (void)state;
    if (readlink("/proc/self/exe", exe, sizeof(exe) - 1) < 0 || !(slash = strrchr(exe, '/')))
        return -1;
    *slash = '\0';
    (void)snprintf(dir, sizeof(dir), "%.4000s/fs-XXXXXX", exe);
    return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
    char path[PATH_MAX];

    (void)state;
    path_of(path, "conf");
    (void)unlink(path);
    path_of(path, "new");
    (void)unlink(path);
    return rmdir(dir);
}

static void make(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    (void)close(fd);
}

static void *replace(void *arg)
{
    char from[PATH_MAX], to[PATH_MAX];

    (void)arg;
    path_of(from, "new");
    path_of(to, "conf");
    while (!atomic_load(&over)) {
        make(from);
        (void)rename(from, to);
        (void)usleep(200);
    }
    return NULL;
}

static void one_that_is_replaced_is_opened(void **state)
{
    struct gyr_error err = {0};
    char path[PATH_MAX];
    pthread_t thread;
    int fd = 0;

    (void)state;
    if (geteuid() != 0) {
        print_message("not root: files are not checked, nothing is tried\n");
        skip();
    }
    path_of(path, "conf");
    make(path);
    assert_int_equal(pthread_create(&thread, NULL, replace, NULL), 0);
    for (int i = 0; i < OPENS && fd >= 0; i++) {
        fd = open_trusted(path, &err);
        if (fd >= 0)
            (void)close(fd);
    }
    atomic_store(&over, true);
    (void)pthread_join(thread, NULL);
    if (fd < 0)
        fail_msg("%s", err.msg);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_that_is_replaced_is_opened, setup, teardown)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
