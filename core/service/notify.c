/* SPDX-License-Identifier: Apache-2.0 */
#include "service/notify.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/num.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A path, or '@' and the name of an abstract socket. @return 0, or -1. */
static int read_address(struct notify *n, const char *s)
{
    size_t len = strlen(s);

    if ((s[0] != '/' && s[0] != '@') || len < 2 || len >= sizeof(n->to.sun_path))
        return -1;
    n->to.sun_family = AF_UNIX;
    memcpy(n->to.sun_path, s, len + 1);
    n->to_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + 1);
    if (s[0] == '@') { /* its name has no NUL at the end */
        n->to.sun_path[0] = '\0';
        n->to_len--;
    }
    return 0;
}

static uint64_t read_watchdog(void)
{
    const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    uint64_t u, p;

    if (!usec || parse_u64(usec, strlen(usec), &u) < 0 || u > UINT64_MAX / 1000)
        return 0;
    if (pid && (parse_u64(pid, strlen(pid), &p) < 0 || p != (uint64_t)getpid()))
        return 0;
    return u * 1000;
}

void notify_open(struct notify *n)
{
    const char *s = getenv("NOTIFY_SOCKET");

    *n = (struct notify){.fd = -1};
    if (s && read_address(n, s) < 0)
        log_warning(NULL, "NOTIFY_SOCKET is neither a path nor an abstract name: nobody is told");
    else if (s)
        n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (n->fd >= 0)
        n->watchdog_ns = read_watchdog();
    (void)unsetenv("NOTIFY_SOCKET");
    (void)unsetenv("WATCHDOG_USEC");
    (void)unsetenv("WATCHDOG_PID");
}

void notify_close(struct notify *n)
{
    if (n->fd >= 0)
        (void)close(n->fd);
    n->fd = -1;
}

void notify_send(const struct notify *n, const char *fmt, ...)
{
    struct buf b;
    va_list ap;

    if (n->fd < 0)
        return;
    buf_init(&b, 4096);
    va_start(ap, fmt);
    buf_vaddf(&b, fmt, ap);
    va_end(ap);
    if (!b.failed)
        (void)!sendto(n->fd, b.p, b.len, MSG_NOSIGNAL, (const struct sockaddr *)&n->to, n->to_len);
    buf_free(&b);
}
