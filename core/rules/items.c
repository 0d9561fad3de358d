/* SPDX-License-Identifier: Apache-2.0 */
#include "base/num.h"
#include "base/suggest.h"
#include "rules/defs.h"

#include <errno.h>
#include <string.h>

const char *item_hint(struct defs *defs, const char *word, const char *const *words)
{
    struct suggest s;

    suggest_init(&s, word, strlen(word));
    for (; *words && defs_may_guess(defs, 1); words++)
        suggest_offer(&s, *words);
    return diag_hint(defs->d, suggest_best(&s));
}

/* Required keys: one that is misspelt is told by whoever misses it. */
static bool is_missed(const struct ynode *item, const char *best)
{
    static const char *const required[] = {"condition", "output", "desc",  "priority",
                                           "items",     "name",   "fields"};

    for (size_t i = 0; best && i < sizeof(required) / sizeof(required[0]); i++)
        if (strcmp(required[i], best) == 0)
            return !ymap_get(item, best) && !ymap_get(item, "override") &&
                   !ymap_get(item, "append");
    return false;
}

int item_missing(struct defs *defs, const struct ynode *item, const char *key, const char *what)
{
    for (uint32_t i = 0; i < item->n; i++) {
        const struct ynode *k = item->items[2 * i];
        struct suggest s;

        suggest_init(&s, k->str, k->len);
        suggest_offer(&s, key);
        if (!suggest_best(&s))
            continue;
        diag_error(defs->d, k->loc, "%s: unknown key '%.100s'%s", what, k->str,
                   diag_hint(defs->d, key));
        return -EINVAL;
    }
    diag_error(defs->d, item->loc, "%s has no '%s'", what, key);
    return -EINVAL;
}

void item_check_keys(struct defs *defs, const struct ynode *item, const char *const *keys,
                     const char *what)
{
    const char *const *k;

    for (uint32_t i = 0; i < item->n; i++) {
        const struct ynode *key = item->items[2 * i];
        struct suggest s;

        suggest_init(&s, key->str, key->len);
        for (k = keys; *k && strcmp(*k, key->str) != 0; k++)
            suggest_offer(&s, *k);
        if (strcmp(key->str, "<<") == 0)
            diag_warning(defs->d, DIAG_UNKNOWN_KEY, key->loc,
                         "%s: '<<' merges nothing here: write out the keys that it stands for",
                         what);
        else if (!*k && !is_missed(item, suggest_best(&s)))
            diag_warning(defs->d, DIAG_UNKNOWN_KEY, key->loc,
                         "%s: unknown key '%.100s' is ignored%s", what, key->str,
                         diag_hint(defs->d, suggest_best(&s)));
    }
}

int item_text(struct defs *defs, const struct ynode *item, const char *key, const char *what,
              bool required, const struct ynode **ret)
{
    const struct ynode *n = ymap_get(item, key);

    if (!n) {
        return required ? item_missing(defs, item, key, what) : 0;
    }
    if (n->kind != Y_SCALAR || (n->plain && (n->len == 0 || strcmp(n->str, "~") == 0))) {
        diag_error(defs->d, n->loc, "%s: '%s' must be text, not %s", what, key,
                   n->kind == Y_SCALAR ? "nothing" : ynode_kind_name(n));
        return -EINVAL;
    }
    if (n->len == 0 || memchr(n->str, '\0', n->len)) {
        diag_error(defs->d, n->loc, "%s: '%s' %s", what, key,
                   n->len ? "holds a zero byte" : "is empty");
        return -EINVAL;
    }
    *ret = n;
    return 1;
}

int item_bool(struct defs *defs, const struct ynode *item, const char *key, const char *what,
              bool *ret)
{
    const struct ynode *n;
    int r = item_text(defs, item, key, what, false, &n);

    if (r <= 0)
        return r;
    if (parse_bool(n->str, n->len, ret) == 0)
        return 1;
    diag_error(defs->d, n->loc, "%s: '%s' must be true or false, not '%.60s'", what, key, n->str);
    return -EINVAL;
}

const char *item_name_hint(struct defs *defs, const struct map *names, const char *name)
{
    struct suggest s;

    suggest_init(&s, name, strlen(name));
    if (defs_may_guess(defs, names->n))
        for (uint32_t i = 0; i < names->n; i++)
            suggest_offer(&s, names->slots[i].key);
    return diag_hint(defs->d, s.distance < s.len ? suggest_best(&s) : NULL);
}

