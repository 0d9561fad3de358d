/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file world.h
 * @brief The little machine a scenario is about: its users, containers, processes and their
 * descriptors, as they are at the word being read; and the records made so far.
 *
 * Everything lives until sc_world_free(). One thread.
 */
#ifndef SCENARIO_WORLD_H
#define SCENARIO_WORLD_H

#include "containers/facts.h"
#include "node.h"
#include "record/scap_view.h"
#include "syscall/syscall.h"

enum {
    SC_RECORDS_MAX = 200000,
    SC_PROCS_MAX = 20000,
    SC_FDS_MAX = 4096, /* of one process */
    SC_MEM_MAX = 64 << 20,
    SC_AT_FDCWD = -100
};

/** Bytes that make a parameter. */
struct sc_bytes {
    const uint8_t *p;
    uint32_t len;
};

struct sc_user {
    const char *name, *home, *shell;
    uint32_t uid, gid;
};

struct sc_container {
    const char *name; /**< the handle */
    struct ct_facts facts;
    const char *cgroup;
    uint32_t n_procs; /**< vpids handed out */
    bool host_pid;
    uint64_t start_ns; /**< since boot */
};

enum sc_family { SC_NONE = 0, SC_UNIX = 1, SC_INET = 2, SC_INET6 = 10 };

/** An address and a port, or a path. Zero: none. */
struct sc_addr {
    uint8_t family; /**< enum sc_family, as in records */
    uint8_t ip[16];
    uint16_t port;
    const char *path;
};

struct sc_fd {
    int64_t num;
    uint8_t type; /**< FD_* */
    uint8_t l4;   /**< as captures number it: 1 tcp, 2 udp, 3 icmp, 4 raw */
    uint32_t flags;
    const char *name;
    struct sc_addr local, remote;
    bool listens, client;
};

struct sc_proc {
    const char *name; /**< by which the user speaks of it */
    int64_t tid, pid, ptid, vtid, vpid, sid, pgid, vpgid;
    const char *comm, *exe, *exepath, *cwd, *root;
    struct sc_bytes args, env, cgroups; /**< strings one after the other */
    uint32_t uid, gid, loginuid, tty, exe_flags;
    uint64_t cap_inheritable, cap_permitted, cap_effective, start_ns, exe_ctime, exe_ino;
    struct sc_container *container; /**< NULL: the host */
    struct sc_fd *fds;
    uint32_t n_fds, cap_fds;
    int64_t last_fd; /**< the one last opened or used; -1 */
    bool ended;
};

struct sc_world {
    struct gyr_error *err; /**< of the call at hand */
    struct sc_chunk *mem;
    size_t mem_used;
    uint64_t now_ns;
    int64_t next_pid;
    uint16_t next_port;
    struct sc_user *users;
    uint32_t n_users, cap_users;
    struct sc_container **containers;
    uint32_t n_containers, cap_containers;
    struct sc_proc **procs;
    uint32_t n_procs, cap_procs;
    struct sc_proc *actor; /**< who acted last */
    struct scap_view view;
    struct scap_batch *batches; /**< the last one is being filled */
    uint32_t n_batches, cap_batches;
    const struct gyr_event **records;
    uint32_t n_records, cap_records;
    uint64_t num; /**< of the last event */
};

#define SC_BOOT_NS  UINT64_C(1767225600000000000) /* 2026-01-01, when the machine came up */
#define SC_START_NS (SC_BOOT_NS + UINT64_C(86400000000000))
#define SC_STEP_NS  UINT64_C(1000000)

/** @return 0; -ENOMEM with a sentence. */
int sc_world_init(struct sc_world *w, struct gyr_error *err);
void sc_world_free(struct sc_world *w);

/** Zeroed memory of the world's. @return NULL: none, or too much; then w->err says so. */
void *sc_alloc(struct sc_world *w, size_t n);
const char *sc_copy(struct sc_world *w, const char *s, size_t n);
GYR_PRINTF(2, 3) const char *sc_printf(struct sc_world *w, const char *fmt, ...);
/** Room for one more in an array of the heap. @return 0; -ENOMEM with w->err. */
int sc_grow(struct sc_world *w, void *array_of, uint32_t n, uint32_t *cap, size_t size,
            uint32_t max, const char *what);

/** Append w->view as a record. Live ones are numbered. @return 0; negative with w->err. */
int sc_put(struct sc_world *w);

/** The whole of a text as a number. @param base 0: as it is written, decimal, 0x… or 0…
 *  @return false: it is none, or too large. */
bool sc_int(const char *s, unsigned base, int64_t *ret);
/** The same from 0 to @p max. */
bool sc_uint(const char *s, uint64_t max, uint64_t *ret);
/** A steady number for a text: inodes, ids. */
uint64_t sc_hash(const char *s);
const char *sc_basename(const char *path);

/* ---- users ---- */

const struct sc_user *sc_user_by_name(const struct sc_world *w, const char *name);
int sc_user_put(struct sc_world *w, const struct sc_user *u);
/** A user's name or number. @return 0; -EINVAL. */
int sc_uid_of(struct sc_world *w, const json_t *n, uint32_t *ret);
/** The group of that name, which is a user's own; or a number. */
int sc_gid_of(struct sc_world *w, const json_t *n, uint32_t *ret);

/* ---- processes ---- */

/** The newest that is called so and has not ended; NULL: none. A number is a pid. */
struct sc_proc *sc_proc_find(const struct sc_world *w, const char *name);
/** The same, told when there is none. */
struct sc_proc *sc_proc_of(struct sc_world *w, const json_t *n);
/** A child of @p parent (may be NULL) with nothing but numbers, in @p c. */
struct sc_proc *sc_proc_add(struct sc_world *w, struct sc_proc *parent, struct sc_container *c);
/** A copy of the parent, as fork() leaves it. */
struct sc_proc *sc_proc_fork(struct sc_world *w, struct sc_proc *parent);
struct sc_container *sc_container_find(const struct sc_world *w, const char *name);

struct sc_fd *sc_fd_find(struct sc_proc *p, int64_t num);
/** @param num -1: the lowest free one. */
struct sc_fd *sc_fd_add(struct sc_world *w, struct sc_proc *p, int64_t num);
void sc_fd_del(struct sc_proc *p, int64_t num);

#endif /* SCENARIO_WORLD_H */
