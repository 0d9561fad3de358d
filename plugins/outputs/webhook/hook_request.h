/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file hook_request.h
 * @brief One request at a time: signed, compressed, sent; and what its answer means for alerts.
 *
 * On the output's thread, but for hook_sender_wake().
 */
#ifndef WEBHOOK_HOOK_REQUEST_H
#define WEBHOOK_HOOK_REQUEST_H

#include "encode/encode.h"
#include "http/http.h"

#include <stdatomic.h>

/** What is the same for every request. All borrowed. */
struct hook_sender_conf {
    const char *url, *method;
    const char *const *headers; /**< "Name: value", ended by NULL */
    const char *sign_key, *sign_header;
    const char *ca, *cert, *key; /**< files in PEM; NULL: none */
    bool insecure, gzip;
    bool wants_body; /**< of an answer of 2xx; else its length is of no matter */
    uint64_t timeout_ns;
};

struct hook_sender {
    struct hook_sender_conf conf;
    struct http *http;
    struct http_tls tls;
    char *pem[3];
    atomic_bool woken;
    struct hook_reply *reply; /**< being waited for */
};

/** The fate of a request. */
struct hook_reply {
    uint32_t verdict; /**< GYR_V_* */
    bool whole_only;  /**< failed for what was in it: the parts may fare better by themselves */
    bool is_done;
    uint64_t retry_after_ns;
    struct gyr_lines body; /**< of the answer; the caller frees it */
    char why[400];         /**< unless it was accepted */
};

/** @return 0; -ENOMEM. */
int hook_sender_init(struct hook_sender *s, const struct hook_sender_conf *conf);
void hook_sender_free(struct hook_sender *s); /**< one that was only zeroed is fine */

/** Read the files of the conf, at first or again; not while a request is under way.
 *  @return 0; an error leaves things as they were. */
int hook_sender_open(struct hook_sender *s, struct gyr_error *err);

/** Send, and wait for the answer, for conf.timeout_ns or until woken. */
void hook_send(struct hook_sender *s, const char *body, size_t len, struct hook_reply *ret);

/** Any thread, from init to free: what waits, or else what is sent next, ends at once. */
void hook_sender_wake(struct hook_sender *s);
/** Wait until @p until_ns by the host's clock. @return 0; -EINTR: woken. */
int hook_sender_sleep(struct hook_sender *s, const struct gyr_host *host, uint64_t until_ns);

#endif /* WEBHOOK_HOOK_REQUEST_H */
