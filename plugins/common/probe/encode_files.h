/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/**
 * @file encode_files.h
 * @brief Encoders of what opens and closes files.
 */
#ifndef PROBE_ENCODE_FILES_H
#define PROBE_ENCODE_FILES_H

#include "file.h"
#include "flags.h"

enum { MODE_BITS = 07777, AT_FDCWD_NATIVE = -100 };

static PRIM_INLINE s64 as_fd(u64 arg)
{
    return (s32)arg;
}

static PRIM_INLINE u32 open_mode(u64 flags, u64 mode)
{
    return flags & (NAT_O_CREAT | NAT_O_TMPFILE) ? (u32)mode & MODE_BITS : 0;
}

/* What only the open file shows: whether this call made it, and its layer. */
static PRIM_INLINE u32 open_found(const struct file_facts *o)
{
    u32 made = o->mode & MODE_CREATED ? OPEN_CREATED : 0;

    return o->layer ? made | (o->layer == LAYER_UPPER ? OPEN_UPPER : OPEN_LOWER) : made;
}

static PRIM_INLINE bool encode_open(struct enc *e, const struct call *c)
{
    struct file_facts o;

    file_look(c->task, c->ret, &o);
    enc_s64(e, c->ret);
    enc_user_str(e, c->arg[0]);
    enc_u32(e, flags_open(c->arg[1]) | open_found(&o));
    enc_u32(e, open_mode(c->arg[1], c->arg[2]));
    enc_u32(e, o.dev);
    enc_u64(e, o.ino);
    return true;
}

static PRIM_INLINE bool encode_openat(struct enc *e, const struct call *c)
{
    struct file_facts o;

    file_look(c->task, c->ret, &o);
    enc_s64(e, c->ret);
    enc_s64(e, as_fd(c->arg[0]));
    enc_user_str(e, c->arg[1]);
    enc_u32(e, flags_open(c->arg[2]) | open_found(&o));
    enc_u32(e, open_mode(c->arg[2], c->arg[3]));
    enc_u32(e, o.dev);
    enc_u64(e, o.ino);
    return true;
}

static PRIM_INLINE bool encode_openat2(struct enc *e, const struct call *c)
{
    struct {
        u64 flags, mode, resolve;
    } how = {0};
    struct file_facts o;

    file_look(c->task, c->ret, &o);
    (void)prim_user_read(&how, sizeof(how), c->arg[2]);
    enc_s64(e, c->ret);
    enc_s64(e, as_fd(c->arg[0]));
    enc_user_str(e, c->arg[1]);
    enc_u32(e, flags_open(how.flags) | open_found(&o));
    enc_u32(e, open_mode(how.flags, how.mode));
    enc_u32(e, flags_resolve(how.resolve));
    enc_u32(e, o.dev);
    enc_u64(e, o.ino);
    return true;
}

static PRIM_INLINE bool encode_creat(struct enc *e, const struct call *c)
{
    struct file_facts o;

    file_look(c->task, c->ret, &o);
    enc_s64(e, c->ret);
    enc_user_str(e, c->arg[0]);
    enc_u32(e, (u32)c->arg[1] & MODE_BITS);
    enc_u32(e, o.dev);
    enc_u64(e, o.ino);
    enc_u16(e, (u16)(open_found(&o) / OPEN_UPPER));
    return true;
}

static PRIM_INLINE bool encode_close(struct enc *e, const struct call *c)
{
    enc_s64(e, c->ret);
    enc_s64(e, as_fd(c->arg[0]));
    return true;
}

#endif /* PROBE_ENCODE_FILES_H */
