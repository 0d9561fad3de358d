/* SPDX-License-Identifier: Apache-2.0 */
#include "service/local.h"

#include "alert/delivery.h"
#include "base/cleanup.h"
#include "base/fs.h"
#include "base/log.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

enum { CLIENTS_MAX = 16 };
static const uint64_t CLIENT_NS = 5000000000;

struct client {
    int fd; /* -1: none */
    char *text;
    size_t len, at;
    uint64_t until_ns;
};

struct local {
    char *path;
    int fd, epoll_fd;
    void (*tell)(void *ctx, struct buf *b);
    void *ctx;
    struct client clients[CLIENTS_MAX];
};

/* ---- clients ---- */

static void drop(struct client *c)
{
    if (c->fd >= 0)
        (void)close(c->fd);
    free(c->text);
    *c = (struct client){.fd = -1};
}

/* @return whether it may ask: our own user, or root. */
static bool is_allowed(int fd)
{
    struct ucred peer;
    socklen_t len = sizeof(peer);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
        return false;
    if (peer.uid == 0 || peer.uid == geteuid())
        return true;
    log_warning(NULL, "process %d of user %u was refused at the status socket", (int)peer.pid,
                (unsigned)peer.uid);
    return false;
}

static void serve(struct client *c)
{
    ssize_t n;

    while (c->at < c->len) {
        n = send(c->fd, c->text + c->at, c->len - c->at, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n <= 0)
            break;
        c->at += (size_t)n;
    }
    drop(c);
}

static struct client *free_client(struct local *l)
{
    for (int i = 0; i < CLIENTS_MAX; i++)
        if (l->clients[i].fd < 0)
            return &l->clients[i];
    return NULL;
}

static void welcome(struct local *l, int fd)
{
    struct epoll_event want = {.events = EPOLLOUT};
    struct client *c = is_allowed(fd) ? free_client(l) : NULL;
    struct buf b;

    if (!c || epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, fd, &want) < 0) {
        (void)close(fd);
        return;
    }
    buf_init(&b, 32 << 20);
    l->tell(l->ctx, &b);
    *c = (struct client){.fd = fd, .until_ns = clock_ns() + CLIENT_NS};
    c->len = b.failed ? 0 : b.len;
    c->text = c->len ? buf_take(&b) : NULL;
    buf_free(&b);
    serve(c);
}

uint64_t local_tick(struct local *l)
{
    uint64_t now = clock_ns(), next = UINT64_MAX;
    int fd;

    for (int i = 0; i < CLIENTS_MAX; i++) {
        struct client *c = &l->clients[i];

        if (c->fd >= 0)
            serve(c);
        if (c->fd >= 0 && now >= c->until_ns)
            drop(c);
    }
    while ((fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0)
        welcome(l, fd);
    for (int i = 0; i < CLIENTS_MAX; i++)
        if (l->clients[i].fd >= 0 && l->clients[i].until_ns - now < next)
            next = l->clients[i].until_ns - now;
    return next;
}

int local_fd(const struct local *l)
{
    return l->epoll_fd;
}

/* ---- life ---- */

static void make_folder(const struct sockaddr_un *addr)
{
    char dir[sizeof(addr->sun_path)];
    char *slash;

    memcpy(dir, addr->sun_path, sizeof(dir));
    slash = strrchr(dir, '/');
    if (!slash || slash == dir)
        return;
    *slash = '\0';
    (void)make_folders(dir, 0755, NULL);
}

/* Is there a socket that nobody answers at any more? Then it goes. */
static int clear_way(const struct sockaddr_un *addr, struct gyr_error *err)
{
    _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct stat st;

    if (fd < 0)
        return gyr_fail(err, -errno, "no socket: %s", strerror(errno));
    if (lstat(addr->sun_path, &st) < 0)
        return 0;
    if (!S_ISSOCK(st.st_mode))
        return gyr_fail(err, -EEXIST, "%s is there, and is no socket", addr->sun_path);
    if (connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) == 0 || errno != ECONNREFUSED)
        return gyr_fail(err, -EADDRINUSE, "another detector answers at %s", addr->sun_path);
    if (unlink(addr->sun_path) < 0)
        return gyr_fail(err, -errno, "%s: %s", addr->sun_path, strerror(errno));
    return 0;
}

static int start_listening(struct local *l, struct gyr_error *err)
{
    struct epoll_event want = {.events = EPOLLIN};
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int r;

    if (strlen(l->path) >= sizeof(addr.sun_path))
        return gyr_fail(err, -ENAMETOOLONG, "%s is too long for a socket's path", l->path);
    memcpy(addr.sun_path, l->path, strlen(l->path) + 1);
    make_folder(&addr);
    r = clear_way(&addr, err);
    if (r < 0)
        return r;
    l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (l->fd < 0 || l->epoll_fd < 0)
        return gyr_fail(err, -errno, "no socket: %s", strerror(errno));
    (void)fchmod(l->fd, 0600); /* so it is never open to others, not even for a moment */
    if (bind(l->fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
        r = -errno;
        (void)close(l->fd);
        l->fd = -1; /* what is there is not ours to remove */
        return gyr_fail(err, r, "cannot listen at %s: %s", l->path, strerror(-r));
    }
    if (chmod(l->path, 0600) < 0 || listen(l->fd, CLIENTS_MAX) < 0 ||
        epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, l->fd, &want) < 0)
        return gyr_fail(err, -errno, "cannot listen at %s: %s", l->path, strerror(errno));
    return 0;
}

int local_open(const char *path, void (*tell)(void *ctx, struct buf *b), void *ctx,
               struct local **ret, struct gyr_error *err)
{
    struct local *l = calloc(1, sizeof(*l));
    int r;

    if (!l || !(l->path = strdup(path))) {
        free(l);
        return gyr_fail(err, -ENOMEM, "no memory");
    }
    l->tell = tell;
    l->ctx = ctx;
    l->fd = l->epoll_fd = -1;
    for (int i = 0; i < CLIENTS_MAX; i++)
        l->clients[i].fd = -1;
    r = start_listening(l, err);
    if (r < 0)
        local_close(l);
    else
        *ret = l;
    return r;
}

void local_close(struct local *l)
{
    if (!l)
        return;
    for (int i = 0; i < CLIENTS_MAX; i++)
        drop(&l->clients[i]);
    if (l->fd >= 0) {
        (void)unlink(l->path);
        (void)close(l->fd);
    }
    if (l->epoll_fd >= 0)
        (void)close(l->epoll_fd);
    free(l->path);
    free(l);
}
