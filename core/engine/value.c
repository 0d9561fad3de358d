/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/value.h"

#include "base/log.h"
#include "base/num.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <time.h>

enum { NS_PER_S = 1000000000, LIST_DEPTH = 4 };

/* ---- text ---- */

static size_t time_text(char *out, uint64_t ns, uint32_t fmt)
{
    bool is_utc = fmt == GYR_F_ISO8601, has_date = fmt >= GYR_F_DATETIME;
    time_t s = (time_t)(ns / NS_PER_S);
    struct tm tm;
    size_t n = 0;

    if (!(is_utc ? gmtime_r(&s, &tm) : localtime_r(&s, &tm)))
        return (size_t)snprintf(out, VALUE_TEXT_MAX, "%" PRIu64, ns);
    if (has_date)
        n = (size_t)snprintf(out, VALUE_TEXT_MAX, "%04d-%02d-%02d%c", tm.tm_year + 1900,
                             tm.tm_mon + 1, tm.tm_mday, is_utc ? 'T' : ' ');
    n += (size_t)snprintf(out + n, VALUE_TEXT_MAX - n, "%02d:%02d:%02d", tm.tm_hour, tm.tm_min,
                          tm.tm_sec);
    if (fmt == GYR_F_HMS_S || fmt == GYR_F_DATETIME_S)
        return n;
    return n + (size_t)snprintf(out + n, VALUE_TEXT_MAX - n, ".%09u%s", (unsigned)(ns % NS_PER_S),
                                is_utc ? "+0000" : "");
}

static size_t number_text(char *out, uint64_t u, bool is_signed, uint32_t fmt)
{
    int n;

    switch (fmt) {
    case GYR_F_HEX:
        n = snprintf(out, VALUE_TEXT_MAX, "%" PRIX64, u);
        break;
    case GYR_F_OCT:
        n = snprintf(out, VALUE_TEXT_MAX, "%#" PRIo64, u);
        break;
    case VALUE_F_OCT_BARE:
        n = snprintf(out, VALUE_TEXT_MAX, "%" PRIo64, u);
        break;
    case GYR_F_RAW9:
        n = snprintf(out, VALUE_TEXT_MAX, "%09" PRIu64, u);
        break;
    default:
        n = is_signed ? snprintf(out, VALUE_TEXT_MAX, "%" PRId64, (int64_t)u)
                      : snprintf(out, VALUE_TEXT_MAX, "%" PRIu64, u);
        break;
    }
    return (size_t)n;
}

static size_t address_text(char *out, const struct gyr_value *v)
{
    const unsigned char *p = v->u.ptr;
    bool is_v6 = v->len >= 16;

    if ((v->len < 4) || !inet_ntop(is_v6 ? AF_INET6 : AF_INET, p, out, INET6_ADDRSTRLEN))
        return (size_t)snprintf(out, VALUE_TEXT_MAX, "<NA>");
    if (v->len == 5 || v->len == 17) {
        size_t n = strlen(out);

        return n + (size_t)snprintf(out + n, VALUE_TEXT_MAX - n, "/%u", p[v->len - 1]);
    }
    return strlen(out);
}

size_t value_scalar_text(char out[VALUE_TEXT_MAX], const struct gyr_value *v, uint32_t fmt)
{
    switch (v->type) {
    case GYR_T_NONE:
        return (size_t)snprintf(out, VALUE_TEXT_MAX, "<NA>");
    case GYR_T_BOOL:
        return (size_t)snprintf(out, VALUE_TEXT_MAX, "%s", v->u.u64 ? "true" : "false");
    case GYR_T_I64:
    case GYR_T_U64:
        return number_text(out, v->u.u64, v->type == GYR_T_I64, fmt);
    case GYR_T_DOUBLE:
        return (size_t)snprintf(out, VALUE_TEXT_MAX, "%.1f", v->u.f64);
    case GYR_T_TIME:
        if (fmt >= GYR_F_HMS && fmt <= GYR_F_ISO8601)
            return time_text(out, v->u.u64, fmt);
        return number_text(out, v->u.u64, false, fmt);
    case GYR_T_DURATION:
        return number_text(out, v->u.u64, false, fmt);
    case GYR_T_IP:
    case GYR_T_NET:
        return address_text(out, v);
    default:
        return 0;
    }
}

