/* SPDX-License-Identifier: Apache-2.0 */
/* The process enricher through its ABI: what made-up events do to its fields. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../lib/event_build.h"
#include "../lib/fake_host.h"

#include "syscall/syscall.h"

#include <errno.h>
#include <gyr/plugin.h>

const struct gyr_plugin *gyr_plugin_query_process(uint32_t host_abi);

struct config { /* as the plugin's own */
    int64_t max_threads;
    uint64_t max_memory;
};

#define S(place, text)                                                                             \
    {                                                                                              \
        (place), (text), 0, 0                                                                      \
    }
#define B(place, text)                                                                             \
    {                                                                                              \
        (place), (text), sizeof(text), 0                                                           \
    } /* with its NULs */
#define N(place, num)                                                                              \
    {                                                                                              \
        (place), NULL, 0, (num)                                                                    \
    }

struct arg {
    uint32_t place;
    const char *text;
    size_t len; /* 0: a string */
    int64_t num;
};

static struct config cfg;
static struct fake_host host;
static const struct gyr_plugin *plugin;
static const struct gyr_enricher_ops *ops;
static void *self;
static struct event_build build;
static uint64_t clock_ns;
static const struct gyr_event *now;
static bool wants_after;

static size_t width_of(uint16_t type)
{
    return type == GYR_P_U8 || type == GYR_P_I8     ? 1
           : type == GYR_P_U16 || type == GYR_P_I16 ? 2
           : type == GYR_P_U32 || type == GYR_P_I32 ? 4
                                                    : 8;
}

static void done(void)
{
    if (now && wants_after)
        ops->after_event(self, now);
    now = NULL;
    fake_host_event_done(&host);
}

/* The next event, which is at hand until done() or the one after it. */
static void happens(uint16_t type, int64_t tid, const struct arg *args, size_t n)
{
    const struct gyr_event_type *t = syscall_event_type(type);

    done();
    event_build_begin(&build, type);
    for (uint32_t i = 0; t && i < t->n_params; i++) {
        const struct arg *a = NULL;

        for (size_t k = 0; k < n; k++)
            if (args[k].place == i)
                a = &args[k];
        if (!a)
            event_build_add(&build, NULL, 0);
        else if (a->text)
            event_build_add(&build, a->text, a->len ? a->len : strlen(a->text) + 1);
        else
            event_build_int(&build, (uint64_t)a->num, width_of(t->params[i].type));
    }
    build.ev.tid = tid;
    build.ev.num = build.ev.ts_ns = ++clock_ns;
    now = event_build_end(&build);
    wants_after = ops->on_event(self, 0, now) == GYR_AFTER;
}

#define HAPPENS(type, tid, ...)                                                                    \
    happens((type), (tid), (const struct arg[]){__VA_ARGS__},                                      \
            sizeof((const struct arg[]){__VA_ARGS__}) / sizeof(struct arg))

static int field_index(const char *name)
{
    for (uint32_t i = 0; i < ops->n_fields; i++) {
        const struct gyr_field *f =
            (const void *)((const char *)ops->fields + (size_t)i * ops->field_stride);

        if (strcmp(f->name, name) == 0)
            return (int)i;
    }
    fail_msg("there is no field %s", name);
    return -1;
}

static void value_text(const struct gyr_value *v, char *out, size_t cap)
{
    const struct gyr_value *e = v->u.ptr;
    size_t n = 0;

    if (v->type == GYR_T_STR)
        (void)snprintf(out, cap, "%.*s", (int)v->len, (const char *)v->u.ptr);
    else if (v->type != GYR_T_LIST)
        (void)snprintf(out, cap, "%lld", (long long)v->u.i64);
    else
        for (uint32_t i = 0; i < v->len; i++) {
            n += (size_t)snprintf(out + n, cap - n, "%s", i ? "," : "");
            value_text(&e[i], out + n, cap - n);
            n += strlen(out + n);
        }
}

/* A field's value as text; "(absent)". @p wanted: what bind() is told, GYR_T_LIST where a
 * comparison sees many. */
static const char *get(const char *name, const char *arg, uint32_t wanted)
{
    static char out[4][4096];
    static unsigned turn;
    char *text = out[turn++ % 4];
    struct gyr_error err;
    struct gyr_value v;
    uint32_t handle, type = wanted;

    assert_int_equal(ops->bind(self, (uint32_t)field_index(name), arg, &handle, &type, &err), 0);
    if (ops->get(self, now, handle, &v) == GYR_PRESENT)
        value_text(&v, text, sizeof(out[0]));
    else
        (void)snprintf(text, sizeof(out[0]), "(absent)");
    ops->unbind(self, handle);
    return text;
}

