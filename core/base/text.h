/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file text.h
 * @brief Bytes of strangers made fit for terminals, logs and JSON. Any thread.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

/** Length in bytes (1 to 4) of the well-formed UTF-8 sequence at @p s, 0 if there is none. */
size_t utf8_len(const char *s, size_t n);
/** Overwrite control characters (but none above 0x7f) with '?', in place. */
void text_defuse(char *s, size_t n);
/** Append @p s with control characters (C0, DEL, C1) as \\xHH and bytes that are no UTF-8 as
 *  U+FFFD: safe for a terminal and valid UTF-8. */
void text_add_safe(struct buf *b, const char *s, size_t n);

#endif /* BASE_TEXT_H */
