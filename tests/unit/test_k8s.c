/* SPDX-License-Identifier: Apache-2.0 */
/* The enricher "k8s" against a made-up API server: what alerts would show, and what happens when
 * the server misbehaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../lib/event_build.h"
#include "../lib/k8s_rig.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define UID_A   "aaaaaaaa-0000-4000-8000-00000000000a"
#define UID_B   "bbbbbbbb-0000-4000-8000-00000000000b"
#define UID_C   "cccccccc-0000-4000-8000-00000000000c"
#define CG(uid) "cpuset=/kubepods/burstable/pod" uid "/x memory=/kubepods/burstable/pod" uid "/x"

static const char ca[] = "    certificate-authority: ca.crt\n";

struct test {
    struct k8s_rig rig;
    struct k8s_server *server;
};

static void put_pod(struct k8s_server *s, const char *name, const char *uid, const char *labels,
                    const char *owner, const char *container)
{
    char json[2048];

    (void)snprintf(
        json, sizeof(json),
        "{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"%s\","
        "\"namespace\":\"shop\",\"uid\":\"%s\",\"labels\":{%s},\"ownerReferences\":[%s]},"
        "\"spec\":{\"nodeName\":\"node-1\"},\"status\":{\"podIP\":\"10.1.2.3\","
        "\"containerStatuses\":[%s%s%s]}}",
        name, uid, labels, owner,
        container ? "{\"name\":\"c\",\"containerID\":\"containerd://" : "",
        container ? container : "", container ? "\"}" : "");
    k8s_server_put(s, "pods", json);
}

static const char owned_by_rs[] = "{\"kind\":\"ReplicaSet\",\"name\":\"web-5d\",\"uid\":\"rs-uid\","
                                  "\"apiVersion\":\"apps/v1\",\"controller\":true}";

/* A namespace with a deployment, its replica set, two services of it, and a pod. */
static void fill(struct k8s_server *s)
{
    k8s_server_put(s, "namespaces",
                   "{\"metadata\":{\"name\":\"shop\",\"uid\":\"ns-uid\",\"labels\":{\"team\":"
                   "\"red\",\"env\":\"prod\"}}}");
    k8s_server_put(s, "deployments",
                   "{\"metadata\":{\"name\":\"web\",\"namespace\":\"shop\",\"uid\":\"dep-uid\","
                   "\"labels\":{\"app\":\"web\"}},\"spec\":{\"replicas\":1}}");
    k8s_server_put(s, "replicasets",
                   "{\"metadata\":{\"name\":\"web-5d\",\"namespace\":\"shop\",\"uid\":\"rs-uid\","
                   "\"labels\":{\"hash\":\"5d\"},\"ownerReferences\":[{\"kind\":\"Deployment\","
                   "\"name\":\"web\",\"uid\":\"dep-uid\",\"controller\":true}]}}");
    k8s_server_put(s, "services",
                   "{\"metadata\":{\"name\":\"front\",\"namespace\":\"shop\",\"uid\":\"svc-1\","
                   "\"labels\":{\"tier\":\"x\"}},\"spec\":{\"selector\":{\"app\":\"web\"}}}");
    k8s_server_put(s, "services",
                   "{\"metadata\":{\"name\":\"all\",\"namespace\":\"shop\",\"uid\":\"svc-2\","
                   "\"labels\":{\"tier\":\"y\",\"z\":\"1\"}},\"spec\":{\"selector\":{\"app\":"
                   "\"web\",\"color\":\"blue\"}}}");
    k8s_server_put(s, "services",
                   "{\"metadata\":{\"name\":\"other\",\"namespace\":\"shop\",\"uid\":\"svc-3\"},"
                   "\"spec\":{\"selector\":{\"app\":\"db\"}}}");
    put_pod(s, "web-5d-1", UID_A, "\"app\":\"web\",\"color\":\"blue\"", owned_by_rs,
            RIG_ID("a1b2"));
}

