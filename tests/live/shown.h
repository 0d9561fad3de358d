/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file shown.h
 * @brief A parameter as one word of text: the form in which what was expected and what came are
 * compared, and shown.
 *
 * Numbers by the schema's type and format, strings and bytes quoted with \xNN escapes, "none" for
 * an absent one. Nothing of a parameter is lost: equal texts are equal bytes. Any thread.
 */
#ifndef LIVE_SHOWN_H
#define LIVE_SHOWN_H

#include <gyr/schema.h>

#include <stdio.h>
#include <string.h>

/** Longest text of a parameter; what is longer ends in "...". */
#define SHOWN_MAX 40000u

/** An event that has this in a parameter makes tap.so write out all that it holds. */
#define TAP_SYNC "gyr-live-sync"

static inline size_t shown_quoted(char *out, size_t room, const uint8_t *p, uint32_t len)
{
    size_t n = 0;

    out[n++] = '"';
    for (uint32_t i = 0; i < len; i++) {
        if (n + 10 > room)
            return n + (size_t)snprintf(out + n, room - n, "...");
        if (p[i] > 0x20 && p[i] < 0x7f && p[i] != '"' && p[i] != '\\')
            out[n++] = (char)p[i];
        else
            n += (size_t)snprintf(out + n, room - n, p[i] == ' ' ? " " : "\\x%02x", p[i]);
    }
    out[n++] = '"';
    out[n] = 0;
    return n;
}

/* Width in bytes of a number type; 0: not a number. */
static inline uint32_t shown_width(uint16_t type)
{
    switch (type) {
    case GYR_P_U8:
    case GYR_P_I8:
        return 1;
    case GYR_P_U16:
    case GYR_P_I16:
        return 2;
    case GYR_P_U32:
    case GYR_P_I32:
        return 4;
    case GYR_P_U64:
    case GYR_P_I64:
    case GYR_P_TIME:
    case GYR_P_DURATION:
        return 8;
    default:
        return 0;
    }
}

static inline size_t shown_number(char *out, size_t room, const struct gyr_param_def *def,
                                  const uint8_t *p)
{
    uint32_t width = shown_width(def->type), unused = 64 - 8 * width;
    uint64_t v = 0;

    memcpy(&v, p, width);
    if (def->type >= GYR_P_I8 && def->type <= GYR_P_I64 && def->fmt != GYR_F_HEX)
        return (size_t)snprintf(out, room, "%lld", (long long)((int64_t)(v << unused) >> unused));
    if (def->fmt == GYR_F_HEX)
        return (size_t)snprintf(out, room, "0x%llx", (unsigned long long)v);
    if (def->fmt == GYR_F_OCT)
        return (size_t)snprintf(out, room, "0%llo", (unsigned long long)v);
    return (size_t)snprintf(out, room, "%llu", (unsigned long long)v);
}

/** @param out at least 64 bytes of @p room. @return the length written, a NUL behind it. */
static inline size_t shown(char *out, size_t room, const struct gyr_param_def *def,
                           const uint8_t *p, uint32_t len)
{
    if (len == 0)
        return (size_t)snprintf(out, room, "none");
    if (shown_width(def->type) == len)
        return shown_number(out, room, def, p);
    if (def->type == GYR_P_STR && p[len - 1] == 0)
        return shown_quoted(out, room, p, len - 1);
    /* Bytes; a string that lacks its NUL and a number of a wrong width show as such. */
    if (def->type == GYR_P_BYTES || def->type == GYR_P_STRS || def->type == GYR_P_OPAQUE)
        return shown_quoted(out, room, p, len);
    out[0] = '!';
    return 1 + shown_quoted(out + 1, room - 1, p, len);
}

#endif /* LIVE_SHOWN_H */
