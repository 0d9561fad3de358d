/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file watch.h
 * @brief Files of a configuration watched for changes: has something changed, and settled?
 *
 * The kernel only says that something goes on in a folder; whether a file has changed is seen from
 * its inode, size and times. So renamed, replaced and linked files (editors, package managers,
 * ConfigMaps) count, and what else happens in the folder does not. Main thread.
 *
 *     watch_begin(w);                 // before the files are read
 *     … read them …
 *     watch_set(w, paths, n);         // which they are
 *     poll(watch_fd(w), watch_look(w, now, &changed));
 */
#ifndef BASE_WATCH_H
#define BASE_WATCH_H

#include <gyr/util.h>
#include <stdbool.h>

struct watch;

/** @return 0; a negative errno with its sentence. */
int watch_new(struct watch **ret, struct gyr_error *err);
void watch_free(struct watch *w); /**< NULL is fine */

/** The files are about to be read: what they are now is known from then on. NULL is fine, here and
 *  below. */
void watch_begin(struct watch *w);
/** Which they are: files, and folders whose *.yaml and *.yml count; missing ones too. Copied.
 *  @return 0; a negative errno with its sentence: then nothing is watched. */
int watch_set(struct watch *w, const char *const *paths, uint32_t n, struct gyr_error *err);

/** To be polled for reading; -1: not now. */
int watch_fd(const struct watch *w);
/** When watch_fd() is readable or the time that this told has come.
 *  @param ret_changed they have changed, and not again for a moment (or not ceased to).
 *  @return nanoseconds until it wants to be called; UINT64_MAX: when watch_fd() says so. */
uint64_t watch_look(struct watch *w, uint64_t now_ns, bool *ret_changed);

#endif /* BASE_WATCH_H */
