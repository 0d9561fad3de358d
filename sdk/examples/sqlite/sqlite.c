/* SPDX-License-Identifier: Apache-2.0 */
/* The output "sqlite": alerts in a table of a database file. An offer is one transaction, and an
 * alert that is offered again (its uuid is the same) changes nothing. */
#include <gyr/plugin.h>
#include <gyr/util.h>

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>

struct config {
    const char *path;
    uint64_t busy_timeout;
};

static const struct gyr_option options[] = {
    {GYR_OPT(struct config, path, GYR_O_STR, "path", NULL, "Database file; it is made if need be."),
     .flags = GYR_OF_REQUIRED},
    {GYR_OPT(struct config, busy_timeout, GYR_O_DURATION, "busy_timeout", "2s",
             "How long to wait for another who writes, before trying again later."),
     .max = INT64_C(60000000000)},
};

static const char schema[] = "CREATE TABLE IF NOT EXISTS alerts("
                             " uuid TEXT PRIMARY KEY, time INTEGER NOT NULL,"
                             " priority INTEGER NOT NULL, rule TEXT NOT NULL,"
                             " source TEXT NOT NULL, hostname TEXT, output TEXT NOT NULL,"
                             " json TEXT NOT NULL) WITHOUT ROWID;"
                             "CREATE INDEX IF NOT EXISTS alerts_time ON alerts(time);";
static const char insert[] = "INSERT OR IGNORE INTO alerts VALUES(?,?,?,?,?,?,?,?)";

struct instance {
    const struct config *cfg;
    sqlite3 *db;
    sqlite3_stmt *insert;
};

static int create(const struct gyr_host *host, const void *cfg, void **ret_self,
                  struct gyr_error *err)
{
    struct instance *s = calloc(1, sizeof(*s));

    (void)host;
    if (!s)
        return gyr_fail(err, -ENOMEM, "out of memory");
    s->cfg = cfg;
    *ret_self = s;
    return 0;
}

static void stop(void *self)
{
    struct instance *s = self;

    (void)sqlite3_finalize(s->insert);
    (void)sqlite3_close(s->db);
    s->insert = NULL;
    s->db = NULL;
}

static int fail(const struct instance *s, const char *path, struct gyr_error *err)
{
    return gyr_fail(err, -EIO, "%s: %s", path, s->db ? sqlite3_errmsg(s->db) : "out of memory");
}

static int start(void *self, struct gyr_error *err)
{
    struct instance *s = self;
    const char *path = s->cfg->path;
    int r = 0;

    if (sqlite3_open_v2(path, &s->db,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                        NULL) != SQLITE_OK)
        r = fail(s, path, err);
    if (r == 0) {
        (void)sqlite3_busy_timeout(s->db, (int)(s->cfg->busy_timeout / 1000000));
        if (sqlite3_exec(s->db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;", NULL, NULL,
                         NULL) != SQLITE_OK ||
            sqlite3_exec(s->db, schema, NULL, NULL, NULL) != SQLITE_OK ||
            sqlite3_prepare_v2(s->db, insert, -1, &s->insert, NULL) != SQLITE_OK)
            r = fail(s, path, err);
    }
    if (r < 0)
        stop(s);
    return r;
}

/* Somebody may have moved the file away. */
static int reopen(void *self, struct gyr_error *err)
{
    stop(self);
    return start(self, err);
}

static void destroy(void *self)
{
    free(self);
}

static int put_alert(sqlite3_stmt *st, const struct gyr_alert *a)
{
    int r;

    (void)sqlite3_reset(st);
    r = sqlite3_bind_text(st, 1, a->uuid, -1, SQLITE_STATIC);
    r = r ? r : sqlite3_bind_int64(st, 2, (int64_t)a->ts_ns);
    r = r ? r : sqlite3_bind_int(st, 3, (int)a->priority);
    r = r ? r : sqlite3_bind_text(st, 4, a->rule, -1, SQLITE_STATIC);
    r = r ? r : sqlite3_bind_text(st, 5, a->source, -1, SQLITE_STATIC);
    r = r ? r : sqlite3_bind_text(st, 6, a->hostname, -1, SQLITE_STATIC);
    r = r ? r : sqlite3_bind_text(st, 7, a->text, (int)a->text_len, SQLITE_STATIC);
    r = r ? r : sqlite3_bind_text(st, 8, a->json, (int)a->json_len, SQLITE_STATIC);
    if (r == SQLITE_OK)
        r = sqlite3_step(st);
    (void)sqlite3_reset(st);
    return r == SQLITE_DONE ? SQLITE_OK : r;
}

static int give_up(struct instance *s, struct gyr_error *err)
{
    int r = fail(s, s->cfg->path, err);

    (void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    return r;
}

/* None has been accepted before COMMIT says so: a failure leaves all to be offered again. Only one
 * that can never be stored is refused for good. */
static int write_alerts(void *self, const struct gyr_alert *const *alerts, uint32_t n,
                        struct gyr_verdict *v, struct gyr_error *err)
{
    struct instance *s = self;

    if (!s->db) /* reopen() failed: perhaps it can be opened now */
        return start(s, err) < 0 ? -EIO : write_alerts(self, alerts, n, v, err);
    if (sqlite3_exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
        return fail(s, s->cfg->path, err);
    for (uint32_t i = 0; i < n; i++) {
        int r = put_alert(s->insert, alerts[i]);

        if (r == SQLITE_TOOBIG)
            v[i].verdict = GYR_V_FAILED;
        else if (r != SQLITE_OK)
            return give_up(s, err);
    }
    if (sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
        return give_up(s, err);
    for (uint32_t i = 0; i < n; i++)
        if (v[i].verdict != GYR_V_FAILED)
            v[i].verdict = GYR_V_ACCEPTED;
    return 0;
}

static const struct gyr_output_ops output = {
    .size = sizeof(output),
    .write = write_alerts,
    .reopen = reopen,
};

static const struct gyr_plugin plugin = {
    GYR_PLUGIN_HEAD,
    .name = "sqlite",
    .version = "1.0.0",
    .license = "Apache-2.0",
    .summary = "alerts in a table of an SQLite database",
    .output = &output,
    GYR_PLUGIN_OPTIONS(options),
    .config_size = sizeof(struct config),
    .create = create,
    .start = start,
    .stop = stop,
    .destroy = destroy,
};

GYR_EXPORT_PLUGIN(plugin)
