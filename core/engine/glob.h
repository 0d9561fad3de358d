/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file glob.h
 * @brief Shell patterns: * ? [a-z] [!a] [[:alpha:]] and \ before a literal; a slash or a leading
 * dot is a character like any other, as with fnmatch(3) without flags in the C locale.
 *
 * Any thread; no allocation. Time is bounded by the product of both lengths: a star never
 * backtracks over an earlier one.
 */
#ifndef ENGINE_GLOB_H
#define ENGINE_GLOB_H

#include <stdbool.h>
#include <stddef.h>

/** Does the whole of @p s match? @param icase ASCII letters match in either case. */
bool glob_match(const char *pat, size_t pat_len, const char *s, size_t n, bool icase);

#endif /* ENGINE_GLOB_H */
