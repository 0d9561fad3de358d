/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file fake_engine.h
 * @brief A runtime's Engine API on a unix socket, with faults on demand. For tests; what fails to
 * set up aborts. Any thread may call.
 */
#ifndef TESTS_FAKE_ENGINE_H
#define TESTS_FAKE_ENGINE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

enum { ENGINE_CONTAINERS = 1024, ENGINE_CLIENTS = 64 };

/** What is wrong with answers to look-ups of a container. */
enum engine_fault {
    ENGINE_WELL,
    ENGINE_SLOW, /**< half a second late */
    ENGINE_CUT,  /**< the connection ends in the middle */
    ENGINE_404,  /**< as if it were not there */
    ENGINE_500,
    ENGINE_NONSENSE, /**< 200, and no JSON */
    ENGINE_CHUNKED,  /**< well, in chunks of seven bytes */
    ENGINE_HUGE,     /**< 8 MiB */
    ENGINE_SILENT    /**< never */
};

struct fake_engine {
    char path[108];
    atomic_int fault;
    atomic_int faults_left; /**< so many answers have the fault; below 0: all */
    atomic_uint lists, inspects, images, streams; /**< requests so far */
    pthread_mutex_t lock;
    struct engine_container {
        char id[65], name[32];
        bool running, privileged;
    } containers[ENGINE_CONTAINERS];
    unsigned n_containers;
    int server;
    pthread_t thread;
    struct engine_client {
        struct fake_engine *e;
        pthread_t thread;
        int fd;
        bool used, streams, done;
    } clients[ENGINE_CLIENTS];
};

/** Listen at @p path. */
void engine_start(struct fake_engine *e, const char *path);
/** Close everything, as a daemon that stops; the socket goes. Containers stay known. */
void engine_stop(struct fake_engine *e);
/** A container "n" + number, of image "gyr/test:1.0". @return its id, of 64 digits. */
const char *engine_add(struct fake_engine *e, unsigned number, bool running, bool privileged);
void engine_remove(struct fake_engine *e, const char *id);
/** Tell listeners: {"Type":"container","Action":…}. */
void engine_event(struct fake_engine *e, const char *action, const char *id, const char *name);
/** Bytes as they are to those who listen. */
void engine_say(struct fake_engine *e, const char *line);

#endif /* TESTS_FAKE_ENGINE_H */
