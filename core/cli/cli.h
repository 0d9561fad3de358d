/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file cli.h
 * @brief The commands of `gyr`, and what they share: options, usage errors, exit codes.
 *
 * Main thread only. A command is a table (which is also its --help) and a function:
 *
 *     struct cli_parser p;
 *     int o;
 *
 *     cli_begin(&p, &replay_command, argc, argv);
 *     while ((o = cli_next(&p)) >= 0)
 *         switch (o) { case OPT_CONFIG: path = p.value; break; … }  // o: index into the table
 *     if (o == CLI_STOP)
 *         return p.exit_code;      // --help was shown, or the usage was wrong and has been told
 *     … p.args[0 .. p.n_args) are what is not an option …
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "base/diag.h"
#include "base/version.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/** What `gyr` exits with. */
enum {
    CLI_FINE = 0,
    CLI_FAILED = 1, /**< the work failed: a rule error, a damaged capture, a failed test */
    CLI_USAGE = 2   /**< wrong usage */
};

/** An option of a command: --name (and -letter), with a value when `arg` names one. */
struct cli_opt {
    const char *name;
    char letter;      /**< 0: none */
    const char *arg;  /**< "FILE"; NULL: takes no value */
    const char *help; /**< one line */
};

struct cli_command {
    const char *name;
    const char *usage;   /**< what follows "gyr NAME": "[OPTION…] FILE"; lines split by '\n' */
    const char *summary; /**< one line, no full stop: `gyr --help` lists it */
    const char *about;   /**< some sentences for `gyr NAME --help`, wrapped by hand */
    const struct cli_opt *opts;
    uint32_t n_opts;
    int (*run)(int argc, char **argv); /**< argv[0] is the command's name. @return CLI_* */
};

/* One for each command, beside its function. */
extern const struct cli_command run_command, replay_command, record_command, check_command,
    explain_command, list_command, plugin_command, output_command, test_command, status_command,
    completion_command, migrate_command;

/** All, in the order of --help (main.c). */
extern const struct cli_command *const cli_commands[];
extern const size_t cli_n_commands;

int cmd_run(int argc, char **argv);
int cmd_replay(int argc, char **argv);
int cmd_record(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_list(int argc, char **argv);
int cmd_plugin(int argc, char **argv);
int cmd_output(int argc, char **argv);
int cmd_test(int argc, char **argv);
int cmd_migrate(int argc, char **argv);
int cmd_explain(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_completion(int argc, char **argv);

struct cli_parser {
    const struct cli_command *cmd;
    char **argv;
    int argc, at;
    const char *cluster; /* rest of "-abc" */
    bool only_args;      /* "--" has been seen */
    const char *value;   /**< of the option just returned; NULL if it takes none */
    char **args;         /**< what is not an option, moved to the front of argv[1..] */
    int n_args;
    int exit_code; /**< with CLI_STOP */
};

enum { CLI_END = -1, CLI_STOP = -2 };

void cli_begin(struct cli_parser *p, const struct cli_command *cmd, int argc, char **argv);
/** @return index of the next option in cmd->opts; CLI_END; CLI_STOP. */
int cli_next(struct cli_parser *p);
/** Tell what is wrong with the command line, point to --help. @return CLI_USAGE. */
__attribute__((format(printf, 2, 3))) int cli_usage(const struct cli_command *cmd, const char *fmt,
                                                    ...);
/** Print "gyr: NAME: …" (NAME left out when @p cmd is NULL) to stderr. @return CLI_FAILED. */
__attribute__((format(printf, 2, 3))) int cli_fail(const struct cli_command *cmd, const char *fmt,
                                                   ...);
/** May @p f be written to in colour: a terminal, and neither NO_COLOR nor TERM=dumb says no. */
bool cli_color(FILE *f);
/** All diagnostics to stderr, with lines and carets. */
void cli_print_diags(const struct diags *d);

#endif /* CLI_CLI_H */
