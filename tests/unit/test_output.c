/* SPDX-License-Identifier: Apache-2.0 */
/* The outputs stdout and file, and the lines they write. */
#include "../lib/fake_host.h"
#include "encode/encode.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

const struct gyr_plugin *gyr_plugin_query_file(uint32_t host_abi);
const struct gyr_plugin *gyr_plugin_query_stdout(uint32_t host_abi);

/* As the option table of the plugin describes it. */
struct file_config {
    const char *path, *mode;
    int64_t format;
    uint8_t sync, gzip;
    uint64_t rotate_size, rotate_interval;
    int64_t keep, names;
};

static struct gyr_alert an_alert(const char *text, uint64_t token)
{
    return (struct gyr_alert){.size = sizeof(struct gyr_alert),
                              .priority = GYR_PRIO_WARNING,
                              .token = token,
                              .ts_ns = 3723000000042,
                              .text = text,
                              .text_len = (uint32_t)strlen(text),
                              .json = "{\"a\":1}",
                              .json_len = 7};
}

static void check_line(int format, int color, const char *want)
{
    struct gyr_alert a = an_alert("Shell (x)", 1);
    struct gyr_lines b = {0};

    assert_int_equal(gyr_encode_line(&b, &a, format, color), 0);
    assert_int_equal(b.len, strlen(want));
    assert_memory_equal(b.p, want, b.len);
    free(b.p);
}

static void test_lines(void **state)
{
    (void)state;
    check_line(ENCODE_TEXT, 0, "01:02:03.000000042: Warning Shell (x)\n");
    check_line(ENCODE_TEXT, 1, "01:02:03.000000042: \033[33mWarning\033[0m Shell (x)\n");
    check_line(ENCODE_JSON, 1, "{\"a\":1}\n");
    assert_string_equal(gyr_encode_priority(GYR_PRIO_EMERGENCY), "Emergency");
    assert_string_equal(gyr_encode_priority(GYR_PRIO_INFORMATIONAL), "Informational");
    assert_string_equal(gyr_encode_priority(99), "Unknown");
}

/* ---- the file output ---- */

struct file_test {
    struct fake_host host;
    const struct gyr_plugin *plugin;
    struct file_config cfg;
    void *self;
    char dir[64], path[96], other[96];
};

static void file_open(struct file_test *t)
{
    struct gyr_error err = {0};

    fake_host_init(&t->host);
    t->plugin = gyr_plugin_query_file(0);
    assert_int_equal(t->plugin->config_size, sizeof(t->cfg));
    (void)snprintf(t->dir, sizeof(t->dir), "/tmp/gyr-out-XXXXXX");
    assert_non_null(mkdtemp(t->dir));
    (void)snprintf(t->path, sizeof(t->path), "%s/alerts", t->dir);
    (void)snprintf(t->other, sizeof(t->other), "%s/alerts.1", t->dir);
    t->cfg =
        (struct file_config){.path = t->path, .mode = "0640", .format = ENCODE_TEXT, .keep = 1};
    assert_int_equal(t->plugin->create(&t->host.host, &t->cfg, &t->self, &err), 0);
}

static void file_close(struct file_test *t)
{
    t->plugin->stop(t->self);
    t->plugin->destroy(t->self);
    (void)unlink(t->path);
    (void)unlink(t->other);
    (void)rmdir(t->dir);
    assert_int_equal(fake_host_free(&t->host), 0);
}

static int put(struct file_test *t, const char *text, uint64_t token, struct gyr_verdict *v,
               struct gyr_error *err)
{
    struct gyr_alert a = an_alert(text, token);
    const struct gyr_alert *list[1] = {&a};

    *v = (struct gyr_verdict){.verdict = GYR_V_RETRY};
    return t->plugin->output->write(t->self, list, 1, v, err);
}

static void check_file(const char *path, const char *want)
{
    char got[4096];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, got, sizeof(got) - 1);

    assert_true(n >= 0);
    got[n] = '\0';
    (void)close(fd);
    assert_string_equal(got, want);
}

#define LINE(t) "01:02:03.000000042: Warning " t "\n"

