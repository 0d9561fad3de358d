/* SPDX-License-Identifier: Apache-2.0 */
/* The output sns against an endpoint on loopback that checks signatures with code of its own. */
#include "../lib/fake_host.h"
#include "encode/encode.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

const struct gyr_plugin *gyr_plugin_query_sns(uint32_t host_abi);

/* As the option table of the plugin describes it. */
struct config {
    const char *topic_arn, *region, *endpoint, *access_key, *secret_key, *session_token;
    const char *credentials_file, *profile, *subject, *group_id;
    int64_t format;
    uint64_t timeout;
};

static const char KEY[] = "AKIDEXAMPLE", SECRET[] = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
static const char ARN[] = "arn:aws:sns:eu-west-1:123456789012:alerts";

/* ---- the endpoint ---- */

enum { BODIES_MAX = 64, REQUEST_MAX = 2 << 20 };

struct endpoint {
    int fd;
    unsigned port;
    pthread_t thread;
    pthread_mutex_t lock;
    int64_t clock_offset; /* of its clock to ours */
    const char *token;    /* that must come, and be signed */
    /* an answer that it gives whatever comes; status 0: as the request deserves */
    int status;
    const char *code, *more_headers;
    bool silent;
    char *bodies[BODIES_MAX]; /* of what was accepted */
    unsigned n_bodies, n_requests;
};

static struct endpoint ep;

static void hex_of(const unsigned char *p, size_t n, char *ret)
{
    for (size_t i = 0; i < n; i++)
        (void)snprintf(ret + 2 * i, 3, "%02x", p[i]);
}

static void sha_hex(const char *s, size_t n, char *ret)
{
    unsigned char d[SHA256_DIGEST_LENGTH];

    (void)SHA256((const unsigned char *)s, n, d);
    hex_of(d, sizeof(d), ret);
}

static void hmac(const void *key, size_t key_len, const char *s, unsigned char *ret)
{
    unsigned n = 32;

    assert_non_null(
        HMAC(EVP_sha256(), key, (int)key_len, (const unsigned char *)s, strlen(s), ret, &n));
}

/* The value of a header in lines "Name: value\r\n…", trimmed. */
static bool header(const char *head, const char *name, char *ret, size_t size)
{
    size_t n = strlen(name);

    for (const char *p = strstr(head, "\r\n"); p; p = strstr(p, "\r\n")) {
        p += 2;
        if (strncasecmp(p, name, n) != 0 || p[n] != ':')
            continue;
        p += n + 1;
        while (*p == ' ')
            p++;
        (void)snprintf(ret, size, "%.*s", (int)(strstr(p, "\r\n") - p), p);
        return true;
    }
    return false;
}

