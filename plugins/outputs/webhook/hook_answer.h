/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file hook_answer.h
 * @brief What an answer says of the parts of a request that the server took as a whole.
 */
#ifndef WEBHOOK_HOOK_ANSWER_H
#define WEBHOOK_HOOK_ANSWER_H

#include <gyr/output.h>
#include <gyr/util.h>

/** A bulk answer (Elasticsearch, OpenSearch): set @p n verdicts. A document that is there already
 *  (409) was accepted before.
 *  @return 0; -EBADMSG with the reason of the first that was not accepted, or when the answer makes
 *  no sense: then all are to be tried again. */
int hook_answer_bulk(const char *body, size_t len, struct gyr_verdict *v, uint32_t n,
                     struct gyr_error *err);

/** A partial success of OTLP: how many of @p n records were refused, but not which.
 *  @return how many, and *err says why; 0: none, and @p err may hold a warning. */
uint32_t hook_answer_partial(const char *body, size_t len, uint32_t n, struct gyr_error *err);

#endif /* WEBHOOK_HOOK_ANSWER_H */
