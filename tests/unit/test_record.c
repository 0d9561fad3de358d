/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of the enricher "record": the queue between its threads, names of files. The whole is in
 * tests/e2e/test_record.sh. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../plugins/enrichers/record/files.h"
#include "../../plugins/enrichers/record/queue.h"

enum { CAP = 4096, ROUNDS = 200000 };

static struct queue q;

static int setup(void **state)
{
    (void)state;
    return queue_init(&q, CAP);
}

static int teardown(void **state)
{
    (void)state;
    queue_free(&q);
    return 0;
}

/* An event of @p len bytes that says its number everywhere. */
static const struct gyr_event *make(uint32_t len, uint64_t num)
{
    static uint64_t room[CAP / 8];
    struct gyr_event *ev = (struct gyr_event *)(void *)room;

    for (size_t i = 0; i < len / 8; i++)
        room[i] = num;
    *ev = (struct gyr_event){.len = len, .hdr_len = sizeof(*ev), .num = num};
    return ev;
}

static void assert_is(const struct gyr_event *ev, uint32_t len, uint64_t num)
{
    uint64_t last;

    assert_non_null(ev);
    assert_int_equal(ev->len, len);
    assert_int_equal(ev->num, num);
    memcpy(&last, (const uint8_t *)ev + len - 8, 8);
    if (len > sizeof(*ev))
        assert_int_equal(last, num);
}

static void test_order(void **state)
{
    uint64_t put = 0, taken = 0;

    (void)state;
    assert_null(queue_front(&q));
    for (int round = 0; round < 1000; round++) { /* many times round the ring, of any lengths */
        for (int i = 0; i < 5; i++, put++)
            assert_int_equal(queue_put(&q, make((uint32_t)(48 + put % 37 * 8), put), 0, false), 0);
        for (int i = 0; i < 5; i++, taken++) {
            assert_is(queue_front(&q), (uint32_t)(48 + taken % 37 * 8), taken);
            queue_pop(&q);
        }
    }
    assert_null(queue_front(&q));
}

static void test_full(void **state)
{
    int n = 0, more = 0;

    (void)state;
    while (queue_put(&q, make(64, 1), CAP / 4, false) == 0)
        n++;
    assert_int_equal(n, CAP * 3 / 4 / 64);
    while (queue_put(&q, make(64, 2), 0, false) == 0)
        more++;
    assert_int_equal(more, CAP / 4 / 64); /* the spare room is for these */
    assert_int_equal(queue_put(&q, make(64, 3), 0, false), -EAGAIN);
    assert_is(queue_front(&q), 64, 1);
    queue_pop(&q);
    assert_int_equal(queue_put(&q, make(64, 3), 0, false), 0);
    assert_int_equal(queue_put(&q, make(CAP / 2 + 8, 4), 0, true), -EMSGSIZE);
}

static void *take_all(void *arg)
{
    uint64_t *wrong = arg;

    for (uint64_t i = 0; i < ROUNDS;) {
        const struct gyr_event *ev = queue_front(&q);

        if (!ev) {
            queue_sleep(&q, 1000000000);
            continue;
        }
        *wrong += ev->num != i || ev->len != 48 + i % 61 * 8;
        queue_pop(&q);
        i++;
    }
    return NULL;
}

/* Nobody sleeps for ever, nothing is lost, and all comes in order. */
static void test_two_threads(void **state)
{
    pthread_t thread;
    uint64_t wrong = 0;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, take_all, &wrong), 0);
    for (uint64_t i = 0; i < ROUNDS; i++)
        assert_int_equal(queue_put(&q, make((uint32_t)(48 + i % 61 * 8), i), 0, true), 0);
    queue_wake(&q);
    (void)pthread_join(thread, NULL);
    assert_int_equal(wrong, 0);
}

static void *close_it(void *arg)
{
    (void)arg;
    (void)usleep(50000);
    queue_close(&q);
    return NULL;
}

