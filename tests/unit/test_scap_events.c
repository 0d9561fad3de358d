/* SPDX-License-Identifier: Apache-2.0 */
/* Event blocks of every kind, and events of older layouts made current. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../lib/scap_build.h"
#include "syscall/syscall.h"

static void read_all(struct scap_events *e, struct scap_build *b)
{
    scap_events_read(e, b->p, b->len);
    sb_free(b);
    if (e->end != GYR_E_EOF)
        fail_msg("%s", e->err.msg);
}

static void assert_param(const struct gyr_event *ev, uint32_t i, const void *want, size_t n)
{
    uint32_t len;
    const uint8_t *p;

    assert_true(i < ev->nparams);
    p = gyr_param(ev, i, &len);
    assert_int_equal(len, n);
    if (n)
        assert_memory_equal(p, want, n);
}

#define ASSERT_NUM(ev, i, type, value)                                                             \
    do {                                                                                           \
        type want_ = (value);                                                                      \
        assert_param((ev), (i), &want_, sizeof(want_));                                            \
    } while (0)

static const int64_t zero, three = 3, five = 5;
static const uint32_t size = 4096;

/* The same close in each kind of block. */
static void blocks(void **state)
{
    static const uint32_t types[] = {0x204, 0x8010ABCD, 0x208, 0x216, 0x217, 0x221, 0x222};

    (void)state;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        struct scap_build b = {0};
        struct scap_events e;
        const struct gyr_event *ev;

        sb_section(&b);
        sb_event_as(&b, types[i], 0, 1234567, 42, EV_SYSCALL_CLOSE_X,
                    SB_PARAMS(SB_VAR(zero), SB_VAR(three)));
        read_all(&e, &b);
        assert_int_equal(e.n, 3);
        assert_int_equal(e.ev[0]->type, GYR_EV_SNAPSHOT_BEGIN);
        assert_int_equal(e.ev[1]->type, GYR_EV_SNAPSHOT_END);
        ev = e.ev[2];
        assert_int_equal(ev->type, EV_SYSCALL_CLOSE_X);
        assert_int_equal(ev->ts_ns, 1234567);
        assert_int_equal(ev->tid, 42);
        assert_int_equal(ev->num, 1);
        assert_int_equal(ev->cpu, 1);
        assert_int_equal(ev->flags, 0);
        assert_int_equal(ev->nparams, 2);
        ASSERT_NUM(ev, 0, int64_t, 0);
        ASSERT_NUM(ev, 1, int64_t, 3);
        scap_events_free(&e);
    }
}

/* A type whose lengths are u32 in either kind of block, with more than u16 holds. */
static void large_event(void **state)
{
    static char json[100000];
    struct scap_build b = {0};
    struct scap_events e;

    (void)state;
    memset(json, 'j', sizeof(json) - 1);
    sb_section(&b);
    sb_event_as(&b, 0x221, 0, 1, 1, EV_CONTAINER_JSON_2_E, SB_PARAMS({json, sizeof(json)}));
    sb_event_as(&b, 0x222, 0, 1, 1, EV_CONTAINER_JSON_2_E, SB_PARAMS({json, sizeof(json)}));
    read_all(&e, &b);
    assert_int_equal(e.n, 4);
    assert_param(e.ev[2], 0, json, sizeof(json));
    assert_param(e.ev[3], 0, json, sizeof(json));
    scap_events_free(&e);
}

static void state_only(void **state)
{
    struct scap_build b = {0};
    struct scap_events e;

    (void)state;
    sb_section(&b);
    sb_event_as(&b, 0x217, 1, 1, 1, EV_SYSCALL_CLOSE_X, SB_PARAMS(SB_VAR(zero), SB_VAR(three)));
    sb_event_as(&b, 0x217, 2, 2, 1, EV_SYSCALL_CLOSE_X, SB_PARAMS(SB_VAR(zero), SB_VAR(three)));
    read_all(&e, &b);
    assert_int_equal(e.ev[2]->flags, GYR_EVF_SNAPSHOT);
    assert_int_equal(e.ev[2]->num, 0);
    assert_int_equal(e.ev[3]->flags, 0);
    assert_int_equal(e.ev[3]->num, 1); /* what is for its state alone is not counted */
    scap_events_free(&e);
}

