/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file message.h
 * @brief An alert as the form of a Publish request, and what the service answers.
 */
#ifndef SNS_MESSAGE_H
#define SNS_MESSAGE_H

#include "encode/encode.h"

struct message_conf {
    const char *topic;   /**< ARN */
    const char *subject; /**< "" for none; {priority}, {rule} and {host} are filled in */
    const char *group;   /**< of a FIFO topic; NULL: not one */
    int format;          /**< ENCODE_* */
};

/** Append the form to @p form. A message that the service would not take for its length is cut, and
 *  says so. @return 0; -ENOMEM. @p scratch is the caller's, for reuse. */
int message_form(const struct message_conf *conf, const struct gyr_alert *a,
                 struct gyr_lines *scratch, struct gyr_lines *form);

/** @return GYR_V_*; not accepted: *ret_why says why, *ret_renew that the key has run out. */
uint32_t message_verdict(long status, const char *body, size_t len, char *ret_why, size_t size,
                         int *ret_renew);

#endif /* SNS_MESSAGE_H */
