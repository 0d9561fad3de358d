/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers of a thread: /proc/PID/stat and status. */
#include "proc_priv.h"

#include <errno.h>

/* Fields of stat after the name, from 0. */
enum { STAT_STATE, STAT_PPID, STAT_PGRP, STAT_SESSION, STAT_TTY, STAT_MINFLT = 7, STAT_MAJFLT = 9 };
enum { STAT_THREADS = 17, STAT_START = 19, STAT_FIELDS };

/* A name may hold anything: it goes from the first parenthesis to the last. */
static bool take_stat(struct proc_snapshot *s, const char *p, size_t len, struct proc_ids *ids)
{
    const char *open = memchr(p, '(', len),
               *close = open ? memrchr(open, ')', len - (size_t)(open - p)) : NULL;
    struct proc_text t, w;
    uint64_t f[STAT_FIELDS] = {0};
    size_t n;

    if (!close)
        return false;
    n = (size_t)(close - open - 1);
    ids->comm_len = (uint32_t)(n < sizeof(ids->comm) ? n : sizeof(ids->comm));
    memcpy(ids->comm, open + 1, ids->comm_len);
    t = proc_text(close + 1, len - (size_t)(close + 1 - p));
    for (unsigned i = 0; i < STAT_FIELDS; i++) {
        if (!proc_word(&t, &w))
            return false;
        if (i == STAT_STATE)
            ids->state = *w.p;
        else
            f[i] = proc_num(&w, 10);
    }
    ids->ptid = (int64_t)f[STAT_PPID];
    ids->pgid = (int64_t)f[STAT_PGRP];
    ids->sid = (int64_t)f[STAT_SESSION];
    ids->tty = (uint32_t)f[STAT_TTY];
    ids->pfminor = f[STAT_MINFLT];
    ids->pfmajor = f[STAT_MAJFLT];
    ids->threads = (uint32_t)f[STAT_THREADS];
    ids->start_ns = s->boot_ns + f[STAT_START] * s->tick_ns;
    return true;
}

/* One number for each namespace, the innermost last. @return how many. */
static unsigned take_innermost(struct proc_text *t, int64_t *ret)
{
    struct proc_text w;
    unsigned n = 0;

    for (; proc_word(t, &w); n++)
        *ret = (int64_t)proc_num(&w, 10);
    return n;
}

/* The effective one of "real effective saved file". */
static uint32_t take_effective(struct proc_text *t)
{
    (void)proc_word_num(t, 10);
    return (uint32_t)proc_word_num(t, 10);
}

static void take_line(struct proc_text key, struct proc_text t, struct proc_ids *ids)
{
    static const char *const keys[] = {"Tgid",   "Uid",   "Gid",    "NStgid", "NSpid",  "NSpgid",
                                       "VmSize", "VmRSS", "VmSwap", "CapInh", "CapPrm", "CapEff"};
    const size_t n = sizeof(keys) / sizeof(keys[0]);
    size_t i = 0;

    while (i < n && (proc_left(&key) != strlen(keys[i]) || !proc_begins(&key, keys[i])))
        i++;
    switch (i) {
    case 0:
        ids->pid = (int64_t)proc_word_num(&t, 10);
        break;
    case 1:
        ids->uid = take_effective(&t);
        break;
    case 2:
        ids->gid = take_effective(&t);
        break;
    case 3:
        (void)take_innermost(&t, &ids->vpid);
        break;
    case 4:
        ids->nested = take_innermost(&t, &ids->vtid) > 1;
        break;
    case 5:
        (void)take_innermost(&t, &ids->vpgid);
        break;
    case 6:
        ids->vmsize = (uint32_t)proc_word_num(&t, 10);
        break;
    case 7:
        ids->vmrss = (uint32_t)proc_word_num(&t, 10);
        break;
    case 8:
        ids->vmswap = (uint32_t)proc_word_num(&t, 10);
        break;
    case 9:
        ids->cap_inheritable = proc_word_num(&t, 16);
        break;
    case 10:
        ids->cap_permitted = proc_word_num(&t, 16);
        break;
    case 11:
        ids->cap_effective = proc_word_num(&t, 16);
        break;
    default:
        break;
    }
}

