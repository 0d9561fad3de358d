/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file option.h
 * @brief One row of an option table: what it may hold, and its value stored. Main thread.
 */
#ifndef PLUGIN_OPTION_H
#define PLUGIN_OPTION_H

#include "base/buf.h"
#include "base/yaml.h"

#include <gyr/option.h>
#include <gyr/util.h>

enum { OPTIONS_MAX = 256, OPTION_TYPE_MAX = GYR_O_STRMAP };

/** "duration": for messages and `gyr plugin describe`. */
const char *option_type_name(uint32_t type);
/** Bytes that the type is stored in. @pre a known type. */
uint32_t option_type_width(uint32_t type);

/** A number of the option's type as a user would write it. */
void option_add_number(struct buf *b, const struct gyr_option *o, int64_t v);

/** Store a value from a configuration at o->offset of @p cfg; strings go to @p arena.
 *  @return 0; -EINVAL with what is wrong with it ("'5x' is not a duration…"), for the end of a
 *  sentence; -ENOMEM. @p ret_loc: where in the tree (an item of a list), on failure. */
int option_store(const struct gyr_option *o, const struct ynode *value, struct arena *arena,
                 void *cfg, struct loc *ret_loc, struct gyr_error *err);
/** Store o->def, written as in a configuration; nothing when there is none. */
int option_store_default(const struct gyr_option *o, struct arena *arena, void *cfg,
                         struct gyr_error *err);

/** @p loc, without its line where that holds the value of a secret option in @p map (NULL: none).
 */
struct loc options_loc(const struct gyr_option *options, uint32_t n, const struct ynode *map,
                       struct loc loc, struct diags *d);

#endif /* PLUGIN_OPTION_H */
