// SPDX-License-Identifier: Apache-2.0
// The output "sqlite_cxx": the example "sqlite" again, in C++20. Destructors close what was opened;
// no exception leaves a call.
#include <gyr/plugin.h>
#include <gyr/util.h>

#include <cerrno>
#include <iterator>
#include <memory>
#include <new>
#include <sqlite3.h>

struct config {
    const char *path;
    uint64_t busy_timeout;
};

static const gyr_option options[] = {
    {GYR_OPT_ALL(config, path, GYR_O_STR, "path", nullptr, "Database file; it is made if need be.",
                 nullptr, GYR_OF_REQUIRED, 0, 0)},
    {GYR_OPT_ALL(config, busy_timeout, GYR_O_DURATION, "busy_timeout", "2s",
                 "How long to wait for another who writes, before trying again later.", nullptr, 0,
                 0, INT64_C(60000000000))},
};

namespace
{
const char schema[] = "CREATE TABLE IF NOT EXISTS alerts("
                      " uuid TEXT PRIMARY KEY, time INTEGER NOT NULL,"
                      " priority INTEGER NOT NULL, rule TEXT NOT NULL,"
                      " source TEXT NOT NULL, hostname TEXT, output TEXT NOT NULL,"
                      " json TEXT NOT NULL) WITHOUT ROWID;"
                      "CREATE INDEX IF NOT EXISTS alerts_time ON alerts(time);";
const char insert_sql[] = "INSERT OR IGNORE INTO alerts VALUES(?,?,?,?,?,?,?,?)";

struct closer {
    void operator()(sqlite3 *db) const
    {
        (void)sqlite3_close(db);
    }
    void operator()(sqlite3_stmt *st) const
    {
        (void)sqlite3_finalize(st);
    }
};

// A transaction that is rolled back unless it was committed.
class transaction
{
  public:
    explicit transaction(sqlite3 *db) : db_(db), open_(run("BEGIN IMMEDIATE"))
    {
    }
    ~transaction()
    {
        if (open_)
            (void)run("ROLLBACK");
    }
    transaction(const transaction &) = delete;
    transaction &operator=(const transaction &) = delete;

    bool is_open() const
    {
        return open_;
    }
    bool commit()
    {
        bool done = run("COMMIT");

        open_ = open_ && !done;
        return done;
    }

  private:
    bool run(const char *sql)
    {
        return sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) == SQLITE_OK;
    }

    sqlite3 *db_;
    bool open_;
};

class instance
{
  public:
    explicit instance(const config *cfg) : cfg_(cfg)
    {
    }

    int open(gyr_error *err)
    {
        sqlite3 *db = nullptr;
        int r = sqlite3_open_v2(cfg_->path, &db,
                                SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                                nullptr);

        db_.reset(db);
        if (r != SQLITE_OK || !prepare())
            return shut(fail(err));
        return 0;
    }

    void close()
    {
        insert_.reset(); // before the database that it belongs to
        db_.reset();
    }

    // None has been accepted before the commit: a failure leaves all to be offered again. Only one
    // that can never be stored is refused for good.
    int write(const gyr_alert *const *alerts, uint32_t n, gyr_verdict *v, gyr_error *err)
    {
        if (!db_ && open(err) < 0) // reopen() failed: it still does
            return -EIO;

        transaction t(db_.get());

        if (!t.is_open())
            return fail(err);
        for (uint32_t i = 0; i < n; i++) {
            int r = put(*alerts[i]);

            if (r == SQLITE_TOOBIG)
                v[i].verdict = GYR_V_FAILED;
            else if (r != SQLITE_OK)
                return fail(err);
        }
        if (!t.commit())
            return fail(err);
        for (uint32_t i = 0; i < n; i++)
            if (v[i].verdict != GYR_V_FAILED)
                v[i].verdict = GYR_V_ACCEPTED;
        return 0;
    }

