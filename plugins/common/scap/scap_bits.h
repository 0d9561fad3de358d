/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file scap_bits.h
 * @brief Reading numbers and strings out of bytes nobody has checked.
 *
 * A cursor never runs past its end: what does not fit marks it as bad and reads as zero, so that
 * a decoder checks once, at the end of an entry. Any thread.
 */
#ifndef SCAP_BITS_H
#define SCAP_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Captures are little-endian and records are in host order: parameters are copied as they are. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "needs a little-endian machine");

static inline uint16_t scap_ld16(const uint8_t *p)
{
    uint16_t v;

    memcpy(&v, p, sizeof(v));
    return v;
}

static inline uint32_t scap_ld32(const uint8_t *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof(v));
    return v;
}

static inline uint64_t scap_ld64(const uint8_t *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof(v));
    return v;
}

struct scap_cursor {
    const uint8_t *p, *end;
    bool bad;
};

static inline size_t scap_left(const struct scap_cursor *c)
{
    return (size_t)(c->end - c->p);
}

/** The next @p n bytes, or NULL. */
static inline const uint8_t *scap_take(struct scap_cursor *c, size_t n)
{
    const uint8_t *p = c->p;

    if (c->bad || scap_left(c) < n) {
        c->bad = true;
        return NULL;
    }
    c->p += n;
    return p;
}

static inline uint64_t scap_take_uint(struct scap_cursor *c, size_t width)
{
    const uint8_t *p = scap_take(c, width);
    uint64_t v = 0;

    if (p)
        memcpy(&v, p, width);
    return v;
}

#endif /* SCAP_BITS_H */
