/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the above first */
#include "live/calls.h"
#include "syscall/syscall.h"

#include <cmocka.h>
#include <string.h>

enum { WORDS = 16 };

static uint64_t types[WORDS], subtypes[WORDS];
static struct gyr_want want;
static struct probe_conf conf;

static int setup(void **state)
{
    (void)state;
    memset(types, 0, sizeof(types));
    memset(subtypes, 0, sizeof(subtypes));
    memset(&conf, 0xff, sizeof(conf)); /* what is not wanted must be switched off */
    want = (struct gyr_want){.size = sizeof(want),
                             .n_type_words = WORDS,
                             .n_subtype_words = WORDS,
                             .types = types,
                             .subtypes = subtypes};
    return 0;
}

static void add(uint64_t *bits, uint32_t i)
{
    assert_true(i < WORDS * 64);
    bits[i / 64] |= UINT64_C(1) << i % 64;
}

/* The encoder's number for a program, 0: there is none. */
static uint32_t number_of(const char *program)
{
    for (uint32_t i = 1; i <= calls_encoders(); i++)
        if (strcmp(calls_program(i), program) == 0)
            return i;
    return 0;
}

/* The switch of a call. */
static uint8_t at(const struct call_number *c, bool is_compat)
{
    return is_compat ? conf.calls32[c->nr] : conf.calls[c->nr];
}

static uint16_t code_at(const struct call_number *c, bool is_compat)
{
    return is_compat ? conf.codes32[c->nr] : conf.codes[c->nr];
}

static void all_off(void)
{
    for (int is_compat = 0; is_compat < 2; is_compat++) {
        uint32_t n;
        const struct call_number *c = calls_native(is_compat, &n);

        for (uint32_t i = 0; i < n; i++)
            assert_int_equal(at(&c[i], is_compat), 0);
    }
    for (uint32_t i = 1; i <= 20; i++)
        assert_int_equal(conf.socketcalls[i], 0);
    assert_int_equal(conf.hooks, 0);
}

static void nothing(void **state)
{
    (void)state;
    assert_int_equal(calls_want(&conf, NULL), 0);
    all_off();
    assert_int_equal(calls_want(&conf, &want), 0);
    all_off();
}

/* Beyond what is given nothing is wanted, nor read. */
static void short_words(void **state)
{
    (void)state;
    memset(types, 0xff, sizeof(types));
    memset(subtypes, 0xff, sizeof(subtypes));
    want.n_type_words = 0;
    assert_int_equal(calls_want(&conf, &want), 0);
    all_off();
    want.n_type_words = 1; /* up to type 63; the generic one is among them */
    want.n_subtype_words = 0;
    assert_true(calls_want(&conf, &want) > 0);
    assert_int_equal(conf.calls[257], 0); /* openat's type is 307 */
    want.types = NULL;
    want.n_type_words = 0;
    assert_int_equal(calls_want(&conf, &want), 0);
}

/* Every type alone switches its own calls on, in both tables, with the encoder of its name. */
static void each_type(void **state)
{
    uint32_t driven = 0;

    (void)state;
    for (uint32_t type = 2; type < WORDS * 64; type++) {
        uint32_t traced = 0, encoder = 0;

        memset(types, 0, sizeof(types));
        add(types, type);
        traced = calls_want(&conf, &want);
        for (int is_compat = 0; is_compat < 2; is_compat++) {
            uint32_t n, on = 0;
            const struct call_number *c = calls_native(is_compat, &n);

            for (uint32_t i = 0; i < n; i++) {
                uint8_t e = at(&c[i], is_compat);

                assert_int_equal(code_at(&c[i], is_compat), c[i].code);
                if (e == 0)
                    continue;
                on++;
                assert_int_equal(c[i].type, type);
                assert_true(e <= calls_encoders());
                if (!encoder)
                    encoder = e;
                assert_int_equal(e, encoder); /* one for all ways in */
            }
            if (!is_compat)
                assert_int_equal(on, traced);
        }
        driven += traced != 0;
    }
    assert_true(driven > 150);
}

