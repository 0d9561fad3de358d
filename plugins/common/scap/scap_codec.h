/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file scap_codec.h
 * @brief Decompression of one stream after another: plain, gzip, zstd, told by their first bytes.
 *
 * One thread. Window memory is bounded: zlib's 32 KiB, zstd's at most 128 MiB (what `zstd -22`
 * needs), and then only as far as the data uses it.
 */
#ifndef SCAP_CODEC_H
#define SCAP_CODEC_H

#include <gyr/util.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct scap_codec;

struct scap_codec *scap_codec_new(void);
void scap_codec_free(struct scap_codec *c); /**< NULL is fine */

/** Move what can be moved from *src to *dst, advancing both.
 *  @param last no more input will follow what is in *src.
 *  @return 0; -EBADMSG with a sentence: the data cannot be decompressed (what came before is in
 *  *dst); -ENOMEM. When neither side moved, more input (or, with @p last, nothing) is needed. */
int scap_codec_run(struct scap_codec *c, const uint8_t **src, size_t *src_len, uint8_t **dst,
                   size_t *dst_len, bool last, struct gyr_error *err);

/** In the middle of a compressed stream: an end of input here cuts it short. */
bool scap_codec_open(const struct scap_codec *c);
/** Has it seen compressed data? */
bool scap_codec_packed(const struct scap_codec *c);
/** All that follows is plain, so it need not pass through here. */
bool scap_codec_plain(const struct scap_codec *c);

#endif /* SCAP_CODEC_H */
