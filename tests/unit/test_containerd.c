/* SPDX-License-Identifier: Apache-2.0 */
/* The enricher "containerd" against a server that speaks CRI as CRI-O does, well and badly. (The
 * real containerd is asked in tests/e2e/test_containerd_names.sh.) */
#include "../lib/event_build.h"
#include "../lib/fake_host.h"
#include "../lib/grpc_server.h"

#include "cri.pb-c.h"
#include "syscall/ids.h"
#include "syscall/syscall.h"

#include <errno.h>
#include <gyr/plugin.h>
#include <gyr/util.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
/* after them */
#include <cmocka.h>

const struct gyr_plugin *gyr_plugin_query_containerd(uint32_t host_abi);

#define HEX60 "b5cb0e215093970c733549a3f745f52263c05b37f8a488994f3697956520"
static const char pod_id[] = "aaaa" HEX60, front[] = "1111" HEX60, late[] = "2222" HEX60,
                  missing[] = "3333" HEX60;

struct conf { /* as the plugin's own */
    const char *const *sockets, *const *namespaces;
};

struct rig {
    struct fake_host h;
    struct grpc_server *server;
    char path[64];
    const char *sockets[2];
    struct conf conf;
    const struct gyr_plugin *p;
    void *self;
    struct event_build b;
    uint64_t num;
    bool with_late; /* the runtime has that container */
    bool many;      /* and so many more */
};

/* protobuf-c's members are not const. */
static char *text_of(const char *s)
{
    return (char *)(uintptr_t)s;
}

/* ---- the runtime ---- */

static void send_message(struct gs_call *c, const ProtobufCMessage *m)
{
    size_t n = protobuf_c_message_get_packed_size(m);
    uint8_t *p = malloc(n + 1);

    assert_non_null(p);
    (void)protobuf_c_message_pack(m, p);
    gs_send(c, p, n);
    free(p);
}

static Cri__Entry entry_of(const char *key, const char *value)
{
    Cri__Entry e = CRI__ENTRY__INIT;

    e.key = text_of(key);
    e.value = text_of(value);
    return e;
}

/* What CRI-O puts under "info": as text, with the specification in it. */
static const char info[] =
    "{\"sandboxID\":\"aaaa" HEX60 "\",\"pid\":4711,\"privileged\":true,\"runtimeSpec\":{"
    "\"process\":{\"env\":[\"PATH=/bin\",\"A=b\"],\"capabilities\":{\"bounding\":[\"CAP_CHOWN\"]}},"
    "\"mounts\":[{\"destination\":\"/proc\",\"type\":\"proc\",\"source\":\"proc\"}],"
    "\"linux\":{\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"network\",\"path\":\"/x\"}]}}}";

static const char applied[] =
    "{\"spec\":{\"containers\":[{\"name\":\"other\"},{\"name\":\"front\",\"livenessProbe\":{"
    "\"exec\":"
    "{\"command\":[\"/bin/check\",\"-a\"]}},\"readinessProbe\":{\"httpGet\":{}}}]}}";

static int container_status(struct gs_call *c, const char *id)
{
    Cri__ContainerStatusResponse r = CRI__CONTAINER_STATUS_RESPONSE__INIT;
    Cri__ContainerStatus s = CRI__CONTAINER_STATUS__INIT;
    Cri__ContainerMetadata m = CRI__CONTAINER_METADATA__INIT;
    Cri__ImageSpec image = CRI__IMAGE_SPEC__INIT;
    Cri__Mount mount = CRI__MOUNT__INIT, *mounts[] = {&mount};
    Cri__Entry label = entry_of("io.kubernetes.container.name", "front"),
               verbose = entry_of("info", info), *labels[] = {&label}, *infos[] = {&verbose};

    m.name = text_of("front");
    image.image = text_of("quay.io/shop/front:1.4");
    mount.container_path = text_of("/data");
    mount.host_path = text_of("/srv/data");
    mount.readonly = 1;
    mount.propagation = 1;
    s.id = text_of(id);
    s.metadata = &m;
    s.state = 1;
    s.created_at = INT64_C(1600000000000000000);
    s.started_at = INT64_C(1600000001000000000);
    s.image = &image;
    s.image_ref = text_of("quay.io/shop/front@sha256:1234");
    s.image_id = text_of("abcdef");
    s.labels = labels;
    s.n_labels = 1;
    s.mounts = mounts;
    s.n_mounts = 1;
    r.status = &s;
    r.info = infos;
    r.n_info = 1;
    send_message(c, &r.base);
    return 0;
}

