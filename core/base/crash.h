/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file crash.h
 * @brief When the process dies of a signal: whose code was it? The plugin is named on standard
 * error, then the signal takes its course.
 *
 * Nothing is paid on the way of an event: the handler looks where the code stands that failed, and
 * who called it.
 */
#ifndef BASE_CRASH_H
#define BASE_CRASH_H

#include <signal.h>

/** From now on. Main thread; once. Does nothing in builds with a sanitizer, which tell more. */
void crash_watch(void);
/** The code of @p handle (of dlopen()) is that of the plugin in file @p path. Main thread. */
void crash_add_plugin(void *handle, const char *path);
/** The main thread calls a plugin: "create()"; NULL: it came back. */
void crash_calling(const char *plugin, const char *call);

/** All signals but those of a crash: for the mask of a thread, so that a crash there is told too.
 */
void crash_block_others(sigset_t *ret);

#endif /* BASE_CRASH_H */
