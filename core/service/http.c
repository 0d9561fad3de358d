/* SPDX-License-Identifier: Apache-2.0 */
#include "service/http.h"

#include "base/addr.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/version.h"
#include "service/figures.h"

#include <errno.h>
#include <gyr/plugin.h>
#include <microhttpd.h>
#include <string.h>

enum { CONNECTIONS_MAX = 32, CONNECTION_TIMEOUT_S = 5, CONNECTION_MEMORY = 16 << 10, BACKLOG = 16 };

struct http {
    struct http_conf conf;
    struct MHD_Daemon *daemon;
};

#define TEXT "text/plain; charset=utf-8"

/* ---- answers ---- */

static enum MHD_Result answer(struct MHD_Connection *c, unsigned status, const char *type,
                              const char *name, const char *value, struct buf *b)
{
    size_t len = b->len;
    char *text = len ? buf_take(b) : NULL;
    struct MHD_Response *r;
    enum MHD_Result result;

    r = text ? MHD_create_response_from_buffer(len, text, MHD_RESPMEM_MUST_FREE)
             : MHD_create_response_from_buffer(0, (void *)(uintptr_t) "", MHD_RESPMEM_PERSISTENT);
    if (!r) {
        free(text);
        return MHD_NO;
    }
    (void)MHD_add_response_header(r, "Content-Type", type);
    (void)MHD_add_response_header(r, "Cache-Control", "no-store");
    if (name)
        (void)MHD_add_response_header(r, name, value);
    result = MHD_queue_response(c, text || !b->failed ? status : MHD_HTTP_INTERNAL_SERVER_ERROR, r);
    MHD_destroy_response(r);
    return result;
}

static void add_version(struct buf *b)
{
    buf_addf(b, "{\"version\":\"%s\",\"abi\":\"%u.%u\"}\n", GYR_VERSION, GYR_ABI_MAJOR,
             GYR_ABI_MINOR);
}

static enum MHD_Result answer_path(struct http *h, struct MHD_Connection *c, const char *path,
                                   struct buf *b)
{
    const struct http_conf *conf = &h->conf;
    bool fine;

    if (strcmp(path, "/metrics") == 0) {
        conf->metrics(conf->ctx, b);
        return answer(c, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", NULL, NULL, b);
    }
    if (strcmp(path, "/version") == 0) {
        add_version(b);
        return answer(c, MHD_HTTP_OK, "application/json", NULL, NULL, b);
    }
    if (strcmp(path, "/healthz") == 0)
        fine = conf->healthy(conf->ctx, b);
    else if (strcmp(path, "/readyz") == 0)
        fine = conf->ready(conf->ctx, b);
    else {
        buf_adds(b, "there are /metrics, /healthz, /readyz and /version\n");
        return answer(c, MHD_HTTP_NOT_FOUND, TEXT, NULL, NULL, b);
    }
    return answer(c, fine ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE, TEXT, NULL, NULL, b);
}

static enum MHD_Result handle(void *ctx, struct MHD_Connection *c, const char *path,
                              const char *method, const char *version, const char *data,
                              size_t *data_len, void **state)
{
    static int seen;
    enum MHD_Result r;
    struct buf b;

    (void)version;
    (void)data;
    if (!*state) { /* the headers are read; what follows them is not for us */
        *state = &seen;
        return MHD_YES;
    }
    if (*data_len) {
        *data_len = 0;
        return MHD_YES;
    }
    buf_init(&b, FIGURES_MAX);
    if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0) {
        r = answer_path(ctx, c, path, &b);
    } else {
        buf_adds(&b, "only GET and HEAD\n");
        r = answer(c, MHD_HTTP_METHOD_NOT_ALLOWED, TEXT, "Allow", "GET, HEAD", &b);
    }
    buf_free(&b);
    return r;
}

/* ---- life ---- */

static int open_socket(const struct http_conf *conf, struct gyr_error *err)
{
    struct sockaddr_storage addr;
    int fd, one = 1, r;
    socklen_t len;

    r = parse_listen(conf->listen, &addr, &len, err);
    if (r < 0)
        return r;
    fd = socket(addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return gyr_fail(err, -errno, "http: no socket: %s", strerror(errno));
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, (struct sockaddr *)&addr, len) < 0 || listen(fd, BACKLOG) < 0) {
        r = gyr_fail(err, -errno, "http: cannot listen at %s: %s", conf->listen, strerror(errno));
        (void)close(fd);
        return r;
    }
    if (!addr_is_loopback(&addr))
        log_warning(NULL, "http: %s can be read from elsewhere, unencrypted and by anybody",
                    conf->listen);
    return fd;
}

int http_open(const struct http_conf *conf, struct http **ret, struct gyr_error *err)
{
    struct http *h;
    int fd = open_socket(conf, err);

    if (fd < 0)
        return fd;
    h = calloc(1, sizeof(*h));
    if (h) {
        h->conf = *conf;
        h->daemon = MHD_start_daemon(
            MHD_USE_EPOLL, 0, NULL, NULL, handle, h, MHD_OPTION_LISTEN_SOCKET, fd,
            MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
            (unsigned)CONNECTION_TIMEOUT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
            (size_t)CONNECTION_MEMORY, MHD_OPTION_END);
    }
    if (!h || !h->daemon) {
        free(h);
        (void)close(fd);
        return gyr_fail(err, -ENOMEM, "http: libmicrohttpd does not start");
    }
    *ret = h;
    return 0;
}

int http_fd(const struct http *h)
{
    return MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
}

uint64_t http_tick(struct http *h)
{
    MHD_UNSIGNED_LONG_LONG ms;

    (void)MHD_run(h->daemon);
    return MHD_get_timeout(h->daemon, &ms) == MHD_YES ? (uint64_t)ms * 1000000 : UINT64_MAX;
}

void http_close(struct http *h)
{
    if (!h)
        return;
    MHD_stop_daemon(h->daemon); /* closes the socket, too */
    free(h);
}
