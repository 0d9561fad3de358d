/* SPDX-License-Identifier: Apache-2.0 */
/* What parameters mean: the file behind a descriptor, the name of a process or user, the place a
 * relative path leads to. */
#include "fields.h"
#include "paths.h"

#include <stdio.h>

enum { SIGNALS = 31, FDLIST_TEXT = 16384, FDLIST_ITEM = 10 };

/* The question at hand, in the form the helpers of fields take. */
static int given(struct pr_state *s, const char *p, size_t n, struct gyr_value *ret)
{
    struct pr_ask a = {s, &s->now, s->now.ev, NULL};

    return pr_copy(&a, p, n, ret);
}

/* A text that stands alone, in place of the recorded form: it ends with a zero byte. */
static int alone(struct pr_state *s, char *p, size_t n, struct gyr_value *ret)
{
    p[n] = 0;
    return given(s, p, n + 1, ret);
}

static int of_fd(struct pr_state *s, int64_t num, struct gyr_value *ret)
{
    static const char letters[] = {
        [PR_L4_TCP] = 't', [PR_L4_UDP] = 'u', [PR_L4_ICMP] = 'i', [PR_L4_RAW] = 'r'};
    struct pr_fds **t = s->now.thread ? pr_thread_fds(s->now.thread) : NULL;
    struct pr_fd *fd;
    struct pr_text name;
    const char *error;
    uint32_t n = 0;
    char *out;

    if (num < 0) {
        error = num == PR_AT_FDCWD ? "AT_FDCWD" : names_errno(num);
        return error && s->now.thread ? pr_literal(error, ret) : GYR_ABSENT;
    }
    fd = t ? pr_fds_find(*t, num) : NULL;
    if (!fd)
        return GYR_ABSENT;
    name = pr_text_of(fd->name);
    out = pr_alloc(s, (size_t)name.len + 4);
    if (!out)
        return GYR_ABSENT;
    out[n++] = '<';
    out[n++] = pr_fd_char(fd->type);
    if (pr_fd_l4(fd) < sizeof(letters) && letters[pr_fd_l4(fd)])
        out[n++] = letters[pr_fd_l4(fd)];
    out[n++] = '>';
    memcpy(out + n, name.p, name.len);
    *ret = gyr_str(out, n + name.len);
    return GYR_PRESENT;
}

static int of_pid(struct pr_state *s, int64_t tid, struct gyr_value *ret)
{
    struct pr_thread *th = pr_thread_find(&s->threads, tid);

    return th && th->comm ? pr_string(th->comm, ret) : GYR_ABSENT;
}

static int of_account(struct pr_state *s, bool user, uint32_t id, struct gyr_value *ret)
{
    const struct pr_account *u = NULL;

    if (id == UINT32_MAX)
        return pr_literal("<NONE>", ret);
    if (s->now.thread)
        u = pr_account_find(&s->accounts, user, pr_container_short(s->now.thread), id);
    return u && u->name ? pr_string(u->name, ret) : pr_literal("<NA>", ret);
}

/* The folder a path is taken from: the directory descriptor told before it, or the working
 * directory. */
static int of_path(struct pr_state *s, const struct gyr_event *ev, uint32_t i, bool relative,
                   struct gyr_value *ret)
{
    struct pr_text path = pr_param_text_of(ev, i), dir;
    char tmp[PR_PATH_MAX + 1], out[PR_PATH_MAX];
    int64_t dirfd = PR_AT_FDCWD;

    if (!s->now.thread || !path.len || pr_path_is_absolute(path) || pr_text_is(path, "<NA>"))
        return GYR_ABSENT;
    for (uint32_t k = i; relative && k-- > 0;)
        if (s->now.type->params[k].kind == K_FD) {
            dirfd = pr_param_int(ev, k, -1);
            break;
        }
    dir = pr_dir_of(s, path, dirfd, tmp);
    if (pr_text_is(dir, "<UNKNOWN>"))
        dir = (struct pr_text){"", 0};
    return given(s, out, pr_path_join(out, dir, path), ret);
}

/* The number is decimal, even where an address is wanted and the schema says so. */
static int of_errno(struct pr_state *s, int64_t res, bool reformat, struct gyr_value *ret)
{
    const char *name = names_errno(res);
    char out[64];
    int n;

    if (!reformat)
        return name ? pr_literal(name, ret) : GYR_ABSENT;
    n = snprintf(out, sizeof(out), "%lld%c%s", (long long)res, 0, name ? name : "");
    return given(s, out, (size_t)n, ret);
}

static int of_sigset(struct pr_state *s, uint64_t set, struct gyr_value *ret)
{
    char out[SIGNALS * 10 + 1];
    size_t n = 0;

    for (uint32_t i = 0; i < SIGNALS; i++)
        if (set >> i & 1)
            n += (size_t)snprintf(out + n, sizeof(out) - n, "%s%s", n ? " " : "",
                                  names_signal(i + 1));
    return alone(s, out, n, ret);
}

static int of_fdlist(struct pr_state *s, const uint8_t *p, uint32_t len, struct gyr_value *ret)
{
    struct pr_fds **t = s->now.thread ? pr_thread_fds(s->now.thread) : NULL;
    char out[FDLIST_TEXT];
    size_t used = 0;
    uint16_t n;

    if (!t || len < 2)
        return GYR_ABSENT;
    memcpy(&n, p, 2);
    for (uint32_t at = 2; n && at + FDLIST_ITEM <= len && used + 48 < sizeof(out); n--) {
        const struct pr_fd *fd;
        int64_t num;
        uint16_t events;

        memcpy(&num, p + at, 8);
        memcpy(&events, p + at + 8, 2);
        at += FDLIST_ITEM;
        fd = pr_fds_find(*t, num);
        used += (size_t)snprintf(out + used, sizeof(out) - used, "%s%lld:%c%x", used ? " " : "",
                                 (long long)num, fd ? pr_fd_char(fd->type) : '?', events);
    }
    return alone(s, out, used, ret);
}

