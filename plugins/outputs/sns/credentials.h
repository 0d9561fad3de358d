/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file credentials.h
 * @brief The access key: from the options, the environment, a role or the shared credentials file.
 */
#ifndef SNS_CREDENTIALS_H
#define SNS_CREDENTIALS_H

#include <gyr/util.h>

struct credentials {
    char key[256], secret[512], token[8192]; /**< token: "" when there is none */
    int64_t expires;                         /**< seconds since the epoch; 0: it does not */
};

/** What the options say; any may be NULL. Borrowed for the call. */
struct credentials_conf {
    const char *key, *secret, *token;
    const char *file;    /**< NULL: as the environment says, else ~/.aws/credentials */
    const char *profile; /**< NULL: as the environment says, else "default" */
};

struct role_asker;

/** In the order of Amazon's own tools: options, environment, role of the workload, file, role of
 *  the container, role of the machine. A file or profile of the options is the only place looked
 * at.
 *  @return 0; a negative errno, GYR_E_CONF: no sentence shows a secret. */
int credentials_load(const struct credentials_conf *conf, const struct role_asker *asker,
                     struct credentials *ret, struct gyr_error *err);
/** @param token may be NULL. @return 0; GYR_E_CONF when one of them cannot be. */
int credentials_set(struct credentials *c, const char *key, const char *secret, const char *token,
                    struct gyr_error *err);
/** The only line of a file of at most @p max bytes, to be freed by credentials_free_line(). */
int credentials_read_line(const char *path, size_t max, char **ret, struct gyr_error *err);
void credentials_free_line(char *line); /**< wipes it; NULL is fine */
/** Wipe it. */
void credentials_clear(struct credentials *c);

#endif /* SNS_CREDENTIALS_H */
