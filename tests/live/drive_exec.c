/* SPDX-License-Identifier: Apache-2.0 */
/* Programs executed: by path, by descriptor, from memory, as a script, by a thread; and not. */
#include "facts.h"

#include <linux/memfd.h>
#include <linux/sched.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { MISSING = -2, DENIED = -13, WRITABLE = 1, UPPER = 2, MEMFD = 4, STACK = 65536 };
enum { LEAF_MAX = 65536, ARGS_MAX = 8192 };

static char leaf[LEAF_MAX]; /* the program that only ends */
static size_t leaf_len;

/* What an execution must be seen as. */
struct image {
    const char *filename; /* as it was given */
    const char *trusted;  /* path of the program's file */
    const char *comm;
    const char *const *argv; /* as the program gets them */
    const char *const *envp;
    uint32_t flags;
    struct stat st; /* of the program's file */
};

/* Strings one after the other, each with its NUL. */
static struct val list(char *room, const char *const *strings)
{
    size_t n = 0;

    for (; *strings; strings++) {
        size_t len = strlen(*strings) + 1;

        if (n + len > ARGS_MAX)
            break;
        memcpy(room + n, *strings, len);
        n += len;
    }
    return n ? B(room, n) : NONE;
}

static uint64_t ns(const struct timespec *t)
{
    return (uint64_t)t->tv_sec * 1000000000 + (uint64_t)t->tv_nsec;
}

/* The parameters that execve and execveat have in common, at once. */
#define IMAGE_PARAMS(res, exe, args, tid, ptid, comm, env, flags, st, trusted)                     \
    N(res), exe, args, N(tid), N(tid), N(ptid), NONE, N(facts.fdlimit), SOME, SOME, SOME, SOME,    \
        SOME, S(comm), facts.cgroups_len ? B(facts.cgroups, facts.cgroups_len) : SOME, env,        \
        N(facts.tty), N(facts.pgid), N(facts.loginuid), N(flags), N(facts.cap_inheritable),        \
        N(facts.cap_permitted), N(facts.cap_effective), N((st)->st_ino), N(ns(&(st)->st_ctim)),    \
        N(ns(&(st)->st_mtim)), N(0), S(trusted), N(facts.pgid), N(0)

/* A child did it, and ended: a successful execution is execve's event, by whichever call. */
static void expect_image(pid_t tid, const struct image *i, int status)
{
    char args[ARGS_MAX], env[ARGS_MAX];

    EXPECT_OF(tid, EV_SYSCALL_EXECVE_19_X,
              IMAGE_PARAMS(0, S(i->argv[0]), list(args, i->argv + 1), tid, self_tid, i->comm,
                           list(env, i->envp), i->flags, &i->st, i->trusted),
              S(i->filename));
    expect_end(tid, status, 0);
}

static int count(const char *const *argv)
{
    int n = 0;

    while (argv[n])
        n++;
    return n;
}

static void stat_of(const char *path, struct stat *ret)
{
    SETUP(__NR_stat, path, ret);
}

static void write_program(const char *path, const void *p, size_t n)
{
    long fd = SETUP(__NR_open, path, O_WRONLY | O_CREAT | O_TRUNC, 0755);

    SETUP(__NR_write, fd, p, n);
    SETUP(__NR_close, fd);
}

static const char *const env[] = {"PATH=/nowhere", "GYR=live test", "EMPTY=", NULL};

static void by_path(void)
{
    static const char *const argv[] = {"a name", "-x", "", "two words", NULL};
    char trusted[128];
    struct image i = {"./leaf", trusted, "leaf", argv, env, WRITABLE, {0}};
    long pid;

    (void)snprintf(trusted, sizeof(trusted), "%s/leaf", dir);
    i.flags |= layer_bits() ? UPPER : 0;
    stat_of("leaf", &i.st);
    pid = child_begin();
    if (pid == 0) {
        (void)CALL(__NR_execve, "./leaf", argv, env);
        die(__FILE__, __LINE__, "execve", last_result);
    }
    child_wait(pid, count(argv) << 8);
    expect_image((pid_t)pid, &i, count(argv) << 8);
    pid = child_begin();
    if (pid == 0) {
        (void)CALL(__NR_execveat, -100, "leaf", argv, env, 0);
        die(__FILE__, __LINE__, "execveat", last_result);
    }
    i.filename = "leaf";
    child_wait(pid, count(argv) << 8);
    expect_image((pid_t)pid, &i, count(argv) << 8);
}

