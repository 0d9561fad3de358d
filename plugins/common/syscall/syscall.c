/* SPDX-License-Identifier: Apache-2.0 */
#include "syscall.h"

#define TABLE(table)             static const struct gyr_name names_##table[] = {
#define NAME(table, name, value) {(value), (name)},
#define END(table)                                                                                 \
    {                                                                                              \
        0, NULL                                                                                    \
    }                                                                                              \
    }                                                                                              \
    ;
#include "names.def"
#undef TABLE
#undef NAME
#undef END

static const struct gyr_param_def params[] = {
#define EVENT(id, code, name, category, n, flags, traits)
#define PARAM(code, name, type, fmt, kind, flags, names)                                           \
    {#name, GYR_P_##type, GYR_F_##fmt, K_##kind, (flags), (names)},
#include "events.def"
#undef EVENT
#undef PARAM
};

static const struct gyr_event_type types[] = {
#define EVENT(id, code, name, category, n, flags, traits)                                          \
    {(id), (n), (flags), (name), (category), params + FLAT_##code, (traits)},
#define PARAM(code, name, type, fmt, kind, flags, names)
#include "events.def"
#undef EVENT
#undef PARAM
};

static const struct gyr_subtype calls[] = {
#define CALL(code, name) {(code), (name)},
#include "calls.def"
#undef CALL
    {0, NULL}};

static const struct gyr_field fields[] = {
#define FIELD(name, type, flags, fmt, provider, help)                                              \
    {(name), (help), GYR_T_##type, (flags), GYR_F_##fmt, 0, (provider)},
#include "fields.def"
#undef FIELD
};

enum { N_TYPES = sizeof(types) / sizeof(types[0]), SNAP_BASE = 0x8000 };

const struct gyr_schema syscall_schema = {
    .size = sizeof(struct gyr_schema),
    .version = SYSCALL_SCHEMA_VERSION,
    .name = "syscall",
    .types = types,
    .subtypes = calls,
    .fields = fields,
    .n_types = N_TYPES,
    .type_stride = sizeof(struct gyr_event_type),
    .n_fields = sizeof(fields) / sizeof(fields[0]),
    .field_stride = sizeof(struct gyr_field),
};

const struct gyr_event_type *syscall_event_type(uint16_t id)
{
    /* Types from captures are numbered without a gap, and so are those of snapshots after them. */
    uint32_t i = id < SNAP_BASE ? id : (uint32_t)id - SNAP_BASE + EV_SYSCALL_KEYCTL_X + 1;

    return i < N_TYPES && types[i].id == id ? &types[i] : NULL;
}
