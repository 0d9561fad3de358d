/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file fields.h
 * @brief Fields that tests ask of alerts, though the rules' outputs do not name them. Main thread.
 */
#ifndef TEST_FIELDS_H
#define TEST_FIELDS_H

#include "rules/adjust.h"
#include "test/testfile.h"

/** @param base what the configuration adjusts, kept. @return 0 and all of it, in the arena;
 * -ENOMEM.
 */
int fields_collect(const struct testfile *files, uint32_t n, const struct rule_adjust *base,
                   struct arena *arena, struct rule_adjust *ret);

#endif /* TEST_FIELDS_H */
