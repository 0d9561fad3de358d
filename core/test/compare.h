/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file compare.h
 * @brief Alerts that came against those expected. Main thread.
 *
 * Expectations are met by alerts of their rule, each alert by one of them, in any order unless the
 * test says "order: given". Alerts of rules that no expectation names, or of which one
 * says "2+", are nobody's business, unless the test says "expect_none".
 */
#ifndef TEST_COMPARE_H
#define TEST_COMPARE_H

#include "test/runner.h"

/** @param out gets lines for a user about each difference; nothing when all is as expected.
 *  @return how many differences. Alerts are marked as taken; comparing again begins anew. */
uint32_t compare_test(const struct test *t, struct test_result *r, struct buf *out);

#endif /* TEST_COMPARE_H */
