/* SPDX-License-Identifier: Apache-2.0 */
/* gyr plugin describe: what a plugin says of itself. */
#include "base/cleanup.h"
#include "base/text.h"
#include "cli/plugin_cmd.h"
#include "config/config.h"
#include "plugin/plugin.h"

#include <string.h>
#include <unistd.h>

enum { TEXT_MAX = 4 << 20 };
static const size_t CONFIG_MEM_MAX = 64u << 20;

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

int plugin_describe_all(const struct plugin_conf_cli *conf, char *const *names, int n)
{
    struct arena *arena = arena_new(CONFIG_MEM_MAX);
    struct plugins ps = {0};
    struct config *c = NULL;
    struct diags d;
    int r = CLI_FINE;

    if (!arena)
        return cli_fail(&plugin_command, "out of memory");
    diags_init(&d, arena);
    if (config_load(conf->config, arena, &d, &c) == 0) {
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
