/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file detach.h
 * @brief Taking programs off without waiting for it.
 *
 * For each trampoline that goes the kernel waits until nothing can run in it any more, many kernels
 * for a seventh of a second: two hundred of them would hold a reload or the daemon's end up for
 * half a minute. So links are closed by a thread, and what is left at the end by the kernel.
 *
 * One thread calls all of this.
 */
#ifndef EBPF_DETACH_H
#define EBPF_DETACH_H

#include <gyr/plugin.h>
#include <stdint.h>

enum { DETACH_MAX = 2048 }; /**< links that wait; what is more is closed at once */

struct detacher;

int detacher_new(struct detacher **ret, struct gyr_error *err);

/** What has not been closed yet must do nothing any more: it is closed in the background if the
 *  kernel has a way, else here. NULL is fine. */
void detacher_free(struct detacher *d);

/** A link to be closed; it is the detacher's now. @p key stands for what it is attached to. */
void detacher_add(struct detacher *d, const void *key, int link);

/** Begin to close what was added and is: until then, and after it failed, detacher_free() does. */
void detacher_start(struct detacher *d);

/** @return a link of that key that was not closed yet, again the caller's; -1: none. */
int detacher_take_back(struct detacher *d, const void *key);

#endif /* EBPF_DETACH_H */
