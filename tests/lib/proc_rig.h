/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file proc_rig.h
 * @brief Snapshots of /proc, kept to be looked at, and made-up trees to take them of. For tests.
 *
 * Every record is checked against the schema as it comes. What fails to set up fails the test.
 */
#ifndef TESTS_PROC_RIG_H
#define TESTS_PROC_RIG_H

#include "scap_build.h"

#include "proc/proc.h"

/** Who tells of processes in what is taken; NULL: /proc. */
extern const struct proc_teller *proc_rig_teller;

/** Run the snapshot to its end. @return how many batches it took. */
unsigned proc_rig_run(struct proc_snapshot *s, struct scap_events *e);
/** The machine below @p root ("": this one); of one thread, or @p tid -1 of all. */
void proc_rig_take(const char *root, int64_t tid, struct scap_events *e);

/** Records by what they are about; NULL: not told. */
const struct gyr_event *proc_rig_process(const struct scap_events *e, int64_t tid);
const struct gyr_event *proc_rig_fd(const struct scap_events *e, int64_t tid, int64_t fd);
size_t proc_rig_count(const struct scap_events *e, uint16_t type);

int64_t proc_rig_num(const struct gyr_event *ev, uint32_t param);
void proc_rig_assert_text(const struct gyr_event *ev, uint32_t param, const char *want);
void proc_rig_assert_bytes(const struct gyr_event *ev, uint32_t param, const void *want, size_t n);

/** A folder that proc_rig_remove() removes. */
void proc_rig_root(char root[64]);
void proc_rig_remove(const char *root);
/** A file or link below @p root, with the folders it needs. */
void proc_rig_file(const char *root, const char *path, const void *p, size_t n);
void proc_rig_text(const char *root, const char *path, const char *text);
void proc_rig_link(const char *root, const char *path, const char *to);
/** stat, status and the like of an ordinary process: each may be written over. */
void proc_rig_add(const char *root, unsigned pid, unsigned ppid, const char *comm);

#endif /* TESTS_PROC_RIG_H */
