/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/paramtext.h"

#include "engine/value.h"
#include "event/event.h"

#include <stdio.h>

/* Text growing at the end of the scratch block; taken when it is whole. Nothing else may be
 * allocated there meanwhile. */
struct out {
    struct scratch *s;
    char *p;
    size_t n, cap;
};

static void out_begin(struct out *o, struct scratch *s)
{
    *o = (struct out){s, (char *)s->p + s->used, 0, s->cap - s->used};
}

static void out_add(struct out *o, const char *p, size_t n)
{
    if (n && n <= o->cap && o->n <= o->cap - n)
        memcpy(o->p + o->n, p, n);
    o->n += n; /* past the end it only counts: out_end() fails */
}

static void out_adds(struct out *o, const char *s)
{
    out_add(o, s, strlen(s));
}

static int out_end(struct out *o, struct gyr_value *ret)
{
    if (o->n > UINT32_MAX || !scratch_alloc(o->s, o->n))
        return GYR_ABSENT;
    *ret = gyr_str(o->p, o->n);
    return GYR_PRESENT;
}

/* What an enricher says. When its text holds a zero byte, what stands before it replaces the
 * recorded form. */
struct told {
    bool is_told;
    const char *raw; /* NULL: the core's */
    uint32_t raw_len;
    const char *text; /* empty: it has no further meaning */
    uint32_t len;
};

static void ask(const struct corefields_conf *conf, const struct gyr_event *ev,
                const struct gyr_event_type *t, uint32_t i, struct told *ret)
{
    struct gyr_value v;
    const char *nul;

    *ret = (struct told){.text = ""};
    if (!t->params[i].kind)
        return;
    for (uint32_t k = 0; k < conf->n_others && !ret->is_told; k++) {
        const struct provider *p = &conf->others[k];

        if (!p->ops->param_text || p->ops->param_text(p->self, ev, i, &v) != GYR_PRESENT ||
            v.type != GYR_T_STR || !v.len)
            continue;
        *ret = (struct told){.is_told = true, .text = v.u.ptr, .len = v.len};
        nul = memchr(v.u.ptr, '\0', v.len);
        if (nul) {
            ret->raw = v.u.ptr;
            ret->raw_len = (uint32_t)(nul - ret->raw);
            ret->text = nul + 1;
            ret->len = v.len - ret->raw_len - 1;
        }
    }
}

static void add_printable(struct out *o, const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out_add(o, p[i] >= 0x20 && p[i] < 0x7f ? p + i : ".", 1);
}

/* Integers as wide as they were recorded. Unsigned ones of 32 and 64 bits are written as signed
 * ("-1" for no limit, nobody), but for flag words. */
static size_t integer_text(char *text, const struct gyr_param_def *def, const struct gyr_value *v,
                           uint32_t len)
{
    struct gyr_value as = *v;

    if (def->fmt == GYR_F_HEX || def->fmt == GYR_F_OCT || def->flags & (GYR_PF_FLAGS | GYR_PF_ENUM))
        as.u.u64 &= len < 8 ? (1ull << (8 * len)) - 1 : UINT64_MAX;
    if (def->flags & (GYR_PF_FLAGS | GYR_PF_ENUM)) {
        as.type = GYR_T_U64;
        return value_scalar_text(text, &as, def->fmt == GYR_F_OCT ? GYR_F_OCT : GYR_F_DEC);
    }
    if (as.type == GYR_T_U64 && len == 4 && def->fmt == GYR_F_DEC)
        as.u.i64 = (int32_t)as.u.u64;
    if (def->fmt == GYR_F_DEC && len >= 4)
        as.type = GYR_T_I64;
    return value_scalar_text(text, &as, def->fmt);
}

static void add_empty(struct out *o, uint32_t type)
{
    bool is_null = type == GYR_P_BYTES || type == GYR_P_STRS || type == GYR_P_OPAQUE;

    out_adds(o, is_null ? "NULL" : "<NA>");
}

/* The recorded form. */
static void add_raw(struct out *o, const struct gyr_event *ev, const struct gyr_event_type *t,
                    uint32_t i)
{
    const struct gyr_param_def *def = &t->params[i];
    char text[VALUE_TEXT_MAX];
    struct gyr_value v;
    uint32_t len;

    (void)gyr_param(ev, i, &len);
    if (event_param(ev, t, i, &v) != GYR_PRESENT) {
        add_empty(o, def->type);
        return;
    }
    switch (v.type) {
    case GYR_T_STR:
        out_add(o, v.u.ptr, v.len);
        break;
    case GYR_T_BYTES:
        add_printable(o, v.u.ptr, v.len);
        break;
    case GYR_T_I64:
    case GYR_T_U64:
        out_add(o, text, integer_text(text, def, &v, len));
        break;
    case GYR_T_TIME:
        out_add(o, text, value_scalar_text(text, &v, def->fmt ? def->fmt : GYR_F_DATETIME));
        break;
    case GYR_T_DURATION:
        if (v.u.u64 == UINT64_MAX)
            out_adds(o, "none");
        else
            out_add(o, text, value_scalar_text(text, &v, GYR_F_RAW));
        break;
    default:
        out_add(o, text, value_scalar_text(text, &v, def->fmt));
        break;
    }
}

