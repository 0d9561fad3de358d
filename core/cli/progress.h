/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file progress.h
 * @brief One line on a terminal that tells how far a long replay has come. Main thread.
 *
 * Nothing is written when stderr is no terminal, and nothing in the first second. The line is
 * short and the cursor goes back to its beginning, so that an alert printed meanwhile covers it.
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "base/buf.h"
#include "pipeline/pipeline.h"

struct progress {
    bool on, drawn;
    uint64_t began_ns, last_ns, last_events;
};

void progress_begin(struct progress *g, bool on);
/** Draw when it is time. @return nanoseconds until the next time; UINT64_MAX when off. */
uint64_t progress_tick(struct progress *g, struct pipeline *p);
/** Wipe the line. */
void progress_end(struct progress *g);
/** The line for these figures: "42%  1,234,567 events  512,345/s  0:12 left". @p total 0: share
 *  and time are not known. */
void progress_line(struct buf *b, uint64_t done, uint64_t total, uint64_t events, uint64_t rate,
                   uint64_t elapsed_ns);
/** 1234567 as "1,234,567". */
void buf_add_grouped(struct buf *b, uint64_t n);

#endif /* CLI_PROGRESS_H */