static void unknown(void **state)
{
    struct scap_build b = {0};
    struct scap_events e;
    struct sb_param more[4] = {SB_VAR(zero), SB_VAR(three), SB_VAR(five), SB_VAR(size)};

    (void)state;
    sb_section(&b);
    sb_block(&b, 0x777);
    sb_bytes(&b, "something new", 13);
    sb_block_end(&b);
    sb_event(&b, 1, 1, 9999, SB_PARAMS(SB_VAR(zero)));
    sb_event(&b, 2, 1, EV_SYSCALL_CLOSE_X, more, 4); /* a newer recorder's close */
    read_all(&e, &b);
    assert_int_equal(e.unknown_blocks, 1);
    assert_int_equal(e.unknown_events, 1);
    assert_int_equal(e.n, 3);
    assert_int_equal(e.ev[2]->num, 2);
    assert_int_equal(e.ev[2]->nparams, 2);
    ASSERT_NUM(e.ev[2], 1, int64_t, 3);
    scap_events_free(&e);
}

static void generic(void **state)
{
    uint16_t id = 103, none = 0, fadvise = 221;
    struct scap_build b = {0};
    struct scap_events e;

    (void)state;
    sb_section(&b);
    sb_event(&b, 1, 1, EV_GENERIC_X, SB_PARAMS(SB_VAR(id), SB_VAR(fadvise)));
    /* unknown to its recorder, but not to us */
    sb_event(&b, 2, 1, EV_GENERIC_E, SB_PARAMS(SB_VAR(none), SB_VAR(fadvise)));
    sb_event(&b, 3, 1, EV_GENERIC_X, SB_PARAMS(SB_VAR(none)));
    read_all(&e, &b);
    assert_int_equal(e.n, 4);
    assert_int_equal(e.ev[2]->subtype, 103);
    assert_int_equal(e.ev[3]->nparams, 2);
    for (const struct gyr_subtype *s = syscall_schema.subtypes; s->name; s++)
        if (s->id == e.ev[3]->subtype)
            assert_string_equal(s->name, "fadvise64");
    assert_int_not_equal(e.ev[3]->subtype, 0);
    scap_events_free(&e);
}

/* What only the enter event said is in the exit event; other threads do not get in the way. */
static void enter_merged(void **state)
{
    struct scap_build b = {0};
    struct scap_events e;

    (void)state;
    sb_section(&b);
    sb_event_as(&b, 0x204, 0, 1, 7, EV_SYSCALL_READ_E, SB_PARAMS(SB_VAR(three), SB_VAR(size)));
    sb_event_as(&b, 0x204, 0, 2, 8, EV_SYSCALL_READ_E, SB_PARAMS(SB_VAR(five), SB_VAR(size)));
    sb_event_as(&b, 0x204, 0, 3, 7, EV_SYSCALL_READ_X, SB_PARAMS(SB_VAR(five), {"hello", 5}));
    /* used: the next exit without an enter event has zeros */
    sb_event_as(&b, 0x204, 0, 4, 7, EV_SYSCALL_READ_X, SB_PARAMS(SB_VAR(zero), {"", 0}));
    /* of another call: not taken */
    sb_event_as(&b, 0x204, 0, 5, 8, EV_SYSCALL_CLOSE_X, SB_PARAMS(SB_VAR(zero)));
    read_all(&e, &b);
    assert_int_equal(e.n, 5);
    assert_int_equal(e.ev[2]->num, 3);
    assert_int_equal(e.ev[2]->nparams, 4);
    assert_param(e.ev[2], 1, "hello", 5);
    ASSERT_NUM(e.ev[2], 2, int64_t, 3);
    ASSERT_NUM(e.ev[2], 3, uint32_t, 4096);
    ASSERT_NUM(e.ev[3], 2, int64_t, 0);
    ASSERT_NUM(e.ev[4], 1, int64_t, 0);
    scap_events_free(&e);
}

/* "otherwise empty" instead of zero. */
static void enter_missing_is_empty(void **state)
{
    struct scap_build b = {0};
    struct scap_events e;

    (void)state;
    sb_section(&b);
    sb_event(&b, 1, 7, EV_SYSCALL_SETUID_X, SB_PARAMS(SB_VAR(zero)));
    read_all(&e, &b);
    assert_int_equal(e.ev[2]->nparams, 2);
    assert_param(e.ev[2], 1, "", 0);
    scap_events_free(&e);
}

