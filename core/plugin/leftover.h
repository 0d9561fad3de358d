/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file leftover.h
 * @brief What a plugin took in create() and start() and has not given back when it is destroyed:
 * threads that it made by itself, and much memory. Main thread.
 */
#ifndef PLUGIN_LEFTOVER_H
#define PLUGIN_LEFTOVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { LEFTOVER_TASKS = 1024, LEFTOVER_STRAYS = 16 };

/** Of one instance; zero at first. */
struct leftover {
    int64_t heap; /**< bytes in use after create() more than before, less what destroy() freed */
    bool heap_unknown;             /**< others ran meanwhile, and may have taken some */
    pid_t strays[LEFTOVER_STRAYS]; /**< threads that appeared in create() and start() */
    uint32_t n_strays;
};

/** The process as it is before a call. */
struct leftover_mark {
    uint64_t heap;
    pid_t tasks[LEFTOVER_TASKS];
    uint32_t n_tasks;
};

void leftover_mark(struct leftover_mark *m);
/** After create() or start(). @p ours: threads made by the host, in @p n. */
void leftover_took(struct leftover *l, const struct leftover_mark *m, const pid_t *ours,
                   uint32_t n);
/** After create() and, with the sign turned, after destroy(). */
void leftover_heap(struct leftover *l, const struct leftover_mark *m);
/** After destroy(): say what is left. @p area for the log: "plugin NAME". */
void leftover_tell(const struct leftover *l, const char *area);

#endif /* PLUGIN_LEFTOVER_H */
