/* SPDX-License-Identifier: Apache-2.0 */
#include "query.h"

#include <stdbool.h>
#include <string.h>

static int add(struct gyr_lines *b, const char *s)
{
    return gyr_lines_add(b, s, strlen(s));
}

static bool is_plain(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' ||
           c == '_' || c == '.' || c == '~';
}

static int add_escaped(struct gyr_lines *b, const char *s, size_t len)
{
    static const char hex[] = "0123456789ABCDEF";
    int r = 0;

    for (size_t i = 0; r == 0 && i < len; i++) {
        unsigned char c = (unsigned char)s[i];
        const char pair[3] = {'%', hex[c >> 4], hex[c & 15]};

        r = is_plain(c) ? gyr_lines_add(b, s + i, 1) : gyr_lines_add(b, pair, 3);
    }
    return r;
}

int query_add(struct gyr_lines *b, const char *name, const char *value, size_t len)
{
    int r = add(b, "&");

    if (r == 0)
        r = add(b, name);
    if (r == 0)
        r = add(b, "=");
    return r ? r : add_escaped(b, value, len);
}

int query_begin(struct gyr_lines *b, const char *action, const char *version)
{
    int r = add(b, "Action=");

    if (r == 0)
        r = add(b, action);
    return r ? r : query_add(b, "Version", version, strlen(version));
}

void query_between(const char *body, size_t len, const char *name, char *ret, size_t size)
{
    char open[32];
    int n = snprintf(open, sizeof(open), "<%s>", name);
    const char *p = memmem(body, len, open, (size_t)n), *end;
    size_t k = 0;

    if (p) {
        p += n;
        end = memchr(p, '<', len - (size_t)(p - body));
        for (; end && p < end && k + 1 < size; p++)
            ret[k++] = (char)((unsigned char)*p < ' ' ? ' ' : *p);
    }
    ret[k] = '\0';
}
