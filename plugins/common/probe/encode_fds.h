/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/**
 * @file encode_fds.h
 * @brief Encoders of calls on descriptors: those that make, copy, wait for and
 * control them.
 */
#ifndef PROBE_ENCODE_FDS_H
#define PROBE_ENCODE_FDS_H

#include "args.h"
#include "file.h"
#include "flags.h"

enum { POLL_MAX = 16, LOCK_BITS = 0xf, MEMFD_BITS = 7, CLOSE_RANGE_BITS = 6, SEEK_KNOWN = 2 };

/* ---- copies ---- */

static PRIM_INLINE bool encode_dup(struct enc *e, const struct call *c)
{
    put_ret(e, c);
    put_int(e, c, 0);
    return true;
}

static PRIM_INLINE bool encode_dup2(struct enc *e, const struct call *c)
{
    put_ret(e, c);
    put_int(e, c, 0);
    put_int(e, c, 1);
    return true;
}

static PRIM_INLINE bool encode_dup3(struct enc *e, const struct call *c)
{
    (void)encode_dup2(e, c);
    enc_u32(e, flags_fd_pair(c->arg[2] & NAT_O_CLOEXEC));
    return true;
}

static PRIM_INLINE bool encode_fcntl(struct enc *e, const struct call *c)
{
    put_ret(e, c);
    put_int(e, c, 0);
    enc_u8(e, flags_fcntl((u32)c->arg[1]));
    put_arg_u64(e, c, 2);
    return true;
}

static PRIM_INLINE bool encode_close_range(struct enc *e, const struct call *c)
{
    put_ret(e, c);
    put_arg_u32(e, c, 0);
    put_arg_u32(e, c, 1);
    enc_u32(e, (u32)c->arg[2] & CLOSE_RANGE_BITS);
    return true;
}

static PRIM_INLINE bool encode_pidfd_getfd(struct enc *e, const struct call *c)
{
    (void)encode_dup2(e, c);
    put_arg_u32(e, c, 2);
    return true;
}

/* ---- new ones ---- */

static PRIM_INLINE bool encode_pipe(struct enc *e, const struct call *c)
{
    s32 fds[2] = {0, 0};
    struct file_facts pipe = {0};

    if (prim_user_read(fds, sizeof(fds), c->arg[0]) != 0)
        fds[0] = fds[1] = -1;
    if (c->ret == 0)
        file_look(c->task, fds[0], &pipe);
    put_ret(e, c);
    enc_s64(e, fds[0]);
    enc_s64(e, fds[1]);
    enc_u64(e, pipe.ino);
    return true;
}

static PRIM_INLINE bool encode_pipe2(struct enc *e, const struct call *c)
{
    (void)encode_pipe(e, c);
    enc_u32(e, flags_fd(c->arg[1]));
    return true;
}

static PRIM_INLINE bool encode_eventfd(struct enc *e, const struct call *c)
{
    put_ret(e, c);
    enc_u64(e, (u32)c->arg[0]);
    enc_u32(e, 0);
    return true;
}

static PRIM_INLINE bool encode_eventfd2(struct enc *e, const struct call *c)
{
    put_ret(e, c);
    enc_u16(e, (u16)flags_fd_pair(c->arg[1]));
    enc_u64(e, (u32)c->arg[0]);
    return true;
}

static PRIM_INLINE bool encode_inotify_init(struct enc *e, const struct call *c)
{
    put_ret(e, c);
    enc_u8(e, 0);
    return true;
}

static PRIM_INLINE bool encode_inotify_init1(struct enc *e, const struct call *c)
{
    put_ret(e, c);
    enc_u16(e, (u16)flags_fd_pair(c->arg[0]));
    return true;
}

/* The parameter is too narrow for close-on-exec. */
static PRIM_INLINE bool encode_timerfd_create(struct enc *e, const struct call *c)
{
    put_ret(e, c);
    enc_u8(e, (u8)c->arg[0]);
    enc_u8(e, (u8)flags_fd_pair(c->arg[1]));
    return true;
}

/* Nobody fills the mask, of 32 bits where the kernel has 64. */
static PRIM_INLINE bool encode_signalfd(struct enc *e, const struct call *c)
{
    put_ret(e, c);
    put_int(e, c, 0);
    enc_u32(e, 0);
    enc_u8(e, 0);
    return true;
}

static PRIM_INLINE bool encode_signalfd4(struct enc *e, const struct call *c)
{
    put_ret(e, c);
    enc_u16(e, (u16)flags_fd_pair(c->arg[3]));
    put_int(e, c, 0);
    enc_u32(e, 0);
    return true;
}

static PRIM_INLINE bool encode_epoll_create(struct enc *e, const struct call *c)
{
    put_ret(e, c);
    put_arg_u32(e, c, 0);
    return true;
}

static PRIM_INLINE bool encode_epoll_create1(struct enc *e, const struct call *c)
{
    put_ret(e, c);
    enc_u32(e, c->arg[0] & NAT_O_CLOEXEC ? 1 : 0);
    return true;
}

static PRIM_INLINE bool encode_memfd_create(struct enc *e, const struct call *c)
{
    put_ret(e, c);
    put_str(e, c, 0);
    enc_u32(e, (u32)c->arg[1] & MEMFD_BITS);
    return true;
}

