/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file tls.h
 * @brief TLS on a connected, non-blocking socket, by OpenSSL.
 */
#ifndef SYSLOG_TLS_H
#define SYSLOG_TLS_H

#include <gyr/util.h>

/** Strings are borrowed; NULL: not given. */
struct syslog_tls_conf {
    const char *ca;         /**< file of certificates that are trusted; NULL: the system's */
    const char *cert, *key; /**< of the client, PEM */
    const char *name;       /**< that the server's certificate must be for */
    int verify;
};

struct syslog_tls;

/** Read the certificates. @return 0; GYR_E_CONF. */
int syslog_tls_new(const struct syslog_tls_conf *conf, struct syslog_tls **ret,
                   struct gyr_error *err);
void syslog_tls_free(struct syslog_tls *t);

/** Steps of a session. @return 1: done (or bytes sent or received); 0: the far side has closed;
 *  -EAGAIN with *ret_events (POLLIN, POLLOUT): wait for these and repeat; else negative. */
int syslog_tls_begin(struct syslog_tls *t, int fd, struct gyr_error *err);
int syslog_tls_handshake(struct syslog_tls *t, short *ret_events, struct gyr_error *err);
int syslog_tls_write(struct syslog_tls *t, const char *p, size_t n, short *ret_events,
                     struct gyr_error *err);
/** What the server says is of no interest, but has to be read. */
int syslog_tls_drain(struct syslog_tls *t);
/** Say goodbye, if there is a session; the descriptor stays open. */
void syslog_tls_end(struct syslog_tls *t);

#endif /* SYSLOG_TLS_H */
