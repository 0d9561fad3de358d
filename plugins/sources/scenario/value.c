/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters from words: numbers, names of the schema's tables, paths, addresses. */
#include "call.h"
#include "names/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { WORD_MAX = 128, ERRORS = 600, SIGNALS = 32 };

static uint32_t width_of(uint16_t type)
{
    switch (type) {
    case GYR_P_U8:
    case GYR_P_I8:
        return 1;
    case GYR_P_U16:
    case GYR_P_I16:
        return 2;
    case GYR_P_U32:
    case GYR_P_I32:
    case GYR_P_BOOL:
        return 4;
    default:
        return 8;
    }
}

struct sc_bytes sc_number(struct sc_world *w, const struct gyr_param_def *p, uint64_t v)
{
    uint8_t *b = sc_alloc(w, 8);

    if (!b)
        return (struct sc_bytes){0};
    memcpy(b, &v, sizeof(v));
    return (struct sc_bytes){b, width_of(p->type)};
}

/* ---- numbers ---- */

int sc_errno(struct sc_world *w, const json_t *n, int64_t *ret)
{
    const char *s = sc_text(n), *name = s && *s == '-' ? s + 1 : s;
    struct sc_near near = {.word = name};
    char hint[160];

    if (!s)
        return sc_wrong(w->err, n, "an error is a name such as EPERM");
    if (sc_int(s, 0, ret)) {
        *ret = *ret > 0 ? -*ret : *ret;
        return *ret < 0 ? 0 : sc_wrong(w->err, n, "0 is no error");
    }
    for (int64_t i = 1; i < ERRORS; i++) {
        const char *known = names_errno(-i);

        if (known && strcmp(known, name) == 0) {
            *ret = -i;
            return 0;
        }
        if (known)
            sc_near_offer(&near, known);
    }
    return sc_wrong(w->err, n, "there is no error '%.60s'%s", name, sc_near_hint(&near, hint));
}

static int one_name(struct sc_call *c, const json_t *n, const struct gyr_param_def *p,
                    const char *word, uint64_t *ret)
{
    struct sc_near near = {.word = word};
    char hint[160];
    int64_t v;

    for (const struct gyr_name *k = p->names; k->name; k++) {
        if (strcmp(k->name, word) == 0) {
            *ret |= k->value;
            return 0;
        }
        sc_near_offer(&near, k->name);
    }
    if (sc_int(word, p->fmt == GYR_F_OCT ? 8 : 0, &v)) {
        *ret |= (uint64_t)v;
        return 0;
    }
    return sc_wrong(c->w->err, n, "'%s' of %s knows no '%.60s'%s", p->name, c->type->name, word,
                    sc_near_hint(&near, hint));
}

/* One word, several with '|' between, or a list of words. */
static int names(struct sc_call *c, const json_t *n, const struct gyr_param_def *p, uint64_t *ret)
{
    const char *s = sc_text(n);
    int r = 0;

    if (sc_kind(n) == SC_LIST && p->flags & GYR_PF_FLAGS) {
        for (size_t i = 0; i < sc_len(n) && r == 0; i++)
            r = sc_text(sc_item(n, i)) ? names(c, sc_item(n, i), p, ret)
                                       : sc_wrong(c->w->err, n, "'%s' is a list of words", p->name);
        return r;
    }
    if (!s)
        return sc_wrong(c->w->err, n, "'%s' of %s is a word or a number", p->name, c->type->name);
    while (*s && r == 0) {
        size_t len = p->flags & GYR_PF_FLAGS ? strcspn(s, "|") : strlen(s);
        char word[WORD_MAX];

        if (len >= sizeof(word))
            return sc_wrong(c->w->err, n, "'%s' holds too long a word", p->name);
        memcpy(word, s, len);
        word[len] = '\0';
        r = one_name(c, n, p, word, ret);
        s += len + (s[len] == '|');
    }
    return r;
}

static int signal_of(struct sc_call *c, const json_t *n, uint64_t *ret)
{
    const char *s = sc_text(n);
    struct sc_near near = {.word = s ? s : ""};
    char hint[160];

    for (uint64_t i = 1; s && i < SIGNALS; i++) {
        const char *known = names_signal(i);

        if (strcmp(known, s) == 0 || strcmp(known + 3, s) == 0) {
            *ret = i;
            return 0;
        }
        sc_near_offer(&near, known);
    }
    return sc_wrong(c->w->err, n, "there is no signal '%.60s'%s", near.word,
                    sc_near_hint(&near, hint));
}

static bool ends(const char *s, const char *with)
{
    size_t n = strlen(s), k = strlen(with);

    return n >= k && strcmp(s + n - k, with) == 0;
}

/* Words that stand for numbers in this kind of parameter. @return 1: this is none. */
static int meaning(struct sc_call *c, const struct gyr_param_def *p, const json_t *n, uint64_t *ret)
{
    const char *s = sc_text(n);
    struct sc_proc *who;
    uint32_t id;
    int64_t v;
    int r;

    if (p->kind == K_FD && s && strcmp(s, "AT_FDCWD") == 0) {
        *ret = (uint64_t)SC_AT_FDCWD;
        return 0;
    }
    if (p->kind == K_PID) {
        who = sc_proc_of(c->w, n);
        *ret = who ? (uint64_t)who->pid : 0;
        return who ? 0 : -EINVAL;
    }
    if (p->kind == K_UID || p->kind == K_GID || ends(p->name, "uid") || ends(p->name, "gid")) {
        r = p->kind == K_GID || ends(p->name, "gid") ? sc_gid_of(c->w, n, &id)
                                                     : sc_uid_of(c->w, n, &id);
        *ret = id;
        return r;
    }
    if (p->kind == K_SIGNAL)
        return signal_of(c, n, ret);
    if (strncmp(p->name, "cap_", 4) == 0)
        return sc_caps(c->w, n, ret);
    if ((p->kind == K_ERRNO || p->kind == K_FD) && s && (*s == 'E' || strncmp(s, "-E", 2) == 0)) {
        r = sc_errno(c->w, n, &v);
        *ret = (uint64_t)v;
        return r;
    }
    return p->type == GYR_P_TIME || p->type == GYR_P_DURATION ? sc_duration(c->w, n, ret) : 1;
}

