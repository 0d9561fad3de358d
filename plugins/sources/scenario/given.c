/* SPDX-License-Identifier: Apache-2.0 */
#include "given.h"

#include "addr.h"
#include "names/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_PID = 1000, TTY_MAJOR = 136, O_RDWR_BITS = 3 };

static const uint64_t DOCKER_CAPS = 0xa80425fb; /* what a runtime leaves to root of a container */

static const char *const keys[] = {"users", "containers", "processes", NULL};
static const char *const user_keys[] = {"name", "uid", "gid", "home", "shell", NULL};
static const char *const process_keys[] = {
    /* as sc_program_keys */
    "path", "exe", "filename", "args", "argv0", "cmdline", "comm", "env", "upper_layer",
    "lower_layer", "memfd", "writable", "exe_age", "interpreter",
    /* its own */
    "name", "pid", "parent", "user", "uid", "gid", "loginuid", "cwd", "root", "tty", "in", "cgroup",
    "caps", "fds", "sid", "pgid", "vpid", NULL};

/* ---- users ---- */

static int read_id(struct sc_world *w, const json_t *map, const char *key, uint32_t *ret)
{
    const json_t *v = sc_get(map, key, NULL);
    uint64_t n;

    if (!v)
        return 0;
    if (!sc_text(v) || !sc_uint(sc_text(v), UINT32_MAX, &n))
        return sc_wrong(w->err, v, "'%s' is a number", key);
    *ret = (uint32_t)n;
    return 0;
}

static int read_text(struct sc_world *w, const json_t *map, const char *key, const char **ret)
{
    const json_t *v = sc_get(map, key, NULL);

    if (!v)
        return 0;
    *ret = sc_text(v);
    return *ret ? 0 : sc_wrong(w->err, v, "'%s' is a text", key);
}

/* @param name NULL: the mapping has it. */
static int read_user(struct sc_world *w, const char *name, const json_t *n)
{
    struct sc_user u = {.name = name, .shell = "/bin/bash"};
    int r = sc_check_keys(w->err, n, "key of a user", user_keys);

    if (r == 0)
        r = read_text(w, n, "name", &u.name);
    if (r == 0 && !u.name)
        r = sc_wrong(w->err, n, "a user has a name");
    if (r < 0)
        return r;
    u.home = sc_printf(w, "/home/%s", u.name);
    if (!u.home)
        return -ENOMEM;
    if (sc_text(n)) {
        uint64_t id;

        if (!sc_uint(sc_text(n), UINT32_MAX, &id))
            return sc_wrong(w->err, n, "a user is a number, or a mapping");
        u.uid = u.gid = (uint32_t)id;
        return sc_user_put(w, &u);
    }
    r = read_id(w, n, "uid", &u.uid);
    u.gid = u.uid;
    if (r == 0)
        r = read_id(w, n, "gid", &u.gid);
    if (r == 0)
        r = read_text(w, n, "home", &u.home);
    if (r == 0)
        r = read_text(w, n, "shell", &u.shell);
    return r == 0 ? sc_user_put(w, &u) : r;
}

static int read_users(struct sc_world *w, const json_t *n)
{
    int r = 0;

    if (sc_text(n))
        return sc_wrong(w->err, n, "users are a mapping of names, or a list");
    for (size_t i = 0; i < sc_len(n) && r == 0; i++)
        r = sc_kind(n) == SC_MAP ? read_user(w, sc_text(sc_key(n, i)), sc_value_at(n, i))
                                 : read_user(w, NULL, sc_item(n, i));
    return r;
}

static int read_containers(struct sc_world *w, const json_t *n)
{
    struct sc_container *c;
    int r = 0;

    if (n && sc_kind(n) != SC_MAP)
        return sc_wrong(w->err, n, "containers are a mapping of names");
    for (size_t i = 0; i < sc_len(n) && r == 0; i++)
        r = sc_container_read(w, sc_text(sc_key(n, i)), sc_value_at(n, i), &c);
    return r;
}

