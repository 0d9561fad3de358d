/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file host_root.h
 * @brief Where the file tree of the watched host is, seen from here: in a container it is not ours.
 *
 * Any thread.
 */
#ifndef BASE_HOST_ROOT_H
#define BASE_HOST_ROOT_H

#include <stdbool.h>

struct host_root {
    const char *path; /**< "" ours; "/host". Constant */
    bool is_blind;    /**< in a container, and the host's /proc cannot be seen */
    const char *why;  /**< one sentence. Constant */
};

/** The host's tree is ours, unless we are in another PID namespace than the first one, or share
 *  that but not its files; then it is /host, if the /proc there is that of the first namespace.
 *  @param tree stands before every path that is looked at; "" but in tests. */
void host_root_find(const char *tree, struct host_root *ret);

/** Can the processes of the host at @p root be seen? */
bool host_root_has_proc(const char *root);

#endif /* BASE_HOST_ROOT_H */
