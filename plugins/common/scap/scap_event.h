/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file scap_event.h
 * @brief The body of an event block, of any version, read and made current. One thread.
 */
#ifndef SCAP_EVENT_H
#define SCAP_EVENT_H

#include "scap_upgrade.h"

/** What an event block's type says of its layout. */
struct scap_event_layout {
    bool flags;   /**< u32 flags after the CPU */
    bool nparams; /**< the header has the number of parameters */
    bool large;   /**< parameter lengths are u32 */
};

struct scap_decoder {
    struct scap_upgrader up;
    bool filter;               /**< leave out what is not wanted */
    bool wanted[SCAP_TYPES];   /**< if filter: types */
    uint64_t calls[1024 / 64]; /**< if filter: subtypes of generic events */
    uint64_t unknown;          /**< events of types we do not know */
};

void scap_decoder_init(struct scap_decoder *d);
void scap_decoder_free(struct scap_decoder *d);

/** @return 1: @p v is to be delivered (its slices point into the body and the decoder, until the
 *  next call); 0: nothing to deliver; -EBADMSG and what is wrong; -ENOMEM.
 *  @param v num and flags are left for the caller to fill in, but GYR_EVF_SNAPSHOT for an event
 *  that was recorded for its state only, and the flags of one that is about the stream itself
 *  (a type from SCAP_OWN_MIN on). */
int scap_event_decode(struct scap_decoder *d, struct scap_event_layout layout, const uint8_t *body,
                      size_t len, struct scap_view *v, const char **ret_wrong);

#endif /* SCAP_EVENT_H */
