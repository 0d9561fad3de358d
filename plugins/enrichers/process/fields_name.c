/* SPDX-License-Identifier: Apache-2.0 */
/* What programs are called: names, command lines, environment; of a process and its ancestors. */
#include "fields.h"

enum { ANCESTORS_MAX = 256, ENV_LEVELS = 20 };

static void join(char *out, struct pr_text t)
{
    for (uint32_t i = 0; i < t.len; i++)
        out[i] = t.p[i] ? t.p[i] : ' ';
}

int pr_joined(const struct pr_ask *a, struct pr_text t, struct gyr_value *ret)
{
    char *out;

    if (!memchr(t.p, 0, t.len))
        return pr_text(t, ret);
    out = pr_alloc(a->s, t.len);
    if (!out)
        return GYR_ABSENT;
    join(out, t);
    *ret = gyr_str(out, t.len);
    return GYR_PRESENT;
}

/* First word, blank, arguments. Without arguments the blank stays only for @p blank. */
static int line(const struct pr_ask *a, const struct pr_str *first, const struct pr_str *args,
                bool blank, struct gyr_value *ret)
{
    struct pr_text f = pr_text_of(first), g = pr_text_of(args);
    char *out;

    if (!g.len && !blank)
        return pr_text(f, ret);
    out = pr_alloc(a->s, (size_t)f.len + 1 + g.len);
    if (!out)
        return GYR_ABSENT;
    memcpy(out, f.p, f.len);
    out[f.len] = ' ';
    join(out + f.len + 1, g);
    *ret = gyr_str(out, (size_t)f.len + 1 + g.len);
    return GYR_PRESENT;
}

/* Element @p i of strings with a NUL between them. */
static struct pr_text element(struct pr_text t, uint32_t i)
{
    for (uint32_t at = 0; at < t.len; i--) {
        uint32_t len = (uint32_t)strnlen(t.p + at, t.len - at);

        if (i == 0)
            return (struct pr_text){t.p + at, len};
        at += len + 1;
    }
    return (struct pr_text){"", 0};
}

static uint32_t count(struct pr_text t)
{
    uint32_t n = t.len != 0;

    for (uint32_t i = 0; i < t.len; i++)
        n += t.p[i] == 0;
    return n;
}

/* ---- environment: the main thread has it ---- */

static struct pr_text env_of(struct pr_thread *th)
{
    struct pr_thread *main = pr_thread_main(th);

    return pr_text_of(main ? main->env : th->env);
}

/* The value of a variable, without blanks around it. */
static struct pr_text variable(struct pr_text env, const struct pr_binding *b)
{
    struct pr_text none = {"", 0};

    for (uint32_t at = 0; at < env.len;) {
        const char *p = env.p + at;
        uint32_t len = (uint32_t)strnlen(p, env.len - at), skip = b->key_len + 1;

        at += len + 1;
        if (len <= skip || p[b->key_len] != '=' || memcmp(p, b->key, b->key_len) != 0)
            continue;
        p += skip;
        len -= skip;
        for (; len && *p == ' '; p++)
            len--;
        for (; len && p[len - 1] == ' '; len--)
            ;
        return (struct pr_text){p, len};
    }
    return none;
}

static int ancestor_env(const struct pr_ask *a, struct pr_thread *th, struct gyr_value *ret)
{
    struct pr_thread *up = pr_thread_main(th);
    struct pr_text found = {"", 0};

    if (!up)
        return pr_text(found, ret);
    if (a->b->key_len) {
        for (int i = 0; i < ENV_LEVELS && up && !found.len; i++) {
            up = pr_thread_find(&a->s->threads, up->ptid);
            if (up)
                found = variable(env_of(up), a->b);
        }
        return pr_text(found, ret);
    }
    if (a->b->index < 1)
        return pr_joined(a, env_of(th), ret);
    for (int32_t i = 0; i < a->b->index && up; i++)
        up = pr_thread_find(&a->s->threads, up->ptid);
    return up ? pr_joined(a, env_of(up), ret) : GYR_ABSENT;
}

/* ---- one process ---- */

static int of_thread(const struct pr_ask *a, uint32_t id, struct pr_thread *th,
                     struct gyr_value *ret)
{
    struct pr_text args = pr_text_of(th->args);

