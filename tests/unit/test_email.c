/* SPDX-License-Identifier: Apache-2.0 */
/* The output email: how mails look, and what becomes of them at servers that refuse or break. */
#include "../../plugins/outputs/email/mail.h"
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

const struct gyr_plugin *gyr_plugin_query_email(uint32_t host_abi);

/* As the option table of the plugin describes it. */
struct email_config {
    const char *address, *from, *user, *password, *ca, *subject, *text, *html;
    const char *const *to;
    int64_t tls, max_alerts;
    uint64_t timeout;
    uint8_t verify;
};

static const char *const to[] = {"a@example.org", "Two <b@example.org>", NULL};

static struct gyr_alert an_alert(const char *uuid, const char *text, uint32_t priority)
{
    return (struct gyr_alert){.size = sizeof(struct gyr_alert),
                              .priority = priority,
                              .ts_ns = 1700000000123456789,
                              .uuid = uuid,
                              .rule = "R",
                              .hostname = "box",
                              .source = "syscall",
                              .text = text,
                              .text_len = (uint32_t)strlen(text)};
}

static struct template *compiled(const char *text, int form)
{
    struct gyr_error err = {0};
    struct template *t = NULL;

    assert_int_equal(template_compile(text, form, NULL, &t, &err), 0);
    return t;
}

static void check_bytes(struct gyr_lines *b, const char *want)
{
    assert_int_equal(gyr_lines_add(b, "", 1), 0);
    assert_string_equal(b->p, want);
    free(b->p);
    *b = (struct gyr_lines){0};
}

static void test_mail(void **state)
{
    struct gyr_alert a = an_alert("u-1", "x = <b>\xc3\xa9</b> ", GYR_PRIO_WARNING);
    struct gyr_alert b = an_alert("u-2", "y", GYR_PRIO_ALERT);
    const struct gyr_alert *list[2] = {&a, &b};
    struct mail_style st = {.from = "Gyr <gyr@example.org>", .to = to};
    struct template *subject = compiled("{priority}: {rule}", TEMPLATE_TEXT);
    struct template *text = compiled("{text}\n.", TEMPLATE_TEXT);
    struct template *html = compiled("<p>{text}</p>", TEMPLATE_HTML);
    struct gyr_lines out = {0};

    (void)state;
    st.subject = subject;
    st.text = text;
    assert_int_equal(mail_write(&st, list, 1, &out), 0);
    check_bytes(&out, "Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n"
                      "From: Gyr <gyr@example.org>\r\n"
                      "To: a@example.org,\r\n Two <b@example.org>\r\n"
                      "Subject: Warning: R\r\n"
                      "Message-ID: <u-1.1@example.org>\r\n"
                      "Auto-Submitted: auto-generated\r\n"
                      "MIME-Version: 1.0\r\n"
                      "Content-Type: text/plain; charset=utf-8\r\n"
                      "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
                      "x =3D <b>=C3=A9</b>=20\r\n.\r\n");
    st.html = html;
    assert_int_equal(mail_write(&st, list, 2, &out), 0);
    assert_int_equal(gyr_lines_add(&out, "", 1), 0);
    assert_non_null(strstr(out.p, "Subject: [2 alerts] Alert: R\r\n"));
    assert_non_null(strstr(out.p, "multipart/alternative; boundary=\"=_gyr_part\"\r\n\r\n--=_gyr"));
    assert_non_null(strstr(out.p, "=20\r\n.\r\n\r\ny\r\n.\r\n\r\n--=_gyr_part\r\n"));
    assert_non_null(strstr(out.p, "<p>x =3D &lt;b&gt;=C3=A9&lt;/b&gt; </p>\r\n<hr>\r\n<p>y</p>"));
    assert_non_null(strstr(out.p, "\r\n--=_gyr_part--\r\n"));
    free(out.p);
    template_free(subject);
    template_free(text);
    template_free(html);
}