#define assert_field(name, want)         assert_string_equal(get((name), NULL, GYR_T_STR), (want))
#define assert_field_of(name, arg, want) assert_string_equal(get((name), (arg), GYR_T_STR), (want))
#define assert_compared(name, want)      assert_string_equal(get((name), NULL, GYR_T_LIST), (want))

static void add_process(int64_t tid, int64_t pid, int64_t ptid, const char *comm, const char *cwd)
{
    HAPPENS(EV_SNAP_PROCESS, tid, N(P_SNAP_PROCESS__tid, tid), N(P_SNAP_PROCESS__pid, pid),
            N(P_SNAP_PROCESS__ptid, ptid), N(P_SNAP_PROCESS__vtid, tid),
            N(P_SNAP_PROCESS__vpid, pid), S(P_SNAP_PROCESS__comm, comm),
            S(P_SNAP_PROCESS__exe, comm), S(P_SNAP_PROCESS__cwd, cwd),
            N(P_SNAP_PROCESS__flags, tid == pid ? 0 : 8193), N(P_SNAP_PROCESS__uid, 1000),
            N(P_SNAP_PROCESS__gid, 1000));
}

static void add_file(int64_t tid, int64_t fd, const char *name, int64_t flags)
{
    HAPPENS(EV_SNAP_FD, tid, N(P_SNAP_FD__tid, tid), N(P_SNAP_FD__fd, fd),
            N(P_SNAP_FD__type, FD_FILE_V2), S(P_SNAP_FD__name, name), N(P_SNAP_FD__flags, flags));
}

