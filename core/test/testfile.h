/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file testfile.h
 * @brief A file of rule tests as read: what is given, what happens, which alerts are expected.
 *
 * A file is a list. An item with `test` is a test; one with `defaults` says what the tests after it
 * have besides their own words. What is given and what happens is only carried along: a source
 * makes events of it (see describe.h). Main thread; all of it lives in the arena given.
 */
#ifndef TEST_TESTFILE_H
#define TEST_TESTFILE_H

#include "base/yaml.h"

enum { TESTS_MAX = 100000, TEST_GIVENS_MAX = 16 };

/** A field that an alert must have. */
struct test_field {
    const char *name, *value; /**< value NULL: it must be absent */
    const struct ynode *node; /**< of the name */
    struct loc loc;
};

/** A text to be met: as it is, or by a regular expression for the whole. */
struct test_text {
    const char *text; /**< NULL: anything */
    struct regex *regex;
    struct loc loc;
};

struct test_expect {
    struct loc loc;
    const char *rule;
    const struct ynode *rule_node;
    uint32_t min, max; /**< how many alerts */
    uint32_t priority; /**< UINT32_MAX: any */
    struct test_text output;
    struct test_field *fields;
    uint32_t n_fields;
};

/** Rules that must stay silent. */
struct test_none {
    bool all; /**< all but those expected */
    const char **rules;
    struct loc *locs;
    uint32_t n;
};

/** Rules tested with, besides: lists and macros of the test's own. */
struct test_rules {
    const char **paths; /**< NULL: as the command line or the configuration says */
    uint32_t n_paths;
    const char *more; /**< a rule file; NULL: none */
};

struct test {
    const char *name;
    struct loc loc;
    struct test_rules rules;
    const struct ynode *lists[2], *macros[2];   /**< of the defaults and its own; NULL: none */
    const struct ynode *given[TEST_GIVENS_MAX]; /**< the later adds to the earlier */
    uint32_t n_given;
    const struct ynode *when; /**< NULL: it has a capture */
    const char *capture;
    struct test_expect *expect;
    uint32_t n_expect;
    bool in_order;
    struct test_none none;
};

struct testfile {
    const char *path;
    struct test *tests;
    uint32_t n;
};

/** Tells @p d everything that is wrong. @return 0; -EINVAL; -ENOMEM. */
int testfile_load(const char *path, struct arena *arena, struct diags *d, struct testfile *ret);
/** The same from a text (fuzzers, tests). */
int testfile_parse(const char *path, const char *text, size_t len, struct arena *arena,
                   struct diags *d, struct testfile *ret);
/** What is not in the arena. */
void testfile_release(struct testfile *f);

#endif /* TEST_TESTFILE_H */
