/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file pod_uid.h
 * @brief A pod's uid, told by its control group before anybody was asked.
 */
#ifndef K8S_POD_UID_H
#define K8S_POD_UID_H

#include <stdint.h>

enum { POD_UID_MAX = 36 };

/** @param cgroups "subsystem=path …". @return the length of what was put into @p ret, the innermost
 *  pod's; 0: no pod's. */
uint32_t pod_uid_of(const char *cgroups, uint32_t len, char ret[POD_UID_MAX]);

#endif /* K8S_POD_UID_H */
