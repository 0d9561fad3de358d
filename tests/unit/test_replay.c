/* SPDX-License-Identifier: Apache-2.0 */
/* The replay plugin through its ABI: files, standard input, pipes, speed, waking, progress. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../lib/scap_build.h"

#include "syscall/syscall.h"

#include <errno.h>
#include <fcntl.h>
#include <gyr/plugin.h>
#include <pthread.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

const struct gyr_plugin *gyr_plugin_query_replay(uint32_t host_abi);

enum { SPEED_REAL, SPEED_MAX };

struct config { /* as the plugin's own */
    const char *const *path;
    int64_t speed;
};

static const int64_t zero, three = 3;
static const struct gyr_plugin *plugin;
static uint64_t unknown_told;
static char dir[] = "/tmp/gyr-replay-XXXXXX";

static void host_log(void *ctx, int32_t level, const char *msg, size_t len)
{
    (void)ctx;
    (void)level;
    (void)msg;
    (void)len;
}

static int host_metric(void *ctx, const char *name, uint64_t delta)
{
    (void)ctx;
    if (strcmp(name, "events_unknown") == 0)
        unknown_told += delta;
    return 0;
}

static const struct gyr_host host = {
    .size = sizeof(host), .log = host_log, .metric_add = host_metric};

static uint64_t now_ns(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* @p n closes, @p step ns apart. */
static void build(struct scap_build *b, unsigned n, uint64_t step)
{
    sb_section(b);
    for (unsigned i = 0; i < n; i++)
        sb_event(b, 1000 + i * step, 1, EV_SYSCALL_CLOSE_X, SB_PARAMS(SB_VAR(zero), SB_VAR(three)));
}

static const char *path_of(const char *name)
{
    static char path[128];

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    return path;
}

static char *write_file(const char *name, const struct scap_build *b)
{
    char *path = strdup(path_of(name));
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(b->p, 1, b->len, f), b->len);
    assert_int_equal(fclose(f), 0);
    return path;
}

static void *start(const struct config *cfg)
{
    struct gyr_error err;
    void *self;

    if (plugin->create(&host, cfg, &self, &err) < 0 || plugin->start(self, &err) < 0)
        fail_msg("%s", err.msg);
    return self;
}

static void finish(void *self)
{
    plugin->stop(self);
    plugin->destroy(self);
}

/* One batch. @return its size, or what next_batch() returned. */
static int batch(void *self, uint32_t cap, uint32_t timeout_ms, const struct gyr_event **ev,
                 struct gyr_error *err)
{
    struct gyr_batch b = {.size = sizeof(b), .cap = cap, .timeout_ms = timeout_ms, .ev = ev};
    int r = plugin->source->next_batch(self, &b, err);

    return r < 0 ? r : (int)b.n;
}

/* All there is. @return how it ends. */
static int drain(void *self, uint64_t *ret_last, struct gyr_error *err)
{
    const struct gyr_event *ev[16];
    int n;

    *ret_last = 0;
    while ((n = batch(self, 16, 1000, ev, err)) >= 0)
        for (int i = 0; i < n; i++)
            if (!(ev[i]->flags & GYR_EVF_SNAPSHOT))
                *ret_last = ev[i]->num;
    return n;
}

static void files_in_order(void **state)
{
    struct scap_build b = {0};
    const char *paths[3] = {NULL};
    struct config cfg = {paths, SPEED_MAX};
    struct gyr_progress p = {.size = sizeof(p)};
    struct gyr_error err;
    struct stat st;
    uint64_t last;
    void *self;

    (void)state;
    build(&b, 100, 1);
    paths[0] = write_file("a", &b);
    paths[1] = paths[0];
    self = start(&cfg);
    assert_int_equal(stat(paths[0], &st), 0);
    plugin->source->progress(self, &p);
    assert_int_equal(p.done, 0);
    assert_int_equal(p.total, 2 * st.st_size);
    for (int round = 0; round < 2; round++) { /* a stopped source may be started again */
        assert_int_equal(drain(self, &last, &err), GYR_E_EOF);
        assert_int_equal(last, 200);
        assert_int_equal(drain(self, &last, &err), GYR_E_EOF); /* and stays at its end */
        plugin->source->progress(self, &p);
        assert_int_equal(p.done, p.total);
        plugin->stop(self);
        assert_int_equal(plugin->start(self, &err), 0);
    }
    finish(self);
    sb_free(&b);
    free((void *)(uintptr_t)paths[0]);
}

static void refusals(void **state)
{
    const char *none[] = {NULL}, *missing[] = {"/nowhere/x.scap", NULL}, *folder[] = {dir, NULL};
    struct config cfg = {none, SPEED_MAX};
    struct gyr_error err;
    void *self;

    (void)state;
    assert_int_equal(plugin->create(&host, &cfg, &self, &err), GYR_E_CONF);
    cfg.path = missing;
    assert_int_equal(plugin->create(&host, &cfg, &self, &err), 0);
    assert_int_equal(plugin->start(self, &err), -ENOENT);
    assert_non_null(strstr(err.msg, "/nowhere/x.scap: "));
    plugin->destroy(self);
    cfg.path = folder;
    assert_int_equal(plugin->create(&host, &cfg, &self, &err), 0);
    assert_int_equal(plugin->start(self, &err), -EISDIR);
    plugin->destroy(self);
    plugin->destroy(NULL);
}

