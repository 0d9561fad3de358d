/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file conform.h
 * @brief Does a plugin keep what the ABI asks of it? It is tried in child processes, so that one
 * that crashes or hangs is a finding and nothing worse.
 *
 * Main thread of a process that has no other, and that has loaded no plugin: children are forked.
 */
#ifndef CONFORM_CONFORM_H
#define CONFORM_CONFORM_H

#include "base/yaml.h"

#include <gyr/types.h>

enum conform_result { CONFORM_OK, CONFORM_FAIL, CONFORM_SKIP };

enum { CONFORM_TEXT_MAX = 480, CONFORM_ROWS_MAX = 64 };

/** One check. */
struct conform_row {
    char name[24]; /**< "create source" */
    uint32_t result;
    char text[CONFORM_TEXT_MAX]; /**< one line: what was seen, or why not */
};

struct conform_report {
    char plugin[40], version[40], abi[16]; /**< "" when it could not be loaded */
    struct conform_row rows[CONFORM_ROWS_MAX];
    uint32_t n, n_failed, n_skipped;
};

struct conform_conf {
    const char *path;               /**< of the shared object, with a slash */
    const struct ynode *options;    /**< for its instances; NULL: none */
    const char *const *plugin_dirs; /**< where a source of an enricher's schema is looked for */
    uint32_t n_plugin_dirs;
    bool verbose; /**< let it write to our standard error */
};

/** Make all the checks. @return 0; -ENOENT and the like with a sentence: there is nothing to
 *  check. */
int conform_run(const struct conform_conf *conf, struct conform_report *ret, struct gyr_error *err);

#endif /* CONFORM_CONFORM_H */
