/* SPDX-License-Identifier: Apache-2.0 */
/* The order of a snapshot, and its brackets. */
#include "proc_priv.h"

#include "syscall/syscall.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define NSEC_PER_SEC UINT64_C(1000000000)

enum { DEFAULT_THREADS = 131072, DEFAULT_FDS = 65536, DEFAULT_SOCKETS = 262144 };

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec ts = {0};

    (void)clock_gettime(clock, &ts);
    return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

uint64_t proc_boot_ns(void)
{
    return clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_BOOTTIME);
}

int proc_snapshot_new(const struct proc_conf *conf, struct proc_snapshot **ret,
                      struct gyr_error *err)
{
    const char *root = conf->host_root ? conf->host_root : "";
    struct proc_snapshot *s = calloc(1, sizeof(*s));
    long hz = sysconf(_SC_CLK_TCK);
    int r;

    if (!s)
        return gyr_fail(err, -ENOMEM, "no memory to read /proc");
    s->is_own = root[0] == 0;
    s->boot_ns = conf->boot_ns ? conf->boot_ns : proc_boot_ns();
    s->tick_ns = NSEC_PER_SEC / (uint64_t)(hz > 0 ? hz : 100);
    s->max_threads = conf->max_threads ? conf->max_threads : DEFAULT_THREADS;
    s->max_fds = conf->max_fds ? conf->max_fds : DEFAULT_FDS;
    s->max_sockets = conf->max_sockets ? conf->max_sockets : DEFAULT_SOCKETS;
    s->proc_fd = s->dir = s->live = s->fdinfo = -1;
    s->lines.fd = s->threads_dir.fd = s->fds_dir.fd = s->scan.fd = -1;
    s->root_fd = open(s->is_own ? "/" : root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    r = s->root_fd < 0 ? -errno : proc_open_dir(s->root_fd, "proc");
    if (s->root_fd < 0 || (r < 0 && !conf->teller)) {
        proc_snapshot_free(s);
        return gyr_fail(err, r, "cannot read %s/proc: %s", root, strerror(-r));
    }
    s->proc_fd = r < 0 ? -1 : r;
    s->teller = conf->teller;
    s->user_ns = proc_ns(s, AT_FDCWD, "/proc/self/ns/user", "user:[");
    proc_snapshot_begin(s);
    *ret = s;
    return 0;
}

static void close_process(struct proc_snapshot *s)
{
    if (s->live != s->dir)
        proc_close(&s->live);
    s->live = -1;
    proc_close(&s->dir);
    proc_close(&s->threads_dir.fd);
    proc_close(&s->fds_dir.fd);
    proc_close(&s->fdinfo);
}

static void give_up(struct proc_snapshot *s)
{
    close_process(s);
    proc_close(&s->lines.fd);
    proc_close(&s->scan.fd);
    if (s->ifs)
        freeifaddrs(s->ifs);
    s->ifs = s->ifs_at = NULL;
    s->view_ready = false;
}

void proc_snapshot_free(struct proc_snapshot *s)
{
    if (!s)
        return;
    give_up(s);
    proc_close(&s->proc_fd);
    proc_close(&s->root_fd);
    proc_map_free(&s->sockets);
    proc_map_free(&s->mounts);
    free(s->pids);
    free(s);
}

/* Forget what other processes' tables said. */
static void forget_tables(struct proc_snapshot *s)
{
    proc_map_clear(&s->sockets);
    proc_map_clear(&s->mounts);
    s->n_pidns = s->pidns_at = 0;
    s->pidns_listed = false;
    s->init_ns = 0;
    s->tables_ns = clock_ns(CLOCK_BOOTTIME);
}

static void aim(struct proc_snapshot *s, enum proc_phase phase, int64_t only)
{
    give_up(s);
    s->phase = phase;
    s->only = only;
    s->n_pids = s->pid_at = s->n_threads = 0;
    if (s->teller)
        s->teller->begin(s->teller->self, only);
}

void proc_snapshot_begin(struct proc_snapshot *s)
{
    forget_tables(s);
    aim(s, PROC_BEGIN, -1);
}

void proc_snapshot_thread(struct proc_snapshot *s, int64_t tid)
{
    if (clock_ns(CLOCK_BOOTTIME) - s->tables_ns > NSEC_PER_SEC)
        forget_tables(s);
    aim(s, tid > 0 && tid <= INT32_MAX ? PROC_PROCESSES : PROC_DONE, tid);
}

int proc_note(struct proc_snapshot *s, int r)
{
    if (r == -EACCES || r == -EPERM) {
        s->stats.denied += !s->denied;
        s->denied = true;
    }
    return r;
}

uint64_t proc_ns(struct proc_snapshot *s, int dir, const char *name, const char *before)
{
    uint64_t ino = 0;
    char link[64];
    int n = proc_note(s, proc_read_link(dir, name, link, sizeof(link)));
    struct proc_text t = proc_text(link, n > 0 ? (size_t)n : 0);

    return proc_bracketed(&t, before, &ino) ? ino : 0;
}

/* ---- processes ---- */

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

static int add_pid(struct proc_snapshot *s, uint32_t pid)
{
    if (s->n_pids == s->cap_pids) {
        uint32_t cap = s->cap_pids ? s->cap_pids * 2 : 1024;
        uint32_t *pids = realloc(s->pids, cap * sizeof(*pids));

        if (!pids)
            return -ENOMEM;
        s->pids = pids;
        s->cap_pids = cap;
    }
    s->pids[s->n_pids++] = pid;
    return 0;
}

/* All of them, or the one whose thread is asked for. */
static int list_processes(struct proc_snapshot *s)
{
    uint32_t pid;
    int r;

    s->n_pids = s->pid_at = 0;
    if (s->only >= 0) {
        struct proc_name name = proc_name_of((uint64_t)s->only);
        int dir = proc_open_dir(s->proc_fd, name.s);

        r = dir < 0 ? dir : proc_ids_read(s, dir, (uint32_t)s->only, &s->ids);
        proc_close(&dir);
        return r < 0 ? 0 : add_pid(s, (uint32_t)s->ids.pid);
    }
    r = proc_dir_open(&s->scan, s->proc_fd, ".");
    while (r >= 0 && (r = proc_dir_next(&s->scan, &pid)) > 0) {
        if (s->n_pids >= s->max_threads)
            s->stats.cut++;
        else if (add_pid(s, pid) < 0)
            r = -ENOMEM;
    }
    if (s->n_pids)
        qsort(s->pids, s->n_pids, sizeof(*s->pids), by_number);
    return r;
}

/* The main thread has ended: the process's first one that has not. */
static int open_live(struct proc_snapshot *s)
{
    uint32_t tid;
    int r = proc_dir_open(&s->threads_dir, s->dir, "task");

    while (r >= 0 && (r = proc_dir_next(&s->threads_dir, &tid)) > 0) {
        struct proc_name name = proc_name_of(tid);
        int dir = proc_open_dir(s->threads_dir.fd, name.s);

        if (dir >= 0 && proc_ids_read(s, dir, tid, &s->ids) == 0 && !proc_has_ended(&s->ids))
            return dir;
        proc_close(&dir);
    }
    return -ENOENT;
}

/* @return 0; a negative number: there is nothing to tell of it. */
static int open_process(struct proc_snapshot *s, uint32_t pid)
{
    struct proc_name name = proc_name_of(pid);
    int r;

    close_process(s);
    s->denied = s->has_net = s->has_mounts = false;
    s->dir = s->live = proc_open_dir(s->proc_fd, name.s);
    if (s->dir < 0)
        return proc_note(s, s->dir);
    r = proc_ids_read(s, s->dir, pid, &s->main);
    if (r < 0)
        return proc_note(s, r);
    if (proc_has_ended(&s->main)) {
        s->live = open_live(s);
        if (s->live < 0)
            return s->live;
    }
    proc_texts_read(s);
    return 0;
}

static int next_process(struct proc_snapshot *s)
{
    while (s->pid_at < s->n_pids) {
        if (s->n_threads >= s->max_threads) {
            s->stats.cut += s->n_pids - s->pid_at;
            break;
        }
        if (open_process(s, s->pids[s->pid_at++]) < 0) {
            s->stats.vanished += !s->denied;
            continue;
        }
        s->n_threads++;
        s->stats.processes++;
        proc_process_view(s, &s->main);
        return 1;
    }
    close_process(s);
    return 0;
}

static void begin_threads(struct proc_snapshot *s)
{
    if (s->main.threads > 1)
        (void)proc_note(s, proc_dir_open(&s->threads_dir, s->dir, "task"));
    else
        proc_close(&s->threads_dir.fd);
}

static int next_thread(struct proc_snapshot *s)
{
    uint32_t tid;

    while (proc_dir_next(&s->threads_dir, &tid) > 0) {
        struct proc_name name = proc_name_of(tid);
        int dir, r;

        if (tid == s->main.tid || (s->only >= 0 && tid != s->only))
            continue;
        if (s->n_threads >= s->max_threads) {
            s->stats.cut++;
            continue;
        }
        dir = proc_open_dir(s->threads_dir.fd, name.s);
        r = dir < 0 ? dir : proc_ids_read(s, dir, tid, &s->ids);
        proc_close(&dir);
        if (r < 0 || proc_has_ended(&s->ids)) {
            s->stats.vanished += r == -ENOENT || r == -ESRCH;
            continue;
        }
        s->n_threads++;
        s->stats.threads++;
        proc_process_view(s, &s->ids);
        return 1;
    }
    return 0;
}

static void begin_fds(struct proc_snapshot *s)
{
    s->n_fds = 0;
    if (proc_note(s, proc_dir_open(&s->fds_dir, s->live, "fd")) == 0)
        s->fdinfo = proc_open_dir(s->live, "fdinfo");
}

/* What somebody else tells. */
static int next_told(struct proc_snapshot *s)
{
    const struct scap_view *v = &s->view;
    int r = s->teller->next(s->teller->self, &s->view);
    int64_t pid;

    if (r <= 0)
        return r;
    if (v->type == EV_SNAP_FD) {
        s->stats.fds++;
        return r;
    }
    memcpy(&pid, v->bulk + sizeof(pid), sizeof(pid));
    s->stats.processes += v->tid == pid;
    s->stats.threads += v->tid != pid;
    return r;
}

static int bracket(struct proc_snapshot *s, uint16_t type)
{
    scap_view_start(&s->view, type, 0, GYR_EVF_SNAPSHOT);
    return 1;
}

/* The next record of the phase. */
static int of_phase(struct proc_snapshot *s)
{
    switch (s->phase) {
    case PROC_BEGIN:
        return bracket(s, GYR_EV_SNAPSHOT_BEGIN);
    case PROC_MACHINE:
        return proc_machine(s);
    case PROC_INTERFACES4:
        return proc_interface_next(s, AF_INET);
    case PROC_INTERFACES6:
        return proc_interface_next(s, AF_INET6);
    case PROC_USERS:
        return proc_user_next(s);
    case PROC_GROUPS:
        return proc_group_next(s);
    case PROC_PROCESSES:
        return s->teller ? next_told(s) : next_process(s);
    case PROC_THREADS:
        return next_thread(s);
    case PROC_FDS:
        return proc_fd_next(s);
    case PROC_END:
        return bracket(s, GYR_EV_SNAPSHOT_END);
    default:
        return 0;
    }
}

/* Enter the next phase. */
static void enter(struct proc_snapshot *s, enum proc_phase phase)
{
    s->phase = phase;
    if (phase == PROC_THREADS)
        begin_threads(s);
    else if (phase == PROC_FDS)
        begin_fds(s);
    else if (phase == PROC_USERS || phase == PROC_GROUPS)
        s->n_accounts = 0;
}

/* After a record, or after the last of a phase. */
static void step(struct proc_snapshot *s, bool had)
{
    switch (s->phase) {
    case PROC_BEGIN:
    case PROC_MACHINE:
    case PROC_END:
        enter(s, s->phase + 1);
        break;
    case PROC_PROCESSES:
        if (had && s->teller)
            break;
        enter(s, had ? PROC_THREADS : s->only >= 0 ? PROC_DONE : PROC_END);
        break;
    case PROC_FDS:
        if (!had)
            enter(s, PROC_PROCESSES);
        break;
    default:
        if (!had)
            enter(s, s->phase + 1);
    }
}

static int fill_view(struct proc_snapshot *s)
{
    while (s->phase != PROC_DONE) {
        uint64_t ts_ns = s->boot_ns + clock_ns(CLOCK_BOOTTIME); /* before it is read */
        int r = 0;

        if (s->phase == PROC_PROCESSES && s->n_pids == 0 && !s->teller)
            r = list_processes(s);
        if (r == 0)
            r = of_phase(s);
        if (r < 0)
            return r;
        step(s, r > 0);
        if (r > 0) {
            s->view.ts_ns = ts_ns;
            return 1;
        }
    }
    return 0;
}

int proc_snapshot_next(struct proc_snapshot *s, struct scap_batch *b, const struct gyr_event **ret,
                       struct gyr_error *err)
{
    int r;

