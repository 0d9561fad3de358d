/* SPDX-License-Identifier: Apache-2.0 */
#include "scap_output.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

enum {
    BUF_SIZE = 256 << 10,
    WAIT_MS = 1000,
    GZIP_LEVEL = 3, /* a recorder runs beside what it watches */
    ZSTD_LEVEL = 3,
    GZIP_WINDOW = 15 + 16
};

const char *const scap_packing_names[] = {"auto", "none", "gzip", "zstd", NULL};

struct scap_packer {
    enum scap_packing packing;
    z_stream z;
    ZSTD_CCtx *zstd;
    bool dirty; /* something went in since the last flush */
};

enum how { GO_ON, FLUSH, END };

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), k = strlen(end);

    return n >= k && strcmp(s + n - k, end) == 0;
}

enum scap_packing scap_packing_of(const char *path)
{
    return ends_with(path, ".gz")    ? SCAP_PACK_GZIP
           : ends_with(path, ".zst") ? SCAP_PACK_ZSTD
                                     : SCAP_PACK_NONE;
}

static void packer_free(struct scap_packer *k)
{
    if (!k)
        return;
    if (k->packing == SCAP_PACK_GZIP)
        (void)deflateEnd(&k->z);
    (void)ZSTD_freeCCtx(k->zstd);
    free(k);
}

static struct scap_packer *packer_new(enum scap_packing packing)
{
    struct scap_packer *k = calloc(1, sizeof(*k));
    bool fine;

    if (!k)
        return NULL;
    if (packing == SCAP_PACK_GZIP) {
        fine =
            deflateInit2(&k->z, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) == Z_OK;
    } else {
        k->zstd = ZSTD_createCCtx();
        fine = k->zstd &&
               !ZSTD_isError(ZSTD_CCtx_setParameter(k->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL));
    }
    if (!fine) {
        packer_free(k);
        return NULL;
    }
    k->packing = packing;
    return k;
}

int scap_output_open(struct scap_output *o, int fd, const char *name, enum scap_packing packing,
                     struct gyr_error *err)
{
    *o = (struct scap_output){.fd = fd, .name = name, .buf = malloc(BUF_SIZE)};
    if (o->buf && packing != SCAP_PACK_NONE)
        o->packer = packer_new(packing);
    if (o->buf && (o->packer || packing == SCAP_PACK_NONE))
        return 0;
    free(o->buf);
    *o = (struct scap_output){0};
    return gyr_fail(err, -ENOMEM, "%s: no memory", name);
}

static int write_failed(struct scap_output *o, int code, struct gyr_error *err)
{
    o->failed = true;
    /* Half a block at the end would be damage; of a pipe it cannot be taken back. */
    if (!o->packer)
        (void)!ftruncate(o->fd, (off_t)o->written);
    return gyr_fail(err, code, "%s: cannot be written: %s", o->name, strerror(-code));
}

/* Write @p n bytes, which end where a block ends (unless they are packed). */
static int write_all(struct scap_output *o, const uint8_t *p, size_t n, struct gyr_error *err)
{
    size_t done = 0;

    while (done < n) {
        ssize_t k = write(o->fd, p + done, n - done);

        if (k >= 0) {
            done += (size_t)k;
        } else if (errno == EAGAIN) {
            struct pollfd fd = {.fd = o->fd, .events = POLLOUT};

            if (poll(&fd, 1, WAIT_MS) == 0 && o->give_up && o->give_up(o->ctx))
                return write_failed(o, -ETIMEDOUT, err);
        } else if (errno != EINTR) {
            return write_failed(o, -errno, err);
        }
    }
    o->written += n;
    return 0;
}

static int empty_buf(struct scap_output *o, struct gyr_error *err)
{
    size_t n = o->len;

    o->len = 0;
    return n ? write_all(o, o->buf, n, err) : 0;
}

