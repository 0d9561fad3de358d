/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file noise.h
 * @brief Which alerts an output need not hear of: muted rules, repeats within a window, too many.
 *
 * Everything goes by the time of the events, so that a replay decides as the live run did. A clock
 * that is set back makes nothing silent for longer than a window or a burst would. Bounded:
 * NOISE_ENTRIES_MAX windows and as many rules. Guarded by its owner.
 */
#ifndef ALERT_NOISE_H
#define ALERT_NOISE_H

#include "alert/alert.h"

enum { NOISE_ENTRIES_MAX = 4096, NOISE_FIELDS_MAX = 32 };

/** A rule is muted until a time, at some hours of the day, or for good. */
struct mute {
    const char *rule;      /**< glob, as fnmatch(3) reads it */
    uint64_t until_ns;     /**< since the epoch; 0: no end */
    uint32_t from_s, to_s; /**< of the day, UTC; equal: all day; from > to: over midnight */
};

struct rate {
    uint64_t every_ns; /**< one alert in this time on average; 0: no limit */
    uint32_t burst;    /**< so many at once */
};

/** Everything borrowed. */
struct noise_conf {
    const struct mute *mutes;
    uint32_t n_mutes;
    const char *const *dedup; /**< fields, besides the rule; NULL: no de-duplication */
    uint64_t window_ns;
    struct rate per_rule, total;
};

struct noise;

bool noise_is_wanted(const struct noise_conf *conf);
/** @return NULL without memory. */
struct noise *noise_new(const struct noise_conf *conf);
void noise_free(struct noise *n); /**< NULL is fine */

/** From now on by @p conf. Rates go on as full as they are. */
void noise_change(struct noise *n, const struct noise_conf *conf);
/** Do open windows mean the same under @p conf? When not, they are to be closed before it changes.
 */
bool noise_keeps_windows(const struct noise *n, const struct noise_conf *conf);

/** Does the alert pass? When not, it was counted where it belongs. */
bool noise_passes(struct noise *n, struct alert *a);
/** The alert that closes a window which ended before @p ts_ns, with the count of repeats; NULL:
 *  none, or no more. @return a reference. */
struct alert *noise_close(struct noise *n, uint64_t ts_ns);
/** Are windows open? */
bool noise_is_open(const struct noise *n);

#endif /* ALERT_NOISE_H */