static void test_headers(void **state)
{
    struct gyr_lines b = {0};
    char s[200];

    (void)state;
    assert_int_equal(mail_add_header(&b, "Subject", "plain text", 10), 0);
    check_bytes(&b, "Subject: plain text\r\n");
    assert_int_equal(mail_add_header(&b, "Subject", "=?x", 3), 0);
    check_bytes(&b, "Subject: =?UTF-8?Q?=3D=3Fx?=\r\n");
    /* nothing of an alert may begin another header */
    assert_int_equal(mail_add_header(&b, "Subject", "a\r\nBcc: x", 9), 0);
    check_bytes(&b, "Subject: =?UTF-8?Q?a=20=20Bcc=3A=20x?=\r\n");
    for (unsigned i = 0; i < 40; i += 2)
        memcpy(s + i, "\xc3\xa9", 2);
    assert_int_equal(mail_add_header(&b, "S", s, 40), 0);
#define E10 "=C3=A9=C3=A9=C3=A9=C3=A9=C3=A9=C3=A9=C3=A9=C3=A9=C3=A9=C3=A9"
    check_bytes(&b, "S: =?UTF-8?Q?" E10 "?=\r\n =?UTF-8?Q?" E10 "?=\r\n");
    memset(s, 'x', 80);
    s[75] = '=';
    assert_int_equal(mail_add_quoted(&b, s, 80), 0);
    assert_memory_equal(b.p + 75, "=\r\n=3Dxxxx\r\n", 12);
    free(b.p);
}

static void test_addresses(void **state)
{
    static const char *const bad[] = {"",        "a",         "@b",    "a@",
                                      "<a@b",    "X <a@b> y", "a b@c", "a@b\r\nBcc: c@d",
                                      "a@b,c@d", "\xc3\xa9@b"};
    const char *at;

    (void)state;
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(mail_address(bad[i], &at), 0);
    assert_int_equal(mail_address("Name X <a@bc>", &at), 4);
    assert_memory_equal(at, "a@bc", 4);
}

/* ---- a server that does as it is told ---- */

struct server {
    int listener;
    const char *greeting, *at; /**< the command answered with … */
    const char *reply; /**< … this; "": the connection is closed; NULL: no answer at all */
    int mails;
    char address[64];
    size_t bytes; /* of mails */
    pthread_t thread;
};

static void say(int fd, const char *s)
{
    (void)!send(fd, s, strlen(s), MSG_NOSIGNAL);
    (void)!send(fd, "\r\n", 2, MSG_NOSIGNAL);
}

/* @return 0 when the conversation is over. */
static int answer(struct server *s, int fd, FILE *f, const char *line)
{
    int is_data = strncmp(line, "DATA", 4) == 0;
    char body[4096];

    if (s->at && strncmp(line, s->at, strlen(s->at)) == 0) {
        if (!s->reply)
            (void)usleep(600000);
        else if (*s->reply)
            say(fd, s->reply);
        return s->reply && *s->reply;
    }
    if (!is_data) {
        say(fd, strncmp(line, "QUIT", 4) == 0 ? "221 bye" : "250 ok");
        return strncmp(line, "QUIT", 4) != 0;
    }
    say(fd, "354 go on");
    while (fgets(body, sizeof(body), f) && strcmp(body, ".\r\n") != 0)
        s->bytes += strlen(body);
    s->mails++;
    return answer(s, fd, f, "END");
}

static void *serve(void *arg)
{
    struct server *s = arg;
    char line[1024];
    int fd;

    while ((fd = accept(s->listener, NULL, NULL)) >= 0) {
        FILE *f = fdopen(fd, "r");

        say(fd, s->greeting);
        while (fgets(line, sizeof(line), f) && answer(s, fd, f, line))
            ;
        (void)fclose(f);
    }
    return NULL;
}

static void server_start(struct server *s)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    socklen_t len = sizeof(in);

    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    s->greeting = s->greeting ? s->greeting : "220 here";
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(s->listener, (struct sockaddr *)&in, sizeof(in)), 0);
    assert_int_equal(listen(s->listener, 4), 0);
    assert_int_equal(getsockname(s->listener, (struct sockaddr *)&in, &len), 0);
    (void)snprintf(s->address, sizeof(s->address), "127.0.0.1:%u", ntohs(in.sin_port));
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void server_stop(struct server *s)
{
    (void)shutdown(s->listener, SHUT_RDWR);
    (void)pthread_join(s->thread, NULL);
    (void)close(s->listener);
}

