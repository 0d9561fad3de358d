/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/**
 * @file ids.h
 * @brief The numbers of the "syscall" schema, without any other header: the kernel's side of a
 * driver includes it too.
 */
#ifndef SYSCALL_IDS_H
#define SYSCALL_IDS_H

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

/** How many parameters an event has: N_SYSCALL_OPEN_X. */
enum syscall_param_count {
#define EVENT(id, code, name, category, n, flags, traits) N_##code = (n),
#define PARAM(code, name, type, fmt, kind, flags, names)
#include "events.def"
#undef EVENT
#undef PARAM
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

#endif /* SYSCALL_IDS_H */
