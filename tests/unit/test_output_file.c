/* SPDX-License-Identifier: Apache-2.0 */
/* The output file: rotation by size and time, what is kept, what is refused. */
#include "../lib/fake_host.h"
#include "encode/encode.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

const struct gyr_plugin *gyr_plugin_query_file(uint32_t host_abi);

enum { NUMBERS, DATES };

/* As the option table of the plugin describes it. */
struct config {
    const char *path, *mode;
    int64_t format;
    uint8_t sync, gzip;
    uint64_t rotate_size, rotate_interval;
    int64_t keep, names;
};

struct rig {
    struct fake_host host;
    const struct gyr_plugin *plugin;
    struct config cfg;
    struct gyr_error err;
    void *self;
    char dir[64], path[96];
};

static struct rig rig;

static void rig_open(struct rig *t)
{
    memset(t, 0, sizeof(*t));
    fake_host_init(&t->host);
    t->plugin = gyr_plugin_query_file(0);
    assert_int_equal(t->plugin->config_size, sizeof(t->cfg));
    (void)snprintf(t->dir, sizeof(t->dir), "/tmp/gyr-rot-XXXXXX");
    assert_non_null(mkdtemp(t->dir));
    (void)snprintf(t->path, sizeof(t->path), "%s/a.log", t->dir);
    t->cfg = (struct config){.path = t->path, .mode = "0600", .format = ENCODE_JSON, .keep = 3};
}

static int rig_start(struct rig *t)
{
    int r = t->plugin->create(&t->host.host, &t->cfg, &t->self, &t->err);

    return r < 0 ? r : t->plugin->start(t->self, &t->err);
}

static int visible(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

/* "a.log a.log.1 …", sorted. */
static const char *names(const struct rig *t)
{
    static char all[4096];
    struct dirent **list;
    int n = scandir(t->dir, &list, visible, alphasort);
    size_t len = 0;

    assert_true(n >= 0);
    all[0] = '\0';
    for (int i = 0; i < n; i++) {
        len +=
            (size_t)snprintf(all + len, sizeof(all) - len, "%s%s", i ? " " : "", list[i]->d_name);
        free(list[i]);
    }
    free(list);
    return all;
}

static void rig_close(struct rig *t)
{
    char cmd[128];

    t->plugin->stop(t->self);
    t->plugin->destroy(t->self);
    (void)snprintf(cmd, sizeof(cmd), "rm -rf '%s'", t->dir);
    assert_int_equal(system(cmd), 0);
    assert_int_equal(fake_host_free(&t->host), 0);
}

/* Offer so many alerts at once, each a line of ten bytes: "[1234567]\n". */
static void put(struct rig *t, int first, int n)
{
    struct gyr_alert a[64];
    const struct gyr_alert *list[64];
    struct gyr_verdict v[64];
    char json[64][16];

    for (int i = 0; i < n; i++) {
        (void)snprintf(json[i], sizeof(json[i]), "[%07d]", first + i);
        a[i] = (struct gyr_alert){.size = sizeof(a[i]),
                                  .token = (uint64_t)(first + i),
                                  .text = "",
                                  .json = json[i],
                                  .json_len = 9};
        list[i] = &a[i];
        v[i] = (struct gyr_verdict){.verdict = GYR_V_RETRY};
    }
    assert_int_equal(t->plugin->output->write(t->self, list, (uint32_t)n, v, &t->err), 0);
    for (int i = 0; i < n; i++)
        assert_int_equal(v[i].verdict, GYR_V_ACCEPTED);
}

/* The file (through gzip when it is so) holds these alerts and no others. */
static void holds(const struct rig *t, const char *name, int first, int n)
{
    char path[200], got[4096], want[16];
    gzFile gz;
    int len;

    (void)snprintf(path, sizeof(path), "%s/%s", t->dir, name);
    gz = gzopen(path, "rb");
    assert_non_null(gz);
    len = gzread(gz, got, sizeof(got));
    (void)gzclose(gz);
    assert_int_equal(len, 10 * n);
    for (int i = 0; i < n; i++) {
        (void)snprintf(want, sizeof(want), "[%07d]\n", first + i);
        assert_memory_equal(got + 10 * i, want, 10);
    }
}

/* Half a line, of a process that was killed, is ended before the next begins. */
static void test_torn(void **state)
{
    static const char want[] = "[00\n[0000001]\n[0000002]\n";
    char got[64] = "";
    int fd;

    (void)state;
    rig_open(&rig);
    fd = open(rig.path, O_RDWR | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "[00", 3), 3);
    assert_int_equal(rig_start(&rig), 0);
    put(&rig, 1, 1);
    assert_int_equal(rig.plugin->output->reopen(rig.self, &rig.err), 0);
    put(&rig, 2, 1);
    assert_int_equal(pread(fd, got, sizeof(got), 0), sizeof(want) - 1);
    assert_string_equal(got, want);
    (void)close(fd);
    rig_close(&rig);
}

