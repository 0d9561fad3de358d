/* SPDX-License-Identifier: Apache-2.0 */
/* The descriptor an event is about. Of a failed open nothing is known but what the call named. */
#include "fdorder.h"
#include "fields.h"
#include "paths.h"

#include <stdio.h>

enum { TYPES_MAX = 24 };

static char letter_of_call(uint16_t type)
{
    switch (type) {
    case EV_SYSCALL_OPENAT_2_X:
    case EV_SYSCALL_OPENAT2_X:
    case EV_SYSCALL_CREAT_X:
        return 'f';
    case EV_SOCKET_SOCKET_X:
    case EV_SOCKET_ACCEPT_5_X:
    case EV_SOCKET_ACCEPT4_6_X:
        return '4';
    case EV_SYSCALL_PIPE_X:
    case EV_SYSCALL_PIPE2_X:
        return 'p';
    case EV_SYSCALL_EVENTFD_X:
    case EV_SYSCALL_EVENTFD2_X:
        return 'e';
    case EV_SYSCALL_SIGNALFD_X:
    case EV_SYSCALL_SIGNALFD4_X:
        return 's';
    case EV_SYSCALL_TIMERFD_CREATE_X:
        return 't';
    case EV_SYSCALL_INOTIFY_INIT_X:
    case EV_SYSCALL_INOTIFY_INIT1_X:
        return 'i';
    default:
        return 'o';
    }
}

/* ---- names ---- */

/* Memory for a name that has to be made. */
struct made {
    char path[PR_PATH_MAX], dir[PR_PATH_MAX + 1], tuple[PR_TUPLE_TEXT];
};

static struct pr_text tuple_of(const struct pr_ask *a, uint32_t i, struct made *m)
{
    uint32_t len = 0;
    const uint8_t *p = i < a->ev->nparams ? gyr_param(a->ev, i, &len) : NULL;

    return (struct pr_text){m->tuple, pr_tuple_text(m->tuple, p, len)};
}

/* The name as the call tells it. @return false: it does not. */
static bool named_by_call(const struct pr_ask *a, bool raw, struct made *m, struct pr_text *ret)
{
    struct pr_text dir;

    switch (a->ev->type) {
    case EV_SYSCALL_OPEN_X:
    case EV_SYSCALL_CREAT_X:
        *ret = pr_param_text_of(a->ev, P_SYSCALL_OPEN_X__name);
        if (!ret->len || pr_path_is_absolute(*ret) || pr_text_is(*ret, "<NA>"))
            return true;
        dir = pr_cwd_of(a->now->thread);
        *ret = (struct pr_text){m->path, pr_path_join(m->path, dir, *ret)};
        return true;
    case EV_SOCKET_ACCEPT_5_X:
    case EV_SOCKET_ACCEPT4_6_X:
    case EV_SOCKET_CONNECT_X:
        *ret = tuple_of(a, P_SOCKET_ACCEPT_5_X__tuple, m);
        return true;
    case EV_SYSCALL_OPENAT_2_X:
    case EV_SYSCALL_OPENAT2_X:
        if (!pr_param_is(a->ev, P_SYSCALL_OPENAT_2_X__name))
            return false;
        *ret = pr_param_text_of(a->ev, P_SYSCALL_OPENAT_2_X__name);
        if (raw)
            return true;
        if (!pr_param_is(a->ev, P_SYSCALL_OPENAT_2_X__dirfd))
            return false;
        dir = pr_dir_of(a->s, *ret, pr_param_int(a->ev, P_SYSCALL_OPENAT_2_X__dirfd, -1), m->dir);
        *ret = (struct pr_text){m->path, pr_path_join(m->path, dir, *ret)};
        return true;
    case EV_SYSCALL_OPEN_BY_HANDLE_AT_X:
        *ret = pr_param_text_of(a->ev, P_SYSCALL_OPEN_BY_HANDLE_AT_X__path);
        return true;
    default:
        *ret = (struct pr_text){"", 0};
        return !(a->now->type->traits & T_ENTER);
    }
}

