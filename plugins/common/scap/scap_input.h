/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file scap_input.h
 * @brief The bytes of a capture: a file, a pipe or memory; plain, gzip or zstd.
 *
 * Gzip members, zstd frames and plain captures may follow one another. Data is read and
 * decompressed in chunks into one buffer that is reused; it grows past its first size only as
 * fast as data really arrives, so a length in the data never drives an allocation. Files are read,
 * not mapped: as fast here, less resident, and a file cut short under us is not a SIGBUS.
 *
 * One thread.
 */
#ifndef SCAP_INPUT_H
#define SCAP_INPUT_H

#include <gyr/util.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct scap_codec;

/** Only p, avail and offset are for others, and only for reading. */
struct scap_input {
    const uint8_t *p; /**< what is there and not yet consumed */
    size_t avail;
    uint64_t offset;  /**< of p in the uncompressed stream */
    const char *name; /**< for messages; borrowed */
    bool packed;      /**< some of it was compressed: offsets are of the uncompressed stream */

    struct scap_codec *codec;
    uint8_t *buf; /**< uncompressed data; p points into it */
    size_t cap;
    uint8_t *raw; /**< bytes as read, to be decompressed */
    size_t raw_pos, raw_len;
    int fd, wake_fd;
    bool waits;         /**< reading may block, so poll() first */
    const uint8_t *mem; /**< instead of fd */
    size_t mem_len;
    bool raw_eof, ended;
    int failed; /**< what ends the stream once p is exhausted; told by `why` */
    struct gyr_error why;
    uint64_t consumed; /**< bytes as they are in the file */
};

/** Open a capture for reading; "-" is standard input. Does not wait for the writer of a FIFO.
 *  @return a descriptor (0 for "-", which is not to be closed); a negative errno. */
int scap_open(const char *path, struct gyr_error *err);
/** Read from @p fd, which stays the caller's. @param wake_fd readable: stop waiting; -1: none.
 *  @param name for messages, borrowed. */
int scap_input_open(struct scap_input *in, int fd, const char *name, int wake_fd,
                    struct gyr_error *err);
/** Read from memory, borrowed until close. */
int scap_input_open_mem(struct scap_input *in, const void *p, size_t n, struct gyr_error *err);
/** Any state that is all zero, or what open left behind, is fine. */
void scap_input_close(struct scap_input *in);

/** Have at least @p need bytes at p. @param timeout_ms longest wait.
 *  @return 1; 0: the stream ends before (avail < need, what there is is there); -EAGAIN: not
 *  within the time, or woken; another negative number: the stream cannot be read further, and
 *  avail < need is what came before. */
int scap_input_fill(struct scap_input *in, size_t need, uint32_t timeout_ms, struct gyr_error *err);

static inline int scap_input_need(struct scap_input *in, size_t need, uint32_t timeout_ms,
                                  struct gyr_error *err)
{
    return __builtin_expect(in->avail >= need, 1) ? 1 : scap_input_fill(in, need, timeout_ms, err);
}

/** @pre n <= avail */
static inline void scap_input_skip(struct scap_input *in, size_t n)
{
    in->p += n;
    in->avail -= n;
    in->offset += n;
}

#endif /* SCAP_INPUT_H */
