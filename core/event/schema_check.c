/* SPDX-License-Identifier: Apache-2.0 */
#include "event/schema_check.h"

#include "base/map.h"
#include "event/abi_1_0.h"
#include "event/widen.h"

#include <ctype.h>
#include <errno.h>
#include <gyr/event.h>
#include <string.h>

enum {
    FIELD_FLAGS = GYR_FF_LIST | GYR_FF_INDEX | GYR_FF_KEY | GYR_FF_ARG_REQ | GYR_FF_HIDDEN |
                  GYR_FF_MANY | GYR_FF_PORT,
    TYPE_FLAGS = GYR_ETF_SNAPSHOT | GYR_ETF_GENERIC | GYR_ETF_OLD | GYR_ETF_STATE,
    PARAM_FLAGS = GYR_PF_FLAGS | GYR_PF_ENUM,
    NAME_MAX_LEN = 64
};

bool schema_name_ok(const char *s, size_t max)
{
    size_t n = s ? strnlen(s, max + 1) : 0;

    if (n == 0 || n > max || s[0] == '.' || s[n - 1] == '.')
        return false;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];

        if (c > 0x7e || !(isalnum(c) || c == '_' || c == '-' || c == '.'))
            return false;
        if (c == '.' && s[i + 1] == '.')
            return false;
    }
    return true;
}

int schema_check_field(const struct gyr_field *f, const char *who, struct gyr_error *err)
{
    if (!schema_name_ok(f->name, NAME_MAX_LEN))
        return gyr_fail(err, -EINVAL, "plugin '%s' declares a field without a proper name", who);
    if (f->type >= GYR_T_LIST)
        return gyr_fail(err, -EINVAL, "plugin '%s': field '%s' has the unknown type %u", who,
                        f->name, f->type);
    if (f->flags & ~(uint32_t)FIELD_FLAGS)
        return gyr_fail(err, -EINVAL, "plugin '%s': field '%s' has unknown flags 0x%x", who,
                        f->name, f->flags & ~(uint32_t)FIELD_FLAGS);
    if ((f->flags & GYR_FF_ARG_REQ) && !(f->flags & (GYR_FF_INDEX | GYR_FF_KEY)))
        return gyr_fail(err, -EINVAL,
                        "plugin '%s': field '%s' requires an argument but takes neither a number "
                        "nor a word",
                        who, f->name);
    if (f->fmt > GYR_F_TEXT)
        return gyr_fail(err, -EINVAL, "plugin '%s': field '%s' has the unknown format %u", who,
                        f->name, f->fmt);
    return 0;
}

int schema_check_fields(const struct gyr_field *fields, uint32_t n, uint32_t stride,
                        const char *who, struct gyr_error *err)
{
    struct map seen = {0};
    int r = 0;

    if (n == 0)
        return 0;
    if (!fields)
        return gyr_fail(err, -EINVAL, "plugin '%s' announces %u fields and has no table of them",
                        who, n);
    if (n > SCHEMA_FIELDS_MAX)
        return gyr_fail(err, -EINVAL, "plugin '%s' declares %u fields; at most %d are allowed", who,
                        n, SCHEMA_FIELDS_MAX);
    if (stride < ABI_1_0_FIELD)
        return gyr_fail(err, -EINVAL,
                        "plugin '%s': rows of its fields are %u bytes apart; %d are "
                        "needed",
                        who, stride, ABI_1_0_FIELD);
    for (uint32_t i = 0; i < n && r == 0; i++) {
        const struct gyr_field *f = widen_row(fields, stride, i);

        r = schema_check_field(f, who, err);
        if (r == 0 && map_gets(&seen, f->name))
            r = gyr_fail(err, -EINVAL, "plugin '%s' declares the field '%s' twice", who, f->name);
        if (r == 0)
            r = map_put(&seen, f->name, strlen(f->name), (void *)f);
    }
    map_free(&seen);
    return r;
}

