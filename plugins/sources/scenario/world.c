/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 32 << 10, USERS_MAX = 10000, BATCHES_MAX = 256, FIRST_PORT = 40000 };

struct sc_chunk {
    struct sc_chunk *next;
    size_t used, cap;
    _Alignas(16) uint8_t p[];
};

/* ---- memory ---- */

static int no_memory(struct sc_world *w)
{
    return gyr_fail(w->err, -ENOMEM, "the scenario is too large, or there is no memory");
}

void *sc_alloc(struct sc_world *w, size_t n)
{
    size_t need = (n + 15) & ~(size_t)15;
    struct sc_chunk *c = w->mem;

    if (n > SC_MEM_MAX || w->mem_used + need > SC_MEM_MAX) {
        (void)no_memory(w);
        return NULL;
    }
    if (!c || c->cap - c->used < need) {
        size_t cap = need > CHUNK ? need : CHUNK;

        c = calloc(1, sizeof(*c) + cap);
        if (!c) {
            (void)no_memory(w);
            return NULL;
        }
        c->cap = cap;
        c->next = w->mem;
        w->mem = c;
    }
    c->used += need;
    w->mem_used += need;
    return c->p + c->used - need;
}

const char *sc_copy(struct sc_world *w, const char *s, size_t n)
{
    char *p = sc_alloc(w, n + 1);

    if (p)
        memcpy(p, s, n);
    return p;
}

const char *sc_printf(struct sc_world *w, const char *fmt, ...)
{
    char *s = NULL;
    const char *r;
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vasprintf(&s, fmt, ap);
    va_end(ap);
    if (n < 0) {
        (void)no_memory(w);
        return NULL;
    }
    r = sc_copy(w, s, (size_t)n);
    free(s);
    return r;
}

int sc_grow(struct sc_world *w, void *array_of, uint32_t n, uint32_t *cap, size_t size,
            uint32_t max, const char *what)
{
    uint32_t want = *cap ? *cap * 2 : 16;
    void *old, *p;

    if (n < *cap)
        return 0;
    if (n >= max)
        return gyr_fail(w->err, -E2BIG, "more than %u %s", max, what);
    memcpy(&old, array_of, sizeof(old));
    p = reallocarray(old, want, size);
    if (!p)
        return no_memory(w);
    memcpy(array_of, &p, sizeof(p));
    *cap = want;
    return 0;
}

/* ---- records ---- */

static int add_batch(struct sc_world *w)
{
    int r = sc_grow(w, &w->batches, w->n_batches, &w->cap_batches, sizeof(*w->batches), BATCHES_MAX,
                    "MiB of events");

    if (r == 0)
        w->batches[w->n_batches++] = (struct scap_batch){0};
    return r;
}

int sc_put(struct sc_world *w)
{
    struct scap_view *v = &w->view;
    const struct gyr_event *ev;
    int r = sc_grow(w, &w->records, w->n_records, &w->cap_records, sizeof(*w->records),
                    SC_RECORDS_MAX, "events");

    if (r == 0 && w->n_batches == 0)
        r = add_batch(w);
    if (r < 0)
        return r;
    v->ts_ns = w->now_ns;
    if (!(v->flags & GYR_EVF_SNAPSHOT)) {
        v->num = ++w->num;
        v->cpu = 0;
        w->now_ns += SC_STEP_NS;
    }
    r = scap_batch_put(&w->batches[w->n_batches - 1], v, &ev);
    if (r == -ENOBUFS) {
        r = add_batch(w);
        if (r == 0)
            r = scap_batch_put(&w->batches[w->n_batches - 1], v, &ev);
    }
    if (r < 0)
        return r == -EMSGSIZE ? gyr_fail(w->err, r, "an event is too large") : no_memory(w);
    w->records[w->n_records++] = ev;
    return 0;
}

/* ---- small things ---- */

static unsigned digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'f')
        return (unsigned)(c - 'a' + 10);
    return c >= 'A' && c <= 'F' ? (unsigned)(c - 'A' + 10) : UINT32_MAX;
}