static void add_text(struct buf *b, const struct gyr_value *v, uint32_t fmt, int depth)
{
    const char *p = v->u.ptr;
    char text[VALUE_TEXT_MAX];

    switch (v->type) {
    case GYR_T_STR:
        buf_add(b, p, v->len);
        break;
    case GYR_T_BYTES:
        for (uint32_t i = 0; i < v->len && !b->failed; i++)
            buf_addc(b, p[i] >= 0x20 && p[i] < 0x7f ? p[i] : '.');
        break;
    case GYR_T_LIST:
        buf_addc(b, '(');
        for (uint32_t i = 0; depth && i < v->len && !b->failed; i++) {
            if (i)
                buf_addc(b, ',');
            add_text(b, (const struct gyr_value *)v->u.ptr + i, fmt, depth - 1);
        }
        buf_addc(b, ')');
        break;
    default:
        buf_add(b, text, value_scalar_text(text, v, fmt));
        break;
    }
}

void value_add_text(struct buf *b, const struct gyr_value *v, uint32_t fmt)
{
    add_text(b, v, fmt, LIST_DEPTH);
}

/* ---- parsing ---- */

/* Fail with the text a rule wrote, cut when it is long. */
static int not_a(const char *s, size_t n, const char *what, struct gyr_error *err)
{
    return gyr_fail(err, -EINVAL, "'%.*s%s' is not %s", (int)(n < 100 ? n : 100), s,
                    n < 100 ? "" : "…", what);
}

static int parse_number(const char *s, size_t n, uint32_t type, struct gyr_value *ret,
                        struct gyr_error *err)
{
    bool is_signed = type == GYR_T_I64;
    int r = is_signed ? parse_i64(s, n, &ret->u.i64) : parse_u64(s, n, &ret->u.u64);

    if (r < 0 && type == GYR_T_DURATION)
        r = parse_duration(s, n, &ret->u.u64);
    if (r == -ERANGE)
        return gyr_fail(err, -EINVAL, "'%.*s' is too large a number", (int)(n < 100 ? n : 100), s);
    if (r < 0 && !is_signed && n > 1 && s[0] == '-' && parse_u64(s + 1, n - 1, &ret->u.u64) == 0)
        return gyr_fail(err, -EINVAL, "'%.*s' is negative, but the field never is",
                        (int)(n < 100 ? n : 100), s);
    return r < 0 ? not_a(s, n, "a number", err) : 0;
}

/* An address, or a network when there is a slash. */
static int parse_address(const char *s, size_t n, uint32_t type, struct arena *arena,
                         struct gyr_value *ret, struct gyr_error *err)
{
    const char *what = type == GYR_T_NET ? "an IP network such as 10.0.0.0/8" : "an IP address";
    const char *slash = memchr(s, '/', n);
    size_t addr_len = slash ? (size_t)(slash - s) : n;
    char text[INET6_ADDRSTRLEN];
    unsigned char *p = arena_alloc(arena, 17);
    uint32_t len = 4;
    uint64_t bits;

    if (!p)
        return gyr_fail(err, -ENOMEM, "out of memory");
    if (addr_len >= sizeof(text) || (type == GYR_T_NET && !slash))
        return not_a(s, n, what, err);
    memcpy(text, s, addr_len);
    text[addr_len] = '\0';
    if (inet_pton(AF_INET, text, p) != 1) {
        len = 16;
        if (inet_pton(AF_INET6, text, p) != 1)
            return not_a(s, n, what, err);
    }
    if (slash) {
        if (parse_u64(slash + 1, n - addr_len - 1, &bits) < 0 || bits > len * 8)
            return gyr_fail(err, -EINVAL, "'%.*s' has no prefix length of 0 to %u after the slash",
                            (int)n, s, len * 8);
        p[len++] = (unsigned char)bits;
    }
    *ret = (struct gyr_value){.type = slash ? GYR_T_NET : GYR_T_IP, .len = len, .u.ptr = p};
    return 0;
}

