/* SPDX-License-Identifier: Apache-2.0 */
/* gyr replay: rules over captures. */
#include "cli/drive.h"

#include "base/cleanup.h"

#include <string.h>

enum { OPT_SPEED = STARTUP_N_OPTS };

static const struct cli_opt opts[] = {
    STARTUP_OPTS,
    {"speed", 's', "real|max", "as it was recorded, or as fast as possible (default)"},
};

const struct cli_command replay_command = {
    .name = "replay",
    .usage = "[OPTION…] FILE…",
    .summary = "read captures and print what is wrong in them",
    .about =
        "Read captures (.scap, also compressed by gzip or zstd; \"-\" is standard input), one\n"
        "after the other, apply the rules and print the alerts. Alerts go to standard output,\n"
        "everything else to standard error. Outputs of a configuration are used when it is\n"
        "named with -c.\n"
        "\n"
        "Exit code: 0 the captures were read to their end and every alert was delivered;\n"
        "1 something failed (a damaged capture still gives its alerts up to the damage);\n"
        "2 wrong usage.",
    .opts = opts,
    .n_opts = ARRAY_LEN(opts),
    .run = cmd_replay,
};

int cmd_replay(int argc, char **argv)
{
    static const char *rules[STARTUP_LIST_MAX], *dirs[STARTUP_LIST_MAX];
    struct startup_conf c = {.cmd = &replay_command, .rules = rules, .dirs = dirs};
    struct cli_parser p;
    int o, r;

    cli_begin(&p, &replay_command, argc, argv);
    while ((o = cli_next(&p)) >= 0) {
        r = 0;
        if (o == OPT_SPEED)
            c.speed = p.value;
        else
            r = startup_option(&c, &p, o);
        if (r)
            return r;
    }
    if (o == CLI_STOP)
        return p.exit_code;
    if (c.speed && strcmp(c.speed, "real") != 0 && strcmp(c.speed, "max") != 0)
        return cli_usage(&replay_command, "--speed is 'real' or 'max', not '%s'", c.speed);
    if (p.n_args == 0)
        return cli_usage(&replay_command, "no capture was named");
    c.captures = p.args;
    c.n_captures = (uint32_t)p.n_args;
    return drive(&c);
}
