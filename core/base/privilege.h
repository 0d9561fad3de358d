/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file privilege.h
 * @brief Capabilities of the kernel: by name, looked at, dropped.
 *
 * A set is a number whose bit n is capability n. Capabilities belong to threads: what is dropped on
 * one is dropped for the threads that it makes afterwards, and for no other. Raw system calls, not
 * libcap: four of them, and one library less in a process with privileges.
 */
#ifndef BASE_PRIVILEGE_H
#define BASE_PRIVILEGE_H

#include "base/buf.h"

#include <gyr/types.h>

/** What somebody wants of the kernel. */
struct privileges {
    uint64_t needed; /**< does not work without */
    uint64_t useful; /**< kept where it is, not missed where it is not */
};

/** Read "CAP_BPF CAP_PERFMON CAP_SYS_PTRACE?"; with '?' it is useful only. NULL: nothing.
 *  @return 0; -EINVAL for a name that no capability has, with the nearest. Any thread. */
int privilege_parse(const char *names, struct privileges *ret, struct gyr_error *err);
/** "CAP_BPF, CAP_PERFMON". Any thread. */
void privilege_add_names(struct buf *b, uint64_t set);
/** What the calling thread can use. */
uint64_t privilege_effective(void);

/** From now on threads that call privilege_enter_thread() lose all but @p keep. Main thread. */
void privilege_plan(uint64_t keep);
/** For threads of plugins, first of all: they may be made before the main thread drops. Does
 *  nothing without a plan. @return 0, or a negative errno after logging. */
int privilege_enter_thread(void);
/** Take everything but @p keep from the calling thread: permitted, effective, inheritable, ambient
 *  and (where CAP_SETPCAP allows) bounding set; and no program that it executes gains any.
 *  @return 0; a negative errno with a sentence. */
int privilege_drop(uint64_t keep, struct gyr_error *err);
/** @return a thread of this process that can use more than @p keep; 0: there is none. */
int privilege_find_stray(uint64_t keep);

#endif /* BASE_PRIVILEGE_H */
