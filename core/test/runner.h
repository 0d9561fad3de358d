/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file runner.h
 * @brief Runs tests: each with instances of its own, so that it starts from nothing; with rules
 * that are loaded once for all tests that have the same.
 *
 * Main thread. A pipeline without outputs does the work, on its own thread, while we wait.
 */
#ifndef TEST_RUNNER_H
#define TEST_RUNNER_H

#include "pipeline/pipeline.h"
#include "test/coverage.h"
#include "test/testfile.h"

/** An alert, copied. */
struct test_alert {
    const char *rule, *text;
    uint32_t priority;
    uint64_t num; /**< of its event */
    struct {
        const char *name, *value; /**< value NULL: absent */
    } * fields;
    uint32_t n_fields;
    bool taken; /**< expected by somebody (compare.c) */
};

/** What a test came to. */
struct test_result {
    struct arena *arena; /**< of everything here */
    struct test_alert *alerts;
    uint32_t n_alerts, cap_alerts;
    uint64_t events; /**< that rules saw */
    /** By expectation: why its rule did not fire, as lines; NULL: not asked, or it did. */
    const char **why;
};

struct runner;

struct runner_conf {
    const struct config *config; /**< enrichers, rules where a test names none */
    struct plugins *plugins;
    struct coverage *coverage; /**< NULL: not wanted */
};

/** @return 0; -ENOMEM. */
int runner_new(const struct runner_conf *conf, struct runner **ret);
void runner_free(struct runner *r); /**< NULL is fine */

/** Run one test. @param explain fill ret->why. @p ret is to be released in any case.
 *  @return 0; -EINVAL after telling @p d what is wrong with the test; -ENOEXEC: with its rules,
 * which others may have too; -ENOMEM. */
int runner_run(struct runner *r, const struct test *t, bool explain, struct diags *d,
               struct test_result *ret);
void test_result_release(struct test_result *r);

/** The rules of the last test. */
const struct ruleset *runner_rules(const struct runner *r);

#endif /* TEST_RUNNER_H */
