/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file scap_enter.h
 * @brief Enter events of older recorders, kept per thread until the exit event wants them.
 *
 * Bounded: 4,096 threads (a set-associative table; the oldest of a set gives way), 16 KiB an
 * event, 4 MiB in all for what does not fit inline. Allocated at first use. One thread.
 */
#ifndef SCAP_ENTER_H
#define SCAP_ENTER_H

#include "record/scap_view.h"

struct scap_enters {
    struct scap_enter *slots;
    size_t big_bytes;
    uint64_t clock;
    uint64_t lost; /**< events that were not kept, or gave way unused */
};

enum { SCAP_ENTER_PARAMS = 16 };

/** Remember @p v for its thread, in place of what was there. @return 0; -ENOMEM. */
int scap_enters_put(struct scap_enters *e, const struct scap_view *v);
/** The parameters of the enter event of that type and thread, valid until the next put.
 *  @return how many, or -1. */
int scap_enters_get(const struct scap_enters *e, int64_t tid, uint16_t type,
                    struct scap_slice ret[SCAP_ENTER_PARAMS]);
/** It has been used. Its bytes stay until the next put. */
void scap_enters_drop(struct scap_enters *e, int64_t tid);
/** Forget all (a new capture begins). */
void scap_enters_clear(struct scap_enters *e);
void scap_enters_free(struct scap_enters *e);

#endif /* SCAP_ENTER_H */
