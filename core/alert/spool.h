/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file spool.h
 * @brief The alerts of one output on disk, until they are acknowledged: at least once, over kill -9
 * and restarts.
 *
 * A folder of segments ("*.seg", append-only, in the order of their names), and "ack": up to where
 * all was acknowledged. Damaged segments are kept aside as "*.bad", at most SPOOL_BAD_MAX. Bounded
 * by max_bytes. Appending is one write; what takes long, making files (and reserving them on disk)
 * and removing them, are chores for a thread that can wait.
 *
 * Guarded by its owner, but for spool_sync() and spool_do_chore().
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
 *  -EAGAIN: not before the chore that is under way has ended; another negative errno: no record
 *  could be made (told in @p err). */
int spool_append(struct spool *s, const struct alert *a, uint32_t crc, struct gyr_error *err);
uint32_t spool_crc(const struct alert *a);
/** Give up the oldest segment's unread alerts. @return how many. */
uint64_t spool_drop_oldest(struct spool *s);
/** @return 1 and an alert; 0: there is none now, or too many are out; records that cannot be read
 *  are counted in @p unreadable. */
int spool_read(struct spool *s, struct spooled *ret, uint64_t *unreadable);
/** It need not be sent again, which spool_note_acks() makes known to the next run. */
void spool_ack(struct spool *s, uint64_t ticket);
void spool_note_acks(struct spool *s);
/** Alerts that were not acknowledged, those handed out included. */
uint64_t spool_left(const struct spool *s);
bool spool_is_unread(const struct spool *s);

/** Was something written since? */
bool spool_is_unsynced(const struct spool *s);
/** A file to be synchronised. */
struct spool_sync {
    int fd;
};
/** @return false: none is, or no more. */
bool spool_take_unsynced(struct spool *s, struct spool_sync *ret);
/** Without the guard. @return 0; a negative errno. */
int spool_sync(const struct spool_sync *sync);

/** Something that takes long: taken with the guard, done without, ended with it. */
struct spool_chore {
    const struct spool *spool;
    struct segment *gone; /**< to be removed; NULL: one is to be made */
    struct segment *made; /**< NULL: it could not be */
    char name[24];
    uint64_t bytes, at_ns;
};
/** @param now_ns CLOCK_MONOTONIC. */
bool spool_has_chore(const struct spool *s, uint64_t now_ns);
/** @return false: there is none. */
bool spool_take_chore(struct spool *s, uint64_t now_ns, struct spool_chore *ret);
void spool_do_chore(struct spool_chore *c);
void spool_end_chore(struct spool *s, const struct spool_chore *c);

#endif /* ALERT_SPOOL_H */
