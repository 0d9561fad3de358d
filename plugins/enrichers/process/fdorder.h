/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file fdorder.h
 * @brief The order a table's descriptors are gone through in where rules can see it: fd.types.
 *
 * Falco shows the order of its hash table: newest first, but for numbers that share a bucket, and
 * turned over each time the table grows or is copied to a child. Rules that look at the first kind
 * only find what they find there, so the order is kept here too: a chain through the slots.
 */
#ifndef PROCESS_FDORDER_H
#define PROCESS_FDORDER_H

#include "fds.h"

/** Bytes behind the slots of a table of @p cap, at most three quarters of them in use. */
size_t pr_order_size(uint32_t cap);
/** An empty chain of @p n_buckets; 0: of a new table. */
void pr_order_init(struct pr_fds *t, uint32_t n_buckets);
/** Slot @p i was filled, or is about to be freed. Both keep @p t->n. */
void pr_order_add(struct pr_fds *t, uint32_t i);
void pr_order_del(struct pr_fds *t, uint32_t i);
/** Slot @p from went to the free slot @p to, which holds the descriptor by now. */
void pr_order_move(struct pr_fds *t, uint32_t from, uint32_t to);
/** Fill slot @p i behind all others: a copy in the same order, of as many buckets. */
void pr_order_append(struct pr_fds *t, uint32_t i);
/** As if each had been added anew, in the order they are in. */
void pr_order_again(struct pr_fds *t);
/** The slot after @p i; PR_FDS_END at the end. The first is t->first. */
uint32_t pr_order_next(const struct pr_fds *t, uint32_t i);

#endif /* PROCESS_FDORDER_H */
