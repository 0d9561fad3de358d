/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file loss.h
 * @brief What the programs could not put into a full ring, told as records of the stream.
 *
 * One thread. Records are lent until the next losses_take().
 */
#ifndef LIVE_LOSS_H
#define LIVE_LOSS_H

#include "probe/abi.h"

#include <gyr/source.h>

enum { LOSS_SLOTS = 64 };

struct loss {
    struct gyr_event ev;
    uint32_t off[4];
    uint8_t par[16];
};

struct losses {
    const struct probe_count *counts; /* shared with the programs, one for each CPU */
    uint32_t n_cpus;
    uint64_t (*told)[PROBE_CLASSES]; /* by CPU */
    struct loss records[LOSS_SLOTS];
};

/** Tell of what is lost from now on. @p counts must outlive it. @return 0; -ENOMEM with a sentence.
 */
int losses_init(struct losses *l, const struct probe_count *counts, uint32_t n_cpus,
                struct gyr_error *err);
void losses_free(struct losses *l); /**< all zero is fine */

/** Add a record to the batch for each class and CPU that lost events since last told, as far as
 *  there is room: the rest the next time. @return the classes told: bits 1 << PROBE_*. */
uint32_t losses_take(struct losses *l, struct gyr_batch *b, uint64_t ts_ns);

#endif /* LIVE_LOSS_H */
