/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file gyr/event.h
 * @brief One event: header, parameter offsets, parameters.
 *
 * A record is 8-byte aligned, in host byte order:
 *
 *     struct gyr_event | (room up to hdr_len) | uint32_t off[nparams + 1] | parameters
 *
 * Parameter i is the bytes [off[i], off[i + 1]) counted from the start of the record; offsets
 * never decrease, so every parameter is found in constant time. Parameters are unaligned: read
 * them with memcpy(), as the accessors below do. A parameter of length 0 is absent (or, for a
 * string or bytes, empty). How the bytes of a parameter are read is in the schema.
 *
 * The core checks every record once, when the source hands it over; whoever sees it later may
 * trust header and offsets, but not that a parameter has the length its type wants.
 */
#ifndef GYR_EVENT_H
#define GYR_EVENT_H

#include <gyr/types.h>
#include <string.h>

/** Header of a record. It may grow: hdr_len tells where the offsets begin. */
struct gyr_event {
    uint32_t len;     /**< whole record with its padding; a multiple of 8 */
    uint16_t hdr_len; /**< >= sizeof(struct gyr_event), a multiple of 8 */
    uint16_t type;    /**< event type of the schema, or GYR_EV_* */
    uint64_t ts_ns;   /**< nanoseconds since the epoch (live: CLOCK_BOOTTIME moved there); 0: the
                           core stamps it */
    int64_t tid;      /**< thread that caused it; -1: none */
    uint64_t num;     /**< ordinal in the source's stream, from 1; 0: the core counts */
    uint32_t subtype; /**< for a generic type: what it stands for (a system-call code); else 0 */
    uint32_t flags;   /**< GYR_EVF_* */
    uint16_t cpu;     /**< CPU it happened on; GYR_CPU_NONE */
    uint16_t nparams;
    uint32_t reserved; /**< 0 */
};

#define GYR_CPU_NONE   0xffffu
#define GYR_EVENT_MAX  (16u << 20) /**< largest record, bytes */
#define GYR_PARAMS_MAX 64u         /**< most parameters of one event */

enum {
    GYR_EVF_SNAPSHOT = 1, /**< state as it was, not something that happened: builds state, matches
                               no rule, has no number */
    GYR_EVF_INTERNAL = 2, /**< made by the core or a plugin about the stream itself */
    GYR_EVF_CUT = 4       /**< a parameter was cut to fit */
};

/** Event types that every schema has. Types from 0xf000 belong to the core. */
enum {
    GYR_EV_SNAPSHOT_BEGIN = 0xf000, /**< no parameters */
    GYR_EV_SNAPSHOT_END = 0xf001,   /**< no parameters; what was not seen since begin is swept */
    GYR_EV_LOSS = 0xf002,           /**< u32 class (GYR_LOSS_*), u16 cpu, u64 count: events lost
                                         upstream */
    GYR_EV_CORE_MIN = 0xf000
};

/** Classes of lost events. What a source loses is counted by class and CPU, and told by an alert.
 */
enum {
    GYR_LOSS_OTHER = 0, /**< events that only rules would have seen */
    GYR_LOSS_STATE = 1  /**< events that build state (GYR_ETF_STATE): what is known of processes and
                             files may be wrong until the next snapshot */
};

/** Where parameter @p i begins. @pre i < ev->nparams; @p ret_len gets its length. */
static inline const uint8_t *gyr_param(const struct gyr_event *ev, uint32_t i, uint32_t *ret_len)
{
    uint32_t off[2];

    memcpy(off, (const uint8_t *)ev + ev->hdr_len + i * sizeof(uint32_t), sizeof(off));
    *ret_len = off[1] - off[0];
    return (const uint8_t *)ev + off[0];
}

/** Little helpers: @return 1 and the number, or 0 when the parameter is absent or too short.
 *  gyr_param_u64() takes any width of 1, 2, 4 or 8; gyr_param_i64() extends the sign. */
static inline int gyr_param_u64(const struct gyr_event *ev, uint32_t i, uint64_t *ret)
{
    uint32_t len;
    const uint8_t *p;

    if (i >= ev->nparams)
        return 0;
    p = gyr_param(ev, i, &len);
    switch (len) {
    case 1:
        *ret = *p;
        return 1;
    case 2: {
        uint16_t v;
        memcpy(&v, p, sizeof(v));
        *ret = v;
        return 1;
    }
    case 4: {
        uint32_t v;
        memcpy(&v, p, sizeof(v));
        *ret = v;
        return 1;
    }
    case 8:
        memcpy(ret, p, sizeof(*ret));
        return 1;
    default:
        return 0;
    }
}

static inline int gyr_param_i64(const struct gyr_event *ev, uint32_t i, int64_t *ret)
{
    uint64_t u;
    uint32_t len;

    if (!gyr_param_u64(ev, i, &u))
        return 0;
    (void)gyr_param(ev, i, &len);
    switch (len) {
    case 1:
        *ret = (int8_t)u;
        break;
    case 2:
        *ret = (int16_t)u;
        break;
    case 4:
        *ret = (int32_t)u;
        break;
    default:
        *ret = (int64_t)u;
        break;
    }
    return 1;
}

/** A string parameter without its NUL (and cut at the first one).
 *  @return 1 and the bytes, borrowed from the event; 0 when absent. */
static inline int gyr_param_str(const struct gyr_event *ev, uint32_t i, const char **ret,
                                uint32_t *ret_len)
{
    uint32_t len;
    const uint8_t *p, *nul;

    if (i >= ev->nparams)
        return 0;
    p = gyr_param(ev, i, &len);
    if (len == 0)
        return 0;
    nul = (const uint8_t *)memchr(p, 0, len);
    *ret = (const char *)p;
    *ret_len = nul ? (uint32_t)(nul - p) : len;
    return 1;
}

#endif /* GYR_EVENT_H */