    switch (id) {
    case N_EXE:
        return pr_string(th->exe, ret);
    case N_EXEPATH:
        return pr_string(th->exepath, ret);
    case N_NAME:
        return pr_string(th->comm, ret);
    case N_ARGS:
        if (a->b->index >= 0 && a->b->field->id == N_ARGS)
            return pr_text(element(args, (uint32_t)a->b->index), ret);
        return pr_joined(a, args, ret);
    case N_CMDLINE:
        return line(a, th->comm, th->args, false, ret);
    case N_EXELINE:
        return line(a, th->exe, th->args, true, ret);
    case N_CMDNARGS:
        return pr_num(a, count(args), ret);
    case N_CMDLENARGS:
        return pr_num(a, args.len ? args.len + 1 - count(args) : 0, ret);
    case N_ENV:
        if (a->b->key_len)
            return pr_text(variable(env_of(th), a->b), ret);
        return pr_joined(a, env_of(th), ret);
    case N_CWD:
        return pr_text(pr_cwd_of(th), ret);
    default:
        return GYR_ABSENT;
    }
}

/* What each field tells of which process. */
static const struct {
    uint8_t what; /* N_* of the process itself */
    bool is_parent, is_ancestor;
} about[] = {
    [N_EXE] = {N_EXE, false, false},           [N_PEXE] = {N_EXE, true, false},
    [N_AEXE] = {N_EXE, false, true},           [N_EXEPATH] = {N_EXEPATH, false, false},
    [N_PEXEPATH] = {N_EXEPATH, true, false},   [N_AEXEPATH] = {N_EXEPATH, false, true},
    [N_NAME] = {N_NAME, false, false},         [N_PNAME] = {N_NAME, true, false},
    [N_ANAME] = {N_NAME, false, true},         [N_ARGS] = {N_ARGS, false, false},
    [N_AARGS] = {N_ARGS, false, true},         [N_CMDLINE] = {N_CMDLINE, false, false},
    [N_PCMDLINE] = {N_CMDLINE, true, false},   [N_ACMDLINE] = {N_CMDLINE, false, true},
    [N_CMDNARGS] = {N_CMDNARGS, false, false}, [N_CMDLENARGS] = {N_CMDLENARGS, false, false},
    [N_EXELINE] = {N_EXELINE, false, false},   [N_ENV] = {N_ENV, false, false},
    [N_CWD] = {N_CWD, false, false},
};

/* As an output shows a list of texts: separated by blanks. */
static int in_one_line(const struct pr_ask *a, const struct gyr_value *list, uint32_t n,
                       struct gyr_value *ret)
{
    size_t len = 0, at = 0;
    char *p;

    for (uint32_t i = 0; i < n; i++)
        len += list[i].len + 1u;
    p = pr_alloc(a->s, len);
    if (!p)
        return GYR_ABSENT;
    for (uint32_t i = 0; i < n; i++) {
        if (list[i].len)
            memcpy(p + at, list[i].u.ptr, list[i].len);
        at += list[i].len;
        p[at++] = ' ';
    }
    *ret = gyr_str(p, at - 1);
    return GYR_PRESENT;
}

/* Without a number an ancestor's field is a list of all of them. */
static int of_all(const struct pr_ask *a, uint32_t what, struct pr_thread *th,
                  struct gyr_value *ret)
{
    struct gyr_value *list;
    struct pr_thread *up, *main = pr_thread_main(th);
    struct pr_walk w;
    uint32_t n = 0;

    if (!main)
        return GYR_ABSENT;
    pr_walk_begin(&w, &a->s->threads, main);
    while (n < ANCESTORS_MAX && pr_walk_next(&w))
        n++;
    list = n ? (void *)pr_alloc(a->s, n * sizeof(*list)) : NULL;
    if (!list)
        return GYR_ABSENT;
    pr_walk_begin(&w, &a->s->threads, main);
    for (uint32_t i = 0; i < n && (up = pr_walk_next(&w)); i++)
        if (of_thread(a, what, up, &list[i]) != GYR_PRESENT)
            list[i] = gyr_str("", 0);
    *ret = (struct gyr_value){.type = GYR_T_LIST, .len = n, .u.ptr = list};
    return a->b->is_list ? GYR_PRESENT : in_one_line(a, list, n, ret);
}

int pr_get_name(const struct pr_ask *a, struct gyr_value *ret)
{
    struct pr_thread *th = a->now->thread;
    uint32_t id = a->b->field->id, up = 0;

    if (!th)
        return GYR_ABSENT;
    if (id == N_AENV)
        return ancestor_env(a, th, ret);
    if (about[id].is_parent)
        up = 1;
    if (about[id].is_ancestor) {
        if (a->b->index < 0)
            return of_all(a, about[id].what, th, ret);
        up = (uint32_t)a->b->index;
    }
    if (about[id].is_parent || about[id].is_ancestor)
        th = pr_thread_ancestor(&a->s->threads, th, up);
    return th ? of_thread(a, about[id].what, th, ret) : GYR_ABSENT;
}
