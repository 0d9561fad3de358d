/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file report.h
 * @brief What became of tests: lines for a reader, TAP, JUnit's XML. Main thread.
 */
#ifndef TEST_REPORT_H
#define TEST_REPORT_H

#include "base/buf.h"

#include <stdint.h>
#include <stdio.h>

enum report_form { REPORT_LINES, REPORT_TAP };

struct report {
    FILE *out;
    enum report_form form;
    bool color, quiet; /**< quiet: lines of failed tests only */
    struct buf junit;  /**< grows if has_junit */
    bool has_junit;
    uint32_t passed, failed;
    uint64_t ns;
};

void report_begin(struct report *r, FILE *out, enum report_form form, bool junit, bool color,
                  bool quiet);
/** @param path, line where the test stands. @param why NULL: it passed; else lines about it. */
void report_test(struct report *r, const char *path, uint32_t line, const char *name,
                 const char *why, uint64_t ns);
/** The sums. */
void report_end(struct report *r);
/** @return 0; a negative errno. */
int report_write_junit(struct report *r, const char *path);
void report_free(struct report *r);

#endif /* TEST_REPORT_H */