static int pod_status(struct gs_call *c)
{
    Cri__PodSandboxStatusResponse r = CRI__POD_SANDBOX_STATUS_RESPONSE__INIT;
    Cri__PodSandboxStatus s = CRI__POD_SANDBOX_STATUS__INIT;
    Cri__PodSandboxMetadata m = CRI__POD_SANDBOX_METADATA__INIT;
    Cri__PodSandboxNetworkStatus net = CRI__POD_SANDBOX_NETWORK_STATUS__INIT;
    Cri__LinuxPodSandboxStatus lin = CRI__LINUX_POD_SANDBOX_STATUS__INIT;
    Cri__Namespaces ns = CRI__NAMESPACES__INIT;
    Cri__NamespaceOption option = CRI__NAMESPACE_OPTION__INIT;
    Cri__Entry label = entry_of("app", "shop"),
               note = entry_of("kubectl.kubernetes.io/last-applied-configuration", applied),
               *labels[] = {&label}, *notes[] = {&note};

    m.name = text_of("front-7d-x2");
    m.uid = text_of("0d9f-11");
    m.namespace_ = text_of("shop");
    net.ip = text_of("10.1.2.3");
    option.network = 2;
    ns.options = &option;
    lin.namespaces = &ns;
    s.id = text_of(pod_id);
    s.metadata = &m;
    s.network = &net;
    s.on_linux = &lin;
    s.labels = labels;
    s.n_labels = 1;
    s.annotations = notes;
    s.n_annotations = 1;
    r.status = &s;
    send_message(c, &r.base);
    return 0;
}

static int version(struct gs_call *c)
{
    Cri__VersionResponse r = CRI__VERSION_RESPONSE__INIT;

    r.runtime_name = text_of("cri-o");
    r.runtime_version = text_of("1.28.0");
    send_message(c, &r.base);
    return 0;
}

enum { MANY = 1000 };

static int list_many(struct gs_call *c)
{
    static Cri__Container all[MANY], *list[MANY];
    static char ids[MANY][65];
    Cri__ListContainersResponse r = CRI__LIST_CONTAINERS_RESPONSE__INIT;

    for (int i = 0; i < MANY; i++) {
        cri__container__init(&all[i]);
        (void)snprintf(ids[i], sizeof(ids[i]), "9%03d%s", i, HEX60);
        all[i].id = ids[i];
        all[i].state = 1;
        list[i] = &all[i];
    }
    r.containers = list;
    r.n_containers = MANY;
    send_message(c, &r.base);
    return 0;
}

static int list(struct gs_call *c)
{
    Cri__ListContainersResponse r = CRI__LIST_CONTAINERS_RESPONSE__INIT;
    Cri__Container one = CRI__CONTAINER__INIT, *all[] = {&one};

    one.id = text_of(front);
    one.state = 1;
    r.containers = all;
    r.n_containers = 1;
    send_message(c, &r.base);
    return 0;
}

static int answer(void *arg, struct gs_call *c)
{
    static const char service[] = "/runtime.v1.RuntimeService/";
    struct rig *r = arg;
    const char *method = gs_method(c), *id = "";
    size_t len;
    const uint8_t *p = gs_request(c, &len);
    Cri__ContainerStatusRequest *m = cri__container_status_request__unpack(NULL, len, p);
    int ret = 12;

    if (strncmp(method, service, sizeof(service) - 1) == 0) {
        method += sizeof(service) - 1;
        id = m ? m->container_id : "";
        if (strcmp(method, "Version") == 0)
            ret = version(c);
        else if (strcmp(method, "ListContainers") == 0)
            ret = r->many ? list_many(c) : list(c);
        else if (strcmp(method, "ListPodSandbox") == 0)
            gs_send(c, "", 0), ret = 0;
        else if (strcmp(method, "GetContainerEvents") == 0)
            gs_keep_open(c), ret = 0;
        else if (strcmp(method, "ContainerStatus") == 0)
            ret = strcmp(id, front) == 0 || (r->many && *id == '9') ||
                          (r->with_late && strcmp(id, late) == 0)
                      ? container_status(c, id)
                      : 5;
        else if (strcmp(method, "PodSandboxStatus") == 0)
            ret = strcmp(id, pod_id) == 0 ? pod_status(c) : 5;
    }
    if (m)
        cri__container_status_request__free_unpacked(m, NULL);
    return ret;
}

/* ---- the core's side ---- */

static const char *full_id; /* of the event that is being looked at */

static int field_bind(void *ctx, const char *name, uint32_t *ret_handle)
{
    (void)ctx;
    *ret_handle = 0;
    return strcmp(name, "container.full_id") == 0 ? 0 : -ENOENT;
}

