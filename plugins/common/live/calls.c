/* SPDX-License-Identifier: Apache-2.0 */
#include "calls.h"

#include "syscall/syscall.h"

#include <stddef.h>
#include <string.h>

static const struct call_number native[] = {
#define NATIVE(nr, code, type) {(nr), (code), (type)},
#if defined(__x86_64__)
#include "syscall/calls_x32.def"
#include "syscall/calls_x86_64.def"
#elif defined(__aarch64__)
#include "syscall/calls_arm64.def"
#endif
#undef NATIVE
};

static const struct call_number compat[] = {
#define NATIVE(nr, code, type) {(nr), (code), (type)},
#if defined(__x86_64__)
#include "syscall/calls_i386.def"
#else
    {0, 0, 0},
#endif
#undef NATIVE
};

/* The calls of sockets on 32-bit x86, by the number in the first argument of socketcall(). */
static const uint16_t socketcalls[] = {
    0,
    EV_SOCKET_SOCKET_X,
    EV_SOCKET_BIND_X,
    EV_SOCKET_CONNECT_X,
    EV_SOCKET_LISTEN_X,
    EV_SOCKET_ACCEPT_5_X,
    EV_SOCKET_GETSOCKNAME_X,
    EV_SOCKET_GETPEERNAME_X,
    EV_SOCKET_SOCKETPAIR_X,
    EV_SOCKET_SEND_X,
    EV_SOCKET_RECV_X,
    EV_SOCKET_SENDTO_X,
    EV_SOCKET_RECVFROM_X,
    EV_SOCKET_SHUTDOWN_X,
    EV_SOCKET_SETSOCKOPT_X,
    EV_SOCKET_GETSOCKOPT_X,
    EV_SOCKET_SENDMSG_X,
    EV_SOCKET_RECVMSG_X,
    EV_SOCKET_ACCEPT4_6_X,
    EV_SOCKET_RECVMMSG_X,
    EV_SOCKET_SENDMMSG_X,
};

static const struct {
    const char *program;
    uint16_t type;
} encoders[] = {
#define ENCODER(name, type, class) {"call_" #name, EV_##type},
#include "probe/encoders.def"
#undef ENCODER
};

enum { N_ENCODERS = sizeof(encoders) / sizeof(encoders[0]) };
_Static_assert(N_ENCODERS < 255, "numbers of encoders are bytes");

const struct call_number *calls_native(bool is_compat, uint32_t *ret_n)
{
    *ret_n = is_compat ? sizeof(compat) / sizeof(compat[0]) : sizeof(native) / sizeof(native[0]);
    return is_compat ? compat : native;
}

const char *calls_name(uint16_t code)
{
    for (const struct gyr_subtype *s = syscall_schema.subtypes; s->name; s++)
        if (s->id == code)
            return s->name;
    return "?";
}

uint32_t calls_encoders(void)
{
    return N_ENCODERS;
}

const char *calls_program(uint32_t i)
{
    return encoders[i - 1].program;
}

static bool has(const uint64_t *bits, uint32_t words, uint32_t i)
{
    return i / 64 < words && bits[i / 64] >> i % 64 & 1;
}

static bool wants_type(const struct gyr_want *w, uint32_t type)
{
    return w && has(w->types, w->n_type_words, type);
}

/* The encoder's number for a call, 0 when nobody wants it. What has a type of its own but no
 * encoder is told by a generic event. */
static uint8_t encoder_of(const struct gyr_want *w, const struct call_number *c)
{
    uint8_t generic = 0;

    for (uint32_t i = 0; i < N_ENCODERS; i++) {
        if (encoders[i].type == EV_GENERIC_X)
            generic = (uint8_t)(i + 1);
        if (encoders[i].type == c->type && c->type != EV_GENERIC_X)
            return wants_type(w, c->type) ? (uint8_t)(i + 1) : 0;
    }
    return wants_type(w, EV_GENERIC_X) && has(w->subtypes, w->n_subtype_words, c->code) ? generic
                                                                                        : 0;
}

static uint32_t fill(const struct gyr_want *w, bool is_compat, uint8_t *calls, uint16_t *codes,
                     uint32_t cap)
{
    uint32_t n, traced = 0;
    const struct call_number *c = calls_native(is_compat, &n);

    for (uint32_t i = 0; i < n; i++) {
        uint8_t e = encoder_of(w, &c[i]);

        if (c[i].nr >= cap)
            continue;
        codes[c[i].nr] = c[i].code;
        __atomic_store_n(&calls[c[i].nr], e, __ATOMIC_RELAXED);
        traced += e != 0;
    }
    return traced;
}

uint32_t calls_want(struct probe_conf *conf, const struct gyr_want *w)
{
    uint32_t hooks = 0;

    if (wants_type(w, EV_SYSCALL_EXECVE_19_X) || wants_type(w, EV_SYSCALL_EXECVEAT_X))
        hooks |= PROBE_HOOK_EXEC;
    if (wants_type(w, EV_SYSCALL_CLONE_20_X) || wants_type(w, EV_SYSCALL_FORK_20_X) ||
        wants_type(w, EV_SYSCALL_VFORK_20_X) || wants_type(w, EV_SYSCALL_CLONE3_X))
        hooks |= PROBE_HOOK_FORK;
    if (wants_type(w, EV_PROCEXIT_1_E))
        hooks |= PROBE_HOOK_EXIT;
    if (wants_type(w, EV_SIGNALDELIVER_E))
        hooks |= PROBE_HOOK_SIGNAL;
    conf->hooks = hooks;
    for (uint32_t i = 1; i < sizeof(socketcalls) / sizeof(socketcalls[0]); i++) {
        const struct call_number c = {.type = socketcalls[i]};

        conf->socketcalls[i] = encoder_of(w, &c);
    }
    (void)fill(w, true, conf->calls32, conf->codes32, PROBE_NRS32);
    return fill(w, false, conf->calls, conf->codes, PROBE_NRS);
}
