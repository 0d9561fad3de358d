/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file http_file.h
 * @brief Files that requests need: tokens, certificates, keys.
 */
#ifndef COMMON_HTTP_FILE_H
#define COMMON_HTTP_FILE_H

#include <stddef.h>

/** A whole file, NUL-terminated, to be freed. @return 0; a negative errno; -EFBIG past @p max. */
int http_file(const char *path, size_t max, char **ret, size_t *ret_len);

#endif /* COMMON_HTTP_FILE_H */