static int field(void *ctx, const struct gyr_event *ev, uint32_t h, struct gyr_value *ret)
{
    (void)ctx;
    (void)ev;
    if (h != 0)
        return GYR_ABSENT;
    *ret = gyr_str(full_id, strlen(full_id));
    return GYR_PRESENT;
}

static void serve(struct rig *r)
{
    r->server = grpc_server_new(r->path, answer, r);
}

static void begin(struct rig *r)
{
    struct gyr_error err;

    if (r->p->start(r->self, &err) < 0)
        fail_msg("%s", err.msg);
}

static int set_up(void **state)
{
    struct rig *r = calloc(1, sizeof(*r));
    struct gyr_error err;

    assert_non_null(r);
    fake_host_init(&r->h);
    r->h.host.is_live = 1;
    (void)snprintf(r->path, sizeof(r->path), "/tmp/gyr-test-cri.%d", (int)getpid());
    r->sockets[0] = r->path;
    r->conf.sockets = r->sockets;
    r->with_late = true;
    r->p = gyr_plugin_query_containerd(0);
    r->h.host.field_bind = field_bind;
    r->h.host.field = field;
    assert_int_equal(r->p->create(&r->h.host, &r->conf, &r->self, &err), 0);
    *state = r;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *r = *state;

    r->p->stop(r->self);
    r->p->destroy(r->self);
    grpc_server_free(r->server);
    assert_int_equal(fake_host_free(&r->h), 0);
    free(r);
    return 0;
}

static const struct gyr_event *seen(struct rig *r, const char *id)
{
    struct gyr_event *ev;

    fake_host_event_done(&r->h);
    full_id = id;
    event_build_begin(&r->b, EV_SYSCALL_EXECVE_19_X);
    r->b.ev.num = ++r->num;
    r->b.ev.ts_ns = 1000000000u * r->num;
    ev = event_build_end(&r->b);
    assert_int_equal(r->p->enricher->on_event(r->self, 0, ev), 0);
    return ev;
}

static uint32_t handle(struct rig *r, const char *name, const char *arg)
{
    const struct gyr_enricher_ops *ops = r->p->enricher;

    for (uint32_t i = 0; i < ops->n_fields; i++) {
        uint32_t h, type = GYR_T_STR;
        struct gyr_error err;

        if (strcmp(ops->fields[i].name, name) == 0) {
            assert_int_equal(ops->bind(r->self, i, arg, &h, &type, &err), 0);
            return h;
        }
    }
    fail_msg("there is no %s", name);
    return 0;
}

static bool is_resolved(struct rig *r, uint64_t ticket)
{
    bool found = false;

    pthread_mutex_lock(&r->h.lock);
    for (uint32_t i = 0; i < r->h.n_resolved; i++)
        found |= r->h.resolved[i] == ticket;
    pthread_mutex_unlock(&r->h.lock);
    return found;
}

static void nap(void)
{
    struct timespec ts = {.tv_nsec = 5000000};

    (void)nanosleep(&ts, NULL);
}

/* The value as text, waited for; "-": absent; "?": still pending after @p ms. */
static const char *value(struct rig *r, const char *id, const char *field, const char *arg, int ms)
{
    static char text[512];
    const struct gyr_enricher_ops *ops = r->p->enricher;
    uint32_t h = handle(r, field, arg);
    struct gyr_value v = {0};
    int a = ops->get(r->self, seen(r, id), h, &v);
    uint64_t ticket = v.u.u64;

    if (a == GYR_PENDING) {
        for (int i = 0; i < ms / 5 && !is_resolved(r, ticket); i++)
            nap();
        a = ops->redeem(r->self, h, ticket, &v);
    }
    if (a == GYR_PRESENT && v.type == GYR_T_STR)
        (void)snprintf(text, sizeof(text), "%.*s", (int)v.len, (const char *)v.u.ptr);
    else if (a == GYR_PRESENT)
        (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)v.u.u64);
    else
        (void)snprintf(text, sizeof(text), "%s", a == GYR_ABSENT ? "-" : "?");
    if (ticket && (a == GYR_PENDING || is_resolved(r, ticket)))
        ops->release(r->self, h, ticket);
    ops->unbind(r->self, h);
    return text;
}

/* How often the log has a text, waited for until it has it @p at_least times. */
static int logged(struct rig *r, const char *text, int at_least)
{
    int n = 0;

    for (int i = 0; i < 1000; i++) {
        n = 0;
        pthread_mutex_lock(&r->h.lock);
        for (const char *p = r->h.log; (p = strstr(p, text)); p++)
            n++;
        pthread_mutex_unlock(&r->h.lock);
        if (n >= at_least)
            break;
        nap();
    }
    return n;
}

