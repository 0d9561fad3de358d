/* SPDX-License-Identifier: Apache-2.0 */
#include "event/event.h"

#include "event/abi_1_0.h"

#include <errno.h>
#include <stdint.h>

static int check_offsets(const struct gyr_event *ev, struct gyr_error *err)
{
    const uint8_t *p = (const uint8_t *)ev + ev->hdr_len;
    uint32_t first = ev->hdr_len + (ev->nparams + 1u) * (uint32_t)sizeof(uint32_t);
    uint32_t prev, off;

    if (first > ev->len)
        return gyr_fail(err, -EINVAL, "event of %u bytes has no room for %u parameters", ev->len,
                        ev->nparams);
    prev = first;
    for (uint32_t i = 0; i <= ev->nparams; i++) {
        memcpy(&off, p + i * sizeof(off), sizeof(off));
        if (off < prev || off > ev->len)
            return gyr_fail(err, -EINVAL, "event: offset %u of parameter %u is outside [%u, %u]",
                            off, i, prev, ev->len);
        prev = off;
    }
    return 0;
}

int event_check(const struct gyr_event *ev, uint32_t avail, const struct schema *s,
                struct gyr_error *err)
{
    const struct gyr_event_type *t;

    if (!ev)
        return gyr_fail(err, -EINVAL, "event: no record");
    if ((uintptr_t)ev % 8)
        return gyr_fail(err, -EINVAL, "event is not aligned to 8 bytes");
    if (avail < ABI_1_0_EVENT)
        return gyr_fail(err, -EINVAL, "event is cut short: %u bytes", avail);
    if (ev->len < ABI_1_0_EVENT || ev->len % 8 || ev->len > GYR_EVENT_MAX)
        return gyr_fail(err, -EINVAL, "event has the impossible length %u", ev->len);
    if (ev->len > avail)
        return gyr_fail(err, -EINVAL, "event of %u bytes where only %u are left", ev->len, avail);
    if (ev->hdr_len < ABI_1_0_EVENT || ev->hdr_len % 8 || ev->hdr_len > ev->len)
        return gyr_fail(err, -EINVAL, "event has the impossible header length %u", ev->hdr_len);
    if (ev->nparams > GYR_PARAMS_MAX)
        return gyr_fail(err, -EINVAL, "event has %u parameters, at most %u are allowed",
                        ev->nparams, GYR_PARAMS_MAX);
    t = schema_type(s, ev->type);
    if (!t)
        return gyr_fail(err, -EINVAL, "schema '%s' has no event type %u", s->name, ev->type);
    if (ev->nparams > t->n_params)
        return gyr_fail(err, -EINVAL, "event '%s' has %u parameters, its schema knows %u", t->name,
                        ev->nparams, t->n_params);
    return check_offsets(ev, err);
}

/* Sign-extended or not, an integer of a width that its type allows. A recorder may have written a
 * narrower or wider one: any of 1, 2, 4 and 8 bytes is read. */
static int integer(const struct gyr_event *ev, uint32_t i, uint32_t type, struct gyr_value *ret)
{
    if (type == GYR_T_I64) {
        int64_t v;

        if (!gyr_param_i64(ev, i, &v))
            return GYR_ABSENT;
        *ret = (struct gyr_value){.type = type, .u.i64 = v};
    } else {
        uint64_t v;

        if (!gyr_param_u64(ev, i, &v))
            return GYR_ABSENT;
        *ret = gyr_num(type, type == GYR_T_BOOL ? v != 0 : v);
    }
    return GYR_PRESENT;
}

int event_param(const struct gyr_event *ev, const struct gyr_event_type *t, uint32_t i,
                struct gyr_value *ret)
{
    const uint8_t *p;
    const char *str;
    uint32_t len;

    if (i >= ev->nparams || i >= t->n_params)
        return GYR_ABSENT;
    p = gyr_param(ev, i, &len);
    if (len == 0)
        return GYR_ABSENT;
    switch (t->params[i].type) {
    case GYR_P_U8:
    case GYR_P_U16:
    case GYR_P_U32:
    case GYR_P_U64:
        return integer(ev, i, GYR_T_U64, ret);
    case GYR_P_I8:
    case GYR_P_I16:
    case GYR_P_I32:
    case GYR_P_I64:
        return integer(ev, i, GYR_T_I64, ret);
    case GYR_P_BOOL:
        return integer(ev, i, GYR_T_BOOL, ret);
    case GYR_P_TIME:
        return integer(ev, i, GYR_T_TIME, ret);
    case GYR_P_DURATION:
        return integer(ev, i, GYR_T_DURATION, ret);
    case GYR_P_DOUBLE:
        if (len != sizeof(double))
            return GYR_ABSENT;
        *ret = (struct gyr_value){.type = GYR_T_DOUBLE};
        memcpy(&ret->u.f64, p, sizeof(double));
        return GYR_PRESENT;
    case GYR_P_STR:
        if (!gyr_param_str(ev, i, &str, &len))
            return GYR_ABSENT;
        *ret = gyr_str(str, len);
        return GYR_PRESENT;
    case GYR_P_IP:
        if (len != 4 && len != 16)
            return GYR_ABSENT;
        *ret = (struct gyr_value){.type = GYR_T_IP, .len = len, .u.ptr = p};
        return GYR_PRESENT;
    case GYR_P_BYTES:
    case GYR_P_STRS:
    case GYR_P_OPAQUE:
        *ret = (struct gyr_value){.type = GYR_T_BYTES, .len = len, .u.ptr = p};
        return GYR_PRESENT;
    default:
        return GYR_ABSENT;
    }
}
