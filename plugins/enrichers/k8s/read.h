/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file read.h
 * @brief Objects of the API's JSON.
 */
#ifndef K8S_READ_H
#define K8S_READ_H

#include "store.h"

#include <jansson.h>

enum { READ_LABELS_MAX = 64 << 10 };

/** Scratch of a reader: labels as bytes. */
struct reader {
    char labels[READ_LABELS_MAX], selector[READ_LABELS_MAX];
};

/** Read an object. @p ret borrows from @p json and @p r.
 *  @param kind what it must be. @return 0; -EBADMSG: it has no uid or name. */
int read_object(struct reader *r, const json_t *json, enum k8s_kind kind, struct obj_read *ret);

/** Text of a member: NULL when it is not there, or is no text. */
const char *json_text(const json_t *o, const char *key);

#endif /* K8S_READ_H */
