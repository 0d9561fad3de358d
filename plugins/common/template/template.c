/* SPDX-License-Identifier: Apache-2.0 */
#include "template/template.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

enum { PARTS_MAX = 256, MAPS_MAX = 32, CHARS_MAX = 1 << 20 };

enum place {
    P_LITERAL,
    P_JSON,
    P_TEXT,
    P_RULE,
    P_PRIORITY,
    P_SOURCE,
    P_HOSTNAME,
    P_UUID,
    P_TIME,
    P_TIME_S,
    P_TIME_MS,
    P_TIME_NS,
    P_TIME_F,
    P_TAGS,
    P_FIELDS,
    P_FIELD,
    P_KEY
};

static const char *const place_names[] = {[P_LITERAL] = "",
                                          [P_JSON] = "json",
                                          [P_TEXT] = "text",
                                          [P_RULE] = "rule",
                                          [P_PRIORITY] = "priority",
                                          [P_SOURCE] = "source",
                                          [P_HOSTNAME] = "hostname",
                                          [P_UUID] = "uuid",
                                          [P_TIME] = "time",
                                          [P_TIME_S] = "time_s",
                                          [P_TIME_MS] = "time_ms",
                                          [P_TIME_NS] = "time_ns",
                                          [P_TIME_F] = "time_f",
                                          [P_TAGS] = "tags",
                                          [P_FIELDS] = "fields",
                                          [P_FIELD] = "field",
                                          [P_KEY] = "key"};

struct map {
    const char *from, *to;
};

struct part {
    enum place place;
    bool in_string;   /* of JSON */
    const char *text; /* a literal; the name of a field */
    size_t len;       /* of a literal */
    uint32_t chars;   /* longest text; 0: any */
    uint32_t first_map, n_maps;
};

struct template
{
    char *text; /* cut up: parts and maps point into it */
    const char *key;
    bool is_json, is_html;
    struct part parts[PARTS_MAX];
    struct map maps[MAPS_MAX];
    uint32_t n_parts, n_maps;
};

/* ---- compiling ---- */

static struct part *add_part(struct template *t, enum place place, struct gyr_error *err)
{
    struct part *p = &t->parts[t->n_parts];

    if (t->n_parts == PARTS_MAX) {
        (void)gyr_fail(err, GYR_E_CONF, "the places are too many: %d parts at most", PARTS_MAX);
        return NULL;
    }
    t->n_parts++;
    p->place = place;
    return p;
}

/* "130". @return 0 when it is no such number. */
static uint32_t to_chars(const char *s)
{
    uint32_t n = 0;

    for (; *s; s++) {
        if (*s < '0' || *s > '9' || n > CHARS_MAX)
            return 0;
        n = n * 10 + (uint32_t)(*s - '0');
    }
    return n <= CHARS_MAX ? n : 0;
}

static int add_map(struct template *t, struct part *p, char *pair, struct gyr_error *err)
{
    char *eq = strchr(pair, '=');

    if (!eq)
        return gyr_fail(err, GYR_E_CONF, "the place {%s} has '%s', which is not VALUE=TEXT",
                        place_names[p->place], pair);
    if (t->n_maps == MAPS_MAX)
        return gyr_fail(err, GYR_E_CONF, "the places map too many values: %d at most", MAPS_MAX);
    *eq = '\0';
    t->maps[t->n_maps++] = (struct map){pair, eq + 1};
    p->n_maps++;
    return 0;
}