int proc_ids_read(struct proc_snapshot *s, int dir, uint32_t tid, struct proc_ids *ret)
{
    int n = proc_read_file(dir, "stat", s->buf, sizeof(s->buf)), r;
    struct proc_ids ids = {.tid = tid};
    const char *p;
    size_t len;

    if (n < 0)
        return n;
    if (!take_stat(s, s->buf, (size_t)n, &ids))
        return -ESRCH;
    ids.vtid = ids.vpid = ids.vpgid = -1;
    r = proc_lines_open(&s->lines, dir, "status");
    if (r < 0)
        return r;
    while (proc_lines_next(&s->lines, &p, &len)) {
        struct proc_text t = proc_text(p, len), key;

        if (proc_upto(&t, ':', &key))
            take_line(key, t, &ids);
    }
    if (ids.pid <= 0)
        return -ESRCH;
    /* kernels before 4.1 do not tell the numbers in namespaces */
    ids.vtid = ids.vtid < 0 ? ids.tid : ids.vtid;
    ids.vpid = ids.vpid < 0 ? ids.pid : ids.vpid;
    ids.vpgid = ids.vpgid < 0 ? ids.pgid : ids.vpgid;
    *ret = ids;
    return 0;
}

/* ---- the first process of a PID namespace ---- */

static uint64_t find_pidns(struct proc_snapshot *s, uint64_t ino)
{
    for (uint32_t k = 0; k < s->n_pidns; k++) {
        uint32_t i = (s->pidns_at + k) % s->n_pidns;

        if (s->pidns[i].ino == ino) {
            s->pidns_at = i;
            return s->pidns[i].start_ns;
        }
    }
    return 0;
}

void proc_pidns_note(struct proc_snapshot *s, int dir, const struct proc_ids *ids)
{
    uint64_t ino;

    if (!ids->nested || ids->vpid != 1 || ids->tid != ids->pid || s->n_pidns == PROC_NS_MAX)
        return;
    ino = proc_ns(s, dir, "ns/pid", "pid:[");
    if (ino && find_pidns(s, ino) == 0)
        s->pidns[s->n_pidns++] = (struct proc_pidns){ino, ids->start_ns};
}

/* Numbers may have wrapped, so that a namespace's first process comes after others of it. */
static void list_pidns(struct proc_snapshot *s)
{
    struct proc_ids ids;
    uint32_t pid;
    int r = proc_dir_open(&s->scan, s->proc_fd, ".");

    s->pidns_listed = true;
    s->n_pidns = s->pidns_at = 0;
    while (r >= 0 && (r = proc_dir_next(&s->scan, &pid)) > 0) {
        struct proc_name name = proc_name_of(pid);
        int dir = proc_open_dir(s->proc_fd, name.s);

        if (dir >= 0 && proc_ids_read(s, dir, pid, &ids) == 0)
            proc_pidns_note(s, dir, &ids);
        proc_close(&dir);
    }
}

uint64_t proc_pidns_start(struct proc_snapshot *s, const struct proc_ids *ids)
{
    struct proc_ids first;
    uint64_t ino, ns;
    int dir;

    if (!ids->nested) {
        dir = s->init_ns ? -1 : proc_open_dir(s->proc_fd, "1");
        if (dir >= 0 && proc_ids_read(s, dir, 1, &first) == 0)
            s->init_ns = first.start_ns;
        proc_close(&dir);
        return s->init_ns;
    }
    ino = proc_ns(s, s->live, "ns/pid", "pid:[");
    ns = ino ? find_pidns(s, ino) : 0;
    if (ns == 0 && ino && !s->pidns_listed) {
        list_pidns(s);
        ns = find_pidns(s, ino);
    }
    return ns;
}
