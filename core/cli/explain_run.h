/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file explain_run.h
 * @brief A capture read to tell, of one rule, how the parts of its condition came out. Main thread.
 */
#ifndef CLI_EXPLAIN_RUN_H
#define CLI_EXPLAIN_RUN_H

#include "cli/catalogue.h"

enum { EXPLAIN_EVENTS_MAX = 64 };

struct explain_conf {
    uint64_t events[EXPLAIN_EVENTS_MAX]; /**< numbers; when there are any, only these */
    uint32_t n_events, matches, misses;  /**< at most EXPLAIN_EVENTS_MAX each */
};

/** @param rule name of an enabled rule. @return CLI_*. */
int explain_run(struct catalogue *c, const struct explain_conf *conf, const char *rule,
                const char *capture);

#endif /* CLI_EXPLAIN_RUN_H */