static void set_up(struct test *t, const struct k8s_server_conf *conf, const char *user)
{
    struct k8s_server_conf c = *conf;

    k8s_rig_dir(&t->rig);
    c.dir = t->rig.dir;
    t->server = k8s_server_start(&c);
    fill(t->server);
    k8s_rig_kubeconfig(&t->rig, k8s_server_port(t->server), ca, user);
}

static void begin(struct test *t, const struct k8s_server_conf *conf, const char *user)
{
    struct gyr_error err;

    set_up(t, conf, user);
    if (k8s_rig_start(&t->rig, "node-1", true, &err) < 0)
        fail_msg("%s", err.msg);
}

static void end(struct test *t)
{
    k8s_rig_stop(&t->rig);
    k8s_server_stop(t->server);
}

static void expect_all(struct k8s_rig *r)
{
    static const char *const want[][2] = {
        {"k8s.pod.name", "web-5d-1"},
        {"k8s.pod.uid", UID_A},
        {"k8s.pod.id", UID_A},
        {"k8s.pod.ip", "10.1.2.3"},
        {"k8s.pod.label[app]", "web"},
        {"k8s.pod.label[none]", "<NA>"},
        {"k8s.pod.labels", "app:web, color:blue"},
        {"k8s.ns.name", "shop"},
        {"k8s.ns.id", "ns-uid"},
        {"k8s.ns.label[team]", "red"},
        {"k8s.ns.labels", "team:red, env:prod"},
        {"k8s.rs.name", "web-5d"},
        {"k8s.rs.id", "rs-uid"},
        {"k8s.rs.labels", "hash:5d"},
        {"k8s.deployment.name", "web"},
        {"k8s.deployment.id", "dep-uid"},
        {"k8s.deployment.label[app]", "web"},
        {"k8s.rc.name", "<NA>"},
        {"k8s.svc.name", "all, front"},
        {"k8s.svc.id", "svc-2, svc-1"},
        {"k8s.svc.label[tier]", "y, x"},
        {"k8s.svc.labels", "tier:y, z:1, tier:x"},
        {"k8smeta.pod.name", "web-5d-1"},
        {"k8smeta.pod.uid", UID_A},
        {"k8smeta.pod.labels", "(app:web,color:blue)"},
        {"k8smeta.ns.uid", "ns-uid"},
        {"k8smeta.deployment.labels", "(app:web)"},
        {"k8smeta.svc.name", "(all,front)"},
        {"k8smeta.svc.label[z]", "(1)"},
        {"k8smeta.svc.labels", "(tier:y,z:1,tier:x)"},
        {"k8smeta.rc.labels", "<NA>"},
        {"k8s.owner.kind", "Deployment"},
        {"k8s.owner.name", "web"},
        {"k8s.owner.labels", "app:web"},
    };

    for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
        k8s_rig_expect(r, want[i][0], want[i][1]);
}

static void test_fields(void **state)
{
    struct test t;

    (void)state;
    begin(&t, &(struct k8s_server_conf){0}, "    token: let-me-in\n");
    k8s_rig_in(&t.rig, RIG_ID("a1b2"), CG(UID_A));
    expect_all(&t.rig);
    k8s_rig_in(&t.rig, NULL, NULL);
    assert_string_equal(k8s_rig_get(&t.rig, "k8s.pod.name"), "<NA>");
    assert_int_equal(k8s_rig_said(&t.rig, "4 "), 0); /* no warning */
    end(&t);
}

/* The control group does not tell the pod: its containers' ids do. One of no pod is absent, once a
 * look has been had. */
static void test_by_container_id(void **state)
{
    struct test t;

    (void)state;
    begin(&t, &(struct k8s_server_conf){0}, "    token: let-me-in\n");
    k8s_rig_in(&t.rig, RIG_ID("a1b2"), "cpuset=/k8s.io/x");
    k8s_rig_expect(&t.rig, "k8s.pod.name", "web-5d-1");
    k8s_rig_in(&t.rig, RIG_ID("dddd"), "cpuset=/docker/x");
    k8s_rig_expect(&t.rig, "k8s.pod.name", "<NA>");
    end(&t);
}

