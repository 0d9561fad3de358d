/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file summary.h
 * @brief What a run has seen and done, told at its end. Main thread.
 */
#ifndef CLI_SUMMARY_H
#define CLI_SUMMARY_H

#include "pipeline/pipeline.h"

#include <stdio.h>

struct summary_conf {
    uint64_t elapsed_ns;
    bool interrupted, all; /**< all: every counter, zero or not */
    bool no_rules;         /**< say nothing of alerts */
};

/** @pre the pipeline is finished. */
void summary_print(FILE *f, struct pipeline *p, const struct summary_conf *conf);
/** Alerts that an output did not get. */
uint64_t summary_undelivered(struct pipeline *p);

#endif /* CLI_SUMMARY_H */
