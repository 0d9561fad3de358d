/* SPDX-License-Identifier: Apache-2.0 */
/* The Linux part of evt.*: results, directions, opens, paths. */
#include "fields.h"
#include "paths.h"

#include <stdio.h>

enum { O_READ = 1, O_WRITE = 2, O_MAKE = 4, O_TMP = 1 << 13, O_MADE = 1 << 14, MODE_EXEC = 0111 };

/* ---- results ---- */

static int result_text(const struct pr_ask *a, struct gyr_value *ret)
{
    uint16_t kind = a->now->type->n_params ? a->now->type->params[0].kind : K_NONE;
    const char *name = NULL;
    char text[24];
    int n;

    if (a->now->res >= 0)
        return pr_literal("SUCCESS", ret);
    if (kind == K_ERRNO || kind == K_FD)
        name = names_errno(a->now->res);
    if (name)
        return pr_literal(name, ret);
    n = snprintf(text, sizeof(text), "%lld", (long long)a->now->res);
    return pr_copy(a, text, (size_t)n, ret);
}

static bool is_file(const struct pr_fd *fd)
{
    return fd->type == FD_FILE || fd->type == FD_FILE_V2 || fd->type == FD_DIRECTORY;
}

static bool is_socket(const struct pr_fd *fd)
{
    return (fd->type >= FD_IPV4 && fd->type <= FD_IPV6_SERVER) || fd->type == FD_UNIX;
}

static bool is_open(uint16_t type)
{
    return type == EV_SYSCALL_OPEN_X || type == EV_SYSCALL_CREAT_X ||
           type == EV_SYSCALL_OPENAT_2_X || type == EV_SYSCALL_OPENAT2_X ||
           type == EV_SYSCALL_OPEN_BY_HANDLE_AT_X;
}

static bool is_net_call(uint16_t type)
{
    return type == EV_SOCKET_ACCEPT_5_X || type == EV_SOCKET_ACCEPT4_6_X ||
           type == EV_SOCKET_CONNECT_X;
}

/* Whether an event counts for evt.count.error.*. */
static bool counts(const struct pr_ask *a)
{
    const struct pr_fd *fd = a->now->fd;
    bool memory = strcmp(a->now->type->category, "memory") == 0;
    bool file = fd ? is_file(fd) : is_open(a->ev->type);
    bool net = fd ? is_socket(fd) : is_net_call(a->ev->type);

    switch (a->b->field->id) {
    case E_COUNT_ERROR_FILE:
        return file;
    case E_COUNT_ERROR_NET:
        return net;
    case E_COUNT_ERROR_MEMORY:
        return memory;
    case E_COUNT_ERROR_OTHER:
        return !file && !net && !(memory && !fd);
    default:
        return true;
    }
}

/* ---- what the call is about ---- */

static int category(const struct pr_ask *a, struct gyr_value *ret)
{
    const struct pr_fd *fd = a->now->fd;

    if (!(a->now->type->traits & (T_IO_READ | T_IO_WRITE | T_IO_OTHER)))
        return GYR_ABSENT;
    if (!fd)
        return pr_literal("unknown", ret);
    switch (fd->type) {
    case FD_FILE:
    case FD_FILE_V2:
    case FD_DIRECTORY:
        return pr_literal("file", ret);
    case FD_IPV4:
    case FD_IPV6:
    case FD_IPV4_SERVER:
    case FD_IPV6_SERVER:
        return pr_literal("net", ret);
    case FD_PIPE:
    case FD_UNIX:
    case FD_EVENT:
    case FD_SIGNAL:
    case FD_INOTIFY:
    case FD_USERFAULT:
        return pr_literal("ipc", ret);
    default:
        return pr_literal("unknown", ret);
    }
}

static const char *call_name(const struct pr_ask *a)
{
    uint32_t code;

    if (!(a->now->type->flags & GYR_ETF_GENERIC))
        return a->now->type->name;
    code = a->ev->subtype;
    for (const struct gyr_subtype *t = syscall_schema.subtypes; t->name; t++)
        if (t->id == code)
            return t->name;
    return NULL;
}

