/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file proc_priv.h
 * @brief The reader of /proc from inside: its memory, and the parts it is made of.
 *
 * Each part fills the one view with its next record; the slices of that point into the reader and
 * stay as they are until the view has been put into a batch.
 */
#ifndef PROC_PRIV_H
#define PROC_PRIV_H

#include "proc.h"
#include "proc_read.h"

#include <ifaddrs.h>
#include <sys/stat.h>

enum {
    PROC_TEXT_MAX = 4096, /* bytes of arguments, environment, control groups: as in captures */
    PROC_PATH_MAX = 4096 + 16,
    PROC_NS_MAX = 4096,
    PROC_MOUNTS_MAX = 65536,
    PROC_ACCOUNTS_MAX = 65536, /* lines of passwd and group */
};

/* ---- sockets and mounts, by number ---- */

struct proc_socket {
    uint64_t ino;
    uint8_t type, l4; /**< FD_*, protocol as captures number it */
    uint16_t sport, dport;
    uint32_t path, path_len; /**< of a unix socket, in the table's text */
    uint64_t kernel_ptr;     /**< the same */
    uint8_t sip[16], dip[16];
};

struct proc_mount {
    uint64_t id;
    uint32_t dev;
    bool read_only;
    uint32_t upper, root, point; /**< of an overlay, in the table's text; 0: none */
};

/** Members by a number at their front that is not 0; of one size. All zero is empty. */
struct proc_map {
    uint8_t *slots;
    uint32_t n, cap;
    char *text; /**< strings of members; the first byte is nobody's */
    size_t text_len, text_cap;
    uint64_t read[PROC_NS_MAX]; /**< namespaces whose table is in it */
    uint32_t n_read;
};

void proc_map_free(struct proc_map *m);
void proc_map_clear(struct proc_map *m);
/** @return NULL: there is none. */
void *proc_map_find(const struct proc_map *m, size_t size, uint64_t key);
/** @return the member of that number, blank if it is new; NULL without memory, or past @p max. */
void *proc_map_add(struct proc_map *m, size_t size, uint64_t key, uint32_t max);
/** Keep a string, with a NUL. @return where; 0 without memory or past the bound. */
uint32_t proc_map_keep(struct proc_map *m, const char *p, size_t len);
/** @return whether that namespace is to be read now: for the first time, and within the bound. */
bool proc_map_visit(struct proc_map *m, uint64_t ns);

/* ---- threads ---- */

/** What stat and status of a thread say. */
struct proc_ids {
    int64_t tid, pid, ptid, sid, pgid, vpgid, vtid, vpid;
    uint32_t uid, gid, tty, vmsize, vmrss, vmswap, threads;
    uint64_t pfmajor, pfminor, start_ns, cap_inheritable, cap_permitted, cap_effective;
    bool nested; /**< in a PID namespace below the one /proc shows */
    char state;
    uint32_t comm_len;
    char comm[64];
};

/** What all threads of a process share. */
struct proc_texts {
    char cmdline[PROC_TEXT_MAX], env[PROC_TEXT_MAX], cgroups[PROC_TEXT_MAX];
    char exepath[PROC_PATH_MAX], cwd[PROC_PATH_MAX], root[PROC_PATH_MAX];
    uint32_t cmdline_len, env_len, cgroups_len, exepath_len, cwd_len, root_len;
    int64_t fdlimit, loginuid;
    uint64_t pidns_start_ns;
    uint64_t exe_ino, exe_ctime, exe_mtime, exe_mnt; /**< 0: no program */
    uint32_t exe_dev, exe_flags;
};

enum proc_phase {
    PROC_BEGIN,
    PROC_MACHINE,
    PROC_INTERFACES4,
    PROC_INTERFACES6,
    PROC_USERS,
    PROC_GROUPS,
    PROC_PROCESSES,
    PROC_THREADS,
    PROC_FDS,
    PROC_END,
    PROC_DONE
};

