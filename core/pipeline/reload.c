/* SPDX-License-Identifier: Apache-2.0 */
/* A generation takes the place of another. It is made whole on the main thread; then each source,
 * between two batches, gets ready for it (the events that its rules want begin to come) and,
 * when all are, takes it over. A source that an output holds up cannot be made ready: nothing
 * changes then. Once all are ready there is no way back, and no need to wait for the last. */
#include "pipeline/pipeline_priv.h"

#include "base/log.h"
#include "base/privilege.h"
#include "plugin/secret.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const uint64_t PATIENCE_NS = 5000000000;

/* What a reload makes, until it is in force everywhere or nowhere. */
struct change {
    struct successor next;
    struct config *old_config; /* when it is the new one's turn */
    struct sink *sinks;
    struct routes *routes;
    struct change_sink *how; /* [n_sinks] */
    uint32_t n_sinks;        /* made, be it in part */
    bool failed;
};

struct change_sink {
    bool kept, late; /* late: it waits for another to give the spool up */
    uint32_t from;   /* kept: which it was */
};

/* ---- asking sources ---- */

/* @param ret_asked whether it has to be told what comes of it. */
static int prepare_one(struct source *s, const struct change *c, bool *ret_asked, struct diags *d)
{
    struct gyr_error err = {0};
    int r = 0;

    s->next = &c->next;
    *ret_asked = true;
    source_post(s, ASK_PREPARE);
    if (!source_await(s, clock_ns() + PATIENCE_NS, &r, &err)) {
        *ret_asked = !source_withdraw(s, ASK_PREPARE);
        if (!*ret_asked)
            r = gyr_fail(&err, -EBUSY, "an output that takes no more alerts holds it up");
        while (*ret_asked && !source_await(s, clock_ns() + PATIENCE_NS, &r, &err))
            ;
    }
    if (r < 0 && err.msg[0]) /* else it is told */
        diag_error(d, (struct loc){0}, "source '%s': %s", s->name, err.msg);
    return r;
}

/* ---- making ---- */

/* What could be had at the start cannot be had now. */
static int check_privileges(const struct pipeline *p, const struct sink *s, struct diags *d)
{
    uint64_t missing = privileges_missing(s->plugin, NULL);
    struct buf b;

    if (!missing)
        return 0;
    buf_init(&b, 4096);
    privilege_add_names(&b, missing);
    diag_error(d, plugin_conf_loc(s->conf, d), "output '%s' needs %s, which %s", s->conf->name,
               b.p ? b.p : "capabilities",
               p->drop_privileges ? "was given up after the start: only a restart can add it"
                                  : "this process does not have");
    buf_free(&b);
    return -EPERM;
}

static int start_instance(const struct pipeline *p, const struct sink *s, struct diags *d)
{
    struct gyr_error err = {0};
    int r = instance_start(s->inst, &err);

    if (r < 0)
        diag_error(d, plugin_conf_loc(s->conf, d), "output '%s': %s%s", s->conf->name, err.msg,
                   p->drop_privileges && (r == -EPERM || r == -EACCES)
                       ? " (privileges were given up after the start; a restart may help)"
                       : "");
    return r;
}

static int make_sink(struct pipeline *p, struct config *config, struct sink *s, struct diags *d)
{
    int r = pipeline_load_plugin(p, s->conf, GYR_CAP_OUTPUT, d, &s->plugin);

    if (r == 0)
        r = check_privileges(p, s, d);
    if (r == 0)
        r = sink_make(p, config, s, d);
    return r == 0 ? start_instance(p, s, d) : r;
}

static bool can_stay(const struct sink *s, const struct plugin_conf *conf)
{
    return config_same_output(s->conf, conf) && s->secrets == secrets_stamp(conf->options);
}

static bool share_spool(const struct sink *a, const struct sink *b)
{
    return a->conf->spool.dir && b->conf->spool.dir &&
           strcmp(a->conf->spool.dir, b->conf->spool.dir) == 0;
}

static bool is_kept(const struct change *c, uint32_t old)
{
    for (uint32_t i = 0; i < c->n_sinks; i++)
        if (c->how[i].kept && c->how[i].from == old)
            return true;
    return false;
}

