/* SPDX-License-Identifier: Apache-2.0 */
/* The spool: alerts come back whole and in order, over restarts, damage and a full folder. */
#include "alert/crc32c.h"
#include "alert/spool.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { SEGMENT = 64 << 10, WINDOW = 4096 };

static char dir[64], sub[80];

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof(dir), "/tmp/gyr-spool-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
    char cmd[128];

    (void)state;
    (void)snprintf(cmd, sizeof(cmd), "rm -rf '%s'", dir);
    return system(cmd); // NOLINT
}

static struct spool *open_spool(uint64_t max_segments)
{
    const struct spool_conf conf = {
        .dir = sub, .max_bytes = max_segments * SEGMENT, .segment_bytes = SEGMENT};
    struct gyr_error err = {0};
    struct spool *s;

    (void)snprintf(sub, sizeof(sub), "%s/s", dir);
    if (spool_open(&conf, "test", WINDOW, &s, &err) < 0)
        fail_msg("%s", err.msg);
    return s;
}

/* One block, as alert_make() lays it out: a text field, a list, a tag. */
struct block {
    struct alert al;
    struct gyr_alert_field fields[2];
    struct gyr_value items[2];
    const char *tags[1];
    char text[600];
};

static struct alert *an_alert(uint64_t num)
{
    struct block *b = calloc(1, sizeof(*b));

    assert_non_null(b);
    (void)snprintf(b->text, sizeof(b->text), "alert %" PRIu64, num);
    b->tags[0] = b->text;
    b->items[0] = gyr_num(GYR_T_U64, num);
    b->items[1] = gyr_str(b->text, (uint32_t)strlen(b->text));
    b->fields[0] = (struct gyr_alert_field){b->text, b->items[1], b->text};
    b->fields[1] = (struct gyr_alert_field){
        b->text, {.type = GYR_T_LIST, .len = 2, .u = {.ptr = b->items}}, b->text};
    b->al.len = (uint32_t)(sizeof(*b) - offsetof(struct block, al.a));
    b->al.a = (struct gyr_alert){.size = sizeof(b->al.a),
                                 .num = num,
                                 .uuid = b->text,
                                 .rule = b->text,
                                 .source = b->text,
                                 .hostname = b->text,
                                 .text = b->text,
                                 .json = b->text,
                                 .text_len = (uint32_t)strlen(b->text),
                                 .json_len = (uint32_t)strlen(b->text),
                                 .n_tags = 1,
                                 .n_fields = 2,
                                 .tags = b->tags,
                                 .fields = b->fields};
    atomic_init(&b->al.refs, 1);
    return &b->al;
}

static int append(struct spool *s, uint64_t num)
{
    struct alert *a = an_alert(num);
    struct gyr_error err = {0};
    int r = spool_append(s, a, spool_crc(a), &err);

    alert_unref(a);
    return r;
}

/* @return the number of the next alert; 0: none. */
static uint64_t next(struct spool *s, bool ack)
{
    struct spooled got;
    uint64_t bad = 0, num;
    const struct gyr_value *items;
    char want[40];

    if (!spool_read(s, &got, &bad))
        return 0;
    assert_int_equal(bad, 0);
    num = got.alert->a.num;
    (void)snprintf(want, sizeof(want), "alert %" PRIu64, num);
    assert_string_equal(got.alert->a.uuid, want);
    assert_string_equal(got.alert->a.tags[0], want);
    assert_string_equal(got.alert->a.fields[1].name, want);
    items = got.alert->a.fields[1].value.u.ptr;
    assert_int_equal(items[0].u.u64, num);
    assert_memory_equal(items[1].u.ptr, want, strlen(want));
    alert_unref(got.alert);
    if (ack)
        spool_ack(s, got.ticket);
    return num;
}

static int count_files(const char *suffix)
{
    char cmd[160], line[16] = "";
    FILE *p;

    (void)snprintf(cmd, sizeof(cmd), "ls '%s' | grep -c '%s$'", sub, suffix);
    p = popen(cmd, "r"); // NOLINT
    assert_non_null(p);
    assert_non_null(fgets(line, sizeof(line), p));
    (void)pclose(p);
    return (int)strtol(line, NULL, 10);
}

/* ---- tests ---- */

static void test_crc(void **state)
{
    (void)state;
    assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
    assert_int_equal(crc32c(crc32c(0, "1234", 4), "56789", 5), 0xe3069283);
}

static void test_order(void **state)
{
    struct spool *s = open_spool(64);

    (void)state;
    for (uint64_t i = 1; i <= 1000; i++)
        assert_int_equal(append(s, i), 0);
    assert_int_equal(spool_left(s), 1000);
    for (uint64_t i = 1; i <= 1000; i++)
        assert_int_equal(next(s, true), i);
    assert_int_equal(next(s, true), 0);
    assert_false(spool_is_unread(s));
    assert_int_equal(spool_left(s), 0);
    assert_int_equal(count_files(".seg"), 1); /* what is done with is removed */
    spool_close(s);
    assert_int_equal(count_files(".seg"), 0);
}

