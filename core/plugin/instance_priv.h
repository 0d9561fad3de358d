/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file instance_priv.h
 * @brief What an instance keeps for its host calls; shared by instance.c and host.c only.
 */
#ifndef PLUGIN_INSTANCE_PRIV_H
#define PLUGIN_INSTANCE_PRIV_H

#include "plugin/leftover.h"
#include "plugin/plugin.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

enum {
    METRICS_MAX = 64,
    METRIC_NAME_MAX = 64,
    THREADS_MAX = 64,
    THREAD_NAME_MAX = 16, /* with the NUL: what Linux takes */
    LOG_BURST = 20,       /* lines at once, then LOG_PER_S in a second */
    LOG_PER_S = 5
};

struct host_thread {
    bool used, joining;
    uint64_t id;
    pthread_t thread;
    char name[THREAD_NAME_MAX];
    void (*fn)(void *);
    void *arg;
    sem_t entered; /* it has the privileges that it is to have */
    atomic_bool done;
};

struct instance_private {
    struct arena *arena; /* options */
    void *cfg;
    const struct schemas *schemas;
    struct host_hooks hooks;
    char *area; /* "plugin NAME", for the log */
    struct leftover leftover;

    pthread_mutex_t lock; /* guards all below */
    struct host_thread threads[THREADS_MAX];
    uint64_t next_thread;
    char metric_names[METRICS_MAX][METRIC_NAME_MAX];
    const char *metric_ptrs[METRICS_MAX];
    uint64_t metrics[METRICS_MAX], metrics_shown[METRICS_MAX];
    uint32_t n_metrics;
    uint64_t log_tokens, log_refill_ns, log_dropped; /* tokens in thousandths of a line */
};

/** Fill in the services. @p i: priv, plugin and name are set. */
void host_init(struct instance *i, const struct instance_conf *conf);
/** Threads that the host has made, for any instance. @return how many. */
uint32_t host_threads(pid_t *list, uint32_t max);
/** Join threads that have ended, log those that have not.
 *  @return false when some still run: then nothing of the instance may be freed. */
bool host_threads_gone(struct instance *i);

#endif /* PLUGIN_INSTANCE_PRIV_H */