/* Of a pod from a file, control groups have another uid than the API. */
static void test_static_pod(void **state)
{
    struct test t;

    (void)state;
    begin(&t, &(struct k8s_server_conf){0}, "    token: let-me-in\n");
    k8s_server_put(t.server, "pods",
                   "{\"metadata\":{\"name\":\"etcd-1\",\"namespace\":\"shop\",\"uid\":\"" UID_C
                   "\",\"annotations\":{\"kubernetes.io/config.hash\":"
                   "\"0123456789abcdef0123456789abcdef\"}},\"spec\":{\"nodeName\":\"node-1\"}}");
    k8s_rig_in(&t.rig, RIG_ID("e7cd"), "a=/kubepods/pod0123456789abcdef0123456789abcdef/x");
    k8s_rig_expect(&t.rig, "k8s.pod.name", "etcd-1");
    k8s_rig_expect(&t.rig, "k8s.pod.uid", UID_C);
    end(&t);
}

/* A pod that comes under the name of one that was evicted is another; what comes late of the first
 * is still the first's. */
static void test_recreated(void **state)
{
    struct test t;

    (void)state;
    begin(&t, &(struct k8s_server_conf){0}, "    token: let-me-in\n");
    k8s_rig_in(&t.rig, RIG_ID("a1b2"), CG(UID_A));
    k8s_rig_expect(&t.rig, "k8s.pod.uid", UID_A);
    assert_true(k8s_server_delete(t.server, "pods", "shop", "web-5d-1"));
    put_pod(t.server, "web-5d-1", UID_B, "\"app\":\"second\"", owned_by_rs, NULL);
    k8s_rig_in(&t.rig, RIG_ID("b2b2"), CG(UID_B));
    k8s_rig_expect(&t.rig, "k8s.pod.uid", UID_B);
    k8s_rig_expect(&t.rig, "k8s.pod.labels", "app:second");
    k8s_rig_in(&t.rig, RIG_ID("a1b2"), CG(UID_A));
    k8s_rig_expect(&t.rig, "k8s.pod.uid", UID_A);
    k8s_rig_expect(&t.rig, "k8s.pod.labels", "app:web, color:blue");
    end(&t);
}

/* A container that is there before its pod is told waits, and is told. */
static void test_pending(void **state)
{
    struct test t;

    (void)state;
    begin(&t, &(struct k8s_server_conf){0}, "    token: let-me-in\n");
    k8s_rig_in(&t.rig, RIG_ID("a1b2"), CG(UID_A));
    k8s_rig_expect(&t.rig, "k8s.pod.uid", UID_A);
    k8s_server_slow(t.server, 1000); /* the look comes too late */
    k8s_rig_in(&t.rig, RIG_ID("cccc"), CG(UID_C));
    assert_string_equal(k8s_rig_get(&t.rig, "k8s.pod.name"), "<pending>");
    put_pod(t.server, "late", UID_C, "", "", NULL);
    k8s_rig_expect(&t.rig, "k8s.pod.name", "late");
    (void)pthread_mutex_lock(&t.rig.host.lock);
    assert_true(t.rig.host.n_resolved > 0);
    (void)pthread_mutex_unlock(&t.rig.host.lock);
    end(&t);
}

/* Changes reach whoever asks later, owners' too. */
static void test_changes(void **state)
{
    struct test t;

    (void)state;
    begin(&t, &(struct k8s_server_conf){0}, "    token: let-me-in\n");
    k8s_rig_in(&t.rig, RIG_ID("a1b2"), CG(UID_A));
    k8s_rig_expect(&t.rig, "k8s.pod.uid", UID_A);
    put_pod(t.server, "web-5d-1", UID_A, "\"app\":\"web\",\"color\":\"green\"", owned_by_rs, NULL);
    k8s_rig_expect(&t.rig, "k8s.pod.labels", "app:web, color:green");
    k8s_rig_expect(&t.rig, "k8s.svc.name", "front");
    k8s_server_put(t.server, "namespaces",
                   "{\"metadata\":{\"name\":\"shop\",\"uid\":\"ns-uid\",\"labels\":{\"team\":"
                   "\"blue\"}}}");
    k8s_rig_expect(&t.rig, "k8s.ns.labels", "team:blue");
    end(&t);
}

