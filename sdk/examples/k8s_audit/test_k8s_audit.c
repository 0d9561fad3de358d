/* SPDX-License-Identifier: Apache-2.0 */
/* The plugin "k8s_audit" on a host of the test's own: lines over a socket, and what fields say. */
#include <gyr/testing.h>

#include "audit.c"
#include "fields.c"
#include "k8s_audit.c"
#include "lines.c"

static struct gyr_fake_host source_host, enricher_host;
static struct config cfg = {"unix:/nowhere", 8192};
static void *reader, *fields_of;
static char path[64];

static void begin(void)
{
    struct gyr_error err = {0};
    static char listen_at[80];

    (void)snprintf(path, sizeof(path), "/tmp/k8s_audit.%d", (int)getpid());
    (void)snprintf(listen_at, sizeof(listen_at), "unix:%s", path);
    cfg.listen = listen_at;
    gyr_fake_host_init(&source_host, GYR_CAP_SOURCE);
    gyr_fake_host_init(&enricher_host, GYR_CAP_ENRICHER);
    GYR_CHECK(create(&source_host.host, &cfg, &reader, &err) == 0);
    GYR_CHECK(create(&enricher_host.host, &cfg, &fields_of, &err) == 0);
    GYR_CHECK(start(reader, &err) == 0 && start(fields_of, &err) == 0);
    if (err.msg[0])
        (void)fprintf(stderr, "%s\n", err.msg);
}

static void end(void)
{
    stop(reader);
    stop(fields_of);
    destroy(reader);
    destroy(fields_of);
    GYR_CHECK(gyr_fake_host_free(&source_host) == 0 && gyr_fake_host_free(&enricher_host) == 0);
    GYR_CHECK(access(path, F_OK) < 0);
}

