/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file local.h
 * @brief A unix socket that tells each of our own user, and root, one text. Main thread; nothing
 * here waits.
 */
#ifndef SERVICE_LOCAL_H
#define SERVICE_LOCAL_H

#include "base/buf.h"

#include <gyr/util.h>
#include <stdint.h>

struct local;

/** Listen at @p path (copied), mode 0600; its folder is made if only that is missing. What a
 *  detector that is gone has left there is replaced.
 *  @param tell fills an empty buffer with what a client gets.
 *  @return 0; a negative errno with a sentence; -EADDRINUSE: somebody answers there. */
int local_open(const char *path, void (*tell)(void *ctx, struct buf *b), void *ctx,
               struct local **ret, struct gyr_error *err);
/** Becomes readable when local_tick() has something to do. */
int local_fd(const struct local *l);
/** @return nanoseconds until it wants to be called again; UINT64_MAX: when the fd says so. */
uint64_t local_tick(struct local *l);
void local_close(struct local *l); /**< NULL is fine */

#endif /* SERVICE_LOCAL_H */
