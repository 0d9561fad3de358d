/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file snap.h
 * @brief The state of processes told by the kernel itself, where /proc does not show the machine.
 *
 * Made and freed on the main thread, used on the source's. It holds about 0.2 MiB, and 32 bytes for
 * each thread of the machine.
 */
#ifndef EBPF_SNAP_H
#define EBPF_SNAP_H

#include "proc/proc.h"

struct snap;

/** Load the programs. @param boot_ns as in struct proc_conf.
 *  @return 0; a negative errno with a sentence: this kernel cannot. */
int snap_new(const struct gyr_host *host, uint64_t boot_ns, struct snap **ret,
             struct gyr_error *err);
void snap_free(struct snap *s);

/** Whether arguments and environments are told as well (6.2). */
bool snap_has_texts(const struct snap *s);

/** Who tells proc_snapshot_next() of processes. It is good until snap_free(). */
const struct proc_teller *snap_teller(const struct snap *s);

#endif /* EBPF_SNAP_H */
