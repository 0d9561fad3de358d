/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the above first */
#include "base/cleanup.h"
#include "plugin/plugin.h"

#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* An output whose create() and destroy() do what the test asks for. */
struct config {
    uint8_t fail;
    int64_t size;
};

enum {
    ENDLESS = 77,
    SPEECHLESS = 78
}; /* sizes at which create() fails without a proper sentence */

static const struct gyr_host *host; /* of the last instance */
static const struct config *given;
static int started, stopped, destroyed, start_result;
static uint64_t left_thread;

static int create(const struct gyr_host *h, const void *cfg, void **ret_self, struct gyr_error *err)
{
    host = h;
    given = cfg;
    if (given->size == ENDLESS) {
        memset(err->msg, 'e', sizeof(err->msg));
        return -EIO;
    }
    if (given->size == SPEECHLESS)
        return -EIO;
    if (given->fail)
        return gyr_fail(err, GYR_E_CONF, "cannot do that");
    *ret_self = &started;
    return 0;
}

static int start(void *self, struct gyr_error *err)
{
    (void)self;
    started++;
    return start_result < 0 ? gyr_fail(err, start_result, "no route") : 0;
}

static void stop(void *self)
{
    (void)self;
    stopped++;
}

static void nothing(void *arg)
{
    (void)arg;
}

static void destroy(void *self)
{
    (void)self;
    destroyed++;
}

static int write_alerts(void *self, const struct gyr_alert *const *alerts, uint32_t n,
                        struct gyr_verdict *v, struct gyr_error *err)
{
    (void)self;
    (void)alerts;
    (void)n;
    (void)v;
    (void)err;
    return 0;
}

static const struct gyr_option options[] = {
    {GYR_OPT(struct config, fail, GYR_O_BOOL, "fail", NULL, "Fail.")},
    {GYR_OPT(struct config, size, GYR_O_INT, "size", "7", "Size.")},
};
static const struct gyr_output_ops ops = {.size = sizeof(ops), .write = write_alerts};
static const struct gyr_plugin desc = {GYR_PLUGIN_HEAD,
                                       .name = "probe",
                                       .version = "1",
                                       .output = &ops,
                                       .options = options,
                                       .n_options = ARRAY_LEN(options),
                                       .config_size = sizeof(struct config),
                                       .create = create,
                                       .start = start,
                                       .stop = stop,
                                       .destroy = destroy};

static struct plugin plugin;
static struct arena *arena;
static struct diags diags;

static int setup(void **state)
{
    struct gyr_error err;

    (void)state;
    started = stopped = destroyed = start_result = 0;
    arena = arena_new(1 << 20);
    diags_init(&diags, arena);
    return plugin_adopt(&desc, "probe", &plugin, &err);
}

static int teardown(void **state)
{
    (void)state;
    plugin_release(&plugin);
    arena_free(arena);
    return 0;
}

static struct instance *make(const char *yaml, const struct host_hooks *hooks)
{
    struct instance_conf conf = {
        .plugin = &plugin, .capability = GYR_CAP_OUTPUT, .name = "soc", .host_root = "/host"};
    struct ynode *root = NULL;
    struct instance *i = NULL;

    assert_int_equal(yaml_parse("g.yaml", yaml, strlen(yaml), arena, &diags, &root), 0);
    conf.options = root;
    if (hooks)
        conf.hooks = *hooks;
    return instance_new(&conf, &diags, &i) == 0 ? i : NULL;
}

static void an_instance_lives(void **state)
{
    struct instance *i = make("size: 9", NULL);
    struct gyr_error err;

    (void)state;
    assert_non_null(i);
    assert_int_equal(given->size, 9);
    assert_string_equal(host->instance, "soc");
    assert_string_equal(host->host_root, "/host");
    assert_int_equal(host->capability, GYR_CAP_OUTPUT);
    assert_int_equal(host->size, sizeof(struct gyr_host));
    assert_true(host->now_ns(host->ctx) > 0);
    instance_stop(i);
    assert_int_equal(stopped, 0);
    assert_int_equal(instance_start(i, &err), 0);
    assert_int_equal(instance_start(i, &err), 0);
    assert_int_equal(started, 1);
    instance_free(i);
    assert_int_equal(stopped, 1);
    assert_int_equal(destroyed, 1);
    instance_free(NULL);
}