/* What was read before the damage comes first, and the failure stays. */
static void damaged(void **state)
{
    struct scap_build b = {0};
    const char *paths[2] = {NULL};
    struct config cfg = {paths, SPEED_MAX};
    struct gyr_error err;
    uint64_t last;
    void *self;

    (void)state;
    build(&b, 10, 1);
    b.len -= 3;
    paths[0] = write_file("cut", &b);
    self = start(&cfg);
    assert_int_equal(drain(self, &last, &err), -EBADMSG);
    assert_int_equal(last, 9);
    assert_non_null(strstr(err.msg, "/cut: at byte "));
    err.msg[0] = 0;
    assert_int_equal(drain(self, &last, &err), -EBADMSG);
    assert_non_null(strstr(err.msg, "/cut: at byte "));
    finish(self);
    sb_free(&b);
    free((void *)(uintptr_t)paths[0]);
}

static void unknown_is_counted(void **state)
{
    struct scap_build b = {0};
    const char *paths[2] = {NULL};
    struct config cfg = {paths, SPEED_MAX};
    struct gyr_error err;
    uint64_t last;
    void *self;

    (void)state;
    sb_section(&b);
    sb_event(&b, 1, 1, 5000, SB_PARAMS(SB_VAR(zero)));
    paths[0] = write_file("unknown", &b);
    self = start(&cfg);
    unknown_told = 0;
    assert_int_equal(drain(self, &last, &err), GYR_E_EOF);
    assert_int_equal(unknown_told, 1);
    finish(self);
    sb_free(&b);
    free((void *)(uintptr_t)paths[0]);
}

struct writer {
    const struct scap_build *b;
    int fd;
};

/* In small pieces, so that blocks come apart. */
static void *write_slowly(void *arg)
{
    struct writer *w = arg;
    struct timespec pause = {0, 1000000};

    for (size_t at = 0; at < w->b->len;) {
        size_t n = w->b->len - at < 97 ? w->b->len - at : 97;

        if (write(w->fd, w->b->p + at, n) != (ssize_t)n)
            break;
        at += n;
        (void)nanosleep(&pause, NULL);
    }
    (void)close(w->fd);
    return NULL;
}

static void standard_input(void **state)
{
    struct scap_build b = {0};
    const char *paths[] = {"-", NULL};
    struct config cfg = {paths, SPEED_MAX};
    struct gyr_progress p = {.size = sizeof(p)};
    struct gyr_error err;
    int fds[2], keep = dup(STDIN_FILENO);
    struct writer w;
    pthread_t thread;
    uint64_t last;
    void *self;

    (void)state;
    build(&b, 50, 1);
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(dup2(fds[0], STDIN_FILENO), STDIN_FILENO);
    (void)close(fds[0]);
    w = (struct writer){&b, fds[1]};
    assert_int_equal(pthread_create(&thread, NULL, write_slowly, &w), 0);
    self = start(&cfg);
    assert_int_equal(drain(self, &last, &err), GYR_E_EOF);
    assert_int_equal(last, 50);
    plugin->source->progress(self, &p);
    assert_int_equal(p.total, 0);
    finish(self);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(dup2(keep, STDIN_FILENO), STDIN_FILENO);
    (void)close(keep);
    sb_free(&b);
}

static void *wake_later(void *self)
{
    struct timespec pause = {0, 50000000};

    (void)nanosleep(&pause, NULL);
    plugin->source->wake(self);
    return NULL;
}

/* Nobody writes to the FIFO: the time-out and wake() both end the wait; nothing hangs. */
static void waiting_and_waking(void **state)
{
    char *path = strdup(path_of("fifo"));
    const char *paths[] = {path, NULL};
    struct config cfg = {paths, SPEED_MAX};
    const struct gyr_event *ev[4];
    struct gyr_error err;
    pthread_t thread;
    uint64_t begin;
    void *self;

    (void)state;
    assert_int_equal(mkfifo(path, 0600), 0);
    self = start(&cfg);
    begin = now_ns();
    assert_int_equal(batch(self, 4, 30, ev, &err), 0);
    assert_true(now_ns() - begin >= 29000000);
    begin = now_ns();
    assert_int_equal(pthread_create(&thread, NULL, wake_later, self), 0);
    assert_int_equal(batch(self, 4, 20000, ev, &err), 0);
    assert_true(now_ns() - begin < 10000000000);
    assert_int_equal(pthread_join(thread, NULL), 0);
    finish(self);
    free(path);
}

