/* SPDX-License-Identifier: Apache-2.0 */
#include "pb.h"

#include <stdlib.h>

static void *take(void *arg, size_t size)
{
    struct pb_memory *m = arg;

    if (size > m->left)
        return NULL;
    m->left -= size;
    return malloc(size);
}

static void give_back(void *arg, void *p)
{
    (void)arg;
    free(p);
}

void pb_memory_init(struct pb_memory *m)
{
    m->allocator = (ProtobufCAllocator){.alloc = take, .free = give_back, .allocator_data = m};
    m->left = PB_MEMORY_MAX;
}