static void long_arguments(void)
{
    static char big[6000];
    const char *argv[] = {"big", big, NULL}, *const none[] = {NULL};
    char trusted[128];
    struct stat st;
    long pid = child_begin();

    (void)snprintf(trusted, sizeof(trusted), "%s/leaf", dir);
    memset(big, 'b', sizeof(big) - 1);
    if (pid == 0) {
        (void)CALL(__NR_execve, "./leaf", argv, none);
        die(__FILE__, __LINE__, "execve", last_result);
    }
    stat_of("leaf", &st);
    child_wait(pid, 2 << 8);
    EXPECT_OF((pid_t)pid, EV_SYSCALL_EXECVE_19_X,
              IMAGE_PARAMS(0, S("big"), CUT(PRE("bbbbbbbbbbbbbbbbbbbbbbbb")), pid, self_tid, "leaf",
                           NONE, WRITABLE | (layer_bits() ? UPPER : 0), &st, trusted),
              S("./leaf"));
    expect_end((pid_t)pid, 2 << 8, 0);
}

/* What a child is called that has ended, before it is waited for: of a program without a name,
 * kernels differ. */
static void name_of(long pid, char *ret, size_t room)
{
    char path[32];
    long fd, n;

    SETUP(__NR_waitid, P_PID, pid, NULL, WEXITED | WNOWAIT, NULL);
    (void)snprintf(path, sizeof(path), "/proc/%ld/comm", pid);
    fd = SETUP(__NR_open, path, O_RDONLY);
    n = SETUP(__NR_read, fd, ret, room);
    ret[n - 1] = 0; /* a newline */
    SETUP(__NR_close, fd);
}

static void from_memory(void)
{
    static const char *const argv[] = {"no file", NULL};
    struct image i = {NULL, "memfd:a memfd", NULL, argv, env, WRITABLE | MEMFD, {0}};
    char filename[32], comm[16];
    long fd = SETUP(__NR_memfd_create, "a memfd", 0), pid;

    SETUP(__NR_write, fd, leaf, leaf_len);
    SETUP(__NR_fstat, fd, &i.st);
    (void)snprintf(filename, sizeof(filename), "/dev/fd/%ld", fd);
    i.filename = filename;
    pid = child_begin();
    if (pid == 0) {
        (void)CALL(__NR_execveat, fd, "", argv, env, AT_EMPTY_PATH);
        die(__FILE__, __LINE__, "execveat", last_result);
    }
    name_of(pid, comm, sizeof(comm));
    i.comm = comm;
    child_wait(pid, 1 << 8);
    expect_image((pid_t)pid, &i, 1 << 8);
    SETUP(__NR_close, fd);
}

/* The interpreter gets its option, the script and the arguments. */
static void script(void)
{
    const char *const given[] = {"lost", "arg", NULL};
    char trusted[128], first[160];
    const char *const argv[] = {trusted, "-o", "./script", "arg", NULL};
    struct image i = {"./script", trusted, "script", argv, env, WRITABLE, {0}};
    long pid;
    int n;

    (void)snprintf(trusted, sizeof(trusted), "%s/leaf", dir);
    n = snprintf(first, sizeof(first), "#!%s -o\n", trusted);
    write_program("script", first, (size_t)n);
    i.flags |= layer_bits() ? UPPER : 0;
    stat_of("leaf", &i.st);
    pid = child_begin();
    if (pid == 0) {
        (void)CALL(__NR_execve, "./script", given, env);
        die(__FILE__, __LINE__, "execve", last_result);
    }
    child_wait(pid, 4 << 8);
    expect_image((pid_t)pid, &i, 4 << 8);
    SETUP(__NR_unlink, "script");
}

