/* SPDX-License-Identifier: Apache-2.0 */
#include "conn.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { DRAIN_MAX = 64 };

int syslog_conn_init(struct syslog_conn *c, struct gyr_error *err)
{
    *c = (struct syslog_conn){.fd = -1, .wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    if (c->wake_fd < 0)
        return gyr_fail(err, -errno, "cannot make an eventfd: %s", strerror(errno));
    return 0;
}

void syslog_conn_free(struct syslog_conn *c)
{
    syslog_conn_close(c);
    syslog_tls_free(c->tls);
    c->tls = NULL;
    if (c->wake_fd >= 0)
        (void)close(c->wake_fd);
    c->wake_fd = -1;
}

void syslog_conn_wake(struct syslog_conn *c)
{
    uint64_t one = 1;

    (void)!write(c->wake_fd, &one, sizeof(one));
}

void syslog_conn_close(struct syslog_conn *c)
{
    if (c->tls)
        syslog_tls_end(c->tls);
    if (c->fd >= 0)
        (void)close(c->fd);
    c->fd = -1;
}

/* @return 0: the socket is ready; -EAGAIN: woken; -ETIMEDOUT. */
static int wait_for(struct syslog_conn *c, short events, int timeout_ms)
{
    struct pollfd fds[2] = {{.fd = c->fd, .events = events}, {.fd = c->wake_fd, .events = POLLIN}};
    int r = poll(fds, 2, timeout_ms);

    if (r < 0)
        return errno == EINTR ? 0 : -errno;
    if (fds[1].revents)
        return -EAGAIN;
    return r == 0 ? -ETIMEDOUT : 0;
}

static int failed(struct syslog_conn *c, int r, struct gyr_error *err)
{
    if (c->transport == SYSLOG_LOCAL)
        return gyr_fail(err, r, "%s: %s", c->host, strerror(-r));
    return gyr_fail(err, r, "%s port %s: %s", c->host, c->port,
                    r == -EAGAIN ? "interrupted, Gyr ends" : strerror(-r));
}

/* Of a non-blocking socket. @return 0; negative errno. */
static int connect_to(struct syslog_conn *c, const struct sockaddr *addr, socklen_t len)
{
    int e = 0, r;
    socklen_t elen = sizeof(e);

    if (connect(c->fd, addr, len) == 0)
        return 0;
    if (errno != EINPROGRESS)
        return -errno;
    r = wait_for(c, POLLOUT, c->timeout_ms);
    if (r < 0)
        return r;
    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &e, &elen) < 0)
        return -errno;
    return -e;
}

static int try_local(struct syslog_conn *c, int type)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    size_t n = strlen(c->host);
    int r;

    if (n >= sizeof(un.sun_path))
        return -ENAMETOOLONG;
    memcpy(un.sun_path, c->host, n);
    c->fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (c->fd < 0)
        return -errno;
    c->datagrams = type == SOCK_DGRAM;
    r = connect_to(c, (struct sockaddr *)&un, sizeof(un));
    if (r < 0)
        syslog_conn_close(c);
    return r;
}

static int open_local(struct syslog_conn *c, struct gyr_error *err)
{
    int r = try_local(c, SOCK_DGRAM);

    if (r == -EPROTOTYPE)
        r = try_local(c, SOCK_STREAM);
    return r < 0 ? failed(c, r, err) : 0;
}

static int try_address(struct syslog_conn *c, const struct addrinfo *ai)
{
    int one = 1, r;

    c->fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, ai->ai_protocol);
    if (c->fd < 0)
        return -errno;
    c->datagrams = ai->ai_socktype == SOCK_DGRAM;
    if (!c->datagrams) {
        (void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        (void)setsockopt(c->fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
    }
    r = connect_to(c, ai->ai_addr, ai->ai_addrlen);
    if (r < 0)
        syslog_conn_close(c);
    return r;
}

static int open_net(struct syslog_conn *c, struct gyr_error *err)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV,
                             .ai_socktype = c->transport == SYSLOG_UDP ? SOCK_DGRAM : SOCK_STREAM};
    struct addrinfo *list, *ai;
    int r = getaddrinfo(c->host, c->port, &hints, &list);

    if (r != 0)
        return gyr_fail(err, -EHOSTUNREACH, "%s: %s", c->host, gai_strerror(r));
    r = -EADDRNOTAVAIL;
    for (ai = list; ai; ai = ai->ai_next) {
        r = try_address(c, ai);
        if (r == 0 || r == -EAGAIN)
            break;
    }
    freeaddrinfo(list);
    return r < 0 ? failed(c, r, err) : 0;
}

