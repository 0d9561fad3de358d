/* SPDX-License-Identifier: Apache-2.0 */
/* Dead letters: one JSON line each, in a file that stays bounded. */
#include "alert/deadletter.h"
#include "base/fs.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_letters)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