static void a_start_that_fails_is_not_stopped(void **state)
{
    struct instance *i = make("", NULL);
    struct gyr_error err = {0};

    (void)state;
    start_result = -EHOSTUNREACH;
    assert_int_equal(instance_start(i, &err), -EHOSTUNREACH);
    assert_string_equal(err.msg, "plugin soc: no route");
    instance_free(i);
    assert_int_equal(stopped, 0);
    assert_int_equal(destroyed, 1);
}

static void what_create_refuses_is_told(void **state)
{
    (void)state;
    assert_null(make("fail: yes", NULL));
    assert_string_equal(diags.first->text, "plugin soc: cannot do that");
    assert_int_equal(destroyed, 0);
    diags_init(&diags, arena);
    assert_null(make("sise: 1", NULL));
    assert_string_equal(diags.first->text, "plugin soc has no option 'sise'; did you mean 'size'?");
}

/* A sentence that fills all its room and does not end is cut where the room ends. */
static void what_is_no_sentence_is_told(void **state)
{
    struct gyr_error all;

    (void)state;
    memset(all.msg, 'e', sizeof(all.msg));
    all.msg[sizeof(all.msg) - 1] = '\0';
    assert_null(make("size: 77", NULL));
    assert_int_equal(strlen(diags.first->text), strlen("plugin soc: ") + sizeof(all.msg) - 1);
    assert_string_equal(diags.first->text + strlen("plugin soc: "), all.msg);
    diags_init(&diags, arena);
    assert_null(make("size: 78", NULL));
    assert_string_equal(diags.first->text, "plugin soc: create() failed and does not say why");
}

static void a_capability_it_lacks(void **state)
{
    struct instance_conf conf = {.plugin = &plugin, .capability = GYR_CAP_SOURCE, .name = "soc"};
    struct instance *i = NULL;

    (void)state;
    assert_int_equal(instance_new(&conf, &diags, &i), -EINVAL);
    assert_string_equal(diags.first->text, "plugin 'probe' is not a source");
}

/* ---- metrics ---- */

static void count_much(void *arg)
{
    (void)arg;
    for (int i = 0; i < 10000; i++)
        (void)host->metric_add(host->ctx, "sent", 1);
}

static void counters_from_many_threads(void **state)
{
    struct instance *i = make("", NULL);
    const char *const *names;
    const uint64_t *values;
    uint64_t id[4];
    char name[80];

    (void)state;
    for (int t = 0; t < 4; t++)
        assert_int_equal(host->thread_start(host->ctx, "count", count_much, NULL, &id[t]), 0);
    for (int t = 0; t < 4; t++)
        assert_int_equal(host->thread_join(host->ctx, id[t]), 0);
    assert_int_equal(instance_metrics(i, &names, &values), 1);
    assert_string_equal(names[0], "sent");
    assert_int_equal(values[0], 40000);
    for (int k = 1; k < 64; k++) {
        (void)snprintf(name, sizeof(name), "m%d", k);
        assert_int_equal(host->metric_add(host->ctx, name, 1), 0);
    }
    assert_int_equal(host->metric_add(host->ctx, "one-too-many", 1), -ENOSPC);
    assert_int_equal(host->metric_add(host->ctx, "sent", 1), 0);
    assert_int_equal(instance_metrics(i, &names, &values), 64);
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    assert_int_equal(host->metric_add(host->ctx, name, 1), -EINVAL);
    assert_int_equal(host->metric_add(host->ctx, "", 1), -EINVAL);
    assert_int_equal(host->metric_add(host->ctx, NULL, 1), -EINVAL);
    instance_free(i);
}

