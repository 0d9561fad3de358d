/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of the process and descriptor lists. */
#include "scap_tables.h"

#include "syscall/syscall.h"

#include <errno.h>

enum {
    PROCESS_PARAMS = 38,
    FD_PARAMS = 10,
    /* loginuid, exe_writable and three sets of capabilities: all that recorders before 0.10
     * appended. Later ones put two members in front of them. */
    TAIL_BEFORE_0_10 = 4 + 1 + 3 * 8,
    IP4 = 2, /* families, as captures number them */
    IP6 = 10,
    UNIX = 1,
};

/* Bits of exe_flags, as in execve's flags. */
enum { EXE_WRITABLE = 1, EXE_UPPER_LAYER = 2, EXE_FROM_MEMFD = 4, EXE_LOWER_LAYER = 8 };

static int wrong(const char **ret, const char *what)
{
    *ret = what;
    return -EBADMSG;
}

static void take_num(struct scap_cursor *c, struct scap_view *v, uint32_t i, uint32_t width)
{
    scap_view_uint(v, i, scap_take_uint(c, width), width);
}

/* Strings one after the other: the last one's NUL may be missing. */
static void take_texts(struct scap_cursor *c, struct scap_view *v, uint32_t i)
{
    size_t len = scap_take_uint(c, 2);
    const uint8_t *p = scap_take(c, len);

    if (!p || len == 0)
        return;
    scap_view_bytes(v, i, p, len);
    v->par[i].nul = p[len - 1] != 0;
}

/* Members that are there if the entry is long enough. @return whether it was. */
static bool take_more(struct scap_cursor *c, struct scap_view *v, uint32_t i, uint32_t width)
{
    if (scap_left(c) < width)
        return false;
    take_num(c, v, i, width);
    return true;
}

static bool take_flag(struct scap_cursor *c, uint64_t bit, uint64_t *flags)
{
    if (scap_left(c) < 1)
        return false;
    if (scap_take_uint(c, 1))
        *flags |= bit;
    return true;
}

/* What version 9 appends, as far as it goes. */
static void take_tail(struct scap_cursor *c, struct scap_view *v)
{
    uint64_t flags = 0;

    if (scap_left(c) > TAIL_BEFORE_0_10) {
        (void)take_more(c, v, P_SNAP_PROCESS__pidns_init_start_ts, 8);
        (void)take_more(c, v, P_SNAP_PROCESS__tty, 4);
    }
    if (scap_left(c) >= 4) {
        uint64_t uid = scap_take_uint(c, 4);

        /* nobody logged in: -1 of any width */
        scap_view_uint(v, P_SNAP_PROCESS__loginuid, uid == UINT32_MAX ? UINT64_MAX : uid, 8);
    }
    if (!take_flag(c, EXE_WRITABLE, &flags))
        return;
    (void)take_more(c, v, P_SNAP_PROCESS__cap_inheritable, 8);
    (void)take_more(c, v, P_SNAP_PROCESS__cap_permitted, 8);
    (void)take_more(c, v, P_SNAP_PROCESS__cap_effective, 8);
    (void)take_flag(c, EXE_UPPER_LAYER, &flags);
    (void)take_more(c, v, P_SNAP_PROCESS__exe_ino, 8);
    (void)take_more(c, v, P_SNAP_PROCESS__exe_ino_ctime, 8);
    (void)take_more(c, v, P_SNAP_PROCESS__exe_ino_mtime, 8);
    (void)take_flag(c, EXE_FROM_MEMFD, &flags);
    (void)take_flag(c, EXE_LOWER_LAYER, &flags);
    (void)take_more(c, v, P_SNAP_PROCESS__pgid, 8);
    scap_view_uint(v, P_SNAP_PROCESS__exe_flags, flags, 4);
}

static void take_memory(struct scap_cursor *c, struct scap_view *v)
{
    take_num(c, v, P_SNAP_PROCESS__vmsize_kb, 4);
    take_num(c, v, P_SNAP_PROCESS__vmrss_kb, 4);
    take_num(c, v, P_SNAP_PROCESS__vmswap_kb, 4);
    take_num(c, v, P_SNAP_PROCESS__pfmajor, 8);
    take_num(c, v, P_SNAP_PROCESS__pfminor, 8);
}

