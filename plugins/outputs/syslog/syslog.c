/* SPDX-License-Identifier: Apache-2.0 */
/* Alerts as syslog messages: to the local socket, or over UDP, TCP and TLS. */
#include "conn.h"
#include "message.h"

#include <errno.h>
#include <gyr/util.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FRAMING_AUTO, FRAMING_OCTETS, FRAMING_NEWLINE };
enum { FORMAT_AUTO, FORMAT_RFC5424, FORMAT_RFC3164 };
enum { UDP_SIZE_MAX = 65000, FRAME_EXTRA = 16, BATCH_SIZE = 65536 };

struct config {
    const char *address, *app_name, *hostname, *sd_id;
    const char *ca, *cert, *key, *server_name;
    const char *const *fields;
    int64_t transport, format, content, facility, framing;
    uint64_t max_size, timeout;
    uint8_t bom, verify;
};

struct syslog_output {
    const struct config *cfg;
    struct syslog_style style;
    struct syslog_conn conn;
    char host[256], port[16];
    char *buf; /* frames that go out together */
    size_t size;
};

static const char *const transports[] = {"local", "udp", "tcp", "tls", NULL};
static const char *const formats[] = {"auto", "rfc5424", "rfc3164", NULL};
static const char *const contents[] = {"text", "json", NULL};
static const char *const framings[] = {"auto", "octets", "newline", NULL};
static const char *const facilities[] = {
    "kern",   "user",     "mail",   "daemon", "auth",   "syslog", "lpr",   "news",   "uucp",
    "cron",   "authpriv", "ftp",    "ntp",    "audit",  "alert",  "clock", "local0", "local1",
    "local2", "local3",   "local4", "local5", "local6", "local7", NULL};

static const struct gyr_option options[] = {
    {GYR_OPT(struct config, transport, GYR_O_ENUM, "transport", "local",
             "How messages travel: the local socket, UDP, TCP, or TLS (RFC 5425)."),
     .choices = transports},
    {GYR_OPT(struct config, address, GYR_O_STR, "address", NULL,
             "HOST or HOST:PORT ([ADDRESS]:PORT for IPv6), port 514, with TLS 6514; of the local "
             "transport the socket, /dev/log.")},
    {GYR_OPT(struct config, format, GYR_O_ENUM, "format", "auto",
             "Form of a message; auto: rfc3164 on the local socket, else rfc5424."),
     .choices = formats},
    {GYR_OPT(struct config, content, GYR_O_ENUM, "content", "text",
             "What a message says: the alert's text, or its JSON."),
     .choices = contents},
    {GYR_OPT(struct config, facility, GYR_O_ENUM, "facility", "authpriv",
             "Facility of the messages; the severity is the alert's priority."),
     .choices = facilities},
    {GYR_OPT(struct config, app_name, GYR_O_STR, "app_name", "gyr", "Name of the program.")},
    {GYR_OPT(struct config, hostname, GYR_O_STR, "hostname", NULL,
             "Name of the host; default: the alert's.")},
    {GYR_OPT(struct config, sd_id, GYR_O_STR, "sd_id", "gyr@32473",
             "Name of the structured data of rfc5424 (uuid, rule, tags, fields); empty: none.")},
    {GYR_OPT(struct config, fields, GYR_O_STRLIST, "fields", NULL,
             "Fields of the alert that the structured data has too; \"*\": all.")},
    {GYR_OPT(struct config, bom, GYR_O_BOOL, "bom", "yes",
             "Mark text that is not ASCII as UTF-8, as RFC 5424 asks.")},
    {GYR_OPT(struct config, max_size, GYR_O_SIZE, "max_size", "8K",
             "Size of a message from which on it is cut."),
     .min = SYSLOG_SIZE_MIN, .max = SYSLOG_SIZE_MAX},
    {GYR_OPT(struct config, framing, GYR_O_ENUM, "framing", "auto",
             "What separates messages in a stream: their length in front (RFC 6587, auto over TCP "
             "and TLS), or a newline."),
     .choices = framings},
    {GYR_OPT(struct config, timeout, GYR_O_DURATION, "timeout", "10s",
             "How long to wait for a connection, and for the far side to take something."),
     .min = 1000000, .max = 3600000000000},
    {GYR_OPT(struct config, ca, GYR_O_STR, "ca", NULL,
             "TLS: file of the certificates that are trusted; default: the system's.")},
    {GYR_OPT(struct config, cert, GYR_O_STR, "cert", NULL,
             "TLS: file of the certificate that is shown to the server.")},
    {GYR_OPT(struct config, key, GYR_O_STR, "key", NULL, "TLS: file of its key.")},
    {GYR_OPT(struct config, verify, GYR_O_BOOL, "verify", "yes",
             "TLS: check the server's certificate and that it is for the server.")},
    {GYR_OPT(struct config, server_name, GYR_O_STR, "server_name", NULL,
             "TLS: name that the certificate must be for; default: the host of the address.")},
};

