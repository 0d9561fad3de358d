/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file gyr/types.h
 * @brief Errors and values: the words the rest of the ABI is written in.
 *
 * Plain C99 and C++. Only fixed-width integers and pointers cross the ABI: no enum-typed
 * member, bool, long, time_t, FILE *, va_list or allocator.
 *
 * [grows]  structs open with `size` (or are reached with a stride), gain members at the end
 *          only, and unknown flag bits are refused.
 * [frozen] structs never change.
 */
#ifndef GYR_TYPES_H
#define GYR_TYPES_H

#include <stddef.h>
#include <stdint.h>

#define GYR_E_EOF  (-4001) /**< the source has ended; not a failure */
#define GYR_E_CONF (-4002) /**< a configuration value is unusable */

/** Why a call failed. The caller owns it; the callee writes it on failure only. [frozen] */
struct gyr_error {
    int32_t code;  /**< what the call returned: a negated errno or GYR_E_* */
    char msg[508]; /**< one sentence, UTF-8, NUL-terminated, no newline */
};

/** Types of a value, and of the field that yields it. The numbers are never reused. */
enum {
    GYR_T_NONE = 0,
    GYR_T_BOOL = 1,     /**< u.u64: 0 or 1 */
    GYR_T_I64 = 2,      /**< u.i64 */
    GYR_T_U64 = 3,      /**< u.u64 */
    GYR_T_DOUBLE = 4,   /**< u.f64 */
    GYR_T_STR = 5,      /**< u.ptr, len bytes without the NUL; may hold bytes that are not UTF-8 */
    GYR_T_BYTES = 6,    /**< u.ptr, len bytes */
    GYR_T_TIME = 7,     /**< u.u64: nanoseconds since the epoch */
    GYR_T_DURATION = 8, /**< u.u64: nanoseconds */
    GYR_T_IP = 9,       /**< u.ptr: 4 or 16 bytes in network order; len tells which */
    GYR_T_NET = 10, /**< u.ptr: an address (4 or 16 bytes), then its prefix length (1 byte). A field
                         of this type may yield a GYR_T_IP: a network of one */
    GYR_T_LIST = 11 /**< u.ptr: an array of len values, all of one scalar type */
};

/** One value. Every union member is 8 bytes or a pointer. [frozen] */
struct gyr_value {
    uint32_t type; /**< GYR_T_* */
    uint32_t len;  /**< bytes at u.ptr, or elements of a list; 0 for scalars held in u */
    union {
        uint64_t u64;
        int64_t i64;
        double f64;
        const void *ptr;
    } u;
};

/** How a number or a time is written as text. [frozen] numbers */
enum {
    GYR_F_DEC = 0,
    GYR_F_HEX = 1,      /**< "1FF": upper case, no prefix */
    GYR_F_OCT = 2,      /**< "0755": a leading zero */
    GYR_F_HMS = 3,      /**< time of day, HH:MM:SS.nnnnnnnnn */
    GYR_F_HMS_S = 4,    /**< HH:MM:SS */
    GYR_F_DATETIME = 5, /**< YYYY-MM-DD HH:MM:SS.nnnnnnnnn */
    GYR_F_DATETIME_S = 6,
    GYR_F_ISO8601 = 7, /**< YYYY-MM-DDTHH:MM:SS.nnnnnnnnn+0000 */
    GYR_F_RAW = 8,     /**< a time or duration as its plain number of nanoseconds */
    GYR_F_RAW9 = 9,    /**< the same filled with zeros to nine digits: a fraction of a second */
    GYR_F_TEXT = 10    /**< of a number: decimal, and a text in JSON too */
};

/** The three answers of a field (and < 0: an error, which counts as absent). */
enum {
    GYR_ABSENT = 0,
    GYR_PRESENT = 1,
    GYR_PENDING = 2 /**< not known yet: ret->u.u64 holds a ticket */
};

/** True if the peer's struct is new enough to hold @p member, and it is set. */
#define GYR_HAS(p, member)                                                                         \
    ((p)->size >= (size_t)((const char *)(&(p)->member + 1) - (const char *)(p)) && (p)->member)

#endif /* GYR_TYPES_H */
