/* SPDX-License-Identifier: Apache-2.0 */
/* What the process enricher makes of a snapshot of this machine. */
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
#include "../lib/proc_rig.h"

#include "syscall/syscall.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <gyr/plugin.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

const struct gyr_plugin *gyr_plugin_query_process(uint32_t host_abi);

struct config { /* as the plugin's own */
    int64_t max_threads;
    uint64_t max_memory;
};

enum { AT_FILE = 50, AT_LISTEN, AT_UNBOUND, AT_CLIENT, AT_SERVER };

static struct config cfg = {65536, 64 << 20};
static struct fake_host host;
static const struct gyr_plugin *plugin;
static const struct gyr_enricher_ops *ops;
static void *self;
static struct event_build build;
static const struct gyr_event *now;
static uint64_t num;
static pid_t child;
static uint16_t port, client_port;

static void feed(const struct gyr_event *ev)
{
    if (ops->on_event(self, 0, ev) == GYR_AFTER)
        ops->after_event(self, ev);
    fake_host_event_done(&host);
}

static void feed_all(int64_t tid)
{
    struct scap_events e;

    proc_rig_take("", tid, &e);
    for (size_t i = 0; i < e.n; i++)
        feed(e.ev[i]);
    scap_events_free(&e);
}

/* The child has read from a descriptor. */
static void reads(int64_t tid, int64_t fd)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_REALTIME, &ts); /* after the snapshot */
    event_build_begin(&build, EV_SYSCALL_READ_X);
    event_build_int(&build, 0, 8);
    event_build_add(&build, NULL, 0);
    event_build_int(&build, (uint64_t)fd, 8);
    event_build_int(&build, 0, 4);
    build.ev.tid = tid;
    build.ev.num = ++num;
    build.ev.ts_ns = (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec + num;
    now = event_build_end(&build);
    (void)ops->on_event(self, 0, now);
}

static const char *get(const char *name)
{
    static char text[4096];
    struct gyr_error err;
    struct gyr_value v;
    uint32_t handle, type = GYR_T_STR, i = 0;

    for (;; i++) {
        const struct gyr_field *f =
            (const void *)((const char *)ops->fields + (size_t)i * ops->field_stride);

        if (i == ops->n_fields)
            fail_msg("there is no field %s", name);
        if (strcmp(f->name, name) == 0)
            break;
    }
    assert_int_equal(ops->bind(self, i, NULL, &handle, &type, &err), 0);
    if (ops->get(self, now, handle, &v) != GYR_PRESENT)
        (void)snprintf(text, sizeof(text), "(absent)");
    else if (v.type == GYR_T_STR)
        (void)snprintf(text, sizeof(text), "%.*s", (int)v.len, (const char *)v.u.ptr);
    else
        (void)snprintf(text, sizeof(text), "%lld", (long long)v.u.i64);
    ops->unbind(self, handle);
    return text;
}

#define assert_field(name, want) assert_string_equal(get(name), (want))

/* A program with two descriptors that are known. */
static void start_child(void)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(in);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), gate[2], ends[2];
    char c;

    assert_int_equal(bind(fd, (struct sockaddr *)&in, len), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
    port = ntohs(in.sin_port);
    ends[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(ends[0], (struct sockaddr *)&in, len), 0);
    ends[1] = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    assert_true(ends[1] >= 0);
    assert_int_equal(getsockname(ends[0], (struct sockaddr *)&in, &len), 0);
    client_port = ntohs(in.sin_port);
    assert_int_equal(pipe2(gate, O_CLOEXEC), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (dup2(fd, AT_LISTEN) >= 0 && dup2(ends[0], AT_CLIENT) >= 0 &&
            dup2(ends[1], AT_SERVER) >= 0 && dup2(open("/etc/passwd", O_RDONLY), AT_FILE) >= 0 &&
            dup2(socket(AF_INET, SOCK_STREAM, 0), AT_UNBOUND) >= 0 && chdir("/usr") == 0)
            (void)execl("/bin/sleep", "my sleep", "1000", (char *)NULL);
        _exit(1);
    }
    (void)close(fd);
    (void)close(ends[0]);
    (void)close(ends[1]);
    (void)close(gate[1]);
    assert_int_equal(read(gate[0], &c, 1), 0); /* closed by exec */
    (void)close(gate[0]);
}

