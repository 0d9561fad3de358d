/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/**
 * @file flags.h
 * @brief Native flag words as the schema has them (plugins/common/syscall/names.def), which is the
 * same on every architecture.
 */
#ifndef PROBE_FLAGS_H
#define PROBE_FLAGS_H

#include "abi.h"
#include "flags_open.h"

/** Of pipes; flags_fd_pair(): of calls that only know close-on-exec and non-blocking. */
static PRIM_INLINE u32 flags_fd(u64 v)
{
    return FLAG(NAT_O_NONBLOCK, 0x40) | FLAG(NAT_O_DIRECT, 0x200) | FLAG(NAT_O_CLOEXEC, 0x1000);
}

static PRIM_INLINE u32 flags_fd_pair(u64 v)
{
    return FLAG(NAT_O_NONBLOCK, 0x40) | FLAG(NAT_O_CLOEXEC, 0x1000);
}

static PRIM_INLINE u32 flags_clone(u64 v)
{
    return FLAG(0x400, 0x1) /* FILES */ | FLAG(0x200, 0x2) /* FS */ |
           FLAG(0x80000000, 0x4) /* IO */ | FLAG(0x08000000, 0x8) /* NEWIPC */ |
           FLAG(0x40000000, 0x10) /* NEWNET */ | FLAG(0x00020000, 0x20) /* NEWNS */ |
           FLAG(0x20000000, 0x40) /* NEWPID */ | FLAG(0x04000000, 0x80) /* NEWUTS */ |
           FLAG(0x8000, 0x100) /* PARENT */ | FLAG(0x00100000, 0x200) /* PARENT_SETTID */ |
           FLAG(0x2000, 0x400) /* PTRACE */ | FLAG(0x800, 0x800) /* SIGHAND */ |
           FLAG(0x00040000, 0x1000) /* SYSVSEM */ | FLAG(0x00010000, 0x2000) /* THREAD */ |
           FLAG(0x00800000, 0x4000) /* UNTRACED */ | FLAG(0x100, 0x8000) /* VM */ |
           FLAG(0x10000000, 0x100000) /* NEWUSER */ |
           FLAG(0x00200000, 0x800000) /* CHILD_CLEARTID */ |
           FLAG(0x01000000, 0x1000000) /* CHILD_SETTID */ |
           FLAG(0x00080000, 0x2000000) /* SETTLS */ | FLAG(0x4000, 0x8000000) /* VFORK */ |
           FLAG(0x02000000, 0x10000000) /* NEWCGROUP */;
}

/** RESOLVE_* of openat2(). */
static PRIM_INLINE u32 flags_resolve(u64 v)
{
    return FLAG(0x08, 0x1) /* BENEATH */ | FLAG(0x10, 0x2) /* IN_ROOT */ |
           FLAG(0x02, 0x4) /* NO_MAGICLINKS */ | FLAG(0x04, 0x8) /* NO_SYMLINKS */ |
           FLAG(0x01, 0x10) /* NO_XDEV */ | FLAG(0x20, 0x20) /* CACHED */;
}

/** POLL* of poll(). */
static PRIM_INLINE u16 flags_poll(u16 v)
{
    return (u16)((v & 7) /* IN, PRI, OUT */ | FLAG(0x2000, 0x8) /* RDHUP */ |
                 (v & 0x3f8) << 1 /* ERR, HUP, NVAL, RDNORM, RDBAND, WRNORM, WRBAND */);
}

static PRIM_INLINE u32 flags_map(u64 v)
{
    return (v & 3) /* SHARED, PRIVATE */ | FLAG(0x10, 0x4) /* FIXED */ |
           FLAG(0x20, 0x8) /* ANONYMOUS */ | FLAG(0x40, 0x10) /* 32BIT */ |
           FLAG(0x4000, 0x40) /* NORESERVE */ | FLAG(0x8000, 0x80) /* POPULATE */ |
           FLAG(0x10000, 0x100) /* NONBLOCK */ | FLAG(0x100, 0x200) /* GROWSDOWN */ |
           FLAG(0x800, 0x400) /* DENYWRITE */ | FLAG(0x1000, 0x800) /* EXECUTABLE */ |
           FLAG(0x2000, 0x4000) /* LOCKED */;
}