/* Goes on after an error, so that all are told. */
static int make_sinks(struct pipeline *p, struct config *config, struct change *c, struct diags *d)
{
    int bad = 0;

    c->sinks = calloc(config->n_outputs + 1, sizeof(*c->sinks));
    c->how = calloc(config->n_outputs + 1, sizeof(*c->how));
    if (!c->sinks || !c->how)
        return -ENOMEM;
    for (uint32_t i = 0; i < config->n_outputs; i++) {
        struct sink *s = &c->sinks[i];
        struct change_sink *how = &c->how[i];

        for (uint32_t k = 0; k < p->n_sinks && !how->kept; k++)
            if (can_stay(&p->sinks[k], &config->outputs[i])) {
                *s = p->sinks[k];
                *how = (struct change_sink){.kept = true, .from = k};
            }
        c->n_sinks++;
        if (how->kept)
            continue;
        s->conf = &config->outputs[i];
        bad |= make_sink(p, config, s, d);
    }
    c->routes = bad ? NULL : routes_new(c->sinks, c->n_sinks, config);
    if (!bad && !c->routes)
        return -ENOMEM;
    return bad ? -EINVAL : 0;
}

static int make(struct pipeline *p, struct config *config, struct change *c, struct diags *d)
{
    const char *const *dirs = p->plugins->dirs;
    uint32_t n_dirs = p->plugins->n_dirs;
    int r = pipeline_load_rules(p, config, p->gen->number + 1, d, &c->next.gen), r2;

    p->plugins->dirs = config->plugin_dirs;
    p->plugins->n_dirs = config->n_plugin_dirs;
    r2 = make_sinks(p, config, c, d);
    p->plugins->dirs = dirs;
    p->plugins->n_dirs = n_dirs;
    if (r == -ENOMEM || r2 == -ENOMEM)
        diag_error(d, (struct loc){0}, "no memory");
    c->next.routes = c->routes;
    c->next.config = config;
    c->next.diags = d;
    return r < 0 ? r : r2;
}

/* ---- the end of a change ---- */

/* What was made for nothing. */
static void discard(struct change *c)
{
    for (uint32_t i = 0; i < c->n_sinks; i++)
        if (!c->how[i].kept && c->sinks[i].delivery) {
            delivery_end_by(c->sinks[i].delivery, clock_ns());
            sink_stop(&c->sinks[i]);
        }
    for (uint32_t i = 0; i < c->n_sinks; i++)
        if (!c->how[i].kept)
            sink_free(&c->sinks[i]);
    free(c->sinks);
    free(c->routes);
}

static void start_late(struct sink *s)
{
    int r = delivery_start(s->delivery, s->inst->self);

    if (r < 0)
        log_error(NULL, "output '%s': cannot start a thread: %s", s->conf->name, strerror(-r));
}

/* No source knows the old outputs any more. */
static void install(struct pipeline *p, struct change *c)
{
    struct sink *old = p->sinks;
    struct routes *old_routes = p->routes;
    uint32_t n_old = p->n_sinks;

    p->sinks = c->sinks;
    p->n_sinks = c->n_sinks;
    (void)pthread_mutex_lock(&p->routes_lock);
    p->routes = c->routes;
    (void)pthread_mutex_unlock(&p->routes_lock);
    for (uint32_t i = 0; i < n_old; i++) {
        bool heir = false;

        for (uint32_t k = 0; k < c->n_sinks; k++)
            heir = heir || (c->how[k].late && share_spool(&old[i], &c->sinks[k]));
        if (is_kept(c, i))
            continue;
        if (heir)
            sink_close(p, &old[i]);
        else
            sink_retire(p, &old[i]);
    }
    for (uint32_t i = 0; i < c->n_sinks; i++) {
        if (c->how[i].kept)
            sink_change(p, p->config, &p->config->outputs[i], &p->sinks[i]);
        else if (c->how[i].late)
            start_late(&p->sinks[i]);
    }
    free(old);
    free(old_routes);
}

static void conclude(struct pipeline *p)
{
    struct change *c = p->change;

    for (uint32_t i = 0; i < p->n_sources; i++)
        p->sources[i].next = NULL;
    p->change = NULL;
    if (c->failed)
        discard(c);
    else
        install(p, c);
    generation_unref(c->next.gen);
    config_unref(c->old_config);
    free(c->how);
    free(c);
}

/* @return whether all have answered what change_all() asked. */
static bool all_settled(struct pipeline *p, uint64_t until_ns)
{
    bool all = true;

    for (uint32_t i = 0; i < p->n_sources; i++) {
        struct source *s = &p->sources[i];
        struct gyr_error ignored;
        int r = 0;

        all = source_await(s, until_ns, &r, &ignored) && all;
        /* Wishes that cannot be withdrawn only cost time: what is delivered too much is
         * harmless. */
        if (r < 0)
            log_warning(NULL, "source '%s' keeps events that no rule wants any more", s->name);
    }
    return all;
}

