/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file live.h
 * @brief Making system calls and writing down which event each must become.
 *
 * The driver makes every call itself (no libc wrapper, no hidden call between two) and says what
 * it must look like: EXPECT(EV_SYSCALL_DUP_1_X, N(ret), N(fd)), values in the order of the schema.
 * One thread of the driver's tree runs at a time, so one "self" is enough. The lines go into memory
 * that all of the tree share, and to a file at the end.
 */
#ifndef LIVE_LIVE_H
#define LIVE_LIVE_H

#include "syscall/syscall.h"

#include <gyr/event.h>

#include <asm/unistd.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

/* ---- calls ---- */

/** The system call @p nr, by `syscall`. @return its result, or -errno. */
long raw6(long nr, long a, long b, long c, long d, long e, long f);
/** The same by `int $0x80`: numbers of i386, arguments below 4 GiB. */
long raw80(long nr, long a, long b, long c, long d, long e, long f);

#define ARG_(x) ((long)(x))
#define CALL7_(how, n, a, b, c, d, e, f, ...)                                                      \
    how(ARG_(n), ARG_(a), ARG_(b), ARG_(c), ARG_(d), ARG_(e), ARG_(f))
/** CALL(nr, up to six arguments): makes it, says nothing. */
#define CALL(...)   CALL7_(raw6, __VA_ARGS__, 0, 0, 0, 0, 0, 0)
#define CALL80(...) CALL7_(raw80, __VA_ARGS__, 0, 0, 0, 0, 0, 0)

/** SETUP(nr, …): a call that only prepares another: its type and result are expected, no more.
 *  The driver ends with a message when it fails. */
#define SETUP(...) setup_(__FILE__, __LINE__, CALL(__VA_ARGS__), FIRST_(__VA_ARGS__, 0))
/** Likewise, but it may fail. */
#define TRY(...)           try_(__FILE__, __LINE__, CALL(__VA_ARGS__), FIRST_(__VA_ARGS__, 0))
#define FIRST_(first, ...) first
long setup_(const char *file, int line, long ret, long nr);
long try_(const char *file, int line, long ret, long nr);

/* ---- what must come ---- */

enum { V_NUM, V_BYTES, V_PREFIX, V_ANY, V_SOME, V_NONE };
struct val {
    int kind;
    uint64_t num;
    const void *p;
    size_t len;
    bool cut; /* the event is marked: there was more than it holds */
};

#define N(n)         ((struct val){.kind = V_NUM, .num = (uint64_t)(n)})
#define S(s)         str_(s) /* a string; NULL: absent */
#define B(ptr, size) ((struct val){.kind = V_BYTES, .p = (ptr), .len = (size)})
#define PRE(s)       ((struct val){.kind = V_PREFIX, .p = (s), .len = strlen(s)}) /* begins so */
#define ANY          ((struct val){.kind = V_ANY})
#define SOME         ((struct val){.kind = V_SOME}) /* anything but absent */
#define NONE         ((struct val){.kind = V_NONE}) /* absent */
#define CUT(v)       cut_(v)                        /* as much of it as there is room for */

static inline struct val str_(const char *s)
{
    return s ? (struct val){.kind = V_BYTES, .p = s, .len = strlen(s) + 1} : NONE;
}

static inline struct val cut_(struct val v)
{
    v.cut = true;
    return v;
}

/** The event that the last call of this thread must become. Its values may be had by further
 *  calls: it keeps its place before theirs. */
#define EXPECT(type, ...) EXPECT_OF(self_tid, type, ##__VA_ARGS__)
/** EXPECT() for a thread that is gone, or that cannot speak: once it is waited for, so that what it
 *  said itself comes first. */
#define EXPECT_OF(tid, type, ...)                                                                  \
    do {                                                                                           \
        MARK(at_);                                                                                 \
        EXPECT_AT(at_, tid, type, ##__VA_ARGS__);                                                  \
    } while (0)
/** To be said later of the last call, once its facts are known. */
#define MARK(name) struct place name = {__FILE__, __LINE__, calls_made(), last_result}
#define EXPECT_AT(mark, tid, type, ...)                                                            \
    do {                                                                                           \
        const struct val vals_[] = {ANY, ##__VA_ARGS__}; /* the first: never an empty array */     \
                                                                                                   \
        expect_(&(mark), (tid), (type), vals_ + 1, sizeof(vals_) / sizeof(vals_[0]) - 1);          \
    } while (0)
struct place {
    const char *file;
    int line;
    unsigned long order; /* of the call */
    long result;         /* of the call */
};
extern long last_result;
unsigned long calls_made(void);
void call_counted(long ret); /* a call made without CALL() */
void expect_(const struct place *at, pid_t tid, uint16_t type, const struct val *vals, size_t n);
/** A generic event of native call @p nr (of x86_64). */
#define EXPECT_GENERIC(nr) generic_(__FILE__, __LINE__, (nr))
void generic_(const char *file, int line, long nr);
/** A family that cannot run here; told with the result. */
void left_out(const char *what, const char *why);

/** The thread that runs. A child calls self_learn() first: one expected gettid. */
extern pid_t self_tid;
void self_learn(void);
/** End the driver with a message, from any of its threads. */
void die(const char *file, int line, const char *what, long ret) __attribute__((noreturn));

/* ---- what the families share ---- */

#define DATA_LIMIT 80 /* of what is read or written so much is recorded */

/** Bytes of what was read or written that are recorded. */
static inline struct val data_(const void *p, size_t len)
{
    if (len > DATA_LIMIT)
        return CUT(B(p, DATA_LIMIT));
    return len ? B(p, len) : NONE;
}

extern char dir[64]; /**< our folder; it is the working directory */
/** Device and inode of an open file, as events have them. */
uint32_t dev_of(int fd);
uint64_t ino_of(int fd);

/** Open flags of the schema for native ones. */
uint32_t open_flags(int native);
enum { O_MADE = 0x4000 }; /* the call created the file */
/** Bits that the file system adds to the flags of an open file: its overlay layer. */
uint32_t layer_bits(void);

/* ---- families ---- */

void drive_files(void);
void drive_paths(void);
void drive_fds(void);
void drive_net(void);
void drive_sockopts(void);
void drive_memory(void);
void drive_ids(void);
void drive_proc(void);
void drive_exec(void);
void drive_kernel(void);
void drive_compat(void);

/** Fork, told. @return 0 in the child, which must end by a call; its pid in the parent. */
long child_begin(void);
/** A thread that runs @p fn on its own stack; its beginning is not told. @return its tid. */
long thread_begin(long flags, long stack_end, void (*fn)(void));
/** Wait for the end of a child, which must be @p status, as wait(2) has it. */
void child_wait(long pid, int status);
/** Wait for it, and tell how it ended. */
void child_end(long pid, int status);
/** Tell the end of a thread: @p reaper is who gets its children, 0 when it has none. */
void expect_end(pid_t tid, int status, pid_t reaper);

#endif /* LIVE_LIVE_H */
