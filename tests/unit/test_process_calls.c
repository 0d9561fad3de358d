/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that change a process: what it runs, who it is, where it stands, what it has open. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../lib/derived.h"

#include "syscall/syscall.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

enum { FDCWD = -100, EMPTY_PATH = 1, NOFOLLOW = 2, ON_EXEC = 1 << 12 };
enum { IS_THREAD = 1 << 13, NEW_USER = 1 << 20, IS_VFORK = 1 << 27 };

static struct derived d;

#define shows(field, want)         assert_string_equal(derived_get(&d, (field), NULL), (want))
#define shows_of(field, arg, want) assert_string_equal(derived_get(&d, (field), (arg)), (want))

static int setup(void **state)
{
    (void)state;
    derived_init(&d);
    derived_event(&d, GYR_EV_SNAPSHOT_BEGIN, -1, NULL, 0);
    derived_process(&d, 1, 1, "init");
    derived_process(&d, 50, 50, "systemd");
    derived_process(&d, 100, 100, "bash");
    derived_fd(&d, 100, 5, FD_DIRECTORY, "/opt/tools");
    derived_fd(&d, 100, 6, FD_FILE_V2, "/usr/bin/../lib/prog");
    derived_fd(&d, 100, 7, FD_PIPE, "");
    derived_event(&d, GYR_EV_SNAPSHOT_END, -1, NULL, 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    derived_free(&d);
    return 0;
}

/* ---- calls made up ---- */

/* Something that changes nothing, to look at the state. */
static void looks(int64_t tid)
{
    DERIVED(&d, EV_SYSCALL_FSTAT_X, tid, D_NUM(P_SYSCALL_FSTAT_X__res, 0));
}

static void looks_at(int64_t tid, int64_t fd)
{
    DERIVED(&d, EV_SYSCALL_FSTAT_X, tid, D_NUM(P_SYSCALL_FSTAT_X__res, 0),
            D_NUM(P_SYSCALL_FSTAT_X__fd, fd));
}

/* As clone() returns in @p tid. */
static void clones(uint16_t type, int64_t tid, int64_t res, int64_t pid, int64_t ptid,
                   int64_t flags)
{
    DERIVED(&d, type, tid, D_NUM(P_SYSCALL_CLONE_20_X__res, res),
            D_STR(P_SYSCALL_CLONE_20_X__exe, "bash"), D_NUM(P_SYSCALL_CLONE_20_X__tid, tid),
            D_NUM(P_SYSCALL_CLONE_20_X__pid, pid), D_NUM(P_SYSCALL_CLONE_20_X__ptid, ptid),
            D_STR(P_SYSCALL_CLONE_20_X__comm, "bash"), D_NUM(P_SYSCALL_CLONE_20_X__flags, flags),
            D_NUM(P_SYSCALL_CLONE_20_X__uid, 0), D_NUM(P_SYSCALL_CLONE_20_X__gid, 0),
            D_NUM(P_SYSCALL_CLONE_20_X__vtid, tid), D_NUM(P_SYSCALL_CLONE_20_X__vpid, pid));
}

static void execveat_begins(int64_t tid, int64_t dirfd, const char *path, int64_t flags)
{
    DERIVED(&d, EV_SYSCALL_EXECVEAT_E, tid, D_NUM(P_SYSCALL_EXECVEAT_E__dirfd, dirfd),
            D_STR(P_SYSCALL_EXECVEAT_E__pathname, path), D_NUM(P_SYSCALL_EXECVEAT_E__flags, flags));
}

/* @p filename: what an old execve() was told, NULL for none. */
static void exec_ends(uint16_t type, int64_t tid, int64_t res, const char *filename)
{
    struct derived_param p[] = {D_NUM(P_SYSCALL_EXECVE_19_X__res, res),
                                D_STR(P_SYSCALL_EXECVE_19_X__exe, "prog"),
                                D_NUM(P_SYSCALL_EXECVE_19_X__pid, tid),
                                D_NUM(P_SYSCALL_EXECVE_19_X__ptid, 1),
                                D_STR(P_SYSCALL_EXECVE_19_X__comm, "prog"),
                                D_STR(P_SYSCALL_EXECVE_19_X__filename, filename ? filename : "")};

    derived_event(&d, type, tid, p, 5 + (filename != NULL));
}

static void exits(int64_t tid, int64_t reaper)
{
    DERIVED(&d, EV_PROCEXIT_1_E, tid, D_NUM(P_PROCEXIT_1_E__status, 0),
            D_NUM(P_PROCEXIT_1_E__reaper_tid, reaper));
}

/* ---- the program, as recorders without the kernel's own path tell it ---- */

static void programs_by_descriptor(void **state)
{
    static const struct {
        int64_t dirfd;
        const char *path;
        int64_t flags;
        const char *want;
    } rows[] = {
        {5, "bin/../prog", 0, "/opt/tools/prog"},
        {5, "prog", NOFOLLOW, "/opt/tools/prog"},
        {FDCWD, "sbin/prog", 0, "/sbin/prog"},
        {99, "/bin/prog", 0, "/bin/prog"},
        {99, "/bin/prog", EMPTY_PATH, "/bin/prog"},
        {5, "prog", EMPTY_PATH, "/opt/tools/prog"},
        {6, "<NA>", EMPTY_PATH, "/usr/lib/prog"},
        {6, "", EMPTY_PATH, "/usr/lib/prog"},
        {7, "", EMPTY_PATH, "<NA>"},  /* it has no name */
        {99, "", EMPTY_PATH, "<NA>"}, /* not known */
        {99, "prog", 0, "<NA>"},
        {5, "<NA>", 0, "<NA>"}, /* the path was not read */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (int as_execve = 0; as_execve < 2; as_execve++) {
            execveat_begins(100, rows[i].dirfd, rows[i].path, rows[i].flags);
            exec_ends(as_execve ? EV_SYSCALL_EXECVE_19_X : EV_SYSCALL_EXECVEAT_X, 100, 0, NULL);
            shows("proc.exepath", rows[i].want);
            exec_ends(EV_SYSCALL_EXECVE_19_X, 100, 0, "/bin/other");
            shows("proc.exepath", "/bin/other");
        }
}

/* The descriptor may be one that exec closes; a call that fails names no program. */
static void when_the_call_began(void **state)
{
    (void)state;
    DERIVED(&d, EV_SYSCALL_OPENAT_2_X, 100, D_NUM(P_SYSCALL_OPENAT_2_X__fd, 9),
            D_NUM(P_SYSCALL_OPENAT_2_X__dirfd, FDCWD), D_STR(P_SYSCALL_OPENAT_2_X__name, "/p"),
            D_NUM(P_SYSCALL_OPENAT_2_X__flags, 1 | ON_EXEC));
    execveat_begins(100, 9, "", EMPTY_PATH);
    exec_ends(EV_SYSCALL_EXECVEAT_X, 100, 0, NULL);
    shows("proc.exepath", "/p");
    looks_at(100, 9);
    shows("fd.type", "(absent)");
    execveat_begins(100, 5, "gone", 0);
    exec_ends(EV_SYSCALL_EXECVEAT_X, 100, -2, NULL);
    shows("proc.exepath", "/p");
    exec_ends(EV_SYSCALL_EXECVE_19_X, 100, 0, "prog");
    shows("proc.exepath", "/prog");
    execveat_begins(100, 5, "lost", 0); /* its end was */
    DERIVED(&d, EV_SYSCALL_EXECVE_19_E, 100, D_STR(P_SYSCALL_EXECVE_19_E__filename, "/bin/sh"));
    exec_ends(EV_SYSCALL_EXECVE_19_X, 100, 0, "/bin/sh");
    shows("proc.exepath", "/bin/sh");
}

/* The kernel's own word counts for more. */
static void the_kernel_knows_better(void **state)
{
    (void)state;
    execveat_begins(100, 5, "link", 0);
    DERIVED(&d, EV_SYSCALL_EXECVEAT_X, 100, D_NUM(P_SYSCALL_EXECVEAT_X__res, 0),
            D_STR(P_SYSCALL_EXECVEAT_X__exe, "link"), D_NUM(P_SYSCALL_EXECVEAT_X__pid, 100),
            D_STR(P_SYSCALL_EXECVEAT_X__trusted_exepath, "/usr/bin/target (deleted)"));
    shows("proc.exepath", "/usr/bin/target");
}

static void old_paths_of_execve(void **state)
{
    (void)state;
    DERIVED(&d, EV_SYSCALL_CHDIR_X, 100, D_NUM(P_SYSCALL_CHDIR_X__res, 0),
            D_STR(P_SYSCALL_CHDIR_X__path, "/srv/app"));
    exec_ends(EV_SYSCALL_EXECVE_19_X, 100, 0, "./bin/../run");
    shows("proc.exepath", "/srv/app/run");
    exec_ends(EV_SYSCALL_EXECVE_19_X, 100, 0, "<NA>");
    shows("proc.exepath", "<NA>");
    exec_ends(EV_SYSCALL_EXECVE_19_X, 100, 0, "/bin/true");
    shows("proc.exepath", "/bin/true");
    exec_ends(EV_SYSCALL_EXECVE_19_X, 100, 0, NULL); /* nothing told: as it was */
    shows("proc.exepath", "/bin/true");
}

/* ---- who it is ---- */

static void ids(uint16_t type, uint32_t place, int64_t res, uint32_t id)
{
    DERIVED(&d, type, 100, D_NUM(0, res), D_NUM(place, id));
}

static void effective_ids_count(void **state)
{
    (void)state;
    ids(EV_SYSCALL_SETUID_X, P_SYSCALL_SETUID_X__uid, 0, 7);
    shows("user.uid", "7");
    ids(EV_SYSCALL_SETRESUID_X, P_SYSCALL_SETRESUID_X__euid, 0, 8);
    shows("user.uid", "8");
    ids(EV_SYSCALL_SETREUID_X, P_SYSCALL_SETREUID_X__euid, 0, 9);
    shows("user.uid", "9");
    ids(EV_SYSCALL_SETREUID_X, P_SYSCALL_SETREUID_X__euid, 0, UINT32_MAX); /* leave it */
    shows("user.uid", "9");
    ids(EV_SYSCALL_SETRESUID_X, P_SYSCALL_SETRESUID_X__euid, 0, UINT32_MAX);
    shows("user.uid", "9");
    ids(EV_SYSCALL_SETUID_X, P_SYSCALL_SETUID_X__uid, -1, 0);
    shows("user.uid", "9");
    ids(EV_SYSCALL_SETGID_X, P_SYSCALL_SETGID_X__gid, 0, 17);
    shows("group.gid", "17");
    ids(EV_SYSCALL_SETRESGID_X, P_SYSCALL_SETRESGID_X__egid, 0, 18);
    shows("group.gid", "18");
    ids(EV_SYSCALL_SETREGID_X, P_SYSCALL_SETREGID_X__egid, 0, UINT32_MAX);
    shows("group.gid", "18");
}

static void capabilities(void **state)
{
    (void)state;
    DERIVED(&d, EV_SYSCALL_CAPSET_X, 100, D_NUM(P_SYSCALL_CAPSET_X__res, 0),
            D_NUM(P_SYSCALL_CAPSET_X__cap_inheritable, 0),
            D_NUM(P_SYSCALL_CAPSET_X__cap_permitted, 3),
            D_NUM(P_SYSCALL_CAPSET_X__cap_effective, 1));
    shows("thread.cap_permitted", "CAP_CHOWN CAP_DAC_OVERRIDE");
    shows("thread.cap_effective", "CAP_CHOWN");
    clones(EV_SYSCALL_CLONE_20_X, 100, 300, 100, 1, 0);
    looks(300);
    shows("thread.cap_effective", "CAP_CHOWN");
    DERIVED(&d, EV_SYSCALL_UNSHARE_X, 100, D_NUM(P_SYSCALL_UNSHARE_X__res, 0),
            D_NUM(P_SYSCALL_UNSHARE_X__flags, NEW_USER));
    assert_non_null(strstr(derived_get(&d, "thread.cap_effective", NULL), "CAP_SYS_ADMIN"));
    looks(300);
    shows("thread.cap_effective", "CAP_CHOWN");
}

static void sessions(void **state)
{
    (void)state;
    DERIVED(&d, EV_SYSCALL_SETSID_X, 100, D_NUM(P_SYSCALL_SETSID_X__res, 100));
    shows("proc.sid", "100");
    shows("proc.is_sid_leader", "true");
    clones(EV_SYSCALL_CLONE_20_X, 100, 300, 100, 1, 0);
    looks(300);
    shows("proc.sid", "100");
    shows("proc.sname", "bash");
    shows("proc.is_sid_leader", "false");
    DERIVED(&d, EV_SYSCALL_SETSID_X, 100, D_NUM(P_SYSCALL_SETSID_X__res, -1));
    shows("proc.sid", "100");
}

/* A name that a program gives itself is no way out of a rule; its children are made with it. */
static void names_given_by_prctl(void **state)
{
    (void)state;
    DERIVED(&d, EV_SYSCALL_PRCTL_X, 100, D_NUM(P_SYSCALL_PRCTL_X__res, 0),
            D_NUM(P_SYSCALL_PRCTL_X__option, 15), D_STR(P_SYSCALL_PRCTL_X__arg2_str, "kworker"));
    shows("proc.name", "bash");
}

/* ---- families ---- */

static void forks_of_every_kind(void **state)
{
    static const uint16_t types[] = {EV_SYSCALL_CLONE_20_X, EV_SYSCALL_FORK_20_X,
                                     EV_SYSCALL_VFORK_20_X, EV_SYSCALL_CLONE3_X};

    (void)state;
    for (int64_t i = 0; i < 4; i++) {
        int64_t flags = types[i] == EV_SYSCALL_VFORK_20_X ? IS_VFORK : 0;

        clones(types[i], 300 + i, 0, 300 + i, 100, flags);
        clones(types[i], 100, 300 + i, 100, 1, flags);
        looks_at(300 + i, 5);
        shows("proc.pname", "bash");
        shows("proc.cwd", "/");
        shows("fd.name", "/opt/tools");
        clones(types[i], 400 + i, 0, 100, 1, IS_THREAD);
        looks_at(400 + i, 5);
        shows("proc.pid", "100");
        shows("fd.name", "/opt/tools");
    }
    shows("proc.nthreads", "5");
}

/* Exec by a thread that is not the leader: it takes the leader's number, and all others end. */
static void exec_by_another_thread(void **state)
{
    (void)state;
    clones(EV_SYSCALL_CLONE_20_X, 100, 101, 100, 1, IS_THREAD);
    clones(EV_SYSCALL_CLONE_20_X, 100, 102, 100, 1, IS_THREAD);
    exits(100, 0); /* the leader may have ended before */
    exec_ends(EV_SYSCALL_EXECVE_19_X, 100, 0, "/bin/prog");
    shows("proc.name", "prog");
    shows("proc.nthreads", "1");
    looks(101);
    shows("proc.name", "<NA>");
    exits(100, 0);
    looks(100);
    shows("proc.name", "<NA>"); /* it was alive again, and has gone with its last thread */
}

static void orphans_go_to_the_nearest_reaper(void **state)
{
    (void)state;
    clones(EV_SYSCALL_CLONE_20_X, 50, 300, 50, 1, 0);
    clones(EV_SYSCALL_CLONE_20_X, 300, 301, 300, 50, 0);
    clones(EV_SYSCALL_CLONE_20_X, 301, 302, 301, 300, 0);
    DERIVED(&d, EV_SYSCALL_PRCTL_X, 50, D_NUM(P_SYSCALL_PRCTL_X__res, 0),
            D_NUM(P_SYSCALL_PRCTL_X__option, 36), D_NUM(P_SYSCALL_PRCTL_X__arg2_int, 1));
    exits(301, 0);
    looks(302);
    shows("proc.ppid", "50");
    DERIVED(&d, EV_SYSCALL_PRCTL_X, 50, D_NUM(P_SYSCALL_PRCTL_X__res, 0),
            D_NUM(P_SYSCALL_PRCTL_X__option, 36), D_NUM(P_SYSCALL_PRCTL_X__arg2_int, 0));
    clones(EV_SYSCALL_CLONE_20_X, 300, 303, 300, 50, 0);
    exits(300, 0);
    looks(303);
    shows("proc.ppid", "1");
    clones(EV_SYSCALL_CLONE_20_X, 302, 304, 302, 50, 0);
    exits(302, 100); /* the kernel says who */
    looks(304);
    shows("proc.ppid", "100");
}

/* Nothing was known of it; its exec, or its child, tells. */
static void lost_starts_are_made_up_for(void **state)
{
    (void)state;
    looks(700);
    shows("proc.name", "<NA>");
    exec_ends(EV_SYSCALL_EXECVE_19_X, 700, 0, "/bin/prog");
    shows("proc.name", "prog");
    shows("proc.pid", "700");
    shows("proc.ppid", "1");
    shows("proc.pname", "init");
    clones(EV_SYSCALL_CLONE_20_X, 800, 801, 800, 1, 0); /* 800 was never seen */
    shows("proc.name", "bash");
    looks(801);
    shows("proc.pname", "bash");
    shows("proc.apid", "801");
    looks(800);
    shows("proc.ppid", "1");
}

/* A parent in a namespace of its own does not know its child's number outside. */
static void children_in_pid_namespaces(void **state)
{
    (void)state;
    DERIVED(&d, EV_SYSCALL_CLONE_20_X, 900, D_NUM(P_SYSCALL_CLONE_20_X__res, 0),
            D_STR(P_SYSCALL_CLONE_20_X__exe, "sh"), D_NUM(P_SYSCALL_CLONE_20_X__tid, 900),
            D_NUM(P_SYSCALL_CLONE_20_X__pid, 900), D_NUM(P_SYSCALL_CLONE_20_X__ptid, 100),
            D_STR(P_SYSCALL_CLONE_20_X__comm, "sh"), D_NUM(P_SYSCALL_CLONE_20_X__flags, 1 << 29),
            D_NUM(P_SYSCALL_CLONE_20_X__vtid, 1), D_NUM(P_SYSCALL_CLONE_20_X__vpid, 1));
    shows("proc.vpid", "1");
    shows("proc.ppid", "100");
    DERIVED(&d, EV_SYSCALL_CLONE_20_X, 900, D_NUM(P_SYSCALL_CLONE_20_X__res, 50),
            D_STR(P_SYSCALL_CLONE_20_X__exe, "sh"), D_NUM(P_SYSCALL_CLONE_20_X__pid, 900),
            D_NUM(P_SYSCALL_CLONE_20_X__ptid, 100), D_STR(P_SYSCALL_CLONE_20_X__comm, "sh"),
            D_NUM(P_SYSCALL_CLONE_20_X__vtid, 1), D_NUM(P_SYSCALL_CLONE_20_X__vpid, 1));
    looks(50); /* 50 in there is another one out here */
    shows("proc.name", "systemd");
}

/* Where an event does not tell the cgroups, a child is where its parent is. */
static void containers_are_inherited(void **state)
{
    static const char groups[] = "cpu=/docker/" ID;

    (void)state;
    DERIVED(&d, EV_SYSCALL_EXECVE_19_X, 100, D_NUM(P_SYSCALL_EXECVE_19_X__res, 0),
            D_STR(P_SYSCALL_EXECVE_19_X__exe, "sh"), D_NUM(P_SYSCALL_EXECVE_19_X__pid, 100),
            D_BYTES(P_SYSCALL_EXECVE_19_X__cgroups, groups, sizeof(groups)));
    shows("container.id", "0123456789ab");
    clones(EV_SYSCALL_CLONE_20_X, 100, 300, 100, 1, 0);
    looks(300);
    shows("container.id", "0123456789ab");
    shows_of("thread.cgroup", "cpu", "/docker/" ID);
}

/* ---- where it stands ---- */

static void opens(const char *name)
{
    DERIVED(&d, EV_SYSCALL_OPENAT_2_X, 100, D_NUM(P_SYSCALL_OPENAT_2_X__fd, 30),
            D_NUM(P_SYSCALL_OPENAT_2_X__dirfd, FDCWD), D_STR(P_SYSCALL_OPENAT_2_X__name, name),
            D_NUM(P_SYSCALL_OPENAT_2_X__flags, 1));
}

static void working_directories(void **state)
{
    (void)state;
    DERIVED(&d, EV_SYSCALL_FCHDIR_X, 100, D_NUM(P_SYSCALL_FCHDIR_X__res, 0),
            D_NUM(P_SYSCALL_FCHDIR_X__fd, 5));
    shows("proc.cwd", "/opt/tools/");
    DERIVED(&d, EV_SYSCALL_FCHDIR_X, 100, D_NUM(P_SYSCALL_FCHDIR_X__res, 0),
            D_NUM(P_SYSCALL_FCHDIR_X__fd, 99));
    opens("x");
    shows("fd.name", "/opt/tools/x");
    DERIVED(&d, EV_SYSCALL_CHDIR_X, 100, D_NUM(P_SYSCALL_CHDIR_X__res, -2),
            D_STR(P_SYSCALL_CHDIR_X__path, "/none"));
    opens("x");
    shows("fd.name", "/opt/tools/x");
    DERIVED(&d, EV_SYSCALL_GETCWD_X, 100, D_NUM(P_SYSCALL_GETCWD_X__res, 6),
            D_STR(P_SYSCALL_GETCWD_X__path, "/real"));
    opens("x");
    shows("fd.name", "/real/x");
}

/* Not only when a rule reads a field of theirs. */
static void what_names_things_is_heard(void **state)
{
    static const char *const names[] = {"getcwd", "send", "recv", "execve", "execveat"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *const *e = d.plugin->enricher->events;

        while (*e && strcmp(*e, names[i]) != 0)
            e++;
        if (!*e)
            fail_msg("%s is not heard", names[i]);
    }
}

/* ---- descriptors ---- */

static void duplicates(uint16_t type, int64_t from, int64_t to)
{
    uint32_t old = type == EV_SYSCALL_DUP2_X ? P_SYSCALL_DUP2_X__oldfd : P_SYSCALL_DUP_1_X__oldfd;

    DERIVED(&d, type, 100, D_NUM(0, to), D_NUM(old, from));
}

static void opens_to_close(int64_t fd)
{
    DERIVED(&d, EV_SYSCALL_OPENAT_2_X, 100, D_NUM(P_SYSCALL_OPENAT_2_X__fd, fd),
            D_NUM(P_SYSCALL_OPENAT_2_X__dirfd, FDCWD), D_STR(P_SYSCALL_OPENAT_2_X__name, "/c"),
            D_NUM(P_SYSCALL_OPENAT_2_X__flags, 1 | ON_EXEC));
}

static void fcntls(int64_t fd, int64_t res, int64_t cmd, int64_t arg)
{
    DERIVED(&d, EV_SYSCALL_FCNTL_X, 100, D_NUM(P_SYSCALL_FCNTL_X__res, res),
            D_NUM(P_SYSCALL_FCNTL_X__fd, fd), D_NUM(P_SYSCALL_FCNTL_X__cmd, cmd),
            D_NUM(P_SYSCALL_FCNTL_X__arg, arg));
}

static void is_open(int64_t fd, bool open)
{
    looks_at(100, fd);
    if (open != (strcmp(derived_get(&d, "fd.type", NULL), "(absent)") != 0))
        fail_msg("%lld is %s", (long long)fd, open ? "closed" : "open");
}

/* Which descriptors exec closes. */
static void closing_on_exec(void **state)
{
    (void)state;
    opens_to_close(20);
    opens_to_close(21);
    duplicates(EV_SYSCALL_DUP2_X, 20, 20); /* does nothing */
    duplicates(EV_SYSCALL_DUP2_X, 20, 22);
    duplicates(EV_SYSCALL_DUP_1_X, 20, 23);
    fcntls(20, 24, 1, 0);
    fcntls(20, 25, 26, 0);
    fcntls(21, 0, 3, 0);
    fcntls(6, 0, 3, 1);
    DERIVED(&d, EV_SOCKET_SOCKETPAIR_X, 100, D_NUM(P_SOCKET_SOCKETPAIR_X__res, 0),
            D_NUM(P_SOCKET_SOCKETPAIR_X__fd1, 26), D_NUM(P_SOCKET_SOCKETPAIR_X__fd2, 27),
            D_NUM(P_SOCKET_SOCKETPAIR_X__domain, 1), D_NUM(P_SOCKET_SOCKETPAIR_X__type, 524289));
    DERIVED(&d, EV_SYSCALL_CLOSE_RANGE_X, 100, D_NUM(P_SYSCALL_CLOSE_RANGE_X__res, 0),
            D_NUM(P_SYSCALL_CLOSE_RANGE_X__first, 23), D_NUM(P_SYSCALL_CLOSE_RANGE_X__last, 23),
            D_NUM(P_SYSCALL_CLOSE_RANGE_X__flags, 4));
    exec_ends(EV_SYSCALL_EXECVE_19_X, 100, 0, "/bin/prog");
    is_open(20, false);
    is_open(21, true); /* F_SETFD took it back */
    is_open(22, true);
    is_open(23, false); /* close_range() with CLOSE_RANGE_CLOEXEC */
    is_open(24, true);
    is_open(25, false);
    is_open(6, false);
    is_open(26, false);
    is_open(27, false);
    is_open(5, true);
}

/* Calls that make a descriptor of a kind: by the place of their result all the same. */
static void kinds_of_descriptors(void **state)
{
    static const struct {
        uint16_t type;
        const char *kind;
    } rows[] = {
        {EV_SYSCALL_EVENTFD_X, "event"},           {EV_SYSCALL_EVENTFD2_X, "event"},
        {EV_SYSCALL_SIGNALFD_X, "signalfd"},       {EV_SYSCALL_SIGNALFD4_X, "signalfd"},
        {EV_SYSCALL_TIMERFD_CREATE_X, "timerfd"},  {EV_SYSCALL_INOTIFY_INIT_X, "inotify"},
        {EV_SYSCALL_INOTIFY_INIT1_X, "inotify"},   {EV_SYSCALL_BPF_2_X, "bpf"},
        {EV_SYSCALL_USERFAULTFD_X, "userfaultfd"}, {EV_SYSCALL_IO_URING_SETUP_X, "io_uring"},
        {EV_SYSCALL_EPOLL_CREATE_X, "eventpoll"},  {EV_SYSCALL_EPOLL_CREATE1_X, "eventpoll"},
        {EV_SYSCALL_MEMFD_CREATE_X, "memfd"},      {EV_SYSCALL_PIDFD_OPEN_X, "pidfd"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        DERIVED(&d, rows[i].type, 100, D_NUM(0, 6)); /* the close of 6 was lost */
        shows("fd.type", rows[i].kind);
        looks_at(100, 6);
        shows("fd.type", rows[i].kind);
    }
    DERIVED(&d, EV_SYSCALL_EVENTFD_X, 100, D_NUM(0, -24));
    looks_at(100, 6);
    shows("fd.type", "pidfd");
}

static void taken_by_pidfd(void **state)
{
    (void)state;
    looks(50);
    DERIVED(&d, EV_SYSCALL_PIDFD_OPEN_X, 50, D_NUM(0, 3), D_NUM(P_SYSCALL_PIDFD_OPEN_X__pid, 100));
    shows("fd.name", "/proc/100");
    for (int64_t of = 5; of < 100; of += 94) {
        DERIVED(&d, EV_SYSCALL_PIDFD_GETFD_X, 50, D_NUM(0, 4),
                D_NUM(P_SYSCALL_PIDFD_GETFD_X__pid_fd, 3),
                D_NUM(P_SYSCALL_PIDFD_GETFD_X__target_fd, of));
        looks_at(50, 4);
        shows("fd.name", of == 5 ? "/opt/tools" : "");
        shows("fd.type", of == 5 ? "directory" : "(absent)"); /* 99 is not known */
    }
}

/* An accepted connection whose ends were not told is not what had its number before. */
static void accepted_without_ends(void **state)
{
    (void)state;
    DERIVED(&d, EV_SOCKET_ACCEPT4_6_X, 100, D_NUM(P_SOCKET_ACCEPT4_6_X__fd, 6));
    looks_at(100, 6);
    shows("fd.type", "(absent)");
}

static void datagrams_name_their_socket(void **state)
{
    static const char out[] = {2, 10, 0, 0, 5, 0, 16, 8, 8, 8, 8, 53, 0};

    (void)state;
    DERIVED(&d, EV_SOCKET_SENDTO_X, 100, D_NUM(P_SOCKET_SENDTO_X__res, 9),
            D_NUM(P_SOCKET_SENDTO_X__fd, 30), D_BYTES(P_SOCKET_SENDTO_X__tuple, out, sizeof(out)));
    shows("fd.name", "10.0.0.5:4096->8.8.8.8:53");
    shows("fd.l4proto", "udp");
    shows("fd.name_changed", "true");
    shows("fd.is_server", "false");
    DERIVED(&d, EV_SOCKET_RECVFROM_X, 100, D_NUM(P_SOCKET_RECVFROM_X__res, 9),
            D_NUM(P_SOCKET_RECVFROM_X__fd, 30));
    shows("fd.name", "10.0.0.5:4096->8.8.8.8:53");
    shows("fd.name_changed", "false");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(programs_by_descriptor),
        TEST(when_the_call_began),
        TEST(the_kernel_knows_better),
        TEST(old_paths_of_execve),
        TEST(effective_ids_count),
        TEST(capabilities),
        TEST(sessions),
        TEST(names_given_by_prctl),
        TEST(forks_of_every_kind),
        TEST(exec_by_another_thread),
        TEST(orphans_go_to_the_nearest_reaper),
        TEST(lost_starts_are_made_up_for),
        TEST(children_in_pid_namespaces),
        TEST(containers_are_inherited),
        TEST(working_directories),
        TEST(what_names_things_is_heard),
        TEST(closing_on_exec),
        TEST(kinds_of_descriptors),
        TEST(taken_by_pidfd),
        TEST(accepted_without_ends),
        TEST(datagrams_name_their_socket),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
