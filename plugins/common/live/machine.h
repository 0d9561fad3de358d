/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file machine.h
 * @brief Is /proc that of the machine that a driver sees? In a container it may not be.
 */
#ifndef LIVE_MACHINE_H
#define LIVE_MACHINE_H

#include "proc/proc.h"

#include <gyr/host.h>

/** Does /proc show other processes than the driver tells of, or none? Why, and what of it is closed
 *  to us, goes to the log. Main thread. */
bool live_proc_is_foreign(const struct gyr_host *host);

/** Tells of no process: those of a container are of no use, as their numbers are others'. */
extern const struct proc_teller live_nobody;

#endif /* LIVE_MACHINE_H */
