/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cleanup.h"
#include "base/log.h"
#include "base/suggest.h"
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <gyr/plugin.h>
#include <string.h>
#include <unistd.h>

const struct cli_command *const cli_commands[] = {
    &run_command,     &replay_command,  &record_command, &check_command,
    &explain_command, &migrate_command, &test_command,   &list_command,
    &plugin_command,  &output_command,  &status_command, &completion_command};
const size_t cli_n_commands = ARRAY_LEN(cli_commands);

static void print_help(void)
{
    printf("Usage: gyr COMMAND [OPTION…] [ARGUMENT…]\n"
           "\n"
           "Gyr watches a machine and its containers, and tells what is wrong by rules.\n"
           "\n"
           "Commands:\n");
    for (size_t i = 0; i < cli_n_commands; i++)
        printf("  %-12s %s\n", cli_commands[i]->name, cli_commands[i]->summary);
    printf("\n"
           "  -h, --help   show this text; 'gyr COMMAND --help' tells of a command\n"
           "  --version    print the version\n"
           "\n"
           "Exit code: 0 fine; 1 the work failed; 2 wrong usage.\n");
}

static const struct cli_command *find(const char *name)
{
    for (size_t i = 0; i < cli_n_commands; i++)
        if (strcmp(cli_commands[i]->name, name) == 0)
            return cli_commands[i];
    return NULL;
}

static int fail_unknown(const char *name)
{
    struct suggest s;
    const char *best;

    suggest_init(&s, name, strlen(name));
    suggest_offer(&s, "help");
    for (size_t i = 0; i < cli_n_commands; i++)
        suggest_offer(&s, cli_commands[i]->name);
    best = suggest_best(&s);
    return cli_usage(NULL, "there is no command '%s'%s%s%s", name, best ? "; did you mean '" : "",
                     best ? best : "", best ? "'?" : "");
}

static int help(int argc, char **argv)
{
    static char flag[] = "--help";
    const struct cli_command *cmd;

    if (argc < 3) {
        print_help();
        return CLI_FINE;
    }
    cmd = find(argv[2]);
    if (!cmd)
        return fail_unknown(argv[2]);
    return cmd->run(2, (char *[]){argv[2], flag, NULL});
}

static int dispatch(int argc, char **argv)
{
    const struct cli_command *cmd;

    if (argc < 2) {
        print_help();
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "help") == 0)
        return help(argc, argv);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return help(1, argv);
    if (strcmp(argv[1], "--version") == 0) {
        printf("gyr %s (plugin ABI %u.%u)\n", GYR_VERSION, GYR_ABI_MAJOR, GYR_ABI_MINOR);
        return CLI_FINE;
    }
    cmd = find(argv[1]);
    return cmd ? cmd->run(argc - 1, argv + 1) : fail_unknown(argv[1]);
}

/* What is opened next must not become a standard stream that was closed: alerts would be written
 * into it. A descriptor of the other direction has its use refused, as it was before. */
static int fill_standard_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 &&
            open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
            return -1;
    return 0;
}

int main(int argc, char **argv)
{
    int r;

    if (fill_standard_streams() < 0)
        return CLI_FAILED;
    log_begin();
    r = dispatch(argc, argv);

    /* A full disk under a redirected list must not look like success. */
    if ((fflush(stdout) != 0 || ferror(stdout)) && r == CLI_FINE)
        r = cli_fail(NULL, "standard output: %s", strerror(errno));
    return r;
}