/* @return NULL when the signature is right; else the code of the error. */
static const char *check_signature(const char *head, const char *body, size_t body_len)
{
    char auth[2048], date[64], names[512], canon[16384], value[8192], hash[65], want[65], sts[512];
    char secret[128], scope[128], day[16] = "", region[64] = "", key[64] = "", given[80] = "";
    unsigned char k[32], sig[32];
    char *save = NULL, copy[512];
    struct tm tm = {0};
    size_t len;

    if (!header(head, "Authorization", auth, sizeof(auth)) ||
        !header(head, "X-Amz-Date", date, sizeof(date)))
        return "MissingAuthenticationToken";
    {
        const char *c = strstr(auth, "Credential="), *h = strstr(auth, "SignedHeaders="),
                   *s = strstr(auth, "Signature=");

        assert_int_equal(strncmp(auth, "AWS4-HMAC-SHA256 ", 17), 0);
        assert_true(c && h && s);
        /* test only: the fields are short and ours */
        assert_int_equal(snprintf(key, sizeof(key), "%.*s", (int)strcspn(c + 11, "/"), c + 11) > 0,
                         1);
        c += 11 + strlen(key) + 1;
        (void)snprintf(day, sizeof(day), "%.*s", (int)strcspn(c, "/"), c);
        c += strlen(day) + 1;
        (void)snprintf(region, sizeof(region), "%.*s", (int)strcspn(c, "/"), c);
        c += strlen(region);
        assert_int_equal(strncmp(c, "/sns/aws4_request,", 18), 0);
        (void)snprintf(names, sizeof(names), "%.*s", (int)strcspn(h + 14, ","), h + 14);
        (void)snprintf(given, sizeof(given), "%s", s + 10);
    }
    if (strcmp(key, KEY) != 0)
        return "InvalidClientTokenId";
    if (strcmp(region, "eu-west-1") != 0 || strncmp(day, date, 8) != 0)
        return "SignatureDoesNotMatch";
    /* host and date must be among what is signed, and the token when there is one */
    if (!strstr(names, "host") || !strstr(names, "x-amz-date"))
        return "IncompleteSignature";
    if (ep.token && (!strstr(names, "x-amz-security-token") ||
                     !header(head, "x-amz-security-token", value, sizeof(value)) ||
                     strcmp(value, ep.token) != 0))
        return "InvalidClientTokenId";
    len = (size_t)snprintf(canon, sizeof(canon), "POST\n/\n\n");
    (void)snprintf(copy, sizeof(copy), "%s", names);
    for (char *n = strtok_r(copy, ";", &save); n; n = strtok_r(NULL, ";", &save)) {
        if (!header(head, n, value, sizeof(value)))
            return "IncompleteSignature";
        len += (size_t)snprintf(canon + len, sizeof(canon) - len, "%s:%s\n", n, value);
    }
    sha_hex(body, body_len, hash);
    len += (size_t)snprintf(canon + len, sizeof(canon) - len, "\n%s\n%s", names, hash);
    sha_hex(canon, len, hash);
    (void)snprintf(scope, sizeof(scope), "%s/%s/sns/aws4_request", day, region);
    (void)snprintf(sts, sizeof(sts), "AWS4-HMAC-SHA256\n%s\n%s\n%s", date, scope, hash);
    (void)snprintf(secret, sizeof(secret), "AWS4%s", SECRET);
    hmac(secret, strlen(secret), day, k);
    hmac(k, 32, region, k);
    hmac(k, 32, "sns", k);
    hmac(k, 32, "aws4_request", k);
    hmac(k, 32, sts, sig);
    hex_of(sig, 32, want);
    if (strcmp(want, given) != 0)
        return "SignatureDoesNotMatch";
    assert_non_null(strptime(date, "%Y%m%dT%H%M%SZ", &tm));
    if (llabs((long long)(time(NULL) + ep.clock_offset - timegm(&tm))) > 300)
        return "SignatureDoesNotMatch: expired";
    return NULL;
}

static void answer(int fd, int status, const char *code, const char *text)
{
    char body[1024], head[512];
    int n, m;

    if (status == 200)
        n = snprintf(body, sizeof(body),
                     "<PublishResponse><PublishResult><MessageId>m-1</MessageId></PublishResult>"
                     "</PublishResponse>");
    else
        n = snprintf(body, sizeof(body),
                     "<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message>"
                     "</Error></ErrorResponse>",
                     code, text);
    m = snprintf(head, sizeof(head), "HTTP/1.1 %d x\r\nContent-Length: %d\r\n%s\r\n", status, n,
                 ep.more_headers ? ep.more_headers : "");
    (void)!write(fd, head, (size_t)m);
    (void)!write(fd, body, (size_t)n);
}

static void judge(int fd, const char *head, const char *body, size_t len)
{
    const char *code;

    (void)pthread_mutex_lock(&ep.lock);
    ep.n_requests++;
    code = check_signature(head, body, len);
    if (ep.status) {
        answer(fd, ep.status, ep.code, "as the test wants it");
    } else if (code && strstr(code, ": expired")) {
        answer(fd, 403, "SignatureDoesNotMatch", "Signature expired: it is later now");
    } else if (code) {
        answer(fd, 403, code, "The security token included in the request is invalid.");
    } else {
        if (ep.n_bodies < BODIES_MAX)
            ep.bodies[ep.n_bodies++] = strndup(body, len);
        answer(fd, 200, NULL, NULL);
    }
    (void)pthread_mutex_unlock(&ep.lock);
}

/* One connection: requests until it is closed. */
static void *serve(void *arg)
{
    int fd = (int)(intptr_t)arg;
    char *buf = malloc(REQUEST_MAX + 1), *end;
    size_t have = 0, need;
    bool silent;
    ssize_t n;

    assert_non_null(buf);
    while ((n = read(fd, buf + have, REQUEST_MAX - have)) > 0) {
        char length[32];

        have += (size_t)n;
        buf[have] = '\0';
        end = strstr(buf, "\r\n\r\n");
        if (!end || !header(buf, "Content-Length", length, sizeof(length)))
            continue;
        need = (size_t)(end + 4 - buf) + strtoul(length, NULL, 10);
        (void)pthread_mutex_lock(&ep.lock);
        silent = ep.silent;
        (void)pthread_mutex_unlock(&ep.lock);
        if (have < need || silent)
            continue;
        end[2] = '\0';
        judge(fd, buf, end + 4, need - (size_t)(end + 4 - buf));
        memmove(buf, buf + need, have - need);
        have -= need;
    }
    free(buf);
    (void)close(fd);
    return NULL;
}