void item_tell_again(struct defs *defs, struct loc first, struct loc again, const char *what)
{
    if (!defs->d->lint)
        return;
    if (first.file == again.file)
        diag_warning(defs->d, DIAG_REDEFINED, again,
                     "%s is defined twice in this file: what stands in line %u counts for nothing",
                     what, first.line);
    else
        diag_info(defs->d, DIAG_OVERRIDES, again, "%s replaces the one in %s:%u", what,
                  first.file->path, first.line);
}

int item_append(struct defs *defs, const struct ynode *item, const char *key, const char *what)
{
    const struct ynode *o = ymap_get(item, "override"), *k, *v;
    bool append = false;
    int r = item_bool(defs, item, "append", what, &append);

    if (r < 0)
        return r;
    if (append && o) {
        diag_error(defs->d, o->loc, "%s: 'override' and 'append' together: use 'override' alone",
                   what);
        return -EINVAL;
    }
    if (append)
        diag_warning(defs->d, DIAG_DEPRECATED, item->loc,
                     "%s: 'append' is deprecated: write 'override: {%s: append}' instead", what,
                     key);
    if (!o)
        return append;
    if (o->kind != Y_MAP) {
        diag_error(defs->d, o->loc, "%s: 'override' must be a mapping, not %s", what,
                   ynode_kind_name(o));
        return -EINVAL;
    }
    for (uint32_t i = 0; i < o->n; i++) {
        k = o->items[2 * i];
        v = o->items[2 * i + 1];
        if (strcmp(k->str, key) != 0) {
            diag_error(defs->d, k->loc, "%s: '%.60s' cannot be overridden, only '%s'", what, k->str,
                       key);
            return -EINVAL;
        }
        append = v->kind == Y_SCALAR && strcmp(v->str, "append") == 0;
        if (!append && (v->kind != Y_SCALAR || strcmp(v->str, "replace") != 0)) {
            diag_error(defs->d, v->loc, "%s: an override is 'append' or 'replace'", what);
            return -EINVAL;
        }
    }
    return append;
}

/* Items of a list: scalars, in order. */
static int add_items(struct defs *defs, struct list_def *l, const struct ynode *items,
                     const char *what)
{
    for (uint32_t i = 0; i < items->n; i++) {
        struct ynode *n = items->items[i];

        if (n->kind != Y_SCALAR) {
            diag_error(defs->d, n->loc, "%s: an item must be text, not %s", what,
                       ynode_kind_name(n));
            l->broken = true;
            continue;
        }
        if (!vec_push(defs->arena, &l->items, n))
            return defs_no_memory(defs);
    }
    return 0;
}

/* Does the name have the characters that conditions can hold? */
static bool is_name(const char *s, size_t n, bool (*lex)(struct lexer *l, struct token *t))
{
    struct lexer l = {s, (uint32_t)n, 0};
    struct token t;

    return lex(&l, &t) && lex_at_end(&l);
}

static bool is_joint(const char *name)
{
    return strcmp(name, "and") == 0 || strcmp(name, "or") == 0 || strcmp(name, "not") == 0;
}

/* Too many of one kind? Told once, by the first that is. */
static int check_count(struct defs *defs, const struct vec *v, struct loc loc, const char *what)
{
    if (v->n < RULES_MAX)
        return 0;
    diag_error(defs->d, loc, "%s: more than %d of its kind", what, RULES_MAX);
    return defs_no_memory(defs);
}

static const char *label(struct defs *defs, const char *kind, const struct ynode *name)
{
    return arena_printf(defs->arena, "%s '%.200s'", kind, name->str);
}

/* One that is there is replaced: by accident, or by `override`. */
static void tell_change(struct defs *defs, const struct ynode *override, struct loc first,
                        struct loc again, const char *what)
{
    if (override)
        diag_info(defs->d, DIAG_OVERRIDES, again, "%s is replaced, which stands in %s:%u", what,
                  first.file->path, first.line);
    else
        item_tell_again(defs, first, again, what);
}