/* ---- threads ---- */

struct seen {
    char name[16];
    bool all_blocked;
};

static void look_around(void *arg)
{
    struct seen *s = arg;
    sigset_t set;

    (void)pthread_getname_np(pthread_self(), s->name, sizeof(s->name));
    (void)pthread_sigmask(SIG_SETMASK, NULL, &set);
    s->all_blocked = sigismember(&set, SIGTERM) == 1 && sigismember(&set, SIGINT) == 1 &&
                     sigismember(&set, SIGHUP) == 1 && sigismember(&set, SIGUSR1) == 1;
}

static void join_oneself(void *arg)
{
    *(int *)arg = host->thread_join(host->ctx, left_thread);
}

static void threads_are_named_and_deaf_to_signals(void **state)
{
    struct instance *i = make("", NULL);
    struct seen seen = {0};
    sigset_t set;
    uint64_t id = 0;
    int r = 0;

    (void)state;
    assert_int_equal(host->thread_start(host->ctx, "fetcher", look_around, &seen, &id), 0);
    assert_int_equal(host->thread_join(host->ctx, id), 0);
    assert_string_equal(seen.name, "fetcher");
    assert_true(seen.all_blocked);
    (void)pthread_sigmask(SIG_SETMASK, NULL, &set);
    assert_int_equal(sigismember(&set, SIGTERM), 0);
    assert_int_equal(host->thread_join(host->ctx, id), -ESRCH);
    assert_int_equal(host->thread_join(host->ctx, 999), -ESRCH);
    assert_int_equal(host->thread_start(host->ctx, "sixteen bytes!!!", nothing, NULL, &id),
                     -EINVAL);
    assert_int_equal(host->thread_start(host->ctx, "", nothing, NULL, &id), -EINVAL);
    left_thread = 2; /* the next id: a thread must not wait for itself */
    assert_int_equal(host->thread_start(host->ctx, "self", join_oneself, &r, &id), 0);
    assert_int_equal(id, left_thread);
    assert_int_equal(host->thread_join(host->ctx, id), 0);
    assert_int_equal(r, -ESRCH);
    instance_free(i);
}

static void too_many_threads(void **state)
{
    struct instance *i = make("", NULL);
    uint64_t id[64], more;

    (void)state;
    for (int t = 0; t < 64; t++)
        assert_int_equal(host->thread_start(host->ctx, "t", nothing, NULL, &id[t]), 0);
    assert_int_equal(host->thread_start(host->ctx, "t", nothing, NULL, &more), -EAGAIN);
    for (int t = 0; t < 64; t++)
        assert_int_equal(host->thread_join(host->ctx, id[t]), 0);
    instance_free(i);
}

/* What the program says on standard error while @p fn runs. */
static char *stderr_of(void (*fn)(struct instance *i), struct instance *i)
{
    char name[] = "/tmp/gyr-test-XXXXXX", *text;
    int fd = mkstemp(name), saved = dup(STDERR_FILENO);
    ssize_t n;

    assert_true(fd >= 0 && saved >= 0);
    (void)unlink(name);
    (void)dup2(fd, STDERR_FILENO);
    fn(i);
    (void)dup2(saved, STDERR_FILENO);
    (void)close(saved);
    text = calloc(1, 1 << 16);
    assert_non_null(text);
    n = pread(fd, text, (1 << 16) - 1, 0);
    assert_true(n >= 0);
    (void)close(fd);
    return text;
}

static void free_it(struct instance *i)
{
    instance_free(i);
}

static atomic_bool ended;

static void end_soon(void *arg)
{
    (void)arg;
    atomic_store(&ended, true);
}

