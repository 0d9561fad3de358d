/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/option.h"

#include "base/cleanup.h"
#include "base/num.h"
#include "base/suggest.h"
#include "plugin/plugin.h"
#include "plugin/secret.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static const struct {
    const char *name;
    uint32_t width;
} types[] = {
    [GYR_O_BOOL] = {"boolean", sizeof(uint8_t)},
    [GYR_O_INT] = {"number", sizeof(int64_t)},
    [GYR_O_SIZE] = {"size", sizeof(uint64_t)},
    [GYR_O_DURATION] = {"duration", sizeof(uint64_t)},
    [GYR_O_ENUM] = {"choice", sizeof(int64_t)},
    [GYR_O_STR] = {"text", sizeof(char *)},
    [GYR_O_STRLIST] = {"list of texts", sizeof(char **)},
    [GYR_O_STRMAP] = {"mapping of texts", sizeof(char **)},
};

const char *option_type_name(uint32_t type)
{
    return types[type].name;
}

uint32_t option_type_width(uint32_t type)
{
    return types[type].width;
}

static void put(const struct gyr_option *o, void *cfg, const void *value)
{
    memcpy((uint8_t *)cfg + o->offset, value, types[o->type].width);
}

void option_add_number(struct buf *b, const struct gyr_option *o, int64_t v)
{
    if (o->type == GYR_O_DURATION && v >= 0)
        buf_add_duration(b, (uint64_t)v);
    else
        buf_addf(b, "%" PRId64, v);
}

static int fail_range(const struct gyr_option *o, const char *what, int64_t v,
                      struct gyr_error *err)
{
    struct buf b;

    buf_init(&b, 64);
    option_add_number(&b, o, v);
    (void)gyr_fail(err, -EINVAL, "must be at %s %s", what, b.p);
    buf_free(&b);
    return -EINVAL;
}

static int check_range(const struct gyr_option *o, bool negative, uint64_t u, struct gyr_error *err)
{
    int64_t v = !negative && u > INT64_MAX ? INT64_MAX : (int64_t)u;

    if (o->min == 0 && o->max == 0)
        return 0;
    if (v < o->min)
        return fail_range(o, "least", o->min, err);
    if (v > o->max)
        return fail_range(o, "most", o->max, err);
    return 0;
}

static int bad_scalar(const struct gyr_option *o, const char *s, size_t n, int r,
                      struct gyr_error *err)
{
    static const char *const wanted[] = {
        [GYR_O_BOOL] = "is neither true nor false",
        [GYR_O_INT] = "is not a whole number",
        [GYR_O_SIZE] = "is not a size such as 512, 64K or 8M",
        [GYR_O_DURATION] = "is not a duration such as 250ms, 5s or 1h30m",
    };

    if (o->flags & GYR_OF_SECRET)
        return gyr_fail(err, -EINVAL, "%s", r == -ERANGE ? "is too large" : wanted[o->type]);
    return gyr_fail(err, -EINVAL, "'%.*s' %s", (int)(n < 100 ? n : 100), s,
                    r == -ERANGE ? "is too large" : wanted[o->type]);
}

static int store_enum(const struct gyr_option *o, const char *s, size_t n, void *cfg,
                      struct gyr_error *err)
{
    struct suggest g;
    struct buf b;
    const char *best;

    suggest_init(&g, s, n);
    buf_init(&b, 400);
    for (int64_t i = 0; o->choices[i]; i++) {
        if (strlen(o->choices[i]) == n && memcmp(o->choices[i], s, n) == 0) {
            buf_free(&b);
            put(o, cfg, &i);
            return 0;
        }
        suggest_offer(&g, o->choices[i]);
        buf_addf(&b, "%s%s", i ? ", " : "", o->choices[i]);
    }
    best = suggest_best(&g);
    if (o->flags & GYR_OF_SECRET)
        (void)gyr_fail(err, -EINVAL, "is not one of %s", b.p);
    else
        (void)gyr_fail(err, -EINVAL, "'%.*s' is not one of %s%s%s%s", (int)(n < 100 ? n : 100), s,
                       b.p, best ? "; did you mean '" : "", best ? best : "", best ? "'?" : "");
    buf_free(&b);
    return -EINVAL;
}

