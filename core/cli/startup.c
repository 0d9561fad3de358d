/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/startup.h"

#include "base/log.h"
#include "base/suggest.h"
#include "cli/entry.h"

#include <stdlib.h>
#include <string.h>

enum {
    OPT_CONFIG,
    OPT_RULES,
    OPT_DIR,
    OPT_OUTPUT,
    OPT_JSON,
    OPT_RECORD,
    OPT_QUIET,
    OPT_VERBOSE,
    OPT_LOG_LEVEL,
    OPT_STATS
};

static int add_to_list(const struct startup_conf *c, const char **list, uint32_t *n, const char *s)
{
    if (*n >= STARTUP_LIST_MAX)
        return cli_usage(c->cmd, "more than %d of one option", STARTUP_LIST_MAX);
    list[(*n)++] = s;
    return 0;
}

static int set_log_level(struct startup_conf *c, const char *s)
{
    struct suggest g;
    const char *best;

    suggest_init(&g, s, strlen(s));
    for (int i = 0; i < LOG_LEVELS; i++) {
        if (strcmp(s, log_level_names[i]) == 0) {
            c->log_level = LOG_L_ERROR + i;
            return 0;
        }
        suggest_offer(&g, log_level_names[i]);
    }
    best = suggest_best(&g);
    return cli_usage(c->cmd, "there is no level '%s'%s%s%s", s, best ? "; did you mean '" : "",
                     best ? best : "", best ? "'?" : "");
}

int startup_option(struct startup_conf *c, const struct cli_parser *p, int o)
{
    switch (o) {
    case OPT_CONFIG:
        c->config = p->value;
        break;
    case OPT_RULES:
        return add_to_list(c, c->rules, &c->n_rules, p->value);
    case OPT_DIR:
        return add_to_list(c, c->dirs, &c->n_dirs, p->value);
    case OPT_OUTPUT:
        c->output = p->value;
        break;
    case OPT_JSON:
        c->json = true;
        break;
    case OPT_RECORD:
        c->record.path = p->value;
        break;
    case OPT_QUIET:
        c->quiet = true;
        break;
    case OPT_VERBOSE:
        c->verbose++;
        break;
    case OPT_LOG_LEVEL:
        return set_log_level(c, p->value);
    default:
        c->stats = true;
    }
    return 0;
}

/* ---- what the command line changes in the configuration ---- */

static int use_captures(const struct startup_conf *c, struct arena *a, struct config *cfg)
{
    struct ynode *map = yaml_nodes(a, Y_MAP, 4); /* keys and values */
    struct ynode *files = yaml_nodes(a, Y_SEQ, c->n_captures);
    struct plugin_conf *s = arena_alloc(a, sizeof(*s));

    if (!map || !files || !s)
        return -1;
    for (uint32_t i = 0; i < c->n_captures; i++)
        files->items[i] = yaml_str(a, c->captures[i]);
    map->items[0] = yaml_str(a, "path");
    map->items[1] = files;
    if (c->speed) {
        map->items[2] = yaml_str(a, "speed");
        map->items[3] = yaml_str(a, c->speed);
    }
    map->n = c->speed ? 2 : 1;
    if (!yaml_is_whole(map))
        return -1;
    *s = plugin_alone("replay", map);
    cfg->sources = s;
    cfg->n_sources = 1;
    return 0;
}

/* The named output of the configuration, or the plugin of that name as it comes. */
static int use_output(const char *name, struct arena *a, struct config *cfg)
{
    struct plugin_conf *o = arena_alloc(a, sizeof(*o));

    if (!o)
        return -1;
    *o = plugin_alone(name, NULL);
    for (uint32_t i = cfg->n_outputs; i-- > 0;)
        if (strcmp(cfg->outputs[i].name, name) == 0 || strcmp(cfg->outputs[i].plugin, name) == 0)
            *o = cfg->outputs[i];
    cfg->outputs = o;
    cfg->n_outputs = 1;
    return 0;
}

