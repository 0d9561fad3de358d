/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file fake_host.h
 * @brief A `struct gyr_host` for tests of one plugin: keeps what the plugin said and did.
 *
 * Its calls may come from any thread, as of the real one; the test reads the records when the
 * plugin's threads are quiet.
 */
#ifndef TESTS_FAKE_HOST_H
#define TESTS_FAKE_HOST_H

#include <gyr/host.h>
#include <pthread.h>
#include <stdbool.h>

enum {
    FAKE_LOG_SIZE = 16384,
    FAKE_SCRATCH_SIZE = 1 << 20, /* the core's limit for one event */
    FAKE_EVENTS_SIZE = 65536,
    FAKE_ACKS_MAX = 256,
    FAKE_THREADS_MAX = 16,
    FAKE_METRICS_MAX = 64,
    FAKE_PEERS_MAX = 8
};

struct fake_ack {
    uint64_t token, retry_after_ns;
    uint32_t verdict;
};

struct fake_host {
    struct gyr_host host; /**< what create() gets; members may be changed before */
    const struct gyr_schema *const *schemas; /**< ended by NULL; may be NULL */

    pthread_mutex_t lock;
    char log[FAKE_LOG_SIZE]; /**< lines "LEVEL text\n", NUL-terminated; what no longer fits is lost
                              */
    size_t log_len;
    uint32_t n_emitted;
    size_t emitted_len;
    _Alignas(8) uint8_t emitted[FAKE_EVENTS_SIZE]; /**< records one after the other */
    uint64_t resolved[FAKE_ACKS_MAX];
    uint32_t n_resolved;
    int64_t asked[FAKE_ACKS_MAX]; /**< threads that a snapshot was asked of */
    uint32_t n_asked;
    struct fake_ack acks[FAKE_ACKS_MAX];
    uint32_t n_acks;
    struct fake_metric {
        char name[64];
        uint64_t value;
    } metrics[FAKE_METRICS_MAX];
    uint32_t n_metrics;
    struct fake_thread {
        pthread_t thread;
        void (*fn)(void *);
        void *arg;
        bool used;
    } threads[FAKE_THREADS_MAX];

    uint8_t *scratch;
    size_t scratch_used;

    /* fields of others: what field() says of those that have a name; absent by default */
    struct fake_peer {
        const char *name; /**< set before start(); handles are places here */
        int answer;       /**< GYR_* */
        struct gyr_value v;
    } peers[FAKE_PEERS_MAX];
};

/** Host of an enricher on a recording, with a scratch block. Aborts without memory. */
void fake_host_init(struct fake_host *h);
/** Joins the threads the plugin forgot. @return how many those were. */
uint32_t fake_host_free(struct fake_host *h);

/** The event is done: what event_alloc() gave is gone. */
void fake_host_event_done(struct fake_host *h);
/** What field() says from now on of a field of others. @param text NULL: absent. */
void fake_host_says(struct fake_host *h, const char *name, const char *text);
/** A metric's value; 0 when it was never added to. */
uint64_t fake_host_metric(struct fake_host *h, const char *name);

#endif /* TESTS_FAKE_HOST_H */