static int store_scalar(const struct gyr_option *o, const char *s, size_t n, struct arena *a,
                        void *cfg, struct gyr_error *err)
{
    bool truth = false;
    uint8_t byte = 0;
    int64_t i = 0;
    uint64_t u = 0;
    const char *text;
    int r = 0;

    switch (o->type) {
    case GYR_O_BOOL:
        r = parse_bool(s, n, &truth);
        byte = truth;
        break;
    case GYR_O_INT:
        r = parse_i64(s, n, &i);
        break;
    case GYR_O_SIZE:
        r = parse_size(s, n, &u);
        break;
    case GYR_O_DURATION:
        r = parse_duration(s, n, &u);
        break;
    case GYR_O_ENUM:
        return store_enum(o, s, n, cfg, err);
    default:
        if (memchr(s, 0, n))
            return gyr_fail(err, -EINVAL, "holds a NUL character");
        text = arena_strndup(a, s, n);
        if (!text)
            return gyr_fail(err, -ENOMEM, "out of memory");
        put(o, cfg, &text);
        return 0;
    }
    if (r < 0)
        return bad_scalar(o, s, n, r, err);
    if (o->type == GYR_O_BOOL) {
        put(o, cfg, &byte);
        return 0;
    }
    if (o->type == GYR_O_INT)
        u = (uint64_t)i;
    r = check_range(o, i < 0, u, err);
    if (r == 0)
        put(o, cfg, &u);
    return r;
}

/* A text of a list or mapping. Secret ones may stand elsewhere, keys may not. */
static int store_text(const struct gyr_option *o, const struct ynode *item, bool is_key,
                      struct arena *a, const char **ret, struct gyr_error *err)
{
    struct ynode fetched;
    int r;

    if ((o->flags & GYR_OF_SECRET) && !is_key && item->kind == Y_MAP) {
        r = secret_fetch(item, a, &fetched, err);
        if (r < 0)
            return r;
        item = &fetched;
    }
    if (item->kind != Y_SCALAR)
        return gyr_fail(err, -EINVAL, "must hold texts, not %s", ynode_kind_name(item));
    if (memchr(item->str, 0, item->len))
        return gyr_fail(err, -EINVAL, "holds a NUL character");
    *ret = arena_strndup(a, item->str, item->len);
    return *ret ? 0 : gyr_fail(err, -ENOMEM, "out of memory");
}

/* Texts of a list, or keys and values of a mapping: both stand in items[]. */
static int store_texts(const struct gyr_option *o, const struct ynode *value, struct arena *a,
                       void *cfg, struct loc *ret_loc, struct gyr_error *err)
{
    uint32_t n = value->kind == Y_MAP ? 2 * value->n : value->n;
    const char **list = arena_array(a, (size_t)n + 1, sizeof(*list));

    if (!list)
        return gyr_fail(err, -ENOMEM, "out of memory");
    for (uint32_t i = 0; i < n; i++) {
        int r =
            store_text(o, value->items[i], value->kind == Y_MAP && i % 2 == 0, a, &list[i], err);

        *ret_loc = value->items[i]->loc;
        if (r < 0)
            return r;
    }
    put(o, cfg, &list);
    return 0;
}

int option_store(const struct gyr_option *o, const struct ynode *value, struct arena *arena,
                 void *cfg, struct loc *ret_loc, struct gyr_error *err)
{
    struct ynode one;
    struct ynode *items[1];

    *ret_loc = value->loc;
    if (o->type == GYR_O_STRMAP) {
        if (value->kind != Y_MAP)
            return gyr_fail(err, -EINVAL, "must be a mapping, not %s", ynode_kind_name(value));
        return store_texts(o, value, arena, cfg, ret_loc, err);
    }
    if (o->type == GYR_O_STRLIST && value->kind == Y_SEQ)
        return store_texts(o, value, arena, cfg, ret_loc, err);
    if (value->kind != Y_SCALAR)
        return gyr_fail(err, -EINVAL, "must be a %s, not %s", types[o->type].name,
                        ynode_kind_name(value));
    if (o->type == GYR_O_STRLIST) { /* one text stands for a list of one */
        items[0] = (struct ynode *)value;
        one = (struct ynode){.kind = Y_SEQ, .loc = value->loc, .items = items, .n = 1};
        return store_texts(o, &one, arena, cfg, ret_loc, err);
    }
    return store_scalar(o, value->str, value->len, arena, cfg, err);
}

int option_store_default(const struct gyr_option *o, struct arena *arena, void *cfg,
                         struct gyr_error *err)
{
    struct diags d;
    struct ynode *root = NULL;
    struct loc loc;

    if (!o->def)
        return 0;
    if (o->type != GYR_O_STRLIST && o->type != GYR_O_STRMAP)
        return store_scalar(o, o->def, strlen(o->def), arena, cfg, err);
    diags_init(&d, arena);
    if (yaml_parse("default", o->def, strlen(o->def), arena, &d, &root) < 0 || !root)
        return gyr_fail(err, -EINVAL, "is not YAML");
    return option_store(o, root, arena, cfg, &loc, err);
}

/* ---- a whole table ---- */

struct parse {
    const struct gyr_option *options;
    uint32_t n;
    const struct ynode *map; /* NULL: none is given */
    const char *who;
    struct arena *arena;
    void *cfg;
    struct diags *d;
};

static const struct gyr_option *find(const struct parse *p, const char *name, size_t len)
{
    for (uint32_t i = 0; i < p->n; i++)
        if (strlen(p->options[i].name) == len && memcmp(p->options[i].name, name, len) == 0)
            return &p->options[i];
    return NULL;
}