static void add_name(struct out *o, const char *name, bool *first)
{
    if (!*first)
        out_add(o, "|", 1);
    out_adds(o, name);
    *first = false;
}

/* Names of the bits, in the order of the table. Each takes its bits away, so that O_RDWR is not
 * O_WRONLY too; a name for 0 holds only when no bit is set. In a mode, a name for the whole is
 * added even when its bits are named already. */
static void add_flags(struct out *o, const struct gyr_param_def *def, uint64_t value)
{
    bool is_mode = def->fmt == GYR_F_OCT, first = true;
    uint64_t left = value;

    for (const struct gyr_name *f = def->names; f->name; f++) {
        bool hit = f->value ? left && (left & f->value) == f->value : value == 0;

        if (hit || (is_mode && f->value == value))
            add_name(o, f->name, &first);
        if (f->value == value && (hit || is_mode))
            break;
        if (hit)
            left &= ~f->value;
    }
}

/* What the schema says it means, if anything. */
static void add_meaning(struct out *o, const struct gyr_event *ev, const struct gyr_event_type *t,
                        uint32_t i)
{
    const struct gyr_param_def *def = &t->params[i];
    struct gyr_value v;
    bool first = true;
    uint32_t len;

    if (event_param(ev, t, i, &v) != GYR_PRESENT)
        return;
    if (v.type == GYR_T_DURATION && v.u.u64 != UINT64_MAX) {
        char text[64];

        out_add(o, text, (size_t)snprintf(text, sizeof(text), "%gs", (double)v.u.u64 / 1e9));
    }
    if (!def->names || (v.type != GYR_T_U64 && v.type != GYR_T_I64))
        return;
    (void)gyr_param(ev, i, &len);
    v.u.u64 &= len < 8 ? (1ull << (8 * len)) - 1 : UINT64_MAX;
    if (def->flags & GYR_PF_FLAGS) {
        add_flags(o, def, v.u.u64);
        return;
    }
    for (const struct gyr_name *f = def->names; f->name; f++)
        if (f->value == v.u.u64)
            add_name(o, f->name, &first);
}

int param_text(const struct corefields_conf *conf, const struct gyr_event *ev,
               const struct gyr_event_type *t, uint32_t i, struct gyr_value *ret)
{
    struct told told;
    struct out o;

    if (i >= ev->nparams || i >= t->n_params)
        return GYR_ABSENT;
    ask(conf, ev, t, i, &told);
    if (told.is_told) {
        *ret = told.len ? gyr_str(told.text, told.len) : gyr_str(told.raw, told.raw_len);
        return GYR_PRESENT;
    }
    if (t->params[i].type == GYR_P_STR && event_param(ev, t, i, ret) == GYR_PRESENT)
        return GYR_PRESENT;
    out_begin(&o, conf->scratch);
    add_meaning(&o, ev, t, i);
    if (!o.n)
        add_raw(&o, ev, t, i);
    return out_end(&o, ret);
}

/* "raw(meaning)", or "raw" when that is all there is to say. */
static void add_both(struct out *o, const struct gyr_event *ev, const struct gyr_event_type *t,
                     uint32_t i, const struct told *told)
{
    bool is_opaque = t->params[i].type == GYR_P_OPAQUE && told->is_told && !told->raw;
    size_t from = o->n, mid, raw_len;

    if (told->raw)
        out_add(o, told->raw, told->raw_len);
    else if (is_opaque)
        out_add(o, told->text, told->len);
    else
        add_raw(o, ev, t, i);
    if (is_opaque || (told->raw && !told->len))
        return;
    mid = o->n;
    raw_len = mid - from;
    out_add(o, "(", 1);
    if (told->is_told)
        out_add(o, told->text, told->len);
    else
        add_meaning(o, ev, t, i);
    if (o->n == mid + 1 || (o->n <= o->cap && o->n - mid - 1 == raw_len &&
                            memcmp(o->p + from, o->p + mid + 1, raw_len) == 0))
        o->n = mid;
    else
        out_add(o, ")", 1);
}

int params_text(const struct corefields_conf *conf, const struct gyr_event *ev,
                const struct gyr_event_type *t, struct gyr_value *ret)
{
    uint32_t n = ev->nparams < t->n_params ? ev->nparams : t->n_params;
    struct told told[GYR_PARAMS_MAX];
    struct out o;

    if (t->flags & GYR_ETF_GENERIC) {
        *ret = gyr_str("", 0); /* its parameters are for internal use */
        return GYR_PRESENT;
    }
    if (n > GYR_PARAMS_MAX)
        return GYR_ABSENT;
    /* Enrichers allocate from the same block: ask them all before writing. */
    for (uint32_t i = 0; i < n; i++)
        ask(conf, ev, t, i, &told[i]);
    out_begin(&o, conf->scratch);
    for (uint32_t i = 0; i < n; i++) {
        if (i)
            out_add(&o, " ", 1);
        out_adds(&o, t->params[i].name);
        out_add(&o, "=", 1);
        add_both(&o, ev, t, i, &told[i]);
    }
    return out_end(&o, ret);
}
