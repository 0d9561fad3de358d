/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/crc32c.h"

#include <pthread.h>
#include <string.h>

static uint32_t table[8][256];

static void make_table(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;

        for (int k = 0; k < 8; k++)
            c = c & 1 ? c >> 1 ^ 0x82f63b78 : c >> 1;
        table[0][i] = c;
    }
    for (uint32_t i = 0; i < 256; i++)
        for (int k = 1; k < 8; k++)
            table[k][i] = table[k - 1][i] >> 8 ^ table[0][table[k - 1][i] & 255];
}

#if defined(__x86_64__)
/* The processor's own instruction: it is this polynomial's. */
__attribute__((target("sse4.2"))) static uint32_t by_processor(uint32_t crc, const uint8_t *b,
                                                               size_t n)
{
    uint64_t c = ~crc, word;

    for (; n >= 8; n -= 8, b += 8) {
        memcpy(&word, b, sizeof(word));
        c = __builtin_ia32_crc32di(c, word);
    }
    while (n--)
        c = __builtin_ia32_crc32qi((uint32_t)c, *b++);
    return ~(uint32_t)c;
}
#endif

uint32_t crc32c(uint32_t crc, const void *p, size_t n)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2"))
        return by_processor(crc, p, n);
#endif
    return crc32c_by_table(crc, p, n);
}

uint32_t crc32c_by_table(uint32_t crc, const void *p, size_t n)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    const uint8_t *b = p;

    (void)pthread_once(&once, make_table);
    crc = ~crc;
    for (; n >= 8; n -= 8, b += 8) {
        uint32_t lo = crc ^ ((uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 |
                             (uint32_t)b[3] << 24);

        crc = table[7][lo & 255] ^ table[6][lo >> 8 & 255] ^ table[5][lo >> 16 & 255] ^
              table[4][lo >> 24] ^ table[3][b[4]] ^ table[2][b[5]] ^ table[1][b[6]] ^
              table[0][b[7]];
    }
    while (n--)
        crc = crc >> 8 ^ table[0][(crc ^ *b++) & 255];
    return ~crc;
}
