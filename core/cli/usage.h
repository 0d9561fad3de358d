/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file usage.h
 * @brief Which fields rules read, and by how many rules. Main thread.
 */
#ifndef CLI_USAGE_H
#define CLI_USAGE_H

#include "rules/ruleset.h"

/** Count, for each field of the schema, the enabled rules that name it in condition or output.
 *  @param counts [schema->n_fields], zeroed. */
void usage_count(const struct ruleset *rs, const struct schema *schema, uint32_t *counts);

#endif /* CLI_USAGE_H */
