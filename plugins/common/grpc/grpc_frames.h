/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file grpc_frames.h
 * @brief The messages in a body of gRPC: each after a byte of flags and its length in four.
 */
#ifndef GRPC_FRAMES_H
#define GRPC_FRAMES_H

#include <stddef.h>
#include <stdint.h>

enum { GRPC_FRAME_HEAD = 5 };

/** Takes bytes as they come. All zero but for max; free with grpc_frames_free(). */
struct grpc_frames {
    uint8_t *p; /* of a message that is not complete */
    size_t len, cap;
    size_t max; /* longest message that is taken */
    uint8_t head[GRPC_FRAME_HEAD];
    uint32_t head_len;
};

/** @param fn gets each complete message, borrowed for the call; what it answers below 0 ends the
 *  feeding.
 *  @return 0; -EMSGSIZE: a message longer than max; -EPROTO: flags that were not agreed upon;
 *  -ENOMEM; or fn's. After a failure nothing more may be fed. */
int grpc_frames_feed(struct grpc_frames *f, const uint8_t *p, size_t len,
                     int (*fn)(void *arg, const uint8_t *message, size_t len), void *arg);

/** Nonzero while a message has begun and is not complete. */
int grpc_frames_partial(const struct grpc_frames *f);
void grpc_frames_free(struct grpc_frames *f);

/** Write the head of a message of @p len bytes. */
void grpc_frame_head(uint8_t head[GRPC_FRAME_HEAD], uint32_t len);

#endif /* GRPC_FRAMES_H */
