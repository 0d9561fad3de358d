/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file render.h
 * @brief The text of an alert from a rule's template and the values of a match.
 */
#ifndef ENGINE_RENDER_H
#define ENGINE_RENDER_H

#include "base/buf.h"
#include "rules/ruleset.h"

/** Append the text. Values are made safe (control characters escaped, invalid UTF-8 replaced).
 *  @param values one for each rule->outputs. */
void render_output(struct buf *b, const struct rule *rule, const struct gyr_value *values);
/** The same for any template of the rule. */
void render_template(struct buf *b, const struct rule *rule, const struct template *t,
                     const struct gyr_value *values);

#endif /* ENGINE_RENDER_H */
