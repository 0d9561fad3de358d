/* SPDX-License-Identifier: Apache-2.0 */
/* The driver's calls, and the lines that say what they must become. */
#include "live.h"
#include "shown.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "expect.h"

pid_t self_tid;
long last_result;

/* Shared by the whole tree: what was said so far. */
struct said {
    _Atomic size_t used;
    atomic_ulong calls;
    char text[SAID_MAX];
};
static struct said *said;

static const struct {
    uint16_t nr, code, type;
} natives[] = {
#define NATIVE(nr, code, type) {(nr), (code), (type)},
#include "syscall/calls_x86_64.def"
#undef NATIVE
};

unsigned long calls_made(void)
{
    return said->calls;
}

void call_counted(long ret)
{
    said->calls++;
    last_result = ret;
}

long raw6(long nr, long a, long b, long c, long d, long e, long f)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long ret;

    if (said)
        said->calls++;
    __asm__ volatile("syscall"
                     : "=a"(ret)
                     : "0"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    last_result = ret;
    return ret;
}

long raw80(long nr, long a, long b, long c, long d, long e, long f)
{
    register long r8 __asm__("r8") = nr;
    long ret;

    said->calls++;
    /* past the red zone, where f itself may be */
    __asm__ volatile("mov %[f], %%rax\n\t"
                     "lea -128(%%rsp), %%rsp\n\t"
                     "push %%rbp\n\t"
                     "mov %%rax, %%rbp\n\t"
                     "mov %%r8, %%rax\n\t"
                     "int $0x80\n\t"
                     "pop %%rbp\n\t"
                     "lea 128(%%rsp), %%rsp"
                     : "=a"(ret), "+r"(r8)
                     : "b"(a), "c"(b), "d"(c), "S"(d), "D"(e), [f] "m"(f)
                     : "r9", "r10", "r11", "memory", "cc");
    last_result = ret;
    return ret;
}

