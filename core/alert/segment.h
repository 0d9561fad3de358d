/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file segment.h
 * @brief A file of a spool: records of alerts, each with its checksum.
 *
 * A record is one write, so that a disk that fails is an error and no SIGBUS; what is written
 * survives the end of the process, however that comes. Read by way of a mapping. Guarded by its
 * owner.
 */
#ifndef ALERT_SEGMENT_H
#define ALERT_SEGMENT_H

#include "alert/block.h"

#include <gyr/util.h>
#include <sys/queue.h>

struct record {
    uint32_t magic, len;
    uint32_t crc, reserved;
    uint64_t seq, base;
    uint64_t since_ns; /* CLOCK_REALTIME */
};

struct segment {
    TAILQ_ENTRY(segment) link;
    char *name;         /**< path */
    const char *p;      /**< mapping */
    int fd;             /**< of one that is written to, or not yet synchronised; -1 */
    uint32_t size, end; /**< end: where the next record goes */
    uint32_t at;        /**< of the reader */
    uint32_t left;      /**< records that were not acknowledged */
    uint32_t synced;    /**< so much of it is on disk, whatever happens to the machine */
    uint64_t next_seq;  /**< past the last record */
    bool damaged;       /**< to be kept aside in the end */
    bool torn;          /**< behind the last record is what may be the beginning of another */
};

enum { SEGMENT_RECORD_MAX = 1 << 30 };

/** A new file of @p size bytes, all of them reserved on disk. @return 0; a negative errno. */
int segment_create(const char *path, uint32_t size, struct segment **ret, struct gyr_error *err);
/** A file of an earlier run. Records below @p acked do not count as left. @return 0; -ENODATA:
 *  nothing was ever written; -EBADMSG: it is no segment of this program; another negative errno. */
int segment_open(const char *path, uint64_t acked, struct segment **ret, struct gyr_error *err);
void segment_close(struct segment *s); /**< NULL is fine; the file stays */

static inline uint32_t segment_need(const struct alert *a)
{
    return (uint32_t)((sizeof(struct record) + a->len + 7) & ~7ull);
}
bool segment_fits(const struct segment *s, const struct alert *a);
/** @pre segment_fits(). @param payload_crc crc32c of the block. @return 0; a negative errno, and no
 *  record was made. */
int segment_append(struct segment *s, const struct alert *a, uint32_t payload_crc, uint64_t seq,
                   uint64_t since_ns);
/** The next whole record behind the reader, which moves past it; NULL: none. What is no record any
 *  more is passed over, and makes the segment damaged. */
const struct record *segment_next(struct segment *s);

#endif /* ALERT_SEGMENT_H */
