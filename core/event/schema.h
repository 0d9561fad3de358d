/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file schema.h
 * @brief Loaded schemas, their event types and the catalogue of fields.
 *
 * Filled on the main thread before any source runs; read by any thread afterwards.
 */
#ifndef EVENT_SCHEMA_H
#define EVENT_SCHEMA_H

#include "base/arena.h"
#include "base/map.h"
#include "base/suggest.h"

#include <gyr/enricher.h>
#include <gyr/schema.h>
#include <gyr/util.h>
#include <stdbool.h>

enum field_origin {
    FIELD_CORE,   /**< any event has it: evt.num, evt.time, evt.type, evt.arg, … */
    FIELD_SCHEMA, /**< the schema's catalogue names it */
    FIELD_PLUGIN  /**< an enricher added it */
};

/** A field that rules may name. */
struct field_def {
    struct gyr_field f; /**< widened copy; strings are the plugin's */
    enum field_origin origin;
    const char *declared_by; /**< plugin (or "core") whose declaration this is */
    uint32_t id;             /**< index in its schema */
};

/** One loaded schema. */
struct schema {
    struct gyr_schema def; /**< as given: tables have the plugin's strides */
    struct arena *arena;
    const char *name;
    uint32_t version;
    const char *owner;            /**< plugin that gave it first */
    struct gyr_event_type *types; /**< widened; dense: [0 .. n_types), the core's own last */
    uint32_t n_types;
    uint16_t *dense; /**< [65536]: event type id to dense index + 1; 0: unknown */
    const struct gyr_subtype *subtypes;
    const char **subtype_names; /**< [n_subtype_ids], by id; NULL: none */
    uint32_t n_subtype_ids;     /**< highest id + 1 */
    struct field_def **fields;  /**< in order of declaration: core, catalogue, plugins */
    uint32_t n_fields;
    struct map by_name; /**< field name to struct field_def */
};

struct schemas {
    struct schema **list;
    uint32_t n;
};

/** Add the schema a source gives. The same name again is fine when version, types and fields
 *  agree, else -EEXIST with a sentence. Malformed tables: -EINVAL. */
int schemas_add(struct schemas *s, const struct gyr_schema *def, const char *plugin,
                struct gyr_error *err);
struct schema *schemas_find(const struct schemas *s, const char *name);
/** Its place in the list; s->n: not there. */
uint32_t schemas_index(const struct schemas *s, const char *name);
void schemas_free(struct schemas *s);

/** Add what an enricher declares. A field that is there already must have the same type. */
int schema_add_fields(struct schema *s, const struct gyr_enricher_ops *ops, const char *plugin,
                      struct gyr_error *err);

/** The event type of that number, or NULL; the core's types included. Constant time. */
static inline const struct gyr_event_type *schema_type(const struct schema *s, uint16_t id)
{
    uint16_t d = s->dense[id];

    return d ? &s->types[d - 1] : NULL;
}

/** Name of an event: its type's, or for a generic type its subtype's. Constant time. */
const char *schema_event_name(const struct schema *s, uint16_t type, uint32_t subtype);

/** A field by its name without argument, or NULL. */
const struct field_def *schema_field(const struct schema *s, const char *name, size_t len);

/** Split what a rule wrote into field and argument and find the field:
 *  "proc.name", "proc.aname[2]", "proc.env[PATH]", "evt.arg.flags", "evt.arg[0]".
 *  Longest known name first; checks that the argument is there, allowed, and a number where one is
 *  wanted. @param ret_arg, ret_arg_len part of @p text, NULL: none.
 *  @return 0; -ENOENT unknown (err->msg with the nearest name); -EINVAL argument wrong. */
int schema_resolve_field(const struct schema *s, const char *text, size_t len,
                         const struct field_def **ret, const char **ret_arg, size_t *ret_arg_len,
                         struct gyr_error *err);

/** GYR_T_* of a field with its argument: the declaration's, or, for evt.rawarg, that of the
 *  parameter of that name (the first found; GYR_T_STR when no event has it). */
uint32_t schema_field_type(const struct schema *s, const struct field_def *f, const char *arg,
                           size_t arg_len);

#endif /* EVENT_SCHEMA_H */
