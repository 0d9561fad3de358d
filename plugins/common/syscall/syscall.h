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

#include <gyr/schema.h>

#define SYSCALL_SCHEMA_VERSION 1u

/** Event types: EV_SYSCALL_OPEN_X. */
enum syscall_event {
#define EVENT(id, code, name, category, n, flags, traits) EV_##code = (id),
#define PARAM(code, name, type, fmt, kind, flags, names)
#include "events.def"
#undef EVENT
#undef PARAM
};

/** Places of parameters in the one array that holds them all; use P_* below. */
enum syscall_param_place {
#define EVENT(id, code, name, category, n, flags, traits)                                          \
    FLAT_##code, FLATFIX_##code = FLAT_##code - 1,
#define PARAM(code, name, type, fmt, kind, flags, names) FLAT_##code##__##name,
#include "events.def"
#undef EVENT
#undef PARAM
    FLAT_MAX_
};

/** Positions of parameters in their event: P_SYSCALL_OPEN_X__flags. */
enum syscall_param {
#define EVENT(id, code, name, category, n, flags, traits)
#define PARAM(code, name, type, fmt, kind, flags, names)                                           \
    P_##code##__##name = FLAT_##code##__##name - FLAT_##code,
#include "events.def"
#undef EVENT
#undef PARAM
};

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

/** Kinds of descriptor in SNAP_FD.type and in captures. */
enum syscall_fd_type {
    FD_UNKNOWN = 0,
    FD_FILE = 1,
    FD_DIRECTORY = 2,
    FD_IPV4 = 3,
    FD_IPV6 = 4,
    FD_IPV4_SERVER = 5,
    FD_IPV6_SERVER = 6,
    FD_PIPE = 7,
    FD_UNIX = 8,
    FD_EVENT = 9,
    FD_UNSUPPORTED = 10,
    FD_SIGNAL = 11,
    FD_EVENTPOLL = 12,
    FD_INOTIFY = 13,
    FD_TIMER = 14,
    FD_NETLINK = 15,
    FD_FILE_V2 = 16,
    FD_BPF = 17,
    FD_USERFAULT = 18,
    FD_IO_URING = 19,
    FD_MEMFD = 20,
    FD_PIDFD = 21
};

extern const struct gyr_schema syscall_schema;

/** The event type of that number, or NULL. Constant time. */
const struct gyr_event_type *syscall_event_type(uint16_t id);

#endif /* SYSCALL_SYSCALL_H */
