/* SPDX-License-Identifier: Apache-2.0 */
#include "test/override.h"

#include "alert/json.h"
#include "base/buf.h"

#include <errno.h>
#include <string.h>

enum { TEXT_MAX = 1 << 20 };

const char override_name[] = "lists and macros of a test";

/* Texts in quotes as JSON has them, which is YAML too. */
static int add_list(struct buf *b, const struct ynode *name, const struct ynode *items,
                    struct diags *d)
{
    if (items->kind != Y_SEQ) {
        diag_error(d, items->loc, "the items of list '%.60s' must be a list, not %s", name->str,
                   ynode_kind_name(items));
        return -EINVAL;
    }
    buf_adds(b, "- list: ");
    json_add_str(b, name->str, name->len);
    buf_adds(b, "\n  items: [");
    for (uint32_t i = 0; i < items->n; i++) {
        const struct ynode *v = items->items[i];

        if (v->kind != Y_SCALAR) {
            diag_error(d, v->loc, "an item of a list must be a text, not %s", ynode_kind_name(v));
            return -EINVAL;
        }
        buf_adds(b, i ? ", " : "");
        json_add_str(b, v->str, v->len);
    }
    buf_adds(b, "]\n");
    return 0;
}

static int add_macro(struct buf *b, const struct ynode *name, const struct ynode *condition,
                     struct diags *d)
{
    if (condition->kind != Y_SCALAR) {
        diag_error(d, condition->loc, "the condition of macro '%.60s' must be a text, not %s",
                   name->str, ynode_kind_name(condition));
        return -EINVAL;
    }
    buf_adds(b, "- macro: ");
    json_add_str(b, name->str, name->len);
    buf_adds(b, "\n  condition: ");
    json_add_str(b, condition->str, condition->len);
    buf_adds(b, "\n");
    return 0;
}

static int add_all(struct buf *b, const struct ynode *map, bool lists, struct diags *d)
{
    int r = 0;

    if (map && map->kind != Y_MAP) {
        diag_error(d, map->loc, "%s are a mapping of names, not %s", lists ? "lists" : "macros",
                   ynode_kind_name(map));
        return -EINVAL;
    }
    for (uint32_t i = 0; map && i < map->n && r == 0; i++)
        r = lists ? add_list(b, map->items[2 * i], map->items[2 * i + 1], d)
                  : add_macro(b, map->items[2 * i], map->items[2 * i + 1], d);
    return r;
}

int override_text(const struct ynode *const *lists, const struct ynode *const *macros, uint32_t n,
                  struct arena *arena, struct diags *d, const char **ret)
{
    struct buf b;
    int r = 0;

    *ret = NULL;
    buf_init(&b, TEXT_MAX);
    for (uint32_t i = 0; i < n && r == 0; i++) {
        r = add_all(&b, lists[i], true, d);
        if (r == 0)
            r = add_all(&b, macros[i], false, d);
    }
    if (r == 0 && (b.failed || (b.len && !(*ret = arena_strndup(arena, b.p, b.len)))))
        r = -ENOMEM;
    buf_free(&b);
    return r;
}