static void test_by_size(void **state)
{
    (void)state;
    rig_open(&rig);
    rig.cfg.rotate_size = 30;
    assert_int_equal(rig_start(&rig), 0);
    put(&rig, 0, 3);
    assert_string_equal(names(&rig), "a.log"); /* full, but not larger */
    put(&rig, 3, 5);                           /* one offer that ends in a file of its own */
    assert_string_equal(names(&rig), "a.log a.log.1 a.log.2");
    holds(&rig, "a.log.2", 0, 3);
    holds(&rig, "a.log.1", 3, 3);
    holds(&rig, "a.log", 6, 2);
    put(&rig, 8, 20);
    assert_string_equal(names(&rig), "a.log a.log.1 a.log.2 a.log.3");
    holds(&rig, "a.log.3", 18, 3);
    holds(&rig, "a.log.1", 24, 3);
    holds(&rig, "a.log", 27, 1);
    rig_close(&rig);
}

/* The file of before is gone on with, and its size counts. */
static void test_start_again(void **state)
{
    (void)state;
    rig_open(&rig);
    rig.cfg.rotate_size = 30;
    assert_int_equal(rig_start(&rig), 0);
    put(&rig, 0, 2);
    rig.plugin->stop(rig.self);
    assert_int_equal(rig.plugin->start(rig.self, &rig.err), 0);
    put(&rig, 2, 2);
    holds(&rig, "a.log.1", 0, 3);
    holds(&rig, "a.log", 3, 1);
    rig_close(&rig);
}

static void age(const struct rig *t, time_t by)
{
    const struct timespec ts[2] = {{.tv_sec = time(NULL) - by}, {.tv_sec = time(NULL) - by}};

    assert_int_equal(utimensat(AT_FDCWD, t->path, ts, 0), 0);
}

static void test_by_time(void **state)
{
    (void)state;
    rig_open(&rig);
    rig.cfg.rotate_interval = UINT64_C(86400000000000);
    assert_int_equal(rig_start(&rig), 0);
    put(&rig, 0, 2);
    assert_string_equal(names(&rig), "a.log");
    /* as if it were of yesterday */
    age(&rig, 86400);
    assert_int_equal(rig.plugin->output->reopen(rig.self, &rig.err), 0);
    put(&rig, 2, 2);
    assert_string_equal(names(&rig), "a.log a.log.1");
    holds(&rig, "a.log.1", 0, 2);
    holds(&rig, "a.log", 2, 2);
    rig_close(&rig);
}

static void test_dates(void **state)
{
    static const char *const others[] = {"a.log.20200101T000000Z", "a.log.20200101T000000Z-02.gz",
                                         "a.log.20200101T000000Zx", "a.log.bak",
                                         "a.log.2020010100000000"};
    char path[200];
    const char *all;

    (void)state;
    rig_open(&rig);
    rig.cfg.rotate_size = 10;
    rig.cfg.names = DATES;
    for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", rig.dir, others[i]);
        (void)close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    }
    assert_int_equal(rig_start(&rig), 0);
    put(&rig, 0, 3);
    /* three are kept: the older of the old ones went, what has another name stays */
    all = names(&rig);
    assert_null(strstr(all, "a.log.20200101T000000Z "));
    assert_non_null(strstr(all, "a.log.20200101T000000Z-02.gz"));
    assert_non_null(strstr(all, "a.log.bak"));
    assert_non_null(strstr(all, "a.log.2020010100000000"));
    assert_non_null(strstr(all, "a.log.20200101T000000Zx"));
    put(&rig, 3, 1);
    assert_null(strstr(names(&rig), "a.log.20200101T000000Z-02.gz"));
    holds(&rig, "a.log", 3, 1);
    rig_close(&rig);
}

