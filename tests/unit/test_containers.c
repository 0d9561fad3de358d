/* SPDX-License-Identifier: Apache-2.0 */
/* The library of container enrichers: facts, JSON, table, tickets, replays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the above first */
#include "../lib/event_build.h"
#include "../lib/fake_host.h"
#include "containers/state.h"
#include "syscall/ids.h"

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ID "697956520d891b5cb0e215093970c733549a3f745f52263c05b37f8a488994f3"

struct rig {
    struct fake_host h;
    struct containers *c;
    struct event_build b;
    uint64_t num, ts;
    uint32_t wakes;
};

static void on_wake(void *runtime)
{
    ((struct rig *)runtime)->wakes++;
}

static const struct ct_runtime_ops ops = {.wake = on_wake};

static struct rig *rig_new(bool live)
{
    struct rig *r = calloc(1, sizeof(*r));
    struct gyr_error err;

    assert_non_null(r);
    fake_host_init(&r->h);
    r->h.host.is_live = live;
    fake_host_says(&r->h, "container.full_id", ID);
    fake_host_says(&r->h, "container.id", "697956520d89");
    fake_host_says(&r->h, "proc.cmdline", NULL);
    r->ts = 1000000000;
    assert_int_equal(containers_new(&r->h.host, &ops, r, &r->c, &err), 0);
    containers_start(r->c);
    return r;
}

static void rig_free(struct rig *r)
{
    containers_stop(r->c);
    containers_free(r->c);
    (void)fake_host_free(&r->h);
    free(r);
}

static const struct gyr_event *event(struct rig *r, uint16_t type, const char *json)
{
    struct gyr_event *ev;

    fake_host_event_done(&r->h);
    event_build_begin(&r->b, type);
    r->b.ev.num = ++r->num;
    r->b.ev.ts_ns = r->ts;
    if (type == EV_ASYNCEVENT_E) {
        event_build_int(&r->b, 0, 4);
        event_build_str(&r->b, "container_removed");
        event_build_add(&r->b, json, strlen(json));
    } else if (json) {
        event_build_str(&r->b, json);
    }
    ev = event_build_end(&r->b);
    assert_int_equal(containers_on_event(r->c, 0, ev), 0);
    return ev;
}

static uint32_t bind(struct rig *r, const char *name, const char *arg)
{
    for (uint32_t i = 0; i < CT_N_FIELDS; i++) {
        uint32_t h, type = GYR_T_STR;
        struct gyr_error err;

        if (strcmp(containers_fields[i].name, name) != 0)
            continue;
        assert_int_equal(containers_bind(r->c, i, arg, &h, &type, &err), 0);
        return h;
    }
    fail_msg("no field %s", name);
    return 0;
}

/* The field's text; "-" absent, "?" pending (released at once), a number in decimal. */
static const char *get(struct rig *r, const struct gyr_event *ev, const char *name, const char *arg)
{
    static char text[4096];
    uint32_t h = bind(r, name, arg);
    struct gyr_value v = {0};
    int a = containers_get(r->c, ev, h, &v);

    (void)snprintf(text, sizeof(text), "%s", a == GYR_ABSENT ? "-" : "?");
    if (a == GYR_PENDING)
        containers_release(r->c, h, v.u.u64);
    if (a == GYR_PRESENT && v.type == GYR_T_STR)
        (void)snprintf(text, sizeof(text), "%.*s", (int)v.len, (const char *)v.u.ptr);
    else if (a == GYR_PRESENT)
        (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)v.u.u64);
    containers_unbind(r->c, h);
    return text;
}

static const struct ct_mount mounts[] = {{"/a", "/data", "rw", "rprivate", true},
                                         {"/proc", "/host/proc", "ro", "", false}};
static const struct ct_pair labels[] = {
    {"app", "web"}, {"io.kubernetes.pod.name", "web-0"}, {"io.kubernetes.pod.namespace", "prod"}};
static const char *const env[] = {"A=b"};
static const struct ct_facts web = {.id = ID,
                                    .type = "docker",
                                    .name = "web",
                                    .image = "reg:5000/a/nginx:1.25",
                                    .image_id = "sha256:f68d6e55e06520f152403e6d",
                                    .ip = "10.0.0.1",
                                    .healthcheck = "/usr/bin/curl -f http://x",
                                    .mounts = mounts,
                                    .n_mounts = 2,
                                    .labels = labels,
                                    .n_labels = 3,
                                    .env = env,
                                    .n_env = 1,
                                    .privileged = CT_YES,
                                    .host_pid = CT_NO,
                                    .created_ns = 5000000000,
                                    .started_ns = 6000000000,
                                    .pid = 77,
                                    .state = CT_STATE_RUNNING};