/* Five events 20 ms apart, and a wait in between that can be broken off. */
static void real_speed(void **state)
{
    struct scap_build b = {0};
    const char *paths[2] = {NULL};
    struct config cfg = {paths, SPEED_REAL};
    const struct gyr_event *ev[16];
    struct gyr_error err;
    uint64_t last, begin;
    pthread_t thread;
    void *self;

    (void)state;
    build(&b, 5, 20000000);
    paths[0] = write_file("real", &b);
    self = start(&cfg);
    begin = now_ns();
    assert_int_equal(drain(self, &last, &err), GYR_E_EOF);
    assert_int_equal(last, 5);
    assert_true(now_ns() - begin >= 79000000);
    finish(self);

    sb_free(&b);
    build(&b, 2, 3600000000000);
    free(write_file("real", &b));
    self = start(&cfg);
    assert_int_equal(batch(self, 16, 0, ev, &err), 3); /* the brackets and the first event */
    begin = now_ns();
    assert_int_equal(batch(self, 16, 30, ev, &err), 0);
    assert_true(now_ns() - begin >= 29000000);
    assert_int_equal(pthread_create(&thread, NULL, wake_later, self), 0);
    assert_int_equal(batch(self, 16, 60000, ev, &err), 0);
    assert_true(now_ns() - begin < 30000000000);
    assert_int_equal(pthread_join(thread, NULL), 0);
    finish(self);
    sb_free(&b);
    free((void *)(uintptr_t)paths[0]);
}

/* Only what is wanted or keeps state comes; numbers stay. */
static void wanted(void **state)
{
    uint64_t types[8] = {0}, subtypes[1] = {0};
    struct gyr_want w = {.size = sizeof(w),
                         .n_type_words = 8,
                         .n_subtype_words = 1,
                         .types = types,
                         .subtypes = subtypes};
    uint16_t yes = 2, no = 3, native = 1;
    struct scap_build b = {0};
    const char *paths[2] = {NULL};
    struct config cfg = {paths, SPEED_MAX};
    const struct gyr_event *ev[16];
    struct gyr_error err;
    void *self;

    (void)state;
    sb_section(&b);
    sb_event(&b, 1, 1, EV_SYSCALL_LSEEK_X, SB_PARAMS(SB_VAR(zero)));
    sb_event(&b, 1, 1, EV_GENERIC_X, SB_PARAMS(SB_VAR(no), SB_VAR(native)));
    sb_event(&b, 1, 1, EV_GENERIC_X, SB_PARAMS(SB_VAR(yes), SB_VAR(native)));
    sb_event(&b, 1, 1, EV_SYSCALL_CLOSE_X, SB_PARAMS(SB_VAR(zero), SB_VAR(three)));
    paths[0] = write_file("want", &b);
    types[EV_GENERIC_X / 64] |= UINT64_C(1) << (EV_GENERIC_X % 64);
    subtypes[0] = UINT64_C(1) << yes;
    self = start(&cfg);
    assert_int_equal(plugin->source->want(self, &w, &err), 0);
    assert_int_equal(batch(self, 16, 0, ev, &err), 4);
    assert_int_equal(ev[2]->type, EV_GENERIC_X);
    assert_int_equal(ev[2]->num, 3);
    assert_int_equal(ev[3]->type, EV_SYSCALL_CLOSE_X);
    assert_int_equal(ev[3]->num, 4);
    finish(self);
    sb_free(&b);
    free((void *)(uintptr_t)paths[0]);
}

static void options(void **state)
{
    const struct gyr_option *o = plugin->options;

    (void)state;
    assert_int_equal(plugin->n_options, 2);
    assert_string_equal(o[0].name, "path");
    assert_int_equal(o[0].flags, GYR_OF_REQUIRED);
    assert_int_equal(o[0].offset, offsetof(struct config, path));
    assert_string_equal(o[1].name, "speed");
    assert_string_equal(o[1].def, "max");
    assert_int_equal(o[1].offset, offsetof(struct config, speed));
    assert_int_equal(plugin->config_size, sizeof(struct config));
    assert_string_equal(o[1].choices[SPEED_REAL], "real");
    assert_string_equal(o[1].choices[SPEED_MAX], "max");
}

/* The recordings that come with the project. */
static void kept_captures(void **state)
{
    const char *paths[] = {"tests/captures/seed.scap.gz", "tests/captures/attacks.scap.gz", NULL};
    struct config cfg = {paths, SPEED_MAX};
    struct gyr_error err;
    uint64_t last;
    void *self;

    (void)state;
    self = start(&cfg);
    assert_int_equal(drain(self, &last, &err), GYR_E_EOF);
    assert_int_equal(last, 1523 + 7499);
    finish(self);
}

static int group_setup(void **state)
{
    (void)state;
    plugin = gyr_plugin_query_replay(GYR_ABI_MAJOR << 16 | GYR_ABI_MINOR);
    return plugin && mkdtemp(dir) ? 0 : -1;
}

static int group_teardown(void **state)
{
    static const char *const names[] = {"a", "cut", "unknown", "fifo", "real", "want"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        (void)unlink(path_of(names[i]));
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_in_order), cmocka_unit_test(refusals),
        cmocka_unit_test(damaged),        cmocka_unit_test(unknown_is_counted),
        cmocka_unit_test(standard_input), cmocka_unit_test(waiting_and_waking),
        cmocka_unit_test(real_speed),     cmocka_unit_test(wanted),
        cmocka_unit_test(options),        cmocka_unit_test(kept_captures),
    };

    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
