/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file role.h
 * @brief Temporary keys of a role: of the workload (web identity), the container, the machine.
 *
 * Which of them there is says the environment, by the names that Amazon's own tools have for it.
 * The calls wait for an answer, a few seconds at most, or until they are woken.
 */
#ifndef SNS_ROLE_H
#define SNS_ROLE_H

#include "credentials.h"
#include "http/http.h"

#include <stdatomic.h>

/** Who asks. Borrowed for the call, in which nothing else uses @p http. */
struct role_asker {
    struct http *http;
    const atomic_bool *woken;
    const char *region; /**< of the security token service */
    bool is_china;
};

/** All: @return 0; 1: the environment names no such role; a negative errno, GYR_E_CONF. */

/** AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN, by AssumeRoleWithWebIdentity. */
int role_of_workload(const struct role_asker *a, struct credentials *ret, struct gyr_error *err);
/** AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI. */
int role_of_container(const struct role_asker *a, struct credentials *ret, struct gyr_error *err);
/** The metadata service, version 2, unless AWS_EC2_METADATA_DISABLED. */
int role_of_machine(const struct role_asker *a, struct credentials *ret, struct gyr_error *err);

#endif /* SNS_ROLE_H */
