/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file names.h
 * @brief Names of errors, signals and capabilities, as the kernel has them on every architecture we
 * read captures of. Constant data; any thread.
 */
#ifndef NAMES_NAMES_H
#define NAMES_NAMES_H

#include <stdint.h>

const char *names_errno(int64_t res); /**< of a result: a negated errno; NULL: none */
const char *names_signal(uint64_t number);
/** "CAP_CHOWN"; NULL past the last one. */
const char *names_cap(uint32_t number);

enum { NAMES_CAPS_TEXT = 1024 };
/** The names of a set, blanks between. @return the length; there is no NUL. */
uint32_t names_caps_text(char out[NAMES_CAPS_TEXT], uint64_t caps);
uint64_t names_caps_all(void);

#endif /* NAMES_NAMES_H */
