/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file widen.h
 * @brief Growing structs of the ABI, copied once into ours, so that no other code asks for sizes.
 * Any thread.
 */
#ifndef EVENT_WIDEN_H
#define EVENT_WIDEN_H

#include <stdint.h>
#include <string.h>

/** Copy a [grows] struct of the peer's size into one of ours; what it lacks is zero. */
static inline void widen(void *dst, size_t dst_size, const void *src, size_t src_size)
{
    memset(dst, 0, dst_size);
    memcpy(dst, src, src_size < dst_size ? src_size : dst_size);
}

/** Row @p i of a table of the peer's. */
static inline const void *widen_row(const void *table, uint32_t stride, uint32_t i)
{
    return (const uint8_t *)table + (size_t)stride * i;
}

#endif /* EVENT_WIDEN_H */
