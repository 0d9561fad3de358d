/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file paramtext.h
 * @brief The text of an event's parameters, as evt.arg.* and evt.args show it.
 *
 * A parameter has up to two texts: what was recorded ("flags=4097") and what it means
 * ("O_RDONLY|O_CLOEXEC"). evt.arg gives the meaning where there is one, evt.args both:
 * "flags=4097(O_RDONLY|O_CLOEXEC)". On the source's thread; memory from the scratch block.
 */
#ifndef ENGINE_PARAMTEXT_H
#define ENGINE_PARAMTEXT_H

#include "engine/provider.h"

/** @param others asked for param_text(), in order.
 *  @return GYR_PRESENT and a string; GYR_ABSENT when the event has no such parameter, or the
 *  scratch block is used up. */
int param_text(const struct corefields_conf *conf, const struct gyr_event *ev,
               const struct gyr_event_type *t, uint32_t i, struct gyr_value *ret);

/** All of them, "name=text name=text". */
int params_text(const struct corefields_conf *conf, const struct gyr_event *ev,
                const struct gyr_event_type *t, struct gyr_value *ret);

#endif /* ENGINE_PARAMTEXT_H */
