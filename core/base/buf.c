/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char empty[1];

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){.p = empty, .max = max};
}

void buf_free(struct buf *b)
{
    if (b->cap)
        free(b->p);
    *b = (struct buf){.p = empty, .max = b->max};
}

void buf_reset(struct buf *b)
{
    b->len = 0;
    b->failed = false;
    if (b->cap)
        b->p[0] = '\0';
}

/* Room for n more bytes and the NUL. */
static bool reserve(struct buf *b, size_t n)
{
    size_t cap = b->cap ? b->cap : 64;
    char *p;

    if (b->failed || n > b->max || b->len > b->max - n) {
        b->failed = true;
        return false;
    }
    if (b->cap > b->len + n)
        return true;
    while (cap <= b->len + n)
        cap *= 2;
    p = realloc(b->cap ? b->p : NULL, cap);
    if (!p) {
        b->failed = true;
        return false;
    }
    b->p = p;
    b->cap = cap;
    return true;
}

void buf_add(struct buf *b, const void *p, size_t n)
{
    if (!reserve(b, n))
        return;
    if (n)
        memcpy(b->p + b->len, p, n);
    b->len += n;
    b->p[b->len] = '\0';
}

void buf_adds(struct buf *b, const char *s)
{
    buf_add(b, s, strlen(s));
}

void buf_addc(struct buf *b, char c)
{
    buf_add(b, &c, 1);
}

void buf_vaddf(struct buf *b, const char *fmt, va_list ap)
{
    va_list again;
    int n;

    va_copy(again, ap);
    n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    if (n < 0 || !reserve(b, (size_t)n)) {
        b->failed = true;
        return;
    }
    (void)vsnprintf(b->p + b->len, (size_t)n + 1, fmt, ap);
    b->len += (size_t)n;
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    buf_vaddf(b, fmt, ap);
    va_end(ap);
}

char *buf_take(struct buf *b)
{
    char *p = NULL;

    if (!b->failed && reserve(b, 0)) {
        p = b->p;
        p[b->len] = '\0';
        *b = (struct buf){.p = empty, .max = b->max};
    } else {
        buf_free(b);
    }
    return p;
}