static int setup(void **state)
{
    struct gyr_error err;

    (void)state;
    cfg = (struct config){64, 16 << 20};
    plugin = gyr_plugin_query_process(0);
    ops = plugin->enricher;
    fake_host_init(&host);
    if (plugin->create(&host.host, &cfg, &self, &err) < 0 || plugin->start(self, &err) < 0)
        return -1;
    happens(GYR_EV_SNAPSHOT_BEGIN, -1, NULL, 0);
    add_process(1, 1, 0, "init", "/");
    add_process(100, 100, 1, "bash", "/home/u");
    add_process(101, 100, 1, "worker", "");
    add_file(100, 0, "/dev/tty1", 3);
    add_file(100, 7, "/srv/data", 3 | 1 << 12);
    HAPPENS(EV_SNAP_USER, -1, N(P_SNAP_USER__uid, 1000), N(P_SNAP_USER__gid, 1000),
            S(P_SNAP_USER__name, "ursula"), S(P_SNAP_USER__home, "/home/u"),
            S(P_SNAP_USER__shell, "/bin/bash"));
    happens(GYR_EV_SNAPSHOT_END, -1, NULL, 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    done();
    plugin->stop(self);
    plugin->destroy(self);
    return (int)fake_host_free(&host);
}

/* ---- calls made up ---- */

static void opens(int64_t tid, int64_t fd, int64_t dirfd, const char *name, int64_t flags)
{
    HAPPENS(EV_SYSCALL_OPENAT_2_X, tid, N(P_SYSCALL_OPENAT_2_X__fd, fd),
            N(P_SYSCALL_OPENAT_2_X__dirfd, dirfd), S(P_SYSCALL_OPENAT_2_X__name, name),
            N(P_SYSCALL_OPENAT_2_X__flags, flags), N(P_SYSCALL_OPENAT_2_X__mode, 0));
}

static void clones(int64_t tid, int64_t res, int64_t pid, int64_t ptid, int64_t flags)
{
    HAPPENS(EV_SYSCALL_CLONE_20_X, tid, N(P_SYSCALL_CLONE_20_X__res, res),
            S(P_SYSCALL_CLONE_20_X__exe, "bash"), N(P_SYSCALL_CLONE_20_X__pid, pid),
            N(P_SYSCALL_CLONE_20_X__ptid, ptid), S(P_SYSCALL_CLONE_20_X__comm, "bash"),
            N(P_SYSCALL_CLONE_20_X__flags, flags), N(P_SYSCALL_CLONE_20_X__uid, 1000),
            N(P_SYSCALL_CLONE_20_X__gid, 1000), N(P_SYSCALL_CLONE_20_X__vtid, tid),
            N(P_SYSCALL_CLONE_20_X__vpid, pid));
}

static void execs(int64_t tid, int64_t ptid, const char *comm, const char *path)
{
    HAPPENS(EV_SYSCALL_EXECVE_19_X, tid, N(P_SYSCALL_EXECVE_19_X__res, 0),
            S(P_SYSCALL_EXECVE_19_X__exe, comm), B(P_SYSCALL_EXECVE_19_X__args, "-c\0a b"),
            N(P_SYSCALL_EXECVE_19_X__pid, tid), N(P_SYSCALL_EXECVE_19_X__ptid, ptid),
            S(P_SYSCALL_EXECVE_19_X__comm, comm),
            B(P_SYSCALL_EXECVE_19_X__env, "PATH=/bin\0HOME= /root "),
            N(P_SYSCALL_EXECVE_19_X__tty, 1025), N(P_SYSCALL_EXECVE_19_X__uid, 0),
            N(P_SYSCALL_EXECVE_19_X__flags, 2),
            B(P_SYSCALL_EXECVE_19_X__cgroups,
              "memory=/docker/"
              "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"),
            S(P_SYSCALL_EXECVE_19_X__trusted_exepath, path));
}

static void exits(int64_t tid)
{
    HAPPENS(EV_PROCEXIT_1_E, tid, N(P_PROCEXIT_1_E__status, 0), N(P_PROCEXIT_1_E__reaper_tid, 0));
}

static void closes(int64_t tid, int64_t fd)
{
    HAPPENS(EV_SYSCALL_CLOSE_X, tid, N(P_SYSCALL_CLOSE_X__res, 0), N(P_SYSCALL_CLOSE_X__fd, fd));
}

static void changes_dir(int64_t tid, const char *path)
{
    HAPPENS(EV_SYSCALL_CHDIR_X, tid, N(P_SYSCALL_CHDIR_X__res, 0),
            S(P_SYSCALL_CHDIR_X__path, path));
}

/* ---- tests ---- */

static void paths_are_resolved(void **state)
{
    (void)state;
    opens(100, 3, -100, "../../etc/./shadow", 1);
    assert_field("fd.name", "/etc/shadow");
    assert_field("fd.nameraw", "../../etc/./shadow");
    assert_field("fd.directory", "/etc");
    assert_field("fd.filename", "shadow");
    assert_field("fs.path.name", "/etc/shadow");
    assert_field("evt.abspath", "/etc/shadow");
    assert_field("evt.is_open_read", "1");
    assert_field("evt.is_open_write", "0");
    assert_field("fd.typechar", "f");
    opens(100, 4, -100, "/etc", 1 | 1 << 10);
    assert_field("fd.type", "directory");
    opens(100, 5, 4, "passwd", 1);
    assert_field("fd.name", "/etc/passwd");
    changes_dir(100, "sub");
    assert_field("proc.cwd", "/home/u/sub/");
    opens(101, 6, -100, "x", 2);
    assert_field("fd.name", "/home/u/sub/x");
    opens(100, -2, -100, "none", 1);
    assert_field("fd.name", "/home/u/sub/none");
    assert_field("fd.num", "-1");
    assert_field("evt.res", "ENOENT");
    assert_field("evt.failed", "1");
}

static void what_close_removes_is_removed_after(void **state)
{
    (void)state;
    closes(100, 7);
    assert_field("fd.name", "/srv/data");
    assert_field("proc.fdopencount", "2");
    assert_field("evt.category", "file");
    HAPPENS(EV_SYSCALL_FSTAT_X, 100, N(P_SYSCALL_FSTAT_X__res, -9), N(P_SYSCALL_FSTAT_X__fd, 7));
    assert_field("fd.name", "");
    assert_field("fd.type", "(absent)");
    assert_field("proc.fdopencount", "1");
}

static void threads_share(void **state)
{
    (void)state;
    opens(101, 9, -100, "/tmp/a", 3);
    assert_field("proc.name", "worker");
    assert_field("proc.pid", "100");
    assert_field("proc.nthreads", "2");
    closes(100, 9);
    assert_field("fd.name", "/tmp/a");
    assert_field("proc.pname", "init");
    assert_field("thread.ismain", "1");
}

static void unshares(int64_t tid, int64_t flags)
{
    HAPPENS(EV_SYSCALL_UNSHARE_X, tid, N(P_SYSCALL_UNSHARE_X__res, 0),
            N(P_SYSCALL_UNSHARE_X__flags, flags));
}

static void ends(int64_t tid)
{
    HAPPENS(EV_PROCEXIT_1_E, tid, N(P_PROCEXIT_1_E__status, 0));
    done();
}

static void assert_opens(int64_t tid, int64_t dirfd, const char *name, const char *want)
{
    opens(tid, 60, dirfd, name, 1);
    assert_field("fd.name", want);
}

enum { CLONE_FILES_BIT = 1, CLONE_FS_BIT = 2, CLONE_THREAD_BIT = 1 << 13, RANGE_UNSHARE = 2 };

/* A relative name is told from the folder that the kernel takes it from, whoever went there. */
static void folders_are_shared_as_they_are(void **state)
{
    (void)state;
    clones(100, 200, 100, 1, CLONE_FS_BIT);
    clones(200, 0, 200, 100, CLONE_FS_BIT);
    changes_dir(200, "/etc");
    assert_opens(100, -100, "shadow", "/etc/shadow");
    assert_opens(101, -100, "shadow", "/etc/shadow");
    execs(200, 100, "sh", "/bin/dash"); /* shares on */
    changes_dir(100, "/srv");
    assert_opens(200, -100, "x", "/srv/x");
    unshares(200, CLONE_FS_BIT);
    changes_dir(200, "/tmp");
    assert_opens(100, -100, "x", "/srv/x");
    assert_opens(200, -100, "x", "/tmp/x");
    ends(200);
    changes_dir(100, "/home");
    assert_opens(101, -100, "x", "/home/x");
}

static void threads_may_have_folders_of_their_own(void **state)
{
    (void)state;
    unshares(101, CLONE_FS_BIT);
    changes_dir(101, "/etc");
    changes_dir(100, "/tmp");
    assert_opens(101, -100, "shadow", "/etc/shadow");
    assert_opens(100, -100, "x", "/tmp/x");
    clones(101, 102, 100, 1, CLONE_THREAD_BIT | CLONE_FS_BIT);
    changes_dir(102, "/srv");
    assert_opens(101, -100, "x", "/srv/x");
    clones(100, 103, 100, 1, CLONE_THREAD_BIT); /* as pthread_create() never does */
    changes_dir(100, "/var");
    assert_opens(103, -100, "x", "/tmp/x");
    ends(101);
    changes_dir(102, "/usr");
    assert_opens(102, -100, "x", "/usr/x");
}

static void descriptors_are_shared_as_they_are(void **state)
{
    (void)state;
    clones(100, 200, 100, 1, CLONE_FILES_BIT);
    clones(200, 0, 200, 100, CLONE_FILES_BIT);
    opens(200, 9, -100, "/etc", 1 | 1 << 10);
    assert_opens(101, 9, "shadow", "/etc/shadow");
    closes(100, 9);
    assert_opens(200, 9, "x", "<UNKNOWN>x");
    clones(200, 300, 200, 100, CLONE_FILES_BIT);
    ends(101);
    ends(100); /* who had them first */
    opens(300, 11, -100, "/usr", 1 | 1 << 10);
    assert_opens(200, 11, "x", "/usr/x");
    execs(200, 1, "sh", "/bin/dash"); /* a copy of its own */
    opens(200, 11, -100, "/opt", 1 | 1 << 10);
    assert_opens(300, 11, "x", "/usr/x");
    assert_opens(200, 11, "x", "/opt/x");
}

static void threads_may_have_descriptors_of_their_own(void **state)
{
    (void)state;
    opens(100, 9, -100, "/etc", 1 | 1 << 10);
    HAPPENS(EV_SYSCALL_CLOSE_RANGE_X, 101, N(P_SYSCALL_CLOSE_RANGE_X__res, 0),
            N(P_SYSCALL_CLOSE_RANGE_X__first, 3), N(P_SYSCALL_CLOSE_RANGE_X__last, UINT32_MAX),
            N(P_SYSCALL_CLOSE_RANGE_X__flags, RANGE_UNSHARE));
    assert_opens(101, 9, "x", "<UNKNOWN>x");
    assert_opens(100, 9, "shadow", "/etc/shadow");
    clones(100, 102, 100, 1, CLONE_THREAD_BIT | CLONE_FS_BIT);
    unshares(100, CLONE_FILES_BIT); /* the others go on with what they had */
    opens(100, 9, -100, "/srv", 1 | 1 << 10);
    assert_opens(102, 9, "shadow", "/etc/shadow");
    assert_opens(100, 9, "x", "/srv/x");
}

static void exec_makes_another_program(void **state)
{
    (void)state;
    clones(100, 200, 100, 1, 0);
    assert_field("proc.name", "bash");
    clones(200, 0, 200, 100, 0);
    assert_field("proc.ppid", "100");
    assert_field("proc.fdopencount", "2");
    execs(200, 100, "sh", "/bin/dash");
    assert_field("proc.name", "sh");
    assert_field("proc.cmdline", "sh -c a b");
    assert_field_of("proc.args", "1", "a b");
    assert_field("proc.cmdnargs", "2");
    assert_field("proc.cmdlenargs", "5");
    assert_field("proc.exepath", "/bin/dash");
    assert_field("proc.pname", "bash");
    assert_field("proc.aname", "bash init");
    assert_compared("proc.aname", "bash,init");
    assert_field("proc.apid", "200");
    assert_compared("proc.apid", "100,1");
    assert_field_of("proc.aname", "2", "init");
    assert_field_of("proc.aname", "3", "(absent)");
    assert_field_of("proc.env", "HOME", "/root");
    assert_field_of("proc.env", "NONE", "");
    assert_field("proc.tty", "1025");
    assert_field("proc.is_exe_upper_layer", "1");
    assert_field("proc.is_exe_writable", "0");
    assert_field("user.uid", "0");
    assert_field("user.name", "root");
    assert_field("container.id", "0123456789ab");
    assert_field("proc.fdopencount", "1"); /* 7 was closed on exec */
    opens(100, 3, -100, "/x", 1);
    assert_field("proc.fdopencount", "3"); /* and the parent's are its own */
    assert_field("user.name", "ursula");
    assert_field("user.homedir", "/home/u");
    assert_field("container.id", "host");
}

static void the_end_of_a_process(void **state)
{
    (void)state;
    clones(100, 200, 100, 1, 0);
    clones(200, 300, 200, 100, 0);
    exits(200);
    assert_field("proc.name", "bash");
    assert_field("proc.pid", "200");
    opens(300, 3, -100, "/x", 1);
    assert_field("proc.ppid", "1"); /* given to init */
    clones(100, 200, 100, 1, 0);    /* told late: it does not come back */
    exits(100);
    opens(101, 3, -100, "x", 1); /* its main thread is dead, what it had is not */
    assert_field("fd.name", "/home/u/x");
    assert_field("proc.nthreads", "1");
    exits(101);
    opens(100, 3, -100, "x", 1);
    assert_field("proc.name", "<NA>");
    assert_field("fd.name", "./x"); /* from a folder that is not known */
}

static void descriptors_are_copied(void **state)
{
    (void)state;
    HAPPENS(EV_SYSCALL_DUP3_X, 100, N(P_SYSCALL_DUP3_X__res, 1), N(P_SYSCALL_DUP3_X__oldfd, 7),
            N(P_SYSCALL_DUP3_X__newfd, 1), N(P_SYSCALL_DUP3_X__flags, 0));
    assert_field("fd.name", "/srv/data");
    assert_field("fd.num", "1");
    assert_field("fd.name_changed", "0");
    assert_field("proc.stdout.name", "/srv/data");
    HAPPENS(EV_SYSCALL_PIPE2_X, 100, N(P_SYSCALL_PIPE2_X__res, 0), N(P_SYSCALL_PIPE2_X__fd1, 10),
            N(P_SYSCALL_PIPE2_X__fd2, 11), N(P_SYSCALL_PIPE2_X__ino, 77),
            N(P_SYSCALL_PIPE2_X__flags, 1 << 12));
    assert_field("fd.typechar", "p");
    assert_field("fd.ino", "77");
    assert_field("fd.num", "11");
    HAPPENS(EV_SYSCALL_CLOSE_RANGE_X, 100, N(P_SYSCALL_CLOSE_RANGE_X__res, 0),
            N(P_SYSCALL_CLOSE_RANGE_X__first, 2), N(P_SYSCALL_CLOSE_RANGE_X__last, 4294967295),
            N(P_SYSCALL_CLOSE_RANGE_X__flags, 0));
    assert_field("proc.fdopencount", "2");
}

static void sockets_have_ends(void **state)
{
    static const char tuple[] = {2, 10, 0, 0, 1, (char)0xd0, 0x07, 10, 0, 0, 2, (char)0xbb, 1};

    (void)state;
    HAPPENS(EV_SOCKET_SOCKET_X, 100, N(P_SOCKET_SOCKET_X__fd, 3), N(P_SOCKET_SOCKET_X__domain, 2),
            N(P_SOCKET_SOCKET_X__type, 1), N(P_SOCKET_SOCKET_X__proto, 0));
    assert_field("fd.type", "ipv4");
    assert_field("fd.sport", "(absent)");
    happens(EV_SOCKET_CONNECT_X, 100,
            (const struct arg[]){N(P_SOCKET_CONNECT_X__res, 0),
                                 {P_SOCKET_CONNECT_X__tuple, tuple, sizeof(tuple), 0},
                                 N(P_SOCKET_CONNECT_X__fd, 3)},
            3);
    assert_field("fd.name", "10.0.0.1:2000->10.0.0.2:443");
    assert_field("fd.sport", "443");
    assert_field("fd.cport", "2000");
    assert_field("fd.port", "(absent)");
    assert_compared("fd.port", "2000,443");
    assert_field("fd.l4proto", "tcp");
    assert_field("fd.connected", "1");
    assert_field("fd.name_changed", "1");
    HAPPENS(EV_SYSCALL_WRITE_X, 100, N(P_SYSCALL_WRITE_X__res, 5),
            B(P_SYSCALL_WRITE_X__data, "data"), N(P_SYSCALL_WRITE_X__fd, 3));
    assert_field("evt.category", "net");
    assert_field("evt.io_dir", "write");
    assert_field("evt.dir", "<");
    assert_field("evt.buflen", "5");
}

static void the_table_is_bounded(void **state)
{
    (void)state;
    for (int64_t tid = 1000; tid < 1500; tid++)
        clones(100, tid, 100, 1, 0);
    opens(100, 3, -100, "x", 1);
    assert_field("fd.name", "/home/u/x");
    done();
    plugin->stop(self);
    assert_int_equal(fake_host_metric(&host, "threads_evicted"), 500 + 3 - 64);
}

/* Programs that fill the memory, with descriptors or with arguments, blind nobody else. */
static void who_holds_most_gives_way(void **state)
{
    static char path[4000];

    (void)state;
    for (size_t i = 0; i + 2 < sizeof(path); i += 2)
        memcpy(path + i, "./", 3);
    path[0] = '/';
    path[sizeof(path) - 2] = 'x';
    for (int64_t tid = 200; tid < 208; tid++) {
        clones(1, tid, 1, 0, 0);
        for (int64_t fd = 0; fd < 1000; fd++) {
            opens(tid, fd, -100, path, 1);
            assert_field("fd.name", "/x");
        }
        opens(100, 5, -100, "notes", 1);
        assert_field("fd.name", "/home/u/notes");
    }
    HAPPENS(EV_SYSCALL_WRITE_X, 100, N(P_SYSCALL_WRITE_X__res, 5),
            B(P_SYSCALL_WRITE_X__data, "data"), N(P_SYSCALL_WRITE_X__fd, 7));
    assert_field("fd.name", "/srv/data");
    execs(100, 1, "prog", "/usr/bin/prog");
    assert_field("proc.cmdline", "prog -c a b");
    done();
    plugin->stop(self);
    assert_true(fake_host_metric(&host, "descriptors_forgotten") > 3);
    assert_int_equal(fake_host_metric(&host, "memory_refused"), 0);
}

static void what_a_snapshot_does_not_tell_is_gone(void **state)
{
    (void)state;
    clones(100, 200, 100, 1, 0);
    happens(GYR_EV_SNAPSHOT_BEGIN, -1, NULL, 0);
    add_process(1, 1, 0, "init", "/");
    add_process(200, 200, 1, "new", "/srv");
    happens(GYR_EV_SNAPSHOT_END, -1, NULL, 0);
    opens(200, 3, -100, "x", 1);
    assert_field("fd.name", "/srv/x");
    assert_field("proc.aname", "init");
    opens(100, 3, -100, "x", 1);
    assert_field("proc.name", "<NA>");
}

static void parameters_have_texts(void **state)
{
    struct gyr_value v;

    (void)state;
    opens(100, 3, -100, "notes", 1);
    assert_int_equal(ops->param_text(self, now, P_SYSCALL_OPENAT_2_X__fd, &v), GYR_PRESENT);
    assert_int_equal(v.len, strlen("<f>/home/u/notes"));
    assert_memory_equal(v.u.ptr, "<f>/home/u/notes", v.len);
    assert_int_equal(ops->param_text(self, now, P_SYSCALL_OPENAT_2_X__dirfd, &v), GYR_PRESENT);
    assert_memory_equal(v.u.ptr, "AT_FDCWD", v.len);
    assert_int_equal(ops->param_text(self, now, P_SYSCALL_OPENAT_2_X__name, &v), GYR_PRESENT);
    assert_memory_equal(v.u.ptr, "/home/u/notes", v.len);
    assert_int_equal(ops->param_text(self, now, P_SYSCALL_OPENAT_2_X__flags, &v), GYR_ABSENT);
    assert_int_equal(ops->param_text(self, now, 63, &v), GYR_ABSENT);
}

/* ---- declarations ---- */

static bool is_in(const char *const *list, const char *name)
{
    for (; *list; list++)
        if (strcmp(*list, name) == 0)
            return true;
    return false;
}

static void fields_are_those_of_the_catalogue(void **state)
{
    uint32_t n = 0;

    (void)state;
    for (uint32_t i = 0; i < syscall_schema.n_fields; i++) {
        const struct gyr_field *f = &syscall_schema.fields[i], *ours;

        if (strcmp(f->provider, "process") != 0 && strcmp(f->name, "evt.category") != 0)
            continue;
        ours = (const void *)((const char *)ops->fields +
                              (size_t)field_index(f->name) * ops->field_stride);
        assert_int_equal(ours->type, f->type);
        assert_int_equal(ours->flags, f->flags);
        assert_int_equal(ours->fmt, f->fmt);
        n++;
    }
    assert_int_equal(n, ops->n_fields);
}

/* Calls that change state of a kind that is not kept: mounts, memory, socket options. */
static const char *const not_heard[] = {"mount", "umount",   "umount2",     "getsockopt",
                                        "close", "shutdown", "cpu_hotplug", NULL};

static void what_changes_state_is_heard(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < syscall_schema.n_types; i++) {
        const struct gyr_event_type *t = &syscall_schema.types[i];

        if (!(t->flags & GYR_ETF_STATE) || t->flags & GYR_ETF_OLD || !(t->traits & T_EXIT) ||
            is_in(not_heard, t->name))
            continue;
        if (!is_in(ops->events, t->name))
            fail_msg("%s changes state and is not heard", t->name);
    }
}

