/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/redact.h"

#include "alert/alert.h"
#include "engine/re2_shim.h"
#include "engine/value.h"

#include <stdlib.h>
#include <string.h>

void redactor_init(struct redactor *r, const struct redact_rule *rules, uint32_t n)
{
    *r = (struct redactor){.rules = rules, .n_rules = n};
    buf_init(&r->bytes, ALERT_JSON_MAX);
}

void redactor_change(struct redactor *r, const struct redact_rule *rules, uint32_t n)
{
    r->rules = rules;
    r->n_rules = n;
}

void redactor_free(struct redactor *r)
{
    free(r->values);
    buf_free(&r->bytes);
    *r = (struct redactor){0};
}

/* "proc.cmdline" in "tolower(proc.cmdline)", but not in "proc.cmdlinex". */
static bool names_field(const char *shown, const char *field)
{
    static const char part[] = "abcdefghijklmnopqrstuvwxyz0123456789_.";
    size_t n = strlen(field);

    for (const char *p = shown; (p = strstr(p, field)); p++)
        if ((p == shown || !strchr(part, p[-1])) && (!p[n] || !strchr(part, p[n])))
            return true;
    return false;
}

static bool is_hidden(const struct redactor *r, const char *shown)
{
    for (uint32_t i = 0; i < r->n_rules; i++)
        if (r->rules[i].field && names_field(shown, r->rules[i].field))
            return true;
    return false;
}

/* @return a negative number without memory; 1 when something was replaced in @p s. */
static int apply_patterns(const struct redactor *r, struct buf *s)
{
    int any = 0;

    for (uint32_t i = 0; i < r->n_rules; i++) {
        char *to = NULL;
        size_t n = 0;
        int k = r->rules[i].pattern
                    ? regex_replace(r->rules[i].pattern, s->p, s->len, r->rules[i].replace, &to, &n)
                    : 0;

        if (k > 0) {
            buf_reset(s);
            buf_add(s, to, n);
            any = 1;
        }
        free(to);
        if (k < 0 || s->failed)
            return -1;
    }
    return any;
}

void redact_text(const struct redactor *r, struct buf *text)
{
    text->failed = false; /* what fitted stands there whole, and is to be looked at */
    if (apply_patterns(r, text) >= 0)
        return;
    buf_reset(text);
    buf_adds(text, REDACTED);
}

/* Addresses and numbers are matched as their texts. The new bytes go into r->bytes; v->u.ptr is
 * their offset there until they are complete. */
static int redact_scalar(struct redactor *r, struct gyr_value *v, uint32_t fmt)
{
    bool is_bytes = v->type == GYR_T_STR || v->type == GYR_T_BYTES;
    struct buf b;
    int k;

    if (v->type == GYR_T_NONE || (is_bytes && !v->len))
        return 0;
    buf_init(&b, ALERT_JSON_MAX);
    if (is_bytes)
        buf_add(&b, v->u.ptr, v->len);
    else
        value_add_text(&b, v, fmt);
    k = b.failed ? -1 : apply_patterns(r, &b);
    if (k > 0) {
        if (!is_bytes)
            v->type = GYR_T_STR;
        v->u.u64 = r->bytes.len;
        v->len = (uint32_t)b.len;
        buf_add(&r->bytes, b.p, b.len);
        k = r->bytes.failed ? -1 : 1;
    }
    buf_free(&b);
    return k;
}

/* A list that holds something to hide is hidden whole. */
static int redact_list(struct redactor *r, struct gyr_value *v, uint32_t fmt)
{
    const struct gyr_value *items = v->u.ptr;

    for (uint32_t i = 0; i < v->len; i++) {
        struct gyr_value e = items[i];
        int k = redact_scalar(r, &e, fmt);

        if (k < 0)
            return k;
        if (k > 0) {
            *v = gyr_str(REDACTED, sizeof(REDACTED) - 1);
            return 0;
        }
    }
    return 0;
}

const struct gyr_value *redact_values(struct redactor *r, const struct match *m)
{
    uint32_t n = m->rule->n_outputs;
    bool *moved;

    if (!r->n_rules || !n)
        return m->values;
    if (n > r->cap) {
        struct gyr_value *v = reallocarray(r->values, n, sizeof(*v));

        if (!v)
            return NULL;
        r->values = v;
        r->cap = n;
    }
    moved = calloc(n, sizeof(*moved));
    buf_reset(&r->bytes);
    for (uint32_t i = 0; moved && i < n; i++) {
        const struct rule_output *o = &m->rule->outputs[i];
        struct gyr_value *v = &r->values[i];
        int k = 0;

        *v = m->values[i];
        if (v->type != GYR_T_NONE && is_hidden(r, o->name))
            *v = gyr_str(REDACTED, sizeof(REDACTED) - 1);
        else
            k = v->type == GYR_T_LIST ? redact_list(r, v, o->fmt) : redact_scalar(r, v, o->fmt);
        if (k < 0) /* too long, or without memory */
            *v = gyr_str(REDACTED, sizeof(REDACTED) - 1);
        moved[i] = k > 0;
    }
    for (uint32_t i = 0; moved && i < n; i++)
        if (moved[i]) /* the buffer stays where it is from now on */
            r->values[i].u.ptr = r->bytes.p + r->values[i].u.u64;
    if (!moved)
        return NULL;
    free(moved);
    return r->values;
}
