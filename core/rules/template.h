/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file template.h
 * @brief Output texts: `%proc.name`, `%evt.arg[flags]`, `%tolower(proc.name)`, `%20fd.name`.
 *
 * As in Falco: the longest name that is a field counts, what follows is text; a leading '*' is
 * dropped (absent values never hold an alert back); there is no `%%`.
 */
#ifndef RULES_TEMPLATE_H
#define RULES_TEMPLATE_H

#include "rules/select.h"

/** Fill rule->output, rule->outputs and rule->texts. What is wrong becomes problems of @p u.
 *  @param extras struct extra: what to append. @return 0; -ENOMEM. */
int template_build(struct resolver *r, struct unit *u, const struct text *t,
                   const struct vec *extras, struct rule *rule);

#endif /* RULES_TEMPLATE_H */
