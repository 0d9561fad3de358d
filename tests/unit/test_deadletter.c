/* SPDX-License-Identifier: Apache-2.0 */
/* Dead letters: one JSON line each, in a file that stays bounded. */
#include "alert/deadletter.h"
#include "base/fs.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void test_letters(void **state)
{
    char dir[] = "/tmp/gyr-dead-XXXXXX", path[64], old[80], *text;
    const struct gyr_alert a = {.json = "{\"a\":1}", .json_len = 7, .attempt = 3};
    struct gyr_error err;
    struct dead_letters l;
    size_t len;

    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/dead", dir);
    (void)snprintf(old, sizeof(old), "%s.1", path);
    dead_letters_init(&l, path, "o\"1");
    assert_int_equal(dead_letters_add(&l, &a, "re\nason", &err), 0);
    assert_int_equal(read_file(path, 4096, &text, &len, &err), 0);
    assert_string_equal(text, "{\"output\":\"o\\\"1\",\"reason\":\"re\\nason\",\"attempts\":3,"
                              "\"alert\":{\"a\":1}}\n");
    free(text);
    /* a file that has its size makes room */
    assert_int_equal(truncate(path, DEAD_FILE_MAX), 0);
    assert_int_equal(dead_letters_add(&l, &a, "x", &err), 0);
    assert_int_equal(read_file(path, 4096, &text, &len, &err), 0);
    assert_non_null(strstr(text, "\"reason\":\"x\""));
    free(text);
    assert_int_equal(access(old, F_OK), 0);
    dead_letters_close(&l);
    (void)unlink(old);
    (void)unlink(path);
    (void)rmdir(dir);
    assert_int_equal(dead_letters_add(&l, &a, "x", &err), -ENOENT);
    dead_letters_init(&l, "/dev/null", "o");
    assert_int_equal(dead_letters_add(&l, &a, "x", &err), -EINVAL);
    dead_letters_close(&l);
}

static size_t lines_of(const char *path)
{
    struct gyr_error err;
    size_t len, n = 0;
    char *text;

    assert_int_equal(read_file(path, 65536, &text, &len, &err), 0);
    for (size_t i = 0; i < len; i++)
        n += text[i] == '\n';
    free(text);
    return n;
}

/* Two outputs share a file: what one puts aside, the other does not write to, nor put aside again.
 */
static void test_shared(void **state)
{
    char dir[] = "/tmp/gyr-dead-XXXXXX", path[64], old[80];
    const struct gyr_alert a = {.json = "{}", .json_len = 2};
    struct dead_letters one, two;
    struct gyr_error err;
    struct stat st;

    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/dead", dir);
    (void)snprintf(old, sizeof(old), "%s.1", path);
    dead_letters_init(&one, path, "one");
    dead_letters_init(&two, path, "two");
    assert_int_equal(dead_letters_add(&one, &a, "x", &err), 0);
    assert_int_equal(dead_letters_add(&two, &a, "x", &err), 0);
    assert_int_equal(lines_of(path), 2);
    assert_int_equal(truncate(path, DEAD_FILE_MAX), 0);
    assert_int_equal(dead_letters_add(&one, &a, "x", &err), 0);
    assert_int_equal(dead_letters_add(&two, &a, "x", &err), 0);
    assert_int_equal(lines_of(path), 2);
    assert_int_equal(stat(old, &st), 0);
    assert_int_equal(st.st_size, DEAD_FILE_MAX);
    assert_int_equal(unlink(path), 0); /* somebody else did */
    assert_int_equal(dead_letters_add(&one, &a, "x", &err), 0);
    assert_int_equal(lines_of(path), 1);
    dead_letters_close(&one);
    dead_letters_close(&two);
    (void)unlink(old);
    (void)unlink(path);
    (void)rmdir(dir);
}

/* A disk that takes half a line: the next one stands in a line of its own. */
static void test_full_disk(void **state)
{
    char dir[] = "/tmp/gyr-dead-XXXXXX", path[64];
    const struct gyr_alert a = {.json = "{}", .json_len = 2};
    struct rlimit was, small;
    struct dead_letters l;
    struct gyr_error err;

    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/dead", dir);
    dead_letters_init(&l, path, "o");
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    small = (struct rlimit){.rlim_cur = 10, .rlim_max = was.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_int_equal(dead_letters_add(&l, &a, "x", &err), -ENOSPC);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    assert_int_equal(dead_letters_add(&l, &a, "x", &err), 0);
    dead_letters_close(&l);
    {
        size_t len;
        char *text;

        assert_int_equal(read_file(path, 4096, &text, &len, &err), 0);
        assert_string_equal(text,
                            "{\"output\":\"o\",\"reason\":\"x\",\"attempts\":0,\"alert\":{}}\n");
        free(text);
    }
    (void)unlink(path);
    (void)rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_letters),
                                       cmocka_unit_test(test_shared),
                                       cmocka_unit_test(test_full_disk)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