/* ---- processes ---- */

void sc_default_caps(struct sc_proc *p)
{
    uint64_t caps = 0;

    if (p->uid == 0)
        caps = p->container && p->container->facts.privileged != CT_YES ? DOCKER_CAPS
                                                                        : names_caps_all();
    p->cap_permitted = p->cap_effective = caps;
    p->cap_inheritable = 0;
}

/* A terminal by its number, or "pts/3". */
static int read_tty(struct sc_world *w, const json_t *n, uint32_t *ret)
{
    const char *s = sc_text(n);
    uint64_t v;
    bool on = false;

    if (s && strncmp(s, "/dev/", 5) == 0)
        s += 5;
    if (s && strncmp(s, "pts/", 4) == 0 && sc_uint(s + 4, 255, &v)) {
        *ret = TTY_MAJOR << 8 | (uint32_t)v;
        return 0;
    }
    if (s && sc_uint(s, UINT32_MAX, &v)) {
        *ret = (uint32_t)v;
        return 0;
    }
    if (sc_bool(w, n, &on) < 0)
        return sc_wrong(w->err, n, "a terminal is true, false, a number, or like pts/0");
    *ret = on ? TTY_MAJOR << 8 : 0;
    return 0;
}

/* A file by its path; a connection as "10.0.0.1:40000->10.0.0.2:443". */
static int read_fd(struct sc_world *w, struct sc_proc *p, const json_t *key, const json_t *n)
{
    uint64_t num;
    const char *s = sc_text(n);
    struct sc_fd *fd;
    int r;

    if (!sc_uint(sc_text(key), INT32_MAX, &num))
        return sc_wrong(w->err, key, "a descriptor is a number");
    if (!s)
        return sc_wrong(w->err, n,
                        "a descriptor is a path, 'pipe', or a connection written from->to");
    fd = sc_fd_add(w, p, (int64_t)num);
    if (!fd)
        return -ENOMEM;
    fd->flags = O_RDWR_BITS;
    if (strstr(s, "->")) {
        r = sc_pair_of(w, n, &fd->local, &fd->remote);
        fd->type = fd->local.family == SC_UNIX    ? FD_UNIX
                   : fd->local.family == SC_INET6 ? FD_IPV6
                                                  : FD_IPV4;
        fd->l4 = fd->type == FD_UNIX ? 0 : 1;
        fd->client = true;
        return r;
    }
    fd->type = strcmp(s, "pipe") == 0 ? FD_PIPE : FD_FILE_V2;
    fd->name = fd->type == FD_PIPE ? "" : s;
    return 0;
}

static int default_fds(struct sc_world *w, struct sc_proc *p)
{
    const char *name = "/dev/null";

    if (p->tty >> 8 == TTY_MAJOR)
        name = sc_printf(w, "/dev/pts/%u", p->tty & 0xff);
    for (int64_t i = 0; i < 3 && name; i++) {
        struct sc_fd *fd = sc_fd_find(p, i) ? NULL : sc_fd_add(w, p, i);

        if (fd) {
            fd->type = FD_FILE_V2;
            fd->flags = O_RDWR_BITS;
            fd->name = name;
        }
    }
    p->last_fd = -1;
    return name ? 0 : -ENOMEM;
}

static int read_fds(struct sc_world *w, struct sc_proc *p, const json_t *n)
{
    int r = 0;

    if (n && sc_kind(n) != SC_MAP)
        return sc_wrong(w->err, n, "descriptors are a mapping of numbers");
    for (size_t i = 0; i < sc_len(n) && r == 0; i++)
        r = read_fd(w, p, sc_key(n, i), sc_value_at(n, i));
    return r == 0 ? default_fds(w, p) : r;
}

