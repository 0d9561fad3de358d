/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file spool_priv.h
 * @brief What spool.c (alerts in and out) and spool_files.c (the folder) share.
 */
#ifndef ALERT_SPOOL_PRIV_H
#define ALERT_SPOOL_PRIV_H

#include "alert/spool.h"

/* Handed out and not yet acknowledged, in order. */
struct out {
    struct segment *segment; /* NULL: dropped */
    uint64_t seq;
    bool done;
};

TAILQ_HEAD(segments, segment);

struct spool {
    struct spool_conf conf;
    const char *output;
    struct segments all;
    struct segment *reading, *writing; /* NULL: none */
    struct segments gone;              /* done with, to be removed */
    struct segment *spare;             /* made ahead, empty; NULL: none */
    bool making;                       /* it is being made */
    uint64_t make_again_ns;            /* that failed: not before */
    uint64_t next_name;                /* of a file; they rise */
    uint64_t next_seq, left;
    uint64_t bytes; /* of files, those gone and the spare (also while it is made) included */
    uint32_t n_segments;
    int ack_fd;
    bool ack_failed;
    uint64_t acked, acked_before; /* as in the file; by earlier runs */
    uint64_t done;                /* for the file */
    struct out *ring;
    uint32_t window, n_out;
    uint64_t first_out; /* ticket of ring[first_out % window] */
};

/* ---- spool_files.c ---- */
int spool_open_ack(struct spool *s, struct gyr_error *err);
int spool_load_all(struct spool *s, struct gyr_error *err);
/** Not there any more for anybody; the file goes by a chore. */
void spool_remove(struct spool *s, struct segment *g);
/** Something to write to. @return 0; -ENOBUFS: full; -EAGAIN: it is being made; another. */
int spool_new_writing(struct spool *s, struct gyr_error *err);

#endif /* ALERT_SPOOL_PRIV_H */
