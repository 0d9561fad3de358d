/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file schema_check.h
 * @brief Is what a plugin declares well-formed? Constant time per row, no allocation. Any thread.
 */
#ifndef EVENT_SCHEMA_CHECK_H
#define EVENT_SCHEMA_CHECK_H

#include <gyr/schema.h>
#include <gyr/util.h>
#include <stdbool.h>

enum { SCHEMA_FIELDS_MAX = 4096, SCHEMA_SUBTYPE_MAX = 65535 };

/** Check one row of a table of fields. @param who the plugin, for the message.
 *  @return 0; -EINVAL with a sentence. */
int schema_check_field(const struct gyr_field *f, const char *who, struct gyr_error *err);
/** Check a whole table of fields: stride, rows, no name twice. */
int schema_check_fields(const struct gyr_field *fields, uint32_t n, uint32_t stride,
                        const char *who, struct gyr_error *err);
/** Check a schema, widened; tables are still of the plugin's strides. */
int schema_check(const struct gyr_schema *def, const char *who, struct gyr_error *err);
/** Do two sources mean the same? Both have passed schema_check().
 *  @return 0; -EEXIST with the first difference. */
int schema_check_same(const struct gyr_schema *a, const char *a_owner, const struct gyr_schema *b,
                      const char *b_owner, struct gyr_error *err);
/** Letters, digits, '_', '-', and '.' between them; at most @p max bytes. */
bool schema_name_ok(const char *s, size_t max);

#endif /* EVENT_SCHEMA_CHECK_H */
