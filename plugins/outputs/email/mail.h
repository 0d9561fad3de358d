/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file mail.h
 * @brief One or several alerts as a mail: headers, text, HTML.
 */
#ifndef EMAIL_MAIL_H
#define EMAIL_MAIL_H

#include "template/template.h"

/** How mails look. Borrowed. */
struct mail_style {
    const char *from;                             /**< as the header has it: "Gyr <gyr@example>" */
    const char *const *to;                        /**< ended by NULL */
    const struct template *subject, *text, *html; /**< html NULL: text only */
    size_t max_text;                              /**< bytes of the text; 0: any */
};

/** "Name <a@b>" or "a@b", ASCII. @return the address's length, its begin in *ret; 0: it is none. */
size_t mail_address(const char *s, const char **ret);

/** Write the mail of @p n alerts (at least one), lines ended by CR LF; not dot-stuffed. What was in
 *  @p out is gone. The subject is that of the most urgent. Message-ID is the same for the same
 *  alerts, so that a mail that comes twice can be told. @return 0; -ENOMEM. */
int mail_write(const struct mail_style *st, const struct gyr_alert *const *alerts, uint32_t n,
               struct gyr_lines *out);

/** Parts of it, for tests too. @return 0; -ENOMEM. */
int mail_add_header(struct gyr_lines *out, const char *name, const char *s, size_t len);
int mail_add_quoted(struct gyr_lines *out, const char *s, size_t len);

#endif /* EMAIL_MAIL_H */
