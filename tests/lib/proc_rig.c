/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proc_rig.h"
#include "syscall/syscall.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

const struct proc_teller *proc_rig_teller;

static uint32_t width_of(uint16_t type)
{
    switch (type) {
    case GYR_P_U8:
    case GYR_P_I8:
        return 1;
    case GYR_P_U16:
    case GYR_P_I16:
        return 2;
    case GYR_P_U32:
    case GYR_P_I32:
        return 4;
    case GYR_P_U64:
    case GYR_P_I64:
    case GYR_P_TIME:
        return 8;
    default:
        return 0;
    }
}

/* Of the schema's form, as a capture's tables are. */
static void check(const struct gyr_event *ev)
{
    const struct gyr_event_type *t = syscall_event_type(ev->type);

    assert_int_equal(ev->flags, GYR_EVF_SNAPSHOT);
    assert_int_equal(ev->num, 0);
    assert_true(ev->ts_ns > 0);
    if (ev->type >= GYR_EV_CORE_MIN) {
        assert_int_equal(ev->nparams, 0);
        return;
    }
    assert_non_null(t);
    assert_int_equal(ev->nparams, t->n_params);
    for (uint32_t i = 0; i < ev->nparams; i++) {
        uint16_t type = t->params[i].type;
        uint32_t len;
        const uint8_t *p = gyr_param(ev, i, &len);

        if (len && width_of(type) && len != width_of(type))
            fail_msg("%s.%s has %u bytes", t->name, t->params[i].name, len);
        if (len && (type == GYR_P_STR || type == GYR_P_STRS) && p[len - 1] != 0)
            fail_msg("%s.%s has no NUL", t->name, t->params[i].name);
        if (len > 4096 + 64)
            fail_msg("%s.%s has %u bytes", t->name, t->params[i].name, len);
    }
}

unsigned proc_rig_run(struct proc_snapshot *s, struct scap_events *e)
{
    struct scap_batch batch = {0};
    const struct gyr_event *ev;
    struct gyr_error err = {0};
    unsigned batches = 1;
    int r;

    memset(e, 0, sizeof(*e));
    while ((r = proc_snapshot_next(s, &batch, &ev, &err)) == 1 || r == -ENOBUFS) {
        if (r == 1) {
            check(ev);
            scap_events_add(e, ev);
        } else {
            batch.used = 0;
            batches++;
        }
    }
    scap_batch_free(&batch);
    if (r < 0)
        fail_msg("%s", err.msg);
    return batches;
}

void proc_rig_take(const char *root, int64_t tid, struct scap_events *e)
{
    const struct proc_conf conf = {.host_root = root, .teller = proc_rig_teller};
    struct proc_snapshot *s;
    struct gyr_error err;

    if (proc_snapshot_new(&conf, &s, &err) < 0)
        fail_msg("%s", err.msg);
    if (tid >= 0)
        proc_snapshot_thread(s, tid);
    (void)proc_rig_run(s, e);
    proc_snapshot_free(s);
}

const struct gyr_event *proc_rig_process(const struct scap_events *e, int64_t tid)
{
    for (size_t i = 0; i < e->n; i++)
        if (e->ev[i]->type == EV_SNAP_PROCESS && e->ev[i]->tid == tid)
            return e->ev[i];
    return NULL;
}

const struct gyr_event *proc_rig_fd(const struct scap_events *e, int64_t tid, int64_t fd)
{
    for (size_t i = 0; i < e->n; i++)
        if (e->ev[i]->type == EV_SNAP_FD && e->ev[i]->tid == tid &&
            proc_rig_num(e->ev[i], P_SNAP_FD__fd) == fd)
            return e->ev[i];
    return NULL;
}

size_t proc_rig_count(const struct scap_events *e, uint16_t type)
{
    size_t n = 0;

    for (size_t i = 0; i < e->n; i++)
        n += e->ev[i]->type == type;
    return n;
}

