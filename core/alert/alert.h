/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file alert.h
 * @brief An alert: what a match becomes, in one counted block that all outputs share.
 *
 * Made on a source's thread (one maker for each), constant afterwards, read by any thread. One
 * allocation for an alert; the maker's buffers are kept for the next.
 */
#ifndef ALERT_ALERT_H
#define ALERT_ALERT_H

#include "alert/redact.h"
#include "base/buf.h"
#include "engine/evaluator.h"

#include <gyr/output.h>
#include <stdatomic.h>

enum {
    ALERT_VALUE_MAX = 64 << 10, /**< bytes of one value; what is longer is cut */
    ALERT_LIST_MAX = 1024,      /**< elements of a list, likewise */
    ALERT_TEXT_MAX = 256 << 10,
    ALERT_JSON_MAX = 4 << 20, /**< past it, all values are cut to ALERT_VALUE_SMALL */
    ALERT_VALUE_SMALL = 256
};

struct alert {
    atomic_uint refs;
    uint32_t len;       /**< bytes from `a` to the end of the block */
    struct gyr_alert a; /**< token 0, attempt 0: each output's own copy has them */
};

struct alert_maker {
    const char *hostname;     /**< borrowed */
    struct redactor redactor; /**< redactor_init() of its own, if anything is to be redacted */
    struct buf text, json, names, extra;
    struct gyr_alert_field *fields;
    uint32_t *fmts, *order;
    uint32_t cap;
};

void alert_maker_init(struct alert_maker *m, const char *hostname);
void alert_maker_free(struct alert_maker *m);

/** Build the alert of a match. evt.time is added to its fields when the rule does not name it, as
 *  Falco does. @return 0 and a reference; -ENOMEM; -EMSGSIZE when not even cut values fit. */
int alert_make(struct alert_maker *m, const struct match *match, struct alert **ret);
struct alert *alert_ref(struct alert *a);
void alert_unref(struct alert *a); /**< NULL is fine */

#endif /* ALERT_ALERT_H */
