/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file containers/state.h
 * @brief What the files of this folder share: the instance.
 */
#ifndef CONTAINERS_STATE_H
#define CONTAINERS_STATE_H

#include "containers/containers.h"
#include "containers/mailbox.h"
#include "containers/table.h"

#include "record/scap_view.h"

enum {
    CT_KEY_MAX = 256,
    CT_BINDINGS_MAX = 8192,
    CT_HELD_MAX = 1024, /* tickets that keep something of their event */
    CT_LINES_MAX = 16,  /* command lines: of the process and what is above it */
    CT_ANNOUNCED_BUCKETS = 1024
};

enum ct_field {
    CT_F_ID,
    CT_F_FULL_ID,
    CT_F_EVENT,
    CT_F_NAME,
    CT_F_IMAGE,
    CT_F_IMAGE_ID,
    CT_F_IMAGE_REPO,
    CT_F_IMAGE_TAG,
    CT_F_IMAGE_DIGEST,
    CT_F_TYPE,
    CT_F_PRIVILEGED,
    CT_F_MOUNTS,
    CT_F_MOUNT,
    CT_F_MOUNT_SOURCE,
    CT_F_MOUNT_DEST,
    CT_F_MOUNT_MODE,
    CT_F_MOUNT_RDWR,
    CT_F_MOUNT_PROPAGATION,
    CT_F_HEALTHCHECK,
    CT_F_LIVENESS,
    CT_F_READINESS,
    CT_F_START_TS,
    CT_F_DURATION,
    CT_F_IP,
    CT_F_CNI_JSON,
    CT_F_HOST_PID,
    CT_F_HOST_NETWORK,
    CT_F_HOST_IPC,
    CT_F_LABEL,
    CT_F_LABELS,
    CT_F_IS_HEALTHCHECK,
    CT_F_IS_LIVENESS,
    CT_F_IS_READINESS,
    CT_F_POD_NAME,
    CT_F_NS_NAME,
    CT_F_POD_ID,
    CT_F_POD_UID,
    CT_F_SANDBOX_ID,
    CT_F_FULL_SANDBOX_ID,
    CT_F_POD_LABEL,
    CT_F_POD_LABELS,
    CT_F_POD_IP,
    CT_F_POD_CNI_JSON,
    CT_F_MAX_
};
_Static_assert((int)CT_F_MAX_ == (int)CT_N_FIELDS, "the count in containers.h");

/* A field with its argument. */
struct ct_binding {
    uint32_t field;
    bool used;
    int32_t index; /* -1: none */
    char key[CT_KEY_MAX];
};

/* What a value needs of the event, besides the container. */
struct ct_about {
    uint64_t ts_ns, start_ns; /* start_ns: of the container, as the process enricher knows it */
    uint32_t n_lines;
    struct gyr_value lines[CT_LINES_MAX]; /* texts */
};

/* A ticket of a field that needs more than the container: its event is gone when it is redeemed. */
struct ct_held {
    struct ct_entry *entry; /* NULL: free */
    uint32_t generation;
    struct ct_about about;
    char *bytes; /* of about.lines */
};

/* Announced to the rules, and not told to have gone. The runtime's thread alone. */
struct ct_announced {
    struct ct_announced *next;
    const struct ct_facts *facts; /* a reference */
};

struct containers {
    const struct gyr_host *host;
    const struct ct_runtime_ops *ops;
    void *runtime;

    /* the source's thread */
    struct ct_table table;
    struct ct_binding *bindings;
    uint32_t n_bindings;
    struct ct_held *held; /* CT_HELD_MAX, made when the first is needed */
    uint32_t next_held;
    uint32_t h_full_id, h_id, h_start, h_line, h_lines; /* fields of others; UINT32_MAX: none */
    struct {
        const struct gyr_event *ev;
        uint64_t num, ts_ns;
        struct ct_entry *entry; /* NULL: not looked for */
        bool looked, in_container, on_host;
    } now;
    const struct ct_facts *told; /* of the last `container` event */
    const struct gyr_event *told_ev;
    uint64_t told_num, told_ts;
    char told_event[16];
    bool tells;       /* replay: the recorder knew containers */
    uint64_t refused; /* asks there was no room for */

    struct ct_mailbox box;

    /* the runtime's thread */
    struct ct_announced *announced[CT_ANNOUNCED_BUCKETS];
    struct scap_batch batch;
    atomic_bool stopping;
};

/** Something of an event: the container's entry for it, asked for when it is new.
 *  @return NULL: in no container, or there is no room (c->now.in_container tells). */
struct ct_entry *ct_look(struct containers *c, const struct gyr_event *ev);
/** Hear what the runtime's thread tells. @pre no event's values are in use. */
void ct_take_news(struct containers *c);
/** The facts that a `container` event itself tells; NULL: it is none. */
const struct ct_facts *ct_told_by(const struct containers *c, const struct gyr_event *ev);

/** The value of a field. @param event what a `container` event was for; NULL: no such event. */
int ct_value(struct containers *c, const struct ct_facts *f, const struct ct_binding *b,
             const struct ct_about *about, const char *event, struct gyr_value *ret);
/** Whether the field reads more than the container: @p about is needed then. */
bool ct_needs_about(uint32_t field);
/** The field outside of any container. */
int ct_value_on_host(const struct ct_binding *b, struct gyr_value *ret);

#endif /* CONTAINERS_STATE_H */
