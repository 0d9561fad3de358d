/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file fake_ring.h
 * @brief Rings as a driver in the kernel makes them, in files, for tests of their reader.
 */
#ifndef FAKE_RING_H
#define FAKE_RING_H

#include "live/ring.h"

enum { FAKE_SIZE = 4096, FAKE_BUSY = 1, FAKE_DISCARDED = 2 };

/** The data is there twice in the file too, not twice in memory: whoever writes writes to both.
 *  What nothing was written to is 0xee. */
struct fake_ring {
    int fd;
    uint8_t *map;
    size_t page;
    uint64_t made;
};

void fake_ring_make(struct fake_ring *f);
void fake_ring_free(struct fake_ring *f);
struct ring_place fake_ring_place(const struct fake_ring *f);
/** The reader's position. */
uint64_t fake_ring_taken(const struct fake_ring *f);
/** A record of @p len bytes, a multiple of 8, whose bytes tell by fake_ring_is_whole().
 *  @return where its head is. */
uint64_t fake_ring_put(struct fake_ring *f, uint64_t ts, uint32_t len, int how);
void fake_ring_is_whole(const struct gyr_event *ev);
/** The head at @p pos, anew. */
void fake_ring_head(const struct fake_ring *f, uint64_t pos, uint32_t len, int how);
/** Bytes at @p pos. */
void fake_ring_write(const struct fake_ring *f, uint64_t pos, const void *p, size_t n);
/** The writers' position, as the reader sees it. */
void fake_ring_set_made(struct fake_ring *f, uint64_t made);

#endif /* FAKE_RING_H */
