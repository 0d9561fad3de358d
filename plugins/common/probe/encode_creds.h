/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/**
 * @file encode_creds.h
 * @brief Encoders of what a process may do and of what it does to others: ids,
 * capabilities, namespaces, limits, signals, tracing, keys, modules.
 */
#ifndef PROBE_ENCODE_CREDS_H
#define PROBE_ENCODE_CREDS_H

#include "args.h"
#include "flags.h"
#include "process.h"

/* ---- ids ---- */

static PRIM_INLINE bool encode_setuid(struct enc *e, const struct call *c)
{
    put_ret(e, c);
    put_id(e, c, 0);
    return true;
}

static PRIM_INLINE bool encode_setreuid(struct enc *e, const struct call *c)
{
    (void)encode_setuid(e, c);
    put_id(e, c, 1);
    return true;
}

static PRIM_INLINE bool encode_setresuid(struct enc *e, const struct call *c)
{
    (void)encode_setreuid(e, c);
    put_id(e, c, 2);
    return true;
}

#define encode_setgid    encode_setuid
#define encode_setregid  encode_setreuid
#define encode_setresgid encode_setresuid

static PRIM_INLINE bool encode_getuid(struct enc *e, const struct call *c)
{
    enc_u32(e, (u32)c->ret);
    return true;
}

#define encode_geteuid encode_getuid
#define encode_getgid  encode_getuid
#define encode_getegid encode_getuid

static PRIM_INLINE void put_id_of_user(struct enc *e, const struct call *c, u32 i)
{
    u32 v = 0;

    if (c->ret == 0)
        (void)prim_user_read(&v, ids_short(c) ? 2 : 4, c->arg[i]);
    enc_u32(e, v);
}

static PRIM_INLINE bool encode_getresuid(struct enc *e, const struct call *c)
{
    put_ret(e, c);
    put_id_of_user(e, c, 0);
    put_id_of_user(e, c, 1);
    put_id_of_user(e, c, 2);
    return true;
}

#define encode_getresgid encode_getresuid

static PRIM_INLINE bool encode_setsid(struct enc *e, const struct call *c)
{
    put_ret(e, c);
    return true;
}

static PRIM_INLINE bool encode_setpgid(struct enc *e, const struct call *c)
{
    put_ret(e, c);
    put_int(e, c, 0);
    put_int(e, c, 1);
    return true;
}

/* What the thread has now, whatever was asked for. */
static PRIM_INLINE bool encode_capset(struct enc *e, const struct call *c)
{
    const struct cred *cred = KREAD(prim_task(), cred);

    put_ret(e, c);
    enc_u64(e, process_cap(&cred->cap_inheritable));
    enc_u64(e, process_cap(&cred->cap_permitted));
    enc_u64(e, process_cap(&cred->cap_effective));
    return true;
}

/* ---- namespaces, rules, limits ---- */

static PRIM_INLINE bool encode_setns(struct enc *e, const struct call *c)
{
    put_ret(e, c);
    put_int(e, c, 0);
    enc_u32(e, flags_clone(c->arg[1]));
    return true;
}

static PRIM_INLINE bool encode_unshare(struct enc *e, const struct call *c)
{
    put_ret(e, c);
    enc_u32(e, flags_clone(c->arg[0]));
    return true;
}

static PRIM_INLINE bool encode_prctl(struct enc *e, const struct call *c)
{
    enum { SET_NAME = 15, GET_NAME = 16, GET_CHILD_SUBREAPER = 37 };
    u32 option = (u32)c->arg[0];
    bool name = option == SET_NAME || (option == GET_NAME && c->ret >= 0);

    put_ret(e, c);
    enc_u32(e, option);
    if (name)
        put_str(e, c, 1);
    else
        enc_none(e);
    if (option == SET_NAME || option == GET_NAME)
        enc_s64(e, 0);
    else if (option == GET_CHILD_SUBREAPER)
        enc_s64(e, c->ret >= 0 ? user_int(c->arg[1], 0) : 0);
    else
        enc_s64(e, (s64)c->arg[1]);
    return true;
}

static PRIM_INLINE bool encode_seccomp(struct enc *e, const struct call *c)
{
    put_ret(e, c);
    put_arg_u64(e, c, 0);
    put_arg_u64(e, c, 1);
    return true;
}

struct limit {
    u64 cur, max;
};

/* @p narrow of two 32-bit numbers, the largest of which is no limit. */
static PRIM_INLINE struct limit user_limit(u64 user, bool narrow)
{
    struct limit v = {~0ull, ~0ull}, wide = {0, 0};
    u32 old[2] = {0, 0};

    if (narrow) {
        if (prim_user_read(old, sizeof(old), user) != 0)
            return v;
        if (old[0] != ~0u)
            v.cur = old[0];
        if (old[1] != ~0u)
            v.max = old[1];
        return v;
    }
    return prim_user_read(&wide, sizeof(wide), user) == 0 ? wide : v;
}

