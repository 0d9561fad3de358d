/* SPDX-License-Identifier: Apache-2.0 */
/* A source built out of tree: makes up events of a schema of its own, the same ones every time.
 * With FAKE_LIVE it calls itself live; with FAKE_PRIV it wants capabilities besides. One that the
 * environment's FAKE_REFUSES names does not start. */
#include <gyr/plugin.h>
#include <gyr/util.h>

#if defined(NAME) /* as a test wants it */
#elif defined(FAKE_PRIV)
#define NAME "fake_priv"
#elif defined(FAKE_LIVE)
#define NAME "fake_live"
#else
#define NAME "fake_source"
#endif

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { T_OPEN = 1, T_CALL = 2, T_TICK = 3, T_THING = 4 };
enum { BATCH_MAX = 64, RECORD_MAX = 256 };
#define FIRST_NS UINT64_C(1700000000000000000)
#define STEP_NS  UINT64_C(1000000)

/* ---- the schema ---- */

static const struct gyr_name flag_names[] = {{1, "READ"}, {2, "WRITE"}, {0, NULL}};
static const struct gyr_param_def open_params[] = {
    {"path", GYR_P_STR, GYR_F_DEC, 0, 0, NULL},
    {"flags", GYR_P_U32, GYR_F_HEX, 0, GYR_PF_FLAGS, flag_names},
    {"size", GYR_P_I64, GYR_F_DEC, 0, 0, NULL},
};
static const struct gyr_param_def call_params[] = {{"id", GYR_P_U32, GYR_F_DEC, 0, 0, NULL}};
static const struct gyr_param_def tick_params[] = {
    {"at", GYR_P_TIME, GYR_F_ISO8601, 0, 0, NULL},  {"took", GYR_P_DURATION, GYR_F_RAW, 0, 0, NULL},
    {"addr", GYR_P_IP, GYR_F_DEC, 0, 0, NULL},      {"fine", GYR_P_BOOL, GYR_F_DEC, 0, 0, NULL},
    {"ratio", GYR_P_DOUBLE, GYR_F_DEC, 0, 0, NULL},
};
static const struct gyr_param_def thing_params[] = {{"name", GYR_P_STR, GYR_F_DEC, 0, 0, NULL}};

static const struct gyr_event_type types[] = {
    {T_OPEN, 3, GYR_ETF_STATE, "open", "file", open_params, 0},
    {T_CALL, 1, GYR_ETF_GENERIC, "call", "other", call_params, 0},
    {T_TICK, 5, 0, "tick", "time", tick_params, 0},
    {T_THING, 1, GYR_ETF_SNAPSHOT | GYR_ETF_STATE, "thing", "state", thing_params, 0},
};
static const struct gyr_subtype calls[] = {{1, "ping"}, {2, "pong"}, {0, NULL}};
static const struct gyr_field fields[] = {
    {"fake.late", "A text that takes its time.", GYR_T_STR, 0, 0, 0, "fake_enricher"},
    {"fake.now", "How many events were seen.", GYR_T_U64, 0, 0, 0, "fake_enricher"},
    {"fake.opens", "How many of them were opens.", GYR_T_U64, 0, 0, 0, "fake_enricher"},
    {"fake.echo", "Its own argument.", GYR_T_STR, GYR_FF_KEY | GYR_FF_ARG_REQ, 0, 0,
     "fake_enricher"},
    {"fake.unseen", "Nobody computes it.", GYR_T_STR, 0, 0, 0, "fake_unseen"},
};
static const struct gyr_schema schema = {
    sizeof(struct gyr_schema),
    1,
    "fake",
    types,
    calls,
    fields,
    sizeof(types) / sizeof(types[0]),
    sizeof(types[0]),
    sizeof(fields) / sizeof(fields[0]),
    sizeof(fields[0]),
};

/* ---- the instance ---- */

struct config {
    int64_t count, rate, fail_after, batch, lose, hang_at, hang;
    unsigned char now;
};

struct fake {
    const struct gyr_host *host;
    const struct config *cfg;
    int64_t next;  /* which event comes next; negative: still opening the stream */
    int64_t again; /* negative: a snapshot that was asked for */
    int lost, woken, hung;
    pthread_mutex_t lock;
    pthread_cond_t cond;
    uint64_t room[BATCH_MAX][RECORD_MAX / 8];
};

/* A record being written: header, offsets, parameters. */
struct record {
    struct gyr_event *ev;
    uint32_t off[8];
    uint32_t n;
};

static void begin(struct record *r, uint64_t *room, uint16_t type, uint16_t nparams)
{
    memset(room, 0, RECORD_MAX);
    r->ev = (struct gyr_event *)(void *)room;
    r->ev->hdr_len = (uint16_t)sizeof(struct gyr_event);
    r->ev->type = type;
    r->ev->tid = 42;
    r->ev->cpu = GYR_CPU_NONE;
    r->ev->nparams = nparams;
    r->off[0] = (uint32_t)(sizeof(struct gyr_event) + (nparams + 1u) * sizeof(uint32_t));
    r->n = 0;
}