/* "host", "host:port", "[v6]:port", "v6". */
static int parse_address(struct syslog_output *o, const char *s, struct gyr_error *err)
{
    const char *end = s + strlen(s), *colon = strrchr(s, ':'), *port = NULL;

    if (*s == '[') {
        end = strchr(++s, ']');
        if (!end || (end[1] && end[1] != ':'))
            return gyr_fail(err, GYR_E_CONF, "address: '[' without ']' or ']:PORT'");
        port = end[1] ? end + 2 : NULL;
    } else if (colon && colon == strchr(s, ':')) {
        end = colon;
        port = colon + 1;
    }
    if (end == s || (size_t)(end - s) >= sizeof(o->host))
        return gyr_fail(err, GYR_E_CONF, "address '%s' names no host", o->cfg->address);
    if (!port)
        port = o->cfg->transport == SYSLOG_TLS ? "6514" : "514";
    if (!*port || strlen(port) > 5 || strspn(port, "0123456789") != strlen(port))
        return gyr_fail(err, GYR_E_CONF, "port '%s' is not a number", port);
    (void)snprintf(o->host, sizeof(o->host), "%.*s", (int)(end - s), s);
    (void)snprintf(o->port, sizeof(o->port), "%s", port);
    o->conn.host = o->host;
    o->conn.port = o->port;
    return 0;
}

static void syslog_destroy(void *self)
{
    struct syslog_output *o = self;

    if (!o)
        return;
    syslog_conn_free(&o->conn);
    free(o->buf);
    free(o);
}

static int check_tls(const struct config *c, struct gyr_error *err)
{
    if (c->transport != SYSLOG_TLS && (c->ca || c->cert || c->key || c->server_name))
        return gyr_fail(err, GYR_E_CONF, "ca, cert, key and server_name are for transport tls");
    if (!c->cert != !c->key)
        return gyr_fail(err, GYR_E_CONF, "cert and key belong together");
    return 0;
}

static int set_up(struct syslog_output *o, struct gyr_error *err)
{
    const struct config *c = o->cfg;
    int local = c->transport == SYSLOG_LOCAL;
    int r = check_tls(c, err);

    if (r < 0)
        return r;
    o->conn.transport = (int)c->transport;
    o->conn.timeout_ms = (int)(c->timeout / 1000000);
    if (local)
        o->conn.host = c->address ? c->address : "/dev/log";
    else if (!c->address)
        return gyr_fail(err, GYR_E_CONF, "transport %s needs an address", transports[c->transport]);
    else if ((r = parse_address(o, c->address, err)) < 0)
        return r;
    o->style = (struct syslog_style){
        .rfc = c->format == FORMAT_RFC3164 || (c->format == FORMAT_AUTO && local) ? SYSLOG_RFC3164
                                                                                  : SYSLOG_RFC5424,
        .content = (int)c->content,
        .facility = (int)c->facility,
        .local = local,
        .bom = c->bom,
        .app_name = c->app_name,
        .hostname = c->hostname,
        .sd_id = c->sd_id,
        .fields = c->fields,
        .pid = (uint32_t)getpid()};
    o->size = c->max_size;
    if (c->transport == SYSLOG_UDP && o->size > UDP_SIZE_MAX)
        o->size = UDP_SIZE_MAX;
    o->buf = malloc(BATCH_SIZE + o->size + FRAME_EXTRA);
    return o->buf ? 0 : gyr_fail(err, -ENOMEM, "no memory");
}

static int syslog_create(const struct gyr_host *host, const void *cfg, void **ret_self,
                         struct gyr_error *err)
{
    struct syslog_output *o = calloc(1, sizeof(*o));
    int r;

    (void)host;
    if (!o)
        return gyr_fail(err, -ENOMEM, "no memory");
    o->cfg = cfg;
    r = syslog_conn_init(&o->conn, err);
    if (r == 0)
        r = set_up(o, err);
    if (r < 0) {
        syslog_destroy(o);
        return r;
    }
    *ret_self = o;
    return 0;
}

