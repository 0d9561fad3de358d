/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file template.h
 * @brief Texts with places for what an alert says: "{rule}", "{field:proc.name}", "{text:100}",
 * "{priority|error=high|*=low}".
 *
 * In JSON a place inside a string is filled with the escaped text, and one outside with a whole
 * value; in HTML with escaped text: so that no alert can break out of a body. A template is
 * constant once compiled.
 */
#ifndef TEMPLATE_TEMPLATE_H
#define TEMPLATE_TEMPLATE_H

#include "encode/encode.h"

#include <stdbool.h>

/** What a template is written in. */
enum { TEMPLATE_TEXT = 0, TEMPLATE_JSON = 1, TEMPLATE_HTML = 2 };

struct template;

/** @param text copied. @param form TEMPLATE_*. @param key what "{key}" stands for; borrowed; NULL:
 * that is an error.
 *  @return 0; GYR_E_CONF with a sentence that begins with "the place"; -ENOMEM. */
int template_compile(const char *text, int form, const char *key, struct template **ret,
                     struct gyr_error *err);
void template_free(struct template *t); /**< NULL is fine */

/** Append. @param a NULL: only "{key}" is filled, everything else is empty.
 *  @return 0; -ENOMEM. */
int template_expand(const struct template *t, const struct gyr_alert *a, struct gyr_lines *out);

#endif /* TEMPLATE_TEMPLATE_H */
