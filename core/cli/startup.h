/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file startup.h
 * @brief From a command line to a pipeline: configuration, what the command line changes in it,
 * plugins, rules; and telling what was loaded. Main thread.
 */
#ifndef CLI_STARTUP_H
#define CLI_STARTUP_H

#include "base/filewatch.h"
#include "cli/cli.h"
#include "cli/record.h"
#include "pipeline/pipeline.h"
#include "service/service.h"

/** What `gyr run` and `gyr replay` take from the command line. Strings are argv's. */
struct startup_conf {
    const struct cli_command *cmd;
    const char *config; /**< -c; NULL: the usual place */
    const char **rules; /**< -r: instead of the configuration's */
    const char **dirs;  /**< --plugin-dir: searched first */
    char **captures;    /**< replay: what to read; NULL: the configuration's sources */
    const char *speed;  /**< replay: NULL: the plugin's default */
    const char *output; /**< instead of the configuration's */
    struct record_conf record;
    uint32_t n_rules, n_dirs, n_captures;
    uint32_t verbose; /**< how often it was asked for */
    int log_level;    /**< LOG_L_*; 0: not said */
    bool json, quiet, stats;
    bool dry_run; /**< start, and end at once */
    bool reloads; /**< SIGHUP and changed files have the configuration loaded anew */
};

/** What a started command holds. */
struct session {
    struct arena *arena;
    struct diags diags;
    struct config *config;
    struct plugins plugins;
    struct plugin_conf live;   /**< the source, when live_start() has chosen it */
    struct service *service;   /**< NULL: none */
    struct pipeline *pipeline; /**< NULL: the configuration has no source; live_start() makes it */
    struct filewatch *watch;   /**< of its files; NULL: they are not watched */
};

/** Options that both commands have; a table begins with these. */
#define STARTUP_OPTS                                                                               \
    {"config", 'c', "FILE", "configuration (default: /etc/gyr/gyr.yaml, else built in)"},          \
        {"rules", 'r', "PATH", "rules: a file or folder, instead of the configuration's"},         \
        {"plugin-dir", 0, "DIR", "look for plugins here first"},                                   \
        {"output", 'o', "NAME",                                                                    \
         "send alerts only to this output of the configuration, or plugin"},                       \
        {"json", 'j', NULL, "alerts on standard output as JSON lines"},                            \
        {"record", 0, "FILE",                                                                      \
         "write the events into a capture, too (.scap, .scap.gz, .scap.zst)"},                     \
        {"quiet", 'q', NULL, "say nothing but alerts and errors"},                                 \
        {"verbose", 'v', NULL, "say more of what happens; twice: all"},                            \
        {"log-level", 0, "LEVEL", "error, warning, notice, info or debug, whatever else is said"}, \
    {                                                                                              \
        "stats", 0, NULL, "at the end, print all counters"                                         \
    }
enum { STARTUP_N_OPTS = 10 };

enum { STARTUP_LIST_MAX = 256, STARTUP_ARENA_MAX = 256 << 20 /**< of a configuration */ };

/** Take option @p o (below STARTUP_N_OPTS) of the parser. The lists must have room for
 *  STARTUP_LIST_MAX. @return 0; or CLI_USAGE after telling. */
int startup_option(struct startup_conf *c, const struct cli_parser *p, int o);
/** Load everything; without a source of events, only the configuration. @return CLI_FINE, or
 *  another after telling why. */
int startup(const struct startup_conf *c, struct session *s);
/** Load the configuration, with what the command line changes in it, and watch its files.
 *  @return 0; negative after telling @p d. */
int startup_config(const struct startup_conf *c, struct session *s, struct arena *a,
                   struct diags *d, struct config **ret);
/** How much is logged from now on. */
void startup_set_level(const struct startup_conf *c, const struct config *cfg);
/** Make the pipeline of the session's configuration. @return 0; negative after telling s->diags. */
int startup_pipeline(const struct startup_conf *c, struct session *s);
/** Tell on stderr which configuration, rules and plugins were loaded. */
void startup_print(const struct session *s);
void session_free(struct session *s);

#endif /* CLI_STARTUP_H */
