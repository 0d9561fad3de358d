/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file proc.h
 * @brief The running machine's state, read from /proc, as snapshot events: what a capture's tables
 * tell, for live sources. They link it with `common.NAME := syscall record proc`.
 *
 * A reader belongs to one thread. It holds its memory (about 0.5 MiB, and what the tables of
 * sockets and mounts need, within bounds) from proc_snapshot_new() to proc_snapshot_free() and
 * allocates nothing per entry. Whatever vanishes while it is read is left out; what may not be
 * read is left out and counted.
 */
#ifndef PROC_PROC_H
#define PROC_PROC_H

#include "record/scap_view.h"

#include <stdbool.h>

/** Who tells of processes where /proc does not show those of the machine. */
struct proc_teller {
    void *self;
    /** From here on: all of them, or one thread with its process, if @p only is not -1. */
    void (*begin)(void *self, int64_t only);
    /** The next thread or descriptor, as a reader of /proc would have it.
     *  @return 1 and the view, whose parameters are in bulk until the next call; 0: no more; a
     *  negative errno. */
    int (*next)(void *self, struct scap_view *ret);
};

struct proc_conf {
    const char *host_root; /**< prefix of the watched host's file tree, without a slash at the
                                end; "" or NULL: our own. Needed during proc_snapshot_new() */
    uint64_t boot_ns;      /**< when CLOCK_BOOTTIME was 0, in ns since the epoch: the times of
                                events and of process starts are counted from it. 0: as the clocks
                                stand now */
    const struct proc_teller *teller; /**< NULL: /proc. Otherwise there need be none */
    uint32_t max_threads;             /**< processes and threads; 0: 131,072 */
    uint32_t max_fds;                 /**< descriptors of one process; 0: 65,536 */
    uint32_t max_sockets;             /**< sockets looked up; 0: 262,144 */
};

/** What reading came to, since proc_snapshot_new(). */
struct proc_stats {
    uint64_t processes, threads, fds; /**< told of; a main thread is a process */
    uint64_t vanished;                /**< gone between being listed and being read */
    uint64_t denied;                  /**< processes of which a part may not be read */
    uint64_t cut;                     /**< left out because a bound was reached */
};

struct proc_snapshot;

/** A reader aimed at the whole machine. @return 0; a negative errno. */
int proc_snapshot_new(const struct proc_conf *conf, struct proc_snapshot **ret,
                      struct gyr_error *err);
void proc_snapshot_free(struct proc_snapshot *s);

/** Begin another snapshot of the whole machine; one that is under way is given up. */
void proc_snapshot_begin(struct proc_snapshot *s);

/** Tell of one thread: of its process (its main thread), of itself, and of the process's
 *  descriptors, without brackets. Tables of sockets are taken from a read at most a second ago.
 *  A thread that is not there is told nothing of. */
void proc_snapshot_thread(struct proc_snapshot *s, int64_t tid);

/** Append the next record to the batch: begin, the machine, its interfaces, users and groups; each
 *  process with its threads and descriptors; end.
 *  @return 1 and the record; 0: that was all; -ENOBUFS: the batch is full, hand it out, reset it
 *  and come again; another negative errno, after which only proc_snapshot_begin(), _thread() and
 *  _free() make sense. */
int proc_snapshot_next(struct proc_snapshot *s, struct scap_batch *b, const struct gyr_event **ret,
                       struct gyr_error *err);

/** Is the next record, which is read now, about another process than the one before? There a
 *  snapshot may pause for events of the stream; within a process they would meet half of it. */
bool proc_snapshot_between(struct proc_snapshot *s);

void proc_snapshot_stats(const struct proc_snapshot *s, struct proc_stats *ret);

/** Log, once for each reader, that something was closed to us, and that a bound was reached. */
void proc_snapshot_tell(struct proc_snapshot *s, const struct gyr_host *host);

/** When CLOCK_BOOTTIME was 0, in ns since the epoch, as the clocks stand now. */
uint64_t proc_boot_ns(void);

/** Does /proc below @p host_root show the whole machine, to us?
 *  @return 0; -ENOENT: there is none; -EXDEV: it shows a PID namespace that is not the machine's;
 *  -EACCES: other users' processes are hidden from us, or closed. Each with a sentence. */
int proc_check(const char *host_root, struct gyr_error *err);

#endif /* PROC_PROC_H */
