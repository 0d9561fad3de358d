/* SPDX-License-Identifier: Apache-2.0 */
#include "derived.h"

#include "base/cleanup.h"
#include "engine/value.h"
#include "syscall/syscall.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

const struct gyr_plugin *gyr_plugin_query_process(uint32_t host_abi);

enum { FAMILY_INET = 2, FAMILY_INET6 = 10, TUPLE_MAX = 37, CORE = 0, PROCESS = 1 };

void derived_init(struct derived *d)
{
    static const struct {
        int64_t max_threads;
        uint64_t max_memory;
    } conf = {1024, 16 << 20};
    struct gyr_error err;

    memset(d, 0, sizeof(*d));
    d->step_ns = 1000;
    fake_host_init(&d->host);
    d->plugin = gyr_plugin_query_process(0);
    assert_int_equal(d->plugin->create(&d->host.host, &conf, &d->self, &err), 0);
    assert_int_equal(d->plugin->start(d->self, &err), 0);
    assert_int_equal(schemas_add(&d->schemas, &syscall_schema, "test", &err), 0);
    assert_int_equal(scratch_init(&d->scratch), 0);
    d->providers[PROCESS] = (struct provider){"process", d->plugin->enricher, d->self};
    d->core = (struct corefields_conf){.schema = schemas_find(&d->schemas, "syscall"),
                                       .pos = &d->pos,
                                       .scratch = &d->scratch,
                                       .others = &d->providers[PROCESS],
                                       .n_others = 1};
    d->providers[CORE] = (struct provider){.name = "core", .ops = &corefields_ops};
    assert_int_equal(corefields_new(&d->core, &d->providers[CORE].self), 0);
    for (size_t i = 0; i < ARRAY_LEN(d->texts); i++)
        buf_init(&d->texts[i], 1 << 16);
}

static void done(struct derived *d)
{
    if (d->now && d->wants_after)
        d->plugin->enricher->after_event(d->self, d->now);
    d->now = NULL;
    fake_host_event_done(&d->host);
    scratch_reset(&d->scratch);
}

void derived_free(struct derived *d)
{
    done(d);
    corefields_free(d->providers[CORE].self);
    d->plugin->stop(d->self);
    d->plugin->destroy(d->self);
    scratch_free(&d->scratch);
    schemas_free(&d->schemas);
    for (size_t i = 0; i < ARRAY_LEN(d->texts); i++)
        buf_free(&d->texts[i]);
    assert_int_equal(fake_host_free(&d->host), 0);
}

/* ---- events ---- */

static size_t width_of(uint16_t type)
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
        return 4;
    default:
        return 8;
    }
}

void derived_event(struct derived *d, uint16_t type, int64_t tid, const struct derived_param *p,
                   size_t n)
{
    const struct gyr_event_type *t = syscall_event_type(type);
    bool snapshot = type >= 0x8000;

    done(d);
    event_build_begin(&d->build, type);
    for (uint32_t i = 0; t && i < t->n_params; i++) {
        const struct derived_param *a = NULL;

        for (size_t k = 0; k < n; k++)
            if (p[k].place == i)
                a = &p[k];
        if (!a)
            event_build_add(&d->build, NULL, 0);
        else if (a->text)
            event_build_add(&d->build, a->text, a->len);
        else
            event_build_int(&d->build, (uint64_t)a->num, width_of(t->params[i].type));
    }
    d->pos.prev_ns = d->pos.num ? d->pos.ts_ns : d->pos.ts_ns + d->step_ns;
    d->pos.ts_ns += d->step_ns;
    d->pos.num += !snapshot;
    if (d->pos.num == 1)
        d->pos.first_ns = d->pos.ts_ns;
    d->build.ev.tid = tid;
    d->build.ev.cpu = d->cpu;
    d->build.ev.subtype = d->subtype;
    d->build.ev.flags = d->flags;
    d->build.ev.ts_ns = d->pos.ts_ns;
    d->build.ev.num = d->pos.num;
    d->now = event_build_end(&d->build);
    d->wants_after = d->plugin->enricher->on_event(d->self, 0, d->now) == GYR_AFTER;
}

void derived_process(struct derived *d, int64_t tid, int64_t pid, const char *comm)
{
    DERIVED(d, EV_SNAP_PROCESS, tid, D_NUM(P_SNAP_PROCESS__tid, tid),
            D_NUM(P_SNAP_PROCESS__pid, pid), D_NUM(P_SNAP_PROCESS__ptid, tid != 1),
            D_NUM(P_SNAP_PROCESS__vtid, tid), D_NUM(P_SNAP_PROCESS__vpid, pid),
            D_STR(P_SNAP_PROCESS__comm, comm), D_STR(P_SNAP_PROCESS__exe, comm),
            D_STR(P_SNAP_PROCESS__cwd, "/"));
}

void derived_fd(struct derived *d, int64_t tid, int64_t fd, int64_t type, const char *name)
{
    DERIVED(d, EV_SNAP_FD, tid, D_NUM(P_SNAP_FD__tid, tid), D_NUM(P_SNAP_FD__fd, fd),
            D_NUM(P_SNAP_FD__type, type), D_STR(P_SNAP_FD__name, name));
}

/* ---- sockets ---- */

