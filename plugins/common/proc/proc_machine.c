/* SPDX-License-Identifier: Apache-2.0 */
/* The machine, its interfaces, users and groups; and whether it is the whole machine. */
#include "proc_priv.h"

#include "syscall/syscall.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/utsname.h>
#include <unistd.h>

/* Where another host's files are watched, its name is in them: ours is a container's. */
static size_t read_hostname(struct proc_snapshot *s)
{
    struct utsname u;
    int n = s->is_own ? 0 : proc_read_file(s->root_fd, "etc/hostname", s->link, 256);

    if (n > 0)
        return strcspn((s->link[n] = 0, s->link), "\n");
    if (uname(&u) < 0)
        return 0;
    memcpy(s->link, u.nodename, sizeof(u.nodename));
    return strnlen(s->link, sizeof(u.nodename));
}

int proc_machine(struct proc_snapshot *s)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN), pages = sysconf(_SC_PHYS_PAGES);
    int n = proc_read_file(s->proc_fd, "sys/kernel/pid_max", s->buf, 32);
    struct proc_text t = proc_text(s->buf, n > 0 ? (size_t)n : 0);
    struct scap_view *v = &s->view;

    scap_view_start(v, EV_SNAP_MACHINE, 6, GYR_EVF_SNAPSHOT);
    scap_view_uint(v, P_SNAP_MACHINE__num_cpus, cpus > 0 ? (uint64_t)cpus : 1, 4);
    scap_view_uint(v, P_SNAP_MACHINE__memory,
                   pages > 0 ? (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE) : 0, 8);
    scap_view_uint(v, P_SNAP_MACHINE__max_pid, proc_num(&t, 10), 8);
    scap_view_text(v, P_SNAP_MACHINE__hostname, (const uint8_t *)s->link, read_hostname(s));
    scap_view_uint(v, P_SNAP_MACHINE__boot_ts, s->boot_ns, 8);
    scap_view_uint(v, P_SNAP_MACHINE__flags, 0, 8);
    return 1;
}

/* ---- interfaces ---- */

