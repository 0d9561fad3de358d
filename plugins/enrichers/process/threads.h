/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file threads.h
 * @brief The table of threads: who exists, in which group, and whose child.
 *
 * Bounded: when it is full, of a few threads in turn the one not heard of for longest makes room,
 * and is counted. Look-ups are one hash probe. Pointers stay good until the thread is removed.
 *
 * Threads of a process share the main thread's descriptors, working directory, environment and
 * limits; so a main thread that has ended stays, marked dead, until its last thread has gone.
 */
#ifndef PROCESS_THREADS_H
#define PROCESS_THREADS_H

#include "fds.h"

/* Bits of pr_thread.flags, as in events ("flags" of clone). */
enum {
    PR_CLONE_FILES = 1 << 0,
    PR_CLONE_FS = 1 << 1,
    PR_CLONE_NEWNS = 1 << 5,
    PR_CLONE_NEWPID = 1 << 6,
    PR_CLONE_PARENT = 1 << 8,
    PR_CLONE_THREAD = 1 << 13,
    PR_CLONE_NEWUSER = 1 << 20,
    PR_CLONE_VFORK = 1 << 27,
    PR_CHILD_IN_PIDNS = 1 << 29
};

/* Bits of pr_thread.marks. */
enum {
    PR_DEAD = 1,
    PR_CHILD_FIRST = 2, /**< made by the child's own event: the parent's brings nothing new */
    PR_EXE_WRITABLE = 4,
    PR_EXE_UPPER = 8,
    PR_EXE_LOWER = 16,
    PR_EXE_MEMFD = 32,
    PR_OWN_FS = 64 /**< its folder is its own, not its process's */
};

/** Threads with one process number. */
struct pr_group {
    int64_t pid;
    uint32_t refs;          /**< threads in the list */
    uint32_t alive;         /**< of them, not dead */
    bool reaper;            /**< orphans below become its children */
    struct pr_link threads; /**< the main thread first, if there is one */
};

struct pr_thread {
    int64_t tid, pid, ptid, vtid, vpid, sid, pgid, vpgid, reaper_tid, fdlimit;
    uint32_t flags, marks, uid, gid, loginuid, tty;
    uint32_t vmsize, vmrss, vmswap; /**< kB */
    uint32_t seen;                  /**< the last snapshot that told of it, or its own birth */
    uint64_t told;                  /**< when that was: what happened earlier is in it; 0: never */
    uint64_t pfmajor, pfminor;
    uint64_t cap_inheritable, cap_permitted, cap_effective;
    uint64_t exe_ino, exe_ctime, exe_mtime; /**< 0: not known, as all times below */
    uint64_t exe_ctime_before_clone, exe_ctime_after_pidns;
    uint64_t asked;                        /**< when the source was asked what it is; 0: never */
    uint64_t clone_ts, pidns_start, heard; /**< heard: time of its last event */
    uint64_t exectime;                     /**< processor time seen, ns */
    uint64_t cpu_ticks[3];                 /**< user, system, both: as last told */
    struct pr_str *comm, *exe, *exepath, *cwd, *root;
    struct pr_str *args, *env, *cgroups; /**< NUL between elements, none at the end */
    struct pr_str *container;            /**< whole id; NULL: none */
    struct pr_str *exec_at;              /**< what execveat() named, until it returns */
    struct pr_fds *fds;
    struct pr_thread *files_of; /**< whose fds it uses, of another process; NULL: as usual */
    struct pr_link same_files;  /**< those that use one table so, with its holder */
    struct pr_link same_fs;     /**< those whose folder is changed with this one's */
    struct pr_group *group;
    struct pr_link in_group, in_parent, children;
};

struct pr_threads {
    struct pr_store *store;
    struct pr_index by_tid, groups;
    struct pr_thread_chunk **chunks;
    uint32_t n_chunks, cap_chunks, n, max, hand;
    uint32_t snapshot; /**< number of the snapshot under way or last seen */
    struct pr_thread *free;
    uint64_t evicted;
    struct pr_gone {
        int64_t tid, ptid;
        uint64_t ts;
    } gone[64]; /**< who ended lately, so that a late clone event does not bring them back */
    uint32_t gone_at;
};

