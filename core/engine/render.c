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

void render_output(struct buf *b, const struct rule *rule, const struct gyr_value *values)
{
    for (uint32_t i = 0; i < rule->output.n; i++) {
        const struct template_part *part = &rule->output.parts[i];

        if (part->lit)
            text_add_safe(b, part->lit, part->len);
        else
            add_value(b, &values[part->field], rule->outputs[part->field].fmt);
    }
}
