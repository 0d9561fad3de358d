/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file config_priv.h
 * @brief Between the files of this folder. Main thread.
 */
#ifndef CONFIG_CONFIG_PRIV_H
#define CONFIG_CONFIG_PRIV_H

#include "config/config.h"

enum { QUEUE_DEFAULT = 4096 };

/** An entry that says nothing but its name. */
extern const struct plugin_conf plugin_conf_default;
/** The file that is read when none is named; NULL: there is none. */
const char *config_default_path(struct arena *arena);

#endif /* CONFIG_CONFIG_PRIV_H */