void pr_threads_init(struct pr_threads *t, struct pr_store *store, uint32_t max);
void pr_threads_free(struct pr_threads *t);

struct pr_thread *pr_thread_find(const struct pr_threads *t, int64_t tid);
/** A blank thread of that number in place of any old one; not yet in a group.
 *  @param keep a thread that must not make room for it, with its process; may be NULL.
 *  @return NULL without memory, and for a negative number, which is nobody's. */
struct pr_thread *pr_thread_add(struct pr_threads *t, int64_t tid, const struct pr_thread *keep);
/** Of some in turn, who was not heard of for longest goes; counted. */
void pr_threads_evict(struct pr_threads *t);
/** Put it in its group and among its parent's children. */
void pr_thread_relate(struct pr_threads *t, struct pr_thread *th);
/** It has ended: its children go to a reaper, and it goes, unless threads of it remain. */
void pr_thread_remove(struct pr_threads *t, int64_t tid);
/** Mark it dead: what its exit event does before the rules run. */
void pr_thread_die(struct pr_thread *th);
/** Make it alive again: exec by another thread of a process whose main thread has ended. */
void pr_thread_revive(struct pr_thread *th);

/** Remember an end, and ask for it. */
void pr_threads_note_gone(struct pr_threads *t, const struct pr_thread *th, uint64_t ts);
bool pr_threads_is_gone(const struct pr_threads *t, int64_t tid, int64_t ptid, uint64_t ts);

/** Call @p fn for every thread; it may remove the one it is given. */
void pr_threads_each(struct pr_threads *t,
                     void (*fn)(struct pr_threads *t, struct pr_thread *th, void *arg), void *arg);

/** Places of threads, to be looked at one by one. */
uint32_t pr_threads_places(const struct pr_threads *t);
/** The thread at a place below that; NULL: none. */
struct pr_thread *pr_threads_at(const struct pr_threads *t, uint32_t place);

/** All the threads of @p th's group but the main one and itself are gone. */
void pr_thread_drop_siblings(struct pr_threads *t, struct pr_thread *th);

static inline bool pr_thread_is_main(const struct pr_thread *th)
{
    return th->tid == th->pid;
}

static inline bool pr_thread_is_invalid(const struct pr_thread *th)
{
    return th->tid < 0 || th->pid < 0 || th->ptid < 0;
}

static inline bool pr_thread_in_pidns(const struct pr_thread *th)
{
    return th->flags & PR_CHILD_IN_PIDNS || (th->tid != th->vtid && th->vtid >= 0);
}

/** The main thread of its process; NULL when that is not known. */
struct pr_thread *pr_thread_main(struct pr_thread *th);
/** Where its descriptors are; NULL as above. */
struct pr_fds **pr_thread_fds(struct pr_thread *th);
/** It goes, or will have others: the next one of those who share them keeps them. */
void pr_files_hand_over(struct pr_store *store, struct pr_thread *th);
struct pr_thread *pr_thread_in_group(struct pr_link *l);
struct pr_thread *pr_thread_with_files(struct pr_link *l);
struct pr_thread *pr_thread_with_fs(struct pr_link *l);
/** The process @p n generations up, by its main thread; 0 is its own. */
struct pr_thread *pr_thread_ancestor(const struct pr_threads *t, struct pr_thread *th, uint32_t n);

/** Walk up from the parent of @p th; ends at loops. */
struct pr_walk {
    const struct pr_threads *t;
    struct pr_thread *slow, *fast;
    bool ended;
};
void pr_walk_begin(struct pr_walk *w, const struct pr_threads *t, const struct pr_thread *th);
struct pr_thread *pr_walk_next(struct pr_walk *w);

#endif /* PROCESS_THREADS_H */
