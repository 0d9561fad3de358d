/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file kmod_device.h
 * @brief The module's device: opening it, its rings, what it traces.
 *
 * Main thread but for device_want(), _flags() and _count(), which are the source's.
 */
#ifndef KMOD_DEVICE_H
#define KMOD_DEVICE_H

#include "live/ring.h"

#include <gyr/source.h>

struct device {
    int fd; /**< -1: not open */
    const char *path;
    char version[32]; /**< the module's */
    uint32_t n_cpus, n_rings;
    struct ring_place *rings;
    struct probe_count *counts; /**< by CPU, as device_count() found them */
    struct probe_conf conf;
};

struct device_options {
    uint64_t ring_bytes, state_ring_bytes; /**< of one ring; rounded up to a power of two */
    uint32_t cpus_per_ring;                /**< 0: as many as make 16 pairs of rings */
    uint32_t snaplen;
    uint64_t boot_ns; /**< what makes CLOCK_BOOTTIME nanoseconds since the epoch */
};

/** Open the device, make sure that the module is ours, and make its rings; nothing is traced yet.
 *  One that is open stays so: without privileges it could not be opened again.
 *  @param path outlives @p d. @return 0; a negative errno with a sentence that says what is
 *  missing, and @p d closed. */
int device_open(struct device *d, const char *path, const struct device_options *o,
                struct gyr_error *err);
void device_close(struct device *d); /**< closed ones too: fd -1, the rest zero */

/** Trace what is wanted from now on; NULL: nothing. @return how many system calls of the 64-bit
 *  table that is; a negative errno with a sentence. */
int device_want(struct device *d, const struct gyr_want *w, struct gyr_error *err);
/** GYR_EVF_*, of every record from now on. */
int device_flags(struct device *d, uint32_t flags, struct gyr_error *err);
/** Bring counts up to date. */
void device_count(struct device *d);

#endif /* KMOD_DEVICE_H */