/* @p s: what stands between the braces, and is cut up. */
static int add_place(struct template *t, char *s, bool in_string, struct gyr_error *err)
{
    char *maps = strchr(s, '|'), *arg, *next;
    enum place place = P_JSON;
    struct part *p;
    int r;

    if (maps)
        *maps++ = '\0';
    arg = strchr(s, ':');
    if (arg)
        *arg++ = '\0';
    while (place <= P_KEY && strcmp(s, place_names[place]) != 0)
        place++;
    if (place > P_KEY)
        return gyr_fail(err, GYR_E_CONF,
                        "the place {%s} is not one of json text rule priority source hostname uuid "
                        "time time_s time_ms time_ns time_f tags fields field:NAME key",
                        s);
    if (place == P_KEY && !t->key)
        return gyr_fail(err, GYR_E_CONF, "the place {key} needs the option 'key'");
    if ((place == P_FIELD) != (arg && !to_chars(arg)) || (place == P_FIELD && !*arg))
        return gyr_fail(err, GYR_E_CONF,
                        place == P_FIELD ? "the place {%s} is written {field:NAME}"
                                         : "the place {%s:…} takes a number of characters",
                        s);
    p = add_part(t, place, err);
    if (!p)
        return GYR_E_CONF;
    p->in_string = in_string;
    p->text = arg;
    p->chars = place != P_FIELD && arg ? to_chars(arg) : 0;
    p->first_map = t->n_maps;
    for (; maps; maps = next) {
        next = strchr(maps, '|');
        if (next)
            *next++ = '\0';
        r = add_map(t, p, maps, err);
        if (r < 0)
            return r;
    }
    return 0;
}

/* @return the '}' of a place that begins at the '{' of @p s; NULL: a brace like any other. */
static char *place_end(char *s)
{
    char *at = s + 1;

    while ((*at >= 'a' && *at <= 'z') || *at == '_')
        at++;
    if (at == s + 1 || (*at != '}' && *at != ':' && *at != '|'))
        return NULL;
    return strpbrk(at, "}\n");
}

static int add_literal(struct template *t, const char *s, size_t len, struct gyr_error *err)
{
    struct part *p;

    if (!len)
        return 0;
    p = add_part(t, P_LITERAL, err);
    if (!p)
        return GYR_E_CONF;
    p->text = s;
    p->len = len;
    return 0;
}

static int compile(struct template *t, struct gyr_error *err)
{
    bool in_string = false;
    char *from = t->text, *at = from, *end;
    int r = 0;

    while (r == 0 && *at) {
        if (at[0] == '{' && at[1] == '{') { /* one that opens no place */
            r = add_literal(t, from, (size_t)(at - from), err);
            from = at + 1;
            at += 2;
        } else if (*at == '{' && (end = place_end(at)) && *end == '}') {
            r = add_literal(t, from, (size_t)(at - from), err);
            *end = '\0';
            if (r == 0)
                r = add_place(t, at + 1, in_string, err);
            from = at = end + 1;
        } else {
            if (*at == '\\' && at[1] && in_string)
                at++;
            else if (*at == '"' && t->is_json)
                in_string = !in_string;
            at++;
        }
    }
    return r ? r : add_literal(t, from, (size_t)(at - from), err);
}

int template_compile(const char *text, int form, const char *key, struct template **ret,
                     struct gyr_error *err)
{
    struct template *t = calloc(1, sizeof(*t));
    int r;

    if (!t)
        return gyr_fail(err, -ENOMEM, "no memory");
    t->text = strdup(text);
    t->is_json = form == TEMPLATE_JSON;
    t->is_html = form == TEMPLATE_HTML;
    t->key = key;
    r = t->text ? compile(t, err) : gyr_fail(err, -ENOMEM, "no memory");
    if (r < 0) {
        template_free(t);
        return r;
    }
    *ret = t;
    return 0;
}

void template_free(struct template *t)
{
    if (!t)
        return;
    free(t->text);
    free(t);
}

/* ---- expanding ---- */

static int add_str(struct gyr_lines *out, const char *s)
{
    return gyr_lines_add(out, s, strlen(s));
}

static int add_escaped(struct gyr_lines *out, const char *s, size_t n)
{
    size_t from = 0;
    int r = 0;

    for (size_t i = 0; i < n && r == 0; i++) {
        unsigned char c = (unsigned char)s[i];
        char code[8];

        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        r = gyr_lines_add(out, s + from, i - from);
        from = i + 1;
        if (c == '"' || c == '\\')
            (void)snprintf(code, sizeof(code), "\\%c", c);
        else if (c == '\n')
            (void)snprintf(code, sizeof(code), "\\n");
        else
            (void)snprintf(code, sizeof(code), "\\u%04x", c);
        if (r == 0)
            r = add_str(out, code);
    }
    return r ? r : gyr_lines_add(out, s + from, n - from);
}