int scap_process_next(struct scap_cursor *c, unsigned version, struct scap_view *v,
                      const char **ret_wrong)
{
    bool sized = version >= 9;
    struct scap_cursor e;

    if (scap_entry_begin(c, sized, true, &e) < 0)
        return wrong(ret_wrong, "an entry of the process list is longer than the list");
    scap_view_start(v, EV_SNAP_PROCESS, PROCESS_PARAMS, GYR_EVF_SNAPSHOT);
    take_num(&e, v, P_SNAP_PROCESS__tid, 8);
    take_num(&e, v, P_SNAP_PROCESS__pid, 8);
    take_num(&e, v, P_SNAP_PROCESS__ptid, 8);
    if (version >= 6)
        take_num(&e, v, P_SNAP_PROCESS__sid, 8);
    if (version >= 8)
        take_num(&e, v, P_SNAP_PROCESS__vpgid, 8);
    scap_take_text(&e, v, P_SNAP_PROCESS__comm);
    scap_take_text(&e, v, P_SNAP_PROCESS__exe);
    if (version >= 7)
        scap_take_text(&e, v, P_SNAP_PROCESS__exepath);
    take_texts(&e, v, P_SNAP_PROCESS__args);
    scap_take_text(&e, v, P_SNAP_PROCESS__cwd);
    take_num(&e, v, P_SNAP_PROCESS__fdlimit, 8);
    take_num(&e, v, P_SNAP_PROCESS__flags, 4);
    take_num(&e, v, P_SNAP_PROCESS__uid, 4);
    take_num(&e, v, P_SNAP_PROCESS__gid, 4);
    if (version >= 2)
        take_memory(&e, v);
    if (version >= 3)
        take_texts(&e, v, P_SNAP_PROCESS__env);
    if (version >= 4) {
        take_num(&e, v, P_SNAP_PROCESS__vtid, 8);
        take_num(&e, v, P_SNAP_PROCESS__vpid, 8);
        take_texts(&e, v, P_SNAP_PROCESS__cgroups);
    }
    if (version >= 5)
        scap_take_text(&e, v, P_SNAP_PROCESS__root);
    if (version >= 9)
        take_tail(&e, v);
    if (e.bad)
        return wrong(ret_wrong, "an entry of the process list is cut short");
    v->tid = (int64_t)v->store[P_SNAP_PROCESS__tid];
    scap_entry_end(c, sized, &e);
    return 1;
}

/* Endpoints as a tuple parameter has them: family, source address and port, destination address
 * and port. A listening socket has only the source. The blocks have addresses first, ports
 * after. */
static void take_endpoints(struct scap_cursor *e, struct scap_view *v, uint8_t family,
                           size_t addr_len, bool server)
{
    uint8_t *out = (uint8_t *)&v->store[P_SNAP_FD__l4proto + 1];
    size_t dst = 1 + addr_len + 2, size = dst + addr_len + 2, n = server ? 1 : 2;
    const uint8_t *addr = scap_take(e, n * addr_len), *port = scap_take(e, n * 2);

    take_num(e, v, P_SNAP_FD__l4proto, 1);
    if (!addr || !port)
        return;
    memset(out, 0, size);
    out[0] = family;
    memcpy(out + 1, addr, addr_len);
    memcpy(out + 1 + addr_len, port, 2);
    if (!server) {
        memcpy(out + dst, addr + addr_len, addr_len);
        memcpy(out + dst + addr_len, port + 2, 2);
    }
    scap_view_bytes(v, P_SNAP_FD__tuple, out, size);
}

enum { SUN_PATH_MAX = 255 };
_Static_assert((GYR_PARAMS_MAX - FD_PARAMS) * sizeof(uint64_t) >= 1 + 16 + SUN_PATH_MAX + 1,
               "the spare numbers of a view hold a tuple");

static void take_unix(struct scap_cursor *e, struct scap_view *v)
{
    uint8_t *out = (uint8_t *)&v->store[P_SNAP_FD__l4proto + 1];
    const uint8_t *ends = scap_take(e, 16);
    size_t len;

    scap_take_text(e, v, P_SNAP_FD__name);
    if (!ends || e->bad)
        return;
    out[0] = UNIX;
    memcpy(out + 1, ends, 16);
    len = v->par[P_SNAP_FD__name].len;
    if (len > SUN_PATH_MAX)
        len = SUN_PATH_MAX;
    if (len)
        memcpy(out + 17, v->par[P_SNAP_FD__name].p, len);
    scap_view_text(v, P_SNAP_FD__tuple, out, 17 + len);
}

static void take_file(struct scap_cursor *e, struct scap_view *v, bool sized)
{
    take_num(e, v, P_SNAP_FD__flags, 4);
    scap_take_text(e, v, P_SNAP_FD__name);
    if (sized)
        (void)take_more(e, v, P_SNAP_FD__dev, 4);
}

int scap_fd_next(struct scap_cursor *c, unsigned version, struct scap_view *v,
                 const char **ret_wrong)
{
    bool sized = version >= 2;
    struct scap_cursor e;
    uint64_t type;

    if (scap_entry_begin(c, sized, true, &e) < 0)
        return wrong(ret_wrong, "an entry of a descriptor list is longer than the list");
    scap_view_start(v, EV_SNAP_FD, FD_PARAMS, GYR_EVF_SNAPSHOT);
    take_num(&e, v, P_SNAP_FD__fd, 8);
    take_num(&e, v, P_SNAP_FD__ino, 8);
    type = scap_take_uint(&e, 1);
    scap_view_uint(v, P_SNAP_FD__type, type, 1);
    switch (type) {
    case FD_UNKNOWN:
        break;
    case FD_IPV4:
    case FD_IPV4_SERVER:
        take_endpoints(&e, v, IP4, 4, type == FD_IPV4_SERVER);
        break;
    case FD_IPV6:
    case FD_IPV6_SERVER:
        take_endpoints(&e, v, IP6, 16, type == FD_IPV6_SERVER);
        break;
    case FD_UNIX:
        take_unix(&e, v);
        break;
    case FD_FILE_V2:
        take_file(&e, v, sized);
        break;
    default:
        if (type <= FD_PIDFD)
            scap_take_text(&e, v, P_SNAP_FD__name);
        else if (!sized)
            return wrong(ret_wrong, "a descriptor is of an unknown type");
    }
    if (e.bad)
        return wrong(ret_wrong, "an entry of a descriptor list is cut short");
    scap_entry_end(c, sized, &e);
    return 1;
}
