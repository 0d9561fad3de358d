/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file diag.h
 * @brief What is wrong in a file a user wrote: where, what, and what was probably meant.
 *
 * Printed as   rules.yaml:12:18: error: unknown field 'proc.nam'; did you mean 'proc.name'?
 * then the line of the file and a caret. Not shared between threads.
 */
#ifndef BASE_DIAG_H
#define BASE_DIAG_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/** The text of a file, kept for messages. */
struct source_file {
    const char *path; /**< as the user named it */
    const char *text;
    size_t len;
    bool lasting; /**< lives as long as the messages: see diags_keep_files() */
};

/** A place in a file. */
struct loc {
    const struct source_file *file; /**< NULL: no place (a flag, a built-in default) */
    uint32_t line, col;             /**< from 1; col counts characters. 0: the file as a whole */
};

enum severity { SEV_ERROR, SEV_WARNING };

struct diag {
    struct diag *next;
    struct loc loc;
    enum severity severity;
    const char *text; /**< one sentence, hint included */
};

/** Zero is empty and ready but for the arena. Holds at most DIAGS_MAX; the rest is only counted. */
struct diags {
    struct arena *arena; /**< where texts live; set by who makes it */
    struct diag *first, **last;
    uint32_t n_errors, n_warnings, n;
};

enum { DIAGS_MAX = 1000 };

void diags_init(struct diags *d, struct arena *arena);
__attribute__((format(printf, 4, 5))) void diag_add(struct diags *d, enum severity sev,
                                                    struct loc loc, const char *fmt, ...);
#define diag_error(d, loc, ...)   diag_add((d), SEV_ERROR, (loc), __VA_ARGS__)
#define diag_warning(d, loc, ...) diag_add((d), SEV_WARNING, (loc), __VA_ARGS__)
/** "; did you mean 'x'?" or "", for the end of a message. In the diags' arena. */
const char *diag_hint(struct diags *d, const char *best);
/** Copy the files that messages point into to the diags' arena. Before the arena in which a file
 *  was parsed is freed. */
void diags_keep_files(struct diags *d);
/** All of them, in the order added; with the line and a caret. */
void diags_print(const struct diags *d, FILE *f, bool color);

#endif /* BASE_DIAG_H */