static int check_param(const struct gyr_param_def *p, const char *type, const char *who,
                       struct gyr_error *err)
{
    if (!schema_name_ok(p->name, NAME_MAX_LEN))
        return gyr_fail(err, -EINVAL,
                        "plugin '%s': event '%s' has a parameter without a proper "
                        "name",
                        who, type);
    if (p->type < GYR_P_U8 || p->type > GYR_P_OPAQUE)
        return gyr_fail(err, -EINVAL,
                        "plugin '%s': event '%s': parameter '%s' has the unknown type "
                        "%u",
                        who, type, p->name, p->type);
    if (p->fmt > GYR_F_TEXT)
        return gyr_fail(err, -EINVAL,
                        "plugin '%s': event '%s': parameter '%s' has the unknown "
                        "format %u",
                        who, type, p->name, p->fmt);
    if (p->flags & ~(unsigned)PARAM_FLAGS)
        return gyr_fail(err, -EINVAL,
                        "plugin '%s': event '%s': parameter '%s' has unknown flags "
                        "0x%x",
                        who, type, p->name, p->flags & ~(unsigned)PARAM_FLAGS);
    if (p->flags && !p->names)
        return gyr_fail(err, -EINVAL, "plugin '%s': event '%s': parameter '%s' has no value table",
                        who, type, p->name);
    return 0;
}

static int check_type(const struct gyr_event_type *t, const char *who, struct gyr_error *err)
{
    int r;

    if (!schema_name_ok(t->name, NAME_MAX_LEN))
        return gyr_fail(err, -EINVAL, "plugin '%s': event type %u has no proper name", who, t->id);
    if (t->id >= GYR_EV_CORE_MIN)
        return gyr_fail(err, -EINVAL,
                        "plugin '%s': event '%s' has the number %u, which belongs to "
                        "the core",
                        who, t->name, t->id);
    if (t->n_params > GYR_PARAMS_MAX || (t->n_params && !t->params))
        return gyr_fail(err, -EINVAL, "plugin '%s': event '%s' announces %u parameters%s", who,
                        t->name, t->n_params,
                        t->params ? "; at most 64 are allowed" : " and has no table of them");
    if (t->flags & ~(uint32_t)TYPE_FLAGS)
        return gyr_fail(err, -EINVAL, "plugin '%s': event '%s' has unknown flags 0x%x", who,
                        t->name, t->flags & ~(uint32_t)TYPE_FLAGS);
    for (uint32_t i = 0; i < t->n_params; i++) {
        r = check_param(&t->params[i], t->name, who, err);
        if (r < 0)
            return r;
    }
    return 0;
}

static int check_types(const struct gyr_schema *def, const char *who, struct gyr_error *err)
{
    uint64_t seen[GYR_EV_CORE_MIN / 64] = {0};
    int r;

    if (def->n_types == 0 || def->n_types > GYR_EV_CORE_MIN || !def->types)
        return gyr_fail(err, -EINVAL, "plugin '%s': schema '%s' has no usable table of event types",
                        who, def->name);
    if (def->type_stride < ABI_1_0_TYPE)
        return gyr_fail(err, -EINVAL,
                        "plugin '%s': schema '%s': rows of event types are %u bytes "
                        "apart; %d are needed",
                        who, def->name, def->type_stride, ABI_1_0_TYPE);
    for (uint32_t i = 0; i < def->n_types; i++) {
        const struct gyr_event_type *t = widen_row(def->types, def->type_stride, i);

        r = check_type(t, who, err);
        if (r < 0)
            return r;
        if (seen[t->id / 64] & (UINT64_C(1) << (t->id % 64)))
            return gyr_fail(err, -EINVAL,
                            "plugin '%s': schema '%s' has two event types numbered "
                            "%u",
                            who, def->name, t->id);
        seen[t->id / 64] |= UINT64_C(1) << (t->id % 64);
    }
    return 0;
}

static int check_subtypes(const struct gyr_schema *def, const char *who, struct gyr_error *err)
{
    for (const struct gyr_subtype *s = def->subtypes; s && s->name; s++) {
        if (s->id > SCHEMA_SUBTYPE_MAX)
            return gyr_fail(err, -EINVAL,
                            "plugin '%s': subtype '%s' has the number %u; at most %d "
                            "is allowed",
                            who, s->name, s->id, SCHEMA_SUBTYPE_MAX);
        if (!schema_name_ok(s->name, NAME_MAX_LEN))
            return gyr_fail(err, -EINVAL, "plugin '%s': subtype %u has no proper name", who, s->id);
    }
    return 0;
}

