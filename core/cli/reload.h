/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file reload.h
 * @brief The configuration loaded anew while it runs. Main thread.
 */
#ifndef CLI_RELOAD_H
#define CLI_RELOAD_H

#include "cli/startup.h"

/** Load everything anew, as the command line says, and put it in force; tell what came of it, and
 *  what is wrong, with places. When something is, nothing changes. @pre the pipeline runs. */
void reload(const struct startup_conf *c, struct session *s);

#endif /* CLI_RELOAD_H */
