/* SPDX-License-Identifier: Apache-2.0 */
/* Alerts as mails, handed to an SMTP server. */
#include "mail.h"
#include "smtp.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* What is larger, many servers refuse. */
enum { TO_MAX = 100, MAIL_MAX = 8 << 20, TEXT_MAX = 1 << 20 };

struct config {
    const char *address, *from, *user, *password, *ca, *subject, *text, *html;
    const char *const *to;
    int64_t tls, max_alerts;
    uint64_t timeout;
    uint8_t verify;
};

struct email {
    const struct config *cfg;
    struct template *subject, *text, *html;
    struct mail_style style;
    char url[600], *from, *to[TO_MAX + 1]; /* bare addresses */
    struct smtp *smtp;
    struct gyr_lines mail;
};

static const char *const tls_names[] = {"starttls", "implicit", "none", NULL};

#define DEFAULT_TEXT                                                                               \
    "{text}\n\nRule:     {rule}\nPriority: {priority}\nHost:     {hostname}\n"                     \
    "Time:     {time}\nTags:     {tags}\nUUID:     {uuid}\n"
#define DEFAULT_HTML                                                                               \
    "<h3>{priority}: {rule}</h3>\n<p>{text}</p>\n<table>\n"                                        \
    "<tr><th align=\"left\">Host</th><td>{hostname}</td></tr>\n"                                   \
    "<tr><th align=\"left\">Time</th><td>{time}</td></tr>\n"                                       \
    "<tr><th align=\"left\">Tags</th><td>{tags}</td></tr>\n"                                       \
    "<tr><th align=\"left\">Fields</th><td>{fields}</td></tr>\n"                                   \
    "<tr><th align=\"left\">UUID</th><td>{uuid}</td></tr>\n</table>\n"

static const struct gyr_option options[] = {
    {GYR_OPT(struct config, address, GYR_O_STR, "address", NULL,
             "HOST or HOST:PORT of the server; port 587, with tls implicit 465, with none 25."),
     .flags = GYR_OF_REQUIRED},
    {GYR_OPT(struct config, tls, GYR_O_ENUM, "tls", "starttls",
             "starttls: the server must offer it; implicit: from the first byte; none."),
     .choices = tls_names},
    {GYR_OPT(struct config, ca, GYR_O_STR, "ca", NULL,
             "File of the certificates that are trusted; default: the system's.")},
    {GYR_OPT(struct config, verify, GYR_O_BOOL, "verify", "yes",
             "Check the server's certificate and that it is for the server.")},
    {GYR_OPT(struct config, user, GYR_O_STR, "user", NULL, "Name to log in with.")},
    {GYR_OPT(struct config, password, GYR_O_STR, "password", NULL, "Password to log in with."),
     .flags = GYR_OF_SECRET},
    {GYR_OPT(struct config, from, GYR_O_STR, "from", NULL, "Sender: ADDRESS or NAME <ADDRESS>."),
     .flags = GYR_OF_REQUIRED},
    {GYR_OPT(struct config, to, GYR_O_STRLIST, "to", NULL, "Recipients, written likewise."),
     .flags = GYR_OF_REQUIRED},
    {GYR_OPT(struct config, subject, GYR_O_STR, "subject", "{priority}: {rule} on {hostname}",
             "Template of the subject.")},
    {GYR_OPT(struct config, text, GYR_O_STR, "text", DEFAULT_TEXT, "Template of the text.")},
    {GYR_OPT(struct config, html, GYR_O_STR, "html", DEFAULT_HTML,
             "Template of the HTML; empty: text only.")},
    {GYR_OPT(
         struct config, max_alerts, GYR_O_INT, "max_alerts", "1000",
         "Alerts that wait together, or were gathered by 'digest' of the entry, go into one mail, "
         "at most so many."),
     .min = 1, .max = 1000},
    {GYR_OPT(struct config, timeout, GYR_O_DURATION, "timeout", "30s",
             "How long to wait for a connection and for each answer."),
     .min = 1000000000, .max = 600000000000},
};

static void email_destroy(void *self)
{
    struct email *m = self;

    if (!m)
        return;
    template_free(m->subject);
    template_free(m->text);
    template_free(m->html);
    free(m->from);
    for (uint32_t i = 0; i < TO_MAX; i++)
        free(m->to[i]);
    free(m->mail.p);
    free(m);
}

static int bare(const char *s, char **ret, struct gyr_error *err)
{
    const char *at;
    size_t n = mail_address(s, &at);

    if (!n)
        return gyr_fail(err, GYR_E_CONF, "'%s' is neither ADDRESS nor NAME <ADDRESS> in ASCII", s);
    *ret = strndup(at, n);
    return *ret ? 0 : gyr_fail(err, -ENOMEM, "no memory");
}

static int set_addresses(struct email *m, struct gyr_error *err)
{
    const struct config *c = m->cfg;
    int r = bare(c->from, &m->from, err);

    if (r == 0 && (!c->to || !c->to[0]))
        return gyr_fail(err, GYR_E_CONF, "'to' names nobody");
    for (uint32_t i = 0; r == 0 && c->to[i]; i++)
        r = i < TO_MAX ? bare(c->to[i], &m->to[i], err)
                       : gyr_fail(err, GYR_E_CONF, "'to' names more than %d", TO_MAX);
    return r;
}