/* In front of the reason: where. */
static int tls_failed(struct syslog_conn *c, int r, const struct gyr_error *why,
                      struct gyr_error *err)
{
    return gyr_fail(err, r, "%s port %s: %.300s", c->host, c->port, why->msg);
}

static int shake_hands(struct syslog_conn *c, struct gyr_error *err)
{
    struct gyr_error why = {0};
    short events = 0;
    int r = syslog_tls_begin(c->tls, c->fd, &why);

    if (r < 0)
        return tls_failed(c, r, &why, err);
    for (;;) {
        r = syslog_tls_handshake(c->tls, &events, &why);
        if (r == 1)
            return 0;
        if (r == 0)
            return failed(c, -ECONNRESET, err);
        if (r != -EAGAIN)
            return tls_failed(c, r, &why, err);
        r = wait_for(c, events, c->timeout_ms);
        if (r < 0)
            return failed(c, r, err);
    }
}

/* Whether the far side of a stream has neither closed nor failed; what it says is thrown away. */
static int is_alive(struct syslog_conn *c)
{
    bool tls = c->transport == SYSLOG_TLS;
    char buf[512];
    ssize_t n = 1;

    for (int i = 0; n > 0 && i < DRAIN_MAX; i++)
        n = tls ? syslog_tls_drain(c->tls) : recv(c->fd, buf, sizeof(buf), MSG_DONTWAIT);
    if (n > 0) /* one that never stops talking does not keep us here */
        return true;
    return tls ? n == -EAGAIN : n < 0 && (errno == EAGAIN || errno == EINTR);
}

int syslog_conn_open(struct syslog_conn *c, struct gyr_error *err)
{
    int r;

    if (c->fd >= 0 && (c->datagrams || is_alive(c)))
        return 0;
    syslog_conn_close(c);
    if (c->transport == SYSLOG_LOCAL)
        return open_local(c, err);
    r = open_net(c, err);
    if (r == 0 && c->transport == SYSLOG_TLS) {
        r = shake_hands(c, err);
        if (r < 0)
            syslog_conn_close(c);
    }
    return r;
}

/* @return bytes that were taken; -EAGAIN with what to wait for; else negative. */
static ssize_t push(struct syslog_conn *c, const char *p, size_t n, short *events,
                    struct gyr_error *why)
{
    ssize_t k;

    if (c->transport == SYSLOG_TLS) {
        k = syslog_tls_write(c->tls, p, n, events, why);
        return k == 0 ? gyr_fail(why, -ECONNRESET, "the connection was closed") : k;
    }
    k = send(c->fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
    *events = POLLOUT;
    if (k >= 0)
        return k;
    return errno == EINTR ? -EAGAIN : gyr_fail(why, -errno, "%s", strerror(errno));
}

int syslog_conn_send(struct syslog_conn *c, const char *p, size_t n, struct gyr_error *err)
{
    struct gyr_error why = {0};
    size_t done = 0;

    while (done < n) {
        short events = POLLOUT;
        ssize_t k = push(c, p + done, n - done, &events, &why);
        int r;

        if (k >= 0) {
            done += (size_t)k;
            continue;
        }
        if (k != -EAGAIN)
            return c->transport == SYSLOG_LOCAL ? failed(c, (int)k, err)
                                                : tls_failed(c, (int)k, &why, err);
        r = wait_for(c, events, c->timeout_ms);
        if (r < 0)
            return failed(c, r, err);
    }
    return 0;
}

static int64_t now_ms(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Bytes that the far side has not confirmed. A kernel that cannot tell counts as confirmed. */
static int unconfirmed(const struct syslog_conn *c)
{
    int n = 0;

    return ioctl(c->fd, SIOCOUTQ, &n) < 0 ? 0 : n;
}

int syslog_conn_confirm(struct syslog_conn *c, struct gyr_error *err)
{
    int64_t until = now_ms() + c->timeout_ms;
    int last = unconfirmed(c), left, pause_ms = 0;

    /* There is no event for this: look, at first at once, then less and less often. */
    for (left = last; left > 0; left = unconfirmed(c)) {
        int r = wait_for(c, POLLRDHUP, pause_ms);

        if (r == -EAGAIN)
            return failed(c, r, err);
        if (r == 0 && !is_alive(c))
            return failed(c, -ECONNRESET, err);
        if (left < last)
            until = now_ms() + c->timeout_ms;
        else if (now_ms() >= until)
            return failed(c, -ETIMEDOUT, err);
        last = left;
        pause_ms = pause_ms < 8 ? pause_ms + 1 : 8;
    }
    return is_alive(c) ? 0 : failed(c, -ECONNRESET, err);
}
