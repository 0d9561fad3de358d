/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config.h"

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/log.h"
#include "config/config_priv.h"
#include "config/read.h"

#include <errno.h>
#include <string.h>

enum {
    PLUGINS_OF_A_KIND_MAX = 64,
    LIST_MAX = 4096,
    QUEUE_MAX = 1 << 20,
    PARK_EVENTS_MAX = 1 << 20
};

static void top_plugin_dirs(struct reader *r, const struct ynode *v, void *target)
{
    struct config *c = target;
    uint32_t n;
    const char **list = conf_read_paths(r, v, &n);

    if (list) {
        c->plugin_dirs = list;
        c->n_plugin_dirs = n;
    }
}

static void top_live_sources(struct reader *r, const struct ynode *v, void *target)
{
    struct config *c = target;
    uint32_t n;
    const char **list = conf_read_texts(r, v, &n);

    for (uint32_t i = 0; list && i < n; i++)
        if (strchr(list[i], '/'))
            list[i] = conf_from_dir(r, list[i]);
    if (list) {
        c->live_sources = list;
        c->n_live_sources = n;
    }
}

static void top_drop_privileges(struct reader *r, const struct ynode *v, void *target)
{
    struct config *c = target;

    (void)conf_read_bool(r, v, &c->drop_privileges);
}

static void top_watch(struct reader *r, const struct ynode *v, void *target)
{
    struct config *c = target;

    (void)conf_read_bool(r, v, &c->watch_files);
}

static void rules_files(struct reader *r, const struct ynode *v, void *target)
{
    struct config *c = target;
    uint32_t n;
    const char **list = conf_read_paths(r, v, &n);

    if (list) {
        c->rule_files = list;
        c->n_rule_files = n;
    }
}

static void rules_min_priority(struct reader *r, const struct ynode *v, void *target)
{
    struct config *c = target;

    conf_read_priority(r, v, &c->min_priority);
}

static void top_rules(struct reader *r, const struct ynode *v, void *target)
{
    static const struct key keys[] = {
        {"files", rules_files}, {"min_priority", rules_min_priority}, {"select", conf_read_select}};

    conf_read_map(r, v, keys, ARRAY_LEN(keys), "rules", target);
}

static void top_rule_matching(struct reader *r, const struct ynode *v, void *target)
{
    static const char *const words[] = {"all", "first"};
    struct config *c = target;
    int i = conf_read_choice(r, v, words, ARRAY_LEN(words));

    if (i >= 0)
        c->first_match_only = i == 1;
}

static void top_host_root(struct reader *r, const struct ynode *v, void *target)
{
    struct config *c = target;
    const char *s = conf_read_text(r, v);
    size_t n = s ? strlen(s) : 0;

    if (!s)
        return;
    if (s[0] != '/') {
        diag_error(r->d, v->loc, "host_root must be an absolute path");
        return;
    }
    while (n > 0 && s[n - 1] == '/')
        n--;
    s = arena_strndup(r->arena, s, n);
    if (s)
        c->host_root = s;
    else
        diag_error(r->d, v->loc, "out of memory");
}

static void top_hostname(struct reader *r, const struct ynode *v, void *target)
{
    struct config *c = target;

    c->hostname = conf_read_text(r, v);
}

static void top_log_level(struct reader *r, const struct ynode *v, void *target)
{
    struct config *c = target;
    int i = conf_read_choice(r, v, log_level_names, LOG_LEVELS);

    if (i >= 0)
        c->log_level = LOG_L_ERROR + i;
}

static void park_deadline(struct reader *r, const struct ynode *v, void *target)
{
    struct config *c = target;

    (void)conf_read_number(r, v, UNIT_DURATION, 1000000, UINT64_C(60000000000),
                           &c->park_deadline_ns);
}

static void park_events(struct reader *r, const struct ynode *v, void *target)
{
    struct config *c = target;
    uint64_t u;

    if (conf_read_number(r, v, UNIT_COUNT, 1, PARK_EVENTS_MAX, &u))
        c->park_events = (uint32_t)u;
}

static void park_bytes(struct reader *r, const struct ynode *v, void *target)
{
    struct config *c = target;

    (void)conf_read_number(r, v, UNIT_SIZE, 64 << 10, UINT64_C(1) << 32, &c->park_bytes);
}

static void top_parking(struct reader *r, const struct ynode *v, void *target)
{
    static const struct key keys[] = {
        {"deadline", park_deadline}, {"max_events", park_events}, {"max_bytes", park_bytes}};

    conf_read_map(r, v, keys, ARRAY_LEN(keys), "parking", target);
}

