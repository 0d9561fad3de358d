/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file expect.h
 * @brief What was said (live.h), as a whole; and its comparison with what came.
 */
#ifndef LIVE_EXPECT_H
#define LIVE_EXPECT_H

#include <stddef.h>

enum { SAID_MAX = 8 << 20, SAID_LINE = 1 << 18 };

void said_open(void);
/** @return the lines, borrowed; *ret_len bytes without a NUL. */
const char *said_text(size_t *ret_len);

/** Compare a file of expectations with what tap.so wrote. Prints each difference and the table of
 *  event types. @return 0 when all came as expected; 1; 2 when a file cannot be read. */
int compare(const char *expectations, const char *came);

#endif /* LIVE_EXPECT_H */