/* What a value points to stays until its event is done, whatever comes in meanwhile. */
static void test_value_stays(void **state)
{
    struct event_build b;
    struct gyr_value name, again;
    struct gyr_event *ev;
    uint32_t handle = 0, type = 0;
    struct test t;

    (void)state;
    begin(&t, &(struct k8s_server_conf){0}, "    token: let-me-in\n");
    k8s_rig_in(&t.rig, RIG_ID("a1b2"), CG(UID_A));
    k8s_rig_expect(&t.rig, "k8s.pod.uid", UID_A);
    assert_int_equal(t.rig.plugin->enricher->bind(t.rig.self, 0, NULL, &handle, &type, NULL), 0);
    event_build_begin(&b, 1);
    b.ev.ts_ns = 77;
    ev = event_build_end(&b);
    assert_int_equal(t.rig.plugin->enricher->get(t.rig.self, ev, handle, &name), GYR_PRESENT);
    put_pod(t.server, "web-5d-1", UID_A, "\"changed\":\"yes\"", "", NULL);
    (void)usleep(400000);
    assert_int_equal(t.rig.plugin->enricher->get(t.rig.self, ev, handle, &again), GYR_PRESENT);
    assert_ptr_equal(name.u.ptr, again.u.ptr);
    assert_memory_equal(name.u.ptr, "web-5d-1", 8);
    k8s_rig_expect(&t.rig, "k8s.pod.labels", "changed:yes");
    t.rig.plugin->enricher->unbind(t.rig.self, handle);
    end(&t);
}

/* ---- the server misbehaves ---- */

/* 410 in the middle of a watch, with a pod that came and one that went meanwhile. */
static void test_gone(void **state)
{
    struct k8s_server_counts n;
    struct test t;

    (void)state;
    begin(&t, &(struct k8s_server_conf){0}, "    token: let-me-in\n");
    k8s_rig_in(&t.rig, RIG_ID("a1b2"), CG(UID_A));
    k8s_rig_expect(&t.rig, "k8s.pod.uid", UID_A);
    k8s_server_drop(t.server, true);
    put_pod(t.server, "new", UID_B, "", "", RIG_ID("b2b2"));
    k8s_server_compact(t.server);
    k8s_server_drop(t.server, false);
    k8s_rig_in(&t.rig, RIG_ID("b2b2"), CG(UID_B));
    k8s_rig_expect(&t.rig, "k8s.pod.name", "new");
    k8s_server_compact(t.server);
    put_pod(t.server, "newer", UID_C, "", "", NULL);
    k8s_rig_in(&t.rig, RIG_ID("cccc"), CG(UID_C));
    k8s_rig_expect(&t.rig, "k8s.pod.name", "newer");
    k8s_server_counts(t.server, &n);
    assert_true(n.gone >= 2);
    end(&t);
}

/* Connections that break, ten times while pods come: none is missed. */
static void test_drops(void **state)
{
    struct test t;
    char name[32], uid[48], cg[128], id[65];

    (void)state;
    begin(&t, &(struct k8s_server_conf){0}, "    token: let-me-in\n");
    k8s_rig_in(&t.rig, RIG_ID("a1b2"), CG(UID_A));
    k8s_rig_expect(&t.rig, "k8s.pod.uid", UID_A);
    for (int i = 0; i < 10; i++) {
        (void)snprintf(name, sizeof(name), "pod-%d", i);
        (void)snprintf(uid, sizeof(uid), "dddddddd-0000-4000-8000-00000000000%d", i);
        put_pod(t.server, name, uid, "", "", NULL);
        k8s_server_drop(t.server, false);
        (void)usleep(50000);
    }
    for (int i = 0; i < 10; i++) {
        (void)snprintf(name, sizeof(name), "pod-%d", i);
        (void)snprintf(cg, sizeof(cg), "a=/kubepods/poddddddddd-0000-4000-8000-00000000000%d/x", i);
        (void)snprintf(id, sizeof(id), "%064d", i + 1);
        k8s_rig_in(&t.rig, id, cg);
        k8s_rig_expect(&t.rig, "k8s.pod.name", name);
    }
    end(&t);
}

