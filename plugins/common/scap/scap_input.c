/* SPDX-License-Identifier: Apache-2.0 */
#include "scap_input.h"

#include "scap_codec.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    BUF_SIZE = 256 * 1024,
    RAW_SIZE = 64 * 1024,
};

static int input_init(struct scap_input *in, const char *name, struct gyr_error *err)
{
    memset(in, 0, sizeof(*in));
    in->fd = in->wake_fd = -1;
    in->name = name;
    in->codec = scap_codec_new();
    in->buf = malloc(BUF_SIZE);
    in->raw = malloc(RAW_SIZE);
    if (!in->codec || !in->buf || !in->raw) {
        scap_input_close(in);
        return gyr_fail(err, -ENOMEM, "%s: no memory", name);
    }
    in->cap = BUF_SIZE;
    in->p = in->buf;
    return 0;
}

int scap_open(const char *path, struct gyr_error *err)
{
    struct stat st;
    int fd;

    if (strcmp(path, "-") == 0)
        return STDIN_FILENO;
    /* O_NONBLOCK: opening a FIFO that nobody writes to yet must not hang. */
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return gyr_fail(err, -errno, "%s: %s", path, strerror(errno));
    if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
        (void)close(fd);
        return gyr_fail(err, -EISDIR, "%s: is a directory, not a capture", path);
    }
    return fd;
}

int scap_input_open(struct scap_input *in, int fd, const char *name, int wake_fd,
                    struct gyr_error *err)
{
    struct stat st;
    int r = input_init(in, name, err);

    if (r < 0)
        return r;
    in->fd = fd;
    in->wake_fd = wake_fd;
    in->waits = fstat(fd, &st) < 0 || !S_ISREG(st.st_mode);
    if (!in->waits)
        (void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    return 0;
}

int scap_input_open_mem(struct scap_input *in, const void *p, size_t n, struct gyr_error *err)
{
    int r = input_init(in, "memory", err);

    if (r < 0)
        return r;
    in->mem = p;
    in->mem_len = n;
    return 0;
}

void scap_input_close(struct scap_input *in)
{
    scap_codec_free(in->codec);
    free(in->buf);
    free(in->raw);
    memset(in, 0, sizeof(*in));
    in->fd = in->wake_fd = -1;
}

/* @return 1 when reading will not block; -EAGAIN. */
static int wait_readable(struct scap_input *in, uint32_t timeout_ms)
{
    struct pollfd p[2] = {{.fd = in->fd, .events = POLLIN}, {.fd = in->wake_fd, .events = POLLIN}};
    int ms = timeout_ms > INT32_MAX ? INT32_MAX : (int)timeout_ms;

    if (poll(p, 2, ms) <= 0)
        return -EAGAIN; /* time is up, or a signal: the caller comes again */
    return p[0].revents ? 1 : -EAGAIN;
}

static size_t read_mem(struct scap_input *in, uint8_t *dst, size_t n)
{
    if (n > in->mem_len)
        n = in->mem_len;
    memcpy(dst, in->mem, n);
    in->mem += n;
    in->mem_len -= n;
    return n;
}

/* Read bytes as they are. @return 0, raw_eof set at the end; -EAGAIN; another negative errno. */
static int read_bytes(struct scap_input *in, uint8_t *dst, size_t size, uint32_t timeout_ms,
                      size_t *ret_n, struct gyr_error *err)
{
    ssize_t n;
    int r;

    if (in->fd < 0) {
        n = (ssize_t)read_mem(in, dst, size);
    } else {
        if (in->waits && (r = wait_readable(in, timeout_ms)) < 0)
            return r;
        n = read(in->fd, dst, size);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            return -EAGAIN;
        if (n < 0)
            return gyr_fail(err, -errno, "cannot be read: %s", strerror(errno));
    }
    if (n == 0)
        in->raw_eof = true;
    in->consumed += (uint64_t)n;
    *ret_n = (size_t)n;
    return 0;
}

static int read_raw(struct scap_input *in, uint32_t timeout_ms, struct gyr_error *err)
{
    size_t n;
    int r;

    /* A magic that was cut by the end of a read is kept for the next look. */
    memmove(in->raw, in->raw + in->raw_pos, in->raw_len - in->raw_pos);
    in->raw_len -= in->raw_pos;
    in->raw_pos = 0;
    r = read_bytes(in, in->raw + in->raw_len, RAW_SIZE - in->raw_len, timeout_ms, &n, err);
    if (r == 0)
        in->raw_len += n;
    return r;
}

/* Plain data goes straight to where it is wanted. */
static int read_plain(struct scap_input *in, uint32_t timeout_ms, struct gyr_error *err)
{
    size_t n;
    int r = read_bytes(in, in->buf + in->avail, in->cap - in->avail, timeout_ms, &n, err);

    if (r == 0) {
        in->avail += n;
        in->ended = in->raw_eof;
    }
    return r;
}

/* Make room behind the data: move it to the front; grow when it fills the whole buffer. */
static int make_room(struct scap_input *in, struct gyr_error *err)
{
    size_t start = (size_t)(in->p - in->buf);

    if (start > 0) {
        memmove(in->buf, in->p, in->avail);
    } else if (in->avail == in->cap) {
        uint8_t *bigger = realloc(in->buf, in->cap * 2);

        if (!bigger)
            return gyr_fail(err, -ENOMEM, "no memory for a block of more than %zu bytes", in->cap);
        in->buf = bigger;
        in->cap *= 2;
    }
    in->p = in->buf;
    return 0;
}

/* One round of reading and decompressing. */
static int pump(struct scap_input *in, uint32_t timeout_ms, struct gyr_error *err)
{
    const uint8_t *src;
    size_t src_len, dst_len, before;
    uint8_t *dst;
    int r;

    r = make_room(in, err);
    if (r < 0)
        return r;
    if (in->raw_pos == in->raw_len && scap_codec_plain(in->codec) && !in->raw_eof)
        return read_plain(in, timeout_ms, err);
    src = in->raw + in->raw_pos;
    src_len = in->raw_len - in->raw_pos;
    dst = in->buf + in->avail;
    dst_len = before = in->cap - in->avail;
    r = scap_codec_run(in->codec, &src, &src_len, &dst, &dst_len, in->raw_eof, err);
    in->packed = scap_codec_packed(in->codec);
    in->avail += before - dst_len;
    if (r < 0)
        return r;
    if (before != dst_len || src_len != in->raw_len - in->raw_pos) {
        in->raw_pos = in->raw_len - src_len;
        return 0;
    }
    if (in->raw_eof) {
        in->ended = true;
        if (scap_codec_open(in->codec))
            return gyr_fail(err, -EBADMSG, "the compressed data is cut short");
        return 0;
    }
    return read_raw(in, timeout_ms, err);
}

int scap_input_fill(struct scap_input *in, size_t need, uint32_t timeout_ms, struct gyr_error *err)
{
    while (in->avail < need) {
        int r;

        if (in->failed) {
            if (err)
                *err = in->why;
            return in->failed;
        }
        if (in->ended)
            return 0;
        r = pump(in, timeout_ms, &in->why);
        if (r == -EAGAIN)
            return r;
        if (r < 0)
            in->failed = r;
        if (in->waits && in->raw_pos == in->raw_len)
            timeout_ms = 0; /* one wait a call, however slowly the bytes drip */
    }
    return 1;
}
