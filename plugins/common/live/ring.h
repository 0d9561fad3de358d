/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file ring.h
 * @brief Reading a driver's ring buffers in order of time, without a copy.
 *
 * The layout of a ring is that of the kernel's own for eBPF (Documentation/bpf/ringbuf), which our
 * module has too: a page with the consumer's position, a page with the producer's, and the data
 * mapped twice in a row, so that every record is contiguous; before each a head of 8 bytes. Records
 * are lent to the core where they lie; room is given back when the core comes for more. Positions
 * and lengths are checked before they are followed. One thread.
 */
#ifndef LIVE_RING_H
#define LIVE_RING_H

#include "probe/abi.h"

#include <gyr/plugin.h>
#include <stdatomic.h>
#include <stdbool.h>

/** How many pairs of rings, one of each class, so many CPUs get. @param per CPUs that share a pair;
 *  0: becomes as many as make at most 16 pairs. */
uint32_t rings_pairs(uint32_t n_cpus, uint32_t *per);
/** Which pair is a CPU's: @p ret is struct probe_conf's. */
void rings_assign(uint32_t pairs, uint32_t per, uint16_t *ret);
/** The size of a ring that has @p wanted bytes: a power of two of pages. */
size_t rings_bytes(uint64_t wanted);

/** Where to map a ring. */
struct ring_place {
    int fd;
    size_t size; /**< of its data, a power of two */
    uint64_t at; /**< of its first page, in the file */
};

struct ring {
    size_t size;
    _Atomic uint64_t *taken; /* shared with the kernel: where the reader is */
    _Atomic uint64_t *made;  /* shared with the kernel: where the writers are */
    const uint8_t *data;
    uint64_t pos, end;            /* next record; what was made when last looked */
    const struct gyr_event *head; /* at pos, if it is there */
    uint64_t next;                /* behind it */
    bool damaged;                 /* what stands at pos cannot be */
};

struct rings {
    struct ring *all;
    uint32_t n;
    uint32_t *heap; /* places in all[] of those with a head, the oldest first */
    uint32_t n_heap;
};

/** Map the rings at @p places, [0, n); the descriptors stay the caller's.
 *  @return 0; -errno with a sentence. */
int rings_init(struct rings *r, const struct ring_place *places, uint32_t n, struct gyr_error *err);
void rings_free(struct rings *r); /**< all zero is fine */

/** Lend the oldest records, up to those of @p horizon_ns, which the caller chooses so far back
 *  that nothing older is still being written.
 *  @return how many; -EBADMSG: a ring is damaged, and nothing of it can be believed. */
int rings_take(struct rings *r, uint64_t horizon_ns, const struct gyr_event **ev, uint32_t cap);
/** Give back what was lent. */
void rings_release(struct rings *r);
/** Pass over what is there. */
void rings_skip(struct rings *r);
/** Is there anything, of whatever time, or wrong? */
bool rings_any(struct rings *r);

#endif /* LIVE_RING_H */
