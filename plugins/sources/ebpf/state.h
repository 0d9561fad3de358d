/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file state.h
 * @brief Where the machine's state is read: /proc, or the kernel where that is not the machine's.
 */
#ifndef EBPF_STATE_H
#define EBPF_STATE_H

#include "snap.h"

enum snapshot_mode { SNAPSHOT_AUTO, SNAPSHOT_PROC, SNAPSHOT_KERNEL };

/** Make what snapshots are taken with, and say in the log where they come from. Where neither knows
 *  the machine's processes, they are told of none. Main thread.
 *  @param ret_snap NULL: /proc tells; else to be freed after the reader, even after a failure.
 *  @return 0; a negative errno with a sentence. */
int state_new(const struct gyr_host *host, enum snapshot_mode mode, uint64_t boot_ns,
              struct snap **ret_snap, struct proc_snapshot **ret, struct gyr_error *err);

#endif /* EBPF_STATE_H */
