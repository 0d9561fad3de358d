/* SPDX-License-Identifier: Apache-2.0 */
/* Paths that file-system calls name, and the descriptors of a poll. */
#include "fields.h"
#include "paths.h"

#include <arpa/inet.h>
#include <stdio.h>

/* LINK_TEXT: what a symbolic link holds, relative to a folder that Falco does not look for. */
enum { NO = 0xff, BY_FD = 0xfe, LINK_TEXT = 0xfd };

/* Places of the path, or of source and target, and of the directory descriptors they are from;
 * success is a result of 0, of opens anything but -1. */
static const struct {
    uint16_t event;
    uint8_t path, path_dir, source, source_dir, target, target_dir;
} calls[] = {
#define ONE(code, path)                                                                            \
    {                                                                                              \
        EV_##code, P_##code##__##path, NO, NO, NO, NO, NO                                          \
    }
#define ONE_AT(code, path, dir)                                                                    \
    {                                                                                              \
        EV_##code, P_##code##__##path, P_##code##__##dir, NO, NO, NO, NO                           \
    }
#define TWO(code, from, to)                                                                        \
    {                                                                                              \
        EV_##code, NO, NO, P_##code##__##from, NO, P_##code##__##to, NO                            \
    }
#define TWO_AT(code, from, from_dir, to, to_dir)                                                   \
    {                                                                                              \
        EV_##code, NO, NO, P_##code##__##from, P_##code##__##from_dir, P_##code##__##to,           \
            P_##code##__##to_dir                                                                   \
    }
    ONE(SYSCALL_MKDIR_2_X, path),
    ONE_AT(SYSCALL_MKDIRAT_X, path, dirfd),
    ONE(SYSCALL_RMDIR_2_X, path),
    ONE(SYSCALL_UNLINK_2_X, path),
    ONE_AT(SYSCALL_UNLINKAT_2_X, name, dirfd),
    ONE(SYSCALL_OPEN_X, name),
    ONE_AT(SYSCALL_OPENAT_2_X, name, dirfd),
    ONE_AT(SYSCALL_OPENAT2_X, name, dirfd),
    ONE_AT(SYSCALL_FCHMODAT_X, filename, dirfd),
    ONE(SYSCALL_CHMOD_X, filename),
    ONE(SYSCALL_CHOWN_X, path),
    ONE(SYSCALL_LCHOWN_X, path),
    ONE_AT(SYSCALL_FCHOWNAT_X, pathname, dirfd),
    ONE(SYSCALL_QUOTACTL_X, special),
    ONE(SYSCALL_UMOUNT_1_X, name),
    ONE(SYSCALL_UMOUNT2_X, name),
    {EV_SYSCALL_FCHMOD_X, BY_FD, NO, NO, NO, NO, NO},
    {EV_SYSCALL_FCHOWN_X, BY_FD, NO, NO, NO, NO, NO},
    TWO(SYSCALL_RENAME_X, oldpath, newpath),
    TWO_AT(SYSCALL_RENAMEAT_X, oldpath, olddirfd, newpath, newdirfd),
    TWO_AT(SYSCALL_RENAMEAT2_X, oldpath, olddirfd, newpath, newdirfd),
    TWO(SYSCALL_LINK_2_X, newpath, oldpath),
    TWO_AT(SYSCALL_LINKAT_2_X, newpath, newdir, oldpath, olddir),
    TWO(SYSCALL_SYMLINK_X, linkpath, target),
    {EV_SYSCALL_SYMLINKAT_X, NO, NO, P_SYSCALL_SYMLINKAT_X__linkpath,
     P_SYSCALL_SYMLINKAT_X__linkdirfd, P_SYSCALL_SYMLINKAT_X__target, LINK_TEXT},
    TWO(SYSCALL_MOUNT_X, dev, dir),
#undef ONE
#undef ONE_AT
#undef TWO
#undef TWO_AT
};

static bool is_open(uint16_t type)
{
    return type == EV_SYSCALL_OPEN_X || type == EV_SYSCALL_OPENAT_2_X ||
           type == EV_SYSCALL_OPENAT2_X;
}

static bool succeeded(const struct pr_ask *a)
{
    if (!a->now->has_res || !pr_param_is(a->ev, 0))
        return false;
    return is_open(a->ev->type) ? a->now->res != -1 : a->now->res == 0;
}

static int resolved(const struct pr_ask *a, struct pr_text path, uint8_t dir_at,
                    struct gyr_value *ret)
{
    char tmp[PR_PATH_MAX + 1], out[PR_PATH_MAX];
    struct pr_text dir = pr_cwd_of(a->now->thread);
    uint32_t n;

