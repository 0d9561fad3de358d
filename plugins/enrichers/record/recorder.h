/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file recorder.h
 * @brief What the plugin's two threads share: the source's, which puts events into the queue, and
 * the plugin's own, which writes them.
 */
#ifndef RECORD_RECORDER_H
#define RECORD_RECORDER_H

#include "files.h"
#include "queue.h"
#include "scap/scap_output.h"
#include "scap/scap_writer.h"

#include <gyr/plugin.h>

struct config {
    const char *path;
    int64_t packing; /* enum scap_packing */
    uint64_t rotate_size, rotate_interval, buffer, flush;
    int64_t keep;
};

/* Losses of the recorder, as loss events of a capture tell them. */
enum { LOSS_CLASS_RECORDER = 7 };

struct recorder {
    const struct gyr_host *host;
    const struct config *cfg;
    bool rotates;

    /* of the source's thread, told through the atomics */
    atomic_uint_fast64_t dropped;    /* there was no room for */
    atomic_uint_fast64_t unrecorded; /* came after the recording had failed */
    uint64_t told_ns, told_dropped;

    /* shared */
    struct queue queue;
    atomic_bool stopping;

    /* of the thread that writes */
    uint64_t thread;
    struct scap_writer writer;
    struct scap_output output;
    struct files files;
    int fd;
    bool failed;
    bool rotation_due;                                  /* a snapshot has been asked for */
    uint64_t opened_ns, flushed_ns, asked_ns, ended_ns; /* CLOCK_MONOTONIC */
    uint64_t last_ts;                                   /* of an event */
    uint64_t closed_bytes, n_files;                     /* of files before */
    uint64_t counted[6], loss_told;                     /* what the metrics know */
};

/** Open the first file. Main thread. */
int recorder_open(struct recorder *r, struct gyr_error *err);
/** Write until `stopping`, then to the end. @param arg struct recorder. */
void recorder_run(void *arg);

#endif /* RECORD_RECORDER_H */
