/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a runtime sends: frames of gRPC in pieces, and in them the messages of containerd and CRI
 * and the specification of a container. The first byte says how long the pieces are, the second
 * as what a message is read.
 */
#include "grpc/grpc_frames.h"
#include "grpc/pb.h"

#include "../../plugins/enrichers/containerd/spec.h"
#include "cri.pb-c.h"
#include "ctd.pb-c.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const ProtobufCMessageDescriptor *const kinds[] = {
    &ctd__container_message__descriptor,         &ctd__envelope__descriptor,
    &ctd__list_tasks_response__descriptor,       &ctd__list_namespaces_response__descriptor,
    &ctd__get_image_response__descriptor,        &ctd__task_exit__descriptor,
    &cri__container_status_response__descriptor, &cri__pod_sandbox_status_response__descriptor,
    &cri__list_containers_response__descriptor,  &cri__list_pod_sandbox_response__descriptor,
    &cri__container_event_response__descriptor,  &cri__version_response__descriptor,
};

static int on_message(void *arg, const uint8_t *p, size_t len)
{
    const ProtobufCMessageDescriptor *kind = arg;
    static struct spec spec;
    struct pb_memory mem;
    ProtobufCMessage *m;

    pb_memory_init(&mem);
    m = protobuf_c_message_unpack(kind, &mem.allocator, len, p);
    if (m && kind == kinds[0]) {
        const Ctd__ContainerMessage *c = (const Ctd__ContainerMessage *)m;

        if (c->container && c->container->spec &&
            spec_read(&spec, (const char *)c->container->spec->value.data,
                      c->container->spec->value.len) == 0)
            spec_free(&spec);
    }
    if (m)
        protobuf_c_message_free_unpacked(m, &mem.allocator);
    if (spec_read(&spec, (const char *)p, len) == 0)
        spec_free(&spec);
    return m ? 0 : -1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct grpc_frames f = {.max = 1 << 16};
    size_t piece, kind;

    if (len < 2)
        return 0;
    piece = data[0] % 32 + 1;
    kind = data[1] % (sizeof(kinds) / sizeof(kinds[0]));
    for (size_t at = 2; at < len; at += piece)
        if (grpc_frames_feed(&f, data + at, len - at < piece ? len - at : piece, on_message,
                             (void *)(uintptr_t)kinds[kind]) < 0)
            break;
    grpc_frames_free(&f);
    return 0;
}
