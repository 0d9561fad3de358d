/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file rotate.h
 * @brief When the file of alerts is put aside, under which name, and what is kept.
 *
 * Used on the instance's own thread; what was put aside is compressed by a thread of its own, so
 * that alerts do not wait for it.
 */
#ifndef FILE_ROTATE_H
#define FILE_ROTATE_H

#include <gyr/plugin.h>
#include <gyr/util.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/stat.h>

enum { ROTATE_NUMBERS = 0, ROTATE_DATES = 1 };

struct rotate_conf {
    const char *path; /**< borrowed */
    uint64_t size;    /**< bytes; 0: never for its size */
    uint64_t interval_ns;
    int64_t keep, names; /**< names: ROTATE_* */
    uint8_t gzip;
};

struct rotate {
    struct rotate_conf conf;
    const struct gyr_host *host;
    int64_t period;      /**< of the file that is written: which interval since the epoch */
    int64_t dated;       /**< second of the last dated name … */
    int same_second;     /**< … and how many had it: a name that was removed is not given again */
    int64_t not_before;  /**< after a failure: when it is tried again, seconds */
    atomic_bool packing; /**< the thread is at work */
    atomic_bool quit;
    bool has_thread;
    uint64_t thread;
    char *to_pack; /**< the thread's until packing is false */
};

/** @return 0; GYR_E_CONF. */
int rotate_init(struct rotate *r, const struct rotate_conf *conf, const struct gyr_host *host,
                struct gyr_error *err);
static inline bool rotate_wanted(const struct rotate *r)
{
    return r->conf.size || r->conf.interval_ns;
}
/** The file was opened: one with alerts in it belongs to the time of the last. */
void rotate_opened(struct rotate *r, const struct stat *st, int64_t now);
/** Must the file of @p size bytes be put aside before @p more are written? Not while the one
 *  before is still being compressed. */
bool rotate_due(const struct rotate *r, uint64_t size, uint64_t more, int64_t now);
/** Put the file aside and remove what is too many. @return 0; a negative errno: the file stands
 *  where it stood. */
int rotate_now(struct rotate *r, int64_t now, struct gyr_error *err);
/** It failed: in a minute it is tried again. */
void rotate_put_off(struct rotate *r, int64_t now);
/** Compress what was put aside last; after the descriptor of it was closed. */
void rotate_pack(struct rotate *r);
/** End the thread; what it has not finished stays uncompressed. */
void rotate_stop(struct rotate *r);

#endif /* FILE_ROTATE_H */
