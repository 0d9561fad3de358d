/* SPDX-License-Identifier: Apache-2.0 */
/* From a configuration to a pipeline that could run. */
#include "pipeline/pipeline_priv.h"

#include "base/host_root.h"
#include "base/log.h"
#include "event/event.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* ---- what the host calls of an enricher do ---- */

static void *hook_alloc(void *ctx, size_t size)
{
    struct enricher *e = ctx;

    return scratch_alloc(&e->source->scratch, size);
}

static int hook_emit(void *ctx, const struct gyr_event *ev)
{
    struct enricher *e = ctx;
    struct gyr_error err;
    int r = event_check(ev, UINT32_MAX, e->source->schema, &err);

    if (r < 0)
        return r;
    r = emitq_put(&e->source->emitq, ev);
    if (r == 0)
        source_wake(e->source);
    return r;
}

static void hook_resolved(void *ctx, uint64_t ticket)
{
    struct enricher *e = ctx;

    park_resolved(e->source->park, e->provider, ticket);
}

static int hook_snapshot(void *ctx)
{
    struct enricher *e = ctx;

    if (!e->source->ops->snapshot)
        return -ENOTSUP;
    atomic_store(&e->source->want_snapshot, true);
    source_wake(e->source);
    return 0;
}

static int hook_snapshot_thread(void *ctx, int64_t tid)
{
    const struct source *s = ((struct enricher *)ctx)->source;

    return s->ops->snapshot_thread ? s->ops->snapshot_thread(s->inst->self, tid) : -ENOTSUP;
}

static int hook_field_bind(void *ctx, const char *name, uint32_t *ret_handle)
{
    struct enricher *e = ctx;

    return peers_bind(&e->source->peers, e->provider, name, ret_handle);
}

static int hook_field(void *ctx, const struct gyr_event *ev, uint32_t handle, struct gyr_value *ret)
{
    struct enricher *e = ctx;

    return peers_get(&e->source->peers, ev, handle, ret);
}

/* ---- plugins, schemas, fields ---- */

static const char *const what_of[] = {
    [GYR_CAP_SOURCE] = "source", [GYR_CAP_ENRICHER] = "enricher", [GYR_CAP_OUTPUT] = "output"};

static bool has_capability(const struct plugin *pl, uint32_t cap)
{
    return cap == GYR_CAP_SOURCE     ? pl->desc.source != NULL
           : cap == GYR_CAP_ENRICHER ? pl->desc.enricher != NULL
                                     : pl->desc.output != NULL;
}

int pipeline_load_plugin(struct pipeline *p, const struct plugin_conf *c, uint32_t cap,
                         struct diags *d, struct plugin **ret)
{
    struct gyr_error err = {0};

    if (p->load(p->plugins, c->plugin, ret, &err) < 0) {
        diag_error(d, plugin_conf_loc(c, d), "%s '%s': %s", what_of[cap], c->plugin, err.msg);
        return -EINVAL;
    }
    if (!has_capability(*ret, cap)) {
        diag_error(d, plugin_conf_loc(c, d), "plugin '%s' is no %s", c->plugin, what_of[cap]);
        return -EINVAL;
    }
    return 0;
}

/* Goes on after an error, so that all are told. */
static int load_plugins(struct pipeline *p, struct diags *d)
{
    const struct config *c = p->config;
    int bad = 0;

    p->source_plugins = calloc(c->n_sources + 1, sizeof(*p->source_plugins));
    p->enricher_plugins = calloc(c->n_enrichers + 1, sizeof(*p->enricher_plugins));
    p->sinks = calloc(c->n_outputs + 1, sizeof(*p->sinks));
    p->sources = calloc(c->n_sources + 1, sizeof(*p->sources));
    if (!p->source_plugins || !p->enricher_plugins || !p->sinks || !p->sources)
        return -ENOMEM;
    for (uint32_t i = 0; i < c->n_sources; i++)
        bad |= pipeline_load_plugin(p, &c->sources[i], GYR_CAP_SOURCE, d, &p->source_plugins[i]);
    for (uint32_t i = 0; i < c->n_enrichers; i++)
        bad |=
            pipeline_load_plugin(p, &c->enrichers[i], GYR_CAP_ENRICHER, d, &p->enricher_plugins[i]);
    for (uint32_t i = 0; i < c->n_outputs; i++)
        bad |= pipeline_load_plugin(p, &c->outputs[i], GYR_CAP_OUTPUT, d, &p->sinks[i].plugin);
    return bad ? -EINVAL : 0;
}

