/* SPDX-License-Identifier: Apache-2.0 */
/* What is written is what is read: every event of real captures, and what they do not have. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../lib/event_build.h"
#include "../lib/scap_build.h"
#include "proc/proc.h"
#include "scap/scap_encode.h"
#include "scap/scap_output.h"
#include "scap/scap_writer.h"
#include "syscall/syscall.h"

enum { BIG = 70000, MANY_FDS = 10000 };

/* ---- comparing ---- */

static int same_params(const struct gyr_event *a, const struct gyr_event *b)
{
    uint32_t la, lb;

    if (a->nparams != b->nparams)
        return 0;
    for (uint32_t i = 0; i < a->nparams; i++) {
        const uint8_t *pa = gyr_param(a, i, &la), *pb = gyr_param(b, i, &lb);

        if (la != lb || (la && memcmp(pa, pb, la) != 0))
            return 0;
    }
    return 1;
}

static int same_event(const struct gyr_event *a, const struct gyr_event *b)
{
    return a->type == b->type && a->ts_ns == b->ts_ns && a->tid == b->tid && a->cpu == b->cpu &&
           a->flags == b->flags && a->subtype == b->subtype && same_params(a, b);
}

static int is_event(const struct gyr_event *ev)
{
    return ev->type < SCAP_OWN_MIN;
}

static const struct gyr_event *next_event(const struct scap_events *e, size_t *at)
{
    while (*at < e->n && !is_event(e->ev[*at]))
        (*at)++;
    return *at < e->n ? e->ev[(*at)++] : NULL;
}

/* The @p k-th of a type, counted from the end: what was told last of a process counts. */
static const struct gyr_event *last_of(const struct scap_events *e, uint16_t type, size_t k)
{
    for (size_t i = e->n; i-- > 0;)
        if (e->ev[i]->type == type && k-- == 0)
            return e->ev[i];
    return NULL;
}

/* Numbers of events that have none in common are the reader's. */
static void assert_same_events(const struct scap_events *a, const struct scap_events *b)
{
    size_t ia = 0, ib = 0, n = 0;
    const struct gyr_event *x, *y;

    do {
        x = next_event(a, &ia);
        y = next_event(b, &ib);
        if (!x != !y || (x && !same_event(x, y)))
            fail_msg("event %zu differs: type %d, %d", n, x ? x->type : -1, y ? y->type : -1);
        if (y && y->num)
            assert_int_equal(y->num, n + 1);
        n++;
    } while (x);
    assert_true(n > 1);
}

/* Old tables lack members: not told, or told as 0, -1 or an empty text, is one. */
static int is_nothing(const uint8_t *p, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++)
        if (p[i] != p[0] || (p[0] != 0 && p[0] != 0xff))
            return 0;
    return 1;
}

static int same_state(const struct gyr_event *a, const struct gyr_event *b)
{
    for (uint32_t i = 0; i < a->nparams || i < b->nparams; i++) {
        uint32_t la = 0, lb = 0;
        const uint8_t *pa = i < a->nparams ? gyr_param(a, i, &la) : NULL;
        const uint8_t *pb = i < b->nparams ? gyr_param(b, i, &lb) : NULL;

        if ((la != lb || (la && memcmp(pa, pb, la) != 0)) &&
            !(is_nothing(pa, la) && is_nothing(pb, lb)))
            return 0;
    }
    return a->tid == b->tid && a->flags == b->flags;
}

static void assert_same_snapshot(const struct scap_events *a, const struct scap_events *b)
{
    for (uint16_t t = EV_SNAP_MACHINE; t <= EV_SNAP_INTERFACE; t++) {
        const struct gyr_event *x, *y;

        for (size_t k = 0; (x = last_of(a, t, k)); k++) {
            y = last_of(b, t, k);
            if (!y || !same_state(x, y))
                fail_msg("snapshot event %zu (from the end) of type 0x%x differs", k, t);
        }
    }
}

/* ---- writing ---- */

static void write_all(struct scap_writer *w, const struct scap_events *e)
{
    for (size_t i = 0; i < e->n; i++)
        assert_int_equal(scap_writer_event(w, e->ev[i]), 0);
    scap_writer_end(w);
    assert_int_equal(w->lost, 0);
}