static int emitted(struct rig *r, const char *text, int at_least)
{
    int n = 0;

    for (int i = 0; i < 400; i++) {
        n = 0;
        pthread_mutex_lock(&r->h.lock);
        for (const uint8_t *p = r->h.emitted;
             (p = memmem(p, (size_t)(r->h.emitted + r->h.emitted_len - p), text, strlen(text)));
             p++)
            n++;
        pthread_mutex_unlock(&r->h.lock);
        if (n >= at_least)
            break;
        nap();
    }
    return n;
}

/* ---- tests ---- */

static void test_fields(void **state)
{
    static const struct {
        const char *field, *arg, *value;
    } rows[] = {
        {"container.name", NULL, "front"},
        {"container.type", NULL, "cri-o"},
        {"container.image", NULL, "quay.io/shop/front:1.4"},
        {"container.image.repository", NULL, "quay.io/shop/front"},
        {"container.image.tag", NULL, "1.4"},
        {"container.image.digest", NULL, "sha256:1234"},
        {"container.image.id", NULL, "abcdef"},
        {"container.privileged", NULL, "1"},
        {"container.host_network", NULL, "1"},
        {"container.host_pid", NULL, "0"},
        {"container.mount.source", "/data", "/srv/data"},
        {"container.mount.dest", "/srv/data", "/data"},
        {"container.mount.rdwr", "/srv/data", "false"},
        {"container.mount.propagation", "/srv/data", "rslave"},
        {"container.label", "io.kubernetes.container.name", "front"},
        {"container.liveness_probe", NULL, "/bin/check -a"},
        {"container.readiness_probe", NULL, "-"},
        {"k8s.pod.name", NULL, "front-7d-x2"},
        {"k8s.ns.name", NULL, "shop"},
        {"k8s.pod.uid", NULL, "0d9f-11"},
        {"k8s.pod.ip", NULL, "10.1.2.3"},
        {"k8s.pod.label", "app", "shop"},
        {"k8s.pod.full_sandbox_id", NULL, pod_id},
    };
    struct rig *r = *state;

    serve(r);
    begin(r);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *v = value(r, front, rows[i].field, rows[i].arg, 3000);

        if (strcmp(v, rows[i].value) != 0)
            fail_msg("%s[%s] is '%s', not '%s'", rows[i].field, rows[i].arg ? rows[i].arg : "", v,
                     rows[i].value);
    }
    assert_string_equal(value(r, pod_id, "container.name", NULL, 3000), "front-7d-x2");
    assert_string_equal(value(r, missing, "container.name", NULL, 3000), "-");
}

static void test_events(void **state)
{
    struct rig *r = *state;
    Cri__ContainerEventResponse e = CRI__CONTAINER_EVENT_RESPONSE__INIT;
    uint8_t packed[256];
    size_t n;

    serve(r);
    begin(r);
    assert_int_equal(emitted(r, "\"event\":\"running\"", 1) + emitted(r, "\"running\"", 1) > 0, 1);
    e.container_id = text_of(late);
    e.container_event_type = 1;
    n = cri__container_event_response__pack(&e, packed);
    while (!grpc_server_push(r->server, "GetContainerEvents", packed, n))
        nap();
    assert_true(emitted(r, late, 1) >= 1);
    e.container_event_type = 2;
    n = cri__container_event_response__pack(&e, packed);
    assert_int_equal(grpc_server_push(r->server, "GetContainerEvents", packed, n), 1);
    assert_int_equal(emitted(r, "container_removed", 1), 1);
}

/* Whatever a runtime does, an answer comes or stays away; nothing breaks, and what comes after it
 * is right. */
static void test_faults(void **state)
{
    static const enum gs_fault all[] = {GS_SLOW,   GS_DROP,   GS_RST,   GS_HUGE,      GS_MALFORMED,
                                        GS_STATUS, GS_DENIED, GS_OLD,   GS_NO_STATUS, GS_COMPRESSED,
                                        GS_HTTP,   GS_GOAWAY, GS_TWICE, GS_SILENT};
    struct rig *r = *state;
    char id[sizeof(late)];

    serve(r);
    begin(r);
    assert_string_equal(value(r, front, "container.name", NULL, 3000), "front");
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        const char *v;

        grpc_server_fault(r->server, "Status", all[i]);
        memcpy(id, late, sizeof(id));
        id[0] = (char)('a' + i % 6);
        id[1] = (char)('a' + i / 6);
        v = value(r, id, "container.name", NULL, all[i] == GS_SILENT ? 2500 : 600);
        assert_true(strcmp(v, "-") == 0 || strcmp(v, "?") == 0);
        grpc_server_fault(r->server, "", GS_NONE);
    }
    assert_string_equal(value(r, late, "container.name", NULL, 6000), "front");
}