static PRIM_INLINE void put_limit(struct enc *e, struct limit v)
{
    enc_u64(e, v.cur);
    enc_u64(e, v.max);
}

static PRIM_INLINE void put_resource(struct enc *e, u64 resource)
{
    enum { LAST = 15, UNKNOWN = 0xff };

    enc_u8(e, (u32)resource <= LAST ? (u8)resource : UNKNOWN);
}

static PRIM_INLINE bool encode_getrlimit(struct enc *e, const struct call *c)
{
    put_ret(e, c);
    put_limit(e, user_limit(c->ret == 0 ? c->arg[1] : 0, c->compat));
    put_resource(e, c->arg[0]);
    return true;
}

static PRIM_INLINE bool encode_setrlimit(struct enc *e, const struct call *c)
{
    put_ret(e, c);
    put_limit(e, user_limit(c->arg[1], c->compat));
    put_resource(e, c->arg[0]);
    return true;
}

static PRIM_INLINE bool encode_prlimit(struct enc *e, const struct call *c)
{
    struct limit none = {0, 0};

    put_ret(e, c);
    put_limit(e, c->arg[2] ? user_limit(c->arg[2], false) : none);
    put_limit(e, c->ret != 0 ? user_limit(0, false)
                 : c->arg[3] ? user_limit(c->arg[3], false)
                             : none);
    put_int(e, c, 0);
    put_resource(e, c->arg[1]);
    return true;
}

/* ---- signals and tracing ---- */

static PRIM_INLINE bool encode_kill(struct enc *e, const struct call *c)
{
    put_ret(e, c);
    put_int(e, c, 0);
    enc_u8(e, (u8)c->arg[1]);
    return true;
}

#define encode_tkill encode_kill

static PRIM_INLINE bool encode_tgkill(struct enc *e, const struct call *c)
{
    put_ret(e, c);
    put_int(e, c, 0);
    put_int(e, c, 1);
    enc_u8(e, (u8)c->arg[2]);
    return true;
}

/* The number of a signal, a word that was read, or the argument as it is. */
static PRIM_INLINE void ptrace_data(struct enc *e, const struct call *c)
{
    enum { PEEK_FIRST = 1, PEEK_LAST = 3, CONT = 7, SINGLESTEP = 9, DETACH = 17, SYSCALL = 24 };
    enum { FORM_NUMBER = 0, FORM_SIGNAL = 1 };
    u64 request = c->arg[0];

    if (c->ret < 0) {
        enc_form_u64(e, FORM_NUMBER, 0);
    } else if (request == CONT || request == SINGLESTEP || request == DETACH ||
               request == SYSCALL) {
        enc_more_u8(e, FORM_SIGNAL);
        enc_more_u8(e, (u8)c->arg[3]);
        enc_close(e);
    } else if (request >= PEEK_FIRST && request <= PEEK_LAST) {
        enc_form_u64(e, FORM_NUMBER, user_long(c, c->arg[3]));
    } else {
        enc_form_u64(e, FORM_NUMBER, c->arg[3]);
    }
}

static PRIM_INLINE bool encode_ptrace(struct enc *e, const struct call *c)
{
    put_ret(e, c);
    enc_form_u64(e, 0, c->ret < 0 ? 0 : c->arg[2]);
    ptrace_data(e, c);
    enc_u16(e, flags_ptrace(c->arg[0]));
    put_int(e, c, 1);
    return true;
}

/* ---- keys ---- */

enum { KEY_NONE = 0, KEY_INT = 1, KEY_WORD = 2, KEY_STR = 3, KEY_OPERATIONS = 64 };

#define KEY_ARGS(a, b, c, d) (KEY_##a | KEY_##b << 2 | KEY_##c << 4 | KEY_##d << 6)

