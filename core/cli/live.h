/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file live.h
 * @brief Which source watches the running machine, when the configuration names none. Main thread.
 */
#ifndef CLI_LIVE_H
#define CLI_LIVE_H

#include "cli/startup.h"

/** Try the configuration's live_sources in order: the first that starts is the session's source,
 * and its pipeline runs. What each of the others lacked is told, one line each.
 *  @pre the session has a configuration without sources, and no pipeline.
 *  @return CLI_FINE; CLI_FAILED after telling why. */
int live_start(const struct startup_conf *c, struct session *s);

#endif /* CLI_LIVE_H */
