/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file language.h
 * @brief The rule language as a table: a rule text, the values that an event has, and which rules
 * match, or the message and place of its refusal. For tests.
 *
 * Rules are loaded against the real "syscall" schema; the values come from the row. A field the
 * row does not name is absent.
 */
#ifndef TESTS_LANGUAGE_H
#define TESTS_LANGUAGE_H

#include <stddef.h>

struct lang_row {
    /** A condition: of the one rule, T, in line 4 from column 5 on. Or, when it begins with "- ",
     *  a whole rules file. */
    const char *text;
    /** "proc.name=cat; fd.types=(file|pipe); fd.sip=10.0.0.1; proc.aname[2]=sh". A value is what
     *  stands between '=' and "; ". Bytes are in hexadecimal. Without '=' it is absent. */
    const char *values;
    /** Names of the rules that match, joined by ' '; or, after '!', the messages without "error: ",
     *  joined by '\n': "!4:15: expected …". */
    const char *want;
};

/** Fails the running test, naming every row that does not hold. Rows are counted. */
void lang_check(const struct lang_row *rows, size_t n);
#define LANG_CHECK(rows) lang_check((rows), sizeof(rows) / sizeof((rows)[0]))

/** How many rows this program has checked. */
size_t lang_count(void);

#endif /* TESTS_LANGUAGE_H */