static void *accept_all(void *arg)
{
    int fd;

    (void)arg;
    while ((fd = accept4(ep.fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
        pthread_t t;

        if (pthread_create(&t, NULL, serve, (void *)(intptr_t)fd) == 0)
            (void)pthread_detach(t);
    }
    return NULL;
}

static int ep_start(void **state)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(a);

    (void)state;
    (void)pthread_mutex_init(&ep.lock, NULL);
    ep.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (ep.fd < 0 || bind(ep.fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(ep.fd, 64) < 0 ||
        getsockname(ep.fd, (struct sockaddr *)&a, &len) < 0)
        return -1;
    ep.port = ntohs(a.sin_port);
    return pthread_create(&ep.thread, NULL, accept_all, NULL);
}

static int ep_stop(void **state)
{
    (void)state;
    (void)shutdown(ep.fd, SHUT_RDWR);
    (void)pthread_join(ep.thread, NULL);
    return close(ep.fd);
}

/* ---- the output ---- */

struct rig {
    struct fake_host host;
    const struct gyr_plugin *plugin;
    struct config cfg;
    struct gyr_error err;
    char url[64];
    void *self;
};

static struct rig rig;

static void rig_init(struct rig *t)
{
    memset(t, 0, sizeof(*t));
    fake_host_init(&t->host);
    t->plugin = gyr_plugin_query_sns(0);
    assert_int_equal(t->plugin->config_size, sizeof(t->cfg));
    (void)snprintf(t->url, sizeof(t->url), "http://127.0.0.1:%u", ep.port);
    t->cfg = (struct config){.topic_arn = ARN,
                             .endpoint = t->url,
                             .access_key = KEY,
                             .secret_key = SECRET,
                             .subject = "{priority}: {rule} on {host}",
                             .group_id = "gyr",
                             .format = ENCODE_JSON,
                             .timeout = UINT64_C(5000000000)};
    (void)pthread_mutex_lock(&ep.lock);
    ep.status = 0;
    ep.clock_offset = 0;
    ep.code = ep.more_headers = ep.token = NULL;
    ep.silent = false;
    ep.n_requests = 0;
    (void)pthread_mutex_unlock(&ep.lock);
}

/* Change the endpoint while it runs. */
#define EP_SET(what)                                                                               \
    do {                                                                                           \
        (void)pthread_mutex_lock(&ep.lock);                                                        \
        what;                                                                                      \
        (void)pthread_mutex_unlock(&ep.lock);                                                      \
    } while (0)

static int rig_start(struct rig *t)
{
    int r = t->plugin->create(&t->host.host, &t->cfg, &t->self, &t->err);

    return r < 0 ? r : t->plugin->start(t->self, &t->err);
}

static void rig_close(struct rig *t)
{
    t->plugin->destroy(t->self);
    for (; ep.n_bodies; ep.n_bodies--)
        free(ep.bodies[ep.n_bodies - 1]);
    assert_int_equal(fake_host_free(&t->host), 0);
}

static struct gyr_alert an_alert(const char *json)
{
    return (struct gyr_alert){.size = sizeof(struct gyr_alert),
                              .priority = GYR_PRIO_WARNING,
                              .uuid = "0b7c0000-0000-5000-8000-000000000001",
                              .rule = "Shell & Söhne",
                              .hostname = "web 1",
                              .text = "a text",
                              .text_len = 6,
                              .json = json,
                              .json_len = (uint32_t)strlen(json)};
}

static int put(struct rig *t, const char *json, uint32_t n, struct gyr_verdict *v)
{
    struct gyr_alert a = an_alert(json);
    const struct gyr_alert *list[64];

    for (uint32_t i = 0; i < n; i++) {
        list[i] = &a;
        v[i] = (struct gyr_verdict){.verdict = GYR_V_RETRY};
    }
    return t->plugin->output->write(t->self, list, n, v, &t->err);
}

/* The form that was accepted last has this pair. */
static void has_pair(const char *want)
{
    const char *p;

    assert_true(ep.n_bodies > 0);
    p = strstr(ep.bodies[ep.n_bodies - 1], want);
    if (!p)
        print_message("%.2000s\n", ep.bodies[ep.n_bodies - 1]);
    assert_non_null(p);
    assert_true(p == ep.bodies[ep.n_bodies - 1] || p[-1] == '&');
    assert_true(p[strlen(want)] == '&' || p[strlen(want)] == '\0');
}

static void test_publish(void **state)
{
    struct gyr_verdict v[40];

    (void)state;
    rig_init(&rig);
    assert_int_equal(rig_start(&rig), 0);
    assert_int_equal(put(&rig, "{\"a\": \"b+c~/\"}", 1, v), 0);
    assert_int_equal(v[0].verdict, GYR_V_ACCEPTED);
    has_pair("Action=Publish");
    has_pair("Version=2010-03-31");
    has_pair("TopicArn=arn%3Aaws%3Asns%3Aeu-west-1%3A123456789012%3Aalerts");
    has_pair("Message=%7B%22a%22%3A%20%22b%2Bc~%2F%22%7D");
    has_pair("Subject=Warning%3A%20Shell%20%26%20S%3Fhne%20on%20web%201");
    has_pair("MessageAttributes.entry.1.Name=rule");
    has_pair("MessageAttributes.entry.1.Value.StringValue=Shell%20%26%20S%C3%B6hne");
    has_pair("MessageAttributes.entry.2.Value.StringValue=Warning");
    has_pair("MessageAttributes.entry.3.Value.DataType=String");
    has_pair("MessageAttributes.entry.3.Value.StringValue=web%201");
    assert_null(strstr(ep.bodies[0], "MessageGroupId"));
    /* many at once */
    assert_int_equal(put(&rig, "{}", 40, v), 0);
    for (int i = 0; i < 40; i++)
        assert_int_equal(v[i].verdict, GYR_V_ACCEPTED);
    assert_int_equal(ep.n_bodies, 41);
    rig_close(&rig);
}

static void test_fifo_text_token(void **state)
{
    struct gyr_verdict v;

    (void)state;
    rig_init(&rig);
    rig.cfg.topic_arn = "arn:aws:sns:eu-west-1:123456789012:alerts.fifo";
    rig.cfg.format = ENCODE_TEXT;
    rig.cfg.session_token = "IQoJb3JpZ2luX2VjEHo/+abc==";
    EP_SET(ep.token = rig.cfg.session_token);
    assert_int_equal(rig_start(&rig), 0);
    assert_int_equal(put(&rig, "{}", 1, &v), 0);
    assert_int_equal(v.verdict, GYR_V_ACCEPTED);
    has_pair("MessageGroupId=gyr");
    has_pair("MessageDeduplicationId=0b7c0000-0000-5000-8000-000000000001");
    has_pair("Message=00%3A00%3A00.000000000%3A%20Warning%20a%20text");
    rig_close(&rig);
}

static void test_cut(void **state)
{
    static char json[400001];
    struct gyr_verdict v;
    const char *m;

    (void)state;
    for (size_t i = 0; i + 1 < sizeof(json); i += 2)
        memcpy(json + i, "\xc3\xb6", 2);
    rig_init(&rig);
    assert_int_equal(rig_start(&rig), 0);
    assert_int_equal(put(&rig, json, 1, &v), 0);
    assert_int_equal(v.verdict, GYR_V_ACCEPTED);
    m = strstr(ep.bodies[0], "&Message=");
    assert_non_null(m);
    assert_non_null(strstr(m, "%20%5Bcut%20by%20gyr%3A%20"));
    assert_non_null(strstr(m, "%C3%B6%20%5Bcut")); /* no character is cut in two */
    assert_in_range(strlen(m + 9) / 3, 250000, 262144);
    rig_close(&rig);
}

static void check_failure(uint32_t verdict, const char *why)
{
    struct gyr_verdict v;

    assert_true(put(&rig, "{}", 1, &v) < 0);
    assert_int_equal(v.verdict, verdict);
    assert_string_equal(rig.err.msg, why);
}

static void test_wrong_keys(void **state)
{
    (void)state;
    rig_init(&rig);
    rig.cfg.secret_key = "wrong";
    assert_int_equal(rig_start(&rig), 0);
    check_failure(GYR_V_FAILED, "403 SignatureDoesNotMatch: The security token included in the "
                                "request is invalid.");
    assert_int_equal(ep.n_bodies, 0);
    rig_close(&rig);

    rig_init(&rig);
    rig.cfg.access_key = "AKIDOTHER";
    assert_int_equal(rig_start(&rig), 0);
    check_failure(GYR_V_FAILED,
                  "403 InvalidClientTokenId: The security token included in the request is "
                  "invalid.");
    rig_close(&rig);

    rig_init(&rig);
    EP_SET(ep.token = "needed");
    assert_int_equal(rig_start(&rig), 0);
    check_failure(GYR_V_FAILED,
                  "403 InvalidClientTokenId: The security token included in the request is "
                  "invalid.");
    rig_close(&rig);

    /* another region than the endpoint's */
    rig_init(&rig);
    rig.cfg.region = "us-east-1";
    assert_int_equal(rig_start(&rig), 0);
    check_failure(GYR_V_FAILED, "403 SignatureDoesNotMatch: The security token included in the "
                                "request is invalid.");
    rig_close(&rig);
}

/* A clock that is wrong: told, and not for good. */
static void test_skew(void **state)
{
    struct gyr_verdict v;

    (void)state;
    rig_init(&rig);
    EP_SET(ep.clock_offset = 3600);
    assert_int_equal(rig_start(&rig), 0);
    check_failure(GYR_V_RETRY, "403 SignatureDoesNotMatch: Signature expired: it is later now");
    EP_SET(ep.clock_offset = 0);
    assert_int_equal(put(&rig, "{}", 1, &v), 0);
    assert_int_equal(v.verdict, GYR_V_ACCEPTED);
    rig_close(&rig);
}

static void test_answers(void **state)
{
    static const struct {
        int status;
        const char *code;
        uint32_t verdict;
    } rows[] = {
        {403, "AuthorizationError", GYR_V_FAILED}, {404, "NotFound", GYR_V_FAILED},
        {400, "InvalidParameter", GYR_V_FAILED},   {400, "Throttling", GYR_V_RETRY},
        {400, "ThrottledException", GYR_V_RETRY},  {403, "ExpiredToken", GYR_V_RETRY},
        {403, "RequestExpired", GYR_V_RETRY},      {429, "Slow", GYR_V_RETRY},
        {500, "InternalFailure", GYR_V_RETRY},     {503, "ServiceUnavailable", GYR_V_RETRY}};
    struct gyr_verdict v[40];
    char want[128];

    (void)state;
    rig_init(&rig);
    assert_int_equal(rig_start(&rig), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        EP_SET((ep.status = rows[i].status, ep.code = rows[i].code));
        (void)snprintf(want, sizeof(want), "%d %s: as the test wants it", rows[i].status,
                       rows[i].code);
        check_failure(rows[i].verdict, want);
    }
    /* what it asks for is handed on, to those as well that were not sent any more */
    EP_SET((ep.more_headers = "Retry-After: 7\r\n", ep.n_requests = 0));
    assert_int_equal(put(&rig, "{}", 40, v), -EAGAIN);
    assert_int_equal(ep.n_requests, 16);
    for (int i = 0; i < 40; i++) {
        assert_int_equal(v[i].verdict, GYR_V_RETRY);
        assert_int_equal(v[i].retry_after_ns, UINT64_C(7000000000));
    }
    rig_close(&rig);
}

static void *wake_soon(void *arg)
{
    (void)usleep(200000);
    rig.plugin->output->wake(rig.self);
    return arg;
}

static void test_network(void **state)
{
    struct gyr_verdict v;
    pthread_t thread;
    time_t t0;

    (void)state;
    rig_init(&rig);
    rig.cfg.endpoint = "http://127.0.0.1:1/";
    assert_int_equal(rig_start(&rig), 0);
    assert_int_equal(put(&rig, "{}", 1, &v), -EAGAIN);
    assert_int_equal(v.verdict, GYR_V_RETRY);
    assert_non_null(strstr(rig.err.msg, "127.0.0.1 port 1"));
    rig_close(&rig);

    rig_init(&rig);
    EP_SET(ep.silent = true);
    rig.cfg.timeout = 300000000;
    assert_int_equal(rig_start(&rig), 0);
    assert_int_equal(put(&rig, "{}", 1, &v), -EAGAIN);
    assert_int_equal(v.verdict, GYR_V_RETRY);
    assert_non_null(strstr(rig.err.msg, "timed out"));
    rig_close(&rig);

    rig_init(&rig);
    EP_SET(ep.silent = true);
    rig.cfg.timeout = UINT64_C(60000000000);
    assert_int_equal(rig_start(&rig), 0);
    t0 = time(NULL);
    assert_int_equal(pthread_create(&thread, NULL, wake_soon, NULL), 0);
    check_failure(GYR_V_RETRY, "interrupted");
    assert_true(time(NULL) - t0 < 20);
    (void)pthread_join(thread, NULL);
    rig_close(&rig);
}

static void test_credentials(void **state)
{
    static const char text[] =
        "# comment\n[default]\naws_access_key_id = AKIDOTHER\naws_secret_access_key = x\n"
        "[ soc ]\r\naws_access_key_id=AKIDEXAMPLE\r\n"
        "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY\r\n[half]\n"
        "aws_access_key_id = x\n";
    char path[] = "/tmp/gyr-sns-XXXXXX";
    struct gyr_verdict v;
    int fd = mkstemp(path);

    (void)state;
    assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
    (void)close(fd);
    rig_init(&rig);
    rig.cfg.access_key = rig.cfg.secret_key = NULL;
    rig.cfg.credentials_file = path;
    rig.cfg.profile = "soc";
    assert_int_equal(rig_start(&rig), 0);
    assert_int_equal(put(&rig, "{}", 1, &v), 0);
    rig.cfg.profile = "half";
    assert_int_equal(rig.plugin->start(rig.self, &rig.err), GYR_E_CONF);
    assert_non_null(strstr(rig.err.msg, "profile 'half' has no aws_access_key_id and"));
    rig.cfg.profile = NULL;
    rig.cfg.credentials_file = "/nowhere/at/all";
    assert_int_equal(rig.plugin->start(rig.self, &rig.err), GYR_E_CONF);
    /* the environment, which the file's name would win over */
    rig.cfg.credentials_file = NULL;
    (void)setenv("AWS_ACCESS_KEY_ID", KEY, 1);
    (void)setenv("AWS_SECRET_ACCESS_KEY", SECRET, 1);
    assert_int_equal(rig.plugin->start(rig.self, &rig.err), 0);
    assert_int_equal(put(&rig, "{}", 1, &v), 0);
    (void)unsetenv("AWS_ACCESS_KEY_ID");
    (void)setenv("AWS_SHARED_CREDENTIALS_FILE", path, 1);
    (void)setenv("AWS_PROFILE", "soc", 1);
    assert_int_equal(rig.plugin->start(rig.self, &rig.err), 0);
    assert_int_equal(put(&rig, "{}", 1, &v), 0);
    (void)unsetenv("AWS_SHARED_CREDENTIALS_FILE");
    /* half of a key; one with a line end in it, which would become a header of its own */
    rig.cfg.access_key = KEY;
    assert_int_equal(rig.plugin->start(rig.self, &rig.err), GYR_E_CONF);
    rig.cfg.secret_key = SECRET;
    rig.cfg.session_token = "a\r\nX-Evil: 1";
    assert_int_equal(rig.plugin->start(rig.self, &rig.err), GYR_E_CONF);
    assert_null(strstr(rig.err.msg, "Evil"));
    (void)unlink(path);
    rig_close(&rig);
}

static void test_refused(void **state)
{
    static const char *const arns[] = {"",
                                       "alerts",
                                       "arn:aws:sqs:eu-west-1:1:q",
                                       "arn:aws:sns:eu",
                                       "arn:aws:sns::1:x",
                                       "arn:aws:sns:eu-west-1/..:1:x"};
    static const char *const urls[] = {"", "ftp://x", "http://", "http://a@b/", "x.example"};

    (void)state;
    rig_init(&rig);
    for (size_t i = 0; i < sizeof(arns) / sizeof(arns[0]); i++) {
        rig.cfg.topic_arn = arns[i];
        assert_int_equal(rig_start(&rig), GYR_E_CONF);
    }
    rig.cfg.topic_arn = ARN;
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        rig.cfg.endpoint = urls[i];
        assert_int_equal(rig_start(&rig), GYR_E_CONF);
    }
    rig.self = NULL;
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_publish), cmocka_unit_test(test_fifo_text_token),
        cmocka_unit_test(test_cut),     cmocka_unit_test(test_wrong_keys),
        cmocka_unit_test(test_skew),    cmocka_unit_test(test_answers),
        cmocka_unit_test(test_network), cmocka_unit_test(test_credentials),
        cmocka_unit_test(test_refused),
    };

    (void)signal(SIGPIPE, SIG_IGN);
    (void)setenv("TZ", "UTC", 1);
    return cmocka_run_group_tests(tests, ep_start, ep_stop);
}
