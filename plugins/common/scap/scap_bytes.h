/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file scap_bytes.h
 * @brief Bytes on their way into a capture: a buffer that grows up to a ceiling, and blocks in it.
 *
 * A buffer that could not grow is marked and stays as it was at its last whole piece: who writes
 * asks once, at the end of a block. One thread.
 */
#ifndef SCAP_BYTES_H
#define SCAP_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** All zero is empty and ready, with the ceiling SCAP_BYTES_MAX. */
struct scap_bytes {
    uint8_t *p;
    size_t len, cap;
    size_t max;  /**< 0: SCAP_BYTES_MAX */
    bool failed; /**< something was left out: no memory, or the ceiling */
};

static const size_t SCAP_BYTES_MAX = (size_t)256 << 20;

void scap_bytes_free(struct scap_bytes *b);
/** Empty, memory kept. */
void scap_bytes_reset(struct scap_bytes *b);

void scap_put(struct scap_bytes *b, const void *p, size_t n);
/** The @p width low bytes of a number. */
void scap_put_num(struct scap_bytes *b, uint64_t v, size_t width);
/** Overwrite four bytes at @p at, if they are there. */
void scap_put_at(struct scap_bytes *b, size_t at, uint32_t v);

/** @return where the block begins, for scap_block_end(). */
size_t scap_block_begin(struct scap_bytes *b, uint32_t type);
/** Pad it and write both lengths; one that did not fit is taken out whole.
 *  @return 0; -ENOMEM. */
int scap_block_end(struct scap_bytes *b, size_t at);

#endif /* SCAP_BYTES_H */
