/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process enricher against hostile streams: any event types in any order, parameters of any
 * length, numbers from a small range so that threads and descriptors meet, tables with low
 * ceilings. After each event every field and every parameter's text is asked for.
 */
#include "../lib/event_build.h"
#include "../lib/fake_host.h"

#include "syscall/syscall.h"

#include <gyr/plugin.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
const struct gyr_plugin *gyr_plugin_query_process(uint32_t host_abi);

enum { HANDLES_MAX = 512, RAW_MAX = 96, EVENTS_MAX = 120 };

struct config { /* as the plugin's own */
    int64_t max_threads;
    uint64_t max_memory;
};

struct input {
    const uint8_t *p;
    size_t left;
};

static uint8_t take(struct input *in)
{
    if (!in->left)
        return 0;
    in->left--;
    return *in->p++;
}

/* Numbers that meet each other, and the odd ones. */
static uint64_t number(struct input *in)
{
    static const int64_t odd[] = {-1,        -2,        -11,       -100,       -115,
                                  INT32_MAX, INT32_MIN, 4096,      65536,      INT64_MAX,
                                  INT64_MIN, 1 << 16,   536870912, 8192,       1,
                                  256,       134217728, 64,        UINT32_MAX, 1024};
    uint8_t b = take(in);

    if (b < 224)
        return b % 24;
    return (uint64_t)odd[b % (sizeof(odd) / sizeof(odd[0]))];
}

static const char *const texts[] = {
    "",
    "/",
    ".",
    "..",
    "../../x",
    "a/./b//../c/",
    "/etc/passwd",
    "<NA>",
    "sh",
    "/proc/1/exe (deleted)",
    "name=/kubepods/besteffort/pod1/"
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    "=",
    "memory_cgroup="};

static void add_text(struct event_build *b, struct input *in, bool terminated)
{
    const char *s = texts[take(in) % (sizeof(texts) / sizeof(texts[0]))];

    event_build_add(b, s, strlen(s) + terminated);
}

static void add_raw(struct event_build *b, struct input *in)
{
    size_t n = take(in) % RAW_MAX;

    if (n > in->left)
        n = in->left;
    event_build_add(b, in->p, n);
    in->p += n;
    in->left -= n;
}

static void add_tuple(struct event_build *b, struct input *in)
{
    static const uint8_t families[] = {1, 2, 10, 16, 0};
    static const uint8_t lens[] = {0, 1, 6, 7, 12, 13, 17, 18, 19, 36, 37, 60};
    uint8_t bytes[64] = {0};
    size_t n = lens[take(in) % sizeof(lens)];

    bytes[0] = families[take(in) % sizeof(families)];
    for (size_t i = 1; i < n; i += 1 + take(in) % 8)
        bytes[i] = take(in);
    event_build_add(b, bytes, n);
}