static int dial(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    (void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
    GYR_CHECK(connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0);
    return fd;
}

static void send_text(int fd, const char *s)
{
    size_t n = strlen(s);

    GYR_CHECK(write(fd, s, n) == (ssize_t)n);
}

/* @return the first event that comes in some batches; NULL: none. */
static const struct gyr_event *next_event(void)
{
    static const struct gyr_event *ev[128];
    struct gyr_batch b = {.size = sizeof(b), .cap = 128, .timeout_ms = 200, .ev = ev};
    struct gyr_error err;

    for (int i = 0; i < 20; i++) {
        GYR_CHECK(next_batch(reader, &b, &err) == 0);
        if (b.n)
            return ev[0];
    }
    return NULL;
}

/* Is the field that text? A list is joined by commas. */
static int says(const struct gyr_event *ev, const char *name, const char *want)
{
    struct gyr_value v = {0}, one;
    char text[512] = "";
    uint32_t h = 0;

    while (h < sizeof(fields) / sizeof(fields[0]) && strcmp(fields[h].name, name) != 0)
        h++;
    gyr_fake_host_event_done(&enricher_host);
    if (!ev || get(fields_of, ev, h, &v) != GYR_PRESENT)
        return want == NULL;
    if (v.type == GYR_T_U64 || v.type == GYR_T_BOOL) {
        (void)snprintf(text, sizeof(text), "%d", (int)v.u.u64);
    } else {
        for (uint32_t i = 0; i < (v.type == GYR_T_LIST ? v.len : 1); i++) {
            one = v.type == GYR_T_LIST ? ((const struct gyr_value *)v.u.ptr)[i] : v;
            (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%.*s", i ? "," : "",
                           (int)one.len, (const char *)one.u.ptr);
        }
    }
    return want && strcmp(text, want) == 0;
}

static const char pod[] =
    "{\"kind\":\"Event\",\"auditID\":\"a-1\",\"stage\":\"ResponseComplete\",\"verb\":\"create\","
    "\"requestURI\":\"/api/v1/namespaces/shop/pods\",\"user\":{\"username\":\"eve\",\"groups\":["
    "\"dev\",\"system:authenticated\"]},\"sourceIPs\":[\"10.0.0.7\",\"192.0.2.1\"],\"userAgent\":"
    "\"kubectl\",\"objectRef\":{\"resource\":\"pods\",\"namespace\":\"shop\",\"name\":\"web\"},"
    "\"responseStatus\":{\"code\":201},\"requestObject\":{\"spec\":{\"hostNetwork\":true,"
    "\"containers\":[{\"image\":\"nginx\",\"securityContext\":{\"privileged\":true}},{\"image\":"
    "\"busybox\"}],\"volumes\":[{\"hostPath\":{\"path\":\"/etc\"}},{\"name\":\"x\"}]}},"
    "\"stageTimestamp\":\"2026-11-26T06:12:01.250000Z\",\"annotations\":{"
    "\"authorization.k8s.io/decision\":\"allow\"}}\n";

static void test_pod(void)
{
    const struct gyr_event *ev;
    int fd;

    begin();
    fd = dial();
    send_text(fd, pod);
    ev = next_event();
    GYR_CHECK(ev && ev->type == AUDIT && ev->ts_ns == 1795673521250000000u);
    GYR_CHECK(says(ev, "ka.verb", "create") && says(ev, "ka.user.name", "eve"));
    GYR_CHECK(says(ev, "ka.user.groups", "dev,system:authenticated"));
    GYR_CHECK(says(ev, "ka.sourceips", "10.0.0.7,192.0.2.1"));
    GYR_CHECK(says(ev, "ka.target.namespace", "shop") && says(ev, "ka.response.code", "201"));
    GYR_CHECK(says(ev, "ka.req.pod.containers.image", "nginx,busybox"));
    GYR_CHECK(says(ev, "ka.req.pod.containers.privileged", "true,false"));
    GYR_CHECK(says(ev, "ka.req.pod.host_network", "1"));
    GYR_CHECK(says(ev, "ka.req.pod.volumes.hostpath", "/etc"));
    GYR_CHECK(says(ev, "ka.auth.decision", "allow"));
    GYR_CHECK(says(ev, "ka.req.binding.role", NULL) && says(ev, "ka.impuser.name", NULL));
    close(fd);
    end();
}

static void test_pieces_and_lists(void)
{
    int fd;

    begin();
    fd = dial();
    send_text(fd, "nonsense\n{\"auditID\":\"b\",\"ver");
    GYR_CHECK(next_event() == NULL);
    send_text(fd, "b\":\"get\"}\n");
    GYR_CHECK(says(next_event(), "ka.verb", "get"));
    send_text(fd, "{\"kind\":\"EventList\",\"items\":[{\"auditID\":\"c\",\"verb\":\"list\"},"
                  "{\"auditID\":\"d\"}]}\n");
    GYR_CHECK(says(next_event(), "ka.verb", "list"));
    GYR_CHECK(gyr_fake_host_metric(&source_host, "malformed_lines") == 1);
    close(fd);
    end();
}

static void test_long_line(void)
{
    static char line[100001];
    int fd;

    begin();
    fd = dial();
    memset(line, 'x', sizeof(line) - 1);
    send_text(fd, line);
    GYR_CHECK(next_event() == NULL);
    send_text(fd, "\n{\"auditID\":\"e\",\"verb\":\"watch\"}\n");
    GYR_CHECK(says(next_event(), "ka.verb", "watch"));
    GYR_CHECK(gyr_fake_host_metric(&source_host, "long_lines") == 1);
    close(fd);
    end();
}

static void test_refused(void)
{
    static const char *const wrong[] = {"0.0.0.0:80",      "127.0.0.1",     "127.0.0.1:0",
                                        "127.0.0.1:99999", "unix:relative", "example.org:80"};
    struct gyr_error err;
    struct lines l;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        err.msg[0] = 0;
        GYR_CHECK(lines_open(&l, wrong[i], 4096, &err) < 0 && err.msg[0]);
    }
}

int main(void)
{
    test_pod();
    test_pieces_and_lists();
    test_long_line();
    test_refused();
    return gyr_test_done();
}