static int put_plain(struct scap_output *o, const uint8_t *p, size_t n, struct gyr_error *err)
{
    if (n > BUF_SIZE - o->len) {
        int r = empty_buf(o, err);

        if (r < 0)
            return r;
    }
    if (n > BUF_SIZE)
        return write_all(o, p, n, err);
    memcpy(o->buf + o->len, p, n);
    o->len += n;
    return 0;
}

/* One step into the buffer's rest. @return whether all is in and, when ending, out. */
static int pack_gzip(struct scap_output *o, const uint8_t **p, size_t *n, enum how how)
{
    static const int flush[] = {Z_NO_FLUSH, Z_SYNC_FLUSH, Z_FINISH};
    z_stream *z = &o->packer->z;
    unsigned in = *n < (1u << 30) ? (unsigned)*n : 1u << 30;
    int r;

    z->next_in = (Bytef *)(uintptr_t)*p;
    z->avail_in = in;
    z->next_out = o->buf + o->len;
    z->avail_out = (unsigned)(BUF_SIZE - o->len);
    r = deflate(z, in < *n ? Z_NO_FLUSH : flush[how]);
    *p += in - z->avail_in;
    *n -= in - z->avail_in;
    o->len = BUF_SIZE - z->avail_out;
    if (r != Z_OK && r != Z_STREAM_END && r != Z_BUF_ERROR)
        return -EIO;
    return *n == 0 && (how == END ? r == Z_STREAM_END : z->avail_out > 0);
}

static int pack_zstd(struct scap_output *o, const uint8_t **p, size_t *n, enum how how)
{
    static const ZSTD_EndDirective flush[] = {ZSTD_e_continue, ZSTD_e_flush, ZSTD_e_end};
    ZSTD_inBuffer in = {*p, *n, 0};
    ZSTD_outBuffer out = {o->buf, BUF_SIZE, o->len};
    size_t r = ZSTD_compressStream2(o->packer->zstd, &out, &in, flush[how]);

    *p += in.pos;
    *n -= in.pos;
    o->len = out.pos;
    if (ZSTD_isError(r))
        return -EIO;
    return *n == 0 && (how == GO_ON || r == 0);
}

static int put_packed(struct scap_output *o, const uint8_t *p, size_t n, enum how how,
                      struct gyr_error *err)
{
    int done;

    for (;;) {
        done = o->packer->packing == SCAP_PACK_GZIP ? pack_gzip(o, &p, &n, how)
                                                    : pack_zstd(o, &p, &n, how);
        if (done < 0) {
            o->failed = true;
            return gyr_fail(err, done, "%s: cannot be compressed", o->name);
        }
        if (done)
            return 0;
        done = empty_buf(o, err);
        if (done < 0)
            return done;
    }
}

int scap_output_put(struct scap_output *o, const void *p, size_t n, struct gyr_error *err)
{
    if (o->failed)
        return gyr_fail(err, -EIO, "%s: cannot be written", o->name);
    if (n == 0)
        return 0;
    if (!o->packer)
        return put_plain(o, p, n, err);
    o->packer->dirty = true;
    return put_packed(o, p, n, GO_ON, err);
}

int scap_output_flush(struct scap_output *o, struct gyr_error *err)
{
    int r = 0;

    if (o->failed)
        return gyr_fail(err, -EIO, "%s: cannot be written", o->name);
    if (o->packer && o->packer->dirty)
        r = put_packed(o, NULL, 0, FLUSH, err);
    if (o->packer)
        o->packer->dirty = false;
    return r < 0 ? r : empty_buf(o, err);
}

int scap_output_close(struct scap_output *o, struct gyr_error *err)
{
    int r = 0;

    if (!o->buf)
        return 0;
    if (!o->failed) {
        if (o->packer)
            r = put_packed(o, NULL, 0, END, err);
        if (r == 0)
            r = empty_buf(o, err);
    }
    packer_free(o->packer);
    free(o->buf);
    *o = (struct scap_output){.fd = -1, .written = o->written};
    return r;
}
