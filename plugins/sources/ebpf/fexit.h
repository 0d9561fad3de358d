/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file fexit.h
 * @brief The probe attached to the functions of single system calls, where the kernel has
 * trampolines.
 *
 * A function gets the same two arguments as the hook at the exit of every call, so the program that
 * looks a call's number up is loaded once more for each. Encoders are loaded again too: a table of
 * programs takes only those of one prototype.
 */
#ifndef EBPF_FEXIT_H
#define EBPF_FEXIT_H

#include "live/calls.h"

struct probe;
struct fexit;

/** @return 0; a negative errno and why this kernel cannot. */
int fexit_new(const struct probe *p, struct fexit **ret, struct gyr_error *err);
void fexit_free(struct fexit *f); /**< NULL is fine; from its beginning on nothing is traced */

/** Attach to the functions of what @p conf traces, then detach from the rest.
 *  @param all a call that cannot be attached to fails; else it is told as a warning.
 *  @return 0; a negative errno with a sentence: then nothing has changed. */
int fexit_want(struct fexit *f, const struct probe_conf *conf, bool all, struct gyr_error *err);

#endif /* EBPF_FEXIT_H */
