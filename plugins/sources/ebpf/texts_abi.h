/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/**
 * @file texts_abi.h
 * @brief What the program that reads arguments and environments shares with who runs it.
 */
#ifndef EBPF_TEXTS_ABI_H
#define EBPF_TEXTS_ABI_H

#include <linux/types.h>

enum { TEXTS_MAX = 4096 }; /* of each: more is cut off */

struct texts_run {
    __s32 pid;               /**< in: in the first PID namespace */
    __u32 args_len, env_len; /**< out; 0: none, or not to be read */
};

#endif /* EBPF_TEXTS_ABI_H */
