/* SPDX-License-Identifier: Apache-2.0 */
/* The output webhook: what answers and failures mean for alerts, and how requests go out. */
#include "../lib/k8s_certs.h"
#include "../lib/web_rig.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

static const uint64_t NS_S = 1000000000;

static uint64_t now_ns(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * NS_S + (uint64_t)ts.tv_nsec;
}

/* ---- verdicts ---- */

static void test_statuses(void **state)
{
    static const struct {
        int status;
        uint32_t verdict;
    } rows[] = {{200, GYR_V_ACCEPTED}, {201, GYR_V_ACCEPTED}, {202, GYR_V_ACCEPTED},
                {204, GYR_V_ACCEPTED}, {301, GYR_V_FAILED},   {302, GYR_V_FAILED},
                {400, GYR_V_FAILED},   {401, GYR_V_FAILED},   {403, GYR_V_FAILED},
                {404, GYR_V_FAILED},   {408, GYR_V_RETRY},    {410, GYR_V_FAILED},
                {413, GYR_V_FAILED},   {425, GYR_V_RETRY},    {429, GYR_V_RETRY},
                {500, GYR_V_RETRY},    {502, GYR_V_RETRY},    {503, GYR_V_RETRY}};
    static struct web_rig r;

    (void)state;
    web_rig_init(&r, NULL);
    assert_int_equal(web_rig_open(&r), 0);
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char want[64];
        int e;

        web_server_tell(r.server, (struct web_reply){.status = rows[i].status,
                                                     .headers = "Location: /elsewhere\r\n"});
        e = web_rig_write(&r, 1);
        assert_int_equal(r.v[0].verdict, rows[i].verdict);
        assert_int_equal(r.v[0].retry_after_ns, 0);
        assert_true((rows[i].verdict == GYR_V_ACCEPTED) == (e == 0));
        (void)snprintf(want, sizeof(want), "it answered %d", rows[i].status);
        if (e < 0)
            assert_non_null(strstr(r.err.msg, want));
    }
    /* each was asked once: nobody was followed elsewhere, and one connection did for all */
    assert_int_equal(web_server_count(r.server), sizeof(rows) / sizeof(rows[0]));
    assert_int_equal(web_server_connections(r.server), 1);
    web_rig_free(&r);
}

/* What the far side says is told, but not the URL, which is a secret of many webhooks. */
static void test_sentence(void **state)
{
    static struct web_rig r;

    (void)state;
    web_rig_init(&r, NULL);
    assert_int_equal(web_rig_open(&r), 0);
    web_server_tell(r.server,
                    (struct web_reply){.status = 403, .body = "\n invalid_token\x1b[2J\nmore"});
    assert_int_equal(web_rig_write(&r, 1), -EBADMSG);
    assert_string_equal(r.err.msg, "http://127.0.0.1: it answered 403: invalid_token?[2J");
    web_rig_free(&r);
}

static void test_retry_after(void **state)
{
    static struct web_rig r;
    static char date[96];
    time_t at = time(NULL) + 100;
    struct tm tm;

    (void)state;
    web_rig_init(&r, NULL);
    assert_int_equal(web_rig_open(&r), 0);
    web_server_tell(r.server, (struct web_reply){.status = 429, .headers = "Retry-After: 7\r\n"});
    assert_int_equal(web_rig_write(&r, 3), -EAGAIN);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(r.v[i].verdict, GYR_V_RETRY);
        assert_int_equal(r.v[i].retry_after_ns, 7 * NS_S);
    }
    assert_int_equal(web_server_count(r.server), 1); /* the others were not tried */
    (void)strftime(date, sizeof(date), "Retry-After: %a, %d %b %Y %H:%M:%S GMT\r\n",
                   gmtime_r(&at, &tm));
    web_server_tell(r.server, (struct web_reply){.status = 503, .headers = date});
    assert_int_equal(web_rig_write(&r, 1), -EAGAIN);
    assert_in_range(r.v[0].retry_after_ns, 90 * NS_S, 101 * NS_S);
    web_rig_free(&r);
}

