/* SPDX-License-Identifier: Apache-2.0 */
#include "mail.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

enum { WORD_MAX = 75, LINE_MAX_QP = 76, SUBJECT_MAX = 300 };
/* An equals sign followed by this does not occur in quoted-printable. */
static const char BOUNDARY[] = "=_gyr_part";

static int add_str(struct gyr_lines *out, const char *s)
{
    return gyr_lines_add(out, s, strlen(s));
}

size_t mail_address(const char *s, const char **ret)
{
    const char *open = strchr(s, '<'), *end, *at;

    for (const char *p = s; *p; p++)
        if ((unsigned char)*p < 0x20 || (unsigned char)*p >= 0x7f)
            return 0;
    if (open) {
        s = open + 1;
        end = strchr(s, '>');
        if (!end || end[1])
            return 0;
    } else {
        end = s + strlen(s);
    }
    at = memchr(s, '@', (size_t)(end - s));
    if (!at || at == s || at + 1 == end)
        return 0;
    for (const char *p = s; p < end; p++)
        if (strchr(" <>,;\"", *p))
            return 0;
    *ret = s;
    return (size_t)(end - s);
}

/* Bytes of the character at @p s; what is not UTF-8 counts as one. */
static size_t char_len(const char *s, size_t n)
{
    size_t k = 1;

    while (k < n && ((unsigned char)s[k] & 0xc0) == 0x80)
        k++;
    return k;
}

static int is_plain(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)s[i] < 0x20 || (unsigned char)s[i] >= 0x7f ||
            (s[i] == '=' && i + 1 < n && s[i + 1] == '?'))
            return 0;
    return 1;
}

/* RFC 2047: words of at most 75 characters, cut between characters, one a line. */
static int add_words(struct gyr_lines *out, const char *s, size_t n)
{
    static const char open[] = "=?UTF-8?Q?", hex[] = "0123456789ABCDEF";
    char word[WORD_MAX + 1];
    size_t len = 0, i = 0;
    int r = 0, first = 1;

    while (r == 0 && i < n) {
        size_t k = char_len(s + i, n - i);

        if (len == 0) {
            memcpy(word, open, sizeof(open) - 1);
            len = sizeof(open) - 1;
        }
        if (len + k * 3 + 2 <= WORD_MAX) {
            for (size_t j = i; j < i + k; j++) {
                unsigned char c = (unsigned char)s[j];

                if (c < 0x80 && isalnum(c)) {
                    word[len++] = (char)c;
                } else {
                    c = c < 0x20 || c == 0x7f ? ' ' : c;
                    word[len++] = '=';
                    word[len++] = hex[c >> 4];
                    word[len++] = hex[c & 15];
                }
            }
            i += k;
            if (i < n)
                continue;
        }
        if (!first)
            r = add_str(out, "\r\n ");
        first = 0;
        if (r == 0)
            r = gyr_lines_add(out, word, len);
        if (r == 0)
            r = add_str(out, "?=");
        len = 0;
        if (k * 3 + sizeof(open) + 1 > WORD_MAX)
            i += k; /* no character, however it came to be */
    }
    return r;
}

int mail_add_header(struct gyr_lines *out, const char *name, const char *s, size_t len)
{
    int r = add_str(out, name);

    if (r == 0)
        r = add_str(out, ": ");
    if (len > SUBJECT_MAX) {
        for (len = SUBJECT_MAX; len > 0 && ((unsigned char)s[len] & 0xc0) == 0x80; len--)
            ;
    }
    if (r == 0)
        r = is_plain(s, len) ? gyr_lines_add(out, s, len) : add_words(out, s, len);
    return r ? r : add_str(out, "\r\n");
}

/* RFC 2045, 6.7. */
int mail_add_quoted(struct gyr_lines *out, const char *s, size_t n)
{
    static const char hex[] = "0123456789ABCDEF";
    char line[LINE_MAX_QP + 4];
    size_t len = 0;
    int r = 0;

    for (size_t i = 0; i < n && r == 0; i++) {
        unsigned char c = (unsigned char)s[i];
        int last = i + 1 == n || s[i + 1] == '\n';
        int plain = (c > 0x20 && c < 0x7f && c != '=') || (c == ' ' && !last);

        if (c != '\n') {
            if (len + (plain ? 1 : 3) > LINE_MAX_QP - 1) {
                memcpy(line + len, "=\r\n", 3);
                r = gyr_lines_add(out, line, len + 3);
                len = 0;
            }
            if (plain) {
                line[len++] = (char)c;
                continue;
            }
            line[len++] = '=';
            line[len++] = hex[c >> 4];
            line[len++] = hex[c & 15];
            continue;
        }
        memcpy(line + len, "\r\n", 2);
        if (r == 0)
            r = gyr_lines_add(out, line, len + 2);
        len = 0;
    }
    if (r == 0 && len) {
        memcpy(line + len, "\r\n", 2);
        r = gyr_lines_add(out, line, len + 2);
    }
    return r;
}

