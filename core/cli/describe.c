/* SPDX-License-Identifier: Apache-2.0 */
/* gyr plugin describe: what a plugin says of itself. */
#include "base/cleanup.h"
#include "base/text.h"
#include "cli/cli.h"
#include "config/config.h"
#include "plugin/plugin.h"

#include <string.h>
#include <unistd.h>

enum { OPT_CONFIG };
enum { TEXT_MAX = 4 << 20 };
static const size_t CONFIG_MEM_MAX = 64u << 20;

static const struct cli_opt opts[] = {
    [OPT_CONFIG] = {"config", 'c', "FILE", "configuration whose plugin folders are searched"},
};

const struct cli_command plugin_command = {
    .name = "plugin",
    .usage = "describe [OPTION…] NAME|FILE.so…",
    .summary = "describe a plugin: what it is, its options and fields",
    .about =
        "Load a plugin by its name, from the plugin folders, or by its file, and print what it\n"
        "says of itself: capabilities, options with their defaults, fields. Nothing of it is\n"
        "started. When it cannot be loaded, the reason is told.\n"
        "\n"
        "Exit code: 0 described; 1 it cannot be loaded; 2 wrong usage.",
    .opts = opts,
    .n_opts = ARRAY_LEN(opts),
    .run = cmd_plugin,
};

static int describe(struct plugins *ps, struct arena *arena, const char *name)
{
    struct buf raw, text;
    struct gyr_error err = {0};
    struct plugin *p = NULL;
    const char *dot = strrchr(name, '.');
    int r;

    /* "foo.so" is a file here, though it has no slash */
    if (!strchr(name, '/') && dot && strcmp(dot, ".so") == 0)
        name = arena_printf(arena, "./%s", name);
    if (!name)
        return cli_fail(&plugin_command, "out of memory");
    if (plugins_load(ps, name, &p, &err) < 0)
        return cli_fail(&plugin_command, "%s", err.msg);
    buf_init(&raw, TEXT_MAX);
    plugin_describe(p, &raw);
    buf_init(&text, TEXT_MAX);
    for (const char *s = raw.p, *eol; *s; s = eol + 1) { /* lines are ours, the rest is not */
        eol = strchrnul(s, '\n');
        text_add_safe(&text, s, (size_t)(eol - s));
        buf_addc(&text, '\n');
        if (!*eol)
            break;
    }
    r = raw.failed || text.failed
            ? cli_fail(&plugin_command, "%s: its description is too long", name)
            : CLI_FINE;
    if (r == CLI_FINE)
        (void)fputs(text.p, stdout);
    buf_free(&raw);
    buf_free(&text);
    return r;
}

static int describe_all(const char *config, char *const *names, int n)
{
    struct arena *arena = arena_new(CONFIG_MEM_MAX);
    struct plugins ps = {0};
    struct config *c = NULL;
    struct diags d;
    int r = CLI_FINE;

    if (!arena)
        return cli_fail(&plugin_command, "out of memory");
    diags_init(&d, arena);
    if (config_load(config, arena, &d, &c) == 0) {
        ps.dirs = c->plugin_dirs;
        ps.n_dirs = c->n_plugin_dirs;
    } else {
        r = CLI_FAILED;
    }
    cli_print_diags(&d);
    for (int i = 0; c && i < n; i++) {
        if (i)
            (void)putchar('\n');
        if (describe(&ps, arena, names[i]) != CLI_FINE)
            r = CLI_FAILED;
    }
    plugins_free(&ps);
    config_release(c);
    arena_free(arena);
    return r;
}

int cmd_plugin(int argc, char **argv)
{
    const char *config = NULL;
    struct cli_parser p;
    int o;

    cli_begin(&p, &plugin_command, argc, argv);
    while ((o = cli_next(&p)) >= 0)
        if (o == OPT_CONFIG)
            config = p.value;
    if (o == CLI_STOP)
        return p.exit_code;
    if (p.n_args == 0 || strcmp(p.args[0], "describe") != 0)
        return cli_usage(&plugin_command, "say what to do: describe");
    if (p.n_args < 2)
        return cli_usage(&plugin_command, "say which plugin to describe");
    return describe_all(config, p.args + 1, p.n_args - 1);
}