static void image_is(const char *image, const char *want)
{
    struct ct_image i = ct_image_of(image);
    char got[512];

    (void)snprintf(got, sizeof(got), "%.*s|%.*s|%.*s", (int)i.repo_len, i.repo ? i.repo : "",
                   (int)i.tag_len, i.tag ? i.tag : "", (int)i.digest_len, i.digest ? i.digest : "");
    assert_string_equal(got, want);
}

static void test_images(void **state)
{
    (void)state;
    image_is("nginx", "nginx||");
    image_is("nginx:1.25", "nginx|1.25|");
    image_is("reg:5000/a/b", "reg:5000/a/b||");
    image_is("reg:5000/a/b:t@sha256:ab", "reg:5000/a/b|t|sha256:ab");
    image_is("a@sha256:ab", "a||sha256:ab");
    image_is("sha256:abcd", "||sha256:abcd");
    image_is("", "||");
}

static void check_web(struct rig *r, const struct gyr_event *ev)
{
    assert_string_equal(get(r, ev, "container.name", NULL), "web");
    assert_string_equal(get(r, ev, "container.image", NULL), "reg:5000/a/nginx:1.25");
    assert_string_equal(get(r, ev, "container.image.repository", NULL), "reg:5000/a/nginx");
    assert_string_equal(get(r, ev, "container.image.tag", NULL), "1.25");
    assert_string_equal(get(r, ev, "container.image.digest", NULL), "-");
    assert_string_equal(get(r, ev, "container.image.id", NULL), "f68d6e55e065");
    assert_string_equal(get(r, ev, "container.type", NULL), "docker");
    assert_string_equal(get(r, ev, "container.privileged", NULL), "1");
    assert_string_equal(get(r, ev, "container.host_pid", NULL), "0");
    assert_string_equal(get(r, ev, "container.host_ipc", NULL), "-");
    assert_string_equal(get(r, ev, "container.ip", NULL), "10.0.0.1");
    assert_string_equal(get(r, ev, "container.mounts", NULL),
                        "/a:/data:rw:true:rprivate /proc:/host/proc:ro:false:");
    assert_string_equal(get(r, ev, "container.mount", "1"), "/proc:/host/proc:ro:false:");
    assert_string_equal(get(r, ev, "container.mount", "2"), "-");
    assert_string_equal(get(r, ev, "container.mount.dest", "/pr*"), "/host/proc");
    assert_string_equal(get(r, ev, "container.mount.source", "/data"), "/a");
    assert_string_equal(get(r, ev, "container.mount.source", "/a"), "-");
    assert_string_equal(get(r, ev, "container.mount.rdwr", "/a"), "true");
    assert_string_equal(get(r, ev, "container.mount.mode", "/proc"), "ro");
    assert_string_equal(get(r, ev, "container.mount.propagation", "0"), "rprivate");
    assert_string_equal(get(r, ev, "container.label", "app"), "web");
    assert_string_equal(get(r, ev, "container.label", "ap"), "-");
    assert_string_equal(get(r, ev, "container.labels", NULL),
                        "app:web,io.kubernetes.pod.name:web-0,io.kubernetes.pod.namespace:prod");
    assert_string_equal(get(r, ev, "k8s.pod.name", NULL), "web-0");
    assert_string_equal(get(r, ev, "k8s.ns.name", NULL), "prod");
    assert_string_equal(get(r, ev, "k8s.pod.uid", NULL), "-");
    assert_string_equal(get(r, ev, "container.healthcheck", NULL), "/usr/bin/curl -f http://x");
    assert_string_equal(get(r, ev, "container.start_ts", NULL), "6000000000");
}