    if (!pr_path_is_absolute(path) && dir_at == LINK_TEXT) {
        n = (uint32_t)snprintf(out, sizeof(out), "<UNKNOWN>%.*s", (int)path.len, path.p);
        return pr_copy(a, out, n < sizeof(out) ? n : sizeof(out) - 1, ret);
    }
    if (!pr_path_is_absolute(path) && dir_at != NO) {
        if (is_open(a->ev->type))
            return a->now->fd ? pr_string(a->now->fd->name, ret) : pr_literal("<UNKNOWN>", ret);
        dir = pr_dir_of(a->s, path, pr_param_int(a->ev, dir_at, -1), tmp);
    }
    n = pr_path_join(out, dir, path);
    return pr_copy(a, out, n, ret);
}

int pr_get_path(const struct pr_ask *a, struct gyr_value *ret)
{
    uint32_t id = a->b->field->id;
    bool raw = id == S_NAMERAW || id == S_SOURCERAW || id == S_TARGETRAW;

    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        uint8_t at, dir;
        struct pr_text path;

        if (calls[i].event != a->ev->type)
            continue;
        at = id <= S_NAMERAW     ? calls[i].path
             : id <= S_SOURCERAW ? calls[i].source
                                 : calls[i].target;
        dir = id <= S_NAMERAW     ? calls[i].path_dir
              : id <= S_SOURCERAW ? calls[i].source_dir
                                  : calls[i].target_dir;
        if (at == NO || !succeeded(a) || !a->now->thread)
            return GYR_ABSENT;
        if (at == BY_FD)
            return a->now->fd ? pr_string(a->now->fd->name, ret) : pr_literal("", ret);
        if (!pr_param_is(a->ev, at))
            return GYR_ABSENT;
        path = pr_param_text_of(a->ev, at);
        return raw ? pr_text(path, ret) : resolved(a, path, dir, ret);
    }
    return GYR_ABSENT;
}

/* ---- polls: u16 count, then i64 descriptor and u16 flags each ---- */

enum { FDLIST_ITEM = 10, FDLIST_TEXT = 32768 };

static int item(const struct pr_ask *a, int64_t num, const struct pr_fd *fd, char *out, size_t cap)
{
    bool dest = a->b->field->id == L_SIPS || a->b->field->id == L_SPORTS;
    bool listens = fd && (fd->type == FD_IPV4_SERVER || fd->type == FD_IPV6_SERVER);
    char ip[INET6_ADDRSTRLEN];
    struct pr_text name;

    switch (a->b->field->id) {
    case L_NUMS:
        return snprintf(out, cap, "%lld", (long long)num);
    case L_NAMES:
        name = fd && fd->name ? pr_text_of(fd->name) : (struct pr_text){"<NA>", 4};
        return snprintf(out, cap, "%.*s", (int)name.len, name.p);
    case L_CIPS:
    case L_SIPS:
        if (!fd || (!pr_fd_is_inet(fd) && !(listens && dest)))
            return 0;
        if (!inet_ntop(fd->type == FD_IPV4 || fd->type == FD_IPV4_SERVER ? AF_INET : AF_INET6,
                       dest ? fd->dip : fd->sip, ip, sizeof(ip)))
            return 0;
        return snprintf(out, cap, "%s", ip);
    default:
        if (!fd || !pr_fd_is_inet(fd))
            return 0;
        return snprintf(out, cap, "%d", dest ? fd->dport : fd->sport);
    }
}

int pr_get_fdlist(const struct pr_ask *a, struct gyr_value *ret)
{
    struct pr_fds **t = a->now->thread ? pr_thread_fds(a->now->thread) : NULL;
    uint32_t len = 0, used = 0;
    const uint8_t *p = NULL;
    uint16_t n;
    char *out;

    if (a->ev->type != EV_SYSCALL_POLL_X && a->ev->type != EV_SYSCALL_PPOLL_X)
        return GYR_ABSENT;
    if (P_SYSCALL_POLL_X__fds < a->ev->nparams)
        p = gyr_param(a->ev, P_SYSCALL_POLL_X__fds, &len);
    out = t && len >= 2 ? pr_alloc(a->s, FDLIST_TEXT) : NULL;
    if (!out)
        return GYR_ABSENT;
    memcpy(&n, p, 2);
    for (uint32_t at = 2; n && at + FDLIST_ITEM <= len; n--, at += FDLIST_ITEM) {
        int64_t num;
        int k;

        memcpy(&num, p + at, 8);
        if (used + 1 >= FDLIST_TEXT)
            break;
        k = item(a, num, pr_fds_find(*t, num), out + used, FDLIST_TEXT - used - 1);
        if (k <= 0)
            continue;
        if ((uint32_t)k >= FDLIST_TEXT - used - 1)
            break;
        used += (uint32_t)k;
        out[used++] = ',';
    }
    if (used == 0)
        return GYR_ABSENT;
    *ret = gyr_str(out, used - 1);
    return GYR_PRESENT;
}
