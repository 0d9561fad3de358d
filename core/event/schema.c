/* SPDX-License-Identifier: Apache-2.0 */
#include "event/schema.h"

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/num.h"
#include "engine/provider.h"
#include "event/abi_1_0.h"
#include "event/schema_check.h"
#include "event/widen.h"

#include <errno.h>
#include <gyr/event.h>
#include <stdlib.h>
#include <string.h>

enum { SCHEMA_MEM_MAX = 64 << 20, SCHEMAS_MAX = 64 };

static const struct gyr_param_def loss_params[] = {
    {"class", GYR_P_U32, GYR_F_DEC, 0, 0, NULL},
    {"cpu", GYR_P_U16, GYR_F_DEC, 0, 0, NULL},
    {"count", GYR_P_U64, GYR_F_DEC, 0, 0, NULL},
};

/* What every schema has besides its own. */
static const struct gyr_event_type core_types[] = {
    {.id = GYR_EV_SNAPSHOT_BEGIN,
     .flags = GYR_ETF_SNAPSHOT | GYR_ETF_STATE,
     .name = "gyr.snapshot_begin",
     .category = "internal"},
    {.id = GYR_EV_SNAPSHOT_END,
     .flags = GYR_ETF_SNAPSHOT | GYR_ETF_STATE,
     .name = "gyr.snapshot_end",
     .category = "internal"},
    {.id = GYR_EV_LOSS,
     .n_params = ARRAY_LEN(loss_params),
     .flags = GYR_ETF_STATE,
     .name = "gyr.loss",
     .category = "internal",
     .params = loss_params},
};

static int out_of_memory(struct gyr_error *err)
{
    return gyr_fail(err, -ENOMEM, "out of memory for a schema");
}

static void schema_free(struct schema *s)
{
    if (!s)
        return;
    map_free(&s->by_name);
    free(s->fields);
    arena_free(s->arena);
    free(s);
}

static int build_types(struct schema *s)
{
    const struct gyr_schema *def = &s->def;
    uint32_t n = def->n_types;

    s->n_types = n + ARRAY_LEN(core_types);
    s->types = arena_array(s->arena, s->n_types, sizeof(*s->types));
    s->dense = arena_array(s->arena, 65536, sizeof(*s->dense));
    if (!s->types || !s->dense)
        return -ENOMEM;
    for (uint32_t i = 0; i < n; i++)
        widen(&s->types[i], sizeof(s->types[i]), widen_row(def->types, def->type_stride, i),
              def->type_stride);
    memcpy(s->types + n, core_types, sizeof(core_types));
    for (uint32_t i = 0; i < s->n_types; i++)
        s->dense[s->types[i].id] = (uint16_t)(i + 1);
    return 0;
}

static int build_subtypes(struct schema *s)
{
    s->subtypes = s->def.subtypes;
    for (const struct gyr_subtype *t = s->subtypes; t && t->name; t++)
        if (t->id >= s->n_subtype_ids)
            s->n_subtype_ids = t->id + 1;
    if (s->n_subtype_ids == 0)
        return 0;
    s->subtype_names = arena_array(s->arena, s->n_subtype_ids, sizeof(*s->subtype_names));
    if (!s->subtype_names)
        return -ENOMEM;
    for (const struct gyr_subtype *t = s->subtypes; t && t->name; t++)
        s->subtype_names[t->id] = t->name;
    return 0;
}

/* What two declarations of one field must agree in: what rules are checked by. */
static uint32_t shape(const struct gyr_field *f)
{
    return f->type << 1 | !!(f->flags & GYR_FF_LIST);
}

static int add_field(struct schema *s, const struct gyr_field *f, enum field_origin origin,
                     const char *plugin, struct gyr_error *err)
{
    const struct field_def *old = map_gets(&s->by_name, f->name);
    struct field_def *d;

    if (old && shape(&old->f) == shape(f))
        return 0;
    if (old)
        return gyr_fail(err, -EEXIST,
                        "field '%s' of schema '%s': plugin '%s' declares it with another type than "
                        "plugin '%s'",
                        f->name, s->name, plugin, old->declared_by);
    if (s->n_fields >= SCHEMA_FIELDS_MAX)
        return gyr_fail(err, -EINVAL, "schema '%s' has more than %d fields", s->name,
                        SCHEMA_FIELDS_MAX);
    if ((s->n_fields & (s->n_fields - 1)) == 0) { /* full at each power of two */
        size_t cap = s->n_fields ? 2 * (size_t)s->n_fields : 1;
        struct field_def **p = realloc(s->fields, cap * sizeof(struct field_def *));

        if (!p)
            return out_of_memory(err);
        s->fields = p;
    }
    d = arena_alloc(s->arena, sizeof(*d));
    if (!d)
        return out_of_memory(err);
    *d = (struct field_def){.f = *f, .origin = origin, .id = s->n_fields};
    d->declared_by = arena_strdup(s->arena, plugin);
    if (!d->declared_by || map_put(&s->by_name, f->name, strlen(f->name), d) < 0)
        return out_of_memory(err);
    s->fields[s->n_fields++] = d;
    return 0;
}

