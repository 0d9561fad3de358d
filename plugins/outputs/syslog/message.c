/* SPDX-License-Identifier: Apache-2.0 */
#include "message.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char CUT[] = "[cut]", BOM[] = "\xef\xbb\xbf";
/* RFC 5424, section 6 */
enum { HOSTNAME_MAX = 255, APP_NAME_MAX = 48, SD_NAME_MAX = 32, SD_VALUE_MAX = 1024 };

struct out {
    char *p;
    size_t len, max;
};

static int has_room(const struct out *o, size_t n)
{
    return n <= o->max - o->len;
}

/* All of it or nothing. */
static int add(struct out *o, const char *s, size_t n)
{
    if (!has_room(o, n))
        return 0;
    memcpy(o->p + o->len, s, n);
    o->len += n;
    return 1;
}

/* A part of the head: printable ASCII without blanks, at most @p max; "-" for nothing. */
static void add_name(struct out *o, const char *s, size_t max)
{
    size_t n = 0;

    for (; s && s[n] && n < max; n++) {
        char c = s[n] > 0x20 && s[n] < 0x7f ? s[n] : '_';

        (void)add(o, &c, 1);
    }
    if (n == 0)
        (void)add(o, "-", 1);
}

/* The longest piece of whole characters within @p max bytes. */
static size_t whole_chars(const char *s, size_t n, size_t max)
{
    if (n <= max)
        return n;
    while (max > 0 && ((unsigned char)s[max] & 0xc0) == 0x80)
        max--;
    return max;
}

/* One line stays one line, whatever the reader does with control characters. */
static void add_line(struct out *o, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char u = (unsigned char)s[i];
        char c = u < 0x20 || u == 0x7f ? ' ' : s[i];

        (void)add(o, &c, 1);
    }
}

/* A parameter of the structured data; none at all when it does not fit below @p limit. */
static void add_param(struct out *o, size_t limit, const char *name, const char *value)
{
    struct out t = *o;
    size_t len = strlen(value), n = whole_chars(value, len, SD_VALUE_MAX);

    if (o->len + n * 2 + SD_NAME_MAX + sizeof(CUT) + 4 > limit)
        return;
    (void)add(&t, " ", 1);
    for (size_t i = 0; i < SD_NAME_MAX && name[i]; i++) {
        int ok = name[i] > 0x20 && name[i] < 0x7f && !strchr("=]\"", name[i]);

        (void)add(&t, ok ? &name[i] : "_", 1);
    }
    (void)add(&t, "=\"", 2);
    for (size_t i = 0; i < n; i++) {
        if (strchr("\"\\]", value[i]))
            (void)add(&t, "\\", 1);
        add_line(&t, &value[i], 1);
    }
    if (n < len)
        (void)add(&t, CUT, sizeof(CUT) - 1);
    (void)add(&t, "\"", 1);
    o->len = t.len;
}

static int is_chosen(const struct syslog_style *st, const char *name)
{
    for (const char *const *f = st->fields; f && *f; f++)
        if (strcmp(*f, "*") == 0 || strcmp(*f, name) == 0)
            return 1;
    return 0;
}

/* At most half of the message, so that the text is always there. */
static void add_structured(struct out *o, const struct syslog_style *st, const struct gyr_alert *a)
{
    size_t limit = o->max / 2;

    if (!st->sd_id || !*st->sd_id) {
        (void)add(o, "-", 1);
        return;
    }
    (void)add(o, "[", 1);
    add_name(o, st->sd_id, SD_NAME_MAX);
    add_param(o, limit, "uuid", a->uuid);
    add_param(o, limit, "rule", a->rule);
    for (uint32_t i = 0; i < a->n_tags; i++)
        add_param(o, limit, "tag", a->tags[i]);
    for (uint32_t i = 0; i < a->n_fields; i++)
        if (is_chosen(st, a->fields[i].name))
            add_param(o, limit, a->fields[i].name, a->fields[i].text);
    (void)add(o, "]", 1);
}

static void head_5424(struct out *o, const struct syslog_style *st, const struct gyr_alert *a,
                      unsigned pri)
{
    time_t s = (time_t)(a->ts_ns / 1000000000);
    struct tm tm = {0};
    char head[96];
    int n;

    (void)gmtime_r(&s, &tm);
    n = snprintf(head, sizeof(head), "<%u>1 %04d-%02d-%02dT%02d:%02d:%02d.%06" PRIu64 "Z ", pri,
                 tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
                 a->ts_ns % 1000000000 / 1000);
    (void)add(o, head, (size_t)n);
    add_name(o, st->hostname ? st->hostname : a->hostname, HOSTNAME_MAX);
    (void)add(o, " ", 1);
    add_name(o, st->app_name, APP_NAME_MAX);
    n = snprintf(head, sizeof(head), " %" PRIu32 " alert ", st->pid);
    (void)add(o, head, (size_t)n);
    add_structured(o, st, a);
    (void)add(o, " ", 1);
}

static void head_3164(struct out *o, const struct syslog_style *st, const struct gyr_alert *a,
                      unsigned pri)
{
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t s = (time_t)(a->ts_ns / 1000000000);
    struct tm tm = {0};
    char head[96];
    int n;

    (void)localtime_r(&s, &tm);
    n = snprintf(head, sizeof(head), "<%u>%s %2d %02d:%02d:%02d ", pri, months[tm.tm_mon],
                 tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
    (void)add(o, head, (size_t)n);
    if (!st->local) {
        add_name(o, st->hostname ? st->hostname : a->hostname, HOSTNAME_MAX);
        (void)add(o, " ", 1);
    }
    add_name(o, st->app_name, APP_NAME_MAX);
    n = snprintf(head, sizeof(head), "[%" PRIu32 "]: ", st->pid);
    (void)add(o, head, (size_t)n);
}

static int is_ascii(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)s[i] >= 0x80)
            return 0;
    return 1;
}

static void add_text(struct out *o, const char *s, size_t n)
{
    if (has_room(o, n)) {
        add_line(o, s, n);
        return;
    }
    add_line(o, s, whole_chars(s, n, o->max - o->len - (sizeof(CUT) - 1)));
    (void)add(o, CUT, sizeof(CUT) - 1);
}

size_t syslog_message(const struct syslog_style *st, const struct gyr_alert *a, char *buf,
                      size_t max)
{
    struct out o = {buf, 0, max};
    unsigned pri = (unsigned)st->facility * 8 + (a->priority & 7);

    if (st->rfc == SYSLOG_RFC5424)
        head_5424(&o, st, a, pri);
    else
        head_3164(&o, st, a, pri);
    if (st->content == SYSLOG_JSON && has_room(&o, a->json_len)) {
        add_line(&o, a->json, a->json_len);
        return o.len;
    }
    if (st->rfc == SYSLOG_RFC5424 && st->bom && !is_ascii(a->text, a->text_len))
        (void)add(&o, BOM, sizeof(BOM) - 1);
    add_text(&o, a->text, a->text_len);
    return o.len;
}