bool sc_int(const char *s, unsigned base, int64_t *ret)
{
    bool minus = *s == '-';
    uint64_t v = 0;

    s += minus;
    if (base != 8 && s[0] == '0' && (s[1] | 0x20) == 'x') {
        s += 2;
        base = 16;
    } else if (base == 0) {
        base = s[0] == '0' && s[1] ? 8 : 10;
    }
    if (!*s)
        return false;
    for (; *s; s++)
        if (digit_of(*s) >= base || __builtin_mul_overflow(v, base, &v) ||
            __builtin_add_overflow(v, digit_of(*s), &v))
            return false;
    *ret = minus ? (int64_t)(0 - v) : (int64_t)v;
    return !minus || v <= (uint64_t)INT64_MAX + 1;
}

bool sc_uint(const char *s, uint64_t max, uint64_t *ret)
{
    int64_t v;

    if (*s == '-' || !sc_int(s, 10, &v) || (uint64_t)v > max)
        return false;
    *ret = (uint64_t)v;
    return true;
}

uint64_t sc_hash(const char *s)
{
    uint64_t h = 0xcbf29ce484222325u;

    for (; *s; s++)
        h = (h ^ (uint8_t)*s) * 0x100000001b3u;
    return h;
}

const char *sc_basename(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* ---- users ---- */

const struct sc_user *sc_user_by_name(const struct sc_world *w, const char *name)
{
    for (uint32_t i = 0; i < w->n_users; i++)
        if (strcmp(w->users[i].name, name) == 0)
            return &w->users[i];
    return NULL;
}

int sc_user_put(struct sc_world *w, const struct sc_user *u)
{
    int r;

    for (uint32_t i = 0; i < w->n_users; i++)
        if (strcmp(w->users[i].name, u->name) == 0) {
            w->users[i] = *u;
            return 0;
        }
    r = sc_grow(w, &w->users, w->n_users, &w->cap_users, sizeof(*w->users), USERS_MAX, "users");
    if (r == 0)
        w->users[w->n_users++] = *u;
    return r;
}

static int id_of(struct sc_world *w, const json_t *n, bool group, uint32_t *ret)
{
    const char *s = sc_text(n);
    struct sc_near near = {.word = s};
    const struct sc_user *u;
    char hint[160];
    uint64_t v;

    if (!s)
        return sc_wrong(w->err, n, "a user is a name or a number");
    u = sc_user_by_name(w, s);
    if (u) {
        *ret = group ? u->gid : u->uid;
        return 0;
    }
    if (sc_uint(s, UINT32_MAX, &v)) {
        *ret = (uint32_t)v;
        return 0;
    }
    for (uint32_t i = 0; i < w->n_users; i++)
        sc_near_offer(&near, w->users[i].name);
    return sc_wrong(w->err, n, "there is no user '%.60s'%s", s, sc_near_hint(&near, hint));
}

int sc_uid_of(struct sc_world *w, const json_t *n, uint32_t *ret)
{
    return id_of(w, n, false, ret);
}

int sc_gid_of(struct sc_world *w, const json_t *n, uint32_t *ret)
{
    return id_of(w, n, true, ret);
}

/* ---- processes ---- */

struct sc_container *sc_container_find(const struct sc_world *w, const char *name)
{
    for (uint32_t i = 0; i < w->n_containers; i++)
        if (strcmp(w->containers[i]->name, name) == 0)
            return w->containers[i];
    return NULL;
}

struct sc_proc *sc_proc_find(const struct sc_world *w, const char *name)
{
    int64_t pid;
    bool is_pid = sc_int(name, 10, &pid);

    for (uint32_t i = w->n_procs; i-- > 0;) {
        struct sc_proc *p = w->procs[i];

        if (!p->ended && (strcmp(p->name, name) == 0 || (is_pid && p->pid == pid)))
            return p;
    }
    return NULL;
}

struct sc_proc *sc_proc_of(struct sc_world *w, const json_t *n)
{
    const char *s = sc_text(n);
    struct sc_near near = {.word = s};
    struct sc_proc *p = s ? sc_proc_find(w, s) : NULL;
    char hint[160];

    if (p)
        return p;
    if (!s) {
        (void)sc_wrong(w->err, n, "a process is a name or a number");
        return NULL;
    }
    for (uint32_t i = 0; i < w->n_procs; i++)
        if (!w->procs[i]->ended)
            sc_near_offer(&near, w->procs[i]->name);
    (void)sc_wrong(w->err, n, "there is no process '%.60s'%s", s, sc_near_hint(&near, hint));
    return NULL;
}

static void number(struct sc_world *w, struct sc_proc *p, struct sc_container *c)
{
    p->tid = p->pid = w->next_pid++;
    p->vtid = p->vpid = p->pid;
    p->container = c;
    if (c && !c->host_pid)
        p->vtid = p->vpid = ++c->n_procs;
}

struct sc_proc *sc_proc_add(struct sc_world *w, struct sc_proc *parent, struct sc_container *c)
{
    struct sc_proc *p = sc_alloc(w, sizeof(*p));

    if (!p || sc_grow(w, &w->procs, w->n_procs, &w->cap_procs, sizeof(struct sc_proc *),
                      SC_PROCS_MAX, "processes") < 0)
        return NULL;
    number(w, p, c);
    p->ptid = parent ? parent->pid : 0;
    p->sid = p->pgid = p->pid;
    p->vpgid = p->vpid;
    p->loginuid = UINT32_MAX;
    p->last_fd = -1;
    p->name = p->comm = p->exe = p->exepath = p->cwd = p->root = "";
    w->procs[w->n_procs++] = p;
    return p;
}

struct sc_proc *sc_proc_fork(struct sc_world *w, struct sc_proc *parent)
{
    struct sc_proc *p = sc_proc_add(w, parent, parent->container), numbers;

    if (!p)
        return NULL;
    numbers = *p;
    *p = *parent;
    p->tid = numbers.tid;
    p->pid = numbers.pid;
    p->vtid = numbers.vtid;
    p->vpid = numbers.vpid;
    p->ptid = parent->pid;
    p->start_ns = w->now_ns;
    p->fds = NULL;
    p->n_fds = p->cap_fds = 0;
    for (uint32_t i = 0; i < parent->n_fds; i++) {
        struct sc_fd *fd = sc_fd_add(w, p, parent->fds[i].num);

        if (!fd)
            return NULL;
        *fd = parent->fds[i];
    }
    p->last_fd = parent->last_fd;
    return p;
}

/* ---- descriptors ---- */

struct sc_fd *sc_fd_find(struct sc_proc *p, int64_t num)
{
    for (uint32_t i = 0; i < p->n_fds; i++)
        if (p->fds[i].num == num)
            return &p->fds[i];
    return NULL;
}

struct sc_fd *sc_fd_add(struct sc_world *w, struct sc_proc *p, int64_t num)
{
    struct sc_fd *fd;

    if (num < 0)
        for (num = 0; sc_fd_find(p, num);)
            num++;
    fd = sc_fd_find(p, num);
    if (!fd) {
        if (sc_grow(w, &p->fds, p->n_fds, &p->cap_fds, sizeof(*p->fds), SC_FDS_MAX,
                    "descriptors of one process") < 0)
            return NULL;
        fd = &p->fds[p->n_fds++];
    }
    *fd = (struct sc_fd){.num = num};
    p->last_fd = num;
    return fd;
}

void sc_fd_del(struct sc_proc *p, int64_t num)
{
    struct sc_fd *fd = sc_fd_find(p, num);

    if (fd)
        *fd = p->fds[--p->n_fds];
    if (p->last_fd == num)
        p->last_fd = -1;
}

/* ---- life ---- */

int sc_world_init(struct sc_world *w, struct gyr_error *err)
{
    static const struct sc_user users[] = {
        {"root", "/root", "/bin/bash", 0, 0},
        {"daemon", "/usr/sbin", "/usr/sbin/nologin", 1, 1},
        {"www-data", "/var/www", "/usr/sbin/nologin", 33, 33},
        {"nobody", "/nonexistent", "/usr/sbin/nologin", 65534, 65534},
        {"user", "/home/user", "/bin/bash", 1000, 1000},
    };
    int r = 0;

    memset(w, 0, sizeof(*w));
    w->err = err;
    w->now_ns = SC_START_NS;
    w->next_pid = 1;
    w->next_port = FIRST_PORT;
    for (size_t i = 0; i < sizeof(users) / sizeof(users[0]) && r == 0; i++)
        r = sc_user_put(w, &users[i]);
    return r;
}

void sc_world_free(struct sc_world *w)
{
    for (uint32_t i = 0; i < w->n_batches; i++)
        scap_batch_free(&w->batches[i]);
    for (uint32_t i = 0; i < w->n_procs; i++)
        free(w->procs[i]->fds);
    while (w->mem) {
        struct sc_chunk *next = w->mem->next;

        free(w->mem);
        w->mem = next;
    }
    free(w->batches);
    free(w->records);
    free(w->users);
    free(w->containers);
    free(w->procs);
    memset(w, 0, sizeof(*w));
}