static void test_file(void **state)
{
    static struct file_test t;
    struct gyr_error err = {0};
    struct gyr_verdict v;
    struct stat st;

    (void)state;
    file_open(&t);
    (void)umask(0);
    assert_int_equal(t.plugin->start(t.self, &err), 0);
    assert_int_equal(put(&t, "one", 1, &v, &err), 0);
    assert_int_equal(v.verdict, GYR_V_ACCEPTED);
    assert_int_equal(stat(t.path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    /* rotated away: still written there until it is opened anew */
    assert_int_equal(rename(t.path, t.other), 0);
    assert_int_equal(put(&t, "two", 2, &v, &err), 0);
    assert_int_equal(t.plugin->output->reopen(t.self, &err), 0);
    assert_int_equal(put(&t, "three", 3, &v, &err), 0);
    check_file(t.other, LINE("one") LINE("two"));
    check_file(t.path, LINE("three"));
    /* appended to, not written over */
    t.plugin->stop(t.self);
    assert_int_equal(t.plugin->start(t.self, &err), 0);
    assert_int_equal(put(&t, "four", 4, &v, &err), 0);
    assert_int_equal(t.plugin->output->flush(t.self, 100, &err), 0);
    check_file(t.path, LINE("three") LINE("four"));
    file_close(&t);
}

static void test_file_refusals(void **state)
{
    static const char *const bad[] = {"", "8", "0x1", "01000", "rw", "0000000"};
    static struct file_test t;
    struct gyr_error err = {0};
    void *self = NULL;

    (void)state;
    file_open(&t);
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct file_config c = {.path = "/x", .mode = bad[i]};

        assert_int_equal(t.plugin->create(&t.host.host, &c, &self, &err), GYR_E_CONF);
    }
    t.cfg.path = "/nowhere/at/all";
    assert_int_equal(t.plugin->start(t.self, &err), -ENOENT);
    assert_string_equal(err.msg, "/nowhere/at/all: No such file or directory");
    t.cfg.path = t.path;
    assert_int_equal(t.plugin->start(t.self, &err), 0);
    /* a file that cannot be opened anew: the old one stays */
    t.cfg.path = "/nowhere/at/all";
    assert_true(t.plugin->output->reopen(t.self, &err) < 0);
    t.cfg.path = t.path;
    {
        struct gyr_verdict v;

        assert_int_equal(put(&t, "one", 1, &v, &err), 0);
    }
    check_file(t.path, LINE("one"));
    file_close(&t);
}

static void test_disk_full(void **state)
{
    static struct file_test t;
    struct gyr_error err = {0};
    struct gyr_verdict v;

    (void)state;
    if (access("/dev/full", W_OK) < 0) {
        print_message("no /dev/full here\n");
        skip();
    }
    file_open(&t);
    t.cfg.path = "/dev/full";
    assert_int_equal(t.plugin->start(t.self, &err), 0);
    assert_int_equal(put(&t, "one", 1, &v, &err), -ENOSPC);
    assert_int_equal(v.verdict, GYR_V_RETRY);
    assert_string_equal(err.msg, "/dev/full: No space left on device");
    file_close(&t);
}

/* ---- the writer on pipes ---- */

struct pipe_test {
    struct gyr_writer w;
    int fds[2];
};

static void pipe_open(struct pipe_test *t)
{
    struct gyr_error err;

    assert_int_equal(pipe2(t->fds, O_CLOEXEC), 0);
    assert_int_equal(gyr_writer_init(&t->w, &err), 0);
    gyr_writer_attach(&t->w, t->fds[1]);
}

static void pipe_close(struct pipe_test *t)
{
    gyr_writer_free(&t->w);
    (void)close(t->fds[1]);
    if (t->fds[0] >= 0)
        (void)close(t->fds[0]);
}

static void test_no_reader(void **state)
{
    struct gyr_alert a = an_alert("x", 1);
    const struct gyr_alert *list[2] = {&a, &a};
    struct gyr_verdict v[2] = {{.verdict = GYR_V_RETRY}, {.verdict = GYR_V_RETRY}};
    struct gyr_error err = {0};
    struct pipe_test t;

    (void)state;
    pipe_open(&t);
    (void)close(t.fds[0]);
    t.fds[0] = -1;
    assert_int_equal(gyr_writer_write(&t.w, "out", list, 2, v, &err), -EPIPE);
    assert_int_equal(v[0].verdict, GYR_V_FAILED);
    assert_int_equal(v[1].verdict, GYR_V_FAILED);
    assert_string_equal(err.msg, "out: Broken pipe");
    pipe_close(&t);
}

static void *wake_soon(void *w)
{
    (void)usleep(50000);
    gyr_writer_wake(w);
    return NULL;
}

static size_t drain(int fd, char *to, size_t max, size_t want)
{
    size_t n = 0;

    while (n < want && n < max) {
        ssize_t k = read(fd, to + n, max - n);

        if (k <= 0)
            break;
        n += (size_t)k;
    }
    return n;
}

/* A pipe that nobody reads: woken, the writer comes back; the torn line is continued later. */
static void test_torn_line(void **state)
{
    enum { LONG = 100000, PIPE = 65536 };
    static char text[LONG + 1], got[2 * PIPE];
    struct gyr_alert a;
    const struct gyr_alert *list[1] = {&a};
    struct gyr_verdict v = {.verdict = GYR_V_RETRY};
    struct gyr_error err = {0};
    struct pipe_test t;
    pthread_t thread;
    size_t n;

    (void)state;
    memset(text, 'x', LONG);
    a = an_alert(text, 7);
    pipe_open(&t);
    assert_int_equal(pthread_create(&thread, NULL, wake_soon, &t.w), 0);
    assert_int_equal(gyr_writer_write(&t.w, "out", list, 1, &v, &err), -EAGAIN);
    (void)pthread_join(thread, NULL);
    assert_int_equal(v.verdict, GYR_V_RETRY);
    n = t.w.torn_done;
    assert_in_range(n, 4096, PIPE);
    assert_int_equal(drain(t.fds[0], got, sizeof(got), n), n);
    v.verdict = GYR_V_RETRY;
    assert_int_equal(gyr_writer_write(&t.w, "out", list, 1, &v, &err), 0);
    assert_int_equal(v.verdict, GYR_V_ACCEPTED);
    n += drain(t.fds[0], got + n, sizeof(got) - n, LONG + 29 - n);
    assert_int_equal(n, LONG + 29); /* the line once, nothing twice */
    assert_int_equal(got[n - 1], '\n');
    assert_null(memchr(got, '\n', n - 1));
    pipe_close(&t);
}

/* Another alert comes first: the torn line is ended, and the next stands on its own. */
static void test_torn_line_given_up(void **state)
{
    struct gyr_alert a = an_alert("second", 8);
    const struct gyr_alert *list[1] = {&a};
    struct gyr_verdict v = {.verdict = GYR_V_RETRY};
    struct gyr_error err = {0};
    struct pipe_test t;
    char got[200] = "";

    (void)state;
    pipe_open(&t);
    t.w.torn_token = 7;
    t.w.torn_done = 5;
    assert_int_equal(gyr_writer_write(&t.w, "out", list, 1, &v, &err), 0);
    assert_int_equal(read(t.fds[0], got, sizeof(got) - 1), 1 + strlen(LINE("second")));
    assert_string_equal(got, "\n" LINE("second"));
    pipe_close(&t);
}

/* The same, and nobody reads: the writer can be woken there too. */
static void test_torn_line_in_a_full_pipe(void **state)
{
    struct gyr_alert a = an_alert("second", 8);
    const struct gyr_alert *list[1] = {&a};
    struct gyr_verdict v = {.verdict = GYR_V_RETRY};
    struct gyr_error err = {0};
    static char full[65536];
    struct pipe_test t;
    pthread_t thread;

    (void)state;
    pipe_open(&t);
    assert_int_equal(fcntl(t.fds[1], F_SETFL, O_NONBLOCK), 0);
    while (write(t.fds[1], full, sizeof(full)) > 0)
        ;
    assert_int_equal(fcntl(t.fds[1], F_SETFL, 0), 0);
    t.w.torn_token = 7;
    t.w.torn_done = 5;
    (void)alarm(20); /* it would hang */
    assert_int_equal(pthread_create(&thread, NULL, wake_soon, &t.w), 0);
    assert_int_equal(gyr_writer_write(&t.w, "out", list, 1, &v, &err), -EAGAIN);
    (void)alarm(0);
    (void)pthread_join(thread, NULL);
    assert_int_equal(v.verdict, GYR_V_RETRY);
    pipe_close(&t);
}

/* A digest may be more than goes into one write. */
static void test_many(void **state)
{
    enum { N = 1000 };
    struct gyr_alert a = an_alert("x", 1);
    static const struct gyr_alert *list[N];
    static struct gyr_verdict v[N];
    static char got[N * 64];
    struct gyr_error err = {0};
    struct pipe_test t;

    (void)state;
    for (int i = 0; i < N; i++) {
        list[i] = &a;
        v[i].verdict = GYR_V_RETRY;
    }
    pipe_open(&t);
    assert_int_equal(gyr_writer_write(&t.w, "out", list, N, v, &err), 0);
    for (int i = 0; i < N; i++)
        assert_int_equal(v[i].verdict, GYR_V_ACCEPTED);
    assert_int_equal(read(t.fds[0], got, sizeof(got)), N * strlen(LINE("x")));
    pipe_close(&t);
}

static void test_descriptor(void **state)
{
    const struct gyr_plugin *p = gyr_plugin_query_stdout(0);

    (void)state;
    assert_string_equal(p->name, "stdout");
    assert_non_null(p->output->write);
    assert_int_equal(p->n_options, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_file_refusals),
        cmocka_unit_test(test_disk_full),
        cmocka_unit_test(test_no_reader),
        cmocka_unit_test(test_torn_line),
        cmocka_unit_test(test_torn_line_given_up),
        cmocka_unit_test(test_torn_line_in_a_full_pipe),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_descriptor),
    };

    (void)signal(SIGPIPE, SIG_IGN);
    (void)setenv("TZ", "UTC", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
