/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/leftover.h"

#include "base/log.h"
#include "base/num.h"

#include <dirent.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Less than this may be a cache that a library keeps for good. */
enum { HEAP_TOLD = 1 << 20, GONE_TRIES = 50 };

static uint64_t heap_in_use(void)
{
    struct mallinfo2 m = mallinfo2();

    return (uint64_t)m.uordblks + m.hblkhd;
}

static uint32_t list_tasks(pid_t *list)
{
    DIR *d = opendir("/proc/self/task");
    uint32_t n = 0;

    for (const struct dirent *e; d && n < LEFTOVER_TASKS && (e = readdir(d));) {
        uint64_t id;

        if (parse_u64(e->d_name, strlen(e->d_name), &id) == 0)
            list[n++] = (pid_t)id;
    }
    if (d)
        (void)closedir(d);
    return n;
}

static bool has(const pid_t *list, uint32_t n, pid_t id)
{
    for (uint32_t i = 0; i < n; i++)
        if (list[i] == id)
            return true;
    return false;
}

void leftover_mark(struct leftover_mark *m)
{
    m->n_tasks = list_tasks(m->tasks);
    m->heap = heap_in_use();
}

void leftover_took(struct leftover *l, const struct leftover_mark *m, const pid_t *ours, uint32_t n)
{
    pid_t now[LEFTOVER_TASKS];
    uint32_t n_now = list_tasks(now);

    for (uint32_t i = 0; i < n_now && l->n_strays < LEFTOVER_STRAYS; i++)
        if (!has(m->tasks, m->n_tasks, now[i]) && !has(ours, n, now[i]))
            l->strays[l->n_strays++] = now[i];
}

void leftover_heap(struct leftover *l, const struct leftover_mark *m)
{
    l->heap_unknown = l->heap_unknown || m->n_tasks > 1 + l->n_strays;
    l->heap += (int64_t)heap_in_use() - (int64_t)m->heap;
}

/* One that was joined may take a moment. */
static bool is_gone(pid_t id)
{
    const struct timespec nap = {.tv_nsec = 10000000};
    char path[64];

    (void)snprintf(path, sizeof(path), "/proc/self/task/%d", id);
    for (int i = 0; i < GONE_TRIES; i++) {
        if (access(path, F_OK) < 0)
            return true;
        (void)nanosleep(&nap, NULL);
    }
    return false;
}

void leftover_tell(const struct leftover *l, const char *area)
{
    for (uint32_t i = 0; i < l->n_strays; i++)
        if (!is_gone(l->strays[i]))
            log_error(area, "destroy() has left the thread %d running, which it started by itself",
                      l->strays[i]);
    if (!l->heap_unknown && l->heap > HEAP_TOLD)
        log_error(area,
                  "destroy() has not given back %lld bytes of memory that create() took: it leaks",
                  (long long)l->heap);
}
