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

    (void)snprintf(sub, sizeof(sub), "%s/a/s", dir); /* neither is there at first */
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

static int do_chores(struct spool *s)
{
    struct spool_chore c;
    int n = 0;

    while (spool_take_chore(s, 1, &c)) {
        spool_do_chore(&c);
        spool_end_chore(s, &c);
        n++;
    }
    return n;
}

static void in_path(char path[256], int nth)
{
    char cmd[160];
    FILE *p;

    (void)snprintf(cmd, sizeof(cmd), "ls '%s'/*.seg | sed -n %dp", sub, nth);
    p = popen(cmd, "r"); // NOLINT
    assert_non_null(p);
    assert_non_null(fgets(path, 256, p));
    (void)pclose(p);
    path[strcspn(path, "\n")] = '\0';
}

static void damage(int nth, off_t at, bool cut)
{
    char path[256] = "";
    int fd;

    in_path(path, nth);
    fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    if (cut)
        assert_int_equal(ftruncate(fd, at), 0);
    else
        assert_int_equal(pwrite(fd, "damaged", 7, at), 7);
    (void)close(fd);
}

/* ---- tests ---- */

static void test_crc(void **state)
{
    (void)state;
    assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
    assert_int_equal(crc32c(crc32c(0, "1234", 4), "56789", 5), 0xe3069283);
    assert_int_equal(crc32c_by_table(0, "123456789", 9), 0xe3069283);
    assert_int_equal(crc32c_by_table(crc32c(0, "12345", 5), "6789", 4), 0xe3069283);
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
    assert_true(do_chores(s) > 1);
    assert_in_range(count_files(".seg"), 1, 2); /* what is done with is removed */
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

/* The next file is made ahead, whoever appends only takes it; room is never more than allowed. */
static void test_ahead(void **state)
{
    struct spool *s = open_spool(3);
    uint64_t n = 1;
    char path[256];

    (void)state;
    assert_int_equal(do_chores(s), 1);
    assert_int_equal(count_files(".seg"), 1);
    assert_int_equal(append(s, n), 0);
    assert_int_equal(count_files(".seg"), 1);
    assert_int_equal(do_chores(s), 0); /* not before it is half full */
    while (!spool_has_chore(s, 1))
        assert_int_equal(append(s, ++n), 0);
    assert_int_equal(do_chores(s), 1);
    while (!spool_has_chore(s, 1)) /* over into the next, and half of that */
        assert_int_equal(append(s, ++n), 0);
    assert_int_equal(count_files(".seg"), 2);
    assert_int_equal(do_chores(s), 1);
    while (append(s, n + 1) == 0)
        n++;
    assert_int_equal(count_files(".seg"), 3);
    assert_false(spool_has_chore(s, 1));
    for (uint64_t i = 1; i <= n; i++)
        assert_int_equal(next(s, true), i);
    /* What is done with is removed at the latest when its room is needed. */
    assert_int_equal(append(s, n + 1), 0);
    assert_true(count_files(".seg") <= 3);
    assert_int_equal(next(s, true), n + 1);
    (void)do_chores(s);
    in_path(path, 1);
    spool_close(s);
    assert_int_equal(count_files(".seg"), 0);
}

/* kill -9 leaves a file that was made ahead, whole or begun, and a torn alert. */
static void test_left_ahead(void **state)
{
    char path[256], copy[300];
    struct spool *s = open_spool(64);
    struct stat st;
    int fd;

    (void)state;
    assert_int_equal(append(s, 1), 0);
    assert_int_equal(append(s, 2), 0);
    while (!spool_has_chore(s, 1))
        assert_int_equal(append(s, 3), 0);
    assert_int_equal(do_chores(s), 1);
    in_path(path, 2);
    (void)snprintf(copy, sizeof(copy), "%s-", path);
    assert_int_equal(link(path, copy), 0);
    spool_close(s);
    assert_int_equal(count_files(".seg"), 1);
    assert_int_equal(rename(copy, path), 0); /* as if it had not been closed */
    (void)snprintf(copy, sizeof(copy), "%s/00000000ffffffff.seg", sub);
    fd = open(copy, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    assert_int_equal(posix_fallocate(fd, 0, SEGMENT), 0);
    (void)close(fd);
    s = open_spool(64);
    (void)do_chores(s);
    assert_int_equal(stat(copy, &st), -1);
    assert_int_equal(next(s, true), 1);
    assert_int_equal(next(s, true), 2);
    while (next(s, true))
        ;
    assert_int_equal(spool_left(s), 0);
    spool_close(s);
    assert_int_equal(count_files(".seg"), 0);
    assert_int_equal(count_files(".bad"), 0);
}

/* The process was killed in the middle of a write: what it had begun never counted. */
static void test_torn(void **state)
{
    static const char begun[] = "GyRx\1\0\0\0\1\2\3\4";
    struct spool *s = open_spool(64);
    char path[256], zeros[4096] = {0};
    struct stat st;
    int fd;

    (void)state;
    for (uint64_t i = 1; i <= 3; i++)
        assert_int_equal(append(s, i), 0);
    in_path(path, 1);
    spool_close(s);
    fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    /* behind the last record */
    for (off_t at = st.st_size - (off_t)sizeof(zeros);; at -= 8) {
        char word[8];

        assert_int_equal(pread(fd, word, 8, at), 8);
        if (memcmp(word, zeros, 8) == 0)
            continue;
        assert_int_equal(pwrite(fd, begun, sizeof(begun), (at + 800) & ~7), sizeof(begun));
        break;
    }
    (void)close(fd);
    s = open_spool(64);
    assert_int_equal(append(s, 4), 0);
    for (uint64_t i = 1; i <= 4; i++)
        assert_int_equal(next(s, true), i);
    spool_close(s);
    assert_int_equal(count_files(".bad"), 0);
}

/* Files are damaged while they are in use: what is whole is delivered, the rest counted. */
static void test_damage_live(void **state)
{
    struct spool *s = open_spool(64);
    uint64_t lost = 0, got = 0, last = 0;
    struct spooled one;

    (void)state;
    for (uint64_t i = 1; i <= 500; i++)
        assert_int_equal(append(s, i), 0);
    damage(1, 3000, false);
    damage(2, 20, false); /* the length of its first */
    while (spool_read(s, &one, &lost)) {
        assert_true(one.alert->a.num > last);
        last = one.alert->a.num;
        got++;
        alert_unref(one.alert);
        spool_ack(s, one.ticket);
    }
    assert_int_equal(last, 500);
    assert_int_equal(lost, 2);
    assert_int_equal(got, 498);
    assert_int_equal(spool_left(s), 0);
    spool_close(s);
    assert_int_equal(count_files(".bad"), 2);
    assert_int_equal(count_files(".seg"), 0);
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
        cmocka_unit_test_setup_teardown(test_ahead, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_left_ahead, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_torn, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_damage_live, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unusable, set_up, tear_down),
    };

    log_set_level(LOG_L_ERROR - 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