/* {format: json} in front of what there is; a format of the configuration's own gives way. */
static int use_json(struct arena *a, struct config *cfg)
{
    for (uint32_t i = 0; i < cfg->n_outputs; i++) {
        struct plugin_conf *o = &cfg->outputs[i];
        uint32_t n = o->options && o->options->kind == Y_MAP ? o->options->n : 0, k = 2;
        struct ynode *map;

        if (strcmp(o->plugin, "stdout") != 0)
            continue;
        map = yaml_nodes(a, Y_MAP, 2 * n + 2);
        if (!map)
            return -1;
        map->items[0] = yaml_str(a, "format");
        map->items[1] = yaml_str(a, "json");
        for (uint32_t j = 0; j < n; j++) {
            if (strcmp(o->options->items[2 * j]->str, "format") == 0)
                continue;
            map->items[k++] = o->options->items[2 * j];
            map->items[k++] = o->options->items[2 * j + 1];
        }
        map->n = k / 2;
        if (!yaml_is_whole(map))
            return -1;
        o->options = map;
    }
    return 0;
}

static int use_dirs(const struct startup_conf *c, struct arena *a, struct config *cfg)
{
    const char **dirs = arena_array(a, c->n_dirs + cfg->n_plugin_dirs + 1, sizeof(*dirs));
    uint32_t n = 0;

    if (!dirs)
        return -1;
    for (uint32_t i = 0; i < c->n_dirs; i++)
        dirs[n++] = c->dirs[i];
    for (uint32_t i = 0; i < cfg->n_plugin_dirs; i++)
        dirs[n++] = cfg->plugin_dirs[i];
    cfg->plugin_dirs = dirs;
    cfg->n_plugin_dirs = n;
    return 0;
}

static int change_config(const struct startup_conf *c, struct arena *a, struct config *cfg)
{
    int r = use_dirs(c, a, cfg);

    if (r == 0 && c->captures)
        r = use_captures(c, a, cfg);
    if (r == 0 && c->record.path)
        r = record_use(&c->record, a, cfg);
    if (c->n_rules) {
        cfg->rule_files = c->rules;
        cfg->n_rule_files = c->n_rules;
    }
    /* Old events replayed must not page anybody unless that was asked for. */
    if (r == 0 && !c->record.only && (c->output || (c->captures && !c->config)))
        r = use_output(c->output ? c->output : "stdout", a, cfg);
    if (r == 0 && c->json)
        r = use_json(a, cfg);
    return r;
}

/* ---- loading ---- */

void startup_set_level(const struct startup_conf *c, const struct config *cfg)
{
    int level = cfg->log_level;

    if (c->log_level)
        level = c->log_level;
    else if (c->quiet)
        level = LOG_L_WARNING;
    else if (c->verbose > 1)
        level = LOG_L_DEBUG;
    else if (c->verbose && level < LOG_L_INFO)
        level = LOG_L_INFO;
    log_set_level(level);
}

int startup_pipeline(const struct startup_conf *c, struct session *s)
{
    struct pipeline_conf pc = {.config = s->config,
                               .plugins = &s->plugins,
                               .drop_privileges = !c->captures && s->config->drop_privileges};

    return pipeline_new(&pc, &s->diags, &s->pipeline);
}

/* Watched from before its rules are read. */
static void watch_files(struct session *s, const struct config *cfg, struct arena *a)
{
    const char **paths = arena_array(a, cfg->n_rule_files + 2u, sizeof(*paths));
    struct gyr_error err = {0};
    uint32_t n = 0;

    if (!paths || !s->watch)
        return;
    if (cfg->path) {
        paths[n++] = cfg->path;
        paths[n] = config_drop_in_dir(a, cfg->path);
        n += paths[n] != NULL;
    }
    for (uint32_t i = 0; i < cfg->n_rule_files; i++)
        paths[n++] = cfg->rule_files[i];
    if (filewatch_set(s->watch, paths, cfg->watch_files ? n : 0, &err) < 0)
        log_warning(NULL, "%s", err.msg);
}

