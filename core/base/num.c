/* SPDX-License-Identifier: Apache-2.0 */
#include "base/num.h"

#include "base/cleanup.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

int parse_u64(const char *s, size_t n, uint64_t *ret)
{
    unsigned base = 10;
    uint64_t v = 0;

    if (n > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
        base = 16;
        s += 2;
        n -= 2;
    }
    if (n == 0)
        return -EINVAL;
    for (size_t i = 0; i < n; i++) {
        unsigned d = (unsigned)digit(s[i]);

        if (d >= base)
            return -EINVAL;
        if (__builtin_mul_overflow(v, base, &v) || __builtin_add_overflow(v, d, &v))
            return -ERANGE;
    }
    *ret = v;
    return 0;
}

int parse_i64(const char *s, size_t n, int64_t *ret)
{
    bool neg = n && s[0] == '-';
    uint64_t u;
    int r;

    if (n && (s[0] == '-' || s[0] == '+')) {
        s++;
        n--;
    }
    r = parse_u64(s, n, &u);
    if (r < 0)
        return r;
    if (u > (uint64_t)INT64_MAX + neg)
        return -ERANGE;
    *ret = neg ? (int64_t)-u : (int64_t)u;
    return 0;
}

int parse_double(const char *s, size_t n, double *ret)
{
    char text[64], *end;

    if (n == 0 || n >= sizeof(text) || isspace((unsigned char)s[0]))
        return -EINVAL;
    memcpy(text, s, n);
    text[n] = '\0';
    errno = 0;
    *ret = strtod(text, &end);
    if (end != text + n)
        return -EINVAL;
    return errno == ERANGE ? -ERANGE : 0;
}

int parse_bool(const char *s, size_t n, bool *ret)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on"};

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strlen(words[i]) == n && strncasecmp(s, words[i], n) == 0) {
            *ret = i & 1;
            return 0;
        }
    return -EINVAL;
}

int parse_size(const char *s, size_t n, uint64_t *ret)
{
    static const char units[] = "KMGT";
    size_t digits = 0;
    unsigned shift = 0;
    uint64_t v;
    int r;

    while (digits < n && isdigit((unsigned char)s[digits]))
        digits++;
    r = parse_u64(s, digits, &v);
    if (r < 0)
        return r;
    s += digits;
    n -= digits;
    if (n && strchr(units, toupper((unsigned char)s[0]))) {
        shift = 10 * (unsigned)(strchr(units, toupper((unsigned char)s[0])) - units + 1);
        s++;
        n--;
        if (n && (s[0] == 'i'))
            s++, n--;
    }
    if (n == 1 && (s[0] == 'B' || s[0] == 'b'))
        n = 0;
    if (n)
        return -EINVAL;
    if (v > UINT64_MAX >> shift)
        return -ERANGE;
    *ret = v << shift;
    return 0;
}

static const struct unit {
    const char *name;
    uint64_t ns;
} units[] = {
    {"d", 86400000000000u}, {"h", 3600000000000u}, {"m", 60000000000u}, {"s", 1000000000u},
    {"ms", 1000000u},       {"us", 1000u},         {"ns", 1u},
};

int parse_duration(const char *s, size_t n, uint64_t *ret)
{
    uint64_t sum = 0;

    if (n == 1 && s[0] == '0') {
        *ret = 0;
        return 0;
    }
    if (n == 0)
        return -EINVAL;
    while (n) {
        size_t d = 0, u = 0;
        const struct unit *unit = NULL;
        uint64_t v;
        int r;

        while (d < n && isdigit((unsigned char)s[d]))
            d++;
        while (d + u < n && isalpha((unsigned char)s[d + u]))
            u++;
        for (size_t i = 0; i < ARRAY_LEN(units); i++)
            if (strlen(units[i].name) == u && memcmp(units[i].name, s + d, u) == 0)
                unit = &units[i];
        r = unit ? parse_u64(s, d, &v) : -EINVAL;
        if (r < 0)
            return r;
        if (__builtin_mul_overflow(v, unit->ns, &v) || __builtin_add_overflow(sum, v, &sum))
            return -ERANGE;
        s += d + u;
        n -= d + u;
    }
    *ret = sum;
    return 0;
}

void buf_add_duration(struct buf *b, uint64_t ns)
{
    if (ns == 0)
        buf_adds(b, "0");
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (ns / units[i].ns)
            buf_addf(b, "%" PRIu64 "%s", ns / units[i].ns, units[i].name);
        ns %= units[i].ns;
    }
}
