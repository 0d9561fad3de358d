/* SPDX-License-Identifier: Apache-2.0 */
#include "grpc_frames.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAP = 512 };

void grpc_frame_head(uint8_t head[GRPC_FRAME_HEAD], uint32_t len)
{
    head[0] = 0; /* not compressed */
    for (int i = 0; i < 4; i++)
        head[1 + i] = (uint8_t)(len >> (24 - 8 * i));
}

static size_t length_of(const struct grpc_frames *f)
{
    return (size_t)f->head[1] << 24 | (size_t)f->head[2] << 16 | (size_t)f->head[3] << 8 |
           f->head[4];
}

/* What is announced is not believed: room grows with what has come. */
static int make_room(struct grpc_frames *f, size_t more, size_t whole)
{
    size_t need = f->len + more, cap = f->cap ? f->cap : FIRST_CAP;
    uint8_t *p;

    if (need <= f->cap)
        return 0;
    while (cap < need)
        cap *= 2;
    if (cap > whole && whole >= need)
        cap = whole;
    p = realloc(f->p, cap);
    if (!p)
        return -ENOMEM;
    f->p = p;
    f->cap = cap;
    return 0;
}

static int take_head(struct grpc_frames *f, const uint8_t **p, size_t *len)
{
    while (f->head_len < GRPC_FRAME_HEAD && *len) {
        f->head[f->head_len++] = *(*p)++;
        (*len)--;
    }
    if (f->head_len < GRPC_FRAME_HEAD)
        return 0;
    if (f->head[0] != 0)
        return -EPROTO;
    return length_of(f) > f->max ? -EMSGSIZE : 0;
}

/* Up to one message out of what has come. */
static int feed_one(struct grpc_frames *f, const uint8_t **p, size_t *len,
                    int (*fn)(void *arg, const uint8_t *message, size_t len), void *arg)
{
    size_t whole = length_of(f), take = whole - f->len < *len ? whole - f->len : *len;
    const uint8_t *at = *p;
    int ret = 0;

    *p += take;
    *len -= take;
    if (take == 0 && whole > 0)
        return 0;
    if (take < whole) {
        ret = make_room(f, take, whole);
        if (ret < 0)
            return ret;
        memcpy(f->p + f->len, at, take);
        f->len += take;
        if (f->len < whole)
            return 0;
        at = f->p;
    } /* else in one piece: handed on where it lies */
    f->len = 0;
    f->head_len = 0;
    return fn(arg, at, whole);
}

int grpc_frames_feed(struct grpc_frames *f, const uint8_t *p, size_t len,
                     int (*fn)(void *arg, const uint8_t *message, size_t len), void *arg)
{
    while (len) {
        int ret = take_head(f, &p, &len);

        if (ret < 0 || f->head_len < GRPC_FRAME_HEAD)
            return ret;
        ret = feed_one(f, &p, &len, fn, arg);
        if (ret < 0)
            return ret;
    }
    return 0;
}

int grpc_frames_partial(const struct grpc_frames *f)
{
    return f->head_len != 0;
}

void grpc_frames_free(struct grpc_frames *f)
{
    free(f->p);
    f->p = NULL;
    f->len = f->cap = 0;
    f->head_len = 0;
}
