/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file filewatch.h
 * @brief Files of a configuration watched for changes: has something changed, and settled?
 *
 * The kernel only says that something goes on in a folder; whether a file has changed is seen from
 * its inode, size and times. So renamed, replaced and linked files (editors, package managers,
 * ConfigMaps) count, and what else happens in the folder does not. Main thread.
 *
 *     filewatch_begin(w);                 // before the files are read
 *     … read them …
 *     filewatch_set(w, paths, n);         // which they are
 *     poll(filewatch_fd(w), filewatch_look(w, now, &changed));
 */
#ifndef BASE_FILEWATCH_H
#define BASE_FILEWATCH_H

#include <gyr/util.h>
#include <stdbool.h>

struct filewatch;

/** @return 0; a negative errno with its sentence. */
int filewatch_new(struct filewatch **ret, struct gyr_error *err);
void filewatch_free(struct filewatch *w); /**< NULL is fine */

/** The files are about to be read: what they are now is known from then on. NULL is fine, here and
 *  below. */
void filewatch_begin(struct filewatch *w);
/** Which they are: files, and folders whose *.yaml and *.yml count; missing ones too. Copied.
 *  @return 0; a negative errno with its sentence: then nothing is watched. */
int filewatch_set(struct filewatch *w, const char *const *paths, uint32_t n, struct gyr_error *err);

/** To be polled for reading; -1: not now. */
int filewatch_fd(const struct filewatch *w);
/** When filewatch_fd() is readable or the time that this told has come.
 *  @param ret_changed they have changed, and not again for a moment (or not ceased to).
 *  @return nanoseconds until it wants to be called; UINT64_MAX: when filewatch_fd() says so. */
uint64_t filewatch_look(struct filewatch *w, uint64_t now_ns, bool *ret_changed);

#endif /* BASE_FILEWATCH_H */
