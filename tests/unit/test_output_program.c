/* SPDX-License-Identifier: Apache-2.0 */
/* The output program: real commands that read, hang, die, read slowly. */
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
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

const struct gyr_plugin *gyr_plugin_query_program(uint32_t host_abi);

/* As the option table of the plugin describes it. */
struct config {
    const char *const *command;
    int64_t format;
    uint64_t timeout, hang_timeout, stop_wait;
};

static const uint64_t MS = 1000000;

struct rig {
    struct fake_host host;
    const struct gyr_plugin *plugin;
    struct config cfg;
    struct gyr_error err;
    void *self;
    char dir[64], out[96], script[2048];
    const char *argv[4];
};

static struct rig rig;

/* @p script for sh; $OUT is a file. */
static int rig_open(struct rig *t, const char *script)
{
    int r;

    memset(t, 0, sizeof(*t));
    fake_host_init(&t->host);
    t->plugin = gyr_plugin_query_program(0);
    assert_int_equal(t->plugin->config_size, sizeof(t->cfg));
    (void)snprintf(t->dir, sizeof(t->dir), "/tmp/gyr-prog-XXXXXX");
    assert_non_null(mkdtemp(t->dir));
    (void)snprintf(t->out, sizeof(t->out), "%s/out", t->dir);
    (void)snprintf(t->script, sizeof(t->script), "OUT=%s; %s", t->out, script);
    t->argv[0] = "sh";
    t->argv[1] = "-c";
    t->argv[2] = t->script;
    t->cfg = (struct config){
        .command = t->argv, .format = ENCODE_JSON, .timeout = 200 * MS, .stop_wait = 300 * MS};
    r = t->plugin->create(&t->host.host, &t->cfg, &t->self, &t->err);
    return r;
}

static void rig_start(struct rig *t)
{
    assert_int_equal(t->plugin->start(t->self, &t->err), 0);
}

static void rig_stop(struct rig *t)
{
    t->plugin->stop(t->self);
}

static void rig_close(struct rig *t)
{
    t->plugin->destroy(t->self);
    (void)unlink(t->out);
    (void)rmdir(t->dir);
    assert_int_equal(fake_host_free(&t->host), 0);
}

