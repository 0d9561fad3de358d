/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/entry.h"

#include <string.h>

struct ynode *yaml_str(struct arena *a, const char *s)
{
    struct ynode *n = arena_alloc(a, sizeof(*n));

    if (n)
        *n = (struct ynode){.kind = Y_SCALAR, .str = s, .len = strlen(s)};
    return n;
}

struct ynode *yaml_nodes(struct arena *a, enum ynode_kind kind, uint32_t n)
{
    struct ynode *y = arena_alloc(a, sizeof(*y));

    if (!y)
        return NULL;
    *y = (struct ynode){.kind = kind, .n = n};
    y->items = arena_array(a, n + 1, sizeof(struct ynode *));
    return y->items ? y : NULL;
}

bool yaml_is_whole(const struct ynode *n)
{
    uint32_t k = !n || n->kind == Y_SCALAR ? 0 : n->kind == Y_MAP ? 2 * n->n : n->n;

    for (uint32_t i = 0; i < k; i++)
        if (!yaml_is_whole(n->items[i]))
            return false;
    return n;
}

struct plugin_conf plugin_alone(const char *plugin, const struct ynode *options)
{
    return (struct plugin_conf){.plugin = plugin,
                                .name = plugin,
                                .options = options,
                                .min_priority = GYR_PRIO_DEBUG,
                                .queue = 4096};
}
