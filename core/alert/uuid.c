/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/uuid.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static uint32_t rol(uint32_t v, unsigned n)
{
    return v << n | v >> (32 - n);
}

void sha1_init(struct sha1 *s)
{
    *s = (struct sha1){.h = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0}};
}

static void sha1_block(struct sha1 *s)
{
    uint32_t w[80], a = s->h[0], b = s->h[1], c = s->h[2], d = s->h[3], e = s->h[4];

    for (unsigned i = 0; i < 16; i++)
        w[i] = (uint32_t)s->block[4 * i] << 24 | (uint32_t)s->block[4 * i + 1] << 16 |
               (uint32_t)s->block[4 * i + 2] << 8 | s->block[4 * i + 3];
    for (unsigned i = 16; i < 80; i++)
        w[i] = rol(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    for (unsigned i = 0; i < 80; i++) {
        static const uint32_t k[4] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
        uint32_t f = i < 20              ? (b & c) | (~b & d)
                     : i >= 40 && i < 60 ? (b & c) | (b & d) | (c & d)
                                         : b ^ c ^ d;
        uint32_t t = rol(a, 5) + f + e + k[i / 20] + w[i];

        e = d;
        d = c;
        c = rol(b, 30);
        b = a;
        a = t;
    }
    s->h[0] += a;
    s->h[1] += b;
    s->h[2] += c;
    s->h[3] += d;
    s->h[4] += e;
}

void sha1_add(struct sha1 *s, const void *p, size_t n)
{
    const uint8_t *q = p;

    for (size_t i = 0; i < n; i++) {
        s->block[s->total++ % 64] = q[i];
        if (s->total % 64 == 0)
            sha1_block(s);
    }
}

void sha1_final(struct sha1 *s, uint8_t ret[20])
{
    uint64_t bits = s->total * 8;
    uint8_t len[8], pad = 0x80;

    for (unsigned i = 0; i < 8; i++)
        len[i] = (uint8_t)(bits >> (56 - 8 * i));
    sha1_add(s, &pad, 1);
    pad = 0;
    while (s->total % 64 != 56)
        sha1_add(s, &pad, 1);
    sha1_add(s, len, sizeof(len));
    for (unsigned i = 0; i < 20; i++)
        ret[i] = (uint8_t)(s->h[i / 4] >> (24 - 8 * (i % 4)));
}

void uuid_make(const struct uuid_parts *parts, char ret[UUID_TEXT])
{
    /* Gyr's namespace, drawn once at random. */
    static const uint8_t space[16] = {0x8d, 0x1c, 0x5a, 0x52, 0x3f, 0x0e, 0x4b, 0x67,
                                      0x9a, 0x64, 0x7e, 0x2b, 0xd0, 0x95, 0xc4, 0x1f};
    static const char hex[] = "0123456789abcdef";
    uint8_t d[20];
    struct sha1 s;
    char num[96], *o = ret;
    int n;

    sha1_init(&s);
    sha1_add(&s, space, sizeof(space));
    sha1_add(&s, parts->host, strlen(parts->host) + 1);
    sha1_add(&s, parts->source, strlen(parts->source) + 1);
    n = snprintf(num, sizeof(num), "%" PRIu64 "%c%" PRId64 "%c%" PRIu64 "%c", parts->ts_ns, 0,
                 parts->tid, 0, parts->num, 0);
    sha1_add(&s, num, (size_t)n);
    sha1_add(&s, parts->rule, strlen(parts->rule));
    sha1_final(&s, d);
    d[6] = (uint8_t)((d[6] & 0x0f) | 0x50);
    d[8] = (uint8_t)((d[8] & 0x3f) | 0x80);
    for (unsigned i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *o++ = '-';
        *o++ = hex[d[i] >> 4];
        *o++ = hex[d[i] & 15];
    }
    *o = '\0';
}
