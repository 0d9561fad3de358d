/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the server share. */
#ifndef TESTS_K8S_SERVER_PRIV_H
#define TESTS_K8S_SERVER_PRIV_H

#include "k8s_server.h"

#include <jansson.h>
#include <openssl/ssl.h>
#include <pthread.h>

enum { CONNS_MAX = 64 };

/** A state of an object, and an event of watches. The newest of a name is the object. */
struct k8s_state {
    char resource[32], ns[64], name[128], node[64], uid[64];
    char *json, *metadata; /* whole; metadata only */
    uint64_t version;
    bool deleted, replaced; /* replaced: there is a newer one */
    bool is_new;            /* of watches: ADDED */
};

struct k8s_conn {
    struct k8s_server *server;
    pthread_t thread;
    int fd; /* -1: done */
    bool used;
    SSL *ssl;
    bool failed;
};

struct k8s_server {
    struct k8s_server_conf conf;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct k8s_state *states;
    uint32_t n, cap;
    uint64_t version, compacted;
    uint32_t epoch; /* raised to end all watches with 410 */
    char token[128], fault_resource[32];
    const char *injected;
    uint32_t injections;
    int fault_status;
    uint32_t fault_left, slow_ms;
    bool refusing, stopping;
    struct k8s_server_counts counts;

    int fd;
    unsigned port;
    SSL_CTX *ctx;
    pthread_t acceptor;
    struct k8s_conn conns[CONNS_MAX];
};

/** A request. */
struct k8s_request {
    char resource[32], node[64], authorization[512], cont[128];
    bool watch, bookmarks, metadata;
    uint64_t version;
    uint32_t limit, timeout_s;
};

/** Bytes to the client. @return false: it is gone. */
bool k8s_conn_send(struct k8s_conn *c, const char *p, size_t n);
bool k8s_conn_sendf(struct k8s_conn *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void k8s_answer(struct k8s_conn *c, const struct k8s_request *r);
struct timespec k8s_in_ms(uint32_t ms);

#endif /* TESTS_K8S_SERVER_PRIV_H */
