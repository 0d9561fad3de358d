/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file message.h
 * @brief An alert as a syslog message: RFC 5424 or RFC 3164, within a size.
 *
 * Nothing is allocated; any thread.
 */
#ifndef SYSLOG_MESSAGE_H
#define SYSLOG_MESSAGE_H

#include <gyr/plugin.h>

enum { SYSLOG_RFC5424 = 0, SYSLOG_RFC3164 = 1 };
enum { SYSLOG_TEXT = 0, SYSLOG_JSON = 1 };
enum { SYSLOG_SIZE_MIN = 480, SYSLOG_SIZE_MAX = 1 << 20 };

/** How messages look. Strings are borrowed. */
struct syslog_style {
    int rfc, content; /**< SYSLOG_* */
    int facility;     /**< 0 to 23 */
    int local;        /**< RFC 3164 without the host's name, as /dev/log expects it */
    int bom;          /**< mark text that is not ASCII as UTF-8 (RFC 5424) */
    const char *app_name, *hostname; /**< hostname NULL: the alert's */
    const char *sd_id;               /**< of the structured data; "" or NULL: none */
    const char *const *fields;       /**< that stand there too, ended by NULL; "*": all; or NULL */
    uint32_t pid;
};

/**
 * Write the message to @p buf, at most @p max bytes (at least SYSLOG_SIZE_MIN), no NUL. What does
 * not fit is cut between two characters and ends in "[cut]"; JSON would be none any more, and
 * gives way to the text.
 * @return its length.
 */
size_t syslog_message(const struct syslog_style *st, const struct gyr_alert *a, char *buf,
                      size_t max);

#endif /* SYSLOG_MESSAGE_H */
