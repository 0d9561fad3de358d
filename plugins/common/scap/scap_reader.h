/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file scap_reader.h
 * @brief A capture as a stream of `struct gyr_event`: tables as snapshot events, then the events.
 *
 * Every block is bounded (64 MiB, an event 16 MiB) and checked before it is believed. Nothing is
 * allocated for an event but what the batch holds. One thread.
 */
#ifndef SCAP_READER_H
#define SCAP_READER_H

#include "scap_event.h"
#include "scap_input.h"
#include "scap_tables.h"

#include <gyr/source.h>

enum { SCAP_BLOCK_MAX = 64 << 20 };

struct scap_stats {
    uint64_t events;         /**< event blocks */
    uint64_t unknown_events; /**< of types we do not know: skipped */
    uint64_t unknown_blocks; /**< skipped */
    uint64_t lost_enters;    /**< enter events that were not merged */
};

/** Zero, then scap_reader_init(). */
struct scap_reader {
    struct scap_input *in;
    struct scap_decoder dec;
    struct scap_table table;
    struct scap_view view;
    struct scap_event_layout layout; /**< of the block, if it holds an event */
    uint64_t num, last_ts;
    uint64_t unknown_blocks;
    uint32_t section;   /**< captures begun, of all inputs */
    uint32_t block_len; /**< of the block at the front of the input; 0: none */
    uint32_t block_type;
    bool view_ready; /**< view waits for room in a batch */
    bool in_section; /**< of this input, a section header has been seen */
    bool in_snapshot;
    bool end_due, begin_due; /**< brackets to be delivered */
};

void scap_reader_init(struct scap_reader *r);
void scap_reader_free(struct scap_reader *r);
/** Forget all that was read, but not what is wanted. */
void scap_reader_restart(struct scap_reader *r);

/** Read from @p in (borrowed) from now on; numbers of events go on. */
void scap_reader_input(struct scap_reader *r, struct scap_input *in);

/** Append the next event to the batch.
 *  @return 1 and the event; 0: nothing within the time (as scap_input_fill()); -ENOBUFS: the
 *  batch is full, reset it and come again; GYR_E_EOF: the input is at its end, all delivered;
 *  -EBADMSG: the capture is damaged, told with the byte; another negative number. After a
 *  failure only scap_reader_input() or _free() make sense. */
int scap_reader_next(struct scap_reader *r, struct scap_batch *b, uint32_t timeout_ms,
                     const struct gyr_event **ret, struct gyr_error *err);

/** Leave out what is not in @p w; types that change state stay. NULL: all is wanted. */
void scap_reader_want(struct scap_reader *r, const struct gyr_want *w);

void scap_reader_stats(const struct scap_reader *r, struct scap_stats *ret);

#endif /* SCAP_READER_H */
