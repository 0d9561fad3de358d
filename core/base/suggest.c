/* SPDX-License-Identifier: Apache-2.0 */
#include "base/suggest.h"

#include <gyr/words.h>
#include <limits.h>

void suggest_init(struct suggest *s, const char *word, size_t len)
{
    *s = (struct suggest){.word = word, .len = len, .distance = UINT_MAX};
}

void suggest_offer(struct suggest *s, const char *name)
{
    size_t m = strlen(name);
    unsigned d;

    d = gyr_word_distance(s->word, s->len, name, m);
    if (d < s->distance) {
        s->distance = d;
        s->best = name;
    }
}

const char *suggest_best(const struct suggest *s)
{
    return gyr_word_is_near(s->len, s->distance) ? s->best : NULL;
}
