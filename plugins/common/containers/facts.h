/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file containers/facts.h
 * @brief What is known of one container: made once, never changed, counted.
 *
 * A runtime fills a struct ct_facts of its own with borrowed strings and hands it to
 * ct_facts_new(), which copies all of it into one block. NULL is "not known" for every string.
 */
#ifndef CONTAINERS_FACTS_H
#define CONTAINERS_FACTS_H

#include <gyr/types.h>
#include <stdbool.h>

enum {
    CT_ID_SHORT = 12,
    CT_ID_MAX = 128,       /**< bytes of an id */
    CT_STRING_MAX = 4096,  /**< longer strings are cut */
    CT_LIST_MAX = 512,     /**< mounts, labels, variables: those behind are left out */
    CT_BLOCK_MAX = 1 << 20 /**< of one container; past it environment, labels, mounts go, in turn */
};

/** What a runtime does not always tell. */
enum ct_tri { CT_UNKNOWN = 0, CT_NO = 1, CT_YES = 2 };

static inline uint8_t ct_tri(bool yes)
{
    return yes ? CT_YES : CT_NO;
}

/** What the container is doing, as far as the runtime says. */
enum ct_state { CT_STATE_UNKNOWN, CT_STATE_CREATED, CT_STATE_RUNNING, CT_STATE_EXITED };

struct ct_mount {
    const char *source, *dest, *mode, *propagation;
    bool rdwr;
};

struct ct_pair {
    const char *key, *value;
};

struct ct_port {
    const char *host_ip;
    uint16_t host_port, container_port;
};

struct ct_facts {
    const char *id;   /**< as long as the runtime has it; never NULL */
    const char *type; /**< "docker", "podman", "containerd", "cri-o"…; never NULL */
    const char *name;
    const char *image; /**< as it was asked for: "nginx:1.25" */
    const char *image_id, *image_repo, *image_tag, *image_digest;
    const char *ip, *cni_json;
    /** Commands as one line, arguments joined by blanks; healthcheck "NONE": switched off. */
    const char *healthcheck, *liveness_probe, *readiness_probe;
    const char *pod_name, *pod_ns, *pod_uid, *sandbox_id, *pod_ip, *pod_cni_json;

    const struct ct_mount *mounts;
    const struct ct_pair *labels, *pod_labels;
    const char *const *env; /**< "NAME=value" */
    const struct ct_port *ports;
    uint32_t n_mounts, n_labels, n_pod_labels, n_env, n_ports;

    uint64_t created_ns, started_ns; /**< since the epoch; 0: not known */
    int64_t pid;                     /**< of its first process, as the host counts; 0: none */
    uint8_t privileged, host_pid, host_network, host_ipc, is_sandbox; /**< enum ct_tri */
    uint8_t state;                                                    /**< enum ct_state */
    bool incomplete; /**< read from a capture whose recorder did not know more yet */

    const void *block; /**< of ct_facts_new(); else NULL */
};

/** Copy. One reference is the caller's. Pod fields and sandbox that are NULL are taken from the
 *  labels that Kubernetes' runtimes put ("io.kubernetes.pod.name" …); image_repo, image_tag and
 *  image_digest that are all NULL from `image`. @return NULL: no memory, no id, or an id longer
 *  than CT_ID_MAX. */
const struct ct_facts *ct_facts_new(const struct ct_facts *from);
/** Any thread. NULL is fine. */
const struct ct_facts *ct_facts_ref(const struct ct_facts *f);
void ct_facts_unref(const struct ct_facts *f);

/** A label's value; NULL: none. */
const char *ct_label(const struct ct_pair *labels, uint32_t n, const char *key);

/** An image's name in its parts: "registry:5000/a/b:tag@sha256:…". Parts that are not there have
 *  length 0; they point into @p image. */
struct ct_image {
    const char *repo, *tag, *digest;
    uint32_t repo_len, tag_len, digest_len;
};
struct ct_image ct_image_of(const char *image);

/* ---- the `container` event ---- */

/** Falco's JSON of a container: {"container":{…}}. @param event "running", "start", "stop", or
 *  NULL. @return malloc'd text; NULL: no memory. */
char *ct_json_write(const struct ct_facts *f, const char *event);
/** Read such JSON, of Gyr's and of Falco's recorders old and new. @param ret_event at least 16
 *  bytes: what ct_json_write() was given, or "". @return NULL when it is none. */
const struct ct_facts *ct_json_read(const char *text, size_t len, char *ret_event);

/** Falco's name of a type by its number; NULL: there is none. */
const char *ct_type_name(uint32_t number);

#endif /* CONTAINERS_FACTS_H */
