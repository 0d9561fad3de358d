/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/**
 * @file encode_paths.h
 * @brief Encoders of calls on names in the file system.
 */
#ifndef PROBE_ENCODE_PATHS_H
#define PROBE_ENCODE_PATHS_H

#include "args.h"
#include "encode_files.h"

enum {
    ACCESS_BITS = 7,
    UNLINKAT_BITS = 0x200,
    LINKAT_BITS = 0x1400,
    STATAT_BITS = 0x1900,
    UMOUNT_BITS = 0xf
};

/* ---- one name, two names ---- */

static PRIM_INLINE bool encode_stat(struct enc *e, const struct call *c)
{
    put_ret(e, c);
    put_str(e, c, 0);
    return true;
}

#define encode_lstat   encode_stat
#define encode_stat64  encode_stat
#define encode_lstat64 encode_stat
#define encode_chdir   encode_stat
#define encode_chroot  encode_stat
#define encode_rmdir   encode_stat
#define encode_unlink  encode_stat
#define encode_umount  encode_stat

static PRIM_INLINE bool encode_rename(struct enc *e, const struct call *c)
{
    put_ret(e, c);
    put_str(e, c, 0);
    put_str(e, c, 1);
    return true;
}

#define encode_link    encode_rename
#define encode_symlink encode_rename

static PRIM_INLINE bool encode_renameat(struct enc *e, const struct call *c)
{
    put_ret(e, c);
    put_int(e, c, 0);
    put_str(e, c, 1);
    put_int(e, c, 2);
    put_str(e, c, 3);
    return true;
}

static PRIM_INLINE bool encode_renameat2(struct enc *e, const struct call *c)
{
    (void)encode_renameat(e, c);
    put_arg_u32(e, c, 4);
    return true;
}

static PRIM_INLINE bool encode_linkat(struct enc *e, const struct call *c)
{
    (void)encode_renameat(e, c);
    enc_u32(e, (u32)c->arg[4] & LINKAT_BITS);
    return true;
}

static PRIM_INLINE bool encode_symlinkat(struct enc *e, const struct call *c)
{
    put_ret(e, c);
    put_str(e, c, 0);
    put_int(e, c, 1);
    put_str(e, c, 2);
    return true;
}

static PRIM_INLINE bool encode_unlinkat(struct enc *e, const struct call *c)
{
    put_ret(e, c);
    put_int(e, c, 0);
    put_str(e, c, 1);
    enc_u32(e, (u32)c->arg[2] & UNLINKAT_BITS);
    return true;
}

static PRIM_INLINE bool encode_newfstatat(struct enc *e, const struct call *c)
{
    put_ret(e, c);
    put_int(e, c, 0);
    put_str(e, c, 1);
    enc_u32(e, (u32)c->arg[3] & STATAT_BITS);
    return true;
}

static PRIM_INLINE bool encode_access(struct enc *e, const struct call *c)
{
    (void)encode_stat(e, c);
    enc_u32(e, (u32)c->arg[1] & ACCESS_BITS);
    return true;
}

/* ---- modes and owners ---- */

static PRIM_INLINE bool encode_mkdir(struct enc *e, const struct call *c)
{
    (void)encode_stat(e, c);
    put_arg_u32(e, c, 1);
    return true;
}

static PRIM_INLINE bool encode_mkdirat(struct enc *e, const struct call *c)
{
    put_ret(e, c);
    put_int(e, c, 0);
    put_str(e, c, 1);
    put_arg_u32(e, c, 2);
    return true;
}

static PRIM_INLINE bool encode_chmod(struct enc *e, const struct call *c)
{
    (void)encode_stat(e, c);
    enc_u32(e, (u32)c->arg[1] & MODE_BITS);
    return true;
}

static PRIM_INLINE bool encode_fchmod(struct enc *e, const struct call *c)
{
    put_ret(e, c);
    put_int(e, c, 0);
    enc_u32(e, (u32)c->arg[1] & MODE_BITS);
    return true;
}

static PRIM_INLINE bool encode_fchmodat(struct enc *e, const struct call *c)
{
    put_ret(e, c);
    put_int(e, c, 0);
    put_str(e, c, 1);
    enc_u32(e, (u32)c->arg[2] & MODE_BITS);
    return true;
}

