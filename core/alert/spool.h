/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file spool.h
 * @brief The alerts of one output on disk, until they are acknowledged: at least once, over kill -9
 * and restarts.
 *
 * A folder of segments ("*.seg", append-only), and "ack": up to where all was acknowledged. Damaged
 * segments are kept aside as "*.bad", at most SPOOL_BAD_MAX. Bounded by max_bytes. Appending is one
 * copy into a mapped file; a new file is made (and reserved on disk) when one is full.
 *
 * Guarded by its owner, but for spool_sync().
 */
#ifndef ALERT_SPOOL_H
#define ALERT_SPOOL_H

#include "alert/segment.h"

enum spool_fsync { SPOOL_FSYNC_INTERVAL, SPOOL_FSYNC_ALWAYS, SPOOL_FSYNC_NEVER };
enum spool_full { SPOOL_FULL_DEFAULT, SPOOL_FULL_WAIT, SPOOL_FULL_DROP_NEW, SPOOL_FULL_DROP_OLD };

struct spool_conf {
    const char *dir; /**< borrowed; NULL: no spool. Made when missing, its parent must be there */
    uint64_t max_bytes;
    uint32_t segment_bytes;
    enum spool_fsync fsync;
    enum spool_full on_full;
};

enum { SPOOL_SEGMENT_MIN = 64 << 10, SPOOL_BAD_MAX = 4, SPOOL_SEGMENTS_MAX = 1024 };

struct spool;

/** What spool_read() hands out. */
struct spooled {
    struct alert *alert; /**< a reference */
    uint64_t ticket;     /**< for spool_ack() */
    uint64_t age_ns;     /**< since it was appended */
};

/** Tells the log of what is damaged. @param window alerts that may be read and not acknowledged.
 *  @return 0; a negative errno: the folder cannot be used, or another process uses it. */
int spool_open(const struct spool_conf *conf, const char *output, uint32_t window,
               struct spool **ret, struct gyr_error *err);
void spool_close(struct spool *s); /**< NULL is fine; what is left stays on disk */

/** @param crc of the block, see spool_crc(). @return 0: from now on it counts; -ENOBUFS: full;
 *  another negative errno: no record could be made (told in @p err). */
int spool_append(struct spool *s, const struct alert *a, uint32_t crc, struct gyr_error *err);
uint32_t spool_crc(const struct alert *a);
/** Give up the oldest segment's unread alerts. @return how many. */
uint64_t spool_drop_oldest(struct spool *s);
/** @return 1 and an alert; 0: there is none now, or too many are out; records that cannot be read
 *  are counted in @p unreadable. */
int spool_read(struct spool *s, struct spooled *ret, uint64_t *unreadable);
/** It need not be sent again. */
void spool_ack(struct spool *s, uint64_t ticket);
/** Alerts that were not acknowledged, those handed out included. */
uint64_t spool_left(const struct spool *s);
bool spool_is_unread(const struct spool *s);

/** Part of a mapping that is to be synchronised. */
struct spool_range {
    void *p;
    size_t n;
};
/** @return false: nothing is, or no more. */
bool spool_take_unsynced(struct spool *s, struct spool_range *ret);
/** Without the guard. @return 0; a negative errno. */
int spool_sync(const struct spool_range *r);

#endif /* ALERT_SPOOL_H */
