/* SPDX-License-Identifier: Apache-2.0 */
/* The enricher "docker" against an Engine API that does as the test wants. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the above first */
#include "../../plugins/enrichers/docker/docker.h"
#include "../lib/event_build.h"
#include "../lib/fake_engine.h"
#include "../lib/fake_host.h"
#include "syscall/ids.h"

#include <cmocka.h>
#include <gyr/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

const struct gyr_plugin *gyr_plugin_query_docker(uint32_t host_abi);

struct rig {
    struct fake_host h;
    struct fake_engine e;
    const struct gyr_plugin *p;
    void *self;
    struct dk_config cfg;
    const char *sockets[3];
    char dir[64], path[100];
    struct event_build b;
    uint64_t num, ts;
};

static struct rig *rig_new(void)
{
    struct rig *r = calloc(1, sizeof(*r));

    assert_non_null(r);
    fake_host_init(&r->h);
    r->h.host.is_live = 1;
    r->ts = UINT64_C(1000000000);
    fake_host_says(&r->h, "container.full_id", NULL);
    (void)snprintf(r->dir, sizeof(r->dir), "/tmp/gyr-engine-XXXXXX");
    assert_non_null(mkdtemp(r->dir));
    (void)snprintf(r->path, sizeof(r->path), "%s/docker.sock", r->dir);
    r->sockets[0] = r->path;
    r->cfg = (struct dk_config){.sockets = r->sockets, .timeout = UINT64_C(1000000000)};
    r->p = gyr_plugin_query_docker(0);
    return r;
}

static void rig_start(struct rig *r, bool with_engine)
{
    struct gyr_error err = {0};

    if (with_engine)
        engine_start(&r->e, r->path);
    assert_int_equal(r->p->create(&r->h.host, &r->cfg, &r->self, &err), 0);
    assert_int_equal(r->p->start(r->self, &err), 0);
}

static void rig_free(struct rig *r, bool with_engine)
{
    r->p->stop(r->self);
    r->p->destroy(r->self);
    assert_int_equal(fake_host_free(&r->h), 0);
    if (with_engine)
        engine_stop(&r->e);
    (void)rmdir(r->dir);
    free(r);
}

static void nap(void)
{
    struct timespec t = {.tv_nsec = 2000000};

    (void)nanosleep(&t, NULL);
}

