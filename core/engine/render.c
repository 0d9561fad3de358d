/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/render.h"

#include "base/text.h"
#include "engine/value.h"

enum { VALUE_MAX = 256 * 1024 };

/* Other values than strings are of our own making; of lists and bytes, the content is not. */
static void add_value(struct buf *b, const struct gyr_value *v, uint32_t fmt)
{
    char text[VALUE_TEXT_MAX];
    struct buf list;

    switch (v->type) {
    case GYR_T_STR:
        text_add_safe(b, v->u.ptr, v->len);
        break;
    case GYR_T_LIST:
        buf_init(&list, VALUE_MAX);
        value_add_text(&list, v, fmt);
        text_add_safe(b, list.p, list.len);
        buf_free(&list);
        break;
    case GYR_T_BYTES:
        value_add_text(b, v, fmt);
        break;
    default:
        buf_add(b, text, value_scalar_text(text, v, fmt));
        break;
    }
}

/* What was added since @p from, cut or filled with blanks to @p width bytes; no character is split.
 */
static void fit(struct buf *b, size_t from, size_t width)
{
    size_t at = from, k;

    while (at < b->len && (k = utf8_len(b->p + at, b->len - at)) && at + k <= from + width)
        at += k;
    if (b->len > at && !b->failed) {
        b->len = at;
        b->p[at] = '\0';
    }
    while (!b->failed && b->len < from + width)
        buf_addc(b, ' ');
}

void render_template(struct buf *b, const struct rule *rule, const struct template *t,
                     const struct gyr_value *values)
{
    for (uint32_t i = 0; i < t->n; i++) {
        const struct template_part *part = &t->parts[i];
        size_t from = b->len;

        if (part->lit)
            text_add_safe(b, part->lit, part->len);
        else
            add_value(b, &values[part->field], rule->outputs[part->field].fmt);
        if (part->width)
            fit(b, from, part->width);
    }
}

void render_output(struct buf *b, const struct rule *rule, const struct gyr_value *values)
{
    render_template(b, rule, &rule->output, values);
}