static int setup(void **state)
{
    struct gyr_error err;

    (void)state;
    plugin = gyr_plugin_query_process(0);
    ops = plugin->enricher;
    fake_host_init(&host);
    host.host.is_live = 1;
    start_child();
    return plugin->create(&host.host, &cfg, &self, &err) < 0 || plugin->start(self, &err) < 0;
}

static int teardown(void **state)
{
    (void)state;
    plugin->stop(self);
    plugin->destroy(self);
    (void)kill(child, SIGKILL);
    (void)waitpid(child, NULL, 0);
    return (int)fake_host_free(&host);
}

static void check_child(void)
{
    char want[128];

    reads(child, AT_FILE);
    assert_field("proc.name", "sleep");
    assert_field("proc.exe", "my sleep");
    assert_field("proc.cmdline", "sleep 1000");
    assert_field("proc.cwd", "/usr/");
    (void)snprintf(want, sizeof(want), "%d", (int)child);
    assert_field("proc.pid", want);
    assert_field("fd.name", "/etc/passwd");
    assert_field("fd.type", "file");
    reads(child, AT_LISTEN);
    (void)snprintf(want, sizeof(want), "127.0.0.1:%u", port);
    assert_field("fd.name", want);
    assert_field("fd.type", "ipv4");
    assert_field("fd.l4proto", "tcp");
    (void)snprintf(want, sizeof(want), "%u", port);
    assert_field("fd.sport", want);
    /* both ends are told with the client first */
    (void)snprintf(want, sizeof(want), "127.0.0.1:%u->127.0.0.1:%u", client_port, port);
    reads(child, AT_CLIENT);
    assert_field("fd.name", want);
    assert_field("fd.l4proto", "tcp");
    reads(child, AT_SERVER);
    assert_field("fd.name", want);
    assert_field("fd.l4proto", "tcp");
    reads(child, AT_UNBOUND);
    assert_field("fd.type", "ipv4");
    assert_field("fd.name", "");
}

static void a_snapshot_tells_of_processes(void **state)
{
    const struct passwd *pw = getpwuid(geteuid());
    char want[16];

    (void)state;
    feed_all(-1);
    check_child();
    (void)snprintf(want, sizeof(want), "%d", (int)getpid());
    assert_field("proc.ppid", want);
    assert_field("proc.pname", "test_proc_enric");
    if (pw)
        assert_field("user.name", pw->pw_name);
    /* what has ended since is gone after the next one */
    (void)kill(child, SIGKILL);
    (void)waitpid(child, NULL, 0);
    feed_all(-1);
    reads(child, AT_FILE);
    assert_field("fd.name", "");
    child = fork();
    if (child == 0)
        _exit(0);
}

static void one_process_is_told_alone(void **state)
{
    (void)state;
    reads(child, AT_FILE);
    assert_field("fd.name", "");
    assert_int_equal(host.n_asked, 0); /* all are about to be told */
    feed_all(-1); /* which ports are listening, it tells */
    feed_all(child);
    check_child();
    /* told again, it is the same */
    feed_all(child);
    check_child();
}

/* A thread whose clone was lost: its source is asked, and what it tells serves the next event. */
static void an_unknown_thread_is_asked_for(void **state)
{
    pid_t late;

    (void)state;
    feed_all(-1);
    late = fork();
    if (late == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            (void)pause();
    }
    reads(late, 0);
    assert_field("proc.name", "<NA>");
    reads(late, 0); /* once is enough for now */
    assert_int_equal(host.n_asked, 1);
    assert_int_equal(host.asked[0], late);
    feed_all(host.asked[0]);
    reads(late, 0);
    assert_field("proc.name", "test_proc_enric");
    assert_field("proc.pname", "test_proc_enric");
    (void)kill(late, SIGKILL);
    (void)waitpid(late, NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_snapshot_tells_of_processes, setup, teardown),
        cmocka_unit_test_setup_teardown(one_process_is_told_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(an_unknown_thread_is_asked_for, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
