/* SPDX-License-Identifier: Apache-2.0 */
#include "tls.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

struct syslog_tls {
    struct syslog_tls_conf conf;
    SSL_CTX *ctx;
    SSL *ssl;
};

static const char *reason(void)
{
    unsigned long e = ERR_peek_last_error();
    const char *s = e ? ERR_reason_error_string(e) : NULL;

    ERR_clear_error();
    return s ? s : "no reason given";
}

static int load(struct syslog_tls *t, struct gyr_error *err)
{
    const struct syslog_tls_conf *c = &t->conf;

    t->ctx = SSL_CTX_new(TLS_client_method());
    if (!t->ctx)
        return gyr_fail(err, -ENOMEM, "no TLS: %s", reason());
    (void)SSL_CTX_set_min_proto_version(t->ctx, TLS1_2_VERSION);
    (void)SSL_CTX_set_mode(t->ctx,
                           SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_verify(t->ctx, c->verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
    if (c->ca && SSL_CTX_load_verify_locations(t->ctx, c->ca, NULL) != 1)
        return gyr_fail(err, GYR_E_CONF, "ca '%s' cannot be used: %s", c->ca, reason());
    if (!c->ca && SSL_CTX_set_default_verify_paths(t->ctx) != 1)
        return gyr_fail(err, GYR_E_CONF, "the system's certificates cannot be used: %s", reason());
    if (c->cert && SSL_CTX_use_certificate_chain_file(t->ctx, c->cert) != 1)
        return gyr_fail(err, GYR_E_CONF, "cert '%s' cannot be used: %s", c->cert, reason());
    if (c->key && SSL_CTX_use_PrivateKey_file(t->ctx, c->key, SSL_FILETYPE_PEM) != 1)
        return gyr_fail(err, GYR_E_CONF, "key '%s' cannot be used: %s", c->key, reason());
    return 0;
}

int syslog_tls_new(const struct syslog_tls_conf *conf, struct syslog_tls **ret,
                   struct gyr_error *err)
{
    struct syslog_tls *t = calloc(1, sizeof(*t));
    int r;

    if (!t)
        return gyr_fail(err, -ENOMEM, "no memory");
    t->conf = *conf;
    r = load(t, err);
    if (r < 0) {
        syslog_tls_free(t);
        return r;
    }
    *ret = t;
    return 0;
}

void syslog_tls_free(struct syslog_tls *t)
{
    if (!t)
        return;
    SSL_free(t->ssl);
    SSL_CTX_free(t->ctx);
    free(t);
}

int syslog_tls_begin(struct syslog_tls *t, int fd, struct gyr_error *err)
{
    const char *name = t->conf.name;

    ERR_clear_error();
    t->ssl = SSL_new(t->ctx);
    if (!t->ssl || SSL_set_fd(t->ssl, fd) != 1)
        return gyr_fail(err, -ENOMEM, "no TLS session: %s", reason());
    /* An address is compared with the addresses of the certificate, a name with its names. */
    if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(t->ssl), name) != 1) {
        ERR_clear_error();
        if (SSL_set1_host(t->ssl, name) != 1 || SSL_set_tlsext_host_name(t->ssl, name) != 1)
            return gyr_fail(err, -EINVAL, "no TLS for '%s': %s", name, reason());
    }
    return 0;
}

/* What a call of OpenSSL came to that did not do what it should. */
static int trouble(struct syslog_tls *t, int r, short *ret_events, struct gyr_error *err)
{
    int saved = errno;
    long verified;

    switch (SSL_get_error(t->ssl, r)) {
    case SSL_ERROR_WANT_READ:
        *ret_events = POLLIN;
        return -EAGAIN;
    case SSL_ERROR_WANT_WRITE:
        *ret_events = POLLOUT;
        return -EAGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    case SSL_ERROR_SYSCALL:
        ERR_clear_error();
        return gyr_fail(err, saved ? -saved : -ECONNRESET, "%s",
                        saved ? strerror(saved) : "the connection was closed");
    default:
        verified = SSL_get_verify_result(t->ssl);
        if (t->conf.verify && verified != X509_V_OK) {
            ERR_clear_error();
            return gyr_fail(err, -EPROTO, "the certificate is not accepted: %s",
                            X509_verify_cert_error_string(verified));
        }
        return gyr_fail(err, -EPROTO, "TLS failed: %s", reason());
    }
}

int syslog_tls_handshake(struct syslog_tls *t, short *ret_events, struct gyr_error *err)
{
    int r;

    errno = 0;
    r = SSL_connect(t->ssl);
    return r == 1 ? 1 : trouble(t, r, ret_events, err);
}

int syslog_tls_write(struct syslog_tls *t, const char *p, size_t n, short *ret_events,
                     struct gyr_error *err)
{
    int r;

    errno = 0;
    r = SSL_write(t->ssl, p, n < INT_MAX ? (int)n : INT_MAX);
    return r > 0 ? r : trouble(t, r, ret_events, err);
}

int syslog_tls_drain(struct syslog_tls *t)
{
    struct gyr_error err;
    char buf[512];
    short events;
    int r;

    errno = 0;
    r = SSL_read(t->ssl, buf, sizeof(buf));
    return r > 0 ? r : trouble(t, r, &events, &err);
}

void syslog_tls_end(struct syslog_tls *t)
{
    if (!t->ssl)
        return;
    if (SSL_is_init_finished(t->ssl))
        (void)SSL_shutdown(t->ssl);
    ERR_clear_error();
    SSL_free(t->ssl);
    t->ssl = NULL;
}
