/* SPDX-License-Identifier: Apache-2.0 */
/* The keys that change rules: `rules: select` and `append_output`. */
#include "base/cleanup.h"
#include "config/read.h"

#include <string.h>

/* Room for what a list adds to what earlier files gave. @return NULL after telling why not. */
static void *grow(struct reader *r, const struct ynode *v, const void *old, uint32_t n, size_t size,
                  uint32_t max)
{
    void *all;

    if (v->kind != Y_SEQ) {
        diag_error(r->d, v->loc, "must be a list, not %s", ynode_kind_name(v));
        return NULL;
    }
    if (v->n > max || n > max - v->n) {
        diag_error(r->d, v->loc, "holds %u entries with those before; at most %u are allowed",
                   n + v->n, max);
        return NULL;
    }
    all = arena_array(r->arena, (size_t)n + v->n + 1, size);
    if (!all)
        diag_error(r->d, v->loc, "out of memory");
    else if (n)
        memcpy(all, old, n * size);
    return all;
}

static void node_text(struct reader *r, const struct ynode *v, const struct ynode **ret)
{
    if (conf_read_text(r, v))
        *ret = v;
}

/* ---- rules: select ---- */

static void step_rule(struct reader *r, const struct ynode *v, void *target)
{
    struct rule_step *s = target;

    node_text(r, v, &s->rule);
}

static void step_tag(struct reader *r, const struct ynode *v, void *target)
{
    struct rule_step *s = target;

    node_text(r, v, &s->tag);
}

static void read_which(struct reader *r, const struct ynode *v, struct rule_step *s, bool enable)
{
    static const struct key keys[] = {{"rule", step_rule}, {"tag", step_tag}};
    uint32_t errors = r->d->n_errors;

    s->enable = enable;
    conf_read_map(r, v, keys, ARRAY_LEN(keys), enable ? "enable" : "disable", s);
    if (r->d->n_errors == errors && !s->rule && !s->tag)
        diag_error(r->d, v->loc, "%s needs 'rule' or 'tag'", enable ? "enable" : "disable");
}

static void step_enable(struct reader *r, const struct ynode *v, void *target)
{
    read_which(r, v, target, true);
}

static void step_disable(struct reader *r, const struct ynode *v, void *target)
{
    read_which(r, v, target, false);
}

void conf_read_select(struct reader *r, const struct ynode *v, void *target)
{
    static const struct key keys[] = {{"enable", step_enable}, {"disable", step_disable}};
    struct config *c = target;
    struct rule_step *all =
        grow(r, v, c->adjust.steps, c->adjust.n_steps, sizeof(*all), RULE_STEPS_MAX);

    if (!all)
        return;
    for (uint32_t i = 0; i < v->n; i++) {
        const struct ynode *step = v->items[i];
        struct rule_step s = {0};
        uint32_t errors = r->d->n_errors;

        conf_read_map(r, step, keys, ARRAY_LEN(keys), "a step", &s);
        if (r->d->n_errors > errors)
            continue;
        if (step->n != 1 || (!s.rule && !s.tag))
            diag_error(r->d, step->loc, "a step is one of 'enable' and 'disable'");
        else
            all[c->adjust.n_steps++] = s;
    }
    c->adjust.steps = all;
}

/* ---- append_output ---- */

static void match_rule(struct reader *r, const struct ynode *v, void *target)
{
    struct rule_extra *x = target;

    node_text(r, v, &x->rule);
}

static void match_source(struct reader *r, const struct ynode *v, void *target)
{
    struct rule_extra *x = target;

    x->source = conf_read_text(r, v);
}

static void match_tags(struct reader *r, const struct ynode *v, void *target)
{
    struct rule_extra *x = target;
    uint32_t n;

    x->tags = conf_read_texts(r, v, &n);
}

static void extra_match(struct reader *r, const struct ynode *v, void *target)
{
    static const struct key keys[] = {
        {"rule", match_rule}, {"source", match_source}, {"tags", match_tags}};

    conf_read_map(r, v, keys, ARRAY_LEN(keys), "match", target);
}

static void extra_output(struct reader *r, const struct ynode *v, void *target)
{
    struct rule_extra *x = target;

    node_text(r, v, &x->output);
}

/* "container.id", or {name: "text with %fields"}. */
static bool read_field(struct reader *r, const struct ynode *v, struct extra_field *ret)
{
    if (v->kind == Y_SEQ || (v->kind == Y_MAP && v->n != 1)) {
        diag_error(r->d, v->loc, "must be the name of a field, or one name with its text");
        return false;
    }
    *ret = (struct extra_field){NULL, v};
    if (v->kind == Y_MAP) {
        ret->name = conf_read_text(r, v->items[0]);
        ret->text = v->items[1];
        if (!ret->name)
            return false;
    }
    return conf_read_text(r, ret->text) != NULL;
}

static const char *shown_as(const struct extra_field *f)
{
    return f->name ? f->name : f->text->str;
}

static void extra_fields(struct reader *r, const struct ynode *v, void *target)
{
    struct rule_extra *x = target;
    struct extra_field *all = grow(r, v, NULL, 0, sizeof(*all), EXTRA_FIELDS_MAX);

    if (!all)
        return;
    x->fields = all;
    for (uint32_t i = 0; i < v->n; i++) {
        struct extra_field *f = &all[x->n_fields];
        bool ok = read_field(r, v->items[i], f);

        for (uint32_t k = 0; ok && k < x->n_fields; k++)
            if (strcmp(shown_as(&all[k]), shown_as(f)) == 0) {
                diag_error(r->d, v->items[i]->loc, "there is a field '%.200s' before", shown_as(f));
                ok = false;
            }
        x->n_fields += ok;
    }
}

void conf_read_append_output(struct reader *r, const struct ynode *v, void *target)
{
    static const struct key keys[] = {
        {"match", extra_match}, {"extra_output", extra_output}, {"extra_fields", extra_fields}};
    struct config *c = target;
    struct rule_extra *all =
        grow(r, v, c->adjust.extras, c->adjust.n_extras, sizeof(*all), RULE_EXTRAS_MAX);

    if (!all)
        return;
    for (uint32_t i = 0; i < v->n; i++) {
        struct rule_extra x = {.loc = v->items[i]->loc};
        uint32_t errors = r->d->n_errors;

        conf_read_map(r, v->items[i], keys, ARRAY_LEN(keys), "an entry", &x);
        if (r->d->n_errors > errors)
            continue;
        if (!x.output && !x.n_fields)
            diag_error(r->d, x.loc, "an entry needs 'extra_output' or 'extra_fields'");
        else
            all[c->adjust.n_extras++] = x;
    }
    c->adjust.extras = all;
}