static size_t put_ip(char *out, const char *text)
{
    int family = strchr(text, ':') ? AF_INET6 : AF_INET;

    assert_int_equal(inet_pton(family, text, out), 1);
    return family == AF_INET ? 4 : 16;
}

/* As recorders write it: family, then both addresses with their ports. */
static size_t tuple(char *out, const char *from, uint16_t sport, const char *to, uint16_t dport)
{
    size_t n = 1;

    out[0] = strchr(from, ':') ? FAMILY_INET6 : FAMILY_INET;
    n += put_ip(out + n, from);
    memcpy(out + n, &sport, 2);
    n += 2;
    n += put_ip(out + n, to);
    memcpy(out + n, &dport, 2);
    return n + 2;
}

void derived_address(struct derived *d, const char *addr, const char *mask)
{
    char ip[16], net[16];
    size_t n = put_ip(ip, addr), k = put_ip(net, mask);

    DERIVED(d, EV_SNAP_INTERFACE, -1, D_STR(P_SNAP_INTERFACE__name, "eth0"),
            D_BYTES(P_SNAP_INTERFACE__addr, ip, n), D_BYTES(P_SNAP_INTERFACE__netmask, net, k));
}

void derived_connect(struct derived *d, int64_t tid, int64_t fd, const char *from, uint16_t sport,
                     const char *to, uint16_t dport)
{
    char t[TUPLE_MAX];
    size_t n = tuple(t, from, sport, to, dport);

    DERIVED(d, EV_SOCKET_SOCKET_X, tid, D_NUM(P_SOCKET_SOCKET_X__fd, fd),
            D_NUM(P_SOCKET_SOCKET_X__domain, t[0]), D_NUM(P_SOCKET_SOCKET_X__type, 1),
            D_NUM(P_SOCKET_SOCKET_X__proto, 6));
    DERIVED(d, EV_SOCKET_CONNECT_X, tid, D_NUM(P_SOCKET_CONNECT_X__res, 0),
            D_BYTES(P_SOCKET_CONNECT_X__tuple, t, n), D_NUM(P_SOCKET_CONNECT_X__fd, fd));
}

void derived_accept(struct derived *d, int64_t tid, int64_t fd, const char *from, uint16_t sport,
                    const char *to, uint16_t dport)
{
    char t[TUPLE_MAX];
    size_t n = tuple(t, from, sport, to, dport);

    DERIVED(d, EV_SOCKET_ACCEPT4_6_X, tid, D_NUM(P_SOCKET_ACCEPT4_6_X__fd, fd),
            D_BYTES(P_SOCKET_ACCEPT4_6_X__tuple, t, n));
}

void derived_listen(struct derived *d, int64_t tid, int64_t fd, const char *on, uint16_t port)
{
    bool is6 = strchr(on, ':');
    char t[TUPLE_MAX];
    size_t n = tuple(t, on, port, is6 ? "::" : "0.0.0.0", 0);

    DERIVED(d, EV_SNAP_FD, tid, D_NUM(P_SNAP_FD__tid, tid), D_NUM(P_SNAP_FD__fd, fd),
            D_NUM(P_SNAP_FD__type, is6 ? FD_IPV6_SERVER : FD_IPV4_SERVER),
            D_BYTES(P_SNAP_FD__tuple, t, n), D_NUM(P_SNAP_FD__l4proto, 2));
    DERIVED(d, EV_SOCKET_LISTEN_X, tid, D_NUM(P_SOCKET_LISTEN_X__res, 0),
            D_NUM(P_SOCKET_LISTEN_X__fd, fd), D_NUM(P_SOCKET_LISTEN_X__backlog, 5));
}

/* ---- fields ---- */

static bool ask(struct derived *d, const struct provider *p, uint32_t field, const char *arg,
                bool many, struct buf *out)
{
    const struct gyr_field *f =
        (const void *)((const char *)p->ops->fields + (size_t)field * p->ops->field_stride);
    uint32_t handle, type = many ? GYR_T_LIST : f->type;
    struct gyr_error err = {0};
    struct gyr_value v = {0};
    int r = p->ops->bind(p->self, field, arg, &handle, &type, &err);

    if (r < 0)
        fail_msg("%s: %s", f->name, err.msg);
    r = p->ops->get(p->self, d->now, handle, &v);
    if (r == GYR_PRESENT)
        value_add_text(out, &v, f->fmt);
    p->ops->unbind(p->self, handle);
    return r == GYR_PRESENT;
}

static const char *get(struct derived *d, const char *field, const char *arg, bool many)
{
    struct buf *out = &d->texts[d->turn++ % ARRAY_LEN(d->texts)];
    bool is_known = false;

    assert_non_null(d->now);
    buf_reset(out);
    /* the enricher first: what it has no value for may be the core's */
    for (size_t i = ARRAY_LEN(d->providers); i-- > 0;) {
        int at = provider_field(&d->providers[i], field);

        is_known |= at >= 0;
        if (at >= 0 && ask(d, &d->providers[i], (uint32_t)at, arg, many, out))
            return out->p;
    }
    if (!is_known)
        fail_msg("nobody provides %s", field);
    buf_adds(out, "(absent)");
    return out->p;
}

const char *derived_get(struct derived *d, const char *field, const char *arg)
{
    return get(d, field, arg, false);
}

const char *derived_many(struct derived *d, const char *field)
{
    return get(d, field, NULL, true);
}
