/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cleanup.h"
#include "base/num.h"
#include "rules/defs.h"

#include <errno.h>
#include <gyr/output.h>
#include <string.h>

/* What an item does to a rule: one function per key, for definitions and overrides alike. */
struct setter {
    const char *key;
    bool may_append, may_replace, required;
    int (*set)(struct defs *defs, struct rule_def *r, const struct ynode *item, bool append,
               const char *what);
};

static int set_text(struct defs *defs, struct vec *v, const struct ynode *item, const char *key,
                    bool append, const char *what)
{
    const struct ynode *n;
    int r = item_text(defs, item, key, what, true, &n);

    if (r < 0)
        return r;
    if (!append)
        *v = (struct vec){0};
    return vec_push(defs->arena, v, (void *)n) ? 0 : defs_no_memory(defs);
}

static int set_condition(struct defs *defs, struct rule_def *r, const struct ynode *item,
                         bool append, const char *what)
{
    return set_text(defs, &r->condition, item, "condition", append, what);
}

static int set_output(struct defs *defs, struct rule_def *r, const struct ynode *item, bool append,
                      const char *what)
{
    return set_text(defs, &r->output, item, "output", append, what);
}

static int set_desc(struct defs *defs, struct rule_def *r, const struct ynode *item, bool append,
                    const char *what)
{
    return set_text(defs, &r->desc, item, "desc", append, what);
}

static int set_priority(struct defs *defs, struct rule_def *r, const struct ynode *item,
                        bool append, const char *what)
{
    static const char *const names[] = {"emergency", "alert",  "critical",      "error",
                                        "warning",   "notice", "informational", "info",
                                        "debug",     NULL};
    const struct ynode *n;
    int p;

    (void)append;
    if (item_text(defs, item, "priority", what, true, &n) < 0)
        return -EINVAL;
    p = priority_parse(n->str);
    if (p < 0) {
        const char *hint = item_hint(defs, n->str, names);

        diag_error(defs->d, n->loc, "%s: '%.60s' is no priority%s", what, n->str,
                   hint[0] ? hint
                           : "; there are emergency, alert, critical, error, warning, notice, "
                             "informational and debug");
        return -EINVAL;
    }
    r->priority = (uint32_t)p;
    return 0;
}

static int set_tags(struct defs *defs, struct rule_def *r, const struct ynode *item, bool append,
                    const char *what)
{
    const struct ynode *n = ymap_get(item, "tags");

    if (n->kind != Y_SEQ) {
        diag_error(defs->d, n->loc, "%s: 'tags' must be a list, not %s", what, ynode_kind_name(n));
        return -EINVAL;
    }
    if (!append)
        r->tags = (struct vec){0};
    for (uint32_t i = 0; i < n->n; i++) {
        const struct ynode *tag = n->items[i];

        if (tag->kind != Y_SCALAR) {
            diag_error(defs->d, tag->loc, "%s: a tag must be text, not %s", what,
                       ynode_kind_name(tag));
            return -EINVAL;
        }
        if (!vec_push(defs->arena, &r->tags, (void *)tag->str))
            return defs_no_memory(defs);
    }
    return 0;
}

static int set_exceptions(struct defs *defs, struct rule_def *r, const struct ynode *item,
                          bool append, const char *what)
{
    return item_exceptions(defs, r, ymap_get(item, "exceptions"), append, what);
}

static int set_enabled(struct defs *defs, struct rule_def *r, const struct ynode *item, bool append,
                       const char *what)
{
    (void)append;
    return item_bool(defs, item, "enabled", what, &r->enabled);
}

static int set_capture(struct defs *defs, struct rule_def *r, const struct ynode *item, bool append,
                       const char *what)
{
    (void)append;
    return item_bool(defs, item, "capture", what, &r->capture);
}

/* Falco counts milliseconds. */
static int set_duration(struct defs *defs, struct rule_def *r, const struct ynode *item,
                        bool append, const char *what)
{
    const struct ynode *n;
    uint64_t ms;

    (void)append;
    if (item_text(defs, item, "capture_duration", what, true, &n) < 0)
        return -EINVAL;
    if (parse_u64(n->str, n->len, &ms) < 0 || ms > UINT32_MAX) {
        diag_error(defs->d, n->loc,
                   "%s: 'capture_duration' must be a number of milliseconds, not '%.60s'", what,
                   n->str);
        return -EINVAL;
    }
    r->capture_duration_ns = ms * 1000000;
    return 0;
}

static int set_warn(struct defs *defs, struct rule_def *r, const struct ynode *item, bool append,
                    const char *what)
{
    bool warn = true;
    int k = item_bool(defs, item, "warn_evttypes", what, &warn);

    (void)append;
    if (k >= 0)
        r->any_type = !warn;
    return k;
}

