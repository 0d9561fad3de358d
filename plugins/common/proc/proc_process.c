/* SPDX-License-Identifier: Apache-2.0 */
/* A process as a record: texts, program, limits; its threads say the same of them. */
#include "proc_priv.h"

#include "syscall/syscall.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum {
    PROCESS_PARAMS = 38,
    /* bits of exe_flags, as in execve's flags */
    EXE_WRITABLE = 1,
    EXE_UPPER_LAYER = 2,
    EXE_FROM_MEMFD = 4,
    EXE_LOWER_LAYER = 8,
    /* bits of flags, as clone's: threads share descriptors */
    CLONE_FILES_BIT = 1 << 0,
    CLONE_THREAD_BIT = 1 << 13,
    CAP_DAC_OVERRIDE_BIT = 1 << 1,
    CAP_FOWNER_BIT = 1 << 3
};

static uint32_t read_text(struct proc_snapshot *s, const char *name, char *buf)
{
    int n = proc_note(s, proc_read_file(s->live, name, buf, PROC_TEXT_MAX));

    return n > 0 ? (uint32_t)n : 0;
}

/* Room for a slash is left behind it. */
static uint32_t read_link(struct proc_snapshot *s, const char *name, char *buf)
{
    int n = proc_note(s, proc_read_link(s->live, name, buf, PROC_PATH_MAX - 1));

    return n > 0 ? (uint32_t)n : 0;
}

static int64_t read_fdlimit(struct proc_snapshot *s)
{
    static const char key[] = "Max open files";
    const char *p;
    size_t len;

    if (proc_note(s, proc_lines_open(&s->lines, s->live, "limits")) < 0)
        return -1;
    while (proc_lines_next(&s->lines, &p, &len)) {
        struct proc_text t = proc_text(p, len), w;

        if (!proc_begins(&t, key))
            continue;
        t.p += sizeof(key) - 1;
        proc_close(&s->lines.fd);
        return proc_word(&t, &w) && *w.p >= '0' && *w.p <= '9' ? (int64_t)proc_num(&w, 10) : -1;
    }
    return -1;
}

static int64_t read_loginuid(struct proc_snapshot *s)
{
    char buf[16];
    int n = proc_read_file(s->live, "loginuid", buf, sizeof(buf));
    struct proc_text t = proc_text(buf, n > 0 ? (size_t)n : 0);
    uint64_t uid = n > 0 ? proc_num(&t, 10) : UINT32_MAX;

    return uid >= UINT32_MAX ? -1 : (int64_t)uid;
}

/* May the process write to the program it runs, as the kernel would tell of an exec? */
static bool is_writable(struct proc_snapshot *s, const struct statx *st)
{
    const struct proc_ids *ids = &s->main;
    bool allowed =
        ids->uid == st->stx_uid || ids->cap_effective & (CAP_DAC_OVERRIDE_BIT | CAP_FOWNER_BIT);

    allowed =
        allowed || st->stx_mode & S_IWOTH || (ids->gid == st->stx_gid && st->stx_mode & S_IWGRP);
    return allowed && (faccessat(s->live, "exe", W_OK, AT_EACCESS) == 0 || errno != EROFS);
}

static uint64_t ns_of(const struct statx_timestamp *ts)
{
    return (uint64_t)ts->tv_sec * 1000000000u + ts->tv_nsec;
}

static void read_program(struct proc_snapshot *s)
{
    struct proc_texts *x = &s->texts;
    struct proc_text path = proc_text(x->exepath, x->exepath_len);
    struct statx st;

    x->exe_ino = x->exe_ctime = x->exe_mtime = x->exe_mnt = 0;
    x->exe_dev = x->exe_flags = 0;
    if (!x->exepath_len ||
        statx(s->live, "exe", AT_STATX_DONT_SYNC, STATX_BASIC_STATS | STATX_MNT_ID, &st) < 0)
        return;
    x->exe_ino = st.stx_ino;
    x->exe_ctime = ns_of(&st.stx_ctime);
    x->exe_mtime = ns_of(&st.stx_mtime);
    x->exe_mnt = st.stx_mask & STATX_MNT_ID ? st.stx_mnt_id : 0;
    x->exe_dev = proc_dev_of(s, x->exe_mnt, &st);
    if (is_writable(s, &st))
        x->exe_flags |= EXE_WRITABLE;
    if (proc_begins(&path, "/memfd:")) {
        x->exe_flags |= EXE_FROM_MEMFD;
    } else if (!proc_ends(&path, " (deleted)")) {
        int layer = proc_layer_of(s, x->exe_mnt, x->exepath, x->exepath_len);

        x->exe_flags |= layer < 0 ? EXE_UPPER_LAYER : layer > 0 ? EXE_LOWER_LAYER : 0;
    }
}