/* It says where the secret is, and is none. */
static bool stands_elsewhere(const struct gyr_option *o, const struct ynode *v)
{
    return v->kind == Y_MAP && o->type != GYR_O_STRMAP;
}

struct loc options_loc(const struct gyr_option *options, uint32_t n, const struct ynode *map,
                       struct loc loc, struct diags *d)
{
    for (uint32_t i = 0; i < n; i++) {
        const struct gyr_option *o = &options[i];
        const struct ynode *v = o->flags & GYR_OF_SECRET ? ymap_get(map, o->name) : NULL;

        if (v && !stands_elsewhere(o, v) && ynode_touches(v, loc.line))
            return diag_blind(d, loc);
    }
    return loc;
}

static struct loc shown(const struct parse *p, struct loc loc)
{
    return options_loc(p->options, p->n, p->map, loc, p->d);
}

/* Whose name may be a secret's mistyped has a value that may be one. */
static void tell_unknown(const struct parse *p, const struct ynode *key)
{
    struct loc loc = shown(p, key->loc);
    const struct gyr_option *o;
    struct suggest g;
    const char *best;

    suggest_init(&g, key->str, key->len);
    for (uint32_t i = 0; i < p->n; i++)
        suggest_offer(&g, p->options[i].name);
    if (p->n == 0)
        diag_error(p->d, loc, "%s takes no options, and so not '%s'", p->who, key->str);
    best = suggest_best(&g);
    o = best ? find(p, best, strlen(best)) : NULL;
    if (o && o->flags & GYR_OF_SECRET)
        loc = diag_blind(p->d, loc);
    if (p->n)
        diag_error(p->d, loc, "%s has no option '%s'%s", p->who, key->str, diag_hint(p->d, best));
}

/* A secret may stand elsewhere. */
static int store_value(const struct parse *p, const struct gyr_option *o, const struct ynode *value,
                       struct loc *ret_loc, struct gyr_error *err)
{
    struct ynode fetched;
    int r;

    if (!(o->flags & GYR_OF_SECRET) || !stands_elsewhere(o, value))
        return option_store(o, value, p->arena, p->cfg, ret_loc, err);
    *ret_loc = value->loc;
    r = secret_fetch(value, p->arena, &fetched, err);
    return r < 0 ? r : option_store(o, &fetched, p->arena, p->cfg, ret_loc, err);
}

static void store(const struct parse *p, const struct gyr_option *o, const struct ynode *key,
                  const struct ynode *value)
{
    struct gyr_error err = {0};
    struct loc loc;

    if (o->flags & GYR_OF_DEPRECATED)
        diag_warning(p->d, DIAG_DEPRECATED, shown(p, key->loc),
                     "option '%s' of %s is deprecated: %s", o->name, p->who, o->help);
    if (store_value(p, o, value, &loc, &err) == 0)
        return;
    if (o->flags & GYR_OF_SECRET)
        loc = diag_blind(p->d, loc);
    diag_error(p->d, shown(p, loc), "option '%s' of %s: %s", o->name, p->who, err.msg);
}

static void check_required(const struct parse *p, const struct ynode *map, struct loc loc)
{
    for (uint32_t i = 0; i < p->n; i++) {
        const struct gyr_option *o = &p->options[i];
        const struct ynode *v;

        if (!(o->flags & GYR_OF_REQUIRED))
            continue;
        v = ymap_get(map, o->name);
        if (!v || ynode_is_null(v))
            diag_error(p->d, shown(p, loc), "%s needs the option '%s' (%s)", p->who, o->name,
                       o->help);
    }
}

int options_parse(const struct gyr_option *options, uint32_t n, const struct ynode *map,
                  struct loc loc, const char *who, struct arena *arena, void *cfg,
                  uint32_t config_size, struct diags *d)
{
    struct parse p = {options, n, map && map->kind == Y_MAP ? map : NULL, who, arena, cfg, d};
    uint32_t errors = d->n_errors;
    struct gyr_error err = {0};

    memset(cfg, 0, config_size);
    for (uint32_t i = 0; i < n; i++)
        if (option_store_default(&options[i], arena, cfg, &err) < 0)
            diag_error(d, loc, "the default of option '%s' of %s: %s", options[i].name, who,
                       err.msg);
    if (map && ynode_is_null(map))
        map = NULL;
    if (map && map->kind != Y_MAP) {
        diag_error(d, map->loc, "the options of %s must be a mapping, not %s", who,
                   ynode_kind_name(map));
        return -EINVAL;
    }
    for (uint32_t i = 0; map && i < map->n; i++) {
        const struct ynode *key = map->items[2 * i], *value = map->items[2 * i + 1];
        const struct gyr_option *o = find(&p, key->str, key->len);

        if (!o)
            tell_unknown(&p, key);
        else if (!ynode_is_null(value))
            store(&p, o, key, value);
    }
    check_required(&p, map, loc);
    return d->n_errors > errors ? -EINVAL : 0;
}
