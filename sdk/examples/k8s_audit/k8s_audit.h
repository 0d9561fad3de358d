/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file k8s_audit.h
 * @brief The parts of the plugin "k8s_audit": lines from a socket, audit events made of them, and
 * the fields that rules read. All of an instance is used on its source's thread, but for wake().
 */
#ifndef K8S_AUDIT_H
#define K8S_AUDIT_H

#include <gyr/plugin.h>
#include <gyr/util.h>

/* ---- audit.c: a line of JSON becomes events ---- */

enum { AUDIT = 1 }; /* the event type */

/** Parameters of an event, in the order of the schema. */
enum audit_param {
    P_AUDITID,
    P_STAGE,
    P_VERB,
    P_URI,
    P_USER,
    P_GROUPS,
    P_IMPERSONATED,
    P_SOURCEIPS,
    P_USERAGENT,
    P_RESOURCE,
    P_SUBRESOURCE,
    P_NAMESPACE,
    P_NAME,
    P_APIGROUP,
    P_CODE,
    P_REASON,
    P_DECISION,
    P_DECISION_REASON,
    P_IMAGES,
    P_PRIVILEGED,
    P_HOSTNETWORK,
    P_HOSTPATHS,
    P_ROLE,
    P_SUBJECTS,
    N_PARAMS
};

enum { EVENT_SIZE = 32768, EVENT_TEXT_MAX = 1024, EVENT_LIST_MAX = 4096 };

extern const struct gyr_schema audit_schema;

/** Called with each event that was made; it lies in memory that audit_parse() was given.
 *  @return 0: no room for another. */
struct audit_sink {
    void *ctx;
    void *(*room)(void *ctx);                                /**< EVENT_SIZE bytes, or NULL */
    void (*event)(void *ctx, const struct gyr_event *event); /**< made in the last room */
};

/** One line: an Event, or an EventList of several, of audit.k8s.io.
 *  @return how many events there were, those for which there was no room included; negative: it
 *  is none. */
int audit_parse(const char *line, size_t len, const struct audit_sink *sink);

/* ---- lines.c: lines from clients of a socket ---- */

enum { LINES_CLIENTS = 16 };

struct lines_client {
    int fd; /* -1: none */
    char *buf;
    size_t at, len, cap; /* what was given out; what was read */
    int skipping;        /* the rest of a line that is too long */
};

struct lines {
    int listener, wake_fd;
    char path[108]; /* of a unix socket; "" */
    size_t max;     /* bytes of a line */
    struct lines_client clients[LINES_CLIENTS];
    uint64_t too_long, refused;
};

/** Listen at "unix:/path" or "127.0.0.1:port" (loopback only: nobody is asked who he is).
 *  @return 0; or negative with a sentence. */
int lines_open(struct lines *l, const char *where, size_t max, struct gyr_error *err);
void lines_close(struct lines *l);
/** Wait for something to read, for at most so long. */
void lines_wait(struct lines *l, uint32_t timeout_ms);
/** The next whole line, without its end; good until the next call. @return NULL: none is there. */
char *lines_next(struct lines *l, size_t *ret_len);
/** Any thread. */
void lines_wake(struct lines *l);

/* ---- fields.c ---- */

extern const struct gyr_enricher_ops audit_enricher;
/** What all instances begin with: the fields need no more. */
struct audit_instance {
    const struct gyr_host *host;
};

#endif /* K8S_AUDIT_H */
