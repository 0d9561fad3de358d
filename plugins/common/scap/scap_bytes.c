/* SPDX-License-Identifier: Apache-2.0 */
#include "scap_bytes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { BYTES_MIN = 64 << 10, TRAILER_LEN = 4 };

void scap_bytes_free(struct scap_bytes *b)
{
    free(b->p);
    *b = (struct scap_bytes){.max = b->max};
}

void scap_bytes_reset(struct scap_bytes *b)
{
    b->len = 0;
    b->failed = false;
}

static bool make_room(struct scap_bytes *b, size_t n)
{
    size_t max = b->max ? b->max : SCAP_BYTES_MAX, cap = b->cap ? b->cap : BYTES_MIN;
    uint8_t *p;

    if (n > max || b->len > max - n)
        return false;
    while (cap < b->len + n)
        cap *= 2;
    p = realloc(b->p, cap);
    if (!p)
        return false;
    b->p = p;
    b->cap = cap;
    return true;
}

void scap_put(struct scap_bytes *b, const void *p, size_t n)
{
    if (b->failed || n == 0)
        return;
    if (b->cap - b->len < n && !make_room(b, n)) {
        b->failed = true;
        return;
    }
    memcpy(b->p + b->len, p, n);
    b->len += n;
}

void scap_put_num(struct scap_bytes *b, uint64_t v, size_t width)
{
    scap_put(b, &v, width);
}

void scap_put_at(struct scap_bytes *b, size_t at, uint32_t v)
{
    if (at <= b->len && b->len - at >= sizeof(v))
        memcpy(b->p + at, &v, sizeof(v));
}

size_t scap_block_begin(struct scap_bytes *b, uint32_t type)
{
    size_t at = b->len;

    scap_put_num(b, type, 4);
    scap_put_num(b, 0, 4);
    return at;
}

int scap_block_end(struct scap_bytes *b, size_t at)
{
    uint32_t len;

    scap_put_num(b, 0, -(b->len - at) & 3);
    len = (uint32_t)(b->len - at) + TRAILER_LEN;
    scap_put_num(b, len, TRAILER_LEN);
    if (b->failed) {
        b->len = at;
        return -ENOMEM;
    }
    scap_put_at(b, at + 4, len);
    return 0;
}