static void add(struct record *r, const void *p, uint32_t len)
{
    memcpy((uint8_t *)r->ev + r->off[r->n], p, len);
    r->off[r->n + 1] = r->off[r->n] + len;
    r->n++;
}

static const struct gyr_event *finish(struct record *r)
{
    memcpy((uint8_t *)r->ev + r->ev->hdr_len, r->off, (r->n + 1) * sizeof(uint32_t));
    r->ev->len = (r->off[r->n] + 7) & ~7u;
    return r->ev;
}

static const struct gyr_event *make_open(uint64_t *room, int64_t i)
{
    struct record r;
    char path[32];
    uint32_t flags = (uint32_t)(i / 3 % 4);
    int64_t size = -i;
    int n = snprintf(path, sizeof(path), "/file/%d", (int)i);

    begin(&r, room, T_OPEN, 3);
    add(&r, path, (uint32_t)n + 1);
    add(&r, &flags, sizeof(flags));
    add(&r, &size, sizeof(size));
    return finish(&r);
}

static const struct gyr_event *make_call(uint64_t *room, int64_t i)
{
    struct record r;
    uint32_t id = (uint32_t)(i / 3 % 2 + 1);

    begin(&r, room, T_CALL, 1);
    r.ev->subtype = id;
    add(&r, &id, sizeof(id));
    return finish(&r);
}

static const struct gyr_event *make_tick(uint64_t *room, int64_t i)
{
    static const uint8_t addr[4] = {10, 0, 0, 7};
    struct record r;
    uint64_t at = FIRST_NS, took = (uint64_t)i * 1000;
    uint8_t fine = i % 2 == 0;
    double ratio = (double)i / 4;

    begin(&r, room, T_TICK, 5);
    add(&r, &at, sizeof(at));
    add(&r, &took, sizeof(took));
    add(&r, addr, sizeof(addr));
    add(&r, &fine, sizeof(fine));
    add(&r, &ratio, sizeof(ratio));
    return finish(&r);
}

static const struct gyr_event *make_loss(uint64_t *room, int64_t count)
{
    struct record r;
    uint32_t class = 1;
    uint16_t cpu = 0;
    uint64_t n = (uint64_t)count;

    begin(&r, room, GYR_EV_LOSS, 3);
    r.ev->flags = GYR_EVF_INTERNAL;
    add(&r, &class, sizeof(class));
    add(&r, &cpu, sizeof(cpu));
    add(&r, &n, sizeof(n));
    return finish(&r);
}

/* Begin of the snapshot, one thing that exists, end of the snapshot. */
static const struct gyr_event *make_snapshot(uint64_t *room, int64_t i)
{
    struct record r;

    begin(&r, room,
          i == -3   ? (uint16_t)GYR_EV_SNAPSHOT_BEGIN
          : i == -2 ? (uint16_t)T_THING
                    : (uint16_t)GYR_EV_SNAPSHOT_END,
          i == -2);
    r.ev->flags = GYR_EVF_SNAPSHOT;
    if (i == -2)
        add(&r, "chair", 6);
    return finish(&r);
}

#ifdef FAKE_LIVE
static int snapshot(void *self)
{
    struct fake *f = self;

    f->again = -3;
    return 0;
}
#endif

static const struct gyr_event *make(uint64_t *room, int64_t i, int now)
{
    struct gyr_event *ev;
    struct timespec ts;

    if (i < 0)
        return make_snapshot(room, i);
    ev = (struct gyr_event *)(void *)room;
    (void)(i % 3 == 0 ? make_open(room, i) : i % 3 == 1 ? make_call(room, i) : make_tick(room, i));
    ev->ts_ns = FIRST_NS + (uint64_t)i * STEP_NS;
    if (now) {
        clock_gettime(CLOCK_REALTIME, &ts);
        ev->ts_ns = (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
    }
    return ev;
}

static int create(const struct gyr_host *host, const void *cfg, void **ret_self,
                  struct gyr_error *err)
{
    struct fake *f = calloc(1, sizeof(*f));
    pthread_condattr_t attr;

    if (!f)
        return gyr_fail(err, -ENOMEM, "out of memory");
    f->host = host;
    f->cfg = cfg;
    pthread_mutex_init(&f->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&f->cond, &attr);
    pthread_condattr_destroy(&attr);
    *ret_self = f;
    return 0;
}

static int start(void *self, struct gyr_error *err)
{
    const char *refuses = getenv("FAKE_REFUSES");
    struct fake *f = self;

    if (refuses && strstr(refuses, NAME))
        return gyr_fail(err, -ENOSYS, "this kernel cannot fake");
    gyr_logf(f->host, GYR_LOG_INFO, "the host's root is '%s'", f->host->host_root);
    gyr_logf(f->host, GYR_LOG_DEBUG, "all of it");
    f->next = -3;
    f->lost = f->woken = 0;
    f->again = 0;
    return 0;
}

static void stop(void *self)
{
    (void)self;
}

static void destroy(void *self)
{
    struct fake *f = self;

    if (!f)
        return;
    pthread_cond_destroy(&f->cond);
    pthread_mutex_destroy(&f->lock);
    free(f);
}

static void wake(void *self)
{
    struct fake *f = self;

    pthread_mutex_lock(&f->lock);
    f->woken = 1;
    pthread_cond_signal(&f->cond);
    pthread_mutex_unlock(&f->lock);
}

/* Wait, unless woken before. */
static void pause_ns(struct fake *f, uint64_t ns)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    ns += (uint64_t)ts.tv_nsec;
    ts.tv_sec += (time_t)(ns / 1000000000);
    ts.tv_nsec = (long)(ns % 1000000000);
    pthread_mutex_lock(&f->lock);
    while (!f->woken && pthread_cond_timedwait(&f->cond, &f->lock, &ts) == 0)
        ;
    f->woken = 0;
    pthread_mutex_unlock(&f->lock);
}