static struct email_config a_config(const char *address)
{
    return (struct email_config){.address = address,
                                 .from = "gyr@example.org",
                                 .to = to,
                                 .tls = 2,
                                 .subject = "{rule}",
                                 .text = "{text}",
                                 .max_alerts = 2,
                                 .timeout = 1000000000,
                                 .verify = 1};
}

struct offer {
    const struct gyr_plugin *plugin;
    struct fake_host host;
    struct email_config cfg;
    void *self;
    struct gyr_verdict v[3];
    struct gyr_error err;
};

static void offer_open(struct offer *o, const char *address)
{
    *o = (struct offer){.plugin = gyr_plugin_query_email(0), .cfg = a_config(address)};
    fake_host_init(&o->host);
    assert_int_equal(o->plugin->config_size, sizeof(o->cfg));
    assert_int_equal(o->plugin->create(&o->host.host, &o->cfg, &o->self, &o->err), 0);
    assert_int_equal(o->plugin->start(o->self, &o->err), 0);
}

static int offer_make(struct offer *o)
{
    struct gyr_alert a[3] = {an_alert("u-1", "one", 4), an_alert("u-2", "two", 4),
                             an_alert("u-3", "three", 4)};
    const struct gyr_alert *list[3] = {&a[0], &a[1], &a[2]};

    for (unsigned i = 0; i < 3; i++)
        o->v[i] = (struct gyr_verdict){.verdict = GYR_V_RETRY};
    return o->plugin->output->write(o->self, list, 3, o->v, &o->err);
}

static void offer_close(struct offer *o)
{
    o->plugin->stop(o->self);
    o->plugin->destroy(o->self);
    assert_int_equal(fake_host_free(&o->host), 0);
}

static void test_verdicts(void **state)
{
    static const struct {
        const char *greeting, *at, *reply;
        uint32_t verdict;
        const char *says;
    } rows[] = {
        {NULL, NULL, NULL, GYR_V_ACCEPTED, ""},
        {"421 too busy", NULL, NULL, GYR_V_RETRY, "421 too busy"},
        {"554 not from you", NULL, NULL, GYR_V_RETRY, "554 not from you"},
        {NULL, "MAIL", "451 later", GYR_V_RETRY, "451 later"},
        {NULL, "RCPT", "450 greylisted", GYR_V_RETRY, "450 greylisted"},
        {NULL, "RCPT", "550 no such user", GYR_V_FAILED, "550 no such user"},
        {NULL, "MAIL", "530 log in first", GYR_V_RETRY, "530 log in first"},
        {NULL, "DATA", "451 no room", GYR_V_RETRY, "451 no room"},
        {NULL, "END", "452 disk is full", GYR_V_RETRY, "452 disk is full"},
        {NULL, "END", "554 this is spam", GYR_V_FAILED, "554 this is spam"},
        {NULL, "END", "", GYR_V_RETRY, ""},
        {NULL, "MAIL", "", GYR_V_RETRY, ""},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct server s = {.greeting = rows[i].greeting, .at = rows[i].at, .reply = rows[i].reply};
        static struct offer o;
        int r;

        server_start(&s);
        offer_open(&o, s.address);
        r = offer_make(&o);
        if (rows[i].verdict == GYR_V_ACCEPTED)
            assert_int_equal(r, 0);
        else
            assert_true(r < 0);
        for (unsigned k = 0; k < 3; k++)
            if (o.v[k].verdict != rows[i].verdict)
                fail_msg("row %u: alert %u got %u: %s", i, k, o.v[k].verdict, o.err.msg);
        if (!strstr(o.err.msg, rows[i].says))
            fail_msg("row %u: '%s' is not in '%s'", i, rows[i].says, o.err.msg);
        offer_close(&o);
        server_stop(&s);
        if (rows[i].verdict == GYR_V_ACCEPTED)
            assert_int_equal(s.mails, 2); /* of two alerts, and of one */
    }
}

