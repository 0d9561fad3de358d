/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file smtp.h
 * @brief A mail to a server, by libcurl. One thread, but for smtp_wake(); the connection is kept
 * between mails.
 */
#ifndef EMAIL_SMTP_H
#define EMAIL_SMTP_H

#include <gyr/plugin.h>

enum { SMTP_STARTTLS = 0, SMTP_IMPLICIT = 1, SMTP_PLAIN = 2 };

/** Borrowed for the life of the connection. */
struct smtp_conf {
    const char *url; /**< "smtp://HOST:PORT/NAME-OF-OURS", or smtps */
    int tls;         /**< SMTP_* */
    const char *ca;  /**< NULL: the system's */
    int verify;
    const char *user, *password; /**< NULL: none */
    const char *from;            /**< the bare address */
    const char *const *to;       /**< bare addresses, ended by NULL */
    long timeout_ms;
};

struct smtp;

int smtp_new(const struct smtp_conf *conf, struct smtp **ret, struct gyr_error *err);
void smtp_free(struct smtp *s);
/** @return 0: the server has it; else *ret_verdict is GYR_V_RETRY or, when the server refused the
 *  mail for good, GYR_V_FAILED. A login that is refused is a matter of configuration: retry. */
int smtp_send(struct smtp *s, const char *mail, size_t len, uint32_t *ret_verdict,
              struct gyr_error *err);
/** Any thread: ends smtp_send(), now and later. */
void smtp_wake(struct smtp *s);

#endif /* EMAIL_SMTP_H */