/* A mode without a type makes a regular file. Types that mknod() refuses have
 * no name here. */
static PRIM_INLINE u32 mknod_mode(u64 mode)
{
    u32 type = (u32)mode & 0170000;

    switch (type) {
    case 0:
        type = 0100000;
        break;
    case 0010000: /* FIFO */
    case 0020000: /* character device */
    case 0060000: /* block device */
    case 0100000: /* regular */
    case 0140000: /* socket */
        break;
    default:
        type = 0;
    }
    return type | ((u32)mode & MODE_BITS);
}

static PRIM_INLINE bool encode_mknod(struct enc *e, const struct call *c)
{
    (void)encode_stat(e, c);
    enc_u32(e, mknod_mode(c->arg[1]));
    put_arg_u32(e, c, 2);
    return true;
}

static PRIM_INLINE bool encode_mknodat(struct enc *e, const struct call *c)
{
    put_ret(e, c);
    put_int(e, c, 0);
    put_str(e, c, 1);
    enc_u32(e, mknod_mode(c->arg[2]));
    put_arg_u32(e, c, 3);
    return true;
}

static PRIM_INLINE bool encode_chown(struct enc *e, const struct call *c)
{
    (void)encode_stat(e, c);
    put_id(e, c, 1);
    put_id(e, c, 2);
    return true;
}

#define encode_lchown encode_chown

static PRIM_INLINE bool encode_fchown(struct enc *e, const struct call *c)
{
    put_ret(e, c);
    put_int(e, c, 0);
    put_id(e, c, 1);
    put_id(e, c, 2);
    return true;
}

static PRIM_INLINE bool encode_fchownat(struct enc *e, const struct call *c)
{
    u64 v = c->arg[4];

    put_ret(e, c);
    put_int(e, c, 0);
    put_str(e, c, 1);
    put_id(e, c, 2);
    put_id(e, c, 3);
    enc_u32(e, FLAG(0x100, 0x400) /* SYMLINK_NOFOLLOW */ | FLAG(0x1000, 0x1000) /* EMPTY_PATH */);
    return true;
}

/* ---- where one is ---- */

static PRIM_INLINE bool encode_getcwd(struct enc *e, const struct call *c)
{
    put_ret(e, c);
    if (c->ret > 0)
        put_str(e, c, 0);
    else
        enc_none(e);
    return true;
}

static PRIM_INLINE bool encode_fchdir(struct enc *e, const struct call *c)
{
    put_ret(e, c);
    put_int(e, c, 0);
    return true;
}

/* The handle says nothing to a reader: the path is that of the file it opened. */
static PRIM_INLINE bool encode_open_by_handle_at(struct enc *e, const struct call *c)
{
    struct file *file = prim_file(c->task, c->ret);
    struct file_facts o;

    file_look(c->task, c->ret, &o);
    put_ret(e, c);
    put_int(e, c, 0);
    enc_u32(e, flags_open(c->arg[2]) | open_found(&o));
    if (file)
        prim_path(e, file);
    enc_close(e);
    enc_u32(e, o.dev);
    enc_u64(e, o.ino);
    return true;
}

/* ---- mounts ---- */

static PRIM_INLINE bool encode_mount(struct enc *e, const struct call *c)
{
    enum { MAGIC = 0xC0ED0000u, MAGIC_BITS = 0xffff0000u };
    u32 flags = (u32)c->arg[3];

    if ((flags & MAGIC_BITS) == MAGIC) /* what programs had to say before Linux 2.4 */
        flags &= ~MAGIC_BITS;
    put_ret(e, c);
    put_str(e, c, 0);
    put_str(e, c, 1);
    put_str(e, c, 2);
    enc_u32(e, flags);
    return true;
}

static PRIM_INLINE bool encode_umount2(struct enc *e, const struct call *c)
{
    (void)encode_umount(e, c);
    enc_u32(e, (u32)c->arg[1] & UMOUNT_BITS);
    return true;
}