  private:
    bool prepare()
    {
        sqlite3_stmt *st = nullptr;
        sqlite3 *db = db_.get();

        (void)sqlite3_busy_timeout(db, static_cast<int>(cfg_->busy_timeout / 1000000));
        bool ok = sqlite3_exec(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;", nullptr,
                               nullptr, nullptr) == SQLITE_OK &&
                  sqlite3_exec(db, schema, nullptr, nullptr, nullptr) == SQLITE_OK &&
                  sqlite3_prepare_v2(db, insert_sql, -1, &st, nullptr) == SQLITE_OK;

        insert_.reset(st);
        return ok;
    }

    int put(const gyr_alert &a)
    {
        sqlite3_stmt *st = insert_.get();
        int r = sqlite3_bind_text(st, 1, a.uuid, -1, SQLITE_STATIC);

        r = r ? r : sqlite3_bind_int64(st, 2, static_cast<int64_t>(a.ts_ns));
        r = r ? r : sqlite3_bind_int(st, 3, static_cast<int>(a.priority));
        r = r ? r : sqlite3_bind_text(st, 4, a.rule, -1, SQLITE_STATIC);
        r = r ? r : sqlite3_bind_text(st, 5, a.source, -1, SQLITE_STATIC);
        r = r ? r : sqlite3_bind_text(st, 6, a.hostname, -1, SQLITE_STATIC);
        r = r ? r : sqlite3_bind_text(st, 7, a.text, static_cast<int>(a.text_len), SQLITE_STATIC);
        r = r ? r : sqlite3_bind_text(st, 8, a.json, static_cast<int>(a.json_len), SQLITE_STATIC);
        if (r == SQLITE_OK)
            r = sqlite3_step(st);
        (void)sqlite3_reset(st);
        return r == SQLITE_DONE ? SQLITE_OK : r;
    }

    int fail(gyr_error *err) const
    {
        return gyr_fail(err, -EIO, "%s: %s", cfg_->path,
                        db_ ? sqlite3_errmsg(db_.get()) : "out of memory");
    }

    int shut(int r)
    {
        close();
        return r;
    }

    const config *cfg_;
    std::unique_ptr<sqlite3, closer> db_;
    std::unique_ptr<sqlite3_stmt, closer> insert_;
};
} // namespace

static int create(const gyr_host *, const void *cfg, void **ret_self, gyr_error *err)
{
    auto *s = new (std::nothrow) instance(static_cast<const config *>(cfg));

    if (!s)
        return gyr_fail(err, -ENOMEM, "out of memory");
    *ret_self = s;
    return 0;
}

static int start(void *self, gyr_error *err)
{
    return static_cast<instance *>(self)->open(err);
}

static void stop(void *self)
{
    static_cast<instance *>(self)->close();
}

// Somebody may have moved the file away.
static int reopen(void *self, gyr_error *err)
{
    stop(self);
    return start(self, err);
}

static void destroy(void *self)
{
    delete static_cast<instance *>(self);
}

static int write_alerts(void *self, const gyr_alert *const *alerts, uint32_t n, gyr_verdict *v,
                        gyr_error *err)
{
    return static_cast<instance *>(self)->write(alerts, n, v, err);
}

static const gyr_output_ops output = {
    .size = sizeof(output),
    .flags = 0,
    .write = write_alerts,
    .flush = nullptr,
    .reopen = reopen,
    .wake = nullptr,
};

static const gyr_plugin plugin = {
    GYR_PLUGIN_HEAD,
    .name = "sqlite_cxx",
    .version = "1.0.0",
    .license = "Apache-2.0",
    .summary = "alerts in a table of an SQLite database (the example in C++)",
    .source = nullptr,
    .enricher = nullptr,
    .output = &output,
    GYR_PLUGIN_OPTIONS(options),
    .config_size = sizeof(config),
    .flags = 0,
    .create = create,
    .start = start,
    .stop = stop,
    .destroy = destroy,
    .capabilities = nullptr,
};

GYR_EXPORT_PLUGIN(plugin)