static void round_trip(const char *path)
{
    struct scap_events before, after;
    struct scap_writer w = {0};
    uint8_t *bytes;
    size_t n;

    bytes = slurp(path, &n);
    scap_events_read(&before, bytes, n);
    assert_int_equal(before.end, GYR_E_EOF);
    write_all(&w, &before);
    scap_events_read(&after, w.out.p, w.out.len);
    if (after.end != GYR_E_EOF)
        fail_msg("%s: %s", path, after.err.msg);
    assert_int_equal(after.unknown_events, 0);
    assert_int_equal(after.unknown_blocks, 0);
    assert_same_events(&before, &after);
    assert_same_snapshot(&before, &after);
    print_message("%s: %zu events the same\n", path, before.n);
    scap_writer_free(&w);
    scap_events_free(&before);
    scap_events_free(&after);
    free(bytes);
}

static void own_captures(void **state)
{
    const char *top = getenv("GYR_TOP");
    char path[512];

    (void)state;
    for (int i = 0; i < 2; i++) {
        (void)snprintf(path, sizeof(path), "%s/tests/captures/%s.scap.gz", top ? top : ".",
                       i ? "attacks" : "seed");
        round_trip(path);
    }
}

static void shared_captures(void **state)
{
    static const char *const names[] = {
        "cat_write.scap",        "curl_google.scap", "open-multiple-files.scap",
        "single_ipv6_conn.scap", "busy.scap.gz",     "psp_run_as_user_0_container.scap",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char file[128];
        const char *path;

        (void)snprintf(file, sizeof(file), "captures/%s", names[i]);
        path = shared_path(file);
        if (!path) {
            print_message("[ SKIPPED ] ../shared/%s is not here\n", file);
            skip();
        }
        round_trip(path);
    }
}

/* ---- what captures at hand do not have ---- */

struct rig {
    struct scap_writer w;
    struct scap_events told, read;
};

static int setup(void **state)
{
    *state = calloc(1, sizeof(struct rig));
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    struct rig *r = *state;

    scap_writer_free(&r->w);
    scap_events_free(&r->told);
    scap_events_free(&r->read);
    free(r);
    return 0;
}

/* @return what the writer said. */
static int tell(struct rig *r, const struct gyr_event *ev)
{
    scap_events_add(&r->told, ev);
    return scap_writer_event(&r->w, ev);
}

static int tell_bracket(struct rig *r, uint16_t type)
{
    struct event_build b;

    event_build_begin(&b, type);
    b.ev.flags = GYR_EVF_SNAPSHOT;
    b.ev.ts_ns = 5;
    return tell(r, event_build_end(&b));
}

static struct gyr_event *make_close(struct event_build *b, uint64_t ts)
{
    event_build_begin(b, EV_SYSCALL_CLOSE_X);
    b->ev.ts_ns = ts;
    b->ev.tid = 7;
    b->ev.cpu = 1;
    event_build_int(b, 0, 8);
    event_build_int(b, 3, 8);
    return event_build_end(b);
}

static int tell_close(struct rig *r, uint64_t ts)
{
    struct event_build b;

    return tell(r, make_close(&b, ts));
}

static void tell_machine(struct rig *r)
{
    struct event_build b;

    event_build_begin(&b, EV_SNAP_MACHINE);
    b.ev.tid = -1;
    b.ev.flags = GYR_EVF_SNAPSHOT;
    event_build_int(&b, 4, 4);
    event_build_int(&b, 1 << 30, 8);
    event_build_int(&b, 4194304, 8);
    event_build_str(&b, "web-7");
    event_build_int(&b, 1500000000000000000, 8);
    event_build_int(&b, 5, 8);
    assert_int_equal(tell(r, event_build_end(&b)), 0);
}

