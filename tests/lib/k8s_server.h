/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file k8s_server.h
 * @brief A Kubernetes API for tests: lists with limit and continue, watches from a version on with
 * bookmarks, 410 for what is too old, metadata only where that is asked for, TLS, tokens, client
 * certificates; and faults on demand.
 *
 * A thread for each connection, HTTP/1.1. All calls but start and stop may come from any thread.
 * What fails to set up aborts.
 */
#ifndef TESTS_K8S_SERVER_H
#define TESTS_K8S_SERVER_H

#include <stdbool.h>
#include <stdint.h>

struct k8s_server;

struct k8s_server_conf {
    bool client_cert;     /**< only who has the client's certificate is let in */
    const char *token;    /**< only who says it; NULL: everybody */
    const char *dir;      /**< gets ca.crt, client.crt, client.key */
    const char *host;     /**< name in the certificate besides 127.0.0.1; NULL: localhost */
    uint32_t bookmark_ms; /**< 0: 500 */
};

struct k8s_server *k8s_server_start(const struct k8s_server_conf *conf);
void k8s_server_stop(struct k8s_server *s);
unsigned k8s_server_port(const struct k8s_server *s);

/** Put an object in, or change the one of its namespace and name. Version and uid are given to it
 *  (the uid only if it has none). @param resource "pods". */
void k8s_server_put(struct k8s_server *s, const char *resource, const char *json);
/** @return false: there is none. */
bool k8s_server_delete(struct k8s_server *s, const char *resource, const char *ns,
                       const char *name);

/** Another token from now on. */
void k8s_server_token(struct k8s_server *s, const char *token);
/** The next @p n requests for a resource (NULL: any) are answered so; status 0: with nonsense,
 *  1: the connection is closed in the middle of the answer. */
void k8s_server_fault(struct k8s_server *s, const char *resource, int status, uint32_t n);
/** Answers come so late. */
void k8s_server_slow(struct k8s_server *s, uint32_t ms);
/** Close every connection now; with @p refuse, close every new one too until told otherwise. */
void k8s_server_drop(struct k8s_server *s, bool refuse);
/** Forget older versions: who watches is told 410, who comes with one too. */
void k8s_server_compact(struct k8s_server *s);
/** Watches are sent these bytes. */
void k8s_server_inject(struct k8s_server *s, const char *bytes);

struct k8s_server_counts {
    uint32_t lists, watches, gone, unauthorized, bookmarks;
};
void k8s_server_counts(struct k8s_server *s, struct k8s_server_counts *ret);

#endif /* TESTS_K8S_SERVER_H */