/* Alerts that together would make a mail that no server takes go in several, and one that is alone
 * too large is cut. */
/* @return bytes of the mails that n alerts with this text, and one behind them, became. */
static size_t sent(const char *text, uint32_t n, uint32_t want_mails)
{
    struct server s = {0};
    static struct offer o;
    struct gyr_alert a[3] = {an_alert("u", text, 4), an_alert("v", text, 4), an_alert("w", "x", 4)};
    const struct gyr_alert *list[3] = {&a[0], n > 1 ? &a[1] : &a[2], &a[2]};

    server_start(&s);
    offer_open(&o, s.address);
    o.cfg.max_alerts = 1000;
    for (unsigned i = 0; i < 3; i++)
        o.v[i] = (struct gyr_verdict){.verdict = GYR_V_RETRY};
    assert_int_equal(o.plugin->output->write(o.self, list, n + 1, o.v, &o.err), 0);
    for (unsigned i = 0; i < n + 1; i++)
        assert_int_equal(o.v[i].verdict, GYR_V_ACCEPTED);
    offer_close(&o);
    server_stop(&s);
    assert_int_equal(s.mails, want_mails);
    return s.bytes;
}

static void test_size(void **state)
{
    enum { LARGE = 5 << 20, ALONE = 40 << 20 };
    char *text = malloc(ALONE + 1);

    (void)state;
    assert_non_null(text);
    memset(text, 'x', ALONE);
    text[ALONE] = '\0';
    assert_in_range(sent(text, 1, 2), 1 << 20, 2 << 20);
    text[LARGE] = '\0';
    assert_in_range(sent(text, 2, 2), 2 * LARGE, 2 * LARGE + LARGE / 5);
    free(text);
}

static void *wake_soon(void *arg)
{
    struct offer *o = arg;

    (void)usleep(100000);
    o->plugin->output->wake(o->self);
    return NULL;
}

static void test_wake_and_no_server(void **state)
{
    struct server s = {.at = "MAIL"};
    static struct offer o;
    pthread_t thread;

    (void)state;
    server_start(&s);
    offer_open(&o, s.address);
    assert_int_equal(pthread_create(&thread, NULL, wake_soon, &o), 0);
    assert_int_equal(offer_make(&o), -EAGAIN);
    (void)pthread_join(thread, NULL);
    assert_int_equal(o.v[0].verdict, GYR_V_RETRY);
    offer_close(&o);
    server_stop(&s);
    offer_open(&o, s.address);
    assert_true(offer_make(&o) < 0);
    assert_int_equal(o.v[0].verdict, GYR_V_RETRY);
    offer_close(&o);
}

static void test_options(void **state)
{
    static const char *const nobody[] = {NULL};
    const struct gyr_plugin *p = gyr_plugin_query_email(0);
    struct email_config bad[6];
    static const char *const says[] = {"neither ADDRESS", "names nobody",     "without TLS",
                                       "belong together", "the place {nope}", "is not HOST"};
    static struct fake_host h;

    (void)state;
    for (unsigned i = 0; i < 6; i++)
        bad[i] = a_config("h:25");
    bad[0].from = "me";
    bad[1].to = nobody;
    bad[2].user = "u";
    bad[2].password = "p";
    bad[3].user = "u";
    bad[4].text = "{nope}";
    bad[5].address = "h/x";
    fake_host_init(&h);
    for (unsigned i = 0; i < 6; i++) {
        struct gyr_error err = {0};
        void *self = NULL;

        assert_int_equal(p->create(&h.host, &bad[i], &self, &err), GYR_E_CONF);
        if (!strstr(err.msg, says[i]))
            fail_msg("'%s' is not in '%s'", says[i], err.msg);
    }
    assert_int_equal(fake_host_free(&h), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mail),      cmocka_unit_test(test_headers),
        cmocka_unit_test(test_addresses), cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_size),      cmocka_unit_test(test_wake_and_no_server),
        cmocka_unit_test(test_options),
    };

    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
