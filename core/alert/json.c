/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/json.h"

#include "base/text.h"
#include "engine/value.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static void add_escape(struct buf *b, unsigned c)
{
    static const char from[] = "\"\\\n\r\t\b\f", to[] = "\"\\nrtbf";
    const char *p = c ? memchr(from, (int)c, sizeof(from) - 1) : NULL;

    if (p)
        buf_addf(b, "\\%c", to[p - from]);
    else
        buf_addf(b, "\\u%04x", c);
}

void json_add_str(struct buf *b, const char *s, size_t n)
{
    size_t i = 0, from = 0;

    buf_addc(b, '"');
    while (i < n && !b->failed) {
        unsigned char c = (unsigned char)s[i];
        size_t k = utf8_len(s + i, n - i);
        bool c1 = k == 2 && c == 0xc2 && (unsigned char)s[i + 1] < 0xa0;

        if (k && c >= 0x20 && c != 0x7f && c != '"' && c != '\\' && !c1) {
            i += k;
            continue;
        }
        buf_add(b, s + from, i - from);
        if (k == 0)
            buf_adds(b, "\xef\xbf\xbd");
        else
            add_escape(b, c1 ? (unsigned char)s[i + 1] : c);
        i += k ? k : 1;
        from = i;
    }
    buf_add(b, s + from, n - from);
    buf_addc(b, '"');
}

/* As the text of the alert has it. */
static void add_as_text(struct buf *b, const struct gyr_value *v, uint32_t fmt)
{
    struct buf t;

    buf_init(&t, 1024);
    value_add_text(&t, v, fmt);
    json_add_str(b, t.p, t.len);
    buf_free(&t);
}

static void add_double(struct buf *b, double d)
{
    char s[40];

    if (!isfinite(d)) {
        buf_adds(b, "null");
        return;
    }
    /* The shorter form when it reads back as the same number. */
    for (int digits = 15; digits <= 17; digits += 2) {
        (void)snprintf(s, sizeof(s), "%.*g", digits, d);
        if (strtod(s, NULL) == d)
            break;
    }
    buf_adds(b, s);
    if (!strpbrk(s, ".e"))
        buf_adds(b, ".0");
}

static void add_scalar(struct buf *b, const struct gyr_value *v, uint32_t fmt)
{
    bool text =
        fmt == GYR_F_HEX || fmt == GYR_F_OCT || fmt == VALUE_F_OCT_BARE || fmt == GYR_F_TEXT;

    switch (v->type) {
    case GYR_T_NONE:
        buf_adds(b, "null");
        break;
    case GYR_T_BOOL:
        buf_adds(b, v->u.u64 ? "true" : "false");
        break;
    case GYR_T_I64:
        if (text)
            add_as_text(b, v, fmt);
        else
            buf_addf(b, "%" PRId64, v->u.i64);
        break;
    case GYR_T_U64:
        if (text)
            add_as_text(b, v, fmt);
        else
            buf_addf(b, "%" PRIu64, v->u.u64);
        break;
    case GYR_T_TIME:
    case GYR_T_DURATION:
        buf_addf(b, "%" PRIu64, v->u.u64);
        break;
    case GYR_T_DOUBLE:
        add_double(b, v->u.f64);
        break;
    case GYR_T_STR:
    case GYR_T_BYTES:
        json_add_str(b, v->len ? v->u.ptr : "", v->len);
        break;
    default:
        add_as_text(b, v, fmt);
    }
}

void json_add_value(struct buf *b, const struct gyr_value *v, uint32_t fmt)
{
    const struct gyr_value *items = v->u.ptr;

    if (v->type != GYR_T_LIST) {
        add_scalar(b, v, fmt);
        return;
    }
    buf_addc(b, '[');
    for (uint32_t i = 0; i < v->len && !b->failed; i++) {
        if (i)
            buf_addc(b, ',');
        add_scalar(b, &items[i], fmt);
    }
    buf_addc(b, ']');
}
