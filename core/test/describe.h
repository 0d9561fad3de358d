/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file describe.h
 * @brief What a test gives and what happens in it, handed to a source plugin that knows the words.
 *
 * The core knows nothing of processes and files. It passes the user's own tree on as JSON in which
 * every word has its place: ["text", line, column]; {"at": [line, column], "list": […]}; {"at": …,
 * "map": [key, value, key, value, …]}. What is wrong with it the plugin says with the place in
 * front, "line 3, column 7: …", and the user sees it in their own file. Any thread.
 */
#ifndef TEST_DESCRIBE_H
#define TEST_DESCRIBE_H

#include "test/testfile.h"

/** {"map": ["given", [...], "when", [...]]}. @return a text to free(); NULL: no memory, or larger
 *  than 16 MiB. */
char *describe_test(const struct test *t);
/** One that gives and does nothing. */
extern const char describe_nothing[];
/** Tell @p d what the plugin said, at its place in the test's file. */
void describe_error(const struct test *t, const char *msg, struct diags *d);

#endif /* TEST_DESCRIBE_H */
