/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file hook_answer.h
 * @brief What a bulk answer (Elasticsearch, OpenSearch) says of each document.
 */
#ifndef WEBHOOK_HOOK_ANSWER_H
#define WEBHOOK_HOOK_ANSWER_H

#include <gyr/output.h>
#include <gyr/util.h>

/** Set @p n verdicts from the answer to a request that the server took as a whole. A document that
 *  is there already (409) was accepted before.
 *  @return 0; -EBADMSG with the reason of the first that was not accepted, or when the answer makes
 *  no sense: then all are to be tried again. */
int hook_answer_bulk(const char *body, size_t len, struct gyr_verdict *v, uint32_t n,
                     struct gyr_error *err);

#endif /* WEBHOOK_HOOK_ANSWER_H */
