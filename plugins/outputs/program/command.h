/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file command.h
 * @brief Starting a command with pipes and without privileges.
 */
#ifndef PROGRAM_COMMAND_H
#define PROGRAM_COMMAND_H

#include <gyr/util.h>
#include <sys/types.h>

/** All the caller's. */
struct command_ends {
    pid_t pid;  /**< and its process group */
    int pid_fd; /**< readable when it has ended */
    int in_fd;  /**< written to, it is the command's standard input */
    int out_fd; /**< read from, it is what the command says; does not block */
};

/** Is there such a command, here or in PATH? Privileged: can only the right people change it? */
int command_check(const char *name, struct gyr_error *err);
/** Take from the calling thread, and so from what it starts, every capability, and the way to new
 *  ones. */
int command_disown_privileges(struct gyr_error *err);
/** posix_spawn() it: default signals, no other descriptor, a process group of its own. */
int command_spawn(const char *const *argv, struct command_ends *ret, struct gyr_error *err);

#endif /* PROGRAM_COMMAND_H */