/* Where the status tells all, an answer may be of any length: the alert is not sent again for it.
 */
static void test_long_answer(void **state)
{
    enum { LONG = 9 << 20 };
    static struct web_rig r;
    static char body[LONG + 1];

    (void)state;
    memset(body, 'x', LONG);
    web_rig_init(&r, NULL);
    assert_int_equal(web_rig_open(&r), 0);
    web_server_tell(r.server, (struct web_reply){.body = body});
    assert_int_equal(web_rig_write(&r, 1), 0);
    assert_int_equal(r.v[0].verdict, GYR_V_ACCEPTED);
    web_rig_free(&r);
}

static void test_failures(void **state)
{
    static const enum web_act acts[] = {WEB_RESET, WEB_CUT, WEB_HANG};
    static struct web_rig r;
    uint64_t begin;

    (void)state;
    web_rig_init(&r, NULL);
    r.cfg.timeout = NS_S / 2;
    assert_int_equal(web_rig_open(&r), 0);
    for (unsigned i = 0; i < 3; i++) {
        web_server_tell(r.server, (struct web_reply){.act = acts[i]});
        begin = now_ns();
        assert_int_equal(web_rig_write(&r, 1), -EAGAIN);
        assert_int_equal(r.v[0].verdict, GYR_V_RETRY);
        assert_true(now_ns() - begin < 4 * NS_S);
        assert_true(strlen(r.err.msg) > strlen("http://127.0.0.1: "));
    }
    assert_int_equal(web_rig_write(&r, 1), 0);
    web_rig_free(&r);
    /* nobody there any more */
    web_rig_init(&r, NULL);
    web_server_stop(r.server);
    assert_int_equal(web_rig_open(&r), 0);
    assert_int_equal(web_rig_write(&r, 1), -EAGAIN);
    r.server = web_server_start(NULL);
    web_rig_free(&r);
}

static void test_slow(void **state)
{
    static struct web_rig r;

    (void)state;
    web_rig_init(&r, NULL);
    assert_int_equal(web_rig_open(&r), 0);
    web_server_tell(r.server, (struct web_reply){.act = WEB_DRIP,
                                                 .status = 429,
                                                 .headers = "Retry-After: 2\r\n",
                                                 .body = "later"});
    assert_int_equal(web_rig_write(&r, 1), -EAGAIN);
    assert_int_equal(r.v[0].retry_after_ns, 2 * NS_S);
    web_server_tell(r.server, (struct web_reply){.act = WEB_DRIP, .body = "ok"});
    assert_int_equal(web_rig_write(&r, 1), 0);
    web_rig_free(&r);
}

static void *wake_soon(void *arg)
{
    struct web_rig *r = arg;

    while (web_server_count(r->server) == 0)
        (void)usleep(1000);
    r->plugin->output->wake(r->self);
    return NULL;
}

static void test_wake(void **state)
{
    static struct web_rig r;
    pthread_t thread;
    uint64_t begin = now_ns();

    (void)state;
    web_rig_init(&r, NULL);
    r.cfg.timeout = 60 * NS_S;
    assert_int_equal(web_rig_open(&r), 0);
    web_server_tell(r.server, (struct web_reply){.act = WEB_HANG});
    assert_int_equal(pthread_create(&thread, NULL, wake_soon, &r), 0);
    assert_int_equal(web_rig_write(&r, 1), -EAGAIN);
    assert_string_equal(r.err.msg, "http://127.0.0.1: interrupted");
    assert_true(now_ns() - begin < 10 * NS_S);
    (void)pthread_join(thread, NULL);
    assert_int_equal(web_rig_write(&r, 1), 0); /* once was enough */
    web_rig_free(&r);
}

/* ---- requests ---- */

static const char *body(struct web_rig *r, uint32_t i)
{
    return web_server_request(r->server, i)->body;
}

