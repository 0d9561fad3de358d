/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file scap_writer.h
 * @brief A stream of `struct gyr_event` as a capture: the counterpart of scap_reader.h.
 *
 * Turns events into blocks and knows what belongs where; where the bytes go is the caller's
 * affair (scap_output.h). The snapshot that a stream opens with becomes the tables of the file,
 * and what happens meanwhile follows them. Snapshots in mid-stream stay where they were (as events
 * of our own, see scap_encode.h), unless the caller wants one for the head of another file.
 *
 * One thread.
 */
#ifndef SCAP_WRITER_H
#define SCAP_WRITER_H

#include "scap_bytes.h"
#include "scap_snapshot.h"

/** All zero is a writer at the start of a capture. */
struct scap_writer {
    struct scap_bytes out; /**< blocks for the file: the caller takes and resets it */
    uint64_t events;       /**< of the recording proper, written */
    uint64_t lost;         /**< too large, or no memory: not written */

    struct scap_snapshot tables;
    struct scap_bytes held; /**< what happened while tables were gathered */
    bool begun;             /**< the file has its section */
    bool gathering;         /**< between begin and end of a snapshot for the head of a file */
    bool head_wanted;       /**< the next snapshot is for another file */
};

void scap_writer_free(struct scap_writer *w);

/** Take one event.
 *  @return 0; 1: the snapshot that scap_writer_want_head() asked for is complete: write out what
 *  there is to the old file, then call scap_writer_next_file(). */
int scap_writer_event(struct scap_writer *w, const struct gyr_event *ev);

/** The next snapshot of the stream is to open another file. What happens while it is taken goes
 *  into the old file, and into the new one for its state only. */
void scap_writer_want_head(struct scap_writer *w);
/** Begin another capture with the snapshot that is complete. */
void scap_writer_next_file(struct scap_writer *w);

/** The stream is over: have all of it in `out`. */
void scap_writer_end(struct scap_writer *w);

#endif /* SCAP_WRITER_H */
