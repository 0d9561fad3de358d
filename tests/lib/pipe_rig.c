/* SPDX-License-Identifier: Apache-2.0 */
#include "pipe_rig.h"

#include "event_build.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct pipe_rig *rig; /* of the plugins, which know no other way */

static void lock(void)
{
    (void)pthread_mutex_lock(&rig->lock);
}

static void unlock(void)
{
    (void)pthread_mutex_unlock(&rig->lock);
}

static void wait_ms(uint32_t ms)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_REALTIME, &ts);
    ts.tv_nsec += (long)(ms % 1000) * 1000000;
    ts.tv_sec += ms / 1000 + ts.tv_nsec / 1000000000;
    ts.tv_nsec %= 1000000000;
    (void)pthread_cond_timedwait(&rig->cond, &rig->lock, &ts);
}

static int make_self(const struct gyr_host *host, const void *cfg, void **ret_self,
                     struct gyr_error *err)
{
    (void)cfg;
    (void)err;
    if (host->capability == GYR_CAP_ENRICHER)
        rig->host = host;
    *ret_self = (void *)(uintptr_t)host;
    return 0;
}

static void destroy_self(void *self)
{
    (void)self;
}

/* ---- the source ---- */

static const struct gyr_param_def params[] = {{"n", GYR_P_U64, GYR_F_DEC, 0, 0, NULL}};
static const struct gyr_event_type types[] = {
    {PT_TICK, 1, 0, "tick", "c", params, 0},
    {PT_THING, 1, GYR_ETF_SNAPSHOT | GYR_ETF_STATE, "thing", "c", params, 0},
    {PT_CALL, 1, GYR_ETF_GENERIC, "call", "c", params, 0},
    {PT_NOTE, 1, 0, "note", "c", params, 0},
    {PT_KEEP, 1, GYR_ETF_STATE, "keep", "c", params, 0},
};
static const struct gyr_subtype subtypes[] = {{1, "ping"}, {2, "pong"}, {0, NULL}};
static const struct gyr_schema schema = {.size = sizeof(schema),
                                         .version = 1,
                                         .name = "pipe",
                                         .types = types,
                                         .subtypes = subtypes,
                                         .n_types = 5,
                                         .type_stride = sizeof(types[0])};

static int source_start(void *self, struct gyr_error *err)
{
    (void)self;
    (void)err;
    rig->starts++;
    return 0;
}

static void source_stop(void *self)
{
    (void)self;
    rig->stops++;
}

static int source_next(void *self, struct gyr_batch *b, struct gyr_error *err)
{
    int r = 0;

    (void)self;
    lock();
    b->n = 0;
    if (rig->at >= rig->hold_at && rig->at < rig->n_events && !rig->woken)
        wait_ms(b->timeout_ms);
    rig->woken = false;
    while (rig->at < rig->n_events && rig->at < rig->hold_at && b->n < rig->per_batch &&
           b->n < b->cap && !(rig->fails_left && rig->at == rig->fail_at))
        b->ev[b->n++] = rig->events[rig->at++];
    if (b->n == 0 && rig->fails_left && rig->at == rig->fail_at) {
        rig->fails_left--;
        r = gyr_fail(err, -EIO, "told to fail");
    } else if (b->n == 0 && rig->at == rig->n_events) {
        r = rig->end == GYR_E_EOF ? GYR_E_EOF : gyr_fail(err, rig->end, "told to fail at the end");
    }
    unlock();
    return r;
}

static void source_wakes(void *self)
{
    (void)self;
    lock();
    rig->woken_idle += rig->starts == rig->stops;
    rig->woken = true;
    (void)pthread_cond_broadcast(&rig->cond);
    unlock();
}

static int source_snapshot(void *self)
{
    (void)self;
    lock();
    rig->snapshots_made++;
    unlock();
    return 0;
}

static int source_snapshot_thread(void *self, int64_t tid)
{
    (void)self;
    lock();
    rig->thread_asked = tid;
    unlock();
    return 0;
}

static int source_wants(void *self, const struct gyr_want *w, struct gyr_error *err)
{
    (void)self;
    (void)err;
    lock();
    memcpy(rig->want, w->types, sizeof(rig->want));
    rig->want_sub = w->n_subtype_words ? w->subtypes[0] : 0;
    rig->wants++;
    if (rig->stick_at_want) {
        rig->stick_at_want = false;
        rig->stuck = true;
        rig->hold_at = UINT32_MAX;
    }
    unlock();
    return 0;
}

/* ---- the enricher ---- */

