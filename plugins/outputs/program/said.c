/* SPDX-License-Identifier: Apache-2.0 */
#include "said.h"

#include <errno.h>
#include <unistd.h>

enum { LINES_MAX = 10, READS_MAX = 64 };
static const uint64_t WINDOW_NS = 10000000000;

void said_init(struct said *s, const struct gyr_host *host)
{
    *s = (struct said){.host = host, .fd = -1};
}

void said_attach(struct said *s, int fd)
{
    said_end(s);
    s->fd = fd;
}

static void tell_left_out(struct said *s)
{
    if (s->left_out)
        gyr_logf(s->host, GYR_LOG_NOTICE, "the command said %llu more lines",
                 (unsigned long long)s->left_out);
    s->left_out = 0;
}

static void tell_line(struct said *s)
{
    uint64_t now = s->host->now_ns(s->host->ctx);

    if (s->len == 0)
        return;
    if (!s->window_ns || now - s->window_ns >= WINDOW_NS) {
        tell_left_out(s);
        s->window_ns = now;
        s->told = 0;
    }
    if (s->told < LINES_MAX) {
        s->told++;
        gyr_logf(s->host, GYR_LOG_NOTICE, "the command says: %.*s", (int)s->len, s->line);
    } else {
        s->left_out++;
    }
    s->len = 0;
}

static void take(struct said *s, const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char b = (unsigned char)p[i];

        if (b == '\n')
            tell_line(s);
        else if (s->len < sizeof(s->line)) /* the rest of a long line is cut off */
            s->line[s->len++] = (char)(b < 0x20 || b == 0x7f ? '?' : b);
    }
}

void said_read(struct said *s)
{
    char buf[4096];
    ssize_t n = -1;

    /* bounded, so that one that never stops talking does not keep us here */
    for (int i = 0; i < READS_MAX && s->fd >= 0; i++) {
        n = read(s->fd, buf, sizeof(buf));
        if (n <= 0)
            break;
        take(s, buf, (size_t)n);
    }
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        (void)close(s->fd);
        s->fd = -1;
    }
}

void said_end(struct said *s)
{
    if (s->fd >= 0)
        said_read(s);
    tell_line(s);
    tell_left_out(s);
    if (s->fd >= 0)
        (void)close(s->fd);
    s->fd = -1;
}