static void arguments_are_checked(void **state)
{
    struct gyr_error err;
    uint32_t handle, type;

    (void)state;
    assert_int_equal(
        ops->bind(self, (uint32_t)field_index("proc.aname"), "x", &handle, &type, &err), -EINVAL);
    assert_non_null(strstr(err.msg, "proc.aname"));
    assert_int_equal(ops->bind(self, (uint32_t)field_index("proc.env"), "", &handle, &type, &err),
                     -EINVAL);
    assert_int_equal(
        ops->bind(self, (uint32_t)field_index("proc.aname"), "99999999999", &handle, &type, &err),
        -EINVAL);
    for (uint32_t i = 0; i < 8192; i++)
        assert_int_equal(ops->bind(self, 0, "1", &handle, &type, &err), 0);
    assert_int_equal(ops->bind(self, 0, "1", &handle, &type, &err), -ENOSPC);
    ops->unbind(self, 17);
    assert_int_equal(ops->bind(self, 0, "1", &handle, &type, &err), 0);
    assert_int_equal(handle, 17);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(paths_are_resolved),
        TEST(what_close_removes_is_removed_after),
        TEST(threads_share),
        TEST(folders_are_shared_as_they_are),
        TEST(threads_may_have_folders_of_their_own),
        TEST(descriptors_are_shared_as_they_are),
        TEST(threads_may_have_descriptors_of_their_own),
        TEST(exec_makes_another_program),
        TEST(the_end_of_a_process),
        TEST(descriptors_are_copied),
        TEST(sockets_have_ends),
        TEST(the_table_is_bounded),
        TEST(who_holds_most_gives_way),
        TEST(what_a_snapshot_does_not_tell_is_gone),
        TEST(parameters_have_texts),
        TEST(fields_are_those_of_the_catalogue),
        TEST(what_changes_state_is_heard),
        TEST(arguments_are_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