/* A list in pages that breaks off, is refused for its age, is nonsense, meets an overloaded server:
 * in the end all is known. */
static void test_lists_fail(void **state)
{
    static const int faults[] = {1, 410, 0, 500, 429};
    char name[32], uid[48];
    struct test t;

    (void)state;
    for (size_t f = 0; f < sizeof(faults) / sizeof(faults[0]); f++) {
        struct gyr_error err;

        set_up(&t, &(struct k8s_server_conf){0}, "    token: let-me-in\n");
        for (int i = 0; i < 250; i++) {
            (void)snprintf(name, sizeof(name), "pod-%d", i);
            (void)snprintf(uid, sizeof(uid), "dddddddd-0000-4000-8000-000000000%03d", i);
            put_pod(t.server, name, uid, "", "", NULL);
        }
        k8s_server_fault(t.server, "pods", faults[f], 1);
        assert_int_equal(k8s_rig_start(&t.rig, "node-1", true, &err), 0);
        k8s_rig_in(&t.rig, RIG_ID("dddd"), CG("dddddddd-0000-4000-8000-000000000249"));
        k8s_rig_expect(&t.rig, "k8s.pod.name", "pod-249");
        k8s_rig_in(&t.rig, RIG_ID("d0d0"), CG("dddddddd-0000-4000-8000-000000000000"));
        k8s_rig_expect(&t.rig, "k8s.pod.name", "pod-0");
        end(&t);
    }
}

/* Nonsense, a giant, and an object without what it needs in the middle of a watch. */
static void test_watch_nonsense(void **state)
{
    static const char *const bytes[] = {
        "{\"type\":\"ADDED\",\"object\":{{}}", "nonsense",
        "{\"type\":\"MODIFIED\",\"object\":{\"metadata\":{\"name\":\"x\"}}}\n",
        "{\"type\":\"ADDED\",\"object\":[1,2]}\n"};
    struct test t;
    char name[16], uid[48], cg[128];

    (void)state;
    begin(&t, &(struct k8s_server_conf){0}, "    token: let-me-in\n");
    k8s_rig_in(&t.rig, RIG_ID("a1b2"), CG(UID_A));
    k8s_rig_expect(&t.rig, "k8s.pod.uid", UID_A);
    for (int i = 0; i < 4; i++) {
        k8s_server_inject(t.server, bytes[i]);
        (void)usleep(100000);
        (void)snprintf(name, sizeof(name), "pod-%d", i);
        (void)snprintf(uid, sizeof(uid), "dddddddd-0000-4000-8000-00000000000%d", i);
        (void)snprintf(cg, sizeof(cg), "a=/kubepods/pod%s/x", uid);
        put_pod(t.server, name, uid, "", "", NULL);
        k8s_rig_in(&t.rig, RIG_ID("d0d0"), cg);
    }
    for (int i = 0; i < 4; i++) {
        char id[65];

        (void)snprintf(id, sizeof(id), "%064d", i + 7);
        (void)snprintf(name, sizeof(name), "pod-%d", i);
        (void)snprintf(cg, sizeof(cg), "a=/kubepods/poddddddddd-0000-4000-8000-00000000000%d/x", i);
        k8s_rig_in(&t.rig, id, cg);
        k8s_rig_expect(&t.rig, "k8s.pod.name", name);
    }
    end(&t);
}