static PRIM_INLINE bool encode_fsconfig(struct enc *e, const struct call *c)
{
    enum { SET_STRING = 1, SET_BINARY = 2, SET_PATH = 3, SET_PATH_EMPTY = 4 };
    u32 cmd = (u32)c->arg[1];
    s32 aux = (s32)c->arg[4];

    put_ret(e, c);
    put_int(e, c, 0);
    enc_u32(e, cmd);
    put_str(e, c, 2);
    if (c->ret == 0 && cmd == SET_BINARY)
        (void)enc_user_more(e, c->arg[3], aux > 0 ? (u32)aux : 0, PROBE_STR_MAX);
    enc_close(e);
    if (c->ret == 0 && (cmd == SET_STRING || cmd == SET_PATH || cmd == SET_PATH_EMPTY))
        put_str(e, c, 3);
    else
        enc_none(e);
    enc_s32(e, aux);
    return true;
}

/* ---- quotas ---- */

enum {
    QUOTA_ON = 0x1,
    QUOTA_GETFMT = 0x4,
    QUOTA_GETINFO = 0x8,
    QUOTA_SETINFO = 0x10,
    QUOTA_GET = 0x20,
    QUOTA_SET = 0x40,
    QUOTA_NO_FORMAT = 1
};

/* Seven parameters: what of a user's limits is valid. */
static PRIM_INLINE void quota_limits(struct enc *e, u64 user)
{
    struct {
        u64 bhard, bsoft, space, ihard, isoft, inodes, btime, itime;
        u32 v, pad;
    } q = {0};
    u64 v;

    if (user)
        (void)prim_user_read(&q, sizeof(q) - sizeof(q.pad), user);
    v = q.v;
    enc_u64(e, v & 1 ? q.bhard : 0);
    enc_u64(e, v & 1 ? q.bsoft : 0);
    enc_u64(e, v & 2 ? q.space : 0);
    enc_u64(e, v & 4 ? q.ihard : 0);
    enc_u64(e, v & 4 ? q.isoft : 0);
    enc_u64(e, v & 0x10 ? q.btime : 0);
    enc_u64(e, v & 0x20 ? q.itime : 0);
}

/* Three parameters: what of a file system's times of grace and flags is valid.
 */
static PRIM_INLINE void quota_info(struct enc *e, u64 user)
{
    struct {
        u64 bgrace, igrace;
        u32 flags, valid;
    } q = {0};

    if (user)
        (void)prim_user_read(&q, sizeof(q), user);
    enc_u64(e, q.valid & 1 ? q.bgrace : 0);
    enc_u64(e, q.valid & 2 ? q.igrace : 0);
    enc_u8(e, q.valid & 4 ? (q.flags & 1 ? 2 /* RSQUASH */ : 1 /* NONE */) : 0);
}

static PRIM_INLINE u8 quota_format(u64 native)
{
    return native == 1 ? 2 : native == 2 ? 4 : native == 4 ? 8 : QUOTA_NO_FORMAT;
}

static PRIM_INLINE bool encode_quotactl(struct enc *e, const struct call *c)
{
    u32 type = (u32)c->arg[0] & 0xff;
    u16 cmd = flags_quotactl((u32)c->arg[0] >> 8);
    bool set = cmd == QUOTA_SET || cmd == QUOTA_SETINFO, done = c->ret == 0 || set;
    u64 addr = c->arg[3];

    put_ret(e, c);
    put_str(e, c, 1);
    if (cmd == QUOTA_ON)
        enc_user_str(e, addr);
    else
        enc_none(e);
    quota_limits(e, done && (cmd == QUOTA_GET || cmd == QUOTA_SET) ? addr : 0);
    quota_info(e, done && (cmd == QUOTA_GETINFO || cmd == QUOTA_SETINFO) ? addr : 0);
    enc_u8(e, quota_format(cmd == QUOTA_GETFMT && c->ret == 0 ? (u32)user_int(addr, 0) : 0));
    enc_u16(e, cmd);
    enc_u8(e, type == 0 ? 1 : type == 1 ? 2 : 0);
    enc_u32(e, cmd == QUOTA_GET || cmd == QUOTA_SET ? (u32)c->arg[2] : 0);
    enc_u8(e, quota_format(cmd == QUOTA_ON ? (u32)c->arg[2] : 0));
    return true;
}

#endif /* PROBE_ENCODE_PATHS_H */