static void test_comes_late_and_goes(void **state)
{
    struct rig *r = *state;

    begin(r); /* there is no socket */
    assert_string_equal(value(r, front, "container.name", NULL, 3000), "-");
    serve(r);
    (void)logged(r, ": reached", 1);
    assert_string_equal(value(r, late, "container.name", NULL, 3000), "front");
    grpc_server_free(r->server); /* and gone */
    r->server = NULL;
    assert_int_equal(logged(r, "not reached", 1), 1);
    assert_string_equal(value(r, missing, "container.name", NULL, 300), "?"); /* it may have it */
    serve(r);
    assert_int_equal(logged(r, "reached again", 1), 1);
    assert_string_equal(value(r, missing, "container.name", NULL, 3000), "-");
    assert_int_equal(logged(r, "not reached", 1), 1);
}

static void test_old_api(void **state)
{
    struct rig *r = *state;

    serve(r);
    grpc_server_fault(r->server, "Version", GS_OLD);
    begin(r);
    assert_int_equal(logged(r, "neither containerd's API nor CRI's", 1), 1);
    for (int i = 0; i < 300; i++) /* and once only, however often it is tried */
        nap();
    assert_int_equal(logged(r, "not reached", 1), 1);
    assert_true(grpc_server_calls(r->server, "Version") >= 4);
    grpc_server_fault(r->server, "", GS_NONE);
    assert_int_equal(logged(r, "reached again", 1), 1);
    assert_string_equal(value(r, late, "container.name", NULL, 3000), "front");
}

static void test_no_events(void **state)
{
    struct rig *r = *state;

    serve(r);
    grpc_server_fault(r->server, "GetContainerEvents", GS_OLD);
    begin(r);
    assert_int_equal(logged(r, "tells no events", 1), 1);
    assert_string_equal(value(r, late, "container.name", NULL, 3000), "front");
    assert_true(emitted(r, late, 1) >= 1); /* it runs, says its status */
}

static int emit_nothing(void *ctx, const struct gyr_event *ev)
{
    (void)ctx;
    (void)ev;
    return 0; /* the fake host's memory for events is small */
}

/* A full node is known soon after the start. */
static void test_many(void **state)
{
    struct rig *r = *state;
    struct timespec a, b;
    char last[65];

    r->many = true;
    r->h.host.emit = emit_nothing;
    serve(r);
    (void)clock_gettime(CLOCK_MONOTONIC, &a);
    begin(r);
    for (int i = 0; i < 2000 && grpc_server_calls(r->server, "/ContainerStatus") < MANY; i++)
        nap();
    (void)snprintf(last, sizeof(last), "9%03d%s", MANY - 1, HEX60);
    assert_string_equal(value(r, last, "container.name", NULL, 5000), "front");
    (void)clock_gettime(CLOCK_MONOTONIC, &b);
    print_message("%d containers in %.2f s\n", MANY,
                  (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9);
    assert_true(grpc_server_calls(r->server, "/ContainerStatus") <= MANY + 1);
}

/* In a replay nobody is asked. */
static void test_replay(void **state)
{
    struct rig *r = *state;

    serve(r);
    r->h.host.is_live = 0;
    begin(r);
    for (int i = 0; i < 20; i++)
        nap();
    assert_int_equal(grpc_server_calls(r->server, "/"), 0);
    (void)value(r, front, "container.name", NULL, 50);
    assert_int_equal(grpc_server_calls(r->server, "/"), 0);
}

static void test_configuration(void **state)
{
    struct rig *r = *state;
    char far[200];
    const char *one[] = {far, NULL}, *nine[10] = {0};
    struct conf conf = {.sockets = one};
    struct gyr_error err;
    void *self;

    memset(far, 'x', sizeof(far) - 1);
    far[sizeof(far) - 1] = '\0';
    assert_int_equal(r->p->create(&r->h.host, &conf, &self, &err), GYR_E_CONF);
    assert_non_null(strstr(err.msg, "too long"));
    for (int i = 0; i < 9; i++)
        nine[i] = "/x";
    conf.sockets = nine;
    assert_int_equal(r->p->create(&r->h.host, &conf, &self, &err), GYR_E_CONF);
    begin(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_fields, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_events, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_faults, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_comes_late_and_goes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_old_api, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_events, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_many, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_replay, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_configuration, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
