/* SPDX-License-Identifier: Apache-2.0 */
/* The output "sqlite" on a host of the test's own. C and C++: the example in C++ is tested by it.
 */
#include <gyr/testing.h>

#ifdef TESTED
#include TESTED
#else
#include "sqlite.c"
#endif

#include <unistd.h>

static struct gyr_fake_host host;
static struct config cfg;
static void *self;
static char path[64];

static void begin(void)
{
    struct gyr_error err;

    (void)snprintf(path, sizeof(path), "./test_sqlite.%d.db", (int)getpid());
    cfg.path = path;
    cfg.busy_timeout = 50000000;
    err.msg[0] = 0;
    gyr_fake_host_init(&host, GYR_CAP_OUTPUT);
    GYR_CHECK(create(&host.host, &cfg, &self, &err) == 0);
    GYR_CHECK(start(self, &err) == 0);
    if (err.msg[0])
        (void)fprintf(stderr, "%s\n", err.msg);
}

static void end(void)
{
    char more[80];

    stop(self);
    destroy(self);
    GYR_CHECK(gyr_fake_host_free(&host) == 0);
    (void)remove(path);
    (void)snprintf(more, sizeof(more), "%s-wal", path);
    (void)remove(more);
    (void)snprintf(more, sizeof(more), "%s-shm", path);
    (void)remove(more);
}

static int offer(const struct gyr_alert *a, uint32_t n, struct gyr_verdict *v)
{
    const struct gyr_alert *list[8];
    struct gyr_error err;
    uint32_t i;
    int r;

    for (i = 0; i < n; i++) {
        list[i] = &a[i];
        memset(&v[i], 0, sizeof(v[i]));
        v[i].verdict = GYR_V_RETRY;
    }
    err.msg[0] = 0;
    r = write_alerts(self, list, n, v, &err);
    GYR_CHECK(r == 0 || err.msg[0]);
    return r;
}

/* The number that a query gives. */
static int64_t ask(const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *st = NULL;
    int64_t n = -1;

    if (sqlite3_open(path, &db) == SQLITE_OK &&
        sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW)
        n = sqlite3_column_int64(st, 0);
    (void)sqlite3_finalize(st);
    (void)sqlite3_close(db);
    return n;
}

static void test_stores(void)
{
    static char uuids[3][64];
    struct gyr_alert a[3];
    struct gyr_verdict v[3];
    int i;

    begin();
    for (i = 0; i < 3; i++) {
        a[i] = gyr_fake_alert("rule", "text");
        (void)snprintf(uuids[i], sizeof(uuids[i]), "uuid-%d", i);
        a[i].uuid = uuids[i];
    }
    GYR_CHECK(offer(a, 3, v) == 0);
    for (i = 0; i < 3; i++)
        GYR_CHECK(v[i].verdict == GYR_V_ACCEPTED);
    GYR_CHECK(ask("SELECT count(*) FROM alerts") == 3);
    GYR_CHECK(ask("SELECT count(*) FROM alerts WHERE rule='rule' AND output='text' AND "
                  "priority=4 AND time=1700000000000000000 AND json LIKE '{%}'") == 3);
    GYR_CHECK(offer(a + 1, 2, v) == 0 && v[0].verdict == GYR_V_ACCEPTED); /* once more */
    GYR_CHECK(ask("SELECT count(*) FROM alerts") == 3);
    end();
}

static void test_busy(void)
{
    struct gyr_alert a;
    struct gyr_verdict v;
    sqlite3 *other = NULL;

    begin();
    a = gyr_fake_alert("busy", "text");
    GYR_CHECK(sqlite3_open(path, &other) == SQLITE_OK);
    GYR_CHECK(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK);
    GYR_CHECK(offer(&a, 1, &v) < 0 && v.verdict == GYR_V_RETRY);
    GYR_CHECK(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL) == SQLITE_OK);
    GYR_CHECK(offer(&a, 1, &v) == 0 && v.verdict == GYR_V_ACCEPTED);
    (void)sqlite3_close(other);
    GYR_CHECK(ask("SELECT count(*) FROM alerts") == 1);
    end();
}

static void test_moved_away(void)
{
    struct gyr_error err;
    struct gyr_alert a;
    struct gyr_verdict v;

    begin();
    a = gyr_fake_alert("moved", "text");
    GYR_CHECK(remove(path) == 0);
    GYR_CHECK(reopen(self, &err) == 0);
    GYR_CHECK(offer(&a, 1, &v) == 0 && v.verdict == GYR_V_ACCEPTED);
    GYR_CHECK(ask("SELECT count(*) FROM alerts") == 1);
    end();
}

static void test_refused(void)
{
    struct gyr_error err;

    cfg.path = "./no/such/folder/x.db";
    gyr_fake_host_init(&host, GYR_CAP_OUTPUT);
    err.msg[0] = 0;
    GYR_CHECK(create(&host.host, &cfg, &self, &err) == 0);
    GYR_CHECK(start(self, &err) < 0 && strstr(err.msg, "no/such/folder"));
    destroy(self);
    GYR_CHECK(gyr_fake_host_free(&host) == 0);
}

int main(void)
{
    test_stores();
    test_busy();
    test_moved_away();
    test_refused();
    return gyr_test_done();
}
