/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file http.h
 * @brief HTTP requests and endless answers, over TCP, TLS or a unix socket, by libcurl.
 *
 * One thread makes all calls but http_wake(); on it, inside http_run(), the callbacks are called.
 * A callback may send other requests and cancel any, its own too. Nothing is asked of a proxy, and
 * no redirection is followed.
 */
#ifndef COMMON_HTTP_H
#define COMMON_HTTP_H

#include <gyr/util.h>
#include <stdbool.h>

struct http;      /**< the connections */
struct http_call; /**< a request under way */

/** Bytes in memory; p NULL: none. */
struct http_blob {
    const void *p;
    size_t len;
};

/** How a server is told to be the right one, and who we are. Borrowed while requests name it. */
struct http_tls {
    struct http_blob ca;        /**< PEM, and nobody else is trusted; none: who the system trusts */
    struct http_blob cert, key; /**< PEM, of ours; none: no client certificate */
    bool insecure;              /**< believe any server */
    const char *connect_to;     /**< "::HOST:PORT": where to connect to, when the URL's name is only
                                     the one that the certificate has; NULL: what the URL says */
};

struct http_answer {
    long status;     /**< 0: there was no answer */
    const char *why; /**< a sentence's end when the request failed; NULL: it came to its end */
    const char *body;
    size_t body_len;      /**< without on_data, or where the status is not 2xx; cut at the limit */
    uint32_t retry_after; /**< seconds that the server asks to wait; 0: it does not */
};

/** A request. All is copied but tls. */
struct http_request {
    const char *method; /**< NULL: GET, or POST with a body */
    const char *url;
    const char *unix_socket;    /**< NULL: by the URL */
    const struct http_tls *tls; /**< NULL: nothing special */
    const char *const *headers; /**< "Name: value", ended by NULL; may be NULL */
    const void *body;           /**< NULL: none */
    size_t body_len;
    size_t max_body;     /**< an answer longer than this fails; 0: 4 MiB. Not for on_data */
    uint64_t connect_ns; /**< time to connect; 0: 10 s */
    uint64_t idle_ns;    /**< longest silence; 0: 30 s; UINT64_MAX: none */
    uint64_t total_ns;   /**< 0: none */

    /** Optional: bytes of an answer of 2xx as they come. @return 0; else the request ends, and
     *  on_done() is told "the answer makes no sense". */
    int (*on_data)(void *arg, const void *p, size_t n);
    /** Called once, unless the request is cancelled. The answer is borrowed for the call. */
    void (*on_done)(void *arg, const struct http_answer *a);
    void *arg;
};

/** @return 0; -ENOMEM. */
int http_new(struct http **ret);
/** Cancels what is under way. NULL is fine. */
void http_free(struct http *h);

/** @return 0, and on_done() will be called; -ENOMEM and the like with a sentence. */
int http_send(struct http *h, const struct http_request *r, struct http_call **ret,
              struct gyr_error *err);
/** No callback comes any more. NULL is fine. */
void http_cancel(struct http_call *c);

/** Wait for something to do, at most @p timeout_ns or until http_wake(), and do it. */
void http_run(struct http *h, uint64_t timeout_ns);
/** Any thread. */
void http_wake(struct http *h);

#endif /* COMMON_HTTP_H */
