/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file plugin_cmd.h
 * @brief What `gyr plugin` can do: describe, new, check. Main thread.
 */
#ifndef CLI_PLUGIN_CMD_H
#define CLI_PLUGIN_CMD_H

#include "cli/cli.h"

enum { PLUGIN_SETS_MAX = 64 };

/** What the command line says. Strings are argv's. */
struct plugin_conf_cli {
    const char *config;                /**< -c; NULL: none was given */
    const char *lang;                  /**< --lang; NULL: C */
    const char *sets[PLUGIN_SETS_MAX]; /**< -o KEY=VALUE */
    uint32_t n_sets;
    bool json, verbose;
};

/** Print what plugins say of themselves. @return CLI_*. */
int plugin_describe_all(const struct plugin_conf_cli *c, char *const *names, int n);
/** Write a new project: KIND NAME [FOLDER]. @return CLI_*. */
int plugin_new(const struct plugin_conf_cli *c, char *const *args, int n);
/** Try a plugin, and report. @return CLI_*. */
int plugin_check(const struct plugin_conf_cli *c, char *const *args, int n);

#endif /* CLI_PLUGIN_CMD_H */
