/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file conn.h
 * @brief A connection to a syslog server: local socket, UDP, TCP, TLS.
 *
 * Used on one thread but for syslog_conn_wake(). Every wait ends after the timeout without
 * progress, or when woken. Functions return 0 or a negative errno with the reason in `err`.
 */
#ifndef SYSLOG_CONN_H
#define SYSLOG_CONN_H

#include "tls.h"

#include <gyr/plugin.h>

enum { SYSLOG_LOCAL = 0, SYSLOG_UDP = 1, SYSLOG_TCP = 2, SYSLOG_TLS = 3 };

struct syslog_conn {
    int transport;    /**< SYSLOG_* */
    const char *host; /**< or the path of the local socket; borrowed */
    const char *port; /**< borrowed */
    int timeout_ms;   /**< for a connection, a handshake, room in the send queue */
    struct syslog_tls_conf tls_conf;

    int fd, wake_fd; /**< fd -1: not connected */
    int datagrams;   /**< one message, one send */
    struct syslog_tls *tls;
};

/** Opens nothing but what a wake needs. Fill in the first members afterwards. */
int syslog_conn_init(struct syslog_conn *c, struct gyr_error *err);
void syslog_conn_free(struct syslog_conn *c);
/** Connected already is fine, unless the far side has closed meanwhile: then anew. */
int syslog_conn_open(struct syslog_conn *c, struct gyr_error *err);
void syslog_conn_close(struct syslog_conn *c);
/** Hand all bytes to the kernel; a datagram as a whole. After a failure close. */
int syslog_conn_send(struct syslog_conn *c, const char *p, size_t n, struct gyr_error *err);
/** Streams: wait until the far side's kernel has confirmed all bytes, and be sure that it had not
 *  closed by then. After a failure close. */
int syslog_conn_confirm(struct syslog_conn *c, struct gyr_error *err);
void syslog_conn_wake(struct syslog_conn *c);

#endif /* SYSLOG_CONN_H */
