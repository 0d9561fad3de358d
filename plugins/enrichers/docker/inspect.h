/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file docker/inspect.h
 * @brief What the Engine API says of a container and its image, turned into facts. No state.
 */
#ifndef DOCKER_INSPECT_H
#define DOCKER_INSPECT_H

#include "containers/facts.h"

#include <jansson.h>

/** Facts and the memory they point to; they also point into the JSON they were read from. */
struct dk_facts {
    struct ct_facts f;
    struct ct_mount mounts[CT_LIST_MAX];
    struct ct_pair labels[CT_LIST_MAX];
    const char *env[CT_LIST_MAX];
    struct ct_port ports[CT_LIST_MAX];
    char image_id[128], digest[256], repo[512], tag[256];
    char healthcheck[CT_STRING_MAX + 1], probes[2][CT_STRING_MAX + 1];
};

/** From /containers/ID/json and, when it is there, /images/ID/json. @param type "docker", "podman".
 *  @return false: it is none. */
bool dk_facts_of(const json_t *container, const json_t *image, const char *type,
                 struct dk_facts *ret);
/** From the attributes of an event, when the container has gone before it could be asked about. */
void dk_facts_of_event(const char *id, const json_t *attributes, const char *type,
                       struct dk_facts *ret);
/** The id of the container's image; NULL: not told. */
const char *dk_image_of(const json_t *container);
/** "2026-11-26T03:52:54.712218867Z", in nanoseconds since the epoch; 0: it is none, or never. */
uint64_t dk_time_of(const char *text);

#endif /* DOCKER_INSPECT_H */