static void tell_process(struct rig *r, int64_t tid, const char *args, size_t args_len, uint64_t ts)
{
    struct event_build b;

    event_build_begin(&b, EV_SNAP_PROCESS);
    b.ev.flags = GYR_EVF_SNAPSHOT;
    b.ev.tid = tid;
    b.ev.ts_ns = 5;
    for (int i = 0; i < 8; i++)
        event_build_int(&b, (uint64_t)tid, 8);
    event_build_str(&b, "\xff\x01 comm");
    event_build_str(&b, "/bin/sh");
    event_build_str(&b, "");
    event_build_add(&b, args, args_len);
    event_build_add(&b, "A=1\0B=\xfe\0", 8);
    event_build_add(&b, "cpu=/\0", 7);
    event_build_str(&b, "/");
    event_build_str(&b, "/");
    event_build_int(&b, 1024, 8);
    for (int i = 0; i < 3; i++)
        event_build_int(&b, 0, 4);
    event_build_int(&b, UINT64_MAX, 8);
    for (int i = 0; i < 4; i++)
        event_build_int(&b, 9, 4);
    for (int i = 0; i < 2; i++)
        event_build_int(&b, 2, 8);
    event_build_int(&b, ts, 8);
    assert_int_equal(tell(r, event_build_end(&b)), 0);
}

static void tell_fd(struct rig *r, int64_t fd, uint8_t type, const char *name)
{
    struct event_build b;

    event_build_begin(&b, EV_SNAP_FD);
    b.ev.flags = GYR_EVF_SNAPSHOT;
    b.ev.tid = 7;
    b.ev.ts_ns = 5;
    event_build_int(&b, 7, 8);
    event_build_int(&b, (uint64_t)fd, 8);
    event_build_int(&b, type, 1);
    event_build_int(&b, 99, 8);
    event_build_str(&b, name);
    if (type == FD_FILE_V2) {
        event_build_int(&b, 2, 4);
        event_build_int(&b, 3, 4);
    }
    assert_int_equal(tell(r, event_build_end(&b)), 0);
}

static void read_back(struct rig *r)
{
    scap_writer_end(&r->w);
    assert_int_equal(r->w.lost, 0);
    scap_events_free(&r->read);
    scap_events_read(&r->read, r->w.out.p, r->w.out.len);
    if (r->read.end != GYR_E_EOF)
        fail_msg("%s", r->read.err.msg);
    assert_int_equal(r->read.unknown_events, 0);
}

static size_t count(const struct scap_events *e, uint16_t type)
{
    size_t n = 0;

    for (size_t i = 0; i < e->n; i++)
        n += e->ev[i]->type == type;
    return n;
}

static void large_and_empty(void **state)
{
    struct rig *r = *state;
    size_t size = sizeof(struct gyr_event) + 5 * 4 + BIG;
    uint64_t *room = calloc(1, size + 8);
    struct gyr_event *ev = (struct gyr_event *)(void *)room;
    uint32_t off[5] = {sizeof(*ev) + sizeof(off)};

    *ev = (struct gyr_event){.len = (uint32_t)(size + 7) & ~7u,
                             .hdr_len = sizeof(*ev),
                             .type = EV_SYSCALL_READ_X,
                             .ts_ns = 1,
                             .tid = 7,
                             .nparams = 4};
    off[1] = off[0];
    off[2] = off[1] + BIG;
    off[3] = off[4] = off[2];
    memcpy(ev + 1, off, sizeof(off));
    for (uint32_t i = 0; i < BIG; i++)
        ((uint8_t *)ev)[off[1] + i] = (uint8_t)(i * 7);
    assert_int_equal(tell(r, ev), 0);
    off[2] = off[3] = off[4] = off[0];
    memcpy(ev + 1, off, sizeof(off));
    assert_int_equal(tell(r, ev), 0);
    free(room);
    read_back(r);
    assert_same_events(&r->told, &r->read);
}

static void too_large(void **state)
{
    struct rig *r = *state;
    struct gyr_event *ev = calloc(1, GYR_EVENT_MAX);
    uint32_t off[2] = {sizeof(*ev) + sizeof(off), GYR_EVENT_MAX};

    *ev = (struct gyr_event){
        .len = GYR_EVENT_MAX, .hdr_len = sizeof(*ev), .type = EV_SYSCALL_CLOSE_X, .nparams = 1};
    memcpy(ev + 1, off, sizeof(off));
    assert_int_equal(scap_writer_event(&r->w, ev), 0);
    assert_int_equal(r->w.lost, 1);
    assert_int_equal(r->w.events, 0);
    free(ev);
    r->w.lost = 0;
    assert_int_equal(tell_close(r, 1), 0);
    read_back(r);
    assert_same_events(&r->told, &r->read);
}

