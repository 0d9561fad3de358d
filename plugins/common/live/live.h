/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file live.h
 * @brief What sources that watch the running machine have in common: the stream made of a driver's
 * rings, snapshots and losses. They link it with `common.NAME := syscall record proc live`.
 *
 * live_init() and _free(), _start() and _stop() on the main thread, live_wake() on any, the rest on
 * the source's.
 */
#ifndef LIVE_LIVE_H
#define LIVE_LIVE_H

#include "loss.h"
#include "proc/proc.h"
#include "ring.h"

enum { LIVE_ASKED_MAX = 64 }; /* threads that wait to be told of */

/** A driver in the kernel, as its reader sees it. */
struct live_driver {
    void *self;
    const struct probe_count *counts; /**< one for each CPU */
    uint32_t n_cpus;
    uint64_t boot_ns; /**< what makes CLOCK_BOOTTIME the time of the driver's records */
    int fd;           /**< readable by poll(2) when a record came; the driver's own */
    /** The reader is about to wait for fd, or does not any more. NULL: poll(2) itself tells. */
    void (*waiting)(void *self, bool waits);
    /** GYR_EVF_*, of every record from now on. @return 0; a negative errno with a sentence. */
    int (*set_event_flags)(void *self, uint32_t flags, struct gyr_error *err);
    /** Bring counts up to date. NULL: they always are. */
    void (*count)(void *self);
};

struct live {
    const struct gyr_host *host;
    struct live_driver driver;
    struct rings rings;
    struct losses losses;
    struct proc_snapshot *proc;
    struct scap_batch batch;        /* of snapshot records */
    bool in_snapshot, begun, ready; /* ready: the first snapshot is over */
    int64_t asked[LIVE_ASKED_MAX];  /* threads to be told of */
    uint32_t n_asked;
    uint64_t told_ns; /* when one was last told of */
    int wake_fd;
    uint32_t naps;
    uint64_t loss_ns, healed_ns; /* when losses were last looked at, state last healed */
    bool heal_state, heal_other; /* what was lost since */
};

/** @return 0; a negative errno with a sentence, after which live_free() is fine. */
int live_init(struct live *l, const struct gyr_host *host, struct gyr_error *err);
void live_free(struct live *l); /**< stopped before; all zero but for wake_fd -1 is fine */

/** Read from a driver that traces nothing yet: its rings at @p places, [0, n).
 *  @param proc what snapshots are made with: live's from now on, after a failure too.
 *  @return 0; a negative errno with a sentence, after which live_stop() is to be called. */
int live_start(struct live *l, const struct live_driver *driver, const struct ring_place *places,
               uint32_t n, struct proc_snapshot *proc, struct gyr_error *err);
void live_stop(struct live *l); /**< half-started and stopped ones too */

/** Around the driver's own want(): tracing begins before the snapshot does. What happens meanwhile
 *  waits in the rings, and only builds state: the first event that rules see comes when all of it
 *  is known. */
int live_before_want(struct live *l, struct gyr_error *err);
void live_after_want(struct live *l);

/** Operations of struct gyr_source_ops as they stand, for sources that begin with their struct
 *  live, which @p self then is. */
int live_next_batch(void *self, struct gyr_batch *b, struct gyr_error *err);
void live_wake(void *self);
int live_snapshot(void *self);
int live_snapshot_thread(void *self, int64_t tid);

/** Options that every such source has, of members of these names in its @p config. */
#define LIVE_OPTIONS(config)                                                                       \
    {GYR_OPT(config, ring_size, GYR_O_SIZE, "ring_size", "8M",                                     \
             "Bytes of each ring for events of files and the network."),                           \
     .min = 64 << 10, .max = 1 << 30},                                                             \
        {GYR_OPT(config, state_ring_size, GYR_O_SIZE, "state_ring_size", "4M",                     \
                 "Bytes of each ring for what processes do: exec, clone, exit, changes of user."), \
         .min = 64 << 10, .max = 1 << 30},                                                         \
        {GYR_OPT(config, cpus_per_ring, GYR_O_INT, "cpus_per_ring", "0",                           \
                 "CPUs that share a pair of rings; 0: as many as make at most 16 pairs."),         \
         .max = PROBE_CPUS},                                                                       \
    {                                                                                              \
        GYR_OPT(config, snaplen, GYR_O_SIZE, "snaplen", "80",                                      \
                "Bytes of read, written, sent and received data that events show."),               \
            .max = PROBE_DATA_MAX                                                                  \
    }

#endif /* LIVE_LIVE_H */
