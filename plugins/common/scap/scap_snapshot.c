/* SPDX-License-Identifier: Apache-2.0 */
#include "scap_snapshot.h"

#include "scap_encode.h"
#include "scap_tables.h"
#include "syscall/syscall.h"

#include <errno.h>
#include <string.h>

enum {
    MACHINE = 0x201,
    PROCESSES = 0x215,
    FDS = 0x218,
    INTERFACES = 0x219,
    USERS = 0x220,
    PROCESSES_VERSION = 9,
    FDS_VERSION = 2,
    BLOCK_FULL = 16 << 20, /* then another block of the same table follows */
    HOSTNAME_LEN = 128,
    TEXT_MAX = 1024,
    IF_IPV4 = 1,
    IF_IPV6 = 2,
    IF_IPV4_NO_SPEED = 3,
    IF_IPV6_NO_SPEED = 4
};

void scap_snapshot_free(struct scap_snapshot *s)
{
    for (int i = 0; i < SCAP_N_PARTS; i++)
        scap_bytes_free(&s->part[i].b);
    *s = (struct scap_snapshot){0};
}

void scap_snapshot_reset(struct scap_snapshot *s)
{
    for (int i = 0; i < SCAP_N_PARTS; i++) {
        scap_bytes_reset(&s->part[i].b);
        s->part[i].open = false;
    }
    s->lossy = false;
}

/* ---- blocks of entries ---- */

static void close_block(struct scap_part *p)
{
    if (p->open)
        (void)scap_block_end(&p->b, p->block); /* one that failed is told at the end */
    p->open = false;
}

/* Have a block open that has room for another entry. @return whether it is a new one. */
static bool open_block(struct scap_part *p, uint32_t type)
{
    if (p->open && p->b.len - p->block > BLOCK_FULL)
        close_block(p);
    if (p->open)
        return false;
    p->block = scap_block_begin(&p->b, type);
    p->open = true;
    return true;
}

/* ---- is what a reader gets what was told? ---- */

/* Not told, and told as nothing known. */
static bool says_nothing(const uint8_t *p, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (p[i] != p[0])
            return false;
    return n == 0 || p[0] == 0 || p[0] == 0xff;
}

static bool same_param(const struct scap_slice *s, const uint8_t *p, uint32_t len)
{
    static const uint8_t nul;

    if (s->len + s->nul == len)
        return (s->len == 0 || memcmp(s->p, p, s->len) == 0) && (!s->nul || p[len - 1] == 0);
    return says_nothing(s->len ? s->p : &nul, s->len) && says_nothing(p, len);
}

static bool same_event(const struct scap_view *v, const struct gyr_event *ev)
{
    static const struct scap_slice none;

    for (uint32_t i = 0; i < v->n || i < ev->nparams; i++) {
        uint32_t len = 0;
        const uint8_t *p = i < ev->nparams ? gyr_param(ev, i, &len) : NULL;

        if (!same_param(i < v->n ? &v->par[i] : &none, p, len))
            return false;
    }
    return true;
}

/* @param at where the entry begins. */
static bool reads_back(const struct scap_bytes *b, size_t at, const struct gyr_event *ev)
{
    struct scap_cursor c;
    struct scap_view v;
    const char *wrong;
    int r;

    if (b->failed)
        return true; /* there is nothing to compare; told at the end */
    c = (struct scap_cursor){b->p + at, b->p + b->len, false};
    if (ev->type == EV_SNAP_PROCESS) {
        r = scap_process_next(&c, PROCESSES_VERSION, &v, &wrong);
    } else {
        r = scap_fd_next(&c, FDS_VERSION, &v, &wrong);
        scap_view_uint(&v, P_SNAP_FD__tid, (uint64_t)ev->tid, 8);
    }
    return r > 0 && same_event(&v, ev);
}

/* ---- the tables ---- */

static void add_process(struct scap_snapshot *s, const struct gyr_event *ev)
{
    struct scap_part *p = &s->part[SCAP_PART_PROCESSES];
    size_t at;

    (void)open_block(p, PROCESSES);
    at = p->b.len;
    scap_encode_process(&p->b, ev);
    s->lossy = s->lossy || !reads_back(&p->b, at, ev);
    (void)scap_encode_event(&s->part[SCAP_PART_EXACT].b, ev, true);
}

static void add_fd(struct scap_snapshot *s, const struct gyr_event *ev)
{
    struct scap_part *p = &s->part[SCAP_PART_FDS];
    int64_t tid = ev->tid;
    size_t at;

    (void)gyr_param_i64(ev, P_SNAP_FD__tid, &tid);
    if (s->fd_tid != tid)
        close_block(p);
    if (open_block(p, FDS))
        scap_put_num(&p->b, (uint64_t)tid, 8);
    s->fd_tid = tid;
    at = p->b.len;
    scap_encode_fd(&p->b, ev);
    s->lossy = s->lossy || !reads_back(&p->b, at, ev);
    (void)scap_encode_event(&s->part[SCAP_PART_EXACT].b, ev, true);
}

static uint64_t num(const struct gyr_event *ev, uint32_t i)
{
    uint64_t v = 0;

    (void)gyr_param_u64(ev, i, &v);
    return v;
}

