/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file override.h
 * @brief The lists and macros that a test replaces, as a rule file behind the others. Main thread.
 */
#ifndef TEST_OVERRIDE_H
#define TEST_OVERRIDE_H

#include "base/yaml.h"

/** What messages call that file. */
extern const char override_name[];

/** @param lists, macros @p n mappings of a name to its items or its condition, later ones replace
 *  earlier ones; each may be NULL. @return 0 and a text in the arena, NULL when there is nothing to
 *  replace; -EINVAL after telling @p d; -ENOMEM. */
int override_text(const struct ynode *const *lists, const struct ynode *const *macros, uint32_t n,
                  struct arena *arena, struct diags *d, const char **ret);

#endif /* TEST_OVERRIDE_H */
