/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file cluster.h
 * @brief Where the API is and who we are to it: from the service account of our pod, or from a
 * kubeconfig.
 */
#ifndef K8S_CLUSTER_H
#define K8S_CLUSTER_H

#include "http/http.h"
#include "http/http_file.h"

#include <jansson.h>

#define SERVICE_ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount"

enum { CLUSTER_FILE_MAX = 4 << 20, TOKEN_MAX = 64 << 10 };

struct cluster {
    char *url; /**< "https://host:port", without a slash at its end */
    struct http_tls tls;
    char *ca, *cert, *key, *connect_to; /**< what tls points to */
    char *host_header;                  /**< "Host: …", where the URL has another name; NULL */
    char *token_file;                   /**< read again now and then; NULL: none */
    char *auth;                         /**< "Authorization: …"; NULL: none */
    uint64_t auth_ns;                   /**< when it was read, CLOCK_MONOTONIC */
};

/** Of the pod we run in. @param dir the folder of the service account.
 *  @return 1; 0: this is not a pod, or it has no service account; an error with a sentence. */
int cluster_in_pod(struct cluster *c, const char *dir, struct gyr_error *err);
/** @param context NULL: the file's current one. @param insecure whether the file may say that any
 *  server is to be believed. @return 0; an error with a sentence. */
int cluster_kubeconfig(struct cluster *c, const char *path, const char *context, bool insecure,
                       struct gyr_error *err);
void cluster_free(struct cluster *c);

/** Read the token's file again. @return 1: it is another one now; 0; a negative errno. */
int cluster_read_token(struct cluster *c);

/** A YAML (or JSON) document as JSON: every scalar a string. @return NULL with a sentence. */
json_t *yaml_to_json(const char *text, size_t len, struct gyr_error *err);

#endif /* K8S_CLUSTER_H */