static int number(struct sc_call *c, const struct gyr_param_def *p, const json_t *n, uint64_t *ret)
{
    const char *s = sc_text(n);
    bool octal = p->fmt == GYR_F_OCT || p->kind == K_MODE || strcmp(p->name, "mode") == 0;
    int64_t v;
    bool on;
    int r;

    *ret = 0;
    if (s && sc_int(s, octal ? 8 : 0, &v)) {
        *ret = (uint64_t)v;
        return 0;
    }
    if (p->names)
        return names(c, n, p, ret);
    r = meaning(c, p, n, ret);
    if (r <= 0)
        return r;
    if (p->type == GYR_P_BOOL || p->type == GYR_P_U8) {
        r = sc_bool(c->w, n, &on);
        *ret = on;
        return r;
    }
    return sc_wrong(c->w->err, n, "'%s' of %s is a number", p->name, c->type->name);
}

/* ---- the rest ---- */

static int text(struct sc_call *c, const struct gyr_param_def *p, const json_t *n,
                struct sc_bytes *ret)
{
    const char *s = sc_text(n);

    if (p->type == GYR_P_STRS || (p->type == GYR_P_BYTES && sc_kind(n) == SC_LIST))
        return sc_texts(c->w, n, ret);
    if (!s)
        return sc_wrong(c->w->err, n, "'%s' of %s is a text", p->name, c->type->name);
    *ret =
        (struct sc_bytes){(const uint8_t *)s, (uint32_t)strlen(s) + (p->type == GYR_P_STR ? 1 : 0)};
    return 0;
}

/* A number in the first of the forms that the event has; keyctl's second is a text. */
static int dynamic(struct sc_call *c, const json_t *n, struct sc_bytes *ret)
{
    enum { OPTION_U32 = 2, TEXT = 1 };
    const char *s = sc_text(n);
    bool option = c->type->id == EV_SOCKET_SETSOCKOPT_X || c->type->id == EV_SOCKET_GETSOCKOPT_X;
    size_t len = s ? strlen(s) + 1 : 0;
    uint8_t *b;
    int64_t v;

    if (!s)
        return sc_wrong(c->w->err, n, "this is a number or a text");
    b = sc_alloc(c->w, 9 + len);
    if (!b)
        return -ENOMEM;
    if (sc_int(s, 0, &v)) {
        b[0] = option ? OPTION_U32 : 0;
        memcpy(b + 1, &v, sizeof(v));
        *ret = (struct sc_bytes){b, option ? 5 : 9};
        return 0;
    }
    if (c->type->id != EV_SYSCALL_KEYCTL_X)
        return sc_wrong(c->w->err, n, "this is a number");
    b[0] = TEXT;
    memcpy(b + 1, s, len);
    *ret = (struct sc_bytes){b, 1 + (uint32_t)len};
    return 0;
}

static int opaque(struct sc_call *c, const struct gyr_param_def *p, const json_t *n,
                  struct sc_bytes *ret)
{
    struct sc_addr a, b;
    int r;

    switch (p->kind) {
    case K_SOCKADDR:
        r = sc_addr_of(c->w, n, &a);
        if (r == 0)
            *ret = sc_sockaddr(c->w, &a);
        return r;
    case K_SOCKTUPLE:
        r = sc_pair_of(c->w, n, &a, &b);
        if (r == 0)
            *ret = sc_tuple(c->w, &a, &b);
        return r;
    case K_DYN:
        return dynamic(c, n, ret);
    default:
        return sc_wrong(c->w->err, n, "'%s' of %s cannot be told in words", p->name, c->type->name);
    }
}

static int ip(struct sc_call *c, const json_t *n, struct sc_bytes *ret)
{
    struct sc_addr a;
    int r = sc_addr_of(c->w, n, &a);
    const char *copy;

    if (r < 0)
        return r;
    if (a.family == SC_UNIX)
        return sc_wrong(c->w->err, n, "this is an IP address");
    copy = sc_copy(c->w, (const char *)a.ip, 16);
    *ret = (struct sc_bytes){(const uint8_t *)copy, a.family == SC_INET ? 4 : 16};
    return copy ? 0 : -ENOMEM;
}

int sc_value(struct sc_call *c, uint32_t i, const json_t *n, struct sc_bytes *ret)
{
    const struct gyr_param_def *p = &c->type->params[i];
    uint64_t v;
    int r;

    switch (p->type) {
    case GYR_P_STR:
    case GYR_P_STRS:
    case GYR_P_BYTES:
        return text(c, p, n, ret);
    case GYR_P_OPAQUE:
        return opaque(c, p, n, ret);
    case GYR_P_IP:
        return ip(c, n, ret);
    default:
        r = number(c, p, n, &v);
        if (r == 0) {
            *ret = sc_number(c->w, p, v);
            r = ret->p ? 0 : -ENOMEM;
        }
        return r;
    }
}