int value_parse(const char *s, size_t n, uint32_t type, struct arena *arena, struct gyr_value *ret,
                struct gyr_error *err)
{
    struct gyr_value v = {.type = type};
    int r = 0;

    if (n > UINT32_MAX)
        return gyr_fail(err, -EINVAL, "a value is longer than 4 GiB");
    switch (type) {
    case GYR_T_BOOL:
        if (n == 4 && memcmp(s, "true", 4) == 0)
            v.u.u64 = 1;
        else if (n != 5 || memcmp(s, "false", 5) != 0)
            return not_a(s, n, "'true' or 'false'", err);
        break;
    case GYR_T_I64:
    case GYR_T_U64:
    case GYR_T_TIME:
    case GYR_T_DURATION:
        r = parse_number(s, n, type, &v, err);
        break;
    case GYR_T_DOUBLE:
        if (parse_double(s, n, &v.u.f64) < 0)
            return not_a(s, n, "a number", err);
        break;
    case GYR_T_STR:
        if (memchr(s, '\0', n))
            return gyr_fail(err, -EINVAL, "a string holds a zero byte, which no value can have");
        /* fall through */
    case GYR_T_BYTES:
        v.len = (uint32_t)n;
        v.u.ptr = arena_strndup(arena, s, n);
        if (!v.u.ptr)
            return gyr_fail(err, -ENOMEM, "out of memory");
        break;
    case GYR_T_IP:
    case GYR_T_NET:
        r = parse_address(s, n, type, arena, &v, err);
        break;
    default:
        return gyr_fail(err, -EINVAL, "values of this type cannot be written in a rule");
    }
    if (r == 0)
        *ret = v;
    return r;
}

/* ---- copies and equality ---- */

static int copy(struct arena *a, const struct gyr_value *v, struct gyr_value *ret, int depth)
{
    struct gyr_value c = *v;

    switch (v->type) {
    case GYR_T_STR:
    case GYR_T_BYTES:
    case GYR_T_IP:
    case GYR_T_NET:
        c.u.ptr = arena_strndup(a, v->len ? v->u.ptr : "", v->len);
        if (!c.u.ptr)
            return -ENOMEM;
        break;
    case GYR_T_LIST: {
        const struct gyr_value *from = v->u.ptr;
        struct gyr_value *to = arena_array(a, v->len ? v->len : 1, sizeof(*to));

        if (!to || !depth)
            return -ENOMEM;
        for (uint32_t i = 0; i < v->len; i++) {
            int r = copy(a, &from[i], &to[i], depth - 1);

            if (r < 0)
                return r;
        }
        c.u.ptr = to;
        break;
    }
    default:
        break;
    }
    *ret = c;
    return 0;
}

static bool fits(const struct gyr_value *v, uint32_t type)
{
    bool alone = type == GYR_T_NET && v->type == GYR_T_IP; /* a network of one address */

    if (type != GYR_T_NONE && v->type != type && !alone)
        return false;
    switch (v->type) {
    case GYR_T_STR:
    case GYR_T_BYTES:
        return v->len == 0 || (v->u.ptr && v->len <= GYR_EVENT_MAX);
    case GYR_T_IP:
        return (v->len == 4 || v->len == 16) && v->u.ptr;
    case GYR_T_NET:
        return (v->len == 5 || v->len == 17) && v->u.ptr;
    default:
        return v->type > GYR_T_NONE && v->type < GYR_T_LIST;
    }
}