/* A broadcast address of IPv6 there is not: it is told as zero. */
static void put_addr(struct scap_view *v, uint32_t i, const struct sockaddr *sa, int family)
{
    static const uint8_t zero[16];
    size_t len = family == AF_INET ? 4 : 16;
    const uint8_t *p = zero;

    if (sa && sa->sa_family == family)
        p = family == AF_INET
                ? (const uint8_t *)&((const struct sockaddr_in *)(const void *)sa)->sin_addr
                : (const uint8_t *)&((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr;
    scap_view_bytes(v, i, p, len);
}

int proc_interface_next(struct proc_snapshot *s, int family)
{
    struct scap_view *v = &s->view;

    if (!s->ifs && getifaddrs(&s->ifs) < 0)
        return 0;
    if (!s->ifs_at)
        s->ifs_at = s->ifs;
    else
        s->ifs_at = s->ifs_at->ifa_next;
    while (s->ifs_at && (!s->ifs_at->ifa_addr || s->ifs_at->ifa_addr->sa_family != family))
        s->ifs_at = s->ifs_at->ifa_next;
    if (!s->ifs_at)
        return 0;
    scap_view_start(v, EV_SNAP_INTERFACE, 5, GYR_EVF_SNAPSHOT);
    scap_view_text(v, P_SNAP_INTERFACE__name, (const uint8_t *)s->ifs_at->ifa_name,
                   strlen(s->ifs_at->ifa_name));
    put_addr(v, P_SNAP_INTERFACE__addr, s->ifs_at->ifa_addr, family);
    put_addr(v, P_SNAP_INTERFACE__netmask, s->ifs_at->ifa_netmask, family);
    put_addr(v, P_SNAP_INTERFACE__broadcast, family == AF_INET ? s->ifs_at->ifa_broadaddr : NULL,
             family);
    scap_view_uint(v, P_SNAP_INTERFACE__speed, 0, 8);
    return 1;
}

/* ---- users and groups ---- */

/* The next line of "name:password:number:…" with a name and a number; the rest of it in @p ret. */
static bool next_account(struct proc_snapshot *s, const char *file, struct proc_text *ret_name,
                         uint32_t *ret_id, struct proc_text *ret)
{
    struct proc_text t, word, num;
    const char *p;
    size_t len;

    if (s->lines.fd < 0 && (s->n_accounts || proc_lines_open(&s->lines, s->root_fd, file) < 0))
        return false;
    while (proc_lines_next(&s->lines, &p, &len)) {
        uint64_t id;

        if (++s->n_accounts > PROC_ACCOUNTS_MAX) {
            s->stats.cut++;
            proc_close(&s->lines.fd);
            return false;
        }
        t = proc_text(p, len);
        if (!proc_upto(&t, ':', ret_name) || ret_name->p == ret_name->end || *ret_name->p == '#' ||
            !proc_upto(&t, ':', &word) || !proc_upto(&t, ':', &num) || num.p == num.end)
            continue;
        id = proc_num(&num, 10);
        if (num.p != num.end || id >= UINT32_MAX)
            continue;
        *ret_id = (uint32_t)id;
        *ret = t;
        return true;
    }
    return false;
}

static void put(struct scap_view *v, uint32_t i, const struct proc_text *t)
{
    scap_view_text(v, i, (const uint8_t *)t->p, proc_left(t));
}

/* The next column, empty where there is none. */
static void put_column(struct scap_view *v, uint32_t i, struct proc_text *t)
{
    struct proc_text word = {t->end, t->end};

    (void)proc_upto(t, ':', &word);
    put(v, i, &word);
}

int proc_user_next(struct proc_snapshot *s)
{
    struct scap_view *v = &s->view;
    struct proc_text t, name, gid, word;
    uint32_t uid;

    if (!next_account(s, "etc/passwd", &name, &uid, &t))
        return 0;
    scap_view_start(v, EV_SNAP_USER, 5, GYR_EVF_SNAPSHOT);
    scap_view_uint(v, P_SNAP_USER__uid, uid, 4);
    gid = (struct proc_text){t.end, t.end};
    (void)proc_upto(&t, ':', &gid);
    scap_view_uint(v, P_SNAP_USER__gid, proc_num(&gid, 10), 4);
    put(v, P_SNAP_USER__name, &name);
    (void)proc_upto(&t, ':', &word);
    put_column(v, P_SNAP_USER__home, &t);
    put_column(v, P_SNAP_USER__shell, &t);
    return 1;
}

int proc_group_next(struct proc_snapshot *s)
{
    struct scap_view *v = &s->view;
    struct proc_text t, name;
    uint32_t gid;

    if (!next_account(s, "etc/group", &name, &gid, &t))
        return 0;
    scap_view_start(v, EV_SNAP_GROUP, 2, GYR_EVF_SNAPSHOT);
    scap_view_uint(v, P_SNAP_GROUP__gid, gid, 4);
    put(v, P_SNAP_GROUP__name, &name);
    return 1;
}

/* ---- is it the whole machine? ---- */

/* The number that the first PID namespace has on every kernel. */
static const uint64_t FIRST_PIDNS = 0xEFFFFFFC;

static bool may_look_into_others(void)
{
    static const uint64_t sys_ptrace = 1 << 19;
    char buf[4096];
    int n = proc_read_file(AT_FDCWD, "/proc/self/status", buf, sizeof(buf));
    struct proc_text t = proc_text(buf, n > 0 ? (size_t)n : 0), line, key;

    while (proc_upto(&t, '\n', &line))
        if (proc_upto(&line, ':', &key) && proc_begins(&key, "CapEff"))
            return proc_word_num(&line, 16) & sys_ptrace;
    return true;
}

int proc_check(const char *host_root, struct gyr_error *err)
{
    const char *root = host_root ? host_root : "",
               *who = root[0] ? "proc/1/ns/pid" : "proc/self/ns/pid";
    int dir = open(root[0] ? root : "/", O_PATH | O_DIRECTORY | O_CLOEXEC), r, hidden;
    uint64_t ino = 0;
    char buf[64];
    struct proc_text t;

    if (dir < 0)
        return gyr_fail(err, -ENOENT, "cannot open %s: %s", root, strerror(errno));
    r = proc_read_file(dir, "proc/1/stat", buf, sizeof(buf));
    hidden = r == -ENOENT && faccessat(dir, "proc/version", F_OK, 0) == 0;
    if (r < 0 && !hidden) {
        proc_close(&dir);
        return gyr_fail(err, -ENOENT, "%s/proc shows no processes: is it mounted?", root);
    }
    r = proc_read_link(dir, who, buf, sizeof(buf));
    t = proc_text(buf, r > 0 ? (size_t)r : 0);
    if (proc_bracketed(&t, "pid:[", &ino) && ino != FIRST_PIDNS) {
        proc_close(&dir);
        return gyr_fail(err, -EXDEV,
                        "%s/proc shows only the processes of a container (PID namespace %llu), not "
                        "those of the machine: share the host's PID namespace, or mount its /proc",
                        root, (unsigned long long)ino);
    }
    proc_close(&dir);
    if (hidden)
        return gyr_fail(
            err, -EACCES,
            "%s/proc hides other users' processes (hidepid): what they are is not known "
            "until they start another program",
            root);
    if (!may_look_into_others())
        return gyr_fail(err, -EACCES,
                        "programs and descriptors of other users' processes in %s/proc are closed "
                        "to us: CAP_SYS_PTRACE opens them",
                        root);
    return 0;
}