static void many_fds(void **state)
{
    struct rig *r = *state;
    char name[64];

    (void)tell_bracket(r, GYR_EV_SNAPSHOT_BEGIN);
    tell_machine(r);
    tell_process(r, 7, "a\0b c\0", 7, 0);
    for (int i = 0; i < MANY_FDS; i++) {
        (void)snprintf(name, sizeof(name), "/file/%d\xff", i);
        tell_fd(r, i, FD_FILE_V2, name);
    }
    (void)tell_bracket(r, GYR_EV_SNAPSHOT_END);
    (void)tell_close(r, 1);
    read_back(r);
    assert_int_equal(count(&r->read, EV_SNAP_FD), MANY_FDS);
    assert_same_events(&r->told, &r->read);
    for (size_t k = 0; k < MANY_FDS; k++) {
        const struct gyr_event *a = last_of(&r->told, EV_SNAP_FD, k);
        const struct gyr_event *b = last_of(&r->read, EV_SNAP_FD, k);
        const char *x, *y;
        uint32_t n, m;

        assert_true(gyr_param_str(a, P_SNAP_FD__name, &x, &n) &&
                    gyr_param_str(b, P_SNAP_FD__name, &y, &m));
        assert_int_equal(n, m);
        assert_memory_equal(x, y, n);
    }
}

/* What the tables have no place for follows them, within the snapshot. */
static void lossy(void **state)
{
    struct rig *r = *state;
    static char args[3][4000];
    size_t end = 0;

    memset(args[0], 'x', sizeof(args[0]));
    args[0][sizeof(args[0]) - 1] = 0;
    (void)tell_bracket(r, GYR_EV_SNAPSHOT_BEGIN);
    tell_machine(r);
    tell_process(r, 7, "a", 2, 1600000000000000000); /* when it was made is in no table */
    tell_fd(r, 3, FD_PIDFD, "12");
    tell_process(r, 8, args[0], 2000, 0);
    (void)tell_bracket(r, GYR_EV_SNAPSHOT_END);
    (void)tell_close(r, 1);
    read_back(r);
    assert_int_equal(count(&r->read, EV_SNAP_PROCESS), 4);
    assert_int_equal(count(&r->read, EV_SNAP_FD), 2);
    assert_same_snapshot(&r->told, &r->read);
    assert_int_equal(count(&r->read, GYR_EV_SNAPSHOT_END), 1);
    while (r->read.ev[end]->type != GYR_EV_SNAPSHOT_END)
        end++;
    assert_int_equal(end, r->read.n - 2); /* only the close is behind it */
}

/* What this machine is like just now. */
static void own_machine(void **state)
{
    struct rig *r = *state;
    struct scap_batch batch = {0};
    struct proc_conf conf = {.host_root = ""};
    struct proc_snapshot *s;
    const struct gyr_event *ev;
    struct gyr_error err;
    int n;

    assert_int_equal(proc_snapshot_new(&conf, &s, &err), 0);
    proc_snapshot_begin(s);
    while ((n = proc_snapshot_next(s, &batch, &ev, &err)) != 0) {
        if (n == -ENOBUFS)
            batch.used = 0;
        else if (n < 0)
            fail_msg("%s", err.msg);
        else
            assert_int_equal(tell(r, ev), 0);
    }
    (void)tell_close(r, 1);
    read_back(r);
    assert_true(count(&r->told, EV_SNAP_PROCESS) > 1);
    assert_same_snapshot(&r->told, &r->read);
    assert_same_events(&r->told, &r->read);
    proc_snapshot_free(s);
    scap_batch_free(&batch);
}

/* The stream goes on while the machine is looked at. */
static void events_during_the_first_snapshot(void **state)
{
    struct rig *r = *state;

    (void)tell_bracket(r, GYR_EV_SNAPSHOT_BEGIN);
    (void)tell_close(r, 1);
    tell_process(r, 7, "a", 2, 0);
    (void)tell_close(r, 2);
    assert_int_equal(r->w.out.len, 0);
    (void)tell_bracket(r, GYR_EV_SNAPSHOT_END);
    (void)tell_close(r, 3);
    read_back(r);
    assert_same_events(&r->told, &r->read);
    assert_int_equal(r->w.events, 3);
}