/* Many within a second: those that are kept are the last, and a name is not given twice. */
static void test_dates_soon(void **state)
{
    struct dirent **list;
    char path[400], got[16] = "", want[16];
    int n;

    (void)state;
    rig_open(&rig);
    rig.cfg.rotate_size = 10;
    rig.cfg.names = DATES;
    assert_int_equal(rig_start(&rig), 0);
    put(&rig, 0, 30);
    n = scandir(rig.dir, &list, visible, alphasort);
    assert_int_equal(n, 4);
    for (int i = 1; i < n; i++) {
        int fd;

        (void)snprintf(path, sizeof(path), "%s/%s", rig.dir, list[i]->d_name);
        (void)snprintf(want, sizeof(want), "[%07d]\n", 25 + i);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        assert_int_equal(read(fd, got, sizeof(got)), 10);
        assert_memory_equal(got, want, 10);
        (void)close(fd);
    }
    for (int i = 0; i < n; i++)
        free(list[i]);
    free(list);
    rig_close(&rig);
}

static void test_gzip(void **state)
{
    (void)state;
    rig_open(&rig);
    rig.cfg.rotate_size = 20;
    rig.cfg.gzip = 1;
    assert_int_equal(rig_start(&rig), 0);
    put(&rig, 0, 3);
    for (int i = 0; i < 500 && strcmp(names(&rig), "a.log a.log.1.gz") != 0; i++)
        (void)usleep(10000);
    assert_string_equal(names(&rig), "a.log a.log.1.gz");
    holds(&rig, "a.log.1.gz", 0, 2);
    for (int k = 1; k < 5; k++) {
        put(&rig, 1 + 2 * k, 2);
        for (int i = 0; i < 500 && strstr(names(&rig), "a.log.1 "); i++)
            (void)usleep(10000);
        (void)usleep(20000); /* the thread's last step */
    }
    assert_string_equal(names(&rig), "a.log a.log.1.gz a.log.2.gz a.log.3.gz");
    holds(&rig, "a.log.1.gz", 8, 2);
    holds(&rig, "a.log.3.gz", 4, 2);
    rig_close(&rig);
}

/* Cannot be put aside: told, and the alerts go on into the file that is there. */
static void test_cannot_rotate(void **state)
{
    char path[200];

    (void)state;
    rig_open(&rig);
    rig.cfg.rotate_size = 20;
    rig.cfg.keep = 1;
    (void)snprintf(path, sizeof(path), "%s/a.log.1", rig.dir);
    assert_int_equal(mkdir(path, 0700), 0); /* a folder, which unlink() refuses */
    assert_int_equal(rig_start(&rig), 0);
    put(&rig, 0, 2);
    put(&rig, 2, 2);
    put(&rig, 4, 2);
    holds(&rig, "a.log", 0, 6);
    assert_non_null(strstr(rig.host.log, "a.log: cannot be rotated: Is a directory"));
    assert_null(strstr(strstr(rig.host.log, "rotated") + 1, "rotated")); /* once */
    rig_close(&rig);
}

static uint32_t verdict_of(struct rig *t, const char *json)
{
    struct gyr_alert a = {.size = sizeof(a), .token = 99, .text = "", .json = json};
    const struct gyr_alert *list[] = {&a};
    struct gyr_verdict v = {.verdict = GYR_V_RETRY};

    a.json_len = (uint32_t)strlen(json);
    (void)t->plugin->output->write(t->self, list, 1, &v, &t->err);
    return v.verdict;
}

/* A file that was removed takes no alerts with it; nor does a folder that comes back later. */
static void test_removed(void **state)
{
    char sub[80], cmd[200];

    (void)state;
    rig_open(&rig);
    (void)snprintf(sub, sizeof(sub), "%s/s", rig.dir);
    assert_int_equal(mkdir(sub, 0700), 0);
    (void)snprintf(rig.path, sizeof(rig.path), "%s/a.log", sub);
    rig.cfg.rotate_size = 20; /* due each time: that it cannot be is told once */
    assert_int_equal(rig_start(&rig), 0);
    put(&rig, 0, 2);
    assert_int_equal(unlink(rig.path), 0);
    put(&rig, 2, 2);
    holds(&rig, "s/a.log", 2, 2);
    (void)snprintf(cmd, sizeof(cmd), "rm -r '%s'", sub);
    assert_int_equal(system(cmd), 0);
    assert_int_equal(verdict_of(&rig, "[0000004]"), GYR_V_RETRY);
    assert_non_null(strstr(rig.err.msg, "removed and cannot be made anew: "));
    assert_int_equal(mkdir(sub, 0700), 0);
    assert_int_equal(verdict_of(&rig, "[0000004]"), GYR_V_ACCEPTED);
    holds(&rig, "s/a.log", 4, 1);
    rig_close(&rig);
}

