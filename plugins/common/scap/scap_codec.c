/* SPDX-License-Identifier: Apache-2.0 */
#include "scap_codec.h"

#include "scap_bits.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

enum format { F_DETECT, F_PLAIN, F_GZIP, F_ZSTD };

enum {
    MAGIC_LEN = 4,
    ZSTD_WINDOW_LOG = 27,
};

static const uint8_t scap_magic[MAGIC_LEN] = {0x0a, 0x0d, 0x0d, 0x0a};

struct scap_codec {
    enum format format;
    bool z_ready, packed;
    z_stream z;
    ZSTD_DStream *zstd;
    bool open; /* inside a member or frame */
};

struct scap_codec *scap_codec_new(void)
{
    return calloc(1, sizeof(struct scap_codec));
}

void scap_codec_free(struct scap_codec *c)
{
    if (!c)
        return;
    if (c->z_ready)
        (void)inflateEnd(&c->z);
    (void)ZSTD_freeDStream(c->zstd);
    free(c);
}

bool scap_codec_open(const struct scap_codec *c)
{
    return c->open;
}

bool scap_codec_packed(const struct scap_codec *c)
{
    return c->packed;
}

bool scap_codec_plain(const struct scap_codec *c)
{
    return c->format == F_PLAIN;
}

static int start_gzip(struct scap_codec *c, struct gyr_error *err)
{
    int r = c->z_ready ? inflateReset(&c->z) : inflateInit2(&c->z, 15 + 16);

    if (r != Z_OK)
        return gyr_fail(err, -ENOMEM, "no memory to decompress");
    c->z_ready = true;
    c->format = F_GZIP;
    c->open = c->packed = true;
    return 0;
}

static int start_zstd(struct scap_codec *c, struct gyr_error *err)
{
    if (!c->zstd)
        c->zstd = ZSTD_createDStream();
    if (!c->zstd || ZSTD_isError(ZSTD_initDStream(c->zstd)) ||
        ZSTD_isError(ZSTD_DCtx_setParameter(c->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG)))
        return gyr_fail(err, -ENOMEM, "no memory to decompress");
    c->format = F_ZSTD;
    c->open = c->packed = true;
    return 0;
}

/* Tell what comes next by its first bytes. @return 1 when that is known, 0 when more is needed. */
static int detect(struct scap_codec *c, const uint8_t *src, size_t n, bool last,
                  struct gyr_error *err)
{
    uint32_t magic;
    int r;

    if (n >= 2 && src[0] == 0x1f && src[1] == 0x8b) {
        r = start_gzip(c, err);
        return r < 0 ? r : 1;
    }
    if (n < MAGIC_LEN && !last)
        return 0;
    magic = n < MAGIC_LEN ? 0 : scap_ld32(src);
    if (magic == ZSTD_MAGICNUMBER ||
        (magic & ZSTD_MAGIC_SKIPPABLE_MASK) == ZSTD_MAGIC_SKIPPABLE_START) {
        r = start_zstd(c, err);
        return r < 0 ? r : 1;
    }
    /* Behind compressed data only another capture makes sense; in front, the reader of blocks
     * says what it thinks of it. */
    if (c->packed && (n < MAGIC_LEN || memcmp(src, scap_magic, MAGIC_LEN) != 0))
        return gyr_fail(err, -EBADMSG,
                        "the compressed data is followed by bytes that are neither "
                        "compressed nor a capture");
    c->format = F_PLAIN;
    return 1;
}

static int run_gzip(struct scap_codec *c, const uint8_t **src, size_t *src_len, uint8_t **dst,
                    size_t *dst_len, struct gyr_error *err)
{
    unsigned in = *src_len < UINT_MAX ? (unsigned)*src_len : UINT_MAX;
    unsigned out = *dst_len < UINT_MAX ? (unsigned)*dst_len : UINT_MAX;
    int r;

    c->z.next_in = (Bytef *)(uintptr_t)*src;
    c->z.avail_in = in;
    c->z.next_out = *dst;
    c->z.avail_out = out;
    r = inflate(&c->z, Z_NO_FLUSH);
    *src += in - c->z.avail_in;
    *src_len -= in - c->z.avail_in;
    *dst += out - c->z.avail_out;
    *dst_len -= out - c->z.avail_out;
    switch (r) {
    case Z_STREAM_END:
        c->format = F_DETECT;
        c->open = false;
        return 0;
    case Z_OK:
    case Z_BUF_ERROR: /* no progress: the caller sees that */
        return 0;
    case Z_MEM_ERROR:
        return gyr_fail(err, -ENOMEM, "no memory to decompress");
    default:
        return gyr_fail(err, -EBADMSG, "the gzip data is damaged (%s)",
                        c->z.msg ? c->z.msg : "unknown reason");
    }
}

static int run_zstd(struct scap_codec *c, const uint8_t **src, size_t *src_len, uint8_t **dst,
                    size_t *dst_len, struct gyr_error *err)
{
    ZSTD_inBuffer in = {*src, *src_len, 0};
    ZSTD_outBuffer out = {*dst, *dst_len, 0};
    size_t r = ZSTD_decompressStream(c->zstd, &out, &in);

    *src += in.pos;
    *src_len -= in.pos;
    *dst += out.pos;
    *dst_len -= out.pos;
    if (ZSTD_isError(r))
        return gyr_fail(err, -EBADMSG, "the zstd data is damaged (%s)", ZSTD_getErrorName(r));
    if (r == 0) {
        c->format = F_DETECT;
        c->open = false;
    }
    return 0;
}

static void run_plain(const uint8_t **src, size_t *src_len, uint8_t **dst, size_t *dst_len)
{
    size_t n = *src_len < *dst_len ? *src_len : *dst_len;

    memcpy(*dst, *src, n);
    *src += n;
    *src_len -= n;
    *dst += n;
    *dst_len -= n;
}

int scap_codec_run(struct scap_codec *c, const uint8_t **src, size_t *src_len, uint8_t **dst,
                   size_t *dst_len, bool last, struct gyr_error *err)
{
    int r;

    if (c->format == F_DETECT) {
        if (*src_len == 0)
            return 0;
        r = detect(c, *src, *src_len, last, err);
        if (r <= 0)
            return r;
    }
    switch (c->format) {
    case F_GZIP:
        return run_gzip(c, src, src_len, dst, dst_len, err);
    case F_ZSTD:
        return run_zstd(c, src, src_len, dst, dst_len, err);
    default:
        run_plain(src, src_len, dst, dst_len);
        return 0;
    }
}