static void ends_within_the_first_snapshot(void **state)
{
    struct rig *r = *state;

    (void)tell_bracket(r, GYR_EV_SNAPSHOT_BEGIN);
    tell_process(r, 7, "a", 2, 0);
    (void)tell_close(r, 1);
    read_back(r);
    assert_same_events(&r->told, &r->read);
    assert_true(count(&r->read, EV_SNAP_PROCESS) > 0);
}

/* State told again in mid-stream, and losses, stay where they were. */
static void in_mid_stream(void **state)
{
    struct rig *r = *state;
    struct event_build b;
    size_t first = 0;

    (void)tell_close(r, 1);
    tell_process(r, 8, "healed", 7, 17);
    (void)tell_close(r, 2);
    event_build_begin(&b, GYR_EV_LOSS);
    b.ev.flags = GYR_EVF_INTERNAL;
    b.ev.ts_ns = 3;
    event_build_int(&b, 1, 4);
    event_build_int(&b, 2, 2);
    event_build_int(&b, 300, 8);
    (void)tell(r, event_build_end(&b));
    (void)tell_bracket(r, GYR_EV_SNAPSHOT_BEGIN);
    tell_process(r, 7, "a", 2, 17);
    (void)tell_close(r, 4);
    (void)tell_bracket(r, GYR_EV_SNAPSHOT_END);
    (void)tell_close(r, 5);
    read_back(r);
    while (is_event(r->read.ev[first]) == 0) /* the brackets of the empty head */
        first++;
    assert_int_equal(first, 2);
    assert_int_equal(r->read.n, r->told.n + first);
    for (size_t i = 0; i < r->told.n; i++)
        if (!same_event(r->told.ev[i], r->read.ev[first + i]))
            fail_msg("event %zu differs: %x, %x", i, r->told.ev[i]->type,
                     r->read.ev[first + i]->type);
    assert_same_events(&r->told, &r->read);
}

static void only_for_state(void **state)
{
    struct rig *r = *state;
    struct event_build b;
    struct gyr_event *ev = make_close(&b, 1);

    ev->flags = GYR_EVF_SNAPSHOT;
    (void)tell(r, ev);
    (void)tell_close(r, 2);
    ev = make_close(&b, 3);
    ev->flags = GYR_EVF_CUT;
    (void)tell(r, ev);
    read_back(r);
    assert_int_equal(r->w.events, 2);
    assert_int_equal(scap_events_at(&r->read, 2)->flags, GYR_EVF_CUT);
    assert_int_equal(scap_events_at(&r->read, 2)->num, 2);
    assert_int_equal(scap_events_at(&r->read, 0)->flags, GYR_EVF_SNAPSHOT);
    assert_int_equal(scap_events_at(&r->read, 0)->num, 0);
    assert_int_equal(scap_events_at(&r->read, 1)->flags, 0);
}

/* Another file: opened by the snapshot it asked for; every event is in one file, and the new one
 * knows of what happened while the snapshot was taken. */
static void another_file(void **state)
{
    struct rig *r = *state;
    struct scap_events second;

    (void)tell_close(r, 1);
    scap_writer_want_head(&r->w);
    (void)tell_close(r, 2);
    assert_int_equal(tell_bracket(r, GYR_EV_SNAPSHOT_BEGIN), 0);
    tell_process(r, 7, "a", 2, 0);
    assert_int_equal(tell_close(r, 3), 0);
    assert_int_equal(tell_bracket(r, GYR_EV_SNAPSHOT_END), 1);
    scap_events_read(&r->read, r->w.out.p, r->w.out.len);
    assert_int_equal(r->read.end, GYR_E_EOF);
    assert_int_equal(count(&r->read, EV_SYSCALL_CLOSE_X), 3);
    assert_int_equal(count(&r->read, EV_SNAP_PROCESS), 0);
    scap_bytes_reset(&r->w.out);
    scap_writer_next_file(&r->w);
    (void)tell_close(r, 4);
    (void)tell_bracket(r, GYR_EV_SNAPSHOT_BEGIN);
    (void)tell_bracket(r, GYR_EV_SNAPSHOT_END);
    scap_events_read(&second, r->w.out.p, r->w.out.len);
    assert_int_equal(second.end, GYR_E_EOF);
    assert_true(count(&second, EV_SNAP_PROCESS) > 0);
    assert_int_equal(count(&second, EV_SYSCALL_CLOSE_X), 2);
    assert_int_equal(last_of(&second, EV_SYSCALL_CLOSE_X, 1)->flags, GYR_EVF_SNAPSHOT);
    assert_int_equal(last_of(&second, EV_SYSCALL_CLOSE_X, 1)->ts_ns, 3);
    assert_int_equal(last_of(&second, EV_SYSCALL_CLOSE_X, 0)->flags, 0);
    assert_int_equal(count(&second, GYR_EV_SNAPSHOT_BEGIN), 2);
    assert_int_equal(r->w.events, 4);
    scap_events_free(&second);
}