/* A call whose type has an encoder is found under it, by name where the type has one call only. */
static void names(void **state)
{
    static const struct {
        uint16_t type, nr;
        const char *program;
    } some[] = {
#if defined(__x86_64__)
        {EV_SYSCALL_OPENAT_2_X, 257, "call_openat"},
        {EV_SYSCALL_OPEN_X, 2, "call_open"},
        {EV_SYSCALL_CLOSE_X, 3, "call_close"},
        {EV_SOCKET_CONNECT_X, 42, "call_connect"},
        {EV_SYSCALL_EXECVE_19_X, 59, "call_execve"},
        {EV_SYSCALL_FORK_20_X, 57, "call_fork"},
        {EV_SYSCALL_READV_X, 19, "call_readv"},
        {EV_SYSCALL_READV_X, 515, "call_readv"},
#else
        {EV_SYSCALL_OPENAT_2_X, 56, "call_openat"},
        {EV_SYSCALL_CLOSE_X, 57, "call_close"},
        {EV_SYSCALL_EXECVE_19_X, 221, "call_execve"},
#endif
    };

    (void)state;
    for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
        memset(types, 0, sizeof(types));
        add(types, some[i].type);
        (void)calls_want(&conf, &want);
        assert_int_not_equal(number_of(some[i].program), 0);
        assert_int_equal(conf.calls[some[i].nr], number_of(some[i].program));
    }
}

/* Generic events: the calls that are asked for by code, and no others. */
static void generic(void **state)
{
    uint32_t n, wanted = 0, generic_one = number_of("call_generic");
    const struct call_number *c = calls_native(false, &n);

    (void)state;
    add(types, EV_GENERIC_X);
    assert_int_equal(calls_want(&conf, &want), 0);
    all_off();
    for (uint32_t i = 0; i < n; i++)
        if (c[i].type == EV_GENERIC_X && i % 3 == 0)
            add(subtypes, c[i].code);
    (void)calls_want(&conf, &want);
    for (uint32_t i = 0; i < n; i++) {
        bool asked = subtypes[c[i].code / 64] >> c[i].code % 64 & 1;

        if (c[i].type == EV_GENERIC_X)
            assert_int_equal(conf.calls[c[i].nr], asked ? generic_one : 0);
        wanted += c[i].type == EV_GENERIC_X && asked;
    }
    assert_true(wanted > 40);
    /* who has a type of its own is not told as generic */
    memset(subtypes, 0xff, sizeof(subtypes));
    (void)calls_want(&conf, &want);
    for (uint32_t i = 0; i < n; i++) {
        bool has_encoder = false;

        for (uint32_t k = 1; k <= calls_encoders(); k++) {
            char name[64] = "call_";

            (void)strncat(name, calls_name(c[i].code), sizeof(name) - 6);
            has_encoder |= strcmp(calls_program(k), name) == 0;
        }
        if (c[i].type != EV_GENERIC_X && has_encoder)
            assert_int_equal(conf.calls[c[i].nr], 0);
    }
    types[0] = 0; /* the codes alone want nothing */
    assert_int_equal(calls_want(&conf, &want), 0);
    all_off();
}

