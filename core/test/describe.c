/* SPDX-License-Identifier: Apache-2.0 */
#include "test/describe.h"

#include "alert/json.h"
#include "base/num.h"

#include <string.h>

enum { DESCRIPTION_MAX = 16 << 20 };

const char describe_nothing[] = "{\"at\":[1,1],\"map\":[]}";

static void add_node(struct buf *b, const struct ynode *n)
{
    uint32_t items = n->kind == Y_MAP ? 2 * n->n : n->n;

    if (n->kind == Y_SCALAR) {
        buf_addc(b, '[');
        if (ynode_is_null(n))
            buf_adds(b, "null");
        else
            json_add_str(b, n->str, n->len);
        buf_addf(b, ",%u,%u]", n->loc.line, n->loc.col);
        return;
    }
    buf_addf(b, "{\"at\":[%u,%u],\"%s\":[", n->loc.line, n->loc.col,
             n->kind == Y_MAP ? "map" : "list");
    for (uint32_t i = 0; i < items; i++) {
        if (i)
            buf_addc(b, ',');
        add_node(b, n->items[i]);
    }
    buf_adds(b, "]}");
}

char *describe_test(const struct test *t)
{
    struct buf b;

    buf_init(&b, DESCRIPTION_MAX);
    buf_addf(&b, "{\"at\":[%u,%u],\"map\":[[\"given\",%u,%u],{\"at\":[%u,%u],\"list\":[",
             t->loc.line, t->loc.col, t->loc.line, t->loc.col, t->loc.line, t->loc.col);
    for (uint32_t i = 0; i < t->n_given; i++) {
        if (i)
            buf_addc(&b, ',');
        add_node(&b, t->given[i]);
    }
    buf_adds(&b, "]}");
    if (t->when) {
        buf_addf(&b, ",[\"when\",%u,%u],", t->loc.line, t->loc.col);
        add_node(&b, t->when);
    }
    buf_adds(&b, "]}");
    return buf_take(&b);
}

/* @return what follows "BEFORE123"; NULL: it is not that. */
static const char *number_behind(const char *s, const char *before, uint32_t *ret)
{
    size_t n = strlen(before), digits;
    uint64_t v;

    if (strncmp(s, before, n) != 0)
        return NULL;
    s += n;
    digits = strspn(s, "0123456789");
    if (parse_u64(s, digits, &v) < 0 || v > UINT32_MAX)
        return NULL;
    *ret = (uint32_t)v;
    return s + digits;
}

void describe_error(const struct test *t, const char *msg, struct diags *d)
{
    const char *at = strstr(msg, "line ");
    struct loc loc = t->loc;
    uint32_t line, col;

    if (at && (at = number_behind(at, "line ", &line)) &&
        (at = number_behind(at, ", column ", &col)) && strncmp(at, ": ", 2) == 0) {
        loc.line = line;
        loc.col = col;
        msg = at + 2;
    }
    diag_error(d, loc, "%s", msg);
}
