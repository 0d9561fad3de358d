/* SPDX-License-Identifier: Apache-2.0 */
#include "message.h"

#include "query.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    MESSAGE_MAX = 256 << 10, /* the attributes counted in */
    MARK_ROOM = 96,
    SUBJECT_MAX = 99, /* "less than 100" */
    ATTRIBUTE_MAX = 1024
};

/* So much of @p s that no character is cut in two. */
static size_t whole(const char *s, size_t len, size_t max)
{
    if (len <= max)
        return len;
    while (max && ((unsigned char)s[max] & 0xc0) == 0x80)
        max--;
    return max;
}

/* @return bytes that it takes of the message's; a negative errno. */
static int add_attribute(struct gyr_lines *b, int number, const char *name, const char *value)
{
    size_t len = value ? whole(value, strlen(value), ATTRIBUTE_MAX) : 0;
    char key[80];
    int r;

    if (len == 0) /* the service refuses an empty one */
        return 0;
    (void)snprintf(key, sizeof(key), "MessageAttributes.entry.%d.Name", number);
    r = query_add(b, key, name, strlen(name));
    (void)snprintf(key, sizeof(key), "MessageAttributes.entry.%d.Value.DataType", number);
    if (r == 0)
        r = query_add(b, key, "String", 6);
    (void)snprintf(key, sizeof(key), "MessageAttributes.entry.%d.Value.StringValue", number);
    if (r == 0)
        r = query_add(b, key, value, len);
    return r ? r : (int)(strlen(name) + 6 + len);
}

/* One line of ASCII, as long as the service takes; others become '?'. */
static int add_subject(struct gyr_lines *b, const char *pattern, const struct gyr_alert *a)
{
    const struct {
        const char *name, *value;
    } places[] = {{"{priority}", gyr_encode_priority(a->priority)},
                  {"{rule}", a->rule ? a->rule : ""},
                  {"{host}", a->hostname ? a->hostname : ""}};
    char s[SUBJECT_MAX + 1];
    size_t n = 0;

    for (const char *p = pattern; *p && n < SUBJECT_MAX;) {
        const char *from = p;
        size_t len = 1, step = 1;

        for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
            if (strncmp(p, places[i].name, strlen(places[i].name)) == 0) {
                from = places[i].value;
                len = strlen(from);
                step = strlen(places[i].name);
            }
        for (size_t i = 0; i < len && n < SUBJECT_MAX; i++)
            if (((unsigned char)from[i] & 0xc0) != 0x80)
                s[n++] = (char)(from[i] < ' ' || from[i] > '~' ? '?' : from[i]);
        p += step;
    }
    return n ? query_add(b, "Subject", s, n) : 0;
}

int message_form(const struct message_conf *conf, const struct gyr_alert *a,
                 struct gyr_lines *scratch, struct gyr_lines *form)
{
    size_t used = 0, fits;
    char mark[MARK_ROOM];
    int r, n;

    scratch->len = 0;
    r = gyr_encode_line(scratch, a, conf->format, 0);
    if (r == 0)
        r = query_begin(form, "Publish", "2010-03-31");
    if (r == 0)
        r = query_add(form, "TopicArn", conf->topic, strlen(conf->topic));
    if (r == 0)
        r = add_subject(form, conf->subject, a);
    for (int i = 0; r >= 0 && i < 3; i++) {
        const char *values[] = {a->rule, gyr_encode_priority(a->priority), a->hostname};
        static const char *const names[] = {"rule", "priority", "host"};

        r = add_attribute(form, i + 1, names[i], values[i]);
        used += r > 0 ? (size_t)r : 0;
    }
    if (r < 0)
        return r;
    scratch->len--; /* the newline */
    fits = whole(scratch->p, scratch->len, MESSAGE_MAX - used - SUBJECT_MAX);
    if (fits < scratch->len) {
        fits = whole(scratch->p, scratch->len, MESSAGE_MAX - used - SUBJECT_MAX - MARK_ROOM);
        n = snprintf(mark, sizeof(mark), " [cut by gyr: %zu more bytes]", scratch->len - fits);
        scratch->len = fits;
        r = gyr_lines_add(scratch, mark, (size_t)n);
    } else {
        r = 0;
    }
    if (r == 0)
        r = query_add(form, "Message", scratch->p, scratch->len);
    if (r == 0 && conf->group)
        r = query_add(form, "MessageGroupId", conf->group, strlen(conf->group));
    if (r == 0 && conf->group)
        r = query_add(form, "MessageDeduplicationId", a->uuid ? a->uuid : "",
                      a->uuid ? strlen(a->uuid) : 0);
    return r;
}

/* ---- the answer ---- */

static bool has(const char *const *list, const char *code)
{
    for (; *list; list++)
        if (strcmp(*list, code) == 0)
            return true;
    return false;
}

uint32_t message_verdict(long status, const char *body, size_t len, char *ret_why, size_t size,
                         int *ret_renew)
{
    static const char *const passing[] = {"Throttling",         "Throttled",
                                          "ThrottledException", "ThrottlingException",
                                          "KMSThrottling",      "RequestLimitExceeded",
                                          "InternalError",      "InternalFailure",
                                          "ServiceUnavailable", NULL};
    /* A clock that is set right, or another key, makes them go away. */
    static const char *const expired[] = {"ExpiredToken", "ExpiredTokenException", "RequestExpired",
                                          "RequestTimeTooSkewed", NULL};
    char code[64], text[300];

    if (status >= 200 && status < 300)
        return GYR_V_ACCEPTED;
    query_between(body, len, "Code", code, sizeof(code));
    query_between(body, len, "Message", text, sizeof(text));
    (void)snprintf(ret_why, size, "%ld %s%s%s", status, code, *text ? ": " : "", text);
    *ret_renew = has(expired, code) ||
                 (strcmp(code, "SignatureDoesNotMatch") == 0 &&
                  (strstr(text, "Signature expired") || strstr(text, "not yet current")));
    if (*ret_renew || has(passing, code) || status == 429 || status == 408 || status >= 500)
        return GYR_V_RETRY;
    return GYR_V_FAILED;
}
