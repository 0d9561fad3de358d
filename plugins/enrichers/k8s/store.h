/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file store.h
 * @brief What the API told: pods, their owners, namespaces and services, compactly. Of the thread
 * that asks the API.
 *
 * Everything is known by its uid: who comes back under an old name is another.
 */
#ifndef K8S_STORE_H
#define K8S_STORE_H

#include "table.h"

#include <gyr/util.h>

enum k8s_kind {
    KIND_POD = 0,
    KIND_NAMESPACE,
    KIND_SERVICE,
    KIND_REPLICASET,
    KIND_DEPLOYMENT,
    KIND_RC,
    KIND_STATEFULSET,
    KIND_DAEMONSET,
    KIND_JOB,
    KIND_CRONJOB,
    N_KINDS,
    KIND_NONE = N_KINDS
};

/** What the API calls a kind, and where. */
struct kind_def {
    const char *kind, *resource; /**< "ReplicaSet", "replicasets" */
    const char *api;             /**< "/apis/apps/v1" */
    bool is_named;               /**< belongs to no namespace */
    bool metadata_only;          /**< no more than that is asked for */
};
extern const struct kind_def kind_defs[N_KINDS];
/** @return KIND_NONE for what does not matter. */
enum k8s_kind kind_of(const char *kind);

enum {
    POD_CONTAINERS_MAX = 64,
    OBJ_WANTED = 1, /**< a pod whose facts the source's thread is told */
    OBJ_DIRTY = 2,  /**< a pod whose facts may have changed */
    OBJ_UNTOLD = 4  /**< a pod whose facts have not gone into the stream */
};

struct obj {
    uint8_t kind, flags, owner_kind;
    uint16_t n_containers;
    uint32_t mark; /**< of the list that last had it */
    struct istr *uid;
    struct istr *name, *ns;              /**< ns NULL: of none */
    struct istr *labels;                 /**< name, zero byte, value, zero byte, …; NULL: none */
    struct istr *owner_uid, *owner_name; /**< the controller; NULL: none */
    /* of pods */
    struct istr *ip, *node, *alias; /**< alias: uid in the path of its control group, if another */
    uint64_t sent;                  /**< hash of the facts that were told; 0: none */
    uint64_t since_ns;              /**< since when its owner is waited for; 0: it is not */
    uint8_t (*containers)[32];
    /* of services */
    struct istr *selector; /**< like labels; NULL: selects nothing */
};

/** What is read of an object, borrowed from JSON that is being looked at. */
struct obj_text {
    const char *p; /**< NULL: none */
    size_t n;
};

struct obj_read {
    enum k8s_kind kind, owner_kind;
    struct obj_text uid, name, ns, labels, ip, node, alias, owner_uid, owner_name, selector,
        version;
    uint8_t containers[POD_CONTAINERS_MAX][32];
    uint32_t n_containers;
};

struct store {
    struct strings strings;
    struct table by_uid, by_alias, by_container; /**< all kinds; pods; pods */
    struct table by_name;                        /**< hash of kind, namespace, name */
    struct table services;                       /**< by namespace */
    uint32_t n, n_of[N_KINDS];
    uint32_t max;
    uint64_t refused; /**< objects that did not fit */
};

void store_init(struct store *s, uint32_t max);
void store_free(struct store *s);

/** Put in or change. @return 1 and the object: it was changed; 0: it is as it was; -ENOSPC when
 *  full; -ENOMEM. */
int store_put(struct store *s, const struct obj_read *r, struct obj **ret);
void store_del(struct store *s, struct obj *o);
/** Remove those of a kind whose mark is not @p mark. @param on_del before each goes. */
void store_sweep(struct store *s, enum k8s_kind kind, uint32_t mark,
                 void (*on_del)(void *arg, struct obj *o), void *arg);

struct obj *store_by_uid(const struct store *s, const char *uid, size_t n);
struct obj *store_by_alias(const struct store *s, const char *uid, size_t n);
struct obj *store_by_container(const struct store *s, const uint8_t id[32]);
struct obj *store_by_name(const struct store *s, enum k8s_kind kind, const struct istr *ns,
                          const struct istr *name);
/** Walk the services of a namespace; *at begins as 0. */
struct obj *store_next_service(const struct store *s, const struct istr *ns, uint32_t *at);
/** Walk all; *at begins as 0. */
struct obj *store_next(const struct store *s, uint32_t *at);

/** Whether all of @p selector is in @p labels. */
bool labels_match(const struct istr *selector, const struct istr *labels);
/** The 32 bytes of 64 digits. @return false: they are none. */
bool container_id_read(const char *hex, size_t n, uint8_t ret[32]);

#endif /* K8S_STORE_H */
