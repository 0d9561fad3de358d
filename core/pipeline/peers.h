/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file peers.h
 * @brief What enrichers of one source read of each other: host->field_bind() and host->field().
 *
 * Bound on the main thread before the source's thread starts, read on that thread; no allocation
 * while reading.
 */
#ifndef PIPELINE_PEERS_H
#define PIPELINE_PEERS_H

#include "engine/provider.h"

enum {
    PEERS_FIELDS_MAX = 64,
    PEERS_DEPTH_MAX = 4 /* providers that ask providers: further down nobody is asked */
};

/* One provider of a field that somebody reads. */
struct peer_binding {
    uint32_t provider, handle;
    const struct gyr_field *field; /* as that provider declares it */
    bool told;                     /* that a value was of another type */
};

struct peer_field {
    struct peer_binding *list; /* in the order of the configuration */
    uint32_t n;
};

struct peers {
    const struct provider *providers; /**< borrowed */
    uint32_t n_providers;
    struct peer_field fields[PEERS_FIELDS_MAX];
    uint32_t n_fields;
    uint32_t depth; /* of the call at hand */
};

/** @param providers all of the source; they outlive @p p. */
void peers_init(struct peers *p, const struct provider *providers, uint32_t n);
/** Give back what is bound. @pre the providers' instances still are. Zeroed is fine. */
void peers_free(struct peers *p);

/** @param asker whose own field of that name is not meant.
 *  @return 0; -ENOENT, -EINVAL, -ENOSPC as field_bind(); -ENOMEM. */
int peers_bind(struct peers *p, uint32_t asker, const char *name, uint32_t *ret_handle);
/** As field(). */
int peers_get(struct peers *p, const struct gyr_event *ev, uint32_t handle, struct gyr_value *ret);

#endif /* PIPELINE_PEERS_H */
