/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file calls.h
 * @brief Which system calls are traced: from what rules and state want to the probe's switches.
 */
#ifndef LIVE_CALLS_H
#define LIVE_CALLS_H

#include "probe/abi.h"

#include <gyr/source.h>
#include <stdbool.h>
#include <stdint.h>

/** A system call of one way into the kernel. */
struct call_number {
    uint16_t nr, code, type; /**< native number, the schema's code, the type of its event */
};

/** The table of 64-bit calls, and of 32-bit ones. */
const struct call_number *calls_native(bool compat, uint32_t *ret_n);

/** The schema's name of a call, by its code. */
const char *calls_name(uint16_t code);

/** The number of encoders and the name of the program of number @p i, from 1. */
uint32_t calls_encoders(void);
const char *calls_program(uint32_t i);

/** Set the switches of @p conf: calls, hooks. @p w NULL: nothing is wanted.
 *  @return how many system calls of the 64-bit table are traced. */
uint32_t calls_want(struct probe_conf *conf, const struct gyr_want *w);

#endif /* LIVE_CALLS_H */
