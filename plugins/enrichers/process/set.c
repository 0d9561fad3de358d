/* SPDX-License-Identifier: Apache-2.0 */
/* Members of threads and descriptors that need work before they are kept. */
#include "container.h"
#include "paths.h"
#include "state.h"

#include <string.h>

enum { CGROUPS_MAX = 8192 };

void pr_set(struct pr_state *s, struct pr_str **at, struct pr_text t)
{
    pr_str_set(&s->store, at, t.p, t.len);
}

void pr_set_exepath(struct pr_state *s, struct pr_thread *th, struct pr_text path)
{
    static const char gone[] = " (deleted)";
    const uint32_t n = sizeof(gone) - 1;

    if (path.len > n && memcmp(path.p + path.len - n, gone, n) == 0)
        path.len -= n;
    pr_set(s, &th->exepath, path);
}

/* Recorders of old told it in the enter event: execve()'s path is the parameter "filename" now,
 * that of execveat() has been resolved. An execveat() that succeeds may return as execve(). */
void pr_set_exepath_told(struct pr_state *s, struct pr_thread *th, const struct gyr_event *ev)
{
    struct pr_text name = {"", 0};
    char out[PR_PATH_MAX];

    if (th->exec_at) {
        pr_str_share(&s->store, &th->exepath, th->exec_at);
        return;
    }
    if (ev->type == EV_SYSCALL_EXECVE_19_X)
        name = pr_param_text_of(ev, P_SYSCALL_EXECVE_19_X__filename);
    if (name.len && !pr_text_is(name, "<NA>"))
        pr_str_set(&s->store, &th->exepath, out, pr_path_join(out, pr_cwd_of(th), name));
    else if (name.len)
        pr_set(s, &th->exepath, name);
}

void pr_set_cwd(struct pr_state *s, struct pr_thread *th, struct pr_text path)
{
    struct pr_thread *at = pr_fs_of(th);
    char out[PR_PATH_MAX + 1];
    uint32_t n;

    if (!at)
        return;
    n = pr_path_join(out, pr_text_of(at->cwd), path);
    if (n == 0 || out[n - 1] != '/')
        out[n++] = '/';
    pr_str_set(&s->store, &at->cwd, out, n);
    for (struct pr_link *l = at->same_fs.next; l != &at->same_fs; l = l->next)
        pr_str_share(&s->store, &pr_thread_with_fs(l)->cwd, at->cwd);
}

/* The kernel's name of a subsystem is not what rules know it as. */
static struct pr_text subsystem(struct pr_text t)
{
    static const struct {
        const char *told, *name;
    } other[] = {{"perf", "perf_event"}, {"mem", "memory"}, {"io", "blkio"}};
    static const char suffix[] = "_cgroup";
    const uint32_t n = sizeof(suffix) - 1;

    if (t.len >= n && memcmp(t.p + t.len - n, suffix, n) == 0)
        t.len -= n;
    for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++)
        if (pr_text_is(t, other[i].told))
            return (struct pr_text){other[i].name, (uint32_t)strlen(other[i].name)};
    return t;
}

static bool add(char *out, uint32_t *n, struct pr_text t)
{
    if (t.len > CGROUPS_MAX - *n)
        return false;
    memcpy(out + *n, t.p, t.len);
    *n += t.len;
    return true;
}

/* An element that is none, without a '=', makes the whole unusable: the old ones stay. */
void pr_set_cgroups(struct pr_state *s, struct pr_thread *th, struct pr_text told)
{
    char out[CGROUPS_MAX];
    uint32_t n = 0;
    struct pr_text id;

    for (uint32_t i = 0; i < told.len;) {
        const char *p = told.p + i;
        uint32_t len = (uint32_t)strnlen(p, told.len - i);
        const char *eq = memchr(p, '=', len);
        struct pr_text rest;

        if (!eq)
            return;
        rest = (struct pr_text){eq, (uint32_t)(p + len - eq)};
        if (i && !add(out, &n, (struct pr_text){"", 1}))
            break;
        if (!add(out, &n, subsystem((struct pr_text){p, (uint32_t)(eq - p)})) ||
            !add(out, &n, rest))
            break;
        i += len + 1;
    }
    pr_str_set(&s->store, &th->cgroups, out, n);
    id = pr_container_of((struct pr_text){out, n});
    pr_set(s, &th->container, id);
}
