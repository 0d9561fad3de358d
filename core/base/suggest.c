/* SPDX-License-Identifier: Apache-2.0 */
#include "base/suggest.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>

enum { MAX = 63 }; /* longer words are not typing errors of ours */

void suggest_init(struct suggest *s, const char *word, size_t len)
{
    *s = (struct suggest){.word = word, .len = len, .distance = UINT_MAX};
}

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned m = a < b ? a : b;

    return m < c ? m : c;
}

/* Edits (insert, delete, replace, swap of neighbours) from a to b, case folded. */
static unsigned distance(const char *a, size_t n, const char *b, size_t m)
{
    unsigned row[3][MAX + 1];

    for (unsigned j = 0; j <= m; j++)
        row[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        unsigned *cur = row[i % 3], *prev = row[(i + 2) % 3], *prev2 = row[(i + 1) % 3];

        cur[0] = (unsigned)i;
        for (size_t j = 1; j <= m; j++) {
            int x = tolower((unsigned char)a[i - 1]), y = tolower((unsigned char)b[j - 1]);

            cur[j] = min3(prev[j] + 1, cur[j - 1] + 1, prev[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) &&
                y == tolower((unsigned char)a[i - 2]) && prev2[j - 2] + 1 < cur[j])
                cur[j] = prev2[j - 2] + 1;
        }
    }
    return row[n % 3][m];
}

void suggest_offer(struct suggest *s, const char *name)
{
    size_t m = strlen(name);
    unsigned d;

    if (s->len == 0 || s->len > MAX || m > MAX)
        return;
    d = distance(s->word, s->len, name, m);
    if (d < s->distance) {
        s->distance = d;
        s->best = name;
    }
}

const char *suggest_best(const struct suggest *s)
{
    /* One edit for every three letters, at least one. */
    return s->distance <= (s->len < 6 ? 1 + (s->len > 3) : s->len / 3) ? s->best : NULL;
}