static int set_skip(struct defs *defs, struct rule_def *r, const struct ynode *item, bool append,
                    const char *what)
{
    (void)append;
    return item_bool(defs, item, "skip-if-unknown-filter", what, &r->skip_unknown);
}

static const struct setter setters[] = {
    {"condition", true, true, true, set_condition},
    {"output", true, true, true, set_output},
    {"desc", true, true, true, set_desc},
    {"priority", false, true, true, set_priority},
    {"tags", true, true, false, set_tags},
    {"exceptions", true, true, false, set_exceptions},
    {"enabled", false, true, false, set_enabled},
    {"capture", false, true, false, set_capture},
    {"capture_duration", false, true, false, set_duration},
    {"warn_evttypes", false, true, false, set_warn},
    {"skip-if-unknown-filter", false, true, false, set_skip},
};

static const struct setter *setter_find(const char *key)
{
    for (size_t i = 0; i < ARRAY_LEN(setters); i++)
        if (strcmp(setters[i].key, key) == 0)
            return &setters[i];
    return NULL;
}

/* One entry of `override`. @return 0; -EINVAL after telling; -ENOMEM. */
static int override_one(struct defs *defs, struct rule_def *r, const struct ynode *item,
                        const struct ynode *key, const struct ynode *how, const char *what)
{
    const struct setter *s = setter_find(key->str);
    bool append = how->kind == Y_SCALAR && strcmp(how->str, "append") == 0;

    if (!s) {
        const char *names[ARRAY_LEN(setters) + 1] = {NULL};

        for (size_t i = 0; i < ARRAY_LEN(setters); i++)
            names[i] = setters[i].key;
        diag_error(defs->d, key->loc, "%s: '%.60s' cannot be overridden%s", what, key->str,
                   item_hint(defs, key->str, names));
        return -EINVAL;
    }
    if (!append && (how->kind != Y_SCALAR || strcmp(how->str, "replace") != 0)) {
        diag_error(defs->d, how->loc, "%s: an override is 'append' or 'replace'", what);
        return -EINVAL;
    }
    if (append && !s->may_append) {
        diag_error(defs->d, key->loc, "%s: '%s' cannot be appended to, only replaced", what,
                   s->key);
        return -EINVAL;
    }
    if (!ymap_get(item, s->key)) {
        diag_error(defs->d, key->loc, "%s: 'override' names '%s', but there is no '%s'", what,
                   s->key, s->key);
        return -EINVAL;
    }
    return s->set(defs, r, item, append, what);
}

static int override(struct defs *defs, struct rule_def *r, const struct ynode *item,
                    const struct ynode *o, const char *what)
{
    int worst = 0, k;

    for (uint32_t i = 0; i < o->n; i++) {
        k = override_one(defs, r, item, o->items[2 * i], o->items[2 * i + 1], what);
        worst = k < 0 && worst != -ENOMEM ? k : worst;
    }
    for (uint32_t i = 0; i < item->n && worst == 0; i++) {
        const struct ynode *key = item->items[2 * i];

        if (setter_find(key->str) && !ymap_get(o, key->str)) {
            diag_error(defs->d, key->loc,
                       "%s: '%s' has no entry in 'override': is it to be appended or replaced?",
                       what, key->str);
            worst = -EINVAL;
        }
    }
    return worst;
}

/* Set what the item has. @param all a definition: what is required must be there. */
static int set_all(struct defs *defs, struct rule_def *r, const struct ynode *item, bool all,
                   const char *what)
{
    int worst = 0, k;

    for (size_t i = 0; i < ARRAY_LEN(setters); i++) {
        const struct setter *s = &setters[i];

        if (!ymap_get(item, s->key)) {
            if (!s->required)
                continue;
            k = item_missing(defs, item, s->key, what);
            worst = worst ? worst : k;
            continue;
        }
        k = s->set(defs, r, item, !all, what);
        worst = k < 0 && worst != -ENOMEM ? k : worst;
    }
    return worst;
}

static int check_source(struct defs *defs, const struct rule_def *old, const struct ynode *source,
                        const char *given, struct loc loc, const char *what)
{
    if (!old || !given || strcmp(old->source, given) == 0)
        return 0;
    diag_error(defs->d, source ? source->loc : loc,
               "%s: its source is '%s' where it is first defined, and '%s' here", what, old->source,
               given);
    return -EINVAL;
}