/* Without doubled slashes. */
static int once_slashed(const struct pr_ask *a, struct pr_text t, struct gyr_value *ret)
{
    char *out = pr_alloc(a->s, t.len);
    uint32_t n = 0;

    if (!out)
        return GYR_ABSENT;
    for (uint32_t i = 0; i < t.len; i++)
        if (t.p[i] != '/' || !n || out[n - 1] != '/')
            out[n++] = t.p[i];
    *ret = gyr_str(out, n);
    return GYR_PRESENT;
}

/* Container id, colon, text. */
static int in_container(const struct pr_ask *a, struct pr_text t, struct gyr_value *ret)
{
    struct pr_text id = pr_container_short(a->now->thread);
    char *out = pr_alloc(a->s, (size_t)id.len + 1 + t.len);

    if (!out)
        return GYR_ABSENT;
    memcpy(out, id.p, id.len);
    out[id.len] = ':';
    memcpy(out + id.len + 1, t.p, t.len);
    *ret = gyr_str(out, (size_t)id.len + 1 + t.len);
    return GYR_PRESENT;
}

static bool is_file(const struct pr_fd *fd)
{
    return fd->type == FD_FILE || fd->type == FD_FILE_V2;
}

static int name_fields(const struct pr_ask *a, const struct pr_fd *fd, struct gyr_value *ret)
{
    uint32_t id = a->b->field->id;
    bool raw = id == D_NAMERAW, is_dir = id == D_DIRECTORY || id == D_CONTAINERDIRECTORY;
    struct pr_text t;
    struct made m;

    if (fd)
        t = pr_text_of(raw ? fd->raw : fd->name);
    else if (!named_by_call(a, raw, &m, &t))
        return GYR_ABSENT;
    if (id == D_FILENAME)
        return fd && is_file(fd) ? pr_text(pr_path_name(t), ret) : GYR_ABSENT;
    if (is_dir && fd && !is_file(fd) && fd->type != FD_DIRECTORY)
        return GYR_ABSENT;
    if (is_dir && (!fd || is_file(fd)))
        t = pr_path_dir(t);
    if (raw)
        return once_slashed(a, t, ret);
    if (id == D_CONTAINERNAME || id == D_CONTAINERDIRECTORY)
        return in_container(a, t, ret);
    return fd ? pr_text(t, ret) : pr_copy(a, t.p, t.len, ret);
}

/* ---- kinds ---- */

static int one_type(const struct pr_ask *a, const struct pr_fd *fd, struct gyr_value *ret)
{
    struct gyr_value *v = fd ? (void *)pr_alloc(a->s, sizeof(*v)) : NULL;

    if (!v)
        return GYR_ABSENT;
    (void)pr_literal(pr_fd_type_name(fd->type), v);
    *ret = (struct gyr_value){.type = GYR_T_LIST, .len = 1, .u.ptr = v};
    return GYR_PRESENT;
}

static uint32_t collect_kinds(const struct pr_fds *t, const char *kinds[TYPES_MAX])
{
    uint32_t n = 0, k;

    for (uint32_t i = t->first; i != PR_FDS_END && n < TYPES_MAX; i = pr_order_next(t, i)) {
        const char *name = pr_fd_type_name(t->slots[i].type);

        for (k = 0; k < n && strcmp(kinds[k], name) != 0; k++)
            ;
        if (k == n)
            kinds[n++] = name;
    }
    return n;
}

static int all_types(const struct pr_ask *a, struct gyr_value *ret)
{
    struct pr_fds **t = pr_thread_fds(a->now->thread);
    const struct pr_fds *in_order = t ? pr_fds_in_order(&a->s->store, t) : NULL;
    const char *kinds[TYPES_MAX];
    uint32_t n = in_order ? collect_kinds(in_order, kinds) : 0;
    struct gyr_value *list = n ? (void *)pr_alloc(a->s, n * sizeof(*list)) : NULL;

    if (a->now->fd)
        pr_now_fd(a->s, a->now->fd_num);
    if (!list)
        return GYR_ABSENT;
    for (uint32_t i = 0; i < n; i++)
        (void)pr_literal(kinds[i], &list[i]);
    *ret = (struct gyr_value){.type = GYR_T_LIST, .len = n, .u.ptr = list};
    return GYR_PRESENT;
}