static PRIM_INLINE bool encode_pidfd_open(struct enc *e, const struct call *c)
{
    put_ret(e, c);
    put_int(e, c, 0);
    enc_u32(e, c->arg[1] & NAT_O_NONBLOCK ? 1 : 0);
    return true;
}

static PRIM_INLINE bool encode_userfaultfd(struct enc *e, const struct call *c)
{
    put_ret(e, c);
    put_arg_u32(e, c, 0);
    return true;
}

/* ---- waiting ---- */

/* What is ready of the first descriptors: how many stand here, then each with
 * its bits. */
static PRIM_INLINE void poll_fds(struct enc *e, const struct call *c)
{
    const struct {
        s32 fd;
        u16 events, revents;
    } *asked = (const void *)(e->buf + ENC_ROOM);
    u64 n = (u32)c->arg[1];

    if (n > POLL_MAX) {
        n = POLL_MAX;
        e->flags |= PROBE_EVF_CUT;
    }
    PRIM_BOUND(n, 2 * POLL_MAX - 1);
    if (n > 0 && prim_user_read(e->buf + ENC_ROOM, n * sizeof(*asked), c->arg[0]) != 0)
        n = 0;
    enc_more_u16(e, (u16)n);
    for (u32 i = 0; i < POLL_MAX; i++) {
        if (i >= n)
            break;
        enc_more_u64(e, (u64)(s64)asked[i].fd);
        enc_more_u16(e, flags_poll(asked[i].revents));
    }
    enc_close(e);
}

static PRIM_INLINE bool encode_poll(struct enc *e, const struct call *c)
{
    put_ret(e, c);
    poll_fds(e, c);
    put_int(e, c, 2);
    return true;
}

static PRIM_INLINE bool encode_ppoll(struct enc *e, const struct call *c)
{
    put_ret(e, c);
    poll_fds(e, c);
    enc_u64(e, user_timespec(c->arg[2], c->compat && c->nr != NR32_PPOLL_TIME64));
    enc_s32(e, user_int(c->arg[3], 0));
    return true;
}

static PRIM_INLINE bool encode_epoll_wait(struct enc *e, const struct call *c)
{
    put_ret(e, c);
    put_int(e, c, 2);
    return true;
}

static PRIM_INLINE bool encode_select(struct enc *e, const struct call *c)
{
    put_ret(e, c);
    return true;
}

/* ---- positions and bytes ---- */

static PRIM_INLINE void put_whence(struct enc *e, u64 whence)
{
    enc_u8(e, whence <= SEEK_KNOWN ? (u8)whence : 0);
}

static PRIM_INLINE bool encode_lseek(struct enc *e, const struct call *c)
{
    put_ret(e, c);
    put_int(e, c, 0);
    enc_u64(e, arg_offset(c, 1));
    put_whence(e, (u32)c->arg[2]);
    return true;
}

/* Where longs have 32 bits, the position comes in two halves. */
static PRIM_INLINE bool encode_llseek(struct enc *e, const struct call *c)
{
    put_ret(e, c);
    put_int(e, c, 0);
    enc_u64(e, c->arg[1] << 32 | (u32)c->arg[2]);
    put_whence(e, (u32)c->arg[4]);
    return true;
}

static PRIM_INLINE bool encode_splice(struct enc *e, const struct call *c)
{
    enum { SPLICE_BITS = 0xf };

    put_ret(e, c);
    put_int(e, c, 0);
    put_int(e, c, 2);
    put_arg_u64(e, c, 4);
    enc_u32(e, (u32)c->arg[5] & SPLICE_BITS);
    return true;
}

static PRIM_INLINE bool encode_sendfile(struct enc *e, const struct call *c)
{
    u64 offset = 0;

    if (c->compat && c->nr == NR32_SENDFILE)
        offset = (u64)(s64)user_int(c->arg[2], 0);
    else if (c->arg[2])
        (void)prim_user_read(&offset, sizeof(offset), c->arg[2]);
    put_ret(e, c);
    enc_u64(e, offset);
    put_int(e, c, 0);
    put_int(e, c, 1);
    put_arg_u64(e, c, 3);
    return true;
}

/* The positions are what the program passes: pointers. */
static PRIM_INLINE bool encode_copy_file_range(struct enc *e, const struct call *c)
{
    put_ret(e, c);
    put_int(e, c, 2);
    put_arg_u64(e, c, 3);
    put_int(e, c, 0);
    put_arg_u64(e, c, 1);
    put_arg_u64(e, c, 4);
    return true;
}

/* ---- others ---- */

static PRIM_INLINE bool encode_ioctl(struct enc *e, const struct call *c)
{
    put_ret(e, c);
    put_int(e, c, 0);
    put_arg_u64(e, c, 1);
    put_arg_u64(e, c, 2);
    return true;
}

static PRIM_INLINE bool encode_flock(struct enc *e, const struct call *c)
{
    put_ret(e, c);
    put_int(e, c, 0);
    enc_u32(e, (u32)c->arg[1] & LOCK_BITS);
    return true;
}

static PRIM_INLINE bool encode_fstat64(struct enc *e, const struct call *c)
{
    put_ret(e, c);
    return true;
}

/* An answer and a descriptor, as of dup(). */
#define encode_fstat      encode_dup
#define encode_getdents   encode_dup
#define encode_getdents64 encode_dup

#endif /* PROBE_ENCODE_FDS_H */