static int add_quoted(struct gyr_lines *out, const char *s, size_t n)
{
    int r = gyr_lines_add(out, "\"", 1);

    if (r == 0)
        r = add_escaped(out, s, n);
    return r ? r : gyr_lines_add(out, "\"", 1);
}

/* @return how much of @p s are at most @p chars characters, the last one being left for "…". */
static size_t cut(const char *s, size_t n, uint32_t chars, bool *ret_cut)
{
    size_t keep = 0;
    uint32_t seen = 0;

    *ret_cut = false;
    for (size_t i = 0; i < n; i++) {
        if (((unsigned char)s[i] & 0xC0) == 0x80)
            continue;
        if (seen == chars) {
            *ret_cut = true;
            return keep;
        }
        if (++seen == chars)
            keep = i;
    }
    return n;
}

static const char *mapped(const struct template *t, const struct part *p, const char *s)
{
    for (uint32_t i = p->first_map; i < p->first_map + p->n_maps; i++)
        if (strcmp(t->maps[i].from, "*") == 0 || strcasecmp(t->maps[i].from, s) == 0)
            return t->maps[i].to;
    return NULL;
}

static int add_html(struct gyr_lines *out, const char *s, size_t n)
{
    static const char *const codes[256] = {
        ['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;", ['"'] = "&quot;", ['\''] = "&#39;"};
    size_t from = 0;
    int r = 0;

    for (size_t i = 0; i < n && r == 0; i++) {
        const char *code = codes[(unsigned char)s[i]];

        if (!code)
            continue;
        r = gyr_lines_add(out, s + from, i - from);
        from = i + 1;
        if (r == 0)
            r = add_str(out, code);
    }
    return r ? r : gyr_lines_add(out, s + from, n - from);
}

/* A text, as it must be written where its place stands. */
static int put_text(const struct template *t, const struct part *p, const char *s, size_t n,
                    struct gyr_lines *out)
{
    const char *to = p->n_maps ? mapped(t, p, s) : NULL;
    bool is_cut = false, quote = t->is_json && !p->in_string && !to;
    int r = quote ? gyr_lines_add(out, "\"", 1) : 0;

    if (to) /* the template's own words: they may be a number where one belongs */
        return p->in_string ? add_escaped(out, to, strlen(to)) : add_str(out, to);
    if (p->chars)
        n = cut(s, n, p->chars, &is_cut);
    if (r == 0)
        r = t->is_json   ? add_escaped(out, s, n)
            : t->is_html ? add_html(out, s, n)
                         : gyr_lines_add(out, s, n);
    if (r == 0 && is_cut)
        r = add_str(out, "…");
    return r == 0 && quote ? gyr_lines_add(out, "\"", 1) : r;
}

static int put_value(struct gyr_lines *out, const struct gyr_alert_field *f)
{
    switch (f->value.type) {
    case GYR_T_NONE:
        return add_str(out, "null");
    case GYR_T_BOOL:
        return add_str(out, f->value.u.u64 ? "true" : "false");
    case GYR_T_I64:
    case GYR_T_U64: {
        char number[32];

        (void)snprintf(number, sizeof(number), f->value.type == GYR_T_I64 ? "%" PRId64 : "%" PRIu64,
                       f->value.u.u64);
        return add_str(out, number);
    }
    default:
        return add_quoted(out, f->text, strlen(f->text));
    }
}

static int put_field(const struct template *t, const struct part *p, const struct gyr_alert *a,
                     struct gyr_lines *out)
{
    for (uint32_t i = 0; i < a->n_fields; i++) {
        const struct gyr_alert_field *f = &a->fields[i];

        if (strcmp(f->name, p->text) != 0)
            continue;
        if (t->is_json && !p->in_string && !p->n_maps)
            return put_value(out, f);
        return put_text(t, p, f->text, strlen(f->text), out);
    }
    return t->is_json && !p->in_string && !p->n_maps ? add_str(out, "null")
                                                     : put_text(t, p, "<NA>", 4, out);
}

/* {"proc.name":"sh"}, or in a text "proc.name=sh fd.num=3". */
static int put_fields(const struct template *t, const struct part *p, const struct gyr_alert *a,
                      struct gyr_lines *out)
{
    bool object = t->is_json && !p->in_string;
    struct gyr_lines text = {0};
    int r = object ? add_str(out, "{") : 0;

    for (uint32_t i = 0; r == 0 && i < a->n_fields; i++) {
        const struct gyr_alert_field *f = &a->fields[i];
        struct gyr_lines *to = object ? out : &text;

        if (i)
            r = add_str(to, object ? "," : " ");
        if (r == 0)
            r = object ? add_quoted(to, f->name, strlen(f->name)) : add_str(to, f->name);
        if (r == 0)
            r = add_str(to, object ? ":" : "=");
        if (r == 0)
            r = object ? put_value(to, f) : add_str(to, f->text);
    }
    if (r == 0)
        r = object ? add_str(out, "}") : gyr_lines_add(&text, "", 1);
    if (r == 0 && !object)
        r = put_text(t, p, text.p, text.len - 1, out);
    free(text.p);
    return r;
}

static int put_tags(const struct template *t, const struct part *p, const struct gyr_alert *a,
                    struct gyr_lines *out)
{
    bool array = t->is_json && !p->in_string;
    int r = array ? add_str(out, "[") : 0;

    for (uint32_t i = 0; r == 0 && i < a->n_tags; i++) {
        if (i)
            r = add_str(out, array ? "," : ", ");
        if (r == 0)
            r = array ? add_quoted(out, a->tags[i], strlen(a->tags[i]))
                      : put_text(t, p, a->tags[i], strlen(a->tags[i]), out);
    }
    return r == 0 && array ? add_str(out, "]") : r;
}

static int put_time(const struct template *t, const struct part *p, uint64_t ns,
                    struct gyr_lines *out)
{
    time_t s = (time_t)(ns / 1000000000);
    char text[64], day[32];
    struct tm tm = {0};

    if (p->place == P_TIME) {
        (void)gmtime_r(&s, &tm);
        (void)strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
        (void)snprintf(text, sizeof(text), "%s.%09" PRIu64 "Z", day, ns % 1000000000);
        return put_text(t, p, text, strlen(text), out);
    }
    if (p->place == P_TIME_S)
        ns /= 1000000000;
    else if (p->place == P_TIME_MS)
        ns /= 1000000;
    if (p->place == P_TIME_F)
        (void)snprintf(text, sizeof(text), "%" PRIu64 ".%09" PRIu64, ns / 1000000000,
                       ns % 1000000000);
    else
        (void)snprintf(text, sizeof(text), "%" PRIu64, ns);
    return add_str(out, text);
}

static int put(const struct template *t, const struct part *p, const struct gyr_alert *a,
               struct gyr_lines *out)
{
    const char *s = NULL;

    switch (p->place) {
    case P_JSON:
        return t->is_html || (t->is_json && p->in_string)
                   ? put_text(t, p, a->json, a->json_len, out)
                   : gyr_lines_add(out, a->json, a->json_len);
    case P_TIME:
    case P_TIME_S:
    case P_TIME_MS:
    case P_TIME_NS:
    case P_TIME_F:
        return put_time(t, p, a->ts_ns, out);
    case P_TAGS:
        return put_tags(t, p, a, out);
    case P_FIELDS:
        return put_fields(t, p, a, out);
    case P_FIELD:
        return put_field(t, p, a, out);
    case P_TEXT:
        s = a->text;
        break;
    case P_RULE:
        s = a->rule;
        break;
    case P_PRIORITY:
        s = gyr_encode_priority(a->priority);
        break;
    case P_SOURCE:
        s = a->source;
        break;
    case P_HOSTNAME:
        s = a->hostname;
        break;
    default:
        s = a->uuid;
    }
    return s ? put_text(t, p, s, strlen(s), out) : 0;
}

int template_expand(const struct template *t, const struct gyr_alert *a, struct gyr_lines *out)
{
    int r = 0;

    for (uint32_t i = 0; i < t->n_parts && r == 0; i++) {
        const struct part *p = &t->parts[i];

        if (p->place == P_LITERAL)
            r = gyr_lines_add(out, p->text, p->len);
        else if (p->place == P_KEY)
            r = put_text(t, p, t->key, strlen(t->key), out);
        else if (a)
            r = put(t, p, a, out);
    }
    return r;
}
