/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file program.h
 * @brief What runs in a process: told in words of a given process, of exec and of run. One thread.
 */
#ifndef SCENARIO_PROGRAM_H
#define SCENARIO_PROGRAM_H

#include "world.h"

struct sc_program {
    const char *path;     /**< of the program itself, no link */
    const char *filename; /**< as execve() was asked for it */
    const char *argv0, *comm;
    struct sc_bytes args; /**< behind argv[0] */
    struct sc_bytes env;
    uint32_t exe_flags;
    uint64_t ctime_ns;
    bool has_env;
};

/** The keys of a program, ended by NULL. */
extern const char *const sc_program_keys[];

/** Bits of exe_flags, as execve's `flags` has them. */
enum { SC_EXE_WRITABLE = 1, SC_EXE_UPPER = 2, SC_EXE_MEMFD = 4, SC_EXE_LOWER = 8 };

/** @param n a command line, or a mapping whose keys are checked elsewhere. @param p who runs it:
 *  its rights and container decide what is not told. @return 0; negative with w->err. */
int sc_program_read(struct sc_world *w, const json_t *n, const struct sc_proc *p,
                    struct sc_program *ret);
/** The process runs it from now on. */
void sc_program_run(struct sc_proc *p, const struct sc_program *g);

/** A command line or a list of texts: each ended by a NUL. */
int sc_texts(struct sc_world *w, const json_t *n, struct sc_bytes *ret);
/** yes, true, on and their opposites. */
int sc_bool(struct sc_world *w, const json_t *n, bool *ret);
/** Capabilities: a list of names, "all", "none", or a number. */
int sc_caps(struct sc_world *w, const json_t *n, uint64_t *ret);
/** "250ms", "5s", "2h", "30d", a number of nanoseconds. */
int sc_duration(struct sc_world *w, const json_t *n, uint64_t *ret);

#endif /* SCENARIO_PROGRAM_H */