static int add_fields(struct schema *s, const struct gyr_field *fields, uint32_t n, uint32_t stride,
                      enum field_origin origin, const char *plugin, struct gyr_error *err)
{
    int r = schema_check_fields(fields, n, stride, plugin, err);

    for (uint32_t i = 0; i < n && r == 0; i++) {
        struct gyr_field f;

        widen(&f, sizeof(f), widen_row(fields, stride, i), stride);
        r = add_field(s, &f, origin, plugin, err);
    }
    return r;
}

static int schema_new(const struct gyr_schema *def, const char *plugin, struct schema **ret,
                      struct gyr_error *err)
{
    struct schema *s = calloc(1, sizeof(*s));
    int r;

    if (!s)
        return out_of_memory(err);
    s->arena = arena_new(SCHEMA_MEM_MAX);
    s->def = *def;
    s->name = def->name;
    s->version = def->version;
    s->owner = s->arena ? arena_strdup(s->arena, plugin) : NULL;
    if (!s->owner || build_types(s) < 0 || build_subtypes(s) < 0)
        r = out_of_memory(err);
    else
        r = add_fields(s, corefields_ops.fields, corefields_ops.n_fields,
                       corefields_ops.field_stride, FIELD_CORE, "core", err);
    if (r == 0)
        r = add_fields(s, def->fields, def->n_fields, def->field_stride, FIELD_SCHEMA, plugin, err);
    if (r < 0) {
        schema_free(s);
        return r;
    }
    *ret = s;
    return 0;
}

int schemas_add(struct schemas *s, const struct gyr_schema *def, const char *plugin,
                struct gyr_error *err)
{
    struct gyr_schema wide;
    struct schema *old, **list;
    int r;

    if (!def || def->size < ABI_1_0_SCHEMA)
        return gyr_fail(err, -EINVAL, "plugin '%s' gives a schema of %u bytes; %d are needed",
                        plugin, def ? def->size : 0, ABI_1_0_SCHEMA);
    widen(&wide, sizeof(wide), def, def->size);
    r = schema_check(&wide, plugin, err);
    if (r < 0)
        return r;
    old = schemas_find(s, wide.name);
    if (old)
        return schema_check_same(&old->def, old->owner, &wide, plugin, err);
    if (s->n >= SCHEMAS_MAX)
        return gyr_fail(err, -EINVAL, "more than %d schemas", SCHEMAS_MAX);
    list = realloc(s->list, (s->n + 1) * sizeof(struct schema *));
    if (!list)
        return out_of_memory(err);
    s->list = list;
    r = schema_new(&wide, plugin, &s->list[s->n], err);
    if (r < 0)
        return r;
    s->n++;
    return 0;
}

struct schema *schemas_find(const struct schemas *s, const char *name)
{
    for (uint32_t i = 0; i < s->n; i++)
        if (strcmp(s->list[i]->name, name) == 0)
            return s->list[i];
    return NULL;
}

uint32_t schemas_index(const struct schemas *s, const char *name)
{
    uint32_t i = 0;

    while (i < s->n && strcmp(s->list[i]->name, name) != 0)
        i++;
    return i;
}

void schemas_free(struct schemas *s)
{
    for (uint32_t i = 0; i < s->n; i++)
        schema_free(s->list[i]);
    free(s->list);
    *s = (struct schemas){0};
}

int schema_add_fields(struct schema *s, const struct gyr_enricher_ops *ops, const char *plugin,
                      struct gyr_error *err)
{
    return add_fields(s, ops->fields, ops->n_fields, ops->field_stride, FIELD_PLUGIN, plugin, err);
}

const char *schema_event_name(const struct schema *s, uint16_t type, uint32_t subtype)
{
    const struct gyr_event_type *t = schema_type(s, type);

    if (!t)
        return "?";
    if ((t->flags & GYR_ETF_GENERIC) && subtype < s->n_subtype_ids && s->subtype_names[subtype])
        return s->subtype_names[subtype];
    return t->name;
}

const struct field_def *schema_field(const struct schema *s, const char *name, size_t len)
{
    return map_get(&s->by_name, name, len);
}

/* ---- what a rule wrote ---- */

/* The longest part of the text, ending before '[' or '.', that names a field. */
static const struct field_def *longest_field(const struct schema *s, const char *text, size_t len,
                                             size_t *ret_len)
{
    const char *bracket = memchr(text, '[', len);
    size_t n = bracket ? (size_t)(bracket - text) : len;

    for (; n > 0; n--) {
        const struct field_def *f;

        if (n < len && text[n] != '[' && text[n] != '.')
            continue;
        f = map_get(&s->by_name, text, n);
        if (f) {
            *ret_len = n;
            return f;
        }
    }
    return NULL;
}

