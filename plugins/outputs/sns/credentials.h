/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file credentials.h
 * @brief The access key: from the options, else the environment, else the shared credentials file.
 */
#ifndef SNS_CREDENTIALS_H
#define SNS_CREDENTIALS_H

#include <gyr/util.h>

struct credentials {
    char key[256], secret[512], token[8192]; /**< token: "" when there is none */
};

/** What the options say; any may be NULL. Borrowed for the call. */
struct credentials_conf {
    const char *key, *secret, *token;
    const char *file;    /**< NULL: as the environment says, else ~/.aws/credentials */
    const char *profile; /**< NULL: as the environment says, else "default" */
};

/** @return 0; a negative errno, GYR_E_CONF: no sentence shows a secret. */
int credentials_load(const struct credentials_conf *conf, struct credentials *ret,
                     struct gyr_error *err);
/** Wipe it. */
void credentials_clear(struct credentials *c);

#endif /* SNS_CREDENTIALS_H */