/* What failed shows what was asked for, and the image that stays. */
static void failed(void)
{
    const char *const argv[] = {"what", "was", "asked", NULL};
    char args[ARGS_MAX], vars[ARGS_MAX];
    struct stat st;

    stat_of(facts.exepath, &st);
    (void)CALL(__NR_execve, "/missing/program", argv, env);
    EXPECT(EV_SYSCALL_EXECVE_19_X, N(MISSING), S("what"), list(args, argv + 1), N(self_tid),
           N(self_tid), N(facts.ppid), NONE, N(facts.fdlimit), SOME, SOME, SOME, SOME, SOME,
           S("drive"), SOME, list(vars, env), N(facts.tty), N(facts.pgid), N(facts.loginuid), SOME,
           N(facts.cap_inheritable), N(facts.cap_permitted), N(facts.cap_effective), N(st.st_ino),
           N(ns(&st.st_ctim)), N(ns(&st.st_mtim)), N(0), S(facts.exepath), N(facts.pgid), N(0),
           S("/missing/program"));
    (void)CALL(__NR_execve, dir, NULL, NULL);
    EXPECT(EV_SYSCALL_EXECVE_19_X, N(DENIED), NONE, NONE, N(self_tid), N(self_tid), SOME, NONE,
           SOME, SOME, SOME, SOME, SOME, SOME, S("drive"), SOME, NONE, SOME, SOME, SOME, SOME, SOME,
           SOME, SOME, N(st.st_ino), SOME, SOME, N(0), S(facts.exepath), SOME, N(0), S(dir));
    (void)CALL(__NR_execveat, -100, "/missing/program", argv, env, 0);
    EXPECT(EV_SYSCALL_EXECVEAT_X, N(MISSING), S("what"), list(args, argv + 1), N(self_tid),
           N(self_tid), N(facts.ppid), NONE, N(facts.fdlimit), SOME, SOME, SOME, SOME, SOME,
           S("drive"), SOME, list(vars, env), N(facts.tty), N(facts.pgid), N(facts.loginuid), SOME,
           N(facts.cap_inheritable), N(facts.cap_permitted), N(facts.cap_effective), N(st.st_ino),
           N(ns(&st.st_ctim)), N(ns(&st.st_mtim)), N(0), S(facts.exepath), N(facts.pgid), N(0));
}

static void execute_in_thread(void)
{
    static const char *const argv[] = {"by a thread", NULL};

    (void)CALL(__NR_execve, "./leaf", argv, env);
    die(__FILE__, __LINE__, "execve", last_result);
}

/* A thread that executes becomes its process: its leader ends, and its number is the leader's. */
static void by_thread(void)
{
    static const char *const argv[] = {"by a thread", NULL};
    char trusted[128];
    struct image i = {"./leaf", trusted, "leaf", argv, env, WRITABLE, {0}};
    long flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
    long stack = SETUP(__NR_mmap, NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                       -1, 0),
         pid;

    (void)snprintf(trusted, sizeof(trusted), "%s/leaf", dir);
    i.flags |= layer_bits() ? UPPER : 0;
    stat_of("leaf", &i.st);
    pid = child_begin();
    if (pid == 0) {
        thread_begin(flags, stack + STACK - 64, execute_in_thread);
        for (;;)
            __asm__ volatile("pause" : : : "memory");
    }
    child_wait(pid, 1 << 8);
    EXPECT_OF((pid_t)pid, EV_SYSCALL_CLONE_20_X, SOME, S(facts.argv0), SOME, N(pid), N(pid),
              N(self_tid), NONE, SOME, SOME, SOME, SOME, SOME, SOME, S("drive"), SOME, N(0xb803),
              N(0), N(0), N(pid), N(pid), N(0));
    expect_end((pid_t)pid, 0, 0); /* the leader */
    expect_image((pid_t)pid, &i, 1 << 8);
    SETUP(__NR_munmap, stack, STACK);
}

void drive_exec(void)
{
    char path[FACT_MAX + 8];
    long fd;

    (void)snprintf(path, sizeof(path), "%s/leaf", facts.folder);
    fd = SETUP(__NR_open, path, O_RDONLY);
    leaf_len = (size_t)SETUP(__NR_read, fd, leaf, sizeof(leaf));
    SETUP(__NR_close, fd);
    write_program("leaf", leaf, leaf_len);
    by_path();
    long_arguments();
    from_memory();
    script();
    failed();
    by_thread();
    SETUP(__NR_unlink, "leaf");
}