static int moved(const struct pr_ask *a, struct gyr_value *ret)
{
    int8_t place = a->ev->type < PR_TYPES ? a->s->places[a->ev->type].data : -1;
    uint32_t len;
    const uint8_t *p;

    if (a->b->field->id == E_BUFLEN) {
        if (!a->now->fd || !a->now->has_res || a->now->res < 0 ||
            !(a->now->type->traits & (T_IO_READ | T_IO_WRITE | T_IO_OTHER)))
            return GYR_ABSENT;
        return pr_num(a, (uint64_t)a->now->res, ret);
    }
    if (place < 0 || place >= a->ev->nparams)
        return GYR_ABSENT;
    p = gyr_param(a->ev, (uint32_t)place, &len);
    *ret = (struct gyr_value){.type = GYR_T_BYTES, .len = len, .u.ptr = p};
    return GYR_PRESENT;
}

/* ---- opens ---- */

static bool open_is(const struct pr_ask *a)
{
    uint16_t type = a->ev->type;
    bool at = type == EV_SYSCALL_OPENAT_2_X || type == EV_SYSCALL_OPENAT2_X;
    uint32_t i = at ? P_SYSCALL_OPENAT_2_X__flags : P_SYSCALL_OPEN_X__flags;
    uint64_t flags, mode;

    if (type == EV_SYSCALL_CREAT_X) {
        mode = pr_param_num(a->ev, P_SYSCALL_CREAT_X__mode, 0);
        return a->b->field->id == E_IS_OPEN_EXEC && mode & MODE_EXEC;
    }
    if (!is_open(type))
        return false;
    flags = pr_param_num(a->ev, i, 0);
    switch (a->b->field->id) {
    case E_IS_OPEN_READ:
        return flags & O_READ;
    case E_IS_OPEN_WRITE:
        return flags & O_WRITE;
    case E_IS_OPEN_CREATE:
        return flags & O_MADE || (flags & O_TMP && a->now->res >= 0);
    default:
        if (!(flags & (O_TMP | O_MAKE)) || type == EV_SYSCALL_OPEN_BY_HANDLE_AT_X)
            return false;
        return pr_param_num(a->ev, i + 1, 0) & MODE_EXEC;
    }
}

/* Calls with a path from a directory descriptor: the places of both. */
static const struct {
    uint16_t event;
    uint8_t dirfd, path;
} from_dir[] = {
    {EV_SYSCALL_OPENAT_2_X, P_SYSCALL_OPENAT_2_X__dirfd, P_SYSCALL_OPENAT_2_X__name},
    {EV_SYSCALL_OPENAT2_X, P_SYSCALL_OPENAT2_X__dirfd, P_SYSCALL_OPENAT2_X__name},
    {EV_SYSCALL_RENAMEAT_X, P_SYSCALL_RENAMEAT_X__olddirfd, P_SYSCALL_RENAMEAT_X__oldpath},
    {EV_SYSCALL_RENAMEAT2_X, P_SYSCALL_RENAMEAT2_X__olddirfd, P_SYSCALL_RENAMEAT2_X__oldpath},
    {EV_SYSCALL_SYMLINKAT_X, P_SYSCALL_SYMLINKAT_X__linkdirfd, P_SYSCALL_SYMLINKAT_X__linkpath},
    {EV_SYSCALL_LINKAT_2_X, P_SYSCALL_LINKAT_2_X__olddir, P_SYSCALL_LINKAT_2_X__oldpath},
    {EV_SYSCALL_UNLINKAT_2_X, P_SYSCALL_UNLINKAT_2_X__dirfd, P_SYSCALL_UNLINKAT_2_X__name},
    {EV_SYSCALL_MKDIRAT_X, P_SYSCALL_MKDIRAT_X__dirfd, P_SYSCALL_MKDIRAT_X__path},
    {EV_SYSCALL_FCHMODAT_X, P_SYSCALL_FCHMODAT_X__dirfd, P_SYSCALL_FCHMODAT_X__filename},
    {EV_SYSCALL_FCHOWNAT_X, P_SYSCALL_FCHOWNAT_X__dirfd, P_SYSCALL_FCHOWNAT_X__pathname},
};

