/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of the process and descriptor lists, from snapshot events. */
#include "scap_snapshot.h"

#include "syscall/syscall.h"

/* What sysdig 0.29 has room for: longer texts make it refuse the capture. */
enum { NAME_MAX_LEN = 1024, FD_NAME_MAX = 1023, LIST_MAX_LEN = 4096 };
enum { UNIX_ENDS = 16, UNIX_TUPLE_MIN = 1 + UNIX_ENDS };
enum { EXE_WRITABLE = 1, EXE_UPPER_LAYER = 2, EXE_FROM_MEMFD = 4, EXE_LOWER_LAYER = 8 };

static uint64_t num(const struct gyr_event *ev, uint32_t i, int64_t absent)
{
    uint64_t v;

    return gyr_param_u64(ev, i, &v) ? v : (uint64_t)absent;
}

static void put_num(struct scap_bytes *b, const struct gyr_event *ev, uint32_t i, size_t width)
{
    scap_put_num(b, num(ev, i, 0), width);
}

/* Numbers of processes: not known is -1. */
static void put_id(struct scap_bytes *b, const struct gyr_event *ev, uint32_t i, size_t width)
{
    scap_put_num(b, num(ev, i, -1), width);
}

static void put_text(struct scap_bytes *b, const struct gyr_event *ev, uint32_t i, uint32_t max)
{
    const char *s = NULL;
    uint32_t len = 0;

    if (!gyr_param_str(ev, i, &s, &len))
        len = 0;
    len = len < max ? len : max;
    scap_put_num(b, len, 2);
    scap_put(b, s, len);
}

/* Strings, each with its NUL: cut behind the last one that fits. */
static void put_texts(struct scap_bytes *b, const struct gyr_event *ev, uint32_t i)
{
    uint32_t len = 0;
    const uint8_t *p = i < ev->nparams ? gyr_param(ev, i, &len) : NULL;

    if (len > LIST_MAX_LEN) {
        len = LIST_MAX_LEN;
        while (len > 0 && p[len - 1])
            len--;
    }
    scap_put_num(b, len, 2);
    scap_put(b, p, len);
}

static void put_tail(struct scap_bytes *b, const struct gyr_event *ev)
{
    uint64_t flags = num(ev, P_SNAP_PROCESS__exe_flags, 0);

    put_num(b, ev, P_SNAP_PROCESS__pidns_init_start_ts, 8);
    put_num(b, ev, P_SNAP_PROCESS__tty, 4);
    put_id(b, ev, P_SNAP_PROCESS__loginuid, 4);
    scap_put_num(b, !!(flags & EXE_WRITABLE), 1);
    put_num(b, ev, P_SNAP_PROCESS__cap_inheritable, 8);
    put_num(b, ev, P_SNAP_PROCESS__cap_permitted, 8);
    put_num(b, ev, P_SNAP_PROCESS__cap_effective, 8);
    scap_put_num(b, !!(flags & EXE_UPPER_LAYER), 1);
    put_num(b, ev, P_SNAP_PROCESS__exe_ino, 8);
    put_num(b, ev, P_SNAP_PROCESS__exe_ino_ctime, 8);
    put_num(b, ev, P_SNAP_PROCESS__exe_ino_mtime, 8);
    scap_put_num(b, !!(flags & EXE_FROM_MEMFD), 1);
    scap_put_num(b, !!(flags & EXE_LOWER_LAYER), 1);
    put_id(b, ev, P_SNAP_PROCESS__pgid, 8);
}

