/* SPDX-License-Identifier: Apache-2.0 */
/* gyr plugin check: the conformance suite, and its report. */
#include "cli/entry.h"
#include "cli/plugin_cmd.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "config/config.h"
#include "conform/conform.h"

#include <jansson.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const size_t CONFIG_MEM_MAX = 64u << 20;

/* ---- options ---- */

/* -o KEY=VALUE, read as the line "KEY: VALUE" of a configuration. @return 0 or after telling. */
static int add_set(struct ynode *map, const char *set, struct arena *arena, struct diags *d)
{
    const char *eq = strchr(set, '='), *text;
    struct ynode *root = NULL;

    if (!eq || eq == set)
        return cli_usage(&plugin_command, "-o wants KEY=VALUE, not '%s'", set);
    text = arena_printf(arena, "%.*s: %s\n", (int)(eq - set), set, eq + 1);
    if (!text || yaml_parse("-o", text, strlen(text), arena, d, &root) < 0 || !root ||
        root->kind != Y_MAP || root->n != 1)
        return cli_usage(&plugin_command, "-o %s: cannot be read as an option", set);
    map->items[2 * map->n] = root->items[0];
    map->items[2 * map->n++ + 1] = root->items[1];
    return 0;
}

static bool is_same_file(const char *a, const char *b)
{
    struct stat sa, sb;

    return stat(a, &sa) == 0 && stat(b, &sb) == 0 && sa.st_dev == sb.st_dev &&
           sa.st_ino == sb.st_ino;
}

/* Those of its entry in the configuration. */
static const struct ynode *find_options(const struct plugin_conf *list, uint32_t n,
                                        const char *path, const char *stem)
{
    for (uint32_t i = 0; i < n; i++)
        if (strcmp(list[i].plugin, stem) == 0 || is_same_file(list[i].plugin, path))
            return list[i].options;
    return NULL;
}

static const struct ynode *configured(const struct config *c, const char *path, struct arena *arena)
{
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    size_t n = strlen(base);
    const char *stem = arena_strndup(arena, base, n > 3 ? n - 3 : n);
    const struct ynode *o;

    if (!stem)
        return NULL;
    o = find_options(c->sources, c->n_sources, path, stem);
    if (!o)
        o = find_options(c->enrichers, c->n_enrichers, path, stem);
    return o ? o : find_options(c->outputs, c->n_outputs, path, stem);
}

/* @return 0; else CLI_* after telling. */
static int collect_options(const struct plugin_conf_cli *cli, const struct config *c,
                           const char *path, struct arena *arena, struct diags *d,
                           const struct ynode **ret)
{
    struct ynode *map;
    int r = 0;

    *ret = cli->config ? configured(c, path, arena) : NULL;
    if (cli->n_sets == 0)
        return 0;
    map = yaml_nodes(arena, Y_MAP, 2 * PLUGIN_SETS_MAX);
    if (!map)
        return cli_fail(&plugin_command, "out of memory");
    map->n = 0;
    for (uint32_t i = 0; i < cli->n_sets && r == 0; i++)
        r = add_set(map, cli->sets[i], arena, d);
    *ret = map;
    return r;
}

/* ---- the file ---- */

static const char *find_file(const struct config *c, const char *name, struct arena *arena)
{
    const char *dot = strrchr(name, '.');

    if (strchr(name, '/'))
        return name;
    if (dot && strcmp(dot, ".so") == 0)
        return arena_printf(arena, "./%s", name);
    for (uint32_t i = 0; i < c->n_plugin_dirs; i++) {
        const char *path = arena_printf(arena, "%s/%s.so", c->plugin_dirs[i], name);

        if (path && access(path, F_OK) == 0)
            return path;
    }
    return arena_printf(arena, "./%s", name);
}

/* ---- the report ---- */

static const char *const words[] = {
    [CONFORM_OK] = "ok", [CONFORM_FAIL] = "FAIL", [CONFORM_SKIP] = "skipped"};
