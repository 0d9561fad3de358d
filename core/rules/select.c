/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/select.h"
#include "base/suggest.h"
#include "engine/glob.h"
#include "rules/template.h"

#include <errno.h>
#include <string.h>

/* What is the name of a rule is no pattern. */
static bool fits(const struct defs *defs, const struct ynode *pattern, const char *name)
{
    if (map_get(&defs->rule_by_name, pattern->str, pattern->len))
        return strcmp(pattern->str, name) == 0;
    return glob_match(pattern->str, pattern->len, name, strlen(name), false);
}

static bool has_tag(const struct rule_def *def, const char *tag)
{
    for (uint32_t i = 0; i < def->tags.n; i++)
        if (strcmp(def->tags.p[i], tag) == 0)
            return true;
    return false;
}

/* ---- what fits nothing ---- */

static void warn_no_rule(struct defs *defs, const struct ynode *rule)
{
    struct suggest s;

    suggest_init(&s, rule->str, rule->len);
    if (defs_may_guess(defs, defs->rules.n))
        for (uint32_t i = 0; i < defs->rules.n; i++)
            suggest_offer(&s, ((const struct rule_def *)defs->rules.p[i])->name);
    diag_warning(defs->d, DIAG_SELECTS_NOTHING, rule->loc, "no rule is named '%.200s'%s", rule->str,
                 diag_hint(defs->d, suggest_best(&s)));
}

static void warn_no_tag(struct defs *defs, const struct ynode *tag)
{
    struct suggest s;

    suggest_init(&s, tag->str, tag->len);
    for (uint32_t i = 0; i < defs->rules.n; i++) {
        const struct rule_def *def = defs->rules.p[i];

        for (uint32_t k = 0; k < def->tags.n && defs_may_guess(defs, 1); k++)
            suggest_offer(&s, def->tags.p[k]);
    }
    diag_warning(defs->d, DIAG_SELECTS_NOTHING, tag->loc, "no rule has the tag '%.200s'%s",
                 tag->str, diag_hint(defs->d, suggest_best(&s)));
}

/* ---- selection ---- */

void defs_select(struct defs *defs, const struct rule_adjust *a)
{
    for (uint32_t i = 0; a && i < a->n_steps; i++) {
        const struct rule_step *s = &a->steps[i];
        bool named = false, tagged = false;

        for (uint32_t k = 0; k < defs->rules.n; k++) {
            struct rule_def *def = defs->rules.p[k];
            bool by_name = s->rule && fits(defs, s->rule, def->name);
            bool by_tag = s->tag && has_tag(def, s->tag->str);

            if (by_name || by_tag)
                def->enabled = s->enable;
            named |= by_name;
            tagged |= by_tag;
        }
        if (s->rule && !named)
            warn_no_rule(defs, s->rule);
        if (s->tag && !tagged)
            warn_no_tag(defs, s->tag);
    }
}

/* ---- appended outputs ---- */

static const char *what_of(const struct rule_extra *conf)
{
    return conf->what ? conf->what : "append_output";
}

static struct text *text_of(struct arena *a, const struct ynode *n, const char *what)
{
    struct text *t = arena_alloc(a, sizeof(*t));

    if (!t)
        return NULL;
    *t = (struct text){
        .p = arena_strndup(a, n->str, n->len), .len = (uint32_t)n->len, .node = n, .what = what};
    return t->p ? t : NULL;
}

static struct extra *extra_new(struct defs *defs, const struct rule_extra *conf, uint32_t n_schemas)
{
    struct extra *x = arena_alloc(defs->arena, sizeof(*x));

    if (!x)
        return NULL;
    *x = (struct extra){.conf = conf};
    x->output = conf->output ? text_of(defs->arena, conf->output, what_of(conf)) : NULL;
    x->fields = arena_array(defs->arena, conf->n_fields + 1, sizeof(struct text *));
    x->names = arena_array(defs->arena, conf->n_fields + 1, sizeof(*x->names));
    x->validity = arena_array(defs->arena, n_schemas + 1, sizeof(*x->validity));
    if (!x->fields || !x->names || !x->validity || (conf->output && !x->output))
        return NULL;
    for (uint32_t i = 0; i < conf->n_fields; i++) {
        const struct extra_field *f = &conf->fields[i];

        x->fields[i] = text_of(defs->arena, f->text, what_of(conf));
        x->names[i] = f->name ? arena_strdup(defs->arena, f->name) : NULL;
        if (!x->fields[i] || (f->name && !x->names[i]))
            return NULL;
    }
    return x;
}

int extras_begin(struct defs *defs, const struct rule_adjust *a, uint32_t n_schemas,
                 struct vec *ret)
{
    struct extra *x;

    for (uint32_t i = 0; a && i < a->n_extras; i++) {
        x = extra_new(defs, &a->extras[i], n_schemas);
        if (!x || !vec_push(defs->arena, ret, x))
            return defs_no_memory(defs);
    }
    return 0;
}

static bool applies(const struct defs *defs, const struct rule_extra *x, const struct rule_def *def)
{
    if ((x->rule && !fits(defs, x->rule, def->name)) ||
        (x->source && strcmp(x->source, def->source) != 0))
        return false;
    for (uint32_t i = 0; x->tags && x->tags[i]; i++)
        if (!has_tag(def, x->tags[i]))
            return false;
    return true;
}

/* Tried alone and told once for each schema, not once for each rule. */
static int check(struct resolver *r, struct extra *x, uint32_t schema)
{
    const struct text nothing = {.p = "", .what = what_of(x->conf)};
    struct unit u = {.schema = r->schema};
    struct vec alone = {0};
    struct rule rule = {0};
    int k;

    if (x->validity[schema])
        return 0;
    u.what = arena_printf(r->defs->arena, "%s (source '%s')", what_of(x->conf), r->schema->name);
    if (!u.what || !vec_push(r->defs->arena, &alone, x))
        return defs_no_memory(r->defs);
    if (x->output)
        x->output->what = u.what;
    for (uint32_t i = 0; i < x->conf->n_fields; i++)
        x->fields[i]->what = u.what;
    k = template_build(r, &u, &nothing, &alone, &rule);
    if (k < 0)
        return k;
    resolve_tell(r, &u);
    x->validity[schema] = u.has_error ? EXTRA_BAD : EXTRA_GOOD;
    return 0;
}

int extras_for(struct resolver *r, const struct vec *all, const struct rule_def *def,
               uint32_t schema, struct vec *ret)
{
    for (uint32_t i = 0; i < all->n; i++) {
        struct extra *x = all->p[i];

        if (!applies(r->defs, x->conf, def))
            continue;
        x->used = true;
        if (check(r, x, schema) < 0)
            return -ENOMEM;
        if (x->validity[schema] == EXTRA_GOOD && !vec_push(r->defs->arena, ret, x))
            return defs_no_memory(r->defs);
    }
    return 0;
}

void extras_end(struct defs *defs, const struct vec *all)
{
    for (uint32_t i = 0; i < all->n; i++) {
        const struct extra *x = all->p[i];

        if (!x->used)
            diag_warning(defs->d, DIAG_SELECTS_NOTHING, x->conf->loc, "%s: this entry fits no rule",
                         what_of(x->conf));
    }
}