static int fail_unknown(const struct schema *s, const char *text, size_t len, struct gyr_error *err)
{
    const char *bracket = memchr(text, '[', len), *best;
    size_t n = bracket ? (size_t)(bracket - text) : len;
    struct suggest g;

    suggest_init(&g, text, n);
    for (uint32_t i = 0; i < s->n_fields; i++)
        suggest_offer(&g, s->fields[i]->f.name);
    best = suggest_best(&g);
    return gyr_fail(err, -ENOENT, "unknown field '%.*s'%s%s%s", (int)(n < 128 ? n : 128), text,
                    best ? "; did you mean '" : "", best ? best : "", best ? "'?" : "");
}

static int check_arg(const struct field_def *f, const char *arg, size_t len, struct gyr_error *err)
{
    const char *name = f->f.name;
    uint64_t u;

    if (!arg && (f->f.flags & GYR_FF_ARG_REQ))
        return gyr_fail(err, -EINVAL, "field '%s' needs an argument, as in '%s%s'", name, name,
                        f->f.flags & GYR_FF_KEY ? "[name]" : "[0]");
    if (!arg)
        return 0;
    if (!(f->f.flags & (GYR_FF_INDEX | GYR_FF_KEY)))
        return gyr_fail(err, -EINVAL, "field '%s' takes no argument", name);
    if (len == 0)
        return gyr_fail(err, -EINVAL, "the argument of field '%s' is empty", name);
    if (!(f->f.flags & GYR_FF_KEY) && parse_u64(arg, len, &u) < 0)
        return gyr_fail(err, -EINVAL, "the argument of field '%s' must be a number, not '%.*s'",
                        name, (int)(len < 128 ? len : 128), arg);
    return 0;
}

int schema_resolve_field(const struct schema *s, const char *text, size_t len,
                         const struct field_def **ret, const char **ret_arg, size_t *ret_arg_len,
                         struct gyr_error *err)
{
    const struct field_def *f;
    const char *arg = NULL;
    size_t n = 0, arg_len = 0;
    int r;

    f = longest_field(s, text, len, &n);
    /* "proc.name.x" is a name nobody knows, not proc.name with an argument */
    if (!f || (n < len && text[n] == '.' && !(f->f.flags & GYR_FF_KEY)))
        return fail_unknown(s, text, len, err);
    if (n < len && text[n] == '.') {
        arg = text + n + 1;
        arg_len = len - n - 1;
    } else if (n < len) {
        if (text[len - 1] != ']')
            return gyr_fail(err, -EINVAL, "']' is missing after the argument of field '%s'",
                            f->f.name);
        arg = text + n + 1;
        arg_len = len - n - 2;
    }
    r = check_arg(f, arg, arg_len, err);
    if (r < 0)
        return r;
    *ret = f;
    *ret_arg = arg;
    *ret_arg_len = arg_len;
    return 0;
}

static uint32_t param_value_type(uint16_t type)
{
    static const uint8_t of[] = {
        [GYR_P_U8] = GYR_T_U64,       [GYR_P_U16] = GYR_T_U64,
        [GYR_P_U32] = GYR_T_U64,      [GYR_P_U64] = GYR_T_U64,
        [GYR_P_I8] = GYR_T_I64,       [GYR_P_I16] = GYR_T_I64,
        [GYR_P_I32] = GYR_T_I64,      [GYR_P_I64] = GYR_T_I64,
        [GYR_P_BOOL] = GYR_T_BOOL,    [GYR_P_DOUBLE] = GYR_T_DOUBLE,
        [GYR_P_STR] = GYR_T_STR,      [GYR_P_BYTES] = GYR_T_BYTES,
        [GYR_P_TIME] = GYR_T_TIME,    [GYR_P_DURATION] = GYR_T_DURATION,
        [GYR_P_IP] = GYR_T_IP,        [GYR_P_STRS] = GYR_T_BYTES,
        [GYR_P_OPAQUE] = GYR_T_BYTES,
    };

    return of[type];
}

static const struct gyr_param_def *field_param(const struct schema *s, const struct field_def *f,
                                               const char *arg, size_t arg_len)
{
    for (uint32_t i = 0; f->f.type == GYR_T_NONE && arg && i < s->n_types; i++) {
        const struct gyr_event_type *t = &s->types[i];

        for (uint32_t k = 0; k < t->n_params; k++)
            if (strlen(t->params[k].name) == arg_len &&
                memcmp(t->params[k].name, arg, arg_len) == 0)
                return &t->params[k];
    }
    return NULL;
}

uint32_t schema_field_type(const struct schema *s, const struct field_def *f, const char *arg,
                           size_t arg_len)
{
    const struct gyr_param_def *p = field_param(s, f, arg, arg_len);

    if (f->f.type != GYR_T_NONE)
        return f->f.type;
    return p ? param_value_type(p->type) : (uint32_t)GYR_T_STR;
}