static void test_defaults(void **state)
{
    static const char *const headers[] = {"X-One", "1 {key}", "user-agent", "mine", NULL};
    static struct web_rig r;
    const struct web_request *q;

    (void)state;
    web_rig_init(&r, NULL);
    r.cfg.headers = headers;
    r.cfg.key = "k\"1";
    assert_int_equal(web_rig_open(&r), 0);
    assert_int_equal(web_rig_write(&r, 2), 0);
    assert_int_equal(web_server_count(r.server), 2);
    q = web_server_request(r.server, 0);
    assert_int_equal(strncmp(q->head, "POST /hook HTTP/1.1\r\n", 21), 0);
    assert_string_equal(web_header(q, "Content-Type"), "application/json");
    assert_string_equal(web_header(q, "X-One"), "1 k\"1");
    assert_string_equal(web_header(q, "User-Agent"), "mine");
    assert_null(web_header(q, "Expect"));
    assert_null(web_header(q, "Authorization"));
    assert_null(web_header(q, "Content-Encoding"));
    assert_null(web_header(q, "X-Gyr-Signature-256"));
    assert_string_equal(q->body, web_rig_alert(0)->json);
    assert_string_equal(body(&r, 1), web_rig_alert(1)->json);
    web_rig_free(&r);
}

static void test_authentication(void **state)
{
    static struct web_rig r;

    (void)state;
    web_rig_init(&r, NULL);
    r.cfg.user = "Aladdin";
    r.cfg.password = "open sesame"; /* the example of RFC 7617 */
    assert_int_equal(web_rig_open(&r), 0);
    assert_int_equal(web_rig_write(&r, 1), 0);
    assert_string_equal(web_header(web_server_request(r.server, 0), "Authorization"),
                        "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    web_rig_free(&r);
    web_rig_init(&r, NULL);
    r.cfg.bearer = "abc.def";
    r.cfg.method = "PUT";
    assert_int_equal(web_rig_open(&r), 0);
    assert_int_equal(web_rig_write(&r, 1), 0);
    assert_string_equal(web_header(web_server_request(r.server, 0), "Authorization"),
                        "Bearer abc.def");
    assert_int_equal(strncmp(web_server_request(r.server, 0)->head, "PUT ", 4), 0);
    web_rig_free(&r);
}

static void test_batches(void **state)
{
    static struct web_rig r;

    (void)state;
    web_rig_init(&r, NULL);
    r.cfg.batch = HOOK_BATCH_ARRAY;
    r.cfg.body = "{uuid}";
    r.cfg.max_batch = 3;
    assert_int_equal(web_rig_open(&r), 0);
    assert_int_equal(web_rig_write(&r, 4), 0);
    assert_int_equal(web_server_count(r.server), 2);
    assert_string_equal(body(&r, 0), "[\"0b5a1c9e-0000-4000-8000-000000000000\","
                                     "\"0b5a1c9e-0000-4000-8000-000000000001\","
                                     "\"0b5a1c9e-0000-4000-8000-000000000002\"]");
    assert_string_equal(body(&r, 1), "[\"0b5a1c9e-0000-4000-8000-000000000003\"]");
    web_rig_free(&r);
    web_rig_init(&r, NULL);
    r.cfg.batch = HOOK_BATCH_LINES;
    r.cfg.body = "{uuid}";
    r.cfg.max_body = 60; /* one of them and a half */
    assert_int_equal(web_rig_open(&r), 0);
    assert_int_equal(web_rig_write(&r, 2), 0);
    assert_int_equal(web_server_count(r.server), 2);
    assert_string_equal(body(&r, 0), "\"0b5a1c9e-0000-4000-8000-000000000000\"\n");
    assert_string_equal(web_header(web_server_request(r.server, 0), "Content-Type"),
                        "application/x-ndjson");
    web_rig_free(&r);
}

/* One alert that the far side cannot stomach does not take the others with it. */
static void test_bad_among_good(void **state)
{
    static const int answers[] = {400, 200, 400, 200, 422};
    static struct web_rig r;

    (void)state;
    web_rig_init(&r, NULL);
    r.cfg.batch = HOOK_BATCH_ARRAY;
    assert_int_equal(web_rig_open(&r), 0);
    for (unsigned i = 0; i < 5; i++)
        web_server_tell(r.server, (struct web_reply){.status = answers[i]});
    assert_int_equal(web_rig_write(&r, 4), -EBADMSG); /* 0123: no; 01: yes; 23: no; 2: yes; 3: no */
    assert_int_equal(web_server_count(r.server), 5);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(r.v[i].verdict, i < 3 ? GYR_V_ACCEPTED : GYR_V_FAILED);
    web_rig_free(&r);
}

static void test_interval(void **state)
{
    static struct web_rig r;
    uint64_t begin = now_ns();

    (void)state;
    web_rig_init(&r, NULL);
    r.cfg.interval = NS_S / 10;
    assert_int_equal(web_rig_open(&r), 0);
    assert_int_equal(web_rig_write(&r, 4), 0);
    assert_true(now_ns() - begin >= 3 * NS_S / 10);
    web_rig_free(&r);
}

static void test_bulk(void **state)
{
    static struct web_rig r;

    (void)state;
    web_rig_init(&r, NULL);
    r.cfg.preset = "elasticsearch";
    assert_int_equal(web_rig_open(&r), 0);
    web_server_tell(
        r.server,
        (struct web_reply){.body = "{\"errors\":true,\"items\":[{\"create\":{\"status\":201}},"
                                   "{\"create\":{\"status\":409}},{\"create\":{\"status\":429,"
                                   "\"error\":{\"reason\":\"queue full\"}}},"
                                   "{\"create\":{\"status\":400}}]}"});
    assert_int_equal(web_rig_write(&r, 4), -EAGAIN);
    assert_int_equal(r.v[0].verdict, GYR_V_ACCEPTED);
    assert_int_equal(r.v[1].verdict, GYR_V_ACCEPTED);
    assert_int_equal(r.v[2].verdict, GYR_V_RETRY);
    assert_int_equal(r.v[3].verdict, GYR_V_FAILED);
    assert_non_null(strstr(r.err.msg, "429: queue full"));
    web_server_tell(r.server, (struct web_reply){.body = "{\"items\":[]}"});
    assert_int_equal(web_rig_write(&r, 1), -EAGAIN);
    assert_int_equal(r.v[0].verdict, GYR_V_RETRY);
    web_rig_free(&r);
}

static void test_gzip(void **state)
{
    static struct web_rig r;
    const struct web_request *q;
    static char plain[65536];
    z_stream z = {0};

    (void)state;
    web_rig_init(&r, NULL);
    r.cfg.gzip = 1;
    r.cfg.batch = HOOK_BATCH_ARRAY;
    assert_int_equal(web_rig_open(&r), 0);
    assert_int_equal(web_rig_write(&r, 8), 0);
    q = web_server_request(r.server, 0);
    assert_string_equal(web_header(q, "Content-Encoding"), "gzip");
    assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
    z.next_in = (Bytef *)q->body;
    z.avail_in = (uInt)q->body_len;
    z.next_out = (Bytef *)plain;
    z.avail_out = sizeof(plain) - 1;
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    (void)inflateEnd(&z);
    assert_true(q->body_len < z.total_out);
    assert_int_equal(strncmp(plain + 1, web_rig_alert(0)->json, web_rig_alert(0)->json_len), 0);
    assert_int_equal(plain[z.total_out - 1], ']');
    web_rig_free(&r);
}

/* ---- TLS ---- */

struct certs {
    char dir[64], ca[96], client[96], key[96];
    SSL_CTX *server;
};

static void make_certs(struct certs *c, const char *alt)
{
    X509 *server, *client;
    EVP_PKEY *server_key, *client_key;

    (void)snprintf(c->dir, sizeof(c->dir), "/tmp/gyr-web-XXXXXX");
    assert_non_null(mkdtemp(c->dir));
    (void)snprintf(c->ca, sizeof(c->ca), "%s/ca.crt", c->dir);
    (void)snprintf(c->client, sizeof(c->client), "%s/client.crt", c->dir);
    (void)snprintf(c->key, sizeof(c->key), "%s/client.key", c->dir);
    k8s_cert_make("server", alt, &server, &server_key);
    k8s_cert_make("client", NULL, &client, &client_key);
    k8s_cert_write(c->dir, "ca.crt", server);
    k8s_cert_write(c->dir, "client.crt", client);
    k8s_key_write(c->dir, "client.key", client_key);
    c->server = SSL_CTX_new(TLS_server_method());
    assert_int_equal(SSL_CTX_use_certificate(c->server, server), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(c->server, server_key), 1);
    assert_int_equal(X509_STORE_add_cert(SSL_CTX_get_cert_store(c->server), client), 1);
    SSL_CTX_set_verify(c->server, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    X509_free(server);
    X509_free(client);
    EVP_PKEY_free(server_key);
    EVP_PKEY_free(client_key);
}

static void free_certs(struct certs *c)
{
    (void)unlink(c->ca);
    (void)unlink(c->client);
    (void)unlink(c->key);
    (void)rmdir(c->dir);
    SSL_CTX_free(c->server);
}

static int write_tls(struct certs *c, const char *ca, const char *client, uint8_t verify)
{
    static struct web_rig r;
    int e;

    web_rig_init(&r, c->server);
    r.cfg.tls_ca = ca;
    r.cfg.tls_cert = client;
    r.cfg.tls_key = client ? c->key : NULL;
    r.cfg.tls_verify = verify;
    assert_int_equal(web_rig_open(&r), 0);
    e = web_rig_write(&r, 1);
    assert_int_equal(r.v[0].verdict, e ? GYR_V_RETRY : GYR_V_ACCEPTED);
    assert_int_equal(web_server_count(r.server), e ? 0 : 1);
    web_rig_free(&r);
    return e;
}

static void test_mtls(void **state)
{
    struct certs c;

    (void)state;
    make_certs(&c, "IP:127.0.0.1");
    assert_int_equal(write_tls(&c, c.ca, c.client, 1), 0);
    assert_int_equal(write_tls(&c, c.ca, NULL, 1), -EAGAIN);     /* who are you */
    assert_int_equal(write_tls(&c, NULL, c.client, 1), -EAGAIN); /* who are they */
    assert_int_equal(write_tls(&c, NULL, c.client, 0), 0);
    free_certs(&c);
    make_certs(&c, "DNS:elsewhere");
    assert_int_equal(write_tls(&c, c.ca, c.client, 1), -EAGAIN);
    free_certs(&c);
}

static void test_files(void **state)
{
    static struct web_rig r;
    struct certs c;

    (void)state;
    make_certs(&c, "IP:127.0.0.1");
    web_rig_init(&r, c.server);
    r.cfg.tls_ca = c.ca;
    r.cfg.tls_cert = c.client;
    r.cfg.tls_key = c.key;
    assert_int_equal(web_rig_open(&r), 0);
    r.plugin->destroy(r.self);
    r.self = NULL;
    r.cfg.tls_cert = "/dev/null";
    assert_int_equal(web_rig_open(&r), -EINVAL);
    assert_string_equal(r.err.msg, "/dev/null holds nothing in PEM");
    r.plugin->destroy(r.self);
    r.cfg.tls_cert = c.client;
    assert_int_equal(web_rig_open(&r), 0);
    (void)unlink(c.key); /* gone at a rotation: told, and what was read stays */
    assert_int_equal(r.plugin->output->reopen(r.self, &r.err), -ENOENT);
    assert_int_equal(web_rig_write(&r, 1), 0);
    web_rig_free(&r);
    free_certs(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_statuses),       cmocka_unit_test(test_sentence),
        cmocka_unit_test(test_long_answer),    cmocka_unit_test(test_retry_after),
        cmocka_unit_test(test_failures),       cmocka_unit_test(test_slow),
        cmocka_unit_test(test_wake),           cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_authentication), cmocka_unit_test(test_batches),
        cmocka_unit_test(test_bad_among_good), cmocka_unit_test(test_interval),
        cmocka_unit_test(test_bulk),           cmocka_unit_test(test_gzip),
        cmocka_unit_test(test_mtls),           cmocka_unit_test(test_files),
    };

    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