/* The calls behind socketcall() are switched by type, each in its place. */
static void socketcalls(void **state)
{
    static const struct {
        uint16_t type;
        uint8_t sub;
        const char *program;
    } all[] = {
        {EV_SOCKET_SOCKET_X, 1, "call_socket"},
        {EV_SOCKET_BIND_X, 2, "call_bind"},
        {EV_SOCKET_CONNECT_X, 3, "call_connect"},
        {EV_SOCKET_LISTEN_X, 4, "call_listen"},
        {EV_SOCKET_ACCEPT_5_X, 5, "call_accept"},
        {EV_SOCKET_GETSOCKNAME_X, 6, "call_getsockname"},
        {EV_SOCKET_GETPEERNAME_X, 7, "call_getpeername"},
        {EV_SOCKET_SOCKETPAIR_X, 8, "call_socketpair"},
        {EV_SOCKET_SEND_X, 9, "call_send"},
        {EV_SOCKET_RECV_X, 10, "call_recv"},
        {EV_SOCKET_SENDTO_X, 11, "call_sendto"},
        {EV_SOCKET_RECVFROM_X, 12, "call_recvfrom"},
        {EV_SOCKET_SHUTDOWN_X, 13, "call_shutdown"},
        {EV_SOCKET_SETSOCKOPT_X, 14, "call_setsockopt"},
        {EV_SOCKET_GETSOCKOPT_X, 15, "call_getsockopt"},
        {EV_SOCKET_SENDMSG_X, 16, "call_sendmsg"},
        {EV_SOCKET_RECVMSG_X, 17, "call_recvmsg"},
        {EV_SOCKET_ACCEPT4_6_X, 18, "call_accept4"},
        {EV_SOCKET_RECVMMSG_X, 19, "call_recvmmsg"},
        {EV_SOCKET_SENDMMSG_X, 20, "call_sendmmsg"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        memset(types, 0, sizeof(types));
        add(types, all[i].type);
        (void)calls_want(&conf, &want);
        for (uint32_t sub = 1; sub <= 20; sub++)
            assert_int_equal(conf.socketcalls[sub],
                             sub == all[i].sub ? number_of(all[i].program) : 0);
    }
}

static void hooks(void **state)
{
    static const struct {
        uint16_t type;
        uint32_t hooks;
    } all[] = {
        {EV_SYSCALL_EXECVE_19_X, PROBE_HOOK_EXEC},
        {EV_SYSCALL_EXECVEAT_X, PROBE_HOOK_EXEC},
        {EV_SYSCALL_CLONE_20_X, PROBE_HOOK_FORK},
        {EV_SYSCALL_FORK_20_X, PROBE_HOOK_FORK},
        {EV_SYSCALL_VFORK_20_X, PROBE_HOOK_FORK},
        {EV_SYSCALL_CLONE3_X, PROBE_HOOK_FORK},
        {EV_PROCEXIT_1_E, PROBE_HOOK_EXIT},
        {EV_SIGNALDELIVER_E, PROBE_HOOK_SIGNAL},
        {EV_SYSCALL_OPENAT_2_X, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        memset(types, 0, sizeof(types));
        add(types, all[i].type);
        (void)calls_want(&conf, &want);
        assert_int_equal(conf.hooks, all[i].hooks);
    }
    memset(types, 0xff, sizeof(types));
    (void)calls_want(&conf, &want);
    assert_int_equal(conf.hooks,
                     PROBE_HOOK_EXEC | PROBE_HOOK_FORK | PROBE_HOOK_EXIT | PROBE_HOOK_SIGNAL);
}

/* Only switches change: what else the programs are told stays. */
static void the_rest_stays(void **state)
{
    (void)state;
    memset(&conf, 0, sizeof(conf));
    conf.epoch_ns = 1;
    conf.self_tgid = 2;
    conf.snaplen = 3;
    conf.waiting = 5;
    conf.ring[PROBE_CPUS - 1] = 6;
    memset(types, 0xff, sizeof(types));
    (void)calls_want(&conf, &want);
    assert_int_equal(conf.epoch_ns, 1);
    assert_int_equal(conf.self_tgid, 2);
    assert_int_equal(conf.snaplen, 3);
    assert_int_equal(conf.waiting, 5);
    assert_int_equal(conf.ring[PROBE_CPUS - 1], 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nothing, setup),   cmocka_unit_test_setup(short_words, setup),
        cmocka_unit_test_setup(each_type, setup), cmocka_unit_test_setup(names, setup),
        cmocka_unit_test_setup(generic, setup),   cmocka_unit_test_setup(socketcalls, setup),
        cmocka_unit_test_setup(hooks, setup),     cmocka_unit_test_setup(the_rest_stays, setup),
    };

    return cmocka_run_group_tests_name("live_calls", tests, NULL, NULL);
}