static size_t width_of(uint16_t type)
{
    switch (type) {
    case GYR_P_U8:
    case GYR_P_I8:
    case GYR_P_BOOL:
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

static void add_param(struct event_build *b, struct input *in, const struct gyr_param_def *def)
{
    uint8_t how = take(in);

    if (how % 16 == 0) {
        event_build_add(b, NULL, 0);
    } else if (how % 16 == 1) {
        add_raw(b, in);
    } else if (def->kind == K_SOCKTUPLE || def->kind == K_SOCKADDR) {
        add_tuple(b, in);
    } else if (def->type == GYR_P_STR) {
        add_text(b, in, how % 16 != 2);
    } else if (def->type == GYR_P_STRS && how & 64) {
        add_text(b, in, true);
    } else if (def->type == GYR_P_BYTES || def->type == GYR_P_STRS || def->type == GYR_P_OPAQUE ||
               def->type == GYR_P_IP) {
        if (how & 32)
            add_text(b, in, true);
        else
            add_raw(b, in);
    } else {
        event_build_int(b, number(in), width_of(def->type));
    }
}

/* Half of them of the calls that change most. */
static const struct gyr_event_type *pick_type(struct input *in)
{
    static const uint16_t main_ones[] = {EV_SYSCALL_CLONE_20_X, EV_SYSCALL_EXECVE_19_X,
                                         EV_PROCEXIT_1_E,       EV_SYSCALL_OPENAT_2_X,
                                         EV_SYSCALL_CLOSE_X,    EV_SYSCALL_DUP2_X,
                                         EV_SNAP_PROCESS,       EV_SNAP_FD,
                                         EV_SOCKET_CONNECT_X,   EV_SOCKET_SENDTO_X,
                                         EV_SYSCALL_CLONE3_X,   EV_SYSCALL_CLOSE_RANGE_X,
                                         EV_SYSCALL_CHDIR_X,    EV_SOCKET_RECVFROM_X};
    uint8_t b = take(in);

    if (b & 1)
        return syscall_event_type(main_ones[(b >> 1) % (sizeof(main_ones) / 2)]);
    return &syscall_schema.types[((uint32_t)b << 8 | take(in)) % syscall_schema.n_types];
}

static void make(struct event_build *b, struct input *in, uint64_t num)
{
    uint8_t head = take(in);

    if (head % 32 == 0) {
        event_build_begin(b, head & 32 ? GYR_EV_SNAPSHOT_BEGIN : GYR_EV_SNAPSHOT_END);
        b->ev.flags = GYR_EVF_SNAPSHOT;
    } else {
        const struct gyr_event_type *t = pick_type(in);
        uint32_t n = head & 64 && t->n_params ? take(in) % t->n_params : t->n_params;

        event_build_begin(b, t->id);
        for (uint32_t i = 0; i < n; i++)
            add_param(b, in, &t->params[i]);
    }
    b->ev.num = num;
    b->ev.ts_ns = 1000000000u * num;
    b->ev.tid = (int64_t)number(in);
    b->ev.cpu = take(in);
    b->ev.subtype = take(in);
}

static uint32_t bind_all(const struct gyr_enricher_ops *ops, void *self, uint32_t *handles)
{
    static const char *const args[] = {NULL, "1", "PATH"};
    uint32_t n = 0, type;
    struct gyr_error err;

    for (uint32_t i = 0; i < ops->n_fields; i++)
        for (size_t k = 0; k < sizeof(args) / sizeof(args[0]); k++)
            if (n < HANDLES_MAX && ops->bind(self, i, args[k], &handles[n], &type, &err) == 0)
                n++;
    return n;
}

/* Every byte of what is answered must be readable. */
static volatile uint8_t seen;

static void read_value(const struct gyr_value *v)
{
    const struct gyr_value *e = v->u.ptr;

    if (v->type == GYR_T_LIST)
        for (uint32_t i = 0; i < v->len; i++)
            read_value(&e[i]);
    else if (v->type == GYR_T_STR || v->type == GYR_T_BYTES || v->type == GYR_T_IP ||
             v->type == GYR_T_NET)
        for (uint32_t i = 0; i < v->len; i++)
            seen ^= ((const uint8_t *)v->u.ptr)[i];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct event_build build;
    struct input in = {data, len};
    struct config cfg = {16 + take(&in) % 32, (1 << 20) + 4096u * take(&in)};
    const struct gyr_plugin *p = gyr_plugin_query_process(0);
    const struct gyr_enricher_ops *ops = p->enricher;
    uint32_t handles[HANDLES_MAX], n;
    static struct fake_host host;
    struct gyr_error err;
    struct gyr_value v;
    void *self;

    fake_host_init(&host);
    host.host.is_live = take(&in) & 1;
    if (p->create(&host.host, &cfg, &self, &err) < 0)
        abort();
    n = bind_all(ops, self, handles);
    for (uint64_t num = 1; in.left && num < EVENTS_MAX; num++) {
        struct gyr_event *ev;
        int r;

        make(&build, &in, num);
        ev = event_build_end(&build);
        r = ops->on_event(self, 0, ev);
        for (uint32_t i = 0; i < n; i++)
            if (ops->get(self, ev, handles[i], &v) == GYR_PRESENT)
                read_value(&v);
        for (uint32_t i = 0; i < ev->nparams; i++)
            if (ops->param_text(self, ev, i, &v) == GYR_PRESENT)
                read_value(&v);
        if (r == GYR_AFTER)
            ops->after_event(self, ev);
        fake_host_event_done(&host);
    }
    p->stop(self);
    p->destroy(self);
    if (fake_host_free(&host))
        abort();
    return 0;
}