/* ---- ends of a connection ---- */

static bool is_v4(const struct pr_fd *fd)
{
    return fd->type == FD_IPV4 || fd->type == FD_IPV4_SERVER;
}

static bool is_listening(const struct pr_fd *fd)
{
    return fd->type == FD_IPV4_SERVER || fd->type == FD_IPV6_SERVER;
}

/* What addresses a container has is not known here. */
static bool is_local(const struct pr_ask *a, const struct pr_fd *fd, const uint8_t *ip)
{
    return !a->now->thread->container && pr_addrs_is_local(&a->s->addrs, ip, !is_v4(fd));
}

/* Whether the field is about the destination of the connection. */
static bool is_destination(const struct pr_ask *a, const struct pr_fd *fd)
{
    switch (a->b->field->id) {
    case D_SIP:
    case D_SPORT:
    case D_SPROTO:
    case D_SNET:
        return true;
    case D_LIP:
    case D_LPORT:
    case D_LPROTO:
    case D_LNET:
        return !is_local(a, fd, fd->sip);
    case D_RIP:
    case D_RPORT:
    case D_RPROTO:
    case D_RNET:
        return is_local(a, fd, fd->sip);
    default:
        return false;
    }
}

/* The number as text: Falco looks no service up, and in a replay the machine is not asked. */
static int port_text(const struct pr_ask *a, uint16_t port, struct gyr_value *ret)
{
    char text[8];

    return pr_copy(a, text, (size_t)snprintf(text, sizeof(text), "%u", (unsigned)port), ret);
}

/* One end, as the field's type wants it. */
static int end(const struct pr_ask *a, const struct pr_fd *fd, bool dest, struct gyr_value *ret)
{
    uint32_t type = a->b->field->field.type, len = is_v4(fd) ? 4 : 16;
    const uint8_t *ip = dest ? fd->dip : fd->sip;
    char *net;

    if (type == GYR_T_U64)
        return pr_num(a, dest ? fd->dport : fd->sport, ret);
    if (type == GYR_T_STR)
        return port_text(a, dest ? fd->dport : fd->sport, ret);
    *ret = (struct gyr_value){.type = type, .len = len, .u.ptr = ip};
    if (type != GYR_T_NET)
        return GYR_PRESENT;
    net = pr_alloc(a->s, len + 1); /* a network of one address */
    if (!net)
        return GYR_ABSENT;
    memcpy(net, ip, len);
    net[len] = (char)(len * 8);
    ret->len = len + 1;
    ret->u.ptr = net;
    return GYR_PRESENT;
}

/* Either end: both. */
static int both_ends(const struct pr_ask *a, const struct pr_fd *fd, struct gyr_value *ret)
{
    struct gyr_value *list;

    if (is_listening(fd))
        return end(a, fd, true, ret);
    list = (void *)pr_alloc(a->s, 2 * sizeof(*list));
    if (!list || end(a, fd, false, &list[0]) != GYR_PRESENT ||
        end(a, fd, true, &list[1]) != GYR_PRESENT)
        return GYR_ABSENT;
    *ret = (struct gyr_value){.type = GYR_T_LIST, .len = 2, .u.ptr = list};
    return GYR_PRESENT;
}

static int end_fields(const struct pr_ask *a, const struct pr_fd *fd, struct gyr_value *ret)
{
    uint32_t id = a->b->field->id;
    bool server_side = id == D_SIP || id == D_SPORT || id == D_SPROTO || id == D_SNET;

    if (!pr_fd_is_inet(fd) && !is_listening(fd))
        return GYR_ABSENT;
    if (id == D_IP || id == D_PORT || id == D_PROTO || id == D_NET)
        return a->b->is_list ? both_ends(a, fd, ret) : GYR_ABSENT; /* as in Falco */
    if (is_listening(fd))
        return server_side ? end(a, fd, true, ret) : GYR_ABSENT;
    if (!(fd->flags & (PR_FD_CLIENT | PR_FD_SERVER)))
        return GYR_ABSENT;
    return end(a, fd, is_destination(a, fd), ret);
}