int schema_check(const struct gyr_schema *def, const char *who, struct gyr_error *err)
{
    int r;

    if (!schema_name_ok(def->name, NAME_MAX_LEN))
        return gyr_fail(err, -EINVAL, "plugin '%s' gives a schema without a proper name", who);
    r = check_types(def, who, err);
    if (r == 0)
        r = check_subtypes(def, who, err);
    if (r == 0)
        r = schema_check_fields(def->fields, def->n_fields, def->field_stride, who, err);
    return r;
}

/* ---- agreement ---- */

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_names(const struct gyr_name *a, const struct gyr_name *b)
{
    if (a == b || !a || !b)
        return a == b;
    for (; a->name && b->name; a++, b++)
        if (a->value != b->value || strcmp(a->name, b->name) != 0)
            return false;
    return !a->name && !b->name;
}

static bool same_type(const struct gyr_event_type *a, const struct gyr_event_type *b)
{
    if (a->id != b->id || a->n_params != b->n_params || a->flags != b->flags ||
        a->traits != b->traits || !same_text(a->name, b->name) ||
        !same_text(a->category, b->category))
        return false;
    for (uint32_t i = 0; i < a->n_params; i++) {
        const struct gyr_param_def *p = &a->params[i], *q = &b->params[i];

        if (p->type != q->type || p->fmt != q->fmt || p->kind != q->kind || p->flags != q->flags ||
            !same_text(p->name, q->name) || !same_names(p->names, q->names))
            return false;
    }
    return true;
}

static bool same_subtypes(const struct gyr_subtype *a, const struct gyr_subtype *b)
{
    if (a == b || !a || !b)
        return a == b;
    for (; a->name && b->name; a++, b++)
        if (a->id != b->id || strcmp(a->name, b->name) != 0)
            return false;
    return !a->name && !b->name;
}

int schema_check_same(const struct gyr_schema *a, const char *a_owner, const struct gyr_schema *b,
                      const char *b_owner, struct gyr_error *err)
{
    if (a->version != b->version)
        return gyr_fail(err, -EEXIST,
                        "schema '%s': plugin '%s' has version %u and plugin '%s' version %u",
                        a->name, a_owner, a->version, b_owner, b->version);
    if (a->n_types != b->n_types || a->n_fields != b->n_fields)
        return gyr_fail(err, -EEXIST,
                        "schema '%s': plugin '%s' has %u event types and %u fields, plugin '%s' %u "
                        "and %u",
                        a->name, a_owner, a->n_types, a->n_fields, b_owner, b->n_types,
                        b->n_fields);
    for (uint32_t i = 0; i < a->n_types; i++) {
        const struct gyr_event_type *t = widen_row(a->types, a->type_stride, i);

        if (!same_type(t, widen_row(b->types, b->type_stride, i)))
            return gyr_fail(err, -EEXIST,
                            "schema '%s': event type %u ('%s') differs between plugin '%s' and "
                            "plugin '%s'",
                            a->name, t->id, t->name, a_owner, b_owner);
    }
    for (uint32_t i = 0; i < a->n_fields; i++) {
        const struct gyr_field *f = widen_row(a->fields, a->field_stride, i);
        const struct gyr_field *g = widen_row(b->fields, b->field_stride, i);

        if (strcmp(f->name, g->name) != 0 || f->type != g->type || f->flags != g->flags)
            return gyr_fail(err, -EEXIST,
                            "schema '%s': field '%s' differs between plugin '%s' and plugin '%s'",
                            a->name, f->name, a_owner, b_owner);
    }
    if (!same_subtypes(a->subtypes, b->subtypes))
        return gyr_fail(err, -EEXIST,
                        "schema '%s': the subtypes differ between plugin '%s' and plugin '%s'",
                        a->name, a_owner, b_owner);
    return 0;
}