/* What the rest of a parameter holds, by its first byte: each event has forms of its own. */
enum { DYN_BYTES, DYN_ERRNO, DYN_U32, DYN_U64, DYN_TIME, DYN_HEX, DYN_SIGNAL, DYN_I64, DYN_TEXT };

static int dyn_form(uint16_t event, uint8_t first)
{
    static const uint8_t option[] = {DYN_BYTES, DYN_ERRNO, DYN_U32, DYN_U64, DYN_TIME},
                         trace[] = {DYN_HEX, DYN_SIGNAL}, key[] = {DYN_I64, DYN_TEXT};

    switch (event) {
    case EV_SOCKET_SETSOCKOPT_X:
    case EV_SOCKET_GETSOCKOPT_X:
        return first < sizeof(option) ? option[first] : -1;
    case EV_SYSCALL_PTRACE_X:
        return first < sizeof(trace) ? trace[first] : -1;
    case EV_SYSCALL_KEYCTL_X:
        return first < sizeof(key) ? key[first] : -1;
    default:
        return -1;
    }
}

static int of_bytes(struct pr_state *s, const uint8_t *p, uint32_t len, struct gyr_value *ret)
{
    char *out = pr_alloc(s, len);

    if (!out)
        return GYR_ABSENT;
    for (uint32_t i = 0; i < len; i++)
        out[i] = p[i] >= 0x20 && p[i] < 0x7f ? (char)p[i] : '.';
    *ret = gyr_str(out, len);
    return GYR_PRESENT;
}

static int of_dyn(struct pr_state *s, const struct gyr_event *ev, const uint8_t *p, uint32_t len,
                  struct gyr_value *ret)
{
    int form = dyn_form(ev->type, p[0]), n;
    const char *name = NULL;
    uint64_t v = 0;
    char out[64];

    p++;
    len--;
    if (form == DYN_BYTES)
        return of_bytes(s, p, len, ret);
    if (form == DYN_TEXT)
        return given(s, (const char *)p, strnlen((const char *)p, len), ret);
    memcpy(&v, p, len < sizeof(v) ? len : sizeof(v));
    switch (form) {
    case DYN_ERRNO:
        return of_errno(s, (int64_t)v, true, ret);
    case DYN_SIGNAL:
        name = names_signal(v & 0xff);
        n = snprintf(out, sizeof(out), "%u%c%s", (unsigned)(v & 0xff), 0, name ? name : "");
        break;
    case DYN_TIME:
        n = snprintf(out, sizeof(out), "%llu%c%gs", (unsigned long long)v, 0, (double)v / 1e9);
        break;
    case DYN_HEX:
        n = snprintf(out, sizeof(out), "%llX%c", (unsigned long long)v, 0);
        break;
    case DYN_U32:
        n = snprintf(out, sizeof(out), "%d%c", (int32_t)v, 0);
        break;
    case DYN_U64:
    case DYN_I64:
        n = snprintf(out, sizeof(out), "%lld%c", (long long)v, 0);
        break;
    default:
        return GYR_ABSENT;
    }
    return given(s, out, (size_t)n, ret);
}

static int of_call(uint64_t code, struct gyr_value *ret)
{
    for (const struct gyr_subtype *t = syscall_schema.subtypes; t->name; t++)
        if (t->id == code)
            return pr_literal(t->name, ret);
    return GYR_ABSENT;
}

static int of_address(struct pr_state *s, bool tuple, const uint8_t *p, uint32_t len,
                      struct gyr_value *ret)
{
    char out[PR_TUPLE_TEXT];

    return given(s, out, tuple ? pr_tuple_text(out, p, len) : pr_sockaddr_text(out, p, len), ret);
}

int pr_param_text(void *self, const struct gyr_event *ev, uint32_t param, struct gyr_value *ret)
{
    struct pr_state *s = self;
    const struct gyr_param_def *def;
    const uint8_t *p;
    const char *name;
    uint32_t len;
    int64_t v;

    pr_look_at(s, ev);
    if (!s->now.type || param >= s->now.type->n_params || param >= ev->nparams)
        return GYR_ABSENT;
    def = &s->now.type->params[param];
    p = gyr_param(ev, param, &len);
    v = pr_param_int(ev, param, 0);
    if (len == 0)
        return def->kind == K_SOCKADDR ? pr_literal("<NA>", ret) : GYR_ABSENT;
    switch (def->kind) {
    case K_FD:
        return of_fd(s, v, ret);
    case K_PID:
        return of_pid(s, v, ret);
    case K_UID:
    case K_GID:
        return of_account(s, def->kind == K_UID, (uint32_t)v, ret);
    case K_ERRNO:
        return of_errno(s, v, def->fmt != GYR_F_DEC, ret);
    case K_SIGNAL:
        name = names_signal((uint8_t)v);
        return name ? pr_literal(name, ret) : GYR_ABSENT;
    case K_SIGSET:
        return of_sigset(s, pr_param_num(ev, param, 0), ret);
    case K_PATH:
    case K_RELPATH:
        return of_path(s, ev, param, def->kind == K_RELPATH, ret);
    case K_SOCKADDR:
    case K_SOCKTUPLE:
        return of_address(s, def->kind == K_SOCKTUPLE, p, len, ret);
    case K_FDLIST:
        return of_fdlist(s, p, len, ret);
    case K_DYN:
        return of_dyn(s, ev, p, len, ret);
    case K_SYSCALL:
        return of_call(pr_param_num(ev, param, 0), ret);
    default:
        return GYR_ABSENT;
    }
}