void scap_encode_process(struct scap_bytes *b, const struct gyr_event *ev)
{
    size_t at = b->len;

    scap_put_num(b, 0, 4);
    put_id(b, ev, P_SNAP_PROCESS__tid, 8);
    put_id(b, ev, P_SNAP_PROCESS__pid, 8);
    put_id(b, ev, P_SNAP_PROCESS__ptid, 8);
    put_id(b, ev, P_SNAP_PROCESS__sid, 8);
    put_id(b, ev, P_SNAP_PROCESS__vpgid, 8);
    put_text(b, ev, P_SNAP_PROCESS__comm, NAME_MAX_LEN);
    put_text(b, ev, P_SNAP_PROCESS__exe, NAME_MAX_LEN);
    put_text(b, ev, P_SNAP_PROCESS__exepath, NAME_MAX_LEN);
    put_texts(b, ev, P_SNAP_PROCESS__args);
    put_text(b, ev, P_SNAP_PROCESS__cwd, NAME_MAX_LEN);
    put_id(b, ev, P_SNAP_PROCESS__fdlimit, 8);
    put_num(b, ev, P_SNAP_PROCESS__flags, 4);
    put_id(b, ev, P_SNAP_PROCESS__uid, 4);
    put_id(b, ev, P_SNAP_PROCESS__gid, 4);
    put_num(b, ev, P_SNAP_PROCESS__vmsize_kb, 4);
    put_num(b, ev, P_SNAP_PROCESS__vmrss_kb, 4);
    put_num(b, ev, P_SNAP_PROCESS__vmswap_kb, 4);
    put_num(b, ev, P_SNAP_PROCESS__pfmajor, 8);
    put_num(b, ev, P_SNAP_PROCESS__pfminor, 8);
    put_texts(b, ev, P_SNAP_PROCESS__env);
    put_id(b, ev, P_SNAP_PROCESS__vtid, 8);
    put_id(b, ev, P_SNAP_PROCESS__vpid, 8);
    put_texts(b, ev, P_SNAP_PROCESS__cgroups);
    put_text(b, ev, P_SNAP_PROCESS__root, NAME_MAX_LEN);
    put_tail(b, ev);
    scap_put_at(b, at, (uint32_t)(b->len - at));
}

/* Addresses first, ports after; a listening socket has only its own. */
static void put_endpoints(struct scap_bytes *b, const uint8_t *tuple, size_t addr_len, bool server)
{
    const uint8_t *src = tuple + 1, *dst = src + addr_len + 2;

    scap_put(b, src, addr_len);
    if (!server)
        scap_put(b, dst, addr_len);
    scap_put(b, src + addr_len, 2);
    if (!server)
        scap_put(b, dst + addr_len, 2);
}

/* Length of the addresses of a kind of descriptor; 0: it has none. */
static size_t addr_len_of(uint64_t type)
{
    return type == FD_IPV4 || type == FD_IPV4_SERVER   ? 4
           : type == FD_IPV6 || type == FD_IPV6_SERVER ? 16
                                                       : 0;
}

static void put_unix(struct scap_bytes *b, const struct gyr_event *ev, const uint8_t *tuple,
                     uint32_t len)
{
    static const uint8_t none[UNIX_ENDS];

    scap_put(b, len >= UNIX_TUPLE_MIN ? tuple + 1 : none, UNIX_ENDS);
    put_text(b, ev, P_SNAP_FD__name, FD_NAME_MAX);
}

void scap_encode_fd(struct scap_bytes *b, const struct gyr_event *ev)
{
    uint64_t type = num(ev, P_SNAP_FD__type, FD_UNSUPPORTED);
    size_t at = b->len, addr_len = addr_len_of(type);
    uint32_t len = 0;
    const uint8_t *tuple =
        ev->nparams > P_SNAP_FD__tuple ? gyr_param(ev, P_SNAP_FD__tuple, &len) : NULL;

    /* Kinds that sysdig 0.29 does not know end its reading. */
    if (type > FD_FILE_V2 || (addr_len && len != 1 + 2 * (addr_len + 2)))
        type = FD_UNSUPPORTED;
    scap_put_num(b, 0, 4);
    put_id(b, ev, P_SNAP_FD__fd, 8);
    put_num(b, ev, P_SNAP_FD__ino, 8);
    scap_put_num(b, type, 1);
    if (type == FD_UNIX) {
        put_unix(b, ev, tuple, len);
    } else if (addr_len_of(type)) {
        put_endpoints(b, tuple, addr_len, type == FD_IPV4_SERVER || type == FD_IPV6_SERVER);
        put_num(b, ev, P_SNAP_FD__l4proto, 1);
    } else if (type == FD_FILE_V2) {
        put_num(b, ev, P_SNAP_FD__flags, 4);
        put_text(b, ev, P_SNAP_FD__name, FD_NAME_MAX);
        put_num(b, ev, P_SNAP_FD__dev, 4);
    } else if (type != FD_UNKNOWN) {
        put_text(b, ev, P_SNAP_FD__name, FD_NAME_MAX);
    }
    scap_put_at(b, at, (uint32_t)(b->len - at));
}