static const char *const all_events[] = {"tick", "*", NULL};
static const struct gyr_field fields[] = {
    {.name = "fake.v", .help = "A value.", .type = GYR_T_STR},
    {.name = "fake.arg",
     .help = "Its argument.",
     .type = GYR_T_STR,
     .flags = GYR_FF_KEY | GYR_FF_ARG_REQ},
};

static void note(char c)
{
    size_t n = strlen(rig->order);

    if (n + 1 < sizeof(rig->order))
        rig->order[n] = c;
}

static void emit_note(const struct gyr_event *because)
{
    struct event_build b;
    struct gyr_event *ev;

    event_build_begin(&b, PT_NOTE);
    event_build_int(&b, because->ts_ns ? 1 : 0, 8);
    ev = event_build_end(&b);
    if (rig->host->emit(rig->host->ctx, ev) == -EAGAIN)
        rig->emit_refused++;
}

static int enricher_event(void *self, uint32_t which, const struct gyr_event *ev)
{
    bool tick = which == 0;

    (void)self;
    lock();
    note(tick ? 't' : 'o');
    rig->told[rig->n_told++ % PIPE_EVENTS] = (struct pipe_told){ev->type, ev->flags, rig->n_seen};
    unlock();
    if (tick && rig->nap_us)
        (void)usleep(rig->nap_us);
    if (tick && rig->asks_snapshot)
        rig->snapshot_answer = rig->host->snapshot(rig->host->ctx);
    if (tick && rig->asks_thread)
        rig->snapshot_answer = rig->host->snapshot_thread(rig->host->ctx, rig->asks_thread);
    if (tick && rig->emits)
        emit_note(ev);
    for (; tick && rig->emit_flood; rig->emit_flood--)
        emit_note(ev);
    if (rig->on_event_answer)
        return rig->on_event_answer;
    return tick ? GYR_AFTER : 0;
}

static void enricher_after(void *self, const struct gyr_event *ev)
{
    (void)self;
    (void)ev;
    lock();
    note('a');
    unlock();
}

static int enricher_bind(void *self, uint32_t field, const char *arg, uint32_t *ret_handle,
                         uint32_t *ret_type, struct gyr_error *err)
{
    (void)self;
    (void)ret_type;
    if (arg && rig->refuse_arg && strcmp(arg, "bad") == 0)
        return gyr_fail(err, -EINVAL, "'bad' is no good");
    *ret_handle = field;
    return 0;
}

static void enricher_unbind(void *self, uint32_t handle)
{
    (void)self;
    (void)handle;
}

static int enricher_get(void *self, const struct gyr_event *ev, uint32_t handle,
                        struct gyr_value *ret)
{
    uint64_t n = 0;
    int r = GYR_PRESENT;

    (void)self;
    (void)gyr_param_u64(ev, 0, &n);
    *ret = gyr_str("v", 1);
    lock();
    if (handle == 0 && rig->pending && n > rig->ready) {
        ret->u.u64 = n;
        rig->open++;
        r = GYR_PENDING;
    }
    unlock();
    return r;
}

static int enricher_redeem(void *self, uint32_t handle, uint64_t ticket, struct gyr_value *ret)
{
    int r;

    (void)self;
    (void)handle;
    lock();
    r = ticket <= rig->ready ? GYR_PRESENT : GYR_PENDING;
    unlock();
    *ret = gyr_str("v", 1);
    if (r == GYR_PENDING)
        ret->u.u64 = ticket;
    return r;
}

static void enricher_release(void *self, uint32_t handle, uint64_t ticket)
{
    (void)self;
    (void)handle;
    (void)ticket;
    lock();
    rig->open--;
    unlock();
}

/* ---- the output ---- */

static int output_write(void *self, const struct gyr_alert *const *alerts, uint32_t n,
                        struct gyr_verdict *v, struct gyr_error *err)
{
    const struct gyr_host *host = self;

    (void)err;
    lock();
    while (rig->stuck)
        wait_ms(100);
    if (rig->down && strcmp(rig->down, host->instance) == 0)
        n = 0;
    for (uint32_t i = 0; i < n; i++) {
        const struct gyr_alert *a = alerts[i];
        struct pipe_seen *s = &rig->seen[rig->n_seen];

        v[i].verdict = GYR_V_ACCEPTED;
        if (rig->n_seen == PIPE_SEEN)
            continue;
        *s = (struct pipe_seen){.num = a->num, .ts_ns = a->ts_ns, .metadata = a->metadata};
        (void)snprintf(s->rule, sizeof(s->rule), "%s", a->rule);
        (void)snprintf(s->text, sizeof(s->text), "%s", a->text);
        (void)snprintf(s->json, sizeof(s->json), "%s", a->json);
        (void)snprintf(s->output, sizeof(s->output), "%s", host->instance);
        (void)snprintf(s->uuid, sizeof(s->uuid), "%s", a->uuid);
        s->priority = a->priority;
        rig->n_seen++;
    }
    (void)pthread_cond_broadcast(&rig->cond);
    unlock();
    return 0;
}