int item_list(struct defs *defs, const struct ynode *item)
{
    static const char *const keys[] = {"list", "items", "append", "override", NULL};
    const struct ynode *name, *items = ymap_get(item, "items");
    struct list_def *l;
    const char *what;
    int append;

    if (item_text(defs, item, "list", "a list", true, &name) < 0)
        return 0;
    what = label(defs, "list", name);
    if (!what)
        return defs_no_memory(defs);
    item_check_keys(defs, item, keys, what);
    if (!is_name(name->str, name->len, lex_bare))
        diag_warning(defs->d, DIAG_BAD_NAME, name->loc, "%s: no condition can use such a name",
                     what);
    append = item_append(defs, item, "items", what);
    l = map_get(&defs->list_by_name, name->str, name->len);
    if (append > 0 && !l) {
        diag_error(defs->d, name->loc, "%s: there is no list of that name to append to%s", what,
                   item_name_hint(defs, &defs->list_by_name, name->str));
        append = -EINVAL;
    }
    if (!l) {
        l = arena_alloc(defs->arena, sizeof(*l));
        if (!l || !vec_push(defs->arena, &defs->lists, l) ||
            map_put(&defs->list_by_name, name->str, name->len, l) < 0)
            return defs_no_memory(defs);
        if (check_count(defs, &defs->lists, name->loc, what) < 0)
            return -ENOMEM;
    } else if (append == 0)
        tell_change(defs, ymap_get(item, "override"), l->loc, name->loc, what);
    if (append <= 0)
        *l = (struct list_def){.name = name->str, .loc = name->loc, .broken = append < 0};
    if (!items || items->kind != Y_SEQ) {
        if (items)
            diag_error(defs->d, items->loc, "%s: 'items' must be a list in brackets, not %s", what,
                       ynode_kind_name(items));
        else
            (void)item_missing(defs, item, "items", what);
        l->broken = true;
        return 0;
    }
    return add_items(defs, l, items, what);
}

int item_macro(struct defs *defs, const struct ynode *item)
{
    static const char *const keys[] = {"macro", "condition", "append", "override", NULL};
    const struct ynode *name, *cond = NULL;
    struct macro_def *m;
    const char *what;
    bool nameable;
    int append, r;

    if (item_text(defs, item, "macro", "a macro", true, &name) < 0)
        return 0;
    what = label(defs, "macro", name);
    if (!what)
        return defs_no_memory(defs);
    item_check_keys(defs, item, keys, what);
    nameable = is_name(name->str, name->len, lex_identifier) && !is_joint(name->str);
    if (!nameable)
        diag_warning(defs->d, DIAG_BAD_NAME, name->loc, "%s: no condition can use such a name: %s",
                     what,
                     is_joint(name->str) ? "'and', 'or' and 'not' join conditions"
                                         : "letters, digits and '_' only");
    append = item_append(defs, item, "condition", what);
    m = map_get(&defs->macro_by_name, name->str, name->len);
    if (append > 0 && !m) {
        diag_error(defs->d, name->loc, "%s: there is no macro of that name to append to%s", what,
                   item_name_hint(defs, &defs->macro_by_name, name->str));
        append = -EINVAL;
    }
    if (!m) {
        m = arena_alloc(defs->arena, sizeof(*m));
        if (!m || !vec_push(defs->arena, &defs->macros, m) ||
            map_put(&defs->macro_by_name, name->str, name->len, m) < 0)
            return defs_no_memory(defs);
        if (check_count(defs, &defs->macros, name->loc, what) < 0)
            return -ENOMEM;
    } else if (append == 0)
        tell_change(defs, ymap_get(item, "override"), m->loc, name->loc, what);
    if (append <= 0)
        *m = (struct macro_def){
            .name = name->str, .loc = name->loc, .broken = append < 0, .used = !nameable};
    r = item_text(defs, item, "condition", what, true, &cond);
    if (r < 0)
        m->broken = true;
    else if (!vec_push(defs->arena, &m->condition, (void *)cond))
        return defs_no_memory(defs);
    return 0;
}

struct text *text_join(struct arena *a, const struct vec *nodes, const char *what)
{
    const struct ynode *const *n = (const struct ynode *const *)nodes->p;
    struct text *t = arena_alloc(a, sizeof(*t));
    struct text_part *parts;
    size_t len = 0;
    char *p;

    if (!t)
        return NULL;
    *t = (struct text){.p = n[0]->str, .len = (uint32_t)n[0]->len, .node = n[0], .what = what};
    if (nodes->n == 1)
        return t;
    for (uint32_t i = 0; i < nodes->n; i++)
        len += n[i]->len + 1;
    p = arena_alloc(a, len + 1);
    parts = arena_array(a, nodes->n, sizeof(*parts));
    if (!p || !parts || len > UINT32_MAX)
        return NULL;
    t->p = p;
    t->parts = parts;
    t->n_parts = nodes->n;
    t->len = 0;
    for (uint32_t i = 0; i < nodes->n; i++) {
        if (i)
            p[t->len++] = ' ';
        parts[i] = (struct text_part){t->len, n[i]};
        memcpy(p + t->len, n[i]->str, n[i]->len);
        t->len += (uint32_t)n[i]->len;
    }
    return t;
}
