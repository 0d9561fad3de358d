/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file buf.h
 * @brief A growing text buffer with a ceiling.
 *
 * Not shared between threads. Adding past the ceiling or without memory marks the buffer as
 * failed and adds nothing more; whoever builds a text checks once, at the end. The content is
 * always NUL-terminated (the NUL is not counted).
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct buf {
    char *p; /**< never NULL after buf_init(); "" while empty */
    size_t len, cap, max;
    bool failed;
};

void buf_init(struct buf *b, size_t max);
void buf_free(struct buf *b);
/** Empty it, keep the memory, forget a failure. */
void buf_reset(struct buf *b);
void buf_add(struct buf *b, const void *p, size_t n);
void buf_adds(struct buf *b, const char *s);
void buf_addc(struct buf *b, char c);
__attribute__((format(printf, 2, 3))) void buf_addf(struct buf *b, const char *fmt, ...);
void buf_vaddf(struct buf *b, const char *fmt, va_list ap);
/** Hand the text over (free() it); the buffer is empty again. NULL if it had failed. */
char *buf_take(struct buf *b);

#endif /* BASE_BUF_H */