static int set_cgroups(struct sc_world *w, struct sc_proc *p, const char *path)
{
    static const char *const names[] = {"cpuset", "cpu", "io", "memory", "pids"};
    enum { N = sizeof(names) / sizeof(names[0]), NAME_MAX_ = 10 };
    size_t room = N * (strlen(path) + NAME_MAX_), len = 0;
    char *s = sc_alloc(w, room);

    if (!s)
        return -ENOMEM;
    for (size_t i = 0; i < N; i++)
        len += (size_t)snprintf(s + len, room - len, "%s=%s", names[i], path) + 1;
    p->cgroups = (struct sc_bytes){(const uint8_t *)s, (uint32_t)len};
    return 0;
}

static int read_owner(struct sc_world *w, struct sc_proc *p, const json_t *n)
{
    const json_t *user = sc_get(n, "user", NULL), *uid = sc_get(n, "uid", NULL),
                 *gid = sc_get(n, "gid", NULL), *login = sc_get(n, "loginuid", NULL),
                 *caps = sc_get(n, "caps", NULL);
    int r = 0;

    if (user) {
        r = sc_uid_of(w, user, &p->uid);
        if (r == 0)
            r = sc_gid_of(w, user, &p->gid);
    }
    if (r == 0 && uid) {
        r = sc_uid_of(w, uid, &p->uid);
        p->gid = p->uid;
    }
    if (r == 0 && gid)
        r = sc_gid_of(w, gid, &p->gid);
    if (r == 0 && login)
        r = sc_uid_of(w, login, &p->loginuid);
    sc_default_caps(p);
    if (r == 0 && caps) {
        r = sc_caps(w, caps, &p->cap_effective);
        p->cap_permitted = p->cap_effective;
    }
    return r;
}

static int read_number(struct sc_world *w, const json_t *n, const char *key, int64_t *ret)
{
    const json_t *v = sc_get(n, key, NULL);
    uint64_t num;

    if (!v)
        return 0;
    if (sc_text(v) && sc_uint(sc_text(v), INT32_MAX, &num) && num > 0) {
        *ret = (int64_t)num;
        return 0;
    }
    return sc_wrong(w->err, v, "'%s' is a number above 0", key);
}

static int read_numbers(struct sc_world *w, struct sc_proc *p, const json_t *n)
{
    int64_t pid = p->pid, vpid = p->vpid;
    int r = read_number(w, n, "pid", &pid);

    if (pid != p->pid) {
        if (p->vpid == p->pid)
            vpid = pid;
        p->pid = p->tid = p->sid = p->pgid = pid;
        if (pid >= w->next_pid)
            w->next_pid = pid + 1;
    }
    if (r == 0)
        r = read_number(w, n, "vpid", &vpid);
    p->vpid = p->vtid = p->vpgid = vpid;
    if (r == 0)
        r = read_number(w, n, "sid", &p->sid);
    if (r == 0)
        r = read_number(w, n, "pgid", &p->pgid);
    return r;
}

static int read_place(struct sc_world *w, struct sc_proc *p, const json_t *n)
{
    const json_t *tty = sc_get(n, "tty", NULL);
    const char *cgroup = p->container ? p->container->cgroup : "/system.slice/test.service";
    int r = tty ? read_tty(w, tty, &p->tty) : 0;

    p->cwd = p->container ? "/" : "/root";
    p->root = "/";
    if (r == 0)
        r = read_text(w, n, "cwd", &p->cwd);
    if (r == 0)
        r = read_text(w, n, "root", &p->root);
    if (r == 0)
        r = read_text(w, n, "cgroup", &cgroup);
    return r == 0 ? set_cgroups(w, p, cgroup) : r;
}

static int container_of(struct sc_world *w, const json_t *n, struct sc_container **ret)
{
    const json_t *in = sc_get(n, "in", NULL);
    struct sc_near near = {.word = sc_text(in)};
    char hint[160];

    *ret = NULL;
    if (!in)
        return 0;
    if (near.word)
        *ret = sc_container_find(w, near.word);
    if (*ret)
        return 0;
    if (!near.word)
        return sc_wrong(w->err, in, "'in' is the name of a container");
    for (uint32_t i = 0; i < w->n_containers; i++)
        sc_near_offer(&near, w->containers[i]->name);
    return sc_wrong(w->err, in, "there is no container '%.60s'%s", near.word,
                    sc_near_hint(&near, hint));
}