struct proc_snapshot {
    uint64_t boot_ns, tick_ns;
    const struct proc_teller *teller; /**< NULL: we tell of processes */
    uint32_t max_threads, max_fds;
    bool is_own; /**< no host_root */
    bool told_denied, told_cut;
    uint64_t user_ns; /**< ours */
    int root_fd, proc_fd;
    enum proc_phase phase;
    bool view_ready; /**< view waits for room in a batch */
    int64_t only;    /**< not -1: the one thread to tell of */
    struct scap_view view;
    struct ifaddrs *ifs, *ifs_at;
    uint32_t n_accounts;
    struct proc_stats stats;

    /* processes: listed first, then one after the other */
    uint32_t *pids, n_pids, cap_pids, pid_at, n_threads;
    int dir;      /**< /proc/PID */
    int live;     /**< the same, or a thread of it if the main one has ended */
    bool denied;  /**< of this process something may not be read */
    bool has_net; /**< its namespace's sockets have been asked for */
    bool has_mounts;
    struct proc_ids main, ids;
    struct proc_texts texts;
    struct proc_dir threads_dir, fds_dir;
    int fdinfo;
    uint32_t n_fds;

    uint64_t tables_ns; /**< when the tables below were begun, CLOCK_BOOTTIME */
    uint32_t max_sockets;
    struct proc_map sockets, mounts;
    struct proc_pidns {
        uint64_t ino, start_ns;
    } pidns[PROC_NS_MAX];
    uint32_t n_pidns, pidns_at;
    uint64_t init_ns; /**< start of the first process */
    bool pidns_listed;
    bool controllers_read;
    uint32_t controllers_len; /**< of the unified hierarchy: "cpu io memory" */
    char controllers[256];

    char buf[2 * PROC_TEXT_MAX]; /**< a file while it is parsed */
    char link[PROC_PATH_MAX];
    uint8_t tuple[1 + 16 + 256];
    struct proc_lines lines;
    struct proc_dir scan;
};

/** Count what may not be read, once for each process. @return @p r. */
int proc_note(struct proc_snapshot *s, int r);
/** The number of a namespace of the process: "ns/net", "net:[". 0: not told. */
uint64_t proc_ns(struct proc_snapshot *s, int dir, const char *name, const char *before);

/* Each: @return 1 and s->view; 0: no more. */
int proc_machine(struct proc_snapshot *s);
int proc_interface_next(struct proc_snapshot *s, int family);
int proc_user_next(struct proc_snapshot *s);
int proc_group_next(struct proc_snapshot *s);
int proc_fd_next(struct proc_snapshot *s);

/** stat and status below @p dir. @return 0; a negative errno: it has gone. */
int proc_ids_read(struct proc_snapshot *s, int dir, uint32_t tid, struct proc_ids *ret);
static inline bool proc_has_ended(const struct proc_ids *ids)
{
    return ids->state == 'Z' || ids->state == 'X' || ids->state == 'x';
}
/** s->texts, of the process whose ids are s->main, from s->live. */
void proc_texts_read(struct proc_snapshot *s);
/** s->view from the ids of a thread and s->texts. */
void proc_process_view(struct proc_snapshot *s, const struct proc_ids *ids);
/** When the first process of a PID namespace started. */
uint64_t proc_pidns_start(struct proc_snapshot *s, const struct proc_ids *ids);
void proc_pidns_note(struct proc_snapshot *s, int dir, const struct proc_ids *ids);
void proc_cgroups_read(struct proc_snapshot *s);

/** The socket of the process at hand; NULL when no table has it. */
const struct proc_socket *proc_socket_find(struct proc_snapshot *s, uint64_t ino);
/** Family and protocol of descriptor @p name in s->fds_dir, as the socket itself says. */
void proc_socket_ask(struct proc_snapshot *s, const char *name, struct proc_socket *ret);
/** The mount; NULL when it is not known. */
const struct proc_mount *proc_mount_find(struct proc_snapshot *s, uint64_t id);
/** The device as events tell it, of a file on that mount. */
uint32_t proc_dev_of(struct proc_snapshot *s, uint64_t mount, const struct statx *st);
/** Which layer of an overlay a path lies in. @return -1 upper, 1 lower, 0 no overlay, not known. */
int proc_layer_of(struct proc_snapshot *s, uint64_t mount, const char *path, size_t len);

#endif /* PROC_PRIV_H */
