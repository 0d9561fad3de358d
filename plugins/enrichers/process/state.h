/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file state.h
 * @brief The instance: all tables, and what is known of the event at hand.
 *
 * Everything happens on the source's thread. The event at hand is looked up once, by whichever
 * call comes first for it: its thread, its descriptor, its result.
 */
#ifndef PROCESS_STATE_H
#define PROCESS_STATE_H

#include "names/names.h"
#include "paths.h"
#include "syscall/syscall.h"
#include "threads.h"
#include "users.h"

#include <gyr/plugin.h>

enum { PR_TYPES = EV_SYSCALL_KEYCTL_X + 1, PR_CALLS_MAX = 1024, PR_CPUS_MAX = 1024 };

#define PR_AT_FDCWD  (-100)
#define PR_O_CLOEXEC (1u << 12)

/** The event at hand. */
struct pr_now {
    const struct gyr_event *ev; /**< NULL: none */
    uint64_t num, ts;
    const struct gyr_event_type *type; /**< NULL: one of the core's */
    struct pr_thread *thread;          /**< NULL: not known */
    struct pr_fd *fd;                  /**< the descriptor it is about; NULL: none, not known */
    int64_t fd_num;                    /**< -1: none */
    bool has_res, name_changed;
    int64_t res;
    uint64_t exec_ns; /**< of a switch: processor time since the last one there */
    /* to be removed when the rules have run */
    bool drop_fd, drop_thread;
};

/** Constant facts of an event type: places of parameters; -1: none. */
struct pr_places {
    int8_t fd;   /**< the descriptor it uses */
    int8_t data; /**< bytes moved */
};

struct pr_config {
    int64_t max_threads;
    uint64_t max_memory;
};

struct pr_state {
    const struct gyr_host *host;
    const struct pr_config *cfg;
    struct pr_store store;
    struct pr_threads threads;
    struct pr_accounts accounts;
    struct pr_addrs addrs;
    uint64_t boot_ts;
    bool in_snapshot;
    uint64_t sweep_ts; /**< past it, who the last snapshot did not tell of goes; 0: all are gone */
    struct pr_now now;
    uint64_t last_switch[PR_CPUS_MAX];
    struct pr_bindings *bindings;
    uint64_t look_second, looks_refused; /**< descriptors passed that /proc was asked about */
    uint32_t looks;                      /**< in that second */
    uint64_t forgotten;                  /**< tables of descriptors given up for room */
    bool room_told;
    uint16_t server_ports[256]; /**< listening, as the snapshot told */
    uint32_t n_server_ports;
    struct pr_places places[PR_TYPES];
};

void pr_places_init(struct pr_state *s);
/** Keep some memory free: between two events, as it may be anybody's that goes. */
void pr_room_make(struct pr_state *s);
/** Make @p ev the event at hand. @return false: it is already. */
bool pr_now_set(struct pr_state *s, const struct gyr_event *ev);
/** The same for fields: what was put off is done. */
void pr_look_at(struct pr_state *s, const struct gyr_event *ev);
/** Look the descriptor up again: a handler changed it. */
void pr_now_fd(struct pr_state *s, int64_t num);
/** The descriptor at hand, to be changed; NULL when there is none. */
struct pr_fd *pr_now_edit(struct pr_state *s);
/** A blank descriptor of the thread at hand, which is then the one at hand. */
struct pr_fd *pr_now_add(struct pr_state *s, int64_t num);
/** An entry that is wrong by now goes. */
void pr_fd_forget(struct pr_state *s, int64_t num);
/** What came with a message received: @p p are its control messages. */
void pr_take_passed(struct pr_state *s, const uint8_t *p, uint32_t len);
/** A thread that nothing is known of. */
struct pr_thread *pr_thread_unknown(struct pr_state *s, int64_t tid);

/* What events do to the state. Each is called with the event at hand set. */
typedef void pr_handler(struct pr_state *s, const struct gyr_event *ev);
pr_handler pr_on_machine, pr_on_process, pr_on_fd, pr_on_account, pr_on_interface;
pr_handler pr_on_clone, pr_on_execve_enter, pr_on_execveat_enter, pr_on_exec, pr_on_exit;
pr_handler pr_on_chdir, pr_on_fchdir, pr_on_getcwd;
pr_handler pr_on_chroot, pr_on_setuid, pr_on_setgid, pr_on_setsid, pr_on_capset, pr_on_namespace;
pr_handler pr_on_prctl, pr_on_rlimit, pr_on_prlimit, pr_on_switch, pr_on_memory;
pr_handler pr_on_account_note, pr_on_procinfo;
pr_handler pr_on_open, pr_on_close, pr_on_close_range, pr_on_dup, pr_on_fcntl, pr_on_pipe;
pr_handler pr_on_new_fd, pr_on_memfd, pr_on_pidfd_open, pr_on_pidfd_getfd;
pr_handler pr_on_socket, pr_on_socketpair, pr_on_bind, pr_on_connect, pr_on_accept;
pr_handler pr_on_read, pr_on_write;
void pr_on_snapshot_begin(struct pr_state *s);
void pr_on_snapshot_end(struct pr_state *s, const struct gyr_event *ev);
/** Who the last snapshot did not tell of goes. */
void pr_snapshot_sweep(struct pr_state *s);

