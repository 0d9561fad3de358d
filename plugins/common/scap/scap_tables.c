/* SPDX-License-Identifier: Apache-2.0 */
#include "scap_tables.h"

#include "syscall/syscall.h"

#include <errno.h>

enum {
    HOSTNAME_LEN = 128,
    MACHINE_MIN = 4 + 8 + 8 + HOSTNAME_LEN,
    ADDR6_LEN = 16,
    ENTRY_MIN = 4, /* less than this is the block's padding */
};

/* Types of an entry of the interface list. */
enum { IF_IPV4 = 1, IF_IPV6 = 2, IF_IPV4_NO_SPEED = 3, IF_IPV6_NO_SPEED = 4 };

static const struct {
    uint32_t type;
    uint8_t kind, version;
} blocks[] = {
    {0x201, SCAP_TABLE_MACHINE, 1},
    {0x8002ABCD, SCAP_TABLE_MACHINE, 1},
    {0x215, SCAP_TABLE_PROCESSES, 9},
    {0x214, SCAP_TABLE_PROCESSES, 8},
    {0x213, SCAP_TABLE_PROCESSES, 7},
    {0x212, SCAP_TABLE_PROCESSES, 6},
    {0x211, SCAP_TABLE_PROCESSES, 5},
    {0x210, SCAP_TABLE_PROCESSES, 4},
    {0x209, SCAP_TABLE_PROCESSES, 3},
    {0x207, SCAP_TABLE_PROCESSES, 2},
    {0x202, SCAP_TABLE_PROCESSES, 1},
    {0x8014ABCD, SCAP_TABLE_PROCESSES, 3},
    {0x8013ABCD, SCAP_TABLE_PROCESSES, 2},
    {0x8000ABCD, SCAP_TABLE_PROCESSES, 1},
    {0x218, SCAP_TABLE_FDS, 2},
    {0x203, SCAP_TABLE_FDS, 1},
    {0x8001ABCD, SCAP_TABLE_FDS, 1},
    {0x219, SCAP_TABLE_INTERFACES, 2},
    {0x205, SCAP_TABLE_INTERFACES, 1},
    {0x8011ABCD, SCAP_TABLE_INTERFACES, 1},
    {0x220, SCAP_TABLE_USERS, 2},
    {0x206, SCAP_TABLE_USERS, 1},
    {0x8012ABCD, SCAP_TABLE_USERS, 1},
};

enum scap_table_kind scap_table_of(uint32_t block_type, unsigned *ret_version)
{
    for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
        if (blocks[i].type == block_type) {
            *ret_version = blocks[i].version;
            return blocks[i].kind;
        }
    }
    return SCAP_TABLE_NONE;
}

int scap_entry_begin(struct scap_cursor *c, bool sized, bool inclusive, struct scap_cursor *ret)
{
    uint32_t len;

    *ret = *c;
    if (!sized)
        return 0;
    len = (uint32_t)scap_take_uint(ret, 4);
    if (inclusive)
        len = len < 4 ? UINT32_MAX : len - 4;
    if (ret->bad || len > scap_left(ret))
        return -EBADMSG;
    ret->end = ret->p + len;
    c->p = ret->end;
    return 0;
}

void scap_take_text(struct scap_cursor *c, struct scap_view *v, int i)
{
    size_t len = scap_take_uint(c, 2);
    const uint8_t *p = scap_take(c, len);

    if (p && i >= 0)
        scap_view_text(v, (uint32_t)i, p, len);
}

static int wrong(const char **ret, const char *what)
{
    *ret = what;
    return -EBADMSG;
}

static int machine_next(struct scap_table *t, struct scap_view *v, const char **ret_wrong)
{
    struct scap_cursor *c = &t->at;
    const uint8_t *host;

    if (t->begun)
        return 0;
    t->begun = true;
    if (scap_left(c) < MACHINE_MIN)
        return wrong(ret_wrong, "the machine information is too short");
    scap_view_start(v, EV_SNAP_MACHINE, 6, GYR_EVF_SNAPSHOT);
    scap_view_uint(v, P_SNAP_MACHINE__num_cpus, scap_take_uint(c, 4), 4);
    scap_view_uint(v, P_SNAP_MACHINE__memory, scap_take_uint(c, 8), 8);
    scap_view_uint(v, P_SNAP_MACHINE__max_pid, scap_take_uint(c, 8), 8);
    host = scap_take(c, HOSTNAME_LEN);
    scap_view_text(v, P_SNAP_MACHINE__hostname, host, strnlen((const char *)host, HOSTNAME_LEN));
    t->boot_ts = scap_left(c) >= 8 ? scap_take_uint(c, 8) : 0;
    if (t->boot_ts)
        scap_view_uint(v, P_SNAP_MACHINE__boot_ts, t->boot_ts, 8);
    if (scap_left(c) >= 8)
        scap_view_uint(v, P_SNAP_MACHINE__flags, scap_take_uint(c, 8), 8);
    return 1;
}

