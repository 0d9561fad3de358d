/* SPDX-License-Identifier: Apache-2.0 */
#include "k8s_audit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { FIRST_SIZE = 4096, BACKLOG = 16 };

/* ---- listening ---- */

static int listen_unix(struct lines *l, const char *path, struct gyr_error *err)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    mode_t old;
    int r;

    if (path[0] != '/' || strlen(path) >= sizeof(a.sun_path))
        return gyr_fail(err, -EINVAL, "listen: 'unix:' wants a path from / of at most %zu bytes",
                        sizeof(a.sun_path) - 1);
    memcpy(a.sun_path, path, strlen(path) + 1);
    (void)unlink(path); /* of a run that did not end well; a file of another kind is not bound */
    l->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    old = umask(0177); /* whoever may write into it makes alerts */
    r = bind(l->listener, (struct sockaddr *)&a, sizeof(a));
    (void)umask(old);
    if (r < 0)
        return gyr_fail(err, -errno, "listen: %s: %s", path, strerror(errno));
    memcpy(l->path, path, strlen(path) + 1);
    return 0;
}

static int listen_tcp(struct lines *l, const char *where, struct gyr_error *err)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    const char *colon = strrchr(where, ':'), *p;
    char host[16];
    uint32_t port = 0;
    int on = 1;

    if (!colon || (size_t)(colon - where) >= sizeof(host))
        return gyr_fail(err, -EINVAL, "listen: '%s' is neither unix:/path nor address:port", where);
    memcpy(host, where, (size_t)(colon - where));
    host[colon - where] = 0;
    for (p = colon + 1; *p >= '0' && *p <= '9' && port < 65536; p++)
        port = port * 10 + (uint32_t)(*p - '0');
    if (*p || port == 0 || port > 65535)
        return gyr_fail(err, -EINVAL, "listen: '%s' has no port from 1 to 65535", where);
    if (inet_pton(AF_INET, host, &a.sin_addr) != 1 || ntohl(a.sin_addr.s_addr) >> 24 != 127)
        return gyr_fail(
            err, -EINVAL,
            "listen: '%s' is no address of loopback (127.0.0.1): nobody is asked who he "
            "is",
            host);
    a.sin_port = htons((uint16_t)port);
    l->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    (void)setsockopt(l->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(l->listener, (struct sockaddr *)&a, sizeof(a)) < 0)
        return gyr_fail(err, -errno, "listen: %s: %s", where, strerror(errno));
    return 0;
}

int lines_open(struct lines *l, const char *where, size_t max, struct gyr_error *err)
{
    int r;

    memset(l, 0, sizeof(*l));
    l->listener = -1;
    l->max = max;
    for (int i = 0; i < LINES_CLIENTS; i++)
        l->clients[i].fd = -1;
    l->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (l->wake_fd < 0)
        return gyr_fail(err, -errno, "no descriptor to be woken by: %s", strerror(errno));
    r = strncmp(where, "unix:", 5) == 0 ? listen_unix(l, where + 5, err)
                                        : listen_tcp(l, where, err);
    if (r == 0 && listen(l->listener, BACKLOG) < 0)
        r = gyr_fail(err, -errno, "listen: %s: %s", where, strerror(errno));
    if (r < 0)
        lines_close(l);
    return r;
}

static void hang_up(struct lines_client *c)
{
    if (c->fd >= 0)
        close(c->fd);
    free(c->buf);
    memset(c, 0, sizeof(*c));
    c->fd = -1;
}

void lines_close(struct lines *l)
{
    for (int i = 0; i < LINES_CLIENTS; i++)
        hang_up(&l->clients[i]);
    if (l->listener >= 0)
        close(l->listener);
    if (l->wake_fd >= 0)
        close(l->wake_fd);
    if (l->path[0])
        (void)unlink(l->path);
    l->listener = l->wake_fd = -1;
}

void lines_wake(struct lines *l)
{
    uint64_t one = 1;

    (void)!write(l->wake_fd, &one, sizeof(one));
}

/* ---- clients ---- */

static void take_client(struct lines *l)
{
    int fd = accept4(l->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd < 0)
        return;
    for (int i = 0; i < LINES_CLIENTS; i++)
        if (l->clients[i].fd < 0) {
            l->clients[i].fd = fd;
            return;
        }
    l->refused++;
    close(fd);
}

/* @return whether there is room for more of its line: its buffer grows up to the longest. */
static int make_room(struct lines *l, struct lines_client *c)
{
    size_t cap = c->cap ? c->cap * 2 : FIRST_SIZE;
    char *p;

    if (c->len < c->cap)
        return 1;
    if (c->cap >= l->max) { /* read on, to where the next line begins */
        l->too_long += !c->skipping;
        c->skipping = 1;
        c->len = 0;
        return 1;
    }
    if (cap > l->max)
        cap = l->max;
    p = realloc(c->buf, cap);
    if (!p)
        return 0;
    c->buf = p;
    c->cap = cap;
    return 1;
}

static void read_client(struct lines *l, struct lines_client *c)
{
    ssize_t n;

    if (!make_room(l, c)) {
        hang_up(c);
        return;
    }
    n = read(c->fd, c->buf + c->len, c->cap - c->len);
    if (n > 0)
        c->len += (size_t)n;
    else if (n == 0 || (errno != EAGAIN && errno != EINTR))
        hang_up(c);
}

void lines_wait(struct lines *l, uint32_t timeout_ms)
{
    struct pollfd fds[LINES_CLIENTS + 2];
    uint64_t n;

    for (int i = 0; i < LINES_CLIENTS; i++)
        fds[i] = (struct pollfd){.fd = l->clients[i].fd, .events = POLLIN};
    fds[LINES_CLIENTS] = (struct pollfd){.fd = l->listener, .events = POLLIN};
    fds[LINES_CLIENTS + 1] = (struct pollfd){.fd = l->wake_fd, .events = POLLIN};
    if (poll(fds, LINES_CLIENTS + 2, (int)timeout_ms) <= 0)
        return;
    if (fds[LINES_CLIENTS + 1].revents)
        (void)!read(l->wake_fd, &n, sizeof(n));
    if (fds[LINES_CLIENTS].revents)
        take_client(l);
    for (int i = 0; i < LINES_CLIENTS; i++)
        if (fds[i].fd >= 0 && fds[i].revents)
            read_client(l, &l->clients[i]);
}

/* What is not a whole line yet goes to the front, so that there is room behind it. */
static void keep_rest(struct lines_client *c)
{
    if (c->at == 0)
        return;
    memmove(c->buf, c->buf + c->at, c->len - c->at);
    c->len -= c->at;
    c->at = 0;
}

char *lines_next(struct lines *l, size_t *ret_len)
{
    for (int i = 0; i < LINES_CLIENTS; i++) {
        struct lines_client *c = &l->clients[i];

        while (c->len > c->at) {
            char *line = c->buf + c->at, *eol = memchr(line, '\n', c->len - c->at);
            int skipped = c->skipping;

            if (!eol)
                break;
            c->at = (size_t)(eol - c->buf) + 1;
            c->skipping = 0;
            *ret_len = (size_t)(eol - line);
            if (!skipped)
                return line;
        }
        if (c->buf)
            keep_rest(c);
    }
    return NULL;
}
