/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file encoders.h
 * @brief Loading programs that encode calls, beside those that the probe was loaded with.
 */
#ifndef EBPF_ENCODERS_H
#define EBPF_ENCODERS_H

#include "probe.h"

enum { ENCODERS_MAX = 256 }; /**< numbers of encoders are bytes */

struct encoder_set {
    bool has[ENCODERS_MAX]; /**< by number */
};

/** Load the encoders of @p set and put each into its place of the program table @p array; they
 *  share every other map of the probe.
 *  @param function a kernel's function: they are for fexit on it, and on others of its prototype;
 *                  NULL: for the exit of every call.
 *  @return 0; a negative errno with a sentence. */
int encoders_load(const struct probe *p, const struct encoder_set *set, const char *function,
                  int array, struct gyr_error *err);

#endif /* EBPF_ENCODERS_H */
