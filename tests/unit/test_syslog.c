/* SPDX-License-Identifier: Apache-2.0 */
/* The output syslog: its messages, and their way over datagrams and streams that stall or break. */
#include "../../plugins/outputs/syslog/message.h"
#include "../lib/fake_host.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

const struct gyr_plugin *gyr_plugin_query_syslog(uint32_t host_abi);

/* As the option table of the plugin describes it. */
struct syslog_config {
    const char *address, *app_name, *hostname, *sd_id;
    const char *ca, *cert, *key, *server_name;
    const char *const *fields;
    int64_t transport, format, content, facility, framing;
    uint64_t max_size, timeout;
    uint8_t bom, verify;
};

enum { LOCAL, UDP, TCP, TLS };

static const char *const tags[] = {"shell", "T1059"};
static const struct gyr_alert_field fields[] = {
    {.name = "proc.name", .text = "sh"},
    {.name = "proc.aname[2]", .text = "a\"b\\c]d\n\xc3\xa9"},
    {.name = "a.name.that.is.longer.than.32.characters", .text = "x"},
};

static struct gyr_alert an_alert(const char *text)
{
    return (struct gyr_alert){.size = sizeof(struct gyr_alert),
                              .priority = GYR_PRIO_WARNING,
                              .token = 1,
                              .ts_ns = 1700000000123456789,
                              .uuid = "u-1",
                              .rule = "A \"rule\"",
                              .hostname = "box",
                              .text = text,
                              .text_len = (uint32_t)strlen(text),
                              .json = "{\"a\":1}",
                              .json_len = 7,
                              .n_tags = 2,
                              .tags = tags,
                              .n_fields = 3,
                              .fields = fields};
}

static struct syslog_style a_style(int rfc)
{
    return (struct syslog_style){
        .rfc = rfc, .facility = 10, .bom = 1, .app_name = "gyr", .sd_id = "gyr@32473", .pid = 42};
}

static void check_message(const struct syslog_style *st, const struct gyr_alert *a,
                          const char *want)
{
    char buf[8192];
    size_t n = syslog_message(st, a, buf, sizeof(buf));

    assert_int_equal(n, strlen(want));
    assert_memory_equal(buf, want, n);
}

#define SD_BASE "gyr@32473 uuid=\"u-1\" rule=\"A \\\"rule\\\"\" tag=\"shell\" tag=\"T1059\""
#define HEAD    "<84>1 2023-11-14T22:13:20.123456Z box gyr 42 alert "

static void test_rfc5424(void **state)
{
    static const char *const some[] = {"proc.aname[2]", NULL}, *const all[] = {"*", NULL};
    struct syslog_style st = a_style(SYSLOG_RFC5424);
    struct gyr_alert a = an_alert("Shell (x)");

    (void)state;
    check_message(&st, &a, HEAD "[" SD_BASE "] Shell (x)");
    st.fields = some;
    check_message(&st, &a,
                  HEAD "[" SD_BASE " proc.aname[2_=\"a\\\"b\\\\c\\]d \xc3\xa9\"] Shell (x)");
    st.fields = all;
    check_message(&st, &a,
                  HEAD "[" SD_BASE " proc.name=\"sh\" proc.aname[2_=\"a\\\"b\\\\c\\]d \xc3\xa9\""
                       " a.name.that.is.longer.than.32.ch=\"x\"] Shell (x)");
    st.content = SYSLOG_JSON;
    st.sd_id = "";
    check_message(&st, &a, HEAD "- {\"a\":1}");
    st.content = SYSLOG_TEXT;
    st.hostname = "my host";
    st.app_name = "";
    a = an_alert("caf\xc3\xa9\nnext");
    check_message(&st, &a,
                  "<84>1 2023-11-14T22:13:20.123456Z my_host - 42 alert - "
                  "\xef\xbb\xbf"
                  "caf\xc3\xa9 next");
    st.bom = 0;
    a.priority = GYR_PRIO_EMERGENCY;
    st.facility = 0;
    check_message(&st, &a,
                  "<0>1 2023-11-14T22:13:20.123456Z my_host - 42 alert - caf\xc3\xa9 next");
}

static void test_rfc3164(void **state)
{
    struct syslog_style st = a_style(SYSLOG_RFC3164);
    struct gyr_alert a = an_alert("caf\xc3\xa9");

    (void)state;
    a.ts_ns = 1699134300000000000; /* a day of one digit */
    check_message(&st, &a, "<84>Nov  4 21:45:00 box gyr[42]: caf\xc3\xa9");
    st.local = 1;
    st.content = SYSLOG_JSON;
    check_message(&st, &a, "<84>Nov  4 21:45:00 gyr[42]: {\"a\":1}");
}