/* What was not acknowledged comes again, and nothing else; also out of order. */
static void test_restart(void **state)
{
    struct spooled first;
    struct spool *s = open_spool(64);
    uint64_t bad;

    (void)state;
    for (uint64_t i = 1; i <= 500; i++)
        assert_int_equal(append(s, i), 0);
    for (uint64_t i = 1; i <= 200; i++)
        assert_int_equal(next(s, true), i);
    assert_int_equal(spool_read(s, &first, &bad), 1);
    alert_unref(first.alert);
    assert_int_equal(next(s, true), 202);
    spool_close(s);
    s = open_spool(64);
    assert_int_equal(spool_left(s), 300);
    assert_int_equal(append(s, 501), 0);
    for (uint64_t i = 201; i <= 501; i++)
        assert_int_equal(next(s, true), i);
    assert_int_equal(next(s, true), 0);
    spool_close(s);
    s = open_spool(64);
    assert_int_equal(next(s, true), 0);
    assert_int_equal(append(s, 502), 0);
    assert_int_equal(next(s, true), 502);
    spool_close(s);
}

static void test_full(void **state)
{
    struct spool *s = open_spool(2);
    uint64_t n = 0, dropped, from;
    int r;

    (void)state;
    while ((r = append(s, n + 1)) == 0)
        n++;
    assert_int_equal(r, -ENOBUFS);
    assert_int_equal(next(s, false), 1);
    dropped = spool_drop_oldest(s);
    assert_in_range(dropped, 10, n - 10);
    from = dropped + 2; /* the one that is out is not dropped */
    for (uint64_t i = 0; i < 5; i++)
        assert_int_equal(append(s, n + 1 + i), 0);
    for (uint64_t i = from; i <= n + 5; i++)
        assert_int_equal(next(s, true), i);
    assert_int_equal(spool_left(s), 0);
    spool_close(s);
}

static void damage(int nth, off_t at, bool cut)
{
    char cmd[160], path[256] = "";
    FILE *p;
    int fd;

    (void)snprintf(cmd, sizeof(cmd), "ls '%s'/*.seg | sed -n %dp", sub, nth);
    p = popen(cmd, "r"); // NOLINT
    assert_non_null(p);
    assert_non_null(fgets(path, sizeof(path), p));
    (void)pclose(p);
    path[strcspn(path, "\n")] = '\0';
    fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    if (cut)
        assert_int_equal(ftruncate(fd, at), 0);
    else
        assert_int_equal(pwrite(fd, "damaged", 7, at), 7);
    (void)close(fd);
}

/* One record of a segment is damaged, another segment is cut, a third is no segment any more. */
static void test_damage(void **state)
{
    struct spool *s = open_spool(64);
    uint64_t last = 0, n = 0, num;

    (void)state;
    for (uint64_t i = 1; i <= 500; i++)
        assert_int_equal(append(s, i), 0);
    spool_close(s);
    damage(1, 3000, false);
    damage(2, SEGMENT / 2, true);
    damage(3, 0, false);
    s = open_spool(64);
    while ((num = next(s, true))) {
        assert_true(num > last);
        n += last == 0 || num != last + 1; /* how often something was missing */
        last = num;
    }
    assert_int_equal(last, 500);
    assert_int_equal(n, 3); /* the beginning; one record; what the cut and the lost segment held */
    assert_int_equal(spool_left(s), 0);
    spool_close(s);
    assert_int_equal(count_files(".bad"), 3);
    assert_int_equal(count_files(".seg"), 0);
}

/* Pointers of a record with a good checksum that lead out of it. */
static void test_hostile(void **state)
{
    struct spool *s = open_spool(64);
    struct alert *a = an_alert(1);
    struct gyr_error err = {0};
    struct spooled got;
    uint64_t bad = 0;

    (void)state;
    a->a.rule = "elsewhere";
    assert_int_equal(spool_append(s, a, spool_crc(a), &err), 0);
    a->a.rule = a->a.uuid;
    a->a.n_fields = 1 << 30;
    assert_int_equal(spool_append(s, a, spool_crc(a), &err), 0);
    a->a.n_fields = 2;
    a->a.text_len = 3; /* no NUL there */
    assert_int_equal(spool_append(s, a, spool_crc(a), &err), 0);
    alert_unref(a);
    assert_int_equal(append(s, 2), 0);
    assert_int_equal(spool_read(s, &got, &bad), 1);
    assert_int_equal(bad, 3);
    assert_int_equal(got.alert->a.num, 2);
    alert_unref(got.alert);
    spool_ack(s, got.ticket);
    assert_int_equal(spool_left(s), 0);
    spool_close(s);
}

static void test_unusable(void **state)
{
    struct spool_conf conf = {.dir = sub, .max_bytes = 1 << 20, .segment_bytes = SEGMENT};
    struct spool *s = open_spool(64), *t = NULL;
    struct gyr_error err = {0};

    (void)state;
    assert_int_equal(spool_open(&conf, "test", WINDOW, &t, &err), -EBUSY);
    spool_close(s);
    conf.dir = "/proc/gyr-spool";
    assert_true(spool_open(&conf, "test", WINDOW, &t, &err) < 0);
    assert_null(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crc),
        cmocka_unit_test_setup_teardown(test_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_restart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_full, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_damage, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hostile, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unusable, set_up, tear_down),
    };

    log_set_level(LOG_L_ERROR - 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
