/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file facts.h
 * @brief What the driver knows of itself, from /proc, before it makes its first told call.
 */
#ifndef LIVE_FACTS_H
#define LIVE_FACTS_H

#include "live.h"

#define FACT_MAX 4096

/** Texts are NUL-terminated; lists hold their NULs, with a length. */
struct facts {
    char exepath[FACT_MAX], folder[FACT_MAX]; /* of the program, as the kernel names it */
    char argv0[FACT_MAX];
    char args[FACT_MAX];
    size_t args_len;
    char cgroups[FACT_MAX];
    size_t cgroups_len; /* 0: not to be told from here */
    uint64_t cap_inheritable, cap_permitted, cap_effective;
    uint32_t loginuid, tty;
    int64_t pid, ppid, pgid;
    uint64_t fdlimit;
    bool has_x32; /* the kernel knows x32 calls */
};
extern struct facts facts;

/** @return 0; -1 with a message: it cannot be told from here (another PID namespace). */
int facts_learn(int argc, char **argv);

#endif /* LIVE_FACTS_H */