static const char *const json_words[] = {
    [CONFORM_OK] = "ok", [CONFORM_FAIL] = "failed", [CONFORM_SKIP] = "skipped"};

static void print_text(const struct conform_report *r, const char *path)
{
    struct buf b;

    buf_init(&b, 1 << 20);
    if (*r->plugin) {
        buf_adds(&b, "plugin ");
        text_add_safe(&b, r->plugin, strlen(r->plugin));
        buf_addc(&b, ' ');
        text_add_safe(&b, r->version, strlen(r->version));
        buf_addf(&b, ", ABI %s, ", r->abi);
    }
    text_add_safe(&b, path, strlen(path));
    buf_addc(&b, '\n');
    for (uint32_t i = 0; i < r->n; i++) {
        const struct conform_row *row = &r->rows[i];

        buf_addf(&b, "  %-8s %-16s ", words[row->result], row->name);
        text_add_safe(&b, row->text, strlen(row->text));
        buf_addc(&b, '\n');
    }
    buf_addf(&b, "%u ok, %u failed, %u skipped\n", r->n - r->n_failed - r->n_skipped, r->n_failed,
             r->n_skipped);
    (void)fputs(b.p, stdout);
    buf_free(&b);
}

static int print_json(const struct conform_report *r, const char *path)
{
    json_t *rows = json_array(), *root;
    char *text;

    for (uint32_t i = 0; i < r->n; i++)
        (void)json_array_append_new(rows, json_pack("{ss ss ss}", "check", r->rows[i].name,
                                                    "result", json_words[r->rows[i].result],
                                                    "detail", r->rows[i].text));
    root = json_pack("{ss ss ss ss si si si so}", "file", path, "plugin", r->plugin, "version",
                     r->version, "abi", r->abi, "passed", (int)(r->n - r->n_failed - r->n_skipped),
                     "failed", (int)r->n_failed, "skipped", (int)r->n_skipped, "checks", rows);
    text = root ? json_dumps(root, JSON_COMPACT) : NULL;
    json_decref(root);
    if (!text)
        return cli_fail(&plugin_command, "check: the report is no text that JSON could hold");
    printf("%s\n", text);
    free(text);
    return CLI_FINE;
}

static int check(const struct plugin_conf_cli *cli, const struct config *c, const char *name,
                 struct arena *arena, struct diags *d)
{
    static struct conform_report report;
    struct conform_conf conf = {.path = find_file(c, name, arena),
                                .plugin_dirs = c->plugin_dirs,
                                .n_plugin_dirs = c->n_plugin_dirs,
                                .verbose = cli->verbose};
    struct gyr_error err = {0};
    int r;

    if (!conf.path)
        return cli_fail(&plugin_command, "out of memory");
    r = collect_options(cli, c, conf.path, arena, d, &conf.options);
    if (r != 0)
        return r;
    if (conform_run(&conf, &report, &err) < 0) {
        (void)cli_fail(&plugin_command, "check: %s", err.msg);
        return CLI_USAGE;
    }
    r = CLI_FINE;
    if (cli->json)
        r = print_json(&report, conf.path);
    else
        print_text(&report, conf.path);
    return report.n_failed ? CLI_FAILED : r;
}

int plugin_check(const struct plugin_conf_cli *cli, char *const *args, int n)
{
    struct arena *arena = arena_new(CONFIG_MEM_MAX);
    struct config *c = NULL;
    struct diags d;
    int r = CLI_FAILED;

    if (!arena)
        return cli_fail(&plugin_command, "out of memory");
    diags_init(&d, arena);
    if (n > 1)
        r = cli_usage(&plugin_command, "'%s' is one word too many", args[1]);
    else if (config_load(cli->config, arena, &d, &c) == 0)
        r = check(cli, c, args[0], arena, &d);
    cli_print_diags(&d);
    config_release(c);
    arena_free(arena);
    return r;
}
