/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file drive.h
 * @brief Runs a pipeline to its end: signals, progress, summary. What `gyr run` and `gyr replay`
 * share. Main thread.
 */
#ifndef CLI_DRIVE_H
#define CLI_DRIVE_H

#include "cli/startup.h"

/** Load, start, run, end. SIGINT and SIGTERM end it cleanly, a second one at once; SIGHUP has the
 *  outputs open their files anew, and where c->reloads says so the configuration loaded anew, as
 *  changes of its files do. @return CLI_*. */
int drive(const struct startup_conf *c);

#endif /* CLI_DRIVE_H */