static void test_token_rotated(void **state)
{
    struct k8s_server_counts n;
    struct test t;
    struct gyr_error err;

    (void)state;
    set_up(&t, &(struct k8s_server_conf){.token = "first"}, "    tokenFile: token\n");
    k8s_rig_file(&t.rig, "token", "first\n");
    assert_int_equal(k8s_rig_start(&t.rig, "node-1", true, &err), 0);
    k8s_rig_in(&t.rig, RIG_ID("a1b2"), CG(UID_A));
    k8s_rig_expect(&t.rig, "k8s.pod.uid", UID_A);
    k8s_rig_file(&t.rig, "token", "second\n");
    k8s_server_token(t.server, "second");
    k8s_server_drop(t.server, false);
    put_pod(t.server, "new", UID_B, "", "", NULL);
    k8s_rig_in(&t.rig, RIG_ID("b2b2"), CG(UID_B));
    k8s_rig_expect(&t.rig, "k8s.pod.name", "new");
    k8s_server_counts(t.server, &n);
    assert_true(n.unauthorized > 0);
    end(&t);
}

static void test_client_certificate(void **state)
{
    struct test t;
    struct gyr_error err;

    (void)state;
    begin(&t, &(struct k8s_server_conf){.client_cert = true},
          "    client-certificate: client.crt\n    client-key: client.key\n");
    k8s_rig_in(&t.rig, RIG_ID("a1b2"), CG(UID_A));
    k8s_rig_expect(&t.rig, "k8s.pod.uid", UID_A);
    end(&t);

    /* without it, nobody is let in, which is told once */
    set_up(&t, &(struct k8s_server_conf){.client_cert = true}, "    token: x\n");
    assert_int_equal(k8s_rig_start(&t.rig, "node-1", true, &err), 0);
    k8s_rig_expect_said(&t.rig, "does not give");
    end(&t);
}

static void test_server_of_another_name(void **state)
{
    char cluster[256];
    struct test t;
    struct gyr_error err;

    (void)state;
    set_up(&t, &(struct k8s_server_conf){.host = "api.made.up"}, "    token: x\n");
    assert_int_equal(k8s_rig_start(&t.rig, "node-1", true, &err), 0);
    k8s_rig_expect_said(&t.rig, "does not give");
    assert_int_equal(k8s_rig_said(&t.rig, "pods listed"), 0);
    end(&t);

    set_up(&t, &(struct k8s_server_conf){.host = "api.made.up"}, "    token: x\n");
    (void)snprintf(cluster, sizeof(cluster), "%s    tls-server-name: api.made.up\n", ca);
    k8s_rig_kubeconfig(&t.rig, k8s_server_port(t.server), cluster, "    token: x\n");
    assert_int_equal(k8s_rig_start(&t.rig, "node-1", true, &err), 0);
    k8s_rig_in(&t.rig, RIG_ID("a1b2"), CG(UID_A));
    k8s_rig_expect(&t.rig, "k8s.pod.uid", UID_A);
    end(&t);

    /* a server that no authority knows: believed only if both say so */
    set_up(&t, &(struct k8s_server_conf){0}, "    token: x\n");
    k8s_rig_kubeconfig(&t.rig, k8s_server_port(t.server), "    insecure-skip-tls-verify: true\n",
                       "    token: x\n");
    assert_true(k8s_rig_start(&t.rig, "node-1", true, &err) < 0);
    assert_non_null(strstr(err.msg, "insecure"));
    end(&t);
}

