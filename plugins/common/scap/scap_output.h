/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file scap_output.h
 * @brief The bytes of a capture on their way into a file: plain, gzip or zstd.
 *
 * The counterpart of scap_input.h. Whole blocks are handed over; what a crash can cost is what
 * came after the last scap_output_flush(). After a failure only close makes sense. One thread.
 */
#ifndef SCAP_OUTPUT_H
#define SCAP_OUTPUT_H

#include <gyr/util.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** In the order of scap_packing_names. */
enum scap_packing { SCAP_PACK_AUTO, SCAP_PACK_NONE, SCAP_PACK_GZIP, SCAP_PACK_ZSTD };
extern const char *const scap_packing_names[]; /**< ended by NULL */

/** What the end of a name asks for. */
enum scap_packing scap_packing_of(const char *path);

struct scap_packer;

struct scap_output {
    uint64_t written; /**< bytes in the file */
    const char *name; /**< for messages; borrowed */
    int fd;           /**< the caller's */
    /** A FIFO whose reader is slow: asked about once a second whether to wait no more. NULL: wait.
     */
    bool (*give_up)(void *ctx);
    void *ctx;
    struct scap_packer *packer; /**< NULL: plain */
    uint8_t *buf;
    size_t len; /**< in buf, not yet written */
    bool failed;
};

/** @param packing not AUTO. */
int scap_output_open(struct scap_output *o, int fd, const char *name, enum scap_packing packing,
                     struct gyr_error *err);
/** Append whole blocks. */
int scap_output_put(struct scap_output *o, const void *p, size_t n, struct gyr_error *err);
/** Have all that was put in the file, readable from its beginning. */
int scap_output_flush(struct scap_output *o, struct gyr_error *err);
/** Flush, end the compressed stream, free; `written` stays. Zero is fine. A plain file that could
 * not be written to its end is cut behind the last block that could. */
int scap_output_close(struct scap_output *o, struct gyr_error *err);

#endif /* SCAP_OUTPUT_H */
