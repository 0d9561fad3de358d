/* SPDX-License-Identifier: Apache-2.0 */
/* Records and values, read to their last byte: who lies about a length is found out here. */
#include "conform/conform_priv.h"

#include "base/cleanup.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { VALUE_BYTES_MAX = GYR_EVENT_MAX, LIST_LEN_MAX = 1 << 20 };

static const char *const type_names[] = {"nothing",  "truth value", "integer", "unsigned integer",
                                         "double",   "string",      "bytes",   "time",
                                         "duration", "IP address",  "network", "list"};

/* ---- parameters ---- */

static bool width_ok(uint16_t type, uint32_t len)
{
    switch (type) {
    case GYR_P_U8:
    case GYR_P_I8:
    case GYR_P_U16:
    case GYR_P_I16:
    case GYR_P_U32:
    case GYR_P_I32:
    case GYR_P_U64:
    case GYR_P_I64:
    case GYR_P_BOOL:
        return len == 1 || len == 2 || len == 4 || len == 8;
    case GYR_P_DOUBLE:
    case GYR_P_TIME:
    case GYR_P_DURATION:
        return len == 8;
    case GYR_P_IP:
        return len == 4 || len == 16;
    default:
        return true;
    }
}

static void touch(const void *p, size_t n)
{
    const volatile uint8_t *at = p;
    unsigned sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += at[i];
    (void)sum;
}

const char *event_flaw(const struct gyr_event *ev, const struct schema *s, char *text, size_t size)
{
    const struct gyr_event_type *t = schema_type(s, ev->type);

    touch(ev, ev->len);
    for (uint32_t i = 0; i < ev->nparams; i++) {
        uint32_t len;
        const uint8_t *p = gyr_param(ev, i, &len);
        const struct gyr_param_def *d = &t->params[i];
        const char *flaw = NULL;

        if (len == 0)
            continue;
        if (!width_ok(d->type, len))
            flaw = "which its type cannot have";
        else if ((d->type == GYR_P_STR || d->type == GYR_P_STRS) && p[len - 1] != 0)
            flaw = "and no NUL at its end";
        if (flaw) {
            (void)snprintf(text, size, "event '%s': parameter '%s' has %u bytes, %s", t->name,
                           d->name, len, flaw);
            return text;
        }
    }
    return NULL;
}

/* ---- values ---- */

static const char *flaw_of_bytes(const struct gyr_value *v, char *text, size_t size)
{
    if (v->len > VALUE_BYTES_MAX) {
        (void)snprintf(text, size, "is said to have %u bytes", v->len);
        return text;
    }
    if (v->len && !v->u.ptr)
        return "has a length and points to nothing";
    if ((v->type == GYR_T_IP && v->len != 4 && v->len != 16) ||
        (v->type == GYR_T_NET && v->len != 5 && v->len != 17)) {
        (void)snprintf(text, size, "has %u bytes, which no %s has", v->len, type_names[v->type]);
        return text;
    }
    touch(v->u.ptr, v->len);
    return NULL;
}

static const char *flaw_of_list(const struct gyr_value *v, uint32_t type, char *text, size_t size)
{
    const struct gyr_value *items = v->u.ptr;

    if (v->len > LIST_LEN_MAX) {
        (void)snprintf(text, size, "is a list that is said to have %u elements", v->len);
        return text;
    }
    if (v->len && !items)
        return "is a list that points to nothing";
    for (uint32_t i = 0; i < v->len; i++) {
        const char *flaw = value_flaw(&items[i], type, false, text, size);

        if (flaw)
            return flaw;
    }
    return NULL;
}

const char *value_flaw(const struct gyr_value *v, uint32_t type, bool list, char *text, size_t size)
{
    uint32_t want = list ? GYR_T_LIST : type;

    if (v->type != want && want != GYR_T_NONE && !(want == GYR_T_NET && v->type == GYR_T_IP)) {
        (void)snprintf(text, size, "is of the type %s, declared was %s",
                       v->type < ARRAY_LEN(type_names) ? type_names[v->type] : "(unknown)",
                       want < ARRAY_LEN(type_names) ? type_names[want] : "(unknown)");
        return text;
    }
    switch (v->type) {
    case GYR_T_STR:
    case GYR_T_BYTES:
    case GYR_T_IP:
    case GYR_T_NET:
        return flaw_of_bytes(v, text, size);
    case GYR_T_LIST:
        return flaw_of_list(v, type, text, size);
    case GYR_T_BOOL:
        return v->u.u64 > 1 ? "is a truth value and neither 0 nor 1" : NULL;
    default:
        return NULL;
    }
}
