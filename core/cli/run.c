/* SPDX-License-Identifier: Apache-2.0 */
/* gyr run: the detector. */
#include "cli/drive.h"

#include "base/cleanup.h"

enum { OPT_DRY_RUN = STARTUP_N_OPTS };

static const struct cli_opt opts[] = {
    STARTUP_OPTS,
    {"dry-run", 0, NULL, "start everything, then end at once: would it run?"},
};

const struct cli_command run_command = {
    .name = "run",
    .usage = "[OPTION…]",
    .summary = "watch this machine, or whatever the configuration's sources see",
    .about =
        "Load configuration, plugins and rules, and send alerts to the outputs until a signal\n"
        "ends it. When the configuration names no source, the first of its live_sources (ebpf,\n"
        "kmod) that works here is taken. Once all has started, capabilities that no plugin in\n"
        "use needs are dropped.\n"
        "\n"
        "SIGINT and SIGTERM: end when everything is delivered, for at most 5 s; once more: at\n"
        "once. SIGHUP: open the outputs' files anew, load configuration and rules anew. The\n"
        "latter is also done when one of their files changes (watch_config_files). What does\n"
        "not load changes nothing but for the messages about it. Sources and enrichers change\n"
        "with the next start only.\n"
        "\n"
        "Exit code: 0 ended by a signal, or the sources came to their end; 1 something\n"
        "failed; 2 wrong usage.",
    .opts = opts,
    .n_opts = ARRAY_LEN(opts),
    .run = cmd_run,
};

int cmd_run(int argc, char **argv)
{
    static const char *rules[STARTUP_LIST_MAX], *dirs[STARTUP_LIST_MAX];
    struct startup_conf c = {.cmd = &run_command, .rules = rules, .dirs = dirs, .reloads = true};
    struct cli_parser p;
    int o, r;

    cli_begin(&p, &run_command, argc, argv);
    while ((o = cli_next(&p)) >= 0) {
        r = 0;
        if (o == OPT_DRY_RUN)
            c.dry_run = true;
        else
            r = startup_option(&c, &p, o);
        if (r)
            return r;
    }
    if (o == CLI_STOP)
        return p.exit_code;
    if (p.n_args)
        return cli_usage(&run_command, "'%s' is one word too many", p.args[0]);
    return drive(&c);
}
