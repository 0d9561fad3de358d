/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file pb.h
 * @brief Memory for reading a message of protobuf, with a ceiling: a short one can unfold to many
 * times its length.
 */
#ifndef GRPC_PB_H
#define GRPC_PB_H

#include <protobuf-c/protobuf-c.h>

enum { PB_MEMORY_MAX = 16 << 20 };

struct pb_memory {
    ProtobufCAllocator allocator; /**< for X__unpack() and X__free_unpacked() */
    size_t left;
};

void pb_memory_init(struct pb_memory *m);

#endif /* GRPC_PB_H */