/* ---- the three as plugins ---- */

static struct gyr_source_ops source_ops = {.size = sizeof(source_ops),
                                           .schema = &schema,
                                           .next_batch = source_next,
                                           .wake = source_wakes,
                                           .want = source_wants};
static const struct gyr_enricher_ops enricher_ops = {.size = sizeof(enricher_ops),
                                                     .schema = "pipe",
                                                     .events = all_events,
                                                     .fields = fields,
                                                     .n_fields = 2,
                                                     .field_stride = sizeof(fields[0]),
                                                     .on_event = enricher_event,
                                                     .after_event = enricher_after,
                                                     .bind = enricher_bind,
                                                     .unbind = enricher_unbind,
                                                     .get = enricher_get,
                                                     .redeem = enricher_redeem,
                                                     .release = enricher_release};
static const struct gyr_output_ops output_ops = {.size = sizeof(output_ops), .write = output_write};

#define COMMON                                                                                     \
    GYR_PLUGIN_HEAD, .version = "1", .license = "x", .summary = "of a test", .create = make_self,  \
                     .destroy = destroy_self
static const struct gyr_plugin source_desc = {COMMON, .name = "src", .source = &source_ops,
                                              .start = source_start, .stop = source_stop};
static const struct gyr_plugin enricher_desc = {COMMON, .name = "enr", .enricher = &enricher_ops};
static const struct gyr_plugin output_desc = {COMMON, .name = "out", .output = &output_ops};

static int find(struct plugins *ps, const char *name, struct plugin **ret, struct gyr_error *err)
{
    struct plugin *list[] = {&rig->source_plugin, &rig->enricher_plugin, &rig->output_plugin};

    (void)ps;
    for (int i = 0; i < 3; i++)
        if (strcmp(list[i]->desc.name, name) == 0) {
            *ret = list[i];
            return 0;
        }
    return gyr_fail(err, -ENOENT, "no plugin '%s'", name);
}

/* ---- the rig ---- */

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    (void)fprintf(stderr, "pipe_rig: %s\n", what);
    if (rig)
        diags_print(&rig->diags, stderr, false);
    abort();
}

void pipe_init(struct pipe_rig *r)
{
    static struct plugin_conf source = {.plugin = "src", .name = "src"};
    static struct plugin_conf enricher = {.plugin = "enr", .name = "enr"};

    *r = (struct pipe_rig){.per_batch = 16, .hold_at = UINT32_MAX, .end = GYR_E_EOF};
    rig = r;
    (void)pthread_mutex_init(&r->lock, NULL);
    (void)pthread_cond_init(&r->cond, NULL);
    r->arena = arena_new(16 << 20);
    must(r->arena, "no memory");
    diags_init(&r->diags, r->arena);
    r->outputs[0] = (struct plugin_conf){
        .plugin = "out", .name = "one", .min_priority = GYR_PRIO_DEBUG, .queue = 4096};
    r->config = (struct config){.sources = &source,
                                .n_sources = 1,
                                .enrichers = &enricher,
                                .n_enrichers = 1,
                                .outputs = r->outputs,
                                .n_outputs = 1,
                                .min_priority = GYR_PRIO_DEBUG,
                                .host_root = "",
                                .hostname = "box",
                                .park_deadline_ns = 3000000000ull,
                                .park_events = 4096,
                                .park_bytes = 16 << 20};
    (void)snprintf(r->dir, sizeof(r->dir), "/tmp/gyr-pipe-XXXXXX");
    must(mkdtemp(r->dir) != NULL, "no folder");
    (void)snprintf(r->rules, sizeof(r->rules), "%s/rules.yaml", r->dir);
    pipe_rules(r, PIPE_RULE("tick", "evt.type = tick", "n=%evt.arg.n"));
}

void pipe_rules(struct pipe_rig *r, const char *text)
{
    FILE *f = fopen(r->rules, "w");

    must(f && fputs(text, f) >= 0 && fclose(f) == 0, "cannot write the rules");
}

