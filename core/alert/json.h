/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file json.h
 * @brief Writing JSON into a buffer: exact 64-bit numbers, and no byte of a stranger that could
 * break a line, a terminal or a parser. Any thread.
 */
#ifndef ALERT_JSON_H
#define ALERT_JSON_H

#include "base/buf.h"

#include <gyr/types.h>

/** A string in quotes. Control characters (C0, DEL, C1) are escaped, bytes that are no UTF-8
 *  become U+FFFD. */
void json_add_str(struct buf *b, const char *s, size_t n);
/** A value: numbers and times (nanoseconds) as numbers, null for GYR_T_NONE, lists as arrays;
 *  numbers that are read in hexadecimal or octal, addresses and networks as their text. */
void json_add_value(struct buf *b, const struct gyr_value *v, uint32_t fmt);

#endif /* ALERT_JSON_H */
