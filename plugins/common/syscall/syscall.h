/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file syscall.h
 * @brief The "syscall" schema: event types, parameters, system calls and fields of Linux.
 *
 * Built into every plugin that gives or reads such events. The tables are the .def files beside
 * this one. Constant data; any thread.
 */
#ifndef SYSCALL_SYSCALL_H
#define SYSCALL_SYSCALL_H

#include "ids.h"

#include <gyr/schema.h>

#define SYSCALL_SCHEMA_VERSION 1u

/** What a parameter means (gyr_param_def.kind). */
enum syscall_kind {
    K_NONE,
    K_FD, /**< descriptor of the thread; negative: an errno, or AT_FDCWD (-100) */
    K_PID,
    K_UID,
    K_GID,
    K_ERRNO, /**< result of a call: negative errno */
    K_SIGNAL,
    K_SIGSET,
    K_PATH,    /**< relative to the working directory */
    K_RELPATH, /**< relative to the directory descriptor before it */
    K_SOCKADDR,
    K_SOCKTUPLE,
    K_FDLIST,
    K_SYSCALL, /**< portable system-call code */
    K_MODE,
    K_PORT,
    K_PAIRS,
    K_DYN /**< first byte: which of several forms the rest has */
};

/** Traits of an event type (gyr_event_type.traits). */
enum syscall_trait {
    T_ENTER = 1 << 0,
    T_EXIT = 1 << 1,
    T_CALL = 1 << 2,       /**< a system call */
    T_TRACEPOINT = 1 << 3, /**< another kernel hook: exit, switch, signal, page fault */
    T_META = 1 << 4,       /**< made by a recorder about itself or a container runtime */
    T_ITER = 1 << 5,       /**< state listed by a kernel iterator */
    T_UNUSED = 1 << 6,
    T_CREATES_FD = 1 << 7,
    T_USES_FD = 1 << 8,
    T_READS_FD = 1 << 9,
    T_WRITES_FD = 1 << 10,
    T_DESTROYS_FD = 1 << 11,
    T_WAITS = 1 << 12,
    T_PASSIVE = 1 << 13, /**< changes nothing of what is known of its thread */
    T_LARGE = 1 << 14,   /**< parameter lengths are u32 in captures */
    T_IO_READ = 1 << 15, /**< category depends on the descriptor: file or net */
    T_IO_WRITE = 1 << 16,
    T_IO_OTHER = 1 << 17
};

extern const struct gyr_schema syscall_schema;

/** The event type of that number, or NULL. Constant time. */
const struct gyr_event_type *syscall_event_type(uint16_t id);

#endif /* SYSCALL_SYSCALL_H */