/* Cut within the size, between characters, and marked; the text is there whatever the fields. */
static void test_cut(void **state)
{
    static char text[2001], long_value[4001];
    static const char *const all[] = {"*", NULL};
    struct gyr_alert_field f = {.name = "x", .text = long_value};
    struct syslog_style st = a_style(SYSLOG_RFC5424);
    char buf[8192];

    (void)state;
    for (unsigned i = 0; i < 2000; i += 2)
        memcpy(text + i, "\xc3\xa9", 2);
    for (size_t max = SYSLOG_SIZE_MIN; max < SYSLOG_SIZE_MIN + 4; max++) {
        struct gyr_alert a = an_alert(text);
        size_t n = syslog_message(&st, &a, buf, max);

        assert_in_range(n, max - 1, max);
        assert_memory_equal(buf + n - 7, "\xc3\xa9[cut]", 7);
    }
    memset(long_value, ']', 4000);
    {
        struct gyr_alert a = an_alert("text");
        size_t n;

        a.fields = &f;
        a.n_fields = 1;
        st.fields = all;
        n = syslog_message(&st, &a, buf, 8192);
        assert_memory_equal(buf + n - 14, "\\][cut]\"] text", 14);
        assert_in_range(n, 2048, 2300);
        n = syslog_message(&st, &a, buf, 1024); /* no room for the field: left out */
        buf[n] = '\0';
        assert_null(strstr(buf, "x=\""));
        assert_memory_equal(buf + n - 6, "] text", 6);
        /* JSON that does not fit is no JSON: the text instead */
        st.content = SYSLOG_JSON;
        a.json = long_value;
        a.json_len = 4000;
        n = syslog_message(&st, &a, buf, 1024);
        assert_memory_equal(buf + n - 6, "] text", 6);
    }
}

/* ---- on the wire ---- */

struct wire {
    struct fake_host host;
    const struct gyr_plugin *plugin;
    struct syslog_config cfg;
    void *self;
    char address[64];
    int listener;
};

