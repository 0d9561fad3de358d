/* SPDX-License-Identifier: Apache-2.0 */
#include "encode/encode.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

const char *const gyr_encode_formats[] = {"text", "json", NULL};
static const size_t LINES_MAX = 64u << 20;

int gyr_lines_add(struct gyr_lines *b, const char *s, size_t n)
{
    size_t cap = b->cap ? b->cap : 4096;
    char *p;

    if (n > LINES_MAX - b->len)
        return -ENOMEM;
    while (cap < b->len + n)
        cap *= 2;
    if (cap != b->cap) {
        p = realloc(b->p, cap);
        if (!p)
            return -ENOMEM;
        b->p = p;
        b->cap = cap;
    }
    if (n)
        memcpy(b->p + b->len, s, n);
    b->len += n;
    return 0;
}

const char *gyr_encode_priority(uint32_t priority)
{
    static const char *const names[] = {"Emergency", "Alert",  "Critical",      "Error",
                                        "Warning",   "Notice", "Informational", "Debug"};

    return priority < sizeof(names) / sizeof(names[0]) ? names[priority] : "Unknown";
}

static const char *priority_color(uint32_t priority)
{
    static const char *const colors[] = {"\033[1;31m", "\033[1;31m", "\033[1;31m", "\033[31m",
                                         "\033[33m",   "\033[36m",   "\033[32m",   "\033[2m"};

    return priority < sizeof(colors) / sizeof(colors[0]) ? colors[priority] : "";
}

static int add_head(struct gyr_lines *b, const struct gyr_alert *a, int color)
{
    time_t s = (time_t)(a->ts_ns / 1000000000);
    struct tm tm = {0};
    char head[96];
    int n;

    (void)localtime_r(&s, &tm);
    n = snprintf(head, sizeof(head), "%02d:%02d:%02d.%09" PRIu64 ": %s%s%s ", tm.tm_hour, tm.tm_min,
                 tm.tm_sec, a->ts_ns % 1000000000, color ? priority_color(a->priority) : "",
                 gyr_encode_priority(a->priority), color ? "\033[0m" : "");
    return gyr_lines_add(b, head, (size_t)n);
}

int gyr_encode_line(struct gyr_lines *b, const struct gyr_alert *a, int format, int color)
{
    int r = format == ENCODE_TEXT ? add_head(b, a, color) : 0;

    if (r == 0)
        r = format == ENCODE_TEXT ? gyr_lines_add(b, a->text, a->text_len)
                                  : gyr_lines_add(b, a->json, a->json_len);
    return r ? r : gyr_lines_add(b, "\n", 1);
}