/* Live: asked for at first sight, pending, learnt, told to the rules, gone. */
static void test_live(void **state)
{
    struct rig *r = rig_new(true);
    const struct gyr_event *ev = event(r, EV_SYSCALL_EXECVE_19_X, NULL);
    uint32_t h = bind(r, "container.name", NULL);
    struct gyr_value v = {0};
    char id[CT_ID_MAX + 1];
    uint64_t ticket;

    (void)state;
    assert_int_equal(r->wakes, 1);
    assert_true(containers_next_ask(r->c, id));
    assert_string_equal(id, ID);
    assert_false(containers_next_ask(r->c, id)); /* once */
    containers_down(r->c);
    assert_true(containers_next_ask(r->c, id)); /* and again */
    assert_int_equal(containers_get(r->c, ev, h, &v), GYR_PENDING);
    ticket = v.u.u64;
    assert_int_equal(containers_redeem(r->c, h, ticket, &v), GYR_PENDING);
    assert_int_equal(r->h.n_resolved, 0);
    containers_learnt(r->c, &web, CT_ASKED);
    assert_int_equal(r->h.n_resolved, 1);
    assert_int_equal(r->h.resolved[0], ticket);
    assert_int_equal(containers_redeem(r->c, h, ticket, &v), GYR_PRESENT);
    assert_memory_equal(v.u.ptr, "web", 3);
    containers_release(r->c, h, ticket);
    assert_int_equal(r->h.n_emitted, 1);
    containers_learnt(r->c, &web, CT_STARTED); /* told already: known anew, for recordings */
    assert_int_equal(r->h.n_emitted, 2);
    assert_non_null(memmem(r->h.emitted, r->h.emitted_len, "container_known", 15));
    check_web(r, event(r, EV_SYSCALL_EXECVE_19_X, NULL));
    assert_int_equal(r->wakes, 1);
    containers_gone(r->c, ID);
    containers_gone(r->c, ID);
    assert_int_equal(r->h.n_emitted, 3);
    check_web(r, event(r, EV_SYSCALL_EXECVE_19_X, NULL)); /* what comes late */
    rig_free(r);
}

static void test_nobody_has_it(void **state)
{
    struct rig *r = rig_new(true);
    const struct gyr_event *ev = event(r, EV_SYSCALL_EXECVE_19_X, NULL);

    (void)state;
    assert_string_equal(get(r, ev, "container.name", NULL), "?");
    containers_unknown(r->c, ID);
    assert_string_equal(get(r, event(r, EV_SYSCALL_EXECVE_19_X, NULL), "container.name", NULL),
                        "-");
    assert_int_equal(r->wakes, 1);
    r->ts += UINT64_C(11000000000);
    ev = event(r, EV_SYSCALL_EXECVE_19_X, NULL);
    assert_int_equal(r->wakes, 2); /* it may have come since */
    containers_learnt(r->c, &web, CT_ASKED);
    check_web(r, event(r, EV_SYSCALL_EXECVE_19_X, NULL));
    rig_free(r);
}

static void test_host(void **state)
{
    struct rig *r = rig_new(true);
    const struct gyr_event *ev;

    (void)state;
    fake_host_says(&r->h, "container.full_id", NULL);
    fake_host_says(&r->h, "container.id", "host");
    ev = event(r, EV_SYSCALL_EXECVE_19_X, NULL);
    assert_string_equal(get(r, ev, "container.name", NULL), "host");
    assert_string_equal(get(r, ev, "container.image", NULL), "-");
    assert_string_equal(get(r, ev, "container.id", NULL), "-"); /* another's to say */
    assert_int_equal(r->wakes, 0);
    rig_free(r);
}

/* What needs the event waits with what it needs of it. */
static void test_healthcheck(void **state)
{
    struct rig *r = rig_new(true);
    const struct gyr_event *ev;
    uint32_t h = bind(r, "proc.is_container_healthcheck", NULL);
    struct gyr_value v = {0};
    uint64_t ticket;

    (void)state;
    fake_host_says(&r->h, "proc.cmdline", "curl -f http://x");
    ev = event(r, EV_SYSCALL_EXECVE_19_X, NULL);
    assert_int_equal(containers_get(r->c, ev, h, &v), GYR_PENDING);
    ticket = v.u.u64;
    fake_host_says(&r->h, "proc.cmdline", "curl -f http://y");
    containers_learnt(r->c, &web, CT_ASKED);
    assert_int_equal(r->h.n_resolved, 2); /* the one that asked, and this */
    assert_int_equal(containers_redeem(r->c, h, ticket, &v), GYR_PRESENT);
    assert_int_equal(v.u.u64, 1);
    containers_release(r->c, h, ticket);
    assert_int_equal(containers_redeem(r->c, h, ticket, &v), GYR_ABSENT); /* given back */
    ev = event(r, EV_SYSCALL_EXECVE_19_X, NULL);
    assert_string_equal(get(r, ev, "proc.is_container_healthcheck", NULL), "0");
    fake_host_says(&r->h, "proc.cmdline", "curl -f http://x");
    ev = event(r, EV_SYSCALL_EXECVE_19_X, NULL);
    assert_string_equal(get(r, ev, "proc.is_container_healthcheck", NULL), "1");
    assert_string_equal(get(r, ev, "proc.is_container_liveness_probe", NULL), "-");
    rig_free(r);
}

