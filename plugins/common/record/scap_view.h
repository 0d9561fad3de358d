/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file scap_view.h
 * @brief An event on its way to a record: slices of bytes, copied once at the end. For everyone who
 * reads state or events from elsewhere: captures, /proc.
 *
 * Decoders point the slices into what they read, upgrades move slices about, scap_batch_put()
 * gathers them into a `struct gyr_event` of a batch whose memory is reused. One thread.
 */
#ifndef SCAP_VIEW_H
#define SCAP_VIEW_H

#include <gyr/event.h>
#include <gyr/util.h>
#include <stdbool.h>

/** Parameter i of a view. */
struct scap_slice {
    const uint8_t *p;
    uint32_t len;
    uint32_t nul; /**< append a NUL: strings of tables have none */
};

struct scap_view {
    uint64_t ts_ns, num;
    int64_t tid;
    uint32_t subtype, flags;
    uint16_t type, cpu;
    uint32_t n;
    /** Not NULL: the parameters lie one after the other here, and only par[].len is set. */
    const uint8_t *bulk;
    struct scap_slice par[GYR_PARAMS_MAX];
    uint64_t store[GYR_PARAMS_MAX]; /**< numbers that are in no block */
};

/** Start a view: type, flags; no thread, no parameters. */
void scap_view_start(struct scap_view *v, uint16_t type, uint32_t n, uint32_t flags);
/** Parameter @p i is the @p width low bytes of @p value. */
void scap_view_uint(struct scap_view *v, uint32_t i, uint64_t value, uint32_t width);
/** Parameter @p i is text without a NUL. */
void scap_view_text(struct scap_view *v, uint32_t i, const uint8_t *p, size_t len);
/** Parameter @p i is bytes as they are. */
void scap_view_bytes(struct scap_view *v, uint32_t i, const uint8_t *p, size_t len);
/** Give bulk parameters their own slices, so that they can be moved. */
void scap_view_split(struct scap_view *v);

enum { SCAP_BATCH_BYTES = 1 << 20 };

/** The memory of a batch. All zero is empty and ready. */
struct scap_batch {
    uint8_t *base;
    size_t cap, used;
};

void scap_batch_free(struct scap_batch *b);

/** Append a record. @return 0 and where it lies until the batch is reset; -ENOBUFS: no room left,
 *  hand out the batch first; -EMSGSIZE: larger than a record may be; -ENOMEM. */
int scap_batch_put(struct scap_batch *b, const struct scap_view *v, const struct gyr_event **ret);

#endif /* SCAP_VIEW_H */