/* Deaf to wake(), once. */
static void hang(struct fake *f)
{
    struct timespec ts = {.tv_sec = (time_t)f->cfg->hang};

    if (f->hung || !f->cfg->hang || f->next < f->cfg->hang_at)
        return;
    f->hung = 1;
    nanosleep(&ts, NULL);
}

static int next_batch(void *self, struct gyr_batch *b, struct gyr_error *err)
{
    struct fake *f = self;
    const struct config *cfg = f->cfg;
    uint32_t max = cfg->rate ? 1 : (uint32_t)cfg->batch;

    b->n = 0;
    hang(f);
    if (cfg->fail_after && f->next >= cfg->fail_after)
        return gyr_fail(err, -EIO, "failed after %d events, as it was told to", (int)f->next);
    if (f->next >= cfg->count && f->lost >= (cfg->lose > 0))
        return GYR_E_EOF;
    if (cfg->rate && f->next > 0)
        pause_ns(f, UINT64_C(1000000000) / (uint64_t)cfg->rate);
    while (b->n < b->cap && b->n < max && f->next < cfg->count &&
           !(cfg->fail_after && f->next >= cfg->fail_after)) {
        b->ev[b->n] = make(f->room[b->n], f->again < 0 ? f->again++ : f->next++, cfg->now);
        b->n++;
    }
    if (f->next >= cfg->count && cfg->lose && !f->lost && b->n < b->cap && b->n < BATCH_MAX) {
        b->ev[b->n] = make_loss(f->room[b->n], cfg->lose);
        b->n++;
        f->lost = 1;
    }
    return 0;
}

static const struct gyr_option options[] = {
    {GYR_OPT(struct config, count, GYR_O_INT, "count", "10", "Events to make."), .min = 0,
     .max = 1000000000},
    {GYR_OPT(struct config, rate, GYR_O_INT, "rate", "0", "Events in a second; 0: no limit."),
     .min = 0, .max = 100000},
    {GYR_OPT(struct config, fail_after, GYR_O_INT, "fail_after", "0",
             "Fail when so many events were made; 0: never."),
     .min = 0, .max = 1000000000},
    {GYR_OPT(struct config, batch, GYR_O_INT, "batch", "32", "Events in a batch, at most."),
     .min = 1, .max = BATCH_MAX},
    {GYR_OPT(struct config, lose, GYR_O_INT, "lose", "0",
             "Tell of so many lost events at the end."),
     .min = 0, .max = 1000000000},
    {GYR_OPT(struct config, hang, GYR_O_INT, "hang", "0", "Hang once, for so many seconds."),
     .min = 0, .max = 3600},
    {GYR_OPT(struct config, hang_at, GYR_O_INT, "hang_at", "0",
             "Before this event; -2: in the middle of the snapshot."),
     .min = -3, .max = 1000000000},
    {GYR_OPT(struct config, now, GYR_O_BOOL, "now", "no",
             "Events happen when they are made, not at the same times in each run.")},
};

static const struct gyr_source_ops source = {
    .size = sizeof(source),
#ifdef FAKE_LIVE
    .flags = GYR_SRC_LIVE,
#endif
    .schema = &schema,
    .next_batch = next_batch,
    .wake = wake,
#ifdef FAKE_LIVE
    .snapshot = snapshot,
#endif
};

static const struct gyr_plugin plugin = {
    GYR_PLUGIN_HEAD,
    .name = NAME,
    .version = "1.0",
    .license = "Apache-2.0",
    .summary = "makes up events",
    .source = &source,
    .options = options,
    .n_options = sizeof(options) / sizeof(options[0]),
    .config_size = sizeof(struct config),
    .create = create,
    .start = start,
    .stop = stop,
    .destroy = destroy,
#ifdef FAKE_PRIV
    .capabilities = "CAP_SYS_PTRACE CAP_DAC_READ_SEARCH?",
#endif
};

GYR_EXPORT_PLUGIN(plugin)
