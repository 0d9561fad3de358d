/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file fexit.h
 * @brief The encoders attached to single system calls, where the kernel has trampolines.
 *
 * The functions behind the numbers (__x64_sys_openat, __ia32_sys_openat, …) get the same two
 * arguments as the hook at the exit of every call, so the programs are loaded again as they are.
 */
#ifndef EBPF_FEXIT_H
#define EBPF_FEXIT_H

#include "calls.h"

struct probe;
struct fexit;

/** @return 0; a negative errno and why this kernel cannot. */
int fexit_new(struct probe *p, struct fexit **ret, struct gyr_error *err);
void fexit_free(struct fexit *f); /**< NULL is fine */

/** Attach what @p conf traces and is not attached, then detach the rest.
 *  @return 0; a negative errno with a sentence: then nothing was detached. */
int fexit_want(struct fexit *f, const struct probe_conf *conf, struct gyr_error *err);

#endif /* EBPF_FEXIT_H */
