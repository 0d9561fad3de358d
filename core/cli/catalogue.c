/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/catalogue.h"

#include "base/fs.h"
#include "engine/provider.h"

#include <errno.h>
#include <string.h>

static const size_t CATALOGUE_MEM_MAX = 256u << 20;
enum { REFUSED_MAX = 1024 };

static void refuse(struct catalogue *c, const char *path, const char *why)
{
    struct refused *r;

    if (!c->refused)
        c->refused = arena_array(c->arena, REFUSED_MAX, sizeof(*c->refused));
    if (!c->refused || c->n_refused == REFUSED_MAX)
        return;
    r = &c->refused[c->n_refused];
    r->path = arena_strdup(c->arena, path);
    r->why = arena_strdup(c->arena, why);
    if (r->path && r->why)
        c->n_refused++;
}

static int set_dirs(struct catalogue *c, const struct catalogue_conf *conf)
{
    const struct config *cfg = c->config;
    const char **dirs = arena_array(c->arena, conf->n_dirs + cfg->n_plugin_dirs + 1, sizeof(*dirs));

    if (!dirs)
        return -ENOMEM;
    for (uint32_t i = 0; i < conf->n_dirs; i++)
        dirs[i] = conf->dirs[i];
    for (uint32_t i = 0; i < cfg->n_plugin_dirs; i++)
        dirs[conf->n_dirs + i] = cfg->plugin_dirs[i];
    c->plugins.dirs = dirs;
    c->plugins.n_dirs = conf->n_dirs + cfg->n_plugin_dirs;
    return 0;
}

static struct plugin **load_configured(struct catalogue *c, const struct plugin_conf *list,
                                       uint32_t n)
{
    struct plugin **loaded = arena_array(c->arena, n + 1, sizeof(struct plugin *));
    struct gyr_error err = {0};

    for (uint32_t i = 0; loaded && i < n; i++)
        if (plugins_load(&c->plugins, list[i].plugin, &loaded[i], &err) < 0)
            diag_error(&c->diags, list[i].loc, "%s", err.msg);
    return loaded;
}

/* Whatever else lies in the folders. */
static void load_rest(struct catalogue *c)
{
    for (uint32_t i = 0; i < c->plugins.n_dirs; i++) {
        const char *dir = c->plugins.dirs[i];
        char **names;
        int n = list_dir(dir, ".so", &names, NULL);

        for (int k = 0; k < n; k++) {
            const char *path = arena_printf(c->arena, "%s/%s", dir, names[k]);
            struct gyr_error err = {0};
            struct plugin *p;
            int r = path ? plugins_load(&c->plugins, path, &p, &err) : -ENOMEM;

            if (r < 0 && r != -EEXIST && path) /* a namesake of an earlier folder is never used */
                refuse(c, path, err.msg);
        }
        if (n >= 0)
            free_names(names, n);
    }
}

static void add_schemas(struct catalogue *c)
{
    const struct config *cfg = c->config;
    struct gyr_error err = {0};

    for (uint32_t i = 0; i < cfg->n_sources; i++) {
        const struct plugin *p = c->sources[i];

        if (p && p->desc.source &&
            schemas_add(&c->schemas, p->source.schema, p->desc.name, &err) < 0)
            diag_error(&c->diags, cfg->sources[i].loc, "%s", err.msg);
    }
    for (uint32_t i = 0; i < c->plugins.n; i++) {
        const struct plugin *p = c->plugins.list[i];

        if (p->desc.source && schemas_add(&c->schemas, p->source.schema, p->desc.name, &err) < 0)
            refuse(c, p->path, err.msg);
    }
    for (uint32_t i = 0; i < cfg->n_enrichers; i++) {
        const struct plugin *p = c->enrichers[i];

        for (uint32_t k = 0; p && p->desc.enricher && k < c->schemas.n; k++)
            if (catalogue_serves(p, c->schemas.list[k]) &&
                schema_add_fields(c->schemas.list[k], &p->enricher, p->desc.name, &err) < 0)
                diag_error(&c->diags, cfg->enrichers[i].loc, "%s", err.msg);
    }
}

int catalogue_load(const struct catalogue_conf *conf, struct catalogue *c)
{
    const struct config *cfg;

    *c = (struct catalogue){.arena = arena_new(CATALOGUE_MEM_MAX)};
    if (!c->arena)
        return -ENOMEM;
    diags_init(&c->diags, c->arena);
    c->diags.lint = conf->lint;
    c->diags.silenced = conf->silenced;
    if (config_load(conf->config, c->arena, &c->diags, &c->config) < 0)
        return -EINVAL;
    cfg = c->config;
    if (set_dirs(c, conf) < 0)
        return -ENOMEM;
    c->sources = load_configured(c, cfg->sources, cfg->n_sources);
    c->enrichers = load_configured(c, cfg->enrichers, cfg->n_enrichers);
    c->outputs = load_configured(c, cfg->outputs, cfg->n_outputs);
    if (!c->sources || !c->enrichers || !c->outputs)
        return -ENOMEM;
    load_rest(c);
    add_schemas(c);
    return c->diags.n_errors ? -EINVAL : 0;
}

void catalogue_free(struct catalogue *c)
{
    schemas_free(&c->schemas);
    plugins_free(&c->plugins);
    config_release(c->config);
    arena_free(c->arena);
    *c = (struct catalogue){0};
}

bool catalogue_serves(const struct plugin *enricher, const struct schema *s)
{
    return !enricher->enricher.schema || strcmp(enricher->enricher.schema, s->name) == 0;
}

const char *catalogue_provider(const struct catalogue *c, const struct schema *s,
                               const struct field_def *f)
{
    const struct provider core = {.name = "core", .ops = &corefields_ops};

    for (uint32_t i = 0; i < c->config->n_enrichers; i++) {
        const struct plugin *p = c->enrichers[i];
        struct provider pr;

        if (!p || !p->desc.enricher || !catalogue_serves(p, s))
            continue;
        pr = (struct provider){.ops = &p->enricher};
        if (provider_field(&pr, f->f.name) >= 0)
            return c->config->enrichers[i].name;
    }
    return provider_field(&core, f->f.name) >= 0 ? "core" : NULL;
}

const struct plugin *catalogue_plugin(const struct catalogue *c, const char *name)
{
    for (uint32_t i = 0; i < c->plugins.n; i++)
        if (strcmp(c->plugins.list[i]->desc.name, name) == 0)
            return c->plugins.list[i];
    return NULL;
}
