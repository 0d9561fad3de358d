/* SPDX-License-Identifier: Apache-2.0 */
/* Words about files and descriptors. */
#include "call.h"

#include <errno.h>
#include <string.h>

enum {
    O_RDONLY_BIT = 1,
    O_WRONLY_BIT = 2,
    O_CREAT_BIT = 4,
    O_APPEND_BIT = 8,
    O_TRUNC_BIT = 0x100,
    O_DIRECTORY_BIT = 0x400,
    O_TMPFILE_BIT = 0x2000,
    FD_UPPER_BIT = 0x8000,
    FD_LOWER_BIT = 0x10000,
    CREAT_UPPER = 1,
    CREAT_LOWER = 2,
    DEV = 0x801,
    DUPFD = 1,
    DUPFD_CLOEXEC = 26
};

/* ---- open ---- */

struct places {
    int name, flags, mode, dev;
};

static struct places places_of(const struct gyr_event_type *t)
{
    int name = sc_param(t, "name");

    return (struct places){name < 0 ? sc_param(t, "path") : name, sc_param(t, "flags"),
                           sc_param(t, "mode"), sc_param(t, "dev")};
}

/* "write: true" and its like, for flags that need not be spelled out. */
static int short_flags(struct sc_call *c, uint32_t *flags)
{
    static const struct {
        const char *key;
        uint32_t bits;
    } all[] = {{"read", O_RDONLY_BIT},
               {"write", O_WRONLY_BIT},
               {"create", O_CREAT_BIT | O_WRONLY_BIT},
               {"append", O_APPEND_BIT | O_WRONLY_BIT},
               {"truncate", O_TRUNC_BIT | O_WRONLY_BIT},
               {"directory", O_DIRECTORY_BIT | O_RDONLY_BIT},
               {"upper_layer", FD_UPPER_BIT},
               {"lower_layer", FD_LOWER_BIT}};
    int r = 0;

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]) && !c->main && r == 0; i++) {
        const json_t *v = sc_arg(c, all[i].key);
        bool on = false;

        r = v ? sc_bool(c->w, v, &on) : 0;
        if (on)
            *flags |= all[i].bits;
    }
    return r;
}

static int prepare_open(struct sc_call *c)
{
    struct places at = places_of(c->type);
    const json_t *given = c->main || at.flags < 0 ? NULL : sc_arg(c, "flags");
    const json_t *path = sc_arg(c, "path");
    struct sc_bytes b;
    uint32_t flags = 0;
    int r = 0;

    if (!path && !c->main)
        path = sc_arg(c, "name");
    if (!path)
        return sc_wrong(c->w->err, c->word, "%s of what? 'path' tells", sc_text(c->word));
    r = sc_value(c, (uint32_t)at.name, path, &b);
    if (r < 0)
        return r;
    sc_set_bytes(c, (uint32_t)at.name, b);
    r = short_flags(c, &flags);
    if (r == 0 && given) {
        r = sc_value(c, (uint32_t)at.flags, given, &b);
        if (r == 0) {
            uint32_t v;

            memcpy(&v, b.p, sizeof(v));
            flags |= v;
        }
    }
    if (r < 0)
        return r;
    if (c->type->id == EV_SYSCALL_CREAT_X)
        sc_set_num(c, P_SYSCALL_CREAT_X__creat_flags,
                   flags & FD_UPPER_BIT   ? CREAT_UPPER
                   : flags & FD_LOWER_BIT ? CREAT_LOWER
                                          : 0);
    if (!(flags & 3) && !(flags & O_TMPFILE_BIT))
        flags |= O_RDONLY_BIT;
    if (at.flags >= 0)
        sc_set_num(c, (uint32_t)at.flags, flags);
    if (at.mode >= 0 && (flags & O_CREAT_BIT || at.flags < 0))
        sc_set_num(c, (uint32_t)at.mode, 0644);
    if (c->res >= 0) {
        sc_set_num(c, (uint32_t)at.dev, DEV);
        sc_set_num(c, (uint32_t)at.dev + 1, sc_hash((const char *)c->par[at.name].b.p) & 0xffffff);
    }
    return 0;
}

static int after_open(struct sc_call *c)
{
    struct places at = places_of(c->type);
    struct sc_fd *fd = sc_fd_add(c->w, c->actor, c->res);

    if (!fd)
        return -ENOMEM;
    fd->type = FD_FILE_V2;
    fd->name = (const char *)c->par[at.name].b.p;
    fd->flags = at.flags >= 0 ? (uint32_t)sc_num(c, (uint32_t)at.flags) : O_WRONLY_BIT;
    return 0;
}

