/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file record.h
 * @brief Recording from the command line: `gyr record`, and --record of `gyr run` and `replay`.
 * Main thread.
 */
#ifndef CLI_RECORD_H
#define CLI_RECORD_H

#include "config/config.h"
#include "pipeline/pipeline.h"

#include <stdio.h>

enum { RECORD_SOURCES_MAX = 64 };

/** Strings are argv's; NULL: as the plugin has it. */
struct record_conf {
    const char *path; /**< NULL: nothing is recorded */
    const char *filter, *rotate_size, *rotate_interval, *keep, *buffer;
    const char *sources[RECORD_SOURCES_MAX]; /**< of the configuration, or plugins */
    uint32_t n_sources;
    bool only; /**< no rules, no outputs, and no enricher that only they need */
};

/** Change the configuration so that it records. @return 0; -1: no memory. */
int record_use(const struct record_conf *c, struct arena *a, struct config *cfg);

/** Tell what was recorded. @pre the pipeline is finished. */
void record_print(FILE *f, struct pipeline *p);
/** Has a recording ended before its time? Any time. */
bool record_failed(struct pipeline *p);

#endif /* CLI_RECORD_H */
