/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file functions.h
 * @brief The kernel's functions behind its system calls, as far as a program can be attached.
 *
 * Which function a number leads to is written nowhere at run time, but the names follow rules that
 * have held since 4.17: what is found here may be more than the call's own (the function of a
 * narrow-id kin, say), never less without saying so.
 */
#ifndef EBPF_FUNCTIONS_H
#define EBPF_FUNCTIONS_H

#include <gyr/plugin.h>
#include <stdbool.h>
#include <stdint.h>

enum { FUNCTION_NAME_MAX = 96, FUNCTIONS_PER_CALL = 48 };

struct btf;
struct functions;

struct kernel_function {
    const char *name; /**< the types' own, while they live */
    uint32_t id;      /**< in the kernel's BTF */
    uint32_t proto;   /**< its prototype there; as a number it tells them apart */
    uint64_t address; /**< 0: the kernel does not tell it */
};

/** Which ways into the kernel a call is looked for in. */
enum way { WAY_NATIVE, WAY_COMPAT, WAY_X32 };

/** Those that @p btf describes and that take the registers. @p symbols: a file like
 *  /proc/kallsyms, of what the kernel has but may not describe; one that cannot be read tells of
 *  nothing. @p btf must live as long. @return 0; a negative errno with a sentence. */
int functions_new(const struct btf *btf, const char *symbols, struct functions **ret,
                  struct gyr_error *err);
void functions_free(struct functions *f); /**< NULL is fine */

const struct kernel_function *functions_find(const struct functions *f, const char *name);

/** The functions of a call by the schema's name; of those that are the same code always the same
 *  one. @p hidden gets the name of one that the kernel has
 *  and does not describe, or "". @return how many: none when the kernel has no such call. */
uint32_t functions_of_call(const struct functions *f, const char *call, enum way way,
                           const struct kernel_function *ret[FUNCTIONS_PER_CALL],
                           char hidden[FUNCTION_NAME_MAX]);

/** One that any kernel has, to see whether programs can be attached at all; NULL: there is none. */
const struct kernel_function *functions_any(const struct functions *f);

#endif /* EBPF_FUNCTIONS_H */