/* ---- descriptors ---- */

static int after_close(struct sc_call *c)
{
    sc_fd_del(c->actor, sc_num(c, P_SYSCALL_CLOSE_X__fd));
    return 0;
}

static int copy_fd(struct sc_call *c, int64_t from, int64_t to)
{
    const struct sc_fd *of = sc_fd_find(c->actor, from);
    struct sc_fd copy, *fd;

    if (of)
        copy = *of;
    fd = sc_fd_add(c->w, c->actor, to);
    if (!fd)
        return -ENOMEM;
    if (of)
        *fd = copy;
    fd->num = to;
    return 0;
}

static int after_dup(struct sc_call *c)
{
    return copy_fd(c, sc_num(c, P_SYSCALL_DUP_1_X__oldfd), c->res);
}

/* The result is the number that was asked for. */
static int prepare_dup2(struct sc_call *c)
{
    const json_t *to = c->main ? NULL : sc_arg(c, "newfd");
    struct sc_bytes b;
    int r;

    if (!to && !c->main)
        to = sc_arg(c, "new");
    if (!to)
        return sc_wrong(c->w->err, c->word, "%s to which descriptor? 'new' tells",
                        sc_text(c->word));
    r = sc_value(c, P_SYSCALL_DUP2_X__newfd, to, &b);
    if (r < 0)
        return r;
    sc_set_bytes(c, P_SYSCALL_DUP2_X__newfd, b);
    if (!c->is_res_given)
        c->res = sc_num(c, P_SYSCALL_DUP2_X__newfd);
    sc_set_num(c, P_SYSCALL_DUP2_X__res, (uint64_t)c->res);
    return 0;
}

/* A copy gets the lowest free number from the argument on. */
static int prepare_fcntl(struct sc_call *c)
{
    const json_t *cmd = c->main ? c->main : sc_arg(c, "cmd"),
                 *arg = c->main ? NULL : sc_arg(c, "arg");
    struct sc_bytes b;
    int64_t num;
    int r = cmd ? sc_value(c, P_SYSCALL_FCNTL_X__cmd, cmd, &b) : 1;

    c->main_used = true;
    if (r == 0)
        sc_set_bytes(c, P_SYSCALL_FCNTL_X__cmd, b);
    if (r >= 0 && arg) {
        r = sc_value(c, P_SYSCALL_FCNTL_X__arg, arg, &b);
        if (r == 0)
            sc_set_bytes(c, P_SYSCALL_FCNTL_X__arg, b);
    }
    if (r < 0 || c->is_res_given)
        return r < 0 ? r : 0;
    num = sc_num(c, P_SYSCALL_FCNTL_X__cmd);
    if (num == DUPFD || num == DUPFD_CLOEXEC) {
        c->res = sc_num(c, P_SYSCALL_FCNTL_X__arg);
        while (sc_fd_find(c->actor, c->res))
            c->res++;
        sc_set_num(c, P_SYSCALL_FCNTL_X__res, (uint64_t)c->res);
    }
    return 0;
}

static int after_fcntl(struct sc_call *c)
{
    int64_t cmd = sc_num(c, P_SYSCALL_FCNTL_X__cmd);

    if (cmd != DUPFD && cmd != DUPFD_CLOEXEC)
        return 0;
    return copy_fd(c, sc_num(c, P_SYSCALL_FCNTL_X__fd), c->res);
}

/* Two new ones, which stand in these places. */
static int prepare_two(struct sc_call *c)
{
    for (uint32_t i = 1; i <= 2; i++) {
        const json_t *v = c->main ? NULL : sc_arg(c, i == 1 ? "fd1" : "fd2");
        int64_t num = i == 1 ? 0 : sc_num(c, 1) + 1;
        struct sc_bytes b;
        int r;

        if (v) {
            r = sc_value(c, i, v, &b);
            if (r < 0)
                return r;
            sc_set_bytes(c, i, b);
            continue;
        }
        while (sc_fd_find(c->actor, num))
            num++;
        sc_set_num(c, i, (uint64_t)num);
    }
    return 0;
}

static int after_two(struct sc_call *c)
{
    for (uint32_t i = 1; i <= 2; i++) {
        struct sc_fd *fd = sc_fd_add(c->w, c->actor, sc_num(c, i));

        if (!fd)
            return -ENOMEM;
        fd->type = c->type->id == EV_SOCKET_SOCKETPAIR_X ? FD_UNIX : FD_PIPE;
    }
    return 0;
}

