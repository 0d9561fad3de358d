/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file spec.h
 * @brief What the specification of a container (OCI runtime spec, JSON) tells. No state.
 */
#ifndef CONTAINERD_SPEC_H
#define CONTAINERD_SPEC_H

#include "containers/facts.h"

#include <jansson.h>

/** Texts point into doc. */
struct spec {
    json_t *doc;
    struct ct_mount mounts[CT_LIST_MAX];
    const char *env[CT_LIST_MAX];
    uint32_t n_mounts, n_env;
    uint8_t privileged, host_pid, host_network, host_ipc; /* enum ct_tri */
    const char *sandbox_id; /* from the annotations of CRI runtimes; NULL: none */
};

/** @return 0; -EINVAL: it is no such document, *s is then empty. */
int spec_read(struct spec *s, const char *text, size_t len);
/** The same of a document that somebody has parsed; takes a reference of its own. */
int spec_take(struct spec *s, json_t *doc);
void spec_free(struct spec *s);

/** The string at the end of a path of keys; NULL: there is none. Keys end with NULL. */
const char *spec_text(const json_t *at, const char *const *keys);

#endif /* CONTAINERD_SPEC_H */
