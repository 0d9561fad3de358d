/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file gyr/option.h
 * @brief Options of a plugin: one table that is parser, check, `gyr plugin describe` and manual.
 */
#ifndef GYR_OPTION_H
#define GYR_OPTION_H

#include <gyr/types.h>

/** What an option is stored as in the plugin's configuration struct. */
enum {
    GYR_O_BOOL = 1, /**< uint8_t; yes/no, true/false, on/off */
    GYR_O_INT,      /**< int64_t */
    GYR_O_SIZE,     /**< uint64_t bytes; 512, 64K, 8M, 1G (powers of 1024) */
    GYR_O_DURATION, /**< uint64_t ns; 250ms, 5s, 2m, 1h, 1d */
    GYR_O_ENUM,     /**< int64_t, index into choices */
    GYR_O_STR,      /**< const char *, the core's until destroy(); NULL when not given */
    GYR_O_STRLIST,  /**< const char *const *, ended by NULL, likewise */
    GYR_O_STRMAP    /**< const char *const *: key, value, key, value, …, NULL; likewise */
};

enum {
    GYR_OF_REQUIRED = 1,
    GYR_OF_SECRET = 2,    /**< never printed */
    GYR_OF_DEPRECATED = 4 /**< taken, with a warning */
};

struct gyr_option { /* [grows], by stride */
    const char *name;
    const char *help;           /**< one sentence */
    const char *def;            /**< default, as a user would write it; NULL: zero */
    const char *const *choices; /**< GYR_O_ENUM: ended by NULL */
    uint32_t type, flags;       /**< GYR_O_*, GYR_OF_* */
    uint32_t offset, width;     /**< place in the configuration struct; the width guards the type */
    int64_t min, max;           /**< inclusive, in the stored unit; both 0: unchecked */
};

/** A row: GYR_OPT(struct config, member, GYR_O_STR, "name", "default", "Help."). More members
 *  may follow: {GYR_OPT(…), .flags = GYR_OF_REQUIRED}. */
#define GYR_OPT(cfg_t, member, o_type, o_name, o_def, o_help)                                      \
    .name = (o_name), .help = (o_help), .def = (o_def), .type = (o_type),                          \
    .offset = (uint32_t)offsetof(cfg_t, member), .width = (uint32_t)sizeof(((cfg_t *)0)->member)

/** The same with choices (GYR_O_ENUM, else NULL), flags, least and most in the order of the
 *  members, which C++ wants. */
#define GYR_OPT_ALL(cfg_t, member, o_type, o_name, o_def, o_help, o_choices, o_flags, o_min,       \
                    o_max)                                                                         \
    .name = (o_name), .help = (o_help), .def = (o_def), .choices = (o_choices), .type = (o_type),  \
    .flags = (o_flags), .offset = (uint32_t)offsetof(cfg_t, member),                               \
    .width = (uint32_t)sizeof(((cfg_t *)0)->member), .min = (o_min), .max = (o_max)

#endif /* GYR_OPTION_H */