static int interface_next(struct scap_cursor *c, unsigned version, struct scap_view *v,
                          const char **ret_wrong)
{
    bool sized = version >= 2, speed;
    struct scap_cursor e;
    const uint8_t *p;
    size_t name_len, addr_len;
    unsigned type;

    if (scap_entry_begin(c, sized, false, &e) < 0)
        return wrong(ret_wrong, "an entry of the interface list is longer than the list");
    type = (unsigned)scap_take_uint(&e, 2);
    name_len = scap_take_uint(&e, 2);
    if (!e.bad && (type < IF_IPV4 || type > IF_IPV6_NO_SPEED))
        return wrong(ret_wrong, "an entry of the interface list is of an unknown type");
    addr_len = type == IF_IPV4 || type == IF_IPV4_NO_SPEED ? 4 : ADDR6_LEN;
    speed = type == IF_IPV4 || type == IF_IPV6;
    scap_view_start(v, EV_SNAP_INTERFACE, 5, GYR_EVF_SNAPSHOT);
    for (uint32_t i = P_SNAP_INTERFACE__addr; i <= P_SNAP_INTERFACE__broadcast; i++)
        if ((p = scap_take(&e, addr_len)))
            scap_view_bytes(v, i, p, addr_len);
    if (speed)
        scap_view_uint(v, P_SNAP_INTERFACE__speed, scap_take_uint(&e, 8), 8);
    if ((p = scap_take(&e, name_len)))
        scap_view_text(v, P_SNAP_INTERFACE__name, p, name_len);
    if (e.bad)
        return wrong(ret_wrong, "an entry of the interface list is cut short");
    scap_entry_end(c, sized, &e);
    return 1;
}

static int user_next(struct scap_cursor *c, unsigned version, struct scap_view *v,
                     const char **ret_wrong)
{
    bool sized = version >= 2;
    struct scap_cursor e;
    uint64_t is_group;

    if (scap_entry_begin(c, sized, true, &e) < 0)
        return wrong(ret_wrong, "an entry of the user list is longer than the list");
    is_group = scap_take_uint(&e, 1);
    if (is_group) {
        scap_view_start(v, EV_SNAP_GROUP, 2, GYR_EVF_SNAPSHOT);
        scap_view_uint(v, P_SNAP_GROUP__gid, scap_take_uint(&e, 4), 4);
        scap_take_text(&e, v, P_SNAP_GROUP__name);
    } else {
        scap_view_start(v, EV_SNAP_USER, 5, GYR_EVF_SNAPSHOT);
        scap_view_uint(v, P_SNAP_USER__uid, scap_take_uint(&e, 4), 4);
        scap_view_uint(v, P_SNAP_USER__gid, scap_take_uint(&e, 4), 4);
        scap_take_text(&e, v, P_SNAP_USER__name);
        scap_take_text(&e, v, P_SNAP_USER__home);
        scap_take_text(&e, v, P_SNAP_USER__shell);
    }
    if (e.bad)
        return wrong(ret_wrong, "an entry of the user list is cut short");
    scap_entry_end(c, sized, &e);
    return 1;
}

static int fds_next(struct scap_table *t, struct scap_view *v, const char **ret_wrong)
{
    int r;

    if (!t->begun) {
        t->begun = true;
        t->tid = (int64_t)scap_take_uint(&t->at, 8);
        if (t->at.bad)
            return wrong(ret_wrong, "the descriptor list does not say whose it is");
    }
    if (scap_left(&t->at) < ENTRY_MIN)
        return 0;
    r = scap_fd_next(&t->at, t->version, v, ret_wrong);
    if (r > 0) {
        v->tid = t->tid;
        scap_view_uint(v, P_SNAP_FD__tid, (uint64_t)t->tid, 8);
    }
    return r;
}

int scap_table_next(struct scap_table *t, struct scap_view *v, const char **ret_wrong)
{
    if (t->kind == SCAP_TABLE_MACHINE)
        return machine_next(t, v, ret_wrong);
    if (t->kind == SCAP_TABLE_FDS)
        return fds_next(t, v, ret_wrong);
    if (scap_left(&t->at) < ENTRY_MIN)
        return 0;
    switch (t->kind) {
    case SCAP_TABLE_PROCESSES:
        return scap_process_next(&t->at, t->version, v, ret_wrong);
    case SCAP_TABLE_INTERFACES:
        return interface_next(&t->at, t->version, v, ret_wrong);
    case SCAP_TABLE_USERS:
        return user_next(&t->at, t->version, v, ret_wrong);
    default:
        return 0;
    }
}