static void test_closed(void **state)
{
    pthread_t thread;

    (void)state;
    while (queue_put(&q, make(64, 1), 0, false) == 0)
        ;
    assert_int_equal(pthread_create(&thread, NULL, close_it, NULL), 0);
    assert_int_equal(queue_put(&q, make(64, 2), 0, true), -EPIPE); /* who waits is let go */
    (void)pthread_join(thread, NULL);
    assert_int_equal(queue_put(&q, make(64, 2), 0, false), -EPIPE);
}

static void assert_name(const char *pattern, uint32_t number, bool with, const char *want)
{
    char got[PATH_MAX];

    assert_int_equal(files_name(pattern, 86400 * 365, number, with, got, sizeof(got)), 0);
    assert_string_equal(got, want);
}

static void test_names(void **state)
{
    char small[8], *big = malloc(PATH_MAX + 1);

    (void)state;
    (void)setenv("TZ", "UTC", 1);
    assert_name("/d/x.scap.gz", 1, false, "/d/x.scap.gz");
    assert_name("/d/x.scap.gz", 1, true, "/d/x.0001.scap.gz");
    assert_name("/d.scap/x", 12, true, "/d.scap/x.0012");
    assert_name("x-{n}.scap", 12345, false, "x-12345.scap");
    assert_name("x-%Y%m%d-{n}.scap", 2, true, "x-19710101-0002.scap");
    assert_name("%%", 1, false, "%");
    assert_int_equal(files_name("12345678", 0, 1, false, small, sizeof(small)), -ENAMETOOLONG);
    memset(big, 'x', PATH_MAX);
    big[PATH_MAX] = 0;
    assert_int_equal(files_name(big, 0, 1, false, small, sizeof(small)), -ENAMETOOLONG);
    free(big);
}

static int next(struct files *f)
{
    struct gyr_error err;
    int fd = files_next(f, &err);

    if (fd < 0)
        fail_msg("%s", err.msg);
    return fd;
}

static bool there(const char *dir, const char *name)
{
    char path[512];

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    return access(path, F_OK) == 0;
}

static void remove_it(const char *dir, const char *name)
{
    char path[512];

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    (void)unlink(path);
}

/* Numbers go on behind what is there; what was there is nobody's to remove. */
static void test_rotated_files(void **state)
{
    char dir[] = "/tmp/gyr-record-XXXXXX", pattern[64], made[3][PATH_MAX];
    struct files f;

    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(pattern, sizeof(pattern), "%s/x.scap", dir);
    assert_int_equal(files_init(&f, pattern, true, 2), 0);
    (void)close(next(&f));
    files_free(&f);
    assert_int_equal(files_init(&f, pattern, true, 2), 0);
    for (int i = 0; i < 3; i++)
        (void)close(next(&f));
    assert_true(there(dir, "x.0001.scap"));
    assert_false(there(dir, "x.0002.scap"));
    assert_true(there(dir, "x.0003.scap"));
    assert_true(there(dir, "x.0004.scap"));
    files_free(&f);

    /* A pattern of time alone, and the time does not change. */
    (void)snprintf(pattern, sizeof(pattern), "%s/%%Y", dir);
    assert_int_equal(files_init(&f, pattern, true, 0), 0);
    for (int i = 0; i < 3; i++) {
        const char *number = i == 1 ? ".0002" : ".0003";
        struct stat st;

        (void)close(next(&f));
        assert_int_equal(stat(f.path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        assert_int_equal(strlen(f.path), strlen(dir) + (i ? 10 : 5));
        if (i)
            assert_string_equal(f.path + strlen(f.path) - 5, number);
        (void)snprintf(made[i], sizeof(made[i]), "%s", f.path);
    }
    files_free(&f);
    for (int i = 0; i < 3; i++)
        (void)unlink(made[i]);
    for (int i = 1; i <= 4; i++) {
        char name[32];

        (void)snprintf(name, sizeof(name), "x.%04d.scap", i);
        remove_it(dir, name);
    }
    assert_int_equal(rmdir(dir), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_order),
        TEST(test_full),
        TEST(test_two_threads),
        TEST(test_closed),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_rotated_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
