/* SPDX-License-Identifier: Apache-2.0 */
#include "test/fields.h"

#include "base/map.h"

#include <errno.h>
#include <string.h>

struct collector {
    struct arena *arena;
    struct map rules; /* name to struct rule_extra */
    struct rule_extra *extras;
    uint32_t n;
};

static uint32_t n_expected(const struct testfile *files, uint32_t n)
{
    uint32_t sum = 0;

    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < files[i].n; k++)
            sum += files[i].tests[k].n_expect;
    return sum;
}

static bool has_field(const struct rule_extra *x, const char *name)
{
    for (uint32_t i = 0; i < x->n_fields; i++)
        if (strcmp(x->fields[i].text->str, name) == 0)
            return true;
    return false;
}

static int add_field(struct collector *c, struct rule_extra *x, const struct test_field *f)
{
    struct extra_field *more;

    if (has_field(x, f->name))
        return 0;
    more = arena_array(c->arena, x->n_fields + 1u, sizeof(*more));
    if (!more)
        return -ENOMEM;
    if (x->n_fields)
        memcpy(more, x->fields, x->n_fields * sizeof(*more));
    more[x->n_fields++] = (struct extra_field){NULL, f->node};
    x->fields = more;
    return 0;
}

static int add_expect(struct collector *c, const struct test_expect *e)
{
    struct rule_extra *x = e->n_fields ? map_gets(&c->rules, e->rule) : NULL;
    int r = 0;

    if (e->n_fields && !x) {
        x = &c->extras[c->n++];
        *x = (struct rule_extra){.loc = e->loc, .rule = e->rule_node, .what = "an expected field"};
        r = map_put(&c->rules, e->rule, strlen(e->rule), x);
    }
    for (uint32_t i = 0; i < e->n_fields && r == 0; i++)
        r = add_field(c, x, &e->fields[i]);
    return r;
}

int fields_collect(const struct testfile *files, uint32_t n, const struct rule_adjust *base,
                   struct arena *arena, struct rule_adjust *ret)
{
    struct collector c = {.arena = arena, .n = base->n_extras};
    int r = 0;

    c.extras = arena_array(arena, base->n_extras + n_expected(files, n) + 1u, sizeof(*c.extras));
    if (!c.extras)
        return -ENOMEM;
    if (base->n_extras)
        memcpy(c.extras, base->extras, base->n_extras * sizeof(*c.extras));
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < files[i].n; k++)
            for (uint32_t e = 0; e < files[i].tests[k].n_expect && r == 0; e++)
                r = add_expect(&c, &files[i].tests[k].expect[e]);
    map_free(&c.rules);
    *ret = *base;
    ret->extras = c.extras;
    ret->n_extras = c.n;
    return r;
}
