/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file container.h
 * @brief The container a thread is in, told from its control groups. No state.
 *
 * Only the places where runtimes put containers count, never just any group with a hexadecimal
 * name.
 */
#ifndef PROCESS_CONTAINER_H
#define PROCESS_CONTAINER_H

#include "store.h"

enum { PR_CONTAINER_SHORT = 12 };

/** @param cgroups elements "subsystem=path" with a NUL between them.
 *  @return the whole id within @p cgroups; len 0: in none. */
struct pr_text pr_container_of(struct pr_text cgroups);

/** The id of one path. */
struct pr_text pr_container_of_path(struct pr_text path);

#endif /* PROCESS_CONTAINER_H */