/* A falco.yaml, or a file of its config.d: its keys one by one would teach nobody. */
static const struct ynode *falco_key(const struct ynode *root)
{
    static const char *const theirs[] = {"rules_files", "engine",        "json_output",
                                         "priority",    "stdout_output", "load_plugins"};
    const struct ynode *first = NULL;
    uint32_t n = 0;

    for (uint32_t i = 0; root && root->kind == Y_MAP && i < root->n; i++)
        for (size_t k = 0; k < ARRAY_LEN(theirs); k++)
            if (strcmp(root->items[2 * i]->str, theirs[k]) == 0 && n++ == 0)
                first = root->items[2 * i];
    return n > 1 ? first : NULL;
}

static void read_root(struct reader *r, const struct ynode *root)
{
    const struct ynode *theirs = falco_key(root);

    static const struct key keys[] = {
        {"plugin_dirs", top_plugin_dirs},
        {"sources", conf_read_sources},
        {"live_sources", top_live_sources},
        {"enrichers", conf_read_enrichers},
        {"outputs", conf_read_outputs},
        {"mute", conf_read_mute},
        {"redact", conf_read_redact},
        {"rules", top_rules},
        {"rule_matching", top_rule_matching},
        {"append_output", conf_read_append_output},
        {"host_root", top_host_root},
        {"hostname", top_hostname},
        {"drop_privileges", top_drop_privileges},
        {"log_level", top_log_level},
        {"parking", top_parking},
        {"watch_config_files", top_watch},
        {"http", conf_read_http},
        {"status_socket", conf_read_status_socket},
        {"stuck_after", conf_read_stuck_after},
    };

    if (theirs)
        diag_error(r->d, theirs->loc,
                   "this is a configuration of Falco: 'gyr migrate' makes one of ours of it");
    else if (root && !ynode_is_null(root))
        conf_read_map(r, root, keys, ARRAY_LEN(keys), "the configuration", r->c);
}

/* ---- files ---- */

static void set_dir(struct reader *r, const char *path)
{
    const char *slash = strrchr(path, '/');

    r->dir = slash ? arena_strndup(r->arena, path, (size_t)(slash - path)) : NULL;
}

static void read_one(struct reader *r, const char *path)
{
    struct ynode *root = NULL;

    set_dir(r, path);
    r->d->veils = true;
    if (yaml_load(path, r->arena, r->d, &root) == 0)
        read_root(r, root);
    r->d->veils = false;
}

const char *config_drop_in_dir(struct arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');
    size_t n = dot && (!slash || dot > slash) ? (size_t)(dot - path) : strlen(path);

    return arena_printf(arena, "%.*s.d", (int)n, path);
}

/* NAME.d beside NAME.yaml: its *.yaml, sorted by bytes. */
static void read_drop_ins(struct reader *r, const char *path)
{
    const char *dir = config_drop_in_dir(r->arena, path), **list;
    struct gyr_error err = {0};
    char **names;
    int count;

    count = dir ? list_dir(dir, ".yaml", &names, &err) : -ENOMEM;
    if (count == -ENOENT || count == -ENOTDIR)
        return;
    if (count < 0) {
        diag_error(r->d, (struct loc){0}, "%s", dir ? err.msg : "out of memory");
        return;
    }
    list = arena_array(r->arena, (size_t)count + 1, sizeof(*list));
    for (int i = 0; list && i < count; i++) {
        list[i] = arena_printf(r->arena, "%s/%s", dir, names[i]);
        if (!list[i])
            break;
        read_one(r, list[i]);
    }
    if (list)
        r->c->drop_ins = list;
    free_names(names, count);
}

static int begin(struct reader *r, struct arena *arena, struct diags *d)
{
    *r = (struct reader){.arena = arena, .d = d};
    if (config_defaults(arena, &r->c) < 0) {
        diag_error(d, (struct loc){0}, "out of memory");
        return -EINVAL;
    }
    return 0;
}

int config_load(const char *path, struct arena *arena, struct diags *d, struct config **ret)
{
    uint32_t errors = d->n_errors;
    struct reader r;

    if (begin(&r, arena, d) < 0)
        return -EINVAL;
    if (!path)
        path = config_default_path(arena);
    if (path) {
        r.c->path = path;
        read_one(&r, path);
        read_drop_ins(&r, path);
    }
    if (d->n_errors > errors) {
        config_release(r.c);
        return -EINVAL;
    }
    *ret = r.c;
    return 0;
}

int config_load_text(const char *path, const char *text, size_t len, struct arena *arena,
                     struct diags *d, struct config **ret)
{
    uint32_t errors = d->n_errors;
    struct ynode *root = NULL;
    struct reader r;

    if (begin(&r, arena, d) < 0)
        return -EINVAL;
    r.c->path = path;
    set_dir(&r, path);
    d->veils = true;
    if (yaml_parse(path, text, len, arena, d, &root) == 0)
        read_root(&r, root);
    d->veils = false;
    if (d->n_errors > errors) {
        config_release(r.c);
        return -EINVAL;
    }
    *ret = r.c;
    return 0;
}
