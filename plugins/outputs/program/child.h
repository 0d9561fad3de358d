/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file child.h
 * @brief A command that is kept running, and how much of what it was sent it has read.
 *
 * A thread of its own starts it, logs what it says and starts it again when it ends. child_input(),
 * child_sent() and child_flow() are the output's thread's; new, start and stop the main thread's.
 */
#ifndef PROGRAM_CHILD_H
#define PROGRAM_CHILD_H

#include <gyr/plugin.h>
#include <gyr/util.h>
#include <stdbool.h>

struct child;

struct child_conf {
    const char *const *argv;  /**< borrowed; argv[0] is looked for in PATH */
    uint64_t stop_wait_ns;    /**< after its input was closed, and again after SIGTERM */
    uint64_t hang_timeout_ns; /**< kill it when it read nothing for so long; 0: never */
};

int child_new(const struct child_conf *conf, const struct gyr_host *host, struct child **ret,
              struct gyr_error *err);
void child_free(struct child *c);
/** @return 0; -ENOENT and others: there is no such command, or another user could change it. */
int child_start(struct child *c, struct gyr_error *err);
/** Close its input, wait, SIGTERM, wait, SIGKILL. The descriptor that child_input() gave was
 *  closed before. */
void child_stop(struct child *c);

/** A descriptor that is readable when a command was started. */
int child_ready_fd(const struct child *c);
/** When the command is another than that of *round: a descriptor to write to, which is the
 *  caller's, in *ret_fd, and *round set; else *ret_fd is untouched.
 *  @return 0; -ECHILD and why in @p err: none is running; *ret_after_ns: for so long. */
int child_input(struct child *c, uint64_t *round, int *ret_fd, uint64_t *ret_after_ns,
                struct gyr_error *err);
/** An alert was written whole; @p end bytes went into the descriptor up to here. It will be
 *  acknowledged once the command has read it, or given back with "retry" when it ends before.
 *  @return false: the command of @p round has ended, or too many are unread. */
bool child_sent(struct child *c, uint64_t round, uint64_t token, uint64_t end);
/** Have the thread look soon at what was read. */
void child_flow(struct child *c);

#endif /* PROGRAM_CHILD_H */