static int after_memfd(struct sc_call *c)
{
    struct sc_fd *fd = sc_fd_add(c->w, c->actor, c->res);

    if (!fd)
        return -ENOMEM;
    fd->type = FD_MEMFD;
    fd->name = (const char *)c->par[P_SYSCALL_MEMFD_CREATE_X__name].b.p;
    return 0;
}

/* ---- data ---- */

/* As many bytes as there are, unless it is said otherwise. */
static int prepare_data(struct sc_call *c)
{
    int data = sc_param(c->type, "data"), size = sc_param(c->type, "size");
    const json_t *v = sc_arg(c, "data");
    struct sc_bytes b = {0};
    int r = v ? sc_value(c, (uint32_t)data, v, &b) : 0;

    if (r < 0)
        return r;
    if (c->res >= 0)
        sc_set_bytes(c, (uint32_t)data, b);
    if (!c->is_res_given) {
        c->res = b.len;
        sc_set_num(c, 0, (uint64_t)c->res);
    }
    if (size >= 0)
        sc_set_num(c, (uint32_t)size, c->res > 0 ? (uint64_t)c->res : b.len);
    return 0;
}

/* A number of bytes is no new descriptor. */
static int nothing(struct sc_call *c)
{
    (void)c;
    return 0;
}

static const char *const open_keys[] = {"path",        "read",     "write",     "create",
                                        "append",      "truncate", "directory", "upper_layer",
                                        "lower_layer", NULL};
static const char *const dup_keys[] = {"old", "new", NULL};

const struct sc_word sc_words_files[] = {
    {"open", EV_SYSCALL_OPEN_X, "path", open_keys, prepare_open, after_open, NULL},
    {"openat", EV_SYSCALL_OPENAT_2_X, "path", open_keys, prepare_open, after_open, NULL},
    {"openat2", EV_SYSCALL_OPENAT2_X, "path", open_keys, prepare_open, after_open, NULL},
    {"creat", EV_SYSCALL_CREAT_X, "path", open_keys, prepare_open, after_open, NULL},
    {"open_by_handle_at", EV_SYSCALL_OPEN_BY_HANDLE_AT_X, "path", open_keys, prepare_open,
     after_open, NULL},
    {"close", EV_SYSCALL_CLOSE_X, NULL, NULL, NULL, after_close, NULL},
    {"dup", EV_SYSCALL_DUP_1_X, NULL, dup_keys, NULL, after_dup, NULL},
    {"dup2", EV_SYSCALL_DUP2_X, NULL, dup_keys, prepare_dup2, after_dup, NULL},
    {"dup3", EV_SYSCALL_DUP3_X, NULL, dup_keys, prepare_dup2, after_dup, NULL},
    {"fcntl", EV_SYSCALL_FCNTL_X, NULL, NULL, prepare_fcntl, after_fcntl, NULL},
    {"pipe", EV_SYSCALL_PIPE_X, NULL, NULL, prepare_two, after_two, NULL},
    {"pipe2", EV_SYSCALL_PIPE2_X, NULL, NULL, prepare_two, after_two, NULL},
    {"socketpair", EV_SOCKET_SOCKETPAIR_X, NULL, NULL, prepare_two, after_two, NULL},
    {"memfd_create", EV_SYSCALL_MEMFD_CREATE_X, NULL, NULL, NULL, after_memfd, NULL},
    {"read", EV_SYSCALL_READ_X, "data", NULL, prepare_data, nothing, NULL},
    {"pread", EV_SYSCALL_PREAD_X, "data", NULL, prepare_data, nothing, NULL},
    {"readv", EV_SYSCALL_READV_X, "data", NULL, prepare_data, nothing, NULL},
    {"preadv", EV_SYSCALL_PREADV_X, "data", NULL, prepare_data, nothing, NULL},
    {"write", EV_SYSCALL_WRITE_X, "data", NULL, prepare_data, nothing, NULL},
    {"pwrite", EV_SYSCALL_PWRITE_X, "data", NULL, prepare_data, nothing, NULL},
    {"writev", EV_SYSCALL_WRITEV_X, "data", NULL, prepare_data, nothing, NULL},
    {"pwritev", EV_SYSCALL_PWRITEV_X, "data", NULL, prepare_data, nothing, NULL},
    {0},
};