static bool is_server(const struct pr_ask *a, const struct pr_fd *fd)
{
    return is_listening(fd) || (pr_fd_is_inet(fd) && is_local(a, fd, fd->dip));
}

static const char *protocol(const struct pr_fd *fd)
{
    static const char *const names[] = {
        [PR_L4_TCP] = "tcp", [PR_L4_UDP] = "udp", [PR_L4_ICMP] = "icmp", [PR_L4_RAW] = "raw"};
    uint8_t l4 = pr_fd_l4(fd);

    return l4 <= PR_L4_RAW && names[l4] ? names[l4] : "<NA>";
}

static int uid(const struct pr_ask *a, struct gyr_value *ret)
{
    char text[48];
    int n = snprintf(text, sizeof(text), "%lld%lld", (long long)a->now->thread->tid,
                     (long long)a->now->fd_num);

    return pr_copy(a, text, (size_t)n, ret);
}

/* ---- all together ---- */

static int of_fd(const struct pr_ask *a, const struct pr_fd *fd, struct gyr_value *ret)
{
    switch (a->b->field->id) {
    case D_TYPE:
        return pr_literal(pr_fd_type_name(fd->type), ret);
    case D_L4PROTO:
        return pr_literal(protocol(fd), ret);
    case D_SOCKFAMILY:
        if (pr_fd_is_inet(fd) || is_listening(fd))
            return pr_literal("ip", ret);
        return fd->type == FD_UNIX ? pr_literal("unix", ret) : GYR_ABSENT;
    case D_IS_SERVER:
        return pr_num(a, is_server(a, fd), ret);
    case D_CONNECTED:
        return pr_num(a, !!(fd->flags & PR_FD_CONNECTED), ret);
    case D_NAME_CHANGED:
        return pr_num(a, a->now->name_changed, ret);
    case D_DEV:
        return pr_num(a, fd->dev, ret);
    case D_DEV_MAJOR:
        return pr_num(a, (fd->dev & 0xfff00) >> 8, ret);
    case D_DEV_MINOR:
        return pr_num(a, (fd->dev & 0xff) | (fd->dev >> 12 & 0xfff00), ret);
    case D_INO:
        return pr_num(a, fd->ino, ret);
    case D_IS_UPPER_LAYER:
        return pr_num(a, !!(fd->flags & PR_FD_UPPER), ret);
    case D_IS_LOWER_LAYER:
        return pr_num(a, !!(fd->flags & PR_FD_LOWER), ret);
    case D_CIP_NAME: /* events carry no names of addresses, and nobody is asked for them */
    case D_SIP_NAME:
    case D_LIP_NAME:
    case D_RIP_NAME:
        return GYR_ABSENT;
    default:
        return end_fields(a, fd, ret);
    }
}

int pr_get_fd(const struct pr_ask *a, struct gyr_value *ret)
{
    const uint64_t about_fd = T_CREATES_FD | T_USES_FD | T_DESTROYS_FD;
    const struct pr_fd *fd = a->now->fd;
    struct pr_fds **t;
    char *letter;

    if (!a->now->thread || !(a->now->type->traits & about_fd))
        return GYR_ABSENT;
    switch (a->b->field->id) {
    case D_NUM:
        return pr_num(a, (uint64_t)a->now->fd_num, ret);
    case D_UID:
        return uid(a, ret);
    case D_TYPES:
        if (a->b->index < 0)
            return all_types(a, ret);
        t = pr_thread_fds(a->now->thread);
        return one_type(a, t ? pr_fds_find(*t, a->b->index) : NULL, ret);
    case D_TYPECHAR:
        letter = pr_alloc(a->s, 1);
        if (!letter)
            return GYR_ABSENT;
        *letter = fd ? pr_fd_char(fd->type) : letter_of_call(a->ev->type);
        *ret = gyr_str(letter, 1);
        return GYR_PRESENT;
    case D_NAME:
    case D_NAMERAW:
    case D_DIRECTORY:
    case D_FILENAME:
    case D_CONTAINERNAME:
    case D_CONTAINERDIRECTORY:
        return name_fields(a, fd, ret);
    default:
        return fd ? of_fd(a, fd, ret) : GYR_ABSENT;
    }
}
