/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file gyr/build.h
 * @brief Making the record of an event, parameter by parameter. Not part of the binary contract;
 * header-only, any thread, no allocation.
 *
 *     struct gyr_builder b;
 *
 *     gyr_build_begin(&b, room, sizeof(room), MY_EVENT, 2);
 *     gyr_build_str(&b, path);
 *     gyr_build_u32(&b, flags);
 *     ev = gyr_build_end(&b);
 *
 * Parameters are added in the order of the schema; one that is not known is gyr_build_none(), and
 * the last ones may be left out. A string or bytes that do not fit are cut, which the event says
 * (GYR_EVF_CUT).
 */
#ifndef GYR_BUILD_H
#define GYR_BUILD_H

#include <gyr/event.h>

/** A record being made in the caller's memory. */
struct gyr_builder {
    uint8_t *at;  /**< the caller's, aligned to 8 bytes */
    uint32_t cap; /**< bytes there */
    uint32_t len; /**< used so far */
    uint32_t max; /**< parameters there may be */
    uint32_t n;   /**< parameters there are */
    int failed;   /**< something did not fit that cannot be cut */
};

static inline void gyr_build_offset(struct gyr_builder *b)
{
    memcpy(b->at + sizeof(struct gyr_event) + b->n * sizeof(uint32_t), &b->len, sizeof(b->len));
}

/** Begin a record.
 *  @param at 8-byte aligned memory of @p cap bytes, the caller's.
 *  @param max the most parameters that will be added (<= GYR_PARAMS_MAX).
 *  @return the header, whose ts_ns, tid, cpu, subtype and flags may be set until the end (preset:
 *  no time, no thread, no CPU); NULL, and a failed builder, when there is no room for it. */
static inline struct gyr_event *gyr_build_begin(struct gyr_builder *b, void *at, size_t cap,
                                                uint16_t type, uint32_t max)
{
    struct gyr_event *ev = (struct gyr_event *)at;
    size_t head = sizeof(struct gyr_event) + (max + 1) * sizeof(uint32_t);

    memset(b, 0, sizeof(*b));
    if (cap > GYR_EVENT_MAX)
        cap = GYR_EVENT_MAX;
    b->at = (uint8_t *)at;
    b->cap = (uint32_t)(cap & ~(size_t)7);
    b->max = max;
    b->len = (uint32_t)head;
    b->failed = max > GYR_PARAMS_MAX || head > b->cap;
    if (b->failed)
        return NULL;
    memset(ev, 0, sizeof(*ev));
    ev->hdr_len = (uint16_t)sizeof(struct gyr_event);
    ev->type = type;
    ev->tid = -1;
    ev->cpu = GYR_CPU_NONE;
    gyr_build_offset(b);
    return ev;
}

static inline void gyr_build_put(struct gyr_builder *b, const void *p, uint32_t n)
{
    if (n)
        memcpy(b->at + b->len, p, n);
    b->len += n;
    b->n++;
    gyr_build_offset(b);
}

/** A parameter of exactly those bytes: all or, with a failed builder, none. */
static inline void gyr_build_raw(struct gyr_builder *b, const void *p, size_t n)
{
    if (b->failed || b->n == b->max || n > b->cap - b->len)
        b->failed = 1;
    else
        gyr_build_put(b, p, (uint32_t)n);
}

static inline void gyr_build_none(struct gyr_builder *b)
{
    gyr_build_raw(b, NULL, 0);
}

static inline void gyr_build_u8(struct gyr_builder *b, uint8_t v)
{
    gyr_build_raw(b, &v, sizeof(v));
}

static inline void gyr_build_u16(struct gyr_builder *b, uint16_t v)
{
    gyr_build_raw(b, &v, sizeof(v));
}

static inline void gyr_build_u32(struct gyr_builder *b, uint32_t v)
{
    gyr_build_raw(b, &v, sizeof(v));
}

static inline void gyr_build_u64(struct gyr_builder *b, uint64_t v)
{
    gyr_build_raw(b, &v, sizeof(v));
}

static inline void gyr_build_i64(struct gyr_builder *b, int64_t v)
{
    gyr_build_raw(b, &v, sizeof(v));
}

/** Bytes, cut to what is left. */
static inline void gyr_build_bytes(struct gyr_builder *b, const void *p, size_t n)
{
    if (b->failed || b->n == b->max) {
        b->failed = 1;
        return;
    }
    if (n > b->cap - b->len) {
        n = b->cap - b->len;
        ((struct gyr_event *)(void *)b->at)->flags |= GYR_EVF_CUT;
    }
    gyr_build_put(b, p, (uint32_t)n);
}

/** @p n bytes of text and the NUL that the schema wants; cut to what is left. */
static inline void gyr_build_strn(struct gyr_builder *b, const char *s, size_t n)
{
    uint32_t room = b->cap - b->len;

    if (b->failed || b->n == b->max || room == 0) {
        gyr_build_bytes(b, s, n); /* no room for a NUL: absent, or it has failed */
        return;
    }
    if (n > room - 1) {
        n = room - 1;
        ((struct gyr_event *)(void *)b->at)->flags |= GYR_EVF_CUT;
    }
    if (n)
        memcpy(b->at + b->len, s, n);
    b->at[b->len + n] = 0;
    b->len += (uint32_t)n + 1;
    b->n++;
    gyr_build_offset(b);
}

/** A string; absent when @p s is NULL. */
static inline void gyr_build_str(struct gyr_builder *b, const char *s)
{
    if (s)
        gyr_build_strn(b, s, strlen(s));
    else
        gyr_build_none(b);
}

/** @return the record, in the caller's memory; NULL when the builder has failed. */
static inline struct gyr_event *gyr_build_end(struct gyr_builder *b)
{
    struct gyr_event *ev = (struct gyr_event *)(void *)b->at;

    if (b->failed)
        return NULL;
    ev->nparams = (uint16_t)b->n;
    ev->len = (b->len + 7) & ~7u;
    memset(b->at + b->len, 0, ev->len - b->len);
    return ev;
}

#endif /* GYR_BUILD_H */