/* Moved away as a whole: the alerts go on into the file that is there, and that is told once. */
static void test_moved(void **state)
{
    char sub[80], to[80];

    (void)state;
    rig_open(&rig);
    (void)snprintf(sub, sizeof(sub), "%s/s", rig.dir);
    (void)snprintf(to, sizeof(to), "%s/t", rig.dir);
    assert_int_equal(mkdir(sub, 0700), 0);
    (void)snprintf(rig.path, sizeof(rig.path), "%s/a.log", sub);
    rig.cfg.rotate_size = 20;
    assert_int_equal(rig_start(&rig), 0);
    put(&rig, 0, 2);
    assert_int_equal(rename(sub, to), 0);
    for (int i = 2; i < 6; i++)
        put(&rig, i, 1);
    holds(&rig, "t/a.log", 0, 6);
    assert_non_null(strstr(rig.host.log, "No such file"));
    assert_null(strstr(strstr(rig.host.log, "No such file") + 1, "No such file"));
    rig_close(&rig);
}

/* A FIFO whose reader went: the alerts wait for another. */
static void test_fifo(void **state)
{
    char got[32] = "";
    int fd;

    (void)state;
    rig_open(&rig);
    (void)signal(SIGPIPE, SIG_IGN);
    assert_int_equal(mkfifo(rig.path, 0600), 0);
    fd = open(rig.path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(rig_start(&rig), 0);
    assert_int_equal(verdict_of(&rig, "[0000001]"), GYR_V_ACCEPTED);
    (void)close(fd);
    assert_int_equal(verdict_of(&rig, "[0000002]"), GYR_V_RETRY);
    fd = open(rig.path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_int_equal(verdict_of(&rig, "[0000002]"), GYR_V_ACCEPTED);
    assert_int_equal(read(fd, got, sizeof(got)), 20); /* the first was still there */
    assert_string_equal(got, "[0000001]\n[0000002]\n");
    (void)close(fd);
    rig_close(&rig);
}

static void test_refused(void **state)
{
    (void)state;
    rig_open(&rig);
    rig.cfg.rotate_size = 20;
    rig.cfg.keep = 0;
    assert_int_equal(rig_start(&rig), GYR_E_CONF);
    rig.cfg.keep = 1;
    rig.cfg.rotate_interval = 1000;
    assert_int_equal(rig_start(&rig), GYR_E_CONF);
    rig.cfg.rotate_interval = 0;
    if (geteuid() != 0) {
        print_message("the rest needs root, to have files of other users\n");
        assert_int_equal(rig_start(&rig), 0);
        rig_close(&rig);
        return;
    }
    (void)close(open(rig.path, O_CREAT | O_WRONLY | O_CLOEXEC, 0666));
    assert_int_equal(chown(rig.path, 1234, 1234), 0);
    assert_int_equal(rig_start(&rig), -EPERM);
    assert_non_null(strstr(rig.err.msg, "belongs to another user (uid 1234)"));
    rig.plugin->destroy(rig.self);
    assert_int_equal(unlink(rig.path), 0);
    assert_int_equal(chmod(rig.dir, 0777), 0);
    assert_int_equal(rig_start(&rig), -EPERM);
    assert_non_null(strstr(rig.err.msg, "other users can exchange files in"));
    rig.plugin->destroy(rig.self);
    assert_int_equal(chmod(rig.dir, 01777), 0);
    assert_int_equal(rig_start(&rig), 0);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_torn),        cmocka_unit_test(test_by_size),
        cmocka_unit_test(test_start_again), cmocka_unit_test(test_by_time),
        cmocka_unit_test(test_dates),       cmocka_unit_test(test_dates_soon),
        cmocka_unit_test(test_gzip),        cmocka_unit_test(test_cannot_rotate),
        cmocka_unit_test(test_refused),     cmocka_unit_test(test_removed),
        cmocka_unit_test(test_moved),       cmocka_unit_test(test_fifo),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
