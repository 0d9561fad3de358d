/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file gyr/schema.h
 * @brief What the events of a kind of source look like, and which fields rules may name.
 *
 * A schema is constant data in the source's shared object. Several sources may give the schema
 * of one name (eBPF, kernel module and replay all give "syscall"): then version, types and fields
 * must agree, or the second is refused. Enrichers name a schema and its event types as strings.
 */
#ifndef GYR_SCHEMA_H
#define GYR_SCHEMA_H

#include <gyr/types.h>

/** How the bytes of a parameter are read. The numbers are never reused. */
enum {
    GYR_P_U8 = 1,
    GYR_P_U16,
    GYR_P_U32,
    GYR_P_U64,
    GYR_P_I8,
    GYR_P_I16,
    GYR_P_I32,
    GYR_P_I64,
    GYR_P_BOOL,   /**< any width, 0 is false */
    GYR_P_DOUBLE, /**< 8 bytes, IEEE 754 */
    GYR_P_STR,    /**< NUL-terminated */
    GYR_P_BYTES,
    GYR_P_TIME,     /**< u64, nanoseconds since the epoch */
    GYR_P_DURATION, /**< u64, nanoseconds */
    GYR_P_IP,       /**< 4 or 16 bytes, network order */
    GYR_P_STRS,     /**< strings one after the other, each NUL-terminated */
    GYR_P_OPAQUE    /**< only an enricher can read it (see `kind`) */
};

/** A name for a number: an element of an enumeration, or the bits of a flag word. */
struct gyr_name { /* [frozen] */
    uint64_t value;
    const char *name;
};

/** A parameter of an event type. */
struct gyr_param_def { /* [frozen]; kinds and flags may gain numbers */
    const char *name;
    uint16_t type;  /**< GYR_P_* */
    uint16_t fmt;   /**< GYR_F_* of its text */
    uint16_t kind;  /**< the schema's own: what the value means (a descriptor, a path relative to
                         a descriptor); 0: nothing more. Enrichers of the schema know the numbers,
                         and may give such a parameter its text (gyr_enricher_ops.param_text) */
    uint16_t flags; /**< GYR_PF_* */
    const struct gyr_name *names; /**< value table, ended by a NULL name; may be NULL */
};

enum {
    GYR_PF_FLAGS = 1, /**< `names` are bits, written joined by '|' */
    GYR_PF_ENUM = 2   /**< `names` are single values */
};

/** An event type. Its number is never reused. */
struct gyr_event_type { /* [grows], by stride */
    uint16_t id;        /**< below 0xf000 */
    uint16_t n_params;  /**< <= GYR_PARAMS_MAX; an event may have fewer (older recorder), and its
                             missing last parameters are absent */
    uint32_t flags;     /**< GYR_ETF_* */
    const char *name;   /**< what evt.type gives; several types may share a name */
    const char *category;
    const struct gyr_param_def *params;
    uint64_t traits; /**< the schema's own bits, for its enrichers */
};

enum {
    GYR_ETF_SNAPSHOT = 1, /**< builds state, matches no rule */
    GYR_ETF_GENERIC = 2,  /**< stands for many: the event's subtype tells which, its name is the
                               subtype's */
    GYR_ETF_OLD = 4,      /**< an older layout, never delivered by a current source */
    GYR_ETF_STATE = 8     /**< changes the state that enrichers keep: sources never leave it out */
};

/** What a generic event may stand for. */
struct gyr_subtype { /* [frozen] */
    uint32_t id; /**< at most 65535; never reused */
    const char *name;
};

/** A field: what rules and outputs may name, as in `proc.name`, `evt.arg.flags`, `proc.aname[2]`.
 */
struct gyr_field { /* [grows], by stride */
    const char *name;
    const char *help; /**< one sentence; `gyr list fields` prints it */
    uint32_t type;    /**< GYR_T_*; of the elements when GYR_FF_LIST is set. GYR_T_NONE: told
                           by bind() only (the raw form of an argument) */
    uint32_t flags;   /**< GYR_FF_* */
    uint32_t fmt;     /**< GYR_F_* */
    uint32_t reserved;
    const char *provider; /**< the plugin that computes it, for hints; NULL: not told */
};

enum {
    GYR_FF_LIST = 1,    /**< yields a list */
    GYR_FF_INDEX = 2,   /**< takes a number: proc.aname[2] */
    GYR_FF_KEY = 4,     /**< takes a word: evt.arg.flags, evt.arg[flags], proc.env[PATH] */
    GYR_FF_ARG_REQ = 8, /**< is nothing without its argument */
    GYR_FF_HIDDEN = 16, /**< known, but not listed */
    GYR_FF_MANY = 32,   /**< a comparison sees a list of several values, where an output shows one:
                             bind() is told which is wanted */
    GYR_FF_PORT = 64    /**< a number that is a port: rules may write the name of a service */
};

/** A schema. [grows] */
struct gyr_schema {
    uint32_t size, version;
    const char *name; /**< "syscall": what `source:` in a rule names, and evt.source gives */
    const struct gyr_event_type *types;
    const struct gyr_subtype *subtypes; /**< ended by a NULL name; NULL: none */
    const struct gyr_field *fields;     /**< the catalogue: every field of this kind of event,
                                             whoever provides it */
    uint32_t n_types, type_stride, n_fields, field_stride;
};

#endif /* GYR_SCHEMA_H */
