/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cleanup.h"
#include "config/config_priv.h"
#include "config/read.h"

#include <string.h>

enum { PLUGINS_OF_A_KIND_MAX = 64, QUEUE_MAX = 1 << 20 };

const struct plugin_conf plugin_conf_default = {
    .min_priority = GYR_PRIO_DEBUG,
    .queue = QUEUE_DEFAULT,
};

static void entry_plugin(struct reader *r, const struct ynode *v, void *target)
{
    struct plugin_conf *p = target;
    const char *s = conf_read_text(r, v);

    p->plugin = s && strchr(s, '/') ? conf_from_dir(r, s) : s;
}

static void entry_name(struct reader *r, const struct ynode *v, void *target)
{
    struct plugin_conf *p = target;

    p->name = conf_read_text(r, v);
}

static void entry_options(struct reader *r, const struct ynode *v, void *target)
{
    struct plugin_conf *p = target;

    if (v->kind != Y_MAP)
        diag_error(r->d, v->loc, "options must be a mapping, not %s", ynode_kind_name(v));
    else
        p->options = v;
}

static void entry_filter(struct reader *r, const struct ynode *v, void *target)
{
    struct plugin_conf *p = target;

    p->filter = conf_read_text(r, v);
    p->filter_loc = v->loc;
}

static void entry_min_priority(struct reader *r, const struct ynode *v, void *target)
{
    struct plugin_conf *p = target;

    conf_read_priority(r, v, &p->min_priority);
}

static void entry_rules(struct reader *r, const struct ynode *v, void *target)
{
    struct plugin_conf *p = target;
    uint32_t n;

    p->rules = conf_read_texts(r, v, &n);
}

static void entry_tags(struct reader *r, const struct ynode *v, void *target)
{
    struct plugin_conf *p = target;
    uint32_t n;

    p->tags = conf_read_texts(r, v, &n);
}

static void entry_on_full(struct reader *r, const struct ynode *v, void *target)
{
    static const char *const words[] = {"drop", "wait"};
    struct plugin_conf *p = target;
    int i = conf_read_choice(r, v, words, ARRAY_LEN(words));

    if (i >= 0)
        p->on_full = i == 0 ? ON_FULL_DROP : ON_FULL_WAIT;
}

static void entry_queue(struct reader *r, const struct ynode *v, void *target)
{
    struct plugin_conf *p = target;
    uint64_t u;

    if (conf_read_number(r, v, UNIT_COUNT, 1, QUEUE_MAX, &u))
        p->queue = (uint32_t)u;
}

#define COMMON_KEYS                                                                                \
    {"plugin", entry_plugin}, {"name", entry_name},                                                \
    {                                                                                              \
        "options", entry_options                                                                   \
    }

static const struct key source_keys[] = {COMMON_KEYS};
static const struct key enricher_keys[] = {COMMON_KEYS, {"filter", entry_filter}};
static const struct key output_keys[] = {
    COMMON_KEYS,
    {"min_priority", entry_min_priority},
    {"rules", entry_rules},
    {"tags", entry_tags},
    {"on_full", entry_on_full},
    {"queue", entry_queue},
    {"retry", conf_read_retry},
    {"digest", conf_read_digest},
    {"dead_letters", conf_read_dead_letters},
    {"spool", conf_read_spool},
    {"dedup", conf_read_dedup},
    {"rate_limit", conf_read_rate_limit},
};

/* "/usr/lib/x/foo.so": foo */
static const char *name_of(struct reader *r, const char *plugin)
{
    const char *slash = strrchr(plugin, '/'), *base = slash ? slash + 1 : plugin;
    size_t n = strlen(base);

    return slash && n > 3 && strcmp(base + n - 3, ".so") == 0 ? arena_strndup(r->arena, base, n - 3)
                                                              : base;
}

static void read_entry(struct reader *r, const struct ynode *v, const struct key *keys,
                       size_t n_keys, const char *kind, struct plugin_conf *list, uint32_t *n)
{
    struct plugin_conf p = plugin_conf_default;
    uint32_t errors = r->d->n_errors;
    struct loc loc = v->loc;

    p.loc = loc;
    if (v->kind == Y_SCALAR)
        entry_plugin(r, v, &p); /* "- stdout" */
    else
        conf_read_map(r, v, keys, n_keys, kind, &p);
    conf_check_digest(r, &p);
    if (r->d->n_errors > errors)
        return;
    if (!p.plugin) {
        diag_error(r->d, loc, "%s needs the key 'plugin'", kind);
        return;
    }
    if (!p.name)
        p.name = name_of(r, p.plugin);
    for (uint32_t i = 0; p.name && i < *n; i++)
        if (strcmp(list[i].name, p.name) == 0) {
            diag_error(r->d, loc, "%s is named '%s' like one before; give it a 'name' of its own",
                       kind, p.name);
            return;
        }
    if (p.name)
        list[(*n)++] = p;
    else
        diag_error(r->d, loc, "out of memory");
}

/* The first file that has the list replaces the default, later ones add to it. */
static void read_plugins(struct reader *r, const struct ynode *v, const struct key *keys,
                         size_t n_keys, const char *kind, bool *seen, struct plugin_conf **list,
                         uint32_t *n)
{
    struct plugin_conf *all;
    uint32_t old = *seen ? *n : 0;

    if (v->kind != Y_SEQ) {
        diag_error(r->d, v->loc, "must be a list of plugins, not %s", ynode_kind_name(v));
        return;
    }
    if (old + v->n > PLUGINS_OF_A_KIND_MAX) {
        diag_error(r->d, v->loc, "more than %d plugins", PLUGINS_OF_A_KIND_MAX);
        return;
    }
    all = arena_array(r->arena, old + (size_t)v->n + 1, sizeof(*all));
    if (!all) {
        diag_error(r->d, v->loc, "out of memory");
        return;
    }
    if (old)
        memcpy(all, *list, old * sizeof(*all));
    *seen = true;
    *list = all;
    *n = old;
    for (uint32_t i = 0; i < v->n; i++)
        read_entry(r, v->items[i], keys, n_keys, kind, all, n);
}

void conf_read_sources(struct reader *r, const struct ynode *v, void *target)
{
    struct config *c = target;

    read_plugins(r, v, source_keys, ARRAY_LEN(source_keys), "a source", &r->has_sources,
                 &c->sources, &c->n_sources);
}

void conf_read_enrichers(struct reader *r, const struct ynode *v, void *target)
{
    struct config *c = target;

    read_plugins(r, v, enricher_keys, ARRAY_LEN(enricher_keys), "an enricher", &r->has_enrichers,
                 &c->enrichers, &c->n_enrichers);
}

void conf_read_outputs(struct reader *r, const struct ynode *v, void *target)
{
    struct config *c = target;

    read_plugins(r, v, output_keys, ARRAY_LEN(output_keys), "an output", &r->has_outputs,
                 &c->outputs, &c->n_outputs);
}