static bool serves(const struct plugin *enricher, const struct schema *s)
{
    return !enricher->enricher.schema || strcmp(enricher->enricher.schema, s->name) == 0;
}

static int load_schemas(struct pipeline *p, struct diags *d)
{
    const struct config *c = p->config;
    struct gyr_error err = {0};
    int bad = 0;

    for (uint32_t i = 0; i < c->n_sources; i++) {
        struct plugin *pl = p->source_plugins[i];

        if (schemas_add(&p->schemas, pl->source.schema, pl->desc.name, &err) < 0) {
            diag_error(d, plugin_conf_loc(&c->sources[i], d), "source '%s': %s", c->sources[i].name,
                       err.msg);
            bad = -EINVAL;
        }
        p->any_live = p->any_live || pl->source.flags & GYR_SRC_LIVE;
    }
    for (uint32_t i = 0; i < c->n_enrichers; i++) {
        struct plugin *pl = p->enricher_plugins[i];
        bool used = false;

        for (uint32_t k = 0; k < p->schemas.n; k++) {
            if (!serves(pl, p->schemas.list[k]))
                continue;
            used = true;
            if (schema_add_fields(p->schemas.list[k], &pl->enricher, pl->desc.name, &err) < 0) {
                diag_error(d, plugin_conf_loc(&c->enrichers[i], d), "enricher '%s': %s",
                           c->enrichers[i].name, err.msg);
                bad = -EINVAL;
            }
        }
        if (!used && !bad)
            diag_warning(d, DIAG_IDLE_ENRICHER, plugin_conf_loc(&c->enrichers[i], d),
                         "enricher '%s' is for events of '%s', which no source gives",
                         c->enrichers[i].name, pl->enricher.schema);
    }
    return bad;
}

/* Who replays asks nobody, so it does not matter where. */
static void find_host_root(struct pipeline *p)
{
    struct host_root found;

    p->host_root = p->config->host_root ? p->config->host_root : "";
    if (!p->any_live)
        return;
    if (!p->config->host_root) {
        host_root_find("", &found);
        p->host_root = found.path;
        log_msg(found.is_blind ? LOG_L_WARNING
                : *found.path  ? LOG_L_NOTICE
                               : LOG_L_INFO,
                NULL, "%s", found.why);
    } else if (!host_root_has_proc(p->config->host_root)) {
        log_warning(
            NULL,
            "host_root: there is no /proc below %s: what ran before is only known from what "
            "the kernel itself tells",
            p->config->host_root);
    }
}

int pipeline_load_rules(const struct pipeline *p, const struct config *c, uint32_t number,
                        struct diags *d, struct generation **ret)
{
    struct ruleset_conf conf = {.more = p->more_rules,
                                .more_name = p->more_name,
                                .paths = (const char *const *)c->rule_files,
                                .n_paths = c->n_rule_files,
                                .schemas = &p->schemas,
                                .max_priority = c->min_priority,
                                .adjust = &c->adjust};

    return generation_new(&conf, number, d, ret);
}

static int load_all(struct pipeline *p, const struct pipeline_conf *conf, struct diags *d)
{
    int r = load_plugins(p, d);

    for (uint32_t i = 0; conf->like && i < p->config->n_sources && r == 0; i++)
        p->any_live = p->any_live || p->source_plugins[i]->source.flags & GYR_SRC_LIVE;
    if (r == 0 && conf->like) {
        p->schemas = conf->like->schemas;
        p->borrows_schemas = true;
        p->gen = generation_ref(conf->like->gen);
    } else if (r == 0) {
        r = load_schemas(p, d);
    }
    if (r == 0)
        find_host_root(p);
    return r == 0 && !conf->like ? pipeline_load_rules(p, p->config, 1, d, &p->gen) : r;
}

/* ---- instances ---- */