/* What one writes, the other reads. */
static void test_json(void **state)
{
    struct rig *r = rig_new(false);
    const struct ct_facts *f = ct_facts_new(&web);
    char *json = ct_json_write(f, "running");
    const struct gyr_event *ev = event(r, EV_CONTAINER_JSON_2_E, json);

    (void)state;
    check_web(r, ev);
    assert_string_equal(get(r, ev, "container.event", NULL), "running");
    assert_string_equal(get(r, ev, "container.full_id", NULL), ID);
    assert_string_equal(get(r, ev, "container.id", NULL), "697956520d89");
    check_web(r, event(r, EV_SYSCALL_EXECVE_19_X, NULL));
    (void)event(r, EV_ASYNCEVENT_E, json); /* it ended */
    check_web(r, event(r, EV_SYSCALL_EXECVE_19_X, NULL));
    free(json);
    ct_facts_unref(f);
    rig_free(r);
}

/* Falco's recorders: "incomplete" first, then all; ids of twelve digits. */
static void test_replay_of_falco(void **state)
{
    struct rig *r = rig_new(false);
    const struct gyr_event *ev;
    uint32_t h = bind(r, "container.name", NULL);
    struct gyr_value v = {0};

    (void)state;
    ev = event(r, EV_SYSCALL_EXECVE_19_X, NULL);
    assert_string_equal(get(r, ev, "container.name", NULL),
                        "-"); /* a recorder that tells nothing */
    ev = event(r, EV_CONTAINER_JSON_E,
               "{\"container\":{\"id\":\"697956520d89\",\"image\":\"incomplete\",\"name\":"
               "\"incomplete\",\"type\":0,\"ip\":\"0.0.0.0\",\"labels\":null}}\n");
    assert_string_equal(get(r, ev, "container.image", NULL), "incomplete");
    assert_string_equal(get(r, ev, "container.ip", NULL), "-");
    ev = event(r, EV_SYSCALL_EXECVE_19_X, NULL);
    assert_int_equal(containers_get(r->c, ev, h, &v), GYR_PENDING);
    (void)event(r, EV_CONTAINER_JSON_E,
                "{\"container\":{\"id\":\"697956520d89\",\"image\":\"nginx\",\"name\":\"turing\","
                "\"type\":7,\"ip\":2886795266,\"privileged\":false,\"imagerepo\":\"nginx\"}}\n");
    assert_int_equal(r->h.n_resolved, 1);
    assert_int_equal(containers_redeem(r->c, h, v.u.u64, &v), GYR_PRESENT);
    assert_memory_equal(v.u.ptr, "turing", 6);
    ev = event(r, EV_SYSCALL_EXECVE_19_X, NULL);
    assert_string_equal(get(r, ev, "container.type", NULL), "containerd");
    assert_string_equal(get(r, ev, "container.ip", NULL), "172.17.0.2");
    assert_int_equal(r->h.n_emitted, 0);
    assert_int_equal(r->wakes, 0);
    rig_free(r);
}

/* In a replay only the stream's time passes. */
static void test_replay_gives_up(void **state)
{
    struct rig *r = rig_new(false);

    (void)state;
    (void)event(r, EV_CONTAINER_JSON_E, "{\"container\":{\"id\":\"ffffffffffff\",\"type\":0}}");
    assert_string_equal(get(r, event(r, EV_SYSCALL_EXECVE_19_X, NULL), "container.name", NULL),
                        "?");
    r->ts += UINT64_C(900000000);
    assert_string_equal(get(r, event(r, EV_SYSCALL_EXECVE_19_X, NULL), "container.name", NULL),
                        "?");
    r->ts += UINT64_C(200000000);
    assert_string_equal(get(r, event(r, EV_SYSCALL_EXECVE_19_X, NULL), "container.name", NULL),
                        "-");
    assert_int_equal(r->h.n_resolved, 1);
    rig_free(r);
}

