/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file scenario_rig.h
 * @brief Test files in memory, and the records that the source "scenario" makes of one of theirs.
 * For tests and fuzzers.
 */
#ifndef TESTS_SCENARIO_RIG_H
#define TESTS_SCENARIO_RIG_H

#include "event/schema.h"
#include "test/testfile.h"

#include <gyr/plugin.h>

struct scenario_rig {
    struct arena *arena;
    struct diags d;
    struct testfile file;
    struct schemas schemas;
    const struct gyr_plugin *plugin;
    void *self; /* of the last scenario_make() */
    struct gyr_error err;
};

/** @return whether the file could be read; else rig->d says why. */
bool scenario_read(struct scenario_rig *r, const char *text, size_t len);
/** The records of test @p i. @return 0; negative with rig->err. */
int scenario_make(struct scenario_rig *r, uint32_t i);
/** The next of them that is right by the schema; aborts at one that is not. @return NULL: no more.
 */
const struct gyr_event *scenario_next(struct scenario_rig *r);
void scenario_free(struct scenario_rig *r);

#endif /* TESTS_SCENARIO_RIG_H */
