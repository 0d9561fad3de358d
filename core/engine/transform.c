/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/value.h"

#include <gyr/util.h>
#include <string.h>

static bool is_text(const struct gyr_value *v)
{
    return v->type == GYR_T_STR || v->type == GYR_T_BYTES;
}

/* Zero bytes at the end are no part of a string, however it came. */
static uint32_t text_len(const struct gyr_value *v)
{
    const char *p = v->u.ptr;
    uint32_t n = v->len;

    while (n && p[n - 1] == '\0')
        n--;
    return n;
}

static int base64_digit(unsigned char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* With or without its padding; anything else makes it no base64 at all. */
static bool base64_decode(const unsigned char *in, uint32_t n, unsigned char *out, uint32_t *ret_n)
{
    uint32_t bits = 0, o = 0;

    for (int i = 0; i < 2 && n && in[n - 1] == '='; i++)
        n--;
    if (n % 4 == 1)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        int d = base64_digit(in[i]);

        if (d < 0)
            return false;
        bits = bits << 6 | (uint32_t)d;
        if (i % 4)
            out[o++] = (unsigned char)(bits >> (6 - 2 * (i % 4)));
    }
    if (n % 4 && bits & (n % 4 == 2 ? 0xf : 3))
        return false;
    *ret_n = o;
    return true;
}

static int one_text(enum transform fn, const struct gyr_value *v, struct scratch *s,
                    struct gyr_value *ret)
{
    const char *p = v->u.ptr;
    uint32_t n = is_text(v) ? text_len(v) : 0;
    char *out;

    if (!is_text(v))
        return GYR_ABSENT;
    *ret = (struct gyr_value){.type = v->type, .len = n, .u.ptr = p};
    if (fn == TF_BASENAME) {
        const char *slash = n ? memrchr(p, '/', n) : NULL;

        if (slash) {
            ret->u.ptr = slash + 1;
            ret->len = (uint32_t)(p + n - slash - 1);
        }
        return GYR_PRESENT;
    }
    out = scratch_alloc(s, n ? n : 1);
    if (!out)
        return GYR_ABSENT;
    ret->u.ptr = out;
    if (fn == TF_B64) {
        const char *nul;

        if (!base64_decode((const unsigned char *)p, n, (unsigned char *)out, &ret->len))
            return GYR_ABSENT;
        nul = v->type == GYR_T_STR ? memchr(out, '\0', ret->len) : NULL;
        if (nul)
            ret->len = (uint32_t)(nul - out);
        return GYR_PRESENT;
    }
    for (uint32_t i = 0; i < n; i++) {
        char c = p[i];

        if (fn == TF_TOLOWER)
            out[i] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
        else
            out[i] = (char)(c >= 'a' && c <= 'z' ? c - 32 : c);
    }
    return GYR_PRESENT;
}

/* On a list, every element is transformed; one that cannot be takes the whole with it. */
static int each_text(enum transform fn, const struct gyr_value *v, struct scratch *s,
                     struct gyr_value *ret)
{
    const struct gyr_value *from = v->u.ptr;
    struct gyr_value *to;

    if (v->type != GYR_T_LIST)
        return one_text(fn, v, s, ret);
    to = scratch_alloc(s, (size_t)v->len * sizeof(*to));
    if (!to)
        return GYR_ABSENT;
    for (uint32_t i = 0; i < v->len; i++)
        if (one_text(fn, &from[i], s, &to[i]) != GYR_PRESENT)
            return GYR_ABSENT;
    *ret = (struct gyr_value){.type = GYR_T_LIST, .len = v->len, .u.ptr = to};
    return GYR_PRESENT;
}

static int length(const struct gyr_value *v, struct gyr_value *ret)
{
    const char *nul;

    switch (v->type) {
    case GYR_T_STR:
        nul = v->len ? memchr(v->u.ptr, '\0', v->len) : NULL;
        *ret = gyr_num(GYR_T_U64, nul ? (uint64_t)(nul - (const char *)v->u.ptr) : v->len);
        return GYR_PRESENT;
    case GYR_T_BYTES:
    case GYR_T_LIST:
        *ret = gyr_num(GYR_T_U64, v->len);
        return GYR_PRESENT;
    default:
        return GYR_ABSENT;
    }
}

/* The texts one after the other, @p sep between them. */
static int paste(const struct gyr_value *v, uint32_t n, const struct gyr_value *sep,
                 struct scratch *s, struct gyr_value *ret)
{
    size_t sep_len = sep ? text_len(sep) : 0, sum = n ? (n - 1) * sep_len : 0, o = 0;
    char *out;

    for (uint32_t i = 0; i < n; i++) {
        if (!is_text(&v[i]))
            return GYR_ABSENT;
        sum += text_len(&v[i]);
    }
    out = scratch_alloc(s, sum ? sum : 1);
    if (!out)
        return GYR_ABSENT;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t len = text_len(&v[i]);