static void a_thread_left_behind_is_named(void **state)
{
    struct instance *i = make("", NULL);
    uint64_t id;
    char *said;

    (void)state;
    atomic_store(&ended, false);
    assert_int_equal(host->thread_start(host->ctx, "forgotten", end_soon, NULL, &id), 0);
    while (!atomic_load(&ended))
        (void)usleep(1000);
    (void)usleep(20000);
    said = stderr_of(free_it, i);
    assert_string_equal(said, "gyr: error: plugin soc: destroy() has not joined its thread "
                              "'forgotten'\n");
    free(said);
}

/* ---- log ---- */

static void say_much(struct instance *i)
{
    (void)i;
    gyr_logf(host, GYR_LOG_DEBUG, "not shown");
    for (int k = 0; k < 100; k++)
        gyr_logf(host, GYR_LOG_WARNING, "line %d\033[31m", k);
    (void)usleep(600000);
    gyr_logf(host, GYR_LOG_WARNING, "later");
}

static void the_log_is_limited(void **state)
{
    struct instance *i = make("", NULL);
    char *said = stderr_of(say_much, i);

    (void)state;
    assert_null(strstr(said, "not shown"));
    assert_non_null(strstr(said, "gyr: warning: plugin soc: line 0?[31m\n"));
    assert_non_null(strstr(said, "line 19?"));
    assert_null(strstr(said, "line 50?"));
    assert_non_null(strstr(said, "messages were left out\n"));
    assert_non_null(strstr(said, "plugin soc: later\n"));
    free(said);
    instance_free(i);
}

/* ---- hooks ---- */

static uint64_t hooked[3];

static int hook_emit(void *ctx, const struct gyr_event *ev)
{
    (void)ev;
    ((uint64_t *)ctx)[0]++;
    return -EAGAIN;
}

static void hook_resolved(void *ctx, uint64_t ticket)
{
    ((uint64_t *)ctx)[1] = ticket;
}

static void hook_ack(void *ctx, uint64_t token, uint32_t verdict, uint64_t retry_after_ns)
{
    ((uint64_t *)ctx)[2] = token + verdict + retry_after_ns;
}

static void calls_reach_their_hooks(void **state)
{
    const struct host_hooks hooks = {
        .ctx = hooked, .emit = hook_emit, .resolved = hook_resolved, .ack = hook_ack};
    const struct gyr_event ev = {.len = sizeof(ev), .hdr_len = sizeof(ev)};
    struct instance *i = make("", NULL);

    (void)state;
    assert_int_equal(host->emit(host->ctx, &ev), -ENOTSUP);
    host->resolved(host->ctx, 1);
    host->ack(host->ctx, 1, 2, 3);
    assert_null(host->event_alloc(host->ctx, 8));
    assert_null(host->schema(host->ctx, "syscall"));
    instance_set_hooks(i, &hooks);
    assert_int_equal(host->emit(host->ctx, &ev), -EAGAIN);
    host->resolved(host->ctx, 42);
    host->ack(host->ctx, 100, 1, 10);
    assert_int_equal(hooked[0], 1);
    assert_int_equal(hooked[1], 42);
    assert_int_equal(hooked[2], 111);
    assert_null(host->event_alloc(host->ctx, 8));
    instance_free(i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_instance_lives, setup, teardown),
        cmocka_unit_test_setup_teardown(a_start_that_fails_is_not_stopped, setup, teardown),
        cmocka_unit_test_setup_teardown(what_create_refuses_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_sentence_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(a_capability_it_lacks, setup, teardown),
        cmocka_unit_test_setup_teardown(counters_from_many_threads, setup, teardown),
        cmocka_unit_test_setup_teardown(threads_are_named_and_deaf_to_signals, setup, teardown),
        cmocka_unit_test_setup_teardown(too_many_threads, setup, teardown),
        cmocka_unit_test_setup_teardown(a_thread_left_behind_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(the_log_is_limited, setup, teardown),
        cmocka_unit_test_setup_teardown(calls_reach_their_hooks, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