static int set_url(struct email *m, struct gyr_error *err)
{
    static const char *const ports[] = {":587", ":465", ":25"};
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    const char *a = m->cfg->address, *end = strrchr(a, ']');
    char name[128] = "";
    int has_port = strchr(end ? end : a, ':') != NULL;

    for (const char *p = a; *p; p++)
        if (!strchr(letters, *p) && !strchr(".-_:[]", *p))
            return gyr_fail(err, GYR_E_CONF, "address '%s' is not HOST or HOST:PORT", a);
    if (!*a || strlen(a) > 300)
        return gyr_fail(err, GYR_E_CONF, "address '%s' is not HOST or HOST:PORT", a);
    if (gethostname(name, sizeof(name) - 1) < 0 || strspn(name, letters) == 0)
        (void)snprintf(name, sizeof(name), "localhost");
    (void)snprintf(m->url, sizeof(m->url), "%s://%s%s/%s",
                   m->cfg->tls == SMTP_IMPLICIT ? "smtps" : "smtp", a,
                   has_port ? "" : ports[m->cfg->tls], name);
    return 0;
}

static int set_login(const struct config *c, struct gyr_error *err)
{
    if (!c->user != !c->password)
        return gyr_fail(err, GYR_E_CONF, "user and password belong together");
    if (c->user && c->tls == SMTP_PLAIN)
        return gyr_fail(err, GYR_E_CONF, "a password is not sent without TLS");
    return 0;
}

static int compile(const char *what, const char *text, int form, struct template **ret,
                   struct gyr_error *err)
{
    struct gyr_error why = {0};
    int r = template_compile(text, form, NULL, ret, &why);

    return r < 0 ? gyr_fail(err, r, "%s: %.400s", what, why.msg) : 0;
}

static int set_up(struct email *m, struct gyr_error *err)
{
    const struct config *c = m->cfg;
    int r = set_addresses(m, err);

    if (r == 0)
        r = set_url(m, err);
    if (r == 0)
        r = set_login(c, err);
    if (r == 0)
        r = compile("subject", c->subject, TEMPLATE_TEXT, &m->subject, err);
    if (r == 0)
        r = compile("text", c->text, TEMPLATE_TEXT, &m->text, err);
    if (r == 0 && c->html && *c->html)
        r = compile("html", c->html, TEMPLATE_HTML, &m->html, err);
    m->style = (struct mail_style){c->from, c->to, m->subject, m->text, m->html, 0};
    return r;
}

static int email_create(const struct gyr_host *host, const void *cfg, void **ret_self,
                        struct gyr_error *err)
{
    struct email *m = calloc(1, sizeof(*m));
    int r;

    (void)host;
    if (!m)
        return gyr_fail(err, -ENOMEM, "no memory");
    m->cfg = cfg;
    r = set_up(m, err);
    if (r < 0) {
        email_destroy(m);
        return r;
    }
    *ret_self = m;
    return 0;
}

static int email_start(void *self, struct gyr_error *err)
{
    struct email *m = self;
    const struct config *c = m->cfg;
    struct smtp_conf conf = {.url = m->url,
                             .tls = (int)c->tls,
                             .ca = c->ca,
                             .verify = c->verify,
                             .user = c->user,
                             .password = c->password,
                             .from = m->from,
                             .to = (const char *const *)m->to,
                             .timeout_ms = (long)(c->timeout / 1000000)};

    if (c->ca && access(c->ca, R_OK) < 0)
        return gyr_fail(err, -errno, "ca '%s': %s", c->ca, strerror(errno));
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return gyr_fail(err, -ENOMEM, "libcurl cannot be used");
    return smtp_new(&conf, &m->smtp, err);
}

static void email_stop(void *self)
{
    struct email *m = self;

    smtp_free(m->smtp);
    m->smtp = NULL;
}

/* The mail of as many of the alerts as it can hold. @return how many; -ENOMEM. */
static int build(struct email *m, const struct gyr_alert *const *alerts, uint32_t n)
{
    struct mail_style cut = m->style;
    int r = mail_write(&m->style, alerts, n, &m->mail);

    for (; (r < 0 || m->mail.len > MAIL_MAX) && n > 1;
         r = mail_write(&m->style, alerts, n, &m->mail))
        n /= 2;
    if (r < 0 || m->mail.len > MAIL_MAX) {
        cut.html = NULL;
        cut.max_text = TEXT_MAX;
        r = mail_write(&cut, alerts, n, &m->mail);
    }
    return r < 0 ? r : (int)n;
}

static int email_write(void *self, const struct gyr_alert *const *alerts, uint32_t n,
                       struct gyr_verdict *v, struct gyr_error *err)
{
    struct email *m = self;
    uint32_t at_once = (uint32_t)m->cfg->max_alerts, k;
    int r, worst = 0;

    for (uint32_t i = 0; i < n; i += k) {
        uint32_t verdict = GYR_V_ACCEPTED;

        r = build(m, alerts + i, n - i < at_once ? n - i : at_once);
        if (r < 0)
            return gyr_fail(err, r, "no memory for the mail");
        k = (uint32_t)r;
        r = smtp_send(m->smtp, m->mail.p, m->mail.len, &verdict, err);
        for (uint32_t j = i; j < i + k; j++)
            v[j].verdict = verdict;
        if (r < 0)
            worst = r;
        if (verdict == GYR_V_RETRY)
            return r; /* the others would fare no better */
    }
    return worst;
}

static void email_wake(void *self)
{
    struct email *m = self;

    smtp_wake(m->smtp);
}

static const struct gyr_output_ops output = {
    .size = sizeof(output),
    .write = email_write,
    .wake = email_wake,
};

static const struct gyr_plugin plugin = {
    GYR_PLUGIN_HEAD,
    .name = "email",
    .version = "0.1.0",
    .license = "Apache-2.0",
    .summary = "sends alerts as mails, through an SMTP server",
    .output = &output,
    .options = options,
    .n_options = sizeof(options) / sizeof(options[0]),
    .config_size = sizeof(struct config),
    .create = email_create,
    .start = email_start,
    .stop = email_stop,
    .destroy = email_destroy,
};

GYR_EXPORT_PLUGIN(plugin)
