/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file gyr/util.h
 * @brief Small conveniences over the ABI: filling errors, logging with a format. Not part of the
 * binary contract; header-only, any thread.
 */
#ifndef GYR_UTIL_H
#define GYR_UTIL_H

#include <gyr/host.h>
#include <stdarg.h>
#include <stdio.h>

#if defined(__GNUC__)
#define GYR_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define GYR_PRINTF(f, a)
#endif

/** Fill @p err (may be NULL) and @return @p code, so that a failure is one statement:
 *  return gyr_fail(err, -EINVAL, "rule '%s': …", name); */
GYR_PRINTF(3, 4)
static inline int gyr_fail(struct gyr_error *err, int code, const char *fmt, ...)
{
    if (err) {
        va_list ap;

        err->code = code;
        va_start(ap, fmt);
        (void)vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
        va_end(ap);
    }
    return code;
}

/** Log one line through the host, cut at 1,023 bytes. */
GYR_PRINTF(3, 4)
static inline void gyr_logf(const struct gyr_host *host, int32_t level, const char *fmt, ...)
{
    char line[1024];
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    if (n < 0)
        return;
    host->log(host->ctx, level, line, (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1);
}

/** A string value, borrowed. */
static inline struct gyr_value gyr_str(const char *s, size_t len)
{
    struct gyr_value v = {GYR_T_STR, (uint32_t)len, {0}};

    v.u.ptr = s;
    return v;
}

/** A number, truth value, time or duration. */
static inline struct gyr_value gyr_num(uint32_t type, uint64_t u64)
{
    struct gyr_value v = {type, 0, {0}};

    v.u.u64 = u64;
    return v;
}

#endif /* GYR_UTIL_H */
