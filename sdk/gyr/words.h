/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file gyr/words.h
 * @brief How near a wrong word is to a right one, for "did you mean …?". Not part of the binary
 * contract; header-only, any thread.
 */
#ifndef GYR_WORDS_H
#define GYR_WORDS_H

#include <ctype.h>
#include <string.h>

/** Edits (insert, delete, replace, swap of neighbours) from a to b, case folded; UINT_MAX when one
 *  is empty or too long. */
static inline unsigned gyr_word_distance(const char *a, size_t n, const char *b, size_t m)
{
    unsigned row[3][64];
    const size_t longest = sizeof(row[0]) / sizeof(row[0][0]) - 1; /* more is no typing error */
    size_t i, j;

    if (n == 0 || m == 0 || n > longest || m > longest)
        return (unsigned)-1;
    for (j = 0; j <= m; j++)
        row[0][j] = (unsigned)j;
    for (i = 1; i <= n; i++) {
        unsigned *cur = row[i % 3], *prev = row[(i + 2) % 3], *prev2 = row[(i + 1) % 3];

        cur[0] = (unsigned)i;
        for (j = 1; j <= m; j++) {
            int x = tolower((unsigned char)a[i - 1]), y = tolower((unsigned char)b[j - 1]);
            unsigned best = prev[j - 1] + (x != y);

            if (prev[j] + 1 < best)
                best = prev[j] + 1;
            if (cur[j - 1] + 1 < best)
                best = cur[j - 1] + 1;
            if (i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) &&
                y == tolower((unsigned char)a[i - 2]) && prev2[j - 2] + 1 < best)
                best = prev2[j - 2] + 1;
            cur[j] = best;
        }
    }
    return row[n % 3][m];
}

/** Near enough to be meant: one edit for every three letters of the wrong word, at least one. */
static inline int gyr_word_is_near(size_t len, unsigned distance)
{
    return distance <= (len < 6 ? 1 + (len > 3) : len / 3);
}

#endif /* GYR_WORDS_H */
