/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file paths.h
 * @brief Paths: joined with a folder and normalised, and cut into folder and name. No state.
 */
#ifndef PROCESS_PATHS_H
#define PROCESS_PATHS_H

#include "store.h"

/** A joined path with its NUL, for the longest that the kernel takes from the longest folder that
 * it tells: a longer one gets a fixed text. (Falco's has 1024 bytes, before anything is resolved.)
 */
enum { PR_PATH_MAX = 8192 };

/** @p path, taken from folder @p dir unless it is absolute: ".", "..", doubled and last slashes
 *  are resolved. The text of @p dir is taken as it is. @return its length in @p out. */
uint32_t pr_path_join(char out[PR_PATH_MAX], struct pr_text dir, struct pr_text path);

/** The folder part: up to the last slash; "/" when there is none. */
struct pr_text pr_path_dir(struct pr_text path);
/** The last part; "/" when there is no slash. */
struct pr_text pr_path_name(struct pr_text path);

static inline bool pr_path_is_absolute(struct pr_text t)
{
    return t.len && t.p[0] == '/';
}

#endif /* PROCESS_PATHS_H */
