/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file num.h
 * @brief Checked parsing of numbers, truth values, sizes and durations. Any thread.
 *
 * Each takes the whole of @p s[0..n) or refuses it. @return 0; -EINVAL: not one; -ERANGE: too
 * large.
 */
#ifndef BASE_NUM_H
#define BASE_NUM_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Decimal, 0x hexadecimal; no sign. */
int parse_u64(const char *s, size_t n, uint64_t *ret);
/** The same with an optional '-' or '+'. */
int parse_i64(const char *s, size_t n, int64_t *ret);
int parse_double(const char *s, size_t n, double *ret);
/** true/false, yes/no, on/off, any case. */
int parse_bool(const char *s, size_t n, bool *ret);
/** Bytes: a number and K, M, G, T (powers of 1024; "KB", "KiB" too). */
int parse_size(const char *s, size_t n, uint64_t *ret);
/** Nanoseconds: numbers with ns us ms s m h d, as in "250ms", "1h30m"; "0". */
int parse_duration(const char *s, size_t n, uint64_t *ret);
/** The shortest text that parse_duration() takes: "1h30m". */
void buf_add_duration(struct buf *b, uint64_t ns);

#endif /* BASE_NUM_H */
