/* SPDX-License-Identifier: Apache-2.0 */
/* gyr plugin: for those who write plugins, and those who wonder what one does. */
#include "cli/plugin_cmd.h"

#include "base/cleanup.h"
#include "base/suggest.h"

#include <string.h>

enum { OPT_CONFIG, OPT_LANG, OPT_SET, OPT_JSON, OPT_VERBOSE };

static const struct cli_opt opts[] = {
    [OPT_CONFIG] = {"config", 'c', "FILE", "whose plugin folders are searched; check: and options"},
    [OPT_LANG] = {"lang", 0, "LANGUAGE", "new: c (default) or c++"},
    [OPT_SET] = {"option", 'o', "KEY=VALUE", "check: an option of the plugin, as in YAML"},
    [OPT_JSON] = {"json", 'j', NULL, "check: the report as one object of JSON"},
    [OPT_VERBOSE] = {"verbose", 'v', NULL, "check: show what the plugin logs, too"},
};

const struct cli_command plugin_command = {
    .name = "plugin",
    .usage = "describe [OPTION…] NAME|FILE.so…\n"
             "new [OPTION…] source|enricher|output NAME [FOLDER]\n"
             "check [OPTION…] NAME|FILE.so",
    .summary = "describe a plugin, begin a new one, check one",
    .about =
        "describe: load a plugin by its name, from the plugin folders, or by its file, and print\n"
        "what it says of itself: capabilities, options with their defaults, fields. Nothing of it\n"
        "is started. When it cannot be loaded, the reason is told.\n"
        "\n"
        "new: write a small project of its own into FOLDER (default: NAME), which must not be\n"
        "there yet: a plugin that works, its unit test, a Makefile, a configuration to try it.\n"
        "\n"
        "check: does a plugin keep what the ABI asks of it? It is tried in child processes: made\n"
        "and destroyed a thousand times, started, given wrong options, its source read and woken,\n"
        "its enricher fed, its output offered alerts (real ones, to where its options say). One\n"
        "that needs options gets them from -o or from its entry in the configuration of -c.\n"
        "\n"
        "Exit code: 0 done; 1 it cannot be loaded or written, or a check failed; 2 wrong usage.",
    .opts = opts,
    .n_opts = ARRAY_LEN(opts),
    .run = cmd_plugin,
};

static const struct action {
    const char *name, *missing;
    int n_args; /* at least */
    int (*run)(const struct plugin_conf_cli *c, char *const *args, int n);
} actions[] = {
    {"describe", "say which plugin to describe", 1, plugin_describe_all},
    {"new", "say what kind of plugin, and how it is called: new source NAME", 2, plugin_new},
    {"check", "say which plugin to check", 1, plugin_check},
};

static int fail_unknown(const char *name)
{
    struct suggest s;
    const char *best;

    suggest_init(&s, name, strlen(name));
    for (size_t i = 0; i < ARRAY_LEN(actions); i++)
        suggest_offer(&s, actions[i].name);
    best = suggest_best(&s);
    return cli_usage(&plugin_command, "'%s' cannot be done with a plugin%s%s%s", name,
                     best ? "; did you mean '" : "", best ? best : "", best ? "'?" : "");
}

int cmd_plugin(int argc, char **argv)
{
    struct plugin_conf_cli c = {0};
    struct cli_parser p;
    int o;

    cli_begin(&p, &plugin_command, argc, argv);
    while ((o = cli_next(&p)) >= 0)
        switch (o) {
        case OPT_CONFIG:
            c.config = p.value;
            break;
        case OPT_LANG:
            c.lang = p.value;
            break;
        case OPT_SET:
            if (c.n_sets == PLUGIN_SETS_MAX)
                return cli_usage(&plugin_command, "more than %d options", PLUGIN_SETS_MAX);
            c.sets[c.n_sets++] = p.value;
            break;
        case OPT_JSON:
            c.json = true;
            break;
        default:
            c.verbose = true;
            break;
        }
    if (o == CLI_STOP)
        return p.exit_code;
    if (p.n_args == 0)
        return cli_usage(&plugin_command, "say what to do: describe, new or check");
    for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
        if (strcmp(p.args[0], actions[i].name) != 0)
            continue;
        if (p.n_args - 1 < actions[i].n_args)
            return cli_usage(&plugin_command, "%s", actions[i].missing);
        return actions[i].run(&c, p.args + 1, p.n_args - 1);
    }
    return fail_unknown(p.args[0]);
}
