/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file value.h
 * @brief Values compared and written as text. Any thread; no allocation but in the buffers given.
 */
#ifndef ENGINE_VALUE_H
#define ENGINE_VALUE_H

#include "base/buf.h"
#include "engine/scratch.h"
#include "rules/ast.h"

#include <gyr/event.h>
#include <stdbool.h>

/** Besides GYR_F_*: octal without the leading zero, as Falco writes raw arguments. */
enum { VALUE_F_OCT_BARE = 0x100 };

/** Append the text of a value as alerts show it: "<NA>" for GYR_T_NONE, "true", "0755", "10.0.0.1",
 *  lists as "(a,b)", times as @p fmt says (of day and date: local; ISO 8601: UTC). Strings as they
 *  are: made safe by who prints them. Bytes with a dot for what is not printable ASCII. */
void value_add_text(struct buf *b, const struct gyr_value *v, uint32_t fmt);

enum { VALUE_TEXT_MAX = 400 };

/** The same for a value that is no string, bytes or list, without a buffer. The longest is a
 *  double. @return its length; 0 for the types left out. */
size_t value_scalar_text(char out[VALUE_TEXT_MAX], const struct gyr_value *v, uint32_t fmt);

/** Turn what a rule wrote into a value of the type the other side has.
 *  IP takes addresses; NET and IP take networks "10.0.0.0/8" (result GYR_T_NET). Bytes are taken as
 *  they stand.
 *  @return 0, bytes in @p arena; -EINVAL with a sentence ("'abc' is not a number"). */
int value_parse(const char *s, size_t n, uint32_t type, struct arena *arena, struct gyr_value *ret,
                struct gyr_error *err);

/** May a provider's value be read as one of that type (GYR_T_NONE: of any), or as a list of such?
 *  The lengths of strings and bytes have to be believed. */
bool value_fits(const struct gyr_value *v, uint32_t type, bool list);
/** Log that a value of @p provider does not fit, and why. */
void value_tell_unfit(const struct gyr_value *v, const struct gyr_field *f, bool list,
                      const char *provider);
/** "string": for messages. */
const char *value_type_name(uint32_t type);

/** Deep copy into an arena. @return 0, -ENOMEM. */
int value_copy(struct arena *a, const struct gyr_value *v, struct gyr_value *ret);

/** Are they the same value (type and content)? */
bool value_equal(const struct gyr_value *a, const struct gyr_value *b);
/** An address, or network, inside of the network or equal to the address on the right? */
bool value_addr_in(const struct gyr_value *a, const struct gyr_value *b);

/** Apply a transformer. Bytes of the result are in @p s or borrowed from the arguments.
 *  TF_GETOPT takes (list, options) and gives a list, or (list, options, letter) and gives what
 *  stood with the last option of that letter.
 *  @return GYR_PRESENT or GYR_ABSENT. */
int transform_apply(enum transform fn, const struct gyr_value *args, uint32_t n, struct scratch *s,
                    struct gyr_value *ret);

#endif /* ENGINE_VALUE_H */