/* What the four arguments of an operation are. */
PRIM_TABLE __u8 keyctl_kinds[KEY_OPERATIONS] = {
    KEY_ARGS(INT, INT, NONE, NONE) /* GET_KEYRING_ID */,
    KEY_ARGS(STR, NONE, NONE, NONE) /* JOIN_SESSION_KEYRING */,
    KEY_ARGS(INT, WORD, WORD, NONE) /* UPDATE */,
    KEY_ARGS(INT, NONE, NONE, NONE) /* REVOKE */,
    KEY_ARGS(INT, INT, INT, NONE) /* CHOWN */,
    KEY_ARGS(INT, INT, NONE, NONE) /* SETPERM */,
    KEY_ARGS(INT, WORD, WORD, NONE) /* DESCRIBE */,
    KEY_ARGS(INT, NONE, NONE, NONE) /* CLEAR */,
    KEY_ARGS(INT, INT, NONE, NONE) /* LINK */,
    KEY_ARGS(INT, INT, NONE, NONE) /* UNLINK */,
    KEY_ARGS(INT, STR, STR, INT) /* SEARCH */,
    KEY_ARGS(INT, WORD, WORD, NONE) /* READ */,
    KEY_ARGS(INT, WORD, WORD, INT) /* INSTANTIATE */,
    KEY_ARGS(INT, INT, INT, NONE) /* NEGATE */,
    KEY_ARGS(INT, NONE, NONE, NONE) /* SET_REQKEY_KEYRING */,
    KEY_ARGS(INT, INT, NONE, NONE) /* SET_TIMEOUT */,
    KEY_ARGS(INT, NONE, NONE, NONE) /* ASSUME_AUTHORITY */,
    KEY_ARGS(INT, WORD, WORD, NONE) /* GET_SECURITY */,
    KEY_ARGS(NONE, NONE, NONE, NONE) /* SESSION_TO_PARENT */,
    KEY_ARGS(INT, INT, INT, INT) /* REJECT */,
    KEY_ARGS(INT, WORD, WORD, INT) /* INSTANTIATE_IOV */,
    KEY_ARGS(INT, NONE, NONE, NONE) /* INVALIDATE */,
    KEY_ARGS(INT, INT, NONE, NONE) /* GET_PERSISTENT */,
    KEY_ARGS(WORD, WORD, WORD, WORD) /* DH_COMPUTE */,
    KEY_ARGS(INT, WORD, STR, WORD) /* PKEY_QUERY */,
    KEY_ARGS(WORD, STR, WORD, WORD) /* PKEY_ENCRYPT */,
    KEY_ARGS(WORD, STR, WORD, WORD) /* PKEY_DECRYPT */,
    KEY_ARGS(WORD, STR, WORD, WORD) /* PKEY_SIGN */,
    KEY_ARGS(WORD, STR, WORD, WORD) /* PKEY_VERIFY */,
    KEY_ARGS(INT, STR, STR, NONE) /* RESTRICT_KEYRING */,
    KEY_ARGS(INT, INT, INT, INT) /* MOVE */,
    KEY_ARGS(WORD, WORD, NONE, NONE) /* CAPABILITIES */,
    KEY_ARGS(INT, INT, INT, NONE) /* WATCH_KEY */,
};

static PRIM_INLINE u8 keyctl_args(u64 operation)
{
    FLAGS_LOOK_UP(keyctl_kinds, operation);
    return 0;
}

static PRIM_INLINE void keyctl_arg(struct enc *e, u64 arg, u32 is)
{
    enum { FORM_NUMBER = 0, FORM_STR = 1 };

    if (is == KEY_STR) {
        enc_more_u8(e, FORM_STR);
        enc_user_str(e, arg);
        return;
    }
    enc_form_u64(e, FORM_NUMBER, is == KEY_INT ? (u64)(s32)arg : is == KEY_WORD ? arg : 0);
}

static PRIM_INLINE bool encode_keyctl(struct enc *e, const struct call *c)
{
    u32 operation = (u32)c->arg[0];
    u8 args = keyctl_args(operation);

    put_ret(e, c);
    enc_u32(e, operation);
    keyctl_arg(e, c->arg[1], args & 3);
    keyctl_arg(e, c->arg[2], args >> 2 & 3);
    keyctl_arg(e, c->arg[3], args >> 4 & 3);
    keyctl_arg(e, c->arg[4], args >> 6);
    return true;
}

/* ---- code for the kernel ---- */

static PRIM_INLINE bool encode_bpf(struct enc *e, const struct call *c)
{
    put_ret(e, c);
    put_arg_u32(e, c, 0);
    return true;
}

static PRIM_INLINE bool encode_init_module(struct enc *e, const struct call *c)
{
    put_ret(e, c);
    enc_user_bytes(e, c->arg[0], c->arg[1], PROBE_DATA_MAX);
    put_arg_u64(e, c, 1);
    put_str(e, c, 2);
    return true;
}

static PRIM_INLINE bool encode_finit_module(struct enc *e, const struct call *c)
{
    enum { FLAG_BITS = 7 };

    put_ret(e, c);
    put_int(e, c, 0);
    put_str(e, c, 1);
    enc_u32(e, (u32)c->arg[2] & FLAG_BITS);
    return true;
}

static PRIM_INLINE bool encode_delete_module(struct enc *e, const struct call *c)
{
    u64 v = c->arg[1];

    put_ret(e, c);
    put_str(e, c, 0);
    enc_u32(e, FLAG(NAT_O_TRUNC, 0x1) | FLAG(NAT_O_NONBLOCK, 0x2));
    return true;
}

#endif /* PROBE_ENCODE_CREDS_H */
