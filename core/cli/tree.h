/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file tree.h
 * @brief A condition as a tree, one part a line, and for an event how each part came out. Any
 * thread, but with a trace on its own.
 */
#ifndef CLI_TREE_H
#define CLI_TREE_H

#include "base/buf.h"
#include "engine/trace.h"

/** @param t at an event; NULL: the condition alone. */
void tree_print(struct buf *b, const struct node *condition, struct trace *t);

#endif /* CLI_TREE_H */