        if (i && sep_len)
            memcpy(out + o, sep->u.ptr, sep_len);
        o += i ? sep_len : 0;
        if (len)
            memcpy(out + o, v[i].u.ptr, len);
        o += len;
    }
    *ret = gyr_str(out, sum);
    return GYR_PRESENT;
}

/* ---- getopt(arguments, "ab:"): short options as getopt(3) finds them ---- */

struct options {
    bool valid[256], has_arg[256];
    int letter; /* the only one wanted; -1: all */
    struct gyr_value *out;
    uint32_t n, cap;
};

static void options_read(struct options *o, const struct gyr_value *v)
{
    const unsigned char *p = v->u.ptr;
    uint32_t n = text_len(v);

    for (uint32_t i = 0; i < n; i++) {
        if (p[i] == ':')
            continue;
        o->valid[p[i]] = true;
        o->has_arg[p[i]] |= i + 1 < n && p[i + 1] == ':';
    }
}

static void options_put(struct options *o, const char *p, uint32_t len)
{
    if (o->n < o->cap)
        o->out[o->n++] = gyr_str(p, len);
}

/* One letter was found; @p arg is NULL when it takes none, or stood last without it. */
static void options_found(struct options *o, const char *letter, const char *arg, uint32_t arg_len)
{
    bool is_missing = !arg && o->has_arg[(unsigned char)*letter];

    if (o->letter >= 0) {
        if (o->letter != (unsigned char)*letter)
            return;
        o->n = 0;
        options_put(o, arg ? arg : letter, arg ? arg_len : !is_missing);
        return;
    }
    options_put(o, letter, !is_missing);
    if (arg)
        options_put(o, arg, arg_len);
}

/* A word of short options. @return whether the word after it was taken as an argument. */
static bool options_word(struct options *o, const char *p, uint32_t len,
                         const struct gyr_value *next)
{
    for (uint32_t i = 1; i < len; i++) {
        unsigned char c = (unsigned char)p[i];

        if (!o->valid[c]) {
            if (o->letter < 0)
                options_put(o, "?", 1);
        } else if (!o->has_arg[c]) {
            options_found(o, p + i, NULL, 0);
        } else if (i + 1 < len) {
            options_found(o, p + i, p + i + 1, len - i - 1);
            return false;
        } else if (next) {
            options_found(o, p + i, next->u.ptr, text_len(next));
            return true;
        } else {
            options_found(o, p + i, NULL, 0);
            return false;
        }
    }
    return false;
}

static int getopts(const struct gyr_value *args, uint32_t n, struct scratch *s,
                   struct gyr_value *ret)
{
    const struct gyr_value *words = args[0].u.ptr;
    struct options o = {.letter = -1};
    size_t room = 1;

    if (args[0].type != GYR_T_LIST || !is_text(&args[1]) ||
        (n == 3 && (!is_text(&args[2]) || args[2].len != 1)))
        return GYR_ABSENT;
    if (n == 3)
        o.letter = *(const unsigned char *)args[2].u.ptr;
    for (uint32_t i = 0; i < args[0].len; i++) {
        if (!is_text(&words[i]))
            return GYR_ABSENT;
        room += (size_t)words[i].len + 1;
    }
    o.out = scratch_alloc(s, room * sizeof(*o.out));
    if (!o.out)
        return GYR_ABSENT;
    o.cap = (uint32_t)room;
    options_read(&o, &args[1]);
    for (uint32_t i = 0; i < args[0].len; i++) {
        const char *p = words[i].u.ptr;
        uint32_t len = text_len(&words[i]);

        if (len < 2 || p[0] != '-' || (len == 2 && p[1] == '-'))
            break;
        if (p[1] == '-')
            continue; /* a long option */
        i += options_word(&o, p, len, i + 1 < args[0].len ? &words[i + 1] : NULL);
    }
    if (n == 3) {
        *ret = o.out[0];
        return o.n ? GYR_PRESENT : GYR_ABSENT;
    }
    *ret = (struct gyr_value){.type = GYR_T_LIST, .len = o.n, .u.ptr = o.out};
    return GYR_PRESENT;
}

int transform_apply(enum transform fn, const struct gyr_value *args, uint32_t n, struct scratch *s,
                    struct gyr_value *ret)
{
    if (n == 0)
        return GYR_ABSENT;
    switch (fn) {
    case TF_TOLOWER:
    case TF_TOUPPER:
    case TF_B64:
    case TF_BASENAME:
        return each_text(fn, &args[0], s, ret);
    case TF_LEN:
        return length(&args[0], ret);
    case TF_JOIN:
        if (n != 2 || !is_text(&args[0]) || args[1].type != GYR_T_LIST)
            return GYR_ABSENT;
        return paste(args[1].u.ptr, args[1].len, &args[0], s, ret);
    case TF_CONCAT:
        return paste(args, n, NULL, s, ret);
    case TF_GETOPT:
        return n == 2 || n == 3 ? getopts(args, n, s, ret) : GYR_ABSENT;
    case TF_VAL:
        *ret = args[0];
        return args[0].type == GYR_T_NONE ? GYR_ABSENT : GYR_PRESENT;
    default:
        return GYR_ABSENT;
    }
}