static void listen_on(struct wire *w, int type, uint16_t port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
    socklen_t len = sizeof(in);
    int one = 1, small = 4096;

    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    w->listener = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    assert_true(w->listener >= 0);
    (void)setsockopt(w->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (type == SOCK_STREAM) /* so that writes come to a halt */
        (void)setsockopt(w->listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    assert_int_equal(bind(w->listener, (struct sockaddr *)&in, sizeof(in)), 0);
    if (type == SOCK_STREAM)
        assert_int_equal(listen(w->listener, 4), 0);
    assert_int_equal(getsockname(w->listener, (struct sockaddr *)&in, &len), 0);
    (void)snprintf(w->address, sizeof(w->address), "127.0.0.1:%u", ntohs(in.sin_port));
}

static void wire_open(struct wire *w, int transport)
{
    struct gyr_error err = {0};

    fake_host_init(&w->host);
    listen_on(w, transport == UDP ? SOCK_DGRAM : SOCK_STREAM, 0);
    w->plugin = gyr_plugin_query_syslog(0);
    assert_int_equal(w->plugin->config_size, sizeof(w->cfg));
    w->cfg = (struct syslog_config){.transport = transport,
                                    .address = w->address,
                                    .format = 1,
                                    .app_name = "gyr",
                                    .sd_id = "",
                                    .facility = 10,
                                    .max_size = 1 << 20,
                                    .timeout = 2000000000};
    assert_int_equal(w->plugin->create(&w->host.host, &w->cfg, &w->self, &err), 0);
    assert_int_equal(w->plugin->start(w->self, &err), 0);
}

static void wire_close(struct wire *w)
{
    w->plugin->stop(w->self);
    w->plugin->destroy(w->self);
    (void)close(w->listener);
    assert_int_equal(fake_host_free(&w->host), 0);
}

static int offer(struct wire *w, const struct gyr_alert *a, uint32_t n, struct gyr_verdict *v,
                 struct gyr_error *err)
{
    const struct gyr_alert *list[8];

    for (uint32_t i = 0; i < n; i++) {
        list[i] = &a[i];
        v[i] = (struct gyr_verdict){.verdict = GYR_V_RETRY};
    }
    *err = (struct gyr_error){0};
    return w->plugin->output->write(w->self, list, n, v, err);
}

static void test_udp(void **state)
{
    static struct wire w;
    struct gyr_alert a[2] = {an_alert("one"), an_alert("two")};
    struct gyr_verdict v[2];
    struct gyr_error err;
    char want[128], buf[512];
    int n;

    (void)state;
    wire_open(&w, UDP);
    assert_int_equal(offer(&w, a, 2, v, &err), 0);
    assert_int_equal(v[0].verdict, GYR_V_ACCEPTED);
    assert_int_equal(v[1].verdict, GYR_V_ACCEPTED);
    n = snprintf(want, sizeof(want), "<84>1 2023-11-14T22:13:20.123456Z box gyr %d alert - one",
                 (int)getpid());
    assert_int_equal(recv(w.listener, buf, sizeof(buf), 0), n);
    assert_memory_equal(buf, want, (size_t)n);
    assert_int_equal(recv(w.listener, buf, sizeof(buf), 0), n);
    /* a server that is gone is noticed when the host says so */
    (void)close(w.listener);
    assert_int_equal(offer(&w, a, 1, v, &err), 0);
    assert_int_equal(offer(&w, a, 1, v, &err), -ECONNREFUSED);
    assert_int_equal(v[0].verdict, GYR_V_RETRY);
    assert_non_null(strstr(err.msg, "Connection refused"));
    w.listener = -1;
    wire_close(&w);
}

/* Reads slowly, in odd pieces, until `want` bytes have come. */
struct reader {
    int listener, slow;
    size_t want, got;
    char *buf;
};

static void *read_slowly(void *arg)
{
    struct reader *r = arg;
    int fd = accept(r->listener, NULL, NULL);

    while (r->got < r->want) {
        size_t step = r->slow ? 777 : 65536, left = r->want - r->got;
        ssize_t k = read(fd, r->buf + r->got, step < left ? step : left);

        if (k <= 0)
            break;
        r->got += (size_t)k;
        if (r->slow && r->got % 16 == 0)
            (void)usleep(100);
    }
    (void)close(fd);
    return NULL;
}

/* Writes that are taken in part: the length in front is right and nothing is torn. */
static void check_stream(int newline)
{
    enum { LONG = 300000 };
    static char text[LONG + 1];
    static struct wire w;
    struct gyr_alert a[3] = {an_alert("one"), an_alert(text), an_alert("three")};
    struct gyr_verdict v[3];
    struct gyr_error err;
    struct reader r = {.slow = 1};
    size_t lens[3], pos = 0;
    char head[128];
    pthread_t thread;

    memset(text, 'x', LONG);
    a[1].text_len = LONG;
    wire_open(&w, TCP);
    w.cfg.framing = newline ? 2 : 0;
    lens[0] =
        (size_t)snprintf(head, sizeof(head),
                         "<84>1 2023-11-14T22:13:20.123456Z box gyr %d alert - one", (int)getpid());
    lens[1] = lens[0] - 3 + LONG;
    lens[2] = lens[0] + 2;
    for (unsigned i = 0; i < 3; i++)
        r.want += lens[i] + (newline ? 1 : (size_t)snprintf(NULL, 0, "%zu ", lens[i]));
    r.buf = malloc(r.want);
    r.listener = w.listener;
    assert_int_equal(pthread_create(&thread, NULL, read_slowly, &r), 0);
    /* the reader closes when it has everything, which may be before we have looked */
    if (offer(&w, a, 3, v, &err) == 0)
        assert_int_equal(v[2].verdict, GYR_V_ACCEPTED);
    else
        assert_int_equal(err.code, -ECONNRESET);
    (void)pthread_join(thread, NULL);
    assert_int_equal(r.got, r.want);
    for (unsigned i = 0; i < 3; i++) {
        if (!newline) {
            char *end;

            assert_int_equal(strtoul(r.buf + pos, &end, 10), lens[i]);
            assert_int_equal(*end, ' ');
            pos = (size_t)(end - r.buf) + 1;
        }
        assert_memory_equal(r.buf + pos, head, lens[0] - 3);
        pos += lens[i];
        if (newline)
            assert_int_equal(r.buf[pos++], '\n');
    }
    free(r.buf);
    wire_close(&w);
}

static void test_octets(void **state)
{
    (void)state;
    check_stream(0);
}

static void test_newlines(void **state)
{
    (void)state;
    check_stream(1);
}

/* The server closed between two offers: the second goes over a new connection, and arrives. */
static void test_reconnect(void **state)
{
    static struct wire w;
    struct gyr_alert a = an_alert("one");
    struct gyr_verdict v;
    struct gyr_error err;
    char buf[512];
    int fd;

    (void)state;
    wire_open(&w, TCP);
    assert_int_equal(offer(&w, &a, 1, &v, &err), 0);
    assert_int_equal(v.verdict, GYR_V_ACCEPTED);
    fd = accept(w.listener, NULL, NULL);
    assert_true(read(fd, buf, sizeof(buf)) > 0);
    (void)close(fd);
    assert_int_equal(offer(&w, &a, 1, &v, &err), 0);
    assert_int_equal(v.verdict, GYR_V_ACCEPTED);
    fd = accept(w.listener, NULL, NULL);
    assert_true(read(fd, buf, sizeof(buf)) > 0);
    (void)close(fd);
    /* nobody listens: not now */
    (void)close(w.listener);
    w.listener = -1;
    assert_int_equal(offer(&w, &a, 1, &v, &err), -ECONNREFUSED);
    assert_int_equal(v.verdict, GYR_V_RETRY);
    wire_close(&w);
}

static void *wake_soon(void *arg)
{
    struct wire *w = arg;

    (void)usleep(50000);
    w->plugin->output->wake(w->self);
    return NULL;
}

/* A server that takes nothing: nothing is accepted; the timeout ends the wait, and so does wake().
 */
static void test_stalled(void **state)
{
    enum { LONG = 1 << 19, N = 8 };
    static char text[LONG + 1];
    static struct wire w;
    struct gyr_alert a[N];
    struct gyr_verdict v[N];
    struct gyr_error err;
    pthread_t thread;

    (void)state;
    memset(text, 'x', LONG);
    for (unsigned i = 0; i < N; i++)
        a[i] = an_alert(text);
    wire_open(&w, TCP);
    w.plugin->stop(w.self);
    w.plugin->destroy(w.self);
    w.cfg.timeout = 100000000;
    assert_int_equal(w.plugin->create(&w.host.host, &w.cfg, &w.self, &err), 0);
    assert_int_equal(w.plugin->start(w.self, &err), 0);
    assert_int_equal(offer(&w, a, N, v, &err), -ETIMEDOUT);
    assert_int_equal(v[0].verdict, GYR_V_RETRY);
    w.plugin->stop(w.self);
    w.plugin->destroy(w.self);
    w.cfg.timeout = 60000000000;
    assert_int_equal(w.plugin->create(&w.host.host, &w.cfg, &w.self, &err), 0);
    assert_int_equal(w.plugin->start(w.self, &err), 0);
    assert_int_equal(pthread_create(&thread, NULL, wake_soon, &w), 0);
    assert_int_equal(offer(&w, a, N, v, &err), -EAGAIN);
    (void)pthread_join(thread, NULL);
    assert_int_equal(v[0].verdict, GYR_V_RETRY);
    wire_close(&w);
}

static void test_options(void **state)
{
    static const struct {
        struct syslog_config cfg;
        const char *says;
    } bad[] = {
        {{.transport = TCP}, "needs an address"},
        {{.transport = TCP, .address = "host:port"}, "not a number"},
        {{.transport = TCP, .address = ":514"}, "names no host"},
        {{.transport = UDP, .address = "[::1"}, "'['"},
        {{.transport = TCP, .address = "h", .ca = "/x"}, "for transport tls"},
        {{.transport = TLS, .address = "h", .cert = "/x"}, "belong together"},
    };
    const struct gyr_plugin *p = gyr_plugin_query_syslog(0);
    static struct fake_host h;
    void *self = NULL;

    (void)state;
    fake_host_init(&h);
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct gyr_error err = {0};

        assert_int_equal(p->create(&h.host, &bad[i].cfg, &self, &err), GYR_E_CONF);
        assert_non_null(strstr(err.msg, bad[i].says));
    }
    {
        struct syslog_config c = {.transport = TLS, .address = "h", .ca = "/nowhere", .verify = 1};
        struct gyr_error err = {0};

        assert_int_equal(p->create(&h.host, &c, &self, &err), 0);
        assert_int_equal(p->start(self, &err), GYR_E_CONF);
        assert_non_null(strstr(err.msg, "/nowhere"));
        p->destroy(self);
    }
    assert_int_equal(fake_host_free(&h), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc5424),   cmocka_unit_test(test_rfc3164),
        cmocka_unit_test(test_cut),       cmocka_unit_test(test_udp),
        cmocka_unit_test(test_octets),    cmocka_unit_test(test_newlines),
        cmocka_unit_test(test_reconnect), cmocka_unit_test(test_stalled),
        cmocka_unit_test(test_options),
    };

    (void)signal(SIGPIPE, SIG_IGN);
    (void)setenv("TZ", "UTC", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