struct instance_conf instance_conf_of(const struct pipeline *p, const struct plugin_conf *c,
                                      struct plugin *pl, uint32_t cap, bool is_live)
{
    return (struct instance_conf){.plugin = pl,
                                  .capability = cap,
                                  .name = c->name,
                                  .options = c->options,
                                  .loc = c->loc,
                                  .schemas = &p->schemas,
                                  .host_root = p->host_root,
                                  .is_live = is_live};
}

static int make_enrichers(struct pipeline *p, struct source *s, struct diags *d)
{
    const struct config *c = p->config;
    int r;

    s->enrichers = calloc(c->n_enrichers + 1, sizeof(*s->enrichers));
    s->providers = calloc(c->n_enrichers + 1, sizeof(*s->providers));
    if (!s->enrichers || !s->providers)
        return -ENOMEM;
    for (uint32_t i = 0; i < c->n_enrichers; i++) {
        struct plugin *pl = p->enricher_plugins[i];
        struct instance_conf ic =
            instance_conf_of(p, &c->enrichers[i], pl, GYR_CAP_ENRICHER, s->is_live);
        struct enricher *e = &s->enrichers[s->n_enrichers];

        if (!serves(pl, s->schema))
            continue;
        *e = (struct enricher){.source = s, .provider = s->n_enrichers};
        ic.hooks = (struct host_hooks){.ctx = e,
                                       .event_alloc = hook_alloc,
                                       .emit = hook_emit,
                                       .resolved = hook_resolved,
                                       .snapshot = hook_snapshot,
                                       .snapshot_thread = hook_snapshot_thread,
                                       .field_bind = hook_field_bind,
                                       .field = hook_field};
        r = instance_new(&ic, d, &e->inst);
        if (r < 0)
            return r;
        s->providers[s->n_enrichers++] = (struct provider){
            .name = c->enrichers[i].name, .ops = &pl->enricher, .self = e->inst->self};
    }
    return 0;
}

static int make_core_fields(struct pipeline *p, struct source *s)
{
    struct corefields_conf conf = {.schema = s->schema,
                                   .pos = &s->pos,
                                   .scratch = &s->scratch,
                                   .others = s->providers,
                                   .n_others = s->n_enrichers,
                                   .source_plugin = s->plugin->desc.name,
                                   .hostname = p->hostname};
    int r = corefields_new(&conf, &s->core);

    if (r == 0)
        s->providers[s->n_enrichers] =
            (struct provider){.name = "core", .ops = &corefields_ops, .self = s->core};
    if (r == 0)
        peers_init(&s->peers, s->providers, s->n_enrichers + 1);
    return r;
}

/* Who hears of events before the rules, and who after them. */
static int make_dispatch(struct pipeline *p, struct source *s, struct diags *d,
                         struct gyr_error *err)
{
    const struct config *c = p->config;
    const struct plugin_conf *entries[DISPATCH_MAX];
    struct filter_conf conf = {.schemas = &p->schemas,
                               .eval = {.program = s->program,
                                        .providers = s->providers,
                                        .n_providers = s->n_enrichers + 1,
                                        .pos = &s->pos,
                                        .scratch = &s->scratch,
                                        .now_ns = clock_ns}};
    uint64_t filtered = 0;
    uint32_t n = 0;
    int r;

    for (uint32_t i = 0; i < c->n_enrichers && n < DISPATCH_MAX; i++) {
        if (!serves(p->enricher_plugins[i], s->schema))
            continue;
        filtered |= (uint64_t)(c->enrichers[i].filter != NULL) << n;
        entries[n++] = &c->enrichers[i];
    }
    r = dispatch_init(&s->dispatch, s->schema, s->providers, s->n_enrichers, ~filtered, err);
    return r == 0 && filtered ? filters_new(&conf, entries, n, filtered, d, &s->filters, err) : r;
}

static int tell_watch(struct source *s, struct gyr_error *err)
{
    const struct evaluator_conf like = {.generation = s->gen,
                                        .program = s->program,
                                        .providers = s->providers,
                                        .n_providers = s->n_enrichers + 1,
                                        .pos = &s->pos,
                                        .scratch = &s->scratch,
                                        .now_ns = clock_ns};

    return s->watch && s->watch->begin ? s->watch->begin(s->watch->ctx, &like, err) : 0;
}

