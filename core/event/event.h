/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file event.h
 * @brief The one check of a record at the boundary, and the typed reading of parameters.
 *
 * Any thread. No allocation.
 */
#ifndef EVENT_EVENT_H
#define EVENT_EVENT_H

#include "event/schema.h"

#include <gyr/event.h>

/** Check alignment, lengths, offsets and that the schema knows the type. @p avail: bytes that may
 *  be read at @p ev (UINT32_MAX: trust ev->len). @return 0; -EINVAL with a sentence. */
int event_check(const struct gyr_event *ev, uint32_t avail, const struct schema *s,
                struct gyr_error *err);

/** The raw value of parameter @p i, as its schema type reads it; borrowed from the event.
 *  @return GYR_PRESENT; GYR_ABSENT when it is not there or its length does not fit its type.
 *  GYR_P_STRS and GYR_P_OPAQUE give GYR_T_BYTES. */
int event_param(const struct gyr_event *ev, const struct gyr_event_type *t, uint32_t i,
                struct gyr_value *ret);

#endif /* EVENT_EVENT_H */