static int abspath(const struct pr_ask *a, struct gyr_value *ret)
{
    char tmp[PR_PATH_MAX + 1], out[PR_PATH_MAX];
    struct pr_text path, dir = {"", 0};

    if (!a->now->thread)
        return GYR_ABSENT;
    if (a->ev->type == EV_SYSCALL_OPEN_BY_HANDLE_AT_X) {
        path = pr_param_text_of(a->ev, P_SYSCALL_OPEN_BY_HANDLE_AT_X__path);
        if (a->now->res <= 0)
            return GYR_ABSENT;
        return pr_copy(a, out, pr_path_join(out, dir, path), ret);
    }
    for (size_t i = 0; i < sizeof(from_dir) / sizeof(from_dir[0]); i++) {
        if (from_dir[i].event != a->ev->type)
            continue;
        if (!pr_param_is(a->ev, from_dir[i].dirfd) || !pr_param_is(a->ev, from_dir[i].path))
            return GYR_ABSENT;
        path = pr_param_text_of(a->ev, from_dir[i].path);
        dir = pr_dir_of(a->s, path, pr_param_int(a->ev, from_dir[i].dirfd, -1), tmp);
        if (pr_text_is(dir, "<UNKNOWN>"))
            dir = (struct pr_text){"<UNKNOWN>/", 10};
        return pr_copy(a, out, pr_path_join(out, dir, path), ret);
    }
    return GYR_ABSENT;
}

static bool is_syslog(const struct pr_ask *a)
{
    struct pr_text name;

    if (!(a->now->type->traits & T_WRITES_FD) || !a->now->fd)
        return false;
    name = pr_text_of(a->now->fd->name);
    return memmem(name.p, name.len, "/dev/log", 8);
}

int pr_get_evt(const struct pr_ask *a, struct gyr_value *ret)
{
    const struct pr_now *n = a->now;
    uint64_t traits = n->type->traits;
    const char *name;

    switch (a->b->field->id) {
    case E_TYPE_IS:
        return pr_num(a, a->b->index == (int32_t)a->ev->type, ret);
    case E_SYSCALL_TYPE:
        name = traits & T_CALL ? call_name(a) : NULL;
        return name ? pr_literal(name, ret) : GYR_ABSENT;
    case E_CATEGORY:
        return category(a, ret);
    case E_BUFFER:
    case E_BUFLEN:
        return moved(a, ret);
    case E_RES:
        return n->has_res ? result_text(a, ret) : GYR_ABSENT;
    case E_RAWRES:
        return n->has_res ? pr_num(a, (uint64_t)n->res, ret) : GYR_ABSENT;
    case E_FAILED:
    case E_COUNT_ERROR:
    case E_COUNT_ERROR_FILE:
    case E_COUNT_ERROR_NET:
    case E_COUNT_ERROR_MEMORY:
    case E_COUNT_ERROR_OTHER:
        return n->has_res && counts(a) ? pr_num(a, n->res < 0, ret) : GYR_ABSENT;
    case E_IS_IO:
        return pr_num(a, !!(traits & (T_READS_FD | T_WRITES_FD)), ret);
    case E_IS_IO_READ:
        return pr_num(a, !!(traits & T_READS_FD), ret);
    case E_IS_IO_WRITE:
        return pr_num(a, !!(traits & T_WRITES_FD), ret);
    case E_IO_DIR:
        if (!(traits & (T_READS_FD | T_WRITES_FD)))
            return GYR_ABSENT;
        return pr_literal(traits & T_WRITES_FD ? "write" : "read", ret);
    case E_DIR: /* types come in pairs; procexit and the like are the first of theirs */
        return pr_literal(a->ev->type % 2 ? "<" : ">", ret);
    case E_IS_WAIT:
        return pr_num(a, !!(traits & T_WAITS), ret);
    case E_IS_SYSLOG:
        return pr_num(a, is_syslog(a), ret);
    case E_COUNT:
        return pr_num(a, 1, ret);
    case E_COUNT_EXIT:
        return traits & T_EXIT ? pr_num(a, 1, ret) : GYR_ABSENT;
    case E_ABSPATH:
        return abspath(a, ret);
    default:
        return pr_num(a, open_is(a), ret);
    }
}