/* Keys are read before privileges are dropped. The server may come later than we: no connection. */
static int syslog_start(void *self, struct gyr_error *err)
{
    struct syslog_output *o = self;
    const struct config *c = o->cfg;
    struct syslog_tls_conf tls = {.ca = c->ca,
                                  .cert = c->cert,
                                  .key = c->key,
                                  .name = c->server_name ? c->server_name : o->host,
                                  .verify = c->verify};

    return c->transport == SYSLOG_TLS ? syslog_tls_new(&tls, &o->conn.tls, err) : 0;
}

static void syslog_stop(void *self)
{
    struct syslog_output *o = self;

    syslog_conn_close(&o->conn);
    syslog_tls_free(o->conn.tls);
    o->conn.tls = NULL;
}

static int write_datagrams(struct syslog_output *o, const struct gyr_alert *const *alerts,
                           uint32_t n, struct gyr_verdict *v, struct gyr_error *err)
{
    int r = 0;

    for (uint32_t i = 0; i < n; i++) {
        size_t len = syslog_message(&o->style, alerts[i], o->buf, o->size);

        r = syslog_conn_send(&o->conn, o->buf, len, err);
        if (r == -EMSGSIZE) {
            v[i].verdict = GYR_V_FAILED; /* it does not get smaller by waiting */
            continue;
        }
        if (r < 0)
            return r;
        v[i].verdict = GYR_V_ACCEPTED;
    }
    return r;
}

/* One message with what separates it from the next. @return its length at @p to. */
static size_t add_frame(struct syslog_output *o, const struct gyr_alert *a, char *to)
{
    int newline = o->cfg->framing == FRAMING_NEWLINE ||
                  (o->cfg->framing == FRAMING_AUTO && o->cfg->transport == SYSLOG_LOCAL);
    size_t len = syslog_message(&o->style, a, to + FRAME_EXTRA, o->size);
    char count[FRAME_EXTRA];
    int k;

    if (newline) {
        memmove(to, to + FRAME_EXTRA, len);
        to[len] = '\n';
        return len + 1;
    }
    k = snprintf(count, sizeof(count), "%zu ", len);
    memcpy(to, count, (size_t)k);
    memmove(to + k, to + FRAME_EXTRA, len);
    return (size_t)k + len;
}

/* Accepted is what the far side's kernel has confirmed. When the connection breaks before, nobody
 * knows how much was read, and the whole offer is made again. */
static int write_stream(struct syslog_output *o, const struct gyr_alert *const *alerts, uint32_t n,
                        struct gyr_verdict *v, struct gyr_error *err)
{
    size_t len = 0;
    int r = 0;

    for (uint32_t i = 0; i < n && r == 0; i++) {
        len += add_frame(o, alerts[i], o->buf + len);
        if (len >= BATCH_SIZE || i == n - 1) {
            r = syslog_conn_send(&o->conn, o->buf, len, err);
            len = 0;
        }
    }
    if (r == 0)
        r = syslog_conn_confirm(&o->conn, err);
    for (uint32_t i = 0; i < n && r == 0; i++)
        v[i].verdict = GYR_V_ACCEPTED;
    return r;
}

static int syslog_write(void *self, const struct gyr_alert *const *alerts, uint32_t n,
                        struct gyr_verdict *v, struct gyr_error *err)
{
    struct syslog_output *o = self;
    int r = syslog_conn_open(&o->conn, err);

    if (r == 0)
        r = o->conn.datagrams ? write_datagrams(o, alerts, n, v, err)
                              : write_stream(o, alerts, n, v, err);
    if (r < 0)
        syslog_conn_close(&o->conn);
    return r;
}

static void syslog_wake(void *self)
{
    struct syslog_output *o = self;

    syslog_conn_wake(&o->conn);
}

static const struct gyr_output_ops output = {
    .size = sizeof(output),
    .write = syslog_write,
    .wake = syslog_wake,
};

static const struct gyr_plugin plugin = {
    GYR_PLUGIN_HEAD,
    .name = "syslog",
    .version = "0.1.0",
    .license = "Apache-2.0",
    .summary = "sends alerts to syslog: local socket, UDP, TCP, TLS",
    .output = &output,
    .options = options,
    .n_options = sizeof(options) / sizeof(options[0]),
    .config_size = sizeof(struct config),
    .create = syslog_create,
    .start = syslog_start,
    .stop = syslog_stop,
    .destroy = syslog_destroy,
};

GYR_EXPORT_PLUGIN(plugin)
