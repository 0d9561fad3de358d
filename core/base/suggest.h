/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file suggest.h
 * @brief The nearest right word for a wrong one. Not shared between threads.
 *
 *     struct suggest s;
 *     suggest_init(&s, word);
 *     for (…) suggest_offer(&s, name);
 *     if (suggest_best(&s)) …   // "did you mean 'proc.name'?"
 */
#ifndef BASE_SUGGEST_H
#define BASE_SUGGEST_H

#include <stddef.h>

struct suggest {
    const char *word, *best; /**< best: one of the offered names, borrowed */
    size_t len;
    unsigned distance;
};

void suggest_init(struct suggest *s, const char *word, size_t len);
void suggest_offer(struct suggest *s, const char *name);
/** The nearest name, or NULL when none is near enough to be meant. */
const char *suggest_best(const struct suggest *s);

#endif /* BASE_SUGGEST_H */
