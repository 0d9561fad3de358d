/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file pred_rows.h
 * @brief Comparisons written as table rows, compiled and tested. Values are text: "(a|b)" is a
 * list. For tests.
 */
#ifndef TESTS_PRED_ROWS_H
#define TESTS_PRED_ROWS_H

#include "engine/pred.h"

struct row {
    uint32_t type;
    const char *lhs;
    enum cmp_op op;
    enum cmp_mod mod;
    const char *rhs;
    int want; /* 1, 0; -1: refused when compiled */
};

#define S    GYR_T_STR
#define B    GYR_T_BYTES
#define U    GYR_T_U64
#define I    GYR_T_I64
#define D    GYR_T_DOUBLE
#define IP   GYR_T_IP
#define NET  GYR_T_NET
#define BOOL GYR_T_BOOL
#define TIME GYR_T_TIME
#define DUR  GYR_T_DURATION
#define NO   MOD_NONE

/** "x" or "(x|y)" as a value, and as the right side of a comparison. */
struct gyr_value make_value(struct arena *a, uint32_t type, const char *s);
struct expr *make_rhs(struct arena *a, uint32_t type, const char *s);
/** Fails the running test where a row does not hold. @param lhs_is_list declared as a list. */
void check_rows(const struct row *t, size_t n, bool lhs_is_list);

#endif /* TESTS_PRED_ROWS_H */
