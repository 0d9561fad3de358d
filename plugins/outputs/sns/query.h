/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file query.h
 * @brief Amazon's query protocol: a form goes in, XML comes out.
 */
#ifndef SNS_QUERY_H
#define SNS_QUERY_H

#include "encode/encode.h"

/** Append "Action=…&Version=…", then "&NAME=VALUE" with the value escaped. @return 0; -ENOMEM. */
int query_begin(struct gyr_lines *b, const char *action, const char *version);
int query_add(struct gyr_lines *b, const char *name, const char *value, size_t len);

/** What stands between <name> and </name>; "" when there is none. Control characters become
 *  blanks. */
void query_between(const char *body, size_t len, const char *name, char *ret, size_t size);

#endif /* SNS_QUERY_H */