/* ---- files ---- */

static void put_file(struct rig *r, int fd, enum scap_packing packing, bool close_it)
{
    struct scap_output o;
    struct gyr_error err;
    struct event_build b;

    assert_int_equal(scap_output_open(&o, fd, "x", packing, &err), 0);
    for (uint64_t i = 1; i <= 20000; i++) {
        assert_int_equal(tell(r, make_close(&b, i)), 0);
        if (i % 100 == 0) {
            assert_int_equal(scap_output_put(&o, r->w.out.p, r->w.out.len, &err), 0);
            scap_bytes_reset(&r->w.out);
        }
        if (i % 5000 == 0)
            assert_int_equal(scap_output_flush(&o, &err), 0);
    }
    assert_int_equal(o.written, lseek(fd, 0, SEEK_END));
    if (close_it) {
        assert_int_equal(scap_output_close(&o, &err), 0);
    } else {
        o.failed = true; /* as if we were killed: only what is there counts */
        (void)scap_output_close(&o, &err);
    }
}

static void packed(void **state, enum scap_packing packing, bool close_it)
{
    struct rig *r = *state;
    FILE *f = tmpfile();
    size_t n;
    uint8_t *bytes = malloc(8 << 20);

    put_file(r, fileno(f), packing, close_it);
    rewind(f);
    n = fread(bytes, 1, 8 << 20, f);
    scap_events_read(&r->read, bytes, n);
    if (close_it)
        assert_int_equal(r->read.end, GYR_E_EOF);
    assert_same_events(&r->told, &r->read);
    assert_true(packing == SCAP_PACK_NONE ? n > 1000000 : n < 300000);
    free(bytes);
    (void)fclose(f);
}

static void plain_file(void **state)
{
    packed(state, SCAP_PACK_NONE, true);
}

static void gzip_file(void **state)
{
    packed(state, SCAP_PACK_GZIP, true);
}

static void zstd_file(void **state)
{
    packed(state, SCAP_PACK_ZSTD, true);
}

static void killed_plain(void **state)
{
    packed(state, SCAP_PACK_NONE, false);
}

static void killed_gzip(void **state)
{
    packed(state, SCAP_PACK_GZIP, false);
}

static void killed_zstd(void **state)
{
    packed(state, SCAP_PACK_ZSTD, false);
}

static void names_tell_the_packing(void **state)
{
    (void)state;
    assert_int_equal(scap_packing_of("/x.gz/a.scap"), SCAP_PACK_NONE);
    assert_int_equal(scap_packing_of("a.scap.gz"), SCAP_PACK_GZIP);
    assert_int_equal(scap_packing_of("a.scap.zst"), SCAP_PACK_ZSTD);
    assert_int_equal(scap_packing_of("gz"), SCAP_PACK_NONE);
}

#define RIG(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(own_captures),
        cmocka_unit_test(shared_captures),
        RIG(large_and_empty),
        RIG(too_large),
        RIG(many_fds),
        RIG(lossy),
        RIG(own_machine),
        RIG(events_during_the_first_snapshot),
        RIG(ends_within_the_first_snapshot),
        RIG(in_mid_stream),
        RIG(only_for_state),
        RIG(another_file),
        RIG(plain_file),
        RIG(gzip_file),
        RIG(zstd_file),
        RIG(killed_plain),
        RIG(killed_gzip),
        RIG(killed_zstd),
        cmocka_unit_test(names_tell_the_packing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