int64_t proc_rig_num(const struct gyr_event *ev, uint32_t param)
{
    int64_t v = 0;

    assert_non_null(ev);
    if (!gyr_param_i64(ev, param, &v))
        fail_msg("parameter %u is absent", param);
    return v;
}

void proc_rig_assert_text(const struct gyr_event *ev, uint32_t param, const char *want)
{
    const char *s;
    uint32_t n;

    assert_non_null(ev);
    if (!gyr_param_str(ev, param, &s, &n))
        fail_msg("parameter %u is absent", param);
    assert_string_equal(s, want);
}

void proc_rig_assert_bytes(const struct gyr_event *ev, uint32_t param, const void *want, size_t n)
{
    const uint8_t *p;
    uint32_t len;

    assert_non_null(ev);
    p = gyr_param(ev, param, &len);
    assert_int_equal(len, n);
    assert_memory_equal(p, want, n);
}

/* ---- made-up trees ---- */

void proc_rig_root(char root[64])
{
    (void)snprintf(root, 64, "/tmp/gyr-proc-XXXXXX");
    assert_non_null(mkdtemp(root));
    proc_rig_text(root, "proc/version", "made up\n");
    proc_rig_text(root, "etc/passwd", "root:x:0:0:root:/root:/bin/bash\n");
    proc_rig_text(root, "etc/group", "root:x:0:\n");
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

void proc_rig_remove(const char *root)
{
    assert_int_equal(nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static const char *place(const char *root, const char *path)
{
    static char full[512];
    char *p = full + strlen(root) + 1;

    (void)snprintf(full, sizeof(full), "%s/%s", root, path);
    for (; (p = strchr(p, '/')); *p++ = '/') {
        *p = 0;
        if (mkdir(full, 0755) < 0 && errno != EEXIST)
            fail_msg("%s: %s", full, strerror(errno));
    }
    return full;
}

void proc_rig_file(const char *root, const char *path, const void *p, size_t n)
{
    FILE *f = fopen(place(root, path), "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(p, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

void proc_rig_text(const char *root, const char *path, const char *text)
{
    proc_rig_file(root, path, text, strlen(text));
}

void proc_rig_link(const char *root, const char *path, const char *to)
{
    const char *full = place(root, path);

    (void)unlink(full);
    assert_int_equal(symlink(to, full), 0);
}

void proc_rig_add(const char *root, unsigned pid, unsigned ppid, const char *comm)
{
    char path[64], text[512];

    (void)snprintf(path, sizeof(path), "proc/%u/stat", pid);
    (void)snprintf(text, sizeof(text),
                   "%u (%s) S %u %u 7 34816 -1 4194560 11 12 13 14 0 0 0 0 20 0 1 0 500 1 1 1 1\n",
                   pid, comm, ppid, pid);
    proc_rig_text(root, path, text);
    (void)snprintf(path, sizeof(path), "proc/%u/status", pid);
    (void)snprintf(
        text, sizeof(text),
        "Name:\t%s\nUmask:\t0022\nState:\tS (sleeping)\nTgid:\t%u\nPid:\t%u\nPPid:\t%u\n"
        "Uid:\t1\t1000\t3\t4\nGid:\t5\t1001\t7\t8\nNStgid:\t%u\nNSpid:\t%u\nNSpgid:\t%u\n"
        "VmSize:\t    2500 kB\nVmRSS:\t    1404 kB\nVmSwap:\t       9 kB\n"
        "CapInh:\t0000000000000001\nCapPrm:\t000001ffffffffff\n"
        "CapEff:\t00000000a80425fb\n",
        comm, pid, pid, ppid, pid, pid, pid);
    proc_rig_text(root, path, text);
    (void)snprintf(path, sizeof(path), "proc/%u/cmdline", pid);
    proc_rig_file(root, path, "prog\0-a\0b c", 12);
}