    if (!s->view_ready) {
        r = fill_view(s);
        if (r == 0)
            return 0;
        if (r < 0)
            return gyr_fail(err, r, "cannot list the processes of the machine: %s", strerror(-r));
        s->view_ready = true;
    }
    r = scap_batch_put(b, &s->view, ret);
    if (r == 0)
        s->view_ready = false;
    if (r < 0 && r != -ENOBUFS)
        return gyr_fail(err, r, "no room for a record of the snapshot: %s", strerror(-r));
    return r < 0 ? r : 1;
}

void proc_snapshot_stats(const struct proc_snapshot *s, struct proc_stats *ret)
{
    *ret = s->stats;
}

void proc_snapshot_tell(struct proc_snapshot *s, const struct gyr_host *host)
{
    if (s->stats.denied && !s->told_denied)
        gyr_logf(host, GYR_LOG_WARNING,
                 "%" PRIu64 " of %" PRIu64
                 " processes are closed to us in /proc: what they run and "
                 "have open is known in part",
                 s->stats.denied, s->stats.processes);
    if (s->stats.cut && !s->told_cut)
        gyr_logf(host, GYR_LOG_WARNING,
                 "the snapshot is not whole: %" PRIu64 " processes, descriptors, sockets or mounts "
                 "were too many",
                 s->stats.cut);
    s->told_denied = s->told_denied || s->stats.denied;
    s->told_cut = s->told_cut || s->stats.cut;
}