static void add_machine(struct scap_snapshot *s, const struct gyr_event *ev)
{
    struct scap_bytes *b = &s->part[SCAP_PART_MACHINE].b;
    char host[HOSTNAME_LEN] = "";
    const char *name;
    uint32_t len;
    size_t at;

    scap_bytes_reset(b); /* there is one */
    at = scap_block_begin(b, MACHINE);
    scap_put_num(b, num(ev, P_SNAP_MACHINE__num_cpus), 4);
    scap_put_num(b, num(ev, P_SNAP_MACHINE__memory), 8);
    scap_put_num(b, num(ev, P_SNAP_MACHINE__max_pid), 8);
    if (gyr_param_str(ev, P_SNAP_MACHINE__hostname, &name, &len))
        memcpy(host, name, len < sizeof(host) ? len : sizeof(host) - 1);
    scap_put(b, host, sizeof(host));
    scap_put_num(b, num(ev, P_SNAP_MACHINE__boot_ts), 8);
    scap_put_num(b, num(ev, P_SNAP_MACHINE__flags), 8);
    scap_put_num(b, 0, 8); /* reserved */
    scap_put_num(b, 0, 8);
    (void)scap_block_end(b, at);
}

static void put_text(struct scap_bytes *b, const struct gyr_event *ev, uint32_t i)
{
    const char *name = NULL;
    uint32_t len = 0;

    if (!gyr_param_str(ev, i, &name, &len))
        len = 0;
    len = len < TEXT_MAX ? len : TEXT_MAX;
    scap_put_num(b, len, 2);
    scap_put(b, name, len);
}

static void add_interface(struct scap_snapshot *s, const struct gyr_event *ev)
{
    static const uint8_t none[16];
    struct scap_part *part = &s->part[SCAP_PART_INTERFACES];
    struct scap_bytes *b = &part->b;
    uint32_t addr_len = 0, name_len = 0, len;
    const char *name = NULL;
    uint64_t speed;
    bool has_speed = gyr_param_u64(ev, P_SNAP_INTERFACE__speed, &speed);
    size_t at;

    if (ev->nparams > P_SNAP_INTERFACE__addr)
        (void)gyr_param(ev, P_SNAP_INTERFACE__addr, &addr_len);
    if (addr_len != 4 && addr_len != 16)
        return;
    if (!gyr_param_str(ev, P_SNAP_INTERFACE__name, &name, &name_len))
        name_len = 0;
    name_len = name_len < TEXT_MAX ? name_len : TEXT_MAX;
    (void)open_block(part, INTERFACES);
    at = b->len;
    scap_put_num(b, 0, 4);
    scap_put_num(b,
                 addr_len == 4 ? (has_speed ? IF_IPV4 : IF_IPV4_NO_SPEED)
                               : (has_speed ? IF_IPV6 : IF_IPV6_NO_SPEED),
                 2);
    scap_put_num(b, name_len, 2);
    for (uint32_t i = P_SNAP_INTERFACE__addr; i <= P_SNAP_INTERFACE__broadcast; i++) {
        const uint8_t *p = i < ev->nparams ? gyr_param(ev, i, &len) : NULL;

        scap_put(b, p && len == addr_len ? p : none, addr_len);
    }
    if (has_speed)
        scap_put_num(b, speed, 8);
    scap_put(b, name, name_len);
    scap_put_at(b, at, (uint32_t)(b->len - at) - 4); /* it does not count itself */
}

static void add_account(struct scap_snapshot *s, const struct gyr_event *ev, bool group)
{
    struct scap_part *part = &s->part[SCAP_PART_USERS];
    struct scap_bytes *b = &part->b;
    size_t at;

    (void)open_block(part, USERS);
    at = b->len;
    scap_put_num(b, 0, 4);
    scap_put_num(b, group, 1);
    if (group) {
        scap_put_num(b, num(ev, P_SNAP_GROUP__gid), 4);
        put_text(b, ev, P_SNAP_GROUP__name);
    } else {
        scap_put_num(b, num(ev, P_SNAP_USER__uid), 4);
        scap_put_num(b, num(ev, P_SNAP_USER__gid), 4);
        put_text(b, ev, P_SNAP_USER__name);
        put_text(b, ev, P_SNAP_USER__home);
        put_text(b, ev, P_SNAP_USER__shell);
    }
    scap_put_at(b, at, (uint32_t)(b->len - at));
}

void scap_snapshot_add(struct scap_snapshot *s, const struct gyr_event *ev)
{
    switch (ev->type) {
    case EV_SNAP_MACHINE:
        add_machine(s, ev);
        break;
    case EV_SNAP_PROCESS:
        add_process(s, ev);
        break;
    case EV_SNAP_FD:
        add_fd(s, ev);
        break;
    case EV_SNAP_USER:
    case EV_SNAP_GROUP:
        add_account(s, ev, ev->type == EV_SNAP_GROUP);
        break;
    case EV_SNAP_INTERFACE:
        add_interface(s, ev);
        break;
    default:
        break;
    }
}

int scap_snapshot_put(struct scap_snapshot *s, struct scap_bytes *out)
{
    int r = 0;

    for (int i = 0; i < SCAP_N_PARTS; i++) {
        struct scap_part *p = &s->part[i];

        close_block(p);
        if (i == SCAP_PART_EXACT && !s->lossy)
            continue;
        scap_put(out, p->b.p, p->b.len);
        if (p->b.failed)
            r = -ENOMEM;
    }
    return out->failed ? -ENOMEM : r;
}