bool value_fits(const struct gyr_value *v, uint32_t type, bool list)
{
    const struct gyr_value *items = v->u.ptr;

    if (!list)
        return fits(v, type);
    if (v->type != GYR_T_LIST || (v->len && !items) || v->len > GYR_EVENT_MAX)
        return false;
    for (uint32_t i = 0; i < v->len; i++)
        if (!fits(&items[i], type))
            return false;
    return true;
}

const char *value_type_name(uint32_t type)
{
    static const char *const names[] = {
        [GYR_T_NONE] = "nothing", [GYR_T_BOOL] = "truth value", [GYR_T_I64] = "signed number",
        [GYR_T_U64] = "number",   [GYR_T_DOUBLE] = "double",    [GYR_T_STR] = "string",
        [GYR_T_BYTES] = "bytes",  [GYR_T_TIME] = "time",        [GYR_T_DURATION] = "duration",
        [GYR_T_IP] = "address",   [GYR_T_NET] = "network",      [GYR_T_LIST] = "list"};

    return type < sizeof(names) / sizeof(names[0]) ? names[type] : "unknown type";
}

void value_tell_unfit(const struct gyr_value *v, const struct gyr_field *f, bool list,
                      const char *provider)
{
    uint32_t wanted = list ? (uint32_t)GYR_T_LIST : f->type;
    const char *of = f->type == GYR_T_NONE ? "value" : value_type_name(f->type);
    bool other = wanted != GYR_T_NONE && v->type != wanted;

    log_error(NULL,
              "enricher '%s': the value of the field '%s' is no well-formed %s%s, as it was "
              "declared%s%s; such values are taken as absent",
              provider, f->name, list ? "list of " : "", of, other ? ", but of the type " : "",
              other ? value_type_name(v->type) : "");
}

int value_copy(struct arena *a, const struct gyr_value *v, struct gyr_value *ret)
{
    return copy(a, v, ret, LIST_DEPTH);
}

static bool equal(const struct gyr_value *a, const struct gyr_value *b, int depth)
{
    if (a->type != b->type)
        return false;
    switch (a->type) {
    case GYR_T_NONE:
        return true;
    case GYR_T_BOOL:
        return !a->u.u64 == !b->u.u64;
    case GYR_T_DOUBLE:
        return a->u.f64 == b->u.f64;
    case GYR_T_STR:
    case GYR_T_BYTES:
    case GYR_T_IP:
    case GYR_T_NET:
        return a->len == b->len && (!a->len || memcmp(a->u.ptr, b->u.ptr, a->len) == 0);
    case GYR_T_LIST:
        if (a->len != b->len || !depth)
            return false;
        for (uint32_t i = 0; i < a->len; i++)
            if (!equal((const struct gyr_value *)a->u.ptr + i,
                       (const struct gyr_value *)b->u.ptr + i, depth - 1))
                return false;
        return true;
    default:
        return a->u.u64 == b->u.u64;
    }
}

bool value_equal(const struct gyr_value *a, const struct gyr_value *b)
{
    return equal(a, b, LIST_DEPTH);
}

static uint32_t addr_len(const struct gyr_value *v)
{
    return v->len >= 16 ? 16 : 4;
}

static uint32_t prefix_bits(const struct gyr_value *v)
{
    const unsigned char *p = v->u.ptr;

    return v->len == 5 || v->len == 17 ? p[v->len - 1] : addr_len(v) * 8;
}

bool value_addr_in(const struct gyr_value *a, const struct gyr_value *b)
{
    const unsigned char *x = a->u.ptr, *y = b->u.ptr;
    uint32_t bits, whole;

    if (a->len < 4 || b->len < 4 || addr_len(a) != addr_len(b))
        return false;
    bits = prefix_bits(b);
    if (bits > addr_len(b) * 8 || prefix_bits(a) < bits)
        return false;
    whole = bits / 8;
    if (memcmp(x, y, whole) != 0)
        return false;
    return bits % 8 == 0 || ((x[whole] ^ y[whole]) >> (8 - bits % 8)) == 0;
}
