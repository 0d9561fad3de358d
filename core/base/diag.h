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
    bool veiled;  /**< values in it may be secrets: only those that a message is about are shown */
};

/** A place in a file. */
struct loc {
    const struct source_file *file; /**< NULL: no place (a flag, a built-in default) */
    uint32_t line, col;             /**< from 1; col counts characters. 0: the file as a whole */
};

enum severity { SEV_ERROR, SEV_WARNING, SEV_INFO };

/** What kind of warning it is: may be silenced by name, so names stay. docs/rules.md has them. */
enum diag_code {
    DIAG_NONE, /**< of errors */
    DIAG_BAD_NAME,
    DIAG_CONTRADICTION,
    DIAG_DEPRECATED,
    DIAG_EMPTY_LIST,
    DIAG_EXCEPTION,
    DIAG_FIELD_AS_TEXT,
    DIAG_IDLE_ENRICHER,
    DIAG_IGNORED_ITEM,
    DIAG_LEFT_OUT,
    DIAG_MORE_PROBLEMS,
    DIAG_NEAR_LIST,
    DIAG_NEEDS_RESTART,
    DIAG_NEVER_MATCHES,
    DIAG_NO_EVENT_TYPE,
    DIAG_NO_EQUIVALENT,
    DIAG_OUTPUT_TEXT,
    DIAG_OVERRIDES,
    DIAG_REDEFINED,
    DIAG_SELECTS_NOTHING,
    DIAG_SHADOWED_EXCEPTION,
    DIAG_UNKNOWN_EVENT,
    DIAG_UNKNOWN_KEY,
    DIAG_UNUSED_LIST,
    DIAG_UNUSED_MACRO,
    DIAG_CODE_MAX
};

struct diag {
    struct diag *next;
    struct loc loc;
    enum severity severity;
    enum diag_code code;
    const char *text; /**< one sentence, hint included */
};

/** Zero is empty and ready but for the arena. Holds at most DIAGS_MAX; the rest is only counted. */
struct diags {
    struct arena *arena; /**< where texts live; set by who makes it */
    struct diag *first, **last;
    uint32_t n_errors, n_warnings, n_infos, n;
    uint64_t silenced; /**< bits of diag_code: not told and not counted */
    bool veils;        /**< files that are parsed meanwhile are veiled */
    bool lint;         /**< what is right but suspicious is told, too, and SEV_INFO */
};

enum { DIAGS_MAX = 1000 };

void diags_init(struct diags *d, struct arena *arena);
__attribute__((format(printf, 5, 6))) void diag_add(struct diags *d, enum severity sev,
                                                    enum diag_code code, struct loc loc,
                                                    const char *fmt, ...);
#define diag_error(d, loc, ...)         diag_add((d), SEV_ERROR, DIAG_NONE, (loc), __VA_ARGS__)
#define diag_warning(d, code, loc, ...) diag_add((d), SEV_WARNING, (code), (loc), __VA_ARGS__)
/** Told only where d->lint. */
#define diag_info(d, code, loc, ...) diag_add((d), SEV_INFO, (code), (loc), __VA_ARGS__)
/** "unused-list"; "" for DIAG_NONE. */
const char *diag_code_name(enum diag_code code);
/** The code of that name, or -1. */
int diag_code_find(const char *name);
/** "error", "warning", "info". */
const char *diag_severity_name(enum severity s);
/** "; did you mean 'x'?" or "", for the end of a message. In the diags' arena. */
const char *diag_hint(struct diags *d, const char *best);
/** Copy the files that messages point into to the diags' arena. Before the arena in which a file
 *  was parsed is freed. */
void diags_keep_files(struct diags *d);
/** Where the word that a finding points at ends: the column behind it; 0: no line is known. */
uint32_t diag_end_col(const struct loc *loc);
/** All of them, file by file as each came first, by line and column in each. @return how many. */
uint32_t diags_in_order(const struct diags *d, const struct diag *ret[DIAGS_MAX]);
/** Print them in that order, each with its line and a caret. */
void diags_print(const struct diags *d, FILE *f, bool color);

#endif /* BASE_DIAG_H */