/* Members of a thread that are not copied as they are told. */
void pr_set(struct pr_state *s, struct pr_str **at, struct pr_text t);
void pr_set_cgroups(struct pr_state *s, struct pr_thread *th, struct pr_text told);
void pr_set_exepath(struct pr_state *s, struct pr_thread *th, struct pr_text path);
/** The same from what the caller of exec named, when the kernel did not tell. */
void pr_set_exepath_told(struct pr_state *s, struct pr_thread *th, const struct gyr_event *ev);
/** @p path from the working directory that @p th has. */
void pr_set_cwd(struct pr_state *s, struct pr_thread *th, struct pr_text path);

/* Folders and descriptors that more or less is shared of than usual: shared.c */
/** Which thread has its working directory: itself, or the main one; NULL: that is not known. */
struct pr_thread *pr_fs_of(struct pr_thread *th);
/** A new thread, or the main one of a new process, gets or shares what @p from has. */
void pr_shared_by_clone(struct pr_state *s, struct pr_thread *th, struct pr_thread *from);
/** A copy of the descriptors that other processes share, which is its own: exec. */
void pr_files_leave(struct pr_state *s, struct pr_thread *th);
/** The same, if only its process shares them. */
void pr_files_unshare(struct pr_state *s, struct pr_thread *th);

/** A parameter as text, without its NUL; empty when absent. */
static inline struct pr_text pr_param_text_of(const struct gyr_event *ev, uint32_t i)
{
    struct pr_text t = {"", 0};

    (void)gyr_param_str(ev, i, &t.p, &t.len);
    return t;
}

static inline uint64_t pr_param_num(const struct gyr_event *ev, uint32_t i, uint64_t otherwise)
{
    uint64_t v;

    return gyr_param_u64(ev, i, &v) ? v : otherwise;
}

static inline int64_t pr_param_int(const struct gyr_event *ev, uint32_t i, int64_t otherwise)
{
    int64_t v;

    return gyr_param_i64(ev, i, &v) ? v : otherwise;
}

static inline bool pr_param_is(const struct gyr_event *ev, uint32_t i)
{
    uint32_t len = 0;

    if (i < ev->nparams)
        (void)gyr_param(ev, i, &len);
    return len != 0;
}

/** Strings one after the other, without the last one's NUL. */
static inline struct pr_text pr_param_strs(const struct gyr_event *ev, uint32_t i)
{
    struct pr_text t = {"", 0};

    if (i < ev->nparams)
        t.p = (const char *)gyr_param(ev, i, &t.len);
    if (t.len && t.p[t.len - 1] == 0)
        t.len--;
    return t;
}

/** The container's short id, as users are told apart by; empty on the host. */
static inline struct pr_text pr_container_short(const struct pr_thread *th)
{
    struct pr_text t = pr_text_of(th->container);

    if (t.len > 12)
        t.len = 12;
    return t;
}

/** Its working directory: its own, or the main thread's. */
static inline struct pr_text pr_cwd_of(struct pr_thread *th)
{
    struct pr_thread *at = pr_fs_of(th);

    return at ? pr_text_of(at->cwd) : (struct pr_text){"./", 2};
}

/** The folder a relative path starts from: descriptor @p dirfd of the thread at hand.
 *  @return "<UNKNOWN>" when it is not known. @p tmp holds the text if it had to be made. */
struct pr_text pr_dir_of(struct pr_state *s, struct pr_text path, int64_t dirfd,
                         char tmp[PR_PATH_MAX + 1]);

/** PR_EXE_* from the flags of an exec. */
uint32_t pr_exe_marks(uint32_t flags);

/* Sockets. A tuple is u8 family, then source address and port, destination address and port; of
 * a unix socket source and destination pointer and a path. */
enum { PR_FAMILY_UNIX = 1, PR_FAMILY_INET = 2, PR_FAMILY_INET6 = 10, PR_FAMILY_NETLINK = 16 };
bool pr_tuple_is_whole(const uint8_t *p, uint32_t len);
bool pr_sockaddr_is_whole(const uint8_t *p, uint32_t len);
/** An IPv4 address written as IPv6, or no address at all. */
bool pr_ip6_is_mapped(const uint8_t *ip);
/** Exchange the two ends. */
void pr_fd_swap(struct pr_fd *fd);

/* Texts of addresses. Each returns the length in @p out. */
enum { PR_TUPLE_TEXT = 512 };
uint32_t pr_tuple_text(char out[PR_TUPLE_TEXT], const uint8_t *p, uint32_t len);
uint32_t pr_sockaddr_text(char out[PR_TUPLE_TEXT], const uint8_t *p, uint32_t len);
uint32_t pr_fd_addr_text(char out[PR_TUPLE_TEXT], const struct pr_fd *fd);

#endif /* PROCESS_STATE_H */