void proc_texts_read(struct proc_snapshot *s)
{
    struct proc_texts *x = &s->texts;

    x->cmdline_len = read_text(s, "cmdline", x->cmdline);
    x->env_len = read_text(s, "environ", x->env);
    x->exepath_len = read_link(s, "exe", x->exepath);
    x->root_len = read_link(s, "root", x->root);
    x->cwd_len = read_link(s, "cwd", x->cwd);
    if (x->cwd_len && x->cwd[x->cwd_len - 1] != '/')
        x->cwd[x->cwd_len++] = '/';
    x->fdlimit = read_fdlimit(s);
    x->loginuid = read_loginuid(s);
    proc_cgroups_read(s);
    read_program(s);
    proc_pidns_note(s, s->live, &s->main);
    x->pidns_start_ns = proc_pidns_start(s, &s->main);
}

/* ---- the record ---- */

static void put_text(struct scap_view *v, uint32_t i, const char *p, size_t len)
{
    scap_view_text(v, i, (const uint8_t *)p, len);
}

/* Strings one after the other: the last one's NUL may be missing. */
static void put_texts(struct scap_view *v, uint32_t i, const char *p, size_t len)
{
    if (len == 0)
        return;
    scap_view_bytes(v, i, (const uint8_t *)p, len);
    v->par[i].nul = p[len - 1] != 0;
}

static void put_ids(struct scap_view *v, const struct proc_ids *t)
{
    scap_view_uint(v, P_SNAP_PROCESS__tid, (uint64_t)t->tid, 8);
    scap_view_uint(v, P_SNAP_PROCESS__pid, (uint64_t)t->pid, 8);
    scap_view_uint(v, P_SNAP_PROCESS__ptid, (uint64_t)t->ptid, 8);
    scap_view_uint(v, P_SNAP_PROCESS__sid, (uint64_t)t->sid, 8);
    scap_view_uint(v, P_SNAP_PROCESS__vpgid, (uint64_t)t->vpgid, 8);
    scap_view_uint(v, P_SNAP_PROCESS__pgid, (uint64_t)t->pgid, 8);
    scap_view_uint(v, P_SNAP_PROCESS__vtid, (uint64_t)t->vtid, 8);
    scap_view_uint(v, P_SNAP_PROCESS__vpid, (uint64_t)t->vpid, 8);
    scap_view_uint(v, P_SNAP_PROCESS__uid, t->uid, 4);
    scap_view_uint(v, P_SNAP_PROCESS__gid, t->gid, 4);
    scap_view_uint(v, P_SNAP_PROCESS__tty, t->tty, 4);
    scap_view_uint(v, P_SNAP_PROCESS__vmsize_kb, t->vmsize, 4);
    scap_view_uint(v, P_SNAP_PROCESS__vmrss_kb, t->vmrss, 4);
    scap_view_uint(v, P_SNAP_PROCESS__vmswap_kb, t->vmswap, 4);
    scap_view_uint(v, P_SNAP_PROCESS__pfmajor, t->pfmajor, 8);
    scap_view_uint(v, P_SNAP_PROCESS__pfminor, t->pfminor, 8);
    scap_view_uint(v, P_SNAP_PROCESS__clone_ts, t->start_ns, 8);
    scap_view_uint(v, P_SNAP_PROCESS__cap_inheritable, t->cap_inheritable, 8);
    scap_view_uint(v, P_SNAP_PROCESS__cap_permitted, t->cap_permitted, 8);
    scap_view_uint(v, P_SNAP_PROCESS__cap_effective, t->cap_effective, 8);
}

static void put_program(struct scap_view *v, const struct proc_texts *x)
{
    scap_view_uint(v, P_SNAP_PROCESS__exe_flags, x->exe_flags, 4);
    scap_view_uint(v, P_SNAP_PROCESS__exe_ino, x->exe_ino, 8);
    scap_view_uint(v, P_SNAP_PROCESS__exe_ino_ctime, x->exe_ctime, 8);
    scap_view_uint(v, P_SNAP_PROCESS__exe_ino_mtime, x->exe_mtime, 8);
    if (x->exe_mnt) {
        scap_view_uint(v, P_SNAP_PROCESS__exe_dev, x->exe_dev, 4);
        scap_view_uint(v, P_SNAP_PROCESS__exe_mnt, x->exe_mnt, 8);
    }
}