static int make_source(struct pipeline *p, uint32_t i, struct diags *d)
{
    const struct plugin_conf *c = &p->config->sources[i];
    struct source *s = &p->sources[i];
    struct park_conf pc = {.deadline_ns = p->config->park_deadline_ns,
                           .max_events = p->config->park_events,
                           .max_bytes = p->config->park_bytes};
    pthread_condattr_t attr;
    struct instance_conf ic;
    struct gyr_error err = {0};
    int r;

    s->name = c->name;
    s->plugin = p->source_plugins[i];
    s->ops = &s->plugin->source;
    s->program = schemas_index(&p->schemas, s->ops->schema->name);
    s->schema = p->schemas.list[s->program];
    s->is_live = s->ops->flags & GYR_SRC_LIVE;
    s->routes = p->routes;
    s->notify_fd = p->notify_fd;
    s->gen = generation_ref(p->gen);
    s->watch = p->watch;
    emitq_init(&s->emitq);
    (void)pthread_mutex_init(&s->wake_lock, NULL);
    (void)pthread_mutex_init(&s->lock, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&s->answered, &attr);
    (void)pthread_condattr_destroy(&attr);
    alert_maker_init(&s->maker, p->hostname);
    redactor_init(&s->maker.redactor, p->config->redact, p->config->n_redact);
    if (scratch_init(&s->scratch) < 0)
        return -ENOMEM;
    r = park_new(&pc, source_wake, s, &s->park);
    if (r < 0)
        return r;
    ic = instance_conf_of(p, c, s->plugin, GYR_CAP_SOURCE, s->is_live);
    r = instance_new(&ic, d, &s->inst);
    if (r == 0)
        r = make_enrichers(p, s, d);
    if (r == 0)
        r = make_core_fields(p, s);
    if (r < 0)
        return r;
    r = make_dispatch(p, s, d, &err);
    if (r == 0)
        r = source_make_evaluator(s, p->gen, p->config->first_match_only, d, &s->eval, &err);
    if (r == 0)
        r = tell_watch(s, &err);
    if (r < 0 && err.msg[0]) /* else it is told */
        diag_error(d, plugin_conf_loc(c, d), "source '%s': %s", c->name, err.msg);
    return r;
}

static int find_hostname(struct pipeline *p)
{
    char name[256] = "";

    if (!p->config->hostname && gethostname(name, sizeof(name) - 1) < 0)
        name[0] = '\0';
    p->hostname = strdup(p->config->hostname ? p->config->hostname : name);
    return p->hostname ? 0 : -ENOMEM;
}

static int make_instances(struct pipeline *p, struct diags *d)
{
    int r = 0;

    for (p->n_sinks = 0; p->n_sinks < p->config->n_outputs && r == 0; p->n_sinks++) {
        p->sinks[p->n_sinks].conf = &p->config->outputs[p->n_sinks];
        r = sink_make(p, p->config, &p->sinks[p->n_sinks], d);
    }
    p->routes = r == 0 ? routes_new(p->sinks, p->n_sinks, p->config) : NULL;
    r = r == 0 && !p->routes ? -ENOMEM : r;
    for (p->n_sources = 0; r == 0 && p->n_sources < p->config->n_sources; p->n_sources++)
        r = make_source(p, p->n_sources, d);
    return r;
}

int pipeline_new(const struct pipeline_conf *conf, struct diags *d, struct pipeline **ret)
{
    struct pipeline *p = calloc(1, sizeof(*p));
    int r;

    if (!p)
        return -ENOMEM;
    p->config = conf->config;
    p->first = conf->config;
    p->plugins = conf->plugins;
    p->drop_privileges = conf->drop_privileges;
    p->load = conf->load ? conf->load : plugins_load;
    p->watch = conf->watch;
    p->more_rules = conf->more_rules;
    p->more_name = conf->more_name;
    (void)pthread_mutex_init(&p->routes_lock, NULL);
    p->notify_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    r = p->notify_fd < 0 ? -errno : find_hostname(p);
    if (r == 0)
        r = load_all(p, conf, d);
    if (r == 0)
        r = make_instances(p, d);
    if (r < 0) {
        pipeline_free(p);
        return r;
    }
    *ret = p;
    return 0;
}
