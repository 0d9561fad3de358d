/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file block.h
 * @brief An alert as bytes on disk: its block as it stands in memory, and where that was.
 *
 * Writing is one copy. Reading moves every pointer and checks each first: it must lie in the block,
 * texts must end in it. Only for this machine and this build's structs (BLOCK_LAYOUT). Any thread.
 */
#ifndef ALERT_BLOCK_H
#define ALERT_BLOCK_H

#include "alert/alert.h"

enum {
    BLOCK_LAYOUT = 1u << 24 | sizeof(struct gyr_alert) << 16 | sizeof(struct gyr_alert_field) << 8 |
                   sizeof(struct gyr_value)
};

/** The bytes of an alert; constant, shared with readers. */
static inline const void *block_bytes(const struct alert *a)
{
    return &a->a;
}
static inline uint64_t block_base(const struct alert *a)
{
    return (uint64_t)(uintptr_t)&a->a;
}
/** Make an alert from bytes that block_bytes() once gave. @param base block_base() then.
 *  @return 0 and a reference; -EBADMSG; -ENOMEM. */
int block_read(const void *bytes, uint32_t len, uint64_t base, struct alert **ret);

/** What a copy has instead. */
struct block_change {
    const char *uuid, *text, *json;
};
/** @return 0 and a reference; -EBADMSG, -ENOMEM. */
int block_copy(const struct alert *a, const struct block_change *c, struct alert **ret);

#endif /* ALERT_BLOCK_H */