void proc_process_view(struct proc_snapshot *s, const struct proc_ids *t)
{
    const struct proc_texts *x = &s->texts;
    bool main = t->tid == t->pid;
    struct scap_view *v = &s->view;
    size_t exe = strnlen(x->cmdline, x->cmdline_len), args = exe < x->cmdline_len ? exe + 1 : exe;

    scap_view_start(v, EV_SNAP_PROCESS, PROCESS_PARAMS, GYR_EVF_SNAPSHOT);
    v->tid = t->tid;
    put_ids(v, t);
    put_text(v, P_SNAP_PROCESS__comm, t->comm, t->comm_len);
    put_text(v, P_SNAP_PROCESS__exe, x->cmdline, exe);
    put_text(v, P_SNAP_PROCESS__exepath, x->exepath, x->exepath_len);
    put_texts(v, P_SNAP_PROCESS__args, x->cmdline + args, x->cmdline_len - args);
    if (main)
        put_texts(v, P_SNAP_PROCESS__env, x->env, x->env_len);
    put_texts(v, P_SNAP_PROCESS__cgroups, x->cgroups, x->cgroups_len);
    put_text(v, P_SNAP_PROCESS__cwd, x->cwd, x->cwd_len);
    put_text(v, P_SNAP_PROCESS__root, x->root, x->root_len);
    scap_view_uint(v, P_SNAP_PROCESS__fdlimit, (uint64_t)x->fdlimit, 8);
    scap_view_uint(v, P_SNAP_PROCESS__flags, main ? 0 : CLONE_THREAD_BIT | CLONE_FILES_BIT, 4);
    scap_view_uint(v, P_SNAP_PROCESS__loginuid, (uint64_t)x->loginuid, 8);
    scap_view_uint(v, P_SNAP_PROCESS__pidns_init_start_ts, x->pidns_start_ns, 8);
    put_program(v, x);
}

/* ---- control groups ---- */

static void add_cgroup(struct proc_texts *x, struct proc_text name, struct proc_text path)
{
    size_t n = proc_left(&name), k = proc_left(&path), need = n + 1 + k + 1;
    char *at = x->cgroups + x->cgroups_len;

    if (need > sizeof(x->cgroups) - x->cgroups_len)
        return;
    memcpy(at, name.p, n);
    at[n] = '=';
    memcpy(at + n + 1, path.p, k);
    at[n + 1 + k] = 0;
    x->cgroups_len += (uint32_t)need;
}

/* What the unified hierarchy controls: its own file says; where that is not to be seen, what it
 * usually does. */
static struct proc_text unified_controllers(struct proc_snapshot *s)
{
    static const char *const files[] = {"sys/fs/cgroup/cgroup.controllers",
                                        "sys/fs/cgroup/unified/cgroup.controllers"};
    static const char usual[] = "cpuset cpu io memory pids";
    int n = -1;

    for (size_t i = 0; !s->controllers_read && n < 0 && i < 2; i++)
        n = proc_read_file(s->root_fd, files[i], s->controllers, sizeof(s->controllers));
    if (!s->controllers_read && n < 0) {
        memcpy(s->controllers, usual, sizeof(usual) - 1);
        n = sizeof(usual) - 1;
    }
    if (!s->controllers_read) {
        while (n > 0 && s->controllers[n - 1] == '\n')
            n--;
        s->controllers_len = (uint32_t)n;
        s->controllers_read = true;
    }
    return proc_text(s->controllers, s->controllers_len);
}

/* "5:cpu,cpuacct:/path" gives "cpu=/path" and "cpuacct=/path"; "0::/path" of the unified hierarchy
 * the same for what that controls. */
void proc_cgroups_read(struct proc_snapshot *s)
{
    struct proc_texts *x = &s->texts;
    int n = proc_note(s, proc_read_file(s->live, "cgroup", s->buf, sizeof(s->buf)));
    struct proc_text t = proc_text(s->buf, n > 0 ? (size_t)n : 0), line, names, name;

    x->cgroups_len = 0;
    while (proc_upto(&t, '\n', &line)) {
        if (!proc_upto(&line, ':', &name) || !proc_upto(&line, ':', &names))
            continue;
        if (proc_left(&names) == 0) {
            names = unified_controllers(s);
            while (proc_word(&names, &name))
                add_cgroup(x, name, line);
        }
        while (proc_upto(&names, ',', &name))
            add_cgroup(x, name, line);
    }
}