static double seconds(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int put(struct rig *t, uint64_t token, const char *json, struct gyr_verdict *v)
{
    struct gyr_alert a = {.size = sizeof(a),
                          .token = token,
                          .text = "",
                          .json = json,
                          .json_len = (uint32_t)strlen(json)};
    const struct gyr_alert *list[1] = {&a};

    *v = (struct gyr_verdict){.verdict = GYR_V_RETRY};
    return t->plugin->output->write(t->self, list, 1, v, &t->err);
}

/* The verdict on the alert @p token: what host->ack() was told last; -1: nothing. */
static int verdict_of(struct rig *t, uint64_t token)
{
    int v = -1;

    (void)pthread_mutex_lock(&t->host.lock);
    for (uint32_t i = 0; i < t->host.n_acks; i++)
        if (t->host.acks[i].token == token)
            v = (int)t->host.acks[i].verdict;
    (void)pthread_mutex_unlock(&t->host.lock);
    return v;
}

static bool logged(struct rig *t, const char *text)
{
    bool found;

    (void)pthread_mutex_lock(&t->host.lock);
    found = strstr(t->host.log, text) != NULL;
    (void)pthread_mutex_unlock(&t->host.lock);
    return found;
}

#define UNTIL(cond)                                                                                \
    do {                                                                                           \
        for (int i_ = 0; i_ < 1000 && !(cond); i_++)                                               \
            (void)usleep(10000);                                                                   \
        assert_true(cond);                                                                         \
    } while (0)

static const char *content(const struct rig *t)
{
    static char got[65536];
    int fd = open(t->out, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, got, sizeof(got) - 1);

    got[n > 0 ? n : 0] = '\0';
    if (fd >= 0)
        (void)close(fd);
    return got;
}

static void test_reads(void **state)
{
    struct gyr_verdict v;

    (void)state;
    assert_int_equal(rig_open(&rig, "cat >$OUT; echo end >>$OUT"), 0);
    rig_start(&rig);
    assert_int_equal(put(&rig, 1, "{\"a\":1}", &v), 0);
    assert_int_equal(v.verdict, GYR_V_LATER);
    assert_int_equal(put(&rig, 2, "{\"a\":2}", &v), 0);
    UNTIL(verdict_of(&rig, 2) == GYR_V_ACCEPTED);
    assert_int_equal(verdict_of(&rig, 1), GYR_V_ACCEPTED);
    rig_stop(&rig);
    /* its input was closed, and it had the time to end */
    assert_string_equal(content(&rig), "{\"a\":1}\n{\"a\":2}\nend\n");
    assert_false(logged(&rig, "SIGTERM"));
    rig_close(&rig);
}

/* Each reads one line and dies: what it did not read comes again, to the next. */
static void test_dies(void **state)
{
    struct gyr_verdict v;

    (void)state;
    assert_int_equal(
        rig_open(&rig, "read x; echo \"$x\" >>$OUT; echo I die >&2; sleep 0.3; exit 3"), 0);
    rig_start(&rig);
    assert_int_equal(put(&rig, 1, "one", &v), 0);
    assert_int_equal(put(&rig, 2, "two", &v), 0);
    UNTIL(verdict_of(&rig, 2) == GYR_V_RETRY);
    assert_int_equal(verdict_of(&rig, 1), GYR_V_ACCEPTED);
    assert_true(logged(&rig, "the command says: I die"));
    assert_true(logged(&rig, "the command ended with exit status 3; it is started again in 0.25"));
    assert_int_equal(put(&rig, 2, "two", &v), 0); /* waits for the next one */
    assert_int_equal(v.verdict, GYR_V_LATER);
    UNTIL(verdict_of(&rig, 2) == GYR_V_ACCEPTED);
    UNTIL(logged(&rig, "it is started again in 0.50"));
    rig_stop(&rig);
    assert_string_equal(content(&rig), "one\ntwo\n");
    rig_close(&rig);
}

/* One that ends at once: told with how long it rests, and asked no earlier. */
static void test_does_not_live(void **state)
{
    struct gyr_verdict v;
    int r;

    (void)state;
    assert_int_equal(rig_open(&rig, "exit 7"), 0);
    rig_start(&rig);
    UNTIL(logged(&rig, "again in 1.00 s"));
    r = put(&rig, 1, "x", &v);
    assert_true(r == -ECHILD || r == -EPIPE || v.verdict == GYR_V_LATER);
    assert_int_not_equal(verdict_of(&rig, 1), GYR_V_ACCEPTED);
    UNTIL(logged(&rig, "again in 2.00 s"));
    assert_int_equal(put(&rig, 2, "x", &v), -ECHILD);
    assert_int_equal(v.verdict, GYR_V_RETRY);
    assert_in_range(v.retry_after_ns, 100 * MS, 2000 * MS);
    assert_string_equal(rig.err.msg, "the command ended with exit status 7");
    rig_stop(&rig);
    rig_close(&rig);
}

static void *wake_soon(void *arg)
{
    struct rig *t = arg;

    (void)usleep(100000);
    t->plugin->output->wake(t->self);
    return NULL;
}

/* One that never reads, and ignores the close and SIGTERM. */
static void test_hangs(void **state)
{
    static char big[60001];
    struct gyr_verdict v;
    pthread_t thread;
    double t0;
    int r = 0;

    (void)state;
    memset(big, 'x', sizeof(big) - 1);
    assert_int_equal(rig_open(&rig, "trap '' TERM; while :; do sleep 0.1; done"), 0);
    rig_start(&rig);
    t0 = seconds();
    for (uint64_t i = 1; i < 4 && r == 0; i++)
        r = put(&rig, i, big, &v);
    assert_int_equal(r, -ETIMEDOUT);
    assert_int_equal(v.verdict, GYR_V_RETRY);
    assert_string_equal(rig.err.msg, "the command has read nothing for 0.2 s");
    assert_true(seconds() - t0 < 3);
    assert_int_equal(verdict_of(&rig, 1), -1); /* in the pipe, and nobody has read it */
    rig_stop(&rig);
    assert_true(logged(&rig, "it gets SIGTERM"));
    assert_true(logged(&rig, "it is killed"));
    assert_int_equal(verdict_of(&rig, 1), GYR_V_RETRY);
    rig_close(&rig);

    /* woken, it does not wait for its time */
    assert_int_equal(rig_open(&rig, "sleep 1000"), 0);
    rig.plugin->destroy(rig.self);
    rig.cfg.timeout = 60000 * MS;
    assert_int_equal(rig.plugin->create(&rig.host.host, &rig.cfg, &rig.self, &rig.err), 0);
    rig_start(&rig);
    assert_int_equal(put(&rig, 1, big, &v), 0);
    assert_int_equal(pthread_create(&thread, NULL, wake_soon, &rig), 0);
    t0 = seconds();
    assert_int_equal(put(&rig, 2, big, &v), -EAGAIN);
    assert_true(seconds() - t0 < 10);
    (void)pthread_join(thread, NULL);
    rig_stop(&rig);
    rig_close(&rig);
}

static void test_hang_timeout(void **state)
{
    struct gyr_verdict v;

    (void)state;
    assert_int_equal(rig_open(&rig, "sleep 1000"), 0);
    rig.cfg.hang_timeout = 300 * MS;
    rig.plugin->destroy(rig.self);
    assert_int_equal(rig.plugin->create(&rig.host.host, &rig.cfg, &rig.self, &rig.err), 0);
    rig_start(&rig);
    assert_int_equal(put(&rig, 1, "x", &v), 0);
    UNTIL(verdict_of(&rig, 1) == GYR_V_RETRY);
    assert_true(logged(&rig, "has read nothing for 0 s and is killed"));
    assert_true(logged(&rig, "was ended by signal 9"));
    rig_stop(&rig);
    rig_close(&rig);
}

/* Slow, but it reads: every alert is acknowledged once, in order, and none comes twice. */
static void test_slow(void **state)
{
    enum { N = 100 };
    struct gyr_verdict v;
    char json[32], want[16384] = "";
    size_t len = 0;

    (void)state;
    assert_int_equal(rig_open(&rig, "while read x; do echo \"$x\" >>$OUT; sleep 0.01; done"), 0);
    rig_start(&rig);
    for (uint64_t i = 1; i <= N; i++) {
        (void)snprintf(json, sizeof(json), "[%llu]", (unsigned long long)i);
        len += (size_t)snprintf(want + len, sizeof(want) - len, "%s\n", json);
        assert_int_equal(put(&rig, i, json, &v), 0);
        assert_int_equal(v.verdict, GYR_V_LATER);
    }
    assert_int_equal(verdict_of(&rig, N), -1);
    UNTIL(verdict_of(&rig, N) == GYR_V_ACCEPTED);
    assert_int_equal(rig.host.n_acks, N);
    for (uint32_t i = 0; i < N; i++)
        assert_int_equal(rig.host.acks[i].token, i + 1);
    rig_stop(&rig);
    assert_string_equal(content(&rig), want);
    rig_close(&rig);
}

static void test_talks(void **state)
{
    (void)state;
    assert_int_equal(rig_open(&rig, "i=0; while [ $i -lt 100 ]; do echo line $i; i=$((i+1)); done; "
                                    "printf 'a\\001b' >&2; cat >/dev/null"),
                     0);
    rig_start(&rig);
    UNTIL(logged(&rig, "the command says: line 9"));
    (void)usleep(200000);
    assert_false(logged(&rig, "line 10"));
    rig_stop(&rig);
    assert_true(logged(&rig, "the command said 91 more lines"));
    rig_close(&rig);
}

/* No capability, no way to new ones, no descriptor of ours, signals as they should be. */
static void test_what_it_inherits(void **state)
{
    const char *got;
    int leak = open("/dev/null", O_RDONLY); /* without O_CLOEXEC, as others' code may have it */
    struct gyr_verdict v;

    (void)state;
    assert_true(leak >= 0);
    assert_int_equal(rig_open(&rig, "exec >$OUT; grep -E '^(CapInh|CapPrm|CapEff|CapAmb|NoNewPrivs|"
                                    "SigBlk|SigIgn)' /proc/self/status; ls /proc/self/fd | wc -l; "
                                    "read x; echo $x"),
                     0);
    rig_start(&rig);
    assert_int_equal(put(&rig, 1, "done", &v), 0);
    UNTIL(strstr(content(&rig), "done"));
    got = content(&rig);
    assert_non_null(strstr(got, "CapInh:\t0000000000000000"));
    assert_non_null(strstr(got, "CapPrm:\t0000000000000000"));
    assert_non_null(strstr(got, "CapEff:\t0000000000000000"));
    assert_non_null(strstr(got, "CapAmb:\t0000000000000000"));
    assert_non_null(strstr(got, "NoNewPrivs:\t1"));
    assert_non_null(strstr(got, "SigBlk:\t0000000000000000"));
    got = strstr(got, "SigIgn:\t"); /* the C library leaves its own two, 32 and 33, ignored */
    assert_non_null(got);
    assert_int_equal(strtoull(got + 8, NULL, 16) & 0x7fffffff, 0);
    assert_non_null(strstr(got, "\n4\n")); /* 0, 1, 2 and the folder that ls reads */
    rig_stop(&rig);
    rig_close(&rig);
    (void)close(leak);
}

static void test_refused(void **state)
{
    static const char *const none[] = {NULL}, *const empty[] = {"", NULL};
    struct config c = {.command = none, .timeout = 1000 * MS};
    struct gyr_error err = {0};
    char path[128];
    void *self;
    int fd;

    (void)state;
    assert_int_equal(rig_open(&rig, "cat"), 0);
    assert_int_equal(rig.plugin->create(&rig.host.host, &c, &self, &err), GYR_E_CONF);
    c.command = empty;
    assert_int_equal(rig.plugin->create(&rig.host.host, &c, &self, &err), GYR_E_CONF);
    rig.argv[0] = "no-such-command-here";
    assert_int_equal(rig.plugin->start(rig.self, &err), -ENOENT);
    assert_string_equal(err.msg, "command no-such-command-here: not found in PATH");
    (void)snprintf(path, sizeof(path), "%s/cmd", rig.dir);
    rig.argv[0] = path;
    assert_int_equal(rig.plugin->start(rig.self, &err), -ENOENT);
    fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0700);
    (void)close(fd);
    if (geteuid() == 0) {
        assert_int_equal(chown(path, 1234, 0), 0);
        assert_int_equal(rig.plugin->start(rig.self, &err), -EPERM);
        assert_non_null(strstr(err.msg, "another user could change"));
    } else {
        print_message("not root: a command of another user's was not tried\n");
    }
    (void)unlink(path);
    rig_stop(&rig);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads),         cmocka_unit_test(test_dies),
        cmocka_unit_test(test_does_not_live), cmocka_unit_test(test_hangs),
        cmocka_unit_test(test_hang_timeout),  cmocka_unit_test(test_slow),
        cmocka_unit_test(test_talks),         cmocka_unit_test(test_what_it_inherits),
        cmocka_unit_test(test_refused),
    };

    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