static void change_all(struct pipeline *p, enum source_ask what, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        source_post(&p->sources[i], what);
    if (all_settled(p, clock_ns() + PATIENCE_NS))
        conclude(p);
}

void change_tick(struct pipeline *p)
{
    if (p->change && all_settled(p, 0))
        conclude(p);
}

void change_conclude(struct pipeline *p)
{
    change_tick(p);
}

void change_end_by(struct pipeline *p, uint64_t deadline_ns)
{
    const struct change *c = p->change;

    for (uint32_t i = 0; c && i < c->n_sinks; i++)
        if (!c->how[i].kept && c->sinks[i].delivery)
            delivery_end_by(c->sinks[i].delivery, deadline_ns);
    for (uint32_t i = 0; i < p->n_retired; i++)
        delivery_end_by(p->retired[i].delivery, deadline_ns);
}

/* ---- the whole ---- */

static uint64_t now_ns(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_REALTIME, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void pipeline_reload_failed(struct pipeline *p, const struct diags *d)
{
    struct reload_stats *s = &p->reloads;
    const struct diag *g = d->first;

    while (g && g->severity != SEV_ERROR)
        g = g->next;
    s->failed++;
    s->last_failed = true;
    s->last_ns = now_ns();
    if (g && g->loc.file)
        (void)snprintf(s->error, sizeof(s->error), "%.200s:%u:%u: %.280s", g->loc.file->path,
                       g->loc.line, g->loc.col, g->text);
    else
        (void)snprintf(s->error, sizeof(s->error), "%.500s", g ? g->text : "no memory");
    for (uint32_t i = 0; i < p->n_sources; i++)
        if (p->sources[i].is_live) {
            source_post_failed_reload(&p->sources[i], s->error);
            break;
        }
}

static void note_success(struct pipeline *p)
{
    p->reloads.succeeded++;
    p->reloads.last_failed = false;
    p->reloads.last_ns = now_ns();
    p->reloads.error[0] = '\0';
}

/* Those whose spool another still has come later. */
static int start_sinks(struct pipeline *p, struct change *c, struct diags *d)
{
    for (uint32_t i = 0; i < c->n_sinks; i++) {
        struct change_sink *how = &c->how[i];
        int r;

        for (uint32_t k = 0; k < p->n_sinks && !how->kept; k++)
            how->late = how->late || (!is_kept(c, k) && share_spool(&p->sinks[k], &c->sinks[i]));
        if (how->kept || how->late)
            continue;
        r = delivery_start(c->sinks[i].delivery, c->sinks[i].inst->self);
        if (r < 0) {
            diag_error(d, plugin_conf_loc(c->sinks[i].conf, d),
                       "output '%s': cannot start a thread: %s", c->sinks[i].conf->name,
                       strerror(-r));
            return r;
        }
    }
    return 0;
}

static void put_in_force(struct pipeline *p, struct change *c, struct config *config)
{
    generation_unref(p->gen);
    p->gen = generation_ref(c->next.gen);
    c->old_config = p->config;
    p->config = config_ref(config);
    p->plugins->dirs = config->plugin_dirs;
    p->plugins->n_dirs = config->n_plugin_dirs;
    note_success(p);
    change_all(p, ASK_COMMIT, p->n_sources);
}

static int change(struct pipeline *p, struct config *config, struct diags *d)
{
    struct change *c = calloc(1, sizeof(*c));
    bool asked = true;
    uint32_t n = 0;
    int r;

    if (!c) {
        diag_error(d, (struct loc){0}, "no memory");
        return -ENOMEM;
    }
    p->change = c;
    r = make(p, config, c, d);
    for (; r == 0 && n < p->n_sources; n += asked)
        r = prepare_one(&p->sources[n], c, &asked, d);
    if (r == 0)
        r = start_sinks(p, c, d);
    if (r == 0) {
        put_in_force(p, c, config);
        return 0;
    }
    c->failed = true;
    change_all(p, ASK_ABANDON, n);
    return r;
}

int pipeline_reload(struct pipeline *p, struct config *config, struct diags *d)
{
    int r;

    if (p->change) {
        diag_error(d, (struct loc){0},
                   "the generation before is not in force everywhere yet: an "
                   "output that takes no more alerts holds a source up");
        r = -EBUSY;
    } else {
        config_tell_fixed(p->first, config, d);
        r = change(p, config, d);
    }
    if (r < 0)
        pipeline_reload_failed(p, d);
    return r;
}

void pipeline_reloads(const struct pipeline *p, struct reload_stats *ret)
{
    *ret = p->reloads;
    ret->generation = p->gen->number;
}