static void appended_capture_forgets(void **state)
{
    struct scap_build b = {0};
    struct scap_events e;

    (void)state;
    sb_section(&b);
    sb_event(&b, 1, 7, EV_SYSCALL_CLOSE_E, SB_PARAMS(SB_VAR(three)));
    sb_section(&b);
    sb_event(&b, 2, 7, EV_SYSCALL_CLOSE_X, SB_PARAMS(SB_VAR(zero)));
    read_all(&e, &b);
    assert_int_equal(e.n, 5); /* two empty snapshots */
    assert_int_equal(e.ev[2]->type, GYR_EV_SNAPSHOT_BEGIN);
    assert_int_equal(e.ev[4]->num, 2); /* numbers go on */
    ASSERT_NUM(e.ev[4], 1, int64_t, 0);
    scap_events_free(&e);
}

/* More threads than the table has room for: the oldest enter events give way, none is mixed up. */
static void many_threads(void **state)
{
    struct scap_build b = {0};
    struct scap_events e;
    unsigned kept = 0;

    (void)state;
    sb_section(&b);
    for (int64_t tid = 1; tid <= 20000; tid++)
        sb_event(&b, 1, tid, EV_SYSCALL_CLOSE_E, SB_PARAMS(SB_VAR(tid)));
    for (int64_t tid = 1; tid <= 20000; tid++)
        sb_event(&b, 2, tid, EV_SYSCALL_CLOSE_X, SB_PARAMS(SB_VAR(zero)));
    read_all(&e, &b);
    assert_int_equal(e.n, 20002);
    for (int64_t tid = 1; tid <= 20000; tid++) {
        int64_t fd = -1;

        assert_int_equal(gyr_param_i64(e.ev[tid + 1], 1, &fd), 1);
        assert_true(fd == 0 || fd == tid);
        kept += fd == tid;
    }
    assert_true(kept > 3000 && kept <= 4096);
    scap_events_free(&e);
}

/* The execve of 2013 takes the whole chain of upgrades. */
static void first_execve(void **state)
{
    struct sb_param old[8] = {SB_VAR(zero),  SB_STR("sh"), SB_STR("-c"),   SB_VAR(three),
                              SB_VAR(three), SB_VAR(five), SB_STR("/tmp"), SB_VAR(size)};
    struct scap_build b = {0};
    struct scap_events e;
    const struct gyr_event *ev;

    (void)state;
    sb_section(&b);
    sb_event_as(&b, 0x204, 0, 1, 3, EV_SYSCALL_EXECVE_8_X, old, 8);
    read_all(&e, &b);
    ev = e.ev[2];
    assert_int_equal(ev->type, EV_SYSCALL_EXECVE_19_X);
    assert_int_equal(ev->nparams, syscall_event_type(EV_SYSCALL_EXECVE_19_X)->n_params);
    assert_param(ev, 1, "sh", 3);
    ASSERT_NUM(ev, 5, int64_t, 5);
    assert_param(ev, 6, "/tmp", 5);
    for (uint32_t i = 8; i < ev->nparams; i++)
        assert_param(ev, i, "", 0);
    scap_events_free(&e);
}

static void container_json(void **state)
{
    static const char want[] =
        "{\"id\":\"abc\",\"type\":6,\"name\":\"we\\\"b\",\"image\":\"nginx\"}";
    uint32_t type = 6;
    struct scap_build b = {0};
    struct scap_events e;
    const char *s;
    uint32_t n;

    (void)state;
    sb_section(&b);
    sb_event(&b, 1, 1, EV_CONTAINER_E,
             SB_PARAMS(SB_STR("abc"), SB_VAR(type), SB_STR("we\"b"), SB_STR("nginx")));
    read_all(&e, &b);
    assert_int_equal(e.ev[2]->type, EV_CONTAINER_JSON_2_E);
    assert_int_equal(gyr_param_str(e.ev[2], 0, &s, &n), 1);
    assert_string_equal(s, want);
    scap_events_free(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks),
        cmocka_unit_test(large_event),
        cmocka_unit_test(state_only),
        cmocka_unit_test(unknown),
        cmocka_unit_test(generic),
        cmocka_unit_test(enter_merged),
        cmocka_unit_test(enter_missing_is_empty),
        cmocka_unit_test(appended_capture_forgets),
        cmocka_unit_test(many_threads),
        cmocka_unit_test(first_execve),
        cmocka_unit_test(container_json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
