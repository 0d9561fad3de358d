/* SPDX-License-Identifier: Apache-2.0 */
/* The rules we ship, on what the demo captures do not show: each case is a capture of a parent, a
 * process and one thing it does, and the names of the rules that `gyr replay` must tell. */
#include "../lib/scap_build.h"
#include "base/buf.h"
#include "syscall/syscall.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { PARENT = 100, PROCESS = 200, ARGS_MAX = 6, DOES_MAX = 3 };
enum {
    O_READ = 1,
    O_WRITE = 2,
    O_MAKE = 2 | 4 | 0x4000, /* O_CREAT, and it was created */
    O_EMPTY = 2 | 0x100
};

#define CWD  ((uint64_t)-100) /* AT_FDCWD */
#define CAPS UINT64_C(0x1ffffffffff)
/* what a container of Docker has when nobody asks for more */
#define FEW_CAPS  UINT64_C(0xa80425fb)
#define CONTAINER "cpuset=/docker/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* A parameter by name; the rest of an event is absent. */
struct arg {
    const char *name;
    uint64_t num;
    const char *str; /* with len when it holds NULs */
    uint32_t len;
};

struct does {
    uint16_t type;
    struct arg args[ARGS_MAX];
};

struct program {
    const char *comm, *path;
    const char *args; /* separated by '~' */
    uint64_t caps, flags, vpid;
    uint32_t uid;
};

struct rule_case {
    const char *name, *want; /* rules, separated by '|', in order */
    bool container;
    bool then_runs; /* does what it does before its program is started */
    struct program parent, process;
    struct does does[DOES_MAX];
};

static uint32_t width_of(uint16_t type)
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

static struct sb_param param_of(const struct gyr_param_def *p, const struct arg *a)
{
    if (!a->str)
        return (struct sb_param){&a->num, width_of(p->type)};
    return (struct sb_param){a->str, a->len ? a->len : (uint32_t)strlen(a->str) + 1};
}

static void add_event(struct scap_build *b, uint64_t tid, uint16_t id, const struct arg *args,
                      size_t n_args)
{
    static uint64_t ts = UINT64_C(1700000000000000000);
    const struct gyr_event_type *t = syscall_event_type(id);
    struct sb_param params[GYR_PARAMS_MAX] = {{0}};
    size_t used = 0;

    assert_non_null(t);
    for (uint32_t i = 0; i < t->n_params; i++)
        for (size_t k = 0; k < n_args; k++)
            if (args[k].name && strcmp(args[k].name, t->params[i].name) == 0) {
                params[i] = param_of(&t->params[i], &args[k]);
                used++;
            }
    for (size_t k = 0; k < n_args; k++)
        used -= args[k].name != NULL;
    assert_int_equal(used, 0); /* each name is one of the event's */
    sb_event(b, ts += 1000, (int64_t)tid, id, params, t->n_params);
}

/* "a~b" as a capture has it: a NUL after each. */
static uint32_t split(const char *s, char *ret, size_t size)
{
    size_t n = s ? strlen(s) + 1 : 0;

    assert_true(n <= size);
    memcpy(ret, s ? s : "", n);
    for (size_t i = 0; i < n; i++)
        if (ret[i] == '~')
            ret[i] = '\0';
    return (uint32_t)n;
}

static void add_exec(struct scap_build *b, uint64_t tid, uint64_t ptid, const struct program *p,
                     bool container)
{
    const char *cgroups = container ? CONTAINER : "cpuset=/";
    char words[512];
    uint32_t n = split(p->args, words, sizeof(words));
    struct arg args[] = {
        {"res", 0, NULL, 0},
        {"exe", 0, p->comm, 0},
        {"args", 0, words, n},
        {"tid", tid, NULL, 0},
        {"pid", tid, NULL, 0},
        {"ptid", ptid, NULL, 0},
        {"cwd", 0, "/srv", 0},
        {"comm", 0, p->comm, 0},
        {"cgroups", 0, cgroups, 0},
        {"tty", 0, NULL, 0},
        {"flags", p->flags, NULL, 0},
        {"cap_inheritable", 0, NULL, 0},
        {"cap_permitted", p->caps, NULL, 0},
        {"cap_effective", p->caps, NULL, 0},
        {"uid", p->uid, NULL, 0},
        {"trusted_exepath", 0, p->path, 0},
        {"filename", 0, p->path, 0},
    };

    if (!n)
        args[2].name = NULL;
    add_event(b, tid, EV_SYSCALL_EXECVE_19_X, args, sizeof(args) / sizeof(args[0]));
}