void said_open(void)
{
    said = mmap(NULL, sizeof(*said), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (said == MAP_FAILED)
        die(__FILE__, __LINE__, "mmap", -1);
}

const char *said_text(size_t *ret_len)
{
    *ret_len = said->used;
    return said->text;
}

void die(const char *file, int line, const char *what, long ret)
{
    char text[256];
    int n = snprintf(text, sizeof(text), "drive: %s:%d: %s: result %ld\n", file, line, what, ret);

    (void)CALL(__NR_write, 2, text, n);
    (void)CALL(__NR_exit_group, 2);
    __builtin_unreachable();
}

static void say(const char *text, size_t len)
{
    size_t at = atomic_fetch_add(&said->used, len);

    if (at + len > SAID_MAX)
        die(__FILE__, __LINE__, "more was said than there is room for", (long)at);
    memcpy(said->text + at, text, len);
}

/* One value as the text that the event's must equal, or a pattern: '*', '+', '^begin'. */
static size_t pattern(char *out, size_t room, const struct gyr_param_def *def, const struct val *v)
{
    uint32_t width = shown_width(def->type);
    size_t n;

    switch (v->kind) {
    case V_ANY:
        return (size_t)snprintf(out, room, "*");
    case V_SOME:
        return (size_t)snprintf(out, room, "+");
    case V_NONE:
        return (size_t)snprintf(out, room, "none");
    case V_NUM:
        if (!width)
            die(def->name, 0, "a number is expected of what is none", 0);
        return shown(out, room, def, (const uint8_t *)&v->num, width);
    case V_PREFIX:
        out[0] = '^';
        n = 1 + shown_quoted(out + 1, room - 1, v->p, (uint32_t)v->len);
        return n - 1; /* without the closing quote */
    default:
        if (width && width != v->len)
            die(def->name, 0, "bytes are expected of a number", (long)v->len);
        return shown(out, room, def, v->p, (uint32_t)v->len);
    }
}

/* @p mark of the event: "" none, " cut", " any". */
static void expect_line(const struct place *at, pid_t tid, uint16_t type, uint32_t subtype,
                        const char *mark, const struct val *vals, size_t n_vals)
{
    static char text[SAID_LINE]; /* one thread runs at a time */
    const struct gyr_event_type *t = syscall_event_type(type);
    const char *base = strrchr(at->file, '/');
    size_t n;

    if (!t || t->n_params != n_vals)
        die(at->file, at->line, t ? t->name : "no such event type", (long)n_vals);
    n = (size_t)snprintf(text, sizeof(text), "%d\t%s:%d #%lu%s\t%u\t%u", tid,
                         base ? base + 1 : at->file, at->line, at->order, mark, type, subtype);
    for (size_t i = 0; i < n_vals; i++) {
        if (n + SHOWN_MAX > sizeof(text))
            die(at->file, at->line, "too long a line", (long)n);
        n += (size_t)snprintf(text + n, sizeof(text) - n, "\t%s=", t->params[i].name);
        n += pattern(text + n, SHOWN_MAX, &t->params[i], &vals[i]);
    }
    text[n++] = '\n';
    say(text, n);
}

void expect_(const struct place *at, pid_t tid, uint16_t type, const struct val *vals, size_t n)
{
    const struct gyr_event_type *t = syscall_event_type(type);
    bool has_res = t && n && (t->params[0].kind == K_ERRNO || t->params[0].kind == K_FD);
    bool cut = false;

    if (tid == self_tid && has_res && vals[0].kind == V_NUM && (long)vals[0].num != at->result)
        die(at->file, at->line, "the call went otherwise than the driver thinks", at->result);
    for (size_t i = 0; i < n; i++)
        cut |= vals[i].cut;
    expect_line(at, tid, type, 0, cut ? " cut" : "", vals, n);
}

void left_out(const char *what, const char *why)
{
    char text[512];

    say(text, (size_t)snprintf(text, sizeof(text), "left out\t%s\t%s\n", what, why));
}

/* The event type of a native call, and its portable code. */
static uint16_t type_of(long nr, uint16_t *ret_code)
{
    for (size_t i = 0; i < sizeof(natives) / sizeof(natives[0]); i++)
        if (natives[i].nr == nr) {
            *ret_code = natives[i].code;
            return natives[i].type;
        }
    die(__FILE__, __LINE__, "no such call", nr);
}

void generic_(const char *file, int line, long nr)
{
    struct place at = {file, line, calls_made(), last_result};
    uint16_t code, type = type_of(nr, &code);
    struct val vals[2];

    if (type != EV_GENERIC_X)
        die(file, line, "the call has an event type of its own", nr);
    vals[0] = N(code);
    vals[1] = N(nr);
    expect_line(&at, self_tid, type, code, "", vals, 2);
}

long try_(const char *file, int line, long ret, long nr)
{
    struct place at = {file, line, calls_made(), last_result};
    struct val vals[GYR_PARAMS_MAX];
    uint16_t code, type = type_of(nr, &code);
    const struct gyr_event_type *t = syscall_event_type(type);

    if (type == EV_GENERIC_X) {
        generic_(file, line, nr);
        return ret;
    }
    for (uint32_t i = 0; i < t->n_params; i++)
        vals[i] = ANY;
    if (t->n_params && (t->params[0].kind == K_ERRNO || t->params[0].kind == K_FD))
        vals[0] = N(ret);
    expect_line(&at, self_tid, type, 0, " any", vals, t->n_params);
    return ret;
}

long setup_(const char *file, int line, long ret, long nr)
{
    if (ret < 0 && ret > -4096)
        die(file, line, "a call that prepares another failed", ret);
    return try_(file, line, ret, nr);
}

void self_learn(void)
{
    self_tid = (pid_t)CALL(__NR_gettid);
    EXPECT_GENERIC(__NR_gettid);
}

/* ---- facts ---- */

uint32_t dev_of(int fd)
{
    struct stat st;

    if (SETUP(__NR_fstat, fd, &st) != 0)
        return 0;
    return (minor(st.st_dev) & 0xff) | major(st.st_dev) << 8 | (minor(st.st_dev) & ~0xffu) << 12;
}

uint64_t ino_of(int fd)
{
    struct stat st;

    return SETUP(__NR_fstat, fd, &st) == 0 ? st.st_ino : 0;
}

uint32_t layer_bits(void)
{
    enum { OVERLAYFS = 0x794c7630, UPPER = 0x8000 };
    static int known;
    static uint32_t bits;
    struct statfs fs;

    if (!known && SETUP(__NR_statfs, ".", &fs) == 0)
        bits = fs.f_type == OVERLAYFS ? UPPER : 0;
    known = 1;
    return bits;
}

uint32_t open_flags(int native)
{
    static const struct {
        int native;
        uint32_t bit;
    } map[] = {{O_CREAT, 0x4},       {O_APPEND, 0x8},  {O_DSYNC, 0x10},     {O_EXCL, 0x20},
               {O_NONBLOCK, 0x40},   {O_SYNC, 0x80},   {O_TRUNC, 0x100},    {O_DIRECT, 0x200},
               {O_DIRECTORY, 0x400}, {0100000, 0x800}, {O_CLOEXEC, 0x1000}, {O_TMPFILE, 0x2000}};
    uint32_t out = (native & O_ACCMODE) == O_WRONLY ? 2 : (native & O_ACCMODE) == O_RDWR ? 3 : 1;

    for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++)
        if (native & map[i].native) /* any bit: as recorders of the format do */
            out |= map[i].bit;
    return out;
}