/* Condition and exceptions only: the old `append: true`. */
static int append_old(struct defs *defs, struct rule_def *r, const struct ynode *item,
                      const char *what)
{
    int k = 0;

    if (!ymap_get(item, "condition") && !ymap_get(item, "exceptions")) {
        diag_error(defs->d, item->loc, "%s: to append, it needs a condition or exceptions", what);
        return -EINVAL;
    }
    diag_warning(defs->d, DIAG_DEPRECATED, item->loc,
                 "%s: 'append' is deprecated: name what to append under 'override'", what);
    if (ymap_get(item, "condition"))
        k = set_condition(defs, r, item, true, what);
    if (k == 0 && ymap_get(item, "exceptions"))
        k = set_exceptions(defs, r, item, true, what);
    return k;
}

static int change(struct defs *defs, struct rule_def *old, const struct ynode *item,
                  const char *name, bool append, const struct ynode *o, const char *what)
{
    const char *verb = append ? "append to" : o ? "override" : "enable or disable";
    int k;

    if (!old) {
        diag_error(defs->d, item->loc, "%s: there is no rule of that name to %s%s", what, verb,
                   item_name_hint(defs, &defs->rule_by_name, name));
        return -EINVAL;
    }
    if (o)
        diag_info(defs->d, DIAG_OVERRIDES, item->loc, "%s is changed, which stands in %s:%u", what,
                  old->loc.file->path, old->loc.line);
    if (append)
        k = append_old(defs, old, item, what);
    else if (o)
        k = override(defs, old, item, o, what);
    else {
        diag_warning(defs->d, DIAG_DEPRECATED, item->loc,
                     "%s: 'enabled' alone is deprecated: add 'override: {enabled: replace}'", what);
        k = set_enabled(defs, old, item, false, what);
    }
    if (k < 0)
        old->broken = true;
    return k;
}

static int define(struct defs *defs, struct rule_def *old, const struct ynode *item,
                  const struct ynode *name, const char *source, const char *what)
{
    struct rule_def *r = old;
    int k;

    if (!r) {
        r = arena_alloc(defs->arena, sizeof(*r));
        if (!r || !vec_push(defs->arena, &defs->rules, r) ||
            map_put(&defs->rule_by_name, name->str, name->len, r) < 0)
            return defs_no_memory(defs);
        if (defs->rules.n > RULES_MAX) {
            diag_error(defs->d, name->loc, "more than %d rules", RULES_MAX);
            return defs_no_memory(defs);
        }
    }
    if (old)
        item_tell_again(defs, old->loc, name->loc, what);
    *r = (struct rule_def){.name = name->str,
                           .loc = name->loc,
                           .source = source ? source : "syscall",
                           .enabled = true};
    k = set_all(defs, r, item, true, what);
    r->broken = k < 0;
    return k;
}

int item_rule(struct defs *defs, const struct ynode *item)
{
    static const char *const keys[] = {"rule",       "condition",     "output",
                                       "desc",       "priority",      "source",
                                       "enabled",    "capture",       "tags",
                                       "append",     "warn_evttypes", "capture_duration",
                                       "exceptions", "override",      "skip-if-unknown-filter",
                                       NULL};
    const struct ynode *name, *source = NULL, *o = ymap_get(item, "override");
    struct rule_def *old;
    bool append = false, is_change;
    const char *what, *given;
    int k;

    if (item_text(defs, item, "rule", "a rule", true, &name) < 0)
        return 0;
    what = arena_printf(defs->arena, "rule '%.200s'", name->str);
    if (!what)
        return defs_no_memory(defs);
    item_check_keys(defs, item, keys, what);
    old = map_get(&defs->rule_by_name, name->str, name->len);
    if (item_bool(defs, item, "append", what, &append) < 0)
        return 0;
    source = ymap_get(item, "source");
    if (source && (source->kind != Y_SCALAR || source->len == 0))
        source = NULL; /* Falco takes an empty source as none */
    if (o && o->kind != Y_MAP) {
        diag_error(defs->d, o->loc, "%s: 'override' must be a mapping, not %s", what,
                   ynode_kind_name(o));
        return 0;
    }
    if (o && append) {
        diag_error(defs->d, o->loc, "%s: 'override' and 'append' together: use 'override' alone",
                   what);
        return 0;
    }
    is_change =
        append || (o && o->n) ||
        (!ymap_get(item, "condition") && !ymap_get(item, "output") && !ymap_get(item, "desc") &&
         !ymap_get(item, "priority") && ymap_get(item, "enabled"));
    given = source ? source->str : is_change ? NULL : "syscall";
    k = check_source(defs, old, source, given, name->loc, what);
    if (k == 0)
        k = is_change ? change(defs, old, item, name->str, append, o, what)
                      : define(defs, old, item, name, given, what);
    return k == -ENOMEM ? k : 0;
}
