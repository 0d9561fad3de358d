/* SPDX-License-Identifier: Apache-2.0 */
#include "encode/encode.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

int gyr_writer_init(struct gyr_writer *w, struct gyr_error *err)
{
    *w = (struct gyr_writer){.fd = -1, .wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    if (w->wake_fd < 0)
        return gyr_fail(err, -errno, "cannot make an eventfd: %s", strerror(errno));
    return 0;
}

void gyr_writer_free(struct gyr_writer *w)
{
    if (w->wake_fd >= 0)
        (void)close(w->wake_fd);
    w->wake_fd = -1;
    free(w->lines.p);
    w->lines = (struct gyr_lines){0};
}

void gyr_writer_attach(struct gyr_writer *w, int fd)
{
    struct stat st;

    w->fd = fd;
    w->steps = fstat(fd, &st) == 0 && !S_ISREG(st.st_mode);
    w->torn_done = 0;
    w->total = 0;
}

void gyr_writer_torn(struct gyr_writer *w)
{
    w->torn_token = UINT64_MAX; /* no alert's */
    w->torn_done = 1;
}

void gyr_writer_wake(struct gyr_writer *w)
{
    uint64_t one = 1;

    (void)!write(w->wake_fd, &one, sizeof(one));
}

/* Wait until there is room. @return 0; -EAGAIN when woken, -ETIMEDOUT. */
static int wait_room(struct gyr_writer *w)
{
    struct pollfd fds[2] = {{.fd = w->fd, .events = POLLOUT}, {.fd = w->wake_fd, .events = POLLIN}};
    int r = poll(fds, 2, w->wait_ms ? w->wait_ms : -1);

    if (r < 0)
        return errno == EINTR ? 0 : -errno;
    if (r == 0)
        return -ETIMEDOUT;
    if (fds[0].revents & (POLLOUT | POLLERR | POLLHUP | POLLNVAL))
        return 0;
    return fds[1].revents ? -EAGAIN : 0;
}

/* How much to write at once: whole lines, and for a pipe no more than it takes without blocking
 * once poll() says that there is room. */
static size_t next_step(const struct gyr_writer *w, const size_t *ends, uint32_t n, size_t pos)
{
    size_t step = w->lines.len - pos, whole = 0;

    if (!w->steps || step <= PIPE_BUF)
        return step;
    for (uint32_t i = 0; i < n && ends[i] <= pos + PIPE_BUF; i++)
        whole = ends[i];
    return whole > pos ? whole - pos : PIPE_BUF;
}

/* @return 0 when all is written, else why not; *pos tells how far it came. */
static int write_all(struct gyr_writer *w, const size_t *ends, uint32_t n, size_t *pos)
{
    while (*pos < w->lines.len) {
        ssize_t k;
        int r = w->steps ? wait_room(w) : 0;

        if (r < 0)
            return r;
        k = write(w->fd, w->lines.p + *pos, next_step(w, ends, n, *pos));
        if (k > 0) {
            *pos += (size_t)k;
            w->total += (uint64_t)k;
        } else if (k == 0) {
            return -EIO;
        } else if (errno != EINTR && !(errno == EAGAIN && w->steps)) {
            return -errno;
        }
    }
    return w->sync && fdatasync(w->fd) < 0 && errno != EINVAL && errno != EROFS ? -errno : 0;
}

enum { OFFER_MAX = 256 };

/* Lines of the offer into w->lines. @return how many alerts fitted. */
static uint32_t encode(struct gyr_writer *w, const struct gyr_alert *const *alerts, uint32_t n,
                       size_t *ends)
{
    uint32_t i;

    w->lines.len = 0;
    for (i = 0; i < n && i < OFFER_MAX; i++) {
        size_t before = w->lines.len;

        if (gyr_encode_line(&w->lines, alerts[i], w->format, w->color) < 0) {
            w->lines.len = before;
            break;
        }
        ends[i] = w->lines.len;
    }
    return i;
}

/* Where to begin: after what is there of a line that was torn. When another alert comes first,
 * the torn line is ended, so that only it is lost. @return 0; why not. */
static int mend(struct gyr_writer *w, const struct gyr_alert *first, size_t first_len, size_t *pos)
{
    if (w->torn_done && first->token == w->torn_token && w->torn_done < first_len) {
        *pos = w->torn_done;
    } else if (w->torn_done) {
        int r = w->steps ? wait_room(w) : 0;
        ssize_t k = r == 0 ? write(w->fd, "\n", 1) : 0;

        if (r < 0)
            return r;
        if (k != 1)
            return k < 0 ? -errno : -EIO;
        w->total++;
    }
    w->torn_done = 0;
    return 0;
}

/* As many as fit. @param ret_done on success: how many. */
static int write_some(struct gyr_writer *w, const char *name, const struct gyr_alert *const *alerts,
                      uint32_t n, struct gyr_verdict *v, uint32_t *ret_done, struct gyr_error *err)
{
    size_t ends[OFFER_MAX], pos = 0, start = 0;
    uint32_t fit = encode(w, alerts, n, ends), i;
    int r;

    *ret_done = fit;
    if (fit == 0)
        return gyr_fail(err, -ENOMEM, "%s: no memory for the line", name);
    r = mend(w, alerts[0], ends[0], &pos);
    if (r == 0)
        r = write_all(w, ends, fit, &pos);
    /* Written, but the disk did not confirm: offered again, so that it may stand there twice. */
    if (r < 0 && pos == w->lines.len)
        return gyr_fail(err, r, "%s: %s", name, strerror(-r));
    for (i = 0; i < fit && ends[i] <= pos; i++) {
        v[i].verdict = GYR_V_ACCEPTED;
        start = ends[i];
    }
    if (i < fit && pos > start) {
        w->torn_token = alerts[i]->token;
        w->torn_done = pos - start;
    }
    if (r == -EPIPE || r == -EBADF)
        for (; i < n; i++)
            v[i].verdict = GYR_V_FAILED;
    return r < 0 ? gyr_fail(err, r, "%s: %s", name, strerror(-r)) : 0;
}

int gyr_writer_write(struct gyr_writer *w, const char *name, const struct gyr_alert *const *alerts,
                     uint32_t n, struct gyr_verdict *v, struct gyr_error *err)
{
    uint32_t done;
    int r = 0;

    for (uint32_t i = 0; r == 0 && i < n; i += done)
        r = write_some(w, name, alerts + i, n - i, v + i, &done, err);
    return r;
}
