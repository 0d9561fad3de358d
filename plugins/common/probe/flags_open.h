/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/**
 * @file flags_open.h
 * @brief Flags of open() as the schema has them, for both sides: of calls, and of files that are
 * open.
 */
#ifndef PROBE_FLAGS_OPEN_H
#define PROBE_FLAGS_OPEN_H

#include <linux/types.h>

#ifndef PRIM_INLINE /* the user's side */
#define PRIM_INLINE inline
#endif

/* What <fcntl.h> has; octal, as there. The four that differ on arm64 stand apart. */
enum {
    NAT_O_WRONLY = 01,
    NAT_O_RDWR = 02,
    NAT_O_CREAT = 0100,
    NAT_O_EXCL = 0200,
    NAT_O_TRUNC = 01000,
    NAT_O_APPEND = 02000,
    NAT_O_NONBLOCK = 04000,
    NAT_O_DSYNC = 010000,
    NAT_O_CLOEXEC = 02000000,
    NAT_O_SYNC = 04010000,
    NAT_O_PATH = 010000000,
#if defined(__TARGET_ARCH_arm64) || defined(__aarch64__)
    NAT_O_DIRECTORY = 040000,
    NAT_O_DIRECT = 0200000,
    NAT_O_LARGEFILE = 0400000,
#else
    NAT_O_DIRECT = 040000,
    NAT_O_LARGEFILE = 0100000,
    NAT_O_DIRECTORY = 0200000,
#endif
    NAT_O_TMPFILE = 020000000 | NAT_O_DIRECTORY
};

enum {
    OPEN_RDONLY = 1,
    OPEN_WRONLY = 2,
    OPEN_CREATED = 0x4000,
    OPEN_UPPER = 0x8000,
    OPEN_LOWER = 0x10000
};

#define FLAG(native, bit) ((v) & (__u64)(native) ? (__u32)(bit) : 0)

/** Of a call. */
static PRIM_INLINE __u32 flags_open(__u64 v)
{
    __u32 r = v & NAT_O_RDWR ? 3 : v & NAT_O_WRONLY ? OPEN_WRONLY : OPEN_RDONLY;

    return r | FLAG(NAT_O_CREAT, 4) | FLAG(NAT_O_APPEND, 8) | FLAG(NAT_O_DSYNC, 0x10) |
           FLAG(NAT_O_EXCL, 0x20) | FLAG(NAT_O_NONBLOCK, 0x40) | FLAG(NAT_O_SYNC, 0x80) |
           FLAG(NAT_O_TRUNC, 0x100) | FLAG(NAT_O_DIRECT, 0x200) | FLAG(NAT_O_DIRECTORY, 0x400) |
           FLAG(NAT_O_LARGEFILE, 0x800) | FLAG(NAT_O_CLOEXEC, 0x1000) | FLAG(NAT_O_TMPFILE, 0x2000);
}

/** Of a file that is open: what an open that made it also asked for is gone by then. */
static PRIM_INLINE __u32 flags_open_file(__u64 v)
{
    enum { OWN_SYNC = 04000000, OWN_TMPFILE = 020000000, SYNC_BIT = 0x80, TMPFILE_BIT = 0x2000 };
    __u32 r = flags_open(v);

    /* two that have others' bits as well as their own */
    if (!(v & OWN_SYNC))
        r &= ~(__u32)SYNC_BIT;
    if (!(v & OWN_TMPFILE))
        r &= ~(__u32)TMPFILE_BIT;
    return v & NAT_O_PATH ? r & ~(__u32)3 : r;
}

#endif /* PROBE_FLAGS_OPEN_H */