struct gyr_event *pipe_event(struct pipe_rig *r, uint16_t type, uint64_t n)
{
    struct event_build b;
    struct gyr_event *ev, *copy;

    event_build_begin(&b, type);
    if (type == GYR_EV_LOSS) {
        event_build_int(&b, 1, 4);
        event_build_int(&b, 3, 2);
    }
    if (type < GYR_EV_CORE_MIN || type == GYR_EV_LOSS)
        event_build_int(&b, n, 8);
    b.ev.ts_ns = 1000 + n;
    ev = event_build_end(&b);
    copy = arena_alloc(r->arena, ev->len);
    must(copy && r->n_events < PIPE_EVENTS, "too many events");
    memcpy(copy, ev, ev->len);
    r->events[r->n_events++] = copy;
    return copy;
}

void pipe_start(struct pipe_rig *r)
{
    static const char *paths[1];
    struct pipeline_conf pc = {.config = &r->config, .plugins = &r->plugins, .load = find};
    struct gyr_error err = {0};

    paths[0] = r->rules;
    r->config.rule_files = paths;
    r->config.n_rule_files = 1;
    source_ops.snapshot = r->snapshots ? source_snapshot : NULL;
    source_ops.snapshot_thread = r->snapshots ? source_snapshot_thread : NULL;
    r->config.enrichers[0].filter = r->filter;
    source_ops.flags = r->live ? GYR_SRC_LIVE : 0;
    must(plugin_adopt(&source_desc, NULL, &r->source_plugin, &err) == 0, err.msg);
    must(plugin_adopt(&enricher_desc, NULL, &r->enricher_plugin, &err) == 0, err.msg);
    must(plugin_adopt(&output_desc, NULL, &r->output_plugin, &err) == 0, err.msg);
    must(pipeline_new(&pc, &r->diags, &r->p) == 0, "no pipeline");
    must(pipeline_start(r->p, &err) == 0, err.msg);
}

void pipe_release(struct pipe_rig *r, uint32_t at)
{
    lock();
    r->hold_at = at;
    r->woken = true;
    (void)pthread_cond_broadcast(&r->cond);
    unlock();
}

void pipe_stick(struct pipe_rig *r)
{
    lock();
    r->stuck = true;
    unlock();
}

void pipe_stick_at_want(struct pipe_rig *r)
{
    lock();
    r->stick_at_want = true;
    unlock();
}

void pipe_wait_at(struct pipe_rig *r, uint32_t at)
{
    lock();
    while (r->at < at)
        wait_ms(1);
    unlock();
}

void pipe_unstick(struct pipe_rig *r)
{
    lock();
    r->stuck = false;
    (void)pthread_cond_broadcast(&r->cond);
    unlock();
}

bool pipe_wait_seen(struct pipe_rig *r, uint32_t n)
{
    bool there;

    lock();
    for (int i = 0; i < 50 && r->n_seen < n; i++)
        wait_ms(100);
    there = r->n_seen >= n;
    unlock();
    return there;
}

void pipe_answer(struct pipe_rig *r, uint64_t ticket)
{
    uint64_t from;

    lock();
    from = r->ready;
    r->ready = ticket;
    unlock();
    while (from < ticket)
        r->host->resolved(r->host->ctx, ++from);
}

int pipe_end(struct pipe_rig *r)
{
    struct pollfd fd = {.fd = pipeline_fd(r->p), .events = POLLIN};

    for (;;) {
        uint64_t next = pipeline_tick(r->p);

        if (pipeline_is_done(r->p))
            break;
        (void)poll(&fd, 1, next > 1000000000 ? 1000 : (int)(next / 1000000) + 1);
    }
    return pipeline_finish(r->p);
}

void pipe_free(struct pipe_rig *r)
{
    pipeline_free(r->p);
    plugin_release(&r->source_plugin);
    plugin_release(&r->enricher_plugin);
    plugin_release(&r->output_plugin);
    (void)unlink(r->rules);
    (void)rmdir(r->dir);
    arena_free(r->arena);
    must(r->open == 0, "a ticket is still out");
    rig = NULL;
}

int pipe_reload(struct pipe_rig *r, struct config *config, const char *rules)
{
    pipe_rules(r, rules);
    diags_init(&r->diags, r->arena);
    return pipeline_reload(r->p, config ? config : &r->config, &r->diags);
}

bool pipe_told(const struct pipe_rig *r, const char *text)
{
    for (const struct diag *d = r->diags.first; d; d = d->next)
        if (strstr(d->text, text))
            return true;
    return false;
}