/* One given before is given anew: it keeps its number. */
static struct sc_proc *place_for(struct sc_world *w, const char *name, struct sc_proc *parent,
                                 struct sc_container *c)
{
    struct sc_proc *old = name ? sc_proc_find(w, name) : NULL;
    struct sc_proc *p = sc_proc_add(w, parent, c);

    if (p && old && old->pid != 1)
        old->ended = true;
    return p;
}

static int read_process(struct sc_world *w, const json_t *n)
{
    const json_t *up = sc_get(n, "parent", NULL);
    struct sc_proc *parent = up ? sc_proc_of(w, up) : w->procs[0], *p;
    struct sc_container *c = NULL;
    struct sc_program g;
    const char *name = NULL;
    int r = sc_check_keys(w->err, n, "key of a process", process_keys);

    if (r == 0)
        r = read_text(w, n, "name", &name);
    if (r == 0)
        r = container_of(w, n, &c);
    if (r < 0 || !parent)
        return r < 0 ? r : -EINVAL;
    p = place_for(w, name, parent, c);
    if (!p)
        return -ENOMEM;
    p->name = name;
    r = read_numbers(w, p, n);
    if (r == 0)
        r = read_owner(w, p, n);
    if (r == 0)
        r = read_place(w, p, n);
    if (r == 0)
        r = read_fds(w, p, sc_get(n, "fds", NULL));
    if (r == 0)
        r = sc_program_read(w, n, p, &g);
    if (r < 0)
        return r;
    sc_program_run(p, &g);
    if (!p->name)
        p->name = p->comm;
    p->start_ns = SC_START_NS - UINT64_C(3600000000000);
    w->actor = p;
    return 0;
}

static int read_processes(struct sc_world *w, const json_t *n)
{
    int r = 0;

    if (n && sc_kind(n) != SC_LIST)
        return sc_wrong(w->err, n, "processes are a list");
    for (size_t i = 0; i < sc_len(n) && r == 0; i++)
        r = read_process(w, sc_item(n, i));
    return r;
}

/* The first process of the machine is always there. */
static int add_init(struct sc_world *w)
{
    struct sc_proc *p = sc_proc_add(w, NULL, NULL);

    if (!p)
        return -ENOMEM;
    p->name = p->comm = "systemd";
    p->exe = "/sbin/init";
    p->exepath = "/usr/lib/systemd/systemd";
    p->cwd = p->root = "/";
    p->start_ns = SC_BOOT_NS;
    p->exe_ctime = SC_BOOT_NS - UINT64_C(30) * 86400 * 1000000000;
    p->exe_flags = SC_EXE_WRITABLE;
    sc_default_caps(p);
    w->next_pid = FIRST_PID;
    return set_cgroups(w, p, "/init.scope");
}

int sc_given(struct sc_world *w, const json_t *list)
{
    int r = add_init(w);

    for (int part = 0; part < 3 && r == 0; part++)
        for (size_t i = 0; i < sc_len(list) && r == 0; i++) {
            const json_t *g = sc_item(list, i), *v = sc_get(g, keys[part], NULL);

            if (part == 0 && sc_kind(g) != SC_MAP && sc_kind(g) != SC_NULL)
                return sc_wrong(w->err, g, "'given' is a mapping: users, containers, processes");
            if (part == 0)
                r = sc_check_keys(w->err, g, "key of 'given'", keys);
            if (r == 0 && v)
                r = part == 0   ? read_users(w, v)
                    : part == 1 ? read_containers(w, v)
                                : read_processes(w, v);
        }
    return r;
}