static int add_date(struct gyr_lines *out, uint64_t ts_ns)
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t s = (time_t)(ts_ns / 1000000000);
    struct tm tm = {0};
    char date[96];

    (void)gmtime_r(&s, &tm);
    (void)snprintf(date, sizeof(date), "Date: %s, %d %s %d %02d:%02d:%02d +0000\r\n",
                   days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour,
                   tm.tm_min, tm.tm_sec);
    return add_str(out, date);
}

static const struct gyr_alert *most_urgent(const struct gyr_alert *const *alerts, uint32_t n)
{
    const struct gyr_alert *a = alerts[0];

    for (uint32_t i = 1; i < n; i++)
        if (alerts[i]->priority < a->priority)
            a = alerts[i];
    return a;
}

static int add_subject(const struct mail_style *st, const struct gyr_alert *const *alerts,
                       uint32_t n, struct gyr_lines *out)
{
    struct gyr_lines s = {0};
    char more[48] = "";
    int r;

    if (n > 1)
        (void)snprintf(more, sizeof(more), "[%u alerts] ", n);
    r = add_str(&s, more);
    if (r == 0)
        r = template_expand(st->subject, most_urgent(alerts, n), &s);
    if (r == 0)
        r = mail_add_header(out, "Subject", s.p ? s.p : "", s.len);
    free(s.p);
    return r;
}

static int add_head(const struct mail_style *st, const struct gyr_alert *const *alerts, uint32_t n,
                    struct gyr_lines *out)
{
    const char *domain = strrchr(st->from, '@') + 1;
    char id[320];
    int r = add_date(out, alerts[n - 1]->ts_ns);

    if (r == 0)
        r = add_str(out, "From: ");
    if (r == 0)
        r = add_str(out, st->from);
    for (uint32_t i = 0; r == 0 && st->to[i]; i++) {
        r = add_str(out, i ? ",\r\n " : "\r\nTo: ");
        if (r == 0)
            r = add_str(out, st->to[i]);
    }
    if (r == 0)
        r = add_str(out, "\r\n");
    if (r == 0)
        r = add_subject(st, alerts, n, out);
    (void)snprintf(id, sizeof(id),
                   "Message-ID: <%.64s.%u@%.*s>\r\nAuto-Submitted: auto-generated\r\n"
                   "MIME-Version: 1.0\r\n",
                   alerts[0]->uuid, n, (int)strcspn(domain, ">"), domain);
    return r ? r : add_str(out, id);
}

static int cut_text(struct gyr_lines *body, size_t max)
{
    if (!max || body->len <= max)
        return 0;
    while (max && ((unsigned char)body->p[max] & 0xc0) == 0x80)
        max--;
    body->len = max;
    return add_str(body, "\n[cut: it is too long for a mail]\n");
}

/* The alerts one below the other. @param max bytes of them; 0: any. */
static int add_part(const struct template *t, const char *type, const char *between,
                    const struct gyr_alert *const *alerts, uint32_t n, size_t max,
                    struct gyr_lines *out)
{
    struct gyr_lines body = {0};
    char head[128];
    int r = 0;

    (void)snprintf(head, sizeof(head),
                   "Content-Type: %s; charset=utf-8\r\n"
                   "Content-Transfer-Encoding: quoted-printable\r\n\r\n",
                   type);
    for (uint32_t i = 0; i < n && r == 0; i++) {
        if (i)
            r = add_str(&body, between);
        if (r == 0)
            r = template_expand(t, alerts[i], &body);
    }
    if (r == 0)
        r = cut_text(&body, max);
    if (r == 0)
        r = add_str(out, head);
    if (r == 0)
        r = mail_add_quoted(out, body.p ? body.p : "", body.len);
    free(body.p);
    return r;
}

static int add_boundary(struct gyr_lines *out, const char *end)
{
    int r = add_str(out, "\r\n--");

    if (r == 0)
        r = add_str(out, BOUNDARY);
    if (r == 0)
        r = add_str(out, end);
    return r ? r : add_str(out, "\r\n");
}

int mail_write(const struct mail_style *st, const struct gyr_alert *const *alerts, uint32_t n,
               struct gyr_lines *out)
{
    int r;

    out->len = 0;
    r = add_head(st, alerts, n, out);
    if (r == 0 && !st->html)
        return add_part(st->text, "text/plain", "\n\n", alerts, n, st->max_text, out);
    if (r == 0)
        r = add_str(out, "Content-Type: multipart/alternative; boundary=\"");
    if (r == 0)
        r = add_str(out, BOUNDARY);
    if (r == 0)
        r = add_str(out, "\"\r\n");
    if (r == 0)
        r = add_boundary(out, "");
    if (r == 0)
        r = add_part(st->text, "text/plain", "\n\n", alerts, n, st->max_text, out);
    if (r == 0)
        r = add_boundary(out, "");
    if (r == 0)
        r = add_part(st->html, "text/html", "\n<hr>\n", alerts, n, 0, out);
    return r ? r : add_boundary(out, "--");
}
