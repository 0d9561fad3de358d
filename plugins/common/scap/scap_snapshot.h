/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file scap_snapshot.h
 * @brief Snapshot events gathered into the tables that a capture opens with: the counterpart of
 * scap_tables.h.
 *
 * Tables are written so that sysdig 0.29 reads them, and so hold less than the events: texts are
 * cut where its buffers end, kinds of descriptor it does not know are "unsupported", some members
 * have no place. When reading back would not give what was told, the events of processes and
 * descriptors follow the tables as they were (see scap_encode.h), and our reader has the last word
 * from them.
 *
 * One thread.
 */
#ifndef SCAP_SNAPSHOT_H
#define SCAP_SNAPSHOT_H

#include "scap_bytes.h"

#include <gyr/event.h>

enum scap_part_of {
    SCAP_PART_MACHINE,
    SCAP_PART_INTERFACES,
    SCAP_PART_USERS,
    SCAP_PART_PROCESSES,
    SCAP_PART_FDS,
    SCAP_PART_EXACT, /**< processes and descriptors once more, as events */
    SCAP_N_PARTS
};

/** Blocks of one table. */
struct scap_part {
    struct scap_bytes b;
    size_t block; /**< where the open block begins */
    bool open;
};

/** All zero is empty and ready. */
struct scap_snapshot {
    struct scap_part part[SCAP_N_PARTS]; /**< in the order of the file */
    int64_t fd_tid;                      /**< whose the open block of descriptors is */
    bool lossy;                          /**< the exact part is needed */
};

void scap_snapshot_free(struct scap_snapshot *s);
void scap_snapshot_reset(struct scap_snapshot *s);
/** Take one event; what is no SNAP_* is left alone. */
void scap_snapshot_add(struct scap_snapshot *s, const struct gyr_event *ev);
/** Append all of it as blocks. @return 0; -ENOMEM: something had no room and is left out. */
int scap_snapshot_put(struct scap_snapshot *s, struct scap_bytes *out);

/** An entry of a process list of version 9, or of a descriptor list of version 2, from its event.
 */
void scap_encode_process(struct scap_bytes *b, const struct gyr_event *ev);
void scap_encode_fd(struct scap_bytes *b, const struct gyr_event *ev);

#endif /* SCAP_SNAPSHOT_H */