/* Nobody there: told once, fields of pods' containers pending, of others absent; then there is. */
static void test_absent(void **state)
{
    struct test t;
    struct gyr_error err;

    (void)state;
    set_up(&t, &(struct k8s_server_conf){0}, "    token: x\n");
    k8s_server_drop(t.server, true);
    assert_int_equal(k8s_rig_start(&t.rig, "node-1", true, &err), 0);
    k8s_rig_in(&t.rig, RIG_ID("a1b2"), CG(UID_A));
    assert_string_equal(k8s_rig_get(&t.rig, "k8s.pod.name"), "<pending>");
    k8s_rig_expect_said(&t.rig, "does not give");
    (void)usleep(1500000);
    assert_int_equal(k8s_rig_said(&t.rig, "does not give"), 1);
    k8s_rig_in(&t.rig, RIG_ID("d0d0"), "a=/docker/x");
    k8s_rig_expect(&t.rig, "k8s.pod.name", "<NA>");
    k8s_server_drop(t.server, false);
    k8s_rig_in(&t.rig, RIG_ID("a1b2"), CG(UID_A));
    k8s_rig_expect(&t.rig, "k8s.pod.name", "web-5d-1");
    k8s_rig_expect_said(&t.rig, "answers again");
    end(&t);
}

/* What may not be listed is told, and the rest goes on without it. */
static void test_forbidden(void **state)
{
    struct test t;
    struct gyr_error err;

    (void)state;
    set_up(&t, &(struct k8s_server_conf){0}, "    token: x\n");
    k8s_server_fault(t.server, "replicasets", 403, 1000);
    assert_int_equal(k8s_rig_start(&t.rig, "node-1", true, &err), 0);
    k8s_rig_in(&t.rig, RIG_ID("a1b2"), CG(UID_A));
    k8s_rig_expect(&t.rig, "k8s.pod.name", "web-5d-1");
    k8s_rig_expect(&t.rig, "k8s.rs.name", "web-5d"); /* the pod names it */
    k8s_rig_expect(&t.rig, "k8s.deployment.name", "<NA>");
    assert_int_equal(k8s_rig_said(&t.rig, "refuses to list replicasets (403)"), 1);
    end(&t);
}

/* ---- captures ---- */

static void test_replay(void **state)
{
    struct k8s_rig other;
    struct gyr_error err;
    struct test t;

    (void)state;
    begin(&t, &(struct k8s_server_conf){0}, "    token: let-me-in\n");
    k8s_rig_in(&t.rig, RIG_ID("a1b2"), CG(UID_A));
    k8s_rig_expect(&t.rig, "k8s.pod.uid", UID_A);
    k8s_rig_dir(&other);
    assert_int_equal(k8s_rig_start(&other, NULL, false, &err), 0);
    k8s_rig_in(&other, RIG_ID("a1b2"), CG(UID_A));
    /* a recording by somebody who knew no pods is not waited for */
    assert_string_equal(k8s_rig_get(&other, "k8s.pod.name"), "<NA>");
    assert_true(k8s_rig_replay(&t.rig, &other, 1) == 1);
    assert_string_equal(k8s_rig_get(&other, "k8s.pod.name"), "<pending>");
    assert_true(k8s_rig_replay(&t.rig, &other, UINT32_MAX) >= 2);
    assert_int_equal(other.host.n_resolved, 1);
    expect_all(&other);
    /* one that no event tells of is absent after a second of the recording */
    k8s_rig_in(&other, RIG_ID("cccc"), CG(UID_C));
    assert_string_equal(k8s_rig_get(&other, "k8s.pod.name"), "<pending>");
    other.ts_ns += UINT64_C(1100000000);
    assert_string_equal(k8s_rig_get(&other, "k8s.pod.name"), "<NA>");
    k8s_rig_stop(&other);
    end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_by_container_id),
        cmocka_unit_test(test_static_pod),
        cmocka_unit_test(test_recreated),
        cmocka_unit_test(test_pending),
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_value_stays),
        cmocka_unit_test(test_gone),
        cmocka_unit_test(test_drops),
        cmocka_unit_test(test_lists_fail),
        cmocka_unit_test(test_watch_nonsense),
        cmocka_unit_test(test_token_rotated),
        cmocka_unit_test(test_client_certificate),
        cmocka_unit_test(test_server_of_another_name),
        cmocka_unit_test(test_absent),
        cmocka_unit_test(test_forbidden),
        cmocka_unit_test(test_replay),
    };

    return cmocka_run_group_tests_name("k8s", tests, NULL, NULL);
}
