/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file probe.h
 * @brief The programs in the kernel: loading them, their rings and switches, attaching them.
 *
 * Main thread but for probe_want(), which is the source's.
 */
#ifndef EBPF_PROBE_H
#define EBPF_PROBE_H

#include "live/calls.h"
#include "live/ring.h"

enum attach_mode { ATTACH_AUTO, ATTACH_FEXIT, ATTACH_SYS_EXIT };

struct probe_options {
    uint64_t ring_bytes, state_ring_bytes; /**< of one ring; rounded up to a power of two */
    uint32_t cpus_per_ring;                /**< 0: as many as make 16 pairs of rings */
    uint32_t snaplen;
    enum attach_mode attach;
};

struct probe_bpf;
struct bpf_link;
struct fexit;

struct probe {
    const struct gyr_host *host;
    enum attach_mode attach; /* as configured */
    struct probe_bpf *skel;
    struct bpf_link *links[5]; /* the exit of calls, exec, fork, exit; signals while wanted */
    struct fexit *fexit;       /* NULL: not used */
    struct ring_place *rings;
    uint32_t n_rings, n_cpus;
    struct probe_conf *conf;    /* shared with the programs */
    struct probe_count *counts; /* as probe_count() found them */
    uint64_t boot_ns;           /* what makes CLOCK_BOOTTIME a time of day */
};

/** Load the programs and attach them; nothing is traced until probe_want().
 *  @return 0; a negative errno with a sentence that says what is missing. */
int probe_load(struct probe *p, const struct gyr_host *host, const struct probe_options *o,
               struct gyr_error *err);
void probe_unload(struct probe *p); /**< half-loaded ones too */

/** Whose log gets what libbpf says; NULL: nobody's. Main thread. */
void probe_tell_to(const struct gyr_host *host);

/** Trace what is wanted from now on. What is new is traced before what is not wanted any more
 *  stops. @return 0; a negative errno with a sentence. */
int probe_want(struct probe *p, const struct gyr_want *w, struct gyr_error *err);

/** Bring counts up to date. */
void probe_count(struct probe *p);

/** Why the programs cannot be loaded here, as far as that can be told without trying.
 *  @return 0; a negative errno with a sentence. */
int probe_check(struct gyr_error *err);

/** May programs be attached to functions here without events being lost or mixed up? Those at the
 *  exit of every call run without preemption before Linux 7, those of functions with it.
 *  @return 0: yes; -EBUSY: no; -ENODATA: it cannot be told. Each with a sentence. */
int probe_check_preemption(struct gyr_error *err);

#endif /* EBPF_PROBE_H */