int startup_config(const struct startup_conf *c, struct session *s, struct arena *a,
                   struct diags *d, struct config **ret)
{
    struct config *cfg = NULL;

    if (config_load(c->config, a, d, &cfg) < 0)
        return -1;
    if (change_config(c, a, cfg) < 0) {
        diag_error(d, (struct loc){0}, "no memory");
        config_release(cfg);
        return -1;
    }
    watch_files(s, cfg, a);
    *ret = cfg;
    return 0;
}

static int load(const struct startup_conf *c, struct session *s)
{
    struct gyr_error err = {0};

    if (c->reloads && !c->dry_run && filewatch_new(&s->watch, &err) < 0)
        log_warning(NULL, "%s", err.msg);
    if (startup_config(c, s, s->arena, &s->diags, &s->config) < 0)
        return -1;
    startup_set_level(c, s->config);
    s->plugins.dirs = s->config->plugin_dirs;
    s->plugins.n_dirs = s->config->n_plugin_dirs;
    return s->config->n_sources ? startup_pipeline(c, s) : 0;
}

int startup(const struct startup_conf *c, struct session *s)
{
    int r;

    *s = (struct session){.arena = arena_new(STARTUP_ARENA_MAX)};
    if (!s->arena)
        return cli_fail(c->cmd, "no memory");
    diags_init(&s->diags, s->arena);
    r = load(c, s);
    if (!c->quiet || s->diags.n_errors)
        cli_print_diags(&s->diags);
    if (r == 0)
        return CLI_FINE;
    session_free(s);
    return CLI_FAILED;
}

void session_free(struct session *s)
{
    service_close(s->service);
    filewatch_free(s->watch);
    pipeline_free(s->pipeline);
    plugins_free(&s->plugins);
    config_release(s->config);
    arena_free(s->arena);
    *s = (struct session){0};
}

/* ---- telling ---- */

static void print_plugin(const char *what, const char *name, const struct plugin *pl)
{
    bool same = strcmp(name, pl->desc.name) == 0;

    (void)fprintf(stderr, "  %-9s %s%s%s%s (%s %s)\n", what, name, same ? "" : " (",
                  same ? "" : pl->desc.name, same ? "" : ")", pl->path ? pl->path : "built in",
                  pl->desc.version ? pl->desc.version : "");
}

void startup_print(const struct session *s)
{
    const struct config *c = s->config;
    const struct ruleset *rs = pipeline_generation(s->pipeline)->rules;

    (void)fprintf(stderr, "gyr %s\n  %-9s %s\n", GYR_VERSION, "config",
                  c->path ? c->path : "built-in defaults");
    for (uint32_t i = 0; c->drop_ins && c->drop_ins[i]; i++)
        (void)fprintf(stderr, "  %-9s %s\n", "", c->drop_ins[i]);
    for (uint32_t i = 0; i < rs->n_files; i++)
        (void)fprintf(stderr, "  %-9s %s\n", i ? "" : "rules", rs->files[i]);
    (void)fprintf(stderr, "  %-9s %u enabled of %u rules\n", rs->n_files ? "" : "rules",
                  ruleset_n_enabled(rs), rs->n_rules);
    for (uint32_t i = 0; i < pipeline_n_sources(s->pipeline); i++) {
        struct source_info info;

        pipeline_source(s->pipeline, i, &info);
        print_plugin("source", info.name, info.plugin);
    }
    for (uint32_t i = 0; i < c->n_enrichers; i++)
        print_plugin("enricher", c->enrichers[i].name, pipeline_enricher_plugin(s->pipeline, i));
    for (uint32_t i = 0; i < pipeline_n_outputs(s->pipeline); i++) {
        struct output_info info;

        pipeline_output(s->pipeline, i, &info);
        print_plugin("output", info.name, info.plugin);
    }
}
