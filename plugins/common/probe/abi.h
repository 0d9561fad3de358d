/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/**
 * @file abi.h
 * @brief What the kernel's and the user's side of a driver share: records, classes, switches.
 *
 * Included by the eBPF programs, the kernel module and the plugins that load them. The user's side
 * checks struct probe_event against struct gyr_event.
 */
#ifndef PROBE_ABI_H
#define PROBE_ABI_H

#include <linux/types.h>

/** The header of a record, exactly as struct gyr_event; behind it u32 offsets, then parameters. */
struct probe_event {
    __u32 len;
    __u16 hdr_len, type;
    __u64 ts_ns;
    __s64 tid;
    __u64 num;
    __u32 subtype, flags;
    __u16 cpu, nparams;
    __u32 reserved;
};

enum {
    PROBE_EVF_CUT = 4, /**< GYR_EVF_CUT */
    PROBE_CPUS = 1024,
    PROBE_NRS = 1024, /**< native numbers of system calls; those of x32 have their own from 512 */
    PROBE_NRS32 = 512,
    PROBE_SOCKETCALLS = 32, /* calls behind socketcall, by number */
    PROBE_STR_MAX = 4096,   /**< longest string, with its NUL */
    PROBE_DATA_MAX = 4080   /**< most bytes of read or written data */
};

/** Which ring a record goes to. Process state has a ring of its own, so that a flood of file or
 *  network events cannot push it out. The numbers are those of GYR_EV_LOSS. */
enum { PROBE_OTHER = 0, PROBE_STATE = 1, PROBE_CLASSES = 2 };

/** What is traced besides system calls: bits of struct probe_conf.hooks. */
enum { PROBE_HOOK_EXEC = 1, PROBE_HOOK_FORK = 2, PROBE_HOOK_EXIT = 4, PROBE_HOOK_SIGNAL = 8 };

/** Set by the user's side, read by the kernel's. */
struct probe_conf {
    __u64 epoch_ns;    /**< what makes CLOCK_BOOTTIME nanoseconds since the epoch */
    __u32 self_tgid;   /**< whose calls are left out: our own */
    __u32 snaplen;     /**< bytes of read or written data; <= PROBE_DATA_MAX */
    __u32 hooks;       /**< PROBE_HOOK_* */
    __u32 waiting;     /**< the reader sleeps: the next record wakes it */
    __u32 event_flags; /**< GYR_EVF_*, of every record */
    __u32 reserved;
    __u16 ring[PROBE_CPUS]; /**< of a CPU: which pair of rings */
    /** Of a native number: the encoder's place in the table of programs; 0: not traced. */
    __u8 calls[PROBE_NRS], calls32[PROBE_NRS32];
    __u8 socketcalls[PROBE_SOCKETCALLS]; /**< likewise of the calls behind 32-bit socketcall */
    /** Of a native number: the schema's code of the call, which generic events carry. */
    __u16 codes[PROBE_NRS], codes32[PROBE_NRS32];
};

/** Counted by the kernel's side, per CPU, each alone on its cache line. */
struct probe_count {
    __u64 lost[PROBE_CLASSES];
    __u64 sent;
    __u64 pad[5];
};

#endif /* PROBE_ABI_H */