static void add_clone(struct scap_build *b, const struct rule_case *c)
{
    const char *cgroups = c->container ? CONTAINER : "cpuset=/";
    uint64_t in_pidns = c->process.vpid ? 1u << 29 : 0; /* only the child can tell its numbers */
    struct arg args[] = {
        {"res", PROCESS, NULL, 0},
        {"exe", 0, c->parent.comm, 0},
        {"tid", PARENT, NULL, 0},
        {"pid", PARENT, NULL, 0},
        {"ptid", 1, NULL, 0},
        {"cwd", 0, "/srv", 0},
        {"comm", 0, c->parent.comm, 0},
        {"cgroups", 0, cgroups, 0},
        {"flags", in_pidns, NULL, 0},
        {"uid", c->process.uid, NULL, 0},
        {"vtid", c->process.vpid, NULL, 0},
        {"vpid", c->process.vpid, NULL, 0},
    };
    size_t n = sizeof(args) / sizeof(args[0]);

    if (!c->process.vpid)
        args[10].num = args[11].num = PARENT;
    add_event(b, PARENT, EV_SYSCALL_CLONE_20_X, args, n);
    args[0].num = 0;
    args[2].num = args[3].num = PROCESS;
    args[4].num = PARENT;
    if (!c->process.vpid)
        args[10].num = args[11].num = PROCESS;
    add_event(b, PROCESS, EV_SYSCALL_CLONE_20_X, args, n);
}

static void write_capture(const struct rule_case *c, const char *path)
{
    struct scap_build b = {0};
    FILE *f;

    sb_section(&b);
    add_exec(&b, PARENT, 1, &c->parent, false);
    add_clone(&b, c);
    if (!c->then_runs)
        add_exec(&b, PROCESS, PARENT, &c->process, c->container);
    for (int i = 0; i < DOES_MAX && c->does[i].type; i++)
        add_event(&b, PROCESS, c->does[i].type, c->does[i].args, ARGS_MAX);
    if (c->then_runs)
        add_exec(&b, PROCESS, PARENT, &c->process, c->container);
    f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(b.p, 1, b.len, f), b.len);
    assert_int_equal(fclose(f), 0);
    sb_free(&b);
}

/* The build folder this test stands in, two levels up. */
static const char *build_folder(void)
{
    static char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

    assert_true(n > 0);
    path[n] = '\0';
    for (int i = 0; i < 2; i++)
        *strrchr(path, '/') = '\0';
    return path;
}

/* The values of "rule" in JSON lines, joined by '|'. */
static void add_rules(struct buf *b, FILE *f)
{
    static const char key[] = "\"rule\":\"";
    char line[16384];

    while (fgets(line, sizeof(line), f)) {
        char *at = strstr(line, key), *end = at ? strchr(at + sizeof(key) - 1, '"') : NULL;

        if (!end)
            continue;
        *end = '\0';
        buf_addf(b, "%s%s", b->len ? "|" : "", at + sizeof(key) - 1);
    }
}

static void test_case(void **state)
{
    const struct rule_case *c = *state;
    char path[] = "/tmp/gyr-rules-XXXXXX", command[8192];
    struct buf got;
    FILE *f;
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    (void)close(fd);
    write_capture(c, path);
    (void)snprintf(command, sizeof(command), "'%s/bin/gyr' replay --quiet --json -r rules '%s'",
                   build_folder(), path);
    f = popen(command, "r");
    assert_non_null(f);
    buf_init(&got, 1 << 16);
    add_rules(&got, f);
    assert_int_equal(pclose(f), 0);
    assert_string_equal(got.len ? got.p : "", c->want);
    buf_free(&got);
    (void)unlink(path);
}

/* clang-format off */
#define PROG(comm_, path_, args_, ...) {.comm = comm_, .path = path_, .args = args_, __VA_ARGS__}
#define SHELL PROG("bash", "/usr/bin/bash", "x")
#define SHIM  PROG("containerd-shim", "/usr/bin/containerd-shim", "x")
#define A(name, num)  {name, (uint64_t)(num), NULL, 0}
#define S(name, text) {name, 0, text, 0}
#define OPEN(path, flags) \
    {EV_SYSCALL_OPENAT_2_X, {A("fd", 3), A("dirfd", CWD), S("name", path), A("flags", flags)}}
#define SOCKET {EV_SOCKET_SOCKET_X, {A("fd", 3), A("domain", 2), A("type", 1), A("flags", 0)}}
#define CONNECT(tuple) {EV_SOCKET_CONNECT_X, {A("res", 0), A("fd", 3), {"tuple", 0, tuple, 13}}}
/* AF_INET, 10.0.0.1, port 40000, the far address, port 80 */
#define TUPLE(far) "\2" "\12\0\0\1" "\100\234" far "\120\0"
/* clang-format on */

#include "shipped_rules.def"

int main(void)
{
    enum { N = sizeof(cases) / sizeof(cases[0]) };
    static struct CMUnitTest tests[N];

    for (size_t i = 0; i < N; i++)
        tests[i] = (struct CMUnitTest){
            .name = cases[i].name, .test_func = test_case, .initial_state = (void *)&cases[i]};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