static PRIM_INLINE u32 flags_prot(u64 v)
{
    return (v & 0xf) | FLAG(0x01000000, 0x10) /* GROWSDOWN */ |
           FLAG(0x02000000, 0x20) /* GROWSUP */;
}

/* Of a table whose size is a power of two; what it does not have is 0. */
#define FLAGS_LOOK_UP(table, v)                                                                    \
    do {                                                                                           \
        u64 at_ = (v);                                                                             \
                                                                                                   \
        if (at_ < sizeof(table) / sizeof((table)[0])) {                                            \
            PRIM_BOUND(at_, sizeof(table) / sizeof((table)[0]) - 1);                               \
            return (table)[at_];                                                                   \
        }                                                                                          \
    } while (0)

PRIM_TABLE __u8 flags_fcntl_low[64] = {
    1, 2, 3, 4, 5, 6, 8, 9, 0xa, 0xc, 0xd, 0xf, 0x11, 0x12, 0x13, 0x15, 0x16, 0,    0,   0,
    0, 0, 0, 0, 0, 0, 0, 0, 0,   0,   0,   0,   0,    0,    0,    0,    0x1e, 0x1f, 0x20};
PRIM_TABLE __u8 flags_fcntl_linux_own[16] = {
    0x17 /* SETLEASE */,      0x18, 0x1b, 0, 0, 0x19 /* CANCELLK */,
    0x1a /* DUPFD_CLOEXEC */, 0x1c, 0x1d};

/** Commands of fcntl(). */
static PRIM_INLINE u8 flags_fcntl(u32 v)
{
    FLAGS_LOOK_UP(flags_fcntl_low, v);
    FLAGS_LOOK_UP(flags_fcntl_linux_own, v - 1024);
    return 0;
}

PRIM_TABLE __u8 flags_ptrace_low[64] = {
    1,   2,    3,    4, 5,    6, 7, 8,   9,    0xa,  0, 0, 0x1a, 0x1b, 0x1c, 0x1d, 0xb,
    0xc, 0x1e, 0x1f, 0, 0x20, 0, 0, 0xd, 0x21, 0x22, 0, 0, 0,    0x23, 0x24, 0x25, 0x26};
PRIM_TABLE __u8 flags_ptrace_high[16] = {
    0xe /* SETOPTIONS */, 0xf, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19};

/** Requests of ptrace(). */
static PRIM_INLINE u16 flags_ptrace(u64 v)
{
    FLAGS_LOOK_UP(flags_ptrace_low, v);
    FLAGS_LOOK_UP(flags_ptrace_high, v - 0x4200);
    return 0;
}

PRIM_TABLE __u16 flags_semctl_low[32] = {
    0x4 /* RMID */, 0x2,   0x1,    0x8,   [11] = 0x100 /* GETPID */, 0x200, 0x40,
    0x80,           0x400, 0x1000, 0x800, 0x20 /* STAT */,           0x10};

/** Commands of semctl(); one of a 32-bit program may have a bit that tells the structure's age. */
static PRIM_INLINE u16 flags_semctl(u32 v)
{
    FLAGS_LOOK_UP(flags_semctl_low, v & ~0x100u);
    return 0;
}

PRIM_TABLE __u16 flags_quotactl_generic[16] = {
    [1] = 0x80 /* SYNC */, 0x1, 0x2, 0x4, 0x8, 0x10, 0x20, 0x40};
PRIM_TABLE __u16 flags_quotactl_xfs[8] = {
    [1] = 0x100 /* XQUOTAON */, 0x200, 0x400, 0x800, 0x1000, 0x2000, 0x4000};

/** Commands of quotactl(), without the type. */
static PRIM_INLINE u16 flags_quotactl(u32 v)
{
    enum { GENERIC = 0x800000, XFS = 'X' << 8 };

    FLAGS_LOOK_UP(flags_quotactl_generic, (u64)v - GENERIC);
    FLAGS_LOOK_UP(flags_quotactl_xfs, (u64)v - XFS);
    return 0;
}

#endif /* PROBE_FLAGS_H */