static void test_damaged_json(void **state)
{
    static const char *const bad[] = {"",
                                      "{",
                                      "null",
                                      "{\"container\":3}",
                                      "{\"container\":{}}",
                                      "{\"container\":{\"id\":7,\"type\":0}}",
                                      "{\"container\":{\"id\":\"\",\"type\":0}}"};
    struct rig *r = rig_new(false);
    const struct gyr_event *ev;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ev = event(r, EV_CONTAINER_JSON_2_E, bad[i]);
        assert_string_equal(get(r, ev, "container.id", NULL), "-");
    }
    ev = event(r, EV_CONTAINER_JSON_2_E,
               "{\"container\":{\"id\":\"697956520d89\",\"type\":99,\"Mounts\":[3,{}],\"labels\":"
               "[1],\"env\":{},\"port_mappings\":[[]],\"privileged\":\"yes\"}}");
    assert_string_equal(get(r, ev, "container.type", NULL), "custom");
    assert_string_equal(get(r, ev, "container.privileged", NULL), "-");
    assert_string_equal(get(r, ev, "container.mounts", NULL), ":::false:");
    rig_free(r);
}

static void learn_many(struct rig *r, uint32_t first, uint32_t n)
{
    for (uint32_t i = first; i < first + n; i++) {
        struct ct_facts f = {.type = "docker", .name = "n", .state = CT_STATE_RUNNING};
        char id[65];

        (void)snprintf(id, sizeof(id), "%012u%052u", i, i);
        f.id = id;
        containers_learnt(r->c, &f, CT_ASKED);
        if (i % 64 == 0) /* the mailbox is bounded too */
            (void)event(r, EV_SYSCALL_EXECVE_19_X, NULL);
        r->h.emitted_len = 0;
    }
    (void)event(r, EV_SYSCALL_EXECVE_19_X, NULL);
}

static void test_ceiling(void **state)
{
    struct rig *r = rig_new(true);
    const struct gyr_event *ev = event(r, EV_SYSCALL_EXECVE_19_X, NULL);
    uint32_t h = bind(r, "container.name", NULL);
    struct gyr_value v = {0};

    (void)state;
    assert_int_equal(containers_get(r->c, ev, h, &v), GYR_PENDING); /* held: cannot go */
    learn_many(r, 1, CT_TABLE_MAX + 100);
    assert_int_equal(r->c->table.n, CT_TABLE_MAX);
    assert_int_equal(r->c->table.evicted, 101);
    containers_learnt(r->c, &web, CT_ASKED);
    assert_int_equal(containers_redeem(r->c, h, v.u.u64, &v), GYR_PRESENT);
    rig_free(r);
}

/* Of the exited ones fewer are kept, the last. */
static void test_exited(void **state)
{
    struct rig *r = rig_new(true);
    char id[65];

    (void)state;
    learn_many(r, 1, CT_GONE_MAX + 50);
    for (uint32_t i = 1; i <= CT_GONE_MAX + 50; i++) {
        (void)snprintf(id, sizeof(id), "%012u%052u", i, i);
        containers_gone(r->c, id);
        r->h.emitted_len = 0;
    }
    (void)event(r, EV_SYSCALL_EXECVE_19_X, NULL);
    assert_int_equal(r->c->table.n_gone, CT_GONE_MAX);
    (void)snprintf(id, sizeof(id), "%012u%052u", 1, 1);
    assert_null(ct_table_find(&r->c->table, id));
    (void)snprintf(id, sizeof(id), "%012u%052u", CT_GONE_MAX, CT_GONE_MAX);
    assert_non_null(ct_table_find(&r->c->table, id));
    rig_free(r);
}

/* Everything that is too much is left out, the name last. */
static void test_huge(void **state)
{
    static char big[CT_STRING_MAX * 2];
    static const char *vars[CT_LIST_MAX * 2];
    struct ct_facts f = web;
    const struct ct_facts *made;

    (void)state;
    memset(big, 'x', sizeof(big) - 1);
    for (size_t i = 0; i < sizeof(vars) / sizeof(vars[0]); i++)
        vars[i] = big;
    f.env = vars;
    f.n_env = sizeof(vars) / sizeof(vars[0]);
    f.name = big;
    made = ct_facts_new(&f);
    assert_non_null(made);
    assert_int_equal(made->n_env, 0);
    assert_int_equal(made->n_labels, 3);
    assert_int_equal(strlen(made->name), CT_STRING_MAX);
    ct_facts_unref(made);
    f.id = big;
    assert_null(ct_facts_new(&f));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_images),          cmocka_unit_test(test_live),
        cmocka_unit_test(test_nobody_has_it),   cmocka_unit_test(test_host),
        cmocka_unit_test(test_healthcheck),     cmocka_unit_test(test_json),
        cmocka_unit_test(test_replay_of_falco), cmocka_unit_test(test_replay_gives_up),
        cmocka_unit_test(test_damaged_json),    cmocka_unit_test(test_ceiling),
        cmocka_unit_test(test_exited),          cmocka_unit_test(test_huge),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
