/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/**
 * @file snap_abi.h
 * @brief What the programs that tell of the machine's state share with who runs them: each run's
 * question and answer. They are run one at a time.
 */
#ifndef EBPF_SNAP_ABI_H
#define EBPF_SNAP_ABI_H

#include <linux/types.h>

/* As many steps as the verifier follows. */
enum { SNAP_LIST = 512, SNAP_RECORD_MAX = 0x10000 };

/** A thread, and what it must still be when it is told of. */
struct snap_task {
    __u64 task, start_ns; /**< where it is; since boot */
    __u32 tid, pid;
    __u32 exiting; /**< it ends */
    __s32 live;    /**< threads of its process that have not ended */
};

struct snap_run {
    __u64 epoch_ns; /**< what makes CLOCK_BOOTTIME nanoseconds since the epoch */

    /** Listing: in, where the last run stopped, 0 at first; out, where this one did, 0 at the end.
     */
    __u64 cursor;
    __u32 n;    /**< out: listed now */
    __u32 lost; /**< out: the thread it stopped at has gone since: begin anew */

    /** Telling: the thread; of its descriptors, the first that is not lower than this one. */
    struct snap_task is;
    __u32 fd;
    __u32 more; /**< out: there may be higher ones; fd is where to go on */
    __u32 len;  /**< out: of the record; 0: there is none */

    __u32 args_len, env_len; /**< in: what there is in texts */
};

#endif /* EBPF_SNAP_ABI_H */
