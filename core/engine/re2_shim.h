/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file re2_shim.h
 * @brief Regular expressions (libre2) behind a C interface: POSIX syntax, whole-value matches.
 *
 * Matching takes time linear in the text. No exception leaves. Any thread; one expression may be
 * matched by several threads at once.
 */
#ifndef ENGINE_RE2_SHIM_H
#define ENGINE_RE2_SHIM_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct regex;

/** @return NULL, and why in @p msg (NUL-terminated, cut to @p cap). */
struct regex *regex_new(const char *s, size_t n, char *msg, size_t cap);
void regex_free(struct regex *re); /**< NULL is fine */
/** Does the whole text match? Bytes that are no UTF-8 count as U+FFFD. @return 1, 0. */
int regex_match(const struct regex *re, const char *s, size_t n);
/** Does a replacement fit the expression (no group that it has not)? @return 1; 0 and why. */
int regex_can_replace(const struct regex *re, const char *with, char *msg, size_t cap);
/** Replace every match. @return 0: there is none; 1 and a text to free(); -1: no memory. */
int regex_replace(const struct regex *re, const char *s, size_t n, const char *with, char **ret,
                  size_t *ret_len);

#ifdef __cplusplus
}
#endif

#endif /* ENGINE_RE2_SHIM_H */
