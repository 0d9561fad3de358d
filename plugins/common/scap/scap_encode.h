/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file scap_encode.h
 * @brief Events as the blocks of a capture: the counterpart of scap_event.h.
 *
 * An event of the schema becomes an event block as today's recorders write it. What the format
 * has no place for (snapshot events in mid-stream, losses) is an event block too, of a type from
 * SCAP_OWN_MIN on: other readers leave out types they do not know, ours has the record as it was.
 *
 * One thread.
 */
#ifndef SCAP_ENCODE_H
#define SCAP_ENCODE_H

#include "scap_bytes.h"

#include <gyr/event.h>

/** Types of our own begin here: SNAP_* of the schema, then GYR_EV_*. */
enum { SCAP_OWN_MIN = 0x8000 };

/** Flags of an event block. The second is ours: GYR_EVF_CUT. */
#define SCAP_STATE_ONLY 1u
#define SCAP_CUT        0x80000000u

/** The block a capture begins with. @return 0; -ENOMEM. */
int scap_encode_section(struct scap_bytes *b);

/** @param state_only it is not an event of the recording proper: readers keep their state by it
 *  and show it to nobody. Snapshot and internal events always are.
 *  @return 0; -EMSGSIZE: larger than a reader would take; -ENOMEM. */
int scap_encode_event(struct scap_bytes *b, const struct gyr_event *ev, bool state_only);

#endif /* SCAP_ENCODE_H */