static uint64_t now_ms(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* A process of that container starts. */
static const struct gyr_event *see(struct rig *r, const char *id)
{
    const struct gyr_event *ev;

    fake_host_event_done(&r->h);
    fake_host_says(&r->h, "container.full_id", id);
    event_build_begin(&r->b, EV_SYSCALL_EXECVE_19_X);
    r->b.ev.num = ++r->num;
    r->b.ev.ts_ns = r->ts;
    ev = event_build_end(&r->b);
    assert_int_equal(r->p->enricher->on_event(r->self, 0, ev), 0);
    return ev;
}

static int get(struct rig *r, const struct gyr_event *ev, const char *name, char *ret, size_t size)
{
    const struct gyr_enricher_ops *ops = r->p->enricher;
    struct gyr_value v = {0};
    struct gyr_error err;
    uint32_t h, type = GYR_T_STR, i = 0;
    int a;

    while (strcmp(ops->fields[i].name, name) != 0)
        i++;
    assert_int_equal(ops->bind(r->self, i, NULL, &h, &type, &err), 0);
    a = ops->get(r->self, ev, h, &v);
    if (a == GYR_PENDING)
        ops->release(r->self, h, v.u.u64);
    ret[0] = '\0';
    if (a == GYR_PRESENT && v.type == GYR_T_STR)
        (void)snprintf(ret, size, "%.*s", (int)v.len, (const char *)v.u.ptr);
    else if (a == GYR_PRESENT)
        (void)snprintf(ret, size, "%llu", (unsigned long long)v.u.u64);
    ops->unbind(r->self, h);
    return a;
}

/* The field once it is not pending any more; "-" absent; "?" pending for too long. */
static const char *field(struct rig *r, const char *id, const char *name, uint64_t max_ms)
{
    static char text[512];
    uint64_t end = now_ms() + max_ms;
    int a;

    while ((a = get(r, see(r, id), name, text, sizeof(text))) == GYR_PENDING && now_ms() < end)
        nap();
    if (a != GYR_PRESENT)
        (void)snprintf(text, sizeof(text), "%s", a == GYR_PENDING ? "?" : "-");
    return text;
}

static bool logged(struct rig *r, const char *what, uint32_t times, uint64_t max_ms)
{
    uint64_t end = now_ms() + max_ms;
    uint32_t n = 0;

    do {
        n = 0;
        (void)pthread_mutex_lock(&r->h.lock);
        for (const char *p = r->h.log; (p = strstr(p, what)); p++)
            n++;
        (void)pthread_mutex_unlock(&r->h.lock);
        if (n >= times)
            break;
        nap();
    } while (now_ms() < end);
    return n == times;
}

static bool emitted(struct rig *r, uint32_t n)
{
    uint64_t end = now_ms() + 3000;
    uint32_t now;

    do {
        (void)pthread_mutex_lock(&r->h.lock);
        now = r->h.n_emitted;
        (void)pthread_mutex_unlock(&r->h.lock);
        if (now >= n)
            break;
        nap();
    } while (now_ms() < end);
    return now == n;
}

/* ---- all is well ---- */

static void test_fields(void **state)
{
    struct rig *r = rig_new();
    const char *id;

    (void)state;
    rig_start(r, true);
    id = engine_add(&r->e, 1, true, true);
    assert_string_equal(field(r, id, "container.name", 3000), "n1");
    assert_string_equal(field(r, id, "container.image", 0), "gyr/test:1.0");
    assert_string_equal(field(r, id, "container.image.id", 0), "c5514d4dd70b");
    assert_string_equal(field(r, id, "container.image.repository", 0), "gyr/test");
    assert_string_equal(field(r, id, "container.image.tag", 0), "1.0");
    assert_string_equal(field(r, id, "container.image.digest", 0), "sha256:d1");
    assert_string_equal(field(r, id, "container.type", 0), "docker");
    assert_string_equal(field(r, id, "container.privileged", 0), "1");
    assert_string_equal(field(r, id, "container.mounts", 0), "/a:/b::true:rprivate");
    assert_string_equal(field(r, id, "container.labels", 0), "app:x");
    assert_string_equal(field(r, id, "container.ip", 0), "10.1.2.3");
    assert_string_equal(field(r, id, "container.host_network", 0), "1");
    assert_string_equal(field(r, id, "container.host_pid", 0), "0");
    assert_string_equal(field(r, id, "container.healthcheck", 0), "/bin/sh -c true");
    assert_string_equal(field(r, id, "container.start_ts", 0), "1795665175000000000");
    assert_int_equal(atomic_load(&r->e.inspects), 1);
    assert_int_equal(atomic_load(&r->e.images), 1);
    rig_free(r, true);
}

/* One that runs at the start is listed and told; one that starts is told; once each. */
static void test_list_and_events(void **state)
{
    struct rig *r = rig_new();
    const char *first, *second;

    (void)state;
    first = (engine_start(&r->e, r->path), engine_add(&r->e, 1, true, true));
    rig_start(r, false);
    assert_true(emitted(r, 2)); /* that there is a list, and what runs */
    assert_non_null(strstr((char *)r->h.emitted + 200, "\"event\":\"running\""));
    assert_string_equal(field(r, first, "container.name", 0), "n1");
    second = engine_add(&r->e, 2, true, false);
    engine_event(&r->e, "start", second, "n2");
    assert_true(emitted(r, 3));
    engine_event(&r->e, "rename", second, "n2");
    assert_true(emitted(r, 4));
    assert_string_equal(field(r, second, "container.name", 0), "n2");
    engine_event(&r->e, "exec_create: sh", second, "n2");
    engine_event(&r->e, "die", second, "n2");
    assert_true(emitted(r, 5));
    rig_free(r, true);
}

/* It was removed before anybody could ask: the event has its name. */
static void test_gone_at_once(void **state)
{
    struct rig *r = rig_new();
    const char id[] = "00000000000700000000000000000000000000000000000000000000000000ab";

    (void)state;
    rig_start(r, true);
    assert_true(logged(r, "answers at", 1, 3000));
    while (atomic_load(&r->e.streams) == 0)
        nap();
    engine_event(&r->e, "start", id, "short");
    engine_event(&r->e, "die", id, "short");
    assert_true(emitted(r, 3)); /* list, start, end */
    assert_string_equal(field(r, id, "container.name", 3000), "short");
    assert_string_equal(field(r, id, "container.image.tag", 0), "1.0");
    assert_string_equal(field(r, id, "container.privileged", 0), "-");
    rig_free(r, true);
}

static void test_unknown(void **state)
{
    struct rig *r = rig_new();

    (void)state;
    rig_start(r, true);
    assert_string_equal(field(r, "ffffffffffff", "container.name", 3000), "-");
    rig_free(r, true);
}

/* ---- faults ---- */

static void fault(enum engine_fault what, int times, const char *want, uint64_t max_ms)
{
    struct rig *r = rig_new();
    const char *id;

    rig_start(r, true);
    id = engine_add(&r->e, 1, false, false);
    atomic_store(&r->e.faults_left, times);
    atomic_store(&r->e.fault, what);
    assert_string_equal(field(r, id, "container.name", max_ms), want);
    rig_free(r, true);
}

static void test_faults(void **state)
{
    (void)state;
    fault(ENGINE_SLOW, -1, "n1", 3000);
    fault(ENGINE_CHUNKED, -1, "n1", 3000);
    fault(ENGINE_404, -1, "-", 3000);
    fault(ENGINE_CUT, 1, "n1", 5000);
    fault(ENGINE_500, 2, "n1", 5000);
    fault(ENGINE_NONSENSE, 1, "n1", 5000);
    fault(ENGINE_HUGE, 1, "n1", 5000);
    fault(ENGINE_SILENT, 1, "n1", 5000);
    fault(ENGINE_500, -1, "-", 9000);
    fault(ENGINE_NONSENSE, -1, "-", 9000);
    fault(ENGINE_HUGE, -1, "-", 9000);
}

/* It stops and comes again: told once each, what was asked meanwhile is answered. */
static void test_restart(void **state)
{
    struct rig *r = rig_new();
    const char *known, *later;

    (void)state;
    rig_start(r, true);
    known = engine_add(&r->e, 1, true, false);
    assert_string_equal(field(r, known, "container.name", 3000), "n1");
    engine_stop(&r->e);
    assert_true(logged(r, "cannot be asked", 1, 3000));
    later = engine_add(&r->e, 2, true, false);
    assert_string_equal(field(r, later, "container.name", 600), "?"); /* pending, not absent */
    assert_string_equal(field(r, known, "container.name", 0), "n1");
    engine_start(&r->e, r->path);
    assert_string_equal(field(r, later, "container.name", 5000), "n2");
    assert_true(logged(r, "answers again", 1, 1000));
    assert_true(logged(r, "cannot be asked", 1, 0));
    rig_free(r, true);
}

/* No socket at all is an answer; one that comes later is found. */
static void test_absent(void **state)
{
    struct rig *r = rig_new();
    const char *id;

    (void)state;
    rig_start(r, false);
    assert_true(logged(r, "there is no socket", 1, 3000));
    assert_string_equal(field(r, "ffffffffffff", "container.name", 3000), "-");
    engine_start(&r->e, r->path);
    id = engine_add(&r->e, 1, true, false);
    assert_true(logged(r, "answers at", 1, 8000));
    assert_string_equal(field(r, id, "container.name", 3000), "n1");
    rig_free(r, true);
}

static void test_nonsense_events(void **state)
{
    struct rig *r = rig_new();
    const char *id;

    (void)state;
    rig_start(r, true);
    assert_true(logged(r, "answers at", 1, 3000));
    while (atomic_load(&r->e.streams) == 0)
        nap();
    engine_say(&r->e, "nonsense\n");
    engine_say(&r->e, "{}\n[]\n{\"Type\":\"container\",\"Action\":3,\"Actor\":[]}\n");
    engine_say(&r->e, "{\"Action\":\"start\",\"Actor\":{\"ID\":\"../../images\"}}\n");
    id = engine_add(&r->e, 3, true, false);
    engine_event(&r->e, "start", id, "n3");
    assert_true(emitted(r, 2));
    assert_string_equal(field(r, id, "container.name", 3000), "n3");
    rig_free(r, true);
}

static void test_old_api(void **state)
{
    struct rig *r = rig_new();
    const char *id;
    char line[256];

    (void)state;
    rig_start(r, true);
    while (atomic_load(&r->e.streams) == 0)
        nap();
    id = engine_add(&r->e, 3, true, false);
    (void)snprintf(line, sizeof(line), "{\"status\":\"start\",\"id\":\"%s\",\"from\":\"a\"}\n", id);
    engine_say(&r->e, line);
    assert_true(emitted(r, 2));
    assert_string_equal(field(r, id, "container.name", 3000), "n3");
    rig_free(r, true);
}

/* Two runtimes: the second is asked when the first does not have it. */
static void test_two_sockets(void **state)
{
    struct rig *r = rig_new();
    struct fake_engine *podman = calloc(1, sizeof(*podman));
    const char *id;
    char path[100];

    (void)state;
    assert_non_null(podman);
    (void)snprintf(path, sizeof(path), "%s/podman.sock", r->dir);
    engine_start(podman, path);
    id = engine_add(podman, 9, true, false);
    r->sockets[1] = path;
    rig_start(r, true);
    assert_string_equal(field(r, id, "container.name", 3000), "n9");
    assert_string_equal(field(r, id, "container.type", 0), "podman");
    assert_string_equal(field(r, "ffffffffffff", "container.name", 3000), "-");
    engine_stop(podman);
    assert_true(logged(r, "cannot be asked", 1, 3000));
    assert_string_equal(field(r, "eeeeeeeeeeee", "container.name", 600),
                        "?"); /* it might be there */
    free(podman);
    rig_free(r, true);
}

static void test_many(void **state)
{
    struct rig *r = rig_new();
    uint64_t began;
    uint32_t n = 0;

    (void)state;
    engine_start(&r->e, r->path);
    for (unsigned i = 0; i < 1000; i++)
        (void)engine_add(&r->e, i + 1, true, false);
    began = now_ms();
    rig_start(r, false);
    while (n < 1000 && now_ms() - began < 20000) {
        (void)pthread_mutex_lock(&r->h.lock);
        n = r->h.n_emitted - (r->h.n_emitted > 0);
        r->h.emitted_len = 0;
        (void)pthread_mutex_unlock(&r->h.lock);
        nap();
    }
    assert_int_equal(n, 1000);
    print_message("# 1,000 containers listed in %llu ms\n", (unsigned long long)(now_ms() - began));
    assert_string_equal(field(r, r->e.containers[999].id, "container.name", 0), "n1000");
    rig_free(r, true);
}

/* In a replay nobody is asked, whatever is there. */
static void test_replay_asks_nobody(void **state)
{
    struct rig *r = rig_new();
    const char *id;

    (void)state;
    r->h.host.is_live = 0;
    rig_start(r, true);
    id = engine_add(&r->e, 1, true, false);
    assert_string_equal(field(r, id, "container.name", 100), "-");
    assert_int_equal(atomic_load(&r->e.inspects) + atomic_load(&r->e.lists), 0);
    rig_free(r, true);
}

static void test_times(void **state)
{
    (void)state;
    assert_int_equal(dk_time_of("2026-11-26T03:52:54.712218867Z"), UINT64_C(1795665174712218867));
    assert_int_equal(dk_time_of("2026-11-26T05:52:54.5+02:00"), UINT64_C(1795665174500000000));
    assert_int_equal(dk_time_of("0001-01-01T00:00:00Z"), 0);
    assert_int_equal(dk_time_of("yesterday"), 0);
    assert_int_equal(dk_time_of(NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),       cmocka_unit_test(test_list_and_events),
        cmocka_unit_test(test_gone_at_once), cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_faults),       cmocka_unit_test(test_restart),
        cmocka_unit_test(test_absent),       cmocka_unit_test(test_nonsense_events),
        cmocka_unit_test(test_old_api),      cmocka_unit_test(test_two_sockets),
        cmocka_unit_test(test_many),         cmocka_unit_test(test_replay_asks_nobody),
        cmocka_unit_test(test_times),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
