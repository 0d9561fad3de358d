/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file ring.h
 * @brief Reading the kernel's ring buffers in order of time, without a copy.
 *
 * The layout of a ring is the kernel's ABI (Documentation/bpf/ringbuf): a page with the consumer's
 * position, a page with the producer's, and the data mapped twice in a row, so that every record
 * is contiguous. Records are lent to the core where they lie; room is given back when the core
 * comes for more. One thread.
 */
#ifndef EBPF_RING_H
#define EBPF_RING_H

#include <gyr/plugin.h>
#include <stdatomic.h>
#include <stdbool.h>

struct ring {
    int fd;
    size_t size;             /* of the data, a power of two */
    _Atomic uint64_t *taken; /* shared with the kernel: where the reader is */
    _Atomic uint64_t *made;  /* shared with the kernel: where the writers are */
    const uint8_t *data;
    uint64_t pos, end;            /* next record; what was made when last looked */
    const struct gyr_event *head; /* at pos, if it is there */
};

struct rings {
    struct ring *all;
    uint32_t n;
    uint32_t *heap; /* places in all[] of those with a head, the oldest first */
    uint32_t n_heap;
};

/** Map the rings behind @p fds (which stay the caller's), of @p size bytes each: [0, n).
 *  @return 0; -errno with a sentence. */
int rings_init(struct rings *r, const int *fds, const size_t *sizes, uint32_t n,
               struct gyr_error *err);
void rings_free(struct rings *r); /**< all zero is fine */

/** Lend the oldest records, up to those of @p horizon_ns, which the caller chooses so far back
 *  that nothing older is still being written. @return how many. */
uint32_t rings_take(struct rings *r, uint64_t horizon_ns, const struct gyr_event **ev,
                    uint32_t cap);
/** Give back what was lent. */
void rings_release(struct rings *r);
/** Is there anything, of whatever time? */
bool rings_any(struct rings *r);

#endif /* EBPF_RING_H */
